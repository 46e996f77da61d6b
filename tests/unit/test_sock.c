/* User calls: what they accept, what they refuse, and what they leave as it was. */
#include <string.h>

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

static const struct test_case cases[] = {
	TEST(an_algorithm_that_finds_no_memory_is_not_set),
	TEST(more_than_was_reserved_cannot_be_committed),
};
TEST_SUITE(sock, cases);
