/* Known traps are told; a sound scenario is not scolded. */
#include "../lib/test.h"

#include "../../sim/scenario.h"

#include <stdlib.h>
#include <string.h>

static int lint(const char *client_tcp, const char *link, const char *traffic, char **text)
{
	char yaml[2000], err[600];
	size_t len;

	snprintf(yaml, sizeof(yaml),
		 "scenario: 1\nhosts: {client: {tcp: {%s}}, server: {}}\n"
		 "links: [{between: [client, server], %s}]\n%s\n",
		 client_tcp, link, traffic);
	struct scenario *sc = scenario_parse("f.yaml", yaml, strlen(yaml), NULL, err, sizeof(err));

	if (!sc)
		CU_FAIL_FATAL(err);
	FILE *f = open_memstream(text, &len);
	int n = scenario_lint(f, sc);

	fclose(f);
	scenario_free(sc);
	return n;
}

#define FLOW "traffic: [{from: client, to: 'server:80', send: 1MB}]"

static void traps_are_told(void)
{
	static const struct {
		const char *tcp, *link, *traffic, *warning;
	} rows[] = {
		{"min_rto: 40ms", "delay: 1ms", FLOW, "is not above the delayed-ACK timer of server (40ms)"},
		{"init_rto: 50ms", "delay: 30ms", FLOW, "the SYN is resent needlessly"},
		{"iw: 10", "rate: 10mbit, queue: 5", FLOW, "smaller than its initial window"},
		{"", "rate: 10gbit, delay: 50ms", FLOW, "the window limits, not the link"},
		{"", "delay: 10ms 1ms", FLOW, "lets frames overtake each other"},
		{"", "path_mtu: 1280, black_hole: true", FLOW, "large segments never arrive"},
		{"", "queue: {type: codel}", FLOW, "before an unlimited rate"},
		{"", "delay: 1ms", "traffic: []", "there is no traffic"},
		{"", "delay: 1ms", FLOW "\nstop: 2s", "less than three initial timeouts"},
		{"", "delay: 1ms", "traffic: [{at: 61s, from: client, to: 'server:80', send: 1MB}]",
		 "begins after the end"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = NULL;

		CU_ASSERT_TRUE(lint(rows[i].tcp, rows[i].link, rows[i].traffic, &text) > 0);
		if (!strstr(text, rows[i].warning)) {
			printf("%s: %s\n", rows[i].warning, text);
			CU_FAIL("not told");
		}
		free(text);
	}
}

static void a_sound_scenario_is_left_alone(void)
{
	char *text = NULL;

	CU_ASSERT_EQUAL(lint("", "rate: 10mbit, delay: 10ms, queue: 100", FLOW, &text), 0);
	CU_ASSERT_STRING_EQUAL(text, "");
	free(text);
}

static const struct test_case cases[] = {
	TEST(traps_are_told),
	TEST(a_sound_scenario_is_left_alone),
};
TEST_SUITE(scenario_lint, cases);
