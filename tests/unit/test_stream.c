/* How streams end, and what is told of it. */
#include "../lib/hostpair.h"
#include "../lib/test.h"

#include <stdlib.h>
#include <string.h>

#define PORT 99

/* A server that does one thing when a connection opens, and reads or not. */
enum manners { ABORTS, IGNORES, SAYS_GARBAGE, ENDS_AT_ONCE };

struct rude {
	struct app app;
	enum manners manners;
};

static int rude_start(struct app *a, ns_t now)
{
	(void)now;
	return host_listen(a->host, a, NULL, PORT, NULL, NULL, NULL);
}

static void rude_event(struct app *a, struct stream *s, uint32_t bits, ns_t now)
{
	(void)now;
	if (!(bits & STREAM_OPEN))
		return;
	switch (((struct rude *)a)->manners) {
	case ABORTS:
		stream_abort(s);
		break;
	case SAYS_GARBAGE:
		stream_write(s, "220 mail.example ESMTP ready\r\n", 30);
		break;
	case ENDS_AT_ONCE:
		stream_close(s);
		break;
	case IGNORES:
		break;
	}
}

static const struct app_ops rude_ops = {.name = "rude", .start = rude_start, .event = rude_event};

static struct app *rude(enum manners m)
{
	struct rude *r = calloc(1, sizeof(*r));

	r->app.ops = &rude_ops;
	r->manners = m;
	return &r->app;
}

static void a_client_hears_how_its_connection_ended(void)
{
	static const struct {
		const char *name;
		bool serve, tls;
		enum manners manners;
		enum stream_verdict verdict;
		int code;
		const char *words;
	} rows[] = {
		{"nobody listens", false, false, 0, STREAM_REFUSED, 1, "refused"},
		{"the server aborts", true, false, ABORTS, STREAM_RESET, 1, "reset"},
		{"the server ends in order", true, false, ENDS_AT_ONCE, STREAM_CLEAN, 0, ""},
		{"TLS to a server of mail", true, true, SAYS_GARBAGE, STREAM_TLS_ERROR, 3, "TLS"},
		{"TLS to a server that ends", true, true, ENDS_AT_ONCE, STREAM_TRUNCATED, 4, "handshake"},
		{"TLS to a server that is silent", true, true, IGNORES, STREAM_TIMEOUT, 5, ""},
		{"TLS to a server that aborts", true, true, ABORTS, STREAM_RESET, 1, "reset"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hostpair *p = hostpair_new(8, 0);
		struct talk t = {0};
		const char *why = "";
		enum stream_verdict v;

		if (rows[i].serve)
			host_add_app(p->host[SERVER], rude(rows[i].manners));
		hostpair_run(p, 0);
		talk_start(p, &t, PORT, rows[i].tls ? hostpair_tls(p, CLIENT) : NULL, "", true);
		hostpair_run(p, 30 * SEC);
		v = app_pipe_verdict(t.app, &why);

		CU_ASSERT_EQUAL(v, rows[i].verdict);
		CU_ASSERT_EQUAL(stream_exit_code(v), rows[i].code);
		CU_ASSERT_PTR_NOT_NULL(strstr(why, rows[i].words));
		if (v != rows[i].verdict || !strstr(why, rows[i].words))
			printf("%s: %s, '%s'\n", rows[i].name, stream_verdict_name(v), why);
		hostpair_free(p);
	}
}

static void nobody_at_the_address_is_unreachable(void)
{
	struct hostpair *p = hostpair_new(8, 0);
	struct talk t = {0};
	const char *why = "";

	p->addr[SERVER] = addr_v4(0x0a000009);
	talk_start(p, &t, PORT, NULL, "", true);
	hostpair_run(p, 1000 * SEC);

	CU_ASSERT_EQUAL(app_pipe_verdict(t.app, &why), STREAM_UNREACHABLE);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "10.0.0.9:99"));
	CU_ASSERT_TRUE(p->now < 10 * SEC);
	CU_ASSERT_TRUE(host_finished(p->host[CLIENT]));
	hostpair_free(p);
}

static void a_close_does_not_wait_for_ever_for_the_peer(void)
{
	struct hostpair *p = hostpair_new(8, 0);
	struct talk t = {0};
	const char *why = "";

	host_add_app(p->host[SERVER], rude(IGNORES));
	hostpair_run(p, 0);
	talk_start(p, &t, PORT, NULL, "", false);
	hostpair_run(p, SEC);
	host_stop(p->host[CLIENT]);
	hostpair_run(p, 10 * SEC);

	CU_ASSERT_EQUAL(app_pipe_verdict(t.app, &why), STREAM_CLEAN_NOTE);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "2 s"));
	CU_ASSERT_TRUE(host_finished(p->host[CLIENT]));
	hostpair_free(p);
}

static char keys[2][256];
static int nkeys[2];

static void keep_key(void *arg, const char *line)
{
	int side = *(int *)arg;

	nkeys[side]++;
	strncpy(keys[side], line, sizeof(keys[side]) - 1);
}

static void both_ends_tell_the_same_keys_once(void)
{
	struct hostpair *p = hostpair_new(8, 0);
	struct serve_config cfg = {.port = PORT, .tls = hostpair_tls(p, SERVER)};
	struct talk t = {0};
	int sides[] = {0, 1};

	nkeys[0] = nkeys[1] = 0;
	for (int i = 0; i < 2; i++) {
		p->host[i]->keylog = keep_key;
		p->host[i]->keylog_arg = &sides[i];
	}
	host_add_app(p->host[SERVER], app_echo(&cfg));
	hostpair_run(p, 0);
	talk_start(p, &t, PORT, hostpair_tls(p, CLIENT), "hello", true);
	hostpair_run(p, 100 * SEC);

	CU_ASSERT_EQUAL(app_pipe_verdict(t.app, NULL), STREAM_CLEAN);
	CU_ASSERT_EQUAL(t.n, 5);
	CU_ASSERT_EQUAL(nkeys[0], 1);
	CU_ASSERT_EQUAL(nkeys[1], 1);
	CU_ASSERT_STRING_EQUAL(keys[0], keys[1]);
	CU_ASSERT_EQUAL(strncmp(keys[0], "CLIENT_RANDOM ", 14), 0);
	hostpair_free(p);
}

static void each_verdict_has_a_name_and_an_exit_code(void)
{
	for (enum stream_verdict v = 0; v < STREAM_VERDICTS; v++) {
		CU_ASSERT_TRUE(strlen(stream_verdict_name(v)) > 3);
		CU_ASSERT_TRUE(stream_exit_code(v) >= 0 && stream_exit_code(v) <= 5);
		CU_ASSERT_EQUAL(stream_exit_code(v) == 0, v == STREAM_CLEAN || v == STREAM_CLEAN_NOTE);
	}
}

static const struct test_case cases[] = {
	TEST(a_client_hears_how_its_connection_ended),
	TEST(nobody_at_the_address_is_unreachable),
	TEST(a_close_does_not_wait_for_ever_for_the_peer),
	TEST(both_ends_tell_the_same_keys_once),
	TEST(each_verdict_has_a_name_and_an_exit_code),
};
TEST_SUITE(stream, cases);
