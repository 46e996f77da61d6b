/* The whole of net/: its queue, its deadlines, and what noise does to it. */
#include "../lib/netfix.h"

static struct netfix f;
static struct frame in;

/* ---- the queue ---- */

static void send_byte(uint32_t peer)
{
	struct net_dst d = {.src = addr_v4(ME4), .dst = addr_v4(peer), .proto = 200};

	net_send(&f.net, pkt_of_bytes(&f.pool, "x", 1), &d, f.now);
}

static void the_queue_is_full_after_a_devices_worth(void)
{
	fix_open(&f);
	fix_meet(&f, PEER4, &MAC_PEER);
	for (int i = 0; i < 512; i++)
		send_byte(PEER4);
	CU_ASSERT_FALSE(net_queue_full(&f.net));
	send_byte(PEER4);
	CU_ASSERT(net_queue_full(&f.net));
	CU_ASSERT_EQUAL(fix_drain(&f), 513);
	CU_ASSERT_FALSE(net_queue_full(&f.net));
	fix_close(&f);
}

static void answers_to_a_flood_that_nobody_drains_are_bounded(void)
{
	fix_open(&f);
	fix_meet(&f, PEER4, &MAC_PEER);
	for (int i = 0; i < 6000; i++) {
		struct arp_msg m = {ARP_REQUEST, MAC_PEER, {{0}}, PEER4, ME4};

		frame_of_arp(&in, &MAC_ALL, &m);
		fix_give(&f, &in);
	}
	CU_ASSERT_EQUAL(f.count.no_memory, 6000 - 4096);
	CU_ASSERT_EQUAL(fix_drain(&f), 4096);
	fix_close(&f);
}

static void output_gives_no_more_than_asked(void)
{
	struct pkt *p[8];

	fix_open(&f);
	fix_meet(&f, PEER4, &MAC_PEER);
	for (int i = 0; i < 10; i++)
		send_byte(PEER4);
	CU_ASSERT_EQUAL_FATAL(net_output(&f.net, f.now, p, 8), 8);
	for (int i = 0; i < 8; i++)
		pkt_free(p[i]);
	CU_ASSERT_EQUAL_FATAL(net_output(&f.net, f.now, p, 8), 2);
	pkt_free(p[0]);
	pkt_free(p[1]);
	CU_ASSERT_EQUAL(net_output(&f.net, f.now, p, 0), 0);
	fix_close(&f);
}

static void a_stack_that_is_freed_gives_back_what_waited(void)
{
	fix_open(&f);
	fix_meet(&f, PEER4, &MAC_PEER);
	send_byte(PEER4);     /* in the queue */
	send_byte(PEER4 + 1); /* for an answer */
	CU_ASSERT(f.pool.pkts.used >= 2);
	net_free(&f.net);
	CU_ASSERT_EQUAL(f.pool.pkts.used, 0);
	fix_start(&f);
	fix_close(&f);
}

static void an_empty_pool_is_survived(void)
{
	struct arp_msg m = {ARP_REQUEST, MAC_PEER, {{0}}, PEER4, ME4};

	fix_open(&f);
	frame_of_arp(&in, &MAC_ALL, &m);
	f.pool.pkts.fail_in = 2; /* the frame itself, then the answer */
	fix_give(&f, &in);
	CU_ASSERT_EQUAL(f.count.no_memory, 1);

	frame_icmp(&in, from_peer4(PROTO_ICMP), ICMP4_ECHO, 0, 1, "x", 1);
	f.pool.pkts.fail_in = 2;
	fix_give(&f, &in);
	CU_ASSERT_EQUAL(f.count.no_memory, 2);
	CU_ASSERT_EQUAL(fix_drain(&f), 0);
	fix_close(&f);
}

/* ---- noise ---- */

/* One frame of each kind that we understand; noise is these with bytes changed, cut or doubled. */
static void seed_arp(void)
{
	struct arp_msg m = {ARP_REQUEST, MAC_PEER, {{0}}, PEER4, ME4};

	frame_of_arp(&in, &MAC_ALL, &m);
}

static void seed_echo(void)
{
	frame_icmp(&in, from_peer4(PROTO_ICMP), ICMP4_ECHO, 0, 1, "0123456789", 10);
}

static void seed_echo6(void)
{
	frame_icmp(&in, from_peer6(PROTO_ICMP6), ICMP6_ECHO, 0, 1, "0123456789", 10);
}

static void seed_tcp(void)
{
	uint8_t seg[40] = {0, 80, 0, 81, 1, 2, 3, 4, 5, 6, 7, 8, 0x50, 0x10};

	frame_ip(&in, from_peer4(PROTO_TCP), seg, sizeof(seg));
}

static void seed_udp6(void)
{
	uint8_t dgram[30] = {0, 80, 0, 81, 0, 30};

	frame_ip(&in, from_peer6(PROTO_UDP), dgram, sizeof(dgram));
}

static void seed_unreachable(void)
{
	uint8_t quote[48] = {0x45, 0, 0, 48, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2};

	frame_icmp(&in, from_peer4(PROTO_ICMP), ICMP4_UNREACH, 4, 1400, quote, sizeof(quote));
}

static void seed_fragment(void)
{
	struct ip_hdr h = from_peer4(PROTO_ICMP);
	uint8_t bytes[64] = {8};

	h.id = rng_below(&f.net.rng, 4);
	h.frag_off = (uint16_t)(rng_below(&f.net.rng, 6) * 32);
	h.more_frags = rng_below(&f.net.rng, 3) > 0;
	frame_ip(&in, h, bytes, 32 + rng_below(&f.net.rng, 3) * 8);
}

static void seed_fragment6(void)
{
	uint8_t bytes[64] = {PROTO_ICMP6, 0, 0, 0, 0, 0, 0, 1, 128};

	wr16(bytes + 2, (uint16_t)(rng_below(&f.net.rng, 6) * 32 | rng_below(&f.net.rng, 2)));
	frame_ip(&in, from_peer6(44), bytes, 40);
}

static void seed_options6(void)
{
	uint8_t bytes[48] = {60, 0, 1, 4,  0, 0, 0, 0, 43, 0, 0x1e, 4,  0,
			     0,  0, 0, 58, 0, 9, 0, 0, 0,  0, 0,    128};

	frame_ip(&in, from_peer6(0), bytes, sizeof(bytes));
}

static void seed_solicitation(void)
{
	struct ip_hdr h = from_peer6(PROTO_ICMP6);
	uint8_t body[24];

	memcpy(body, &ME6, 16);
	body[16] = body[17] = 1;
	memcpy(body + 18, &MAC_PEER, 6);
	h.ttl = 255;
	frame_icmp(&in, h, rng_below(&f.net.rng, 2) ? ICMP6_NS : ICMP6_NA, 0, 0, body, 24);
}

static void seed_router(void)
{
	struct ip_hdr h = from_peer6(PROTO_ICMP6);
	uint8_t body[56] = {[8] = 3, 4, 64,          0xc0, 0,        0, 1,        0, 0,
			    0,       1, [24] = 0x20, 1,    [40] = 5, 1, [48] = 1, 1, 2};

	h.src = ROUTER6;
	h.ttl = 255;
	frame_icmp(&in, h, ICMP6_RA, 0, 64u << 24 | 60, body, sizeof(body));
}

static void (*const seeds[])(void) = {
    seed_arp,      seed_echo,      seed_echo6,    seed_tcp,          seed_udp6,   seed_unreachable,
    seed_fragment, seed_fragment6, seed_options6, seed_solicitation, seed_router,
};

static void mutate(struct rng *r)
{
	uint32_t changes = rng_below(r, 4), extra;

	for (uint32_t i = 0; i < changes && in.n; i++) {
		/* Mostly behind the addresses of Ethernet, or little would get further. */
		uint32_t from = in.n > ETH_LEN && rng_below(r, 8) ? 12 : 0;
		uint32_t at = from + rng_below(r, (uint32_t)in.n - from);

		in.b[at] = rng_below(r, 2) ? (uint8_t)rng_u32(r)
					   : (uint8_t)(in.b[at] ^ 1u << rng_below(r, 8));
	}
	if (rng_below(r, 4) == 0)
		in.n = rng_below(r, (uint32_t)in.n + 1);
	extra = rng_below(r, 8) == 0 ? rng_below(r, 100) : 0;
	for (uint32_t i = 0; i < extra; i++)
		in.b[in.n++] = (uint8_t)rng_u32(r);
}

/* Makes the header's and ICMP's checksums right again, so that the lie behind them is met. */
static void mend(void)
{
	uint8_t *ip = in.b + ETH_LEN;
	uint32_t hdr, len;

	if (in.n < ETH_LEN + IP4_LEN || rd16(in.b + 12) != ETH_IP4)
		return;
	hdr = (ip[0] & 15u) * 4;
	len = rd16(ip + 2);
	if (hdr < IP4_LEN || ETH_LEN + hdr > in.n)
		return;
	wr16(ip + 10, 0);
	wr16(ip + 10, (uint16_t)~csum_fold(csum_add(0, ip, hdr)));
	if (ip[9] != PROTO_ICMP || len < hdr + ICMP_LEN || ETH_LEN + len > in.n)
		return;
	wr16(ip + hdr + 2, 0);
	wr16(ip + hdr + 2, (uint16_t)~csum_fold(csum_add(0, ip + hdr, len - hdr)));
}

static void mend6(void)
{
	uint8_t *ip = in.b + ETH_LEN;
	struct ip_hdr h = {.version = 6};
	uint32_t problem, off;
	uint8_t code;

	if (in.n < ETH_LEN + IP6_LEN || rd16(in.b + 12) != ETH_IP6 ||
	    ip6_parse(ip, in.n - ETH_LEN, &h, &problem, &code) != IP_OK || h.frag)
		return;
	off = ETH_LEN + h.hdr_len;
	if (h.proto != PROTO_ICMP6 || h.payload_len < ICMP_LEN)
		return;
	in.n = off + h.payload_len;
	frame_icmp_sum(&in, &h, h.payload_len);
}

static void noise(struct rng *r)
{
	seeds[rng_below(r, ARRAY_LEN(seeds))]();
	mutate(r);
	if (rng_below(r, 4)) {
		mend();
		mend6();
	}
	if (rng_below(r, 50) == 0) { /* and frames of nothing but chance */
		in.n = rng_below(r, 200);
		for (size_t i = 0; i < in.n; i++)
			in.b[i] = (uint8_t)rng_u32(r);
	}
}

/* All that is held after n frames of noise, with time passing now and then. */
static void make_noise(uint64_t seed, uint32_t n, uint64_t *out_hash)
{
	const struct siphash_key key = {1, 2};
	static struct frame frame;
	struct rng r;

	fix_config(&f);
	f.cfg.ip6_auto = true;
	f.cfg.arp_probe = seed % 2;
	fix_start(&f);
	rng_init(&r, seed, "noise");
	*out_hash = 0;
	for (uint32_t i = 0; i < n; i++) {
		noise(&r);
		fix_give(&f, &in);
		if (f.in.what == NET_TCP)
			pkt_free(f.in.pkt);
		while (fix_take(&f, &frame))
			*out_hash = *out_hash * 31 + siphash(&key, frame.b, frame.n);
		if (rng_below(&r, 20) == 0)
			fix_wait(&f, rng_below(&r, 2000) * MS);
		CU_ASSERT_FATAL(frag_bytes(&f.net) <= f.cfg.max_frag_bytes);
		CU_ASSERT_FATAL(neigh_count(&f.net) <= 16);
		CU_ASSERT_FATAL(f.pool.pkts.used <= 500);
	}
}

static void after_noise_nothing_is_left_and_echo_is_answered(void)
{
	static struct frame frame;
	struct seen s;
	uint64_t hash;

	for (uint64_t seed = 1; seed <= 4; seed++) {
		make_noise(seed, 50000, &hash);
		fix_wait(&f, 100 * SEC);
		fix_drain(&f);
		fix_meet(&f, PEER4, &MAC_PEER);
		seed_echo();
		fix_give(&f, &in);
		CU_ASSERT(fix_take(&f, &frame) && frame_see(&frame, &s));
		CU_ASSERT_EQUAL(frag_bytes(&f.net), 0);
		CU_ASSERT(f.count.ip_bad && f.count.icmp_bad && f.count.arp_bad &&
			  f.count.frags_overlap && f.count.reassembled && f.count.ip_martian &&
			  f.count.ip_options_dropped && f.count.icmp_out && f.count.udp_in);
		fix_close(&f);
	}
}

static void the_same_noise_gets_the_same_answers(void)
{
	uint64_t first, second;

	make_noise(9, 3000, &first);
	fix_close(&f);
	make_noise(9, 3000, &second);
	fix_close(&f);
	CU_ASSERT_NOT_EQUAL(first, 0);
	CU_ASSERT_EQUAL(first, second);
}

static const struct test_case cases[] = {
    TEST(the_queue_is_full_after_a_devices_worth),
    TEST(answers_to_a_flood_that_nobody_drains_are_bounded),
    TEST(output_gives_no_more_than_asked),
    TEST(a_stack_that_is_freed_gives_back_what_waited),
    TEST(an_empty_pool_is_survived),
    TEST(after_noise_nothing_is_left_and_echo_is_answered),
    TEST(the_same_noise_gets_the_same_answers),
};
TEST_SUITE(net, cases);
