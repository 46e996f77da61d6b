/* Builds the tree from libyaml's events with a stack of its own. Duplicate keys are refused here,
 * since libyaml lets them pass. */
#include "doc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "../stack/base/check.h"

struct builder {
	struct doc *tree;
	yaml_parser_t parser;
	uint32_t open[DOC_DEPTH_MAX];
	uint32_t depth;
	bool have_key; /* a mapping's key was read, its value comes next */
	uint32_t key, key_line, key_column;
	uint32_t root; /* of what is being parsed; 0: nothing yet */
	uint32_t documents;
};

/* ---- messages ---- */

static bool say(struct doc *t, uint16_t source, uint32_t line, uint32_t column, const char *format,
		va_list ap)
{
	char what[400];

	if (t->err[0])
		return false;
	vsnprintf(what, sizeof(what), format, ap);
	if (source)
		snprintf(t->err, t->err_cap, "--set %u:%u:%u: %s", source, line, column, what);
	else
		snprintf(t->err, t->err_cap, "%s:%u:%u: %s", t->file, line, column, what);
	return false;
}

static bool fail_at(struct doc *t, uint16_t source, uint32_t line, uint32_t column,
		    const char *format, ...) __attribute__((format(printf, 5, 6)));

static bool fail_at(struct doc *t, uint16_t source, uint32_t line, uint32_t column,
		    const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say(t, source, line, column, format, ap);
	va_end(ap);
	return false;
}

bool doc_fail(struct doc *t, const struct node *y, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say(t, y->source, y->line, y->column, format, ap);
	va_end(ap);
	return false;
}

bool doc_fail_key(struct doc *t, const struct node *y, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say(t, y->source, y->key_line, y->key_column, format, ap);
	va_end(ap);
	return false;
}

const char *text_shown(const char *text, char to[64])
{
	size_t n = 0;

	to[n++] = '`';
	for (; *text && n < 41; text++)
		to[n++] = *text >= ' ' && *text < 127 ? *text : '?';
	if (*text)
		n += (size_t)sprintf(to + n, "...");
	to[n++] = '`';
	to[n] = 0;
	return to;
}

const char *doc_shown(const struct doc *t, const struct node *y, char to[64])
{
	if (y->type == NODE_MAP)
		return "a mapping";
	if (y->type == NODE_LIST)
		return "a list";
	return text_shown(doc_text(t, y), to);
}

/* ---- memory ---- */

static bool out_of_memory(struct doc *t)
{
	return fail_at(t, t->sources, 1, 1, "out of memory");
}

/* Offset of a copy; 0 when memory is short (offset 0 holds ""). */
static uint32_t add_text(struct doc *t, const char *text, size_t len)
{
	if (t->text_len + len + 1 > t->text_cap) {
		size_t cap = 2 * (t->text_cap + len + 64);
		char *more = realloc(t->text, cap);

		if (!more)
			return 0;
		t->text = more;
		t->text_cap = cap;
	}
	uint32_t at = (uint32_t)t->text_len;

	memcpy(t->text + at, text, len);
	t->text[at + len] = 0;
	t->text_len += len + 1;
	return at;
}

/* Index of a new node, 0 when there may be no more. */
static uint32_t add_node(struct doc *t, const yaml_mark_t *at)
{
	if (t->n == t->cap) {
		uint32_t cap = t->cap ? 2 * t->cap : 256;
		struct node *more = realloc(t->node, cap * sizeof(*more));

		if (!more)
			return 0;
		t->node = more;
		t->cap = cap;
	}
	t->node[t->n] = (struct node){.line = (uint32_t)at->line + 1,
				      .column = (uint32_t)at->column + 1,
				      .source = t->sources};
	return t->n++;
}

/* ---- events to nodes ---- */

static bool text_is_clean(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c < ' ' || c == 127 ||
		    (c == 0xc2 && i + 1 < len && (unsigned char)s[i + 1] < 0xa0))
			return false;
	}
	return true;
}

static bool check_scalar(struct builder *b, const yaml_event_t *e)
{
	const yaml_mark_t *m = &e->start_mark;
	uint32_t line = (uint32_t)m->line + 1, column = (uint32_t)m->column + 1;

	if (e->data.scalar.anchor || e->data.scalar.tag)
		return fail_at(b->tree, b->tree->sources, line, column,
			       "got an anchor or a tag, expected plain YAML without them");
	if (e->data.scalar.length > DOC_TEXT_MAX)
		return fail_at(b->tree, b->tree->sources, line, column,
			       "got a text of %zu bytes, expected at most %u",
			       e->data.scalar.length, DOC_TEXT_MAX);
	if (!text_is_clean((const char *)e->data.scalar.value, e->data.scalar.length))
		return fail_at(b->tree, b->tree->sources, line, column,
			       "got a control character, expected printable text on one line");
	return true;
}

/* Hangs the node where the parser stands. */
static void attach(struct builder *b, uint32_t i)
{
	struct node *node = b->tree->node, *y = &node[i];

	if (b->depth == 0) {
		b->root = i;
		return;
	}
	struct node *parent = &node[b->open[b->depth - 1]];

	if (parent->last)
		node[parent->last].next = i;
	else
		parent->first = i;
	parent->last = i;
	parent->n++;
	y->key = b->key;
	y->key_line = b->key_line;
	y->key_column = b->key_column;
	b->have_key = false;
	b->key = 0;
}

static bool in_map(const struct builder *b)
{
	return b->depth > 0 && b->tree->node[b->open[b->depth - 1]].type == NODE_MAP;
}

static bool on_scalar(struct builder *b, const yaml_event_t *e)
{
	struct doc *t = b->tree;

	if (!check_scalar(b, e))
		return false;
	uint32_t text = add_text(t, (const char *)e->data.scalar.value, e->data.scalar.length);

	if (!text)
		return out_of_memory(t);
	if (in_map(b) && !b->have_key) {
		b->have_key = true;
		b->key = text;
		b->key_line = (uint32_t)e->start_mark.line + 1;
		b->key_column = (uint32_t)e->start_mark.column + 1;
		return true;
	}
	uint32_t i = add_node(t, &e->start_mark);

	if (!i)
		return out_of_memory(t);
	t->node[i].type = NODE_TEXT;
	t->node[i].text = text;
	t->node[i].quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	attach(b, i);
	return true;
}

static bool on_start(struct builder *b, const yaml_event_t *e, enum node_type type)
{
	struct doc *t = b->tree;
	uint32_t line = (uint32_t)e->start_mark.line + 1,
		 column = (uint32_t)e->start_mark.column + 1;
	bool decorated = type == NODE_MAP
			     ? e->data.mapping_start.anchor || e->data.mapping_start.tag
			     : e->data.sequence_start.anchor || e->data.sequence_start.tag;

	if (decorated)
		return fail_at(t, t->sources, line, column,
			       "got an anchor or a tag, expected plain YAML without them");
	if (in_map(b) && !b->have_key)
		return fail_at(t, t->sources, line, column,
			       "got a list or mapping as a key, expected a word");
	if (b->depth == DOC_DEPTH_MAX)
		return fail_at(t, t->sources, line, column,
			       "nested too deeply, expected at most %u levels", DOC_DEPTH_MAX);
	if (t->n >= DOC_NODES_MAX)
		return fail_at(t, t->sources, line, column, "too many entries, expected at most %u",
			       DOC_NODES_MAX);
	uint32_t i = add_node(t, &e->start_mark);

	if (!i)
		return out_of_memory(t);
	t->node[i].type = (uint8_t)type;
	attach(b, i);
	b->open[b->depth++] = i;
	return true;
}

struct key_ref {
	const char *text;
	uint32_t node;
};

static int by_text(const void *a, const void *b)
{
	const struct key_ref *x = a, *y = b;
	int c = strcmp(x->text, y->text);

	return c ? c : (x->node > y->node) - (x->node < y->node);
}

static bool on_end(struct builder *b)
{
	struct doc *t = b->tree;
	const struct node *map = &t->node[b->open[--b->depth]];
	char shown[64];

	if (map->type != NODE_MAP || map->n < 2)
		return true;
	struct key_ref *keys = malloc(map->n * sizeof(*keys));
	uint32_t n = 0;
	bool ok = true;

	if (!keys)
		return out_of_memory(t);
	for (const struct node *y = doc_first(t, map); y; y = doc_next(t, y))
		keys[n++] = (struct key_ref){doc_key(t, y), (uint32_t)(y - t->node)};
	qsort(keys, n, sizeof(*keys), by_text);
	for (uint32_t i = 1; i < n && ok; i++)
		if (strcmp(keys[i - 1].text, keys[i].text) == 0)
			ok = doc_fail_key(t, &t->node[keys[i].node],
					  "got the key %s twice, expected each once",
					  text_shown(keys[i].text, shown));
	free(keys);
	return ok;
}

static bool on_event(struct builder *b, const yaml_event_t *e)
{
	struct doc *t = b->tree;
	uint32_t line = (uint32_t)e->start_mark.line + 1,
		 column = (uint32_t)e->start_mark.column + 1;

	switch (e->type) {
	case YAML_SCALAR_EVENT:
		if (t->n >= DOC_NODES_MAX)
			return fail_at(t, t->sources, line, column,
				       "too many entries, expected at most %u", DOC_NODES_MAX);
		return on_scalar(b, e);
	case YAML_MAPPING_START_EVENT:
		return on_start(b, e, NODE_MAP);
	case YAML_SEQUENCE_START_EVENT:
		return on_start(b, e, NODE_LIST);
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		return on_end(b);
	case YAML_ALIAS_EVENT:
		return fail_at(t, t->sources, line, column,
			       "got an alias, expected plain YAML without them");
	case YAML_DOCUMENT_START_EVENT:
		if (b->documents++ > 0)
			return fail_at(t, t->sources, line, column,
				       "got a second document, expected one");
		return true;
	default:
		return true;
	}
}

/* libyaml gives an offset for what cannot be decoded, a mark for what cannot be parsed. */
static bool syntax_error(struct builder *b, const char *bytes, size_t len)
{
	const yaml_parser_t *p = &b->parser;
	const char *problem = p->problem ? p->problem : "not YAML";

	if (p->error == YAML_MEMORY_ERROR)
		return out_of_memory(b->tree);
	if (p->error != YAML_READER_ERROR)
		return fail_at(b->tree, b->tree->sources, (uint32_t)p->problem_mark.line + 1,
			       (uint32_t)p->problem_mark.column + 1, "%s, expected YAML", problem);
	uint32_t line = 1, column = 1;

	for (size_t i = 0; i < p->problem_offset && i < len; i++) {
		column++;
		if (bytes[i] == '\n')
			line++, column = 1;
	}
	return fail_at(b->tree, b->tree->sources, line, column, "%s, expected printable UTF-8",
		       problem);
}

/* Index of the root of what `bytes` say; 0 and a message when they say nothing good. */
static uint32_t parse_into(struct doc *t, const char *bytes, size_t len)
{
	struct builder b = {.tree = t};
	yaml_event_t e;
	bool ok = true, end = false;

	if (!yaml_parser_initialize(&b.parser)) {
		out_of_memory(t);
		return 0;
	}
	yaml_parser_set_input_string(&b.parser, (const unsigned char *)bytes, len);
	while (ok && !end) {
		if (!yaml_parser_parse(&b.parser, &e)) {
			ok = syntax_error(&b, bytes, len);
			break;
		}
		ok = on_event(&b, &e);
		end = e.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&e);
	}
	yaml_parser_delete(&b.parser);
	if (ok && !b.root)
		fail_at(t, t->sources, 1, 1, "nothing there, expected YAML");
	return ok ? b.root : 0;
}

bool doc_parse(struct doc *t, const char *name, const void *bytes, size_t len, char *err,
	       size_t cap)
{
	static const yaml_mark_t start;

	*t = (struct doc){.file = name, .err = err, .err_cap = cap};
	err[0] = 0;
	if (len > DOC_FILE_MAX)
		return fail_at(t, 0, 1, 1, "got %zu bytes, expected at most %u", len, DOC_FILE_MAX);
	t->text = calloc(1, 64);
	t->text_cap = t->text ? 64 : 0;
	t->text_len = 1;
	add_node(t, &start);
	if (!t->text || !t->node)
		return out_of_memory(t);
	return parse_into(t, bytes, len) != 0;
}

bool doc_load(struct doc *t, const char *file, char *err, size_t cap)
{
	FILE *f = fopen(file, "rb");
	char *bytes = malloc(DOC_FILE_MAX + 1);
	size_t len = 0;
	bool ok;

	*t = (struct doc){.file = file, .err = err, .err_cap = cap};
	err[0] = 0;
	if (f && bytes)
		len = fread(bytes, 1, DOC_FILE_MAX + 1, f);
	if (!f || !bytes || ferror(f))
		ok = fail_at(t, 0, 1, 1, "cannot be read, expected a file");
	else
		ok = doc_parse(t, file, bytes, len, err, cap);
	if (f)
		fclose(f);
	free(bytes);
	return ok;
}

void doc_free(struct doc *t)
{
	free(t->node);
	free(t->text);
	*t = (struct doc){0};
}

bool doc_retext(struct doc *t, struct node *y, const char *text)
{
	uint32_t at = add_text(t, text, strlen(text));

	if (!at)
		return out_of_memory(t);
	y->text = at;
	return true;
}

const struct node *doc_find(const struct doc *t, const struct node *map, const char *key)
{
	if (map->type != NODE_MAP)
		return NULL;
	for (const struct node *y = doc_first(t, map); y; y = doc_next(t, y))
		if (strcmp(doc_key(t, y), key) == 0)
			return y;
	return NULL;
}

/* ---- --set ---- */

static uint32_t index_of(const struct doc *t, const struct node *y)
{
	return y ? (uint32_t)(y - t->node) : 0;
}

/* The child of a mapping by key, of a list by its number from 1 or by its `name`; 0: none. */
static uint32_t child(const struct doc *t, uint32_t parent, const char *step)
{
	const struct node *p = &t->node[parent], *y, *name;
	char *end;

	if (p->type == NODE_MAP)
		return index_of(t, doc_find(t, p, step));
	if (p->type != NODE_LIST)
		return 0;
	unsigned long number = strtoul(step, &end, 10);

	for (y = doc_first(t, p); y; y = doc_next(t, y)) {
		name = doc_find(t, y, "name");
		if (name && name->type == NODE_TEXT && strcmp(doc_text(t, name), step) == 0)
			return index_of(t, y);
	}
	for (y = doc_first(t, p); y && !*end && number > 1; number--)
		y = doc_next(t, y);
	return y && !*end && number == 1 ? index_of(t, y) : 0;
}

/* A new last child of a mapping, under this key. */
static uint32_t add_child(struct doc *t, uint32_t parent, const char *key)
{
	static const yaml_mark_t start;
	uint32_t text = add_text(t, key, strlen(key)), i = add_node(t, &start);

	if (!text || !i) {
		out_of_memory(t);
		return 0;
	}
	struct node *p = &t->node[parent];

	if (p->last)
		t->node[p->last].next = i;
	else
		p->first = i;
	p->last = i;
	p->n++;
	t->node[i].type = NODE_MAP;
	t->node[i].key = text;
	t->node[i].key_line = t->node[i].key_column = 1;
	return i;
}

/* A new last entry of a list; what was just made for the path becomes one. */
static uint32_t add_entry(struct doc *t, uint32_t list)
{
	uint32_t i = add_child(t, list, "");

	if (i) {
		t->node[list].type = NODE_LIST;
		t->node[i].key = 0;
	}
	return i;
}

/* Follows the path, adding what is missing; `+` is a new entry of a list. 0 and a message when it leads nowhere. */
static uint32_t walk(struct doc *t, const char *path, size_t len)
{
	uint32_t at = 1;
	char step[64], shown[64];

	while (len > 0) {
		const char *point = memchr(path, '.', len);
		size_t n = point ? (size_t)(point - path) : len;

		if (n == 0 || n >= sizeof(step)) {
			fail_at(t, t->sources, 1, 1,
				"got an empty or endless step, expected PATH=VALUE");
			return 0;
		}
		memcpy(step, path, n);
		step[n] = 0;
		uint32_t next = child(t, at, step);

		if (!next && strcmp(step, "+") == 0 && (t->node[at].type == NODE_LIST || t->node[at].n == 0))
			next = add_entry(t, at);
		else if (!next && t->node[at].type == NODE_MAP)
			next = add_child(t, at, step);
		if (!next) {
			fail_at(t, t->sources, 1, 1,
				"nothing is called %s there, expected a key, a name "
				"or a number in a list",
				text_shown(step, shown));
			return 0;
		}
		at = next;
		path += n + (point != NULL);
		len -= n + (point != NULL);
	}
	return at;
}

bool doc_set(struct doc *t, const char *assignment)
{
	const char *equals = strchr(assignment, '=');

	t->sources++;
	if (!equals || equals == assignment)
		return fail_at(t, t->sources, 1, 1, "got no `=`, expected PATH=VALUE");
	uint32_t value = parse_into(t, equals + 1, strlen(equals + 1));
	uint32_t at = value ? walk(t, assignment, (size_t)(equals - assignment)) : 0;

	if (!at)
		return false;
	/* The value takes the place of what was there, under the same key. */
	struct node old = t->node[at];

	t->node[at] = t->node[value];
	t->node[at].next = old.next;
	t->node[at].key = old.key;
	t->node[at].key_line = old.key_line;
	t->node[at].key_column = old.key_column;
	return true;
}
