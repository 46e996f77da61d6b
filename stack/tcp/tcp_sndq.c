/* The send queue: a ring of parts, each a run of bytes within one counted chunk.
 *
 * Decides how the user's bytes are laid out in memory. Small writes fill the `tail` chunk one behind
 * the other; its class follows what the queue holds. Bytes once queued never move and never change,
 * since packets under way refer to them; new bytes only go behind chunk->used.
 *
 * A record's end is a mark on a part, which nothing joins any more.
 *
 * Invariants: parts are consecutive in the stream and never empty; bytes is their sum; an empty queue
 * holds no chunk, unless one was lent by sndq_reserve. */
#include "tcp_sndq.h"

#include <stdlib.h>
#include <string.h>

#include "../base/check.h"

#define RING_MIN 4   /* parts; a ring no larger than this stays when the queue runs empty */
#define MEDIUM_FROM 2048
#define LARGE_FROM (64 * 1024)

void sndq_init(struct sndq *q)
{
	memset(q, 0, sizeof(*q));
}

static struct sndq_part *part_at(const struct sndq *q, uint32_t i)
{
	return &q->part[(q->first + i) & (q->cap - 1)];
}

static bool ring_room(struct sndq *q)
{
	if (q->n < q->cap)
		return true;

	uint32_t cap = q->cap ? 2 * q->cap : RING_MIN;
	struct sndq_part *part = malloc(cap * sizeof(*part));

	if (!part)
		return false;
	for (uint32_t i = 0; i < q->n; i++)
		part[i] = *part_at(q, i);
	free(q->part);
	q->part = part;
	q->first = 0;
	q->cap = cap;
	return true;
}

static void ring_free(struct sndq *q)
{
	free(q->part);
	q->part = NULL;
	q->first = q->cap = 0;
}

static void drop_tail(struct sndq *q, struct pkt_pool *pool)
{
	if (q->tail)
		chunk_unref(pool, q->tail);
	q->tail = NULL;
}

/* The empty queue of an idle connection costs next to nothing. */
static void rest(struct sndq *q, struct pkt_pool *pool)
{
	if (q->bytes > 0 || q->reserved > 0)
		return;
	drop_tail(q, pool);
	if (q->cap > RING_MIN)
		ring_free(q);
}

void sndq_free(struct sndq *q, struct pkt_pool *pool)
{
	q->reserved = 0;
	sndq_drop(q, pool, q->bytes);
	drop_tail(q, pool);
	ring_free(q);
}

/* Room behind the tail chunk's used bytes, from a new chunk if it is full. `want` only guides the
 * choice of class. */
static bool tail_room(struct sndq *q, struct pkt_pool *pool, uint32_t want)
{
	if (q->tail && q->tail->used < q->tail->cap)
		return true;

	uint64_t total = (uint64_t)q->bytes + want;
	int cls = total > LARGE_FROM ? CHUNK_LARGE : total > MEDIUM_FROM ? CHUNK_MEDIUM : CHUNK_SMALL;
	struct chunk *c = NULL;

	while (!c && cls >= CHUNK_SMALL)
		c = chunk_new(pool, (enum chunk_class)cls--);
	if (!c)
		return false;
	drop_tail(q, pool);
	q->tail = c;
	return true;
}

/* Bytes [off, off+len) of c join the queue; takes a reference if they need a part of their own. The
 * caller has seen to it that there is room in the ring. */
static void push(struct sndq *q, struct chunk *c, uint32_t off, uint32_t len)
{
	struct sndq_part *last = q->n ? part_at(q, q->n - 1) : NULL;

	if (last && !last->eor && last->chunk == c && last->off + last->len == off) {
		last->len += len;
	} else {
		assert(q->n < q->cap);
		*part_at(q, q->n++) = (struct sndq_part){c, off, len, q->pos + q->bytes, false};
		chunk_ref(c);
	}
	q->bytes += len;
}

uint32_t sndq_append(struct sndq *q, struct pkt_pool *pool, const void *from, uint32_t len)
{
	uint32_t done = 0;

	assert(len <= UINT32_MAX - q->bytes);
	q->reserved = 0;
	while (done < len && ring_room(q) && tail_room(q, pool, len - done)) {
		struct chunk *c = q->tail;
		uint32_t room = c->cap - c->used, n = len - done < room ? len - done : room;

		memcpy(c->data + c->used, (const char *)from + done, n);
		push(q, c, c->used, n);
		c->used += n;
		done += n;
	}
	rest(q, pool);
	return done;
}

bool sndq_append_slice(struct sndq *q, struct pkt_pool *pool, struct chunk *c, uint32_t off, uint32_t len)
{
	(void)pool;
	assert(off <= c->cap && len <= c->cap - off);
	assert(len <= UINT32_MAX - q->bytes);
	q->reserved = 0;
	if (len == 0)
		return true;
	if (!ring_room(q))
		return false;
	push(q, c, off, len);
	return true;
}

void *sndq_reserve(struct sndq *q, struct pkt_pool *pool, uint32_t *len)
{
	/* A ring slot is taken care of now, so that commit cannot fail. */
	if (*len == 0 || !ring_room(q) || !tail_room(q, pool, *len)) {
		q->reserved = *len = 0;
		return NULL;
	}

	uint32_t room = q->tail->cap - q->tail->used;

	if (*len > room)
		*len = room;
	q->reserved = *len;
	return q->tail->data + q->tail->used;
}

void sndq_commit(struct sndq *q, uint32_t len)
{
	assert(len <= q->reserved);
	assert(len <= UINT32_MAX - q->bytes);
	q->reserved = 0;
	if (len == 0)
		return;
	push(q, q->tail, q->tail->used, len);
	q->tail->used += len;
}

void sndq_drop(struct sndq *q, struct pkt_pool *pool, uint32_t n)
{
	assert(n <= q->bytes);
	q->bytes -= n;
	q->pos += n;
	while (n > 0) {
		struct sndq_part *p = part_at(q, 0);

		if (n < p->len) {
			p->off += n;
			p->len -= n;
			p->pos += n;
			break;
		}
		n -= p->len;
		q->nmarks -= p->eor;
		chunk_unref(pool, p->chunk);
		q->first = (q->first + 1) & (q->cap - 1);
		q->n--;
	}
	rest(q, pool);
}

/* Index of the part that holds stream position pos, which must be within the queue. */
static uint32_t find(const struct sndq *q, uint64_t pos)
{
	uint32_t lo = 0, hi = q->n - 1;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo + 1) / 2;

		if (part_at(q, mid)->pos <= pos)
			lo = mid;
		else
			hi = mid - 1;
	}
	return lo;
}

void sndq_mark(struct sndq *q)
{
	struct sndq_part *last = q->n ? part_at(q, q->n - 1) : NULL;

	if (!last || last->eor)
		return;
	last->eor = true;
	q->nmarks++;
}

uint32_t sndq_within(const struct sndq *q, uint32_t off, uint32_t len)
{
	assert(off <= q->bytes && len <= q->bytes - off);
	if (!q->nmarks || !len)
		return len;

	uint64_t pos = q->pos + off;

	for (uint32_t i = find(q, pos); i < q->n; i++) {
		const struct sndq_part *p = part_at(q, i);
		uint64_t upto = p->pos + p->len - pos;

		if (upto >= len)
			return len;
		if (p->eor)
			return (uint32_t)upto;
	}
	return len;
}

bool sndq_ends_record(const struct sndq *q, uint32_t off)
{
	assert(off <= q->bytes);
	if (!q->nmarks || !off)
		return false;
	const struct sndq_part *p = part_at(q, find(q, q->pos + off - 1));

	return p->eor && p->pos + p->len == q->pos + off;
}

void sndq_copy_out(const struct sndq *q, uint32_t off, uint32_t len, void *to)
{
	uint32_t done = 0;

	assert(off <= q->bytes && len <= q->bytes - off);
	if (len == 0)
		return;

	uint64_t pos = q->pos + off;

	for (uint32_t i = find(q, pos); done < len; i++) {
		const struct sndq_part *p = part_at(q, i);
		uint32_t skip = (uint32_t)(pos + done - p->pos), n = p->len - skip;

		if (n > len - done)
			n = len - done;
		memcpy((char *)to + done, p->chunk->data + p->off + skip, n);
		done += n;
	}
}

uint32_t sndq_fill(const struct sndq *q, uint32_t off, uint32_t len, struct pkt *to)
{
	uint32_t done = 0;

	assert(off <= q->bytes && len <= q->bytes - off);
	if (len == 0)
		return 0;

	uint64_t pos = q->pos + off;

	for (uint32_t i = find(q, pos); done < len; i++) {
		const struct sndq_part *p = part_at(q, i);
		uint32_t skip = (uint32_t)(pos + done - p->pos), n = p->len - skip;

		if (n > len - done)
			n = len - done;
		if (!pkt_add_slice(to, p->chunk, p->off + skip, n))
			break;
		done += n;
	}
	return done;
}
