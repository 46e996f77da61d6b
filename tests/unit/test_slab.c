#include "base/slab.h"

#include <string.h>

#include "../lib/test.h"
#include "base/check.h"

static void objects_come_zeroed_aligned_and_apart(void)
{
	struct slab s;
	uint8_t *obj[3000];
	unsigned wrong = 0;

	slab_init(&s, 100, 3000);
	for (size_t i = 0; i < ARRAY_LEN(obj); i++) {
		obj[i] = slab_get(&s);
		wrong += (uintptr_t)obj[i] % 16 != 0;
		for (int k = 0; k < 100; k++)
			wrong += obj[i][k] != 0;
		memset(obj[i], (int)i, 100);
	}
	for (size_t i = 0; i < ARRAY_LEN(obj); i++) {
		wrong += obj[i][0] != (uint8_t)i || obj[i][99] != (uint8_t)i;
		slab_put(&s, obj[i]);
	}
	obj[0] = slab_get(&s);
	wrong += obj[0][0] != 0 || obj[0][99] != 0; /* a used one comes back zeroed */
	slab_put(&s, obj[0]);
	CU_ASSERT_EQUAL(wrong, 0);
	slab_free(&s);
}

static void the_limit_holds_and_is_counted(void)
{
	struct slab s;
	void *a, *b;

	slab_init(&s, 1, 2);
	a = slab_get(&s);
	b = slab_get_dirty(&s);
	CU_ASSERT_PTR_NOT_NULL(a);
	CU_ASSERT_PTR_NOT_NULL(b);
	CU_ASSERT_PTR_NULL(slab_get(&s));
	CU_ASSERT_PTR_NULL(slab_get_dirty(&s));
	CU_ASSERT_EQUAL(s.failed, 2);
	slab_put(&s, a);
	CU_ASSERT_EQUAL(s.used, 1);
	CU_ASSERT_EQUAL(s.peak, 2);
	a = slab_get(&s);
	CU_ASSERT_PTR_NOT_NULL(a);
	slab_put(&s, a);
	slab_put(&s, b);
	slab_put(&s, NULL);
	slab_free(&s);
}

static void a_chosen_get_fails_once(void)
{
	struct slab s;
	void *a, *b;

	slab_init(&s, 16, 10);
	s.fail_in = 2;
	a = slab_get(&s);
	CU_ASSERT_PTR_NOT_NULL(a);
	CU_ASSERT_PTR_NULL(slab_get(&s));
	b = slab_get(&s);
	CU_ASSERT_PTR_NOT_NULL(b);
	CU_ASSERT_EQUAL(s.failed, 1);
	slab_put(&s, a);
	slab_put(&s, b);
	slab_free(&s);
}

static void large_objects_and_no_objects_work(void)
{
	struct slab s;
	uint8_t *big;

	slab_init(&s, 200000, 3);
	big = slab_get(&s);
	CU_ASSERT_PTR_NOT_NULL_FATAL(big);
	big[199999] = 1;
	slab_put(&s, big);
	slab_free(&s);
	slab_init(&s, 16, 0);
	CU_ASSERT_PTR_NULL(slab_get(&s));
	slab_free(&s);
}

static const struct test_case cases[] = {
	TEST(objects_come_zeroed_aligned_and_apart),
	TEST(the_limit_holds_and_is_counted),
	TEST(a_chosen_get_fails_once),
	TEST(large_objects_and_no_objects_work),
};
TEST_SUITE(slab, cases);
