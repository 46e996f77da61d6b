/* Emit: what to say next. Nothing here changes the connection but what speaking changes: snd.nxt,
 * records, timers, and the marks of what was owed. How a segment is written is tcp_write.c's.
 *
 * what_next is one ordered list of reasons. RFC 9293 3.8.6.2.1 (sender's
 * silly window), 3.7.4 (Nagle), 3.8.5 (urgent), 3.8.6.1 (probes), RFC 6675 5 (C), RFC 8985 7.3, RFC 7323 3. */
#include "tcp_write.h"

enum say {
	SAY_NOTHING,
	SAY_SYN,
	SAY_RESEND,     /* a lost record */
	SAY_TAIL_PROBE, /* the last record again, or new data (RFC 8985 7.3) */
	SAY_ACK,
	SAY_MTU_PROBE,  /* data not sent before, in a segment larger than the MSS (RFC 4821 7) */
	SAY_NEW,        /* data not sent before, with the FIN if it is the end */
	SAY_FIN,
	SAY_LAST_RESORT, /* RFC 6675 4 NextSeg (3), (4) */
	SAY_PERSIST,
	SAY_KEEP,
};

/* ---- quantities ---- */

static bool may_send_data(const struct tcb *c)
{
	switch (c->state) {
	case TCP_ESTABLISHED:
	case TCP_CLOSE_WAIT:
	case TCP_FIN_WAIT_1:
	case TCP_CLOSING:
	case TCP_LAST_ACK:
		return true;
	case TCP_SYN_RECEIVED: /* RFC 7413 4.2.2: an answer to the text of the SYN need not wait */
		return c->tfo & TFO_CHILD;
	default:
		return false;
	}
}

static uint32_t unsent(const struct tcb *c)
{
	uint32_t sent = queue_off(c, c->snd.nxt);

	return c->fin_sent ? 0 : c->sndq.bytes - sent;
}

/* The same up to the end of the record that is next: no segment holds parts of two. One that ends beyond
 * a quantum does not matter yet. */
static uint32_t unsent_record(const struct tcb *c)
{
	uint32_t have = unsent(c), look = have < QUANTUM ? have : QUANTUM;
	uint32_t within = have ? sndq_within(&c->sndq, queue_off(c, c->snd.nxt), look) : 0;

	return within < look ? within : have;
}

/* How far the peer's window reaches beyond snd.nxt. */
static uint32_t peer_room(const struct tcb *c)
{
	int32_t room = seq_diff(seq_add(c->snd.una, c->snd.wnd), c->snd.nxt);

	return room > 0 ? (uint32_t)room : 0;
}

/* ---- pacing ---- */

static uint64_t pace_rate(const struct tcb *c)
{
	uint64_t rate = c->cc.pacing_rate;

	return c->pace_cap && rate > c->pace_cap ? c->pace_cap : rate;
}

static bool pace_holds(const struct tcb *c)
{
	return c->cc.pacing_rate && c->tcp->now < c->pace_at;
}

/* So much may leave at once: a millisecond's worth, in whole segments, but two always. */
static uint32_t pace_quantum(const struct tcb *c)
{
	uint64_t bytes = pace_rate(c) / (uint64_t)(SEC / PACE_QUANTUM);

	if (bytes > QUANTUM)
		bytes = QUANTUM;
	return bytes < 2u * c->mss ? 2u * c->mss : (uint32_t)(bytes - bytes % c->mss);
}

static void pace(struct tcb *c, uint32_t len)
{
	if (!c->cc.pacing_rate)
		return;
	ns_t gap = (ns_t)((unsigned __int128)len * SEC / pace_rate(c));

	c->pace_at = ns_max(c->pace_at, c->tcp->now) + gap;
}

/* ---- SYN ---- */

/* What we announce (RFC 6691): what fits our link, whatever is known of the path from us, or less if so
 * configured. */
uint16_t tcp_own_mss(const struct tcb *c)
{
	uint32_t mss = net_mtu(c->tcp->net, &c->flow.key.remote) - (c->v6 ? IP6_LEN : IP4_LEN) - TCP_LEN;

	if (c->cfg->mss && c->cfg->mss < mss)
		mss = c->cfg->mss;
	if (c->mss_clamp && c->mss_clamp < mss)
		mss = c->mss_clamp;
	return (uint16_t)mss;
}

static void say_syn(struct tcb *c)
{
	struct tcp *t = c->tcp;
	bool answer = c->state == TCP_SYN_RECEIVED;
	struct pkt *p = write_pkt(c);
	uint32_t space = tcp_rcv_space(c);
	struct seg g = {.seq = c->snd.iss, .flags = TH_SYN};

	if (!p)
		return; /* the timer asks again */
	c->syn_due = false;
	g.wnd = (uint16_t)(space < 65535 ? space : 65535);
	g.opt.has_mss = !c->cfg->no_options;
	g.opt.mss = tcp_own_mss(c);
	if (answer) {
		g.flags |= TH_ACK;
		g.ack = c->rcv.nxt;
		c->rcv.adv = seq_max(c->rcv.adv, seq_add(c->rcv.nxt, g.wnd));
		g.flags |= tcp_ecn_synack(c, &g);
		g.opt.sack_ok = c->sack_ok;
		g.opt.has_wscale = c->ws_ok;
		g.opt.has_ts = c->ts_ok;
	} else {
		bool rich = !c->cfg->no_options && (!c->cfg->syn_options || c->retries < c->cfg->syn_options);

		g.opt.sack_ok = rich && c->cfg->sack;
		g.opt.has_wscale = rich && c->cfg->wscale;
		g.opt.has_ts = rich && c->cfg->timestamps;
		g.flags |= tcp_ecn_syn(c);
	}
	if (answer && c->tfo & TFO_GRANT)
		tcp_fastopen_synack(c, &g);
	else if (!answer && c->tfo & TFO_WANTED && c->retries == 0)
		tcp_fastopen_syn(c, p, &g);
	if (c->cfg->uto)
		tcp_uto_say(c, &g);
	g.opt.wscale = c->rcv_wscale;
	if (g.opt.has_ts) {
		g.opt.ts_val = tcp_ts_now(c);
		g.opt.ts_ecr = answer ? c->ts_recent : 0;
	}
	bool asked = c->send_why == WHY_SYN_ACK; /* by the SYN, which came again */
	bool again = c->retries || asked;

	write_note(c, p, !again ? WHY_NEW : answer ? WHY_SYN_ACK : WHY_SYN, seq_add(c->snd.iss, 1), g.len);
	p->note.xmit = (uint8_t)(c->retries + 1);
	p->note.rto = asked ? 0 : c->rtt.rto << (c->rtt.backoff ? c->rtt.backoff - 1 : 0);
	p->note.outstanding = t->now - c->last_sent;
	if (again) {
		t->count->tcp_retrans++;
		c->stat.retrans_by[answer ? WHY_SYN_ACK : WHY_SYN]++;
	}
	c->send_why = WHY_NEW;
	c->snd.nxt = seq_max(c->snd.nxt, seq_add(c->snd.iss, 1 + g.len));
	c->snd.max = seq_max(c->snd.max, c->snd.nxt);
	c->last_sent = t->now;
	write_segment(c, p, &g);
	if (answer)
		write_acked(c);
}

/* ---- lost records ---- */

/* The longest send unit. Where a device cuts it, one unit holds about a millisecond of the window's
 * rate and no more than half the window, so that ACKs still arrive spread out; as Linux does, whose
 * rate is twice (in slow start) or 1.2 times cwnd/srtt. A short path may have the largest at once. */
static uint32_t unit_limit(const struct tcb *c)
{
	uint32_t most = QUANTUM - QUANTUM % c->mss, half = c->cc.cwnd / 2;

	if ((c->acc.on && tcp_ecn_is_single(c)) || c->ao)
		return c->mss;
	if (!makes_units(c))
		return most;
	uint64_t rate = c->cc.cwnd * (c->cc.cwnd < c->cc.ssthresh / 2 ? 200ull : 120ull) / 100;
	uint64_t bytes = c->rtt.srtt ? rate * MS / (uint64_t)c->rtt.srtt : most;
	uint64_t least = (uint64_t)(c->cfg->unit_segs ? c->cfg->unit_segs : 1) * c->mss;

	if (c->rtt.min != NS_NEVER && c->rtt.min < 16 * 512 * US)
		bytes += QUANTUM >> (c->rtt.min / (512 * US));
	bytes = bytes < least ? least : bytes - bytes % c->mss;
	half = half < c->mss ? c->mss : half - half % c->mss;
	if (bytes > half)
		bytes = half;
	return bytes < most ? (uint32_t)bytes : most;
}

static void fill_why(struct tcb *c, const struct rec *r, enum send_why why, struct pkt_note *n)
{
	*n = (struct pkt_note){.why = (uint8_t)why,
			       .xmit = (uint8_t)(r->xmits < UINT8_MAX ? r->xmits + 1 : UINT8_MAX),
			       .rto = why == WHY_RTO ? c->rtt.rto << (c->rtt.backoff ? c->rtt.backoff - 1 : 0)
						     : 2 * c->rtt.srtt,
			       .dupacks = (uint8_t)(c->sack_ok ? (c->board.nsacked < 255 ? c->board.nsacked : 255)
							      : (c->dup_acks < 255 ? c->dup_acks : 255)),
			       .outstanding = c->tcp->now - r->sent};
}

/* A record's text, in as many units as it takes. */
static bool resend_text(struct tcb *c, const struct rec *r, uint32_t len, const struct pkt_note *n)
{
	uint16_t fin = r->flags & REC_FIN ? TH_FIN : 0;

	for (uint32_t done = 0, got; done < len; done += got) {
		got = write_text(c, seq_add(r->lo, done), len - done, fin, n);
		if (!got)
			return false;
	}
	return true;
}

static uint32_t text_of(const struct rec *r)
{
	return r->hi.v - r->lo.v - !!(r->flags & REC_FIN);
}

/* How many records from id on may go again as one unit: whole segments, all waiting, within the window. */
static uint32_t lost_run(const struct tcb *c, uint32_t id)
{
	uint32_t n = 1, room = tcp_window_left(c), limit = unit_limit(c);
	uint32_t bytes = text_of(board_rec(&c->board, id));

	if (!makes_units(c) || c->rexmit_due || bytes != c->mss)
		return 1;
	if (c->ca == CA_RECOVERY && !c->prr_out)
		return 1; /* the fast retransmission itself is one segment (RFC 5681 3.2) */
	if (c->cc.pacing_rate && limit > pace_quantum(c))
		limit = pace_quantum(c);
	while (id + n != c->board.end) {
		const struct rec *r = board_rec(&c->board, id + n);

		if ((r->flags & (REC_LOST | REC_FLYING | REC_SACKED | REC_FIN)) != REC_LOST || text_of(r) != c->mss)
			break;
		bytes += c->mss;
		if (bytes > room || bytes > limit)
			break;
		n++;
	}
	return n;
}

static void account_resent(struct tcb *c, uint32_t id, enum send_why why)
{
	struct tcp *t = c->tcp;
	struct rec *r = board_rec(&c->board, id);
	uint32_t text = text_of(r);

	if (c->undo.on) {
		c->undo.retrans++;
		if (!c->undo.ts_valid) {
			c->undo.ts_valid = true;
			c->undo.ts = tcp_ts_now(c);
		}
	}
	rate_on_send(&c->rate, &r->snap, tcp_inflight(c), r->hi.v - r->lo.v, t->now); /* after a timeout a flight begins anew */
	board_resent(&c->board, id, t->now);
	t->count->tcp_retrans++;
	c->stat.retrans_by[why]++;
	c->stat.bytes_retrans += text;
	c->prr_out += text;
}

/* `count` records again, from id on; more than one are whole segments of the MSS. */
static bool resend(struct tcb *c, uint32_t id, uint32_t count, enum send_why why)
{
	struct rec *r = board_rec(&c->board, id);
	struct pkt_note n;
	uint32_t text = count > 1 ? count * c->mss : text_of(r);

	c->mtup.size = 0; /* whether a probe passed can no longer be told */
	fill_why(c, r, why, &n);
	if (text) {
		if (!resend_text(c, r, text, &n))
			return false;
	} else {
		if (why != WHY_TLP)
			n.why = WHY_FIN;
		if (!write_bare(c, r->lo, TH_FIN | TH_ACK, n.why))
			return false;
	}
	for (uint32_t i = 0; i < count; i++)
		account_resent(c, id + i, n.why);
	c->last_sent = c->tcp->now;
	pace(c, text);
	if (c->due[T_REXMIT] == NS_NEVER)
		tcp_arm_rexmit(c);
	return true;
}

static bool say_resend(struct tcb *c)
{
	uint32_t id = board_next_lost(&c->board);
	enum send_why why = c->rexmit_due && c->ca == CA_LOSS && c->send_why != WHY_RECOVERY ? WHY_RTO : c->send_why;

	uint32_t n = id == REC_NONE ? 0 : lost_run(c, id);

	c->rexmit_due = false;
	if (id == REC_NONE)
		return true;
	if (c->ca == CA_LOSS && why == WHY_RECOVERY)
		c->send_why = WHY_GO_BACK; /* Tahoe: only the first is the fast retransmission */
	if (!resend(c, id, n, why))
		return false;
	if (c->ca == CA_RECOVERY)
		c->sack.resent = seq_max(c->sack.resent, board_rec(&c->board, id + n - 1)->hi);
	return true;
}

static bool say_last_resort(struct tcb *c)
{
	uint32_t id = tcp_last_resort(c);

	if (!resend(c, id, 1, WHY_RECOVERY))
		return false;
	tcp_last_resort_sent(c, id);
	return true;
}

/* ---- new data ---- */

/* RFC 5681 4.1: after an RTO of silence nothing clocks out what a large window would let go at once, so it
 * falls to the initial one; ssthresh remembers (RFC 2861 2). What paces needs no such thing. */
static void idle_restart(struct tcb *c)
{
	ns_t idle = c->tcp->now - c->last_sent;
	uint32_t restart = cc_initial_window(c->mss, c->cfg->iw_segs), kept = c->cc.cwnd - c->cc.cwnd / 4;

	if (!board_empty(&c->board) || !c->stat.data_out || idle <= rtt_rto(&c->rtt))
		return;
	c->last_sent = c->tcp->now; /* once for each silence */
	if (c->cc.ops->on_idle)
		c->cc.ops->on_idle(&c->cc, c->tcp->now, idle);
	if (!c->cfg->idle_restart || c->cc.ops->wants_pacing || c->cc.ops == &cc_none || c->cc.cwnd <= restart)
		return;
	if (c->cc.ssthresh < kept)
		c->cc.ssthresh = kept;
	c->cc.cwnd = restart;
}

/* draft-ietf-ccwg-bbr-06 5.4.1. Retransmissions count as well. */
static void restart_from_dry(struct tcb *c)
{
	if (c->cc.ops->on_restart && c->rate.app_limited && !tcp_inflight(c))
		c->cc.ops->on_restart(&c->cc, c->tcp->now);
}

/* How much new text may go now; 0 if none, with *why_not for the persist timer and growth. */
enum blocked { BLOCKED_NOT, BLOCKED_CWND, BLOCKED_WINDOW, BLOCKED_NAGLE, BLOCKED_PACE };

static uint32_t new_text(struct tcb *c, enum blocked *why_not)
{
	uint32_t have = unsent_record(c), room = peer_room(c), cwnd = tcp_window_left(c), len = have;

	*why_not = BLOCKED_NOT;
	if (!have || !may_send_data(c))
		return 0;
	if (pace_holds(c)) {
		*why_not = BLOCKED_PACE;
		return 0;
	}
	uint32_t limit = unit_limit(c);

	if (c->cc.pacing_rate && limit > pace_quantum(c))
		limit = pace_quantum(c);
	if (len > limit)
		len = limit;
	if (len > cwnd) {
		*why_not = BLOCKED_CWND;
		/* Whole segments only: a fraction of the window is left for later, unless it is all there
		 * is of the window. */
		len = cwnd >= c->mss || tcp_inflight(c) ? cwnd - cwnd % c->mss : cwnd;
	}
	if (len > room) {
		*why_not = BLOCKED_WINDOW;
		len = room;
	}
	if (len >= c->mss) /* full segments now; the tail is judged when it is its turn */
		return len - len % c->mss;
	if (!len)
		return 0;

	/* Less than a segment: RFC 9293 3.8.6.2.1 (2) to (4), and Nagle as Minshall has it. */
	bool all = len == have, small_out = seq_gt(c->snd.small, c->snd.una) && urgent_ahead(c, c->snd.nxt) <= 0;

	if (all && (c->flush || have < unsent(c))) /* what is followed by another record will not grow */
		return len;

	bool hold = (c->cork || c->more_holds) && !c->fin_queued;

	if (all && !hold && (c->nodelay || !small_out || c->fin_queued))
		return len;
	if (!all && len >= c->snd.max_wnd / 2 && *why_not == BLOCKED_WINDOW)
		return len;
	if (all && (hold || small_out))
		*why_not = BLOCKED_NAGLE;
	return 0;
}

static void record_sent(struct tcb *c, uint32_t len, bool fin, uint32_t unit)
{
	ns_t now = c->tcp->now;
	uint32_t inflight = tcp_inflight(c);
	seq_t end = seq_add(c->snd.nxt, len + fin);

	while (seq_lt(c->snd.nxt, end)) {
		struct rate_snap snap;
		uint32_t left = end.v - c->snd.nxt.v, text = left - fin;
		bool last = text <= unit;
		seq_t hi = last ? end : seq_add(c->snd.nxt, unit);

		rate_on_send(&c->rate, &snap, inflight, hi.v - c->snd.nxt.v, now);
		/* Room was made sure of before anything was written. */
		bool ok = board_add(&c->board, c->snd.nxt, hi, fin && last ? REC_FIN : 0, &snap, now);

		assert(ok);
		inflight += hi.v - c->snd.nxt.v;
		c->snd.nxt = hi;
	}
	c->snd.max = c->snd.nxt;
	c->probe_out = false;
}

static void text_sent(struct tcb *c, uint32_t sent, bool was_empty)
{
	ns_t now = c->tcp->now;

	c->stat.bytes_sent += sent;
	c->prr_out += sent;
	c->last_sent = c->last_data_out = now;
	pace(c, sent);
	if (was_empty || c->due[T_REXMIT] == NS_NEVER)
		tcp_arm_rexmit(c); /* RFC 6298 5.1 */
	tcp_timer_stop(c, T_PERSIST);
	tcp_loss_arm_probe(c);
}

/* `len` is what one unit may hold: less than a segment, or some whole ones. */
static bool say_new(struct tcb *c, uint32_t len)
{
	struct tcp *t = c->tcp;
	struct pkt_note n = {.why = WHY_NEW, .xmit = 1};
	bool was_empty = board_empty(&c->board);

	assert(len <= QUANTUM);
	assert(len < c->mss || len % c->mss == 0);

	if (c->ca == CA_DISORDER)
		n.why = WHY_LIMITED;
	if (!board_reserve(&c->board, len / c->mss + 2)) {
		t->count->no_memory++;
		return false;
	}
	bool fin = c->fin_queued && len == unsent(c) && peer_room(c) > len && c->state >= TCP_ESTABLISHED;
	uint32_t sent = write_text(c, c->snd.nxt, len, fin ? TH_FIN : 0, &n);

	if (!sent)
		return false;
	fin = fin && sent == len;
	if (sent < c->mss || sent % c->mss)
		c->snd.small = seq_add(c->snd.nxt, sent);
	record_sent(c, sent, fin, c->mss);
	c->fin_sent = c->fin_sent || fin;
	text_sent(c, sent, was_empty);
	return true;
}

static bool say_mtu_probe(struct tcb *c, uint32_t len)
{
	struct pkt_note n = {.why = WHY_MTU_PROBE, .xmit = 1};
	bool was_empty = board_empty(&c->board);
	uint32_t sent = board_reserve(&c->board, 2) ? write_text(c, c->snd.nxt, len, 0, &n) : 0;

	if (!sent)
		return false;
	if (sent == len)
		tcp_plpmtud_sent(c, len);
	record_sent(c, sent, false, sent == len ? len : c->mss);
	c->stat.retrans_by[WHY_MTU_PROBE]++;
	text_sent(c, sent, was_empty);
	return true;
}

static bool say_fin(struct tcb *c)
{
	if (!board_reserve(&c->board, 1) || !write_bare(c, c->snd.nxt, TH_FIN | TH_ACK, WHY_NEW))
		return false;
	record_sent(c, 0, true, c->mss);
	c->fin_sent = true;
	c->last_sent = c->tcp->now;
	if (c->due[T_REXMIT] == NS_NEVER)
		tcp_arm_rexmit(c);
	tcp_loss_arm_probe(c);
	return true;
}

static bool say_tail_probe(struct tcb *c)
{
	uint32_t have = unsent_record(c), room = peer_room(c);

	c->tlp_due = false;
	if (board_empty(&c->board))
		return true;
	c->tlp_end = c->snd.nxt;
	/* RFC 8985 7.3: new data if there is any and the peer has room; cwnd may be exceeded by it. */
	if (have && room >= (have < c->mss ? have : c->mss) && may_send_data(c)) {
		c->tlp_retrans = false;
		c->tlp_out = true;
		bool ok = say_new(c, have < c->mss ? have : c->mss);

		c->tlp_end = c->snd.nxt;
		return ok;
	}
	c->tlp_retrans = true;
	c->tlp_out = true;
	return resend(c, c->board.end - 1, 1, WHY_TLP);
}

/* One byte beyond the window, or, if there is only a FIN to come, a bare segment below it. A window
 * that opened a little is filled with what fits (RFC 9293 3.8.6.2.1 (4)). */
static bool say_persist(struct tcb *c)
{
	struct tcp *t = c->tcp;
	uint32_t room = peer_room(c), have = unsent_record(c), fits = room < have ? room : have;

	c->probe_due = false;
	if (!may_send_data(c) || !board_empty(&c->board))
		return true;
	if (fits) {
		c->more = c->more_holds = false;
		return say_new(c, fits < c->mss ? fits : c->mss);
	}
	if (!have || c->cfg->bare_probes)
		return write_bare(c, seq_add(c->snd.una, (uint32_t)-1), TH_ACK, WHY_PERSIST);
	struct pkt_note n = {.why = WHY_PERSIST, .xmit = c->retries};

	if (!write_text(c, c->snd.nxt, 1, 0, &n))
		return false;
	c->probe_out = true;
	c->snd.max = seq_add(c->snd.nxt, 1);
	c->last_sent = t->now;
	c->stat.retrans_by[WHY_PERSIST]++;
	return true;
}

/* ---- the list of reasons ---- */

static bool can_resend(const struct tcb *c)
{
	if (!c->board.nwaiting)
		return false;
	if (pace_holds(c))
		return false;
	return c->rexmit_due || tcp_window_left(c) >= c->mss || tcp_inflight(c) == 0;
}

static enum say what_next(struct tcb *c, uint32_t *len, enum blocked *why_not)
{
	*why_not = BLOCKED_NOT;
	if (c->syn_due)
		return SAY_SYN;
	if (c->state < TCP_ESTABLISHED && !may_send_data(c))
		return c->state == TCP_SYN_RECEIVED && c->ack_now ? SAY_ACK : SAY_NOTHING;
	if (tcp_ecn_owes_ack(c) && c->ack_now)
		return SAY_ACK;
	if (can_resend(c))
		return SAY_RESEND;
	if (c->tlp_due)
		return SAY_TAIL_PROBE;
	/* Reports of holes and duplicates go alone, since text leaves no room for their blocks. */
	if (c->ack_now && (c->rcvq.nearly || c->dsack_due || c->challenge_due || c->dup_acks_owed))
		return SAY_ACK;
	if (c->mtup.on && !pace_holds(c) && urgent_ahead(c, c->snd.nxt) <= 0 &&
	    (*len = tcp_plpmtud_wants(c, unsent_record(c), peer_room(c), tcp_window_left(c))))
		return SAY_MTU_PROBE;
	if (!c->board.nwaiting && (*len = new_text(c, why_not)))
		return SAY_NEW;
	if (c->fin_queued && !c->fin_sent && may_send_data(c) && !unsent(c) && peer_room(c) && c->state >= TCP_ESTABLISHED)
		return SAY_FIN;
	if (!c->board.nwaiting && !pace_holds(c) && tcp_last_resort(c) != REC_NONE)
		return SAY_LAST_RESORT;
	if (c->probe_due)
		return SAY_PERSIST;
	if (c->keep_due)
		return SAY_KEEP;
	return c->ack_now || c->dup_acks_owed ? SAY_ACK : SAY_NOTHING;
}

static bool say_ack(struct tcb *c)
{
	enum send_why why = c->challenge_due ? WHY_CHALLENGE : WHY_NEW;

	if (c->dup_acks_owed)
		c->dup_acks_owed--;
	bool more = c->dup_acks_owed;
	bool fin = c->cfg->fin_again && c->fin_sent && why == WHY_NEW && seq_lt(c->snd.una, c->snd.nxt);

	if (!write_bare(c, seq_add(c->snd.nxt, (uint32_t)-fin), fin ? TH_ACK | TH_FIN : TH_ACK, why))
		return false;
	c->ack_now = more;
	return true;
}

static bool say(struct tcb *c, enum say what, uint32_t len)
{
	switch (what) {
	case SAY_SYN:
		say_syn(c);
		return !c->syn_due;
	case SAY_RESEND:
		return say_resend(c);
	case SAY_TAIL_PROBE:
		return say_tail_probe(c);
	case SAY_ACK:
		return say_ack(c);
	case SAY_MTU_PROBE:
		return say_mtu_probe(c, len);
	case SAY_NEW:
		return say_new(c, len);
	case SAY_FIN:
		return say_fin(c);
	case SAY_LAST_RESORT:
		return say_last_resort(c);
	case SAY_PERSIST:
		return say_persist(c);
	case SAY_KEEP: /* RFC 9293 3.8.4: below the window, so that it must be answered */
		c->keep_due = false;
		return write_bare(c, seq_add(c->snd.una, (uint32_t)-1), TH_ACK, WHY_KEEPALIVE);
	case SAY_NOTHING:
		break;
	}
	return false;
}

/* Was the window used? Only then may it grow (RFC 2861, RFC 7661). Judged over a round trip, since
 * one ACK finds the window half empty where the next fills it. Slow start doubles, so that half of
 * the window is use enough (Linux). */
static void note_usage(struct tcb *c, bool blocked)
{
	uint32_t out = tcp_inflight(c);
	bool limited = blocked || out >= c->cc.cwnd;

	if (seq_ge(c->snd.una, c->usage_end) || limited || (!c->cwnd_limited && out > c->max_out)) {
		c->cwnd_limited = limited;
		c->max_out = out;
		c->usage_end = c->snd.nxt;
	}
}

/* What holds the connection up from now on? */
static void note_limit(struct tcb *c, enum blocked why_not)
{
	enum tcp_chrono next = CHRONO_BUSY;
	ns_t now = c->tcp->now;

	if (!c->sndq.bytes && board_empty(&c->board))
		next = CHRONO_IDLE;
	else if (why_not == BLOCKED_WINDOW)
		next = CHRONO_RWND;
	else if (!unsent(c) && c->write_blocked && tcp_window_left(c) >= c->mss)
		next = CHRONO_SNDBUF;
	if (next == c->chrono.now)
		return;
	c->chrono.spent[c->chrono.now] += now - c->chrono.since;
	c->chrono.now = next;
	c->chrono.since = now;
}

/* There is nothing more to say now. Who wakes us? */
static void fall_silent(struct tcb *c, enum blocked why_not)
{
	bool waiting = unsent(c) || (c->fin_queued && !c->fin_sent);

	note_usage(c, why_not == BLOCKED_CWND);
	note_limit(c, why_not);
	if (pace_holds(c) && (waiting || c->board.nwaiting))
		tcp_timer_set(c, T_PACE, c->pace_at);
	/* What Nagle or a cork holds back waits for the application as well. */
	if ((!unsent(c) || why_not == BLOCKED_NAGLE) && !c->board.nwaiting && tcp_inflight(c) < c->cc.cwnd)
		rate_app_limited(&c->rate, tcp_inflight(c));
	/* RFC 9293 3.8.6.1: nothing in flight that an ACK could come for, and something to send. */
	if (waiting && may_send_data(c) && board_empty(&c->board) && c->due[T_PERSIST] == NS_NEVER &&
	    !c->probe_due && why_not != BLOCKED_PACE) {
		c->retries = 0;
		tcp_timer_set(c, T_PERSIST, c->tcp->now + c->rtt.rto);
	}
}

/* Says up to about a quantum. True: there is more, but it is the others' turn. */
static bool emit(struct tcb *c)
{
	enum blocked why_not = BLOCKED_NOT;
	uint32_t quantum = QUANTUM;

	if (may_send_data(c) && unsent(c) && peer_room(c)) /* a shut window is not idleness of ours */
		idle_restart(c);
	if (may_send_data(c) && (c->board.nwaiting || (unsent(c) && peer_room(c))))
		restart_from_dry(c);
	while (c->state != TCP_CLOSED && c->state != TCP_TIME_WAIT) {
		uint32_t len = 0;
		enum say what = what_next(c, &len, &why_not);

		if (what == SAY_NOTHING)
			break;
		if (net_queue_full(c->tcp->net))
			return true;
		if (!say(c, what, len))
			break; /* no memory: as if the frame were lost; a timer is running */
		if (len >= quantum)
			return true;
		quantum -= len;
	}
	if (c->state >= TCP_ESTABLISHED && c->state != TCP_TIME_WAIT)
		fall_silent(c, why_not);
	else if (why_not == BLOCKED_PACE)
		tcp_timer_set(c, T_PACE, c->pace_at);
	return false;
}

void tcp_emit_all(struct tcp *t, size_t frames)
{
	struct list *n;

	while ((n = list_first(&t->talk)) && t->net->nout < frames && !net_queue_full(t->net)) {
		struct tcb *c = list_entry(n, struct tcb, talk);

		list_remove(&c->talk);
		c->talking = false;
		if (emit(c))
			tcp_talk(c);
	}
}

/* What the first unit, when full, lets go at once: whole segments within both windows. */
static uint32_t pushed(const struct tcb *c, uint32_t gone, uint32_t fill)
{
	uint32_t room = peer_room(c), cwnd = tcp_window_left(c);

	if (room > cwnd)
		room = cwnd;
	room = room > gone ? room - gone : 0;
	if (room > fill)
		room = fill;
	return room - room % c->mss;
}

/* Linux's way of taking what is written: in units of up to 64 kB and half the largest window. Room is
 * looked for only when one begins, and the one at the head leaves as far as the windows allow as soon as
 * it is full, which makes room at its end. So the buffer may hold more than its size. */
uint32_t tcp_unit_room(const struct tcb *c, uint32_t want, uint32_t *last)
{
	uint32_t goal = QUANTUM - 1 - UNIT_HEADROOM, n = 0;
	uint32_t gone = pushed(c, 0, unsent(c)), fill = unsent(c) - gone; /* what may leave has as good as left */

	if (c->snd.max_wnd > MSS_DEFAULT_V4 && goal > c->snd.max_wnd / 2)
		goal = c->snd.max_wnd / 2;
	goal = goal < c->mss ? c->mss : goal - goal % c->mss;
	if (fill > c->unit_fill)
		fill = c->unit_fill;
	while (n < want) {
		uint32_t waiting = unsent(c) + n - gone;

		if (!fill || fill >= goal) {
			if (c->sndq.bytes + n >= c->sndbuf || waiting >= c->notsent_lowat)
				break;
			fill = 0;
		}
		uint32_t take = want - n < goal - fill ? want - n : goal - fill;

		n += take;
		fill += take;
		if (fill == goal && waiting + take == fill) {
			uint32_t out = pushed(c, gone, fill);

			gone += out;
			fill -= out;
		}
	}
	*last = fill;
	return n;
}

/* RFC 9293 3.10.2 with the urgent flag. What waits behind a shut window is announced all the same:
 * the peer looks at URG whatever its window (MUST-66). */
void tcp_mark_urgent(struct tcb *c)
{
	c->snd.up = c->sndq.pos + c->sndq.bytes;
	if (c->state >= TCP_ESTABLISHED && !peer_room(c)) {
		c->ack_now = true;
		tcp_talk(c);
	}
}
