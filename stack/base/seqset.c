/* Sets of sequence ranges: a sorted array, searched by bisection. Ranges never touch: what becomes
 * adjacent is merged. All numbers are less than 2^31 apart, which makes seq_lt an order. */
#include "seqset.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

#define FIRST_CAP 8

void seqset_init(struct seqset *s, uint32_t limit)
{
	*s = (struct seqset){.limit = limit};
}

void seqset_free(struct seqset *s)
{
	free(s->r);
	*s = (struct seqset){.limit = s->limit};
}

uint32_t seqset_find(const struct seqset *s, seq_t at)
{
	uint32_t lo = 0, hi = s->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (seq_gt(s->r[mid].hi, at))
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static bool have_room(struct seqset *s)
{
	uint32_t cap = s->cap ? s->cap * 2 : FIRST_CAP;
	struct seq_range *r;

	if (s->n < s->cap)
		return true;
	if (cap > s->limit)
		cap = s->limit;
	r = realloc(s->r, cap * sizeof(*r));
	if (!r)
		return false;
	s->r = r;
	s->cap = cap;
	return true;
}

static void remove_ranges(struct seqset *s, uint32_t from, uint32_t to)
{
	if (from == to)
		return;
	memmove(s->r + from, s->r + to, (s->n - to) * sizeof(*s->r));
	s->n -= to - from;
}

/*      lo............hi
 *  [i-1]  [i]  [i+1]  [j]     ranges i..j-1 touch [lo, hi) and become one with it */
bool seqset_add(struct seqset *s, seq_t lo, seq_t hi)
{
	uint32_t i, j;
	struct seq_range sum = {lo, hi};

	assert(seq_le(lo, hi));
	if (seq_eq(lo, hi))
		return true;
	i = seqset_find(s, lo);
	if (i > 0 && seq_eq(s->r[i - 1].hi, lo))
		i--;
	for (j = i; j < s->n && seq_le(s->r[j].lo, hi); j++)
		;
	if (i == j) {
		if (s->n >= s->limit || !have_room(s))
			return false;
		memmove(s->r + i + 1, s->r + i, (s->n - i) * sizeof(*s->r));
		s->r[i] = sum;
		s->n++;
		s->bytes += hi.v - lo.v;
		return true;
	}
	sum.lo = seq_min(lo, s->r[i].lo);
	sum.hi = seq_max(hi, s->r[j - 1].hi);
	for (uint32_t k = i; k < j; k++)
		s->bytes -= s->r[k].hi.v - s->r[k].lo.v;
	s->bytes += sum.hi.v - sum.lo.v;
	s->r[i] = sum;
	remove_ranges(s, i + 1, j);
	return true;
}

size_t seqset_gaps(const struct seqset *s, seq_t lo, seq_t hi, struct seq_range *out, size_t max)
{
	size_t n = 0;

	for (uint32_t i = seqset_find(s, lo); n < max && seq_lt(lo, hi); i++) {
		bool last = i == s->n || seq_ge(s->r[i].lo, hi);
		seq_t end = last ? hi : s->r[i].lo;

		if (seq_lt(lo, end))
			out[n++] = (struct seq_range){lo, end};
		if (last)
			break;
		lo = s->r[i].hi;
	}
	return n;
}

bool seqset_has(const struct seqset *s, seq_t lo, seq_t hi)
{
	uint32_t i = seqset_find(s, lo);

	if (seq_ge(lo, hi))
		return true;
	return i < s->n && seq_le(s->r[i].lo, lo) && seq_ge(s->r[i].hi, hi);
}

bool seqset_touches(const struct seqset *s, seq_t lo, seq_t hi)
{
	uint32_t i = seqset_find(s, lo);

	return seq_lt(lo, hi) && i < s->n && seq_lt(s->r[i].lo, hi);
}

void seqset_drop_below(struct seqset *s, seq_t una)
{
	uint32_t keep = seqset_find(s, una);

	for (uint32_t i = 0; i < keep; i++)
		s->bytes -= s->r[i].hi.v - s->r[i].lo.v;
	remove_ranges(s, 0, keep);
	if (s->n && seq_lt(s->r[0].lo, una)) {
		s->bytes -= una.v - s->r[0].lo.v;
		s->r[0].lo = una;
	}
}

void seqset_clear(struct seqset *s)
{
	s->n = s->bytes = 0;
}
