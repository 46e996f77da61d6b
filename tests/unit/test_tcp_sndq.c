/* The send queue against a flat buffer that keeps every byte ever written. */
#include "../lib/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "tcp/tcp_sndq.h"

#define MODEL_MAX (4 << 20)

struct model {
	struct pkt_pool pool;
	struct sndq q;
	uint8_t *all;          /* the whole stream */
	uint32_t first, end;   /* held: [first, end) */
	struct rng rng;
};

static void model_init(struct model *m, uint32_t chunks)
{
	pkt_pool_init(&m->pool, 0, chunks);
	sndq_init(&m->q);
	m->all = malloc(MODEL_MAX);
	m->first = m->end = 0;
	rng_init(&m->rng, 7, "sndq");
	for (uint32_t i = 0; i < MODEL_MAX; i++)
		m->all[i] = (uint8_t)rng_u32(&m->rng);
}

static void model_free(struct model *m)
{
	sndq_free(&m->q, &m->pool);
	pkt_pool_free(&m->pool); /* asserts that no chunk is out */
	free(m->all);
}

static uint32_t append(struct model *m, uint32_t n)
{
	uint32_t done = sndq_append(&m->q, &m->pool, m->all + m->end, n);

	m->end += done;
	return done;
}

/* Reads [off, off+n) through packets and compares; returns the number of packets used. */
static int expect_range(struct model *m, uint32_t off, uint32_t n)
{
	static uint8_t got[PKT_MAX_LEN];
	int pkts = 0;

	for (uint32_t at = off; at < off + n; pkts++) {
		struct pkt *p = pkt_new(&m->pool);
		uint32_t left = off + n - at, want = left < 64000 ? left : 64000;
		uint32_t k = sndq_fill(&m->q, at, want, p);

		CU_ASSERT_TRUE_FATAL(k > 0 && k <= want);
		CU_ASSERT_EQUAL(p->len, k);
		pkt_copy_out(p, 0, got, k);
		CU_ASSERT_EQUAL(memcmp(got, m->all + m->first + at, k), 0);
		pkt_free(p);
		at += k;
	}
	return pkts;
}

static void drop(struct model *m, uint32_t n)
{
	sndq_drop(&m->q, &m->pool, n);
	m->first += n;
}

static void small_writes_share_a_chunk_and_a_part(void)
{
	struct model m;

	model_init(&m, 0);
	for (int i = 0; i < 100; i++)
		CU_ASSERT_EQUAL(append(&m, 10), 10);

	CU_ASSERT_EQUAL(m.q.n, 1);
	CU_ASSERT_EQUAL(m.pool.chunks[CHUNK_SMALL].used, 1);
	CU_ASSERT_EQUAL(expect_range(&m, 0, 1000), 1);
	model_free(&m);
}

static void an_empty_queue_holds_no_chunk(void)
{
	struct model m;

	model_init(&m, 0);
	append(&m, 300000);
	drop(&m, 300000);

	for (int i = 0; i < CHUNK_CLASSES; i++)
		CU_ASSERT_EQUAL(m.pool.chunks[i].used, 0);
	CU_ASSERT_EQUAL(m.q.bytes, 0);
	CU_ASSERT_TRUE(m.q.cap <= 4);
	model_free(&m);
}

static void sent_bytes_outlive_their_acknowledgement(void)
{
	struct model m;
	uint8_t got[1000];

	model_init(&m, 0);
	append(&m, 1000);
	struct pkt *p = pkt_new(&m.pool);

	sndq_fill(&m.q, 0, 1000, p);
	drop(&m, 1000);
	append(&m, 1000);

	pkt_copy_out(p, 0, got, 1000);
	CU_ASSERT_EQUAL(memcmp(got, m.all, 1000), 0);
	pkt_free(p);
	model_free(&m);
}

static void lent_room_survives_input_that_empties_the_queue(void)
{
	struct model m;
	uint32_t len = 500;

	model_init(&m, 0);
	append(&m, 100);
	void *room = sndq_reserve(&m.q, &m.pool, &len);

	CU_ASSERT_EQUAL_FATAL(len, 500);
	drop(&m, 100); /* an ACK comes in between */
	memcpy(room, m.all + m.end, 500);
	sndq_commit(&m.q, 500);
	m.end += 500;

	expect_range(&m, 0, 500);
	model_free(&m);
}

static void a_slice_is_sent_without_a_copy(void)
{
	struct model m;

	model_init(&m, 0);
	struct chunk *c = chunk_new(&m.pool, CHUNK_MEDIUM);

	append(&m, 10);
	memcpy(c->data + 5, m.all + m.end, 3000);
	CU_ASSERT_TRUE(sndq_append_slice(&m.q, &m.pool, c, 5, 3000));
	CU_ASSERT_EQUAL(c->refs, 2);
	m.end += 3000;
	append(&m, 10);

	expect_range(&m, 0, 3020);
	drop(&m, 3020);
	CU_ASSERT_EQUAL(c->refs, 1);
	chunk_unref(&m.pool, c);
	model_free(&m);
}

static void a_short_pool_takes_what_fits(void)
{
	struct model m;

	model_init(&m, 2); /* two chunks of each class */
	uint32_t took = append(&m, 1 << 20);

	CU_ASSERT_TRUE(took >= 2 * 64000 && took < 1 << 20);
	CU_ASSERT_EQUAL(m.q.bytes, took);
	CU_ASSERT_EQUAL(append(&m, 1000), 0);
	expect_range(&m, 0, took);
	drop(&m, took);
	CU_ASSERT_EQUAL(append(&m, 1000), 1000);
	model_free(&m);
}

static void random_use_matches_a_flat_buffer(void)
{
	struct model m;

	model_init(&m, 0);
	for (int i = 0; i < 20000; i++) {
		uint32_t held = m.end - m.first, n = rng_below(&m.rng, 3000);

		CU_ASSERT_EQUAL_FATAL(m.q.bytes, held);
		if (m.end + 80000 > MODEL_MAX) {
			drop(&m, held);
			m.q.pos = m.first = m.end = 0;
			continue;
		}
		switch (rng_below(&m.rng, 6)) {
		case 0:
			append(&m, rng_below(&m.rng, 20) == 0 ? 70000 : n);
			break;
		case 1:
			append(&m, n / 100);
			break;
		case 2: {
			void *room = sndq_reserve(&m.q, &m.pool, &n);

			if (!room)
				break;
			n = rng_below(&m.rng, n + 1);
			memcpy(room, m.all + m.end, n);
			sndq_commit(&m.q, n);
			m.end += n;
			break;
		}
		case 3: {
			struct chunk *c = chunk_new(&m.pool, CHUNK_MEDIUM);

			memcpy(c->data + 100, m.all + m.end, n);
			if (sndq_append_slice(&m.q, &m.pool, c, 100, n))
				m.end += n;
			chunk_unref(&m.pool, c);
			break;
		}
		case 4:
			drop(&m, rng_below(&m.rng, held + 1));
			break;
		default:
			if (held > 0) {
				uint32_t off = rng_below(&m.rng, held);

				expect_range(&m, off, rng_below(&m.rng, held - off + 1));
			}
		}
	}
	model_free(&m);
}

static void marks_split_the_stream_into_records(void)
{
	struct model m;

	model_init(&m, 0);
	append(&m, 100);
	sndq_mark(&m.q);
	sndq_mark(&m.q);
	append(&m, 50);
	append(&m, 50);
	sndq_mark(&m.q);
	append(&m, 300000);

	CU_ASSERT_EQUAL(m.q.nmarks, 2);
	CU_ASSERT_EQUAL(sndq_within(&m.q, 0, 99), 99);
	CU_ASSERT_EQUAL(sndq_within(&m.q, 0, 300000), 100);
	CU_ASSERT_EQUAL(sndq_within(&m.q, 99, 300000), 1);
	CU_ASSERT_EQUAL(sndq_within(&m.q, 100, 300000), 100);
	CU_ASSERT_EQUAL(sndq_within(&m.q, 200, 300000), 300000);
	CU_ASSERT_TRUE(sndq_ends_record(&m.q, 100) && sndq_ends_record(&m.q, 200));
	CU_ASSERT_FALSE(sndq_ends_record(&m.q, 99) || sndq_ends_record(&m.q, 0) || sndq_ends_record(&m.q, 300200));
	expect_range(&m, 0, 300200);
	drop(&m, 150);
	CU_ASSERT_EQUAL(m.q.nmarks, 1);
	CU_ASSERT_EQUAL(sndq_within(&m.q, 0, 100), 50);
	model_free(&m);
}

static const struct test_case cases[] = {
	TEST(small_writes_share_a_chunk_and_a_part),
	TEST(an_empty_queue_holds_no_chunk),
	TEST(sent_bytes_outlive_their_acknowledgement),
	TEST(lent_room_survives_input_that_empties_the_queue),
	TEST(a_slice_is_sent_without_a_copy),
	TEST(a_short_pool_takes_what_fits),
	TEST(marks_split_the_stream_into_records),
	TEST(random_use_matches_a_flat_buffer),
};
TEST_SUITE(tcp_sndq, cases);
