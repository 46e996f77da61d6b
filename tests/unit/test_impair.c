/* A link behind two paths. */
#include "../lib/frames.h"
#include "../lib/test.h"

#include <string.h>

#include "../../sim/impair.h"

static struct pkt_pool pool;
static struct link *end[2];

static struct link *begin(const char *words)
{
	char err[200];
	struct link *l;

	pkt_pool_init(&pool, 0, 0);
	CU_ASSERT_TRUE_FATAL(link_pair(&pool, 8, 1500, 65535, end));
	l = impair_link(end[0], words, 1, err, sizeof(err));
	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	return l;
}

static void finish(struct link *l)
{
	l->ops->close(l);
	end[0]->ops->close(end[0]);
	end[1]->ops->close(end[1]);
	pkt_pool_free(&pool);
}

static struct pkt *frame(void)
{
	const struct frame_spec spec = {.flags = TH_ACK, .len = 50};

	return plain_frame(&pool, &spec);
}

static void frames_are_delayed_both_ways(void)
{
	struct link *l = begin("delay 10ms");
	struct pkt *p = frame(), *got[4];

	CU_ASSERT_EQUAL(l->caps.tso_max, 0); /* paths carry single frames */
	impair_advance(l, 0);
	CU_ASSERT_EQUAL(l->ops->send(l, &p, 1), 1);
	CU_ASSERT_EQUAL(end[1]->ops->recv(end[1], got, 4), 0);
	CU_ASSERT_EQUAL(l->ops->deadline(l), 10 * MS);
	impair_advance(l, 10 * MS);
	CU_ASSERT_EQUAL(end[1]->ops->recv(end[1], got, 4), 1);

	CU_ASSERT_EQUAL(end[1]->ops->send(end[1], got, 1), 1);
	CU_ASSERT_EQUAL(l->ops->recv(l, got, 4), 0);
	CU_ASSERT_EQUAL(l->ops->deadline(l), 20 * MS);
	impair_advance(l, 20 * MS);
	CU_ASSERT_EQUAL(l->ops->recv(l, got, 4), 1);
	CU_ASSERT_EQUAL(l->ops->deadline(l), NS_NEVER);
	pkt_free(got[0]);
	finish(l);
}

static void what_the_link_does_not_take_waits(void)
{
	struct link *l = begin("delay 1ms");
	struct pkt *p[20], *got[20];
	size_t n = 0;

	for (int i = 0; i < 20; i++)
		p[i] = frame();
	impair_advance(l, 0);
	CU_ASSERT_EQUAL(l->ops->send(l, p, 20), 20);
	impair_advance(l, MS);
	for (int i = 0; i < 5; i++) {
		size_t k = end[1]->ops->recv(end[1], got + n, 20 - n);

		CU_ASSERT_TRUE(k <= 8); /* the pair's depth */
		n += k;
		impair_advance(l, MS);
	}
	CU_ASSERT_EQUAL(n, 20);
	for (size_t i = 0; i < n; i++)
		pkt_free(got[i]);
	finish(l);
}

static void the_report_counts_what_was_lost(void)
{
	struct link *l = begin("loss 100%");
	char text[500];
	struct pkt *p = frame();

	impair_advance(l, 0);
	l->ops->send(l, &p, 1);
	impair_report(l, text, sizeof(text));

	CU_ASSERT_PTR_NOT_NULL(strstr(text, "in: 0 frames"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "out: 1 frames, 1 lost"));
	finish(l);
}

static void words_without_sense_are_refused(void)
{
	char err[200] = "";

	pkt_pool_init(&pool, 0, 0);
	CU_ASSERT_TRUE_FATAL(link_pair(&pool, 8, 1500, 0, end));
	CU_ASSERT_PTR_NULL(impair_link(end[0], "loss of patience", 1, err, sizeof(err)));
	CU_ASSERT_TRUE(strlen(err) > 5);
	end[0]->ops->close(end[0]);
	end[1]->ops->close(end[1]);
	pkt_pool_free(&pool);
}

static const struct test_case cases[] = {
	TEST(frames_are_delayed_both_ways),
	TEST(what_the_link_does_not_take_waits),
	TEST(the_report_counts_what_was_lost),
	TEST(words_without_sense_are_refused),
};
TEST_SUITE(impair, cases);
