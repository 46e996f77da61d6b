/* Delivery rate samples (draft-ietf-ccwg-bbr, section 4.1 and appendix; Cheng, Cardwell 2016): how fast bytes
 * were delivered between a packet's sending and its acknowledgement. */
#ifndef TCP_RATE_H
#define TCP_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/time.h"

struct rate {
	uint64_t delivered;        /* bytes in all */
	ns_t delivered_time;       /* when `delivered` last moved */
	ns_t first_sent;           /* of the flight now sampled */
	uint64_t latest;           /* the latest sample that tells of the path */
	uint64_t app_limited;      /* delivered + inflight when the application ran dry; 0: not limited */
	uint64_t duplicated;       /* of `delivered`: what arrived twice */
	uint32_t lost;             /* bytes marked lost in all, modulo 2^32 */
};

/* What each sent record remembers. */
struct rate_snap {
	uint64_t delivered;
	ns_t delivered_time, first_sent;
	uint32_t lost;
	uint32_t tx_in_flight : 31, app_limited : 1; /* this record included */
};

/* A record newly delivered. */
struct rate_arrival {
	const struct rate_snap *snap;
	ns_t sent;
	uint32_t end, bytes;       /* end: of its sequence numbers */
};

struct rate_sample {
	uint64_t rate;             /* bytes per second; 0: no sample */
	uint64_t prior_delivered;
	ns_t prior_time, interval, send_elapsed, ack_elapsed;
	uint32_t tx_in_flight, prior_lost, end;
	uint32_t bytes;            /* of the records delivered */
	bool app_limited;
	bool any;                  /* a record was delivered */
};

void rate_on_send(struct rate *, struct rate_snap *, uint32_t inflight_before, uint32_t bytes, ns_t now);
/* The sample is of the one sent last. */
void rate_on_delivered(struct rate *, struct rate_sample *, const struct rate_arrival *, ns_t now);
void rate_on_part(struct rate *, uint32_t bytes, ns_t now); /* of a record whose rest is still out */
/* Arrived twice; counts up to what was resent in all. */
void rate_on_duplicate(struct rate *, uint32_t bytes, uint64_t resent, ns_t now);
void rate_on_lost(struct rate *, uint32_t bytes);
void rate_finish(struct rate *, struct rate_sample *, ns_t min_rtt); /* fills rate */
void rate_app_limited(struct rate *, uint32_t inflight);

#endif
