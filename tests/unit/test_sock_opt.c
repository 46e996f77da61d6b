/* Socket options: every one by its tables, what is cut and what refused, what goes on to a listener's
 * connections, and that no value at any moment breaks an invariant. */
#include <string.h>

#include "../../stack/base/rng.h"
#include "../../stack/config.h"
#include "../lib/lone.h"
#include "../lib/twohosts.h"

static int64_t option_of(struct lone *l, sock_t s, enum sock_opt opt)
{
	int64_t v = INT64_MIN;

	CU_ASSERT_EQUAL(sock_get(l->s, s, opt, &v), 0);
	return v;
}

/* As an option says it: times in ms. */
static int64_t in_units(const struct tcp_setting *t, int64_t v)
{
	return t->kind == SETTING_TIME ? v / MS : v;
}

static void every_setting_is_an_option(void)
{
	for (size_t i = 0; i < tcp_settings_count; i++) {
		const struct tcp_setting *t = &tcp_settings[i];
		struct lone *l = lone_open();
		sock_t s = sock_open(l->s);
		int64_t most = in_units(t, t->hi), v = t->opt == OPT_QUICKACK || t->opt == OPT_MIN_RTO ? 0 : most;

		if (t->opt == OPT_INIT_RTO) /* not above max_rto */
			most = v = 2000;
		if (t->opt == OPT_MIN_RTO)
			most = v = 500;
		CU_ASSERT_EQUAL(sock_set(l->s, s, t->opt, most), 0);
		if (t->opt != OPT_KEEPIDLE && option_of(l, s, t->opt) != v)
			FAIL_ROW(t->name);
		lone_free(l);
	}
}

static void what_is_out_of_bounds_is_cut_or_refused(void)
{
	static const struct {
		const char *name;
		enum sock_opt opt;
		int64_t set;
		int result;
		int64_t then;
	} rows[] = {
		{"a switch is on with any number", OPT_SACK, 77, 0, 1},
		{"a buffer too small", OPT_SNDBUF, 1, 0, 2048},
		{"a buffer too big", OPT_RCVBUF, INT64_MAX, 0, 1 << 30},
		{"an algorithm that is not there", OPT_CC, CC_COUNT, ERR_INVAL, CC_CUBIC},
		{"a way of recovery that is not there", OPT_RECOVERY, 5, ERR_INVAL, RECOVERY_RACK},
		{"no initial window", OPT_IW, 0, ERR_INVAL, 10},
		{"an initial window too wide", OPT_IW, 1001, ERR_INVAL, 10},
		{"the widest initial window", OPT_IW, 1000, 0, 1000},
		{"a shift beyond the RFC's", OPT_WSCALE_SHIFT, 15, ERR_INVAL, 0xff},
		{"the word for none", OPT_WSCALE_SHIFT, 0xff, 0, 0xff},
		{"a segment too small", OPT_MAXSEG, 40, ERR_INVAL, 536},
		{"a segment too big", OPT_MAXSEG, 65496, ERR_INVAL, 536},
		{"a delay of ACKs beyond the RFC's", OPT_DELACK, 501, 0, 500},
		{"a least timeout above the most", OPT_MIN_RTO, 120001, ERR_INVAL, 200},
		{"a most timeout below the least", OPT_MAX_RTO, 1, ERR_INVAL, 120000},
		{"no keepalive time", OPT_KEEPIDLE, 0, ERR_INVAL, 7200000},
		{"no user timeout", OPT_USER_TIMEOUT, 0, 0, 0},
		{"below zero", OPT_DUPTHRESH, -1, ERR_INVAL, 3},
		{"the least there is", OPT_DUPTHRESH, INT64_MIN, ERR_INVAL, 3},
		{"a linger that waits", OPT_LINGER, 5, 0, -1},
		{"linger, not at all", OPT_LINGER, 0, 0, 0},
		{"linger, below off", OPT_LINGER, -2, ERR_INVAL, -1},
		{"what is always so", OPT_REUSEADDR, 0, 0, 1},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lone *l = lone_open();
		sock_t s = sock_open(l->s);

		if (sock_set(l->s, s, rows[i].opt, rows[i].set) != rows[i].result)
			FAIL_ROW(rows[i].name);
		if (option_of(l, s, rows[i].opt) != rows[i].then)
			FAIL_ROW(rows[i].name);
		lone_free(l);
	}
}

static void what_is_negotiated_does_not_change_later(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(0);

	lone_handshake(l, &p);
	CU_ASSERT_EQUAL(sock_set(l->s, p.sock, OPT_SACK, 0), ERR_INVAL);
	CU_ASSERT_EQUAL(sock_set(l->s, p.sock, OPT_WSCALE, 0), ERR_INVAL);
	CU_ASSERT_EQUAL(sock_set(l->s, p.sock, OPT_TLP, 0), 0);
	CU_ASSERT_EQUAL(option_of(l, p.sock, OPT_TLP), 0);
	CU_ASSERT_EQUAL(sock_set(l->s, p.sock, OPT_COUNT, 0), ERR_OPNOTSUPP);
	lone_free(l);
}

static void a_listeners_settings_are_those_of_its_connections(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(0), q = lone_peer(1);
	struct sock_info i;

	q.sack = p.sack = true;
	lone_handshake(l, &p);
	CU_ASSERT_EQUAL(sock_set(l->s, l->listener, OPT_SACK, 0), 0);
	CU_ASSERT_EQUAL(sock_set(l->s, l->listener, OPT_NODELAY, 1), 0);
	CU_ASSERT_EQUAL(sock_set(l->s, l->listener, OPT_KEEPALIVE, 1), 0);
	CU_ASSERT_EQUAL(sock_set(l->s, l->listener, OPT_TOS, 0x28), 0);
	CU_ASSERT_EQUAL(option_of(l, l->listener, OPT_SACK), 0);
	CU_ASSERT_EQUAL(option_of(l, l->listener, OPT_NODELAY), 1);
	CU_ASSERT_EQUAL(sock_set(l->s, l->listener, OPT_CORK, 1), ERR_OPNOTSUPP);
	lone_handshake(l, &q);

	CU_ASSERT_TRUE(lone_info(l, &p, &i) && i.sack);
	CU_ASSERT_TRUE(lone_info(l, &q, &i) && !i.sack);
	CU_ASSERT_EQUAL(option_of(l, p.sock, OPT_NODELAY), 0);
	CU_ASSERT_EQUAL(option_of(l, q.sock, OPT_NODELAY), 1);
	CU_ASSERT_EQUAL(option_of(l, q.sock, OPT_KEEPALIVE), 1);
	CU_ASSERT_EQUAL(option_of(l, q.sock, OPT_TOS), 0x28);
	lone_free(l);
}

static void switches_set_before_listening_go_on_as_well(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(0);
	struct addr any = {{0}};
	sock_t s = sock_open(l->s);

	sock_set(l->s, s, OPT_NODELAY, 1);
	sock_set(l->s, s, OPT_KEEPALIVE, 1);
	CU_ASSERT_EQUAL(sock_bind(l->s, s, &any, 4711), 0);
	CU_ASSERT_EQUAL(sock_listen(l->s, s, 4), 0);
	sock_close(l->s, l->listener);
	l->listener = s;
	p.stack_port = 4711;
	lone_handshake(l, &p);
	CU_ASSERT_EQUAL(option_of(l, p.sock, OPT_NODELAY), 1);
	CU_ASSERT_EQUAL(option_of(l, p.sock, OPT_KEEPALIVE), 1);
	lone_free(l);
}

static void other_bounds_of_the_timeout_hold_at_once(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(0);
	struct sock_info i;

	lone_handshake(l, &p);
	CU_ASSERT_EQUAL(sock_set(l->s, p.sock, OPT_MIN_RTO, 3000), 0);
	CU_ASSERT_TRUE(lone_info(l, &p, &i));
	CU_ASSERT_EQUAL(i.rto, 3 * SEC);
	CU_ASSERT_EQUAL(sock_set(l->s, p.sock, OPT_MIN_RTO, 50), 0);
	CU_ASSERT_EQUAL(sock_set(l->s, p.sock, OPT_TLP, 0), 0);
	sock_send(l->s, p.sock, "x", 1);
	lone_turn(l);
	lone_forget(l);
	lone_wait(l, 2900 * MS); /* the timeout is what it was until there is a sample */
	CU_ASSERT_EQUAL(lone_heard_bytes(l), 0);
	lone_free(l);
}

static void the_window_is_clamped(void)
{
	struct lone *l = lone_new();
	struct lone_peer p = lone_peer(0), q = lone_peer(1);

	l->cfg.tcp.delayed_ack = false;
	l->cfg.tcp.quickack = false;
	lone_start(l);
	CU_ASSERT_EQUAL(sock_set(l->s, l->listener, OPT_WINDOW_CLAMP, 5000), 0);
	q.wscale = p.wscale = 7;
	lone_say(l, &q, TH_SYN, 0);
	const struct seg *syn_ack = lone_last(l, TH_SYN | TH_ACK, TH_SYN | TH_ACK);

	CU_ASSERT_PTR_NOT_NULL_FATAL(syn_ack);
	CU_ASSERT_EQUAL(syn_ack->wnd, 5000);
	CU_ASSERT_EQUAL(syn_ack->opt.wscale, 0); /* nothing to scale */

	lone_handshake(l, &p);
	/* What lies unread matters only once the buffer, not the clamp, is the narrower. */
	lone_say(l, &p, TH_ACK, 1000);
	CU_ASSERT_EQUAL(lone_last(l, TH_ACK, TH_ACK)->wnd, 5000);

	/* Narrower: the edge stays where it is, and nothing is added until what is left is less. */
	CU_ASSERT_EQUAL(sock_set(l->s, p.sock, OPT_WINDOW_CLAMP, 3000), 0);
	lone_say(l, &p, TH_ACK, 1000);
	CU_ASSERT_EQUAL(lone_last(l, TH_ACK, TH_ACK)->wnd, 4000);
	lone_say(l, &p, TH_ACK, 1000);
	lone_say(l, &p, TH_ACK, 1000);
	CU_ASSERT_EQUAL(lone_last(l, TH_ACK, TH_ACK)->wnd, 3000);

	/* Wider: the peer is told without being asked. */
	lone_forget(l);
	CU_ASSERT_EQUAL(sock_set(l->s, p.sock, OPT_WINDOW_CLAMP, 0), 0);
	lone_turn(l);
	CU_ASSERT_EQUAL(lone_last(l, TH_ACK, TH_ACK)->wnd, 65535);
	lone_free(l);
}

static void the_cookies_window_is_clamped_as_well(void)
{
	struct lone *l = lone_new();
	struct lone_peer p = lone_peer(0), q = lone_peer(1);

	l->cfg.max_half_open = 1;
	lone_start(l);
	CU_ASSERT_EQUAL(sock_set(l->s, l->listener, OPT_WINDOW_CLAMP, 5000), 0);
	CU_ASSERT_EQUAL(sock_set(l->s, l->listener, OPT_MAXSEG, 900), 0);
	lone_say(l, &p, TH_SYN, 0);
	lone_say(l, &q, TH_SYN, 0);
	CU_ASSERT_EQUAL(stack_counters(l->s)->tcp_syn_cookies_sent, 1);
	CU_ASSERT_EQUAL(lone_last(l, TH_SYN | TH_ACK, TH_SYN | TH_ACK)->wnd, 5000);
	CU_ASSERT_EQUAL(lone_last(l, TH_SYN | TH_ACK, TH_SYN | TH_ACK)->opt.mss, 900);
	lone_free(l);
}

/* ---- any option, any value, any time ---- */

static struct rng dice;
static uint64_t moved, changed;

static int64_t any_value(void)
{
	switch (rng_below(&dice, 4)) {
	case 0:
		return rng_below(&dice, 3);
	case 1:
		return rng_below(&dice, 300);
	case 2:
		return rng_below(&dice, 1u << 20);
	default:
		return (int64_t)rng_u64(&dice);
	}
}

static bool move_bytes(struct twohosts *w)
{
	static uint8_t text[20000];
	int64_t got = 0, put = 0;

	for (int side = 0; side < 2; side++) {
		sock_t s = side ? w->server : w->client;

		changed += sock_set(w->stack[side], s, (enum sock_opt)rng_below(&dice, OPT_COUNT), any_value()) == 0;
		if (rng_below(&dice, 3))
			got = sock_recv(w->stack[side], s, text, sizeof(text));
		moved += got > 0 ? (uint64_t)got : 0;
	}
	if (w->now < 20 * SEC)
		put = sock_send(w->stack[0], w->client, text, rng_below(&dice, sizeof(text)));
	return got > 0 || put > 0;
}

static bool lose_some(struct twohosts *w, int side, const struct pkt *p, const struct seg *g, ns_t now)
{
	(void)w;
	(void)side;
	(void)p;
	(void)g;
	(void)now;
	return rng_below(&dice, 50) == 0;
}

static void no_option_breaks_an_invariant_at_any_moment(void)
{
	moved = changed = 0;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct tcp_config cfg;
		struct twohosts *w;

		rng_init(&dice, seed, "options");
		tcp_config_default(&cfg);
		w = twohosts_new(seed, &cfg, &cfg);
		w->rate = 2000000;
		if (twohosts_connect(w)) {
			w->app = move_bytes;
			w->wire = lose_some;
			twohosts_run(w, w->now + 5 * SEC); /* stack_check after each turn */
			w->app = NULL;
			w->wire = NULL;
		}
		twohosts_free(w);
	}
	CU_ASSERT_TRUE(moved > 1000000);
	CU_ASSERT_TRUE(changed > 10000);
}

static void a_time_beyond_all_bounds_is_cut(void)
{
	static const enum sock_opt opts[] = {OPT_KEEPIDLE, OPT_KEEPINTVL, OPT_USER_TIMEOUT, OPT_KEEPINIT};
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(0);

	lone_handshake(l, &p);
	sock_set(l->s, p.sock, OPT_KEEPALIVE, 1);
	for (size_t i = 0; i < sizeof(opts) / sizeof(opts[0]); i++) {
		int64_t v = 0;

		CU_ASSERT_EQUAL(sock_set(l->s, p.sock, opts[i], INT64_MAX), 0);
		CU_ASSERT_EQUAL(sock_get(l->s, p.sock, opts[i], &v), 0);
		CU_ASSERT_EQUAL(v, INT32_MAX);
	}
	lone_free(l);
}

static const struct test_case cases[] = {
	TEST(every_setting_is_an_option),
	TEST(what_is_out_of_bounds_is_cut_or_refused),
	TEST(a_time_beyond_all_bounds_is_cut),
	TEST(what_is_negotiated_does_not_change_later),
	TEST(a_listeners_settings_are_those_of_its_connections),
	TEST(switches_set_before_listening_go_on_as_well),
	TEST(other_bounds_of_the_timeout_hold_at_once),
	TEST(the_window_is_clamped),
	TEST(the_cookies_window_is_clamped_as_well),
	TEST(no_option_breaks_an_invariant_at_any_moment),
};
TEST_SUITE(sock_opt, cases);
