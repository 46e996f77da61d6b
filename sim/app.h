/* Applications: what drives the streams of a host. Deterministic, never blocking; time is what the
 * host hands in. The same ones run in the simulator and live, plain and over TLS.
 *
 *   app_flow.c    the two ends of a flow: connecting, matching, results
 *   app_bulk.c    ... of N bytes to the server, M bytes back, or echoed, each byte verified
 *   app_rpc.c     ... of requests and responses, one after the other, timed
 *   app_echo.c    sends back what comes          app_discard.c  swallows what comes
 *   app_chargen.c sends for ever                 app_http.c     files below a root
 *   app_welcome.c the networking lab's server    app_pipe.c     a driver's bytes (connect)
 */
#ifndef SIM_APP_H
#define SIM_APP_H

#include <stdio.h>

#include "stream.h"
#include "stream_log.h"

struct app;

/* Everything but start and event may be NULL. */
struct app_ops {
	const char *name;
	int (*start)(struct app *, ns_t now);  /* listens or connects; 0, or ERR_* (then app->failed) */
	void (*event)(struct app *, struct stream *, uint32_t bits, ns_t now);
	ns_t (*deadline)(const struct app *);
	void (*tick)(struct app *, ns_t now);  /* its deadline came */
	void (*stop)(struct app *, ns_t now);  /* end in order: no new connections, close the old ones */
	bool (*finished)(const struct app *);  /* NULL: once stopped */
	void (*free)(struct app *);            /* NULL: free() */
};

/* Embedded first in each application's own struct. */
struct app {
	const struct app_ops *ops;
	struct host *host;   /* set by host_add_app */
	struct list node;
	ns_t start_at;
	bool started, stopping;
	int failed;          /* what start returned */
	struct wheel_entry timer; /* the host's: start_at, then ops->deadline */
	bool done;           /* the host's: ops->finished said so */
	uint32_t conns;      /* streams that are alive */
	uint64_t conns_done; /* streams that got CLOSED */
	uint64_t conns_bad;  /* ... with a verdict other than clean */
	enum stream_verdict first_bad; /* of them; STREAM_GOING_ON: none */
};

/* ---- flows: what the simulator's `traffic:` is made of ---- */

#define FLOW_ENDLESS UINT64_MAX

enum flow_kind {
	FLOW_BULK, /* to_server bytes one way and to_client the other, both at once */
	FLOW_RPC,  /* `count` times: `request` bytes, the answer of `response` bytes, `gap` of rest */
	FLOW_ECHO, /* to_server bytes, which the server sends back; to_client is ignored */
};

/* One end's part of the result. */
struct flow_end {
	uint64_t written, read;      /* stream bytes given to and taken from the stream */
	uint64_t bad_at;             /* offset of the first byte that came wrong; FLOW_ENDLESS: none */
	ns_t created, opened, first_byte, last_byte, closed; /* -1: never. bytes: of what was read */
	enum stream_verdict verdict;
	char why[256];
	bool have_info;
	struct sock_info info;       /* when the stream was over */
	char tls[128];               /* version, suite, curve; empty: plain or never up */
	bool done;                   /* all it had to send was taken, all it had to get has come */
};

/* Both ends' applications point at one flow; it outlives them. */
struct flow {
	/* asked */
	uint32_t id;                 /* also keys the byte pattern, with the direction */
	enum flow_kind kind;
	struct addr server;
	uint16_t port;
	uint64_t to_server, to_client;
	uint32_t request, response;
	uint64_t count;
	ns_t gap;
	ns_t start, stop;            /* stop: an endless sender ends then; NS_NEVER: never */
	ns_t read_gap;               /* a slow reader: at most read_max bytes each read_gap; 0: at once */
	uint32_t read_max;
	bool no_verify;              /* send one shared chunk over and over, look at nothing: for benches */
	const struct stream_tls *client_tls, *server_tls;
	const struct tcp_config *client_tcp; /* NULL: the stack's */

	/* came of it */
	struct flow_end client, server_end;
	uint64_t rpcs;               /* answered */
	ns_t rpc_min, rpc_max, rpc_sum;
	uint16_t client_port;        /* 0 until connected: how the server tells flows apart */
	struct addr client_addr;
};

void flow_init(struct flow *); /* nothing asked, nothing come: times -1, bad_at none */
bool flow_ok(const struct flow *); /* both ends done, every byte right, both verdicts clean */
bool flow_over(const struct flow *); /* nothing more will happen to it, well or not */

/* The client end: connects at flow->start. Lends the flow. */
struct app *app_flow_client(struct flow *);
/* The server end of any number of flows that share a port: a connection is matched to its flow by
 * the client's address and port, which works where both ends live in one program. A connection that
 * matches none takes the first flow without a client (a peer in another program). */
struct app *app_flow_server(uint16_t port, const struct stream_tls *, const struct tcp_config *);
bool app_flow_server_add(struct app *, struct flow *); /* lends; false: out of memory */

/* The byte pattern: lines of text that begin with their offset, 8 bytes at a time from an offset, so
 * that any part can be made or checked. */
void pattern_fill(uint64_t key, uint64_t off, void *to, size_t len);
/* Index of the first byte that differs, or len. */
size_t pattern_check(uint64_t key, uint64_t off, const void *bytes, size_t len);

/* ---- servers for live use (and wherever a scenario wants one) ---- */

struct serve_config {
	struct addr addr;      /* any: all of ours */
	uint16_t port;
	const struct stream_tls *tls;
	const struct tcp_config *tcp;
	uint64_t count;        /* end after so many connections; 0: never */
	const char *root;      /* http */
	struct stream_log log; /* peers, verdicts */
	FILE *out;             /* results: the welcome server's `Peer: {...}`; NULL: none */
};

struct app *app_echo(const struct serve_config *);
struct app *app_discard(const struct serve_config *);
struct app *app_chargen(const struct serve_config *);
struct app *app_http(const struct serve_config *, char *err, size_t cap); /* NULL: root is no directory */
struct app *app_welcome(const struct serve_config *);

/* ---- a pipe: the driver's bytes to a peer and back (tapir connect) ---- */

typedef size_t pipe_out_fn(void *arg, const void *bytes, size_t len); /* bytes taken; 0: not now */

struct pipe_config {
	struct addr peer;
	uint16_t port;
	const struct stream_tls *tls;
	pipe_out_fn *out;
	void *arg;
	struct stream_log log;
};

struct app *app_pipe(const struct pipe_config *);
size_t app_pipe_room(const struct app *);                 /* bytes that push would take */
void app_pipe_push(struct app *, const void *, size_t);   /* at most room */
void app_pipe_eof(struct app *);                          /* no more will be pushed: half-close */
bool app_pipe_blocked(const struct app *);                /* out took less than there was */
void app_pipe_writable(struct app *);                     /* out may take bytes again */
/* How the connection ended; `why` is lent. */
enum stream_verdict app_pipe_verdict(const struct app *, const char **why);

#endif
