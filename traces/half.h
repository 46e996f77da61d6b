/* One direction of a connection as a stream of positions: what of it was seen, and by which
 * segments. For verdict.c and its helpers. */
#ifndef TRACES_HALF_H
#define TRACES_HALF_H

#include "flow.h"

/* Positions in the sets are modulo 2^32; half_widen finds the one nearest to `near`. */
static inline seq_t half_low(uint64_t pos)
{
	return seq_of((uint32_t)pos);
}

static inline uint64_t half_widen(uint64_t near, seq_t s)
{
	return near + (uint64_t)(int64_t)(int32_t)(s.v - (uint32_t)near);
}

/* The i-th record, 0 the oldest. */
static inline struct rec *half_rec(const struct half *h, uint32_t i)
{
	return &h->rec[(h->rec_head + i) & (h->rec_cap - 1)];
}

/* The end of the highest SACKed range; 0: none. */
static inline uint64_t half_sack_top(const struct half *h)
{
	return h->sacked.n ? half_widen(h->una, h->sacked.r[h->sacked.n - 1].hi) : 0;
}

/* Of two timestamps (RFC 7323). */
static inline bool stamp_older(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

void half_start(struct half *, const struct seg *, bool opened); /* opened: a SYN says nothing any more */
bool half_seen_all(const struct half *, uint64_t lo, uint64_t hi);
bool half_seen_any(const struct half *, uint64_t lo, uint64_t hi);
void half_see(struct half *, uint64_t lo, uint64_t hi);
struct rec *half_push(struct half *); /* a new record to fill; NULL: no memory */
const struct rec *half_original(struct half *, uint64_t lo, uint64_t hi, const struct rec **last);
void half_add_again(struct half *, uint32_t event); /* a retransmission, for later proofs */

#endif
