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

static const struct test_case cases[] = {
	TEST(any_part_of_the_pattern_can_be_made_alone),
	TEST(the_check_finds_the_first_wrong_byte_wherever_it_is),
	TEST(shifted_and_foreign_patterns_are_wrong),
};
TEST_SUITE(app_bulk, cases);
