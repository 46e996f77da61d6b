/* Fragments in a capture: a segment is judged when its packet is whole. */
#include "../lib/test.h"

#include "../../stack/base/bytes.h"
#include "../../stack/base/check.h"
#include "../../traces/flow.h"

#include <stdlib.h>
#include <string.h>

/* A TCP segment of 100 bytes in all, 80 of them data. */
static void segment(uint8_t tcp[100], uint32_t seq)
{
	memset(tcp, 0, 100);
	wr16(tcp, 1000);
	wr16(tcp + 2, 80);
	wr32(tcp + 4, seq);
	tcp[12] = 0x50;
	tcp[13] = 0x10;
}

/* The bytes [lo, hi) of that, as an IPv4 fragment in raw IP. */
static void piece(struct analysis *a, uint64_t frame, uint16_t id, const uint8_t tcp[100], uint32_t lo, uint32_t hi,
		  ns_t at)
{
	uint8_t p[120] = {0x45, [8] = 64, 6, [12] = 10, 0, 0, 1, 10, 0, 0, 2};
	struct reader_pkt k = {.frame = frame, .at = at, .data = p, .caplen = 20 + hi - lo, .len = 20 + hi - lo,
			       .linktype = 101};

	wr16(p + 2, (uint16_t)(20 + hi - lo));
	wr16(p + 4, id);
	wr16(p + 6, (uint16_t)(lo / 8 | (hi < 100 ? 0x2000 : 0)));
	memcpy(p + 20, tcp + lo, hi - lo);
	CU_ASSERT_TRUE(analysis_packet(a, &k));
}

static void pieces_in_any_order_make_one_segment(void)
{
	static const uint8_t order[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	static const uint32_t edge[] = {0, 40, 80, 100};

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		struct analysis *a = analysis_new();
		uint8_t tcp[100];

		segment(tcp, 1000);
		for (int n = 0; n < 3; n++)
			piece(a, (uint64_t)n + 1, 7, tcp, edge[order[i][n]], edge[order[i][n] + 1], n * MS);
		analysis_finish(a);

		CU_ASSERT_EQUAL_FATAL(a->nconns, 1);
		CU_ASSERT_EQUAL(a->conn[0]->half[0].packets, 1);
		CU_ASSERT_EQUAL(a->conn[0]->half[0].max, 81);
		CU_ASSERT_EQUAL(a->pieces, 2);
		CU_ASSERT_EQUAL(a->skips, 0);
		analysis_free(a);
	}
}

static void a_header_cut_into_eights_is_read(void)
{
	struct analysis *a = analysis_new();
	uint8_t tcp[100];

	segment(tcp, 1000);
	for (uint32_t lo = 0; lo < 100; lo += 8)
		piece(a, lo / 8 + 1, 7, tcp, lo, lo + 8 < 100 ? lo + 8 : 100, 0);

	CU_ASSERT_EQUAL_FATAL(a->nconns, 1);
	CU_ASSERT_EQUAL(a->conn[0]->half[0].max, 81);
	analysis_free(a);
}

static void what_is_not_whole_is_skipped_with_a_reason(void)
{
	struct analysis *a = analysis_new();
	uint8_t tcp[100];

	segment(tcp, 1000);
	piece(a, 1, 7, tcp, 0, 40, 0);
	piece(a, 2, 7, tcp, 80, 100, 0);
	piece(a, 3, 8, tcp, 40, 80, 0); /* another packet's */
	analysis_finish(a);

	CU_ASSERT_EQUAL(a->nconns, 0);
	CU_ASSERT_EQUAL_FATAL(a->skips, 2);
	CU_ASSERT_EQUAL(a->skip[0].frame, 1);
	CU_ASSERT_EQUAL(a->skip[1].frame, 3);
	CU_ASSERT_PTR_NOT_NULL(strstr(a->skip[0].why, "fragment"));
	analysis_free(a);
}

static void an_identification_used_again_later_is_another_packet(void)
{
	struct analysis *a = analysis_new();
	uint8_t tcp[100];

	segment(tcp, 1000);
	piece(a, 1, 7, tcp, 0, 40, 0);
	piece(a, 2, 7, tcp, 40, 100, 61 * SEC);
	analysis_finish(a);

	CU_ASSERT_EQUAL(a->nconns, 0);
	CU_ASSERT_EQUAL(a->skips, 2);
	analysis_free(a);
}

static void a_flood_of_first_pieces_is_bounded_and_counted(void)
{
	struct analysis *a = analysis_new();
	uint8_t tcp[100];

	segment(tcp, 1000);
	for (uint32_t i = 0; i < 5000; i++)
		piece(a, i + 1, (uint16_t)i, tcp, 0, 40, 0);
	analysis_finish(a);

	CU_ASSERT_EQUAL(a->skips, 5000);
	analysis_free(a);
}

static const struct test_case cases[] = {
	TEST(pieces_in_any_order_make_one_segment),
	TEST(a_header_cut_into_eights_is_read),
	TEST(what_is_not_whole_is_skipped_with_a_reason),
	TEST(an_identification_used_again_later_is_another_packet),
	TEST(a_flood_of_first_pieces_is_bounded_and_counted),
};
TEST_SUITE(frag, cases);
