/* What ICMP errors about our segments do, and do not do. */
#include <string.h>

#include "../../stack/wire/icmp.h"
#include "../lib/lone.h"

static void what_was_too_big_is_resent_and_the_window_stays(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(0);
	struct sock_info before, i;
	static const uint8_t bytes[20000];
	uint32_t sent = 0;

	lone_handshake(l, &p);
	sock_send(l->s, p.sock, bytes, sizeof(bytes));
	lone_turn(l);
	CU_ASSERT_EQUAL(sock_info(l->s, p.sock, &before), 0);
	CU_ASSERT_EQUAL(before.snd_nxt - before.snd_una, 10 * 1448);

	lone_forget(l);
	lone_icmp(l, &p, ICMP4_UNREACH, ICMP4_UNREACH_FRAG, 1400, p.ack);
	for (size_t k = 0; k < l->nheard; k++) {
		CU_ASSERT_TRUE(l->heard[k].len <= 1400 - 52);
		sent += l->heard[k].len;
	}
	CU_ASSERT_TRUE(sent > 9 * 1348);
	for (size_t k = 0; k < l->nheard; k++) { /* as the resent ones arrive, with some still waiting */
		p.ack += l->heard[k].len;
		if (k == 3)
			break;
	}
	lone_say(l, &p, TH_ACK, 0);

	CU_ASSERT_EQUAL(sock_info(l->s, p.sock, &i), 0);
	CU_ASSERT_EQUAL(i.pmtu, 1400);
	CU_ASSERT_EQUAL(i.recoveries, 0);
	CU_ASSERT_TRUE(i.ca == CA_OPEN || i.ca == CA_DISORDER);
	CU_ASSERT_TRUE(i.cwnd >= before.cwnd);
	lone_free(l);
}

/* RFC 1191 6.3; what we announce has nothing to do with the path from us (RFC 6691). */
static void the_next_connection_to_that_peer_knows(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(0), q = lone_peer(200); /* the same address */
	static const uint8_t bytes[5000];
	struct sock_info i;

	lone_handshake(l, &p);
	sock_send(l->s, p.sock, bytes, sizeof(bytes));
	lone_turn(l);
	lone_icmp(l, &p, ICMP4_UNREACH, ICMP4_UNREACH_FRAG, 1400, p.ack);
	sock_abort(l->s, p.sock);
	lone_turn(l);
	lone_handshake(l, &q);
	sock_info(l->s, q.sock, &i);
	CU_ASSERT_EQUAL(i.pmtu, 1400);
	CU_ASSERT_EQUAL(i.mss_own, 1460);
	CU_ASSERT_EQUAL(i.mss, 1400 - 52);
	lone_free(l);
}

static void a_soft_error_is_told_and_survived(void)
{
	static const struct {
		const char *name;
		uint8_t type, code;
	} rows[] = {
		{"net unreachable", ICMP4_UNREACH, 0},
		{"host unreachable", ICMP4_UNREACH, 1},
		{"source route failed", ICMP4_UNREACH, 5},
	};

	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		struct lone *l = lone_open();
		struct lone_peer p = lone_peer(0);
		struct sock_event ev[8];
		struct sock_info i;
		uint32_t bits = 0;

		lone_handshake(l, &p);
		while (stack_events(l->s, ev, 8))
			;
		sock_send(l->s, p.sock, "x", 1);
		lone_turn(l);
		lone_icmp(l, &p, rows[k].type, rows[k].code, 0, p.ack);
		for (size_t n = stack_events(l->s, ev, 8); n-- > 0;)
			bits |= ev[n].bits;
		sock_info(l->s, p.sock, &i);
		if (!(bits & SOCK_TROUBLE) || bits & SOCK_ERROR || i.trouble != ERR_UNREACH || i.state != TCP_ESTABLISHED)
			FAIL_ROW(rows[k].name);
		lone_free(l);
	}
}

static void which_errors_end_an_opening_is_configured(void)
{
	static const struct {
		const char *name;
		enum tcp_icmp_hard hard;
		uint8_t type, code;
		enum tcp_state state;
		int err;
	} rows[] = {
		{"port unreachable", ICMP_HARD_DEFAULT, ICMP4_UNREACH, 3, TCP_CLOSED, ERR_REFUSED},
		{"time exceeded", ICMP_HARD_DEFAULT, ICMP4_TIME_EXCEEDED, 0, TCP_SYN_SENT, 0},
		{"time exceeded, hard", ICMP_HARD_TTL, ICMP4_TIME_EXCEEDED, 0, TCP_CLOSED, ERR_UNREACH},
		{"of reassembly", ICMP_HARD_TTL, ICMP4_TIME_EXCEEDED, 1, TCP_SYN_SENT, 0},
		{"port unreachable as well", ICMP_HARD_TTL, ICMP4_UNREACH, 3, TCP_CLOSED, ERR_REFUSED},
		{"none is hard", ICMP_HARD_NONE, ICMP4_UNREACH, 3, TCP_SYN_SENT, 0},
	};

	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		struct lone *l = lone_new();
		struct lone_peer p = lone_peer(0);
		struct sock_info i;

		l->cfg.tcp.icmp_hard = rows[k].hard;
		lone_start(l);
		lone_connect(l, &p);
		lone_icmp(l, &p, rows[k].type, rows[k].code, 0, p.stack_iss);
		sock_info(l->s, p.sock, &i);
		if (i.state != rows[k].state || sock_error(l->s, p.sock) != rows[k].err)
			FAIL_ROW(rows[k].name);
		lone_free(l);
	}
}

/* RFC 9293 SHLD-20. */
static void who_does_not_want_to_hear_of_soft_errors_does_not(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(0);
	struct sock_event ev[8];
	struct sock_info i;
	int64_t on = 0;

	lone_handshake(l, &p);
	CU_ASSERT_EQUAL(sock_get(l->s, p.sock, OPT_ERROR_REPORTS, &on), 0);
	CU_ASSERT_EQUAL(on, 1);
	CU_ASSERT_EQUAL(sock_set(l->s, p.sock, OPT_ERROR_REPORTS, 0), 0);
	CU_ASSERT_EQUAL(sock_get(l->s, p.sock, OPT_ERROR_REPORTS, &on), 0);
	CU_ASSERT_EQUAL(on, 0);
	while (stack_events(l->s, ev, 8))
		;
	sock_send(l->s, p.sock, "x", 1);
	lone_turn(l);
	lone_icmp(l, &p, ICMP4_UNREACH, 1, 0, p.ack);
	lone_wait(l, 10 * SEC); /* and R1 passes as well */
	for (size_t n = stack_events(l->s, ev, 8); n-- > 0;)
		CU_ASSERT_FALSE(ev[n].bits & SOCK_TROUBLE);
	sock_info(l->s, p.sock, &i);
	CU_ASSERT_EQUAL(i.trouble, 0);
	CU_ASSERT_TRUE(i.timeouts >= 3);
	CU_ASSERT_EQUAL(i.state, TCP_ESTABLISHED);
	lone_free(l);
}

/* RFC 9293 SHLD-26, which needs to be asked for. */
static void a_hard_error_aborts_what_is_established_only_if_so_configured(void)
{
	static const struct {
		const char *name;
		uint8_t code;
		enum tcp_icmp_hard hard;
		bool ends;
	} rows[] = {
		{"port, default", 3, ICMP_HARD_DEFAULT, false},   {"protocol, default", 2, ICMP_HARD_DEFAULT, false},
		{"port, always", 3, ICMP_HARD_ALWAYS, true},      {"protocol, always", 2, ICMP_HARD_ALWAYS, true},
		{"host, always: soft", 1, ICMP_HARD_ALWAYS, false},
	};

	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		struct lone *l = lone_new();
		struct lone_peer p = lone_peer(0);
		struct sock_info i;

		l->cfg.tcp.icmp_hard = rows[k].hard;
		lone_start(l);
		lone_handshake(l, &p);
		sock_send(l->s, p.sock, "x", 1);
		lone_turn(l);
		lone_icmp(l, &p, ICMP4_UNREACH, rows[k].code, 0, p.ack + 1); /* beyond what is out */
		bool blind = sock_info(l->s, p.sock, &i) || i.state != TCP_ESTABLISHED;

		lone_icmp(l, &p, ICMP4_UNREACH, rows[k].code, 0, p.ack);
		bool gone = lone_state(l, &p) == TCP_CLOSED;

		if (blind || gone != rows[k].ends || (gone && sock_error(l->s, p.sock) != ERR_REFUSED))
			FAIL_ROW(rows[k].name);
		lone_free(l);
	}
}

static const struct test_case cases[] = {
	TEST(which_errors_end_an_opening_is_configured),
	TEST(a_soft_error_is_told_and_survived),
	TEST(who_does_not_want_to_hear_of_soft_errors_does_not),
	TEST(a_hard_error_aborts_what_is_established_only_if_so_configured),
	TEST(the_next_connection_to_that_peer_knows),
	TEST(what_was_too_big_is_resent_and_the_window_stays),
};
TEST_SUITE(tcp_icmp, cases);
