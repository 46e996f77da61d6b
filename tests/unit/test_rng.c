#include "base/rng.h"

#include <string.h>

#include "../lib/test.h"

static void siphash_gives_its_authors_test_vectors(void)
{
	/* Aumasson and Bernstein, appendix A: key 00..0f, message 00..(len-1). */
	static const struct siphash_key key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
	uint8_t message[15];

	for (int i = 0; i < 15; i++)
		message[i] = (uint8_t)i;
	CU_ASSERT_EQUAL(siphash(&key, message, 15), 0xa129ca6149be45e5);
	CU_ASSERT_EQUAL(siphash(&key, message, 0), 0x726fdb47dd0e0e31);
	CU_ASSERT_EQUAL(siphash(&key, message, 8), 0x93f5f5799a932462);
}

static void xoshiro_follows_its_definition(void)
{
	struct rng r = {{1, 2, 3, 4}};

	/* The first from state 1 2 3 4: rotl(2 * 5, 7) * 9. */
	CU_ASSERT_EQUAL(rng_u64(&r), 11520);
	CU_ASSERT_EQUAL(rng_u64(&r), 0);
	CU_ASSERT_EQUAL(rng_u64(&r), 1509978240);
	CU_ASSERT_EQUAL(rng_u64(&r), 1215971899390074240);
}

static void streams_repeat_by_seed_and_name_only(void)
{
	struct rng a, b, name, seed;
	bool same = true, other_name = false, other_seed = false;

	rng_init(&a, 42, "link/loss");
	rng_init(&b, 42, "link/loss");
	rng_init(&name, 42, "link/losS");
	rng_init(&seed, 43, "link/loss");
	for (int i = 0; i < 100; i++) {
		uint64_t v = rng_u64(&a);

		same &= v == rng_u64(&b);
		other_name |= v == rng_u64(&name);
		other_seed |= v == rng_u64(&seed);
	}
	CU_ASSERT_TRUE(same);
	CU_ASSERT_FALSE(other_name);
	CU_ASSERT_FALSE(other_seed);
}

static void below_is_even_and_in_range(void)
{
	struct rng r;
	unsigned count[6] = {0}, high = 0;

	rng_init(&r, 1, "below");
	for (int i = 0; i < 60000; i++)
		count[rng_below(&r, 6)]++;
	for (int i = 0; i < 6; i++)
		CU_ASSERT_TRUE(count[i] > 9500 && count[i] < 10500);
	/* With n = 3 * 2^30, a modulo would give the lower third twice the share. */
	for (int i = 0; i < 30000; i++)
		high += rng_below(&r, 3u << 30) >= 1u << 30;
	CU_ASSERT_TRUE(high > 19500 && high < 20500);
	CU_ASSERT_EQUAL(rng_below(&r, 1), 0);
}

static void chance_keeps_its_rate_and_its_step(void)
{
	struct rng a, b;
	unsigned hits = 0;

	rng_init(&a, 1, "chance");
	for (int i = 0; i < 100000; i++)
		hits += rng_chance(&a, 10000000); /* 1 % */
	CU_ASSERT_TRUE(hits > 900 && hits < 1100);

	rng_init(&a, 1, "chance");
	rng_init(&b, 1, "chance");
	CU_ASSERT_FALSE(rng_chance(&a, 0));
	CU_ASSERT_TRUE(rng_chance(&b, 1000000000));
	CU_ASSERT_EQUAL(rng_u64(&a), rng_u64(&b));
}

static void normal_has_its_mean_spread_and_bound(void)
{
	struct rng r;
	int64_t sum = 0, squares = 0;
	unsigned within = 0;
	const int n = 100000, sigma = 1000;

	rng_init(&r, 1, "normal");
	for (int i = 0; i < n; i++) {
		int64_t x = rng_normal(&r, (uint32_t)sigma);

		sum += x;
		squares += x * x;
		within += x > -sigma && x < sigma;
		if (x > 6 * sigma || x < -6 * sigma)
			CU_FAIL("beyond 6 sigma");
	}
	CU_ASSERT_TRUE(sum / n > -15 && sum / n < 15);
	CU_ASSERT_TRUE(squares / n > 980000 && squares / n < 1020000);
	CU_ASSERT_TRUE(within > 67000 && within < 69500); /* 68.3 % */
	CU_ASSERT_EQUAL(rng_normal(&r, 0), 0);
	for (int i = 0; i < 100; i++)
		(void)rng_normal(&r, UINT32_MAX); /* saturates; UBSan would tell */
}

static const struct test_case cases[] = {
	TEST(siphash_gives_its_authors_test_vectors),
	TEST(xoshiro_follows_its_definition),
	TEST(streams_repeat_by_seed_and_name_only),
	TEST(below_is_even_and_in_range),
	TEST(chance_keeps_its_rate_and_its_step),
	TEST(normal_has_its_mean_spread_and_bound),
};
TEST_SUITE(rng, cases);
