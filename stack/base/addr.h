/* One address type for both families: IPv4 lives in ::ffff:0:0/96, as RFC 4291 2.5.5.2 maps it. */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "bytes.h"

struct addr {
	uint8_t b[16];
};

struct mac {
	uint8_t b[6];
};

static inline struct addr addr_v4(uint32_t host_order)
{
	struct addr a = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}};

	wr32(a.b + 12, host_order);
	return a;
}

static inline bool addr_is_v4(const struct addr *a)
{
	static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	return memcmp(a->b, prefix, 12) == 0;
}

static inline uint32_t addr_to_v4(const struct addr *a)
{
	return rd32(a->b + 12);
}

static inline bool addr_eq(const struct addr *a, const struct addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static inline bool addr_is_any(const struct addr *a) /* 0.0.0.0 or :: */
{
	static const uint8_t zero[16];

	return memcmp(a->b, zero, 16) == 0 || (addr_is_v4(a) && addr_to_v4(a) == 0);
}

static inline bool mac_eq(const struct mac *a, const struct mac *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

#endif
