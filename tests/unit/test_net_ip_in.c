/* IP in: headers that lie, strangers, options, and what reaches TCP. */
#include "../lib/netfix.h"

#include <stddef.h>

#include "../../stack/wire/tcp.h"

static struct netfix f;
static struct frame in, out;
static struct seen s;

#define COUNTER(x) offsetof(struct stack_counters, x)
#define IP (in.b + ETH_LEN)

static uint64_t counter(size_t off)
{
	return *(uint64_t *)((char *)&f.count + off);
}

static void fix_sum4(void)
{
	size_t n = (IP[0] & 15u) * 4;

	wr16(IP + 10, 0);
	wr16(IP + 10, (uint16_t)~csum_fold(csum_add(0, IP, n)));
}

static void tcp_frame4(size_t payload)
{
	uint8_t seg[2000] = {0};

	seg[12] = 5 << 4;
	frame_ip(&in, from_peer4(PROTO_TCP), seg, TCP_LEN + payload);
}

static void finish(void)
{
	pkt_free(f.in.pkt);
	f.in.pkt = NULL;
	fix_close(&f);
}

static void a_segment_is_handed_up_without_its_trailer(void)
{
	fix_open(&f);
	tcp_frame4(3);
	frame_bytes(&in, "TRAILER", 7);

	fix_give(&f, &in);

	CU_ASSERT_EQUAL_FATAL(f.in.what, NET_TCP);
	CU_ASSERT_EQUAL(f.in.pkt->l3_off, ETH_LEN);
	CU_ASSERT_EQUAL(f.in.pkt->l4_off, ETH_LEN + IP4_LEN);
	CU_ASSERT_EQUAL(f.in.pkt->len, ETH_LEN + IP4_LEN + TCP_LEN + 3);
	CU_ASSERT_EQUAL(f.in.pkt->csum, CSUM_UNKNOWN);
	CU_ASSERT_EQUAL(addr_to_v4(&f.in.ip.src), PEER4);
	CU_ASSERT_EQUAL(f.in.ip.payload_len, TCP_LEN + 3);
	finish();
}

static void a_segment_over_ipv6_is_handed_up(void)
{
	uint8_t seg[TCP_LEN] = {0};

	fix_open(&f);
	frame_ip(&in, from_peer6(PROTO_TCP), seg, sizeof(seg));
	frame_bytes(&in, "TRAILER", 7);

	fix_give(&f, &in);

	CU_ASSERT_EQUAL_FATAL(f.in.what, NET_TCP);
	CU_ASSERT_EQUAL(f.in.pkt->l4_off, ETH_LEN + IP6_LEN);
	CU_ASSERT_EQUAL(f.in.pkt->len, ETH_LEN + IP6_LEN + TCP_LEN);
	finish();
}

/* ---- one field of the IPv4 header is wrong; its checksum is right again ---- */

static const struct {
	const char *name;
	uint8_t off, value;
	size_t counter;
} lies[] = {
    {"version 6", 0, 0x65, COUNTER(ip_bad)},
    {"version 0", 0, 0x05, COUNTER(ip_bad)},
    {"header length 0", 0, 0x40, COUNTER(ip_bad)},
    {"header length 4", 0, 0x44, COUNTER(ip_bad)},
    {"header past the packet", 0, 0x4f, COUNTER(ip_bad)},
    {"total length over the frame", 2, 0x40, COUNTER(ip_bad)},
    {"total length under the header", 3, 19, COUNTER(ip_bad)},
    {"total length 0", 3, 0, COUNTER(ip_bad)},
    {"source 0.x", 12, 0, COUNTER(ip_martian)},
    {"source 127.x", 12, 127, COUNTER(ip_martian)},
    {"source 224.x", 12, 224, COUNTER(ip_martian)},
    {"source 239.x", 12, 239, COUNTER(ip_martian)},
    {"source 240.x", 12, 240, COUNTER(ip_martian)},
    {"source 255.x", 12, 255, COUNTER(ip_martian)},
    {"source is the subnet's broadcast", 15, 255, COUNTER(ip_martian)},
    {"source is the subnet itself", 15, 0, COUNTER(ip_martian)},
    {"source is ours: land", 15, 1, COUNTER(ip_martian)},
    {"destination is another", 19, 9, COUNTER(ip_not_ours)},
    {"destination is the subnet's broadcast", 19, 255, COUNTER(ip_not_ours)},
    {"destination 127.x", 16, 127, COUNTER(ip_not_ours)},
    {"destination 224.x", 16, 224, COUNTER(ip_not_ours)},
};

static void a_lie_in_the_header_is_a_silent_drop(void)
{
	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		fix_open(&f);
		tcp_frame4(0);
		IP[lies[i].off] = lies[i].value;
		if ((IP[0] & 15) >= 5 && in.n >= ETH_LEN + (IP[0] & 15u) * 4)
			fix_sum4();

		fix_give(&f, &in);

		if (f.in.what != NET_NOTHING || counter(lies[i].counter) != 1 || fix_take(&f, &out))
			FAIL_ROW(lies[i].name);
		fix_close(&f);
	}
}

static void a_wrong_header_checksum_is_a_silent_drop(void)
{
	fix_open(&f);
	tcp_frame4(0);
	IP[10] ^= 1;

	fix_give(&f, &in);

	CU_ASSERT_EQUAL(f.in.what, NET_NOTHING);
	CU_ASSERT_EQUAL(f.count.ip_bad, 1);
	fix_close(&f);
}

/* ---- IPv4 options ---- */

static const struct {
	const char *name;
	uint8_t opt[8];
	bool accepted;
} options[] = {
    {"nop and end", {1, 1, 1, 0}, true},
    {"unknown, well formed", {30, 4, 0, 0, 0}, true},
    {"record route", {7, 7, 4, 0, 0, 0, 0}, true},
    {"router alert", {148, 4, 0, 0}, true},
    {"loose source route", {131, 7, 4, 10, 0, 0, 1}, false},
    {"strict source route", {137, 7, 4, 10, 0, 0, 1}, false},
    {"length 0", {7, 0, 4}, false},
    {"length 1", {30, 1}, false},
    {"length past the header", {30, 9}, false},
    {"kind without length", {1, 1, 1, 1, 1, 1, 1, 7}, false},
    {"record route without pointer", {7, 2}, false},
    {"timestamp with pointer 0", {68, 8, 0}, false},
};

static void options_are_skipped_or_drop_the_packet(void)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		uint8_t payload[8 + TCP_LEN] = {0};

		fix_open(&f);
		memcpy(payload, options[i].opt, 8);
		payload[8 + 12] = 5 << 4;
		frame_ip(&in, from_peer4(PROTO_TCP), payload, sizeof(payload));
		IP[0] = 0x47;
		fix_sum4();

		fix_give(&f, &in);

		if ((f.in.what == NET_TCP) != options[i].accepted ||
		    f.count.ip_options_dropped == options[i].accepted || fix_take(&f, &out))
			FAIL_ROW(options[i].name);
		if (f.in.pkt && f.in.pkt->l4_off != ETH_LEN + 28)
			FAIL_ROW(options[i].name);
		finish();
	}
}

/* ---- IPv6: addresses ---- */

#define A6(...)                     \
	{                           \
		{                   \
			__VA_ARGS__ \
		}                   \
	}

static const struct {
	const char *name;
	struct addr src, dst;
	size_t counter;
} strangers6[] = {
    {"source ::", A6(0), A6(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
     COUNTER(ip_martian)},
    {"source ::1", A6(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
     A6(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), COUNTER(ip_martian)},
    {"source multicast", A6(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
     A6(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), COUNTER(ip_martian)},
    {"source ours: land", A6(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
     A6(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), COUNTER(ip_martian)},
    {"source IPv4 in disguise", A6(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 2),
     A6(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), COUNTER(ip_bad)},
    {"destination IPv4 in disguise", A6(0x20, 1, 0xd, 0xb8, 9),
     A6(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1), COUNTER(ip_bad)},
    {"destination another", A6(0x20, 1, 0xd, 0xb8, 9), A6(0x20, 1, 0xd, 0xb8, 8),
     COUNTER(ip_not_ours)},
    {"destination all nodes", A6(0x20, 1, 0xd, 0xb8, 9),
     A6(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), COUNTER(ip_not_ours)},
};

static void strangers_over_ipv6_are_silent_drops(void)
{
	for (size_t i = 0; i < ARRAY_LEN(strangers6); i++) {
		uint8_t seg[TCP_LEN] = {0};
		struct ip_hdr h = from_peer6(PROTO_TCP);

		fix_open(&f);
		h.src = strangers6[i].src;
		h.dst = strangers6[i].dst;
		frame_ip(&in, h, seg, sizeof(seg));

		fix_give(&f, &in);

		if (f.in.what != NET_NOTHING || counter(strangers6[i].counter) != 1 ||
		    fix_take(&f, &out))
			FAIL_ROW(strangers6[i].name);
		fix_close(&f);
	}
}

/* ---- IPv6: extension headers in front of TCP ---- */

static const struct {
	const char *name;
	uint8_t first; /* next header of the fixed header */
	uint8_t ext[24];
	size_t len;
	bool accepted;
	int problem; /* code of the parameter problem, or -1: silence */
	uint32_t at; /* its pointer */
} exts[] = {
    {"hop-by-hop, padding", 0, {6, 0, 1, 4}, 8, true, -1, 0},
    {"destination options, padding", 60, {6, 0, 1, 4}, 8, true, -1, 0},
    {"unknown option, skip", 60, {6, 0, 0x1e, 4}, 8, true, -1, 0},
    {"unknown option, drop", 60, {6, 0, 0x5e, 4}, 8, false, -1, 0},
    {"unknown option, tell", 60, {6, 0, 0x9e, 4}, 8, false, 2, 42},
    {"unknown option, tell if unicast", 60, {6, 0, 0xde, 4}, 8, false, 2, 42},
    {"padding past the header", 60, {6, 0, 1, 5}, 8, false, -1, 0},
    {"header past the packet", 60, {6, 200, 1, 4}, 8, false, -1, 0},
    {"too much padding", 60, {6, 1, 1, 12}, 16, false, -1, 0},
    {"jumbo", 0, {6, 0, 0xc2, 4, 0, 1, 0, 0}, 8, false, -1, 0},
    {"routing type 0", 43, {6, 0, 0, 1}, 8, false, -1, 0},
    {"routing type 0, nothing left", 43, {6, 0, 0, 0}, 8, false, -1, 0},
    {"unknown routing, segments left", 43, {6, 0, 9, 1}, 8, false, 0, 42},
    {"unknown routing, none left", 43, {6, 0, 9, 0}, 8, true, -1, 0},
    {"hop-by-hop second", 60, {0, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4}, 16, false, 1, 40},
    {"atomic fragment", 44, {6, 0, 0, 0, 1, 2, 3, 4}, 8, true, -1, 0},
    {"unknown header", 200, {0}, 0, false, 1, 6},
    {"no next header", 59, {0}, 0, false, -1, 0},
};

static void check_problem(const char *name, int code, uint32_t at)
{
	bool said = fix_take(&f, &out);

	if (code < 0) {
		if (said)
			FAIL_ROW(name);
		return;
	}
	if (!said || !frame_see(&out, &s) || s.icmp.type != ICMP6_PARAM || s.icmp.code != code ||
	    s.icmp.rest != at)
		FAIL_ROW(name);
}

static void extension_headers_are_walked_or_answered(void)
{
	for (size_t i = 0; i < ARRAY_LEN(exts); i++) {
		uint8_t payload[24 + TCP_LEN] = {0};

		fix_open(&f);
		fix_meet6(&f, &PEER6, &MAC_PEER);
		memcpy(payload, exts[i].ext, exts[i].len);
		payload[exts[i].len + 12] = 5 << 4;
		frame_ip(&in, from_peer6(exts[i].first), payload, exts[i].len + TCP_LEN);

		fix_give(&f, &in);

		if ((f.in.what == NET_TCP) != exts[i].accepted)
			FAIL_ROW(exts[i].name);
		if (f.in.pkt && f.in.pkt->l4_off != ETH_LEN + IP6_LEN + exts[i].len)
			FAIL_ROW(exts[i].name);
		check_problem(exts[i].name, exts[i].problem, exts[i].at);
		finish();
	}
}

static void a_long_chain_of_headers_is_cut_short(void)
{
	uint8_t payload[150 * 8 + TCP_LEN] = {0};

	fix_open(&f);
	for (int i = 0; i < 150; i++) {
		payload[i * 8] = i == 149 ? PROTO_TCP : 60;
		payload[i * 8 + 2] = 1;
		payload[i * 8 + 3] = 4;
	}
	frame_ip(&in, from_peer6(60), payload, sizeof(payload));

	fix_give(&f, &in);

	CU_ASSERT_EQUAL(f.in.what, NET_NOTHING);
	CU_ASSERT_EQUAL(f.count.ip_bad, 1);
	fix_close(&f);
}

/* ---- protocols ---- */

static void an_unknown_protocol_is_answered(void)
{
	fix_open(&f);
	fix_meet(&f, PEER4, &MAC_PEER);
	frame_ip(&in, from_peer4(200), "12345678", 8);

	fix_give(&f, &in);

	CU_ASSERT_EQUAL(f.count.ip_no_proto, 1);
	CU_ASSERT_FATAL(fix_see(&f, &out, &s));
	CU_ASSERT_EQUAL(s.icmp.type, ICMP4_UNREACH);
	CU_ASSERT_EQUAL(s.icmp.code, ICMP4_UNREACH_PROTO);
	CU_ASSERT_EQUAL(s.icmp.body_len, IP4_LEN + 8);
	CU_ASSERT_EQUAL(memcmp(s.icmp.body, IP, IP4_LEN + 8), 0);
	fix_close(&f);
}

/* A frame of our own kind: headers in the head, the rest in slices. */
static void headers_in_the_head_are_enough(void)
{
	struct chunk *c;
	struct pkt *p;

	fix_open(&f);
	tcp_frame4(100);
	c = chunk_for(&f.pool, 100);
	p = pkt_of_bytes(&f.pool, in.b, ETH_LEN + IP4_LEN + TCP_LEN);
	CU_ASSERT_FATAL(c && p && pkt_add_slice(p, c, 0, 100));

	net_input(&f.net, p, f.now, &f.in);

	CU_ASSERT_EQUAL_FATAL(f.in.what, NET_TCP);
	CU_ASSERT_EQUAL(f.in.pkt->nslices, 1);
	CU_ASSERT_EQUAL(f.in.pkt->len, in.n);
	chunk_unref(&f.pool, c);
	finish();
}

/* The same frame in two pieces, wherever it is cut: as another stack may have built it. */
static void a_frame_in_slices_is_made_whole_where_it_must_be(void)
{
	for (int v4 = 0; v4 < 2; v4++) {
		fix_open(&f);
		fix_meet(&f, PEER4, &MAC_PEER);
		fix_meet6(&f, &PEER6, &MAC_PEER);
		if (v4)
			frame_icmp(&in, from_peer4(PROTO_ICMP), ICMP4_ECHO, 0, 1, "0123456789", 10);
		else
			frame_icmp(&in, from_peer6(PROTO_ICMP6), ICMP6_ECHO, 0, 1, "0123456789",
				   10);
		for (uint32_t cut = ETH_LEN; cut < in.n; cut++) {
			struct chunk *c = chunk_for(&f.pool, in.n);
			struct pkt *p = pkt_of_bytes(&f.pool, in.b, cut);

			CU_ASSERT_FATAL(p && c);
			memcpy(c->data, in.b, in.n);
			CU_ASSERT_FATAL(pkt_add_slice(p, c, cut, (uint32_t)in.n - cut));
			chunk_unref(&f.pool, c);
			net_input(&f.net, p, f.now, &f.in);
			CU_ASSERT_FATAL(fix_see(&f, &out, &s));
			CU_ASSERT_EQUAL(s.icmp.body_len, 10);
		}
		fix_close(&f);
	}
}

static const struct test_case cases[] = {
    TEST(a_segment_is_handed_up_without_its_trailer),
    TEST(a_segment_over_ipv6_is_handed_up),
    TEST(a_lie_in_the_header_is_a_silent_drop),
    TEST(a_wrong_header_checksum_is_a_silent_drop),
    TEST(options_are_skipped_or_drop_the_packet),
    TEST(strangers_over_ipv6_are_silent_drops),
    TEST(extension_headers_are_walked_or_answered),
    TEST(a_long_chain_of_headers_is_cut_short),
    TEST(an_unknown_protocol_is_answered),
    TEST(headers_in_the_head_are_enough),
    TEST(a_frame_in_slices_is_made_whole_where_it_must_be),
};
TEST_SUITE(net_ip_in, cases);
