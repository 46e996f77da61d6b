/* Hosts and switches: addresses, and what the engine is set to (tcp_fields.c). */
#include "scenario_read.h"

#include <stdlib.h>
#include <string.h>

#include "../stack/base/check.h"
#include "../stack/wire/print.h"
#include "tcp_fields.h"
#include "units.h"

#define HOSTS_MAX 65000 /* 10.0.0.0/8 by number, and names for files */
#define SWITCHES_MAX 64 /* each knows the way to every host */

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
		return doc_fail(d, y,
				"mac: got %s, expected a unicast address such as "
				"\"02:00:00:00:00:01\"",
				doc_shown(d, y, shown));
	return true;
}

static void mac_print_quoted(FILE *to, const void *from)
{
	char text[18];

	fprintf(to, "\"%s\"", mac_print(text, from));
}

const struct field host_fields[] = {
    {.key = "addr", .type = FIELD_OWN, .read = addrs_read, .print = addrs_print},
    {.key = "gateway",
     .type = FIELD_OWN,
     .at = offsetof(struct scenario_host, gateway),
     .read = gateway_read,
     .print = gateway_print},
    {.key = "mac",
     .type = FIELD_OWN,
     .at = offsetof(struct scenario_host, mac),
     .read = mac_read,
     .print = mac_print_quoted},
    {.key = "ao",
     .type = FIELD_OWN,
     .at = offsetof(struct scenario_host, ao),
     .read = ao_specs_read,
     .print = ao_specs_print},
    {.key = "tcp",
     .type = FIELD_OWN,
     .at = offsetof(struct scenario_host, tcp),
     .read = tcp_fields_read,
     .print = tcp_fields_print},
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

bool hosts_read(struct doc *d, const struct node *y, struct scenario *sc)
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
		if (!key_name_read(d, n, h->name))
			return false;
		/* `link.pcapng` is the link's. */
		if (strcmp(h->name, "link") == 0)
			return doc_fail_key(d, n,
					    "got a host called `link`, expected another name");
		h->group = sc->nhosts - 1;
		names_add(&sc->host_names, h->name, h->group);
		if (n->type == NODE_TEXT && *doc_text(d, n) == 0)
			continue;
		if (!fields_read(d, n, host_fields, nhost_fields, h))
			return false;
	}
	return true;
}

bool switches_read(struct doc *d, const struct node *y, struct scenario *sc)
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
			return doc_fail(d, n, "got a second node `%s`, expected distinct names",
					h->name);
	}
	return true;
}

/* ---- show ---- */

void hosts_show(FILE *to, const struct scenario *sc)
{
	fputs("hosts:\n", to);
	for (uint32_t i = 0; i < sc->nhosts; i++) {
		fprintf(to, "  %s:\n", sc->host[i].name);
		for (size_t k = 0; k < nhost_fields; k++)
			fields_print(to, "    ", &host_fields[k], 1, &sc->host[i]);
	}
}

void switches_show(FILE *to, const struct scenario *sc)
{
	fputs("switches: [", to);
	for (uint32_t i = sc->nhosts; i < sc->nnodes; i++)
		fprintf(to, "%s%s", i > sc->nhosts ? ", " : "", sc->host[i].name);
	fputs("]\n", to);
}
