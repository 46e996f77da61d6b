/* See nomem.h. */
#include "nomem.h"

#include <stdbool.h>
#include <stddef.h>

static uint64_t fail_in, fail_count, failed;

void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_realloc(void *, size_t);

void nomem_fail(uint64_t n, uint64_t count)
{
	fail_in = n;
	fail_count = n ? count : 0;
	failed = 0;
}

uint64_t nomem_failed(void)
{
	return failed;
}

static bool refused(void)
{
	if (fail_count == 0)
		return false;
	if (fail_in > 1) {
		fail_in--;
		return false;
	}
	fail_count--;
	failed++;
	return true;
}

void *__wrap_malloc(size_t n)
{
	return refused() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return refused() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	return refused() ? NULL : __real_realloc(p, n);
}
