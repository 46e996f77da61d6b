#include "../lib/cc_rig.h"
#include "../lib/test.h"

#define MSS 1000u

static void start(struct cc_rig *r, enum tcp_cc_kind kind)
{
	cc_rig_init(r, kind, MSS, 10 * MSS);
	r->cc.hystart = true;
}

static void round_of(struct cc_rig *r, ns_t rtt)
{
	r->a.rtt = rtt;
	cc_rig_round(r, rtt);
}

static void a_flat_round_trip_time_never_ends_slow_start(void)
{
	struct cc_rig r;

	start(&r, CC_RENO);
	for (int i = 0; i < 12; i++)
		round_of(&r, 50 * MS);

	CU_ASSERT_EQUAL(r.cc.ssthresh, SSTHRESH_INFINITE);
	CU_ASSERT_EQUAL(r.cc.cwnd, (10u << 12) * MSS);
}

static void small_wobbles_do_not_end_it(void)
{
	struct cc_rig r;

	start(&r, CC_CUBIC);
	for (int i = 0; i < 12; i++)
		round_of(&r, (50 + i % 3) * MS);

	CU_ASSERT_EQUAL(r.cc.ssthresh, SSTHRESH_INFINITE);
}

static void a_rising_one_slows_it_down_and_ends_it_after_five_rounds(void)
{
	struct cc_rig r;
	int rounds = 0;

	start(&r, CC_RENO);
	for (int i = 0; i < 4; i++)
		round_of(&r, 50 * MS);
	uint32_t before = r.cc.cwnd;

	for (ns_t rtt = 60 * MS; r.cc.ssthresh == SSTHRESH_INFINITE && rounds < 20; rtt += 5 * MS, rounds++)
		round_of(&r, rtt);
	CU_ASSERT_TRUE(rounds >= 5 && rounds <= 7);
	CU_ASSERT_TRUE(r.cc.ssthresh <= r.cc.cwnd && r.cc.ssthresh + 2 * MSS > r.cc.cwnd);
	CU_ASSERT_TRUE(r.cc.cwnd < 8 * before); /* 2 * 1.25^5 = 6.1; without it 2^6 */
	CU_ASSERT_TRUE(r.cc.cwnd > 2 * before);
}

static void in_the_classic_form_a_rise_ends_it_at_once(void)
{
	struct cc_rig r;

	start(&r, CC_CUBIC);
	r.cc.hystart_classic = true;
	for (int i = 0; i < 2; i++)
		round_of(&r, 200 * MS); /* 40 segments a round: more than 2 ms apart, so no train */
	CU_ASSERT_EQUAL(r.cc.ssthresh, SSTHRESH_INFINITE);
	uint32_t before = r.cc.cwnd;

	/* Its rounds began with the window at 16: the present one still has short samples. */
	round_of(&r, 230 * MS);
	round_of(&r, 230 * MS);
	CU_ASSERT_TRUE(r.cc.ssthresh < 2 * before + 12 * MSS);
	CU_ASSERT_TRUE(r.cc.ssthresh > before);
}

static void in_the_classic_form_nothing_is_judged_below_16_segments(void)
{
	struct cc_rig r;

	start(&r, CC_CUBIC);
	r.cc.hystart_classic = true;
	r.cc.cwnd = 2 * MSS;
	for (int i = 1; r.cc.cwnd < 16 * MSS; i++)
		round_of(&r, i * 200 * MS);
	CU_ASSERT_EQUAL(r.cc.ssthresh, SSTHRESH_INFINITE);
	round_of(&r, 900 * MS); /* eight samples in the round that begins now */
	CU_ASSERT_TRUE(r.cc.ssthresh <= 26 * MSS);
}

static void in_the_classic_form_a_long_train_of_acks_ends_it(void)
{
	struct cc_rig r;

	start(&r, CC_CUBIC);
	r.cc.hystart_classic = true;
	for (int i = 0; i < 8; i++)
		round_of(&r, 50 * MS);
	CU_ASSERT_TRUE(r.cc.ssthresh <= r.cc.cwnd);
	CU_ASSERT_TRUE(r.cc.cwnd >= 25 * MSS); /* no sooner than the ACKs are 2 ms apart */
}

static void a_rise_that_passes_resumes_slow_start(void)
{
	struct cc_rig r;

	start(&r, CC_RENO);
	for (int i = 0; i < 3; i++)
		round_of(&r, 50 * MS);
	round_of(&r, 60 * MS);
	round_of(&r, 50 * MS); /* below the baseline of the slow phase */
	uint32_t before = r.cc.cwnd;

	CU_ASSERT_TRUE(before < (10u << 5) * MSS); /* it was slow for a while */
	for (int i = 0; i < 4; i++)
		round_of(&r, 50 * MS);
	CU_ASSERT_EQUAL(r.cc.ssthresh, SSTHRESH_INFINITE);
	CU_ASSERT_TRUE(r.cc.cwnd > 15 * before); /* doubling but for parts of a segment */
}

static void the_burst_of_the_initial_window_is_no_rise(void)
{
	struct cc_rig r;

	/* Ten segments at once over 10 Mbit/s: each waits 0.8 ms behind the one before. */
	start(&r, CC_RENO);
	for (uint32_t i = 0; i < 10; i++) {
		r.a.rtt = 50 * MS + i * 800 * US;
		cc_rig_ack(&r, MSS);
	}
	CU_ASSERT_EQUAL(r.cc.cwnd, 20 * MSS);
}

static void it_serves_the_first_slow_start_only(void)
{
	struct cc_rig r;

	start(&r, CC_RENO);
	r.cc.ops->on_timeout(&r.cc, &r.a);
	r.cc.cwnd = MSS;
	r.cc.ssthresh = 1000 * MSS;
	for (ns_t rtt = 50 * MS; rtt < 120 * MS; rtt += 10 * MS)
		round_of(&r, rtt);

	CU_ASSERT_EQUAL(r.cc.cwnd, (1u << 7) * MSS);
}

static const struct test_case cases[] = {
	TEST(a_flat_round_trip_time_never_ends_slow_start),
	TEST(small_wobbles_do_not_end_it),
	TEST(a_rising_one_slows_it_down_and_ends_it_after_five_rounds),
	TEST(in_the_classic_form_a_rise_ends_it_at_once),
	TEST(in_the_classic_form_nothing_is_judged_below_16_segments),
	TEST(in_the_classic_form_a_long_train_of_acks_ends_it),
	TEST(a_rise_that_passes_resumes_slow_start),
	TEST(the_burst_of_the_initial_window_is_no_rise),
	TEST(it_serves_the_first_slow_start_only),
};
TEST_SUITE(hystart, cases);
