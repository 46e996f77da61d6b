/* DCTCP (RFC 8257): the window shrinks in proportion to the share of bytes that were marked.
 *
 * alpha, the running share, is in 2^-20. Once a window of data it moves by g = 1/16 towards the share of
 * that window (3.3). An episode of marks alone cuts by alpha/2; one with loss halves (3.5). Growth is
 * Reno's (3.4). Marks must be counted in recovery too, hence own_recovery: the window is then cut at
 * once, not by PRR. */
#include "cc_common.h"

#define ALPHA_ONE (1u << 20)
#define GAIN_SHIFT 4

struct dctcp {
	uint32_t alpha;
	uint32_t window_end;
	uint64_t acked, marked; /* bytes of this window */
	uint32_t counted;
};
static_assert(sizeof(struct dctcp) <= CC_STATE_BYTES, "own state fits");

static void dctcp_init(struct cc *cc, ns_t now)
{
	struct dctcp *d = cc->own;

	(void)now;
	d->alpha = ALPHA_ONE; /* RFC 8257 4.2: the first mark counts in full */
}

static void count(struct dctcp *d, const struct cc_ack *a)
{
	if (d->window_end == 0)
		d->window_end = a->snd_nxt_rel;
	d->acked += a->delivered;
	d->marked += a->ce_bytes < a->delivered ? a->ce_bytes : a->delivered;
	if (!cc_reached(a->snd_una_rel, d->window_end) || d->acked == 0)
		return;

	uint32_t share = (uint32_t)(d->marked * ALPHA_ONE / d->acked);

	/* The last bits are dropped at once: rounding down would keep alpha from reaching 0. */
	d->alpha -= d->alpha >> GAIN_SHIFT ? d->alpha >> GAIN_SHIFT : d->alpha;
	d->alpha += share >> GAIN_SHIFT;
	d->window_end = a->snd_nxt_rel;
	d->acked = d->marked = 0;
}

static void dctcp_on_ack(struct cc *cc, const struct cc_ack *a)
{
	struct dctcp *d = cc->own;
	uint32_t left = a->acked;

	count(d, a);
	if (a->in_recovery && cc->cwnd >= cc->ssthresh)
		return; /* after a timeout, in contrast, slow start goes on */
	if (cc->cwnd < cc->ssthresh)
		left = cc_slow_start(cc, NULL, a);
	if (left > 0 && a->cwnd_limited)
		cc_reno_avoid(cc, &d->counted, left);
}

static void dctcp_on_congestion(struct cc *cc, const struct cc_ack *a)
{
	struct dctcp *d = cc->own;
	uint64_t cut = (uint64_t)cc->cwnd * d->alpha / (2 * (uint64_t)ALPHA_ONE);

	if (a->lost > 0 || !a->ece)
		cut = cc->cwnd / 2;
	cc->ssthresh = cc_bound_ssthresh(cc, cc->cwnd - cut);
	if (cc->cwnd > cc->ssthresh)
		cc->cwnd = cc->ssthresh;
	d->counted = 0;
}

static void dctcp_on_timeout(struct cc *cc, const struct cc_ack *a)
{
	struct dctcp *d = cc->own;

	(void)a;
	cc->ssthresh = cc_bound_ssthresh(cc, cc->cwnd / 2);
	d->counted = 0;
}

static uint64_t dctcp_info(const struct cc *cc)
{
	const struct dctcp *d = cc->own;

	return d->alpha / (ALPHA_ONE / 1024); /* in 1/1024, as other systems show it */
}

const struct cc_ops cc_dctcp = {
	.name = "dctcp",
	.state_size = sizeof(struct dctcp),
	.own_recovery = true,
	.wants_ect = true,
	.init = dctcp_init,
	.on_ack = dctcp_on_ack,
	.on_congestion = dctcp_on_congestion,
	.on_timeout = dctcp_on_timeout,
	.info = dctcp_info,
};
