#include "wire/icmp.h"

#include <stdlib.h>
#include <string.h>

#include "../lib/mutate.h"
#include "../lib/test.h"
#include "base/check.h"

static void messages_shorter_than_eight_bytes_are_refused(void)
{
	static const uint8_t p[12] = {3, 4, 0xaa, 0xbb, 0, 0, 5, 0xdc, 1, 2, 3, 4};
	struct icmp_msg m;

	CU_ASSERT_TRUE(icmp_parse(p, 12, &m));
	CU_ASSERT_TRUE(m.type == 3 && m.code == 4 && m.rest == 1500);
	CU_ASSERT_TRUE(m.body == p + 8 && m.body_len == 4);
	CU_ASSERT_TRUE(icmp_parse(p, 8, &m));
	CU_ASSERT_EQUAL(m.body_len, 0);
	CU_ASSERT_FALSE(icmp_parse(p, 7, &m));
	CU_ASSERT_FALSE(icmp_parse(p, 0, &m));
}

/* A quoted IPv4 header of 20 bytes and the first 8 of TCP: ports 1000, 80, number 0x01020304. */
static const uint8_t quote4[28] = {0x45, 0, 5, 0xdc, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1,
				   10, 0, 0, 2, 3, 0xe8, 0, 80, 1, 2, 3, 4};

static void an_ipv4_quote_is_read_as_far_as_it_goes(void)
{
	static const struct {
		const char *name;
		size_t at;
		uint8_t value;
		size_t len;
		bool ok, has_seq;
	} rows[] = {
		{"eight bytes of TCP", 0, 0x45, 28, true, true},
		{"a total length that lies is not believed", 3, 1, 28, true, true},
		{"seven bytes of TCP: no number", 0, 0x45, 27, true, false},
		{"ports only", 0, 0x45, 24, true, false},
		{"ports cut", 0, 0x45, 23, false, false},
		{"no transport", 0, 0x45, 20, false, false},
		{"header cut", 0, 0x45, 19, false, false},
		{"empty", 0, 0x45, 0, false, false},
		{"version 6", 0, 0x65, 28, false, false},
		{"IHL 4", 0, 0x44, 28, false, false},
		{"IHL 0", 0, 0x40, 28, false, false},
		{"IHL past the quote", 0, 0x4f, 28, false, false},
		{"IHL to the quote's end", 0, 0x47, 28, false, false},
		{"later fragment", 7, 1, 28, false, false},
		{"UDP has no number", 9, 17, 28, true, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t all[28], *exact = malloc(rows[i].len + 1);
		struct icmp_msg m = {.body = exact + 1, .body_len = rows[i].len};
		struct icmp_inner in;
		bool ok;

		memcpy(all, quote4, sizeof(all));
		all[rows[i].at] = rows[i].value;
		memcpy(exact + 1, all, rows[i].len);
		ok = icmp_inner_parse(&m, false, &in);
		if (ok != rows[i].ok || in.has_seq != rows[i].has_seq)
			FAIL_ROW(rows[i].name);
		if (ok && (in.sport != 1000 || in.dport != 80 ||
			   addr_to_v4(&in.src) != 0x0a000001 || addr_to_v4(&in.dst) != 0x0a000002))
			FAIL_ROW(rows[i].name);
		if (in.has_seq && in.seq != 0x01020304)
			FAIL_ROW(rows[i].name);
		free(exact);
	}
}

static void a_quote_of_another_protocol_has_no_ports(void)
{
	uint8_t quote[20];
	struct icmp_msg m = {.body = quote, .body_len = sizeof(quote)};
	struct icmp_inner in;

	memcpy(quote, quote4, sizeof(quote));
	quote[9] = PROTO_ICMP;
	CU_ASSERT_TRUE(icmp_inner_parse(&m, false, &in));
	CU_ASSERT_TRUE(in.proto == PROTO_ICMP && in.sport == 0 && !in.has_seq);
}

static void an_ipv6_quote_is_read_behind_its_extension_headers(void)
{
	static const struct {
		const char *name;
		uint8_t first, bytes[88];
		size_t len;
		bool ok;
	} rows[] = {
		{"TCP", 6, {3, 0xe8, 0, 80, 1, 2, 3, 4}, 8, true},
		{"behind options", 60, {6, 0, 1, 4, 0, 0, 0, 0, 3, 0xe8, 0, 80, 1, 2, 3, 4}, 16,
		 true},
		{"behind a first fragment's header", 44,
		 {6, 0xff, 0, 1, 0, 0, 0, 0, 3, 0xe8, 0, 80, 1, 2, 3, 4}, 16, true},
		{"later fragment", 44, {6, 0, 0, 8, 0, 0, 0, 0, 3, 0xe8, 0, 80, 1, 2, 3, 4}, 16,
		 false},
		{"extension cut", 60, {6, 0, 1, 4, 0, 0, 0}, 7, false},
		{"extension lies", 60, {6, 4, 1, 4, 0, 0, 0, 0, 3, 0xe8, 0, 80, 1, 2, 3, 4}, 16,
		 false},
		{"ten extension headers", 60,
		 {60, 0, 0, 0, 0, 0, 0, 0, 60, 0, 0, 0, 0, 0, 0, 0, 60, 0, 0, 0, 0, 0, 0, 0,
		  60, 0, 0, 0, 0, 0, 0, 0, 60, 0, 0, 0, 0, 0, 0, 0, 60, 0, 0, 0, 0, 0, 0, 0,
		  60, 0, 0, 0, 0, 0, 0, 0, 60, 0, 0, 0, 0, 0, 0, 0, 60, 0, 0, 0, 0, 0, 0, 0,
		  6, 0, 0, 0, 0, 0, 0, 0, 3, 0xe8, 0, 80, 1, 2, 3, 4},
		 88, false},
		{"ports cut", 6, {3, 0xe8, 0}, 3, false},
		{"nothing behind", 6, {0}, 0, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ip_hdr ip = {.src = {{0x20, 1}}, .dst = {{0x20, 2}}, .proto = rows[i].first,
				    .payload_len = 65535};
		uint8_t *p = calloc(1, IP6_LEN + rows[i].len);
		struct icmp_msg m = {.body = p, .body_len = IP6_LEN + rows[i].len};
		struct icmp_inner in;
		bool ok;

		ip6_emit(p, &ip);
		memcpy(p + IP6_LEN, rows[i].bytes, rows[i].len);
		ok = icmp_inner_parse(&m, true, &in);
		if (ok != rows[i].ok ||
		    (ok && (in.proto != 6 || in.sport != 1000 || in.dport != 80 || !in.has_seq ||
			    in.seq != 0x01020304 || !addr_eq(&in.src, &ip.src))))
			FAIL_ROW(rows[i].name);
		if (icmp_inner_parse(&m, false, &in))
			FAIL_ROW("an IPv6 quote passed as IPv4");
		p[0] = 0x45;
		if (icmp_inner_parse(&m, true, &in))
			FAIL_ROW("version 4 passed as IPv6");
		free(p);
	}
}

static void a_quote_of_mapped_addresses_is_a_forgery(void)
{
	struct ip_hdr ip = {.src = addr_v4(0x0a000001), .dst = {{0x20, 2}}, .proto = PROTO_TCP};
	uint8_t quote[48] = {0};
	struct icmp_msg m = {.body = quote, .body_len = sizeof(quote)};
	struct icmp_inner in;

	ip6_emit(quote, &ip);
	CU_ASSERT_FALSE(icmp_inner_parse(&m, true, &in));
}

static unsigned check_mutant(uint8_t *p, size_t len)
{
	struct icmp_msg m;
	struct icmp_inner in;

	if (!icmp_parse(p, len, &m))
		return 0;
	if (m.body + m.body_len != p + len)
		return 1;
	return (icmp_inner_parse(&m, false, &in) && m.body_len < 20) +
	       (icmp_inner_parse(&m, true, &in) && m.body_len < 40);
}

static void damaged_messages_are_not_over_read(void)
{
	uint8_t p4[8 + 28] = {3, 4}, p6[8 + 40 + 8 + 8 + 8] = {2, 0};
	struct ip_hdr ip = {.src = {{0x20, 1}}, .dst = {{0x20, 2}}, .proto = 60};

	memcpy(p4 + 8, quote4, 28);
	ip6_emit(p6 + 8, &ip);
	p6[48] = 44;
	p6[56] = 6;
	CU_ASSERT_EQUAL(mutate_each(p4, sizeof(p4), 8, 100000, check_mutant), 0);
	CU_ASSERT_EQUAL(mutate_each(p6, sizeof(p6), 9, 100000, check_mutant), 0);
}

static const struct test_case cases[] = {
	TEST(messages_shorter_than_eight_bytes_are_refused),
	TEST(an_ipv4_quote_is_read_as_far_as_it_goes),
	TEST(a_quote_of_another_protocol_has_no_ports),
	TEST(an_ipv6_quote_is_read_behind_its_extension_headers),
	TEST(a_quote_of_mapped_addresses_is_a_forgery),
	TEST(damaged_messages_are_not_over_read),
};
TEST_SUITE(icmp, cases);
