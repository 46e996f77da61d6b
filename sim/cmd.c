#include "cmd.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

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

int option_error(const char *command, char **argv)
{
	return usage_error(command, "unknown option or missing value: %.40s", argv[optind - 1]);
}

void discard_file(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISREG(st.st_mode))
		unlink(path);
}
