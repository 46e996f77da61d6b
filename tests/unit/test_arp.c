#include "wire/arp.h"

#include <string.h>

#include "../lib/mutate.h"
#include "../lib/test.h"
#include "base/check.h"

static const struct arp_msg request = {
	.op = ARP_REQUEST,
	.sha = {{2, 0, 0, 0, 0, 1}},
	.spa = 0x0a000001,
	.tpa = 0x0a000002,
};

static void a_request_has_the_bytes_of_rfc_826(void)
{
	static const uint8_t expected[ARP_LEN] = {0,  1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1,
						  10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2};
	uint8_t p[ARP_LEN];
	struct arp_msg m;

	arp_emit(p, &request);
	CU_ASSERT_EQUAL(memcmp(p, expected, ARP_LEN), 0);
	CU_ASSERT_TRUE(arp_parse(p, ARP_LEN, &m));
	CU_ASSERT_TRUE(m.op == request.op && m.spa == request.spa && m.tpa == request.tpa);
	CU_ASSERT_TRUE(mac_eq(&m.sha, &request.sha) && mac_eq(&m.tha, &request.tha));
}

static void messages_that_lie_are_refused(void)
{
	static const struct {
		const char *name;
		size_t at;
		uint8_t value;
		size_t len;
	} rows[] = {
		{"27 bytes", 0, 0, 27},
		{"empty", 0, 0, 0},
		{"hardware type 6", 1, 6, 28},
		{"hardware type 257", 0, 1, 28},
		{"protocol type IPv6", 2, 0x86, 28},
		{"hardware length 0", 4, 0, 28},
		{"hardware length 8", 4, 8, 28},
		{"hardware length 255", 4, 255, 28},
		{"protocol length 0", 5, 0, 28},
		{"protocol length 16", 5, 16, 28},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t p[ARP_LEN];
		struct arp_msg m;

		arp_emit(p, &request);
		p[rows[i].at] = rows[i].value;
		if (arp_parse(p, rows[i].len, &m))
			FAIL_ROW(rows[i].name);
	}
}

static unsigned check_mutant(uint8_t *p, size_t len)
{
	struct arp_msg m;

	return arp_parse(p, len, &m) && len < ARP_LEN;
}

static void damaged_messages_are_not_over_read(void)
{
	uint8_t p[ARP_LEN];

	arp_emit(p, &request);
	CU_ASSERT_EQUAL(mutate_each(p, sizeof(p), 2, 100000, check_mutant), 0);
}

static const struct test_case cases[] = {
	TEST(a_request_has_the_bytes_of_rfc_826),
	TEST(messages_that_lie_are_refused),
	TEST(damaged_messages_are_not_over_read),
};
TEST_SUITE(arp, cases);
