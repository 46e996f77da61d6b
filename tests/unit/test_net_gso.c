/* Segmentation: one unit gives the frames that TCP would have made one by one. */
#include "../lib/netfix.h"

#include "../../stack/wire/tcp.h"

static struct netfix f;
static struct frame out;
static struct seen s;

#define SEQ 0xfffffe00u /* wraps inside the unit */
#define MSS 500
#define TOTAL 1234

static uint8_t stream[70000];

/* A unit of n bytes over chunks of odd sizes, flags FIN PSH CWR ACK. */
static void send_unit(bool v4, uint32_t n, uint16_t mss, uint16_t *id)
{
	struct seg g = {.sport = 80,
			.dport = 81,
			.seq = seq_of(SEQ),
			.ack = seq_of(7),
			.flags = TH_FIN | TH_PSH | TH_ACK | TH_CWR,
			.wnd = 1000,
			.opt = {.has_ts = true, .ts_val = 1, .ts_ecr = 2}};
	struct net_dst d = {.src = v4 ? addr_v4(ME4) : ME6,
			    .dst = v4 ? addr_v4(PEER4) : PEER6,
			    .proto = PROTO_TCP,
			    .tos = ECN_ECT0,
			    .dont_frag = true,
			    .ip_id = id};
	struct pkt *p = pkt_new(&f.pool);
	size_t hdr = TCP_LEN + tcp_opts_len(&g, LAYOUT_LINUX);

	for (size_t i = 0; i < sizeof(stream); i++)
		stream[i] = (uint8_t)(i * 31 + (i >> 7));
	tcp_emit(pkt_push(p, (uint32_t)hdr), &g, LAYOUT_LINUX);
	for (uint32_t off = 0; off < n;) {
		uint32_t k = n - off < 15997 ? n - off : 15997;
		struct chunk *c = chunk_new(&f.pool, CHUNK_MEDIUM);

		if (n < 15997 && off == 0 && k > 333)
			k = 333;
		memcpy(c->data + 3, stream + off, k);
		CU_ASSERT_FATAL(pkt_add_slice(p, c, 3, k));
		chunk_unref(&f.pool, c);
		off += k;
	}
	p->csum = CSUM_PARTIAL;
	p->gso_size = mss;
	p->note.lo = 1000;
	p->note.hi = 1000 + n;
	net_send(&f.net, p, &d, f.now);
}

static void open_met(uint32_t tso_max)
{
	fix_config(&f);
	f.cfg.link.tso_max = tso_max;
	fix_start(&f);
	fix_meet(&f, PEER4, &MAC_PEER);
	fix_meet6(&f, &PEER6, &MAC_PEER);
}

static void check_frame(uint32_t i, uint32_t frames, uint32_t off, uint32_t n, uint16_t id)
{
	struct seg g;
	uint16_t want = TH_ACK;

	if (i == 0)
		want |= TH_CWR;
	if (i == frames - 1)
		want |= TH_FIN | TH_PSH;
	CU_ASSERT_FATAL(fix_see(&f, &out, &s));
	CU_ASSERT_FATAL(tcp_parse(s.payload, s.len, &g));
	CU_ASSERT_EQUAL(s.ip.proto, PROTO_TCP);
	CU_ASSERT_EQUAL(s.ip.tos, ECN_ECT0);
	CU_ASSERT_EQUAL(g.hdr_len, 32);
	CU_ASSERT_EQUAL(s.len - g.hdr_len, n);
	CU_ASSERT_EQUAL(g.seq.v, SEQ + off);
	CU_ASSERT_EQUAL(g.ack.v, 7);
	CU_ASSERT_EQUAL(g.flags, want);
	CU_ASSERT(g.opt.has_ts && g.opt.ts_val == 1);
	CU_ASSERT_EQUAL(memcmp(s.payload + g.hdr_len, stream + off, n), 0);
	CU_ASSERT_EQUAL(
	    csum_fold(csum_add(csum_pseudo(&s.ip.src, &s.ip.dst, PROTO_TCP, (uint32_t)s.len),
			       s.payload, s.len)),
	    0xffff);
	if (s.ip.version == 4) {
		CU_ASSERT(s.ip.dont_frag);
		CU_ASSERT_EQUAL(s.ip.id, (uint16_t)(id + i));
	}
}

static const struct {
	const char *name;
	bool v4;
	uint32_t total;
	uint16_t mss;
	uint32_t frames;
} units[] = {
    {"three segments, the last short", true, TOTAL, MSS, 3},
    {"three segments over IPv6", false, TOTAL, MSS, 3},
    {"an exact multiple", true, 1000, MSS, 2},
    {"one byte over", true, 1001, MSS, 3},
    {"exactly one", true, MSS, MSS, 1},
    {"one byte", true, 1, MSS, 1},
    {"the largest unit", true, 65000, 1448, 45},
    {"segments of one byte", true, 40, 1, 40},
};

static void a_unit_becomes_the_frames_that_tcp_would_have_made(void)
{
	for (size_t u = 0; u < ARRAY_LEN(units); u++) {
		uint16_t id = 0xfffe;
		uint32_t off = 0;

		open_met(0);
		send_unit(units[u].v4, units[u].total, units[u].mss, &id);
		CU_ASSERT_EQUAL(f.net.nout, units[u].frames);
		if (units[u].v4)
			CU_ASSERT_EQUAL(id, (uint16_t)(0xfffe + units[u].frames));
		for (uint32_t i = 0; i < units[u].frames; i++) {
			uint32_t left = units[u].total - off;
			uint32_t n = left < units[u].mss ? left : units[u].mss;

			check_frame(i, units[u].frames, off, n, 0xfffe);
			off += n;
		}
		CU_ASSERT_EQUAL(off, units[u].total);
		CU_ASSERT_FALSE(fix_take(&f, &out));
		CU_ASSERT_EQUAL(f.net.nout, 0);
		fix_close(&f);
	}
}

static void each_frame_notes_its_own_bytes(void)
{
	struct pkt *p[3];
	uint16_t id = 0;

	open_met(0);
	send_unit(true, TOTAL, MSS, &id);

	CU_ASSERT_EQUAL_FATAL(net_output(&f.net, f.now, p, 3), 3);
	for (uint32_t i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(p[i]->note.lo, 1000 + i * MSS);
		CU_ASSERT_EQUAL(p[i]->note.hi, i == 2 ? 1000 + TOTAL : 1000 + (i + 1) * MSS);
		CU_ASSERT_EQUAL(p[i]->csum, CSUM_PARTIAL);
		CU_ASSERT_EQUAL(p[i]->gso_size, 0);
		pkt_free(p[i]);
	}
	fix_close(&f);
}

static void a_link_that_segments_gets_the_unit_whole(void)
{
	struct pkt *p;
	uint16_t id = 0;

	open_met(IP4_LEN + 32 + TOTAL);
	send_unit(true, TOTAL, MSS, &id);
	CU_ASSERT_EQUAL_FATAL(net_output(&f.net, f.now, &p, 1), 1);
	CU_ASSERT_EQUAL(p->gso_size, MSS);
	CU_ASSERT_EQUAL(p->gso_segs, 3);
	CU_ASSERT_EQUAL(p->len, ETH_LEN + IP4_LEN + 32 + TOTAL);
	CU_ASSERT_EQUAL(p->l4_off, ETH_LEN + IP4_LEN);
	pkt_free(p);
	CU_ASSERT_EQUAL(f.net.nout, 0);

	send_unit(true, TOTAL + 1, MSS, &id); /* one byte more than it takes */
	CU_ASSERT_EQUAL(fix_drain(&f), 3);
	fix_close(&f);
}

static void want_of_memory_loses_the_rest_and_nothing_else(void)
{
	uint16_t id = 0;

	open_met(0);
	send_unit(true, TOTAL, MSS, &id);
	f.pool.pkts.fail_in = 2;

	CU_ASSERT_EQUAL(fix_drain(&f), 1);
	CU_ASSERT_EQUAL(f.count.no_memory, 1);
	CU_ASSERT_EQUAL(f.net.nout, 0);
	fix_close(&f);
}

static void payload_in_the_head_is_cut_as_well(void)
{
	struct pkt *p;
	uint16_t id = 0;

	open_met(0);
	send_unit(true, 150, 100, &id);
	p = list_entry(list_first(&f.net.out), struct pkt, node);
	CU_ASSERT_FATAL(pkt_unshare(p));
	check_frame(0, 2, 0, 100, 0);
	check_frame(1, 2, 100, 50, 0);
	fix_close(&f);
}

static const struct test_case cases[] = {
    TEST(a_unit_becomes_the_frames_that_tcp_would_have_made),
    TEST(each_frame_notes_its_own_bytes),
    TEST(a_link_that_segments_gets_the_unit_whole),
    TEST(want_of_memory_loses_the_rest_and_nothing_else),
    TEST(payload_in_the_head_is_cut_as_well),
};
TEST_SUITE(net_gso, cases);
