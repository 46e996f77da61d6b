#include "base/seqset.h"

#include <string.h>

#include "../lib/test.h"
#include "base/check.h"
#include "base/rng.h"

#define LIMIT 12
#define SPAN 300

static void adjacent_ranges_become_one(void)
{
	struct seqset s;

	seqset_init(&s, 4);
	CU_ASSERT_TRUE(seqset_add(&s, seq_of(0xfffffff0), seq_of(0xfffffff8)));
	CU_ASSERT_TRUE(seqset_add(&s, seq_of(8), seq_of(16)));
	CU_ASSERT_EQUAL(s.n, 2);
	CU_ASSERT_TRUE(seqset_add(&s, seq_of(0xfffffff8), seq_of(8)));
	CU_ASSERT_EQUAL(s.n, 1);
	CU_ASSERT_EQUAL(s.bytes, 32);
	CU_ASSERT_TRUE(seqset_add(&s, seq_of(100), seq_of(100)));
	CU_ASSERT_EQUAL(s.n, 1);
	seqset_free(&s);
}

static void a_full_set_refuses_but_still_merges(void)
{
	struct seqset s;

	seqset_init(&s, 2);
	CU_ASSERT_TRUE(seqset_add(&s, seq_of(10), seq_of(20)));
	CU_ASSERT_TRUE(seqset_add(&s, seq_of(30), seq_of(40)));
	CU_ASSERT_FALSE(seqset_add(&s, seq_of(50), seq_of(60)));
	CU_ASSERT_FALSE(seqset_add(&s, seq_of(0), seq_of(9)));
	CU_ASSERT_EQUAL(s.bytes, 20);
	CU_ASSERT_TRUE(seqset_add(&s, seq_of(40), seq_of(60)));
	CU_ASSERT_TRUE(seqset_add(&s, seq_of(15), seq_of(35)));
	CU_ASSERT_EQUAL(s.n, 1);
	CU_ASSERT_EQUAL(s.bytes, 50);
	seqset_clear(&s);
	CU_ASSERT_EQUAL(s.n + s.bytes, 0);
	seqset_free(&s);
}

/* The model: one flag per byte of a window that starts at base. */
struct model {
	bool has[SPAN];
	seq_t base;
};

static unsigned count_ranges(const struct model *m)
{
	unsigned n = 0;

	for (int i = 0; i < SPAN; i++)
		n += m->has[i] && (i == 0 || !m->has[i - 1]);
	return n;
}

static unsigned differs(const struct seqset *s, const struct model *m)
{
	unsigned wrong = s->n != count_ranges(m), bytes = 0;

	for (int i = 0; i < SPAN; i++) {
		seq_t at = seq_add(m->base, (uint32_t)i);
		uint32_t k = seqset_find(s, at);
		bool in = k < s->n && seq_in(at, s->r[k].lo, s->r[k].hi);

		bytes += m->has[i];
		wrong += in != m->has[i];
		wrong += k < s->n && !seq_gt(s->r[k].hi, at);
		wrong += k > 0 && seq_gt(s->r[k - 1].hi, at);
	}
	return wrong + (bytes != s->bytes);
}

/* The gaps within [from, to), asked for two at a time. */
static unsigned gaps_differ(const struct seqset *s, const struct model *m, int from, int to)
{
	bool gap[SPAN] = {false};
	seq_t at = seq_add(m->base, (uint32_t)from), end = seq_add(m->base, (uint32_t)to);
	struct seq_range out[2];
	unsigned wrong = 0;
	size_t n;

	do {
		n = seqset_gaps(s, at, end, out, 2);
		for (size_t i = 0; i < n; i++) {
			wrong += seq_ge(out[i].lo, out[i].hi) || seq_lt(out[i].lo, at);
			for (seq_t k = out[i].lo; seq_lt(k, out[i].hi); k = seq_add(k, 1))
				gap[k.v - m->base.v] = true;
			at = out[i].hi;
		}
	} while (n == 2);
	for (int i = from; i < to; i++)
		wrong += gap[i] == m->has[i];
	return wrong;
}

static unsigned random_run(seq_t base, uint64_t seed)
{
	struct model m = {.base = base}, before;
	struct seqset s;
	struct rng r;
	unsigned wrong = 0;

	rng_init(&r, seed, "seqset");
	seqset_init(&s, LIMIT);
	for (int step = 0; step < 600; step++) {
		int a = (int)rng_below(&r, SPAN), b = a + (int)rng_below(&r, SPAN - (uint32_t)a + 1);
		seq_t lo = seq_add(base, (uint32_t)a), hi = seq_add(base, (uint32_t)b);
		bool all = true, any = false, added;

		if (rng_below(&r, 3)) { /* mostly short ones */
			b = a + (int)rng_below(&r, 8);
			b = b > SPAN ? SPAN : b;
			hi = seq_add(base, (uint32_t)b);
		}
		for (int i = a; i < b; i++) {
			all &= m.has[i];
			any |= m.has[i];
		}
		wrong += seqset_has(&s, lo, hi) != all || seqset_touches(&s, lo, hi) != any;
		wrong += gaps_differ(&s, &m, a, b);
		if (rng_below(&r, 12) == 0) {
			memset(m.has, 0, (size_t)a);
			seqset_drop_below(&s, lo);
		} else {
			before = m;
			if (a < b)
				memset(m.has + a, 1, (size_t)(b - a));
			added = seqset_add(&s, lo, hi);
			wrong += added != (count_ranges(&m) <= LIMIT);
			if (!added)
				m = before;
		}
		wrong += differs(&s, &m);
	}
	seqset_free(&s);
	return wrong;
}

static void random_use_matches_a_bitmap(void)
{
	static const uint32_t bases[] = {0, 1000, 0x7fffffff - SPAN / 2, 0u - SPAN / 2,
					 0u - SPAN + 1};

	for (size_t b = 0; b < ARRAY_LEN(bases); b++)
		for (uint64_t seed = 0; seed < 5; seed++)
			CU_ASSERT_EQUAL(random_run(seq_of(bases[b]), seed), 0);
}

static const struct test_case cases[] = {
	TEST(adjacent_ranges_become_one),
	TEST(a_full_set_refuses_but_still_merges),
	TEST(random_use_matches_a_bitmap),
};
TEST_SUITE(seqset, cases);
