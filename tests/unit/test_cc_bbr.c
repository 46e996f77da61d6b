/* BBR on a path in miniature: one bottleneck with a queue, a fixed delay, random loss; every segment is
 * acknowledged by itself, and one is lost once three later ones have arrived. Lost bytes are not sent
 * again: what counts is how much gets through. The stories are those of the draft's list of test cases. */
#include "../lib/test.h"

#include <string.h>

#include "base/rng.h"
#include "tcp/cc.h"
#include "tcp/tcp_rate.h"

#define MSS 1448u
#define RING 65536u /* packets under way at most */

struct packet {
	ns_t sent, ack_at;
	struct rate_snap snap;
	bool dropped;
};

struct path {
	struct cc cc;
	uint64_t own[CC_STATE_BYTES / 8];
	struct packet ring[RING];
	uint64_t sent, done;   /* packets sent; the oldest not yet acknowledged or lost */
	ns_t now, pace_at, link_free;
	uint64_t rate;         /* of the link, bytes per second */
	ns_t delay;            /* round trip without a queue */
	uint32_t queue, loss_ppm, inflight;
	struct rate rs;
	ns_t srtt, min_rtt;
	struct rng rng;
	uint64_t delivered, lost, recovery_point, app_rate;
	uint64_t queue_sum, queue_n;
	uint32_t min_cwnd;
	bool in_recovery;
	ns_t app_next;
};

static void path_init(struct path *p, uint64_t rate, ns_t delay, uint32_t queue)
{
	memset(p, 0, sizeof(*p));
	p->cc.ops = cc_find(CC_BBR);
	p->cc.own = p->own;
	p->cc.mss = MSS;
	p->cc.cwnd = cc_initial_window(MSS, 10);
	p->cc.ssthresh = SSTHRESH_INFINITE;
	p->now = SEC;
	p->rate = rate;
	p->delay = delay;
	p->queue = queue;
	p->min_rtt = NS_NEVER;
	p->min_cwnd = UINT32_MAX;
	rng_init(&p->rng, 1, "bbr");
	p->cc.rng = &p->rng;
	p->cc.ops->init(&p->cc, p->now);
}

static uint32_t queued(const struct path *p)
{
	return p->link_free > p->now ? (uint32_t)((uint64_t)(p->link_free - p->now) * p->rate / SEC) : 0;
}

static void send_one(struct path *p)
{
	struct packet *k = &p->ring[p->sent++ % RING];

	if (!p->inflight && p->rs.app_limited)
		p->cc.ops->on_restart(&p->cc, p->now);
	*k = (struct packet){.sent = p->now};
	rate_on_send(&p->rs, &k->snap, p->inflight, MSS, p->now);
	p->inflight += MSS;
	if (p->cc.pacing_rate)
		p->pace_at = (p->pace_at > p->now ? p->pace_at : p->now) +
			     (ns_t)(MSS * (uint64_t)SEC / p->cc.pacing_rate);
	if (p->app_rate)
		p->app_next = p->now + (ns_t)(MSS * (uint64_t)SEC / p->app_rate);
	k->dropped = queued(p) + MSS > p->queue || rng_below(&p->rng, 1000000) < p->loss_ppm;
	if (k->dropped)
		return;
	p->link_free = (p->link_free > p->now ? p->link_free : p->now) + (ns_t)(MSS * (uint64_t)SEC / p->rate);
	k->ack_at = p->link_free + p->delay;
}

static void lose_one(struct path *p, uint64_t which)
{
	const struct rate_snap *s = &p->ring[which % RING].snap;

	rate_on_lost(&p->rs, MSS);
	p->lost += MSS;
	p->inflight -= MSS;
	p->cc.ops->on_lost(&p->cc, &(struct cc_lost){.now = p->now,
						     .lo = (uint32_t)which * MSS,
						     .hi = (uint32_t)(which + 1) * MSS,
						     .tx_in_flight = s->tx_in_flight,
						     .lost = p->rs.lost - s->lost,
						     .delivered_total = p->rs.delivered,
						     .app_limited = s->app_limited,
						     .selective = true});
}

static void ack_one(struct path *p, uint64_t which)
{
	struct packet *k = &p->ring[which % RING];
	struct cc_ack a = {
		.now = p->now, .inflight = p->inflight, .acked = MSS, .delivered = MSS, .selective = true, .sampled = true};
	struct rate_sample s = {0};

	rate_on_delivered(&p->rs, &s, &(struct rate_arrival){&k->snap, k->sent, (uint32_t)(which + 1) * MSS, MSS}, p->now);
	/* What was dropped before it is lost now, if three arrived since; here: all that is older by 3. */
	for (; p->done < which; p->done++) {
		if (p->ring[p->done % RING].dropped) {
			if (which - p->done < 3)
				break;
			a.lost += MSS;
			lose_one(p, p->done);
		}
	}
	a.rtt = p->now - k->sent;
	p->srtt = p->srtt ? p->srtt + (a.rtt - p->srtt) / 8 : a.rtt;
	p->min_rtt = ns_min(p->min_rtt, a.rtt);
	rate_finish(&p->rs, &s, p->min_rtt);
	k->ack_at = NS_NEVER; /* delivered */
	if (p->done == which)
		p->done++;
	p->inflight -= MSS;
	p->delivered += MSS;
	a.inflight_now = p->inflight;
	a.srtt = p->srtt;
	a.min_rtt = p->min_rtt;
	a.rate = s.rate;
	a.delivered_total = p->rs.delivered;
	a.prior_delivered = s.prior_delivered;
	a.tx_in_flight = s.tx_in_flight;
	a.sample_lost = p->rs.lost - s.prior_lost;
	a.rate_app_limited = s.app_limited;
	a.cwnd_limited = a.cwnd_full = !p->app_rate && a.inflight + MSS > p->cc.cwnd;
	if (a.lost && !p->in_recovery) {
		p->in_recovery = true;
		p->recovery_point = p->sent;
		p->cc.ops->on_congestion(&p->cc, &a);
	} else if (p->in_recovery && which >= p->recovery_point) {
		p->in_recovery = false;
		p->cc.ops->on_recovered(&p->cc, p->now);
	}
	a.in_recovery = p->in_recovery;
	p->cc.ops->on_ack(&p->cc, &a);
	if (p->cc.holds_back)
		rate_app_limited(&p->rs, p->inflight);
	if (p->cc.cwnd < p->min_cwnd)
		p->min_cwnd = p->cc.cwnd;
	p->queue_sum += queued(p);
	p->queue_n++;
}

/* Runs for `d`; returns the goodput in per cent of the link's rate. */
static uint32_t run(struct path *p, ns_t d)
{
	ns_t end = p->now + d;
	uint64_t before = p->delivered, next = p->done;

	p->queue_sum = p->queue_n = 0;
	p->min_cwnd = UINT32_MAX;
	while (p->now < end) {
		ns_t send_at = NS_NEVER, ack_at = NS_NEVER;

		while (next < p->sent && (p->ring[next % RING].dropped || p->ring[next % RING].ack_at == NS_NEVER))
			next++;
		if (next < p->sent)
			ack_at = p->ring[next % RING].ack_at;
		if (p->inflight + MSS <= p->cc.cwnd)
			send_at = ns_max(p->now, ns_max(p->pace_at, p->app_next));
		if (send_at == NS_NEVER && ack_at == NS_NEVER) { /* all of it was lost: a timeout */
			struct cc_ack a = {.now = p->now += 300 * MS, .lost = p->inflight};

			p->cc.ops->on_timeout(&p->cc, &a);
			p->cc.cwnd = MSS;
			p->inflight = 0;
			p->done = next = p->sent;
			continue;
		}
		if (ack_at <= send_at) {
			p->now = ns_max(p->now, ack_at);
			ack_one(p, next);
		} else {
			/* An application with a rate of its own leaves the path idle in between. */
			if (p->app_rate && send_at > p->now)
				rate_app_limited(&p->rs, p->inflight);
			p->now = send_at;
			send_one(p);
		}
	}
	return (uint32_t)((p->delivered - before) * 100 / (p->rate * (uint64_t)(d / MS) / 1000));
}

static uint32_t bdp(const struct path *p)
{
	return (uint32_t)(p->rate * (uint64_t)p->delay / SEC);
}

static struct path path; /* too big for the stack */

#define MBIT 125000ull /* bytes per second */

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
		path_init(&path, row[i].rate, row[i].delay, 0);
		path.queue = 2 * bdp(&path) + 10 * MSS;
		run(&path, 2 * SEC);
		uint32_t percent = run(&path, 15 * SEC), queue = (uint32_t)(path.queue_sum / path.queue_n);

		if (percent < 90 || percent > 100 || queue > bdp(&path) / 2 + 6 * MSS) {
			printf("%s: %u %%, queue %u of bdp %u\n", row[i].name, percent, queue, bdp(&path));
			CU_FAIL("not filled, or a standing queue");
		}
	}
}

static void startup_is_short(void)
{
	path_init(&path, 100 * MBIT, 40 * MS, 1000000);

	CU_ASSERT_TRUE(run(&path, SEC) >= 65);
	CU_ASSERT_TRUE(run(&path, SEC) >= 90);
}

/* Between probes the short-term bounds creep down with each lossy round; Reno would get 7 % here. */
static void random_loss_below_two_per_cent_costs_a_third_at_most(void)
{
	path_init(&path, 100 * MBIT, 20 * MS, 500000);
	path.loss_ppm = 10000;
	run(&path, 2 * SEC);

	CU_ASSERT_TRUE(run(&path, 20 * SEC) >= 66);
}

static void a_shallow_queue_does_not_overflow_for_long(void)
{
	path_init(&path, 100 * MBIT, 20 * MS, 50000); /* a fifth of the BDP */
	run(&path, 2 * SEC);
	path.lost = 0;
	uint64_t before = path.delivered;
	uint32_t percent = run(&path, 20 * SEC);

	CU_ASSERT_TRUE(percent >= 80);
	CU_ASSERT_TRUE(path.lost * 50 < path.delivered - before); /* under 2 % */
}

static void probe_rtt_drains_the_path_every_five_seconds(void)
{
	path_init(&path, 100 * MBIT, 20 * MS, 500000);
	run(&path, 2 * SEC);
	run(&path, 2 * SEC);
	CU_ASSERT_TRUE(path.min_cwnd > bdp(&path));
	run(&path, 7 * SEC);

	CU_ASSERT_TRUE(path.min_cwnd <= bdp(&path) * 6 / 10);
	CU_ASSERT_TRUE(path.min_cwnd >= 4 * MSS);
}

static void tenfold_changes_of_the_bandwidth_are_followed(void)
{
	path_init(&path, 100 * MBIT, 20 * MS, 500000);
	run(&path, 5 * SEC);
	path.rate = 10 * MBIT;
	run(&path, 10 * SEC);
	CU_ASSERT_TRUE(run(&path, 10 * SEC) >= 85);
	CU_ASSERT_TRUE(path.cc.cwnd < 20 * bdp(&path));

	path.rate = 100 * MBIT;
	run(&path, 15 * SEC);
	CU_ASSERT_TRUE(run(&path, 10 * SEC) >= 85);
}

static void an_application_limited_flow_keeps_what_it_learnt(void)
{
	path_init(&path, 100 * MBIT, 20 * MS, 500000);
	run(&path, 3 * SEC);
	uint64_t learnt = path.cc.ops->info(&path.cc);

	path.app_rate = 5 * MBIT;
	run(&path, 3 * SEC);
	CU_ASSERT_TRUE(path.cc.ops->info(&path.cc) * 2 > learnt);
	path.app_rate = 0;
	path.app_next = 0;
	CU_ASSERT_TRUE(run(&path, SEC) >= 80);
}

static void a_lossy_burst_leaves_the_model_alive(void)
{
	path_init(&path, 50 * MBIT, 20 * MS, 500000);
	run(&path, 3 * SEC);
	path.loss_ppm = 300000;
	run(&path, SEC);
	path.loss_ppm = 0;
	run(&path, 5 * SEC);

	CU_ASSERT_TRUE(run(&path, 5 * SEC) >= 85);
}

static const struct test_case cases[] = {
	TEST(a_path_is_filled_with_little_queue),
	TEST(startup_is_short),
	TEST(random_loss_below_two_per_cent_costs_a_third_at_most),
	TEST(a_shallow_queue_does_not_overflow_for_long),
	TEST(probe_rtt_drains_the_path_every_five_seconds),
	TEST(tenfold_changes_of_the_bandwidth_are_followed),
	TEST(an_application_limited_flow_keeps_what_it_learnt),
	TEST(a_lossy_burst_leaves_the_model_alive),
};
TEST_SUITE(cc_bbr, cases);
