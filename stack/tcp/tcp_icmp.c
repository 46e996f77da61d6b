/* ICMP errors about our segments, with the checks of RFC 5927: the quoted sequence number must lie in
 * what is outstanding. Hard errors abort only a connection that is being opened (RFC 5461, 5927 5.2;
 * RFC 9293 SHLD-26 would abort established ones, too, as icmp_hard may say: no kernel does). Path MTU: RFC 1191,
 * 8201. With TCP-AO what anybody can forge counts less: see authentic_enough. */
#include "tcp.h"

#define MTU_FLOOR_V4 552  /* 536 + headers without options... a liar gets no smaller segments (CVE-2004-1060) */
#define MTU_FLOOR_V6 1280 /* RFC 8200 5 */

/* RFC 1191 7: when the router did not say, the next plateau below what was sent. */
static uint32_t plateau_below(uint32_t mtu)
{
	static const uint16_t plateaus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 552};

	for (size_t i = 0; i < ARRAY_LEN(plateaus); i++)
		if (plateaus[i] < mtu)
			return plateaus[i];
	return MTU_FLOOR_V4;
}

static void too_big(struct tcb *c, uint32_t mtu)
{
	uint32_t floor = c->v6 ? MTU_FLOOR_V6 : MTU_FLOOR_V4;

	if (!c->cfg->pmtud)
		return;
	if (mtu == 0)
		mtu = plateau_below(c->pmtu);
	if (mtu < floor)
		mtu = floor;
	if (mtu >= c->pmtu) {
		tcp_plpmtud_too_big(c, mtu);
		return;
	}
	uint16_t old = c->mss;

	c->pmtu = (uint16_t)mtu;
	net_path_learn(c->tcp->net, &c->flow.key.remote, c->pmtu, c->tcp->now);
	tcp_choose_mss(c);
	if (c->cfg->plpmtud)
		tcp_plpmtud_lowered(c);
	if (c->mss >= old || !board_resegment(&c->board, c->mss))
		return;
	/* RFC 1191 6.4: what was too big is resent at once, without touching the window (tcp_loss.c sees
	 * to that when the next ACK comes, if some of it still waits). */
	c->mtu_resend = c->ca < CA_RECOVERY;
	for (uint32_t id = c->board.first; id != c->board.end; id++)
		board_mark_lost(&c->board, id);
	c->rexmit_due = true;
	if (c->send_why == WHY_NEW)
		c->send_why = WHY_RECOVERY;
	tcp_talk(c);
}

/* RFC 5925 7.8: unless told otherwise, protocol and port unreachable, IPv4's fragmentation needed and IPv6's
 * prohibited mean nothing to a connection with TCP-AO. The RFC asks for it in the synchronised states; while
 * a connection opens they would end it, so that it holds here in all. IPv6's packet too big stays, with the
 * check of its number and the floor of 1,280: no other word of a smaller path comes. */
static bool authentic_enough(const struct tcb *c, const struct net_in *in)
{
	if (!c->ao || c->cfg->ao_icmp)
		return true;
	switch (in->error) {
	case NET_ERR_PORT:
	case NET_ERR_PROTO:
		return false;
	case NET_ERR_TOO_BIG:
		return c->v6;
	default:
		return true;
	}
}

void tcp_icmp(struct tcp *t, const struct net_in *in)
{
	struct flow_key key = {.local = in->inner.src,
			       .remote = in->inner.dst,
			       .lport = in->inner.sport,
			       .rport = in->inner.dport};
	struct tcp_flow *f = flowmap_find(&t->flows, &key);
	struct tcb *c = (struct tcb *)f;

	t->count->icmp_to_tcp++;
	if (!f || f->kind != FLOW_CONN || !in->inner.has_seq ||
	    !seq_in(seq_of(in->inner.seq), c->snd.una, seq_add(c->snd.max, seq_eq(c->snd.una, c->snd.max)))) {
		t->count->icmp_to_tcp_ignored++;
		return;
	}
	if (!authentic_enough(c, in)) {
		t->count->icmp_to_tcp_ignored++;
		return;
	}
	if (in->error == NET_ERR_TOO_BIG) {
		if (c->state != TCP_SYN_SENT)
			too_big(c, in->mtu);
		return;
	}
	enum tcp_icmp_hard hard = c->cfg->icmp_hard;
	bool opening = c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED;

	if (hard == ICMP_HARD_TTL && c->state == TCP_SYN_SENT && in->error == NET_ERR_TTL) {
		tcp_closed(c, ERR_UNREACH, "ICMP time exceeded while opening");
		return;
	}
	bool unreachable = in->error == NET_ERR_PORT || in->error == NET_ERR_PROTO;

	if (hard == ICMP_HARD_ALWAYS && !opening && unreachable) {
		tcp_closed(c, ERR_REFUSED, "ICMP unreachable");
		return;
	}
	if (hard != ICMP_HARD_NONE && opening && unreachable) {
		tcp_closed(c, c->passive ? 0 : ERR_REFUSED, "ICMP unreachable while opening");
		return;
	}
	/* Nobody has the next hop's address: a user who waits for a connection should not wait for two
	 * minutes of SYNs (RFC 1122 2.4, 4.2.3.9; as every kernel does it). */
	if (opening && !c->passive && in->error == NET_ERR_NEIGHBOUR) {
		tcp_closed(c, ERR_UNREACH, "the next hop does not answer");
		return;
	}
	/* Soft (RFC 9293 MUST-56): the user is told and retransmission goes on. */
	tcp_trouble(c, ERR_UNREACH);
	tcp_probe(c, PROBE_DROP, c->snd.una, c->snd.nxt, 0, "soft ICMP error");
}
