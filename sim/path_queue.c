/* The queue in front of the transmitter: drop-tail, RED (Floyd, Jacobson 1993), CoDel (RFC 8289)
 * and FQ-CoDel (RFC 8290), by packets, bytes or bandwidth-delay products, each with ECN marks in
 * place of drops where the frame is ECN-capable (RFC 3168), and step marking as DCTCP wants it (RFC
 * 8257).
 *
 * All kinds keep their frames in subqueues (one, or FQ_FLOWS), so there is one way in and one way
 * out. The transmitter is asked whether it is free; nothing leaves before. */
#include "path_stage.h"

#include <stdlib.h>

#define FRAME 1514u /* the largest usual frame */
#define BDP_FLOOR \
	(20 * FRAME) /* a queue of one BDP is never smaller: an initial window and a bit */
#define RED_SHIFT 9  /* weight of a new sample: 1/512 */
#define FQ_QUANTUM FRAME

enum { NEW, OLD };

/* rate * rtt / 8, saturating: in bytes per second and microseconds. */
static uint64_t bdp_bytes(uint64_t rate_bps, ns_t rtt)
{
	uint64_t rate = rate_bps / 8, us = (uint64_t)(rtt / US);

	if (rate && us > UINT64_MAX / rate)
		return UINT64_MAX / 1000000;
	return rate * us / 1000000;
}

static void set_limits(struct queue_stage *q, const struct path_spec *spec)
{
	ns_t rtt = spec->rtt ? spec->rtt : 2 * spec->delay.mean;

	q->limit_pkts = q->limit_bytes = UINT64_MAX;
	switch (spec->queue.unit) {
	case LIMIT_PACKETS:
		q->limit_pkts = spec->queue.limit;
		break;
	case LIMIT_BYTES:
		q->limit_bytes = spec->queue.limit;
		break;
	default:
		q->limit_bytes = bdp_bytes(spec->rate_bps, rtt);
		if (q->limit_bytes < UINT64_MAX / 1000000)
			q->limit_bytes = q->limit_bytes * spec->queue.limit / 1000;
		if (q->limit_bytes < BDP_FLOOR)
			q->limit_bytes = BDP_FLOOR;
	}
}

void queue_setup(struct queue_stage *q, const struct path_spec *spec)
{
	uint64_t limit;

	q->spec = spec->queue;
	q->nsub = spec->queue.kind == QUEUE_FQ_CODEL ? FQ_FLOWS : 1;
	q->sub = calloc(q->nsub, sizeof(*q->sub));
	q->head[NEW] = q->head[OLD] = q->tail[NEW] = q->tail[OLD] = -1;
	q->hash_key = rng_u64(&q->s.rng);
	set_limits(q, spec);
	limit = q->limit_bytes != UINT64_MAX ? q->limit_bytes : q->limit_pkts * FRAME;
	if (!q->spec.red_min)
		q->spec.red_min = limit / 4;
	if (!q->spec.red_max)
		q->spec.red_max = limit / 4 * 3;
	if (q->spec.red_max <= q->spec.red_min)
		q->spec.red_max = q->spec.red_min + 1;
}

void queue_free(struct queue_stage *q)
{
	for (uint32_t i = 0; i < q->nsub; i++)
		ring_free(&q->sub[i].ring);
	free(q->sub);
}

/* ---- in ---- */

/* What should befall a frame for the sake of congestion: a mark if that is allowed and possible.
 * True: it was marked and goes on. */
static bool mark_instead(struct queue_stage *q, struct pkt *p, const char *why, ns_t now)
{
	if (!q->spec.ecn || !frame_mark_ce(p))
		return false;
	stage_tell(&q->s, p, FATE_MARKED, why, q->s.seen, now);
	return true;
}

/* While the queue was idle the average falls as if small frames had passed: one step a frame time,
 * taken as linear, which is right for short and safe for long times. */
static void red_idle(struct queue_stage *q, ns_t now)
{
	ns_t frame_time = (ns_t)(FRAME * 8u * 1000000000u / q->rate->bps) + 1;
	uint64_t frames = (uint64_t)((now - q->red_idle_since) / frame_time);

	q->red_avg =
	    frames >= 1u << RED_SHIFT ? 0 : q->red_avg - (q->red_avg >> RED_SHIFT) * frames;
}

/* p * part / whole, where part <= whole, without overflow. */
static uint64_t share_of(uint64_t p, uint64_t part, uint64_t whole)
{
	for (; part > UINT32_MAX; part >>= 1)
		whole >>= 1;
	return p * part / whole;
}

/* True: RED says drop. */
static bool red_hits(struct queue_stage *q, ns_t now)
{
	uint64_t avg, p;

	if (q->bytes == 0)
		red_idle(q, now);
	/* The average is kept in 1/512: avg += (bytes - avg) / 512 needs no fractions. */
	q->red_avg += q->bytes;
	q->red_avg -= q->red_avg >> RED_SHIFT;
	avg = q->red_avg >> RED_SHIFT;
	if (avg < q->spec.red_min) {
		q->red_count = 0;
		return false;
	}
	/* Gentle: from red_p at max up to one at twice max. */
	if (avg < q->spec.red_max)
		p = share_of(q->spec.red_p, avg - q->spec.red_min,
			     q->spec.red_max - q->spec.red_min);
	else if (avg < 2 * q->spec.red_max)
		p = q->spec.red_p + share_of(PPB_ONE - (uint64_t)q->spec.red_p,
					     avg - q->spec.red_max, q->spec.red_max);
	else
		p = PPB_ONE;
	/* Spread out: p / (1 - count p). */
	uint64_t gone = q->red_count * p;

	p = gone >= PPB_ONE ? PPB_ONE : p * PPB_ONE / (PPB_ONE - gone);
	q->red_count++;
	if (!rng_chance(&q->s.rng, (uint32_t)(p > PPB_ONE ? PPB_ONE : p)))
		return false;
	q->red_count = 0;
	return true;
}

/* Flows by addresses and ports: FNV-1a over the bytes, keyed. */
static uint32_t flow_of(const struct queue_stage *q, const struct pkt *p)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ q->hash_key;
	uint32_t from = 26, to = 38; /* IPv4: addresses and ports behind a header of 20 bytes */

	if (q->nsub == 1)
		return 0;
	if (frame_is_ip(p) && rd16(p->data + 12) == 0x86dd)
		from = 22, to = 58;
	for (uint32_t i = from; i < to && i < p->head_len; i++)
		h = (h ^ p->data[i]) * UINT64_C(0x100000001b3);
	return (uint32_t)((h ^ h >> 32) % q->nsub);
}

static void list_add(struct queue_stage *q, int which, int16_t i)
{
	q->sub[i].in = (uint8_t)(which + 1);
	q->sub[i].next = -1;
	if (q->tail[which] >= 0)
		q->sub[q->tail[which]].next = i;
	else
		q->head[which] = i;
	q->tail[which] = i;
}

static void list_take_first(struct queue_stage *q, int which)
{
	int16_t i = q->head[which];

	q->head[which] = q->sub[i].next;
	if (q->head[which] < 0)
		q->tail[which] = -1;
	q->sub[i].in = 0;
}

static struct pkt *sub_take(struct queue_stage *q, struct subqueue *sub)
{
	ns_t at;

	if (sub->ring.n == 0)
		return NULL;
	struct pkt *p = ring_take(&sub->ring, &at);

	sub->bytes -= p->len;
	q->bytes -= p->len;
	q->pkts--;
	return p;
}

/* RFC 8290 4.1.3: room is made at the head of the fattest flow. */
static void fq_make_room(struct queue_stage *q, ns_t now)
{
	struct subqueue *fattest = &q->sub[0];

	for (uint32_t i = 1; i < q->nsub; i++)
		if (q->sub[i].bytes > fattest->bytes)
			fattest = &q->sub[i];
	struct pkt *p = sub_take(q, fattest);

	if (p)
		stage_drop(&q->s, p, FATE_QUEUE_DROPPED, "full: the head of the longest flow",
			   q->s.seen, now);
}

static bool full(const struct queue_stage *q, uint32_t len)
{
	return q->pkts + 1 > q->limit_pkts || q->bytes + len > q->limit_bytes;
}

static void queue_serve(struct queue_stage *q, ns_t now);

static void queue_push(struct stage *s, struct pkt *p, ns_t now)
{
	struct queue_stage *q = container_of(s, struct queue_stage, s);
	struct path_counters *count = &s->path->count;

	s->seen++;
	if (q->spec.kind == QUEUE_FQ_CODEL)
		while (full(q, p->len) && q->pkts > 0)
			fq_make_room(q, now);
	if (full(q, p->len) && q->rate->sending) {
		stage_drop(s, p, FATE_QUEUE_DROPPED, "full", s->seen, now);
		return;
	}
	if (q->spec.kind == QUEUE_RED && red_hits(q, now) && !mark_instead(q, p, "RED", now)) {
		stage_drop(s, p, FATE_QUEUE_DROPPED, "RED, early", s->seen, now);
		return;
	}
	if (q->spec.mark_above && q->pkts >= q->spec.mark_above && frame_mark_ce(p))
		stage_tell(s, p, FATE_MARKED, "above the marking threshold", s->seen, now);

	uint32_t i = flow_of(q, p);
	struct subqueue *sub = &q->sub[i];

	if (!ring_put(&sub->ring, p, now)) {
		stage_drop(s, p, FATE_QUEUE_DROPPED, "out of memory", s->seen, now);
		return;
	}
	sub->bytes += p->len;
	q->bytes += p->len;
	q->pkts++;
	if (!sub->in) {
		sub->deficit = FQ_QUANTUM;
		list_add(q, NEW, (int16_t)i);
	}
	if (q->pkts > count->queue_peak_pkts)
		count->queue_peak_pkts = q->pkts;
	if (q->bytes > count->queue_peak_bytes)
		count->queue_peak_bytes = q->bytes;
	queue_serve(q, now);
}

/* ---- out ---- */

/* The largest r with r * r <= v. */
static uint64_t square_root(uint64_t v)
{
	uint64_t r = 0;

	for (int bit = 31; bit >= 0; bit--) {
		uint64_t next = r | UINT64_C(1) << bit;

		if (next * next <= v)
			r = next;
	}
	return r;
}

/* interval / sqrt(count), with 16 bits of fraction in the root. */
static ns_t control_law(const struct queue_stage *q, ns_t t, uint32_t count)
{
	uint64_t root = square_root((uint64_t)count << 32);

	return t + (ns_t)(((uint64_t)q->spec.interval << 16) / root);
}

/* RFC 8289 5.5, dodequeue. *ok: this frame may be dropped. */
static struct pkt *codel_take(struct queue_stage *q, struct subqueue *sub, ns_t now, bool *ok)
{
	struct codel *c = &sub->codel;
	ns_t since = sub->ring.n ? ring_first(&sub->ring)->at : now;
	struct pkt *p = sub_take(q, sub);

	*ok = false;
	if (!p || now - since < q->spec.target || sub->bytes <= FRAME)
		c->first_above = 0;
	else if (c->first_above == 0)
		c->first_above = now + q->spec.interval;
	else
		*ok = now >= c->first_above;
	return p;
}

/* Drops or marks; gives the frame that comes next: the marked one, or the one behind. */
static struct pkt *codel_hit(struct queue_stage *q, struct subqueue *sub, struct pkt *p, ns_t now,
			     bool *ok, bool *marked)
{
	*marked = mark_instead(q, p, "CoDel", now);
	if (*marked)
		return p;
	stage_drop(&q->s, p, FATE_QUEUE_DROPPED, "CoDel", q->s.seen, now);
	return codel_take(q, sub, now, ok);
}

/* RFC 8289 5.5, dequeue. */
static struct pkt *codel_next(struct queue_stage *q, struct subqueue *sub, ns_t now)
{
	struct codel *c = &sub->codel;
	bool ok, marked = false;
	struct pkt *p = codel_take(q, sub, now, &ok);

	if (c->dropping) {
		if (!ok)
			c->dropping = false;
		while (c->dropping && p && now >= c->drop_next && !marked) {
			c->count++;
			p = codel_hit(q, sub, p, now, &ok, &marked);
			if (!ok)
				c->dropping = false;
			else
				c->drop_next = control_law(q, c->drop_next, c->count);
		}
	} else if (ok) {
		uint32_t delta = c->count - c->lastcount;
		bool recent = now - c->drop_next < 16 * q->spec.interval;

		p = codel_hit(q, sub, p, now, &ok, &marked);
		c->dropping = true;
		c->count = delta > 1 && recent ? delta : 1;
		c->drop_next = control_law(q, now, c->count);
		c->lastcount = c->count;
	}
	return p;
}

/* RFC 8290 4.2: new flows first, each as long as its deficit lasts. */
static struct pkt *fq_next(struct queue_stage *q, ns_t now)
{
	for (;;) {
		int which = q->head[NEW] >= 0 ? NEW : OLD;
		int16_t i = q->head[which];

		if (i < 0)
			return NULL;
		struct subqueue *sub = &q->sub[i];

		if (sub->deficit <= 0) {
			sub->deficit += FQ_QUANTUM;
			list_take_first(q, which);
			list_add(q, OLD, i);
			continue;
		}
		struct pkt *p = codel_next(q, sub, now);

		if (p) {
			sub->deficit -= p->len;
			return p;
		}
		list_take_first(q, which);
		if (which == NEW && q->head[OLD] >= 0)
			list_add(q, OLD, i); /* so that it cannot come back as new at once */
	}
}

static struct pkt *queue_next(struct queue_stage *q, ns_t now)
{
	switch (q->spec.kind) {
	case QUEUE_CODEL:
		return codel_next(q, &q->sub[0], now);
	case QUEUE_FQ_CODEL:
		return fq_next(q, now);
	default:
		return sub_take(q, &q->sub[0]);
	}
}

static void queue_serve(struct queue_stage *q, ns_t now)
{
	struct pkt *p;

	if (!q->rate->sending && (p = queue_next(q, now)))
		stage_pass(&q->s, p, now);
	if (q->pkts == 0)
		q->red_idle_since = now;
	/* The transmitter's end is when to look again. */
	q->s.due = q->pkts && q->rate->sending ? q->rate->s.due : NS_NEVER;
}

static void queue_run(struct stage *s, ns_t now)
{
	queue_serve(container_of(s, struct queue_stage, s), now);
}

const struct stage_ops queue_ops = {"queue", queue_push, queue_run};
