/* What the stack says and when: segment sizes, urgent pointers, silly windows, probes. */
#include <string.h>

#include "../../stack/base/check.h"
#include "../lib/lone.h"

/* A peer without timestamps and scaling, so that sizes and windows are plain numbers. */
static struct lone_peer plain(void)
{
	struct lone_peer p = lone_peer(0);

	p.ts = false;
	p.wscale = 0xff;
	return p;
}

static struct lone *open_at(uint32_t isn, struct lone_peer *p)
{
	struct lone *l = lone_new();

	l->cfg.tcp.isn_is_fixed = true;
	l->cfg.tcp.isn_fixed = isn;
	lone_start(l);
	*p = plain();
	lone_handshake(l, p);
	return l;
}

static int64_t write_some(struct lone *l, const struct lone_peer *p, size_t n, bool urgent)
{
	static const uint8_t bytes[200000];

	assert(n <= sizeof(bytes));
	return urgent ? sock_send_urgent(l->s, p->sock, bytes, n) : sock_send(l->s, p->sock, bytes, n);
}

static void say_ack(struct lone *l, struct lone_peer *p, uint32_t ack, uint16_t wnd)
{
	p->ack = ack;
	p->wnd = wnd;
	lone_say(l, p, TH_ACK, 0);
}

/* ---- urgent data (RFC 9293 3.8.5) ---- */

static void each_segment_points_to_the_octet_after_the_urgent_data(void)
{
	struct lone_peer p;
	struct lone *l = open_at(0xffffffffu - 1500, &p); /* the numbers wrap in the second segment */

	CU_ASSERT_EQUAL(write_some(l, &p, 3000, true), 3000);
	lone_turn(l);

	CU_ASSERT_EQUAL(l->nheard, 3);
	for (size_t i = 0; i < l->nheard; i++) {
		const struct seg *g = &l->heard[i];

		CU_ASSERT_TRUE(g->flags & TH_URG);
		CU_ASSERT_EQUAL(g->seq.v + g->urg, p.ack + 3000);
	}
	lone_free(l);
}

static void what_follows_urgent_data_is_not_urgent(void)
{
	struct lone_peer p;
	struct lone *l = open_at(1, &p);

	write_some(l, &p, 1, true);
	write_some(l, &p, 100, false);
	lone_turn(l);
	const struct seg *both = lone_last(l, TH_URG, TH_URG);

	CU_ASSERT_PTR_NOT_NULL_FATAL(both);
	CU_ASSERT_EQUAL(both->len, 101);
	CU_ASSERT_EQUAL(both->urg, 1);

	lone_forget(l);
	say_ack(l, &p, p.ack + 101, 65535);
	write_some(l, &p, 50, false);
	lone_turn(l);
	CU_ASSERT_EQUAL(lone_heard_bytes(l), 50);
	CU_ASSERT_EQUAL(lone_heard(l, TH_URG, TH_URG), 0);
	lone_free(l);
}

static void urgent_data_do_not_wait_for_nagle(void)
{
	struct lone_peer p;
	struct lone *l = open_at(1, &p);

	write_some(l, &p, 10, false);
	lone_turn(l);
	write_some(l, &p, 10, false);
	lone_turn(l);
	CU_ASSERT_EQUAL(lone_heard_bytes(l), 10); /* the second small one waits */
	write_some(l, &p, 1, true);
	lone_turn(l);
	CU_ASSERT_EQUAL(lone_heard_bytes(l), 21);
	lone_free(l);
}

static void a_retransmission_is_as_urgent_as_the_first(void)
{
	struct lone_peer p;
	struct lone *l = open_at(0xffffffffu, &p);

	write_some(l, &p, 700, true);
	lone_turn(l);
	lone_forget(l);
	lone_wait(l, 3 * SEC);

	CU_ASSERT_TRUE(l->nheard >= 2);
	for (size_t i = 0; i < l->nheard; i++) {
		CU_ASSERT_EQUAL(l->heard[i].seq.v, p.ack);
		CU_ASSERT_TRUE(l->heard[i].flags & TH_URG);
		CU_ASSERT_EQUAL(l->heard[i].urg, 700);
	}
	lone_free(l);
}

static void a_shut_window_does_not_hide_that_something_is_urgent(void)
{
	struct lone_peer p;
	struct lone *l = open_at(0xfffffff0u, &p);

	say_ack(l, &p, p.ack, 0);
	lone_forget(l);
	write_some(l, &p, 5000, true);
	lone_turn(l);
	CU_ASSERT_EQUAL(l->nheard, 1);
	CU_ASSERT_EQUAL(l->heard[0].len, 0);
	CU_ASSERT_EQUAL(l->heard[0].urg, 5000);
	CU_ASSERT_TRUE(l->heard[0].flags & TH_URG);

	lone_forget(l);
	lone_wait(l, 2 * SEC); /* window probes say so as well */
	CU_ASSERT_TRUE(l->nheard >= 1);
	CU_ASSERT_EQUAL(lone_heard(l, TH_URG, TH_URG), l->nheard);
	lone_free(l);
}

static void a_pointer_out_of_reach_points_as_far_as_it_can(void)
{
	struct lone_peer p;
	struct lone *l = open_at(0xffff0000u, &p);
	uint32_t end = p.ack + 100000, at = p.ack;
	bool far = false;

	write_some(l, &p, 100000, true);
	lone_turn(l);
	for (int round = 0; round < 50 && at != end; round++) {
		for (size_t i = 0; i < l->nheard; i++) {
			const struct seg *g = &l->heard[i];
			uint32_t ahead = end - g->seq.v;

			if (!g->len)
				continue;
			far = far || ahead > 65535;
			CU_ASSERT_TRUE(g->flags & TH_URG);
			CU_ASSERT_EQUAL(g->urg, ahead < 65535 ? ahead : 65535);
			at = g->seq.v + g->len;
		}
		lone_forget(l);
		say_ack(l, &p, at, 65535);
	}
	CU_ASSERT_EQUAL(at, end);
	CU_ASSERT_TRUE(far);
	lone_free(l);
}

static void the_pointer_moves_on_while_data_wait(void)
{
	struct lone_peer p;
	struct lone *l = open_at(7, &p);

	say_ack(l, &p, p.ack, 0);
	lone_forget(l);
	write_some(l, &p, 10, true);
	lone_turn(l);
	write_some(l, &p, 20, true);
	lone_turn(l);
	CU_ASSERT_EQUAL(l->nheard, 2);
	CU_ASSERT_EQUAL(l->heard[0].urg, 10);
	CU_ASSERT_EQUAL(l->heard[1].urg, 30);

	lone_forget(l);
	say_ack(l, &p, p.ack, 65535);
	CU_ASSERT_EQUAL(lone_heard_bytes(l), 30);
	CU_ASSERT_EQUAL(l->heard[0].urg, 30);
	lone_free(l);
}

/* ---- sizes ---- */

/* One byte each, from the back of the chunk to its front, so that no two are neighbours. */
static void write_slices(struct lone *l, const struct lone_peer *p, uint32_t n)
{
	struct chunk *c = chunk_new(&l->pool, CHUNK_SMALL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	for (uint32_t i = 0; i < n; i++) {
		c->data[n - 1 - i] = (uint8_t)(i * 7 + 1);
		CU_ASSERT_EQUAL(sock_send_slice(l->s, p->sock, c, n - 1 - i, 1), 1);
	}
	c->used = n;
	chunk_unref(&l->pool, c);
}

static bool last_text_is_right(const struct lone *l, uint32_t n)
{
	const uint8_t *text = l->last + l->last_len - n;

	for (uint32_t i = 0; i < n; i++)
		if (text[i] != (uint8_t)(i * 7 + 1))
			return false;
	return true;
}

static void a_segment_of_many_slices_is_whole_and_so_is_its_retransmission(void)
{
	struct lone_peer p;
	struct lone *l = open_at(1, &p);
	struct sock_info i;

	write_slices(l, &p, 600);
	lone_turn(l);
	CU_ASSERT_EQUAL(l->nheard, 1);
	CU_ASSERT_EQUAL(l->heard[0].len, 600);
	CU_ASSERT_TRUE(last_text_is_right(l, 600));

	lone_forget(l);
	lone_wait(l, 300 * MS);
	CU_ASSERT_EQUAL(l->nheard, 1);
	CU_ASSERT_EQUAL(l->heard[0].len, 600);
	CU_ASSERT_TRUE(last_text_is_right(l, 600));
	CU_ASSERT_EQUAL(sock_info(l->s, p.sock, &i), 0);
	CU_ASSERT_EQUAL(i.bytes_retrans, 600);

	say_ack(l, &p, p.ack + 600, 65535);
	CU_ASSERT_EQUAL(sock_info(l->s, p.sock, &i), 0);
	CU_ASSERT_EQUAL(i.unacked_segs, 0);
	lone_free(l);
}

static void many_slices_make_full_segments(void)
{
	struct lone_peer p;
	struct lone *l = open_at(1, &p);

	write_slices(l, &p, 2000);
	lone_turn(l);
	CU_ASSERT_EQUAL(l->nheard, 2);
	CU_ASSERT_EQUAL(l->heard[0].len, 1460);
	CU_ASSERT_EQUAL(l->heard[1].len, 540);
	lone_free(l);
}

/* RFC 9293 3.8.6.2.1: less than a segment and less than half the largest window is not worth sending,
 * until the override timeout; then it is what fits, in one segment. */
static void a_window_that_stays_small_is_filled_after_the_override_timeout(void)
{
	struct lone_peer p;
	struct lone *l = open_at(1, &p);

	say_ack(l, &p, p.ack, 500);
	lone_forget(l);
	write_some(l, &p, 100000, false);
	lone_wait(l, 150 * MS);
	CU_ASSERT_EQUAL(lone_heard_bytes(l), 0);
	lone_wait(l, 100 * MS);
	CU_ASSERT_EQUAL(l->nheard, 1);
	CU_ASSERT_EQUAL(lone_heard_bytes(l), 500);
	lone_free(l);
}

static void full_segments_go_and_the_end_of_each_unit_pushes(void)
{
	struct lone_peer p;
	struct lone *l = open_at(1, &p);

	for (int i = 0; i < 5; i++)
		write_some(l, &p, 1000, false);
	lone_turn(l);
	CU_ASSERT_EQUAL(l->nheard, 4);
	for (size_t i = 0; i < l->nheard; i++) {
		CU_ASSERT_EQUAL(l->heard[i].len, i < 3 ? 1460 : 5000 - 3 * 1460);
		CU_ASSERT_TRUE(!!(l->heard[i].flags & TH_PSH) == (i >= 2)); /* three in one unit, and the tail */
	}
	lone_free(l);
}

static void a_window_beyond_32767_is_not_negative(void)
{
	struct lone *l = lone_new();
	struct lone_peer p = plain();

	l->cfg.tcp.cc = CC_NONE;
	lone_start(l);
	lone_handshake(l, &p);
	write_some(l, &p, 100000, false);
	lone_turn(l);
	CU_ASSERT_EQUAL(lone_heard_bytes(l), 65535 - 65535 % 1460);
	lone_free(l);
}

static void a_corked_tail_goes_with_the_fin(void)
{
	struct lone_peer p;
	struct lone *l = open_at(0xffffff00u, &p);

	sock_set(l->s, p.sock, OPT_CORK, 1);
	write_some(l, &p, 100, false);
	lone_turn(l);
	CU_ASSERT_EQUAL(l->nheard, 0);

	sock_close(l->s, p.sock);
	lone_turn(l);

	const struct seg *g = lone_last(l, TH_FIN, TH_FIN);

	CU_ASSERT_PTR_NOT_NULL_FATAL(g);
	CU_ASSERT_EQUAL(l->nheard, 1);
	CU_ASSERT_EQUAL(g->len, 100);
	lone_free(l);
}

static const struct test_case cases[] = {
	TEST(full_segments_go_and_the_end_of_each_unit_pushes),
	TEST(a_window_beyond_32767_is_not_negative),
	TEST(each_segment_points_to_the_octet_after_the_urgent_data),
	TEST(what_follows_urgent_data_is_not_urgent),
	TEST(urgent_data_do_not_wait_for_nagle),
	TEST(a_retransmission_is_as_urgent_as_the_first),
	TEST(a_shut_window_does_not_hide_that_something_is_urgent),
	TEST(a_pointer_out_of_reach_points_as_far_as_it_can),
	TEST(the_pointer_moves_on_while_data_wait),
	TEST(a_segment_of_many_slices_is_whole_and_so_is_its_retransmission),
	TEST(many_slices_make_full_segments),
	TEST(a_window_that_stays_small_is_filled_after_the_override_timeout),
	TEST(a_corked_tail_goes_with_the_fin),
};
TEST_SUITE(tcp_output, cases);
