#include "base/seqset.h"

#include "../lib/test.h"

static void adjacent_ranges_become_one(void)
{
	struct seqset s;

	seqset_init(&s, 4);
	CU_ASSERT_TRUE(seqset_add(&s, seq_of(0xfffffff0), seq_of(0xfffffff8)));
	CU_ASSERT_TRUE(seqset_add(&s, seq_of(8), seq_of(16)));
	CU_ASSERT_TRUE(seqset_add(&s, seq_of(0xfffffff8), seq_of(8)));
	CU_ASSERT_EQUAL(s.n, 1);
	CU_ASSERT_EQUAL(s.bytes, 32);
	seqset_free(&s);
}

static const struct test_case cases[] = {
	TEST(adjacent_ranges_become_one),
};
TEST_SUITE(seqset, cases);
