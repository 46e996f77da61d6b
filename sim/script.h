/* Packetdrill scripts: the language as structs, its parser, and a runner in virtual time.
 *
 *   script_parse.c    text -> struct script, with script_parse_packet.c and script_parse_call.c (the
 *                     scanner is script_scan.c)
 *   script_print.c    a segment -> text, in the same notation as wire/print.c
 *   script_frame.c    frames <-> segments of the script
 *   script_compare.c  expected against actual segment, by the rules of a profile
 *   script_expr.c     `%{ }%` assertions: the subset of Python that scripts use
 *   script_profile.c  profiles -> rules and struct tcp_config
 *   script_command.c  commands in backticks; script_sysctl.c: sysctls -> struct tcp_config
 *   script_call.c     socket calls on the stack's handles, with errno and blocking
 *   script_run.c      the driver: the script's next line decides what time it is
 *
 * Both dialects are read: google/packetdrill's and that of FreeBSD's TCP test suite. */
#ifndef SCRIPT_H
#define SCRIPT_H

#include "../stack/base/time.h"
#include "../stack/stack.h"
#include "../stack/wire/tcp.h"

#define SCRIPT_OPTS 40 /* all of the option space as NOPs */
#define SCRIPT_SEG_TEXT 512

/* ---- segments ---- */

enum script_opt_kind {
	SOPT_EOL, SOPT_NOP, SOPT_MSS, SOPT_WSCALE, SOPT_SACKOK, SOPT_SACK, SOPT_TS, SOPT_FO, SOPT_FOEXP,
	SOPT_MD5, SOPT_ECN0, SOPT_ECN1, /* AccECN, order 0 and 1 (RFC 9768 3.2.3) */
	SOPT_AO,                        /* bytes: KeyID, RNextKeyID, MAC */
	SOPT_OTHER,                     /* only from frames: a kind without a word */
};

struct script_opt {
	uint8_t kind; /* enum script_opt_kind */
	uint8_t n;    /* SACK blocks, bytes of a cookie or digest, AccECN counters */
	uint8_t wire; /* SOPT_OTHER: the kind on the wire */
	bool valid;   /* `md5 valid`: computed by whoever has the key */
	union {
		uint32_t val; /* mss, shift */
		struct {
			uint32_t val, ecr;
		} ts;
		uint32_t sack[2 * 5];
		uint32_t count[3];
		uint8_t bytes[40];
	} u;
};

enum script_ecn { SECN_UNSAID = -1, SECN_NONE, SECN_ECT1, SECN_ECT0, SECN_CE, SECN_ECT01 };

struct script_ip {
	int8_t ecn;         /* enum script_ecn; up to CE it is the codepoint */
	int16_t tos, ttl;   /* -1: unsaid; tos with the two ECN bits */
	int32_t flow_label; /* -1: unsaid */
};

struct script_seg {
	bool outbound;
	struct script_ip ip;
	int32_t sport, dport;         /* -1: those of the connection */
	int32_t udp_sport, udp_dport; /* of a UDP encapsulation; -1: none said */
	uint16_t flags;               /* enum tcp_flag */
	int8_t ace;                   /* AccECN's counter instead of E, W, A; -1: none */
	bool any_seq;                 /* `...(len)` */
	bool raw_seq;                 /* `!`: as on the wire, not relative to the connection's ISN */
	uint32_t seq, end, len;
	bool has_ack, has_win, has_urg;
	uint32_t ack;
	uint16_t win, urg;
	bool any_opts; /* <...> */
	uint8_t nopts;
	struct script_opt opt[SCRIPT_OPTS];
};

struct script_icmp {
	bool outbound;
	struct script_ip ip;
	char type[32], code[40];
	int64_t mtu;   /* -1: unsaid */
	bool has_inner, raw_inner, udp_inner; /* the echoed packet: TCP sequence, or a bare length */
	uint32_t seq, end, len;
	int32_t udp_sport, udp_dport;
};

struct script_udp {
	bool outbound;
	struct script_ip ip;
	int32_t sport, dport;
	uint32_t len;
};

/* ---- calls ---- */

enum expr_kind {
	EX_ANY,    /* ... */
	EX_INT,    /* v */
	EX_WORD,   /* text */
	EX_STRING, /* text */
	EX_OR,     /* kid[0] | kid[1] */
	EX_SET,    /* kid[0] = kid[1] */
	EX_LIST,   /* [ ] */
	EX_STRUCT, /* { } */
	EX_APPLY,  /* text ( kids ) */
};

struct expr {
	enum expr_kind kind;
	int line, col;
	int64_t v;
	const char *text;
	struct expr **kid;
	int n;
};

struct script_call {
	const char *name;
	struct expr **arg;
	int nargs;
	struct expr *result;
	const char *err; /* errno's word, NULL: none */
	bool blocking;   /* written start...end */
	ns_t end;        /* same base as the event's time */
};

/* ---- the script ---- */

enum script_what { SCRIPT_SEGMENT, SCRIPT_ICMP, SCRIPT_UDP, SCRIPT_CALL, SCRIPT_COMMAND, SCRIPT_CODE };
enum script_when { AT_ABSOLUTE, AT_RELATIVE, AT_ANY, AT_ABSOLUTE_RANGE, AT_RELATIVE_RANGE };

struct script_event {
	enum script_what what;
	enum script_when when;
	int line, col;
	ns_t at, until; /* until: ranges only */
	union {
		struct script_seg *seg;
		struct script_icmp *icmp;
		struct script_udp *udp;
		struct script_call *call;
		const char *text; /* a command or code */
	} u;
};

struct script_option {
	const char *name, *value; /* "" for none */
	int line, col;
};

struct script {
	const char *path;
	struct script_event *event;
	int nevents;
	struct script_option *option;
	int noptions;
	void *arena;
};

/* Reads a script of len bytes. `defines`: NULL, or "NAME" (for `#ifdef NAME`) and "NAME=value" up to
 * a NULL; the strings outlive the script. NULL and one line `path:line:column: what, what was
 * expected` in err when it cannot be read. */
struct script *script_parse(const char *text, size_t len, const char *path,
			    const char *const *defines, char *err, size_t cap);
void script_free(struct script *);

/* One segment in the notation of wire/print.c, with or without a direction in front. */
bool script_parse_seg(const char *text, struct script_seg *, char *err, size_t cap);
char *script_print_seg(char *to, size_t cap, const struct script_seg *);

/* The decoded segment of wire/tcp.h <-> that of a script; ports included. False: an option that
 * struct seg cannot say (any, md5 digest ...). */
bool script_seg_decode(const struct script_seg *, struct seg *);

/* ---- frames ---- */

/* The options as bytes, in the order written; at most 40, else -1. */
int script_opts_emit(uint8_t to[TCP_MAX_OPTS + 4], const struct script_seg *);
/* From the bytes of a TCP header's option space. */
void script_opts_scan(const uint8_t *p, size_t n, struct script_seg *);

/* ---- comparing ---- */

struct script_rules {
	bool exact;      /* no tolerance but what the script grants; TS values; nothing unmentioned */
	bool free_push;  /* no-tso: PSH on data ignored, segments split and glued freely */
	bool syn_any;    /* order and padding of a SYN's options ignored */
	bool win_any;    /* outbound windows not compared */
	bool buf_any;    /* sizes of buffers that getsockopt tells are not compared */
	bool strict;     /* segment by segment: nothing is glued */
	ns_t ticks;      /* so much sooner than written may a retransmission come: the script's kernel has
			  * timers of whole ticks, two at least */
};

/* NULL: they agree. Otherwise the name of the first field that differs. */
const char *script_compare(const struct script_seg *want, const struct script_seg *got,
			   const struct script_rules *);

/* ---- profiles, commands ---- */

struct script_profile {
	char name[96];
	struct script_rules rules;
	bool linux_stack, bsd_stack;
	struct tcp_config tcp;
	uint32_t tso_max;
	const char *define[2]; /* for script_parse: the dialect's symbol, NULL */
};

/* "exact", or names joined by commas: linux bsd strict no-tso syn-any win-any buf-any no-quickack, and KEY=VALUE as
 * below `tcp:` in scenarios. False and a line in err for an unknown one. */
bool script_profile_of(const char *names, struct script_profile *, char *err, size_t cap);
const char *script_profile_list(void);

/* What a command may change. */
struct script_env {
	struct tcp_config tcp;
	uint32_t tso_max;
	bool cut;       /* the device does no segmentation: units come as frames, as if a layer below had cut them */
	bool link_down; /* a queue of no packets: nothing can be sent */
	bool insecure_rst, insecure_syn;
	int64_t notsent_lowat; /* 0: none */
};

enum script_cmd { CMD_OK, CMD_REFUSED, CMD_FAILED };
/* How a command asks about connections: number of those in the named state. */
typedef int script_count_fn(void *arg, enum tcp_state);
/* One "name=value"; the text is taken apart. */
enum script_cmd script_sysctl(struct script_env *, char *pair, char *why, size_t cap);
/* What the common defaults.sh of google's scripts sets; the kernel's own are of a time when SYNs began to be sent
 * again after 1 s four times (tcp_syn_linear_timeouts). */
enum script_cmd script_linux_defaults(struct script_env *, bool kernels, char *why, size_t cap);
enum script_cmd script_command(const char *text, struct script_env *, script_count_fn *, void *arg,
			       char *why, size_t cap);

/* ---- code ---- */

struct script_var {
	const char *name;
	int64_t value;
};

struct script_scope; /* the names that a script's code has set */
struct script_scope *script_scope_new(void);
void script_scope_free(struct script_scope *);
/* Runs a block; `vars` are the tcp_info names. False: an assertion failed or the code is not
 * understood, with a line in why. */
bool script_eval(struct script_scope *, const char *code, const struct script_var *vars, size_t n,
		 char *why, size_t cap);

/* ---- running ---- */

enum script_verdict { SCRIPT_PASS, SCRIPT_FAIL, SCRIPT_SKIP, SCRIPT_BAD };

struct script_result {
	enum script_verdict verdict;
	int line;           /* of the failure */
	char text[1600];    /* expected ... got ..., or the reason for skipping */
	ns_t deviation;     /* largest distance of a matched packet from its written time */
	int checked;        /* outbound segments compared */
	int others;         /* passed over: of connections that were under test before */
};

struct script_run_options {
	const struct script_profile *profile;
	const char *const *defines; /* for script_parse; NULL: none */
	const char *out_dir;        /* NULL: no captures */
	uint64_t seed;
	uint32_t turns;             /* of the stack, at most; 0: RUN_TURNS */
};

/* Runs a parsed script on a fresh stack. Never hangs: turns and virtual time are bounded. */
void script_run(const struct script *, const struct script_run_options *, struct script_result *);
/* Reads, parses and runs a file. */
void script_run_file(const char *path, const struct script_run_options *, struct script_result *);

#endif
