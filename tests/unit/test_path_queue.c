/* Queues: limits, marks, and that the clever ones keep the queue short. */
#include "../lib/frames.h"
#include "../lib/test.h"

#include "../../sim/path.h"
#include "../../stack/base/check.h"
#include "../../stack/wire/ip.h"

static struct pkt_pool pool;

static struct path *path_of(const char *words)
{
	char err[200] = "";
	struct path *path = path_parse_words("test", words, 2, err, sizeof(err));

	if (!path)
		CU_FAIL(err);
	assert(path);
	pkt_pool_init(&pool, 0, 0);
	return path;
}

static void finish(struct path *path)
{
	path_free(path);
	pkt_pool_free(&pool);
}

static void drop_tail_holds_its_limit_and_no_more(void)
{
	static const struct {
		const char *words;
		uint64_t kept; /* of 50 frames of 1000 bytes: one on the wire, the others wait */
	} rows[] = {
		{"rate 1mbit, queue 10", 11},
		{"rate 1mbit, queue 5500B", 6},
		/* 1 Mbit/s * 2 * 500 ms = 125 kB: all */
		{"rate 1mbit, queue 1bdp, delay 500ms", 50},
		/* never under 20 large frames */
		{"rate 1mbit, queue 1bdp, delay 1ms", 31},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct path *path = path_of(rows[i].words);

		for (int k = 0; k < 50; k++)
			path_push(path, plain_frame_of_len(&pool, 1000), 0);
		CU_ASSERT_EQUAL(path_counters(path)->queue_dropped, 50 - rows[i].kept);
		finish(path);
	}
}

struct flood {
	uint64_t delivered, dropped, marked;
	ns_t worst;      /* longest way in the second half */
	ns_t worst_thin; /* ... of the thin flow */
};

/* 20 s of 1.25 times the rate of 8 Mbit/s in frames of 1000 bytes, and a thin flow of 20 a second. */
static struct flood flood(const char *words, uint8_t ecn)
{
	struct path *path = path_of(words);
	struct flood f = {0};
	ns_t now = 0;

	for (ns_t next = 0, i = 0; next < 20 * SEC;) {
		if (path_deadline(path) < next) {
			now = path_deadline(path);
			path_run(path, now);
		} else {
			struct frame_spec spec = {.flags = TH_ACK, .len = 946, .ecn = ecn};

			now = next;
			if (++i % 63 == 0)
				spec.sport = 7, spec.len = 10;
			path_push(path, plain_frame(&pool, &spec), now);
			next += 800 * US;
		}
		for (struct pkt *p; (p = path_pop(path)); pkt_free(p)) {
			f.delivered++;
			if (now < 10 * SEC)
				continue;
			if (p->len < 100)
				f.worst_thin = ns_max(f.worst_thin, now - p->stamp);
			else
				f.worst = ns_max(f.worst, now - p->stamp);
		}
	}
	f.dropped = path_counters(path)->queue_dropped;
	f.marked = path_counters(path)->marked;
	finish(path);
	return f;
}

static void the_clever_queues_keep_the_delay_short(void)
{
	struct flood tail = flood("rate 8mbit, queue 1000", 0);
	struct flood red = flood("rate 8mbit, queue 400kB red", 0);
	struct flood codel = flood("rate 8mbit, queue 1000 codel", 0);
	struct flood fq = flood("rate 8mbit, queue 1000 fq_codel", 0);

	CU_ASSERT_TRUE(tail.worst > 970 * MS);
	CU_ASSERT_TRUE(red.worst < 399 * MS && red.dropped > 1000);
	CU_ASSERT_TRUE(codel.worst < 600 * MS && codel.dropped > 1000);
	CU_ASSERT_TRUE(fq.worst < 600 * MS);
	/* The thin flow does not wait behind the fat one: a frame on the wire and its own quantum. */
	CU_ASSERT_TRUE(fq.worst_thin < 4 * MS);
	CU_ASSERT_TRUE(codel.worst_thin > 20 * MS);
	/* No queue idles while frames wait. */
	CU_ASSERT_TRUE(tail.delivered >= 19900 && codel.delivered >= 19900 && fq.delivered >= 19900);
}

static void ecn_marks_in_place_of_drops(void)
{
	struct flood marks = flood("rate 8mbit, queue 400kB red ecn", ECN_ECT0);
	struct flood drops = flood("rate 8mbit, queue 400kB red ecn", 0);
	struct flood codel = flood("rate 8mbit, queue 3000 codel ecn", ECN_ECT0);

	CU_ASSERT_TRUE(marks.marked > 500);
	CU_ASSERT_EQUAL(drops.marked, 0);
	CU_ASSERT_TRUE(codel.marked > 20);
}

static void a_mark_keeps_the_header_sound(void)
{
	struct path_spec spec;

	path_spec_default(&spec);
	spec.rate_bps = 1000000;
	spec.queue.mark_above = 2;
	struct path *path = path_new("test", 1, &spec);

	assert(path);
	pkt_pool_init(&pool, 0, 0);
	for (int i = 0; i < 10; i++) {
		struct frame_spec f = {.flags = TH_ACK, .len = 100, .ecn = ECN_ECT0};

		path_push(path, plain_frame(&pool, &f), 0);
	}
	CU_ASSERT_EQUAL(path_counters(path)->marked, 7); /* one on the wire, two wait unmarked */
	while (path_deadline(path) != NS_NEVER) {
		path_run(path, path_deadline(path));
		for (struct pkt *p; (p = path_pop(path)); pkt_free(p))
			CU_ASSERT_TRUE(plain_is_sound(p));
	}
	CU_ASSERT_EQUAL(path_counters(path)->delivered, 10);
	finish(path);
}

static const struct test_case cases[] = {
	TEST(drop_tail_holds_its_limit_and_no_more),
	TEST(the_clever_queues_keep_the_delay_short),
	TEST(ecn_marks_in_place_of_drops),
	TEST(a_mark_keeps_the_header_sound),
};
TEST_SUITE(path_queue, cases);
