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

/* What a side sends, of a pattern that the other side checks. */
struct bulk {
	uint64_t goal, sent, got; /* got: by the other side */
	bool shut;                /* no more is sent: FIN behind the goal */
	bool fin;                 /* that is wanted */
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
	struct bulk bulk[2]; /* of client and server, for twohosts_bulk */
	bool early;          /* the client's begins before there is a server */
	bool wrong;          /* a byte came that is not the pattern's */
	uint32_t isn;
};

struct twohosts *twohosts_new(uint64_t seed, const struct tcp_config *client, const struct tcp_config *server);
void twohosts_free(struct twohosts *); /* asserts that the pool is empty in the end */

/* Runs until there is nothing left to do or `until` is reached. */
void twohosts_run(struct twohosts *, ns_t until);
bool twohosts_connect(struct twohosts *); /* server listens on port 80; runs until both are established */

bool twohosts_bulk(struct twohosts *); /* an app: moves what `bulk` says, both ways */

/* The TCP segment inside a frame; false for anything else. */
bool frame_seg(const struct pkt *, struct seg *);

#endif
