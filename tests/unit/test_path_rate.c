/* The transmitter's time, the path's MTU and its answers. */
#include "../lib/frames.h"
#include "../lib/test.h"

#include "../../sim/path.h"
#include "../../stack/base/check.h"
#include "../../stack/wire/csum.h"
#include "../../stack/wire/eth.h"
#include "../../stack/wire/icmp.h"

static struct pkt_pool pool;

static struct path *path_of(const char *words)
{
	char err[200] = "";
	struct path *path = path_parse_words("test", words, 1, err, sizeof(err));

	if (!path)
		CU_FAIL(err);
	assert(path);
	return path;
}

/* Time at which the last of n frames comes out. */
static ns_t time_of_last(struct path *path, uint32_t n, uint32_t len)
{
	ns_t now = 0;

	for (uint32_t i = 0; i < n; i++)
		path_push(path, plain_frame_of_len(&pool, len), 0);
	while (path_deadline(path) != NS_NEVER) {
		now = path_deadline(path);
		path_run(path, now);
		for (struct pkt *p; (p = path_pop(path));)
			pkt_free(p);
	}
	CU_ASSERT_EQUAL(path_counters(path)->delivered, n);
	return now;
}

static void a_frame_takes_its_bytes_at_the_rate(void)
{
	static const struct {
		const char *words;
		uint32_t n, len;
		ns_t last;
	} rows[] = {
		{"rate 8kbit, queue 10", 1, 100, 100 * MS},
		{"rate 8kbit overhead 24, queue 10", 2, 100, 248 * MS},
		{"rate 1gbit, queue 5000", 1000, 1000, 8 * MS},
		/* 1000 bytes at 3 kbit/s: 2.666... s; the thirds are not lost. */
		{"rate 3kbit, queue 5000", 300, 1000, 800 * SEC},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		pkt_pool_init(&pool, 0, 0);
		struct path *path = path_of(rows[i].words);

		CU_ASSERT_EQUAL(time_of_last(path, rows[i].n, rows[i].len), rows[i].last);
		path_free(path);
		pkt_pool_free(&pool);
	}
}

static void what_is_too_big_is_answered_with_the_mtu(void)
{
	struct frame_spec big = {.flags = TH_ACK, .seq = 77, .len = 1260, .dont_frag = true};
	struct ip_hdr ip;
	struct icmp_msg m;
	struct icmp_inner in;

	pkt_pool_init(&pool, 0, 0);
	struct path *path = path_of("mtu 1280");

	path_push(path, plain_frame(&pool, &big), 5);
	CU_ASSERT_EQUAL(path_deadline(path), 5);

	struct pkt *p = path_pop_reply(path);

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(path_counters(path)->too_big, 1);
	CU_ASSERT_EQUAL(p->data[5], 1); /* back to where it came from */
	CU_ASSERT_EQUAL(ip4_parse(p->data + ETH_LEN, p->len - ETH_LEN, &ip, false), IP_OK);
	CU_ASSERT_EQUAL(addr_to_v4(&ip.dst), 0x0a000001);
	CU_ASSERT_EQUAL(csum_fold(csum_add(0, p->data + ETH_LEN + IP4_LEN, ip.payload_len)), 0xffff);
	CU_ASSERT_TRUE(icmp_parse(p->data + ETH_LEN + IP4_LEN, ip.payload_len, &m));
	CU_ASSERT_EQUAL(m.type, ICMP4_UNREACH);
	CU_ASSERT_EQUAL(m.code, ICMP4_UNREACH_FRAG);
	CU_ASSERT_EQUAL(m.rest & 0xffff, 1280);
	CU_ASSERT_TRUE(icmp_inner_parse(&m, false, &in));
	CU_ASSERT_EQUAL(in.seq, 77);
	pkt_free(p);
	path_free(path);
	pkt_pool_free(&pool);
}

static void a_black_hole_says_nothing(void)
{
	struct frame_spec big = {.flags = TH_ACK, .len = 1241, .dont_frag = true};
	struct frame_spec fits = {.flags = TH_ACK, .len = 1240, .dont_frag = true};

	pkt_pool_init(&pool, 0, 0);
	struct path *path = path_of("mtu 1280 silent");

	path_push(path, plain_frame(&pool, &big), 0);
	path_push(path, plain_frame(&pool, &fits), 0);
	CU_ASSERT_PTR_NULL(path_pop_reply(path));
	CU_ASSERT_EQUAL(path_counters(path)->too_big, 1);
	CU_ASSERT_EQUAL(path_counters(path)->delivered, 1);
	path_free(path);
	pkt_pool_free(&pool);
}

static const struct test_case cases[] = {
	TEST(a_frame_takes_its_bytes_at_the_rate),
	TEST(what_is_too_big_is_answered_with_the_mtu),
	TEST(a_black_hole_says_nothing),
};
TEST_SUITE(path_rate, cases);
