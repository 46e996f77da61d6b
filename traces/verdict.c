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
#include "flow.h"

#include "../stack/base/check.h"
#include "../stack/wire/ip.h"

#include <stdlib.h>
#include <string.h>

#define FAR (1u << 30)               /* farther from the stream than this is no part of it */
#define COPY_WINDOW (2 * SEC)        /* the IP identification may come round after that */
#define LOOK_BACK 600                /* records searched for a hole's neighbours */
#define RETX_BACK 400                /* retransmissions that a later proof may still reach */
#define TIMER_MIN (150 * MS)         /* no timer of a sender runs out sooner */
#define STALL_MIN (300 * MS)

/* ---- positions and what was seen ---- */

uint64_t half_pos(const struct half *h, uint32_t seq)
{
	int64_t p = (int64_t)h->max + (int32_t)(seq - (h->isn + (uint32_t)h->max));

	return p < 0 ? 0 : (uint64_t)p;
}

static seq_t low32(uint64_t pos)
{
	return seq_of((uint32_t)pos);
}

static void half_start(struct half *h, const struct seg *g)
{
	if (g->flags & TH_SYN) {
		/* A SYN-ACK with another number before any data: the server did not keep state. */
		if (h->isn_known && (h->isn == g->seq.v || h->max > 1))
			return;
		if (h->started && !h->isn_known && h->isn != g->seq.v)
			return;
		h->isn_known = true;
		if (h->started && h->isn == g->seq.v)
			return;
		h->isn = g->seq.v;
		h->max = h->una = h->floor = h->top_lo = 0;
	} else if (!h->started) {
		h->isn = g->seq.v - 1;
		h->max = h->una = h->floor = h->top_lo = 1;
	}
	h->started = true;
}

static bool seen_all(const struct half *h, uint64_t lo, uint64_t hi)
{
	if (hi <= h->floor || (lo >= h->top_lo && hi <= h->max))
		return true;
	if (lo < h->floor)
		lo = h->floor;
	return hi <= h->max && h->seen.n && seqset_has(&h->seen, low32(lo), low32(hi));
}

static bool seen_any(const struct half *h, uint64_t lo, uint64_t hi)
{
	if (lo < h->floor || (lo < h->max && hi > h->top_lo && h->top_lo < h->max))
		return true;
	if (!h->seen.n || lo >= h->max)
		return false;
	return seqset_touches(&h->seen, low32(lo), low32(hi < h->max ? hi : h->max));
}

static uint64_t widen(uint64_t near, seq_t s)
{
	return near + (uint64_t)(int64_t)(int32_t)(s.v - (uint32_t)near);
}

/* Everything below pos counts as seen from now on. */
static void forget_below(struct half *h, uint64_t pos)
{
	if (pos <= h->floor)
		return;
	h->floor = pos;
	if (h->seen.n)
		seqset_drop_below(&h->seen, low32(pos));
	if (h->top_lo < pos)
		h->top_lo = pos < h->max ? pos : h->max;
}

static void remember_range(struct half *h, uint64_t lo, uint64_t hi)
{
	while (!seqset_add(&h->seen, low32(lo), low32(hi))) {
		/* Too many holes: give up on the lower half of them. */
		uint32_t mid = h->seen.n / 2;

		if (h->seen.n == 0)
			return; /* no memory */
		forget_below(h, widen(h->max, h->seen.r[mid].hi));
		if (hi <= h->floor)
			return;
		if (lo < h->floor)
			lo = h->floor;
	}
}

/*   floor            top_lo        max
 *     |  [ ]   [  ]     [===========)      `seen` holds the ranges below top_lo */
static void see(struct half *h, uint64_t lo, uint64_t hi)
{
	if (lo <= h->max && lo >= h->top_lo) { /* extends, or lies in, the top range */
		if (hi > h->max)
			h->max = hi;
	} else if (lo > h->max) { /* leaves a hole */
		if (h->top_lo < h->max)
			remember_range(h, h->top_lo, h->max);
		h->top_lo = lo;
		h->max = hi;
	} else { /* below the top range */
		if (lo < h->floor)
			lo = h->floor;
		if (hi > h->max)
			h->max = hi;
		if (hi >= h->top_lo)
			hi = h->top_lo;
		if (lo < hi)
			remember_range(h, lo, hi);
		/* If it reached the top range, the two are one. */
		while (h->seen.n) {
			struct seq_range *top = &h->seen.r[h->seen.n - 1];

			if (top->hi.v != (uint32_t)h->top_lo)
				break;
			h->top_lo = widen(h->max, top->lo);
			h->seen.bytes -= top->hi.v - top->lo.v;
			h->seen.n--;
		}
	}
	if (h->top_lo == h->floor)
		return;
	if (h->max - h->floor > FAR) /* keep all positions in the set within half the number space */
		forget_below(h, h->max - FAR / 2);
}

/* ---- records ---- */

static struct rec *rec_at(const struct half *h, uint32_t i) /* 0: the oldest */
{
	return &h->rec[(h->rec_head + i) & (h->rec_cap - 1)];
}

static bool rec_grow(struct half *h)
{
	uint32_t cap = h->rec_cap ? 2 * h->rec_cap : 8;
	struct rec *r = malloc(cap * sizeof(*r));

	if (!r)
		return false;
	for (uint32_t i = 0; i < h->rec_n; i++)
		r[i] = *rec_at(h, i);
	free(h->rec);
	h->rec = r;
	h->rec_cap = cap;
	h->rec_head = 0;
	return true;
}

static struct rec *rec_push(struct half *h)
{
	bool full = h->rec_n == h->rec_cap;

	if (full && (h->rec_cap < RECS_MIN || (h->rec_cap < RECS_MAX && rec_at(h, 0)->hi > h->una)))
		full = !rec_grow(h);
	if (h->rec_cap == 0)
		return NULL;
	if (full) {
		h->rec_head = (h->rec_head + 1) & (h->rec_cap - 1);
		h->rec_base++;
		if (h->rtt_next < h->rec_base)
			h->rtt_next = h->rec_base;
		h->rec_n--;
	}
	return rec_at(h, h->rec_n++);
}

/* The record that sent any of these bytes first; *last: the one that did last. All of them are
 * marked as sent again. */
static const struct rec *find_original(struct half *h, uint64_t lo, uint64_t hi, const struct rec **last)
{
	const struct rec *first = NULL;

	for (uint32_t i = h->rec_n; i-- > 0;) {
		struct rec *r = rec_at(h, i);

		if (r->lo < hi && lo < r->hi) {
			r->resent = true;
			if (!first)
				*last = r;
			first = r;
			if (!r->again)
				break;
		}
	}
	return first;
}

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

static void retx_list_add(struct half *h, uint32_t event)
{
	if (h->retx_n == h->retx_cap) {
		uint32_t cap = h->retx_cap ? 2 * h->retx_cap : 8;
		uint32_t *list = realloc(h->retx, cap * sizeof(*list));

		if (!list)
			return;
		h->retx = list;
		h->retx_cap = cap;
	}
	h->retx[h->retx_n++] = event;
}

static void prove_needless(struct event *e, enum needless_proof how, uint32_t frame)
{
	if (e->needless == NEEDED)
		e->needless = (uint8_t)how;
	for (int i = 0; i < e->nproofs; i++)
		if (e->proof[i] == frame)
			return;
	if (frame && e->nproofs < PROOFS_MAX)
		e->proof[e->nproofs++] = frame;
}

/* ---- the acknowledgement side ---- */

struct range {
	uint64_t lo, hi;
};

struct ack_view {
	uint64_t ack;
	struct range block[TCP_SACKS];
	int blocks;
	struct range dsack; /* hi 0: none */
	bool has_ts;
	uint32_t ts_ecr, frame;
	ns_t at;
};

static void read_ack(const struct half *o, const struct dissected *d, const struct reader_pkt *p,
		     struct ack_view *v)
{
	const struct tcp_opts *opt = &d->seg.opt;

	*v = (struct ack_view){
		.ack = half_pos(o, d->seg.ack.v),
		.has_ts = opt->has_ts,
		.ts_ecr = opt->ts_ecr,
		.frame = (uint32_t)p->frame,
		.at = p->at,
	};
	for (int i = 0; i < opt->nsack; i++) {
		struct range b = {half_pos(o, opt->sack[i].lo.v), half_pos(o, opt->sack[i].hi.v)};

		if (b.lo < b.hi && b.hi - b.lo < FAR)
			v->block[v->blocks++] = b;
	}
	/* RFC 2883 4: the first block is below the ACK, or inside the second. */
	if (v->blocks &&
	    (v->block[0].hi <= v->ack || (v->blocks > 1 && v->block[1].lo <= v->block[0].lo &&
					  v->block[0].hi <= v->block[1].hi))) {
		v->dsack = v->block[0];
		v->blocks--;
		memmove(v->block, v->block + 1, (size_t)v->blocks * sizeof(v->block[0]));
	}
}

/* The i-th newest retransmission of this half; NULL past the last that proofs may reach. */
static struct event *retx_back(struct conn *c, const struct half *o, uint32_t i)
{
	if (i >= o->retx_n || i >= RETX_BACK)
		return NULL;
	return &c->event[o->retx[o->retx_n - 1 - i]];
}

static bool covered(const struct ack_view *v, const struct event *e)
{
	if (e->hi <= v->ack)
		return true;
	for (int i = 0; i < v->blocks; i++)
		if (v->block[i].lo <= e->lo && e->hi <= v->block[i].hi)
			return true;
	return false;
}

/* Acknowledged far sooner than a round trip after the copy: the original had arrived. Far, since
 * the shortest round trip so far may have been a slow one. */
static void proof_by_early_ack(struct conn *c, struct half *o, const struct ack_view *v)
{
	struct event *e;

	for (uint32_t i = 0; (e = retx_back(c, o, i)); i++) {
		if (v->at - e->at > o->min_rtt / 10 * 6)
			return;
		if (covered(v, e))
			prove_needless(e, BY_EARLY_ACK, v->frame);
	}
}

static bool older(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static uint32_t tsval_of(const struct half *h, const struct event *e, bool *has)
{
	for (uint32_t i = h->rec_n; i-- > 0;) {
		const struct rec *r = rec_at(h, i);

		if (r->frame == e->frame) {
			*has = r->has_ts;
			return r->tsval;
		}
		if (r->frame < e->frame)
			break;
	}
	*has = false;
	return 0;
}

/* RFC 3522: the ACK echoes a timestamp older than the copy's, so it answers the original. When the
 * ACK leaps over several segments, what it echoes filled the hole at una, and copies further up
 * that left after it were not what was missing. */
static void proof_by_tsecr(struct conn *c, struct half *o, const struct ack_view *v)
{
	bool leap = v->ack - o->una > 2u * o->mss_seen;
	struct event *e;

	for (uint32_t i = 0; (e = retx_back(c, o, i)); i++) {
		bool has;
		uint32_t tsval;

		if (e->hi <= o->una && e->lo < o->una)
			continue;
		if (e->hi > v->ack || (e->lo != o->una && !(leap && e->lo > o->una)))
			continue;
		tsval = tsval_of(o, e, &has);
		if (has && older(v->ts_ecr, tsval))
			prove_needless(e, BY_TSECR, v->frame);
	}
}

/* Each D-SACK reports one copy that came in vain: the newest of those bytes not yet reported. */
static void proof_by_dsack(struct conn *c, struct half *o, const struct ack_view *v)
{
	uint64_t done = v->dsack.hi;
	struct event *e;

	for (uint32_t i = 0; (e = retx_back(c, o, i)) && done > v->dsack.lo; i++) {
		if (e->hi <= v->dsack.lo || v->dsack.hi <= e->lo)
			continue;
		if (e->needless == BY_DSACK && e->lo >= v->dsack.lo && e->hi <= v->dsack.hi && o->retx_n > 1 &&
		    e->hi - e->lo == v->dsack.hi - v->dsack.lo)
			continue;
		prove_needless(e, BY_DSACK, v->frame);
		e->needless = BY_DSACK;
		done = e->lo;
	}
}

static void rtt_sample(struct half *o, ns_t r)
{
	if (r < 0 || r > RTT_MAX)
		return;
	o->sample = r;
	o->rttvar = o->srtt ? (3 * o->rttvar + (r > o->srtt ? r - o->srtt : o->srtt - r)) / 4 : r / 2;
	o->srtt = o->srtt ? (7 * o->srtt + r) / 8 : r;
	o->min_rtt = o->min_rtt ? ns_min(o->min_rtt, r) : r;
}

/* Records are walked once, in the order of sending. Those sent again give no sample (Karn). */
static void time_acked(struct half *o, const struct ack_view *v)
{
	if (o->rtt_next < o->rec_base)
		o->rtt_next = o->rec_base;
	while (o->rtt_next < o->rec_base + o->rec_n) {
		struct rec *r = rec_at(o, (uint32_t)(o->rtt_next - o->rec_base));

		if (r->hi > v->ack)
			return;
		o->rtt_next++;
		if (r->hi == v->ack && !r->resent && !r->again)
			rtt_sample(o, v->at - r->at);
	}
}

static uint64_t sack_top(const struct half *h)
{
	return h->sacked.n ? widen(h->una, h->sacked.r[h->sacked.n - 1].hi) : 0;
}

static bool take_blocks(struct half *o, const struct ack_view *v)
{
	bool news = false;

	for (int i = 0; i < v->blocks; i++) {
		uint64_t lo = v->block[i].lo > o->una ? v->block[i].lo : o->una, hi = v->block[i].hi;

		if (lo >= hi || hi - o->una > FAR)
			continue;
		if (o->sacked.n && seqset_has(&o->sacked, low32(lo), low32(hi)))
			continue;
		if (!seqset_add(&o->sacked, low32(lo), low32(hi)))
			continue;
		news = true;
		o->sack_top_frame = v->frame;
		/* RFC 5682 3.1: what was sent after the timeout arrived although nothing else was resent,
		 * so the timeout was spurious, and the sender goes on as before. */
		if (o->rto_high && hi > o->rto_high && o->gone_back == 0)
			o->rto_high = 0;
	}
	return news;
}

static void advance_una(struct half *o, const struct ack_view *v)
{
	o->una = v->ack;
	o->una_at = v->at;
	if (o->sacked.n)
		seqset_drop_below(&o->sacked, low32(v->ack));
	o->dupacks = 0;
	if (o->una >= o->rto_high)
		o->rto_high = 0;
	/* RFC 8985 7.4.2: a probe that was a retransmission ends when more than it is acknowledged. */
	if (o->una > o->tlp_high)
		o->tlp_high = 0;
	if (o->una > o->max)
		o->unseen_acked++;
}

/* o: the stream that the segment acknowledges; near: the tap stands where it is sent. */
static void acknowledge(struct conn *c, struct half *o, const struct dissected *d,
			const struct reader_pkt *p, bool near)
{
	struct ack_view v;
	bool progress;

	read_ack(o, d, p, &v);
	if (v.ack > o->max + FAR) {
		c->odd++;
		return;
	}
	if (near && o->min_rtt && o->retx_n)
		proof_by_early_ack(c, o, &v);
	progress = v.ack > o->una;
	if (progress) {
		time_acked(o, &v);
		/* While the SYN is answered, where the tap stands is not known yet, and does not matter. */
		if (v.has_ts && (near || o->una == 0) && o->retx_n)
			proof_by_tsecr(c, o, &v);
		advance_una(o, &v);
	}
	if (take_blocks(o, &v))
		progress = true;
	else if (!progress && d->seg.len == 0 && !(d->seg.flags & (TH_SYN | TH_FIN)))
		o->dupacks++;
	if (v.dsack.hi && o->retx_n)
		proof_by_dsack(c, o, &v);
	if (!progress || (v.dsack.hi && v.dsack.hi >= o->tlp_high))
		o->tlp_high = 0;
	o->last_ack_frame = v.frame;
	if (progress) {
		o->last_prog = v.at;
		o->timer_retx = 0;
	}
}

/* ---- copies ---- */

static uint32_t ack_hash(const struct seg *g)
{
	uint32_t h = g->flags;

	for (int i = 0; i < g->opt.nsack; i++)
		h = (h * 31 + g->opt.sack[i].lo.v) * 31 + g->opt.sack[i].hi.v;
	return h;
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
	for (int i = 0; i < ACKS_KEPT; i++) {
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
 * timestamps and less than half a round trip between them say the same: nobody resends so soon. */
static const struct rec *find_copy(const struct half *h, const struct dissected *d, uint64_t lo, uint64_t hi,
				   ns_t at, bool at_sender, ns_t rtt, uint8_t *evidence)
{
	const struct seg *g = &d->seg;

	for (uint32_t i = h->rec_n; i-- > 0;) {
		const struct rec *r = rec_at(h, i);

		if (at - r->at >= COPY_WINDOW)
			return NULL;
		if (r->lo != lo || r->hi != hi || r->ack != g->ack.v || r->flags != g->flags ||
		    r->ipid != d->ipid || r->has_ts != g->opt.has_ts)
			continue;
		if (r->has_ts && r->tsval != g->opt.ts_val)
			continue;
		if (d->ipid) {
			*evidence = EV_IDENTICAL;
			return r;
		}
		if (!at_sender && at - r->at < (rtt ? rtt / 2 : 500 * US)) {
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
		const struct rec *r = rec_at(h, i);

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
		return older(o->tsval, d->seg.opt.ts_val) ? V_RETX : V_LATE;
	}
	e->evidence = EV_TIME;
	e->certainty = PROBABLE;
	return at - o->at < (rtt ? rtt / 10 * 9 : 3 * MS) ? V_LATE : V_RETX;
}

/* ---- why it was sent again ---- */

static bool sack_agreed(const struct conn *c)
{
	return c->half[0].syn_opt.sack_ok && c->half[1].syn_opt.sack_ok;
}

/* Without SACK, duplicate ACKs keep new data coming while the first hole waits for its timeout, so
 * there is no silence around that. But such a sender (RFC 6582) fills the first hole with the third
 * duplicate ACK, that is within about a round trip, and only the timer makes it do so again. */
static bool timer_behind_noise(const struct conn *c, const struct half *h, uint64_t lo, const struct rec *last,
			       ns_t at)
{
	ns_t waited = at - ns_max(h->una_at, last ? last->at : h->una_at);

	if (sack_agreed(c) || lo != h->una || waited <= TIMER_MIN)
		return false;
	return (last && last->again && last->at > h->una_at) || waited > 2 * h->srtt;
}

static enum cause judge_cause(const struct conn *c, struct half *h, const struct seg *g, uint64_t lo,
			      uint64_t hi, const struct rec *last, ns_t at)
{
	ns_t srtt = h->srtt ? h->srtt : 100 * MS;
	ns_t gap = at - ns_max(h->last_tx, h->last_prog);
	bool timer = gap > ns_max(TIMER_MIN, srtt / 10 * 9);
	bool probe = gap > srtt / 10 * 16 && hi == h->max && sack_top(h) <= hi;

	if (timer_behind_noise(c, h, lo, last, at))
		timer = true;
	if (g->flags & TH_SYN)
		return g->flags & TH_ACK ? CAUSE_SYN_ACK : CAUSE_SYN;
	if (h->rto_high && h->una < h->rto_high && !timer) {
		h->gone_back++;
		return CAUSE_GO_BACK;
	}
	if (sack_agreed(c) && hi == h->max && h->timer_retx == 0 && !h->tlp_high && (probe || timer) && !h->sacked.n) {
		h->timer_retx++;
		h->tlp_high = h->max;
		return CAUSE_TLP;
	}
	if (timer) {
		h->timer_retx++;
		h->gone_back = 0;
		h->rto_high = h->max;
		return CAUSE_RTO;
	}
	return CAUSE_RECOVERY;
}

static void explain_retx(struct conn *c, struct half *h, const struct seg *g, struct event *e, bool near)
{
	const struct rec *last = NULL, *original = find_original(h, e->lo, e->hi, &last);
	uint64_t top = sack_top(h);

	e->waited = e->at - ns_max(h->last_tx, h->last_prog);
	e->dupacks = (uint16_t)(h->dupacks < UINT16_MAX ? h->dupacks : UINT16_MAX);
	e->sacked = h->sacked.bytes;
	e->cause = (uint8_t)judge_cause(c, h, g, e->lo, e->hi, last, e->at);
	e->or_rto = e->cause == CAUSE_TLP && e->lo <= h->una;
	if (g->flags & TH_FIN && e->hi - e->lo == 1)
		e->cause = CAUSE_FIN;
	if (original) {
		e->original = original->frame;
		e->since_original = e->at - original->at;
	}
	if (e->cause == CAUSE_RECOVERY)
		e->trigger = top > e->hi && h->sack_top_frame ? h->sack_top_frame : h->last_ack_frame;
	if (near && e->hi <= h->una)
		prove_needless(e, BY_ACKED, h->last_ack_frame);
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

static const char *stall_reason(const struct conn *c, const struct event *e)
{
	const struct half *a = &c->half[0], *b = &c->half[1];

	if (e && e->kind == V_RETX) {
		switch ((enum cause)e->cause) {
		case CAUSE_SYN:
		case CAUSE_SYN_ACK:
			return "the handshake got no answer and was repeated";
		case CAUSE_TLP:
			return "no acknowledgement came, until a tail loss probe";
		case CAUSE_FIN:
			return "the FIN was not acknowledged and was repeated";
		default:
			return "no acknowledgement came, until the retransmission timer ran out";
		}
	}
	if ((a->wnd_known && !a->wnd) || (b->wnd_known && !b->wnd))
		return "a receiver's window was closed: its application did not read";
	if (a->max > a->una || b->max > b->una)
		return "data was sent, and no acknowledgement was seen for it";
	return "nothing was outstanding: the applications had nothing to send";
}

static void stall_add(struct conn *c, ns_t from, const struct reader_pkt *p, const struct event *e)
{
	if (c->nstalls == STALLS_MAX) {
		c->stalls_lost++;
		return;
	}
	if (!c->stalls)
		c->stalls = calloc(STALLS_MAX, sizeof(*c->stalls));
	if (!c->stalls)
		return;
	c->stalls[c->nstalls++] = (struct stall){from, p->at, (uint32_t)p->frame, stall_reason(c, e)};
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
	see(h, lo, hi);
	h->last_tx = p->at;
	r = rec_push(h);
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
		if (is_window_probe(h, &c->half[!side], &d->seg, lo))
			return event_add(a, c, side, V_ZERO_WINDOW_PROBE, p, lo, hi);
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
	if (!seen_any(h, lo, hi) && hi > h->max) { /* no byte seen twice */
		record(h, d, p, lo, hi, c, NULL);
		return NULL;
	}
	if (seen_any(h, lo, hi)) {
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
			if (flow_at(c, !side) && draft.evidence == EV_SEEN_BEFORE && seen_all(h, lo, hi))
				prove_needless(e, BY_ARRIVAL, e->original);
			retx_list_add(h, (uint32_t)(e - c->event));
		}
	}
	record(h, d, p, lo, hi, c, e);
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
		acknowledge(c, o, d, p, flow_at(c, !side));
	if (seg_len(g) == 0)
		return e;
	if (lo == 0 && !(g->flags & TH_SYN) && h->max > 0 && !h->isn_known) {
		c->odd++; /* below the first byte that the capture knows */
		return NULL;
	}
	if (lo > h->max + FAR) {
		c->odd++;
		return NULL;
	}
	if (g->len > h->mss_seen)
		h->mss_seen = (uint16_t)(g->len < 65535 ? g->len : 65535);
	return judge_data(a, c, side, d, p, lo, lo + seg_len(g));
}

void verdict_segment(struct analysis *a, struct conn *c, int side, const struct dissected *d,
		     const struct reader_pkt *p)
{
	struct half *h = &c->half[side];
	const struct seg *g = &d->seg;
	ns_t silence = p->at - c->last, from = c->last;
	struct event *e;
	uint64_t lo;

	if (!(g->flags & TH_RST) || h->started)
		half_start(h, g);
	lo = h->started ? half_pos(h, g->seq.v) : 0;
	c->half[!side].sample = -1;
	flow_handshake(c, side, d, p);
	e = judge(a, c, side, d, p, lo);
	if (silence > ns_max(STALL_MIN, 4 * ns_max(c->hs_d1, c->hs_d2)) && h->packets + c->half[!side].packets)
		stall_add(c, from, p, e);
	flow_teardown(c, side, d, p, lo);
	if (!(g->flags & TH_RST)) {
		h->wnd = g->wnd;
		h->wnd_known = true;
	}
	h->ttl = d->ttl;
	h->packets++;
	c->last = ns_max(c->last, p->at);
	if (a->each) {
		struct seg_view v = {c, side, d, p, lo, lo + seg_len(g), 0, e};

		if (g->flags & TH_ACK && c->half[!side].started)
			v.ack = half_pos(&c->half[!side], g->ack.v);
		a->each(a->arg, &v);
	}
}

/* Where a large part of all packets comes twice, it is the capture that doubles them. */
void verdict_finish(struct conn *c)
{
	uint64_t packets = c->half[0].packets + c->half[1].packets;

	for (int i = 0; i < 2; i++) {
		struct half *h = &c->half[i];

		h->holes = h->seen.n + (h->floor < h->top_lo && h->seen.n == 0);
		seqset_free(&h->seen);
		seqset_free(&h->sacked);
		free(h->rec);
		free(h->retx);
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
