/* A segment arrives: RFC 9293 3.10.7, one function for each numbered step.
 *
 * A step answers with a verdict and builds no packet; tcp_input applies the verdict in one switch.
 * RFC 5961 (blind attacks) and RFC 7323 5 (PAWS) are part of the steps that they amend. */
#include "tcp.h"

#include "../wire/csum.h"

enum verdict {
	GO_ON,
	DROP,
	DROP_ACK,       /* answer with an ACK of where we stand */
	DROP_CHALLENGE, /* the same, limited (RFC 5961 7) */
	DROP_RESET,     /* answer with a reset of the segment's own numbers */
	GONE,           /* the connection is closed */
};

static void drop_probe(struct tcb *c, const struct seg *g, const char *why)
{
	tcp_probe(c, PROBE_DROP, g->seq, seq_add(g->seq, seg_len(g)), 0, why);
}

/* ---- step 1: sequence number ---- */

/* RFC 7323 5.5: the peer's clock may have gone half around since. */
static bool ts_recent_is_stale(const struct tcb *c)
{
	return c->tcp->now - c->ts_recent_at >= PAWS_IDLE;
}

/* RFC 7323 5.3 R1. A reset is exempt (R1, last sentence). */
static bool paws_rejects(const struct tcb *c, const struct seg *g)
{
	if (!c->ts_ok || !g->opt.has_ts || g->flags & TH_RST)
		return false;
	if ((int32_t)(g->opt.ts_val - c->ts_recent) >= 0)
		return false;
	return !ts_recent_is_stale(c);
}

/* The end of the window in which segments are acceptable. */
static seq_t right_edge(const struct tcb *c)
{
	seq_t room = seq_add(c->rcv.nxt, tcp_rcv_space(c));

	if (!c->cfg->whole_segs || (c->state == TCP_SYN_RECEIVED && c->passive))
		return c->rcv.adv;
	return seq_max(c->rcv.adv, room);
}

/* RFC 9293 3.4, the four cases. A segment without length is taken up to and including the right
 * edge: after a loss of a full window that is where the peer's pure ACKs stand. A reset is not. */
static bool acceptable(const struct tcb *c, const struct seg *g)
{
	seq_t edge = right_edge(c);
	uint32_t len = seg_len(g), wnd = edge.v - c->rcv.nxt.v;
	seq_t last = seq_add(g->seq, len - 1);

	if (len == 0 && g->flags & TH_RST)
		return seq_eq(g->seq, c->rcv.nxt) || seq_in(g->seq, c->rcv.nxt, edge);
	if (len == 0)
		return seq_le(c->rcv.nxt, g->seq) && seq_le(g->seq, edge);
	if (wnd == 0)
		return false;
	return seq_in(g->seq, c->rcv.nxt, edge) || seq_in(last, c->rcv.nxt, edge) ||
	       (seq_lt(g->seq, c->rcv.nxt) && seq_ge(last, edge));
}

/* A segment that is wholly old: report what of it was a duplicate (RFC 2883 4). */
static void note_duplicate(struct tcb *c, const struct seg *g)
{
	seq_t end = seq_add(g->seq, g->len);

	if (g->len == 0 || !seq_lt(g->seq, c->rcv.nxt))
		return;
	c->tcp->count->tcp_dup_data++;
	c->dsack_due = c->cfg->dsack && c->sack_ok;
	c->dsack = (struct seq_range){g->seq, seq_min(end, c->rcv.nxt)};
	if (c->acc.on)
		tcp_ecn_duplicate(c, g->seq);
	tcp_rcv_quick(c);
}

/* RFC 9293 3.10.7.4: when the window is shut, ACKs and URGs of the right number still count. */
static bool probe_of_zero_window(const struct tcb *c, const struct seg *g)
{
	return seq_eq(c->rcv.adv, c->rcv.nxt) && seq_eq(g->seq, c->rcv.nxt) && !(g->flags & (TH_RST | TH_SYN));
}

/* Only the ACK of the segment is left, which is answered. */
static enum verdict leave_the_ack(struct tcb *c, struct seg *g)
{
	g->len = 0;
	g->flags &= (uint16_t)~TH_FIN;
	c->ack_now = true;
	tcp_talk(c);
	return GO_ON;
}

static enum verdict step1_sequence(struct tcb *c, struct seg *g)
{
	struct stack_counters *count = c->tcp->count;

	if (paws_rejects(c, g)) {
		count->tcp_paws++;
		drop_probe(c, g, "PAWS");
		note_duplicate(c, g);
		return DROP_ACK;
	}
	/* RFC 7323 3.2: once agreed, every segment but a reset carries the option. */
	if (c->ts_ok && !c->cfg->ts_tolerant && !g->opt.has_ts && !(g->flags & (TH_RST | TH_SYN))) {
		drop_probe(c, g, "timestamp missing");
		return DROP;
	}
	if (acceptable(c, g))
		return GO_ON;
	if (g->flags & TH_RST)
		return DROP;
	if (g->flags & TH_SYN) /* RFC 5961 4.2: irrespective of the number */
		return GO_ON;
	if (probe_of_zero_window(c, g))
		return leave_the_ack(c, g);
	count->tcp_out_of_window++;
	drop_probe(c, g, "out of window");
	note_duplicate(c, g);
	/* RFC 9768 3.2 counts retransmissions; one that ends where the window begins was surely meant for us. */
	if (c->acc.on && g->len && seq_eq(seq_add(g->seq, g->len), c->rcv.nxt))
		tcp_ecn_arrive(c, g);
	if (c->cfg->old_acks && seg_len(g) && seq_lt(g->seq, c->rcv.nxt))
		return leave_the_ack(c, g);
	return seg_len(g) || seq_lt(g->seq, c->rcv.nxt) ? DROP_ACK : DROP_CHALLENGE;
}

/* RFC 7323 4.3 (2): only a segment that holds the last ACK's number moves TS.Recent. */
static void take_timestamp(struct tcb *c, const struct seg *g)
{
	if (!c->ts_ok || !g->opt.has_ts || g->flags & TH_RST)
		return;
	bool newer = (int32_t)(g->opt.ts_val - c->ts_recent) >= 0 || ts_recent_is_stale(c);

	if (newer && seq_le(g->seq, c->last_ack_sent)) {
		c->ts_recent = g->opt.ts_val;
		c->ts_recent_at = c->tcp->now;
	}
}

/* ---- step 2: RST ---- */

static enum verdict step2_reset(struct tcb *c, const struct seg *g)
{
	if (!(g->flags & TH_RST))
		return GO_ON;
	c->tcp->count->tcp_rst_in++;
	/* RFC 5961 3.2: only the exact number closes; within the window it is challenged. */
	if (!seq_eq(g->seq, c->rcv.nxt) && c->cfg->rfc5961)
		return DROP_CHALLENGE;
	switch (c->state) {
	case TCP_SYN_RECEIVED:
		tcp_fastopen_settled(c, true);
		c->user_gone = c->user_gone || (c->passive && !c->ready.handle);
		tcp_closed(c, c->user_gone ? 0 : c->passive ? ERR_RESET : ERR_REFUSED, "reset while half open");
		return GONE;
	default:
		/* In CLOSING and LAST-ACK RFC 9293 just deletes the TCB. A user who still looks is told
		 * all the same, as Linux and FreeBSD do: what stood before our FIN may be lost. */
		tcp_closed(c, ERR_RESET, "reset by the peer");
		return GONE;
	}
}

/* ---- step 4: SYN ---- */

static enum verdict step4_syn(struct tcb *c, struct seg *g)
{
	if (!(g->flags & TH_SYN))
		return GO_ON;
	if (c->state == TCP_SYN_RECEIVED && seq_eq(g->seq, c->rcv.irs)) {
		/* The SYN again: our SYN-ACK was lost. With ACK it is the answer in a simultaneous open. */
		if (!(g->flags & TH_ACK)) {
			if (!tcp_ecn_take_syn_again(c, g)) {
				tcp_send_abort(c);
				tcp_closed(c, ERR_RESET, "two SYNs that ask for different kinds of ECN");
				return GONE;
			}
			c->syn_due = true;
			c->send_why = WHY_SYN_ACK;
			tcp_talk(c);
			return DROP;
		}
		if (seq_eq(g->ack, c->snd.nxt) && g->len == 0) {
			g->flags &= (uint16_t)~TH_SYN;
			g->seq = seq_add(g->seq, 1);
			return GO_ON;
		}
	}
	if (g->flags & TH_ACK && seq_eq(g->seq, c->rcv.irs) && seq_eq(g->ack, seq_add(c->snd.iss, 1)))
		tcp_ecn_take_synack_again(c, g);
	if (!c->cfg->rfc5961 && seq_in(g->seq, c->rcv.nxt, right_edge(c))) { /* RFC 793 */
		tcp_send_abort(c);
		tcp_closed(c, ERR_RESET, "SYN in the window");
		return GONE;
	}
	return DROP_CHALLENGE;
}

/* ---- step 5: ACK ---- */

static bool fin_is_acked(const struct tcb *c)
{
	return c->fin_sent && seq_eq(c->snd.una, c->snd.nxt);
}

/* What came with the SYN in a simultaneous open (keep_syn_text). */
static void take_syn_text(struct tcb *c)
{
	uint32_t n = rcvq_join(&c->rcvq, c->tcp->pool, &c->rcv.nxt);

	if (!n)
		return;
	c->stat.bytes_received += n;
	tcp_timer_set(c, T_DELACK, c->tcp->now + c->cfg->delack);
	if (c->user_gone || c->user_shut_rd)
		rcvq_consume(&c->rcvq, c->tcp->pool, c->rcvq.bytes);
	else
		tcp_notify(c, SOCK_READABLE);
}

static enum verdict ack_syn_received(struct tcb *c, const struct seg *g)
{
	if (!(seq_lt(c->snd.iss, g->ack) && seq_le(g->ack, c->snd.nxt)))
		return DROP_RESET;
	if (!tcp_accept_ready(c))
		return DROP; /* the accept queue is full: the SYN-ACK's timer asks again */
	if (c->defer && !g->len && !(g->flags & TH_FIN) && c->tcp->now - c->last_rcvd < c->defer) {
		c->defer_heard = true;
		return DROP;
	}
	if (c->defer_heard)
		c->retries = 0; /* nothing was lost */
	c->snd.wnd = (uint32_t)g->wnd << c->snd_wscale;
	c->snd.max_wnd = c->snd.wnd;
	c->snd.wl1 = g->seq;
	c->snd.wl2 = g->ack;
	/* Karn: a SYN-ACK sent once gives the first sample, or the timestamp does. */
	ns_t rtt = c->tcp->now - c->last_sent;

	if (c->retries == 0 && seq_eq(c->snd.nxt, seq_add(c->snd.iss, 1)))
		rtt_sample(&c->rtt, rtt, 1, c->tcp->now);
	if (!(c->tfo & TFO_CHILD))
		c->snd.una = c->snd.small = seq_add(c->snd.iss, 1);
	if (c->tfo & TFO_ASKED)
		tcp_fastopen_answered(c, g);
	tcp_established(c, "ACK of our SYN");
	tcp_arm_rexmit(c);
	if (c->rcvq.nearly)
		take_syn_text(c);
	return GO_ON;
}

/* RFC 9293 3.10.7.4 with RFC 5961 5.2. */
static enum verdict step5_ack(struct tcb *c, struct seg *g)
{
	enum verdict v;

	if (!(g->flags & TH_ACK))
		return DROP;
	if (c->state == TCP_SYN_RECEIVED && (v = ack_syn_received(c, g)) != GO_ON)
		return v;
	if (seq_gt(g->ack, c->snd.max))
		return DROP_ACK;
	if (seq_lt(g->ack, seq_add(c->snd.una, -c->snd.max_wnd)))
		return c->cfg->rfc5961 ? DROP_CHALLENGE : DROP;
	take_timestamp(c, g); /* not before the ACK is known to be good: a guess must not poison
			       * TS.Recent, or all that follows looks old (CVE-2005-0356) */
	c->last_rcvd = c->tcp->now;
	c->keep_probes = c->unheard = 0;
	tcp_ack(c, g);

	switch (c->state) {
	case TCP_FIN_WAIT_1:
		if (fin_is_acked(c)) {
			tcp_set_state(c, TCP_FIN_WAIT_2, "ACK of our FIN");
			if (c->user_gone)
				tcp_timer_set(c, T_WAIT, c->tcp->now + FIN_WAIT_2_MAX);
		}
		break;
	case TCP_CLOSING:
		if (fin_is_acked(c)) {
			tcp_enter_time_wait(c);
			return GONE;
		}
		break;
	case TCP_LAST_ACK:
		if (fin_is_acked(c)) {
			tcp_closed(c, 0, "ACK of our FIN");
			return GONE;
		}
		break;
	default:
		break;
	}
	return GO_ON;
}

/* ---- steps 6 to 8 ---- */

static bool takes_text(enum tcp_state s)
{
	return s == TCP_ESTABLISHED || s == TCP_FIN_WAIT_1 || s == TCP_FIN_WAIT_2;
}

/* RFC 9293 3.8.5 with RFC 6093: urgent data stay in line, and the user is told whenever the pointer
 * moves on beyond what has been read (MUST-32), even if the window is shut or the text is still to come
 * (MUST-66). `seq` is the segment's own, since the pointer is relative to it. */
static void step6_urgent(struct tcb *c, const struct seg *g, seq_t seq)
{
	seq_t up = seq_add(seq, g->urg), read = seq_add(c->rcv.nxt, -c->rcvq.bytes);

	if (!(g->flags & TH_URG) || !takes_text(c->state) || c->user_gone)
		return;
	if (seq_le(up, read) || (c->rcv.urgent && seq_le(up, c->rcv.up)))
		return;
	c->rcv.up = up;
	c->rcv.urgent = true;
	tcp_notify(c, SOCK_URGENT);
}

static enum verdict step7_text(struct tcb *c, const struct seg *g, const struct pkt *p)
{
	if (!g->len || !takes_text(c->state))
		return GO_ON;
	/* RFC 9293 3.6.1 (RFC 2525 2.17): nobody will read it, and the peer should not think so. */
	if (c->user_gone && seq_gt(seq_add(g->seq, g->len), c->rcv.nxt)) {
		/* By the number that the peer expects: only that one is sure to end it (RFC 5961 3.2). */
		tcp_closed(c, 0, "data after the user had closed");
		return DROP_RESET;
	}
	tcp_rcv_text(c, g, p);
	return GO_ON;
}

/* The stream ends where the first believable FIN says, and nowhere else: within the window, and not
 * below text that is held already. */
static void note_fin(struct tcb *c, const struct seg *g)
{
	seq_t fin = seq_add(g->seq, g->len);

	if (!(g->flags & TH_FIN) || c->fin_seen)
		return;
	if (seq_lt(fin, c->rcv.nxt) || seq_gt(fin, c->rcv.adv) || seq_lt(fin, rcvq_end(&c->rcvq, c->rcv.nxt)))
		return;
	c->fin_seen = true;
	c->rcv.fin = fin;
	if (!seq_eq(c->rcv.nxt, fin) && !g->len) { /* RFC 5681 4.2: out of order, as text would be */
		c->ack_now = true;
		tcp_talk(c);
	}
}

static enum verdict step8_fin(struct tcb *c, const struct seg *g)
{
	note_fin(c, g);
	if (!c->fin_seen || !seq_eq(c->rcv.nxt, c->rcv.fin) || c->state < TCP_SYN_RECEIVED)
		return GO_ON;
	if (c->state == TCP_CLOSE_WAIT || c->state == TCP_CLOSING || c->state == TCP_LAST_ACK)
		return GO_ON; /* taken before */

	c->rcv.nxt = seq_add(c->rcv.nxt, 1);
	if (seq_lt(c->rcv.adv, c->rcv.nxt))
		c->rcv.adv = c->rcv.nxt;
	c->ack_now = true;
	tcp_talk(c);
	tcp_notify(c, SOCK_READABLE | SOCK_FIN);
	switch (c->state) {
	case TCP_SYN_RECEIVED:
	case TCP_ESTABLISHED:
		tcp_set_state(c, TCP_CLOSE_WAIT, "FIN");
		break;
	case TCP_FIN_WAIT_1:
		if (fin_is_acked(c)) {
			tcp_enter_time_wait(c);
			return GONE;
		}
		tcp_set_state(c, TCP_CLOSING, "FIN before the ACK of ours");
		break;
	case TCP_FIN_WAIT_2:
		tcp_enter_time_wait(c);
		return GONE;
	default:
		break;
	}
	return GO_ON;
}

/* ---- SYN-SENT: RFC 9293 3.10.7.3 ---- */

/* Text of a SYN that crossed ours waits for ESTABLISHED: neither acknowledged nor readable before. A peer
 * that does not count on that sends it again. Nothing is said of a FIN: it comes again for sure. */
static void keep_syn_text(struct tcb *c, const struct seg *g, const struct pkt *p)
{
	seq_t before = c->rcv.irs;
	uint32_t room = c->rcv.adv.v - c->rcv.nxt.v;

	rcvq_insert(&c->rcvq, p, p->l4_off + g->hdr_len, g->len < room ? g->len : room, c->rcv.nxt, &before);
}

static enum verdict arrive_syn_sent(struct tcb *c, struct seg *g, const struct pkt *p)
{
	struct tcp *t = c->tcp;
	bool has_ack = g->flags & TH_ACK;

	/* first, second */
	if (has_ack && (seq_le(g->ack, c->snd.iss) || seq_gt(g->ack, c->snd.nxt)))
		return g->flags & TH_RST ? DROP : DROP_RESET;
	if (g->flags & TH_RST) {
		if (!has_ack)
			return DROP;
		t->count->tcp_rst_in++;
		tcp_closed(c, ERR_REFUSED, "reset in answer to our SYN");
		return GONE;
	}
	/* fourth */
	if (!(g->flags & TH_SYN))
		return DROP;
	c->rcv.irs = g->seq;
	c->rcv.nxt = c->rcv.wup = seq_add(g->seq, 1);
	c->rcv.adv = seq_add(c->rcv.nxt, tcp_rcv_space(c) < 65535 ? tcp_rcv_space(c) : 65535);
	c->last_rcvd = t->now;
	tcp_take_options(c, g);
	c->snd.wnd = c->snd.max_wnd = g->wnd;
	c->snd.wl1 = g->seq;
	if (!has_ack) {
		tcp_ecn_take_syn(c, g);
		tcp_set_state(c, TCP_SYN_RECEIVED, "SYN for our SYN: simultaneous open");
		c->syn_due = true;
		c->retries = 0;
		tcp_arm_rexmit(c);
		tcp_talk(c);
		if (g->len)
			keep_syn_text(c, g, p);
		return DROP;
	}
	c->snd.una = c->snd.small = seq_add(c->snd.iss, 1);
	c->snd.wl2 = g->ack;
	if (c->tfo & TFO_ASKED)
		tcp_fastopen_answered(c, g);
	tcp_ecn_take_synack(c, g);
	if (c->retries == 0)
		rtt_sample(&c->rtt, t->now - c->last_sent, 1, t->now);
	c->syn_due = false;
	tcp_established(c, "SYN-ACK");
	tcp_arm_rexmit(c);
	c->ack_now = true;
	net_confirm(t->net, &c->flow.key.remote, t->now);
	/* Text and FIN that came with it are looked at as from step 6 on. */
	step6_urgent(c, g, g->seq);
	g->flags &= (uint16_t)~TH_SYN;
	g->seq = c->rcv.nxt;
	enum verdict v = step7_text(c, g, p);

	return v == GO_ON ? step8_fin(c, g) : v;
}

/* RFC 9293 3.10.7.4: the states after SYN-SENT. */
static enum verdict arrive_synchronised(struct tcb *c, struct seg *g, const struct pkt *p)
{
	enum verdict v;

	if ((v = step1_sequence(c, g)) != GO_ON)
		return v;
	if ((v = step2_reset(c, g)) != GO_ON)
		return v;
	if ((v = step4_syn(c, g)) != GO_ON)
		return v;
	if ((v = step5_ack(c, g)) != GO_ON)
		return v;
	if (c->ecn_ok)
		tcp_ecn_arrive(c, g);
	if (g->opt.has_uto)
		tcp_uto_arrive(c, g);
	step6_urgent(c, g, g->seq);
	if ((v = step7_text(c, g, p)) != GO_ON)
		return v;
	return step8_fin(c, g);
}

/* ---- verdicts ---- */

static bool may_challenge(struct tcb *c)
{
	ns_t now = c->tcp->now;

	if (now - c->challenge_stamp >= c->cfg->challenge_interval) {
		c->challenge_tokens = c->cfg->challenge_acks;
		c->challenge_stamp = now;
	}
	if (!c->challenge_tokens) {
		c->tcp->count->tcp_challenge_limited++;
		return false;
	}
	c->challenge_tokens--;
	return true;
}

static void apply(struct tcb *c, enum verdict v, const struct seg *g, const struct ip_hdr *ip)
{
	switch (v) {
	case GO_ON:
	case DROP:
	case GONE:
		break;
	case DROP_CHALLENGE:
		if (!may_challenge(c))
			break;
		c->tcp->count->tcp_challenge++;
		c->challenge_due = true;
		c->ack_now = true;
		tcp_talk(c);
		break;
	case DROP_ACK:
		/* An ACK for an ACK that is out of place could go on for ever: limited as well. */
		if (!seg_len(g) && !may_challenge(c))
			break;
		c->ack_now = true;
		if (!c->sack_ok && c->dup_acks_owed < UINT8_MAX)
			c->dup_acks_owed++;
		tcp_talk(c);
		break;
	case DROP_RESET:
		tcp_send_reset(c->tcp, g, ip, c->ao);
		break;
	}
}

static void arrive(struct tcb *c, struct seg *g, struct pkt *p, const struct ip_hdr *ip)
{
	const seq_t seq = g->seq;
	const uint32_t len = g->len;
	const uint16_t flags = g->flags;
	const uint32_t segs = p->gso_segs ? p->gso_segs : 1;
	enum verdict v;

	c->stat.segs_in += segs;
	c->stat.data_in += g->len ? segs : 0;
	if (g->len) {
		tcp_rcv_after_silence(c);
		c->last_data_in = c->tcp->now;
	}
	if (c->state == TCP_SYN_SENT)
		v = arrive_syn_sent(c, g, p);
	else
		v = arrive_synchronised(c, g, p);
	/* The answer is to the segment as it came, whatever a step took away from it. */
	g->seq = seq;
	g->len = len;
	g->flags = flags;
	apply(c, v, g, ip);
}

/* Nobody has this flow: a listener, a cookie of ours, or a reset (RFC 9293 3.10.7.1). */
static void arrive_stranger(struct tcp *t, struct seg *g, struct pkt *p, const struct ip_hdr *ip,
			    const struct flow_key *key)
{
	struct tcb_listener *l = tcp_find_listener(t, &ip->dst, g->dport);

	if (g->flags & TH_RST)
		return;
	if (l && (g->flags & (TH_SYN | TH_ACK)) == TH_SYN) {
		if (!(g->flags & TH_FIN) || l->cfg->synfin == SYNFIN_IS_SYN)
			tcp_arrive_listen(l, g, p, ip);
		return;
	}
	if (l && g->flags & TH_SYN && l->cfg->syn_unanswered)
		return;
	if (l && !(g->flags & TH_ACK))
		return; /* 3.10.7.2 fourth: nothing that could be meant; drop */
	if (l && !(g->flags & TH_SYN) && l->cfg->syn_cookies && t->count->tcp_syn_cookies_sent) {
		struct tcb *c = tcp_cookie_check(l, g, key);

		if (c) {
			arrive(c, g, p, ip);
			return;
		}
	}
	t->count->tcp_no_conn += !l;
	tcp_send_reset(t, g, ip, NULL);
}

static bool checksum_ok(const struct pkt *p, const struct ip_hdr *ip)
{
	return p->csum != CSUM_UNKNOWN || csum_pkt(p, &ip->src, &ip->dst, PROTO_TCP) == 0;
}

void tcp_input(struct tcp *t, struct pkt *p, const struct ip_hdr *ip)
{
	struct seg g;
	uint32_t there = p->len - p->l4_off;

	t->count->tcp_in++;
	if (p->head_len < p->l4_off || !tcp_parse(p->data + p->l4_off, p->head_len - p->l4_off, &g)) {
		t->count->tcp_bad++;
		goto out;
	}
	if (!checksum_ok(p, ip)) {
		t->count->tcp_bad_csum++;
		goto out;
	}
	g.len = there - g.hdr_len;
	g.ecn = ip->tos & ECN_MASK;
	if (t->cfg.synfin == SYNFIN_DROP && g.flags & TH_SYN && g.flags & TH_FIN)
		goto out;

	struct flow_key key = {.local = ip->dst, .remote = ip->src, .lport = g.dport, .rport = g.sport};
	struct tcp_flow *f = flowmap_find(&t->flows, &key);

	if (t->ao.on && !tcp_ao_arrive(t, f, &g, p, &key))
		goto out;
	if (f && f->kind == FLOW_TIME_WAIT) {
		if (!tcp_arrive_time_wait(t, (struct tcb_tw *)f, &g))
			goto out;
		f = NULL;
	}
	if (f)
		arrive((struct tcb *)f, &g, p, ip);
	else
		arrive_stranger(t, &g, p, ip, &key);
out:
	pkt_free(p);
}
