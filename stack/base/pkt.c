/* Frames and the chunks that hold their bytes. Invariants: `len` is head_len plus the slices;
 * `data` points into buf exactly when `chunk` is NULL; each slice and a chunk head hold one
 * reference. Objects come dirty from their slabs, since zeroing a 68 kB chunk for each frame would
 * cost more than the frame. */
#include "pkt.h"

#include <string.h>

#include "check.h"

static const uint32_t chunk_cap[CHUNK_CLASSES] = {2048, 16384, 69632};

#define DEFAULT_PKTS 65536
#define DEFAULT_CHUNK_BYTES (1u << 30)

static_assert(PKT_MAX_LEN <= 69632, "the largest frame fits in one chunk");

void pkt_pool_init(struct pkt_pool *pool, uint32_t pkts, uint32_t chunks_of_each_class)
{
	slab_init(&pool->pkts, sizeof(struct pkt), pkts ? pkts : DEFAULT_PKTS);
	for (int c = 0; c < CHUNK_CLASSES; c++) {
		uint32_t limit = chunks_of_each_class;

		if (!limit)
			limit = DEFAULT_CHUNK_BYTES / chunk_cap[c];
		slab_init(&pool->chunks[c], sizeof(struct chunk) + chunk_cap[c], limit);
	}
}

void pkt_pool_free(struct pkt_pool *pool)
{
	slab_free(&pool->pkts);
	for (int c = 0; c < CHUNK_CLASSES; c++)
		slab_free(&pool->chunks[c]);
}

struct chunk *chunk_new(struct pkt_pool *pool, enum chunk_class cls)
{
	struct chunk *c;

	assert(cls < CHUNK_CLASSES);
	c = slab_get_dirty(&pool->chunks[cls]);
	if (!c)
		return NULL;
	c->refs = 1;
	c->cap = chunk_cap[cls];
	c->used = 0;
	c->cls = (uint8_t)cls;
	return c;
}

struct chunk *chunk_for(struct pkt_pool *pool, size_t bytes)
{
	for (int cls = 0; cls < CHUNK_CLASSES; cls++)
		if (bytes <= chunk_cap[cls])
			return chunk_new(pool, (enum chunk_class)cls);
	return NULL;
}

void chunk_ref(struct chunk *c)
{
	assert(c->refs > 0);
	assert(c->refs < UINT32_MAX);
	c->refs++;
}

void chunk_unref(struct pkt_pool *pool, struct chunk *c)
{
	assert(c->refs > 0);
	if (--c->refs == 0)
		slab_put(&pool->chunks[c->cls], c);
}

struct pkt *pkt_new(struct pkt_pool *pool)
{
	struct pkt *p = slab_get_dirty(&pool->pkts);

	if (!p)
		return NULL;
	/* All but the slices, which nslices guards, and buf. */
	memset(p, 0, offsetof(struct pkt, slice));
	memset(&p->nslices, 0, offsetof(struct pkt, buf) - offsetof(struct pkt, nslices));
	list_init(&p->node);
	p->pool = pool;
	p->data = p->buf + PKT_BUF;
	return p;
}

static void drop_slices(struct pkt *p)
{
	while (p->nslices)
		chunk_unref(p->pool, p->slice[--p->nslices].chunk);
}

void pkt_free(struct pkt *p)
{
	if (!p)
		return;
	drop_slices(p);
	if (p->chunk)
		chunk_unref(p->pool, p->chunk);
	slab_put(&p->pool->pkts, p);
}

struct pkt *pkt_of_chunk(struct pkt_pool *pool, struct chunk *c, uint32_t off, uint32_t len)
{
	struct pkt *p;

	assert(off <= c->cap);
	assert(len <= c->cap - off);
	p = pkt_new(pool);
	if (!p) {
		chunk_unref(pool, c);
		return NULL;
	}
	p->chunk = c;
	p->data = c->data + off;
	p->head_len = p->len = len;
	return p;
}

struct pkt *pkt_of_bytes(struct pkt_pool *pool, const void *bytes, size_t len)
{
	struct pkt *p;
	struct chunk *c;

	if (len <= PKT_BUF) {
		p = pkt_new(pool);
		if (p && len)
			memcpy(pkt_push(p, (uint32_t)len), bytes, len);
		return p;
	}
	c = chunk_for(pool, len);
	if (!c)
		return NULL;
	memcpy(c->data, bytes, len);
	c->used = (uint32_t)len;
	return pkt_of_chunk(pool, c, 0, (uint32_t)len);
}

uint8_t *pkt_push(struct pkt *p, uint32_t n)
{
	const uint8_t *start = p->chunk ? p->chunk->data : p->buf;

	assert((size_t)(p->data - start) >= n);
	p->data -= n;
	p->head_len += n;
	p->len += n;
	return p->data;
}

void pkt_pull(struct pkt *p, uint32_t n)
{
	assert(n <= p->head_len);
	p->data += n;
	p->head_len -= n;
	p->len -= n;
}

void pkt_trim(struct pkt *p, uint32_t len)
{
	assert(len <= p->len);
	while (p->len > len && p->nslices) {
		struct slice *last = &p->slice[p->nslices - 1];
		uint32_t over = p->len - len;

		if (over < last->len) {
			last->len -= over;
			p->len = len;
			return;
		}
		p->len -= last->len;
		chunk_unref(p->pool, last->chunk);
		p->nslices--;
	}
	p->head_len -= p->len - len;
	p->len = len;
}

bool pkt_add_slice(struct pkt *p, struct chunk *c, uint32_t off, uint32_t len)
{
	struct slice *last = p->nslices ? &p->slice[p->nslices - 1] : NULL;

	assert(off <= c->cap);
	assert(len <= c->cap - off);
	if (len > PKT_MAX_LEN - p->len)
		return false;
	if (len == 0)
		return true;
	if (last && last->chunk == c && last->off + last->len == off) {
		last->len += len;
		p->len += len;
		return true;
	}
	if (p->nslices == PKT_SLICES)
		return false;
	chunk_ref(c);
	p->slice[p->nslices++] = (struct slice){c, off, len};
	p->len += len;
	return true;
}

bool pkt_append(struct pkt *p, const struct pkt *from, uint32_t off)
{
	uint32_t was = p->len, in_head = from->head_len - off;
	bool ok = true;

	assert(off <= from->head_len);
	if (in_head)
		ok = from->chunk && pkt_add_slice(p, from->chunk, (uint32_t)(from->data - from->chunk->data) + off, in_head);
	for (int i = 0; ok && i < from->nslices; i++)
		ok = pkt_add_slice(p, from->slice[i].chunk, from->slice[i].off, from->slice[i].len);
	if (!ok)
		pkt_trim(p, was);
	return ok;
}

/* The part of [*off, *off + *n) that lies within a piece of `len` bytes; moves *off to be relative
 * to the next piece. */
static uint32_t part_of(uint32_t len, uint32_t *off, uint32_t n)
{
	uint32_t part = 0;

	if (*off < len) {
		part = len - *off < n ? len - *off : n;
		*off = 0;
	} else {
		*off -= len;
	}
	return part;
}

void pkt_copy_out(const struct pkt *p, uint32_t off, void *to, uint32_t n)
{
	uint8_t *at = to;
	uint32_t from = off, part;

	assert(off <= p->len);
	assert(n <= p->len - off);
	part = part_of(p->head_len, &off, n);
	if (part)
		memcpy(at, p->data + from, part);
	for (int i = 0; part < n; i++) {
		uint32_t start = off, k = part_of(p->slice[i].len, &off, n - part);

		if (k)
			memcpy(at + part, p->slice[i].chunk->data + p->slice[i].off + start, k);
		part += k;
	}
}

static struct chunk *copy_to_chunk(struct pkt_pool *pool, const void *bytes, uint32_t n)
{
	struct chunk *c = chunk_for(pool, n);

	if (!c)
		return NULL;
	memcpy(c->data, bytes, n);
	c->used = n;
	return c;
}

int pkt_take_slices(const struct pkt *p, uint32_t off, uint32_t n, struct slice *out, int max)
{
	uint32_t from = off, part;
	int k = 0;

	assert(off <= p->len);
	assert(n <= p->len - off);
	part = part_of(p->head_len, &off, n);
	if (part && max < 1)
		return -1;
	if (part && p->chunk) {
		chunk_ref(p->chunk);
		from += (uint32_t)(p->data - p->chunk->data);
		out[k++] = (struct slice){p->chunk, from, part};
	} else if (part) {
		struct chunk *c = copy_to_chunk(p->pool, p->data + from, part);

		if (!c)
			return -1;
		out[k++] = (struct slice){c, 0, part};
	}
	for (int i = 0; part < n; i++) {
		const struct slice *s = &p->slice[i];
		uint32_t start = off, len = part_of(s->len, &off, n - part);

		if (!len)
			continue;
		if (k == max) {
			while (k)
				chunk_unref(p->pool, out[--k].chunk);
			return -1;
		}
		chunk_ref(s->chunk);
		out[k++] = (struct slice){s->chunk, s->off + start, len};
		part += len;
	}
	return k;
}

/* What is known of a frame, without its bytes and its place in a queue. */
static void copy_facts(struct pkt *to, const struct pkt *from)
{
	to->csum = from->csum;
	to->l4_proto = from->l4_proto;
	to->ce = from->ce;
	to->l3_off = from->l3_off;
	to->l4_off = from->l4_off;
	to->gso_size = from->gso_size;
	to->gso_segs = from->gso_segs;
	to->id = from->id;
	to->stamp = from->stamp;
	to->note = from->note;
}

struct pkt *pkt_dup(const struct pkt *p)
{
	struct pkt *d = pkt_of_bytes(p->pool, p->data, p->head_len);

	if (!d)
		return NULL;
	copy_facts(d, p);
	for (int i = 0; i < p->nslices; i++) {
		d->slice[i] = p->slice[i];
		chunk_ref(p->slice[i].chunk);
	}
	d->nslices = p->nslices;
	d->len = p->len;
	return d;
}

bool pkt_unshare(struct pkt *p)
{
	struct chunk *c;

	if (!p->nslices && (!p->chunk || p->chunk->refs == 1))
		return true;
	c = chunk_for(p->pool, p->len);
	if (!c)
		return false;
	pkt_copy_out(p, 0, c->data, p->len);
	c->used = p->len;
	drop_slices(p);
	if (p->chunk)
		chunk_unref(p->pool, p->chunk);
	p->chunk = c;
	p->data = c->data;
	p->head_len = p->len;
	return true;
}
