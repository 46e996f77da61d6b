/* Most mutants keep their length and change one or two bytes, towards values that lengths and types
 * like to fail on: published flaws are seldom further away. */
#include "mutate.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/rng.h"

static uint8_t evil_byte(struct rng *r, uint8_t old)
{
	static const uint8_t evil[] = {0, 1, 2, 3, 4, 5, 7, 8, 0x0f, 0x40, 0x7f, 0x80, 0xfe, 0xff};

	switch (rng_below(r, 4)) {
	case 0:
		return (uint8_t)rng_u32(r);
	case 1:
		return old ^ (uint8_t)(1u << rng_below(r, 8));
	case 2:
		return (uint8_t)(old + (rng_below(r, 2) ? 1 : -1));
	default:
		return evil[rng_below(r, ARRAY_LEN(evil))];
	}
}

unsigned mutate_each(const void *valid, size_t len, uint64_t seed, unsigned rounds, mutant_fn *fn)
{
	struct rng r;
	unsigned wrong = 0;

	rng_init(&r, seed, "mutate");
	for (unsigned i = 0; i < rounds; i++) {
		size_t n = len;
		uint8_t *p;

		if (rng_below(&r, 4) == 0)
			n = rng_below(&r, (uint32_t)len + 8);
		p = malloc(n);
		assert(p || n == 0);
		if (n)
			memcpy(p, valid, n < len ? n : len);
		for (size_t k = len; k < n; k++)
			p[k] = (uint8_t)rng_u32(&r);
		for (uint32_t k = rng_below(&r, 4); k > 0 && n > 0; k--) {
			size_t at = rng_below(&r, (uint32_t)n);

			p[at] = evil_byte(&r, p[at]);
		}
		wrong += fn(p, n);
		free(p);
	}
	return wrong;
}
