/* Random streams (xoshiro256**, Blackman and Vigna 2018) and SipHash-2-4 (Aumasson and Bernstein
 * 2012). A stream's state is expanded by splitmix64 from the SipHash of its name under the seed, so
 * streams with different names have nothing in common. Only integers: the same draws everywhere. */
#include "rng.h"

#include <string.h>

#include "check.h"

static uint64_t rotl(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static uint64_t splitmix64(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

void rng_init(struct rng *r, uint64_t seed, const char *name)
{
	struct siphash_key key = {seed, 0x7461706972726e67}; /* any constant will do */
	uint64_t state;

	assert(name);
	state = siphash(&key, name, strlen(name));
	for (size_t i = 0; i < ARRAY_LEN(r->s); i++)
		r->s[i] = splitmix64(&state); /* four outputs in a row are never all zero */
}

uint64_t rng_u64(struct rng *r)
{
	uint64_t *s = r->s;
	uint64_t result = rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

uint32_t rng_u32(struct rng *r)
{
	return (uint32_t)(rng_u64(r) >> 32);
}

/* Multiply and keep the high half (Lemire 2019); draws again in the 2^32 mod n low halves that
 * would favour some results. */
uint32_t rng_below(struct rng *r, uint32_t n)
{
	uint64_t m;

	assert(n > 0);
	m = (uint64_t)rng_u32(r) * n;
	if ((uint32_t)m < n) {
		uint32_t biased = (0 - n) % n;

		while ((uint32_t)m < biased)
			m = (uint64_t)rng_u32(r) * n;
	}
	return (uint32_t)(m >> 32);
}

/* Draws even when the answer is certain, so that a rate of 0 keeps the stream in step. */
bool rng_chance(struct rng *r, uint32_t ppb)
{
	return rng_below(r, 1000000000) < ppb;
}

/* The sum of twelve uniform 16-bit numbers has a standard deviation of 2^16 (12 * 2^32 / 12), and
 * cannot be more than 6 of them from its mean. */
int32_t rng_normal(struct rng *r, uint32_t sigma)
{
	int64_t sum = -6 * 65535, x;

	for (int i = 0; i < 3; i++) {
		uint64_t v = rng_u64(r);

		sum += (int64_t)(v & 0xffff) + (int64_t)(v >> 16 & 0xffff) +
		       (int64_t)(v >> 32 & 0xffff) + (int64_t)(v >> 48);
	}
	x = sum * (int64_t)sigma / 65536;
	if (x > INT32_MAX)
		return INT32_MAX;
	return x < -INT32_MAX ? -INT32_MAX : (int32_t)x;
}

static uint64_t load_le64(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 7; i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

/* Inlined for good: the state has to stay in registers. */
static inline __attribute__((always_inline)) void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

static inline __attribute__((always_inline)) void sip_word(uint64_t v[4], uint64_t m)
{
	v[3] ^= m;
	sip_round(v);
	sip_round(v);
	v[0] ^= m;
}

uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint64_t v[4] = {key->k0 ^ 0x736f6d6570736575, key->k1 ^ 0x646f72616e646f6d,
			 key->k0 ^ 0x6c7967656e657261, key->k1 ^ 0x7465646279746573};
	uint64_t last = (uint64_t)len << 56;
	size_t whole = len / 8 * 8;

	for (size_t i = 0; i < whole; i += 8)
		sip_word(v, load_le64(p + i));
	for (size_t i = whole; i < len; i++)
		last |= (uint64_t)p[i] << 8 * (i - whole);
	sip_word(v, last);
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void siphash_key_draw(struct siphash_key *key, struct rng *r)
{
	key->k0 = rng_u64(r);
	key->k1 = rng_u64(r);
}
