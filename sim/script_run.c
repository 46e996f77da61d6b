/* The third driver of a stack: the script's next line decides what time it is.
 *
 * One stack on one link, one connection under test, virtual time, no tolerance but what the profile
 * or the script grants. Each line is one turn: an inbound packet or a call acts at its time, then the
 * stack speaks until it has nothing left to say; what it says waits in a queue, with its time, for the
 * lines that expect it. Time goes on only through the stack's deadlines, so a timer's segment has
 * the timer's time exactly.
 *
 *   script_setup.c    the script's options, the stack    script_expect.c  what it should have sent
 *   script_numbers.c  numbers of script and stack        script_link.c    frames, script_call.c calls */
#include "script_run.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
char *run_time_text(char to[32], const struct runner *r, ns_t t)
{
	ns_t d = t - r->origin;
	int n = snprintf(to, 32, "%s%" PRId64 ".%09" PRId64, d < 0 ? "-" : "", (d < 0 ? -d : d) / SEC,
			 (d < 0 ? -d : d) % SEC);

	while (n > 3 && to[n - 1] == '0' && to[n - 2] != '.')
		to[--n] = '\0';
	return to;
}

/* ---- turns ---- */

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

		fd_events(r);
		try_pending(r);
		n = speak(r) + (r->pending_end != was);
		r->turns++;
	} while (n && ++rounds < 1000 && !r->failed);
	if (rounds == 1000 || r->turns > (r->options->turns ? r->options->turns : RUN_TURNS))
		run_fail(r, 0, "the stack does not stop talking");
}

ns_t run_deadline(const struct runner *r)
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

	while (!r->failed && (d = run_deadline(r)) <= t) {
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

/* ---- acting ---- */

static ns_t due_of(const struct runner *r, const struct script_event *e)
{
	return (e->when == AT_RELATIVE ? r->now : r->origin) + e->at;
}

static bool inject_segment(struct runner *r, const struct script_event *e)
{
	struct script_seg live = number_to_live(r, e->u.seg);

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
	number_learn_remote(r, e->u.seg);
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
	tolerance = expect_tolerance(r, r->pending_due - r->pending_from);
	while (r->pending_end == NS_NEVER && !r->failed) {
		ns_t d = run_deadline(r);

		if (d > r->pending_due + tolerance)
			break;
		run_until(r, ns_max(d, r->now));
	}
	r->has_pending = false;
	if (r->failed)
		return false;
	if (r->pending_end == NS_NEVER)
		return run_fail(r, r->pending.line, "%s: expected its end at %s, got none until then",
				r->pending.call->name, run_time_text(t, r, r->pending_due));
	off = r->pending_end > r->pending_due ? r->pending_end - r->pending_due
					      : r->pending_due - r->pending_end;
	r->result->deviation = ns_max(r->result->deviation, off);
	if (off > tolerance)
		return run_fail(r, r->pending.line, "%s: expected its end at %s, got %s", r->pending.call->name,
				run_time_text(t, r, r->pending_due), run_time_text(u, r, r->pending_end));
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
		ns_t d = ns_min(run_deadline(r), a.deadline);

		if (d > a.began + RUN_LONGEST)
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
	n = script_tcp_info(r, vars, sizeof(vars) / sizeof(vars[0]));
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

void script_run(const struct script *f, const struct script_run_options *o, struct script_result *res)
{
	struct runner *r = calloc(1, sizeof(*r));
	int last = 0;

	*res = (struct script_result){.verdict = SCRIPT_PASS};
	if (!r) {
		*res = (struct script_result){.verdict = SCRIPT_FAIL, .text = "out of memory"};
		return;
	}
	setup_begin(r, f, o, res);
	setup_capture(r);
	for (int i = 0; i < f->nevents && !r->failed; i++) {
		last = f->event[i].line;
		run_event(r, &f->event[i]);
	}
	if (!r->failed)
		settle_pending(r);
	expect_no_more(r, last);
	if (res->verdict != SCRIPT_PASS && !res->line)
		res->line = last;
	setup_end(r);
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
