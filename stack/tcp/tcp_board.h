/* The scoreboard: one record for each segment sent and not yet acknowledged, in sequence order, and
 * threaded in the order of their latest transmission.
 *
 * Records have numbers that only grow; the ring is indexed by them. What an ACK costs is what it
 * newly tells: a SACK block is compared with the set of ranges already known, and only the new pieces
 * are looked up by binary search. Lost records wait in a bitmap for retransmission, lowest first.
 *
 *     pipe = sent - sacked - lost + retransmitted        (RFC 6675 4, in bytes)               */
#ifndef TCP_BOARD_H
#define TCP_BOARD_H

#include <stdbool.h>

#include "../base/pkt.h"
#include "../base/seqset.h"
#include "../base/time.h"
#include "tcp_rate.h"

enum rec_flag {
	REC_SACKED = 1,
	REC_LOST = 2,     /* marked lost; if not also REC_FLYING it waits for retransmission */
	REC_FLYING = 4,   /* a retransmission of it is in flight; without REC_LOST beside the original */
	REC_EVER = 8,     /* was retransmitted at some time: its RTT is ambiguous */
	REC_FIN = 16,     /* its last number is the FIN */
};

#define REC_NONE UINT32_MAX

struct rec {
	seq_t lo, hi;       /* [lo, hi), the FIN counted */
	ns_t sent;          /* latest transmission */
	ns_t first_sent;    /* first transmission */
	struct rate_snap snap;
	uint32_t prev, next; /* in order of `sent`; only records that are neither SACKed nor lost-and-waiting */
	uint8_t flags, xmits;
};

struct board {
	struct rec *ring;    /* NULL while nothing was ever in flight */
	uint64_t *lost;      /* bitmap over the ring: marked lost, not sacked, not flying */
	uint32_t cap;        /* power of two, at least 64 */
	uint32_t first, end; /* record numbers [first, end) */
	uint32_t time_first, time_last; /* oldest and newest transmission, REC_NONE if none */
	uint32_t lost_hint;  /* no waiting record is numbered below it */
	uint32_t nwaiting;
	struct seqset sacked;
	uint32_t sent_bytes, sacked_bytes, lost_bytes, flying_bytes;
	uint32_t nsacked, nlost, nflying; /* records */
};

/* What one ACK told: filled by board_ack and board_sack, read by loss detection and rate control. */
struct ack_news {
	uint32_t acked, sacked;     /* bytes newly acknowledged cumulatively, selectively */
	uint32_t delivered;         /* without counting twice what had been SACKed before */
	uint32_t nacked, nsacked;   /* records */
	uint32_t ndelivered;        /* the same without counting twice (by the board_fn) */
	uint32_t lost;              /* bytes newly marked lost (by loss detection) */
	uint32_t ce_bytes;          /* of `delivered`: reported as marked (tcp_ecn.c) */
	bool ece;                   /* a mark is reported */
	bool una_moved;
	bool orig_delivered;        /* a record of this episode that was never resent (set by the board_fn) */
	bool retrans_delivered;     /* one that was (likewise) */
	bool dup_ack;               /* in the sense of RFC 5681 2, or a SACK with news */
	bool echo;                  /* ts_ecr tells which transmission filled in at SND.UNA */
	uint32_t ts_ecr;
	bool dsack;                 /* the first block was a D-SACK (RFC 2883) */
	struct seq_range dsack_range;
	bool reordering;            /* something arrived below prior_fack */
	ns_t rack_sent;             /* latest transmission among them that counts for RACK; 0: none (by the board_fn) */
	seq_t prior_fack;           /* highest number known to have arrived before this ACK */
	bool fin_acked;
	ns_t rtt;                   /* from the newest record that was never retransmitted; -1: none */
	ns_t first_rtt;             /* from the eldest such (for SRTT, as it holds the delayed ACK) */
	struct rate_sample rate;
};

/* Called for each record newly delivered, in sequence order, before it is forgotten. */
typedef void board_fn(void *arg, const struct rec *, struct ack_news *);

void board_init(struct board *);
void board_free(struct board *);
bool board_reserve(struct board *, uint32_t n); /* room for n more records: board_add cannot then fail */
bool board_add(struct board *, seq_t lo, seq_t hi, uint8_t flags, const struct rate_snap *, ns_t now);
static inline bool board_empty(const struct board *b)
{
	return b->first == b->end;
}
struct rec *board_rec(const struct board *, uint32_t id);
uint32_t board_find(const struct board *, seq_t s); /* the record that holds s, or end */

void board_ack(struct board *, seq_t una, struct ack_news *, board_fn *, void *arg);
void board_sack(struct board *, seq_t lo, seq_t hi, struct ack_news *, board_fn *, void *arg);
void board_forget_sacks(struct board *); /* RFC 2018 8: the peer may have reneged */

void board_mark_lost(struct board *, uint32_t id); /* harmless if sacked or waiting already */
uint32_t board_next_lost(struct board *);          /* lowest waiting record, or REC_NONE */
void board_resent(struct board *, uint32_t id, ns_t now); /* it was just sent again */
void board_doubled(struct board *, uint32_t id); /* then: though not thought lost, so both copies count */
void board_original_lost(struct board *, uint32_t id); /* now it is: only the other copy counts */
void board_unmark_all(struct board *);             /* undo: nothing is lost */
bool board_resegment(struct board *, uint32_t mss); /* after the MSS fell: records of at most mss */

uint32_t board_pipe(const struct board *);
/* RFC 6675 IsLost: the number below which every unSACKed byte counts as lost, una if none. */
seq_t board_lost_below(const struct board *, seq_t una, uint32_t dupthresh, uint32_t mss);
bool board_check(const struct board *, seq_t una, seq_t nxt);

#endif
