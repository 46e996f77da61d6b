/* What came of a run: figures, expectations, summary.json, report.txt. */
#ifndef SIM_REPORT_H
#define SIM_REPORT_H

#include <stdio.h>

#include "world.h"

/* Both ends of a flow added up. */
struct flow_figures {
	bool connected;  /* there was a connection at each end that is known of */
	uint64_t bytes;  /* of the streams, both ways, as read */
	ns_t start, end; /* connecting, last byte read (or now) */
	uint64_t goodput_bps;
	uint64_t segments, retransmissions, by_cause[WHY_COUNT], timeouts, spurious, recoveries,
	    tlps, dsacks, probes;
	uint32_t cwnd_max;                          /* of either end */
	ns_t rtt_min, rtt_median, rtt_p95, rtt_max; /* of the end that sent more; 0: no samples */
	enum tcp_state client_state, server_state;
};

struct path_counters world_totals(const struct world *); /* all paths added up */
void flow_figures(const struct world *, uint32_t flow, struct flow_figures *);

struct expect_result {
	bool ok;
	uint32_t flow;  /* the one that the value is of; 0: the whole run */
	uint64_t value; /* the first that failed, or the last one */
};
struct expect_result expect_judge(const struct world *, const struct scenario_expect *);
/* Every flow with an end has come to it, with all its bytes. */
bool flows_ended_well(const struct world *);
/* All expectations hold; with none given, every flow with an end has ended well. */
bool run_as_expected(const struct world *);

/* For people. `full` has each flow, else the first few. dir NULL: nothing was written. */
void report_text(FILE *, const struct world *, const char *dir, bool full);
/* False and one line in err. */
bool report_write(const struct world *, const char *dir, char *err, size_t cap);
char *summary_json(const struct world *); /* gives, to free(); NULL: out of memory */

#endif
