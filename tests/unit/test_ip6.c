#include "wire/ip.h"

#include <stdlib.h>
#include <string.h>

#include "../lib/mutate.h"
#include "../lib/test.h"
#include "base/check.h"

static const struct ip_hdr plain = {
	.src = {{0x20, 1, 0xd, 0xb8, [15] = 1}},
	.dst = {{0x20, 1, 0xd, 0xb8, [15] = 2}},
	.version = 6,
	.proto = PROTO_TCP,
	.ttl = 64,
	.tos = 0xb9,
	.flow_label = 0xabcde,
	.payload_len = 20,
};

static void what_is_emitted_parses(void)
{
	uint8_t p[60] = {0}, code;
	struct ip_hdr h;
	uint32_t at;

	ip6_emit(p, &plain);
	CU_ASSERT_EQUAL(p[0], 0x6b);
	CU_ASSERT_EQUAL(ip6_parse(p, sizeof(p), &h, &at, &code), IP_OK);
	CU_ASSERT_TRUE(addr_eq(&h.src, &plain.src) && addr_eq(&h.dst, &plain.dst));
	CU_ASSERT_TRUE(h.version == 6 && h.proto == 6 && h.ttl == 64 && h.tos == 0xb9);
	CU_ASSERT_TRUE(h.hdr_len == 40 && h.payload_len == 20 && h.flow_label == 0xabcde);
	CU_ASSERT_FALSE(h.frag || h.has_options || h.source_route);
}

static void lengths_and_versions_that_lie_are_refused(void)
{
	static const struct {
		const char *name;
		uint8_t first;
		uint16_t payload;
		size_t len;
		enum ip_verdict verdict;
	} rows[] = {
		{"as it should be", 0x60, 20, 60, IP_OK},
		{"trailer", 0x60, 19, 60, IP_OK},
		{"no payload", 0x60, 0, 60, IP_OK},
		{"payload over the bytes", 0x60, 21, 60, IP_BAD},
		{"payload 65535", 0x60, 65535, 60, IP_BAD},
		{"39 bytes", 0x60, 0, 39, IP_BAD},
		{"empty", 0x60, 0, 0, IP_BAD},
		{"version 4", 0x40, 20, 60, IP_BAD},
		{"version 15", 0xf0, 20, 60, IP_BAD},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t p[60] = {0}, code, *exact = malloc(rows[i].len + 1);
		struct ip_hdr h;
		uint32_t at;

		ip6_emit(p, &plain);
		p[0] = rows[i].first;
		wr16(p + 4, rows[i].payload);
		memcpy(exact + 1, p, rows[i].len);
		if (ip6_parse(exact + 1, rows[i].len, &h, &at, &code) != rows[i].verdict)
			FAIL_ROW(rows[i].name);
		free(exact);
	}
}

static void mapped_addresses_on_the_wire_are_refused(void)
{
	struct ip_hdr h, forged = plain;
	uint8_t p[60] = {0}, code;
	uint32_t at;

	forged.src = addr_v4(0x0a000001);
	ip6_emit(p, &forged);
	CU_ASSERT_EQUAL(ip6_parse(p, sizeof(p), &h, &at, &code), IP_BAD);
	forged = plain;
	forged.dst = addr_v4(0x0a000001);
	ip6_emit(p, &forged);
	CU_ASSERT_EQUAL(ip6_parse(p, sizeof(p), &h, &at, &code), IP_BAD);
}

/* Rows are the payload, from `first` on; offsets count from the IPv6 header's first byte. */
static void extension_headers_are_walked_with_suspicion(void)
{
	static const struct {
		const char *name;
		uint8_t first, bytes[80];
		size_t len;
		enum ip_verdict verdict;
		uint16_t hdr_len;
		uint8_t proto;
		uint32_t problem;
		uint8_t code;
	} rows[] = {
		{"destination options, PadN", 60, {6, 0, 1, 4}, 8, IP_OK, 48, 6, 0, 0},
		{"hop-by-hop, Pad1 six times", 0, {6, 0}, 8, IP_OK, 48, 6, 0, 0},
		{"router alert", 0, {6, 0, 5, 2, 0, 0, 1, 0}, 8, IP_OK, 48, 6, 0, 0},
		{"no next header", 60, {59, 0, 1, 4}, 8, IP_OK, 48, 59, 0, 0},
		{"unknown protocol is the upper layer's", 253, {0}, 8, IP_OK, 40, 253, 0, 0},
		{"two of them", 0, {60, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4}, 16, IP_OK, 56, 17, 0, 0},
		{"hop-by-hop not first", 60, {0, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4}, 16,
		 IP_PARAM_PROBLEM, 0, 0, 40, 1},
		{"hop-by-hop twice", 0, {0, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4}, 16,
		 IP_PARAM_PROBLEM, 0, 0, 40, 1},
		{"header cut", 60, {6, 0, 1, 4, 0, 0, 0}, 7, IP_BAD, 0, 0, 0, 0},
		{"length past the packet", 60, {6, 1, 1, 4}, 15, IP_BAD, 0, 0, 0, 0},
		{"length 255", 60, {6, 255, 1, 4}, 16, IP_BAD, 0, 0, 0, 0},
		{"no byte of it", 0, {0}, 0, IP_BAD, 0, 0, 0, 0},
		{"option past the header", 60, {6, 0, 0x1e, 5}, 16, IP_BAD_OPTION, 0, 0, 0, 0},
		{"option without length", 60, {6, 0, 1, 3, 0, 0, 0, 0x1e}, 8, IP_BAD_OPTION, 0, 0,
		 0, 0},
		{"PadN lies", 60, {6, 0, 1, 200}, 8, IP_BAD_OPTION, 0, 0, 0, 0},
		{"eight bytes of padding", 60, {6, 1, 1, 6}, 16, IP_BAD_OPTION, 0, 0, 0, 0},
		{"unknown option, skip", 60, {6, 0, 0x1e, 4}, 8, IP_OK, 48, 6, 0, 0},
		{"unknown option of no length", 60, {6, 0, 0x1e, 0, 1, 2}, 8, IP_OK, 48, 6, 0, 0},
		{"unknown option, drop", 60, {6, 0, 0x5e, 4}, 8, IP_BAD_OPTION, 0, 0, 0, 0},
		{"unknown option, report", 60, {6, 0, 1, 0, 0x9e, 2}, 8, IP_PARAM_PROBLEM, 0, 0,
		 44, 2},
		{"unknown option, report unless multicast", 60, {6, 0, 0xde, 4}, 8,
		 IP_PARAM_PROBLEM, 0, 0, 42, 2},
		{"jumbogram", 0, {6, 0, 0xc2, 4, 0, 1, 0, 0}, 8, IP_BAD_OPTION, 0, 0, 0, 0},
		{"routing type 0", 43, {6, 2, 0, 1, [8] = 0x20}, 24, IP_OK, 64, 6, 0, 0},
		{"routing type 2, nothing left", 43, {6, 2, 2, 0}, 24, IP_OK, 64, 6, 0, 0},
		{"routing type 2, one left", 43, {6, 2, 2, 1}, 24, IP_PARAM_PROBLEM, 0, 0, 42, 0},
		{"first fragment", 44, {6, 0, 0, 1, 1, 2, 3, 4}, 16, IP_OK, 48, 6, 0, 0},
		{"a fragment hides what follows", 44, {60, 0, 0, 1, 1, 2, 3, 4, 6, 255}, 16, IP_OK,
		 48, 60, 0, 0},
		{"fragment of odd length with more", 44, {6, 0, 0, 1}, 15, IP_PARAM_PROBLEM, 0, 0,
		 4, 0},
		{"last fragment of odd length", 44, {6, 0, 0, 8}, 15, IP_OK, 48, 6, 0, 0},
		{"empty fragment", 44, {6, 0, 0, 8}, 8, IP_BAD, 0, 0, 0, 0},
		{"fragment past 65535", 44, {6, 0, 0xff, 0xf8}, 16, IP_PARAM_PROBLEM, 0, 0, 42, 0},
		{"fragment up to 65535", 44, {6, 0, 0xff, 0xf8}, 15, IP_OK, 48, 6, 0, 0},
		{"atomic fragment", 44, {60, 0, 0, 0, 1, 2, 3, 4, 6, 0, 1, 4}, 16, IP_OK, 56, 6, 0,
		 0},
		{"fragment header cut", 44, {6, 0, 0, 1, 1, 2, 3}, 7, IP_BAD, 0, 0, 0, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t *p = calloc(1, IP6_LEN + rows[i].len), code = 99;
		struct ip_hdr out = plain, h;
		enum ip_verdict v;
		uint32_t at = 99;

		out.proto = rows[i].first;
		out.payload_len = (uint32_t)rows[i].len;
		ip6_emit(p, &out);
		memcpy(p + IP6_LEN, rows[i].bytes, rows[i].len);
		v = ip6_parse(p, IP6_LEN + rows[i].len, &h, &at, &code);
		if (v != rows[i].verdict || at != rows[i].problem || code != rows[i].code)
			FAIL_ROW(rows[i].name);
		if (v == IP_OK &&
		    (h.hdr_len != rows[i].hdr_len || h.proto != rows[i].proto ||
		     h.payload_len != IP6_LEN + rows[i].len - h.hdr_len ||
		     h.source_route != (strcmp(rows[i].name, "routing type 0") == 0)))
			FAIL_ROW(rows[i].name);
		free(p);
	}
}

static enum ip_verdict parse_payload(const struct ip_hdr *out, const uint8_t *payload,
				     struct ip_hdr *h)
{
	uint8_t *p = calloc(1, IP6_LEN + out->payload_len), code;
	enum ip_verdict v;
	uint32_t at;

	ip6_emit(p, out);
	memcpy(p + IP6_LEN, payload, out->payload_len);
	v = ip6_parse(p, IP6_LEN + out->payload_len, h, &at, &code);
	free(p);
	return v;
}

static void fragments_tell_their_place(void)
{
	static const uint8_t whole[16] = {6, 0, 0, 0, 1, 2, 3, 4}, part[16] = {6, 0, 1, 1, 9, 8, 7, 6};
	struct ip_hdr out = plain, h;

	out.proto = 44;
	out.payload_len = 16;
	CU_ASSERT_EQUAL(parse_payload(&out, whole, &h), IP_OK);
	CU_ASSERT_FALSE(h.frag || h.more_frags || h.has_options);
	CU_ASSERT_EQUAL(h.id, 0x01020304);
	CU_ASSERT_EQUAL(parse_payload(&out, part, &h), IP_OK);
	CU_ASSERT_TRUE(h.frag && h.more_frags && h.frag_off == 256 && h.id == 0x09080706);
}

static void unknown_options_to_multicast_are_only_dropped(void)
{
	static const uint8_t never[8] = {6, 0, 0xde, 4}, always[8] = {6, 0, 0x9e, 4};
	struct ip_hdr out = plain, h;

	out.proto = 60;
	out.payload_len = 8;
	out.dst.b[0] = 0xff;
	CU_ASSERT_EQUAL(parse_payload(&out, never, &h), IP_BAD_OPTION);
	CU_ASSERT_EQUAL(parse_payload(&out, always, &h), IP_PARAM_PROBLEM);
}

/* Chains of n equal headers; options of n in one header. */
static void the_work_is_bounded(void)
{
	uint8_t chain[150 * 8] = {0}, options[8 + 8 * 4] = {6, 4};
	struct ip_hdr out = plain, h;

	for (size_t i = 0; i < sizeof(chain); i += 8) {
		chain[i] = 60;
		chain[i + 2] = 1;
		chain[i + 3] = 4;
	}
	out.proto = 60;
	out.payload_len = sizeof(chain);
	CU_ASSERT_EQUAL(parse_payload(&out, chain, &h), IP_BAD);
	chain[8 * 8] = chain[7 * 8] = 6;
	CU_ASSERT_EQUAL(parse_payload(&out, chain, &h), IP_OK);
	chain[7 * 8] = 60;
	CU_ASSERT_EQUAL(parse_payload(&out, chain, &h), IP_BAD);

	out.payload_len = sizeof(options);
	for (size_t i = 0; i < 9; i++) {
		options[2 + 4 * i] = 0x1e;
		options[3 + 4 * i] = 2;
	}
	options[38] = 1; /* the last two bytes */
	CU_ASSERT_EQUAL(parse_payload(&out, options, &h), IP_BAD_OPTION);
	options[34] = 1; /* eight, then padding */
	CU_ASSERT_EQUAL(parse_payload(&out, options, &h), IP_OK);
}

static unsigned check_mutant(uint8_t *p, size_t len)
{
	struct ip_hdr h;
	uint32_t at;
	uint8_t code;
	enum ip_verdict v = ip6_parse(p, len, &h, &at, &code);

	if (v == IP_PARAM_PROBLEM)
		return at >= len;
	return v == IP_OK && (h.hdr_len < IP6_LEN || h.hdr_len + h.payload_len > len);
}

static void damaged_headers_are_not_over_read(void)
{
	uint8_t p[40 + 8 + 16 + 24 + 8 + 8] = {0};
	struct ip_hdr out = plain;

	out.proto = 0;
	out.payload_len = sizeof(p) - IP6_LEN;
	ip6_emit(p, &out);
	memcpy(p + 40, (const uint8_t[]){60, 0, 5, 2, 0, 0, 1, 0}, 8);
	memcpy(p + 48, (const uint8_t[]){43, 1, 0x1e, 3, 1, 2, 3, 1, 5, 0, 0, 0, 0, 0}, 14);
	memcpy(p + 64, (const uint8_t[]){44, 2, 0, 1}, 4);
	memcpy(p + 88, (const uint8_t[]){6, 0, 0, 0, 1, 2, 3, 4}, 8);
	CU_ASSERT_EQUAL(mutate_each(p, sizeof(p), 5, 100000, check_mutant), 0);
}

static const struct test_case cases[] = {
	TEST(what_is_emitted_parses),
	TEST(lengths_and_versions_that_lie_are_refused),
	TEST(mapped_addresses_on_the_wire_are_refused),
	TEST(extension_headers_are_walked_with_suspicion),
	TEST(fragments_tell_their_place),
	TEST(unknown_options_to_multicast_are_only_dropped),
	TEST(the_work_is_bounded),
	TEST(damaged_headers_are_not_over_read),
};
TEST_SUITE(ip6, cases);
