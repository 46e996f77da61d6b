/* See grid.h. */
#include "grid.h"

#include <inttypes.h>
#include <string.h>

#include "../stack/base/check.h"
#include "report.h"

#define RUNS_MAX 1000000

bool grid_open(struct grid *g, const char *file, const struct scenario_options *given, char *err,
	       size_t cap)
{
	*g = (struct grid){.file = file, .given = *given, .points = 1};
	assert(given->nset <= GRID_SETS);
	g->sc = scenario_load(file, given, err, cap);
	if (!g->sc)
		return false;
	for (uint32_t i = 0; i < g->sc->nsweep && g->points <= RUNS_MAX; i++)
		g->points *= g->sc->sweep[i].n;
	g->seeds = 1;
	if (g->sc->seed_last && !given->has_seed)
		g->seeds = g->sc->seed_last - g->sc->seed_first + 1;
	if (g->points <= RUNS_MAX && g->seeds <= RUNS_MAX / g->points) {
		g->runs = g->points * g->seeds;
		return true;
	}
	snprintf(err, cap, "%s: a grid of too many runs, expected at most %d", file, RUNS_MAX);
	grid_close(g);
	return false;
}

void grid_close(struct grid *g)
{
	scenario_free(g->sc);
	g->sc = NULL;
}

const char *grid_value(const struct grid *g, uint64_t point, uint32_t i)
{
	for (uint32_t k = g->sc->nsweep - 1; k > i; k--)
		point /= g->sc->sweep[k].n;
	return g->sc->sweep[i].value[point % g->sc->sweep[i].n];
}

char *grid_words(const struct grid *g, uint64_t point, char to[GRID_WORDS])
{
	size_t len = 0;

	to[0] = 0;
	for (uint32_t i = 0; i < g->sc->nsweep && len < GRID_WORDS; i++)
		len += (size_t)snprintf(to + len, GRID_WORDS - len, "%s%s=%s", i ? " " : "",
					g->sc->sweep[i].name, grid_value(g, point, i));
	return to;
}

static void take_figures(const struct world *w, struct grid_figures *f)
{
	struct path_counters t = world_totals(w);
	struct flow_figures one;
	ns_t first = NS_NEVER, last = 0;

	f->lost = t.lost + t.queue_dropped;
	f->nflows = w->nflows;
	for (uint32_t i = 0; i < w->nflows; i++) {
		flow_figures(w, i, &one);
		f->goodput_bps += one.goodput_bps;
		f->bytes += one.bytes;
		f->segments += one.segments;
		f->retransmissions += one.retransmissions;
		f->timeouts += one.timeouts;
		f->spurious += one.spurious;
		f->dsacks += one.dsacks;
		if (i < GRID_FLOWS)
			f->flow_bps[i] = one.goodput_bps;
		if (i == 0) {
			f->rtt_min = one.rtt_min;
			f->rtt_median = one.rtt_median;
			f->rtt_p95 = one.rtt_p95;
		}
		first = ns_min(first, one.start);
		last = ns_max(last, one.end);
	}
	f->duration = last > first ? last - first : 0;
	f->ok = run_as_expected(w);
	f->ran = true;
}

void grid_run(const struct grid *g, uint64_t run, struct grid_figures *f)
{
	char set[SWEEP_VARS][400];
	const char *sets[GRID_SETS + SWEEP_VARS];
	struct scenario_options opt = g->given;
	struct world_options how = {.check = CHECK_SAMPLED};
	struct scenario *sc;
	struct world *w = NULL;

	*f = (struct grid_figures){.seed = g->given.has_seed	? g->given.seed
					   : g->sc->seed_last ? g->sc->seed_first + run % g->seeds
							      : g->sc->seed};
	for (size_t i = 0; i < g->given.nset; i++)
		sets[i] = g->given.set[i];
	for (uint32_t i = 0; i < g->sc->nsweep; i++) {
		snprintf(set[i], sizeof(set[i]), "sweep.%s='%s'", g->sc->sweep[i].name,
			 grid_value(g, run / g->seeds, i));
		sets[opt.nset++] = set[i];
	}
	opt.set = sets;
	opt.has_seed = true;
	opt.seed = f->seed;
	sc = scenario_load(g->file, &opt, f->err, sizeof(f->err));
	if (sc)
		w = world_new(sc, &how, f->err, sizeof(f->err));
	if (w && world_run(w)) {
		take_figures(w, f);
		world_free(w);
	} else if (w) { /* may hold frames that nobody owns: not freed */
		snprintf(f->err, sizeof(f->err), "seed %" PRIu64 ": an invariant broke %.300s", f->seed, w->broken);
	}
	scenario_free(sc);
}
