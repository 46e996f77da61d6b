/* The receive queue: what arrived in order and waits for the reader, and what arrived early.
 *
 * In order: a ring of slices. Early: sorted disjoint ranges, each with its slices; the number of
 * ranges and the bytes of memory held are bounded. The first copy of a byte wins: a byte once held,
 * acknowledged or SACKed, is never changed. Payloads under RCVQ_COPY bytes of a much larger chunk are
 * copied together, so that a small segment does not hold a large chunk. */
#ifndef TCP_RCVQ_H
#define TCP_RCVQ_H

#include "../base/pkt.h"
#include "../base/seqset.h"

#define RCVQ_COPY 512
#define RCVQ_RANGES 4096 /* early ranges; more are refused (the peer will resend) */
#define RCVQ_RECENT 8

struct rcvq_node; /* one early slice, in a list */

struct rcvq_range {
	seq_t lo, hi;
	struct rcvq_node *first, *last;
	uint32_t stamp; /* newest arrival wins the first SACK block (RFC 2018 4) */
};

struct rcvq {
	struct slice *ring; /* in order, unread; NULL while never used */
	uint32_t first, n, cap;
	uint32_t bytes;     /* in order, unread */
	struct rcvq_range *early; /* within early_mem: what goes at the front leaves its place unused */
	struct rcvq_range *early_mem;
	uint32_t nearly, cap_early;
	seq_t recent[RCVQ_RECENT]; /* a number in each of the ranges touched last, newest first; some may be gone */
	uint32_t nrecent;
	uint32_t early_bytes;
	uint32_t held;      /* memory that the slices pin: their bytes, and 64 for each as bookkeeping */
	uint32_t clock;     /* of arrivals */
	struct chunk *copy; /* small payloads are gathered here, with a reference of its own; or NULL */
	struct rcvq_node *free_nodes;
	struct rcvq_block *blocks; /* nodes come in blocks, given back when nothing is early */
	uint32_t nodes, nodes_cap;
};

struct rcvq_result {
	uint32_t accepted;  /* bytes stored that were not there before */
	uint32_t advanced;  /* by how much rcv.nxt moved */
	bool early;         /* (part of) it was stored out of order */
	bool filled;        /* it closed a hole or part of one: acknowledge at once (RFC 5681 4.2) */
	bool duplicate;     /* some of it was there already: `dup` is the first such range (RFC 2883) */
	struct seq_range dup;
	bool no_memory;     /* not stored for want of a chunk, a node or a range */
};

void rcvq_init(struct rcvq *);
void rcvq_free(struct rcvq *, struct pkt_pool *);
void rcvq_forget_early(struct rcvq *, struct pkt_pool *); /* what came in order stays readable */

/* Payload bytes [off, off+len) of p stand at seq; the caller has trimmed to the window. Moves *nxt.
 * What lies below *nxt is a duplicate. The pkt stays the caller's. */
struct rcvq_result rcvq_insert(struct rcvq *, const struct pkt *p, uint32_t off, uint32_t len, seq_t seq,
			       seq_t *nxt);
/* An early range that begins at *nxt becomes readable, which moves *nxt. Returns the bytes. */
uint32_t rcvq_join(struct rcvq *, struct pkt_pool *, seq_t *nxt);

const void *rcvq_peek(const struct rcvq *, uint32_t *len);      /* first contiguous piece */
void rcvq_consume(struct rcvq *, struct pkt_pool *, uint32_t n);
uint32_t rcvq_read(struct rcvq *, struct pkt_pool *, void *to, uint32_t max);
/* Moves whole or part slices to the caller, up to max bytes and *n slices. */
uint32_t rcvq_take(struct rcvq *, struct pkt_pool *, struct slice *, int *n, uint32_t max);

/* SACK blocks, the one that changed last first (RFC 2018 4); returns how many, at most 8. */
int rcvq_sacks(struct rcvq *, struct seq_range *out, int max);
seq_t rcvq_end(const struct rcvq *, seq_t nxt); /* behind the highest byte held, early ones included */
bool rcvq_check(const struct rcvq *, seq_t nxt); /* sorted, disjoint, above nxt, sums right */

#endif
