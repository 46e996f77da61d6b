/* What is refused on Ethernet: silently, each with its counter. */
#include "../lib/netfix.h"

#include <stddef.h>

static struct netfix f;
static struct frame in, out;
static struct seen s;

static const struct mac group4 = {{1, 0, 0x5e, 0, 0, 1}}, zero, other = {{2, 0, 0, 0, 0, 9}},
			all_nodes = {{0x33, 0x33, 0, 0, 0, 1}},
			our_group = {{0x33, 0x33, 0xff, 0, 0, 1}},
			other_group = {{0x33, 0x33, 0xff, 0, 0, 9}};

static void echo_frame(void)
{
	frame_icmp(&in, from_peer4(PROTO_ICMP), ICMP4_ECHO, 0, 1, "x", 1);
}

/* Puts n tags with this VLAN id in front of the type. */
static void tag(uint16_t vlan, int n)
{
	for (int i = 0; i < n; i++) {
		memmove(in.b + 16, in.b + 12, in.n - 12);
		wr16(in.b + 12, ETH_VLAN);
		wr16(in.b + 14, vlan);
		in.n += 4;
	}
}

#define COUNTER(x) offsetof(struct stack_counters, x)

static uint64_t counter(size_t off)
{
	return *(uint64_t *)((char *)&f.count + off);
}

static const struct {
	const char *name;
	const struct mac *dst, *src;
	uint16_t type, vlan;
	int tags;
	size_t counter;
} refused[] = {
    {"group source", &MAC_ME, &group4, ETH_IP4, 0, 0, COUNTER(eth_bad)},
    {"broadcast source", &MAC_ME, &MAC_ALL, ETH_IP4, 0, 0, COUNTER(eth_bad)},
    {"zero source", &MAC_ME, &zero, ETH_IP4, 0, 0, COUNTER(eth_bad)},
    {"our own source", &MAC_ME, &MAC_ME, ETH_IP4, 0, 0, COUNTER(eth_not_ours)},
    {"someone else's", &other, &MAC_PEER, ETH_IP4, 0, 0, COUNTER(eth_not_ours)},
    {"IPv4 multicast", &group4, &MAC_PEER, ETH_IP4, 0, 0, COUNTER(eth_not_ours)},
    {"another's solicited node", &other_group, &MAC_PEER, ETH_IP6, 0, 0, COUNTER(eth_not_ours)},
    {"a VLAN", &MAC_ME, &MAC_PEER, ETH_IP4, 5, 1, COUNTER(eth_not_ours)},
    {"two tags", &MAC_ME, &MAC_PEER, ETH_IP4, 0, 2, COUNTER(eth_not_ours)},
    {"three hundred tags", &MAC_ME, &MAC_PEER, ETH_IP4, 0, 300, COUNTER(eth_bad)},
    {"802.3 length", &MAC_ME, &MAC_PEER, 100, 0, 0, COUNTER(eth_unknown_type)},
    {"unknown type", &MAC_ME, &MAC_PEER, 0x88cc, 0, 0, COUNTER(eth_unknown_type)},
    {"IPv4 type with IPv6 group", &all_nodes, &MAC_PEER, ETH_IP4, 0, 0, COUNTER(ip_not_ours)},
    {"unicast IP by broadcast", &MAC_ALL, &MAC_PEER, ETH_IP4, 0, 0, COUNTER(ip_not_ours)},
    {"IPv6 type over IPv4", &MAC_ME, &MAC_PEER, ETH_IP6, 0, 0, COUNTER(ip_bad)},
};

static void what_is_not_for_us_is_counted_and_silent(void)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		fix_open(&f);
		echo_frame();
		eth_emit(in.b, refused[i].dst, refused[i].src, refused[i].type);
		tag(refused[i].vlan, refused[i].tags);

		fix_give(&f, &in);

		if (counter(refused[i].counter) != 1 || fix_take(&f, &out))
			FAIL_ROW(refused[i].name);
		fix_close(&f);
	}
}

static void a_priority_tag_is_skipped(void)
{
	fix_open(&f);
	fix_meet(&f, PEER4, &MAC_PEER);
	echo_frame();
	tag(7 << 13, 1);

	fix_give(&f, &in);

	CU_ASSERT(fix_see(&f, &out, &s));
	CU_ASSERT_EQUAL(s.icmp.type, ICMP4_ECHO_REPLY);
	CU_ASSERT_EQUAL(s.eth.hdr_len, ETH_LEN);
	fix_close(&f);
}

static void groups_of_our_addresses_are_taken(void)
{
	fix_open(&f);
	frame_icmp(&in, from_peer6(PROTO_ICMP6), ICMP6_ECHO, 0, 1, "x", 1);

	eth_emit(in.b, &our_group, &MAC_PEER, ETH_IP6);
	fix_give(&f, &in);
	eth_emit(in.b, &all_nodes, &MAC_PEER, ETH_IP6);
	fix_give(&f, &in);

	CU_ASSERT_EQUAL(f.count.eth_not_ours, 0);
	CU_ASSERT_EQUAL(f.count.ip_not_ours, 2); /* a unicast destination in a group's frame */
	CU_ASSERT_FALSE(fix_take(&f, &out));
	fix_close(&f);
}

static void a_frame_cut_anywhere_is_refused(void)
{
	static const uint16_t types[] = {ETH_IP4, ETH_IP6, ETH_ARP, ETH_VLAN, 0x88cc, 40};

	for (size_t t = 0; t < ARRAY_LEN(types); t++) {
		fix_open(&f);
		for (size_t n = 0; n <= 60; n++) {
			memset(&in, 0, 64);
			eth_emit(in.b, &MAC_ME, &MAC_PEER, types[t]);
			in.n = n;
			fix_give(&f, &in);
		}
		CU_ASSERT_FALSE(fix_take(&f, &out));
		CU_ASSERT_EQUAL(f.count.eth_bad + f.count.ip_bad + f.count.arp_bad +
				    f.count.eth_unknown_type,
				61);
		fix_close(&f);
	}
}

static const struct test_case cases[] = {
    TEST(what_is_not_for_us_is_counted_and_silent),
    TEST(a_priority_tag_is_skipped),
    TEST(groups_of_our_addresses_are_taken),
    TEST(a_frame_cut_anywhere_is_refused),
};
TEST_SUITE(net_ether, cases);
