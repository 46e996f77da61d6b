/* Why a sender sent something again. */
#ifndef TRACES_CAUSE_H
#define TRACES_CAUSE_H

#include "half.h"

/* Of the retransmission g of [lo, hi), before it is recorded; `last` sent any of it last, or is NULL.
 * Remembers in h what later causes depend on. */
enum cause cause_of(const struct conn *, struct half *, const struct seg *g, uint64_t lo, uint64_t hi,
		    const struct rec *last, ns_t at);

#endif
