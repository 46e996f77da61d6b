/* The language of packetdrill scripts, as google's program and the FreeBSD test suite write it.
 *
 *   script   = { option | event }
 *   option   = "--" name [ "=" value ]                       --define=NAME=value makes a symbol
 *   event    = [ time ] ( segment | icmp | udp | call | `command` | %{ code }% )
 *   time     = [ "+" ] seconds [ "~" [ "+" ] seconds ] | "*"
 *   segment  = dir [ip] [ports] flags seq ["ack" n] ["win" n] ["urg" n] [options] ["/udp" ports]
 *   icmp     = dir [ip] "icmp" type [code] ["mtu" n] ["id" n] [ "[" inner "]" ] ["/udp" ports]
 *   udp      = dir [ip] "udp" [ports] "(" length ")"
 *   dir      = "<" (to the stack) | ">" (from the stack)
 *   ip       = ( "(" | "[" ) word { "," word } ( ")" | "]" )  ect0 ect1 ce ect01 noecn tos ttl ...
 *   flags    = S F R P U E W A . or "-"; a digit beside the dot is AccECN's counter, instead of E W A
 *   seq      = start ":" end "(" length ")" ["!"] | "..." "(" length ")"    "!": a raw number
 *   options  = "<" option { "," option } ">" | "<...>"
 *   call     = ["..." seconds] name "(" [expr {"," expr}] ")" "=" expr [errno] ["(" words ")"]
 *   expr     = primary { "|" primary }
 *   primary  = "..." | number | word ["(" list ")"] ["=" expr] | string ["..."] | "[" list "]"
 *            | "{" list "}"
 *
 * One function a rule, in this order: packets in
 * script_parse_packet.c, calls in script_parse_call.c. A command without a time happens when its turn comes. */
#include "script_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_MAX 100000

/* ---- small things ---- */

static void *grow(struct parse *p, void *old, int n, int *cap, size_t size)
{
	if (n < *cap)
		return old;
	int more = *cap ? *cap * 2 : 32;
	void *got = arena_get(p->z.arena, (size_t)more * size);

	if (!got) {
		scan_fail(&p->z, p->z.t.line, p->z.t.col, "out of memory");
		return NULL;
	}
	if (n)
		memcpy(got, old, (size_t)n * size);
	*cap = more;
	return got;
}

const char *parse_text(struct parse *p)
{
	const char *s = arena_text(p->z.arena, p->z.t.s, p->z.t.len);

	if (!s)
		scan_fail(&p->z, p->z.t.line, p->z.t.col, "out of memory");
	return s;
}

/* ---- options of the script ---- */

static bool parse_define(struct parse *p, char *value, int line, int col)
{
	char *eq = strchr(value, '=');
	struct scan_define *d = arena_get(p->z.arena, sizeof(*d));

	if (!eq || eq == value)
		return scan_fail(&p->z, line, col, "found --define=%s, expected --define=NAME=value", value);
	if (!d)
		return scan_fail(&p->z, line, col, "out of memory");
	*eq = '\0';
	*d = (struct scan_define){value, eq + 1, p->z.defines};
	p->z.defines = d;
	return true;
}

/* At the first '-' of "--". The scanner has delivered a '-' and stands behind it. */
static bool parse_option(struct parse *p)
{
	struct scan *z = &p->z;
	int line = z->t.line, col = z->t.col;
	const char *s;
	size_t len, name = 0;

	scan_raw_value(z, &s, &len);
	if (len < 2 || s[0] != '-')
		return scan_fail(z, line, col, "found '-', expected an option '--name=value' or an event");
	s++, len--;
	while (name < len && s[name] != '=')
		name++;

	struct script *f = p->script;
	struct script_option *o = grow(p, f->option, f->noptions, &p->options_cap, sizeof(*o));

	if (!o)
		return false;
	f->option = o;
	o += f->noptions++;
	o->line = line;
	o->col = col;
	o->name = arena_text(z->arena, s, name);
	const char *v = name < len ? s + name + 1 : s + len;
	size_t vlen = (size_t)(s + len - v);

	if (vlen >= 2 && *v == '"' && v[vlen - 1] == '"')
		v++, vlen -= 2;
	char *value = arena_text(z->arena, v, vlen);

	o->value = value;
	if (!o->name || !value)
		return scan_fail(z, line, col, "out of memory");
	if (strcmp(o->name, "define") == 0 && !parse_define(p, value, line, col))
		return false;
	scan_next(z);
	return !z->failed;
}

/* ---- events ---- */

static bool parse_when(struct parse *p, struct script_event *e)
{
	struct scan *z = &p->z;

	if (scan_take(z, '*')) {
		e->when = AT_ANY;
		return true;
	}
	bool relative = scan_take(z, '+');

	e->when = relative ? AT_RELATIVE : AT_ABSOLUTE;
	if (!scan_time(z, &e->at))
		return false;
	if (!scan_take(z, '~'))
		return true;
	e->when = relative ? AT_RELATIVE_RANGE : AT_ABSOLUTE_RANGE;
	if (scan_take(z, '+') != relative)
		return scan_fail(z, e->line, e->col, "a range with one relative end, expected +a~+b or a~b");
	if (!scan_time(z, &e->until))
		return false;
	if (e->until < e->at)
		return scan_fail(z, e->line, e->col, "this range runs backwards, expected the later end "
				 "second");
	return true;
}

static bool parse_text_event(struct parse *p, struct script_event *e, enum script_what what)
{
	e->what = what;
	e->u.text = parse_text(p);
	scan_next(&p->z);
	return e->u.text != NULL;
}

static bool outbound(const struct script_event *e)
{
	return (e->what == SCRIPT_SEGMENT && e->u.seg->outbound) ||
	       (e->what == SCRIPT_ICMP && e->u.icmp->outbound) ||
	       (e->what == SCRIPT_UDP && e->u.udp->outbound);
}

static bool parse_event(struct parse *p)
{
	struct scan *z = &p->z;
	struct script *f = p->script;
	struct script_event *e = grow(p, f->event, f->nevents, &p->events_cap, sizeof(*e));

	if (!e)
		return false;
	if (f->nevents == EVENTS_MAX)
		return scan_expected(z, "at most 100000 events");
	f->event = e;
	e += f->nevents;
	e->line = z->t.line;
	e->col = z->t.col;
	e->when = AT_RELATIVE;
	if (z->t.kind != TOK_COMMAND && !parse_when(p, e))
		return false;

	bool ok = z->t.kind == TOK_COMMAND ? parse_text_event(p, e, SCRIPT_COMMAND)
		  : z->t.kind == TOK_CODE  ? parse_text_event(p, e, SCRIPT_CODE)
		  : scan_is(z, '<') || scan_is(z, '>') ? parse_packet(p, e)
						       : parse_call(p, e);

	if (!ok)
		return false;
	if (e->when > AT_RELATIVE && !outbound(e))
		return scan_fail(z, e->line, e->col, "a range or '*' here, expected it only with '>'");
	f->nevents++;
	return !z->failed;
}

/* "NAME" or "NAME=value" from outside the script. */
static void add_defines(struct parse *p, const char *const *defines)
{
	for (; defines && *defines; defines++) {
		const char *eq = strchr(*defines, '=');
		struct scan_define *d = arena_get(p->z.arena, sizeof(*d));
		char *name = arena_text(p->z.arena, *defines,
					eq ? (size_t)(eq - *defines) : strlen(*defines));

		if (!d || !name)
			return;
		*d = (struct scan_define){name, eq ? eq + 1 : NULL, p->z.defines};
		p->z.defines = d;
	}
}

struct script *script_parse(const char *text, size_t len, const char *path,
			    const char *const *defines, char *err, size_t cap)
{
	struct arena arena = {0};
	struct script *f = arena_get(&arena, sizeof(*f));
	struct parse p = {.script = f};

	if (!f) {
		snprintf(err, cap, "%s:1:1: out of memory", path);
		return NULL;
	}
	f->path = arena_text(&arena, path, strlen(path));
	scan_init(&p.z, text, len, path, &arena, err, cap);
	add_defines(&p, defines);
	scan_next(&p.z);
	while (!p.z.failed && p.z.t.kind != TOK_END)
		if (scan_is(&p.z, '-') ? !parse_option(&p) : !parse_event(&p))
			break;
	if (!p.z.failed && f->path && !f->nevents)
		scan_fail(&p.z, 1, 1, "no events, expected at least one");
	if (p.z.failed || arena.failed) {
		arena_free(&arena);
		return NULL;
	}
	f->arena = arena.blocks;
	return f;
}

void script_free(struct script *f)
{
	struct arena a = {.blocks = f ? f->arena : NULL};

	arena_free(&a);
}

bool script_parse_seg(const char *text, struct script_seg *g, char *err, size_t cap)
{
	struct arena arena = {0};
	struct parse p = {0};
	bool ok;

	*g = (struct script_seg){0};
	scan_init(&p.z, text, strlen(text), "segment", &arena, err, cap);
	scan_next(&p.z);
	g->outbound = !scan_take(&p.z, '<');
	scan_take(&p.z, '>');
	ok = parse_ip(&p, &g->ip) && parse_segment(&p, g) && !p.z.failed &&
	     (p.z.t.kind == TOK_END || scan_expected(&p.z, "nothing more"));
	arena_free(&arena);
	return ok;
}
