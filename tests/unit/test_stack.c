/* The stack as a whole: what it holds and lets go. */
#include <string.h>

#include "../../stack/wire/eth.h"
#include "../lib/lone.h"

/* The first 24 bytes of a datagram of 48: the rest never comes. */
static void give_half_a_datagram(struct lone *l)
{
	uint8_t f[ETH_LEN + IP4_LEN + 24] = {0};
	struct ip_hdr ip = {.src = addr_v4(LONE_PEER),
			    .dst = addr_v4(LONE_ME),
			    .version = 4,
			    .proto = PROTO_UDP,
			    .ttl = 64,
			    .id = 7,
			    .frag = true,
			    .more_frags = true,
			    .hdr_len = IP4_LEN,
			    .payload_len = 24};

	eth_emit(f, &LONE_MAC, &LONE_ROUTER_MAC, ETH_IP4);
	ip4_emit(f + ETH_LEN, &ip);
	lone_give(l, f, sizeof(f));
}

static void a_flush_leaves_no_packet_behind(void)
{
	struct lone *l = lone_open();
	struct addr silent = addr_v4(LONE_ME + 7);
	uint32_t before = l->pool.pkts.used;
	sock_t s = sock_open(l->s);

	CU_ASSERT_EQUAL(sock_connect(l->s, s, &silent, 80), 0); /* its SYN waits for an ARP reply */
	lone_turn(l);
	give_half_a_datagram(l);
	CU_ASSERT_EQUAL(stack_counters(l->s)->frags_in, 1);
	CU_ASSERT_EQUAL(l->pool.pkts.used, before + 2);

	stack_flush(l->s);
	CU_ASSERT_EQUAL(l->pool.pkts.used, before);
	lone_wait(l, 40 * SEC); /* and the tables' timers still find everything in order */
	lone_free(l);
}

static const struct test_case cases[] = {
	TEST(a_flush_leaves_no_packet_behind),
};
TEST_SUITE(stack, cases);
