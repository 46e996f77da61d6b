/* Registers every suite with CUnit and runs them, or only those that the command line names.
 * The last line is `N passed, N failed`, and the exit code says whether any failed. */
#include "lib/test.h"

#include <CUnit/Basic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUITE(x) extern const struct test_suite suite_##x;
#include "suites.h"
#undef SUITE

static const struct test_suite *const suites[] = {
#define SUITE(x) &suite_##x,
#include "suites.h"
#undef SUITE
};

static bool wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return argc == 1;
}

int main(int argc, char **argv)
{
	if (CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		const struct test_suite *s = suites[i];

		if (!wanted(s->name, argc, argv))
			continue;
		CU_pSuite suite = CU_add_suite(s->name, NULL, NULL);
		for (size_t k = 0; k < s->n; k++)
			if (!CU_add_test(suite, s->cases[k].name, s->cases[k].run)) {
				fprintf(stderr, "%s: cannot add %s\n", s->name, s->cases[k].name);
				return 2;
			}
	}
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	unsigned run = CU_get_number_of_tests_run(), failed = CU_get_number_of_tests_failed();

	CU_cleanup_registry();
	printf("%u passed, %u failed\n", run - failed, failed);
	return failed || run == 0;
}
