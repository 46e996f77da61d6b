/* Corrupt, duplicate, reorder. */
#include "../lib/frames.h"
#include "../lib/test.h"

#include "../../sim/path.h"
#include "../../stack/base/check.h"
#include "../../stack/wire/csum.h"

#include <string.h>

static struct pkt_pool pool;

static struct path *path_of(const char *words)
{
	char err[200] = "";
	struct path *path = path_parse_words("test", words, 4, err, sizeof(err));

	if (!path)
		CU_FAIL(err);
	assert(path);
	pkt_pool_init(&pool, 0, 0);
	return path;
}

static void finish(struct path *path)
{
	path_free(path);
	pkt_pool_free(&pool);
}

static uint32_t bits_differing(const struct pkt *a, const struct pkt *b)
{
	uint8_t x[2048], y[2048];
	uint32_t n = 0;

	pkt_copy_out(a, 0, x, a->len);
	pkt_copy_out(b, 0, y, b->len);
	for (uint32_t i = 0; i < a->len; i++)
		n += (uint32_t)__builtin_popcount(x[i] ^ y[i]);
	return n;
}

static void one_bit_is_flipped_and_the_checksum_shows_it(void)
{
	struct path *path = path_of("corrupt 100%");

	for (int i = 0; i < 500; i++) {
		struct pkt *clean = plain_frame_of_len(&pool, 200);

		path_push(path, plain_frame_of_len(&pool, 200), i);
		struct pkt *p = path_pop(path);

		CU_ASSERT_EQUAL(bits_differing(p, clean), 1);
		CU_ASSERT_EQUAL(memcmp(p->data, clean->data, 14), 0);
		CU_ASSERT_EQUAL(p->csum, CSUM_UNKNOWN);
		CU_ASSERT_FALSE(plain_is_sound(p));
		pkt_free(p);
		pkt_free(clean);
	}
	CU_ASSERT_EQUAL(path_counters(path)->corrupted, 500);
	finish(path);
}

static void repaired_damage_is_in_the_payload_and_passes_the_checksum(void)
{
	struct path *path = path_of("corrupt 100% burst repaired");

	for (int i = 0; i < 500; i++) {
		struct pkt *clean = plain_frame_of_len(&pool, 200);

		path_push(path, plain_frame_of_len(&pool, 200), i);
		struct pkt *p = path_pop(path);

		CU_ASSERT_TRUE(plain_is_sound(p));
		CU_ASSERT_NOT_EQUAL(memcmp(p->data + 54, clean->data + 54, 146), 0);
		pkt_free(p);
		pkt_free(clean);
	}
	/* Without payload there is nothing to damage so. */
	path_push(path, plain_frame_of_len(&pool, 54), 600);
	CU_ASSERT_EQUAL(path_counters(path)->corrupted, 500);
	finish(path);
}

static void a_shared_payload_is_copied_before_it_is_damaged(void)
{
	struct path *path = path_of("corrupt 100%");
	struct frame_spec f = {.flags = TH_ACK, .len = 0};
	struct pkt *p = plain_frame(&pool, &f);
	struct chunk *c = chunk_new(&pool, CHUNK_SMALL);

	memset(c->data, 0x55, 1000);
	CU_ASSERT_TRUE(pkt_add_slice(p, c, 0, 1000));
	wr16(p->data + 16, 40 + 1000); /* the IP length; its header sum does not matter here */
	p->csum = CSUM_PARTIAL;
	p->l4_proto = 6;

	path_push(path, p, 0);

	for (int i = 0; i < 1000; i++)
		CU_ASSERT_EQUAL(c->data[i], 0x55);
	CU_ASSERT_EQUAL(path_counters(path)->corrupted, 1);
	pkt_free(path_pop(path));
	chunk_unref(&pool, c);
	finish(path);
}

static void truncation_never_reaches_the_ethernet_header(void)
{
	struct path *path = path_of("corrupt 100% truncate");

	for (int i = 0; i < 300; i++) {
		path_push(path, plain_frame_of_len(&pool, 100), i);
		struct pkt *p = path_pop(path);

		CU_ASSERT_TRUE(p->len >= 14 && p->len < 100 && p->head_len == p->len);
		pkt_free(p);
	}
	finish(path);
}

static void a_copy_follows_at_once_or_later(void)
{
	struct path *path = path_of("duplicate 100%");
	struct pkt *p, *q;

	path_push(path, plain_frame_of_len(&pool, 100), 0);
	p = path_pop(path);
	q = path_pop(path);
	CU_ASSERT_TRUE(p && q && bits_differing(p, q) == 0);
	pkt_free(p);
	pkt_free(q);
	finish(path);

	path = path_of("duplicate 100% by 5ms");
	path_push(path, plain_frame_of_len(&pool, 100), MS);
	pkt_free(path_pop(path));
	CU_ASSERT_PTR_NULL(path_pop(path));
	CU_ASSERT_EQUAL(path_deadline(path), 6 * MS);
	path_run(path, 6 * MS);
	p = path_pop(path);
	CU_ASSERT_PTR_NOT_NULL(p);
	pkt_free(p);
	finish(path);
}

static struct pkt *frame_with_id(uint64_t id)
{
	struct pkt *p = plain_frame_of_len(&pool, 100);

	p->id = id;
	return p;
}

static void a_held_frame_goes_after_its_distance(void)
{
	struct path *path = path_of("reorder 20% distance 2 by 1s");
	uint64_t place[60] = {0}, n = 0;

	for (uint64_t id = 1; id <= 50; id++) {
		path_push(path, frame_with_id(id), (ns_t)id);
		for (struct pkt *p; (p = path_pop(path)); pkt_free(p))
			place[p->id] = ++n;
	}
	CU_ASSERT_TRUE(path_counters(path)->reordered >= 4);
	uint64_t late = 0;

	for (uint64_t id = 1; id < 40; id++)
		if (place[id] > place[id + 1]) /* held: exactly two that were not held went before */
			late++;
	CU_ASSERT_TRUE(late >= 3);
	finish(path);
}

static void a_held_frame_goes_after_its_time(void)
{
	struct path *path = path_of("reorder 100% distance 3 by 4ms");

	path_push(path, frame_with_id(1), 0);
	CU_ASSERT_EQUAL(path_deadline(path), 4 * MS);
	path_run(path, 4 * MS);
	struct pkt *p = path_pop(path);

	CU_ASSERT_PTR_NOT_NULL(p);
	CU_ASSERT_EQUAL(path_deadline(path), NS_NEVER);
	pkt_free(p);
	finish(path);
}

static const struct test_case cases[] = {
	TEST(one_bit_is_flipped_and_the_checksum_shows_it),
	TEST(repaired_damage_is_in_the_payload_and_passes_the_checksum),
	TEST(a_shared_payload_is_copied_before_it_is_damaged),
	TEST(truncation_never_reaches_the_ethernet_header),
	TEST(a_copy_follows_at_once_or_later),
	TEST(a_held_frame_goes_after_its_distance),
	TEST(a_held_frame_goes_after_its_time),
};
TEST_SUITE(path_mangle, cases);
