/* What a user may choose: the defaults, and the table of settings (config.h). The bounds are those
 * within which the engine keeps its promises, not those of good taste. */
#include "config.h"

#include <string.h>

#include "base/check.h"
#include "base/member.h"
#include "tcp/tcp_param.h"
#include "wire/tcp.h"

/* ---- defaults ---- */

void tcp_config_default(struct tcp_config *c)
{
	*c = (struct tcp_config){
		.cc = CC_CUBIC,
		.recovery = RECOVERY_RACK,
		.ecn = ECN_PASSIVE,
		.ecn_tries = 1,
		.accecn_option = ACC_OPT_CHANGED,
		.ecn_fallback = true,
		.sack = true,
		.dsack = true,
		.timestamps = true,
		.wscale = true,
		.limited_transmit = true,
		.prr = true,
		.tlp = true,
		.frto = true,
		.eifel = true,
		.hystart = true,
		.idle_restart = true,
		.nagle = true,
		.delayed_ack = true,
		.quickack = true,
		.syn_cookies = true,
		.fastopen_pending = TFO_PENDING,
		.rfc1337 = true,
		.pmtud = true,
		.rfc5961 = true,
		.challenge_acks = CHALLENGE_BURST,
		.challenge_interval = CHALLENGE_INTERVAL,
		.error_reports = true,
		.layout = LAYOUT_LINUX,
		.ack_every = ACK_EVERY,
		.dupthresh = DUPTHRESH,
		.wscale_shift = 0xff,
		.iw_segs = IW_SEGS,
		.unit_segs = UNIT_SEGS,
		.sndbuf = BUF_DEFAULT,
		.rcvbuf = BUF_DEFAULT,
		.min_rto = RTO_MIN,
		.max_rto = RTO_MAX,
		.init_rto = RTO_INIT,
		.delack = DELACK,
		.msl = MSL,
		.syn_retries = SYN_RETRIES,
		.synack_retries = SYNACK_RETRIES,
		.data_retries = DATA_RETRIES,
		.keep_idle = KEEP_IDLE,
		.keep_intvl = KEEP_INTVL,
		.keep_cnt = KEEP_CNT,
		.tso = true,
	};
}

void stack_config_default(struct stack_config *c)
{
	*c = (struct stack_config){
		.max_socks = 65536,
		.max_time_wait = 16384,
		.max_half_open = 4096,
		.max_neigh = 512,
		.max_frag_bytes = 256 * 1024,
	};
	tcp_config_default(&c->tcp);
}

/* ---- the table ---- */

static const char *const cc_words[] = {"reno", "cubic", "bbr", "dctcp", "tahoe", "none", NULL};
static const char *const recovery_words[] = {"rack", "sack", "newreno", "reno", "gobackn", NULL};
static const char *const ecn_words[] = {"off", "passive", "classic", "accurate", "accurate_passive", "accurate_classic", NULL};
static const char *const accecn_option_words[] = {"never", "changed", "always", NULL};
static const char *const layout_words[] = {"linux", "bsd", NULL};
static const char *const synfin_words[] = {"listener_drops", "is_syn", "drop", NULL};
static const char *const icmp_hard_words[] = {"unreachable", "ttl", "never", "always", NULL};

static_assert(ARRAY_LEN(cc_words) == CC_COUNT + 1, "a word for each algorithm");

#define AT(m) .at = offsetof(struct tcp_config, m), .size = sizeof(((struct tcp_config *)0)->m)
#define FLAG(m, option) {.name = #m, .kind = SETTING_BOOL, AT(m), .opt = option, .hi = 1}
#define FLAG_ANY_TIME(m, option) {.name = #m, .kind = SETTING_BOOL, AT(m), .opt = option, .hi = 1, .any_time = true}
#define WORDS(m, option, list) \
	.name = #m, .kind = SETTING_WORD, AT(m), .opt = option, .hi = (int64_t)ARRAY_LEN(list) - 2, .words = list
#define TIME(m, option, least, most) .name = #m, .kind = SETTING_TIME, AT(m), .opt = option, .lo = least, .hi = most
#define COUNT(m, option, least, most) .name = #m, .kind = SETTING_COUNT, AT(m), .opt = option, .lo = least, .hi = most
#define BYTES(m, option, least, most) .name = #m, .kind = SETTING_BYTES, AT(m), .opt = option, .lo = least, .hi = most
#define ANY_TIME .any_time = true

#define LONG (INT32_MAX * MS) /* 24 days: as good as for ever, and far from what a sum of times overflows at */
#define LONG_RTO (24 * 3600 * SEC)
#define BUF_MOST (1 << 30)    /* RFC 7323 2.3: no window is wider */

/* In the order of the struct, as `tapir show` prints them. */
const struct tcp_setting tcp_settings[] = {
	{WORDS(cc, OPT_CC, cc_words), ANY_TIME},
	{WORDS(recovery, OPT_RECOVERY, recovery_words)},
	{WORDS(ecn, OPT_ECN, ecn_words)},
	{COUNT(ecn_tries, OPT_ECN_TRIES, 1, UINT8_MAX - 1)},
	{WORDS(accecn_option, OPT_ACCECN_OPTION, accecn_option_words)},
	FLAG(ecn_fallback, OPT_ECN_FALLBACK),
	FLAG(ect_all, OPT_ECT_ALL),
	FLAG(sack, OPT_SACK),
	FLAG_ANY_TIME(dsack, OPT_DSACK),
	FLAG(timestamps, OPT_TIMESTAMPS),
	FLAG(wscale, OPT_WSCALE),
	FLAG_ANY_TIME(limited_transmit, OPT_LIMITED_TRANSMIT),
	FLAG(prr, OPT_PRR),
	FLAG_ANY_TIME(tlp, OPT_TLP),
	FLAG_ANY_TIME(frto, OPT_FRTO),
	FLAG_ANY_TIME(eifel, OPT_EIFEL),
	FLAG(hystart, OPT_HYSTART),
	FLAG(abc, OPT_ABC),
	FLAG_ANY_TIME(idle_restart, OPT_IDLE_RESTART),
	FLAG_ANY_TIME(pacing, OPT_PACING),
	FLAG(nagle, OPT_NAGLE),
	FLAG_ANY_TIME(delayed_ack, OPT_DELAYED_ACK),
	FLAG_ANY_TIME(quickack, OPT_QUICKACK),
	FLAG(syn_cookies, OPT_SYN_COOKIES),
	FLAG(rfc1337, OPT_RFC1337),
	FLAG(keepalive, OPT_KEEPALIVE),
	FLAG(fastopen, OPT_FASTOPEN),
	{COUNT(fastopen_pending, OPT_FASTOPEN_PENDING, 0, UINT16_MAX)},
	FLAG(plpmtud, OPT_PLPMTUD),
	{.name = "pmtud", .kind = SETTING_BOOL, AT(pmtud), .opt = OPT_MTU_DISCOVER, .hi = 1, ANY_TIME},
	FLAG_ANY_TIME(rfc5961, OPT_RFC5961),
	{COUNT(challenge_acks, OPT_CHALLENGE_ACKS, 0, UINT8_MAX), ANY_TIME},
	{TIME(challenge_interval, OPT_CHALLENGE_INTERVAL, MS, LONG), ANY_TIME},
	FLAG_ANY_TIME(error_reports, OPT_ERROR_REPORTS),
	FLAG_ANY_TIME(ao_icmp, OPT_AO_ICMP),
	{WORDS(layout, OPT_LAYOUT, layout_words)},
	{COUNT(ack_every, OPT_ACK_EVERY, 1, 64), ANY_TIME},
	{COUNT(dupthresh, OPT_DUPTHRESH, 1, 127), ANY_TIME},
	{COUNT(wscale_shift, OPT_WSCALE_SHIFT, 0, WSCALE_MAX), .none = "auto", .none_value = 0xff},
	{.name = "iw", .kind = SETTING_COUNT, AT(iw_segs), .opt = OPT_IW, .lo = 1, .hi = 1000},
	{COUNT(mss, OPT_MSS, 48, 65495), .none = "auto"},
	{BYTES(sndbuf, OPT_SNDBUF, 2048, BUF_MOST)},
	{BYTES(rcvbuf, OPT_RCVBUF, 256, BUF_MOST)},
	{BYTES(rcvbuf_max, OPT_RCVBUF_MAX, 256, BUF_MOST), .none = "auto"},
	FLAG(whole_segs, OPT_WHOLE_SEGS),
	FLAG(hystart_classic, OPT_HYSTART_CLASSIC),
	FLAG_ANY_TIME(rtt_alike, OPT_RTT_ALIKE),
	FLAG(sndbuf_units, OPT_SNDBUF_UNITS),
	FLAG_ANY_TIME(ts_tolerant, OPT_TS_TOLERANT),
	FLAG_ANY_TIME(bare_probes, OPT_BARE_PROBES),
	FLAG_ANY_TIME(fin_again, OPT_FIN_AGAIN),
	{WORDS(synfin, OPT_SYNFIN, synfin_words)},
	{WORDS(icmp_hard, OPT_ICMP_HARD, icmp_hard_words), ANY_TIME},
	FLAG(syn_unanswered, OPT_SYN_UNANSWERED),
	FLAG_ANY_TIME(old_acks, OPT_OLD_ACKS),
	FLAG_ANY_TIME(eager_updates, OPT_EAGER_UPDATES),
	{.name = "no_options", .kind = SETTING_BOOL, AT(no_options), .opt = OPT_NOOPT, .hi = 1, ANY_TIME},
	{COUNT(syn_options, OPT_SYN_OPTIONS, 1, UINT8_MAX), .none = "all"},
	{TIME(keep_init, OPT_KEEPINIT, MS, LONG), .none = "none", ANY_TIME},
	{TIME(min_rto, OPT_MIN_RTO, MS, LONG_RTO), ANY_TIME},
	{TIME(max_rto, OPT_MAX_RTO, SEC, LONG_RTO), ANY_TIME},
	{TIME(init_rto, OPT_INIT_RTO, MS, LONG_RTO)},
	{TIME(delack, OPT_DELACK, 0, 500 * MS), ANY_TIME},
	{TIME(msl, OPT_MSL, MS, LONG)},
	{COUNT(syn_linear, OPT_SYN_LINEAR, 0, UINT8_MAX), ANY_TIME},
	{.name = "syn_retries", .kind = SETTING_COUNT, AT(syn_retries), .opt = OPT_SYNCNT, .hi = UINT8_MAX, ANY_TIME},
	{COUNT(synack_retries, OPT_SYNACK_RETRIES, 0, UINT8_MAX)},
	{COUNT(data_retries, OPT_DATA_RETRIES, 1, UINT8_MAX), ANY_TIME},
	{TIME(user_timeout, OPT_USER_TIMEOUT, 1, LONG), .none = "none", ANY_TIME},
	FLAG(uto, OPT_UTO),
	FLAG_ANY_TIME(rto_restart, OPT_RTO_RESTART),
	{TIME(keep_idle, OPT_KEEPIDLE, MS, LONG), ANY_TIME},
	{TIME(keep_intvl, OPT_KEEPINTVL, MS, LONG), ANY_TIME},
	{COUNT(keep_cnt, OPT_KEEPCNT, 1, UINT8_MAX), ANY_TIME},
	{COUNT(unit_segs, OPT_UNIT_SEGS, 1, 1000), ANY_TIME},
	FLAG_ANY_TIME(tso, OPT_TSO),
};
const size_t tcp_settings_count = ARRAY_LEN(tcp_settings);

const struct tcp_setting *tcp_setting_named(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(tcp_settings); i++)
		if (strlen(tcp_settings[i].name) == len && memcmp(tcp_settings[i].name, name, len) == 0)
			return &tcp_settings[i];
	return NULL;
}

const struct tcp_setting *tcp_setting_of(enum sock_opt opt)
{
	for (size_t i = 0; i < ARRAY_LEN(tcp_settings); i++)
		if (tcp_settings[i].opt == opt)
			return &tcp_settings[i];
	return NULL;
}

int64_t tcp_setting_get(const struct tcp_setting *s, const struct tcp_config *c)
{
	return member_get(c, s->at, s->size);
}

void tcp_setting_put(const struct tcp_setting *s, struct tcp_config *c, int64_t v)
{
	assert((v >= s->lo && v <= s->hi) || (s->none && v == s->none_value));
	member_put(c, s->at, s->size, v);
}

const char *tcp_config_fault(const struct tcp_config *c)
{
	if (c->min_rto > c->max_rto)
		return "got min_rto above max_rto, expected at most that";
	if (c->init_rto > c->max_rto)
		return "got init_rto above max_rto, expected at most that";
	return NULL;
}
