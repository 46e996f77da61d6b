/* ECN between two stacks (RFC 3168, 8257, 9768), and the SYNs' bits by hand. Marks are set on the wire. */
#include "../lib/lone.h"
#include "../lib/test.h"
#include "../lib/twohosts.h"


#include "../../sim/path_stage.h"
#include "../../stack/base/bytes.h"
#include "../../stack/base/check.h"
#include "../../stack/wire/eth.h"

#define ACE (TH_AE | TH_CWR | TH_ECE)

/* ---- one transfer from the client to the server, watched ---- */

struct run {
	/* What to do. */
	uint64_t goal;
	uint32_t mark_from, mark_n, mark_every; /* data segments of the client, counted from 1 */
	uint32_t lose; /* the segment of this number is lost */
	bool both;     /* the server sends as much; some of its segments are marked, some lost, so that the
			* later ones of a send unit must speak for themselves */
	uint16_t clear; /* flags that the path takes from the client's third and later segments */
	/* What was seen. */
	uint32_t back_segs, back_marked;
	uint32_t segs, marked, data_ect, data_plain, other_ect, resent_ect;
	uint32_t ece_acks, cwr, options, reductions;
	uint32_t top; /* highest sequence number of the client's data */
};

static struct pkt *writable(const struct pkt *p)
{
	return (struct pkt *)(uintptr_t)p;
}

static uint8_t codepoint(const struct pkt *p)
{
	return p->data[ETH_LEN + 1] & ECN_MASK;
}

static bool watch(struct twohosts *w, int side, const struct pkt *p, const struct seg *g, ns_t now)
{
	struct run *r = w->arg;

	(void)now;
	if (!g)
		return false;
	if (side == 0 && r->clear && !(g->flags & TH_SYN)) {
		uint8_t *flags = writable(p)->data + ETH_LEN + IP4_LEN + 12;

		wr16(flags, rd16(flags) & (uint16_t)~r->clear);
	}
	if (side == 1 && r->both) {
		if (g->len && ++r->back_segs % 11 == 0)
			return true;
		if (g->len && r->back_segs % r->mark_every == 0)
			r->back_marked += frame_mark_ce(writable(p));
		return false;
	}
	if (side == 1) {
		r->other_ect += codepoint(p) != 0;
		r->options += g->opt.has_accecn;
		r->ece_acks += !(g->flags & TH_SYN) && g->flags & TH_ECE;
		return false;
	}
	if (!g->len) {
		r->other_ect += codepoint(p) != 0;
		return false;
	}
	bool again = r->segs && !seq_gt(seq_add(g->seq, g->len), seq_of(r->top));

	if (again) {
		r->resent_ect += codepoint(p) != 0;
		return false;
	}
	r->top = g->seq.v + g->len;
	r->segs++;
	r->data_ect += codepoint(p) == ECN_ECT0;
	r->data_plain += codepoint(p) == 0;
	r->cwr += !!(g->flags & TH_CWR);
	if (r->segs == r->lose)
		return true;
	if (r->segs >= r->mark_from && r->segs < r->mark_from + r->mark_n &&
	    (!r->mark_every || r->segs % r->mark_every == 0))
		r->marked += frame_mark_ce(writable(p));
	return false;
}

static void count_reductions(void *arg, const struct probe *p, ns_t now)
{
	struct run *r = arg;

	(void)now;
	r->reductions += p->kind == PROBE_RECOVERY && p->value == CA_CWR;
}

static struct tcp_config config(enum tcp_ecn ecn, enum tcp_cc_kind cc)
{
	struct tcp_config c;

	tcp_config_default(&c);
	c.ecn = ecn;
	c.cc = cc;
	return c;
}

static struct sock_info transfer(struct run *r, const struct tcp_config *client, const struct tcp_config *server,
				 struct sock_info *far)
{
	struct twohosts *w = twohosts_new(5, client, server);
	struct sock_info i;

	w->arg = r;
	w->wire = watch;
	w->app = twohosts_bulk;
	w->bulk[0].goal = r->goal;
	w->bulk[1].goal = r->both ? r->goal : 0;
	w->rate = 2500000;
	stack_probe(w->stack[0], count_reductions, r);
	CU_ASSERT_TRUE_FATAL(twohosts_connect(w));
	twohosts_run(w, w->now + 30 * SEC);
	CU_ASSERT_EQUAL(w->bulk[0].got, r->goal);
	CU_ASSERT_EQUAL(w->bulk[1].got, r->both ? r->goal : 0);
	CU_ASSERT_FALSE(w->wrong);
	sock_info(w->stack[0], w->client, &i);
	if (far)
		sock_info(w->stack[1], w->server, far);
	sock_abort(w->stack[0], w->client);
	sock_abort(w->stack[1], w->server);
	twohosts_run(w, w->now + SEC);
	twohosts_free(w);
	return i;
}

/* ---- negotiation ---- */

static void both_ends_agree_on_what_both_know(void)
{
	/* n none, c classic, a AccECN; rows: client, columns: server, in the order of enum tcp_ecn. */
	static const char *const want[4] = {"nnnn", "nnnn", "nccc", "ncca"};

	for (int a = 0; a < 4; a++)
		for (int b = 0; b < 4; b++) {
			struct run r = {.goal = 30000};
			struct tcp_config ca = config((enum tcp_ecn)a, CC_RENO), cb = config((enum tcp_ecn)b, CC_RENO);
			struct sock_info far, near = transfer(&r, &ca, &cb, &far);
			char got = near.accecn ? 'a' : near.ecn ? 'c' : 'n';

			if (got != want[a][b] || near.ecn != far.ecn || near.accecn != far.accecn)
				FAIL_ROW(want[a]);
			if ((r.data_ect > 0) != (got != 'n') || r.other_ect)
				FAIL_ROW(want[a]);
		}
}

static void dctcp_asks_where_others_only_accept(void)
{
	struct tcp_config a = config(ECN_PASSIVE, CC_DCTCP), b = config(ECN_PASSIVE, CC_RENO), off = config(ECN_OFF, CC_DCTCP);
	struct run r = {.goal = 30000}, s = r;

	CU_ASSERT_TRUE(transfer(&r, &a, &b, NULL).ecn);
	CU_ASSERT_FALSE(transfer(&s, &off, &b, NULL).ecn);
}

static void a_syn_is_never_refused_for_its_bits(void)
{
	/* SYN-ACK bits for SYN bits 0 to 7 (AE CWR ECE), by the host's mode. */
	static const struct {
		const char *name;
		enum tcp_ecn mode;
		uint16_t answer[8];
	} rows[] = {
		{"off", ECN_OFF, {0}},
		{"passive", ECN_PASSIVE, {[3] = TH_ECE, [7] = TH_ECE}},
		{"classic", ECN_CLASSIC, {[3] = TH_ECE, [7] = TH_ECE}},
		/* RFC 9768 3.1.3: what nobody sends yet counts as all three. */
		{"accurate", ECN_ACC, {0, TH_CWR, TH_CWR, TH_ECE, TH_CWR, TH_CWR, TH_CWR, TH_CWR}},
		{"accurate, not asking", ECN_ACC_PASSIVE,
		 {0, TH_CWR, TH_CWR, TH_ECE, TH_CWR, TH_CWR, TH_CWR, TH_CWR}},
		{"accurate, asking for classic", ECN_ACC_CLASSIC,
		 {0, TH_CWR, TH_CWR, TH_ECE, TH_CWR, TH_CWR, TH_CWR, TH_CWR}},
	};

	for (size_t k = 0; k < ARRAY_LEN(rows); k++)
		for (uint16_t bits = 0; bits < 8; bits++) {
			struct lone *l = lone_new();
			struct lone_peer p = lone_peer(1);

			l->cfg.tcp.ecn = rows[k].mode;
			lone_start(l);
			lone_say(l, &p, (uint16_t)(TH_SYN | bits << 6), 0);
			const struct seg *g = lone_last(l, TH_SYN | TH_ACK, TH_SYN | TH_ACK);

			CU_ASSERT_PTR_NOT_NULL_FATAL(g);
			if ((g->flags & ACE) != rows[k].answer[bits])
				FAIL_ROW(rows[k].name);
			lone_free(l);
		}
}

static void the_syn_acks_bits_tell_of_the_syns_codepoint(void)
{
	static const uint16_t answer[4] = {TH_CWR, TH_CWR | TH_ECE, TH_AE, TH_AE | TH_CWR};

	for (uint8_t ecn = 0; ecn < 4; ecn++) {
		struct lone *l = lone_new();
		struct lone_peer p = lone_peer(1);
		struct seg g = {.seq = seq_of(p.iss), .flags = TH_SYN | ACE, .wnd = 1000};
		uint8_t f[LONE_FRAME];

		l->cfg.tcp.ecn = ECN_ACC;
		lone_start(l);
		size_t len = lone_frame(f, &p, &g, NULL);

		f[ETH_LEN + 1] |= ecn;
		lone_sum(f, len);
		lone_give(l, f, len);
		const struct seg *r = lone_last(l, TH_SYN | TH_ACK, TH_SYN | TH_ACK);

		CU_ASSERT_PTR_NOT_NULL_FATAL(r);
		CU_ASSERT_EQUAL(r->flags & ACE, answer[ecn]);
		CU_ASSERT_TRUE(r->opt.has_accecn);
		CU_ASSERT_EQUAL(r->opt.accecn[0], 1);
		CU_ASSERT_EQUAL(r->opt.accecn[1], 0);
		lone_free(l);
	}
}

/* The client's side of the table, and the third step of the handshake. */
static void a_syn_ack_decides_for_the_client(void)
{
	static const struct {
		const char *name;
		uint16_t bits;
		bool ecn, acc;
		uint16_t third;
	} rows[] = {
		{"no ECN", 0, false, false, 0},
		{"classic", TH_ECE, true, false, 0},
		{"reserved (RFC 9768 3.1.3)", TH_AE | TH_ECE, true, true, TH_CWR},
		{"accurate", TH_CWR, true, true, TH_CWR},
		{"accurate, the SYN was changed", TH_AE | TH_CWR, true, true, TH_CWR},
		{"reflected", ACE, false, false, 0},
	};

	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		struct lone *l = lone_new();
		struct lone_peer p = lone_peer(1);
		struct sock_info i;

		l->cfg.tcp.ecn = ECN_ACC;
		lone_start(l);
		lone_connect(l, &p);
		lone_say(l, &p, TH_SYN | TH_ACK | rows[k].bits, 0);
		CU_ASSERT_EQUAL(sock_info(l->s, p.sock, &i), 0);
		const struct seg *g = lone_last(l, TH_ACK, TH_ACK);

		if (!g || i.ecn != rows[k].ecn || i.accecn != rows[k].acc || (g->flags & ACE) != rows[k].third)
			FAIL_ROW(rows[k].name);
		lone_free(l);
	}
}

static void a_syn_that_is_lost_asks_no_more(void)
{
	static const struct {
		const char *name;
		uint8_t tries;
		uint16_t second;
	} rows[] = {{"once", 1, 0}, {"twice", 2, TH_ECE | TH_CWR}};

	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		struct lone *l = lone_new();
		struct lone_peer p = lone_peer(1);

		l->cfg.tcp.ecn = ECN_CLASSIC;
		l->cfg.tcp.ecn_tries = rows[k].tries;
		lone_start(l);
		lone_connect(l, &p);
		lone_wait(l, 1100 * MS);
		const struct seg *g = lone_last(l, TH_SYN, TH_SYN);

		if (!g || (g->flags & ACE) != rows[k].second)
			FAIL_ROW(rows[k].name);
		lone_wait(l, 2100 * MS);
		CU_ASSERT_EQUAL(lone_last(l, TH_SYN, TH_SYN)->flags & ACE, 0);
		lone_free(l);
	}
}

/* ---- marks ---- */

static void one_mark_is_echoed_until_cwr_and_reduces_once(void)
{
	struct tcp_config cfg = config(ECN_CLASSIC, CC_RENO);
	struct run r = {.goal = 400000, .mark_from = 30, .mark_n = 1};
	struct sock_info i = transfer(&r, &cfg, &cfg, NULL);

	CU_ASSERT_EQUAL(r.marked, 1);
	CU_ASSERT_EQUAL(r.reductions, 1);
	CU_ASSERT_EQUAL(r.cwr, 1);
	CU_ASSERT_TRUE(r.ece_acks > 1);
	CU_ASSERT_EQUAL(i.retrans_by[WHY_RECOVERY] + i.timeouts, 0);
	CU_ASSERT_TRUE(i.ssthresh < 1u << 30);
	CU_ASSERT_TRUE(i.delivered_ce > 0);
	CU_ASSERT_EQUAL(r.data_plain + r.other_ect, 0);
}

static void marks_of_one_window_reduce_once_and_of_each_window_each_time(void)
{
	struct tcp_config cfg = config(ECN_CLASSIC, CC_RENO);
	struct run one = {.goal = 600000, .mark_from = 30, .mark_n = 8}, all = {.goal = 600000, .mark_from = 30, .mark_n = 1000};

	transfer(&one, &cfg, &cfg, NULL);
	CU_ASSERT_EQUAL(one.marked, 8);
	CU_ASSERT_EQUAL(one.reductions, 1);
	transfer(&all, &cfg, &cfg, NULL);
	CU_ASSERT_TRUE(all.reductions > 10);
	CU_ASSERT_TRUE(all.reductions <= all.cwr + 1);
}

static void what_is_sent_again_is_not_ect(void)
{
	struct tcp_config cfg = config(ECN_CLASSIC, CC_RENO);
	struct run r = {.goal = 200000, .lose = 40};
	struct sock_info i = transfer(&r, &cfg, &cfg, NULL);

	CU_ASSERT_TRUE(i.bytes_retrans > 0);
	CU_ASSERT_EQUAL(r.resent_ect, 0);
	CU_ASSERT_EQUAL(r.data_plain, 0);
	CU_ASSERT_EQUAL(r.cwr, 1); /* RFC 3168 6.1.2: after a reduction for loss as well */
}

static void dctcp_learns_the_share_of_marks(void)
{
	struct tcp_config cfg = config(ECN_CLASSIC, CC_DCTCP);
	struct run none = {.goal = 3000000}, some = {.goal = 3000000, .mark_from = 1, .mark_n = 100000, .mark_every = 20};
	struct sock_info i = transfer(&none, &cfg, &cfg, NULL);

	CU_ASSERT_EQUAL(none.reductions, 0);
	i = transfer(&some, &cfg, &cfg, NULL);
	/* alpha, in 1/1024, is near a twentieth; and marks are told segment by segment */
	CU_ASSERT_TRUE(i.cc_state > 30 && i.cc_state < 90);
	CU_ASSERT_TRUE(i.delivered_ce > some.marked * 9 / 10 && i.delivered_ce < some.marked * 11 / 10);
	CU_ASSERT_EQUAL(i.timeouts, 0);
}

static void dctcps_receiver_acknowledges_each_change_apart(void)
{
	struct lone *l = lone_new();
	struct lone_peer p = lone_peer(1);
	static const uint8_t marks[6] = {0, 1, 1, 0, 1, 0};
	uint32_t next;

	l->cfg.tcp.ecn = ECN_PASSIVE;
	l->cfg.tcp.cc = CC_DCTCP;
	l->cfg.tcp.quickack = false;
	lone_start(l);
	lone_say(l, &p, TH_SYN | TH_ECE | TH_CWR, 0);
	p.ack = lone_last(l, TH_SYN, TH_SYN)->seq.v + 1;
	p.ts = false;
	p.ts_val = 5000;
	struct seg a = {.seq = seq_of(p.nxt), .ack = seq_of(p.ack), .flags = TH_ACK, .wnd = 1000};

	a.opt.has_ts = true;
	a.opt.ts_val = 5000;
	lone_say_seg(l, &p, &a, NULL);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_ESTABLISHED);
	lone_forget(l);
	next = p.nxt;
	for (size_t k = 0; k < sizeof(marks); k++) {
		struct seg g = a;
		uint8_t f[LONE_FRAME];

		g.seq = seq_of(next);
		g.len = 100;
		next += 100;
		size_t len = lone_frame(f, &p, &g, NULL);

		f[ETH_LEN + 1] |= marks[k] ? ECN_CE : ECN_ECT0;
		lone_sum(f, len);
		lone_give(l, f, len);
	}
	lone_wait(l, 100 * MS);
	/* What each ACK newly covers has the mark that its ECE bit says. */
	uint32_t from = p.nxt;

	for (size_t k = 0; k < l->nheard; k++) {
		bool ece = l->heard[k].flags & TH_ECE;

		for (; from < l->heard[k].ack.v; from += 100)
			CU_ASSERT_EQUAL(marks[(from - p.nxt) / 100], ece);
	}
	CU_ASSERT_EQUAL(from, next);
	lone_free(l);
}

/* ---- AccECN ---- */

static void accecn_counts_every_mark(void)
{
	struct tcp_config cfg = config(ECN_ACC, CC_RENO);
	struct run r = {.goal = 600000, .mark_from = 20, .mark_n = 300, .mark_every = 7};
	struct sock_info i = transfer(&r, &cfg, &cfg, NULL);

	CU_ASSERT_TRUE(i.accecn);
	CU_ASSERT_TRUE(r.marked > 30);
	CU_ASSERT_EQUAL(i.delivered_ce, r.marked);
	CU_ASSERT_TRUE(r.options > 20);
	CU_ASSERT_TRUE(r.reductions > 0 && r.reductions <= r.marked);
	CU_ASSERT_EQUAL(r.data_plain + r.other_ect, 0);
}

static void accecn_gives_dctcp_its_share(void)
{
	struct tcp_config cfg = config(ECN_ACC, CC_DCTCP);
	struct run r = {.goal = 3000000, .mark_from = 1, .mark_n = 100000, .mark_every = 20};
	struct sock_info i = transfer(&r, &cfg, &cfg, NULL);

	CU_ASSERT_TRUE(i.cc_state > 30 && i.cc_state < 90);
	CU_ASSERT_EQUAL(i.delivered_ce, r.marked);
}

/* Text both ways, marked both ways: what each end counts of the other's goes out on text as well, in whole
 * send units, and nothing is counted that was not there. */
static void counts_ride_on_text_unharmed(void)
{
	static const struct {
		const char *name;
		enum accecn_option option;
		bool ect_all;
	} rows[] = {
		{"never", ACC_OPT_NEVER, false},  {"changed", ACC_OPT_CHANGED, false},
		{"always", ACC_OPT_ALWAYS, false}, {"changed, all ECT", ACC_OPT_CHANGED, true},
		{"always, all ECT", ACC_OPT_ALWAYS, true},
	};

	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		struct tcp_config cfg = config(ECN_ACC, CC_RENO);
		struct run r = {.goal = 600000, .both = true, .mark_from = 5, .mark_n = 100000, .mark_every = 9};

		cfg.accecn_option = (uint8_t)rows[k].option;
		cfg.ect_all = rows[k].ect_all;
		struct sock_info far, near = transfer(&r, &cfg, &cfg, &far);

		if (r.marked <= 20 || r.back_marked <= 20 ||
		    near.delivered_ce + 2 < r.marked || near.delivered_ce > r.marked ||
		    far.delivered_ce + 2 < r.back_marked || far.delivered_ce > r.back_marked ||
		    near.mss != (rows[k].option == ACC_OPT_ALWAYS ? 1436u : 1448u))
			FAIL_ROW(rows[k].name);
	}
}

/* RFC 9768 table 4, note 1: no ECT and no belief in what the peer counts, but what arrives is counted. */
static void a_path_that_zeroes_the_bits_is_still_told_of_marks(void)
{
	struct tcp_config cfg = config(ECN_ACC, CC_RENO);
	struct run r = {.goal = 100000, .clear = ACE, .mark_from = 10, .mark_n = 1};
	struct sock_info far, near = transfer(&r, &cfg, &cfg, &far);

	CU_ASSERT_TRUE(far.accecn);
	CU_ASSERT_EQUAL(far.delivered_ce, 0);
	CU_ASSERT_EQUAL(far.received_ce, 1);
	CU_ASSERT_EQUAL(near.delivered_ce, 1);
}

static const struct test_case cases[] = {
	TEST(both_ends_agree_on_what_both_know),
	TEST(dctcp_asks_where_others_only_accept),
	TEST(a_syn_is_never_refused_for_its_bits),
	TEST(the_syn_acks_bits_tell_of_the_syns_codepoint),
	TEST(a_syn_ack_decides_for_the_client),
	TEST(a_syn_that_is_lost_asks_no_more),
	TEST(one_mark_is_echoed_until_cwr_and_reduces_once),
	TEST(marks_of_one_window_reduce_once_and_of_each_window_each_time),
	TEST(what_is_sent_again_is_not_ect),
	TEST(dctcp_learns_the_share_of_marks),
	TEST(dctcps_receiver_acknowledges_each_change_apart),
	TEST(accecn_counts_every_mark),
	TEST(accecn_gives_dctcp_its_share),
	TEST(counts_ride_on_text_unharmed),
	TEST(a_path_that_zeroes_the_bits_is_still_told_of_marks),
};
TEST_SUITE(tcp_ecn, cases);
