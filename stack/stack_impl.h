/* The inside of a stack, for stack.c and sock.c. */
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

#endif
