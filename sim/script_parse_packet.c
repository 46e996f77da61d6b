/* Packets of a script: segments with their options, ICMP and UDP. One function a rule of the grammar that stands
 * at the head of script_parse.c, in its order. */
#include "script_parse.h"

#include <string.h>

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

bool parse_ip(struct parse *p, struct script_ip *ip)
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
		if (i && i + 1 == p->z.t.len && p->z.t.s[i] >= '0' && p->z.t.s[i] <= '7') {
			g->ace = (int8_t)(p->z.t.s[i] - '0'); /* "P5": AccECN's counter */
			break;
		}
		const char *at = memchr(letters, p->z.t.s[i], sizeof(letters) - 1);

		if (!at)
			return scan_expected(&p->z, "TCP flags (S F R P . U E W A, or -)");
		g->flags |= (uint16_t)(1u << (at - letters));
	}
	scan_next(&p->z);
	return true;
}

/* ".5": an ACK with AccECN's counter. */
static bool parse_dot_count(struct parse *p, struct script_seg *g)
{
	const struct tok *t = &p->z.t;

	if (t->kind != TOK_NUM || !t->fraction || t->len != 2 || *t->s != '.' || t->s[1] > '7')
		return false;
	g->flags |= TH_ACK;
	g->ace = (int8_t)(t->s[1] - '0');
	scan_next(&p->z);
	return true;
}

/* The dot stands last in scripts ("SE.") and before U E W A in our own texts ("S.E"). */
static bool parse_flags(struct parse *p, struct script_seg *g)
{
	struct scan *z = &p->z;

	const char *behind = NULL;

	if (scan_take(z, '-') || parse_dot_count(p, g))
		return true;
	if (z->t.kind == TOK_WORD) {
		behind = z->t.s + z->t.len;
		if (!parse_flag_letters(p, g))
			return false;
		if (z->t.s == behind && parse_dot_count(p, g))
			return true;
	} else if (!scan_is(z, '.')) {
		return scan_expected(z, "TCP flags (S F R P . U E W A, or -)");
	}
	behind = z->t.s + 1;
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

static bool parse_value(struct parse *p, struct script_opt *o, const char *what, int64_t most)
{
	int64_t v;

	if (!scan_int(&p->z, what, 0, most, &v))
		return false;
	o->u.val = (uint32_t)v;
	return true;
}

static bool parse_mss(struct parse *p, struct script_opt *o)
{
	return parse_value(p, o, "a segment size", 65535);
}

static bool parse_wscale(struct parse *p, struct script_opt *o)
{
	return parse_value(p, o, "a shift count", 255);
}

static bool parse_md5(struct parse *p, struct script_opt *o)
{
	o->valid = scan_take_word(&p->z, "valid");
	if (o->valid)
		o->n = 16;
	return o->valid || parse_hex(p, o, 16, "a digest in hexadecimal, or valid");
}

static bool parse_cookie(struct parse *p, struct script_opt *o)
{
	bool there = p->z.t.kind == TOK_WORD || p->z.t.kind == TOK_NUM;

	return !there || parse_hex(p, o, 38, "a cookie in hexadecimal");
}

/* ao keyid 1 rnextkeyid 2 mac 00112233445566778899aabb */
static bool parse_ao(struct parse *p, struct script_opt *o)
{
	struct scan *z = &p->z;
	struct script_opt mac = {0};
	int64_t id[2];

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
	static const struct {
		const char *word;
		enum script_opt_kind kind;
		bool (*rest)(struct parse *, struct script_opt *); /* NULL: the word is all */
	} kinds[] = {
		{"nop", SOPT_NOP, NULL}, {"eol", SOPT_EOL, NULL}, {"sackOK", SOPT_SACKOK, NULL}, {"mss", SOPT_MSS, parse_mss},
		{"wscale", SOPT_WSCALE, parse_wscale}, {"sack", SOPT_SACK, parse_sack}, {"TS", SOPT_TS, parse_ts},
		{"ECN", SOPT_ECN0, parse_accecn}, {"md5", SOPT_MD5, parse_md5}, {"FO", SOPT_FO, parse_cookie},
		{"FOEXP", SOPT_FOEXP, parse_cookie}, {"ao", SOPT_AO, parse_ao},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (scan_take_word(&p->z, kinds[i].word)) {
			o->kind = (uint8_t)kinds[i].kind;
			return !kinds[i].rest || kinds[i].rest(p, o);
		}
	return scan_expected(&p->z, "a TCP option (mss, nop, eol, wscale, sackOK, sack, TS, FO, FOEXP, md5, ao, ECN)");
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

bool parse_segment(struct parse *p, struct script_seg *g)
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

bool parse_packet(struct parse *p, struct script_event *e)
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
