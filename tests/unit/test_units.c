/* Units: what is accepted, what is refused, and that printing reads back. */
#include "../lib/test.h"

#include "../../sim/units.h"

#include <stdbool.h>
#include <string.h>

struct row {
	const char *text;
	bool ok;
	uint64_t value;
};

static void times_carry_units(void)
{
	static const struct row rows[] = {
		{"10ms", true, 10000000}, {"0", true, 0}, {"1.5s", true, 1500000000},
		{"0.000000001s", true, 1}, {"2min", true, 120000000000}, {"1h", true, 3600000000000},
		{"0.50us", true, 500}, {"10", false, 0}, {"", false, 0}, {"ms", false, 0},
		{"-1s", false, 0}, {"+1s", false, 0}, {"1 s", false, 0}, {"1e3s", false, 0},
		{"0.5ns", false, 0}, {"1.s", false, 0}, {".5s", false, 0}, {"nan", false, 0},
		{"inf", false, 0}, {"99999999999999999999s", false, 0}, {"1000000001s", false, 0},
		{"1msx", false, 0}, {"0x10ms", false, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ns_t t = -1;
		bool ok = !unit_time(rows[i].text, &t);

		CU_ASSERT_EQUAL(ok, rows[i].ok);
		if (ok)
			CU_ASSERT_EQUAL((uint64_t)t, rows[i].value);
	}
}

static void rates_sizes_and_shares_carry_units(void)
{
	uint64_t v;
	uint32_t p;

	CU_ASSERT_PTR_NULL(unit_rate("10mbit", &v));
	CU_ASSERT_EQUAL(v, 10000000);
	CU_ASSERT_PTR_NULL(unit_rate("1.5gbit", &v));
	CU_ASSERT_EQUAL(v, 1500000000);
	CU_ASSERT_PTR_NOT_NULL(unit_rate("0mbit", &v));
	CU_ASSERT_PTR_NOT_NULL(unit_rate("10Mbps", &v));
	CU_ASSERT_PTR_NULL(unit_size("4MiB", &v));
	CU_ASSERT_EQUAL(v, 4194304);
	CU_ASSERT_PTR_NULL(unit_size("1.5KiB", &v));
	CU_ASSERT_EQUAL(v, 1536);
	CU_ASSERT_PTR_NULL(unit_size("1.5kB", &v));
	CU_ASSERT_EQUAL(v, 1500);
	CU_ASSERT_PTR_NULL(unit_share("0.34%", &p));
	CU_ASSERT_EQUAL(p, 3400000);
	CU_ASSERT_PTR_NULL(unit_share("100%", &p));
	CU_ASSERT_EQUAL(p, 1000000000);
	CU_ASSERT_PTR_NULL(unit_share("0.0000001%", &p));
	CU_ASSERT_EQUAL(p, 1);
	CU_ASSERT_PTR_NOT_NULL(unit_share("101%", &p));
	CU_ASSERT_PTR_NOT_NULL(unit_share("0.00000001%", &p));
	CU_ASSERT_PTR_NOT_NULL(unit_share("5", &p));
	CU_ASSERT_PTR_NOT_NULL(unit_count("18446744073709551616", &v));
	CU_ASSERT_PTR_NOT_NULL(unit_count("1.5", &v));
	CU_ASSERT_PTR_NULL(unit_count("12", &v));
	CU_ASSERT_EQUAL(v, 12);
}

static void what_is_printed_reads_back(void)
{
	static const uint64_t values[] = {0, 1, 999, 1000, 1024, 1500, 1048576, 1000000, 3600000000000,
					  1234567890123, 60000000000, 999999999};
	char text[UNIT_TEXT];

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		uint64_t v = values[i], back = 1;
		uint32_t p = 1;
		ns_t t = 1;

		CU_ASSERT_PTR_NULL(unit_time(unit_print_time(text, (ns_t)v), &t));
		CU_ASSERT_EQUAL((uint64_t)t, v);
		CU_ASSERT_PTR_NULL(unit_size(unit_print_size(text, v), &back));
		CU_ASSERT_EQUAL(back, v);
		if (v) {
			CU_ASSERT_PTR_NULL(unit_rate(unit_print_rate(text, v), &back));
			CU_ASSERT_EQUAL(back, v);
		}
		if (v <= 1000000000) {
			CU_ASSERT_PTR_NULL(unit_share(unit_print_share(text, (uint32_t)v), &p));
			CU_ASSERT_EQUAL(p, v);
		}
	}
}

static const struct test_case cases[] = {
	TEST(times_carry_units),
	TEST(rates_sizes_and_shares_carry_units),
	TEST(what_is_printed_reads_back),
};
TEST_SUITE(units, cases);
