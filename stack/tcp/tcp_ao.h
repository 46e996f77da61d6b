/* TCP-AO (RFC 5925) inside the engine: master keys of the stack, traffic keys of a connection.
 *
 * Hooks elsewhere are few: tcp_input asks tcp_ao_arrive before anything else looks at a segment (if there
 * are keys at all), connections get a struct ao when they begin, and who writes a header for one that has
 * it calls tcp_ao_push. */
#ifndef TCP_AO_H
#define TCP_AO_H

#include "../base/flowmap.h"
#include "../base/list.h"
#include "../base/slab.h"
#include "../net/net.h"
#include "../stack.h"
#include "../wire/tcp.h"

#define AO_OPTION (4 + AO_MAC_LEN) /* bytes of the option: a multiple of four */

struct tcp;
struct tcb;
struct tcb_tw;
struct tcp_flow;

struct ao_mkt {
	struct list node;  /* in ao_keys.list, in the order they came */
	struct ao_key key; /* master points to the next member */
	uint8_t master[AO_MASTER_MAX];
	uint32_t users;    /* connections of which it is the current or the next key */
};

struct ao_traffic {
	_Alignas(16) uint8_t key[AO_TRAFFIC_BYTES];
	struct ao_mkt *mkt; /* NULL: not derived */
};

/* What a connection or its TIME-WAIT keeps. */
struct ao {
	struct list node;       /* in ao_keys.states_list */
	struct ao_mkt *current; /* signs what we send */
	struct ao_mkt *next;    /* with which the peer shall sign: its RecvID is our RNextKeyID */
	seq_t iss, irs;
	/* Sequence number extension (RFC 5925 6.2, RFC 9187): the furthest number sent, and received with a
	 * right MAC, in 64 bits. Another number is the one nearest to it. */
	uint64_t snd, rcv;
	uint8_t keyid, rnextkeyid;   /* of the last good segment */
	struct ao_traffic out;       /* of `current` */
	struct ao_traffic in[2];     /* of the key that the last good segment had, and of another */
	uint8_t in_last;             /* which is which */
};

/* Of the stack. */
struct ao_keys {
	bool on;           /* anything to look at? */
	bool strict;
	uint32_t n;
	struct list list;        /* of master keys */
	struct list states_list; /* of what connections keep */
	struct slab mkts, states;
};

void tcp_ao_init(struct tcp *, const struct stack_config *);
void tcp_ao_end(struct tcp *);
int tcp_ao_add(struct tcp *, const struct ao_key *);
int tcp_ao_remove(struct tcp *, const struct ao_key *);
int tcp_ao_set(struct tcb *, int current, int rnext);

/* May the segment be looked at? Follows the peer's wish for another key. `f`: whose it is, or NULL. */
bool tcp_ao_arrive(struct tcp *, struct tcp_flow *f, const struct seg *, const struct pkt *, const struct flow_key *);

/* A connection begins: with TCP-AO if there is a key for it. Needs its place in the map and its ISS. */
int tcp_ao_active(struct tcb *);
int tcp_ao_passive(struct tcb *, const struct seg *syn);
void tcp_ao_restart(struct ao *, seq_t iss); /* with this initial number after all */
void tcp_ao_free(struct tcp *, struct ao **);

/* Pushes the header of g, signed. */
void tcp_ao_push(struct ao *, const struct flow_key *, struct pkt *, struct seg *, enum tcp_layout);
/* For an answer without a connection: keys by the ids of g, numbers as given. False: there is no key. */
bool tcp_ao_borrow(struct tcp *, struct ao *, const struct flow_key *, const struct seg *g, seq_t iss, seq_t irs);

#endif
