/* Neighbour discovery: who is answered and who is believed over IPv6. */
#include "../lib/netfix.h"

static struct netfix f;
static struct frame in, out;
static struct seen s;

static const struct mac other = {{2, 0, 0, 0, 0, 9}}, zero;
static const struct addr unspecified,
    my_group = {{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 1}},
    all_nodes = {{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
    far6 = {{0x20, 1, 0xd, 0xb9, 1}};
static const struct mac my_group_mac = {{0x33, 0x33, 0xff, 0, 0, 1}},
			all_nodes_mac = {{0x33, 0x33, 0, 0, 0, 1}};

/* One message: target, then one option with this MAC unless it is NULL. */
struct nd {
	const struct addr *src, *dst, *target;
	const struct mac *option;
	uint32_t flags;
	uint8_t type, ttl, code;
	uint8_t option_kind, option_len; /* 0: what is right */
	size_t cut;                      /* bytes off the end */
};

static void give(const struct nd *m)
{
	struct ip_hdr h = from_peer6(PROTO_ICMP6);
	uint8_t body[24];
	size_t n = 16;

	h.src = *m->src;
	h.dst = *m->dst;
	h.ttl = m->ttl ? m->ttl : 255;
	memcpy(body, m->target, 16);
	if (m->option) {
		body[16] = m->option_kind ? m->option_kind : m->type == ICMP6_NS ? 1 : 2;
		body[17] = m->option_len == 0xff ? 0 : m->option_len ? m->option_len : 1;
		memcpy(body + 18, m->option, 6);
		n = 24;
	}
	frame_icmp(&in, h, m->type, m->code, m->flags, body, n - m->cut);
	if (addr_eq(m->dst, &my_group))
		eth_emit(in.b, &my_group_mac, &MAC_PEER, ETH_IP6);
	if (addr_eq(m->dst, &all_nodes))
		eth_emit(in.b, &all_nodes_mac, &MAC_PEER, ETH_IP6);
	fix_give(&f, &in);
}

#define NS ICMP6_NS
#define NA ICMP6_NA
#define S 0x40000000u
#define O 0x20000000u

static bool advertises(const struct addr *to, uint32_t flags)
{
	return fix_see(&f, &out, &s) && s.ip.ttl == 255 && s.icmp.type == NA && s.icmp.code == 0 &&
	       s.icmp.rest == flags && addr_eq(&s.ip.dst, to) && s.icmp.body_len == 24 &&
	       memcmp(s.icmp.body, &ME6, 16) == 0 && s.icmp.body[16] == 2 && s.icmp.body[17] == 1 &&
	       memcmp(s.icmp.body + 18, &MAC_ME, 6) == 0;
}

static void a_solicitation_is_answered_and_its_sender_learned(void)
{
	struct mac mac;

	fix_open(&f);
	give(&(struct nd){&PEER6, &my_group, &ME6, &MAC_PEER, .type = NS});
	CU_ASSERT(advertises(&PEER6, S | O));
	CU_ASSERT(mac_eq(&s.eth.dst, &MAC_PEER));
	CU_ASSERT(neigh_find(&f.net, &PEER6, &mac) && mac_eq(&mac, &MAC_PEER));
	CU_ASSERT_FALSE(fix_take(&f, &out));
	fix_close(&f);
}

static void a_probe_for_our_address_is_answered_to_all(void)
{
	fix_open(&f);
	give(&(struct nd){&unspecified, &my_group, &ME6, NULL, .type = NS});
	CU_ASSERT(advertises(&all_nodes, O));
	CU_ASSERT(mac_eq(&s.eth.dst, &all_nodes_mac));
	CU_ASSERT_EQUAL(neigh_count(&f.net), 0);
	fix_close(&f);
}

static const struct {
	const char *name;
	struct nd m;
	bool bad;
} silent[] = {
    {"routed", {&PEER6, &my_group, &ME6, &MAC_PEER, .type = NS, .ttl = 254}, true},
    {"with a code", {&PEER6, &my_group, &ME6, &MAC_PEER, .type = NS, .code = 1}, true},
    {"cut target", {&PEER6, &my_group, &ME6, NULL, .type = NS, .cut = 1}, true},
    {"option length 0", {&PEER6, &my_group, &ME6, &MAC_PEER, .type = NS, .option_len = 0xff}, true},
    {"option past the end",
     {&PEER6, &my_group, &ME6, &MAC_PEER, .type = NS, .option_len = 2},
     true},
    {"cut option", {&PEER6, &my_group, &ME6, &MAC_PEER, .type = NS, .cut = 1}, true},
    {"one byte of an option", {&PEER6, &my_group, &ME6, &MAC_PEER, .type = NS, .cut = 7}, true},
    {"multicast target", {&PEER6, &my_group, &all_nodes, &MAC_PEER, .type = NS}, true},
    {"another's target", {&PEER6, &my_group, &PEER6_LL, &MAC_PEER, .type = NS}, false},
    {"probe with an option", {&unspecified, &my_group, &ME6, &MAC_PEER, .type = NS}, false},
    {"unasked advertisement",
     {&PEER6, &all_nodes, &PEER6, &MAC_PEER, .flags = O, .type = NA},
     false},
    {"unasked, to us", {&PEER6, &ME6, &PEER6, &MAC_PEER, .flags = S | O, .type = NA}, false},
    {"routed advertisement",
     {&PEER6, &ME6, &PEER6, &MAC_PEER, .flags = S | O, .type = NA, .ttl = 64},
     true},
};

static void lies_are_neither_answered_nor_learned(void)
{
	for (size_t i = 0; i < ARRAY_LEN(silent); i++) {
		fix_open(&f);
		give(&silent[i].m);
		if (fix_take(&f, &out) || neigh_count(&f.net) != 0 ||
		    f.count.icmp_bad != silent[i].bad)
			FAIL_ROW(silent[i].name);
		fix_close(&f);
	}
}

static void senders_that_cannot_be_are_answered_but_not_learned(void)
{
	const struct mac *bad[] = {&MAC_ALL, &zero, &my_group_mac};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		fix_open(&f);
		give(&(struct nd){&PEER6, &my_group, &ME6, bad[i], .type = NS});
		CU_ASSERT(fix_see(&f, &out, &s));
		CU_ASSERT_EQUAL(s.icmp.type, NS); /* we have to ask who that is */
		fix_close(&f);
	}
	fix_open(&f);
	give(&(struct nd){&far6, &my_group, &ME6, &MAC_PEER, .type = NS});
	CU_ASSERT(fix_see(&f, &out, &s));
	CU_ASSERT_EQUAL(s.icmp.type, NS);
	CU_ASSERT_EQUAL(memcmp(s.icmp.body, &ROUTER6, 16), 0);
	fix_close(&f);
}

/* ---- resolution ---- */

static void send_byte(const struct addr *dst)
{
	struct net_dst d = {.src = ME6, .dst = *dst, .proto = 200};

	net_send(&f.net, pkt_of_bytes(&f.pool, "x", 1), &d, f.now);
}

static void a_neighbour_is_asked_for_in_its_group(void)
{
	static const struct addr group = {{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 2}};
	static const struct mac group_mac = {{0x33, 0x33, 0xff, 0, 0, 2}};

	fix_open(&f);
	send_byte(&PEER6);
	CU_ASSERT_FATAL(fix_see(&f, &out, &s));
	CU_ASSERT_EQUAL(s.icmp.type, NS);
	CU_ASSERT_EQUAL(s.ip.ttl, 255);
	CU_ASSERT(addr_eq(&s.ip.src, &ME6) && addr_eq(&s.ip.dst, &group));
	CU_ASSERT(mac_eq(&s.eth.dst, &group_mac));
	CU_ASSERT_EQUAL_FATAL(s.icmp.body_len, 24);
	CU_ASSERT_EQUAL(memcmp(s.icmp.body, &PEER6, 16), 0);
	CU_ASSERT_EQUAL(s.icmp.body[16], 1);
	CU_ASSERT_EQUAL(memcmp(s.icmp.body + 18, &MAC_ME, 6), 0);

	give(&(struct nd){&PEER6, &ME6, &PEER6, &MAC_PEER, .flags = S | O, .type = NA});

	CU_ASSERT(fix_see(&f, &out, &s) && s.ip.proto == 200 && mac_eq(&s.eth.dst, &MAC_PEER));
	CU_ASSERT_EQUAL(net_deadline(&f.net), NS_NEVER);
	fix_close(&f);
}

static void the_first_answer_is_taken_whatever_its_flags(void)
{
	static const uint32_t flags[] = {0, S, O, S | O};

	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		fix_open(&f);
		send_byte(&PEER6);
		fix_drain(&f);
		give(&(struct nd){&PEER6, &ME6, &PEER6, &MAC_PEER, .flags = flags[i], .type = NA});
		CU_ASSERT(fix_see(&f, &out, &s) && s.ip.proto == 200);
		CU_ASSERT_EQUAL(net_deadline(&f.net) == NS_NEVER, (flags[i] & S) != 0);
		fix_close(&f);
	}
}

static void a_stale_neighbour_is_probed_by_unicast(void)
{
	fix_open(&f);
	fix_meet6(&f, &PEER6, &MAC_PEER);
	send_byte(&PEER6);
	fix_drain(&f);
	fix_wait(&f, 5 * SEC);
	CU_ASSERT_FATAL(fix_see(&f, &out, &s));
	CU_ASSERT_EQUAL(s.icmp.type, NS);
	CU_ASSERT(addr_eq(&s.ip.dst, &PEER6) && mac_eq(&s.eth.dst, &MAC_PEER));

	/* RFC 4861 4.4: an answer to a unicast solicitation may leave the option out. */
	give(&(struct nd){&PEER6, &ME6, &PEER6, NULL, .flags = S, .type = NA});
	CU_ASSERT_EQUAL(net_deadline(&f.net), NS_NEVER);
	fix_close(&f);
}

/* RFC 4861 7.2.5, for an entry that is reachable at MAC_PEER. */
static const struct {
	const char *name;
	uint32_t flags;
	const struct mac *mac, *then;
	bool stale;
} updates[] = {
    {"solicited, override", S | O, &other, &other, false},
    {"solicited, the same", S, &MAC_PEER, &MAC_PEER, false},
    {"solicited, no override", S, &other, &MAC_PEER, true},
    {"unsolicited, override", O, &other, &other, true},
    {"unsolicited, no override", 0, &other, &MAC_PEER, false},
    {"broadcast address", S | O, &MAC_ALL, &MAC_PEER, false},
};

static void an_advertisement_updates_as_its_flags_say(void)
{
	for (size_t i = 0; i < ARRAY_LEN(updates); i++) {
		struct mac mac;

		fix_open(&f);
		send_byte(&PEER6);
		give(&(struct nd){&PEER6, &ME6, &PEER6, &MAC_PEER, .flags = S | O, .type = NA});
		fix_drain(&f);

		give(&(struct nd){&PEER6, &ME6, &PEER6, updates[i].mac, .flags = updates[i].flags,
				  .type = NA});
		send_byte(&PEER6); /* a stale one arms the probe's delay */

		if (!neigh_find(&f.net, &PEER6, &mac) || !mac_eq(&mac, updates[i].then) ||
		    (net_deadline(&f.net) != NS_NEVER) != updates[i].stale)
			FAIL_ROW(updates[i].name);
		fix_close(&f);
	}
}

static void discovery_in_fragments_is_ignored(void)
{
	uint8_t b[IP6_FRAG_LEN + 16] = {PROTO_ICMP6};

	fix_open(&f);
	give(&(struct nd){&PEER6, &my_group, &ME6, &MAC_PEER, .type = NS});
	CU_ASSERT_EQUAL(fix_drain(&f), 1); /* whole, it is answered; the same bytes in two parts: */
	for (int i = 0; i < 2; i++) {
		static struct frame part;
		struct ip_hdr h = from_peer6(44);

		h.dst = my_group;
		h.ttl = 255;
		wr16(b + 2, (uint16_t)(i * 16 | (i == 0)));
		memcpy(b + 8, in.b + ETH_LEN + IP6_LEN + i * 16, 16);
		frame_ip(&part, h, b, sizeof(b));
		eth_emit(part.b, &my_group_mac, &MAC_PEER, ETH_IP6);
		fix_give(&f, &part);
	}
	CU_ASSERT_EQUAL(f.count.reassembled, 1);
	CU_ASSERT_EQUAL(f.count.icmp_in, 2);
	CU_ASSERT_FALSE(fix_take(&f, &out));
	fix_close(&f);
}

/* ---- duplicate address detection (RFC 4862 5.4) ---- */

static void open_probing(void)
{
	fix_config(&f);
	f.cfg.arp_probe = true;
	f.cfg.addr[0] = f.cfg.addr[1];
	f.cfg.naddrs = 1;
	fix_start(&f);
}

static void an_address_is_probed_once_and_is_ours_a_second_later(void)
{
	ns_t first;

	open_probing();
	first = net_deadline(&f.net);
	CU_ASSERT(first >= f.now && first < f.now + SEC);
	fix_wait(&f, first - f.now);

	CU_ASSERT_FATAL(fix_see(&f, &out, &s));
	CU_ASSERT_EQUAL(s.icmp.type, NS);
	CU_ASSERT(addr_is_any(&s.ip.src) && addr_eq(&s.ip.dst, &my_group));
	CU_ASSERT_EQUAL(s.icmp.body_len, 16);
	CU_ASSERT_FALSE(net_is_ours(&f.net, &ME6));
	CU_ASSERT_EQUAL(net_deadline(&f.net), first + SEC);
	give(&(struct nd){&PEER6, &my_group, &ME6, &MAC_PEER, .type = NS});
	CU_ASSERT_FALSE(fix_take(&f, &out)); /* not ours to answer for */

	fix_wait(&f, SEC);
	CU_ASSERT(net_is_ours(&f.net, &ME6));
	CU_ASSERT_EQUAL(net_deadline(&f.net), NS_NEVER);
	fix_close(&f);
}

static void a_duplicate_is_given_up(void)
{
	static const struct nd signs[] = {
	    {&unspecified, &my_group, &ME6, NULL, .type = NS},
	    {&ME6, &all_nodes, &ME6, &MAC_PEER, .flags = O, .type = NA},
	};

	for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
		open_probing();
		fix_wait(&f, SEC);
		fix_drain(&f);
		give(&signs[i]);
		CU_ASSERT_EQUAL(f.net.addr[0].state, ADDR_DUPLICATE);
		CU_ASSERT_EQUAL(f.count.arp_conflicts, 1);
		fix_until_idle(&f);
		CU_ASSERT_FALSE(net_is_ours(&f.net, &ME6));
		fix_close(&f);
	}
}

static const struct test_case cases[] = {
    TEST(a_solicitation_is_answered_and_its_sender_learned),
    TEST(a_probe_for_our_address_is_answered_to_all),
    TEST(lies_are_neither_answered_nor_learned),
    TEST(senders_that_cannot_be_are_answered_but_not_learned),
    TEST(a_neighbour_is_asked_for_in_its_group),
    TEST(the_first_answer_is_taken_whatever_its_flags),
    TEST(a_stale_neighbour_is_probed_by_unicast),
    TEST(an_advertisement_updates_as_its_flags_say),
    TEST(discovery_in_fragments_is_ignored),
    TEST(an_address_is_probed_once_and_is_ours_a_second_later),
    TEST(a_duplicate_is_given_up),
};
TEST_SUITE(net_nd, cases);
