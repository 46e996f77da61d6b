/* See tcp_fields.h. Names, kinds and bounds are those of stack/config.c. */
#include "tcp_fields.h"

#include <stdio.h>
#include <string.h>

#include "../stack/base/check.h"
#include "../stack/config.h"
#include "units.h"
#include "words.h"

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

static bool key_read(struct doc *d, const struct node *y, void *to)
{
	static const char digits[] = "0123456789abcdef";
	struct tcp_config *c = to;
	const char *text = y->type == NODE_TEXT ? doc_text(d, y) : "";
	char shown[64];

	memset(c->fastopen_key, 0, sizeof(c->fastopen_key));
	if (strcmp(text, "random") == 0)
		return true;
	if (strlen(text) != 2 * sizeof(c->fastopen_key) || strspn(text, digits) != strlen(text))
		return doc_fail(d, y, "fastopen_key: got %s, expected random, or 32 hexadecimal digits in quotes",
				doc_shown(d, y, shown));
	for (size_t i = 0; text[i]; i++)
		c->fastopen_key[i / 2] = (uint8_t)(c->fastopen_key[i / 2] << 4 | (strchr(digits, text[i]) - digits));
	return true;
}

static void key_print(FILE *to, const void *from)
{
	static const uint8_t drawn[16];
	const struct tcp_config *c = from;

	if (memcmp(c->fastopen_key, drawn, sizeof(drawn)) == 0) {
		fputs("random", to);
		return;
	}
	fputc('"', to);
	for (size_t i = 0; i < sizeof(c->fastopen_key); i++)
		fprintf(to, "%02x", c->fastopen_key[i]);
	fputc('"', to);
}

static enum field_type type_of(const struct tcp_setting *s)
{
	switch ((enum tcp_setting_kind)s->kind) {
	case SETTING_BOOL:
		return FIELD_BOOL;
	case SETTING_COUNT:
		return s->size == 1 ? FIELD_U8 : s->size == 2 ? FIELD_U16 : FIELD_U32;
	case SETTING_BYTES:
		return FIELD_SIZE32;
	case SETTING_TIME:
		return FIELD_TIME;
	case SETTING_WORD:
		break;
	}
	return s->size == 1 ? FIELD_ENUM8 : FIELD_ENUM;
}

#define TCP_FIELDS_MAX 128

/* A key for each setting (stack/config.h), and the two that no number can say. */
const struct field *tcp_fields(size_t *n)
{
	static struct field field[TCP_FIELDS_MAX];

	assert(tcp_settings_count + 2 <= TCP_FIELDS_MAX);
	*n = tcp_settings_count + 2;
	if (field[0].key)
		return field;
	for (size_t i = 0; i < tcp_settings_count; i++) {
		const struct tcp_setting *s = &tcp_settings[i];

		field[i] = (struct field){.key = s->name, .type = type_of(s), .at = s->at, .lo = (uint64_t)s->lo,
					  .hi = (uint64_t)s->hi, .words = s->words, .none = s->none,
					  .none_value = (uint64_t)s->none_value};
	}
	field[*n - 2] = (struct field){.key = "fastopen_key", .type = FIELD_OWN, .read = key_read, .print = key_print};
	field[*n - 1] = (struct field){.key = "isn", .type = FIELD_OWN, .read = isn_read, .print = isn_print};
	return field;
}

static bool tcp_check(struct doc *d, const struct node *y, const struct tcp_config *c)
{
	const char *fault = tcp_config_fault(c);

	if (fault)
		return doc_fail(d, y, "tcp: %s", fault);
	if (c->rcvbuf_max && c->rcvbuf_max < c->rcvbuf)
		return doc_fail(d, y, "tcp: got rcvbuf_max under rcvbuf, expected at least that");
	if (c->dsack && !c->sack && doc_find(d, y, "dsack"))
		return doc_fail(d, y, "tcp: got dsack without sack, expected both");
	return true;
}

bool tcp_fields_read(struct doc *d, const struct node *y, void *to)
{
	size_t n;
	const struct field *f = tcp_fields(&n);

	return fields_read(d, y, f, n, to) && tcp_check(d, y, to);
}

void tcp_fields_print(FILE *to, const void *from)
{
	size_t n;
	const struct field *f = tcp_fields(&n);

	fputc('\n', to);
	fields_print(to, "      ", f, n, from);
}

bool tcp_field_set(struct tcp_config *c, const char *key, const char *value, char *err, size_t cap)
{
	const struct field *f;
	struct tcp_config changed = *c;
	struct doc d;
	size_t n, i = 0;

	f = tcp_fields(&n);
	while (i < n && strcmp(f[i].key, key) != 0)
		i++;
	if (i == n) {
		const char *known[TCP_FIELDS_MAX], *near;

		for (i = 0; i < n; i++)
			known[i] = f[i].key;
		near = word_nearest(key, known, n);
		snprintf(err, cap, "%.60s: no such setting, expected %s%s", key, near ? "perhaps " : "a key below `tcp:` of scenarios",
			 near ? near : "");
		return false;
	}
	if (!*value) {
		snprintf(err, cap, "%.60s: got nothing, expected a value", key);
		return false;
	}
	bool ok = doc_parse(&d, "", value, strlen(value), err, cap) && field_read(&d, doc_root(&d), &f[i], &changed) &&
		  tcp_check(&d, doc_root(&d), &changed);

	doc_free(&d);
	if (ok) {
		*c = changed;
		return true;
	}
	const char *what = strstr(err, ": "); /* there is no file and no line */

	if (what)
		memmove(err, what + 2, strlen(what + 2) + 1);
	return false;
}
