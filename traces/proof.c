/* See proof.h. A retransmission was needless when the receiver says that it had the bytes (D-SACK,
 * RFC 2883), when the answer echoes a timestamp from before it (RFC 3522), or when the answer comes
 * sooner than any could. Round trips come from segments sent once (Karn). */
#include "proof.h"

#include "../stack/base/check.h"

#include <string.h>

#define FAR (1u << 30)   /* farther from the stream than this is no part of it */
#define RETX_BACK 400    /* retransmissions that a later proof may still reach */

void proof_needless(struct event *e, enum needless_proof how, uint32_t frame)
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
			proof_needless(e, BY_EARLY_ACK, v->frame);
	}
}

static uint32_t tsval_of(const struct half *h, const struct event *e, bool *has)
{
	for (uint32_t i = h->rec_n; i-- > 0;) {
		const struct rec *r = half_rec(h, i);

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
		if (has && stamp_older(v->ts_ecr, tsval))
			proof_needless(e, BY_TSECR, v->frame);
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
		proof_needless(e, BY_DSACK, v->frame);
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
		struct rec *r = half_rec(o, (uint32_t)(o->rtt_next - o->rec_base));

		if (r->hi > v->ack)
			return;
		o->rtt_next++;
		if (r->hi == v->ack && !r->resent && !r->again)
			rtt_sample(o, v->at - r->at);
	}
}

static bool take_blocks(struct half *o, const struct ack_view *v)
{
	bool news = false;

	for (int i = 0; i < v->blocks; i++) {
		uint64_t lo = v->block[i].lo > o->una ? v->block[i].lo : o->una, hi = v->block[i].hi;

		if (lo >= hi || hi - o->una > FAR)
			continue;
		if (o->sacked.n && seqset_has(&o->sacked, half_low(lo), half_low(hi)))
			continue;
		if (!seqset_add(&o->sacked, half_low(lo), half_low(hi)))
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
		seqset_drop_below(&o->sacked, half_low(v->ack));
	o->dupacks = 0;
	if (o->una >= o->rto_high)
		o->rto_high = 0;
	/* RFC 8985 7.4.2: a probe that was a retransmission ends when more than it is acknowledged. */
	if (o->una > o->tlp_high)
		o->tlp_high = 0;
	if (o->una > o->max)
		o->unseen_acked++;
}

void proof_ack(struct conn *c, struct half *o, const struct dissected *d,
			const struct reader_pkt *p, bool near)
{
	struct ack_view v;
	bool progress;

	read_ack(o, d, p, &v);
	if (v.ack > o->max + FAR) {
		c->odd++;
		return;
	}
	if (o->probe_hi > o->max && v.ack >= o->probe_hi) /* the window let a probe's byte in */
		half_see(o, o->max, o->probe_hi);
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
