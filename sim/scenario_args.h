/* The options that commands on scenarios share: --seed N and --set PATH=VALUE. */
#ifndef SIM_SCENARIO_ARGS_H
#define SIM_SCENARIO_ARGS_H

#include "scenario.h"

#define SETS_MAX 64

struct option; /* of getopt.h */

struct scenario_args {
	const char *command;
	char **argv;
	const struct option *known; /* the command's */
	struct scenario_options options;
	const char *set[SETS_MAX];
};

/* Takes option 's' (seed) or 'S' (set); false when something is wrong, which was then said. */
bool scenario_arg(struct scenario_args *, int option, const char *value);

#endif
