/* A sorted set of disjoint, non-adjacent ranges of sequence numbers, all within one window of less
 * than 2^31: the scoreboard of SACK and the map of what lies out of order. Searching is binary; an
 * insertion moves at most `limit` ranges. */
#ifndef BASE_SEQSET_H
#define BASE_SEQSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "seq.h"

struct seq_range {
	seq_t lo, hi; /* [lo, hi) */
};

struct seqset {
	struct seq_range *r; /* sorted; NULL while empty and never used */
	uint32_t n, cap, limit;
	uint32_t bytes; /* sum over the ranges */
};

void seqset_init(struct seqset *, uint32_t limit);
void seqset_free(struct seqset *);

/* Adds [lo, hi), merging. Returns false and changes nothing when that would need more than `limit`
 * ranges or memory fails. */
bool seqset_add(struct seqset *, seq_t lo, seq_t hi);

/* The pieces of [lo, hi) that are not yet in the set, lowest first: writes up to max of them and
 * returns how many there are to see before hi (call again from the last end if it equals max). */
size_t seqset_gaps(const struct seqset *, seq_t lo, seq_t hi, struct seq_range *out, size_t max);

bool seqset_has(const struct seqset *, seq_t lo, seq_t hi); /* wholly covered */
bool seqset_touches(const struct seqset *, seq_t lo, seq_t hi); /* any byte covered */
void seqset_drop_below(struct seqset *, seq_t una);         /* forget what lies below una */
void seqset_clear(struct seqset *);

/* Index of the range that holds `at`, or of the first above it (== n if none). */
uint32_t seqset_find(const struct seqset *, seq_t at);

#endif
