#include "wire/print.h"

#include <string.h>

#include "../lib/test.h"
#include "base/check.h"

/* ---- segments ---- */

static const char *printed(const struct seg *g, seq_t seq_base, seq_t ack_base)
{
	static char text[SEG_TEXT];

	return seg_print(text, sizeof(text), g, seq_base, ack_base);
}

static void a_syn_ack_reads_as_packetdrill_writes_it(void)
{
	struct seg g = {.ack = {1}, .flags = TH_SYN | TH_ACK, .wnd = 65535};

	g.opt = (struct tcp_opts){.has_mss = true, .mss = 1460, .sack_ok = true, .has_ts = true,
				  .ts_val = 1, .has_wscale = true, .wscale = 7};
	CU_ASSERT_STRING_EQUAL(
		printed(&g, seq_of(0), seq_of(0)),
		"S. 0:0(0) ack 1 win 65535 <mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7>");
	g.opt.has_ts = false;
	CU_ASSERT_STRING_EQUAL(
		printed(&g, seq_of(0), seq_of(0)),
		"S. 0:0(0) ack 1 win 65535 <mss 1460,nop,nop,sackOK,nop,wscale 7>");
}

static void numbers_are_relative_to_their_bases(void)
{
	struct seg g = {.seq = {4}, .ack = {0x80000011}, .flags = TH_PSH | TH_ACK, .wnd = 257};

	g.len = 1000;
	g.opt.nsack = 2;
	g.opt.sack[0].lo = seq_of(0x80000111);
	g.opt.sack[0].hi = seq_of(0x80000211);
	g.opt.sack[1].lo = seq_of(0x80000311);
	g.opt.sack[1].hi = seq_of(0x80000411);
	CU_ASSERT_STRING_EQUAL(printed(&g, seq_of(0xfffffffe), seq_of(0x80000010)),
			       "P. 6:1006(1000) ack 1 win 257 <nop,nop,sack 257:513 769:1025>");
}

static void rare_options_and_flags_are_shown(void)
{
	struct seg g = {.flags = TH_SYN, .wnd = 1};

	g.opt = (struct tcp_opts){.has_tfo = true};
	CU_ASSERT_STRING_EQUAL(printed(&g, seq_of(0), seq_of(0)), "S 0:0(0) win 1 <FO,nop,nop>");
	g.opt = (struct tcp_opts){.has_tfo = true, .tfo_exp = true, .tfo_len = 4,
				  .tfo_cookie = {0, 0x1a, 0xff, 9}};
	CU_ASSERT_STRING_EQUAL(printed(&g, seq_of(0), seq_of(0)),
			       "S 0:0(0) win 1 <FOEXP 001aff09>");
	g.opt = (struct tcp_opts){.has_accecn = true, .accecn_order1 = true, .accecn_n = 3,
				  .accecn = {1, 2, 3}};
	g.flags = TH_ACK | TH_URG | TH_ECE | TH_CWR | TH_AE;
	g.urg = 5;
	CU_ASSERT_STRING_EQUAL(printed(&g, seq_of(0), seq_of(0)),
			       ".UEWA 0:0(0) ack 0 win 1 urg 5 <ECN e1b 1 ceb 2 e0b 3,nop>");
	g = (struct seg){.wnd = 9, .flags = TH_ACK};
	g.opt = (struct tcp_opts){.has_md5 = true, .has_ao = true, .ao_keyid = 3,
				  .ao_rnextkeyid = 4, .ao_mac_len = 12, .ao_mac = {1, 2}};
	CU_ASSERT_STRING_EQUAL(printed(&g, seq_of(0), seq_of(0)),
			       ". 0:0(0) ack 0 win 9 <nop,nop,md5,ao keyid 3 rnextkeyid 4 mac "
			       "010200000000000000000000>");
	g = (struct seg){.wnd = 9};
	CU_ASSERT_STRING_EQUAL(printed(&g, seq_of(0), seq_of(0)), "- 0:0(0) win 9");
}

static void the_longest_segment_fits_and_a_small_buffer_cuts(void)
{
	struct seg g = {.seq = {UINT32_MAX}, .ack = {UINT32_MAX}, .flags = 0x1ff, .wnd = 65535};
	char text[10] = "xxxxxxxxx";

	g.urg = 65535;
	g.opt.has_mss = g.opt.has_ts = g.opt.has_wscale = g.opt.sack_ok = true;
	g.opt.mss = 65535;
	g.opt.ts_val = g.opt.ts_ecr = UINT32_MAX;
	g.opt.wscale = 255;
	g.opt.nsack = TCP_SACKS;
	for (int i = 0; i < TCP_SACKS; i++)
		g.opt.sack[i].lo = g.opt.sack[i].hi = seq_of(UINT32_MAX);
	CU_ASSERT_TRUE(strlen(printed(&g, seq_of(0), seq_of(0))) < SEG_TEXT - 1);
	CU_ASSERT_PTR_NOT_NULL(strrchr(printed(&g, seq_of(0), seq_of(0)), '>'));
	seg_print(text, 6, &g, seq_of(0), seq_of(0));
	CU_ASSERT_STRING_EQUAL(text, "SFRP.");
	CU_ASSERT_EQUAL(text[6], 'x');
	CU_ASSERT_PTR_EQUAL(seg_print(text, 0, &g, seq_of(0), seq_of(0)), text);
	CU_ASSERT_STRING_EQUAL(text, "SFRP.");
}

/* ---- addresses ---- */

static void addresses_read_and_print(void)
{
	/* RFC 5952 4 and 2; NULL: must be refused. */
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"10.0.0.1", "10.0.0.1"},
		{"255.255.255.255", "255.255.255.255"},
		{"0.0.0.0", "0.0.0.0"},
		{"::", "::"},
		{"::1", "::1"},
		{"1::", "1::"},
		{"2001:db8::1", "2001:db8::1"},
		{"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
		{"2001:0db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1"},
		{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
		{"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
		{"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
		{"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
		{"0:0:3::", "0:0:3::"},
		{"::ffff:10.1.2.3", "10.1.2.3"},
		{"::ffff:a01:203", "10.1.2.3"},
		{"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
		{"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
		{"fe80::1", "fe80::1"},
		{"", NULL},
		{":", NULL},
		{":::", NULL},
		{"1.2.3", NULL},
		{"1.2.3.4.5", NULL},
		{"1.2.3.256", NULL},
		{"01.2.3.4", NULL},
		{"1.2.3.00", NULL},
		{"1.2.3.4 ", NULL},
		{" 1.2.3.4", NULL},
		{"1..3.4", NULL},
		{"-1.2.3.4", NULL},
		{"4294967297.2.3.4", NULL},
		{"1.2.3.4/24", NULL},
		{"1:2:3:4:5:6:7", NULL},
		{"1:2:3:4:5:6:7:8:9", NULL},
		{"1:2:3:4:5:6:7:8::", NULL},
		{"1:2:3:4::5:6:7:8", NULL},
		{"1::2::3", NULL},
		{"1:", NULL},
		{":1", NULL},
		{"::1:", NULL},
		{"12345::", NULL},
		{"::g", NULL},
		{"::1.2.3", NULL},
		{"1.2.3.4::", NULL},
		{"::1.2.3.4:5", NULL},
		{"1:2:3:4:5:6:7:1.2.3.4", NULL},
		{"fe80::1%eth0", NULL},
		{"[::1]", NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct addr a;
		char text[ADDR_TEXT];
		bool ok;

		memset(&a, 0x5a, sizeof(a));
		ok = addr_scan(rows[i].in, &a);
		addr_print(text, sizeof(text), &a);
		if (!rows[i].out) {
			memset(text, 0x5a, sizeof(a));
			if (ok || memcmp(&a, text, sizeof(a)) != 0)
				FAIL_ROW(rows[i].in);
		} else if (!ok || strcmp(text, rows[i].out) != 0) {
			FAIL_ROW(rows[i].in);
		}
	}
}

static void macs_and_endpoints_read_and_print(void)
{
	static const char *const bad[] = {"", "0", "02:00:5e:10:0:01", "02:00:5e:10:00:01:",
					  "02:00:5e:10:00", "02-00-5e-10-00-01",
					  "02:00:5e:10:00:0g", "02:00:5e:10:00:01 "};
	struct mac m;
	struct addr a;
	char text[ADDR_TEXT + 8];

	CU_ASSERT_TRUE(mac_scan("02:00:5E:10:00:ff", &m));
	CU_ASSERT_STRING_EQUAL(mac_print(text, &m), "02:00:5e:10:00:ff");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CU_ASSERT_FALSE(mac_scan(bad[i], &m));
	CU_ASSERT_TRUE(addr_scan("2001:db8::1", &a));
	CU_ASSERT_STRING_EQUAL(endpoint_print(text, sizeof(text), &a, 80), "[2001:db8::1]:80");
	a = addr_v4(0x0a000001);
	CU_ASSERT_STRING_EQUAL(endpoint_print(text, sizeof(text), &a, 65535), "10.0.0.1:65535");
}

static const struct test_case cases[] = {
	TEST(a_syn_ack_reads_as_packetdrill_writes_it),
	TEST(numbers_are_relative_to_their_bases),
	TEST(rare_options_and_flags_are_shown),
	TEST(the_longest_segment_fits_and_a_small_buffer_cuts),
	TEST(addresses_read_and_print),
	TEST(macs_and_endpoints_read_and_print),
};
TEST_SUITE(print, cases);
