/* tapir sweep: a scenario with a `sweep` over its grid and seeds, in several processes here, or a
 * share on each of several machines (--task K/N), and all put together (--collect).
 *
 * In DIR: runs-K-of-N.csv, a line a run, as each share ends; from all of them sweep.csv (a line a
 * point: mean with its 95 % confidence interval by Student's t, median, extremes) and goodput.svg.
 * What comes out does not depend on how the runs were shared out. */
#include "cmd.h"

#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../stack/base/check.h"
#include "../traces/js.h"
#include "../traces/plot.h"
#include "grid.h"
#include "jobs.h"
#include "out_dir.h"
#include "out_file.h"
#include "scenario_args.h"
#include "units.h"

#define FIRST_LINE "run,seed,ok,goodput_bps,duration_s,bytes,segments,retransmissions,timeouts,spurious,dsacks,lost"
#define PATH_LEN 600

struct request {
	struct scenario_args args;
	const char *out;
	int workers;
	uint64_t task, tasks; /* K of N, from 1 */
	bool list, share, collect, json, quiet;
};

/* ---- a share of the runs ---- */

static void run_task(void *arg, uint64_t task, void *result)
{
	grid_run(arg, task, result);
}

static void share_path(char to[PATH_LEN], const char *dir, uint64_t k, uint64_t n)
{
	snprintf(to, PATH_LEN, "%.500s/runs-%" PRIu64 "-of-%" PRIu64 ".csv", dir, k, n);
}

static void print_run(FILE *f, uint64_t run, const struct grid_figures *r)
{
	fprintf(f, "%" PRIu64 ",%" PRIu64 ",%d,%" PRIu64 ",%" PRId64 ".%09" PRId64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
		   ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n",
		run, r->seed, r->ok, r->goodput_bps, r->duration / SEC, r->duration % SEC, r->bytes, r->segments,
		r->retransmissions, r->timeouts, r->spurious, r->dsacks, r->lost);
}

/* 0, or the exit code after a line. A file is there when its share is complete, or not at all. */
static int write_share(const char *path, uint64_t first, uint64_t n, const struct grid_figures *r)
{
	struct out_file out;
	FILE *f = out_file_open(&out, path);

	if (f)
		fputs(FIRST_LINE "\n", f);
	for (uint64_t i = 0; f && i < n; i++)
		print_run(f, first + i, &r[i]);
	if (out_file_close(&out, f))
		return 0;
	perror(path);
	return 2;
}

static int run_share(const struct request *q, struct grid *g, const char *dir)
{
	uint64_t first = g->runs * (q->task - 1) / q->tasks, n = g->runs * q->task / q->tasks - first;
	struct grid_figures *r = calloc(n + 1, sizeof(*r));
	bool *done = calloc(n + 1, sizeof(*done));
	struct jobs j = {.first = first, .n = n, .workers = q->workers, .run = run_task, .arg = g, .result = r,
			 .result_size = sizeof(*r), .done = done, .progress = !q->quiet && isatty(STDERR_FILENO)};
	char path[PATH_LEN], words[GRID_WORDS];
	int code = 0;

	if (!r || !done || !jobs_run(&j)) {
		fprintf(stderr, "tapir sweep: out of memory or processes\n");
		code = 2;
	}
	for (uint64_t i = 0; code == 0 && i < n; i++)
		if (!done[i] || !r[i].ran) {
			fprintf(stderr, "%s: %s: %s\n", g->file, grid_words(g, (first + i) / g->seeds, words),
				done[i] ? r[i].err : "the process that ran it died");
			code = 3;
		}
	share_path(path, dir, q->task, q->tasks);
	if (code == 0)
		code = write_share(path, first, n, r);
	free(r);
	free(done);
	return code;
}

/* ---- all together ---- */

static bool scan_run(const char *line, uint64_t *run, struct grid_figures *r)
{
	double seconds;
	int ok, n = 0;

	if (sscanf(line, "%" SCNu64 ",%" SCNu64 ",%d,%" SCNu64 ",%lf,%" SCNu64 ",%" SCNu64 ",%" SCNu64 ",%" SCNu64
			 ",%" SCNu64 ",%" SCNu64 ",%" SCNu64 "%n",
		   run, &r->seed, &ok, &r->goodput_bps, &seconds, &r->bytes, &r->segments, &r->retransmissions,
		   &r->timeouts, &r->spurious, &r->dsacks, &r->lost, &n) != 12 ||
	    line[n] != '\n' || !(seconds >= 0 && seconds < 1e9))
		return false;
	r->duration = (ns_t)(seconds * 1e9 + .5);
	r->ok = ok;
	r->ran = true;
	return true;
}

static bool read_share(const struct grid *g, const char *path, struct grid_figures *all)
{
	FILE *f = fopen(path, "r");
	char line[512];
	uint64_t number = 1, run;
	struct grid_figures r = {0};
	bool ok = f && fgets(line, sizeof(line), f) && strcmp(line, FIRST_LINE "\n") == 0;

	while (ok && fgets(line, sizeof(line), f)) {
		number++;
		ok = scan_run(line, &run, &r) && run < g->runs;
		if (ok)
			all[run] = r;
	}
	if (!f)
		perror(path);
	else if (!ok)
		fprintf(stderr, "%s:%" PRIu64 ":1: got another line, expected one that `tapir sweep` wrote for this scenario\n",
			path, number);
	if (f)
		fclose(f);
	return ok;
}

/* The two-sided 95 % point of Student's t for so many degrees of freedom. */
static double student(uint64_t df)
{
	static const double t[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
				   2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
				   2.080,  2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042};

	return df == 0 ? 0 : df <= ARRAY_LEN(t) ? t[df - 1] : df <= 60 ? 2.042 : df <= 120 ? 2.000 : 1.980;
}

struct point {
	double mean, half; /* of the confidence interval; with one seed there is none */
	uint64_t median, least, most, ok;
	double resent, timeouts, lost; /* means */
};

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool point_of(const struct grid_figures *r, uint64_t n, struct point *p)
{
	uint64_t *v = calloc(n, sizeof(*v));
	double squares = 0;

	*p = (struct point){0};
	if (!v)
		return false;
	for (uint64_t i = 0; i < n; i++) {
		v[i] = r[i].goodput_bps;
		p->mean += (double)v[i] / (double)n;
		p->resent += (double)r[i].retransmissions / (double)n;
		p->timeouts += (double)r[i].timeouts / (double)n;
		p->lost += (double)r[i].lost / (double)n;
		p->ok += r[i].ok;
	}
	for (uint64_t i = 0; i < n; i++)
		squares += ((double)v[i] - p->mean) * ((double)v[i] - p->mean);
	if (n > 1)
		p->half = student(n - 1) * sqrt(squares / (double)(n - 1) / (double)n);
	qsort(v, n, sizeof(*v), by_number);
	p->median = v[(n - 1) / 2];
	p->least = v[0];
	p->most = v[n - 1];
	free(v);
	return true;
}

static bool write_points(const struct grid *g, const struct point *p, FILE *f)
{
	for (uint32_t i = 0; i < g->sc->nsweep; i++)
		fprintf(f, "%s,", g->sc->sweep[i].name);
	fputs("runs,ok,goodput_mean_bps,ci95_low,ci95_high,goodput_median_bps,least,most,retransmissions,timeouts,lost\n", f);
	for (uint64_t k = 0; k < g->points; k++, p++) {
		for (uint32_t i = 0; i < g->sc->nsweep; i++) {
			const char *v = grid_value(g, k, i), *q = strpbrk(v, ",\"\n") ? "\"" : "";

			fputs(q, f);
			for (; *v; v++)
				fprintf(f, "%s%c", *v == '"' ? "\"" : "", *v);
			fprintf(f, "%s,", q);
		}
		fprintf(f, "%" PRIu64 ",%" PRIu64 ",%.0f,%.0f,%.0f,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%.2f,%.2f,%.2f\n", g->seeds,
			p->ok, p->mean, p->mean - p->half, p->mean + p->half, p->median, p->least, p->most, p->resent,
			p->timeouts, p->lost);
	}
	return !ferror(f);
}

/* The variable with the most values goes along x; a line for each combination of the others, as far
 * as a chart has room. */
static uint32_t widest(const struct grid *g)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < g->sc->nsweep; i++)
		if (g->sc->sweep[i].n > g->sc->sweep[best].n)
			best = i;
	return best;
}

/* By its number where all values have one, in the same unit; else in its order, from 1. */
static double place(const struct sweep_var *v, uint32_t k)
{
	char *unit, *first;

	strtod(v->value[0], &first);
	for (uint32_t i = 0; i < v->n; i++) {
		strtod(v->value[i], &unit);
		if (unit == v->value[i] || strcmp(unit, first) != 0)
			return k + 1.0;
	}
	return strtod(v->value[k], NULL);
}

/* The strokes are the confidence intervals. */
static bool draw_line(struct plot *plot, const struct grid *g, const struct point *p, uint64_t k, uint32_t x_var)
{
	uint64_t stride = 1;
	uint32_t n = g->sc->nsweep ? g->sc->sweep[x_var].n : 1;
	char words[GRID_WORDS] = "";
	int line, marks;
	bool ok = true;

	for (uint32_t i = g->sc->nsweep; i-- > x_var + 1;)
		stride *= g->sc->sweep[i].n;
	if (g->sc->nsweep && k / stride % n != 0)
		return true; /* belongs to another's line */
	for (uint32_t i = 0; i < g->sc->nsweep; i++)
		if (i != x_var)
			snprintf(words + strlen(words), sizeof(words) - strlen(words), "%s%s=%s", *words ? " " : "",
				 g->sc->sweep[i].name, grid_value(g, k, i));
	line = plot_series(plot, *words ? words : "goodput", PLOT_LINE, NULL);
	marks = line < 0 ? -1 : plot_series(plot, "", PLOT_SPANS, "#888888");
	for (uint32_t i = 0; marks >= 0 && i < n; i++) {
		const struct point *q = &p[k + i * stride];
		double x = g->sc->nsweep ? place(&g->sc->sweep[x_var], i) : 1, low = q->mean - q->half;

		ok &= plot_point(plot, line, x, q->mean / 1e6);
		ok &= plot_span(plot, marks, x, low > 0 ? low / 1e6 : 0, (q->mean + q->half) / 1e6);
	}
	return ok;
}

static bool draw(const struct grid *g, const struct point *p, FILE *f)
{
	uint32_t x_var = widest(g);
	const char *x_name = g->sc->nsweep ? g->sc->sweep[x_var].name : "";
	struct plot *plot = plot_new(g->sc->title, x_name, "goodput in Mbit/s (mean, 95 % confidence)");
	bool ok = plot;

	for (uint64_t k = 0; ok && k < g->points; k++)
		ok = draw_line(plot, g, p, k, x_var);
	ok = ok && plot_write(plot, f);
	plot_free(plot);
	return ok;
}

static int write_file(const struct grid *g, const struct point *p, const char *dir, const char *name,
		      bool (*write)(const struct grid *, const struct point *, FILE *))
{
	struct out_file out;
	char path[PATH_LEN];
	FILE *f;

	snprintf(path, sizeof(path), "%.500s/%s", dir, name);
	f = out_file_open(&out, path);
	if (out_file_close(&out, f && write(g, p, f)))
		return 0;
	perror(path);
	return 2;
}

static uint64_t print_points(const struct grid *g, const struct point *p, bool quiet)
{
	uint64_t bad = 0;
	char words[GRID_WORDS];

	if (!quiet)
		printf("%-44s %17s %16s %8s %6s\n", g->sc->title, "goodput in Mbit/s", "95 % +-", "resent", "ok");
	for (uint64_t k = 0; k < g->points; k++) {
		bad += g->seeds - p[k].ok;
		if (!quiet)
			printf("%-44s %17.3f %16.3f %8.1f %3" PRIu64 "/%" PRIu64 "\n", grid_words(g, k, words), p[k].mean / 1e6,
			       p[k].half / 1e6, p[k].resent, p[k].ok, g->seeds);
	}
	return bad;
}

static json_t *values_json(const struct grid *g, uint64_t point)
{
	json_t *o = json_object();

	for (uint32_t i = 0; i < g->sc->nsweep; i++)
		json_object_set_new(o, g->sc->sweep[i].name, js_text(grid_value(g, point, i)));
	return o;
}

static json_t *point_json(const struct grid *g, uint64_t k, const struct point *p)
{
	json_t *goodput = json_pack("{s:f, s:[f,f], s:o, s:o, s:o}", "mean", p->mean, "ci95", p->mean - p->half,
				    p->mean + p->half, "median", js_count(p->median), "least", js_count(p->least), "most",
				    js_count(p->most));

	return json_pack("{s:o, s:o, s:o, s:o, s:f, s:f, s:f}", "values", values_json(g, k), "runs", js_count(g->seeds), "ok",
			 js_count(p->ok), "goodput_bps", goodput, "retransmissions", p->resent, "timeouts", p->timeouts,
			 "lost", p->lost);
}

static bool print_json(const struct grid *g, const struct point *p, const struct grid_figures *all, const char *dir)
{
	json_t *points = json_array(), *bad = json_array();

	for (uint64_t k = 0; k < g->points; k++)
		json_array_append_new(points, point_json(g, k, &p[k]));
	for (uint64_t i = 0; i < g->runs; i++)
		if (!all[i].ok)
			json_array_append_new(bad, json_pack("{s:o, s:o, s:o}", "run", js_count(i), "values",
							     values_json(g, i / g->seeds), "seed", js_count(all[i].seed)));
	return js_print(stdout, json_pack("{s:o, s:o, s:o, s:o, s:o}", "file", js_text(g->file), "out", js_text(dir), "runs",
					  js_count(g->runs), "points", points, "not_as_expected", bad), false);
}

static int put_together(const struct request *q, const struct grid *g, const char *dir)
{
	struct grid_figures *all = calloc(g->runs, sizeof(*all));
	struct point *p = calloc(g->points, sizeof(*p));
	char path[PATH_LEN], words[GRID_WORDS];
	int code = all && p ? 0 : 2;

	for (uint64_t k = 1; code == 0 && k <= q->tasks; k++) {
		share_path(path, dir, k, q->tasks);
		code = read_share(g, path, all) ? 0 : 2;
	}
	for (uint64_t i = 0; code == 0 && i < g->runs; i++)
		if (!all[i].ran) {
			fprintf(stderr, "%s: run %" PRIu64 " is missing, expected all %" PRIu64 "\n", dir, i, g->runs);
			code = 2;
		}
	for (uint64_t k = 0; code == 0 && k < g->points; k++)
		code = point_of(all + k * g->seeds, g->seeds, &p[k]) ? 0 : 2;
	if (code == 0)
		code = write_file(g, p, dir, "sweep.csv", write_points);
	if (code == 0)
		code = write_file(g, p, dir, "goodput.svg", draw);
	if (code == 0) {
		code = print_points(g, p, q->quiet || q->json) ? 1 : 0;
		if (q->json)
			print_json(g, p, all, dir);
		for (uint64_t i = 0; code && !q->json && i < g->runs; i++)
			if (!all[i].ok)
				fprintf(stderr, "not as expected: %s seed=%" PRIu64 "\n", grid_words(g, i / g->seeds, words),
					all[i].seed);
		if (!q->quiet && !q->json && fflush(stdout) == 0)
			fprintf(stderr, "in %s: sweep.csv, goodput.svg, and the runs\n", dir);
	}
	free(all);
	free(p);
	return code;
}

/* ---- the command ---- */

/* How many shares there are: those of the first file runs-1-of-N.csv, with the smallest N. */
static bool find_shares(const char *dir, uint64_t *n)
{
	char path[PATH_LEN];

	for (*n = 1; *n <= 10000; ++*n) {
		share_path(path, dir, 1, *n);
		if (access(path, F_OK) == 0)
			return true;
	}
	fprintf(stderr, "%s: no runs-1-of-N.csv, expected what `tapir sweep --task K/N` writes\n", dir);
	return false;
}

static uint64_t seed_of(const struct grid *g, uint64_t run)
{
	return g->given.has_seed ? g->given.seed : g->sc->seed_last ? g->sc->seed_first + run % g->seeds : g->sc->seed;
}

static void list_runs(const struct grid *g, bool json)
{
	json_t *runs = json ? json_array() : NULL;
	char words[GRID_WORDS];

	for (uint64_t i = 0; i < g->runs; i++)
		if (json)
			json_array_append_new(runs, json_pack("{s:o, s:o, s:o}", "run", js_count(i), "values",
							      values_json(g, i / g->seeds), "seed", js_count(seed_of(g, i))));
		else
			printf("%" PRIu64 " %s seed=%" PRIu64 "\n", i, grid_words(g, i / g->seeds, words), seed_of(g, i));
	if (json)
		js_print(stdout, json_pack("{s:o, s:o}", "file", js_text(g->file), "runs", runs), false);
}

/* What became of a share, where nothing else is told. */
static void share_json(const struct request *q, const struct grid *g, const char *dir)
{
	uint64_t first = g->runs * (q->task - 1) / q->tasks, n = g->runs * q->task / q->tasks - first;
	char path[PATH_LEN];

	share_path(path, dir, q->task, q->tasks);
	js_print(stdout, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "file", js_text(g->file), "task", js_count(q->task), "tasks",
				   js_count(q->tasks), "first", js_count(first), "runs", js_count(n), "written", js_text(path)),
		 false);
}

static int sweep_grid(struct request *q, struct grid *g)
{
	char dir[512];
	int code = 0;

	if (q->list) {
		list_runs(g, q->json);
		return 0;
	}
	out_dir_default(g->file, dir, sizeof(dir));
	if (q->out)
		snprintf(dir, sizeof(dir), "%s", q->out);
	if (!q->collect)
		code = out_dir_make(dir) ? run_share(q, g, dir) : 2;
	else if (!find_shares(dir, &q->tasks))
		code = 2;
	if (code == 0 && q->share && q->json)
		share_json(q, g, dir);
	return code || q->share ? code : put_together(q, g, dir);
}

static bool parse_task(const char *text, struct request *q)
{
	char k[32];
	const char *slash = strchr(text, '/');

	snprintf(k, sizeof(k), "%.*s", slash ? (int)(slash - text) : 0, text);
	return slash && !unit_count(k, &q->task) && !unit_count(slash + 1, &q->tasks) && q->task >= 1 &&
	       q->task <= q->tasks && q->tasks <= 10000;
}

static int sweep(int argc, char **argv)
{
	enum { LIST = 256, TASK, COLLECT, OUT, JSON, QUIET };
	static const struct option longs[] = {
		{"list", no_argument, NULL, LIST},        {"task", required_argument, NULL, TASK},
		{"collect", no_argument, NULL, COLLECT},  {"out", required_argument, NULL, OUT},
		{"json", no_argument, NULL, JSON},        {"quiet", no_argument, NULL, QUIET},
		{"seed", required_argument, NULL, 's'},   {"set", required_argument, NULL, 'S'},
		{NULL, 0, NULL, 0},
	};
	struct request q = {.args = {.command = "sweep", .argv = argv, .known = longs}, .workers = 1, .task = 1, .tasks = 1};
	struct grid g;
	char err[600];
	int c, code;

	optind = opterr = 0;
	while ((c = getopt_long(argc, argv, "j:", longs, NULL)) != -1)
		switch (c) {
		case 'j':
			if (!jobs_workers(optarg, &q.workers))
				return usage_error("sweep", "-j '%.40s', expected a number from 1 to %d", optarg, JOBS_MAX);
			break;
		case LIST:
			q.list = true;
			break;
		case TASK:
			q.share = true;
			if (!parse_task(optarg, &q))
				return usage_error("sweep", "--task '%.40s', expected K/N with K from 1 to N", optarg);
			break;
		case COLLECT:
			q.collect = true;
			break;
		case OUT:
			q.out = optarg;
			break;
		case JSON:
			q.json = true;
			break;
		case QUIET:
			q.quiet = true;
			break;
		default:
			if (!scenario_arg(&q.args, c, optarg))
				return 2;
		}
	if (argc - optind != 1)
		return usage_error("sweep", "expected one scenario file");
	if (q.list + q.share + q.collect > 1)
		return usage_error("sweep", "--list, --task and --collect exclude each other");
	if (!grid_open(&g, argv[optind], &q.args.options, err, sizeof(err))) {
		fprintf(stderr, "%s\n", err);
		return 2;
	}
	code = sweep_grid(&q, &g);
	grid_close(&g);
	return code;
}

const struct command cmd_sweep = {
	.name = "sweep",
	.args = "SCENARIO.yaml [-j N | --list | --task K/N | --collect] [--out DIR] [--seed N] [--set PATH=VALUE]... [--json]",
	.summary = "a scenario over the grid of its `sweep`: CSV, confidence intervals, a plot",
	.help = "  -j N        so many processes (1)\n"
		"  --list      the runs, and nothing else\n"
		"  --task K/N  only the K-th of N shares, into DIR/runs-K-of-N.csv\n"
		"  --collect   no runs: what the shares left in DIR becomes sweep.csv and goodput.svg\n"
		"  --out DIR   where files go (default traces/out/NAME)\n"
		"  --seed N    this seed alone;  --set PATH=VALUE  as in `tapir run`\n"
		"  --json      {file, out, runs, points: [{values, runs, ok, goodput_bps: {mean, ci95: [low, high],\n"
		"              median, least, most}, retransmissions, timeouts, lost}], not_as_expected: [{run, values,\n"
		"              seed}]}; with --list {file, runs: [{run, values, seed}]}; with --task {file, task,\n"
		"              tasks, first, runs, written}\n"
		"  --quiet     no table\n"
		"The results do not depend on -j or on the shares. Exit code 1: a run was not as expected.\n",
	.run = sweep,
};
