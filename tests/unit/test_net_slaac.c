/* What routers may tell us, and what they may not. */
#include "../lib/netfix.h"

static struct netfix f;
static struct frame in, out;
static struct seen s;

static const struct addr all_nodes = {{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
static const struct addr prefix_a = {{0x20, 1, 0xd, 0xb8, 0xa}},
			 prefix_b = {{0x20, 1, 0xd, 0xb8, 0xb}};
static const struct addr router2 = {{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfd}};
static const struct mac all_nodes_mac = {{0x33, 0x33, 0, 0, 0, 1}};

#define L 0x80
#define A 0x40
#define HOUR 3600u
#define FOREVER UINT32_MAX

/* ---- a router's message ---- */

struct ra {
	uint8_t body[400];
	size_t n;
	uint32_t rest; /* hop limit, flags, lifetime */
	struct addr src;
	uint8_t ttl, code;
};

static struct ra ra_of(uint8_t hops, uint16_t lifetime)
{
	return (struct ra){
	    .n = 8, .rest = (uint32_t)hops << 24 | lifetime, .src = ROUTER6, .ttl = 255};
}

static void add_prefix(struct ra *r, const struct addr *prefix, uint8_t bits, uint8_t flags,
		       uint32_t valid, uint32_t preferred)
{
	uint8_t *o = r->body + r->n;

	o[0] = 3;
	o[1] = 4;
	o[2] = bits;
	o[3] = flags;
	wr32(o + 4, valid);
	wr32(o + 8, preferred);
	memcpy(o + 16, prefix, 16);
	r->n += 32;
}

static void add_mtu(struct ra *r, uint32_t mtu)
{
	uint8_t *o = r->body + r->n;

	o[0] = 5;
	o[1] = 1;
	wr32(o + 4, mtu);
	r->n += 8;
}

static void add_mac(struct ra *r, const struct mac *mac)
{
	uint8_t *o = r->body + r->n;

	o[0] = 1;
	o[1] = 1;
	memcpy(o + 2, mac, 6);
	r->n += 8;
}

static void give(const struct ra *r)
{
	struct ip_hdr h = from_peer6(PROTO_ICMP6);

	h.src = r->src;
	h.dst = all_nodes;
	h.ttl = r->ttl;
	frame_icmp(&in, h, ICMP6_RA, r->code, r->rest, r->body, r->n);
	eth_emit(in.b, &all_nodes_mac, &MAC_ROUTER, ETH_IP6);
	fix_give(&f, &in);
}

static void give_prefix(const struct addr *prefix, uint8_t flags, uint32_t valid)
{
	struct ra r = ra_of(64, 1800);

	add_prefix(&r, prefix, 64, flags, valid, valid);
	give(&r);
}

static void open_auto(bool probe)
{
	fix_config(&f);
	f.cfg.ip6_auto = true;
	f.cfg.arp_probe = probe;
	f.cfg.naddrs = f.cfg.nroutes = 0;
	fix_start(&f);
}

static struct net_addr *under(const struct addr *prefix)
{
	for (int i = 0; i < f.net.naddrs; i++)
		if (net_prefix_eq(&f.net.addr[i].addr, prefix, 64))
			return &f.net.addr[i];
	return NULL;
}

/* ---- ourselves ---- */

static void a_host_makes_its_link_local_address_and_asks_three_times(void)
{
	static const struct addr all_routers = {
	    {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}};
	ns_t first;

	open_auto(false);
	CU_ASSERT_EQUAL_FATAL(f.net.naddrs, 1);
	CU_ASSERT(addr_is_link_local(&f.net.addr[0].addr));
	first = net_deadline(&f.net);
	CU_ASSERT(first >= f.now && first < f.now + SEC);
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(net_deadline(&f.net), first + i * 4 * SEC);
		fix_wait(&f, net_deadline(&f.net) - f.now);
		CU_ASSERT_FATAL(fix_see(&f, &out, &s));
		CU_ASSERT_EQUAL(s.icmp.type, ICMP6_RS);
		CU_ASSERT_EQUAL(s.ip.ttl, 255);
		CU_ASSERT(addr_eq(&s.ip.dst, &all_routers));
		CU_ASSERT(addr_eq(&s.ip.src, &f.net.addr[0].addr));
		CU_ASSERT_EQUAL(s.icmp.body_len, 8);
	}
	CU_ASSERT_EQUAL(net_deadline(&f.net), NS_NEVER);
	fix_close(&f);
}

static void the_identifier_differs_by_prefix_and_secret_and_hides_the_mac(void)
{
	struct addr a, b;

	open_auto(false);
	give_prefix(&prefix_a, L | A, HOUR);
	give_prefix(&prefix_b, L | A, HOUR);
	CU_ASSERT_FATAL(under(&prefix_a) && under(&prefix_b));
	a = under(&prefix_a)->addr;
	b = under(&prefix_b)->addr;
	CU_ASSERT_NOT_EQUAL(memcmp(a.b + 8, b.b + 8, 8), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(a.b + 13, MAC_ME.b + 3, 3), 0);
	fix_close(&f);

	open_auto(false);
	give_prefix(&prefix_a, L | A, HOUR);
	CU_ASSERT(addr_eq(&a, &under(&prefix_a)->addr)); /* stable */
	fix_close(&f);

	fix_config(&f);
	f.cfg.ip6_auto = true;
	f.cfg.seed = 2;
	fix_start(&f);
	give_prefix(&prefix_a, L | A, HOUR);
	CU_ASSERT_FALSE(addr_eq(&a, &under(&prefix_a)->addr));
	fix_close(&f);
}

static void a_duplicate_gets_another_identifier_three_times(void)
{
	struct addr seen[4];

	open_auto(true);
	for (int i = 0; i < 4; i++) {
		struct net_addr *a = &f.net.addr[0];

		seen[i] = a->addr;
		CU_ASSERT_EQUAL(a->state, ADDR_TENTATIVE);
		for (int k = 0; k < i; k++)
			CU_ASSERT_FALSE(addr_eq(&seen[k], &seen[i]));
		slaac_duplicate(&f.net, a, f.now);
	}
	CU_ASSERT_EQUAL(f.net.addr[0].state, ADDR_DUPLICATE);
	fix_close(&f);

	open_auto(true);
	slaac_duplicate(&f.net, &f.net.addr[0], f.now);
	fix_wait(&f, 3 * SEC);
	CU_ASSERT_EQUAL(f.net.addr[0].state, ADDR_VALID);
	fix_close(&f);
}

/* ---- routers ---- */

static void a_router_becomes_the_default_route_and_ceases(void)
{
	struct addr src, far = {{0x20, 1, 0xd, 0xb9}};
	struct ra r = ra_of(64, 100);
	struct mac mac;

	open_auto(false);
	CU_ASSERT_FALSE(net_route(&f.net, &far, &src));
	add_mac(&r, &MAC_ROUTER);
	add_prefix(&r, &prefix_a, 64, L | A, HOUR, HOUR);
	give(&r);
	CU_ASSERT(net_route(&f.net, &far, &src));
	CU_ASSERT(net_prefix_eq(&src, &prefix_a, 64));
	CU_ASSERT(neigh_find(&f.net, &ROUTER6, &mac) && mac_eq(&mac, &MAC_ROUTER));
	CU_ASSERT_EQUAL(net_deadline(&f.net), f.now + 100 * SEC); /* no more solicitations */

	fix_wait(&f, 100 * SEC);
	CU_ASSERT_FALSE(net_route(&f.net, &far, &src));

	give(&r);
	CU_ASSERT(net_route(&f.net, &far, &src));
	r.rest = 64u << 24; /* lifetime 0 */
	give(&r);
	CU_ASSERT_FALSE(net_route(&f.net, &far, &src));
	fix_close(&f);
}

static void routers_beyond_the_table_are_ignored(void)
{
	struct ra r = ra_of(64, 1800);

	open_auto(false);
	for (int i = 0; i < 20; i++) {
		r.src.b[15] = (uint8_t)(i + 1);
		give(&r);
	}
	CU_ASSERT_EQUAL(f.net.nrouters, NET_ROUTERS);
	r.src.b[15] = 1;
	r.rest = 0;
	give(&r);
	CU_ASSERT_EQUAL(f.net.nrouters, 1);
	r.src = router2;
	r.rest = 1800;
	give(&r);
	CU_ASSERT_EQUAL(f.net.nrouters, 2);
	fix_close(&f);
}

/* ---- prefixes ---- */

static const struct {
	const char *name;
	struct addr prefix;
	uint8_t bits, flags;
	uint32_t valid, preferred;
	bool taken;
} prefixes[] = {
    {"ordinary", {{0x20, 1, 0xd, 0xb8, 0xa}}, 64, L | A, HOUR, HOUR, true},
    {"for ever", {{0x20, 1, 0xd, 0xb8, 0xa}}, 64, L | A, FOREVER, FOREVER, true},
    {"not on the link", {{0x20, 1, 0xd, 0xb8, 0xa}}, 64, A, HOUR, 0, true},
    {"not for addresses", {{0x20, 1, 0xd, 0xb8, 0xa}}, 64, L, HOUR, HOUR, false},
    {"48 bits", {{0x20, 1, 0xd, 0xb8, 0xa}}, 48, L | A, HOUR, HOUR, false},
    {"200 bits", {{0x20, 1, 0xd, 0xb8, 0xa}}, 200, L | A, HOUR, HOUR, false},
    {"already over", {{0x20, 1, 0xd, 0xb8, 0xa}}, 64, L | A, 0, 0, false},
    {"preferred past valid", {{0x20, 1, 0xd, 0xb8, 0xa}}, 64, L | A, HOUR, HOUR + 1, false},
    {"link-local", {{0xfe, 0x80}}, 64, L | A, HOUR, HOUR, false},
    {"multicast", {{0xff, 0x0e}}, 64, L | A, HOUR, HOUR, false},
};

static void a_prefix_gives_an_address_if_it_is_in_order(void)
{
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		struct ra r = ra_of(64, 0);

		open_auto(false);
		add_prefix(&r, &prefixes[i].prefix, prefixes[i].bits, prefixes[i].flags,
			   prefixes[i].valid, prefixes[i].preferred);
		give(&r);
		if ((f.net.naddrs == 2) != prefixes[i].taken)
			FAIL_ROW(prefixes[i].name);
		if (f.net.naddrs == 2 && f.net.addr[1].prefix != (prefixes[i].flags & L ? 64 : 128))
			FAIL_ROW(prefixes[i].name);
		fix_close(&f);
	}
}

static void an_address_ends_with_its_lifetime(void)
{
	open_auto(false);
	give_prefix(&prefix_a, L | A, HOUR);
	fix_wait(&f, HOUR * SEC - 1);
	CU_ASSERT(under(&prefix_a) != NULL);
	fix_wait(&f, 1);
	CU_ASSERT(under(&prefix_a) == NULL);
	CU_ASSERT_EQUAL(f.net.naddrs, 1);
	fix_close(&f);
}

/* RFC 4862 5.5.3 (e): what remains, what is said, what remains then (hours). */
static void a_short_lifetime_cannot_take_an_address_away(void)
{
	static const struct {
		const char *name;
		uint32_t had, said, then;
	} rows[] = {
	    {"longer", 5, 9, 9},
	    {"shorter but over two hours", 9, 3, 3},
	    {"under two hours", 9, 1, 2},
	    {"none", 9, 0, 2},
	    {"under what remains of an hour", 1, 0, 1},
	    {"more than remains", 1, 2, 2},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		open_auto(false);
		give_prefix(&prefix_a, L | A, rows[i].had * HOUR);
		give_prefix(&prefix_a, L | A, rows[i].said * HOUR);
		CU_ASSERT_EQUAL(f.net.naddrs, 2);
		if (under(&prefix_a)->valid_until != f.now + rows[i].then * HOUR * SEC)
			FAIL_ROW(rows[i].name);
		fix_close(&f);
	}
}

static void prefixes_beyond_the_table_are_ignored(void)
{
	struct addr prefix = prefix_a;

	open_auto(false);
	for (int i = 0; i < 100; i++) {
		prefix.b[6] = (uint8_t)i;
		give_prefix(&prefix, L | A, HOUR);
	}
	CU_ASSERT_EQUAL(f.net.naddrs, STACK_ADDRS);
	fix_close(&f);
}

/* ---- parameters ---- */

static void mtu_and_hop_limit_are_taken_within_reason(void)
{
	static const struct {
		uint32_t mtu;
		uint16_t want;
	} mtus[] = {{1400, 1400}, {1280, 1280}, {1500, 1500}, {1279, 1500},
		    {68, 1500},   {0, 1500},    {9000, 1500}, {UINT32_MAX, 1500}};
	struct addr v4 = addr_v4(FAR4);

	for (size_t i = 0; i < ARRAY_LEN(mtus); i++) {
		struct ra r = ra_of(0, 0);

		open_auto(false);
		add_mtu(&r, mtus[i].mtu);
		give(&r);
		CU_ASSERT_EQUAL(net_mtu(&f.net, &PEER6), mtus[i].want);
		CU_ASSERT_EQUAL(net_mtu(&f.net, &v4), 1500);
		CU_ASSERT_EQUAL(f.net.hop_limit, 64);
		r.rest = 1u << 24;
		give(&r);
		CU_ASSERT_EQUAL(f.net.hop_limit, 64);
		r.rest = 255u << 24;
		give(&r);
		CU_ASSERT_EQUAL(f.net.hop_limit, 255);
		fix_close(&f);
	}
}

static const struct {
	const char *name;
	uint8_t ttl, code, src0; /* src0: first byte of the source */
	size_t cut;
	uint8_t option_len;
} refused[] = {
    {"routed", 254, 0, 0xfe, 0, 4},
    {"with a code", 255, 1, 0xfe, 0, 4},
    {"from a global address", 255, 0, 0x20, 0, 4},
    {"cut", 255, 0, 0xfe, 33, 4},
    {"cut option", 255, 0, 0xfe, 1, 4},
    {"option length 0", 255, 0, 0xfe, 0, 0},
    {"option past the end", 255, 0, 0xfe, 0, 5},
};

static void an_advertisement_out_of_order_is_ignored_whole(void)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct ra r = ra_of(255, 1800);

		open_auto(false);
		add_prefix(&r, &prefix_a, 64, L | A, HOUR, HOUR);
		r.body[9] = refused[i].option_len;
		r.n -= refused[i].cut;
		r.ttl = refused[i].ttl;
		r.code = refused[i].code;
		r.src.b[0] = refused[i].src0;
		give(&r);
		if (f.net.naddrs != 1 || f.net.nrouters != 0 || f.net.hop_limit != 64 ||
		    f.count.icmp_bad != 1)
			FAIL_ROW(refused[i].name);
		fix_close(&f);
	}
}

static void without_auto_configuration_routers_are_not_heard(void)
{
	fix_open(&f);
	give_prefix(&prefix_a, L | A, HOUR);
	CU_ASSERT_EQUAL(f.net.naddrs, 3);
	CU_ASSERT_EQUAL(f.net.nrouters, 0);
	CU_ASSERT_EQUAL(neigh_count(&f.net), 0);
	fix_close(&f);
}

static const struct test_case cases[] = {
    TEST(a_host_makes_its_link_local_address_and_asks_three_times),
    TEST(the_identifier_differs_by_prefix_and_secret_and_hides_the_mac),
    TEST(a_duplicate_gets_another_identifier_three_times),
    TEST(a_router_becomes_the_default_route_and_ceases),
    TEST(routers_beyond_the_table_are_ignored),
    TEST(a_prefix_gives_an_address_if_it_is_in_order),
    TEST(an_address_ends_with_its_lifetime),
    TEST(a_short_lifetime_cannot_take_an_address_away),
    TEST(prefixes_beyond_the_table_are_ignored),
    TEST(mtu_and_hop_limit_are_taken_within_reason),
    TEST(an_advertisement_out_of_order_is_ignored_whole),
    TEST(without_auto_configuration_routers_are_not_heard),
};
TEST_SUITE(net_slaac, cases);
