/* All the switches at once, over a path that loses, marks, and swallows what is large: the bytes arrive,
 * and the invariants hold after every turn (twohosts checks them). And what sock_info then says. */
#include "../lib/test.h"
#include "../lib/twohosts.h"


#include "../../sim/path_stage.h"
#include "../../stack/base/check.h"
#include "../../stack/base/rng.h"
#include "../../stack/tcp/cc.h"
#include "../../stack/wire/eth.h"

struct run {
	uint64_t goal; /* each way */
	uint32_t loss_ppb, mark_ppb, mtu;
	struct rng rng;
	uint32_t marked, client_marked;
};

static bool watch(struct twohosts *w, int side, const struct pkt *p, const struct seg *g, ns_t now)
{
	struct run *r = w->arg;

	(void)now;
	if (p->len - ETH_LEN > r->mtu || (g && rng_chance(&r->rng, r->loss_ppb)))
		return true;
	if (g && r->mark_ppb && rng_chance(&r->rng, r->mark_ppb) && frame_mark_ce((struct pkt *)(uintptr_t)p)) {
		r->marked++;
		r->client_marked += side == 0;
	}
	return false;
}

static bool app(struct twohosts *w)
{
	bool moved = !w->server && (w->server = sock_accept(w->stack[1], w->listener));

	return twohosts_bulk(w) || moved;
}

static struct tcp_config all_on(enum tcp_cc_kind cc, enum tcp_ecn ecn)
{
	struct tcp_config c;

	tcp_config_default(&c);
	c.cc = cc;
	c.ecn = ecn;
	c.fastopen = c.pacing = c.plpmtud = c.uto = c.rto_restart = c.abc = true;
	c.user_timeout = 300 * SEC;
	return c;
}

static struct twohosts *begin(struct run *r, const struct tcp_config *cfg, uint64_t seed)
{
	struct twohosts *w = twohosts_new(seed, cfg, cfg);
	struct addr any = {{0}};

	rng_init(&r->rng, seed, "path");
	w->arg = r;
	w->wire = watch;
	w->app = app;
	w->early = true;
	w->rate = 2500000;
	w->listener = sock_open(w->stack[1]);
	CU_ASSERT_EQUAL(sock_bind(w->stack[1], w->listener, &any, 80), 0);
	CU_ASSERT_EQUAL(sock_listen(w->stack[1], w->listener, 8), 0);
	return w;
}

static void one_connection(struct twohosts *w, struct run *r)
{
	w->bulk[0] = w->bulk[1] = (struct bulk){.goal = r->goal, .fin = true};
	w->server = 0;
	w->client = sock_open(w->stack[0]);
	CU_ASSERT_EQUAL(sock_set(w->stack[0], w->client, OPT_FASTOPEN, 1), 0);
	CU_ASSERT_EQUAL(sock_connect(w->stack[0], w->client, &w->addr[1], 80), 0);
	twohosts_run(w, w->now + 250 * SEC);
}

static void hang_up(struct twohosts *w)
{
	sock_close(w->stack[0], w->client);
	if (w->server)
		sock_close(w->stack[1], w->server);
	w->client = w->server = 0;
	twohosts_run(w, w->now + 100 * SEC);
}

static void every_switch_at_once_moves_every_byte(void)
{
	static const enum tcp_cc_kind cc[] = {CC_CUBIC, CC_RENO, CC_BBR, CC_DCTCP};
	static const enum tcp_ecn ecn[] = {ECN_CLASSIC, ECN_ACC};

	for (size_t a = 0; a < ARRAY_LEN(cc); a++)
		for (size_t b = 0; b < ARRAY_LEN(ecn); b++)
			for (uint64_t seed = 1; seed <= 5; seed++) {
				struct tcp_config cfg = all_on(cc[a], ecn[b]);
				struct run r = {.goal = 150000, .loss_ppb = 20000000, .mark_ppb = 50000000, .mtu = 1350};
				struct twohosts *w = begin(&r, &cfg, seed);

				for (int k = 0; k < 2; k++) {
					one_connection(w, &r);
					if (w->bulk[0].got != r.goal || w->bulk[1].got != r.goal || w->wrong)
						FAIL_ROW(cc_name(cc[a]));
					hang_up(w);
				}
				CU_ASSERT_TRUE(r.marked > 0);
				twohosts_free(w);
			}
}

static void what_sock_info_says_fits_what_went_over_the_wire(void)
{
	struct tcp_config cfg = all_on(CC_CUBIC, ECN_ACC);
	struct run r = {.goal = 1000000, .mark_ppb = 5000000, .mtu = 1500};
	struct sock_info i;

	cfg.plpmtud = false;
	struct twohosts *w = begin(&r, &cfg, 1);

	one_connection(w, &r);
	sock_info(w->stack[0], w->client, &i);
	CU_ASSERT_EQUAL(i.bytes_acked, 1000000);
	CU_ASSERT_EQUAL(i.bytes_received, 1000000);
	/* The SYN, each segment of text once (the FIN may stand on the last), perhaps the FIN. */
	CU_ASSERT_TRUE(i.delivered >= 1 + 1000000 / i.mss && i.delivered <= i.data_segs_out + 2);
	CU_ASSERT_TRUE(r.client_marked > 0);
	CU_ASSERT_EQUAL(i.delivered_ce, r.client_marked);
	/* Both directions share nothing: the path's rate less headers is the most. The last sample is of the window
	 * as a mark has just left it, and cannot be far below a window in a round trip. */
	CU_ASSERT_TRUE(i.delivery_rate <= 2500000);
	CU_ASSERT_TRUE(i.delivery_rate > (uint64_t)i.cwnd * SEC / (uint64_t)i.srtt * 4 / 5);
	CU_ASSERT_TRUE(i.pacing_rate > 0);
	CU_ASSERT_TRUE(i.app_limited);
	CU_ASSERT_EQUAL(i.reordering, 3);
	CU_ASSERT_EQUAL(i.pmtu, 1500);
	CU_ASSERT_TRUE(i.accecn && i.ecn && !i.fastopen);
	hang_up(w);
	twohosts_free(w);
}

static const struct test_case cases[] = {
	TEST(every_switch_at_once_moves_every_byte),
	TEST(what_sock_info_says_fits_what_went_over_the_wire),
};
TEST_SUITE(tcp_features, cases);
