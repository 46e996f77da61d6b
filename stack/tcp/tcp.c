/* The engine's book-keeping: creation, the table of everything, the lists that the doors work on,
 * and the end of connections. No protocol here. */
#include "tcp.h"

#include <stdlib.h>

int tcp_init(struct tcp *t, struct net *net, const struct stack_config *cfg, struct stack_counters *count)
{
	memset(t, 0, sizeof(*t));
	t->net = net;
	t->pool = cfg->pool;
	t->count = count;
	t->cfg = cfg->tcp;
	t->now = cfg->now;
	rng_init(&t->rng, cfg->seed, "tcp");
	rng_init(&t->cc_rng, cfg->seed, "cc");
	siphash_key_draw(&t->isn_key, &t->rng);
	siphash_key_draw(&t->ts_key, &t->rng);
	siphash_key_draw(&t->port_key, &t->rng);
	siphash_key_draw(&t->cookie_key, &t->rng);
	struct siphash_key map_key;

	siphash_key_draw(&map_key, &t->rng);
	flowmap_init(&t->flows, map_key, offsetof(struct tcp_flow, key));
	flowmap_init(&t->listeners, map_key, offsetof(struct tcp_flow, key));
	slab_init(&t->tcbs, sizeof(struct tcb), cfg->max_socks);
	slab_init(&t->lsocks, sizeof(struct tcb_listener), cfg->max_socks);
	slab_init(&t->tws, sizeof(struct tcb_tw), cfg->max_time_wait);
	slab_init(&t->cc_states, CC_STATE_BYTES, cfg->max_socks);
	tcp_fastopen_init(t, cfg->seed);
	tcp_ao_init(t, cfg);
	wheel_init(&t->wheel, cfg->now);
	wheel_init(&t->tw_wheel, cfg->now);
	list_init(&t->talk);
	list_init(&t->ready);
	list_init(&t->grave);
	list_init(&t->tw_age);
	t->max_tw = cfg->max_time_wait;
	t->max_half = cfg->max_half_open;
	return 0;
}

/* ---- the table: everything there is, by index; a free slot holds the next free one's index ---- */

#define FREE_SLOT(i) ((struct tcp_flow *)((uintptr_t)(i) << 1 | 1))
#define IS_FREE(p) ((uintptr_t)(p)&1)

bool tcp_table_add(struct tcp *t, struct tcp_flow *f, uint32_t *at)
{
	if (t->table_free == t->table_len) {
		if (t->table_len == t->table_cap) {
			uint32_t cap = t->table_cap ? t->table_cap * 2 : 16;
			struct tcp_flow **grown = realloc(t->table, cap * sizeof(struct tcp_flow *));

			if (!grown)
				return false;
			t->table = grown;
			t->table_cap = cap;
		}
		*at = t->table_len++;
		t->table_free = t->table_len;
	} else {
		*at = t->table_free;
		t->table_free = (uint32_t)((uintptr_t)t->table[*at] >> 1);
	}
	t->table[*at] = f;
	return true;
}

void tcp_table_remove(struct tcp *t, uint32_t at)
{
	t->table[at] = FREE_SLOT(t->table_free);
	t->table_free = at;
}

/* ---- connections ---- */

struct tcb *tcp_new(struct tcp *t, const struct tcp_config *cfg)
{
	struct tcb *c = slab_get(&t->tcbs);

	if (!c)
		return NULL;
	if (!tcp_table_add(t, &c->flow, &c->table_at)) {
		slab_put(&t->tcbs, c);
		return NULL;
	}
	c->flow.kind = FLOW_CONN;
	c->tcp = t;
	c->number = ++t->numbers;
	c->cfg = cfg;
	list_init(&c->talk);
	list_init(&c->queue);
	list_init(&c->ready.node);
	wheel_entry_init(&c->timer);
	for (int i = 0; i < T_COUNT; i++)
		c->due[i] = NS_NEVER;
	sndq_init(&c->sndq);
	rcvq_init(&c->rcvq);
	board_init(&c->board);
	rtt_init(&c->rtt, cfg->init_rto, cfg->min_rto, cfg->max_rto);
	c->sndbuf = cfg->sndbuf;
	c->rcvbuf = cfg->rcvbuf;
	c->rcvlowat = 1;
	c->notsent_lowat = UINT32_MAX;
	c->nodelay = !cfg->nagle;
	c->keepalive = cfg->keepalive;
	c->challenge_tokens = cfg->challenge_acks;
	c->pmtu = t->net->link.mtu;
	c->ip_id = (uint16_t)rng_u32(&t->rng);
	c->rack.mult = 1;
	return c;
}

int tcp_own_config(struct tcb *c, const struct tcp_config *cfg)
{
	struct tcp_config *own = c->own_cfg ? c->own_cfg : malloc(sizeof(*own));

	if (!own)
		return ERR_NOMEM;
	*own = *cfg;
	c->cfg = c->own_cfg = own;
	c->sndbuf = cfg->sndbuf;
	c->rcvbuf = cfg->rcvbuf;
	c->nodelay = !cfg->nagle;
	c->keepalive = cfg->keepalive;
	rtt_init(&c->rtt, cfg->init_rto, cfg->min_rto, cfg->max_rto);
	return 0;
}

static void tcp_delete(struct tcb *c)
{
	struct tcp *t = c->tcp;

	wheel_remove(&t->wheel, &c->timer);
	list_remove(&c->talk);
	list_remove(&c->queue);
	list_remove(&c->ready.node);
	sndq_free(&c->sndq, t->pool);
	rcvq_free(&c->rcvq, t->pool);
	board_free(&c->board);
	tcp_cc_free(c);
	tcp_ao_free(t, &c->ao);
	free(c->own_cfg);
	tcp_table_remove(t, c->table_at);
	slab_put(&t->tcbs, c);
}

void tcp_bury(struct tcp *t)
{
	struct list *n;

	while ((n = list_first(&t->grave)))
		tcp_delete(list_entry(n, struct tcb, queue));
}

void tcp_free(struct tcp *t)
{
	tcp_bury(t);
	flowmap_free(&t->flows); /* nobody is looked up any more */
	/* Connections first: they stand in their listeners' lists. */
	for (uint32_t i = 0; i < t->table_len; i++)
		if (!IS_FREE(t->table[i]) && t->table[i]->kind == FLOW_CONN)
			tcp_delete((struct tcb *)t->table[i]);
	for (uint32_t i = 0; i < t->table_len; i++) {
		struct tcp_flow *f = t->table[i];

		if (IS_FREE(f))
			continue;
		if (f->kind == FLOW_TIME_WAIT) {
			tcp_tw_free(t, (struct tcb_tw *)f);
		} else {
			struct tcb_listener *l = (struct tcb_listener *)f;

			list_remove(&l->ready.node);
			free(l->own_cfg);
			tcp_table_remove(t, l->table_at);
			slab_put(&t->lsocks, l);
		}
	}
	free(t->table);
	free(t->fastopen.peers);
	flowmap_free(&t->listeners);
	tcp_ao_end(t);
	slab_free(&t->tcbs);
	slab_free(&t->lsocks);
	slab_free(&t->tws);
	slab_free(&t->cc_states);
}

/* ---- news for the user, and the talk list ---- */

void tcp_ready_add(struct tcp *t, struct tcp_ready *r, uint32_t bits)
{
	r->bits |= bits;
	if (r->handle && list_alone(&r->node))
		list_push_back(&t->ready, &r->node);
}

void tcp_notify(struct tcb *c, uint32_t bits)
{
	tcp_ready_add(c->tcp, &c->ready, bits);
}

void tcp_talk(struct tcb *c)
{
	if (c->talking)
		return;
	c->talking = true;
	list_push_back(&c->tcp->talk, &c->talk);
}

/* RFC 9293 3.8.3 (SHLD-9), 3.9.2.2 (SHLD-25), and 3.9.1.8: who does not want to hear of it (SHLD-20). */
void tcp_trouble(struct tcb *c, enum err why)
{
	if (!c->cfg->error_reports)
		return;
	c->trouble = (int16_t)why;
	tcp_notify(c, SOCK_TROUBLE);
}

uint32_t tcp_ts_now(const struct tcb *c)
{
	return (uint32_t)(c->tcp->now / TS_TICK) + c->ts_offset;
}

/* RFC 6528: a clock of 4 microseconds plus a keyed hash of the flow. */
seq_t tcp_isn(struct tcp *t, const struct flow_key *key)
{
	if (t->cfg.isn_is_fixed)
		return seq_of(t->cfg.isn_fixed);
	return seq_of((uint32_t)(t->now / (4 * US)) + (uint32_t)siphash(&t->isn_key, key, sizeof(*key)));
}
