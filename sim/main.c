/* The program `tapir`: finds the command and runs it. */
#include "cmd.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "../stack/base/check.h"
#include "words.h"

#define VERSION "0.1"

static int help(int argc, char **argv);

static const struct command cmd_help = {
	.name = "help",
	.args = "[COMMAND]",
	.summary = "what there is, or what a command takes",
	.run = help,
};

/* In the order in which `tapir help` shows them. */
static const struct command *const commands[] = {
	&cmd_run,
	&cmd_show,
	&cmd_sweep,
	&cmd_explore,
	&cmd_script,
	&cmd_explain,
	&cmd_check,
	&cmd_plot,
	&cmd_serve,
	&cmd_connect,
	&cmd_replay,
	&cmd_help,
};

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static int unknown(const char *name)
{
	const char *names[ARRAY_LEN(commands)], *near;

	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		names[i] = commands[i]->name;
	near = word_nearest(name, names, ARRAY_LEN(names));
	fprintf(stderr, "tapir: unknown command '%.40s'", name);
	if (near)
		fprintf(stderr, ", did you mean '%s'?\n", near);
	else
		fprintf(stderr, "; `tapir help` lists them\n");
	return 2;
}

static void overview(FILE *to)
{
	fputs("tapir: a userspace TCP/IP stack, a network simulator, and traces that explain "
	      "themselves\n\nusage: tapir COMMAND ...\n\n", to);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(to, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n`tapir help COMMAND` tells more.\n", to);
}

static int help(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2) {
		overview(stdout);
		return 0;
	}
	if (argc > 2)
		return usage_error("help", "'%.40s' is one word too many", argv[2]);
	c = find(argv[1]);
	if (!c)
		return unknown(argv[1]);
	printf("usage: tapir %s %s\n\n%s\n", c->name, c->args, c->summary);
	if (c->help)
		printf("\n%s", c->help);
	return 0;
}

static int dispatch(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2) {
		overview(stderr);
		return 2;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return help(argc - 1, argv + 1);
	if (strcmp(argv[1], "--version") == 0 && argc > 2)
		return usage_error("help", "'%.40s' is one word too many", argv[2]);
	if (strcmp(argv[1], "--version") == 0) {
		puts("tapir " VERSION);
		return 0;
	}
	c = find(argv[1]);
	if (!c)
		return unknown(argv[1]);
	if (argc > 2 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0))
		return help(2, argv); /* argv[1] is the command */
	return c->run(argc - 1, argv + 1);
}

/* Control characters would break the one line that says what is wrong, or a terminal. */
static int control_character(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		for (const unsigned char *s = (const unsigned char *)argv[i]; *s; s++)
			if (*s < ' ' || *s == 127)
				return i;
	return 0;
}

int main(int argc, char **argv)
{
	int code = control_character(argc, argv);

	if (code) {
		fprintf(stderr, "tapir: word %d holds a control character, expected printable text\n", code);
		return 2;
	}
	signal(SIGPIPE, SIG_DFL); /* a reader that has seen enough ends us quietly, whatever our parent ignores */
	signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error like a full disk */
	code = dispatch(argc, argv);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	fputs("stdout: cannot be written\n", stderr);
	return 2;
}
