#include "../lib/hostpair.h"
#include "../lib/test.h"

static void each_request_waits_for_its_answer_and_the_gap(void)
{
	for (int tls = 0; tls < 2; tls++) {
		struct hostpair *p = hostpair_new(64, 0);
		struct app *server;
		struct flow f;

		flow_init(&f);
		f.id = 1;
		f.kind = FLOW_RPC;
		f.server = p->addr[SERVER];
		f.port = 5000;
		f.request = 100;
		f.response = 40000;
		f.count = 50;
		f.gap = 10 * MS;
		f.client_tls = tls ? hostpair_tls(p, CLIENT) : NULL;
		f.server_tls = tls ? hostpair_tls(p, SERVER) : NULL;
		server = app_flow_server(f.port, f.server_tls, NULL);
		CU_ASSERT_TRUE(app_flow_server_add(server, &f));
		host_add_app(p->host[SERVER], server);
		host_add_app(p->host[CLIENT], app_flow_client(&f));
		hostpair_run(p, 100 * SEC);

		CU_ASSERT_TRUE(flow_ok(&f));
		CU_ASSERT_EQUAL(f.rpcs, 50);
		CU_ASSERT_EQUAL(f.server_end.read, 50 * 100);
		CU_ASSERT_EQUAL(f.client.read, 50 * 40000);
		CU_ASSERT_TRUE(f.client.last_byte - f.client.first_byte >= 49 * 10 * MS);
		CU_ASSERT_TRUE(f.rpc_min <= f.rpc_max && f.rpc_sum >= f.rpc_max);
		hostpair_free(p);
	}
}

static const struct test_case cases[] = {TEST(each_request_waits_for_its_answer_and_the_gap)};
TEST_SUITE(app_rpc, cases);
