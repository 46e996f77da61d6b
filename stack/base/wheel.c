/* The timer wheel. Times become ticks of 48 bits, eight digits of six bits. An entry stands at the
 * level of the highest digit in which its tick differs from the wheel's, in the slot of its own
 * digit there. Hence: all entries of one tick stand together, lower levels come before higher ones,
 * and the earliest slot is found by one bit scan per level. When the wheel's tick enters a slot,
 * its entries move to lower levels, in order, so that entries with equal due keep the order in
 * which they were added. Entries of the wheel's own tick wait in `ready`, sorted by due.
 *
 * `min` holds the earliest due of each slot. Removing that very entry only marks the slot stale,
 * and it is looked through when a deadline is asked for while it is the first slot: idle timers
 * far away cost nothing while nearer ones come and go. */
#include "wheel.h"

#include "check.h"

static_assert(WHEEL_LEVELS * WHEEL_BITS + WHEEL_TICK_SHIFT == 64, "every ns_t has a slot");

struct place {
	unsigned level, slot;
};

static uint64_t tick_of(ns_t t)
{
	return ((uint64_t)t ^ (uint64_t)1 << 63) >> WHEEL_TICK_SHIFT; /* signed order as unsigned */
}

/* For a tick after the wheel's. */
static struct place place_of(const struct wheel *w, uint64_t tick)
{
	unsigned level = (unsigned)(63 - __builtin_clzll(tick ^ w->tick)) / WHEEL_BITS;

	return (struct place){level, tick >> level * WHEEL_BITS & (WHEEL_SLOTS - 1)};
}

static struct wheel_entry *entry_of(struct list *node)
{
	return list_entry(node, struct wheel_entry, node);
}

void wheel_init(struct wheel *w, ns_t now)
{
	w->tick = tick_of(now);
	w->n = 0;
	list_init(&w->ready);
	for (int level = 0; level < WHEEL_LEVELS; level++) {
		w->occupied[level] = w->min_stale[level] = 0;
		for (int slot = 0; slot < WHEEL_SLOTS; slot++) {
			list_init(&w->slot[level][slot]);
			w->min[level][slot] = NS_NEVER;
		}
	}
}

void wheel_entry_init(struct wheel_entry *e)
{
	list_init(&e->node);
	e->due = NS_NEVER;
}

/* From the back: what is armed for now or soon usually goes last or nearly so. */
static void insert_ready(struct wheel *w, struct wheel_entry *e)
{
	struct list *at = &w->ready;

	while (at->prev != &w->ready && entry_of(at->prev)->due > e->due)
		at = at->prev;
	list_insert_before(at, &e->node);
}

static void insert_slot(struct wheel *w, struct wheel_entry *e, struct place at)
{
	ns_t *min = &w->min[at.level][at.slot];

	list_push_back(&w->slot[at.level][at.slot], &e->node);
	w->occupied[at.level] |= (uint64_t)1 << at.slot;
	if (e->due <= *min) {
		*min = e->due;
		w->min_stale[at.level] &= ~((uint64_t)1 << at.slot);
	}
}

static void empty_slot(struct wheel *w, struct place at)
{
	w->occupied[at.level] &= ~((uint64_t)1 << at.slot);
	w->min_stale[at.level] &= ~((uint64_t)1 << at.slot);
	w->min[at.level][at.slot] = NS_NEVER;
}

void wheel_add(struct wheel *w, struct wheel_entry *e, ns_t due)
{
	uint64_t tick = tick_of(due);

	wheel_remove(w, e);
	if (due == NS_NEVER)
		return;
	e->due = due;
	w->n++;
	if (tick <= w->tick)
		insert_ready(w, e);
	else
		insert_slot(w, e, place_of(w, tick));
}

void wheel_remove(struct wheel *w, struct wheel_entry *e)
{
	uint64_t tick = tick_of(e->due);

	if (e->due == NS_NEVER)
		return;
	assert(w->n > 0);
	w->n--;
	list_remove(&e->node);
	if (tick > w->tick) {
		struct place at = place_of(w, tick);

		if (list_empty(&w->slot[at.level][at.slot]))
			empty_slot(w, at);
		else if (e->due == w->min[at.level][at.slot])
			w->min_stale[at.level] |= (uint64_t)1 << at.slot;
	}
	e->due = NS_NEVER;
}

/* Stable merge sort of a list by due, bottom up: runs[i] is empty or holds 2^i sorted nodes, singly
 * linked by `next`. */
static struct list *merge(struct list *a, struct list *b) /* equal: a first */
{
	struct list head, *tail = &head;

	while (a && b) {
		struct list **first = entry_of(b)->due < entry_of(a)->due ? &b : &a;

		tail->next = *first;
		tail = *first;
		*first = (*first)->next;
	}
	tail->next = a ? a : b;
	return head.next;
}

static void sort_by_due(struct list *l)
{
	struct list *runs[32] = {NULL}, *sorted = NULL, *node;

	if (l->next == l->prev) /* none or one */
		return;
	while ((node = list_pop_front(l)) != NULL) {
		unsigned i = 0;

		node->next = NULL;
		for (; runs[i]; i++) {
			node = merge(runs[i], node);
			runs[i] = NULL;
		}
		runs[i] = node;
	}
	for (unsigned i = 0; i < ARRAY_LEN(runs); i++)
		if (runs[i])
			sorted = sorted ? merge(runs[i], sorted) : runs[i];
	while (sorted) {
		node = sorted;
		sorted = sorted->next;
		list_push_back(l, node);
	}
}

/* The earliest occupied slot: of the lowest level that has any. */
static bool first_place(const struct wheel *w, struct place *at)
{
	for (unsigned level = 0; level < WHEEL_LEVELS; level++)
		if (w->occupied[level]) {
			*at = (struct place){level, (unsigned)__builtin_ctzll(w->occupied[level])};
			return true;
		}
	return false;
}

/* The first tick of a slot: the wheel's digits above, the slot's own, zeros below. */
static uint64_t first_tick(const struct wheel *w, struct place at)
{
	unsigned shift = at.level * WHEEL_BITS;
	uint64_t above = w->tick >> shift >> WHEEL_BITS << WHEEL_BITS;

	return (above | at.slot) << shift;
}

/* The wheel's tick enters the earliest slot: its entries go to lower levels or become ready. */
static void enter(struct wheel *w, struct place at)
{
	struct list *from = &w->slot[at.level][at.slot], *node;

	assert(list_empty(&w->ready));
	w->tick = first_tick(w, at);
	empty_slot(w, at);
	while ((node = list_pop_front(from)) != NULL) {
		struct wheel_entry *e = entry_of(node);
		uint64_t tick = tick_of(e->due);

		if (tick == w->tick)
			list_push_back(&w->ready, node);
		else
			insert_slot(w, e, place_of(w, tick));
	}
	sort_by_due(&w->ready);
}

struct wheel_entry *wheel_expire(struct wheel *w, ns_t now)
{
	uint64_t now_tick = tick_of(now);
	struct place at;

	if (w->n == 0) { /* many wheels are, most of the time */
		if (now_tick > w->tick)
			w->tick = now_tick;
		return NULL;
	}
	while (list_empty(&w->ready) && first_place(w, &at) && first_tick(w, at) <= now_tick)
		enter(w, at);
	if (!list_empty(&w->ready)) {
		struct wheel_entry *e = entry_of(w->ready.next);

		if (e->due > now)
			return NULL;
		wheel_remove(w, e);
		return e;
	}
	/* No slot begins before now: moving the tick there changes no entry's place. */
	if (now_tick > w->tick)
		w->tick = now_tick;
	return NULL;
}

ns_t wheel_deadline(const struct wheel *w)
{
	struct place at;
	struct wheel *cache;
	ns_t min = NS_NEVER;

	if (w->n == 0)
		return NS_NEVER;
	if (!list_empty(&w->ready))
		return entry_of(w->ready.next)->due;
	if (!first_place(w, &at))
		return NS_NEVER;
	if (!(w->min_stale[at.level] >> at.slot & 1))
		return w->min[at.level][at.slot];
	list_for_each(node, &w->slot[at.level][at.slot])
		min = ns_min(min, entry_of(node)->due);
	/* Only a remembered result changes, so the call stays const for its users. */
	cache = (struct wheel *)(uintptr_t)w;
	cache->min[at.level][at.slot] = min;
	cache->min_stale[at.level] &= ~((uint64_t)1 << at.slot);
	return min;
}
