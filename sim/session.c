/* From a command line to a host that is ready to run. Everything that can be wrong with the user's
 * input is found here, before any packet, and told in one line. */
#include "session.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "../stack/base/check.h"
#include "../stack/base/rng.h"
#include "../stack/wire/print.h"
#include "capture.h"
#include "cmd.h"
#include "units.h"
#include "words.h"

/* Room for the keys of so many TLS connections in front of a capture; later ones still go in, but
 * viewers may miss the first encrypted record of each. */
#define KEYS_ROOM 64

enum {
	O_TAP = 256, O_RAW, O_ADDR, O_GATEWAY, O_MAC, O_NO_OFFLOAD, O_SEED, O_JSON, O_QUIET, O_CAPTURE,
	O_KEYLOG, O_IMPAIR, O_RECORD, O_TLS, O_CERT, O_KEY, O_CACERT, O_SERVERNAME,
	O_NO_NAME_CHECK, O_AO, O_REQUIRE, O_REQUEST, O_APP, O_ROOT, O_COUNT, O_PORT,
};

#define COMMON                                                                                     \
	{"tap", 1, NULL, O_TAP}, {"raw", 1, NULL, O_RAW}, {"addr", 1, NULL, O_ADDR},               \
		{"gateway", 1, NULL, O_GATEWAY}, {"mac", 1, NULL, O_MAC},                          \
		{"no-offload", 0, NULL, O_NO_OFFLOAD}, {"seed", 1, NULL, O_SEED},                  \
		{"json", 0, NULL, O_JSON}, {"quiet", 0, NULL, O_QUIET}, {"capture", 1, NULL, O_CAPTURE},                      \
		{"keylog", 1, NULL, O_KEYLOG}, {"impair", 1, NULL, O_IMPAIR},                      \
		{"record", 1, NULL, O_RECORD}, {"tls", 0, NULL, O_TLS}, {"cert", 1, NULL, O_CERT}, \
		{"key", 1, NULL, O_KEY}, {"ao", 1, NULL, O_AO}, {"cacert", 1, NULL, O_CACERT}, {"ca", 1, NULL, O_CACERT}

static const struct option serve_options[] = {
	COMMON,
	{"app", 1, NULL, O_APP},
	{"root", 1, NULL, O_ROOT},
	{"port", 1, NULL, O_PORT},
	{"count", 1, NULL, O_COUNT},
	{"require-client-cert", 0, NULL, O_REQUIRE},
	{"request-client-cert", 0, NULL, O_REQUEST},
	{NULL, 0, NULL, 0},
};

static const struct option connect_options[] = {
	COMMON,
	{"servername", 1, NULL, O_SERVERNAME},
	{"no-name-check", 0, NULL, O_NO_NAME_CHECK},
	{NULL, 0, NULL, 0},
};

/* ---- values ---- */

/* The first and the last address of an IPv4 network belong to no host; /31 and /32 have none such
 * (RFC 3021). */
static bool is_for_all(const struct stack_addr *a)
{
	uint32_t hosts;

	if (!addr_is_v4(&a->addr) || a->prefix > 30)
		return false;
	hosts = UINT32_MAX >> a->prefix;
	return (addr_to_v4(&a->addr) & hosts) == 0 || (addr_to_v4(&a->addr) & hosts) == hosts;
}

static bool mac_is_zero(const struct mac *m)
{
	return !(m->b[0] | m->b[1] | m->b[2] | m->b[3] | m->b[4] | m->b[5]);
}

static int parse_addr(struct session_options *o, const char *text)
{
	char host[ADDR_TEXT];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	struct stack_addr *a = &o->addr[o->naddrs];
	uint64_t len = 0;

	if (o->naddrs == STACK_ADDRS)
		return usage_error(o->command, "--addr: at most %d addresses", STACK_ADDRS);
	if (n >= sizeof(host) || !slash)
		return usage_error(o->command, "--addr '%.60s': ADDRESS/LENGTH expected, as in "
				   "10.0.0.2/24 or fd00::2/64", text);
	memcpy(host, text, n);
	host[n] = '\0';
	if (!addr_scan(host, &a->addr))
		return usage_error(o->command, "--addr: '%s' is no IPv4 or IPv6 address", host);
	if (unit_count(slash + 1, &len) || len == 0 || len > (addr_is_v4(&a->addr) ? 32u : 128u))
		return usage_error(o->command, "--addr '%.60s': a prefix length of 1 to %d expected",
				   text, addr_is_v4(&a->addr) ? 32 : 128);
	if (addr_is_any(&a->addr) ||
	    (addr_is_v4(&a->addr) ? addr_to_v4(&a->addr) >> 28 >= 14 : a->addr.b[0] == 0xff))
		return usage_error(o->command, "--addr: %s is no host's address", host);
	for (uint8_t i = 0; i < o->naddrs; i++)
		if (addr_eq(&o->addr[i].addr, &a->addr))
			return usage_error(o->command, "--addr: %s twice", host);
	a->prefix = (uint8_t)len;
	if (is_for_all(a))
		return usage_error(o->command, "--addr '%.60s': the network's own or its broadcast address, "
				   "expected that of a host in it", text);
	o->naddrs++;
	return 0;
}

static bool same_network(const struct stack_addr *net, const struct addr *a)
{
	unsigned bits = net->prefix + (addr_is_v4(&net->addr) ? 96u : 0u);

	if (memcmp(net->addr.b, a->b, bits / 8) != 0)
		return false;
	return bits % 8 == 0 || ((net->addr.b[bits / 8] ^ a->b[bits / 8]) >> (8 - bits % 8)) == 0;
}

static int parse_gateway(struct session_options *o, const char *text)
{
	struct addr a;

	if (!addr_scan(text, &a))
		return usage_error(o->command, "--gateway: '%.60s' is no IPv4 or IPv6 address", text);
	for (uint8_t i = 0; i < o->ngateways; i++)
		if (addr_is_v4(&o->gateway[i]) == addr_is_v4(&a))
			return usage_error(o->command, "--gateway: one each family");
	o->gateway[o->ngateways++] = a;
	return 0;
}

static int parse_port(struct session_options *o, const char *what, const char *text)
{
	uint64_t n;

	if (unit_count(text, &n) || n == 0 || n > 65535)
		return usage_error(o->command, "%s '%.40s': a port of 1 to 65535 expected", what, text);
	o->port = (uint16_t)n;
	return 0;
}

/* The first line of a file, for what the command line should not show. */
static bool first_line(const char *file, char *to, size_t cap)
{
	FILE *f = fopen(file, "r");
	bool ok = f && fgets(to, (int)cap, f);

	if (f)
		fclose(f);
	if (ok)
		to[strcspn(to, "\r\n")] = '\0';
	return ok;
}

static int parse_ao(struct session_options *o, const char *text)
{
	char line[600], err[300];

	if (text[0] == '@' && !first_line(text + 1, line, sizeof(line)))
		return usage_error(o->command, "--ao: cannot read %.200s: %s", text + 1,
				   errno ? strerror(errno) : "it is empty");
	if (!ao_specs_scan(&o->ao, text[0] == '@' ? line : text, err, sizeof(err)))
		return usage_error(o->command, "--ao: %s", err);
	return 0;
}

static int parse_option(struct session_options *o, int c, char *arg)
{
	switch (c) {
	case O_TAP: o->tap = arg; return 0;
	case O_RAW: o->raw = arg; return 0;
	case O_ADDR: return parse_addr(o, arg);
	case O_GATEWAY: return parse_gateway(o, arg);
	case O_MAC:
		o->has_mac = mac_scan(arg, &o->mac);
		if (!o->has_mac || (o->mac.b[0] & 1) || mac_is_zero(&o->mac))
			return usage_error(o->command, "--mac: '%.40s' is no station's address, as "
					   "02:00:00:00:00:01 is", arg);
		return 0;
	case O_NO_OFFLOAD: o->no_offload = true; return 0;
	case O_SEED:
		o->has_seed = true;
		if (unit_count(arg, &o->seed))
			return usage_error(o->command, "--seed: '%.40s' is no number", arg);
		return 0;
	case O_JSON: o->json = true; return 0;
	case O_QUIET: o->quiet = true; return 0;
	case O_AO: return parse_ao(o, arg);
	case O_CAPTURE: o->capture = arg; return 0;
	case O_KEYLOG: o->keylog = arg; return 0;
	case O_IMPAIR:
		o->impair = arg;
		return *arg ? 0 : usage_error(o->command, "--impair: nothing said, expected words such as 'loss 1%%'");
	case O_RECORD: o->record = arg; return 0;
	case O_TLS: o->tls = true; return 0;
	case O_CERT: o->cert = arg; return 0;
	case O_KEY: o->key = arg; return 0;
	case O_CACERT: o->cacert = arg; return 0;
	case O_SERVERNAME:
		o->servername = arg;
		if (!*arg || strlen(arg) > 255)
			return usage_error(o->command, "--servername '%.40s': a name of 1 to 255 characters expected", arg);
		return 0;
	case O_NO_NAME_CHECK: o->no_name_check = true; return 0;
	case O_REQUIRE:
	case O_REQUEST:
		if (o->client_auth != TLS_AUTH_NONE)
			return usage_error(o->command, "--require-client-cert or "
					   "--request-client-cert, once");
		o->client_auth = c == O_REQUIRE ? TLS_AUTH_REQUIRE : TLS_AUTH_REQUEST;
		return 0;
	case O_APP: o->app = arg; return 0;
	case O_ROOT: o->root = arg; return 0;
	case O_COUNT:
		if (unit_count(arg, &o->count) || o->count == 0)
			return usage_error(o->command, "--count: '%.40s' is no number from 1", arg);
		return 0;
	default: return parse_port(o, "--port", arg);
	}
}

/* ---- the whole ---- */

static int check_place(const struct session_options *o)
{
	if (!o->tap && !o->raw)
		return usage_error(o->command, "--tap NAME or --raw IFACE is missing");
	if (o->tap && o->raw)
		return usage_error(o->command, "--tap and --raw exclude each other");
	if (o->naddrs == 0)
		return usage_error(o->command, "--addr A/LEN is missing: the stack's own address");
	for (uint8_t i = 0; i < o->ngateways; i++) {
		bool found = false;
		char text[ADDR_TEXT];

		for (uint8_t k = 0; k < o->naddrs; k++) {
			found |= same_network(&o->addr[k], &o->gateway[i]);
			if (addr_eq(&o->addr[k].addr, &o->gateway[i]))
				return usage_error(o->command, "--gateway is the stack's own --addr");
		}
		if (!found)
			return usage_error(o->command, "--gateway %s is in no network of --addr",
					   addr_print(text, sizeof(text), &o->gateway[i]));
	}
	return 0;
}

static int check_tls(const struct session_options *o, bool server)
{
	if (!o->tls) {
		const char *extra = o->cert	  ? "--cert"
				    : o->key	  ? "--key"
				    : o->cacert	  ? "--cacert"
				    : o->keylog	  ? "--keylog"
				    : o->servername ? "--servername"
				    : o->no_name_check ? "--no-name-check"
				    : o->client_auth != TLS_AUTH_NONE ? "a client certificate"
								      : NULL;

		return extra ? usage_error(o->command, "%s makes sense with --tls only", extra) : 0;
	}
	if (!o->cert != !o->key)
		return usage_error(o->command, "--cert and --key go together");
	if (server && !o->cert)
		return usage_error(o->command, "--tls wants --cert FILE and --key FILE");
	if (!server && !o->cacert)
		return usage_error(o->command, "--tls wants --cacert FILE: whom to trust");
	if (server && o->client_auth != TLS_AUTH_NONE && !o->cacert)
		return usage_error(o->command, "a client certificate is checked by --cacert FILE");
	return 0;
}

static int check_serve(const struct session_options *o, int nargs, char **args)
{
	static const char *const apps[] = {"echo", "discard", "chargen", "http", "welcome"};
	const char *near;
	bool known = false;

	if (nargs > 0)
		return usage_error(o->command, "'%.40s' is one word too many", args[0]);
	if (!o->app)
		return usage_error(o->command, "--app echo|discard|chargen|http|welcome is missing");
	for (size_t i = 0; i < ARRAY_LEN(apps); i++)
		known |= strcmp(apps[i], o->app) == 0;
	near = word_nearest(o->app, apps, ARRAY_LEN(apps));
	if (!known && near)
		return usage_error(o->command, "--app: no '%.40s', did you mean '%s'?", o->app, near);
	if (!known)
		return usage_error(o->command,
				   "--app: no '%.40s'; echo, discard, chargen, http or welcome expected",
				   o->app);
	if (!o->port)
		return usage_error(o->command, "--port P is missing");
	if (!strcmp(o->app, "http") != !!o->root)
		return usage_error(o->command, o->root ? "--root goes with --app http"
						       : "--app http wants --root DIR");
	return 0;
}

static int check_connect(struct session_options *o, int nargs, char **args)
{
	if (nargs != 2)
		return usage_error(o->command, "HOST and PORT expected behind the options");
	o->host = args[0];
	if (!addr_scan(args[0], &o->peer))
		return usage_error(o->command, "HOST '%.60s' is no address: the stack asks no name "
				   "server, so an IPv4 or IPv6 address is expected", args[0]);
	for (uint8_t i = 0; i < o->naddrs; i++)
		if (addr_eq(&o->addr[i].addr, &o->peer))
			return usage_error(o->command, "HOST is the stack's own --addr");
	return parse_port(o, "PORT", args[1]);
}

int session_parse(struct session_options *o, int argc, char **argv)
{
	bool server = strcmp(argv[0], "serve") == 0;
	const struct option *options = server ? serve_options : connect_options;
	int c, bad;

	memset(o, 0, sizeof(*o));
	o->command = argv[0];
	opterr = 0;
	optind = 0; /* GNU: start over, whatever was parsed before */
	while ((c = getopt_long(argc, argv, "+:", options, NULL)) != -1) {
		if (c == '?' || c == ':')
			return option_error(o->command, argv, options);
		if (optarg && !*optarg && c != O_IMPAIR && c != O_SERVERNAME)
			return usage_error(o->command, "an option with an empty value, expected something behind it");
		bad = parse_option(o, c, optarg);
		if (bad)
			return bad;
	}
	bad = check_place(o);
	if (!bad)
		bad = check_tls(o, server);
	if (!bad && server)
		bad = check_serve(o, argc - optind, argv + optind);
	else if (!bad)
		bad = check_connect(o, argc - optind, argv + optind);
	if (!bad && o->tls && !o->keylog && getenv("SSLKEYLOGFILE") && *getenv("SSLKEYLOGFILE"))
		o->keylog = getenv("SSLKEYLOGFILE");
	return bad;
}

/* ---- files ---- */

static int complain(const struct session *s, const char *what)
{
	fprintf(stderr, "tapir %s: %s\n", s->opt.command, what);
	return 2;
}

static void prepare_tls(void *arg, const struct stream *st, struct tls_config *cfg)
{
	struct session *s = arg;

	(void)st;
	s->outside.fresh(s->outside.arg, cfg->entropy, &cfg->unix_time);
	cfg->has_entropy = true;
}

static int open_tls(struct session *s)
{
	const struct session_options *o = &s->opt;
	bool server = strcmp(o->command, "serve") == 0;
	char err[512];

	tls_config_default(&s->tls.config, server ? TLS_SERVER : TLS_CLIENT);
	if (o->cert) {
		s->creds = tls_creds_load(o->cert, o->key, err, sizeof(err));
		if (!s->creds)
			return complain(s, err);
	}
	if (o->cacert) {
		s->anchors = tls_anchors_load(o->cacert, err, sizeof(err));
		if (!s->anchors)
			return complain(s, err);
	}
	s->tls.config.creds = s->creds;
	s->tls.config.anchors = s->anchors;
	s->tls.config.client_auth = o->client_auth;
	s->tls.config.no_name_check = o->no_name_check;
	if (!server)
		s->tls.config.server_name = o->servername ? o->servername : o->host;
	s->tls.prepare = prepare_tls;
	s->tls.arg = s;
	return 0;
}

static int open_keylog(struct session *s)
{
	char err[512];

	s->keylog = fopen(s->opt.keylog, "a"); /* others may write there too */
	if (s->keylog)
		return 0;
	snprintf(err, sizeof(err), "%s: %s", s->opt.keylog, strerror(errno));
	return complain(s, err);
}

struct stream_log session_log(const struct session_options *o)
{
	bool results = o->json && strcmp(o->command, "serve") == 0; /* connect's stdout is the peer's */

	return (struct stream_log){.to = o->quiet ? NULL : results ? stdout : stderr, .json = o->json};
}

static struct app *make_server(struct session *s, char *err, size_t cap)
{
	const struct session_options *o = &s->opt;
	struct serve_config cfg = {
		.port = o->port,
		.tls = o->tls ? &s->tls : NULL,
		.count = o->count,
		.root = o->root,
		.log = session_log(o),
		.out = s->no_output || o->json ? NULL : stdout,
	};

	snprintf(err, cap, "out of memory");
	if (strcmp(o->app, "http") == 0)
		return app_http(&cfg, err, cap);
	if (strcmp(o->app, "echo") == 0)
		return app_echo(&cfg);
	if (strcmp(o->app, "discard") == 0)
		return app_discard(&cfg);
	if (strcmp(o->app, "chargen") == 0)
		return app_chargen(&cfg);
	return app_welcome(&cfg);
}

static struct app *make_client(struct session *s, char *err, size_t cap)
{
	const struct session_options *o = &s->opt;
	struct pipe_config cfg = {
		.peer = o->peer,
		.port = o->port,
		.tls = o->tls ? &s->tls : NULL,
		.out = s->outside.out,
		.arg = s->outside.arg,
		.log = session_log(o),
	};

	snprintf(err, cap, "out of memory");
	return app_pipe(&cfg);
}

int session_open(struct session *s, const struct session_options *o)
{
	int bad = 0;

	memset(s, 0, sizeof(*s));
	s->opt = *o;
	pkt_pool_init(&s->pool, 0, 0);
	if (o->tls)
		bad = open_tls(s);
	if (!bad && o->keylog)
		bad = open_keylog(s);
	return bad;
}

/* ---- the host ---- */

struct mac session_mac(const struct session_options *o)
{
	/* Fixed, since the address must stay: neighbours remember it. */
	const struct siphash_key key = {0x7461706972206d61, 0x6320616464726573};
	char text[64];
	struct mac m = o->mac;
	uint64_t h;
	int n;

	if (o->has_mac)
		return m;
	n = snprintf(text, sizeof(text), "%.32s/", o->tap ? o->tap : o->raw);
	memcpy(text + n, o->addr[0].addr.b, 16);
	h = siphash(&key, text, (size_t)n + 16);
	for (int i = 0; i < 6; i++)
		m.b[i] = (uint8_t)(h >> 8 * i);
	m.b[0] = (uint8_t)((m.b[0] & 0xfc) | 2); /* locally administered, one station */
	return m;
}

static void write_keylog(void *arg, const char *line)
{
	struct session *s = arg;

	if (!s->keylog)
		return;
	fputs(line, s->keylog);
	fflush(s->keylog);
}

static int open_capture(struct session *s, struct mac mac, int64_t epoch_ns)
{
	char err[512];
	struct capture_config cfg = {
		.path = s->opt.capture,
		.ifname = s->opt.tap ? s->opt.tap : s->opt.raw,
		.addrs = s->opt.addr,
		.naddrs = s->opt.naddrs,
		.mac = mac,
		.epoch_ns = epoch_ns,
		.keys_room = s->opt.tls ? KEYS_ROOM : 0,
	};

	s->capture = capture_open(&cfg, err, sizeof(err));
	return s->capture ? 0 : complain(s, err);
}

int session_start(struct session *s, struct link *link, const struct outside *outside,
		  int64_t epoch_ns)
{
	const struct session_options *o = &s->opt;
	struct host_config cfg = {.name = o->command, .link = link};
	struct stack_config *st = &cfg.stack;
	char err[512];

	s->outside = *outside;
	s->app = strcmp(o->command, "serve") == 0 ? make_server(s, err, sizeof(err))
						   : make_client(s, err, sizeof(err));
	if (!s->app)
		return complain(s, err);
	stack_config_default(st);
	st->seed = o->seed;
	st->now = 0;
	st->pool = &s->pool;
	st->link = link->caps;
	st->mac = session_mac(o);
	memcpy(st->addr, o->addr, sizeof(st->addr));
	st->naddrs = o->naddrs;
	for (uint8_t i = 0; i < o->ngateways; i++) {
		st->route[i].via = o->gateway[i];
		st->route[i].dst = addr_is_v4(&o->gateway[i]) ? addr_v4(0) : (struct addr){{0}};
		st->nroutes++;
	}
	if (o->capture && open_capture(s, st->mac, epoch_ns))
		return 2;
	cfg.capture = s->capture;
	cfg.capture_keys = true;
	cfg.keylog = write_keylog;
	cfg.keylog_arg = s;
	s->host = host_new(&cfg);
	if (!s->host)
		return complain(s, "out of memory");
	if (ao_specs_give(&o->ao, s->host->stack) != 0)
		return complain(s, "--ao: two keys for one connection have the same id");
	host_add_app(s->host, s->app);
	return 0;
}

int session_stop(struct session *s)
{
	char err[512];
	int bad = 0;

	if (s->host)
		host_free(s->host);
	else if (s->app && s->app->ops->free)
		s->app->ops->free(s->app);
	else
		free(s->app);
	if (s->capture && !capture_close(s->capture, err, sizeof(err))) {
		complain(s, err);
		bad = 1;
	}
	if (s->keylog && fclose(s->keylog) != 0) {
		snprintf(err, sizeof(err), "%s: %s", s->opt.keylog, strerror(errno));
		complain(s, err);
		bad = 1;
	}
	tls_creds_free(s->creds);
	tls_anchors_free(s->anchors);
	return bad;
}

void session_free(struct session *s)
{
	pkt_pool_free(&s->pool);
}
