/* Reno: slow start, congestion avoidance and halving (RFC 5681), counting bytes (RFC 3465). What to
 * do within recovery is the engine's.
 *
 * RFC 5681 halves FlightSize, since cwnd may have grown beyond what was ever used. Here it cannot: it
 * only grows while it is the limit (RFC 7661). So we halve cwnd, as Linux does, which is steadier when
 * losses are found late in a window. */
#include "cc_common.h"

struct reno {
	struct hystart hystart;
	uint32_t counted; /* acknowledged bytes towards the next MSS */
};
static_assert(sizeof(struct reno) <= CC_STATE_BYTES, "own state fits");

static void reno_init(struct cc *cc, ns_t now)
{
	struct reno *r = cc->own;

	(void)now;
	hystart_init(&r->hystart);
}

static void reno_on_ack(struct cc *cc, const struct cc_ack *a)
{
	struct reno *r = cc->own;
	uint32_t left = a->acked;

	if (cc->cwnd < cc->ssthresh)
		left = cc_slow_start(cc, &r->hystart, a);
	if (left > 0 && a->cwnd_limited)
		cc_reno_avoid(cc, &r->counted, left);
}

static void reno_on_congestion(struct cc *cc, const struct cc_ack *a)
{
	struct reno *r = cc->own;

	(void)a;
	cc->ssthresh = cc_bound_ssthresh(cc, cc->cwnd / 2);
	r->counted = 0;
	r->hystart.done = true;
}

static void reno_on_undo(struct cc *cc, ns_t now)
{
	struct reno *r = cc->own;

	(void)now;
	r->counted = 0;
}

const struct cc_ops cc_reno = {
	.name = "reno",
	.state_size = sizeof(struct reno),
	.init = reno_init,
	.on_ack = reno_on_ack,
	.on_congestion = reno_on_congestion,
	.on_timeout = reno_on_congestion,
	.on_undo = reno_on_undo,
};
