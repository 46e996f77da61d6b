/* Explicit congestion notification: what the two SYNs agree on, what a mark says to its sender.
 *
 * Classic (RFC 3168): one CE mark sets ECE on all that we send until CWR comes; the sender reduces once
 * for each window. DCTCP's receiver (RFC 8257 3.2) instead repeats the mark of each segment, with an ACK
 * of its own where the mark changes. AccECN (RFC 9768) counts: the number of marked packets modulo 8
 * stands in three header bits, bytes by codepoint in an option of pure ACKs.
 *
 * The switch is tcp_config.ecn. Whatever a SYN's ECN bits are, it is never refused; bits that fit no
 * row of the tables mean "no ECN". Invariant: ece_due and cwr_due are only used without AccECN. */
#include "tcp.h"

#define ACE_BITS (TH_AE | TH_CWR | TH_ECE)
#define CEP_START 5 /* RFC 9768 3.2.1: so that a peer that zeroes the bits is found out */
#define E0B_START 1
#define E1B_START 1
#define COUNTER_MASK 0xffffffu

static uint8_t ace_of(uint16_t flags)
{
	return (uint8_t)(!!(flags & TH_AE) << 2 | !!(flags & TH_CWR) << 1 | !!(flags & TH_ECE));
}

static uint16_t flags_of(uint32_t ace)
{
	return (uint16_t)((ace & 4 ? TH_AE : 0) | (ace & 2 ? TH_CWR : 0) | (ace & 1 ? TH_ECE : 0));
}

/* RFC 9768 tables 2 and 3: how the codepoint of a SYN or SYN-ACK is told. */
static uint8_t ace_of_codepoint(uint8_t ecn)
{
	static const uint8_t ace[4] = {[0] = 2, [ECN_ECT1] = 3, [ECN_ECT0] = 4, [ECN_CE] = 6};

	return ace[ecn & ECN_MASK];
}

/* ---- the handshake ---- */

/* DCTCP lives on marks, so it asks where the host would merely accept. */
static bool asks(const struct tcb *c)
{
	return c->cfg->ecn >= ECN_CLASSIC || (c->cfg->ecn == ECN_PASSIVE && c->cc.ops->wants_ect);
}

/* RFC 3168 6.1.1.1, RFC 9768 3.1.4: a SYN that is lost may be so for its bits. */
uint16_t tcp_ecn_syn(const struct tcb *c)
{
	unsigned tries = c->cfg->ecn_tries ? c->cfg->ecn_tries : 1;

	if (!asks(c) || c->retries >= tries)
		return 0;
	return c->cfg->ecn == ECN_ACC ? ACE_BITS : TH_ECE | TH_CWR;
}

static void start_accurate(struct tcb *c, uint8_t their_syn)
{
	c->ecn_ok = c->acc.on = c->acc.first_in = c->acc.first_out = true;
	c->acc.syn_ecn = their_syn & ECN_MASK;
	c->acc.cep = c->acc.cep_told = c->acc.peer_cep = CEP_START;
	c->acc.e0b = E0B_START;
	c->acc.e1b = E1B_START;
}

/* A SYN: RFC 3168 6.1.1, RFC 9768 3.1.2. */
void tcp_ecn_take_syn(struct tcb *c, const struct seg *g)
{
	uint16_t bits = g->flags & ACE_BITS;

	if (c->cfg->ecn == ECN_OFF)
		return;
	if (bits == ACE_BITS && c->cfg->ecn == ECN_ACC)
		start_accurate(c, g->ecn);
	else if ((bits & (TH_ECE | TH_CWR)) == (TH_ECE | TH_CWR))
		c->ecn_ok = true; /* who knows no AE takes no notice of it */
}

uint16_t tcp_ecn_synack(const struct tcb *c, struct seg *g)
{
	if (!c->acc.on)
		return c->ecn_ok ? TH_ECE : 0;
	if (c->retries == 0) { /* RFC 9768 3.2.3.2: the option shows whether it gets through */
		g->opt.has_accecn = true;
		g->opt.accecn_n = 3;
		g->opt.accecn[0] = c->acc.e0b;
		g->opt.accecn[1] = c->acc.ceb;
		g->opt.accecn[2] = c->acc.e1b;
	}
	return flags_of(ace_of_codepoint(c->acc.syn_ecn));
}

/* A SYN-ACK: RFC 3168 6.1.1, RFC 9768 table 2. */
void tcp_ecn_take_synack(struct tcb *c, const struct seg *g)
{
	uint8_t ace = ace_of(g->flags);

	if (!asks(c))
		return;
	if (c->cfg->ecn != ECN_ACC) {
		c->ecn_ok = (ace & 3) == 1;
		return;
	}
	switch (ace) {
	case 2:
	case 3:
	case 4:
	case 6:
		start_accurate(c, g->ecn);
		c->acc.first_in = false; /* it was this one */
		/* We send SYNs without a codepoint: a path that gives them one cannot be trusted with any. */
		c->acc.no_ect = ace != 2;
		break;
	case 1:
	case 5:
		c->ecn_ok = true; /* a server of RFC 3168 (or of the nonce) */
		break;
	default: /* 0: no ECN; 7: one that reflects the bits */
		break;
	}
}

/* ---- the receiver of data ---- */

static uint32_t packets(const struct tcb *c, const struct seg *g)
{
	return g->len > c->mss ? (g->len + c->mss - 1) / c->mss : 1; /* some may have been merged */
}

static void count_accurate(struct tcb *c, const struct seg *g)
{
	bool ce = g->ecn == ECN_CE;

	switch (g->ecn) {
	case ECN_CE:
		c->acc.cep += packets(c, g);
		c->acc.ceb += g->len;
		break;
	case ECN_ECT0:
		c->acc.e0b += g->len;
		break;
	case ECN_ECT1:
		c->acc.e1b += g->len;
		c->acc.tell_e1b = true;
		break;
	default:
		return;
	}
	c->acc.option_due = true;
	/* RFC 9768 3.2.2.5.1: at once when marks begin, and for every second one. */
	if (ce && (!c->acc.last_ce || c->acc.cep - c->acc.cep_told >= 2)) {
		c->ack_now = true;
		tcp_talk(c);
	}
	c->acc.last_ce = ce;
}

/* RFC 8257 3.2: the ACK says of every segment whether it was marked. What arrived before the change
 * is acknowledged now, with the old mark. */
static void echo_each(struct tcb *c, bool ce)
{
	if (ce == c->ece_due)
		return;
	if (c->segs_unacked)
		tcp_send_ack_at_once(c);
	c->ece_due = ce;
	c->ack_now = true;
	tcp_talk(c);
}

/* A segment that is in order with the connection; called with ecn_ok. */
void tcp_ecn_arrive(struct tcb *c, const struct seg *g)
{
	if (c->acc.on) {
		count_accurate(c, g);
		return;
	}
	if (!g->len)
		return;
	if (c->cc.ops->wants_ect) {
		echo_each(c, g->ecn == ECN_CE);
		return;
	}
	if (g->flags & TH_CWR) /* RFC 3168 6.1.3; a mark on this very segment counts anew */
		c->ece_due = false;
	if (g->ecn == ECN_CE)
		c->ece_due = true;
}

/* Bits of every segment after the SYNs, and the option of pure ACKs. */
uint16_t tcp_ecn_bits(struct tcb *c)
{
	if (!c->acc.on)
		return c->ece_due ? TH_ECE : 0;
	c->acc.cep_told = c->acc.cep;
	if (c->acc.first_out) { /* RFC 9768 3.2.2.1: the last step of the handshake tells of the SYN-ACK */
		c->acc.first_out = false;
		if (!c->passive)
			return flags_of(ace_of_codepoint(c->acc.syn_ecn));
	}
	return flags_of(c->acc.cep);
}

/* Whoever cuts a unit, device or not, takes CWR for RFC 3168's and keeps it on the first segment alone. So a
 * count that has this bit goes out in single segments, and so does what only the first may say. */
bool tcp_ecn_is_single(const struct tcb *c)
{
	return c->acc.first_out || flags_of(c->acc.cep) & TH_CWR;
}

void tcp_ecn_option(struct tcb *c, struct seg *g)
{
	if (!c->acc.option_due)
		return;
	c->acc.option_due = false;
	g->opt.has_accecn = true; /* order 0: EE0B, ECEB, EE1B; what never changed is left out */
	g->opt.accecn_n = c->acc.tell_e1b ? 3 : 2;
	g->opt.accecn[0] = c->acc.e0b & COUNTER_MASK;
	g->opt.accecn[1] = c->acc.ceb & COUNTER_MASK;
	g->opt.accecn[2] = c->acc.e1b & COUNTER_MASK;
}

/* ---- the sender of data ---- */

/* RFC 9768 table 3: the server learns what became of its SYN-ACK, and whether the bits live. */
static void take_first(struct tcb *c, const struct seg *g)
{
	uint8_t ace = ace_of(g->flags);

	c->acc.first_in = false;
	if (ace == 0) /* zeroed on the way: no ECN at all */
		c->ecn_ok = c->acc.on = false;
	else if (ace == 6)
		c->acc.peer_cep = CEP_START + 1;
	c->acc.no_ect = c->acc.no_ect || ace == 3 || ace == 4;
}

static void take_accurate(struct tcb *c, const struct seg *g, struct ack_news *news)
{
	if (c->acc.first_in) {
		take_first(c, g);
		return;
	}
	if (!news->una_moved && !news->nsacked)
		return; /* nothing of ours newly arrived: the ACK is old, or the count will come again */
	uint32_t marked = (ace_of(g->flags) - c->acc.peer_cep) & 7, bytes = marked * c->mss;

	c->acc.peer_cep += marked;
	if (g->opt.has_accecn && g->opt.accecn_n >= 2) {
		uint32_t more = (g->opt.accecn[1] - c->acc.peer_ceb) & COUNTER_MASK;

		if (more < COUNTER_MASK / 2) { /* else it is older than what we know */
			c->acc.peer_ceb = g->opt.accecn[1];
			bytes = more;
		}
	}
	news->ece = marked > 0;
	news->ce_bytes = bytes < news->delivered ? bytes : news->delivered;
	c->stat.delivered_ce += marked;
}

/* What the ACK says of marks on our data; called with ecn_ok. */
void tcp_ecn_feedback(struct tcb *c, const struct seg *g, struct ack_news *news)
{
	if (c->acc.on) {
		take_accurate(c, g, news);
	} else if (g->flags & TH_ECE) {
		news->ece = true;
		news->ce_bytes = news->delivered;
		c->stat.delivered_ce += news->ndelivered;
	}
}
