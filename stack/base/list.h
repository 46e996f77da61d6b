/* Intrusive doubly linked lists: a head is a node that points at itself when the list is empty. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "check.h"

struct list {
	struct list *prev, *next;
};

static inline void list_init(struct list *l)
{
	l->prev = l->next = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

/* True for a node that was initialised and is in no list. A head that is empty says the same. */
static inline bool list_alone(const struct list *l)
{
	return l->next == l;
}

static inline void list_insert_before(struct list *at, struct list *n)
{
	n->prev = at->prev;
	n->next = at;
	at->prev->next = n;
	at->prev = n;
}

static inline void list_push_back(struct list *head, struct list *n)
{
	list_insert_before(head, n);
}

static inline void list_push_front(struct list *head, struct list *n)
{
	list_insert_before(head->next, n);
}

/* Takes n out of whatever list it is in and leaves it alone; harmless on a lone node. */
static inline void list_remove(struct list *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_init(n);
}

static inline struct list *list_first(const struct list *head)
{
	return head->next == head ? NULL : head->next;
}

static inline struct list *list_pop_front(struct list *head)
{
	struct list *n = list_first(head);

	if (n)
		list_remove(n);
	return n;
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_for_each(it, head) for (struct list *it = (head)->next; it != (head); it = it->next)
#define list_for_each_safe(it, tmp, head)                                                          \
	for (struct list *it = (head)->next, *tmp = it->next; it != (head);                        \
	     it = tmp, tmp = it->next)

#endif
