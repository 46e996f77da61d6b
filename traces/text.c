/* See text.h. Times are printed from integers, so that the same run gives the same text. */
#include "text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

void say(struct text *t, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(t->to + t->n, t->cap - t->n, format, ap);
	va_end(ap);
	if (n > 0)
		t->n = t->n + (size_t)n < t->cap ? t->n + (size_t)n : t->cap - 1;
}

void say_ms(struct text *t, ns_t d)
{
	ns_t abs = d < 0 ? -(d + 1) : d; /* off by one nanosecond, and without overflow */

	say(t, "%s%" PRId64 ".%03d ms", d < 0 ? "-" : "", abs / MS, (int)(abs / US % 1000));
}
