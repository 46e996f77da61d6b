#include "../lib/cc_rig.h"
#include "../lib/test.h"

#define MSS 1000u

static void nothing_closes_the_window(void)
{
	struct cc_rig r;

	cc_rig_init(&r, CC_NONE, MSS, 10 * MSS);
	CU_ASSERT_EQUAL(r.cc.cwnd, 1u << 30);
	r.cc.ops->on_congestion(&r.cc, &r.a);
	CU_ASSERT_EQUAL(r.cc.cwnd, 1u << 30);
	r.cc.ops->on_timeout(&r.cc, &r.a);
	r.cc.cwnd = MSS; /* the engine's part after a timeout */
	cc_rig_ack(&r, MSS);
	CU_ASSERT_EQUAL(r.cc.cwnd, 1u << 30);
}

static const struct test_case cases[] = {TEST(nothing_closes_the_window)};
TEST_SUITE(cc_none, cases);
