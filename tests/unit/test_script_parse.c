/* The language of scripts: what is read, where errors are said to be, and that the notation is the
 * one of wire/print.c. */
#include "../lib/test.h"

#include "../../sim/script.h"
#include "../../stack/base/rng.h"
#include "../../stack/wire/print.h"

#include <string.h>

static struct script *parse(const char *text, char err[256])
{
	return script_parse(text, strlen(text), "t.pkt", NULL, err, 256);
}

/* A segment that a sane stack could send, with any flags and a choice of options. */
static void draw_seg(struct rng *r, struct seg *g)
{
	*g = (struct seg){.seq = seq_of(rng_u32(r)), .flags = (uint16_t)rng_below(r, 512),
			  .wnd = (uint16_t)rng_u32(r), .len = rng_below(r, 1461)};
	if (g->flags & TH_ACK)
		g->ack = seq_of(rng_u32(r));
	if (g->flags & TH_URG)
		g->urg = (uint16_t)rng_u32(r);
	if (g->flags & TH_SYN) {
		g->opt.has_mss = rng_below(r, 2);
		g->opt.mss = g->opt.has_mss ? (uint16_t)rng_u32(r) : 0;
		g->opt.sack_ok = rng_below(r, 2);
		g->opt.has_wscale = rng_below(r, 2);
		g->opt.wscale = g->opt.has_wscale ? (uint8_t)rng_below(r, 15) : 0;
	}
	g->opt.has_ts = rng_below(r, 2);
	if (g->opt.has_ts) {
		g->opt.ts_val = rng_u32(r);
		g->opt.ts_ecr = rng_u32(r);
	}
	g->opt.has_ao = rng_below(r, 8) == 0;
	if (g->opt.has_ao) {
		g->opt.ao_keyid = (uint8_t)rng_u32(r);
		g->opt.ao_rnextkeyid = (uint8_t)rng_u32(r);
		g->opt.ao_mac_len = 12;
		for (int i = 0; i < 12; i++)
			g->opt.ao_mac[i] = (uint8_t)rng_u32(r);
	}
	if (!(g->flags & TH_SYN)) {
		uint32_t most = (g->opt.has_ts ? 3u : 4u) - (g->opt.has_ao ? 2u : 0u);

		g->opt.nsack = (uint8_t)rng_below(r, most + 1);
		for (int i = 0; i < g->opt.nsack; i++) {
			g->opt.sack[i].lo = seq_of(rng_u32(r));
			g->opt.sack[i].hi = seq_of(rng_u32(r));
		}
	}
}

static void what_wire_print_writes_reads_back_and_prints_the_same(void)
{
	struct rng r;
	int bad = 0;

	rng_init(&r, 7, "test/script_parse");
	for (int i = 0; i < 5000; i++) {
		char first[SEG_TEXT], second[SEG_TEXT], err[256];
		struct seg g, back;
		struct script_seg s;

		draw_seg(&r, &g);
		seg_print(first, sizeof(first), &g, seq_of(0), seq_of(0));
		if (!script_parse_seg(first, &s, err, sizeof(err))) {
			printf("%s: %s\n", first, err);
			bad++;
			continue;
		}
		CU_ASSERT(script_seg_decode(&s, &back));
		seg_print(second, sizeof(second), &back, seq_of(0), seq_of(0));
		if (strcmp(first, second) != 0) {
			printf("%s\n%s\n", first, second);
			bad++;
		}
	}
	CU_ASSERT_EQUAL(bad, 0);
}

static void what_we_print_reads_back_as_the_same_segment(void)
{
	static const char *const text[] = {
		"S 0:0(0) win 65535 <mss 1460,nop,wscale 6,sackOK,TS val 100 ecr 0>",
		"SE. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK,nop,wscale 8>",
		"(ect0) P. 1:1001(1000) ack 1 <nop,nop,sack 5:9 1:3>",
		"(ce, ttl 3) - 1:1(0) win 5 urg 7",
		"(tos 0x28) 80 > 1024 F. 4294967295:0(1) ack 4294967295 win 0",
		"R 0:0(0)! win 0",
		"S. ...(0) ack 65537 win 65535 <mss 1460,sackOK,eol,eol>",
		". 1:1(0) ack 1 <...>",
		"S 0:0(0) <mss 1000,FO,nop,nop>",
		"S 0:0(0) <mss 1000,FOEXP abcd1234>",
		". 1:1(0) ack 1 <ECN e1b 1 ceb 0 e0b 70000,nop>",
		". 1:1(0) ack 1 <nop,nop,md5 valid>",
		". 1:1(0) ack 1 <ao keyid 61 rnextkeyid 84 mac 2ee437c6f8ede6d7c4d602e7>",
		". 1:1(0) ack 1 <ao keyid 0 rnextkeyid 255>",
		"F. 1:1(0) ack 1/udp(1 > 9811)",
		".5 1:1(0) ack 1",
		"P.5 1:1(0) ack 1",
		"F.7 1:1(0) ack 1",
	};

	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		char out[SCRIPT_SEG_TEXT], err[256] = "";
		struct script_seg g;

		CU_ASSERT(script_parse_seg(text[i], &g, err, sizeof(err)));
		CU_ASSERT_STRING_EQUAL(err, "");
		CU_ASSERT_STRING_EQUAL(script_print_seg(out, sizeof(out), &g), text[i]);
	}
}

static void options_survive_the_way_through_bytes(void)
{
	static const char text[] = "S 0:0(0) <mss 1460,nop,wscale 6,sackOK,TS val 100 ecr 0,md5 "
				   "00112233445566778899aabbccddeeff,nop,nop>";
	uint8_t bytes[TCP_MAX_OPTS + 4];
	char err[256], out[SCRIPT_SEG_TEXT];
	struct script_seg g;

	CU_ASSERT(script_parse_seg(text, &g, err, sizeof(err)));
	int n = script_opts_emit(bytes, &g);

	CU_ASSERT_EQUAL(n, 40);
	script_opts_scan(bytes, (size_t)n, &g);
	CU_ASSERT_STRING_EQUAL(script_print_seg(out, sizeof(out), &g), text);
}

static void every_kind_of_event_is_read(void)
{
	static const char text[] =
		"s// a comment with a slip of the hand in front\n"
		"--ip_version=ipv4 // a comment\n"
		"--define=N=7\n"
		"`../common/defaults.sh`\n"
		" 0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
		"+0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0\n"
		"#ifdef Other\n+0 nonsense <<<\n#endif\n"
		"+.1...0.25 connect(3, {sa_family = AF_INET, sin_port = htons(8080),\n"
		"    sin_addr = inet_addr(\"192.0.2.1\")}, ...) = -1 EINPROGRESS (Operation now)\n"
		"* > S 0:0(0) <...>\n"
		"+.1~+.2 > [ect0] P. 1:N(6) ack 1 /* more */\n"
		"1.5 < icmp unreachable frag_needed mtu 800 [1:1001(1000)]\n"
		"+0 < udp 5 > 6 (100)\n"
		"+0 %{ assert tcpi_rtt > 5 }%\n"
		"`sh clean`";
	char err[256];
	struct script *f = parse(text, err);

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL(f->noptions, 2);
	CU_ASSERT_EQUAL_FATAL(f->nevents, 10);
	CU_ASSERT_EQUAL(f->event[0].what, SCRIPT_COMMAND);
	CU_ASSERT_EQUAL(f->event[2].u.call->nargs, 5);
	CU_ASSERT(f->event[3].u.call->blocking);
	CU_ASSERT_EQUAL(f->event[3].at, 100 * MS);
	CU_ASSERT_EQUAL(f->event[3].u.call->end, 250 * MS);
	CU_ASSERT_STRING_EQUAL(f->event[3].u.call->err, "EINPROGRESS");
	CU_ASSERT_EQUAL(f->event[4].when, AT_ANY);
	CU_ASSERT_EQUAL(f->event[5].when, AT_RELATIVE_RANGE);
	CU_ASSERT_EQUAL(f->event[5].u.seg->end, 7);
	CU_ASSERT_EQUAL(f->event[6].u.icmp->mtu, 800);
	CU_ASSERT_EQUAL(f->event[7].u.udp->len, 100);
	CU_ASSERT_EQUAL(f->event[8].line, 16);
	script_free(f);
}

static void errors_say_where_and_what_was_expected(void)
{
	static const struct {
		const char *text, *err;
	} row[] = {
		{"0 > Q 0:0(0)", "t.pkt:1:5: found 'Q', expected TCP flags (S F R P . U E W A, or -)"},
		{"0 > S 0:1(0)", "t.pkt:1:7: found 0:1(0), expected an end of 0"},
		{"0 < S 0:0(0) <mss 1460>\n+0 < S 0:0(0) <...>",
		 "t.pkt:2:16: found '...', expected the options of an inbound segment"},
		{"0 < S 0:0(0) <mss 70000>", "t.pkt:1:19: 70000 is out of range, expected a segment size "
					     "in 0..65535"},
		{"0 < S 0:0(0) <sackOK>", "t.pkt:1:14: these options are 2 bytes, expected a multiple of 4"},
		{"0 read(3) 5", "t.pkt:1:11: found '5', expected '='"},
		{"* < S 0:0(0)", "t.pkt:1:1: a range or '*' here, expected it only with '>'"},
		{"+.2~+.1 > S 0:0(0)", "t.pkt:1:1: this range runs backwards, expected the later end "
				       "second"},
		{"-1 > S 0:0(0)", "t.pkt:1:1: found a negative time, expected seconds from 0 on"},
		{"0 `unfinished", "t.pkt:1:3: this command does not end, expected '`'"},
		{"/* x", "t.pkt:1:1: this comment does not end, expected '*/'"},
		{"", "t.pkt:1:1: no events, expected at least one"},
		{"0 > S", "t.pkt:1:6: the script ends, expected a sequence number"},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		char err[256] = "";
		struct script *f = parse(row[i].text, err);

		CU_ASSERT_PTR_NULL(f);
		CU_ASSERT_STRING_EQUAL(err, row[i].err);
		if (strcmp(err, row[i].err) != 0)
			printf("%s\n%s\n", row[i].err, err);
		script_free(f);
	}
}

static void cut_and_spoilt_scripts_are_refused_or_read_but_never_overrun(void)
{
	static const char text[] = "0 < S. 0:0(0) ack 1 win 5 <mss 1460,TS val 1 ecr 0,sack 1:2,nop,nop>\n"
				   "+.1...2 poll([{fd=4, events=POLLIN}], 1, \"x\"...) = 1 EX (a b)\n"
				   "+0 %{ x = 1 }% +0 `sh` +0 < icmp unreachable [1:2(1)]";
	struct rng r;
	char copy[sizeof(text)], err[256];

	rng_init(&r, 1, "test/script_parse/spoil");
	for (size_t len = 0; len < sizeof(text); len++)
		script_free(script_parse(text, len, "t", NULL, err, sizeof(err)));
	for (int i = 0; i < 20000; i++) {
		memcpy(copy, text, sizeof(text));
		for (uint32_t k = rng_below(&r, 4); k < 4; k++)
			copy[rng_below(&r, sizeof(text) - 1)] = (char)rng_below(&r, 256);
		script_free(script_parse(copy, sizeof(text) - 1, "t", NULL, err, sizeof(err)));
	}
	CU_ASSERT(strlen(err) < sizeof(err));
}

static const struct test_case cases[] = {
	TEST(what_wire_print_writes_reads_back_and_prints_the_same),
	TEST(what_we_print_reads_back_as_the_same_segment),
	TEST(options_survive_the_way_through_bytes),
	TEST(every_kind_of_event_is_read),
	TEST(errors_say_where_and_what_was_expected),
	TEST(cut_and_spoilt_scripts_are_refused_or_read_but_never_overrun),
};
TEST_SUITE(script_parse, cases);
