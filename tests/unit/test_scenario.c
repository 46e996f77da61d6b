/* Scenario files: what is refused, with its place and what was expected; what --set and sweeps do; and
 * that `show` reads back to the same. */
#include "../lib/test.h"

#include "../../sim/scenario.h"

#include <stdlib.h>
#include <string.h>

/* Lines 1 to 6 of most rows. */
#define HEAD                                                                                       \
	"scenario: 1\n"                                                                            \
	"hosts:\n"                                                                                 \
	"  a: {addr: 10.0.0.1/24}\n"                                                               \
	"  b: {addr: 10.0.0.2/24}\n"                                                               \
	"links:\n"                                                                                 \
	"  - {name: l, between: [a, b], rate: 10mbit, delay: 10ms}\n"
#define FLOW "traffic: [{from: a, to: 'b:80', send: 1MB}]\n"

static struct scenario *load(const char *text, const struct scenario_options *opt, char *err,
			     size_t cap)
{
	return scenario_parse("f.yaml", text, strlen(text), opt, err, cap);
}

struct row {
	const char *text, *message;
};

static void check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char err[600];
		struct scenario *sc = load(rows[i].text, NULL, err, sizeof(err));

		if (sc || !strstr(err, rows[i].message)) {
			printf("\n%s\n  gave: %s\n  not:  %s\n", rows[i].text, err, rows[i].message);
			CU_FAIL("not refused so");
		}
		CU_ASSERT_EQUAL(strncmp(err, "f.yaml:", 7), 0);
		CU_ASSERT_PTR_NOT_NULL(strstr(err, "expected"));
		scenario_free(sc);
	}
}

static void wrong_files_are_refused_with_their_place(void)
{
	static const struct row rows[] = {
		{"[]\n", "f.yaml:1:1: got a list, expected a scenario"},
		{"x\n", "f.yaml:1:1: got `x`, expected a scenario"},
		{"hosts: {a: {}}\n", "f.yaml:1:1: got no `scenario: 1`"},
		{"scenario: 2\n", "f.yaml:1:11: got another version, expected 1"},
		{"scenario: 1\nhost: {}\n", "f.yaml:2:1: got the key `host`, expected perhaps `hosts`"},
		{"scenario: 1\nbanana: {}\n", "f.yaml:2:1: got the key `banana`, expected one of: "},
		{"scenario: 1\n", "got no `hosts`"},
		{"scenario: 1\nhosts: {}\n", "f.yaml:2:8: got 0 hosts"},
		{"scenario: 1\nhosts: {../x: {}}\n", "f.yaml:2:9: got `../x`, expected a name"},
		{"scenario: 1\nhosts: {a/b: {}}\n", "expected a name"},
		{"scenario: 1\nhosts: {'': {}}\n", "expected a name"},
		{"scenario: 1\nhosts: {'%s%n': {}}\n", "f.yaml:2:9: got `%s%n`, expected a name"},
		{"scenario: 1\nhosts: {link: {}}\n", "got a host called `link`"},
		{"scenario: 1\nhosts: {-x: {}}\n", "expected a name"},
		{"scenario: 1\nseed: -1\nhosts: {a: {}}\n", "f.yaml:2:7: seed: got `-1`"},
		{"scenario: 1\nseed: 18446744073709551616\nhosts: {a: {}}\n", "seed: got"},
		{"scenario: 1\nstop: 10\nhosts: {a: {}}\n", "f.yaml:2:7: stop: got `10`, expected a time"},
		{"scenario: 1\nstop: 0\nhosts: {a: {}}\n", "stop: got `0`, expected at least 1ns"},
		{"scenario: 1\nstop: nan\nhosts: {a: {}}\n", "stop: got `nan`"},
		{"scenario: 1\nstop: 1e999s\nhosts: {a: {}}\n", "stop: got `1e999s`"},
		{"scenario: 1\nstop: .infs\nhosts: {a: {}}\n", "stop: got `.infs`"},
		{"scenario: 1\nhosts: {a: {addr: 10.0.0.1}}\n", "got `10.0.0.1`, expected an address"},
		{"scenario: 1\nhosts: {a: {addr: 10.0.0.1/33}}\n", "expected an address"},
		{"scenario: 1\nhosts: {a: {addr: 999.0.0.1/8}}\n", "expected an address"},
		{"scenario: 1\nhosts: {a: {addr: []}}\n", "got 0 addresses"},
		{"scenario: 1\nhosts: {a: {mac: '01:00:00:00:00:01'}}\n", "expected a unicast address"},
		{"scenario: 1\nhosts: {a: {tcp: {ccc: reno}}}\n", "got the key `ccc`"},
		{"scenario: 1\nhosts: {a: {tcp: {cc: vegas}}}\n", "got `vegas`, expected one of: reno, cubic"},
		{"scenario: 1\nhosts: {a: {tcp: {mss: 0}}}\n", "mss: got `0`, expected 48 to 65495"},
		{"scenario: 1\nhosts: {a: {tcp: {rcvbuf: 0B}}}\n", "rcvbuf: got `0B`"},
		{"scenario: 1\nhosts: {a: {tcp: {sack: 1}}}\n", "sack: got `1`, expected true or false"},
		{"scenario: 1\nhosts: {a: {tcp: {sack: [true]}}}\n", "sack: got a list, expected a single"},
		{"scenario: 1\nhosts: {a: {tcp: {iw: 70000}}}\n", "iw: got `70000`, expected 1 to 1000"},
		{"scenario: 1\nhosts: {a: {tcp: {min_rto: 10s, max_rto: 2s}}}\n", "above max_rto"},
		{HEAD "traffic: {}\n", "f.yaml:7:10: got a mapping, expected a list of flows"},
		{HEAD "traffic: [{to: 'b:80', send: 1MB}]\n", "got a flow without `from`"},
		{HEAD "traffic: [{from: a, to: b, send: 1MB}]\n", "expected HOST:PORT"},
		{HEAD "traffic: [{from: a, to: 'b:0', send: 1MB}]\n", "expected HOST:PORT"},
		{HEAD "traffic: [{from: a, to: 'c:80', send: 1MB}]\n", "got `c`, expected the name of a host"},
		{HEAD "traffic: [{from: a, to: 'a:80', send: 1MB}]\n", "from a host to itself"},
		{HEAD "traffic: [{from: a, to: 'b:80'}]\n", "got a flow without bytes"},
		{HEAD "traffic: [{from: a, to: 'b:80', send: 1}]\n", "send: got `1`, expected a size"},
		{HEAD "traffic: [{from: a, to: 'b:80', send: forever}]\n", "without an end"},
		{HEAD "traffic: [{from: a, to: 'b:80', send: 1MB, repeat: 18446744073709551615}]\n",
		 "repeat: got"},
		{HEAD "traffic: [{from: a, to: 'b:80', send: 1MB, at: 5s, until: 2s}]\n", "before `at`"},
		{HEAD "traffic: [{from: a, to: 'b:80', send: 1MB, tls: maybe}]\n", "got `maybe`"},
		{HEAD "traffic: [{from: a, to: 'b:80', send: 1MB, tls: {verify: yes}}]\n",
		 "got `yes`, expected one of: none, server, mutual"},
		{HEAD "traffic: [{from: a, to: 'b:80', send: 1B}, {from: a, to: 'b:080', send: 1B, tls: true}]\n",
		 "different `tls` to one port"},
		{HEAD "capture: {at: [c]}\n", "got `c`, expected the name of a host"},
		{HEAD "capture: {snaplen: 3}\n", "snaplen: got `3`, expected 64 to 262144, or"},
		{HEAD "output: {series: 1ns}\n", "series: got `1ns`"},
		{HEAD "sweep: {loss: []}\n", "got an empty list"},
		{HEAD "sweep: {seeds: 5..1}\n", "got `5..1`, expected seeds"},
		{HEAD "name: $nothing\n", "expected `$` before a variable"},
	};

	check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void a_plain_word_is_not_a_range(void)
{
	char err[600];
	struct scenario *sc = load(HEAD "capture: {snaplen: all}\n" FLOW, NULL, err, sizeof(err));

	CU_ASSERT_PTR_NOT_NULL_FATAL(sc);
	CU_ASSERT_EQUAL(sc->snaplen, 0);
	scenario_free(sc);
}

static char *shown(const struct scenario *sc)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	scenario_show(f, sc);
	fclose(f);
	return text;
}

static void control_blocks_are_off_unless_asked_for(void)
{
	static const struct {
		const char *capture, *shown;
		bool tcb;
	} rows[] = {
		{"", "tcb: false\n", false},
		{"capture: {tcb: true}\n", "tcb: true\n", true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[400], err[600], *out;

		snprintf(text, sizeof(text), HEAD "%s" FLOW, rows[i].capture);
		struct scenario *sc = load(text, NULL, err, sizeof(err));

		CU_ASSERT_PTR_NOT_NULL_FATAL(sc);
		CU_ASSERT_EQUAL(sc->tcb, rows[i].tcb);
		out = shown(sc);
		CU_ASSERT_PTR_NOT_NULL(strstr(out, rows[i].shown));
		free(out);
		scenario_free(sc);
	}
}

static void what_is_shown_reads_back_to_the_same(void)
{
	static const char *const texts[] = {
		HEAD FLOW,
		"scenario: 1\nname: 'quo\"te \\ back'\nhosts: {only: {}}\n",
		HEAD "traffic:\n"
		     "  - {kind: rpc, from: b, to: 'a:443', tls: {verify: mutual, pki: x/y}, count: 3, gap: 1ms}\n"
		     "  - {from: a, to: 'b:81', receive: forever, until: 3s, repeat: 4, every: 10ms}\n"
		     "events:\n"
		     "  - {at: 1s, link: l, down: 2s}\n"
		     "  - {at: 3s, link: l, direction: a->b, set: {rate: 5mbit, loss: 1%}}\n"
		     "  - {on: a.data, number: 3..5, flow: 1, do: delay, by: 4ms}\n"
		     "  - {when: b.syn_ack, do: drop}\n"
		     "expect:\n"
		     "  - {flow: 1, goodput: {within: [1mbit, 2mbit]}, timeouts: 0, tls: true}\n"
		     "  - {lost: {at_least: 1}, client_state: TIME-WAIT, server_verdict: clean}\n"
		     "  - {flow: 2, duration: {at_most: 3s}}\n"
		     "capture: {at: [b, link], format: pcap, snaplen: 100, keys: false, tcb: true}\n"
		     "output: {series: none, plots: false}\n"
		     "sweep: {cc: [reno, cubic], seeds: 3..9}\n",
		"scenario: 1\nhosts: {a: {addr: ['2001:db8::1/64', 10.0.0.1/8], gateway: 10.0.0.9,\n"
		"  tcp: {isn: 4294967295, layout: bsd, wscale_shift: 3, user_timeout: 3s, mss: 1000}}, b: {}}\n"
		"links: [{between: [b, a], mtu: 9000, impair: 'loss state 1% 50%, duplicate 1% by 2ms',\n"
		"  path_mtu: 1280, black_hole: true, queue: {type: red, limit: 64kB, red_min: 10kB}}]\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char err[600];
		struct scenario *a = load(texts[i], NULL, err, sizeof(err)), *b;

		if (!a)
			CU_FAIL_FATAL(err);
		char *first = shown(a), *second;

		b = load(first, NULL, err, sizeof(err));
		if (!b)
			CU_FAIL_FATAL(err);
		second = shown(b);
		CU_ASSERT_STRING_EQUAL(first, second);
		free(first);
		free(second);
		scenario_free(a);
		scenario_free(b);
	}
}

static void set_and_seed_change_the_file(void)
{
	static const char *const sets[] = {"links.l.loss=2%", "hosts.a.tcp.cc=reno", "seed=9",
					   "traffic.1.send=5kB"};
	struct scenario_options opt = {.set = sets, .nset = 4};
	char err[600];
	struct scenario *sc = load(HEAD FLOW, &opt, err, sizeof(err));

	CU_ASSERT_PTR_NOT_NULL_FATAL(sc);
	CU_ASSERT_EQUAL(sc->link[0].dir[1].loss.p, 20000000);
	CU_ASSERT_EQUAL(sc->host[0].tcp.cc, CC_RENO);
	CU_ASSERT_EQUAL(sc->seed, 9);
	CU_ASSERT_EQUAL(sc->flow[0].send, 5000);
	scenario_free(sc);

	opt.has_seed = true;
	opt.seed = 77;
	sc = load(HEAD FLOW, &opt, err, sizeof(err));
	CU_ASSERT_EQUAL(sc->seed, 77);
	scenario_free(sc);

	static const char *const bad[] = {"links.l.loss=two"};

	opt.set = bad;
	opt.nset = 1;
	CU_ASSERT_PTR_NULL(load(HEAD FLOW, &opt, err, sizeof(err)));
	CU_ASSERT_EQUAL(strncmp(err, "--set 1:1:1: loss: got `two`", 28), 0);
}

static void a_sweep_takes_its_first_values_or_those_that_are_set(void)
{
	static const char text[] = HEAD "traffic: [{from: a, to: 'b:80', send: $size}]\n"
					"name: size ${size} with $cc\n"
					"sweep: {size: [1kB, 2kB], cc: [reno, cubic], seeds: 4..9}\n";
	static const char *const sets[] = {"sweep.size=2kB"};
	struct scenario_options opt = {.set = sets, .nset = 1};
	char err[600];
	struct scenario *sc = load(text, NULL, err, sizeof(err));

	CU_ASSERT_PTR_NOT_NULL_FATAL(sc);
	CU_ASSERT_EQUAL(sc->flow[0].send, 1000);
	CU_ASSERT_STRING_EQUAL(sc->title, "size 1kB with reno");
	CU_ASSERT_EQUAL(sc->seed, 4);
	CU_ASSERT_EQUAL(sc->sweep[1].n, 2);
	scenario_free(sc);

	sc = load(text, &opt, err, sizeof(err));
	CU_ASSERT_PTR_NOT_NULL_FATAL(sc);
	CU_ASSERT_EQUAL(sc->flow[0].send, 2000);
	scenario_free(sc);
}

static void twenty_thousand_hosts_are_read(void)
{
	char *text = NULL, err[600];
	size_t len;
	FILE *f = open_memstream(&text, &len);

	fputs("scenario: 1\nhosts:\n", f);
	for (int i = 0; i < 20000; i++)
		fprintf(f, "  h%d: {addr: 10.%d.%d.1/8}\n", i, i / 200, i % 200);
	fclose(f);
	struct scenario *sc = scenario_parse("f", text, len, NULL, err, sizeof(err));

	CU_ASSERT_PTR_NOT_NULL_FATAL(sc);
	CU_ASSERT_EQUAL(sc->nhosts, 20000);
	scenario_free(sc);
	free(text);
}

static const struct test_case cases[] = {
	TEST(wrong_files_are_refused_with_their_place),
	TEST(a_plain_word_is_not_a_range),
	TEST(control_blocks_are_off_unless_asked_for),
	TEST(what_is_shown_reads_back_to_the_same),
	TEST(set_and_seed_change_the_file),
	TEST(a_sweep_takes_its_first_values_or_those_that_are_set),
	TEST(twenty_thousand_hosts_are_read),
};
TEST_SUITE(scenario, cases);
