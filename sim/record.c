/* Writing and reading recordings. The recorder stands between host and link, and between session
 * and outside, and changes nothing that passes. The reader trusts nothing. */
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../stack/base/check.h"
#include "../stack/link/frame.h"

#define MAGIC "TAPIRREC"
#define VERSION 1

static_assert(RECORD_MAX >= PKT_MAX_LEN + RECORD_FACTS, "a frame fits a record");

struct recorder {
	struct link link;
	struct link *inner;
	struct outside outside;
	FILE *file;
	char path[256];
	uint8_t buf[RECORD_MAX];
};

static void wr64(uint8_t *p, uint64_t v)
{
	wr32(p, (uint32_t)(v >> 32));
	wr32(p + 4, (uint32_t)v);
}

static void put(FILE *f, enum record_kind kind, const void *bytes, size_t len)
{
	uint8_t head[5] = {(uint8_t)kind};

	wr32(head + 1, (uint32_t)len);
	fwrite(head, 1, sizeof(head), f);
	fwrite(bytes, 1, len, f);
}

/* ---- frames ---- */

static size_t put_frame(uint8_t *to, const struct pkt *p)
{
	to[0] = p->csum;
	to[1] = p->csum == CSUM_PARTIAL ? p->l4_proto : 0;
	wr16(to + 2, p->csum == CSUM_PARTIAL ? p->l4_off : 0);
	wr16(to + 4, p->gso_size);
	wr16(to + 6, p->gso_segs);
	wr32(to + 8, 0);
	pkt_copy_out(p, 0, to + RECORD_FACTS, p->len);
	return RECORD_FACTS + p->len;
}

struct pkt *recording_frame(const struct record *r, struct pkt_pool *pool)
{
	const uint8_t *b = r->bytes;
	struct pkt *p;

	if (r->len < RECORD_FACTS || r->len - RECORD_FACTS > PKT_MAX_LEN || b[0] > CSUM_PARTIAL)
		return NULL;
	p = pkt_of_bytes(pool, b + RECORD_FACTS, r->len - RECORD_FACTS);
	if (!p)
		return NULL;
	p->csum = b[0];
	p->gso_size = rd16(b + 4);
	p->gso_segs = rd16(b + 6);
	if (b[0] == CSUM_PARTIAL && !frame_mark_partial(p, rd16(b + 2), b[1] == 6 ? 16 : 6)) {
		pkt_free(p);
		return NULL;
	}
	return p;
}

bool recording_same(const struct record *r, const struct pkt *p, uint32_t *at)
{
	static uint8_t now[RECORD_MAX];
	size_t len = put_frame(now, p), i = 0;

	while (i < len && i < r->len && now[i] == r->bytes[i])
		i++;
	*at = i < RECORD_FACTS ? 0 : (uint32_t)(i - RECORD_FACTS);
	return i == len && i == r->len;
}

/* ---- the recorder as a link ---- */

static struct recorder *of(const struct link *l)
{
	return container_of((struct link *)(uintptr_t)l, struct recorder, link);
}

static size_t rec_recv(struct link *l, struct pkt **out, size_t max)
{
	return of(l)->inner->ops->recv(of(l)->inner, out, max);
}

/* What is sent is the link's afterwards, so it is written down first, frame by frame. */
static size_t rec_send(struct link *l, struct pkt *const *in, size_t n)
{
	struct recorder *r = of(l);
	size_t k = 0;

	for (; k < n; k++) {
		size_t len = put_frame(r->buf, in[k]);

		if (r->inner->ops->send(r->inner, in + k, 1) == 0)
			break;
		put(r->file, REC_FRAME_OUT, r->buf, len);
	}
	if (k < n)
		put(r->file, REC_FULL, "", 0);
	return k;
}

static ns_t rec_deadline(const struct link *l)
{
	const struct link *inner = of(l)->inner;

	return inner->ops->deadline ? inner->ops->deadline(inner) : NS_NEVER;
}

static int rec_fd(const struct link *l)
{
	const struct link *inner = of(l)->inner;

	return inner->ops->fd ? inner->ops->fd(inner) : -1;
}

static void rec_close(struct link *l)
{
	(void)l; /* record_close does, and the inner link is its owner's */
}

static const struct link_ops rec_ops = {
	.recv = rec_recv,
	.send = rec_send,
	.deadline = rec_deadline,
	.fd = rec_fd,
	.close = rec_close,
};

struct link *record_link(struct recorder *r)
{
	return &r->link;
}

/* ---- the recorder as the outside ---- */

static void rec_fresh(void *arg, uint8_t entropy[TLS_ENTROPY], int64_t *unix_time)
{
	struct recorder *r = arg;
	uint8_t b[TLS_ENTROPY + 8];

	r->outside.fresh(r->outside.arg, entropy, unix_time);
	memcpy(b, entropy, TLS_ENTROPY);
	wr64(b + TLS_ENTROPY, (uint64_t)*unix_time);
	put(r->file, REC_FRESH, b, sizeof(b));
}

static size_t rec_out(void *arg, const void *bytes, size_t len)
{
	struct recorder *r = arg;
	size_t n = r->outside.out(r->outside.arg, bytes, len);
	uint8_t b[4];

	wr32(b, (uint32_t)n);
	put(r->file, REC_OUT, b, sizeof(b));
	return n;
}

struct outside record_outside(struct recorder *r)
{
	return (struct outside){.fresh = rec_fresh, .out = rec_out, .arg = r};
}

/* ---- files ---- */

static void put_head(struct recorder *r, const struct session_options *o, int argc, char **argv)
{
	const struct link_caps *c = &r->inner->caps;
	uint8_t b[8 + 2 + 1 + 4 + 2];

	fwrite(MAGIC, 1, 8, r->file);
	fputc(VERSION, r->file);
	wr64(b, o->seed);
	wr16(b + 8, c->mtu);
	b[10] = (uint8_t)(c->csum_tx | c->csum_rx << 1);
	wr32(b + 11, c->tso_max);
	wr16(b + 15, (uint16_t)argc);
	fwrite(b, 1, sizeof(b), r->file);
	for (int i = 0; i < argc; i++) {
		uint8_t len[2];

		wr16(len, (uint16_t)strlen(argv[i]));
		fwrite(len, 1, 2, r->file);
		fwrite(argv[i], 1, strlen(argv[i]), r->file);
	}
}

struct recorder *record_open(const char *path, const struct session_options *o, int argc, char **argv,
			     struct link *inner, const struct outside *outside, char *err, size_t cap)
{
	struct recorder *r = calloc(1, sizeof(*r));
	int fd = r ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;

	if (fd < 0 || !(r->file = fdopen(fd, "wb"))) {
		snprintf(err, cap, "%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		free(r);
		return NULL;
	}
	assert(argc <= RECORD_ARGS);
	snprintf(r->path, sizeof(r->path), "%s", path);
	r->inner = inner;
	r->outside = *outside;
	r->link = *inner;
	r->link.ops = &rec_ops;
	put_head(r, o, argc, argv);
	return r;
}

void record_turn(struct recorder *r, ns_t now, struct pkt *const *in, size_t n)
{
	uint8_t b[8];

	wr64(b, (uint64_t)now);
	put(r->file, REC_TURN, b, sizeof(b));
	for (size_t i = 0; i < n; i++)
		put(r->file, REC_FRAME_IN, r->buf, put_frame(r->buf, in[i]));
}

void record_user(struct recorder *r, enum record_kind kind, const void *bytes, size_t len)
{
	assert(len <= RECORD_MAX);
	put(r->file, kind, len ? bytes : "", len);
}

bool record_close(struct recorder *r, char *err, size_t cap)
{
	bool ok;

	put(r->file, REC_END, "", 0);
	ok = !ferror(r->file);
	ok &= fclose(r->file) == 0;
	if (!ok)
		snprintf(err, cap, "%s: %s", r->path, strerror(errno));
	free(r);
	return ok;
}

/* ---- reading ---- */

static bool get(struct recording *rec, void *to, size_t n)
{
	return fread(to, 1, n, rec->file) == n;
}

static bool get_args(struct recording *rec, int n)
{
	if (n < 1 || n > RECORD_ARGS)
		return false;
	for (; rec->argc < n; rec->argc++) {
		uint8_t b[2];
		char *arg;

		if (!get(rec, b, 2))
			return false;
		arg = calloc(1, rd16(b) + 1u);
		if (!arg)
			return false;
		rec->argv[rec->argc] = arg;
		if (!get(rec, arg, rd16(b))) {
			rec->argc++;
			return false;
		}
	}
	return true;
}

bool recording_open(struct recording *rec, const char *path, char *err, size_t cap)
{
	uint8_t magic[9], b[17];

	memset(rec, 0, sizeof(*rec));
	rec->path = path;
	rec->file = fopen(path, "rb");
	if (!rec->file) {
		snprintf(err, cap, "%s: %s", path, strerror(errno));
		return false;
	}
	if (!get(rec, magic, 9) || memcmp(magic, MAGIC, 8) != 0 || magic[8] != VERSION) {
		snprintf(err, cap, "%s: no recording, one made by --record expected", path);
		recording_close(rec);
		return false;
	}
	if (!get(rec, b, sizeof(b)) || !get_args(rec, rd16(b + 15))) {
		snprintf(err, cap, "%s: the recording's head is damaged", path);
		recording_close(rec);
		return false;
	}
	rec->seed = rd64(b);
	rec->caps.mtu = rd16(b + 8);
	rec->caps.csum_tx = b[10] & 1;
	rec->caps.csum_rx = b[10] & 2;
	rec->caps.tso_max = rd32(b + 11);
	recording_take(rec);
	return true;
}

void recording_take(struct recording *rec)
{
	struct record *r = &rec->next;
	uint8_t head[5];

	if (rec->bad || (rec->number && r->kind == REC_END))
		return;
	rec->number++;
	r->kind = REC_END;
	r->len = 0;
	if (!get(rec, head, 5) || head[0] > REC_FRESH || rd32(head + 1) > RECORD_MAX ||
	    !get(rec, r->bytes, rd32(head + 1))) {
		rec->bad = true;
		snprintf(rec->err, sizeof(rec->err), "%.100s: record %llu is damaged or cut off",
			 rec->path, (unsigned long long)rec->number);
		return;
	}
	r->kind = head[0];
	r->len = rd32(head + 1);
}

void recording_close(struct recording *rec)
{
	if (rec->file)
		fclose(rec->file);
	for (int i = 0; i < rec->argc; i++)
		free(rec->argv[i]);
	memset(rec, 0, sizeof(*rec));
}
