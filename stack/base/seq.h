/* Sequence numbers live modulo 2^32 (RFC 9293 3.4), so they are a struct: `<` does not compile.
 * Each comparison is right while the two numbers are less than 2^31 apart. */
#ifndef BASE_SEQ_H
#define BASE_SEQ_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
	uint32_t v;
} seq_t;

static inline seq_t seq_of(uint32_t v)
{
	return (seq_t){v};
}

static inline seq_t seq_add(seq_t a, uint32_t n)
{
	return (seq_t){a.v + n};
}

/* a - b as a signed distance. */
static inline int32_t seq_diff(seq_t a, seq_t b)
{
	return (int32_t)(a.v - b.v);
}

static inline bool seq_eq(seq_t a, seq_t b)
{
	return a.v == b.v;
}

static inline bool seq_lt(seq_t a, seq_t b)
{
	return seq_diff(a, b) < 0;
}

static inline bool seq_le(seq_t a, seq_t b)
{
	return seq_diff(a, b) <= 0;
}

static inline bool seq_gt(seq_t a, seq_t b)
{
	return seq_diff(a, b) > 0;
}

static inline bool seq_ge(seq_t a, seq_t b)
{
	return seq_diff(a, b) >= 0;
}

/* lo <= s < hi. */
static inline bool seq_in(seq_t s, seq_t lo, seq_t hi)
{
	return s.v - lo.v < hi.v - lo.v;
}

static inline seq_t seq_min(seq_t a, seq_t b)
{
	return seq_lt(a, b) ? a : b;
}

static inline seq_t seq_max(seq_t a, seq_t b)
{
	return seq_gt(a, b) ? a : b;
}

#endif
