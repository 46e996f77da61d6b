/* Loss detection and recovery: which records are lost, when to look again, and what the window
 * becomes while that is so. Congestion control only hears of episodes.
 *
 *   OPEN      nothing odd                  DISORDER  duplicate ACKs or SACKs, nothing lost yet
 *   CWR       the window shrinks for ECN   RECOVERY  something is lost (RFC 6675, 6582, 8985)
 *   LOSS      the retransmission timer fired (RFC 6298, 5681 3.1)
 *
 * RACK-TLP is RFC 8985; the classic rules are RFC 6675 (SACK) and RFC 6582 (NewReno). PRR (RFC 9937)
 * spreads the reduction. Episodes that prove needless are undone: by timestamps (Eifel, RFC 3522 and
 * 4015), by D-SACK (RFC 3708), by F-RTO (RFC 5682). */
#include "tcp.h"

static bool uses_sack(const struct tcb *c)
{
	return c->sack_ok && c->cfg->recovery <= RECOVERY_SACK;
}

static bool uses_rack(const struct tcb *c)
{
	return c->sack_ok && c->cfg->recovery == RECOVERY_RACK;
}

/* Bytes in the network as far as we know. Without SACK each duplicate ACK says that some segment
 * left it; never more than the flight less one segment, or spoofed ones would open the window
 * (Savage 1999). */
uint32_t tcp_inflight(const struct tcb *c)
{
	uint32_t pipe = board_pipe(&c->board), left = (uint32_t)c->dup_acks * c->mss;

	if (uses_sack(c) || !c->dup_acks)
		return pipe;
	uint32_t most = pipe > c->mss ? pipe - c->mss : 0;

	return pipe - (left < most ? left : most);
}

uint32_t tcp_window_left(const struct tcb *c)
{
	uint32_t inflight = tcp_inflight(c), cwnd = c->cc.cwnd;

	/* RFC 3042: the first duplicate ACKs let one new segment each out, since what they report has
	 * left the network. Without limited transmit they do not. */
	if (c->ca == CA_DISORDER && !c->cfg->limited_transmit)
		inflight = c->board.sent_bytes;
	return inflight < cwnd ? cwnd - inflight : 0;
}

/* RFC 5681 3.1: what is acknowledged in order. On a path that is known to reorder, where in-order ACKs are
 * few, whatever is delivered counts (as in Linux). */
static bool earns_growth(const struct tcb *c, const struct ack_news *news)
{
	return news->una_moved || (news->nsacked && c->rack.reordering > c->cfg->dupthresh);
}

static void fill(const struct tcb *c, const struct ack_news *news, uint32_t prior_inflight, struct cc_ack *a)
{
	*a = (struct cc_ack){
		.now = c->tcp->now,
		.acked = earns_growth(c, news) ? news->delivered : 0,
		.delivered = news->delivered,
		.lost = news->lost,
		.inflight = prior_inflight,
		.inflight_now = tcp_inflight(c),
		.rtt = news->rtt,
		.srtt = c->rtt.srtt,
		.min_rtt = c->rtt.min,
		.rate = news->rate.rate,
		.delivered_total = c->rate.delivered,
		.prior_delivered = news->rate.prior_delivered,
		.tx_in_flight = news->rate.tx_in_flight,
		.sample_lost = news->rate.any ? c->rate.lost - news->rate.prior_lost : 0,
		.ce_bytes = news->ce_bytes,
		.ece = news->ece,
		.sampled = news->rate.any,
		.rate_app_limited = news->rate.app_limited,
		.cwnd_limited = c->cwnd_limited || (c->cc.cwnd < c->cc.ssthresh && c->cc.cwnd < 2 * c->max_out),
		.cwnd_full = c->cwnd_limited,
		.selective = uses_sack(c),
		.in_recovery = c->ca >= CA_RECOVERY,
		.snd_una_rel = c->snd.una.v - c->snd.iss.v,
		.snd_nxt_rel = c->snd.nxt.v - c->snd.iss.v,
	};
}

/* ---- RACK (RFC 8985 6) ---- */

/* RFC 8985 6.2 step 2: does this ACK answer an earlier transmission of the record? Its timestamp tells,
 * or an RTT that is too short to be true. */
static bool answers_earlier(const struct tcb *c, const struct rec *r, const struct ack_news *news)
{
	uint32_t ts_sent = (uint32_t)(r->sent / TS_TICK) + c->ts_offset;

	if (news->echo && (int32_t)(news->ts_ecr - ts_sent) < 0)
		return true;
	return c->rtt.min != NS_NEVER && c->tcp->now - r->sent < c->rtt.min;
}

/* Step 1 to 3, for each record newly delivered: the newest transmission known to have arrived, and
 * whether the path reorders. Also the RTT and rate samples, since this is the one walk. */
void tcp_loss_on_record(void *arg, const struct rec *r, struct ack_news *news)
{
	struct tcb *c = arg;
	ns_t now = c->tcp->now, rtt = now - r->sent;

	news->ndelivered++;
	rate_on_delivered(&c->rate, &news->rate,
			  &(struct rate_arrival){&r->snap, r->sent, r->hi.v, r->hi.v - r->lo.v}, now);
	if (r->flags & REC_EVER)
		news->retrans_delivered = true;
	else if (seq_le(r->hi, c->high))
		news->orig_delivered = true;
	if (!(r->flags & REC_EVER)) {
		if (news->first_rtt < 0)
			news->first_rtt = rtt;
		/* A SACK's news comes before the cumulative part: the newest has the shortest time. */
		if (news->rtt < 0 || rtt < news->rtt)
			news->rtt = rtt;
	} else if (answers_earlier(c, r, news)) {
		return;
	}
	if (!c->rack.valid || r->sent > c->rack.xmit || (r->sent == c->rack.xmit && seq_gt(r->hi, c->rack.end))) {
		c->rack.valid = true;
		c->rack.xmit = r->sent;
		c->rack.end = r->hi;
	}
	if (!news->rack_sent || r->sent >= news->rack_sent) { /* the newest of this ACK, if not of all */
		news->rack_sent = r->sent;
		c->rack.rtt = rtt;
	}
	/* Step 3: it was sent once and fills in below what had arrived before this ACK. Within an ACK the
	 * blocks come newest first, and before the cumulative part: that is no reordering. */
	if (seq_gt(r->hi, c->rack.fack))
		c->rack.fack = r->hi;
	if (!(r->flags & REC_EVER) && seq_lt(r->hi, news->prior_fack)) {
		uint32_t width = (news->prior_fack.v - r->lo.v + c->mss - 1) / c->mss;

		c->rack.seen_reordering = true;
		c->rack.reorderings += !news->reordering;
		news->reordering = true;
		if (width > c->rack.reordering)
			c->rack.reordering = (uint16_t)(width < 300 ? width : 300);
	}
}

/* Step 4: how long a record may be overtaken before it counts as lost. */
static void rack_update_window(struct tcb *c, const struct ack_news *news)
{
	if (news->dsack && (!c->rack.dsack_round_on || seq_ge(c->snd.una, c->rack.dsack_round))) {
		c->rack.dsack_round_on = true;
		c->rack.dsack_round = c->snd.nxt;
		if (c->rack.mult < UINT8_MAX)
			c->rack.mult++;
		c->rack.persist = RACK_MULT_PERSIST;
		c->rack.seen_reordering = true;
	}
	if (!c->rack.seen_reordering && (c->ca >= CA_RECOVERY || c->board.nsacked >= c->cfg->dupthresh)) {
		c->rack.reo_wnd = 0;
		return;
	}
	ns_t min = c->rtt.min == NS_NEVER ? c->rtt.srtt : c->rtt.min;

	c->rack.reo_wnd = ns_min(c->rack.mult * (min / 4), c->rtt.srtt);
}

/* Counts what is taken for lost, and tells. That a probe of the path's MTU did not pass says nothing. */
static void tell_lost(struct tcb *c, seq_t lo, seq_t hi, const struct rate_snap *snap)
{
	if (c->mtup.size && seq_ge(lo, c->mtup.lo) && seq_le(hi, c->mtup.hi))
		return;
	rate_on_lost(&c->rate, hi.v - lo.v);
	if (!c->cc.ops->on_lost)
		return;
	struct cc_lost l = {.now = c->tcp->now,
			    .lo = lo.v - c->snd.iss.v,
			    .hi = hi.v - c->snd.iss.v,
			    .tx_in_flight = snap->tx_in_flight,
			    .lost = c->rate.lost - snap->lost,
			    .delivered_total = c->rate.delivered,
			    .app_limited = snap->app_limited,
			    .selective = uses_sack(c)};

	c->cc.ops->on_lost(&c->cc, &l);
}

/* Harmless if it is SACKed, or waits already. */
static void give_up(struct tcb *c, uint32_t id)
{
	const struct rec *r = board_rec(&c->board, id);

	if (!(r->flags & REC_SACKED) && (r->flags & (REC_LOST | REC_FLYING)) != REC_LOST)
		tell_lost(c, r->lo, r->hi, &r->snap);
	board_mark_lost(&c->board, id);
}

static void mark(struct tcb *c, uint32_t id, struct ack_news *news, const char *why)
{
	const struct rec *r = board_rec(&c->board, id);

	news->lost += r->hi.v - r->lo.v;
	tcp_probe(c, PROBE_LOSS, r->lo, r->hi, c->tcp->now - r->sent, why);
	give_up(c, id);
}

/* Step 5. Walks from the oldest transmission and stops at the first that is not overdue, so that
 * the cost is that of what is marked. */
static void rack_detect(struct tcb *c, struct ack_news *news)
{
	ns_t now = c->tcp->now, again = NS_NEVER;

	if (!c->rack.valid)
		return;
	for (uint32_t id = c->board.time_first; id != REC_NONE;) {
		const struct rec *r = board_rec(&c->board, id);
		uint32_t next = r->next;

		if (r->sent > c->rack.xmit || (r->sent == c->rack.xmit && seq_ge(r->hi, c->rack.end)))
			break;
		ns_t due = r->sent + c->rack.rtt + c->rack.reo_wnd;

		if (due > now) {
			again = due;
			break;
		}
		mark(c, id, news, "RACK");
		id = next;
	}
	tcp_timer_set(c, T_REORDER, again);
}

/* ---- the classic rules ---- */

static void sack_detect(struct tcb *c, struct ack_news *news)
{
	struct board *b = &c->board;
	seq_t below = board_lost_below(b, c->snd.una, c->cfg->dupthresh, c->mss);

	/* Each record is looked at once, when the border passes it: what it costs is what is new. A
	 * retransmission's loss is left to the timer, as RFC 6675 has it; but one that went beyond
	 * HighRxt, which is the rescue, does not count as one (rule 1.a). */
	for (uint32_t id = board_find(b, c->sack.judged); id != b->end; id++) {
		const struct rec *r = board_rec(b, id);
		bool rescue = c->ca == CA_RECOVERY && seq_ge(r->lo, c->sack.resent);

		if (seq_ge(r->lo, below))
			break;
		if (r->flags & (REC_LOST | REC_SACKED))
			continue;
		if (!(r->flags & REC_EVER) || rescue)
			mark(c, id, news, "SACK");
		else
			board_original_lost(b, id);
	}
	c->sack.judged = seq_max(c->sack.judged, below);
}

static uint32_t highest_unsacked(const struct board *b)
{
	const struct seqset *s = &b->sacked;
	seq_t end = board_rec(b, b->end - 1)->hi;

	if (s->n && seq_ge(s->r[s->n - 1].hi, end))
		end = s->r[s->n - 1].lo;
	return seq_gt(end, board_rec(b, b->first)->lo) ? board_find(b, seq_add(end, (uint32_t)-1)) : REC_NONE;
}

/* RFC 6675 4 NextSeg: what may go where no hole counts as lost and no new data can go. (3) a hole below
 * something SACKed, though too little is SACKed above it; (4) once for each recovery, and not before an ACK
 * has passed its first retransmission, the end of what is out: it may be lost without a SACK that shows it. */
uint32_t tcp_last_resort(const struct tcb *c)
{
	const struct board *b = &c->board;
	const struct seqset *s = &b->sacked;
	struct seq_range hole;

	if (c->ca != CA_RECOVERY || !uses_sack(c) || uses_rack(c) || board_empty(b) || tcp_window_left(c) < c->mss)
		return REC_NONE;
	if (s->n && seqset_gaps(s, seq_max(c->snd.una, c->sack.resent), s->r[s->n - 1].hi, &hole, 1))
		return board_find(b, hole.lo);
	return seq_gt(c->snd.una, c->sack.rescued) ? highest_unsacked(b) : REC_NONE;
}

/* (3) is a retransmission like another, but both copies count (4, SetPipe); (4) leaves HighRxt alone. */
void tcp_last_resort_sent(struct tcb *c, uint32_t id)
{
	const struct rec *r = board_rec(&c->board, id);
	const struct seqset *s = &c->board.sacked;

	if (s->n && seq_lt(r->lo, s->r[s->n - 1].hi) && seq_gt(r->hi, c->sack.resent)) {
		board_doubled(&c->board, id);
		c->sack.resent = r->hi;
	} else {
		c->sack.rescued = c->high;
	}
}

static void mark_first(struct tcb *c, struct ack_news *news, const char *why)
{
	struct board *b = &c->board;

	if (!board_empty(b) && !(board_rec(b, b->first)->flags & (REC_LOST | REC_SACKED)))
		mark(c, b->first, news, why);
}

static void detect(struct tcb *c, struct ack_news *news)
{
	if (uses_rack(c)) {
		rack_update_window(c, news);
		rack_detect(c, news);
		return;
	}
	if (uses_sack(c))
		sack_detect(c, news);
	/* With SACK as well (RFC 6675 5 (1)): three small segments are no two of full size. */
	if (c->cfg->recovery != RECOVERY_GOBACKN && c->ca < CA_RECOVERY && c->dup_acks >= c->cfg->dupthresh &&
	    seq_ge(c->snd.una, c->high))
		mark_first(c, news, "duplicate ACKs");
}

/* ---- episodes ---- */

static void set_ca(struct tcb *c, enum tcp_ca to, const char *why)
{
	if (c->ca == to)
		return;
	c->ca = to;
	tcp_probe(c, PROBE_RECOVERY, c->snd.una, c->snd.nxt, to, why);
}

/* Remembers what to go back to. A timeout within a recovery keeps what that remembered. */
static void begin_episode(struct tcb *c)
{
	if (c->ca < CA_RECOVERY) {
		c->prior_cwnd = c->cc.cwnd;
		c->prior_ssthresh = c->cc.ssthresh;
		c->undo.on = true;
		c->undo.marker = c->snd.una;
		c->undo.retrans = 0;
		/* An earlier episode's retransmission may still be under way: its ACK is not of an
		 * original, so the oldest time stays the one to compare with. */
		if (!c->board.nflying)
			c->undo.ts_valid = false;
	}
	c->high = c->snd.nxt;
	c->mtu_resend = false;
}

static void start_prr(struct tcb *c, uint32_t prior_inflight)
{
	c->prr_delivered = c->prr_out = 0;
	c->prr_flight = prior_inflight > c->mss ? prior_inflight : c->mss;
	c->prr_first = true;
}

/* RFC 9937 6. Without PRR the window is ssthresh at once (RFC 6675 5 (4.2), RFC 6582 3.2). */
static void reduce(struct tcb *c, const struct ack_news *news, bool dup)
{
	uint32_t inflight = tcp_inflight(c), ssthresh = c->cc.ssthresh, delivered = news->delivered;
	int64_t out;

	if (c->cc.ops->own_recovery)
		return;
	if (!c->cfg->prr) {
		c->cc.cwnd = ssthresh;
		if (c->prr_first && inflight + c->mss > c->cc.cwnd)
			c->cc.cwnd = inflight + c->mss;
		c->prr_first = false;
		return;
	}
	if (!uses_sack(c) && dup)
		delivered += c->mss;
	c->prr_delivered += delivered;
	if (inflight > ssthresh) {
		uint64_t share = (uint64_t)c->prr_delivered * ssthresh + c->prr_flight - 1;

		out = (int64_t)(share / c->prr_flight) - c->prr_out;
	} else {
		int64_t limit = (int64_t)c->prr_delivered - c->prr_out;

		if (limit < delivered)
			limit = delivered;
		if (news->una_moved && !news->lost) /* SafeACK */
			limit += c->mss;
		out = (int64_t)ssthresh - inflight;
		out = out < limit ? out : limit;
	}
	if (c->prr_first && out < c->mss)
		out = c->mss; /* the fast retransmission itself */
	c->prr_first = false;
	c->cc.cwnd = inflight + (uint32_t)(out > 0 ? out : 0);
	if (c->cc.cwnd < c->mss)
		c->cc.cwnd = c->mss;
}

static void enter_loss(struct tcb *c, const char *why);

static void enter_recovery(struct tcb *c, const struct ack_news *news, uint32_t prior_inflight)
{
	struct cc_ack a;

	if (c->cc.ops == &cc_tahoe) { /* fast retransmission, then slow start */
		enter_loss(c, "fast retransmission (Tahoe)");
		c->rexmit_due = true;
		c->send_why = WHY_RECOVERY;
		return;
	}
	begin_episode(c);
	c->stat.recoveries++;
	c->sack.resent = c->snd.una;
	c->sack.rescued = board_rec(&c->board, c->board.first)->hi; /* RFC 6675 5 (4.3) */
	fill(c, news, prior_inflight, &a);
	/* In CWR the window has been reduced for this flight already. */
	if (c->ca != CA_CWR)
		c->cc.ops->on_congestion(&c->cc, &a);
	start_prr(c, prior_inflight);
	if (c->rack.persist && --c->rack.persist == 0)
		c->rack.mult = 1;
	c->send_why = WHY_RECOVERY;
	set_ca(c, CA_RECOVERY, uses_rack(c) ? "RACK" : uses_sack(c) ? "SACK" : "duplicate ACKs");
	if (c->ecn_ok)
		c->cwr_due = true;
}

static void leave_recovery(struct tcb *c)
{
	if (!c->cc.ops->own_recovery && c->ca != CA_LOSS)
		c->cc.cwnd = c->cc.ssthresh > c->mss ? c->cc.ssthresh : c->mss;
	if (c->cc.ops->on_recovered)
		c->cc.ops->on_recovered(&c->cc, c->tcp->now);
	c->undo.on = false;
	c->frto = false;
	c->dup_acks = 0;
	set_ca(c, c->board.nsacked ? CA_DISORDER : CA_OPEN, "recovered");
}

static void undo(struct tcb *c, const char *why)
{
	c->stat.undos++;
	c->stat.spurious++;
	c->tcp->count->tcp_spurious++;
	if (c->cc.cwnd < c->prior_cwnd)
		c->cc.cwnd = c->prior_cwnd;
	if (c->cc.ssthresh < c->prior_ssthresh)
		c->cc.ssthresh = c->prior_ssthresh;
	if (c->cc.ops->on_undo)
		c->cc.ops->on_undo(&c->cc, c->tcp->now);
	board_unmark_all(&c->board);
	c->sack.judged = c->snd.una;
	tcp_probe(c, PROBE_UNDO, c->undo.marker, c->high, 0, why);
	c->undo.on = false;
	c->frto = false;
	c->rexmit_due = false;
	c->dup_acks = 0;
	rtt_clear_backoff(&c->rtt);
	set_ca(c, c->board.nsacked ? CA_DISORDER : CA_OPEN, why);
}

/* Was the episode needless? */
static bool try_undo(struct tcb *c, const struct seg *g, const struct ack_news *news)
{
	if (!c->undo.on || c->ca < CA_RECOVERY || !c->cfg->eifel)
		return false;
	/* RFC 3522: the ACK echoes a timestamp from before the first retransmission. */
	if (news->una_moved && c->undo.ts_valid && c->ts_ok && g->opt.has_ts && g->opt.ts_ecr &&
	    (int32_t)(g->opt.ts_ecr - c->undo.ts) < 0) {
		undo(c, "Eifel: the ACK is of the first transmission");
		return true;
	}
	/* RFC 3708: every retransmission was reported as a duplicate. */
	if (news->dsack && seq_ge(news->dsack_range.lo, c->undo.marker) && seq_le(news->dsack_range.hi, c->high)) {
		uint32_t n = (news->dsack_range.hi.v - news->dsack_range.lo.v + c->mss - 1) / c->mss;

		c->undo.retrans -= (int32_t)n;
		if (c->undo.retrans == 0 && !c->board.nwaiting) {
			undo(c, "D-SACK: every retransmission was needless");
			return true;
		}
	}
	return false;
}

/* ---- tail loss probe (RFC 8985 7) ---- */

void tcp_loss_arm_probe(struct tcb *c)
{
	ns_t now = c->tcp->now, pto = SEC;

	/* RFC 8985 7.3: nor while one is out, nor before the round trip was measured since the last one. */
	if (!c->cfg->tlp || !uses_rack(c) || c->ca > CA_DISORDER || c->tlp_out || !c->tlp_sampled || c->board.nsacked ||
	    board_empty(&c->board) || c->state < TCP_ESTABLISHED) {
		tcp_timer_stop(c, T_PROBE);
		return;
	}
	if (c->rtt.srtt) {
		pto = 2 * c->rtt.srtt;
		if (c->board.end - c->board.first == 1)
			pto += TLP_MAX_ACK_DELAY;
	}
	/* It must fire before the timer that it is to spare. */
	if (c->due[T_REXMIT] != NS_NEVER && now + pto > c->due[T_REXMIT])
		pto = c->due[T_REXMIT] - now;
	tcp_timer_set(c, T_PROBE, now + ns_max(pto, 0));
}

void tcp_loss_on_probe_timer(struct tcb *c)
{
	if (board_empty(&c->board) || c->tlp_out)
		return;
	c->tlp_due = true;
	c->tlp_sampled = false;
	c->stat.tlps++;
	tcp_probe(c, PROBE_TLP, c->snd.una, c->snd.nxt, 2 * c->rtt.srtt, "tail loss probe");
	tcp_talk(c);
	tcp_arm_rexmit(c);
}

/* What was lost has no record any more: the probe, which is acknowledged now, was sent in its place. */
static void tell_probe_repaired(struct tcb *c, const struct ack_news *news)
{
	struct rate_snap snap = {.lost = news->rate.any ? news->rate.prior_lost : c->rate.lost,
				 .tx_in_flight = (news->rate.any ? news->rate.tx_in_flight : c->mss) & (UINT32_MAX >> 1),
				 .app_limited = news->rate.app_limited};

	tell_lost(c, seq_add(c->tlp_end, (uint32_t)-c->mss), c->tlp_end, &snap);
}

/* RFC 8985 7.4.2: did the probe repair a loss? */
static void end_probe_episode(struct tcb *c, const struct seg *g, const struct ack_news *news)
{
	if (!c->tlp_out || seq_lt(g->ack, c->tlp_end))
		return;
	if (!c->tlp_retrans) {
		c->tlp_out = false;
	} else if (news->dsack && seq_eq(news->dsack_range.hi, c->tlp_end)) {
		c->tlp_out = false; /* both copies arrived */
	} else if (seq_gt(g->ack, c->tlp_end)) {
		c->tlp_out = false;
		if (c->ca < CA_CWR) {
			tell_probe_repaired(c, news);
			tcp_enter_cwr(c, news, "a tail loss probe repaired a loss");
			if (!c->cc.ops->own_recovery)
				c->cc.cwnd = c->cc.ssthresh;
			leave_recovery(c);
		}
	} else if (!news->una_moved && !news->nsacked && g->len == 0) {
		c->tlp_out = false; /* a plain duplicate ACK: the probe was a duplicate */
	}
}

void tcp_enter_cwr(struct tcb *c, const struct ack_news *news, const char *why)
{
	struct cc_ack a;

	fill(c, news, tcp_inflight(c), &a);
	c->prior_cwnd = c->cc.cwnd;
	c->prior_ssthresh = c->cc.ssthresh;
	c->undo.on = false;
	c->high = c->snd.nxt;
	c->cc.ops->on_congestion(&c->cc, &a);
	start_prr(c, tcp_inflight(c));
	c->prr_first = false;
	c->cwr_due = c->ecn_ok;
	set_ca(c, CA_CWR, why);
}

/* ---- timeouts ---- */

static void enter_loss(struct tcb *c, const char *why)
{
	struct board *b = &c->board;
	struct ack_news news = {.rtt = -1};
	struct cc_ack a;
	bool again = c->ca == CA_LOSS && c->retries > 1;
	ns_t now = c->tcp->now;

	fill(c, &news, tcp_inflight(c), &a);
	/* RFC 5681 3.1 (4): ssthresh falls once for one segment's series of timeouts. */
	if (!again) {
		begin_episode(c);
		c->cc.ops->on_timeout(&c->cc, &a);
	}
	c->high = c->snd.nxt;
	if (!board_empty(b) && board_rec(b, b->first)->flags & REC_SACKED)
		board_forget_sacks(b); /* RFC 2018 8: it took back what it had SACKed */
	/* RFC 8985 6.3: the first, and whatever is overdue. The classic rule: everything. */
	for (uint32_t id = b->first; id != b->end; id++) {
		const struct rec *r = board_rec(b, id);

		if (id == b->first || !uses_rack(c) || r->sent + c->rack.rtt + c->rack.reo_wnd <= now)
			give_up(c, id);
	}
	c->dup_acks = 0;
	c->tlp_out = c->tlp_due = false;
	tcp_timer_stop(c, T_PROBE);
	tcp_timer_stop(c, T_REORDER);
	if (!c->cc.ops->own_timeout)
		c->cc.cwnd = board_pipe(b) + c->mss;
	/* RFC 5682 2.1 with SACK: only for the first timeout of a series, and not within recovery. */
	c->frto = c->cfg->frto && uses_sack(c) && c->ca < CA_RECOVERY && c->cc.ops != &cc_tahoe;
	c->send_why = WHY_GO_BACK;
	c->cwr_due = c->ecn_ok;
	set_ca(c, CA_LOSS, why);
}

void tcp_loss_on_timeout(struct tcb *c)
{
	const struct rec *r = board_rec(&c->board, c->board.first);

	tcp_probe(c, PROBE_RTO, r->lo, r->hi, rtt_rto(&c->rtt), "retransmission timer");
	enter_loss(c, "retransmission timer");
	if (c->cfg->plpmtud)
		tcp_plpmtud_timeout(c);
}

/* Something waits to be sent again for congestion: not what a router refused (RFC 1191 6.4), and not a
 * probe of the path's MTU that alone is lost. */
static bool loss_shows(struct tcb *c, struct ack_news *news)
{
	if (c->mtup.size && tcp_plpmtud_judge(c, news))
		return false;
	return c->board.nwaiting && (news->lost || !c->mtu_resend);
}

void tcp_loss_on_reorder_timer(struct tcb *c)
{
	struct ack_news news = {.rtt = -1};
	uint32_t prior = tcp_inflight(c);

	rack_detect(c, &news);
	if (!news.lost)
		return;
	if (c->ca < CA_RECOVERY && loss_shows(c, &news))
		enter_recovery(c, &news, prior);
	if (c->ca == CA_RECOVERY)
		reduce(c, &news, false);
	tcp_talk(c);
	tcp_arm_rexmit(c);
}

/* ---- an ACK in each of the five states ---- */

/* RFC 5682 3.1, the SACK-enhanced form: does what comes back show that the originals arrived? */
static bool frto_says_spurious(struct tcb *c, const struct ack_news *news)
{
	if (!c->frto)
		return false;
	if (news->orig_delivered && (news->una_moved || news->nsacked)) {
		undo(c, "F-RTO: bytes that were never resent arrived");
		return true;
	}
	if (news->retrans_delivered && !news->una_moved)
		c->frto = false;
	return false;
}

static void ack_in_loss(struct tcb *c, const struct seg *g, struct ack_news *news)
{
	if (frto_says_spurious(c, news) || try_undo(c, g, news))
		return;
	if (seq_ge(c->snd.una, c->high)) {
		leave_recovery(c);
		return;
	}
	detect(c, news);
}

static void ack_in_recovery(struct tcb *c, const struct seg *g, struct ack_news *news)
{
	if (try_undo(c, g, news))
		return;
	if (news->una_moved && (seq_ge(c->snd.una, c->high) || c->cfg->recovery == RECOVERY_RENO)) {
		leave_recovery(c);
		return;
	}
	if (!uses_sack(c)) {
		if (news->una_moved) { /* RFC 6582 3.2 (partial ACK): the next hole is at una */
			uint32_t segs = news->acked / c->mss;

			c->dup_acks = c->dup_acks + 1u > segs ? (uint16_t)(c->dup_acks + 1 - segs) : 0;
			c->dup_acks_most = c->board.end - c->board.first;
			mark_first(c, news, "partial ACK");
		}
	} else {
		detect(c, news);
	}
	reduce(c, news, news->dup_ack);
}

void tcp_loss_on_ack(struct tcb *c, const struct seg *g, struct ack_news *news, uint32_t prior_inflight)
{
	struct cc_ack a;

	/* Growth is by what this ACK adds; without SACK, what duplicate ACKs had reported (RFC 3042). */
	uint32_t told = uses_sack(c) ? 0 : (uint32_t)c->dup_acks * c->mss;

	end_probe_episode(c, g, news);
	c->sack.judged = seq_max(c->sack.judged, c->snd.una); /* kept near, as `high` is below */
	if (uses_sack(c)) { /* RFC 6675 2: a duplicate is what newly SACKs, cumulative or not */
		if (news->una_moved)
			c->dup_acks = 0;
		if (news->nsacked && c->ca < CA_RECOVERY && c->dup_acks < UINT16_MAX)
			c->dup_acks++;
	} else {
		/* RFC 5681 3.2 (4), the MAY: no more of them than segments were out when they began,
		 * or spoofed ones would open the window without end (Savage 1999). */
		if (c->dup_acks == 0)
			c->dup_acks_most = c->board.end - c->board.first;
		if (news->dup_ack && c->dup_acks < c->dup_acks_most && c->dup_acks < UINT16_MAX)
			c->dup_acks++;
		else if (news->dup_ack)
			news->dup_ack = false;
		else if (news->una_moved && c->ca < CA_RECOVERY)
			c->dup_acks = 0;
	}

	/* RFC 3168 6.1.2: once for each window; what was out at the last reduction has been judged. */
	if (news->ece && c->ca < CA_CWR && seq_gt(c->snd.una, c->high))
		tcp_enter_cwr(c, news, "ECN");
	if (c->ca == CA_LOSS) {
		ack_in_loss(c, g, news);
	} else if (c->ca == CA_RECOVERY) {
		ack_in_recovery(c, g, news);
	} else {
		if (!c->board.nwaiting)
			c->mtu_resend = false;
		detect(c, news);
		if (loss_shows(c, news)) {
			enter_recovery(c, news, prior_inflight);
			if (c->ca == CA_RECOVERY)
				reduce(c, news, news->dup_ack);
		} else if (c->ca == CA_CWR) {
			if (seq_ge(c->snd.una, c->high))
				leave_recovery(c);
			else
				reduce(c, news, false);
		} else {
			set_ca(c, c->board.nsacked || c->dup_acks ? CA_DISORDER : CA_OPEN, "ACK");
			if (seq_gt(c->snd.una, c->high)) /* kept near: it is compared modulo 2^32 */
				c->high = c->snd.una;
		}
	}

	fill(c, news, prior_inflight, &a);
	a.acked -= told < a.acked ? told : a.acked;
	a.round_start = news->una_moved && seq_ge(c->snd.una, c->round_end);
	if (a.round_start)
		c->round_end = c->snd.nxt;
	bool growing = c->ca == CA_OPEN || c->ca == CA_DISORDER || c->ca == CA_LOSS;

	if (c->cc.ops->own_recovery || (growing && earns_growth(c, news)))
		c->cc.ops->on_ack(&c->cc, &a);
	if (c->cc.holds_back)
		rate_app_limited(&c->rate, tcp_inflight(c));
	if (c->pace_by_window)
		tcp_pace_update(c);
	if (news->una_moved || news->nsacked)
		tcp_loss_arm_probe(c);
	if (news->lost || news->una_moved)
		tcp_probe(c, PROBE_CWND, c->snd.una, c->snd.nxt, tcp_inflight(c), "ACK");
}
