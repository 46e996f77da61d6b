/* Checksums that are left to a device, as frames from a veth and a vnet header bring them. */
#include "../lib/frames.h"
#include "../lib/mutate.h"
#include "../lib/test.h"

#include <string.h>

#include "link/frame.h"
#include "wire/csum.h"

static struct pkt_pool pool;

/* A frame whose TCP checksum field holds what a sender leaves for its device. */
static struct pkt *partial_frame(void)
{
	const struct frame_spec spec = {.flags = TH_ACK, .len = 100};
	struct pkt *p = plain_frame(&pool, &spec);
	bool flat = pkt_unshare(p);

	CU_ASSERT_TRUE_FATAL(flat);
	p->l3_off = 14;
	p->l4_off = 34;
	p->l4_proto = PROTO_TCP;
	p->csum = CSUM_PARTIAL;
	frame_prime_partial(p);
	p->l3_off = p->l4_off = p->l4_proto = 0;
	p->csum = CSUM_UNKNOWN;
	return p;
}

static void the_pseudo_header_alone_is_known_for_a_sum_that_is_due(void)
{
	pkt_pool_init(&pool, 0, 0);
	struct pkt *p = partial_frame();

	CU_ASSERT_FALSE(plain_is_sound(p));
	CU_ASSERT_TRUE(frame_guess_partial(p));
	CU_ASSERT_EQUAL(p->csum, CSUM_PARTIAL);
	CU_ASSERT_EQUAL(p->l3_off, 14);
	CU_ASSERT_EQUAL(p->l4_off, 34);

	csum_complete(p);
	CU_ASSERT_TRUE(plain_is_sound(p));

	pkt_free(p);
	pkt_pool_free(&pool);
}

static void a_complete_or_wrong_sum_is_not_taken_for_one_that_is_due(void)
{
	const struct frame_spec spec = {.flags = TH_ACK, .len = 100};

	pkt_pool_init(&pool, 0, 0);
	struct pkt *p = plain_frame(&pool, &spec);
	bool flat = pkt_unshare(p);

	CU_ASSERT_TRUE_FATAL(flat);
	p->csum = CSUM_UNKNOWN;
	CU_ASSERT_FALSE(frame_guess_partial(p));
	p->data[50] ^= 1;
	CU_ASSERT_FALSE(frame_guess_partial(p));
	CU_ASSERT_EQUAL(p->csum, CSUM_UNKNOWN);

	pkt_free(p);
	pkt_pool_free(&pool);
}

static void a_mark_that_does_not_fit_the_bytes_is_refused(void)
{
	static const struct {
		const char *name;
		uint32_t l4, field;
	} rows[] = {
		{"a field that is neither TCP's nor UDP's", 34, 10},
		{"inside the Ethernet header", 10, 16},
		{"inside the IP header", 20, 16},
		{"beyond the frame", 5000, 16},
		{"the field beyond the frame", 14 + 20 + 20 + 100 - 17, 16},
	};

	pkt_pool_init(&pool, 0, 0);
	struct pkt *p = partial_frame();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CU_ASSERT_FALSE(frame_mark_partial(p, rows[i].l4, rows[i].field));
	CU_ASSERT_EQUAL(p->csum, CSUM_UNKNOWN);
	CU_ASSERT_TRUE(frame_mark_partial(p, 34, 16));

	pkt_free(p);
	pkt_pool_free(&pool);
}

/* Whatever a frame's bytes say, marking and completing stay inside it. */
static unsigned try_mutant(uint8_t *bytes, size_t len)
{
	struct pkt *p = pkt_of_bytes(&pool, bytes, len);

	if (frame_guess_partial(p) || frame_mark_partial(p, 34, 16))
		csum_complete(p);
	pkt_free(p);
	return 0;
}

static void damaged_frames_are_marked_within_their_bytes_or_not_at_all(void)
{
	uint8_t valid[200];

	pkt_pool_init(&pool, 0, 0);
	struct pkt *p = partial_frame();
	uint32_t len = p->len;

	pkt_copy_out(p, 0, valid, len);
	CU_ASSERT_EQUAL(mutate_each(valid, len, 1, 20000, try_mutant), 0);

	pkt_free(p);
	pkt_pool_free(&pool);
}

static const struct test_case cases[] = {
	TEST(the_pseudo_header_alone_is_known_for_a_sum_that_is_due),
	TEST(a_complete_or_wrong_sum_is_not_taken_for_one_that_is_due),
	TEST(a_mark_that_does_not_fit_the_bytes_is_refused),
	TEST(damaged_frames_are_marked_within_their_bytes_or_not_at_all),
};
TEST_SUITE(frame, cases);
