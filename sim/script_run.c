/* The third driver of a stack: the script's next line decides what time it is.
 *
 * One stack on one link, one connection under test, virtual time, no tolerance but what the profile
 * or the script grants. Each line is one turn: an inbound packet or a call acts at its time, then the
 * stack speaks until it has nothing left to say; what it says waits in a queue, with its time, for the
 * lines that expect it. Time goes on only through the stack's deadlines, so a timer's segment has
 * the timer's time exactly.
 *
 * Numbers: a script counts from its own initial sequence numbers. Ours (the stack's) is learned from
 * its SYN; the peer's live one lies just below the wrap, so that every script crosses it. Ports and
 * timestamps are translated likewise. */
#include "script_run.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../stack/wire/ip.h"
#include "../stack/wire/print.h"
#include "capture.h"

#define ORIGIN (100 * SEC)           /* of the script's time 0; nothing special */
#define REMOTE_OFF 0xffffff80u       /* the peer's live ISN */
#define REMOTE_PORT 53127            /* of a peer that connects */
#define LONGEST (7200 * SEC)         /* a call or a `*` may wait so long */
#define LOOK_ON (130 * SEC)          /* after a missed time: only to say when it did come */
#define OTHER_PROTO "a packet that is not TCP"

/* ---- verdicts ---- */

static bool conclude(struct runner *r, enum script_verdict v, int line, const char *fmt, va_list ap)
{
	if (r->failed)
		return false;
	r->failed = true;
	r->result->verdict = v;
	r->result->line = line;
	vsnprintf(r->result->text, sizeof(r->result->text), fmt, ap);
	return false;
}

bool run_fail(struct runner *r, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	conclude(r, SCRIPT_FAIL, line, fmt, ap);
	va_end(ap);
	return false;
}

bool run_skip(struct runner *r, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	conclude(r, SCRIPT_SKIP, line, fmt, ap);
	va_end(ap);
	return false;
}

/* Seconds since the script's start, as short as they are exact. */
static char *time_text(char to[32], const struct runner *r, ns_t t)
{
	ns_t d = t - r->origin;
	int n = snprintf(to, 32, "%s%" PRId64 ".%09" PRId64, d < 0 ? "-" : "", (d < 0 ? -d : d) / SEC,
			 (d < 0 ? -d : d) % SEC);

	while (n > 3 && to[n - 1] == '0' && to[n - 2] != '.')
		to[--n] = '\0';
	return to;
}

/* ---- the stack ---- */

bool run_start(struct runner *r)
{
	struct stack_config c;

	if (r->stack)
		return true;
	stack_config_default(&c);
	c.seed = r->options->seed;
	c.now = r->now;
	c.pool = &r->pool;
	c.link = (struct link_caps){.mtu = r->mtu, .tso_max = r->env.tso_max};
	c.link.csum_tx = r->env.tso_max > 0; /* without TSO the bytes carry their checksums: checked */
	c.mac = (struct mac){{0x02, 0, 0, 0, 0, 0x01}};
	c.addr[0] = (struct stack_addr){r->local, r->v6 ? 64 : 16};
	c.naddrs = 1;
	c.route[0].prefix = 0;
	c.route[0].dst = r->v6 ? (struct addr){{0}} : addr_v4(0);
	c.route[0].via = r->local;
	c.route[0].via.b[15] ^= 0x77;
	c.nroutes = 1;
	c.arp_probe = c.ip6_auto = false;
	c.tcp = r->env.tcp;
	r->stack = stack_new(&c);
	if (!r->stack)
		return run_fail(r, 0, "out of memory");
	if (r->capture)
		capture_attach(r->capture, r->stack);
	return true;
}

static void try_pending(struct runner *r)
{
	int64_t v;

	if (!r->has_pending || r->pending_end != NS_NEVER)
		return;
	v = call_try(r, &r->pending);
	if (v == CALL_BLOCKS)
		return;
	r->pending_end = r->now;
	r->pending_value = v < 0 ? -1 : v;
	r->pending_errno = v < 0 ? (int)-v : 0;
}

/* A link whose queue holds nothing is never asked for: output is pulled. */
static size_t speak(struct runner *r)
{
	struct pkt *out[64];
	size_t n = r->env.link_down ? 0 : stack_output(r->stack, r->now, out, 64);

	for (size_t i = 0; i < n; i++)
		link_take(r, out[i]);
	return n;
}

void run_turn(struct runner *r)
{
	size_t n;
	int rounds = 0;

	if (!r->stack || r->failed)
		return;
	stack_advance(r->stack, r->now);
	do {
		ns_t was = r->pending_end;

		call_events(r);
		try_pending(r);
		n = speak(r) + (r->pending_end != was);
		r->turns++;
	} while (n && ++rounds < 1000 && !r->failed);
	if (rounds == 1000 || r->turns > (r->options->turns ? r->options->turns : RUN_TURNS))
		run_fail(r, 0, "the stack does not stop talking");
}

static ns_t next_deadline(const struct runner *r)
{
	ns_t d = r->stack ? stack_deadline(r->stack) : NS_NEVER;

	if (r->env.link_down && d <= r->now) /* it wants to speak and cannot: its timers are looked at */
		d = r->now + MS;
	return r->has_pending && r->pending_end == NS_NEVER ? ns_min(d, r->pending.deadline) : d;
}

void run_until(struct runner *r, ns_t t)
{
	ns_t d;
	int stuck = 0;

	while (!r->failed && (d = next_deadline(r)) <= t) {
		stuck = d <= r->now ? stuck + 1 : 0;
		r->now = ns_max(r->now, d);
		if (stuck > 100) {
			run_fail(r, 0, "the stack's deadline does not move");
			return;
		}
		run_turn(r);
	}
	if (r->now >= t || r->failed)
		return;
	r->now = t;
	run_turn(r);
}

/* ---- the script's options ---- */

static bool option_int(struct runner *r, const struct script_option *o, int64_t *v)
{
	char *end;

	*v = strtoll(o->value, &end, 0);
	if (*o->value && !*end && *v >= 0)
		return true;
	return run_fail(r, o->line, "option --%s=%s, expected a number", o->name, o->value);
}

static bool take_option(struct runner *r, const struct script_option *o)
{
	static const char *const ignored[] = {"define", "mss", "speed", "duplex", "wire_server_port",
					      "gateway_ip", "netmask_ip", "init_scripts", "verbose", "debug",
					      "tcp_ts_ecr_scaled", "cleanup_cmd", "persistent_tun_dev"};
	static const char *const absent[] = {"udp_encapsulation", "tcp_md5_secret"};
	int64_t v = 0;

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		if (strcmp(o->name, ignored[i]) == 0)
			return true;
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		if (strcmp(o->name, absent[i]) == 0)
			return run_skip(r, o->line, "--%s: this stack does not have it", o->name);
	if (strcmp(o->name, "strict_segments") == 0) {
		r->strict = true;
		return true;
	}
	if (strcmp(o->name, "non_fatal") == 0)
		return run_skip(r, o->line, "--non_fatal: calls that may fail need a judgement");
	if (strcmp(o->name, "ip_version") == 0)
		return true; /* choose_addresses has read it */
	if (strcmp(o->name, "local_ip") == 0 || strcmp(o->name, "remote_ip") == 0)
		return addr_scan(o->value, o->name[0] == 'l' ? &r->local : &r->remote) ||
		       run_fail(r, o->line, "option --%s=%s, expected an address", o->name, o->value);
	if (!option_int(r, o, &v))
		return false;
	if (strcmp(o->name, "tolerance_usecs") == 0)
		r->tolerance = v * US;
	else if (strcmp(o->name, "tolerance_percent") == 0)
		r->tolerance_percent = (uint32_t)v;
	else if (strcmp(o->name, "tcp_ts_tick_usecs") == 0)
		r->ts_tick = v * US;
	else if (strcmp(o->name, "mtu") == 0 && v >= 68 && v <= 65535)
		r->mtu = (uint16_t)v;
	else if (strcmp(o->name, "bind_port") == 0)
		r->bind_port = (uint16_t)v;
	else if (strcmp(o->name, "connect_port") == 0)
		r->connect_port = (uint16_t)v;
	else
		return run_fail(r, o->line, "option --%s=%s is not known", o->name, o->value);
	return true;
}

static void choose_addresses(struct runner *r)
{
	for (int i = 0; i < r->script->noptions; i++)
		if (strcmp(r->script->option[i].name, "ip_version") == 0)
			r->v6 = strcmp(r->script->option[i].value, "ipv6") == 0;
	addr_scan(r->v6 ? "fd3d:fa7b:d17d::1" : "192.168.0.1", &r->local);
	addr_scan(r->v6 ? "2001:db8::1" : "192.0.2.1", &r->remote);
}

static void begin(struct runner *r, const struct script *f, const struct script_run_options *o,
		  struct script_result *res)
{
	const struct script_profile *p = o->profile;

	r->script = f;
	r->options = o;
	r->result = res;
	r->rules = p->rules;
	r->env = (struct script_env){.tcp = p->tcp, .tso_max = p->tso_max};
	r->scope = script_scope_new();
	r->queue = calloc(RUN_QUEUE, sizeof(*r->queue));
	r->bind_port = r->connect_port = 8080;
	r->mtu = 1500;
	r->lport = 8080;
	r->rport = REMOTE_PORT;
	r->remote_off = REMOTE_OFF;
	r->origin = r->now = ORIGIN;
	r->under_test = -1;
	r->pending_end = NS_NEVER;
	r->strict = p->rules.strict;
	if (!p->rules.exact) { /* packetdrill's defaults */
		r->tolerance = 4 * MS;
		r->tolerance_percent = 125; /* tenths */
	} else {
		r->ts_tick = MS;
	}
	pkt_pool_init(&r->pool, 0, 0);
	choose_addresses(r);
	if (!r->scope || !r->queue)
		run_fail(r, 0, "out of memory");
	for (int i = 0; i < f->noptions && !r->failed; i++)
		take_option(r, &f->option[i]);
}

/* ---- numbers ---- */

static uint32_t ts_to_live(const struct runner *r, uint32_t ecr)
{
	for (uint32_t i = r->nts; i-- > 0;)
		if (r->ts[i].script == ecr)
			return r->ts[i].live;
	return r->nts && ecr ? r->ts[0].live + (ecr - r->ts[0].script) : ecr;
}

static struct script_seg to_live(struct runner *r, const struct script_seg *g)
{
	struct script_seg l = *g;

	l.sport = g->sport < 0 ? r->rport : g->sport;
	l.dport = g->dport < 0 ? r->lport : g->dport;
	if (!g->raw_seq)
		l.seq += r->remote_off + (g->flags & TH_SYN ? 0 : r->remote_isn);
	if (g->has_ack)
		l.ack += r->local_off + (g->flags & TH_SYN ? 0 : r->local_isn);
	for (int i = 0; i < l.nopts; i++) {
		struct script_opt *o = &l.opt[i];

		if (o->kind == SOPT_SACK)
			for (int k = 0; k < 2 * o->n; k++)
				o->u.sack[k] += r->local_off + r->local_isn;
		if (o->kind == SOPT_TS)
			o->u.ts.ecr = ts_to_live(r, o->u.ts.ecr);
	}
	return l;
}

static const struct script_opt *find_ts(const struct script_seg *g)
{
	for (int i = 0; i < g->nopts; i++)
		if (g->opt[i].kind == SOPT_TS)
			return &g->opt[i];
	return NULL;
}

/* The live value in the script's clock. It is compared when there is a tick to compare it by, else
 * it is right by definition; the pair is remembered for what will be echoed. */
static uint32_t ts_to_script(struct runner *r, uint32_t live, uint32_t want, ns_t tolerance)
{
	uint32_t got = want;

	if (r->ts_tick && r->nts) {
		int64_t passed = (int32_t)(live - r->ts[0].live) * (int64_t)MS;
		int64_t expected = (int32_t)(want - r->ts[0].script) * (int64_t)r->ts_tick;

		if (passed < expected - tolerance || passed > expected + tolerance)
			got = r->ts[0].script + (uint32_t)(passed / r->ts_tick);
	}
	if (r->nts < RUN_TS && got == want) {
		r->ts[r->nts].script = want;
		r->ts[r->nts++].live = live;
	}
	return got;
}

/* A SYN of ours tells where the script's numbers begin. */
static void learn_syn(struct runner *r, const struct script_seg *live, const struct script_seg *want)
{
	if (r->iss_known && (!r->iss_may_change || live->seq == r->iss))
		return;
	r->iss = live->seq;
	r->iss_known = true;
	r->iss_may_change = r->opening = false;
	r->nts = 0;
	r->local_isn = want && !want->any_seq ? want->seq : 0;
	r->local_off = live->seq - r->local_isn;
	r->lport = (uint16_t)live->sport;
	r->rport = (uint16_t)live->dport;
}

static struct script_seg to_script(struct runner *r, const struct script_seg *live,
				   const struct script_seg *want, ns_t tolerance)
{
	struct script_seg g = *live;
	bool syn = live->flags & TH_SYN;

	if (syn)
		learn_syn(r, live, want);
	if (!want || !want->raw_seq)
		g.seq -= r->local_off + (syn ? 0 : r->local_isn);
	else
		g.raw_seq = true;
	g.end = g.seq + g.len;
	if (g.has_ack)
		g.ack -= r->remote_off + (syn ? 0 : r->remote_isn);
	const struct script_opt *w = want ? find_ts(want) : NULL;

	for (int i = 0; i < g.nopts; i++) {
		struct script_opt *o = &g.opt[i];

		if (o->kind == SOPT_SACK)
			for (int k = 0; k < 2 * o->n; k++)
				o->u.sack[k] -= r->remote_off + r->remote_isn;
		if (o->kind == SOPT_TS && w)
			o->u.ts.val = ts_to_script(r, o->u.ts.val, w->u.ts.val, tolerance);
	}
	return g;
}

/* ---- what the stack has sent ---- */

static struct sent *at_head(struct runner *r, uint32_t i)
{
	return i < r->count ? &r->queue[(r->head + i) % RUN_QUEUE] : NULL;
}

static void drop_head(struct runner *r)
{
	r->head = (r->head + 1) % RUN_QUEUE;
	r->count--;
}

static bool same_options(const struct script_seg *a, const struct script_seg *b)
{
	uint8_t x[TCP_MAX_OPTS + 4] = {0}, y[TCP_MAX_OPTS + 4] = {0};
	int n = script_opts_emit(x, a), m = script_opts_emit(y, b);

	return n == m && n >= 0 && memcmp(x, y, (size_t)n) == 0;
}

/* May b be glued to a: the next bytes of the stream with an equal header? */
static bool continues(const struct script_seg *a, const struct script_seg *b)
{
	const uint16_t free = TH_PSH | TH_FIN | TH_CWR;

	return a->len && b->len && !(a->flags & (TH_FIN | TH_SYN | TH_RST)) && b->seq == a->seq + a->len &&
	       ((a->flags ^ b->flags) & ~free) == 0 && a->ack == b->ack && a->win == b->win &&
	       a->sport == b->sport && same_options(a, b);
}

/* The first `len` payload bytes of the head become a segment of their own; the rest stays. */
static struct script_seg split_head(struct sent *s, uint32_t len)
{
	struct script_seg first = s->g;

	first.len = len;
	first.end = first.seq + len;
	first.flags &= (uint16_t) ~(TH_FIN | TH_PSH);
	s->g.seq += len;
	s->g.len -= len;
	return first;
}

/* The next segment of the queue in live numbers, glued up to the length that is expected. */
static struct script_seg take_segment(struct runner *r, const struct script_seg *want, ns_t *stamp)
{
	struct sent *s = at_head(r, 0);
	struct script_seg g = s->g;

	*stamp = s->stamp;
	if (r->rules.free_push && want->len && want->len < g.len)
		return split_head(s, want->len);
	drop_head(r);
	while (!r->strict && g.len < want->len && (s = at_head(r, 0)) && s->proto == PROTO_TCP && !s->fault &&
	       continues(&g, &s->g)) {
		uint32_t room = want->len - g.len;

		if (s->g.len > room && !r->rules.free_push)
			break;
		uint16_t last = s->g.len > room ? 0 : s->g.flags & (TH_PSH | TH_FIN);

		if (s->g.len > room) {
			split_head(s, room);
			g.len += room;
		} else {
			g.len += s->g.len;
			drop_head(r);
		}
		g.flags = (uint16_t)((g.flags & ~TH_PSH) | last);
	}
	g.end = g.seq + g.len;
	return g;
}

/* ---- expecting ---- */

struct window {
	ns_t due, until; /* as written */
	ns_t tolerance;
	bool any;
};

static ns_t tolerance_of(const struct runner *r, ns_t distance)
{
	ns_t percent = distance / 1000 * r->tolerance_percent;

	return ns_max(r->tolerance, percent > 0 ? percent : 0);
}

static struct window window_of(const struct runner *r, const struct script_event *e)
{
	ns_t base = e->when == AT_RELATIVE || e->when == AT_RELATIVE_RANGE ? r->now : r->origin;
	bool range = e->when == AT_ABSOLUTE_RANGE || e->when == AT_RELATIVE_RANGE;
	struct window w = {.due = base + e->at, .until = base + (range ? e->until : e->at),
			   .any = e->when == AT_ANY};

	if (w.any) {
		w.due = r->now;
		w.until = r->now + LONGEST;
	}
	w.tolerance = tolerance_of(r, w.due - r->now);
	return w;
}

/* Until something is in the queue or the time is over. */
static bool wait_for_packet(struct runner *r, ns_t limit)
{
	while (!r->count && !r->failed) {
		ns_t d = next_deadline(r);

		if (d > limit)
			return false;
		run_until(r, ns_max(d, r->now));
	}
	return r->count > 0;
}

/* "expected ... got ..." on one line, then the two under each other. */
static bool report(struct runner *r, int line, const char *what, const struct script_seg *want,
		   const struct window *w, const struct script_seg *got, ns_t stamp)
{
	char a[SCRIPT_SEG_TEXT], b[SCRIPT_SEG_TEXT], t[32], u[32];
	struct script_seg shown;

	script_print_seg(a, sizeof(a), want);
	if (w->any)
		snprintf(t, sizeof(t), "*");
	else
		time_text(t, r, w->due);
	if (!got)
		return run_fail(r, line, "expected %s, got nothing until %s\n  expected %-12s %s\n  got      "
				"nothing", a, time_text(u, r, w->until + w->tolerance), t, a);
	shown = *got;
	if (want->sport < 0)
		shown.sport = shown.dport = -1;
	if (strcmp(what, "ECN codepoint") != 0 && want->ip.ecn < 0)
		shown.ip.ecn = -1;
	if (want->ip.tos < 0)
		shown.ip.tos = -1;
	if (want->ip.ttl < 0)
		shown.ip.ttl = -1;
	if (want->ip.flow_label < 0)
		shown.ip.flow_label = -1;
	shown.has_win = want->has_win;
	script_print_seg(b, sizeof(b), &shown);
	return run_fail(r, line, "expected %s, got %s (%s)\n  expected %-12s %s\n  got      %-12s %s", a, b,
			what, t, a, time_text(u, r, stamp), b);
}

static bool on_time(struct runner *r, const struct window *w, ns_t stamp, bool resent)
{
	ns_t early = resent ? r->rules.ticks : 0, off = stamp < w->due ? w->due - stamp : stamp > w->until ? stamp - w->until : 0;

	if (!w->any)
		r->result->deviation = ns_max(r->result->deviation, off);
	return w->any || off <= w->tolerance + (stamp < w->due ? early : 0);
}

static const char *not_of_this_connection(const struct runner *r, const struct script_seg *want,
					  const struct script_seg *got)
{
	if (want->sport < 0 && (got->sport != r->lport || got->dport != r->rport))
		return "another connection's ports";
	return NULL;
}

/* A script that goes on to its next connection leaves the last one's segments unmentioned, as packetdrill allows;
 * `exact` does not. */
static bool of_a_former_one(const struct runner *r, const struct script_seg *want, const struct sent *s)
{
	bool opens = r->iss_may_change && s->g.flags & TH_SYN;

	return !r->rules.exact && want->sport < 0 && s->proto == PROTO_TCP && !opens &&
	       (r->opening || s->g.sport != r->lport || s->g.dport != r->rport);
}

static bool wait_for_segment(struct runner *r, const struct script_seg *want, ns_t limit)
{
	while (wait_for_packet(r, limit)) {
		if (!of_a_former_one(r, want, at_head(r, 0)))
			return true;
		r->result->others++;
		drop_head(r);
	}
	return false;
}

static bool expect_segment(struct runner *r, const struct script_event *e)
{
	const struct script_seg *want = e->u.seg;
	struct window w = window_of(r, e);
	struct script_seg live, got;
	struct sent *s;
	const char *diff, *fault;
	bool resent;
	ns_t stamp;

	if (want->udp_sport >= 0)
		return run_skip(r, e->line, "TCP over UDP: this stack does not have it");
	if (!wait_for_segment(r, want, w.until + w.tolerance) &&
	    !wait_for_segment(r, want, w.until + w.tolerance + LOOK_ON))
		return !r->failed && report(r, e->line, "", want, &w, NULL, 0);
	s = at_head(r, 0);
	if (s->proto != PROTO_TCP)
		return run_fail(r, e->line, "expected a segment, got %s (protocol %u)", OTHER_PROTO, s->proto);
	fault = s->fault;
	resent = s->resent;
	live = take_segment(r, want, &stamp);
	got = to_script(r, &live, want, w.tolerance);
	diff = fault ? fault : script_compare(want, &got, &r->rules);
	if (!diff)
		diff = not_of_this_connection(r, want, &got);
	if (!diff && !on_time(r, &w, stamp, resent))
		diff = "time";
	r->result->checked++;
	return diff ? report(r, e->line, diff, want, &w, &got, stamp) : true;
}

/* ICMP and UDP of the stack: type and code, or ports, are compared by kind alone. */
static bool expect_other(struct runner *r, const struct script_event *e)
{
	struct window w = window_of(r, e);
	bool icmp = e->what == SCRIPT_ICMP;
	struct sent *s;

	if (!wait_for_packet(r, w.until + w.tolerance))
		return run_fail(r, e->line, "expected %s, got nothing", icmp ? "an ICMP message" : "a UDP packet");
	s = at_head(r, 0);
	if (icmp ? s->proto != PROTO_ICMP && s->proto != PROTO_ICMP6 : s->proto != PROTO_UDP)
		return run_fail(r, e->line, "expected %s, got protocol %u",
				icmp ? "an ICMP message" : "a UDP packet", s->proto);
	if (!on_time(r, &w, s->stamp, false))
		return run_fail(r, e->line, "expected it at another time");
	drop_head(r);
	return true;
}

/* ---- acting ---- */

static ns_t due_of(const struct runner *r, const struct script_event *e)
{
	return (e->when == AT_RELATIVE ? r->now : r->origin) + e->at;
}

/* Does a connection stand between the two ports? Listeners do not count. */
static bool connection_stands(struct runner *r)
{
	struct sock_info i;
	uint32_t cursor = 0;

	while (stack_walk(r->stack, &cursor, &i))
		if (i.state != TCP_LISTEN && i.state != TCP_CLOSED && i.rport == r->rport)
			return true;
	return false;
}

/* A SYN that meets no connection, or the first one to meet ours, begins the peer's numbers. */
static void learn_remote_syn(struct runner *r, const struct script_seg *g)
{
	if (!(g->flags & TH_SYN) || g->raw_seq || (r->remote_isn_known && connection_stands(r)))
		return;
	r->remote_isn = g->seq;
	r->remote_isn_known = true;
}

static bool inject_segment(struct runner *r, const struct script_event *e)
{
	struct script_seg live = to_live(r, e->u.seg);

	for (int i = 0; i < live.nopts; i++)
		if (live.opt[i].kind == SOPT_MD5 && live.opt[i].valid)
			return run_skip(r, e->line, "MD5 signatures: this stack does not have them");
	if (e->u.seg->udp_sport >= 0)
		return run_skip(r, e->line, "TCP over UDP: this stack does not have it");
	if (e->u.seg->sport >= 0) {
		r->rport = (uint16_t)e->u.seg->sport;
		r->lport = (uint16_t)e->u.seg->dport;
	}
	if (live.flags & TH_SYN)
		r->iss_may_change = true;
	learn_remote_syn(r, e->u.seg);
	return link_inject_seg(r, &live) || run_fail(r, e->line, "out of memory");
}

static bool run_packet(struct runner *r, const struct script_event *e)
{
	bool ok;

	if (e->what == SCRIPT_SEGMENT && e->u.seg->outbound)
		return expect_segment(r, e);
	if ((e->what == SCRIPT_ICMP && e->u.icmp->outbound) || (e->what == SCRIPT_UDP && e->u.udp->outbound))
		return expect_other(r, e);
	run_until(r, due_of(r, e));
	if (r->failed)
		return false;
	ok = e->what == SCRIPT_SEGMENT ? inject_segment(r, e)
	     : e->what == SCRIPT_ICMP  ? link_inject_icmp(r, e->u.icmp, e->line)
				       : link_inject_udp(r, e->u.udp);
	run_turn(r);
	return ok && !r->failed;
}

/* The call under way ends, in its time, before anything else is called. */
static bool settle_pending(struct runner *r)
{
	ns_t tolerance, off;
	char t[32], u[32];

	if (!r->has_pending)
		return true;
	tolerance = tolerance_of(r, r->pending_due - r->pending_from);
	while (r->pending_end == NS_NEVER && !r->failed) {
		ns_t d = next_deadline(r);

		if (d > r->pending_due + tolerance)
			break;
		run_until(r, ns_max(d, r->now));
	}
	r->has_pending = false;
	if (r->failed)
		return false;
	if (r->pending_end == NS_NEVER)
		return run_fail(r, r->pending.line, "%s: expected its end at %s, got none until then",
				r->pending.call->name, time_text(t, r, r->pending_due));
	off = r->pending_end > r->pending_due ? r->pending_end - r->pending_due
					      : r->pending_due - r->pending_end;
	r->result->deviation = ns_max(r->result->deviation, off);
	if (off > tolerance)
		return run_fail(r, r->pending.line, "%s: expected its end at %s, got %s", r->pending.call->name,
				time_text(t, r, r->pending_due), time_text(u, r, r->pending_end));
	return call_check(r, &r->pending, r->pending_value, r->pending_errno);
}

static bool start_blocking(struct runner *r, const struct script_event *e, ns_t base)
{
	r->pending = (struct attempt){.call = e->u.call, .line = e->line, .began = r->now,
				      .deadline = NS_NEVER};
	r->has_pending = true;
	r->pending_end = NS_NEVER;
	r->pending_due = base + e->u.call->end;
	r->pending_from = base;
	run_turn(r);
	return !r->failed;
}

/* A call without an end: nothing of the script can happen before it returns. */
static bool run_plain_call(struct runner *r, const struct script_event *e)
{
	struct attempt a = {.call = e->u.call, .line = e->line, .began = r->now, .deadline = NS_NEVER};
	int64_t v = call_try(r, &a);

	run_turn(r);
	while (v == CALL_BLOCKS && !r->failed) {
		ns_t d = ns_min(next_deadline(r), a.deadline);

		if (d > a.began + LONGEST)
			return run_fail(r, e->line, "%s: expected a result, got none: it blocks", a.call->name);
		run_until(r, ns_max(d, r->now));
		v = call_try(r, &a);
		run_turn(r);
	}
	return call_check(r, &a, v < 0 ? -1 : v, v < 0 ? (int)-v : 0);
}

static bool run_call(struct runner *r, const struct script_event *e)
{
	ns_t base = e->when == AT_RELATIVE ? r->now : r->origin;

	run_until(r, due_of(r, e));
	if (!settle_pending(r) || r->failed)
		return false;
	return e->u.call->blocking ? start_blocking(r, e, base) : run_plain_call(r, e);
}

static int count_state(void *arg, enum tcp_state s)
{
	struct runner *r = arg;
	struct sock_info i;
	uint32_t cursor = 0;
	int n = 0;

	while (r->stack && stack_walk(r->stack, &cursor, &i))
		n += i.state == s;
	return n;
}

static bool run_command(struct runner *r, const struct script_event *e)
{
	char why[400] = "";
	enum script_cmd c;

	run_until(r, due_of(r, e));
	if (r->failed)
		return false;
	c = script_command(e->u.text, &r->env, count_state, r, why, sizeof(why));
	return c == CMD_OK || run_fail(r, e->line, "%s", why);
}

static bool run_code(struct runner *r, const struct script_event *e)
{
	struct script_var vars[64];
	char why[400];
	size_t n;

	run_until(r, due_of(r, e));
	if (r->failed)
		return false;
	n = call_tcp_info(r, vars, sizeof(vars) / sizeof(vars[0]));
	return script_eval(r->scope, e->u.text, vars, n, why, sizeof(why)) || run_fail(r, e->line, "%s", why);
}

static bool run_event(struct runner *r, const struct script_event *e)
{
	char why[256];

	if (e->what != SCRIPT_COMMAND && !run_start(r))
		return false;
	bool ok = e->what == SCRIPT_CALL      ? run_call(r, e)
		  : e->what == SCRIPT_COMMAND ? run_command(r, e)
		  : e->what == SCRIPT_CODE    ? run_code(r, e)
					      : run_packet(r, e);

	if (ok && r->stack && !stack_check(r->stack, why, sizeof(why)))
		return run_fail(r, e->line, "invariant: %s", why);
	if (ok && r->overflow)
		return run_fail(r, e->line, "the stack sent too much, or something that is no frame");
	return ok;
}

/* What was never mentioned. packetdrill would not notice it at the end; `exact` does. */
static void check_leftovers(struct runner *r, int line)
{
	struct sent *s = at_head(r, 0);
	char text[SCRIPT_SEG_TEXT], t[32];
	struct script_seg g;

	if (!s || !r->rules.exact || r->failed)
		return;
	if (s->proto != PROTO_TCP) {
		run_fail(r, line, "expected nothing more, got %s at %s", OTHER_PROTO, time_text(t, r, s->stamp));
		return;
	}
	g = to_script(r, &s->g, NULL, 0);
	g.sport = g.dport = -1;
	g.ip = (struct script_ip){SECN_UNSAID, -1, -1, -1};
	run_fail(r, line, "expected nothing more, got %s at %s", script_print_seg(text, sizeof(text), &g),
		 time_text(t, r, s->stamp));
}

static void open_capture(struct runner *r)
{
	const char *slash = strrchr(r->script->path, '/'), *name = slash ? slash + 1 : r->script->path;
	char path[1024], err[256];
	size_t n = strlen(name);
	struct stack_addr addr = {.addr = r->local, .prefix = r->v6 ? 64 : 16};
	struct capture_config c = {.path = path, .ifname = "script", .what = r->script->path, .addrs = &addr,
				   .naddrs = 1};

	if (!r->options->out_dir)
		return;
	if (n > 4 && strcmp(name + n - 4, ".pkt") == 0)
		n -= 4;
	snprintf(path, sizeof(path), "%s/%.*s.pcapng", r->options->out_dir, (int)n, name);
	r->capture = capture_open(&c, err, sizeof(err));
	if (!r->capture)
		run_fail(r, 0, "%s", err);
}

static void end(struct runner *r)
{
	char err[256];

	if (r->stack)
		stack_free(r->stack);
	if (r->capture)
		capture_close(r->capture, err, sizeof(err));
	pkt_pool_free(&r->pool);
	script_scope_free(r->scope);
	free(r->queue);
	free(r);
}

void script_run(const struct script *f, const struct script_run_options *o, struct script_result *res)
{
	struct runner *r = calloc(1, sizeof(*r));
	int last = 0;

	*res = (struct script_result){.verdict = SCRIPT_PASS};
	if (!r) {
		*res = (struct script_result){.verdict = SCRIPT_FAIL, .text = "out of memory"};
		return;
	}
	begin(r, f, o, res);
	open_capture(r);
	for (int i = 0; i < f->nevents && !r->failed; i++) {
		last = f->event[i].line;
		run_event(r, &f->event[i]);
	}
	if (!r->failed)
		settle_pending(r);
	check_leftovers(r, last);
	if (res->verdict != SCRIPT_PASS && !res->line)
		res->line = last;
	end(r);
}

/* ---- files ---- */

static char *read_file(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	char *text = NULL;
	size_t cap = 0, n;

	*len = 0;
	if (!f)
		return NULL;
	do {
		char *more = realloc(text, cap += 65536);

		if (!more || cap > 16 << 20) {
			free(more ? more : text);
			fclose(f);
			return NULL;
		}
		text = more;
		n = fread(text + *len, 1, cap - *len, f);
		*len += n;
	} while (n);
	fclose(f);
	return text;
}

void script_run_file(const char *path, const struct script_run_options *o, struct script_result *res)
{
	size_t len;
	char *text = read_file(path, &len);
	struct script *f;

	*res = (struct script_result){.verdict = SCRIPT_BAD};
	if (!text) {
		snprintf(res->text, sizeof(res->text), "%s:1:1: this file cannot be read, expected a script",
			 path);
		return;
	}
	f = script_parse(text, len, path, o->defines, res->text, sizeof(res->text));
	if (f)
		script_run(f, o, res);
	script_free(f);
	free(text);
}
