/* Path MTU discovery without ICMP (RFC 4821, RFC 8899), for paths that swallow what is too large and
 * say nothing. The switch is tcp_config.plpmtud.
 *
 * A connection begins with the link's MTU (RFC 4821 7.2 allows it, for TCP). When full-sized segments
 * time out twice in a row, the path is taken for a black hole: segments shrink to the base, and what is
 * out is sent again in such pieces. From there on probes, each one segment of new text that is larger
 * than the MSS, halve the range between what is known to pass and what is not (7.3); it ends when the
 * range is under MTU_STEP. A probe that alone is lost says something of the path's MTU and nothing of
 * congestion, so it is resent without an episode (7.6.2); twice lost, its size is too large. A probe lost
 * among others, or in a timeout, says nothing (7.6.4). Every MTU_RAISE the range is opened again (7.7).
 *
 * Invariant while `on`: low == pmtu <= high <= the link's MTU. */
#include "tcp.h"

#define MTU_BASE_V4 (1024 + IP4_LEN + TCP_LEN) /* RFC 4821 7.2: 1024 bytes of text */
#define MTU_FLOOR_V4 576                       /* for a path that does not even pass the base */
#define MTU_BASE_V6 1280                       /* RFC 8200 5: nothing smaller exists */
#define MTU_STEP 8
#define MTU_RAISE (600 * SEC) /* RFC 4821 7.7, RFC 8899 5.1.1: PMTU_RAISE_TIMER */
#define MTU_TRIES 2           /* losses of one size until it counts as too large */
#define HOLE_TIMEOUTS 2       /* RFC 4821 7.7: full-stop timeouts in a row */

static uint32_t headers(const struct tcb *c)
{
	return (c->v6 ? IP6_LEN : IP4_LEN) + TCP_LEN;
}

static uint32_t text_of(const struct tcb *c, uint32_t mtu)
{
	return mtu - headers(c) - tcp_constant_options(c);
}

/* No use in packets that the link or the peer would not take. */
static uint16_t ceiling(const struct tcb *c)
{
	uint32_t link = net_mtu(c->tcp->net, &c->flow.key.remote), peer = c->mss_peer + headers(c);

	if (c->mss_clamp && peer > c->mss_clamp + headers(c))
		peer = c->mss_clamp + headers(c);
	return (uint16_t)(link < peer ? link : peer);
}

static void set_mtu(struct tcb *c, uint32_t mtu)
{
	c->pmtu = (uint16_t)mtu;
	tcp_choose_mss(c);
}

/* ---- the range ---- */

void tcp_plpmtud_lowered(struct tcb *c)
{
	c->mtup.on = true;
	c->mtup.size = 0;
	c->mtup.lost = 0;
	c->mtup.high = c->pmtu;
	c->mtup.raise_at = c->tcp->now + MTU_RAISE;
}

static uint32_t next_size(struct tcb *c)
{
	if (c->tcp->now >= c->mtup.raise_at) {
		c->mtup.high = ceiling(c) > c->pmtu ? ceiling(c) : c->pmtu;
		c->mtup.lost = 0;
		c->mtup.raise_at = c->tcp->now + MTU_RAISE;
	}
	uint32_t range = c->mtup.high - c->pmtu;

	return range < MTU_STEP ? 0 : c->pmtu + (range + 1) / 2;
}

/* ---- probes ---- */

/* The text of a probe to send now, 0: none. It must find enough behind it that its loss shows without
 * a timer (7.4), and be no burden to the window. */
uint32_t tcp_plpmtud_wants(struct tcb *c, uint32_t unsent, uint32_t room, uint32_t cwnd_left)
{
	if (c->mtup.size || c->ca != CA_OPEN || c->state < TCP_ESTABLISHED || c->retries)
		return 0;
	uint32_t size = next_size(c);

	if (!size)
		return 0;
	uint32_t text = text_of(c, size), behind = (c->cfg->dupthresh + 1u) * c->mss;

	if (unsent < text + behind || room < text + behind || cwnd_left < text || c->cc.cwnd < text + behind)
		return 0;
	return text;
}

void tcp_plpmtud_sent(struct tcb *c, uint32_t text)
{
	c->mtup.size = (uint16_t)(text + headers(c) + tcp_constant_options(c));
	c->mtup.lo = c->snd.nxt;
	c->mtup.hi = seq_add(c->snd.nxt, text);
}

static void probe_passed(struct tcb *c)
{
	c->mtup.lost = 0;
	if (c->mtup.size > c->pmtu)
		set_mtu(c, c->mtup.size);
	if (c->mtup.high < c->pmtu)
		c->mtup.high = c->pmtu;
	c->mtup.size = 0;
}

static void probe_lost(struct tcb *c)
{
	if (++c->mtup.lost >= MTU_TRIES) {
		c->mtup.high = (uint16_t)(c->mtup.size - 1);
		c->mtup.lost = 0;
	}
	c->mtup.size = 0;
}

/* After loss detection, while a probe is out. True: the probe is lost and nothing else, so that there is
 * no episode; it waits to be sent again. */
bool tcp_plpmtud_judge(struct tcb *c, struct ack_news *news)
{
	if (seq_ge(c->snd.una, c->mtup.hi) || seqset_has(&c->board.sacked, c->mtup.lo, c->mtup.hi)) {
		probe_passed(c);
		return false;
	}
	if (!c->board.nwaiting)
		return false;
	const struct rec *r = board_rec(&c->board, board_find(&c->board, c->mtup.lo));
	bool lost = (r->flags & REC_LOST) && !(r->flags & REC_FLYING);

	if (!lost || c->board.nwaiting > 1 || c->ca >= CA_CWR) {
		c->mtup.size = 0; /* others are lost as well: nothing is learnt */
		return false;
	}
	news->lost -= r->hi.v - r->lo.v;
	probe_lost(c);
	c->mtu_resend = true;
	c->send_why = WHY_RECOVERY;
	return true;
}

/* ---- black holes ---- */

static uint32_t smaller(const struct tcb *c)
{
	if (c->v6)
		return MTU_BASE_V6;
	return c->pmtu > MTU_BASE_V4 ? MTU_BASE_V4 : MTU_FLOOR_V4;
}

/* The retransmission timer fired; what is out has been marked. Only segments that a smaller MTU would
 * have divided count. */
void tcp_plpmtud_timeout(struct tcb *c)
{
	const struct rec *r = board_rec(&c->board, c->board.first);
	uint32_t mtu = smaller(c);

	c->mtup.size = 0;
	if (c->retries % HOLE_TIMEOUTS || mtu >= c->pmtu || r->hi.v - r->lo.v <= text_of(c, mtu))
		return;
	uint16_t was = c->mtup.on ? c->mtup.high : c->pmtu;

	set_mtu(c, mtu);
	tcp_plpmtud_lowered(c);
	c->mtup.high = was;
	if (board_resegment(&c->board, c->mss))
		for (uint32_t id = c->board.first; id != c->board.end; id++)
			board_mark_lost(&c->board, id);
	if (!c->cc.ops->own_recovery)
		c->cc.cwnd = c->mss;
}

/* A router's word about a probe: its size is known now without further tries. */
void tcp_plpmtud_too_big(struct tcb *c, uint32_t mtu)
{
	if (!c->mtup.size || mtu >= c->mtup.size || mtu < c->pmtu)
		return;
	c->mtup.high = (uint16_t)mtu;
}
