/* Commands change the configuration that they name, answer from the stack, or are refused. */
#include "../lib/test.h"

#include "../../sim/script.h"

#include <string.h>

static int one_time_wait(void *arg, enum tcp_state s)
{
	(void)arg;
	return s == TCP_TIME_WAIT;
}

static enum script_cmd run(const char *text, struct script_env *e, char why[200])
{
	why[0] = '\0';
	return script_command(text, e, one_time_wait, NULL, why, 200);
}

static struct script_env fresh(void)
{
	struct script_env e = {.tso_max = 65535};

	tcp_config_default(&e.tcp);
	return e;
}

static void googles_dialect_changes_what_it_names(void)
{
	struct script_env e = fresh();
	char why[200];

	CU_ASSERT_EQUAL(run("../common/defaults.sh\n"
			    "sysctl -q net.ipv4.tcp_congestion_control=reno # not cubic\n"
			    "tc qdisc replace dev tun0 root fq\n"
			    "ethtool -K tun0 tso off gso off\n"
			    "../../common/set_sysctls.py /proc/sys/net/ipv4/tcp_timestamps=0 \\\n"
			    "   /proc/sys/net/ipv4/tcp_wmem=\"4096 50000 4194304\"; ip tcp_metrics flush all > "
			    "/dev/null 2>&1",
			    &e, why),
			CMD_OK);
	CU_ASSERT_STRING_EQUAL(why, "");
	CU_ASSERT_FALSE(e.tcp.timestamps);
	CU_ASSERT_EQUAL(e.tcp.sndbuf, 50000);
	CU_ASSERT_EQUAL(e.tcp.rcvbuf, 540000);
	CU_ASSERT_EQUAL(e.tcp.cc, CC_RENO);
	CU_ASSERT(e.cut);
	CU_ASSERT_FALSE(e.link_down);
	CU_ASSERT_EQUAL(run("tc qdisc delete dev tun0 root 2>/dev/null ; tc qdisc add dev tun0 root pfifo "
			    "limit 0",
			    &e, why),
			CMD_OK);
	CU_ASSERT(e.link_down);
	CU_ASSERT_EQUAL(run("echo 0 > /sys/module/tcp_cubic/parameters/hystart_detect", &e, why), CMD_OK);
	CU_ASSERT_FALSE(e.tcp.hystart);
}

static void freebsds_dialect_changes_what_it_names(void)
{
	struct script_env e = fresh();
	char why[200];

	CU_ASSERT_EQUAL(run("sysctl -w net.inet.tcp.rfc1323=0", &e, why), CMD_OK);
	CU_ASSERT_FALSE(e.tcp.timestamps || e.tcp.wscale);
	CU_ASSERT_EQUAL(run("sysctl -w net.inet.tcp.insecure_rst=1", &e, why), CMD_OK);
	CU_ASSERT_FALSE(e.tcp.rfc5961);
	CU_ASSERT_EQUAL(run("sysctl -w net.inet.tcp.insecure_syn=0", &e, why), CMD_OK);
	CU_ASSERT_FALSE(e.tcp.rfc5961);
	CU_ASSERT_EQUAL(run("sysctl -w net.inet.tcp.insecure_rst=0", &e, why), CMD_OK);
	CU_ASSERT(e.tcp.rfc5961);
	CU_ASSERT_EQUAL(run("sysctl -w net.inet.tcp.ecn.enable=2", &e, why), CMD_OK);
	CU_ASSERT_EQUAL(e.tcp.ecn, ECN_PASSIVE);
}

static void our_own_settings_have_their_names(void)
{
	struct script_env e = fresh();
	char why[200];

	CU_ASSERT_EQUAL(run("sysctl -q net.tapir.hystart=false net.tapir.cc=bbr net.tapir.delack=25ms", &e, why), CMD_OK);
	CU_ASSERT_FALSE(e.tcp.hystart);
	CU_ASSERT_EQUAL(e.tcp.cc, CC_BBR);
	CU_ASSERT_EQUAL(e.tcp.delack, 25 * MS);
	CU_ASSERT_EQUAL(run("sysctl -q net.tapir.hystar=0", &e, why), CMD_REFUSED);
	CU_ASSERT_STRING_EQUAL(why, "hystar: no such setting, expected perhaps hystart");
}

static void values_beyond_a_setting_are_refused(void)
{
	static const char *const rows[] = {
		"sysctl net.ipv4.tcp_reordering=0", "sysctl net.ipv4.tcp_syn_retries=256",
		"sysctl net.ipv4.tcp_keepalive_time=99999999999", "sysctl net.inet.tcp.delacktime=-1",
		"sysctl net.inet.tcp.recvspace=0", "sysctl net.ipv4.tcp_rmem=\"4096 0 1\"",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct script_env e = fresh(), was = e;
		char why[200];

		if (run(rows[i], &e, why) != CMD_REFUSED || !strstr(why, "this stack has no such setting"))
			FAIL_ROW(rows[i]);
		CU_ASSERT_EQUAL(e.tcp.dupthresh, was.tcp.dupthresh);
	}
}

static void questions_about_connections_are_answered_from_the_stack(void)
{
	struct script_env e = fresh();
	char why[200];

	CU_ASSERT_EQUAL(run("sockstat -4 -P tcp -s | grep packetdril | grep -c TIME_WAIT | grep 1", &e, why),
			CMD_OK);
	CU_ASSERT_EQUAL(run("sockstat -4 -P tcp -p 8080 -s | grep -c SYN_RCVD | grep 1", &e, why),
			CMD_FAILED);
	CU_ASSERT_STRING_EQUAL(why, "expected 1 connections in SYN_RCVD, found 0");
	CU_ASSERT_EQUAL(run("sockstat -4 -P tcp -p 8080 -s | grep -c SYN_RCVD | grep 0", &e, why), CMD_OK);
	CU_ASSERT_EQUAL(run("grep \" 0A \" /proc/net/tcp /proc/net/tcp6 | grep \":1F90\"", &e, why),
			CMD_FAILED);
}

static void what_is_unknown_is_refused_by_name(void)
{
	static const struct {
		const char *text, *why;
	} row[] = {
		{"sysctl -q net.ipv4.tcp_magic=1", "sysctl tcp_magic is unknown"},
		{"sysctl -w net.inet.tcp.blackhole=1",
		 "sysctl blackhole=1: this stack has no such setting"},
		{"sysctl net.ipv4.tcp_congestion_control=vegas",
		 "sysctl tcp_congestion_control=vegas: no such algorithm here"},
		{"sysctl net.ipv4.tcp_sack", "sysctl 'net.ipv4.tcp_sack', expected name=value"},
		{"ip route change 192.0.2.1 via 192.168.0.2", "command 'ip' is unknown"},
		{"rm -rf /", "command 'rm' is unknown"},
		{"sockstat -x", "this use of sockstat is not understood"},
		{"sysctl -q net.ipv4.tcp_sack=", "sysctl tcp_sack=: this stack has no such setting"},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct script_env e = fresh();
		char why[200];

		CU_ASSERT_EQUAL(run(row[i].text, &e, why), CMD_REFUSED);
		CU_ASSERT_STRING_EQUAL(why, row[i].why);
	}
}

static void profiles_combine_and_unknown_ones_are_refused(void)
{
	struct script_profile p;
	char err[200];

	CU_ASSERT(script_profile_of("linux,no-tso,win-any", &p, err, sizeof(err)));
	CU_ASSERT(p.rules.free_push && p.rules.win_any && !p.rules.syn_any && !p.rules.exact);
	CU_ASSERT_EQUAL(p.tso_max, 0);
	CU_ASSERT(script_profile_of("exact", &p, err, sizeof(err)) && p.rules.exact);
	CU_ASSERT(script_profile_of("linux,min_rto=300ms,frto=false", &p, err, sizeof(err)));
	CU_ASSERT(p.tcp.min_rto == 300 * MS && !p.tcp.frto && p.linux_stack);
	CU_ASSERT_FALSE(script_profile_of("linux,min_rto=300", &p, err, sizeof(err)));
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "min_rto: got `300`, expected a time"));
	CU_ASSERT_FALSE(script_profile_of("linux,best", &p, err, sizeof(err)));
	CU_ASSERT_STRING_EQUAL(err, "unknown profile 'best', expected names of: exact linux bsd strict "
				    "no-tso syn-any win-any buf-any no-quickack, or KEY=VALUE");
}

static const struct test_case cases[] = {
	TEST(googles_dialect_changes_what_it_names),
	TEST(freebsds_dialect_changes_what_it_names),
	TEST(our_own_settings_have_their_names),
	TEST(values_beyond_a_setting_are_refused),
	TEST(questions_about_connections_are_answered_from_the_stack),
	TEST(what_is_unknown_is_refused_by_name),
	TEST(profiles_combine_and_unknown_ones_are_refused),
};
TEST_SUITE(script_sysctl, cases);
