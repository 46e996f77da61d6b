/* The user timeout option (RFC 5482): what is said, what is adopted, and when the connection ends. */
#include "../lib/lone.h"
#include "../lib/test.h"

#include "../../stack/base/check.h"

static struct lone *host(bool uto, ns_t timeout)
{
	struct lone *l = lone_new();

	l->cfg.tcp.uto = uto;
	l->cfg.tcp.user_timeout = timeout;
	lone_start(l);
	return l;
}

/* A handshake in which the peer's segments carry this option; 0: none. */
static void handshake(struct lone *l, struct lone_peer *p, uint16_t option)
{
	for (int k = 0; k < 2; k++) {
		struct seg g = {.seq = seq_of(p->nxt), .ack = seq_of(p->ack), .flags = k ? TH_ACK : TH_SYN, .wnd = 65535};

		p->ts = false;
		g.opt.has_uto = option != 0;
		g.opt.uto = option;
		lone_say_seg(l, p, &g, NULL);
		if (k)
			break;
		const struct seg *r = lone_last(l, TH_SYN | TH_ACK, TH_SYN | TH_ACK);

		CU_ASSERT_PTR_NOT_NULL_FATAL(r);
		p->ack = r->seq.v + 1;
		p->nxt++;
	}
	p->sock = sock_accept(l->s, l->listener);
	CU_ASSERT_NOT_EQUAL_FATAL(p->sock, 0);
}

/* Seconds after which text that nobody acknowledges ends the connection. */
static int64_t patience(struct lone *l, struct lone_peer *p)
{
	ns_t from = l->now;

	sock_send(l->s, p->sock, "x", 1);
	lone_turn(l);
	while (lone_state(l, p) != TCP_CLOSED && l->now < from + 10000 * SEC)
		lone_wait(l, SEC);
	CU_ASSERT_EQUAL(sock_error(l->s, p->sock), ERR_TIMEDOUT);
	return (l->now - from) / SEC;
}

static void the_syn_ack_says_how_long_we_wait(void)
{
	static const struct {
		const char *name;
		bool on;
		ns_t timeout;
		uint16_t said;
	} rows[] = {
		{"off", false, 300 * SEC, 0},
		{"no timeout", true, 0, 0},
		{"seconds", true, 300 * SEC, 300},
		{"rounded up", true, 1500 * MS, 2},
		{"minutes", true, 40000 * SEC, 0x8000 | 667},
	};

	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		struct lone *l = host(rows[k].on, rows[k].timeout);
		struct lone_peer p = lone_peer(1);

		lone_say(l, &p, TH_SYN, 0);
		const struct seg *g = lone_last(l, TH_SYN, TH_SYN);

		if (!g || g->opt.has_uto != (rows[k].said != 0) || g->opt.uto != rows[k].said)
			FAIL_ROW(rows[k].name);
		lone_free(l);
	}
}

static void the_peers_patience_is_adopted_within_limits(void)
{
	static const struct {
		const char *name;
		bool on;
		ns_t own;
		uint16_t told;
		int64_t least, most; /* a retransmission must come due after the limit */
	} rows[] = {
		{"off", false, 20 * SEC, 900, 20, 60},
		{"nothing told", true, 20 * SEC, 0, 20, 60},
		{"longer", true, 20 * SEC, 300, 300, 460},
		{"in minutes", true, 20 * SEC, 0x8000 | 5, 300, 460},
		{"shorter than the least", true, 20 * SEC, 3, 100, 240},
		{"ours is longer", true, 400 * SEC, 200, 400, 560},
	};

	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		struct lone *l = host(rows[k].on, rows[k].own);
		struct lone_peer p = lone_peer(1);

		handshake(l, &p, rows[k].told);
		int64_t s = patience(l, &p);

		if (s < rows[k].least || s > rows[k].most)
			FAIL_ROW(rows[k].name);
		lone_free(l);
	}
}

static void what_the_user_set_is_not_changed_and_is_told(void)
{
	struct lone *l = host(true, 0);
	struct lone_peer p = lone_peer(1);

	handshake(l, &p, 900);
	CU_ASSERT_EQUAL(sock_set(l->s, p.sock, OPT_USER_TIMEOUT, 30000), 0);
	lone_forget(l);
	lone_say(l, &p, TH_ACK, 100);
	lone_wait(l, 50 * MS);
	const struct seg *g = lone_last(l, TH_ACK, TH_ACK);

	CU_ASSERT_PTR_NOT_NULL_FATAL(g);
	CU_ASSERT_TRUE(g->opt.has_uto);
	CU_ASSERT_EQUAL(g->opt.uto, 30);
	int64_t s = patience(l, &p);

	CU_ASSERT_TRUE(s >= 30 && s < 80);
	lone_free(l);
}

static const struct test_case cases[] = {
	TEST(the_syn_ack_says_how_long_we_wait),
	TEST(the_peers_patience_is_adopted_within_limits),
	TEST(what_the_user_set_is_not_changed_and_is_told),
};
TEST_SUITE(tcp_uto, cases);
