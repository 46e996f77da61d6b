/* See heap.h. Invariants: no child is before its parent; place[a] is one more than the index of a's
 * entry. */
#include "heap.h"

#include <stdlib.h>

#include "../stack/base/check.h"

bool heap_init(struct heap *h, uint32_t actors)
{
	assert(actors > 0 && actors <= HEAP_ACTORS_MAX);
	*h = (struct heap){.actors = actors};
	h->entry = calloc(actors, sizeof(*h->entry));
	h->place = calloc(actors, sizeof(*h->place));
	if (h->entry && h->place)
		return true;
	heap_free(h);
	return false;
}

void heap_free(struct heap *h)
{
	free(h->entry);
	free(h->place);
	*h = (struct heap){0};
}

static bool before(const struct heap_entry *a, const struct heap_entry *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void put(struct heap *h, uint32_t i, struct heap_entry e)
{
	h->entry[i] = e;
	h->place[e.order & (HEAP_ACTORS_MAX - 1)] = i + 1;
}

static void sift_up(struct heap *h, uint32_t i, struct heap_entry e)
{
	for (; i > 0 && before(&e, &h->entry[(i - 1) / 4]); i = (i - 1) / 4)
		put(h, i, h->entry[(i - 1) / 4]);
	put(h, i, e);
}

static void sift_down(struct heap *h, uint32_t i, struct heap_entry e)
{
	for (uint32_t kid; (kid = 4 * i + 1) < h->n;) {
		uint32_t end = kid + 4 < h->n ? kid + 4 : h->n, least = kid;

		while (++kid < end)
			if (before(&h->entry[kid], &h->entry[least]))
				least = kid;
		if (!before(&h->entry[least], &e))
			break;
		put(h, i, h->entry[least]);
		i = least;
	}
	put(h, i, e);
}

/* An entry may have to go either way from where it stands. */
static void place(struct heap *h, uint32_t i, struct heap_entry e)
{
	if (i > 0 && before(&e, &h->entry[(i - 1) / 4]))
		sift_up(h, i, e);
	else
		sift_down(h, i, e);
}

void heap_set(struct heap *h, uint32_t actor, ns_t at)
{
	assert(actor < h->actors);
	uint32_t i = h->place[actor];

	if (at == NS_NEVER) {
		if (i == 0)
			return;
		h->place[actor] = 0;
		struct heap_entry last = h->entry[--h->n];

		if (i - 1 < h->n)
			place(h, i - 1, last);
		return;
	}
	if (i > 0 && h->entry[i - 1].at == at)
		return;
	place(h, i > 0 ? i - 1 : h->n++, (struct heap_entry){at, ++h->inserted << 24 | actor});
}
