/* Putting IP packets together again from the fragments in a capture (RFC 791, 815, 8200 4.5). Only the
 * front of a packet is kept, since headers are all that is judged. */
#ifndef TRACES_FRAG_H
#define TRACES_FRAG_H

#include "dissect.h"

#define FRAGS_MAX 64     /* packets under way; the oldest gives way */
#define FRAG_FRONT 256   /* bytes of each that are kept */
#define FRAG_PIECES 256  /* disjoint pieces of one */

struct frags;

struct frags *frags_new(void);
void frags_free(struct frags *);
/* Takes a fragment. True: its packet is whole, and *d is what it holds, with *result as of dissect(). What
 * *d points to is lent until the next call. `lost`, if not 0, is the frame of a TCP packet's first piece
 * that had to be given up. */
bool frags_add(struct frags *, struct dissected *d, const struct reader_pkt *, enum dissect_result *result,
	       uint64_t *lost);
/* The first piece's frame of each packet that never became whole, in order; 0: no more. */
uint64_t frags_left(struct frags *);

#endif
