/* Samples of the round trip where acknowledgements are lost: an ACK of a duplicate is none. */
#include "../lib/test.h"
#include "../lib/twohosts.h"

/* The first data segment arrives, and so do its repetitions; the ACKs of the first three are lost. */
static bool acks_lost(struct twohosts *w, int side, const struct pkt *p, const struct seg *g, ns_t now)
{
	int *left = w->arg;

	(void)p, (void)now;
	return side == 1 && g && g->flags & TH_ACK && !(g->flags & TH_SYN) && *left > 0 && (*left)-- > 0;
}

static void an_ack_of_a_duplicate_is_no_sample_of_the_round_trip(void)
{
	struct twohosts *w = twohosts_new(7, NULL, NULL);
	struct sock_info i;
	int left = 3;

	CU_ASSERT_FATAL(twohosts_connect(w));
	twohosts_run(w, w->now + SEC);
	w->arg = &left;
	w->wire = acks_lost;
	CU_ASSERT_EQUAL(sock_send(w->stack[0], w->client, "x", 1), 1);
	twohosts_run(w, w->now + 20 * SEC);

	CU_ASSERT_EQUAL(left, 0);
	sock_info(w->stack[0], w->client, &i);
	CU_ASSERT_EQUAL(i.bytes_acked, 1);
	CU_ASSERT_TRUE(i.dsacks >= 1);
	CU_ASSERT_TRUE(i.srtt < 100 * MS);
	CU_ASSERT_TRUE(i.rto < 500 * MS);
	twohosts_free(w);
}

static const struct test_case cases[] = {
	TEST(an_ack_of_a_duplicate_is_no_sample_of_the_round_trip),
};
TEST_SUITE(tcp_rtt_dsack, cases);
