/* Segments of no connection, or of one that ends with them: resets, SYN cookies, the ACKs of TIME-WAIT.
 * They do not wait to be pulled (the one exception to that rule): they go to the queue of net/ at once,
 * since nobody would remember that they are owed. RFC 9293 3.5.2, 3.10.7.1; RFC 4987. */
#include "tcp_write.h"

/* What the IP header has of the sender; zeros: defaults. */
struct ip_look {
	uint16_t *ip_id;
	uint8_t tos, ttl;
};

/* `ao`: what signs it, or NULL. */
static void send_control(struct tcp *t, const struct flow_key *key, struct seg *g, enum tcp_layout layout,
			 struct ip_look look, struct ao *ao)
{
	struct pkt *p = pkt_new(t->pool);
	struct net_dst dst = {.src = key->local, .dst = key->remote, .proto = PROTO_TCP, .dont_frag = true,
			      .ip_id = look.ip_id, .tos = look.tos, .ttl = look.ttl};

	if (!p) {
		t->count->no_memory++;
		return;
	}
	g->sport = key->lport;
	g->dport = key->rport;
	if (ao)
		tcp_ao_push(ao, key, p, g, layout);
	else
		tcp_emit(pkt_push(p, TCP_LEN + (uint32_t)tcp_opts_len(g, layout)), g, layout);
	p->csum = CSUM_PARTIAL;
	p->l4_proto = PROTO_TCP;
	p->note = (struct pkt_note){.xmit = 1};
	t->count->tcp_out++;
	t->count->tcp_rst_out += !!(g->flags & TH_RST);
	net_send(t->net, p, &dst, t->now);
}

/* RFC 5925 7.7: what a segment of no connection tells of both initial numbers, if it passed tcp_ao_arrive. */
static struct ao *stranger_ao(struct tcp *t, struct ao *room, const struct flow_key *key, const struct seg *g)
{
	bool syn = g->flags & TH_SYN;
	seq_t iss = syn ? seq_of(0) : seq_add(g->ack, (uint32_t)-1), irs = syn ? g->seq : seq_add(g->seq, (uint32_t)-1);

	return t->ao.on && tcp_ao_borrow(t, room, key, g, iss, irs) ? room : NULL;
}

/* RFC 9293 3.5.2 group 1, 3.10.7.1. */
void tcp_send_reset(struct tcp *t, const struct seg *g, const struct ip_hdr *ip, struct ao *ao)
{
	struct flow_key key = {.local = ip->dst, .remote = ip->src, .lport = g->dport, .rport = g->sport};
	struct seg r = {.flags = TH_RST};

	if (g->flags & TH_RST)
		return;
	if (g->flags & TH_ACK) {
		r.seq = g->ack;
	} else {
		r.flags |= TH_ACK;
		r.ack = seq_add(g->seq, seg_len(g));
	}
	const struct tcb_listener *l = tcp_find_listener(t, &ip->dst, g->dport);
	struct ip_look look = {0};
	struct ao room;

	if (l)
		look = (struct ip_look){.tos = l->tos, .ttl = l->ttl};
	send_control(t, &key, &r, LAYOUT_LINUX, look, ao ? ao : stranger_ao(t, &room, &key, g));
}

void tcp_send_abort(struct tcb *c)
{
	struct seg r = {.seq = c->snd.nxt, .ack = c->rcv.nxt, .flags = TH_RST | TH_ACK};

	if (c->state == TCP_SYN_SENT || c->state == TCP_CLOSED)
		return;
	write_timestamp(c, &r);
	send_control(c->tcp, &c->flow.key, &r, c->cfg->layout,
		     (struct ip_look){&c->ip_id, c->tos, c->ttl}, c->ao);
	c->stat.segs_out++;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

void tcp_send_syn_cookie(const struct tcb_listener *l, const struct flow_key *key, const struct seg *syn, seq_t iss,
			 uint32_t ts, uint16_t mss, uint8_t wscale)
{
	const struct tcp_config *cfg = l->cfg;
	struct seg g = {.seq = iss, .ack = seq_add(syn->seq, 1), .flags = TH_SYN | TH_ACK};
	struct tcp *t = l->tcp;
	struct ao room, *ao = t->ao.on && tcp_ao_borrow(t, &room, key, syn, iss, syn->seq) ? &room : NULL;

	g.wnd = (uint16_t)least(least(l->rcvbuf, l->window_clamp ? l->window_clamp : UINT32_MAX), 65535);
	g.opt.has_mss = true;
	g.opt.mss = (uint16_t)least(least(mss, cfg->mss ? cfg->mss : mss), l->mss_clamp ? l->mss_clamp : mss);
	if (ts) { /* without a timestamp there is no room for what the other options agreed on */
		g.opt.has_ts = true;
		g.opt.ts_val = ts;
		g.opt.ts_ecr = syn->opt.ts_val;
		g.opt.sack_ok = syn->opt.sack_ok && cfg->sack;
		g.opt.has_wscale = syn->opt.has_wscale && cfg->wscale;
		g.opt.wscale = wscale;
	}
	send_control(t, key, &g, cfg->layout, (struct ip_look){.tos = l->tos, .ttl = l->ttl}, ao);
}

void tcp_send_tw_ack(struct tcp *t, struct tcb_tw *w)
{
	struct seg g = {.seq = w->snd_nxt, .ack = w->rcv_nxt, .flags = TH_ACK | w->ecn_bits, .wnd = (uint16_t)w->rcv_wnd};

	if (w->ts_ok) {
		g.opt.has_ts = true;
		g.opt.ts_val = (uint32_t)(t->now / TS_TICK) + w->ts_offset;
		g.opt.ts_ecr = w->ts_recent;
	}
	send_control(t, &w->flow.key, &g, LAYOUT_LINUX, (struct ip_look){&w->ip_id, w->tos, w->ttl}, w->ao);
}
