/* A script's segment as text, in the notation of wire/print.c and of the parser: what is printed
 * reads back as the same segment (a property test says so). */
#include "script.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct out {
	char *to;
	size_t cap, n;
};

static void put(struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(struct out *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(o->to + o->n, o->cap - o->n, fmt, ap);

	va_end(ap);
	o->n = n < 0 || (size_t)n >= o->cap - o->n ? o->cap - 1 : o->n + (size_t)n;
}

static void put_hex(struct out *o, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put(o, "%s%02x", i ? "" : " ", p[i]);
}

static void put_flags(struct out *o, const struct script_seg *g)
{
	static const char letters[] = "SFRPUEWA.";
	static const uint16_t bit[] = {TH_SYN, TH_FIN, TH_RST, TH_PSH, TH_URG, TH_ECE, TH_CWR, TH_AE,
				       TH_ACK};

	if (!g->flags)
		put(o, "-");
	for (size_t i = 0; i < sizeof(bit) / sizeof(bit[0]); i++)
		if (g->flags & bit[i])
			put(o, "%c", letters[i]);
	if (g->ace >= 0)
		put(o, "%d", g->ace);
}

static void put_option(struct out *o, const struct script_opt *p)
{
	static const char *const counter[2][3] = {{"e0b", "ceb", "e1b"}, {"e1b", "ceb", "e0b"}};

	switch ((enum script_opt_kind)p->kind) {
	case SOPT_EOL:
		put(o, "eol");
		break;
	case SOPT_NOP:
		put(o, "nop");
		break;
	case SOPT_MSS:
		put(o, "mss %u", p->u.val);
		break;
	case SOPT_WSCALE:
		put(o, "wscale %u", p->u.val);
		break;
	case SOPT_SACKOK:
		put(o, "sackOK");
		break;
	case SOPT_SACK:
		put(o, "sack");
		for (int i = 0; i < p->n; i++)
			put(o, " %u:%u", p->u.sack[2 * i], p->u.sack[2 * i + 1]);
		break;
	case SOPT_TS:
		put(o, "TS val %u ecr %u", p->u.ts.val, p->u.ts.ecr);
		break;
	case SOPT_FO:
	case SOPT_FOEXP:
		put(o, p->kind == SOPT_FO ? "FO" : "FOEXP");
		put_hex(o, p->u.bytes, p->n);
		break;
	case SOPT_MD5:
		put(o, "md5");
		if (p->valid)
			put(o, " valid");
		else
			put_hex(o, p->u.bytes, p->n);
		break;
	case SOPT_AO:
		put(o, "ao keyid %u rnextkeyid %u", p->u.bytes[0], p->u.bytes[1]);
		if (p->n > 2)
			put(o, " mac");
		put_hex(o, p->u.bytes + 2, p->n - 2u);
		break;
	case SOPT_ECN0:
	case SOPT_ECN1:
		put(o, "ECN");
		for (int i = 0; i < p->n; i++)
			put(o, " %s %u", counter[p->kind == SOPT_ECN1][i], p->u.count[i]);
		break;
	case SOPT_OTHER:
		put(o, "kind%u", p->wire);
		put_hex(o, p->u.bytes, p->n);
		break;
	}
}

static void put_ip(struct out *o, const struct script_ip *ip)
{
	static const char *const ecn[] = {"noecn", "ect1", "ect0", "ce", "ect01"};
	const char *sep = "(";

	if (ip->ecn >= 0)
		put(o, "%s%s", sep, ecn[ip->ecn]), sep = ", ";
	if (ip->tos >= 0)
		put(o, "%stos 0x%02x", sep, (unsigned)ip->tos), sep = ", ";
	if (ip->ttl >= 0)
		put(o, "%sttl %d", sep, ip->ttl), sep = ", ";
	if (ip->flow_label >= 0)
		put(o, "%sflowlabel 0x%x", sep, (unsigned)ip->flow_label), sep = ", ";
	if (*sep == ',')
		put(o, ") ");
}

char *script_print_seg(char *to, size_t cap, const struct script_seg *g)
{
	struct out o = {to, cap, 0};

	if (!cap)
		return to;
	to[0] = '\0';
	put_ip(&o, &g->ip);
	if (g->sport >= 0)
		put(&o, "%d > %d ", g->sport, g->dport);
	put_flags(&o, g);
	if (g->any_seq)
		put(&o, " ...(%u)", g->len);
	else
		put(&o, " %u:%u(%u)%s", g->seq, g->end, g->len, g->raw_seq ? "!" : "");
	if (g->has_ack)
		put(&o, " ack %u", g->ack);
	if (g->has_win)
		put(&o, " win %u", g->win);
	if (g->has_urg)
		put(&o, " urg %u", g->urg);
	if (g->any_opts)
		put(&o, " <...>");
	for (int i = 0; i < g->nopts; i++) {
		put(&o, i ? "," : " <");
		put_option(&o, &g->opt[i]);
	}
	if (g->nopts)
		put(&o, ">");
	if (g->udp_sport >= 0)
		put(&o, "/udp(%d > %d)", g->udp_sport, g->udp_dport);
	return to;
}
