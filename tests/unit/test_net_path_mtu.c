/* What is remembered of narrow paths, for how long, and of how many. */
#include "../lib/netfix.h"

static struct netfix f;

static void a_path_is_remembered_for_ten_minutes(void)
{
	struct addr narrow = addr_v4(FAR4), other = addr_v4(FAR4 + 1);

	fix_open(&f);
	CU_ASSERT_EQUAL(net_path_mtu(&f.net, &narrow, f.now), 1500);
	net_path_learn(&f.net, &narrow, 1400, f.now);
	net_path_learn(&f.net, &narrow, 1300, f.now + SEC);
	CU_ASSERT_EQUAL(net_path_mtu(&f.net, &narrow, f.now + 600 * SEC), 1300);
	CU_ASSERT_EQUAL(net_path_mtu(&f.net, &other, f.now), 1500);
	CU_ASSERT_EQUAL(net_path_mtu(&f.net, &narrow, f.now + 601 * SEC), 1500);
	CU_ASSERT_EQUAL(f.net.npaths, 1);
	fix_close(&f);
}

static void nothing_remembered_exceeds_the_link(void)
{
	struct addr far = addr_v4(FAR4);

	fix_open(&f);
	net_path_learn(&f.net, &far, 9000, f.now);
	CU_ASSERT_EQUAL(net_path_mtu(&f.net, &far, f.now), 1500);
	fix_close(&f);
}

static void of_too_many_the_oldest_is_forgotten(void)
{
	struct addr a[NET_PATHS + 2];

	fix_open(&f);
	for (uint32_t i = 0; i < ARRAY_LEN(a); i++) {
		a[i] = addr_v4(FAR4 + i);
		if (i == NET_PATHS) /* the first is heard of again: the second is the oldest now */
			net_path_learn(&f.net, &a[0], 1000, f.now + NET_PATHS * SEC);
		net_path_learn(&f.net, &a[i], (uint16_t)(1000 + i), f.now + i * SEC);
	}
	for (uint32_t i = 0; i < ARRAY_LEN(a); i++)
		CU_ASSERT_EQUAL(net_path_mtu(&f.net, &a[i], f.now + ARRAY_LEN(a) * SEC),
				i == 1 || i == 2 ? 1500 : 1000 + i);
	fix_close(&f);
}

static const struct test_case cases[] = {
	TEST(a_path_is_remembered_for_ten_minutes),
	TEST(nothing_remembered_exceeds_the_link),
	TEST(of_too_many_the_oldest_is_forgotten),
};
TEST_SUITE(net_path_mtu, cases);
