/* What a script runs on: its options, the addresses, the stack, a capture; and the end of it all. */
#include "script_run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../stack/wire/print.h"
#include "capture.h"

#define ORIGIN (100 * SEC)           /* of the script's time 0; nothing special */
#define REMOTE_OFF 0xffffff80u       /* the peer's live ISN */
#define REMOTE_PORT 53127            /* of a peer that connects */

/* ---- the script's options ---- */

typedef bool option_fn(struct runner *, const struct script_option *, int64_t v);

static bool take_nothing(struct runner *r, const struct script_option *o, int64_t v)
{
	(void)r;
	(void)o;
	(void)v;
	return true;
}

static bool take_strict(struct runner *r, const struct script_option *o, int64_t v)
{
	(void)o;
	(void)v;
	r->strict = true;
	return true;
}

static bool take_absent(struct runner *r, const struct script_option *o, int64_t v)
{
	(void)v;
	return run_skip(r, o->line, "--%s: this stack does not have it", o->name);
}

static bool take_non_fatal(struct runner *r, const struct script_option *o, int64_t v)
{
	(void)v;
	return run_skip(r, o->line, "--%s: calls that may fail need a judgement", o->name);
}

static bool take_address(struct runner *r, const struct script_option *o, int64_t v)
{
	(void)v;
	return addr_scan(o->value, o->name[0] == 'l' ? &r->local : &r->remote) ||
	       run_fail(r, o->line, "option --%s=%s, expected an address", o->name, o->value);
}

static bool take_tolerance(struct runner *r, const struct script_option *o, int64_t v)
{
	(void)o;
	r->tolerance = v * US;
	return true;
}

static bool take_percent(struct runner *r, const struct script_option *o, int64_t v)
{
	(void)o;
	r->tolerance_percent = (uint32_t)v;
	return true;
}

static bool take_tick(struct runner *r, const struct script_option *o, int64_t v)
{
	(void)o;
	r->ts_tick = v * US;
	return true;
}

static bool take_mtu(struct runner *r, const struct script_option *o, int64_t v)
{
	(void)o;
	r->mtu = (uint16_t)v;
	return true;
}

static bool take_bind_port(struct runner *r, const struct script_option *o, int64_t v)
{
	(void)o;
	r->bind_port = (uint16_t)v;
	return true;
}

static bool take_connect_port(struct runner *r, const struct script_option *o, int64_t v)
{
	(void)o;
	r->connect_port = (uint16_t)v;
	return true;
}

static const struct {
	const char *name;
	option_fn *take;
	int64_t lo, hi; /* of a number; hi 0: it is none */
} options[] = {
	{"tolerance_usecs", take_tolerance, 0, INT32_MAX}, {"tolerance_percent", take_percent, 0, INT32_MAX},
	{"tcp_ts_tick_usecs", take_tick, 0, INT32_MAX}, {"mtu", take_mtu, 68, 65535},
	{"bind_port", take_bind_port, 0, 65535}, {"connect_port", take_connect_port, 0, 65535},
	{"local_ip", take_address, 0, 0}, {"remote_ip", take_address, 0, 0}, {"strict_segments", take_strict, 0, 0},
	{"udp_encapsulation", take_absent, 0, 0}, {"tcp_md5_secret", take_absent, 0, 0},
	{"non_fatal", take_non_fatal, 0, 0},
	{"ip_version", take_nothing, 0, 0}, /* choose_addresses has read it */
	{"define", take_nothing, 0, 0},     /* the parser has */
	/* Of the program that ran scripts on a kernel. */
	{"mss", take_nothing, 0, 0}, {"speed", take_nothing, 0, 0}, {"duplex", take_nothing, 0, 0},
	{"wire_server_port", take_nothing, 0, 0}, {"gateway_ip", take_nothing, 0, 0}, {"netmask_ip", take_nothing, 0, 0},
	{"init_scripts", take_nothing, 0, 0}, {"verbose", take_nothing, 0, 0}, {"debug", take_nothing, 0, 0},
	{"tcp_ts_ecr_scaled", take_nothing, 0, 0}, {"cleanup_cmd", take_nothing, 0, 0},
	{"persistent_tun_dev", take_nothing, 0, 0},
};

static bool take_option(struct runner *r, const struct script_option *o)
{
	size_t i = 0, n = sizeof(options) / sizeof(options[0]);
	int64_t v = 0;
	char *end;

	while (i < n && strcmp(options[i].name, o->name) != 0)
		i++;
	if (i == n)
		return run_fail(r, o->line, "option --%s=%s is not known", o->name, o->value);
	if (options[i].hi) {
		errno = 0;
		v = strtoll(o->value, &end, 0);
		if (!*o->value || *end || errno || v < options[i].lo || v > options[i].hi)
			return run_fail(r, o->line, "option --%s=%s, expected a number from %lld to %lld", o->name, o->value,
					(long long)options[i].lo, (long long)options[i].hi);
	}
	return options[i].take(r, o, v);
}

static void choose_addresses(struct runner *r)
{
	for (int i = 0; i < r->script->noptions; i++)
		if (strcmp(r->script->option[i].name, "ip_version") == 0)
			r->v6 = strcmp(r->script->option[i].value, "ipv6") == 0;
	addr_scan(r->v6 ? "fd3d:fa7b:d17d::1" : "192.168.0.1", &r->local);
	addr_scan(r->v6 ? "2001:db8::1" : "192.0.2.1", &r->remote);
}

void setup_begin(struct runner *r, const struct script *f, const struct script_run_options *o,
		  struct script_result *res)
{
	const struct script_profile *p = o->profile;

	r->script = f;
	r->options = o;
	r->result = res;
	r->rules = p->rules;
	r->env = (struct script_env){.tcp = p->tcp, .tso_max = p->tso_max};
	r->scope = script_scope_new();
	r->queue = calloc(RUN_QUEUE, sizeof(*r->queue));
	r->bind_port = r->connect_port = 8080;
	r->mtu = 1500;
	r->lport = 8080;
	r->rport = REMOTE_PORT;
	r->remote_off = REMOTE_OFF;
	r->origin = r->now = ORIGIN;
	r->under_test = -1;
	r->pending_end = NS_NEVER;
	r->strict = p->rules.strict;
	if (!p->rules.exact) { /* packetdrill's defaults */
		r->tolerance = 4 * MS;
		r->tolerance_percent = 125; /* tenths */
	} else {
		r->ts_tick = MS;
	}
	pkt_pool_init(&r->pool, 0, 0);
	choose_addresses(r);
	if (!r->scope || !r->queue)
		run_fail(r, 0, "out of memory");
	for (int i = 0; i < f->noptions && !r->failed; i++)
		take_option(r, &f->option[i]);
}

/* ---- the stack ---- */

bool run_start(struct runner *r)
{
	struct stack_config c;

	if (r->stack)
		return true;
	stack_config_default(&c);
	c.seed = r->options->seed;
	c.now = r->now;
	c.pool = &r->pool;
	c.link = (struct link_caps){.mtu = r->mtu, .tso_max = r->env.tso_max};
	c.link.csum_tx = r->env.tso_max > 0; /* without TSO the bytes carry their checksums: checked */
	c.mac = (struct mac){{0x02, 0, 0, 0, 0, 0x01}};
	c.addr[0] = (struct stack_addr){r->local, r->v6 ? 64 : 16};
	c.naddrs = 1;
	c.route[0].prefix = 0;
	c.route[0].dst = r->v6 ? (struct addr){{0}} : addr_v4(0);
	c.route[0].via = r->local;
	c.route[0].via.b[15] ^= 0x77;
	c.nroutes = 1;
	c.arp_probe = c.ip6_auto = false;
	c.tcp = r->env.tcp;
	r->stack = stack_new(&c);
	if (!r->stack)
		return run_fail(r, 0, "out of memory");
	if (r->capture)
		capture_attach(r->capture, r->stack);
	return true;
}

void setup_capture(struct runner *r)
{
	const char *slash = strrchr(r->script->path, '/'), *name = slash ? slash + 1 : r->script->path;
	char path[1024], err[256];
	size_t n = strlen(name);
	struct stack_addr addr = {.addr = r->local, .prefix = r->v6 ? 64 : 16};
	struct capture_config c = {.path = path, .ifname = "script", .what = r->script->path, .addrs = &addr,
				   .naddrs = 1};

	if (!r->options->out_dir)
		return;
	if (n > 4 && strcmp(name + n - 4, ".pkt") == 0)
		n -= 4;
	snprintf(path, sizeof(path), "%s/%.*s.pcapng", r->options->out_dir, (int)n, name);
	r->capture = capture_open(&c, err, sizeof(err));
	if (!r->capture)
		run_fail(r, 0, "%s", err);
}

void setup_end(struct runner *r)
{
	char err[256];

	if (r->stack)
		stack_free(r->stack);
	if (r->capture)
		capture_close(r->capture, err, sizeof(err));
	pkt_pool_free(&r->pool);
	script_scope_free(r->scope);
	free(r->queue);
	free(r);
}
