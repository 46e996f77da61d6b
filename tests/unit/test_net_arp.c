/* ARP: who is answered, who is believed, and how our own addresses are guarded. */
#include "../lib/netfix.h"

static struct netfix f;
static struct frame in, out;
static struct seen s;

static const struct mac other = {{2, 0, 0, 0, 0, 9}}, group = {{1, 0, 0x5e, 0, 0, 1}}, zero;

static void give(const struct mac *dst, uint16_t op, const struct mac *sha, uint32_t spa,
		 uint32_t tpa)
{
	struct arp_msg m = {op, *sha, {{0}}, spa, tpa};

	frame_of_arp(&in, dst, &m);
	if (!mac_is_host(sha))
		eth_emit(in.b, dst, &MAC_PEER, ETH_ARP); /* the lie is in ARP alone */
	fix_give(&f, &in);
}

static bool knows(uint32_t peer, struct mac *mac)
{
	struct addr a = addr_v4(peer);

	return neigh_find(&f.net, &a, mac);
}

static void a_request_for_us_is_answered_and_its_sender_learned(void)
{
	struct mac mac;

	fix_open(&f);

	give(&MAC_ALL, ARP_REQUEST, &MAC_PEER, PEER4, ME4);

	CU_ASSERT_FATAL(fix_see(&f, &out, &s));
	CU_ASSERT_EQUAL(out.n, ETH_LEN + ARP_LEN);
	CU_ASSERT_EQUAL(s.arp.op, ARP_REPLY);
	CU_ASSERT(mac_eq(&s.eth.dst, &MAC_PEER));
	CU_ASSERT(mac_eq(&s.arp.sha, &MAC_ME));
	CU_ASSERT(mac_eq(&s.arp.tha, &MAC_PEER));
	CU_ASSERT_EQUAL(s.arp.spa, ME4);
	CU_ASSERT_EQUAL(s.arp.tpa, PEER4);
	CU_ASSERT(knows(PEER4, &mac) && mac_eq(&mac, &MAC_PEER));
	fix_close(&f);
}

static void a_probe_is_answered_but_not_learned(void)
{
	fix_open(&f);

	give(&MAC_ALL, ARP_REQUEST, &MAC_PEER, 0, ME4);

	CU_ASSERT(fix_see(&f, &out, &s));
	CU_ASSERT_EQUAL(s.arp.op, ARP_REPLY);
	CU_ASSERT_EQUAL(neigh_count(&f.net), 0);
	fix_close(&f);
}

static const struct {
	const char *name;
	uint16_t op;
	const struct mac *sha;
	uint32_t spa, tpa;
	bool bad;
} silent[] = {
    {"request for another", ARP_REQUEST, &MAC_PEER, PEER4, PEER4 + 1, false},
    {"unasked reply", ARP_REPLY, &MAC_PEER, PEER4, ME4, false},
    {"gratuitous", ARP_REQUEST, &MAC_PEER, PEER4, PEER4, false},
    {"broadcast hardware address", ARP_REQUEST, &MAC_ALL, PEER4, ME4, true},
    {"group hardware address", ARP_REQUEST, &group, PEER4, ME4, true},
    {"zero hardware address", ARP_REQUEST, &zero, PEER4, ME4, true},
    {"our hardware address", ARP_REQUEST, &MAC_ME, PEER4, ME4, false} /* refused below */,
    {"reverse ARP", 3, &MAC_PEER, PEER4, ME4, true},
    {"operation 0", 0, &MAC_PEER, PEER4, ME4, true},
    {"loopback sender", ARP_REQUEST, &MAC_PEER, 0x7f000001, ME4, true},
    {"multicast sender", ARP_REQUEST, &MAC_PEER, 0xe0000001, ME4, true},
    {"subnet broadcast sender", ARP_REQUEST, &MAC_PEER, 0x0a0000ff, ME4, true},
    {"all ones sender", ARP_REQUEST, &MAC_PEER, UINT32_MAX, ME4, true},
};

static void lies_are_neither_answered_nor_learned(void)
{
	for (size_t i = 0; i < ARRAY_LEN(silent); i++) {
		fix_open(&f);

		give(&MAC_ALL, silent[i].op, silent[i].sha, silent[i].spa, silent[i].tpa);

		if (fix_take(&f, &out) || neigh_count(&f.net) != 0 ||
		    f.count.arp_bad != silent[i].bad)
			FAIL_ROW(silent[i].name);
		fix_close(&f);
	}
}

static void wrong_forms_are_never_answered(void)
{
	static const struct {
		uint8_t off, value;
	} wrong[] = {{1, 6}, {2, 0x86}, {4, 5}, {4, 0}, {4, 255}, {5, 16}, {5, 0}};

	fix_open(&f);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct arp_msg m = {ARP_REQUEST, MAC_PEER, {{0}}, PEER4, ME4};

		frame_of_arp(&in, &MAC_ALL, &m);
		in.b[ETH_LEN + wrong[i].off] = wrong[i].value;
		fix_give(&f, &in);
	}
	CU_ASSERT_EQUAL(f.count.arp_bad, ARRAY_LEN(wrong));
	CU_ASSERT_FALSE(fix_take(&f, &out));
	fix_close(&f);
}

static void someone_off_the_link_is_answered_but_not_learned(void)
{
	fix_open(&f);

	give(&MAC_ALL, ARP_REQUEST, &MAC_PEER, FAR4, ME4);

	CU_ASSERT(fix_take(&f, &out));
	CU_ASSERT_EQUAL(neigh_count(&f.net), 0);
	fix_close(&f);
}

static void an_unasked_message_changes_only_what_is_known(void)
{
	struct mac mac;

	fix_open(&f);
	fix_meet(&f, PEER4, &MAC_PEER);

	give(&MAC_ALL, ARP_REPLY, &other, PEER4, PEER4);
	give(&MAC_ALL, ARP_REPLY, &other, PEER4 + 1, PEER4 + 1);

	CU_ASSERT(knows(PEER4, &mac) && mac_eq(&mac, &other));
	CU_ASSERT_EQUAL(neigh_count(&f.net), 1);
	fix_close(&f);
}

/* ---- RFC 5227 ---- */

static void open_probing(void)
{
	fix_config(&f);
	f.cfg.arp_probe = true;
	f.cfg.naddrs = 1;
	fix_start(&f);
}

static void an_address_is_probed_three_times_and_announced_twice(void)
{
	ns_t first;

	open_probing();
	first = net_deadline(&f.net);
	CU_ASSERT(first >= f.now && first < f.now + SEC);

	for (int i = 0; i < 3; i++) {
		ns_t due = net_deadline(&f.net);

		CU_ASSERT_EQUAL(due, first + i * SEC);
		CU_ASSERT_FALSE(net_is_ours(&f.net, &f.cfg.addr[0].addr));
		fix_wait(&f, due - f.now);
		CU_ASSERT(fix_see(&f, &out, &s));
		CU_ASSERT_EQUAL(s.arp.spa, 0);
		CU_ASSERT_EQUAL(s.arp.tpa, ME4);
	}
	for (int i = 0; i < 2; i++) {
		ns_t due = net_deadline(&f.net);

		CU_ASSERT_EQUAL(due, first + (4 + 2 * i) * SEC);
		fix_wait(&f, due - f.now);
		CU_ASSERT(net_is_ours(&f.net, &f.cfg.addr[0].addr));
		CU_ASSERT(fix_see(&f, &out, &s));
		CU_ASSERT_EQUAL(s.arp.op, ARP_REQUEST);
		CU_ASSERT_EQUAL(s.arp.spa, ME4);
		CU_ASSERT_EQUAL(s.arp.tpa, ME4);
	}
	CU_ASSERT_EQUAL(net_deadline(&f.net), NS_NEVER);
	fix_close(&f);
}

static void a_conflict_while_probing_gives_the_address_up(void)
{
	static const uint32_t sender[] = {ME4, 0}; /* somebody uses it; somebody probes for it */

	for (size_t i = 0; i < ARRAY_LEN(sender); i++) {
		struct addr src, dst = addr_v4(PEER4);

		open_probing();
		fix_wait(&f, 1500 * MS);
		fix_drain(&f);

		give(&MAC_ALL, ARP_REQUEST, &other, sender[i], ME4);

		CU_ASSERT_EQUAL(f.net.addr[0].state, ADDR_DUPLICATE);
		CU_ASSERT_EQUAL(f.count.arp_conflicts, 1);
		CU_ASSERT_EQUAL(net_deadline(&f.net), NS_NEVER);
		CU_ASSERT_FALSE(fix_take(&f, &out));
		CU_ASSERT_FALSE(net_route(&f.net, &dst, &src));
		fix_close(&f);
	}
}

static void an_address_in_use_is_defended_once_in_ten_seconds(void)
{
	fix_open(&f);

	give(&MAC_ALL, ARP_REPLY, &other, ME4, ME4);
	CU_ASSERT(fix_see(&f, &out, &s));
	CU_ASSERT(mac_eq(&s.arp.sha, &MAC_ME));
	CU_ASSERT_EQUAL(s.arp.spa, ME4);
	CU_ASSERT(mac_eq(&s.eth.dst, &MAC_ALL));

	fix_wait(&f, 10 * SEC - 1);
	give(&MAC_ALL, ARP_REPLY, &other, ME4, ME4);
	CU_ASSERT_FALSE(fix_take(&f, &out));

	fix_wait(&f, 1);
	give(&MAC_ALL, ARP_REPLY, &other, ME4, ME4);
	CU_ASSERT(fix_take(&f, &out));
	CU_ASSERT_EQUAL(f.count.arp_conflicts, 3);
	CU_ASSERT(net_is_ours(&f.net, &f.cfg.addr[0].addr));
	CU_ASSERT_EQUAL(neigh_count(&f.net), 0);
	fix_close(&f);
}

static const struct test_case cases[] = {
    TEST(a_request_for_us_is_answered_and_its_sender_learned),
    TEST(a_probe_is_answered_but_not_learned),
    TEST(lies_are_neither_answered_nor_learned),
    TEST(wrong_forms_are_never_answered),
    TEST(someone_off_the_link_is_answered_but_not_learned),
    TEST(an_unasked_message_changes_only_what_is_known),
    TEST(an_address_is_probed_three_times_and_announced_twice),
    TEST(a_conflict_while_probing_gives_the_address_up),
    TEST(an_address_in_use_is_defended_once_in_ten_seconds),
};
TEST_SUITE(net_arp, cases);
