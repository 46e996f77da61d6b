/* A congestion control on the bench: one flow whose window is always full, one ACK for each call. */
#ifndef CC_RIG_H
#define CC_RIG_H

#include <stdint.h>

#include "tcp/cc.h"

struct cc_rig {
	struct cc cc;
	uint64_t own[CC_STATE_BYTES / 8];
	struct rng rng;
	struct cc_ack a; /* what the next ACK says beside the bytes; changed by the test at will */
	uint32_t una;
};

void cc_rig_init(struct cc_rig *, enum tcp_cc_kind, uint32_t mss, uint32_t cwnd);
void cc_rig_ack(struct cc_rig *, uint32_t bytes);   /* a full window is in flight before it */
void cc_rig_round(struct cc_rig *, ns_t rtt);       /* acknowledges one window, segment by segment, over rtt */
void cc_rig_loss(struct cc_rig *);                  /* an episode from beginning to end: cwnd is then ssthresh */

#endif
