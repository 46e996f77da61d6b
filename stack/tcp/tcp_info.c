/* What a connection tells of itself, and the invariants that must hold between any two calls. */
#include "tcp.h"

static uint32_t segs(uint32_t bytes, uint32_t mss)
{
	return (bytes + mss - 1) / mss;
}

void tcp_info(const struct tcb *c, struct sock_info *i)
{
	const struct board *b = &c->board;
	uint32_t mss = c->mss ? c->mss : 1;

	*i = (struct sock_info){
		.conn = c->number,
		.state = c->state,
		.ca = c->ca,
		.local = c->flow.key.local,
		.remote = c->flow.key.remote,
		.lport = c->flow.key.lport,
		.rport = c->flow.key.rport,
		.iss = c->snd.iss.v,
		.irs = c->rcv.irs.v,
		.snd_una = c->snd.una.v,
		.snd_nxt = c->snd.nxt.v,
		.snd_max = c->snd.max.v,
		.rcv_nxt = c->rcv.nxt.v,
		.snd_wnd = c->snd.wnd,
		.rcv_wnd = c->rcv.adv.v - c->rcv.nxt.v,
		.mss = c->mss,
		.mss_peer = c->mss_peer,
		.mss_own = c->pmtu ? tcp_own_mss(c) : 0,
		.pmtu = c->pmtu,
		.sack = c->sack_ok,
		.timestamps = c->ts_ok,
		.wscale = c->ws_ok,
		.ecn = c->ecn_ok,
		.fastopen = c->tfo & TFO_USED,
		.snd_wscale = c->snd_wscale,
		.rcv_wscale = c->rcv_wscale,
		.cwnd = c->cc.cwnd,
		.ssthresh = c->cc.ssthresh,
		.inflight = tcp_inflight(c),
		.sacked = b->sacked_bytes,
		.lost = b->lost_bytes,
		.retrans = b->flying_bytes,
		.unacked_segs = b->end - b->first,
		.sacked_segs = c->sack_ok ? b->nsacked : c->dup_acks,
		.lost_segs = b->nlost,
		.retrans_segs = b->nflying,
		.pacing_rate = c->cc.pacing_rate,
		.srtt = c->rtt.srtt,
		.rttvar = c->rtt.rttvar,
		.rto = rtt_rto(&c->rtt),
		.min_rtt = c->rtt.min,
		.last_rtt = c->rtt.last,
		.backoff = c->rtt.backoff,
		.probes = c->keep_probes,
		.retransmits = c->retries,
		.app_limited = c->rate.app_limited != 0,
		.reordering = c->cfg->dupthresh,
		.bytes_sent = c->stat.bytes_sent,
		.bytes_acked = c->stat.bytes_acked,
		.bytes_received = c->stat.bytes_received,
		.bytes_retrans = c->stat.bytes_retrans,
		.segs_out = c->stat.segs_out,
		.segs_in = c->stat.segs_in,
		.data_segs_out = c->stat.data_out,
		.data_segs_in = c->stat.data_in,
		.delivered = segs((uint32_t)(c->rate.delivered / mss), 1),
		.timeouts = c->stat.timeouts,
		.recoveries = c->stat.recoveries,
		.spurious = c->stat.spurious,
		.dsacks = c->stat.dsacks,
		.dup_acks = c->stat.dup_acks,
		.tlps = c->stat.tlps,
		.undos = c->stat.undos,
		.ooo_segs = c->stat.ooo,
		.unread = c->rcvq.bytes,
		.sndbuf = c->sndbuf,
		.rcvbuf = c->rcvbuf,
		.cc = c->cc.ops ? c->cc.ops->name : "none",
		.cc_state = c->cc.ops && c->cc.ops->info ? c->cc.ops->info(&c->cc) : 0,
	};
	uint32_t in_queue = c->snd.nxt.v - c->snd.una.v - (c->fin_sent && !c->fin_acked);

	i->notsent = c->state >= TCP_ESTABLISHED && c->sndq.bytes > in_queue ? c->sndq.bytes - in_queue : 0;
	for (int k = 0; k < WHY_COUNT; k++)
		i->retrans_by[k] = c->stat.retrans_by[k];
}

/* ---- invariants (numbers as in the project's list of them: sequence space, timers, windows) ---- */

static const char *check_sequence(const struct tcb *c)
{
	if (seq_gt(c->snd.una, c->snd.nxt) || seq_gt(c->snd.nxt, c->snd.max))
		return "una <= nxt <= max does not hold";
	if (c->state >= TCP_ESTABLISHED && seq_gt(c->rcv.nxt, seq_add(c->rcv.adv, 1)))
		return "rcv.nxt is beyond the window offered";
	if (c->state >= TCP_ESTABLISHED && c->state != TCP_TIME_WAIT && !board_check(&c->board, c->snd.una, c->snd.nxt))
		return "the scoreboard does not add up";
	if (!rcvq_check(&c->rcvq, c->fin_seen && seq_gt(c->rcv.nxt, c->rcv.fin) ? c->rcv.fin : c->rcv.nxt))
		return "the receive queue is not sorted, disjoint and above rcv.nxt";
	uint32_t sent = c->snd.nxt.v - c->snd.una.v - (c->fin_sent && !c->fin_acked);

	if (c->state >= TCP_ESTABLISHED && c->state != TCP_TIME_WAIT && sent > c->sndq.bytes)
		return "more is outstanding than the send queue holds";
	return NULL;
}

static const char *check_timers(const struct tcb *c)
{
	bool outstanding = !board_empty(&c->board) || c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED;

	if (outstanding && c->due[T_REXMIT] == NS_NEVER)
		return "something is outstanding and no retransmission timer runs";
	if (!outstanding && c->due[T_REXMIT] != NS_NEVER)
		return "the retransmission timer runs with nothing outstanding";
	if (c->due[T_PERSIST] != NS_NEVER && c->due[T_REXMIT] != NS_NEVER)
		return "persist and retransmission timers both run";
	for (int i = 0; i < T_COUNT; i++)
		if (c->due[i] < c->timer.due)
			return "a deadline lies before the wheel's entry";
	if (!list_empty(&c->talk) != c->talking)
		return "the talk list and its mark disagree";
	return NULL;
}

static const char *check_silence(const struct tcb *c)
{
	if (c->talking || c->state < TCP_ESTABLISHED || c->state == TCP_TIME_WAIT)
		return NULL;
	uint32_t sent = c->snd.nxt.v - c->snd.una.v - (c->fin_sent && !c->fin_acked);
	bool waiting = (!c->fin_sent && c->sndq.bytes > sent) || (c->fin_queued && !c->fin_sent);

	if (waiting && board_empty(&c->board) && c->due[T_PERSIST] == NS_NEVER && c->due[T_PACE] == NS_NEVER && !c->cork)
		return "something waits to be sent and nothing will wake it";
	return NULL;
}

static const char *check_windows(const struct tcb *c)
{
	if (c->state < TCP_ESTABLISHED || c->state == TCP_TIME_WAIT)
		return NULL;
	if (c->cc.cwnd < c->mss)
		return "cwnd is under one segment";
	if (c->rtt.rto < c->rtt.min_rto || rtt_rto(&c->rtt) > c->rtt.max_rto)
		return "the RTO is out of bounds";
	if (c->rcvq.bytes > c->rcvbuf + 65536u + (1u << c->rcv_wscale))
		return "the receive queue holds more than its buffer";
	return NULL;
}

static void say_why(const struct tcb *c, const char *what, char *why, size_t cap)
{
	const char *state = tcp_state_name(c->state);
	size_t n = 0;

	while (*what && n + 1 < cap)
		why[n++] = *what++;
	for (const char *s = " in "; *s && n + 1 < cap; s++)
		why[n++] = *s;
	while (*state && n + 1 < cap)
		why[n++] = *state++;
	if (cap)
		why[n] = '\0';
}

bool tcp_check(const struct tcp *t, char *why, size_t cap)
{
	uint32_t seen_tw = 0;

	for (uint32_t i = 0; i < t->table_len; i++) {
		const struct tcp_flow *f = t->table[i];

		if ((uintptr_t)f & 1)
			continue;
		seen_tw += f->kind == FLOW_TIME_WAIT;
		if (f->kind != FLOW_CONN)
			continue;
		const struct tcb *c = (const struct tcb *)f;
		const char *what = NULL;

		if (c->state == TCP_CLOSED)
			continue;
		if (!what)
			what = check_sequence(c);
		if (!what)
			what = check_timers(c);
		if (!what)
			what = check_silence(c);
		if (!what)
			what = check_windows(c);
		if (what) {
			say_why(c, what, why, cap);
			return false;
		}
	}
	return seen_tw == t->ntw;
}
