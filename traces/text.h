/* Text that is cut at the end of its room, never overrun. */
#ifndef TRACES_TEXT_H
#define TRACES_TEXT_H

#include "../stack/base/time.h"

#include <stddef.h>

struct text {
	char *to;
	size_t cap, n; /* cap > 0; to[n] is the terminator */
};

void say(struct text *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void say_ms(struct text *, ns_t); /* "20.131 ms" */

static inline const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

#endif
