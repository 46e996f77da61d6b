/* tapir show: the scenario with every default filled in; known traps on stderr. */
#include "cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "../traces/js.h"
#include "scenario.h"
#include "scenario_args.h"

static int show_json(const struct scenario *sc)
{
	char err[512];
	json_t *j = scenario_json(sc, err, sizeof(err));

	if (!j) {
		fprintf(stderr, "%s\n", err);
		return 2;
	}
	js_print(stdout, json_pack("{s:o, s:o, s:o}", "file", js_text(sc->file), "scenario", j, "warnings", scenario_lint_json(sc)),
		 false);
	return 0;
}

static int show(int argc, char **argv)
{
	static const struct option options[] = {
	    {"seed", required_argument, NULL, 's'},
	    {"set", required_argument, NULL, 'S'},
	    {"json", no_argument, NULL, 'j'},
	    {"quiet", no_argument, NULL, 'q'},
	    {NULL, 0, NULL, 0},
	};
	struct scenario_args args = {.command = "show", .argv = argv, .known = options};
	char err[512];
	bool quiet = false, json = false;
	int c, code = 0;

	optind = opterr = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (c == 'q')
			quiet = true;
		else if (c == 'j')
			json = true;
		else if (!scenario_arg(&args, c, optarg))
			return 2;
	if (argc - optind != 1)
		return usage_error("show", "expected one scenario file");
	struct scenario *sc = scenario_load(argv[optind], &args.options, err, sizeof(err));

	if (!sc) {
		fprintf(stderr, "%s\n", err);
		return 2;
	}
	if (json)
		code = show_json(sc);
	else
		scenario_show(stdout, sc);
	if (!quiet && !json)
		scenario_lint(stderr, sc);
	scenario_free(sc);
	return code;
}

const struct command cmd_show = {
    .name = "show",
    .args = "SCENARIO.yaml [--seed N] [--set PATH=VALUE]... [--json | --quiet]",
    .summary = "a scenario with every default filled in",
    .help = "  --seed N           another seed\n"
	    "  --set PATH=VALUE   changes a value, as in links.dsl.loss=1% or "
	    "hosts.client.tcp.cc=reno\n"
	    "  --json             {file, scenario: the same keys, warnings: [TEXT]}; values keep their units\n"
	    "  --quiet            no warnings\n",
    .run = show,
};
