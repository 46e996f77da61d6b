/* Judges each segment: new, sent again, a late original, a copy, a probe; and for what was sent
 * again why, whether it was needless, and how sure that is.
 *
 * What it goes by: the set of bytes seen in each direction (not only the highest), the IP
 * identification and timestamp of each copy, SACK and D-SACK, TSecr, later segments (which may
 * still settle an earlier verdict), and where the tap stands: what a sender's own tap sees twice
 * was sent twice, and nothing can be late there; far from the sender a gap that is filled may be a
 * retransmission or a late original, and only the packet's own marks tell.
 *
 * RFC 2018 and 2883 for SACK and D-SACK, RFC 3522 for the proof by TSecr, RFC 6298 and 8985 for
 * what a sender's timers do. */
#include "cause.h"
#include "proof.h"

#include "../stack/base/check.h"
#include "../stack/wire/ip.h"

#include <stdlib.h>
#include <string.h>

#define FAR (1u << 30)               /* farther from the stream than this is no part of it */
#define COPY_WINDOW (2 * SEC)        /* the IP identification may come round after that */
#define LOOK_BACK 600                /* records searched for a hole's neighbours */
#define STALL_MIN (300 * MS)

/* ---- events ---- */

static struct event *event_add(struct analysis *a, struct conn *c, int side, enum verdict_kind kind,
			       const struct reader_pkt *p, uint64_t lo, uint64_t hi)
{
	struct event *e;

	if (a->events == EVENTS_MAX) {
		c->events_lost++;
		return NULL;
	}
	if (c->events == c->event_cap) {
		uint32_t cap = c->event_cap ? 2 * c->event_cap : 4;
		struct event *list = realloc(c->event, cap * sizeof(*list));

		if (!list) {
			c->events_lost++;
			return NULL;
		}
		c->event = list;
		c->event_cap = cap;
	}
	a->events++;
	e = &c->event[c->events++];
	*e = (struct event){
		.lo = lo,
		.hi = hi,
		.at = p->at,
		.frame = (uint32_t)p->frame,
		.kind = (uint8_t)kind,
		.side = (uint8_t)side,
		.since_original = -1,
	};
	return e;
}

/* ---- copies ---- */

static uint32_t ack_hash(const struct seg *g)
{
	uint32_t h = g->flags;

	for (int i = 0; i < g->opt.nsack; i++)
		h = (h * 31 + g->opt.sack[i].lo.v) * 31 + g->opt.sack[i].hi.v;
	return h;
}

/* RFC 6864 lets a host write the same IP identification into all: then it marks nothing. How many
 * packets it takes to think so depends on what a wrong thought costs. */
static bool ids_are_constant(const struct half *h, uint64_t packets)
{
	return h->packets >= packets && h->id_changes == 0;
}

/* A pure ACK whose every field, IP identification included, was seen a moment ago. */
static bool is_ack_copy(struct half *h, const struct dissected *d, const struct reader_pkt *p,
			uint32_t *original)
{
	const struct seg *g = &d->seg;
	struct ack_sign s = {
		.ack = g->ack.v,
		.tsval = g->opt.has_ts ? g->opt.ts_val : 0,
		.frame = (uint32_t)p->frame,
		.hash = ack_hash(g),
		.ipid = d->ipid,
		.wnd = g->wnd,
		.at = p->at,
	};

	if (!d->ipid)
		return false;
	if (!h->ack_sign)
		h->ack_sign = calloc(ACKS_KEPT, sizeof(*h->ack_sign));
	if (!h->ack_sign)
		return false;
	for (int i = 0; i < ACKS_KEPT && !ids_are_constant(h, 2); i++) {
		const struct ack_sign *k = &h->ack_sign[i];

		if (k->frame && k->ipid == s.ipid && k->ack == s.ack && k->tsval == s.tsval && k->wnd == s.wnd &&
		    k->hash == s.hash && s.at - k->at < COPY_WINDOW) {
			*original = k->frame;
			return true;
		}
	}
	h->ack_sign[h->ack_sign_next] = s;
	h->ack_sign_next = (h->ack_sign_next + 1) % ACKS_KEPT;
	return false;
}

/* A segment with all fields as before. With an IP identification that is a copy; without one, equal
 * timestamps and less than half a round trip between them say the same: nobody resends so soon. Near its
 * sender, where two may follow each other because two reasons did, less is asked. */
static const struct rec *find_copy(const struct half *h, const struct dissected *d, uint64_t lo, uint64_t hi,
				   ns_t at, bool at_sender, ns_t rtt, uint8_t *evidence)
{
	const struct seg *g = &d->seg;

	for (uint32_t i = h->rec_n; i-- > 0;) {
		const struct rec *r = half_rec(h, i);

		if (at - r->at >= COPY_WINDOW)
			return NULL;
		if (r->lo != lo || r->hi != hi || r->ack != g->ack.v || r->flags != g->flags ||
		    r->ipid != d->ipid || r->has_ts != g->opt.has_ts)
			continue;
		if (r->has_ts && r->tsval != g->opt.ts_val)
			continue;
		if (d->ipid && !ids_are_constant(h, 8)) {
			*evidence = EV_IDENTICAL;
			return r;
		}
		if (at - r->at < (at_sender ? ns_min(rtt / 2, 500 * US) : rtt ? rtt / 2 : 500 * US)) {
			*evidence = EV_IDENTICAL_TS;
			return r;
		}
	}
	return NULL;
}

/* ---- late, or sent again ---- */

static bool ids_count_up(const struct half *h)
{
	return h->id_steps >= 3 && h->id_small * 5 > h->id_steps * 3;
}

/* The oldest record, among the last, that reaches at least as far as hi: what overtook. */
static const struct rec *overtaker(const struct half *h, uint64_t hi)
{
	const struct rec *found = NULL;
	uint32_t n = h->rec_n < LOOK_BACK ? h->rec_n : LOOK_BACK;

	for (uint32_t i = h->rec_n - n; i < h->rec_n; i++) {
		const struct rec *r = half_rec(h, i);

		if (r->hi >= hi && !found)
			found = r;
	}
	return found;
}

/* Fills a hole far from its sender: came late, or the first copy died before the tap. */
static enum verdict_kind judge_filler(const struct conn *c, const struct half *h, const struct dissected *d,
				      uint64_t hi, ns_t at, struct event *e)
{
	const struct rec *o = overtaker(h, hi);
	ns_t rtt = ns_max(c->hs_d1, c->hs_d2);

	if (!o) {
		e->evidence = EV_TIME;
		e->certainty = UNDECIDABLE;
		return V_RETX;
	}
	e->proof[0] = o->frame;
	e->nproofs = 1;
	e->certainty = CERTAIN;
	if (ids_count_up(h) && d->ipid && o->ipid) {
		e->evidence = EV_IPID;
		return (int16_t)(d->ipid - o->ipid) < 0 ? V_LATE : V_RETX;
	}
	if (d->seg.opt.has_ts && o->has_ts) {
		e->evidence = EV_TSVAL;
		/* Equal stamps: within one tick of the sender's clock nobody notices a loss. */
		e->certainty = d->seg.opt.ts_val == o->tsval ? PROBABLE : CERTAIN;
		return stamp_older(o->tsval, d->seg.opt.ts_val) ? V_RETX : V_LATE;
	}
	e->evidence = EV_TIME;
	e->certainty = PROBABLE;
	return at - o->at < (rtt ? rtt / 10 * 9 : 3 * MS) ? V_LATE : V_RETX;
}

/* ---- sent again ---- */

static uint32_t sacked_above(const struct half *h, uint64_t pos)
{
	uint32_t bytes = 0;

	for (uint32_t i = 0; i < h->sacked.n; i++)
		if (half_widen(h->una, h->sacked.r[i].lo) >= pos)
			bytes += h->sacked.r[i].hi.v - h->sacked.r[i].lo.v;
	return bytes;
}

static void explain_retx(struct conn *c, struct half *h, const struct seg *g, struct event *e, bool near)
{
	const struct rec *last = NULL, *original = half_original(h, e->lo, e->hi, &last);
	uint64_t top = half_sack_top(h);

	e->waited = e->at - ns_max(h->last_tx, h->last_prog);
	e->dupacks = (uint16_t)(h->dupacks < UINT16_MAX ? h->dupacks : UINT16_MAX);
	e->sacked = sacked_above(h, e->hi);
	e->cause = (uint8_t)cause_of(c, h, g, e->lo, e->hi, last, e->at);
	e->or_rto = e->cause == CAUSE_TLP && e->lo <= h->una;
	if (g->flags & TH_FIN && e->hi - e->lo == 1)
		e->cause = CAUSE_FIN;
	if (original) {
		e->original = original->frame;
		e->since_original = e->at - original->at;
		e->previous = last != original ? last->frame : 0;
	}
	if (e->cause == CAUSE_RECOVERY)
		e->trigger = top > e->hi && h->sack_top_frame ? h->sack_top_frame : h->last_ack_frame;
	if (near && e->hi <= h->una)
		proof_needless(e, BY_ACKED, h->last_ack_frame);
}

/* ---- probes ---- */

/* RFC 9293 3.8.6.1: one byte beyond a closed window; Linux sends none, one below the next. */
static bool is_window_probe(const struct half *h, const struct half *o, const struct seg *g, uint64_t lo)
{
	if (!o->wnd_known || o->wnd != 0 || g->flags & (TH_SYN | TH_FIN | TH_RST))
		return false;
	if (g->len == 1)
		return lo == h->una && lo == h->max;
	return g->len == 0 && lo + 1 == h->una;
}

/* RFC 9293 3.8.4: one below the next byte, all being acknowledged. */
static bool is_keep_alive(const struct half *h, const struct seg *g, uint64_t lo)
{
	return g->len <= 1 && !(g->flags & (TH_SYN | TH_FIN | TH_RST)) && lo + 1 == h->max && h->una >= h->max &&
	       h->max > 1;
}

/* ---- stalls ---- */

/* What the connection waited for, before the segment that ended the silence was taken in. */
static const char *waiting_for(const struct conn *c)
{
	const struct half *a = &c->half[0], *b = &c->half[1];

	if (flow_reset_by(c, 0) || flow_reset_by(c, 1))
		return "the connection had been reset";
	if ((a->wnd_known && !a->wnd && !b->fin) || (b->wnd_known && !b->wnd && !a->fin))
		return "a receiver's window was closed: its application did not read";
	if (a->max > a->una || b->max > b->una)
		return "something was sent, and no acknowledgement was seen for it";
	if (!a->fin != !b->fin)
		return "one side had closed, and the other not yet";
	return "nothing was outstanding, as far as seen here: the applications had nothing to send";
}

static const char *stall_reason(const char *waited_for, const struct event *e)
{
	if (e && e->kind == V_RETX) {
		switch ((enum cause)e->cause) {
		case CAUSE_SYN:
		case CAUSE_SYN_ACK:
			return "the handshake got no answer and was repeated";
		case CAUSE_TLP:
			return "no acknowledgement came, until a tail loss probe";
		case CAUSE_FIN:
			return "the FIN was not acknowledged and was repeated";
		case CAUSE_RTO:
		case CAUSE_GO_BACK:
			return "no acknowledgement came, until the retransmission timer ran out";
		case CAUSE_RECOVERY:
		case CAUSE_UNKNOWN:
			break;
		}
	}
	return waited_for;
}

static void stall_add(struct conn *c, ns_t from, const struct reader_pkt *p, const char *why)
{
	if (c->nstalls == STALLS_MAX) {
		c->stalls_lost++;
		return;
	}
	if (!c->stalls)
		c->stalls = calloc(STALLS_MAX, sizeof(*c->stalls));
	if (!c->stalls)
		return;
	c->stalls[c->nstalls++] = (struct stall){from, p->at, (uint32_t)p->frame, why};
}

/* ---- one segment ---- */

struct judged {
	struct event *e;   /* NULL: nothing to say */
	bool is_new_state; /* update what was seen */
};

static void learn_ids(struct half *h, const struct dissected *d, uint64_t hi)
{
	if (hi <= h->max)
		return;
	if (h->has_last_ipid) {
		uint16_t stepped = (uint16_t)(d->ipid - h->last_ipid);

		h->id_steps++;
		h->id_small += stepped > 0 && stepped < 8;
	}
	h->last_ipid = d->ipid;
	h->has_last_ipid = true;
}

static void record(struct half *h, const struct dissected *d, const struct reader_pkt *p, uint64_t lo,
		   uint64_t hi, const struct conn *c, const struct event *e)
{
	struct rec *r;

	learn_ids(h, d, hi);
	half_see(h, lo, hi);
	h->last_tx = p->at;
	r = half_push(h);
	if (!r)
		return;
	*r = (struct rec){
		.lo = lo,
		.hi = hi,
		.at = p->at,
		.frame = (uint32_t)p->frame,
		.tsval = d->seg.opt.ts_val,
		.ack = d->seg.ack.v,
		.ipid = d->ipid,
		.flags = d->seg.flags,
		.has_ts = d->seg.opt.has_ts,
		.again = e && e->kind == V_RETX,
		.event = e ? (uint32_t)(e - c->event) + 1 : 0,
	};
}

static struct event *judge_copy(struct analysis *a, struct conn *c, int side, const struct dissected *d,
				const struct reader_pkt *p, uint64_t lo, uint64_t hi)
{
	const struct half *h = &c->half[side];
	uint8_t evidence = 0;
	const struct rec *r = find_copy(h, d, lo, hi, p->at, flow_at(c, side), ns_max(c->hs_d1, c->hs_d2),
					&evidence);
	struct event *e;

	if (!r)
		return NULL;
	c->copies++;
	e = event_add(a, c, side, V_NET_COPY, p, lo, hi);
	if (!e)
		return NULL;
	e->original = r->frame;
	e->since_original = p->at - r->at;
	e->evidence = evidence;
	e->certainty = evidence == EV_IDENTICAL ? CERTAIN : PROBABLE;
	return e;
}

static struct event *judge_data(struct analysis *a, struct conn *c, int side, const struct dissected *d,
				const struct reader_pkt *p, uint64_t lo, uint64_t hi)
{
	struct half *h = &c->half[side];
	const bool near = flow_at(c, side);
	struct event *e, *copy, draft = {0};

	if (lo >= h->max) {
		if (is_window_probe(h, &c->half[!side], &d->seg, lo)) {
			h->probe_hi = hi;
			return event_add(a, c, side, V_ZERO_WINDOW_PROBE, p, lo, hi);
		}
		record(h, d, p, lo, hi, c, NULL);
		return NULL;
	}
	copy = judge_copy(a, c, side, d, p, lo, hi);
	if (copy)
		return copy;
	/* The SYN-ACK of a simultaneous open repeats the SYN, but it is an answer. */
	if (h->syn && h->syn_ack == (uint32_t)p->frame)
		return NULL;
	if (is_keep_alive(h, &d->seg, lo))
		return event_add(a, c, side, V_KEEP_ALIVE, p, lo, hi);
	if (!half_seen_any(h, lo, hi) && hi > h->max) { /* no byte seen twice */
		record(h, d, p, lo, hi, c, NULL);
		return NULL;
	}
	if (half_seen_any(h, lo, hi)) {
		draft.kind = V_RETX;
		draft.evidence = EV_SEEN_BEFORE;
	} else {
		draft.kind = (uint8_t)judge_filler(c, h, d, hi, p->at, &draft);
		if (near)
			draft.kind = V_RETX; /* the capture missed the original */
	}
	e = event_add(a, c, side, draft.kind, p, lo, hi);
	if (e) {
		e->evidence = draft.evidence;
		e->certainty = draft.certainty;
		e->nproofs = draft.nproofs;
		memcpy(e->proof, draft.proof, sizeof(e->proof));
		if (e->kind == V_RETX) {
			explain_retx(c, h, &d->seg, e, near);
			/* Only at the receiver's own tap is having passed the same as having arrived. */
			if (flow_at(c, !side) && draft.evidence == EV_SEEN_BEFORE && half_seen_all(h, lo, hi))
				proof_needless(e, BY_ARRIVAL, e->original);
			half_add_again(h, (uint32_t)(e - c->event));
		}
	}
	record(h, d, p, lo, hi, c, e);
	return e;
}

/* In a capture that began later: bytes from before its first have no position. */
static struct event *judge_before(struct analysis *a, struct conn *c, int side, const struct dissected *d,
				  const struct reader_pkt *p)
{
	struct half *h = &c->half[side];
	const uint64_t hi = half_pos(h, d->seg.seq.v + seg_len(&d->seg));
	struct event *e, draft = {0};

	if (h->isn + (uint32_t)h->max - d->seg.seq.v > FAR) {
		c->odd++;
		return NULL;
	}
	if (hi > 1)
		return judge_data(a, c, side, d, p, 1, hi);
	draft.kind = (uint8_t)judge_filler(c, h, d, 1, p->at, &draft);
	e = event_add(a, c, side, draft.kind, p, 1, 1);
	if (!e)
		return NULL;
	e->before = seg_len(&d->seg);
	e->certainty = draft.certainty;
	e->evidence = draft.nproofs ? draft.evidence : EV_BEFORE;
	e->nproofs = draft.nproofs;
	memcpy(e->proof, draft.proof, sizeof(e->proof));
	return e;
}

static struct event *judge_bare(struct analysis *a, struct conn *c, int side, const struct dissected *d,
				const struct reader_pkt *p, uint64_t lo)
{
	struct half *h = &c->half[side];
	uint32_t original;
	struct event *e;

	if (is_ack_copy(h, d, p, &original)) {
		c->copies++;
		e = event_add(a, c, side, V_NET_COPY, p, lo, lo);
		if (e) {
			e->original = original;
			e->evidence = EV_IDENTICAL;
		}
		return e;
	}
	if (is_window_probe(h, &c->half[!side], &d->seg, lo))
		return event_add(a, c, side, V_ZERO_WINDOW_PROBE, p, lo, lo);
	if (is_keep_alive(h, &d->seg, lo))
		return event_add(a, c, side, V_KEEP_ALIVE, p, lo, lo);
	return NULL;
}

/* A copy of an ACK must not count as a duplicate ACK, so copies are recognised first. */
static struct event *judge(struct analysis *a, struct conn *c, int side, const struct dissected *d,
			   const struct reader_pkt *p, uint64_t lo)
{
	const struct seg *g = &d->seg;
	struct half *h = &c->half[side], *o = &c->half[!side];
	struct event *e = NULL;

	if (g->flags & TH_RST)
		return NULL;
	if (seg_len(g) == 0)
		e = judge_bare(a, c, side, d, p, lo);
	if (g->flags & TH_ACK && o->started && !(e && e->kind == V_NET_COPY))
		proof_ack(c, o, d, p, flow_at(c, !side));
	if (seg_len(g) == 0)
		return e;
	if (lo == 0 && !(g->flags & TH_SYN) && h->max > 0 && !h->isn_known)
		return judge_before(a, c, side, d, p);
	if (lo > h->max + FAR || (g->flags & TH_SYN && lo != 0)) {
		c->odd++;
		return NULL;
	}
	if (g->len > h->mss_seen)
		h->mss_seen = (uint16_t)(g->len < 65535 ? g->len : 65535);
	return judge_data(a, c, side, d, p, lo, lo + seg_len(g));
}

/* For who asks why this segment was sent. */
static struct before look_before(const struct conn *c, int side, const struct seg *g, uint64_t lo)
{
	const struct half *h = &c->half[side], *o = &c->half[!side];
	const bool scaled = h->syn_opt.has_wscale && o->syn_opt.has_wscale;
	const bool known = o->wnd_known && h->started && (scaled || (o->syn && !o->syn_opt.has_wscale) || o->syn_ack);
	struct before b = {
		.ack = o->una,
		.gap = h->started && lo > h->max ? lo - h->max : 0,
		.window_left = -1,
		.probed = o->probed,
		.again = o->again && o->rec_n && half_rec(o, o->rec_n - 1)->hi <= o->una ? o->again : 0,
		.data_after_fin = h->fin && o->rec_n && half_rec(o, o->rec_n - 1)->frame > h->fin,
		.top = o->max,
		.wnd = h->wnd,
		.wnd_known = h->wnd_known,
		.peer_known = o->started,
		.reset = h->rst || o->rst,
	};

	if (known && !(g->flags & TH_SYN)) {
		uint64_t right = h->una + ((uint64_t)o->wnd << (scaled ? o->syn_opt.wscale & 15 : 0));

		b.window_left = right > h->max ? (int64_t)(right - h->max) : 0;
	}
	if (g->opt.nsack && o->started) {
		uint64_t ack = half_pos(o, g->ack.v);

		b.block_lo = half_pos(o, g->opt.sack[0].lo.v);
		b.block_hi = half_pos(o, g->opt.sack[0].hi.v);
		b.dsack = b.block_hi <= ack ||
			  (g->opt.nsack > 1 && half_pos(o, g->opt.sack[1].lo.v) <= b.block_lo &&
			   b.block_hi <= half_pos(o, g->opt.sack[1].hi.v));
	}
	return b;
}

void verdict_segment(struct analysis *a, struct conn *c, int side, const struct dissected *d,
		     const struct reader_pkt *p)
{
	struct half *h = &c->half[side];
	const struct seg *g = &d->seg;
	const ns_t silence = p->at - c->last, from = c->last;
	const char *waited_for = waiting_for(c);
	struct before was;
	struct event *e;
	uint64_t lo;

	if (!(g->flags & TH_RST) || h->started)
		half_start(h, g, flow_opened(c));
	lo = h->started ? half_pos(h, g->seq.v) : 0;
	c->half[!side].sample = -1;
	if (a->each)
		was = look_before(c, side, g, lo);
	flow_handshake(c, side, d, p);
	e = g->flags & (TH_ACK | TH_SYN | TH_RST) ? judge(a, c, side, d, p, lo) : NULL;
	if (silence > ns_max(STALL_MIN, 4 * ns_max(c->hs_d1, c->hs_d2)) && h->packets + c->half[!side].packets)
		stall_add(c, from, p, stall_reason(waited_for, e));
	if (g->flags & (TH_ACK | TH_SYN | TH_RST))
		flow_teardown(c, side, d, p, lo);
	else
		c->no_ack++; /* RFC 9293 3.10.7.4 (5): such are dropped */
	if (!(g->flags & TH_RST)) {
		h->wnd = g->wnd;
		h->wnd_known = true;
	}
	h->id_changes += h->packets && d->ipid != h->id_before;
	h->id_before = d->ipid;
	h->probed = e && (e->kind == V_ZERO_WINDOW_PROBE || e->kind == V_KEEP_ALIVE) ? (uint32_t)p->frame : 0;
	h->again = e && e->kind == V_RETX ? (uint32_t)p->frame : 0;
	c->half[!side].probed = c->half[!side].again = 0; /* this answers them, or something else */
	h->packets++;
	c->last = ns_max(c->last, p->at);
	if (a->each) {
		struct seg_view v = {c, side, d, p, lo, lo + seg_len(g), 0, e, was};

		if (g->flags & TH_ACK && c->half[!side].started)
			v.ack = half_pos(&c->half[!side], g->ack.v);
		a->each(a->arg, &v);
	}
}

/* Where a large part of all packets comes twice, it is the capture that doubles them. */
void verdict_finish(struct conn *c)
{
	uint64_t packets = c->half[0].packets + c->half[1].packets;

	if (c->finished)
		return;
	c->finished = true;
	for (int i = 0; i < 2; i++) {
		struct half *h = &c->half[i];

		h->holes = h->seen.n + (h->floor < h->top_lo && h->seen.n == 0);
		seqset_free(&h->seen);
		seqset_free(&h->sacked);
		free(h->rec);
		free(h->retx);
		free(h->ack_sign);
		h->ack_sign = NULL;
		h->rec = NULL;
		h->retx = NULL;
		h->rec_n = h->rec_cap = h->retx_n = h->retx_cap = 0;
	}
	if ((uint64_t)c->copies * 4 < packets)
		return;
	for (uint32_t i = 0; i < c->events; i++)
		if (c->event[i].kind == V_NET_COPY)
			c->event[i].kind = V_CAPTURE_COPY;
}
