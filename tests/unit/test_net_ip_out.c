/* IP out: next hops, sources, headers, fragments of our own. */
#include "../lib/netfix.h"

#include "../../stack/wire/udp.h"

static struct netfix f;
static struct frame out;
static struct seen s;

static const struct addr far6 = {{0x20, 0x01, 0x0d, 0xb9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

/* ---- routes ---- */

static void open_routes(void)
{
	fix_config(&f);
	f.cfg.addr[3] = (struct stack_addr){addr_v4(0xac100001), 16}; /* 172.16.0.1 */
	f.cfg.naddrs = 4;
	f.cfg.route[2] = (struct stack_route){addr_v4(0xc0000200), 24, addr_v4(0x0a0000fd)};
	f.cfg.route[3] = (struct stack_route){addr_v4(0xc0000280), 25, addr_v4(0xac1000fd)};
	f.cfg.nroutes = 4;
	fix_start(&f);
}

static const struct {
	const char *name;
	uint32_t dst, src, next; /* src 0: no route */
} routes4[] = {
    {"on the link", 0x0a000042, ME4, 0x0a000042},
    {"on the other prefix", 0xac10ffaa, 0xac100001, 0xac10ffaa},
    {"by default", 0x08080808, ME4, ROUTER4},
    {"by prefix", 0xc0000201, ME4, 0x0a0000fd},
    {"by the longer prefix", 0xc0000281, 0xac100001, 0xac1000fd},
    {"ourselves", ME4, 0, 0},
    {"loopback", 0x7f000001, 0, 0},
    {"zero", 0, 0, 0},
    {"this network", 0x00000001, 0, 0},
    {"multicast", 0xe0000001, 0, 0},
    {"reserved", 0xf0000001, 0, 0},
    {"all ones", UINT32_MAX, 0, 0},
    {"subnet broadcast", 0x0a0000ff, 0, 0},
    {"subnet zero", 0x0a000000, 0, 0},
};

static void send_byte(const struct addr *src, const struct addr *dst)
{
	struct net_dst d = {.src = *src, .dst = *dst, .proto = 200};

	net_send(&f.net, pkt_of_bytes(&f.pool, "x", 1), &d, f.now);
}

static void ipv4_goes_the_longest_match(void)
{
	for (size_t i = 0; i < ARRAY_LEN(routes4); i++) {
		struct addr dst = addr_v4(routes4[i].dst), src = {{0}};
		bool there;

		open_routes();
		there = net_route(&f.net, &dst, &src);
		if (there != (routes4[i].src != 0) || (there && addr_to_v4(&src) != routes4[i].src))
			FAIL_ROW(routes4[i].name);
		send_byte(&src, &dst);
		if (f.count.ip_no_route == there)
			FAIL_ROW(routes4[i].name);
		if (there && (!fix_see(&f, &out, &s) || s.arp.tpa != routes4[i].next ||
			      s.arp.spa != routes4[i].src))
			FAIL_ROW(routes4[i].name);
		fix_close(&f);
	}
}

static void ipv6_sources_have_the_scope_of_the_destination(void)
{
	static const struct addr all_nodes = {{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
	static const struct addr loopback = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
	struct addr src;

	fix_open(&f);
	CU_ASSERT(net_route(&f.net, &PEER6_LL, &src) && addr_eq(&src, &ME6_LL));
	CU_ASSERT(net_route(&f.net, &PEER6, &src) && addr_eq(&src, &ME6));
	CU_ASSERT(net_route(&f.net, &far6, &src) && addr_eq(&src, &ME6));
	CU_ASSERT_FALSE(net_route(&f.net, &all_nodes, &src));
	CU_ASSERT_FALSE(net_route(&f.net, &loopback, &src));
	CU_ASSERT_FALSE(net_route(&f.net, &ME6, &src));
	fix_close(&f);
}

static void a_default_route_may_be_written_as_any_address(void)
{
	struct addr dst = addr_v4(FAR4), src;

	fix_config(&f);
	f.cfg.route[0].dst = (struct addr){{0}};
	fix_start(&f);
	CU_ASSERT(net_route(&f.net, &dst, &src));
	fix_close(&f);
}

static void without_a_valid_address_nothing_has_a_route(void)
{
	struct addr dst = addr_v4(PEER4), src;

	fix_config(&f);
	f.cfg.arp_probe = true;
	fix_start(&f);
	CU_ASSERT_FALSE(net_route(&f.net, &dst, &src));
	CU_ASSERT_FALSE(net_route(&f.net, &PEER6, &src));
	fix_wait(&f, 10 * SEC);
	CU_ASSERT(net_route(&f.net, &dst, &src));
	CU_ASSERT(net_route(&f.net, &PEER6, &src));
	fix_close(&f);
}

/* ---- headers ---- */

static void a_header_says_what_was_asked(void)
{
	uint16_t id = 0xffff;
	struct net_dst d = {.src = addr_v4(ME4),
			    .dst = addr_v4(PEER4),
			    .proto = PROTO_TCP,
			    .tos = 0xb9,
			    .ttl = 9,
			    .dont_frag = true,
			    .ip_id = &id};

	fix_open(&f);
	fix_meet(&f, PEER4, &MAC_PEER);
	for (int i = 0; i < 2; i++) {
		net_send(&f.net, pkt_of_bytes(&f.pool, "12345678901234567890", 20), &d, f.now);
		CU_ASSERT_FATAL(fix_see(&f, &out, &s));
		CU_ASSERT_EQUAL(s.ip.id, i == 0 ? 0xffff : 0);
		CU_ASSERT_EQUAL(s.ip.tos, 0xb9);
		CU_ASSERT_EQUAL(s.ip.ttl, 9);
		CU_ASSERT(s.ip.dont_frag);
		CU_ASSERT_EQUAL(s.len, 20);
	}
	CU_ASSERT_EQUAL(id, 1);
	fix_close(&f);
}

static void an_ipv6_header_says_what_was_asked(void)
{
	struct net_dst d = {
	    .src = ME6, .dst = PEER6, .proto = PROTO_TCP, .tos = 0xb9, .flow_label = 0xabcde};

	fix_open(&f);
	fix_meet6(&f, &PEER6, &MAC_PEER);
	net_send(&f.net, pkt_of_bytes(&f.pool, "12345678901234567890", 20), &d, f.now);
	CU_ASSERT_FATAL(fix_see(&f, &out, &s));
	CU_ASSERT_EQUAL(s.ip.tos, 0xb9);
	CU_ASSERT_EQUAL(s.ip.ttl, 64);
	CU_ASSERT_EQUAL(s.ip.flow_label, 0xabcde);
	fix_close(&f);
}

static void drawn_identifications_do_not_count(void)
{
	struct addr src = addr_v4(ME4), dst = addr_v4(PEER4);
	uint32_t last = 0, steps_of_one = 0;

	fix_open(&f);
	fix_meet(&f, PEER4, &MAC_PEER);
	for (int i = 0; i < 200; i++) {
		send_byte(&src, &dst);
		CU_ASSERT_FATAL(fix_see(&f, &out, &s));
		steps_of_one += s.ip.id == ((last + 1) & 0xffff);
		last = s.ip.id;
	}
	CU_ASSERT(steps_of_one < 3);
	fix_close(&f);
}

/* ---- fragments of our own ---- */

static uint8_t datagram[5000];

/* A UDP datagram of n bytes with its checksum still due. */
static void send_datagram(bool v4, size_t n, bool dont_frag)
{
	struct net_dst d = {.src = v4 ? addr_v4(ME4) : ME6,
			    .dst = v4 ? addr_v4(PEER4) : PEER6,
			    .proto = PROTO_UDP,
			    .dont_frag = dont_frag};
	struct chunk *c;
	struct pkt *p;

	for (size_t i = 0; i < n; i++)
		datagram[i] = (uint8_t)(i * 5 + (i >> 8));
	wr16(datagram + 4, (uint16_t)n);
	p = pkt_of_bytes(&f.pool, datagram, UDP_LEN);
	c = chunk_for(&f.pool, n - UDP_LEN);
	CU_ASSERT_FATAL(p && c);
	memcpy(c->data, datagram + UDP_LEN, n - UDP_LEN);
	pkt_add_slice(p, c, 0, (uint32_t)n - UDP_LEN);
	chunk_unref(&f.pool, c);
	p->csum = CSUM_PARTIAL;
	net_send(&f.net, p, &d, f.now);
}

static const struct {
	const char *name;
	bool v4;
	size_t n;
	size_t frames;
} sizes[] = {
    {"fits exactly", true, 1480, 1},          {"one byte over", true, 1481, 2},
    {"two and a bit", true, 3000, 3},         {"fits exactly (IPv6)", false, 1460, 1},
    {"one byte over (IPv6)", false, 1461, 2}, {"three and a bit (IPv6)", false, 5000, 4},
};

static void what_is_too_large_goes_in_fragments_with_its_sum_made(void)
{
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		static uint8_t whole[5000];
		bool v4 = sizes[i].v4;
		uint32_t got = 0, id = 0;

		fix_open(&f);
		fix_meet(&f, PEER4, &MAC_PEER);
		fix_meet6(&f, &PEER6, &MAC_PEER);
		send_datagram(v4, sizes[i].n, false);
		for (size_t k = 0; k < sizes[i].frames; k++) {
			CU_ASSERT_FATAL(fix_see(&f, &out, &s));
			if (out.n > ETH_LEN + 1500 || s.ip.frag_off != got ||
			    s.ip.more_frags != (k + 1 < sizes[i].frames) ||
			    (k > 0 && s.ip.id != id))
				FAIL_ROW(sizes[i].name);
			id = s.ip.id;
			memcpy(whole + got, s.payload, s.len);
			got += (uint32_t)s.len;
		}
		CU_ASSERT_EQUAL(got, sizes[i].n);
		CU_ASSERT_EQUAL(memcmp(whole + UDP_LEN, datagram + UDP_LEN, got - UDP_LEN), 0);
		CU_ASSERT_EQUAL(
		    csum_fold(csum_add(
			csum_pseudo(v4 ? &s.ip.src : &ME6, &s.ip.dst, PROTO_UDP, got), whole, got)),
		    0xffff);
		CU_ASSERT_FALSE(fix_take(&f, &out));
		CU_ASSERT_EQUAL(f.count.frags_out, sizes[i].frames > 1 ? sizes[i].frames : 0);
		fix_close(&f);
	}
}

static void what_must_not_be_fragmented_is_dropped(void)
{
	fix_open(&f);
	fix_meet(&f, PEER4, &MAC_PEER);
	send_datagram(true, 1481, true);
	CU_ASSERT_FALSE(fix_take(&f, &out));
	CU_ASSERT_EQUAL(f.count.ip_no_route, 1);
	fix_close(&f);
}

static void want_of_memory_in_fragments_leaks_nothing(void)
{
	fix_open(&f);
	fix_meet(&f, PEER4, &MAC_PEER);
	f.pool.pkts.fail_in = 3; /* the datagram itself, then one fragment */
	send_datagram(true, 3000, false);
	CU_ASSERT_EQUAL(fix_drain(&f), 1);
	CU_ASSERT_EQUAL(f.count.no_memory, 1);
	fix_close(&f);
}

static const struct test_case cases[] = {
    TEST(ipv4_goes_the_longest_match),
    TEST(ipv6_sources_have_the_scope_of_the_destination),
    TEST(a_default_route_may_be_written_as_any_address),
    TEST(without_a_valid_address_nothing_has_a_route),
    TEST(a_header_says_what_was_asked),
    TEST(an_ipv6_header_says_what_was_asked),
    TEST(drawn_identifications_do_not_count),
    TEST(what_is_too_large_goes_in_fragments_with_its_sum_made),
    TEST(what_must_not_be_fragmented_is_dropped),
    TEST(want_of_memory_in_fragments_leaks_nothing),
};
TEST_SUITE(net_ip_out, cases);
