/* Events: at a time (a link goes down, a path changes), or at a frame that plays a role; and what
 * the run is expected to give. */
#include "scenario_read.h"

#include <stdlib.h>
#include <string.h>

#include "../stack/base/check.h"
#include "units.h"

/* ---- at a time ---- */

const char *const event_keys[] = {"at",   "link", "direction", "down", "set", "host", "ao",
				  "on",   "when", "number",    "flow", "do",  "by"};
const size_t nevent_keys = ARRAY_LEN(event_keys);

static bool time_of(struct doc *d, const struct node *y, const char *what, ns_t *t)
{
	const struct field f = {.key = what, .type = FIELD_TIME};

	return field_read(d, y, &f, t);
}

static bool direction_read(struct doc *d, const struct node *y, const struct scenario *sc,
			   const struct scenario_link *l, bool dir[2])
{
	char name[2][2 * SCENARIO_NAME + 3];
	const char *words[3] = {name[0], name[1], NULL};
	int which;

	for (int i = 0; i < 2; i++)
		snprintf(name[i], sizeof(name[i]), "%s->%s", sc->host[l->host[i]].name,
			 sc->host[l->host[!i]].name);
	if (!word_read(d, y, words, &which))
		return false;
	dir[!which] = false;
	return true;
}

/* What holds on this path before event e: the latest change, or what the link began with. */
static const struct path_spec *spec_before(const struct scenario *sc,
					   const struct scenario_event *e, int i)
{
	for (const struct scenario_event *p = e; p-- > sc->event;)
		if (p->kind == EVENT_SET && p->link == e->link && p->dir[i])
			return &p->spec[i];
	return &sc->link[e->link].dir[i];
}

static const char *const settable[] = {"rate", "delay", "loss", "path_mtu", "black_hole"};

static bool set_read(struct doc *d, const struct node *y, struct scenario *sc,
		     struct scenario_event *e)
{
	e->kind = EVENT_SET;
	if (!map_expect(d, y, "a mapping such as {delay: 50ms}"))
		return false;
	for (const struct node *n = doc_first(d, y); n; n = doc_next(d, n)) {
		size_t i = 0;

		while (i < ARRAY_LEN(settable) && strcmp(settable[i], doc_key(d, n)) != 0)
			i++;
		if (i == ARRAY_LEN(settable))
			return key_unknown(d, n, settable, ARRAY_LEN(settable));
	}
	for (int i = 0; i < 2; i++) {
		const struct path_spec *before = spec_before(sc, e, i);

		e->spec[i] = *before;
		if (!e->dir[i])
			continue;
		if (!fields_read(d, y, path_fields, npath_fields, &e->spec[i]))
			return false;
		if (!e->spec[i].rate_bps != !before->rate_bps)
			return doc_fail(d, y,
					"got a rate that comes or goes, expected one from the "
					"start that changes");
	}
	return true;
}

/* Keys for TCP-AO: {rnext: 21} asks the peers to sign with another one, {current: 11} signs with it. */
static bool ao_event_read(struct doc *d, const struct node *y, const struct scenario *sc, struct scenario_event *e)
{
	static const struct field ids[] = {{.key = "current", .type = FIELD_U8, .at = 0},
					   {.key = "rnext", .type = FIELD_U8, .at = 1}};
	const struct node *host = doc_find(d, y, "host"), *ao = doc_find(d, y, "ao");
	const char *name;
	uint8_t id[2];

	e->kind = EVENT_AO;
	e->dir[0] = e->dir[1] = false;
	if (!host || !ao || doc_find(d, y, "link"))
		return doc_fail(d, y, "got `host` or `ao` alone, expected both and no `link`");
	if (!text_read(d, host, "a host", &name) || !host_find(d, host, sc, name, &e->host))
		return false;
	if (!map_expect(d, ao, "a mapping such as {rnext: 21}") || !fields_read(d, ao, ids, ARRAY_LEN(ids), id))
		return false;
	e->ao_current = doc_find(d, ao, "current") ? id[0] : -1;
	e->ao_rnext = doc_find(d, ao, "rnext") ? id[1] : -1;
	return true;
}

static bool timed_read(struct doc *d, const struct node *y, struct scenario *sc)
{
	struct scenario_event *e = &sc->event[sc->nevents];
	const struct node *at = doc_find(d, y, "at"), *link = doc_find(d, y, "link"),
			  *dir = doc_find(d, y, "direction"), *down = doc_find(d, y, "down"),
			  *set = doc_find(d, y, "set");

	*e = (struct scenario_event){.dir = {true, true}};
	if (!time_of(d, at, "at", &e->at))
		return false;
	if (sc->nevents > 0 && e->at < sc->event[sc->nevents - 1].at)
		return doc_fail(d, at, "got an earlier time, expected events in order of time");
	if (doc_find(d, y, "host") || doc_find(d, y, "ao")) {
		if (!ao_event_read(d, y, sc, e))
			return false;
		sc->nevents++;
		return true;
	}
	if (!link)
		return doc_fail(d, y, "got an event without `link`, expected the name of one");
	if (!link_find(d, link, sc, &e->link))
		return false;
	if (dir && !direction_read(d, dir, sc, &sc->link[e->link], e->dir))
		return false;
	if (!down == !set)
		return doc_fail(d, y, "got %s, expected one of `down` and `set`",
				down ? "both" : "neither");
	if (down ? !time_of(d, down, "down", &e->down) : !set_read(d, set, sc, e))
		return false;
	if (down && e->down == 0)
		return doc_fail(d, down, "down: got 0, expected a time above 0");
	sc->nevents++;
	return true;
}

/* ---- at a frame ---- */

const char *const rule_what_words[RULE_WHATS + 1] = {
    "syn", "syn_ack", "data", "retransmission", "ack", "fin", "rst", "segment", NULL,
};
const char *const rule_do_words[DO_DOS + 1] = {"drop", "delay", "duplicate", "corrupt", NULL};

/* 5, or 5..9 */
static bool range_read(struct doc *d, const struct node *y, uint64_t *first, uint64_t *last)
{
	char shown[64], text[64];
	const char *all, *dots;

	if (!text_read(d, y, "a number such as 3, or 3..5", &all))
		return false;
	dots = strstr(all, "..");
	snprintf(text, sizeof(text), "%.*s", dots ? (int)(dots - all) : 60, all);
	if (unit_count(text, first) || unit_count(dots ? dots + 2 : text, last) || *first == 0 ||
	    *last < *first)
		return doc_fail(d, y, "got %s, expected a number from 1 such as 3, or 3..5",
				doc_shown(d, y, shown));
	return true;
}

/* HOST.WHAT */
static bool on_read(struct doc *d, const struct node *y, const struct scenario *sc, uint32_t *host,
		    struct rule *rule)
{
	char name[SCENARIO_NAME], shown[64];
	const char *text, *point;
	int i = 0;

	if (!text_read(d, y, "HOST.WHAT, as in client.data", &text))
		return false;
	point = strchr(text, '.');
	if (!point || (size_t)(point - text) >= sizeof(name))
		return doc_fail(d, y, "got %s, expected HOST.WHAT, as in client.data",
				text_shown(text, shown));
	memcpy(name, text, (size_t)(point - text));
	name[point - text] = 0;
	if (!host_find(d, y, sc, name, host))
		return false;
	while (rule_what_words[i] && strcmp(rule_what_words[i], point + 1) != 0)
		i++;
	if (!rule_what_words[i])
		return doc_fail(d, y,
				"got %s, expected %s.syn, .syn_ack, .data, .retransmission, .ack, "
				".fin, .rst or .segment",
				text_shown(text, shown), name);
	rule->what = (enum rule_what)i;
	return true;
}

static bool rule_add(struct doc *d, const struct node *y, struct scenario *sc, uint32_t host,
		     const struct rule *rule)
{
	struct scenario_host *h = &sc->host[host];

	if (h->link == UINT32_MAX)
		return doc_fail(d, y, "the host `%s` has no link, expected one that sends",
				h->name);
	struct scenario_link *l = &sc->link[h->link];
	struct path_spec *spec = &l->dir[h->side];

	if (!l->rule[h->side])
		l->rule[h->side] = calloc(SCENARIO_RULES, sizeof(*rule));
	if (!l->rule[h->side])
		return doc_fail(d, y, "out of memory");
	if (spec->nrules == SCENARIO_RULES)
		return doc_fail(d, y, "got too many events of frames, expected at most %d a host",
				SCENARIO_RULES);
	l->rule[h->side][spec->nrules++] = *rule;
	spec->rule = l->rule[h->side];
	return true;
}

static bool framed_read(struct doc *d, const struct node *y, struct scenario *sc)
{
	const struct node *on = doc_find(d, y, "on"), *number = doc_find(d, y, "number"),
			  *flow = doc_find(d, y, "flow"), *act = doc_find(d, y, "do"),
			  *by = doc_find(d, y, "by");
	static const struct field flow_number = {.key = "flow",
						 .type = FIELD_U32,
						 .at = offsetof(struct rule, flow),
						 .lo = 1,
						 .hi = RULE_FLOWS_MAX,
						 .none = "any"};
	struct rule rule = {.first = 1, .last = 1};
	uint32_t host;
	int which;

	if (!on)
		on = doc_find(d, y, "when");
	if (!act)
		return doc_fail(d, y,
				"got an event without `do`, expected drop, delay, duplicate or "
				"corrupt");
	if (!on_read(d, on, sc, &host, &rule) ||
	    (number && !range_read(d, number, &rule.first, &rule.last)) ||
	    (flow && !field_read(d, flow, &flow_number, &rule)) ||
	    !word_read(d, act, rule_do_words, &which) || (by && !time_of(d, by, "by", &rule.by)))
		return false;
	rule.act = (enum rule_do)which;
	if (rule.act == DO_DELAY && rule.by == 0)
		return doc_fail(d, y, "got a delay without `by`, expected a time");
	if (by && rule.act != DO_DELAY && rule.act != DO_DUPLICATE)
		return doc_fail(d, by, "got `by` with %s, expected it with delay or duplicate",
				rule_do_words[rule.act]);
	return rule_add(d, y, sc, host, &rule);
}

static bool event_read(struct doc *d, const struct node *y, struct scenario *sc)
{
	static const char *const timed[] = {"at", "link", "direction", "down", "set", "host", "ao"};
	static const char *const framed[] = {"on", "when", "number", "flow", "do", "by"};

	if (!map_expect(d, y, "an event, as in {on: client.data, number: 3, do: drop}"))
		return false;
	bool is_timed = doc_find(d, y, "at"),
	     is_framed = doc_find(d, y, "on") || doc_find(d, y, "when");

	for (const struct node *n = doc_first(d, y); n; n = doc_next(d, n)) {
		const char *const *known = is_framed ? framed : is_timed ? timed : event_keys;
		size_t nknown = is_framed  ? ARRAY_LEN(framed)
				: is_timed ? ARRAY_LEN(timed)
					   : ARRAY_LEN(event_keys);
		size_t i = 0;

		while (i < nknown && strcmp(known[i], doc_key(d, n)) != 0)
			i++;
		if (i == nknown)
			return key_unknown(d, n, known, nknown);
	}
	if (is_framed)
		return framed_read(d, y, sc);
	if (is_timed)
		return timed_read(d, y, sc);
	return doc_fail(d, y, "got an event without `at` or `on`, expected one of them");
}

bool events_read(struct doc *d, const struct node *y, struct scenario *sc)
{
	if (!list_expect(d, y, "a list of events"))
		return false;
	sc->event = calloc(y->n + 1, sizeof(*sc->event));
	if (!sc->event)
		return doc_fail(d, y, "out of memory");
	for (const struct node *n = doc_first(d, y); n; n = doc_next(d, n))
		if (!event_read(d, n, sc))
			return false;
	return true;
}

/* ---- expectations ---- */

const char *const expect_words[EXPECT_WHATS + 1] = {
    "goodput",
    "duration",
    "bytes",
    "segments",
    "retransmissions",
    "timeouts",
    "spurious",
    "recoveries",
    "tail_probes",
    "dsacks",
    "window_probes",
    "lost",
    "queue_dropped",
    "duplicated",
    "corrupted",
    "reordered",
    "marked",
    "done",
    "tls",
    "damaged",
    "client_state",
    "server_state",
    "client_verdict",
    "server_verdict",
    NULL,
};

static enum field_type expect_type(enum expect_what what)
{
	switch (what) {
	case EXPECT_GOODPUT:
		return FIELD_RATE;
	case EXPECT_DURATION:
		return FIELD_TIME;
	case EXPECT_BYTES:
		return FIELD_SIZE64;
	case EXPECT_DONE:
	case EXPECT_TLS:
	case EXPECT_DAMAGED:
		return FIELD_BOOL;
	default:
		return FIELD_U64;
	}
}

static bool is_state(enum expect_what what)
{
	return what == EXPECT_CLIENT_STATE || what == EXPECT_SERVER_STATE;
}

static bool is_verdict(enum expect_what what)
{
	return what == EXPECT_CLIENT_VERDICT || what == EXPECT_SERVER_VERDICT;
}

/* A state or verdict by its name. */
static bool named_read(struct doc *d, const struct node *y, struct scenario_expect *e)
{
	const char *words[TCP_STATES + STREAM_VERDICTS + 1];
	int n = is_state(e->what) ? (int)TCP_STATES : (int)STREAM_VERDICTS, which;

	for (int i = 0; i < n; i++)
		words[i] = is_state(e->what) ? tcp_state_name((enum tcp_state)i)
					     : stream_verdict_name((enum stream_verdict)i);
	words[n] = NULL;
	if (!word_read(d, y, words, &which))
		return false;
	e->lo = e->hi = (uint64_t)which;
	return true;
}

/* A value, or {within: [a, b]}, {at_least: a}, {at_most: b}. */
static bool bounds_read(struct doc *d, const struct node *y, struct scenario_expect *e)
{
	static const char *const known[] = {"within", "at_least", "at_most"};
	const struct field f = {expect_words[e->what], expect_type(e->what), 0,
				.none = e->what == EXPECT_GOODPUT ? "none" : NULL};
	const struct node *n;

	/* FIELD_BOOL stores a bool: start from zero on any byte order. */
	e->lo = 0;
	e->hi = UINT64_MAX;
	if (y->type != NODE_MAP) {
		bool b;

		if (f.type != FIELD_BOOL) {
			if (!field_read(d, y, &f, &e->lo))
				return false;
		} else if (field_read(d, y, &f, &b)) {
			e->lo = b;
		} else {
			return false;
		}
		e->hi = e->lo;
		return true;
	}
	if (f.type == FIELD_BOOL)
		return doc_fail(d, y, "got a mapping, expected true or false");
	for (n = doc_first(d, y); n; n = doc_next(d, n)) {
		if (strcmp(doc_key(d, n), "at_least") == 0) {
			if (!field_read(d, n, &f, &e->lo))
				return false;
		} else if (strcmp(doc_key(d, n), "at_most") == 0) {
			if (!field_read(d, n, &f, &e->hi))
				return false;
		} else if (strcmp(doc_key(d, n), "within") == 0) {
			if (!list_expect(d, n, "two values, as in [5mbit, 8mbit]"))
				return false;
			if (n->n != 2)
				return doc_fail(d, n, "got %u values, expected two", n->n);
			const struct node *lo = doc_first(d, n);

			if (!field_read(d, lo, &f, &e->lo) ||
			    !field_read(d, doc_next(d, lo), &f, &e->hi))
				return false;
		} else {
			return key_unknown(d, n, known, ARRAY_LEN(known));
		}
	}
	return e->lo <= e->hi || doc_fail(d, y, "got an empty range, expected low before high");
}

static bool expect_read(struct doc *d, const struct node *y, struct scenario *sc)
{
	const struct node *flow = doc_find(d, y, "flow");
	uint32_t total = 0;
	const struct field number = {
	    .key = "flow", .type = FIELD_U32, .lo = 1, .hi = 0, .none = "any"};
	struct scenario_expect common = {.line = y->line};

	for (uint32_t i = 0; i < sc->nflows; i++)
		total += sc->flow[i].repeat;
	if (!map_expect(d, y, "an expectation, as in {flow: 1, timeouts: 0}"))
		return false;
	if (flow && !field_read(d, flow, &number, &common.flow))
		return false;
	if (common.flow > total)
		return doc_fail(d, flow, "flow: got %u, expected 1 to %u", common.flow, total);
	for (const struct node *n = doc_first(d, y); n; n = doc_next(d, n)) {
		const char *known[EXPECT_WHATS + 1];
		struct scenario_expect *e = &sc->expect[sc->nexpects];
		int what = 0;

		if (n == flow)
			continue;
		while (expect_words[what] && strcmp(expect_words[what], doc_key(d, n)) != 0)
			what++;
		if (!expect_words[what]) {
			memcpy(known, expect_words, EXPECT_WHATS * sizeof(*known));
			known[EXPECT_WHATS] = "flow";
			return key_unknown(d, n, known, EXPECT_WHATS + 1);
		}
		*e = common;
		e->what = (enum expect_what)what;
		if (is_state(e->what) || is_verdict(e->what) ? !named_read(d, n, e)
							     : !bounds_read(d, n, e))
			return false;
		sc->nexpects++;
	}
	return true;
}

bool expects_read(struct doc *d, const struct node *y, struct scenario *sc)
{
	size_t n = 1;

	if (!list_expect(d, y, "a list of expectations"))
		return false;
	for (const struct node *e = doc_first(d, y); e; e = doc_next(d, e))
		n += e->n;
	sc->expect = calloc(n, sizeof(*sc->expect));
	if (!sc->expect)
		return doc_fail(d, y, "out of memory");
	for (const struct node *e = doc_first(d, y); e; e = doc_next(d, e))
		if (!expect_read(d, e, sc))
			return false;
	return true;
}

char *expect_value_print(char *to, size_t cap, enum expect_what what, uint64_t v)
{
	char u[UNIT_TEXT];

	if (is_state(what))
		snprintf(to, cap, "%s",
			 v < TCP_STATES ? tcp_state_name((enum tcp_state)v) : "unknown");
	else if (is_verdict(what))
		snprintf(to, cap, "%s",
			 v < STREAM_VERDICTS ? stream_verdict_name((enum stream_verdict)v)
					     : "unknown");
	else if (expect_type(what) == FIELD_RATE)
		snprintf(to, cap, "%s", v ? unit_print_rate(u, v) : "none");
	else if (expect_type(what) == FIELD_TIME)
		snprintf(to, cap, "%s", unit_print_time(u, (ns_t)v));
	else if (expect_type(what) == FIELD_SIZE64)
		snprintf(to, cap, "%s", unit_print_size(u, v));
	else if (expect_type(what) == FIELD_BOOL)
		snprintf(to, cap, "%s", v ? "true" : "false");
	else
		snprintf(to, cap, "%llu", (unsigned long long)v);
	return to;
}

char *expect_print(char *to, size_t cap, const struct scenario_expect *e)
{
	char lo[64], hi[64], flow[24] = "";

	if (e->flow)
		snprintf(flow, sizeof(flow), "flow %u: ", e->flow);
	expect_value_print(lo, sizeof(lo), e->what, e->lo);
	expect_value_print(hi, sizeof(hi), e->what, e->hi);
	if (e->lo == e->hi)
		snprintf(to, cap, "%s%s is %s", flow, expect_words[e->what], lo);
	else if (e->hi == UINT64_MAX)
		snprintf(to, cap, "%s%s at least %s", flow, expect_words[e->what], lo);
	else if (e->lo == 0)
		snprintf(to, cap, "%s%s at most %s", flow, expect_words[e->what], hi);
	else
		snprintf(to, cap, "%s%s within %s and %s", flow, expect_words[e->what], lo, hi);
	return to;
}

/* ---- show ---- */

static void show_timed(FILE *to, const struct scenario *sc, const struct scenario_event *e, int dir)
{
	const struct scenario_link *l = &sc->link[e->link];
	char at[UNIT_TEXT], down[UNIT_TEXT];

	fprintf(to, "  - {at: %s, link: %s, direction: %s->%s, ", unit_print_time(at, e->at),
		l->name, sc->host[l->host[dir]].name, sc->host[l->host[!dir]].name);
	if (e->kind == EVENT_DOWN) {
		fprintf(to, "down: %s}\n", unit_print_time(down, e->down));
		return;
	}
	fputs("set: {", to);
	for (size_t i = 0; i < ARRAY_LEN(settable); i++)
		for (size_t k = 0; k < npath_fields; k++) {
			const struct field *f = &path_fields[k];

			if (strcmp(f->key, settable[i]) != 0)
				continue;
			if (strcmp(f->key, "rate") == 0 && !e->spec[dir].rate_bps)
				continue;
			field_print_pair(to, f, &e->spec[dir]);
			fputs(i + 1 < ARRAY_LEN(settable) ? ", " : "", to);
		}
	fputs("}}\n", to);
}

static void show_ao(FILE *to, const struct scenario *sc, const struct scenario_event *e)
{
	char at[UNIT_TEXT];

	fprintf(to, "  - {at: %s, host: %s, ao: {", unit_print_time(at, e->at), sc->host[e->host].name);
	if (e->ao_current >= 0)
		fprintf(to, "current: %d%s", e->ao_current, e->ao_rnext >= 0 ? ", " : "");
	if (e->ao_rnext >= 0)
		fprintf(to, "rnext: %d", e->ao_rnext);
	fputs("}}\n", to);
}

static void show_rules(FILE *to, const char *host, const struct path_spec *spec)
{
	for (uint32_t i = 0; i < spec->nrules; i++) {
		const struct rule *r = &spec->rule[i];
		char by[UNIT_TEXT];

		fprintf(to, "  - {on: %s.%s, number: %llu..%llu, do: %s", host,
			rule_what_words[r->what], (unsigned long long)r->first,
			(unsigned long long)r->last, rule_do_words[r->act]);
		if (r->flow)
			fprintf(to, ", flow: %u", r->flow);
		if (r->act == DO_DELAY || r->act == DO_DUPLICATE)
			fprintf(to, ", by: %s", unit_print_time(by, r->by));
		fputs("}\n", to);
	}
}

void events_show(FILE *to, const struct scenario *sc)
{
	bool any = sc->nevents > 0;

	for (uint32_t i = 0; i < sc->nlinks; i++)
		any = any || sc->link[i].dir[0].nrules || sc->link[i].dir[1].nrules;
	fputs(any ? "events:\n" : "events: []\n", to);
	for (uint32_t i = 0; i < sc->nevents; i++) {
		if (sc->event[i].kind == EVENT_AO)
			show_ao(to, sc, &sc->event[i]);
		for (int dir = 0; dir < 2; dir++)
			if (sc->event[i].dir[dir])
				show_timed(to, sc, &sc->event[i], dir);
	}
	for (uint32_t i = 0; i < sc->nlinks; i++)
		for (int dir = 0; dir < 2; dir++)
			show_rules(to, sc->host[sc->link[i].host[dir]].name, &sc->link[i].dir[dir]);
}

void expects_show(FILE *to, const struct scenario *sc)
{
	fputs(sc->nexpects ? "expect:\n" : "expect: []\n", to);
	for (uint32_t i = 0; i < sc->nexpects; i++) {
		const struct scenario_expect *e = &sc->expect[i];
		char lo[64], hi[64];

		expect_value_print(lo, sizeof(lo), e->what, e->lo);
		expect_value_print(hi, sizeof(hi), e->what, e->hi);
		fputs("  - {flow: ", to);
		if (e->flow)
			fprintf(to, "%u", e->flow);
		else
			fputs("any", to);
		if (e->lo == e->hi)
			fprintf(to, ", %s: %s}\n", expect_words[e->what], lo);
		else if (e->hi == UINT64_MAX)
			fprintf(to, ", %s: {at_least: %s}}\n", expect_words[e->what], lo);
		else
			fprintf(to, ", %s: {within: [%s, %s]}}\n", expect_words[e->what], lo, hi);
	}
}
