/* What the stack has sent, and what the script expects of it: segments wait in a queue with their time, are glued
 * or split to the length that a line speaks of, and compared. */
#include "script_run.h"

#include <stdio.h>
#include <string.h>

#include "../stack/wire/ip.h"

#define LOOK_ON (130 * SEC)          /* after a missed time: only to say when it did come */
#define OTHER_PROTO "a packet that is not TCP"

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
	/* A line for less than a send unit means the frames that are cut from it. */
	bool frames = s->gso && want->len % s->gso == 0 && !r->strict;

	if ((r->rules.free_push || frames) && want->len && want->len < g.len)
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

ns_t expect_tolerance(const struct runner *r, ns_t distance)
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
		w.until = r->now + RUN_LONGEST;
	}
	w.tolerance = expect_tolerance(r, w.due - r->now);
	return w;
}

/* Until something is in the queue or the time is over. */
static bool wait_for_packet(struct runner *r, ns_t limit)
{
	while (!r->count && !r->failed) {
		ns_t d = run_deadline(r);

		if (d > limit)
			return false;
		run_until(r, ns_max(d, r->now));
	}
	return r->count > 0;
}

/* "expected ... got ..." on one line, then the two under each other. */
static bool report_segment(struct runner *r, int line, const char *what, const struct script_seg *want,
		   const struct window *w, const struct script_seg *got, ns_t stamp)
{
	char a[SCRIPT_SEG_TEXT], b[SCRIPT_SEG_TEXT], t[32], u[32];
	struct script_seg shown;

	script_print_seg(a, sizeof(a), want);
	if (w->any)
		snprintf(t, sizeof(t), "*");
	else
		run_time_text(t, r, w->due);
	if (!got)
		return run_fail(r, line, "expected %s, got nothing until %s\n  expected %-12s %s\n  got      "
				"nothing", a, run_time_text(u, r, w->until + w->tolerance), t, a);
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
			what, t, a, run_time_text(u, r, stamp), b);
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

bool expect_segment(struct runner *r, const struct script_event *e)
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
		return !r->failed && report_segment(r, e->line, "", want, &w, NULL, 0);
	s = at_head(r, 0);
	if (s->proto != PROTO_TCP)
		return run_fail(r, e->line, "expected a segment, got %s (protocol %u)", OTHER_PROTO, s->proto);
	fault = s->fault;
	resent = s->resent;
	live = take_segment(r, want, &stamp);
	got = number_to_script(r, &live, want, w.tolerance);
	diff = fault ? fault : script_compare(want, &got, &r->rules);
	if (!diff)
		diff = not_of_this_connection(r, want, &got);
	if (!diff && !on_time(r, &w, stamp, resent))
		diff = "time";
	r->result->checked++;
	return diff ? report_segment(r, e->line, diff, want, &w, &got, stamp) : true;
}

/* ICMP and UDP of the stack: type and code, or ports, are compared by kind alone. */
bool expect_other(struct runner *r, const struct script_event *e)
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

/* What was never mentioned. packetdrill would not notice it at the end; `exact` does. */
void expect_no_more(struct runner *r, int line)
{
	struct sent *s = at_head(r, 0);
	char text[SCRIPT_SEG_TEXT], t[32];
	struct script_seg g;

	if (!s || !r->rules.exact || r->failed)
		return;
	if (s->proto != PROTO_TCP) {
		run_fail(r, line, "expected nothing more, got %s at %s", OTHER_PROTO, run_time_text(t, r, s->stamp));
		return;
	}
	g = number_to_script(r, &s->g, NULL, 0);
	g.sport = g.dport = -1;
	g.ip = (struct script_ip){SECN_UNSAID, -1, -1, -1};
	run_fail(r, line, "expected nothing more, got %s at %s", script_print_seg(text, sizeof(text), &g),
		 run_time_text(t, r, s->stamp));
}
