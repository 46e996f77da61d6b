/* Flows between two hosts: every byte arrives and is verified, plain and over TLS. */
#include "../lib/hostpair.h"
#include "../lib/test.h"

#include <string.h>

#include "../../stack/base/check.h"

#define PORT 4000

static void ask(struct hostpair *p, struct flow *f, uint32_t id)
{
	flow_init(f);
	f->id = id;
	f->server = p->addr[SERVER];
	f->port = PORT;
}

static void add_client(struct hostpair *p, struct flow *f)
{
	host_add_app(p->host[CLIENT], app_flow_client(f));
}

static struct app *add_server(struct hostpair *p, const struct stream_tls *tls)
{
	struct app *a = app_flow_server(PORT, tls, NULL);

	host_add_app(p->host[SERVER], a);
	return a;
}

static void run_one(struct hostpair *p, struct flow *f)
{
	CU_ASSERT_TRUE(app_flow_server_add(add_server(p, f->server_tls), f));
	add_client(p, f);
	hostpair_run(p, 100 * SEC);
}

static void bytes_cross_both_ways_whatever_the_link(void)
{
	static const struct {
		const char *name;
		uint32_t depth, tso;
		uint64_t up, down;
	} rows[] = {
		{"one way", 64, 0, 1000000, 0},
		{"the other way", 64, 0, 0, 1000000},
		{"both", 64, 0, 700001, 900003},
		{"both in super-segments", 64, 65535, 3000000, 3000000},
		{"a link that holds two frames", 2, 0, 300000, 300000},
		{"nothing but open and close", 8, 0, 0, 0},
		{"a single byte", 8, 65535, 1, 1},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct hostpair *p = hostpair_new(rows[i].depth, rows[i].tso);
		struct flow f;

		ask(p, &f, 1);
		f.to_server = rows[i].up;
		f.to_client = rows[i].down;
		run_one(p, &f);

		CU_ASSERT_TRUE(flow_ok(&f));
		CU_ASSERT_TRUE(flow_over(&f));
		CU_ASSERT_EQUAL(f.server_end.read, rows[i].up);
		CU_ASSERT_EQUAL(f.client.read, rows[i].down);
		CU_ASSERT_TRUE(f.client.have_info && f.server_end.have_info);
		CU_ASSERT_TRUE(host_finished(p->host[CLIENT]) && host_finished(p->host[SERVER]));
		if (!flow_ok(&f))
			printf("%s: client %s %s, server %s %s\n", rows[i].name,
			       stream_verdict_name(f.client.verdict), f.client.why,
			       stream_verdict_name(f.server_end.verdict), f.server_end.why);
		hostpair_free(p);
	}
}

static void bytes_cross_by_tls_with_both_certificates(void)
{
	struct hostpair *p = hostpair_new(64, 0);
	struct flow f;

	ask(p, &f, 1);
	f.to_server = 200000;
	f.to_client = 300000;
	f.client_tls = hostpair_tls(p, CLIENT);
	f.server_tls = hostpair_tls(p, SERVER);
	run_one(p, &f);

	CU_ASSERT_TRUE(flow_ok(&f));
	CU_ASSERT_EQUAL(f.client.verdict, STREAM_CLEAN);
	CU_ASSERT_EQUAL(f.server_end.verdict, STREAM_CLEAN);
	CU_ASSERT_PTR_NOT_NULL(strstr(f.client.tls, "TLSv1.2"));
	hostpair_free(p);
}

static void an_echo_flow_comes_back_as_it_went(void)
{
	for (int tls = 0; tls < 2; tls++) {
		struct hostpair *p = hostpair_new(64, 0);
		struct flow f;

		ask(p, &f, 9);
		f.kind = FLOW_ECHO;
		f.to_server = 250000;
		f.client_tls = tls ? hostpair_tls(p, CLIENT) : NULL;
		f.server_tls = tls ? hostpair_tls(p, SERVER) : NULL;
		run_one(p, &f);

		CU_ASSERT_TRUE(flow_ok(&f));
		CU_ASSERT_EQUAL(f.client.read, 250000);
		hostpair_free(p);
	}
}

static void flows_that_share_a_port_find_their_connections(void)
{
	struct hostpair *p = hostpair_new(64, 0);
	struct flow f[20];
	struct app *server = add_server(p, NULL);

	for (uint32_t i = 0; i < ARRAY_LEN(f); i++) {
		ask(p, &f[i], i);
		f[i].to_server = 1000 * i;
		f[i].to_client = 500 * i;
		f[i].start = (ns_t)(i % 3) * MS;
		CU_ASSERT_TRUE(app_flow_server_add(server, &f[i]));
		add_client(p, &f[i]);
	}
	hostpair_run(p, 100 * SEC);

	for (uint32_t i = 0; i < ARRAY_LEN(f); i++) {
		CU_ASSERT_TRUE(flow_ok(&f[i]));
		CU_ASSERT_EQUAL(f[i].server_end.read, 1000 * i);
		CU_ASSERT_TRUE(f[i].client.created == f[i].start);
	}
	hostpair_free(p);
}

static void a_slow_reader_takes_its_time(void)
{
	struct hostpair *p = hostpair_new(64, 0);
	struct flow f;

	ask(p, &f, 1);
	f.to_server = 100000;
	f.read_gap = 10 * MS;
	f.read_max = 1000;
	run_one(p, &f);

	CU_ASSERT_TRUE(flow_ok(&f));
	CU_ASSERT_EQUAL(f.server_end.last_byte - f.server_end.first_byte, 99 * 10 * MS);
	hostpair_free(p);
}

static void an_endless_sender_ends_at_its_hour(void)
{
	struct hostpair *p = hostpair_new(8, 0);
	struct flow f;

	ask(p, &f, 1);
	f.to_server = FLOW_ENDLESS;
	f.stop = 20 * MS;
	f.read_gap = MS;
	f.read_max = 5000;
	run_one(p, &f);

	CU_ASSERT_TRUE(flow_ok(&f));
	CU_ASSERT_TRUE(f.client.written >= 19 * 5000);
	CU_ASSERT_EQUAL(f.server_end.read, f.client.written);
	hostpair_free(p);
}

static void an_unverified_flow_moves_its_bytes_without_looking(void)
{
	struct hostpair *p = hostpair_new(64, 65535);
	struct flow f;

	ask(p, &f, 1);
	f.no_verify = true;
	f.to_server = 5000000;
	f.to_client = 1;
	run_one(p, &f);

	CU_ASSERT_TRUE(flow_ok(&f));
	CU_ASSERT_EQUAL(f.server_end.read, 5000000);
	hostpair_free(p);
}

static void a_flow_goes_on_when_an_empty_pool_has_chunks_again(void)
{
	for (int tls = 0; tls < 2; tls++) {
		struct hostpair *p = hostpair_new(64, 0);
		uint32_t limit[CHUNK_CLASSES];
		struct flow f;

		for (int c = 0; c < CHUNK_CLASSES; c++) {
			limit[c] = p->pool.chunks[c].limit;
			p->pool.chunks[c].limit = 0;
		}
		ask(p, &f, 1);
		f.to_server = f.to_client = 500000;
		f.client_tls = tls ? hostpair_tls(p, CLIENT) : NULL;
		f.server_tls = tls ? hostpair_tls(p, SERVER) : NULL;
		CU_ASSERT_TRUE(app_flow_server_add(add_server(p, f.server_tls), &f));
		add_client(p, &f);
		hostpair_run(p, 50 * MS);
		CU_ASSERT_EQUAL(f.client.written + f.server_end.written, 0);

		for (int c = 0; c < CHUNK_CLASSES; c++)
			p->pool.chunks[c].limit = limit[c];
		hostpair_run(p, 100 * SEC);
		CU_ASSERT_TRUE(flow_ok(&f));
		CU_ASSERT_TRUE(f.server_end.last_byte < 60 * MS);
		hostpair_free(p);
	}
}

static void a_refused_client_tells_so_and_its_flow_is_over(void)
{
	struct hostpair *p = hostpair_new(8, 0);
	struct flow f;

	ask(p, &f, 1);
	add_client(p, &f);
	hostpair_run(p, 100 * SEC);

	CU_ASSERT_EQUAL(f.client.verdict, STREAM_REFUSED);
	CU_ASSERT_TRUE(flow_over(&f));
	CU_ASSERT_FALSE(flow_ok(&f));
	CU_ASSERT_TRUE(host_finished(p->host[CLIENT]));
	hostpair_free(p);
}

/* What comes wrong must be noticed: the two ends disagree on the flow's id, hence on its bytes. */
static void foreign_bytes_are_noticed_at_their_offset(void)
{
	struct hostpair *p = hostpair_new(8, 0);
	struct flow f, other;

	ask(p, &f, 1);
	ask(p, &other, 2);
	f.to_server = other.to_server = 5000;
	CU_ASSERT_TRUE(app_flow_server_add(add_server(p, NULL), &other));
	add_client(p, &f);
	hostpair_run(p, 100 * SEC);

	CU_ASSERT_EQUAL(other.server_end.read, 5000);
	CU_ASSERT_TRUE(other.server_end.bad_at < 16);
	hostpair_free(p);
}

static const struct test_case cases[] = {
	TEST(bytes_cross_both_ways_whatever_the_link),
	TEST(bytes_cross_by_tls_with_both_certificates),
	TEST(an_echo_flow_comes_back_as_it_went),
	TEST(flows_that_share_a_port_find_their_connections),
	TEST(a_slow_reader_takes_its_time),
	TEST(an_endless_sender_ends_at_its_hour),
	TEST(an_unverified_flow_moves_its_bytes_without_looking),
	TEST(a_flow_goes_on_when_an_empty_pool_has_chunks_again),
	TEST(a_refused_client_tells_so_and_its_flow_is_over),
	TEST(foreign_bytes_are_noticed_at_their_offset),
};
TEST_SUITE(app_flow, cases);
