/* What time does: retransmission, giving up, trouble on the way there, keepalive; and timers as settings
 * change them: the RTO's restart (RFC 7765), idle (RFC 2861, 7661), the deferred accept. */
#include "../lib/lone.h"
#include "../lib/test.h"

#include "../../stack/base/check.h"

static struct lone *host(void (*change)(struct tcp_config *))
{
	struct lone *l = lone_new();

	l->cfg.tcp.cc = CC_RENO;
	if (change)
		change(&l->cfg.tcp);
	lone_start(l);
	return l;
}

static void ack(struct lone *l, struct lone_peer *p, uint32_t upto)
{
	p->ack = upto;
	p->ts_val++;
	lone_say(l, p, TH_ACK, 0);
}

static void write_bytes(struct lone *l, struct lone_peer *p, size_t n)
{
	static const uint8_t zero[65536];

	CU_ASSERT_EQUAL(sock_send(l->s, p->sock, zero, n), (int64_t)n);
	lone_turn(l);
}

/* ---- RFC 7765 ---- */

static void no_probe(struct tcp_config *c)
{
	c->tlp = false;
}

static void no_probe_and_restart(struct tcp_config *c)
{
	c->tlp = false;
	c->rto_restart = true;
}

/* Two segments go out `gap` apart, the first is acknowledged 100 ms after the second was sent, and that
 * is all. How long after its sending is the second sent again? */
static ns_t second_chance(void (*change)(struct tcp_config *), uint32_t first, uint32_t more)
{
	struct lone *l = host(change);
	struct lone_peer p = lone_peer(1);
	struct sock_info i;

	p.ts = false;
	lone_handshake(l, &p);
	uint32_t una = p.ack;

	sock_set(l->s, p.sock, OPT_NODELAY, 1);
	write_bytes(l, &p, first);
	write_bytes(l, &p, 100);
	if (more)
		write_bytes(l, &p, more);
	ns_t sent = l->now;

	lone_wait(l, 100 * MS);
	ack(l, &p, una + first);
	lone_forget(l);
	sock_info(l->s, p.sock, &i);
	while (!lone_heard_bytes(l) && l->now < sent + 10 * SEC)
		lone_wait(l, MS);
	CU_ASSERT_EQUAL(i.timeouts, 0);
	ns_t took = l->now - sent - i.rto;

	lone_free(l);
	return took;
}

static void a_restarted_timer_counts_from_the_oldest_segment(void)
{
	ns_t plain = second_chance(no_probe, 100, 0), restart = second_chance(no_probe_and_restart, 100, 0);

	CU_ASSERT_TRUE(plain >= 99 * MS && plain <= 101 * MS);
	CU_ASSERT_TRUE(restart >= -MS && restart <= MS);
}

static void with_four_segments_out_the_timer_is_the_usual_one(void)
{
	ns_t restart = second_chance(no_probe_and_restart, 100, 4 * 1448);

	CU_ASSERT_TRUE(restart >= 99 * MS && restart <= 101 * MS);
}

/* ---- after a silence ---- */

static void no_idle(struct tcp_config *c)
{
	c->idle_restart = false;
}

static void short_buffer_of_acks(struct lone *l, struct lone_peer *p, uint32_t rounds)
{
	for (uint32_t k = 0; k < rounds; k++) {
		lone_forget(l);
		write_bytes(l, p, 30000);
		lone_wait(l, 20 * MS);
		for (int n = 0; n < 100 && lone_heard_bytes(l); n++) {
			uint32_t most = p->ack;

			for (size_t s = 0; s < l->nheard; s++)
				if ((int32_t)(l->heard[s].seq.v + l->heard[s].len - most) > 0)
					most = l->heard[s].seq.v + l->heard[s].len;
			lone_forget(l);
			ack(l, p, most);
		}
	}
}

static void a_window_grown_before_a_silence_is_not_let_go_at_once(void)
{
	static const struct {
		const char *name;
		void (*change)(struct tcp_config *);
		bool restarts;
	} rows[] = {{"restart", NULL, true}, {"kept", no_idle, false}};

	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		struct lone *l = host(rows[k].change);
		struct lone_peer p = lone_peer(1);
		struct sock_info before, after;

		p.ts = false;
		lone_handshake(l, &p);
		short_buffer_of_acks(l, &p, 3);
		sock_info(l->s, p.sock, &before);
		CU_ASSERT_TRUE(before.cwnd > 15 * 1460);
		CU_ASSERT_EQUAL(before.inflight, 0);
		lone_wait(l, 5 * SEC);
		lone_forget(l);
		write_bytes(l, &p, 60000);
		sock_info(l->s, p.sock, &after);
		if (lone_heard_bytes(l) != (rows[k].restarts ? 10 * 1460 : before.cwnd - before.cwnd % 1460))
			FAIL_ROW(rows[k].name);
		/* RFC 2861 2: what was reached once is remembered. */
		if (rows[k].restarts && after.ssthresh < before.cwnd / 4 * 3)
			FAIL_ROW(rows[k].name);
		lone_free(l);
	}
}

/* ---- deferred accept ---- */

static void a_deferred_accept_waits_for_text(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);

	CU_ASSERT_EQUAL(sock_set(l->s, l->listener, OPT_DEFER_ACCEPT, 10), 0);
	lone_say(l, &p, TH_SYN, 0);
	const struct seg *g = lone_last(l, TH_SYN, TH_SYN);

	p.ack = g->seq.v + 1;
	p.ts_ecr = g->opt.ts_val;
	lone_forget(l);
	lone_say(l, &p, TH_ACK, 0);
	CU_ASSERT_EQUAL(sock_accept(l->s, l->listener), 0);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_SYN_RECEIVED);
	lone_wait(l, 5 * SEC);
	CU_ASSERT_EQUAL(l->nheard, 0); /* the peer has the SYN-ACK: it is not repeated */
	lone_say(l, &p, TH_ACK | TH_PSH, 100);
	p.sock = sock_accept(l->s, l->listener);
	CU_ASSERT_NOT_EQUAL_FATAL(p.sock, 0);
	CU_ASSERT_EQUAL(sock_readable(l->s, p.sock), 100);
	struct sock_info i;

	sock_info(l->s, p.sock, &i);
	CU_ASSERT_EQUAL(i.cwnd, 10u * i.mss); /* waiting was no loss */
	lone_free(l);
}

static void when_the_time_is_over_a_bare_ack_will_do(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);

	CU_ASSERT_EQUAL(sock_set(l->s, l->listener, OPT_DEFER_ACCEPT, 2), 0);
	lone_say(l, &p, TH_SYN, 0);
	const struct seg *g = lone_last(l, TH_SYN, TH_SYN);

	p.ack = g->seq.v + 1;
	p.ts_ecr = g->opt.ts_val;
	lone_forget(l);
	lone_say(l, &p, TH_ACK, 0);
	lone_wait(l, 4 * SEC);
	CU_ASSERT_TRUE(lone_heard(l, TH_SYN | TH_ACK, TH_SYN | TH_ACK) > 0); /* asked again */
	lone_say(l, &p, TH_ACK, 0);
	CU_ASSERT_NOT_EQUAL(sock_accept(l->s, l->listener), 0);
	lone_free(l);
}

/* ---- linger ---- */

static void linger_of_zero_resets_and_minus_one_does_not(void)
{
	static const struct {
		int64_t linger;
		uint16_t heard;
	} rows[] = {{0, TH_RST}, {-1, TH_FIN}, {5000, TH_FIN}};

	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		struct lone *l = lone_open();
		struct lone_peer p = lone_peer(1);

		lone_handshake(l, &p);
		CU_ASSERT_EQUAL(sock_set(l->s, p.sock, OPT_LINGER, rows[k].linger), 0);
		sock_close(l->s, p.sock);
		lone_turn(l);
		CU_ASSERT_EQUAL(l->nheard, 1);
		CU_ASSERT_EQUAL(l->heard[0].flags & (TH_RST | TH_FIN), rows[k].heard);
		lone_free(l);
	}
}

/* ---- TIME-WAIT (RFC 6191, 1337) ---- */

static void no_rfc1337(struct tcp_config *c)
{
	c->rfc1337 = false;
}

static void a_syn_in_time_wait_is_served_if_it_is_surely_new(void)
{
	static const struct {
		const char *name;
		bool ts;
		int32_t ts_step, seq_step;
		bool served;
	} rows[] = {
		{"later timestamp, lower number", true, 1, -5000, true},
		{"later timestamp, higher number", true, 1, 5000, true},
		{"same timestamp, higher number", true, 0, 5000, true},
		{"same timestamp, lower number", true, 0, -5000, false},
		{"earlier timestamp, higher number", true, -1, 5000, false},
		{"no timestamps, higher number", false, 0, 5000, true},
		{"no timestamps, lower number", false, 0, -5000, false},
	};

	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		struct lone *l = lone_open();
		struct lone_peer p = lone_peer(1);

		p.ts = rows[k].ts;
		CU_ASSERT_TRUE(lone_reach(l, &p, TCP_TIME_WAIT));
		sock_close(l->s, p.sock);
		p.ts_val += (uint32_t)rows[k].ts_step;
		p.nxt += (uint32_t)rows[k].seq_step;
		lone_forget(l);
		lone_say(l, &p, TH_SYN, 0);
		if (lone_state(l, &p) != (rows[k].served ? TCP_SYN_RECEIVED : TCP_TIME_WAIT))
			FAIL_ROW(rows[k].name);
		if (l->nheard != 1 || (l->heard[0].flags & TH_SYN) != (rows[k].served ? TH_SYN : 0))
			FAIL_ROW(rows[k].name);
		lone_free(l);
	}
}

static void a_reset_ends_time_wait_only_where_rfc_1337_is_off(void)
{
	for (int off = 0; off < 2; off++) {
		struct lone *l = host(off ? no_rfc1337 : NULL);
		struct lone_peer p = lone_peer(1);

		CU_ASSERT_TRUE(lone_reach(l, &p, TCP_TIME_WAIT));
		sock_close(l->s, p.sock);
		lone_say(l, &p, TH_RST, 0);
		CU_ASSERT_EQUAL(lone_state(l, &p), off ? TCP_CLOSED : TCP_TIME_WAIT);
		lone_free(l);
	}
}

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

	lone_say(l, &p, TH_ACK, 10); /* text in order: the next hop is known to be there */
	news(l);

	uint64_t asked = stack_counters(l->s)->arp_out;

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

	CU_ASSERT_EQUAL(stack_counters(l->s)->arp_out, asked);
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
	TEST(a_restarted_timer_counts_from_the_oldest_segment),
	TEST(with_four_segments_out_the_timer_is_the_usual_one),
	TEST(a_window_grown_before_a_silence_is_not_let_go_at_once),
	TEST(a_deferred_accept_waits_for_text),
	TEST(when_the_time_is_over_a_bare_ack_will_do),
	TEST(linger_of_zero_resets_and_minus_one_does_not),
	TEST(a_syn_in_time_wait_is_served_if_it_is_surely_new),
	TEST(a_reset_ends_time_wait_only_where_rfc_1337_is_off),
};
TEST_SUITE(tcp_timer, cases);
