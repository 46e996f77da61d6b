/* Sysctls of scripts: Linux's below net.ipv4, FreeBSD's below net.inet.tcp, and our own below net.tapir, each
 * of which is a key below `tcp:` of scenarios. What does not matter here is in the table with its reason;
 * the rest is refused by name. */
#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../stack/config.h"
#include "tcp_fields.h"

struct knob {
	const char *name;
	const char *setting; /* that it sets, or NULL */
	int64_t scale;       /* of a time: ns in one of the knob's; 0: one */
	bool (*set)(struct script_env *, const int64_t *v, int n); /* otherwise; false: this value is refused */
};

/* ---- knobs that are not simply a setting ---- */

static bool set_rfc1323(struct script_env *e, const int64_t *v, int n)
{
	(void)n;
	e->tcp.wscale = e->tcp.timestamps = v[0] != 0;
	return true;
}

static bool set_tlp(struct script_env *e, const int64_t *v, int n)
{
	(void)n;
	e->tcp.tlp = v[0] >= 3;
	return true;
}

/* Every listener, unasked. */
static bool set_linux_fastopen(struct script_env *e, const int64_t *v, int n)
{
	(void)n;
	e->tcp.fastopen = (v[0] & 0x402) == 0x402;
	return true;
}

static bool set_lowat(struct script_env *e, const int64_t *v, int n)
{
	(void)n;
	e->notsent_lowat = v[0] >= UINT32_MAX ? 0 : v[0];
	return v[0] >= 0;
}

static bool set_icmp_may_rst(struct script_env *e, const int64_t *v, int n)
{
	(void)n;
	e->tcp.icmp_hard = v[0] ? ICMP_HARD_TTL : ICMP_HARD_NONE;
	return true;
}

static bool set_drop_options(struct script_env *e, const int64_t *v, int n)
{
	(void)n;
	e->tcp.syn_options = v[0] ? 3 : 0;
	return true;
}

static bool set_ecn_retries(struct script_env *e, const int64_t *v, int n)
{
	(void)n;
	e->tcp.ecn_tries = (uint8_t)(v[0] + 1);
	return v[0] >= 0 && v[0] < UINT8_MAX;
}

static bool set_insecure_rst(struct script_env *e, const int64_t *v, int n)
{
	(void)n;
	e->insecure_rst = v[0] != 0;
	e->tcp.rfc5961 = !e->insecure_rst && !e->insecure_syn;
	return true;
}

static bool set_insecure_syn(struct script_env *e, const int64_t *v, int n)
{
	(void)n;
	e->insecure_syn = v[0] != 0;
	e->tcp.rfc5961 = !e->insecure_rst && !e->insecure_syn;
	return true;
}

static bool set_synfin(struct script_env *e, const int64_t *v, int n)
{
	(void)n;
	e->tcp.synfin = v[0] ? SYNFIN_DROP : SYNFIN_IS_SYN;
	return true;
}

static bool set_nothing(struct script_env *e, const int64_t *v, int n)
{
	(void)e;
	(void)v;
	(void)n;
	return true;
}

static bool is_size(int64_t v)
{
	return v > 0 && v <= INT32_MAX;
}

static bool set_rmem(struct script_env *e, const int64_t *v, int n)
{
	if (n != 3 || !is_size(v[1]) || !is_size(v[2]))
		return false;
	e->tcp.rcvbuf = (uint32_t)v[1];
	e->tcp.rcvbuf_max = (uint32_t)v[2];
	return true;
}

static bool set_wmem(struct script_env *e, const int64_t *v, int n)
{
	if (n != 3 || !is_size(v[1]))
		return false;
	e->tcp.sndbuf = (uint32_t)v[1];
	return true;
}

static bool set_recovery(struct script_env *e, const int64_t *v, int n)
{
	(void)n;
	e->tcp.recovery = v[0] & 1 ? RECOVERY_RACK : RECOVERY_SACK;
	return true;
}

static bool set_ecn(struct script_env *e, const int64_t *v, int n)
{
	static const enum tcp_ecn mode[] = {ECN_OFF, ECN_CLASSIC, ECN_PASSIVE, ECN_ACC, ECN_ACC_CLASSIC, ECN_ACC_PASSIVE};

	(void)n;
	if (v[0] < 0 || v[0] > 5)
		return false;
	e->tcp.ecn = mode[v[0]];
	return true;
}

/* Linux's 3 is 2 without its fallbacks, which scripts do not look at. */
static bool set_accecn_option(struct script_env *e, const int64_t *v, int n)
{
	(void)n;
	e->tcp.accecn_option = (uint8_t)(v[0] < ACC_OPT_ALWAYS ? v[0] : ACC_OPT_ALWAYS);
	return v[0] >= 0 && v[0] <= 3;
}

/* FreeBSD clamps the shift so that 65535 << shift covers the largest buffer. */
static bool set_maxsockbuf(struct script_env *e, const int64_t *v, int n)
{
	(void)n;
	e->tcp.rcvbuf_max = v[0] > INT32_MAX ? INT32_MAX : (uint32_t)v[0];
	return true;
}

static bool only_zero(struct script_env *e, const int64_t *v, int n)
{
	(void)e;
	(void)n;
	return v[0] == 0;
}

#define SETS(knob, key) {.name = knob, .setting = key}
#define TIME(knob, key, unit) {.name = knob, .setting = key, .scale = unit}
#define OWN(knob, function) {.name = knob, .set = function}

static const struct knob knobs[] = {
	/* Linux, below net.ipv4. */
	SETS("tcp_timestamps", "timestamps"), SETS("tcp_sack", "sack"), SETS("tcp_dsack", "dsack"), SETS("tcp_window_scaling", "wscale"),
	SETS("tcp_syn_retries", "syn_retries"), SETS("tcp_synack_retries", "synack_retries"), SETS("tcp_retries2", "data_retries"),
	SETS("tcp_frto", "frto"), SETS("tcp_reordering", "dupthresh"), SETS("tcp_slow_start_after_idle", "idle_restart"),
	OWN("tcp_early_retrans", set_tlp), OWN("tcp_recovery", set_recovery), OWN("tcp_ecn", set_ecn),
	SETS("tcp_syncookies", "syn_cookies"), OWN("tcp_fastopen", set_linux_fastopen), SETS("tcp_rfc1337", "rfc1337"),
	TIME("tcp_rto_max_ms", "max_rto", MS), OWN("tcp_rmem", set_rmem), OWN("tcp_wmem", set_wmem), TIME("tcp_keepalive_time", "keep_idle", SEC),
	TIME("tcp_keepalive_intvl", "keep_intvl", SEC), SETS("tcp_keepalive_probes", "keep_cnt"),
	OWN("tcp_ecn_option", set_accecn_option), SETS("tcp_ecn_fallback", "ecn_fallback"),
	SETS("tcp_syn_linear_timeouts", "syn_linear"),
	OWN("tcp_notsent_lowat", set_lowat), SETS("tcp_cubic.hystart_detect", "hystart"), SETS("tcp_min_tso_segs", "unit_segs"),
	/* Of no consequence here: names that only choose how Linux batches, paces or caches. */
	OWN("tcp_fack", set_nothing), OWN("tcp_tso_win_divisor", set_nothing),
	OWN("tcp_ecn_option_beacon", set_nothing), OWN("tcp_pacing_ss_ratio", set_nothing),
	OWN("tcp_pacing_ca_ratio", set_nothing), OWN("tcp_no_metrics_save", set_nothing),
	OWN("tcp_autocorking", set_nothing), OWN("tcp_limit_output_bytes", set_nothing),
	OWN("tcp_moderate_rcvbuf", set_nothing), OWN("tcp_fastopen_blackhole_timeout_sec", set_nothing),
	OWN("tcp_invalid_ratelimit", set_nothing),
	/* FreeBSD, below net.inet.tcp. */
	OWN("rfc1323", set_rfc1323), SETS("sack.enable", "sack"), OWN("ecn.enable", set_ecn), SETS("recvspace", "rcvbuf"),
	SETS("sendspace", "sndbuf"), OWN("insecure_rst", set_insecure_rst), OWN("insecure_syn", set_insecure_syn),
	TIME("rexmit_initial", "init_rto", MS), TIME("delacktime", "delack", MS), TIME("keepidle", "keep_idle", MS),
	TIME("keepintvl", "keep_intvl", MS), SETS("keepcnt", "keep_cnt"), TIME("keepinit", "keep_init", MS),
	SETS("syncookies", "syn_cookies"), SETS("fastopen.client_enable", "fastopen"), OWN("icmp_may_rst", set_icmp_may_rst),
	SETS("path_mtu_discovery", "pmtud"), SETS("pmtud_blackhole_detection", "plpmtud"),
	OWN("kern.ipc.maxsockbuf", set_maxsockbuf), OWN("drop_synfin", set_synfin),
	OWN("rexmit_drop_options", set_drop_options), OWN("ecn.maxretries", set_ecn_retries),
	SETS("tolerate_missing_ts", "ts_tolerant"),
	/* Only their default is what this stack does. */
	OWN("blackhole", only_zero), OWN("syncookies_only", only_zero),
	/* Of no consequence: a cache that does not exist; FreeBSD's slack of its clock; sizes that RFC
	 * 9293 fixes (536, 1220) or that our search (RFC 4821) chooses itself. */
	OWN("hostcache.purgenow", set_nothing), OWN("rexmit_slop", set_nothing), OWN("mssdflt", set_nothing),
	OWN("v6mssdflt", set_nothing), OWN("pmtud_blackhole_mss", set_nothing),
	OWN("v6pmtud_blackhole_mss", set_nothing),
};

static bool turn(const struct knob *k, struct script_env *e, const int64_t *v, int n)
{
	const struct tcp_setting *t;
	int64_t value = v[0];

	if (!k->setting)
		return k->set(e, v, n);
	t = tcp_setting_named(k->setting, strlen(k->setting));
	if (k->scale && (value < 0 || value > t->hi / k->scale))
		return false;
	if (k->scale)
		value *= k->scale;
	if (t->kind == SETTING_BOOL)
		value = value != 0;
	if ((value < t->lo || value > t->hi) && !(t->none && value == t->none_value))
		return false;
	tcp_setting_put(t, &e->tcp, value);
	return true;
}

static bool set_congestion_control(struct script_env *e, const char *value)
{
	static const struct {
		const char *name;
		enum tcp_cc_kind cc;
	} kinds[] = {{"reno", CC_RENO}, {"newreno", CC_RENO}, {"cubic", CC_CUBIC}, {"bbr", CC_BBR},
		     {"dctcp", CC_DCTCP}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, value) == 0) {
			e->tcp.cc = kinds[i].cc;
			return true;
		}
	return false;
}

/* Four words in hexadecimal, "a1a1a1a1-b2b2b2b2-...", each with its lowest byte first. */
static bool set_fastopen_key(struct script_env *e, const char *value)
{
	unsigned w[4];

	if (sscanf(value, "%8x-%8x-%8x-%8x", &w[0], &w[1], &w[2], &w[3]) != 4)
		return false;
	for (int i = 0; i < 16; i++)
		e->tcp.fastopen_key[i] = (uint8_t)(w[i / 4] >> 8 * (i % 4));
	return true;
}

/* "net.ipv4.x", "/proc/sys/net/ipv4/x", "net.inet.tcp.x" -> "x". */
static const char *knob_name(char *path)
{
	static const char *const prefix[] = {".proc.sys.", "net.ipv4.", "net.inet.tcp."};

	for (char *p = path; *p; p++)
		if (*p == '/')
			*p = '.';
	for (size_t i = 0; i < sizeof(prefix) / sizeof(prefix[0]); i++)
		if (strncmp(path, prefix[i], strlen(prefix[i])) == 0)
			path += strlen(prefix[i]);
	return path;
}

enum script_cmd script_sysctl(struct script_env *e, char *pair, char *why, size_t cap)
{
	char *eq = strchr(pair, '=');
	int64_t v[3] = {0};
	int n = 0;

	if (!eq) {
		snprintf(why, cap, "sysctl '%s', expected name=value", pair);
		return CMD_REFUSED;
	}
	*eq = '\0';
	const char *name = knob_name(pair), *value = eq + 1;

	if (strncmp(name, "net.tapir.", 10) == 0)
		return tcp_field_set(&e->tcp, name + 10, value, why, cap) ? CMD_OK : CMD_REFUSED;

	if (strcmp(name, "tcp_congestion_control") == 0) {
		if (set_congestion_control(e, value))
			return CMD_OK;
		snprintf(why, cap, "sysctl %s=%s: no such algorithm here", name, value);
		return CMD_REFUSED;
	}
	if (strcmp(name, "tcp_fastopen_key") == 0 && set_fastopen_key(e, value))
		return CMD_OK;
	for (const char *s = value; n < 3 && *s; n++) {
		char *end;

		v[n] = strtoll(s, &end, 0);
		s = end + strspn(end, " \t");
		if (end == s && *s)
			break;
	}
	for (size_t i = 0; i < sizeof(knobs) / sizeof(knobs[0]); i++)
		if (strcmp(knobs[i].name, name) == 0) {
			if (n && turn(&knobs[i], e, v, n))
				return CMD_OK;
			snprintf(why, cap, "sysctl %s=%s: this stack has no such setting", name, value);
			return CMD_REFUSED;
		}
	snprintf(why, cap, "sysctl %s is unknown", name);
	return CMD_REFUSED;
}

enum script_cmd script_linux_defaults(struct script_env *e, bool kernels, char *why, size_t cap)
{
	static const char *const pairs[] = {
		"tcp_rmem=4096 540000 15728640", "tcp_wmem=4096 262144 4194304", "tcp_timestamps=1",
		"tcp_syn_retries=5", "tcp_synack_retries=5", "tcp_frto=2", "tcp_sack=1", "tcp_dsack=1",
		"tcp_reordering=3", "tcp_congestion_control=cubic", "tcp_slow_start_after_idle=0",
		"tcp_early_retrans=4", "tcp_recovery=1", "tcp_ecn=0", "tcp_notsent_lowat=4294967295",
		"tcp_fastopen=0x70403", "tcp_syncookies=1",
		"tcp_fastopen_key=a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4",
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		char pair[64];

		snprintf(pair, sizeof(pair), "%s", pairs[i]);
		if (script_sysctl(e, pair, why, cap) != CMD_OK)
			return CMD_REFUSED;
	}
	e->tcp.syn_linear = kernels ? 4 : 0;
	return CMD_OK;
}
