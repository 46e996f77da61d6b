/* tapir: a TCP/IP stack as a value with four doors.
 *
 *   input     a frame comes in            advance   time goes forward
 *   output    frames come out             deadline  when to come again
 *
 * The stack reads no clock, no file and no random source, and calls nobody back but two passive
 * observers. The contract:
 *
 *  1. `now` never goes back. It is stored; user calls act at the stored time.
 *  2. Input never fires timers; advance never reads frames. The order within one instant is input,
 *     advance, user calls, output (sim/host.c: host_turn).
 *  3. stack_deadline is never later than the first thing to do. It may be earlier; then the call
 *     does nothing. NS_NEVER: only a frame or a user call can change anything.
 *  4. After stack_output has returned less than `max` there is nothing more to send now.
 *  5. Nothing fails for want of memory in a way that the peer could not also have caused by loss:
 *     the frame is dropped and counted. User calls return a negative enum err.
 *  6. The observers may look (stack_walk, stack_find, sock_info), and may not call back in.
 *
 * Sockets are handles (index and generation), never pointers: a stale one is an error, not a crash.
 * All calls are non-blocking; readiness comes from stack_events. */
#ifndef STACK_H
#define STACK_H

#include "base/addr.h"
#include "base/pkt.h"
#include "base/time.h"
#include "link.h"

struct stack;
typedef uint32_t sock_t; /* 0 is never a socket */

enum err {
	ERR_AGAIN = -1,        /* not now: wait for an event */
	ERR_BADSOCK = -2,      /* no such socket (stale or never was) */
	ERR_INVAL = -3,        /* argument or state does not fit the call */
	ERR_INUSE = -4,        /* address or port in use */
	ERR_NOMEM = -5,        /* a pool is empty */
	ERR_ISCONN = -6,
	ERR_NOTCONN = -7,
	ERR_REFUSED = -8,      /* RST in answer to our SYN, or port unreachable */
	ERR_RESET = -9,        /* RST on a synchronised connection */
	ERR_TIMEDOUT = -10,    /* SYN, data or keepalive retries are over (R2), or user timeout */
	ERR_UNREACH = -11,     /* host or network unreachable, no route */
	ERR_PIPE = -12,        /* sending after shutdown */
	ERR_ADDRNOTAVAIL = -13,
	ERR_INPROGRESS = -14,
	ERR_ALREADY = -15,
	ERR_ABORTED = -16,     /* aborted by the user */
	ERR_OPNOTSUPP = -17,
	ERR_MSGSIZE = -18,
};
const char *err_text(int err);

/* ---- configuration ---- */

/* How TCP behaves; a profile is one of these. tcp_config_default() gives the documented values. */
enum tcp_cc_kind { CC_RENO, CC_CUBIC, CC_BBR, CC_DCTCP, CC_TAHOE, CC_NONE, CC_COUNT };
enum tcp_recovery { RECOVERY_RACK, RECOVERY_SACK, RECOVERY_NEWRENO, RECOVERY_RENO, RECOVERY_GOBACKN };
/* What becomes of SYN with FIN, which no sane sender sends: a listener is silent (as Linux), it is a
 * SYN (RFC 9293 3.10.7.2, FreeBSD), or it is dropped in every state (FreeBSD's drop_synfin). */
enum tcp_synfin { SYNFIN_LISTENER_DROPS, SYNFIN_IS_SYN, SYNFIN_DROP };
/* ICMP errors that end the opening of a connection: protocol and port unreachable and prohibited (RFC 1122
 * 4.2.3.9), those and time exceeded in transit (FreeBSD), or none (FreeBSD's icmp_may_rst=0). Or the first end a
 * connection in any state (RFC 9293 SHLD-26, which no kernel does: RFC 5461). */
enum tcp_icmp_hard { ICMP_HARD_DEFAULT, ICMP_HARD_TTL, ICMP_HARD_NONE, ICMP_HARD_ALWAYS };
/* Passive: accept, do not ask. The last three accept AccECN, and ask for it, for nothing, or for RFC 3168. */
enum tcp_ecn { ECN_OFF, ECN_PASSIVE, ECN_CLASSIC, ECN_ACC, ECN_ACC_PASSIVE, ECN_ACC_CLASSIC };
/* AccECN's option: never; where a counter changed (RFC 9768 3.2.3.3); on every segment once the peer's has come
 * (Linux). */
enum accecn_option { ACC_OPT_NEVER, ACC_OPT_CHANGED, ACC_OPT_ALWAYS };

struct tcp_config {
	enum tcp_cc_kind cc;
	enum tcp_recovery recovery;
	enum tcp_ecn ecn;
	uint8_t ecn_tries;         /* so many SYNs ask for it, and one more for AccECN; 1 */
	uint8_t accecn_option;     /* enum accecn_option */
	bool ecn_fallback;         /* a path that changes the codepoints of the handshake gets none after it; on */
	bool ect_all;              /* with AccECN bare ACKs and what is sent again are ECN-capable (RFC 8311 4.3) */
	bool sack, dsack, timestamps, wscale;
	bool limited_transmit, prr, tlp, frto, eifel;
	bool hystart, abc, idle_restart;
	bool pacing;               /* of what does not pace by itself, as BBR does: by the window and the RTT */
	bool nagle, delayed_ack, quickack; /* quickack: phases of immediate ACKs, as Linux has them */
	bool syn_cookies, rfc1337, keepalive;
	bool fastopen;             /* RFC 7413; the client asks by sock_connect_data or OPT_FASTOPEN */
	uint16_t fastopen_pending; /* half open connections that may hold data of a SYN; 256 */
	uint8_t fastopen_key[16];  /* of the cookies, for servers that share an address; zeros: drawn, and changed */
	bool plpmtud, pmtud;
	bool rfc5961;              /* challenge ACKs; off: RFC 793's rules (insecure_rst, insecure_syn) */
	uint8_t challenge_acks;    /* so many of them, for each connection, in each challenge_interval; 10 */
	ns_t challenge_interval;   /* 100 ms */
	bool error_reports;        /* SOCK_TROUBLE is told (RFC 9293 3.9.1.8); on */
	bool ao_icmp;              /* ICMP errors count for connections with TCP-AO (RFC 5925 7.8: they do not) */
	uint8_t layout;            /* enum tcp_layout */
	uint8_t ack_every;         /* full-sized segments per ACK; 2 */
	uint8_t dupthresh;         /* 3 */
	uint8_t wscale_shift;      /* 0xff: from rcvbuf_max */
	uint16_t iw_segs;          /* 10 (RFC 6928) */
	uint16_t mss;              /* largest to announce; 0: from the MTU */
	uint32_t sndbuf, rcvbuf;   /* bytes; 1 MiB each (the most a connection may hold) */
	uint32_t rcvbuf_max;       /* for the window scale; 0: rcvbuf */
	bool whole_segs;           /* FreeBSD: both buffers are rounded up to whole segments, and what they have
				    * room for is accepted, even where the window cannot say so */
	bool hystart_classic;      /* Linux's CUBIC: not RFC 9406 but its forerunner, which leaves slow start at once
				    * and then grows by a twentieth at least, until a loss shows the top */
	bool rtt_alike;            /* Linux: every sample of the RTT counts an eighth (RFC 7323 G: less, if they are many) */
	bool sndbuf_units;         /* Linux: room in the send buffer is looked for when a send unit begins; what was
				    * begun is filled. And a writer may go on when a third of the buffer is free */
	bool ts_tolerant;          /* Linux, FreeBSD: a segment may lack the agreed timestamp (RFC 7323 3.2: SHOULD drop) */
	bool bare_probes;          /* Linux: a zero window is probed without text, below it */
	bool fin_again;            /* FreeBSD: until our FIN is acknowledged every ACK repeats it */
	enum tcp_synfin synfin;
	enum tcp_icmp_hard icmp_hard;
	bool syn_unanswered;       /* FreeBSD: a SYN that opens nothing in TIME-WAIT has no answer, nor has one with
				    * an ACK in LISTEN (RFC 9293 3.10.7.4 acknowledges, 3.10.7.2 resets) */
	bool old_acks;             /* FreeBSD: the ACK of a segment below the window counts (RFC 9293 3.10.7.4: it does not) */
	bool eager_updates;        /* FreeBSD: reading announces room of a quarter of the buffer */
	bool no_options;           /* FreeBSD's TCP_NOOPT: none in our SYNs, and the peer's are not looked at */
	uint8_t syn_options;       /* FreeBSD's rexmit_drop_options: so many SYNs have more than the MSS; 0: all */
	ns_t keep_init;            /* FreeBSD: the most that an attempt to connect may take; 0: syn_retries alone */
	ns_t min_rto, max_rto, init_rto, delack, msl; /* 200 ms, 120 s, 1 s, 40 ms, 30 s (2MSL: 60 s) */
	uint8_t syn_linear;        /* so many SYNs are asked again after the first timeout, not doubled; 0 (Linux: 4) */
	uint8_t syn_retries, synack_retries, data_retries; /* 7, 5, 15 */
	ns_t user_timeout;         /* 0: data_retries rule */
	bool uto;                  /* the user timeout is told and adopted (RFC 5482) */
	bool rto_restart;          /* the timer counts from the oldest segment when few are out (RFC 7765) */
	ns_t keep_idle, keep_intvl;
	uint8_t keep_cnt;
	uint32_t isn_fixed;        /* tests: with isn_is_fixed, every ISN */
	bool isn_is_fixed;
	uint16_t unit_segs;        /* a send unit of TSO may always have so many segments; 2 */
	bool tso;                  /* make send units of more than one segment where the link takes them */
};
void tcp_config_default(struct tcp_config *);

#define STACK_ADDRS 8
#define STACK_ROUTES 16

struct stack_addr {
	struct addr addr;
	uint8_t prefix; /* 0..32 or 0..128 */
};

struct stack_route {
	struct addr dst; /* any address of the family with prefix 0: the default route */
	uint8_t prefix;
	struct addr via;
};

struct stack_config {
	uint64_t seed;
	ns_t now;
	struct pkt_pool *pool;  /* lent */
	struct link_caps link;  /* of the one link */
	struct mac mac;
	struct stack_addr addr[STACK_ADDRS];
	uint8_t naddrs;
	struct stack_route route[STACK_ROUTES];
	uint8_t nroutes;
	bool arp_probe;         /* RFC 5227: probe our IPv4 addresses before use (and DAD for IPv6) */
	bool ip6_auto;          /* make a link-local address, solicit routers, SLAAC */
	uint32_t max_socks;     /* connections and listeners; 65,536 */
	uint32_t max_time_wait; /* 16,384: the oldest makes room */
	uint32_t max_half_open; /* SYN-RECEIVED in all; 4,096 */
	uint32_t max_neigh;     /* 512 */
	uint32_t max_frag_bytes;/* 256 kB of fragments awaiting the rest */
	bool ao_strict;         /* segments with TCP-AO for which there is no key are dropped (RFC 5925 7.3: taken) */
	struct tcp_config tcp;  /* default for every socket */
};
void stack_config_default(struct stack_config *);

/* ---- doors ---- */

struct stack *stack_new(const struct stack_config *); /* gives; NULL: out of memory */
void stack_free(struct stack *);

void stack_input(struct stack *, struct pkt *, ns_t now);                   /* takes the pkt  */
/* What one drain of the link brought: the same, but neighbours of one flow are taken as one unit. */
void stack_input_many(struct stack *, struct pkt *const *, size_t n, ns_t now); /* takes the pkts */
void stack_advance(struct stack *, ns_t now);                               /* fires timers   */
size_t stack_output(struct stack *, ns_t now, struct pkt **out, size_t max); /* gives the pkts */
ns_t stack_deadline(const struct stack *);
ns_t stack_now(const struct stack *);

/* ---- sockets ---- */

enum { SOCK_READABLE = 1, SOCK_WRITABLE = 2, SOCK_ACCEPTABLE = 4, SOCK_CONNECTED = 8,
       SOCK_FIN = 16,      /* the peer will send no more; reading gives the rest, then 0 */
       SOCK_ERROR = 32,    /* sock_error says which; the connection is gone */
       SOCK_CLOSED = 64,   /* both FINs are acknowledged: nothing more will happen */
       SOCK_URGENT = 128,  /* the urgent pointer moved: sock_info.urgent says how far off it is */
       SOCK_TROUBLE = 256 };/* delivery is in doubt, nothing is given up: sock_info.trouble says why */

struct sock_event {
	sock_t sock;
	uint32_t bits;
	void *user;
};
/* Each socket with news, at most once, with its bits or-ed; edge-triggered. */
size_t stack_events(struct stack *, struct sock_event *, size_t max);

sock_t sock_open(struct stack *);                           /* 0: none left */
int sock_bind(struct stack *, sock_t, const struct addr *, uint16_t port); /* zeros, never NULL: all ours, both families */
int sock_listen(struct stack *, sock_t, uint32_t backlog);
sock_t sock_accept(struct stack *, sock_t listener);        /* 0: none waiting */
int sock_connect(struct stack *, sock_t, const struct addr *, uint16_t port); /* 0 or ERR_*; CONNECTED comes as an event */
/* With OPT_FASTOPEN and a cookie of the peer at hand CONNECTED comes at once: what is written then goes in the
 * SYN, as far as it fits, and may reach the peer's application twice. A refusal is an error later. */
int sock_connect_data(struct stack *, sock_t, const struct addr *, uint16_t port, const void *,
		      size_t); /* RFC 7413; the bytes taken, or ERR_* */
/* So many bytes may the SYN to that peer carry; 0: there is no cookie of it, so that none may. */
uint32_t sock_syn_room(struct stack *, sock_t, const struct addr *peer);

int64_t sock_send(struct stack *, sock_t, const void *, size_t);  /* bytes taken, or ERR_* */
int64_t sock_recv(struct stack *, sock_t, void *, size_t);        /* bytes, 0 at the end, or ERR_* */
/* The same as sock_send, and the last byte taken is the last urgent one (RFC 6093: it stays in line). */
int64_t sock_send_urgent(struct stack *, sock_t, const void *, size_t);
/* A record ends behind what has been written: no segment will hold bytes of both sides of it (MSG_EOR). */
int sock_end_record(struct stack *, sock_t);
/* More follows soon (MSG_MORE): what has been written and does not fill a segment waits, whatever
 * OPT_NODELAY says, for the next write, the next ACK, or an RTO; and it is not pushed. */
int sock_more(struct stack *, sock_t);
/* Zero copy. reserve lends room at the tail of the send queue (*len set; may be less than asked),
 * commit says how much was filled. peek lends the next unread bytes, consume frees them. The
 * pointers hold until the next call on this socket. NULL: no room / nothing to read. */
void *sock_reserve(struct stack *, sock_t, size_t *len);
int sock_commit(struct stack *, sock_t, size_t len);
const void *sock_peek(struct stack *, sock_t, size_t *len);
int sock_consume(struct stack *, sock_t, size_t len);
/* Moves up to max unread bytes as slices to the caller (who unrefs the chunks), and sends slices
 * without a copy (each takes a new reference). */
int64_t sock_recv_slices(struct stack *, sock_t, struct slice *, int *n, size_t max);
int64_t sock_send_slice(struct stack *, sock_t, struct chunk *, uint32_t off, uint32_t len);

int sock_shutdown(struct stack *, sock_t); /* no more sending: FIN after what is queued */
int sock_close(struct stack *, sock_t);    /* FIN, or RST if unread data is thrown away (RFC 2525 2.17); the handle ends */
int sock_abort(struct stack *, sock_t);    /* RST; the handle ends */
int sock_error(struct stack *, sock_t);    /* the pending error (negative enum err), 0 if none; clears it */
size_t sock_readable(struct stack *, sock_t); /* bytes that recv would give */
size_t sock_writable(struct stack *, sock_t); /* bytes that send would take */
void sock_set_user(struct stack *, sock_t, void *user);
void *sock_user(struct stack *, sock_t);

enum sock_opt {
	OPT_NODELAY /* setting it also sends what waits */, OPT_CORK /* for an RTO at most */,
	OPT_QUICKACK, OPT_KEEPALIVE, OPT_KEEPIDLE, OPT_KEEPINTVL, OPT_KEEPCNT, /* times in ms */
	OPT_USER_TIMEOUT, OPT_MAXSEG, OPT_SNDBUF, OPT_RCVBUF, OPT_CC, OPT_SYNCNT, OPT_NOTSENT_LOWAT,
	OPT_FASTOPEN, OPT_TOS, OPT_LINGER /* 0: close resets; -1: it does not */, OPT_V6ONLY, OPT_RCVLOWAT, OPT_PACING_RATE /* the most, in bytes per second; 0: no limit */, OPT_MTU_DISCOVER, OPT_TTL,
	OPT_OOBINLINE, OPT_WINDOW_CLAMP /* the most to announce; 0: what the buffer has room for */, OPT_DEFER_ACCEPT /* seconds to wait for text */, OPT_REUSEADDR,
	OPT_KEEPINIT /* ms */, OPT_NOOPT,
	/* The other members of struct tcp_config, by their names; times in ms. Before connect; of a listener,
	 * for the connections to come; those that config.c says so of, also while a connection is open. */
	OPT_RECOVERY, OPT_ECN, OPT_ECN_TRIES, OPT_ACCECN_OPTION, OPT_ECN_FALLBACK, OPT_ECT_ALL, OPT_SYN_LINEAR, OPT_SACK, OPT_DSACK, OPT_TIMESTAMPS, OPT_WSCALE,
	OPT_LIMITED_TRANSMIT, OPT_PRR, OPT_TLP, OPT_FRTO, OPT_EIFEL, OPT_HYSTART, OPT_ABC, OPT_IDLE_RESTART,
	OPT_PACING, OPT_NAGLE, OPT_DELAYED_ACK, OPT_SYN_COOKIES, OPT_RFC1337, OPT_FASTOPEN_PENDING,
	OPT_PLPMTUD, OPT_RFC5961, OPT_LAYOUT, OPT_ACK_EVERY, OPT_DUPTHRESH, OPT_WSCALE_SHIFT, OPT_IW, OPT_MSS,
	OPT_RCVBUF_MAX, OPT_WHOLE_SEGS, OPT_HYSTART_CLASSIC, OPT_RTT_ALIKE, OPT_SNDBUF_UNITS, OPT_TS_TOLERANT,
	OPT_BARE_PROBES, OPT_FIN_AGAIN, OPT_SYNFIN, OPT_ICMP_HARD, OPT_SYN_UNANSWERED, OPT_OLD_ACKS,
	OPT_EAGER_UPDATES, OPT_SYN_OPTIONS, OPT_MIN_RTO, OPT_MAX_RTO, OPT_INIT_RTO, OPT_DELACK, OPT_MSL,
	OPT_SYNACK_RETRIES, OPT_DATA_RETRIES, OPT_UTO, OPT_RTO_RESTART, OPT_UNIT_SEGS, OPT_TSO, OPT_AO_ICMP,
	OPT_CHALLENGE_ACKS, OPT_CHALLENGE_INTERVAL, OPT_ERROR_REPORTS,
	OPT_COUNT,
};
/* A size out of bounds becomes the nearest within them, a time beyond them the longest; anything else out of
 * bounds is ERR_INVAL, as is what a connection that is open can no longer change. */
int sock_set(struct stack *, sock_t, enum sock_opt, int64_t value);
int sock_get(struct stack *, sock_t, enum sock_opt, int64_t *value);
/* The whole configuration of one socket, before connect or listen. */
int sock_configure(struct stack *, sock_t, const struct tcp_config *);

enum tcp_state {
	TCP_CLOSED, TCP_LISTEN, TCP_SYN_SENT, TCP_SYN_RECEIVED, TCP_ESTABLISHED, TCP_FIN_WAIT_1,
	TCP_FIN_WAIT_2, TCP_CLOSE_WAIT, TCP_CLOSING, TCP_LAST_ACK, TCP_TIME_WAIT, TCP_STATES,
};
const char *tcp_state_name(enum tcp_state); /* "SYN-SENT" */

enum tcp_ca { CA_OPEN, CA_DISORDER, CA_CWR, CA_RECOVERY, CA_LOSS };

/* Everything an application, a test or a trace may want to know of a connection. Numbers raw. */
struct sock_info {
	uint32_t conn;          /* number within the stack, as in struct probe */
	enum tcp_state state;
	enum tcp_ca ca;
	struct addr local, remote;
	uint16_t lport, rport;
	uint32_t iss, irs, snd_una, snd_nxt, snd_max, rcv_nxt, snd_wnd, rcv_wnd;
	uint32_t mss;           /* effective: what one segment carries */
	uint32_t mss_peer;      /* as announced */
	uint32_t mss_own;       /* as we announced it */
	uint32_t pmtu;
	bool sack, timestamps, wscale, ecn, accecn, fastopen, app_limited;
	bool ao;                /* TCP-AO; the rest of this line with it only: keys, and ids of the last good segment */
	uint8_t ao_current /* SendID */, ao_rnext /* RecvID */, ao_keyid, ao_rnextkeyid;
	uint8_t snd_wscale, rcv_wscale;
	uint32_t cwnd, ssthresh, inflight, sacked, lost, retrans; /* bytes */
	uint32_t unacked_segs, sacked_segs, lost_segs, retrans_segs; /* now */
	uint64_t pacing_rate, delivery_rate; /* bytes per second */
	ns_t srtt, rttvar, rto, min_rtt, last_rtt;
	uint8_t backoff, probes, retransmits;
	uint32_t reordering;    /* in segments: the widest seen, or the threshold */
	uint32_t reorderings;   /* times that it was seen */
	uint64_t bytes_sent, bytes_acked, bytes_received, bytes_retrans;
	uint64_t segs_out, segs_in, data_segs_out, data_segs_in, delivered, delivered_ce;
	uint64_t delivered_ecn[3], received_ecn[3]; /* bytes with AccECN: ECT(0), CE, ECT(1) */
	uint64_t received_ce;  /* marked packets, with AccECN */
	uint64_t retrans_by[WHY_COUNT]; /* segments by cause */
	uint32_t timeouts, recoveries, spurious, dsacks, dup_acks, tlps, undos, ooo_segs;
	uint32_t notsent, unread, sndbuf, rcvbuf;
	int16_t trouble;       /* since the last progress: ERR_TIMEDOUT (R1 retransmissions, RFC 9293 3.8.3),
				* ERR_UNREACH (ICMP); 0: none */
	uint32_t urgent;       /* bytes from the next one to be read up to the urgent pointer; 0: none */
	ns_t last_data_in, last_data_out, last_ack_in; /* so long ago; since it was established, if never */
	ns_t busy, rwnd_limited, sndbuf_limited; /* time with text to send or out; of that, held up by the peer's
						  * window, or for want of more while the writer is held up */
	uint64_t cc_state;     /* algorithm's own: CUBIC W_max in bytes, BBR bandwidth ... */
	const char *cc;
};
int sock_info(struct stack *, sock_t, struct sock_info *);
/* Walks all TCP connections, listeners and TIME-WAITs in a stable order: *cursor starts at 0;
 * false at the end. For tests, checks and reports. */
bool stack_walk(struct stack *, uint32_t *cursor, struct sock_info *);
/* One of them, without a walk: by its flow (what a segment of this flow would be for, listeners apart), or
 * by the cursor at which a walk would find it (struct probe has it). False: none, or another by now. */
bool stack_find(struct stack *, const struct addr *local, uint16_t lport, const struct addr *remote,
		uint16_t rport, struct sock_info *);
bool stack_at(struct stack *, uint32_t cursor, struct sock_info *);

/* ---- authentication: TCP-AO (RFC 5925) ---- */

/* The stack knows no cryptography: an algorithm is a table of functions that comes with the key, and
 * tls/ao.h has the two of RFC 5926. Both make MACs of 96 bits. */
#define AO_MAC_LEN 12
#define AO_MASTER_MAX 80       /* bytes of a master key */
#define AO_TRAFFIC_BYTES 384   /* room for a traffic key as the MAC wants it, its schedule included */
#define AO_KEYS_MAX 1024       /* of a stack */

struct ao_piece {
	const void *bytes;
	size_t len;
};

struct ao_alg {
	const char *name;
	/* KDF (RFC 5926 3.1): the traffic key for a context, into AO_TRAFFIC_BYTES that are aligned to 16. */
	void (*derive)(void *traffic, const void *master, size_t master_len, const void *context, size_t len);
	/* MAC (RFC 5926 3.2) over the pieces, one behind the other. */
	void (*mac)(const void *traffic, const struct ao_piece *, size_t n, uint8_t out[AO_MAC_LEN]);
};

/* A master key tuple (RFC 5925 3.1): whose connections, which ids, how. It never changes. */
struct ao_key {
	struct addr peer;       /* the peer's address, or any */
	uint8_t prefix;         /* so many bits of it count; 0 with any: every address, both families */
	uint16_t port, lport;   /* the peer's and ours; 0: any */
	uint8_t send_id, recv_id;
	bool bare;              /* the MAC leaves out all other options (some middleboxes change them) */
	const struct ao_alg *alg;
	const void *master;
	size_t master_len;
};

/* A connection has TCP-AO from its SYN to its end, or not at all: keys bind connections that begin after.
 * From then on the peer must sign: what has no MAC or a wrong one is dropped, counted, and not answered.
 * Two keys for one connection have different ids: ERR_INUSE. Copies the master key. */
int stack_ao_add(struct stack *, const struct ao_key *);
/* By peer, prefix, ports and both ids. ERR_INUSE: some connection signs with it, or asks for it. */
int stack_ao_remove(struct stack *, const struct ao_key *);
/* RFC 5925 7.1. By SendID what we sign with from now on, by RecvID what we ask the peer to sign with, which
 * is how keys roll over: the peer follows when it sees that, and we follow its wishes. -1: as it is. Before
 * connect: what the SYN is signed with (default: the first key that fits). */
int sock_ao_set(struct stack *, sock_t, int current, int rnext);

/* ---- observers ---- */

enum frame_dir { FRAME_IN, FRAME_OUT };
typedef void frame_fn(void *arg, enum frame_dir, const struct pkt *, ns_t now);
void stack_observe(struct stack *, frame_fn *, void *arg); /* every frame, both directions */

/* State, recovery, loss marks, RTT samples, timers: for logs and series. */
enum probe_kind {
	PROBE_STATE, PROBE_CWND, PROBE_RTT, PROBE_LOSS, PROBE_RECOVERY, PROBE_RTO, PROBE_TLP, PROBE_UNDO,
	PROBE_DROP,  /* a segment was refused; why says for what */
	PROBE_ACK,   /* an ACK was processed */
};
struct probe {
	enum probe_kind kind;
	uint32_t conn;         /* number of the connection within the stack, from 1 */
	uint32_t at;           /* where stack_at finds it */
	enum tcp_state from, to;
	uint32_t lo, hi;       /* raw sequence range, for LOSS, RTO, TLP, UNDO */
	uint32_t cwnd, ssthresh;
	ns_t value;            /* RTT sample, RTO */
	const char *why;       /* a static text */
};
typedef void probe_fn(void *arg, const struct probe *, ns_t now);
void stack_probe(struct stack *, probe_fn *, void *arg);

/* ---- counters and checks ---- */

struct stack_counters {
	uint64_t frames_in, frames_out, bytes_in, bytes_out;
	uint64_t eth_bad, eth_not_ours, eth_unknown_type;
	uint64_t arp_in, arp_bad, arp_out, arp_conflicts, neigh_full, neigh_failed, neigh_dropped;
	uint64_t ip_bad, ip_not_ours, ip_martian, ip_options_dropped, ip_no_route, ip_no_proto;
	uint64_t frags_in, frags_overlap, frags_timeout, frags_evicted, reassembled, frags_out;
	uint64_t icmp_in, icmp_bad, icmp_out, icmp_limited, icmp_to_tcp, icmp_to_tcp_ignored;
	uint64_t udp_in, udp_bad, udp_no_port;
	uint64_t tcp_in, tcp_bad, tcp_bad_csum, tcp_no_conn, tcp_out, tcp_rst_out, tcp_rst_in;
	uint64_t tcp_retrans, tcp_timeouts, tcp_dup_data, tcp_ooo, tcp_paws, tcp_challenge,
		tcp_wscale_beyond, /* a window scale above 14 (RFC 7323 2.3) */
		tcp_challenge_limited, tcp_out_of_window, tcp_opened, tcp_accepted, tcp_listen_overflow,
		tcp_syn_cookies_sent, tcp_syn_cookies_ok, tcp_syn_cookies_bad, tcp_persist, tcp_keepalive,
		tcp_time_wait_evicted, tcp_half_open_evicted, tcp_spurious, tcp_mem_dropped;
	/* TCP-AO, segments in: MAC right, wrong; none though there is a key; no key of that id (or, none that
	 * could be checked: no such connection); malformed; and accepted unchecked, there being no key. */
	uint64_t ao_good, ao_bad, ao_missing, ao_no_key, ao_malformed, ao_unchecked;
	uint64_t no_memory; /* frames dropped since a pool was empty */
};
const struct stack_counters *stack_counters(const struct stack *);

/* Walks every connection and checks the invariants of check.h; false and a line in `why` when one
 * is broken. Slow; called by tests and the simulator, not on a segment's path. */
bool stack_check(const struct stack *, char *why, size_t cap);

/* Tests: the n-th allocation from the stack's own pools from now on fails. */
void stack_fail_alloc(struct stack *, uint32_t n);
/* Tests: drop what waits and is nobody's (fragments, packets behind address resolution, TIME-WAIT), so
 * that leak checks can expect zero. */
void stack_flush(struct stack *);

#endif
