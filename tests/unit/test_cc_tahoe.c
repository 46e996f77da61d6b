#include "../lib/cc_rig.h"
#include "../lib/test.h"

#define MSS 1000u

static void every_loss_means_slow_start_from_one_segment(void)
{
	struct cc_rig r;

	cc_rig_init(&r, CC_TAHOE, MSS, 16 * MSS);
	r.a.lost = MSS;
	r.cc.ops->on_congestion(&r.cc, &r.a);
	r.a.lost = 0;
	CU_ASSERT_EQUAL(r.cc.cwnd, MSS);
	CU_ASSERT_EQUAL(r.cc.ssthresh, 8 * MSS);

	static const uint32_t want[] = {2, 4, 8, 9, 10};

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		r.a.in_recovery = i < 2; /* it grows from the first ACK on */
		cc_rig_round(&r, 20 * MS);
		CU_ASSERT_EQUAL(r.cc.cwnd, want[i] * MSS);
	}
}

static void a_timeout_means_the_same(void)
{
	struct cc_rig r;

	cc_rig_init(&r, CC_TAHOE, MSS, 16 * MSS);
	r.cc.ops->on_timeout(&r.cc, &r.a);
	CU_ASSERT_EQUAL(r.cc.ssthresh, 8 * MSS);
	CU_ASSERT_EQUAL(r.cc.cwnd, MSS);
}

static const struct test_case cases[] = {
	TEST(every_loss_means_slow_start_from_one_segment),
	TEST(a_timeout_means_the_same),
};
TEST_SUITE(cc_tahoe, cases);
