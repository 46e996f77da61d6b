/* Time goes forward: what each expiry does.
 *
 * A connection keeps a deadline for each reason and one entry in the wheel, at or before the
 * earliest of them. Moving a deadline later does not touch the wheel: the entry fires early, looks,
 * and is armed again. RFC 6298 (retransmission), RFC 9293 3.8.3 (R2), 3.8.4 (keepalive), 3.8.6.1
 * (zero window), RFC 8985 (reordering, tail loss probe). */
#include "tcp.h"

void tcp_timer_set(struct tcb *c, enum tcp_timer which, ns_t due)
{
	c->due[which] = due;
	if (due < c->timer.due)
		wheel_add(&c->tcp->wheel, &c->timer, due);
}

void tcp_timers_stop_all(struct tcb *c)
{
	for (int i = 0; i < T_COUNT; i++)
		c->due[i] = NS_NEVER;
	wheel_remove(&c->tcp->wheel, &c->timer);
}

static bool syn_unanswered(const struct tcb *c)
{
	return c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED;
}

/* RFC 7765 4: where too little is out for three duplicate ACKs, the timer may count from when the oldest
 * segment was sent, which is the RTO's own meaning. Not after a timeout or a tail loss probe. */
static ns_t head_start(const struct tcb *c)
{
	uint32_t out = c->board.end - c->board.first;

	if (!c->cfg->rto_restart || !out || c->retries || c->tlp_due)
		return 0;
	uint32_t bytes = c->snd.nxt.v - c->snd.una.v, unsent = c->sndq.bytes > bytes ? c->sndq.bytes - bytes : 0;
	ns_t since = c->tcp->now - board_rec(&c->board, c->board.first)->sent;

	if (out + unsent / c->mss >= RTO_RESTART_SEGS || since >= rtt_rto(&c->rtt))
		return 0;
	return since;
}

/* RFC 6298 5.1 to 5.3: running exactly while something is outstanding. */
void tcp_arm_rexmit(struct tcb *c)
{
	if (board_empty(&c->board) && !syn_unanswered(c))
		tcp_timer_stop(c, T_REXMIT);
	else
		tcp_timer_set(c, T_REXMIT, ns_add(c->tcp->now, rtt_rto(&c->rtt) - head_start(c)));
}

/* RFC 9293 3.8.3: R2, in retries or, with RFC 5482, in time. */
static bool gave_up(const struct tcb *c, unsigned limit)
{
	ns_t timeout = tcp_user_timeout(c);

	if (timeout && c->retries_since != NS_NEVER && c->retries)
		return c->tcp->now - c->retries_since >= timeout;
	return c->retries >= limit;
}

static void count_retry(struct tcb *c, ns_t since)
{
	if (c->retries == 0)
		c->retries_since = since;
	if (c->retries < UINT8_MAX)
		c->retries++;
	if (c->unheard < UINT8_MAX)
		c->unheard++;
}

/* RFC 9293 3.8.3 (a): at R1 the next hop is looked at anew, and the user learns of it. */
static void count_timeout(struct tcb *c, ns_t since)
{
	count_retry(c, since);
	c->tcp->count->tcp_timeouts++;
	c->stat.timeouts++;
	if (c->retries != R1_RETRIES)
		return;
	net_doubt(c->tcp->net, &c->flow.key.remote);
	tcp_trouble(c, ERR_TIMEDOUT);
}

static void expire_syn(struct tcb *c)
{
	bool sent = c->state == TCP_SYN_SENT;

	if (gave_up(c, sent ? c->cfg->syn_retries : c->cfg->synack_retries)) {
		tcp_closed(c, sent || c->ready.handle ? ERR_TIMEDOUT : 0, "handshake unanswered");
		return;
	}
	if (c->defer_heard && c->tcp->now - c->last_rcvd < c->defer) { /* it is there, and has nothing to say yet */
		count_retry(c, c->last_sent);
		rtt_backoff(&c->rtt);
		tcp_arm_rexmit(c);
		return;
	}
	count_timeout(c, c->last_sent);
	tcp_probe(c, PROBE_RTO, c->snd.iss, seq_add(c->snd.iss, 1), rtt_rto(&c->rtt), "SYN unanswered");
	if (!sent || c->retries > c->cfg->syn_linear)
		rtt_backoff(&c->rtt);
	c->syn_due = true;
	tcp_talk(c);
	tcp_arm_rexmit(c);
}

static void expire_rexmit(struct tcb *c)
{
	if (syn_unanswered(c)) {
		expire_syn(c);
		return;
	}
	if (board_empty(&c->board))
		return;
	/* RFC 9293 SHLD-17: a peer that took its window back, and answers, is not dead. */
	bool shut = c->snd.wnd == 0 && !c->user_gone && c->unheard < c->cfg->data_retries;

	if (!shut && gave_up(c, c->cfg->data_retries)) {
		tcp_closed(c, ERR_TIMEDOUT, "retransmissions unanswered");
		return;
	}
	count_timeout(c, board_rec(&c->board, c->board.first)->sent);
	tcp_loss_on_timeout(c);
	rtt_backoff(&c->rtt); /* RFC 6298 5.5 */
	c->rexmit_due = true;
	tcp_talk(c);
	tcp_arm_rexmit(c); /* 5.6 */
}

/* The peer's window is shut and something waits: ask, at growing intervals, for as long as it
 * answers (RFC 9293 3.8.6.1). An orphan is not kept alive by a peer that never opens. */
static void expire_persist(struct tcb *c)
{
	if (c->unheard >= c->cfg->data_retries || (c->user_gone && c->retries >= c->cfg->data_retries)) {
		tcp_closed(c, ERR_TIMEDOUT, "window probes unanswered");
		return;
	}
	ns_t timeout = tcp_user_timeout(c);

	if (timeout && c->retries && c->tcp->now - c->retries_since >= timeout) {
		tcp_closed(c, ERR_TIMEDOUT, "user timeout in a zero window");
		return;
	}
	count_retry(c, c->tcp->now);
	c->tcp->count->tcp_persist++;
	c->probe_due = true;
	tcp_talk(c);
	unsigned shift = c->retries < 12 ? c->retries : 12;

	tcp_timer_set(c, T_PERSIST, c->tcp->now + ns_min(c->rtt.rto << shift, PERSIST_MAX));
}

static void expire_keep(struct tcb *c)
{
	const struct tcp_config *cfg = c->cfg;
	ns_t idle_since = ns_max(c->last_rcvd, c->established_at);
	ns_t due = ns_add(idle_since, cfg->keep_idle);

	if (!c->keepalive)
		return;
	if (c->tcp->now < due || !board_empty(&c->board)) { /* something was heard, or is under way */
		c->keep_probes = 0;
		tcp_timer_set(c, T_KEEP, ns_max(due, c->tcp->now + cfg->keep_intvl));
		return;
	}
	if (c->keep_probes >= cfg->keep_cnt) {
		tcp_send_abort(c);
		tcp_closed(c, ERR_TIMEDOUT, "keepalive unanswered");
		return;
	}
	c->keep_probes++;
	c->keep_due = true;
	c->tcp->count->tcp_keepalive++;
	tcp_talk(c);
	tcp_timer_set(c, T_KEEP, c->tcp->now + cfg->keep_intvl);
}

static void expire_wait(struct tcb *c)
{
	if (syn_unanswered(c)) {
		tcp_closed(c, ERR_TIMEDOUT, "no connection within the time for it");
		return;
	}
	tcp_closed(c, 0, c->state == TCP_TIME_WAIT ? "2 MSL are over" : "FIN-WAIT-2 without a user");
}

static void expire_delack(struct tcb *c)
{
	c->ack_now = true;
	tcp_talk(c);
}

static void expire(struct tcb *c, enum tcp_timer which)
{
	switch (which) {
	case T_REXMIT:
		expire_rexmit(c);
		break;
	case T_PROBE:
		tcp_loss_on_probe_timer(c);
		break;
	case T_REORDER:
		tcp_loss_on_reorder_timer(c);
		break;
	case T_PERSIST:
		expire_persist(c);
		break;
	case T_DELACK:
		expire_delack(c);
		break;
	case T_KEEP:
		expire_keep(c);
		break;
	case T_WAIT:
		expire_wait(c);
		break;
	case T_PACE:
		tcp_talk(c);
		break;
	case T_COUNT:
		break;
	}
}

static ns_t earliest(const struct tcb *c)
{
	ns_t min = NS_NEVER;

	for (int i = 0; i < T_COUNT; i++)
		min = ns_min(min, c->due[i]);
	return min;
}

void tcp_advance(struct tcp *t, ns_t now)
{
	struct wheel_entry *e;

	while ((e = wheel_expire(&t->wheel, now))) {
		struct tcb *c = container_of(e, struct tcb, timer);

		/* In the order of the enum, which is stable; a reason may stop a later one. */
		for (int i = 0; i < T_COUNT && c->state != TCP_CLOSED; i++) {
			if (c->due[i] > now)
				continue;
			c->due[i] = NS_NEVER;
			expire(c, i);
		}
		ns_t next = earliest(c);

		if (next != NS_NEVER)
			wheel_add(&t->wheel, e, next);
	}
	while ((e = wheel_expire(&t->tw_wheel, now)))
		tcp_tw_free(t, container_of(e, struct tcb_tw, timer));
}

ns_t tcp_deadline(const struct tcp *t)
{
	if (!list_empty(&t->talk))
		return t->now;
	return ns_min(wheel_deadline(&t->wheel), wheel_deadline(&t->tw_wheel));
}
