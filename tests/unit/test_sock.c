/* User calls: what they accept, what they refuse, and what they leave as it was. */
#include <string.h>

#include "../../stack/wire/eth.h"
#include "../lib/lone.h"

static void an_algorithm_that_finds_no_memory_is_not_set(void)
{
	struct lone *l = lone_new();
	struct lone_peer p = lone_peer(0);
	int64_t v = -1;

	l->cfg.tcp.cc = CC_NONE; /* the one without a block of its own */
	lone_start(l);
	lone_handshake(l, &p);

	stack_fail_alloc(l->s, 1);
	CU_ASSERT_EQUAL(sock_set(l->s, p.sock, OPT_CC, CC_BBR), ERR_NOMEM);
	CU_ASSERT_EQUAL(sock_get(l->s, p.sock, OPT_CC, &v), 0);
	CU_ASSERT_EQUAL(v, CC_NONE);

	stack_fail_alloc(l->s, 0);
	CU_ASSERT_EQUAL(sock_set(l->s, p.sock, OPT_CC, CC_BBR), 0);
	CU_ASSERT_EQUAL(sock_set(l->s, p.sock, OPT_CC, CC_COUNT), ERR_INVAL);
	lone_free(l);
}

static void more_than_was_reserved_cannot_be_committed(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(0);
	size_t n = 100;

	lone_handshake(l, &p);
	CU_ASSERT_EQUAL(sock_commit(l->s, p.sock, 1), ERR_INVAL);
	void *at = sock_reserve(l->s, p.sock, &n);

	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	memset(at, 1, n);
	CU_ASSERT_EQUAL(sock_commit(l->s, p.sock, n + 1), ERR_INVAL);
	CU_ASSERT_EQUAL(sock_commit(l->s, p.sock, (size_t)UINT32_MAX + 2), ERR_INVAL);
	CU_ASSERT_EQUAL(sock_commit(l->s, p.sock, n), 0);
	lone_turn(l);
	CU_ASSERT_EQUAL(lone_heard_bytes(l), n);
	lone_free(l);
}

static void a_buffer_of_units_is_filled_unit_by_unit(void)
{
	static uint8_t text[200000];
	struct lone *l = lone_new();
	struct lone_peer p = lone_peer(0);
	struct sock_info i;

	l->cfg.tcp.sndbuf_units = true;
	lone_start(l);
	lone_handshake(l, &p);
	sock_set(l->s, p.sock, OPT_SNDBUF, 4096);
	int64_t n = sock_send(l->s, p.sock, text, sizeof(text));

	/* More than the buffer's size, since what was begun is filled; but not all. */
	CU_ASSERT_TRUE(n > 4096 && n < (int64_t)sizeof(text));
	CU_ASSERT_EQUAL(sock_send(l->s, p.sock, text, 1), ERR_AGAIN);
	CU_ASSERT_EQUAL(sock_writable(l->s, p.sock), 0);
	lone_turn(l);
	sock_info(l->s, p.sock, &i);
	CU_ASSERT_EQUAL(i.notsent + (i.snd_nxt - i.snd_una), n);
	lone_free(l);
}

/* Of the frame heard last: the IPv4 header's fields (RFC 791 3.1). */
static uint8_t tos_of(const struct lone *l)
{
	return l->last[ETH_LEN + 1];
}

static uint8_t ttl_of(const struct lone *l)
{
	return l->last[ETH_LEN + 8];
}

static void the_differentiated_services_field_and_the_ttl_are_the_users(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(0);

	lone_handshake(l, &p);
	sock_set(l->s, p.sock, OPT_NODELAY, 1);
	sock_set(l->s, p.sock, OPT_TOS, 0xb8);
	sock_set(l->s, p.sock, OPT_TTL, 17);
	sock_send(l->s, p.sock, "x", 1);
	lone_turn(l);
	CU_ASSERT_EQUAL(tos_of(l), 0xb8);
	CU_ASSERT_EQUAL(ttl_of(l), 17);

	sock_set(l->s, p.sock, OPT_TOS, 0x28); /* in the middle of the connection */
	sock_send(l->s, p.sock, "x", 1);
	lone_turn(l);
	CU_ASSERT_EQUAL(tos_of(l), 0x28);
	CU_ASSERT_EQUAL(sock_set(l->s, p.sock, OPT_TTL, 256), ERR_INVAL);
	lone_free(l);
}

static void what_a_listener_was_told_goes_for_its_connections_and_resets(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(0), q = lone_peer(1);
	struct addr any = {{0}};
	sock_t s = sock_open(l->s);

	sock_set(l->s, s, OPT_TOS, 0xb8);
	sock_set(l->s, s, OPT_TTL, 17);
	CU_ASSERT_EQUAL(sock_bind(l->s, s, &any, 4711), 0);
	CU_ASSERT_EQUAL(sock_listen(l->s, s, 4), 0);
	p.stack_port = q.stack_port = 4711;
	lone_say(l, &p, TH_SYN, 0);
	CU_ASSERT_PTR_NOT_NULL(lone_last(l, TH_SYN | TH_ACK, TH_SYN | TH_ACK));
	CU_ASSERT_EQUAL(tos_of(l), 0xb8);
	CU_ASSERT_EQUAL(ttl_of(l), 17);
	lone_say(l, &q, TH_ACK, 0);
	CU_ASSERT_PTR_NOT_NULL(lone_last(l, TH_RST, TH_RST));
	CU_ASSERT_EQUAL(tos_of(l), 0xb8);
	CU_ASSERT_EQUAL(ttl_of(l), 17);
	lone_free(l);
}

static void they_still_hold_in_time_wait(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(0);

	lone_handshake(l, &p);
	sock_set(l->s, p.sock, OPT_TOS, 0xb8);
	sock_set(l->s, p.sock, OPT_TTL, 17);
	CU_ASSERT_EQUAL(sock_shutdown(l->s, p.sock), 0);
	lone_turn(l);
	p.ack++;
	lone_say(l, &p, TH_ACK | TH_FIN, 0);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_TIME_WAIT);
	CU_ASSERT_EQUAL(tos_of(l), 0xb8);
	CU_ASSERT_EQUAL(ttl_of(l), 17);
	lone_free(l);
}

static const struct test_case cases[] = {
	TEST(what_a_listener_was_told_goes_for_its_connections_and_resets),
	TEST(they_still_hold_in_time_wait),
	TEST(the_differentiated_services_field_and_the_ttl_are_the_users),
	TEST(an_algorithm_that_finds_no_memory_is_not_set),
	TEST(more_than_was_reserved_cannot_be_committed),
	TEST(a_buffer_of_units_is_filled_unit_by_unit),
};
TEST_SUITE(sock, cases);
