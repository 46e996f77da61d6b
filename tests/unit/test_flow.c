/* Which connection a segment is of, when ports are used again, SYNs stray, resets are forged; and what
 * handshakes and teardowns out of the ordinary are called. */
#include "../lib/tape.h"
#include "../lib/test.h"

#include "../../stack/base/check.h"
#include "../../traces/facts.h"

#include <stdio.h>
#include <string.h>

#define OTHER 0x500000 /* far from the first connection's numbers */

static struct tape tape;
static struct analysis *a;

static void judge(void)
{
	struct reader *r = reader_of_bytes(tape.bytes, tape.n);
	struct reader_pkt p;

	a = analysis_new();
	while (reader_next(r, &p) == READER_PACKET)
		analysis_packet(a, &p);
	reader_close(r);
	analysis_finish(a);
	tape_free(&tape);
}

static void open_and_send(void)
{
	tape_init(&tape);
	tape_handshake(&tape, C, 0);
	tape_seg(&tape, SEG(.from = C, .at = 50 * MS, .seq = 1, .ack = 1, .len = 100));
	tape_seg(&tape, SEG(.from = S, .at = 70 * MS, .seq = 1, .ack = 101));
}

static void close_after(ns_t at, uint32_t client, uint32_t server)
{
	tape_seg(&tape, SEG(.from = C, .at = at, .seq = client, .ack = server, .flags = TH_FIN));
	tape_seg(&tape, SEG(.from = S, .at = at + 20 * MS, .seq = server, .ack = client + 1, .flags = TH_FIN));
	tape_seg(&tape, SEG(.from = C, .at = at + 21 * MS, .seq = client + 1, .ack = server + 1));
}

static void expect_conn(uint32_t i, const char *handshake, const char *teardown)
{
	CU_ASSERT_TRUE_FATAL(i < a->nconns);
	if (strcmp(handshake_word(a->conn[i]), handshake) || strcmp(teardown_word(a->conn[i]), teardown))
		printf("connection %u: %s, %s\n", i, handshake_word(a->conn[i]), teardown_word(a->conn[i]));
	CU_ASSERT_STRING_EQUAL(handshake_word(a->conn[i]), handshake);
	CU_ASSERT_STRING_EQUAL(teardown_word(a->conn[i]), teardown);
}

/* Forged, or of a host that crashed and forgot: answered by an ACK, and the connection goes on. */
static void a_stray_syn_does_not_tear_a_connection_in_two(void)
{
	open_and_send();
	tape_seg(&tape, SEG(.from = C, .at = 80 * MS, .seq = OTHER, .flags = TH_SYN));
	tape_seg(&tape, SEG(.from = S, .at = 81 * MS, .seq = 1, .ack = 101));
	tape_seg(&tape, SEG(.from = C, .at = 90 * MS, .seq = 101, .ack = 1, .len = 100));
	tape_seg(&tape, SEG(.from = S, .at = 110 * MS, .seq = 1, .ack = 201));
	close_after(SEC, 201, 1);
	judge();

	CU_ASSERT_EQUAL(a->nconns, 2);
	expect_conn(0, "three-way", "fin");
	CU_ASSERT_EQUAL(a->conn[0]->events, 0);
	CU_ASSERT_EQUAL(stream_bytes(&a->conn[0]->half[a->conn[0]->client]), 200);
	expect_conn(1, "unanswered", "none");
	CU_ASSERT_TRUE(a->conn[1]->within);
	CU_ASSERT_EQUAL(a->conn[1]->before, 1);
	analysis_free(a);
}

/* RFC 9293 figure 9: the challenge ACK is of the old connection, and so is the reset that answers it;
 * the SYN that comes again is of the new one. */
static void a_half_open_connection_is_found_out_and_a_new_one_made(void)
{
	open_and_send();
	tape_seg(&tape, SEG(.from = C, .at = 30 * SEC, .seq = OTHER, .flags = TH_SYN));
	tape_seg(&tape, SEG(.from = S, .at = 30 * SEC + 20 * MS, .seq = 1, .ack = 101));
	tape_seg(&tape, SEG(.from = C, .at = 30 * SEC + 21 * MS, .seq = 101, .flags = TH_RST));
	tape_seg(&tape, SEG(.from = C, .at = 31 * SEC, .seq = OTHER, .flags = TH_SYN));
	tape_seg(&tape, SEG(.from = S, .at = 31 * SEC + 20 * MS, .seq = OTHER, .ack = OTHER + 1, .flags = TH_SYN | TH_ACK));
	tape_seg(&tape, SEG(.from = C, .at = 31 * SEC + 21 * MS, .seq = OTHER + 1, .ack = OTHER + 1));
	close_after(40 * SEC, OTHER + 1, OTHER + 1);
	judge();

	CU_ASSERT_EQUAL(a->nconns, 2);
	expect_conn(0, "three-way", "rst");
	expect_conn(1, "three-way", "fin");
	CU_ASSERT_FALSE(a->conn[1]->within);
	CU_ASSERT_EQUAL(stream_bytes(&a->conn[1]->half[0]) + stream_bytes(&a->conn[1]->half[1]), 0);
	analysis_free(a);
}

static void ports_used_again_without_a_close_are_a_new_connection(void)
{
	open_and_send();
	tape_seg(&tape, SEG(.from = C, .at = 31 * SEC, .seq = OTHER, .flags = TH_SYN));
	tape_seg(&tape, SEG(.from = S, .at = 31 * SEC + 20 * MS, .seq = OTHER, .ack = OTHER + 1, .flags = TH_SYN | TH_ACK));
	tape_seg(&tape, SEG(.from = C, .at = 31 * SEC + 21 * MS, .seq = OTHER + 1, .ack = OTHER + 1));
	judge();

	CU_ASSERT_EQUAL(a->nconns, 2);
	expect_conn(0, "three-way", "none");
	expect_conn(1, "three-way", "none");
	CU_ASSERT_EQUAL(a->conn[1]->before, 1);
	CU_ASSERT_EQUAL(a->conn[1]->before_gap, 31 * SEC - 70 * MS);
	analysis_free(a);
}

static void the_same_number_again_long_after_the_end_is_a_new_connection(void)
{
	for (int again = 0; again < 2; again++) {
		open_and_send();
		close_after(SEC, 101, 1);
		tape_handshake(&tape, C, again ? 60 * SEC : SEC + 30 * MS); /* soon after: a straggling copy */
		judge();

		CU_ASSERT_EQUAL(a->nconns, again ? 2 : 1);
		analysis_free(a);
	}
}

static void a_syn_sent_again_after_a_refusal_is_the_same_connection(void)
{
	tape_init(&tape);
	for (int i = 0; i < 2; i++) {
		tape_seg(&tape, SEG(.from = C, .at = i * SEC, .flags = TH_SYN));
		tape_seg(&tape, SEG(.from = S, .at = i * SEC + 20 * MS, .ack = 1, .flags = TH_RST | TH_ACK));
	}
	tape_handshake(&tape, C, 2 * SEC);
	close_after(3 * SEC, 1, 1);
	judge();

	CU_ASSERT_EQUAL(a->nconns, 1);
	expect_conn(0, "three-way", "fin");
	analysis_free(a);
}

static void a_split_handshake_may_begin_with_a_bare_ack(void)
{
	tape_init(&tape);
	tape_seg(&tape, SEG(.from = C, .at = 0, .flags = TH_SYN));
	tape_seg(&tape, SEG(.from = S, .at = 20 * MS, .seq = 0, .ack = 1));
	tape_seg(&tape, SEG(.from = S, .at = 21 * MS, .seq = 0, .flags = TH_SYN));
	tape_seg(&tape, SEG(.from = C, .at = 22 * MS, .seq = 0, .ack = 1, .flags = TH_SYN | TH_ACK));
	tape_seg(&tape, SEG(.from = S, .at = 40 * MS, .seq = 1, .ack = 1));
	close_after(SEC, 1, 1);
	judge();

	CU_ASSERT_EQUAL(a->nconns, 1);
	expect_conn(0, "split", "fin");
	CU_ASSERT_EQUAL(a->conn[0]->events, 0);
	analysis_free(a);
}

static void resets_that_nobody_believes_do_not_end_a_connection(void)
{
	static const struct {
		const char *name;
		struct tape_seg rst;
		bool ends;
	} row[] = {
		{"next in order", {S, 80 * MS, .seq = 1, .flags = TH_RST}, true},
		{"within the window", {S, 80 * MS, .seq = 1000, .flags = TH_RST}, true},
		{"far above", {S, 80 * MS, .seq = 0x200000, .flags = TH_RST}, false},
		{"acknowledged already", {C, 80 * MS, .seq = 50, .flags = TH_RST}, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		open_and_send();
		tape_seg(&tape, &row[i].rst);
		if (!row[i].ends)
			close_after(SEC, 101, 1);
		judge();
		if (row[i].ends != (strcmp(teardown_word(a->conn[0]), "rst") == 0))
			printf("%s: %s\n", row[i].name, teardown_word(a->conn[0]));
		expect_conn(0, "three-way", row[i].ends ? "rst" : "fin");
		CU_ASSERT_EQUAL(a->conn[0]->half[row[i].rst.from != C].rst_odd != 0 ||
				a->conn[0]->half[row[i].rst.from == C].rst_odd != 0, !row[i].ends);
		analysis_free(a);
	}
}

/* In the window, but its alleged sender goes on: injected from outside. */
static void a_reset_whose_sender_goes_on_was_not_its_own(void)
{
	open_and_send();
	tape_seg(&tape, SEG(.from = C, .at = 80 * MS, .seq = 101, .flags = TH_RST));
	tape_seg(&tape, SEG(.from = C, .at = 90 * MS, .seq = 101, .ack = 1, .len = 100));
	tape_seg(&tape, SEG(.from = S, .at = 110 * MS, .seq = 1, .ack = 201));
	close_after(SEC, 201, 1);
	judge();

	expect_conn(0, "three-way", "fin");
	CU_ASSERT_TRUE(a->conn[0]->half[a->conn[0]->client].went_on);
	CU_ASSERT_STRING_EQUAL(flow_state(a->conn[0], a->conn[0]->client), "TIME-WAIT");
	analysis_free(a);
}

static void segments_without_syn_rst_or_ack_change_nothing(void)
{
	uint8_t *flags;

	open_and_send();
	tape_seg(&tape, SEG(.from = C, .at = 80 * MS, .seq = 101, .ack = 1, .flags = TH_FIN)); /* made a bare FIN */
	flags = tape.bytes + tape.n - 20 + 13;
	*flags = TH_FIN;
	tape_seg(&tape, SEG(.from = C, .at = 90 * MS, .seq = 101, .ack = 1, .len = 100));
	judge();

	expect_conn(0, "three-way", "none");
	CU_ASSERT_EQUAL(a->conn[0]->events, 0);
	CU_ASSERT_EQUAL(a->conn[0]->no_ack, 1);
	analysis_free(a);
}

static void a_syn_in_the_middle_with_a_fin_is_counted_and_not_followed(void)
{
	open_and_send();
	tape_seg(&tape, SEG(.from = C, .at = 80 * MS, .seq = 101, .ack = 1, .flags = TH_SYN | TH_FIN));
	tape_seg(&tape, SEG(.from = C, .at = 90 * MS, .seq = 101, .ack = 1, .len = 100));
	judge();

	CU_ASSERT_EQUAL(a->nconns, 1);
	expect_conn(0, "three-way", "none");
	CU_ASSERT_EQUAL(a->conn[0]->events, 0);
	CU_ASSERT_EQUAL(a->conn[0]->odd, 1);
	CU_ASSERT_EQUAL(stream_bytes(&a->conn[0]->half[a->conn[0]->client]), 200);
	analysis_free(a);
}

/* One direction alone: the client's ACK shows that it was answered, though the answer is not there. */
static void one_direction_alone_is_no_unanswered_syn(void)
{
	tape_init(&tape);
	tape_seg(&tape, SEG(.from = C, .at = 0, .flags = TH_SYN));
	tape_seg(&tape, SEG(.from = C, .at = 20 * MS, .seq = 1, .ack = 1));
	tape_seg(&tape, SEG(.from = C, .at = 30 * MS, .seq = 1, .ack = 1, .flags = TH_FIN));
	judge();

	expect_conn(0, "three-way", "half");
	CU_ASSERT_FALSE(flow_opened(a->conn[0]));
	CU_ASSERT_STRING_EQUAL(flow_state(a->conn[0], a->conn[0]->client), "FIN-WAIT-1");
	CU_ASSERT_PTR_NULL(flow_state(a->conn[0], !a->conn[0]->client));
	analysis_free(a);
}

/* With data in the SYN the SYN-ACK does not acknowledge one, and the last ACK does not begin at one. */
static void the_handshakes_numbers_are_those_of_its_segments(void)
{
	const struct conn *c;

	tape_init(&tape);
	tape_seg(&tape, SEG(.from = C, .at = 0, .flags = TH_SYN, .len = 100));
	tape_seg(&tape, SEG(.from = S, .at = 20 * MS, .ack = 101, .flags = TH_SYN | TH_ACK));
	tape_seg(&tape, SEG(.from = S, .at = 21 * MS, .seq = 1, .ack = 101, .len = 50));
	tape_seg(&tape, SEG(.from = C, .at = 22 * MS, .seq = 101, .ack = 51));
	judge();
	c = a->conn[0];

	CU_ASSERT_EQUAL(c->half[!c->client].syn_ackno, TAPE_ISN + 101);
	CU_ASSERT_EQUAL(c->hs_seq, TAPE_ISN + 101);
	CU_ASSERT_EQUAL(c->hs_ackno, TAPE_ISN + 51);
	analysis_free(a);
}

static void the_teardown_is_kept_with_the_states_it_leads_to(void)
{
	static const char *const state[3][2] = {
		{"FIN-WAIT-1", "ESTABLISHED"}, {"FIN-WAIT-2", "LAST-ACK"}, {"TIME-WAIT", "CLOSED"},
	};
	const struct conn *c;

	open_and_send();
	close_after(SEC, 101, 1);
	judge();
	c = a->conn[0];

	CU_ASSERT_EQUAL_FATAL(c->tears, 3);
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(c->tear[i].frame, (uint32_t)(6 + i));
		CU_ASSERT_STRING_EQUAL(c->tear[i].state[c->client], state[i][0]);
		CU_ASSERT_STRING_EQUAL(c->tear[i].state[!c->client], state[i][1]);
	}
	CU_ASSERT_EQUAL(c->tear[1].rel_ack, 102);
	CU_ASSERT_TRUE(c->tear[1].acks_fin);
	analysis_free(a);
}

static const struct test_case cases[] = {
	TEST(a_stray_syn_does_not_tear_a_connection_in_two),
	TEST(a_half_open_connection_is_found_out_and_a_new_one_made),
	TEST(ports_used_again_without_a_close_are_a_new_connection),
	TEST(the_same_number_again_long_after_the_end_is_a_new_connection),
	TEST(a_syn_sent_again_after_a_refusal_is_the_same_connection),
	TEST(a_split_handshake_may_begin_with_a_bare_ack),
	TEST(resets_that_nobody_believes_do_not_end_a_connection),
	TEST(a_reset_whose_sender_goes_on_was_not_its_own),
	TEST(segments_without_syn_rst_or_ack_change_nothing),
	TEST(a_syn_in_the_middle_with_a_fin_is_counted_and_not_followed),
	TEST(one_direction_alone_is_no_unanswered_syn),
	TEST(the_handshakes_numbers_are_those_of_its_segments),
	TEST(the_teardown_is_kept_with_the_states_it_leads_to),
};
TEST_SUITE(flow, cases);
