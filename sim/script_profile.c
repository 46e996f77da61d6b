/* Profiles: whose stack a script was written for, and how exactly it is held to. Names joined by commas
 * apply one after the other, and KEY=VALUE is one of the engine's settings. */
#include "script.h"

#include <stdio.h>
#include <string.h>

#include "tcp_fields.h"

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
	p->tcp.accecn_option = ACC_OPT_ALWAYS;
	p->tcp.ect_all = true;
	p->rules.ticks = 12 * MS; /* HZ=250: two ticks, and the one that has begun */
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
	p->rules.ticks = 0;
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

static bool apply_profile(const char *name, size_t len, struct script_profile *p, char *err, size_t cap)
{
	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++)
		if (strlen(profiles[i].name) == len && memcmp(profiles[i].name, name, len) == 0) {
			profiles[i].apply(p);
			return true;
		}
	snprintf(err, cap, "unknown profile '%.*s', expected names of: %s, or KEY=VALUE", (int)len, name,
		 script_profile_list());
	return false;
}

/* KEY=VALUE, of the keys below `tcp:` in scenarios. */
static bool apply_setting(const char *pair, size_t len, struct script_profile *p, char *err, size_t cap)
{
	char text[120], *equals;

	if (len >= sizeof(text)) {
		snprintf(err, cap, "got a setting of %zu bytes, expected KEY=VALUE", len);
		return false;
	}
	memcpy(text, pair, len);
	text[len] = '\0';
	equals = strchr(text, '=');
	*equals = '\0';
	return tcp_field_set(&p->tcp, text, equals + 1, err, cap);
}

bool script_profile_of(const char *names, struct script_profile *p, char *err, size_t cap)
{
	*p = (struct script_profile){.rules.exact = true, .define = {"STANDARD", NULL}};
	tcp_config_default(&p->tcp);
	snprintf(p->name, sizeof(p->name), "%s", names);
	for (const char *s = names;; s++) {
		size_t n = strcspn(s, ",");

		if (memchr(s, '=', n) ? !apply_setting(s, n, p, err, cap) : !apply_profile(s, n, p, err, cap))
			return false;
		s += n;
		if (!*s)
			return true;
	}
}
