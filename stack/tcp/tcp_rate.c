/* Delivery rate samples (draft-ietf-ccwg-bbr-06 4.1). A sample spans from the sending of one packet to
 * its acknowledgement; its length is the longer of the time in which the flight was sent and the
 * time in which it was acknowledged, so that neither a burst of ACKs nor a burst of sending makes
 * the path look faster than it is. */
#include "tcp_rate.h"

#include "../base/check.h"

void rate_on_send(struct rate *r, struct rate_snap *s, uint32_t inflight_before, uint32_t bytes, ns_t now)
{
	if (inflight_before == 0) /* a new flight: idle time is not part of any sample */
		r->first_sent = r->delivered_time = now;
	s->delivered = r->delivered;
	s->delivered_time = r->delivered_time;
	s->first_sent = r->first_sent;
	s->app_limited = r->app_limited != 0;
	s->lost = r->lost;
	s->tx_in_flight = (inflight_before + bytes) & (UINT32_MAX >> 1);
}

void rate_on_part(struct rate *r, uint32_t bytes, ns_t now)
{
	r->delivered += bytes;
	r->delivered_time = now;
}

/* The draft wants what arrives twice in C.delivered; the peer may only report what there was to report. */
void rate_on_duplicate(struct rate *r, uint32_t bytes, uint64_t resent, ns_t now)
{
	uint64_t left = resent > r->duplicated ? resent - r->duplicated : 0;
	uint32_t count = bytes < left ? bytes : (uint32_t)left;

	if (!count)
		return;
	r->duplicated += count;
	rate_on_part(r, count, now);
}

void rate_on_lost(struct rate *r, uint32_t bytes)
{
	r->lost += bytes;
}

/* Sent later than the one that the sample is of, or at the same time and behind it? */
static bool is_newer(const struct rate *r, const struct rate_sample *out, const struct rate_arrival *p)
{
	return p->sent > r->first_sent || (p->sent == r->first_sent && (int32_t)(p->end - out->end) > 0);
}

void rate_on_delivered(struct rate *r, struct rate_sample *out, const struct rate_arrival *p, ns_t now)
{
	const struct rate_snap *s = p->snap;

	rate_on_part(r, p->bytes, now);
	out->bytes += p->bytes;
	if (out->any && !is_newer(r, out, p))
		return;
	out->any = true;
	out->prior_delivered = s->delivered;
	out->prior_time = s->delivered_time;
	out->prior_lost = s->lost;
	out->tx_in_flight = s->tx_in_flight;
	out->app_limited = s->app_limited;
	out->send_elapsed = p->sent - s->first_sent;
	out->ack_elapsed = now - s->delivered_time;
	out->end = p->end;
	r->first_sent = p->sent;
}

static uint64_t per_second(uint64_t bytes, ns_t interval)
{
	if (bytes <= UINT64_MAX / SEC)
		return bytes * SEC / (uint64_t)interval;
	return bytes / (uint64_t)interval * SEC; /* over 18 GB in one round trip */
}

void rate_finish(struct rate *r, struct rate_sample *out, ns_t min_rtt)
{
	if (r->app_limited && r->delivered > r->app_limited)
		r->app_limited = 0; /* the bubble has left the pipe */
	out->rate = 0;
	if (!out->any)
		return;
	assert(r->delivered >= out->prior_delivered);
	out->interval = ns_max(out->send_elapsed, out->ack_elapsed);
	if (out->interval <= 0)
		return;
	/* An interval under a round trip comes of a retransmission whose original was answered. */
	if (min_rtt != NS_NEVER && out->interval < min_rtt)
		return;
	out->rate = per_second(r->delivered - out->prior_delivered, out->interval);
	if (!out->app_limited || out->rate >= r->latest)
		r->latest = out->rate;
}

void rate_app_limited(struct rate *r, uint32_t inflight)
{
	r->app_limited = r->delivered + inflight;
	if (r->app_limited == 0)
		r->app_limited = 1;
}
