/* Every state, every combination of flags, and the interesting values of sequence number,
 * acknowledgment, length and timestamp, one segment each: what the stack becomes and answers is
 * compared with what RFC 9293 3.10.7 and RFC 5961 prescribe, written down here a second time as a
 * function from the segment to the next state. */
#include <stdio.h>
#include <string.h>

#include "../../stack/base/check.h"
#include "../lib/lone.h"

#define WND 8192u /* what the stack offers: its receive buffer here */

struct before {
	enum tcp_state state;
	uint32_t rcv_nxt, rcv_edge, irs, snd_una, snd_nxt, iss, max_wnd;
	bool ts;
	uint32_t ts_recent;
};

enum answer { SILENT = 1, SAYS_ACK = 2, SAYS_RST = 4, SAYS_SYN_ACK = 8 };

struct after {
	enum tcp_state state;
	unsigned answers; /* any of enum answer */
	uint32_t text;    /* bytes that become readable */
};

static struct after stays(const struct before *b, unsigned answers)
{
	return (struct after){b->state, answers, 0};
}

static bool lt(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static bool within(uint32_t s, uint32_t lo, uint32_t hi)
{
	return s - lo < hi - lo;
}

/* RFC 9293 3.4 table 6; a bare segment at the right edge itself is accepted as well, but no reset. */
static bool acceptable(const struct before *b, const struct seg *g)
{
	uint32_t len = seg_len(g), wnd = b->rcv_edge - b->rcv_nxt, seq = g->seq.v;

	if (len == 0)
		return within(seq, b->rcv_nxt, b->rcv_edge) || (seq == b->rcv_edge && !(g->flags & TH_RST));
	if (wnd == 0)
		return false;
	return within(seq, b->rcv_nxt, b->rcv_edge) || within(seq + len - 1, b->rcv_nxt, b->rcv_edge) ||
	       (lt(seq, b->rcv_nxt) && !lt(seq + len - 1, b->rcv_edge));
}

static struct after closed(const struct seg *g)
{
	return (struct after){TCP_CLOSED, g->flags & TH_RST ? SILENT : SAYS_RST, 0};
}

static struct after listening(const struct seg *g)
{
	if (g->flags & TH_RST)
		return (struct after){TCP_CLOSED, SILENT, 0};
	if (g->flags & TH_ACK)
		return (struct after){TCP_CLOSED, SAYS_RST, 0};
	if (g->flags & TH_SYN && !(g->flags & TH_FIN))
		return (struct after){TCP_SYN_RECEIVED, SAYS_SYN_ACK, 0};
	return (struct after){TCP_CLOSED, SILENT, 0};
}

/* 3.10.7.3. */
static struct after syn_sent(const struct before *b, const struct seg *g)
{
	bool ack_ok = g->ack.v == b->snd_nxt;

	if (g->flags & TH_ACK && !ack_ok)
		return stays(b, g->flags & TH_RST ? SILENT : SAYS_RST);
	if (g->flags & TH_RST)
		return g->flags & TH_ACK ? (struct after){TCP_CLOSED, SILENT, 0} : stays(b, SILENT);
	if (!(g->flags & TH_SYN))
		return stays(b, SILENT);
	if (!(g->flags & TH_ACK))
		return (struct after){TCP_SYN_RECEIVED, SAYS_SYN_ACK, 0};
	return (struct after){g->flags & TH_FIN ? TCP_CLOSE_WAIT : TCP_ESTABLISHED, SAYS_ACK, g->len};
}

static struct after time_wait(const struct before *b, const struct seg *g)
{
	bool old_ts = b->ts && g->opt.has_ts && lt(g->opt.ts_val, b->ts_recent);
	bool new_ts = b->ts && g->opt.has_ts && lt(b->ts_recent, g->opt.ts_val);

	if (g->flags & TH_RST)
		return stays(b, SILENT); /* RFC 1337 */
	/* RFC 6191: a new incarnation. */
	if ((g->flags & (TH_SYN | TH_ACK | TH_FIN)) == TH_SYN && (new_ts || (!old_ts && lt(b->rcv_nxt, g->seq.v))))
		return (struct after){TCP_SYN_RECEIVED, SAYS_SYN_ACK, 0};
	return stays(b, SILENT | SAYS_ACK);
}

static enum tcp_state after_ack(const struct before *b, const struct seg *g)
{
	bool fin_acked = g->ack.v == b->snd_nxt;

	switch (b->state) {
	case TCP_SYN_RECEIVED:
		return TCP_ESTABLISHED;
	case TCP_FIN_WAIT_1:
		return fin_acked ? TCP_FIN_WAIT_2 : TCP_FIN_WAIT_1;
	case TCP_CLOSING:
		return fin_acked ? TCP_TIME_WAIT : TCP_CLOSING;
	case TCP_LAST_ACK:
		return fin_acked ? TCP_CLOSED : TCP_LAST_ACK;
	default:
		return b->state;
	}
}

static enum tcp_state after_fin(enum tcp_state s)
{
	switch (s) {
	case TCP_ESTABLISHED:
		return TCP_CLOSE_WAIT;
	case TCP_FIN_WAIT_1:
		return TCP_CLOSING;
	case TCP_FIN_WAIT_2:
		return TCP_TIME_WAIT;
	default:
		return s;
	}
}

/* 3.10.7.4 with RFC 5961 and RFC 7323 5.3. */
static struct after synchronised(const struct before *b, const struct seg *g)
{
	bool old_ts = b->ts && g->opt.has_ts && lt(g->opt.ts_val, b->ts_recent);
	struct after a = stays(b, SILENT | SAYS_ACK);

	if (old_ts && !(g->flags & TH_RST))
		return a;
	if (b->ts && !g->opt.has_ts && !(g->flags & (TH_RST | TH_SYN)))
		return stays(b, SILENT);
	/* The other side's SYN once more, or its SYN-ACK when both opened at once. */
	if (b->state == TCP_SYN_RECEIVED && g->flags & TH_SYN && !(g->flags & TH_RST) && g->seq.v == b->irs) {
		if (!(g->flags & TH_ACK))
			return stays(b, SAYS_SYN_ACK);
		if (g->ack.v == b->snd_nxt && g->len == 0) {
			a.state = g->flags & TH_FIN ? TCP_CLOSE_WAIT : TCP_ESTABLISHED;
			return a;
		}
	}
	if (g->flags & TH_RST) { /* RFC 5961 3.2 */
		if (!acceptable(b, g))
			return stays(b, SILENT);
		return g->seq.v == b->rcv_nxt ? (struct after){TCP_CLOSED, SILENT, 0} : stays(b, SAYS_ACK);
	}
	if (g->flags & TH_SYN) /* RFC 5961 4.2 */
		return stays(b, SAYS_ACK);
	if (!acceptable(b, g))
		return stays(b, SAYS_ACK);
	if (!(g->flags & TH_ACK))
		return stays(b, SILENT);
	if (b->state == TCP_SYN_RECEIVED) {
		if (g->ack.v != b->snd_nxt)
			return stays(b, SAYS_RST);
	} else if (lt(b->snd_nxt, g->ack.v) || lt(g->ack.v, b->snd_una - b->max_wnd)) {
		return stays(b, SAYS_ACK); /* RFC 5961 5.2 */
	}

	a.state = after_ack(b, g);
	if (b->state != a.state && (a.state == TCP_TIME_WAIT || a.state == TCP_CLOSED))
		return a;
	uint32_t end = g->seq.v + g->len;
	bool takes = a.state == TCP_ESTABLISHED || a.state == TCP_FIN_WAIT_1 || a.state == TCP_FIN_WAIT_2;
	bool in_order = !lt(b->rcv_nxt, g->seq.v) && !lt(end, b->rcv_nxt);

	if (takes && in_order)
		a.text = lt(end, b->rcv_edge) ? end - b->rcv_nxt : b->rcv_edge - b->rcv_nxt;
	if (g->flags & TH_FIN && takes && in_order && !lt(b->rcv_edge, end))
		a.state = after_fin(a.state);
	return a;
}

static struct after expected(const struct before *b, const struct seg *g)
{
	switch (b->state) {
	case TCP_CLOSED:
		return closed(g);
	case TCP_LISTEN:
		return listening(g);
	case TCP_SYN_SENT:
		return syn_sent(b, g);
	case TCP_TIME_WAIT:
		return time_wait(b, g);
	default:
		return synchronised(b, g);
	}
}

/* ---- the enumeration ---- */

enum seq_at { S_NXT, S_BEFORE, S_NEXT, S_INSIDE, S_LAST, S_EDGE, S_BEYOND, S_IRS, S_FAR, S_FAR_BACK, S_COUNT };
enum ack_at { A_NXT, A_UNA, A_BEFORE, A_BEYOND, A_OLD, A_FAR, A_ZERO, A_COUNT };
enum ts_at { T_NEW, T_NONE, T_OLD, T_COUNTED };
static const uint32_t lengths[] = {0, 1, 700};

static uint32_t seq_value(const struct before *b, enum seq_at s)
{
	switch (s) {
	case S_NXT:
		return b->rcv_nxt;
	case S_BEFORE:
		return b->rcv_nxt - 1;
	case S_NEXT:
		return b->rcv_nxt + 1;
	case S_INSIDE:
		return b->rcv_nxt + 2000;
	case S_LAST:
		return b->rcv_edge - 1;
	case S_EDGE:
		return b->rcv_edge;
	case S_BEYOND:
		return b->rcv_edge + 1;
	case S_IRS:
		return b->irs;
	case S_FAR:
		return b->rcv_nxt + 0x7ffffff0u;
	default:
		return b->rcv_nxt - 0x7ffffff0u;
	}
}

static uint32_t ack_value(const struct before *b, enum ack_at a)
{
	switch (a) {
	case A_NXT:
		return b->snd_nxt;
	case A_UNA:
		return b->snd_una;
	case A_BEFORE:
		return b->snd_una - 1;
	case A_BEYOND:
		return b->snd_nxt + 1;
	case A_OLD:
		return b->snd_una - b->max_wnd - 1;
	case A_FAR:
		return b->snd_nxt + 0x70000000u;
	default:
		return 0;
	}
}

static unsigned answers_heard(const struct lone *l)
{
	unsigned a = 0;

	for (size_t i = 0; i < l->nheard; i++) {
		uint16_t f = l->heard[i].flags;

		a |= f & TH_RST ? SAYS_RST : f & TH_SYN ? SAYS_SYN_ACK : SAYS_ACK;
	}
	return a ? a : SILENT;
}

static void look(struct lone *l, const struct lone_peer *p, enum tcp_state state, struct before *b)
{
	struct sock_info i;

	memset(b, 0, sizeof(*b));
	b->state = state;
	b->irs = p->iss;
	b->rcv_nxt = p->nxt;
	b->rcv_edge = p->nxt + WND;
	b->ts = p->ts;
	b->ts_recent = p->ts_val;
	if (!lone_info(l, p, &i))
		return;
	b->iss = p->stack_iss;
	b->max_wnd = (uint32_t)p->wnd << (p->wscale == 0xff ? 0 : p->wscale);
	if (state == TCP_TIME_WAIT)
		return;
	b->rcv_edge = state == TCP_SYN_SENT ? b->rcv_nxt + WND : i.rcv_nxt + i.rcv_wnd;
	b->snd_una = i.snd_una;
	b->snd_nxt = i.snd_nxt;
}

static void complain(const struct before *b, const struct seg *g, const struct after *want, enum tcp_state got,
		     unsigned answers, int64_t text)
{
	char row[300];

	snprintf(row, sizeof(row),
		 "%s, flags 0x%02x seq nxt%+d ack una%+d len %u ts %d: want %s, answers 0x%x, %u bytes; got %s, 0x%x, %d",
		 tcp_state_name(b->state), g->flags, (int)(g->seq.v - b->rcv_nxt), (int)(g->ack.v - b->snd_una), g->len,
		 g->opt.has_ts ? (int)(g->opt.ts_val - b->ts_recent) : -999, tcp_state_name(want->state), want->answers,
		 want->text, tcp_state_name(got), answers, (int)text);
	FAIL_ROW(row);
}

/* Whatever is left goes: by the user's abort, or by a reset of the exact number. */
static void end(struct lone *l, struct lone_peer *p)
{
	struct sock_info i;

	if (p->sock)
		sock_abort(l->s, p->sock);
	lone_turn(l);
	stack_flush(l->s);
	if (lone_info(l, p, &i)) {
		struct seg g = {.seq = seq_of(i.rcv_nxt), .flags = TH_RST};

		lone_say_seg(l, p, &g, NULL);
	}
	if (lone_state(l, p) != TCP_CLOSED)
		FAIL_ROW("a connection outlives its reset");
}

static unsigned failures;

static void one(struct lone *l, enum tcp_state state, const struct lone_peer *like, uint16_t flags, enum seq_at s,
		enum ack_at a, uint32_t len, enum ts_at ts)
{
	struct lone_peer p = *like;
	struct before b;

	if (!lone_reach(l, &p, state)) {
		FAIL_ROW(tcp_state_name(state));
		return;
	}
	p.ts_val += 10;
	look(l, &p, state, &b);
	b.ts_recent = like->ts_val;
	struct seg g = {.seq = seq_of(seq_value(&b, s)), .ack = seq_of(ack_value(&b, a)), .flags = flags, .len = len,
			.wnd = p.wnd};

	if (ts != T_NONE && like->ts) {
		g.opt.has_ts = true;
		g.opt.ts_val = b.ts_recent + (ts == T_OLD ? (uint32_t)-1 : 10);
		g.opt.ts_ecr = p.ts_ecr;
	}
	struct after want = expected(&b, &g);

	lone_forget(l);
	lone_say_seg(l, &p, &g, NULL);
	enum tcp_state got = lone_state(l, &p);
	unsigned answers = answers_heard(l);
	int64_t text = p.sock ? (int64_t)sock_readable(l->s, p.sock) : -1;

	if (got != want.state || answers & ~want.answers ||
	    (text >= 0 && text != (int64_t)want.text)) {
		if (failures++ < 20)
			complain(&b, &g, &want, got, answers, text);
	}
	end(l, &p);
}

static void every_segment(bool ts, uint32_t iss)
{
	struct lone *l = lone_new();
	uint32_t n = 0;

	failures = 0;
	l->cfg.tcp.rcvbuf = WND;
	l->cfg.tcp.delayed_ack = false;
	lone_start(l);
	for (enum tcp_state state = TCP_CLOSED; state < TCP_STATES; state++)
		for (uint16_t flags = 0; flags < 64; flags++)
			for (enum seq_at s = 0; s < S_COUNT; s++)
				for (enum ack_at a = 0; a < A_COUNT; a++) {
					/* Length and timestamp take turns: all pairs with each of the
					 * others within a few rounds. */
					uint32_t len = lengths[(n / 3 + n) % 3];
					enum ts_at t = ts ? n / 7 % T_COUNTED : T_NONE;
					struct lone_peer p = lone_peer(n++ % 30000);

					p.iss = p.nxt = iss;
					p.ts = ts;
					one(l, state, &p, flags, s, a, len, t);
				}
	lone_free(l);
	CU_ASSERT_EQUAL(failures, 0);
}

static void each_segment_in_each_state_does_what_the_rfc_says(void)
{
	every_segment(false, 0x10000000);
}

static void the_same_holds_with_timestamps_and_at_the_wrap(void)
{
	every_segment(true, 0xfffffe00u);
}

static const struct test_case cases[] = {
	TEST(each_segment_in_each_state_does_what_the_rfc_says),
	TEST(the_same_holds_with_timestamps_and_at_the_wrap),
};
TEST_SUITE(hostile_states, cases);
