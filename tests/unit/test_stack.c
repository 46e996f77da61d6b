/* The stack as a whole: what it holds and lets go. */
#include <string.h>

#include "../../stack/wire/eth.h"
#include "../lib/lone.h"
#include "../lib/twohosts.h"

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

/* What an observer looks up must be what a walk would have come upon. */
static void a_connection_is_found_by_its_flow_and_by_its_place(void)
{
	struct twohosts *w = twohosts_new(1, NULL, NULL);
	struct sock_info walked, found;
	uint32_t cursor = 0, conns = 0;

	CU_ASSERT_TRUE_FATAL(twohosts_connect(w));
	while (stack_walk(w->stack[1], &cursor, &walked)) {
		bool listens = walked.state == TCP_LISTEN;

		CU_ASSERT_TRUE(stack_at(w->stack[1], cursor - 1, &found));
		CU_ASSERT_EQUAL(found.conn, walked.conn);
		CU_ASSERT_EQUAL(found.lport, walked.lport);
		CU_ASSERT_EQUAL(listens, !stack_find(w->stack[1], &walked.local, walked.lport, &walked.remote,
						     walked.rport, &found));
		CU_ASSERT_EQUAL(found.conn, walked.conn);
		conns += !listens;
	}
	CU_ASSERT_EQUAL(conns, 1);
	CU_ASSERT_FALSE(stack_at(w->stack[1], cursor, &found));
	walked.rport++;
	CU_ASSERT_FALSE(stack_find(w->stack[1], &walked.local, walked.lport, &walked.remote, walked.rport, &found));

	sock_abort(w->stack[0], w->client);
	twohosts_run(w, w->now + SEC);
	CU_ASSERT_FALSE(stack_at(w->stack[0], 0, &found));
	twohosts_free(w);
}

static const struct test_case cases[] = {
	TEST(a_connection_is_found_by_its_flow_and_by_its_place),
	TEST(a_flush_leaves_no_packet_behind),
};
TEST_SUITE(stack, cases);
