/* Text for segments, addresses and endpoints, and back for addresses. The options of a segment are
 * shown in Linux's layout with its no-operations, since a struct seg does not remember where the
 * padding stood. IPv6 as RFC 5952 wants it. A text that does not fit is cut, never overrun. */
#include "print.h"

#include <string.h>

struct text {
	char *at;
	size_t left; /* without the terminator */
};

static struct text text_begin(char *to, size_t cap)
{
	if (cap)
		*to = '\0';
	return (struct text){to, cap ? cap - 1 : 0};
}

static void put_char(struct text *t, char c)
{
	if (!t->left)
		return;
	*t->at++ = c;
	*t->at = '\0';
	t->left--;
}

static void put(struct text *t, const char *s)
{
	while (*s)
		put_char(t, *s++);
}

static void put_num(struct text *t, uint32_t v)
{
	char digits[10];
	int n = 0;

	do
		digits[n++] = (char)('0' + v % 10);
	while ((v /= 10) != 0);
	while (n)
		put_char(t, digits[--n]);
}

static const char hex_digits[] = "0123456789abcdef";

static void put_hex8(struct text *t, uint8_t v)
{
	put_char(t, hex_digits[v >> 4]);
	put_char(t, hex_digits[v & 15]);
}

static void put_hex16(struct text *t, uint16_t v) /* without leading zeros */
{
	for (int shift = 12; shift >= 0; shift -= 4)
		if (v >> shift || shift == 0)
			put_char(t, hex_digits[v >> shift & 15]);
}

static void put_pair(struct text *t, const char *word, uint32_t v) /* "word 7" */
{
	put(t, word);
	put_char(t, ' ');
	put_num(t, v);
}

/* ---- segments ---- */

char *seg_flags_print(char to[12], uint16_t flags)
{
	static const struct {
		uint16_t flag;
		char letter;
	} letters[] = {{TH_SYN, 'S'}, {TH_FIN, 'F'}, {TH_RST, 'R'}, {TH_PSH, 'P'}, {TH_ACK, '.'},
		       {TH_URG, 'U'}, {TH_ECE, 'E'}, {TH_CWR, 'W'}, {TH_AE, 'A'}};
	struct text t = text_begin(to, 12);

	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (flags & letters[i].flag)
			put_char(&t, letters[i].letter);
	if (t.at == to)
		put_char(&t, '-');
	return to;
}

/* Options with their no-operations: `len` counts the bytes that they would take. */
struct options {
	struct text *t;
	size_t len;
};

static void option(struct options *o, const char *word, size_t len)
{
	put_char(o->t, o->len ? ',' : '<');
	put(o->t, word);
	o->len += len;
}

static void align(struct options *o, unsigned rest)
{
	while (o->len % 4 != rest)
		option(o, "nop", 1);
}

static void put_sacks(struct options *o, const struct tcp_opts *opt, seq_t base)
{
	align(o, 2);
	option(o, "sack", 2 + 8 * (size_t)opt->nsack);
	for (int i = 0; i < opt->nsack && i < TCP_SACKS; i++) {
		put_char(o->t, ' ');
		put_num(o->t, opt->sack[i].lo.v - base.v);
		put_char(o->t, ':');
		put_num(o->t, opt->sack[i].hi.v - base.v);
	}
}

static void put_tfo(struct options *o, const struct tcp_opts *opt)
{
	option(o, opt->tfo_exp ? "FOEXP" : "FO", (opt->tfo_exp ? 4u : 2u) + opt->tfo_len);
	if (opt->tfo_len)
		put_char(o->t, ' ');
	for (int i = 0; i < opt->tfo_len && i < (int)sizeof(opt->tfo_cookie); i++)
		put_hex8(o->t, opt->tfo_cookie[i]);
	align(o, 0);
}

static void put_accecn(struct options *o, const struct tcp_opts *opt)
{
	static const char *const names[2][3] = {{" e0b", " ceb", " e1b"}, {" e1b", " ceb", " e0b"}};

	option(o, "ECN", 2 + 3 * (size_t)opt->accecn_n);
	for (int i = 0; i < opt->accecn_n && i < 3; i++)
		put_pair(o->t, names[opt->accecn_order1][i], opt->accecn[i]);
	align(o, 0);
}

static void put_ao(struct options *o, const struct tcp_opts *opt)
{
	option(o, "ao", 4 + (size_t)opt->ao_mac_len);
	put_pair(o->t, " keyid", opt->ao_keyid);
	put_pair(o->t, " rnextkeyid", opt->ao_rnextkeyid);
	if (opt->ao_mac_len)
		put(o->t, " mac ");
	for (int i = 0; i < opt->ao_mac_len && i < TCP_AO_MAC; i++)
		put_hex8(o->t, opt->ao_mac[i]);
}

static void put_options(struct text *t, const struct tcp_opts *opt, seq_t ack_base)
{
	struct options o = {t, 0};

	if (opt->has_md5) { /* the digest is not kept */
		align(&o, 2);
		option(&o, "md5", 18);
	}
	if (opt->has_mss) {
		option(&o, "mss", 4);
		put_pair(t, "", opt->mss);
	}
	if (opt->sack_ok && opt->has_ts) {
		align(&o, 0);
		option(&o, "sackOK", 2);
	}
	if (opt->has_ts) {
		align(&o, 2);
		option(&o, "TS", 10);
		put_pair(t, " val", opt->ts_val);
		put_pair(t, " ecr", opt->ts_ecr);
	}
	if (opt->has_accecn)
		put_accecn(&o, opt);
	if (opt->sack_ok && !opt->has_ts) {
		align(&o, 2);
		option(&o, "sackOK", 2);
	}
	if (opt->has_wscale) {
		align(&o, 1);
		option(&o, "wscale", 3);
		put_pair(t, "", opt->wscale);
	}
	if (opt->has_ao)
		put_ao(&o, opt);
	if (opt->nsack)
		put_sacks(&o, opt, ack_base);
	if (opt->has_tfo)
		put_tfo(&o, opt);
	if (opt->has_uto) {
		option(&o, "UTO", 4);
		put_pair(t, "", opt->uto & 0x7fff);
		if (opt->uto & 0x8000)
			put_char(t, 'm');
	}
	if (o.len) {
		align(&o, 0);
		put_char(t, '>');
	}
}

char *seg_print(char *to, size_t cap, const struct seg *g, seq_t seq_base, seq_t ack_base)
{
	struct text t = text_begin(to, cap);
	char flags[12];
	uint32_t seq = g->seq.v - seq_base.v;
	const struct tcp_opts *o = &g->opt;

	put(&t, seg_flags_print(flags, g->flags));
	put_char(&t, ' ');
	put_num(&t, seq);
	put_char(&t, ':');
	put_num(&t, seq + g->len);
	put_char(&t, '(');
	put_num(&t, g->len);
	put_char(&t, ')');
	if (g->flags & TH_ACK)
		put_pair(&t, " ack", g->ack.v - ack_base.v);
	put_pair(&t, " win", g->wnd);
	if (g->flags & TH_URG || g->urg)
		put_pair(&t, " urg", g->urg);
	if (o->has_mss || o->sack_ok || o->has_ts || o->has_wscale || o->nsack || o->has_tfo ||
	    o->has_accecn || o->has_uto || o->has_md5 || o->has_ao)
		put_char(&t, ' ');
	put_options(&t, o, ack_base);
	return to;
}

/* ---- addresses to text ---- */

static void put_ip4(struct text *t, uint32_t v)
{
	for (int shift = 24; shift >= 0; shift -= 8) {
		put_num(t, v >> shift & 255);
		if (shift)
			put_char(t, '.');
	}
}

/* RFC 5952 4.2: the longest run of two or more zero groups, the first of equals. Returns where it
 * begins, and its length (0: none). */
static int zero_run(const struct addr *a, int *len)
{
	int best = 0, run = 0;

	*len = 0;
	for (int i = 0; i < 8; i++) {
		run = rd16(a->b + 2 * i) ? 0 : run + 1;
		if (run > *len) {
			*len = run;
			best = i + 1 - run;
		}
	}
	if (*len < 2)
		*len = 0;
	return best;
}

static void put_ip6(struct text *t, const struct addr *a)
{
	int zeros, from = zero_run(a, &zeros);

	for (int i = 0; i < 8;) {
		if (zeros && i == from) {
			put(t, "::");
			i += zeros;
			continue;
		}
		if (i && !(zeros && i == from + zeros))
			put_char(t, ':');
		put_hex16(t, rd16(a->b + 2 * i));
		i++;
	}
}

static void put_addr(struct text *t, const struct addr *a)
{
	if (addr_is_v4(a))
		put_ip4(t, addr_to_v4(a));
	else
		put_ip6(t, a);
}

char *addr_print(char *to, size_t cap, const struct addr *a)
{
	struct text t = text_begin(to, cap);

	put_addr(&t, a);
	return to;
}

char *mac_print(char to[18], const struct mac *m)
{
	struct text t = text_begin(to, 18);

	for (int i = 0; i < 6; i++) {
		if (i)
			put_char(&t, ':');
		put_hex8(&t, m->b[i]);
	}
	return to;
}

char *endpoint_print(char *to, size_t cap, const struct addr *a, uint16_t port)
{
	struct text t = text_begin(to, cap);
	bool v4 = addr_is_v4(a);

	if (!v4)
		put_char(&t, '[');
	put_addr(&t, a);
	put(&t, v4 ? ":" : "]:");
	put_num(&t, port);
	return to;
}

/* ---- text to addresses ---- */

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Four decimal numbers up to the end of the text, without leading zeros: 010 is 8 to some. */
static bool ip4_scan(const char *s, uint8_t out[4])
{
	for (int i = 0; i < 4; i++) {
		unsigned v = 0, digits = 0;

		for (; *s >= '0' && *s <= '9'; s++, digits++) {
			if (digits == 3 || (digits && v == 0))
				return false;
			v = v * 10 + (unsigned)(*s - '0');
		}
		if (!digits || v > 255 || *s != (i < 3 ? '.' : '\0'))
			return false;
		out[i] = (uint8_t)v;
		if (i < 3)
			s++;
	}
	return true;
}

/* One to four hex digits; returns what follows them, or NULL. */
static const char *group_scan(const char *s, uint16_t *group)
{
	unsigned v = 0, digits = 0;

	for (; hex_value(*s) >= 0; s++) {
		if (++digits > 4)
			return NULL;
		v = v << 4 | (unsigned)hex_value(*s);
	}
	*group = (uint16_t)v;
	return digits ? s : NULL;
}

/* RFC 4291 2.2. `gap` is the byte at which `::` stood, -1 without one. */
static bool ip6_scan(const char *s, uint8_t out[16])
{
	int n = 0, gap = -1;

	memset(out, 0, 16);
	if (s[0] == ':' && s[1] == ':') {
		gap = 0;
		s += 2;
	}
	while (*s) {
		const char *end;
		uint16_t group;

		if (n <= 12 && ip4_scan(s, out + n)) {
			n += 4;
			break;
		}
		end = group_scan(s, &group);
		if (!end || n == 16)
			return false;
		wr16(out + n, group);
		n += 2;
		s = end;
		if (*s == '\0')
			break;
		if (*s++ != ':')
			return false;
		if (*s == ':') {
			if (gap >= 0)
				return false;
			gap = n;
			s++;
		} else if (*s == '\0') {
			return false;
		}
	}
	if (gap < 0)
		return n == 16;
	if (n == 16) /* `::` stands for at least one group */
		return false;
	memmove(out + 16 - (n - gap), out + gap, (size_t)(n - gap));
	memset(out + gap, 0, (size_t)(16 - n));
	return true;
}

bool addr_scan(const char *text, struct addr *a)
{
	struct addr v4 = addr_v4(0), v6 = {{0}};

	if (ip4_scan(text, v4.b + 12))
		*a = v4;
	else if (ip6_scan(text, v6.b))
		*a = v6;
	else
		return false;
	return true;
}

bool mac_scan(const char *text, struct mac *m)
{
	struct mac out;

	for (int i = 0; i < 6; i++, text += 3) {
		int hi = hex_value(text[0]), lo = hi < 0 ? -1 : hex_value(text[1]);

		if (lo < 0 || text[2] != (i < 5 ? ':' : '\0'))
			return false;
		out.b[i] = (uint8_t)(hi << 4 | lo);
	}
	*m = out;
	return true;
}
