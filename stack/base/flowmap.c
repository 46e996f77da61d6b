/* The flow map: linear probing at a load of at most 3/4, doubling. A slot keeps 32 bits of the
 * keyed hash, so that a probe touches an object only when it is the right one, nearly. Removal
 * shifts the rest of the run back, so there are no tombstones and a run never grows with age.
 *
 * Segments come in trains, so the object found last is looked at before anything is hashed. */
#include "flowmap.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

struct flow_slot {
	void *obj; /* NULL: free */
	uint32_t hash;
};

#define FIRST_SLOTS 64
#define MAX_SLOTS ((uint32_t)1 << 31)

static_assert(sizeof(struct flow_slot) <= 16, "four slots a cache line");
static_assert(sizeof(struct flow_key) == 36, "the key is hashed as bytes: no padding");

void flowmap_init(struct flowmap *m, struct siphash_key secret, uint32_t key_offset)
{
	*m = (struct flowmap){.key_offset = key_offset, .secret = secret};
}

void flowmap_free(struct flowmap *m)
{
	free(m->slot);
	m->slot = NULL;
	m->last = NULL;
	m->mask = m->n = 0;
}

static uint32_t hash_of(const struct flowmap *m, const struct flow_key *k)
{
	return (uint32_t)siphash(&m->secret, k, sizeof(*k));
}

static const struct flow_key *key_of(const struct flowmap *m, const void *obj)
{
	return (const struct flow_key *)((const char *)obj + m->key_offset);
}

static bool key_eq(const struct flow_key *a, const struct flow_key *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* The slot that has this key, or the free one where it would go. The load leaves free slots. */
static uint32_t probe(const struct flowmap *m, const struct flow_key *k, uint32_t hash)
{
	uint32_t i = hash & m->mask;

	while (m->slot[i].obj &&
	       !(m->slot[i].hash == hash && key_eq(key_of(m, m->slot[i].obj), k)))
		i = (i + 1) & m->mask;
	return i;
}

void *flowmap_find(struct flowmap *m, const struct flow_key *k)
{
	void *obj;

	if (m->last && key_eq(key_of(m, m->last), k))
		return m->last;
	obj = m->n ? m->slot[probe(m, k, hash_of(m, k))].obj : NULL;
	if (obj)
		m->last = obj;
	return obj;
}

static bool grow(struct flowmap *m)
{
	uint32_t slots = m->slot ? (m->mask + 1) * 2 : FIRST_SLOTS;
	struct flow_slot *old = m->slot, *new;
	uint32_t old_slots = old ? m->mask + 1 : 0;

	if (old_slots == MAX_SLOTS)
		return false;
	new = calloc(slots, sizeof(*new));
	if (!new)
		return false;
	m->slot = new;
	m->mask = slots - 1;
	for (uint32_t i = 0; i < old_slots; i++) {
		uint32_t to = old[i].hash & m->mask;

		if (!old[i].obj)
			continue;
		while (new[to].obj)
			to = (to + 1) & m->mask;
		new[to] = old[i];
	}
	free(old);
	return true;
}

bool flowmap_insert(struct flowmap *m, void *obj)
{
	const struct flow_key *k = key_of(m, obj);
	uint32_t hash = hash_of(m, k), i;

	if ((!m->slot || m->n >= (m->mask + 1) / 4 * 3) && !grow(m))
		return false;
	i = probe(m, k, hash);
	assert(!m->slot[i].obj); /* the key is new */
	m->slot[i] = (struct flow_slot){obj, hash};
	m->n++;
	return true;
}

void flowmap_remove(struct flowmap *m, void *obj)
{
	const struct flow_key *k = key_of(m, obj);
	uint32_t hole;

	assert(m->n > 0);
	if (m->last == obj)
		m->last = NULL;
	hole = probe(m, k, hash_of(m, k));
	assert(m->slot[hole].obj == obj);
	m->n--;
	for (uint32_t i = (hole + 1) & m->mask; m->slot[i].obj; i = (i + 1) & m->mask) {
		uint32_t home = m->slot[i].hash & m->mask;

		/* Moves into the hole unless its home lies behind the hole: (hole, i]. */
		if (((i - home) & m->mask) >= ((i - hole) & m->mask)) {
			m->slot[hole] = m->slot[i];
			hole = i;
		}
	}
	m->slot[hole].obj = NULL;
}
