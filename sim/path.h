/* A path: one direction of a link, as a chain of stages that frames pass.
 *
 *   rules -> mtu -> queue -> rate -> cut -> loss -> corrupt -> duplicate -> reorder -> delay -> out
 *
 * Only what the spec asks for is built. A path is a value like the stack: push takes a frame, run
 * lets time pass, deadline says when to come again, pop gives what has come out. It reads no clock.
 *
 * Chance: each stage has its own stream, made from (seed, path name, stage kind), so that adding a
 * stage, a path or a capture does not move another stage's draws.
 *
 * What befalls a frame is decided in one place each and told to one observer (path_observe), which
 * also counts it: sent + duplicated = delivered + lost + queue_dropped + too_big + inside holds
 * after every call.
 *
 * Random stages (loss, corrupt, duplicate, reorder) and rules look at IP packets only: ARP belongs
 * to the hop, not to the path that we model, and a lost ARP request would cost a second that no
 * reader of a scenario expects. ARP does see rate, delay, queue and cut.
 *
 * Integers only: parts per 10^9, nanoseconds, bits per second. */
#ifndef SIM_PATH_H
#define SIM_PATH_H

#include "../stack/base/pkt.h"
#include "../stack/base/rng.h"
#include "../stack/base/time.h"

#define PPB_ONE 1000000000u
#define PATH_NAME 64
#define LOSS_NUMBERS 64
#define RULE_FLOWS_MAX 256 /* flows a direction that rules can count; the rest passes uncounted */

/* ---- what to build ---- */

enum loss_model {
	LOSS_NONE,
	LOSS_RANDOM,          /* p */
	LOSS_GILBERT_ELLIOTT, /* p: good to bad, r: bad to good, loss in each */
	LOSS_FOUR_STATE,      /* Salsano's chain, netem's `loss state` */
	LOSS_PERIODIC,        /* every n-th, from the first one on */
	LOSS_NUMBERS_ONLY,    /* the frames with these numbers, from 1 */
	LOSS_MODELS,
};

struct loss_spec {
	enum loss_model model;
	uint32_t p; /* ppb; RANDOM, and GILBERT_ELLIOTT's good to bad */
	uint32_t r, loss_bad, loss_good;
	uint32_t p13, p31, p32, p23, p14;
	uint64_t every, first;
	uint64_t number[LOSS_NUMBERS];
	uint32_t nnumbers;
	ns_t from, until; /* the model sleeps outside; 0 and NS_NEVER: always */
};

enum queue_kind { QUEUE_DROPTAIL, QUEUE_RED, QUEUE_CODEL, QUEUE_FQ_CODEL, QUEUE_KINDS };
enum limit_unit { LIMIT_PACKETS, LIMIT_BYTES, LIMIT_BDP }; /* BDP: in thousandths */

struct queue_spec {
	enum queue_kind kind;
	enum limit_unit unit;
	uint64_t limit;
	bool ecn;                  /* mark what is ECN-capable instead of dropping it */
	uint64_t mark_above;       /* packets: step marking as for DCTCP; 0: off */
	ns_t target, interval;     /* CoDel */
	uint64_t red_min, red_max; /* bytes; 0: a quarter and three quarters of the limit */
	uint32_t red_p;            /* ppb */
};

enum delay_shape { DELAY_CONSTANT, DELAY_UNIFORM, DELAY_NORMAL, DELAY_PARETO, DELAY_SHAPES };

struct delay_spec {
	ns_t mean, jitter;
	enum delay_shape shape;
	bool keep_order; /* else jitter lets frames overtake each other */
};

struct reorder_spec {
	uint32_t p;        /* the share of frames held back */
	uint32_t distance; /* until so many later ones have passed ... */
	ns_t by;           /* ... or this long, whatever comes first */
};

struct duplicate_spec {
	uint32_t p;
	ns_t by; /* the copy follows after this */
};

enum corrupt_kind { CORRUPT_BIT, CORRUPT_BURST, CORRUPT_TRUNCATE, CORRUPT_KINDS };

struct corrupt_spec {
	uint32_t p;
	enum corrupt_kind kind;
	bool repaired; /* payload only, and the checksum made to fit: TCP cannot see it */
};

/* Named frames: "the first SYN-ACK of the server", whatever the random stages do. */
enum rule_what {
	RULE_SYN,
	RULE_SYN_ACK,
	RULE_DATA,
	RULE_RETRANSMISSION,
	RULE_ACK,
	RULE_FIN,
	RULE_RST,
	RULE_SEGMENT,
	RULE_WHATS,
};
enum rule_do { DO_DROP, DO_DELAY, DO_DUPLICATE, DO_CORRUPT, DO_DOS };

struct rule {
	enum rule_what what;
	uint32_t flow;        /* in order of appearance, from 1; 0: any */
	uint64_t first, last; /* numbers, counted within each flow, from 1 */
	enum rule_do act;
	ns_t by; /* DELAY, DUPLICATE */
};

struct path_spec {
	uint64_t rate_bps; /* 0: infinite */
	uint32_t overhead; /* bytes added to each frame on the wire (preamble, FCS, gap: 24) */
	uint32_t mtu;      /* of the path; 0: none of its own */
	bool mtu_silent;   /* a black hole: no ICMP for what is too big */
	struct queue_spec queue; /* in front of rate; not built without one */
	struct loss_spec loss;
	struct corrupt_spec corrupt;
	struct duplicate_spec duplicate;
	struct reorder_spec reorder;
	struct delay_spec delay;
	const struct rule *rule; /* lent for the life of the path */
	uint32_t nrules;
	ns_t rtt; /* for LIMIT_BDP; 0: twice this path's delay */
};

/* The documented defaults: nothing but an endless wire. */
void path_spec_default(struct path_spec *);

/* Words as tc has them, separated by commas, added to the spec:
 *   rate 10mbit [overhead 24]          mtu 1280 [silent]
 *   queue 100 | 64kB | 1bdp [droptail|red|codel|fq_codel] [ecn]
 *   delay 10ms [2ms [uniform|normal|pareto]] [ordered]
 *   loss 2% | loss gemodel P [R [BAD [GOOD]]] | loss state P13 [P31 [P32 [P23 [P14]]]]
 *   loss every 100 | loss number 1 5 9
 *   reorder 2% [distance 3] [by 5ms]   duplicate 1% [by 1ms]
 *   corrupt 0.5% [bit|burst|truncate] [repaired]
 * False, with one line in err, when the words make no sense. */
bool path_spec_words(struct path_spec *, const char *words, char *err, size_t cap);
/* The words that would give this spec again (rules excepted); for reports. */
char *path_spec_print(char *to, size_t cap, const struct path_spec *);

/* Pieces of that language, for other forms of it. parse: NULL, or what was expected. */
extern const char *const queue_names[], *const shape_names[], *const corrupt_names[];
const char *queue_limit_parse(const char *text, struct queue_spec *);
char *queue_limit_print(char *to, size_t cap, const struct queue_spec *);

/* ---- what becomes of a frame ---- */

enum fate_kind {
	FATE_DELIVERED, /* came out */
	FATE_LOST,      /* died: loss stage, rule or cut */
	FATE_QUEUE_DROPPED,
	FATE_TOO_BIG,    /* larger than the path's MTU */
	FATE_DUPLICATED, /* told of the copy, before it goes on */
	FATE_CORRUPTED,  /* goes on */
	FATE_REORDERED,  /* is held back */
	FATE_MARKED,     /* CE set, goes on */
	FATE_SENT,       /* no fate yet: it enters the path */
	FATE_KINDS,
};
const char *fate_name(enum fate_kind);

struct path;

struct fate {
	enum fate_kind kind;
	const char *stage; /* "loss", "queue", "rule" ... */
	const char *why;   /* a static text: "Gilbert-Elliott, bad state", "limit of 100 packets" */
	uint64_t number;   /* of the frame at this stage, from 1; for a rule: within its kind */
	uint64_t queue_pkts, queue_bytes; /* of the queue at that moment */
	ns_t sent;                        /* when the frame entered the path */
};
/* The observer may look at the frame, and may not keep it or call back in. */
typedef void fate_fn(void *arg, const struct path *, const struct fate *, const struct pkt *,
		     ns_t now);

struct path_counters {
	uint64_t sent, delivered, lost, queue_dropped, too_big, duplicated, corrupted, reordered,
	    marked;
	uint64_t bytes_sent, bytes_delivered;
	uint64_t inside; /* frames in the path now */
	uint64_t queue_peak_pkts, queue_peak_bytes;
};

/* ---- the path ---- */

/* name and seed choose the random streams. Gives; NULL: out of memory. */
struct path *path_new(const char *name, uint64_t seed, const struct path_spec *);
/* path_spec_words and path_new in one, for live use. */
struct path *path_parse_words(const char *name, const char *words, uint64_t seed, char *err,
			      size_t cap);
void path_free(struct path *); /* frees the frames inside as well */
void path_observe(struct path *, fate_fn *, void *arg);

void path_push(struct path *, struct pkt *, ns_t now); /* takes one frame (gso_size 0) */
void path_run(struct path *, ns_t now);                /* moves on what is due at now */
ns_t path_deadline(const struct path *); /* never late, frames to pop included; NS_NEVER: empty */
struct pkt *path_pop(struct path *);     /* gives the next frame that has come out */
/* An answer of the path itself to the sender of a frame: ICMP "fragmentation needed". */
struct pkt *path_pop_reply(struct path *);

const char *path_name(const struct path *);
const struct path_counters *path_counters(const struct path *);
void path_queue_now(const struct path *, uint64_t *pkts, uint64_t *bytes);

/* Changes while it runs: events of a scenario. A stage that was not built is built. */
void path_set_down(struct path *, ns_t until); /* what enters the wire before `until` is lost */
bool path_change(struct path *,
		 const struct path_spec *); /* rate, delay, mtu, loss of the new spec */

#endif
