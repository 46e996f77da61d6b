/* Memory that runs out, once or for a while, at every single allocation of a whole connection's life:
 * nothing crashes, nothing leaks (the fixture's pools assert it), and what a frame suffers is what a
 * loss would have been: the transfer still ends, complete (stack.h, contract 5). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../stack/base/check.h"
#include "../../stack/base/rng.h"
#include "../../stack/stack_impl.h"
#include "../lib/nomem.h"
#include "../lib/test.h"
#include "../lib/twohosts.h"

#define BYTES 60000

struct job {
	uint64_t sent[2], got[2];
	bool shut[2], wrong;
	uint64_t frames;
};

static uint8_t pattern(uint64_t pos)
{
	return (uint8_t)(pos * 131 + (pos >> 8) * 31 + 7);
}

static bool app(struct twohosts *w)
{
	struct job *j = w->arg;
	bool moved = false;

	if (w->listener && !w->server)
		w->server = sock_accept(w->stack[1], w->listener);
	for (int i = 0; i < 2; i++) {
		sock_t s = i ? w->server : w->client;
		struct sock_event ev[8];
		uint8_t buf[2000];
		int64_t n;

		while (stack_events(w->stack[i], ev, 8))
			;
		if (!s)
			continue;
		while (j->sent[i] < BYTES) {
			size_t len = BYTES - j->sent[i] < sizeof(buf) ? BYTES - j->sent[i] : sizeof(buf);

			for (size_t k = 0; k < len; k++)
				buf[k] = pattern(j->sent[i] + k);
			if ((n = sock_send(w->stack[i], s, buf, len)) <= 0)
				break;
			j->sent[i] += (uint64_t)n;
			moved = true;
		}
		if (j->sent[i] == BYTES && !j->shut[i] && sock_shutdown(w->stack[i], s) == 0)
			j->shut[i] = moved = true;
		while ((n = sock_recv(w->stack[i], s, buf, sizeof(buf))) > 0) {
			for (int64_t k = 0; k < n; k++)
				j->wrong |= buf[k] != pattern(j->got[i] + (uint64_t)k);
			j->got[i] += (uint64_t)n;
			moved = true;
		}
	}
	return moved;
}

/* Every eleventh data segment is lost, so that holes, SACKs and retransmissions need memory as well. */
static bool lossy(struct twohosts *w, int side, const struct pkt *p, const struct seg *g, ns_t now)
{
	struct job *j = w->arg;

	(void)side, (void)p, (void)now;
	return g && g->len && ++j->frames % 11 == 5;
}

enum what { MALLOC, STACK_POOLS, PKTS, CHUNKS, KINDS };

static void arm(struct twohosts *w, enum what what, uint32_t n, uint32_t count)
{
	switch (what) {
	case MALLOC:
		nomem_fail(n, count);
		break;
	case STACK_POOLS:
		for (int i = 0; i < 2; i++)
			stack_fail_alloc(w->stack[i], n);
		break;
	case PKTS:
		w->pool.pkts.fail_in = n;
		break;
	default:
		for (int i = 0; i < CHUNK_CLASSES; i++)
			w->pool.chunks[i].fail_in = n;
		break;
	}
}

static bool has_failed(const struct twohosts *w, enum what what)
{
	switch (what) {
	case MALLOC:
		return nomem_failed() > 0;
	case STACK_POOLS:
		return w->stack[0]->tcp.tcbs.failed || w->stack[1]->tcp.tcbs.failed || w->stack[0]->tcp.tws.failed ||
		       w->stack[1]->tcp.tws.failed || w->stack[0]->tcp.cc_states.failed || w->stack[1]->tcp.cc_states.failed;
	case PKTS:
		return w->pool.pkts.failed;
	default:
		return w->pool.chunks[0].failed || w->pool.chunks[1].failed || w->pool.chunks[2].failed;
	}
}

/* One life with the n-th allocation failing. False: there was no n-th. */
static bool life(enum what what, uint32_t n, uint32_t count, bool sack)
{
	struct job j = {0};
	struct tcp_config cfg;
	struct addr any = {{0}};

	tcp_config_default(&cfg);
	cfg.sack = sack;
	struct twohosts *w = twohosts_new(n, &cfg, &cfg);

	w->cap_air = 8192; /* the wire's own memory does not fail */
	w->air = malloc(w->cap_air * sizeof(*w->air));
	w->arg = &j;
	w->app = app;
	w->wire = lossy;
	arm(w, what, n, count);
	w->listener = sock_open(w->stack[1]);
	bool up = w->listener && !sock_bind(w->stack[1], w->listener, &any, 80) &&
		  !sock_listen(w->stack[1], w->listener, 8);

	w->client = up ? sock_open(w->stack[0]) : 0;
	up = w->client && sock_connect(w->stack[0], w->client, &w->addr[1], 80) == 0;
	if (!up) { /* the user was told; that is all */
		bool failed = has_failed(w, what);

		nomem_fail(0, 0);
		CU_ASSERT_TRUE(failed);
		twohosts_free(w);
		return true;
	}
	for (int k = 0; k < 300; k++) /* a user who was told ERR_NOMEM tries again some time */
		twohosts_run(w, w->now + 3 * SEC);
	CU_ASSERT_FALSE(j.wrong);
	if (j.got[0] != BYTES || j.got[1] != BYTES) {
		char row[80];

		snprintf(row, sizeof(row), "kind %d, allocation %u: %u and %u bytes came", what, n, (unsigned)j.got[0],
			 (unsigned)j.got[1]);
		FAIL_ROW(row);
	}
	sock_close(w->stack[0], w->client);
	if (w->server)
		sock_close(w->stack[1], w->server);
	twohosts_run(w, w->now + 200 * SEC);
	bool failed = has_failed(w, what);

	nomem_fail(0, 0);
	for (int i = 0; i < 2; i++)
		stack_fail_alloc(w->stack[i], 0);
	CU_ASSERT_EQUAL(w->stack[0]->tcp.tcbs.used, 0);
	CU_ASSERT_EQUAL(w->stack[1]->tcp.tcbs.used, 0);
	CU_ASSERT_EQUAL(w->stack[0]->tcp.ntw + w->stack[1]->tcp.ntw, 0);
	twohosts_free(w);
	return failed;
}

static void each_allocation(enum what what, uint32_t count, bool sack)
{
	uint32_t n = 1;

	while (n < 3000 && life(what, n, count, sack))
		n += n < 60 ? 1 : 1 + n / 20; /* the later ones are all alike */
	CU_ASSERT_TRUE(n > 1);
}

static void a_malloc_that_fails_once_costs_a_frame_and_no_more(void)
{
	each_allocation(MALLOC, 1, true);
	each_allocation(MALLOC, 1, false);
}

static void mallocs_that_fail_for_a_while_cost_time_and_no_more(void)
{
	each_allocation(MALLOC, 4, true); /* fewer than SYNs are sent */
}

static void a_pool_of_the_stack_that_is_empty_once_is_survived(void)
{
	each_allocation(STACK_POOLS, 1, true);
}

static void a_packet_that_cannot_be_had_is_a_packet_lost(void)
{
	each_allocation(PKTS, 1, true);
}

static void a_chunk_that_cannot_be_had_is_a_packet_lost(void)
{
	each_allocation(CHUNKS, 1, true);
}

static void a_stack_that_cannot_be_made_leaves_nothing_behind(void)
{
	for (uint64_t n = 1; n < 50; n++) {
		struct stack_config cfg;
		struct pkt_pool pool;

		pkt_pool_init(&pool, 0, 0);
		stack_config_default(&cfg);
		cfg.pool = &pool;
		cfg.link.mtu = 1500;
		cfg.addr[0] = (struct stack_addr){addr_v4(0x0a000001), 24};
		cfg.naddrs = 1;
		nomem_fail(n, 1);
		struct stack *s = stack_new(&cfg);
		bool failed = nomem_failed();

		nomem_fail(0, 0);
		CU_ASSERT_TRUE(s == NULL || !failed);
		stack_free(s);
		pkt_pool_free(&pool);
		if (!failed)
			return;
	}
	CU_FAIL("stack_new never had all it wanted");
}

static const struct test_case cases[] = {
	TEST(a_malloc_that_fails_once_costs_a_frame_and_no_more),
	TEST(mallocs_that_fail_for_a_while_cost_time_and_no_more),
	TEST(a_pool_of_the_stack_that_is_empty_once_is_survived),
	TEST(a_packet_that_cannot_be_had_is_a_packet_lost),
	TEST(a_chunk_that_cannot_be_had_is_a_packet_lost),
	TEST(a_stack_that_cannot_be_made_leaves_nothing_behind),
};
TEST_SUITE(hostile_memory, cases);
