/* What is known of each connection in a capture. flow.c finds the connection of a segment and
 * keeps handshake, teardown and the place of the tap; verdict.c judges the segments;
 * explain.c puts it into words.
 *
 * Everything here is bounded: connections, remembered segments, gaps, events, stalls. What does not
 * fit is counted, never silently dropped.
 *
 * A connection has two ends, 0 and 1; half[i] is the byte stream that end i sends. Positions in a
 * stream are relative 64-bit numbers: the SYN is 0, the first byte 1, as viewers show them, but
 * without a wrap. Where no SYN was captured the first byte seen is 1. */
#ifndef TRACES_FLOW_H
#define TRACES_FLOW_H

#include "dissect.h"
#include "../stack/base/flowmap.h"
#include "../stack/base/seqset.h"

#define FLOWS_MAX (1u << 18)
#define EVENTS_MAX (1u << 20) /* in one capture */
#define SKIPS_MAX 1000        /* listed; the rest is counted */
#define STALLS_MAX 64         /* in one connection */
#define GAPS_MAX 2048         /* holes remembered in one direction */
#define RECS_MIN 1024         /* segments remembered in one direction, and while unacknowledged */
#define RECS_MAX 16384
#define ACKS_KEPT 8
#define RTT_MAX (3600 * SEC)  /* nothing longer is a round trip */

enum verdict_kind {
	V_NONE,
	V_RETX,         /* sent again */
	V_LATE,         /* an original that was overtaken */
	V_NET_COPY,     /* a copy that the network made */
	V_CAPTURE_COPY, /* the same packet, seen twice by the capture */
	V_ZERO_WINDOW_PROBE,
	V_KEEP_ALIVE,
};

enum cause { CAUSE_UNKNOWN, CAUSE_RECOVERY, CAUSE_RTO, CAUSE_GO_BACK, CAUSE_TLP, CAUSE_SYN, CAUSE_SYN_ACK, CAUSE_FIN };

enum certainty { CERTAIN, PROBABLE, UNDECIDABLE };

enum evidence {
	EV_SEEN_BEFORE, /* the same bytes passed this tap before */
	EV_IPID,        /* IP identification: newer (again) or older (late) than its neighbours */
	EV_TSVAL,       /* the same by TCP timestamps */
	EV_TIME,        /* later than a late packet would be, or sooner than one sent again */
	EV_IDENTICAL,   /* IP identification and all fields equal */
	EV_IDENTICAL_TS,/* no IP identification, but timestamp and all fields equal */
	EV_WINDOW,      /* the peer's window is closed */
	EV_IDLE,        /* nothing outstanding, one below the next byte */
	EV_BEFORE,      /* from before the first byte that the capture knows; no segment to compare with */
};

enum needless_proof { NEEDED, BY_DSACK, BY_TSECR, BY_EARLY_ACK, BY_ARRIVAL, BY_ACKED };

#define PROOFS_MAX 2

/* One judged segment. Frames are 0 where there is none. */
struct event {
	uint64_t lo, hi;     /* what it carries, end exclusive; SYN and FIN count */
	ns_t at;
	ns_t waited;         /* since the sender's or the peer's last sign, for timers */
	ns_t since_original; /* -1: no original in the capture */
	uint32_t frame, original, trigger;
	uint32_t previous;   /* the latest copy before this, if that was not the original; 0: it was */
	uint32_t proof[PROOFS_MAX];
	uint32_t sacked;     /* recovery: bytes above that were SACKed; or 0 */
	uint32_t before;     /* bytes from before the stream's first known one: they have no numbers */
	uint16_t dupacks;
	uint8_t nproofs, kind, cause, certainty, evidence;
	bool or_rto;         /* a tail loss probe of the only segment: the other timer runs as long */
	uint8_t needless;    /* enum needless_proof: NEEDED, or how we know */
	uint8_t side;
};

struct stall {
	ns_t from, to;
	uint32_t frame; /* that ended it */
	const char *why;
};

/* One segment that was seen, newest last. */
struct rec {
	uint64_t lo, hi;
	ns_t at;
	uint32_t frame, tsval, ack;
	uint16_t ipid, flags;
	bool has_ts, resent, again; /* a later copy exists; is itself one */
	uint32_t event;             /* index + 1 of its event, 0: none */
};

struct ack_sign { /* a pure ACK, to recognise copies */
	uint32_t ack, tsval, frame, hash;
	uint16_t ipid, wnd;
	ns_t at;
};

struct half {
	/* the stream */
	uint32_t isn;
	bool started, isn_known;
	uint64_t max, una;       /* highest position seen, highest acknowledged */
	uint64_t floor, top_lo;  /* below floor all counts as seen; [top_lo, max) is seen */
	struct seqset seen;      /* between them; positions modulo 2^32 */
	struct seqset sacked;
	struct rec *rec;         /* a ring */
	uint32_t rec_cap, rec_n, rec_head; /* rec_n held; rec_head: index of the oldest */
	uint64_t rec_base, rtt_next;       /* serial of the oldest; of the first not yet timed */
	/* how it is acknowledged */
	uint32_t dupacks, last_ack_frame;
	uint32_t sack_top_frame;
	ns_t last_tx, last_prog, una_at, srtt, rttvar, min_rtt;
	ns_t sample;             /* the round trip that the last ACK gave; -1: none */
	uint32_t probed, again;  /* the frame of its last segment, if that was a probe; a retransmission */
	uint64_t probe_hi;       /* the end of the latest window probe that brought a byte; 0: none */
	uint64_t tlp_high;       /* the end of what a tail loss probe is still about; 0: none */
	uint32_t gone_back;      /* segments resent since that timeout */
	uint64_t rto_high;       /* until this is acknowledged, resending is go-back; 0: none */
	uint32_t timer_retx;     /* timer-driven since the last progress */
	uint32_t *retx;          /* events of this half that are retransmissions */
	uint32_t retx_n, retx_cap;
	/* what its packets look like */
	uint32_t id_steps, id_small; /* of new data: steps of the IP identification, and those under 8 */
	uint32_t id_changes;         /* of all its packets */
	uint16_t id_before;
	uint16_t last_ipid, mss_seen;
	bool has_last_ipid;
	struct ack_sign *ack_sign; /* ACKS_KEPT of them, from the first pure ACK on */
	uint8_t ack_sign_next;
	/* what it announced */
	struct tcp_opts syn_opt;
	uint16_t syn_wnd;
	bool syn_opt_cut;        /* by the snap length */
	uint32_t wnd;            /* last, as on the wire */
	bool wnd_known;
	uint32_t syn, syn_ack, fin, fin_acked, rst; /* frames */
	uint32_t syn_ackno;      /* what its SYN-ACK acknowledged, raw */
	uint32_t first_ack;      /* its first segment that acknowledges */
	uint32_t rst_odd;        /* its first reset that nobody may believe */
	uint64_t rst_pos;
	bool went_on;            /* sent new bytes after its reset: that was not its own */
	uint64_t fin_pos;        /* 0: none */
	bool fin_knew;           /* its FIN already acknowledged the other's */
	ns_t syn_first_at, syn_ack_first_at, syn_at, syn_ack_at; /* the first and the latest */
	uint64_t packets, unseen_acked;
	uint32_t holes;          /* ranges that the capture never had; set at the end */
	uint32_t syn_data;
};

#define TEAR_MAX 6

/* A segment of the teardown, and the states that it leaves both ends in. */
struct tear {
	ns_t at;
	uint64_t lo, rel_ack;
	bool rel_ack_known;
	uint32_t frame, seq, ack;
	uint16_t flags;
	uint8_t side;
	bool acks_fin;
	const char *state[2];
};

enum tap { TAP_UNKNOWN, TAP_CLIENT, TAP_SERVER, TAP_MIDDLE };

struct conn {
	struct flow_key key; /* end 0 is local */
	uint32_t id;
	uint8_t client;      /* which end */
	uint8_t tap;         /* enum tap */
	struct half half[2];
	uint32_t hs_ack;         /* frame of the ACK that ended the handshake; 0: none */
	ns_t hs_d1, hs_d2;       /* SYN to SYN-ACK, SYN-ACK to ACK */
	ns_t hs_at;              /* of the ACK */
	uint32_t hs_seq, hs_ackno; /* of the ACK, raw */
	uint16_t hs_wnd;         /* in the ACK, as on the wire */
	uint8_t hs_side;         /* who sent it */
	bool hs_data;            /* data was taken before the handshake was over (RFC 7413) */
	ns_t first, last;
	uint32_t refused;        /* frame of the RST that answered the SYN */
	struct event *event;
	uint32_t events, event_cap, events_lost;
	uint32_t copies;
	struct stall *stalls;
	uint32_t nstalls, stalls_lost;
	const char *tunnel;      /* what its first packet was wrapped in; NULL: nothing */
	struct tear tear[TEAR_MAX];
	uint8_t tears;
	uint32_t after_rst;      /* segments that came although the connection was reset */
	uint32_t no_ack;         /* segments with neither SYN, RST nor ACK */
	/* One four-tuple may be used by several connections, one after the other. */
	uint32_t before;         /* id + 1 of the one before this; 0: none */
	ns_t before_gap;         /* since that was last seen */
	bool within;             /* this is but a SYN in the middle of that, which went on */
	struct conn *other;      /* while it is open which of the two the next segments are of */
	bool finished;
	uint64_t odd;            /* segments too far from the stream to be part of it */
};

struct skipped {
	uint64_t frame;
	const char *why;
};

struct analysis;
struct frags;

/* Called for each segment after it was judged; ev is NULL when there is nothing to say. */
/* What was known before the segment. */
struct before {
	uint64_t ack;        /* what its side had acknowledged; relative */
	uint64_t gap;        /* bytes between the stream's end so far and this segment */
	int64_t window_left; /* that the peer allowed beyond the stream's end; -1: not known */
	uint64_t block_lo, block_hi; /* its first SACK block, relative */
	uint64_t top;        /* the end of the peer's stream */
	uint32_t probed;     /* the peer's latest segment, if that was a probe: its frame; 0: it was none */
	uint32_t again;      /* likewise if all its bytes had been acknowledged already */
	uint16_t wnd;        /* its side's last window */
	bool wnd_known, peer_known, reset, dsack, data_after_fin;
};

struct seg_view {
	const struct conn *conn;
	int side;
	const struct dissected *d;
	const struct reader_pkt *pkt; /* its time is relative too */
	uint64_t lo, hi, ack; /* relative */
	const struct event *ev;
	struct before was;
};
typedef void seg_fn(void *arg, const struct seg_view *);

/* Times in connections are relative to the capture's first packet, whose own is `start`. */
struct analysis {
	struct flowmap map;
	struct conn **conn;
	uint32_t nconns, conn_cap;
	uint64_t packets, other, skips, over_limit;
	uint64_t pieces;     /* fragments of IP packets, but for those that made one whole */
	uint64_t cut;        /* frames shorter than their IP header says */
	struct frags *frags; /* NULL until there is one */
	struct skipped *skip;
	ns_t start;
	uint32_t events;     /* in all */
	struct conn *recent; /* the last segment's */
	seg_fn *each;
	void *arg;
};

struct analysis *analysis_new(void);
/* Judges the capture's next packet. False: out of memory. */
bool analysis_packet(struct analysis *, const struct reader_pkt *);
void analysis_finish(struct analysis *);
void analysis_free(struct analysis *);

/* ---- flow.c for verdict.c ---- */

struct conn *flow_of(struct analysis *, const struct dissected *, const struct reader_pkt *, int *side);
void flow_handshake(struct conn *, int side, const struct dissected *, const struct reader_pkt *);
void flow_teardown(struct conn *, int side, const struct dissected *, const struct reader_pkt *,
		   uint64_t lo);
/* Whether the tap stands at this end, so that nothing it sent can have been lost or late here. */
bool flow_at(const struct conn *, int side);
const char *flow_state(const struct conn *, int side); /* NULL: not known */
bool flow_opened(const struct conn *);
bool flow_reset_by(const struct conn *, int side); /* by a reset that was, as it seems, its own */
int flow_first_fin(const struct conn *); /* the end whose FIN came first, -1: none */

/* ---- verdict.c ---- */

void verdict_segment(struct analysis *, struct conn *, int side, const struct dissected *,
		     const struct reader_pkt *);
void verdict_finish(struct conn *);

/* ---- half.c ---- */

/* The position of a sequence number in a stream, nearest to what was seen. */
uint64_t half_pos(const struct half *, uint32_t seq);

#endif
