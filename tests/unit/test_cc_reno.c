#include "../lib/cc_rig.h"
#include "../lib/test.h"

#define MSS 1000u

/* The staircase of RFC 5681: double to ssthresh, then one segment a round, then half. */
static void the_window_climbs_a_staircase(void)
{
	struct cc_rig r;

	cc_rig_init(&r, CC_RENO, MSS, 2 * MSS);
	r.cc.ssthresh = 16 * MSS;
	static const uint32_t want[] = {4, 8, 16, 17, 18, 19, 20};

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		cc_rig_round(&r, 20 * MS);
		CU_ASSERT_EQUAL(r.cc.cwnd, want[i] * MSS);
	}
	cc_rig_loss(&r);
	CU_ASSERT_EQUAL(r.cc.cwnd, 10 * MSS);
	for (uint32_t i = 11; i < 20; i++) {
		cc_rig_round(&r, 20 * MS);
		CU_ASSERT_EQUAL(r.cc.cwnd, i * MSS);
	}
}

static void one_ack_for_many_segments_grows_as_much_as_many(void)
{
	struct cc_rig one, many;

	cc_rig_init(&one, CC_RENO, MSS, 10 * MSS);
	cc_rig_init(&many, CC_RENO, MSS, 10 * MSS);
	one.cc.ssthresh = many.cc.ssthresh = 10 * MSS;
	cc_rig_ack(&one, 10 * MSS);
	cc_rig_round(&many, 20 * MS);

	CU_ASSERT_EQUAL(one.cc.cwnd, 11 * MSS);
	CU_ASSERT_EQUAL(many.cc.cwnd, 11 * MSS);
}

static void an_idle_window_does_not_grow(void)
{
	struct cc_rig r;

	cc_rig_init(&r, CC_RENO, MSS, 10 * MSS);
	r.cc.ssthresh = 10 * MSS;
	r.a.cwnd_limited = false;
	for (int i = 0; i < 100; i++)
		cc_rig_round(&r, 20 * MS);

	CU_ASSERT_EQUAL(r.cc.cwnd, 10 * MSS);
}

static void a_timeout_halves_the_window_to_no_less_than_two_segments(void)
{
	struct cc_rig r;

	cc_rig_init(&r, CC_RENO, MSS, 20 * MSS);
	r.cc.ops->on_timeout(&r.cc, &r.a);
	CU_ASSERT_EQUAL(r.cc.ssthresh, 10 * MSS);
	r.cc.cwnd = MSS; /* the engine's part; then another segment's turn comes */
	r.cc.ops->on_timeout(&r.cc, &r.a);
	CU_ASSERT_EQUAL(r.cc.ssthresh, 2 * MSS);
}

static void the_window_is_halved_to_no_less_than_two_segments(void)
{
	struct cc_rig r;

	cc_rig_init(&r, CC_RENO, MSS, 3 * MSS);
	cc_rig_loss(&r);
	CU_ASSERT_EQUAL(r.cc.ssthresh, 2 * MSS);
	cc_rig_loss(&r);
	CU_ASSERT_EQUAL(r.cc.ssthresh, 2 * MSS);
}

static const struct test_case cases[] = {
	TEST(the_window_climbs_a_staircase),
	TEST(one_ack_for_many_segments_grows_as_much_as_many),
	TEST(an_idle_window_does_not_grow),
	TEST(a_timeout_halves_the_window_to_no_less_than_two_segments),
	TEST(the_window_is_halved_to_no_less_than_two_segments),
};
TEST_SUITE(cc_reno, cases);
