/* The event queue against a naive model: at most one entry an actor, order by time and insertion. */
#include "../lib/test.h"

#include "../../sim/heap.h"
#include "../../stack/base/rng.h"

#define ACTORS 100

struct model {
	ns_t at[ACTORS];
	uint64_t order[ACTORS];
};

static uint32_t model_first(const struct model *m)
{
	uint32_t best = ACTORS;

	for (uint32_t i = 0; i < ACTORS; i++)
		if (m->at[i] != NS_NEVER &&
		    (best == ACTORS || m->at[i] < m->at[best] ||
		     (m->at[i] == m->at[best] && m->order[i] < m->order[best])))
			best = i;
	return best;
}

static void the_heap_agrees_with_a_list(void)
{
	struct model m;
	struct heap h;
	struct rng rng;
	uint64_t order = 0;

	rng_init(&rng, 1, "heap");
	CU_ASSERT_TRUE_FATAL(heap_init(&h, ACTORS));
	for (int i = 0; i < ACTORS; i++)
		m.at[i] = NS_NEVER;
	for (int step = 0; step < 100000; step++) {
		uint32_t a = rng_below(&rng, ACTORS);
		ns_t at = rng_below(&rng, 5) == 0 ? NS_NEVER : (ns_t)rng_below(&rng, 50);

		heap_set(&h, a, at);
		if (m.at[a] != at) {
			m.at[a] = at;
			m.order[a] = ++order;
		}
		uint32_t first = model_first(&m);

		if (first == ACTORS) {
			CU_ASSERT_EQUAL(heap_time(&h), NS_NEVER);
		} else if (heap_first(&h) != first || heap_time(&h) != m.at[first]) {
			CU_FAIL("another first");
			break;
		}
	}
	heap_free(&h);
}

static void equal_times_go_in_order_of_insertion(void)
{
	struct heap h;

	CU_ASSERT_TRUE_FATAL(heap_init(&h, 10));
	for (uint32_t i = 0; i < 10; i++)
		heap_set(&h, (i * 7) % 10, 5);
	heap_set(&h, 7, 5); /* keeps its turn */
	for (uint32_t i = 0; i < 10; i++) {
		CU_ASSERT_EQUAL(heap_first(&h), (i * 7) % 10);
		heap_set(&h, heap_first(&h), NS_NEVER);
	}
	CU_ASSERT_EQUAL(h.n, 0);
	heap_free(&h);
}

static const struct test_case cases[] = {
	TEST(the_heap_agrees_with_a_list),
	TEST(equal_times_go_in_order_of_insertion),
};
TEST_SUITE(heap, cases);
