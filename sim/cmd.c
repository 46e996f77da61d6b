#include "cmd.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../stack/base/check.h"
#include "words.h"

int usage_error(const char *command, const char *format, ...)
{
	va_list ap;

	fprintf(stderr, "tapir %s: ", command);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fprintf(stderr, " (see `tapir help %s`)\n", command);
	return 2;
}

int option_error(const char *command, char **argv, const struct option *known)
{
	const char *names[64], *near, *given = argv[optind - 1], *word = given + strspn(given, "-");
	char cut[40];
	size_t n = 0;

	snprintf(cut, sizeof(cut), "%.*s", (int)strcspn(word, "="), word);
	for (; n < ARRAY_LEN(names) && known[n].name; n++) {
		names[n] = known[n].name;
		if (strcmp(cut, names[n]) == 0)
			return usage_error(command, known[n].has_arg ? "--%s wants a value" : "--%s takes no value", cut);
	}
	near = strncmp(given, "--", 2) == 0 ? word_nearest(cut, names, n) : NULL;
	if (near)
		return usage_error(command, "unknown option '%.40s', did you mean '--%s'?", given, near);
	return usage_error(command, "unknown option or missing value: %.40s", given);
}

void discard_file(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISREG(st.st_mode))
		unlink(path);
}
