/* Events and expectations: read, refused, and what holds after a change. */
#include "../lib/test.h"

#include "../../sim/scenario.h"

#include <stdio.h>
#include <string.h>

#define BASE                                                                                       \
	"scenario: 1\nhosts: {a: {}, b: {}, lone: {}}\n"                                           \
	"links: [{name: l, between: [a, b], rate: 10mbit, delay: 10ms}]\n"                         \
	"traffic: [{from: a, to: 'b:80', send: 1MB, repeat: 3}]\n"

static struct scenario *load(const char *more, char *err, size_t cap)
{
	char text[2000];

	snprintf(text, sizeof(text), BASE "%s\n", more);
	return scenario_parse("f.yaml", text, strlen(text), NULL, err, cap);
}

static void changes_build_on_those_before(void)
{
	char err[600];
	struct scenario *sc = load("events:\n"
				   "  - {at: 1s, link: l, set: {delay: 50ms}}\n"
				   "  - {at: 2s, link: l, direction: b->a, set: {loss: 3%}}\n",
				   err, sizeof(err));

	if (!sc)
		CU_FAIL_FATAL(err);
	const struct scenario_event *e = &sc->event[1];

	CU_ASSERT_EQUAL(sc->nevents, 2);
	CU_ASSERT_FALSE(e->dir[0]);
	CU_ASSERT_TRUE(e->dir[1]);
	CU_ASSERT_EQUAL(e->spec[1].delay.mean, 50 * MS);
	CU_ASSERT_EQUAL(e->spec[1].loss.p, 30000000);
	CU_ASSERT_EQUAL(e->spec[1].rate_bps, 10000000);
	scenario_free(sc);
}

static void rules_go_to_the_path_of_their_sender(void)
{
	char err[600];
	struct scenario *sc = load("events:\n"
				   "  - {on: b.syn_ack, do: drop}\n"
				   "  - {on: a.data, number: 3..9, flow: 2, do: duplicate, by: 1ms}\n",
				   err, sizeof(err));

	if (!sc)
		CU_FAIL_FATAL(err);
	const struct path_spec *ab = &sc->link[0].dir[0], *ba = &sc->link[0].dir[1];

	CU_ASSERT_EQUAL(ba->nrules, 1);
	CU_ASSERT_EQUAL(ba->rule[0].what, RULE_SYN_ACK);
	CU_ASSERT_EQUAL(ba->rule[0].last, 1);
	CU_ASSERT_EQUAL(ab->nrules, 1);
	CU_ASSERT_EQUAL(ab->rule[0].first, 3);
	CU_ASSERT_EQUAL(ab->rule[0].last, 9);
	CU_ASSERT_EQUAL(ab->rule[0].flow, 2);
	CU_ASSERT_EQUAL(ab->rule[0].by, MS);
	scenario_free(sc);
}

static void expectations_have_bounds(void)
{
	char err[600], text[200];
	struct scenario *sc = load("expect:\n"
				   "  - {flow: 2, goodput: {within: [1mbit, 2mbit]}, timeouts: 0}\n"
				   "  - {duration: {at_most: 3s}, done: true, server_state: TIME-WAIT}\n",
				   err, sizeof(err));

	if (!sc)
		CU_FAIL_FATAL(err);
	CU_ASSERT_EQUAL(sc->nexpects, 5);
	CU_ASSERT_STRING_EQUAL(expect_print(text, sizeof(text), &sc->expect[0]),
			       "flow 2: goodput within 1mbit and 2mbit");
	CU_ASSERT_STRING_EQUAL(expect_print(text, sizeof(text), &sc->expect[1]), "flow 2: timeouts is 0");
	CU_ASSERT_STRING_EQUAL(expect_print(text, sizeof(text), &sc->expect[2]), "duration at most 3s");
	CU_ASSERT_STRING_EQUAL(expect_print(text, sizeof(text), &sc->expect[4]),
			       "server_state is TIME-WAIT");
	CU_ASSERT_EQUAL(sc->expect[4].lo, TCP_TIME_WAIT);
	scenario_free(sc);
}

static void wrong_events_and_expectations_are_refused(void)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{"events: [{link: l}]", "without `at` or `on`"},
		{"events: [{at: 1s}]", "without `link`"},
		{"events: [{at: 1s, link: x, down: 1s}]", "got `x`, expected the name of a link"},
		{"events: [{at: 1s, link: l}]", "got neither, expected one of `down` and `set`"},
		{"events: [{at: 1s, link: l, down: 1s, set: {}}]", "got both"},
		{"events: [{at: 1s, link: l, down: 0}]", "down: got 0"},
		{"events: [{at: 2s, link: l, down: 1s}, {at: 1s, link: l, down: 1s}]", "in order of time"},
		{"events: [{at: 1s, link: l, set: {queue: 5}}]", "got the key `queue`"},
		{"events: [{at: 1s, link: l, set: {rate: unlimited}}]", "a rate that comes or goes"},
		{"events: [{at: 1s, link: l, direction: a->c, down: 1s}]", "got `a->c`"},
		{"events: [{at: 1s, link: l, on: a.data, do: drop}]", "got the key"},
		{"events: [{on: data, do: drop}]", "expected HOST.WHAT"},
		{"events: [{on: a.dat, do: drop}]", "got `a.dat`"},
		{"events: [{on: c.data, do: drop}]", "got `c`"},
		{"events: [{on: lone.data, do: drop}]", "has no link"},
		{"events: [{on: a.data}]", "without `do`"},
		{"events: [{on: a.data, do: explode}]", "got `explode`"},
		{"events: [{on: a.data, number: 0, do: drop}]", "expected a number from 1"},
		{"events: [{on: a.data, number: 5..3, do: drop}]", "expected a number from 1"},
		{"events: [{on: a.data, number: 1..99999999999999999999, do: drop}]", "a number from 1"},
		{"events: [{on: a.data, do: delay}]", "without `by`"},
		{"events: [{on: a.data, do: drop, by: 1s}]", "got `by` with drop"},
		{"expect: [{flow: 4, timeouts: 0}]", "flow: got 4, expected 1 to 3"},
		{"expect: [{flow: 0, timeouts: 0}]", "flow: got `0`"},
		{"expect: [{timeout: 0}]", "expected perhaps `timeouts`"},
		{"expect: [{goodput: 5}]", "goodput: got `5`, expected a rate"},
		{"expect: [{goodput: {within: [1mbit]}}]", "got 1 values"},
		{"expect: [{goodput: {within: [2mbit, 1mbit]}}]", "an empty range"},
		{"expect: [{client_state: DOZING}]", "got `DOZING`, expected one of: CLOSED"},
		{"expect: [{done: {at_least: 1}}]", "expected true or false"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char err[600];
		struct scenario *sc = load(rows[i].text, err, sizeof(err));

		if (sc || !strstr(err, rows[i].message)) {
			printf("\n%s\n  gave: %s\n", rows[i].text, sc ? "nothing" : err);
			CU_FAIL("not refused so");
		}
		scenario_free(sc);
	}
}

static const struct test_case cases[] = {
	TEST(changes_build_on_those_before),
	TEST(rules_go_to_the_path_of_their_sender),
	TEST(expectations_have_bounds),
	TEST(wrong_events_and_expectations_are_refused),
};
TEST_SUITE(scenario_event, cases);
