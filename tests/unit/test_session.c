/* Command lines of serve and connect that make sense; those that do not are in tests/live. */
#include "../lib/test.h"

#include <string.h>

#include "../../sim/session.h"

static int parse(struct session_options *o, const char *line)
{
	static char text[512];
	static char *argv[64];
	int argc = 0;
	char *save = NULL;

	strncpy(text, line, sizeof(text) - 1);
	for (char *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	argv[argc] = NULL;
	return session_parse(o, argc, argv);
}

static void every_option_finds_its_place(void)
{
	struct session_options o;

	CU_ASSERT_EQUAL_FATAL(parse(&o, "serve --tap t0 --addr 10.0.0.2/24 --addr fd00::2/64 "
					"--gateway 10.0.0.1 --gateway fd00::1 --mac 02:00:00:00:00:09 "
					"--port 443 --app http --root /tmp --tls --cert c --key k --cacert a "
					"--request-client-cert --keylog l --capture p --record r --count 3 "
					"--seed 9223372036854775807 --no-offload --quiet"), 0);
	CU_ASSERT_STRING_EQUAL(o.tap, "t0");
	CU_ASSERT_EQUAL(o.naddrs, 2);
	CU_ASSERT_EQUAL(o.addr[0].prefix, 24);
	CU_ASSERT_FALSE(addr_is_v4(&o.addr[1].addr));
	CU_ASSERT_EQUAL(o.ngateways, 2);
	CU_ASSERT_EQUAL(session_mac(&o).b[5], 9);
	CU_ASSERT_EQUAL(o.port, 443);
	CU_ASSERT_TRUE(o.tls && o.client_auth == TLS_AUTH_REQUEST);
	CU_ASSERT_EQUAL(o.count, 3);
	CU_ASSERT_TRUE(o.has_seed && o.seed == INT64_MAX);
	CU_ASSERT_TRUE(o.no_offload && o.quiet);

	CU_ASSERT_EQUAL_FATAL(parse(&o, "connect --raw eth0 --addr fd00::2/64 --tls --cacert a "
					"--servername example.com --no-name-check fd00::9 443"), 0);
	CU_ASSERT_STRING_EQUAL(o.raw, "eth0");
	CU_ASSERT_STRING_EQUAL(o.host, "fd00::9");
	CU_ASSERT_TRUE(o.no_name_check);
	CU_ASSERT_EQUAL(o.peer.b[15], 9);
}

static void the_stacks_own_mac_stays_and_is_a_station_of_this_place(void)
{
	struct session_options a, b;
	struct mac m, n;

	CU_ASSERT_EQUAL_FATAL(parse(&a, "connect --tap t0 --addr 10.0.0.2/24 10.0.0.1 80"), 0);
	m = session_mac(&a);
	CU_ASSERT_EQUAL_FATAL(parse(&b, "connect --tap t0 --addr 10.0.0.2/24 --seed 5 10.0.0.1 80"), 0);
	n = session_mac(&b);
	CU_ASSERT_TRUE(mac_eq(&m, &n));
	CU_ASSERT_EQUAL(m.b[0] & 3, 2); /* locally administered, unicast */
	CU_ASSERT_EQUAL_FATAL(parse(&b, "connect --tap t0 --addr 10.0.0.3/24 10.0.0.1 80"), 0);
	n = session_mac(&b);
	CU_ASSERT_FALSE(mac_eq(&m, &n));
}

static const struct test_case cases[] = {
	TEST(every_option_finds_its_place),
	TEST(the_stacks_own_mac_stays_and_is_a_station_of_this_place),
};
TEST_SUITE(session, cases);
