/* CUBIC (RFC 9438): in congestion avoidance the window follows
 *
 *	W_cubic(t) = C (t - K)^3 + W_max,  K = cbrt((W_max - cwnd_epoch) / C),  C = 0.4 segments/s^3
 *
 * flat around the window of the last loss and steep away from it, but is never below W_est, what Reno
 * would have reached (4.3). Fast convergence (4.7) and undo (4.9) are here; slow start is Reno's, with
 * HyStart++.
 *
 * Fixed point: time in units of 2^-10 s, so that a cube is in 2^-30 s^3; windows in bytes; the remainders
 * of divisions are kept, so that small steps add up. */
#include "cc_common.h"

#define TICKS 1024             /* per second */
#define TICKS_MAX (1 << 20)    /* about 17 minutes; the cube is then 2^60 */
#define CUBE_SHIFT 30          /* ticks^3 per s^3 */
#define C_NUM 4                /* C = 4/10 */
#define C_DEN 10
#define BETA_NUM 7             /* beta = 7/10 (4.6) */
#define BETA_DEN 10
#define ALPHA_NUM 9            /* 3 (1 - beta) / (1 + beta) = 0.9 / 1.7 (4.3) */
#define ALPHA_DEN 17
#define CLASSIC_BLIND_STEP 20  /* Linux: one more segment for so many, until a loss has shown W_max */

struct cubic {
	struct hystart hystart;
	struct epoch {
		bool running;
		ns_t start;          /* moved on by the time in which the window was not the limit */
		uint32_t k;          /* ticks */
		uint32_t w_max, w_est;
		bool blind;          /* no loss has shown a W_max yet */
		uint64_t counted, est_rest;
	} now, before;               /* `before`: as of the last congestion event, for undo */
	ns_t last_ack;
};
static_assert(sizeof(struct cubic) <= CC_STATE_BYTES, "own state fits");

static void cubic_init(struct cc *cc, ns_t now)
{
	struct cubic *u = cc->own;

	hystart_init(&u->hystart);
	u->last_ack = now;
}

/* The largest r with r^3 <= v, one bit of r at a time. */
static uint32_t cube_root(uint64_t v)
{
	uint64_t r = 0;

	for (int bit = 20; bit >= 0; bit--) {
		uint64_t t = r | 1u << bit;

		if (t * t * t <= v)
			r = t;
	}
	return (uint32_t)r;
}

static int64_t ticks(ns_t d)
{
	ns_t most = (ns_t)TICKS_MAX / TICKS * SEC;

	return ns_max(0, ns_min(d, most)) * TICKS / SEC;
}

static void start_epoch(struct cc *cc, struct epoch *e, ns_t now)
{
	uint64_t gap = e->w_max > cc->cwnd ? e->w_max - cc->cwnd : 0;

	e->running = true;
	e->blind = e->w_max == 0;
	e->start = now;
	/* 4.2; after a timeout or HyStart++ there is no W_max: K = 0 and W_max = cwnd (4.8). */
	e->k = cube_root(((gap * C_DEN / C_NUM) << CUBE_SHIFT) / cc->mss);
	if (gap == 0)
		e->w_max = cc->cwnd;
	e->w_est = cc->cwnd;
	e->counted = e->est_rest = 0;
}

/* W_cubic(t) in bytes, t in ticks since the epoch began. */
static uint64_t w_cubic(const struct cc *cc, const struct epoch *e, int64_t t)
{
	int64_t d = t - e->k;
	uint64_t far = (uint64_t)(d < 0 ? -d : d);

	if (far > TICKS_MAX)
		far = TICKS_MAX;

	uint64_t off = ((far * far * far) >> 20) * cc->mss * C_NUM / C_DEN >> (CUBE_SHIFT - 20);

	if (d < 0)
		return off < e->w_max ? e->w_max - off : 0;
	return e->w_max + off;
}

/* 4.3: what Reno would have, climbing by alpha so as to be as aggressive on average as Reno with its
 * deeper cut. RFC 9438 would have alpha = 1 once the old window is reached; Linux has not, and with it
 * goodput at 1 % and 5 % loss lies 10 to 20 % above Linux's bands (scenario tables), so neither have we. */
static void reno_estimate(const struct cc *cc, struct epoch *e, uint32_t acked)
{
	uint64_t den = (uint64_t)ALPHA_DEN * cc->cwnd;
	uint64_t sum = (uint64_t)acked * cc->mss * ALPHA_NUM + e->est_rest;

	e->w_est = cc_bound_cwnd(cc, e->w_est + sum / den);
	e->est_rest = sum % den;
}

/* 4.4, 4.5: the window is to be W_cubic a round trip from now; so many segments must be acknowledged for
 * one more. In whole segments, as Linux reckons. */
static uint32_t segs_for_one(const struct cc *cc, const struct epoch *e, const struct cc_ack *a)
{
	ns_t ahead = cc->hystart_classic ? a->min_rtt : a->srtt; /* Linux: without what stands in queues */
	uint64_t target = w_cubic(cc, e, ticks(a->now - e->start) + ticks(ahead));
	uint64_t gap = target > cc->cwnd ? (target - cc->cwnd) / cc->mss : 0;
	uint64_t segs = gap ? cc->cwnd / cc->mss / gap : UINT32_MAX;

	if (segs < 2) /* half the window in a round trip */
		return 2;
	/* The classic HyStart may have left slow start far too soon, and the cubic is flat there. */
	if (cc->hystart_classic && e->blind && segs > CLASSIC_BLIND_STEP)
		return CLASSIC_BLIND_STEP;
	return (uint32_t)segs;
}

static void grow(struct cc *cc, struct epoch *e, uint32_t acked, uint64_t for_one)
{
	uint64_t segs = 0;

	if (e->counted >= for_one) { /* it was counted while one more cost more */
		e->counted = 0;
		segs = 1;
	}
	e->counted += acked;
	segs += e->counted / for_one;
	e->counted %= for_one;
	cc->cwnd = cc_bound_cwnd(cc, cc->cwnd + segs * cc->mss);
}

static void avoid(struct cc *cc, struct epoch *e, uint32_t acked, const struct cc_ack *a)
{
	if (!e->running)
		start_epoch(cc, e, a->now);
	reno_estimate(cc, e, acked);
	grow(cc, e, acked, (uint64_t)segs_for_one(cc, e, a) * cc->mss);
	if (e->w_est >= cc->cwnd + cc->mss) {
		cc->cwnd += (e->w_est - cc->cwnd) / cc->mss * cc->mss;
		e->counted = 0;
	}
}

static void cubic_on_ack(struct cc *cc, const struct cc_ack *a)
{
	struct cubic *u = cc->own;
	uint32_t left = a->acked;

	/* 5.8: time in which the application was the limit does not count. */
	if (!a->cwnd_limited && u->now.running)
		u->now.start += a->now - u->last_ack;
	u->last_ack = a->now;
	if (cc->cwnd < cc->ssthresh)
		left = cc_slow_start(cc, &u->hystart, a);
	if (left > 0 && a->cwnd_limited)
		avoid(cc, &u->now, left, a);
}

static void cut(struct cc *cc, bool within_episode)
{
	struct cubic *u = cc->own;

	if (!within_episode) /* a timeout within a recovery: undone, both are (4.9) */
		u->before = u->now;
	u->now.running = false;
	u->hystart.done = true;
	cc->ssthresh = cc_bound_ssthresh(cc, (uint64_t)cc->cwnd * BETA_NUM / BETA_DEN); /* 4.6 */
}

static void cubic_on_congestion(struct cc *cc, const struct cc_ack *a)
{
	struct cubic *u = cc->own;
	uint32_t cwnd = cc->cwnd;

	cut(cc, false);
	/* 4.7: a flow whose peaks go down leaves room for the newcomer that takes it. */
	if (cwnd < u->before.w_max)
		u->now.w_max = (uint32_t)((uint64_t)cwnd * (BETA_DEN + BETA_NUM) / (2 * BETA_DEN));
	else
		u->now.w_max = cwnd;
	u->last_ack = a->now;
}

static void cubic_on_timeout(struct cc *cc, const struct cc_ack *a)
{
	struct cubic *u = cc->own;

	cut(cc, a->in_recovery);
	u->now.w_max = 0;
	u->last_ack = a->now;
}

static void cubic_on_undo(struct cc *cc, ns_t now)
{
	struct cubic *u = cc->own;

	u->now = u->before; /* 4.9 */
	u->last_ack = now;
}

static void cubic_on_idle(struct cc *cc, ns_t now, ns_t idle)
{
	struct cubic *u = cc->own;

	if (u->now.running)
		u->now.start = ns_min(now, u->now.start + idle);
	u->last_ack = now;
}

static uint64_t cubic_info(const struct cc *cc)
{
	const struct cubic *u = cc->own;

	return u->now.w_max;
}

const struct cc_ops cc_cubic = {
	.name = "cubic",
	.state_size = sizeof(struct cubic),
	.init = cubic_init,
	.on_ack = cubic_on_ack,
	.on_congestion = cubic_on_congestion,
	.on_timeout = cubic_on_timeout,
	.on_undo = cubic_on_undo,
	.on_idle = cubic_on_idle,
	.info = cubic_info,
};
