/* The score counts what was found, what was overlooked, and what was called so wrongly. */
#include "../lib/tape.h"
#include "../lib/test.h"

#include "../../stack/base/check.h"
#include "../../traces/score.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* A transfer whose 5th frame of data is a retransmission by SACK; its note says `truth`. */
static void write_capture(const char *path, const char *truth)
{
	struct tape t;
	struct reader *r;
	struct reader_pkt p;
	char err[200];
	struct trace_writer *w = trace_open(path, &(struct trace_options){0}, err, sizeof(err));

	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	trace_add_iface(w, &(struct trace_iface){.name = "client"});
	tape_init(&t);
	tape_handshake(&t, C, 0);
	for (uint32_t i = 0; i < 4; i++)
		tape_seg(&t, SEG(.from = C, .at = 100 * MS, .seq = 1 + 100 * i, .ack = 1, .len = 100));
	tape_seg(&t, SEG(.from = S, .at = 120 * MS, .seq = 1, .ack = 1, .sack = {{101, 401}}));
	tape_seg(&t, SEG(.from = C, .at = 121 * MS, .seq = 1, .ack = 1, .len = 100)); /* frame 9 */
	r = reader_of_bytes(t.bytes, t.n);
	while (reader_next(r, &p) == READER_PACKET) {
		struct trace_frame f = {.at = p.at, .bytes = p.data, .len = p.len, .truth = p.frame == 9 ? truth : NULL,
					.dir = p.data[5] == 1 ? TRACE_IN : TRACE_OUT};

		CU_ASSERT_TRUE(trace_frame(w, &f));
	}
	reader_close(r);
	tape_free(&t);
	CU_ASSERT_TRUE(trace_close(w, err, sizeof(err)));
}

static void score(const char *truth, struct score *s)
{
	struct analysis *a = analysis_new();
	struct reader *r;
	struct reader_pkt p;
	char err[200];

	mkdir("build", 0777);
	write_capture("build/score.pcapng", truth);
	memset(s, 0, sizeof(*s));
	a->each = score_segment;
	a->arg = s;
	r = reader_open("build/score.pcapng", err, sizeof(err));
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	while (reader_next(r, &p) == READER_PACKET)
		analysis_packet(a, &p);
	analysis_finish(a);
	score_finish(s, a);
	reader_close(r);
	analysis_free(a);
	score_free(s);
}

static void a_right_verdict_with_the_right_cause_scores(void)
{
	struct score s;

	score("why=recovery xmit=2 lo=0 hi=100", &s);
	CU_ASSERT_EQUAL(s.sent_again[WHY_RECOVERY], 1);
	CU_ASSERT_EQUAL(s.found[WHY_RECOVERY], 1);
	CU_ASSERT_EQUAL(s.cause_right[WHY_RECOVERY], 1);
	CU_ASSERT_EQUAL(s.misses, 0);
	CU_ASSERT_TRUE(score_perfect(&s));
}

static void a_wrong_cause_is_a_miss_but_found(void)
{
	struct score s;

	score("why=rto xmit=2 lo=0 hi=100", &s);
	CU_ASSERT_EQUAL(s.found[WHY_RTO], 1);
	CU_ASSERT_EQUAL(s.cause_right[WHY_RTO], 0);
	CU_ASSERT_EQUAL(s.misses, 1);
	CU_ASSERT_EQUAL(s.miss[0].frame, 9);
}

static void a_false_alarm_is_counted(void)
{
	struct score s;

	score(NULL, &s);
	CU_ASSERT_EQUAL(s.false_alarms, 1);
	CU_ASSERT_FALSE(score_perfect(&s));
}

static void notes_survive_being_written_and_read(void)
{
	for (int why = 0; why < WHY_COUNT; why++) {
		struct pkt_note n = {.why = (uint8_t)why, .xmit = 3, .dupacks = 4, .lo = 0xfffffff0, .hi = 0xffffffff, .cwnd = 5,
				     .ssthresh = 6, .cwnd_before = 7, .rto = 8 * SEC, .outstanding = 9};
		struct pkt_note m;
		char text[TRACE_TEXT_MAX];
		size_t len = note_truth(text, sizeof(text), &n);

		CU_ASSERT_TRUE(note_parse(text, len, &m));
		CU_ASSERT_EQUAL(m.why, n.why);
		CU_ASSERT_EQUAL(m.xmit, n.xmit);
		CU_ASSERT_EQUAL(m.lo, n.lo);
		CU_ASSERT_EQUAL(m.hi, n.hi);
		CU_ASSERT_EQUAL(m.rto, n.rto);
		CU_ASSERT_EQUAL(m.cwnd_before, n.cwnd_before);
	}
}

static void a_note_is_cut_to_its_room_and_new_data_has_none(void)
{
	struct pkt_note n = {.why = WHY_RECOVERY, .xmit = 3, .dupacks = 3, .lo = 14480, .hi = 15928, .cwnd = 22299,
			     .cwnd_before = 31856};
	char text[200];

	CU_ASSERT_EQUAL(note_text(text, sizeof(text), &(struct pkt_note){0}), 0);
	note_text(text, sizeof(text), &n);
	CU_ASSERT_STRING_EQUAL(text, "fast retransmission of bytes 14481..15928: 3 duplicate ACKs or SACKed segments; "
				     "sent for the 3rd time; cwnd 31856 -> 22299");
	for (size_t cap = 1; cap < 60; cap++)
		CU_ASSERT_EQUAL(note_text(text, cap, &n), cap - 1);
}

static const struct test_case cases[] = {
	TEST(a_right_verdict_with_the_right_cause_scores),
	TEST(a_wrong_cause_is_a_miss_but_found),
	TEST(a_false_alarm_is_counted),
	TEST(notes_survive_being_written_and_read),
	TEST(a_note_is_cut_to_its_room_and_new_data_has_none),
};
TEST_SUITE(score, cases);
