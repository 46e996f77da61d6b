/* The chain: conservation, independence of the random streams, determinism, changes on the way. */
#include "../lib/frames.h"
#include "../lib/test.h"

#include "../../sim/path.h"
#include "../../stack/base/check.h"

#include <string.h>

static struct pkt_pool pool;

static struct path *path_of(const char *words, uint64_t seed)
{
	char err[200] = "";
	struct path *path = path_parse_words("test", words, seed, err, sizeof(err));

	if (!path)
		CU_FAIL(err);
	assert(path);
	return path;
}

static bool conserved(const struct path *path)
{
	const struct path_counters *c = path_counters(path);

	return c->sent + c->duplicated ==
	       c->delivered + c->lost + c->queue_dropped + c->too_big + c->inside;
}

/* Hashes the time and id of each delivered frame. */
static uint64_t drain(struct path *path, ns_t now, uint64_t hash)
{
	for (struct pkt *p; (p = path_pop(path));) {
		hash = (hash ^ (uint64_t)now ^ p->id << 40) * UINT64_C(0x100000001b3);
		pkt_free(p);
	}
	return hash;
}

/* n frames, one each `gap`; then until the path is empty. */
static uint64_t run_frames(struct path *path, uint32_t n, ns_t gap)
{
	uint64_t hash = 1;
	ns_t now = 0;

	for (uint32_t i = 0; i < n || path_deadline(path) != NS_NEVER;) {
		ns_t next = i < n ? i * gap : NS_NEVER;

		if (path_deadline(path) < next) {
			now = path_deadline(path);
			path_run(path, now);
		} else {
			now = next;
			struct pkt *p = plain_frame_of_len(&pool, 1000);

			p->id = ++i;
			path_push(path, p, now);
		}
		hash = drain(path, now, hash);
		CU_ASSERT_TRUE(conserved(path));
	}
	return hash;
}

static void a_path_without_words_is_an_endless_wire(void)
{
	pkt_pool_init(&pool, 0, 0);
	struct path *path = path_of("", 1);

	path_push(path, plain_frame_of_len(&pool, 100), 7);

	struct pkt *p = path_pop(path);

	CU_ASSERT_PTR_NOT_NULL(p);
	CU_ASSERT_EQUAL(path_deadline(path), NS_NEVER);
	CU_ASSERT_EQUAL(path_counters(path)->delivered, 1);
	pkt_free(p);
	path_free(path);
	pkt_pool_free(&pool);
}

static void everything_together_conserves_frames_and_repeats(void)
{
	const char *words = "rate 10mbit, queue 20 red, loss 2%, reorder 2%, duplicate 3% by 2ms, "
			    "corrupt 1%, delay 10ms 2ms normal";
	uint64_t hash[3];
	struct path_counters count = {0};

	pkt_pool_init(&pool, 0, 0);
	for (int i = 0; i < 3; i++) {
		struct path *path = path_of(words, i < 2 ? 5 : 6);

		hash[i] = run_frames(path, 4000, 700 * US);
		count = *path_counters(path);
		path_free(path);
	}

	CU_ASSERT_EQUAL(hash[0], hash[1]);
	CU_ASSERT_NOT_EQUAL(hash[0], hash[2]);
	CU_ASSERT_TRUE(count.lost > 20 && count.queue_dropped > 20);
	CU_ASSERT_TRUE(count.duplicated > 20 && count.corrupted > 10 && count.reordered > 20);
	pkt_pool_free(&pool);
}

struct losses {
	uint32_t n;
	uint64_t id[200];
};

static void note_loss(void *arg, const struct path *path, const struct fate *fate,
		      const struct pkt *p, ns_t now)
{
	struct losses *l = arg;

	(void)path;
	(void)now;
	if (fate->kind == FATE_LOST && l->n < ARRAY_LEN(l->id))
		l->id[l->n++] = p->id;
}

static void another_stage_does_not_move_the_losses(void)
{
	struct losses with = {0}, without = {0};

	pkt_pool_init(&pool, 0, 0);
	struct path *a = path_of("loss 5%", 9);
	struct path *b = path_of("loss 5%, rate 100mbit, delay 5ms 1ms, reorder 10%", 9);

	path_observe(a, note_loss, &without);
	path_observe(b, note_loss, &with);
	run_frames(a, 1000, MS);
	run_frames(b, 1000, MS);

	CU_ASSERT_TRUE(without.n > 20);
	CU_ASSERT_EQUAL(memcmp(&with, &without, sizeof(with)), 0);
	path_free(a);
	path_free(b);
	pkt_pool_free(&pool);
}

static void arp_is_spared_by_chance_but_not_by_the_cut(void)
{
	pkt_pool_init(&pool, 0, 0);
	struct path *path = path_of("loss 100%", 1);

	path_push(path, plain_arp(&pool), 0);
	path_push(path, plain_frame_of_len(&pool, 100), 0);
	CU_ASSERT_EQUAL(path_counters(path)->delivered, 1);
	CU_ASSERT_EQUAL(path_counters(path)->lost, 1);
	path_set_down(path, 10);
	path_push(path, plain_arp(&pool), 9);
	CU_ASSERT_EQUAL(path_counters(path)->lost, 2);
	path_push(path, plain_arp(&pool), 10);
	CU_ASSERT_EQUAL(path_counters(path)->delivered, 2);
	path_free(path);
	pkt_pool_free(&pool);
}

static void a_shorter_route_lets_later_frames_overtake(void)
{
	struct path_spec spec;

	pkt_pool_init(&pool, 0, 0);
	struct path *path = path_of("delay 50ms", 1);
	struct pkt *first = plain_frame_of_len(&pool, 100), *second = plain_frame_of_len(&pool, 100);

	first->id = 1;
	second->id = 2;
	path_push(path, first, 0);
	path_spec_default(&spec);
	spec.delay.mean = 10 * MS;
	CU_ASSERT_TRUE(path_change(path, &spec));
	path_push(path, second, MS);

	CU_ASSERT_EQUAL(path_deadline(path), 11 * MS);
	path_run(path, 11 * MS);
	struct pkt *p = path_pop(path);

	CU_ASSERT_EQUAL(p->id, 2);
	CU_ASSERT_EQUAL(path_counters(path)->reordered, 1);
	pkt_free(p);
	path_free(path); /* with a frame inside */
	pkt_pool_free(&pool);
}

static const struct test_case cases[] = {
	TEST(a_path_without_words_is_an_endless_wire),
	TEST(everything_together_conserves_frames_and_repeats),
	TEST(another_stage_does_not_move_the_losses),
	TEST(arp_is_spared_by_chance_but_not_by_the_cut),
	TEST(a_shorter_route_lets_later_frames_overtake),
};
TEST_SUITE(path, cases);
