/* What the runner says: of segments that differ, come late, or were never mentioned; of calls that
 * block; of what it does not know. */
#include "../lib/test.h"

#include "../../sim/script.h"

#include <string.h>

#define LISTEN "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n"
#define OPEN LISTEN "+0 < S 0:0(0) win 1000 <mss 1000>\n"

static struct script_result run(const char *text, const char *profile)
{
	struct script_result r = {.verdict = SCRIPT_BAD};
	struct script_profile p;
	struct script_run_options o = {.profile = &p, .seed = 1};
	char err[256];
	struct script *f = script_parse(text, strlen(text), "t.pkt", NULL, err, sizeof(err));

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_FATAL(script_profile_of(profile, &p, err, sizeof(err)));
	script_run(f, &o, &r);
	script_free(f);
	return r;
}

static void a_difference_shows_both_segments_one_under_the_other(void)
{
	struct script_result r = run(OPEN "+0 > S. 0:0(0) ack 2 win 65535 <mss 1460>\n", "exact");

	CU_ASSERT_EQUAL(r.verdict, SCRIPT_FAIL);
	CU_ASSERT_EQUAL(r.line, 5);
	CU_ASSERT_STRING_EQUAL(r.text,
			       "expected S. 0:0(0) ack 2 win 65535 <mss 1460>, got S. 0:0(0) ack 1 win 65535 <mss "
			       "1460> (acknowledgement number)\n"
			       "  expected 0.0          S. 0:0(0) ack 2 win 65535 <mss 1460>\n"
			       "  got      0.0          S. 0:0(0) ack 1 win 65535 <mss 1460>");
}

static void a_time_is_exact_unless_a_range_or_a_tolerance_says_otherwise(void)
{
	const char *late = OPEN "+0 > S. 0:0(0) ack 1 <mss 1460>\n+1.002 > S. 0:0(0) ack 1 <mss 1460>\n";
	const char *range = OPEN "+0 > S. 0:0(0) ack 1 <mss 1460>\n+.9~+1.1 > S. 0:0(0) ack 1 <mss 1460>\n";
	const char *granted = "--tolerance_usecs=2000\n" OPEN
			      "+0 > S. 0:0(0) ack 1 <mss 1460>\n+1.002 > S. 0:0(0) ack 1 <mss 1460>\n";
	struct script_result r = run(late, "exact");

	CU_ASSERT_EQUAL(r.verdict, SCRIPT_FAIL);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "(time)"));
	CU_ASSERT_EQUAL(r.deviation, 2 * MS);
	CU_ASSERT_EQUAL(run(range, "exact").verdict, SCRIPT_PASS);
	CU_ASSERT_EQUAL(run(granted, "exact").verdict, SCRIPT_PASS);
}

/* A retransmission by the reordering timer, a quarter of the round trip after the SACK, written at `when`. */
static enum script_verdict resent_at(const char *when, const char *profile)
{
	char text[600];

	snprintf(text, sizeof(text), "--tolerance_usecs=1000\n--tolerance_percent=0\n" LISTEN
		 "+0 < S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop>\n+0 > S. 0:0(0) ack 1 <...>\n"
		 "+.1 < . 1:1(0) ack 1 win 32000\n+0 accept(3, ..., ...) = 4\n+0 write(4, ..., 4000) = 4000\n"
		 "+0 > P. 1:4001(4000) ack 1\n+.1 < . 1:1(0) ack 1 win 32000 <sack 3001:4001,nop,nop>\n"
		 "+%s > . 1:1001(1000) ack 1\n", when);
	return run(text, profile).verdict;
}

static void ticks_let_a_retransmission_be_early_and_nothing_else(void)
{
	CU_ASSERT_EQUAL(resent_at(".025", "bsd"), SCRIPT_PASS);
	CU_ASSERT_EQUAL(resent_at(".037", "linux"), SCRIPT_PASS);
	CU_ASSERT_EQUAL(resent_at(".037", "bsd"), SCRIPT_FAIL); /* no ticks */
	CU_ASSERT_EQUAL(resent_at(".039", "linux"), SCRIPT_FAIL);
	CU_ASSERT_EQUAL(resent_at(".020", "linux"), SCRIPT_FAIL); /* late is late */
	CU_ASSERT_EQUAL(run("--tolerance_usecs=1000\n--tolerance_percent=0\n" OPEN
			    "+.010 > S. 0:0(0) ack 1 <...>\n", "linux").verdict, SCRIPT_FAIL);
}

static void a_former_connections_segments_are_passed_over_and_counted(void)
{
	const char *text = OPEN "+0 > S. 0:0(0) ack 1 <...>\n+0 < . 1:1(0) ack 1 win 1000\n"
			   "+0 accept(3, ..., ...) = 4\n+0 write(4, ..., 100) = 100\n" /* its text is never mentioned */
			   "+0 close(3) = 0\n+" OPEN "+0 > S. 0:0(0) ack 1 <...>\n";
	struct script_result r = run(text, "linux");

	CU_ASSERT_EQUAL(r.verdict, SCRIPT_PASS);
	CU_ASSERT_EQUAL(r.others, 1);
	CU_ASSERT_EQUAL(run(text, "exact").verdict, SCRIPT_FAIL);
}

static void what_was_never_mentioned_fails_unless_the_profile_is_packetdrills(void)
{
	struct script_result r = run(OPEN, "exact");

	CU_ASSERT_EQUAL(r.verdict, SCRIPT_FAIL);
	CU_ASSERT_STRING_EQUAL(r.text, "expected nothing more, got S. 0:0(0) ack 1 win 65535 <mss 1460> at 0.0");
	CU_ASSERT_EQUAL(run(OPEN, "strict").verdict, SCRIPT_PASS);
}

static void nothing_comes_and_nothing_hangs(void)
{
	struct script_result r = run(LISTEN "+0 > S. 0:0(0) ack 1\n", "exact");

	CU_ASSERT_EQUAL(r.verdict, SCRIPT_FAIL);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "got nothing"));
	r = run(LISTEN "+0 accept(3, ..., ...) = 4\n", "exact");
	CU_ASSERT_EQUAL(r.verdict, SCRIPT_FAIL);
	CU_ASSERT_STRING_EQUAL(r.text, "accept: expected a result, got none: it blocks");
	r = run(LISTEN "* > . 1:1(0)\n", "exact");
	CU_ASSERT_EQUAL(r.verdict, SCRIPT_FAIL);
}

static void a_blocking_call_must_end_at_its_time(void)
{
	const char *text = LISTEN "+0...%s accept(3, ..., ...) = 4\n+.1 < S 0:0(0) win 1000 <mss 1000>\n"
				  "+0 > S. 0:0(0) ack 1 <mss 1460>\n+.1 < . 1:1(0) ack 1 win 1000\n";
	char buf[600];

	snprintf(buf, sizeof(buf), text, "0.2");
	CU_ASSERT_EQUAL(run(buf, "exact").verdict, SCRIPT_PASS);
	snprintf(buf, sizeof(buf), text, "0.3");
	struct script_result r = run(buf, "exact");

	CU_ASSERT_EQUAL(r.verdict, SCRIPT_FAIL);
	CU_ASSERT_STRING_EQUAL(r.text, "accept: expected its end at 0.3, got 0.2");
}

static void results_and_errnos_are_compared_by_name(void)
{
	CU_ASSERT_STRING_EQUAL(run("0 read(9, ..., 1) = 0\n", "exact").text, "read: expected 0, got -1 EBADF");
	CU_ASSERT_STRING_EQUAL(run("0 read(9, ..., 1) = -1 EPIPE (x)\n", "exact").text,
			       "read: expected -1 EPIPE, got -1 EBADF");
	CU_ASSERT_EQUAL(run("0 read(9, ..., 1) = -1 EBADF (x)\n", "exact").verdict, SCRIPT_PASS);
}

static void what_is_not_known_is_said_by_name_and_never_passes(void)
{
	static const struct {
		const char *text, *says;
		enum script_verdict verdict;
	} row[] = {
		{"0 `sysctl -q net.ipv4.tcp_magic=1`\n", "sysctl tcp_magic is unknown", SCRIPT_FAIL},
		{"0 `rm -rf /`\n", "command 'rm' is unknown", SCRIPT_FAIL},
		{"0 splice(3) = 0\n", "call splice is not known here", SCRIPT_SKIP},
		{"--udp_encapsulation=tcp\n0 close(3) = 0\n", "--udp_encapsulation: this stack does not have it",
		 SCRIPT_SKIP},
		{"--colour=red\n0 close(3) = 0\n", "option --colour=red is not known", SCRIPT_FAIL},
		{"--mtu=red\n0 close(3) = 0\n", "option --mtu=red, expected a number from 68 to 65535", SCRIPT_FAIL},
		{"--mtu=67\n0 close(3) = 0\n", "option --mtu=67, expected a number from 68 to 65535", SCRIPT_FAIL},
		{"--bind_port=65536\n0 close(3) = 0\n", "option --bind_port=65536, expected a number from 0 to 65535", SCRIPT_FAIL},
		{"0 %{ assert tcpi_magic == 1 }%\n", "code: unknown name tcpi_magic at '== 1 '", SCRIPT_FAIL},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct script_result r = run(row[i].text, "exact");

		CU_ASSERT_EQUAL(r.verdict, row[i].verdict);
		CU_ASSERT_STRING_EQUAL(r.text, row[i].says);
		if (strcmp(r.text, row[i].says) != 0)
			printf("%s\n%s\n", row[i].says, r.text);
	}
}

static void segments_are_glued_unless_told_not_to(void)
{
	const char *text = OPEN "+0 > S. 0:0(0) ack 1 <mss 1460>\n+.1 < . 1:1(0) ack 1 win 9000\n"
				"+0 accept(3, ..., ...) = 4\n+0 write(4, ..., 3000) = 3000\n"
				"+0 > P. 1:3001(3000) ack 1\n";

	CU_ASSERT_EQUAL(run(text, "exact").verdict, SCRIPT_PASS);
	CU_ASSERT_EQUAL(run(text, "exact,strict").verdict, SCRIPT_FAIL);
}

static const struct test_case cases[] = {
	TEST(a_difference_shows_both_segments_one_under_the_other),
	TEST(a_time_is_exact_unless_a_range_or_a_tolerance_says_otherwise),
	TEST(ticks_let_a_retransmission_be_early_and_nothing_else),
	TEST(a_former_connections_segments_are_passed_over_and_counted),
	TEST(what_was_never_mentioned_fails_unless_the_profile_is_packetdrills),
	TEST(nothing_comes_and_nothing_hangs),
	TEST(a_blocking_call_must_end_at_its_time),
	TEST(results_and_errnos_are_compared_by_name),
	TEST(what_is_not_known_is_said_by_name_and_never_passes),
	TEST(segments_are_glued_unless_told_not_to),
};
TEST_SUITE(script_run, cases);
