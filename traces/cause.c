/* See cause.h. A sender's reasons leave marks: recovery answers an acknowledgement at once; a timer
 * acts in silence; a tail loss probe sends the last segment, and only once (RFC 8985 7); what counts
 * as lost after a timeout follows it without waiting. */
#include "cause.h"

#define TIMER_MIN (150 * MS) /* no timer of a sender runs out sooner */

static bool sack_agreed(const struct conn *c)
{
	return c->half[0].syn_opt.sack_ok && c->half[1].syn_opt.sack_ok;
}

/* Without SACK, duplicate ACKs keep new data coming while the first hole waits for its timeout, so
 * there is no silence around that. But such a sender (RFC 6582) fills the first hole with the third
 * duplicate ACK, that is within about a round trip, and only the timer makes it do so again. */
static bool timer_behind_noise(const struct conn *c, const struct half *h, uint64_t lo, const struct rec *last,
			       ns_t at)
{
	ns_t waited = at - ns_max(h->una_at, last ? last->at : h->una_at);

	if (sack_agreed(c) || lo != h->una || waited <= TIMER_MIN)
		return false;
	return (last && last->again && last->at > h->una_at) || waited > 2 * h->srtt;
}

enum cause cause_of(const struct conn *c, struct half *h, const struct seg *g, uint64_t lo,
			      uint64_t hi, const struct rec *last, ns_t at)
{
	ns_t srtt = h->srtt ? h->srtt : 100 * MS;
	ns_t gap = at - ns_max(h->last_tx, h->last_prog);
	bool timer = gap > ns_max(TIMER_MIN, srtt / 10 * 9);
	bool probe = gap > srtt / 10 * 16 && hi == h->max && half_sack_top(h) <= hi;

	if (timer_behind_noise(c, h, lo, last, at))
		timer = true;
	if (g->flags & TH_SYN)
		return g->flags & TH_ACK ? CAUSE_SYN_ACK : CAUSE_SYN;
	if (h->rto_high && h->una < h->rto_high && !timer) {
		h->gone_back++;
		return CAUSE_GO_BACK;
	}
	if (sack_agreed(c) && hi == h->max && h->timer_retx == 0 && !h->tlp_high && (probe || timer) && !h->sacked.n) {
		h->timer_retx++;
		h->tlp_high = h->max;
		return CAUSE_TLP;
	}
	if (timer) {
		h->timer_retx++;
		h->gone_back = 0;
		h->rto_high = h->max;
		return CAUSE_RTO;
	}
	if (!last || h->last_ack_frame > last->frame || h->sacked.n)
		return CAUSE_RECOVERY;
	/* Recovery answers something, and nothing came: so a timer it was. Only the probe's is this short. */
	if (sack_agreed(c) && hi == h->max && h->timer_retx == 0 && !h->tlp_high && h->min_rtt && gap > h->min_rtt) {
		h->timer_retx++;
		h->tlp_high = h->max;
		return CAUSE_TLP;
	}
	return CAUSE_UNKNOWN;
}
