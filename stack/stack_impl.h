/* The inside of a stack, for stack.c and sock*.c. */
#ifndef STACK_IMPL_H
#define STACK_IMPL_H

#include "net/net.h"
#include "stack.h"
#include "tcp/tcp.h"

enum sock_kind { SOCK_FREE, SOCK_FRESH, SOCK_CONN, SOCK_LISTENER };

struct sock_slot {
	uint8_t kind;          /* enum sock_kind */
	uint16_t generation;
	uint16_t port;         /* FRESH: bound to it */
	bool v6only;
	uint32_t next_free;
	void *obj;             /* struct tcb (FRESH and CONN) or struct tcb_listener */
};

struct stack {
	struct pkt_pool *pool;
	ns_t now;
	struct net net;
	struct tcp tcp;
	struct stack_counters count;
	frame_fn *observe;
	void *observe_arg;
	uint64_t frame_id;
	struct sock_slot *slot; /* grows; index 0 is never used */
	uint32_t nslots, cap_slots, free_slot, max_slots;
};

void socks_init(struct stack *, uint32_t max);
void socks_free(struct stack *);

/* ---- handles: an index, and a generation that tells a stale one from the slot's next tenant ---- */

#define HANDLE_INDEX_BITS 20
#define HANDLE_INDEX ((1u << HANDLE_INDEX_BITS) - 1)
#define HANDLE_GENERATION 0xfffu

/* NULL: there is no such. */
static inline struct sock_slot *slot_of(const struct stack *s, sock_t h)
{
	uint32_t i = h & HANDLE_INDEX;

	if (i == 0 || i >= s->nslots || s->slot[i].kind == SOCK_FREE ||
	    s->slot[i].generation != h >> HANDLE_INDEX_BITS)
		return NULL;
	return &s->slot[i];
}

static inline struct tcb *conn_of(const struct stack *s, sock_t h)
{
	struct sock_slot *slot = slot_of(s, h);

	return slot && slot->kind == SOCK_CONN ? slot->obj : NULL;
}

/* For calls that want a connection: the error that says why there is none. */
static inline int no_conn(const struct stack *s, sock_t h)
{
	return slot_of(s, h) ? ERR_NOTCONN : ERR_BADSOCK;
}

#endif
