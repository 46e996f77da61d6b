/* The words of a path: read, refused, printed and read again. */
#include "../lib/test.h"

#include "../../sim/path.h"
#include "../../stack/base/check.h"

#include <stdio.h>
#include <string.h>

static void what_is_printed_reads_back(void)
{
	static const char *const rows[] = {
		"",
		"loss 2%",
		"loss 2%, reorder 2%, duplicate 1%, corrupt 0.5%, delay 10ms",
		"rate 10mbit overhead 24, queue 64kB codel ecn, mtu 1280 silent",
		"rate 1gbit, queue 1.5bdp red, delay 20ms 3ms pareto",
		"delay 1ms 1us normal ordered",
		"loss gemodel 0.3367% 33.33% 50% 0.1%",
		"loss gemodel 1%",
		"loss state 0.5% 50% 25% 50% 0.1%",
		"loss every 100",
		"loss number 1 5 9, duplicate 1% by 3ms, reorder 1% distance 0 by 2ms",
		"corrupt 1% burst repaired",
		"rate 9600bit, queue 7 fq_codel",
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct path_spec a, b;
		char err[200] = "", text[400], again[400];

		path_spec_default(&a);
		path_spec_default(&b);
		CU_ASSERT_TRUE(path_spec_words(&a, rows[i], err, sizeof(err)));
		path_spec_print(text, sizeof(text), &a);
		CU_ASSERT_TRUE(path_spec_words(&b, text, err, sizeof(err)));
		path_spec_print(again, sizeof(again), &b);
		CU_ASSERT_STRING_EQUAL(text, again);
		CU_ASSERT_EQUAL(a.loss.p, b.loss.p);
		CU_ASSERT_EQUAL(a.delay.mean, b.delay.mean);
		CU_ASSERT_EQUAL(a.queue.limit, b.queue.limit);
	}
}

static void nonsense_is_refused_with_a_reason(void)
{
	static const struct {
		const char *words, *expected;
	} rows[] = {
		{"los 2%", "got `los`"},
		{"loss", "got `nothing`"},
		{"loss 2", "share"},
		{"loss -1%", "share"},
		{"loss nan", "share"},
		{"loss 101%", "share"},
		{"loss 2% 25%", "comma"},
		{"loss 2%,", "last comma"},
		{",", "empty"},
		{"loss every 0", "above 0"},
		{"loss number 3 3", "rising"},
		{"loss number", "rising"},
		{"loss state 60% 10% 10% 10% 60%", "p13 + p14"},
		{"delay", "time"},
		{"delay 10", "time"},
		{"delay 10ms 99999999999999999999ms", "time"},
		{"rate 0mbit", "rate"},
		{"rate 10mbit overhead x", "bytes up to 1000"},
		{"mtu 67", "68"},
		{"mtu 65536", "68"},
		{"queue", "limit"},
		{"queue 0", "above 0"},
		{"queue 10 cake", "droptail"},
		{"reorder 2% far", "distance"},
		{"corrupt 1% \x1b[31m", "`?[31m`"},
		{"loss aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "too long"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct path_spec spec;
		char err[200] = "";

		path_spec_default(&spec);
		CU_ASSERT_FALSE(path_spec_words(&spec, rows[i].words, err, sizeof(err)));
		if (!strstr(err, rows[i].expected)) {
			printf("%s: %s\n", rows[i].words, err);
			CU_FAIL("another reason");
		}
	}
}

static const struct test_case cases[] = {
	TEST(what_is_printed_reads_back),
	TEST(nonsense_is_refused_with_a_reason),
};
TEST_SUITE(path_words, cases);
