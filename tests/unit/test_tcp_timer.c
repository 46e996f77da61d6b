/* What time does: retransmission, giving up, trouble on the way there, keepalive. */
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

static struct lone *open_one(struct lone_peer *p)
{
	struct lone *l = lone_open();

	*p = lone_peer(0);
	lone_handshake(l, p);
	news(l);
	return l;
}

static void each_wait_is_twice_the_last(void)
{
	struct lone_peer p;
	struct lone *l = open_one(&p);
	ns_t sent = l->now, gap[6];
	struct sock_info i;

	sock_info(l->s, p.sock, &i);
	sock_set(l->s, p.sock, OPT_NODELAY, 1);
	sock_send(l->s, p.sock, "x", 1);
	lone_turn(l);
	for (int k = 0; k < 6; k++) {
		lone_forget(l);
		while (!l->nheard && l->now < sent + 60 * SEC)
			lone_wait(l, MS);
		gap[k] = l->now - sent;
		sent = l->now;
	}
	/* The first may be the tail loss probe, which comes before the timer. */
	for (int k = 2; k < 6; k++)
		CU_ASSERT_TRUE(gap[k] >= 2 * gap[k - 1] - 2 * MS && gap[k] <= 2 * gap[k - 1] + 2 * MS);
	lone_free(l);
}

static void text_is_sent_again_for_more_than_100_seconds_and_given_up(void)
{
	struct lone_peer p;
	struct lone *l = open_one(&p);

	sock_send(l->s, p.sock, "x", 1);
	lone_turn(l);
	lone_wait(l, 101 * SEC);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_ESTABLISHED);
	lone_wait(l, 1800 * SEC);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_CLOSED);
	CU_ASSERT_TRUE(news(l) & SOCK_ERROR);
	CU_ASSERT_EQUAL(sock_error(l->s, p.sock), ERR_TIMEDOUT);
	lone_free(l);
}

static void the_user_may_set_how_long(void)
{
	struct lone_peer p;
	struct lone *l = open_one(&p);

	sock_set(l->s, p.sock, OPT_USER_TIMEOUT, 5000);
	sock_send(l->s, p.sock, "x", 1);
	lone_turn(l);
	lone_wait(l, 4900 * MS);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_ESTABLISHED);
	lone_wait(l, 5 * SEC);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_CLOSED);
	lone_free(l);
}

/* R1: the user is told once, the next hop is asked whether it is there, and progress ends the trouble. */
static void the_third_timeout_is_told_and_the_next_hop_is_doubted(void)
{
	struct lone_peer p;
	struct lone *l = open_one(&p);
	struct sock_info i;

	l->cfg.tcp.tlp = false;
	sock_send(l->s, p.sock, "x", 1);
	lone_turn(l);
	do {
		lone_wait(l, 10 * MS);
		sock_info(l->s, p.sock, &i);
		CU_ASSERT_TRUE(!!(news(l) & SOCK_TROUBLE) == (i.trouble != 0));
	} while (!i.trouble && l->now < 20 * SEC);
	CU_ASSERT_EQUAL(i.timeouts, 3);
	CU_ASSERT_EQUAL(i.trouble, ERR_TIMEDOUT);
	CU_ASSERT_EQUAL(i.state, TCP_ESTABLISHED);

	uint64_t asked = stack_counters(l->s)->arp_out;

	lone_wait(l, 10 * SEC); /* far from the half minute for which a neighbour is trusted */
	CU_ASSERT_TRUE(stack_counters(l->s)->arp_out > asked);
	CU_ASSERT_FALSE(news(l) & SOCK_TROUBLE);

	p.ack++;
	p.ts_val += 10000;
	lone_say(l, &p, TH_ACK, 0);
	sock_info(l->s, p.sock, &i);
	CU_ASSERT_EQUAL(i.trouble, 0);
	lone_free(l);
}

static void after_a_lost_syn_text_waits_three_seconds(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(0);
	struct sock_info i;

	p.ts = false; /* nor is there a timestamp that gives a sample */
	lone_connect(l, &p);
	lone_wait(l, 900 * MS);
	CU_ASSERT_EQUAL(l->nheard, 0);
	lone_wait(l, 200 * MS); /* RFC 6298 2.1: the first wait is a second */
	CU_ASSERT_EQUAL(lone_heard(l, TH_SYN, TH_SYN), 1);
	lone_say(l, &p, TH_SYN | TH_ACK, 0);
	CU_ASSERT_EQUAL(sock_info(l->s, p.sock, &i), 0);
	CU_ASSERT_EQUAL(i.state, TCP_ESTABLISHED);
	CU_ASSERT_EQUAL(i.rto, 3 * SEC);
	CU_ASSERT_EQUAL(i.cwnd, i.mss); /* RFC 5681 3.1 */
	lone_free(l);
}

/* ---- keepalive ---- */

static void keepalive_is_off_unless_asked_for(void)
{
	struct lone_peer p;
	struct lone *l = open_one(&p);

	lone_wait(l, 10 * 3600 * SEC);
	CU_ASSERT_EQUAL(l->nheard, 0);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_ESTABLISHED);
	lone_free(l);
}

static void keepalive_comes_after_two_idle_hours_without_text(void)
{
	struct lone_peer p;
	struct lone *l = open_one(&p);

	sock_set(l->s, p.sock, OPT_KEEPALIVE, 1);
	lone_wait(l, 3600 * SEC);
	p.ts_val += 3600000;
	lone_say(l, &p, TH_ACK, 10); /* it is not idle: the two hours begin anew */
	lone_read(l, &p, p.nxt - 10);
	lone_wait(l, SEC);
	lone_forget(l);
	lone_wait(l, 7198 * SEC);
	CU_ASSERT_EQUAL(l->nheard, 0);
	lone_wait(l, 2 * SEC);
	CU_ASSERT_EQUAL(l->nheard, 1);
	CU_ASSERT_EQUAL(l->heard[0].len, 0);
	CU_ASSERT_EQUAL(l->heard[0].seq.v, p.ack - 1);
	lone_free(l);
}

static void the_user_sets_the_keepalive_interval(void)
{
	struct lone_peer p;
	struct lone *l = open_one(&p);

	sock_set(l->s, p.sock, OPT_KEEPIDLE, 10000);
	sock_set(l->s, p.sock, OPT_KEEPALIVE, 1);
	lone_wait(l, 9900 * MS);
	CU_ASSERT_EQUAL(l->nheard, 0);
	lone_wait(l, 200 * MS);
	CU_ASSERT_EQUAL(l->nheard, 1);
	lone_free(l);
}

static void lost_answers_to_keepalives_do_not_end_the_connection(void)
{
	struct lone_peer p;
	struct lone *l = open_one(&p);

	sock_set(l->s, p.sock, OPT_KEEPALIVE, 1);
	lone_wait(l, 7200 * SEC + 8 * 75 * SEC); /* eight of nine unanswered */
	CU_ASSERT_TRUE(l->nheard >= 8);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_ESTABLISHED);
	p.ts_val += 7800000;
	lone_say(l, &p, TH_ACK, 0);
	lone_wait(l, 3600 * SEC);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_ESTABLISHED);
	lone_free(l);
}

static const struct test_case cases[] = {
	TEST(each_wait_is_twice_the_last),
	TEST(text_is_sent_again_for_more_than_100_seconds_and_given_up),
	TEST(the_user_may_set_how_long),
	TEST(the_third_timeout_is_told_and_the_next_hop_is_doubted),
	TEST(after_a_lost_syn_text_waits_three_seconds),
	TEST(keepalive_is_off_unless_asked_for),
	TEST(keepalive_comes_after_two_idle_hours_without_text),
	TEST(the_user_sets_the_keepalive_interval),
	TEST(lost_answers_to_keepalives_do_not_end_the_connection),
};
TEST_SUITE(tcp_timer, cases);
