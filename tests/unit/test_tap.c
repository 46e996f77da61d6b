/* TAP devices: what can be said without one, and what needs root with one. */
#include "../lib/test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "link.h"

static struct pkt_pool pool;

static void names_that_no_device_can_have_are_refused(void)
{
	static const char *const names[] = {"", "a/b", "sixteen-letters0", "a b", "tap%d", "a:b"};
	char err[200];

	pkt_pool_init(&pool, 0, 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		CU_ASSERT_PTR_NULL(link_tap(&pool, names[i], true, err, sizeof(err)));
		CU_ASSERT_PTR_NOT_NULL(strstr(err, "no name for a device"));
	}
	pkt_pool_free(&pool);
}

static void a_device_comes_with_its_link_and_goes_with_it(void)
{
	char name[16], path[64], err[200];
	struct link *l;

	if (geteuid() != 0 || access("/dev/net/tun", R_OK | W_OK) != 0) {
		printf("SKIPPED: a TAP device needs root and /dev/net/tun\n");
		return;
	}
	snprintf(name, sizeof(name), "tap-u%d", (int)getpid() % 100000);
	snprintf(path, sizeof(path), "/sys/class/net/%s", name);
	pkt_pool_init(&pool, 0, 0);
	for (int offload = 0; offload < 2; offload++) {
		l = link_tap(&pool, name, offload, err, sizeof(err));
		if (!l && strstr(err, "no right")) {
			printf("SKIPPED: %s\n", err);
			break;
		}
		CU_ASSERT_PTR_NOT_NULL_FATAL(l);
		CU_ASSERT_EQUAL(l->caps.mtu, 1500);
		CU_ASSERT_EQUAL(l->caps.tso_max > 0, offload);
		CU_ASSERT_EQUAL(l->caps.csum_tx, offload);
		CU_ASSERT_TRUE(l->ops->fd(l) >= 0);
		CU_ASSERT_PTR_NULL(link_tap(&pool, name, true, err, sizeof(err)));
		CU_ASSERT_PTR_NOT_NULL(strstr(err, "in use"));
		l->ops->close(l);
		CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
	}
	pkt_pool_free(&pool);
}

static const struct test_case cases[] = {
	TEST(names_that_no_device_can_have_are_refused),
	TEST(a_device_comes_with_its_link_and_goes_with_it),
};
TEST_SUITE(tap, cases);
