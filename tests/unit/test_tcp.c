#include "wire/tcp.h"

#include <stdlib.h>
#include <string.h>

#include "../lib/mutate.h"
#include "../lib/test.h"
#include "base/bytes.h"
#include "base/check.h"

/* ---- parsing ---- */

static void the_fixed_header_parses(void)
{
	static const uint8_t p[24] = {0x30, 0x39, 0, 80,   0xff, 0xff, 0xff, 0xfe, 0x80, 0,
				      0,    1,    0x5f, 0xff, 0x12, 0x34, 0xab, 0xcd, 0,    7};
	struct seg g;

	CU_ASSERT_TRUE(tcp_parse(p, 24, &g));
	CU_ASSERT_TRUE(g.sport == 12345 && g.dport == 80);
	CU_ASSERT_TRUE(g.seq.v == 0xfffffffe && g.ack.v == 0x80000001);
	CU_ASSERT_EQUAL(g.flags, 0x1ff); /* the three reserved bits are ignored */
	CU_ASSERT_TRUE(g.wnd == 0x1234 && g.urg == 7 && g.hdr_len == 20 && g.len == 0);
}

static void data_offsets_that_lie_are_refused(void)
{
	static const struct {
		const char *name;
		uint8_t offset;
		size_t len;
		bool ok;
	} rows[] = {
		{"5", 5, 20, true},
		{"5, payload", 5, 60, true},
		{"15", 15, 60, true},
		{"0", 0, 60, false},
		{"4", 4, 60, false},
		{"6 of 20 bytes", 6, 20, false},
		{"15 of 59 bytes", 15, 59, false},
		{"19 bytes", 5, 19, false},
		{"empty", 5, 0, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t all[60] = {0}, *exact = malloc(rows[i].len + 1);
		struct seg g;

		all[12] = (uint8_t)(rows[i].offset << 4);
		memcpy(exact + 1, all, rows[i].len);
		if (tcp_parse(exact + 1, rows[i].len, &g) != rows[i].ok)
			FAIL_ROW(rows[i].name);
		free(exact);
	}
}

/* A segment with these option bytes, zeros behind them up to a multiple of 4. */
static struct tcp_opts options_of(const uint8_t *opt, size_t len)
{
	size_t padded = (len + 3) / 4 * 4;
	uint8_t *p = calloc(1, TCP_LEN + padded);
	struct seg g;

	p[12] = (uint8_t)((TCP_LEN + padded) / 4 << 4);
	memcpy(p + TCP_LEN, opt, len);
	CU_ASSERT_TRUE(tcp_parse(p, TCP_LEN + padded, &g));
	free(p);
	return g.opt;
}

#define BYTES(...) ((const uint8_t[]){__VA_ARGS__})
#define OPTIONS(...) options_of(BYTES(__VA_ARGS__), sizeof(BYTES(__VA_ARGS__)))

static void every_known_option_parses(void)
{
	struct tcp_opts o;

	o = OPTIONS(2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 3, 3, 7);
	CU_ASSERT_TRUE(o.has_mss && o.mss == 1460 && o.sack_ok && o.has_wscale && o.wscale == 7);
	CU_ASSERT_TRUE(o.has_ts && o.ts_val == 0x01020304 && o.ts_ecr == 0x05060708);
	CU_ASSERT_FALSE(o.malformed || o.unknown || o.nsack || o.has_tfo);
	o = OPTIONS(1, 1, 5, 18, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0, 9);
	CU_ASSERT_TRUE(o.nsack == 2 && o.sack[0].lo.v == UINT32_MAX && o.sack[0].hi.v == 1);
	CU_ASSERT_TRUE(o.sack[1].lo.v == 5 && o.sack[1].hi.v == 9);
	o = OPTIONS(34, 2);
	CU_ASSERT_TRUE(o.has_tfo && !o.tfo_exp && o.tfo_len == 0);
	o = OPTIONS(34, 6, 9, 8, 7, 6);
	CU_ASSERT_TRUE(o.has_tfo && o.tfo_len == 4 && o.tfo_cookie[3] == 6);
	o = OPTIONS(254, 12, 0xf9, 0x89, 1, 2, 3, 4, 5, 6, 7, 8);
	CU_ASSERT_TRUE(o.has_tfo && o.tfo_exp && o.tfo_len == 8 && o.tfo_cookie[7] == 8);
	o = OPTIONS(172, 11, 0, 0, 1, 0, 2, 0, 3, 0, 0);
	CU_ASSERT_TRUE(o.has_accecn && !o.accecn_order1 && o.accecn_n == 3);
	CU_ASSERT_TRUE(o.accecn[0] == 1 && o.accecn[1] == 0x200 && o.accecn[2] == 0x30000);
	o = OPTIONS(174, 2);
	CU_ASSERT_TRUE(o.has_accecn && o.accecn_order1 && o.accecn_n == 0);
	o = OPTIONS(19, 18, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	CU_ASSERT_TRUE(o.has_md5 && !o.malformed);
	o = OPTIONS(29, 16, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	CU_ASSERT_TRUE(o.has_ao && o.ao_keyid == 3 && o.ao_rnextkeyid == 4 && o.ao_mac_len == 12);
}

/* RFC 5925 2.2. */
static void what_may_not_stand_beside_tcp_ao_is_marked(void)
{
#define AO8 29, 8, 1, 2, 9, 9, 9, 9
#define MD5 19, 18, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
	struct tcp_opts o = OPTIONS(AO8, 1, 1);

	CU_ASSERT_TRUE(o.has_ao && !o.ao_bad && o.ao_mac_len == 4 && o.ao_mac[3] == 9);
	CU_ASSERT_FALSE(OPTIONS(MD5).ao_bad);
	CU_ASSERT_TRUE(OPTIONS(AO8, AO8).ao_bad);
	CU_ASSERT_TRUE(OPTIONS(AO8, MD5).ao_bad);
	CU_ASSERT_TRUE(OPTIONS(MD5, AO8).ao_bad);
	CU_ASSERT_TRUE(OPTIONS(29, 3, 1).ao_bad);
	CU_ASSERT_TRUE(OPTIONS(29, 3, 1, AO8).ao_bad);
#undef AO8
#undef MD5
}

/* What the MAC covers, of a header as it came: wherever the option stands, whatever its length is. */
static void the_covered_header_has_no_checksum_and_no_mac(void)
{
	uint8_t hdr[TCP_MAX_HDR], out[TCP_MAX_HDR];
	struct seg g = {.sport = 1, .dport = 2, .flags = TH_ACK, .wnd = 7};
	size_t mac_len, n;

	g.opt = (struct tcp_opts){.has_ts = true, .ts_val = 0x01020304, .has_ao = true, .ao_keyid = 5, .ao_rnextkeyid = 6,
				  .ao_mac_len = 12, .ao_mac = {0xee, 0xee}};
	n = tcp_emit(hdr, &g, LAYOUT_LINUX);
	CU_ASSERT_EQUAL(n, TCP_LEN + 12 + 16);
	hdr[16] = hdr[17] = 0xcc;
	CU_ASSERT_PTR_EQUAL(tcp_ao_find(hdr, n, &mac_len), hdr + TCP_LEN + 12 + 4);
	CU_ASSERT_EQUAL(mac_len, 12);
	CU_ASSERT_EQUAL(tcp_ao_cover(hdr, n, true, out), n);
	CU_ASSERT_EQUAL(memcmp(out + TCP_LEN, hdr + TCP_LEN, 16), 0);
	CU_ASSERT_TRUE(out[16] == 0 && out[17] == 0 && out[TCP_LEN + 16] == 0 && out[TCP_LEN + 17] == 0);
	CU_ASSERT_EQUAL(tcp_ao_cover(hdr, n, false, out), TCP_LEN + 16);
	CU_ASSERT_EQUAL(memcmp(out + TCP_LEN, "\35\20\5\6\0\0", 6), 0);
	CU_ASSERT_EQUAL(out[12], hdr[12]); /* the data offset stays */

	g.opt.has_ao = false;
	n = tcp_emit(hdr, &g, LAYOUT_LINUX);
	CU_ASSERT_PTR_NULL(tcp_ao_find(hdr, n, &mac_len));
	CU_ASSERT_EQUAL(tcp_ao_cover(hdr, n, true, out), 0);
}

/* Rows: option bytes, then a window scale of 9 that may or may not be reached. */
static void bad_options_keep_what_is_good(void)
{
	static const struct {
		const char *name;
		uint8_t bytes[20];
		size_t len;
		bool malformed, unknown, reached;
	} rows[] = {
		{"none", {1}, 1, false, false, true},
		{"length 0", {2, 0, 5, 0xb4}, 4, true, false, false},
		{"length 1", {9, 1, 1, 1}, 4, true, false, false},
		{"length past the header", {9, 40, 1, 1}, 4, true, false, false},
		{"unknown kind", {9, 4, 0, 0}, 4, false, true, true},
		{"unknown kind of no length", {9, 2}, 2, false, true, true},
		{"experiment of another", {254, 4, 1, 2}, 4, false, true, true},
		{"experiment without a number", {254, 3, 1}, 3, false, true, true},
		{"mss of 3", {2, 3, 5}, 3, true, false, true},
		{"mss of 5", {2, 5, 5, 0xb4, 0}, 5, true, false, true},
		{"window scale of 2", {3, 2}, 2, true, false, true},
		{"window scale of 4", {3, 4, 1, 1}, 4, true, false, true},
		{"sackOK of 3", {4, 3, 0}, 3, true, false, true},
		{"timestamps of 9", {8, 9}, 9, true, false, true},
		{"timestamps of 11", {8, 11}, 11, true, false, true},
		{"sack of 2", {5, 2}, 2, true, false, true},
		{"sack of 9", {5, 9}, 9, true, false, true},
		{"sack of 14", {5, 14}, 14, true, false, true},
		{"md5 of 17", {19, 17}, 17, true, false, true},
		{"ao of 3", {29, 3, 1}, 3, true, false, true},
		{"cookie of 2", {34, 4, 1, 2}, 4, true, false, true},
		{"cookie of 5", {34, 7, 1, 2, 3, 4, 5}, 7, true, false, true},
		{"cookie of 18", {34, 20}, 20, true, false, true},
		{"experimental cookie of 1", {254, 5, 0xf9, 0x89, 1}, 5, true, false, true},
		{"AccECN of 4", {172, 4, 0, 0}, 4, true, false, true},
		{"AccECN of 14", {174, 14}, 14, true, false, true},
		{"end, then lies", {0, 2, 0}, 3, false, false, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t bytes[4 + 20 + 3] = {4, 2, 1, 1};
		struct tcp_opts o;

		memcpy(bytes + 4, rows[i].bytes, rows[i].len);
		memcpy(bytes + 4 + rows[i].len, (const uint8_t[]){3, 3, 9}, 3);
		o = options_of(bytes, 4 + rows[i].len + 3);
		if (!o.sack_ok || o.malformed != rows[i].malformed ||
		    o.unknown != rows[i].unknown || o.has_wscale != rows[i].reached ||
		    o.has_mss || o.has_ts || o.nsack || o.has_tfo || o.has_accecn || o.has_md5 ||
		    o.has_ao)
			FAIL_ROW(rows[i].name);
	}
}

static void an_option_at_the_very_end_without_length_is_malformed(void)
{
	struct tcp_opts o = OPTIONS(1, 1, 1, 2);

	CU_ASSERT_TRUE(o.malformed && !o.has_mss);
	o = OPTIONS(1, 1, 2, 4);
	CU_ASSERT_TRUE(o.malformed && !o.has_mss);
}

/* ---- emitting ---- */

/* The kinds of the options in the order of their bytes. */
static void emitted_kinds(const struct seg *g, enum tcp_layout layout, uint8_t *kinds, size_t *n)
{
	uint8_t p[TCP_MAX_HDR];
	size_t len = tcp_emit(p, g, layout);

	CU_ASSERT_EQUAL(len, TCP_LEN + tcp_opts_len(g, layout));
	CU_ASSERT_EQUAL(len % 4, 0);
	CU_ASSERT_TRUE(len <= TCP_MAX_HDR);
	*n = 0;
	for (size_t i = TCP_LEN; i < len; i += p[i] < 2 ? 1 : p[i + 1])
		kinds[(*n)++] = p[i];
}

static void options_stand_where_linux_and_bsd_put_them(void)
{
	static const struct {
		const char *name;
		enum tcp_layout layout;
		struct tcp_opts opt;
		uint8_t kinds[20];
		size_t n, len;
	} rows[] = {
		{"linux, none", LAYOUT_LINUX, {0}, {0}, 0, 0},
		{"linux, full SYN", LAYOUT_LINUX,
		 {.has_mss = true, .sack_ok = true, .has_ts = true, .has_wscale = true},
		 {2, 4, 8, 1, 3}, 5, 20},
		{"linux, SYN without timestamps", LAYOUT_LINUX,
		 {.has_mss = true, .sack_ok = true, .has_wscale = true},
		 {2, 1, 1, 4, 1, 3}, 6, 12},
		{"linux, SYN without SACK", LAYOUT_LINUX,
		 {.has_mss = true, .has_ts = true, .has_wscale = true},
		 {2, 1, 1, 8, 1, 3}, 6, 20},
		{"linux, mss only", LAYOUT_LINUX, {.has_mss = true}, {2}, 1, 4},
		{"linux, timestamps", LAYOUT_LINUX, {.has_ts = true}, {1, 1, 8}, 3, 12},
		{"linux, one block", LAYOUT_LINUX, {.nsack = 1}, {1, 1, 5}, 3, 12},
		{"linux, four blocks", LAYOUT_LINUX, {.nsack = 4}, {1, 1, 5}, 3, 36},
		{"linux, four blocks and timestamps", LAYOUT_LINUX, {.nsack = 4, .has_ts = true},
		 {1, 1, 8, 1, 1, 5}, 6, 40},
		{"linux, cookie request", LAYOUT_LINUX,
		 {.has_mss = true, .sack_ok = true, .has_ts = true, .has_wscale = true,
		  .has_tfo = true},
		 {2, 4, 8, 1, 3, 34, 1, 1}, 8, 24},
		{"linux, longest cookie", LAYOUT_LINUX,
		 {.has_mss = true, .sack_ok = true, .has_ts = true, .has_wscale = true,
		  .has_tfo = true, .tfo_len = 16},
		 {2, 4, 8, 1, 3, 34, 1, 1}, 8, 40},
		{"linux, longest experimental cookie", LAYOUT_LINUX,
		 {.has_mss = true, .sack_ok = true, .has_ts = true, .has_wscale = true,
		  .has_tfo = true, .tfo_exp = true, .tfo_len = 16},
		 {2, 4, 8, 1, 3, 254}, 6, 40},
		{"linux, no room for AccECN", LAYOUT_LINUX,
		 {.has_mss = true, .sack_ok = true, .has_ts = true, .has_wscale = true,
		  .has_tfo = true, .tfo_exp = true, .tfo_len = 16, .has_accecn = true},
		 {2, 4, 8, 1, 3, 254}, 6, 40},
		{"linux, AccECN cut to two counters", LAYOUT_LINUX,
		 {.has_ts = true, .nsack = 2, .has_accecn = true, .accecn_n = 3},
		 {1, 1, 8, 172, 1, 1, 5}, 7, 40},
		{"bsd, full SYN", LAYOUT_BSD,
		 {.has_mss = true, .sack_ok = true, .has_ts = true, .has_wscale = true},
		 {2, 1, 3, 4, 8}, 5, 20},
		{"bsd, SYN without timestamps", LAYOUT_BSD,
		 {.has_mss = true, .sack_ok = true, .has_wscale = true},
		 {2, 1, 3, 4, 0, 0}, 6, 12},
		{"bsd, timestamps and blocks", LAYOUT_BSD, {.has_ts = true, .nsack = 3},
		 {1, 1, 8, 1, 1, 5}, 6, 40},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct seg g = {.opt = rows[i].opt};
		uint8_t kinds[TCP_MAX_OPTS];
		size_t n;

		emitted_kinds(&g, rows[i].layout, kinds, &n);
		if (n != rows[i].n || memcmp(kinds, rows[i].kinds, n) != 0 ||
		    tcp_opts_len(&g, rows[i].layout) != rows[i].len)
			FAIL_ROW(rows[i].name);
	}
}

static void sack_blocks_are_cut_to_the_room_first_ones_first(void)
{
	struct seg g = {.opt = {.has_ts = true, .nsack = 4}}, in;
	uint8_t p[TCP_MAX_HDR];

	for (uint32_t i = 0; i < 4; i++) {
		g.opt.sack[i].lo = seq_of(100 * i);
		g.opt.sack[i].hi = seq_of(100 * i + 50);
	}
	CU_ASSERT_TRUE(tcp_parse(p, tcp_emit(p, &g, LAYOUT_LINUX), &in));
	CU_ASSERT_EQUAL(in.opt.nsack, 3);
	CU_ASSERT_TRUE(in.opt.sack[0].lo.v == 0 && in.opt.sack[2].hi.v == 250);
	g.opt.has_ts = false;
	CU_ASSERT_TRUE(tcp_parse(p, tcp_emit(p, &g, LAYOUT_BSD), &in));
	CU_ASSERT_EQUAL(in.opt.nsack, 4);
	CU_ASSERT_TRUE(in.opt.sack[3].lo.v == 300 && in.opt.sack[3].hi.v == 350);
}

static bool segs_equal(const struct seg *a, const struct seg *b)
{
	const struct tcp_opts *o = &a->opt, *q = &b->opt;

	return a->sport == b->sport && a->dport == b->dport && seq_eq(a->seq, b->seq) &&
	       seq_eq(a->ack, b->ack) && a->flags == b->flags && a->wnd == b->wnd &&
	       a->urg == b->urg && o->has_mss == q->has_mss && o->mss == q->mss &&
	       o->has_wscale == q->has_wscale && o->wscale == q->wscale &&
	       o->sack_ok == q->sack_ok && o->has_ts == q->has_ts && o->ts_val == q->ts_val &&
	       o->ts_ecr == q->ts_ecr && o->has_tfo == q->has_tfo && o->tfo_exp == q->tfo_exp &&
	       o->tfo_len == q->tfo_len && memcmp(o->tfo_cookie, q->tfo_cookie, 16) == 0 &&
	       o->has_accecn == q->has_accecn && o->accecn_n == q->accecn_n &&
	       memcmp(o->accecn, q->accecn, sizeof(o->accecn)) == 0 && !q->malformed &&
	       o->accecn_order1 == q->accecn_order1;
}

static void what_is_emitted_parses(void)
{
	struct seg g = {.sport = 40000, .dport = 443, .seq = {0xffffffff}, .ack = {0x80000000},
			.flags = TH_SYN | TH_ACK | TH_ECE | TH_AE, .wnd = 64240, .urg = 1}, in;
	uint8_t p[TCP_MAX_HDR];

	for (unsigned mask = 0; mask < 64; mask++)
		for (int layout = LAYOUT_LINUX; layout <= LAYOUT_BSD; layout++) {
			g.opt = (struct tcp_opts){0};
			if (mask & 1)
				g.opt.has_mss = true, g.opt.mss = 1460;
			if (mask & 2)
				g.opt.sack_ok = true;
			if (mask & 4)
				g.opt.has_ts = true, g.opt.ts_val = UINT32_MAX, g.opt.ts_ecr = 7;
			if (mask & 8)
				g.opt.has_wscale = true, g.opt.wscale = 14;
			if (mask & 16)
				g.opt.has_tfo = true, g.opt.tfo_exp = mask & 1;
			if (mask & 32) {
				g.opt.has_accecn = true;
				g.opt.accecn_order1 = mask & 2;
				g.opt.accecn_n = 3;
				for (int i = 0; i < 3; i++)
					g.opt.accecn[i] = 0xfffff0u + (unsigned)i;
			}
			memset(p, 0xa5, sizeof(p));
			if (!tcp_parse(p, tcp_emit(p, &g, (enum tcp_layout)layout), &in) ||
			    !segs_equal(&g, &in) || rd16(p + 16) != 0)
				CU_FAIL("what was emitted reads differently");
		}
}

/* ---- damage ---- */

/* Whatever is read can be written, and reads the same again. */
static unsigned check_mutant(uint8_t *p, size_t len)
{
	struct seg g, again;
	uint8_t out[TCP_MAX_HDR];
	size_t n;

	if (!tcp_parse(p, len, &g))
		return 0;
	if (g.hdr_len > len || g.hdr_len < TCP_LEN || g.opt.nsack > TCP_SACKS ||
	    g.opt.tfo_len > 16 || g.opt.accecn_n > 3)
		return 1;
	n = tcp_emit(out, &g, LAYOUT_LINUX);
	return n > TCP_MAX_HDR || !tcp_parse(out, n, &again) || again.opt.malformed ||
	       again.opt.mss != g.opt.mss || again.opt.ts_val != g.opt.ts_val;
}

static void damaged_segments_are_not_over_read(void)
{
	struct seg syn = {.flags = TH_SYN, .opt = {.has_mss = true, .mss = 1460, .sack_ok = true,
						   .has_ts = true, .ts_val = 1, .has_wscale = true,
						   .has_tfo = true, .tfo_len = 8}};
	struct seg ack = {.flags = TH_ACK, .opt = {.has_ts = true, .nsack = 2, .has_accecn = true,
						   .accecn_n = 2}};
	uint8_t p[TCP_MAX_HDR + 3] = {0};

	CU_ASSERT_EQUAL(mutate_each(p, tcp_emit(p, &syn, LAYOUT_LINUX), 6, 100000, check_mutant), 0);
	CU_ASSERT_EQUAL(mutate_each(p, tcp_emit(p, &ack, LAYOUT_BSD), 7, 100000, check_mutant), 0);
}

static const struct test_case cases[] = {
	TEST(the_fixed_header_parses),
	TEST(data_offsets_that_lie_are_refused),
	TEST(every_known_option_parses),
	TEST(what_may_not_stand_beside_tcp_ao_is_marked),
	TEST(the_covered_header_has_no_checksum_and_no_mac),
	TEST(bad_options_keep_what_is_good),
	TEST(an_option_at_the_very_end_without_length_is_malformed),
	TEST(options_stand_where_linux_and_bsd_put_them),
	TEST(sack_blocks_are_cut_to_the_room_first_ones_first),
	TEST(what_is_emitted_parses),
	TEST(damaged_segments_are_not_over_read),
};
TEST_SUITE(tcp, cases);
