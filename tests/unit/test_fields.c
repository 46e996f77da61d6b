/* Tables of fields: each kind is read, bounded and printed back. */
#include "../lib/test.h"

#include "../../sim/fields.h"
#include "../../stack/base/check.h"
#include "../../stack/base/time.h"

#include <stdlib.h>
#include <string.h>

enum colour { RED, GREEN };
static const char *const colours[] = {"red", "green", NULL};

struct inner {
	uint64_t rate;
	uint32_t share;
};

struct all {
	bool b;
	uint8_t u8, colour8;
	uint16_t u16;
	uint32_t u32, size32;
	uint64_t u64, size64;
	ns_t time;
	enum colour colour;
	struct inner inner;
};

static const struct field inner_fields[] = {
	{.key = "rate", .type = FIELD_RATE, .at = offsetof(struct inner, rate)},
	{.key = "share", .type = FIELD_SHARE, .at = offsetof(struct inner, share)},
};
static const struct field fields[] = {
	{.key = "b", .type = FIELD_BOOL, .at = offsetof(struct all, b)},
	{.key = "u8", .type = FIELD_U8, .at = offsetof(struct all, u8)},
	{.key = "u16", .type = FIELD_U16, .at = offsetof(struct all, u16), .lo = 3, .hi = 9},
	{.key = "u32", .type = FIELD_U32, .at = offsetof(struct all, u32), .none = "off", .none_value = 77},
	{.key = "u64", .type = FIELD_U64, .at = offsetof(struct all, u64)},
	{.key = "size32", .type = FIELD_SIZE32, .at = offsetof(struct all, size32)},
	{.key = "size64", .type = FIELD_SIZE64, .at = offsetof(struct all, size64)},
	{.key = "time", .type = FIELD_TIME, .at = offsetof(struct all, time)},
	{.key = "colour", .type = FIELD_ENUM, .at = offsetof(struct all, colour), .words = colours},
	{.key = "colour8", .type = FIELD_ENUM8, .at = offsetof(struct all, colour8), .words = colours},
	{.key = "inner", .type = FIELD_GROUP, .at = offsetof(struct all, inner), .fields = inner_fields,
	 .nfields = ARRAY_LEN(inner_fields)},
};

static bool read_all(const char *text, struct all *to, char *err, size_t cap)
{
	struct doc d;
	bool ok = doc_parse(&d, "f", text, strlen(text), err, cap) &&
		  fields_read(&d, doc_root(&d), fields, ARRAY_LEN(fields), to);

	doc_free(&d);
	return ok;
}

static void each_kind_is_read_and_printed_back(void)
{
	static const char text[] = "b: true\nu8: 255\nu16: 9\nu32: off\nu64: 18446744073709551605\n"
				   "size32: 4MiB\nsize64: 5GB\ntime: 1500us\ncolour: green\n"
				   "colour8: green\ninner: {rate: 10mbit, share: 2.5%}\n";
	struct all a = {0}, b = {0};
	char err[300], *shown = NULL;
	size_t len;

	CU_ASSERT_TRUE_FATAL(read_all(text, &a, err, sizeof(err)));
	CU_ASSERT_TRUE(a.b && a.u8 == 255 && a.u16 == 9 && a.u32 == 77 && a.colour == GREEN);
	CU_ASSERT_TRUE(a.size32 == 4194304 && a.size64 == 5000000000 && a.time == 1500 * US);
	CU_ASSERT_TRUE(a.inner.rate == 10000000 && a.inner.share == 25000000 && a.colour8 == 1);
	FILE *f = open_memstream(&shown, &len);

	fields_print(f, "", fields, ARRAY_LEN(fields), &a);
	fclose(f);
	CU_ASSERT_STRING_EQUAL(shown, text);
	CU_ASSERT_TRUE(read_all(shown, &b, err, sizeof(err)));
	CU_ASSERT_EQUAL(b.u64, a.u64);
	free(shown);
}

static void what_does_not_fit_is_refused(void)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{"u8: 256\n", "u8: got `256`, expected 0 to 255"},
		{"u16: 2\n", "f:1:6: u16: got `2`, expected 3 to 9"},
		{"u16: 10\n", "expected 3 to 9"},
		{"u32: 4294967296\n", "expected 0 to 4294967295, or off"},
		{"u32: on\n", "expected a whole number, or off"},
		{"size32: 4GiB\n", "size32: got `4GiB`"},
		{"time: [1s]\n", "time: got a list, expected a single value"},
		{"inner: 5\n", "got `5`, expected a mapping"},
		{"inner: {rat: 5mbit}\n", "f:1:9: got the key `rat`, expected perhaps `rate`"},
		{"colour: blue\n", "got `blue`, expected one of: red, green"},
		{"[]\n", "got a list, expected a mapping"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct all a = {0};
		char err[300];

		CU_ASSERT_FALSE(read_all(rows[i].text, &a, err, sizeof(err)));
		if (!strstr(err, rows[i].message)) {
			printf("%s: %s\n", rows[i].text, err);
			CU_FAIL("another message");
		}
	}
}

static const struct test_case cases[] = {
	TEST(each_kind_is_read_and_printed_back),
	TEST(what_does_not_fit_is_refused),
};
TEST_SUITE(fields, cases);
