/* Worlds: time, determinism, what runs end in, and what the guards see. */
#include "../lib/test.h"

#include "../../sim/report.h"
#include "../../stack/base/check.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOSTS                                                                                      \
	"scenario: 1\nhosts: {client: {}, server: {}}\n"
#define LINK "links: [{name: wire, between: [client, server], rate: 10mbit, delay: 10ms, queue: 200}]\n"

static struct scenario *scenario_of(const char *text)
{
	char err[600];
	struct scenario *sc = scenario_parse("test.yaml", text, strlen(text), NULL, err, sizeof(err));

	if (!sc)
		CU_FAIL_FATAL(err);
	return sc;
}

static struct world *world_of(const struct scenario *sc, const char *out)
{
	struct world_options opt = {.check = CHECK_ALWAYS, .out = out};
	char err[600];
	struct world *w = world_new(sc, &opt, err, sizeof(err));

	if (!w)
		CU_FAIL_FATAL(err);
	return w;
}

struct outcome {
	uint64_t hash, events;
	struct path_counters total;
	struct flow_figures figures;
	ns_t now;
	bool as_expected, ok;
};

static struct outcome run(const char *text, uint64_t seed, const char *out)
{
	struct outcome o;
	struct scenario *sc = scenario_of(text);
	char err[600];

	sc->seed = seed;
	struct world *w = world_of(sc, out);

	if (!world_run(w))
		CU_FAIL(w->broken);
	CU_ASSERT_TRUE(world_close(w, err, sizeof(err)));
	if (out && !report_write(w, out, err, sizeof(err)))
		CU_FAIL(err);
	o = (struct outcome){.hash = w->hash,
			     .events = w->events,
			     .total = world_totals(w),
			     .now = w->now,
			     .as_expected = run_as_expected(w),
			     .ok = w->nflows > 0 && flow_ok(&w->flow[0])};
	if (w->nflows > 0)
		flow_figures(w, 0, &o.figures);
	world_free(w);
	scenario_free(sc);
	return o;
}

#define LOSSY                                                                                      \
	HOSTS "links: [{name: wire, between: [client, server], rate: 10mbit, delay: 10ms, loss: 5%, " \
	      "reorder: 1%, duplicate: 1%, corrupt: 1%}]\n"                                        \
	"stop: 100s\n"                                                                             \
	"traffic: [{from: client, to: 'server:80', send: 200kB, receive: 100kB}]\n"

static void a_seed_gives_the_same_run_and_another_seed_another(void)
{
	struct outcome a = run(LOSSY, 1, NULL), b = run(LOSSY, 1, NULL), c = run(LOSSY, 2, NULL);

	CU_ASSERT_TRUE(a.ok && c.ok);
	CU_ASSERT_EQUAL(a.hash, b.hash);
	CU_ASSERT_EQUAL(a.events, b.events);
	CU_ASSERT_NOT_EQUAL(a.hash, c.hash);
	CU_ASSERT_TRUE(a.total.lost > 3 && a.total.duplicated > 0 && a.total.corrupted > 0);
}

static void a_clean_run_takes_the_time_that_its_bytes_need(void)
{
	struct outcome o = run(HOSTS LINK "traffic: [{from: client, to: 'server:80', send: 1MB}]\n", 1,
			       NULL);

	/* 691 segments of 1,514 bytes at 10 Mbit/s are 837 ms; 3 half round trips and slow start. */
	CU_ASSERT_TRUE(o.ok);
	CU_ASSERT_EQUAL(o.figures.retransmissions, 0);
	CU_ASSERT_EQUAL(o.figures.bytes, 1000000);
	CU_ASSERT_TRUE(o.figures.end > 867 * MS && o.figures.end < 950 * MS);
	CU_ASSERT_EQUAL(o.figures.client_state, TCP_TIME_WAIT);
	CU_ASSERT_EQUAL(o.figures.server_state, TCP_CLOSED);
	CU_ASSERT_EQUAL(o.total.inside, 0);
	/* The shortest round trip: 20 ms and the transmission of a segment and an ACK. */
	CU_ASSERT_TRUE(o.figures.rtt_min >= 20 * MS && o.figures.rtt_min < 22 * MS);
	CU_ASSERT_TRUE(o.figures.rtt_median <= o.figures.rtt_p95);
	CU_ASSERT_TRUE(o.figures.rtt_p95 <= o.figures.rtt_max);
}

static void a_run_ends_at_its_stop(void)
{
	struct outcome o = run(HOSTS LINK "stop: 500ms\n"
				     "traffic: [{from: client, to: 'server:80', send: 1GB}]\n",
			       1, NULL);

	CU_ASSERT_FALSE(o.ok);
	CU_ASSERT_FALSE(o.as_expected);
	CU_ASSERT_EQUAL(o.now, 500 * MS);
}

static void expectations_judge(void)
{
	struct outcome good = run(HOSTS LINK "traffic: [{from: client, to: 'server:80', send: 10kB}]\n"
					"expect: [{flow: 1, done: true, bytes: 10kB}, {lost: 0}]\n", 1,
				  NULL);
	struct outcome bad = run(HOSTS LINK "traffic: [{from: client, to: 'server:80', send: 10kB}]\n"
				       "expect: [{flow: 1, done: true}, {lost: {at_least: 1}}]\n", 1,
				 NULL);

	CU_ASSERT_TRUE(good.as_expected);
	CU_ASSERT_FALSE(bad.as_expected);
}

static void a_named_loss_and_a_cut_do_what_they_say(void)
{
	struct outcome syn = run(HOSTS LINK "traffic: [{from: client, to: 'server:80', send: 10kB}]\n"
				       "events: [{on: server.syn_ack, do: drop}]\n", 1, NULL);
	struct outcome cut = run(HOSTS LINK "traffic: [{from: client, to: 'server:80', send: 1MB}]\n"
				       "events: [{at: 300ms, link: wire, down: 1s}]\n", 1, NULL);

	CU_ASSERT_TRUE(syn.ok && cut.ok);
	CU_ASSERT_EQUAL(syn.total.lost, 1);
	CU_ASSERT_TRUE(syn.figures.end > 1 * SEC);
	CU_ASSERT_TRUE(cut.total.lost > 1 && cut.figures.timeouts > 0);
	CU_ASSERT_TRUE(cut.figures.end > 1300 * MS);
}

static void a_host_that_nobody_hears_gives_up(void)
{
	/* No link: ARP has no answer. */
	struct outcome o = run("scenario: 1\nhosts: {client: {}, server: {}}\n"
			       "links: [{between: [client, server], loss: 100%}]\nstop: 1h\n"
			       "traffic: [{from: client, to: 'server:80', send: 1kB}]\n", 1, NULL);

	CU_ASSERT_FALSE(o.ok);
	CU_ASSERT_TRUE(o.figures.by_cause[WHY_SYN] >= 5);
}

/* ---- files ---- */

static bool same_files(const char *a, const char *b)
{
	char command[300];

	snprintf(command, sizeof(command), "diff -r %s %s > /dev/null", a, b);
	return system(command) == 0;
}

static void make_dirs(char dir[64])
{
	char sub[100];

	strcpy(dir, "/tmp/tapir-world-XXXXXX");
	if (!mkdtemp(dir))
		CU_FAIL_FATAL("mkdtemp");
	snprintf(sub, sizeof(sub), "%s/series", dir);
	mkdir(sub, 0700);
	snprintf(sub, sizeof(sub), "%s/plots", dir);
	mkdir(sub, 0700);
}

static void remove_dirs(const char *dir)
{
	char command[100];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	CU_ASSERT_EQUAL(system(command), 0);
}

static uint64_t size_of(const char *dir, const char *name)
{
	char file[200];
	struct stat st;

	snprintf(file, sizeof(file), "%s/%s", dir, name);
	return stat(file, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void equal_runs_write_equal_files_and_watching_changes_nothing(void)
{
	char one[64], two[64];
	struct outcome a, b, unwatched = run(LOSSY, 3, NULL);

	make_dirs(one);
	make_dirs(two);
	a = run(LOSSY, 3, one);
	b = run(LOSSY, 3, two);

	CU_ASSERT_TRUE(same_files(one, two));
	CU_ASSERT_EQUAL(a.hash, unwatched.hash);
	CU_ASSERT_EQUAL(b.events, unwatched.events);
	CU_ASSERT_TRUE(size_of(one, "client.pcapng") > 200000);
	CU_ASSERT_TRUE(size_of(one, "link.pcapng") > size_of(one, "client.pcapng"));
	CU_ASSERT_TRUE(size_of(one, "series/flow-1-client.csv") > 1000);
	CU_ASSERT_TRUE(size_of(one, "plots/flow-1-cwnd.svg") > 1000);
	CU_ASSERT_TRUE(size_of(one, "summary.json") > 500);
	CU_ASSERT_TRUE(size_of(one, "report.txt") > 300);
	remove_dirs(one);
	remove_dirs(two);
}

static void tls_runs_repeat_too(void)
{
	static const char text[] =
		HOSTS LINK "traffic: [{from: client, to: 'server:443', send: 50kB, receive: 50kB,\n"
			   "  tls: {verify: mutual, pki: sim/scenarios/pki}}]\n";
	struct outcome a = run(text, 1, NULL), b = run(text, 1, NULL), c = run(text, 2, NULL);

	CU_ASSERT_TRUE(a.ok);
	CU_ASSERT_EQUAL(a.hash, b.hash);
	CU_ASSERT_NOT_EQUAL(a.hash, c.hash);
}

static void a_missing_certificate_is_told(void)
{
	struct world_options opt = {.check = CHECK_ALWAYS};
	struct scenario *sc = scenario_of(
		HOSTS LINK "traffic: [{from: client, to: 'server:443', send: 1kB, tls: {pki: nowhere}}]\n");
	char err[600];

	CU_ASSERT_PTR_NULL(world_new(sc, &opt, err, sizeof(err)));
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "nowhere/ca.pem"));
	scenario_free(sc);
}

static const struct test_case cases[] = {
	TEST(a_seed_gives_the_same_run_and_another_seed_another),
	TEST(a_clean_run_takes_the_time_that_its_bytes_need),
	TEST(a_run_ends_at_its_stop),
	TEST(expectations_judge),
	TEST(a_named_loss_and_a_cut_do_what_they_say),
	TEST(a_host_that_nobody_hears_gives_up),
	TEST(equal_runs_write_equal_files_and_watching_changes_nothing),
	TEST(tls_runs_repeat_too),
	TEST(a_missing_certificate_is_told),
};
TEST_SUITE(world, cases);
