/* What every --json has in common: text is UTF-8 whatever it was, and counts are whole. */
#include "../lib/test.h"

#include <stdlib.h>
#include <string.h>

#include "../../traces/js.h"

#define BAD "\xef\xbf\xbd"

static void bytes_that_are_no_text_are_replaced(void)
{
	static const struct {
		const char *name, *in, *out;
	} rows[] = {
		{"plain", "a b", "a b"},
		{"nothing", "", ""},
		{"two, three and four bytes", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xbe", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xbe"},
		{"a lone byte", "a\xff" "b", "a" BAD "b"},
		{"a continuation alone", "\x80", BAD},
		{"cut short", "\xe2\x82", BAD BAD},
		{"longer than need be", "\xc0\xaf", BAD BAD},
		{"longer than need be, of three", "\xe0\x80\xaf", BAD BAD BAD},
		{"a surrogate", "\xed\xa0\x80", BAD BAD BAD},
		{"beyond the last", "\xf4\x90\x80\x80", BAD BAD BAD BAD},
		{"the last", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *j = js_text(rows[i].in);

		if (!json_is_string(j) || strcmp(json_string_value(j), rows[i].out) != 0)
			FAIL_ROW(rows[i].name);
		json_decref(j);
	}
	CU_ASSERT_PTR_EQUAL(js_text(NULL), json_null());
}

static void counts_stay_whole(void)
{
	json_t *a = js_count(INT64_MAX), *b = js_count(UINT64_MAX);

	CU_ASSERT_EQUAL(json_integer_value(a), INT64_MAX);
	CU_ASSERT_STRING_EQUAL(json_string_value(b), "18446744073709551615");
	json_decref(a);
	json_decref(b);
}

static void a_value_is_printed_in_the_order_it_was_made(void)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	CU_ASSERT_TRUE(js_print(f, json_pack("{s:i, s:o}", "z", 1, "a", js_time(1500 * MS)), true));
	CU_ASSERT_STRING_EQUAL(text, "{\"z\":1,\"a\":1.5}\n");
	CU_ASSERT_FALSE(js_print(f, NULL, true));
	fclose(f);
	free(text);
}

static void a_full_disk_is_told(void)
{
	FILE *f = fopen("/dev/full", "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_FALSE(js_print(f, json_object(), true));
	fclose(f);
}

static const struct test_case cases[] = {
	TEST(bytes_that_are_no_text_are_replaced),
	TEST(counts_stay_whole),
	TEST(a_value_is_printed_in_the_order_it_was_made),
	TEST(a_full_disk_is_told),
};
TEST_SUITE(js, cases);
