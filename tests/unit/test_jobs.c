/* Tasks in processes: every result in its place, and a process that dies costs its own task only. */
#include "../lib/test.h"

#include <unistd.h>

#include "../../sim/jobs.h"

#define TASKS 23

static void square(void *arg, uint64_t task, void *result)
{
	const uint64_t *deadly = arg;

	if (task == *deadly)
		_exit(9);
	*(uint64_t *)result = task * task;
}

static void results_are_in_place_and_only_the_deadly_task_is_missing(void)
{
	static const uint64_t deadly[] = {UINT64_MAX, 100, 107, 100 + TASKS - 1};

	for (size_t row = 0; row < sizeof(deadly) / sizeof(deadly[0]); row++)
		for (int workers = 1; workers <= 5; workers += 2) {
			uint64_t result[TASKS], die_at = deadly[row];
			bool done[TASKS];
			struct jobs j = {.first = 100, .n = TASKS, .workers = workers, .run = square, .arg = &die_at,
					 .result = result, .result_size = sizeof(result[0]), .done = done};

			CU_ASSERT_TRUE(jobs_run(&j));

			for (uint64_t i = 0; i < TASKS; i++) {
				CU_ASSERT_EQUAL(done[i], 100 + i != die_at);
				if (done[i])
					CU_ASSERT_EQUAL(result[i], (100 + i) * (100 + i));
			}
		}
}

static void a_number_of_workers_is_a_number_within_limits(void)
{
	static const char *const bad[] = {"", "0", "-1", "65", "x", "1e1", "99999999999999999999"};
	int n = 0;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_FALSE(jobs_workers(bad[i], &n));
	CU_ASSERT_TRUE(jobs_workers("64", &n));
	CU_ASSERT_EQUAL(n, 64);
}

static const struct test_case cases[] = {
	TEST(results_are_in_place_and_only_the_deadly_task_is_missing),
	TEST(a_number_of_workers_is_a_number_within_limits),
};
TEST_SUITE(jobs, cases);
