#include "base/pkt.h"

#include <string.h>

#include "../lib/test.h"
#include "base/check.h"

static struct pkt_pool pool;

static void begin(void)
{
	pkt_pool_init(&pool, 8, 8);
}

/* Asserts, through slab_free, that all went back. */
static void end(void)
{
	pkt_pool_free(&pool);
}

static struct chunk *chunk_of(const char *text)
{
	struct chunk *c = chunk_new(&pool, CHUNK_SMALL);

	c->used = (uint32_t)strlen(text);
	memcpy(c->data, text, c->used);
	return c;
}

/* "head" in buf, then slices "one", "two", "three". */
static struct pkt *sample(void)
{
	static const char *const texts[] = {"one", "two", "three"};
	struct pkt *p = pkt_of_bytes(&pool, "head", 4);

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct chunk *c = chunk_of(texts[i]);

		CU_ASSERT_TRUE(pkt_add_slice(p, c, 0, c->used));
		chunk_unref(&pool, c);
	}
	return p;
}

static bool reads(const struct pkt *p, const char *text)
{
	char bytes[64];

	if (p->len != strlen(text))
		return false;
	pkt_copy_out(p, 0, bytes, p->len);
	return memcmp(bytes, text, p->len) == 0;
}

static void headers_are_written_backwards(void)
{
	struct pkt *p;

	begin();
	p = pkt_new(&pool);
	CU_ASSERT_EQUAL(p->len, 0);
	CU_ASSERT_PTR_EQUAL(p->data, p->buf + PKT_BUF);
	memcpy(pkt_push(p, 3), "def", 3);
	memcpy(pkt_push(p, 3), "abc", 3);
	CU_ASSERT_TRUE(reads(p, "abcdef"));
	pkt_pull(p, 2);
	CU_ASSERT_TRUE(reads(p, "cdef"));
	pkt_push(p, PKT_BUF - 4);
	CU_ASSERT_PTR_EQUAL(p->data, p->buf);
	pkt_free(p);
	pkt_free(NULL);
	end();
}

static void a_reused_pkt_knows_nothing_of_its_past(void)
{
	struct pkt *p, *again;

	begin();
	p = sample();
	p->id = 7;
	p->gso_size = p->gso_segs = p->l3_off = p->l4_off = 9;
	p->ce = true;
	p->csum = CSUM_VERIFIED;
	p->note.why = WHY_RTO;
	pkt_free(p);
	again = pkt_new(&pool);
	CU_ASSERT_PTR_EQUAL(again, p);
	CU_ASSERT_EQUAL(again->id + again->gso_size + again->gso_segs + again->l3_off +
				again->l4_off + again->ce + again->csum + again->note.why +
				again->nslices + again->len + again->head_len,
			0);
	CU_ASSERT_PTR_NULL(again->chunk);
	pkt_free(again);
	end();
}

static void trimming_cuts_slices_then_the_head(void)
{
	struct pkt *p;

	begin();
	p = sample();
	CU_ASSERT_TRUE(reads(p, "headonetwothree"));
	pkt_trim(p, 15);
	CU_ASSERT_EQUAL(p->nslices, 3);
	pkt_trim(p, 12);
	CU_ASSERT_TRUE(reads(p, "headonetwoth"));
	pkt_trim(p, 10);
	CU_ASSERT_EQUAL(p->nslices, 2);
	pkt_trim(p, 5);
	CU_ASSERT_TRUE(reads(p, "heado"));
	pkt_trim(p, 2);
	CU_ASSERT_TRUE(reads(p, "he"));
	CU_ASSERT_EQUAL(p->head_len, 2);
	CU_ASSERT_EQUAL(pool.chunks[CHUNK_SMALL].used, 0);
	pkt_free(p);
	end();
}

static void slices_that_continue_share_a_place(void)
{
	struct chunk *c;
	struct pkt *p;

	begin();
	c = chunk_of("abcdefghijklmnopqrstuvwxyz");
	p = pkt_new(&pool);
	CU_ASSERT_TRUE(pkt_add_slice(p, c, 0, 3));
	CU_ASSERT_TRUE(pkt_add_slice(p, c, 3, 3));
	CU_ASSERT_EQUAL(p->nslices, 1);
	for (uint32_t i = 1; i < PKT_SLICES; i++)
		CU_ASSERT_TRUE(pkt_add_slice(p, c, i * 2, 1));
	CU_ASSERT_FALSE(pkt_add_slice(p, c, 0, 1));
	CU_ASSERT_TRUE(pkt_add_slice(p, c, 0, 0));
	CU_ASSERT_TRUE(reads(p, "abcdefcegikm"));
	CU_ASSERT_EQUAL(c->refs, 1 + PKT_SLICES);
	pkt_free(p);
	CU_ASSERT_EQUAL(c->refs, 1);
	chunk_unref(&pool, c);
	end();
}

static void every_part_copies_out_and_can_be_taken(void)
{
	static const char whole[] = "headonetwothree";
	struct pkt *p;

	begin();
	p = sample();
	for (uint32_t off = 0; off <= 15; off++)
		for (uint32_t n = 0; n <= 15 - off; n++) {
			struct slice s[4];
			char bytes[16], joined[16];
			int k = pkt_take_slices(p, off, n, s, 4);
			uint32_t at = 0;

			pkt_copy_out(p, off, bytes, n);
			for (int i = 0; i < k; i++) {
				memcpy(joined + at, s[i].chunk->data + s[i].off, s[i].len);
				at += s[i].len;
				chunk_unref(&pool, s[i].chunk);
			}
			if (k < 0 || at != n || memcmp(bytes, whole + off, n) != 0 ||
			    memcmp(joined, whole + off, n) != 0)
				CU_FAIL("a part differs");
		}
	pkt_free(p);
	end();
}

static void bytes_in_a_chunk_are_taken_by_reference(void)
{
	struct chunk *c;
	struct pkt *p;
	struct slice s;

	begin();
	c = chunk_of("xxframepayload");
	p = pkt_of_chunk(&pool, c, 2, 12);
	CU_ASSERT_TRUE(reads(p, "framepayload"));
	pkt_pull(p, 2);
	CU_ASSERT_EQUAL(pkt_take_slices(p, 3, 7, &s, 1), 1);
	CU_ASSERT_PTR_EQUAL(s.chunk, c);
	CU_ASSERT_EQUAL(s.off, 7);
	CU_ASSERT_EQUAL(c->refs, 2);
	pkt_free(p);
	CU_ASSERT_EQUAL(memcmp(c->data + s.off, "payload", 7), 0);
	chunk_unref(&pool, c);
	end();
}

static void a_failed_take_holds_nothing(void)
{
	struct slice s[4];
	struct pkt *p;

	begin();
	p = sample();
	CU_ASSERT_EQUAL(pkt_take_slices(p, 0, 15, s, 3), -1);
	CU_ASSERT_EQUAL(pkt_take_slices(p, 0, 15, s, 0), -1);
	pool.chunks[CHUNK_SMALL].fail_in = 1;
	CU_ASSERT_EQUAL(pkt_take_slices(p, 0, 15, s, 4), -1);
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(p->slice[i].chunk->refs, 1);
	pkt_free(p);
	end();
}

static void a_duplicate_shares_payload_and_knows_the_same(void)
{
	struct pkt *p, *d;

	begin();
	p = sample();
	pkt_push(p, 6);
	memcpy(p->data, "before", 6);
	p->id = 7;
	p->l3_off = 1;
	p->l4_off = 2;
	p->csum = CSUM_PARTIAL;
	p->l4_proto = 6;
	p->gso_size = 3;
	p->note.lo = 99;
	p->stamp = 5;
	p->ce = true;
	d = pkt_dup(p);
	CU_ASSERT_TRUE(reads(d, "beforeheadonetwothree"));
	CU_ASSERT_PTR_EQUAL(d->slice[1].chunk, p->slice[1].chunk);
	CU_ASSERT_TRUE(d->data >= d->buf && d->data < d->buf + PKT_BUF);
	CU_ASSERT_TRUE(d->id == 7 && d->l3_off == 1 && d->l4_off == 2 && d->csum == CSUM_PARTIAL);
	CU_ASSERT_TRUE(d->l4_proto == 6 && d->gso_size == 3 && d->note.lo == 99 && d->stamp == 5);
	CU_ASSERT_TRUE(d->ce);
	d->data[0] = 'B';
	CU_ASSERT_TRUE(reads(p, "beforeheadonetwothree"));
	pkt_free(p);
	CU_ASSERT_TRUE(reads(d, "Beforeheadonetwothree"));
	pkt_free(d);
	end();
}

static void unsharing_gives_bytes_of_its_own(void)
{
	struct pkt *p, *d;

	begin();
	p = sample();
	d = pkt_dup(p);
	CU_ASSERT_TRUE(pkt_unshare(d));
	CU_ASSERT_EQUAL(d->head_len, 15);
	CU_ASSERT_EQUAL(d->nslices, 0);
	d->data[5] = '!';
	CU_ASSERT_TRUE(reads(p, "headonetwothree"));
	CU_ASSERT_TRUE(reads(d, "heado!etwothree"));
	CU_ASSERT_TRUE(pkt_unshare(d));
	pool.chunks[CHUNK_SMALL].fail_in = 1;
	CU_ASSERT_FALSE(pkt_unshare(p));
	CU_ASSERT_TRUE(reads(p, "headonetwothree"));
	pkt_free(p);
	pkt_free(d);
	end();
}

static void a_frame_that_someone_reads_is_copied_before_a_change(void)
{
	struct chunk *c;
	struct pkt *p;

	begin();
	c = chunk_of("frame");
	chunk_ref(c); /* a reader */
	p = pkt_of_chunk(&pool, c, 0, 5);
	CU_ASSERT_TRUE(pkt_unshare(p));
	CU_ASSERT_PTR_NOT_EQUAL(p->chunk, c);
	p->data[0] = 'F';
	CU_ASSERT_TRUE(reads(p, "Frame"));
	CU_ASSERT_EQUAL(c->data[0], 'f');
	chunk_unref(&pool, c);
	pkt_free(p);
	end();
}

static void a_pkt_does_not_grow_past_its_limit(void)
{
	struct chunk *c;
	struct pkt *p;

	begin();
	c = chunk_new(&pool, CHUNK_LARGE);
	p = pkt_of_bytes(&pool, "head", 4);
	CU_ASSERT_FALSE(pkt_add_slice(p, c, 0, PKT_MAX_LEN - 3));
	CU_ASSERT_TRUE(pkt_add_slice(p, c, 0, PKT_MAX_LEN - 4));
	CU_ASSERT_FALSE(pkt_add_slice(p, c, 0, 1));
	chunk_unref(&pool, c);
	pkt_free(p);
	end();
}

static void chunks_come_in_the_smallest_class_that_holds(void)
{
	static const struct {
		size_t bytes;
		uint32_t cap;
	} rows[] = {{0, 2048}, {2048, 2048}, {2049, 16384}, {16385, 69632}, {69632, 69632}};

	begin();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct chunk *c = chunk_for(&pool, rows[i].bytes);

		CU_ASSERT_EQUAL(c->cap, rows[i].cap);
		c->data[c->cap - 1] = 1;
		chunk_unref(&pool, c);
	}
	CU_ASSERT_PTR_NULL(chunk_for(&pool, 69633));
	CU_ASSERT_PTR_NULL(pkt_of_bytes(&pool, rows, 69633));
	end();
}

static void every_failed_allocation_is_survived(void)
{
	static uint8_t bytes[60000];
	struct pkt *p, *d;
	struct chunk *c;

	begin();
	pool.pkts.fail_in = 1;
	CU_ASSERT_PTR_NULL(pkt_of_bytes(&pool, "x", 1));
	pool.pkts.fail_in = 1;
	CU_ASSERT_PTR_NULL(pkt_of_bytes(&pool, bytes, 300));
	c = chunk_new(&pool, CHUNK_LARGE);
	pool.pkts.fail_in = 1;
	CU_ASSERT_PTR_NULL(pkt_of_chunk(&pool, c, 0, 10)); /* the chunk is gone as well */
	p = pkt_of_bytes(&pool, bytes, 60000);
	pool.chunks[CHUNK_LARGE].fail_in = 1;
	CU_ASSERT_PTR_NULL(pkt_dup(p));
	d = pkt_dup(p);
	CU_ASSERT_EQUAL(d->len, 60000);
	pkt_free(p);
	pkt_free(d);
	end();
}

static const struct test_case cases[] = {
	TEST(headers_are_written_backwards),
	TEST(a_reused_pkt_knows_nothing_of_its_past),
	TEST(trimming_cuts_slices_then_the_head),
	TEST(slices_that_continue_share_a_place),
	TEST(every_part_copies_out_and_can_be_taken),
	TEST(bytes_in_a_chunk_are_taken_by_reference),
	TEST(a_failed_take_holds_nothing),
	TEST(a_duplicate_shares_payload_and_knows_the_same),
	TEST(unsharing_gives_bytes_of_its_own),
	TEST(a_frame_that_someone_reads_is_copied_before_a_change),
	TEST(a_pkt_does_not_grow_past_its_limit),
	TEST(chunks_come_in_the_smallest_class_that_holds),
	TEST(every_failed_allocation_is_survived),
};
TEST_SUITE(pkt, cases);
