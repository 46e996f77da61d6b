/* A host's turn: who is called when, and what is left when it goes. */
#include "../lib/hostpair.h"
#include "../lib/test.h"

#include <stdlib.h>

/* An application that counts its calls. */
struct counter {
	struct app app;
	ns_t due, started_at, stopped_at;
	int ticks, start_result;
	bool finished;
};

static int counter_start(struct app *a, ns_t now)
{
	struct counter *c = (struct counter *)a;

	c->started_at = now;
	return c->start_result;
}

static void counter_event(struct app *a, struct stream *s, uint32_t bits, ns_t now)
{
	(void)a;
	(void)s;
	(void)bits;
	(void)now;
}

static ns_t counter_deadline(const struct app *a)
{
	return ((const struct counter *)a)->due;
}

static void counter_tick(struct app *a, ns_t now)
{
	struct counter *c = (struct counter *)a;

	c->ticks++;
	c->due = c->ticks < 5 ? now + 10 * MS : NS_NEVER;
	c->finished = c->ticks == 5;
}

static void counter_stop(struct app *a, ns_t now)
{
	((struct counter *)a)->stopped_at = now;
	((struct counter *)a)->finished = true;
}

static bool counter_finished(const struct app *a)
{
	return ((const struct counter *)a)->finished;
}

static const struct app_ops counter_ops = {
	.name = "counter",
	.start = counter_start,
	.event = counter_event,
	.deadline = counter_deadline,
	.tick = counter_tick,
	.stop = counter_stop,
	.finished = counter_finished,
};

static struct counter *add_counter(struct host *h, ns_t start_at, ns_t due)
{
	struct counter *c = calloc(1, sizeof(*c));

	c->app.ops = &counter_ops;
	c->app.start_at = start_at;
	c->due = due;
	c->started_at = c->stopped_at = -1;
	host_add_app(h, &c->app);
	return c;
}

static void an_application_starts_at_its_time_and_ticks_at_its_deadlines(void)
{
	struct hostpair *p = hostpair_new(8, 0);
	struct counter *c = add_counter(p->host[CLIENT], 300 * MS, 400 * MS);

	CU_ASSERT_EQUAL(host_deadline(p->host[CLIENT]), 300 * MS);
	hostpair_run(p, 10 * SEC);

	CU_ASSERT_EQUAL(c->started_at, 300 * MS);
	CU_ASSERT_EQUAL(c->ticks, 5);
	CU_ASSERT_EQUAL(p->now, 440 * MS);
	CU_ASSERT_TRUE(host_finished(p->host[CLIENT]));
	CU_ASSERT_EQUAL(host_deadline(p->host[CLIENT]), NS_NEVER);
	hostpair_free(p);
}

static void an_application_that_cannot_start_has_finished(void)
{
	struct hostpair *p = hostpair_new(8, 0);
	struct counter *c = add_counter(p->host[CLIENT], 0, NS_NEVER);

	c->start_result = ERR_INUSE;
	hostpair_run(p, SEC);

	CU_ASSERT_EQUAL(c->app.failed, ERR_INUSE);
	CU_ASSERT_TRUE(host_finished(p->host[CLIENT]));
	hostpair_free(p);
}

static void a_port_serves_one_application(void)
{
	struct hostpair *p = hostpair_new(8, 0);
	struct serve_config cfg = {.port = 7};
	struct app *first = app_echo(&cfg), *second = app_echo(&cfg);

	host_add_app(p->host[SERVER], first);
	host_add_app(p->host[SERVER], second);
	hostpair_run(p, SEC);

	CU_ASSERT_EQUAL(first->failed, 0);
	CU_ASSERT_EQUAL(second->failed, ERR_INUSE);
	hostpair_free(p);
}

static void stopping_tells_each_application_once_and_ends_it(void)
{
	struct hostpair *p = hostpair_new(8, 0);
	struct counter *running = add_counter(p->host[CLIENT], 0, NS_NEVER);
	struct counter *waiting = add_counter(p->host[CLIENT], 50 * SEC, NS_NEVER);

	hostpair_run(p, SEC);
	CU_ASSERT_FALSE(host_finished(p->host[CLIENT]));
	host_stop(p->host[CLIENT]);
	host_stop(p->host[CLIENT]);
	hostpair_run(p, SEC);

	CU_ASSERT_TRUE(running->stopped_at >= 0);
	CU_ASSERT_EQUAL(waiting->started_at, -1);
	CU_ASSERT_TRUE(host_finished(p->host[CLIENT]));
	hostpair_free(p);
}

static void a_host_that_goes_in_the_middle_gives_everything_back(void)
{
	for (int tls = 0; tls < 2; tls++) {
		struct hostpair *p = hostpair_new(4, 0);
		struct app *server = app_flow_server(1, tls ? hostpair_tls(p, SERVER) : NULL, NULL);
		struct flow f;

		flow_init(&f);
		f.server = p->addr[SERVER];
		f.port = 1;
		f.to_server = f.to_client = FLOW_ENDLESS;
		f.read_gap = MS;
		f.read_max = 1000;
		f.client_tls = tls ? hostpair_tls(p, CLIENT) : NULL;
		CU_ASSERT_TRUE(app_flow_server_add(server, &f));
		host_add_app(p->host[SERVER], server);
		host_add_app(p->host[CLIENT], app_flow_client(&f));
		hostpair_run(p, 20 * MS);
		CU_ASSERT_TRUE(f.client.opened >= 0);

		hostpair_free(p); /* the pool asserts */
		CU_ASSERT_EQUAL(f.client.verdict, STREAM_ABORTED);
		CU_ASSERT_EQUAL(f.server_end.verdict, STREAM_ABORTED);
	}
}

static void the_same_seeds_give_the_same_turns(void)
{
	uint64_t turns[2], frames[2];
	ns_t closed[2];

	for (int i = 0; i < 2; i++) {
		struct hostpair *p = hostpair_new(16, 0);
		struct app *server = app_flow_server(1, hostpair_tls(p, SERVER), NULL);
		struct flow f;

		flow_init(&f);
		f.server = p->addr[SERVER];
		f.port = 1;
		f.to_server = f.to_client = 300000;
		f.client_tls = hostpair_tls(p, CLIENT);
		CU_ASSERT_TRUE(app_flow_server_add(server, &f));
		host_add_app(p->host[SERVER], server);
		host_add_app(p->host[CLIENT], app_flow_client(&f));
		hostpair_run(p, 100 * SEC);
		turns[i] = p->turns;
		frames[i] = p->host[CLIENT]->frames_in + p->host[SERVER]->frames_in;
		closed[i] = f.client.closed;
		hostpair_free(p);
	}

	CU_ASSERT_EQUAL(turns[0], turns[1]);
	CU_ASSERT_EQUAL(frames[0], frames[1]);
	CU_ASSERT_EQUAL(closed[0], closed[1]);
}

static const struct test_case cases[] = {
	TEST(an_application_starts_at_its_time_and_ticks_at_its_deadlines),
	TEST(an_application_that_cannot_start_has_finished),
	TEST(a_port_serves_one_application),
	TEST(stopping_tells_each_application_once_and_ends_it),
	TEST(a_host_that_goes_in_the_middle_gives_everything_back),
	TEST(the_same_seeds_give_the_same_turns),
};
TEST_SUITE(host, cases);
