/* TCP-AO (RFC 5925): which segments are let in, and how ours are signed.
 *
 * Keys. A master key tuple says for whose connections it is. A connection gets TCP-AO when it begins, if
 * there is a key for it then, and keeps it to its end; its TIME-WAIT inherits it. Traffic keys are derived
 * from the master key, the addresses and ports, and both initial numbers (7.2; RFC 5926 3.1), once for a
 * connection and a key: for what we send, and for the two keys that the peer used last. Only the key of a
 * SYN, which lacks the peer's number, is derived each time.
 *
 * Letting in (7.3, 7.5). A segment of a connection with TCP-AO, or one that could begin a connection for
 * which there is a key, needs a right MAC; what lacks it is dropped, counted, and never answered. Before
 * that nothing else looks at it, so that a forged RST, SYN or ACK has no effect at all.
 *
 * What is said without a connection (7.7). To a SYN both numbers are known: its own, and 0 for the end that
 * has none; so the reset for it can be signed, and the client can check it. Any other segment of no
 * connection is dropped in silence when there is a key for the peer: a reset could not be signed. A SYN
 * cookie brings both numbers back: SEG.SEQ - 1 and SEG.ACK - 1.
 *
 * Against the RFC: a SYN with a KeyID that no key has is dropped if there are other keys for the peer (7.5 would
 * take it as unsigned, and Linux does not either); an old segment does not turn the key back (6.1 lets it).
 *
 * Not done: Fast Open together with TCP-AO (a cookie has no room beside it in a SYN, and proves nothing that
 * the MAC does not), keys that outlive a restart (7.7, a MAY). */
#include "tcp_ao.h"

#include "tcp.h"

static_assert(AO_OPTION % 4 == 0, "the option needs no padding");
static_assert(AO_MAC_LEN <= TCP_AO_MAC, "the MAC is kept whole");
static_assert(TCP_LEN + 20 + AO_OPTION <= TCP_MAX_HDR, "a SYN with MSS, window scale, SACK permitted, timestamps");

/* ---- master keys ---- */

static bool same_family(const struct addr *a, const struct addr *b)
{
	return addr_is_v4(a) == addr_is_v4(b);
}

static bool any_peer(const struct ao_key *k)
{
	return k->prefix == 0 && addr_is_any(&k->peer) && !addr_is_v4(&k->peer);
}

static bool under(const struct addr *a, const struct addr *net, uint8_t prefix)
{
	return same_family(a, net) && net_prefix_eq(a, net, prefix + (addr_is_v4(net) ? 96u : 0u));
}

/* Is it for this connection? */
static bool fits(const struct ao_key *k, const struct flow_key *f)
{
	return (!k->port || k->port == f->rport) && (!k->lport || k->lport == f->lport) &&
	       (any_peer(k) || under(&f->remote, &k->peer, k->prefix));
}

static bool overlap(const struct ao_key *a, const struct ao_key *b)
{
	const struct ao_key *wide = a->prefix < b->prefix ? a : b, *narrow = wide == a ? b : a;

	if (a->port && b->port && a->port != b->port)
		return false;
	if (a->lport && b->lport && a->lport != b->lport)
		return false;
	return any_peer(a) || any_peer(b) || under(&narrow->peer, &wide->peer, wide->prefix);
}

enum by { BY_ANY, BY_SEND, BY_RECV };

/* The first key for this connection that has the id. */
static struct ao_mkt *find_mkt(struct tcp *t, const struct flow_key *f, enum by by, uint8_t id)
{
	for (struct list *n = t->ao.list.next; n != &t->ao.list; n = n->next) {
		struct ao_mkt *m = list_entry(n, struct ao_mkt, node);

		if (by != BY_ANY && (by == BY_SEND ? m->key.send_id : m->key.recv_id) != id)
			continue;
		if (fits(&m->key, f))
			return m;
	}
	return NULL;
}

static bool same_key(const struct ao_key *a, const struct ao_key *b)
{
	return addr_eq(&a->peer, &b->peer) && a->prefix == b->prefix && a->port == b->port && a->lport == b->lport &&
	       a->send_id == b->send_id && a->recv_id == b->recv_id;
}

int tcp_ao_add(struct tcp *t, const struct ao_key *k)
{
	struct ao_mkt *m;

	if (!k->alg || !k->alg->derive || !k->alg->mac || !k->master || !k->master_len || k->master_len > AO_MASTER_MAX)
		return ERR_INVAL;
	if (k->prefix > (addr_is_v4(&k->peer) ? 32 : 128))
		return ERR_INVAL;
	for (struct list *n = t->ao.list.next; n != &t->ao.list; n = n->next) { /* RFC 5925 3.1 */
		m = list_entry(n, struct ao_mkt, node);
		if ((m->key.send_id == k->send_id || m->key.recv_id == k->recv_id) && overlap(&m->key, k))
			return ERR_INUSE;
	}
	m = slab_get(&t->ao.mkts);
	if (!m)
		return ERR_NOMEM;
	m->key = *k;
	memcpy(m->master, k->master, k->master_len);
	m->key.master = m->master;
	list_push_back(&t->ao.list, &m->node);
	t->ao.n++;
	t->ao.on = true;
	return 0;
}

static void forget_traffic(struct ao_traffic *k)
{
	memset(k, 0, sizeof(*k));
}

int tcp_ao_remove(struct tcp *t, const struct ao_key *k)
{
	struct list *n = t->ao.list.next;

	while (n != &t->ao.list && !same_key(&list_entry(n, struct ao_mkt, node)->key, k))
		n = n->next;
	if (n == &t->ao.list)
		return ERR_INVAL;
	struct ao_mkt *m = list_entry(n, struct ao_mkt, node);

	if (m->users)
		return ERR_INUSE;
	for (n = t->ao.states_list.next; n != &t->ao.states_list; n = n->next) {
		struct ao *ao = list_entry(n, struct ao, node);
		struct ao_traffic *all[] = {&ao->out, &ao->in[0], &ao->in[1]};

		for (size_t i = 0; i < ARRAY_LEN(all); i++)
			if (all[i]->mkt == m)
				forget_traffic(all[i]);
	}
	list_remove(&m->node);
	memset(m, 0, sizeof(*m));
	slab_put(&t->ao.mkts, m);
	t->ao.n--;
	t->ao.on = t->ao.n || t->ao.strict;
	return 0;
}

void tcp_ao_init(struct tcp *t, const struct stack_config *cfg)
{
	list_init(&t->ao.list);
	list_init(&t->ao.states_list);
	slab_init(&t->ao.mkts, sizeof(struct ao_mkt), AO_KEYS_MAX);
	slab_init(&t->ao.states, sizeof(struct ao), cfg->max_socks + cfg->max_time_wait);
	t->ao.strict = t->ao.on = cfg->ao_strict;
}

void tcp_ao_end(struct tcp *t)
{
	struct list *n;

	while ((n = list_first(&t->ao.list))) {
		list_remove(n);
		slab_put(&t->ao.mkts, list_entry(n, struct ao_mkt, node));
	}
	slab_free(&t->ao.mkts);
	slab_free(&t->ao.states);
}

/* ---- a connection's keys ---- */

static void use_mkt(struct ao_mkt **slot, struct ao_mkt *m)
{
	if (m)
		m->users++;
	if (*slot)
		(*slot)->users--;
	*slot = m;
}

/* The peer's initial number is known: what was derived without it, or with another, is void. */
static void set_irs(struct ao *ao, seq_t irs)
{
	ao->irs = irs;
	ao->rcv = irs.v;
	ao->out.mkt = ao->in[0].mkt = ao->in[1].mkt = NULL;
}

static int begin(struct tcb *c, struct ao_mkt *current, struct ao_mkt *next)
{
	struct ao *ao = slab_get(&c->tcp->ao.states);

	if (!ao)
		return ERR_NOMEM;
	list_push_back(&c->tcp->ao.states_list, &ao->node);
	use_mkt(&ao->current, current);
	use_mkt(&ao->next, next);
	ao->iss = c->snd.iss;
	ao->snd = ao->iss.v;
	c->ao = ao;
	return 0;
}

int tcp_ao_active(struct tcb *c)
{
	struct ao_mkt *first = find_mkt(c->tcp, &c->flow.key, BY_ANY, 0), *current = first, *next = NULL;

	if (c->ao_want[0])
		current = find_mkt(c->tcp, &c->flow.key, BY_SEND, (uint8_t)(c->ao_want[0] - 1));
	if (c->ao_want[1])
		next = find_mkt(c->tcp, &c->flow.key, BY_RECV, (uint8_t)(c->ao_want[1] - 1));
	if ((c->ao_want[0] && !current) || (c->ao_want[1] && !next))
		return ERR_INVAL;
	return current ? begin(c, current, next ? next : current) : 0;
}

/* The peer named two keys: the one that it signs with, and the one that we shall. */
static bool keys_by_ids(struct tcp *t, const struct flow_key *f, const struct seg *g, struct ao_mkt **current,
			struct ao_mkt **next)
{
	*next = g->opt.has_ao ? find_mkt(t, f, BY_RECV, g->opt.ao_keyid) : NULL;
	if (!*next)
		return false;
	*current = find_mkt(t, f, BY_SEND, g->opt.ao_rnextkeyid);
	if (!*current)
		*current = *next;
	return true;
}

int tcp_ao_passive(struct tcb *c, const struct seg *syn)
{
	struct ao_mkt *current, *next;

	if (!keys_by_ids(c->tcp, &c->flow.key, syn, &current, &next))
		return 0; /* tcp_ao_arrive let it in: there is none */
	int err = begin(c, current, next);

	if (!err)
		set_irs(c->ao, syn->seq);
	return err;
}

void tcp_ao_restart(struct ao *ao, seq_t iss)
{
	ao->iss = iss;
	ao->snd = iss.v;
	ao->out.mkt = ao->in[0].mkt = ao->in[1].mkt = NULL;
}

bool tcp_ao_borrow(struct tcp *t, struct ao *ao, const struct flow_key *f, const struct seg *g, seq_t iss, seq_t irs)
{
	memset(ao, 0, sizeof(*ao));
	ao->iss = iss;
	ao->snd = iss.v;
	set_irs(ao, irs);
	return keys_by_ids(t, f, g, &ao->current, &ao->next);
}

void tcp_ao_free(struct tcp *t, struct ao **at)
{
	struct ao *ao = *at;

	if (!ao)
		return;
	use_mkt(&ao->current, NULL);
	use_mkt(&ao->next, NULL);
	list_remove(&ao->node);
	memset(ao, 0, sizeof(*ao));
	slab_put(&t->ao.states, ao);
	*at = NULL;
}

int tcp_ao_set(struct tcb *c, int current, int rnext)
{
	if (current < -1 || current > UINT8_MAX || rnext < -1 || rnext > UINT8_MAX)
		return ERR_INVAL;
	if (c->state == TCP_CLOSED && !c->ao) {
		c->ao_want[0] = (uint16_t)(current + 1);
		c->ao_want[1] = (uint16_t)(rnext + 1);
		return 0;
	}
	if (!c->ao)
		return ERR_OPNOTSUPP;
	struct ao_mkt *cur = current < 0 ? c->ao->current : find_mkt(c->tcp, &c->flow.key, BY_SEND, (uint8_t)current);
	struct ao_mkt *next = rnext < 0 ? c->ao->next : find_mkt(c->tcp, &c->flow.key, BY_RECV, (uint8_t)rnext);

	if (!cur || !next)
		return ERR_INVAL;
	use_mkt(&c->ao->current, cur);
	use_mkt(&c->ao->next, next);
	return 0;
}

/* ---- traffic keys and MACs ---- */

static size_t put_addr(uint8_t *to, const struct addr *a)
{
	size_t n = addr_is_v4(a) ? 4 : 16;

	memcpy(to, a->b + 16 - n, n);
	return n;
}

/* One direction of a connection. */
struct way {
	const struct addr *src, *dst;
	uint16_t sport, dport;
	seq_t sisn, disn;
};

static struct way way_out(const struct flow_key *f, seq_t iss, seq_t irs)
{
	return (struct way){&f->local, &f->remote, f->lport, f->rport, iss, irs};
}

static struct way way_in(const struct flow_key *f, seq_t iss, seq_t irs)
{
	return (struct way){&f->remote, &f->local, f->rport, f->lport, irs, iss};
}

/* RFC 5925 5.2: the context of the key derivation. */
static void derive(struct ao_traffic *k, struct ao_mkt *m, const struct way *w)
{
	uint8_t context[44];
	size_t n = put_addr(context, w->src);

	n += put_addr(context + n, w->dst);
	wr16(context + n, w->sport);
	wr16(context + n + 2, w->dport);
	wr32(context + n + 4, w->sisn.v);
	wr32(context + n + 8, w->disn.v);
	m->key.alg->derive(k->key, m->master, m->key.master_len, context, n + 12);
	k->mkt = m;
}

/* RFC 5925 5.1: the extension of the number, and the pseudo header (RFC 9293 3.1, RFC 8200 8.1). */
static size_t pseudo_header(uint8_t to[44], const struct way *w, uint32_t sne, uint32_t len)
{
	size_t n = 4;

	wr32(to, sne);
	n += put_addr(to + n, w->src);
	n += put_addr(to + n, w->dst);
	if (addr_is_v4(w->src)) {
		wr16(to + n, PROTO_TCP);
		wr16(to + n + 2, (uint16_t)len);
		return n + 4;
	}
	wr32(to + n, len);
	wr32(to + n + 4, PROTO_TCP);
	return n + 8;
}

/* Of the segment whose header begins at offset `at` of the pkt's head. */
static void make_mac(const struct ao_traffic *k, const struct way *w, uint32_t sne, const struct pkt *p, uint32_t at,
		     uint32_t hdr_len, uint8_t out[AO_MAC_LEN])
{
	uint8_t pseudo[44], cover[TCP_MAX_HDR];
	struct ao_piece piece[3 + PKT_SLICES];
	uint32_t text = at + hdr_len;
	size_t n = 0;

	piece[n++] = (struct ao_piece){pseudo, pseudo_header(pseudo, w, sne, p->len - at)};
	piece[n++] = (struct ao_piece){cover, tcp_ao_cover(p->data + at, hdr_len, !k->mkt->key.bare, cover)};
	if (p->head_len > text)
		piece[n++] = (struct ao_piece){p->data + text, p->head_len - text};
	for (int i = 0; i < p->nslices; i++)
		piece[n++] = (struct ao_piece){p->slice[i].chunk->data + p->slice[i].off, p->slice[i].len};
	k->mkt->key.alg->mac(k->key, piece, n, out);
}

/* The 64-bit number nearest to `at` that ends in seq. */
static uint64_t extend(uint64_t at, seq_t seq)
{
	return at + (uint64_t)(int64_t)seq_diff(seq, seq_of((uint32_t)at));
}

/* ---- what we send ---- */

void tcp_ao_push(struct ao *ao, const struct flow_key *f, struct pkt *p, struct seg *g, enum tcp_layout layout)
{
	bool syn = (g->flags & (TH_SYN | TH_ACK)) == TH_SYN;
	struct way w = way_out(f, ao->iss, syn ? seq_of(0) : ao->irs);
	uint64_t number = extend(ao->snd, g->seq);
	struct ao_traffic once, *k = &ao->out;
	size_t mac_len;

	g->sport = f->lport;
	g->dport = f->rport;
	g->opt.has_ao = true;
	g->opt.ao_keyid = ao->current->key.send_id;
	g->opt.ao_rnextkeyid = ao->next->key.recv_id;
	g->opt.ao_mac_len = AO_MAC_LEN;
	uint32_t hdr = TCP_LEN + (uint32_t)tcp_opts_len(g, layout);
	uint8_t *h = pkt_push(p, hdr);

	tcp_emit(h, g, layout);
	if (syn)
		k = &once;
	if (syn || k->mkt != ao->current)
		derive(k, ao->current, &w);
	make_mac(k, &w, (uint32_t)(number >> 32), p, 0, hdr, tcp_ao_find(h, hdr, &mac_len));
	if (number > ao->snd && !(g->flags & TH_RST)) /* a reset has the number that the peer wants to see */
		ao->snd = number;
}

/* ---- what comes in ---- */

static bool mac_is_right(const struct ao_traffic *k, const struct way *w, uint64_t number, const struct seg *g,
			 const struct pkt *p)
{
	uint8_t want[AO_MAC_LEN], diff = 0;

	if (g->opt.ao_mac_len != AO_MAC_LEN)
		return false;
	make_mac(k, w, (uint32_t)(number >> 32), p, p->l4_off, g->hdr_len, want);
	for (int i = 0; i < AO_MAC_LEN; i++) /* in constant time */
		diff |= want[i] ^ g->opt.ao_mac[i];
	return diff == 0;
}

/* By a key that is derived for this segment only. Both numbers are what the sender must have taken. */
static bool right_by(struct ao_mkt *m, const struct flow_key *f, const struct seg *g, const struct pkt *p, seq_t iss,
		     seq_t irs)
{
	struct way w = way_in(f, iss, irs);
	struct ao_traffic once;

	derive(&once, m, &w);
	return mac_is_right(&once, &w, extend(irs.v, g->seq), g, p);
}

/* RFC 5925 7.5: the peer asks for another of our keys. An old segment, late or repeated, asks in vain. */
static void follow_wish(struct tcb *c, const struct seg *g)
{
	struct ao *ao = c->ao;
	struct ao_mkt *m;

	if (g->opt.ao_rnextkeyid == ao->current->key.send_id)
		return;
	if (c->state != TCP_SYN_SENT &&
	    (seq_lt(seq_add(g->seq, seg_len(g)), c->rcv.nxt) || (g->flags & TH_ACK && seq_lt(g->ack, c->snd.una))))
		return;
	m = find_mkt(c->tcp, &c->flow.key, BY_SEND, g->opt.ao_rnextkeyid);
	if (m)
		use_mkt(&ao->current, m);
}

enum ao_verdict { AO_GOOD, AO_BAD, AO_NO_KEY };

/* SYN-SENT: the peer's initial number is in its SYN; a reset comes from who has none. */
static enum ao_verdict check_answer(struct tcb *c, const struct seg *g, const struct pkt *p)
{
	struct ao_mkt *m = find_mkt(c->tcp, &c->flow.key, BY_RECV, g->opt.ao_keyid);
	bool syn = g->flags & TH_SYN, ack = g->flags & TH_ACK;

	if (!m)
		return AO_NO_KEY;
	if (!right_by(m, &c->flow.key, g, p, syn && !ack ? seq_of(0) : c->ao->iss, syn ? g->seq : seq_of(0)))
		return AO_BAD;
	if (syn)
		set_irs(c->ao, g->seq);
	return AO_GOOD;
}

/* Both initial numbers are known. */
static enum ao_verdict check_known(struct tcp *t, struct ao *ao, const struct flow_key *f, const struct seg *g,
				   const struct pkt *p)
{
	struct way w = way_in(f, ao->iss, ao->irs);
	uint64_t number = extend(ao->rcv, g->seq);
	uint8_t at = ao->in_last;

	if (!ao->in[at].mkt || ao->in[at].mkt->key.recv_id != g->opt.ao_keyid)
		at ^= 1;
	struct ao_traffic *k = &ao->in[at];

	if (!k->mkt || k->mkt->key.recv_id != g->opt.ao_keyid) {
		struct ao_mkt *m = find_mkt(t, f, BY_RECV, g->opt.ao_keyid);

		if (!m)
			return AO_NO_KEY;
		derive(k, m, &w);
	}
	if (!mac_is_right(k, &w, number, g, p))
		return AO_BAD;
	ao->in_last = at;
	if (number > ao->rcv && !(g->flags & TH_RST))
		ao->rcv = number;
	return AO_GOOD;
}

/* A SYN, whoever it is for: a new connection's, or one of somebody who forgot the old one. */
static enum ao_verdict check_syn(struct tcp *t, const struct flow_key *f, const struct seg *g, const struct pkt *p)
{
	struct ao_mkt *m = find_mkt(t, f, BY_RECV, g->opt.ao_keyid);

	if (!m)
		return AO_NO_KEY;
	return right_by(m, f, g, p, seq_of(0), g->seq) ? AO_GOOD : AO_BAD;
}

/* The ACK of a SYN cookie, if it is one. */
static enum ao_verdict check_cookie_ack(struct tcp *t, const struct flow_key *f, const struct seg *g,
					const struct pkt *p)
{
	struct ao_mkt *m = find_mkt(t, f, BY_RECV, g->opt.ao_keyid);

	if (!m || !(g->flags & TH_ACK) || g->flags & (TH_SYN | TH_RST) || !t->count->tcp_syn_cookies_sent)
		return AO_NO_KEY;
	bool right = right_by(m, f, g, p, seq_add(g->ack, (uint32_t)-1), seq_add(g->seq, (uint32_t)-1));

	return right ? AO_GOOD : AO_BAD;
}

static enum ao_verdict check(struct tcp *t, struct tcp_flow *f, struct ao *ao, const struct seg *g,
			     const struct pkt *p, const struct flow_key *key)
{
	struct tcb *c = f && f->kind == FLOW_CONN ? (struct tcb *)f : NULL;
	enum ao_verdict v;

	if (ao && c && c->state == TCP_SYN_SENT)
		v = check_answer(c, g, p);
	else if ((g->flags & (TH_SYN | TH_ACK)) == TH_SYN)
		return check_syn(t, key, g, p);
	else if (ao)
		v = check_known(t, ao, key, g, p);
	else
		return check_cookie_ack(t, key, g, p);
	if (v != AO_GOOD)
		return v;
	ao->keyid = g->opt.ao_keyid;
	ao->rnextkeyid = g->opt.ao_rnextkeyid;
	if (c)
		follow_wish(c, g);
	return AO_GOOD;
}

static struct ao *ao_of(struct tcp_flow *f)
{
	if (!f)
		return NULL;
	return f->kind == FLOW_TIME_WAIT ? ((struct tcb_tw *)f)->ao : ((struct tcb *)f)->ao;
}

/* No key is for it: RFC 5925 7.3 wants it let in, unless the user would rather not. */
static bool unchecked(struct tcp *t, const struct seg *g)
{
	if (!g->opt.has_ao)
		return true;
	if (t->ao.strict) {
		t->count->ao_no_key++;
		return false;
	}
	t->count->ao_unchecked++;
	return true;
}

bool tcp_ao_arrive(struct tcp *t, struct tcp_flow *f, const struct seg *g, const struct pkt *p,
		   const struct flow_key *key)
{
	struct stack_counters *count = t->count;
	struct ao *ao = ao_of(f);
	bool begins = !f || (f->kind == FLOW_TIME_WAIT && (g->flags & (TH_SYN | TH_ACK)) == TH_SYN);

	if (g->opt.ao_bad) {
		count->ao_malformed++;
		return false;
	}
	/* A connection that began without TCP-AO stays without it. */
	if (!ao && (!begins || !find_mkt(t, key, BY_ANY, 0)))
		return unchecked(t, g);
	if (!g->opt.has_ao) {
		count->ao_missing++;
		return false;
	}
	switch (check(t, f, ao, g, p, key)) {
	case AO_GOOD:
		count->ao_good++;
		return true;
	case AO_BAD:
		count->ao_bad++;
		return false;
	default:
		count->ao_no_key++;
		return false;
	}
}
