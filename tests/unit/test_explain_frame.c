/* Why was this frame sent? One row for each kind of answer. */
#include "../lib/tape.h"
#include "../lib/test.h"

#include "../../stack/base/check.h"
#include "../../traces/explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define T(ms) ((ms) * MS)

struct row {
	const char *says;   /* of the last segment */
	bool bare;          /* no handshake before */
	struct tape_seg seg[6];
	int n;
};

static const struct row rows[] = {
	{"It opens the connection", true, {{C, 0, .flags = TH_SYN}}, 1},
	{"It brings 9 bytes of data already", true, {{C, 0, .flags = TH_SYN, .len = 9}}, 1},
	{"It answers the SYN", true, {{C, 0, .flags = TH_SYN}, {S, T(20), .flags = TH_SYN | TH_ACK, .ack = 1}}, 2},
	{"The last segment of the handshake", true,
	 {{C, 0, .flags = TH_SYN}, {S, T(20), .flags = TH_SYN | TH_ACK, .ack = 1}, {C, T(20), .seq = 1, .ack = 1}}, 3},
	{"It ends the handshake, and brings data at once", true,
	 {{C, 0, .flags = TH_SYN}, {S, T(20), .flags = TH_SYN | TH_ACK, .ack = 1}, {C, T(20), .seq = 1, .ack = 1, .len = 5}}, 3},
	{"A SYN of its own", true, {{C, 0, .flags = TH_SYN}, {S, T(20), .flags = TH_SYN}}, 2},
	{"It acknowledges the SYN of the client", true, {{C, 0, .flags = TH_SYN}, {S, T(20), .seq = 0, .ack = 1}}, 2},
	{"the client sends the SYN again", true, {{C, 0, .flags = TH_SYN}, {C, T(1000), .flags = TH_SYN}}, 2},
	{"the server sends the SYN-ACK again", true,
	 {{C, 0, .flags = TH_SYN}, {S, T(20), .flags = TH_SYN | TH_ACK, .ack = 1}, {S, T(1020), .flags = TH_SYN | TH_ACK, .ack = 1}}, 3},
	{"It refuses the connection", true, {{C, 0, .flags = TH_SYN}, {S, T(20), .ack = 1, .flags = TH_RST | TH_ACK}}, 2},
	{"acknowledgement (raw ", true, {{C, 0, .seq = 1, .ack = 1, .len = 5}}, 1},
	{"An acknowledgement of bytes that the capture does not have", true, {{C, 0, .seq = 1, .ack = 1}}, 1},
	{"New data, sent for the first time: bytes 1..100", false, {{C, T(100), .seq = 1, .ack = 1, .len = 100}}, 1},
	{"It begins 100 bytes after the last byte seen", false, {{C, T(100), .seq = 101, .ack = 1, .len = 100}}, 1},
	{"It fills the window", false,
	 {{S, T(90), .seq = 1, .ack = 1, .wnd = 1}, {C, T(100), .seq = 1, .ack = 1, .len = 128}}, 2},
	{"It acknowledges as well: everything before byte 101", false,
	 {{C, T(100), .seq = 1, .ack = 1, .len = 100}, {S, T(120), .seq = 1, .ack = 101, .len = 5}}, 2},
	{"that is 100 bytes more", false, {{C, T(100), .seq = 1, .ack = 1, .len = 100}, {S, T(120), .seq = 1, .ack = 101}}, 2},
	{"It closes the window: the client", false,
	 {{C, T(100), .seq = 1, .ack = 1, .len = 100}, {S, T(120), .seq = 1, .ack = 101, .zero_wnd = true}}, 2},
	{"A window update: nothing new is acknowledged, but the window is now 500, and was 1000", false,
	 {{S, T(120), .seq = 1, .ack = 1, .wnd = 500}}, 1},
	{"An old acknowledgement", false,
	 {{C, T(100), .seq = 1, .ack = 1, .len = 100}, {S, T(120), .seq = 1, .ack = 101}, {S, T(121), .seq = 1, .ack = 51}}, 3},
	{"the first is bytes 101..200", false,
	 {{C, T(100), .seq = 101, .ack = 1, .len = 100}, {S, T(120), .seq = 1, .ack = 1, .sack = {{101, 201}}}}, 2},
	{"a D-SACK (RFC 2883): bytes 1..100 came twice", false,
	 {{C, T(100), .seq = 1, .ack = 1, .len = 100}, {S, T(120), .seq = 1, .ack = 101},
	  {S, T(121), .seq = 1, .ack = 101, .sack = {{1, 101}}}}, 3},
	{"it answers frame 6, which brought nothing", false,
	 {{C, T(100), .seq = 1, .ack = 1, .len = 100}, {S, T(120), .seq = 1, .ack = 101},
	  {C, T(500), .seq = 1, .ack = 1, .len = 100}, {S, T(520), .seq = 1, .ack = 101}}, 4},
	{"A duplicate acknowledgement: something came", false,
	 {{C, T(100), .seq = 101, .ack = 1, .len = 100}, {S, T(120), .seq = 1, .ack = 1}}, 2},
	{"It acknowledges bytes that were not seen here", false, {{S, T(120), .seq = 1, .ack = 5000}}, 1},
	{"probes a closed window", false,
	 {{S, T(100), .seq = 1, .ack = 1, .zero_wnd = true}, {C, T(400), .seq = 1, .ack = 1, .len = 1}}, 2},
	{"It answers the client's probe in frame 5: everything before byte 1 has arrived, and the window is closed", false,
	 {{S, T(100), .seq = 1, .ack = 1, .zero_wnd = true}, {C, T(400), .seq = 1, .ack = 1, .len = 1},
	  {S, T(420), .seq = 1, .ack = 1, .zero_wnd = true}}, 3},
	{"a keep-alive of the client", false,
	 {{C, T(100), .seq = 1, .ack = 1, .len = 9}, {S, T(120), .seq = 1, .ack = 10}, {C, T(9000), .seq = 9, .ack = 1}}, 3},
	{"has nothing more to send: its FIN", false, {{C, T(100), .seq = 1, .ack = 1, .flags = TH_FIN}}, 1},
	{"its FIN, which also acknowledges the other side's", false,
	 {{C, T(100), .seq = 1, .ack = 1, .flags = TH_FIN}, {S, T(120), .seq = 1, .ack = 2, .flags = TH_FIN}}, 2},
	{"It acknowledges the FIN of the client", false,
	 {{C, T(100), .seq = 1, .ack = 1, .flags = TH_FIN}, {S, T(120), .seq = 1, .ack = 2}}, 2},
	{"bytes 1..5, and the FIN", false, {{C, T(100), .seq = 1, .ack = 1, .len = 5, .flags = TH_FIN}}, 1},
	{"the client sends the FIN again", false,
	 {{C, T(100), .seq = 1, .ack = 1, .flags = TH_FIN}, {C, T(400), .seq = 1, .ack = 1, .flags = TH_FIN}}, 2},
	{"the client gives it up", false, {{C, T(100), .seq = 1, .flags = TH_RST}}, 1},
	{"Once more a reset", false, {{C, T(100), .seq = 1, .flags = TH_RST}, {C, T(101), .seq = 1, .flags = TH_RST}}, 2},
	{"A reset that its receiver drops", false, {{C, T(100), .seq = 0x300000, .flags = TH_RST}}, 1},
	{"there is nobody any more for what the server sent", false,
	 {{C, T(100), .seq = 1, .ack = 1, .flags = TH_FIN}, {S, T(120), .seq = 1, .ack = 2, .len = 5},
	  {C, T(121), .seq = 2, .flags = TH_RST}}, 3},
	{"although the client had closed it with a FIN", false,
	 {{C, T(100), .seq = 1, .ack = 1, .flags = TH_FIN}, {S, T(120), .seq = 1, .ack = 2}, {C, T(121), .seq = 2, .flags = TH_RST}}, 3},
};

struct last {
	struct seg_view view;
	struct dissected d;
	struct reader_pkt pkt;
	uint32_t event;
};

static void keep(void *arg, const struct seg_view *v)
{
	struct last *l = arg;

	l->view = *v;
	l->d = *v->d;
	l->pkt = *v->pkt;
	l->event = v->ev ? (uint32_t)(v->ev - v->conn->event) + 1 : 0;
}

static char *explain_last(struct tape *t)
{
	struct reader *r = reader_of_bytes(t->bytes, t->n);
	struct analysis *a = analysis_new();
	struct reader_pkt p;
	struct last l = {0};
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);
	struct doc *d = doc_new(f, DOC_MARKDOWN, "t"); /* one line a paragraph */

	a->each = keep;
	a->arg = &l;
	while (reader_next(r, &p) == READER_PACKET)
		analysis_packet(a, &p);
	analysis_finish(a);
	l.view.d = &l.d;
	l.view.pkt = &l.pkt;
	l.view.ev = l.event ? &l.view.conn->event[l.event - 1] : NULL;
	explain_frame(d, &l.view);
	doc_end(d);
	fclose(f);
	reader_close(r);
	analysis_free(a);
	return text;
}

static void every_kind_of_frame_is_said_why(void)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tape t;
		char *text;

		tape_init(&t);
		if (!rows[i].bare)
			tape_handshake(&t, C, 0);
		for (int k = 0; k < rows[i].n; k++)
			tape_seg(&t, &rows[i].seg[k]);
		text = explain_last(&t);
		if (!strstr(text, rows[i].says))
			printf("expected '%s' in:\n%s", rows[i].says, text);
		CU_ASSERT_PTR_NOT_NULL(strstr(text, rows[i].says));
		free(text);
		tape_free(&t);
	}
}

static const struct test_case cases[] = {
	TEST(every_kind_of_frame_is_said_why),
};
TEST_SUITE(explain_frame, cases);
