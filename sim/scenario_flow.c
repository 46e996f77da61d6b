/* Traffic: flows between hosts, plain or over TLS, once or repeated. */
#include "demo_pki.h"
#include "scenario_read.h"

#include <stdlib.h>
#include <string.h>

#include "../stack/base/check.h"
#include "units.h"

#define FLOWS_MAX 1000000

static const char *const kind_words[] = {"bulk", "rpc", "echo", NULL};
static const char *const tls_words[] = {"none", "server", "mutual", NULL};

#define FLOW(name) offsetof(struct scenario_flow, name)

/* `from`, `to` and `tls` need more than a table. */
const struct field flow_fields[] = {
    {.key = "kind", .type = FIELD_ENUM, .at = FLOW(kind), .words = kind_words},
    {.key = "at", .type = FIELD_TIME, .at = FLOW(at)},
    {.key = "until",
     .type = FIELD_TIME,
     .at = FLOW(until),
     .none = "end",
     .none_value = (uint64_t)NS_NEVER},
    {.key = "send",
     .type = FIELD_SIZE64,
     .at = FLOW(send),
     .none = "forever",
     .none_value = FLOW_ENDLESS},
    {.key = "receive",
     .type = FIELD_SIZE64,
     .at = FLOW(receive),
     .none = "forever",
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
		return doc_fail(
		    d, y, "got hosts that nothing joins, expected a link between `%s` and `%s`",
		    a->name, b->name);
	if (f->kind == FLOW_BULK && f->send == 0 && f->receive == 0)
		return doc_fail(d, y,
				"got a flow without bytes, expected `send`, `receive` or both");
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
	strcpy(f->pki, DEMO_PKI);
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

bool traffic_read(struct doc *d, const struct node *y, struct scenario *sc)
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

/* ---- show ---- */

void traffic_show(FILE *to, const struct scenario *sc)
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
