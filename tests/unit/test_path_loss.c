/* Loss models: shares, burst lengths and exact numbers. */
#include "../lib/frames.h"
#include "../lib/test.h"

#include "../../sim/path.h"
#include "../../stack/base/check.h"

static struct pkt_pool pool;

struct lost {
	uint64_t n, bursts, last;
	uint64_t first[8];
};

static void note(void *arg, const struct path *path, const struct fate *fate, const struct pkt *p,
		 ns_t now)
{
	struct lost *l = arg;

	(void)path;
	(void)now;
	if (fate->kind != FATE_LOST)
		return;
	if (l->n < ARRAY_LEN(l->first))
		l->first[l->n] = p->id;
	l->n++;
	l->bursts += p->id != l->last + 1;
	l->last = p->id;
	CU_ASSERT_EQUAL(fate->number, p->id);
}

static struct lost lose(const char *words, uint32_t n)
{
	struct lost l = {0};
	char err[200] = "";
	struct path *path = path_parse_words("test", words, 11, err, sizeof(err));

	if (!path)
		CU_FAIL(err);
	assert(path);
	pkt_pool_init(&pool, 0, 0);
	path_observe(path, note, &l);
	for (uint32_t i = 1; i <= n; i++) {
		struct pkt *p = plain_frame_of_len(&pool, 60);

		p->id = i;
		path_push(path, p, i);
		pkt_free(path_pop(path));
	}
	CU_ASSERT_EQUAL(path_counters(path)->lost, l.n);
	path_free(path);
	pkt_pool_free(&pool);
	return l;
}

static void each_model_loses_its_share_in_its_bursts(void)
{
	static const struct {
		const char *words;
		uint64_t n;      /* expected among 200,000 */
		uint64_t burst;  /* mean length in hundredths */
	} rows[] = {
		{"loss 1%", 2000, 101},
		{"loss 20%", 40000, 125},
		/* p / (p + r) of the time in the bad state, bursts of 1 / r */
		{"loss gemodel 0.3367% 33.33%", 2000, 300},
		{"loss gemodel 1% 10% 50%", 9091, 182},
		/* netem's row of the reference: about 1.1 % */
		{"loss state 0.5% 50% 25% 50% 0.1%", 2140, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct lost l = lose(rows[i].words, 200000);
		uint64_t burst = l.n * 100 / l.bursts;

		CU_ASSERT_TRUE(l.n > rows[i].n * 88 / 100 && l.n < rows[i].n * 112 / 100);
		if (rows[i].burst)
			CU_ASSERT_TRUE(burst > rows[i].burst * 93 / 100 &&
				       burst < rows[i].burst * 107 / 100);
	}
}

static void counted_losses_are_exact(void)
{
	struct lost every = lose("loss every 100", 450), number = lose("loss number 3 4 9", 100);

	CU_ASSERT_EQUAL(every.n, 4);
	CU_ASSERT_EQUAL(every.first[0], 100);
	CU_ASSERT_EQUAL(every.first[3], 400);
	CU_ASSERT_EQUAL(number.n, 3);
	CU_ASSERT_EQUAL(number.first[0], 3);
	CU_ASSERT_EQUAL(number.first[1], 4);
	CU_ASSERT_EQUAL(number.first[2], 9);
}

static void extremes_lose_all_or_nothing(void)
{
	CU_ASSERT_EQUAL(lose("loss 100%", 500).n, 500);
	CU_ASSERT_EQUAL(lose("loss 0%", 500).n, 0);
	CU_ASSERT_EQUAL(lose("loss gemodel 0% 100%", 500).n, 0);
}

static const struct test_case cases[] = {
	TEST(each_model_loses_its_share_in_its_bursts),
	TEST(counted_losses_are_exact),
	TEST(extremes_lose_all_or_nothing),
};
TEST_SUITE(path_loss, cases);
