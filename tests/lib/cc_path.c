#include "cc_path.h"

#include <string.h>

#define MSS CC_PATH_MSS
#define TIMEOUT (300 * MS)

static struct cc_packet *at(struct cc_path *p, uint64_t which)
{
	return &p->ring[which % CC_PATH_RING];
}

static ns_t time_of(uint64_t bytes, uint64_t rate)
{
	return (ns_t)(bytes * (uint64_t)SEC / rate);
}

void cc_path_init(struct cc_path *p, enum tcp_cc_kind kind, uint64_t rate, ns_t delay, uint32_t queue)
{
	memset(p, 0, sizeof(*p));
	p->cc.ops = cc_find(kind);
	p->cc.own = p->own;
	p->cc.mss = MSS;
	p->cc.cwnd = cc_initial_window(MSS, 10);
	p->cc.ssthresh = SSTHRESH_INFINITE;
	p->cc.rng = &p->rng;
	p->now = SEC;
	p->rate = rate;
	p->delay = delay;
	p->queue = queue;
	p->min_rtt = NS_NEVER;
	rng_init(&p->rng, 1, "path");
	p->cc.ops->init(&p->cc, p->now);
}

uint32_t cc_path_bdp(const struct cc_path *p)
{
	return (uint32_t)(p->rate * (uint64_t)p->delay / SEC);
}

static uint32_t queued(const struct cc_path *p)
{
	return p->link_free > p->now ? (uint32_t)((uint64_t)(p->link_free - p->now) * p->rate / SEC) : 0;
}

uint32_t cc_path_queue(const struct cc_path *p)
{
	return p->queue_n ? (uint32_t)(p->queue_sum / p->queue_n) : 0;
}

/* ---- the link ---- */

static bool policer_drops(struct cc_path *p)
{
	p->tokens += (uint64_t)(p->now - p->tokens_at) * p->rate / SEC;
	p->tokens_at = p->now;
	if (p->tokens > p->bucket)
		p->tokens = p->bucket;
	if (p->tokens < MSS)
		return true;
	p->tokens -= MSS;
	return false;
}

static void cross(struct cc_path *p, struct cc_packet *k)
{
	bool full = p->bucket ? policer_drops(p) : queued(p) + MSS > p->queue;

	k->dropped = full || rng_below(&p->rng, 1000000) < p->loss_ppm;
	if (k->dropped)
		return;
	if (p->bucket) {
		k->ack_at = p->now + p->delay;
	} else {
		p->link_free = ns_max(p->link_free, p->now) + time_of(MSS, p->rate);
		k->ack_at = p->link_free + p->delay;
	}
	if (p->batch)
		k->ack_at += p->batch - k->ack_at % p->batch;
}

/* ---- the sender ---- */

static void send_one(struct cc_path *p)
{
	struct cc_packet *k = at(p, p->sent++);

	if (!p->inflight && p->rs.app_limited && p->cc.ops->on_restart)
		p->cc.ops->on_restart(&p->cc, p->now);
	*k = (struct cc_packet){.sent = p->now};
	rate_on_send(&p->rs, &k->snap, p->inflight, MSS, p->now);
	p->inflight += MSS;
	if (p->cc.pacing_rate)
		p->pace_at = ns_max(p->pace_at, p->now) + time_of(MSS, p->cc.pacing_rate);
	if (p->app_rate)
		p->app_next = ns_max(p->app_next, p->now) + time_of(MSS, p->app_rate);
	cross(p, k);
}

static void lose_one(struct cc_path *p, uint64_t which)
{
	const struct rate_snap *s = &at(p, which)->snap;

	rate_on_lost(&p->rs, MSS);
	p->lost += MSS;
	p->inflight -= MSS;
	if (!p->in_recovery || which < p->recovery_point)
		p->repaired_by = p->sent + 1;
	if (p->cc.ops->on_lost)
		p->cc.ops->on_lost(&p->cc, &(struct cc_lost){.now = p->now,
							     .lo = (uint32_t)which * MSS,
							     .hi = (uint32_t)(which + 1) * MSS,
							     .tx_in_flight = s->tx_in_flight,
							     .lost = p->rs.lost - s->lost,
							     .delivered_total = p->rs.delivered,
							     .app_limited = s->app_limited,
							     .selective = true});
}

/* What was dropped and lies three or more below `which`. */
static uint32_t detect(struct cc_path *p, uint64_t which)
{
	uint32_t lost = 0;

	for (; p->done < which; p->done++) {
		if (!at(p, p->done)->dropped)
			continue;
		if (which - p->done < 3)
			break;
		lost += MSS;
		lose_one(p, p->done);
	}
	return lost;
}

static void episodes(struct cc_path *p, uint64_t which, struct cc_ack *a)
{
	if (a->lost && !p->in_recovery) {
		p->in_recovery = true;
		p->recovery_point = p->sent;
		p->cc.ops->on_congestion(&p->cc, a);
	} else if (p->in_recovery && which >= p->recovery_point && which >= p->repaired_by) {
		p->in_recovery = false;
		p->cc.ops->on_recovered(&p->cc, p->now);
	}
	a->in_recovery = p->in_recovery;
}

static void note(struct cc_path *p)
{
	p->min_cwnd = p->cc.cwnd < p->min_cwnd ? p->cc.cwnd : p->min_cwnd;
	p->max_cwnd = p->cc.cwnd > p->max_cwnd ? p->cc.cwnd : p->max_cwnd;
	p->queue_sum += queued(p);
	p->queue_n++;
}

static void ack_one(struct cc_path *p, uint64_t which)
{
	struct cc_packet *k = at(p, which);
	struct rate_sample s = {0};
	ns_t rtt = p->now - k->sent;
	struct cc_ack a = {.now = p->now,
			   .rtt = rtt,
			   .inflight = p->inflight + p->phantom,
			   .acked = MSS,
			   .delivered = MSS,
			   .cwnd_full = !p->app_rate && p->inflight + MSS > p->cc.cwnd,
			   .selective = true,
			   .sampled = true};

	p->srtt = p->srtt ? p->srtt + (rtt - p->srtt) / 8 : rtt;
	p->min_rtt = ns_min(p->min_rtt, rtt);
	rate_on_delivered(&p->rs, &s, &(struct rate_arrival){&k->snap, k->sent, (uint32_t)(which + 1) * MSS, MSS}, p->now);
	a.lost = detect(p, which);
	rate_finish(&p->rs, &s, p->min_rtt);
	k->ack_at = NS_NEVER;
	if (p->done == which)
		p->done++;
	p->inflight -= MSS;
	p->delivered += MSS;
	a.inflight_now = p->inflight + p->phantom;
	a.srtt = p->srtt;
	a.min_rtt = p->min_rtt;
	a.rate = s.rate;
	a.delivered_total = p->rs.delivered;
	a.prior_delivered = s.prior_delivered;
	a.tx_in_flight = s.tx_in_flight;
	a.sample_lost = p->rs.lost - s.prior_lost;
	a.rate_app_limited = s.app_limited;
	a.cwnd_limited = a.cwnd_full;
	episodes(p, which, &a);
	p->cc.ops->on_ack(&p->cc, &a);
	if (p->cc.holds_back)
		rate_app_limited(&p->rs, p->inflight);
	note(p);
}

/* All that is out was lost. */
static void time_out(struct cc_path *p)
{
	struct cc_ack a = {.now = p->now += TIMEOUT, .delivered_total = p->rs.delivered, .selective = true};

	p->cc.ops->on_timeout(&p->cc, &a);
	for (; p->done < p->sent; p->done++)
		if (at(p, p->done)->ack_at != NS_NEVER)
			lose_one(p, p->done);
	p->cc.cwnd = MSS;
	p->in_recovery = true;
	p->recovery_point = p->next = p->sent;
}

void cc_path_step(struct cc_path *p)
{
	ns_t send_at = NS_NEVER, ack_at = NS_NEVER;

	while (p->next < p->sent && (at(p, p->next)->dropped || at(p, p->next)->ack_at == NS_NEVER))
		p->next++;
	if (p->next < p->sent)
		ack_at = at(p, p->next)->ack_at;
	if (!p->app_silent && p->inflight + MSS <= p->cc.cwnd)
		send_at = ns_max(p->now, ns_max(p->pace_at, p->app_next));
	if (p->app_silent && !p->inflight) {
		p->now += MS;
	} else if (send_at == NS_NEVER && ack_at == NS_NEVER) {
		time_out(p);
	} else if (ack_at <= send_at) {
		p->now = ns_max(p->now, ack_at);
		ack_one(p, p->next);
	} else {
		p->now = send_at;
		send_one(p);
	}
	/* An application with a rate of its own, or none at all, leaves the path idle. */
	if ((p->app_silent || p->app_next > ns_max(p->now, p->pace_at)) && p->inflight + MSS <= p->cc.cwnd)
		rate_app_limited(&p->rs, p->inflight);
}

uint32_t cc_path_run(struct cc_path *p, ns_t d)
{
	ns_t end = p->now + d;
	uint64_t before = p->delivered;

	p->queue_sum = p->queue_n = p->max_cwnd = 0;
	p->min_cwnd = UINT32_MAX;
	while (p->now < end)
		cc_path_step(p);
	return (uint32_t)((p->delivered - before) * 100 / (p->rate * (uint64_t)(d / MS) / 1000));
}
