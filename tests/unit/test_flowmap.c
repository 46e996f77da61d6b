#include "base/flowmap.h"

#include <stddef.h>
#include <string.h>

#include "../lib/test.h"
#include "base/check.h"

#define FLOWS 5000

struct flow {
	uint32_t other;
	struct flow_key key;
	bool in;
};

static void fill(struct flow *f, unsigned i)
{
	memset(f, 0, sizeof(*f));
	f->key.local = addr_v4(0x0a000001);
	f->key.remote = addr_v4(0x0a000002 + i % 7);
	f->key.lport = 80;
	f->key.rport = (uint16_t)(i / 7);
}

static void random_use_matches_an_array(void)
{
	static struct flow flow[FLOWS];
	struct flowmap m;
	struct siphash_key secret;
	struct rng r;
	uint32_t n = 0;
	unsigned wrong = 0;

	rng_init(&r, 1, "flowmap");
	siphash_key_draw(&secret, &r);
	flowmap_init(&m, secret, offsetof(struct flow, key));
	for (unsigned i = 0; i < FLOWS; i++)
		fill(&flow[i], i);
	for (int step = 0; step < 60000; step++) {
		/* Waves: mostly arrivals, then mostly departures. */
		bool arrivals = step / 10000 % 2 == 0;
		struct flow *f = &flow[rng_below(&r, FLOWS)];
		struct flow_key copy = f->key;

		wrong += flowmap_find(&m, &copy) != (f->in ? f : NULL);
		if (!f->in && (arrivals || rng_below(&r, 4) == 0)) {
			wrong += !flowmap_insert(&m, f);
			f->in = true;
			n++;
		} else if (f->in && (!arrivals || rng_below(&r, 4) == 0)) {
			flowmap_remove(&m, f);
			f->in = false;
			n--;
		}
		wrong += m.n != n;
	}
	for (unsigned i = 0; i < FLOWS; i++)
		wrong += flowmap_find(&m, &flow[i].key) != (flow[i].in ? &flow[i] : NULL);
	CU_ASSERT_EQUAL(wrong, 0);
	flowmap_free(&m);
}

static void an_empty_map_finds_nothing(void)
{
	struct flowmap m;
	struct flow f;

	fill(&f, 1);
	flowmap_init(&m, (struct siphash_key){1, 2}, offsetof(struct flow, key));
	CU_ASSERT_PTR_NULL(flowmap_find(&m, &f.key));
	CU_ASSERT_TRUE(flowmap_insert(&m, &f));
	flowmap_remove(&m, &f);
	CU_ASSERT_PTR_NULL(flowmap_find(&m, &f.key));
	flowmap_free(&m);
	CU_ASSERT_PTR_NULL(flowmap_find(&m, &f.key));
}

/* All four members tell flows apart. */
static void keys_that_differ_anywhere_are_different(void)
{
	struct flow f[5];
	struct flowmap m;

	flowmap_init(&m, (struct siphash_key){1, 2}, offsetof(struct flow, key));
	for (int i = 0; i < 5; i++)
		fill(&f[i], 1);
	f[1].key.local.b[0] = 1;
	f[2].key.remote.b[15] ^= 1;
	f[3].key.lport = 81;
	f[4].key.rport ^= 0x100;
	for (int i = 0; i < 5; i++)
		CU_ASSERT_TRUE(flowmap_insert(&m, &f[i]));
	for (int i = 0; i < 5; i++)
		CU_ASSERT_PTR_EQUAL(flowmap_find(&m, &f[i].key), &f[i]);
	flowmap_free(&m);
}

static const struct test_case cases[] = {
	TEST(an_empty_map_finds_nothing),
	TEST(keys_that_differ_anywhere_are_different),
	TEST(random_use_matches_an_array),
};
TEST_SUITE(flowmap, cases);
