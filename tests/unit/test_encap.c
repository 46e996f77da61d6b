/* Tunnels and labels: each leads to the same segment, however many bytes of it are there. */
#include "../lib/test.h"

#include "../../stack/base/bytes.h"
#include "../../stack/base/check.h"
#include "../../traces/dissect.h"

#include <stdio.h>
#include <string.h>

/* IPv4, TCP, port 1000 to 80, 10 bytes of data. */
static const uint8_t inner[50] = {
	0x45, 0, 0, 50, 0x12, 0x34, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
	0x03, 0xe8, 0, 80, 0, 0, 0, 5, 0, 0, 0, 9, 0x50, 0x18, 1, 0, 0, 0, 0, 0, 'd', 'd', 'd', 'd', 'd', 'd',
	'd', 'd', 'd', 'd',
};

/* `head` goes between the link's header and the inner packet (or an Ethernet header before that). */
struct row {
	const char *name, *tunnel;
	uint16_t linktype, type; /* 0: no Ethernet header */
	uint8_t proto;           /* 0: no outer IPv4 header */
	bool frame;              /* the inner packet has an Ethernet header */
	uint32_t len;
	uint8_t head[32];
};

#define UDP(port) 0x12, 0x34, (port) >> 8, (port) & 255, 0, 0, 0, 0

static const struct row rows[] = {
	{"802.3 with SNAP", NULL, 1, 58, 0, false, 8, {0xaa, 0xaa, 3, 0, 0, 0, 8, 0}},
	{"PPPoE", NULL, 1, 0x8864, 0, false, 8, {0x11, 0, 0, 7, 0, 52, 0, 0x21}},
	{"PPP", NULL, 9, 0, 0, false, 4, {0xff, 3, 0, 0x21}},
	{"PPP, compressed", NULL, 9, 0, 0, false, 1, {0x21}},
	{"PPP over MPLS", NULL, 50, 0, 0, false, 8, {0xff, 3, 2, 0x81, 0, 0, 1, 64}},
	{"PPPoE, no Ethernet", NULL, 51, 0, 0, false, 8, {0x11, 0, 0, 7, 0, 52, 0, 0x21}},
	{"PPP with direction", NULL, 204, 0, 0, false, 3, {1, 0, 0x21}},
	{"Cisco HDLC", NULL, 104, 0, 0, false, 4, {0x0f, 0, 8, 0}},
	{"MPLS", NULL, 1, 0x8847, 0, false, 8, {0, 6, 0x40, 64, 0, 0x0c, 0x81, 64}},
	{"Ethernet over MPLS", "MPLS", 1, 0x8847, 0, true, 8, {0, 6, 0x41, 64, 0, 0, 0, 0}},
	{"IP in IP", "IP in IP", 1, 0x0800, 4, false, 0, {0}},
	{"GRE", "GRE", 1, 0x0800, 47, false, 4, {0, 0, 8, 0}},
	{"GRE, all fields", "GRE", 1, 0x0800, 47, false, 16, {0xb0, 0, 8, 0}},
	{"GRE, Ethernet", "GRE", 1, 0x0800, 47, true, 4, {0, 0, 0x65, 0x58}},
	{"GRE, MPLS", "GRE", 1, 0x0800, 47, false, 8, {0, 0, 0x88, 0x47, 0, 6, 0x41, 64}},
	{"PPTP", "GRE", 1, 0x0800, 47, false, 20, {0x30, 0x81, 0x88, 0x0b, [16] = 0xff, 3, 0, 0x21}},
	{"ERSPAN type I", "ERSPAN", 1, 0x0800, 47, true, 4, {0, 0, 0x88, 0xbe}},
	{"ERSPAN type II", "ERSPAN", 1, 0x0800, 47, true, 16, {0x10, 0, 0x88, 0xbe}},
	{"EtherIP", "EtherIP", 1, 0x0800, 97, true, 2, {0x30, 0}},
	{"MPLS in IP", "MPLS", 1, 0x0800, 137, false, 4, {0, 6, 0x41, 64}},
	{"AH, a packet inside", "IP in IP", 1, 0x0800, 51, false, 24, {4, 4}},
	{"VXLAN", "VXLAN", 1, 0x0800, 17, true, 16, {UDP(4789), 8}},
	{"VXLAN, Linux's port", "VXLAN", 1, 0x0800, 17, true, 16, {UDP(8472), 8}},
	{"Geneve", "Geneve", 1, 0x0800, 17, true, 16, {UDP(6081), 0, 0, 0x65, 0x58}},
	{"Geneve, option, IP", "Geneve", 1, 0x0800, 17, false, 20, {UDP(6081), 1, 0, 8, 0}},
	{"GTP", "GTP", 1, 0x0800, 17, false, 16, {UDP(2152), 0x30, 255}},
	{"GTP, extension", "GTP", 1, 0x0800, 17, false, 24, {UDP(2152), 0x34, 255, [19] = 0x85, 1}},
};

static uint8_t frame[300];
static uint32_t frame_len;

static void put(const void *bytes, uint32_t n)
{
	memcpy(frame + frame_len, bytes, n);
	frame_len += n;
}

static void make(const struct row *r)
{
	uint8_t ether[14] = {0}, outer[20] = {0x45, [6] = 0x40, [8] = 64, [12] = 192, 0, 2, 1, 192, 0, 2, 2};

	frame_len = 0;
	if (r->linktype == 1) {
		wr16(ether + 12, r->type);
		put(ether, 14);
	}
	if (r->proto) {
		outer[9] = r->proto;
		wr16(outer + 2, (uint16_t)(20 + r->len + (r->frame ? 14 : 0) + sizeof(inner)));
		put(outer, 20);
	}
	put(r->head, r->len);
	if (r->frame) {
		wr16(ether + 12, 0x0800);
		put(ether, 14);
	}
	put(inner, sizeof(inner));
}

static enum dissect_result look(uint16_t linktype, uint32_t caplen, struct dissected *d)
{
	/* A copy that ends where the bytes end, so that a sanitizer sees any read behind. */
	static uint8_t copy[300];
	uint8_t *at = copy + sizeof(copy) - caplen;

	memcpy(at, frame, caplen);
	return dissect(&(struct reader_pkt){.data = at, .caplen = caplen, .len = frame_len, .linktype = linktype}, d);
}

static void each_wrapping_leads_to_the_same_segment(void)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct dissected d;
		enum dissect_result got;

		make(&rows[i]);
		got = look(rows[i].linktype, frame_len, &d);
		if (got != DISSECT_TCP)
			printf("%s: result %d (%s)\n", rows[i].name, got, d.why ? d.why : "-");
		CU_ASSERT_EQUAL_FATAL(got, DISSECT_TCP);
		CU_ASSERT_EQUAL(d.seg.sport, 1000);
		CU_ASSERT_EQUAL(d.seg.len, 10);
		CU_ASSERT_EQUAL(d.ipid, 0x1234);
		CU_ASSERT_EQUAL(d.src.b[12], 10);
		if (strcmp(d.tunnel ? d.tunnel : "-", rows[i].tunnel ? rows[i].tunnel : "-") != 0) {
			printf("%s: tunnel %s\n", rows[i].name, d.tunnel ? d.tunnel : "-");
			CU_FAIL("another tunnel");
		}
	}
}

static void a_wrapped_frame_may_end_anywhere(void)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (uint32_t n = 0;; n++) {
			struct dissected d;
			enum dissect_result got;

			make(&rows[i]);
			if (n > frame_len)
				break;
			got = look(rows[i].linktype, n, &d);
			if (n + 10 >= frame_len)
				CU_ASSERT_EQUAL(got, DISSECT_TCP);
			if (n + 10 < frame_len)
				CU_ASSERT_NOT_EQUAL(got, DISSECT_TCP);
		}
}

/* What only looks like a tunnel by its port is some other protocol, not a damaged one. */
static void a_port_alone_makes_no_tunnel(void)
{
	static const struct row not[] = {
		{"VXLAN without its flag", NULL, 1, 0x0800, 17, true, 16, {UDP(4789)}},
		{"Geneve of another version", NULL, 1, 0x0800, 17, true, 16, {UDP(6081), 0x40, 0, 0x65, 0x58}},
		{"GTP that is no user's packet", NULL, 1, 0x0800, 17, false, 16, {UDP(2152), 0x30, 1}},
		{"any other port", NULL, 1, 0x0800, 17, true, 16, {UDP(53), 8}},
		{"GRE with a source route", NULL, 1, 0x0800, 47, false, 4, {0x40, 0, 8, 0}},
		{"GRE version 2", NULL, 1, 0x0800, 47, false, 4, {0, 2, 8, 0}},
		{"PPPoE, not IP", NULL, 1, 0x8864, 0, false, 8, {0x11, 0, 0, 7, 0, 52, 0xc0, 0x21}},
		{"802.2", NULL, 1, 58, 0, false, 8, {0x42, 0x42, 3}},
	};

	for (size_t i = 0; i < ARRAY_LEN(not); i++) {
		struct dissected d;

		make(&not[i]);
		CU_ASSERT_EQUAL(look(1, frame_len, &d), DISSECT_OTHER);
	}
	make(&rows[ARRAY_LEN(rows) - 6]);
	wr16(frame + frame_len - 18, 0x2000); /* VXLAN around a TCP header that lies */
	CU_ASSERT_STRING_EQUAL(rows[ARRAY_LEN(rows) - 6].name, "VXLAN");
	CU_ASSERT_EQUAL(look(1, frame_len, &(struct dissected){0}), DISSECT_OTHER);
}

static void tunnels_in_tunnels_end_somewhere(void)
{
	for (uint32_t depth = 1; depth < 100; depth++) {
		uint8_t f[100 * 20 + 50] = {0};
		struct dissected d;
		enum dissect_result got;

		for (uint32_t i = 0; i < depth; i++) {
			f[20 * i] = 0x45;
			f[20 * i + 9] = 4;
			wr16(f + 20 * i + 2, (uint16_t)(20 * (depth - i) + sizeof(inner)));
		}
		memcpy(f + 20 * depth, inner, sizeof(inner));
		got = dissect(&(struct reader_pkt){.data = f, .caplen = 20 * depth + 50, .len = 20 * depth + 50,
						   .linktype = 101}, &d);
		CU_ASSERT_EQUAL(got, depth < 16 ? DISSECT_TCP : DISSECT_OTHER);
	}
}

static void labels_without_a_bottom_are_nonsense(void)
{
	uint8_t f[400] = {0};

	wr16(f + 12, 0x8847);
	CU_ASSERT_EQUAL(dissect(&(struct reader_pkt){.data = f, .caplen = 400, .len = 400, .linktype = 1},
				&(struct dissected){0}), DISSECT_OTHER);
}

static const struct test_case cases[] = {
	TEST(each_wrapping_leads_to_the_same_segment),
	TEST(a_wrapped_frame_may_end_anywhere),
	TEST(a_port_alone_makes_no_tunnel),
	TEST(tunnels_in_tunnels_end_somewhere),
	TEST(labels_without_a_bottom_are_nonsense),
};
TEST_SUITE(encap, cases);
