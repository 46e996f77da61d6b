#include "../lib/cc_rig.h"
#include "../lib/test.h"

#include <math.h>

#define MSS 1000u

/* One window, of which `share` of 100 segments carried a mark. */
static void window(struct cc_rig *r, uint32_t share)
{
	for (uint32_t i = 0; i < 100; i++) {
		r->a.ce_bytes = i * share % 100 < share ? MSS : 0; /* evenly */
		r->cc.cwnd = 100 * MSS; /* only alpha is looked at */
		cc_rig_ack(r, MSS);
	}
}

static uint32_t alpha(const struct cc_rig *r)
{
	return (uint32_t)r->cc.ops->info(&r->cc);
}

static void start(struct cc_rig *r)
{
	cc_rig_init(r, CC_DCTCP, MSS, 100 * MSS);
	r->cc.ssthresh = 100 * MSS;
}

static void alpha_starts_at_one_and_follows_the_marks(void)
{
	struct cc_rig r;
	double want = 1;

	start(&r);
	CU_ASSERT_EQUAL(alpha(&r), 1024);
	for (int i = 0; i < 100; i++) {
		window(&r, 30);
		want = want * 15 / 16 + 0.3 / 16;
		CU_ASSERT_TRUE(fabs(alpha(&r) - want * 1024) < 5);
	}
	CU_ASSERT_TRUE(alpha(&r) >= 305 && alpha(&r) <= 309);
}

static void without_marks_alpha_reaches_zero(void)
{
	struct cc_rig r;

	start(&r);
	for (int i = 0; i < 120; i++)
		window(&r, 0);
	CU_ASSERT_EQUAL(alpha(&r), 0);
}

static void marks_cut_in_proportion_and_losses_by_half(void)
{
	struct cc_rig r;

	start(&r);
	for (int i = 0; i < 100; i++)
		window(&r, 20);
	r.cc.cwnd = 100 * MSS;
	r.a.ece = true;
	r.cc.ops->on_congestion(&r.cc, &r.a);
	CU_ASSERT_TRUE(r.cc.cwnd > 88 * MSS && r.cc.cwnd < 92 * MSS); /* 1 - 0.2 / 2 */
	CU_ASSERT_EQUAL(r.cc.cwnd, r.cc.ssthresh);

	r.cc.cwnd = 100 * MSS;
	r.a.lost = MSS;
	r.cc.ops->on_congestion(&r.cc, &r.a);
	CU_ASSERT_EQUAL(r.cc.cwnd, 50 * MSS);
}

static void it_grows_as_reno_does(void)
{
	struct cc_rig r;

	start(&r);
	for (uint32_t i = 101; i < 110; i++) {
		cc_rig_round(&r, MS);
		CU_ASSERT_EQUAL(r.cc.cwnd, i * MSS);
	}
}

static const struct test_case cases[] = {
	TEST(alpha_starts_at_one_and_follows_the_marks),
	TEST(without_marks_alpha_reaches_zero),
	TEST(marks_cut_in_proportion_and_losses_by_half),
	TEST(it_grows_as_reno_does),
};
TEST_SUITE(cc_dctcp, cases);
