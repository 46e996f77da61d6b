/* The receive queue: reassembly, SACK blocks and zero-copy reading are three views of it.
 *
 * Decides which of a segment's bytes are new and where they are kept: in order, in a ring of slices;
 * early, in sorted disjoint ranges of nodes. The first copy of a byte wins (a later one that differs
 * is an attack or a broken peer; RFC 9293 3.10.7.4 lets us choose, and a byte once SACKed must not
 * change under the reader).
 *
 * Invariants: early ranges are sorted, not adjacent, and lie above rcv.nxt (at it only after memory
 * ran short); sums are right; an empty queue holds no chunk and no node.
 *
 *        read     in order      | hole |  early  | hole | early |
 *     ............[=============)      [=========)      [=======)
 *                               ^nxt   ^early[0].lo
 */
#include "tcp_rcvq.h"

#include <stdlib.h>
#include <string.h>

#include "../base/check.h"

#define RING_MIN 8             /* a ring no larger than this stays when the queue runs empty */
#define EARLY_MIN 8
#define PIECE_MAX (PKT_SLICES + 1)
#define NODES_PER_BLOCK 32
/* Early slices allowed: this many, and one more for every 128 early bytes. A peer that sends single
 * bytes from the top down makes a node for each; full segments never come near. */
#define NODES_FREE 1024
#define NODE_BYTES 128
#define SLICE_COST 64          /* bookkeeping counted for each slice in `held` */
#define COPY_WASTE 16          /* copy when a frame of our own would pin this many times its payload */

struct rcvq_node {
	struct rcvq_node *next;
	struct slice s;
};

struct rcvq_block {
	struct rcvq_block *next;
	struct rcvq_node node[NODES_PER_BLOCK];
};

void rcvq_init(struct rcvq *q)
{
	memset(q, 0, sizeof(*q));
}

/* ---- nodes: a free list, grown by blocks, given back when nothing is early ---- */

static bool nodes_room(struct rcvq *q, uint32_t n)
{
	if (q->nodes + n > NODES_FREE + q->early_bytes / NODE_BYTES)
		return false;
	while (q->nodes_cap - q->nodes < n) {
		struct rcvq_block *b = malloc(sizeof(*b));

		if (!b)
			return false;
		b->next = q->blocks;
		q->blocks = b;
		q->nodes_cap += NODES_PER_BLOCK;
		for (uint32_t i = 0; i < NODES_PER_BLOCK; i++) {
			b->node[i].next = q->free_nodes;
			q->free_nodes = &b->node[i];
		}
	}
	return true;
}

static struct rcvq_node *node_get(struct rcvq *q, struct slice s)
{
	struct rcvq_node *n = q->free_nodes;

	assert(n);
	q->free_nodes = n->next;
	q->nodes++;
	n->next = NULL;
	n->s = s;
	return n;
}

static void node_put(struct rcvq *q, struct rcvq_node *n)
{
	assert(q->nodes > 0);
	n->next = q->free_nodes;
	q->free_nodes = n;
	q->nodes--;
}

static void nodes_free(struct rcvq *q)
{
	assert(q->nodes == 0);
	while (q->blocks) {
		struct rcvq_block *b = q->blocks;

		q->blocks = b->next;
		free(b);
	}
	q->free_nodes = NULL;
	q->nodes_cap = 0;
}

/* ---- the ring of what is in order ---- */

static struct slice *slice_at(const struct rcvq *q, uint32_t i)
{
	return &q->ring[(q->first + i) & (q->cap - 1)];
}

static bool ring_room(struct rcvq *q, uint32_t n)
{
	uint32_t cap = q->cap ? q->cap : RING_MIN;

	while (cap - q->n < n)
		cap *= 2;
	if (cap == q->cap)
		return true;

	struct slice *ring = malloc(cap * sizeof(*ring));

	if (!ring)
		return false;
	for (uint32_t i = 0; i < q->n; i++)
		ring[i] = *slice_at(q, i);
	free(q->ring);
	q->ring = ring;
	q->first = 0;
	q->cap = cap;
	return true;
}

static bool follows(const struct slice *a, const struct slice *b)
{
	return a->chunk == b->chunk && a->off + a->len == b->off;
}

/* Takes the reference that s has. The caller has seen to the room. */
static void ring_push(struct rcvq *q, struct pkt_pool *pool, struct slice s)
{
	struct slice *last = q->n ? slice_at(q, q->n - 1) : NULL;

	q->bytes += s.len;
	if (last && follows(last, &s)) {
		last->len += s.len;
		chunk_unref(pool, s.chunk);
		return;
	}
	assert(q->n < q->cap);
	*slice_at(q, q->n++) = s;
}

static void ring_pop(struct rcvq *q)
{
	q->bytes -= slice_at(q, 0)->len;
	q->first = (q->first + 1) & (q->cap - 1);
	q->n--;
}

/* After every call: what an empty queue need not keep is given back. */
static void settle(struct rcvq *q, struct pkt_pool *pool)
{
	if (q->nearly == 0) {
		nodes_free(q);
		if (q->early) {
			free(q->early_mem);
			q->early = q->early_mem = NULL;
			q->cap_early = q->nrecent = 0;
		}
	}
	if (q->n == 0 && q->cap > RING_MIN) {
		free(q->ring);
		q->ring = NULL;
		q->first = q->cap = 0;
	}
	if (q->n == 0 && q->nearly == 0 && q->copy) {
		chunk_unref(pool, q->copy);
		q->copy = NULL;
	}
	q->held = q->bytes + q->early_bytes + SLICE_COST * (q->n + q->nodes);
}

void rcvq_forget_early(struct rcvq *q, struct pkt_pool *pool)
{
	for (uint32_t i = 0; i < q->nearly; i++) {
		for (struct rcvq_node *n = q->early[i].first, *next; n; n = next) {
			next = n->next;
			chunk_unref(pool, n->s.chunk);
			node_put(q, n);
		}
	}
	q->nearly = q->early_bytes = 0;
	settle(q, pool);
}

void rcvq_free(struct rcvq *q, struct pkt_pool *pool)
{
	while (q->n > 0) {
		chunk_unref(pool, slice_at(q, 0)->chunk);
		ring_pop(q);
	}
	rcvq_forget_early(q, pool);
	free(q->ring);
	q->ring = NULL;
	q->cap = q->first = 0;
}

/* ---- from a packet to slices ---- */

/* Small payloads are gathered, and so is one that would pin a big receive buffer all of its own. */
static bool wants_copy(const struct pkt *p, uint32_t off, uint32_t len)
{
	if (len < RCVQ_COPY)
		return true;
	return p->chunk && off < p->head_len && p->chunk->refs == 1 &&
	       (uint64_t)len * COPY_WASTE < p->chunk->cap;
}

static bool copy_room(struct rcvq *q, struct pkt_pool *pool, uint32_t len)
{
	if (q->copy && q->copy->refs == 1)
		q->copy->used = 0;
	if (q->copy && q->copy->cap - q->copy->used >= len)
		return true;

	bool more = q->bytes + q->early_bytes >= RCVQ_COPY || len >= RCVQ_COPY;
	struct chunk *c = chunk_new(pool, more ? CHUNK_MEDIUM : CHUNK_SMALL);

	if (!c && more && len < RCVQ_COPY)
		c = chunk_new(pool, CHUNK_SMALL);
	if (!c)
		return false;
	if (q->copy)
		chunk_unref(pool, q->copy);
	q->copy = c;
	return true;
}

/* Payload bytes [off, off+len) as slices with references of their own; -1: no memory. */
static int piece(struct rcvq *q, const struct pkt *p, uint32_t off, uint32_t len, struct slice *out)
{
	if (!wants_copy(p, off, len))
		return pkt_take_slices(p, off, len, out, PIECE_MAX);
	if (!copy_room(q, p->pool, len))
		return -1;

	struct chunk *c = q->copy;

	pkt_copy_out(p, off, c->data + c->used, len);
	out[0] = (struct slice){c, c->used, len};
	chunk_ref(c);
	c->used += len;
	return 1;
}

static void piece_unref(struct pkt_pool *pool, const struct slice *s, int n)
{
	for (int i = 0; i < n; i++)
		chunk_unref(pool, s[i].chunk);
}

static bool store_in_order(struct rcvq *q, const struct pkt *p, uint32_t off, uint32_t len)
{
	struct slice s[PIECE_MAX];
	int n = piece(q, p, off, len, s);

	if (n < 0)
		return false;
	if (!ring_room(q, (uint32_t)n)) {
		piece_unref(p->pool, s, n);
		return false;
	}
	for (int i = 0; i < n; i++)
		ring_push(q, p->pool, s[i]);
	return true;
}

/* ---- early ranges ---- */

/* The first range that ends at or above s. */
static uint32_t early_find(const struct rcvq *q, seq_t s)
{
	uint32_t lo = 0, hi = q->nearly;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (seq_lt(q->early[mid].hi, s))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Room for one more at the end. The unused front is taken up when it is as long as what follows, so that
 * each range is moved about once. */
static bool early_room(struct rcvq *q)
{
	uint32_t front = (uint32_t)(q->early - q->early_mem);

	if (q->nearly >= RCVQ_RANGES)
		return false;
	if (front + q->nearly < q->cap_early)
		return true;
	if (front > q->nearly) {
		memcpy(q->early_mem, q->early, q->nearly * sizeof(*q->early));
		q->early = q->early_mem;
		return true;
	}

	uint32_t cap = q->cap_early ? 2 * q->cap_early : EARLY_MIN;
	struct rcvq_range *mem = realloc(q->early_mem, cap * sizeof(*mem));

	if (!mem)
		return false;
	q->early_mem = mem;
	q->early = mem + front;
	q->cap_early = cap;
	return true;
}

static void early_remove(struct rcvq *q, uint32_t at, uint32_t n)
{
	if (n == 0)
		return;
	q->nearly -= n;
	if (at == 0)
		q->early += n;
	else
		memmove(&q->early[at], &q->early[at + n], (q->nearly - at) * sizeof(*q->early));
}

/* r was touched: it is the newest, under one name. */
static void note_recent(struct rcvq *q, const struct rcvq_range *r)
{
	uint32_t n = 1;
	seq_t kept[RCVQ_RECENT] = {seq_add(r->hi, -1)};

	for (uint32_t i = 0; i < q->nrecent && n < RCVQ_RECENT; i++)
		if (!seq_in(q->recent[i], r->lo, r->hi))
			kept[n++] = q->recent[i];
	memcpy(q->recent, kept, sizeof(kept));
	q->nrecent = n;
}

static void range_append(struct rcvq_range *r, struct rcvq_node *first, struct rcvq_node *last)
{
	if (r->last)
		r->last->next = first;
	else
		r->first = first;
	r->last = last;
}

/* Moves the lowest range into the ring: it begins at *nxt. False: the ring could not grow, and the
 * rest of it stays early. */
static bool splice_lowest(struct rcvq *q, struct pkt_pool *pool, seq_t *nxt)
{
	struct rcvq_range *r = &q->early[0];

	while (r->first) {
		struct rcvq_node *n = r->first;

		if (!ring_room(q, 1))
			return false;
		r->first = n->next;
		r->lo = seq_add(r->lo, n->s.len);
		q->early_bytes -= n->s.len;
		*nxt = seq_add(*nxt, n->s.len);
		ring_push(q, pool, n->s);
		node_put(q, n);
	}
	early_remove(q, 0, 1);
	return true;
}

static void note_duplicate(struct rcvq_result *r, seq_t lo, seq_t hi)
{
	if (r->duplicate)
		return;
	r->duplicate = true;
	r->dup = (struct seq_range){lo, hi};
}

/* One gap's bytes [lo, hi) as a list of nodes at the end of *r (which may be empty). */
static bool store_early(struct rcvq *q, const struct pkt *p, uint32_t off, uint32_t len,
			struct rcvq_range *r)
{
	struct slice s[PIECE_MAX];

	if (!nodes_room(q, PIECE_MAX))
		return false;

	int n = piece(q, p, off, len, s);

	if (n < 0)
		return false;
	for (int i = 0; i < n; i++) {
		if (r->last && follows(&r->last->s, &s[i])) {
			r->last->s.len += s[i].len;
			chunk_unref(p->pool, s[i].chunk);
			continue;
		}
		struct rcvq_node *node = node_get(q, s[i]);

		range_append(r, node, node);
	}
	r->hi = seq_add(r->hi, len);
	q->early_bytes += len;
	return true;
}

/* [lo, hi) lies above *nxt. Ranges i..j-1 touch it; they and the gaps between them become one.
 *
 *     early      [==i==)     [==i+1==)   [=j=
 *     segment  [................)
 */
static void insert_early(struct rcvq *q, const struct pkt *p, uint32_t off, seq_t lo, seq_t hi,
			 struct rcvq_result *res)
{
	uint32_t i = early_find(q, lo), j = i;
	struct rcvq_range one = {.lo = lo, .hi = lo};
	seq_t at = lo; /* all below is dealt with */

	if (i < q->nearly && seq_le(q->early[i].lo, lo)) { /* it begins in or right behind a range */
		one = q->early[j++];
		if (seq_lt(lo, one.hi))
			note_duplicate(res, lo, seq_min(hi, one.hi));
		at = seq_max(lo, one.hi);
	} else if ((i == q->nearly || seq_gt(q->early[i].lo, hi)) && !early_room(q)) {
		res->no_memory = true; /* it would be a range of its own */
		return;
	}
	for (;;) {
		bool next = j < q->nearly && seq_le(q->early[j].lo, hi);
		seq_t end = next ? q->early[j].lo : hi;

		if (seq_lt(at, end)) {
			uint32_t n = (uint32_t)seq_diff(end, at);

			if (!store_early(q, p, off + (uint32_t)seq_diff(at, lo), n, &one)) {
				res->no_memory = true;
				break;
			}
			res->accepted += n;
			res->early = true;
			at = end;
		}
		if (!next)
			break;

		const struct rcvq_range *r = &q->early[j++];

		if (seq_lt(r->lo, hi))
			note_duplicate(res, r->lo, seq_min(hi, r->hi));
		range_append(&one, r->first, r->last);
		one.hi = r->hi;
		at = r->hi;
		if (seq_ge(at, hi))
			break;
	}
	if (!one.first)
		return;
	one.stamp = ++q->clock; /* RFC 2018 4: first the block of the segment that came last */
	if (i == j) {
		assert((uint32_t)(q->early - q->early_mem) + q->nearly < q->cap_early); /* early_room, above */
		memmove(&q->early[i + 1], &q->early[i], (q->nearly - i) * sizeof(*q->early));
		q->nearly++;
	} else {
		early_remove(q, i + 1, j - i - 1);
	}
	q->early[i] = one;
	note_recent(q, &one);
}

/* [lo, hi) begins at *nxt: its new bytes, and the ranges that it reaches, become readable. */
static void insert_in_order(struct rcvq *q, const struct pkt *p, uint32_t off, seq_t lo, seq_t hi, seq_t *nxt,
			    struct rcvq_result *res)
{
	res->filled = q->nearly > 0;
	for (;;) {
		if (q->nearly && seq_eq(q->early[0].lo, *nxt)) {
			seq_t end = q->early[0].hi;

			if (seq_lt(*nxt, hi))
				note_duplicate(res, *nxt, seq_min(hi, end));
			if (!splice_lowest(q, p->pool, nxt)) {
				res->no_memory = true;
				return;
			}
			continue;
		}
		if (seq_ge(*nxt, hi))
			return;

		seq_t end = q->nearly ? seq_min(hi, q->early[0].lo) : hi;
		uint32_t n = (uint32_t)seq_diff(end, *nxt);

		if (!store_in_order(q, p, off + (uint32_t)seq_diff(*nxt, lo), n)) {
			res->no_memory = true;
			return;
		}
		res->accepted += n;
		*nxt = end;
	}
}

struct rcvq_result rcvq_insert(struct rcvq *q, const struct pkt *p, uint32_t off, uint32_t len, seq_t seq,
			       seq_t *nxt)
{
	struct rcvq_result res = {0};
	seq_t hi = seq_add(seq, len), before = *nxt;

	assert(off <= p->len && len <= p->len - off);
	if (len == 0)
		return res;
	if (seq_lt(seq, *nxt)) {
		note_duplicate(&res, seq, seq_min(hi, *nxt));
		if (seq_le(hi, *nxt))
			return res;
		off += (uint32_t)seq_diff(*nxt, seq);
		seq = *nxt;
	}
	if (seq_eq(seq, *nxt))
		insert_in_order(q, p, off, seq, hi, nxt, &res);
	else
		insert_early(q, p, off, seq, hi, &res);
	res.advanced = (uint32_t)seq_diff(*nxt, before);
	settle(q, p->pool);
	return res;
}

uint32_t rcvq_join(struct rcvq *q, struct pkt_pool *pool, seq_t *nxt)
{
	seq_t before = *nxt;

	while (q->nearly && seq_eq(q->early[0].lo, *nxt) && splice_lowest(q, pool, nxt))
		;
	settle(q, pool);
	return (uint32_t)seq_diff(*nxt, before);
}

/* ---- reading ---- */

const void *rcvq_peek(const struct rcvq *q, uint32_t *len)
{
	*len = 0;
	if (q->n == 0)
		return NULL;

	const struct slice *s = slice_at(q, 0);

	*len = s->len;
	return s->chunk->data + s->off;
}

static void cut_front(struct rcvq *q, struct slice *s, uint32_t n)
{
	s->off += n;
	s->len -= n;
	q->bytes -= n;
}

void rcvq_consume(struct rcvq *q, struct pkt_pool *pool, uint32_t n)
{
	assert(n <= q->bytes);
	while (n > 0) {
		struct slice *s = slice_at(q, 0);

		if (n < s->len) {
			cut_front(q, s, n);
			break;
		}
		n -= s->len;
		chunk_unref(pool, s->chunk);
		ring_pop(q);
	}
	settle(q, pool);
}

uint32_t rcvq_read(struct rcvq *q, struct pkt_pool *pool, void *to, uint32_t max)
{
	uint32_t done = 0, want = max < q->bytes ? max : q->bytes;

	for (uint32_t i = 0; done < want; i++) {
		const struct slice *s = slice_at(q, i);
		uint32_t n = s->len < want - done ? s->len : want - done;

		memcpy((char *)to + done, s->chunk->data + s->off, n);
		done += n;
	}
	rcvq_consume(q, pool, done);
	return done;
}

uint32_t rcvq_take(struct rcvq *q, struct pkt_pool *pool, struct slice *out, int *n, uint32_t max)
{
	uint32_t done = 0;
	int room = *n;

	*n = 0;
	while (*n < room && done < max && q->n > 0) {
		struct slice *s = slice_at(q, 0);
		uint32_t left = max - done;

		out[*n] = *s;
		if (s->len > left) {
			out[*n].len = left;
			chunk_ref(s->chunk);
			cut_front(q, s, left);
		} else {
			ring_pop(q); /* the reference goes along */
		}
		done += out[(*n)++].len;
	}
	settle(q, pool);
	return done;
}

/* ---- SACK ---- */

/* The most recent ranges by their stamps. */
static void find_recent(struct rcvq *q)
{
	uint32_t stamp[RCVQ_RECENT], n = 0;

	for (uint32_t i = 0; i < q->nearly; i++) {
		const struct rcvq_range *r = &q->early[i];
		uint32_t at = n;

		while (at > 0 && (int32_t)(r->stamp - stamp[at - 1]) > 0)
			at--;
		if (at == RCVQ_RECENT)
			continue;
		if (n < RCVQ_RECENT)
			n++;
		for (uint32_t k = n - 1; k > at; k--) {
			stamp[k] = stamp[k - 1];
			q->recent[k] = q->recent[k - 1];
		}
		stamp[at] = r->stamp;
		q->recent[at] = seq_add(r->hi, -1);
	}
	q->nrecent = n;
}

/* Those of the recent ranges that are still there. */
static int take_recent(struct rcvq *q, struct seq_range *out, int max)
{
	uint32_t kept = 0;
	int n = 0;

	for (uint32_t i = 0; i < q->nrecent; i++) {
		seq_t s = q->recent[i];
		uint32_t at = early_find(q, seq_add(s, 1)); /* it ends above s */

		if (at == q->nearly || !seq_in(s, q->early[at].lo, q->early[at].hi))
			continue;
		q->recent[kept++] = s;
		if (n < max)
			out[n++] = (struct seq_range){q->early[at].lo, q->early[at].hi};
	}
	q->nrecent = kept;
	return n;
}

int rcvq_sacks(struct rcvq *q, struct seq_range *out, int max)
{
	assert(max >= 0);
	if (max > RCVQ_RECENT)
		max = RCVQ_RECENT;

	int n = take_recent(q, out, max);

	if (n == max || (uint32_t)n == q->nearly)
		return n;
	find_recent(q); /* seldom: five of eight were filled up from below since */
	return take_recent(q, out, max);
}

seq_t rcvq_end(const struct rcvq *q, seq_t nxt)
{
	return q->nearly ? seq_max(nxt, q->early[q->nearly - 1].hi) : nxt;
}

/* ---- check ---- */

static bool range_check(const struct rcvq_range *r, uint32_t *bytes, uint32_t *nodes)
{
	uint32_t sum = 0;
	const struct rcvq_node *last = NULL;

	for (const struct rcvq_node *n = r->first; n; last = n, n = n->next) {
		if (n->s.len == 0 || n->s.off + n->s.len > n->s.chunk->cap)
			return false;
		sum += n->s.len;
		++*nodes;
	}
	*bytes += sum;
	return last && last == r->last && seq_lt(r->lo, r->hi) && sum == (uint32_t)seq_diff(r->hi, r->lo);
}

bool rcvq_check(const struct rcvq *q, seq_t nxt)
{
	uint32_t bytes = 0, early = 0, nodes = 0;

	for (uint32_t i = 0; i < q->n; i++) {
		const struct slice *s = slice_at(q, i);

		if (s->len == 0 || s->off + s->len > s->chunk->cap)
			return false;
		bytes += s->len;
	}
	for (uint32_t i = 0; i < q->nearly; i++) {
		const struct rcvq_range *r = &q->early[i];

		if (!range_check(r, &early, &nodes))
			return false;
		if (i == 0 ? seq_lt(r->lo, nxt) : seq_le(r->lo, q->early[i - 1].hi))
			return false;
	}
	return bytes == q->bytes && early == q->early_bytes && nodes == q->nodes && q->nodes <= q->nodes_cap &&
	       q->nearly <= RCVQ_RANGES;
}
