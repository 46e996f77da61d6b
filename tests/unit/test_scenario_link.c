/* Links: what paths become of their keys, in the short and the long form, and what is refused. */
#include "../lib/test.h"

#include "../../sim/scenario.h"

#include <stdio.h>
#include <string.h>

#define HOSTS "scenario: 1\nhosts: {a: {}, b: {}, c: {}}\n"

static struct scenario *load(const char *links, char *err, size_t cap)
{
	char text[2000];

	snprintf(text, sizeof(text), HOSTS "links:\n%s\n", links);
	return scenario_parse("f.yaml", text, strlen(text), NULL, err, cap);
}

static void a_direction_changes_what_the_link_says(void)
{
	char err[600];
	struct scenario *sc = load("  - between: [b, a]\n"
				   "    rate: 10mbit\n"
				   "    delay: 5ms\n"
				   "    b->a: {rate: 1mbit, loss: {model: gilbert-elliott, p: 1%, r: 30%}}\n"
				   "    a->b: {delay: {mean: 20ms, jitter: 1ms}, queue: 64kB codel ecn}\n",
				   err, sizeof(err));

	CU_ASSERT_PTR_NOT_NULL_FATAL(sc);
	const struct path_spec *ba = &sc->link[0].dir[0], *ab = &sc->link[0].dir[1];

	CU_ASSERT_STRING_EQUAL(sc->link[0].name, "link1");
	CU_ASSERT_EQUAL(ba->rate_bps, 1000000);
	CU_ASSERT_EQUAL(ab->rate_bps, 10000000);
	CU_ASSERT_EQUAL(ba->loss.model, LOSS_GILBERT_ELLIOTT);
	CU_ASSERT_EQUAL(ba->loss.r, 300000000);
	CU_ASSERT_EQUAL(ba->loss.loss_bad, PPB_ONE);
	CU_ASSERT_EQUAL(ab->loss.model, LOSS_NONE);
	CU_ASSERT_EQUAL(ab->delay.shape, DELAY_UNIFORM);
	CU_ASSERT_EQUAL(ab->queue.kind, QUEUE_CODEL);
	CU_ASSERT_TRUE(ab->queue.ecn);
	CU_ASSERT_EQUAL(ba->rtt, 25 * MS);
	CU_ASSERT_EQUAL(sc->host[0].link, 0);
	CU_ASSERT_EQUAL(sc->host[0].side, 1);
	CU_ASSERT_EQUAL(sc->host[2].link, UINT32_MAX);
	scenario_free(sc);
}

static void short_words_and_mappings_say_the_same(void)
{
	static const char *const pairs[][2] = {
		{"loss: 2%", "loss: {model: random, p: 2%}"},
		{"loss: gemodel 1% 20% 90% 0.1%",
		 "loss: {model: gilbert-elliott, p: 1%, r: 20%, loss_bad: 90%, loss_good: 0.1%}"},
		{"loss: every 7", "loss: {model: periodic, every: 7}"},
		{"loss: number 2 5", "loss: {model: numbers, numbers: [2, 5]}"},
		{"delay: 10ms 2ms normal ordered",
		 "delay: {mean: 10ms, jitter: 2ms, distribution: normal, keep_order: true}"},
		{"reorder: 2% distance 5 by 1ms", "reorder: {p: 2%, distance: 5, by: 1ms}"},
		{"duplicate: 1% by 2ms", "duplicate: {p: 1%, by: 2ms}"},
		{"corrupt: 1% burst repaired", "corrupt: {p: 1%, kind: burst, checksum: repaired}"},
		{"impair: 'rate 1mbit, queue 10 red, mtu 1000 silent'",
		 "rate: 1mbit, queue: {limit: 10, type: red}, path_mtu: 1000, black_hole: true"},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		char words[2][400], err[600], link[400];

		for (int k = 0; k < 2; k++) {
			snprintf(link, sizeof(link), "  - {between: [a, b], %s}", pairs[i][k]);
			struct scenario *sc = load(link, err, sizeof(err));

			if (!sc)
				CU_FAIL_FATAL(err);
			path_spec_print(words[k], sizeof(words[k]), &sc->link[0].dir[0]);
			scenario_free(sc);
		}
		CU_ASSERT_STRING_EQUAL(words[0], words[1]);
	}
}

static void wrong_links_are_refused(void)
{
	static const struct {
		const char *link, *message;
	} rows[] = {
		{"  - {delay: 1ms}", "got a link without `between`"},
		{"  - {between: [a]}", "got 1 hosts, expected two"},
		{"  - {between: [a, x]}", "got `x`, expected the name of a host"},
		{"  - {between: [a, a]}", "has a link already"},
		{"  - {between: [a, b]}\n  - {between: [b, c]}", "has a link already"},
		{"  - {between: [a, b], los: 1%}", "f.yaml:4:23: got the key `los`, expected perhaps `loss`"},
		{"  - {between: [a, b], a->c: {}}", "got the key `a->c`, expected perhaps `a->b`"},
		{"  - {between: [a, b], rate: 0mbit}", "f.yaml:4:29: rate: got `0mbit`"},
		{"  - {between: [a, b], rate: fast}", "rate: got `fast`"},
		{"  - {between: [a, b], mtu: 0}", "mtu: got `0`, expected 68 to 65535"},
		{"  - {between: [a, b], mtu: 67}", "mtu: got `67`"},
		{"  - {between: [a, b], path_mtu: 0}", "path_mtu: got `0`"},
		{"  - {between: [a, b], delay: -1ms}", "delay: got `-1ms`"},
		{"  - {between: [a, b], delay: {mean: 1ms, jitter: 1ms, distribution: constant}}",
		 "got jitter with a constant distribution"},
		{"  - {between: [a, b], loss: -0.1%}", "loss: got `-0.1%`"},
		{"  - {between: [a, b], loss: '1%, delay 5ms'}", "expected one clause"},
		{"  - {between: [a, b], loss: {p: 1%}}", "got no `model`"},
		{"  - {between: [a, b], loss: {model: periodic}}", "got no `every`"},
		{"  - {between: [a, b], loss: {model: numbers}}", "got no `numbers`"},
		{"  - {between: [a, b], loss: {model: numbers, numbers: [3, 3]}}", "expected numbers from 1"},
		{"  - {between: [a, b], loss: {model: random, p: 1%, from: 2s, until: 1s}}", "an empty span"},
		{"  - {between: [a, b], loss: {model: four-state, p13: 60%, p14: 60%}}", "p13 + p14"},
		{"  - {between: [a, b], queue: {type: cake}}", "got `cake`, expected one of: droptail"},
		{"  - {between: [a, b], queue: {limit: 0}}", "limit: got `0`"},
		{"  - {between: [a, b], corrupt: {checksum: fine}}", "got `fine`"},
		{"  - {name: x, between: [a, b]}\n  - {name: x, between: [a, c]}", "has a link already"},
		{"  - {name: 'x/y', between: [a, b]}", "expected a name"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char err[600];
		struct scenario *sc = load(rows[i].link, err, sizeof(err));

		if (sc || !strstr(err, rows[i].message)) {
			printf("\n%s\n  gave: %s\n", rows[i].link, sc ? "nothing" : err);
			CU_FAIL("not refused so");
		}
		scenario_free(sc);
	}
}

static const struct test_case cases[] = {
	TEST(a_direction_changes_what_the_link_says),
	TEST(short_words_and_mappings_say_the_same),
	TEST(wrong_links_are_refused),
};
TEST_SUITE(scenario_link, cases);
