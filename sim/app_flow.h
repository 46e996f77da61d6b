/* Between app_flow.c, which owns connections and results, and the kinds of flow, which move bytes.
 * Where a kind stands is in `struct flow_conn`; both ends of a flow have one each. */
#ifndef SIM_APP_FLOW_H
#define SIM_APP_FLOW_H

#include "app.h"

struct flow_app;

struct flow_conn {
	struct list node;
	struct flow_app *app;
	struct flow *flow;
	struct flow_end *end;      /* ours */
	struct stream *s;
	bool client;
	bool peer_ended;           /* STREAM_END came */
	uint64_t to_write, to_read;/* in all; FLOW_ENDLESS: until stopped, until the peer ends */
	uint64_t write_key, read_key; /* of the patterns */
	struct chunk *shared;      /* flow->no_verify: what is sent over and over */
	ns_t due;                  /* wants a step then; NS_NEVER */
	ns_t read_from;            /* a slow reader reads on from here */
	/* rpc: of the round under way */
	uint64_t round;
	uint32_t sent, got;
	ns_t asked;
};

/* A kind moves what it can, sets end->done when it has done all it had to, and `due` if it wants to
 * come again without news. */
typedef void flow_step_fn(struct flow_conn *, ns_t now);
flow_step_fn bulk_step, echo_server_step, rpc_step;

/* Reads at most `max` bytes, checks them, counts them; returns how many came. */
size_t flow_read(struct flow_conn *, size_t max, ns_t now);
/* Writes at most `max` bytes of our pattern; returns how many were taken. */
size_t flow_write(struct flow_conn *, uint64_t max);

#endif
