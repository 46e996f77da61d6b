/* Round-trip time and retransmission timeout (RFC 6298), and the windowed minimum that RACK and
 * rate control use. A sample never comes from a retransmitted segment unless a timestamp tells which
 * transmission was answered (Karn); the caller sees to that. */
#ifndef TCP_RTT_H
#define TCP_RTT_H

#include <stdbool.h>

#include "../base/time.h"

struct rtt {
	ns_t srtt, rttvar;      /* srtt 0: no sample yet */
	ns_t rto;               /* without backoff, within [min_rto, max_rto] */
	ns_t min_rto, max_rto;
	ns_t last;              /* the newest sample */
	ns_t min, min_stamp;    /* lowest of the last five minutes, at least (RFC 8985 6.1); NS_NEVER: none */
	ns_t min2, min2_stamp;  /* lowest of the running five minutes, and when they began */
	uint8_t backoff;        /* doublings in force */
};

void rtt_init(struct rtt *, ns_t initial, ns_t min_rto, ns_t max_rto);
void rtt_limit(struct rtt *, ns_t min_rto, ns_t max_rto); /* other bounds, from now on */
/* `flight_samples`: how many samples one flight gives (RFC 7323 appendix G); 1 if unknown. */
void rtt_sample(struct rtt *, ns_t sample, uint32_t flight_samples, ns_t now);
void rtt_backoff(struct rtt *);            /* RFC 6298 5.5 */
void rtt_clear_backoff(struct rtt *);      /* the round trip was measured, or nothing had been lost */
ns_t rtt_rto(const struct rtt *);          /* with backoff, never above max_rto */

#endif
