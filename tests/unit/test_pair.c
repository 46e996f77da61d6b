/* The pair in memory: order, back-pressure, and what happens to frames when an end goes. */
#include "../lib/test.h"

#include "link.h"

static struct pkt_pool pool;
static struct link *end[2];

static void begin(uint32_t depth)
{
	pkt_pool_init(&pool, 0, 0);
	CU_ASSERT_TRUE(link_pair(&pool, depth, 1500, 65535, end));
}

static struct pkt *frame(char c)
{
	return pkt_of_bytes(&pool, &c, 1);
}

static void what_is_sent_arrives_at_the_other_end_in_order(void)
{
	struct pkt *in[3], *out[8];

	begin(8);
	for (int i = 0; i < 3; i++)
		in[i] = frame((char)('a' + i));

	CU_ASSERT_EQUAL(end[0]->ops->send(end[0], in, 3), 3);
	CU_ASSERT_EQUAL(end[0]->ops->recv(end[0], out, 8), 0);
	CU_ASSERT_EQUAL(end[1]->ops->recv(end[1], out, 2), 2);
	CU_ASSERT_EQUAL(end[1]->ops->recv(end[1], out + 2, 6), 1);
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(out[i]->data[0], 'a' + i);
		pkt_free(out[i]);
	}

	end[0]->ops->close(end[0]);
	end[1]->ops->close(end[1]);
	pkt_pool_free(&pool);
}

static void a_full_end_leaves_the_rest_with_the_sender(void)
{
	struct pkt *in[3] = {0}, *out[2];

	begin(2);
	for (int i = 0; i < 3; i++)
		in[i] = frame((char)i);

	CU_ASSERT_EQUAL(end[0]->ops->send(end[0], in, 3), 2);
	CU_ASSERT_EQUAL(end[0]->ops->send(end[0], in + 2, 1), 0);
	CU_ASSERT_EQUAL(end[1]->ops->recv(end[1], out, 1), 1);
	CU_ASSERT_EQUAL(end[0]->ops->send(end[0], in + 2, 1), 1);

	pkt_free(out[0]);
	end[1]->ops->close(end[1]); /* with two frames unread: the pool sees whether they came back */
	end[0]->ops->close(end[0]);
	pkt_pool_free(&pool);
}

static void frames_to_a_closed_end_are_dropped_and_counted(void)
{
	struct pkt *in;

	begin(1);
	in = frame('x');
	end[1]->ops->close(end[1]);

	CU_ASSERT_EQUAL(end[0]->ops->send(end[0], &in, 1), 1);
	CU_ASSERT_EQUAL(end[0]->tx_dropped, 1);

	end[0]->ops->close(end[0]);
	pkt_pool_free(&pool);
}

static const struct test_case cases[] = {
	TEST(what_is_sent_arrives_at_the_other_end_in_order),
	TEST(a_full_end_leaves_the_rest_with_the_sender),
	TEST(frames_to_a_closed_end_are_dropped_and_counted),
};
TEST_SUITE(pair, cases);
