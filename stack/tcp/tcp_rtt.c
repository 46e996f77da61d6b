/* Round-trip time and retransmission timeout: RFC 6298, with the weights of RFC 7323 appendix G when
 * one flight gives many samples. Integers in nanoseconds throughout.
 *
 * Invariant: min_rto <= rto <= max_rto, and so is rtt_rto() whatever the backoff. */
#include "tcp_rtt.h"

#include <string.h>

#include "../base/check.h"

#define MIN_EPOCH (300 * SEC) /* RFC 8985 6.1 leaves the filter to us; Linux takes five minutes */
#define BACKOFF_MAX 31

/* RFC 6298 2.3 gives the variance term a floor G, the clock's granularity. Our clock has none to
 * speak of, and with a steady path the term would vanish: each delayed ACK would then look like a
 * loss. What the term must cover is the peer's delay, so its floor is 200 ms, as in Linux, or
 * min_rto where that was set lower. With min_rto = 1 s the RFC's own figures come out. */
#define VARIANCE_FLOOR (200 * MS)

static ns_t clamp(ns_t v, ns_t lo, ns_t hi)
{
	return ns_min(ns_max(v, lo), hi);
}

void rtt_init(struct rtt *r, ns_t initial, ns_t min_rto, ns_t max_rto)
{
	assert(min_rto > 0);
	assert(min_rto <= max_rto && max_rto < NS_NEVER / 4);
	memset(r, 0, sizeof(*r));
	r->min_rto = min_rto;
	r->max_rto = max_rto;
	r->rto = clamp(initial, min_rto, max_rto);
	r->min = r->min2 = NS_NEVER;
}

void rtt_limit(struct rtt *r, ns_t min_rto, ns_t max_rto)
{
	assert(min_rto > 0);
	assert(min_rto <= max_rto && max_rto < NS_NEVER / 4);
	r->min_rto = min_rto;
	r->max_rto = max_rto;
	r->rto = clamp(r->rto, min_rto, max_rto);
}

/* `min2` is the lowest of the running epoch, `min` the lowest of it and the one before. */
static void min_sample(struct rtt *r, ns_t sample, ns_t now)
{
	if (r->min == NS_NEVER) {
		r->min2_stamp = now;
	} else if (now - r->min2_stamp >= MIN_EPOCH) {
		r->min = now - r->min2_stamp >= 2 * MIN_EPOCH ? NS_NEVER : r->min2;
		r->min2 = NS_NEVER;
		r->min2_stamp = now;
	}
	r->min2 = ns_min(r->min2, sample);
	if (sample <= r->min) {
		r->min = sample;
		r->min_stamp = now;
	}
}

void rtt_sample(struct rtt *r, ns_t sample, uint32_t flight_samples, ns_t now)
{
	ns_t n = flight_samples ? flight_samples : 1;

	assert(sample >= 0);
	sample = clamp(sample, 1, NS_NEVER / 16);
	r->last = sample;
	min_sample(r, sample, now);
	if (r->srtt == 0) { /* RFC 6298 2.2 */
		r->srtt = sample;
		r->rttvar = sample / 2;
	} else { /* 2.3: alpha = 1/8, beta = 1/4, shared out among the samples of a flight */
		ns_t off = r->srtt > sample ? r->srtt - sample : sample - r->srtt;

		r->rttvar += (off - r->rttvar) / (4 * n);
		r->srtt += (sample - r->srtt) / (8 * n);
	}
	r->rto = clamp(r->srtt + ns_max(4 * r->rttvar, ns_min(r->min_rto, VARIANCE_FLOOR)), r->min_rto,
		       r->max_rto);
}

void rtt_backoff(struct rtt *r)
{
	if (r->backoff < BACKOFF_MAX)
		r->backoff++;
}

void rtt_clear_backoff(struct rtt *r)
{
	r->backoff = 0;
}

ns_t rtt_rto(const struct rtt *r)
{
	return r->rto > r->max_rto >> r->backoff ? r->max_rto : r->rto << r->backoff;
}
