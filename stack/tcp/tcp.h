/* The connection, and the calls between the files of the engine.
 *
 * Four verbs, as RFC 9293 3.10 divides event processing. A segment ARRIVES (tcp_input.c), a timer
 * EXPIRES (tcp_timer.c), the user CALLS (tcp_open.c, tcp_close.c, ../sock.c): these change state.
 * EMIT (tcp_output.c) speaks, and changes only what speaking changes.
 *
 * Start with tcp_input.c beside RFC 9293 3.10.7.4, then tcp_ack.c and tcp_loss.c. */
#ifndef TCP_H
#define TCP_H

#include "../base/flowmap.h"
#include "../base/wheel.h"
#include "../net/net.h"
#include "../stack.h"
#include "../wire/tcp.h"
#include "cc.h"
#include "tcp_ao.h"
#include "tcp_board.h"
#include "tcp_param.h"
#include "tcp_rate.h"
#include "tcp_rcvq.h"
#include "tcp_rtt.h"
#include "tcp_sndq.h"

struct tcp;

/* The part of a connection and of a listener that the user's side sees. */
struct tcp_ready {
	struct list node; /* in tcp.ready when bits has news */
	uint32_t bits;    /* SOCK_* not yet told */
	sock_t handle;    /* 0: not accepted yet, or the user is gone */
	void *user;
};

enum flow_kind { FLOW_CONN, FLOW_TIME_WAIT, FLOW_LISTENER };

/* First member of whatever the flow map finds. */
struct tcp_flow {
	struct flow_key key;
	uint8_t kind;
};

enum tcp_timer {
	T_PROBE,    /* tail loss probe; before T_REXMIT: due at one instant, it spares the timeout */
	T_REXMIT,   /* RTO, for data, SYN and FIN */
	T_REORDER,  /* RACK: look again whether something is lost */
	T_PERSIST,
	T_DELACK,
	T_KEEP,
	T_WAIT,     /* FIN-WAIT-2 of an orphan; TIME-WAIT while the user still reads; keep_init */
	T_PACE,
	T_COUNT,
};

/* Fast Open (tcp_fastopen.c): what a connection has to do with it. */
enum tfo_flag {
	TFO_WANTED = 1,  /* client: the user agrees to data in the SYN */
	TFO_ASKED = 2,   /* client: the SYN had the option */
	TFO_GRANT = 4,   /* server: the SYN-ACK brings a cookie */
	TFO_CHILD = 8,   /* server: text of the SYN was taken; the user may read and write in SYN-RECEIVED */
	TFO_PENDING_ONE = 16, /* server: counted as pending */
	TFO_USED = 32,   /* text of the SYN was acknowledged, or taken */
	TFO_EXP = 64,    /* the option comes as experiment (appendix B) */
};

struct tfo_peer {
	struct addr addr;
	ns_t used, shun; /* shun: no data in a SYN before this time */
	uint16_t mss;
	bool exp;
	uint8_t len, cookie[16];
};

struct tcb {
	struct tcp_flow flow; /* must be first */
	uint8_t state;        /* enum tcp_state; written by tcp_set_state only */
	uint8_t ca;           /* enum tcp_ca */
	bool passive;         /* came from a listener (RFC 9293 3.10.7.4 step 2) */
	bool talking;         /* in the talk list */

	/* Negotiated. */
	bool sack_ok, ts_ok, ws_ok, v6;
	uint8_t tfo;          /* enum tfo_flag */
	uint8_t snd_wscale, rcv_wscale;
	uint16_t mss;         /* payload of a full segment, options deducted (RFC 6691) */
	uint16_t mss_peer;    /* as announced, or the default */
	uint16_t mss_clamp;   /* OPT_MAXSEG; 0: none */
	uint16_t pmtu;
	struct ao *ao;        /* TCP-AO; NULL: without */

	struct {
		seq_t una, nxt, max; /* max: above nxt only while a zero-window probe byte is out */
		uint32_t wnd, max_wnd;
		seq_t edge;          /* the furthest right edge that the peer ever offered */
		seq_t wl1, wl2;
		seq_t iss;
		seq_t small;         /* end of the last small segment sent (Minshall's Nagle) */
		uint64_t up;         /* stream position behind the last urgent byte (as sndq.pos) */
	} snd;
	struct {
		seq_t nxt;
		seq_t adv;           /* right edge advertised; never moves left (RFC 9293 SHLD-14) */
		seq_t irs;
		seq_t wup;           /* nxt when we last sent an ACK */
		seq_t fin;           /* number of the peer's FIN, valid with fin_seen */
		seq_t up;            /* the number behind the last urgent byte, valid with `urgent` */
		bool urgent;         /* the user has not read up to it yet */
	} rcv;

	struct list talk;
	struct tcp_ready ready;
	struct tcp *tcp;
	struct tcb_listener *listener; /* while half open or waiting for accept */
	struct list queue;             /* in the listener's lists, or in tcp.grave */
	uint32_t number;               /* of the connection within the stack, from 1 */
	uint32_t table_at;

	/* What there is to say. */
	bool ack_now;         /* an ACK is due at once */
	bool syn_due;         /* SYN or SYN-ACK is to be sent (again) */
	bool fin_queued;      /* the user will send no more */
	bool fin_sent, fin_acked, fin_seen;
	bool probe_due;       /* zero-window probe */
	bool keep_due;        /* keepalive probe */
	bool tlp_due;
	bool rexmit_due;      /* RTO: one record at once, whatever cwnd says */
	bool challenge_due;
	bool user_gone, user_shut_rd;
	bool probe_out;       /* a zero-window probe byte beyond nxt is unanswered */
	uint8_t dup_acks_owed; /* without SACK each early segment has its own ACK */
	uint8_t segs_unacked; /* data segments since the last ACK that we sent */
	uint32_t bytes_unacked;
	uint8_t quick;        /* quick ACKs left */
	bool pushed;          /* PSH came since our last ACK */
	bool dialogue;        /* before the peer's last text we had sent some: an answer may bring the ACK */
	uint8_t retries;      /* of what T_REXMIT resends; of persist and keepalive probes */
	uint8_t keep_probes;
	uint8_t unheard;      /* timeouts and window probes since an acceptable segment came */
	uint8_t challenge_tokens;
	int16_t error;        /* pending enum err */
	int16_t trouble;      /* see sock_info */
	ns_t challenge_stamp;
	ns_t retries_since;   /* first timeout of the present series */
	bool dsack_due;
	struct seq_range dsack; /* to report in the next ACK */
	struct seq_range early; /* newest early range, the first SACK block */

	/* Timestamps (RFC 7323). */
	uint32_t ts_offset, ts_recent;
	seq_t last_ack_sent;
	ns_t ts_recent_at;
	uint16_t ip_id;
	uint8_t tos, ttl;

	/* Timers: deadlines by reason, one wheel entry at or before their minimum. */
	struct wheel_entry timer;
	ns_t due[T_COUNT];

	/* Sending. */
	struct sndq sndq;
	struct board board;
	struct rtt rtt;
	struct cc cc;
	struct rate rate;
	uint32_t prior_cwnd, prior_ssthresh; /* for undo */
	seq_t high;           /* recovery point (RFC 6582 recover, RFC 6675 RecoveryPoint) */
	struct { /* RFC 6675, each the number behind what it names */
		seq_t judged;     /* below it every record that IsLost holds for is marked */
		seq_t resent;     /* HighRxt */
		seq_t rescued;    /* RescueRxt */
	} sack;
	seq_t round_end;      /* snd.nxt when the present round trip began */
	uint32_t prr_delivered, prr_out, prr_flight;
	uint16_t dup_acks;
	uint32_t max_out;     /* most in flight in the present round of cwnd_limited */
	seq_t usage_end;      /* where that round ends */
	uint32_t dup_acks_most; /* more are not believed */
	bool cwnd_limited, cwr_due, ecn_ok, ece_due, prr_first;
	bool mtu_resend;      /* what waits was, or may have been, too big for the path: no sign of congestion */
	uint8_t send_why;     /* enum send_why of the record being resent */
	struct { /* RFC 5482 */
		ns_t remote;       /* as the peer told; 0: not */
		bool fixed, due;   /* set by the user; to be told */
	} uto;
	ns_t defer;            /* OPT_DEFER_ACCEPT: a bare ACK within this time after the SYN does not count */
	bool defer_heard;      /* one came */
	bool linger_reset;     /* OPT_LINGER 0 */
	uint16_t ao_want[2];   /* ids for a connection that is still to begin (sock_ao_set), plus 1; 0: any */
	struct { /* PLPMTUD: pmtu is known to pass, high is not (tcp_plpmtud.c) */
		bool on;
		uint8_t lost;      /* probes of this size */
		uint16_t high;
		uint16_t size;     /* of the probe that is out; 0: none */
		seq_t lo, hi;
		ns_t raise_at;
	} mtup;
	struct { /* AccECN (RFC 9768): the counters that we keep of the peer's data, and what it tells of ours */
		bool on, first_in, last_ce, option_due, option_on_text;
		bool first_out;   /* the codepoint of the SYN-ACK is to be told */
		bool synack_ce;   /* and has been counted as a mark */
		bool syn_again;   /* the SYN came more than once */
		bool no_ect;      /* nothing that we send may be marked */
		bool deaf;        /* the peer's bits were zero where they cannot be: its counts are not believed */
		bool peer_option; /* its option has come through */
		bool option_failed; /* ours does not get through */
		bool reported;    /* the last D-SACK went out with the option, and began at reported_at */
		bool in_step;     /* the peer's count of bytes is as new as that of packets */
		uint8_t ever, changed; /* of bytes[]: since the beginning, since the last option */
		uint8_t syn_ecn;  /* codepoint of the peer's SYN or SYN-ACK */
		uint16_t stretch; /* segments that an ACK tells of, smoothed, in eighths */
		seq_t reported_at;
		uint32_t cep, cep_told, bytes[3];  /* ECT(0), CE, ECT(1) */
		uint32_t peer_cep, peer_bytes[3], peer_ts;
	} acc;
	struct {
		ns_t xmit, rtt, reo_wnd;
		seq_t end, fack;
		bool seen_reordering, valid, dsack_round_on;
		uint8_t mult, persist;
		uint16_t reordering; /* widest seen, in segments; for information */
		uint32_t reorderings;
		seq_t dsack_round;
	} rack;
	struct {
		bool on;          /* an episode may yet be undone */
		seq_t marker;     /* una when it began */
		int32_t retrans;  /* retransmissions not yet reported as duplicates */
		uint32_t ts;      /* timestamp of its first retransmission (Eifel) */
		bool ts_valid;
	} undo;
	bool frto;
	seq_t tlp_end;
	bool tlp_out, tlp_retrans;
	bool tlp_sampled;     /* the round trip was measured since the last probe */
	ns_t pace_at;         /* not before this time */
	uint64_t pace_cap;    /* OPT_PACING_RATE; 0: none */
	bool pace_by_window;  /* cc.pacing_rate is set by the engine (tcp_cc.c) */
	ns_t last_sent, last_rcvd, established_at, last_data_in, last_data_out;

	/* Receiving. */
	struct rcvq rcvq;

	const struct tcp_config *cfg; /* shared default, or own_cfg */
	struct tcp_config *own_cfg;
	uint32_t sndbuf, rcvbuf, window_clamp, notsent_lowat, rcvlowat; /* window_clamp 0: none */
	uint32_t rcv_promised; /* held and offered when rcvbuf was made smaller: a window is never taken back */
	bool nodelay, cork, keepalive, write_blocked;
	uint32_t unit_fill;    /* sndbuf_units: of the last unit that was begun */
	bool more, more_holds; /* sock_more after the last write; and no ACK or timer has come since */
	bool flush;            /* what is queued is held back by neither Nagle nor a cork */
	struct {               /* what the time goes by on (as Linux's tcp_info says) */
		enum tcp_chrono { CHRONO_IDLE, CHRONO_BUSY, CHRONO_RWND, CHRONO_SNDBUF, CHRONO_COUNT } now;
		ns_t since, spent[CHRONO_COUNT];
	} chrono;
	struct {
		uint64_t bytes_sent, bytes_acked, bytes_received, bytes_retrans;
		uint64_t segs_in, segs_out, data_in, data_out, delivered, delivered_ce;
		uint64_t delivered_ecn[3]; /* bytes as told by AccECN's option: ECT(0), CE, ECT(1) */
		uint32_t retrans_by[WHY_COUNT];
		uint32_t timeouts, recoveries, spurious, dsacks, dup_acks, tlps, undos, ooo;
	} stat;
};

struct tcb_listener {
	struct tcp_flow flow; /* must be first; remote is zero */
	struct tcp *tcp;
	bool v6only;
	struct tcp_ready ready;
	ns_t defer;
	struct list half;     /* SYN-RECEIVED, oldest first */
	struct list done;     /* waiting for accept */
	uint32_t nhalf, ndone, backlog;
	uint16_t mss_clamp;   /* OPT_MAXSEG, for its connections; 0: none */
	uint8_t tos, ttl;     /* for them as well, and for resets */
	uint32_t table_at;
	const struct tcp_config *cfg;
	struct tcp_config *own_cfg;
	uint32_t sndbuf, rcvbuf, window_clamp;
};

/* TIME-WAIT, compact: what RFC 9293 3.10.7.4 and RFC 6191 still need. */
struct tcb_tw {
	struct tcp_flow flow; /* must be first */
	bool ts_ok, v6;
	struct ao *ao;        /* passed on by the connection */
	seq_t snd_nxt, rcv_nxt, irs;
	uint32_t rcv_wnd;     /* unscaled, as it would be announced */
	uint8_t rcv_wscale;
	uint32_t ts_recent, ts_offset;
	ns_t ts_recent_at;
	ns_t challenge_stamp;
	uint8_t challenge_tokens;
	uint16_t ip_id;
	uint16_t ecn_bits;    /* as in every ACK: the peer may still count marks by them */
	ns_t msl;
	bool rfc1337, syn_unanswered; /* as in struct tcp_config */
	uint8_t tos, ttl;
	struct wheel_entry timer;
	struct list age;      /* tcp.tw_age, oldest first */
	uint32_t table_at;
	uint32_t number;
};

struct tcp {
	struct net *net;
	struct pkt_pool *pool;
	struct stack_counters *count;
	struct tcp_config cfg;
	ns_t now;
	struct flowmap flows;     /* connections and TIME-WAITs */
	struct flowmap listeners;
	struct slab tcbs, lsocks, tws, cc_states;
	struct wheel wheel;       /* of tcbs */
	struct wheel tw_wheel;
	struct list talk;         /* connections with something to say, in the order they began */
	struct list ready;        /* struct tcp_ready with news */
	struct list grave;        /* freed at the end of the door's call */
	struct list tw_age;
	uint32_t ntw, max_tw, nhalf, max_half;
	struct tcp_flow **table;  /* everything, for walking; holes are NULL */
	uint32_t table_len, table_cap, table_free;
	uint32_t numbers;
	struct rng rng;           /* stream "tcp" */
	struct rng cc_rng;        /* stream "cc": what congestion control draws */
	struct siphash_key isn_key, ts_key, port_key, cookie_key;
	uint32_t port_next;
	struct {
		struct siphash_key key;
		struct tfo_peer *peers; /* NULL until the first cookie comes */
		uint32_t pending, reset[TFO_RESET_SLOTS];
		ns_t slot;              /* of reset[], as a multiple of TFO_RESET_SLOT */
	} fastopen;
	struct ao_keys ao;
	probe_fn *probe;
	void *probe_arg;
};

/* tcp_state.c: the only place where a state changes. `why` is a static text. */
void tcp_set_state(struct tcb *, enum tcp_state to, const char *why);
bool tcp_edge_allowed(enum tcp_state from, enum tcp_state to);
void tcp_probe(struct tcb *, enum probe_kind, seq_t lo, seq_t hi, ns_t value, const char *why);

/* tcp.c: creation, finding, freeing. */
int tcp_init(struct tcp *, struct net *, const struct stack_config *, struct stack_counters *);
void tcp_free(struct tcp *);
struct tcb *tcp_new(struct tcp *, const struct tcp_config *); /* CLOSED, in no map; NULL: limit */
int tcp_own_config(struct tcb *, const struct tcp_config *);
void tcp_bury(struct tcp *);          /* at the end of each door: free the dead */
void tcp_notify(struct tcb *, uint32_t bits);
void tcp_trouble(struct tcb *, enum err); /* tell the user that delivery is in doubt */
void tcp_ready_add(struct tcp *, struct tcp_ready *, uint32_t bits);
void tcp_talk(struct tcb *);          /* it has something to say */
bool tcp_table_add(struct tcp *, struct tcp_flow *, uint32_t *at);
void tcp_table_remove(struct tcp *, uint32_t at);
uint32_t tcp_ts_now(const struct tcb *); /* our timestamp clock */

/* tcp_open.c */
int tcp_connect(struct tcb *, const struct addr *, uint16_t port);
int tcp_bind_port(struct tcp *, const struct addr *local, const struct addr *remote, uint16_t rport,
		  uint16_t *lport); /* chooses one (RFC 6056) */
struct tcb_listener *tcp_listen(struct tcp *, const struct addr *, uint16_t port, uint32_t backlog,
				const struct tcp_config *, int *err);
struct tcb *tcp_accept(struct tcb_listener *);
void tcp_listener_close(struct tcb_listener *);
struct tcb_listener *tcp_find_listener(struct tcp *, const struct addr *local, uint16_t port);
struct tcb *tcp_half_open(struct tcb_listener *, const struct seg *syn, const struct flow_key *);
void tcp_leave_listener(struct tcb *); /* out of its listener's lists, if it is in one */
void tcp_arrive_listen(struct tcb_listener *, const struct seg *, const struct pkt *, const struct ip_hdr *);
void tcp_established(struct tcb *, const char *why); /* passive: hand to accept; both: start up */
void tcp_hand_to_accept(struct tcb *);
bool tcp_accept_ready(struct tcb *);  /* is there room in the accept queue? */
void tcp_take_options(struct tcb *, const struct seg *); /* of a SYN or SYN-ACK */
uint32_t tcp_ecn_constant_options(const struct tcb *);
/* Bytes of the options that every segment has. */
static inline uint32_t tcp_constant_options(const struct tcb *c)
{
	return (c->ts_ok ? 12u : 0) + (c->ao ? AO_OPTION : 0u) + (c->acc.on ? tcp_ecn_constant_options(c) : 0u);
}
void tcp_choose_mss(struct tcb *);
seq_t tcp_isn(struct tcp *, const struct flow_key *);

/* tcp_cookie.c (RFC 4987) */
seq_t tcp_cookie_make(struct tcp *, const struct flow_key *, const struct seg *, const struct tcp_config *, uint32_t *ts);
/* For an ACK that belongs to no connection: the one that our cookie promised, established, or NULL. */
struct tcb *tcp_cookie_check(struct tcb_listener *, const struct seg *, const struct flow_key *);

/* tcp_fastopen.c (RFC 7413) */
uint32_t tcp_fastopen_room(const struct tcb *, const struct addr *peer); /* of the SYN; 0: no cookie */
void tcp_fastopen_init(struct tcp *, uint64_t seed);
void tcp_fastopen_syn(struct tcb *, struct pkt *, struct seg *);     /* client: option and text of the first SYN */
void tcp_fastopen_synack(struct tcb *, struct seg *);                /* server: the cookie */
void tcp_fastopen_answered(struct tcb *, const struct seg *);        /* client: our SYN is acknowledged */
void tcp_fastopen_arrive(struct tcb *, const struct seg *, const struct pkt *); /* server: a SYN with the option */
void tcp_fastopen_settled(struct tcb *, bool reset);                 /* server: no longer pending */

/* tcp_ecn.c (RFC 3168, 8257, 9768) */
uint16_t tcp_ecn_syn(const struct tcb *);                  /* bits of our SYN */
void tcp_ecn_take_syn(struct tcb *, const struct seg *);
bool tcp_ecn_take_syn_again(struct tcb *, const struct seg *); /* false: to be reset */
uint16_t tcp_ecn_synack(struct tcb *, struct seg *);       /* bits of our SYN-ACK; may add the option */
void tcp_ecn_take_synack(struct tcb *, const struct seg *);
void tcp_ecn_take_synack_again(struct tcb *, const struct seg *);
void tcp_ecn_arrive(struct tcb *, const struct seg *);
uint16_t tcp_ecn_bits(struct tcb *, bool bare);
bool tcp_ecn_is_ect(const struct tcb *, bool new_text);
#define ACC_CEP_START 5     /* RFC 9768 3.2.1: so that a peer that zeroes the bits is found out */
#define ACC_OPTION_ROOM 12u /* AccECN's option with three counters, padded */
uint32_t tcp_ecn_text_room(const struct tcb *, uint32_t len, bool more);
void tcp_ecn_option(struct tcb *, struct seg *, bool report);
void tcp_ecn_duplicate(struct tcb *, seq_t at);
bool tcp_ecn_owes_ack(const struct tcb *);
void tcp_ecn_see_option(struct tcb *, const struct seg *);
bool tcp_ecn_is_single(const struct tcb *);                /* with AccECN: the next bits fit one segment only */
void tcp_ecn_feedback(struct tcb *, const struct seg *, struct ack_news *);

/* tcp_plpmtud.c (RFC 4821, 8899); called only while there is something to it */
uint32_t tcp_plpmtud_wants(struct tcb *, uint32_t unsent, uint32_t room, uint32_t cwnd_left);
void tcp_plpmtud_sent(struct tcb *, uint32_t text); /* at snd.nxt */
bool tcp_plpmtud_judge(struct tcb *, struct ack_news *);
void tcp_plpmtud_timeout(struct tcb *);
void tcp_plpmtud_lowered(struct tcb *);             /* pmtu fell, by whatever evidence */
void tcp_plpmtud_too_big(struct tcb *, uint32_t mtu);

/* tcp_uto.c (RFC 5482) */
ns_t tcp_user_timeout(const struct tcb *);
void tcp_uto_arrive(struct tcb *, const struct seg *);
void tcp_uto_say(struct tcb *, struct seg *);

/* tcp_input.c */
void tcp_input(struct tcp *, struct pkt *, const struct ip_hdr *); /* takes */
void tcp_icmp(struct tcp *, const struct net_in *);                /* tcp_icmp.c */

/* tcp_ack.c: SND.UNA < SEG.ACK <= SND.MAX or a duplicate; may leave the connection as it is. */
void tcp_ack(struct tcb *, const struct seg *);
void tcp_update_window(struct tcb *, const struct seg *);

/* tcp_loss.c: which records are lost, when to look again, what the window becomes. */
void tcp_loss_on_ack(struct tcb *, const struct seg *, struct ack_news *, uint32_t prior_inflight);
void tcp_loss_on_record(void *tcb, const struct rec *, struct ack_news *); /* a board_fn */
void tcp_loss_on_timeout(struct tcb *);
void tcp_loss_on_reorder_timer(struct tcb *);
void tcp_loss_on_probe_timer(struct tcb *);
void tcp_loss_arm_probe(struct tcb *);
bool tcp_writer_may_go_on(const struct tcb *); /* tcp_ack.c */
void tcp_enter_cwr(struct tcb *, const struct ack_news *, const char *why); /* ECE, or a probe repaired a loss */
uint32_t tcp_last_resort(const struct tcb *); /* RFC 6675 4 NextSeg (3), (4): a record, or REC_NONE */
void tcp_last_resort_sent(struct tcb *, uint32_t id);
uint32_t tcp_inflight(const struct tcb *);
uint32_t tcp_window_left(const struct tcb *); /* by cwnd, in bytes */

/* tcp_output.c */
void tcp_emit_all(struct tcp *, size_t frames); /* talk list -> net, about that many frames */
void tcp_send_ack_at_once(struct tcb *); /* of what arrived before the segment now looked at */
uint16_t tcp_own_mss(const struct tcb *); /* to announce */
uint32_t tcp_unit_room(const struct tcb *, uint32_t want, uint32_t *last); /* sndbuf_units: how much of it to take
									    * now; and the last unit's fill then */
void tcp_mark_urgent(struct tcb *);   /* all that the user has written is urgent */
uint32_t tcp_rcv_most(const struct tcb *);  /* the widest window that we would announce */
uint32_t tcp_rcv_space(const struct tcb *); /* what we could announce now */
bool tcp_window_update_due(const struct tcb *);

/* tcp_control.c: not pulled, but queued at once */
/* Of a segment's own numbers. `ao`: of the connection that it came for, or NULL. */
void tcp_send_reset(struct tcp *, const struct seg *, const struct ip_hdr *, struct ao *ao);
void tcp_send_abort(struct tcb *);    /* RST of a connection */
void tcp_send_syn_cookie(const struct tcb_listener *, const struct flow_key *, const struct seg *, seq_t iss,
			 uint32_t ts, uint16_t mss, uint8_t wscale);
void tcp_send_tw_ack(struct tcp *, struct tcb_tw *);

/* tcp_timer.c */
void tcp_timer_set(struct tcb *, enum tcp_timer, ns_t due);
static inline void tcp_timer_stop(struct tcb *c, enum tcp_timer t)
{
	c->due[t] = NS_NEVER;
}
void tcp_timers_stop_all(struct tcb *);
void tcp_arm_rexmit(struct tcb *);    /* restart or stop, by what is outstanding (RFC 6298 5) */
void tcp_advance(struct tcp *, ns_t now);
ns_t tcp_deadline(const struct tcp *);

/* tcp_rcv.c: text, the ACK policy, the window we offer. */
void tcp_rcv_text(struct tcb *, const struct seg *, const struct pkt *);
/* The next segments are answered at once, so that the sender need not wait for the second of two, nor for
 * one ACK that gets lost: at the start, after a duplicate, after a silence (as Linux does). */
void tcp_rcv_quick(struct tcb *);
void tcp_rcv_after_silence(struct tcb *); /* text came; before last_data_in is moved */
void tcp_rcv_read(struct tcb *);      /* the user took bytes: maybe a window update */
uint32_t tcp_rcv_urgent(const struct tcb *); /* bytes from the user's next one to the urgent pointer */

/* tcp_close.c */
void tcp_shutdown(struct tcb *);
void tcp_close(struct tcb *);         /* the user's handle is gone */
void tcp_abort(struct tcb *);         /* RST to the peer where RFC 9293 3.10.5 says so; handle is gone */
void tcp_closed(struct tcb *, int err, const char *why); /* -> CLOSED; buried if the user is gone */
void tcp_enter_time_wait(struct tcb *);
/* True: the segment is a new SYN that may be served (RFC 6191); the TIME-WAIT is gone. */
bool tcp_arrive_time_wait(struct tcp *, struct tcb_tw *, const struct seg *);
void tcp_tw_free(struct tcp *, struct tcb_tw *);

/* tcp_cc.c */
bool tcp_cc_start(struct tcb *, enum tcp_cc_kind);
void tcp_cc_restart(struct tcb *);
void tcp_cc_free(struct tcb *);
void tcp_pace_start(struct tcb *);    /* who sets the pacing rate? */
void tcp_pace_update(struct tcb *);

/* tcp_info.c */
void tcp_info(const struct tcb *, struct sock_info *);
bool tcp_check(const struct tcp *, char *why, size_t cap);

#endif
