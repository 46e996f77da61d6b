/* Captures: arbitrary bytes as a file, and connections that the input describes, so that the judge of
 * segments sees more than the first damaged header. Everything that a user can ask for is made. */
#include "fuzz_entries.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "../../stack/base/check.h"
#include "../../traces/explain.h"
#include "../../traces/journey.h"
#include "../../traces/ladder.h"
#include "../../traces/reader.h"
#include "../../traces/score.h"
#include "lone.h"

struct looks {
	struct ladder *ladder;
	struct score score;
	struct hops hops;
	struct doc *frames;
	uint32_t shown;
};

static void look(void *arg, const struct seg_view *v)
{
	struct looks *k = arg;

	ladder_add(k->ladder, v);
	score_segment(&k->score, v);
	hops_add(&k->hops, v);
	assert(v->hi >= v->lo);
	if (k->shown++ < 50) {
		explain_frame(k->frames, v);
		json_decref(explain_frame_json(v, "x"));
	}
}

static void write_json(json_t *j)
{
	assert(j);
	json_dumpf(j, fuzz_nowhere(), JSON_REAL_PRECISION(15));
	json_decref(j);
}

static void show(struct analysis *a, struct looks *k, enum doc_form form)
{
	struct doc *d = doc_new(fuzz_nowhere(), form, "x");

	assert(d);
	explain_capture(d, a, "x");
	for (uint32_t i = 0; i < a->nconns; i++)
		explain_conn(d, a->conn[i]);
	score_print(d, &k->score, "x");
	doc_end(d);
	write_json(explain_json(a, "x", -1));
	write_json(score_json(&k->score, "x"));
	if (a->nconns)
		ladder_write(k->ladder, a->conn[0], fuzz_nowhere());
}

static void analyse(const uint8_t *bytes, size_t n, enum doc_form form)
{
	struct reader *r = reader_of_bytes(bytes, n);
	struct analysis *a = analysis_new();
	struct looks k = {.ladder = ladder_new(), .frames = doc_new(fuzz_nowhere(), form, "x")};
	struct reader_pkt p;
	enum reader_result got;
	uint64_t packets = 0;

	assert(r && a && k.ladder && k.frames);
	a->each = look;
	a->arg = &k;
	while ((got = reader_next(r, &p)) == READER_PACKET) {
		assert(p.caplen <= p.len && p.caplen <= n && ++packets <= n);
		analysis_packet(a, &p);
	}
	if (got == READER_DAMAGED)
		assert(strlen(reader_error(r)) > 0);
	analysis_finish(a);
	score_finish(&k.score, a);
	show(a, &k, form);
	doc_end(k.frames);
	ladder_free(k.ladder);
	score_free(&k.score);
	hops_free(&k.hops);
	analysis_free(a);
	reader_close(r);
}

void fuzz_capture(const uint8_t *bytes, size_t n)
{
	analyse(bytes, n, n & 1 ? DOC_HTML : DOC_TEXT);
}

static void put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 24);
}

/* ---- connections ---- */

#define IPID_AT (14 + 4)
#define ADDRS_AT (14 + 12)

struct film {
	uint8_t *b;
	size_t n, cap;
	uint64_t us;
};

static void film_header(struct film *m)
{
	put32(m->b, 0xa1b2c3d4u);
	put32(m->b + 4, 4u << 16 | 2);
	put32(m->b + 16, 65535);
	put32(m->b + 20, 1);
	m->n = 24;
}

static void film_frame(struct film *m, const uint8_t *f, size_t caplen, size_t len)
{
	uint8_t *p = m->b + m->n;

	assert(m->n + 16 + caplen <= m->cap);
	put32(p, (uint32_t)(m->us / 1000000));
	put32(p + 4, (uint32_t)(m->us % 1000000));
	put32(p + 8, (uint32_t)caplen);
	put32(p + 12, (uint32_t)len);
	memcpy(p + 16, f, caplen);
	m->n += 16 + caplen;
}

/* Two ends that mostly go on, and repeat, lose, or jump when the input says so. */
static void film_step(struct film *m, struct fuzz_in *in, struct lone_peer end[2], uint16_t *ipid)
{
	uint8_t how = fuzz_u8(in), what = fuzz_u8(in), side = how & 1;
	struct lone_peer *p = &end[side], *o = &end[!side];
	struct seg g = {.seq = seq_of(p->nxt), .ack = seq_of(o->nxt), .flags = TH_ACK, .wnd = 5000};
	uint8_t f[LONE_FRAME];

	m->us += (uint64_t)(how >> 4) * (how >> 4) * (how >> 4) * 100;
	if (how & 2)
		g.len = (uint32_t)(1 + (what & 3)) * 300;
	if (how & 4) {
		g.flags = fuzz_u8(in);
		g.seq = seq_of(p->nxt + (uint32_t)(int32_t)(int16_t)fuzz_u16(in));
	}
	if (how & 8) {
		g.ack = seq_of(o->nxt + (uint32_t)(int32_t)(int16_t)fuzz_u16(in));
		g.wnd = fuzz_u16(in);
	}
	if (what & 4)
		g.seq = seq_of(p->nxt - g.len); /* again */
	if (what & 8)
		g.opt = (struct tcp_opts){.has_ts = true, .ts_val = (uint32_t)(m->us / 1000), .ts_ecr = fuzz_u8(in)};
	if (what & 16) {
		g.opt.nsack = 1;
		g.opt.sack[0].lo = seq_of(o->nxt - fuzz_u16(in) % 3000);
		g.opt.sack[0].hi = seq_of(g.opt.sack[0].lo.v + 1 + fuzz_u16(in) % 3000);
	}
	size_t n = lone_frame(f, p, &g, NULL);

	*ipid = (uint16_t)(*ipid + (what >> 7));
	f[IPID_AT] = (uint8_t)(*ipid >> 8);
	f[IPID_AT + 1] = (uint8_t)*ipid;
	if (side)
		memcpy(f + ADDRS_AT, "\xc0\0\2\1\xc6\x33\x64\2", 8);
	film_frame(m, f, what & 32 ? n * 3 / 4 : n, n);
	if (what & 64)
		film_frame(m, f, n, n);
	if (!(what & 4) && seq_lt(seq_of(p->nxt), seq_add(g.seq, seg_len(&g))))
		p->nxt = g.seq.v + seg_len(&g);
}

void fuzz_flow(const uint8_t *bytes, size_t n)
{
	struct fuzz_in in = {bytes, n};
	struct lone_peer end[2] = {lone_peer(0), lone_peer(0)};
	struct film m = {.cap = 24 + (n + 1) * (2 * LONE_FRAME + 32) / 2};
	uint16_t ipid = 7;

	if (n > 4096)
		return;
	m.b = calloc(1, m.cap);
	assert(m.b);
	end[0].nxt = (uint32_t)fuzz_u8(&in) << 24; /* near the wrap, or not */
	end[1].nxt = end[0].nxt - 2000;
	end[1].port = end[0].stack_port;
	end[1].stack_port = end[0].port;
	film_header(&m);
	while (in.n)
		film_step(&m, &in, end, &ipid);
	analyse(m.b, m.n, DOC_MARKDOWN);
	free(m.b);
}

void fuzz_flow_seeds(fuzz_seed_fn *seed, void *arg)
{
	static const uint8_t shake[] = {0xff, 0x24, 0, TH_SYN, 0, 0, 0x25, 0, TH_SYN | TH_ACK, 0, 0, 0x10, 0};
	static const uint8_t rest[] = {2, 0x83, 2, 0x83, 0x11, 0, 0x11, 16, 0, 0, 5, 0, 2, 4, 2, 3, 0xf2, 6, 0x41, 8, 1,
				       0x14, 0, TH_FIN | TH_ACK, 0, 0, 0x25, 0, TH_FIN | TH_ACK, 0, 0, 0x10, 0};
	uint8_t f[sizeof(shake) + sizeof(rest)];

	memcpy(f, shake, sizeof(shake));
	memcpy(f + sizeof(shake), rest, sizeof(rest));
	seed(arg, shake, sizeof(shake));
	seed(arg, f, sizeof(f));
}

/* Both formats, made by our own writers: see also the captures that are kept. */
void fuzz_capture_seeds(fuzz_seed_fn *seed, void *arg)
{
	static const char *const names[] = {"build/fuzz-seed.pcap", "build/fuzz-seed.pcapng"};
	struct lone_peer p = lone_peer(0);
	uint8_t f[LONE_FRAME], file[8192];
	char err[200];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct trace_writer *w = trace_open(names[i], &(struct trace_options){.snaplen = 120}, err, sizeof(err));
		struct trace_iface iface = {.name = "x", .speed_bps = 1000};
		struct trace_frame frame = {.bytes = f, .dir = TRACE_OUT, .comment = "said", .truth = "why=rto xmit=2 lo=0 hi=9"};

		if (!w)
			continue;
		trace_add_iface(w, &iface);
		for (uint32_t k = 0; k < 4; k++) {
			struct seg g = {.seq = seq_of(1 + k / 3 * 100), .flags = k ? TH_ACK : TH_SYN, .len = k ? 100 : 0};

			frame.len = (uint32_t)lone_frame(f, &p, &g, NULL);
			frame.at = k * 300 * MS;
			trace_frame(w, &frame);
		}
		trace_close(w, err, sizeof(err));
		FILE *in = fopen(names[i], "rb");

		if (in) {
			seed(arg, file, fread(file, 1, sizeof(file), in));
			fclose(in);
		}
		remove(names[i]);
	}
}
