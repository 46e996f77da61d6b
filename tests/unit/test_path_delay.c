/* Delay and jitter: the mean, the spread, the order. */
#include "../lib/frames.h"
#include "../lib/test.h"

#include "../../sim/path.h"
#include "../../stack/base/check.h"

static struct pkt_pool pool;

struct seen {
	uint64_t n, in_order, last_id;
	int64_t sum, min, max;
};

/* 20,000 frames, one a millisecond; the delays in microseconds. */
static struct seen delays(const char *words)
{
	struct seen s = {.min = INT64_MAX, .max = -1};
	char err[200] = "";
	struct path *path = path_parse_words("test", words, 3, err, sizeof(err));
	ns_t now = 0;
	uint32_t sent = 0;

	assert(path);
	pkt_pool_init(&pool, 0, 0);
	while (s.n < 20000) {
		ns_t next = sent < 20000 ? sent * MS : NS_NEVER;

		if (next <= path_deadline(path)) {
			now = next;
			struct pkt *p = plain_frame_of_len(&pool, 100);

			p->id = ++sent;
			path_push(path, p, now);
		} else {
			now = path_deadline(path);
			path_run(path, now);
		}
		for (struct pkt *p; (p = path_pop(path)); pkt_free(p)) {
			int64_t delay = (now - p->stamp) / US;

			s.n++;
			s.sum += delay;
			s.min = delay < s.min ? delay : s.min;
			s.max = delay > s.max ? delay : s.max;
			s.in_order += p->id > s.last_id;
			s.last_id = p->id;
		}
	}
	CU_ASSERT_EQUAL(path_counters(path)->inside, 0);
	path_free(path);
	pkt_pool_free(&pool);
	return s;
}

static void jitter_has_its_mean_and_bounds(void)
{
	static const struct {
		const char *words;
		int64_t mean, min, max; /* microseconds; the bounds that may not be passed */
		int64_t reach_min, reach_max; /* and those that must be */
		bool ordered;
	} rows[] = {
		{"delay 10ms", 10000, 10000, 10000, 10000, 10000, true},
		{"delay 10ms 5ms uniform", 10000, 5000, 15000, 5010, 14990, false},
		{"delay 20ms 2ms normal", 20000, 8000, 32000, 14500, 25500, false},
		{"delay 20ms 2ms pareto", 20000, 18800, 1000000, 18850, 30000, false},
		{"delay 10ms 5ms uniform ordered", 12500, 5000, 15000, 9000, 14990, true},
		/* A delay never falls below 0. */
		{"delay 1ms 4ms uniform", 1560, 0, 5000, 0, 4990, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct seen s = delays(rows[i].words);
		int64_t mean = s.sum / (int64_t)s.n, slack = rows[i].mean / 50;

		if (!rows[i].ordered)
			CU_ASSERT_TRUE(mean > rows[i].mean - slack && mean < rows[i].mean + slack);
		CU_ASSERT_TRUE(s.min >= rows[i].min && s.min <= rows[i].reach_min);
		CU_ASSERT_TRUE(s.max <= rows[i].max && s.max >= rows[i].reach_max);
		CU_ASSERT_EQUAL(s.in_order == s.n, rows[i].ordered);
	}
}

static const struct test_case cases[] = {
	TEST(jitter_has_its_mean_and_bounds),
};
TEST_SUITE(path_delay, cases);
