/* Text arrives: queueing, the ACK policy (RFC 9293 3.8.6.3, RFC 5681 4.2), the window we offer
 * (RFC 9293 3.8.6.2.2), duplicates reported (RFC 2883). */
#include "tcp.h"

uint32_t tcp_rcv_most(const struct tcb *c)
{
	return c->window_clamp && c->window_clamp < c->rcvbuf ? c->window_clamp : c->rcvbuf;
}

uint32_t tcp_rcv_space(const struct tcb *c)
{
	uint32_t held = c->rcvq.bytes, room = held < c->rcvbuf ? c->rcvbuf - held : 0, most = tcp_rcv_most(c);

	return room < most ? room : most;
}

/* RFC 9293 3.8.6.2.2: the right edge moves only by a worthwhile step, min(half the buffer, MSS). */
bool tcp_window_update_due(const struct tcb *c)
{
	uint32_t offered = c->rcv.adv.v - c->rcv.nxt.v, space = tcp_rcv_space(c);
	uint32_t most = 65535u << c->rcv_wscale; /* more than the field can say is no news */

	if (space > most)
		space = most;
	uint32_t step = tcp_rcv_most(c) / 2 < c->mss ? tcp_rcv_most(c) / 2 : c->mss;

	if (space < offered + step)
		return false;
	/* A shut window is reopened at once; else wait for two segments' worth, which the reader's
	 * progress brings along with the data ACKs. */
	return offered < step || space - offered >= 2u * c->mss;
}

/* The peer's FIN, once taken, has a number but is nothing to read. */
uint32_t tcp_rcv_urgent(const struct tcb *c)
{
	bool fin = c->fin_seen && seq_gt(c->rcv.nxt, c->rcv.fin);
	int32_t left = seq_diff(c->rcv.up, seq_add(c->rcv.nxt, -c->rcvq.bytes - fin));

	return c->rcv.urgent && left > 0 ? (uint32_t)left : 0;
}

void tcp_rcv_read(struct tcb *c)
{
	c->rcv.urgent = tcp_rcv_urgent(c) > 0;
	if (c->state < TCP_ESTABLISHED || c->fin_seen || c->state == TCP_TIME_WAIT)
		return;
	/* As Linux: PSH ends what the peer had to send at once, and the user has it all. */
	if (c->pushed && c->segs_unacked && !c->rcvq.bytes && !c->dialogue && c->cfg->quickack) {
		c->ack_now = true;
		tcp_talk(c);
		return;
	}
	uint32_t offered = c->rcv.adv.v - c->rcv.nxt.v, space = tcp_rcv_space(c);
	bool news = offered < tcp_rcv_most(c) / 2 || (c->cfg->eager_updates && space >= offered + c->rcvbuf / 4);

	if (news && tcp_window_update_due(c)) {
		c->ack_now = true;
		tcp_talk(c);
	}
}

void tcp_rcv_quick(struct tcb *c)
{
	c->quick = c->cfg->quickack ? QUICKACKS : 0;
}

/* Text after a silence longer than a timeout: the sender begins anew with a small window, or ACKs of
 * ours were lost. Not in a dialogue, where what we say next brings the ACK along. */
void tcp_rcv_after_silence(struct tcb *c)
{
	c->dialogue = c->last_data_out > c->last_data_in;
	if (c->tcp->now - c->last_data_in > rtt_rto(&c->rtt) && !c->dialogue)
		tcp_rcv_quick(c);
}

/* `segs`: so many came as one unit, and without SACK each is owed its duplicate ACK. */
static void want_ack(struct tcb *c, const struct seg *g, bool in_order, uint32_t segs)
{
	if (!in_order) {
		uint32_t owed = c->dup_acks_owed + segs;

		c->ack_now = true;
		if (!c->sack_ok)
			c->dup_acks_owed = (uint8_t)(owed < UINT8_MAX ? owed : UINT8_MAX);
		tcp_talk(c);
		return;
	}
	c->segs_unacked++;
	c->bytes_unacked += g->len;
	uint32_t full = (uint32_t)c->cfg->ack_every * c->mss;
	bool enough = c->segs_unacked >= c->cfg->ack_every && (c->bytes_unacked >= full || c->cfg->layout == LAYOUT_BSD);

	if (c->quick)
		c->quick--;
	else if (c->cfg->delayed_ack && !enough && c->bytes_unacked < full) {
		if (c->due[T_DELACK] == NS_NEVER)
			tcp_timer_set(c, T_DELACK, c->tcp->now + c->cfg->delack);
		return;
	}
	c->ack_now = true;
	tcp_talk(c);
}

void tcp_rcv_text(struct tcb *c, const struct seg *g, const struct pkt *p)
{
	struct tcp *t = c->tcp;
	uint32_t off = p->l4_off + g->hdr_len, len = g->len;
	seq_t seq = g->seq;
	bool hole = c->rcvq.nearly > 0;

	/* What lies beyond the window is cut off (step 1 has seen that something lies within), and
	 * beyond a known FIN there is no stream. */
	seq_t edge = c->fin_seen ? seq_min(c->rcv.fin, c->rcv.adv) : c->rcv.adv;

	if (seq_gt(seq_add(seq, len), edge))
		len = seq_lt(seq, edge) ? edge.v - seq.v : 0;
	if (!len) {
		c->ack_now = true;
		tcp_talk(c);
		return;
	}
	struct rcvq_result r = rcvq_insert(&c->rcvq, p, off, len, seq, &c->rcv.nxt);

	if (r.no_memory)
		t->count->tcp_mem_dropped++;
	if (r.duplicate) {
		t->count->tcp_dup_data++;
		c->dsack_due = c->cfg->dsack && c->sack_ok;
		c->dsack = r.dup;
		tcp_rcv_quick(c);
	}
	if (r.early) {
		t->count->tcp_ooo++;
		c->stat.ooo++;
		c->early = (struct seq_range){seq, seq_add(seq, len)};
	}
	c->stat.bytes_received += r.accepted;
	c->pushed = c->pushed || g->flags & TH_PSH;
	/* RFC 5681 4.2: at once when out of order, and when (part of) a hole was filled. */
	want_ack(c, g, r.advanced && !hole && !r.duplicate, p->gso_segs ? p->gso_segs : 1);
	if (r.advanced) {
		net_confirm(t->net, &c->flow.key.remote, t->now);
		if (c->user_gone || c->user_shut_rd)
			rcvq_consume(&c->rcvq, t->pool, c->rcvq.bytes);
		else if (c->rcvq.bytes >= c->rcvlowat || c->rcvq.bytes >= c->rcvbuf)
			tcp_notify(c, SOCK_READABLE);
	}
}
