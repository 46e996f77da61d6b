/* Pacing: how much leaves at one instant, how fast it goes in the long run, and that timers wake it. */
#include "../lib/test.h"
#include "../lib/twohosts.h"


#include "../../stack/base/check.h"
#include "../../stack/tcp/tcp_param.h"

struct run {
	uint64_t goal;
	ns_t instant, first, last; /* of the client's data */
	uint32_t at_once;          /* bytes at this instant */
	uint32_t most;             /* the largest such, since `settled` */
	double worst;              /* and its share of what pacing allows */
	uint64_t settled;          /* bytes before which nothing is judged */
	uint64_t seen, resent;
	uint32_t lose_every, segs;
	uint32_t top;
};

static bool watch(struct twohosts *w, int side, const struct pkt *p, const struct seg *g, ns_t now)
{
	struct run *r = w->arg;
	struct sock_info i;

	(void)p;
	if (side || !g || !g->len)
		return false;
	if (r->seen && !seq_gt(seq_add(g->seq, g->len), seq_of(r->top)))
		r->resent += g->len;
	else
		r->top = g->seq.v + g->len;
	if (!r->seen)
		r->first = now;
	r->seen += g->len;
	r->last = now;
	r->at_once = now == r->instant ? r->at_once + g->len : g->len;
	r->instant = now;
	if (r->seen > r->settled && !sock_info(w->stack[0], w->client, &i) && i.pacing_rate) {
		uint64_t quantum = i.pacing_rate / 1000 > 2 * i.mss ? i.pacing_rate / 1000 : 2 * i.mss;
		double share = (double)r->at_once / (double)quantum;

		r->most = r->at_once > r->most ? r->at_once : r->most;
		r->worst = share > r->worst ? share : r->worst;
	}
	return r->lose_every && ++r->segs % r->lose_every == 0;
}

static struct sock_info transfer(struct run *r, const struct tcp_config *cfg, int64_t cap)
{
	struct twohosts *w = twohosts_new(7, cfg, cfg);
	struct sock_info i;

	w->arg = r;
	w->wire = watch;
	w->app = twohosts_bulk;
	w->bulk[0].goal = r->goal;
	w->rate = 2500000;
	CU_ASSERT_TRUE_FATAL(twohosts_connect(w));
	if (cap)
		CU_ASSERT_EQUAL(sock_set(w->stack[0], w->client, OPT_PACING_RATE, cap), 0);
	twohosts_run(w, w->now + 60 * SEC);
	CU_ASSERT_EQUAL(w->bulk[0].got, r->goal);
	CU_ASSERT_FALSE(w->wrong);
	sock_info(w->stack[0], w->client, &i);
	sock_abort(w->stack[0], w->client);
	sock_abort(w->stack[1], w->server);
	twohosts_run(w, w->now + SEC);
	twohosts_free(w);
	return i;
}

static struct tcp_config config(enum tcp_cc_kind cc, bool pacing)
{
	struct tcp_config c;

	tcp_config_default(&c);
	c.cc = cc;
	c.pacing = pacing;
	return c;
}

static void no_more_than_the_quantum_leaves_at_once(void)
{
	static const struct {
		const char *name;
		enum tcp_cc_kind cc;
		bool pacing;
		uint32_t lose_every;
	} rows[] = {
		{"bbr", CC_BBR, false, 0},      {"bbr with loss", CC_BBR, false, 97},
		{"cubic", CC_CUBIC, true, 0},   {"cubic with loss", CC_CUBIC, true, 97},
		{"reno", CC_RENO, true, 0},
	};

	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		struct tcp_config cfg = config(rows[k].cc, rows[k].pacing);
		struct run r = {.goal = 2000000, .settled = 100000, .lose_every = rows[k].lose_every};
		struct sock_info i = transfer(&r, &cfg, 0);

		/* A retransmission may go beside a quantum; the rate may fall after a burst was allowed. */
		if (r.worst > 1.6 || r.worst == 0 || !i.pacing_rate)
			FAIL_ROW(rows[k].name);
		if ((r.resent > 0) != (rows[k].lose_every > 0))
			FAIL_ROW(rows[k].name);
	}
}

static void without_the_switch_a_window_leaves_at_once(void)
{
	struct tcp_config cfg = config(CC_CUBIC, false);
	struct run r = {.goal = 14480};
	struct sock_info i = transfer(&r, &cfg, 0);

	CU_ASSERT_EQUAL(i.pacing_rate, 0);
	CU_ASSERT_EQUAL(r.first, r.last);
}

static void the_users_limit_is_kept_by_any_algorithm(void)
{
	static const struct {
		const char *name;
		enum tcp_cc_kind cc;
		bool pacing;
	} rows[] = {
		{"cubic", CC_CUBIC, false}, {"cubic, paced", CC_CUBIC, true}, {"bbr", CC_BBR, false}, {"none", CC_NONE, false},
	};

	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		struct tcp_config cfg = config(rows[k].cc, rows[k].pacing);
		struct run r = {.goal = 600000};
		struct sock_info i = transfer(&r, &cfg, 300000);
		ns_t took = r.last - r.first;

		if (took < 1900 * MS || took > 2600 * MS || i.pacing_rate > 300000 || i.timeouts)
			FAIL_ROW(rows[k].name);
	}
}

static void a_window_spreads_over_its_round_trip(void)
{
	struct tcp_config cfg = config(CC_RENO, true);
	struct run r = {.goal = 14480};

	transfer(&r, &cfg, 0);
	/* Ten segments at twice cwnd/srtt: nearly half a round trip, less the last quantum. The first RTT
	 * holds the resolution of an address as well. */
	CU_ASSERT_TRUE(r.last - r.first > 6 * MS);
	CU_ASSERT_TRUE(r.last - r.first < 30 * MS);
}

static const struct test_case cases[] = {
	TEST(no_more_than_the_quantum_leaves_at_once),
	TEST(without_the_switch_a_window_leaves_at_once),
	TEST(the_users_limit_is_kept_by_any_algorithm),
	TEST(a_window_spreads_over_its_round_trip),
};
TEST_SUITE(tcp_pacing, cases);
