#include "../lib/cc_rig.h"
#include "../lib/test.h"

#include <string.h>

#include "base/rng.h"

#define MSS 1448u

static void every_algorithm_is_found_by_its_name(void)
{
	for (int i = 0; i < CC_COUNT; i++) {
		enum tcp_cc_kind kind = CC_COUNT;

		CU_ASSERT_TRUE(cc_by_name(cc_name((enum tcp_cc_kind)i), &kind));
		CU_ASSERT_EQUAL(kind, (enum tcp_cc_kind)i);
		CU_ASSERT_TRUE(cc_find((enum tcp_cc_kind)i)->state_size <= CC_STATE_BYTES);
	}
	enum tcp_cc_kind kind = CC_RENO;

	CU_ASSERT_FALSE(cc_by_name("vegas", &kind));
	CU_ASSERT_EQUAL(kind, CC_RENO);
}

static void the_initial_window_follows_rfc_6928(void)
{
	static const struct {
		uint32_t mss;
		uint16_t segs;
		uint32_t want;
	} row[] = {
		{1460, 10, 14600}, {1448, 10, 14480}, {536, 10, 5360}, {8960, 10, 17920},
		{1460, 1, 1460},   {1460, 3, 4380},   {1095, 4, 4380}, {2190, 3, 4380},
		{1460, 0, 1460},   {65535, 65535, 95681100},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		CU_ASSERT_EQUAL(cc_initial_window(row[i].mss, row[i].segs), row[i].want);
}

static void lose_something(struct cc_rig *r, struct rng *rng)
{
	uint32_t size = rng_below(rng, 2 * MSS) + 1, lo = rng_u32(rng);

	if (r->cc.ops->on_lost)
		r->cc.ops->on_lost(&r->cc, &(struct cc_lost){.now = r->a.now,
							     .lo = lo,
							     .hi = lo + size,
							     .tx_in_flight = rng_u32(rng) >> (1 + rng_below(rng, 30)),
							     .lost = rng_u32(rng) >> rng_below(rng, 32),
							     .delivered_total = r->a.delivered_total,
							     .app_limited = rng_below(rng, 4) == 0,
							     .selective = r->a.selective});
}

/* Whatever is said in whatever order, the bounds hold. */
static void no_story_leads_out_of_bounds(void)
{
	for (int kind = 0; kind < CC_COUNT; kind++) {
		struct cc_rig r;
		struct rng rng;

		cc_rig_init(&r, (enum tcp_cc_kind)kind, MSS, 10 * MSS);
		r.cc.hystart = true;
		rng_init(&rng, (uint64_t)kind, "cc");
		for (int i = 0; i < 50000; i++) {
			uint32_t dice = rng_below(&rng, 100), bytes = rng_below(&rng, r.cc.cwnd) + 1;

			r.a.now += rng_below(&rng, 200 * 1000 * 1000);
			r.a.rtt = rng_below(&rng, 10) ? (ns_t)rng_below(&rng, 300 * 1000 * 1000) : -1;
			r.a.srtt = 1 + (ns_t)rng_below(&rng, 300 * 1000 * 1000);
			r.a.rate = rng_below(&rng, 3) ? rng_u64(&rng) >> (20 + rng_below(&rng, 44)) : 0;
			r.a.cwnd_limited = rng_below(&rng, 4) > 0;
			r.a.rate_app_limited = rng_below(&rng, 4) == 0;
			r.a.ece = rng_below(&rng, 20) == 0;
			r.a.cwnd_full = rng_below(&rng, 2);
			r.a.sampled = rng_below(&rng, 10) > 0;
			r.a.selective = rng_below(&rng, 10) > 0;
			r.a.sample_lost = rng_below(&rng, 2 * bytes);
			if (rng_below(&rng, 10) == 0)
				lose_something(&r, &rng);
			r.a.ce_bytes = rng_below(&rng, 2 * bytes);
			r.a.lost = rng_below(&rng, 20) ? 0 : rng_below(&rng, r.cc.cwnd + 1);
			if (dice < 90) {
				cc_rig_ack(&r, bytes);
			} else if (dice < 93) {
				uint32_t cwnd = r.cc.cwnd, ssthresh = r.cc.ssthresh;

				r.a.in_recovery = true;
				r.cc.ops->on_congestion(&r.cc, &r.a);
				if (rng_below(&rng, 2)) {
					r.cc.cwnd = cwnd;
					r.cc.ssthresh = ssthresh;
					if (r.cc.ops->on_undo)
						r.cc.ops->on_undo(&r.cc, r.a.now);
				} else if (!r.cc.ops->own_recovery) {
					r.cc.cwnd = r.cc.ssthresh;
				}
			} else if (dice < 95) {
				r.a.in_recovery = false;
				if (r.cc.ops->on_recovered)
					r.cc.ops->on_recovered(&r.cc, r.a.now);
			} else if (dice < 97) {
				r.cc.ops->on_timeout(&r.cc, &r.a);
				r.cc.cwnd = MSS;
			} else if (r.cc.ops->on_idle) {
				r.cc.ops->on_idle(&r.cc, r.a.now, (ns_t)rng_below(&rng, 1u << 31));
			} else if (r.cc.ops->on_restart) {
				r.cc.ops->on_restart(&r.cc, r.a.now);
			}
			CU_ASSERT_TRUE_FATAL(r.cc.cwnd >= MSS && r.cc.cwnd <= 1u << 30);
			CU_ASSERT_TRUE_FATAL(r.cc.ssthresh >= 2 * MSS);
		}
	}
}

static void slow_start_counts_bytes_and_abc_limits_them(void)
{
	struct cc_rig r;

	cc_rig_init(&r, CC_RENO, MSS, 10 * MSS);
	cc_rig_ack(&r, 5 * MSS);
	CU_ASSERT_EQUAL(r.cc.cwnd, 15 * MSS);
	r.cc.abc = true;
	cc_rig_ack(&r, 5 * MSS);
	CU_ASSERT_EQUAL(r.cc.cwnd, 17 * MSS);
	r.a.cwnd_limited = false;
	cc_rig_ack(&r, 5 * MSS);
	CU_ASSERT_EQUAL(r.cc.cwnd, 17 * MSS);
}

static const struct test_case cases[] = {
	TEST(every_algorithm_is_found_by_its_name),
	TEST(the_initial_window_follows_rfc_6928),
	TEST(slow_start_counts_bytes_and_abc_limits_them),
	TEST(no_story_leads_out_of_bounds),
};
TEST_SUITE(cc, cases);
