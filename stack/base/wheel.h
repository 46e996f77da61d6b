/* A hierarchical timer wheel: adding, removing and re-arming cost the same with a million entries
 * as with ten. The wheel never fires late; it may say an earlier deadline than the true one. */
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
	int64_t tick; /* all slots before this tick are empty */
	uint64_t occupied[WHEEL_LEVELS];
	struct list slot[WHEEL_LEVELS][WHEEL_SLOTS];
	struct list far; /* beyond the highest level */
	uint32_t n;
};

void wheel_init(struct wheel *, ns_t now);
void wheel_entry_init(struct wheel_entry *);
void wheel_add(struct wheel *, struct wheel_entry *, ns_t due); /* (re-)arms; due may be past */
void wheel_remove(struct wheel *, struct wheel_entry *);        /* harmless if not armed */

/* The next entry that is due at `now` (taken out of the wheel), or NULL. Entries with equal due
 * come in the order in which they were added. */
struct wheel_entry *wheel_expire(struct wheel *, ns_t now);

/* Exact earliest due time among all entries, NS_NEVER if there is none. O(levels) plus the
 * entries of one slot. */
ns_t wheel_deadline(const struct wheel *);

#endif
