/* One frame on its way: a contiguous head, then up to PKT_SLICES references to counted chunks.
 *
 * The head is either in the pkt's own buf (headers that we write, backwards from the payload side)
 * or inside a chunk (a frame that a device filled). Everything that parses looks only at the head;
 * a frame's headers are always wholly in the head: our own are written there, and a device's frame
 * lies there from its first to its last byte.
 *
 * A pkt has exactly one owner. `input` takes it, `output` gives it. pkts and chunks come from a
 * pool that one driver lends to all stacks and links of its world, since in the simulator frames
 * travel from stack to stack without a copy of their payload. */
#ifndef BASE_PKT_H
#define BASE_PKT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "list.h"
#include "seq.h"
#include "slab.h"
#include "time.h"

#define PKT_BUF 256    /* head room for Ethernet + VLAN + IPv6 + TCP with options, and short frames */
#define PKT_SLICES 7   /* 64 kB of stream over chunks of 16 kB and an odd start */
#define PKT_MAX_LEN 65600

enum chunk_class { CHUNK_SMALL, CHUNK_MEDIUM, CHUNK_LARGE, CHUNK_CLASSES };
/* Capacities: SMALL 2 kB (one frame), MEDIUM 16 kB, LARGE 68 kB (one TSO frame with its headers). */

struct chunk {
	uint32_t refs;
	uint32_t cap, used; /* bytes of data[]; `used` serves whoever fills it front to back */
	uint8_t cls;
	_Alignas(16) uint8_t data[];
};

struct slice {
	struct chunk *chunk;
	uint32_t off, len;
};

/* What is known of the transport checksum (the IPv4 header's is always in the bytes). */
enum pkt_csum {
	CSUM_UNKNOWN,  /* bytes as they came from outside: verify */
	CSUM_VERIFIED, /* checked, by us or by the device: bytes are right */
	CSUM_PARTIAL,  /* right by construction, but not in the bytes: whoever shows the bytes to the
			* outside (a device without offload, a capture, a corruption) completes them */
};

/* Why a segment was sent: for captures, probes and counters. */
enum send_why {
	WHY_NEW,       /* nothing special: new data or a pure ACK */
	WHY_RECOVERY,  /* fast retransmission: SACK, duplicate ACKs or RACK */
	WHY_RTO,       /* the segment that the retransmission timer resent */
	WHY_GO_BACK,   /* resent after an RTO without a further one */
	WHY_TLP,       /* tail loss probe (RFC 8985 7) */
	WHY_SYN,       /* SYN again */
	WHY_SYN_ACK,   /* SYN-ACK again */
	WHY_FIN,       /* FIN again, without data */
	WHY_PERSIST,   /* zero-window probe */
	WHY_KEEPALIVE,
	WHY_LIMITED,   /* new data by limited transmit (RFC 3042) */
	WHY_CHALLENGE, /* challenge ACK (RFC 5961) */
	WHY_MTU_PROBE,
	WHY_COUNT,
};

struct pkt_note {
	uint8_t why;        /* enum send_why */
	uint8_t xmit;       /* how often these bytes were sent, this time included */
	uint8_t dupacks;    /* recovery: duplicate ACKs or SACKed segments that set it off */
	uint32_t lo, hi;    /* relative stream bytes of the unit (0 = first data byte) */
	uint32_t cwnd, ssthresh, cwnd_before;
	ns_t rto;           /* the timer's value for WHY_RTO and WHY_TLP */
	ns_t outstanding;   /* how long the resent bytes had been outstanding */
};

struct pkt {
	struct list node; /* in whatever queue the owner keeps */
	struct pkt_pool *pool;
	uint8_t *data;    /* the head's first byte */
	uint32_t head_len;
	uint32_t len;     /* head_len plus all slices */
	struct chunk *chunk; /* holds data, or NULL: data is in buf */
	struct slice slice[PKT_SLICES];
	uint8_t nslices;
	uint8_t csum;      /* enum pkt_csum */
	uint8_t l4_proto;  /* 6 or 17; for CSUM_PARTIAL and gso */
	bool ce;           /* scratch for the path: congestion experienced was set */
	uint16_t l3_off;   /* of the IP header from data; valid from ip_out or ip_in on */
	uint16_t l4_off;   /* of the transport header from data */
	uint16_t gso_size; /* payload bytes per segment; 0: the pkt is one frame */
	uint16_t gso_segs; /* received: segments that gro or the device merged; 0 = 1 */
	uint64_t id;       /* of the frame within its world; set by stack_output */
	ns_t stamp;        /* scratch for links and paths */
	struct pkt_note note;
	uint8_t buf[PKT_BUF];
};

struct pkt_pool {
	struct slab pkts;
	struct slab chunks[CHUNK_CLASSES];
};

/* Limits in objects; 0 means the default (65,536 pkts; chunks for 1 GB). */
void pkt_pool_init(struct pkt_pool *, uint32_t pkts, uint32_t chunks_of_each_class);
void pkt_pool_free(struct pkt_pool *); /* asserts that nothing is out */

struct chunk *chunk_new(struct pkt_pool *, enum chunk_class); /* refs 1, used 0; NULL: none left */
struct chunk *chunk_for(struct pkt_pool *, size_t bytes);     /* the smallest class that holds it */
void chunk_ref(struct chunk *);
void chunk_unref(struct pkt_pool *, struct chunk *);

struct pkt *pkt_new(struct pkt_pool *); /* empty head at the end of buf; NULL: none left */
void pkt_free(struct pkt *);            /* takes; NULL is fine */

/* A pkt whose head is the `len` bytes at `off` of chunk c (takes the reference). */
struct pkt *pkt_of_chunk(struct pkt_pool *, struct chunk *c, uint32_t off, uint32_t len);
/* A pkt with a copy of these bytes as its head (buf if they fit, else a chunk). */
struct pkt *pkt_of_bytes(struct pkt_pool *, const void *bytes, size_t len);

uint8_t *pkt_push(struct pkt *, uint32_t n);  /* n bytes in front of the head; asserts the room */
void pkt_pull(struct pkt *, uint32_t n);      /* n bytes off the front of the head */
void pkt_trim(struct pkt *, uint32_t len);    /* cut to len bytes from the end (trailers) */
bool pkt_add_slice(struct pkt *, struct chunk *, uint32_t off, uint32_t len); /* takes a new ref */

/* Adds what `from` has from off on (within its head), by reference. False, and nothing is added: it lies in
 * the pkt's own buf, or in too many pieces. */
bool pkt_append(struct pkt *, const struct pkt *from, uint32_t off);

/* Copies bytes [off, off+n) of the whole frame. */
void pkt_copy_out(const struct pkt *, uint32_t off, void *to, uint32_t n);
/* Copies frame bytes from off on into new slices' form: a view of the payload as slices, each
 * with a reference of its own (bytes in buf are copied into a chunk). Returns the number of
 * slices, -1 if memory is short (then nothing is held). */
int pkt_take_slices(const struct pkt *, uint32_t off, uint32_t n, struct slice *out, int max);

/* A second pkt with the same bytes: slices shared, head copied. */
struct pkt *pkt_dup(const struct pkt *);
/* One whose bytes are its own and lie wholly in the head, for whoever wants to change them. */
bool pkt_unshare(struct pkt *);

#endif
