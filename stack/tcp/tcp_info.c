/* What a connection tells of itself, and the invariants that must hold between any two calls. */
#include "tcp.h"

void tcp_info(const struct tcb *c, struct sock_info *i)
{
	const struct board *b = &c->board;

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
		.accecn = c->acc.on,
		.delivered_ce = c->stat.delivered_ce,
		.delivered_ecn = {c->stat.delivered_ecn[0], c->stat.delivered_ecn[1], c->stat.delivered_ecn[2]},
		.received_ce = c->acc.on ? c->acc.cep - ACC_CEP_START : 0,
		.received_ecn = {c->acc.bytes[0] - c->acc.on, c->acc.bytes[1], c->acc.bytes[2] - c->acc.on},
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
		.pacing_rate = c->pace_cap && c->cc.pacing_rate > c->pace_cap ? c->pace_cap : c->cc.pacing_rate,
		.srtt = c->rtt.srtt,
		.rttvar = c->rtt.rttvar,
		.rto = rtt_rto(&c->rtt),
		.min_rtt = c->rtt.min,
		.last_rtt = c->rtt.last,
		.backoff = c->rtt.backoff,
		.probes = c->keep_probes,
		.retransmits = c->retries,
		.app_limited = c->rate.app_limited != 0,
		.reordering = c->rack.reordering > c->cfg->dupthresh ? c->rack.reordering : c->cfg->dupthresh,
		.reorderings = c->rack.reorderings,
		.bytes_sent = c->stat.bytes_sent,
		.bytes_acked = c->stat.bytes_acked,
		.bytes_received = c->stat.bytes_received,
		.bytes_retrans = c->stat.bytes_retrans,
		.segs_out = c->stat.segs_out,
		.segs_in = c->stat.segs_in,
		.data_segs_out = c->stat.data_out,
		.data_segs_in = c->stat.data_in,
		.delivered = c->stat.delivered,
		.delivery_rate = c->rate.latest,
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
		.trouble = c->trouble,
		.urgent = tcp_rcv_urgent(c),
		.last_data_in = c->tcp->now - c->last_data_in,
		.last_data_out = c->tcp->now - c->last_data_out,
		.last_ack_in = c->tcp->now - c->last_rcvd,
		.cc = c->cc.ops ? c->cc.ops->name : "none",
		.cc_state = c->cc.ops && c->cc.ops->info ? c->cc.ops->info(&c->cc) : 0,
	};
	ns_t spent[CHRONO_COUNT];

	if (c->ao) {
		i->ao = true;
		i->ao_current = c->ao->current->key.send_id;
		i->ao_rnext = c->ao->next->key.recv_id;
		i->ao_keyid = c->ao->keyid;
		i->ao_rnextkeyid = c->ao->rnextkeyid;
	}
	memcpy(spent, c->chrono.spent, sizeof(spent));
	spent[c->chrono.now] += c->tcp->now - c->chrono.since;
	i->rwnd_limited = spent[CHRONO_RWND];
	i->sndbuf_limited = spent[CHRONO_SNDBUF];
	i->busy = spent[CHRONO_BUSY] + spent[CHRONO_RWND] + spent[CHRONO_SNDBUF];
	uint32_t in_queue = c->snd.nxt.v - c->snd.una.v - (c->fin_sent && !c->fin_acked);

	i->notsent = c->state >= TCP_ESTABLISHED && c->sndq.bytes > in_queue ? c->sndq.bytes - in_queue : 0;
	for (int k = 0; k < WHY_COUNT; k++)
		i->retrans_by[k] = c->stat.retrans_by[k];
}

/* ---- invariants (numbers as in the project's list of them: sequence space, timers, windows) ---- */

/* Data and FIN are exchanged: not the handshake, and not the husk beside a compact TIME-WAIT. */
static bool is_open(const struct tcb *c)
{
	return c->state >= TCP_ESTABLISHED && c->state < TCP_TIME_WAIT;
}

/* Bytes of the send queue that are in flight. */
static uint32_t outstanding(const struct tcb *c)
{
	return c->snd.nxt.v - c->snd.una.v - (c->fin_sent && !c->fin_acked);
}

static const char *check_sequence(const struct tcb *c)
{
	if (seq_gt(c->snd.una, c->snd.nxt) || seq_gt(c->snd.nxt, c->snd.max))
		return "una <= nxt <= max does not hold";
	if (!rcvq_check(&c->rcvq, c->fin_seen && seq_gt(c->rcv.nxt, c->rcv.fin) ? c->rcv.fin : c->rcv.nxt))
		return "the receive queue is not sorted, disjoint and above rcv.nxt";
	if (!is_open(c))
		return NULL;
	if (seq_gt(c->rcv.nxt, seq_add(c->rcv.adv, 1)))
		return "rcv.nxt is beyond the window offered";
	if (c->rcvq.nearly && seq_gt(rcvq_end(&c->rcvq, c->rcv.nxt), c->rcv.adv))
		return "an early range reaches beyond the window offered";
	if (!board_check(&c->board, c->snd.una, c->snd.nxt))
		return "the scoreboard does not add up";
	if (outstanding(c) > c->sndq.bytes)
		return "more is outstanding than the send queue holds";
	if (seq_gt(c->snd.nxt, seq_add(c->snd.edge, 1)) || seq_gt(c->snd.max, seq_add(c->snd.edge, 1)))
		return "something was sent beyond every window that the peer offered";
	return NULL;
}

/* The states say which FINs have passed. */
static const char *check_fins(const struct tcb *c)
{
	bool in = c->fin_seen && seq_gt(c->rcv.nxt, c->rcv.fin), past = in && c->rcv.nxt.v != c->rcv.fin.v + 1;
	bool peer_closed = c->state == TCP_CLOSE_WAIT || c->state == TCP_CLOSING || c->state == TCP_LAST_ACK;

	if ((c->fin_sent && !c->fin_queued) || (c->fin_acked && !c->fin_sent))
		return "the FIN was acknowledged before it was sent, or sent before it was wanted";
	if (!is_open(c))
		return NULL;
	if (in != peer_closed || past)
		return "the state and the peer's FIN disagree";
	if (c->fin_queued != (c->state != TCP_ESTABLISHED && c->state != TCP_CLOSE_WAIT))
		return "the state and our FIN disagree";
	if (c->fin_acked != (c->state == TCP_FIN_WAIT_2))
		return "the state and the ACK of our FIN disagree";
	return NULL;
}

static const char *check_timers(const struct tcb *c)
{
	bool waits = !board_empty(&c->board) || c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED;

	if (waits && c->due[T_REXMIT] == NS_NEVER)
		return "something is outstanding and no retransmission timer runs";
	if (!waits && c->due[T_REXMIT] != NS_NEVER)
		return "the retransmission timer runs with nothing outstanding";
	if (c->due[T_PERSIST] != NS_NEVER && c->due[T_REXMIT] != NS_NEVER)
		return "persist and retransmission timers both run";
	if (c->state == TCP_FIN_WAIT_2 && c->user_gone && c->due[T_WAIT] == NS_NEVER)
		return "FIN-WAIT-2 without a user and without an end";
	if (is_open(c) && !seq_eq(c->rcv.nxt, c->rcv.wup) && c->due[T_DELACK] == NS_NEVER && !c->ack_now)
		return "an ACK is owed and nothing will send it";
	for (int i = 0; i < T_COUNT; i++)
		if (c->due[i] < c->timer.due)
			return "a deadline lies before the wheel's entry";
	if (!list_empty(&c->talk) != c->talking)
		return "the talk list and its mark disagree";
	return NULL;
}

static const char *check_silence(const struct tcb *c)
{
	if (c->talking || !is_open(c))
		return NULL;
	bool waiting = (!c->fin_sent && c->sndq.bytes > outstanding(c)) || (c->fin_queued && !c->fin_sent);

	if (waiting && board_empty(&c->board) && c->due[T_PERSIST] == NS_NEVER && c->due[T_PACE] == NS_NEVER)
		return "something waits to be sent and nothing will wake it";
	return NULL;
}

static const char *check_windows(const struct tcb *c)
{
	if (!is_open(c))
		return NULL;
	if (c->cc.cwnd < c->mss)
		return "cwnd is under one segment";
	if (c->rtt.rto < c->rtt.min_rto || rtt_rto(&c->rtt) > c->rtt.max_rto)
		return "the RTO is out of bounds";
	uint32_t most = c->rcvbuf > c->rcv_promised ? c->rcvbuf : c->rcv_promised;

	if (c->rcvq.bytes > most + 65536u + (1u << c->rcv_wscale))
		return "the receive queue holds more than its buffer";
	return NULL;
}

/* One that is closed, but whose user has not let go of it. */
static const char *check_closed(const struct tcb *c)
{
	for (int i = 0; i < T_COUNT; i++)
		if (c->due[i] != NS_NEVER)
			return "a timer runs on what is closed";
	if (c->timer.due != NS_NEVER || c->talking || c->board.first != c->board.end || c->sndq.bytes)
		return "something is left of what is closed";
	return NULL;
}

static const char *check_conn(const struct tcb *c)
{
	static const char *(*const checks[])(const struct tcb *) = {check_sequence, check_fins, check_timers,
								    check_silence, check_windows};
	const char *what = NULL;

	if (c->state == TCP_CLOSED)
		return check_closed(c);
	/* In TIME-WAIT the compact block has the place in the map. */
	if ((flowmap_find(&c->tcp->flows, &c->flow.key) == (const void *)c) != (c->state != TCP_TIME_WAIT))
		return "the flow map does not find it";
	for (size_t i = 0; i < ARRAY_LEN(checks) && !what; i++)
		what = checks[i](c);
	return what;
}

static uint32_t list_len(const struct list *head)
{
	uint32_t n = 0;

	for (const struct list *l = head->next; l != head; l = l->next)
		n++;
	return n;
}

static const char *check_listener(const struct tcb_listener *l)
{
	if (list_len(&l->half) != l->nhalf || list_len(&l->done) != l->ndone)
		return "a listener has miscounted";
	return NULL;
}

static void say_why(enum tcp_state in, const char *what, char *why, size_t cap)
{
	const char *state = tcp_state_name(in);
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
	uint32_t seen_tw = 0, half = 0;
	enum tcp_state in = TCP_CLOSED;
	const char *what = NULL;

	for (uint32_t i = 0; i < t->table_len && !what; i++) {
		const struct tcp_flow *f = t->table[i];

		if ((uintptr_t)f & 1)
			continue;
		switch (f->kind) {
		case FLOW_CONN:
			in = ((const struct tcb *)f)->state;
			what = check_conn((const struct tcb *)f);
			break;
		case FLOW_TIME_WAIT:
			in = TCP_TIME_WAIT;
			seen_tw++;
			if (((const struct tcb_tw *)f)->timer.due == NS_NEVER)
				what = "no timer runs";
			break;
		default:
			in = TCP_LISTEN;
			half += ((const struct tcb_listener *)f)->nhalf;
			what = check_listener((const struct tcb_listener *)f);
			break;
		}
	}
	if (!what && (seen_tw != t->ntw || seen_tw > t->max_tw))
		what = "the TIME-WAITs are miscounted";
	if (!what && half != t->nhalf)
		what = "the half-open connections are miscounted";
	if (what)
		say_why(in, what, why, cap);
	return !what;
}
