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
 *   flags    = S F R P U E W A . or "-"
 *   seq      = start ":" end "(" length ")" ["!"] | "..." "(" length ")"    "!": a raw number
 *   options  = "<" option { "," option } ">" | "<...>"
 *   call     = ["..." seconds] name "(" [expr {"," expr}] ")" "=" expr [errno] ["(" words ")"]
 *   expr     = primary { "|" primary }
 *   primary  = "..." | number | word ["(" list ")"] ["=" expr] | string ["..."] | "[" list "]"
 *            | "{" list "}"
 *
 * One function a rule, in this order. A command without a time happens when its turn comes. */
#include "script.h"
#include "script_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 32        /* nesting of expressions */
#define EVENTS_MAX 100000
#define ITEMS_MAX 256       /* in one list */

struct parse {
	struct scan z;
	struct script *script;
	int events_cap, options_cap;
	int depth;
};

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

static const char *token_text(struct parse *p)
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

/* ---- segments ---- */

static bool parse_ports(struct parse *p, int32_t *sport, int32_t *dport)
{
	int64_t a, b;

	if (!scan_int(&p->z, "a source port", 0, 65535, &a) || !scan_want(&p->z, '>') ||
	    !scan_int(&p->z, "a destination port", 0, 65535, &b))
		return false;
	*sport = (int32_t)a;
	*dport = (int32_t)b;
	return true;
}

static bool parse_ip_word(struct parse *p, struct script_ip *ip)
{
	static const struct {
		const char *word;
		int8_t ecn;
	} ecn[] = {{"noecn", SECN_NONE}, {"ect0", SECN_ECT0}, {"ect1", SECN_ECT1}, {"ce", SECN_CE},
		   {"ect01", SECN_ECT01}};
	struct scan *z = &p->z;
	int64_t v;

	for (size_t i = 0; i < sizeof(ecn) / sizeof(ecn[0]); i++)
		if (scan_take_word(z, ecn[i].word)) {
			ip->ecn = ecn[i].ecn;
			return true;
		}
	if (scan_take_word(z, "tos") || scan_take_word(z, "class")) {
		if (!scan_int(z, "a type of service", 0, 255, &v))
			return false;
		ip->tos = (int16_t)v;
	} else if (scan_take_word(z, "ttl") || scan_take_word(z, "hlim")) {
		if (!scan_int(z, "a time to live", 0, 255, &v))
			return false;
		ip->ttl = (int16_t)v;
	} else if (scan_take_word(z, "flowlabel")) {
		if (!scan_int(z, "a flow label", 0, 0xfffff, &v))
			return false;
		ip->flow_label = (int32_t)v;
	} else {
		return scan_expected(z, "ect0, ect1, ect01, ce, noecn, tos, class, ttl, hlim or flowlabel");
	}
	return true;
}

static bool parse_ip(struct parse *p, struct script_ip *ip)
{
	char close = scan_is(&p->z, '(') ? ')' : scan_is(&p->z, '[') ? ']' : '\0';

	*ip = (struct script_ip){SECN_UNSAID, -1, -1, -1};
	if (!close)
		return true;
	do {
		scan_next(&p->z);
		if (!parse_ip_word(p, ip))
			return false;
	} while (scan_is(&p->z, ','));
	return scan_want(&p->z, close);
}

static bool parse_flag_letters(struct parse *p, struct script_seg *g)
{
	static const char letters[] = "FSRP.UEWA"; /* by bit */

	for (size_t i = 0; i < p->z.t.len; i++) {
		const char *at = memchr(letters, p->z.t.s[i], sizeof(letters) - 1);

		if (!at)
			return scan_expected(&p->z, "TCP flags (S F R P . U E W A, or -)");
		g->flags |= (uint16_t)(1u << (at - letters));
	}
	scan_next(&p->z);
	return true;
}

/* The dot stands last in scripts ("SE.") and before U E W A in our own texts ("S.E"). */
static bool parse_flags(struct parse *p, struct script_seg *g)
{
	struct scan *z = &p->z;

	if (scan_take(z, '-'))
		return true;
	if (z->t.kind == TOK_NUM && z->t.fraction && z->t.len == 2 && *z->t.s == '.' && z->t.s[1] < '8') {
		g->flags = TH_ACK; /* ".5": an ACK with AccECN's counter */
		g->ace = (int8_t)(z->t.s[1] - '0');
		scan_next(z);
		return true;
	}
	if (z->t.kind == TOK_WORD) {
		if (!parse_flag_letters(p, g))
			return false;
	} else if (!scan_is(z, '.')) {
		return scan_expected(z, "TCP flags (S F R P . U E W A, or -)");
	}
	const char *behind = z->t.s + 1;

	if (!scan_take(z, '.'))
		return true;
	g->flags |= TH_ACK;
	return z->t.kind != TOK_WORD || z->t.s != behind || parse_flag_letters(p, g);
}

/* The length alone behind "...": any sequence number will do (FreeBSD). */
static bool parse_any_seq(struct parse *p, struct script_seg *g)
{
	int64_t n;

	scan_next(&p->z);
	if (!g->outbound)
		return scan_expected(&p->z, "the sequence number of an inbound segment");
	if (!scan_want(&p->z, '(') || !scan_int(&p->z, "the length of the data", 0, 65535, &n))
		return false;
	g->any_seq = true;
	g->len = (uint32_t)n;
	return scan_want(&p->z, ')');
}

static bool parse_seq(struct parse *p, uint32_t *seq, uint32_t *end, uint32_t *len)
{
	struct scan *z = &p->z;
	int line = z->t.line, col = z->t.col;
	int64_t a, b, n;

	if (!scan_int(z, "a sequence number", 0, UINT32_MAX, &a) || !scan_want(z, ':') ||
	    !scan_int(z, "the sequence number behind the data", 0, UINT32_MAX, &b) ||
	    !scan_want(z, '(') || !scan_int(z, "the length of the data", 0, 65535, &n) ||
	    !scan_want(z, ')'))
		return false;
	if ((uint32_t)(a + n) != (uint32_t)b)
		return scan_fail(z, line, col, "found %lld:%lld(%lld), expected an end of %u",
				 (long long)a, (long long)b, (long long)n, (uint32_t)(a + n));
	*seq = (uint32_t)a;
	*end = (uint32_t)b;
	*len = (uint32_t)n;
	return true;
}

/* Hexadecimal digits, two a byte. */
static bool parse_hex(struct parse *p, struct script_opt *o, size_t max, const char *what)
{
	struct scan *z = &p->z;
	const struct tok *t = &z->t;

	if ((t->kind != TOK_WORD && t->kind != TOK_NUM) || t->fraction)
		return scan_expected(z, what);
	if (t->len % 2 || t->len / 2 > max)
		return scan_fail(z, t->line, t->col, "found %zu hexadecimal digits, expected an even number "
				 "up to %zu", t->len, max * 2);
	for (size_t i = 0; i < t->len; i++) {
		const char *digits = "0123456789abcdef";
		const char *at = t->s[i] ? strchr(digits, t->s[i] >= 'A' && t->s[i] <= 'F' ? t->s[i] | 32
											  : t->s[i])
					 : NULL;

		if (!at)
			return scan_expected(z, what);
		o->u.bytes[i / 2] = (uint8_t)(o->u.bytes[i / 2] << 4 | (at - digits));
	}
	o->n = (uint8_t)(t->len / 2);
	scan_next(z);
	return true;
}

static bool parse_sack(struct parse *p, struct script_opt *o)
{
	struct scan *z = &p->z;
	int64_t lo, hi;

	do {
		if (o->n == 4)
			return scan_expected(z, "at most four SACK blocks");
		if (!scan_int(z, "the start of a SACK block", 0, UINT32_MAX, &lo) || !scan_want(z, ':') ||
		    !scan_int(z, "the end of a SACK block", 0, UINT32_MAX, &hi))
			return false;
		o->u.sack[2 * o->n] = (uint32_t)lo;
		o->u.sack[2 * o->n + 1] = (uint32_t)hi;
		o->n++;
	} while (z->t.kind == TOK_NUM);
	return true;
}

static bool parse_ts(struct parse *p, struct script_opt *o)
{
	struct scan *z = &p->z;
	int64_t val, ecr;

	if (!scan_take_word(z, "val"))
		return scan_expected(z, "val");
	if (!scan_int(z, "a timestamp", 0, UINT32_MAX, &val))
		return false;
	if (!scan_take_word(z, "ecr"))
		return scan_expected(z, "ecr");
	if (!scan_int(z, "an echoed timestamp", 0, UINT32_MAX, &ecr))
		return false;
	o->u.ts.val = (uint32_t)val;
	o->u.ts.ecr = (uint32_t)ecr;
	return true;
}

/* AccECN: the counters in the order of the option, e0b first (order 0) or e1b first (order 1). */
static bool parse_accecn(struct parse *p, struct script_opt *o)
{
	struct scan *z = &p->z;
	int64_t v;

	o->kind = scan_word_is(z, "e1b") ? SOPT_ECN1 : SOPT_ECN0;
	for (;;) {
		const char *want = o->n == 1 ? "ceb" : (o->n == 0) == (o->kind == SOPT_ECN0) ? "e0b" : "e1b";

		if (o->n == 3 || !scan_take_word(z, want))
			return z->t.kind != TOK_WORD || scan_expected(z, "the counters in their order");
		if (!scan_int(z, "a counter", 0, 0xffffff, &v))
			return false;
		o->u.count[o->n++] = (uint32_t)v;
	}
}

/* ao keyid 1 rnextkeyid 2 mac 00112233445566778899aabb */
static bool parse_ao(struct parse *p, struct script_opt *o)
{
	struct scan *z = &p->z;
	struct script_opt mac = {0};
	int64_t id[2];

	o->kind = SOPT_AO;
	for (int i = 0; i < 2; i++)
		if (!scan_take_word(z, i ? "rnextkeyid" : "keyid") || !scan_int(z, "a key's id", 0, 255, &id[i]))
			return scan_expected(z, i ? "rnextkeyid and a number" : "keyid and a number");
	if (scan_take_word(z, "mac") && !parse_hex(p, &mac, 36, "a MAC in hexadecimal"))
		return false;
	o->u.bytes[0] = (uint8_t)id[0];
	o->u.bytes[1] = (uint8_t)id[1];
	memcpy(o->u.bytes + 2, mac.u.bytes, mac.n);
	o->n = (uint8_t)(2 + mac.n);
	return true;
}

static bool parse_tcp_option(struct parse *p, struct script_opt *o)
{
	struct scan *z = &p->z;
	int64_t v;

	if (scan_take_word(z, "nop")) {
		o->kind = SOPT_NOP;
	} else if (scan_take_word(z, "eol")) {
		o->kind = SOPT_EOL;
	} else if (scan_take_word(z, "sackOK")) {
		o->kind = SOPT_SACKOK;
	} else if (scan_take_word(z, "mss")) {
		o->kind = SOPT_MSS;
		if (!scan_int(z, "a segment size", 0, 65535, &v))
			return false;
		o->u.val = (uint32_t)v;
	} else if (scan_take_word(z, "wscale")) {
		o->kind = SOPT_WSCALE;
		if (!scan_int(z, "a shift count", 0, 255, &v))
			return false;
		o->u.val = (uint32_t)v;
	} else if (scan_take_word(z, "sack")) {
		o->kind = SOPT_SACK;
		return parse_sack(p, o);
	} else if (scan_take_word(z, "TS")) {
		o->kind = SOPT_TS;
		return parse_ts(p, o);
	} else if (scan_take_word(z, "ECN")) {
		return parse_accecn(p, o);
	} else if (scan_take_word(z, "ao")) {
		return parse_ao(p, o);
	} else if (scan_take_word(z, "md5")) {
		o->kind = SOPT_MD5;
		o->valid = scan_take_word(z, "valid");
		if (o->valid)
			o->n = 16;
		return o->valid || parse_hex(p, o, 16, "a digest in hexadecimal, or valid");
	} else if (scan_word_is(z, "FO") || scan_word_is(z, "FOEXP")) {
		o->kind = scan_word_is(z, "FO") ? SOPT_FO : SOPT_FOEXP;
		scan_next(z);
		if (z->t.kind == TOK_WORD || z->t.kind == TOK_NUM)
			return parse_hex(p, o, 38, "a cookie in hexadecimal");
	} else {
		return scan_expected(z, "a TCP option (mss, nop, eol, wscale, sackOK, sack, TS, FO, FOEXP, "
					"md5, ao, ECN)");
	}
	return true;
}

static bool parse_tcp_options(struct parse *p, struct script_seg *g)
{
	struct scan *z = &p->z;
	int line = z->t.line, col = z->t.col;
	uint8_t bytes[TCP_MAX_OPTS + 4];

	if (!scan_take(z, '<'))
		return true;
	if (z->t.kind == TOK_ELLIPSIS) {
		if (!g->outbound)
			return scan_expected(z, "the options of an inbound segment");
		g->any_opts = true;
		scan_next(z);
		return scan_want(z, '>');
	}
	do {
		if (g->nopts == SCRIPT_OPTS)
			return scan_expected(z, "at most 40 options");
		if (!parse_tcp_option(p, &g->opt[g->nopts]))
			return false;
		g->nopts++;
	} while (scan_take(z, ','));
	if (!scan_want(z, '>'))
		return false;
	int n = script_opts_emit(bytes, g);

	if (n < 0)
		return scan_fail(z, line, col, "these options are too long, expected at most 40 bytes");
	if (n % 4)
		return scan_fail(z, line, col, "these options are %d bytes, expected a multiple of 4", n);
	return true;
}

/* "/udp(1 > 2)": FreeBSD's TCP over UDP. */
static bool parse_encap(struct parse *p, int32_t *sport, int32_t *dport)
{
	if (!scan_take(&p->z, '/'))
		return true;
	if (!scan_take_word(&p->z, "udp"))
		return scan_expected(&p->z, "udp");
	return scan_want(&p->z, '(') && parse_ports(p, sport, dport) && scan_want(&p->z, ')');
}

static bool parse_segment(struct parse *p, struct script_seg *g)
{
	struct scan *z = &p->z;
	int64_t v;

	g->sport = g->dport = g->udp_sport = g->udp_dport = -1;
	g->ace = -1;
	if (z->t.kind == TOK_NUM && !z->t.fraction && !parse_ports(p, &g->sport, &g->dport))
		return false;
	if (!parse_flags(p, g))
		return false;
	if (z->t.kind == TOK_ELLIPSIS ? !parse_any_seq(p, g)
				      : !parse_seq(p, &g->seq, &g->end, &g->len))
		return false;
	g->raw_seq = scan_take(z, '!');
	if (scan_take_word(z, "ack")) {
		if (!scan_int(z, "an acknowledgement number", 0, UINT32_MAX, &v))
			return false;
		g->has_ack = true;
		g->ack = (uint32_t)v;
	}
	if (scan_take_word(z, "win")) {
		if (!scan_int(z, "a window", 0, 65535, &v))
			return false;
		g->has_win = true;
		g->win = (uint16_t)v;
	}
	if (scan_take_word(z, "urg")) {
		if (!scan_int(z, "an urgent pointer", 0, 65535, &v))
			return false;
		g->has_urg = true;
		g->urg = (uint16_t)v;
	}
	return parse_tcp_options(p, g) && parse_encap(p, &g->udp_sport, &g->udp_dport);
}

/* ---- ICMP and UDP ---- */

static bool parse_word_into(struct parse *p, char *to, size_t cap, const char *what)
{
	if (p->z.t.kind != TOK_WORD || p->z.t.len >= cap)
		return scan_expected(&p->z, what);
	memcpy(to, p->z.t.s, p->z.t.len);
	to[p->z.t.len] = '\0';
	scan_next(&p->z);
	return true;
}

/* The packet that an error is about: "1:11(10)", "udp (10)" or "raw (10)". */
static bool parse_icmp_inner(struct parse *p, struct script_icmp *m)
{
	struct scan *z = &p->z;
	int64_t v;

	m->has_inner = true;
	m->udp_inner = scan_take_word(z, "udp");
	m->raw_inner = !m->udp_inner && scan_take_word(z, "raw");
	if (!m->udp_inner && !m->raw_inner)
		return parse_seq(p, &m->seq, &m->end, &m->len) &&
		       parse_encap(p, &m->udp_sport, &m->udp_dport);
	if (!scan_want(z, '(') || !scan_int(z, "a length", 0, 65535, &v))
		return false;
	m->len = (uint32_t)v;
	return scan_want(z, ')');
}

static bool parse_icmp(struct parse *p, struct script_icmp *m)
{
	struct scan *z = &p->z;
	int64_t v;

	m->mtu = m->udp_sport = m->udp_dport = -1;
	if (!parse_word_into(p, m->type, sizeof(m->type), "an ICMP type"))
		return false;
	if (z->t.kind == TOK_WORD && !scan_word_is(z, "mtu") && !scan_word_is(z, "id") &&
	    !parse_word_into(p, m->code, sizeof(m->code), "an ICMP code"))
		return false;
	if (scan_take_word(z, "mtu") && !scan_int(z, "an MTU", 0, UINT32_MAX, &m->mtu))
		return false;
	if (scan_take_word(z, "id") && !scan_int(z, "an identifier", 0, 65535, &v))
		return false;
	if (scan_take(z, '['))
		return parse_icmp_inner(p, m) && scan_want(z, ']');
	return true;
}

static bool parse_udp(struct parse *p, struct script_udp *u)
{
	int64_t v;

	u->sport = u->dport = -1;
	if (p->z.t.kind == TOK_NUM && !parse_ports(p, &u->sport, &u->dport))
		return false;
	if (!scan_want(&p->z, '(') || !scan_int(&p->z, "a length", 0, 65507, &v))
		return false;
	u->len = (uint32_t)v;
	return scan_want(&p->z, ')');
}

static bool parse_packet(struct parse *p, struct script_event *e)
{
	struct scan *z = &p->z;
	bool outbound = scan_is(z, '>');
	struct script_ip ip;

	scan_next(z);
	if (!parse_ip(p, &ip))
		return false;
	if (scan_take_word(z, "icmp")) {
		e->what = SCRIPT_ICMP;
		e->u.icmp = arena_get(z->arena, sizeof(*e->u.icmp));
		if (!e->u.icmp)
			return scan_fail(z, e->line, e->col, "out of memory");
		e->u.icmp->outbound = outbound;
		e->u.icmp->ip = ip;
		return parse_icmp(p, e->u.icmp);
	}
	if (scan_take_word(z, "udp")) {
		e->what = SCRIPT_UDP;
		e->u.udp = arena_get(z->arena, sizeof(*e->u.udp));
		if (!e->u.udp)
			return scan_fail(z, e->line, e->col, "out of memory");
		e->u.udp->outbound = outbound;
		e->u.udp->ip = ip;
		return parse_udp(p, e->u.udp);
	}
	e->what = SCRIPT_SEGMENT;
	e->u.seg = arena_get(z->arena, sizeof(*e->u.seg));
	if (!e->u.seg)
		return scan_fail(z, e->line, e->col, "out of memory");
	e->u.seg->outbound = outbound;
	e->u.seg->ip = ip;
	return parse_segment(p, e->u.seg);
}

/* ---- calls ---- */

static struct expr *parse_expr(struct parse *p);

static struct expr *new_expr(struct parse *p, enum expr_kind kind)
{
	struct expr *x = arena_get(p->z.arena, sizeof(*x));

	if (!x) {
		scan_fail(&p->z, p->z.t.line, p->z.t.col, "out of memory");
		return NULL;
	}
	x->kind = kind;
	x->line = p->z.t.line;
	x->col = p->z.t.col;
	return x;
}

/* Expressions up to the closing character, which is taken. */
static bool parse_list(struct parse *p, char close, struct expr ***kid, int *n)
{
	struct expr *item[ITEMS_MAX];

	*n = 0;
	if (!scan_is(&p->z, close))
		do {
			if (*n == ITEMS_MAX)
				return scan_expected(&p->z, "at most 256 items");
			item[*n] = parse_expr(p);
			if (!item[(*n)++])
				return false;
		} while (scan_take(&p->z, ','));
	if (!scan_want(&p->z, close))
		return false;
	*kid = arena_get(p->z.arena, (size_t)(*n + 1) * sizeof(**kid));
	if (!*kid)
		return scan_fail(&p->z, p->z.t.line, p->z.t.col, "out of memory");
	memcpy(*kid, item, (size_t)*n * sizeof(**kid));
	return true;
}

static struct expr *parse_pair(struct parse *p, enum expr_kind kind, struct expr *left)
{
	struct expr *x = new_expr(p, kind), *right;

	scan_next(&p->z); /* '=' or '|' */
	if (!x || !(right = parse_expr(p)) ||
	    !(x->kid = arena_get(p->z.arena, 2 * sizeof(*x->kid))))
		return NULL;
	x->kid[0] = left;
	x->kid[1] = right;
	x->n = 2;
	return x;
}

static struct expr *parse_primary(struct parse *p)
{
	struct scan *z = &p->z;
	struct expr *x = new_expr(p, EX_ANY);

	if (!x)
		return NULL;
	switch (z->t.kind) {
	case TOK_ELLIPSIS:
		break;
	case TOK_NUM:
	case TOK_HEX:
		if (z->t.fraction) {
			scan_expected(z, "an argument");
			return NULL;
		}
		x->kind = EX_INT;
		x->v = z->t.v;
		break;
	case TOK_STRING:
	case TOK_WORD:
		x->kind = z->t.kind == TOK_WORD ? EX_WORD : EX_STRING;
		x->text = token_text(p);
		break;
	case TOK_PUNCT:
		if (z->t.c == '[' || z->t.c == '{') {
			char close = z->t.c == '[' ? ']' : '}';

			x->kind = z->t.c == '[' ? EX_LIST : EX_STRUCT;
			scan_next(z);
			return parse_list(p, close, &x->kid, &x->n) ? x : NULL;
		} /* fall through */
	default:
		scan_expected(z, "an argument");
		return NULL;
	}
	scan_next(z);
	if (x->kind == EX_STRING)
		while (z->t.kind == TOK_ELLIPSIS || z->t.kind == TOK_STRING)
			scan_next(z); /* "text"..., "text" "text": contents are not compared */
	if (x->kind == EX_WORD && scan_take(z, '(')) {
		x->kind = EX_APPLY;
		if (!parse_list(p, ')', &x->kid, &x->n))
			return NULL;
	}
	if ((x->kind == EX_WORD || x->kind == EX_APPLY) && scan_is(z, '='))
		return parse_pair(p, EX_SET, x);
	return z->failed ? NULL : x;
}

static struct expr *parse_expr(struct parse *p)
{
	struct expr *x;

	if (++p->depth > DEPTH_MAX) {
		scan_expected(&p->z, "less nesting");
		return NULL;
	}
	x = parse_primary(p);
	if (x && scan_is(&p->z, '|'))
		x = parse_pair(p, EX_OR, x);
	p->depth--;
	return x;
}

/* "(Broken pipe)", "(flags O_RDWR)": for the reader alone. */
static bool parse_note(struct parse *p)
{
	if (!scan_take(&p->z, '('))
		return true;
	while (!scan_is(&p->z, ')') && p->z.t.kind != TOK_END)
		scan_next(&p->z);
	return scan_want(&p->z, ')');
}

static bool parse_call(struct parse *p, struct script_event *e)
{
	struct scan *z = &p->z;
	struct script_call *c = arena_get(z->arena, sizeof(*c));

	if (!c)
		return scan_fail(z, e->line, e->col, "out of memory");
	e->what = SCRIPT_CALL;
	e->u.call = c;
	if (z->t.kind == TOK_ELLIPSIS) {
		scan_next(z);
		c->blocking = true;
		if (!scan_time(z, &c->end))
			return false;
		if (c->end < e->at)
			return scan_fail(z, e->line, e->col, "this call ends before it begins, expected a "
					 "later end");
	}
	if (z->t.kind != TOK_WORD)
		return scan_expected(z, "'<', '>', a call, a `command` or %{ code }%");
	if (!(c->name = token_text(p)))
		return false;
	scan_next(z);
	if (!scan_want(z, '(') || !parse_list(p, ')', &c->arg, &c->nargs) || !scan_want(z, '=') ||
	    !(c->result = parse_expr(p)))
		return false;
	if (z->t.kind == TOK_WORD) {
		if (!(c->err = token_text(p)))
			return false;
		scan_next(z);
	}
	return parse_note(p);
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
	e->u.text = token_text(p);
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
