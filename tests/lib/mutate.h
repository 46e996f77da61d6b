/* Damage for parsers: copies of valid bytes with a few of them changed, cut or grown, each in a heap
 * buffer of exactly its size, so that AddressSanitizer sees the first byte read beyond it. */
#ifndef MUTATE_H
#define MUTATE_H

#include <stddef.h>
#include <stdint.h>

/* May write to p, for instance to repair a checksum. Returns how much is wrong, 0 as a rule. */
typedef unsigned mutant_fn(uint8_t *p, size_t len);

/* Calls fn with `rounds` mutants and returns the sum of its answers. The same seed makes the same
 * mutants. */
unsigned mutate_each(const void *valid, size_t len, uint64_t seed, unsigned rounds, mutant_fn *fn);

#endif
