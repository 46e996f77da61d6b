/* Tahoe (Jacobson 1988): every loss, however it was found, means slow start from one segment. Kept for
 * teaching and comparison: RFC 5681's fast recovery is what it lacks. */
#include "cc_common.h"

struct tahoe {
	uint32_t counted;
};

static void tahoe_init(struct cc *cc, ns_t now)
{
	(void)cc;
	(void)now;
}

static void tahoe_on_ack(struct cc *cc, const struct cc_ack *a)
{
	struct tahoe *t = cc->own;
	uint32_t left = a->acked;

	if (cc->cwnd < cc->ssthresh)
		left = cc_slow_start(cc, NULL, a);
	if (left > 0 && a->cwnd_limited)
		cc_reno_avoid(cc, &t->counted, left);
}

static void tahoe_on_congestion(struct cc *cc, const struct cc_ack *a)
{
	struct tahoe *t = cc->own;

	(void)a;
	cc->ssthresh = cc_bound_ssthresh(cc, cc->cwnd / 2);
	cc->cwnd = cc->mss;
	t->counted = 0;
}

const struct cc_ops cc_tahoe = {
	.name = "tahoe",
	.state_size = sizeof(struct tahoe),
	.own_recovery = true, /* it has none: cwnd is one segment, and grows at once */
	.own_timeout = true,
	.init = tahoe_init,
	.on_ack = tahoe_on_ack,
	.on_congestion = tahoe_on_congestion,
	.on_timeout = tahoe_on_congestion,
};
