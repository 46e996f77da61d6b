/* How connections begin: addresses, ports, segment sizes, and how long a peer is waited for. */
#include <string.h>

#include "../../stack/base/bytes.h"
#include "../../stack/tcp/tcp.h"
#include "../../stack/wire/eth.h"
#include "../lib/lone.h"

#define OTHER 0xcb007101u /* 203.0.113.1, ours as well */

static void a_second_listener_is_refused_and_the_first_stays(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(0);
	struct addr any = {{0}};
	sock_t s = sock_open(l->s);

	CU_ASSERT_EQUAL(sock_bind(l->s, s, &any, LONE_PORT), ERR_INUSE);
	lone_handshake(l, &p);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_ESTABLISHED);
	lone_free(l);
}

static void a_port_can_be_listened_on_while_a_connection_from_it_is_opened(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(0), q = lone_peer(1);
	struct addr any = {{0}}, to = addr_v4(p.addr);
	sock_t active = sock_open(l->s), passive = sock_open(l->s);

	CU_ASSERT_EQUAL(sock_bind(l->s, active, &any, 4711), 0);
	CU_ASSERT_EQUAL(sock_connect(l->s, active, &to, p.port), 0);
	lone_turn(l);
	CU_ASSERT_EQUAL(lone_count(l, TCP_SYN_SENT), 1);

	CU_ASSERT_EQUAL(sock_bind(l->s, passive, &any, 4711), 0);
	CU_ASSERT_EQUAL(sock_listen(l->s, passive, 4), 0);
	CU_ASSERT_EQUAL(lone_count(l, TCP_SYN_SENT), 1);
	q.stack_port = 4711;
	lone_say(l, &q, TH_SYN, 0);
	CU_ASSERT_EQUAL(lone_count(l, TCP_SYN_RECEIVED), 1);
	lone_free(l);
}

static void the_source_is_the_routes_or_the_users(void)
{
	struct lone *l = lone_new();
	struct lone_peer p = lone_peer(0);
	struct addr to = addr_v4(p.addr), mine = addr_v4(OTHER), nobody = addr_v4(OTHER + 1);

	l->cfg.addr[1] = (struct stack_addr){mine, 24};
	l->cfg.naddrs = 2;
	lone_start(l);
	sock_t s = sock_open(l->s), t = sock_open(l->s), u = sock_open(l->s);

	CU_ASSERT_EQUAL(sock_connect(l->s, s, &to, 1), 0);
	lone_turn(l);
	CU_ASSERT_EQUAL(rd32(l->last + ETH_LEN + 12), LONE_ME);
	CU_ASSERT_EQUAL(sock_bind(l->s, t, &mine, 0), 0);
	CU_ASSERT_EQUAL(sock_connect(l->s, t, &to, 1), 0);
	lone_turn(l);
	CU_ASSERT_EQUAL(rd32(l->last + ETH_LEN + 12), OTHER);
	CU_ASSERT_EQUAL(sock_bind(l->s, u, &nobody, 0), ERR_ADDRNOTAVAIL);
	lone_free(l);
}

static void groups_and_broadcasts_are_no_peers(void)
{
	static const struct {
		const char *name;
		uint32_t to;
	} rows[] = {
		{"any", 0},
		{"multicast", 0xe0000001u},
		{"limited broadcast", 0xffffffffu},
		{"our subnet's broadcast", 0xc00002ffu},
		{"ourselves", LONE_ME},
	};
	struct lone *l = lone_open();
	sock_t s = sock_open(l->s);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct addr to = addr_v4(rows[i].to);

		if (sock_connect(l->s, s, &to, 80) >= 0)
			FAIL_ROW(rows[i].name);
		lone_turn(l);
		if (l->nheard)
			FAIL_ROW(rows[i].name);
	}
	struct addr good = addr_v4(LONE_PEER);

	CU_ASSERT_EQUAL(sock_connect(l->s, s, &good, 80), 0); /* the socket is as good as new */
	lone_free(l);
}

static void without_an_mss_option_segments_hold_536(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(0);
	static const uint8_t bytes[2000];

	p.mss = 0;
	p.ts = false;
	lone_handshake(l, &p);
	sock_send(l->s, p.sock, bytes, sizeof(bytes));
	lone_turn(l);
	CU_ASSERT_EQUAL(l->nheard, 4);
	CU_ASSERT_EQUAL(l->heard[0].len, 536);
	CU_ASSERT_EQUAL(l->heard[3].len, 2000 - 3 * 536);
	lone_free(l);
}

static void without_an_mss_option_segments_over_ipv6_hold_1220(void)
{
	static struct stack_counters count;
	static struct tcp t = {.count = &count};
	struct seg syn = {.flags = TH_SYN};
	struct tcb c = {.tcp = &t, .cfg = &t.cfg, .v6 = true, .pmtu = 1500, .rcvbuf = 65535};

	tcp_take_options(&c, &syn);
	CU_ASSERT_EQUAL(c.mss, 1220);
}

static void the_mss_option_says_what_the_link_carries_and_only_on_syns(void)
{
	struct lone *l = lone_new();
	struct lone_peer p = lone_peer(0), q = lone_peer(1);

	l->cfg.link.mtu = 1280;
	lone_start(l);
	lone_say(l, &p, TH_SYN, 0);
	const struct seg *g = lone_last(l, TH_SYN | TH_ACK, TH_SYN | TH_ACK);

	CU_ASSERT_PTR_NOT_NULL_FATAL(g);
	CU_ASSERT_TRUE(g->opt.has_mss);
	CU_ASSERT_EQUAL(g->opt.mss, 1240);
	lone_handshake(l, &q);
	sock_send(l->s, q.sock, "x", 1);
	lone_say(l, &q, TH_ACK, 1);
	sock_shutdown(l->s, q.sock);
	lone_turn(l);
	CU_ASSERT_TRUE(l->nheard >= 2);
	for (size_t i = 0; i < l->nheard; i++)
		CU_ASSERT_FALSE(l->heard[i].opt.has_mss);
	lone_free(l);
}

static void the_window_of_a_syn_ack_is_not_scaled(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(0);
	struct sock_info i;

	p.wnd = 3000;
	lone_connect(l, &p);
	lone_say(l, &p, TH_SYN | TH_ACK, 0);
	sock_info(l->s, p.sock, &i);
	CU_ASSERT_EQUAL(i.snd_wscale, 7);
	CU_ASSERT_EQUAL(i.snd_wnd, 3000);
	lone_say(l, &p, TH_ACK, 0);
	sock_info(l->s, p.sock, &i);
	CU_ASSERT_EQUAL(i.snd_wnd, 3000 << 7);
	lone_free(l);
}

static void a_connection_attempt_goes_on_for_three_minutes(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(0);

	lone_connect(l, &p);
	lone_wait(l, 120 * SEC);
	lone_forget(l);
	lone_wait(l, 62 * SEC);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_SYN_SENT);
	lone_wait(l, 120 * SEC);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_CLOSED);
	CU_ASSERT_EQUAL(sock_error(l->s, p.sock), ERR_TIMEDOUT);
	lone_free(l);
}

static void the_user_may_give_up_a_connection_attempt_sooner(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(0);
	struct addr to = addr_v4(p.addr);

	p.sock = sock_open(l->s);
	sock_set(l->s, p.sock, OPT_SYNCNT, 2);
	CU_ASSERT_EQUAL(sock_connect(l->s, p.sock, &to, p.port), 0);
	lone_wait(l, 6900 * MS); /* 1 + 2 + 4 s */
	CU_ASSERT_EQUAL(lone_heard(l, TH_SYN, TH_SYN), 3);
	CU_ASSERT_EQUAL(sock_error(l->s, p.sock), 0);
	lone_wait(l, 200 * MS);
	CU_ASSERT_EQUAL(sock_error(l->s, p.sock), ERR_TIMEDOUT);
	lone_free(l);
}

static const struct test_case cases[] = {
	TEST(a_second_listener_is_refused_and_the_first_stays),
	TEST(a_port_can_be_listened_on_while_a_connection_from_it_is_opened),
	TEST(the_source_is_the_routes_or_the_users),
	TEST(groups_and_broadcasts_are_no_peers),
	TEST(without_an_mss_option_segments_hold_536),
	TEST(without_an_mss_option_segments_over_ipv6_hold_1220),
	TEST(the_mss_option_says_what_the_link_carries_and_only_on_syns),
	TEST(the_window_of_a_syn_ack_is_not_scaled),
	TEST(a_connection_attempt_goes_on_for_three_minutes),
	TEST(the_user_may_give_up_a_connection_attempt_sooner),
};
TEST_SUITE(tcp_open, cases);
