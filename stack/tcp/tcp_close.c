/* How connections end: FIN, abort, TIME-WAIT. RFC 9293 3.6, 3.10.4, 3.10.5; RFC 1337, 6191. */
#include "tcp.h"

void tcp_closed(struct tcb *c, int err, const char *why)
{
	struct tcp *t = c->tcp;

	if (c->state == TCP_CLOSED)
		return;
	tcp_fastopen_settled(c, false);
	tcp_leave_listener(c);
	if (flowmap_find(&t->flows, &c->flow.key) == (void *)c)
		flowmap_remove(&t->flows, c);
	tcp_set_state(c, TCP_CLOSED, why);
	tcp_timers_stop_all(c);
	list_remove(&c->talk);
	c->talking = false;
	sndq_free(&c->sndq, t->pool);
	board_free(&c->board);
	/* RFC 9293 3.10.7.4 would flush what is unread; like Linux we leave it to the reader, who then
	 * meets the error: what the peer said before it reset may be the reason (a TLS alert). */
	if (err)
		c->error = (int16_t)err;
	rcvq_forget_early(&c->rcvq, t->pool);
	if (c->user_gone || (c->passive && !c->ready.handle))
		list_push_back(&t->grave, &c->queue);
	else
		tcp_notify(c, err ? SOCK_ERROR | SOCK_CLOSED : SOCK_CLOSED);
}

/* RFC 9293 3.10.4 for a user who may still read. The FIN goes out behind what is queued; before the
 * handshake is over it only waits (tcp_established comes back here). */
void tcp_shutdown(struct tcb *c)
{
	c->fin_queued = true;
	if (c->state == TCP_ESTABLISHED)
		tcp_set_state(c, TCP_FIN_WAIT_1, "the user closes");
	else if (c->state == TCP_CLOSE_WAIT)
		tcp_set_state(c, TCP_LAST_ACK, "the user closes");
	tcp_talk(c);
}

void tcp_close(struct tcb *c)
{
	c->user_gone = true;
	switch (c->state) {
	case TCP_CLOSED:
		list_remove(&c->queue);
		list_push_back(&c->tcp->grave, &c->queue);
		return;
	case TCP_SYN_SENT:
		tcp_closed(c, 0, "closed before the handshake was over");
		return;
	case TCP_TIME_WAIT: /* the compact form lives on */
		tcp_closed(c, 0, "the user is done");
		return;
	default:
		break;
	}
	/* RFC 2525 2.17, RFC 9293 3.6.1: unread data is thrown away, so the peer must learn of it. */
	if (c->rcvq.bytes || c->linger_reset) {
		tcp_abort(c);
		return;
	}
	if (!c->fin_queued)
		tcp_shutdown(c);
	if (c->state == TCP_FIN_WAIT_2)
		tcp_timer_set(c, T_WAIT, c->tcp->now + FIN_WAIT_2_MAX);
}

/* RFC 9293 3.10.5. */
void tcp_abort(struct tcb *c)
{
	c->user_gone = true;
	if (c->state == TCP_CLOSED) {
		list_remove(&c->queue);
		list_push_back(&c->tcp->grave, &c->queue);
		return;
	}
	/* In CLOSING, LAST-ACK and TIME-WAIT the peer expects nothing more: no reset. */
	if (c->state != TCP_SYN_SENT && c->state < TCP_CLOSING)
		tcp_send_abort(c);
	tcp_closed(c, 0, "aborted by the user");
}

/* ---- TIME-WAIT ---- */

void tcp_tw_free(struct tcp *t, struct tcb_tw *w)
{
	if (flowmap_find(&t->flows, &w->flow.key) == (void *)w)
		flowmap_remove(&t->flows, w);
	wheel_remove(&t->tw_wheel, &w->timer);
	list_remove(&w->age);
	tcp_table_remove(t, w->table_at);
	tcp_ao_free(t, &w->ao);
	t->ntw--;
	slab_put(&t->tws, w);
}

/* The connection's place in the map passes to a compact block. If there is none to be had, the
 * connection just ends, as RFC 9293 would have it after 2 MSL. */
void tcp_enter_time_wait(struct tcb *c)
{
	struct tcp *t = c->tcp;

	tcp_set_state(c, TCP_TIME_WAIT, "both FINs are acknowledged");
	if (t->ntw >= t->max_tw) {
		struct list *oldest = list_first(&t->tw_age);

		if (oldest) {
			t->count->tcp_time_wait_evicted++;
			tcp_tw_free(t, list_entry(oldest, struct tcb_tw, age));
		}
	}
	struct tcb_tw *w = slab_get(&t->tws);

	if (w && !tcp_table_add(t, &w->flow, &w->table_at)) {
		slab_put(&t->tws, w);
		w = NULL;
	}
	if (!w) {
		tcp_closed(c, 0, "no room for TIME-WAIT");
		return;
	}
	flowmap_remove(&t->flows, c);
	w->flow = (struct tcp_flow){.key = c->flow.key, .kind = FLOW_TIME_WAIT};
	w->number = c->number;
	w->ts_ok = c->ts_ok;
	w->v6 = c->v6;
	w->snd_nxt = c->snd.nxt;
	w->rcv_nxt = c->rcv.nxt;
	w->irs = c->rcv.irs;
	/* As the next ACK would have announced it: the peer's FIN took a number, not room. */
	uint32_t space = tcp_rcv_space(c) >> c->rcv_wscale, offered = c->rcv.adv.v - c->rcv.nxt.v;

	w->rcv_wnd = space < 65535 ? space : 65535;
	if (w->rcv_wnd < offered >> c->rcv_wscale)
		w->rcv_wnd = offered >> c->rcv_wscale;
	w->rcv_wscale = c->rcv_wscale;
	w->ts_recent = c->ts_recent;
	w->ts_recent_at = c->ts_recent_at;
	w->ts_offset = c->ts_offset;
	w->ip_id = c->ip_id;
	w->ecn_bits = c->ecn_ok ? tcp_ecn_bits(c, false) : 0;
	w->tos = c->tos;
	w->ttl = c->ttl;
	w->msl = c->cfg->msl;
	w->rfc1337 = c->cfg->rfc1337;
	w->syn_unanswered = c->cfg->syn_unanswered;
	w->challenge_tokens = t->cfg.challenge_acks;
	wheel_entry_init(&w->timer);
	list_push_back(&t->tw_age, &w->age);
	t->ntw++;
	if (!flowmap_insert(&t->flows, w)) {
		tcp_tw_free(t, w);
		tcp_closed(c, 0, "no room for TIME-WAIT");
		return;
	}
	w->ao = c->ao;
	c->ao = NULL;
	wheel_add(&t->tw_wheel, &w->timer, t->now + 2 * w->msl);
	/* What the user may still do is read. The ACK of the peer's FIN goes out first. */
	tcp_timers_stop_all(c);
	if (c->ack_now)
		tcp_send_tw_ack(t, w);
	c->ack_now = false;
	if (c->user_gone) {
		tcp_closed(c, 0, "the user is gone; TIME-WAIT goes on without it");
	} else {
		tcp_timer_set(c, T_WAIT, t->now + 2 * c->cfg->msl);
		tcp_notify(c, SOCK_CLOSED);
	}
}

static bool may_challenge(struct tcp *t, struct tcb_tw *w)
{
	if (t->now - w->challenge_stamp >= t->cfg.challenge_interval) {
		w->challenge_tokens = t->cfg.challenge_acks;
		w->challenge_stamp = t->now;
	}
	return w->challenge_tokens ? w->challenge_tokens-- : 0;
}

/* RFC 9293 3.10.7.4 for TIME-WAIT. */
bool tcp_arrive_time_wait(struct tcp *t, struct tcb_tw *w, const struct seg *g)
{
	bool paws = w->ts_ok && g->opt.has_ts && (int32_t)(g->opt.ts_val - w->ts_recent) < 0;

	if (g->flags & TH_RST) {
		/* RFC 1337: an old duplicate must not end it; RFC 5961 lets only the exact number. Its
		 * timestamp says nothing (RFC 7323 5.2). */
		if (!w->rfc1337 && seq_eq(g->seq, w->rcv_nxt))
			tcp_tw_free(t, w);
		return false;
	}
	if ((g->flags & (TH_SYN | TH_ACK)) == TH_SYN && (!(g->flags & TH_FIN) || t->cfg.synfin == SYNFIN_IS_SYN)) {
		/* RFC 6191: a new connection, if its number or its timestamp has moved on. */
		bool newer_ts = w->ts_ok && g->opt.has_ts && (int32_t)(g->opt.ts_val - w->ts_recent) > 0;

		if (newer_ts || (!paws && seq_gt(g->seq, w->rcv_nxt))) {
			tcp_tw_free(t, w);
			return true;
		}
	}
	if (w->syn_unanswered && (g->flags & (TH_SYN | TH_ACK)) == TH_SYN)
		return false;
	/* Only from who knows both numbers: a forged one would bar the next connection (RFC 6191). */
	if (!paws && w->ts_ok && g->opt.has_ts && g->flags & TH_ACK && seq_eq(g->ack, w->snd_nxt) &&
	    seq_le(g->seq, w->rcv_nxt))
		w->ts_recent = g->opt.ts_val;
	/* Whatever else: it is old or odd; ACK. A FIN again restarts 2 MSL (step 8). */
	if (g->flags & TH_FIN && seq_eq(seq_add(g->seq, seg_len(g)), w->rcv_nxt))
		wheel_add(&t->tw_wheel, &w->timer, t->now + 2 * w->msl);
	if ((g->flags & TH_ACK || g->flags & TH_SYN) && (seg_len(g) || !seq_eq(g->seq, w->rcv_nxt)) &&
	    may_challenge(t, w))
		tcp_send_tw_ack(t, w);
	return false;
}
