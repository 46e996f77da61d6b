/* Which connection a segment belongs to, how that connection was opened and closed, and where the
 * tap stood.
 *
 * The place of the tap is read from the handshake: near the client the SYN waits long for its
 * SYN-ACK and the ACK follows at once; near the server it is the other way round. Without a
 * handshake a TTL that no router has lowered yet tells it, if only one side's is such. */
#include "flow.h"

#include "frag.h"
#include "../stack/base/check.h"

#include <stdlib.h>
#include <string.h>

#define REUSE_MIN SEC     /* after its end, within which a SYN with the same number is a straggler */
#define NEAR (1u << 20)   /* numbers this close to a stream's end may belong to it */

/* ---- the table ---- */

/* The end with the smaller address and port is end 0. Returns which end sent the segment. */
static int key_of(const struct dissected *d, struct flow_key *k)
{
	int order = memcmp(&d->src, &d->dst, sizeof(d->src));

	if (order == 0)
		order = d->seg.sport < d->seg.dport ? -1 : d->seg.sport > d->seg.dport;
	if (order <= 0)
		*k = (struct flow_key){d->src, d->dst, d->seg.sport, d->seg.dport};
	else
		*k = (struct flow_key){d->dst, d->src, d->seg.dport, d->seg.sport};
	return order > 0;
}

static bool key_eq(const struct flow_key *a, const struct flow_key *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

struct analysis *analysis_new(void)
{
	/* A fixed key would let a capture be crafted against it; but equal runs must give equal
	 * answers, and no answer depends on the table's order. The address space's layout does. */
	static int anchor;
	struct analysis *a = calloc(1, sizeof(*a));
	struct rng rng;
	struct siphash_key key;

	if (!a)
		return NULL;
	rng_init(&rng, (uint64_t)(uintptr_t)a ^ (uint64_t)(uintptr_t)&anchor << 20, "traces/flow");
	siphash_key_draw(&key, &rng);
	flowmap_init(&a->map, key, offsetof(struct conn, key));
	return a;
}

static void half_free(struct half *h)
{
	seqset_free(&h->seen);
	seqset_free(&h->sacked);
	free(h->rec);
	free(h->retx);
	free(h->ack_sign);
}

void analysis_free(struct analysis *a)
{
	if (!a)
		return;
	for (uint32_t i = 0; i < a->nconns; i++) {
		struct conn *c = a->conn[i];

		half_free(&c->half[0]);
		half_free(&c->half[1]);
		free(c->event);
		free(c->stalls);
		free(c);
	}
	free(a->conn);
	free(a->skip);
	frags_free(a->frags);
	flowmap_free(&a->map);
	free(a);
}

/* Who opened: the sender of a SYN, the receiver of a SYN-ACK, else the higher port. */
static int guess_client(const struct flow_key *k, int side, const struct seg *g)
{
	if (g->flags & TH_SYN)
		return g->flags & TH_ACK ? !side : side;
	return k->lport > k->rport ? 0 : 1;
}

static struct conn *flow_new(struct analysis *a, const struct flow_key *k, int side,
			     const struct dissected *d, ns_t at)
{
	struct conn *c;

	if (a->nconns == FLOWS_MAX)
		return NULL;
	if (a->nconns == a->conn_cap) {
		uint32_t cap = a->conn_cap ? 2 * a->conn_cap : 16;
		struct conn **list = realloc(a->conn, cap * sizeof(struct conn *));

		if (!list)
			return NULL;
		a->conn = list;
		a->conn_cap = cap;
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->key = *k;
	c->id = a->nconns;
	c->client = (uint8_t)guess_client(k, side, &d->seg);
	c->first = c->last = at;
	c->tunnel = d->tunnel;
	for (int i = 0; i < 2; i++) {
		seqset_init(&c->half[i].seen, GAPS_MAX);
		seqset_init(&c->half[i].sacked, GAPS_MAX);
	}
	if (!flowmap_insert(&a->map, c)) {
		free(c);
		return NULL;
	}
	a->conn[a->nconns++] = c;
	return c;
}

/* Whether nothing more can come, but for copies and stragglers. */
static bool has_ended(const struct conn *c)
{
	const struct half *a = &c->half[0], *b = &c->half[1];

	if (flow_opened(c) && (a->rst || b->rst))
		return true;
	return a->fin && b->fin && a->fin_acked && b->fin_acked;
}

/* A SYN with a number that this end did not use: the ports are used again. With the same number it is
 * the same connection, unless that was over long ago. */
static bool is_new_incarnation(const struct conn *c, int side, const struct seg *g, ns_t at)
{
	const struct half *h = &c->half[side];

	if ((g->flags & (TH_SYN | TH_ACK | TH_RST | TH_FIN)) != TH_SYN || !h->started)
		return false;
	if (h->isn == g->seq.v)
		return has_ended(c) && at - c->last > REUSE_MIN;
	/* A bare ACK may precede the SYN of a split handshake. */
	return h->isn_known || h->max > 1 || flow_opened(c) || !c->half[!side].syn;
}

static bool is_answered(const struct conn *c)
{
	return c->half[0].syn_ack || c->half[1].syn_ack || c->hs_ack || (c->half[0].syn && c->half[1].syn);
}

/* A SYN in the middle of a connection may be a new one, whose beginning the old one's end did not see;
 * or a stray or forged one, after which the old one goes on (RFC 5961 4). Until it is answered, what has
 * the old one's numbers belongs to that. */
static bool is_of_other(const struct conn *c, int side, const struct seg *g)
{
	const struct conn *o = c->other;
	const struct half *h = &o->half[side];

	if (g->flags & TH_SYN)
		return o->half[side].isn_known && o->half[side].isn == g->seq.v;
	return !is_answered(c) && h->started && g->seq.v - (h->isn + (uint32_t)h->max) + NEAR < 2 * NEAR;
}

static struct conn *change_to(struct analysis *a, struct conn *from, struct conn *to)
{
	flowmap_remove(&a->map, from);
	return flowmap_insert(&a->map, to) ? to : NULL;
}

/* Which of two, while that is open. */
static struct conn *choose(struct analysis *a, struct conn *c, int side, const struct dissected *d)
{
	struct conn *o = c->other;

	if (is_answered(c) && c->before == o->id + 1) { /* the new one is a connection: the old one is over */
		verdict_finish(o);
		c->other = o->other = NULL;
		return c;
	}
	if (!is_of_other(c, side, &d->seg))
		return c;
	if (o->before != c->id + 1)
		c->within = true;
	else
		o->within = false;
	return change_to(a, c, o);
}

static struct conn *reincarnate(struct analysis *a, struct conn *old, const struct flow_key *k, int side,
				const struct dissected *d, ns_t at)
{
	struct conn *c;

	flowmap_remove(&a->map, old);
	c = flow_new(a, k, side, d, at);
	if (has_ended(old) || !c) {
		verdict_finish(old);
	} else {
		if (old->other)
			old->other->other = NULL;
		old->other = c;
		c->other = old;
	}
	if (c) {
		c->before = old->id + 1;
		c->before_gap = at - old->last;
	}
	return c;
}

struct conn *flow_of(struct analysis *a, const struct dissected *d, const struct reader_pkt *p, int *side)
{
	struct flow_key k;
	struct conn *c = a->recent;

	*side = key_of(d, &k);
	if (!c || !key_eq(&c->key, &k))
		c = flowmap_find(&a->map, &k);
	if (c && c->other)
		c = choose(a, c, *side, d);
	if (c && is_new_incarnation(c, *side, &d->seg, p->at))
		c = reincarnate(a, c, &k, *side, d, p->at);
	if (!c)
		c = flow_new(a, &k, *side, d, p->at);
	a->recent = c;
	return c;
}

/* ---- the capture's packets ---- */

static void skip_frame(struct analysis *a, uint64_t frame, const char *why)
{
	if (a->skips++ >= SKIPS_MAX)
		return;
	if (!a->skip)
		a->skip = calloc(SKIPS_MAX, sizeof(*a->skip));
	if (a->skip)
		a->skip[a->skips - 1] = (struct skipped){frame, why};
}

static const char *const in_pieces = "a fragment of a packet of which the capture does not have all";

/* A fragment: true when it made a packet whole, which is then in *d, with *result. */
static bool put_together(struct analysis *a, struct dissected *d, const struct reader_pkt *p,
			 enum dissect_result *result)
{
	uint64_t lost = 0;
	bool whole;

	if (!a->frags)
		a->frags = frags_new();
	whole = a->frags && frags_add(a->frags, d, p, result, &lost);
	if (lost)
		skip_frame(a, lost, in_pieces);
	a->pieces += !whole;
	return whole;
}

/* Since the capture's first packet, and so bounded that differences of two never overflow. */
static ns_t relative(const struct analysis *a, ns_t at)
{
	const ns_t far = (ns_t)1 << 61;
	const ns_t half = at / 2 - a->start / 2;

	if (half > far / 2 || half < -far / 2)
		return half > 0 ? far : -far;
	return at - a->start;
}

bool analysis_packet(struct analysis *a, const struct reader_pkt *read)
{
	struct reader_pkt timed = *read;
	const struct reader_pkt *p = &timed;
	struct dissected d;
	enum dissect_result result;
	struct conn *c;
	int side;

	if (a->packets++ == 0)
		a->start = read->at;
	timed.at = relative(a, read->at);
	result = dissect(p, &d);
	if (result == DISSECT_FRAGMENT && !put_together(a, &d, p, &result))
		return true;
	if (result == DISSECT_BAD)
		skip_frame(a, p->frame, d.why);
	else if (result != DISSECT_TCP)
		a->other++;
	if (result != DISSECT_TCP)
		return true;
	a->cut += d.cut;
	c = flow_of(a, &d, p, &side);
	if (!c) {
		a->over_limit++;
		skip_frame(a, p->frame, "too many connections in one capture");
		return true;
	}
	verdict_segment(a, c, side, &d, p);
	return true;
}

void analysis_finish(struct analysis *a)
{
	uint64_t frame;

	while (a->frags && (frame = frags_left(a->frags)))
		skip_frame(a, frame, in_pieces);
	for (uint32_t i = 0; i < a->nconns; i++)
		verdict_finish(a->conn[i]);
}

/* ---- the handshake ---- */

static void place_tap(struct conn *c)
{
	ns_t d1 = c->hs_d1, d2 = c->hs_d2;

	if (d1 < 0 || d2 < 0)
		return; /* the capture itself is out of order */
	/* Where both waits are alike the tap is in the middle; a host answers in far less than a
	 * third of a round trip, unless the path is shorter than its own delays. */
	if (d2 < d1 / 2)
		c->tap = TAP_CLIENT;
	else if (d1 < d2 / 2)
		c->tap = TAP_SERVER;
	else
		c->tap = TAP_MIDDLE;
}

static void note_syn(struct conn *c, int side, const struct dissected *d, const struct reader_pkt *p)
{
	struct half *h = &c->half[side];

	h->syn_opt = d->seg.opt;
	h->syn_opt_cut = d->options_cut;
	h->syn_wnd = d->seg.wnd;
	if (d->seg.flags & TH_ACK) {
		const struct half *o = &c->half[!side];

		if (o->syn_data && d->seg.ack.v - o->isn - 1 - 1 < o->syn_data)
			c->hs_data = true; /* it acknowledges data of the SYN */
		if (!h->syn_ack) {
			h->syn_ack = (uint32_t)p->frame;
			h->syn_ackno = d->seg.ack.v;
			h->syn_ack_first_at = p->at;
			/* The first answer, from the latest SYN before it: later ones tell of loss. */
			c->hs_d1 = o->syn ? ns_min(p->at - o->syn_at, RTT_MAX) : -1;
		}
		h->syn_ack_at = p->at;
		return;
	}
	if (!h->syn) {
		h->syn = (uint32_t)p->frame;
		h->syn_first_at = p->at;
	}
	h->syn_data = d->seg.len;
	h->syn_at = p->at;
}

/* Whether both ends have acknowledged the other's SYN. */
bool flow_opened(const struct conn *c)
{
	const struct half *a = &c->half[0], *b = &c->half[1];

	return c->hs_ack || (a->syn && b->syn && a->syn_ack && b->syn_ack);
}

void flow_handshake(struct conn *c, int side, const struct dissected *d, const struct reader_pkt *p)
{
	const struct seg *g = &d->seg;
	struct half *h = &c->half[side], *o = &c->half[!side];

	if (g->flags & TH_ACK && !h->first_ack)
		h->first_ack = (uint32_t)p->frame;
	if (g->flags & TH_RST) {
		if (!h->syn && !h->syn_ack && o->syn && !o->syn_ack && !h->packets && !c->refused)
			c->refused = (uint32_t)p->frame;
		return;
	}
	if (g->flags & TH_SYN) {
		if (!flow_opened(c))
			note_syn(c, side, d, p);
		return;
	}
	if (flow_opened(c) || !(g->flags & TH_ACK) || !o->isn_known || g->ack.v - o->isn - 1 > 0x7fffffff)
		return;
	if (!h->syn || !(o->syn_ack || (o->syn && !h->syn_ack)))
		return;
	/* The ACK of a SYN-ACK, or (split handshake) of the second bare SYN. */
	c->hs_ack = (uint32_t)p->frame;
	c->hs_at = p->at;
	c->hs_wnd = g->wnd;
	c->hs_seq = g->seq.v;
	c->hs_ackno = g->ack.v;
	c->hs_side = (uint8_t)side;
	if (o->syn_ack) {
		c->hs_d2 = ns_min(p->at - o->syn_ack_at, RTT_MAX);
		if (!(h->syn_ack || o->syn))
			place_tap(c);
	}
}

bool flow_at(const struct conn *c, int side)
{
	return c->tap == (side == c->client ? TAP_CLIENT : TAP_SERVER);
}

/* ---- the teardown ---- */

/* RFC 9293 3.10.7.4, RFC 5961 3.2: a reset outside of the window is dropped. What was acknowledged when
 * it passed here is below the window; above, the last announced width is allowed. */
static bool is_reset_in_window(const struct half *h, const struct half *o, uint64_t lo)
{
	const bool scaled = h->syn_opt.has_wscale && o->syn_opt.has_wscale && !o->syn_opt_cut;
	const uint8_t shift = !scaled ? 0 : o->syn_opt.wscale > 14 ? 14 : o->syn_opt.wscale;
	const uint64_t window = (uint64_t)o->wnd << shift;

	if (!h->started)
		return true;
	return lo >= h->una && lo <= h->max + (window > 65535 ? window : 65535);
}

static void note_reset(struct conn *c, int side, const struct reader_pkt *p, uint64_t lo)
{
	struct half *h = &c->half[side];

	if (!is_reset_in_window(h, &c->half[!side], lo)) {
		if (!h->rst_odd)
			h->rst_odd = (uint32_t)p->frame;
	} else if (!h->rst) {
		h->rst = (uint32_t)p->frame;
		h->rst_pos = h->started ? lo : UINT64_MAX;
	}
}

static void note_tear(struct conn *c, int side, const struct seg *g, const struct reader_pkt *p, uint64_t lo,
		      bool acks_fin)
{
	const struct half *o = &c->half[!side];

	if (c->tears == TEAR_MAX)
		return;
	c->tear[c->tears++] = (struct tear){
		.at = p->at,
		.lo = lo,
		.rel_ack = o->started ? half_pos(o, g->ack.v) : 0,
		.rel_ack_known = o->started && g->flags & TH_ACK,
		.frame = (uint32_t)p->frame,
		.seq = g->seq.v,
		.ack = g->ack.v,
		.flags = g->flags,
		.side = (uint8_t)side,
		.acks_fin = acks_fin,
		.state = {flow_state(c, 0), flow_state(c, 1)},
	};
}

void flow_teardown(struct conn *c, int side, const struct dissected *d, const struct reader_pkt *p,
		   uint64_t lo)
{
	struct half *h = &c->half[side], *o = &c->half[!side];
	const struct seg *g = &d->seg;
	const uint32_t fin = h->fin, fin_acked = o->fin_acked, rst = h->rst;

	if (g->flags & TH_ACK && o->fin && !o->fin_acked && o->una >= o->fin_pos + 1)
		o->fin_acked = (uint32_t)p->frame;
	if (g->flags & TH_FIN && !(g->flags & (TH_SYN | TH_RST)) && !h->fin) {
		h->fin = (uint32_t)p->frame;
		h->fin_pos = lo + g->len;
		h->fin_knew = o->fin && o->una >= o->fin_pos + 1;
	}
	if (g->flags & TH_RST)
		note_reset(c, side, p, lo);
	else if (g->flags & TH_SYN && !(g->flags & TH_ACK) && !flow_opened(c))
		h->rst = o->rst = 0; /* it tries once more */
	if (!(g->flags & TH_RST) && (h->rst || o->rst) && seg_len(g)) {
		c->after_rst++;
		h->went_on |= h->rst && lo + seg_len(g) > h->rst_pos;
	}
	if (h->fin != fin || o->fin_acked != fin_acked || (h->rst && h->rst != rst))
		note_tear(c, side, g, p, lo, o->fin_acked != fin_acked);
}

bool flow_reset_by(const struct conn *c, int side)
{
	return c->half[side].rst && !c->half[side].went_on;
}

int flow_first_fin(const struct conn *c)
{
	const struct half *a = &c->half[0], *b = &c->half[1];

	if (!a->fin && !b->fin)
		return -1;
	if (!a->fin || !b->fin)
		return a->fin ? 0 : 1;
	return a->fin < b->fin ? 0 : 1;
}

/* The state that the captured segments leave this end in (RFC 9293 figure 5). */
const char *flow_state(const struct conn *c, int side)
{
	const struct half *h = &c->half[side], *o = &c->half[!side];

	if (flow_reset_by(c, side) || flow_reset_by(c, !side))
		return "CLOSED";
	if (!h->packets && !h->started)
		return NULL;
	if (h->fin && o->fin) {
		bool together = !h->fin_knew && !o->fin_knew;

		if (together || flow_first_fin(c) == side) {
			if (!o->fin_acked)
				return h->fin_acked ? "FIN-WAIT-2" : "FIN-WAIT-1";
			return h->fin_acked ? "TIME-WAIT" : "CLOSING";
		}
		return h->fin_acked ? "CLOSED" : "LAST-ACK";
	}
	if (h->fin)
		return h->fin_acked ? "FIN-WAIT-2" : "FIN-WAIT-1";
	if (o->fin)
		return o->fin_acked ? "CLOSE-WAIT" : "ESTABLISHED";
	if (flow_opened(c) || (!h->syn && !h->syn_ack && !o->syn && !o->syn_ack))
		return "ESTABLISHED";
	if (h->syn_ack)
		return "SYN-RECEIVED";
	if (h->syn)
		return o->syn_ack || h->first_ack ? "ESTABLISHED" : "SYN-SENT";
	return h->started ? "ESTABLISHED" : NULL;
}
