/* tapir run: a scenario in virtual time. Everything the user wrote is checked before the first file
 * is made. */
#include "cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "out_dir.h"
#include "report.h"
#include "scenario_args.h"

struct request {
	struct scenario_args args;
	const char *out;
	bool trace, json, quiet;
	enum world_check check;
};

static bool make_output(const char *dir, const struct scenario *sc)
{
	char sub[600];
	static const char *const subs[] = {"series", "plots"};

	char path[600];

	if (!out_dir_make(dir))
		return false;
	/* Of a former run: a run that is cut short must not look complete. */
	snprintf(path, sizeof(path), "%s/summary.json", dir);
	discard_file(path);
	for (int i = 0; i < (sc->series ? 1 + sc->plots : 0); i++) {
		snprintf(sub, sizeof(sub), "%s/%s", dir, subs[i]);
		if (!out_dir_make(sub))
			return false;
	}
	return true;
}

static void say_sweep(const struct scenario *sc)
{
	if (sc->nsweep == 0 && sc->seed_last == 0)
		return;
	fprintf(stderr, "%s: one run of a sweep:", sc->file);
	for (uint32_t i = 0; i < sc->nsweep; i++)
		fprintf(stderr, " %s=%s", sc->sweep[i].name, sc->sweep[i].value[0]);
	fprintf(stderr, " seed=%llu (`--set sweep.NAME=VALUE` and --seed choose another)\n",
		(unsigned long long)sc->seed);
}

/* The command that does the same again. */
static void say_again(const struct request *r, const struct scenario *sc)
{
	fprintf(stderr, "repeat with: tapir run %s --seed %llu", sc->file,
		(unsigned long long)sc->seed);
	for (size_t i = 0; i < r->args.options.nset; i++)
		fprintf(stderr, " --set '%s'", r->args.options.set[i]);
	fputs(r->check == CHECK_ALWAYS ? " --check\n" : "\n", stderr);
}

/* A line that is written over, once a second has passed; on a terminal alone. */
static void show_progress(const struct world *w)
{
	static struct timespec begun, last;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (begun.tv_sec == 0)
		begun = now;
	if (now.tv_sec - begun.tv_sec < 1 || now.tv_sec == last.tv_sec)
		return;
	last = now;
	fprintf(stderr, "\r%lld s of at most %lld s of virtual time, %llu events ",
		(long long)(w->now / SEC), (long long)(w->sc->stop / SEC),
		(unsigned long long)w->events);
}

/* A full disk: what is cut short would only mislead. */
static void discard_output(const struct world *w, const char *dir)
{
	static const char *const files[] = {"summary.json", "report.txt"};
	const char *end = w->sc->pcap ? "pcap" : "pcapng";
	char path[700];

	for (uint32_t i = 0; i <= w->nhosts; i++) {
		snprintf(path, sizeof(path), "%s/%s.%s", dir, i < w->nhosts ? w->sc->host[i].name : "link", end);
		discard_file(path);
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		discard_file(path);
	}
}

static int finish(const struct request *r, struct world *w, const char *dir, bool held)
{
	char err[600];

	if (!world_close(w, err, sizeof(err)) || (dir && !report_write(w, dir, err, sizeof(err)))) {
		fprintf(stderr, "%s\n", err);
		if (dir)
			discard_output(w, dir);
		return 2;
	}
	if (r->json) {
		char *text = summary_json(w);

		puts(text ? text : "{}");
		free(text);
	} else if (!r->quiet) {
		report_text(stdout, w, dir, false);
	}
	if (!held) {
		fprintf(stderr, "an invariant broke %s\n", w->broken);
		say_again(r, w->sc);
		return 3;
	}
	return run_as_expected(w) ? 0 : 1;
}

static int run_scenario(const struct request *r, const char *file)
{
	struct world_options options = {.check = r->check};
	char err[600], out[512];
	int code = 2;
	struct scenario *sc = scenario_load(file, &r->args.options, err, sizeof(err));

	if (!sc) {
		fprintf(stderr, "%s\n", err);
		return 2;
	}
	if (!r->quiet) {
		scenario_lint(stderr, sc);
		say_sweep(sc);
	}
	if (!r->quiet && isatty(STDERR_FILENO))
		options.progress = show_progress;
	out_dir_default(file, out, sizeof(out));
	if (r->trace)
		options.out = r->out ? r->out : out;
	/* A world without output first: what can fail but the files is tried before they are made.
	 */
	struct world_options dry = {.check = CHECK_NONE};
	struct world *w = options.out ? world_new(sc, &dry, err, sizeof(err)) : NULL;

	if (options.out && w) {
		world_free(w);
		w = make_output(options.out, sc) ? world_new(sc, &options, err, sizeof(err)) : NULL;
		if (!w)
			goto end;
	} else if (!options.out) {
		w = world_new(sc, &options, err, sizeof(err));
	}
	if (!w) {
		fprintf(stderr, "%s\n", err);
		goto end;
	}
	bool held = world_run(w);

	if (options.progress)
		fputs("\r\033[K", stderr);

	code = finish(r, w, options.out, held);
	if (held)
		world_free(w); /* a broken world may hold frames that nobody owns */
end:
	scenario_free(sc);
	return code;
}

static int run(int argc, char **argv)
{
	enum { OUT = 256, NO_TRACE, CHECK, NO_CHECK, JSON, QUIET };
	static const struct option options[] = {
	    {"seed", required_argument, NULL, 's'},
	    {"set", required_argument, NULL, 'S'},
	    {"out", required_argument, NULL, OUT},
	    {"no-trace", no_argument, NULL, NO_TRACE},
	    {"check", no_argument, NULL, CHECK},
	    {"no-check", no_argument, NULL, NO_CHECK},
	    {"json", no_argument, NULL, JSON},
	    {"quiet", no_argument, NULL, QUIET},
	    {NULL, 0, NULL, 0},
	};
	struct request r = {.args = {.command = "run", .argv = argv, .known = options}, .trace = true, .check = CHECK_SAMPLED};
	bool check = false, no_check = false;
	int c;

	optind = opterr = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case OUT:
			r.out = optarg;
			break;
		case NO_TRACE:
			r.trace = false;
			break;
		case CHECK:
			r.check = CHECK_ALWAYS;
			check = true;
			break;
		case NO_CHECK:
			r.check = CHECK_NONE;
			no_check = true;
			break;
		case JSON:
			r.json = true;
			break;
		case QUIET:
			r.quiet = true;
			break;
		default:
			if (!scenario_arg(&r.args, c, optarg))
				return 2;
		}
	if (argc - optind != 1)
		return usage_error("run", "expected one scenario file");
	if (check && no_check)
		return usage_error("run", "--check and --no-check exclude each other");
	if (r.out && !r.trace)
		return usage_error("run", "--out and --no-trace exclude each other");
	return run_scenario(&r, argv[optind]);
}

const struct command cmd_run = {
    .name = "run",
    .args = "SCENARIO.yaml [--seed N] [--set PATH=VALUE]... [--out DIR] [--no-trace]",
    .summary = "a scenario in virtual time: captures, summary, series, plots, report",
    .help = "  --seed N           another seed\n"
	    "  --set PATH=VALUE   changes a value, as in links.dsl.loss=1% or\n"
	    "                     hosts.client.tcp.cc=reno; `+` is a new entry of a list, as in\n"
	    "                     'events.+={on: client.segment, number: 3, do: drop}'\n"
	    "  --out DIR          where files go (default traces/out/NAME)\n"
	    "  --no-trace         no files at all, and the fastest run\n"
	    "  --check            every invariant after every turn;  --no-check  none but at the "
	    "paths\n"
	    "  --json             summary.json on stdout;  --quiet  nothing\n"
	    "\nExit codes: 0 as expected; 1 an expectation failed, or a flow; 2 wrong input; 3 an "
	    "invariant\n"
	    "of the program broke.\n",
    .run = run,
};
