/* The scanner of scripts, and the arena in which a script lives. For script_parse.c alone. */
#ifndef SCRIPT_SCAN_H
#define SCRIPT_SCAN_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../stack/base/time.h"

enum tok_kind {
	TOK_END, TOK_NUM, TOK_HEX, TOK_WORD, TOK_STRING, TOK_COMMAND, TOK_CODE, TOK_ELLIPSIS, TOK_PUNCT,
};

struct tok {
	enum tok_kind kind;
	const char *s; /* the text, without quotes or brackets */
	size_t len;
	int line, col;
	bool fraction; /* a TOK_NUM with a point */
	int64_t v;     /* TOK_NUM without fraction and TOK_HEX; saturated */
	char c;        /* TOK_PUNCT */
};

struct scan_define {
	const char *name, *value; /* value NULL: for #ifdef alone */
	struct scan_define *next;
};

struct arena {
	void *blocks; /* singly linked; the first word of each is the next */
	char *at;
	size_t room;
	bool failed;
};

void *arena_get(struct arena *, size_t n); /* zeroed; NULL: out of memory, and `failed` is set */
char *arena_text(struct arena *, const char *s, size_t len);
void arena_free(struct arena *);

struct scan {
	const char *path, *p, *end, *line_start;
	int line;
	struct tok t;           /* the token to be looked at */
	struct scan_define *defines;
	struct arena *arena;
	char *err;
	size_t cap;
	bool failed;
};

void scan_init(struct scan *, const char *text, size_t len, const char *path, struct arena *,
	       char *err, size_t cap); /* scan_next gives the first token */
void scan_next(struct scan *);
/* The rest of the line from the current token on, up to white space: the value of an option. */
void scan_raw_value(struct scan *, const char **s, size_t *len);

/* The first error stands; afterwards the current token is TOK_END. Always false. */
bool scan_fail(struct scan *, int line, int col, const char *what, ...)
	__attribute__((format(printf, 4, 5)));
bool scan_expected(struct scan *, const char *what); /* "found X, expected <what>" at the token */

bool scan_is(const struct scan *, char punct);
bool scan_word_is(const struct scan *, const char *word);
bool scan_take(struct scan *, char punct);               /* true and next if it is there */
bool scan_take_word(struct scan *, const char *word);
bool scan_want(struct scan *, char punct);
bool scan_int(struct scan *, const char *what, int64_t lo, int64_t hi, int64_t *v);
bool scan_time(struct scan *, ns_t *t);                  /* seconds, at most nine decimals */

#endif
