/* BBR's model of the path (draft-ietf-ccwg-bbr-06 5.5): the highest delivery rate of two probing cycles,
 * the lowest round trip of ten seconds, how far ACKs run ahead of that rate, and, after losses, what was
 * delivered of late. Nothing here decides what to send. */
#include "cc_bbr.h"

#define LOSS_THRESH_DIV 50 /* LossThresh: 2 % */
#define FULL_BW_ROUNDS 3
#define PROBE_RTT_INTERVAL (5 * SEC)
#define MIN_RTT_FILTER (10 * SEC)

uint64_t bbr_volume(uint64_t rate, ns_t d)
{
	uint64_t t = (uint64_t)ns_max(d, 0);

	if (t == 0 || rate <= UINT64_MAX / t)
		return rate * t / (uint64_t)SEC;
	return rate / (uint64_t)SEC > UINT64_MAX / t ? UINT64_MAX : rate / (uint64_t)SEC * t;
}

uint64_t bbr_bdp_multiple(const struct bbr *b, uint64_t bw, uint32_t percent)
{
	if (b->min_rtt == NS_NEVER)
		return b->initial_cwnd;
	return bbr_min64(bbr_volume(bw, b->min_rtt), CC_CWND_MAX) * percent / 100;
}

uint64_t bbr_max_bw(const struct bbr *b)
{
	return bbr_max64(b->max_bw[0], b->max_bw[1]);
}

void bbr_reset_full_bw(struct bbr *b)
{
	b->full_bw = 0;
	b->full_bw_count = 0;
	b->full_bw_now = false;
}

void bbr_reset_short_term(struct bbr *b)
{
	b->bw_shortterm = BBR_RATE_INFINITE;
	b->inflight_shortterm = BBR_INFINITE;
}

void bbr_reset_congestion_signals(struct bbr *b)
{
	b->loss_in_round = false;
	b->bw_latest = 0;
	b->inflight_latest = 0;
}

void bbr_model_init(struct bbr *b, ns_t first_rtt, ns_t now)
{
	b->min_rtt = b->probe_rtt_min_delay = first_rtt > 0 ? first_rtt : NS_NEVER;
	b->min_rtt_stamp = b->probe_rtt_min_stamp = b->extra_acked_interval_start = now;
	bbr_reset_congestion_signals(b);
	bbr_reset_short_term(b);
	bbr_reset_full_bw(b);
}

/* ---- rounds ---- */

void bbr_start_round(struct bbr *b)
{
	b->next_round_delivered = b->delivered;
}

static void update_round(struct bbr *b, const struct cc_ack *a)
{
	b->round_start = a->sampled && a->prior_delivered >= b->next_round_delivered;
	if (!b->round_start)
		return;
	bbr_start_round(b);
	b->round_count++;
	b->rounds_since_probe_up++;
	b->extra_acked[b->round_count % ARRAY_LEN(b->extra_acked)] = 0;
}

/* ---- what was delivered of late ---- */

static uint32_t delivered_since(const struct cc_ack *a)
{
	return a->sampled ? (uint32_t)bbr_min64(a->delivered_total - a->prior_delivered, CC_CWND_MAX) : 0;
}

void bbr_update_latest_signals(struct bbr *b, const struct cc_ack *a)
{
	b->delivered = a->delivered_total;
	b->loss_round_start = false;
	b->bw_latest = bbr_max64(b->bw_latest, a->rate);
	b->inflight_latest = bbr_max32(b->inflight_latest, delivered_since(a));
	if (a->sampled && a->prior_delivered >= b->loss_round_delivered) {
		b->loss_round_delivered = a->delivered_total;
		b->loss_round_start = true;
	}
}

void bbr_advance_latest_signals(struct bbr *b, const struct cc_ack *a)
{
	if (!b->loss_round_start)
		return;
	b->bw_latest = a->rate;
	b->inflight_latest = delivered_since(a);
	b->lost_ranges = 0;
}

/* ---- the highest rate ---- */

static void update_max_bw(struct bbr *b, const struct cc_ack *a)
{
	update_round(b, a);
	if (a->rate > 0 && (a->rate >= bbr_max_bw(b) || !a->rate_app_limited))
		b->max_bw[1] = bbr_max64(b->max_bw[1], a->rate);
}

/* A cycle without a single sample is none: what is known stays known. */
void bbr_advance_max_bw_filter(struct bbr *b)
{
	if (b->max_bw[1] == 0)
		return;
	b->max_bw[0] = b->max_bw[1];
	b->max_bw[1] = 0;
}

/* Rounds of no growth, though it was tried. An ACK without a sample of the rate proves nothing. */
void bbr_check_full_bw(struct bbr *b, const struct cc_ack *a)
{
	if (b->full_bw_now || !b->round_start || a->rate_app_limited || a->rate == 0)
		return;
	if (a->rate >= b->full_bw + b->full_bw / 4) {
		bbr_reset_full_bw(b);
		b->full_bw = a->rate;
		return;
	}
	b->full_bw_now = ++b->full_bw_count >= FULL_BW_ROUNDS;
	if (b->full_bw_now)
		b->full_bw_reached = true;
}

/* ---- losses while not probing: down towards what was delivered (5.5.10.3) ---- */

static void adapt_lower_bounds(struct bbr *b, uint32_t cwnd)
{
	bool probing = b->state == BBR_STARTUP || b->state == BBR_REFILL || b->state == BBR_UP;

	if (probing || !b->loss_in_round)
		return;
	if (b->bw_shortterm == BBR_RATE_INFINITE)
		b->bw_shortterm = bbr_max_bw(b);
	if (b->inflight_shortterm == BBR_INFINITE)
		b->inflight_shortterm = cwnd;
	b->bw_shortterm = bbr_max64(b->bw_latest, b->bw_shortterm / BBR_BETA_DEN * BBR_BETA_NUM);
	b->inflight_shortterm = bbr_max32(
		b->inflight_latest, (uint32_t)((uint64_t)b->inflight_shortterm * BBR_BETA_NUM / BBR_BETA_DEN));
}

void bbr_update_congestion_signals(struct bbr *b, uint32_t cwnd, const struct cc_ack *a)
{
	update_max_bw(b, a);
	if (!b->loss_round_start)
		return;
	adapt_lower_bounds(b, cwnd);
	b->loss_in_round = false;
}

/* ---- aggregation: how much more was acknowledged than the rate explains ---- */

void bbr_update_ack_aggregation(struct bbr *b, uint32_t cwnd, const struct cc_ack *a)
{
	uint64_t expected = bbr_volume(b->bw, a->now - b->extra_acked_interval_start);
	uint32_t *most = &b->extra_acked[b->round_count % ARRAY_LEN(b->extra_acked)];

	if (b->extra_acked_delivered <= expected) { /* the ACKs have fallen behind: a new interval */
		b->extra_acked_delivered = 0;
		b->extra_acked_interval_start = a->now;
		expected = 0;
	}
	b->extra_acked_delivered += a->delivered;
	*most = bbr_max32(*most, (uint32_t)bbr_min64(b->extra_acked_delivered - expected, cwnd));
}

/* Of this round and the ten before it; in Startup, of the one before it. */
uint32_t bbr_extra_acked(const struct bbr *b)
{
	uint32_t n = b->full_bw_reached ? BBR_EXTRA_ACKED_ROUNDS : 1, most = 0;

	for (uint32_t i = 0; i <= n; i++) {
		uint32_t at = (b->round_count + (uint32_t)ARRAY_LEN(b->extra_acked) - i) % ARRAY_LEN(b->extra_acked);

		most = bbr_max32(most, b->extra_acked[at]);
	}
	return most;
}

/* ---- the lowest round trip (5.3.4.3, 5.5.7) ---- */

void bbr_update_min_rtt(struct bbr *b, const struct cc_ack *a)
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

/* ---- how much was too much (5.5.10.2) ---- */

bool bbr_is_inflight_too_high(uint32_t lost, uint32_t tx_in_flight, bool selective)
{
	return (uint64_t)lost * LOSS_THRESH_DIV > tx_in_flight || (lost > 0 && !selective);
}

/* What was in flight when the losses crossed the threshold, somewhere within this packet. With p for the
 * part of it up to there: (lost before + p) / (in flight before + p) = 1/50. */
uint32_t bbr_inflight_at_loss(const struct cc_lost *l)
{
	uint32_t size = l->hi - l->lo;
	uint32_t inflight_prev = l->tx_in_flight > size ? l->tx_in_flight - size : 0;
	uint64_t lost_prev = l->lost > size ? l->lost - size : 0;
	uint64_t over = lost_prev * LOSS_THRESH_DIV;
	uint64_t prefix = inflight_prev > over ? (inflight_prev - over) / (LOSS_THRESH_DIV - 1) : 0;

	return inflight_prev + (uint32_t)prefix;
}
