/* The scoreboard's three questions of RFC 6675: what is SACKed, what is lost, how much is in the pipe. */
#include "../../stack/tcp/tcp_board.h"
#include "../lib/test.h"

#define MSS 1000u

static void ignore(void *arg, const struct rec *r, struct ack_news *news)
{
	(void)arg, (void)r, (void)news;
}

static seq_t at(uint32_t nth) /* begins before the wrap */
{
	return seq_of(0xfffff000u + nth * MSS);
}

static void fill(struct board *b, uint32_t n)
{
	struct rate_snap snap = {0};

	board_init(b);
	for (uint32_t i = 0; i < n; i++)
		CU_ASSERT_TRUE_FATAL(board_add(b, at(i), at(i + 1), 0, &snap, (ns_t)i));
}

static void sack(struct board *b, uint32_t from, uint32_t to)
{
	struct ack_news news = {0};

	board_sack(b, at(from), at(to), &news, ignore, NULL);
	CU_ASSERT_TRUE(board_check(b, at(0), at(b->end)));
}

static void three_ranges_above_make_a_segment_lost_and_two_do_not(void)
{
	struct board b;

	fill(&b, 12);
	sack(&b, 1, 2);
	sack(&b, 3, 4);
	CU_ASSERT_TRUE(seq_eq(board_lost_below(&b, at(0), 3, 2 * MSS), at(0))); /* a large MSS: bytes do not tell */
	sack(&b, 5, 6);
	CU_ASSERT_TRUE(seq_eq(board_lost_below(&b, at(0), 3, 2 * MSS), at(1)));
	board_free(&b);
}

static void more_than_two_segments_of_bytes_above_make_it_lost(void)
{
	struct board b;

	fill(&b, 12);
	sack(&b, 4, 6);
	CU_ASSERT_TRUE(seq_eq(board_lost_below(&b, at(0), 3, MSS), at(0)));
	sack(&b, 6, 7);
	CU_ASSERT_TRUE(seq_eq(board_lost_below(&b, at(0), 3, MSS), at(4)));
	board_free(&b);
}

static void the_pipe_is_what_is_neither_sacked_nor_lost_and_what_went_again(void)
{
	struct board b;

	fill(&b, 10);
	CU_ASSERT_EQUAL(board_pipe(&b), 10 * MSS);
	sack(&b, 5, 8);
	CU_ASSERT_EQUAL(board_pipe(&b), 7 * MSS);
	board_mark_lost(&b, 0);
	board_mark_lost(&b, 1);
	CU_ASSERT_EQUAL(board_pipe(&b), 5 * MSS);
	CU_ASSERT_EQUAL(board_next_lost(&b), 0);
	board_resent(&b, 0, 100);
	CU_ASSERT_EQUAL(board_pipe(&b), 6 * MSS);
	CU_ASSERT_EQUAL(board_next_lost(&b), 1); /* the lowest that waits */
	board_free(&b);
}

static void what_is_acknowledged_is_forgotten(void)
{
	struct board b;
	struct ack_news news = {0};

	fill(&b, 10);
	sack(&b, 2, 4);
	board_ack(&b, at(3), &news, ignore, NULL);
	CU_ASSERT_EQUAL(news.acked, 3 * MSS);
	CU_ASSERT_EQUAL(news.delivered, 2 * MSS); /* one of the three had been SACKed */
	CU_ASSERT_FALSE(seqset_has(&b.sacked, at(2), at(3)));
	CU_ASSERT_TRUE(seqset_has(&b.sacked, at(3), at(4)));
	CU_ASSERT_TRUE(board_check(&b, at(3), at(10)));
	board_free(&b);
}

/* RFC 6675 4 SetPipe: what went again without being lost is there twice, until the original counts as lost. */
static void what_went_again_in_doubt_counts_twice(void)
{
	struct board b;

	fill(&b, 4);
	board_resent(&b, 1, 10);
	CU_ASSERT_EQUAL(board_pipe(&b), 4 * MSS);
	board_doubled(&b, 1);
	board_doubled(&b, 1);
	CU_ASSERT_EQUAL(board_pipe(&b), 5 * MSS);
	CU_ASSERT_TRUE(board_check(&b, at(0), at(4)));

	board_original_lost(&b, 1);
	CU_ASSERT_EQUAL(board_pipe(&b), 4 * MSS);
	CU_ASSERT_EQUAL(board_next_lost(&b), REC_NONE);
	board_mark_lost(&b, 1); /* the other copy, too */
	CU_ASSERT_EQUAL(board_pipe(&b), 3 * MSS);
	CU_ASSERT_EQUAL(board_next_lost(&b), 1);
	CU_ASSERT_TRUE(board_check(&b, at(0), at(4)));

	board_resent(&b, 2, 11);
	board_doubled(&b, 2);
	board_mark_lost(&b, 2); /* a timeout: both at once */
	CU_ASSERT_EQUAL(board_pipe(&b), 2 * MSS);
	CU_ASSERT_TRUE(board_check(&b, at(0), at(4)));
	sack(&b, 1, 3);
	CU_ASSERT_EQUAL(board_pipe(&b), 2 * MSS);
	board_free(&b);
}

static const struct test_case cases[] = {
	TEST(three_ranges_above_make_a_segment_lost_and_two_do_not),
	TEST(more_than_two_segments_of_bytes_above_make_it_lost),
	TEST(the_pipe_is_what_is_neither_sacked_nor_lost_and_what_went_again),
	TEST(what_is_acknowledged_is_forgotten),
	TEST(what_went_again_in_doubt_counts_twice),
};
TEST_SUITE(tcp_board, cases);
