/* Profiles, and the commands in backticks: they never run; what they would change of a kernel is
 * changed in struct script_env, what does not matter here is in a list with its reason, and the rest
 * is refused by name. */
#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- profiles ---- */

/* Linux as its self-tests assume it: buffers of 540,000 B growing to 15 MB, SYN-ACK first, quick
 * ACKs at the start, 64 kB send units with PSH at the end of each. */
static void profile_linux(struct script_profile *p)
{
	p->linux_stack = true;
	p->rules.exact = false;
	p->tcp.layout = LAYOUT_LINUX;
	p->tcp.quickack = true;
	p->tcp.tso = true;
	p->tso_max = 65535;
	p->tcp.rcvbuf = 540000;
	p->tcp.rcvbuf_max = 15 * 1024 * 1024;
	p->tcp.sndbuf = 4194304;
	p->tcp.ts_tolerant = p->tcp.bare_probes = p->tcp.sndbuf_units = p->tcp.rtt_alike = true;
	p->tcp.hystart_classic = true;
	p->define[0] = "STANDARD";
}

/* FreeBSD: 65,536 B to receive, shift 6 of a largest buffer of 2 MB, no quick ACKs. */
static void profile_bsd(struct script_profile *p)
{
	p->bsd_stack = true;
	p->rules.exact = false;
	p->tcp.layout = LAYOUT_BSD;
	p->tcp.quickack = false;
	p->tcp.tso = false;
	p->tcp.rcvbuf = 65536;
	p->tcp.rcvbuf_max = 2097152;
	p->tcp.sndbuf = 32768;
	p->tcp.whole_segs = p->tcp.fin_again = true;
	p->tcp.synfin = SYNFIN_IS_SYN;
	p->tcp.ts_tolerant = p->tcp.syn_unanswered = p->tcp.old_acks = p->tcp.eager_updates = true;
	p->tcp.icmp_hard = ICMP_HARD_TTL;
	p->tcp.ecn_tries = 2;
	p->tcp.syn_retries = 12;
	p->tcp.keep_init = 75 * SEC;
	p->tcp.max_rto = 64 * SEC;
	p->define[0] = "FreeBSD";
}

static void profile_exact(struct script_profile *p)
{
	p->rules.exact = true;
}

static void profile_strict(struct script_profile *p)
{
	p->rules.exact = false;
	p->rules.strict = true;
}

static void profile_no_tso(struct script_profile *p)
{
	p->rules.free_push = true;
	p->tcp.tso = false;
	p->tso_max = 0;
}

static void profile_syn_any(struct script_profile *p)
{
	p->rules.syn_any = true;
}

static void profile_win_any(struct script_profile *p)
{
	p->rules.win_any = true;
}

static void profile_buf_any(struct script_profile *p)
{
	p->rules.buf_any = true;
}

static void profile_no_quickack(struct script_profile *p)
{
	p->tcp.quickack = false;
}

static const struct {
	const char *name;
	void (*apply)(struct script_profile *);
} profiles[] = {
	{"exact", profile_exact},   {"linux", profile_linux},     {"bsd", profile_bsd},
	{"strict", profile_strict}, {"no-tso", profile_no_tso},   {"syn-any", profile_syn_any},
	{"win-any", profile_win_any}, {"buf-any", profile_buf_any}, {"no-quickack", profile_no_quickack},
};

const char *script_profile_list(void)
{
	return "exact linux bsd strict no-tso syn-any win-any buf-any no-quickack";
}

static bool apply_profile(const char *name, size_t len, struct script_profile *p)
{
	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++)
		if (strlen(profiles[i].name) == len && memcmp(profiles[i].name, name, len) == 0) {
			profiles[i].apply(p);
			return true;
		}
	return false;
}

bool script_profile_of(const char *names, struct script_profile *p, char *err, size_t cap)
{
	*p = (struct script_profile){.rules.exact = true, .define = {"STANDARD", NULL}};
	tcp_config_default(&p->tcp);
	snprintf(p->name, sizeof(p->name), "%s", names);
	for (const char *s = names;; s++) {
		size_t n = strcspn(s, ",");

		if (!apply_profile(s, n, p)) {
			snprintf(err, cap, "unknown profile '%.*s', expected names of: %s", (int)n, s,
				 script_profile_list());
			return false;
		}
		s += n;
		if (!*s)
			return true;
	}
}

/* ---- sysctls ---- */

struct knob {
	const char *name;
	bool (*set)(struct script_env *, const int64_t *v, int n); /* false: this value is refused */
};

#define SETTER(fn, expr)                                                                           \
	static bool fn(struct script_env *e, const int64_t *v, int n)                              \
	{                                                                                          \
		(void)n;                                                                           \
		expr;                                                                              \
		return true;                                                                       \
	}

SETTER(set_timestamps, e->tcp.timestamps = v[0] != 0)
SETTER(set_sack, e->tcp.sack = v[0] != 0)
SETTER(set_dsack, e->tcp.dsack = v[0] != 0)
SETTER(set_wscale, e->tcp.wscale = v[0] != 0)
SETTER(set_rfc1323, e->tcp.wscale = e->tcp.timestamps = v[0] != 0)
SETTER(set_syn_retries, e->tcp.syn_retries = (uint8_t)v[0])
SETTER(set_synack_retries, e->tcp.synack_retries = (uint8_t)v[0])
SETTER(set_retries2, e->tcp.data_retries = (uint8_t)v[0])
SETTER(set_frto, e->tcp.frto = v[0] != 0)
SETTER(set_reordering, e->tcp.dupthresh = (uint8_t)v[0])
SETTER(set_idle, e->tcp.idle_restart = v[0] != 0)
SETTER(set_tlp, e->tcp.tlp = v[0] >= 3)
SETTER(set_cookies, e->tcp.syn_cookies = v[0] != 0)
SETTER(set_fastopen, e->tcp.fastopen = v[0] != 0)
SETTER(set_linux_fastopen, e->tcp.fastopen = (v[0] & 0x402) == 0x402) /* every listener, unasked */
SETTER(set_rfc1337, e->tcp.rfc1337 = v[0] != 0)
SETTER(set_pmtud, e->tcp.pmtud = v[0] != 0)
SETTER(set_plpmtud, e->tcp.plpmtud = v[0] != 0)
SETTER(set_recvspace, e->tcp.rcvbuf = (uint32_t)v[0])
SETTER(set_sendspace, e->tcp.sndbuf = (uint32_t)v[0])
SETTER(set_delack_ms, e->tcp.delack = v[0] * MS)
SETTER(set_init_rto_ms, e->tcp.init_rto = v[0] * MS)
SETTER(set_keepidle_ms, e->tcp.keep_idle = v[0] * MS)
SETTER(set_keepintvl_ms, e->tcp.keep_intvl = v[0] * MS)
SETTER(set_keepcnt, e->tcp.keep_cnt = (uint8_t)v[0])
SETTER(set_keep_time, e->tcp.keep_idle = v[0] * SEC)
SETTER(set_keep_intvl, e->tcp.keep_intvl = v[0] * SEC)
SETTER(set_lowat, e->notsent_lowat = v[0] >= UINT32_MAX ? 0 : v[0])
SETTER(set_hystart, e->tcp.hystart = v[0] != 0)
SETTER(set_keepinit, e->tcp.keep_init = v[0] * MS)
SETTER(set_icmp_may_rst, e->tcp.icmp_hard = v[0] ? ICMP_HARD_TTL : ICMP_HARD_NONE)
SETTER(set_drop_options, e->tcp.syn_options = v[0] ? 3 : 0)
SETTER(set_ecn_retries, e->tcp.ecn_tries = (uint8_t)(v[0] + 1))
SETTER(set_insecure_rst, e->insecure_rst = v[0] != 0; e->tcp.rfc5961 = !e->insecure_rst && !e->insecure_syn)
SETTER(set_insecure_syn, e->insecure_syn = v[0] != 0; e->tcp.rfc5961 = !e->insecure_rst && !e->insecure_syn)
SETTER(set_unit, e->tcp.unit_segs = (uint16_t)v[0])
SETTER(set_ts_tolerant, e->tcp.ts_tolerant = v[0] != 0)
SETTER(set_synfin, e->tcp.synfin = v[0] ? SYNFIN_DROP : SYNFIN_IS_SYN)
SETTER(set_nothing, (void)e; (void)v)

static bool set_rmem(struct script_env *e, const int64_t *v, int n)
{
	if (n != 3)
		return false;
	e->tcp.rcvbuf = (uint32_t)v[1];
	e->tcp.rcvbuf_max = (uint32_t)v[2];
	return true;
}

static bool set_wmem(struct script_env *e, const int64_t *v, int n)
{
	if (n != 3)
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
	static const enum tcp_ecn mode[] = {ECN_OFF, ECN_CLASSIC, ECN_PASSIVE, ECN_ACC};

	(void)n;
	if (v[0] < 0 || v[0] > 3)
		return false;
	e->tcp.ecn = mode[v[0]];
	return true;
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

static const struct knob knobs[] = {
	/* Linux, below net.ipv4. */
	{"tcp_timestamps", set_timestamps}, {"tcp_sack", set_sack}, {"tcp_dsack", set_dsack},
	{"tcp_window_scaling", set_wscale}, {"tcp_syn_retries", set_syn_retries},
	{"tcp_synack_retries", set_synack_retries}, {"tcp_retries2", set_retries2},
	{"tcp_frto", set_frto}, {"tcp_reordering", set_reordering},
	{"tcp_slow_start_after_idle", set_idle}, {"tcp_early_retrans", set_tlp},
	{"tcp_recovery", set_recovery}, {"tcp_ecn", set_ecn}, {"tcp_syncookies", set_cookies},
	{"tcp_fastopen", set_linux_fastopen}, {"tcp_rfc1337", set_rfc1337}, {"tcp_rmem", set_rmem},
	{"tcp_wmem", set_wmem}, {"tcp_keepalive_time", set_keep_time},
	{"tcp_keepalive_intvl", set_keep_intvl}, {"tcp_keepalive_probes", set_keepcnt},
	{"tcp_notsent_lowat", set_lowat}, {"tcp_cubic.hystart_detect", set_hystart},
	/* Of no consequence here: names that only choose how Linux batches, paces or caches. */
	{"tcp_fack", set_nothing}, {"tcp_tso_win_divisor", set_nothing}, {"tcp_min_tso_segs", set_unit},
	{"tcp_ecn_option", set_nothing}, {"tcp_pacing_ss_ratio", set_nothing},
	{"tcp_pacing_ca_ratio", set_nothing},
	{"tcp_no_metrics_save", set_nothing}, {"tcp_autocorking", set_nothing},
	{"tcp_limit_output_bytes", set_nothing}, {"tcp_moderate_rcvbuf", set_nothing},
	{"tcp_fastopen_blackhole_timeout_sec", set_nothing}, {"tcp_invalid_ratelimit", set_nothing},
	/* FreeBSD, below net.inet.tcp. */
	{"rfc1323", set_rfc1323}, {"sack.enable", set_sack}, {"ecn.enable", set_ecn},
	{"recvspace", set_recvspace}, {"sendspace", set_sendspace}, {"insecure_rst", set_insecure_rst},
	{"insecure_syn", set_insecure_syn}, {"rexmit_initial", set_init_rto_ms},
	{"delacktime", set_delack_ms}, {"keepidle", set_keepidle_ms}, {"keepintvl", set_keepintvl_ms},
	{"keepcnt", set_keepcnt}, {"keepinit", set_keepinit}, {"syncookies", set_cookies},
	{"fastopen.client_enable", set_fastopen}, {"icmp_may_rst", set_icmp_may_rst},
	{"path_mtu_discovery", set_pmtud}, {"pmtud_blackhole_detection", set_plpmtud},
	{"kern.ipc.maxsockbuf", set_maxsockbuf},
	/* Only their default is what this stack does. */
	{"blackhole", only_zero}, {"drop_synfin", set_synfin}, {"rexmit_drop_options", set_drop_options},
	{"syncookies_only", only_zero}, {"ecn.maxretries", set_ecn_retries}, {"tolerate_missing_ts", set_ts_tolerant},
	/* Of no consequence: a cache that does not exist; FreeBSD's slack of its clock; sizes that RFC
	 * 9293 fixes (536, 1220) or that our search (RFC 4821) chooses itself. */
	{"hostcache.purgenow", set_nothing}, {"rexmit_slop", set_nothing}, {"mssdflt", set_nothing},
	{"v6mssdflt", set_nothing}, {"pmtud_blackhole_mss", set_nothing},
	{"v6pmtud_blackhole_mss", set_nothing}, 
};

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

static enum script_cmd set_sysctl(struct script_env *e, char *pair, char *why, size_t cap)
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
			if (n && knobs[i].set(e, v, n))
				return CMD_OK;
			snprintf(why, cap, "sysctl %s=%s: this stack has no such setting", name, value);
			return CMD_REFUSED;
		}
	snprintf(why, cap, "sysctl %s is unknown", name);
	return CMD_REFUSED;
}

/* What the common defaults.sh of google's scripts sets. */
static enum script_cmd google_defaults(struct script_env *e, char *why, size_t cap)
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
		if (set_sysctl(e, pair, why, cap) != CMD_OK)
			return CMD_REFUSED;
	}
	return CMD_OK;
}

/* ---- commands ---- */

#define WORDS_MAX 64

struct words {
	char *w[WORDS_MAX];
	int n;
};

/* One word at *s into *to, quotes taken off; both move on. */
static void take_word(const char **s, char **to)
{
	char quote = '\0';

	for (; **s; (*s)++) {
		if (quote ? **s == quote : **s == '"' || **s == '\'')
			quote = quote ? '\0' : **s;
		else if (!quote && (strchr(" \t\n;", **s) || strncmp(*s, "&&", 2) == 0 ||
				    strncmp(*s, "\\\n", 2) == 0))
			break;
		else
			*(*to)++ = **s;
	}
	*(*to)++ = '\0';
}

/* The next command of a small shell's language: words up to a newline, ';' or '&&'; a backslash
 * joins lines, '#' begins a comment. The words are written to *to. False at the end. */
static bool next_command(const char **s, char **to, struct words *c)
{
	c->n = 0;
	for (;;) {
		if (strncmp(*s, "\\\n", 2) == 0) {
			*s += 2;
		} else if (**s == ' ' || **s == '\t') {
			(*s)++;
		} else if (**s == '#') {
			*s += strcspn(*s, "\n");
		} else if (**s == '\0' || **s == '\n' || **s == ';' || strncmp(*s, "&&", 2) == 0) {
			if (c->n)
				return true;
			if (!**s)
				return false;
			*s += **s == '&' ? 2 : 1;
		} else {
			char *word = *to;

			take_word(s, to);
			if (c->n < WORDS_MAX)
				c->w[c->n++] = word;
		}
	}
}

static void drop_redirections(struct words *c)
{
	int n = 0;

	for (int i = 0; i < c->n; i++) {
		const char *w = c->w[i];

		if (strcmp(w, ">") == 0 || strcmp(w, "2>") == 0 || strcmp(w, "&>") == 0)
			i++;
		else if (strncmp(w, "2>", 2) != 0 && strncmp(w, ">/dev", 5) != 0)
			c->w[n++] = c->w[i];
	}
	c->n = n;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int word_at(const struct words *c, const char *word)
{
	for (int i = 0; i < c->n; i++)
		if (strcmp(c->w[i], word) == 0)
			return i;
	return -1;
}

/* "... | grep -c TIME_WAIT | grep 1": the number of connections in a state. */
static enum script_cmd answer_sockstat(const struct words *c, script_count_fn *count, void *arg,
				       char *why, size_t cap)
{
	static const struct {
		const char *word;
		enum tcp_state state;
	} states[] = {{"CLOSED", TCP_CLOSED}, {"LISTEN", TCP_LISTEN}, {"SYN_SENT", TCP_SYN_SENT},
		      {"SYN_RCVD", TCP_SYN_RECEIVED}, {"ESTABLISHED", TCP_ESTABLISHED},
		      {"FIN_WAIT_1", TCP_FIN_WAIT_1}, {"FIN_WAIT_2", TCP_FIN_WAIT_2},
		      {"CLOSE_WAIT", TCP_CLOSE_WAIT}, {"CLOSING", TCP_CLOSING}, {"LAST_ACK", TCP_LAST_ACK},
		      {"TIME_WAIT", TCP_TIME_WAIT}};
	int at = word_at(c, "-c");

	for (size_t i = 0; at >= 0 && at + 1 < c->n && i < sizeof(states) / sizeof(states[0]); i++) {
		if (strcmp(c->w[at + 1], states[i].word) != 0)
			continue;
		int want = atoi(c->w[c->n - 1]), have = count(arg, states[i].state);

		if (want == have)
			return CMD_OK;
		snprintf(why, cap, "expected %d connections in %s, found %d", want, states[i].word, have);
		return CMD_FAILED;
	}
	snprintf(why, cap, "this use of sockstat is not understood");
	return CMD_REFUSED;
}

static enum script_cmd run_tc(const struct words *c, struct script_env *e)
{
	int at = word_at(c, "limit");

	e->link_down = at >= 0 && at + 1 < c->n && strcmp(c->w[at + 1], "0") == 0;
	return CMD_OK;
}

static enum script_cmd run_ethtool(const struct words *c, struct script_env *e)
{
	int at = word_at(c, "tso");

	if (at >= 0 && at + 1 < c->n && strcmp(c->w[at + 1], "off") == 0)
		e->cut = true;
	return CMD_OK;
}

static enum script_cmd run_sysctls(struct words *c, struct script_env *e, char *why, size_t cap)
{
	for (int i = 1; i < c->n; i++)
		if (c->w[i][0] != '-' && set_sysctl(e, c->w[i], why, cap) != CMD_OK)
			return CMD_REFUSED;
	return CMD_OK;
}

/* "echo N > /sys/module/tcp_cubic/parameters/hystart_detect" and the same below /proc/sys. */
static enum script_cmd run_echo(const struct words *c, struct script_env *e, char *why, size_t cap)
{
	static const char cubic[] = "/sys/module/tcp_cubic/parameters/";
	char pair[200];

	if (c->n != 4 || strcmp(c->w[2], ">") != 0) {
		snprintf(why, cap, "this use of echo is not understood");
		return CMD_REFUSED;
	}
	if (strncmp(c->w[3], cubic, sizeof(cubic) - 1) == 0)
		snprintf(pair, sizeof(pair), "tcp_cubic.%s=%s", c->w[3] + sizeof(cubic) - 1, c->w[1]);
	else
		snprintf(pair, sizeof(pair), "%s=%s", c->w[3], c->w[1]);
	return set_sysctl(e, pair, why, cap);
}

static enum script_cmd run_one(struct words *c, struct script_env *e, script_count_fn *count, void *arg,
			       char *why, size_t cap)
{
	const char *name = base_name(c->w[0]);

	if (strcmp(name, "echo") == 0)
		return run_echo(c, e, why, cap);
	drop_redirections(c);
	if (strcmp(name, "defaults.sh") == 0)
		return google_defaults(e, why, cap);
	if (strcmp(name, "set_sysctls.py") == 0 || strcmp(name, "sysctl") == 0)
		return run_sysctls(c, e, why, cap);
	if (strncmp(name, "sysctl_restore_", 15) == 0 || strcmp(name, "tcpdrop") == 0)
		return CMD_OK; /* tidying up for the next script: each has a stack of its own */
	if (strcmp(name, "sockstat") == 0)
		return answer_sockstat(c, count, arg, why, cap);
	if (strcmp(name, "tc") == 0)
		return run_tc(c, e);
	if (strcmp(name, "ethtool") == 0)
		return run_ethtool(c, e);
	if (strcmp(name, "ip") == 0 && word_at(c, "tcp_metrics") > 0)
		return CMD_OK; /* no cache of metrics */
	if (strcmp(name, "nstat") == 0 && c->n == 1)
		return CMD_OK;
	if (strcmp(name, "grep") == 0 && c->n > 2 && strcmp(c->w[1], " 0A ") == 0) {
		if (count(arg, TCP_LISTEN) > 0)
			return CMD_OK;
		snprintf(why, cap, "expected a listener, found none");
		return CMD_FAILED;
	}
	snprintf(why, cap, "command '%s' is unknown", name);
	return CMD_REFUSED;
}

enum script_cmd script_command(const char *text, struct script_env *e, script_count_fn *count, void *arg,
			       char *why, size_t cap)
{
	char *words = malloc(2 * strlen(text) + 2), *to = words; /* a NUL behind each word */
	enum script_cmd r = CMD_OK;
	struct words c;

	if (!words)
		return CMD_REFUSED;
	while (r == CMD_OK && next_command(&text, &to, &c))
		r = run_one(&c, e, count, arg, why, cap);
	free(words);
	return r;
}
