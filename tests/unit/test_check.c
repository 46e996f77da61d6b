/* The invariants must be able to fail: each is broken on purpose, and must be seen. */
#include "../lib/test.h"

#include "../../sim/check.h"
#include "../../sim/path_stage.h"

#include <string.h>

static const char text[] =
	"scenario: 1\nhosts: {client: {}, server: {}}\nstop: 10s\n"
	"links: [{name: wire, between: [client, server], rate: 10mbit, delay: 10ms}]\n"
	"traffic: [{from: client, to: 'server:80', send: 300kB}]\n";

struct fixture {
	struct scenario *sc;
	struct world *w;
};

static struct fixture begin(void)
{
	struct world_options opt = {.check = CHECK_ALWAYS};
	char err[600];
	struct fixture f;

	f.sc = scenario_parse("test.yaml", text, strlen(text), NULL, err, sizeof(err));
	CU_ASSERT_PTR_NOT_NULL_FATAL(f.sc);
	f.w = world_new(f.sc, &opt, err, sizeof(err));
	CU_ASSERT_PTR_NOT_NULL_FATAL(f.w);
	return f;
}

static void end(struct fixture *f)
{
	world_free(f->w);
	scenario_free(f->sc);
}

static void a_lost_count_is_seen(void)
{
	struct fixture f = begin();

	f.w->path[0].path->count.lost++;
	CU_ASSERT_FALSE(world_run(f.w));
	CU_ASSERT_PTR_NOT_NULL(strstr(f.w->broken, "path wire/0"));
	end(&f);
}

static void a_byte_that_was_never_written_is_seen(void)
{
	struct fixture f = begin();

	CU_ASSERT_TRUE(world_run(f.w));
	f.w->flow[0].server_end.read = f.w->flow[0].client.written + 1;
	check_end(f.w);
	CU_ASSERT_PTR_NOT_NULL(strstr(f.w->broken, "the server has read 300001 bytes"));
	end(&f);
}

static void a_wrong_byte_is_seen(void)
{
	struct fixture f = begin();

	CU_ASSERT_TRUE(world_run(f.w));
	f.w->flow[0].server_end.bad_at = 77;
	check_end(f.w);
	CU_ASSERT_PTR_NOT_NULL(strstr(f.w->broken, "byte 77 that the server read"));
	end(&f);
}

static void a_silent_world_is_seen(void)
{
	struct fixture f = begin();

	/* Nobody is ever called: as if every deadline had been forgotten. */
	for (uint32_t i = 0; i < f.w->nhosts; i++)
		heap_set(&f.w->heap, i, NS_NEVER);
	CU_ASSERT_FALSE(world_run(f.w));
	CU_ASSERT_PTR_NOT_NULL(strstr(f.w->broken, "deadlock"));
	end(&f);
}

/* A link that is always due. */
static ns_t at_once(const struct link *l)
{
	(void)l;
	return 0;
}

static void an_instant_without_end_is_seen(void)
{
	struct fixture f = begin();
	struct link_ops ops = *f.w->host[0].link.link.ops;

	ops.deadline = at_once;
	f.w->host[0].link.link.ops = &ops;
	heap_set(&f.w->heap, 0, 0);
	f.w->opt.check = CHECK_NONE; /* a million turns */
	CU_ASSERT_FALSE(world_run(f.w));
	CU_ASSERT_PTR_NOT_NULL(strstr(f.w->broken, "livelock"));
	end(&f);
}

static const struct test_case cases[] = {
	TEST(a_lost_count_is_seen),
	TEST(a_byte_that_was_never_written_is_seen),
	TEST(a_wrong_byte_is_seen),
	TEST(a_silent_world_is_seen),
	TEST(an_instant_without_end_is_seen),
};
TEST_SUITE(check, cases);
