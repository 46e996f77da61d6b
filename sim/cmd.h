/* A command of the program `tapir`: one cmd_*.c each, and one line in main.c's table.
 *
 * Exit codes, all commands: 0 done and as expected; 1 done, but an expectation, a script or a peer
 * failed; 2 the user's input is wrong (one line says what, and what was expected); 3 an invariant of
 * ours broke, or TLS failed. Results go to stdout, everything else to stderr. */
#ifndef SIM_CMD_H
#define SIM_CMD_H

struct option; /* of getopt.h */

struct command {
	const char *name;
	const char *args;    /* "SCENARIO.yaml [--seed N] ..." */
	const char *summary; /* one line */
	const char *help;    /* lines on the options, ended by a newline; may be NULL */
	int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns the exit code */
};

extern const struct command cmd_check, cmd_explain, cmd_plot, cmd_serve, cmd_connect, cmd_replay, cmd_script;
extern const struct command cmd_run, cmd_show, cmd_sweep, cmd_explore;

/* Says `command: what was wrong` and where to read on, on stderr; returns 2. */
int usage_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same for an option that getopt_long (with `opterr` 0) did not take. */
int option_error(const char *command, char **argv, const struct option *known);
/* Takes away what could not be written to its end, if it is a plain file. */
void discard_file(const char *path);

#endif
