/* Explicit congestion notification: what the two SYNs agree on, what a mark says to its sender.
 *
 * Classic (RFC 3168): one CE mark sets ECE on all that we send until CWR comes; the sender reduces once
 * for each window. DCTCP's receiver (RFC 8257 3.2) instead repeats the mark of each segment, with an ACK
 * of its own where the mark changes. AccECN (RFC 9768) counts: the number of marked packets modulo 8
 * stands in three header bits, bytes by codepoint in an option.
 *
 * The switch is tcp_config.ecn. Whatever a SYN's ECN bits are, it is never refused, unless it asks for what
 * another one of its handshake did not (RFC 9768 3.1.5). The first SYN or SYN-ACK settles the mode for good;
 * later ones can only forbid ECT. Invariant: ece_due and cwr_due are only used without AccECN. */
#include "tcp.h"

#define ACE_BITS (TH_AE | TH_CWR | TH_ECE)
#define E0B_START 1
#define E1B_START 1
#define COUNTER_MASK 0xffffffu
#define ACE_MOST 7u
#define STRETCH_ONE 8u                  /* acc.stretch counts in eighths */
#define STRETCH_USUAL (4 * STRETCH_ONE) /* a peer whose ACKs tell of more does so by habit: none was lost */

/* The byte counters; the bits of acc.ever and acc.changed. */
enum { BYTES_E0, BYTES_CE, BYTES_E1, BYTES_COUNT };

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
	switch (c->cfg->ecn) {
	case ECN_OFF:
		return false;
	case ECN_CLASSIC:
	case ECN_ACC:
	case ECN_ACC_CLASSIC:
		return true;
	case ECN_PASSIVE:
	case ECN_ACC_PASSIVE:
		return c->cc.ops->wants_ect;
	}
	return false;
}

static bool takes_accurate(const struct tcb *c)
{
	return c->cfg->ecn >= ECN_ACC;
}

/* RFC 3168 6.1.1.1, RFC 9768 3.1.4.1: a SYN that is lost may be so for its bits. AccECN is asked for once more
 * than the rest, since that is the less likely reason. */
uint16_t tcp_ecn_syn(const struct tcb *c)
{
	bool accurate = c->cfg->ecn == ECN_ACC;
	unsigned tries = (c->cfg->ecn_tries ? c->cfg->ecn_tries : 1u) + accurate;

	if (!asks(c) || c->retries >= tries)
		return 0;
	return accurate ? ACE_BITS : TH_ECE | TH_CWR;
}

static void start_accurate(struct tcb *c, const struct seg *g)
{
	c->ecn_ok = c->acc.on = true;
	c->acc.syn_ecn = g->ecn & ECN_MASK;
	c->acc.cep = c->acc.cep_told = c->acc.peer_cep = ACC_CEP_START;
	c->acc.bytes[BYTES_E0] = c->acc.peer_bytes[BYTES_E0] = E0B_START;
	c->acc.bytes[BYTES_E1] = c->acc.peer_bytes[BYTES_E1] = E1B_START;
	c->acc.peer_ts = g->opt.ts_val;
}

/* A SYN: RFC 3168 6.1.1, RFC 9768 3.1.2, and 3.1.3 for the combinations that nobody sends yet. */
void tcp_ecn_take_syn(struct tcb *c, const struct seg *g)
{
	uint16_t bits = g->flags & ACE_BITS;

	if (c->cfg->ecn == ECN_OFF || !bits)
		return;
	if (takes_accurate(c) && bits != (TH_ECE | TH_CWR)) {
		start_accurate(c, g);
		c->acc.first_in = true;
	} else if ((bits & (TH_ECE | TH_CWR)) == (TH_ECE | TH_CWR)) {
		c->ecn_ok = true; /* who knows no AE takes no notice of it */
	}
}

/* The SYN of a half-open connection again (RFC 9768 3.1.5, 3.2.3.2.2). False: it must be reset, since the
 * peer might take either mode for agreed. */
bool tcp_ecn_take_syn_again(struct tcb *c, const struct seg *g)
{
	uint16_t bits = g->flags & ACE_BITS;

	if (!c->acc.on)
		return !(c->ecn_ok && takes_accurate(c) && bits == ACE_BITS);
	if (bits == (TH_ECE | TH_CWR))
		return false;
	c->acc.syn_ecn = g->ecn & ECN_MASK;
	c->acc.syn_again = true;
	c->acc.no_ect = c->acc.no_ect || !bits;
	return true;
}

/* In the order that leads with e0b, or with e1b. */
static void fill_option(const struct tcb *c, struct seg *g, bool order1, uint8_t n)
{
	g->opt.has_accecn = true;
	g->opt.accecn_order1 = order1;
	g->opt.accecn_n = n;
	g->opt.accecn[0] = c->acc.bytes[order1 ? BYTES_E1 : BYTES_E0] & COUNTER_MASK;
	g->opt.accecn[1] = c->acc.bytes[BYTES_CE] & COUNTER_MASK;
	g->opt.accecn[2] = c->acc.bytes[order1 ? BYTES_E0 : BYTES_E1] & COUNTER_MASK;
}

/* RFC 9768 3.2.3.2.2: the first SYN-ACK tries the option, the second the bits alone, later ones neither. */
uint16_t tcp_ecn_synack(struct tcb *c, struct seg *g)
{
	if (!c->acc.on)
		return c->ecn_ok ? TH_ECE : 0;
	if (c->retries >= 2) {
		c->acc.no_ect = true; /* 3.1.5: the client may have gone on without ECN */
		return 0;
	}
	if (c->retries == 0 && !c->acc.syn_again && c->cfg->accecn_option != ACC_OPT_NEVER)
		fill_option(c, g, c->cfg->accecn_option == ACC_OPT_ALWAYS, 3);
	return flags_of(ace_of_codepoint(c->acc.syn_ecn));
}

/* RFC 9768 3.2.2.2: a marked SYN-ACK counts, but one only. */
static void take_synack_mark(struct tcb *c, const struct seg *g)
{
	c->acc.syn_ecn = g->ecn & ECN_MASK;
	c->acc.first_out = true;
	if (g->ecn == ECN_CE && !c->acc.synack_ce) {
		c->acc.synack_ce = true;
		c->acc.cep++;
	}
}

/* A SYN-ACK: RFC 3168 6.1.1, RFC 9768 table 2 and 3.1.3. */
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
	case 5: /* of no meaning yet: as if the SYN had come through unchanged */
	case 6:
		start_accurate(c, g);
		take_synack_mark(c, g);
		/* 3.2.3.2.1: the first ACK and the first text show whether the option gets through. */
		c->acc.option_due = c->acc.option_on_text = true;
		tcp_ecn_see_option(c, g);
		/* 3.2.2.3: our SYNs have no codepoint. A path that gives them one cannot be trusted with any. */
		c->acc.no_ect = c->cfg->ecn_fallback && ace != 2 && ace != 5;
		break;
	case 1:
		c->ecn_ok = true; /* a server of RFC 3168 */
		break;
	default: /* 0: no ECN; 7: one that reflects the bits */
		break;
	}
}

/* The SYN-ACK of an established connection again: what is told is the codepoint of the latest (3.1.5). */
void tcp_ecn_take_synack_again(struct tcb *c, const struct seg *g)
{
	if (c->acc.on && !c->passive)
		take_synack_mark(c, g);
}

/* ---- the receiver of data ---- */

static uint32_t packets(const struct tcb *c, const struct seg *g)
{
	return g->len > c->mss ? (g->len + c->mss - 1) / c->mss : 1; /* some may have been merged */
}

static void count_bytes(struct tcb *c, int which, uint32_t n)
{
	if (!n)
		return;
	c->acc.bytes[which] += n;
	c->acc.ever |= (uint8_t)(1 << which);
	c->acc.changed |= (uint8_t)(1 << which);
	c->acc.option_due = true;
}

/* RFC 9768 3.2.2.5.1: at once when marks begin on text, and for every second one. Marks of bare ACKs are
 * answered only by threes, so that two that mark each other's ACKs come to rest; and only where SACK tells
 * such an answer from a duplicate ACK. */
static void acknowledge_mark(struct tcb *c, const struct seg *g)
{
	uint32_t untold = c->acc.cep - c->acc.cep_told;
	bool text = g->len || c->segs_unacked;

	if ((g->len && !c->acc.last_ce) || (text ? untold >= 2 : untold >= 3 && c->sack_ok)) {
		c->ack_now = true;
		tcp_talk(c);
	}
}

static void count_accurate(struct tcb *c, const struct seg *g)
{
	bool ce = g->ecn == ECN_CE;

	if (ce) {
		c->acc.cep += packets(c, g);
		count_bytes(c, BYTES_CE, g->len);
		acknowledge_mark(c, g);
	} else if (g->ecn == ECN_ECT0) {
		count_bytes(c, BYTES_E0, g->len);
	} else if (g->ecn == ECN_ECT1) {
		count_bytes(c, BYTES_E1, g->len);
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

/* Bits of every segment after the SYNs. On a bare ACK, and nowhere else, the client tells what became of the
 * SYN-ACK (RFC 9768 3.2.2.1). */
uint16_t tcp_ecn_bits(struct tcb *c, bool bare)
{
	if (!c->acc.on)
		return c->ece_due ? TH_ECE : 0;
	c->acc.cep_told = c->acc.cep;
	bool first = c->acc.first_out;

	c->acc.first_out = false;
	return flags_of(first && bare ? ace_of_codepoint(c->acc.syn_ecn) : c->acc.cep);
}

/* Is the ACK of the SYN-ACK still to go, which text cannot be? */
bool tcp_ecn_owes_ack(const struct tcb *c)
{
	return c->acc.first_out;
}

/* Whoever cuts a unit, device or not, takes CWR for RFC 3168's and keeps it on the first segment alone. So a
 * count that has this bit goes out in single segments. */
bool tcp_ecn_is_single(const struct tcb *c)
{
	return flags_of(c->acc.cep) & TH_CWR;
}

/* Bytes that the option takes from every segment. */
uint32_t tcp_ecn_constant_options(const struct tcb *c)
{
	return c->acc.on && c->cfg->accecn_option == ACC_OPT_ALWAYS && c->acc.peer_option && !c->acc.option_failed
		       ? ACC_OPTION_ROOM : 0;
}

/* Bytes that the next segment, of `len` bytes that may go, leaves to the option; 0: it goes without. The end of
 * the queue is not cut for it, since Nagle would keep the rest back; but the first text is. */
uint32_t tcp_ecn_text_room(const struct tcb *c, uint32_t len, bool more)
{
	bool fits = more || len > c->mss || len + ACC_OPTION_ROOM <= c->mss;

	if (!c->acc.on || c->cfg->accecn_option != ACC_OPT_CHANGED || c->acc.option_failed || c->mss < 2 * ACC_OPTION_ROOM)
		return 0;
	return c->acc.option_on_text || (c->acc.option_due && fits) ? ACC_OPTION_ROOM : 0;
}

/* How many fields the option needs: nothing that has changed since the last one may be missing. */
static uint8_t fields_needed(const struct tcb *c, bool order1)
{
	if (c->acc.changed & 1 << (order1 ? BYTES_E0 : BYTES_E1))
		return 3;
	if (c->acc.changed & 1 << BYTES_CE)
		return 2;
	return !!(c->acc.changed & 1 << (order1 ? BYTES_E1 : BYTES_E0));
}

static uint32_t option_len(unsigned fields)
{
	return (2 + 3 * fields + 3) & ~3u;
}

/* RFC 9768 3.2.3.3: where the room is short, fewer SACK blocks, down to two, and as many fields as then fit; no
 * option if these are too few. Returns the fields, or -1. */
static int fit_option(const struct tcb *c, struct seg *g, uint8_t most, uint8_t least)
{
	uint32_t used = (uint32_t)tcp_opts_len(g, c->cfg->layout) + (c->ao ? AO_OPTION : 0);
	uint32_t room = used < TCP_MAX_OPTS ? TCP_MAX_OPTS - used : 0;
	uint8_t blocks = g->opt.nsack;

	while (blocks > 2 && option_len(least) > room)
		blocks--, room += 8;
	if (option_len(least) > room)
		return -1;
	while (option_len(most) > room)
		most--;
	g->opt.nsack = blocks;
	return most;
}

static bool wants_option(const struct tcb *c, const struct seg *g)
{
	if (c->acc.option_failed)
		return false;
	switch ((enum accecn_option)c->cfg->accecn_option) {
	case ACC_OPT_NEVER:
		return false;
	case ACC_OPT_CHANGED:
		return c->acc.option_due || (g->len && c->acc.option_on_text);
	case ACC_OPT_ALWAYS:
		return c->acc.peer_option;
	}
	return false;
}

/* The option of a segment whose other options stand. `report`: its first block is a D-SACK. */
void tcp_ecn_option(struct tcb *c, struct seg *g, bool report)
{
	bool always = c->cfg->accecn_option == ACC_OPT_ALWAYS;
	bool zero = c->acc.ever & 1 << BYTES_E0, one = c->acc.ever & 1 << BYTES_E1;
	bool order1 = always || (one && !zero);

	if (!c->acc.on)
		return;
	if (report)
		c->acc.reported = false;
	if (!wants_option(c, g))
		return;
	int n = fit_option(c, g, always || (zero && one) ? 3 : 2, fields_needed(c, order1));

	if (n < 0)
		return;
	fill_option(c, g, order1, (uint8_t)n);
	c->acc.option_due = false;
	c->acc.option_on_text = c->acc.option_on_text && !g->len;
	c->acc.changed = 0;
	if (report) {
		c->acc.reported = true;
		c->acc.reported_at = g->opt.sack[0].lo;
	}
}

/* Text that we have had, again. If we have said so already, with the option, that ACK did not get through:
 * the option goes no more (RFC 9768 3.2.3.2.2). */
void tcp_ecn_duplicate(struct tcb *c, seq_t at)
{
	if (!c->acc.reported || !seq_eq(c->acc.reported_at, at))
		return;
	c->acc.reported = false;
	c->acc.option_failed = true;
	if (c->cfg->accecn_option == ACC_OPT_ALWAYS)
		tcp_choose_mss(c);
}

/* May this segment say that it can be marked? RFC 3168 6.1.4 to 6.1.6 grant it to new text alone, RFC 8311 4.3
 * to experiments. */
bool tcp_ecn_is_ect(const struct tcb *c, bool new_text)
{
	return c->ecn_ok && !c->acc.no_ect && (new_text || (c->acc.on && c->cfg->ect_all));
}

/* ---- the sender of data ---- */

/* Has the peer's option come? RFC 9768 3.2.3.2.3. */
void tcp_ecn_see_option(struct tcb *c, const struct seg *g)
{
	if (!g->opt.has_accecn || c->acc.peer_option)
		return;
	c->acc.peer_option = true;
	if (c->cfg->accecn_option == ACC_OPT_ALWAYS)
		tcp_choose_mss(c);
}

/* RFC 9768 table 4: the server learns what became of its SYN-ACK, and whether the bits live. */
static void take_first(struct tcb *c, const struct seg *g, struct ack_news *news)
{
	uint8_t ace = ace_of(g->flags);

	if (ace == 0) { /* zeroed, or the peer has no ECN: what it seems to count means nothing */
		c->acc.no_ect = c->acc.deaf = true;
		return;
	}
	if (ace == 6) {
		c->acc.peer_cep++;
		c->stat.delivered_ce++;
		news->ece = true;
	}
	if (c->cfg->ecn_fallback && (ace == 3 || ace == 4 || ace == 6)) /* 3.2.2.3: our SYN-ACK had no codepoint */
		c->acc.no_ect = true;
}

/* RFC 9768 A.1: an ACK that brings nothing new may have been overtaken by another. */
static bool is_latest(struct tcb *c, const struct seg *g, const struct ack_news *news)
{
	bool later = c->ts_ok && g->opt.has_ts && (int32_t)(g->opt.ts_val - c->acc.peer_ts) > 0;

	if (later)
		c->acc.peer_ts = g->opt.ts_val;
	return later || news->una_moved || news->nsacked;
}

/* The peer's byte counters. Returns what CE gained; -1: it was not told, or makes no sense. */
static int64_t take_bytes(struct tcb *c, const struct tcp_opts *o)
{
	static const uint8_t order[2][3] = {{BYTES_E0, BYTES_CE, BYTES_E1}, {BYTES_E1, BYTES_CE, BYTES_E0}};
	int64_t ce = -1;

	for (int i = 0; o->has_accecn && i < o->accecn_n && i < BYTES_COUNT; i++) {
		int which = order[o->accecn_order1][i];
		uint32_t more = (o->accecn[i] - c->acc.peer_bytes[which]) & COUNTER_MASK;

		if (more >= COUNTER_MASK / 2)
			continue;
		c->acc.peer_bytes[which] += more;
		c->stat.delivered_ecn[which] += more;
		if (which == BYTES_CE)
			ce = more;
	}
	return ce;
}

/* RFC 9768 3.2.2.5.2: `acked` segments may have taken the three bits round more than once. The option tells,
 * if there is one. Else it is supposed that ACKs were lost, and with them the most that fits; but not of a peer
 * whose ACKs always tell of many. */
static uint32_t marks_of(const struct tcb *c, uint32_t least, uint32_t acked, int64_t ce_bytes)
{
	if (acked <= ACE_MOST)
		return least;
	uint32_t most = acked - ((acked - least) & ACE_MOST);

	if (ce_bytes >= 0)
		return ce_bytes > (int64_t)least * c->mss ? most : least;
	return c->acc.stretch > STRETCH_USUAL ? least : most;
}

static void note_stretch(struct tcb *c, uint32_t acked)
{
	uint32_t s = c->acc.stretch, now = acked < 256 ? acked * STRETCH_ONE : 256 * STRETCH_ONE;

	if (acked)
		c->acc.stretch = (uint16_t)(s ? (7 * s + now) / 8 : now);
}

static void take_accurate(struct tcb *c, const struct seg *g, struct ack_news *news)
{
	bool first = c->acc.first_in, latest = is_latest(c, g, news);

	c->acc.first_in = false;
	tcp_ecn_see_option(c, g);
	if (first && !g->len && !g->opt.nsack) {
		take_first(c, g, news);
		return;
	}
	if (!latest || c->acc.deaf)
		return;
	uint32_t least = (ace_of(g->flags) - c->acc.peer_cep) & ACE_MOST, acked = news->ndelivered;

	note_stretch(c, acked);
	int64_t ce_bytes = take_bytes(c, &g->opt);
	uint32_t marked = marks_of(c, least, acked, ce_bytes);
	uint64_t bytes = ce_bytes >= 0 ? (uint64_t)ce_bytes : (uint64_t)marked * c->mss;

	/* 3.2.3.2.5: bytes were marked but no packet, and no wrap can explain it. */
	if (ce_bytes > 0 && !marked && acked <= ACE_MOST && c->acc.in_step)
		c->acc.no_ect = true;
	c->acc.in_step = ce_bytes >= 0 || (c->acc.in_step && !marked);
	c->acc.peer_cep += marked;
	news->ece = marked > 0;
	news->ce_bytes = bytes < news->delivered ? (uint32_t)bytes : news->delivered;
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
