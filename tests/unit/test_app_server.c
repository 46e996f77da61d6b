/* The small servers, plain and over TLS, and what all servers have in common. */
#include "../lib/hostpair.h"
#include "../lib/test.h"

#include <string.h>

#define PORT 99

static void serve(struct hostpair *p, struct app *(*make)(const struct serve_config *),
		  struct serve_config *cfg)
{
	cfg->port = PORT;
	host_add_app(p->host[SERVER], make(cfg));
	hostpair_run(p, p->now);
}

static const struct stream_tls *tls_or_not(struct hostpair *p, int tls, int side)
{
	return tls ? hostpair_tls(p, side) : NULL;
}

static void echo_gives_back_what_it_gets(void)
{
	for (int tls = 0; tls < 2; tls++) {
		struct hostpair *p = hostpair_new(8, 0);
		struct serve_config cfg = {.tls = tls_or_not(p, tls, SERVER)};
		struct talk t = {0};

		serve(p, app_echo, &cfg);
		talk_start(p, &t, PORT, tls_or_not(p, tls, CLIENT), "forth and back", true);
		hostpair_run(p, 100 * SEC);

		CU_ASSERT_EQUAL(t.n, 14);
		CU_ASSERT_EQUAL(memcmp(t.heard, "forth and back", 14), 0);
		CU_ASSERT_EQUAL(app_pipe_verdict(t.app, NULL), STREAM_CLEAN);
		hostpair_free(p);
	}
}

static void discard_says_nothing_and_ends_with_the_peer(void)
{
	struct hostpair *p = hostpair_new(8, 0);
	struct serve_config cfg = {0};
	struct talk t = {0};

	serve(p, app_discard, &cfg);
	talk_start(p, &t, PORT, NULL, "into the void", true);
	hostpair_run(p, 100 * SEC);

	CU_ASSERT_EQUAL(t.n, 0);
	CU_ASSERT_EQUAL(app_pipe_verdict(t.app, NULL), STREAM_CLEAN);
	hostpair_free(p);
}

static void chargen_sends_the_lines_of_the_rfc_without_a_gap(void)
{
	for (int tls = 0; tls < 2; tls++) {
		struct hostpair *p = hostpair_new(8, 0);
		struct serve_config cfg = {.tls = tls_or_not(p, tls, SERVER)};
		struct talk t = {.refuse = 65000};

		serve(p, app_chargen, &cfg);
		talk_start(p, &t, PORT, tls_or_not(p, tls, CLIENT), "", false);
		hostpair_run(p, SEC);

		CU_ASSERT_EQUAL_FATAL(t.n, 65000);
		CU_ASSERT_EQUAL(memcmp(t.heard, " !\"#$%&'()*+,-./0123456789", 26), 0);
		for (size_t i = 0; i < t.n; i++) {
			size_t line = i / 74 % 95, col = i % 74;
			char want = col == 72 ? '\r' : col == 73 ? '\n' : (char)(' ' + (line + col) % 95);

			if (t.heard[i] != want) {
				CU_FAIL("a wrong character");
				break;
			}
		}
		hostpair_free(p);
	}
}

static void welcome_tells_the_peer_and_greets_it(void)
{
	struct hostpair *p = hostpair_new(8, 0);
	char out[4096] = "";
	FILE *file = fmemopen(out, sizeof(out), "w");
	struct serve_config cfg = {.tls = hostpair_tls(p, SERVER), .out = file};
	struct talk t = {0};

	serve(p, app_welcome, &cfg);
	talk_start(p, &t, PORT, hostpair_tls(p, CLIENT), "", false);
	hostpair_run(p, 100 * SEC);
	fclose(file);

	CU_ASSERT_EQUAL(t.n, 18);
	CU_ASSERT_EQUAL(memcmp(t.heard, "Welcome to Server!", 18), 0);
	CU_ASSERT_EQUAL(app_pipe_verdict(t.app, NULL), STREAM_CLEAN);
	CU_ASSERT_EQUAL(strncmp(out, "Peer: {'subject': ((", 20), 0);
	hostpair_free(p);
}

static void a_server_with_a_count_ends_after_that_many(void)
{
	struct hostpair *p = hostpair_new(8, 0);
	struct serve_config cfg = {.count = 3};
	struct talk t[4] = {0};

	serve(p, app_echo, &cfg);
	for (int i = 0; i < 3; i++)
		talk_start(p, &t[i], PORT, NULL, "x", true);
	CU_ASSERT_FALSE(host_finished(p->host[SERVER]));
	hostpair_run(p, 100 * SEC);
	CU_ASSERT_TRUE(host_finished(p->host[SERVER]));
	talk_start(p, &t[3], PORT, NULL, "x", true);
	hostpair_run(p, p->now + 100 * SEC);

	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(app_pipe_verdict(t[i].app, NULL), STREAM_CLEAN);
	CU_ASSERT_EQUAL(app_pipe_verdict(t[3].app, NULL), STREAM_REFUSED);
	hostpair_free(p);
}

static const struct test_case cases[] = {
	TEST(echo_gives_back_what_it_gets),
	TEST(discard_says_nothing_and_ends_with_the_peer),
	TEST(chargen_sends_the_lines_of_the_rfc_without_a_gap),
	TEST(welcome_tells_the_peer_and_greets_it),
	TEST(a_server_with_a_count_ends_after_that_many),
};
TEST_SUITE(app_server, cases);
