/* HyStart++ (RFC 9406): slow start that stops when the round-trip time begins to rise, before the queue
 * overflows. A rise leads into Conservative Slow Start, which grows by a quarter and ends slow start
 * after five rounds, unless the round-trip time falls again.
 *
 * The classic form (Ha and Rhee, 2008), as Linux has it, ends slow start at once: when a round's shortest
 * round trip is well above the shortest of all, or when a train of ACKs less than 2 ms apart lasts half
 * as long as that, which is when the pipe is full. */
#include "cc_common.h"

#define MIN_RTT_THRESH (4 * MS)
#define MAX_RTT_THRESH (16 * MS)
#define MIN_RTT_DIVISOR 8
#define N_RTT_SAMPLE 8
#define CSS_GROWTH_DIVISOR 4
#define CSS_ROUNDS 5
#define CLASSIC_LOW_WINDOW 16 /* segments: no sooner */
#define CLASSIC_TRAIN_GAP (2 * MS)
#define L_UNPACED 8 /* segments by which one ACK may grow the window; paced: no limit */

void hystart_init(struct hystart *h)
{
	*h = (struct hystart){
		.last_round_min = NS_NEVER,
		.this_round_min = NS_NEVER,
		.css_baseline_min = NS_NEVER,
		.delay_min = NS_NEVER,
	};
}

/* RFC 9406 4.2: a round ends when what was sent at its start is acknowledged. */
static void next_round(struct hystart *h, const struct cc_ack *a)
{
	h->last_round_min = h->this_round_min;
	h->this_round_min = NS_NEVER;
	h->samples = 0;
	h->window_end = a->snd_nxt_rel;
	if (h->in_css && ++h->css_rounds >= CSS_ROUNDS)
		h->done = true;
}

static ns_t threshold(ns_t rtt)
{
	return ns_max(MIN_RTT_THRESH, ns_min(rtt / MIN_RTT_DIVISOR, MAX_RTT_THRESH));
}

static void sample(struct hystart *h, ns_t rtt)
{
	h->this_round_min = ns_min(h->this_round_min, rtt);
	if (++h->samples < N_RTT_SAMPLE)
		return;
	if (h->in_css) {
		if (h->this_round_min < h->css_baseline_min) { /* the rise was an accident */
			h->in_css = false;
			h->css_baseline_min = NS_NEVER;
		}
	} else if (h->last_round_min != NS_NEVER &&
		   h->this_round_min >= h->last_round_min + threshold(h->last_round_min)) {
		h->css_baseline_min = h->this_round_min;
		h->in_css = true;
		h->css_rounds = 0;
	}
}

uint32_t hystart_on_ack(struct hystart *h, const struct cc *cc, const struct cc_ack *a)
{
	uint64_t most = (uint64_t)L_UNPACED * cc->mss;
	uint32_t grow = a->acked;

	if (h->window_end == 0) /* the first round is the initial window's */
		h->window_end = a->snd_nxt_rel;
	if (cc->pacing_rate == 0 && grow > most)
		grow = (uint32_t)most;
	if (h->in_css)
		grow /= CSS_GROWTH_DIVISOR;
	if (a->rtt >= 0)
		sample(h, a->rtt);
	if (cc_reached(a->snd_una_rel, h->window_end))
		next_round(h, a);
	return grow;
}

static void classic_round(struct hystart *h, const struct cc_ack *a)
{
	h->this_round_min = NS_NEVER;
	h->samples = 0;
	h->window_end = a->snd_nxt_rel;
	h->round_start = h->last_ack = a->now;
}

void hystart_classic_on_ack(struct hystart *h, const struct cc *cc, const struct cc_ack *a)
{
	if (a->rtt < 0)
		return;
	h->delay_min = ns_min(h->delay_min, a->rtt);
	if (cc->cwnd < CLASSIC_LOW_WINDOW * cc->mss)
		return; /* and no round has begun: the first is that in which the window reaches 16 */
	if (h->window_end == 0 || (int32_t)(a->snd_una_rel - h->window_end) > 0)
		classic_round(h, a);
	if (a->now - h->last_ack <= CLASSIC_TRAIN_GAP) {
		h->last_ack = a->now;
		if (a->now - h->round_start > h->delay_min / (cc->pacing_rate ? 1 : 2))
			h->done = true;
	}
	h->this_round_min = ns_min(h->this_round_min, a->rtt);
	if (h->samples < N_RTT_SAMPLE)
		h->samples++;
	else if (h->this_round_min > h->delay_min + threshold(h->delay_min))
		h->done = true;
}
