/* Delay, constant or with jitter. Frames that keep the order stay in a ring; one that overtakes
 * goes to a heap and is counted as reordered, so that jitter really reorders, and says so.
 *
 * Jitter is the half width (uniform) or the standard deviation (normal, pareto) around the mean; a
 * delay never falls below 0. */
#include "path_stage.h"

static int64_t jitter_uniform(struct rng *rng, ns_t jitter)
{
	/* 0..2j; j < 2^60 by the limits of units.c, the product with 2^-32 stays whole. */
	uint64_t span = 2 * (uint64_t)jitter + 1;

	return (int64_t)(rng_u64(rng) % span) - jitter;
}

/* rng_normal takes 32 bits: microseconds are fine enough where nanoseconds do not fit. */
static int64_t jitter_normal(struct rng *rng, ns_t jitter)
{
	if (jitter <= INT32_MAX / 8)
		return rng_normal(rng, (uint32_t)jitter);
	ns_t unit = jitter / (INT32_MAX / 16) + 1;

	return (int64_t)rng_normal(rng, (uint32_t)(jitter / unit)) * unit;
}

static uint32_t cube_root(uint64_t v)
{
	uint32_t root = 0;

	for (int bit = 20; bit >= 0; bit--) {
		uint64_t next = root | UINT32_C(1) << bit;

		if (next * next * next <= v)
			root = (uint32_t)next;
	}
	return root;
}

/* Pareto with shape 3: x = xm / cbrt(u), mean 3/2 xm, standard deviation 0.8660 xm; shifted so that
 * its mean is 0. u = n / 2^30, so cbrt(u) * 2^20 = cbrt(n * 2^30). The tail ends at 1024 xm. */
static int64_t jitter_pareto(struct rng *rng, ns_t jitter)
{
	uint64_t n = (rng_u64(rng) >> 34) + 1;
	uint64_t xm = (uint64_t)jitter * 1000 / 866;
	uint64_t x = (xm << 20) / cube_root(n << 30);

	return (int64_t)x - (int64_t)(xm + xm / 2);
}

static ns_t draw_delay(struct delay_stage *d)
{
	ns_t jitter = ns_min(d->spec.jitter, 1000 * SEC);
	int64_t extra = 0;

	if (jitter > 0)
		switch (d->spec.shape) {
		case DELAY_UNIFORM:
			extra = jitter_uniform(&d->s.rng, jitter);
			break;
		case DELAY_NORMAL:
			extra = jitter_normal(&d->s.rng, jitter);
			break;
		case DELAY_PARETO:
			extra = jitter_pareto(&d->s.rng, jitter);
			break;
		default:
			break;
		}
	return ns_max(0, d->spec.mean + extra);
}

static void delay_settle(struct delay_stage *d)
{
	d->s.due = ns_min(d->ring.n ? ring_first(&d->ring)->at : NS_NEVER, hold_due(&d->hold));
}

static void delay_push(struct stage *s, struct pkt *p, ns_t now)
{
	struct delay_stage *d = container_of(s, struct delay_stage, s);
	ns_t at = now + draw_delay(d);
	bool ok;

	s->seen++;
	if (d->spec.keep_order && d->ring.n)
		at = ns_max(at, d->latest);
	if (d->ring.n == 0 || at >= d->latest) {
		ok = ring_put(&d->ring, p, at);
		d->latest = at;
	} else {
		ok = hold_put(&d->hold, p, at);
		if (ok)
			stage_tell(s, p, FATE_REORDERED, "jitter: overtakes", s->seen, now);
	}
	if (!ok)
		stage_drop(s, p, FATE_LOST, "out of memory", s->seen, now);
	delay_settle(d);
}

/* At the same instant the ring goes first: what overtakes came later. */
static void delay_run(struct stage *s, ns_t now)
{
	struct delay_stage *d = container_of(s, struct delay_stage, s);

	while (s->due <= now) {
		bool ring = d->ring.n && ring_first(&d->ring)->at == s->due;
		ns_t at;
		struct pkt *p = ring ? ring_take(&d->ring, &at) : hold_take(&d->hold);

		delay_settle(d);
		stage_pass(s, p, now);
	}
}

const struct stage_ops delay_ops = {"delay", delay_push, delay_run};
