/* Captures with control blocks: `capture: {tcb: true}` of a scenario. Frames and their verdicts are those
 * of a capture without; rows stand between them. tshark reads the values, if it is there. */
#include "../lib/test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../sim/world.h"
#include "../../stack/base/check.h"
#include "../../traces/reader.h"

#define LINK "scenario: 1\nhosts: {client: {}, server: {}}\nlinks: [{name: wire, between: [client, server], "

/* One segment lost in the middle, and at the end so many that only the timer helps. */
#define LOSSY                                                                                      \
	LINK "rate: 10mbit, delay: 10ms, queue: 50}]\n"                                            \
	     "traffic: [{from: client, to: 'server:80', send: 300kB}]\n"                           \
	     "events: [{on: client.data, number: 20, do: drop}, {on: client.data, number: 203..300, do: drop}]\n"
#define MANY LINK "delay: 1ms}]\ntraffic: [{from: client, to: 'server:80', send: 5kB, repeat: 40, every: 700us}]\n"

struct run {
	char dir[64];
	uint64_t hash;
};

static const char *file_of(const struct run *r, const char *host)
{
	static char path[100];

	snprintf(path, sizeof(path), "%s/%s", r->dir, host);
	return path;
}

static struct run run(const char *text, const char *capture)
{
	struct run r = {.dir = "/tmp/tapir-tcb-XXXXXX"};
	char err[600], all[2000];
	struct scenario *sc;
	struct world *w;

	snprintf(all, sizeof(all), "%scapture: %s\noutput: {series: none, plots: false}\n", text, capture);
	sc = scenario_parse("test.yaml", all, strlen(all), NULL, err, sizeof(err));
	if (!sc)
		CU_FAIL_FATAL(err);
	if (!mkdtemp(r.dir))
		CU_FAIL_FATAL("mkdtemp");
	w = world_new(sc, &(struct world_options){.check = CHECK_ALWAYS, .out = r.dir}, err, sizeof(err));
	if (!w)
		CU_FAIL_FATAL(err);
	CU_ASSERT_TRUE(world_run(w));
	CU_ASSERT_TRUE(world_close(w, err, sizeof(err)));
	r.hash = w->hash;
	world_free(w);
	scenario_free(sc);
	return r;
}

static void forget(const struct run *r)
{
	static const char *const names[] = {"client.pcapng", "server.pcapng", "link.pcapng", "client.pcap",
					    "server.pcap", "link.pcap"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unlink(file_of(r, names[i]));
	CU_ASSERT_EQUAL(rmdir(r->dir), 0);
}

static struct reader *open_reader(const struct run *r, const char *file)
{
	char err[300];
	struct reader *in = reader_open(file_of(r, file), err, sizeof(err));

	CU_ASSERT_PTR_NOT_NULL_FATAL(in);
	return in;
}

static bool same_text(const char *a, uint32_t n, const char *b, uint32_t m)
{
	return n == m && (n == 0 || memcmp(a, b, n) == 0);
}

/* Packet by packet the same; the numbers of the frames are the caller's to judge. */
static uint64_t compare(const struct run *with, const struct run *without, const char *file, bool *same_numbers)
{
	struct reader *a = open_reader(with, file), *b = open_reader(without, file);
	struct reader_pkt p, q;
	uint64_t n = 0;

	*same_numbers = true;
	for (; reader_next(b, &q) == READER_PACKET; n++) {
		CU_ASSERT_EQUAL_FATAL(reader_next(a, &p), READER_PACKET);
		CU_ASSERT_TRUE(p.at == q.at && p.len == q.len && p.caplen == q.caplen && p.dir == q.dir && p.id == q.id);
		CU_ASSERT_EQUAL(memcmp(p.data, q.data, p.caplen), 0);
		CU_ASSERT_TRUE(same_text(p.comment, p.comment_len, q.comment, q.comment_len));
		CU_ASSERT_TRUE(same_text(p.truth, p.truth_len, q.truth, q.truth_len));
		CU_ASSERT_EQUAL(q.frame, n + 1);
		*same_numbers &= p.frame == q.frame;
		CU_ASSERT_TRUE(p.frame >= q.frame);
	}
	CU_ASSERT_EQUAL(reader_next(a, &p), READER_END);
	reader_close(a);
	reader_close(b);
	return n;
}

static void frames_are_those_of_a_capture_without_and_rows_count_between_them(void)
{
	struct run with = run(LOSSY, "{tcb: true}"), without = run(LOSSY, "{tcb: false}");
	bool same;

	CU_ASSERT_EQUAL(with.hash, without.hash);
	CU_ASSERT_TRUE(compare(&with, &without, "client.pcapng", &same) > 300);
	CU_ASSERT_FALSE(same);
	CU_ASSERT_TRUE(compare(&with, &without, "server.pcapng", &same) > 300);
	CU_ASSERT_FALSE(same);
	CU_ASSERT_TRUE(compare(&with, &without, "link.pcapng", &same) > 300);
	CU_ASSERT_TRUE(same);
	forget(&with);
	forget(&without);
}

static void a_plain_pcap_has_none(void)
{
	struct run with = run(LOSSY, "{tcb: true, format: pcap}"), without = run(LOSSY, "{format: pcap}");
	bool same;

	CU_ASSERT_TRUE(compare(&with, &without, "client.pcap", &same) > 300);
	CU_ASSERT_TRUE(same);
	forget(&with);
	forget(&without);
}

static void equal_runs_write_equal_blocks(void)
{
	struct run a = run(MANY, "{tcb: true}"), b = run(MANY, "{tcb: true}");
	char command[200];

	snprintf(command, sizeof(command), "diff -r %s %s", a.dir, b.dir);
	CU_ASSERT_EQUAL(system(command), 0);
	forget(&a);
	forget(&b);
}

/* ---- what tshark makes of it ---- */

#define ROWS 4000

struct row {
	unsigned long frame, event, state, una, nxt, cwnd, ssthresh, srtt, recover, flex1, flex2, sent_fin;
};

static struct row rows[ROWS];
static size_t nrows;

static bool have_tshark(void)
{
	if (system("command -v tshark >/dev/null 2>&1") == 0)
		return true;
	printf("SKIPPED (no tshark): ");
	return false;
}

static bool parse_row(char *line, struct row *r)
{
	unsigned long *to[] = {&r->frame, &r->event, &r->state, &r->una, &r->nxt, &r->cwnd, &r->ssthresh,
			       &r->srtt, &r->recover, &r->flex1, &r->flex2, &r->sent_fin};

	for (size_t i = 0; i < ARRAY_LEN(to); i++) {
		char *end;

		*to[i] = strtoul(line, &end, 10);
		if (end == line)
			return false;
		line = end;
	}
	return true;
}

static void read_rows(const struct run *r, const char *file)
{
	char command[600], line[300];

	snprintf(command, sizeof(command),
		 "tshark -r %s -Y bblog -T fields -e frame.number -e bblog.event_id -e bblog.state -e bblog.snd_una "
		 "-e bblog.snd_nxt -e bblog.snd_cwnd -e bblog.snd_ssthresh -e bblog.srtt -e bblog.snd_recover "
		 "-e bblog.flex_1 -e bblog.flex_2 -e bblog.t_flags_sent_fin 2>/dev/null",
		 file_of(r, file));
	FILE *f = popen(command, "r");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	for (nrows = 0; nrows < ROWS && fgets(line, sizeof(line), f);)
		CU_ASSERT_TRUE_FATAL(parse_row(line, &rows[nrows++]));
	CU_ASSERT_EQUAL(pclose(f), 0);
}

/* The first row of this event from the place `*at` on; NULL: none. */
static const struct row *next(size_t *at, unsigned long event)
{
	while (*at < nrows)
		if (rows[(*at)++].event == event)
			return &rows[*at - 1];
	return NULL;
}

static void a_fast_recovery_and_a_timeout_can_be_read_in_tshark(void)
{
	enum { OUT = 2, RTO = 3, ENTERED = 15, EXITED = 16 };
	const struct row *in, *again, *out, *rto;
	size_t at = 0;

	if (!have_tshark())
		return;
	struct run r = run(LOSSY, "{tcb: true}");

	read_rows(&r, "client.pcapng");
	in = next(&at, ENTERED);
	again = next(&at, OUT);
	out = next(&at, EXITED);
	rto = next(&at, RTO);
	CU_ASSERT_TRUE_FATAL(in && again && out && rto);
	CU_ASSERT_EQUAL(in->recover, in->nxt);
	CU_ASSERT_EQUAL(again->una, in->una);
	CU_ASSERT_EQUAL(again->flex2, 19 * 1448 + 1); /* segment 20, from its first byte */
	CU_ASSERT_EQUAL(out->una, in->recover);
	CU_ASSERT_TRUE(out->cwnd <= out->ssthresh && out->ssthresh < in->cwnd);
	CU_ASSERT_TRUE(in->srtt > 20000 && in->srtt < 60000);
	CU_ASSERT_TRUE(rto->flex2 >= 200000);
	rto = next(&at, OUT); /* after the timeout's own row for recovery */
	CU_ASSERT_TRUE(rto && rto->cwnd == 1448);
	CU_ASSERT_PTR_NOT_NULL(next(&at, EXITED));
	forget(&r);
}

static void states_run_from_the_first_to_the_last_with_the_fin_marked(void)
{
	/* FreeBSD's numbers: SYN-SENT, ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT, CLOSED. */
	static const unsigned long way[] = {2, 4, 6, 9, 10, 0};
	size_t at = 0;

	if (!have_tshark())
		return;
	struct run r = run(LOSSY, "{tcb: true}");

	read_rows(&r, "client.pcapng");
	for (size_t i = 0, before = 0; i < ARRAY_LEN(way); before = way[i++]) {
		const struct row *s = next(&at, 22);

		CU_ASSERT_PTR_NOT_NULL_FATAL(s);
		CU_ASSERT_EQUAL(s->state, way[i]);
		CU_ASSERT_EQUAL(s->flex2, before);
	}
	CU_ASSERT_PTR_NULL(next(&at, 22));
	CU_ASSERT_TRUE(rows[nrows - 1].sent_fin);
	forget(&r);
}

static void a_cwnd_row_tells_a_change_and_where_from(void)
{
	unsigned long last = 0, changes = 0;

	if (!have_tshark())
		return;
	struct run r = run(LOSSY, "{tcb: true}");

	read_rows(&r, "client.pcapng");
	for (size_t i = 0; i < nrows; i++)
		if (rows[i].event == 17) {
			CU_ASSERT_NOT_EQUAL(rows[i].cwnd, rows[i].flex2);
			CU_ASSERT_TRUE(!last || rows[i].flex2 == last);
			last = rows[i].cwnd;
			changes++;
		}
	CU_ASSERT_TRUE(changes > 30);
	forget(&r);
}

static void connections_side_by_side_are_told_apart(void)
{
	static unsigned long closed[64], una[64];
	unsigned long flows = 0;

	if (!have_tshark())
		return;
	struct run r = run(MANY, "{tcb: true}");

	memset(closed, 0, sizeof(closed));
	memset(una, 0, sizeof(una));
	read_rows(&r, "server.pcapng");
	for (size_t i = 0; i < nrows; i++) {
		CU_ASSERT_TRUE_FATAL(rows[i].flex1 >= 1 && rows[i].flex1 < ARRAY_LEN(closed));
		closed[rows[i].flex1] += rows[i].event == 22 && rows[i].state == 0;
		/* Sequence numbers only go on within one connection. */
		if (una[rows[i].flex1] && rows[i].una)
			CU_ASSERT_TRUE(rows[i].una - una[rows[i].flex1] < 10);
		una[rows[i].flex1] = rows[i].una;
	}
	for (size_t i = 0; i < ARRAY_LEN(closed); i++) {
		CU_ASSERT_TRUE(closed[i] <= 1);
		flows += closed[i];
	}
	CU_ASSERT_EQUAL(flows, 40);
	forget(&r);
}

static void our_numbers_of_frames_are_tsharks_and_nothing_is_complained_of(void)
{
	char command[400], line[100];
	struct reader_pkt p;

	if (!have_tshark())
		return;
	struct run r = run(LOSSY, "{tcb: true, snaplen: 128}");
	struct reader *in = open_reader(&r, "client.pcapng");

	snprintf(command, sizeof(command), "tshark -r %s -Y tcp -T fields -e frame.number 2>&1 | grep -v '^Running as'",
		 file_of(&r, "client.pcapng"));
	FILE *f = popen(command, "r");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	while (reader_next(in, &p) == READER_PACKET) {
		char *end = line;

		if (p.data[12] == 8 && p.data[13] == 6)
			continue; /* ARP */
		CU_ASSERT_PTR_NOT_NULL_FATAL(fgets(line, sizeof(line), f));
		CU_ASSERT_EQUAL(strtoul(line, &end, 10), p.frame);
		CU_ASSERT_TRUE(end > line);
	}
	CU_ASSERT_PTR_NULL(fgets(line, sizeof(line), f));
	pclose(f);
	reader_close(in);
	snprintf(command, sizeof(command), "capinfos %s 2>&1 | grep -i 'error\\|damaged'", file_of(&r, "client.pcapng"));
	CU_ASSERT_NOT_EQUAL(system(command), 0);
	snprintf(command, sizeof(command), "tshark -r %s -Y _ws.malformed 2>/dev/null | grep -q .",
		 file_of(&r, "client.pcapng"));
	CU_ASSERT_NOT_EQUAL(system(command), 0);
	forget(&r);
}

static const struct test_case cases[] = {
	TEST(frames_are_those_of_a_capture_without_and_rows_count_between_them),
	TEST(a_plain_pcap_has_none),
	TEST(equal_runs_write_equal_blocks),
	TEST(a_fast_recovery_and_a_timeout_can_be_read_in_tshark),
	TEST(states_run_from_the_first_to_the_last_with_the_fin_marked),
	TEST(a_cwnd_row_tells_a_change_and_where_from),
	TEST(connections_side_by_side_are_told_apart),
	TEST(our_numbers_of_frames_are_tsharks_and_nothing_is_complained_of),
};
TEST_SUITE(tcb_log, cases);
