/* The pattern that bulk flows are made of and checked by. */
#include "../lib/test.h"

#include <string.h>

#include "../../sim/app.h"

static void any_part_of_the_pattern_can_be_made_alone(void)
{
	uint8_t whole[300], part[300];

	pattern_fill(5, 1000, whole, sizeof(whole));
	for (size_t from = 0; from < 40; from++)
		for (size_t len = 0; len < 40; len++) {
			pattern_fill(5, 1000 + from, part, len);
			CU_ASSERT_EQUAL(memcmp(part, whole + from, len), 0);
		}
}

static void the_check_finds_the_first_wrong_byte_wherever_it_is(void)
{
	uint8_t b[67];

	for (size_t off = 0; off < 9; off++) {
		pattern_fill(3, off, b, sizeof(b));
		CU_ASSERT_EQUAL(pattern_check(3, off, b, sizeof(b)), sizeof(b));
		for (size_t i = 0; i < sizeof(b); i++) {
			b[i] ^= 0x40;
			CU_ASSERT_EQUAL(pattern_check(3, off, b, sizeof(b)), i);
			b[i] ^= 0x40;
		}
	}
}

static void shifted_and_foreign_patterns_are_wrong(void)
{
	uint8_t b[64];

	pattern_fill(3, 0, b, sizeof(b));
	CU_ASSERT_TRUE(pattern_check(3, 1, b, sizeof(b)) < 8);
	CU_ASSERT_TRUE(pattern_check(3, 65536, b, sizeof(b)) < 8);
	CU_ASSERT_TRUE(pattern_check(2, 0, b, sizeof(b)) < 16);
}

/* Whole lines are made in vectors where the processor has them, single words never. */
static void lines_are_made_and_checked_as_words_are(void)
{
	static uint8_t lines[5000], words[5000];
	static const uint64_t starts[] = {0, 24, 0x0fffffffu - 700, 3ull << 31};

	for (size_t k = 0; k < 4; k++) {
		pattern_fill(k, starts[k], lines, sizeof(lines));
		for (size_t i = 0; i < sizeof(words); i += 8)
			pattern_fill(k, starts[k] + i, words + i, 8);
		CU_ASSERT_EQUAL(memcmp(lines, words, sizeof(lines)), 0);
		CU_ASSERT_EQUAL(pattern_check(k, starts[k], words, sizeof(words)), sizeof(words));
		for (size_t bad = 0; bad < sizeof(words); bad += 61) {
			words[bad] ^= 1;
			CU_ASSERT_EQUAL(pattern_check(k, starts[k], words, sizeof(words)), bad);
			words[bad] ^= 1;
		}
	}
}

static const struct test_case cases[] = {
	TEST(lines_are_made_and_checked_as_words_are),
	TEST(any_part_of_the_pattern_can_be_made_alone),
	TEST(the_check_finds_the_first_wrong_byte_wherever_it_is),
	TEST(shifted_and_foreign_patterns_are_wrong),
};
TEST_SUITE(pattern, cases);
