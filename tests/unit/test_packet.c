#include "../lib/test.h"

#include <string.h>

#include "link.h"

static void an_interface_that_is_not_there_is_told(void)
{
	static const char *const names[] = {"nosuch0", "", "a name that is far too long for one"};
	const struct mac mac = {{2, 0, 0, 0, 0, 1}};
	struct pkt_pool pool;
	char err[200];

	pkt_pool_init(&pool, 0, 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		CU_ASSERT_PTR_NULL(link_packet(&pool, names[i], &mac, err, sizeof(err)));
		CU_ASSERT_PTR_NOT_NULL(strstr(err, "no such interface"));
	}
	pkt_pool_free(&pool);
}

static const struct test_case cases[] = {TEST(an_interface_that_is_not_there_is_told)};
TEST_SUITE(packet, cases);
