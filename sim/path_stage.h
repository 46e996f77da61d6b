/* Inside a path: what a stage is, and the small queues that stages keep frames in. Included by the
 * path_*.c files alone. */
#ifndef SIM_PATH_STAGE_H
#define SIM_PATH_STAGE_H

#include "../stack/base/check.h"
#include "../stack/wire/ip.h"
#include "../stack/wire/tcp.h"
#include "path.h"

struct stage;

struct stage_ops {
	const char *kind;
	void (*push)(struct stage *, struct pkt *,
		     ns_t now);                /* takes a frame, maybe passes it on */
	void (*run)(struct stage *, ns_t now); /* due has come; NULL: keeps no frames */
};

/* First member of each stage. */
struct stage {
	const struct stage_ops *ops;
	struct path *path;
	struct stage *next; /* NULL: the path's end */
	ns_t due;           /* when run wants to be called; NS_NEVER */
	uint64_t seen;      /* frames counted here, for fate.number */
	struct rng rng;
};

/* A frame leaves the stage: to the next one, or out of the path. */
static inline void stage_pass(struct stage *, struct pkt *, ns_t now);
void path_deliver(struct path *, struct pkt *, ns_t now);
/* Into `out` or `replies`, where the owner will look for it. */
void path_hand_out(struct path *, struct list *to, struct pkt *, ns_t now);
/* A frame dies here; takes it. */
void stage_drop(struct stage *, struct pkt *, enum fate_kind, const char *why, uint64_t number,
		ns_t now);
/* Something happened to a frame that goes on. */
void stage_tell(struct stage *, const struct pkt *, enum fate_kind, const char *why,
		uint64_t number, ns_t now);
/* A copy with its fate told, or NULL when memory is short. */
struct pkt *stage_copy(struct stage *, const struct pkt *, const char *why, uint64_t number,
		       ns_t now);

static inline void stage_pass(struct stage *s, struct pkt *p, ns_t now)
{
	if (s->next)
		s->next->ops->push(s->next, p, now);
	else
		path_deliver(s->path, p, now);
}

bool frame_is_ip(const struct pkt *);
/* The TCP segment in a frame; g->len is set. False: something else, or a later fragment. */
bool frame_parse_tcp(const struct pkt *, struct ip_hdr *, struct seg *g);
/* Makes CE of ECT (0 or 1); false: not ECN-capable. */
bool frame_mark_ce(struct pkt *);

/* ---- frames that wait: a ring in order of time ---- */

struct ring_slot {
	ns_t at;
	struct pkt *pkt;
};

struct ring {
	struct ring_slot *slot; /* a power of two of them; grows */
	uint32_t head, n, cap;
};

bool ring_put(struct ring *, struct pkt *, ns_t at); /* false: out of memory */
struct pkt *ring_take(struct ring *, ns_t *at);      /* the first; n > 0 */
void ring_free(struct ring *);                       /* frees the frames too */

static inline struct ring_slot *ring_first(const struct ring *r)
{
	return &r->slot[r->head];
}

static inline struct ring_slot *ring_last(const struct ring *r)
{
	return &r->slot[(r->head + r->n - 1) & (r->cap - 1)];
}

/* ---- frames that may overtake: a heap by (time, order of arrival) ---- */

struct held {
	ns_t at;
	uint64_t order;
	struct pkt *pkt;
};

struct hold {
	struct held *heap;
	uint32_t n, cap;
	uint64_t order;
};

bool hold_put(struct hold *, struct pkt *, ns_t at); /* false: out of memory */
struct pkt *hold_take(struct hold *);                /* the first; n > 0 */
void hold_free(struct hold *);

static inline ns_t hold_due(const struct hold *h)
{
	return h->n ? h->heap[0].at : NS_NEVER;
}

/* ---- the stages ---- */

struct rule_flow;

struct rule_stage {
	struct stage s;
	const struct rule *rule;
	uint32_t nrules;
	struct rule_flow *flow; /* made when first needed */
	uint32_t nflows;
	struct hold hold;
};

struct mtu_stage {
	struct stage s;
	uint32_t mtu;
	bool silent;
};

#define FQ_FLOWS 128

struct codel {
	ns_t first_above, drop_next;
	uint32_t count, lastcount;
	bool dropping;
};

struct subqueue {
	struct ring ring;
	struct codel codel;
	uint64_t bytes;
	int64_t deficit;
	uint8_t in;   /* in the list of new (1) or old (2) flows; 0: in none */
	int16_t next; /* in that list; -1: the last */
};

struct queue_stage {
	struct stage s;
	struct queue_spec spec;
	struct rate_stage *rate;
	uint64_t limit_pkts, limit_bytes;
	uint64_t pkts, bytes;
	struct subqueue *sub; /* one, or FQ_FLOWS */
	uint32_t nsub;
	int16_t head[2], tail[2]; /* fq: new and old flows */
	uint64_t hash_key;
	/* RED: bytes in 1/512 */
	uint64_t red_avg;
	uint32_t red_count;
	ns_t red_idle_since;
};

struct rate_stage {
	struct stage s;
	uint64_t bps;
	uint32_t overhead;
	uint64_t remainder; /* of the division, carried from frame to frame: no drift */
	struct pkt *sending;
};

struct cut_stage {
	struct stage s;
	ns_t down_until;
};

struct loss_stage {
	struct stage s;
	struct loss_spec spec;
	uint8_t state; /* of the chain */
	uint32_t next_number;
};

struct corrupt_stage {
	struct stage s;
	struct corrupt_spec spec;
};

struct duplicate_stage {
	struct stage s;
	struct duplicate_spec spec;
	struct hold hold;
};

#define REORDER_HELD 64

struct reorder_stage {
	struct stage s;
	struct reorder_spec spec;
	struct {
		struct pkt *pkt;
		ns_t until;
		uint64_t target; /* passes when `passed` has got so far */
	} held[REORDER_HELD];    /* in order of arrival */
	uint32_t nheld;
	uint64_t passed;
};

struct delay_stage {
	struct stage s;
	struct delay_spec spec;
	ns_t latest;      /* due time of the last frame in the ring */
	struct ring ring; /* those that keep the order */
	struct hold hold; /* those that overtake */
};

extern const struct stage_ops rule_ops, mtu_ops, queue_ops, rate_ops, cut_ops, loss_ops,
    corrupt_ops, duplicate_ops, reorder_ops, delay_ops;

void queue_setup(struct queue_stage *, const struct path_spec *);
void queue_free(struct queue_stage *);
void loss_setup(struct loss_stage *, const struct loss_spec *);
void rule_free(struct rule_stage *);
/* Changes the bytes of a frame; `why` is what was done. False: this frame cannot be changed so. */
bool frame_corrupt(struct stage *, struct pkt *, const struct corrupt_spec *, const char **why);

#define PATH_STAGES 10

struct path {
	char name[PATH_NAME];
	uint64_t seed;
	struct path_spec spec;
	struct stage *chain[PATH_STAGES];
	uint32_t nchain;
	ns_t due;       /* minimum over the chain */
	ns_t out_since; /* when the first in `out` or `replies` came out */
	struct list out, replies;
	struct path_counters count;
	fate_fn *observer;
	void *observer_arg;

	struct rule_stage rule;
	struct mtu_stage mtu;
	struct queue_stage queue;
	struct rate_stage rate;
	struct cut_stage cut;
	struct loss_stage loss;
	struct corrupt_stage corrupt;
	struct duplicate_stage duplicate;
	struct reorder_stage reorder;
	struct delay_stage delay;
};

#endif
