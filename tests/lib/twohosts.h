/* Two stacks and a wire between them, in virtual time: a fixed delay, a rate, and a function that
 * may drop or note each frame. Made in one line, destroyed with all leak checks; stack_check runs
 * after every turn. */
#ifndef TWOHOSTS_H
#define TWOHOSTS_H

#include "../../stack/stack.h"
#include "../../stack/wire/ip.h"
#include "../../stack/wire/tcp.h"

struct twohosts;

/* Called for each frame that enters the wire; side 0 is the client's. True: it is lost. */
typedef bool wire_fn(struct twohosts *, int side, const struct pkt *, const struct seg *, ns_t now);

/* Called for each frame that was not lost: may change it, and says how much longer than the others it
 * is on its way. Its checksum is in its bytes then. */
typedef ns_t mess_fn(struct twohosts *, int side, struct pkt *, bool *twice);

struct flight {
	struct pkt *pkt;
	ns_t at;
	uint64_t number;
	int to;
};

struct twohosts {
	struct pkt_pool pool;
	struct stack *stack[2];
	struct addr addr[2];
	ns_t now, delay, busy_until[2];
	uint64_t rate; /* bytes per second; 0: no limit */
	struct flight *air;
	size_t nair, cap_air;
	uint64_t frames;
	wire_fn *wire;
	mess_fn *mess;
	void *arg;
	sock_t listener, client, server;
	uint64_t segs[2], data_segs[2], lost;
	bool (*app)(struct twohosts *); /* called after each turn; true: something was done */
	uint32_t isn;
};

struct twohosts *twohosts_new(uint64_t seed, const struct tcp_config *client, const struct tcp_config *server);
void twohosts_free(struct twohosts *); /* asserts that the pool is empty in the end */

/* Runs until there is nothing left to do or `until` is reached. */
void twohosts_run(struct twohosts *, ns_t until);
bool twohosts_connect(struct twohosts *); /* server listens on port 80; runs until both are established */

/* The TCP segment inside a frame; false for anything else. */
bool frame_seg(const struct pkt *, struct seg *);

#endif
