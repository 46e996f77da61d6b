#include "../lib/test.h"

#include "tcp/tcp_rate.h"

/* A thousand bytes newly delivered; records are told apart by when they were sent. */
static void deliver(struct rate *r, struct rate_sample *s, const struct rate_snap *snap, ns_t sent, ns_t now)
{
	rate_on_delivered(r, s, &(struct rate_arrival){.snap = snap, .sent = sent, .bytes = 1000}, now);
}

static void steady_delivery_gives_its_rate(void)
{
	struct rate r = {0};
	struct rate_snap snap[20];

	/* 1,000 bytes each ms, acknowledged 10 ms later: 1 MB/s. */
	for (int i = 0; i < 20; i++) {
		ns_t now = SEC + i * MS;

		if (i >= 10) {
			struct rate_sample s = {0};

			deliver(&r, &s, &snap[i - 10], now - 10 * MS, now);
			rate_finish(&r, &s, 10 * MS);
			/* The first flight's samples all begin with its first packet. */
			CU_ASSERT_EQUAL(s.interval, i * MS);
			CU_ASSERT_EQUAL(s.rate, (uint64_t)(i - 9) * 1000000 / (uint64_t)i);
		}
		rate_on_send(&r, &snap[i], i < 10 ? (uint32_t)i * 1000 : 9000, 1000, now);
	}
	struct rate_sample s = {0};

	deliver(&r, &s, &snap[10], SEC + 10 * MS, SEC + 20 * MS);
	rate_finish(&r, &s, 10 * MS);
	CU_ASSERT_EQUAL(s.rate, 1000000);
}

static void compressed_acks_do_not_exceed_the_send_rate(void)
{
	struct rate r = {0};
	struct rate_snap snap[10];
	struct rate_sample s = {0};

	for (int i = 0; i < 10; i++)
		rate_on_send(&r, &snap[i], (uint32_t)i * 1000, 1000, SEC + i * 10 * MS);
	/* All ten are acknowledged within a microsecond at 95 ms. */
	for (int i = 0; i < 10; i++)
		deliver(&r, &s, &snap[i], SEC + i * 10 * MS, SEC + 95 * MS);
	rate_finish(&r, &s, 5 * MS);

	CU_ASSERT_EQUAL(s.interval, 95 * MS);
	CU_ASSERT_TRUE(s.rate <= 10000ull * SEC / (90 * MS));
}

static void the_record_sent_last_gives_the_sample(void)
{
	struct rate r = {0};
	struct rate_snap first, last;
	struct rate_sample s = {0};

	rate_on_send(&r, &first, 0, 1000, SEC);
	r.delivered = 5000;
	rate_on_send(&r, &last, 1000, 1000, SEC + MS);
	deliver(&r, &s, &last, SEC + MS, SEC + 9 * MS);
	deliver(&r, &s, &first, SEC, SEC + 9 * MS);

	CU_ASSERT_EQUAL(s.prior_delivered, 5000);
	CU_ASSERT_EQUAL(r.delivered, 7000);
}

static void of_two_sent_at_one_time_the_later_bytes_give_the_sample(void)
{
	struct rate r = {0};
	struct rate_snap low, high;
	struct rate_sample s = {0};

	rate_on_send(&r, &low, 0, 1000, SEC);
	rate_on_send(&r, &high, 1000, 1000, SEC);
	/* A SACK of the upper one comes first in an ACK, then the cumulative part. */
	rate_on_delivered(&r, &s, &(struct rate_arrival){&high, SEC, 500, 1000}, SEC + 9 * MS); /* its end wraps */
	rate_on_delivered(&r, &s, &(struct rate_arrival){&low, SEC, UINT32_MAX - 499, 1000}, SEC + 9 * MS);
	CU_ASSERT_EQUAL(s.tx_in_flight, 2000);
	CU_ASSERT_EQUAL(s.bytes, 2000);
}

static void a_record_remembers_what_was_in_flight_and_lost(void)
{
	struct rate r = {.lost = UINT32_MAX - 999}; /* about to wrap */
	struct rate_snap snap;
	struct rate_sample s = {0};

	rate_on_send(&r, &snap, 9000, 1000, SEC);
	rate_on_lost(&r, 3000);
	deliver(&r, &s, &snap, SEC, SEC + 9 * MS);
	CU_ASSERT_EQUAL(s.tx_in_flight, 10000);
	CU_ASSERT_EQUAL(r.lost - s.prior_lost, 3000);
	rate_on_send(&r, &snap, 1u << 30, 1000, SEC); /* the largest window there is */
	CU_ASSERT_EQUAL(snap.tx_in_flight, (1u << 30) + 1000);
	CU_ASSERT_EQUAL(sizeof(snap), 32);
}

static void a_duplicate_counts_as_delivered_if_it_was_resent(void)
{
	struct rate r = {.delivered = 5000};

	rate_on_duplicate(&r, 1000, 2500, SEC);
	CU_ASSERT_EQUAL(r.delivered, 6000);
	CU_ASSERT_EQUAL(r.delivered_time, SEC);
	rate_on_duplicate(&r, 1000, 2500, 2 * SEC);
	rate_on_duplicate(&r, 1000, 2500, 3 * SEC); /* half of it cannot be */
	CU_ASSERT_EQUAL(r.delivered, 7500);
	rate_on_duplicate(&r, UINT32_MAX, 2500, 4 * SEC); /* a lie */
	CU_ASSERT_EQUAL(r.delivered, 7500);
	CU_ASSERT_EQUAL(r.delivered_time, 3 * SEC);
}

static void an_interval_under_the_minimum_rtt_is_no_sample(void)
{
	struct rate r = {0};
	struct rate_snap snap;
	struct rate_sample s = {0};

	rate_on_send(&r, &snap, 0, 1000, SEC);
	deliver(&r, &s, &snap, SEC, SEC + MS);
	rate_finish(&r, &s, 10 * MS);
	CU_ASSERT_EQUAL(s.rate, 0);
	rate_finish(&r, &s, NS_NEVER); /* none known yet */
	CU_ASSERT_EQUAL(s.rate, 1000000);
}

static void no_delivery_is_no_sample(void)
{
	struct rate r = {0};
	struct rate_sample s = {0};

	rate_finish(&r, &s, MS);
	CU_ASSERT_EQUAL(s.rate, 0);
}

static void the_application_limit_lasts_until_its_bubble_is_acknowledged(void)
{
	struct rate r = {0};
	struct rate_snap a, b;
	struct rate_sample s = {0}, t = {0};

	rate_on_send(&r, &a, 0, 1000, SEC);
	rate_app_limited(&r, 1000);
	rate_on_send(&r, &b, 1000, 1000, SEC + MS);
	CU_ASSERT_FALSE(a.app_limited);
	CU_ASSERT_TRUE(b.app_limited);

	deliver(&r, &s, &a, SEC, SEC + 5 * MS);
	rate_finish(&r, &s, MS);
	CU_ASSERT_TRUE(r.app_limited != 0);
	deliver(&r, &t, &b, SEC + MS, SEC + 6 * MS);
	rate_finish(&r, &t, MS);
	CU_ASSERT_TRUE(t.app_limited);
	CU_ASSERT_EQUAL(r.app_limited, 0);
}

static void terabytes_do_not_overflow(void)
{
	struct rate r = {0};
	struct rate_snap snap;
	struct rate_sample s = {0};

	rate_on_send(&r, &snap, 0, 1000, 0);
	r.delivered = 1ull << 42;
	deliver(&r, &s, &snap, 0, SEC);
	rate_finish(&r, &s, MS);

	CU_ASSERT_TRUE(s.rate > (1ull << 42) - SEC && s.rate < (1ull << 42) + SEC);
}

static const struct test_case cases[] = {
	TEST(steady_delivery_gives_its_rate),
	TEST(compressed_acks_do_not_exceed_the_send_rate),
	TEST(the_record_sent_last_gives_the_sample),
	TEST(of_two_sent_at_one_time_the_later_bytes_give_the_sample),
	TEST(a_record_remembers_what_was_in_flight_and_lost),
	TEST(a_duplicate_counts_as_delivered_if_it_was_resent),
	TEST(an_interval_under_the_minimum_rtt_is_no_sample),
	TEST(no_delivery_is_no_sample),
	TEST(the_application_limit_lasts_until_its_bubble_is_acknowledged),
	TEST(terabytes_do_not_overflow),
};
TEST_SUITE(tcp_rate, cases);
