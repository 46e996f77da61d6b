/* BBR's state, between cc_bbr.c (what to do) and cc_bbr_model.c (what the path is like). The names are
 * those of draft-ietf-ccwg-bbr-06. */
#ifndef TCP_CC_BBR_H
#define TCP_CC_BBR_H

#include "cc_common.h"

#define BBR_INFINITE UINT32_MAX      /* of volumes */
#define BBR_RATE_INFINITE UINT64_MAX
#define BBR_BETA_NUM 7               /* Beta: 0.7 */
#define BBR_BETA_DEN 10
#define BBR_EXTRA_ACKED_ROUNDS 10u   /* ExtraAckedFilterLen */

enum bbr_state {
	BBR_STARTUP,
	BBR_DRAIN,
	BBR_DOWN,   /* the four phases of ProbeBW */
	BBR_CRUISE,
	BBR_REFILL,
	BBR_UP,
	BBR_PROBE_RTT,
	BBR_NO_STATE,
};

enum bbr_acks { ACKS_INIT, ACKS_REFILLING, ACKS_PROBE_STARTING, ACKS_PROBE_FEEDBACK, ACKS_PROBE_STOPPING };

struct bbr {
	uint8_t state, undo_state; /* enum bbr_state */
	uint8_t acks;              /* enum bbr_acks: ack_phase */
	uint8_t full_bw_count, bw_probe_up_rounds;
	uint8_t lost_ranges;       /* separate ranges lost in this round of losses */
	bool round_start, loss_round_start, seen_rtt, idle_restart;
	bool in_recovery, in_fast_recovery, saved; /* saved: what undo needs, for the present losses */
	bool full_bw_reached, full_bw_now;
	bool is_bw_probe_sample, loss_in_round, prev_probe_too_high, prev_probe_precautionary;
	bool probe_rtt_expired, probe_rtt_round_done;

	uint32_t initial_cwnd, prior_cwnd;
	uint32_t round_count, drain_start_round, rounds_since_probe_up;
	uint64_t delivered;        /* C.delivered, as last heard */
	uint64_t next_round_delivered, loss_round_delivered;
	uint64_t recovery_delivered; /* when fast recovery began */
	uint32_t lost_end;         /* of the range lost last */

	uint64_t max_bw[2];        /* of the previous cycle, of this one */
	uint64_t bw, bw_shortterm, bw_latest, full_bw;
	ns_t min_rtt, min_rtt_stamp, probe_rtt_min_delay, probe_rtt_min_stamp, probe_rtt_done_stamp;
	ns_t cycle_stamp, bw_probe_wait;

	uint32_t inflight_longterm, inflight_shortterm, inflight_latest;
	uint32_t bw_probe_up_acked, probe_up_acked_per_inc;
	uint32_t extra_acked[BBR_EXTRA_ACKED_ROUNDS + 1]; /* the most of each round, by its number */
	uint64_t extra_acked_delivered;
	ns_t extra_acked_interval_start;

	uint64_t undo_bw_shortterm;
	uint32_t undo_inflight_shortterm, undo_inflight_longterm;
};
static_assert(sizeof(struct bbr) <= CC_STATE_BYTES, "own state fits");

static inline uint32_t bbr_min32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static inline uint32_t bbr_max32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static inline uint64_t bbr_min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t bbr_max64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static inline bool bbr_in_probe_bw(const struct bbr *b)
{
	return b->state >= BBR_DOWN && b->state <= BBR_UP;
}

/* Of a percentage of what the path holds; before the first round trip is known, of the initial window. */
uint64_t bbr_bdp_multiple(const struct bbr *, uint64_t bw, uint32_t percent);
uint64_t bbr_volume(uint64_t rate, ns_t); /* bytes that `rate` carries in this time */
uint64_t bbr_max_bw(const struct bbr *);
uint32_t bbr_extra_acked(const struct bbr *);

void bbr_model_init(struct bbr *, ns_t first_rtt, ns_t now); /* first_rtt 0: unknown */
void bbr_start_round(struct bbr *);
void bbr_reset_full_bw(struct bbr *);
void bbr_reset_short_term(struct bbr *);
void bbr_reset_congestion_signals(struct bbr *);
void bbr_advance_max_bw_filter(struct bbr *);

/* The steps of UpdateModelAndState that measure, in the draft's order (5.2.3). */
void bbr_update_latest_signals(struct bbr *, const struct cc_ack *);
void bbr_update_congestion_signals(struct bbr *, uint32_t cwnd, const struct cc_ack *);
void bbr_update_ack_aggregation(struct bbr *, uint32_t cwnd, const struct cc_ack *);
void bbr_check_full_bw(struct bbr *, const struct cc_ack *);
void bbr_update_min_rtt(struct bbr *, const struct cc_ack *);
void bbr_advance_latest_signals(struct bbr *, const struct cc_ack *);

/* Loss (5.5.10). */
bool bbr_is_inflight_too_high(uint32_t lost, uint32_t tx_in_flight, bool selective);
uint32_t bbr_inflight_at_loss(const struct cc_lost *);

#endif
