/* Names to numbers. */
#include "../lib/test.h"

#include "../../sim/names.h"

#include <stdio.h>

static void each_name_is_found_once_it_was_added(void)
{
	static char text[1000][8];
	struct names t;
	uint32_t n;

	CU_ASSERT_TRUE_FATAL(names_init(&t, 1000));
	CU_ASSERT_FALSE(names_find(&t, "n0", &n));
	for (uint32_t i = 0; i < 1000; i++) {
		snprintf(text[i], sizeof(text[i]), "n%u", i);
		CU_ASSERT_TRUE(names_add(&t, text[i], i));
		CU_ASSERT_FALSE(names_add(&t, text[i], 7));
	}
	for (uint32_t i = 0; i < 1000; i++)
		CU_ASSERT_TRUE(names_find(&t, text[i], &n) && n == i);
	CU_ASSERT_FALSE(names_find(&t, "n1000", &n));
	names_free(&t);
	CU_ASSERT_FALSE(names_find(&t, "n0", &n));
}

static const struct test_case cases[] = {
	TEST(each_name_is_found_once_it_was_added),
};
TEST_SUITE(names, cases);
