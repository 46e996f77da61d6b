/* Requests as text, and what the server of files answers. */
#include "../lib/hostpair.h"
#include "../lib/test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PORT 80

static char root[64];

static void put_file(const char *name, const void *bytes, size_t len)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fwrite(bytes, 1, len, f);
	fclose(f);
}

static struct hostpair *begin(void)
{
	struct hostpair *p = hostpair_new(8, 0);
	struct serve_config cfg = {.port = PORT};
	char err[200];
	struct app *a;
	char sub[80];

	strcpy(root, "/tmp/tapir-http-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(root));
	put_file("index.html", "front", 5);
	put_file("a.txt", "text", 4);
	snprintf(sub, sizeof(sub), "%s/sub", root);
	mkdir(sub, 0700);
	cfg.root = root;
	a = app_http(&cfg, err, sizeof(err));
	CU_ASSERT_PTR_NOT_NULL_FATAL(a);
	host_add_app(p->host[SERVER], a);
	hostpair_run(p, 0);
	return p;
}

static void end(struct hostpair *p)
{
	static const char *const names[] = {"index.html", "a.txt", "big", "sub", ""};
	char path[256];

	hostpair_free(p);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", root, names[i]);
		remove(path);
	}
}

static void each_request_has_its_answer(void)
{
	static const struct {
		const char *request, *status, *body; /* body: the end of what comes */
	} rows[] = {
		{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK", "\r\n\r\nfront"},
		{"GET /a.txt HTTP/1.1\r\nhost:x\r\n\r\n", "200 OK", "\r\n\r\ntext"},
		{"GET /a%2Etxt?q#f HTTP/1.0\r\n\r\n", "200 OK", "\r\n\r\ntext"},
		{"GET /a.txt HTTP/1.1\nHost: x\n\n", "200 OK", "\r\n\r\ntext"},
		{"\r\n\r\nGET /a.txt HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK", "\r\n\r\ntext"},
		{"HEAD /a.txt HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK", "Content-Length: 4\r\nConnection: keep-alive\r\n\r\n"},
		{"GET /none HTTP/1.1\r\nHost: x\r\n\r\n", "404 Not Found", "404 Not Found\n"},
		{"HEAD /none HTTP/1.1\r\nHost: x\r\n\r\n", "404 Not Found", "\r\n\r\n"},
		{"GET /sub/ HTTP/1.1\r\nHost: x\r\n\r\n", "404 Not Found", "\n"},
		{"GET /../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", "404 Not Found", "\n"},
		{"GET /sub/../../../../../../../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", "404 Not Found", "\n"},
		{"GET /%2e%2e/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", "404 Not Found", "\n"},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab", "405 Method Not Allowed", "\n"},
		{"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", "405 Method Not Allowed", "\n"},
		{"GET / HTTP/1.1\r\n\r\n", "400 Bad Request", "\n"},
		{"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "400 Bad Request", "\n"},
		{"GET / HTTP/1.1\r\nHost : x\r\n\r\n", "400 Bad Request", "\n"},
		{"GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", "400 Bad Request", "\n"},
		{"GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n", "400 Bad Request", "\n"},
		{"GET /%4 HTTP/1.1\r\nHost: x\r\n\r\n", "400 Bad Request", "\n"},
		{"GET a.txt HTTP/1.1\r\nHost: x\r\n\r\n", "400 Bad Request", "\n"},
		{"GET /\r\n\r\n", "400 Bad Request", "\n"},
		{"GET / HTTP/2.0\r\nHost: x\r\n\r\n", "505 HTTP Version Not Supported", "\n"},
		{"nonsense\r\n\r\n", "400 Bad Request", "\n"},
	};
	struct hostpair *p = begin();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct talk t = {0};
		size_t n = strlen(rows[i].status), b = strlen(rows[i].body);
		bool ok;

		talk_start(p, &t, PORT, NULL, rows[i].request, true);
		hostpair_run(p, p->now + 5 * SEC);
		ok = t.n > 9 + n && memcmp(t.heard, "HTTP/1.1 ", 9) == 0 &&
		     memcmp(t.heard + 9, rows[i].status, n) == 0 &&
		     memcmp(t.heard + t.n - b, rows[i].body, b) == 0;
		CU_ASSERT_TRUE(ok);
		if (!ok)
			printf("%s gave\n%.*s\n", rows[i].request, (int)t.n, t.heard);
	}
	end(p);
}

static void requests_in_one_piece_are_answered_in_order(void)
{
	struct hostpair *p = begin();
	struct talk t = {0};
	const char *first, *second;

	talk_start(p, &t, PORT, NULL,
		   "GET /a.txt HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
		   "GET /a.txt HTTP/1.1\r\nHost: x\r\n\r\n", false);
	hostpair_run(p, 5 * SEC);
	t.heard[t.n] = '\0';
	first = strstr(t.heard, "\r\n\r\ntextHTTP/1.1 200 OK");
	second = first ? strstr(first, "\r\n\r\nfront") : NULL;

	CU_ASSERT_PTR_NOT_NULL(first);
	CU_ASSERT_TRUE(second && second[9] == '\0'); /* nothing behind Connection: close */
	CU_ASSERT_EQUAL(app_pipe_verdict(t.app, NULL), STREAM_GOING_ON); /* our end is still open */
	app_pipe_eof(t.app);
	hostpair_run(p, 10 * SEC);
	CU_ASSERT_TRUE(host_finished(p->host[CLIENT]));
	end(p);
}

static void a_request_may_come_byte_by_byte(void)
{
	static const char request[] = "GET /a.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	struct hostpair *p = begin();
	struct talk t = {0};

	talk_start(p, &t, PORT, NULL, "", false);
	for (size_t i = 0; i < strlen(request); i++) {
		CU_ASSERT_EQUAL(t.n, 0);
		app_pipe_push(t.app, request + i, 1);
		hostpair_run(p, p->now + 50 * MS); /* each byte waits for the last one's ACK */
	}
	t.heard[t.n] = '\0';
	CU_ASSERT_PTR_NOT_NULL(strstr(t.heard, "\r\n\r\ntext"));
	end(p);
}

static void a_large_file_waits_for_a_slow_reader(void)
{
	struct hostpair *p = begin();
	struct talk t = {.refuse = 30000};
	char *big = malloc(60000);

	pattern_fill(1, 0, big, 60000);
	put_file("big", big, 60000);
	talk_start(p, &t, PORT, NULL, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n", false);
	hostpair_run(p, SEC);
	CU_ASSERT_EQUAL(t.n, 30000);
	t.refuse = 0;
	app_pipe_writable(t.app);
	hostpair_run(p, 2 * SEC);

	CU_ASSERT_TRUE(t.n > 60000);
	CU_ASSERT_EQUAL(memcmp(t.heard + t.n - 60000, big, 60000), 0);
	free(big);
	end(p);
}

static void a_head_without_end_is_refused(void)
{
	struct hostpair *p = begin();
	struct talk t = {0};
	char *long_head = malloc(9000);

	memset(long_head, 'x', 8999);
	memcpy(long_head, "GET / HTTP/1.1\r\nX: ", 19);
	long_head[8999] = '\0';
	talk_start(p, &t, PORT, NULL, long_head, true);
	hostpair_run(p, 10 * SEC);

	CU_ASSERT_EQUAL(memcmp(t.heard, "HTTP/1.1 431 ", 13), 0);
	CU_ASSERT_TRUE(host_finished(p->host[CLIENT]));
	free(long_head);
	end(p);
}

static void an_idle_connection_is_ended_after_a_minute(void)
{
	struct hostpair *p = begin();
	struct talk t = {0};

	talk_start(p, &t, PORT, NULL, "GET /a.txt HTTP/1.1\r\nHost: x\r\n\r\nGET /a.t", false);
	hostpair_run(p, 59 * SEC);
	CU_ASSERT_EQUAL(p->host[SERVER]->next_stream_id, 1);
	CU_ASSERT_FALSE(list_empty(&p->host[SERVER]->streams));
	hostpair_run(p, 63 * SEC);

	CU_ASSERT_TRUE(list_empty(&p->host[SERVER]->streams));
	end(p);
}

static void many_requests_at_once_are_all_answered(void)
{
	struct hostpair *p = begin();
	struct talk t = {0};
	char text[8000] = "";
	size_t answers = 0;

	for (int i = 0; i < 200; i++)
		strcat(text, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
	talk_start(p, &t, PORT, NULL, text, true);
	hostpair_run(p, 10 * SEC);
	t.heard[t.n] = '\0';
	for (const char *at = t.heard; (at = strstr(at, "200 OK")) != NULL; at++)
		answers++;

	CU_ASSERT_EQUAL(answers, 200);
	CU_ASSERT_EQUAL(app_pipe_verdict(t.app, NULL), STREAM_CLEAN);
	end(p);
}

static const struct test_case cases[] = {
	TEST(an_idle_connection_is_ended_after_a_minute),
	TEST(many_requests_at_once_are_all_answered),
	TEST(each_request_has_its_answer),
	TEST(requests_in_one_piece_are_answered_in_order),
	TEST(a_request_may_come_byte_by_byte),
	TEST(a_large_file_waits_for_a_slow_reader),
	TEST(a_head_without_end_is_refused),
};
TEST_SUITE(app_http, cases);
