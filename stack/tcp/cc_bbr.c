/* BBR version 3 (draft-ietf-ccwg-bbr-06): from a model of the path (cc_bbr_model.c) follow the pacing
 * rate, the send quantum and the window; from what is tried follows the model. This file is the state
 * machine (5.3, 5.4), what losses and marks do to it (5.5.10, 5.5.11), and the controls (5.6). The
 * functions have the draft's names.
 *
 * What the engine does for it: rate samples and what each packet remembers (tcp_rate.c), pacing by
 * quanta of a millisecond (tcp_output.c, pace_quantum: SetSendQuantum), one segment after a timeout
 * (tcp_loss.c).
 *
 * Where the draft leaves it open:
 *  - ECN has no response of its own there, but marks must count as congestion. We take one reported
 *    mark, as RFC 3168 5 has it, for a round with too much loss: it ends Startup and a probe, and
 *    between probes it lowers the short-term bounds.
 *  - What undo restores is as of before the first loss of an episode: the loss that begins it may end a
 *    probe before recovery is entered, and the draft would then save what is already cut.
 *  - "C.inflight reaches inflight_longterm" (5.3.3.4.2) is judged before the ACK takes from it, and
 *    within one segment: afterwards it never could, since that bound caps the window.
 *
 * Where we differ:
 *  - ACKs that report nothing newly delivered are not looked at but for losses.
 *  - InflightAtLoss does not go below what was in flight before the packet that crossed the threshold.
 *  - A round trip is taken from packets that were sent once. Timestamps could tell it of others, but a
 *    millisecond is too coarse for a minimum.
 *  - Without SACK delivery is learnt from cumulative ACKs alone. */
#include "cc_bbr.h"

#define STARTUP_GAIN 277         /* per cent: 4 ln 2 */
#define PACING_MARGIN 99         /* PacingMarginPercent: one below the model */
#define HEADROOM_NUM 15          /* Headroom: 15 % */
#define HEADROOM_DEN 100
#define MIN_PIPE_SEGS 4
#define STARTUP_LOST_RANGES 6    /* BBRStartupFullLossCnt */
#define DRAIN_ROUNDS 3
#define PROBE_RTT_DURATION (200 * MS)
#define PROBE_WAIT_BASE (2 * SEC)
#define PROBE_WAIT_SPREAD SEC
#define RENO_ROUNDS_MAX 63
#define QUANTUM_MAX 65536u
#define OFFLOAD_QUANTA 3         /* one each in the queue, being cut, and unacknowledged */
#define PROBE_UP_ROUNDS_MAX 30

/* The table of 5.6.1, in per cent. */
static const struct {
	uint16_t pacing, cwnd;
} gain[BBR_NO_STATE] = {
	[BBR_STARTUP] = {STARTUP_GAIN, 200}, [BBR_DRAIN] = {50, 200},   [BBR_DOWN] = {90, 200},
	[BBR_CRUISE] = {100, 200},	     [BBR_REFILL] = {100, 200}, [BBR_UP] = {125, 225},
	[BBR_PROBE_RTT] = {100, 50},
};

/* ---- volumes that the model allows (5.6.4) ---- */

static uint32_t min_pipe_cwnd(const struct cc *cc)
{
	return MIN_PIPE_SEGS * cc->mss;
}

static uint32_t send_quantum(const struct cc *cc)
{
	return bbr_max32((uint32_t)bbr_min64(bbr_volume(cc->pacing_rate, MS), QUANTUM_MAX), 2 * cc->mss);
}

static uint32_t quantization_budget(const struct cc *cc, uint64_t cap)
{
	const struct bbr *b = cc->own;

	cap = bbr_max64(cap, OFFLOAD_QUANTA * (uint64_t)send_quantum(cc));
	cap = bbr_max64(cap, min_pipe_cwnd(cc));
	if (b->state == BBR_UP)
		cap += 2 * (uint64_t)cc->mss;
	return cc_bound_cwnd(cc, cap);
}

static uint32_t inflight_for(const struct cc *cc, uint64_t bw)
{
	return quantization_budget(cc, bbr_bdp_multiple(cc->own, bw, 100));
}

static uint32_t target_inflight(const struct cc *cc)
{
	const struct bbr *b = cc->own;

	return (uint32_t)bbr_min64(bbr_bdp_multiple(b, b->bw, 100), cc->cwnd);
}

static uint32_t inflight_with_headroom(const struct cc *cc)
{
	const struct bbr *b = cc->own;

	if (b->inflight_longterm == BBR_INFINITE)
		return BBR_INFINITE;

	uint32_t share = (uint32_t)((uint64_t)b->inflight_longterm * HEADROOM_NUM / HEADROOM_DEN);
	uint32_t headroom = bbr_max32(cc->mss, share);

	return bbr_max32(b->inflight_longterm > headroom ? b->inflight_longterm - headroom : 0, min_pipe_cwnd(cc));
}

static uint32_t probe_rtt_cwnd(const struct cc *cc)
{
	const struct bbr *b = cc->own;

	return (uint32_t)bbr_max64(bbr_bdp_multiple(b, b->bw, gain[BBR_PROBE_RTT].cwnd), min_pipe_cwnd(cc));
}

/* ---- entries into states (5.3) ---- */

static void enter_startup(struct bbr *b)
{
	b->state = BBR_STARTUP;
}

static void enter_drain(struct bbr *b)
{
	b->state = BBR_DRAIN;
	b->drain_start_round = b->round_count;
}

/* 5.3.3.5.3: two to three seconds, or 62 or 63 rounds. */
static void pick_probe_wait(const struct cc *cc, struct bbr *b)
{
	b->rounds_since_probe_up = rng_below(cc->rng, 2);
	b->bw_probe_wait = PROBE_WAIT_BASE + rng_below(cc->rng, (uint32_t)PROBE_WAIT_SPREAD + 1);
}

static void start_probe_bw_down(const struct cc *cc, struct bbr *b, ns_t now)
{
	bbr_reset_congestion_signals(b);
	b->probe_up_acked_per_inc = BBR_INFINITE;
	pick_probe_wait(cc, b);
	b->cycle_stamp = now;
	b->acks = ACKS_PROBE_STOPPING;
	bbr_start_round(b);
	b->state = BBR_DOWN;
}

static void start_probe_bw_refill(struct bbr *b)
{
	bbr_reset_short_term(b);
	b->bw_probe_up_rounds = 0;
	b->bw_probe_up_acked = 0;
	b->prev_probe_precautionary = false;
	b->acks = ACKS_REFILLING;
	bbr_start_round(b);
	b->state = BBR_REFILL;
}

/* The long-term bound grows by 1, 2, 4, 8 ... segments a round. */
static void raise_longterm_slope(const struct cc *cc, struct bbr *b)
{
	b->probe_up_acked_per_inc = bbr_max32(cc->cwnd >> b->bw_probe_up_rounds, cc->mss);
	if (b->bw_probe_up_rounds < PROBE_UP_ROUNDS_MAX)
		b->bw_probe_up_rounds++;
}

static void start_probe_bw_up(const struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
	b->acks = ACKS_PROBE_STARTING;
	bbr_start_round(b);
	bbr_reset_full_bw(b);
	b->full_bw = a->rate;
	b->state = BBR_UP;
	raise_longterm_slope(cc, b);
}

/* ---- what is kept over recovery and ProbeRTT (5.5.11.1, 5.6.4.4) ---- */

static void save_cwnd(const struct cc *cc, struct bbr *b)
{
	if (!b->in_recovery && b->state != BBR_PROBE_RTT)
		b->prior_cwnd = cc->cwnd;
	else
		b->prior_cwnd = bbr_max32(b->prior_cwnd, cc->cwnd);
}

static void restore_cwnd(struct cc *cc, const struct bbr *b)
{
	cc->cwnd = cc_bound_cwnd(cc, bbr_max32(cc->cwnd, b->prior_cwnd));
}

/* Once for what one ACK or timer tells, before anything is cut for it. */
static void save_state_upon_loss(const struct cc *cc, struct bbr *b)
{
	if (b->saved)
		return;
	b->saved = true;
	save_cwnd(cc, b);
	b->undo_state = BBR_NO_STATE;
	b->undo_bw_shortterm = b->bw_shortterm;
	b->undo_inflight_shortterm = b->inflight_shortterm;
	b->undo_inflight_longterm = b->inflight_longterm;
}

/* ---- losses and marks ---- */

static void note_loss(const struct cc *cc, struct bbr *b, uint64_t delivered)
{
	b->delivered = delivered;
	if (!b->loss_in_round || !b->in_recovery)
		save_state_upon_loss(cc, b);
	if (!b->loss_in_round)
		b->loss_round_delivered = delivered;
	b->loss_in_round = true;
}

static void handle_inflight_too_high(const struct cc *cc, struct bbr *b, uint32_t inflight, bool app_limited,
				     ns_t now)
{
	uint64_t least = (uint64_t)target_inflight(cc) * BBR_BETA_NUM / BBR_BETA_DEN;

	b->prev_probe_too_high = true;
	b->is_bw_probe_sample = false; /* react once a probe */
	if (!app_limited)
		b->inflight_longterm = bbr_max32(inflight, (uint32_t)least);
	if (b->state == BBR_UP) {
		b->undo_state = BBR_UP;
		start_probe_bw_down(cc, b, now);
	}
}

static void count_lost_range(struct bbr *b, const struct cc_lost *l)
{
	if ((b->lost_ranges == 0 || l->lo != b->lost_end) && b->lost_ranges < UINT8_MAX)
		b->lost_ranges++;
	b->lost_end = l->hi;
}

/* HandleLostPacket. */
static void bbr_on_lost(struct cc *cc, const struct cc_lost *l)
{
	struct bbr *b = cc->own;

	note_loss(cc, b, l->delivered_total);
	count_lost_range(b, l);
	if (b->is_bw_probe_sample && bbr_is_inflight_too_high(l->lost, l->tx_in_flight, l->selective))
		handle_inflight_too_high(cc, b, bbr_inflight_at_loss(l), l->app_limited, l->now);
}

/* The pipe is full, though the rate has not told so. */
static void end_startup_by_loss(struct bbr *b)
{
	b->undo_state = BBR_STARTUP;
	b->full_bw_reached = b->full_bw_now = true;
	b->inflight_longterm = (uint32_t)bbr_max64(bbr_bdp_multiple(b, b->bw, 100), b->inflight_latest);
}

static void handle_mark(const struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
	note_loss(cc, b, a->delivered_total);
	if (b->state == BBR_STARTUP && !b->full_bw_reached)
		end_startup_by_loss(b);
	else if (b->is_bw_probe_sample)
		handle_inflight_too_high(cc, b, a->sampled ? a->tx_in_flight : a->inflight, a->rate_app_limited, a->now);
}

/* 5.3.1.3. Six separate ranges in the round that began with recovery or later, and too much of it. */
static bool startup_loss_is_high(const struct bbr *b, const struct cc_ack *a)
{
	return b->loss_round_start && b->in_fast_recovery && a->prior_delivered >= b->recovery_delivered &&
	       b->lost_ranges >= STARTUP_LOST_RANGES &&
	       bbr_is_inflight_too_high(a->sample_lost, a->tx_in_flight, a->selective);
}

/* ---- the state machine, on each ACK ---- */

static void check_startup_done(struct bbr *b, const struct cc_ack *a)
{
	if (b->state != BBR_STARTUP)
		return;
	if (!b->full_bw_reached && startup_loss_is_high(b, a))
		end_startup_by_loss(b);
	if (b->full_bw_reached)
		enter_drain(b);
}

static void check_drain_done(const struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
	if (b->state == BBR_DRAIN && (a->inflight_now <= inflight_for(cc, b->bw) ||
				      b->round_count - b->drain_start_round > DRAIN_ROUNDS))
		start_probe_bw_down(cc, b, a->now);
}

static void probe_longterm_upward(const struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
	if (!a->cwnd_full || cc->cwnd < b->inflight_longterm)
		return;
	b->bw_probe_up_acked += a->delivered;
	if (b->bw_probe_up_acked >= b->probe_up_acked_per_inc) {
		uint32_t n = b->bw_probe_up_acked / b->probe_up_acked_per_inc;

		b->bw_probe_up_acked -= n * b->probe_up_acked_per_inc;
		b->inflight_longterm = cc_bound_cwnd(cc, b->inflight_longterm + (uint64_t)n * cc->mss);
	}
	if (b->round_start)
		raise_longterm_slope(cc, b);
}

/* The probe's last samples are in. True: it went so well that the next begins at once (5.3.3.4.2). */
static bool end_probe_feedback(struct bbr *b, const struct cc_ack *a)
{
	b->is_bw_probe_sample = false;
	b->acks = ACKS_INIT;
	if (!bbr_in_probe_bw(b))
		return false;
	if (!a->rate_app_limited)
		bbr_advance_max_bw_filter(b);
	if (!b->prev_probe_precautionary || b->prev_probe_too_high)
		return false;
	start_probe_bw_refill(b);
	return true;
}

/* True: it decided a transition. */
static bool adapt_long_term_model(const struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
	if (b->acks == ACKS_PROBE_STARTING && b->round_start)
		b->acks = ACKS_PROBE_FEEDBACK;
	if (b->acks == ACKS_PROBE_STOPPING && b->round_start && end_probe_feedback(b, a))
		return true;
	if (bbr_is_inflight_too_high(a->sample_lost, a->tx_in_flight, a->selective) ||
	    b->inflight_longterm == BBR_INFINITE)
		return false;
	if (a->sampled && a->tx_in_flight > b->inflight_longterm)
		b->inflight_longterm = cc_bound_cwnd(cc, a->tx_in_flight);
	if (b->state == BBR_UP)
		probe_longterm_upward(cc, b, a);
	return false;
}

static bool is_time_to_probe_bw(const struct cc *cc, const struct bbr *b, ns_t now)
{
	/* As often as a Reno flow of this size would (5.3.3.5.2). */
	uint32_t reno_rounds = bbr_min32(target_inflight(cc) / cc->mss, RENO_ROUNDS_MAX);

	return now > b->cycle_stamp + b->bw_probe_wait || b->rounds_since_probe_up >= reno_rounds;
}

static bool is_time_to_cruise(const struct cc *cc, const struct bbr *b, const struct cc_ack *a)
{
	return a->inflight_now <= inflight_with_headroom(cc) && a->inflight_now <= inflight_for(cc, bbr_max_bw(b));
}

static bool is_time_to_go_down(const struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
	if (b->prev_probe_too_high && (uint64_t)a->inflight + cc->mss > b->inflight_longterm) {
		b->prev_probe_precautionary = true;
		return true;
	}
	if (a->cwnd_full && cc->cwnd >= b->inflight_longterm) { /* the bound holds the rate down, not the path */
		bbr_reset_full_bw(b);
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
	case BBR_DOWN:
		if (is_time_to_probe_bw(cc, b, a->now))
			start_probe_bw_refill(b);
		else if (is_time_to_cruise(cc, b, a))
			b->state = BBR_CRUISE;
		return;
	case BBR_CRUISE:
		if (is_time_to_probe_bw(cc, b, a->now))
			start_probe_bw_refill(b);
		return;
	case BBR_REFILL:
		if (!b->round_start)
			return;
		b->is_bw_probe_sample = true;
		start_probe_bw_up(cc, b, a);
		return;
	case BBR_UP:
		if (!is_time_to_go_down(cc, b, a))
			return;
		b->prev_probe_too_high = false;
		start_probe_bw_down(cc, b, a->now);
		return;
	default:
		return;
	}
}

static void exit_probe_rtt(const struct cc *cc, struct bbr *b, ns_t now)
{
	bbr_reset_short_term(b);
	if (!b->full_bw_reached) {
		enter_startup(b);
		return;
	}
	start_probe_bw_down(cc, b, now);
	b->state = BBR_CRUISE; /* what is in flight is below the BDP already */
}

static void check_probe_rtt_done(struct cc *cc, struct bbr *b, ns_t now)
{
	if (b->probe_rtt_done_stamp == 0 || now <= b->probe_rtt_done_stamp)
		return;
	b->probe_rtt_min_stamp = now; /* the next ProbeRTT */
	restore_cwnd(cc, b);
	exit_probe_rtt(cc, b, now);
}

static void handle_probe_rtt(struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
	cc->holds_back = true;
	if (b->probe_rtt_done_stamp == 0) {
		if (a->inflight_now > probe_rtt_cwnd(cc))
			return;
		b->probe_rtt_done_stamp = a->now + PROBE_RTT_DURATION;
		b->probe_rtt_round_done = false;
		bbr_start_round(b);
		return;
	}
	b->probe_rtt_round_done = b->probe_rtt_round_done || b->round_start;
	if (b->probe_rtt_round_done)
		check_probe_rtt_done(cc, b, a->now);
}

static void check_probe_rtt(struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
	if (b->state != BBR_PROBE_RTT && b->probe_rtt_expired && !b->idle_restart) {
		save_cwnd(cc, b);
		b->state = BBR_PROBE_RTT;
		b->probe_rtt_done_stamp = 0;
		b->acks = ACKS_PROBE_STOPPING;
		bbr_start_round(b);
	}
	if (b->state == BBR_PROBE_RTT)
		handle_probe_rtt(cc, b, a);
	if (a->sampled)
		b->idle_restart = false;
}

static void update_model_and_state(struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
	bbr_update_latest_signals(b, a);
	bbr_update_congestion_signals(b, cc->cwnd, a);
	bbr_update_ack_aggregation(b, cc->cwnd, a);
	bbr_check_full_bw(b, a);
	check_startup_done(b, a);
	check_drain_done(cc, b, a);
	update_probe_bw_cycle(cc, b, a);
	bbr_update_min_rtt(b, a);
	check_probe_rtt(cc, b, a);
	bbr_advance_latest_signals(b, a);
	b->bw = bbr_min64(bbr_max_bw(b), b->bw_shortterm);
}

/* ---- the controls (5.6) ---- */

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

	b->seen_rtt = srtt > 0;
	cc->pacing_rate = (uint64_t)b->initial_cwnd * SEC / (uint64_t)(srtt > 0 ? srtt : MS) * STARTUP_GAIN / 100;
}

static void bound_cwnd_for_model(struct cc *cc, const struct bbr *b)
{
	uint32_t cap = BBR_INFINITE;

	if (b->state == BBR_PROBE_RTT || b->state == BBR_CRUISE)
		cap = inflight_with_headroom(cc);
	else if (bbr_in_probe_bw(b))
		cap = b->inflight_longterm;
	cap = bbr_max32(bbr_min32(cap, b->inflight_shortterm), min_pipe_cwnd(cc));
	cc->cwnd = bbr_min32(cc->cwnd, cap);
}

static void set_cwnd(struct cc *cc, struct bbr *b, const struct cc_ack *a)
{
	uint64_t want = bbr_bdp_multiple(b, b->bw, gain[b->state].cwnd) + bbr_extra_acked(b);
	uint32_t max_inflight = quantization_budget(cc, want);
	uint64_t cwnd = cc->cwnd;

	if (b->full_bw_reached)
		cwnd = bbr_min64(cwnd + a->delivered, max_inflight);
	else if (cwnd < max_inflight || a->delivered_total < b->initial_cwnd)
		cwnd += a->delivered;
	cc->cwnd = cc_bound_cwnd(cc, bbr_max64(cwnd, min_pipe_cwnd(cc)));
	if (b->state == BBR_PROBE_RTT)
		cc->cwnd = bbr_min32(cc->cwnd, probe_rtt_cwnd(cc));
	bound_cwnd_for_model(cc, b);
}

/* ---- the operations ---- */

static void bbr_init(struct cc *cc, ns_t now)
{
	struct bbr *b = cc->own;

	b->initial_cwnd = cc->cwnd;
	b->undo_state = BBR_NO_STATE;
	b->inflight_longterm = b->probe_up_acked_per_inc = BBR_INFINITE;
	bbr_model_init(b, cc->first_rtt, now);
	enter_startup(b);
	init_pacing_rate(cc, cc->first_rtt);
}

static void bbr_on_ack(struct cc *cc, const struct cc_ack *a)
{
	struct bbr *b = cc->own;

	cc->holds_back = b->saved = false;
	if (!b->seen_rtt && a->srtt > 0)
		init_pacing_rate(cc, a->srtt);
	if (a->delivered == 0) { /* a duplicate says nothing of the path */
		bound_cwnd_for_model(cc, b);
		return;
	}
	update_model_and_state(cc, b, a);
	set_pacing_rate(cc, gain[b->state].pacing);
	set_cwnd(cc, b, a);
}

/* The losses themselves came by on_lost. Marks alone begin no fast recovery. */
static void bbr_on_congestion(struct cc *cc, const struct cc_ack *a)
{
	struct bbr *b = cc->own;

	save_state_upon_loss(cc, b);
	if (a->ece)
		handle_mark(cc, b, a);
	else if (!a->selective && b->state == BBR_STARTUP && !b->full_bw_reached)
		end_startup_by_loss(b);
	b->in_recovery = true;
	b->in_fast_recovery = !a->ece;
	b->recovery_delivered = a->delivered_total;
}

static void bbr_on_recovered(struct cc *cc, ns_t now)
{
	struct bbr *b = cc->own;

	(void)now;
	if (!b->in_recovery)
		return;
	b->in_recovery = b->in_fast_recovery = false;
	restore_cwnd(cc, b);
	bound_cwnd_for_model(cc, b);
}

static void bbr_on_timeout(struct cc *cc, const struct cc_ack *a)
{
	struct bbr *b = cc->own;

	(void)a;
	save_state_upon_loss(cc, b);
	b->in_recovery = true;
	b->in_fast_recovery = false;
}

/* HandleSpuriousLossDetection. */
static void bbr_on_undo(struct cc *cc, ns_t now)
{
	struct bbr *b = cc->own;

	(void)now;
	b->in_recovery = b->in_fast_recovery = b->saved = false;
	restore_cwnd(cc, b);
	b->loss_in_round = false;
	bbr_reset_full_bw(b);
	b->bw_shortterm = bbr_max64(b->bw_shortterm, b->undo_bw_shortterm);
	b->inflight_shortterm = bbr_max32(b->inflight_shortterm, b->undo_inflight_shortterm);
	b->inflight_longterm = bbr_max32(b->inflight_longterm, b->undo_inflight_longterm);
	if (b->undo_state == BBR_STARTUP) {
		b->full_bw_reached = false;
		if (b->state != BBR_PROBE_RTT)
			enter_startup(b);
	} else if (b->undo_state == BBR_UP && b->state != BBR_UP && b->state != BBR_PROBE_RTT) {
		start_probe_bw_refill(b);
	}
	b->undo_state = BBR_NO_STATE;
}

/* HandleRestartFromIdle. */
static void bbr_on_restart(struct cc *cc, ns_t now)
{
	struct bbr *b = cc->own;

	b->idle_restart = true;
	b->extra_acked_interval_start = now;
	if (bbr_in_probe_bw(b))
		set_pacing_rate(cc, 100);
	else if (b->state == BBR_PROBE_RTT)
		check_probe_rtt_done(cc, b, now);
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
	.on_lost = bbr_on_lost,
	.on_congestion = bbr_on_congestion,
	.on_recovered = bbr_on_recovered,
	.on_timeout = bbr_on_timeout,
	.on_undo = bbr_on_undo,
	.on_restart = bbr_on_restart,
	.info = bbr_info,
};
