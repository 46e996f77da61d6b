/* Inputs that once broke something, as the fuzzers left them (tests/data/fuzz/<target>/), and the seeds
 * that they start from: each goes through the same function as then, under the sanitizers. */
#include "../lib/fuzz_entries.h"
#include "../lib/test.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FINDS "tests/data/fuzz"
#define FILE_MAX 65536
/* An input is small, so it takes milliseconds; this is what a slow machine may make of that. */
#define SECONDS_MAX 5

struct replay {
	const struct fuzz_entry *entry;
	unsigned n;
};

static void replay(void *arg, const void *bytes, size_t len)
{
	struct replay *r = arg;
	uint8_t *exact = malloc(len ? len : 1);
	clock_t before = clock();

	CU_ASSERT_PTR_NOT_NULL_FATAL(exact);
	if (len)
		memcpy(exact, bytes, len);
	r->entry->run(exact, len);
	free(exact);
	r->n++;
	if ((clock() - before) / CLOCKS_PER_SEC >= SECONDS_MAX)
		FAIL_ROW(r->entry->name);
}

static void what_the_fuzzers_found_breaks_nothing_any_more(void)
{
	for (size_t i = 0; i < fuzz_nentries; i++) {
		struct replay r = {.entry = &fuzz_entries[i]};
		char folder[256];

		snprintf(folder, sizeof(folder), FINDS "/%s", r.entry->name);
		fuzz_seed_files(replay, &r, folder, "", "", FILE_MAX);
	}
}

static void every_find_belongs_to_a_target(void)
{
	DIR *d = opendir(FINDS);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' && !fuzz_find_entry(e->d_name))
			FAIL_ROW(e->d_name);
	if (d)
		closedir(d);
}

static void the_fuzzers_seeds_are_fine(void)
{
	for (size_t i = 0; i < fuzz_nentries; i++) {
		struct replay r = {.entry = &fuzz_entries[i]};

		r.entry->seeds(replay, &r);
		if (r.n == 0)
			FAIL_ROW(r.entry->name);
	}
}

static const struct test_case cases[] = {
	TEST(what_the_fuzzers_found_breaks_nothing_any_more),
	TEST(every_find_belongs_to_a_target),
	TEST(the_fuzzers_seeds_are_fine),
};
TEST_SUITE(fuzz_finds, cases);
