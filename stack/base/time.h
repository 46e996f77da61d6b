/* Time is a number of nanoseconds that a driver hands in; nothing below a driver reads a clock. */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include <stdint.h>

typedef int64_t ns_t; /* nanoseconds since an origin that the driver chooses */

#define NS_NEVER INT64_MAX
#define US ((ns_t)1000)
#define MS (1000 * US)
#define SEC (1000 * MS)

static inline ns_t ns_min(ns_t a, ns_t b)
{
	return a < b ? a : b;
}

static inline ns_t ns_max(ns_t a, ns_t b)
{
	return a > b ? a : b;
}

/* t + d, where either may be NS_NEVER. */
static inline ns_t ns_add(ns_t t, ns_t d)
{
	return t == NS_NEVER || d == NS_NEVER || t > NS_NEVER - d ? NS_NEVER : t + d;
}

#endif
