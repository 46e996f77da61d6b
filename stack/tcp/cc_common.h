/* What the algorithms share: bounds that no window may leave, and slow start. */
#ifndef TCP_CC_COMMON_H
#define TCP_CC_COMMON_H

#include "../base/check.h"
#include "cc.h"

/* The largest window that RFC 7323 can advertise: more can never be in flight. */
#define CC_CWND_MAX (1u << 30)

uint32_t cc_bound_cwnd(const struct cc *, uint64_t cwnd);         /* within [MSS, CC_CWND_MAX] */
uint32_t cc_bound_ssthresh(const struct cc *, uint64_t ssthresh); /* whole MSS, at least two (RFC 5681 eq. 4) */

/* Slow start (RFC 5681 3.1, RFC 3465, HyStart++ if h is given and the switch is on). Returns the
 * acknowledged bytes left over once ssthresh is reached, for congestion avoidance. */
uint32_t cc_slow_start(struct cc *, struct hystart *h, const struct cc_ack *);

/* Congestion avoidance by counting bytes (RFC 5681 3.1, RFC 3465 2.1): one MSS for each window
 * acknowledged. *counted is the algorithm's memory between calls. */
void cc_reno_avoid(struct cc *, uint32_t *counted, uint32_t acked);

/* a, b modulo 2^32: relative sequence numbers wrap after 4 GB. */
static inline bool cc_reached(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) >= 0;
}

#endif
