/* A path in miniature for a congestion control: one bottleneck with a queue, a fixed delay, random loss, and
 * a sender that does for the algorithm what the engine does. Every segment is acknowledged by itself, and one
 * is lost once three later ones have arrived. Lost bytes are not sent again: what counts is how much gets
 * through. */
#ifndef CC_PATH_H
#define CC_PATH_H

#include "base/rng.h"
#include "tcp/cc.h"
#include "tcp/tcp_rate.h"

#define CC_PATH_MSS 1448u
#define CC_PATH_RING 65536u /* packets under way at most */
#define MBIT 125000ull      /* bytes per second */

struct cc_packet {
	ns_t sent, ack_at;      /* NS_NEVER: delivered */
	struct rate_snap snap;
	bool dropped;
};

struct cc_path {
	/* The path; a test may change it at any time. */
	uint64_t rate;          /* of the link, bytes per second */
	ns_t delay;             /* round trip without a queue */
	uint32_t queue, loss_ppm;
	ns_t batch;             /* ACKs come at multiples of this time only; 0: each at once */
	uint32_t bucket;        /* a policer in place of the queue: so many bytes may come at once; 0: none */
	uint64_t app_rate;      /* bytes per second; 0: the application always has more */
	bool app_silent;
	uint32_t phantom;       /* the algorithm hears of so much more in flight than there is */

	struct cc cc;
	uint64_t own[CC_STATE_BYTES / 8];
	struct cc_packet ring[CC_PATH_RING];
	uint64_t sent, done, next; /* packets sent; oldest not acknowledged or lost; next to be acknowledged */
	ns_t now, pace_at, link_free, app_next, tokens_at;
	uint32_t inflight;
	uint64_t tokens;
	struct rate rs;
	ns_t srtt, min_rtt;
	struct rng rng;
	bool in_recovery;
	uint64_t recovery_point, repaired_by; /* packets: sent after its beginning; after its last loss was seen */

	/* What came of it. */
	uint64_t delivered, lost, queue_sum, queue_n;
	uint32_t min_cwnd, max_cwnd; /* of the present run */
};

void cc_path_init(struct cc_path *, enum tcp_cc_kind, uint64_t rate, ns_t delay, uint32_t queue);
void cc_path_step(struct cc_path *);             /* one packet sent or acknowledged, or a timeout */
uint32_t cc_path_run(struct cc_path *, ns_t d);  /* the goodput in per cent of the link's rate */
uint32_t cc_path_bdp(const struct cc_path *);
uint32_t cc_path_queue(const struct cc_path *);  /* on average in the present run */

#endif
