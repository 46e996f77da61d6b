#include "cc_rig.h"

#include <string.h>

void cc_rig_init(struct cc_rig *r, enum tcp_cc_kind kind, uint32_t mss, uint32_t cwnd)
{
	memset(r, 0, sizeof(*r));
	r->cc.ops = cc_find(kind);
	r->cc.own = r->own;
	r->cc.mss = mss;
	r->cc.cwnd = cwnd;
	r->cc.ssthresh = SSTHRESH_INFINITE;
	rng_init(&r->rng, 1, "cc");
	r->cc.rng = &r->rng;
	r->a.now = SEC;
	r->a.sampled = r->a.selective = true;
	r->a.rtt = -1;
	r->a.srtt = r->a.min_rtt = 20 * MS;
	r->a.cwnd_limited = r->a.cwnd_full = true;
	r->cc.ops->init(&r->cc, r->a.now);
}

void cc_rig_ack(struct cc_rig *r, uint32_t bytes)
{
	r->una += bytes;
	r->a.acked = r->a.delivered = bytes;
	r->a.inflight = r->cc.cwnd;
	r->a.inflight_now = r->cc.cwnd > bytes ? r->cc.cwnd - bytes : 0;
	r->a.prior_delivered = r->a.delivered_total + bytes > r->cc.cwnd ? r->a.delivered_total + bytes - r->cc.cwnd : 0;
	r->a.tx_in_flight = r->cc.cwnd;
	r->a.delivered_total += bytes;
	r->a.snd_una_rel = r->una;
	r->a.snd_nxt_rel = r->una + r->a.inflight_now; /* the ACK has let nothing out yet */
	r->cc.ops->on_ack(&r->cc, &r->a);
}

void cc_rig_round(struct cc_rig *r, ns_t rtt)
{
	uint32_t n = r->cc.cwnd / r->cc.mss;
	ns_t start = r->a.now;

	for (uint32_t i = 1; i <= n; i++) {
		r->a.now = start + rtt * i / n;
		r->a.srtt = rtt;
		cc_rig_ack(r, r->cc.mss);
	}
}

void cc_rig_loss(struct cc_rig *r)
{
	r->a.lost = r->cc.mss;
	r->cc.ops->on_congestion(&r->cc, &r->a);
	r->a.lost = 0;
	r->cc.cwnd = r->cc.ssthresh;
	if (r->cc.ops->on_recovered)
		r->cc.ops->on_recovered(&r->cc, r->a.now);
}
