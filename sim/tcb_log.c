/* Connections are found by their flow, or at the place that their probes name. One that is closed, but
 * whose user has not let go of it, has no flow any more: its number is remembered by a hash of the
 * flow, a guess that is checked.
 *
 * Where a connection cannot be looked at any more (TIME-WAIT, CLOSED), a row repeats what was last
 * known of it, with the new state. */
#include "tcb_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../stack/base/check.h"
#include "../stack/base/flowmap.h"
#include "../stack/wire/print.h"
#include "../traces/dissect.h"
#include "../traces/trace.h"

#define FLOW_GUESSES 1024u /* a power of two */
#define HEADERS 256        /* Ethernet, IP with options, TCP with options */
#define LINKTYPE_ETHERNET 1

struct known {
	struct bblog last;
	struct addr local, remote;
	uint16_t lport, rport;
	uint32_t at;      /* of stack_at, as probes told */
	uint32_t recover; /* the number sent last when the latest recovery began */
	uint8_t ca;       /* enum tcp_ca, as probes told */
	bool seen;
};

struct tcb_log {
	struct trace_writer *writer;
	struct stack *stack;
	int64_t epoch;
	uint32_t serial;
	struct known *known; /* by number, from 1 */
	uint32_t nknown;
	uint32_t by_flow[FLOW_GUESSES];
};

struct tcb_log *tcb_log_new(struct trace_writer *w, int64_t epoch_ns)
{
	struct tcb_log *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->writer = w;
	l->epoch = epoch_ns;
	return l;
}

void tcb_log_free(struct tcb_log *l)
{
	if (!l)
		return;
	free(l->known);
	free(l);
}

void tcb_log_attach(struct tcb_log *l, struct stack *st)
{
	l->stack = st;
}

/* ---- finding ---- */

/* NULL: out of memory, and then there are no records of this one. */
static struct known *known_of(struct tcb_log *l, uint32_t conn)
{
	if (conn >= l->nknown) {
		uint32_t n = l->nknown ? l->nknown : 16;

		while (n <= conn && n <= UINT32_MAX / 2)
			n *= 2;
		struct known *more = n > conn ? realloc(l->known, n * sizeof(*more)) : NULL;

		if (!more)
			return NULL;
		memset(more + l->nknown, 0, (n - l->nknown) * sizeof(*more));
		l->known = more;
		l->nknown = n;
	}
	return &l->known[conn];
}

static bool is_flow(const struct sock_info *i, const struct flow_key *k)
{
	return i->conn && i->lport == k->lport && i->rport == k->rport && addr_eq(&i->local, &k->local) &&
	       addr_eq(&i->remote, &k->remote);
}

static uint32_t *guess_of(struct tcb_log *l, const struct flow_key *k)
{
	uint32_t ports = (uint32_t)k->lport << 16 | k->rport;

	return &l->by_flow[(ports * 2654435761u ^ k->remote.b[15]) >> 7 & (FLOW_GUESSES - 1)];
}

static bool find_flow(struct tcb_log *l, const struct flow_key *key, struct sock_info *i)
{
	uint32_t *guess = guess_of(l, key);

	if (stack_find(l->stack, &key->local, key->lport, &key->remote, key->rport, i)) {
		bool ok = i->conn && known_of(l, i->conn);

		if (ok)
			*guess = i->conn;
		return ok;
	}
	return *guess && stack_at(l->stack, l->known[*guess].at, i) && is_flow(i, key);
}

/* ---- records ---- */

static const enum bblog_state state_of[TCP_STATES] = {
	[TCP_CLOSED] = BBLOG_CLOSED,
	[TCP_LISTEN] = BBLOG_LISTEN,
	[TCP_SYN_SENT] = BBLOG_SYN_SENT,
	[TCP_SYN_RECEIVED] = BBLOG_SYN_RECEIVED,
	[TCP_ESTABLISHED] = BBLOG_ESTABLISHED,
	[TCP_FIN_WAIT_1] = BBLOG_FIN_WAIT_1,
	[TCP_FIN_WAIT_2] = BBLOG_FIN_WAIT_2,
	[TCP_CLOSE_WAIT] = BBLOG_CLOSE_WAIT,
	[TCP_CLOSING] = BBLOG_CLOSING,
	[TCP_LAST_ACK] = BBLOG_LAST_ACK,
	[TCP_TIME_WAIT] = BBLOG_TIME_WAIT,
};

static uint32_t flags_of(const struct sock_info *i)
{
	bool fin = i->state == TCP_FIN_WAIT_1 || i->state == TCP_FIN_WAIT_2 || i->state == TCP_CLOSING ||
		   i->state == TCP_LAST_ACK || i->state == TCP_TIME_WAIT;

	return (fin ? BBLOG_F_SENT_FIN : 0) | (i->wscale ? BBLOG_F_WSCALE : 0) |
	       (i->timestamps ? BBLOG_F_TIMESTAMPS : 0) | (i->sack ? BBLOG_F_SACK : 0) |
	       (i->ca == CA_RECOVERY ? BBLOG_F_FAST_RECOVERY : 0) |
	       (i->ca == CA_RECOVERY || i->ca == CA_CWR ? BBLOG_F_CONG_RECOVERY : 0) |
	       (i->fastopen ? BBLOG_F_FASTOPEN : 0);
}

static uint32_t us_of(ns_t t)
{
	return t <= 0 ? 0 : t / US > UINT32_MAX ? UINT32_MAX : (uint32_t)(t / US);
}

/* Everything but the event, its serial number and what is particular to it. */
static struct bblog record_of(const struct sock_info *i, const struct known *k)
{
	return (struct bblog){
		.state = state_of[i->state],
		.flags = flags_of(i),
		.flags2 = (i->ecn ? BBLOG_F2_ECN : 0) | (i->accecn ? BBLOG_F2_ACCECN : 0),
		.iss = i->iss,
		.snd_una = i->snd_una,
		.snd_nxt = i->snd_nxt,
		.snd_max = i->snd_max,
		.snd_recover = k->recover,
		.snd_wnd = i->snd_wnd,
		.rcv_nxt = i->rcv_nxt,
		.rcv_wnd = i->rcv_wnd,
		.cwnd = i->cwnd,
		.ssthresh = i->ssthresh,
		.srtt_us = us_of(i->srtt),
		.rttvar_us = us_of(i->rttvar),
		.dup_acks = i->sacked_segs,
		.unread = i->unread,
		.unsent = i->notsent + (i->snd_nxt - i->snd_una),
		.snd_shift = i->snd_wscale & 15,
		.rcv_shift = i->rcv_wscale & 15,
		.flex = {i->conn},
	};
}

static void remember(struct known *k, const struct sock_info *i)
{
	uint32_t cwnd = k->last.cwnd; /* stays what a row told last */
	bool first = !k->seen;

	k->last = record_of(i, k);
	if (!first)
		k->last.cwnd = cwnd;
	k->seen = true;
	k->local = i->local;
	k->remote = i->remote;
	k->lport = i->lport;
	k->rport = i->rport;
}

static void stamp(struct tcb_log *l, struct bblog *b, enum bblog_event event, ns_t now)
{
	b->event = event;
	b->serial = l->serial++;
	b->at = now + l->epoch;
}

/* Rows bear no addresses: the words do. */
static void write_row(struct tcb_log *l, const struct known *k, struct bblog b, enum bblog_event event,
		      const char *what, ns_t now)
{
	char from[ADDR_TEXT + 8], to[ADDR_TEXT + 8], text[TRACE_TEXT_MAX];

	stamp(l, &b, event, now);
	snprintf(text, sizeof(text), "%s to %s: %s", endpoint_print(from, sizeof(from), &k->local, k->lport),
		 endpoint_print(to, sizeof(to), &k->remote, k->rport), what);
	trace_event(l->writer, &b, text);
}

/* k->last.cwnd is what the latest row told. */
static void cwnd_row(struct tcb_log *l, struct known *k, struct bblog b, ns_t now)
{
	char what[80];

	if (b.cwnd == k->last.cwnd)
		return;
	snprintf(what, sizeof(what), "cwnd %" PRIu32 " -> %" PRIu32, k->last.cwnd, b.cwnd);
	b.flex[1] = k->last.cwnd;
	k->last.cwnd = b.cwnd;
	write_row(l, k, b, BBLOG_CWND, what, now);
}

/* ---- frames ---- */

static bool is_sent_again(const struct pkt_note *n)
{
	return n->xmit > 1 && n->why != WHY_PERSIST && n->why != WHY_KEEPALIVE;
}

static void retransmission_row(struct tcb_log *l, const struct known *k, struct bblog b,
			       const struct pkt_note *n, ns_t now)
{
	char what[TRACE_TEXT_MAX - 2 * ADDR_TEXT - 32];

	if (!note_text(what, sizeof(what), n))
		snprintf(what, sizeof(what), "sent again");
	b.flex[1] = n->lo + 1;
	write_row(l, k, b, BBLOG_OUT, what, now);
}

static bool parse(const struct pkt *p, struct dissected *d)
{
	uint8_t head[HEADERS];
	uint32_t n = p->len < HEADERS ? p->len : HEADERS;
	struct reader_pkt r = {.data = head, .caplen = n, .len = p->len, .linktype = LINKTYPE_ETHERNET};

	pkt_copy_out(p, 0, head, n);
	return dissect(&r, d) == DISSECT_TCP;
}

bool tcb_log_frame(struct tcb_log *l, enum frame_dir dir, const struct pkt *p, struct bblog *b, ns_t now)
{
	struct sock_info i;
	struct dissected d;

	if (!parse(p, &d))
		return false;
	bool out = dir == FRAME_OUT;
	struct flow_key key = {.local = out ? d.src : d.dst,
			       .remote = out ? d.dst : d.src,
			       .lport = out ? d.seg.sport : d.seg.dport,
			       .rport = out ? d.seg.dport : d.seg.sport};

	if (!find_flow(l, &key, &i))
		return false;
	struct known *k = &l->known[i.conn];

	remember(k, &i);
	*b = record_of(&i, k);
	b->payload = d.seg.len;
	cwnd_row(l, k, *b, now);
	if (out && is_sent_again(&p->note))
		retransmission_row(l, k, *b, &p->note, now);
	stamp(l, b, out ? BBLOG_OUT : BBLOG_IN, now);
	return true;
}

/* ---- probes ---- */

static void state_row(struct tcb_log *l, struct known *k, struct bblog b, const struct probe *p, ns_t now)
{
	char what[160];

	snprintf(what, sizeof(what), "%s -> %s: %s", tcp_state_name(p->from), tcp_state_name(p->to), p->why);
	b.state = state_of[p->to];
	b.flex[1] = (uint32_t)state_of[p->from];
	write_row(l, k, b, BBLOG_STATE, what, now);
}

/* A timeout within a recovery has a row of its own, and goes on with it. */
static void recovery_row(struct tcb_log *l, struct known *k, struct bblog b, const struct probe *p, ns_t now)
{
	bool was = k->ca >= CA_RECOVERY, is = p->value >= CA_RECOVERY;
	char what[160];

	k->ca = (uint8_t)p->value;
	if (is)
		b.snd_recover = k->recover = p->hi;
	if (was == is)
		return;
	snprintf(what, sizeof(what), "%s recovery: %s", is ? "enters" : "leaves", p->why);
	write_row(l, k, b, is ? BBLOG_ENTER_RECOVERY : BBLOG_EXIT_RECOVERY, what, now);
}

static void timed_row(struct tcb_log *l, const struct known *k, struct bblog b, enum bblog_event event,
		      const struct probe *p, ns_t now)
{
	char what[160];

	snprintf(what, sizeof(what), "%s, %" PRIu32 " us", p->why, us_of(p->value));
	b.flex[1] = us_of(p->value);
	write_row(l, k, b, event, what, now);
}

void tcb_log_probe(struct tcb_log *l, const struct probe *p, ns_t now)
{
	struct sock_info i;
	struct known *k = known_of(l, p->conn);

	if (!k)
		return;
	k->at = p->at;
	if (stack_at(l->stack, p->at, &i) && i.conn == p->conn)
		remember(k, &i);
	else if (!k->seen || p->kind != PROBE_STATE)
		return;
	struct bblog b = k->last;

	b.cwnd = p->cwnd;
	b.ssthresh = p->ssthresh;
	switch (p->kind) {
	case PROBE_STATE: state_row(l, k, b, p, now); break;
	case PROBE_RECOVERY: recovery_row(l, k, b, p, now); break;
	case PROBE_RTO: timed_row(l, k, b, BBLOG_RTO, p, now); break;
	case PROBE_RTT: timed_row(l, k, b, BBLOG_RTT, p, now); break;
	case PROBE_UNDO: write_row(l, k, b, BBLOG_SPURIOUS, p->why, now); break;
	case PROBE_CWND:
	case PROBE_ACK: cwnd_row(l, k, b, now); break;
	default: break;
	}
}
