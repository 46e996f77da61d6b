#include "cmd.h"

#include <stdarg.h>
#include <stdio.h>

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
