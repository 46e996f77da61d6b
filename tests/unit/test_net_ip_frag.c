/* Reassembly: in any order, never twice, never for ever, never past its memory. */
#include "../lib/netfix.h"

#include "../../stack/wire/tcp.h"

static struct netfix f;
static struct frame in, out;
static struct seen s;

#define MAX_DATA 66000
static uint8_t data[MAX_DATA];

static void open_with_data(void)
{
	fix_open(&f);
	fix_meet(&f, PEER4, &MAC_PEER);
	fix_meet6(&f, &PEER6, &MAC_PEER);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 11 + (i >> 8));
	data[12] = 5 << 4;
}

/* Bytes [off, off + n) of a TCP datagram from the peer. */
static void give(bool v4, uint32_t id, uint32_t off, uint32_t n, bool more)
{
	struct ip_hdr h = v4 ? from_peer4(PROTO_TCP) : from_peer6(44);
	uint8_t b[IP6_FRAG_LEN + 2000] = {PROTO_TCP};

	if (v4) {
		h.id = id;
		h.frag_off = (uint16_t)off;
		h.more_frags = more;
		frame_ip(&in, h, data + off, n);
	} else {
		wr16(b + 2, (uint16_t)(off | more));
		wr32(b + 4, id);
		memcpy(b + 8, data + off, n);
		frame_ip(&in, h, b, IP6_FRAG_LEN + n);
	}
	fix_give(&f, &in);
}

/* The datagram of n bytes has just been completed. */
static bool got(uint32_t n)
{
	struct pkt *p = f.in.pkt;
	bool same;

	if (f.in.what != NET_TCP)
		return false;
	same = p->len - p->l4_off == n && p->nslices == 0 && p->csum == CSUM_UNKNOWN &&
	       f.in.ip.payload_len == n && !f.in.ip.frag &&
	       memcmp(p->data + p->l4_off, data, n) == 0;
	pkt_free(p);
	return same;
}

/* ---- orders ---- */

static void fragments_in_every_order_make_the_datagram(void)
{
	static const uint8_t order[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					    {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

	for (int v4 = 0; v4 < 2; v4++) {
		open_with_data();
		for (size_t i = 0; i < 6; i++)
			for (int k = 0; k < 3; k++) {
				uint32_t nth = order[i][k];

				give(v4, (uint32_t)i, nth * 800, nth == 2 ? 333 : 800, nth < 2);
				CU_ASSERT_EQUAL(got(1933), k == 2);
			}
		CU_ASSERT_EQUAL(f.count.reassembled, 6);
		CU_ASSERT_EQUAL(frag_bytes(&f.net), 0);
		CU_ASSERT_EQUAL(net_deadline(&f.net), NS_NEVER);
		fix_close(&f);
	}
}

static void the_largest_datagram_is_made(void)
{
	uint32_t end = 65535 - IP4_LEN;

	open_with_data();
	for (uint32_t off = 0; off < end; off += 1480)
		give(true, 1, off, end - off < 1480 ? end - off : 1480, end - off > 1480);
	CU_ASSERT(got(end));
	fix_close(&f);
}

static void interleaved_datagrams_do_not_mix(void)
{
	open_with_data();
	for (uint32_t id = 0; id < 20; id++)
		give(id % 2, id / 2, 0, 40, true);
	for (uint32_t id = 0; id < 20; id++) {
		give(id % 2, id / 2, 40, 40 + id, false);
		CU_ASSERT(got(80 + id));
	}
	fix_close(&f);
}

static void an_exact_duplicate_does_no_harm(void)
{
	open_with_data();
	give(true, 1, 0, 800, true);
	give(true, 1, 0, 800, true);
	give(true, 1, 800, 800, false);
	CU_ASSERT(got(1600));
	fix_close(&f);
}

/* ---- overlaps and other lies: the datagram of 0..800..1600 dies ---- */

static const struct {
	const char *name;
	uint32_t off, n;
	bool more;
} deadly[] = {
    {"inside the first", 80, 80, true}, {"over the first's end", 792, 16, true},
    {"over everything", 0, 1600, true}, {"a shorter first", 0, 400, true},
    {"a longer first", 0, 808, true},   {"over the last's start", 1592, 16, true},
    {"past the end", 2400, 80, true},   {"an earlier end", 800, 80, false},
    {"a later end", 2400, 80, false},   {"the last with more to come", 1600, 800, true},
};

static void an_overlap_or_a_moving_end_kills_the_datagram(void)
{
	for (int v4 = 0; v4 < 2; v4++)
		for (size_t i = 0; i < ARRAY_LEN(deadly); i++) {
			open_with_data();
			give(v4, 1, 0, 800, true);
			give(v4, 1, 1600, 800, false);

			give(v4, 1, deadly[i].off, deadly[i].n, deadly[i].more);
			if (f.in.what != NET_NOTHING || f.count.frags_overlap != 1 ||
			    frag_bytes(&f.net) != 0)
				FAIL_ROW(deadly[i].name);

			/* And stays dead, although all of it comes again. */
			give(v4, 1, 0, 800, true);
			give(v4, 1, 800, 800, true);
			give(v4, 1, 1600, 800, false);
			if (f.in.what != NET_NOTHING)
				FAIL_ROW(deadly[i].name);
			pkt_free(f.in.pkt);
			fix_until_idle(&f);
			CU_ASSERT_FALSE(fix_take(&f, &out));
			fix_close(&f);
		}
}

static void a_duplicate_with_other_bytes_kills_the_datagram(void)
{
	open_with_data();
	give(true, 1, 0, 800, true);
	data[13] ^= 2; /* the SYN bit, say */
	give(true, 1, 0, 800, true);
	give(true, 1, 800, 800, false);
	CU_ASSERT_EQUAL(f.in.what, NET_NOTHING);
	CU_ASSERT_EQUAL(f.count.frags_overlap, 1);
	fix_close(&f);
}

/* ---- fragments that are refused alone ---- */

static const struct {
	const char *name;
	uint32_t off, n;
	bool more;
} odd[] = {
    {"tiny first", 0, 8, true},
    {"first that cuts the TCP header", 0, 16, true},
    {"inside the TCP header", 8, 80, false},
    {"inside the TCP header, 16", 16, 80, false},
    {"not a multiple of 8", 0, 801, true},
    {"empty", 800, 0, true},
    {"empty last", 800, 0, false},
    {"past 65,535", 65528, 80, false},
};

static void odd_fragments_are_refused(void)
{
	for (int v4 = 0; v4 < 2; v4++)
		for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
			open_with_data();
			give(v4, 1, odd[i].off, odd[i].n, odd[i].more);
			if (f.in.what != NET_NOTHING || frag_bytes(&f.net) != 0 ||
			    frag_deadline(&f.net) != NS_NEVER)
				FAIL_ROW(odd[i].name);
			/* RFC 8200 4.5 wants two of them answered. */
			if (fix_take(&f, &out) != (!v4 && (odd[i].n == 801 || odd[i].off == 65528)))
				FAIL_ROW(odd[i].name);
			fix_close(&f);
		}
}

static void a_first_fragment_holds_the_tcp_options_too(void)
{
	open_with_data();
	data[12] = 15 << 4;
	give(true, 1, 0, 56, true);
	CU_ASSERT_EQUAL(frag_bytes(&f.net), 0);
	give(true, 1, 0, 64, true);
	CU_ASSERT(frag_bytes(&f.net) > 0);
	fix_close(&f);
}

static void a_fragment_of_a_fragment_is_refused(void)
{
	uint8_t inner[64] = {PROTO_TCP, 0, 0, 1}; /* a fragment header with more to come */
	uint8_t b[IP6_FRAG_LEN + 32] = {44};

	open_with_data();
	for (int i = 0; i < 2; i++) {
		wr16(b + 2, (uint16_t)(i * 32 | (i == 0)));
		memcpy(b + 8, inner + i * 32, 32);
		frame_ip(&in, from_peer6(44), b, sizeof(b));
		fix_give(&f, &in);
	}
	CU_ASSERT_EQUAL(f.count.reassembled, 1);
	CU_ASSERT_EQUAL(f.count.ip_bad, 1);
	CU_ASSERT_EQUAL(frag_bytes(&f.net), 0);
	fix_close(&f);
}

/* ---- time ---- */

static void what_stays_incomplete_is_given_up_and_said(void)
{
	for (int v4 = 0; v4 < 2; v4++) {
		ns_t due;

		open_with_data();
		due = f.now + (v4 ? 30 : 60) * SEC;
		give(v4, 1, 0, 800, true);
		give(v4, 2, 800, 800, false); /* without its first: nobody to tell */
		CU_ASSERT_EQUAL(net_deadline(&f.net), due);
		fix_wait(&f, due - 1 - f.now);
		CU_ASSERT_EQUAL(f.count.frags_timeout, 0);

		fix_wait(&f, 1);

		CU_ASSERT_EQUAL(f.count.frags_timeout, 2);
		CU_ASSERT_EQUAL(frag_bytes(&f.net), 0);
		CU_ASSERT_FATAL(fix_see(&f, &out, &s));
		CU_ASSERT_EQUAL(s.icmp.type, v4 ? ICMP4_TIME_EXCEEDED : ICMP6_TIME_EXCEEDED);
		CU_ASSERT_EQUAL(s.icmp.code, 1);
		CU_ASSERT_FALSE(fix_take(&f, &out));
		fix_close(&f);
	}
}

/* ---- floods ---- */

static void a_flood_is_bounded_and_a_whole_datagram_gets_through(void)
{
	open_with_data();
	for (uint32_t i = 0; i < 5000; i++) {
		give(i / 4 % 2, 1000 + i / 4, i % 4 * 800, 800,
		     true); /* four parts, never the last */
		CU_ASSERT_FATAL(frag_bytes(&f.net) <= f.cfg.max_frag_bytes);
		CU_ASSERT_FATAL(f.pool.pkts.used <= 400);
		if (i % 500 == 250) {
			give(true, i, 0, 1480, true);
			give(true, i, 1480, 100, false);
			CU_ASSERT(got(1580));
		}
	}
	CU_ASSERT(f.count.frags_evicted > 1000);
	fix_until_idle(&f);
	CU_ASSERT_EQUAL(frag_bytes(&f.net), 0);
	fix_close(&f);
}

static void a_datagram_of_too_many_parts_dies(void)
{
	open_with_data();
	for (uint32_t i = 0; i < 70; i++)
		give(true, 1, i * 24, 24, true);
	give(true, 1, 70 * 24, 24, false);
	CU_ASSERT_EQUAL(f.in.what, NET_NOTHING);
	CU_ASSERT_EQUAL(f.count.frags_overlap, 1);
	CU_ASSERT_EQUAL(frag_bytes(&f.net), 0);
	fix_close(&f);
}

static void memory_too_small_for_one_is_survived(void)
{
	fix_config(&f);
	f.cfg.max_frag_bytes = 3000;
	fix_start(&f);
	give(true, 1, 0, 800, true);
	give(true, 1, 800, 800, true);
	give(true, 1, 1600, 800, false);
	CU_ASSERT_EQUAL(f.in.what, NET_NOTHING);
	CU_ASSERT(frag_bytes(&f.net) <= 3000);
	fix_close(&f);
}

/* ---- ECN (RFC 3168 5.3) ---- */

static void one_mark_marks_the_datagram(void)
{
	static const struct {
		const char *name;
		uint8_t a, b;
		int want; /* -1: dropped */
	} rows[] = {
	    {"both capable", ECN_ECT0, ECN_ECT0, ECN_ECT0},
	    {"one marked", ECN_ECT0, ECN_CE, ECN_CE},
	    {"marked first", ECN_CE, ECN_ECT0, ECN_CE},
	    {"not capable", 0, 0, 0},
	    {"marked and not capable", 0, ECN_CE, -1},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ip_hdr h = from_peer4(PROTO_TCP);

		open_with_data();
		h.tos = rows[i].a;
		h.more_frags = true;
		frame_ip(&in, h, data, 80);
		fix_give(&f, &in);
		h.tos = rows[i].b;
		h.more_frags = false;
		h.frag_off = 80;
		frame_ip(&in, h, data + 80, 80);
		fix_give(&f, &in);

		if ((f.in.what == NET_TCP) != (rows[i].want >= 0) ||
		    (f.in.what == NET_TCP && (f.in.ip.tos & ECN_MASK) != rows[i].want))
			FAIL_ROW(rows[i].name);
		pkt_free(f.in.what == NET_TCP ? f.in.pkt : NULL);
		fix_close(&f);
	}
}

static const struct test_case cases[] = {
    TEST(fragments_in_every_order_make_the_datagram),
    TEST(the_largest_datagram_is_made),
    TEST(interleaved_datagrams_do_not_mix),
    TEST(an_exact_duplicate_does_no_harm),
    TEST(an_overlap_or_a_moving_end_kills_the_datagram),
    TEST(a_duplicate_with_other_bytes_kills_the_datagram),
    TEST(odd_fragments_are_refused),
    TEST(a_first_fragment_holds_the_tcp_options_too),
    TEST(a_fragment_of_a_fragment_is_refused),
    TEST(what_stays_incomplete_is_given_up_and_said),
    TEST(a_flood_is_bounded_and_a_whole_datagram_gets_through),
    TEST(a_datagram_of_too_many_parts_dies),
    TEST(memory_too_small_for_one_is_survived),
    TEST(one_mark_marks_the_datagram),
};
TEST_SUITE(net_ip_frag, cases);
