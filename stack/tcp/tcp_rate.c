/* Delivery rate samples (draft-ietf-ccwg-bbr 4.1). A sample spans from the sending of one packet to
 * its acknowledgement; its length is the longer of the time in which the flight was sent and the
 * time in which it was acknowledged, so that neither a burst of ACKs nor a burst of sending makes
 * the path look faster than it is. */
#include "tcp_rate.h"

#include "../base/check.h"

void rate_on_send(struct rate *r, struct rate_snap *s, uint32_t inflight_before, ns_t now)
{
	if (inflight_before == 0) /* a new flight: idle time is not part of any sample */
		r->first_sent = r->delivered_time = now;
	s->delivered = r->delivered;
	s->delivered_time = r->delivered_time;
	s->first_sent = r->first_sent;
	s->app_limited = r->app_limited != 0;
}

void rate_on_delivered(struct rate *r, struct rate_sample *out, const struct rate_snap *s, uint32_t bytes,
		       ns_t sent, ns_t now)
{
	r->delivered += bytes;
	r->delivered_time = now;
	if (out->any && sent < r->first_sent)
		return;
	out->any = true;
	out->prior_delivered = s->delivered;
	out->prior_time = s->delivered_time;
	out->app_limited = s->app_limited;
	out->send_elapsed = sent - s->first_sent;
	out->ack_elapsed = now - s->delivered_time;
	r->first_sent = sent;
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
