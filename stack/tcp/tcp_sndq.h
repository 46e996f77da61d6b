/* The send queue: bytes that the user wrote and the peer has not acknowledged, as slices of counted
 * chunks. Retransmission reads from here; sent packets refer to the same chunks, without a copy.
 *
 * Offsets count from the first byte held (SND.UNA, as far as data goes). Looking one up is a binary
 * search over the slices. Small writes are copied behind each other into one chunk, whose size grows
 * with what the queue holds (2 kB, 16 kB, 68 kB), so that an idle or slow connection is cheap. */
#ifndef TCP_SNDQ_H
#define TCP_SNDQ_H

#include "../base/pkt.h"

struct sndq_part {
	struct chunk *chunk;
	uint32_t off, len;
	uint64_t pos; /* stream position of its first byte */
	bool eor;     /* its last byte ends a record: no segment reaches beyond */
};

struct sndq {
	struct sndq_part *part; /* ring of `cap` (a power of two), NULL while never used */
	uint32_t first, n, cap;
	uint32_t nmarks; /* parts with eor */
	uint32_t bytes;
	uint64_t pos; /* stream position of the first byte held */
	struct chunk *tail; /* being filled by our writes, with a reference of its own; or NULL */
	uint32_t reserved;  /* lent behind the tail's used bytes */
};

void sndq_init(struct sndq *);
void sndq_free(struct sndq *, struct pkt_pool *); /* drops everything and the ring */

/* Each returns the bytes taken, which are fewer only if memory is short. Limits are the caller's. */
uint32_t sndq_append(struct sndq *, struct pkt_pool *, const void *, uint32_t len);
bool sndq_append_slice(struct sndq *, struct pkt_pool *, struct chunk *, uint32_t off, uint32_t len);
void *sndq_reserve(struct sndq *, struct pkt_pool *, uint32_t *len); /* in: wanted, out: lent */
void sndq_commit(struct sndq *, uint32_t len);

/* The last byte queued ends a record. Nothing if the queue is empty. */
void sndq_mark(struct sndq *);
/* How many of the bytes [off, off+len) belong to the record that off is in; all without a mark. */
uint32_t sndq_within(const struct sndq *, uint32_t off, uint32_t len);
/* Do the bytes before `off` end a record? */
bool sndq_ends_record(const struct sndq *, uint32_t off);

void sndq_drop(struct sndq *, struct pkt_pool *, uint32_t n); /* n bytes off the front */
/* Copies the bytes [off, off+len). */
void sndq_copy_out(const struct sndq *, uint32_t off, uint32_t len, void *to);
/* Adds the bytes [off, off+len) to the pkt as slices; returns how many, fewer when its slices are
 * used up. */
uint32_t sndq_fill(const struct sndq *, uint32_t off, uint32_t len, struct pkt *);

#endif
