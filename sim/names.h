/* Names to numbers: each name once, found in one step. The names are lent. */
#ifndef SIM_NAMES_H
#define SIM_NAMES_H

#include <stdbool.h>
#include <stdint.h>

struct names {
	const char **name; /* open addressing */
	uint32_t *number;
	uint32_t mask;
};

bool names_init(struct names *, uint32_t n); /* room for n; false: out of memory */
void names_free(struct names *);
bool names_add(struct names *, const char *name, uint32_t number); /* false: there is one already */
bool names_find(const struct names *, const char *name, uint32_t *number);

#endif
