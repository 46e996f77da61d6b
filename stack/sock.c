/* User calls: look the handle up, check, call the engine, mark. A handle is 20 bits of index and 12
 * of generation, so that a stale one is told from the slot's next tenant. RFC 9293 3.9.1. Here are
 * those that begin and end a connection or ask about it; sock_io.c moves bytes, sock_opt.c has the
 * options. */
#include "stack_impl.h"

#include <stdlib.h>

void socks_init(struct stack *s, uint32_t max)
{
	s->max_slots = max < HANDLE_INDEX ? max : HANDLE_INDEX;
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
	return (sock_t)slot->generation << HANDLE_INDEX_BITS | i;
}

static void slot_free(struct stack *s, struct sock_slot *slot)
{
	slot->kind = SOCK_FREE;
	slot->obj = NULL;
	slot->generation = (slot->generation + 1) & HANDLE_GENERATION;
	slot->next_free = s->free_slot;
	s->free_slot = (uint32_t)(slot - s->slot);
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

/* The two switches that a connection keeps outside its configuration go there, for those to come. */
static int hand_down_switches(struct tcb *c)
{
	if (c->cfg->nagle != c->nodelay && c->cfg->keepalive == c->keepalive)
		return 0;
	if (!c->own_cfg) {
		c->own_cfg = malloc(sizeof(*c->own_cfg));
		if (!c->own_cfg)
			return ERR_NOMEM;
		*c->own_cfg = *c->cfg;
		c->cfg = c->own_cfg;
	}
	c->own_cfg->nagle = !c->nodelay;
	c->own_cfg->keepalive = c->keepalive;
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
	if ((err = hand_down_switches(c)))
		return err;
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
	l->window_clamp = c->window_clamp;
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

	if (err)
		return err;
	struct tcb *c = conn_of(s, h);

	if (c->tfo & TFO_WANTED && tcp_fastopen_room(c, a)) /* what is written from now on may go in the SYN */
		tcp_notify(c, SOCK_CONNECTED | SOCK_WRITABLE);
	return 0;
}

uint32_t sock_syn_room(struct stack *s, sock_t h, const struct addr *peer)
{
	struct sock_slot *slot = slot_of(s, h);

	return slot && slot->kind == SOCK_FRESH ? tcp_fastopen_room(slot->obj, peer) : 0;
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

/* ---- information ---- */

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

/* What there is to tell of it. One that lives on as a compact TIME-WAIT is told of there, and one that is
 * only waiting to be freed not at all. */
static bool flow_info(const struct tcp_flow *f, struct sock_info *i)
{
	if (f->kind == FLOW_CONN) {
		const struct tcb *c = (const struct tcb *)f;

		if (c->state == TCP_TIME_WAIT || (c->state == TCP_CLOSED && c->user_gone))
			return false;
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

bool stack_at(struct stack *s, uint32_t cursor, struct sock_info *i)
{
	const struct tcp_flow *f = cursor < s->tcp.table_len ? s->tcp.table[cursor] : NULL;

	return f && !((uintptr_t)f & 1) && flow_info(f, i);
}

bool stack_walk(struct stack *s, uint32_t *cursor, struct sock_info *i)
{
	while (*cursor < s->tcp.table_len)
		if (stack_at(s, (*cursor)++, i))
			return true;
	return false;
}

bool stack_find(struct stack *s, const struct addr *local, uint16_t lport, const struct addr *remote,
		uint16_t rport, struct sock_info *i)
{
	struct flow_key key = {.local = *local, .remote = *remote, .lport = lport, .rport = rport};
	const struct tcp_flow *f = flowmap_find(&s->tcp.flows, &key);

	return f && flow_info(f, i);
}

int sock_ao_set(struct stack *s, sock_t h, int current, int rnext)
{
	struct sock_slot *slot = slot_of(s, h);

	if (!slot)
		return ERR_BADSOCK;
	return slot->kind == SOCK_LISTENER ? ERR_OPNOTSUPP : tcp_ao_set(slot->obj, current, rnext);
}
