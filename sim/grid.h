/* The grid of a scenario's `sweep`: every combination of its variables (a point), each with every
 * seed (a run). Runs are numbered from 0: the seed counts fastest, then the last variable. */
#ifndef SIM_GRID_H
#define SIM_GRID_H

#include "scenario.h"

#define GRID_SETS 64  /* given by the user */
#define GRID_WORDS 256
#define GRID_FLOWS 4

struct grid {
	const char *file;
	struct scenario_options given;
	struct scenario *sc;
	uint64_t seeds, points, runs;
};

/* What one run came to, all flows added up. */
struct grid_figures {
	bool ran, ok; /* ok: as expected */
	uint64_t seed, goodput_bps, bytes, segments, retransmissions, timeouts, spurious, dsacks, lost;
	ns_t duration; /* to the last byte of all */
	uint32_t nflows;
	uint64_t flow_bps[GRID_FLOWS]; /* goodput of the first ones */
	ns_t rtt_min, rtt_median, rtt_p95; /* of the first flow */
	char err[400]; /* when it did not run to its end */
};

/* False: one line in err. The options are lent. */
bool grid_open(struct grid *, const char *file, const struct scenario_options *, char *err, size_t cap);
void grid_close(struct grid *);
/* The value of variable i at a point. */
const char *grid_value(const struct grid *, uint64_t point, uint32_t i);
/* "cc=reno loss=1%"; and returned. */
char *grid_words(const struct grid *, uint64_t point, char to[GRID_WORDS]);
void grid_run(const struct grid *, uint64_t run, struct grid_figures *);

#endif
