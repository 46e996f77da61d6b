/* tapir replay: the recorded inputs of a live run once more, in virtual time, and every frame that
 * comes out compared with the one that came out then. */
#include "cmd.h"
#include "record.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "../stack/base/check.h"
#include "../stack/wire/eth.h"
#include "../stack/wire/print.h"
#include "../traces/js.h"

struct replay {
	struct link link;
	struct recording rec;
	struct session s;
	ns_t now;
	uint64_t frames, turns;
	bool failed; /* the first difference was told */
	bool json;
	json_t *difference;
};

static struct replay *of(struct link *l)
{
	return container_of(l, struct replay, link);
}

/* ---- what is told of a difference ---- */

/* "10.0.0.1:80 > 10.0.0.2:1024 . 1:11(10) ack 1", or what else it is. */
static char *frame_text(char *to, size_t cap, const uint8_t *b, uint32_t len)
{
	struct eth_hdr eth;
	struct ip_hdr ip = {0};
	struct seg g;
	char text[SEG_TEXT], src[ADDR_TEXT + 8], dst[ADDR_TEXT + 8];
	uint32_t problem;
	uint8_t code;
	bool ok = eth_parse(b, len, &eth);

	if (ok && eth.type == ETH_IP4)
		ok = ip4_parse(b + eth.hdr_len, len - eth.hdr_len, &ip, true) == IP_OK;
	else if (ok && eth.type == ETH_IP6)
		ok = ip6_parse(b + eth.hdr_len, len - eth.hdr_len, &ip, &problem, &code) == IP_OK;
	else
		ok = false;
	if (!ok || ip.proto != PROTO_TCP || ip.frag ||
	    !tcp_parse(b + eth.hdr_len + ip.hdr_len, len - eth.hdr_len - ip.hdr_len, &g)) {
		snprintf(to, cap, "%u bytes, Ethernet type %04x", len, len > 13 ? rd16(b + 12) : 0);
		return to;
	}
	g.len = ip.payload_len - g.hdr_len;
	snprintf(to, cap, "%s > %s %s", endpoint_print(src, sizeof(src), &ip.src, g.sport),
		 endpoint_print(dst, sizeof(dst), &ip.dst, g.dport), seg_print(text, sizeof(text), &g, seq_of(0), seq_of(0)));
	return to;
}

#define FRAME_TEXT (SEG_TEXT + 2 * ADDR_TEXT + 40)

/* p NULL: nothing came. `at`: the first byte that differs. */
static void say_difference(struct replay *r, const struct pkt *p, uint32_t at)
{
	const struct record *rec = &r->rec.next;
	bool was = rec->kind == REC_FRAME_OUT;
	char recorded[FRAME_TEXT] = "nothing", came[FRAME_TEXT] = "nothing";
	static uint8_t now[PKT_MAX_LEN];

	if (was && rec->len >= RECORD_FACTS)
		frame_text(recorded, sizeof(recorded), rec->bytes + RECORD_FACTS, rec->len - RECORD_FACTS);
	if (p) {
		pkt_copy_out(p, 0, now, p->len);
		frame_text(came, sizeof(came), now, p->len);
	}
	if (r->json) {
		r->difference = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "frame", js_count(r->frames + 1), "time", js_time(r->now),
					  "record", js_count(r->rec.number), "byte", was && p ? js_count(at) : json_null(),
					  "recorded", was ? js_text(recorded) : json_null(), "now",
					  p ? js_text(came) : json_null());
		return;
	}
	printf("frame %llu, at %lld.%09lld s, record %llu: ", (unsigned long long)r->frames + 1,
	       (long long)(r->now / SEC), (long long)(r->now % SEC), (unsigned long long)r->rec.number);
	if (was)
		printf("differs from the recorded one at byte %u\n", at);
	else
		printf("none was recorded here\n");
	printf("  recorded: %s\n  now     : %s\n", recorded, came);
}

static void fail(struct replay *r, const struct pkt *p, uint32_t at)
{
	if (!r->failed)
		say_difference(r, p, at);
	r->failed = true;
}

/* ---- the link and the outside, from the recording ---- */

static size_t replay_recv(struct link *l, struct pkt **out, size_t max)
{
	(void)l;
	(void)out;
	(void)max;
	return 0; /* frames come with their turn */
}

static size_t replay_send(struct link *l, struct pkt *const *in, size_t n)
{
	struct replay *r = of(l);
	uint32_t at = 0;

	for (size_t i = 0; i < n; i++) {
		if (r->failed) {
			pkt_free(in[i]);
			continue;
		}
		if (r->rec.next.kind == REC_FULL) {
			recording_take(&r->rec);
			return i;
		}
		if (r->rec.next.kind != REC_FRAME_OUT || !recording_same(&r->rec.next, in[i], &at))
			fail(r, in[i], at);
		else
			recording_take(&r->rec);
		r->frames++;
		pkt_free(in[i]);
	}
	return n;
}

static void replay_close(struct link *l)
{
	(void)l;
}

static const struct link_ops replay_ops = {
	.recv = replay_recv,
	.send = replay_send,
	.close = replay_close,
};

static void replay_fresh(void *arg, uint8_t entropy[TLS_ENTROPY], int64_t *unix_time)
{
	struct replay *r = arg;
	struct record *rec = &r->rec.next;

	memset(entropy, 0, TLS_ENTROPY);
	*unix_time = 0;
	if (r->failed)
		return;
	if (rec->kind != REC_FRESH || rec->len != TLS_ENTROPY + 8) {
		fail(r, NULL, 0);
		return;
	}
	memcpy(entropy, rec->bytes, TLS_ENTROPY);
	*unix_time = (int64_t)rd64(rec->bytes + TLS_ENTROPY);
	recording_take(&r->rec);
}

static size_t replay_out(void *arg, const void *bytes, size_t len)
{
	struct replay *r = arg;
	struct record *rec = &r->rec.next;
	uint32_t n = rec->kind == REC_OUT && rec->len == 4 ? rd32(rec->bytes) : UINT32_MAX;

	(void)bytes;
	if (r->failed)
		return len;
	if (n > len) {
		fail(r, NULL, 0);
		return len;
	}
	recording_take(&r->rec);
	return n;
}

/* ---- turns ---- */

/* One input of a turn that was recorded ahead of it; false: the next record is none. */
static bool take_input(struct replay *r, struct pkt **in, size_t *n)
{
	struct record *rec = &r->rec.next;
	bool pipe = r->s.opt.host != NULL;

	switch (rec->kind) {
	case REC_FRAME_IN:
		if (*n == HOST_BATCH)
			return false;
		in[*n] = recording_frame(rec, &r->s.pool);
		if (!in[*n])
			return false;
		(*n)++;
		break;
	case REC_INPUT:
		if (!pipe || rec->len > app_pipe_room(r->s.app))
			return false;
		app_pipe_push(r->s.app, rec->bytes, rec->len);
		break;
	case REC_INPUT_END:
		if (!pipe)
			return false;
		app_pipe_eof(r->s.app);
		break;
	case REC_WRITABLE:
		if (!pipe)
			return false;
		app_pipe_writable(r->s.app);
		break;
	case REC_STOP:
		host_stop(r->s.host);
		break;
	default:
		return false;
	}
	recording_take(&r->rec);
	return true;
}

/* False: this is no turn, the recording is damaged. */
static bool turn(struct replay *r)
{
	struct pkt *in[HOST_BATCH];
	size_t n = 0;
	ns_t now;

	if (r->rec.next.kind != REC_TURN || r->rec.next.len != 8)
		return false;
	now = (ns_t)rd64(r->rec.next.bytes);
	if (now < r->now || now > NS_NEVER / 4)
		return false;
	r->now = now;
	r->turns++;
	recording_take(&r->rec);
	while (take_input(r, in, &n))
		;
	host_turn(r->s.host, now, in, n);
	if (!r->failed && r->rec.next.kind == REC_FRAME_OUT)
		fail(r, NULL, 0); /* one was recorded that did not come */
	return true;
}

static int play(struct replay *r)
{
	while (!r->failed && r->rec.next.kind != REC_END)
		if (!turn(r)) {
			fprintf(stderr, "tapir replay: %s: record %llu does not fit here\n", r->rec.path,
				(unsigned long long)r->rec.number);
			return 2;
		}
	if (r->rec.bad) {
		fprintf(stderr, "tapir replay: %s\n", r->rec.err);
		return 2;
	}
	if (r->json)
		js_print(stdout, json_pack("{s:o, s:o, s:o, s:b, s:o}", "file", js_text(r->rec.path), "frames", js_count(r->frames),
					   "turns", js_count(r->turns), "same", !r->failed, "difference",
					   r->difference ? r->difference : json_null()), false);
	if (r->failed || r->json)
		return r->failed;
	printf("%s: %llu frames in %llu turns, all as recorded\n", r->rec.path,
	       (unsigned long long)r->frames, (unsigned long long)r->turns);
	return 0;
}

/* The recorded command line, without what would write files again. */
static int options(struct replay *r, struct session_options *o)
{
	int bad;

	if (r->rec.argc < 1 ||
	    (strcmp(r->rec.argv[0], "serve") != 0 && strcmp(r->rec.argv[0], "connect") != 0)) {
		fprintf(stderr, "tapir replay: %s: made by an unknown command\n", r->rec.path);
		return 2;
	}
	bad = session_parse(o, r->rec.argc, r->rec.argv);
	o->seed = r->rec.seed;
	o->capture = o->keylog = o->record = o->impair = NULL;
	o->quiet = true;
	return bad;
}

static int replay_file(struct replay *r, const char *path)
{
	const struct outside outside = {replay_fresh, replay_out, r};
	struct session_options o;
	char err[512];
	int code;

	if (!recording_open(&r->rec, path, err, sizeof(err))) {
		fprintf(stderr, "tapir replay: %s\n", err);
		return 2;
	}
	r->link.ops = &replay_ops;
	r->link.caps = r->rec.caps;
	code = options(r, &o);
	if (!code) {
		code = session_open(&r->s, &o);
		r->s.no_output = true;
		if (!code)
			code = session_start(&r->s, &r->link, &outside, 0);
		if (!code)
			code = play(r);
		r->failed = true; /* what comes out while ending was not recorded */
		session_stop(&r->s);
		session_free(&r->s);
	}
	recording_close(&r->rec);
	return code;
}

static int run(int argc, char **argv)
{
	static const struct option longs[] = {{"json", no_argument, NULL, 'j'}, {0}};
	bool json = false;
	int c, code;

	optind = opterr = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1)
		if (c == 'j')
			json = true;
		else
			return option_error("replay", argv, longs);
	if (argc - optind != 1)
		return usage_error("replay", "one RECORDING expected");
	struct replay *r = calloc(1, sizeof(*r));

	if (!r)
		return 2;
	r->json = json;
	code = replay_file(r, argv[optind]);
	free(r);
	return code;
}

const struct command cmd_replay = {
	.name = "replay",
	.args = "RECORDING [--json]",
	.summary = "a recorded live run once more, in virtual time, and its frames compared",
	.help = "RECORDING was made by `tapir serve` or `tapir connect` with --record. The files that the\n"
		"run read (certificates, what http served) must be as they were. The first frame that\n"
		"differs is shown beside the recorded one, and the exit code is 1.\n\n"
		"  --json  {file, frames, turns, same, difference: null or {frame, time, record, byte, recorded, now}}\n",
	.run = run,
};
