/* One stack, and peers that exist only as frames made by hand. Whatever a hostile host could put on
 * the wire can be said here; what the stack answers is kept as parsed segments. Each frame lies in a
 * heap block of exactly its size, so that reading past it is seen, and stack_check runs after every
 * turn.
 *
 *     peer --- lone_say ---> input, advance, output ---> lone.heard[]
 *
 * The stack is 192.0.2.1; peers sit in 198.51.100.0/24 and beyond, behind a router whose address is
 * known, so that a thousand peers cost no address resolution. */
#ifndef LONE_H
#define LONE_H

#include "../../stack/stack.h"
#include "../../stack/wire/ip.h"
#include "../../stack/wire/tcp.h"
#include "test.h"

#define LONE_ME 0xc0000201u     /* 192.0.2.1/24 */
#define LONE_ROUTER 0xc00002feu
#define LONE_PEER 0xc6336402u   /* 198.51.100.2 */
#define LONE_PORT 80            /* where the stack listens */
#define LONE_HEARD 512
#define LONE_LENT 8192
#define LONE_FRAME 4096

extern const struct mac LONE_MAC, LONE_ROUTER_MAC;

/* The hand-made side of one connection, as a peer that plays by the rules would keep it. */
struct lone_peer {
	uint32_t addr;
	uint16_t port, stack_port;
	uint32_t iss, nxt; /* what it sends next */
	uint32_t ack;      /* what it expects next */
	uint32_t stack_iss;
	uint16_t wnd, mss;
	bool ts, sack;
	uint8_t wscale;    /* 0xff: not offered */
	uint32_t ts_val, ts_ecr;
	sock_t sock;       /* the stack's handle, once there is one */
};

struct lone {
	struct pkt_pool pool;
	struct stack_config cfg;
	struct stack *s;
	ns_t now;
	struct seg heard[LONE_HEARD]; /* since lone_forget: TCP segments out, oldest first */
	size_t nheard;
	uint64_t frames_out, icmp_out; /* since lone_forget */
	uint8_t last[LONE_FRAME];     /* the latest frame out, of whatever protocol */
	size_t last_len;
	sock_t listener;
	bool asked;                   /* the router was, by ARP, and has yet to answer */
	struct chunk *lent[LONE_LENT];
	size_t nlent;
};

struct lone *lone_new(void);      /* defaults; change ->cfg, then lone_start */
void lone_start(struct lone *);   /* makes the stack, its router, and a listener on LONE_PORT */
struct lone *lone_open(void);     /* both */
void lone_listen(struct lone *);  /* a new listener; what waited at the old one is gone */
void lone_free(struct lone *);    /* asserts that nothing is left in the pool */

/* One turn: input if there is a frame, advance, output. */
void lone_turn(struct lone *);
void lone_give(struct lone *, const void *frame, size_t len);
/* The same frame without the turn: what comes in as one batch. */
void lone_put(struct lone *, const void *frame, size_t len);
void lone_wait(struct lone *, ns_t); /* stops at each deadline on the way */
void lone_forget(struct lone *);     /* what was heard */

struct lone_peer lone_peer(uint32_t n); /* the n-th of many, with options, far from any wrap */

/* A segment from p: ports filled in, the rest as it stands; `g->len` bytes of the stream's pattern
 * from g->seq on, or of `text`. */
void lone_say_seg(struct lone *, const struct lone_peer *, struct seg *g, const void *text);
/* The usual case: seq, ack and options as p has them. Moves p->nxt. */
void lone_say(struct lone *, struct lone_peer *, uint16_t flags, uint32_t len);
/* A frame for lone_give: returns its length. */
size_t lone_frame(uint8_t *frame, const struct lone_peer *, const struct seg *, const void *text);
/* Sets the IP header's and TCP's checksum of a frame that was changed by hand, as far as it has
 * these fields. */
void lone_sum(uint8_t *frame, size_t len);
/* ICMP destination unreachable or another error about a segment of the stack to p. */
void lone_icmp(struct lone *, const struct lone_peer *, uint8_t type, uint8_t code, uint32_t rest, uint32_t seq);
uint8_t lone_byte(const struct lone_peer *, uint32_t seq); /* the pattern */

/* A connection to the stack's listener, accepted: p->sock. */
void lone_handshake(struct lone *, struct lone_peer *);
void lone_handshake_over(struct lone *, struct lone_peer *, ns_t rtt);
/* The stack connects to p; SYN-SENT afterwards. */
void lone_connect(struct lone *, struct lone_peer *);
/* A connection of p in any state (LISTEN and CLOSED: there is none). False: it did not get there. */
bool lone_reach(struct lone *, struct lone_peer *, enum tcp_state);

/* CLOSED if there is no such connection. */
enum tcp_state lone_state(struct lone *, const struct lone_peer *);
bool lone_info(struct lone *, const struct lone_peer *, struct sock_info *);
uint32_t lone_count(struct lone *, enum tcp_state); /* connections in this state */
/* Of the segments heard: how many have these flags among `mask`; the last such, or NULL. */
size_t lone_heard(const struct lone *, uint16_t mask, uint16_t flags);
const struct seg *lone_last(const struct lone *, uint16_t mask, uint16_t flags);
uint64_t lone_heard_bytes(const struct lone *); /* of text */
/* Reads all there is and compares it with the pattern at `from`; the number of bytes, -1: wrong. */
int64_t lone_read(struct lone *, const struct lone_peer *, uint32_t from);

#endif
