#include "wire/eth.h"


#include "../lib/mutate.h"
#include "../lib/test.h"
#include "base/check.h"

#define DST 2, 0, 0, 0, 0, 1
#define SRC 2, 0, 0, 0, 0, 2

static void frames_parse_behind_their_tags(void)
{
	static const struct {
		const char *name;
		uint8_t bytes[60];
		size_t len;
		bool ok;
		uint16_t type, hdr_len, vlan;
	} rows[] = {
		{"plain", {DST, SRC, 8, 0}, 14, true, ETH_IP4, 14, 0},
		{"one tag", {DST, SRC, 0x81, 0, 0xe0, 5, 8, 6}, 18, true, ETH_ARP, 18, 5},
		{"two tags: the outer names the VLAN",
		 {DST, SRC, 0x88, 0xa8, 0x1f, 0xff, 0x81, 0, 0, 5, 0x86, 0xdd},
		 22, true, ETH_IP6, 22, 4095},
		{"802.3 length", {DST, SRC, 0, 46}, 60, true, 46, 14, 0},
		{"empty", {0}, 0, false, 0, 0, 0},
		{"13 bytes", {DST, SRC, 8}, 13, false, 0, 0, 0},
		{"tag cut", {DST, SRC, 0x81, 0, 0, 5, 8}, 17, false, 0, 0, 0},
		{"second tag cut", {DST, SRC, 0x81, 0, 0, 5, 0x81, 0, 0}, 21, false, 0, 0, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct eth_hdr h;
		bool ok = eth_parse(rows[i].bytes, rows[i].len, &h);

		if (ok != rows[i].ok)
			FAIL_ROW(rows[i].name);
		if (ok && rows[i].ok &&
		    (h.type != rows[i].type || h.hdr_len != rows[i].hdr_len ||
		     h.vlan != rows[i].vlan || h.dst.b[5] != 1 || h.src.b[5] != 2))
			FAIL_ROW(rows[i].name);
	}
}

static void more_than_eight_tags_are_nonsense(void)
{
	uint8_t frame[14 + 4 * 300];
	struct eth_hdr h;

	for (size_t i = 12; i < sizeof(frame); i += 2)
		wr16(frame + i, i % 4 ? 7 : ETH_VLAN);
	wr16(frame + 12 + 4 * 8, ETH_IP4);
	CU_ASSERT_TRUE(eth_parse(frame, sizeof(frame), &h));
	CU_ASSERT_EQUAL(h.hdr_len, 14 + 4 * 8);
	wr16(frame + 12 + 4 * 8, ETH_VLAN);
	CU_ASSERT_FALSE(eth_parse(frame, sizeof(frame), &h));
}

static void what_is_emitted_parses(void)
{
	struct mac dst = {{DST}}, src = {{SRC}};
	uint8_t p[ETH_LEN];
	struct eth_hdr h;

	eth_emit(p, &dst, &src, ETH_IP6);
	CU_ASSERT_TRUE(eth_parse(p, sizeof(p), &h));
	CU_ASSERT_TRUE(mac_eq(&h.dst, &dst) && mac_eq(&h.src, &src));
	CU_ASSERT_EQUAL(h.type, ETH_IP6);
}

static unsigned check_mutant(uint8_t *p, size_t len)
{
	struct eth_hdr h;

	return eth_parse(p, len, &h) && (h.hdr_len > len || h.hdr_len < ETH_LEN);
}

static void damaged_frames_are_not_over_read(void)
{
	static const uint8_t frame[] = {DST, SRC, 0x81, 0, 0, 5, 0x81, 0, 0, 6, 8, 0, 1};

	CU_ASSERT_EQUAL(mutate_each(frame, sizeof(frame), 1, 100000, check_mutant), 0);
}

static const struct test_case cases[] = {
	TEST(frames_parse_behind_their_tags),
	TEST(more_than_eight_tags_are_nonsense),
	TEST(what_is_emitted_parses),
	TEST(damaged_frames_are_not_over_read),
};
TEST_SUITE(eth, cases);
