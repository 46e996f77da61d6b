/* A scenario: what a run is made of, read from YAML once, with every default filled in.
 *
 *   scenario.c       the file as a whole, capture, output     scenario_host.c  hosts, switches, tcp
 *   scenario_link.c  links: the paths' specs, as path.h's     scenario_flow.c  traffic
 *   scenario_event.c events and expectations                  scenario_sweep.c variables and seeds
 *   scenario_lint.c  known traps
 *
 * Each file also prints what it reads, by the same tables, so that it reads back to the same.
 *
 * Links join two nodes. A host has one link; a switch has any number, and sends each frame on
 * towards the host that it is for. There are no loops. Indices count from 0 here, in the order of
 * the file. */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include <jansson.h>
#include <stdio.h>

#include "../stack/stack.h"
#include "ao_fields.h"
#include "app.h"
#include "names.h"
#include "path.h"

#define SCENARIO_NAME 32 /* of hosts and links: letters, digits, `-` and `_` */
#define SCENARIO_TITLE 120
#define SCENARIO_FILE 256
#define SCENARIO_RULES 64 /* a direction */

/* A node: a host, or (from nhosts on) a switch, of which only the name counts. */
struct scenario_host {
	char name[SCENARIO_NAME];
	struct stack_addr addr[STACK_ADDRS];
	uint8_t naddrs;
	struct addr gateway; /* any: none */
	struct mac mac;
	struct ao_specs ao;
	struct tcp_config tcp;
	bool capture;
	uint32_t link; /* of a host; UINT32_MAX: none yet */
	uint8_t side;
	uint32_t group; /* towards the node that stands for all that are joined with this one */
};

struct scenario_link {
	char name[SCENARIO_NAME];
	uint32_t host[2];
	uint32_t mtu;            /* of both ends' interfaces */
	struct path_spec dir[2]; /* [0] from host[0] to host[1] */
	struct rule *rule[2];    /* dir[i].rule */
};

enum scenario_tls { SCENARIO_PLAIN, SCENARIO_TLS_SERVER, SCENARIO_TLS_MUTUAL };

struct scenario_flow {
	enum flow_kind kind;
	uint32_t from, to; /* hosts */
	uint16_t port;
	char target[SCENARIO_NAME + 8]; /* host:port */
	uint32_t listener;              /* the first entry of the traffic with this target */
	ns_t at, until;                 /* until NS_NEVER: to the end */
	uint64_t send, receive;         /* FLOW_ENDLESS: until `until` */
	uint32_t request, response;
	uint64_t count;
	ns_t gap;
	ns_t read_gap;
	uint32_t read_max;
	bool verify;
	uint32_t repeat; /* so many flows like this ... */
	ns_t every;      /* ... one after the other */
	enum scenario_tls tls;
	char pki[SCENARIO_FILE]; /* directory of ca.pem, server.pem ... */
	char servername[64];
};

enum scenario_event_kind { EVENT_DOWN, EVENT_SET, EVENT_AO };

struct scenario_event {
	ns_t at;
	enum scenario_event_kind kind;
	uint32_t link;
	bool dir[2];
	ns_t down;
	struct path_spec spec[2]; /* SET: what holds from then on */
	uint32_t host;            /* AO: of which the connections get other keys: */
	int16_t ao_current, ao_rnext; /* as of sock_ao_set; -1: stays */
};

enum expect_what {
	EXPECT_GOODPUT,
	EXPECT_DURATION,
	EXPECT_BYTES,
	EXPECT_SEGMENTS,
	EXPECT_RETRANSMISSIONS,
	EXPECT_TIMEOUTS,
	EXPECT_SPURIOUS,
	EXPECT_RECOVERIES,
	EXPECT_TLPS,
	EXPECT_DSACKS,
	EXPECT_PROBES,
	EXPECT_LOST,
	EXPECT_QUEUE_DROPPED,
	EXPECT_DUPLICATED,
	EXPECT_CORRUPTED,
	EXPECT_REORDERED,
	EXPECT_MARKED,
	EXPECT_DONE,
	EXPECT_TLS,
	EXPECT_DAMAGED,
	EXPECT_CLIENT_STATE,
	EXPECT_SERVER_STATE,
	EXPECT_CLIENT_VERDICT,
	EXPECT_SERVER_VERDICT,
	EXPECT_WHATS,
};

struct scenario_expect {
	uint32_t flow; /* from 1; 0: each flow (or the whole run, for the paths' counts) */
	enum expect_what what;
	uint64_t lo, hi; /* inclusive; states and verdicts by their number */
	uint32_t line;
};

#define SWEEP_VARS 8

struct sweep_var {
	char name[SCENARIO_NAME];
	char **value;
	uint32_t n;
};

struct scenario {
	char file[SCENARIO_FILE];
	char title[SCENARIO_TITLE];
	uint64_t seed;
	ns_t stop;
	int64_t date;               /* Unix time at 0: captures and certificates */
	struct scenario_host *host; /* nhosts hosts, then switches */
	uint32_t nhosts, nnodes;
	struct scenario_link *link;
	uint32_t nlinks;
	struct scenario_flow *flow; /* entries of `traffic` */
	uint32_t nflows;
	struct scenario_event *event; /* in order of time */
	uint32_t nevents;
	struct scenario_expect *expect;
	uint32_t nexpects;
	bool capture_link;
	uint32_t snaplen; /* 0: whole frames */
	bool keys;        /* TLS secrets into the captures */
	bool tcb;         /* control blocks into the hosts' captures */
	bool pcap;        /* plain pcap in place of pcapng */
	ns_t series;      /* 0: none */
	bool plots;
	struct sweep_var sweep[SWEEP_VARS];
	uint32_t nsweep;
	uint64_t seed_first, seed_last; /* of the sweep; 0, 0: just `seed` */
	struct names host_names, link_names;
};

struct scenario_options {
	const char *const *set; /* PATH=VALUE */
	size_t nset;
	bool has_seed;
	uint64_t seed;
};

/* NULL: err has one line, `file:line:column: what, what was expected`. A scenario with a sweep
 * takes the first value of each variable; `--set sweep.NAME=VALUE` chooses another. */
struct scenario *scenario_load(const char *file, const struct scenario_options *, char *err,
			       size_t cap);
struct scenario *scenario_parse(const char *name, const char *text, size_t len,
				const struct scenario_options *, char *err, size_t cap);
void scenario_free(struct scenario *);

/* True when links join the two. */
bool scenario_joined(const struct scenario *, uint32_t a, uint32_t b);

/* Every default filled in; reads back to the same scenario. */
void scenario_show(FILE *, const struct scenario *);
/* Known traps, a line each; returns how many. */
int scenario_lint(FILE *, const struct scenario *);

/* The same two for machines. NULL: a line in err. */
json_t *scenario_json(const struct scenario *, char *err, size_t cap);
json_t *scenario_lint_json(const struct scenario *);

/* Text of an expectation: "flow 1: goodput within 5mbit and 8mbit". */
char *expect_print(char *to, size_t cap, const struct scenario_expect *);
/* A value in the expectation's unit. */
char *expect_value_print(char *to, size_t cap, enum expect_what, uint64_t);

#endif
