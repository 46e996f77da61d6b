#include "../lib/test.h"

#include "tcp/cc_bbr.h"

#define MSS 1448u

static void what_was_too_much_is_found_within_the_packet(void)
{
	static const struct {
		const char *name;
		uint32_t lo, hi, tx_in_flight, lost, want;
	} row[] = {
		/* (x - 98,552) + ... : of a burst of 50 MSS a part fits, so that lost / in flight = 1/50. */
		{"the first loss is a whole burst", 0, 50 * MSS, 100 * MSS, 50 * MSS, 50 * MSS + 50 * MSS / 49},
		{"the threshold falls between packets", 0, MSS, 50 * MSS, 2 * MSS, 49 * MSS},
		{"more was lost before than is allowed", 0, MSS, 50 * MSS, 5 * MSS, 49 * MSS},
		{"a packet that was alone", 0, MSS, MSS, MSS, 0},
		{"numbers that wrap", UINT32_MAX - 99, MSS - 100, 50 * MSS, 2 * MSS, 49 * MSS},
		{"a record that was cut since", 0, 3 * MSS, 2 * MSS, 3 * MSS, 0},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct cc_lost l = {.lo = row[i].lo, .hi = row[i].hi, .tx_in_flight = row[i].tx_in_flight, .lost = row[i].lost};
		uint32_t got = bbr_inflight_at_loss(&l);

		if (got != row[i].want) {
			printf("%s: %u, expected %u\n", row[i].name, got, row[i].want);
			CU_FAIL("not there");
		}
	}
}

static void over_two_per_cent_lost_is_too_much(void)
{
	CU_ASSERT_FALSE(bbr_is_inflight_too_high(2 * MSS, 100 * MSS, true));
	CU_ASSERT_TRUE(bbr_is_inflight_too_high(2 * MSS + 1, 100 * MSS, true));
	CU_ASSERT_FALSE(bbr_is_inflight_too_high(0, 0, true));
	/* Without SACK one loss a round trip is all that can be seen. */
	CU_ASSERT_TRUE(bbr_is_inflight_too_high(1, 100 * MSS, false));
	CU_ASSERT_FALSE(bbr_is_inflight_too_high(0, 100 * MSS, false));
}

static struct cc_ack ack_of(uint64_t total, uint64_t prior, uint64_t rate)
{
	return (struct cc_ack){.now = SEC,
			       .rtt = -1,
			       .delivered = MSS,
			       .delivered_total = total,
			       .prior_delivered = prior,
			       .rate = rate,
			       .sampled = true};
}

/* The measuring steps of one ACK. */
static void hear(struct bbr *b, const struct cc_ack *a)
{
	bbr_update_latest_signals(b, a);
	bbr_update_congestion_signals(b, 100 * MSS, a);
	bbr_update_ack_aggregation(b, 100 * MSS, a);
	bbr_advance_latest_signals(b, a);
	b->bw = bbr_min64(bbr_max_bw(b), b->bw_shortterm);
}

static void a_round_ends_with_a_packet_sent_after_its_start(void)
{
	struct bbr b = {.state = BBR_CRUISE};
	struct cc_ack a;

	bbr_model_init(&b, 0, SEC);
	a = ack_of(10 * MSS, 0, 0);
	hear(&b, &a);
	CU_ASSERT_EQUAL(b.round_count, 1); /* nothing had been delivered when it was sent: the first round */
	a = ack_of(19 * MSS, 9 * MSS, 0);
	hear(&b, &a);
	CU_ASSERT_FALSE(b.round_start);
	a = ack_of(20 * MSS, 10 * MSS, 0);
	hear(&b, &a);
	CU_ASSERT_TRUE(b.round_start);
	CU_ASSERT_EQUAL(b.round_count, 2);
	a = ack_of(40 * MSS, 0, 0); /* part of a record: says nothing of when it was sent */
	a.sampled = false;
	hear(&b, &a);
	CU_ASSERT_FALSE(b.round_start);
	CU_ASSERT_TRUE(b.inflight_latest <= 10 * MSS);
}

static void the_highest_rate_is_of_two_cycles(void)
{
	struct bbr b = {.state = BBR_CRUISE};
	struct cc_ack a = ack_of(MSS, 0, 1000);

	bbr_model_init(&b, 0, SEC);
	hear(&b, &a);
	a.rate = 800;
	hear(&b, &a);
	CU_ASSERT_EQUAL(bbr_max_bw(&b), 1000);
	bbr_advance_max_bw_filter(&b);
	hear(&b, &a);
	CU_ASSERT_EQUAL(bbr_max_bw(&b), 1000);
	bbr_advance_max_bw_filter(&b);
	CU_ASSERT_EQUAL(bbr_max_bw(&b), 800);
	bbr_advance_max_bw_filter(&b); /* nothing was sampled in this one */
	CU_ASSERT_EQUAL(bbr_max_bw(&b), 800);
	bbr_advance_max_bw_filter(&b);
	CU_ASSERT_EQUAL(bbr_max_bw(&b), 800);
}

static void a_slow_application_lowers_nothing_and_a_fast_sample_of_it_counts(void)
{
	struct bbr b = {.state = BBR_CRUISE};
	struct cc_ack a = ack_of(MSS, 0, 1000);

	bbr_model_init(&b, 0, SEC);
	hear(&b, &a);
	bbr_advance_max_bw_filter(&b);
	a.rate_app_limited = true;
	a.rate = 10;
	hear(&b, &a);
	CU_ASSERT_EQUAL(b.max_bw[1], 0);
	a.rate = 1100;
	hear(&b, &a);
	CU_ASSERT_EQUAL(bbr_max_bw(&b), 1100);
}

static void the_shortest_round_trip_is_of_ten_seconds_and_refreshed_every_five(void)
{
	struct bbr b = {0};
	struct cc_ack a = {.now = SEC, .rtt = 20 * MS};

	bbr_model_init(&b, 0, 0);
	CU_ASSERT_EQUAL(b.min_rtt, NS_NEVER);
	bbr_update_min_rtt(&b, &a);
	CU_ASSERT_EQUAL(b.min_rtt, 20 * MS);
	a = (struct cc_ack){.now = 6 * SEC, .rtt = 30 * MS};
	bbr_update_min_rtt(&b, &a);
	CU_ASSERT_FALSE(b.probe_rtt_expired); /* not after five seconds, but later */
	CU_ASSERT_EQUAL(b.probe_rtt_min_delay, 20 * MS);
	a.now = 6 * SEC + 1;
	bbr_update_min_rtt(&b, &a);
	CU_ASSERT_TRUE(b.probe_rtt_expired);
	CU_ASSERT_EQUAL(b.probe_rtt_min_delay, 30 * MS);
	CU_ASSERT_EQUAL(b.min_rtt, 20 * MS);
	a = (struct cc_ack){.now = 11 * SEC + 1, .rtt = -1}; /* a sample is not needed for that */
	bbr_update_min_rtt(&b, &a);
	CU_ASSERT_EQUAL(b.min_rtt, 30 * MS);
}

static void the_handshake_gives_the_first_round_trip(void)
{
	struct bbr b = {.initial_cwnd = 10 * MSS};

	bbr_model_init(&b, 0, 0);
	CU_ASSERT_EQUAL(bbr_bdp_multiple(&b, 1000000, 200), 10 * MSS);
	bbr_model_init(&b, 50 * MS, 0);
	CU_ASSERT_EQUAL(bbr_bdp_multiple(&b, 1000000, 200), 100000);
}

static void aggregation_is_remembered_for_ten_rounds(void)
{
	struct bbr b = {.state = BBR_CRUISE, .full_bw_reached = true, .bw = 0};
	struct cc_ack a = ack_of(20 * MSS, 0, 0);

	bbr_model_init(&b, 0, SEC);
	a.delivered = 20 * MSS; /* all at once: the rate explains none of it */
	hear(&b, &a);
	CU_ASSERT_EQUAL(bbr_extra_acked(&b), 20 * MSS);
	b.bw = 1ull << 40; /* from now on it explains everything */
	for (int round = 1; round <= 11; round++) {
		a.now += MS;
		a.delivered = MSS;
		a.prior_delivered = a.delivered_total;
		a.delivered_total += MSS;
		b.max_bw[1] = 1ull << 40;
		hear(&b, &a);
		CU_ASSERT_EQUAL(bbr_extra_acked(&b), round <= 10 ? 20 * MSS : MSS);
	}
	b.full_bw_reached = false; /* in Startup: one round */
	CU_ASSERT_EQUAL(bbr_extra_acked(&b), MSS);
}

static void aggregation_is_what_exceeds_the_rate_and_never_over_the_window(void)
{
	struct bbr b = {.state = BBR_CRUISE, .full_bw_reached = true};
	struct cc_ack a = ack_of(10 * MSS, 0, 0);

	bbr_model_init(&b, 0, SEC);
	b.bw = 1000 * MSS; /* one segment each millisecond */
	a.delivered = 10 * MSS;
	bbr_update_ack_aggregation(&b, 100 * MSS, &a);
	a.now += 4 * MS;
	bbr_update_ack_aggregation(&b, 100 * MSS, &a);
	CU_ASSERT_EQUAL(bbr_extra_acked(&b), 16 * MSS); /* twenty, of which the time explains four */
	a.delivered = 500 * MSS;
	bbr_update_ack_aggregation(&b, 100 * MSS, &a);
	CU_ASSERT_EQUAL(bbr_extra_acked(&b), 100 * MSS);
}

static void losses_between_probes_lower_the_bounds_once_a_round_to_what_was_delivered(void)
{
	struct bbr b = {.state = BBR_CRUISE};
	struct cc_ack a = ack_of(50 * MSS, 0, 1000000);

	bbr_model_init(&b, 0, SEC);
	hear(&b, &a);
	b.loss_in_round = true;
	b.loss_round_delivered = b.delivered;
	a = ack_of(99 * MSS, 49 * MSS, 950000); /* sent before the loss was seen */
	hear(&b, &a);
	CU_ASSERT_EQUAL(b.bw_shortterm, BBR_RATE_INFINITE);
	a = ack_of(100 * MSS, 50 * MSS, 940000);
	hear(&b, &a);
	CU_ASSERT_EQUAL(b.bw_shortterm, 1000000); /* the first round's best is a part of that round */
	CU_ASSERT_EQUAL(b.inflight_shortterm, 70 * MSS);
	CU_ASSERT_FALSE(b.loss_in_round);

	b.loss_in_round = true;
	a = ack_of(150 * MSS, 100 * MSS, 940000);
	hear(&b, &a);
	CU_ASSERT_EQUAL(b.bw_shortterm, 940000);
	CU_ASSERT_EQUAL(b.bw, 940000);
	b.loss_in_round = true; /* hardly anything comes through: not below 0.7 of what it was */
	a = ack_of(151 * MSS, 150 * MSS, 1000);
	b.bw_latest = 1000;
	hear(&b, &a);
	CU_ASSERT_EQUAL(b.bw_shortterm, 940000 * 7 / 10);

	b.state = BBR_UP; /* while probing it is the long-term model's business */
	b.loss_in_round = true;
	a = ack_of(152 * MSS, 151 * MSS, 1000);
	hear(&b, &a);
	CU_ASSERT_EQUAL(b.bw_shortterm, 940000 * 7 / 10);
}

static void three_rounds_without_growth_by_a_quarter_mean_a_full_pipe(void)
{
	struct bbr b = {.state = BBR_STARTUP};
	struct cc_ack a = {.rate = 1000};
	static const struct {
		uint64_t rate;
		bool app_limited, round, full;
	} step[] = {
		{1000, false, true, false}, {1250, false, true, false}, {1500, false, true, false},
		{1500, false, false, false}, {1500, true, true, false}, {0, false, true, false},
		{1500, false, true, false}, {1500, false, true, true},
	};

	bbr_model_init(&b, 0, SEC);
	for (size_t i = 0; i < sizeof(step) / sizeof(step[0]); i++) {
		a.rate = step[i].rate;
		a.rate_app_limited = step[i].app_limited;
		b.round_start = step[i].round;
		bbr_check_full_bw(&b, &a);
		CU_ASSERT_EQUAL(b.full_bw_now, step[i].full);
	}
	CU_ASSERT_TRUE(b.full_bw_reached);
	bbr_reset_full_bw(&b);
	CU_ASSERT_FALSE(b.full_bw_now);
	CU_ASSERT_TRUE(b.full_bw_reached);
}

static const struct test_case cases[] = {
	TEST(what_was_too_much_is_found_within_the_packet),
	TEST(over_two_per_cent_lost_is_too_much),
	TEST(a_round_ends_with_a_packet_sent_after_its_start),
	TEST(the_highest_rate_is_of_two_cycles),
	TEST(a_slow_application_lowers_nothing_and_a_fast_sample_of_it_counts),
	TEST(the_shortest_round_trip_is_of_ten_seconds_and_refreshed_every_five),
	TEST(the_handshake_gives_the_first_round_trip),
	TEST(aggregation_is_remembered_for_ten_rounds),
	TEST(aggregation_is_what_exceeds_the_rate_and_never_over_the_window),
	TEST(losses_between_probes_lower_the_bounds_once_a_round_to_what_was_delivered),
	TEST(three_rounds_without_growth_by_a_quarter_mean_a_full_pipe),
};
TEST_SUITE(cc_bbr_model, cases);
