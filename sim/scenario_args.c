/* See scenario_args.h. */
#include "scenario_args.h"

#include "cmd.h"
#include "units.h"

bool scenario_arg(struct scenario_args *a, int option, const char *value)
{
	a->options.set = a->set;
	if (option == 'S') {
		if (a->options.nset == SETS_MAX)
			return usage_error(a->command, "too many --set, expected at most %d",
					   SETS_MAX) == 0;
		a->set[a->options.nset++] = value;
		return true;
	}
	if (option == 's') {
		a->options.has_seed = true;
		if (!unit_count(value, &a->options.seed))
			return true;
		return usage_error(a->command, "--seed: got `%.40s`, expected a whole number",
				   value) == 0;
	}
	return option_error(a->command, a->argv, a->known) == 0;
}
