/* Suites as constant arrays. A test tells one story and its name is a sentence:
 *
 *   static void window_probe_backs_off_until_the_cap(void) { ... CU_ASSERT_EQUAL(a, b); ... }
 *   static const struct test_case cases[] = {
 *           TEST(window_probe_backs_off_until_the_cap),
 *   };
 *   TEST_SUITE(tcp_timer, cases);     // in tests/unit/test_tcp_timer.c
 */
#ifndef TEST_H
#define TEST_H

#include <CUnit/CUnit.h>
#include <stddef.h>

struct test_case {
	const char *name;
	void (*run)(void);
};

struct test_suite {
	const char *name;
	const struct test_case *cases;
	size_t n;
};

/* Fails the test by the name of a table's row. */
#define FAIL_ROW(row)                                                                              \
	CU_assertImplementation(CU_FALSE, __LINE__, (row), __FILE__, "", CU_FALSE)

#define TEST(f)                                                                                    \
	{                                                                                          \
		#f, f                                                                              \
	}
#define TEST_SUITE(suite, array)                                                                   \
	extern const struct test_suite suite_##suite;                                              \
	const struct test_suite suite_##suite = {#suite, array, sizeof(array) / sizeof((array)[0])}

#endif
