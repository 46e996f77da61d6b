/* Figures of a run: percentiles, causes, and the keys of summary.json, which are a contract. */
#include "../lib/test.h"

#include "../../sim/report.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char text[] =
	"scenario: 1\nname: report\nhosts: {client: {}, server: {}}\n"
	"links: [{between: [client, server], rate: 10mbit, delay: 10ms, queue: 200}]\n"
	"traffic: [{from: client, to: 'server:80', send: 100kB},\n"
	"  {at: 500ms, from: client, to: 'server:443', send: 1kB, tls: {verify: mutual, pki: sim/scenarios/pki}}]\n"
	"events: [{on: client.data, number: 20, flow: 1, do: drop}]\n"
	"expect: [{flow: 1, done: true}, {lost: 0}, {timeouts: {at_most: 5}}]\n";

static void the_summary_keeps_its_keys(void)
{
	static const char *const keys[] = {"scenario", "seed", "hash", "virtual_s", "events", "frames",
					   "flows", "expect"};
	static const char *const frame_keys[] = {"sent", "delivered", "lost", "queue_dropped",
						 "duplicated", "corrupted", "reordered"};
	static const char *const flow_keys[] = {"id", "from", "to", "bytes", "start", "end",
						"goodput_bps", "segments", "retransmissions", "timeouts",
						"spurious", "rtt_s", "cwnd_max", "states", "tls"};
	struct world_options opt = {.check = CHECK_ALWAYS};
	char err[600];
	struct scenario *sc = scenario_parse("t.yaml", text, strlen(text), NULL, err, sizeof(err));

	CU_ASSERT_PTR_NOT_NULL_FATAL(sc);
	struct world *w = world_new(sc, &opt, err, sizeof(err));

	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	CU_ASSERT_TRUE(world_run(w));
	char *dump = summary_json(w);
	json_t *o = json_loads(dump, JSON_REJECT_DUPLICATES, NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		CU_ASSERT_PTR_NOT_NULL(json_object_get(o, keys[i]));
	json_t *frames = json_object_get(o, "frames"), *flows = json_object_get(o, "flows");

	for (size_t i = 0; i < sizeof(frame_keys) / sizeof(frame_keys[0]); i++)
		CU_ASSERT_TRUE(json_is_integer(json_object_get(frames, frame_keys[i])));
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(frames, "lost")), 1);
	CU_ASSERT_EQUAL(json_array_size(flows), 2);
	json_t *one = json_array_get(flows, 0), *two = json_array_get(flows, 1);

	for (size_t i = 0; i < sizeof(flow_keys) / sizeof(flow_keys[0]); i++)
		CU_ASSERT_PTR_NOT_NULL(json_object_get(one, flow_keys[i]));
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(one, "bytes")), 100000);
	CU_ASSERT_TRUE(json_is_null(json_object_get(one, "tls")));
	CU_ASSERT_STRING_EQUAL(
		json_string_value(json_object_get(json_object_get(two, "tls"), "version")), "TLSv1.2");
	json_t *resent = json_object_get(one, "retransmissions");

	CU_ASSERT_EQUAL(json_integer_value(json_object_get(resent, "total")), 1);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(resent, "recovery")), 1);
	json_t *expect = json_object_get(o, "expect");

	CU_ASSERT_TRUE(json_is_true(json_object_get(json_array_get(expect, 0), "ok")));
	CU_ASSERT_TRUE(json_is_false(json_object_get(json_array_get(expect, 1), "ok")));
	CU_ASSERT_TRUE(json_is_true(json_object_get(json_array_get(expect, 2), "ok")));
	CU_ASSERT_FALSE(run_as_expected(w));
	json_decref(o);
	free(dump);
	world_free(w);
	scenario_free(sc);
}

static void percentiles_lie_within_a_step_of_the_samples(void)
{
	uint32_t histogram[HISTOGRAM_SIZE] = {0};
	struct conn_stat c = {.rtt = histogram, .rtt_min = 20 * MS, .rtt_max = 40 * MS};

	/* 20 ms has octave 24: 16 << 20 <= 20 ms < 32 << 20; step (20e6 >> 20) = 19 */
	histogram[20 * HISTOGRAM_STEPS + 3] = 90;
	histogram[21 * HISTOGRAM_STEPS + 3] = 10;
	c.samples = 100;

	CU_ASSERT_TRUE(conn_stat_rtt(&c, 500) >= 20 * MS && conn_stat_rtt(&c, 500) < 21 * MS);
	CU_ASSERT_TRUE(conn_stat_rtt(&c, 950) > 39 * MS && conn_stat_rtt(&c, 950) <= 40 * MS);
}

static const struct test_case cases[] = {
	TEST(the_summary_keeps_its_keys),
	TEST(percentiles_lie_within_a_step_of_the_samples),
};
TEST_SUITE(report, cases);
