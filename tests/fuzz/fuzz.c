/* libFuzzer's door to the entries of tests/lib/fuzz_entries.h.
 *
 *   fuzz --target=NAME [libFuzzer's options] [folders]   runs one
 *   fuzz --seeds=FOLDER                                  writes the first inputs of each, in FOLDER/NAME
 *
 * Besides what libFuzzer and the sanitizers watch: no input may hold more than 64 MiB at a time. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <CUnit/CUnit.h>
#include <sanitizer/allocator_interface.h>

#include "../../stack/base/check.h"
#include "../lib/fuzz_entries.h"

#define HELD_MAX (64 << 20)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static const struct fuzz_entry *target;
static size_t held_before;

/* The fixtures speak to CUnit; here there is none, and a failure is a find. */
CU_BOOL CU_assertImplementation(CU_BOOL value, unsigned line, const char *condition, const char *file,
				const char *function, CU_BOOL fatal)
{
	(void)function, (void)fatal;
	if (!value) {
		fprintf(stderr, "%s:%u: %s\n", file, line, condition);
		abort();
	}
	return CU_TRUE;
}

static void count_allocation(const volatile void *p, size_t n)
{
	static size_t calls;

	(void)p;
	/* Asking costs; a large block is asked about at once. */
	if (n < 65536 && ++calls % 256)
		return;
	size_t held = __sanitizer_get_current_allocated_bytes();

	if (held_before && held > held_before + HELD_MAX) {
		held_before = 0;
		fprintf(stderr, "an input holds more than 64 MiB\n");
		abort();
	}
}

static void count_nothing(const volatile void *p)
{
	(void)p;
}

/* ---- seeds ---- */

struct folder {
	const char *path, *name;
	unsigned n;
};

static void write_seed(void *arg, const void *bytes, size_t len)
{
	struct folder *d = arg;
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s/%u", d->path, d->name, d->n++);
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(bytes, 1, len, f) != len || fclose(f) != 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(2);
	}
}

static void write_seeds(const char *path)
{
	mkdir(path, 0777);
	for (size_t i = 0; i < fuzz_nentries; i++) {
		struct folder d = {path, fuzz_entries[i].name, 0};
		char sub[1024];

		snprintf(sub, sizeof(sub), "%s/%s", path, d.name);
		mkdir(sub, 0777);
		fuzz_entries[i].seeds(write_seed, &d);
		printf("%s %zu\n", d.name, fuzz_entries[i].max_len);
	}
	exit(0);
}

/* ---- libFuzzer ---- */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	for (int i = 1; i < *argc; i++) {
		if (strncmp((*argv)[i], "--seeds=", 8) == 0)
			write_seeds((*argv)[i] + 8);
		if (strncmp((*argv)[i], "--target=", 9) == 0)
			target = fuzz_find_entry((*argv)[i] + 9);
	}
	if (!target) {
		fprintf(stderr, "fuzz: expected --target=NAME of:");
		for (size_t i = 0; i < fuzz_nentries; i++)
			fprintf(stderr, " %s", fuzz_entries[i].name);
		fprintf(stderr, "\n");
		exit(2);
	}
	__sanitizer_install_malloc_and_free_hooks(count_allocation, count_nothing);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	held_before = __sanitizer_get_current_allocated_bytes();
	target->run(bytes, n);
	held_before = 0;
	return 0;
}
