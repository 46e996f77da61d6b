/* Pools of equal objects. A page is one malloc: a link to the next page, then objects. Free objects
 * are linked through their first bytes and, under AddressSanitizer, poisoned, so that a use after
 * slab_put or a second slab_put is seen like one of malloc's. */
#include "slab.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#if defined(__SANITIZE_ADDRESS__)
#define SLAB_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLAB_ASAN 1
#endif
#endif

#ifdef SLAB_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#define IS_POISONED(p) __asan_address_is_poisoned(p)
#else
#define POISON(p, n) ((void)(p))
#define UNPOISON(p, n) ((void)(p))
#define IS_POISONED(p) 0
#endif

#define ALIGN 16
#define PAGE_HEAD ALIGN /* the link, padded so that objects stay aligned */
#define PAGE_AIM 65536

struct free_obj {
	struct free_obj *next;
};

struct page {
	struct page *next;
};

static_assert(sizeof(struct page) <= PAGE_HEAD, "the link fits in front of the objects");

void slab_init(struct slab *s, size_t size, uint32_t limit)
{
	size_t fit;

	assert(size > 0);
	assert(size <= SIZE_MAX / 2);
	memset(s, 0, sizeof(*s));
	s->size = (size + ALIGN - 1) / ALIGN * ALIGN;
	s->limit = limit;
	fit = (PAGE_AIM - PAGE_HEAD) / s->size;
	if (fit > limit)
		fit = limit;
	s->per_page = fit ? (uint32_t)fit : 1;
}

static void push_free(struct slab *s, void *obj)
{
	struct free_obj *f = obj;

	f->next = s->free;
	s->free = f;
	POISON(obj, s->size);
}

static bool grow(struct slab *s)
{
	struct page *page = malloc(PAGE_HEAD + s->size * s->per_page);

	if (!page)
		return false;
	page->next = s->pages;
	s->pages = page;
	for (uint32_t i = s->per_page; i-- > 0;) /* backwards: the first object is the next out */
		push_free(s, (char *)page + PAGE_HEAD + s->size * i);
	return true;
}

void *slab_get_dirty(struct slab *s)
{
	struct free_obj *f;

	if ((s->fail_in && --s->fail_in == 0) || s->used >= s->limit || (!s->free && !grow(s))) {
		s->failed++;
		return NULL;
	}
	f = s->free;
	UNPOISON(f, s->size);
	s->free = f->next;
	if (++s->used > s->peak)
		s->peak = s->used;
	return f;
}

void *slab_get(struct slab *s)
{
	void *obj = slab_get_dirty(s);

	return obj ? memset(obj, 0, s->size) : NULL;
}

void slab_put(struct slab *s, void *obj)
{
	if (!obj)
		return;
	assert(s->used > 0);
	assert(!IS_POISONED(obj)); /* put twice */
	s->used--;
	push_free(s, obj);
}

void slab_free(struct slab *s)
{
	struct page *page = s->pages;

	assert(s->used == 0);
	while (page) {
		struct page *next = page->next;

		UNPOISON(page, PAGE_HEAD + s->size * s->per_page);
		free(page);
		page = next;
	}
	s->pages = s->free = NULL;
}
