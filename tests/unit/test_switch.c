/* Switches: frames find their way over several, nobody else gets them, and loops are refused. */
#include "../lib/test.h"

#include "../../sim/world.h"

#include <string.h>

#define NODES "scenario: 1\nhosts: {a: {}, b: {}, c: {}, d: {}}\nswitches: [s, t, u]\n"

static const char chain[] =
	NODES "links:\n"
	      "  - {name: as, between: [a, s], delay: 1ms}\n"
	      "  - {name: st, between: [s, t], delay: 1ms}\n"
	      "  - {name: ut, between: [u, t], delay: 1ms}\n"
	      "  - {name: bu, between: [b, u], delay: 1ms}\n"
	      "  - {name: cs, between: [s, c], delay: 1ms}\n"
	      "  - {name: td, between: [t, d], delay: 1ms}\n"
	      "traffic: [{from: a, to: 'b:80', send: 50kB}]\n";

static uint64_t delivered(const struct world *w, const char *link, int dir)
{
	for (uint32_t i = 0; i < w->sc->nlinks; i++)
		if (strcmp(w->sc->link[i].name, link) == 0)
			return path_counters(w->path[2 * i + (uint32_t)dir].path)->delivered;
	return UINT64_MAX;
}

static void frames_take_the_one_way(void)
{
	struct world_options opt = {.check = CHECK_ALWAYS};
	char err[600];
	struct scenario *sc = scenario_parse("t", chain, strlen(chain), NULL, err, sizeof(err));

	if (!sc)
		CU_FAIL_FATAL(err);
	struct world *w = world_new(sc, &opt, err, sizeof(err));

	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	CU_ASSERT_TRUE(world_run(w));
	CU_ASSERT_TRUE(flow_ok(&w->flow[0]));
	uint64_t n = delivered(w, "as", 0);

	CU_ASSERT_TRUE(n > 35);
	CU_ASSERT_EQUAL(delivered(w, "st", 0), n);
	CU_ASSERT_EQUAL(delivered(w, "ut", 1), n);
	CU_ASSERT_EQUAL(delivered(w, "bu", 1), n);
	/* Bystanders hear the one question for all (ARP), and say nothing. */
	CU_ASSERT_EQUAL(delivered(w, "cs", 0), 1);
	CU_ASSERT_EQUAL(delivered(w, "td", 0), 1);
	CU_ASSERT_EQUAL(delivered(w, "cs", 1), 0);
	world_free(w);
	scenario_free(sc);
}

static void what_cannot_work_is_refused(void)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{NODES "links: [{between: [s, t]}, {between: [t, u]}, {between: [u, s]}]\n", "closes a loop"},
		{NODES "links: [{between: [s, s]}]\n", "closes a loop"},
		{NODES "links: [{between: [a, s]}, {between: [a, t]}]\n", "has a link already"},
		{NODES "links: [{between: [a, s]}, {between: [b, t]}]\n"
		       "traffic: [{from: a, to: 'b:80', send: 1kB}]\n", "that nothing joins"},
		{NODES "links: [{between: [a, s]}]\ntraffic: [{from: s, to: 'a:80', send: 1kB}]\n",
		 "got the switch `s`, expected the name of a host"},
		{NODES "capture: {at: [s]}\n", "got the switch `s`"},
		{"scenario: 1\nhosts: {a: {}}\nswitches: [a]\n", "got a second node `a`"},
		{"scenario: 1\nhosts: {a: {}}\nswitches: a\n", "expected a list of names"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char err[600];
		struct scenario *sc = scenario_parse("t", rows[i].text, strlen(rows[i].text), NULL, err,
						     sizeof(err));

		if (sc || !strstr(err, rows[i].message)) {
			printf("%s%s\n", rows[i].text, sc ? "" : err);
			CU_FAIL("not refused so");
		}
		scenario_free(sc);
	}
}

static const struct test_case cases[] = {
	TEST(frames_take_the_one_way),
	TEST(what_cannot_work_is_refused),
};
TEST_SUITE(switch, cases);
