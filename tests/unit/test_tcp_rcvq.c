/* The receive queue against a naive array with one flag a byte. */
#include "../lib/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "tcp/tcp_rcvq.h"

#define SPACE 200000 /* bytes of stream that the model knows */

struct model {
	struct pkt_pool pool;
	struct rcvq q;
	seq_t base, nxt; /* sequence number of model byte 0; rcv.nxt */
	uint8_t *byte;   /* the first copy of each */
	bool *has;
	uint32_t read;   /* bytes handed to the reader */
	struct rng rng;
};

static void model_init(struct model *m, uint32_t base, uint32_t chunks)
{
	pkt_pool_init(&m->pool, 0, chunks);
	rcvq_init(&m->q);
	m->base = m->nxt = seq_of(base);
	m->byte = calloc(SPACE, 1);
	m->has = calloc(SPACE, sizeof(bool));
	m->read = 0;
	rng_init(&m->rng, base, "rcvq");
}

static void model_free(struct model *m)
{
	rcvq_free(&m->q, &m->pool);
	pkt_pool_free(&m->pool);
	free(m->byte);
	free(m->has);
}

/* A segment of n bytes for model offset at, all of value v, behind a head of 54 bytes. `device`: the
 * frame fills a chunk, as a device's does; else payload comes as slices, as from a send queue. */
static struct pkt *segment(struct model *m, uint32_t n, uint8_t v, bool device)
{
	uint8_t bytes[54 + 4000] = {0};

	memset(bytes + 54, v, n);
	if (device)
		return pkt_of_bytes(&m->pool, bytes, 54 + n);

	struct pkt *p = pkt_of_bytes(&m->pool, bytes, 54);

	for (uint32_t at = 0; at < n;) {
		uint32_t k = n - at < 700 ? n - at : 700;
		struct chunk *c = chunk_new(&m->pool, CHUNK_SMALL);

		memset(c->data, v, k);
		c->used = k;
		CU_ASSERT_TRUE_FATAL(pkt_add_slice(p, c, 0, k));
		chunk_unref(&m->pool, c);
		at += k;
	}
	return p;
}

/* The SACK blocks must be the ranges with the highest stamps, however they are kept. */
static void check_sacks(struct model *m)
{
	struct seq_range out[4];
	uint32_t below = UINT32_MAX;
	int n = rcvq_sacks(&m->q, out, 4);

	CU_ASSERT_EQUAL(n, m->q.nearly < 4 ? (int)m->q.nearly : 4);
	for (int k = 0; k < n; k++) {
		const struct rcvq_range *best = NULL;

		for (uint32_t i = 0; i < m->q.nearly; i++)
			if (m->q.early[i].stamp < below && (!best || m->q.early[i].stamp > best->stamp))
				best = &m->q.early[i];
		CU_ASSERT_TRUE_FATAL(best != NULL);
		CU_ASSERT_TRUE(seq_eq(out[k].lo, best->lo) && seq_eq(out[k].hi, best->hi));
		below = best->stamp;
	}
}

static struct rcvq_result insert(struct model *m, uint32_t at, uint32_t n, uint8_t v, bool device)
{
	struct pkt *p = segment(m, n, v, device);
	struct rcvq_result r = rcvq_insert(&m->q, p, 54, n, seq_add(m->base, at), &m->nxt);

	pkt_free(p);
	CU_ASSERT_TRUE_FATAL(rcvq_check(&m->q, m->nxt));
	check_sacks(m);
	return r;
}

/* What the model says of the same segment. */
static struct rcvq_result model_insert(struct model *m, uint32_t at, uint32_t n, uint8_t v)
{
	struct rcvq_result r = {0};
	uint32_t nxt = 0, after, dup_lo = UINT32_MAX, dup_hi = 0;

	while (nxt < SPACE && m->has[nxt])
		nxt++;
	for (uint32_t i = at; i < at + n; i++) {
		if (m->has[i]) {
			if (dup_lo == UINT32_MAX)
				dup_lo = dup_hi = i;
			if (dup_hi == i)
				dup_hi = i + 1;
			continue;
		}
		m->has[i] = true;
		m->byte[i] = v;
		r.accepted++;
	}
	for (after = nxt; after < SPACE && m->has[after];)
		after++;
	r.advanced = after - nxt;
	r.duplicate = dup_lo != UINT32_MAX;
	/* Read and early bytes that happen to touch are reported as one or two: compare the start. */
	r.dup = (struct seq_range){seq_add(m->base, dup_lo), seq_add(m->base, dup_hi)};
	return r;
}

static void read_some(struct model *m, uint32_t max)
{
	uint8_t buf[5000];
	uint32_t n = rcvq_read(&m->q, &m->pool, buf, max < sizeof(buf) ? max : sizeof(buf));

	CU_ASSERT_EQUAL(memcmp(buf, m->byte + m->read, n), 0);
	m->read += n;
	CU_ASSERT_TRUE_FATAL(rcvq_check(&m->q, m->nxt));
}

static void in_order_bytes_are_readable_at_once(void)
{
	struct model m;
	uint8_t buf[10];

	model_init(&m, 0xfffffffbu, 0);
	struct rcvq_result r = insert(&m, 0, 10, 7, true);

	CU_ASSERT_EQUAL(r.accepted, 10);
	CU_ASSERT_EQUAL(r.advanced, 10);
	CU_ASSERT_FALSE(r.early || r.filled || r.duplicate || r.no_memory);
	CU_ASSERT_EQUAL(m.nxt.v, 5);
	CU_ASSERT_EQUAL(rcvq_read(&m.q, &m.pool, buf, 10), 10);
	CU_ASSERT_EQUAL(buf[9], 7);
	model_free(&m);
}

static void a_hole_is_filled_and_the_early_bytes_follow(void)
{
	struct model m;

	model_init(&m, 0x7ffffffau, 0);
	struct rcvq_result r = insert(&m, 10, 10, 2, true);

	CU_ASSERT_TRUE(r.early);
	CU_ASSERT_EQUAL(r.advanced, 0);
	r = insert(&m, 0, 10, 1, true);

	CU_ASSERT_TRUE(r.filled);
	CU_ASSERT_EQUAL(r.advanced, 20);
	CU_ASSERT_EQUAL(m.q.bytes, 20);
	CU_ASSERT_EQUAL(m.q.nearly, 0);
	model_free(&m);
}

static void the_first_copy_of_a_byte_wins(void)
{
	struct model m;
	uint8_t buf[30];

	model_init(&m, 100, 0);
	insert(&m, 10, 10, 'a', true);
	struct rcvq_result r = insert(&m, 0, 30, 'b', true);

	CU_ASSERT_EQUAL(r.accepted, 20);
	CU_ASSERT_TRUE(r.duplicate);
	CU_ASSERT_EQUAL(r.dup.lo.v, 110);
	CU_ASSERT_EQUAL(r.dup.hi.v, 120);
	CU_ASSERT_EQUAL(rcvq_read(&m.q, &m.pool, buf, 30), 30);
	CU_ASSERT_EQUAL(memcmp(buf, "bbbbbbbbbbaaaaaaaaaabbbbbbbbbb", 30), 0);
	model_free(&m);
}

static void what_was_read_is_a_duplicate(void)
{
	struct model m;

	model_init(&m, 100, 0);
	insert(&m, 0, 50, 'a', true);
	struct rcvq_result r = insert(&m, 20, 30, 'b', true);

	CU_ASSERT_TRUE(r.duplicate);
	CU_ASSERT_EQUAL(r.accepted, 0);
	CU_ASSERT_EQUAL(r.dup.lo.v, 120);
	CU_ASSERT_EQUAL(r.dup.hi.v, 150);
	model_free(&m);
}

static void sack_blocks_come_newest_first(void)
{
	struct model m;
	struct seq_range out[4];

	model_init(&m, 0, 0);
	insert(&m, 10, 5, 1, true);
	insert(&m, 30, 5, 1, true);
	insert(&m, 50, 5, 1, true);
	insert(&m, 70, 5, 1, true);
	insert(&m, 15, 5, 1, true); /* the oldest block grows: now it is the newest */

	CU_ASSERT_EQUAL(rcvq_sacks(&m.q, out, 3), 3);
	CU_ASSERT_EQUAL(out[0].lo.v, 10);
	CU_ASSERT_EQUAL(out[0].hi.v, 20);
	CU_ASSERT_EQUAL(out[1].lo.v, 70);
	CU_ASSERT_EQUAL(out[2].lo.v, 50);
	insert(&m, 32, 2, 1, true); /* a duplicate names its block too (RFC 2883 4) */
	CU_ASSERT_EQUAL(rcvq_sacks(&m.q, out, 4), 4);
	CU_ASSERT_EQUAL(out[0].lo.v, 30);
	CU_ASSERT_EQUAL(out[1].lo.v, 10);
	CU_ASSERT_EQUAL(out[3].lo.v, 50);
	CU_ASSERT_EQUAL(rcvq_sacks(&m.q, out, 0), 0);
	model_free(&m);
}

/* Beyond what the model remembers: only whether it was taken is looked at. */
static struct rcvq_result insert_far(struct model *m, uint32_t at, uint32_t n)
{
	struct pkt *p = segment(m, n, 1, true);
	struct rcvq_result r = rcvq_insert(&m->q, p, 54, n, seq_add(m->base, at), &m->nxt);

	pkt_free(p);
	return r;
}

static void ranges_are_bounded(void)
{
	struct model m;
	struct rcvq_result r = {0};

	model_init(&m, 0, 0);
	for (uint32_t i = 0; i < RCVQ_RANGES; i++)
		r = insert_far(&m, 10 + 256 * i, 128);
	CU_ASSERT_TRUE(r.early);
	r = insert_far(&m, 10 + 256 * RCVQ_RANGES, 128);

	CU_ASSERT_TRUE(r.no_memory);
	CU_ASSERT_EQUAL(r.accepted, 0);
	CU_ASSERT_EQUAL(m.q.nearly, RCVQ_RANGES);
	r = insert_far(&m, 10 + 128, 128); /* what joins two is welcome */
	CU_ASSERT_EQUAL(r.accepted, 128);
	CU_ASSERT_EQUAL(m.q.nearly, RCVQ_RANGES - 1);
	CU_ASSERT_TRUE(rcvq_check(&m.q, m.nxt));
	check_sacks(&m);
	model_free(&m);
}

/* The lowest goes, a new one comes at the end, many times: places at the front are used again. */
static void ranges_that_go_at_the_front_leave_room(void)
{
	struct model m;

	model_init(&m, 0, 0);
	for (uint32_t i = 0; i < 20; i++)
		insert_far(&m, 128 + 256 * i, 128);
	for (uint32_t i = 20; i < 2000; i++) {
		insert_far(&m, 256 * (i - 20), 128);
		insert_far(&m, 128 + 256 * i, 128);
		CU_ASSERT_EQUAL(m.q.nearly, 20);
		rcvq_consume(&m.q, &m.pool, m.q.bytes);
		check_sacks(&m);
	}
	CU_ASSERT_TRUE(rcvq_check(&m.q, m.nxt));
	CU_ASSERT_TRUE(m.q.cap_early <= 64);
	model_free(&m);
}

static void single_bytes_from_the_top_down_are_bounded(void)
{
	struct model m;
	uint32_t refused = 0;

	model_init(&m, 0, 0);
	for (uint32_t i = 5000; i >= 1; i--)
		refused += insert(&m, i, 1, 1, true).no_memory;

	CU_ASSERT_TRUE(refused > 3000);
	CU_ASSERT_TRUE(m.q.nodes < 1100);
	model_free(&m);
}

static void small_payloads_share_a_chunk(void)
{
	struct model m;

	model_init(&m, 0, 0);
	for (uint32_t i = 0; i < 100; i++)
		insert(&m, 10 * i, 10, 1, true);

	CU_ASSERT_EQUAL(m.q.n, 1);
	CU_ASSERT_EQUAL(m.pool.chunks[CHUNK_SMALL].used, 1);
	model_free(&m);
}

static void a_segment_of_slices_is_not_copied(void)
{
	struct model m;
	uint32_t len;

	model_init(&m, 0, 0);
	struct pkt *p = segment(&m, 1400, 1, false);
	const uint8_t *where = p->slice[0].chunk->data;

	rcvq_insert(&m.q, p, 54, 1400, m.nxt, &m.nxt);
	CU_ASSERT_PTR_EQUAL(rcvq_peek(&m.q, &len), where);
	CU_ASSERT_EQUAL(len, 700);
	pkt_free(p);
	model_free(&m);
}

static void without_chunks_nothing_is_stored_and_nothing_breaks(void)
{
	struct model m;

	model_init(&m, 0, 0);
	struct pkt *p = segment(&m, 100, 1, true);

	m.pool.chunks[CHUNK_SMALL].fail_in = 1;
	struct rcvq_result r = rcvq_insert(&m.q, p, 54, 100, m.nxt, &m.nxt);

	CU_ASSERT_TRUE(r.no_memory);
	CU_ASSERT_EQUAL(r.advanced, 0);
	m.pool.chunks[CHUNK_SMALL].fail_in = 1;
	r = rcvq_insert(&m.q, p, 54, 100, seq_add(m.nxt, 5), &m.nxt);
	CU_ASSERT_TRUE(r.no_memory);
	CU_ASSERT_EQUAL(m.q.nearly, 0);
	r = rcvq_insert(&m.q, p, 54, 100, m.nxt, &m.nxt);
	CU_ASSERT_EQUAL(r.advanced, 100);
	pkt_free(p);
	model_free(&m);
}

static void an_empty_queue_holds_nothing(void)
{
	struct model m;

	model_init(&m, 0, 0);
	for (uint32_t i = 100; i >= 1; i--)
		insert(&m, 1400 * i, 1400, 1, false);
	insert(&m, 0, 1400, 1, false);
	while (m.q.bytes)
		rcvq_consume(&m.q, &m.pool, m.q.bytes < 999 ? m.q.bytes : 999);

	for (int i = 0; i < CHUNK_CLASSES; i++)
		CU_ASSERT_EQUAL(m.pool.chunks[i].used, 0);
	CU_ASSERT_PTR_NULL(m.q.blocks);
	CU_ASSERT_PTR_NULL(m.q.early);
	CU_ASSERT_EQUAL(m.q.held, 0);
	model_free(&m);
}

static void slices_can_be_taken_away_whole_or_in_part(void)
{
	struct model m;
	struct slice s[4];
	int n = 4;

	model_init(&m, 0, 0);
	insert(&m, 0, 2100, 9, false); /* three slices of 700 */
	CU_ASSERT_EQUAL(rcvq_take(&m.q, &m.pool, s, &n, 1000), 1000);
	CU_ASSERT_EQUAL_FATAL(n, 2);
	CU_ASSERT_EQUAL(s[1].len, 300);
	CU_ASSERT_EQUAL(m.q.bytes, 1100);
	CU_ASSERT_EQUAL(s[1].chunk->refs, 2); /* the rest of it is still queued */

	chunk_unref(&m.pool, s[0].chunk);
	chunk_unref(&m.pool, s[1].chunk);
	model_free(&m);
}

static void random_segments(uint32_t base)
{
	struct model m;

	model_init(&m, base, 0);
	while (seq_diff(m.nxt, m.base) < SPACE - 8000) {
		uint32_t nxt = (uint32_t)seq_diff(m.nxt, m.base), n = rng_below(&m.rng, 2000) + 1;
		uint32_t back = nxt < 2000 ? nxt : 2000;
		uint32_t at = nxt - back + rng_below(&m.rng, back + 6000);
		uint8_t v = (uint8_t)rng_u32(&m.rng);

		if (rng_below(&m.rng, 3) == 0)
			n = rng_below(&m.rng, 50) + 1;
		if (rng_below(&m.rng, 4) == 0)
			at = nxt;

		struct rcvq_result r = insert(&m, at, n, v, rng_below(&m.rng, 2));
		struct rcvq_result want = model_insert(&m, at, n, v);

		CU_ASSERT_FALSE_FATAL(r.no_memory);
		CU_ASSERT_EQUAL_FATAL(r.accepted, want.accepted);
		CU_ASSERT_EQUAL_FATAL(r.advanced, want.advanced);
		CU_ASSERT_EQUAL_FATAL(r.duplicate, want.duplicate);
		if (r.duplicate) {
			CU_ASSERT_EQUAL(r.dup.lo.v, want.dup.lo.v);
			CU_ASSERT_TRUE(seq_lt(r.dup.lo, r.dup.hi));
			CU_ASSERT_TRUE(seq_le(r.dup.hi, want.dup.hi));
		}
		if (rng_below(&m.rng, 3) == 0)
			read_some(&m, rng_below(&m.rng, 4000));
	}
	while (m.q.bytes)
		read_some(&m, 5000);
	CU_ASSERT_EQUAL(m.read, (uint32_t)seq_diff(m.nxt, m.base));
	model_free(&m);
}

static void random_overlaps_match_a_naive_array_around_the_wraps(void)
{
	static const uint32_t base[] = {0, 0xffff0000u, 0x7fff0000u, 0xffffffffu, 0x80000000u, 12345};

	for (size_t i = 0; i < sizeof(base) / sizeof(base[0]); i++)
		random_segments(base[i]);
}

/* As text of a SYN, which is kept as early until the connection stands. */
static void an_early_range_joins_when_its_number_comes_up(void)
{
	struct model m;
	uint8_t buf[40];

	model_init(&m, 0xfffffff0u, 0);
	insert(&m, 1, 30, 'a', true);
	insert(&m, 40, 10, 'b', true);
	CU_ASSERT_EQUAL(rcvq_join(&m.q, &m.pool, &m.nxt), 0);
	CU_ASSERT_EQUAL(m.q.bytes, 0);

	m.nxt = seq_add(m.base, 1);
	CU_ASSERT_EQUAL(rcvq_join(&m.q, &m.pool, &m.nxt), 30);
	CU_ASSERT_TRUE(seq_eq(m.nxt, seq_add(m.base, 31)));
	CU_ASSERT_EQUAL(m.q.nearly, 1);
	CU_ASSERT_TRUE(rcvq_check(&m.q, m.nxt));
	CU_ASSERT_EQUAL(rcvq_read(&m.q, &m.pool, buf, sizeof(buf)), 30);
	CU_ASSERT_TRUE(buf[0] == 'a' && buf[29] == 'a');
	CU_ASSERT_EQUAL(rcvq_join(&m.q, &m.pool, &m.nxt), 0);
	model_free(&m);
}

static const struct test_case cases[] = {
	TEST(an_early_range_joins_when_its_number_comes_up),
	TEST(in_order_bytes_are_readable_at_once),
	TEST(a_hole_is_filled_and_the_early_bytes_follow),
	TEST(the_first_copy_of_a_byte_wins),
	TEST(what_was_read_is_a_duplicate),
	TEST(sack_blocks_come_newest_first),
	TEST(ranges_are_bounded),
	TEST(ranges_that_go_at_the_front_leave_room),
	TEST(single_bytes_from_the_top_down_are_bounded),
	TEST(small_payloads_share_a_chunk),
	TEST(a_segment_of_slices_is_not_copied),
	TEST(without_chunks_nothing_is_stored_and_nothing_breaks),
	TEST(an_empty_queue_holds_nothing),
	TEST(slices_can_be_taken_away_whole_or_in_part),
	TEST(random_overlaps_match_a_naive_array_around_the_wraps),
};
TEST_SUITE(tcp_rcvq, cases);
