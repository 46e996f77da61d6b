/* Reading and printing by tables. */
#include "fields.h"

#include <stdlib.h>
#include <string.h>

#include "../stack/base/check.h"
#include "units.h"
#include "words.h"

/* ---- reading ---- */

bool text_read(struct doc *d, const struct node *y, const char *what, const char **text)
{
	char shown[64];

	if (y->type != NODE_TEXT)
		return doc_fail(d, y, "got %s, expected %s", doc_shown(d, y, shown), what);
	*text = doc_text(d, y);
	return true;
}

bool map_expect(struct doc *d, const struct node *y, const char *what)
{
	char shown[64];

	return y->type == NODE_MAP ||
	       doc_fail(d, y, "got %s, expected %s", doc_shown(d, y, shown), what);
}

bool list_expect(struct doc *d, const struct node *y, const char *what)
{
	char shown[64];

	return y->type == NODE_LIST ||
	       doc_fail(d, y, "got %s, expected %s", doc_shown(d, y, shown), what);
}

#define KNOWN_MAX 128

bool key_unknown(struct doc *d, const struct node *y, const char *const *known, size_t n)
{
	char shown[64], list[300];
	const char *key = doc_key(d, y), *near = word_nearest(key, known, n);
	size_t len = 0;

	if (near)
		return doc_fail_key(d, y, "got the key %s, expected perhaps `%s`",
				    text_shown(key, shown), near);
	list[0] = 0;
	for (size_t i = 0; i < n && len < sizeof(list) - 40; i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", i ? ", " : "",
					known[i]);
	return doc_fail_key(d, y, "got the key %s, expected one of: %s", text_shown(key, shown),
			    list);
}

bool word_read(struct doc *d, const struct node *y, const char *const *words, int *which)
{
	char shown[64], list[300];
	size_t len = 0;

	for (int i = 0; words[i]; i++) {
		if (y->type == NODE_TEXT && strcmp(doc_text(d, y), words[i]) == 0) {
			*which = i;
			return true;
		}
		if (len < sizeof(list) - 40)
			len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
						i ? ", " : "", words[i]);
	}
	return doc_fail(d, y, "got %s, expected %s%s", doc_shown(d, y, shown),
			words[1] ? "one of: " : "", list);
}

static void store(void *to, enum field_type type, uint64_t v)
{
	switch (type) {
	case FIELD_BOOL:
		*(bool *)to = v;
		break;
	case FIELD_U8:
	case FIELD_ENUM8:
		*(uint8_t *)to = (uint8_t)v;
		break;
	case FIELD_U16:
		*(uint16_t *)to = (uint16_t)v;
		break;
	case FIELD_U32:
	case FIELD_SIZE32:
	case FIELD_SHARE:
		*(uint32_t *)to = (uint32_t)v;
		break;
	case FIELD_TIME:
		*(ns_t *)to = (ns_t)v;
		break;
	case FIELD_ENUM: {
		/* enums of C11 without negative values are unsigned int or int: same size */
		unsigned e = (unsigned)v;

		memcpy(to, &e, sizeof(e));
		break;
	}
	default:
		*(uint64_t *)to = v;
	}
}

static uint64_t load(const void *from, enum field_type type)
{
	switch (type) {
	case FIELD_BOOL:
		return *(const bool *)from;
	case FIELD_U8:
	case FIELD_ENUM8:
		return *(const uint8_t *)from;
	case FIELD_U16:
		return *(const uint16_t *)from;
	case FIELD_U32:
	case FIELD_SIZE32:
	case FIELD_SHARE:
		return *(const uint32_t *)from;
	case FIELD_TIME:
		return (uint64_t) * (const ns_t *)from;
	case FIELD_ENUM: {
		unsigned e;

		memcpy(&e, from, sizeof(e));
		return e;
	}
	default:
		return *(const uint64_t *)from;
	}
}

static uint64_t widest(enum field_type type)
{
	switch (type) {
	case FIELD_U8:
		return UINT8_MAX;
	case FIELD_U16:
		return UINT16_MAX;
	case FIELD_U32:
	case FIELD_SIZE32:
		return UINT32_MAX;
	default:
		return UINT64_MAX;
	}
}

static const char *print_value(char *to, enum field_type type, uint64_t v)
{
	switch (type) {
	case FIELD_TIME:
		return unit_print_time(to, (ns_t)v);
	case FIELD_RATE:
		return unit_print_rate(to, v);
	case FIELD_SIZE32:
	case FIELD_SIZE64:
		return unit_print_size(to, v);
	case FIELD_SHARE:
		return unit_print_share(to, (uint32_t)v);
	case FIELD_BOOL:
		return v ? "true" : "false";
	default:
		snprintf(to, UNIT_TEXT, "%llu", (unsigned long long)v);
		return to;
	}
}

/* The text in the form of the type: NULL, or what was expected. */
static const char *parse_value(enum field_type type, const char *text, uint64_t *v)
{
	const char *expected;
	uint32_t share;
	ns_t t;

	switch (type) {
	case FIELD_TIME:
		expected = unit_time(text, &t);
		*v = expected ? 0 : (uint64_t)t;
		return expected;
	case FIELD_RATE:
		return unit_rate(text, v);
	case FIELD_SIZE32:
	case FIELD_SIZE64:
		return unit_size(text, v);
	case FIELD_SHARE:
		expected = unit_share(text, &share);
		*v = expected ? 0 : share;
		return expected;
	case FIELD_BOOL:
		*v = strcmp(text, "true") == 0;
		return *v || strcmp(text, "false") == 0 ? NULL : "true or false";
	default:
		return unit_count(text, v);
	}
}

static bool plain_read(struct doc *d, const struct node *y, const struct field *f, void *to)
{
	uint64_t v, hi = f->hi ? f->hi : widest(f->type);
	char shown[64], lo_text[UNIT_TEXT], hi_text[UNIT_TEXT];
	const char *text = y->type == NODE_TEXT ? doc_text(d, y) : "", *expected;

	if (f->none && strcmp(text, f->none) == 0) {
		store(to, f->type, f->none_value);
		return true;
	}
	expected = y->type == NODE_TEXT ? parse_value(f->type, text, &v) : "a single value";
	if (expected)
		return doc_fail(d, y, "%s: got %s, expected %s%s%s", f->key, doc_shown(d, y, shown),
				expected, f->none ? ", or " : "", f->none ? f->none : "");
	if (v >= f->lo && v <= hi) {
		store(to, f->type, v);
		return true;
	}
	const char * or = f->none ? ", or " : "", *word = f->none ? f->none : "";

	if (hi == UINT64_MAX)
		return doc_fail(d, y, "%s: got %s, expected at least %s%s%s", f->key,
				doc_shown(d, y, shown), print_value(lo_text, f->type, f->lo), or,
				word);
	return doc_fail(d, y, "%s: got %s, expected %s to %s%s%s", f->key, doc_shown(d, y, shown),
			print_value(lo_text, f->type, f->lo), print_value(hi_text, f->type, hi), or,
			word);
}

bool field_read(struct doc *d, const struct node *y, const struct field *f, void *base)
{
	void *to = (char *)base + f->at;
	int which;

	switch (f->type) {
	case FIELD_GROUP:
		if (y->type == NODE_MAP)
			return fields_read(d, y, f->fields, f->nfields, to);
		return f->read ? f->read(d, y, to) : map_expect(d, y, "a mapping");
	case FIELD_OWN:
		return f->read(d, y, to);
	case FIELD_ENUM:
	case FIELD_ENUM8:
		if (!word_read(d, y, f->words, &which))
			return false;
		store(to, f->type, (uint64_t)which);
		return true;
	default:
		return plain_read(d, y, f, to);
	}
}

bool fields_read(struct doc *d, const struct node *map, const struct field *fields, size_t n,
		 void *base)
{
	const char *known[KNOWN_MAX];

	assert(n <= KNOWN_MAX);
	if (!map_expect(d, map, "a mapping"))
		return false;
	for (const struct node *y = doc_first(d, map); y; y = doc_next(d, y)) {
		size_t i = 0;

		while (i < n && strcmp(doc_key(d, y), fields[i].key) != 0)
			i++;
		if (i < n && !field_read(d, y, &fields[i], base))
			return false;
		if (i < n)
			continue;
		for (i = 0; i < n; i++)
			known[i] = fields[i].key;
		return key_unknown(d, y, known, n);
	}
	return true;
}

/* ---- printing ---- */

static void field_print(FILE *to, const struct field *f, const void *base)
{
	const void *from = (const char *)base + f->at;
	char text[UNIT_TEXT];

	if (f->type == FIELD_OWN) {
		f->print(to, from);
		return;
	}
	if (f->type == FIELD_GROUP) {
		fields_print_inline(to, f->fields, f->nfields, from);
		return;
	}
	uint64_t v = load(from, f->type);

	if (f->none && v == f->none_value)
		fputs(f->none, to);
	else if (f->type == FIELD_ENUM || f->type == FIELD_ENUM8)
		fputs(f->words[v], to);
	else
		fputs(print_value(text, f->type, v), to);
}

void field_print_pair(FILE *to, const struct field *f, const void *base)
{
	fprintf(to, "%s: ", f->key);
	field_print(to, f, base);
}

void fields_print(FILE *to, const char *indent, const struct field *f, size_t n, const void *base)
{
	for (size_t i = 0; i < n; i++) {
		if (f[i].type == FIELD_OWN && !f[i].print)
			continue;
		fputs(indent, to);
		field_print_pair(to, &f[i], base);
		fputc('\n', to);
	}
}

void fields_print_inline(FILE *to, const struct field *f, size_t n, const void *base)
{
	fputc('{', to);
	for (size_t i = 0; i < n; i++) {
		fputs(i ? ", " : "", to);
		field_print_pair(to, &f[i], base);
	}
	fputc('}', to);
}
