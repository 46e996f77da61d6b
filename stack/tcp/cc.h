/* Congestion control: plain values in, two numbers out (cwnd and pacing_rate), no view of the
 * connection. Loss detection decides whether and what; congestion control decides how much; output
 * decides what next. All windows are in bytes.
 *
 * Within recovery the engine itself holds cwnd between the old value and ssthresh by PRR (RFC 9937)
 * unless the algorithm says own_recovery. */
#ifndef TCP_CC_H
#define TCP_CC_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/rng.h"
#include "../base/time.h"
#include "../stack.h"

#define CC_STATE_BYTES 448

struct cc_ack {
	ns_t now;
	/* Bytes that earn growth: newly delivered, by an ACK that moves SND.UNA. What had been SACKed
	 * before does not count again when the hole below it is filled, or each recovery would end with a
	 * window's worth of growth (as Linux counts). */
	uint32_t acked;
	uint32_t delivered; /* bytes newly delivered: cumulative and selective together */
	uint32_t lost;      /* bytes newly marked lost by this ACK */
	uint32_t inflight;  /* before this ACK */
	uint32_t inflight_now; /* after it */
	ns_t rtt;           /* of this ACK, -1 if it gave none */
	ns_t srtt, min_rtt;
	uint64_t rate;      /* delivery rate sample, bytes per second; 0: none */
	uint64_t delivered_total;
	/* Of the packet sent last among those that this ACK newly reports, if there is one (`sampled`). */
	uint64_t prior_delivered; /* delivered_total when it was sent */
	uint32_t tx_in_flight;    /* in flight then, it included */
	uint32_t sample_lost;     /* bytes marked lost since then */
	uint32_t ce_bytes;  /* delivered with CE, as far as the feedback says */
	bool sampled;
	bool rate_app_limited; /* the sample was taken while the application was the limit */
	bool cwnd_limited;  /* the window was full since the last round: growth is earned (RFC 7661) */
	bool cwnd_full;     /* the same without slow start's leave to use half of it only */
	bool selective;     /* SACK: several losses in a round trip can be told apart */
	bool ece;           /* classic ECN echo on this ACK */
	bool round_start;   /* the first ACK of a new round trip */
	bool in_recovery;   /* fast recovery or loss recovery is under way */
	uint32_t snd_una_rel, snd_nxt_rel; /* relative to the ISS, for round counting of an algorithm's own */
};

/* A packet that is taken for lost. */
struct cc_lost {
	ns_t now;
	uint32_t lo, hi;       /* its sequence numbers, relative to the ISS */
	uint32_t tx_in_flight; /* when it was sent, it included */
	uint32_t lost;         /* bytes marked lost since then, it included */
	uint64_t delivered_total;
	bool app_limited;      /* so was its sending */
	bool selective;
};

struct cc {
	const struct cc_ops *ops;
	void *own;            /* ops->state_size bytes, zeroed by the caller before init */
	uint32_t mss;
	uint32_t cwnd, ssthresh;
	uint64_t pacing_rate; /* bytes per second; 0: no pacing */
	struct rng *rng;      /* for algorithms that draw */
	ns_t first_rtt;       /* as known at init; 0: unknown */
	bool holds_back;      /* sends less than it might, by choice: rate samples are marked like an application's */
	bool hystart, hystart_classic, abc; /* switches from struct tcp_config */
};

#define SSTHRESH_INFINITE UINT32_MAX

struct cc_ops {
	const char *name;
	uint32_t state_size;
	bool own_recovery; /* sets cwnd in recovery by itself (BBR) */
	bool own_timeout;  /* and after a timeout (Tahoe) */
	bool wants_pacing;
	bool wants_ect;    /* sends ECT and wants CE marks as its signal (DCTCP) */
	void (*init)(struct cc *, ns_t now);
	void (*on_ack)(struct cc *, const struct cc_ack *); /* not called in recovery unless own_recovery */
	/* Once per episode of loss or ECE, before cwnd is touched: sets ssthresh. */
	void (*on_congestion)(struct cc *, const struct cc_ack *);
	/* The rest is optional: NULL where an algorithm has nothing to say. */
	void (*on_recovered)(struct cc *, ns_t now);        /* the episode ends; cwnd is then ssthresh */
	/* Once for one segment's series of timeouts (RFC 5681 3.1). */
	void (*on_timeout)(struct cc *, const struct cc_ack *); /* sets ssthresh; the engine then lets one MSS out */
	void (*on_undo)(struct cc *, ns_t now);             /* the episode was spurious; engine restored cwnd, ssthresh */
	void (*on_idle)(struct cc *, ns_t now, ns_t idle);  /* sending resumes after idle */
	/* Something is to be sent, nothing is in flight, and the application had run dry. */
	void (*on_restart)(struct cc *, ns_t now);
	void (*on_lost)(struct cc *, const struct cc_lost *); /* for each packet, before on_congestion and on_ack */
	uint64_t (*info)(const struct cc *);                /* optional: for sock_info.cc_state */
};

extern const struct cc_ops cc_reno, cc_cubic, cc_bbr, cc_dctcp, cc_tahoe, cc_none;
const struct cc_ops *cc_find(enum tcp_cc_kind);
const char *cc_name(enum tcp_cc_kind);
bool cc_by_name(const char *, enum tcp_cc_kind *);

/* min(4*MSS, max(2*MSS, 4380))-style initial window of RFC 6928 for n segments. */
uint32_t cc_initial_window(uint32_t mss, uint16_t segs);

/* HyStart++ (RFC 9406), for Reno and CUBIC. */
struct hystart {
	ns_t last_round_min, this_round_min, css_baseline_min;
	uint32_t samples, css_rounds;
	uint32_t window_end; /* relative sequence number that ends the round */
	bool in_css, done;
	ns_t delay_min, round_start, last_ack; /* of the classic form */
};
void hystart_init(struct hystart *);
/* Bytes by which slow start may grow for this ACK; sets h->done and the caller then ssthresh = cwnd. */
/* The classic form (see hystart.c): sets h->done alone. */
void hystart_classic_on_ack(struct hystart *, const struct cc *, const struct cc_ack *);
uint32_t hystart_on_ack(struct hystart *, const struct cc *, const struct cc_ack *);

#endif
