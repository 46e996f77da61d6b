/* tapir show: the scenario with every default filled in; known traps on stderr. */
#include "cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "scenario.h"
#include "scenario_args.h"

static int show(int argc, char **argv)
{
	static const struct option options[] = {
	    {"seed", required_argument, NULL, 's'},
	    {"set", required_argument, NULL, 'S'},
	    {"quiet", no_argument, NULL, 'q'},
	    {NULL, 0, NULL, 0},
	};
	struct scenario_args args = {.command = "show", .argv = argv};
	char err[512];
	bool quiet = false;
	int c;

	optind = opterr = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (c == 'q')
			quiet = true;
		else if (!scenario_arg(&args, c, optarg))
			return 2;
	if (argc - optind != 1)
		return usage_error("show", "expected one scenario file");
	struct scenario *sc = scenario_load(argv[optind], &args.options, err, sizeof(err));

	if (!sc) {
		fprintf(stderr, "%s\n", err);
		return 2;
	}
	scenario_show(stdout, sc);
	if (!quiet)
		scenario_lint(stderr, sc);
	scenario_free(sc);
	return 0;
}

const struct command cmd_show = {
    .name = "show",
    .args = "SCENARIO.yaml [--seed N] [--set PATH=VALUE]... [--quiet]",
    .summary = "a scenario with every default filled in",
    .help = "  --seed N           another seed\n"
	    "  --set PATH=VALUE   changes a value, as in links.dsl.loss=1% or "
	    "hosts.client.tcp.cc=reno\n"
	    "  --quiet            no warnings\n",
    .run = show,
};
