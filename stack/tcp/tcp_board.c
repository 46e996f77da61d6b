/* The scoreboard (see tcp_board.h).
 *
 * Invariants: records are contiguous in sequence space and cover [una, nxt); the time list holds
 * exactly the records that are neither SACKed nor waiting for retransmission, in order of `sent`; a
 * bit in `lost` is set exactly for records that wait. */
#include "tcp_board.h"

#include <stdlib.h>
#include <string.h>

#include "tcp_param.h"

#define BOARD_MIN 64u

void board_init(struct board *b)
{
	memset(b, 0, sizeof(*b));
	b->time_first = b->time_last = REC_NONE;
	seqset_init(&b->sacked, SACKED_RANGES);
}

void board_free(struct board *b)
{
	free(b->ring);
	free(b->lost);
	seqset_free(&b->sacked);
	board_init(b);
}

struct rec *board_rec(const struct board *b, uint32_t id)
{
	return &b->ring[id & (b->cap - 1)];
}

static bool waits(const struct rec *r)
{
	return (r->flags & (REC_LOST | REC_FLYING | REC_SACKED)) == REC_LOST;
}

static uint32_t rec_len(const struct rec *r)
{
	return r->hi.v - r->lo.v;
}

/* ---- the bitmap of waiting records ---- */

static void wait_set(struct board *b, uint32_t id)
{
	uint32_t at = id & (b->cap - 1);

	b->lost[at / 64] |= 1ull << (at % 64);
	if (b->nwaiting++ == 0 || (int32_t)(id - b->lost_hint) < 0)
		b->lost_hint = id;
}

static void wait_clear(struct board *b, uint32_t id)
{
	uint32_t at = id & (b->cap - 1);

	b->lost[at / 64] &= ~(1ull << (at % 64));
	b->nwaiting--;
}

uint32_t board_next_lost(struct board *b)
{
	if (!b->nwaiting)
		return REC_NONE;
	if ((int32_t)(b->lost_hint - b->first) < 0)
		b->lost_hint = b->first;
	for (uint32_t id = b->lost_hint; id != b->end;) {
		uint32_t at = id & (b->cap - 1);
		uint64_t word = b->lost[at / 64] >> (at % 64);

		if (word) {
			id += (uint32_t)__builtin_ctzll(word);
			b->lost_hint = id;
			return id;
		}
		uint32_t skip = 64 - at % 64, left = b->end - id;

		id += skip < left ? skip : left;
	}
	return REC_NONE;
}

/* ---- the list in order of transmission ---- */

static void time_remove(struct board *b, uint32_t id)
{
	struct rec *r = board_rec(b, id);

	if (r->prev == REC_NONE)
		b->time_first = r->next;
	else
		board_rec(b, r->prev)->next = r->next;
	if (r->next == REC_NONE)
		b->time_last = r->prev;
	else
		board_rec(b, r->next)->prev = r->prev;
	r->prev = r->next = REC_NONE;
}

static void time_append(struct board *b, uint32_t id)
{
	struct rec *r = board_rec(b, id);

	r->prev = b->time_last;
	r->next = REC_NONE;
	if (b->time_last == REC_NONE)
		b->time_first = id;
	else
		board_rec(b, b->time_last)->next = id;
	b->time_last = id;
}

/* Puts it where its `sent` belongs: used when marks are taken back, which is rare. */
static void time_insert(struct board *b, uint32_t id)
{
	struct rec *r = board_rec(b, id);
	uint32_t after = b->time_last;

	while (after != REC_NONE) {
		const struct rec *a = board_rec(b, after);

		if (a->sent < r->sent || (a->sent == r->sent && seq_lt(a->lo, r->lo)))
			break;
		after = a->prev;
	}
	r->prev = after;
	r->next = after == REC_NONE ? b->time_first : board_rec(b, after)->next;
	if (after == REC_NONE)
		b->time_first = id;
	else
		board_rec(b, after)->next = id;
	if (r->next == REC_NONE)
		b->time_last = id;
	else
		board_rec(b, r->next)->prev = id;
}

/* ---- records come and go ---- */

static bool board_grow(struct board *b)
{
	uint32_t cap = b->cap ? b->cap * 2 : BOARD_MIN;
	struct rec *ring = malloc(cap * sizeof(*ring));
	uint64_t *lost = calloc(cap / 64, sizeof(*lost));

	if (!ring || !lost) {
		free(ring);
		free(lost);
		return false;
	}
	for (uint32_t id = b->first; id != b->end; id++) {
		ring[id & (cap - 1)] = *board_rec(b, id);
		if (waits(board_rec(b, id)))
			lost[(id & (cap - 1)) / 64] |= 1ull << (id % 64);
	}
	free(b->ring);
	free(b->lost);
	b->ring = ring;
	b->lost = lost;
	b->cap = cap;
	return true;
}

bool board_reserve(struct board *b, uint32_t n)
{
	while (b->end - b->first + n > b->cap)
		if (!board_grow(b))
			return false;
	return true;
}

bool board_add(struct board *b, seq_t lo, seq_t hi, uint8_t flags, const struct rate_snap *snap, ns_t now)
{
	if (b->end - b->first == b->cap && !board_grow(b))
		return false;
	uint32_t id = b->end++;
	struct rec *r = board_rec(b, id);

	*r = (struct rec){.lo = lo,
			  .hi = hi,
			  .sent = now,
			  .first_sent = now,
			  .snap = *snap,
			  .flags = flags,
			  .xmits = 1};
	time_append(b, id);
	b->sent_bytes += rec_len(r);
	return true;
}

uint32_t board_find(const struct board *b, seq_t s)
{
	uint32_t lo = b->first, n = b->end - b->first;

	while (n) {
		uint32_t half = n / 2;

		if (seq_le(board_rec(b, lo + half)->hi, s)) {
			lo += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return lo;
}

/* Takes a record out of every count but sent_bytes and sacked_bytes. */
static void settle(struct board *b, uint32_t id)
{
	struct rec *r = board_rec(b, id);

	if (waits(r))
		wait_clear(b, id);
	else if (!(r->flags & REC_SACKED))
		time_remove(b, id);
	if (r->flags & REC_LOST) {
		b->lost_bytes -= rec_len(r);
		b->nlost--;
	}
	if (r->flags & REC_FLYING) {
		b->flying_bytes -= rec_len(r);
		b->nflying--;
	}
	r->flags &= (uint8_t) ~(REC_LOST | REC_FLYING);
}

void board_ack(struct board *b, seq_t una, struct ack_news *news, board_fn *fn, void *arg)
{
	while (b->first != b->end) {
		struct rec *r = board_rec(b, b->first);

		if (seq_le(una, r->lo))
			break;
		bool whole = seq_le(r->hi, una);

		if (!whole) { /* part of a record: what is acknowledged of it is gone */
			uint32_t part = una.v - r->lo.v;

			b->sent_bytes -= part;
			if (r->flags & REC_SACKED)
				b->sacked_bytes -= part;
			if (r->flags & REC_LOST)
				b->lost_bytes -= part;
			if (r->flags & REC_FLYING)
				b->flying_bytes -= part;
			r->lo = una;
			news->acked += part;
			news->delivered += r->flags & REC_SACKED ? 0 : part;
			break;
		}
		news->acked += rec_len(r);
		news->nacked++;
		if (r->flags & REC_FIN)
			news->fin_acked = true;
		if (r->flags & REC_SACKED) {
			b->sacked_bytes -= rec_len(r);
			b->nsacked--;
		} else {
			news->delivered += rec_len(r);
			fn(arg, r, news);
			settle(b, b->first);
		}
		b->sent_bytes -= rec_len(r);
		b->first++;
	}
	if (news->acked)
		news->una_moved = true;
	seqset_drop_below(&b->sacked, una);
}

/* Marks every record that touches [lo, hi) and is now SACKed from its first to its last number. */
static void sack_piece(struct board *b, seq_t lo, seq_t hi, struct ack_news *news, board_fn *fn, void *arg)
{
	for (uint32_t id = board_find(b, lo); id != b->end; id++) {
		struct rec *r = board_rec(b, id);

		if (seq_ge(r->lo, hi))
			break;
		/* A piece may complete a record of which another part was SACKed earlier. */
		if (r->flags & REC_SACKED || !seqset_has(&b->sacked, r->lo, r->hi))
			continue;
		news->delivered += rec_len(r);
		fn(arg, r, news);
		settle(b, id);
		r->flags |= REC_SACKED;
		b->sacked_bytes += rec_len(r);
		b->nsacked++;
		news->sacked += rec_len(r);
		news->nsacked++;
	}
}

void board_sack(struct board *b, seq_t lo, seq_t hi, struct ack_news *news, board_fn *fn, void *arg)
{
	struct seq_range gap[8];
	size_t n;

	if (board_empty(b))
		return;
	do { /* only what is new is looked up; adding first makes `has` true for finished records */
		n = seqset_gaps(&b->sacked, lo, hi, gap, ARRAY_LEN(gap));
		size_t take = n < ARRAY_LEN(gap) ? n : ARRAY_LEN(gap);

		if (!take || !seqset_add(&b->sacked, lo, gap[take - 1].hi))
			return;
		for (size_t i = 0; i < take; i++)
			sack_piece(b, gap[i].lo, gap[i].hi, news, fn, arg);
		lo = gap[take - 1].hi;
		n -= take;
	} while (n);
}

void board_forget_sacks(struct board *b)
{
	seqset_clear(&b->sacked);
	for (uint32_t id = b->first; id != b->end; id++) {
		struct rec *r = board_rec(b, id);

		if (!(r->flags & REC_SACKED))
			continue;
		r->flags &= (uint8_t)~REC_SACKED;
		time_insert(b, id);
	}
	b->sacked_bytes = b->nsacked = 0;
}

void board_mark_lost(struct board *b, uint32_t id)
{
	struct rec *r = board_rec(b, id);

	if (r->flags & REC_SACKED || waits(r))
		return;
	time_remove(b, id);
	if (r->flags & REC_FLYING) { /* the retransmission was lost, too */
		b->flying_bytes -= rec_len(r);
		b->nflying--;
		r->flags &= (uint8_t)~REC_FLYING;
	}
	if (!(r->flags & REC_LOST)) {
		r->flags |= REC_LOST;
		b->lost_bytes += rec_len(r);
		b->nlost++;
	}
	wait_set(b, id);
}

void board_resent(struct board *b, uint32_t id, ns_t now)
{
	struct rec *r = board_rec(b, id);

	if (waits(r))
		wait_clear(b, id);
	else
		time_remove(b, id);
	if (r->flags & REC_LOST && !(r->flags & REC_FLYING)) {
		r->flags |= REC_FLYING;
		b->flying_bytes += rec_len(r);
		b->nflying++;
	}
	r->flags |= REC_EVER;
	r->sent = now;
	if (r->xmits < UINT8_MAX)
		r->xmits++;
	time_append(b, id);
}

void board_doubled(struct board *b, uint32_t id)
{
	struct rec *r = board_rec(b, id);

	if (r->flags & (REC_SACKED | REC_LOST | REC_FLYING))
		return;
	r->flags |= REC_FLYING;
	b->flying_bytes += rec_len(r);
	b->nflying++;
}

void board_original_lost(struct board *b, uint32_t id)
{
	struct rec *r = board_rec(b, id);

	if ((r->flags & (REC_SACKED | REC_LOST | REC_FLYING)) != REC_FLYING)
		return;
	r->flags |= REC_LOST;
	b->lost_bytes += rec_len(r);
	b->nlost++;
}

void board_unmark_all(struct board *b)
{
	for (uint32_t id = b->first; id != b->end; id++) {
		struct rec *r = board_rec(b, id);

		if (waits(r)) {
			wait_clear(b, id);
			r->flags &= (uint8_t)~REC_LOST;
			time_insert(b, id);
		}
		r->flags &= (uint8_t) ~(REC_LOST | REC_FLYING);
	}
	b->lost_bytes = b->flying_bytes = b->nlost = b->nflying = 0;
}

bool board_resegment(struct board *b, uint32_t mss)
{
	bool needed = false;

	for (uint32_t id = b->first; id != b->end && !needed; id++) {
		const struct rec *r = board_rec(b, id);

		needed = rec_len(r) - !!(r->flags & REC_FIN) > mss;
	}
	if (!needed)
		return true;

	/* Rebuild: pieces inherit everything, so that counts stay right; then the time list anew. */
	struct board n;

	board_init(&n);
	n.first = n.end = b->first;
	for (uint32_t id = b->first; id != b->end; id++) {
		const struct rec *r = board_rec(b, id);

		for (seq_t lo = r->lo; seq_lt(lo, r->hi);) {
			uint32_t len = r->hi.v - lo.v, most = mss + !!(r->flags & REC_FIN);
			seq_t hi = seq_add(lo, len <= most ? len : mss);

			if (n.end - n.first == n.cap && !board_grow(&n)) {
				board_free(&n);
				return false;
			}
			struct rec *p = board_rec(&n, n.end);

			*p = *r;
			p->lo = lo;
			p->hi = hi;
			if (!seq_eq(hi, r->hi))
				p->flags &= (uint8_t)~REC_FIN;
			p->prev = p->next = REC_NONE;
			n.sent_bytes += rec_len(p);
			n.nsacked += !!(p->flags & REC_SACKED);
			n.nlost += !!(p->flags & REC_LOST);
			n.nflying += !!(p->flags & REC_FLYING);
			n.end++;
			if (waits(p))
				wait_set(&n, n.end - 1);
			else if (!(p->flags & REC_SACKED))
				time_insert(&n, n.end - 1);
			lo = hi;
		}
	}
	n.sacked = b->sacked;
	n.sacked_bytes = b->sacked_bytes;
	n.lost_bytes = b->lost_bytes;
	n.flying_bytes = b->flying_bytes;
	free(b->ring);
	free(b->lost);
	*b = n;
	return true;
}

uint32_t board_pipe(const struct board *b)
{
	return b->sent_bytes - b->sacked_bytes - b->lost_bytes + b->flying_bytes;
}

seq_t board_lost_below(const struct board *b, seq_t una, uint32_t dupthresh, uint32_t mss)
{
	const struct seqset *s = &b->sacked;
	uint32_t bytes = 0, ranges = 0;

	/* RFC 6675 4 IsLost: DupThresh discontiguous ranges above, or more than (DupThresh - 1) * SMSS
	 * bytes. From the top down: the first range that reaches either is the border. */
	for (uint32_t i = s->n; i-- > 0;) {
		bytes += s->r[i].hi.v - s->r[i].lo.v;
		if (++ranges >= dupthresh || bytes > (dupthresh - 1) * mss)
			return s->r[i].lo;
	}
	return una;
}

bool board_check(const struct board *b, seq_t una, seq_t nxt)
{
	uint32_t sent = 0, sacked = 0, lost = 0, flying = 0, waiting = 0, timed = 0, n = 0;
	seq_t at = una;

	if (b->sacked.n && seq_lt(b->sacked.r[0].lo, una))
		return false;
	for (uint32_t id = b->first; id != b->end; id++) {
		const struct rec *r = board_rec(b, id);
		uint32_t len = rec_len(r), pos = id & (b->cap - 1);

		if (!seq_eq(r->lo, at) || len == 0)
			return false;
		at = r->hi;
		sent += len;
		sacked += r->flags & REC_SACKED ? len : 0;
		lost += r->flags & REC_LOST ? len : 0;
		flying += r->flags & REC_FLYING ? len : 0;
		waiting += waits(r);
		timed += !waits(r) && !(r->flags & REC_SACKED);
		if ((b->lost[pos / 64] >> (pos % 64) & 1) != waits(r))
			return false;
	}
	if (b->first != b->end && !seq_eq(at, nxt))
		return false;
	ns_t last = INT64_MIN;

	for (uint32_t id = b->time_first; id != REC_NONE; id = board_rec(b, id)->next, n++) {
		if (n > timed || board_rec(b, id)->sent < last)
			return false;
		last = board_rec(b, id)->sent;
	}
	return n == timed && waiting == b->nwaiting && sent == b->sent_bytes && sacked == b->sacked_bytes &&
	       lost == b->lost_bytes && flying == b->flying_bytes;
}
