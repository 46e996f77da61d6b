/* CUBIC's fixed point against the formulas of RFC 9438 in floating point. */
#include "../lib/cc_rig.h"
#include "../lib/test.h"

#include <math.h>
#include <string.h>

#define MSS 1448u

/* RFC 9438 4.2 to 4.5 as written, in segments and seconds, one ACK a segment. */
struct formula {
	double cwnd, w_max, k, w_est;
};

static struct formula after_loss(double peak, double w_max, double cwnd)
{
	struct formula f = {0};

	f.w_max = peak < w_max ? peak * (1 + 0.7) / 2 : peak;
	f.cwnd = f.w_est = cwnd;
	f.k = f.w_max > f.cwnd ? cbrt((f.w_max - f.cwnd) / 0.4) : 0;
	if (f.w_max < f.cwnd)
		f.w_max = f.cwnd;
	return f;
}

static void formula_ack(struct formula *f, double t, double rtt)
{
	double alpha = 3 * (1 - 0.7) / (1 + 0.7); /* also above the old window: see cc_cubic.c */

	f->w_est += alpha / f->cwnd;
	double target = 0.4 * pow(t + rtt - f->k, 3) + f->w_max;

	if (target > 1.5 * f->cwnd)
		target = 1.5 * f->cwnd;
	if (target > f->cwnd)
		f->cwnd += (target - f->cwnd) / f->cwnd;
	if (f->cwnd < f->w_est)
		f->cwnd = f->w_est;
}

/* Runs both from one loss at `peak` segments for some time; the largest relative error beyond the
 * one segment that rounding down may cost. */
static double worst_error(double peak, double w_max, double rtt, double seconds)
{
	struct cc_rig r;
	double worst = 0;

	cc_rig_init(&r, CC_CUBIC, MSS, (uint32_t)(w_max * MSS));
	if (w_max > peak) { /* an earlier, higher peak: fast convergence */
		cc_rig_loss(&r);
		r.cc.cwnd = (uint32_t)(peak * MSS);
	}
	cc_rig_loss(&r);
	r.cc.ssthresh = r.cc.cwnd;

	/* Our cut is to whole segments, and K follows from where it led. */
	struct formula f = after_loss(peak, w_max, (double)r.cc.cwnd / MSS);
	ns_t start = r.a.now, step;

	r.a.srtt = (ns_t)(rtt * 1e9);
	for (double t = 0; t < seconds;) {
		cc_rig_ack(&r, MSS);
		formula_ack(&f, t, rtt);
		/* The window moves by whole segments: it lags by up to one; and since Reno's line is divided
		 * by the window that lags, it may lead by a part of one. */
		double off = fabs(f.cwnd - (double)r.cc.cwnd / MSS), err = off <= 1 ? 0 : (off - 1) / f.cwnd;

		if (err > worst)
			worst = err;
		step = (ns_t)(rtt * 1e9 / f.cwnd);
		r.a.now += step;
		t = (double)(r.a.now - start) / 1e9;
	}
	return worst;
}

static void the_window_follows_the_formula_within_a_segment_and_one_per_cent(void)
{
	static const struct {
		const char *name;
		double peak, w_max, rtt, seconds;
	} row[] = {
		{"short path: Reno-friendly", 100, 100, 0.02, 20},
		{"long path: concave and convex", 1000, 1000, 0.1, 30},
		{"very long and fat", 20000, 20000, 0.1, 40},
		{"small window", 24, 24, 0.05, 20},
		{"fast convergence", 500, 1000, 0.1, 20},
		{"satellite", 3000, 3000, 0.6, 60},
		{"1 ms", 50, 50, 0.001, 5},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		double err = worst_error(row[i].peak, row[i].w_max, row[i].rtt, row[i].seconds);

		if (!(err < 0.01)) {
			printf("%s: %.4f\n", row[i].name, err);
			CU_FAIL("beyond one per cent");
		}
	}
}

static void a_loss_leaves_seven_tenths(void)
{
	struct cc_rig r;

	cc_rig_init(&r, CC_CUBIC, MSS, 100 * MSS);
	cc_rig_loss(&r);

	CU_ASSERT_EQUAL(r.cc.cwnd, 70 * MSS);
	CU_ASSERT_EQUAL(r.cc.ops->info(&r.cc), 100 * MSS);
}

static void a_falling_peak_gives_way_to_newcomers(void)
{
	struct cc_rig r;

	cc_rig_init(&r, CC_CUBIC, MSS, 100 * MSS);
	cc_rig_loss(&r);
	cc_rig_loss(&r); /* at 70 segments, below the last peak */

	CU_ASSERT_EQUAL(r.cc.ops->info(&r.cc), 70 * MSS * 17 / 20);
}

/* With its gentler cut CUBIC must not average more than Reno where Reno fills the path (4.3). */
static void on_a_short_path_it_takes_as_much_as_reno(void)
{
	struct cc_rig r[2];
	double mean[2];
	static const enum tcp_cc_kind kind[2] = {CC_RENO, CC_CUBIC};

	for (int k = 0; k < 2; k++) {
		double sum = 0;
		int rounds = 0;
		uint32_t until_loss = 1000 * 1000;

		cc_rig_init(&r[k], kind[k], MSS, 20 * MSS);
		r[k].cc.ssthresh = 20 * MSS;
		/* One loss for each million bytes, as a lossy path has it on average. */
		for (; rounds < 3000; rounds++) {
			sum += r[k].cc.cwnd;
			if (until_loss < r[k].cc.cwnd) {
				until_loss += 1000 * 1000;
				cc_rig_loss(&r[k]);
			}
			until_loss -= r[k].cc.cwnd / MSS * MSS;
			cc_rig_round(&r[k], 10 * MS);
		}
		mean[k] = sum / rounds;
	}
	CU_ASSERT_TRUE(mean[1] > 0.85 * mean[0]);
	CU_ASSERT_TRUE(mean[1] < 1.15 * mean[0]);
}

/* An episode with a timeout within it, or without one, undone: the curve goes on as if nothing had been. */
static void undo_leaves_no_trace(bool timeout)
{
	struct cc_rig a, b;

	cc_rig_init(&a, CC_CUBIC, MSS, 200 * MSS);
	cc_rig_loss(&a);
	a.cc.ssthresh = a.cc.cwnd;
	for (int i = 0; i < 20; i++)
		cc_rig_round(&a, 50 * MS);
	b = a;
	b.cc.own = b.own;
	uint32_t cwnd = b.cc.cwnd, ssthresh = b.cc.ssthresh;

	cc_rig_loss(&b);
	b.a.in_recovery = timeout;
	if (timeout)
		b.cc.ops->on_timeout(&b.cc, &b.a);
	b.a.in_recovery = false;
	b.cc.cwnd = cwnd;
	b.cc.ssthresh = ssthresh;
	b.cc.ops->on_undo(&b.cc, b.a.now);
	for (int i = 0; i < 20; i++) {
		cc_rig_round(&a, 50 * MS);
		cc_rig_round(&b, 50 * MS);
		CU_ASSERT_EQUAL(a.cc.cwnd, b.cc.cwnd);
	}
}

static void an_undone_episode_leaves_no_trace(void)
{
	undo_leaves_no_trace(false);
}

static void a_timeout_within_a_recovery_is_undone_with_it(void)
{
	undo_leaves_no_trace(true);
}

static void time_without_need_of_the_window_does_not_count(void)
{
	struct cc_rig r;

	cc_rig_init(&r, CC_CUBIC, MSS, 200 * MSS);
	cc_rig_loss(&r);
	r.cc.ssthresh = r.cc.cwnd;
	cc_rig_round(&r, 50 * MS);
	uint32_t before = r.cc.cwnd;

	r.a.cwnd_limited = false;
	for (int i = 0; i < 100; i++)
		cc_rig_round(&r, 500 * MS); /* 50 s, in which the curve would explode */
	CU_ASSERT_EQUAL(r.cc.cwnd, before);
	r.a.cwnd_limited = true;
	cc_rig_round(&r, 50 * MS);

	CU_ASSERT_TRUE(r.cc.cwnd < before + 10 * MSS);
}

static void after_a_timeout_the_curve_starts_flat(void)
{
	struct cc_rig r;

	cc_rig_init(&r, CC_CUBIC, MSS, 100 * MSS);
	r.cc.ops->on_timeout(&r.cc, &r.a);
	r.cc.cwnd = MSS;
	CU_ASSERT_EQUAL(r.cc.ssthresh, 70 * MSS);
	while (r.cc.cwnd < r.cc.ssthresh)
		cc_rig_round(&r, 20 * MS);
	uint32_t top = r.cc.cwnd;

	cc_rig_round(&r, 20 * MS);
	CU_ASSERT_TRUE(r.cc.cwnd <= top + 2 * MSS);
}

/* Linux's way out of a slow start that its HyStart ended too soon: a twentieth a round trip, where the
 * cubic is still flat; until a loss has shown where the top is. */
static void where_no_loss_has_shown_a_top_the_classic_form_does_not_stand_still(void)
{
	for (int classic = 0; classic < 2; classic++) {
		struct cc_rig r;

		cc_rig_init(&r, CC_CUBIC, MSS, 100 * MSS);
		r.cc.hystart_classic = classic;
		r.cc.ssthresh = 100 * MSS;
		for (int i = 0; i < 4; i++) /* Reno's line would add two */
			cc_rig_round(&r, 10 * MS);
		CU_ASSERT_EQUAL(r.cc.cwnd / MSS, classic ? 121u : 102u);
		cc_rig_loss(&r);
		uint32_t after = r.cc.cwnd;

		cc_rig_round(&r, 10 * MS);
		CU_ASSERT_TRUE(r.cc.cwnd <= after + MSS);
	}
}

static const struct test_case cases[] = {
	TEST(where_no_loss_has_shown_a_top_the_classic_form_does_not_stand_still),
	TEST(the_window_follows_the_formula_within_a_segment_and_one_per_cent),
	TEST(a_loss_leaves_seven_tenths),
	TEST(a_falling_peak_gives_way_to_newcomers),
	TEST(on_a_short_path_it_takes_as_much_as_reno),
	TEST(an_undone_episode_leaves_no_trace),
	TEST(a_timeout_within_a_recovery_is_undone_with_it),
	TEST(time_without_need_of_the_window_does_not_count),
	TEST(after_a_timeout_the_curve_starts_flat),
};
TEST_SUITE(cc_cubic, cases);
