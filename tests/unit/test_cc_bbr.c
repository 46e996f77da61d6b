/* The stories of the draft's appendix (example test cases), and what is particular to the mechanisms. */
#include "../lib/cc_path.h"
#include "../lib/test.h"

#include "tcp/cc_bbr.h"

#define MSS CC_PATH_MSS

static struct cc_path path; /* too big for the stack */

static struct bbr *model(void)
{
	return (struct bbr *)path.own;
}

static void begin(uint64_t rate, ns_t delay, uint32_t queue)
{
	cc_path_init(&path, CC_BBR, rate, delay, queue);
}

/* False: not within this time. */
static bool until(enum bbr_state state, ns_t most)
{
	ns_t end = path.now + most;

	while (model()->state != state && path.now < end)
		cc_path_step(&path);
	return model()->state == state;
}

static bool while_in(enum bbr_state state, ns_t most)
{
	ns_t end = path.now + most;

	while (model()->state == state && path.now < end)
		cc_path_step(&path);
	return model()->state != state;
}

static uint64_t paced(uint32_t percent)
{
	return model()->bw * percent / 100 * 99 / 100;
}

static bool near(uint64_t a, uint64_t b)
{
	return a <= b + b / 1000 && b <= a + a / 1000;
}

/* ---- Startup and Drain ---- */

static void startup_ends_when_the_rate_no_longer_grows(void)
{
	begin(100 * MBIT, 20 * MS, 500000);
	CU_ASSERT_EQUAL(path.cc.pacing_rate, 10 * MSS * 1000ull * 277 / 100); /* as if the RTT were a millisecond */
	CU_ASSERT_TRUE(while_in(BBR_STARTUP, SEC));

	CU_ASSERT_EQUAL(model()->state, BBR_DRAIN);
	CU_ASSERT_TRUE(model()->full_bw_reached && model()->full_bw_now);
	CU_ASSERT_EQUAL(model()->full_bw_count, 3);
	CU_ASSERT_EQUAL(model()->inflight_longterm, BBR_INFINITE);
	CU_ASSERT_TRUE(bbr_max_bw(model()) * 100 >= path.rate * 98 && bbr_max_bw(model()) * 100 <= path.rate * 102);
	CU_ASSERT_TRUE(path.now < SEC + 12 * 20 * MS * 2);
	CU_ASSERT_EQUAL(path.lost, 0);
}

static void the_first_round_trip_sets_the_pace(void)
{
	begin(100 * MBIT, 50 * MS, 500000);
	while (path.delivered == 0)
		cc_path_step(&path);
	CU_ASSERT_TRUE(near(path.cc.pacing_rate, 10 * MSS * (uint64_t)SEC / (uint64_t)path.srtt * 277 / 100));
}

static void startup_ends_by_loss_though_the_application_is_the_limit(void)
{
	begin(100 * MBIT, 20 * MS, 500000);
	path.app_rate = 40 * MBIT;
	cc_path_run(&path, SEC);
	CU_ASSERT_EQUAL(model()->state, BBR_STARTUP);
	CU_ASSERT_FALSE(model()->full_bw_reached);

	path.loss_ppm = 200000;
	CU_ASSERT_TRUE(while_in(BBR_STARTUP, SEC));
	CU_ASSERT_TRUE(model()->full_bw_reached && model()->full_bw_now);
	CU_ASSERT_TRUE(model()->inflight_longterm != BBR_INFINITE);
	CU_ASSERT_TRUE(model()->inflight_longterm >= bbr_bdp_multiple(model(), model()->bw, 100));
	CU_ASSERT_EQUAL(model()->undo_state, BBR_STARTUP);
}

static void few_lost_ranges_do_not_end_startup(void)
{
	begin(100 * MBIT, 20 * MS, 500000);
	path.app_rate = 4 * MBIT; /* seven packets a round: 20 % are one or two */
	path.loss_ppm = 200000;
	cc_path_run(&path, 2 * SEC);

	CU_ASSERT_TRUE(path.lost > 20 * MSS);
	CU_ASSERT_EQUAL(model()->state, BBR_STARTUP);
}

static void startup_lasts_as_long_as_the_application_is_the_limit(void)
{
	begin(100 * MBIT, 20 * MS, 500000);
	path.app_rate = 10 * MBIT;
	cc_path_run(&path, 4 * SEC);
	CU_ASSERT_EQUAL(model()->state, BBR_STARTUP);
	CU_ASSERT_FALSE(model()->full_bw_reached);
}

static void drain_is_slow_and_ends_with_the_queue(void)
{
	begin(100 * MBIT, 40 * MS, 2000000);
	CU_ASSERT_TRUE(until(BBR_DRAIN, 2 * SEC));
	CU_ASSERT_TRUE(near(path.cc.pacing_rate, paced(50)));
	CU_ASSERT_TRUE(path.inflight > cc_path_bdp(&path));
	uint32_t round = model()->round_count;

	CU_ASSERT_TRUE(while_in(BBR_DRAIN, SEC));
	CU_ASSERT_TRUE(path.inflight <= bbr_bdp_multiple(model(), model()->bw, 100));
	CU_ASSERT_TRUE(model()->round_count - round <= 3);
	CU_ASSERT_TRUE(bbr_in_probe_bw(model()));
}

static void drain_ends_after_three_rounds_at_most(void)
{
	begin(100 * MBIT, 40 * MS, 2000000);
	CU_ASSERT_TRUE(until(BBR_DRAIN, 2 * SEC));
	path.phantom = 4 * cc_path_bdp(&path);
	uint32_t round = model()->drain_start_round;

	CU_ASSERT_TRUE(while_in(BBR_DRAIN, SEC));
	CU_ASSERT_EQUAL(model()->round_count - round, 4);
	CU_ASSERT_EQUAL(model()->state, BBR_DOWN);
}

/* ---- ProbeBW ---- */

static void the_four_phases_follow_one_another(void)
{
	begin(100 * MBIT, 20 * MS, 500000);
	CU_ASSERT_TRUE(until(BBR_CRUISE, SEC));
	CU_ASSERT_TRUE(near(path.cc.pacing_rate, paced(100)));
	CU_ASSERT_TRUE(while_in(BBR_CRUISE, 3 * SEC));
	CU_ASSERT_EQUAL(model()->state, BBR_REFILL);
	uint32_t round = model()->round_count;

	CU_ASSERT_TRUE(while_in(BBR_REFILL, SEC));
	CU_ASSERT_EQUAL(model()->state, BBR_UP);
	CU_ASSERT_EQUAL(model()->round_count, round + 1);
	CU_ASSERT_TRUE(near(path.cc.pacing_rate, paced(125)));
	CU_ASSERT_TRUE(while_in(BBR_UP, SEC));
	CU_ASSERT_EQUAL(model()->state, BBR_DOWN);
	CU_ASSERT_TRUE(model()->round_count - round >= 4); /* three rounds without growth */
	CU_ASSERT_FALSE(model()->prev_probe_too_high);
	CU_ASSERT_EQUAL(path.lost, 0);

	CU_ASSERT_TRUE(near(path.cc.pacing_rate, paced(90)));
	CU_ASSERT_TRUE(path.inflight > cc_path_bdp(&path));
	CU_ASSERT_TRUE(while_in(BBR_DOWN, SEC));
	CU_ASSERT_EQUAL(model()->state, BBR_CRUISE);
	CU_ASSERT_TRUE(path.inflight <= cc_path_bdp(&path) * 102 / 100);
}

/* The waits are drawn: 2 to 3 s, or 62 to 63 rounds, or as many rounds as the BDP has segments. */
static void probes_come_when_reno_would_cause_a_loss_or_after_two_to_three_seconds(void)
{
	static const struct {
		const char *name;
		uint64_t rate;
		ns_t delay, least, most;
	} row[] = {
		{"62 or 63 rounds", 100 * MBIT, 20 * MS, 61 * 20 * MS, 65 * 21 * MS},
		{"by the clock", 100 * MBIT, 100 * MS, 2 * SEC, 3 * SEC + 200 * MS},
		{"21 segments of BDP", 1160000, 25 * MS, 19 * 26 * MS, 22 * 31 * MS},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		ns_t least = NS_NEVER, most = 0;

		begin(row[i].rate, row[i].delay, 5000000);
		for (int n = 0, tries = 0; n < 6 && tries < 60; tries++) {
			CU_ASSERT_TRUE_FATAL(until(BBR_DOWN, 20 * SEC));
			ns_t since = path.now;

			while (model()->state == BBR_DOWN || model()->state == BBR_CRUISE)
				cc_path_step(&path);
			if (model()->state == BBR_PROBE_RTT)
				continue;
			if (path.now - since < row[i].least || path.now - since > row[i].most) {
				printf("%s: %ld ms\n", row[i].name, (long)((path.now - since) / MS));
				CU_FAIL("too early or too late");
			}
			n++;
			least = ns_min(least, path.now - since);
			most = ns_max(most, path.now - since);
		}
		CU_ASSERT_TRUE(least <= row[i].most);
		CU_ASSERT_TRUE(most > least); /* not always the same */
	}
}

static void without_headroom_down_goes_on_until_it_is_time_to_probe(void)
{
	begin(100 * MBIT, 20 * MS, 500000);
	CU_ASSERT_TRUE(until(BBR_UP, 4 * SEC));
	path.phantom = 4 * cc_path_bdp(&path);
	CU_ASSERT_TRUE(until(BBR_DOWN, SEC));
	ns_t since = path.now;

	CU_ASSERT_TRUE(while_in(BBR_DOWN, 4 * SEC));
	CU_ASSERT_EQUAL(model()->state, BBR_REFILL);
	CU_ASSERT_TRUE(path.now - since > 61 * 20 * MS);
}

static void up_lasts_as_long_as_the_application_is_the_limit(void)
{
	begin(100 * MBIT, 20 * MS, 500000);
	CU_ASSERT_TRUE(until(BBR_UP, 4 * SEC));
	path.app_rate = 10 * MBIT;
	CU_ASSERT_FALSE(while_in(BBR_UP, 2 * SEC));
}

static void too_much_loss_ends_up_though_the_application_is_the_limit(void)
{
	begin(100 * MBIT, 20 * MS, 500000);
	CU_ASSERT_TRUE(until(BBR_UP, 4 * SEC));
	path.app_rate = 40 * MBIT;
	cc_path_run(&path, 200 * MS);
	CU_ASSERT_EQUAL(model()->state, BBR_UP);

	path.loss_ppm = 100000;
	CU_ASSERT_TRUE(while_in(BBR_UP, SEC));
	CU_ASSERT_TRUE(model()->prev_probe_too_high);
	CU_ASSERT_EQUAL(model()->undo_state, BBR_UP);
	CU_ASSERT_EQUAL(model()->inflight_longterm, BBR_INFINITE); /* a volume that was never tried is no bound */
}

static void too_much_loss_in_a_probe_sets_the_long_term_bound(void)
{
	begin(100 * MBIT, 20 * MS, 500000);
	CU_ASSERT_TRUE(until(BBR_UP, 4 * SEC));
	path.loss_ppm = 100000;
	CU_ASSERT_TRUE(while_in(BBR_UP, SEC));

	CU_ASSERT_EQUAL(model()->state, BBR_DOWN);
	CU_ASSERT_TRUE(model()->inflight_longterm >= bbr_bdp_multiple(model(), model()->bw, 70));
	CU_ASSERT_TRUE(model()->inflight_longterm <= 2 * cc_path_bdp(&path));
	CU_ASSERT_FALSE(model()->is_bw_probe_sample); /* once a probe */
	path.loss_ppm = 0;

	/* Cruising leaves headroom below it. */
	CU_ASSERT_TRUE(until(BBR_CRUISE, 2 * SEC));
	cc_path_step(&path);
	CU_ASSERT_TRUE(path.cc.cwnd <= model()->inflight_longterm * 85 / 100 + 1);
}

static void after_a_probe_that_went_too_high_the_next_is_a_precaution(void)
{
	begin(100 * MBIT, 20 * MS, 500000);
	CU_ASSERT_TRUE(until(BBR_UP, 4 * SEC));
	path.loss_ppm = 100000;
	CU_ASSERT_TRUE(while_in(BBR_UP, SEC));
	path.loss_ppm = 0;
	uint32_t bound = model()->inflight_longterm;

	CU_ASSERT_TRUE(until(BBR_UP, 4 * SEC));
	ns_t since = path.now;

	CU_ASSERT_TRUE(while_in(BBR_UP, SEC)); /* as soon as it is reached */
	CU_ASSERT_TRUE(path.now - since < 25 * MS);
	CU_ASSERT_TRUE(model()->prev_probe_precautionary);
	CU_ASSERT_FALSE(model()->prev_probe_too_high);

	/* No loss came of it: at once again, and now for more. */
	CU_ASSERT_TRUE(until(BBR_REFILL, 100 * MS));
	CU_ASSERT_TRUE(until(BBR_UP, 100 * MS));
	CU_ASSERT_TRUE(while_in(BBR_UP, 5 * SEC));
	CU_ASSERT_TRUE(model()->inflight_longterm >= bound);
}

static void the_long_term_bound_rises_faster_and_faster(void)
{
	uint32_t before, grown[4];

	begin(100 * MBIT, 20 * MS, 3000000);
	CU_ASSERT_TRUE(until(BBR_UP, 4 * SEC));
	model()->inflight_longterm = before = cc_path_bdp(&path);
	for (int i = 0; i < 4; i++) {
		uint32_t round = model()->round_count;

		while (model()->round_count == round && model()->state == BBR_UP)
			cc_path_step(&path);
		grown[i] = model()->inflight_longterm - before;
		before = model()->inflight_longterm;
	}
	CU_ASSERT_EQUAL(model()->state, BBR_UP); /* held down by the bound, not by the path */
	CU_ASSERT_TRUE(grown[1] <= 4 * MSS);
	CU_ASSERT_TRUE(grown[2] > grown[1]);
	CU_ASSERT_TRUE(grown[3] > grown[2]);
}

static void silence_in_refill_does_not_lower_the_estimate(void)
{
	begin(100 * MBIT, 20 * MS, 500000);
	CU_ASSERT_TRUE(until(BBR_REFILL, 4 * SEC));
	uint64_t learnt = bbr_max_bw(model());

	path.app_silent = true;
	cc_path_run(&path, 300 * MS);
	path.app_silent = false;
	path.app_rate = 10 * MBIT;
	CU_ASSERT_TRUE(until(BBR_UP, SEC));
	CU_ASSERT_TRUE(bbr_max_bw(model()) >= learnt);
	path.app_rate = 0;
	path.app_next = 0;
	CU_ASSERT_TRUE(while_in(BBR_UP, SEC));
}

/* ---- ProbeRTT and idleness ---- */

static void probe_rtt_halves_the_window_for_a_fifth_of_a_second(void)
{
	begin(100 * MBIT, 20 * MS, 500000);
	CU_ASSERT_TRUE(until(BBR_PROBE_RTT, 7 * SEC));
	CU_ASSERT_TRUE(path.now > 6 * SEC);
	ns_t since = path.now;
	uint64_t learnt = bbr_max_bw(model());

	cc_path_run(&path, 100 * MS);
	CU_ASSERT_TRUE(path.max_cwnd <= cc_path_bdp(&path) * 51 / 100);
	CU_ASSERT_TRUE(path.rs.app_limited != 0); /* its low rates are of its own making */
	CU_ASSERT_TRUE(while_in(BBR_PROBE_RTT, SEC));
	CU_ASSERT_TRUE(path.now - since >= 200 * MS);
	CU_ASSERT_TRUE(path.now - since <= 260 * MS);
	CU_ASSERT_EQUAL(model()->state, BBR_CRUISE);
	CU_ASSERT_EQUAL(bbr_max_bw(model()), learnt);
	CU_ASSERT_TRUE(path.cc.cwnd > cc_path_bdp(&path)); /* as it was before */
	CU_ASSERT_TRUE(cc_path_run(&path, SEC) >= 95);

	/* At the earliest 5 s after the last one ended. */
	CU_ASSERT_FALSE(until(BBR_PROBE_RTT, 3900 * MS));
	CU_ASSERT_TRUE(until(BBR_PROBE_RTT, 2 * SEC));
}

static void probe_rtt_in_startup_leads_back_to_startup(void)
{
	begin(100 * MBIT, 20 * MS, 500000);
	path.app_rate = 10 * MBIT;
	CU_ASSERT_TRUE(until(BBR_PROBE_RTT, 7 * SEC));
	CU_ASSERT_FALSE(model()->full_bw_reached);
	CU_ASSERT_TRUE(while_in(BBR_PROBE_RTT, SEC));
	CU_ASSERT_EQUAL(model()->state, BBR_STARTUP);
}

static void silence_spares_probe_rtt(void)
{
	begin(100 * MBIT, 20 * MS, 500000);
	CU_ASSERT_TRUE(until(BBR_CRUISE, 3 * SEC));
	path.app_silent = true;
	cc_path_run(&path, 6 * SEC);
	path.app_silent = false;
	uint64_t delivered = path.delivered;

	while (path.inflight == 0)
		cc_path_step(&path);
	CU_ASSERT_TRUE(model()->idle_restart);
	CU_ASSERT_TRUE(near(path.cc.pacing_rate, paced(100)));
	while (path.delivered < delivered + 20 * MSS) {
		cc_path_step(&path);
		CU_ASSERT_TRUE(model()->state != BBR_PROBE_RTT);
	}
	CU_ASSERT_FALSE(model()->idle_restart);
	CU_ASSERT_TRUE(cc_path_run(&path, 200 * MS) >= 80);
}

static void silence_in_probe_rtt_ends_it(void)
{
	begin(100 * MBIT, 20 * MS, 500000);
	CU_ASSERT_TRUE(until(BBR_PROBE_RTT, 7 * SEC));
	cc_path_run(&path, 50 * MS);
	path.app_silent = true;
	cc_path_run(&path, SEC);
	CU_ASSERT_EQUAL(model()->state, BBR_PROBE_RTT);
	path.app_silent = false;
	while (path.inflight == 0)
		cc_path_step(&path);
	CU_ASSERT_EQUAL(model()->state, BBR_CRUISE);
	CU_ASSERT_TRUE(path.cc.cwnd > cc_path_bdp(&path));
}

/* ---- undo, timeouts, marks ---- */

static struct cc_lost loss_of(uint32_t segs)
{
	return (struct cc_lost){.now = path.now,
				.lo = 1000,
				.hi = 1000 + segs * MSS,
				.tx_in_flight = path.inflight,
				.lost = segs * MSS,
				.delivered_total = path.rs.delivered,
				.selective = true};
}

static struct cc_ack state_of_things(void)
{
	return (struct cc_ack){.now = path.now,
			       .rtt = -1,
			       .inflight = path.inflight,
			       .inflight_now = path.inflight,
			       .delivered_total = path.rs.delivered,
			       .selective = true};
}

static void a_needless_episode_is_undone(void)
{
	for (int timeout = 0; timeout <= 1; timeout++) {
		begin(100 * MBIT, 20 * MS, 500000);
		CU_ASSERT_TRUE(until(BBR_UP, 4 * SEC));
		cc_path_run(&path, 30 * MS);
		uint32_t cwnd = path.cc.cwnd;
		struct cc_lost l = loss_of(20);
		struct cc_ack a = state_of_things();

		if (timeout)
			path.cc.ops->on_timeout(&path.cc, &a);
		path.cc.ops->on_lost(&path.cc, &l);
		if (!timeout)
			path.cc.ops->on_congestion(&path.cc, &a);
		CU_ASSERT_EQUAL(model()->state, BBR_DOWN);
		CU_ASSERT_TRUE(model()->inflight_longterm != BBR_INFINITE);
		path.cc.cwnd = MSS;
		path.cc.ops->on_undo(&path.cc, path.now);

		CU_ASSERT_EQUAL(model()->state, BBR_REFILL); /* the probe begins anew */
		CU_ASSERT_EQUAL(model()->inflight_longterm, BBR_INFINITE);
		CU_ASSERT_EQUAL(model()->bw_shortterm, BBR_RATE_INFINITE);
		CU_ASSERT_EQUAL(model()->inflight_shortterm, BBR_INFINITE);
		CU_ASSERT_EQUAL(path.cc.cwnd, cwnd);
		CU_ASSERT_FALSE(model()->loss_in_round || model()->in_recovery);
	}
}

static void a_needless_end_of_startup_is_undone(void)
{
	begin(100 * MBIT, 20 * MS, 500000);
	path.app_rate = 40 * MBIT;
	cc_path_run(&path, SEC);
	path.loss_ppm = 200000;
	CU_ASSERT_TRUE(until(BBR_DRAIN, SEC));
	path.loss_ppm = 0;
	path.cc.ops->on_undo(&path.cc, path.now);

	CU_ASSERT_EQUAL(model()->state, BBR_STARTUP);
	CU_ASSERT_FALSE(model()->full_bw_reached);
	CU_ASSERT_EQUAL(model()->inflight_longterm, BBR_INFINITE);
}

static void the_window_before_recovery_comes_back_within_the_bounds(void)
{
	begin(100 * MBIT, 20 * MS, 500000);
	CU_ASSERT_TRUE(until(BBR_CRUISE, 3 * SEC));
	cc_path_run(&path, 100 * MS);
	uint32_t cwnd = path.cc.cwnd;
	struct cc_ack a = state_of_things();

	path.cc.ops->on_timeout(&path.cc, &a);
	path.cc.cwnd = MSS;
	a.delivered = MSS;
	a.delivered_total += MSS;
	path.cc.ops->on_ack(&path.cc, &a);
	CU_ASSERT_TRUE(path.cc.cwnd <= 5 * MSS); /* it grows by what is delivered */
	path.cc.ops->on_recovered(&path.cc, path.now);
	CU_ASSERT_EQUAL(path.cc.cwnd, cwnd);

	path.cc.ops->on_timeout(&path.cc, &a);
	path.cc.cwnd = MSS;
	model()->inflight_shortterm = cwnd / 2;
	path.cc.ops->on_recovered(&path.cc, path.now);
	CU_ASSERT_EQUAL(path.cc.cwnd, cwnd / 2);
}

/* A mark is congestion, whatever the state. */
static void a_mark_ends_startup_and_probes_and_lowers_what_cruises(void)
{
	struct cc_ack a;

	begin(100 * MBIT, 20 * MS, 500000);
	cc_path_run(&path, 80 * MS);
	CU_ASSERT_EQUAL(model()->state, BBR_STARTUP);
	a = state_of_things();
	a.ece = true;
	path.cc.ops->on_congestion(&path.cc, &a);
	CU_ASSERT_TRUE(while_in(BBR_STARTUP, 20 * MS));
	CU_ASSERT_TRUE(model()->inflight_longterm != BBR_INFINITE);

	begin(100 * MBIT, 20 * MS, 500000);
	CU_ASSERT_TRUE(until(BBR_UP, 4 * SEC));
	a = state_of_things();
	a.ece = true;
	path.cc.ops->on_congestion(&path.cc, &a);
	CU_ASSERT_EQUAL(model()->state, BBR_DOWN);
	CU_ASSERT_TRUE(model()->inflight_longterm != BBR_INFINITE);

	begin(100 * MBIT, 20 * MS, 500000);
	CU_ASSERT_TRUE(until(BBR_CRUISE, 3 * SEC));
	a = state_of_things();
	a.ece = true;
	path.cc.ops->on_congestion(&path.cc, &a);
	cc_path_run(&path, 50 * MS);
	CU_ASSERT_TRUE(model()->bw_shortterm != BBR_RATE_INFINITE);
	CU_ASSERT_TRUE(model()->inflight_shortterm != BBR_INFINITE);
}

static void without_sack_one_loss_ends_startup(void)
{
	begin(100 * MBIT, 20 * MS, 500000);
	cc_path_run(&path, 80 * MS);
	struct cc_lost l = loss_of(1);
	struct cc_ack a = state_of_things();

	l.selective = a.selective = false;
	path.cc.ops->on_lost(&path.cc, &l);
	CU_ASSERT_EQUAL(model()->state, BBR_STARTUP);
	path.cc.ops->on_congestion(&path.cc, &a);
	CU_ASSERT_TRUE(while_in(BBR_STARTUP, 20 * MS));
	CU_ASSERT_EQUAL(model()->undo_state, BBR_STARTUP);
}

/* ---- paths ---- */

static void a_path_is_filled_with_little_queue(void)
{
	static const struct {
		const char *name;
		uint64_t rate;
		ns_t delay;
	} row[] = {
		{"10 Mbit/s, 40 ms", 10 * MBIT, 40 * MS},
		{"100 Mbit/s, 20 ms", 100 * MBIT, 20 * MS},
		{"500 Mbit/s, 10 ms", 500 * MBIT, 10 * MS},
		{"1 Mbit/s, 100 ms", MBIT, 100 * MS},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		begin(row[i].rate, row[i].delay, 0);
		path.queue = 2 * cc_path_bdp(&path) + 10 * MSS;
		cc_path_run(&path, 2 * SEC);
		uint32_t percent = cc_path_run(&path, 15 * SEC), queue = cc_path_queue(&path);

		if (percent < 93 || percent > 100 || queue > cc_path_bdp(&path) / 4 + 4 * MSS) {
			printf("%s: %u %%, queue %u of bdp %u\n", row[i].name, percent, queue, cc_path_bdp(&path));
			CU_FAIL("not filled, or a standing queue");
		}
	}
}

static void startup_is_short(void)
{
	begin(100 * MBIT, 40 * MS, 1000000);
	CU_ASSERT_TRUE(cc_path_run(&path, SEC) >= 65);
	CU_ASSERT_TRUE(cc_path_run(&path, SEC) >= 90);
}

/* Between probes the short-term bounds creep down with each lossy round; Reno would get 7 % here. */
static void random_loss_of_one_per_cent_costs_a_quarter_at_most(void)
{
	begin(100 * MBIT, 20 * MS, 500000);
	path.loss_ppm = 10000;
	cc_path_run(&path, 2 * SEC);
	CU_ASSERT_TRUE(cc_path_run(&path, 20 * SEC) >= 75);
}

static void a_shallow_queue_does_not_overflow_for_long(void)
{
	begin(100 * MBIT, 20 * MS, 50000); /* a fifth of the BDP */
	cc_path_run(&path, 2 * SEC);
	path.lost = 0;
	uint64_t before = path.delivered;

	CU_ASSERT_TRUE(cc_path_run(&path, 20 * SEC) >= 85);
	CU_ASSERT_TRUE(path.lost * 100 < path.delivered - before);
}

static void a_path_of_less_than_a_packet_is_filled_by_four(void)
{
	begin(64000 / 8, 10 * MS, 10 * MSS);
	cc_path_run(&path, 20 * SEC);
	CU_ASSERT_TRUE(cc_path_bdp(&path) < MSS);
	CU_ASSERT_TRUE(cc_path_run(&path, 60 * SEC) >= 90);
	CU_ASSERT_TRUE(path.min_cwnd >= 4 * MSS);
	CU_ASSERT_TRUE(path.max_cwnd <= 12 * MSS);
}

static void acks_in_bunches_do_not_stop_the_flow(void)
{
	begin(100 * MBIT, 20 * MS, 2000000);
	path.batch = 20 * MS;
	cc_path_run(&path, 2 * SEC);
	CU_ASSERT_TRUE(model()->full_bw_reached);
	CU_ASSERT_TRUE(bbr_max_bw(model()) * 100 >= path.rate * 90 && bbr_max_bw(model()) * 100 <= path.rate * 110);
	CU_ASSERT_TRUE(cc_path_run(&path, 10 * SEC) >= 90);
	CU_ASSERT_TRUE(bbr_extra_acked(model()) > cc_path_bdp(&path) / 4);
	CU_ASSERT_TRUE(path.max_cwnd > 2 * cc_path_bdp(&path));
}

static void tenfold_changes_of_the_bandwidth_are_followed(void)
{
	begin(100 * MBIT, 20 * MS, 500000);
	cc_path_run(&path, 5 * SEC);
	path.rate = 10 * MBIT;
	cc_path_run(&path, 10 * SEC);
	CU_ASSERT_TRUE(cc_path_run(&path, 10 * SEC) >= 90);
	CU_ASSERT_TRUE(bbr_max_bw(model()) * 100 <= path.rate * 110);

	path.rate = 100 * MBIT;
	cc_path_run(&path, 5 * SEC);
	CU_ASSERT_TRUE(cc_path_run(&path, 10 * SEC) >= 90);
}

static void a_policer_is_conformed_to(void)
{
	begin(20 * MBIT, 20 * MS, 0);
	path.bucket = 200000;
	cc_path_run(&path, 5 * SEC);
	path.lost = 0;
	uint64_t before = path.delivered;

	CU_ASSERT_TRUE(cc_path_run(&path, 30 * SEC) >= 75);
	CU_ASSERT_TRUE(path.lost * 20 < path.delivered - before);
}

static void an_application_limited_flow_keeps_what_it_learnt(void)
{
	begin(100 * MBIT, 20 * MS, 500000);
	cc_path_run(&path, 3 * SEC);
	uint64_t learnt = bbr_max_bw(model());

	path.app_rate = 5 * MBIT;
	cc_path_run(&path, 20 * SEC);
	CU_ASSERT_TRUE(bbr_max_bw(model()) * 100 >= learnt * 98);
	path.app_rate = 0;
	path.app_next = 0;
	CU_ASSERT_TRUE(cc_path_run(&path, SEC) >= 90);
}

static void a_lossy_burst_leaves_the_model_alive(void)
{
	begin(50 * MBIT, 20 * MS, 500000);
	cc_path_run(&path, 3 * SEC);
	path.loss_ppm = 300000;
	cc_path_run(&path, SEC);
	path.loss_ppm = 0;
	cc_path_run(&path, 5 * SEC);
	CU_ASSERT_TRUE(cc_path_run(&path, 5 * SEC) >= 85);
}

static const struct test_case cases[] = {
	TEST(startup_ends_when_the_rate_no_longer_grows),
	TEST(the_first_round_trip_sets_the_pace),
	TEST(startup_ends_by_loss_though_the_application_is_the_limit),
	TEST(few_lost_ranges_do_not_end_startup),
	TEST(startup_lasts_as_long_as_the_application_is_the_limit),
	TEST(drain_is_slow_and_ends_with_the_queue),
	TEST(drain_ends_after_three_rounds_at_most),
	TEST(the_four_phases_follow_one_another),
	TEST(probes_come_when_reno_would_cause_a_loss_or_after_two_to_three_seconds),
	TEST(without_headroom_down_goes_on_until_it_is_time_to_probe),
	TEST(up_lasts_as_long_as_the_application_is_the_limit),
	TEST(too_much_loss_ends_up_though_the_application_is_the_limit),
	TEST(too_much_loss_in_a_probe_sets_the_long_term_bound),
	TEST(after_a_probe_that_went_too_high_the_next_is_a_precaution),
	TEST(the_long_term_bound_rises_faster_and_faster),
	TEST(silence_in_refill_does_not_lower_the_estimate),
	TEST(probe_rtt_halves_the_window_for_a_fifth_of_a_second),
	TEST(probe_rtt_in_startup_leads_back_to_startup),
	TEST(silence_spares_probe_rtt),
	TEST(silence_in_probe_rtt_ends_it),
	TEST(a_needless_episode_is_undone),
	TEST(a_needless_end_of_startup_is_undone),
	TEST(the_window_before_recovery_comes_back_within_the_bounds),
	TEST(a_mark_ends_startup_and_probes_and_lowers_what_cruises),
	TEST(without_sack_one_loss_ends_startup),
	TEST(a_path_is_filled_with_little_queue),
	TEST(startup_is_short),
	TEST(random_loss_of_one_per_cent_costs_a_quarter_at_most),
	TEST(a_shallow_queue_does_not_overflow_for_long),
	TEST(a_path_of_less_than_a_packet_is_filled_by_four),
	TEST(acks_in_bunches_do_not_stop_the_flow),
	TEST(tenfold_changes_of_the_bandwidth_are_followed),
	TEST(a_policer_is_conformed_to),
	TEST(an_application_limited_flow_keeps_what_it_learnt),
	TEST(a_lossy_burst_leaves_the_model_alive),
};
TEST_SUITE(cc_bbr, cases);
