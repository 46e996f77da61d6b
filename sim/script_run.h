/* What the runner, its link and its calls share. Private to them. */
#ifndef SCRIPT_RUN_H
#define SCRIPT_RUN_H

#include "script.h"

#include "../stack/base/pkt.h"

#define RUN_FDS 64
#define RUN_QUEUE 2048   /* frames of the stack that no line has taken yet */
#define RUN_TS 4096      /* timestamps seen */
#define RUN_TURNS 400000 /* per script: it ends whatever it says */
#define RUN_LONGEST (7200 * SEC)         /* a call or a `*` may wait so long */

struct capture;

/* One frame that the stack has sent, in its own numbers. */
struct sent {
	struct script_seg g;
	struct addr src, dst;
	ns_t stamp;
	uint8_t proto;        /* PROTO_TCP, PROTO_UDP, PROTO_ICMP, PROTO_ICMP6 */
	const char *fault;    /* a checksum or a payload that is wrong; NULL: none */
	bool resent;          /* by the stack's own account */
	uint32_t gso;         /* bytes of each frame that a layer below would make of it; 0: it is one */
	uint32_t taken;       /* payload bytes that a line has taken already (no-tso) */
};

enum fd_kind { FD_FREE, FD_TCP, FD_EPOLL };

struct watch {
	int fd;
	uint32_t events;
	int64_t data;
	bool armed; /* something happened since the last report (EPOLLET) */
};

struct fd {
	enum fd_kind kind;
	int num;
	sock_t sock;
	bool nonblock, listening, connecting, connected, shut_rd, shut_wr, inq;
	bool lowat_set, fastopen;
	bool fastopen_connect; /* connect() waits for the first write, if there is a cookie */
	bool later;            /* it does so now */
	struct addr later_to;
	uint16_t later_port;
	bool abort_on_close; /* SO_LINGER with 0 */
	uint32_t bits;      /* SOCK_* seen so far and not used up */
	int error;          /* pending, taken from the stack to look at it; 0: none */
	sock_t accepted;    /* taken from the stack by poll, waiting for accept */
	struct watch watch[8];
	int nwatch;
};

/* One call under way. */
struct attempt {
	const struct script_call *call;
	int line;
	int step;
	uint64_t done;      /* bytes written so far */
	ns_t began, deadline;
};

struct runner {
	const struct script *script;
	const struct script_run_options *options;
	struct script_result *result;
	struct script_rules rules;
	struct script_env env;
	struct script_scope *scope;

	/* The script's options. */
	bool v6;
	struct addr local, remote;
	uint16_t bind_port, connect_port, mtu;
	ns_t tolerance;       /* absolute */
	uint32_t tolerance_percent;
	ns_t ts_tick;         /* 0: values of timestamps are not compared */
	bool strict;

	struct stack *stack;
	struct pkt_pool pool;
	struct capture *capture;
	ns_t now, origin;     /* origin: the script's time 0 */
	uint32_t turns;
	bool failed;

	struct sent *queue;   /* ring of RUN_QUEUE */
	uint32_t head, count;
	bool overflow;

	/* Script numbers <-> live ones: live = script + offset. A SYN says its number itself; everything
	 * else counts from the SYN's, so that 1 is the first octet whatever the SYN said. */
	uint32_t local_off, remote_off;
	uint32_t local_isn, remote_isn; /* as the script's SYNs say */
	bool remote_isn_known;
	uint32_t iss;
	bool iss_known, iss_may_change;
	bool opening;         /* connect() was called, and its SYN has not been seen */
	uint16_t lport, rport;
	struct {
		uint32_t script, live;
	} ts[RUN_TS];
	uint32_t nts;

	struct fd fd[RUN_FDS];
	int under_test;       /* index of the fd whose tcp_info code sees; -1 */
	struct attempt pending;
	bool has_pending;
	int64_t pending_value;
	int pending_errno;
	ns_t pending_due, pending_end; /* end: NS_NEVER while under way */
	ns_t pending_from;    /* end of the event before, for the relative tolerance */
};

/* The first failure stands. Always false. */
bool run_fail(struct runner *, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
bool run_skip(struct runner *, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Drives the stack at `now` until nothing is left to say. */
void run_turn(struct runner *);
/* Time goes on to t, through every deadline on the way. */
void run_until(struct runner *, ns_t t);
ns_t run_deadline(const struct runner *); /* when the next turn is due at the latest */
char *run_time_text(char to[32], const struct runner *, ns_t); /* seconds since the script's start */

/* script_setup.c */
void setup_begin(struct runner *, const struct script *, const struct script_run_options *, struct script_result *);
bool run_start(struct runner *); /* makes the stack, once */
void setup_capture(struct runner *);
void setup_end(struct runner *); /* takes the runner */

/* script_numbers.c */
struct script_seg number_to_live(struct runner *, const struct script_seg *);
struct script_seg number_to_script(struct runner *, const struct script_seg *live, const struct script_seg *want,
				   ns_t tolerance);
void number_learn_remote(struct runner *, const struct script_seg *); /* a SYN that goes to the stack */

/* script_expect.c */
bool expect_segment(struct runner *, const struct script_event *);
bool expect_other(struct runner *, const struct script_event *); /* ICMP and UDP of the stack */
void expect_no_more(struct runner *, int line); /* at the end */
ns_t expect_tolerance(const struct runner *, ns_t distance);

/* script_link.c: frames of the stack into the queue (ARP and ND answered), packets to it. */
void link_take(struct runner *, struct pkt *);
bool link_inject_seg(struct runner *, const struct script_seg *live);
bool link_inject_icmp(struct runner *, const struct script_icmp *, int line);
bool link_inject_udp(struct runner *, const struct script_udp *);

/* script_call.c */
enum { CALL_BLOCKS = -100000 }; /* neither a result nor an errno */
/* One try: the result, -errno, or CALL_BLOCKS. It is tried again when something has happened. */
int64_t call_try(struct runner *, struct attempt *);
bool call_check(struct runner *, const struct attempt *, int64_t value, int err);
void fd_events(struct runner *); /* script_fd.c: takes the stack's events to the descriptors */
const char *errno_name(int err); /* script_arg.c */
size_t script_tcp_info(struct runner *, struct script_var *out, size_t max); /* script_info.c */

#endif
