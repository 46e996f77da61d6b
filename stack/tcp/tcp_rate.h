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
};

/* What each sent record remembers. */
struct rate_snap {
	uint64_t delivered;
	ns_t delivered_time, first_sent;
	bool app_limited;
};

struct rate_sample {
	uint64_t rate;             /* bytes per second; 0: no sample */
	uint64_t prior_delivered;
	ns_t prior_time, interval, send_elapsed, ack_elapsed;
	bool app_limited;
	bool any;                  /* a record was delivered */
};

void rate_on_send(struct rate *, struct rate_snap *, uint32_t inflight_before, ns_t now);
/* For each record newly delivered; keeps the one sent last. `sent`: when the record was sent. */
void rate_on_delivered(struct rate *, struct rate_sample *, const struct rate_snap *, uint32_t bytes,
		       ns_t sent, ns_t now);
void rate_finish(struct rate *, struct rate_sample *, ns_t min_rtt); /* fills rate */
void rate_app_limited(struct rate *, uint32_t inflight);

#endif
