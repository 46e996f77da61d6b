/* Pools of equal objects with a stated limit. Objects come zeroed. Pages are taken from malloc as
 * the pool grows and given back only by slab_free, so that a segment's path never calls malloc once
 * the pool has reached its working size. */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <stddef.h>
#include <stdint.h>

struct slab {
	size_t size;           /* of one object, rounded up to 16 */
	uint32_t limit, used;  /* objects */
	uint32_t peak;
	uint64_t failed;       /* times the limit (or malloc) said no */
	uint32_t fail_in;      /* tests: the n-th slab_get from now fails; 0 = never */
	void *free;            /* singly linked */
	void *pages;           /* singly linked */
	uint32_t per_page;
};

void slab_init(struct slab *, size_t size, uint32_t limit);
void *slab_get(struct slab *);           /* gives, or NULL: limit reached or out of memory */
void *slab_get_dirty(struct slab *);     /* the same, but the bytes are whatever they were */
void slab_put(struct slab *, void *obj); /* takes; obj from the same slab, or NULL */
void slab_free(struct slab *);           /* asserts that nothing is in use */

#endif
