/* What becomes of connections whose next hop nobody answers for. */
#include "../lib/test.h"
#include "../lib/twohosts.h"

static bool all_lost(struct twohosts *w, int side, const struct pkt *p, const struct seg *g, ns_t now)
{
	(void)w, (void)side, (void)p, (void)g, (void)now;
	return true;
}

static void a_connect_without_a_neighbour_fails_in_seconds(void)
{
	struct twohosts *w = twohosts_new(1, NULL, NULL);
	struct sock_event ev;
	sock_t s = sock_open(w->stack[0]);

	w->wire = all_lost;
	CU_ASSERT_EQUAL(sock_connect(w->stack[0], s, &w->addr[1], 80), 0);
	twohosts_run(w, 10 * SEC);
	CU_ASSERT_EQUAL(stack_events(w->stack[0], &ev, 1), 1);
	CU_ASSERT_EQUAL(ev.sock, s);
	CU_ASSERT_TRUE(ev.bits & SOCK_ERROR);
	CU_ASSERT_EQUAL(sock_error(w->stack[0], s), ERR_UNREACH);

	/* Asked again while the failure is remembered: at once. */
	sock_t again = sock_open(w->stack[0]);
	ns_t begin = w->now;

	CU_ASSERT_EQUAL(sock_connect(w->stack[0], again, &w->addr[1], 80), 0);
	twohosts_run(w, begin + 4 * SEC);
	CU_ASSERT_EQUAL(sock_error(w->stack[0], again), ERR_UNREACH);
	sock_close(w->stack[0], s);
	sock_close(w->stack[0], again);
	twohosts_free(w);
}

static void an_established_connection_outlives_a_silent_neighbour(void)
{
	struct twohosts *w = twohosts_new(1, NULL, NULL);
	struct sock_info i;

	CU_ASSERT_FATAL(twohosts_connect(w));
	twohosts_run(w, w->now + 120 * SEC); /* the neighbour's entry is old by now */
	w->wire = all_lost;
	CU_ASSERT_EQUAL(sock_send(w->stack[0], w->client, "x", 1), 1);
	twohosts_run(w, w->now + 30 * SEC);
	CU_ASSERT_EQUAL(sock_info(w->stack[0], w->client, &i), 0);
	CU_ASSERT_EQUAL(i.state, TCP_ESTABLISHED);
	w->wire = NULL;
	twohosts_run(w, w->now + 120 * SEC);
	sock_info(w->stack[0], w->client, &i);
	CU_ASSERT_EQUAL(i.bytes_acked, 1);
	twohosts_free(w);
}

static const struct test_case cases[] = {
	TEST(a_connect_without_a_neighbour_fails_in_seconds),
	TEST(an_established_connection_outlives_a_silent_neighbour),
};
TEST_SUITE(tcp_unreached, cases);
