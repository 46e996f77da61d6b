/* Coalescing: what is joined, what is not, and that nobody can tell by what comes of it. */
#include <string.h>

#include "../../stack/base/rng.h"
#include "../lib/lone.h"

#define BATCH 16
#define TEXT 1000

/* Frames from a peer, given as what one drain of the link brought. */
struct batch {
	struct pkt *p[BATCH];
	size_t n;
};

static uint8_t *add(struct lone *l, struct batch *b, const struct lone_peer *p, struct seg *g)
{
	uint8_t f[LONE_FRAME];
	size_t len = lone_frame(f, p, g, NULL);
	struct chunk *c = chunk_for(&l->pool, len);

	CU_ASSERT_TRUE_FATAL(c != NULL && b->n < BATCH);
	memcpy(c->data, f, len);
	b->p[b->n++] = pkt_of_chunk(&l->pool, c, 0, (uint32_t)len);
	return c->data;
}

static struct seg text_at(const struct lone_peer *p, uint32_t off, uint32_t len)
{
	struct seg g = {.seq = seq_of(p->nxt + off), .ack = seq_of(p->ack), .flags = TH_ACK, .wnd = p->wnd, .len = len};

	g.opt.has_ts = p->ts;
	g.opt.ts_val = p->ts_val;
	g.opt.ts_ecr = p->ts_ecr;
	return g;
}

static void give(struct lone *l, struct batch *b)
{
	stack_input_many(l->s, b->p, b->n, l->now);
	b->n = 0;
	lone_turn(l);
}

static struct lone *connected(struct lone_peer *p)
{
	struct lone *l = lone_open();

	*p = lone_peer(1);
	lone_handshake(l, p);
	lone_forget(l);
	return l;
}

static void frames_that_continue_each_other_are_one_unit(void)
{
	struct lone_peer p;
	struct lone *l = connected(&p);
	struct batch b = {.n = 0};
	struct sock_info i;
	uint64_t units = stack_counters(l->s)->tcp_in;

	for (uint32_t k = 0; k < 5; k++) {
		struct seg g = text_at(&p, k * TEXT, k < 4 ? TEXT : 300);

		g.flags |= k == 4 ? TH_PSH : 0;
		add(l, &b, &p, &g);
	}
	give(l, &b);

	CU_ASSERT_EQUAL(stack_counters(l->s)->tcp_in - units, 1);
	CU_ASSERT_TRUE_FATAL(lone_info(l, &p, &i));
	CU_ASSERT_EQUAL(i.data_segs_in, 5);
	CU_ASSERT_EQUAL(i.rcv_nxt, p.nxt + 4300);
	CU_ASSERT_EQUAL(lone_read(l, &p, p.nxt), 4300);
	CU_ASSERT_EQUAL(l->heard[0].ack.v, p.nxt + 4300);
	lone_free(l);
}

/* ---- what is not joined ---- */

static void other_ack(struct seg *g) { g->ack = seq_add(g->ack, -1); }
static void other_window(struct seg *g) { g->wnd--; }
static void other_stamp(struct seg *g) { g->opt.ts_val++; }
static void no_stamp(struct seg *g) { g->opt.has_ts = false; }
static void a_gap(struct seg *g) { g->seq = seq_add(g->seq, 1); }
static void an_overlap(struct seg *g) { g->seq = seq_add(g->seq, -1); }
static void fin(struct seg *g) { g->flags |= TH_FIN; }
static void rst(struct seg *g) { g->flags |= TH_RST; }
static void syn(struct seg *g) { g->flags |= TH_SYN; }
static void urg(struct seg *g) { g->flags |= TH_URG; }
static void ece(struct seg *g) { g->flags |= TH_ECE; }
static void bare(struct seg *g) { g->len = 0; }
static void longer(struct seg *g) { g->len++; }
static void other_ttl(uint8_t *f) { f[14 + 8]--; }
static void other_codepoint(uint8_t *f) { f[14 + 1] ^= 1; }
static void marked(uint8_t *f) { f[14 + 1] |= 3; }
static void other_source(uint8_t *f) { f[14 + 15] ^= 1; }
static void other_port(uint8_t *f) { f[14 + 20 + 1] ^= 1; }

static const struct {
	const char *name;
	void (*seg)(struct seg *);
	void (*frame)(uint8_t *);
} differences[] = {
	{"acknowledgement", other_ack, NULL}, {"window", other_window, NULL}, {"timestamp", other_stamp, NULL},
	{"options", no_stamp, NULL},          {"a gap", a_gap, NULL},         {"an overlap", an_overlap, NULL},
	{"FIN", fin, NULL},                   {"RST", rst, NULL},             {"SYN", syn, NULL},
	{"URG", urg, NULL},                   {"ECE", ece, NULL},             {"no text", bare, NULL},
	{"longer", longer, NULL},             {"TTL", NULL, other_ttl},       {"codepoint", NULL, other_codepoint},
	{"CE", NULL, marked},                 {"source", NULL, other_source}, {"port", NULL, other_port},
};

static void what_differs_is_not_joined(void)
{
	for (size_t i = 0; i < ARRAY_LEN(differences); i++) {
		struct lone_peer p;
		struct lone *l = connected(&p);
		struct batch b = {.n = 0};
		struct seg one = text_at(&p, 0, TEXT), two = text_at(&p, TEXT, TEXT);
		uint64_t units = stack_counters(l->s)->tcp_in;

		if (differences[i].seg)
			differences[i].seg(&two);
		add(l, &b, &p, &one);
		uint8_t *f = add(l, &b, &p, &two);

		if (differences[i].frame) {
			differences[i].frame(f);
			lone_sum(f, b.p[1]->len);
		}
		give(l, &b);
		if (stack_counters(l->s)->tcp_in - units != 2)
			CU_FAIL(differences[i].name);
		lone_free(l);
	}
}

static void a_wrong_checksum_spoils_only_its_own_frame(void)
{
	struct lone_peer p;
	struct lone *l = connected(&p);
	struct batch b = {.n = 0};
	struct sock_info i;

	for (uint32_t k = 0; k < 3; k++) {
		struct seg g = text_at(&p, k * TEXT, TEXT);
		uint8_t *f = add(l, &b, &p, &g);

		f[b.p[k]->len - 1] ^= k == 1;
	}
	give(l, &b);

	CU_ASSERT_EQUAL(stack_counters(l->s)->tcp_bad_csum, 1);
	CU_ASSERT_TRUE_FATAL(lone_info(l, &p, &i));
	CU_ASSERT_EQUAL(i.rcv_nxt, p.nxt + TEXT);
	CU_ASSERT_EQUAL(i.ooo_segs, 1);
	lone_free(l);
}

static void what_was_pushed_ends_a_unit(void)
{
	struct lone_peer p;
	struct lone *l = connected(&p);
	struct batch b = {.n = 0};
	uint64_t units = stack_counters(l->s)->tcp_in;

	for (uint32_t k = 0; k < 4; k++) {
		struct seg g = text_at(&p, k * TEXT, TEXT);

		g.flags |= k == 1 ? TH_PSH : 0;
		add(l, &b, &p, &g);
	}
	give(l, &b);

	CU_ASSERT_EQUAL(stack_counters(l->s)->tcp_in - units, 2);
	CU_ASSERT_EQUAL(lone_read(l, &p, p.nxt), 4 * TEXT);
	lone_free(l);
}

/* Without SACK the sender counts duplicate ACKs: as many as there were segments. */
static void each_early_segment_of_a_unit_is_owed_a_duplicate_ack(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);
	struct batch b = {.n = 0};

	p.sack = false;
	lone_handshake(l, &p);
	lone_forget(l);
	for (uint32_t k = 1; k < 5; k++) {
		struct seg g = text_at(&p, k * TEXT, TEXT);

		add(l, &b, &p, &g);
	}
	give(l, &b);

	CU_ASSERT_EQUAL(l->nheard, 4);
	for (size_t i = 0; i < l->nheard; i++)
		CU_ASSERT_EQUAL(l->heard[i].ack.v, p.nxt);
	lone_free(l);
}

/* The same frames to two stacks, one by one and in batches: segments of a stream, some twice, some
 * missing, some out of place, of odd lengths and flags. */
static void batches_come_to_the_same_as_single_frames(void)
{
	uint64_t read = 0;

	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct lone_peer p[2];
		struct lone *l[2] = {connected(&p[0]), connected(&p[1])};
		struct sock_info i[2];
		struct rng r;
		uint32_t at = 0;

		rng_init(&r, seed, "gro");
		for (int round = 0; round < 6; round++) {
			struct batch b[2] = {{.n = 0}, {.n = 0}};
			uint32_t n = 1 + rng_below(&r, BATCH);

			for (uint32_t k = 0; k < n; k++) {
				uint32_t len = rng_below(&r, 4) ? 400 : rng_below(&r, 401), odd = rng_below(&r, 12);
				uint32_t from = odd == 0 && at > 300 ? at - 300 : odd == 1 ? at + 200 : at;

				for (int side = 0; side < 2; side++) {
					struct seg g = text_at(&p[side], from, len);

					g.flags |= odd == 2 ? TH_PSH : 0;
					add(l[side], &b[side], &p[side], &g);
				}
				at = odd == 3 ? at : from + len;
			}
			give(l[0], &b[0]);
			for (size_t k = 0; k < b[1].n; k++)
				stack_input(l[1]->s, b[1].p[k], l[1]->now);
			lone_turn(l[1]);
		}
		for (int side = 0; side < 2; side++)
			CU_ASSERT_TRUE_FATAL(lone_info(l[side], &p[side], &i[side]));
		CU_ASSERT_EQUAL(i[0].rcv_nxt, i[1].rcv_nxt);
		CU_ASSERT_EQUAL(i[0].data_segs_in, i[1].data_segs_in);
		CU_ASSERT_EQUAL(i[0].unread, i[1].unread);
		read += i[0].unread;
		CU_ASSERT_EQUAL(lone_read(l[0], &p[0], p[0].nxt), i[0].unread);
		for (int side = 0; side < 2; side++)
			lone_free(l[side]);
	}
	CU_ASSERT_TRUE(read > 500000);
}

static const struct test_case cases[] = {
	TEST(frames_that_continue_each_other_are_one_unit),
	TEST(what_differs_is_not_joined),
	TEST(a_wrong_checksum_spoils_only_its_own_frame),
	TEST(what_was_pushed_ends_a_unit),
	TEST(each_early_segment_of_a_unit_is_owed_a_duplicate_ack),
	TEST(batches_come_to_the_same_as_single_frames),
};
TEST_SUITE(net_gro, cases);
