/* How connections begin: connect, listen, the half-open queue, accept, what a SYN's options agree on.
 * RFC 9293 3.10.1, 3.10.7.2; RFC 6528 (ISN), 6056 (ports), 7323 (scaling, timestamps), 4987. */
#include "tcp.h"

#include <stdlib.h>

static const struct addr any;

/* ---- MSS and options ---- */

/* What one segment carries: the peer's MSS and our path's, less the options that every segment will
 * have (RFC 6691). */
void tcp_choose_mss(struct tcb *c)
{
	uint32_t headers = (c->v6 ? IP6_LEN : IP4_LEN) + TCP_LEN;
	uint32_t mss = c->mss_peer, path = c->pmtu > headers ? c->pmtu - headers : 1;

	if (mss > path)
		mss = path;
	if (c->mss_clamp && mss > c->mss_clamp)
		mss = c->mss_clamp;
	if (mss < MSS_FLOOR)
		mss = MSS_FLOOR;
	c->mss = (uint16_t)(mss - tcp_constant_options(c));
	c->cc.mss = c->mss;
}

static uint8_t wanted_wscale(const struct tcp_config *cfg, uint32_t rcvbuf, uint32_t clamp)
{
	uint8_t shift = 0;
	/* A buffer that its user has set stays so. */
	uint32_t most = cfg->rcvbuf_max && rcvbuf == cfg->rcvbuf ? cfg->rcvbuf_max : rcvbuf;

	if (clamp && clamp < most)
		most = clamp;
	if (cfg->wscale_shift != 0xff)
		return cfg->wscale_shift;
	while (shift < WSCALE_MAX && most >> shift > 65535)
		shift++;
	return shift;
}

/* RFC 7323 1.3, 2.2, 3.2: an option holds when both SYNs had it. For a listener's child ours is
 * taken as offered, since the SYN-ACK only echoes what the SYN had. */
void tcp_take_options(struct tcb *c, const struct seg *g)
{
	static const struct tcp_opts none;
	const struct tcp_opts *o = c->cfg->no_options ? &none : &g->opt;

	c->mss_peer = o->has_mss && o->mss ? o->mss : c->v6 ? MSS_DEFAULT_V6 : MSS_DEFAULT_V4;
	c->sack_ok = o->sack_ok && c->cfg->sack;
	c->ts_ok = o->has_ts && c->cfg->timestamps;
	c->ws_ok = o->has_wscale && c->cfg->wscale;
	c->tcp->count->tcp_wscale_beyond += o->has_wscale && o->wscale > WSCALE_MAX;
	c->snd_wscale = c->ws_ok ? (o->wscale < WSCALE_MAX ? o->wscale : WSCALE_MAX) : 0;
	c->rcv_wscale = c->ws_ok ? wanted_wscale(c->cfg, c->rcvbuf, c->window_clamp) : 0;
	if (c->ts_ok) {
		c->ts_recent = o->ts_val;
		c->ts_recent_at = c->tcp->now;
	}
	if (o->has_uto)
		tcp_uto_arrive(c, g);
	tcp_choose_mss(c);
	if (c->cfg->whole_segs) {
		uint32_t seg = c->mss + tcp_constant_options(c);

		c->rcvbuf = (c->rcvbuf + seg - 1) / seg * seg;
		c->sndbuf = (c->sndbuf + seg - 1) / seg * seg;
	}
}

/* ---- a connection's numbers and place in the map ---- */

static bool enter_map(struct tcb *c, const struct flow_key *key)
{
	struct tcp *t = c->tcp;

	c->flow.key = *key;
	c->v6 = !addr_is_v4(&key->remote);
	c->pmtu = c->cfg->pmtud ? net_path_mtu(t->net, &key->remote, t->now) : net_mtu(t->net, &key->remote);
	/* RFC 7323 5.4, 7.1: an offset for each flow hides the clock and differs from flow to flow. */
	c->ts_offset = t->cfg.isn_is_fixed ? 0 : (uint32_t)siphash(&t->ts_key, key, sizeof(*key));
	c->snd.iss = tcp_isn(t, key);
	c->snd.una = c->snd.nxt = c->snd.max = c->snd.small = c->snd.iss;
	/* Every number that is compared before it is first set starts here, not at zero. */
	c->high = c->round_end = c->usage_end = c->rack.fack = c->undo.marker = c->tlp_end = c->snd.iss;
	c->sack.judged = c->snd.iss;
	return flowmap_insert(&t->flows, c);
}

static bool start_cc(struct tcb *c)
{
	return tcp_cc_start(c, c->cfg->cc);
}

/* RFC 6056 3.3.3 (algorithm 3): the start depends on the peer by a secret, the step is one. */
int tcp_bind_port(struct tcp *t, const struct addr *local, const struct addr *remote, uint16_t rport,
		  uint16_t *lport)
{
	struct flow_key key = {.local = *local, .remote = *remote, .rport = rport};
	uint32_t range = EPHEMERAL_HI - EPHEMERAL_LO + 1;
	uint32_t at = (uint32_t)siphash(&t->port_key, &key, sizeof(key)) + t->port_next++;

	for (uint32_t i = 0; i < range; i++) {
		key.lport = (uint16_t)(EPHEMERAL_LO + (at + i) % range);
		struct tcp_flow *f = flowmap_find(&t->flows, &key);

		if (!f && !tcp_find_listener(t, local, key.lport)) {
			*lport = key.lport;
			return 0;
		}
	}
	return ERR_INUSE;
}

int tcp_connect(struct tcb *c, const struct addr *remote, uint16_t port)
{
	struct tcp *t = c->tcp;
	struct flow_key key = {
		.local = c->flow.key.local, .remote = *remote, .lport = c->flow.key.lport, .rport = port};
	int err;

	if (port == 0 || addr_is_any(remote))
		return ERR_INVAL;
	if (addr_is_any(&key.local) && !net_route(t->net, remote, &key.local))
		return ERR_UNREACH;
	if (!net_is_ours(t->net, &key.local))
		return ERR_ADDRNOTAVAIL;
	if (net_is_ours(t->net, remote))
		return ERR_UNREACH; /* no loopback: a frame to ourselves would never come back */
	if (!key.lport && (err = tcp_bind_port(t, &key.local, remote, port, &key.lport)))
		return err;
	struct tcp_flow *old = flowmap_find(&t->flows, &key);

	if (old && old->kind == FLOW_TIME_WAIT) { /* RFC 6191: our clock and ISN have moved on */
		tcp_tw_free(t, (struct tcb_tw *)old);
		old = NULL;
	}
	if (old)
		return ERR_INUSE;
	if (!enter_map(c, &key))
		return ERR_NOMEM;
	err = t->ao.on ? tcp_ao_active(c) : 0;
	if (err || !start_cc(c)) {
		flowmap_remove(&t->flows, c);
		tcp_ao_free(t, &c->ao);
		return err ? err : ERR_NOMEM;
	}
	c->rcv_wscale = c->cfg->wscale ? wanted_wscale(c->cfg, c->rcvbuf, c->window_clamp) : 0;
	c->mss_peer = c->v6 ? MSS_DEFAULT_V6 : MSS_DEFAULT_V4;
	tcp_choose_mss(c);
	tcp_set_state(c, TCP_SYN_SENT, "active open");
	t->count->tcp_opened++;
	c->syn_due = true;
	c->last_sent = t->now;
	tcp_arm_rexmit(c);
	if (c->cfg->keep_init)
		tcp_timer_set(c, T_WAIT, ns_add(t->now, c->cfg->keep_init));
	tcp_talk(c);
	return 0;
}

/* ---- listeners ---- */

static struct tcb_listener *find_exact(struct tcp *t, const struct addr *local, uint16_t port)
{
	struct flow_key key = {.local = *local, .lport = port};

	return flowmap_find(&t->listeners, &key);
}

struct tcb_listener *tcp_find_listener(struct tcp *t, const struct addr *local, uint16_t port)
{
	const struct addr any4 = addr_v4(0);
	struct tcb_listener *l = find_exact(t, local, port);

	if (!l && addr_is_v4(local))
		l = find_exact(t, &any4, port);
	if (!l) { /* the wildcard of both families */
		l = find_exact(t, &any, port);
		if (l && l->v6only && addr_is_v4(local))
			l = NULL;
	}
	return l;
}

struct tcb_listener *tcp_listen(struct tcp *t, const struct addr *addr, uint16_t port, uint32_t backlog,
				const struct tcp_config *cfg, int *err)
{
	struct tcb_listener *l;

	if (find_exact(t, addr, port)) {
		*err = ERR_INUSE;
		return NULL;
	}
	*err = ERR_NOMEM;
	l = slab_get(&t->lsocks);
	if (!l)
		return NULL;
	l->flow = (struct tcp_flow){.key = {.local = *addr, .lport = port}, .kind = FLOW_LISTENER};
	list_init(&l->half);
	list_init(&l->done);
	list_init(&l->ready.node);
	l->tcp = t;
	l->backlog = backlog ? backlog : 1;
	l->cfg = cfg;
	l->sndbuf = cfg->sndbuf;
	l->rcvbuf = cfg->rcvbuf;
	if (!tcp_table_add(t, &l->flow, &l->table_at)) {
		slab_put(&t->lsocks, l);
		return NULL;
	}
	if (!flowmap_insert(&t->listeners, l)) {
		tcp_table_remove(t, l->table_at);
		slab_put(&t->lsocks, l);
		return NULL;
	}
	*err = 0;
	return l;
}

void tcp_leave_listener(struct tcb *c)
{
	struct tcb_listener *l = c->listener;

	if (!l)
		return;
	list_remove(&c->queue);
	if (c->state == TCP_SYN_RECEIVED && !(c->tfo & TFO_CHILD)) {
		l->nhalf--;
		c->tcp->nhalf--;
	} else {
		l->ndone--;
	}
	c->listener = NULL;
}

void tcp_listener_close(struct tcb_listener *l)
{
	struct tcp *t = l->tcp;
	struct list *n;

	while ((n = list_first(&l->half)) || (n = list_first(&l->done))) {
		struct tcb *c = list_entry(n, struct tcb, queue);

		c->user_gone = true;
		tcp_send_abort(c);
		tcp_closed(c, 0, "the listener closed");
	}
	flowmap_remove(&t->listeners, l);
	tcp_table_remove(t, l->table_at);
	list_remove(&l->ready.node);
	free(l->own_cfg);
	slab_put(&t->lsocks, l);
}

/* ---- the passive side ---- */

/* A connection for a SYN (or for what a cookie says of one), in the map and in no list. */
struct tcb *tcp_half_open(struct tcb_listener *l, const struct seg *syn, const struct flow_key *key)
{
	struct tcp *t = l->tcp;
	struct tcb *c = tcp_new(t, l->cfg);

	if (!c)
		return NULL;
	c->passive = true;
	if (l->own_cfg && tcp_own_config(c, l->own_cfg))
		goto fail;
	c->sndbuf = l->sndbuf;
	c->rcvbuf = l->rcvbuf;
	c->window_clamp = l->window_clamp;
	c->mss_clamp = l->mss_clamp;
	c->tos = l->tos;
	c->ttl = l->ttl;
	if (!enter_map(c, key))
		goto fail;
	if ((t->ao.on && tcp_ao_passive(c, syn)) || !start_cc(c)) {
		flowmap_remove(&t->flows, c);
		goto fail;
	}
	c->listener = l;
	c->rcv.irs = syn->seq;
	c->rcv.nxt = c->rcv.adv = c->rcv.wup = seq_add(syn->seq, 1);
	c->snd.wnd = c->snd.max_wnd = syn->wnd; /* a SYN's window is never scaled (RFC 7323 2.2) */
	c->snd.wl1 = syn->seq;
	c->last_rcvd = t->now;
	c->defer = l->defer;
	tcp_take_options(c, syn);
	return c;
fail:
	list_push_back(&t->grave, &c->queue);
	return NULL;
}

static void evict_oldest_half_open(struct tcb_listener *l)
{
	struct list *n = list_first(&l->half);

	if (!n)
		return;
	struct tcb *c = list_entry(n, struct tcb, queue);

	l->tcp->count->tcp_half_open_evicted++;
	c->user_gone = true;
	tcp_closed(c, 0, "half open and oldest when the queue was full");
}

static bool half_open_full(const struct tcb_listener *l)
{
	return l->nhalf >= l->backlog || l->tcp->nhalf >= l->tcp->max_half;
}

/* Answers without remembering (RFC 4987 3.6). */
static void answer_with_cookie(struct tcb_listener *l, const struct seg *g, const struct flow_key *key)
{
	struct tcp *t = l->tcp;
	uint32_t ts, headers = (addr_is_v4(&key->remote) ? IP4_LEN : IP6_LEN) + TCP_LEN;
	seq_t iss = tcp_cookie_make(t, key, g, l->cfg, &ts);

	t->count->tcp_syn_cookies_sent++;
	tcp_send_syn_cookie(l, key, g, iss, ts, (uint16_t)(net_mtu(t->net, &key->remote) - headers),
			    wanted_wscale(l->cfg, l->rcvbuf, l->window_clamp));
}

/* RFC 9293 3.10.7.2 for a SYN; RST and ACK have been dealt with. Text on it is not taken unless
 * Fast Open is agreed: the peer sends it again when its SYN alone was acknowledged. */
void tcp_arrive_listen(struct tcb_listener *l, const struct seg *g, const struct pkt *p, const struct ip_hdr *ip)
{
	struct tcp *t = l->tcp;
	struct flow_key key = {.local = ip->dst, .remote = ip->src, .lport = g->dport, .rport = g->sport};

	if (g->sport == 0)
		return;
	if (l->ndone >= l->backlog) { /* the user does not keep up: the peer will ask again */
		t->count->tcp_listen_overflow++;
		return;
	}
	if (half_open_full(l)) {
		if (l->cfg->syn_cookies) {
			answer_with_cookie(l, g, &key);
			return;
		}
		evict_oldest_half_open(l);
		if (half_open_full(l))
			return;
	}
	struct tcb *c = tcp_half_open(l, g, &key);

	if (!c)
		return;
	list_push_back(&l->half, &c->queue);
	l->nhalf++;
	t->nhalf++;
	tcp_set_state(c, TCP_SYN_RECEIVED, "SYN");
	tcp_ecn_take_syn(c, g);
	if (g->opt.has_tfo && c->cfg->fastopen && !c->ao)
		tcp_fastopen_arrive(c, g, p);
	c->syn_due = true;
	c->last_sent = t->now;
	tcp_arm_rexmit(c);
	tcp_talk(c);
}

bool tcp_accept_ready(struct tcb *c)
{
	struct tcb_listener *l = c->listener;

	if (c->tfo & TFO_CHILD)
		return true; /* it stands in the queue already, or the user has it */
	if (!l)
		return !c->passive;
	if (l->ndone < l->backlog)
		return true;
	c->tcp->count->tcp_listen_overflow++;
	return false;
}

/* RFC 6928 2, now that the segment size is agreed; RFC 5681 3.1: one segment if the SYN was lost. The
 * algorithm begins anew, since BBR paces by its first window. */
static void start_window(struct tcb *c)
{
	if (!(c->tfo & TFO_CHILD)) /* which began with the text of its SYN */
		tcp_cc_restart(c);
	if (c->retries)
		c->cc.cwnd = c->mss;
}

/* Into the queue of those that wait for accept. */
void tcp_hand_to_accept(struct tcb *c)
{
	struct tcp *t = c->tcp;
	struct tcb_listener *l = c->listener;

	if (c->state == TCP_SYN_RECEIVED) {
		list_remove(&c->queue);
		l->nhalf--;
		t->nhalf--;
	}
	list_push_back(&l->done, &c->queue);
	l->ndone++;
	t->count->tcp_accepted++;
	tcp_ready_add(t, &l->ready, SOCK_ACCEPTABLE);
}

/* The handshake is over. */
void tcp_established(struct tcb *c, const char *why)
{
	struct tcp *t = c->tcp;

	if (c->tfo & TFO_CHILD)
		tcp_fastopen_settled(c, false);
	else if (c->listener)
		tcp_hand_to_accept(c);
	tcp_set_state(c, TCP_ESTABLISHED, why);
	c->established_at = c->last_data_in = c->last_data_out = t->now;
	tcp_timer_stop(c, T_WAIT); /* keep_init */
	c->stat.delivered++; /* the SYN */
	c->uto.due = c->cfg->uto;
	start_window(c);
	c->retries = 0;
	/* What is compared in sequence space begins at the connection's own numbers: RFC 6582 3.2 (1),
	 * RFC 8985 6.2 step 3, RFC 7323 4.3. */
	c->high = c->round_end = c->usage_end = c->rack.fack = c->snd.una;
	c->tlp_sampled = true;
	c->last_ack_sent = c->rcv.nxt;
	c->snd.edge = seq_add(c->snd.una, c->snd.wnd);
	tcp_rcv_quick(c);
	/* RFC 6298 5.7: a handshake that timed out starts data with an RTO of 3 s. */
	if (c->rtt.srtt == 0 && c->rtt.backoff)
		c->rtt.rto = ns_max(c->rtt.rto, 3 * SEC);
	rtt_clear_backoff(&c->rtt);
	if (c->keepalive)
		tcp_timer_set(c, T_KEEP, ns_add(t->now, c->cfg->keep_idle));
	tcp_notify(c, SOCK_CONNECTED | SOCK_WRITABLE);
	if (c->fin_queued)
		tcp_shutdown(c);
	tcp_talk(c);
}

struct tcb *tcp_accept(struct tcb_listener *l)
{
	struct list *n = list_first(&l->done);

	if (!n)
		return NULL;
	struct tcb *c = list_entry(n, struct tcb, queue);

	list_remove(&c->queue);
	l->ndone--;
	c->listener = NULL;
	return c;
}
