/* See ao_fields.h. */
#include "ao_fields.h"

#include <string.h>

#include "../stack/base/check.h"
#include "../stack/wire/print.h"
#include "../tls/ao.h"
#include "scenario_read.h"
#include "units.h"

static bool peer_read(struct doc *d, const struct node *y, void *to)
{
	struct ao_key *k = to;
	const char *all, *slash;
	char text[ADDR_TEXT], shown[64];
	uint64_t prefix;

	if (!text_read(d, y, "an address, ADDRESS/LENGTH, or any", &all))
		return false;
	k->peer = (struct addr){{0}};
	k->prefix = 0;
	if (strcmp(all, "any") == 0)
		return true;
	slash = strchr(all, '/');
	size_t n = slash ? (size_t)(slash - all) : strlen(all);

	if (n < sizeof(text)) {
		memcpy(text, all, n);
		text[n] = '\0';
	}
	if (n >= sizeof(text) || !addr_scan(text, &k->peer))
		return doc_fail(d, y, "got %s, expected an address, ADDRESS/LENGTH, or any", text_shown(all, shown));
	prefix = addr_is_v4(&k->peer) ? 32 : 128;
	k->prefix = (uint8_t)prefix;
	if (slash && (unit_count(slash + 1, &prefix) || prefix == 0 || prefix > k->prefix))
		return doc_fail(d, y, "got %s, expected a length of 1 to %u", text_shown(all, shown), k->prefix);
	k->prefix = (uint8_t)prefix;
	return true;
}

static void peer_print(FILE *to, const void *from)
{
	const struct ao_key *k = from;
	char text[ADDR_TEXT];

	if (k->prefix)
		fprintf(to, "\"%s/%u\"", addr_print(text, sizeof(text), &k->peer), k->prefix);
	else
		fputs("any", to);
}

static bool alg_read(struct doc *d, const struct node *y, void *to)
{
	static const char *const words[] = {"hmac-sha-1-96", "aes-128-cmac-96", NULL};
	struct ao_key *k = to;
	int which;

	if (!word_read(d, y, words, &which))
		return false;
	k->alg = tls_ao_alg(words[which]);
	return true;
}

static void alg_print(FILE *to, const void *from)
{
	fputs(((const struct ao_key *)from)->alg->name, to);
}

static bool master_read(struct doc *d, const struct node *y, void *to)
{
	const char *text;

	if (!text_read(d, y, "the master key as text", &text))
		return false;
	if (!*text || strlen(text) > AO_MASTER_MAX)
		return doc_fail(d, y, "got a master key of %zu bytes, expected 1 to %d", strlen(text), AO_MASTER_MAX);
	memcpy(to, text, strlen(text) + 1);
	return true;
}

static void master_print(FILE *to, const void *from)
{
	quoted_print(to, from);
}

#define AT(m) .at = offsetof(struct ao_spec, m)

const struct field ao_fields[] = {
	{.key = "peer", .type = FIELD_OWN, AT(key), .read = peer_read, .print = peer_print},
	{.key = "port", .type = FIELD_U16, AT(key.port), .lo = 1, .none = "any"},
	{.key = "lport", .type = FIELD_U16, AT(key.lport), .lo = 1, .none = "any"},
	{.key = "send", .type = FIELD_U8, AT(key.send_id)},
	{.key = "recv", .type = FIELD_U8, AT(key.recv_id)},
	{.key = "alg", .type = FIELD_OWN, AT(key), .read = alg_read, .print = alg_print},
	{.key = "bare", .type = FIELD_BOOL, AT(key.bare)},
	{.key = "key", .type = FIELD_OWN, AT(master), .read = master_read, .print = master_print},
};
const size_t nao_fields = ARRAY_LEN(ao_fields);

static bool one_read(struct doc *d, const struct node *y, struct ao_spec *s)
{
	static const char *const needed[] = {"send", "recv", "key"};

	*s = (struct ao_spec){.key.alg = &tls_ao_hmac_sha1};
	if (!map_expect(d, y, "a key, as in {peer: 10.0.0.2, send: 1, recv: 2, key: \"a secret\"}") ||
	    !fields_read(d, y, ao_fields, nao_fields, s))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (!doc_find(d, y, needed[i]))
			return doc_fail(d, y, "got a key without `%s`, expected `send`, `recv` and `key`", needed[i]);
	return true;
}

bool ao_specs_read(struct doc *d, const struct node *y, void *to)
{
	struct ao_specs *all = to;

	all->n = 0;
	if (!list_expect(d, y, "a list of keys, as in [{send: 1, recv: 2, key: \"a secret\"}]"))
		return false;
	if (y->n > AO_SPECS)
		return doc_fail(d, y, "got %u keys, expected at most %d", y->n, AO_SPECS);
	for (const struct node *n = doc_first(d, y); n; n = doc_next(d, n))
		if (!one_read(d, n, &all->spec[all->n++]))
			return false;
	return true;
}

void ao_specs_print(FILE *to, const void *from)
{
	const struct ao_specs *all = from;

	fputc('[', to);
	for (uint8_t i = 0; i < all->n; i++) {
		fputs(i ? ", " : "", to);
		fields_print_inline(to, ao_fields, nao_fields, &all->spec[i]);
	}
	fputc(']', to);
}

bool ao_specs_scan(struct ao_specs *all, const char *text, char *err, size_t cap)
{
	char map[600];
	struct doc d;

	if (all->n == AO_SPECS || snprintf(map, sizeof(map), "{%s}", text) >= (int)sizeof(map)) {
		snprintf(err, cap, "got too many keys, or too long a text, expected at most %d", AO_SPECS);
		return false;
	}
	bool ok = doc_parse(&d, "", map, strlen(map), err, cap) && one_read(&d, doc_root(&d), &all->spec[all->n]);

	doc_free(&d);
	all->n += ok;
	const char *what = ok ? NULL : strstr(err, ": "); /* there is no file and no line */

	if (what)
		memmove(err, what + 2, strlen(what + 2) + 1);
	return ok;
}

int ao_specs_give(const struct ao_specs *all, struct stack *s)
{
	for (uint8_t i = 0; i < all->n; i++) {
		struct ao_key k = all->spec[i].key;

		k.master = all->spec[i].master;
		k.master_len = strlen(all->spec[i].master);
		int err = stack_ao_add(s, &k);

		if (err)
			return err;
	}
	return 0;
}
