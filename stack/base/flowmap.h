/* From a flow's key to its object: open addressing with linear probing, 16 bytes a slot, keyed by a
 * secret so that a peer cannot choose collisions. Never iterated. */
#ifndef BASE_FLOWMAP_H
#define BASE_FLOWMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "rng.h"

struct flow_key {
	struct addr local, remote;
	uint16_t lport, rport;
};

/* Objects embed their key as the first member, or tell where it is by `key_offset`. */
struct flowmap {
	struct flow_slot *slot; /* NULL until the first insert */
	void *last; /* found last; NULL: none, or it was removed */
	uint32_t mask, n;
	uint32_t key_offset;
	struct siphash_key secret;
};

void flowmap_init(struct flowmap *, struct siphash_key, uint32_t key_offset);
void flowmap_free(struct flowmap *);
void *flowmap_find(struct flowmap *, const struct flow_key *);
bool flowmap_insert(struct flowmap *, void *obj); /* false: no memory. The key must be new. */
void flowmap_remove(struct flowmap *, void *obj);

#endif
