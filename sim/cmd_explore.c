/* tapir explore: what a scenario's flows make of every single fault, of pairs of faults, and of
 * swarms: random sets with random seeds. A fault befalls the n-th TCP segment that a host sends in
 * each flow (the scenario's events name it so: `{on: client.segment, number: 12, do: drop}`).
 *
 * A run fails when an invariant breaks, when its process dies, or when a flow that has an end does
 * not come to it with all its bytes. The scenario's own `expect` is for the undisturbed run, which is
 * tried first. A failure loses one fault after the other, as long as it still fails; what remains is
 * printed as the command that repeats it. */
#include "cmd.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../stack/base/check.h"
#include "../stack/base/rng.h"
#include "../traces/js.h"
#include "jobs.h"
#include "report.h"
#include "scenario_args.h"
#include "units.h"

#define FAULTS_MAX 16    /* in one run: of a swarm */
#define SEGMENTS_MAX 100000 /* of a host */
#define SHOWN_MAX 20     /* different failures that are printed; the rest is counted */
#define SHRUNK_MAX 100   /* failures that are tried with less */
#define FAULT_TEXT 160
#define DELAY_NS (50 * MS)
#define DELAY "50ms"     /* longer than most round trips here, shorter than the least timeout */

enum kind { DROP, DUPLICATE, DELAY_IT, CORRUPT, KINDS };

static const char *const kind_word[KINDS] = {"drop", "duplicate", "delay", "corrupt"};

struct fault {
	uint32_t host;
	uint64_t number;
	uint8_t kind;
};

struct trial {
	struct fault fault[FAULTS_MAX];
	int n;
	uint64_t seed;
};

enum outcome { FINE, FLOW_FAILED, BROKE };

struct outcome_text {
	enum outcome what;
	char text[420];
};

struct explorer {
	struct scenario_args args;
	const char *file;
	struct scenario *sc;
	bool kind[KINDS];
	uint64_t singles, pairs, swarm; /* so many runs; singles: 0 for all that there are */
	uint64_t nfaults;   /* all that there are */
	uint64_t *segments; /* that each host sends in the undisturbed run, of the longest flow */
	uint32_t nkinds;
	int workers;
	bool quiet;
	json_t *failures; /* --json; NULL: lines */
};

/* ---- one run ---- */

static void fault_print(char to[FAULT_TEXT], const struct explorer *x, const struct fault *f)
{
	snprintf(to, FAULT_TEXT, "events.+={on: %s.segment, number: %" PRIu64 ", do: %s%s}", x->sc->host[f->host].name,
		 f->number, kind_word[f->kind], f->kind == DELAY_IT ? ", by: " DELAY : "");
}

static void count_segments(struct explorer *x, const struct world *w)
{
	for (uint32_t i = 0; i < w->nflows; i++)
		for (int client = 0; client < 2; client++) {
			uint64_t *most = &x->segments[client ? w->flow_from[i] : w->flow_to[i]];
			const struct conn_stat *stat;
			struct sock_info info;

			if (world_flow_info(w, i, client, &info, &stat) && info.segs_out > *most)
				*most = info.segs_out < SEGMENTS_MAX ? info.segs_out : SEGMENTS_MAX;
		}
}

/* Backoff upon backoff takes minutes, so a scenario's `stop` may simply be too soon. */
static bool all_over(const struct world *w)
{
	bool over = true;

	for (uint32_t i = 0; i < w->nflows; i++)
		over = over && flow_over(&w->flow[i]);
	return over;
}

/* `count`: the undisturbed run, whose segments are counted. */
static void try_it(struct explorer *x, const struct trial *t, bool count, struct outcome_text *o)
{
	char text[FAULTS_MAX][FAULT_TEXT];
	const char *sets[SETS_MAX + FAULTS_MAX];
	struct scenario_options opt = x->args.options;
	struct world_options how = {.check = CHECK_SAMPLED};
	struct scenario *sc;
	struct world *w = NULL;

	for (size_t i = 0; i < opt.nset; i++)
		sets[i] = x->args.set[i];
	for (int i = 0; i < t->n; i++) {
		fault_print(text[i], x, &t->fault[i]);
		sets[opt.nset++] = text[i];
	}
	opt.set = sets;
	opt.has_seed = true;
	opt.seed = t->seed;
	*o = (struct outcome_text){.what = BROKE};
	sc = scenario_load(x->file, &opt, o->text, sizeof(o->text));
	if (sc)
		w = world_new(sc, &how, o->text, sizeof(o->text));
	if (w && !world_run(w)) {
		snprintf(o->text, sizeof(o->text), "an invariant broke %.300s", w->broken);
	} else if (w) {
		o->what = flows_ended_well(w) ? FINE : FLOW_FAILED;
		snprintf(o->text, sizeof(o->text), "%s", all_over(w) ? "a flow failed" : "a flow is not over when the scenario stops");
		if (count)
			count_segments(x, w);
		world_free(w);
	}
	scenario_free(sc);
}

/* ---- which faults ---- */

/* Single faults are numbered through: kinds, then segments, then hosts. */
static struct fault single(const struct explorer *x, uint64_t i)
{
	struct fault f = {0};
	uint32_t kind = (uint32_t)(i % x->nkinds);

	i /= x->nkinds;
	while (i >= x->segments[f.host])
		i -= x->segments[f.host++];
	f.number = i + 1;
	while (!x->kind[f.kind] || kind-- > 0)
		f.kind++;
	return f;
}

static struct fault any_fault(const struct explorer *x, struct rng *r)
{
	return single(x, rng_below(r, (uint32_t)x->nfaults));
}

/* All of them, or one drawn from each of as many equal parts: a sample that is spread over the whole run. */
static struct fault nth_single(const struct explorer *x, uint64_t i)
{
	uint64_t from = i * x->nfaults / x->singles, to = (i + 1) * x->nfaults / x->singles;
	struct rng r;
	char name[48];

	if (x->singles == x->nfaults)
		return single(x, i);
	snprintf(name, sizeof(name), "explore/single/%" PRIu64, i);
	rng_init(&r, x->sc->seed, name);
	return single(x, from + rng_below(&r, (uint32_t)(to - from)));
}

/* Trials: the singles, then the pairs, then the swarm. What a number means depends on nothing else. */
static struct trial trial_of(const struct explorer *x, uint64_t i)
{
	struct trial t = {.seed = x->sc->seed, .n = 1};
	struct rng r;
	char name[48];

	if (i < x->singles) {
		t.fault[0] = nth_single(x, i);
		return t;
	}
	i -= x->singles;
	snprintf(name, sizeof(name), "explore/%s/%" PRIu64, i < x->pairs ? "pair" : "swarm", i < x->pairs ? i : i - x->pairs);
	rng_init(&r, x->sc->seed, name);
	t.n = 2;
	if (i >= x->pairs) {
		t.n = 3 + (int)rng_below(&r, FAULTS_MAX - 2);
		t.seed = rng_u32(&r);
	}
	for (int k = 0; k < t.n; k++)
		t.fault[k] = any_fault(x, &r);
	return t;
}

static void run_task(void *arg, uint64_t task, void *result)
{
	struct explorer *x = arg;
	struct trial t = trial_of(x, task);

	try_it(x, &t, false, result);
}

/* ---- failures ---- */

static void run_trial(void *arg, uint64_t task, void *result)
{
	void *const *both = arg;

	(void)task;
	try_it(both[0], both[1], false, result);
}

/* In a process of its own, since it may die. */
static bool fails(struct explorer *x, struct trial *t, struct outcome_text *o)
{
	void *both[2] = {x, t};
	bool done;
	struct jobs j = {.n = 1, .workers = 1, .run = run_trial, .arg = both, .result = o, .result_size = sizeof(*o), .done = &done};

	if (jobs_run(&j) && !done)
		*o = (struct outcome_text){BROKE, "the program died"};
	return o->what != FINE;
}

static void shrink(struct explorer *x, struct trial *t, struct outcome_text *o)
{
	for (int i = 0; t->n > 1 && i < t->n;) {
		struct trial less = *t;
		struct outcome_text now;

		memmove(&less.fault[i], &less.fault[i + 1], (size_t)(less.n - i - 1) * sizeof(less.fault[0]));
		less.n--;
		if (fails(x, &less, &now)) {
			*t = less;
			*o = now;
		} else {
			i++;
		}
	}
}

/* The command that repeats it; gives. */
static char *command_of(const struct explorer *x, const struct trial *t)
{
	char text[FAULT_TEXT], *all = NULL;
	size_t len;
	FILE *f = open_memstream(&all, &len);

	if (!f)
		return NULL;
	fprintf(f, "tapir run %s --seed %" PRIu64, x->file, t->seed);
	for (size_t i = 0; i < x->args.options.nset; i++)
		fprintf(f, " --set '%s'", x->args.set[i]);
	for (int i = 0; i < t->n; i++) {
		fault_print(text, x, &t->fault[i]);
		fprintf(f, " --set '%s'", text);
	}
	fclose(f);
	return all;
}

static json_t *failure_json(const struct explorer *x, const struct trial *t, const struct outcome_text *o, const char *command)
{
	json_t *faults = json_array();

	for (int i = 0; i < t->n; i++) {
		const struct fault *f = &t->fault[i];
		json_t *j = json_pack("{s:s, s:o, s:s}", "host", x->sc->host[f->host].name, "segment", js_count(f->number), "do",
				      kind_word[f->kind]);

		if (f->kind == DELAY_IT)
			json_object_set_new(j, "by", js_time(DELAY_NS));
		json_array_append_new(faults, j);
	}
	return json_pack("{s:s, s:o, s:o, s:o, s:o}", "what", o->what == BROKE ? "broke" : "flow", "text", js_text(o->text), "seed",
			 js_count(t->seed), "faults", faults, "command", js_text(command));
}

static void tell_failure(const struct explorer *x, const struct trial *t, const struct outcome_text *o)
{
	char *command = command_of(x, t);

	if (x->failures)
		json_array_append_new(x->failures, failure_json(x, t, o, command));
	else
		printf("FAIL %s: %s\n", o->text, command ? command : "(out of memory)");
	fflush(stdout);
	free(command);
}

static void tell_counts(const struct explorer *x, uint64_t runs, uint64_t failed)
{
	if (x->failures)
		js_print(stdout, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:O}", "file", js_text(x->file), "seed",
					   js_count(x->sc->seed), "runs", js_count(runs), "singles", js_count(x->singles),
					   "pairs", js_count(x->pairs), "swarm", js_count(x->swarm), "failed",
					   js_count(failed), "failures", x->failures), false);
	else if (!x->quiet || failed)
		printf("%" PRIu64 " runs (%" PRIu64 " single faults, %" PRIu64 " pairs, %" PRIu64 " of a swarm), %" PRIu64
		       " failed\n", runs, x->singles, x->pairs, x->swarm, failed);
}

static bool is_among(const struct trial *list, uint64_t n, const struct trial *t)
{
	for (uint64_t i = 0; i < n; i++) {
		int k = 0;

		while (k < t->n && list[i].fault[k].host == t->fault[k].host &&
		       list[i].fault[k].number == t->fault[k].number && list[i].fault[k].kind == t->fault[k].kind)
			k++;
		if (list[i].seed == t->seed && list[i].n == t->n && k == t->n)
			return true;
	}
	return false;
}

static int report(struct explorer *x, uint64_t n, const struct outcome_text *result, const bool *done)
{
	struct trial shown[SHOWN_MAX];
	uint64_t failed = 0, broke = 0, n_shown = 0, shrunk = 0;

	for (uint64_t i = 0; i < n; i++) {
		struct outcome_text o = done[i] ? result[i] : (struct outcome_text){BROKE, "the program died"};
		struct trial t = trial_of(x, i);

		if (o.what == FINE)
			continue;
		failed++;
		broke += o.what == BROKE;
		if (n_shown == SHOWN_MAX || shrunk++ == SHRUNK_MAX)
			continue;
		shrink(x, &t, &o);
		if (is_among(shown, n_shown, &t))
			continue;
		shown[n_shown++] = t;
		tell_failure(x, &t, &o);
	}
	tell_counts(x, n, failed);
	return broke ? 3 : failed ? 1 : 0;
}

/* ---- the command ---- */

/* A minute's scenario has segments by the ten thousand, and each is a run or four: better said beforehand. */
static void say_how_long(const struct explorer *x, uint64_t n, double seconds_a_run)
{
	double seconds = seconds_a_run * (double)n / x->workers;

	if (x->quiet || seconds < 60)
		return;
	fprintf(stderr, "%" PRIu64 " runs of %.2f s: about %.0f min", n, seconds_a_run, seconds / 60);
	fprintf(stderr, x->singles == x->nfaults ? "; --singles N tries a sample of the %" PRIu64 " single faults\n" : "\n", x->nfaults);
}

static double cpu_seconds(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

static int explore_all(struct explorer *x)
{
	const struct trial undisturbed = {.seed = x->sc->seed};
	struct outcome_text o;
	uint64_t n;
	int code = 2;
	double began = cpu_seconds();

	try_it(x, &undisturbed, true, &o);
	double once = cpu_seconds() - began;

	if (o.what != FINE) {
		fprintf(stderr, "%s: fails without any fault: %s\n", x->file, o.text);
		return o.what == BROKE ? 3 : 1;
	}
	for (uint32_t i = 0; i < x->sc->nhosts; i++)
		x->nfaults += x->segments[i] * x->nkinds;
	if (x->nfaults == 0) {
		fprintf(stderr, "%s: no TCP segments, expected a scenario with traffic\n", x->file);
		return 2;
	}
	if (x->singles == 0 || x->singles > x->nfaults)
		x->singles = x->nfaults;
	n = x->singles + x->pairs + x->swarm;
	say_how_long(x, n, once);
	struct outcome_text *result = calloc(n, sizeof(*result));
	bool *done = calloc(n, sizeof(*done));
	struct jobs j = {.n = n, .workers = x->workers, .run = run_task, .arg = x, .result = result, .result_size = sizeof(*result),
			 .done = done, .progress = !x->quiet && isatty(STDERR_FILENO)};

	if (result && done && jobs_run(&j))
		code = report(x, n, result, done);
	else
		fprintf(stderr, "tapir explore: out of memory or processes\n");
	free(result);
	free(done);
	return code;
}

static bool parse_kinds(char *text, struct explorer *x)
{
	char *save = NULL;

	memset(x->kind, 0, sizeof(x->kind));
	for (char *w = strtok_r(text, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
		int k = 0;

		while (k < KINDS && strcmp(w, kind_word[k]) != 0)
			k++;
		if (k == KINDS)
			return false;
		x->kind[k] = true;
	}
	return x->kind[0] || x->kind[1] || x->kind[2] || x->kind[3];
}

static int parse_option(struct explorer *x, int c)
{
	static const uint64_t most = 1000000;

	switch (c) {
	case '1':
		return !unit_count(optarg, &x->singles) && x->singles > 0 ?
			       0 : usage_error("explore", "--singles '%.40s', expected a number from 1 on", optarg);
	case 'f':
		return parse_kinds(optarg, x) ? 0 : usage_error("explore", "--faults: expected some of drop,duplicate,delay,corrupt");
	case 'p':
		return !unit_count(optarg, &x->pairs) && x->pairs <= most ?
			       0 : usage_error("explore", "--pairs '%.40s', expected a number up to 1000000", optarg);
	case 'w':
		return !unit_count(optarg, &x->swarm) && x->swarm <= most ?
			       0 : usage_error("explore", "--swarm '%.40s', expected a number up to 1000000", optarg);
	case 'j':
		return jobs_workers(optarg, &x->workers) ?
			       0 : usage_error("explore", "-j '%.40s', expected a number from 1 to %d", optarg, JOBS_MAX);
	case 'q':
		x->quiet = true;
		return 0;
	case 'J':
		if (!x->failures)
			x->failures = json_array();
		return 0;
	default:
		return scenario_arg(&x->args, c, optarg) ? 0 : 2;
	}
}

static int explore(int argc, char **argv)
{
	static const struct option longs[] = {
		{"faults", required_argument, NULL, 'f'}, {"pairs", required_argument, NULL, 'p'},
		{"singles", required_argument, NULL, '1'},
		{"swarm", required_argument, NULL, 'w'},  {"quiet", no_argument, NULL, 'q'},
		{"json", no_argument, NULL, 'J'},
		{"seed", required_argument, NULL, 's'},   {"set", required_argument, NULL, 'S'},
		{NULL, 0, NULL, 0},
	};
	struct explorer x = {.args = {.command = "explore", .argv = argv, .known = longs}, .workers = 1,
			     .kind = {true, true, true, true}};
	char err[600];
	int c, code;

	optind = opterr = 0;
	while ((c = getopt_long(argc, argv, "j:", longs, NULL)) != -1)
		if ((code = parse_option(&x, c)) != 0)
			return code;
	if (argc - optind != 1)
		return usage_error("explore", "expected one scenario file");
	x.file = argv[optind];
	for (int k = 0; k < KINDS; k++)
		x.nkinds += x.kind[k];
	x.sc = scenario_load(x.file, &x.args.options, err, sizeof(err));
	if (!x.sc) {
		fprintf(stderr, "%s\n", err);
		return 2;
	}
	x.segments = calloc(x.sc->nnodes, sizeof(*x.segments));
	code = x.segments ? explore_all(&x) : 2;
	free(x.segments);
	json_decref(x.failures);
	scenario_free(x.sc);
	return code;
}

const struct command cmd_explore = {
	.name = "explore",
	.args = "SCENARIO.yaml [--faults drop,duplicate,delay,corrupt] [--singles N] [--pairs N] [--swarm N] [-j N] [--seed N] "
		"[--set PATH=VALUE]... [--json]",
	.summary = "every single fault, then pairs, then swarms; a failure becomes one line that repeats it",
	.help = "  --faults LIST  the kinds (all four); a delay is of " DELAY "\n"
		"  --singles N    a sample of so many single faults, spread over the run (all)\n"
		"  --pairs N      so many random pairs of faults (0)\n"
		"  --swarm N      so many runs with another seed and 3 to 16 random faults (0)\n"
		"  -j N           so many processes (1)\n"
		"  --seed N, --set PATH=VALUE  as in `tapir run`\n"
		"  --json         {file, seed, runs, singles, pairs, swarm, failed, failures: [{what: flow or broke,\n"
		"                 text, seed, faults: [{host, segment, do, by}], command}]}\n"
		"  --quiet        only failures\n"
		"A run fails when a flow does not end with all its bytes (exit code 1), an invariant breaks or the\n"
		"program dies (3). Short scenarios with a late `stop` are best: each segment is a run, or four,\n"
		"and backoff upon backoff takes minutes.\n",
	.run = explore,
};
