/* The pipe between a driver's bytes and a peer. */
#include "../lib/hostpair.h"
#include "../lib/test.h"

#include <string.h>

#define PORT 7

static struct hostpair *begin(bool tls)
{
	struct hostpair *p = hostpair_new(8, 0);
	struct serve_config cfg = {.port = PORT, .tls = tls ? hostpair_tls(p, SERVER) : NULL};

	host_add_app(p->host[SERVER], app_echo(&cfg));
	hostpair_run(p, 0);
	return p;
}

static void what_is_pushed_before_the_connection_is_there_is_not_lost(void)
{
	struct hostpair *p = begin(false);
	struct talk t = {0};

	talk_start(p, &t, PORT, NULL, "early", false);
	app_pipe_push(t.app, " bird", 5);
	hostpair_run(p, 0);

	CU_ASSERT_EQUAL(t.n, 10);
	CU_ASSERT_EQUAL(memcmp(t.heard, "early bird", 10), 0);
	hostpair_free(p);
}

static void more_than_the_buffer_holds_waits_for_room(void)
{
	struct hostpair *p = begin(false);
	struct talk t = {.refuse = 1};
	uint8_t block[4096];
	uint64_t pushed = 0;

	talk_start(p, &t, PORT, NULL, "", false);
	while (app_pipe_room(t.app) > 0 && pushed < 100000000) {
		size_t n = app_pipe_room(t.app);

		n = n < sizeof(block) ? n : sizeof(block);
		pattern_fill(1, pushed, block, n);
		app_pipe_push(t.app, block, n);
		pushed += n;
		hostpair_run(p, p->now + MS);
	}
	/* Nobody reads at our end: the echo stops, the windows fill, and so does the buffer. */
	CU_ASSERT_TRUE(app_pipe_blocked(t.app));
	CU_ASSERT_TRUE(pushed < 100000000);
	CU_ASSERT_EQUAL(t.n, 1);

	for (uint64_t heard = 0; heard < pushed;) {
		t.n = 0;
		t.refuse = 0;
		app_pipe_writable(t.app);
		hostpair_run(p, p->now + MS);
		if (heard == 0)
			heard = 1; /* the byte that was taken */
		CU_ASSERT_EQUAL_FATAL(pattern_check(1, heard, t.heard, t.n), t.n);
		CU_ASSERT_TRUE_FATAL(t.n > 0);
		heard += t.n;
	}
	hostpair_free(p);
}

static void the_end_of_input_is_a_half_close(void)
{
	struct hostpair *p = begin(false);
	struct talk t = {.refuse = 2};

	talk_start(p, &t, PORT, NULL, "and the answer", true);
	hostpair_run(p, SEC);
	CU_ASSERT_EQUAL(app_pipe_verdict(t.app, NULL), STREAM_GOING_ON);
	t.refuse = 0;
	app_pipe_writable(t.app);
	hostpair_run(p, 2 * SEC);

	CU_ASSERT_EQUAL(t.n, 14);
	CU_ASSERT_EQUAL(app_pipe_verdict(t.app, NULL), STREAM_CLEAN);
	hostpair_free(p);
}

static void by_tls_the_peer_gets_two_quiet_seconds_to_answer(void)
{
	struct hostpair *p = begin(true);
	struct talk t = {0};

	talk_start(p, &t, PORT, hostpair_tls(p, CLIENT), "ask", true);
	hostpair_run(p, 1999 * MS);
	CU_ASSERT_EQUAL(t.n, 3);
	CU_ASSERT_EQUAL(app_pipe_verdict(t.app, NULL), STREAM_GOING_ON);
	hostpair_run(p, 2100 * MS);

	CU_ASSERT_EQUAL(app_pipe_verdict(t.app, NULL), STREAM_CLEAN);
	hostpair_free(p);
}

static const struct test_case cases[] = {
	TEST(what_is_pushed_before_the_connection_is_there_is_not_lost),
	TEST(more_than_the_buffer_holds_waits_for_room),
	TEST(the_end_of_input_is_a_half_close),
	TEST(by_tls_the_peer_gets_two_quiet_seconds_to_answer),
};
TEST_SUITE(app_pipe, cases);
