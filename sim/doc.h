/* A YAML text as a tree, by libyaml. A small YAML on purpose: one document, no anchors, aliases or
 * tags; mappings have plain, distinct keys; text holds no control characters. Depth, size and
 * number of nodes are bounded, and nothing recurses on the depth of the input.
 *
 * Every message reads `file:line:column: what, what was expected`. The first one counts. */
#ifndef SIM_DOC_H
#define SIM_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DOC_FILE_MAX (8u << 20)
#define DOC_DEPTH_MAX 12
#define DOC_NODES_MAX 500000
#define DOC_TEXT_MAX 4096 /* of one scalar */

enum node_type { NODE_TEXT, NODE_MAP, NODE_LIST };

struct doc;

struct node {
	uint32_t line, column; /* from 1 */
	uint32_t text, key;    /* offsets into the tree's text; key of an entry in a mapping */
	uint32_t key_line, key_column;
	uint32_t first, last, next; /* indices; 0: none */
	uint32_t n;                 /* children */
	uint8_t type;               /* enum node_type */
	bool quoted;
	uint16_t source; /* 0: the file; n: the n-th --set */
};

struct doc {
	struct node *node; /* [0] unused, [1] the root */
	uint32_t n, cap;
	char *text;
	size_t text_len, text_cap;
	const char *file; /* lent; for messages */
	uint16_t sources;
	char *err; /* lent; "" until something failed */
	size_t err_cap;
};

/* err (cap bytes) gets the first message. False: not YAML, or not our YAML. */
bool doc_load(struct doc *, const char *file, char *err, size_t cap);
bool doc_parse(struct doc *, const char *name, const void *bytes, size_t len, char *err,
	       size_t cap);
void doc_free(struct doc *);

/* `assignment` is PATH=VALUE, as in `links.dsl.loss=1%`: keys separated by points, elements of
 * lists by number from 1 or by their `name`; VALUE is YAML. Missing keys are added. */
bool doc_set(struct doc *, const char *assignment);

/* Gives a node another text. */
bool doc_retext(struct doc *, struct node *, const char *text);

static inline const char *doc_text(const struct doc *t, const struct node *y)
{
	return t->text + y->text;
}

static inline const char *doc_key(const struct doc *t, const struct node *y)
{
	return t->text + y->key;
}

static inline const struct node *doc_root(const struct doc *t)
{
	return &t->node[1];
}

static inline const struct node *doc_first(const struct doc *t, const struct node *y)
{
	return y->first ? &t->node[y->first] : NULL;
}

static inline const struct node *doc_next(const struct doc *t, const struct node *y)
{
	return y->next ? &t->node[y->next] : NULL;
}

const struct node *doc_find(const struct doc *, const struct node *map, const char *key);
/* What stands there, for messages: its text quoted and cut, or "a mapping". */
const char *doc_shown(const struct doc *, const struct node *, char to[64]);
/* Both give false. At the value, or at its key. */
bool doc_fail(struct doc *, const struct node *, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool doc_fail_key(struct doc *, const struct node *, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Text safe to show: printable, quoted with ` `, cut after 40 bytes. */
const char *text_shown(const char *text, char to[64]);

#endif
