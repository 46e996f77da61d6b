#include "../lib/test.h"

#include <string.h>

#include "../../sim/words.h"

static void the_nearest_word_is_what_fingers_meant(void)
{
	static const char *const known[] = {"serve", "script", "sweep", "explain", "connect"};
	static const struct {
		const char *typed, *meant;
	} rows[] = {
		{"serv", "serve"},   {"srever", "serve"},	    {"sevre", "serve"}, {"conect", "connect"},
		{"explian", "explain"}, {"scrip", "script"}, {"x", NULL},	   {"", NULL},
		{"something else entirely, far too long to be any word", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *near = word_nearest(rows[i].typed, known, 5);

		CU_ASSERT_EQUAL(near != NULL, rows[i].meant != NULL);
		CU_ASSERT_TRUE(!near || !rows[i].meant || strcmp(near, rows[i].meant) == 0);
	}
}

static const struct test_case cases[] = {TEST(the_nearest_word_is_what_fingers_meant)};
TEST_SUITE(words, cases);
