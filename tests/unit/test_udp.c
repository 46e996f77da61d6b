#include "wire/udp.h"

#include "../lib/mutate.h"
#include "../lib/test.h"
#include "base/check.h"

static void the_length_field_must_lie_in_the_bytes(void)
{
	static const struct {
		const char *name;
		uint8_t bytes[20];
		size_t len;
		bool ok;
	} rows[] = {
		{"header only", {0, 53, 0xff, 0xfe, 0, 8}, 8, true},
		{"with payload", {0, 53, 0xff, 0xfe, 0, 20}, 20, true},
		{"padding behind", {0, 53, 0xff, 0xfe, 0, 9}, 20, true},
		{"length 0", {0, 53, 0xff, 0xfe, 0, 0}, 20, false},
		{"length 7", {0, 53, 0xff, 0xfe, 0, 7}, 20, false},
		{"length beyond", {0, 53, 0xff, 0xfe, 0, 21}, 20, false},
		{"length 65535", {0, 53, 0xff, 0xfe, 0xff, 0xff}, 20, false},
		{"header cut", {0, 53, 0xff, 0xfe, 0, 8}, 7, false},
		{"empty", {0}, 0, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct udp_hdr h;
		bool ok = udp_parse(rows[i].bytes, rows[i].len, &h);

		if (ok != rows[i].ok || (ok && (h.sport != 53 || h.dport != 0xfffe)))
			FAIL_ROW(rows[i].name);
	}
}

static unsigned check_mutant(uint8_t *p, size_t len)
{
	struct udp_hdr h;

	return udp_parse(p, len, &h) && (h.len > len || h.len < UDP_LEN);
}

static void damaged_headers_are_not_over_read(void)
{
	static const uint8_t valid[12] = {0, 53, 0, 54, 0, 12, 1, 2, 3, 4, 5, 6};

	CU_ASSERT_EQUAL(mutate_each(valid, sizeof(valid), 3, 100000, check_mutant), 0);
}

static const struct test_case cases[] = {
	TEST(the_length_field_must_lie_in_the_bytes),
	TEST(damaged_headers_are_not_over_read),
};
TEST_SUITE(udp, cases);
