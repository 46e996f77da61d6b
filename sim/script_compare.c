/* Expected against actual, field by field, in the order in which a reader looks: the first that
 * differs is named. What a profile loosens is loosened here and nowhere else. Both segments are in
 * the script's numbers already (script_run.c). */
#include "script.h"

#include <string.h>

static bool opt_same(const struct script_opt *a, const struct script_opt *b)
{
	if (a->kind != b->kind)
		return false;
	switch ((enum script_opt_kind)a->kind) {
	case SOPT_EOL:
	case SOPT_NOP:
	case SOPT_SACKOK:
		return true;
	case SOPT_MSS:
	case SOPT_WSCALE:
		return a->u.val == b->u.val;
	case SOPT_TS:
		return a->u.ts.val == b->u.ts.val && a->u.ts.ecr == b->u.ts.ecr;
	case SOPT_SACK:
		return a->n == b->n && memcmp(a->u.sack, b->u.sack, 8u * a->n) == 0;
	case SOPT_ECN0:
	case SOPT_ECN1:
		return a->n == b->n && memcmp(a->u.count, b->u.count, 4u * a->n) == 0;
	case SOPT_MD5:
		if (a->valid || b->valid)
			return a->n == b->n;
		return a->n == b->n && memcmp(a->u.bytes, b->u.bytes, a->n) == 0;
	case SOPT_AO:
	case SOPT_FO:
	case SOPT_FOEXP:
		return a->n == b->n && memcmp(a->u.bytes, b->u.bytes, a->n) == 0;
	case SOPT_OTHER:
		return a->wire == b->wire && a->n == b->n && memcmp(a->u.bytes, b->u.bytes, a->n) == 0;
	}
	return false;
}

static bool is_padding(const struct script_opt *o)
{
	return o->kind == SOPT_NOP || o->kind == SOPT_EOL;
}

/* Every option of a that is no padding stands in b. */
static bool opts_within(const struct script_seg *a, const struct script_seg *b)
{
	for (int i = 0; i < a->nopts; i++) {
		bool found = is_padding(&a->opt[i]);

		for (int k = 0; k < b->nopts && !found; k++)
			found = opt_same(&a->opt[i], &b->opt[k]);
		if (!found)
			return false;
	}
	return true;
}

static bool opts_same(const struct script_seg *a, const struct script_seg *b)
{
	if (a->nopts != b->nopts)
		return false;
	for (int i = 0; i < a->nopts; i++)
		if (!opt_same(&a->opt[i], &b->opt[i]))
			return false;
	return true;
}

static bool options_agree(const struct script_seg *want, const struct script_seg *got,
			  const struct script_rules *r)
{
	if (want->any_opts)
		return true;
	if (r->syn_any && (want->flags & TH_SYN))
		return opts_within(want, got) && opts_within(got, want);
	return opts_same(want, got);
}

static const char *compare_ip(const struct script_ip *want, const struct script_ip *got)
{
	if (want->ecn == SECN_ECT01 ? got->ecn != SECN_ECT0 && got->ecn != SECN_ECT1
				    : want->ecn >= 0 && want->ecn != got->ecn)
		return "ECN codepoint";
	/* With a codepoint beside it, `tos` means the other six bits. */
	int mask = want->ecn >= 0 ? 0xfc : 0xff;

	if (want->tos >= 0 && (want->tos & mask) != (got->tos & mask))
		return "type of service";
	if (want->ttl >= 0 && want->ttl != got->ttl)
		return "time to live";
	if (want->flow_label >= 0 && want->flow_label != got->flow_label)
		return "flow label";
	return NULL;
}

static uint16_t flags_compared(const struct script_seg *want, const struct script_seg *got,
			       const struct script_rules *r)
{
	uint16_t mask = 0x1ff;

	if (r->free_push && (want->len || got->len))
		mask &= (uint16_t)~TH_PSH;
	if (want->ace >= 0)
		mask &= (uint16_t) ~(TH_ECE | TH_CWR | TH_AE);
	return mask;
}

const char *script_compare(const struct script_seg *want, const struct script_seg *got,
			   const struct script_rules *r)
{
	if ((want->flags ^ got->flags) & flags_compared(want, got, r))
		return "flags";
	if (want->ace >= 0 && want->ace != ((got->flags & TH_ECE ? 1 : 0) | (got->flags & TH_CWR ? 2 : 0) |
					    (got->flags & TH_AE ? 4 : 0)))
		return "ACE counter";
	if (!want->any_seq && want->seq != got->seq)
		return "sequence number";
	if (want->len != got->len)
		return "length";
	if (want->has_ack && want->ack != got->ack)
		return "acknowledgement number";
	if (want->has_win && !r->win_any && want->win != got->win)
		return "window";
	if ((want->has_urg ? want->urg : 0) != got->urg)
		return "urgent pointer";
	if (!options_agree(want, got, r))
		return "options";
	if ((want->sport >= 0 && want->sport != got->sport) || (want->dport >= 0 && want->dport != got->dport))
		return "ports";
	return compare_ip(&want->ip, &got->ip);
}
