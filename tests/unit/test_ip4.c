#include "wire/ip.h"

#include <stdlib.h>
#include <string.h>

#include "../lib/mutate.h"
#include "../lib/test.h"
#include "base/check.h"
#include "wire/csum.h"

static void seal(uint8_t *p, size_t hdr_len)
{
	wr16(p + 10, 0);
	wr16(p + 10, (uint16_t)~csum_fold(csum_add(0, p, hdr_len)));
}

static void what_is_emitted_parses(void)
{
	struct ip_hdr out = {.src = addr_v4(0x0a000001), .dst = addr_v4(0xc0a80102), .version = 4,
			     .proto = PROTO_TCP, .ttl = 64, .tos = 0xb8 | ECN_ECT0, .id = 0xabcd,
			     .payload_len = 24, .frag_off = 65000, .more_frags = true};
	uint8_t p[IP4_LEN + 24] = {0};
	struct ip_hdr in;

	ip4_emit(p, &out);
	CU_ASSERT_EQUAL(ip4_parse(p, sizeof(p), &in, false), IP_OK);
	CU_ASSERT_TRUE(addr_eq(&in.src, &out.src) && addr_eq(&in.dst, &out.dst));
	CU_ASSERT_TRUE(in.version == 4 && in.proto == 6 && in.ttl == 64 && in.tos == out.tos);
	CU_ASSERT_TRUE(in.hdr_len == 20 && in.payload_len == 24 && in.id == 0xabcd);
	CU_ASSERT_TRUE(in.frag && in.more_frags && !in.dont_frag && in.frag_off == 65000);
	CU_ASSERT_FALSE(in.has_options || in.source_route);
	out.frag_off = 0;
	out.more_frags = false;
	out.dont_frag = true;
	ip4_emit(p, &out);
	CU_ASSERT_EQUAL(ip4_parse(p, sizeof(p), &in, false), IP_OK);
	CU_ASSERT_TRUE(in.dont_frag && !in.frag);
}

/* The example in many textbooks: known bytes with a known checksum. */
static void a_known_header_verifies(void)
{
	uint8_t p[115] = {0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0xb8, 0x61,
			  0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0, 0xc7};
	struct ip_hdr h;

	CU_ASSERT_EQUAL(ip4_parse(p, sizeof(p), &h, false), IP_OK);
	CU_ASSERT_EQUAL(h.payload_len, 95);
	p[11] ^= 1;
	CU_ASSERT_EQUAL(ip4_parse(p, sizeof(p), &h, false), IP_BAD);
}

/* Rows change one thing in a datagram of 60 bytes with 40 of payload. */
static void lengths_that_lie_are_refused(void)
{
	static const struct {
		const char *name;
		uint8_t ver_ihl;
		uint16_t total, frag;
		size_t len;
		bool tso_zero;
		enum ip_verdict verdict;
		uint32_t payload_len;
	} rows[] = {
		{"as it should be", 0x45, 60, 0, 60, false, IP_OK, 40},
		{"Ethernet trailer", 0x45, 46, 0, 60, false, IP_OK, 26},
		{"no payload", 0x45, 20, 0, 60, false, IP_OK, 0},
		{"empty", 0x45, 60, 0, 0, false, IP_BAD, 0},
		{"19 bytes", 0x45, 19, 0, 19, false, IP_BAD, 0},
		{"version 6", 0x65, 60, 0, 60, false, IP_BAD, 0},
		{"version 0", 0x05, 60, 0, 60, false, IP_BAD, 0},
		{"IHL 4", 0x44, 60, 0, 60, false, IP_BAD, 0},
		{"IHL 0", 0x40, 60, 0, 60, false, IP_BAD, 0},
		{"IHL past the bytes", 0x4f, 50, 0, 50, false, IP_BAD, 0},
		{"IHL past the total", 0x4f, 56, 0, 60, false, IP_BAD, 0},
		{"total over the bytes", 0x45, 61, 0, 60, false, IP_BAD, 0},
		{"total 65535", 0x45, 65535, 0, 60, false, IP_BAD, 0},
		{"total under the header", 0x45, 19, 0, 60, false, IP_BAD, 0},
		{"total 0", 0x45, 0, 0, 60, false, IP_BAD, 0},
		{"total 0 by offload", 0x45, 0, 0, 60, true, IP_OK, 40},
		{"fragment: first", 0x45, 60, 0x2000, 60, false, IP_OK, 40},
		{"fragment: not 8n with MF", 0x45, 59, 0x2000, 60, false, IP_BAD, 0},
		{"fragment: odd last", 0x45, 59, 0x0001, 60, false, IP_OK, 39},
		{"fragment: empty with MF", 0x45, 20, 0x2001, 60, false, IP_BAD, 0},
		{"fragment: empty last", 0x45, 20, 0x0001, 60, false, IP_BAD, 0},
		{"fragment: ends at 65535", 0x45, 23, 0x1ffd, 60, false, IP_OK, 3},
		{"fragment: ends at 65536", 0x45, 24, 0x1ffd, 60, false, IP_BAD, 0},
		{"fragment: last offset", 0x45, 60, 0x1fff, 60, false, IP_BAD, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t p[60] = {0}, *exact = malloc(rows[i].len + 1);
		size_t hdr_len = (rows[i].ver_ihl & 15) * 4u;
		struct ip_hdr h;
		enum ip_verdict v;

		p[0] = rows[i].ver_ihl;
		wr16(p + 2, rows[i].total);
		wr16(p + 6, rows[i].frag);
		seal(p, hdr_len < 20 ? 20 : hdr_len);
		memcpy(exact + 1, p, rows[i].len);
		v = ip4_parse(exact + 1, rows[i].len, &h, rows[i].tso_zero);
		if (v != rows[i].verdict || (v == IP_OK && h.payload_len != rows[i].payload_len))
			FAIL_ROW(rows[i].name);
		free(exact);
	}
}

static void options_are_walked_and_illegal_ones_refused(void)
{
	static const struct {
		const char *name;
		uint8_t opt[12];
		enum ip_verdict verdict;
		bool source_route;
	} rows[] = {
		{"end at once, lies behind it", {0, 7, 0}, IP_OK, false},
		{"no-operations", {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, IP_OK, false},
		{"unknown", {0x9e, 4, 1, 2}, IP_OK, false},
		{"router alert", {148, 4, 0, 0}, IP_OK, false},
		{"LSRR", {131, 7, 4, 10, 0, 0, 9}, IP_OK, true},
		{"SSRR", {1, 137, 7, 4, 10, 0, 0, 9}, IP_OK, true},
		{"LSRR longer than the header", {131, 39, 4}, IP_BAD_OPTION, false},
		{"LSRR without pointer", {131, 2}, IP_BAD_OPTION, false},
		{"SSRR pointer 0", {137, 7, 0}, IP_BAD_OPTION, false},
		{"record route", {7, 7, 4}, IP_OK, false},
		{"record route pointer 3", {7, 7, 3}, IP_BAD_OPTION, false},
		{"timestamp", {68, 12, 5}, IP_OK, false},
		{"timestamp of 3 bytes", {68, 3, 5}, IP_BAD_OPTION, false},
		{"timestamp pointer 4", {68, 12, 4}, IP_BAD_OPTION, false},
		{"length 0", {7, 0, 4}, IP_BAD_OPTION, false},
		{"length 1", {0x9e, 1}, IP_BAD_OPTION, false},
		{"length 255", {0x9e, 255}, IP_BAD_OPTION, false},
		{"one past the header", {0x9e, 13}, IP_BAD_OPTION, false},
		{"kind without length", {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 7}, IP_BAD_OPTION, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t *p = calloc(1, 32);
		struct ip_hdr h;
		enum ip_verdict v;

		p[0] = 0x48;
		wr16(p + 2, 32);
		memcpy(p + 20, rows[i].opt, 12);
		seal(p, 32);
		v = ip4_parse(p, 32, &h, false);
		if (v != rows[i].verdict)
			FAIL_ROW(rows[i].name);
		if (v == IP_OK && (h.source_route != rows[i].source_route || !h.has_options))
			FAIL_ROW(rows[i].name);
		free(p);
	}
}

static unsigned check_mutant(uint8_t *p, size_t len)
{
	size_t hdr_len = len ? (p[0] & 15) * 4u : 0;
	struct ip_hdr h;

	if (hdr_len >= 12 && hdr_len <= len && len % 8)
		seal(p, hdr_len);
	if (ip4_parse(p, len, &h, len % 2) != IP_OK)
		return 0;
	return h.hdr_len < IP4_LEN || h.hdr_len + h.payload_len > len;
}

static void damaged_headers_are_not_over_read(void)
{
	uint8_t p[61] = {0x4a, 0, 0, 61, 1, 2, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
			 131, 7, 4, 1, 2, 3, 4, 1, 68, 8, 5, 0, 0, 0, 0, 0};

	seal(p, 40);
	CU_ASSERT_EQUAL(mutate_each(p, sizeof(p), 4, 100000, check_mutant), 0);
}

static const struct test_case cases[] = {
	TEST(what_is_emitted_parses),
	TEST(a_known_header_verifies),
	TEST(lengths_that_lie_are_refused),
	TEST(options_are_walked_and_illegal_ones_refused),
	TEST(damaged_headers_are_not_over_read),
};
TEST_SUITE(ip4, cases);
