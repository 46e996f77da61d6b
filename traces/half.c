/* See half.h. Memory is bounded: at most GAPS_MAX holes and RECS_MAX records a direction; when there
 * are more, the oldest are given up, and what lies below them counts as seen. */
#include "half.h"

#include "../stack/base/check.h"

#include <stdlib.h>
#include <string.h>

#define FAR (1u << 30) /* half of the number space, halved again */

/* ---- positions and what was seen ---- */

uint64_t half_pos(const struct half *h, uint32_t seq)
{
	int64_t p = (int64_t)h->max + (int32_t)(seq - (h->isn + (uint32_t)h->max));

	return p < 0 ? 0 : (uint64_t)p;
}

void half_start(struct half *h, const struct seg *g, bool opened)
{
	if (g->flags & TH_SYN) {
		if (opened || g->flags & TH_RST)
			return;
		/* A SYN-ACK with another number before any data: the server did not keep state. */
		if (h->isn_known && (h->isn == g->seq.v || h->max > 1))
			return;
		/* The first number seen may have been of a bare ACK; of data it was not. */
		if (h->started && !h->isn_known && h->isn != g->seq.v && h->max > 1)
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

bool half_seen_all(const struct half *h, uint64_t lo, uint64_t hi)
{
	if (hi <= h->floor || (lo >= h->top_lo && hi <= h->max))
		return true;
	if (lo < h->floor)
		lo = h->floor;
	return hi <= h->max && h->seen.n && seqset_has(&h->seen, half_low(lo), half_low(hi));
}

bool half_seen_any(const struct half *h, uint64_t lo, uint64_t hi)
{
	if (lo < h->floor || (lo < h->max && hi > h->top_lo && h->top_lo < h->max))
		return true;
	if (!h->seen.n || lo >= h->max)
		return false;
	return seqset_touches(&h->seen, half_low(lo), half_low(hi < h->max ? hi : h->max));
}

/* Everything below pos counts as seen from now on. */
static void forget_below(struct half *h, uint64_t pos)
{
	if (pos <= h->floor)
		return;
	h->floor = pos;
	if (h->seen.n)
		seqset_drop_below(&h->seen, half_low(pos));
	if (h->top_lo < pos)
		h->top_lo = pos < h->max ? pos : h->max;
}

static void remember_range(struct half *h, uint64_t lo, uint64_t hi)
{
	while (!seqset_add(&h->seen, half_low(lo), half_low(hi))) {
		/* Too many holes: give up on the lower half of them. */
		uint32_t mid = h->seen.n / 2;

		if (h->seen.n == 0)
			return; /* no memory */
		forget_below(h, half_widen(h->max, h->seen.r[mid].hi));
		if (hi <= h->floor)
			return;
		if (lo < h->floor)
			lo = h->floor;
	}
}

/*   floor            top_lo        max
 *     |  [ ]   [  ]     [===========)      `seen` holds the ranges below top_lo */
void half_see(struct half *h, uint64_t lo, uint64_t hi)
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
			h->top_lo = half_widen(h->max, top->lo);
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

static bool rec_grow(struct half *h)
{
	uint32_t cap = h->rec_cap ? 2 * h->rec_cap : 2;
	struct rec *r = malloc(cap * sizeof(*r));

	if (!r)
		return false;
	for (uint32_t i = 0; i < h->rec_n; i++)
		r[i] = *half_rec(h, i);
	free(h->rec);
	h->rec = r;
	h->rec_cap = cap;
	h->rec_head = 0;
	return true;
}

struct rec *half_push(struct half *h)
{
	bool full = h->rec_n == h->rec_cap;

	if (full && (h->rec_cap < RECS_MIN || (h->rec_cap < RECS_MAX && half_rec(h, 0)->hi > h->una)))
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
	return half_rec(h, h->rec_n++);
}

/* The record that sent any of these bytes first; *last: the one that did last. All of them are
 * marked as sent again. */
const struct rec *half_original(struct half *h, uint64_t lo, uint64_t hi, const struct rec **last)
{
	const struct rec *first = NULL;

	for (uint32_t i = h->rec_n; i-- > 0;) {
		struct rec *r = half_rec(h, i);

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

void half_add_again(struct half *h, uint32_t event)
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
