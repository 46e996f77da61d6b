#include "../lib/test.h"

#include "tcp/tcp_rtt.h"

static struct rtt fresh(ns_t min_rto)
{
	struct rtt r;

	rtt_init(&r, SEC, min_rto, 120 * SEC);
	return r;
}

static void before_a_sample_the_timer_is_one_second(void)
{
	struct rtt r = fresh(200 * MS);

	CU_ASSERT_EQUAL(rtt_rto(&r), SEC); /* RFC 6298 2.1 */
	CU_ASSERT_EQUAL(r.min, NS_NEVER);
}

/* RFC 6298 2.2 to 2.4, with its floor of one second. */
static void samples_follow_rfc_6298(void)
{
	static const struct {
		const char *name;
		ns_t sample[3];
		ns_t srtt, rttvar, rto;
	} row[] = {
		{"one sample", {500 * MS}, 500 * MS, 250 * MS, 1500 * MS},
		{"short: rounded up to a second", {100 * MS}, 100 * MS, 50 * MS, SEC},
		/* var = 3/4 250 + 1/4 400, srtt = 7/8 500 + 1/8 900 */
		{"a longer one", {500 * MS, 900 * MS}, 550 * MS, 287500 * US, 1700 * MS},
		{"a shorter one", {500 * MS, 100 * MS}, 450 * MS, 287500 * US, 1600 * MS},
		{"equal ones", {500 * MS, 500 * MS, 500 * MS}, 500 * MS, 140625 * US, 1062500 * US},
		{"very long: the cap", {100 * SEC}, 100 * SEC, 50 * SEC, 120 * SEC},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct rtt r = fresh(SEC);

		for (int k = 0; k < 3 && row[i].sample[k]; k++)
			rtt_sample(&r, row[i].sample[k], 1, SEC);
		CU_ASSERT_EQUAL(r.srtt, row[i].srtt);
		CU_ASSERT_EQUAL(r.rttvar, row[i].rttvar);
		if (rtt_rto(&r) != row[i].rto)
			CU_FAIL(row[i].name);
	}
}

static void a_steady_path_keeps_room_for_a_delayed_ack(void)
{
	struct rtt r = fresh(200 * MS);

	for (int i = 0; i < 100; i++)
		rtt_sample(&r, 300 * MS, 1, i * SEC);

	CU_ASSERT_TRUE(r.rttvar < MS);
	CU_ASSERT_EQUAL(rtt_rto(&r), 500 * MS);
}

static void many_samples_a_flight_weigh_as_much_as_one(void)
{
	struct rtt one = fresh(200 * MS), many = fresh(200 * MS);

	rtt_sample(&one, 100 * MS, 1, 0);
	rtt_sample(&many, 100 * MS, 1, 0);
	rtt_sample(&one, 200 * MS, 1, 0);
	for (int i = 0; i < 50; i++)
		rtt_sample(&many, 200 * MS, 50, 0);

	CU_ASSERT_TRUE(many.srtt - one.srtt < MS && one.srtt - many.srtt < MS);
}

static void backoff_doubles_up_to_the_cap_and_is_cleared(void)
{
	struct rtt r = fresh(200 * MS);

	rtt_sample(&r, 100 * MS, 1, 0);
	CU_ASSERT_EQUAL(rtt_rto(&r), 300 * MS);
	rtt_backoff(&r);
	CU_ASSERT_EQUAL(rtt_rto(&r), 600 * MS);
	for (int i = 0; i < 300; i++)
		rtt_backoff(&r);
	CU_ASSERT_EQUAL(rtt_rto(&r), 120 * SEC);
	rtt_clear_backoff(&r);
	CU_ASSERT_EQUAL(rtt_rto(&r), 300 * MS);
}

static void the_minimum_is_forgotten_after_five_to_ten_minutes(void)
{
	struct rtt r = fresh(200 * MS);

	rtt_sample(&r, 10 * MS, 1, 0);
	for (ns_t t = SEC; t < 299 * SEC; t += SEC)
		rtt_sample(&r, 20 * MS, 1, t);
	CU_ASSERT_EQUAL(r.min, 10 * MS);
	for (ns_t t = 299 * SEC; t < 700 * SEC; t += SEC)
		rtt_sample(&r, 20 * MS, 1, t);
	CU_ASSERT_EQUAL(r.min, 20 * MS);
	rtt_sample(&r, 50 * MS, 1, 5000 * SEC);
	CU_ASSERT_EQUAL(r.min, 50 * MS);
}

static void a_sample_of_nothing_is_harmless(void)
{
	struct rtt r = fresh(200 * MS);

	rtt_sample(&r, 0, 0, 0);
	CU_ASSERT_TRUE(r.srtt > 0);
	CU_ASSERT_EQUAL(rtt_rto(&r), 200 * MS + 1);
	rtt_sample(&r, NS_NEVER, 1, 0);
	CU_ASSERT_EQUAL(rtt_rto(&r), 120 * SEC);
}

static const struct test_case cases[] = {
	TEST(before_a_sample_the_timer_is_one_second),
	TEST(samples_follow_rfc_6298),
	TEST(a_steady_path_keeps_room_for_a_delayed_ack),
	TEST(many_samples_a_flight_weigh_as_much_as_one),
	TEST(backoff_doubles_up_to_the_cap_and_is_cleared),
	TEST(the_minimum_is_forgotten_after_five_to_ten_minutes),
	TEST(a_sample_of_nothing_is_harmless),
};
TEST_SUITE(tcp_rtt, cases);
