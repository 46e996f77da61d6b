/* A file is there with all its bytes, or not at all. */
#include "../lib/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../sim/out_file.h"

static char dir[] = "/tmp/tapir-out-XXXXXX";

static bool is_there(const char *name, const char *text)
{
	char path[100], have[40] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (!fgets(have, sizeof(have), f))
		have[0] = '\0';
	fclose(f);
	return !text || strcmp(have, text) == 0;
}

static void it_appears_when_it_is_complete(void)
{
	struct out_file o;
	char path[100];

	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/a", dir);
	CU_ASSERT_PTR_NOT_NULL_FATAL(out_file_open(&o, path));
	fputs("one", o.f);
	fflush(o.f);
	CU_ASSERT_FALSE(is_there("a", NULL));
	CU_ASSERT_TRUE(out_file_close(&o, true));
	CU_ASSERT_TRUE(is_there("a", "one"));

	CU_ASSERT_PTR_NOT_NULL_FATAL(out_file_open(&o, path));
	fputs("two", o.f);
	CU_ASSERT_FALSE(out_file_close(&o, false));
	CU_ASSERT_TRUE(is_there("a", "one")); /* as it was */
	CU_ASSERT_FALSE(is_there("a.part", NULL));
	unlink(path);
	rmdir(dir);
}

static void a_device_is_written_as_it_is(void)
{
	struct out_file o;

	CU_ASSERT_PTR_NOT_NULL_FATAL(out_file_open(&o, "/dev/null"));
	CU_ASSERT_TRUE(out_file_close(&o, true));
	CU_ASSERT_PTR_NOT_NULL_FATAL(out_file_open(&o, "/dev/full"));
	fputs("x", o.f);
	CU_ASSERT_FALSE(out_file_close(&o, true));
	CU_ASSERT_EQUAL(access("/dev/full", F_OK), 0);
}

static void no_place_no_file(void)
{
	static const char *const rows[] = {"", "/nosuch/x", "/dev", "/dev/null/x"};
	struct out_file o;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		errno = 0;
		if (out_file_open(&o, rows[i]) || errno == 0)
			FAIL_ROW(rows[i]);
		CU_ASSERT_FALSE(out_file_close(&o, false));
	}
}

static const struct test_case cases[] = {
	TEST(it_appears_when_it_is_complete),
	TEST(a_device_is_written_as_it_is),
	TEST(no_place_no_file),
};
TEST_SUITE(out_file, cases);
