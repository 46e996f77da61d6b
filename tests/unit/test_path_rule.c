/* Rules by the role that a segment plays in its flow. */
#include "../lib/frames.h"
#include "../lib/test.h"

#include "../../sim/path.h"
#include "../../stack/base/check.h"

static struct pkt_pool pool;

/* A client's segments of one flow: SYN, three data segments, the second again, ACK, FIN. */
static const struct frame_spec story[] = {
	{.seq = 0xfffffff0, .flags = TH_SYN},
	{.seq = 0xfffffff1, .flags = TH_ACK, .len = 10},
	{.seq = 0xfffffffb, .flags = TH_ACK, .len = 10}, /* over the wrap */
	{.seq = 5, .flags = TH_ACK, .len = 10},
	{.seq = 0xfffffffb, .flags = TH_ACK, .len = 10},
	{.seq = 15, .flags = TH_ACK},
	{.seq = 15, .flags = TH_ACK | TH_FIN},
	{.seq = 15, .flags = TH_ACK | TH_FIN},
};

/* The indices of those that did not come out at once, as bits. */
static uint32_t play(const struct rule *rule, uint16_t sport, struct path **keep)
{
	struct path_spec spec;
	uint32_t missing = 0;

	path_spec_default(&spec);
	spec.rule = rule;
	spec.nrules = 1;
	struct path *path = path_new("test", 1, &spec);

	assert(path);
	for (size_t i = 0; i < ARRAY_LEN(story); i++) {
		struct frame_spec f = story[i];

		f.sport = sport;
		path_push(path, plain_frame(&pool, &f), (ns_t)i);
		struct pkt *p = path_pop(path);

		if (!p)
			missing |= 1u << i;
		for (; p; p = path_pop(path))
			pkt_free(p);
	}
	if (keep)
		*keep = path;
	else
		path_free(path);
	return missing;
}

static void each_role_is_told_and_counted(void)
{
	static const struct {
		const char *name;
		struct rule rule;
		uint32_t missing;
	} rows[] = {
		{"the SYN", {RULE_SYN, 0, 1, 1, DO_DROP, 0}, 1 << 0},
		{"the second data segment", {RULE_DATA, 0, 2, 2, DO_DROP, 0}, 1 << 2},
		{"the first retransmission", {RULE_RETRANSMISSION, 0, 1, 1, DO_DROP, 0}, 1 << 4},
		{"no second retransmission", {RULE_RETRANSMISSION, 0, 2, 2, DO_DROP, 0}, 0},
		{"the pure ACK", {RULE_ACK, 0, 1, 9, DO_DROP, 0}, 1 << 5},
		{"the first FIN", {RULE_FIN, 0, 1, 1, DO_DROP, 0}, 1 << 6},
		{"the FIN again", {RULE_FIN, 0, 2, 2, DO_DROP, 0}, 1 << 7},
		{"data one to two", {RULE_DATA, 0, 1, 2, DO_DROP, 0}, 1 << 1 | 1 << 2},
		{"the fifth segment of flow 1", {RULE_SEGMENT, 1, 5, 5, DO_DROP, 0}, 1 << 4},
		{"not flow 2", {RULE_SYN, 2, 1, 1, DO_DROP, 0}, 0},
		{"no SYN-ACK here", {RULE_SYN_ACK, 0, 1, 9, DO_DROP, 0}, 0},
		{"delayed past the end", {RULE_DATA, 0, 3, 3, DO_DELAY, SEC}, 1 << 3},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		pkt_pool_init(&pool, 0, 0);
		uint32_t missing = play(&rows[i].rule, 1000, NULL);

		if (missing != rows[i].missing)
			CU_FAIL(rows[i].name);
		pkt_pool_free(&pool);
	}
}

static void a_delayed_frame_and_a_late_copy_come_in_time(void)
{
	static const struct rule delay = {RULE_DATA, 0, 1, 1, DO_DELAY, 20};
	static const struct rule copy = {RULE_DATA, 0, 1, 1, DO_DUPLICATE, 20};
	struct path *path;

	pkt_pool_init(&pool, 0, 0);
	CU_ASSERT_EQUAL(play(&delay, 1000, &path), 1 << 1);
	CU_ASSERT_EQUAL(path_deadline(path), 21);
	path_run(path, 21);
	struct pkt *p = path_pop(path);

	CU_ASSERT_PTR_NOT_NULL(p);
	pkt_free(p);
	path_free(path);

	CU_ASSERT_EQUAL(play(&copy, 1000, &path), 0);
	CU_ASSERT_EQUAL(path_counters(path)->duplicated, 1);
	CU_ASSERT_EQUAL(path_deadline(path), 21);
	path_run(path, 21);
	p = path_pop(path);
	CU_ASSERT_PTR_NOT_NULL(p);
	pkt_free(p);
	path_free(path);
	pkt_pool_free(&pool);
}

static const struct test_case cases[] = {
	TEST(each_role_is_told_and_counted),
	TEST(a_delayed_frame_and_a_late_copy_come_in_time),
};
TEST_SUITE(path_rule, cases);
