/* A hierarchical timer wheel: adding, removing and re-arming cost the same with a million entries
 * as with ten. Entries come out sorted by due time, never before it. */
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H

#include "list.h"
#include "time.h"

#define WHEEL_BITS 6
#define WHEEL_SLOTS (1 << WHEEL_BITS)
#define WHEEL_LEVELS 8
#define WHEEL_TICK_SHIFT 16 /* one tick of level 0 is 2^16 ns = 65.5 us */

struct wheel_entry {
	struct list node;
	ns_t due; /* NS_NEVER: not in the wheel */
};

struct wheel {
	uint64_t tick;     /* every entry in a slot lies in a later tick */
	struct list ready; /* entries of this tick and before it, sorted by due */
	uint64_t occupied[WHEEL_LEVELS];
	uint64_t min_stale[WHEEL_LEVELS]; /* slots whose `min` may be too early */
	ns_t min[WHEEL_LEVELS][WHEEL_SLOTS];
	struct list slot[WHEEL_LEVELS][WHEEL_SLOTS];
	uint32_t n;
};

void wheel_init(struct wheel *, ns_t now);
void wheel_entry_init(struct wheel_entry *);
void wheel_add(struct wheel *, struct wheel_entry *, ns_t due); /* (re-)arms; due may be past */
void wheel_remove(struct wheel *, struct wheel_entry *);        /* harmless if not armed */

/* The next entry that is due at `now` (taken out of the wheel), or NULL. Entries with equal due
 * come in the order in which they were added. */
struct wheel_entry *wheel_expire(struct wheel *, ns_t now);

/* Exact earliest due time among all entries, NS_NEVER if there is none. O(levels), and after the
 * earliest entry of a slot was removed once the entries of that slot. */
ns_t wheel_deadline(const struct wheel *);

#endif
