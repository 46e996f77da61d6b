/* Paths that swallow large packets without a word (RFC 4821). */
#include "../lib/test.h"
#include "../lib/twohosts.h"


#include "../../stack/base/check.h"
#include "../../stack/base/rng.h"
#include "../../stack/wire/eth.h"

struct run {
	uint64_t goal;
	uint32_t mtu; /* of the path, both ways */
	uint32_t lose_ppb;
	struct rng rng;
	uint32_t probes, odd_probes;
};

static bool watch(struct twohosts *w, int side, const struct pkt *p, const struct seg *g, ns_t now)
{
	struct run *r = w->arg;
	uint32_t size = p->len - ETH_LEN;

	(void)now;
	if (side == 0 && g && p->note.why == WHY_MTU_PROBE) {
		struct sock_info i;

		r->probes++;
		sock_info(w->stack[0], w->client, &i);
		r->odd_probes += g->len <= i.mss || size <= i.pmtu;
	}
	return size > r->mtu || (g && r->lose_ppb && rng_chance(&r->rng, r->lose_ppb));
}

static struct twohosts *begin(struct run *r, bool plpmtud, enum tcp_recovery recovery, enum tcp_cc_kind cc)
{
	struct tcp_config cfg;

	tcp_config_default(&cfg);
	cfg.plpmtud = plpmtud;
	cfg.recovery = recovery;
	cfg.sack = recovery <= RECOVERY_SACK;
	cfg.cc = cc;
	struct twohosts *w = twohosts_new(9, &cfg, &cfg);

	rng_init(&r->rng, 9, "loss");
	w->arg = r;
	w->wire = watch;
	w->app = twohosts_bulk;
	w->bulk[0].goal = r->goal;
	w->rate = 2500000;
	CU_ASSERT_TRUE_FATAL(twohosts_connect(w));
	return w;
}

static struct sock_info go(struct twohosts *w, ns_t time)
{
	struct sock_info i;

	twohosts_run(w, w->now + time);
	sock_info(w->stack[0], w->client, &i);
	return i;
}

static void end(struct twohosts *w)
{
	sock_abort(w->stack[0], w->client);
	sock_abort(w->stack[1], w->server);
	twohosts_run(w, w->now + SEC);
	twohosts_free(w);
}

static void a_black_hole_is_found_and_its_size_nearly_met(void)
{
	static const struct {
		const char *name;
		enum tcp_recovery recovery;
		enum tcp_cc_kind cc;
		uint32_t mtu, timeouts, loss;
	} rows[] = {
		{"1400", RECOVERY_RACK, CC_CUBIC, 1400, 2, 0},
		{"1480, SACK", RECOVERY_SACK, CC_RENO, 1480, 2, 0},
		{"1300, no SACK", RECOVERY_NEWRENO, CC_RENO, 1300, 2, 0},
		{"1400, BBR", RECOVERY_RACK, CC_BBR, 1400, 2, 0},
		{"just the base", RECOVERY_RACK, CC_CUBIC, 1064, 2, 0},
		{"below the base", RECOVERY_RACK, CC_CUBIC, 800, 4, 0},
		{"the floor", RECOVERY_RACK, CC_CUBIC, 576, 4, 0},
		{"no hole", RECOVERY_RACK, CC_CUBIC, 1500, 0, 0},
	};

	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		struct run r = {.goal = 3000000, .mtu = rows[k].mtu};
		struct twohosts *w = begin(&r, true, rows[k].recovery, rows[k].cc);
		struct sock_info i = go(w, 60 * SEC);

		if (w->bulk[0].got != r.goal || w->wrong || r.odd_probes || i.timeouts != rows[k].timeouts)
			FAIL_ROW(rows[k].name);
		if (i.pmtu > rows[k].mtu || i.pmtu + 8 < rows[k].mtu || i.mss + 52u != i.pmtu)
			FAIL_ROW(rows[k].name);
		if ((r.probes > 0) != (rows[k].mtu < 1500) || r.probes > 20 || i.retrans_by[WHY_MTU_PROBE] != r.probes)
			FAIL_ROW(rows[k].name);
		if (i.recoveries) /* lost probes are no congestion */
			FAIL_ROW(rows[k].name);
		end(w);
	}
}

static void without_the_switch_a_black_hole_is_for_ever(void)
{
	struct run r = {.goal = 100000, .mtu = 1400};
	struct twohosts *w = begin(&r, false, RECOVERY_RACK, CC_CUBIC);
	struct sock_info i = go(w, 60 * SEC);

	CU_ASSERT_EQUAL(w->bulk[0].got, 0);
	CU_ASSERT_EQUAL(r.probes, 0);
	CU_ASSERT_EQUAL(i.pmtu, 1500);
	end(w);
}

static void loss_beside_it_does_not_stop_the_transfer(void)
{
	for (uint32_t seed = 1; seed <= 4; seed++) {
		struct run r = {.goal = 1000000, .mtu = 1400, .lose_ppb = 20000000};
		struct twohosts *w = begin(&r, true, RECOVERY_RACK, CC_CUBIC);

		rng_init(&r.rng, seed, "loss");
		struct sock_info i = go(w, 200 * SEC);

		CU_ASSERT_EQUAL(w->bulk[0].got, w->bulk[0].goal);
		CU_ASSERT_FALSE(w->wrong);
		CU_ASSERT_TRUE(i.pmtu <= 1400);
		end(w);
	}
}

static void a_path_that_grows_is_found_out_after_ten_minutes(void)
{
	struct run r = {.goal = 1000000, .mtu = 1300};
	struct twohosts *w = begin(&r, true, RECOVERY_RACK, CC_CUBIC);
	struct sock_info i = go(w, 30 * SEC);

	CU_ASSERT_TRUE(i.pmtu > 1290 && i.pmtu <= 1300);
	r.mtu = 1500;
	r.probes = 0;
	w->bulk[0].goal += 1000000;
	i = go(w, 300 * SEC);
	CU_ASSERT_TRUE(i.pmtu <= 1300);
	CU_ASSERT_EQUAL(r.probes, 0);
	go(w, 300 * SEC);
	w->bulk[0].goal += 1000000;
	i = go(w, 30 * SEC);
	CU_ASSERT_TRUE(i.pmtu > 1492 && i.pmtu <= 1500);
	CU_ASSERT_EQUAL(w->bulk[0].got, w->bulk[0].goal);
	CU_ASSERT_EQUAL(r.odd_probes, 0);
	end(w);
}

static void a_path_that_shrinks_is_a_hole_anew(void)
{
	struct run r = {.goal = 500000, .mtu = 1500};
	struct twohosts *w = begin(&r, true, RECOVERY_RACK, CC_CUBIC);

	go(w, 10 * SEC);
	CU_ASSERT_EQUAL(r.probes, 0);
	r.mtu = 1200;
	w->bulk[0].goal += 1000000;
	struct sock_info i = go(w, 60 * SEC);

	CU_ASSERT_EQUAL(w->bulk[0].got, w->bulk[0].goal);
	CU_ASSERT_TRUE(i.pmtu > 1192 && i.pmtu <= 1200);
	r.mtu = 700;
	w->bulk[0].goal += 1000000;
	i = go(w, 60 * SEC);
	CU_ASSERT_EQUAL(w->bulk[0].got, w->bulk[0].goal);
	CU_ASSERT_TRUE(i.pmtu > 576 && i.pmtu <= 700);
	end(w);
}

static const struct test_case cases[] = {
	TEST(a_black_hole_is_found_and_its_size_nearly_met),
	TEST(without_the_switch_a_black_hole_is_for_ever),
	TEST(loss_beside_it_does_not_stop_the_transfer),
	TEST(a_path_that_grows_is_found_out_after_ten_minutes),
	TEST(a_path_that_shrinks_is_a_hole_anew),
};
TEST_SUITE(tcp_plpmtud, cases);
