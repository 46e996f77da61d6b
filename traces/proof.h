/* What an acknowledgement tells of the segments it answers: progress, round trips, and which
 * retransmissions were needless. */
#ifndef TRACES_PROOF_H
#define TRACES_PROOF_H

#include "half.h"

void proof_needless(struct event *, enum needless_proof how, uint32_t frame);
/* o: the stream that the segment acknowledges; near: the tap stands where that is sent. */
void proof_ack(struct conn *, struct half *o, const struct dissected *, const struct reader_pkt *, bool near);

#endif
