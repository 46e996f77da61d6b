/* A world: hosts, the paths between them, and virtual time. One thread; the only clock is the head
 * of the event queue. What may happen at an instant:
 *
 *   a path   moves frames on; each that comes out is a turn of the host it is for, or goes through
 * a switch into the next path a host   its deadline has come: a turn without frames a change an
 * event of the scenario with a time a tick   the series are sampled; it changes nothing and is not
 * part of the fingerprint
 *
 * The fingerprint is over every frame that arrives (time, path, head bytes) and every frame that
 * dies. Two runs with one scenario and seed have equal fingerprints and equal files.
 *
 * A world also keeps what the reports are made of: figures of each connection by the stacks'
 * probes, series by ticks, and the captures. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "app.h"
#include "heap.h"
#include "host.h"
#include "path.h"
#include "scenario.h"

#define WORLD_SERIES_FLOWS 16 /* the first so many flows have series */

/* How long round trips took: 16 steps an octave, so within 6 %. */
#define HISTOGRAM_STEPS 16
#define HISTOGRAM_SIZE (48 * HISTOGRAM_STEPS)

struct conn_stat {
	uint32_t *rtt; /* histogram of samples in ns; NULL: none */
	uint64_t samples;
	ns_t rtt_min, rtt_max;
	uint32_t cwnd_max;
};

struct sim_link {
	struct link link;
	struct world *world;
	uint32_t path; /* what the host sends goes there */
};

struct world_host {
	struct host *host;
	struct sim_link link;
	struct capture *capture;
	struct conn_stat *conn; /* by number of the connection, from 1 */
	uint32_t nconns;
	bool linked, finished;
};

struct world_path {
	struct path *path;
	uint32_t to;   /* the node that gets what comes out: a host, or from nhosts on a switch */
	uint32_t back; /* the path of the other direction */
};

/* Certificates of one directory, and how streams use them. */
struct world_pki {
	char dir[SCENARIO_FILE];
	struct tls_anchors *anchors;
	struct tls_creds *server, *client;
};

struct world_tls {
	struct stream_tls client, server;
};

struct series_row {
	ns_t at;
	enum tcp_state state;
	enum tcp_ca ca;
	uint32_t cwnd, ssthresh, inflight, sacked, lost, retrans, snd_wnd, rcv_wnd, notsent, unread;
	ns_t srtt, rttvar, rto;
	uint64_t bytes_acked, bytes_received;
};

struct series {
	struct series_row *row;
	uint32_t n, cap;
};

struct queue_row {
	ns_t at;
	uint64_t pkts, bytes, dropped, marked;
};

struct queue_series {
	struct queue_row *row;
	uint32_t n, cap;
};

struct world;

enum world_check { CHECK_NONE, CHECK_SAMPLED, CHECK_ALWAYS };

struct world_options {
	const char *out; /* where captures go; NULL: none are made, and no series */
	enum world_check check;
	void (*progress)(const struct world *); /* now and then, to tell the user; NULL */
};

struct world {
	const struct scenario *sc;
	struct world_options opt;
	struct pkt_pool pool;
	struct heap heap;
	ns_t now;
	struct world_host *host;
	uint32_t nhosts;
	struct world_path *path;
	uint32_t npaths;
	struct flow *flow;          /* `repeat` counted out */
	struct world_tls *flow_tls; /* one an entry of the traffic */
	uint32_t nflows;
	uint32_t *flow_from, *flow_to; /* hosts */
	struct world_pki *pki;
	uint32_t npki;
	uint32_t next_event;
	uint32_t going; /* hosts that have not finished */
	uint64_t tls_seed;
	struct switches *switches; /* NULL: there are none */
	struct link_log *log;
	struct series *series;       /* two a flow */
	struct queue_series *queues; /* one a path */

	uint64_t events, hash;
	uint64_t at_this_instant; /* events; the guard against livelock */
	uint64_t turns_until_check;
	char broken[400]; /* the invariant that broke; "": none */
};

/* NULL: err has one line. Nothing is written before everything else has succeeded. */
struct world *world_new(const struct scenario *, const struct world_options *, char *err,
			size_t cap);
/* Runs to the end: all flows over and all frames arrived, the scenario's stop, or a broken
 * invariant. False: world->broken says what. */
bool world_run(struct world *);
/* Ends the captures; false and one line in err when something could not be written. */
bool world_close(struct world *, char *err, size_t cap);
void world_free(struct world *);

/* Nothing is left to happen but ticks. */
void world_push(struct world *, uint32_t path,
		struct pkt *); /* takes; the path is set in the queue */
bool world_is_dead(const struct world *);
void world_mix(struct world *, uint64_t); /* into the fingerprint */
extern const struct link_ops world_link_ops, world_lone_ops;

/* histogram: the value at a share of the samples, in thousandths */
ns_t conn_stat_rtt(const struct conn_stat *, uint32_t thousandths);
/* The figures of an end of a flow; false: it never had a connection. */
bool world_flow_info(const struct world *, uint32_t flow, bool client, struct sock_info *,
		     const struct conn_stat **);

/* ---- switch.c: frames on towards the host that they are for ---- */

bool switches_init(struct world *); /* false: out of memory */
void switches_free(struct switches *);
/* Takes a frame that came out of a path at a switch. */
void switch_forward(struct world *, uint32_t from_path, struct pkt *);

/* ---- link_log.c: link.pcapng, each frame with its fate ---- */

struct link_log *link_log_open(struct world *, const char *file, char *err, size_t cap);
bool link_log_close(struct link_log *, char *err, size_t cap);

/* ---- series.c ---- */

bool series_init(struct world *);
void series_tick(struct world *);
bool series_write(const struct world *, const char *dir, char *err, size_t cap); /* CSV, SVG */
void series_free(struct world *);

#endif
