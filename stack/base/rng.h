/* Random streams and the keyed hash. Every draw names its stream: two streams made from one seed
 * with different names are independent, so a new user of chance does not disturb the others. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rng {
	uint64_t s[4]; /* xoshiro256** (Blackman, Vigna 2018) */
};

/* `name` may be a path such as "link/dsl/client->server/loss"; it is hashed, not kept. */
void rng_init(struct rng *, uint64_t seed, const char *name);
uint64_t rng_u64(struct rng *);
uint32_t rng_u32(struct rng *);
uint32_t rng_below(struct rng *, uint32_t n);        /* uniform in [0, n), n > 0, no modulo bias */
bool rng_chance(struct rng *, uint32_t ppb);         /* true with probability ppb / 10^9 */
int32_t rng_normal(struct rng *, uint32_t sigma);    /* mean 0, integers only, |x| <= 6 sigma */

/* SipHash-2-4 (Aumasson, Bernstein 2012): initial sequence numbers, flow map, cookies. */
struct siphash_key {
	uint64_t k0, k1;
};
void siphash_key_draw(struct siphash_key *, struct rng *);
uint64_t siphash(const struct siphash_key *, const void *bytes, size_t len);

#endif
