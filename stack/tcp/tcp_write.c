/* How a segment is written: header, options, window, the note for whoever looks on. Nothing here decides
 * whether to speak. RFC 9293 3.1, 3.8.6.2.2 (the window we offer), RFC 7323 3 (timestamps), RFC 2018 and
 * 2883 (SACK blocks), 3.8.5 (the urgent pointer). */
#include "tcp_write.h"

/* The window to announce (RFC 9293 3.8.6.2.2, RFC 7323 2.3, 2.4). While a whole segment still fits,
 * small steps do no harm and every ACK says all there is, as Linux and FreeBSD do; below that the edge
 * waits for a worthwhile step. It never moves left: where the scale cannot express it, it is rounded
 * up. That adds up over many ACKs without a read, and a peer that sends single bytes could walk on
 * for ever, so beyond a quarter of the buffer it is rounded down after all (RFC 7323 2.4). */
static uint16_t announce(struct tcb *c)
{
	uint8_t s = c->rcv_wscale;
	uint32_t unit = 1u << s, offered = c->rcv.adv.v - c->rcv.nxt.v, space = tcp_rcv_space(c);
	uint32_t wnd = offered, slack = c->rcvbuf / 4 < 65536 ? c->rcvbuf / 4 : 65536;

	if (offered >= c->mss || tcp_window_update_due(c) || space >= offered + c->mss)
		wnd = (c->cfg->whole_segs ? space + unit - 1 : space) & ~(unit - 1);
	if (wnd < offered)
		wnd = offered;
	uint32_t w = (wnd + unit - 1) >> s;

	if ((w << s) > space + unit + slack)
		w = wnd >> s;
	if (w > 65535)
		w = 65535;
	if (seq_gt(seq_add(c->rcv.nxt, w << s), c->rcv.adv))
		c->rcv.adv = seq_add(c->rcv.nxt, w << s);
	return (uint16_t)w;
}

void write_timestamp(struct tcb *c, struct seg *g)
{
	if (!c->ts_ok)
		return;
	g->opt.has_ts = true;
	g->opt.ts_val = tcp_ts_now(c);
	g->opt.ts_ecr = c->ts_recent;
}

/* RFC 9293 3.8.5, MUST-62: the pointer is the distance to the byte behind the last urgent one. One that
 * is out of its reach points as far as it can; later segments move it on. */
static void add_urgent(const struct tcb *c, struct seg *g)
{
	int64_t ahead = urgent_ahead(c, g->seq);

	if (ahead <= 0)
		return;
	g->flags |= TH_URG;
	g->urg = (uint16_t)(ahead < 65535 ? ahead : 65535);
}

/* D-SACK first (RFC 2883), then the newest early range, then others. */
static void add_sacks(struct tcb *c, struct seg *g)
{
	struct seq_range r[TCP_SACKS];
	int most = c->ts_ok ? 3 : 4, n = 0;

	if (!c->sack_ok)
		return;
	if (c->dsack_due) {
		g->opt.sack[0].lo = c->dsack.lo;
		g->opt.sack[0].hi = c->dsack.hi;
		n = 1;
	}
	int have = rcvq_sacks(&c->rcvq, r, most - n);

	for (int i = 0; i < have; i++, n++) {
		g->opt.sack[n].lo = r[i].lo;
		g->opt.sack[n].hi = r[i].hi;
	}
	g->opt.nsack = (uint8_t)n;
	c->dsack_due = false;
}

void write_note(const struct tcb *c, struct pkt *p, enum send_why why, seq_t lo, uint32_t len)
{
	seq_t first = seq_add(c->snd.iss, 1);

	p->note = (struct pkt_note){.why = (uint8_t)why,
				    .xmit = 1,
				    .lo = lo.v - first.v,
				    .hi = lo.v - first.v + len,
				    .cwnd = c->cc.cwnd,
				    .ssthresh = c->cc.ssthresh,
				    .cwnd_before = c->prior_cwnd};
}

/* What every segment that carries our ACK settles. */
void write_acked(struct tcb *c)
{
	c->ack_now = c->challenge_due = false;
	c->segs_unacked = 0;
	c->pushed = false;
	c->bytes_unacked = 0;
	c->rcv.wup = c->rcv.nxt;
	c->last_ack_sent = c->rcv.nxt;
	tcp_timer_stop(c, T_DELACK);
}

static void to_net(struct tcb *c, struct pkt *p, uint32_t segs)
{
	struct tcp *t = c->tcp;
	struct net_dst dst = {.src = c->flow.key.local,
			      .dst = c->flow.key.remote,
			      .proto = PROTO_TCP,
			      .tos = c->tos,
			      .ttl = c->ttl,
			      .dont_frag = c->cfg->pmtud || c->cfg->plpmtud,
			      .ip_id = &c->ip_id};

	t->count->tcp_out += segs;
	c->stat.segs_out += segs;
	net_send(t->net, p, &dst, t->now);
}

/* Pushes the header of g in front of the pkt's payload and hands it down. */
void write_segment(struct tcb *c, struct pkt *p, struct seg *g)
{
	g->sport = c->flow.key.lport;
	g->dport = c->flow.key.rport;
	uint32_t segs = p->gso_size ? (p->len + p->gso_size - 1) / p->gso_size : 1;

	c->stat.data_out += p->len ? segs : 0;
	if (c->ao)
		tcp_ao_push(c->ao, &c->flow.key, p, g, c->cfg->layout);
	else
		tcp_emit(pkt_push(p, TCP_LEN + (uint32_t)tcp_opts_len(g, c->cfg->layout)), g, c->cfg->layout);
	p->csum = CSUM_PARTIAL;
	p->l4_proto = PROTO_TCP;
	to_net(c, p, segs);
}

struct pkt *write_pkt(struct tcb *c)
{
	struct pkt *p = pkt_new(c->tcp->pool);

	if (!p)
		c->tcp->count->no_memory++;
	return p;
}

/* A segment without text at seq: ACK, probe, FIN, RST. */
bool write_bare(struct tcb *c, seq_t seq, uint16_t flags, enum send_why why)
{
	struct pkt *p = write_pkt(c);
	struct seg g = {.seq = seq, .ack = c->rcv.nxt, .flags = flags};

	if (!p)
		return false;
	g.wnd = flags & TH_RST ? 0 : announce(c);
	write_timestamp(c, &g);
	bool report = c->dsack_due;

	if (!(flags & (TH_RST | TH_FIN)))
		add_sacks(c, &g);
	if (!(flags & TH_RST))
		add_urgent(c, &g);
	if (c->uto.due && !(flags & (TH_RST | TH_FIN)))
		tcp_uto_say(c, &g);
	if (c->ecn_ok && !(flags & TH_RST)) {
		g.flags |= tcp_ecn_bits(c, !g.opt.nsack && !(flags & TH_FIN));
		if (!(flags & TH_FIN))
			tcp_ecn_option(c, &g, report && g.opt.nsack);
	}
	write_note(c, p, why, seq, 0);
	uint8_t tos = c->tos;

	if (!(flags & TH_RST) && tcp_ecn_is_ect(c, false))
		c->tos |= ECN_ECT0;
	write_segment(c, p, &g);
	c->tos = tos;
	if (flags & TH_ACK)
		write_acked(c);
	return true;
}

/* The one packet that is made outside of output, for DCTCP's receiver: what it says would not be true
 * any more a moment later. */
void tcp_send_ack_at_once(struct tcb *c)
{
	write_bare(c, c->snd.nxt, TH_ACK, WHY_NEW);
}

/* One segment's text out of more pieces than a pkt has slices for: a copy in one piece. */
static bool gather(struct tcb *c, struct pkt *p, uint32_t off, uint32_t len)
{
	struct chunk *k = chunk_for(c->tcp->pool, len);

	if (!k) {
		c->tcp->count->no_memory++;
		return false;
	}
	sndq_copy_out(&c->sndq, off, len, k->data);
	k->used = len;
	pkt_trim(p, 0);
	bool ok = pkt_add_slice(p, k, 0, len);

	chunk_unref(c->tcp->pool, k);
	return ok;
}

/* The text from seq on as the pkt's slices: all of `len`, or as many whole segments as there are slices
 * for. Returns the bytes, 0 without memory. */
static uint32_t fill_text(struct tcb *c, struct pkt *p, seq_t seq, uint32_t len)
{
	uint32_t off = queue_off(c, seq), got = sndq_fill(&c->sndq, off, len, p);
	uint32_t first = len < c->mss ? len : c->mss;

	if (got == len)
		return got;
	if (got < first)
		return gather(c, p, off, first) ? first : 0;
	got -= got % c->mss;
	pkt_trim(p, got);
	return got;
}

/* Up to `len` bytes of the send queue at seq. Returns the bytes written, 0 without memory. The urgent
 * pointer is relative to a segment's number, and a MAC is each segment's own, so that those which carry
 * one of them are made one by one. */
uint32_t write_text(struct tcb *c, seq_t seq, uint32_t len, uint16_t flags, const struct pkt_note *why)
{
	struct pkt *p = write_pkt(c);
	struct seg g = {.seq = seq, .ack = c->rcv.nxt, .flags = TH_ACK};

	if (!p)
		return 0;
	bool fresh = why->xmit == 1 && why->why != WHY_PERSIST;
	bool more = queue_off(c, seq) + len < c->sndq.bytes;
	uint32_t room = fresh && why->why != WHY_MTU_PROBE ? tcp_ecn_text_room(c, len, more) : 0;

	if (room && len > c->mss - room)
		len = c->mss - room;
	bool single = len > c->mss && (urgent_ahead(c, seq) > 0 || (c->ao && why->why != WHY_MTU_PROBE));
	uint32_t got = fill_text(c, p, seq, single ? c->mss : len);

	if (!got) {
		pkt_free(p);
		return 0;
	}
	if (got == len)
		g.flags |= flags & TH_FIN;
	/* RFC 9293 MUST-60: where the queue ends, unless the user said that more follows. And at the end of
	 * each unit, as Linux does: whoever merges at the other side may hand it up. */
	uint32_t end = queue_off(c, seq) + got;

	bool last = end == c->sndq.bytes ? !c->more || c->fin_queued : sndq_ends_record(&c->sndq, end);

	if (last || (got > c->mss && (makes_units(c) || c->cfg->layout == LAYOUT_LINUX)))
		g.flags |= TH_PSH;
	if (got > c->mss && !(why->why == WHY_MTU_PROBE && got == len))
		p->gso_size = c->mss;
	g.wnd = announce(c);
	write_timestamp(c, &g);
	add_urgent(c, &g);
	/* Never on a retransmission or a window probe (RFC 3168 6.1.5, 6.1.6). */
	bool ect = tcp_ecn_is_ect(c, fresh);

	g.len = got;
	if (c->ecn_ok)
		g.flags |= tcp_ecn_bits(c, false);
	if (room || tcp_ecn_constant_options(c))
		tcp_ecn_option(c, &g, false);
	if (c->cwr_due && ect) { /* RFC 3168 6.1.2: on new data */
		g.flags |= c->acc.on ? 0 : TH_CWR;
		c->cwr_due = false;
	}
	write_note(c, p, why->why, seq, got);
	p->note.xmit = why->xmit;
	p->note.rto = why->rto;
	p->note.dupacks = why->dupacks;
	p->note.outstanding = why->outstanding;
	uint8_t tos = c->tos;

	if (ect)
		c->tos |= ECN_ECT0;
	write_segment(c, p, &g);
	c->tos = tos;
	write_acked(c);
	return got;
}
