#include "base/wheel.h"

#include <string.h>

#include "../lib/test.h"
#include "base/check.h"
#include "base/rng.h"

/* Against the plain model: an array of (due, order of arming), searched for its least. */

#define ENTRIES 200

struct model {
	ns_t due;
	uint64_t order;
};

static int model_first(const struct model *m)
{
	int best = -1;

	for (int i = 0; i < ENTRIES; i++)
		if (m[i].due != NS_NEVER &&
		    (best < 0 || m[i].due < m[best].due ||
		     (m[i].due == m[best].due && m[i].order < m[best].order)))
			best = i;
	return best;
}

static ns_t random_span(struct rng *r)
{
	static const ns_t spans[] = {US, 70 * US, MS, 300 * MS, 90 * SEC, 7200 * SEC,
				     86400 * 30 * SEC};
	ns_t span = spans[rng_below(r, ARRAY_LEN(spans))];

	return (ns_t)(rng_u64(r) >> 1) % span;
}

static unsigned random_run(struct wheel *w, struct wheel_entry *e, struct model *m, uint64_t seed,
			   ns_t now)
{
	struct rng r;
	uint64_t order = 0;
	unsigned wrong = 0;

	rng_init(&r, seed, "wheel");
	wheel_init(w, now);
	for (int i = 0; i < ENTRIES; i++) {
		wheel_entry_init(&e[i]);
		m[i].due = NS_NEVER;
	}
	for (int step = 0; step < 4000; step++) {
		uint32_t i = rng_below(&r, ENTRIES), act = rng_below(&r, 10);
		int first;

		if (act < 6) {
			ns_t due = act == 0 ? now - random_span(&r) : now + random_span(&r);

			if (act == 1) /* a few equal ones */
				due = now + (ns_t)rng_below(&r, 3) * 65536;
			if (act == 2 && rng_below(&r, 20) == 0)
				due = NS_NEVER;
			wheel_add(w, &e[i], due);
			m[i] = (struct model){due, order++};
		} else if (act < 8) {
			wheel_remove(w, &e[i]);
			m[i].due = NS_NEVER;
		} else {
			struct wheel_entry *got;

			now += random_span(&r);
			while ((got = wheel_expire(w, now)) != NULL) {
				first = model_first(m);
				if (first < 0 || got != &e[first] || m[first].due > now)
					return wrong + 1;
				m[first].due = NS_NEVER;
			}
		}
		first = model_first(m);
		wrong += act >= 8 && first >= 0 && m[first].due <= now;
		wrong += wheel_deadline(w) != (first < 0 ? NS_NEVER : m[first].due);
	}
	return wrong;
}

static void random_use_matches_a_sorted_list(void)
{
	static struct wheel w;
	static struct wheel_entry e[ENTRIES];
	static struct model m[ENTRIES];
	static const ns_t starts[] = {0, -5 * SEC, 12345678901234, INT64_MAX / 2, INT64_MIN / 2};

	for (size_t s = 0; s < ARRAY_LEN(starts); s++)
		for (uint64_t seed = 0; seed < 4; seed++)
			CU_ASSERT_EQUAL(random_run(&w, e, m, seed, starts[s]), 0);
}

static void nothing_fires_early_within_its_tick(void)
{
	static struct wheel w;
	struct wheel_entry a, b, c;

	wheel_init(&w, 0);
	wheel_entry_init(&a);
	wheel_entry_init(&b);
	wheel_entry_init(&c);
	wheel_add(&w, &a, 500);
	wheel_add(&w, &b, 200);
	wheel_add(&w, &c, 500);
	CU_ASSERT_PTR_NULL(wheel_expire(&w, 199));
	CU_ASSERT_PTR_EQUAL(wheel_expire(&w, 200), &b);
	CU_ASSERT_EQUAL(b.due, NS_NEVER);
	CU_ASSERT_PTR_NULL(wheel_expire(&w, 499));
	wheel_add(&w, &a, 500); /* armed again: now behind c */
	CU_ASSERT_PTR_EQUAL(wheel_expire(&w, 500), &c);
	CU_ASSERT_PTR_EQUAL(wheel_expire(&w, 500), &a);
	CU_ASSERT_EQUAL(w.n, 0);
	wheel_remove(&w, &a);
	CU_ASSERT_EQUAL(wheel_deadline(&w), NS_NEVER);
}

/* Many idle timers in one far slot, removed earliest first: each deadline stays exact. */
static void the_deadline_is_exact_after_its_entry_went(void)
{
	static struct wheel w;
	static struct wheel_entry e[1000];
	unsigned wrong = 0;

	wheel_init(&w, 0);
	for (int i = 0; i < 1000; i++) {
		wheel_entry_init(&e[i]);
		wheel_add(&w, &e[i], 7200 * SEC + i);
	}
	for (int i = 0; i < 1000; i++) {
		wrong += wheel_deadline(&w) != 7200 * SEC + i;
		wheel_remove(&w, &e[i]);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(wheel_deadline(&w), NS_NEVER);
}

static const struct test_case cases[] = {
	TEST(nothing_fires_early_within_its_tick),
	TEST(the_deadline_is_exact_after_its_entry_went),
	TEST(random_use_matches_a_sorted_list),
};
TEST_SUITE(wheel, cases);
