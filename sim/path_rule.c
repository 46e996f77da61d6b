/* Named frames: each TCP segment is given the role it plays in its flow (the second data segment,
 * the first retransmission ...), and rules act on roles. The numbers are counted where the segment
 * enters the path, so they are those of the sender, whatever the random stages do behind.
 *
 * A retransmission is told by sequence numbers: data that begins below what this flow has sent.
 * SYNs and FINs sent again count on in their own role. */
#include "path_stage.h"

#include <stdlib.h>

#include "../stack/wire/eth.h"
#include "../stack/wire/ip.h"
#include "../stack/wire/tcp.h"

struct rule_flow {
	struct addr src, dst;
	uint16_t sport, dport;
	bool seen_syn, seen_any;
	seq_t max;                   /* behind the highest byte sent so far, FIN included */
	uint64_t number[RULE_WHATS]; /* segments of each role so far */
};

bool frame_parse_tcp(const struct pkt *p, struct ip_hdr *ip, struct seg *g)
{
	const uint8_t *bytes = p->data + ETH_LEN;
	size_t have = p->len - ETH_LEN;
	uint32_t problem;
	uint8_t code;
	enum ip_verdict v;

	if (!frame_is_ip(p) || p->head_len < ETH_LEN + IP4_LEN + TCP_LEN)
		return false;
	if (rd16(p->data + 12) == ETH_IP6)
		v = p->head_len < ETH_LEN + IP6_LEN + TCP_LEN
			? IP_BAD
			: ip6_parse(bytes, have, ip, &problem, &code);
	else
		v = ip4_parse(bytes, have, ip, false);
	if (v != IP_OK || ip->proto != PROTO_TCP || ip->frag_off)
		return false;
	if (p->head_len < (uint32_t)ETH_LEN + ip->hdr_len + TCP_LEN ||
	    !tcp_parse(bytes + ip->hdr_len, ip->payload_len, g))
		return false;
	g->len = ip->payload_len - g->hdr_len;
	return true;
}

static struct rule_flow *find_flow(struct rule_stage *r, const struct ip_hdr *ip,
				   const struct seg *g)
{
	for (uint32_t i = r->nflows; i-- > 0;) {
		struct rule_flow *f = &r->flow[i];

		if (f->sport == g->sport && f->dport == g->dport && addr_eq(&f->src, &ip->src) &&
		    addr_eq(&f->dst, &ip->dst))
			return f;
	}
	if (!r->flow && !(r->flow = calloc(RULE_FLOWS_MAX, sizeof(*r->flow))))
		return NULL;
	if (r->nflows == RULE_FLOWS_MAX)
		return NULL;
	struct rule_flow *f = &r->flow[r->nflows++];

	*f = (struct rule_flow){
	    .src = ip->src, .dst = ip->dst, .sport = g->sport, .dport = g->dport, .max = g->seq};
	return f;
}

/* Counts the segment in its role. */
static enum rule_what role_of(struct rule_flow *f, const struct seg *g)
{
	seq_t end = seq_add(g->seq, seg_len(g));
	bool syn = g->flags & TH_SYN,
	     again = seg_len(g) > 0 && f->seen_any && seq_lt(g->seq, f->max);
	enum rule_what what = RULE_ACK;

	if (syn)
		what = g->flags & TH_ACK ? RULE_SYN_ACK : RULE_SYN;
	else if (g->flags & TH_RST)
		what = RULE_RST;
	else if (again && g->len > 0)
		what = RULE_RETRANSMISSION;
	else if (g->len > 0)
		what = RULE_DATA;
	else if (g->flags & TH_FIN)
		what = RULE_FIN;
	if (syn && !f->seen_syn) {
		f->max = end; /* a new life of the same ports starts anew */
		f->seen_syn = true;
	}
	if (seq_gt(end, f->max))
		f->max = end;
	f->seen_any = true;
	f->number[what]++;
	f->number[RULE_SEGMENT]++;
	if ((g->flags & TH_FIN) && what != RULE_FIN)
		f->number[RULE_FIN]++; /* a FIN on data is both */
	return what;
}

static const struct rule *find_rule(const struct rule_stage *r, const struct rule_flow *f,
				    enum rule_what what, bool fin, uint64_t *number)
{
	uint32_t flow = (uint32_t)(f - r->flow) + 1;

	for (uint32_t i = 0; i < r->nrules; i++) {
		const struct rule *rule = &r->rule[i];

		if (rule->what != what && rule->what != RULE_SEGMENT &&
		    !(rule->what == RULE_FIN && fin))
			continue;
		*number = f->number[rule->what];
		if ((rule->flow == 0 || rule->flow == flow) && *number >= rule->first &&
		    *number <= rule->last)
			return rule;
	}
	return NULL;
}

static const char *rule_text(enum rule_what what)
{
	static const char *const text[RULE_WHATS] = {
	    "SYN", "SYN-ACK", "data segment", "retransmission", "ACK", "FIN", "RST", "segment",
	};

	return text[what];
}

static void rule_act(struct rule_stage *r, const struct rule *rule, struct pkt *p, uint64_t number,
		     ns_t now)
{
	static const struct corrupt_spec flip = {.kind = CORRUPT_BIT};
	const char *text = rule_text(rule->what), *why;
	struct pkt *copy;

	switch (rule->act) {
	case DO_DROP:
		stage_drop(&r->s, p, FATE_LOST, text, number, now);
		return;
	case DO_DELAY:
		if (!hold_put(&r->hold, p, now + rule->by)) {
			stage_drop(&r->s, p, FATE_LOST, "out of memory", number, now);
			return;
		}
		stage_tell(&r->s, p, FATE_REORDERED, text, number, now);
		r->s.due = hold_due(&r->hold);
		return;
	case DO_DUPLICATE:
		copy = stage_copy(&r->s, p, text, number, now);
		stage_pass(&r->s, p, now);
		if (copy && rule->by == 0)
			stage_pass(&r->s, copy, now);
		else if (copy && !hold_put(&r->hold, copy, now + rule->by))
			stage_drop(&r->s, copy, FATE_LOST, "out of memory", number, now);
		r->s.due = hold_due(&r->hold);
		return;
	default:
		if (frame_corrupt(&r->s, p, &flip, &why))
			stage_tell(&r->s, p, FATE_CORRUPTED, text, number, now);
		stage_pass(&r->s, p, now);
	}
}

static void rule_push(struct stage *s, struct pkt *p, ns_t now)
{
	struct rule_stage *r = container_of(s, struct rule_stage, s);
	const struct rule *rule = NULL;
	struct rule_flow *f;
	struct ip_hdr ip;
	struct seg g;
	uint64_t number = 0;

	if (frame_parse_tcp(p, &ip, &g) && (f = find_flow(r, &ip, &g)))
		rule = find_rule(r, f, role_of(f, &g), g.flags & TH_FIN, &number);
	if (rule)
		rule_act(r, rule, p, number, now);
	else
		stage_pass(s, p, now);
}

static void rule_run(struct stage *s, ns_t now)
{
	struct rule_stage *r = container_of(s, struct rule_stage, s);

	while (hold_due(&r->hold) <= now) {
		struct pkt *p = hold_take(&r->hold);

		s->due = hold_due(&r->hold);
		stage_pass(s, p, now);
	}
}

void rule_free(struct rule_stage *r)
{
	hold_free(&r->hold);
	free(r->flow);
}

const struct stage_ops rule_ops = {"rule", rule_push, rule_run};
