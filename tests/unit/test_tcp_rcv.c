/* Text arrives: when it is acknowledged, and how the window opens. */
#include <string.h>

#include "../lib/lone.h"

static struct lone *open_one(struct lone_peer *p, uint32_t rcvbuf)
{
	struct lone *l = lone_new();

	if (rcvbuf)
		l->cfg.tcp.rcvbuf = rcvbuf;
	l->cfg.tcp.quickack = false;
	lone_start(l);
	*p = lone_peer(0);
	p->ts = false;
	lone_handshake(l, p);
	return l;
}

static void put(struct lone *l, struct lone_peer *p, uint32_t len)
{
	struct seg g = {.seq = seq_of(p->nxt), .ack = seq_of(p->ack), .flags = TH_ACK, .wnd = p->wnd, .len = len};
	uint8_t f[LONE_FRAME];

	lone_put(l, f, lone_frame(f, p, &g, NULL));
	p->nxt += len;
}

static void what_arrives_together_is_acknowledged_once(void)
{
	struct lone_peer p;
	struct lone *l = open_one(&p, 0);

	for (int i = 0; i < 6; i++)
		put(l, &p, 1460);
	lone_turn(l);
	CU_ASSERT_EQUAL(l->nheard, 1);
	CU_ASSERT_EQUAL(l->heard[0].ack.v, p.nxt);
	lone_free(l);
}

static void one_segment_waits_for_a_second_but_not_half_a_second(void)
{
	struct lone_peer p;
	struct lone *l = open_one(&p, 0);

	lone_say(l, &p, TH_ACK, 1460);
	CU_ASSERT_EQUAL(l->nheard, 0);
	lone_wait(l, 499 * MS);
	CU_ASSERT_EQUAL(l->nheard, 1);
	CU_ASSERT_EQUAL(l->heard[0].ack.v, p.nxt);

	lone_forget(l);
	lone_say(l, &p, TH_ACK, 1460);
	CU_ASSERT_EQUAL(l->nheard, 0);
	lone_say(l, &p, TH_ACK, 1460);
	CU_ASSERT_EQUAL(l->nheard, 1);
	CU_ASSERT_EQUAL(l->heard[0].ack.v, p.nxt);
	lone_free(l);
}

/* With quick ACKs, and the phase at the start behind it. */
static struct lone *open_quick(struct lone_peer *p)
{
	struct lone *l = lone_open();

	*p = lone_peer(0);
	p->ts = false;
	lone_handshake(l, p);
	for (int i = 0; i < 16; i++)
		lone_say(l, p, TH_ACK, 1460);
	CU_ASSERT_EQUAL(l->nheard, 16);
	lone_wait(l, 50 * MS);
	lone_forget(l);
	return l;
}

/* Does a lone segment have its ACK at once? */
static bool answered(struct lone *l, struct lone_peer *p)
{
	size_t before = l->nheard;

	lone_say(l, p, TH_ACK, 1460);
	return l->nheard > before;
}

static void after_a_duplicate_sixteen_segments_are_answered_at_once(void)
{
	struct lone_peer p;
	struct lone *l = open_quick(&p);

	CU_ASSERT_FALSE(answered(l, &p));
	lone_wait(l, 50 * MS);
	p.nxt -= 1460;
	CU_ASSERT_TRUE(answered(l, &p)); /* the copy: RFC 2883 */
	for (int i = 0; i < 16; i++)
		CU_ASSERT_TRUE(answered(l, &p));
	CU_ASSERT_FALSE(answered(l, &p));
	lone_free(l);
}

static void after_a_silence_a_segment_is_answered_at_once(void)
{
	struct lone_peer p;
	struct lone *l = open_quick(&p);

	lone_wait(l, 100 * MS);
	CU_ASSERT_FALSE(answered(l, &p));
	lone_wait(l, 1001 * MS); /* beyond a timeout */
	CU_ASSERT_TRUE(answered(l, &p));
	CU_ASSERT_TRUE(answered(l, &p));
	lone_free(l);
}

static void in_a_dialogue_a_silence_says_nothing(void)
{
	struct lone_peer p;
	struct lone *l = open_quick(&p);

	lone_wait(l, 100 * MS);
	CU_ASSERT_EQUAL(sock_send(l->s, p.sock, "answer", 6), 6);
	lone_turn(l);
	p.ack += 6;
	lone_say(l, &p, TH_ACK, 0);
	lone_wait(l, 1001 * MS);
	CU_ASSERT_FALSE(answered(l, &p));
	lone_free(l);
}

/* A lone segment with PSH, then the user reads. Is there an ACK at once? */
static bool answered_when_read(struct lone *l, struct lone_peer *p, uint16_t flags, size_t leave)
{
	size_t before = l->nheard;
	uint8_t buf[1460];

	lone_say(l, p, flags, 1460);
	CU_ASSERT_EQUAL(l->nheard, before);
	CU_ASSERT_EQUAL(sock_recv(l->s, p->sock, buf, sizeof(buf) - leave), (int64_t)(sizeof(buf) - leave));
	lone_turn(l);
	return l->nheard > before;
}

static void text_with_psh_is_answered_once_all_of_it_is_read(void)
{
	struct lone_peer p;
	struct lone *l = open_quick(&p);

	CU_ASSERT_EQUAL(lone_read(l, &p, p.nxt - 16 * 1460), 16 * 1460);
	CU_ASSERT_FALSE(answered_when_read(l, &p, TH_ACK, 0));
	lone_wait(l, 50 * MS);
	CU_ASSERT_TRUE(answered_when_read(l, &p, TH_ACK | TH_PSH, 0));
	CU_ASSERT_FALSE(answered_when_read(l, &p, TH_ACK | TH_PSH, 1));
	lone_free(l);
}

static void in_a_dialogue_what_was_read_waits_for_the_answer(void)
{
	struct lone_peer p;
	struct lone *l = open_quick(&p);

	CU_ASSERT_EQUAL(lone_read(l, &p, p.nxt - 16 * 1460), 16 * 1460);
	CU_ASSERT_EQUAL(sock_send(l->s, p.sock, "answer", 6), 6);
	lone_turn(l);
	p.ack += 6;
	lone_say(l, &p, TH_ACK, 0);
	CU_ASSERT_FALSE(answered_when_read(l, &p, TH_ACK | TH_PSH, 0));
	lone_free(l);
}

static void the_window_opens_by_whole_segments(void)
{
	struct lone_peer p;
	struct lone *l = open_one(&p, 8 * 1460);
	uint8_t buf[1460];
	uint32_t edge;

	for (int i = 0; i < 8; i++)
		lone_say(l, &p, TH_ACK, 1460);
	const struct seg *g = lone_last(l, TH_ACK, TH_ACK);

	CU_ASSERT_PTR_NOT_NULL_FATAL(g);
	CU_ASSERT_EQUAL(g->wnd, 0);
	edge = g->ack.v;

	lone_forget(l);
	for (int i = 0; i < 14; i++) { /* a hundred bytes at a time */
		sock_recv(l->s, p.sock, buf, 100);
		lone_turn(l);
	}
	lone_say(l, &p, TH_ACK, 0);
	for (size_t i = 0; i < l->nheard; i++) {
		CU_ASSERT_EQUAL(l->heard[i].wnd, 0);
		CU_ASSERT_EQUAL(l->heard[i].ack.v, edge);
	}
	lone_forget(l);
	sock_recv(l->s, p.sock, buf, 60);
	lone_turn(l);
	CU_ASSERT_EQUAL(l->nheard, 1);
	CU_ASSERT_TRUE((uint32_t)l->heard[0].wnd << 0 >= 1460);
	lone_free(l);
}

static const struct test_case cases[] = {
	TEST(what_arrives_together_is_acknowledged_once),
	TEST(one_segment_waits_for_a_second_but_not_half_a_second),
	TEST(after_a_duplicate_sixteen_segments_are_answered_at_once),
	TEST(after_a_silence_a_segment_is_answered_at_once),
	TEST(in_a_dialogue_a_silence_says_nothing),
	TEST(text_with_psh_is_answered_once_all_of_it_is_read),
	TEST(in_a_dialogue_what_was_read_waits_for_the_answer),
	TEST(the_window_opens_by_whole_segments),
};
TEST_SUITE(tcp_rcv, cases);
