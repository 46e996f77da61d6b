/* Two captures of one path, joined: which segments died between them, which were doubled, how long
 * the way took. No clocks are compared for the matching, and no addresses, so that neither a wrong
 * clock nor an address translator disturbs it. */
#ifndef TRACES_JOURNEY_H
#define TRACES_JOURNEY_H

#include "doc.h"
#include "flow.h"

#include <jansson.h>

#define HOPS_MAX (1u << 20)  /* of one capture; the rest is left out, and counted */
#define LOST_SHOWN 50        /* in words */

struct hop {
	uint64_t key;        /* of what does not change on the way */
	ns_t at, arrived_at; /* the latter by the other capture's clock */
	uint64_t lo, hi;
	uint32_t frame, order, conn;
	bool by_client;
	bool taken;          /* it has its counterpart */
};

struct hops {
	struct hop *hop;
	uint32_t n, cap;
	uint64_t left_out;
};

struct way {                 /* one direction */
	uint64_t sent, arrived, lost, copies;
	ns_t min_delay;      /* by two clocks: only sums of both directions mean anything */
};

struct journey {
	const struct hops *near_client, *near_server;
	bool first_is_client; /* the first capture is the client's */
	struct way up, down;  /* from the client, from the server */
	struct hop *lost;     /* copies of those that died, in the order of sending */
	uint32_t nlost;
	uint32_t apart;       /* connections that are in one of the captures only */
	uint64_t left_out;    /* segments over HOPS_MAX */
};

void hops_add(void *hops, const struct seg_view *); /* a seg_fn */
void hops_free(struct hops *);

/* first and second are changed (marked, sorted). False: they have no segment in common, or the
 * handshakes do not tell which is nearer to the client, or memory is short; *why says it. */
bool journey_join(struct journey *, struct hops *first, const struct analysis *, struct hops *second,
		  const struct analysis *, const char **why);
void journey_free(struct journey *);
void journey_print(struct doc *, const struct journey *, const char *first, const char *second);
json_t *journey_json(const struct journey *, const char *second);

#endif
