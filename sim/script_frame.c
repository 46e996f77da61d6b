/* Between a script's segment and bytes: the option space in exactly the order written, since a
 * script may say what a sane sender never would; and struct seg for the property test that ties
 * this notation to wire/print.c. */
#include "script.h"

#include "../stack/base/bytes.h"

#include <string.h>

/* Option kinds on the wire (IANA). */
enum { KIND_EOL = 0, KIND_NOP = 1, KIND_MSS = 2, KIND_WSCALE = 3, KIND_SACKOK = 4, KIND_SACK = 5,
       KIND_TS = 8, KIND_MD5 = 19, KIND_AO = 29, KIND_FO = 34, KIND_ACC0 = 172, KIND_ACC1 = 174, KIND_EXP = 254 };
#define FOEXP_MAGIC 0xf989 /* RFC 7413 4.1.1, the experiment's identifier */

/* The option's bytes into `to`, which has room for 44; their number. */
static int opt_emit(uint8_t *to, const struct script_opt *o)
{
	int n;

	switch ((enum script_opt_kind)o->kind) {
	case SOPT_EOL:
		to[0] = KIND_EOL;
		return 1;
	case SOPT_NOP:
		to[0] = KIND_NOP;
		return 1;
	case SOPT_MSS:
		to[0] = KIND_MSS;
		wr16(to + 2, (uint16_t)o->u.val);
		return to[1] = 4;
	case SOPT_WSCALE:
		to[0] = KIND_WSCALE;
		to[2] = (uint8_t)o->u.val;
		return to[1] = 3;
	case SOPT_SACKOK:
		to[0] = KIND_SACKOK;
		return to[1] = 2;
	case SOPT_SACK:
		to[0] = KIND_SACK;
		for (int i = 0; i < 2 * o->n; i++)
			wr32(to + 2 + 4 * i, o->u.sack[i]);
		return to[1] = (uint8_t)(2 + 8 * o->n);
	case SOPT_TS:
		to[0] = KIND_TS;
		wr32(to + 2, o->u.ts.val);
		wr32(to + 6, o->u.ts.ecr);
		return to[1] = 10;
	case SOPT_FO:
	case SOPT_MD5:
	case SOPT_AO:
		to[0] = o->kind == SOPT_FO ? KIND_FO : o->kind == SOPT_AO ? KIND_AO : KIND_MD5;
		memcpy(to + 2, o->u.bytes, o->n);
		return to[1] = (uint8_t)(2 + o->n);
	case SOPT_FOEXP:
		to[0] = KIND_EXP;
		wr16(to + 2, FOEXP_MAGIC);
		memcpy(to + 4, o->u.bytes, o->n);
		return to[1] = (uint8_t)(4 + o->n);
	case SOPT_ECN0:
	case SOPT_ECN1:
		to[0] = o->kind == SOPT_ECN0 ? KIND_ACC0 : KIND_ACC1;
		n = 2;
		for (int i = 0; i < o->n; i++, n += 3) {
			to[n] = (uint8_t)(o->u.count[i] >> 16);
			wr16(to + n + 1, (uint16_t)o->u.count[i]);
		}
		return to[1] = (uint8_t)n;
	case SOPT_OTHER:
		to[0] = o->wire;
		memcpy(to + 2, o->u.bytes, o->n);
		return to[1] = (uint8_t)(2 + o->n);
	}
	return 0;
}

int script_opts_emit(uint8_t to[TCP_MAX_OPTS + 4], const struct script_seg *g)
{
	int total = 0;

	for (int i = 0; i < g->nopts; i++) {
		uint8_t one[48] = {0};
		int n = opt_emit(one, &g->opt[i]);

		if (total + n > TCP_MAX_OPTS)
			return -1;
		memcpy(to + total, one, (size_t)n);
		total += n;
	}
	return total;
}

/* One option of kind and length `len` (header included) at p. A length that does not fit its kind
 * makes it SOPT_OTHER, so that it is seen as it is. */
static void opt_scan(const uint8_t *p, size_t len, struct script_opt *o)
{
	size_t body = len - 2;

	*o = (struct script_opt){.kind = SOPT_OTHER, .wire = p[0], .n = (uint8_t)body};
	if (p[0] == KIND_MSS && len == 4) {
		o->kind = SOPT_MSS;
		o->u.val = rd16(p + 2);
	} else if (p[0] == KIND_WSCALE && len == 3) {
		o->kind = SOPT_WSCALE;
		o->u.val = p[2];
	} else if (p[0] == KIND_SACKOK && len == 2) {
		o->kind = SOPT_SACKOK;
	} else if (p[0] == KIND_SACK && body % 8 == 0 && body / 8 <= 4 && body) {
		o->kind = SOPT_SACK;
		o->n = (uint8_t)(body / 8);
		for (int i = 0; i < 2 * o->n; i++)
			o->u.sack[i] = rd32(p + 2 + 4 * i);
	} else if (p[0] == KIND_TS && len == 10) {
		o->kind = SOPT_TS;
		o->u.ts.val = rd32(p + 2);
		o->u.ts.ecr = rd32(p + 6);
	} else if (p[0] == KIND_EXP && len >= 4 && rd16(p + 2) == FOEXP_MAGIC) {
		o->kind = SOPT_FOEXP;
		o->n = (uint8_t)(len - 4);
		memcpy(o->u.bytes, p + 4, o->n);
	} else if ((p[0] == KIND_ACC0 || p[0] == KIND_ACC1) && body % 3 == 0 && body <= 9) {
		o->kind = p[0] == KIND_ACC0 ? SOPT_ECN0 : SOPT_ECN1;
		o->n = (uint8_t)(body / 3);
		for (int i = 0; i < o->n; i++)
			o->u.count[i] = (uint32_t)p[2 + 3 * i] << 16 | rd16(p + 3 + 3 * i);
	} else if (p[0] == KIND_AO && body >= 2) {
		o->kind = SOPT_AO;
		memcpy(o->u.bytes, p + 2, body);
	} else {
		o->kind = p[0] == KIND_FO ? SOPT_FO : p[0] == KIND_MD5 ? SOPT_MD5 : SOPT_OTHER;
		memcpy(o->u.bytes, p + 2, body);
	}
}

void script_opts_scan(const uint8_t *p, size_t n, struct script_seg *g)
{
	g->nopts = 0;
	for (size_t i = 0; i < n && g->nopts < SCRIPT_OPTS;) {
		struct script_opt *o = &g->opt[g->nopts++];

		if (p[i] == KIND_EOL || p[i] == KIND_NOP) {
			*o = (struct script_opt){.kind = p[i] == KIND_EOL ? SOPT_EOL : SOPT_NOP};
			i++;
			continue;
		}
		if (n - i < 2 || p[i + 1] < 2 || p[i + 1] > n - i) {
			*o = (struct script_opt){.kind = SOPT_OTHER, .wire = p[i]};
			return;
		}
		opt_scan(p + i, p[i + 1], o);
		i += p[i + 1];
	}
}

bool script_seg_decode(const struct script_seg *g, struct seg *to)
{
	uint8_t bytes[TCP_MAX_HDR + 4] = {0};
	int n = script_opts_emit(bytes + TCP_LEN, g);
	uint16_t flags = g->ace < 0 ? g->flags
				    : (uint16_t)(g->flags | (g->ace & 1 ? TH_ECE : 0) |
						 (g->ace & 2 ? TH_CWR : 0) | (g->ace & 4 ? TH_AE : 0));

	if (n < 0 || n % 4 || g->any_opts)
		return false;
	wr16(bytes, (uint16_t)(g->sport < 0 ? 0 : g->sport));
	wr16(bytes + 2, (uint16_t)(g->dport < 0 ? 0 : g->dport));
	wr32(bytes + 4, g->seq);
	wr32(bytes + 8, g->ack);
	wr16(bytes + 12, (uint16_t)((TCP_LEN + n) / 4 << 12 | flags));
	wr16(bytes + 14, g->win);
	wr16(bytes + 18, g->urg);
	if (!tcp_parse(bytes, (size_t)(TCP_LEN + n), to))
		return false;
	to->len = g->len;
	return true;
}
