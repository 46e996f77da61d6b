/* Echo and errors: what is answered, what is believed, and how often. */
#include "../lib/netfix.h"

#include "../../stack/wire/tcp.h"

static struct netfix f;
static struct frame in, out, quote;
static struct seen s;

static const uint8_t text[11] = "hello world"; /* odd on purpose */

static void open_met(void)
{
	fix_open(&f);
	fix_meet(&f, PEER4, &MAC_PEER);
	fix_meet6(&f, &PEER6, &MAC_PEER);
}

static struct ip_hdr from_peer(bool v4)
{
	return v4 ? from_peer4(PROTO_ICMP) : from_peer6(PROTO_ICMP6);
}

/* ---- echo ---- */

static void an_echo_reply_has_exactly_the_bytes_of_the_request(void)
{
	open_met();
	frame_icmp(&in, from_peer4(PROTO_ICMP), ICMP4_ECHO, 0, 0x12345678, text, sizeof(text));
	frame_bytes(&in, "TRAILER", 7);

	fix_give(&f, &in);

	CU_ASSERT_EQUAL(f.in.what, NET_NOTHING);
	CU_ASSERT_FATAL(fix_see(&f, &out, &s));
	CU_ASSERT_EQUAL(out.n, ETH_LEN + IP4_LEN + ICMP_LEN + sizeof(text));
	CU_ASSERT(mac_eq(&s.eth.dst, &MAC_PEER));
	CU_ASSERT_EQUAL(addr_to_v4(&s.ip.dst), PEER4);
	CU_ASSERT_EQUAL(addr_to_v4(&s.ip.src), ME4);
	CU_ASSERT_EQUAL(s.icmp.type, ICMP4_ECHO_REPLY);
	CU_ASSERT_EQUAL(s.icmp.rest, 0x12345678);
	CU_ASSERT_EQUAL(memcmp(s.icmp.body, text, sizeof(text)), 0);
	CU_ASSERT_FALSE(fix_take(&f, &out));
	fix_close(&f);
}

static void echo_over_ipv6_is_answered(void)
{
	open_met();
	frame_icmp(&in, from_peer6(PROTO_ICMP6), ICMP6_ECHO, 0, 0x12345678, text, sizeof(text));

	fix_give(&f, &in);

	CU_ASSERT_FATAL(fix_see(&f, &out, &s));
	CU_ASSERT_EQUAL(out.n, ETH_LEN + IP6_LEN + ICMP_LEN + sizeof(text));
	CU_ASSERT(addr_eq(&s.ip.src, &ME6) && addr_eq(&s.ip.dst, &PEER6));
	CU_ASSERT_EQUAL(s.icmp.type, ICMP6_ECHO_REPLY);
	CU_ASSERT_EQUAL(s.icmp.rest, 0x12345678);
	CU_ASSERT_EQUAL(memcmp(s.icmp.body, text, sizeof(text)), 0);
	fix_close(&f);
}

static void an_echo_of_every_length_is_answered_alike(void)
{
	static uint8_t body[1472];

	open_met();
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)(i * 13);
	for (size_t n = 0; n <= sizeof(body); n += n < 300 ? 1 : 97) {
		frame_icmp(&in, from_peer4(PROTO_ICMP), ICMP4_ECHO, 0, 1, body, n);
		fix_give(&f, &in);
		CU_ASSERT_FATAL(fix_see(&f, &out, &s));
		CU_ASSERT_EQUAL_FATAL(s.icmp.body_len, n);
		CU_ASSERT_EQUAL(memcmp(s.icmp.body, body, n), 0);
	}
	fix_close(&f);
}

static void a_large_echo_comes_and_goes_in_fragments(void)
{
	static uint8_t body[4000];
	uint8_t whole[4000 + ICMP_LEN] = {0};
	size_t got = 0;

	open_met();
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)(i * 3);
	frame_icmp(&quote, from_peer4(PROTO_ICMP), ICMP4_ECHO, 0, 1, body, sizeof(body));
	for (uint16_t off = 0; off < sizeof(whole); off += 1480) {
		struct ip_hdr h = from_peer4(PROTO_ICMP);
		size_t n = sizeof(whole) - off < 1480 ? sizeof(whole) - off : 1480;

		h.frag_off = off;
		h.more_frags = off + n < sizeof(whole);
		frame_ip(&in, h, quote.b + ETH_LEN + IP4_LEN + off, n);
		fix_give(&f, &in);
	}

	for (int i = 0; i < 3; i++) {
		CU_ASSERT_FATAL(fix_see(&f, &out, &s));
		CU_ASSERT_EQUAL(s.ip.frag_off, got);
		CU_ASSERT_EQUAL(s.ip.more_frags, i < 2);
		memcpy(whole + got, s.payload, s.len);
		got += s.len;
	}
	CU_ASSERT_EQUAL(got, sizeof(whole));
	CU_ASSERT_EQUAL(whole[0], ICMP4_ECHO_REPLY);
	CU_ASSERT_EQUAL(csum_fold(csum_add(0, whole, got)), 0xffff);
	CU_ASSERT_EQUAL(memcmp(whole + ICMP_LEN, body, sizeof(body)), 0);
	fix_close(&f);
}

/* A checksum that a device vouches for is not looked at. */
static void a_verified_checksum_is_believed(void)
{
	struct pkt *p;

	open_met();
	frame_icmp(&in, from_peer4(PROTO_ICMP), ICMP4_ECHO, 0, 1, text, sizeof(text));
	in.b[ETH_LEN + IP4_LEN + 2] ^= 0x55;
	fix_give(&f, &in);
	CU_ASSERT_FALSE(fix_take(&f, &out));
	CU_ASSERT_EQUAL(f.count.icmp_bad, 1);

	p = pkt_of_bytes(&f.pool, in.b, in.n);
	p->csum = CSUM_VERIFIED;
	net_input(&f.net, p, f.now, &f.in);

	CU_ASSERT(fix_see(&f, &out, &s)); /* and our own is right */
	fix_close(&f);
}

/* ---- silence ---- */

static const struct {
	const char *name;
	bool v4;
	uint8_t type, code;
	size_t n;
} ignored[] = {
    {"echo reply", true, 0, 0, 8},
    {"echo with a code", true, 8, 1, 8},
    {"source quench about TCP", true, 4, 0, 60},
    {"redirect", true, 5, 1, 60},
    {"timestamp request", true, 13, 0, 12},
    {"address mask request", true, 17, 0, 4},
    {"router advertisement (IPv4)", true, 9, 0, 8},
    {"unknown type", true, 255, 0, 8},
    {"echo reply (IPv6)", false, 129, 0, 8},
    {"echo with a code (IPv6)", false, 128, 1, 8},
    {"redirect (IPv6)", false, 137, 0, 32},
    {"multicast listener query", false, 130, 0, 16},
    {"unknown error (IPv6)", false, 100, 0, 8},
    {"unknown query (IPv6)", false, 200, 0, 8},
};

static void all_other_messages_are_ignored(void)
{
	static const uint8_t body[64];

	for (size_t i = 0; i < ARRAY_LEN(ignored); i++) {
		open_met();
		frame_icmp(&in, from_peer(ignored[i].v4), ignored[i].type, ignored[i].code, 0, body,
			   ignored[i].n);

		fix_give(&f, &in);

		if (f.in.what != NET_NOTHING || fix_take(&f, &out) || f.count.icmp_in != 1)
			FAIL_ROW(ignored[i].name);
		fix_close(&f);
	}
}

static void a_message_cut_anywhere_is_dropped(void)
{
	uint8_t msg[ICMP_LEN] = {ICMP4_ECHO, 0, 0xf7, 0xff};

	open_met();
	for (size_t n = 0; n < ICMP_LEN; n++) {
		frame_ip(&in, from_peer4(PROTO_ICMP), msg, n);
		fix_give(&f, &in);
		frame_ip(&in, from_peer6(PROTO_ICMP6), msg, n);
		fix_give(&f, &in);
	}
	CU_ASSERT_EQUAL(f.count.icmp_bad, 2 * ICMP_LEN);
	CU_ASSERT_FALSE(fix_take(&f, &out));
	fix_close(&f);
}

/* ---- errors that come in ---- */

/* What we are said to have sent: n bytes of it. */
static void make_quote(bool v4, uint8_t proto)
{
	uint8_t seg[TCP_LEN] = {0x12, 0x34, 0x00, 0x50, 0xde, 0xad, 0xbe, 0xef};
	struct ip_hdr h = v4 ? from_peer4(proto) : from_peer6(proto);
	struct addr src = h.src;

	h.src = h.dst;
	h.dst = src;
	frame_ip(&quote, h, seg, sizeof(seg));
}

static void give_error(bool v4, uint8_t type, uint8_t code, uint32_t rest, size_t n)
{
	frame_icmp(&in, from_peer(v4), type, code, rest, quote.b + ETH_LEN, n);
	fix_give(&f, &in);
}

static const struct {
	const char *name;
	bool v4;
	uint8_t type, code;
	uint32_t rest;
	enum net_error_kind error;
	uint32_t mtu;
} errors[] = {
    {"net unreachable", true, 3, 0, 0, NET_ERR_SOFT, 0},
    {"host unreachable", true, 3, 1, 0, NET_ERR_SOFT, 0},
    {"protocol unreachable", true, 3, 2, 0, NET_ERR_PROTO, 0},
    {"port unreachable", true, 3, 3, 0, NET_ERR_PORT, 0},
    {"fragmentation needed", true, 3, 4, 0xffff0000 | 1400, NET_ERR_TOO_BIG, 1400},
    {"fragmentation needed, old router", true, 3, 4, 0, NET_ERR_TOO_BIG, 0},
    {"source route failed", true, 3, 5, 0, NET_ERR_SOFT, 0},
    {"prohibited", true, 3, 13, 0, NET_ERR_PORT, 0},
    {"unknown code", true, 3, 200, 0, NET_ERR_SOFT, 0},
    {"time exceeded", true, 11, 0, 0, NET_ERR_TTL, 0},
    {"reassembly time exceeded", true, 11, 1, 0, NET_ERR_SOFT, 0},
    {"parameter problem", true, 12, 0, 0, NET_ERR_SOFT, 0},
    {"no route (IPv6)", false, 1, 0, 0, NET_ERR_SOFT, 0},
    {"prohibited (IPv6)", false, 1, 1, 0, NET_ERR_PORT, 0},
    {"address unreachable (IPv6)", false, 1, 3, 0, NET_ERR_SOFT, 0},
    {"port unreachable (IPv6)", false, 1, 4, 0, NET_ERR_PORT, 0},
    {"too big (IPv6)", false, 2, 0, 1300, NET_ERR_TOO_BIG, 1300},
    {"time exceeded (IPv6)", false, 3, 0, 0, NET_ERR_TTL, 0},
    {"reassembly time exceeded (IPv6)", false, 3, 1, 0, NET_ERR_SOFT, 0},
    {"erroneous header (IPv6)", false, 4, 0, 0, NET_ERR_SOFT, 0},
    {"unknown next header (IPv6)", false, 4, 1, 40, NET_ERR_PROTO, 0},
};

static void an_error_about_tcp_goes_up_with_its_kind(void)
{
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		bool v4 = errors[i].v4;
		struct addr me = v4 ? addr_v4(ME4) : ME6;

		open_met();
		make_quote(v4, PROTO_TCP);
		give_error(v4, errors[i].type, errors[i].code, errors[i].rest,
			   (v4 ? IP4_LEN : IP6_LEN) + 8u);

		if (f.in.what != NET_TCP_ERROR || f.in.error != errors[i].error ||
		    f.in.mtu != errors[i].mtu)
			FAIL_ROW(errors[i].name);
		CU_ASSERT(addr_eq(&f.in.inner.src, &me));
		CU_ASSERT_EQUAL(f.in.inner.sport, 0x1234);
		CU_ASSERT_EQUAL(f.in.inner.dport, 0x50);
		CU_ASSERT_EQUAL(f.in.inner.seq, 0xdeadbeef);
		CU_ASSERT_EQUAL(f.count.icmp_to_tcp_ignored, 0);
		CU_ASSERT_FALSE(fix_take(&f, &out));
		fix_close(&f);
	}
}

static void an_error_with_less_than_the_numbers_is_ignored(void)
{
	for (size_t n = 0; n < IP6_LEN + 8; n++) {
		bool v4 = n < IP4_LEN + 8;

		open_met();
		make_quote(v4, PROTO_TCP);
		give_error(v4, v4 ? 3 : 1, 1, 0, n);
		CU_ASSERT_EQUAL(f.in.what, NET_NOTHING);
		CU_ASSERT_EQUAL(f.count.icmp_to_tcp_ignored, 1);
		fix_close(&f);
	}
}

static const struct {
	const char *name;
	uint8_t proto, off, value; /* one byte of the quote's header changed */
} foreign[] = {
    {"about UDP", PROTO_UDP, 0, 0x45},
    {"not from us", PROTO_TCP, 15, 9},
    {"a later fragment", PROTO_TCP, 7, 9},
    {"header length 0", PROTO_TCP, 0, 0x40},
    {"header past the quote", PROTO_TCP, 0, 0x4f},
    {"another version", PROTO_TCP, 0, 0x65},
};

static void an_error_about_what_is_not_ours_is_ignored(void)
{
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++) {
		open_met();
		make_quote(true, foreign[i].proto);
		quote.b[ETH_LEN + foreign[i].off] = foreign[i].value;
		give_error(true, ICMP4_UNREACH, 1, 0, IP4_LEN + 8);
		if (f.in.what != NET_NOTHING || f.count.icmp_to_tcp_ignored != 1)
			FAIL_ROW(foreign[i].name);
		fix_close(&f);
	}
}

/* ---- errors that go out ---- */

static void give_unknown_proto(size_t n)
{
	static const uint8_t zeros[1480];

	frame_ip(&in, from_peer4(200), zeros, n);
	fix_give(&f, &in);
}

static void an_error_quotes_no_more_than_fits(void)
{
	static const uint8_t zeros[1440];

	open_met();
	give_unknown_proto(1480);
	CU_ASSERT(fix_see(&f, &out, &s));
	CU_ASSERT_EQUAL(out.n, ETH_LEN + 576);
	frame_ip(&in, from_peer6(200), zeros, sizeof(zeros));
	fix_give(&f, &in);
	CU_ASSERT(fix_see(&f, &out, &s));
	CU_ASSERT_EQUAL(out.n, ETH_LEN + 1280);
	give_unknown_proto(0);
	CU_ASSERT(fix_see(&f, &out, &s));
	CU_ASSERT_EQUAL(out.n, ETH_LEN + IP4_LEN + ICMP_LEN + IP4_LEN);
	fix_close(&f);
}

/* Asked directly, since these do not get so far through the doors. */
static void no_error_answers_an_error_a_fragment_or_a_group(void)
{
	static const struct {
		const char *name;
		uint8_t proto, type;
		uint16_t frag_off;
		const struct mac *dst;
		uint32_t from;
		bool answered;
	} rows[] = {
	    {"an ordinary packet", 200, 0, 0, &MAC_ME, PEER4, true},
	    {"an echo", PROTO_ICMP, 8, 0, &MAC_ME, PEER4, true},
	    {"unreachable", PROTO_ICMP, 3, 0, &MAC_ME, PEER4, false},
	    {"time exceeded", PROTO_ICMP, 11, 0, &MAC_ME, PEER4, false},
	    {"redirect", PROTO_ICMP, 5, 0, &MAC_ME, PEER4, false},
	    {"a later fragment", 200, 0, 8, &MAC_ME, PEER4, false},
	    {"a broadcast frame", 200, 0, 0, &MAC_ALL, PEER4, false},
	    {"nobody", 200, 0, 0, &MAC_ME, 0, false},
	    {"a group", 200, 0, 0, &MAC_ME, 0xe0000001, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ip_hdr h = from_peer4(rows[i].proto);
		uint8_t body[8] = {rows[i].type};
		struct pkt *p;

		open_met();
		h.src = addr_v4(rows[i].from);
		h.hdr_len = IP4_LEN;
		h.frag_off = rows[i].frag_off;
		frame_ip(&in, h, body, sizeof(body));
		eth_emit(in.b, rows[i].dst, &MAC_PEER, ETH_IP4);
		p = pkt_of_bytes(&f.pool, in.b, in.n);
		p->l3_off = ETH_LEN;
		icmp_error(&f.net, p, &h, ICMP4_UNREACH, 2, 0, f.now);
		pkt_free(p);
		if (fix_take(&f, &out) != rows[i].answered)
			FAIL_ROW(rows[i].name);
		fix_close(&f);
	}
}

/* RFC 8200 4.5: what is wrong with a later fragment may be said, and nothing else about it. */
static void a_later_fragment_over_ipv6_gets_parameter_problems_alone(void)
{
	static const struct {
		const char *name;
		uint8_t proto, type;
		bool answered;
	} rows[] = {
	    {"parameter problem", 200, ICMP6_PARAM, true},
	    {"unreachable", 200, ICMP6_UNREACH, false},
	    {"time exceeded", 200, ICMP6_TIME_EXCEEDED, false},
	    {"parameter problem about ICMPv6", PROTO_ICMP6, ICMP6_PARAM, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ip_hdr h = from_peer6(rows[i].proto);
		struct pkt *p;

		open_met();
		h.hdr_len = IP6_LEN;
		h.frag_off = 8;
		frame_ip(&in, h, "\200234567", 8);
		p = pkt_of_bytes(&f.pool, in.b, in.n);
		p->l3_off = ETH_LEN;
		icmp_error(&f.net, p, &h, rows[i].type, 0, 0, f.now);
		pkt_free(p);
		if (fix_take(&f, &out) != rows[i].answered)
			FAIL_ROW(rows[i].name);
		fix_close(&f);
	}
}

static size_t errors_in_a_burst(void)
{
	struct addr peer = addr_v4(PEER4);
	size_t n = 0;

	net_confirm(&f.net, &peer, f.now);
	for (int i = 0; i < 100; i++) {
		give_unknown_proto(8);
		n += fix_drain(&f);
	}
	return n;
}

static void errors_are_limited_to_a_burst_of_no_fixed_size(void)
{
	size_t first, differ = 0;

	open_met();
	first = errors_in_a_burst();
	for (int i = 0; i < 20; i++) {
		size_t n;

		fix_wait(&f, 2 * SEC);
		n = errors_in_a_burst();
		CU_ASSERT(n >= 32 && n <= 64);
		differ += n != first;
	}
	CU_ASSERT(differ >= 10);
	CU_ASSERT(f.count.icmp_limited > 0);
	fix_wait(&f, 50 * MS);
	CU_ASSERT_EQUAL(errors_in_a_burst(), 5);
	fix_close(&f);
}

static const struct test_case cases[] = {
    TEST(an_echo_reply_has_exactly_the_bytes_of_the_request),
    TEST(echo_over_ipv6_is_answered),
    TEST(an_echo_of_every_length_is_answered_alike),
    TEST(a_large_echo_comes_and_goes_in_fragments),
    TEST(a_verified_checksum_is_believed),
    TEST(all_other_messages_are_ignored),
    TEST(a_message_cut_anywhere_is_dropped),
    TEST(an_error_about_tcp_goes_up_with_its_kind),
    TEST(an_error_with_less_than_the_numbers_is_ignored),
    TEST(an_error_about_what_is_not_ours_is_ignored),
    TEST(an_error_quotes_no_more_than_fits),
    TEST(no_error_answers_an_error_a_fragment_or_a_group),
    TEST(a_later_fragment_over_ipv6_gets_parameter_problems_alone),
    TEST(errors_are_limited_to_a_burst_of_no_fixed_size),
};
TEST_SUITE(net_icmp, cases);
