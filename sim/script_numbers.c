/* Numbers: a script counts from its own initial sequence numbers. Ours (the stack's) is learned from its SYN; the
 * peer's live one lies just below the wrap, so that every script crosses it. Ports and timestamps are
 * translated likewise. */
#include "script_run.h"

static uint32_t ts_to_live(const struct runner *r, uint32_t ecr)
{
	for (uint32_t i = r->nts; i-- > 0;)
		if (r->ts[i].script == ecr)
			return r->ts[i].live;
	return r->nts && ecr ? r->ts[0].live + (ecr - r->ts[0].script) : ecr;
}

struct script_seg number_to_live(struct runner *r, const struct script_seg *g)
{
	struct script_seg l = *g;

	l.sport = g->sport < 0 ? r->rport : g->sport;
	l.dport = g->dport < 0 ? r->lport : g->dport;
	if (!g->raw_seq)
		l.seq += r->remote_off + (g->flags & TH_SYN ? 0 : r->remote_isn);
	if (g->has_ack)
		l.ack += r->local_off + (g->flags & TH_SYN ? 0 : r->local_isn);
	for (int i = 0; i < l.nopts; i++) {
		struct script_opt *o = &l.opt[i];

		if (o->kind == SOPT_SACK)
			for (int k = 0; k < 2 * o->n; k++)
				o->u.sack[k] += r->local_off + r->local_isn;
		if (o->kind == SOPT_TS)
			o->u.ts.ecr = ts_to_live(r, o->u.ts.ecr);
	}
	return l;
}

static const struct script_opt *find_ts(const struct script_seg *g)
{
	for (int i = 0; i < g->nopts; i++)
		if (g->opt[i].kind == SOPT_TS)
			return &g->opt[i];
	return NULL;
}

/* The live value in the script's clock. It is compared when there is a tick to compare it by, else
 * it is right by definition; the pair is remembered for what will be echoed. */
static uint32_t ts_to_script(struct runner *r, uint32_t live, uint32_t want, ns_t tolerance)
{
	uint32_t got = want;

	if (r->ts_tick && r->nts) {
		int64_t passed = (int32_t)(live - r->ts[0].live) * (int64_t)MS;
		int64_t expected = (int32_t)(want - r->ts[0].script) * (int64_t)r->ts_tick;

		if (passed < expected - tolerance || passed > expected + tolerance)
			got = r->ts[0].script + (uint32_t)(passed / r->ts_tick);
	}
	if (r->nts < RUN_TS && got == want) {
		r->ts[r->nts].script = want;
		r->ts[r->nts++].live = live;
	}
	return got;
}

/* A SYN of ours tells where the script's numbers begin. */
static void learn_syn(struct runner *r, const struct script_seg *live, const struct script_seg *want)
{
	if (r->iss_known && (!r->iss_may_change || live->seq == r->iss))
		return;
	r->iss = live->seq;
	r->iss_known = true;
	r->iss_may_change = r->opening = false;
	r->nts = 0;
	r->local_isn = want && !want->any_seq ? want->seq : 0;
	r->local_off = live->seq - r->local_isn;
	r->lport = (uint16_t)live->sport;
	r->rport = (uint16_t)live->dport;
}

struct script_seg number_to_script(struct runner *r, const struct script_seg *live,
				   const struct script_seg *want, ns_t tolerance)
{
	struct script_seg g = *live;
	bool syn = live->flags & TH_SYN;

	if (syn)
		learn_syn(r, live, want);
	if (!want || !want->raw_seq)
		g.seq -= r->local_off + (syn ? 0 : r->local_isn);
	else
		g.raw_seq = true;
	g.end = g.seq + g.len;
	if (g.has_ack)
		g.ack -= r->remote_off + (syn ? 0 : r->remote_isn);
	const struct script_opt *w = want ? find_ts(want) : NULL;

	for (int i = 0; i < g.nopts; i++) {
		struct script_opt *o = &g.opt[i];

		if (o->kind == SOPT_SACK)
			for (int k = 0; k < 2 * o->n; k++)
				o->u.sack[k] -= r->remote_off + r->remote_isn;
		if (o->kind == SOPT_TS && w)
			o->u.ts.val = ts_to_script(r, o->u.ts.val, w->u.ts.val, tolerance);
	}
	return g;
}

/* Does a connection stand between the two ports? Listeners do not count. */
static bool connection_stands(struct runner *r)
{
	struct sock_info i;
	uint32_t cursor = 0;

	while (stack_walk(r->stack, &cursor, &i))
		if (i.state != TCP_LISTEN && i.state != TCP_CLOSED && i.rport == r->rport)
			return true;
	return false;
}

/* A SYN that meets no connection, or the first one to meet ours, begins the peer's numbers. */
void number_learn_remote(struct runner *r, const struct script_seg *g)
{
	if (!(g->flags & TH_SYN) || g->raw_seq || (r->remote_isn_known && connection_stands(r)))
		return;
	r->remote_isn = g->seq;
	r->remote_isn_known = true;
}
