/* BBR version 3 (draft-ietf-ccwg-bbr-06): a model of the path - the highest delivery rate of late, the lowest
 * round-trip time of late, and the volume in flight that the path bears without much loss - from which the
 * pacing rate and the window follow. The functions have the draft's names and order (section 5).
 *
 * Here: the whole state machine (Startup, Drain, ProbeBW with its four phases, ProbeRTT), the bandwidth and
 * RTT filters, ACK aggregation, the long-term and short-term bounds, precautionary probing, undo, restart
 * from idle.
 *
 * Differs from the draft, since we see an ACK and not single packets:
 *  - what was in flight when the acknowledged packet left is taken from the round before (tx_inflight), and
 *    the loss rate is that of the running round (5.5.10.2, HandleLostPacket);
 *  - "six discontiguous ranges lost" (5.3.1.3) counts the ACKs that brought losses;
 *  - rate samples taken in ProbeRTT are ignored, in place of marking the connection as application-limited;
 *  - the wait between probes is spread by a hash of the bytes delivered, not by a random draw: equal runs
 *    must stay equal;
 *  - the draft says nothing of ECN: an ECE counts as a loss in this round (RFC 3168 5). */
#include "cc_common.h"

#define INFINITE UINT32_MAX      /* of volumes */
#define RATE_INFINITE UINT64_MAX

#define STARTUP_GAIN 277         /* per cent: 4 ln 2 */
#define DRAIN_GAIN 50
#define PACING_MARGIN 99         /* one per cent below the model */
#define LOSS_THRESH_DIV 50       /* 2 % */
#define BETA_NUM 7
#define BETA_DEN 10
#define HEADROOM_NUM 15          /* 15 % */
#define HEADROOM_DEN 100
#define MIN_PIPE_SEGS 4
#define FULL_BW_ROUNDS 3
#define STARTUP_LOSS_EVENTS 6
#define DRAIN_ROUNDS 3
#define PROBE_RTT_DURATION (200 * MS)
#define PROBE_RTT_INTERVAL (5 * SEC)
#define MIN_RTT_FILTER (10 * SEC)
#define EXTRA_ACKED_ROUNDS 5     /* each of two slots: five to ten rounds are remembered */
#define PROBE_WAIT_BASE (2 * SEC)
#define PROBE_WAIT_SPREAD_MS 1001u
#define RENO_ROUNDS_MAX 63
#define QUANTUM_MAX 65536u

enum bbr_state { STARTUP, DRAIN, BW_DOWN, BW_CRUISE, BW_REFILL, BW_UP, RTT_PROBE, NO_STATE };
enum bbr_acks { ACKS_INIT, ACKS_REFILLING, ACKS_PROBE_STARTING, ACKS_PROBE_FEEDBACK, ACKS_PROBE_STOPPING };

/* The table of 5.6.1, in per cent. */
static const struct {
	uint16_t pacing, cwnd;
} gain[NO_STATE] = {
	[STARTUP] = {STARTUP_GAIN, 200}, [DRAIN] = {DRAIN_GAIN, 200}, [BW_DOWN] = {90, 200},
	[BW_CRUISE] = {100, 200},	 [BW_REFILL] = {100, 200},    [BW_UP] = {125, 225},
	[RTT_PROBE] = {100, 50},
};

struct bbr {
	uint8_t state, undo_state; /* enum bbr_state */
	uint8_t acks;              /* enum bbr_acks */
	bool round_start, loss_round_start, seen_rtt, idle_restart, in_recovery;
	bool full_bw_reached, full_bw_now;
	bool is_bw_probe_sample, loss_in_round, prev_probe_too_high, prev_probe_precautionary;
	bool probe_rtt_expired, probe_rtt_round_done;
	uint8_t full_bw_count, loss_events, probe_up_rounds, extra_acked_rounds;

	uint32_t initial_cwnd, prior_cwnd;
	uint32_t round_count, drain_start_round, rounds_since_probe_up;
	uint64_t next_round_delivered, loss_round_delivered;

	uint64_t max_bw[2], bw, bw_shortterm, bw_latest, full_bw; /* max_bw: previous cycle, this cycle */
	ns_t min_rtt, min_rtt_stamp, probe_rtt_min_delay, probe_rtt_min_stamp, probe_rtt_done_stamp;
	ns_t cycle_stamp, probe_wait;

	uint32_t inflight_longterm, inflight_shortterm, inflight_latest;
	uint32_t probe_up_acked, probe_up_acked_per_inc;
	uint32_t round_inflight, tx_inflight; /* most in flight in this round and in the one before */
	uint32_t round_lost;
	uint32_t extra_acked[2];
	uint64_t extra_acked_delivered;
	ns_t extra_acked_start;

	uint64_t undo_bw_shortterm;
	uint32_t undo_inflight_shortterm, undo_inflight_longterm;
};
static_assert(sizeof(struct bbr) <= CC_STATE_BYTES, "own state fits");

static uint32_t min32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t max32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static uint64_t min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Bytes that `rate` carries in `d`. */
static uint64_t volume(uint64_t rate, ns_t d)
{
	uint64_t t = (uint64_t)ns_max(d, 0);

	if (t == 0 || rate <= UINT64_MAX / t)
		return rate * t / (uint64_t)SEC;
	return rate / (uint64_t)SEC > UINT64_MAX / t ? UINT64_MAX : rate / (uint64_t)SEC * t;
}

static uint64_t max_bw(const struct bbr *b)
{
	return max64(b->max_bw[0], b->max_bw[1]);
}

static bool in_probe_bw(const struct bbr *b)
{
	return b->state >= BW_DOWN && b->state <= BW_UP;
}

static bool is_probing_bw(const struct bbr *b)
{
	return b->state == STARTUP || b->state == BW_REFILL || b->state == BW_UP;
}

static uint32_t min_pipe_cwnd(const struct cc *cc)
{
	return MIN_PIPE_SEGS * cc->mss;
}

/* ---- volumes that the model allows (5.6.4) ---- */

static uint64_t bdp_multiple(const struct bbr *b, uint64_t bw, uint32_t percent)
{
	if (b->min_rtt == NS_NEVER)
		return b->initial_cwnd;
	return min64(volume(bw, b->min_rtt), CC_CWND_MAX) * percent / 100;
}

static uint32_t send_quantum(const struct cc *cc)
{
	return max32((uint32_t)min64(volume(cc->pacing_rate, MS), QUANTUM_MAX), 2 * cc->mss);
}

static uint32_t quantization_budget(const struct cc *cc, uint64_t cap)
{
	const struct bbr *b = cc->own;

	cap = max64(cap, 3 * (uint64_t)send_quantum(cc)); /* the offload budget */
	cap = max64(cap, min_pipe_cwnd(cc));
	if (b->state == BW_UP)
		cap += 2 * (uint64_t)cc->mss;
	return cc_bound_cwnd(cc, cap);
}

static uint32_t inflight_for(const struct cc *cc, uint64_t bw)
{
	return quantization_budget(cc, bdp_multiple(cc->own, bw, 100));
}

static uint32_t target_inflight(const struct cc *cc)
{
	const struct bbr *b = cc->own;

	return (uint32_t)min64(bdp_multiple(b, b->bw, 100), cc->cwnd);
}

static uint32_t inflight_with_headroom(const struct cc *cc)
{
	const struct bbr *b = cc->own;

	if (b->inflight_longterm == INFINITE)
		return INFINITE;

	uint32_t headroom = max32(cc->mss, (uint32_t)((uint64_t)b->inflight_longterm * HEADROOM_NUM / HEADROOM_DEN));

	return max32(b->inflight_longterm > headroom ? b->inflight_longterm - headroom : 0, min_pipe_cwnd(cc));
}

static uint32_t probe_rtt_cwnd(const struct cc *cc)
{
	const struct bbr *b = cc->own;

	return (uint32_t)max64(bdp_multiple(b, b->bw, gain[RTT_PROBE].cwnd), min_pipe_cwnd(cc));
}

/* ---- resets and entries into states (5.3) ---- */

static void reset_full_bw(struct bbr *b)
{
	b->full_bw = 0;
	b->full_bw_count = 0;
	b->full_bw_now = false;
}

static void reset_short_term_model(struct bbr *b)
{
	b->bw_shortterm = RATE_INFINITE;
	b->inflight_shortterm = INFINITE;
}

static void reset_congestion_signals(struct bbr *b)
{
	b->loss_in_round = false;
	b->bw_latest = 0;
	b->inflight_latest = 0;
}

static void start_round(struct bbr *b, uint64_t delivered)
{
	b->next_round_delivered = delivered;
}

static void enter_startup(struct bbr *b)
{
	b->state = STARTUP;
}

static void enter_drain(struct bbr *b)
{
	b->state = DRAIN;
	b->drain_start_round = b->round_count;
}

/* 5.3.3.5.3: two to three seconds, and up to one round; the finaliser of SplitMix64 spreads them. */
static void pick_probe_wait(struct bbr *b, uint64_t delivered)
{
	uint64_t h = delivered + (uint64_t)b->round_count * 0x9e3779b97f4a7c15u;

	h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9u;
	h = (h ^ h >> 27) * 0x94d049bb133111ebu;
	h ^= h >> 31;
	b->rounds_since_probe_up = h & 1;
	b->probe_wait = PROBE_WAIT_BASE + (ns_t)((h >> 1) % PROBE_WAIT_SPREAD_MS) * MS;
}

static void start_probe_bw_down(struct bbr *b, uint64_t delivered, ns_t now)
{
	reset_congestion_signals(b);
	b->probe_up_acked_per_inc = INFINITE;
	pick_probe_wait(b, delivered);
	b->cycle_stamp = now;
	b->acks = ACKS_PROBE_STOPPING;
	start_round(b, delivered);
	b->state = BW_DOWN;
}

static void start_probe_bw_refill(struct bbr *b, uint64_t delivered)
{
	reset_short_term_model(b);
	b->probe_up_rounds = 0;
	b->probe_up_acked = 0;
	b->prev_probe_precautionary = false;
	b->acks = ACKS_REFILLING;
	start_round(b, delivered);
	b->state = BW_REFILL;
}

/* The long-term bound grows by 1, 2, 4, 8 ... segments a round. */
static void raise_longterm_slope(const struct cc *cc, struct bbr *b)
{
	b->probe_up_acked_per_inc = max32(cc->cwnd >> b->probe_up_rounds, cc->mss);
	if (b->probe_up_rounds < 30)
		b->probe_up_rounds++;
}

static void start_probe_bw_up(const struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
	b->acks = ACKS_PROBE_STARTING;
	start_round(b, a->delivered_total);
	reset_full_bw(b);
	b->full_bw = a->rate;
	b->state = BW_UP;
	raise_longterm_slope(cc, b);
}

/* ---- cwnd kept over recovery and ProbeRTT (5.6.4.4) ---- */

static void save_cwnd(const struct cc *cc, struct bbr *b)
{
	if (!b->in_recovery && b->state != RTT_PROBE)
		b->prior_cwnd = cc->cwnd;
	else
		b->prior_cwnd = max32(b->prior_cwnd, cc->cwnd);
}

static void restore_cwnd(struct cc *cc, const struct bbr *b)
{
	cc->cwnd = cc_bound_cwnd(cc, max32(cc->cwnd, b->prior_cwnd));
}

static void save_state_upon_loss(const struct cc *cc, struct bbr *b)
{
	save_cwnd(cc, b);
	b->undo_state = NO_STATE;
	b->undo_bw_shortterm = b->bw_shortterm;
	b->undo_inflight_shortterm = b->inflight_shortterm;
	b->undo_inflight_longterm = b->inflight_longterm;
}

/* ---- pacing (5.6.2) ---- */

static void set_pacing_rate(struct cc *cc, uint32_t percent)
{
	struct bbr *b = cc->own;
	uint64_t rate = b->bw / 10000 * percent * PACING_MARGIN + b->bw % 10000 * percent * PACING_MARGIN / 10000;

	if (rate > 0 && (b->full_bw_reached || rate > cc->pacing_rate))
		cc->pacing_rate = rate;
}

static void init_pacing_rate(struct cc *cc, ns_t srtt)
{
	struct bbr *b = cc->own;

	cc->pacing_rate = (uint64_t)b->initial_cwnd * SEC / (uint64_t)srtt * STARTUP_GAIN / 100;
}

/* ---- loss (5.5.10) ---- */

static bool is_inflight_too_high(const struct bbr *b)
{
	return b->round_lost > max32(b->tx_inflight, b->round_inflight) / LOSS_THRESH_DIV;
}

static void handle_inflight_too_high(const struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
	b->prev_probe_too_high = true;
	b->is_bw_probe_sample = false; /* react once a probe */
	if (!a->rate_app_limited)
		b->inflight_longterm = max32(max32(b->tx_inflight, min_pipe_cwnd(cc)),
					     (uint32_t)((uint64_t)target_inflight(cc) * BETA_NUM / BETA_DEN));
	if (b->state == BW_UP) {
		b->undo_state = BW_UP;
		start_probe_bw_down(b, a->delivered_total, a->now);
	}
}

static void note_loss(const struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
	if (!b->loss_in_round) {
		b->loss_round_delivered = a->delivered_total;
		save_state_upon_loss(cc, b);
	}
	b->loss_in_round = true;
}

static void handle_loss(const struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
	if (a->lost == 0)
		return;
	note_loss(cc, b, a);
	b->round_lost += a->lost;
	if (b->loss_events < UINT8_MAX)
		b->loss_events++;
	if (b->is_bw_probe_sample && is_inflight_too_high(b))
		handle_inflight_too_high(cc, b, a);
}

/* ---- the model, step by step, in the order of 5.2.3 ---- */

static void update_latest_delivery_signals(struct bbr *b, const struct cc_ack *a)
{
	b->loss_round_start = false;
	b->bw_latest = max64(b->bw_latest, a->rate);
	b->inflight_latest =
		max32(b->inflight_latest, (uint32_t)min64(a->delivered_total - a->prior_delivered, CC_CWND_MAX));
	if (a->prior_delivered >= b->loss_round_delivered) {
		b->loss_round_delivered = a->delivered_total;
		b->loss_round_start = true;
	}
}

static void update_round(struct bbr *b, const struct cc_ack *a)
{
	b->round_start = a->prior_delivered >= b->next_round_delivered;
	b->round_inflight = max32(b->round_inflight, a->inflight);
	if (!b->round_start)
		return;
	start_round(b, a->delivered_total);
	b->round_count++;
	b->rounds_since_probe_up++;
	b->tx_inflight = b->round_inflight;
	b->round_inflight = a->inflight;
}

static void update_max_bw(struct bbr *b, const struct cc_ack *a)
{
	update_round(b, a);
	if (a->rate > 0 && b->state != RTT_PROBE && (a->rate >= max_bw(b) || !a->rate_app_limited))
		b->max_bw[1] = max64(b->max_bw[1], a->rate);
}

static void advance_max_bw_filter(struct bbr *b)
{
	if (b->max_bw[1] == 0)
		return; /* no sample in this cycle: keep what we know */
	b->max_bw[0] = b->max_bw[1];
	b->max_bw[1] = 0;
}

static void adapt_lower_bounds(const struct cc *cc, struct bbr *b)
{
	if (is_probing_bw(b) || !b->loss_in_round)
		return;
	if (b->bw_shortterm == RATE_INFINITE)
		b->bw_shortterm = max_bw(b);
	if (b->inflight_shortterm == INFINITE)
		b->inflight_shortterm = cc->cwnd;
	b->bw_shortterm = max64(b->bw_latest, b->bw_shortterm / BETA_DEN * BETA_NUM);
	b->inflight_shortterm =
		max32(b->inflight_latest, (uint32_t)((uint64_t)b->inflight_shortterm * BETA_NUM / BETA_DEN));
}

static void update_ack_aggregation(const struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
	uint64_t expected = volume(b->bw, a->now - b->extra_acked_start);

	if (b->extra_acked_delivered <= expected) { /* the ACKs have fallen behind: a new interval */
		b->extra_acked_delivered = 0;
		b->extra_acked_start = a->now;
		expected = 0;
	}
	b->extra_acked_delivered += a->delivered;
	if (b->round_start && ++b->extra_acked_rounds >= (b->full_bw_reached ? EXTRA_ACKED_ROUNDS : 1)) {
		b->extra_acked_rounds = 0;
		b->extra_acked[0] = b->extra_acked[1];
		b->extra_acked[1] = 0;
	}
	b->extra_acked[1] =
		max32(b->extra_acked[1], (uint32_t)min64(b->extra_acked_delivered - expected, cc->cwnd));
}

static void check_full_bw_reached(struct bbr *b, const struct cc_ack *a)
{
	if (b->full_bw_now || !b->round_start || a->rate_app_limited || a->rate == 0)
		return;
	if (a->rate >= b->full_bw + b->full_bw / 4) {
		reset_full_bw(b);
		b->full_bw = a->rate;
		return;
	}
	b->full_bw_now = ++b->full_bw_count >= FULL_BW_ROUNDS;
	if (b->full_bw_now)
		b->full_bw_reached = true;
}

static void check_startup_done(struct bbr *b, bool high_loss)
{
	if (b->state != STARTUP)
		return;
	if (!b->full_bw_reached && high_loss) {
		b->undo_state = STARTUP;
		b->full_bw_reached = true;
		b->inflight_longterm = (uint32_t)max64(bdp_multiple(b, b->bw, 100), b->inflight_latest);
	}
	if (b->full_bw_reached)
		enter_drain(b);
}

static void check_drain_done(const struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
	if (b->state == DRAIN && (a->inflight_now <= inflight_for(cc, b->bw) ||
				  b->round_count - b->drain_start_round > DRAIN_ROUNDS))
		start_probe_bw_down(b, a->delivered_total, a->now);
}

static void probe_longterm_upward(const struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
	if (!a->cwnd_limited || cc->cwnd < b->inflight_longterm)
		return;
	b->probe_up_acked += a->delivered;
	if (b->probe_up_acked >= b->probe_up_acked_per_inc) {
		uint32_t n = b->probe_up_acked / b->probe_up_acked_per_inc;

		b->probe_up_acked -= n * b->probe_up_acked_per_inc;
		b->inflight_longterm = cc_bound_cwnd(cc, b->inflight_longterm + (uint64_t)n * cc->mss);
	}
	if (b->round_start)
		raise_longterm_slope(cc, b);
}

/* True: it decided a transition. */
static bool adapt_long_term_model(const struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
	if (b->acks == ACKS_PROBE_STARTING && b->round_start)
		b->acks = ACKS_PROBE_FEEDBACK;
	if (b->acks == ACKS_PROBE_STOPPING && b->round_start) {
		b->is_bw_probe_sample = false;
		b->acks = ACKS_INIT;
		if (in_probe_bw(b) && !a->rate_app_limited)
			advance_max_bw_filter(b);
		if (in_probe_bw(b) && b->prev_probe_precautionary && !b->prev_probe_too_high) {
			start_probe_bw_refill(b, a->delivered_total);
			return true;
		}
	}
	if (is_inflight_too_high(b) || b->inflight_longterm == INFINITE)
		return false;
	if (b->tx_inflight > b->inflight_longterm && a->inflight > b->inflight_longterm)
		b->inflight_longterm = min32(b->tx_inflight, a->inflight);
	if (b->state == BW_UP)
		probe_longterm_upward(cc, b, a);
	return false;
}

static bool is_time_to_probe_bw(const struct cc *cc, const struct bbr *b, ns_t now)
{
	/* 5.3.3.5.2: as often as a Reno flow of this size would. */
	uint32_t reno_rounds = min32(target_inflight(cc) / cc->mss, RENO_ROUNDS_MAX);

	return now > b->cycle_stamp + b->probe_wait || b->rounds_since_probe_up >= reno_rounds;
}

static bool is_time_to_cruise(const struct cc *cc, const struct bbr *b, const struct cc_ack *a)
{
	return a->inflight_now <= inflight_with_headroom(cc) && a->inflight_now <= inflight_for(cc, max_bw(b));
}

static bool is_time_to_go_down(const struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
	if (b->prev_probe_too_high && a->inflight_now >= b->inflight_longterm) {
		b->prev_probe_precautionary = true;
		return true;
	}
	if (a->cwnd_limited && cc->cwnd >= b->inflight_longterm) {
		reset_full_bw(b);
		b->full_bw = a->rate;
		return false;
	}
	return b->full_bw_now;
}

static void update_probe_bw_cycle(const struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
	if (!b->full_bw_reached || adapt_long_term_model(cc, b, a))
		return;
	switch (b->state) {
	case BW_DOWN:
		if (is_time_to_probe_bw(cc, b, a->now))
			start_probe_bw_refill(b, a->delivered_total);
		else if (is_time_to_cruise(cc, b, a))
			b->state = BW_CRUISE;
		return;
	case BW_CRUISE:
		if (is_time_to_probe_bw(cc, b, a->now))
			start_probe_bw_refill(b, a->delivered_total);
		return;
	case BW_REFILL:
		if (!b->round_start)
			return;
		b->is_bw_probe_sample = true;
		start_probe_bw_up(cc, b, a);
		return;
	case BW_UP:
		if (!is_time_to_go_down(cc, b, a))
			return;
		b->prev_probe_too_high = false;
		start_probe_bw_down(b, a->delivered_total, a->now);
		return;
	default:
		return;
	}
}

static void update_min_rtt(struct bbr *b, const struct cc_ack *a)
{
	b->probe_rtt_expired = a->now > b->probe_rtt_min_stamp + PROBE_RTT_INTERVAL;
	if (a->rtt >= 0 && (a->rtt < b->probe_rtt_min_delay || b->probe_rtt_expired)) {
		b->probe_rtt_min_delay = a->rtt;
		b->probe_rtt_min_stamp = a->now;
	}
	if (b->probe_rtt_min_delay < b->min_rtt || a->now > b->min_rtt_stamp + MIN_RTT_FILTER) {
		b->min_rtt = b->probe_rtt_min_delay;
		b->min_rtt_stamp = b->probe_rtt_min_stamp;
	}
}

static void check_probe_rtt_done(struct cc *cc, struct bbr *b, uint64_t delivered, ns_t now)
{
	if (b->probe_rtt_done_stamp == 0 || now <= b->probe_rtt_done_stamp)
		return;
	b->probe_rtt_min_stamp = now; /* the next ProbeRTT */
	restore_cwnd(cc, b);
	reset_short_term_model(b);
	if (b->full_bw_reached) {
		start_probe_bw_down(b, delivered, now);
		b->state = BW_CRUISE; /* what is in flight is below the BDP already */
	} else {
		enter_startup(b);
	}
}

static void check_probe_rtt(struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
	if (b->state != RTT_PROBE && b->probe_rtt_expired && !b->idle_restart) {
		save_cwnd(cc, b);
		b->state = RTT_PROBE;
		b->probe_rtt_done_stamp = 0;
		b->acks = ACKS_PROBE_STOPPING;
		start_round(b, a->delivered_total);
	}
	if (b->state == RTT_PROBE) {
		if (b->probe_rtt_done_stamp == 0) {
			if (a->inflight_now <= probe_rtt_cwnd(cc)) {
				b->probe_rtt_done_stamp = a->now + PROBE_RTT_DURATION;
				b->probe_rtt_round_done = false;
				start_round(b, a->delivered_total);
			}
		} else {
			if (b->round_start)
				b->probe_rtt_round_done = true;
			if (b->probe_rtt_round_done)
				check_probe_rtt_done(cc, b, a->delivered_total, a->now);
		}
	}
	b->idle_restart = false;
}

static void update_model_and_state(struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
	update_latest_delivery_signals(b, a);
	update_max_bw(b, a);

	bool high_loss = b->loss_round_start && a->in_recovery && b->loss_events >= STARTUP_LOSS_EVENTS &&
			 is_inflight_too_high(b);

	if (b->loss_round_start) {
		adapt_lower_bounds(cc, b);
		b->loss_in_round = false;
	}
	update_ack_aggregation(cc, b, a);
	check_full_bw_reached(b, a);
	check_startup_done(b, high_loss);
	check_drain_done(cc, b, a);
	update_probe_bw_cycle(cc, b, a);
	update_min_rtt(b, a);
	check_probe_rtt(cc, b, a);
	if (b->loss_round_start) {
		b->bw_latest = a->rate;
		b->inflight_latest = (uint32_t)min64(a->delivered_total - a->prior_delivered, CC_CWND_MAX);
		b->round_lost = 0;
		b->loss_events = 0;
	}
	b->bw = min64(max_bw(b), b->bw_shortterm);
}

/* ---- the window (5.6.4.6, 5.6.4.7) ---- */

static void bound_cwnd_for_model(struct cc *cc, const struct bbr *b)
{
	uint32_t cap = INFINITE;

	if (b->state == RTT_PROBE || b->state == BW_CRUISE)
		cap = inflight_with_headroom(cc);
	else if (in_probe_bw(b))
		cap = b->inflight_longterm;
	cap = max32(min32(cap, b->inflight_shortterm), min_pipe_cwnd(cc));
	cc->cwnd = min32(cc->cwnd, cap);
}

static void set_cwnd(struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
	uint64_t want = bdp_multiple(b, b->bw, gain[b->state].cwnd) + max32(b->extra_acked[0], b->extra_acked[1]);
	uint32_t max_inflight = quantization_budget(cc, want);
	uint64_t cwnd = cc->cwnd;

	if (b->full_bw_reached)
		cwnd = min64(cwnd + a->delivered, max_inflight);
	else if (cwnd < max_inflight || a->delivered_total < b->initial_cwnd)
		cwnd += a->delivered;
	cc->cwnd = cc_bound_cwnd(cc, max64(cwnd, min_pipe_cwnd(cc)));
	if (b->state == RTT_PROBE)
		cc->cwnd = min32(cc->cwnd, probe_rtt_cwnd(cc));
	bound_cwnd_for_model(cc, b);
}

/* ---- the operations ---- */

static void bbr_init(struct cc *cc, ns_t now)
{
	struct bbr *b = cc->own;

	b->initial_cwnd = cc->cwnd;
	b->undo_state = NO_STATE;
	b->min_rtt = b->probe_rtt_min_delay = NS_NEVER;
	b->min_rtt_stamp = b->probe_rtt_min_stamp = b->extra_acked_start = b->cycle_stamp = now;
	b->inflight_longterm = b->probe_up_acked_per_inc = INFINITE;
	reset_short_term_model(b);
	reset_full_bw(b);
	enter_startup(b);
	init_pacing_rate(cc, MS); /* until there is a round-trip time */
}

static void bbr_on_ack(struct cc *cc, const struct cc_ack *a)
{
	struct bbr *b = cc->own;

	if (!b->seen_rtt && a->srtt > 0) {
		b->seen_rtt = true;
		init_pacing_rate(cc, a->srtt);
	}
	handle_loss(cc, b, a);
	if (a->delivered == 0) { /* a duplicate says nothing of the path */
		bound_cwnd_for_model(cc, b);
		return;
	}
	update_model_and_state(cc, b, a);
	set_pacing_rate(cc, gain[b->state].pacing);
	set_cwnd(cc, b, a);
}

/* The losses themselves are told by on_ack. */
static void bbr_on_congestion(struct cc *cc, const struct cc_ack *a)
{
	struct bbr *b = cc->own;

	save_cwnd(cc, b);
	b->in_recovery = true;
	if (a->ece)
		note_loss(cc, b, a);
}

static void bbr_on_recovered(struct cc *cc, ns_t now)
{
	struct bbr *b = cc->own;

	(void)now;
	if (!b->in_recovery)
		return;
	b->in_recovery = false;
	restore_cwnd(cc, b);
	bound_cwnd_for_model(cc, b);
}

static void bbr_on_timeout(struct cc *cc, const struct cc_ack *a)
{
	struct bbr *b = cc->own;

	(void)a;
	save_state_upon_loss(cc, b);
	b->in_recovery = true;
	cc->cwnd = cc->mss;
}

/* 5.5.11.2. Without the count of bytes delivered a new phase begins at the next ACK at the latest. */
static void bbr_on_undo(struct cc *cc, ns_t now)
{
	struct bbr *b = cc->own;

	(void)now;
	b->in_recovery = false;
	restore_cwnd(cc, b);
	b->loss_in_round = false;
	reset_full_bw(b);
	b->bw_shortterm = max64(b->bw_shortterm, b->undo_bw_shortterm);
	b->inflight_shortterm = max32(b->inflight_shortterm, b->undo_inflight_shortterm);
	b->inflight_longterm = max32(b->inflight_longterm, b->undo_inflight_longterm);
	if (b->undo_state == STARTUP && b->state != STARTUP) {
		b->full_bw_reached = false;
		if (b->state != RTT_PROBE)
			enter_startup(b);
	} else if (b->undo_state == BW_UP && b->state != BW_UP && b->state != RTT_PROBE) {
		start_probe_bw_refill(b, b->next_round_delivered);
	}
	b->undo_state = NO_STATE;
}

static void bbr_on_idle(struct cc *cc, ns_t now, ns_t idle)
{
	struct bbr *b = cc->own;

	(void)idle;
	b->idle_restart = true;
	b->extra_acked_start = now;
	if (in_probe_bw(b))
		set_pacing_rate(cc, 100);
	else if (b->state == RTT_PROBE)
		check_probe_rtt_done(cc, b, b->next_round_delivered, now);
}

static uint64_t bbr_info(const struct cc *cc)
{
	const struct bbr *b = cc->own;

	return b->bw;
}

const struct cc_ops cc_bbr = {
	.name = "bbr",
	.state_size = sizeof(struct bbr),
	.own_recovery = true,
	.wants_pacing = true,
	.init = bbr_init,
	.on_ack = bbr_on_ack,
	.on_congestion = bbr_on_congestion,
	.on_recovered = bbr_on_recovered,
	.on_timeout = bbr_on_timeout,
	.on_undo = bbr_on_undo,
	.on_idle = bbr_on_idle,
	.info = bbr_info,
};
