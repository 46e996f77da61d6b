/* How connections end, and what the user and the peer are told of it. */
#include <string.h>

#include "../lib/lone.h"

static uint32_t news(struct lone *l)
{
	struct sock_event ev[8];
	uint32_t bits = 0;
	size_t n;

	while ((n = stack_events(l->s, ev, 8)) > 0)
		for (size_t i = 0; i < n; i++)
			bits |= ev[i].bits;
	return bits;
}

static void closing_with_unread_text_tells_the_peer_that_it_is_lost(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(0);

	lone_handshake(l, &p);
	lone_say(l, &p, TH_ACK, 100);
	lone_forget(l);
	sock_close(l->s, p.sock);
	lone_turn(l);
	CU_ASSERT_EQUAL(lone_heard(l, TH_RST, TH_RST), 1);
	CU_ASSERT_EQUAL(lone_heard(l, TH_FIN, TH_FIN), 0);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_CLOSED);
	lone_free(l);
}

static void a_reset_is_told_to_the_user(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(0);

	lone_handshake(l, &p);
	news(l);
	lone_say(l, &p, TH_RST, 0);
	CU_ASSERT_TRUE(news(l) & SOCK_ERROR);
	CU_ASSERT_EQUAL(sock_error(l->s, p.sock), ERR_RESET);
	lone_free(l);
}

static void a_reset_may_carry_text(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(0);

	lone_handshake(l, &p);
	lone_say(l, &p, TH_RST | TH_ACK, 20);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_CLOSED);
	CU_ASSERT_EQUAL(l->nheard, 0);
	lone_free(l);
}

static void time_wait_lasts_two_maximum_segment_lifetimes(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(0);

	CU_ASSERT_TRUE_FATAL(lone_reach(l, &p, TCP_TIME_WAIT));
	lone_wait(l, 2 * l->cfg.tcp.msl - MS);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_TIME_WAIT);
	lone_wait(l, 2 * MS);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_CLOSED);
	lone_free(l);
}

static void a_newer_timestamp_ends_time_wait_early(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(0);

	CU_ASSERT_TRUE_FATAL(lone_reach(l, &p, TCP_TIME_WAIT));
	struct lone_peer next = p;

	next.iss = next.nxt = p.nxt - 100000; /* its number has not moved on, its clock has */
	next.ts_val = p.ts_val + 1;
	lone_say(l, &next, TH_SYN, 0);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_SYN_RECEIVED);
	lone_free(l);
}

static const struct test_case cases[] = {
	TEST(closing_with_unread_text_tells_the_peer_that_it_is_lost),
	TEST(a_reset_is_told_to_the_user),
	TEST(a_reset_may_carry_text),
	TEST(time_wait_lasts_two_maximum_segment_lifetimes),
	TEST(a_newer_timestamp_ends_time_wait_early),
};
TEST_SUITE(tcp_close, cases);
