/* The event queue: a 4-ary heap of (time, number of insertion), where each actor stands at most
 * once. An entry is 16 bytes. Ties go to whoever was set first, so every order is stable. */
#ifndef SIM_HEAP_H
#define SIM_HEAP_H

#include <stdbool.h>
#include <stdint.h>

#include "../stack/base/time.h"

#define HEAP_ACTORS_MAX (1u << 24)

struct heap_entry {
	ns_t at;
	uint64_t order; /* 40 bits of insertion number, 24 bits of actor */
};

struct heap {
	struct heap_entry *entry;
	uint32_t *place; /* of each actor, from 1; 0: not in the heap */
	uint32_t n, actors;
	uint64_t inserted;
};

bool heap_init(struct heap *, uint32_t actors); /* false: out of memory */
void heap_free(struct heap *);
/* Puts, moves or (NS_NEVER) takes out. An actor that keeps its time keeps its turn. */
void heap_set(struct heap *, uint32_t actor, ns_t at);

static inline ns_t heap_time(const struct heap *h)
{
	return h->n ? h->entry[0].at : NS_NEVER;
}

/* The actor whose turn is next; n > 0. */
static inline uint32_t heap_first(const struct heap *h)
{
	return (uint32_t)(h->entry[0].order & (HEAP_ACTORS_MAX - 1));
}

#endif
