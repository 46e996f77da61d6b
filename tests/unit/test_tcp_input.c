/* Arriving segments: what the user learns of urgent data (RFC 9293 3.8.5, RFC 6093). */
#include <string.h>

#include "../lib/lone.h"

static uint32_t news(struct lone *l, sock_t s)
{
	struct sock_event ev[8];
	uint32_t bits = 0;
	size_t n;

	while ((n = stack_events(l->s, ev, 8)) > 0)
		for (size_t i = 0; i < n; i++)
			bits |= ev[i].sock == s ? ev[i].bits : 0;
	return bits;
}

static uint32_t urgent_left(struct lone *l, const struct lone_peer *p)
{
	struct sock_info i;

	return sock_info(l->s, p->sock, &i) == 0 ? i.urgent : UINT32_MAX;
}

/* Text of `len` at p->nxt + off, with an urgent pointer. */
static void say_urgent(struct lone *l, const struct lone_peer *p, uint32_t off, uint32_t len, uint16_t urg)
{
	struct seg g = {.seq = seq_of(p->nxt + off),
			.ack = seq_of(p->ack),
			.flags = TH_ACK | TH_URG,
			.wnd = p->wnd,
			.urg = urg,
			.len = len};

	lone_say_seg(l, p, &g, NULL);
}

static struct lone *open_before_the_wrap(struct lone_peer *p)
{
	struct lone *l = lone_open();

	*p = lone_peer(0);
	p->ts = false;
	p->iss = p->nxt = 0xffffffffu - 20;
	lone_handshake(l, p);
	news(l, p->sock);
	return l;
}

static void the_user_is_told_of_urgent_data_and_reads_them_in_line(void)
{
	struct lone_peer p;
	struct lone *l = open_before_the_wrap(&p);
	uint8_t buf[30];

	say_urgent(l, &p, 0, 100, 40);
	CU_ASSERT_EQUAL(news(l, p.sock), SOCK_URGENT | SOCK_READABLE);
	CU_ASSERT_EQUAL(urgent_left(l, &p), 40);

	CU_ASSERT_EQUAL(sock_recv(l->s, p.sock, buf, 30), 30);
	CU_ASSERT_EQUAL(urgent_left(l, &p), 10);
	CU_ASSERT_EQUAL(sock_recv(l->s, p.sock, buf, 10), 10);
	CU_ASSERT_EQUAL(urgent_left(l, &p), 0);
	CU_ASSERT_EQUAL(lone_read(l, &p, p.nxt + 40), 60); /* nothing was taken out of the stream */
	lone_free(l);
}

static void the_user_is_told_again_when_the_pointer_moves_and_only_then(void)
{
	struct lone_peer p;
	struct lone *l = open_before_the_wrap(&p);

	say_urgent(l, &p, 0, 10, 40);
	CU_ASSERT_TRUE(news(l, p.sock) & SOCK_URGENT);
	say_urgent(l, &p, 10, 10, 30); /* the same end */
	CU_ASSERT_FALSE(news(l, p.sock) & SOCK_URGENT);
	say_urgent(l, &p, 20, 10, 5); /* an older end */
	CU_ASSERT_FALSE(news(l, p.sock) & SOCK_URGENT);
	CU_ASSERT_EQUAL(urgent_left(l, &p), 40);
	say_urgent(l, &p, 30, 10, 30);
	CU_ASSERT_TRUE(news(l, p.sock) & SOCK_URGENT);
	CU_ASSERT_EQUAL(urgent_left(l, &p), 60);
	lone_free(l);
}

static void a_pointer_to_what_has_been_read_is_no_news(void)
{
	struct lone_peer p;
	struct lone *l = open_before_the_wrap(&p);

	say_urgent(l, &p, 0, 50, 50);
	CU_ASSERT_EQUAL(lone_read(l, &p, p.nxt), 50);
	news(l, p.sock);
	say_urgent(l, &p, 50, 0, 0);
	CU_ASSERT_FALSE(news(l, p.sock) & SOCK_URGENT);
	CU_ASSERT_EQUAL(urgent_left(l, &p), 0);
	say_urgent(l, &p, 50, 0, 7); /* the data are still to come */
	CU_ASSERT_TRUE(news(l, p.sock) & SOCK_URGENT);
	CU_ASSERT_EQUAL(urgent_left(l, &p), 7);
	lone_free(l);
}

static void urgent_counts_though_the_window_is_shut(void)
{
	struct lone *l = lone_new();
	struct lone_peer p = lone_peer(0);

	l->cfg.tcp.rcvbuf = 1000;
	lone_start(l);
	p.ts = false;
	lone_handshake(l, &p);
	lone_say(l, &p, TH_ACK, 1000);
	news(l, p.sock);
	lone_forget(l);

	say_urgent(l, &p, 0, 1, 300);
	CU_ASSERT_TRUE(news(l, p.sock) & SOCK_URGENT);
	CU_ASSERT_EQUAL(urgent_left(l, &p), 1300);
	CU_ASSERT_EQUAL(sock_readable(l->s, p.sock), 1000);
	CU_ASSERT_EQUAL(l->nheard, 1); /* and it is answered */
	lone_free(l);
}

static void urgent_data_of_any_length_go_across(void)
{
	struct lone_peer p;
	struct lone *l = open_before_the_wrap(&p);
	uint32_t from = p.nxt;

	for (uint32_t at = 0; at < 200000; at += 1000) { /* far more than a pointer can reach */
		uint32_t ahead = 200000 - at;

		say_urgent(l, &p, at, 1000, (uint16_t)(ahead < 65535 ? ahead : 65535));
		CU_ASSERT_TRUE(!!(news(l, p.sock) & SOCK_URGENT) == (ahead >= 65000));
	}
	CU_ASSERT_EQUAL(urgent_left(l, &p), 200000);
	CU_ASSERT_EQUAL(lone_read(l, &p, from), 200000);
	CU_ASSERT_EQUAL(urgent_left(l, &p), 0);
	lone_free(l);
}

static void urgent_data_that_end_with_the_stream_are_counted_right(void)
{
	struct lone_peer p;
	struct lone *l = open_before_the_wrap(&p);
	struct seg g = {.seq = seq_of(p.nxt),
			.ack = seq_of(p.ack),
			.flags = TH_ACK | TH_URG | TH_FIN,
			.wnd = p.wnd,
			.urg = 25,
			.len = 25};

	lone_say_seg(l, &p, &g, NULL);
	CU_ASSERT_TRUE(news(l, p.sock) & SOCK_URGENT);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_CLOSE_WAIT);
	CU_ASSERT_EQUAL(urgent_left(l, &p), 25);
	CU_ASSERT_EQUAL(lone_read(l, &p, p.nxt), 25);
	CU_ASSERT_EQUAL(urgent_left(l, &p), 0);

	say_urgent(l, &p, 26, 0, 9); /* RFC 9293 3.10.7.4: ignored after the FIN */
	CU_ASSERT_FALSE(news(l, p.sock) & SOCK_URGENT);
	lone_free(l);
}

static void a_reset_counts_though_the_window_is_shut(void)
{
	struct lone *l = lone_new();
	struct lone_peer p = lone_peer(0);

	l->cfg.tcp.rcvbuf = 1000;
	lone_start(l);
	lone_handshake(l, &p);
	lone_say(l, &p, TH_ACK, 1000);
	CU_ASSERT_EQUAL(lone_last(l, TH_ACK, TH_ACK)->wnd, 0);
	lone_say(l, &p, TH_RST, 0);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_CLOSED);
	lone_free(l);
}

static void after_25_idle_days_an_old_timestamp_is_believed(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(0);

	lone_handshake(l, &p);
	lone_wait(l, 20 * 24 * 3600 * SEC);
	p.ts_val -= 1000;
	lone_say(l, &p, TH_ACK, 10);
	p.nxt -= 10;
	CU_ASSERT_EQUAL(sock_readable(l->s, p.sock), 0);
	lone_wait(l, 5 * 24 * 3600 * SEC);
	lone_forget(l);
	lone_say(l, &p, TH_ACK, 10);
	CU_ASSERT_EQUAL(sock_readable(l->s, p.sock), 10);
	CU_ASSERT_EQUAL(lone_last(l, TH_ACK, TH_ACK)->opt.ts_ecr, p.ts_val);
	lone_free(l);
}

static struct lone *open_as(bool free_bsd)
{
	struct lone *l = lone_new();

	l->cfg.tcp.syn_unanswered = l->cfg.tcp.old_acks = l->cfg.tcp.eager_updates = free_bsd;
	lone_start(l);
	return l;
}

static void a_syn_that_opens_nothing_in_time_wait_is_answered_unless_the_switch_says_no(void)
{
	for (int quiet = 0; quiet < 2; quiet++) {
		struct lone *l = open_as(quiet);
		struct lone_peer p = lone_peer(0);

		CU_ASSERT_TRUE_FATAL(lone_reach(l, &p, TCP_TIME_WAIT));
		struct seg old = {.seq = seq_of(p.nxt - 1), .flags = TH_SYN, .wnd = p.wnd};

		lone_forget(l);
		lone_say_seg(l, &p, &old, NULL);
		CU_ASSERT_EQUAL(l->nheard, quiet ? 0 : 1);
		CU_ASSERT_EQUAL(lone_state(l, &p), TCP_TIME_WAIT);
		lone_free(l);
	}
}

static void a_syn_ack_to_a_listener_is_reset_unless_the_switch_says_no(void)
{
	for (int quiet = 0; quiet < 2; quiet++) {
		struct lone *l = open_as(quiet);
		struct lone_peer p = lone_peer(0);

		lone_say(l, &p, TH_SYN | TH_ACK, 0);
		CU_ASSERT_EQUAL(lone_heard(l, TH_RST, TH_RST), quiet ? 0 : 1);
		lone_free(l);
	}
}

static void the_ack_of_an_old_fin_counts_only_with_the_switch(void)
{
	for (int counts = 0; counts < 2; counts++) {
		struct lone *l = open_as(counts);
		struct lone_peer p = lone_peer(0);

		CU_ASSERT_TRUE_FATAL(lone_reach(l, &p, TCP_CLOSING));
		struct sock_info i;

		CU_ASSERT_TRUE_FATAL(lone_info(l, &p, &i));
		struct seg fin = {.seq = seq_of(p.nxt - 1),
				  .ack = seq_of(i.snd_nxt),
				  .flags = TH_ACK | TH_FIN,
				  .wnd = p.wnd};

		fin.opt.has_ts = p.ts;
		fin.opt.ts_val = p.ts_val;
		fin.opt.ts_ecr = p.ts_ecr;
		lone_forget(l);
		lone_say_seg(l, &p, &fin, NULL);
		CU_ASSERT_EQUAL(lone_state(l, &p), counts ? TCP_TIME_WAIT : TCP_CLOSING);
		CU_ASSERT_EQUAL(lone_heard(l, TH_ACK, TH_ACK), 1);
		lone_free(l);
	}
}

/* A third of the buffer is filled and read: the window is still more than half open. */
static void reading_announces_a_quarter_of_the_buffer_only_with_the_switch(void)
{
	for (int eager = 0; eager < 2; eager++) {
		struct lone *l = lone_new();
		struct lone_peer p = lone_peer(0);

		l->cfg.tcp.eager_updates = eager;
		l->cfg.tcp.rcvbuf = 30000;
		lone_start(l);
		lone_handshake(l, &p);
		for (int i = 0; i < 10; i++)
			lone_say(l, &p, TH_ACK, 1000);
		lone_wait(l, SEC);
		lone_forget(l);
		CU_ASSERT_EQUAL(lone_read(l, &p, p.nxt - 10000), 10000);
		lone_turn(l);
		CU_ASSERT_EQUAL(l->nheard, eager ? 1 : 0);
		lone_free(l);
	}
}

/* keep_syn_text: nobody is left to read it. */
static void text_of_a_crossing_syn_is_let_go_when_the_user_has_closed(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(0);
	struct sock_info i = {.unread = 1};

	lone_connect(l, &p);
	lone_say(l, &p, TH_SYN, 100);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_SYN_RECEIVED);
	CU_ASSERT_EQUAL(sock_readable(l->s, p.sock), 0);
	sock_close(l->s, p.sock);
	lone_turn(l);
	p.ack = p.stack_iss + 1;
	lone_say(l, &p, TH_ACK, 0);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_FIN_WAIT_1);
	CU_ASSERT_TRUE(lone_info(l, &p, &i));
	CU_ASSERT_EQUAL(i.unread, 0);
	lone_free(l);
}

static const struct test_case cases[] = {
	TEST(text_of_a_crossing_syn_is_let_go_when_the_user_has_closed),
	TEST(a_syn_that_opens_nothing_in_time_wait_is_answered_unless_the_switch_says_no),
	TEST(a_syn_ack_to_a_listener_is_reset_unless_the_switch_says_no),
	TEST(the_ack_of_an_old_fin_counts_only_with_the_switch),
	TEST(reading_announces_a_quarter_of_the_buffer_only_with_the_switch),
	TEST(a_reset_counts_though_the_window_is_shut),
	TEST(after_25_idle_days_an_old_timestamp_is_believed),
	TEST(the_user_is_told_of_urgent_data_and_reads_them_in_line),
	TEST(the_user_is_told_again_when_the_pointer_moves_and_only_then),
	TEST(a_pointer_to_what_has_been_read_is_no_news),
	TEST(urgent_counts_though_the_window_is_shut),
	TEST(urgent_data_of_any_length_go_across),
	TEST(urgent_data_that_end_with_the_stream_are_counted_right),
};
TEST_SUITE(tcp_input, cases);
