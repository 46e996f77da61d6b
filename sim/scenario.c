/* The file as a whole: hosts, traffic, capture, output, sweep. What a key may hold stands in tables;
 * the order in which sections are read is ours, not the file's, since links name hosts, and events
 * name links.
 *
 * A `$name` in a value is replaced by a variable of `sweep` before anything is read. */
#include "scenario.h"

#include <stdlib.h>
#include <string.h>

#include "../stack/base/check.h"
#include "../stack/wire/print.h"
#include "scenario_read.h"
#include "units.h"

#define HOSTS_MAX 65000 /* 10.0.0.0/8 by number, and names for files */
#define FLOWS_MAX 1000000
#define SWITCHES_MAX 64 /* each knows the way to every host */

/* ---- small pieces ---- */

bool name_read(struct doc *d, const struct node *y, char to[SCENARIO_NAME])
{
	const char *text;
	char shown[64];

	if (!text_read(d, y, "a name", &text))
		return false;
	size_t len = strlen(text);

	/* Names become parts of file names and of `a->b`. */
	if (len == 0 || len >= SCENARIO_NAME ||
	    strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != len ||
	    text[0] == '-')
		return doc_fail(d, y, "got %s, expected a name of up to %d letters, digits, - or _",
				text_shown(text, shown), SCENARIO_NAME - 1);
	memcpy(to, text, len + 1);
	return true;
}

bool node_find(struct doc *d, const struct node *y, const struct scenario *sc, const char *name,
	       uint32_t *which)
{
	char shown[64];

	return names_find(&sc->host_names, name, which) ||
	       doc_fail(d, y, "got %s, expected the name of a host", text_shown(name, shown));
}

bool host_find(struct doc *d, const struct node *y, const struct scenario *sc, const char *name,
	       uint32_t *which)
{
	return node_find(d, y, sc, name, which) &&
	       (*which < sc->nhosts ||
		doc_fail(d, y, "got the switch `%s`, expected the name of a host", name));
}

/* Sets of joined nodes; chains are halved on the way. */
uint32_t node_group(struct scenario *sc, uint32_t i)
{
	struct scenario_host *h = sc->host;

	while (h[i].group != i)
		i = h[i].group = h[h[i].group].group;
	return i;
}

bool scenario_joined(const struct scenario *sc, uint32_t a, uint32_t b)
{
	while (sc->host[a].group != a)
		a = sc->host[a].group;
	while (sc->host[b].group != b)
		b = sc->host[b].group;
	return a == b;
}

/* Text of limited length into an array. */
static bool line_read(struct doc *d, const struct node *y, char *to, size_t cap)
{
	const char *text;

	if (!text_read(d, y, "a text", &text))
		return false;
	if (strlen(text) >= cap)
		return doc_fail(d, y, "got %zu bytes, expected at most %zu", strlen(text), cap - 1);
	strcpy(to, text);
	return true;
}

/* In double quotes, as YAML reads it back; control characters cannot occur. */
static void quoted_print(FILE *to, const char *text)
{
	fputc('"', to);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', to);
		fputc(*text, to);
	}
	fputc('"', to);
}

/* ---- tcp ---- */

static const char *const cc_words[CC_COUNT + 1] = {"reno",  "cubic", "bbr", "dctcp",
						   "tahoe", "none",  NULL};
static const char *const recovery_words[] = {"rack", "sack", "newreno", "reno", "gobackn", NULL};
static const char *const ecn_words[] = {"off", "passive", "classic", "accurate", NULL};
static const char *const layout_words[] = {"linux", "bsd", NULL};

static bool isn_read(struct doc *d, const struct node *y, void *to)
{
	struct tcp_config *c = to;
	char shown[64];
	uint64_t n;

	if (y->type == NODE_TEXT && strcmp(doc_text(d, y), "random") == 0) {
		c->isn_is_fixed = false;
		c->isn_fixed = 0;
		return true;
	}
	if (y->type != NODE_TEXT || unit_count(doc_text(d, y), &n) || n > UINT32_MAX)
		return doc_fail(d, y, "isn: got %s, expected random, or a number of 32 bits",
				doc_shown(d, y, shown));
	c->isn_is_fixed = true;
	c->isn_fixed = (uint32_t)n;
	return true;
}

static void isn_print(FILE *to, const void *from)
{
	const struct tcp_config *c = from;

	if (c->isn_is_fixed)
		fprintf(to, "%u", c->isn_fixed);
	else
		fputs("random", to);
}

#define TCP(name) offsetof(struct tcp_config, name)
#define TCP_BOOL(name) {.key = #name, .type = FIELD_BOOL, .at = TCP(name)}

/* One key for each member of struct tcp_config; `iw` and `isn` are shorter than theirs. */
const struct field tcp_fields[] = {
	{.key = "cc", .type = FIELD_ENUM, .at = TCP(cc), .words = cc_words},
	{.key = "recovery", .type = FIELD_ENUM, .at = TCP(recovery), .words = recovery_words},
	{.key = "ecn", .type = FIELD_ENUM, .at = TCP(ecn), .words = ecn_words},
	TCP_BOOL(sack), TCP_BOOL(dsack), TCP_BOOL(timestamps), TCP_BOOL(wscale),
	TCP_BOOL(limited_transmit), TCP_BOOL(prr), TCP_BOOL(tlp), TCP_BOOL(frto), TCP_BOOL(eifel),
	TCP_BOOL(hystart), TCP_BOOL(abc), TCP_BOOL(idle_restart), TCP_BOOL(pacing),
	TCP_BOOL(nagle), TCP_BOOL(delayed_ack), TCP_BOOL(quickack),
	TCP_BOOL(syn_cookies), TCP_BOOL(rfc1337), TCP_BOOL(keepalive), TCP_BOOL(fastopen),
	TCP_BOOL(plpmtud), TCP_BOOL(pmtud), TCP_BOOL(rfc5961), TCP_BOOL(tso),
	{.key = "layout", .type = FIELD_ENUM8, .at = TCP(layout), .words = layout_words},
	{.key = "ack_every", .type = FIELD_U8, .at = TCP(ack_every), .lo = 1, .hi = 64},
	{.key = "dupthresh", .type = FIELD_U8, .at = TCP(dupthresh), .lo = 1, .hi = 127},
	{.key = "wscale_shift", .type = FIELD_U8, .at = TCP(wscale_shift), .hi = 14, .none = "auto",
	 .none_value = 0xff},
	{.key = "iw", .type = FIELD_U16, .at = TCP(iw_segs), .lo = 1, .hi = 1000},
	{.key = "mss", .type = FIELD_U16, .at = TCP(mss), .lo = 48, .hi = 65495, .none = "auto"},
	{.key = "sndbuf", .type = FIELD_SIZE32, .at = TCP(sndbuf), .lo = 2048, .hi = 1u << 30},
	{.key = "rcvbuf", .type = FIELD_SIZE32, .at = TCP(rcvbuf), .lo = 256, .hi = 1u << 30},
	{.key = "rcvbuf_max", .type = FIELD_SIZE32, .at = TCP(rcvbuf_max), .lo = 256, .hi = 1u << 30,
	 .none = "auto"},
	{.key = "min_rto", .type = FIELD_TIME, .at = TCP(min_rto), .lo = (uint64_t)MS},
	{.key = "max_rto", .type = FIELD_TIME, .at = TCP(max_rto), .lo = (uint64_t)SEC},
	{.key = "init_rto", .type = FIELD_TIME, .at = TCP(init_rto), .lo = (uint64_t)MS},
	{.key = "delack", .type = FIELD_TIME, .at = TCP(delack), .hi = 500 * (uint64_t)MS},
	{.key = "msl", .type = FIELD_TIME, .at = TCP(msl), .lo = (uint64_t)MS},
	{.key = "syn_retries", .type = FIELD_U8, .at = TCP(syn_retries)},
	{.key = "synack_retries", .type = FIELD_U8, .at = TCP(synack_retries)},
	{.key = "data_retries", .type = FIELD_U8, .at = TCP(data_retries), .lo = 1},
	{.key = "user_timeout", .type = FIELD_TIME, .at = TCP(user_timeout), .lo = 1, .none = "none"},
	{.key = "keep_idle", .type = FIELD_TIME, .at = TCP(keep_idle), .lo = (uint64_t)MS},
	{.key = "keep_intvl", .type = FIELD_TIME, .at = TCP(keep_intvl), .lo = (uint64_t)MS},
	{.key = "keep_cnt", .type = FIELD_U8, .at = TCP(keep_cnt), .lo = 1},
	{.key = "isn", .type = FIELD_OWN, .read = isn_read, .print = isn_print},
};
const size_t ntcp_fields = ARRAY_LEN(tcp_fields);

static bool tcp_check(struct doc *d, const struct node *y, const struct tcp_config *c)
{
	if (c->min_rto > c->max_rto || c->init_rto > c->max_rto)
		return doc_fail(d, y, "tcp: got min_rto or init_rto above max_rto, expected at most "
				      "that");
	if (c->rcvbuf_max && c->rcvbuf_max < c->rcvbuf)
		return doc_fail(d, y, "tcp: got rcvbuf_max under rcvbuf, expected at least that");
	if (c->dsack && !c->sack && doc_find(d, y, "dsack"))
		return doc_fail(d, y, "tcp: got dsack without sack, expected both");
	return true;
}

static bool tcp_read(struct doc *d, const struct node *y, void *to)
{
	return fields_read(d, y, tcp_fields, ntcp_fields, to) && tcp_check(d, y, to);
}

static void tcp_print(FILE *to, const void *from)
{
	fputc('\n', to);
	fields_print(to, "      ", tcp_fields, ntcp_fields, from);
}

/* ---- hosts ---- */

static bool prefix_read(struct doc *d, const struct node *y, struct stack_addr *a)
{
	char text[64], shown[64];
	const char *all, *slash;
	uint64_t prefix;

	if (!text_read(d, y, "an address such as 10.0.0.1/24", &all))
		return false;
	slash = strchr(all, '/');
	if (!slash || slash - all >= (ptrdiff_t)sizeof(text))
		return doc_fail(d, y, "got %s, expected an address such as 10.0.0.1/24",
				text_shown(all, shown));
	memcpy(text, all, (size_t)(slash - all));
	text[slash - all] = 0;
	if (!addr_scan(text, &a->addr) || addr_is_any(&a->addr) || unit_count(slash + 1, &prefix) ||
	    prefix == 0 || prefix > (addr_is_v4(&a->addr) ? 32 : 128))
		return doc_fail(d, y, "got %s, expected an address such as 10.0.0.1/24",
				text_shown(all, shown));
	a->prefix = (uint8_t)prefix;
	return true;
}

static bool addrs_read(struct doc *d, const struct node *y, void *to)
{
	struct scenario_host *h = to;

	h->naddrs = 0;
	if (y->type == NODE_TEXT) {
		h->naddrs = 1;
		return prefix_read(d, y, &h->addr[0]);
	}
	if (!list_expect(d, y, "an address such as 10.0.0.1/24, or a list of them"))
		return false;
	if (y->n == 0 || y->n > STACK_ADDRS)
		return doc_fail(d, y, "got %u addresses, expected 1 to %d", y->n, STACK_ADDRS);
	for (const struct node *n = doc_first(d, y); n; n = doc_next(d, n))
		if (!prefix_read(d, n, &h->addr[h->naddrs++]))
			return false;
	return true;
}

static void addrs_print(FILE *to, const void *from)
{
	const struct scenario_host *h = from;
	char text[ADDR_TEXT];

	fputc('[', to);
	for (uint8_t i = 0; i < h->naddrs; i++)
		fprintf(to, "%s\"%s/%u\"", i ? ", " : "",
			addr_print(text, sizeof(text), &h->addr[i].addr), h->addr[i].prefix);
	fputc(']', to);
}

static bool gateway_read(struct doc *d, const struct node *y, void *to)
{
	char shown[64];

	if (y->type == NODE_TEXT && strcmp(doc_text(d, y), "none") == 0) {
		memset(to, 0, sizeof(struct addr));
		return true;
	}
	if (y->type != NODE_TEXT || !addr_scan(doc_text(d, y), to))
		return doc_fail(d, y, "gateway: got %s, expected an address, or none",
				doc_shown(d, y, shown));
	return true;
}

static void gateway_print(FILE *to, const void *from)
{
	char text[ADDR_TEXT];

	if (addr_is_any(from))
		fputs("none", to);
	else
		fprintf(to, "\"%s\"", addr_print(text, sizeof(text), from));
}

static bool mac_read(struct doc *d, const struct node *y, void *to)
{
	char shown[64];
	struct mac *m = to;

	if (y->type != NODE_TEXT || !mac_scan(doc_text(d, y), m) || (m->b[0] & 1))
		return doc_fail(d, y, "mac: got %s, expected a unicast address such as "
				      "\"02:00:00:00:00:01\"", doc_shown(d, y, shown));
	return true;
}

static void mac_print_quoted(FILE *to, const void *from)
{
	char text[18];

	fprintf(to, "\"%s\"", mac_print(text, from));
}

const struct field host_fields[] = {
	{.key = "addr", .type = FIELD_OWN, .read = addrs_read, .print = addrs_print},
	{.key = "gateway", .type = FIELD_OWN, .at = offsetof(struct scenario_host, gateway),
	 .read = gateway_read, .print = gateway_print},
	{.key = "mac", .type = FIELD_OWN, .at = offsetof(struct scenario_host, mac),
	 .read = mac_read, .print = mac_print_quoted},
	{.key = "tcp", .type = FIELD_OWN, .at = offsetof(struct scenario_host, tcp), .read = tcp_read,
	 .print = tcp_print},
};
const size_t nhost_fields = ARRAY_LEN(host_fields);

static void host_default(struct scenario_host *h, uint32_t i)
{
	h->link = UINT32_MAX;
	h->capture = true;
	h->naddrs = 1;
	h->addr[0] = (struct stack_addr){addr_v4(0x0a000001u + i), 8};
	if (i < 250)
		h->addr[0].prefix = 24;
	h->mac = (struct mac){{2, 0, 0, 0, (uint8_t)((i + 1) >> 8), (uint8_t)(i + 1)}};
	tcp_config_default(&h->tcp);
}

static bool host_key_is_name(struct doc *d, const struct node *y, char to[SCENARIO_NAME])
{
	/* The key, checked like a name that stands as a value. */
	struct node key = {.text = y->key,
			   .line = y->key_line,
			   .column = y->key_column,
			   .type = NODE_TEXT,
			   .source = y->source};

	return name_read(d, &key, to);
}

static bool hosts_read(struct doc *d, const struct node *y, struct scenario *sc)
{
	if (!map_expect(d, y, "a mapping of hosts, as in {client: {}, server: {}}"))
		return false;
	if (y->n == 0 || y->n > HOSTS_MAX)
		return doc_fail(d, y, "got %u hosts, expected 1 to %d", y->n, HOSTS_MAX);
	sc->host = calloc(y->n + SWITCHES_MAX, sizeof(*sc->host));
	if (!sc->host || !names_init(&sc->host_names, y->n + SWITCHES_MAX))
		return doc_fail(d, y, "out of memory");
	for (const struct node *n = doc_first(d, y); n; n = doc_next(d, n)) {
		struct scenario_host *h = &sc->host[sc->nhosts];

		host_default(h, sc->nhosts++);
		if (!host_key_is_name(d, n, h->name))
			return false;
		/* `link.pcapng` is the link's. */
		if (strcmp(h->name, "link") == 0)
			return doc_fail_key(d, n, "got a host called `link`, expected another name");
		h->group = sc->nhosts - 1;
		names_add(&sc->host_names, h->name, h->group);
		if (n->type == NODE_TEXT && *doc_text(d, n) == 0)
			continue;
		if (!fields_read(d, n, host_fields, nhost_fields, h))
			return false;
	}
	return true;
}

static bool switches_read(struct doc *d, const struct node *y, struct scenario *sc)
{
	if (!list_expect(d, y, "a list of names"))
		return false;
	if (y->n > SWITCHES_MAX)
		return doc_fail(d, y, "got %u switches, expected at most %d", y->n, SWITCHES_MAX);
	for (const struct node *n = doc_first(d, y); n; n = doc_next(d, n)) {
		struct scenario_host *h = &sc->host[sc->nnodes];

		h->link = UINT32_MAX;
		h->group = sc->nnodes;
		if (!name_read(d, n, h->name))
			return false;
		if (!names_add(&sc->host_names, h->name, sc->nnodes++))
			return doc_fail(d, n, "got a second node `%s`, expected distinct names", h->name);
	}
	return true;
}

/* ---- traffic ---- */

static const char *const kind_words[] = {"bulk", "rpc", "echo", NULL};
static const char *const tls_words[] = {"none", "server", "mutual", NULL};

#define FLOW(name) offsetof(struct scenario_flow, name)

/* `from`, `to` and `tls` need more than a table. */
const struct field flow_fields[] = {
	{.key = "kind", .type = FIELD_ENUM, .at = FLOW(kind), .words = kind_words},
	{.key = "at", .type = FIELD_TIME, .at = FLOW(at)},
	{.key = "until", .type = FIELD_TIME, .at = FLOW(until), .none = "end",
	 .none_value = (uint64_t)NS_NEVER},
	{.key = "send", .type = FIELD_SIZE64, .at = FLOW(send), .none = "forever",
	 .none_value = FLOW_ENDLESS},
	{.key = "receive", .type = FIELD_SIZE64, .at = FLOW(receive), .none = "forever",
	 .none_value = FLOW_ENDLESS},
	{.key = "request", .type = FIELD_SIZE32, .at = FLOW(request), .lo = 1},
	{.key = "response", .type = FIELD_SIZE32, .at = FLOW(response), .lo = 1},
	{.key = "count", .type = FIELD_U64, .at = FLOW(count), .lo = 1, .hi = 1000000000},
	{.key = "gap", .type = FIELD_TIME, .at = FLOW(gap)},
	{.key = "read_every", .type = FIELD_TIME, .at = FLOW(read_gap), .none = "at once"},
	{.key = "read_bytes", .type = FIELD_SIZE32, .at = FLOW(read_max), .lo = 1},
	{.key = "verify", .type = FIELD_BOOL, .at = FLOW(verify)},
	{.key = "repeat", .type = FIELD_U32, .at = FLOW(repeat), .lo = 1, .hi = 100000},
	{.key = "every", .type = FIELD_TIME, .at = FLOW(every)},
};
const size_t nflow_fields = ARRAY_LEN(flow_fields);

/* HOST:PORT */
static bool target_read(struct doc *d, const struct node *y, const struct scenario *sc,
			struct scenario_flow *f)
{
	char name[SCENARIO_NAME], shown[64];
	const char *text, *colon;
	uint64_t port;

	if (!text_read(d, y, "HOST:PORT, as in server:80", &text))
		return false;
	colon = strchr(text, ':');
	if (!colon || (size_t)(colon - text) >= sizeof(name) || unit_count(colon + 1, &port) ||
	    port == 0 || port > 65535)
		return doc_fail(d, y, "got %s, expected HOST:PORT, as in server:80",
				text_shown(text, shown));
	memcpy(name, text, (size_t)(colon - text));
	name[colon - text] = 0;
	f->port = (uint16_t)port;
	snprintf(f->target, sizeof(f->target), "%s:%u", name, f->port);
	return host_find(d, y, sc, name, &f->to);
}

static bool flow_tls_read(struct doc *d, const struct node *y, struct scenario_flow *f)
{
	static const char *const known[] = {"verify", "pki", "name"};
	int which;

	if (y->type == NODE_TEXT && strcmp(doc_text(d, y), "false") == 0)
		return true;
	f->tls = SCENARIO_TLS_SERVER;
	if (y->type == NODE_TEXT && strcmp(doc_text(d, y), "true") == 0)
		return true;
	if (!map_expect(d, y, "true, false, or a mapping as in {verify: mutual}"))
		return false;
	for (const struct node *n = doc_first(d, y); n; n = doc_next(d, n)) {
		const char *key = doc_key(d, n);

		if (strcmp(key, "verify") == 0) {
			if (!word_read(d, n, tls_words, &which))
				return false;
			f->tls = (enum scenario_tls)which;
		} else if (strcmp(key, "pki") == 0) {
			if (!line_read(d, n, f->pki, sizeof(f->pki)))
				return false;
		} else if (strcmp(key, "name") == 0) {
			if (!line_read(d, n, f->servername, sizeof(f->servername)))
				return false;
		} else {
			return key_unknown(d, n, known, ARRAY_LEN(known));
		}
	}
	return true;
}

static bool flow_check(struct doc *d, const struct node *y, const struct scenario *sc,
		       const struct scenario_flow *f)
{
	const struct scenario_host *a = &sc->host[f->from], *b = &sc->host[f->to];

	if (f->from == f->to)
		return doc_fail(d, y, "got a flow from a host to itself, expected two hosts");
	if (!scenario_joined(sc, f->from, f->to))
		return doc_fail(d, y, "got hosts that nothing joins, expected a link between `%s` and `%s`",
				a->name, b->name);
	if (f->kind == FLOW_BULK && f->send == 0 && f->receive == 0)
		return doc_fail(d, y, "got a flow without bytes, expected `send`, `receive` or both");
	if (f->kind == FLOW_ECHO && (f->send == 0 || f->send == FLOW_ENDLESS))
		return doc_fail(d, y, "got an echo without a size, expected `send`");
	if ((f->send == FLOW_ENDLESS || f->receive == FLOW_ENDLESS) && f->until == NS_NEVER)
		return doc_fail(d, y, "got a flow without an end, expected `until`");
	if (f->until <= f->at)
		return doc_fail(d, y, "got `until` before `at`, expected it later");
	if (f->tls && f->read_gap && f->kind != FLOW_BULK)
		return doc_fail(d, y, "got a slow reader, expected one with kind bulk alone");
	return true;
}

static bool flow_read_one(struct doc *d, const struct node *y, const struct scenario *sc,
			  struct scenario_flow *f)
{
	const char *known[ARRAY_LEN(flow_fields) + 3];
	const char *name;
	size_t n;

	*f = (struct scenario_flow){.kind = FLOW_BULK,
				    .until = NS_NEVER,
				    .request = 100,
				    .response = 1000,
				    .count = 1,
				    .read_max = 65536,
				    .verify = true,
				    .repeat = 1,
				    .from = UINT32_MAX,
				    .to = UINT32_MAX};
	strcpy(f->pki, "pki");
	strcpy(f->servername, "example.com");
	if (!map_expect(d, y, "a flow, as in {from: client, to: server:80, send: 1MB}"))
		return false;
	for (const struct node *k = doc_first(d, y); k; k = doc_next(d, k)) {
		const char *key = doc_key(d, k);

		for (n = 0; n < nflow_fields; n++)
			if (strcmp(flow_fields[n].key, key) == 0)
				break;
		if (n < nflow_fields) {
			if (!field_read(d, k, &flow_fields[n], f))
				return false;
		} else if (strcmp(key, "from") == 0) {
			if (!text_read(d, k, "the name of a host", &name) ||
			    !host_find(d, k, sc, name, &f->from))
				return false;
		} else if (strcmp(key, "to") == 0) {
			if (!target_read(d, k, sc, f))
				return false;
		} else if (strcmp(key, "tls") == 0) {
			if (!flow_tls_read(d, k, f))
				return false;
		} else {
			for (n = 0; n < nflow_fields; n++)
				known[n] = flow_fields[n].key;
			known[n++] = "from";
			known[n++] = "to";
			known[n++] = "tls";
			return key_unknown(d, k, known, n);
		}
	}
	if (f->from == UINT32_MAX || f->to == UINT32_MAX)
		return doc_fail(d, y, "got a flow without `%s`, expected it",
				f->from == UINT32_MAX ? "from" : "to");
	return flow_check(d, y, sc, f);
}

/* One listener serves a port: its flows speak alike. */
static bool listener_find(struct doc *d, const struct node *y, struct scenario *sc,
			  struct scenario_flow *f, struct names *targets)
{
	const struct scenario_flow *first;

	f->listener = (uint32_t)(f - sc->flow);
	if (names_add(targets, f->target, f->listener))
		return true;
	names_find(targets, f->target, &f->listener);
	first = &sc->flow[f->listener];
	return (first->tls == f->tls && strcmp(first->pki, f->pki) == 0) ||
	       doc_fail(d, y, "got flows with different `tls` to one port, expected another port");
}

static bool traffic_read(struct doc *d, const struct node *y, struct scenario *sc)
{
	struct names targets = {0};
	uint64_t total = 0;
	bool ok = true;

	if (!list_expect(d, y, "a list of flows"))
		return false;
	sc->flow = calloc(y->n + 1, sizeof(*sc->flow));
	if (!sc->flow || !names_init(&targets, y->n))
		ok = doc_fail(d, y, "out of memory");
	for (const struct node *n = doc_first(d, y); n && ok; n = doc_next(d, n)) {
		struct scenario_flow *f = &sc->flow[sc->nflows++];

		ok = flow_read_one(d, n, sc, f) && listener_find(d, n, sc, f, &targets);
		total += f->repeat;
		if (ok && total > FLOWS_MAX)
			ok = doc_fail(d, n, "got over %d flows, expected at most that", FLOWS_MAX);
	}
	names_free(&targets);
	return ok;
}

/* ---- capture, output ---- */

static bool capture_at_read(struct doc *d, const struct node *y, struct scenario *sc)
{
	const char *name;
	uint32_t which = 0;

	if (!list_expect(d, y, "a list of hosts, and `link`"))
		return false;
	sc->capture_link = false;
	for (uint32_t i = 0; i < sc->nhosts; i++)
		sc->host[i].capture = false;
	for (const struct node *n = doc_first(d, y); n; n = doc_next(d, n)) {
		if (!text_read(d, n, "the name of a host, or `link`", &name))
			return false;
		if (strcmp(name, "link") == 0) {
			sc->capture_link = true;
			continue;
		}
		if (!host_find(d, n, sc, name, &which))
			return false;
		sc->host[which].capture = true;
	}
	return true;
}

static const char *const format_words[] = {"pcapng", "pcap", NULL};

static const struct field capture_fields[] = {
	{.key = "format", .type = FIELD_ENUM8, .at = offsetof(struct scenario, pcap),
	 .words = format_words},
	{.key = "snaplen", .type = FIELD_U32, .at = offsetof(struct scenario, snaplen), .lo = 64,
	 .hi = 262144, .none = "all"},
	{.key = "keys", .type = FIELD_BOOL, .at = offsetof(struct scenario, keys)},
};

static bool capture_read(struct doc *d, const struct node *y, struct scenario *sc)
{
	static const char *const known[] = {"at", "format", "snaplen", "keys"};

	if (!map_expect(d, y, "a mapping, as in {at: [client, link]}"))
		return false;
	for (const struct node *n = doc_first(d, y); n; n = doc_next(d, n)) {
		size_t i = 0;

		if (strcmp(doc_key(d, n), "at") == 0) {
			if (!capture_at_read(d, n, sc))
				return false;
			continue;
		}
		while (i < ARRAY_LEN(capture_fields) &&
		       strcmp(capture_fields[i].key, doc_key(d, n)) != 0)
			i++;
		if (i == ARRAY_LEN(capture_fields))
			return key_unknown(d, n, known, ARRAY_LEN(known));
		if (!field_read(d, n, &capture_fields[i], sc))
			return false;
	}
	return true;
}

static const struct field output_fields[] = {
	{.key = "series", .type = FIELD_TIME, .at = offsetof(struct scenario, series),
	 .lo = 10 * (uint64_t)US, .none = "none"},
	{.key = "plots", .type = FIELD_BOOL, .at = offsetof(struct scenario, plots)},
};

/* ---- sweep ---- */

static bool var_read(struct doc *d, const struct node *y, struct sweep_var *v)
{
	struct node single = *y;
	const struct node *n = y->type == NODE_LIST ? doc_first(d, y) : &single;
	const char *text;

	single.next = 0;
	if (!host_key_is_name(d, y, v->name))
		return false;
	if (y->type == NODE_LIST && y->n == 0)
		return doc_fail(d, y, "got an empty list, expected values");
	v->value = calloc(y->type == NODE_LIST ? y->n : 1, sizeof(*v->value));
	for (; v->value && n; n = doc_next(d, n)) {
		if (!text_read(d, n, "a value, or a list of them", &text))
			return false;
		v->value[v->n] = strdup(text);
		if (!v->value[v->n++])
			return doc_fail(d, n, "out of memory");
	}
	return v->value || doc_fail(d, y, "out of memory");
}

static bool seeds_read(struct doc *d, const struct node *y, struct scenario *sc)
{
	char shown[64], first[32];
	const char *text, *dots;

	if (!text_read(d, y, "seeds such as 1..30", &text))
		return false;
	dots = strstr(text, "..");
	snprintf(first, sizeof(first), "%.*s", dots ? (int)(dots - text) : 31, text);
	if (unit_count(first, &sc->seed_first) ||
	    unit_count(dots ? dots + 2 : first, &sc->seed_last) || sc->seed_last < sc->seed_first ||
	    sc->seed_last - sc->seed_first > 1000000)
		return doc_fail(d, y, "got %s, expected seeds such as 1..30", doc_shown(d, y, shown));
	return true;
}

static bool sweep_read(struct doc *d, const struct node *y, struct scenario *sc)
{
	if (!map_expect(d, y, "a mapping, as in {loss: [0%, 1%], seeds: 1..30}"))
		return false;
	for (const struct node *n = doc_first(d, y); n; n = doc_next(d, n)) {
		if (strcmp(doc_key(d, n), "seeds") == 0) {
			if (!seeds_read(d, n, sc))
				return false;
			continue;
		}
		if (sc->nsweep == SWEEP_VARS)
			return doc_fail_key(d, n, "got too many variables, expected at most %d",
					    SWEEP_VARS);
		if (!var_read(d, n, &sc->sweep[sc->nsweep++]))
			return false;
	}
	return true;
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* The variable that a `$` introduces: $name or ${name}; *len is that of the whole. */
static const struct sweep_var *variable(const struct scenario *sc, const char *dollar, size_t *len)
{
	bool braces = dollar[1] == '{';
	const char *name = dollar + 1 + braces;
	size_t n = 0;

	while (is_name_char(name[n]))
		n++;
	if (n == 0 || (braces && name[n] != '}'))
		return NULL;
	*len = 1 + n + 2 * braces;
	for (uint32_t i = 0; i < sc->nsweep; i++)
		if (strlen(sc->sweep[i].name) == n && memcmp(sc->sweep[i].name, name, n) == 0)
			return &sc->sweep[i];
	return NULL;
}

/* Replaces the variables of each text by their first value. */
static bool substitute(struct doc *d, const struct scenario *sc, uint32_t from)
{
	for (uint32_t i = from; i < d->n; i++) {
		struct node *y = &d->node[i];
		char to[DOC_TEXT_MAX + 1], shown[64];
		const char *text;
		size_t n = 0, len;

		if (y->type != NODE_TEXT || !strchr(doc_text(d, y), '$'))
			continue;
		for (text = doc_text(d, y); *text;) {
			const struct sweep_var *v = *text == '$' ? variable(sc, text, &len) : NULL;

			if (*text == '$' && !v)
				return doc_fail(d, y, "got %s, expected `$` before a variable of "
						      "`sweep`", text_shown(text, shown));
			if (n + (v ? strlen(v->value[0]) : 1) >= sizeof(to))
				return doc_fail(d, y, "got a text that grows too long");
			if (!v) {
				to[n++] = *text++;
				continue;
			}
			n += (size_t)sprintf(to + n, "%s", v->value[0]);
			text += len;
		}
		to[n] = 0;
		if (!doc_retext(d, y, to))
			return false;
	}
	return true;
}

/* ---- the file ---- */

static const char *const sections[] = {
	"scenario", "name",   "seed",   "stop",    "date",   "hosts", "switches",
	"links",    "traffic", "events", "expect", "capture", "output", "sweep",
};

static bool version_read(struct doc *d, const struct node *root)
{
	const struct node *y = doc_find(d, root, "scenario");

	if (!y)
		return doc_fail(d, root, "got no `scenario: 1`, expected the format's version");
	if (y->type != NODE_TEXT || strcmp(doc_text(d, y), "1") != 0)
		return doc_fail(d, y, "got another version, expected 1");
	return true;
}

static const struct field top_fields[] = {
	{.key = "seed", .type = FIELD_U64, .at = offsetof(struct scenario, seed)},
	{.key = "stop", .type = FIELD_TIME, .at = offsetof(struct scenario, stop), .lo = 1},
	{.key = "date", .type = FIELD_U64, .at = offsetof(struct scenario, date),
	 .hi = 4102444800}, /* to 2100 */
};

static bool top_read(struct doc *d, const struct node *root, struct scenario *sc)
{
	for (size_t i = 0; i < ARRAY_LEN(top_fields); i++) {
		const struct node *y = doc_find(d, root, top_fields[i].key);

		if (y && !field_read(d, y, &top_fields[i], sc))
			return false;
	}
	const struct node *name = doc_find(d, root, "name");

	return !name || line_read(d, name, sc->title, sizeof(sc->title));
}

static bool sections_known(struct doc *d, const struct node *root)
{
	for (const struct node *y = doc_first(d, root); y; y = doc_next(d, y)) {
		size_t i = 0;

		while (i < ARRAY_LEN(sections) && strcmp(sections[i], doc_key(d, y)) != 0)
			i++;
		if (i == ARRAY_LEN(sections))
			return key_unknown(d, y, sections, ARRAY_LEN(sections));
	}
	return true;
}

/* A section that is not there is left at its defaults. */
static bool section(struct doc *d, const struct node *root, const char *key, struct scenario *sc,
		    bool (*read)(struct doc *, const struct node *, struct scenario *))
{
	const struct node *y = doc_find(d, root, key);

	return !y || read(d, y, sc);
}

static bool output_read(struct doc *d, const struct node *y, struct scenario *sc)
{
	return fields_read(d, y, output_fields, ARRAY_LEN(output_fields), sc);
}

static bool scenario_read(struct doc *d, struct scenario *sc)
{
	const struct node *root = doc_root(d);

	if (!map_expect(d, root, "a scenario: a mapping that begins with `scenario: 1`") ||
	    !version_read(d, root) || !sections_known(d, root) ||
	    !section(d, root, "sweep", sc, sweep_read) || !substitute(d, sc, 1) ||
	    !top_read(d, root, sc))
		return false;
	if (!doc_find(d, root, "hosts"))
		return doc_fail(d, root, "got no `hosts`, expected at least two");
	if (!section(d, root, "hosts", sc, hosts_read))
		return false;
	sc->nnodes = sc->nhosts;
	return section(d, root, "switches", sc, switches_read) &&
	       section(d, root, "links", sc, links_read) &&
	       section(d, root, "traffic", sc, traffic_read) &&
	       section(d, root, "events", sc, events_read) &&
	       section(d, root, "expect", sc, expects_read) &&
	       section(d, root, "capture", sc, capture_read) &&
	       section(d, root, "output", sc, output_read);
}

static struct scenario *scenario_new(const char *file)
{
	struct scenario *sc = calloc(1, sizeof(*sc));

	if (!sc)
		return NULL;
	snprintf(sc->file, sizeof(sc->file), "%s", file);
	sc->seed = 1;
	sc->stop = 60 * SEC;
	sc->date = 1767225600; /* 2026-01-01 00:00 UTC: captures need some date, and always the same */
	sc->capture_link = true;
	sc->keys = true;
	sc->series = 10 * MS;
	sc->plots = true;
	return sc;
}

/* Takes the tree. */
static struct scenario *finish(struct doc *d, bool ok, const char *file,
			       const struct scenario_options *opt)
{
	struct scenario *sc = ok ? scenario_new(file) : NULL;

	for (size_t i = 0; sc && opt && i < opt->nset; i++)
		ok = ok && doc_set(d, opt->set[i]);
	if (sc && ok)
		ok = scenario_read(d, sc);
	if (sc && ok && !doc_find(d, doc_root(d), "seed") && sc->seed_first)
		sc->seed = sc->seed_first;
	if (sc && opt && opt->has_seed)
		sc->seed = opt->seed;
	if (!ok) {
		scenario_free(sc);
		sc = NULL;
	}
	doc_free(d);
	return sc;
}

struct scenario *scenario_load(const char *file, const struct scenario_options *opt, char *err,
			       size_t cap)
{
	struct doc d;
	bool ok = doc_load(&d, file, err, cap);

	return finish(&d, ok, file, opt);
}

struct scenario *scenario_parse(const char *name, const char *text, size_t len,
				const struct scenario_options *opt, char *err, size_t cap)
{
	struct doc d;
	bool ok = doc_parse(&d, name, text, len, err, cap);

	return finish(&d, ok, name, opt);
}

void scenario_free(struct scenario *sc)
{
	if (!sc)
		return;
	for (uint32_t i = 0; i < sc->nsweep; i++) {
		for (uint32_t k = 0; k < sc->sweep[i].n; k++)
			free(sc->sweep[i].value[k]);
		free(sc->sweep[i].value);
	}
	for (uint32_t i = 0; i < sc->nlinks; i++) {
		free(sc->link[i].rule[0]);
		free(sc->link[i].rule[1]);
	}
	names_free(&sc->host_names);
	names_free(&sc->link_names);
	free(sc->host);
	free(sc->link);
	free(sc->flow);
	free(sc->event);
	free(sc->expect);
	free(sc);
}

/* ---- show: the parts whose tables stand here ---- */

static void show_hosts(FILE *to, const struct scenario *sc)
{
	fputs("hosts:\n", to);
	for (uint32_t i = 0; i < sc->nhosts; i++) {
		fprintf(to, "  %s:\n", sc->host[i].name);
		for (size_t k = 0; k < nhost_fields; k++)
			fields_print(to, "    ", &host_fields[k], 1, &sc->host[i]);
	}
}

static void show_switches(FILE *to, const struct scenario *sc)
{
	fputs("switches: [", to);
	for (uint32_t i = sc->nhosts; i < sc->nnodes; i++)
		fprintf(to, "%s%s", i > sc->nhosts ? ", " : "", sc->host[i].name);
	fputs("]\n", to);
}

static void show_traffic(FILE *to, const struct scenario *sc)
{
	fputs(sc->nflows ? "traffic:\n" : "traffic: []\n", to);
	for (uint32_t i = 0; i < sc->nflows; i++) {
		const struct scenario_flow *f = &sc->flow[i];

		fprintf(to, "  - from: %s\n    to: %s:%u\n", sc->host[f->from].name,
			sc->host[f->to].name, f->port);
		fields_print(to, "    ", flow_fields, nflow_fields, f);
		fprintf(to, "    tls: {verify: %s, pki: ", tls_words[f->tls]);
		quoted_print(to, f->pki);
		fputs(", name: ", to);
		quoted_print(to, f->servername);
		fputs("}\n", to);
	}
}

static void show_capture(FILE *to, const struct scenario *sc)
{
	const char *comma = "";

	fputs("capture:\n  at: [", to);
	for (uint32_t i = 0; i < sc->nhosts; i++)
		if (sc->host[i].capture) {
			fprintf(to, "%s%s", comma, sc->host[i].name);
			comma = ", ";
		}
	if (sc->capture_link)
		fprintf(to, "%slink", comma);
	fputs("]\n", to);
	fields_print(to, "  ", capture_fields, ARRAY_LEN(capture_fields), sc);
	fputs("output:\n", to);
	fields_print(to, "  ", output_fields, ARRAY_LEN(output_fields), sc);
}

static void show_sweep(FILE *to, const struct scenario *sc)
{
	if (sc->nsweep == 0 && sc->seed_last == 0)
		return;
	fputs("sweep:\n", to);
	for (uint32_t i = 0; i < sc->nsweep; i++) {
		fprintf(to, "  %s: [", sc->sweep[i].name);
		for (uint32_t k = 0; k < sc->sweep[i].n; k++) {
			fputs(k ? ", " : "", to);
			quoted_print(to, sc->sweep[i].value[k]);
		}
		fputs("]\n", to);
	}
	if (sc->seed_last)
		fprintf(to, "  seeds: %llu..%llu\n", (unsigned long long)sc->seed_first,
			(unsigned long long)sc->seed_last);
}

void scenario_show(FILE *to, const struct scenario *sc)
{
	fputs("scenario: 1\nname: ", to);
	quoted_print(to, sc->title);
	fputc('\n', to);
	fields_print(to, "", top_fields, ARRAY_LEN(top_fields), sc);
	show_hosts(to, sc);
	show_switches(to, sc);
	links_show(to, sc);
	show_traffic(to, sc);
	events_show(to, sc);
	expects_show(to, sc);
	show_capture(to, sc);
	show_sweep(to, sc);
}
