/* Small captures made by hand, each with one thing to judge. */
#include "../lib/tape.h"
#include "../lib/test.h"

#include "../../stack/base/check.h"
#include "../../traces/explain.h"
#include "../../traces/flow.h"

#include <stdlib.h>
#include <string.h>

static struct tape tape;
static struct analysis *a;
static const struct conn *conn;

static void begin(int tap)
{
	tape_init(&tape);
	tape.timestamps = true;
	tape_handshake(&tape, tap, 0);
}

static void judge(void)
{
	struct reader *r = reader_of_bytes(tape.bytes, tape.n);
	struct reader_pkt p;

	a = analysis_new();
	while (reader_next(r, &p) == READER_PACKET)
		analysis_packet(a, &p);
	reader_close(r);
	analysis_finish(a);
	CU_ASSERT_TRUE_FATAL(a->nconns > 0);
	conn = a->conn[0];
}

static void end(void)
{
	analysis_free(a);
	tape_free(&tape);
}

static const struct event *event_of(uint32_t frame)
{
	for (uint32_t i = 0; i < conn->events; i++)
		if (conn->event[i].frame == frame)
			return &conn->event[i];
	return NULL;
}

/* Frame f is of this kind (and cause), and nothing else is of note. */
static void expect_only(uint32_t frame, enum verdict_kind kind, enum cause cause)
{
	const struct event *e = event_of(frame);

	CU_ASSERT_EQUAL(conn->events, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(e);
	CU_ASSERT_EQUAL(e->kind, kind);
	if (kind == V_RETX) {
		if (e->cause != cause)
			printf("cause %s, expected %s\n", cause_word(e->cause), cause_word(cause));
		CU_ASSERT_EQUAL(e->cause, cause);
	}
}

#define T0 (100 * MS)

/* Ten segments of 1000 bytes from the client, a millisecond apart, from frame 4 on. */
static void ten_segments(uint32_t but)
{
	for (uint32_t i = 0; i < 10; i++)
		if (i != but)
			tape_seg(&tape, SEG(.from = C, .at = T0 + i * MS, .seq = 1 + 1000 * i, .ack = 1, .len = 1000));
}

static void a_plain_transfer_has_nothing_to_tell(void)
{
	begin(C);
	ten_segments(10);
	tape_seg(&tape, SEG(.from = S, .at = T0 + 30 * MS, .seq = 1, .ack = 10001));
	judge();
	CU_ASSERT_EQUAL(conn->events, 0);
	CU_ASSERT_EQUAL(conn->tap, TAP_CLIENT);
	CU_ASSERT_STRING_EQUAL(handshake_word(conn), "three-way");
	CU_ASSERT_TRUE(flow_opened(conn));
	end();
}

static void sack_recovery_at_the_sender_names_trigger_and_original(void)
{
	const struct event *e;

	begin(C);
	ten_segments(10); /* frames 4..13 */
	for (uint32_t i = 0; i < 4; i++)
		tape_seg(&tape, SEG(.from = S, .at = T0 + (22 + i) * MS, .seq = 1, .ack = 1001, .sack = {{2001, 3001 + 1000 * i}}));
	tape_seg(&tape, SEG(.from = C, .at = T0 + 26 * MS, .seq = 1001, .ack = 1, .len = 1000)); /* 18 */
	judge();
	expect_only(18, V_RETX, CAUSE_RECOVERY);
	e = event_of(18);
	CU_ASSERT_EQUAL(e->original, 5);
	CU_ASSERT_EQUAL(e->trigger, 17);
	CU_ASSERT_EQUAL(e->certainty, CERTAIN);
	CU_ASSERT_EQUAL(e->needless, NEEDED);
	CU_ASSERT_EQUAL(e->lo, 1001);
	CU_ASSERT_EQUAL(e->hi, 2001);
	end();
}

static void a_dsack_proves_a_retransmission_needless(void)
{
	begin(C);
	ten_segments(10);
	for (uint32_t i = 0; i < 3; i++)
		tape_seg(&tape, SEG(.from = S, .at = T0 + (22 + i) * MS, .seq = 1, .ack = 1001, .sack = {{2001, 3001 + 1000 * i}}));
	tape_seg(&tape, SEG(.from = C, .at = T0 + 26 * MS, .seq = 1001, .ack = 1, .len = 1000)); /* 17 */
	tape_seg(&tape, SEG(.from = S, .at = T0 + 46 * MS, .seq = 1, .ack = 10001, .tsecr = 200));
	tape_seg(&tape, SEG(.from = S, .at = T0 + 47 * MS, .seq = 1, .ack = 10001, .sack = {{1001, 2001}})); /* 19 */
	judge();
	expect_only(17, V_RETX, CAUSE_RECOVERY);
	CU_ASSERT_EQUAL(event_of(17)->needless, BY_DSACK);
	CU_ASSERT_EQUAL(event_of(17)->proof[event_of(17)->nproofs - 1], 19);
	end();
}

static void an_old_timestamp_echo_proves_a_retransmission_needless(void)
{
	begin(C);
	tape_seg(&tape, SEG(.from = C, .at = T0, .seq = 1, .ack = 1, .len = 1000, .tsval = 1000)); /* 4 */
	tape_seg(&tape, SEG(.from = C, .at = T0 + 300 * MS, .seq = 1, .ack = 1, .len = 1000, .tsval = 1300)); /* 5 */
	tape_seg(&tape, SEG(.from = S, .at = T0 + 330 * MS, .seq = 1, .ack = 1001, .tsecr = 1000)); /* 6 */
	judge();
	CU_ASSERT_EQUAL(event_of(5)->needless, BY_TSECR);
	CU_ASSERT_EQUAL(event_of(5)->proof[0], 6);
	end();
}

static void a_silent_timer_and_what_follows_it_are_rto_and_go_back(void)
{
	begin(C);
	ten_segments(10); /* 4..13, no answer at all */
	tape_seg(&tape, SEG(.from = C, .at = T0 + 400 * MS, .seq = 1, .ack = 1, .len = 1000)); /* 14 */
	tape_seg(&tape, SEG(.from = S, .at = T0 + 420 * MS, .seq = 1, .ack = 1001));
	tape_seg(&tape, SEG(.from = C, .at = T0 + 421 * MS, .seq = 1001, .ack = 1, .len = 1000)); /* 16 */
	tape_seg(&tape, SEG(.from = C, .at = T0 + 421 * MS, .seq = 2001, .ack = 1, .len = 1000)); /* 17 */
	judge();
	CU_ASSERT_EQUAL(conn->events, 3);
	CU_ASSERT_EQUAL(event_of(14)->cause, CAUSE_RTO);
	CU_ASSERT_EQUAL(event_of(16)->cause, CAUSE_GO_BACK);
	CU_ASSERT_EQUAL(event_of(17)->cause, CAUSE_GO_BACK);
	end();
}

static void after_a_spurious_timeout_a_hole_is_recovery_again(void)
{
	begin(C);
	ten_segments(10); /* 4..13 */
	tape_seg(&tape, SEG(.from = C, .at = T0 + 400 * MS, .seq = 1, .ack = 1, .len = 1000)); /* 14: the timer */
	tape_seg(&tape, SEG(.from = S, .at = T0 + 420 * MS, .seq = 1, .ack = 2001));
	tape_seg(&tape, SEG(.from = C, .at = T0 + 421 * MS, .seq = 10001, .ack = 1, .len = 1000)); /* new data */
	tape_seg(&tape, SEG(.from = S, .at = T0 + 441 * MS, .seq = 1, .ack = 2001, .sack = {{3001, 11001}}));
	tape_seg(&tape, SEG(.from = C, .at = T0 + 442 * MS, .seq = 2001, .ack = 1, .len = 1000)); /* 18 */
	judge();
	CU_ASSERT_EQUAL(event_of(14)->cause, CAUSE_RTO);
	CU_ASSERT_EQUAL(event_of(18)->cause, CAUSE_RECOVERY);
	end();
}

static void without_sack_a_hole_that_waits_past_two_round_trips_waited_for_the_timer(void)
{
	tape_init(&tape);
	tape.timestamps = true;
	tape.no_sack = true;
	tape_handshake(&tape, C, 0);
	ten_segments(10); /* 4..13 */
	for (uint32_t i = 0; i < 240; i++) { /* duplicate ACKs, each lets new data out: 14.. */
		tape_seg(&tape, SEG(.from = S, .at = T0 + (20 + i) * MS, .seq = 1, .ack = 1001));
		tape_seg(&tape, SEG(.from = C, .at = T0 + (20 + i) * MS, .seq = 10001 + 1000 * i, .ack = 1, .len = 1000));
	}
	tape_seg(&tape, SEG(.from = C, .at = T0 + 260 * MS, .seq = 1001, .ack = 1, .len = 1000)); /* 494 */
	judge();
	expect_only(494, V_RETX, CAUSE_RTO);
	end();
}

static void the_last_segment_after_two_round_trips_is_a_tail_loss_probe(void)
{
	begin(C);
	ten_segments(10);
	tape_seg(&tape, SEG(.from = S, .at = T0 + 25 * MS, .seq = 1, .ack = 9001));
	tape_seg(&tape, SEG(.from = C, .at = T0 + 75 * MS, .seq = 9001, .ack = 1, .len = 1000)); /* 15 */
	judge();
	expect_only(15, V_RETX, CAUSE_TLP);
	end();
}

static void syn_syn_ack_and_fin_sent_again_have_their_own_names(void)
{
	tape_init(&tape);
	tape_seg(&tape, SEG(.from = C, .at = 0, .flags = TH_SYN));
	tape_seg(&tape, SEG(.from = C, .at = SEC, .flags = TH_SYN)); /* 2 */
	tape_seg(&tape, SEG(.from = S, .at = SEC + 20 * MS, .flags = TH_SYN | TH_ACK, .ack = 1));
	tape_seg(&tape, SEG(.from = S, .at = 2 * SEC + 20 * MS, .flags = TH_SYN | TH_ACK, .ack = 1)); /* 4 */
	tape_seg(&tape, SEG(.from = C, .at = 2 * SEC + 21 * MS, .seq = 1, .ack = 1));
	tape_seg(&tape, SEG(.from = C, .at = 3 * SEC, .seq = 1, .ack = 1, .flags = TH_FIN));
	tape_seg(&tape, SEG(.from = C, .at = 3 * SEC + 300 * MS, .seq = 1, .ack = 1, .flags = TH_FIN)); /* 7 */
	judge();
	CU_ASSERT_EQUAL(conn->events, 3);
	CU_ASSERT_EQUAL(event_of(2)->cause, CAUSE_SYN);
	CU_ASSERT_EQUAL(event_of(4)->cause, CAUSE_SYN_ACK);
	CU_ASSERT_EQUAL(event_of(7)->cause, CAUSE_FIN);
	end();
}

/* Segment 3 is not among the first nine; at the end it comes, marked in one of three ways. */
static void fill_hole(int tap, bool ids, bool stamps, bool again, ns_t after)
{
	begin(tap);
	tape.timestamps = stamps;
	tape.tick = ids ? 1 : 0;
	tape_free(&tape);
	tape_init(&tape);
	tape.timestamps = stamps;
	tape.tick = ids ? 1 : 0;
	tape_handshake(&tape, tap, 0);
	for (uint32_t i = 0; i < 10; i++) {
		tape.ipid[C] = (uint16_t)(200 + i - (ids ? 1 : 0));
		if (i != 3)
			tape_seg(&tape, SEG(.from = C, .at = T0 + i * MS, .seq = 1 + 1000 * i, .ack = 1, .len = 1000));
	}
	if (!again)
		tape.ipid[C] = 202;
	tape_seg(&tape, SEG(.from = C, .at = T0 + 9 * MS + after, .seq = 3001, .ack = 1, .len = 1000,
			    .tsval = again ? 0 : (uint32_t)(T0 / MS) + 4)); /* 13 */
	judge();
}

static void a_filled_hole_far_from_the_sender_is_told_by_the_packets_marks(void)
{
	static const struct {
		const char *name;
		bool ids, stamps, again;
		ns_t after;
		enum verdict_kind kind;
		enum evidence evidence;
	} row[] = {
		{"older identification", true, true, false, MS, V_LATE, EV_IPID},
		{"newer identification", true, true, true, 30 * MS, V_RETX, EV_IPID},
		{"no identification, older stamp", false, true, false, MS, V_LATE, EV_TSVAL},
		{"no identification, newer stamp", false, true, true, 30 * MS, V_RETX, EV_TSVAL},
		{"neither, soon", false, false, false, MS, V_LATE, EV_TIME},
		{"neither, after a round trip", false, false, true, 30 * MS, V_RETX, EV_TIME},
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		const struct event *e;

		fill_hole(S, row[i].ids, row[i].stamps, row[i].again, row[i].after);
		e = event_of(13);
		CU_ASSERT_EQUAL(conn->tap, TAP_SERVER);
		CU_ASSERT_EQUAL(conn->events, 1);
		CU_ASSERT_PTR_NOT_NULL_FATAL(e);
		if (e->kind != row[i].kind || e->evidence != row[i].evidence)
			printf("%s: kind %d by %d\n", row[i].name, e->kind, e->evidence);
		CU_ASSERT_EQUAL(e->kind, row[i].kind);
		CU_ASSERT_EQUAL(e->evidence, row[i].evidence);
		CU_ASSERT_EQUAL(e->certainty, row[i].evidence == EV_TIME ? PROBABLE : CERTAIN);
		end();
	}
}

static void the_networks_copy_is_no_retransmission(void)
{
	begin(S);
	ten_segments(10);
	tape_seg(&tape, SEG(.from = C, .at = T0 + 12 * MS, .seq = 2001, .ack = 1, .len = 1000, .ipid = 105,
			    .tsval = (uint32_t)((T0 + 2 * MS) / MS) + 1)); /* 14, equal to 6 */
	judge();
	expect_only(14, V_NET_COPY, CAUSE_UNKNOWN);
	CU_ASSERT_EQUAL(event_of(14)->original, 6);
	end();
}

static void duplicate_acks_of_a_host_with_one_identification_are_no_copies(void)
{
	tape_init(&tape);
	tape_seg(&tape, SEG(.from = C, .at = 0, .flags = TH_SYN));
	tape_seg(&tape, SEG(.from = S, .at = 20 * MS, .flags = TH_SYN | TH_ACK, .ack = 1, .ipid = 77));
	tape_seg(&tape, SEG(.from = C, .at = 20 * MS, .seq = 1, .ack = 1));
	tape_seg(&tape, SEG(.from = S, .at = 50 * MS, .seq = 1, .ack = 1, .ipid = 77, .wnd = 999));
	for (int i = 0; i < 5; i++)
		tape_seg(&tape, SEG(.from = S, .at = T0 + i, .seq = 1, .ack = 1, .ipid = 77));
	judge();
	CU_ASSERT_EQUAL(conn->events, 0);
	end();
	begin(C);
	for (int i = 0; i < 5; i++)
		tape_seg(&tape, SEG(.from = S, .at = T0 + i, .seq = 1, .ack = 1, .tsval = 5));
	judge();
	CU_ASSERT_EQUAL(conn->events, 0); /* nor those of one that counts */
	end();
}

static void a_hundred_thousand_connections_are_told_apart(void)
{
	uint8_t frame[54];

	tape_init(&tape);
	tape_seg(&tape, SEG(.from = C, .at = 0, .flags = TH_SYN));
	/* Ethernet, IPv4 and TCP without its options, behind the file's and the record's headers. */
	memcpy(frame, tape.bytes + 24 + 16, sizeof(frame));
	frame[17] = 40; /* IP's total length */
	frame[46] = 0x50;
	for (uint32_t i = 0; i < 100000; i++) {
		frame[34] = (uint8_t)(i >> 8); /* the port, and above 65,536 the address */
		frame[35] = (uint8_t)i;
		frame[29] = (uint8_t)(3 + (i >> 16));
		tape_frame(&tape, SEC, frame, sizeof(frame), sizeof(frame));
	}
	judge();
	CU_ASSERT_EQUAL(a->nconns, 100001);
	CU_ASSERT_EQUAL(a->over_limit, 0);
	end();
}

static void a_capture_that_doubles_everything_is_seen_as_such(void)
{
	tape_init(&tape);
	for (int i = 0; i < 2; i++)
		tape_seg(&tape, SEG(.from = C, .at = 0, .flags = TH_SYN, .ipid = 1));
	for (int i = 0; i < 2; i++)
		tape_seg(&tape, SEG(.from = S, .at = MS, .flags = TH_SYN | TH_ACK, .ack = 1, .ipid = 1));
	for (int i = 0; i < 2; i++)
		tape_seg(&tape, SEG(.from = C, .at = 2 * MS, .seq = 1, .ack = 1, .ipid = 2));
	for (int i = 0; i < 2; i++)
		tape_seg(&tape, SEG(.from = C, .at = 3 * MS, .seq = 1, .ack = 1, .len = 5, .ipid = 3));
	judge();
	CU_ASSERT_EQUAL(conn->events, 4);
	for (uint32_t i = 0; i < conn->events; i++)
		CU_ASSERT_EQUAL(conn->event[i].kind, V_CAPTURE_COPY);
	end();
}

static void one_byte_into_a_closed_window_is_a_probe_and_its_byte_is_still_new(void)
{
	begin(C);
	tape_seg(&tape, SEG(.from = C, .at = T0, .seq = 1, .ack = 1, .len = 1000));
	tape_seg(&tape, SEG(.from = S, .at = T0 + 20 * MS, .seq = 1, .ack = 1001, .zero_wnd = true));
	for (uint32_t i = 1; i < 4; i++) {
		tape_seg(&tape, SEG(.from = C, .at = T0 + i * SEC, .seq = 1001, .ack = 1, .len = 1)); /* 6, 8, 10 */
		tape_seg(&tape, SEG(.from = S, .at = T0 + i * SEC + 20 * MS, .seq = 1, .ack = 1001, .zero_wnd = true));
	}
	tape_seg(&tape, SEG(.from = S, .at = T0 + 5 * SEC, .seq = 1, .ack = 1001)); /* opens */
	tape_seg(&tape, SEG(.from = C, .at = T0 + 5 * SEC, .seq = 1001, .ack = 1, .len = 1000));
	judge();
	CU_ASSERT_EQUAL(conn->events, 3);
	for (uint32_t f = 6; f <= 10; f += 2)
		CU_ASSERT_EQUAL(event_of(f)->kind, V_ZERO_WINDOW_PROBE);
	CU_ASSERT_TRUE(conn->nstalls > 0);
	CU_ASSERT_STRING_EQUAL(conn->stalls[0].why, "a receiver's window was closed: its application did not read");
	end();
}

static void one_below_the_next_byte_in_silence_is_a_keep_alive(void)
{
	static const uint32_t len[] = {0, 1};

	for (size_t i = 0; i < ARRAY_LEN(len); i++) {
		begin(C);
		tape_seg(&tape, SEG(.from = C, .at = T0, .seq = 1, .ack = 1, .len = 1000));
		tape_seg(&tape, SEG(.from = S, .at = T0 + 20 * MS, .seq = 1, .ack = 1001));
		tape_seg(&tape, SEG(.from = C, .at = T0 + 75 * SEC, .seq = 1000, .ack = 1, .len = len[i])); /* 6 */
		judge();
		expect_only(6, V_KEEP_ALIVE, CAUSE_UNKNOWN);
		end();
	}
}

static void sequence_numbers_that_jump_are_counted_not_followed(void)
{
	begin(C);
	tape_seg(&tape, SEG(.from = C, .at = T0, .seq = 0x60000000, .ack = 1, .len = 1000));
	tape_seg(&tape, SEG(.from = C, .at = T0, .seq = 1, .ack = 1, .len = 1000));
	judge();
	CU_ASSERT_EQUAL(conn->odd, 1);
	CU_ASSERT_EQUAL(conn->half[0].max, 1001);
	end();
}

static void fifty_thousand_gaps_take_bounded_memory_and_time(void)
{
	begin(S);
	for (uint32_t i = 0; i < 50000; i++)
		tape_seg(&tape, SEG(.from = C, .at = T0 + i, .seq = 1 + 20 * i, .ack = 1, .len = 10));
	judge();
	CU_ASSERT_TRUE(conn->half[0].holes <= GAPS_MAX);
	end();
}

static void ports_used_again_are_a_new_connection(void)
{
	begin(C);
	tape_seg(&tape, SEG(.from = S, .at = T0, .seq = 1, .ack = 1, .flags = TH_RST));
	tape_seg(&tape, SEG(.from = C, .at = T0 + SEC, .seq = 5000, .flags = TH_SYN));
	judge();
	CU_ASSERT_EQUAL(a->nconns, 2);
	CU_ASSERT_STRING_EQUAL(teardown_word(a->conn[0]), "rst");
	CU_ASSERT_STRING_EQUAL(handshake_word(a->conn[1]), "unanswered");
	end();
}

static void kinds_of_handshake_are_told_apart(void)
{
	static const struct {
		const char *kind;
		bool complete;
		struct tape_seg seg[4];
		int n;
	} row[] = {
		{"refused", false, {{C, 0, .flags = TH_SYN}, {S, MS, .flags = TH_RST | TH_ACK, .ack = 1}}, 2},
		{"unanswered", false, {{C, 0, .flags = TH_SYN}}, 1},
		{"none", false, {{C, 0, .seq = 1, .ack = 1, .len = 3}}, 1},
		{"simultaneous", true, {{C, 0, .flags = TH_SYN}, {S, MS, .flags = TH_SYN},
					{C, 2 * MS, .flags = TH_SYN | TH_ACK, .ack = 1},
					{S, 3 * MS, .flags = TH_SYN | TH_ACK, .ack = 1}}, 4},
		{"split", true, {{C, 0, .flags = TH_SYN}, {S, MS, .flags = TH_SYN}, {C, 2 * MS, .flags = TH_SYN | TH_ACK, .ack = 1},
				 {S, 3 * MS, .seq = 1, .ack = 1}}, 4},
		{"fast-open", true, {{C, 0, .flags = TH_SYN, .len = 4}, {S, MS, .flags = TH_SYN | TH_ACK, .ack = 5},
				     {C, 2 * MS, .seq = 5, .ack = 1}}, 3},
		{"three-way", true, {{C, 0, .flags = TH_SYN}, {S, MS, .flags = TH_SYN | TH_ACK, .ack = 1},
				     {C, 2 * MS, .seq = 1, .ack = 1}}, 3},
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		tape_init(&tape);
		for (int k = 0; k < row[i].n; k++)
			tape_seg(&tape, &row[i].seg[k]);
		judge();
		if (strcmp(handshake_word(conn), row[i].kind) || flow_opened(conn) != row[i].complete)
			printf("%s: %s, complete %d\n", row[i].kind, handshake_word(conn), flow_opened(conn));
		CU_ASSERT_STRING_EQUAL(handshake_word(conn), row[i].kind);
		CU_ASSERT_EQUAL(flow_opened(conn), row[i].complete);
		CU_ASSERT_EQUAL(conn->events, 0);
		end();
	}
}

/* A retransmission without any acknowledgement since the last copy, too soon for a timer: the capture
 * does not tell why, and a guess would be wrong. */
static void a_cause_that_the_capture_does_not_show_is_unknown(void)
{
	begin(C);
	tape_seg(&tape, SEG(.from = C, .at = T0, .seq = 1, .ack = 1, .len = 500));
	tape_seg(&tape, SEG(.from = C, .at = T0 + 5 * MS, .seq = 301, .ack = 1, .len = 500)); /* overlaps */
	judge();
	expect_only(5, V_RETX, CAUSE_UNKNOWN);
	end();
}

static void the_data_of_a_syn_that_was_not_taken_is_sent_again(void)
{
	char text[1024];

	tape_init(&tape);
	tape_seg(&tape, SEG(.from = C, .at = 0, .flags = TH_SYN, .len = 100));
	tape_seg(&tape, SEG(.from = S, .at = 20 * MS, .flags = TH_SYN | TH_ACK, .ack = 1));
	tape_seg(&tape, SEG(.from = C, .at = 20 * MS + US, .seq = 1, .ack = 1, .len = 100));
	judge();
	expect_only(3, V_RETX, CAUSE_RECOVERY);
	CU_ASSERT_PTR_NOT_NULL(strstr(explain_event(text, sizeof(text), conn, event_of(3)), "RFC 7413"));
	end();
}

static void bytes_that_sack_reports_are_counted_above_the_hole_alone(void)
{
	begin(C);
	ten_segments(10);
	for (uint32_t i = 0; i < 3; i++)
		tape_seg(&tape, SEG(.from = S, .at = T0 + (22 + i) * MS, .seq = 1, .ack = 1001,
				    .sack = {{4001, 5001 + 1000 * i}, {2001, 3001}}));
	tape_seg(&tape, SEG(.from = C, .at = T0 + 26 * MS, .seq = 3001, .ack = 1, .len = 1000)); /* 17 */
	judge();
	CU_ASSERT_EQUAL(event_of(17)->sacked, 3000);
	end();
}

/* Both of a link's interfaces in one capture, IPv6 (no identification): the sender's own tap too. */
static void a_doubled_capture_without_identifications_is_seen_as_such(void)
{
	tape_init(&tape);
	tape.tick = 0;
	for (int twice = 0; twice < 2; twice++)
		tape_seg(&tape, SEG(.from = C, .at = twice * 3 * US, .flags = TH_SYN));
	for (int twice = 0; twice < 2; twice++)
		tape_seg(&tape, SEG(.from = S, .at = 20 * MS + twice * 3 * US, .flags = TH_SYN | TH_ACK, .ack = 1));
	for (int twice = 0; twice < 2; twice++)
		tape_seg(&tape, SEG(.from = C, .at = 20 * MS + (9 + twice) * US, .seq = 1, .ack = 1));
	for (uint32_t i = 0; i < 20; i++)
		tape_seg(&tape, SEG(.from = C, .at = T0 + i / 2 * MS + i % 2 * 3 * US, .seq = 1 + 1000 * (i / 2), .ack = 1, .len = 1000));
	judge();
	CU_ASSERT_EQUAL(conn->events, 12);
	for (uint32_t i = 0; i < conn->events; i++)
		CU_ASSERT_EQUAL(conn->event[i].kind, V_CAPTURE_COPY);
	end();
}

static void a_probes_byte_that_the_window_let_in_is_no_hole(void)
{
	begin(C);
	tape_seg(&tape, SEG(.from = C, .at = T0, .seq = 1, .ack = 1, .len = 1000));
	tape_seg(&tape, SEG(.from = S, .at = T0 + 20 * MS, .seq = 1, .ack = 1001, .zero_wnd = true));
	tape_seg(&tape, SEG(.from = C, .at = T0 + 300 * MS, .seq = 1001, .ack = 1, .len = 1)); /* 6 */
	tape_seg(&tape, SEG(.from = S, .at = T0 + 320 * MS, .seq = 1, .ack = 1002));
	tape_seg(&tape, SEG(.from = C, .at = T0 + 321 * MS, .seq = 1002, .ack = 1, .len = 1000));
	judge();
	expect_only(6, V_ZERO_WINDOW_PROBE, CAUSE_UNKNOWN);
	CU_ASSERT_EQUAL(conn->half[conn->client].holes, 0);
	CU_ASSERT_EQUAL(conn->half[conn->client].unseen_acked, 0);
	CU_ASSERT_EQUAL(stream_bytes(&conn->half[conn->client]), 2001);
	end();
}

static void bytes_from_before_the_captures_first_are_judged_without_numbers(void)
{
	static const struct {
		uint16_t ipid;
		enum verdict_kind kind;
	} row[] = {{0, V_RETX}, {90, V_LATE}};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		char text[1024];

		tape_init(&tape);
		for (uint32_t k = 0; k < 5; k++)
			tape_seg(&tape, SEG(.from = C, .at = k * MS, .seq = 5001 + 1000 * k, .ack = 1, .len = 1000));
		tape_seg(&tape, SEG(.from = C, .at = 200 * MS, .seq = 3001, .ack = 1, .len = 1000, .ipid = row[i].ipid));
		tape_seg(&tape, SEG(.from = C, .at = 201 * MS, .seq = 4501, .ack = 1, .len = 1000)); /* straddles */
		judge();
		CU_ASSERT_EQUAL_FATAL(conn->events, 2);
		CU_ASSERT_EQUAL(event_of(6)->kind, row[i].kind);
		CU_ASSERT_EQUAL(event_of(6)->before, 1000);
		CU_ASSERT_PTR_NOT_NULL(strstr(explain_event(text, sizeof(text), conn, event_of(6)), "1000 bytes from before"));
		CU_ASSERT_EQUAL(event_of(7)->kind, V_RETX);
		CU_ASSERT_EQUAL(event_of(7)->lo, 1);
		CU_ASSERT_EQUAL(event_of(7)->hi, 501);
		CU_ASSERT_EQUAL(conn->odd, 0);
		end();
	}
}

/* What a silence waited for is what was so before it ended, not after. */
static void a_silence_is_explained_by_what_went_before(void)
{
	static const struct {
		const char *why;
		struct tape_seg seg[3];
	} row[] = {
		{"nothing was outstanding", {{C, SEC, .seq = 1, .ack = 1, .len = 10}, {S, SEC, .seq = 1, .ack = 11},
					     {C, 9 * SEC, .seq = 11, .ack = 1, .flags = TH_FIN}}},
		{"no acknowledgement was seen", {{C, SEC, .seq = 1, .ack = 1, .len = 10}, {C, SEC, .seq = 11, .ack = 1, .len = 10},
						 {S, 9 * SEC, .seq = 1, .ack = 21}}},
		{"window was closed", {{C, SEC, .seq = 1, .ack = 1, .len = 10}, {S, SEC, .seq = 1, .ack = 11, .zero_wnd = true},
				       {S, 9 * SEC, .seq = 1, .ack = 11}}},
		{"timer ran out", {{C, SEC, .seq = 1, .ack = 1, .len = 10}, {C, SEC, .seq = 11, .ack = 1, .len = 10},
				   {C, 9 * SEC, .seq = 1, .ack = 1, .len = 10}}},
		{"one side had closed", {{C, SEC, .seq = 1, .ack = 1, .flags = TH_FIN}, {S, SEC, .seq = 1, .ack = 2},
					 {S, 9 * SEC, .seq = 1, .ack = 2, .len = 10}}},
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		begin(C);
		for (int k = 0; k < 3; k++)
			tape_seg(&tape, &row[i].seg[k]);
		judge();
		CU_ASSERT_EQUAL_FATAL(conn->nstalls, 2); /* before it the second of nothing */
		if (!strstr(conn->stalls[1].why, row[i].why))
			printf("%s: %s\n", row[i].why, conn->stalls[1].why);
		CU_ASSERT_PTR_NOT_NULL(strstr(conn->stalls[1].why, row[i].why));
		end();
	}
}

static void a_teardown_leaves_both_ends_in_their_states(void)
{
	static const struct {
		const char *name, *kind, *client, *server;
		struct tape_seg seg[4];
		int n;
	} row[] = {
		{"four segments", "fin", "TIME-WAIT", "CLOSED",
		 {{C, SEC, .seq = 1, .ack = 1, .flags = TH_FIN}, {S, SEC, .seq = 1, .ack = 2}, {S, SEC, .seq = 1, .ack = 2, .flags = TH_FIN},
		  {C, SEC, .seq = 2, .ack = 2}}, 4},
		{"three segments", "fin", "TIME-WAIT", "CLOSED",
		 {{C, SEC, .seq = 1, .ack = 1, .flags = TH_FIN}, {S, SEC, .seq = 1, .ack = 2, .flags = TH_FIN}, {C, SEC, .seq = 2, .ack = 2}}, 3},
		{"last ACK missing", "fin", "FIN-WAIT-2", "LAST-ACK",
		 {{C, SEC, .seq = 1, .ack = 1, .flags = TH_FIN}, {S, SEC, .seq = 1, .ack = 2, .flags = TH_FIN}}, 2},
		{"simultaneous", "fin", "TIME-WAIT", "TIME-WAIT",
		 {{C, SEC, .seq = 1, .ack = 1, .flags = TH_FIN}, {S, SEC, .seq = 1, .ack = 1, .flags = TH_FIN}, {C, SEC, .seq = 2, .ack = 2},
		  {S, SEC, .seq = 2, .ack = 2}}, 4},
		{"half", "half", "FIN-WAIT-2", "CLOSE-WAIT",
		 {{C, SEC, .seq = 1, .ack = 1, .flags = TH_FIN}, {S, SEC, .seq = 1, .ack = 2}}, 2},
		{"reset", "rst", "CLOSED", "CLOSED", {{S, SEC, .seq = 1, .ack = 1, .flags = TH_RST}}, 1},
		{"open", "none", "ESTABLISHED", "ESTABLISHED", {{S, SEC, .seq = 1, .ack = 1, .len = 1}}, 1},
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		begin(C);
		for (int k = 0; k < row[i].n; k++)
			tape_seg(&tape, &row[i].seg[k]);
		judge();
		if (strcmp(flow_state(conn, conn->client), row[i].client) || strcmp(flow_state(conn, !conn->client), row[i].server))
			printf("%s: %s, %s\n", row[i].name, flow_state(conn, conn->client), flow_state(conn, !conn->client));
		CU_ASSERT_STRING_EQUAL(teardown_word(conn), row[i].kind);
		CU_ASSERT_STRING_EQUAL(flow_state(conn, conn->client), row[i].client);
		CU_ASSERT_STRING_EQUAL(flow_state(conn, !conn->client), row[i].server);
		end();
	}
}

static const struct test_case cases[] = {
	TEST(a_plain_transfer_has_nothing_to_tell),
	TEST(sack_recovery_at_the_sender_names_trigger_and_original),
	TEST(a_dsack_proves_a_retransmission_needless),
	TEST(an_old_timestamp_echo_proves_a_retransmission_needless),
	TEST(a_silent_timer_and_what_follows_it_are_rto_and_go_back),
	TEST(after_a_spurious_timeout_a_hole_is_recovery_again),
	TEST(without_sack_a_hole_that_waits_past_two_round_trips_waited_for_the_timer),
	TEST(the_last_segment_after_two_round_trips_is_a_tail_loss_probe),
	TEST(syn_syn_ack_and_fin_sent_again_have_their_own_names),
	TEST(a_filled_hole_far_from_the_sender_is_told_by_the_packets_marks),
	TEST(the_networks_copy_is_no_retransmission),
	TEST(duplicate_acks_of_a_host_with_one_identification_are_no_copies),
	TEST(a_hundred_thousand_connections_are_told_apart),
	TEST(a_capture_that_doubles_everything_is_seen_as_such),
	TEST(one_byte_into_a_closed_window_is_a_probe_and_its_byte_is_still_new),
	TEST(one_below_the_next_byte_in_silence_is_a_keep_alive),
	TEST(sequence_numbers_that_jump_are_counted_not_followed),
	TEST(fifty_thousand_gaps_take_bounded_memory_and_time),
	TEST(ports_used_again_are_a_new_connection),
	TEST(kinds_of_handshake_are_told_apart),
	TEST(a_cause_that_the_capture_does_not_show_is_unknown),
	TEST(the_data_of_a_syn_that_was_not_taken_is_sent_again),
	TEST(bytes_that_sack_reports_are_counted_above_the_hole_alone),
	TEST(a_doubled_capture_without_identifications_is_seen_as_such),
	TEST(a_probes_byte_that_the_window_let_in_is_no_hole),
	TEST(bytes_from_before_the_captures_first_are_judged_without_numbers),
	TEST(a_silence_is_explained_by_what_went_before),
	TEST(a_teardown_leaves_both_ends_in_their_states),
};
TEST_SUITE(verdict, cases);
