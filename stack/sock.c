/* User calls: look the handle up, check, call the engine, mark. A handle is 20 bits of index and 12
 * of generation, so that a stale one is told from the slot's next tenant. RFC 9293 3.9.1. */
#include "stack_impl.h"

#include <stdlib.h>

#define INDEX_BITS 20
#define INDEX_MASK ((1u << INDEX_BITS) - 1)
#define GENERATION_MASK 0xfffu

void socks_init(struct stack *s, uint32_t max)
{
	s->max_slots = max < INDEX_MASK ? max : INDEX_MASK;
	s->nslots = 1;
}

void socks_free(struct stack *s)
{
	free(s->slot);
}

/* ---- slots ---- */

static sock_t slot_new(struct stack *s, enum sock_kind kind, void *obj)
{
	uint32_t i = s->free_slot;

	if (i) {
		s->free_slot = s->slot[i].next_free;
	} else {
		if (s->nslots > s->max_slots)
			return 0;
		if (s->nslots >= s->cap_slots) {
			uint32_t cap = s->cap_slots ? s->cap_slots * 2 : 16;
			struct sock_slot *grown = realloc(s->slot, cap * sizeof(*grown));

			if (!grown)
				return 0;
			memset(grown + s->cap_slots, 0, (cap - s->cap_slots) * sizeof(*grown));
			s->slot = grown;
			s->cap_slots = cap;
		}
		i = s->nslots++;
	}
	struct sock_slot *slot = &s->slot[i];

	slot->kind = kind;
	slot->obj = obj;
	slot->port = 0;
	slot->v6only = false;
	return (sock_t)slot->generation << INDEX_BITS | i;
}

static struct sock_slot *slot_of(struct stack *s, sock_t h)
{
	uint32_t i = h & INDEX_MASK;

	if (i == 0 || i >= s->nslots || s->slot[i].kind == SOCK_FREE || s->slot[i].generation != h >> INDEX_BITS)
		return NULL;
	return &s->slot[i];
}

static void slot_free(struct stack *s, struct sock_slot *slot)
{
	slot->kind = SOCK_FREE;
	slot->obj = NULL;
	slot->generation = (slot->generation + 1) & GENERATION_MASK;
	slot->next_free = s->free_slot;
	s->free_slot = (uint32_t)(slot - s->slot);
}

static struct tcb *conn_of(struct stack *s, sock_t h)
{
	struct sock_slot *slot = slot_of(s, h);

	return slot && slot->kind == SOCK_CONN ? slot->obj : NULL;
}

/* For calls that want a connection: the error that says why there is none. */
static int no_conn(struct stack *s, sock_t h)
{
	return slot_of(s, h) ? ERR_NOTCONN : ERR_BADSOCK;
}

static struct tcp_ready *ready_of(struct sock_slot *slot)
{
	if (slot->kind == SOCK_LISTENER)
		return &((struct tcb_listener *)slot->obj)->ready;
	return &((struct tcb *)slot->obj)->ready;
}

/* ---- making and connecting ---- */

sock_t sock_open(struct stack *s)
{
	struct tcb *c = tcp_new(&s->tcp, &s->tcp.cfg);

	if (!c)
		return 0;
	sock_t h = slot_new(s, SOCK_FRESH, c);

	if (!h) {
		list_push_back(&s->tcp.grave, &c->queue);
		tcp_bury(&s->tcp);
		return 0;
	}
	c->ready.handle = h;
	return h;
}

int sock_bind(struct stack *s, sock_t h, const struct addr *a, uint16_t port)
{
	struct sock_slot *slot = slot_of(s, h);
	struct tcb *c = slot ? slot->obj : NULL;

	if (!slot)
		return ERR_BADSOCK;
	if (slot->kind != SOCK_FRESH || c->flow.key.lport)
		return ERR_INVAL;
	if (!addr_is_any(a) && !net_is_ours(&s->net, a))
		return ERR_ADDRNOTAVAIL;
	if (port && tcp_find_listener(&s->tcp, a, port))
		return ERR_INUSE;
	c->flow.key.local = *a;
	c->flow.key.lport = slot->port = port;
	return 0;
}

int sock_listen(struct stack *s, sock_t h, uint32_t backlog)
{
	struct sock_slot *slot = slot_of(s, h);
	int err;

	if (!slot)
		return ERR_BADSOCK;
	if (slot->kind == SOCK_LISTENER) {
		((struct tcb_listener *)slot->obj)->backlog = backlog ? backlog : 1;
		return 0;
	}
	struct tcb *c = slot->obj;

	if (slot->kind != SOCK_FRESH)
		return ERR_INVAL;
	if (!slot->port && (err = tcp_bind_port(&s->tcp, &c->flow.key.local, &c->flow.key.local, 0, &slot->port)))
		return err;
	struct tcb_listener *l = tcp_listen(&s->tcp, &c->flow.key.local, slot->port, backlog, c->cfg, &err);

	if (!l)
		return err;
	/* The connection block was only the place where options were kept. */
	l->own_cfg = c->own_cfg;
	c->own_cfg = NULL;
	if (l->own_cfg)
		l->cfg = l->own_cfg;
	l->sndbuf = c->sndbuf;
	l->rcvbuf = c->rcvbuf;
	l->defer = c->defer;
	l->tos = c->tos;
	l->ttl = c->ttl;
	l->v6only = slot->v6only;
	l->ready.handle = h;
	l->ready.user = c->ready.user;
	slot->kind = SOCK_LISTENER;
	slot->obj = l;
	list_push_back(&s->tcp.grave, &c->queue);
	tcp_bury(&s->tcp);
	return 0;
}

sock_t sock_accept(struct stack *s, sock_t h)
{
	struct sock_slot *slot = slot_of(s, h);

	if (!slot || slot->kind != SOCK_LISTENER)
		return 0;
	struct tcb_listener *l = slot->obj;

	if (list_empty(&l->done))
		return 0;
	sock_t n = slot_new(s, SOCK_CONN, NULL);

	if (!n)
		return 0;
	struct tcb *c = tcp_accept(l);

	slot_of(s, n)->obj = c;
	c->ready.handle = n;
	tcp_notify(c, 0); /* what it had to tell while nobody listened */
	return n;
}

static int start_connecting(struct stack *s, sock_t h, const struct addr *a, uint16_t port)
{
	struct sock_slot *slot = slot_of(s, h);

	if (!slot)
		return ERR_BADSOCK;
	if (slot->kind == SOCK_CONN)
		return ((struct tcb *)slot->obj)->state == TCP_SYN_SENT ? ERR_ALREADY : ERR_ISCONN;
	if (slot->kind != SOCK_FRESH)
		return ERR_INVAL;
	int err = tcp_connect(slot->obj, a, port);

	if (!err)
		slot->kind = SOCK_CONN;
	return err;
}

int sock_connect(struct stack *s, sock_t h, const struct addr *a, uint16_t port)
{
	int err = start_connecting(s, h, a, port);

	if (!err && tcp_fastopen_ready(conn_of(s, h))) /* what is written from now on may go in the SYN */
		tcp_notify(conn_of(s, h), SOCK_CONNECTED | SOCK_WRITABLE);
	return err;
}

int sock_connect_data(struct stack *s, sock_t h, const struct addr *a, uint16_t port, const void *bytes, size_t len)
{
	struct sock_slot *slot = slot_of(s, h);

	if (!slot)
		return ERR_BADSOCK;
	if (slot->kind == SOCK_FRESH)
		((struct tcb *)slot->obj)->tfo |= TFO_WANTED;
	int err = start_connecting(s, h, a, port);

	if (err)
		return err;
	int64_t took = sock_send(s, h, bytes, len < INT32_MAX ? len : INT32_MAX);

	return took > 0 ? (int)took : 0; /* it connects all the same; what was not taken comes later */
}

#define UNIT_WRITE_MAX (1u << 20) /* of one call, while room is counted in units */

/* ---- sending ---- */

static bool by_units(const struct tcb *c)
{
	return c->cfg->sndbuf_units && c->state >= TCP_ESTABLISHED;
}

/* Room for more, or why there is none. */
static int64_t may_write(struct stack *s, sock_t h, struct tcb **out)
{
	struct tcb *c = conn_of(s, h);

	if (!c)
		return no_conn(s, h);
	*out = c;
	if (c->error)
		return c->error;
	if (c->fin_queued)
		return ERR_PIPE;
	switch (c->state) {
	case TCP_SYN_SENT:
	case TCP_SYN_RECEIVED:
	case TCP_ESTABLISHED:
	case TCP_CLOSE_WAIT:
		break;
	default:
		return ERR_PIPE;
	}
	uint32_t last, room = c->sndq.bytes < c->sndbuf ? c->sndbuf - c->sndq.bytes : 0;

	if (by_units(c))
		room = tcp_unit_room(c, UNIT_WRITE_MAX, &last);
	if (!room) {
		c->write_blocked = true;
		return ERR_AGAIN;
	}
	return room;
}

static void written(struct tcb *c)
{
	c->more = c->more_holds = c->flush = false;
	tcp_talk(c);
}

int64_t sock_send(struct stack *s, sock_t h, const void *bytes, size_t len)
{
	struct tcb *c;
	int64_t room = may_write(s, h, &c);

	if (room < 0 || !len)
		return room < 0 ? room : 0;
	uint32_t want = len < (size_t)room ? (uint32_t)len : (uint32_t)room;

	if (by_units(c))
		tcp_unit_room(c, want, &c->unit_fill);
	uint32_t n = sndq_append(&c->sndq, s->pool, bytes, want);

	if (!n)
		return ERR_NOMEM;
	c->write_blocked = n < len;
	written(c);
	return n;
}

int64_t sock_send_urgent(struct stack *s, sock_t h, const void *bytes, size_t len)
{
	int64_t n = sock_send(s, h, bytes, len);

	if (n > 0)
		tcp_mark_urgent(conn_of(s, h));
	return n;
}

int sock_end_record(struct stack *s, sock_t h)
{
	struct tcb *c = conn_of(s, h);

	if (!c)
		return no_conn(s, h);
	sndq_mark(&c->sndq);
	c->unit_fill = 0;
	return 0;
}

int sock_more(struct stack *s, sock_t h)
{
	struct tcb *c = conn_of(s, h);

	if (!c)
		return no_conn(s, h);
	c->more = c->more_holds = true;
	return 0;
}

void *sock_reserve(struct stack *s, sock_t h, size_t *len)
{
	struct tcb *c;
	int64_t room = may_write(s, h, &c);
	uint32_t n = room > 0 && (size_t)room < *len ? (uint32_t)room : (uint32_t)(*len < UINT32_MAX ? *len : UINT32_MAX);

	*len = 0;
	if (room < 0 || !n)
		return NULL;
	void *at = sndq_reserve(&c->sndq, s->pool, &n);

	*len = at ? n : 0;
	return at;
}

int sock_commit(struct stack *s, sock_t h, size_t len)
{
	struct tcb *c = conn_of(s, h);

	if (!c)
		return no_conn(s, h);
	if (c->state == TCP_CLOSED || c->fin_queued)
		return ERR_PIPE;
	if (len > c->sndq.reserved)
		return ERR_INVAL;
	sndq_commit(&c->sndq, (uint32_t)len);
	written(c);
	return 0;
}

int64_t sock_send_slice(struct stack *s, sock_t h, struct chunk *chunk, uint32_t off, uint32_t len)
{
	struct tcb *c;
	int64_t room = may_write(s, h, &c);

	if (room < 0)
		return room;
	if (len > room)
		len = (uint32_t)room;
	if (!sndq_append_slice(&c->sndq, s->pool, chunk, off, len))
		return ERR_NOMEM;
	written(c);
	return len;
}

/* ---- receiving ---- */

/* Bytes to read, 0 at the end of the stream, or why not. */
static int64_t may_read(struct stack *s, sock_t h, struct tcb **out)
{
	struct tcb *c = conn_of(s, h);

	if (!c)
		return no_conn(s, h);
	*out = c;
	if (c->rcvq.bytes)
		return c->rcvq.bytes;
	if (c->error)
		return c->error;
	if (c->fin_seen && seq_gt(c->rcv.nxt, c->rcv.fin))
		return 0;
	return c->state == TCP_CLOSED ? 0 : ERR_AGAIN;
}

int64_t sock_recv(struct stack *s, sock_t h, void *to, size_t max)
{
	struct tcb *c;
	int64_t have = may_read(s, h, &c);

	if (have <= 0)
		return have;
	uint32_t n = rcvq_read(&c->rcvq, s->pool, to, max < (size_t)have ? (uint32_t)max : (uint32_t)have);

	tcp_rcv_read(c);
	return n;
}

const void *sock_peek(struct stack *s, sock_t h, size_t *len)
{
	struct tcb *c;
	uint32_t n = 0;

	*len = 0;
	if (may_read(s, h, &c) <= 0)
		return NULL;
	const void *at = rcvq_peek(&c->rcvq, &n);

	*len = n;
	return at;
}

int sock_consume(struct stack *s, sock_t h, size_t len)
{
	struct tcb *c = conn_of(s, h);

	if (!c)
		return no_conn(s, h);
	if (len > c->rcvq.bytes)
		return ERR_INVAL;
	rcvq_consume(&c->rcvq, s->pool, (uint32_t)len);
	tcp_rcv_read(c);
	return 0;
}

int64_t sock_recv_slices(struct stack *s, sock_t h, struct slice *out, int *n, size_t max)
{
	struct tcb *c;
	int64_t have = may_read(s, h, &c);

	if (have <= 0) {
		*n = 0;
		return have;
	}
	uint32_t got = rcvq_take(&c->rcvq, s->pool, out, n, max < (size_t)have ? (uint32_t)max : (uint32_t)have);

	tcp_rcv_read(c);
	return got;
}

size_t sock_readable(struct stack *s, sock_t h)
{
	struct tcb *c;
	int64_t n = may_read(s, h, &c);

	return n > 0 ? (size_t)n : 0;
}

size_t sock_writable(struct stack *s, sock_t h)
{
	struct tcb *c;
	int64_t n = may_write(s, h, &c);

	if (n > 0 && by_units(c) && !tcp_writer_may_go_on(c)) {
		c->write_blocked = true;
		return 0;
	}
	return n > 0 ? (size_t)n : 0;
}

/* ---- ending ---- */

int sock_shutdown(struct stack *s, sock_t h)
{
	struct tcb *c = conn_of(s, h);

	if (!c)
		return no_conn(s, h);
	if (c->error)
		return c->error;
	if (!c->fin_queued && c->state != TCP_CLOSED)
		tcp_shutdown(c);
	return 0;
}

static int end(struct stack *s, sock_t h, bool abort)
{
	struct sock_slot *slot = slot_of(s, h);

	if (!slot)
		return ERR_BADSOCK;
	struct tcp_ready *r = ready_of(slot);

	r->handle = 0;
	list_remove(&r->node);
	if (slot->kind == SOCK_LISTENER)
		tcp_listener_close(slot->obj);
	else if (abort)
		tcp_abort(slot->obj);
	else
		tcp_close(slot->obj);
	slot_free(s, slot);
	tcp_bury(&s->tcp);
	return 0;
}

int sock_close(struct stack *s, sock_t h)
{
	return end(s, h, false);
}

int sock_abort(struct stack *s, sock_t h)
{
	return end(s, h, true);
}

int sock_error(struct stack *s, sock_t h)
{
	struct tcb *c = conn_of(s, h);

	if (!c)
		return slot_of(s, h) ? 0 : ERR_BADSOCK;
	int err = c->error;

	c->error = 0;
	return err;
}

/* ---- news ---- */

size_t stack_events(struct stack *s, struct sock_event *out, size_t max)
{
	size_t n = 0;
	struct list *node;

	while (n < max && (node = list_pop_front(&s->tcp.ready))) {
		struct tcp_ready *r = list_entry(node, struct tcp_ready, node);

		if (r->bits)
			out[n++] = (struct sock_event){.sock = r->handle, .bits = r->bits, .user = r->user};
		r->bits = 0;
	}
	return n;
}

void sock_set_user(struct stack *s, sock_t h, void *user)
{
	struct sock_slot *slot = slot_of(s, h);

	if (slot)
		ready_of(slot)->user = user;
}

void *sock_user(struct stack *s, sock_t h)
{
	struct sock_slot *slot = slot_of(s, h);

	return slot ? ready_of(slot)->user : NULL;
}

/* ---- options and information ---- */

static struct tcp_config *own_config(struct tcb *c)
{
	struct tcp_config now = *c->cfg;
	uint32_t sndbuf = c->sndbuf, rcvbuf = c->rcvbuf;
	bool nodelay = c->nodelay, keepalive = c->keepalive;
	struct rtt rtt = c->rtt;

	if (!c->own_cfg && tcp_own_config(c, &now) != 0)
		return NULL;
	c->sndbuf = sndbuf;
	c->rcvbuf = rcvbuf;
	c->nodelay = nodelay;
	c->keepalive = keepalive;
	c->rtt = rtt;
	return c->own_cfg;
}

/* As a number above one: how many may be pending. */
static void set_fastopen(struct tcp_config *cfg, int64_t v)
{
	cfg->fastopen = v > 0;
	if (v > 1)
		cfg->fastopen_pending = v < UINT16_MAX ? (uint16_t)v : UINT16_MAX;
}

static int listener_fastopen(struct tcb_listener *l, int64_t v)
{
	struct tcp_config *own = l->own_cfg ? l->own_cfg : malloc(sizeof(*own));

	if (!own)
		return ERR_NOMEM;
	if (!l->own_cfg)
		*own = *l->cfg;
	set_fastopen(own, v);
	l->cfg = l->own_cfg = own;
	return 0;
}

static int set_in_config(struct tcb *c, enum sock_opt opt, int64_t v)
{
	struct tcp_config *cfg = own_config(c);

	if (!cfg)
		return ERR_NOMEM;

	ns_t ms = ns_min(v, INT32_MAX) * MS; /* 24 days are as good as for ever */

	switch (opt) {
	case OPT_KEEPIDLE:
		cfg->keep_idle = ms;
		if (c->keepalive && c->state >= TCP_ESTABLISHED)
			tcp_timer_set(c, T_KEEP, ns_max(c->last_rcvd, c->established_at) + cfg->keep_idle);
		return 0;
	case OPT_KEEPINTVL:
		cfg->keep_intvl = ms;
		return 0;
	case OPT_KEEPCNT:
		cfg->keep_cnt = (uint8_t)(v < 255 ? v : 255);
		return 0;
	case OPT_USER_TIMEOUT:
		cfg->user_timeout = ms;
		c->uto.fixed = v > 0;
		c->uto.due = cfg->uto && c->state >= TCP_ESTABLISHED;
		return 0;
	case OPT_KEEPINIT:
		cfg->keep_init = ms;
		return 0;
	case OPT_NOOPT:
		cfg->no_options = v;
		return 0;
	case OPT_SYNCNT:
		cfg->syn_retries = (uint8_t)(v < 255 ? v : 255);
		return 0;
	case OPT_CC:
		if (v >= CC_COUNT)
			return ERR_INVAL;
		if (c->cc.ops && !tcp_cc_start(c, (enum tcp_cc_kind)v))
			return ERR_NOMEM;
		cfg->cc = (enum tcp_cc_kind)v;
		return 0;
	case OPT_QUICKACK:
		cfg->quickack = v;
		c->quick = v && c->state >= TCP_ESTABLISHED ? QUICKACKS : 0;
		return 0;
	case OPT_MTU_DISCOVER:
		cfg->pmtud = v;
		return 0;
	case OPT_FASTOPEN:
		set_fastopen(cfg, v);
		return 0;
	default:
		return ERR_OPNOTSUPP;
	}
}

int sock_set(struct stack *s, sock_t h, enum sock_opt opt, int64_t v)
{
	struct sock_slot *slot = slot_of(s, h);

	if (!slot)
		return ERR_BADSOCK;
	if (v < 0 && !(opt == OPT_LINGER && v == -1))
		return ERR_INVAL;
	if (slot->kind == SOCK_LISTENER) {
		if (opt == OPT_RCVBUF)
			((struct tcb_listener *)slot->obj)->rcvbuf = (uint32_t)v;
		else if (opt == OPT_SNDBUF)
			((struct tcb_listener *)slot->obj)->sndbuf = (uint32_t)v;
		else if (opt == OPT_MAXSEG && v >= MSS_FLOOR && v <= 65495)
			((struct tcb_listener *)slot->obj)->mss_clamp = (uint16_t)v;
		else if (opt == OPT_DEFER_ACCEPT)
			((struct tcb_listener *)slot->obj)->defer = ns_min(v, DEFER_MAX) * SEC;
		else if (opt == OPT_FASTOPEN)
			return listener_fastopen(slot->obj, v);
		else
			return opt == OPT_MAXSEG ? ERR_INVAL : ERR_OPNOTSUPP;
		return 0;
	}
	struct tcb *c = slot->obj;

	switch (opt) {
	case OPT_NODELAY:
		c->nodelay = v;
		c->flush = v; /* as Linux: also what a cork holds */
		tcp_talk(c);
		return 0;
	case OPT_CORK:
		c->cork = v;
		tcp_talk(c);
		return 0;
	case OPT_KEEPALIVE:
		c->keepalive = v;
		if (v && c->state >= TCP_ESTABLISHED)
			tcp_timer_set(c, T_KEEP, ns_add(ns_max(c->last_rcvd, c->established_at), c->cfg->keep_idle));
		return 0;
	case OPT_MAXSEG:
		if (v < MSS_FLOOR || v > 65495)
			return ERR_INVAL;
		c->mss_clamp = (uint16_t)v;
		return 0;
	case OPT_SNDBUF:
		c->sndbuf = v < 2048 ? 2048 : v > (1 << 30) ? 1 << 30 : (uint32_t)v;
		return 0;
	case OPT_RCVBUF:
		c->rcvbuf = v < 256 ? 256 : v > (1 << 30) ? 1 << 30 : (uint32_t)v;
		return 0;
	case OPT_NOTSENT_LOWAT:
		c->notsent_lowat = v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
		return 0;
	case OPT_RCVLOWAT:
		c->rcvlowat = v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
		return 0;
	case OPT_TOS:
		c->tos = (uint8_t)(v & 0xfc);
		return 0;
	case OPT_LINGER: /* a time above 0 would only be for calls that wait, and none does */
		c->linger_reset = v == 0;
		return 0;
	case OPT_DEFER_ACCEPT:
		c->defer = ns_min(v, DEFER_MAX) * SEC;
		return 0;
	case OPT_PACING_RATE:
		c->pace_cap = (uint64_t)v;
		if (c->cc.ops)
			tcp_pace_start(c);
		tcp_talk(c);
		return 0;
	case OPT_TTL:
		if (v > 255)
			return ERR_INVAL;
		c->ttl = (uint8_t)v;
		return 0;
	case OPT_FASTOPEN: /* before connect: text written at once may go in the SYN; before listen: accept such */
		if (slot->kind != SOCK_FRESH)
			return ERR_INVAL;
		c->tfo = v ? c->tfo | TFO_WANTED : c->tfo & ~TFO_WANTED;
		return set_in_config(c, opt, v);
	case OPT_V6ONLY:
		slot->v6only = v;
		return 0;
	case OPT_REUSEADDR: /* TIME-WAIT never keeps a listener out here */
	case OPT_OOBINLINE: /* urgent data always stay in line (RFC 6093) */
		return 0;
	default:
		return set_in_config(c, opt, v);
	}
}

int sock_get(struct stack *s, sock_t h, enum sock_opt opt, int64_t *v)
{
	struct sock_slot *slot = slot_of(s, h);

	if (!slot)
		return ERR_BADSOCK;
	if (slot->kind == SOCK_LISTENER) {
		struct tcb_listener *l = slot->obj;

		*v = opt == OPT_RCVBUF ? l->rcvbuf : opt == OPT_MAXSEG ? l->mss_clamp : l->sndbuf;
		return opt == OPT_RCVBUF || opt == OPT_SNDBUF || opt == OPT_MAXSEG ? 0 : ERR_OPNOTSUPP;
	}
	const struct tcb *c = slot->obj;

	switch (opt) {
	case OPT_NODELAY:
		*v = c->nodelay;
		break;
	case OPT_CORK:
		*v = c->cork;
		break;
	case OPT_QUICKACK:
		*v = c->quick > 0;
		break;
	case OPT_KEEPALIVE:
		*v = c->keepalive;
		break;
	case OPT_KEEPIDLE:
		*v = c->cfg->keep_idle / MS;
		break;
	case OPT_KEEPINTVL:
		*v = c->cfg->keep_intvl / MS;
		break;
	case OPT_KEEPCNT:
		*v = c->cfg->keep_cnt;
		break;
	case OPT_USER_TIMEOUT:
		*v = c->cfg->user_timeout / MS;
		break;
	case OPT_KEEPINIT:
		*v = c->cfg->keep_init / MS;
		break;
	case OPT_NOOPT:
		*v = c->cfg->no_options;
		break;
	case OPT_SYNCNT:
		*v = c->cfg->syn_retries;
		break;
	case OPT_MAXSEG:
		*v = c->mss ? c->mss : c->mss_clamp ? c->mss_clamp : MSS_DEFAULT_V4;
		break;
	case OPT_SNDBUF:
		*v = c->sndbuf;
		break;
	case OPT_RCVBUF:
		*v = c->rcvbuf;
		break;
	case OPT_NOTSENT_LOWAT:
		*v = c->notsent_lowat;
		break;
	case OPT_RCVLOWAT:
		*v = c->rcvlowat;
		break;
	case OPT_TOS:
		*v = c->tos;
		break;
	case OPT_TTL:
		*v = c->ttl ? c->ttl : 64;
		break;
	case OPT_CC:
		*v = c->cfg->cc;
		break;
	case OPT_V6ONLY:
		*v = slot->v6only;
		break;
	case OPT_LINGER:
		*v = c->linger_reset ? 0 : -1;
		break;
	case OPT_DEFER_ACCEPT:
		*v = c->defer / SEC;
		break;
	case OPT_PACING_RATE:
		*v = (int64_t)c->pace_cap;
		break;
	case OPT_FASTOPEN:
		*v = c->cfg->fastopen;
		break;
	default:
		return ERR_OPNOTSUPP;
	}
	return 0;
}

int sock_configure(struct stack *s, sock_t h, const struct tcp_config *cfg)
{
	struct sock_slot *slot = slot_of(s, h);

	if (!slot)
		return ERR_BADSOCK;
	if (slot->kind != SOCK_FRESH)
		return ERR_INVAL;
	return tcp_own_config(slot->obj, cfg);
}

int sock_info(struct stack *s, sock_t h, struct sock_info *i)
{
	struct sock_slot *slot = slot_of(s, h);

	if (!slot)
		return ERR_BADSOCK;
	if (slot->kind == SOCK_LISTENER) {
		const struct tcb_listener *l = slot->obj;

		*i = (struct sock_info){.state = TCP_LISTEN,
					.local = l->flow.key.local,
					.lport = l->flow.key.lport,
					.cc = cc_name(l->cfg->cc)};
		return 0;
	}
	tcp_info(slot->obj, i);
	return 0;
}

bool stack_walk(struct stack *s, uint32_t *cursor, struct sock_info *i)
{
	struct tcp *t = &s->tcp;

	while (*cursor < t->table_len) {
		struct tcp_flow *f = t->table[(*cursor)++];

		if ((uintptr_t)f & 1)
			continue;
		if (f->kind == FLOW_CONN) {
			struct tcb *c = (struct tcb *)f;

			/* One that lives on as a compact TIME-WAIT is told of there. */
			if (c->state == TCP_TIME_WAIT || (c->state == TCP_CLOSED && c->user_gone))
				continue;
			tcp_info(c, i);
			return true;
		}
		*i = (struct sock_info){.state = f->kind == FLOW_LISTENER ? TCP_LISTEN : TCP_TIME_WAIT,
					.local = f->key.local,
					.remote = f->key.remote,
					.lport = f->key.lport,
					.rport = f->key.rport,
					.cc = "none"};
		return true;
	}
	return false;
}
