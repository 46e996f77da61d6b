/* The scanner of scripts: tokens with their place, comments of both dialects, `#ifdef` sections, and
 * symbols from `--define=NAME=value`. Input is hostile: every read is bounded by `end`, numbers
 * saturate, and after the first error there is only TOK_END. */
#include "script_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BLOCK 16384

void *arena_get(struct arena *a, size_t n)
{
	n = (n + 15) & ~(size_t)15;
	if (n > a->room) {
		size_t size = n + 16 > ARENA_BLOCK ? n + 16 : ARENA_BLOCK;
		void **block = calloc(1, size);

		if (!block) {
			a->failed = true;
			return NULL;
		}
		*block = a->blocks;
		a->blocks = block;
		a->at = (char *)block + 16;
		a->room = size - 16;
	}
	void *got = a->at;

	a->at += n;
	a->room -= n;
	return got;
}

char *arena_text(struct arena *a, const char *s, size_t len)
{
	char *to = arena_get(a, len + 1);

	if (to)
		memcpy(to, s, len);
	return to;
}

void arena_free(struct arena *a)
{
	void **block = a->blocks;

	while (block) {
		void **next = *block;

		free(block);
		block = next;
	}
	*a = (struct arena){0};
}

static int column(const struct scan *z, const char *at)
{
	return (int)(at - z->line_start) + 1;
}

bool scan_fail(struct scan *z, int line, int col, const char *what, ...)
{
	if (z->failed)
		return false;
	z->failed = true;
	int n = snprintf(z->err, z->cap, "%s:%d:%d: ", z->path, line, col);
	va_list ap;

	va_start(ap, what);
	if (n > 0 && (size_t)n < z->cap)
		vsnprintf(z->err + n, z->cap - (size_t)n, what, ap);
	va_end(ap);
	z->p = z->end;
	z->t = (struct tok){.kind = TOK_END, .s = z->end, .line = line, .col = col};
	return false;
}

bool scan_expected(struct scan *z, const char *what)
{
	const struct tok *t = &z->t;

	if (t->kind == TOK_END)
		return scan_fail(z, t->line, t->col, "the script ends, expected %s", what);
	if (t->kind == TOK_PUNCT)
		return scan_fail(z, t->line, t->col, "found '%c', expected %s", t->c, what);
	if (t->kind == TOK_ELLIPSIS)
		return scan_fail(z, t->line, t->col, "found '...', expected %s", what);
	return scan_fail(z, t->line, t->col, "found '%.*s', expected %s",
			 (int)(t->len < 40 ? t->len : 40), t->s, what);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static char peek_at(const struct scan *z, size_t i)
{
	return (size_t)(z->end - z->p) > i ? z->p[i] : '\0';
}

static void step(struct scan *z)
{
	if (*z->p == '\n') {
		z->line++;
		z->line_start = z->p + 1;
	}
	z->p++;
}

static void skip_line(struct scan *z)
{
	while (z->p < z->end && *z->p != '\n')
		z->p++;
}

static bool line_begins(const struct scan *z, const char *with)
{
	size_t n = strlen(with);

	return (size_t)(z->end - z->p) >= n && memcmp(z->p, with, n) == 0;
}

static const struct scan_define *find_define(const struct scan *z, const char *name, size_t len)
{
	for (const struct scan_define *d = z->defines; d; d = d->next)
		if (strlen(d->name) == len && memcmp(d->name, name, len) == 0)
			return d;
	return NULL;
}

/* At `#ifdef`: leaves it alone if its name is defined, else skips to its `#endif`. Any other
 * line with `#` in front is a comment. */
static void hash_line(struct scan *z)
{
	bool skip = false;

	if (line_begins(z, "#ifdef")) {
		const char *s = z->p + 6;

		while (s < z->end && (*s == ' ' || *s == '\t'))
			s++;
		size_t n = 0;

		while (s + n < z->end && is_word(s[n]))
			n++;
		skip = !find_define(z, s, n);
	}
	skip_line(z);
	while (skip && z->p < z->end) {
		step(z); /* the newline */
		skip = !line_begins(z, "#endif");
		skip_line(z);
	}
}

/* A comment that fills its line may have a letter or a word stuck to its front: a slip of the hand that
 * stands in a public suite, and can mean nothing else, since no statement has // behind its first word. */
static bool slipped_comment(const struct scan *z)
{
	size_t n = 0;

	if (z->p != z->line_start)
		return false;
	while (is_word(peek_at(z, n)) && !is_digit(peek_at(z, n)))
		n++;
	return n && peek_at(z, n) == '/' && peek_at(z, n + 1) == '/';
}

static void skip_space(struct scan *z)
{
	while (z->p < z->end) {
		char c = *z->p;

		if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
			step(z);
		} else if ((c == '/' && peek_at(z, 1) == '/') || slipped_comment(z)) {
			skip_line(z);
		} else if (c == '#') {
			hash_line(z);
		} else if (c == '/' && peek_at(z, 1) == '*') {
			int line = z->line, col = column(z, z->p);

			z->p += 2;
			while (z->p < z->end && !(*z->p == '*' && peek_at(z, 1) == '/'))
				step(z);
			if (z->p >= z->end) {
				scan_fail(z, line, col, "this comment does not end, expected '*/'");
				return;
			}
			z->p += 2;
		} else {
			return;
		}
	}
}

/* Digits as a number that stays at the ends of its range. */
static int64_t to_int(const char *s, size_t len, unsigned base)
{
	bool neg = len && *s == '-';
	int64_t v = 0;

	for (size_t i = neg; i < len; i++) {
		unsigned d = is_digit(s[i]) ? (unsigned)(s[i] - '0') : (unsigned)((s[i] | 32) - 'a') + 10;

		if (v > (INT64_MAX - (int64_t)d) / (int64_t)base)
			return neg ? INT64_MIN : INT64_MAX;
		v = v * (int64_t)base + (int64_t)d;
	}
	return neg ? -v : v;
}

static void scan_number(struct scan *z)
{
	struct tok *t = &z->t;
	size_t n = *z->p == '-', all;

	while (is_digit(peek_at(z, n)))
		n++;
	if (peek_at(z, n) == '.' && is_digit(peek_at(z, n + 1))) {
		n++;
		while (is_digit(peek_at(z, n)))
			n++;
		t->kind = TOK_NUM;
		t->fraction = true;
		t->len = n;
		z->p += n;
		return;
	}
	all = n;
	while (is_word(peek_at(z, all)))
		all++;
	t->len = all;
	if (all == n) {
		t->kind = TOK_NUM;
		t->v = to_int(t->s, n, 10);
	} else if (n == 1 && *t->s == '0' && t->s[1] == 'x') {
		t->kind = TOK_HEX;
		for (size_t i = 2; i < all; i++)
			if (!is_digit(t->s[i]) && ((t->s[i] | 32) < 'a' || (t->s[i] | 32) > 'f'))
				t->kind = TOK_WORD;
		if (t->kind == TOK_HEX)
			t->v = to_int(t->s + 2, all - 2, 16);
	} else {
		t->kind = TOK_WORD; /* digits of a cookie */
	}
	z->p += all;
}

/* Text up to the closing delimiter; a backslash takes the next character along. */
static void scan_quoted(struct scan *z, enum tok_kind kind, char close, const char *what)
{
	struct tok *t = &z->t;

	step(z);
	t->s = z->p;
	while (z->p < z->end && *z->p != close) {
		if (*z->p == '\\' && z->p + 1 < z->end)
			step(z);
		step(z);
	}
	if (z->p >= z->end) {
		scan_fail(z, t->line, t->col, "this %s does not end, expected '%c'", what, close);
		return;
	}
	t->kind = kind;
	t->len = (size_t)(z->p - t->s);
	z->p++;
}

static void scan_code(struct scan *z)
{
	struct tok *t = &z->t;

	z->p += 2;
	t->s = z->p;
	while (z->p < z->end && !(*z->p == '}' && peek_at(z, 1) == '%'))
		step(z);
	if (z->p >= z->end) {
		scan_fail(z, t->line, t->col, "this code does not end, expected '}%%'");
		return;
	}
	t->kind = TOK_CODE;
	t->len = (size_t)(z->p - t->s);
	z->p += 2;
}

/* A word that is defined with a value becomes what it stands for. */
static void substitute(struct scan *z)
{
	struct tok *t = &z->t;
	const struct scan_define *d = find_define(z, t->s, t->len);

	if (!d || !d->value)
		return;
	const char *v = d->value;
	size_t n = strlen(v);

	t->s = v;
	t->len = n;
	if (n >= 2 && (*v == '"' || *v == '`') && v[n - 1] == *v) {
		t->kind = *v == '"' ? TOK_STRING : TOK_COMMAND;
		t->s++;
		t->len -= 2;
	} else if (n && strspn(v, "0123456789") == n) {
		t->kind = TOK_NUM;
		t->v = to_int(v, n, 10);
	} else if (n > 2 && memcmp(v, "0x", 2) == 0 &&
		   strspn(v + 2, "0123456789abcdefABCDEF") == n - 2) {
		t->kind = TOK_HEX;
		t->v = to_int(v + 2, n - 2, 16);
	}
}

void scan_next(struct scan *z)
{
	if (z->failed)
		return;
	skip_space(z);
	if (z->failed)
		return;
	z->t = (struct tok){.kind = TOK_END, .s = z->p, .line = z->line, .col = column(z, z->p)};
	if (z->p >= z->end)
		return;

	char c = *z->p, d = peek_at(z, 1);

	if (is_digit(c) || (c == '.' && is_digit(d)) ||
	    (c == '-' && (is_digit(d) || (d == '.' && is_digit(peek_at(z, 2)))))) {
		scan_number(z);
	} else if (is_word(c)) {
		while (z->p < z->end && is_word(*z->p))
			z->p++;
		z->t.kind = TOK_WORD;
		z->t.len = (size_t)(z->p - z->t.s);
		substitute(z);
	} else if (c == '"') {
		scan_quoted(z, TOK_STRING, '"', "string");
	} else if (c == '`') {
		scan_quoted(z, TOK_COMMAND, '`', "command");
	} else if (c == '%' && d == '{') {
		scan_code(z);
	} else if (c == '.' && d == '.' && peek_at(z, 2) == '.') {
		z->t.kind = TOK_ELLIPSIS;
		z->t.len = 3;
		z->p += 3;
	} else if (c > ' ' && c < 127) {
		z->t.kind = TOK_PUNCT;
		z->t.c = c;
		z->t.len = 1;
		z->p++;
	} else {
		scan_fail(z, z->line, column(z, z->p), "found byte 0x%02x, expected text",
			  (unsigned char)c);
	}
}

void scan_init(struct scan *z, const char *text, size_t len, const char *path,
	       struct arena *arena, char *err, size_t cap)
{
	*z = (struct scan){.path = path, .p = text, .end = text + len, .line_start = text, .line = 1,
			   .arena = arena, .err = err, .cap = cap};
	if (cap)
		err[0] = '\0';
}

void scan_raw_value(struct scan *z, const char **s, size_t *len)
{
	char quote = '\0';

	*s = z->p;
	while (z->p < z->end && (quote || (*z->p != ' ' && *z->p != '\t' && *z->p != '\n' &&
					   *z->p != '\r'))) {
		if (*z->p == '"' || *z->p == '`')
			quote = quote == *z->p ? '\0' : quote ? quote : *z->p;
		step(z);
	}
	*len = (size_t)(z->p - *s);
}

bool scan_is(const struct scan *z, char punct)
{
	return z->t.kind == TOK_PUNCT && z->t.c == punct;
}

bool scan_word_is(const struct scan *z, const char *word)
{
	return z->t.kind == TOK_WORD && strlen(word) == z->t.len && memcmp(word, z->t.s, z->t.len) == 0;
}

bool scan_take(struct scan *z, char punct)
{
	if (!scan_is(z, punct))
		return false;
	scan_next(z);
	return true;
}

bool scan_take_word(struct scan *z, const char *word)
{
	if (!scan_word_is(z, word))
		return false;
	scan_next(z);
	return true;
}

bool scan_want(struct scan *z, char punct)
{
	char what[4] = {'\'', punct, '\'', '\0'};

	return scan_take(z, punct) || scan_expected(z, what);
}

bool scan_int(struct scan *z, const char *what, int64_t lo, int64_t hi, int64_t *v)
{
	if ((z->t.kind != TOK_NUM || z->t.fraction) && z->t.kind != TOK_HEX)
		return scan_expected(z, what);
	if (z->t.v < lo || z->t.v > hi)
		return scan_fail(z, z->t.line, z->t.col, "%.*s is out of range, expected %s in %lld..%lld",
				 (int)(z->t.len < 40 ? z->t.len : 40), z->t.s, what, (long long)lo,
				 (long long)hi);
	*v = z->t.v;
	scan_next(z);
	return true;
}

/* 10^6 seconds is enough for any script and far from the end of ns_t. */
bool scan_time(struct scan *z, ns_t *time)
{
	const struct tok *t = &z->t;
	ns_t whole = 0, part = 0, unit = SEC;
	size_t i = 0;

	if (t->kind != TOK_NUM)
		return scan_expected(z, "a time in seconds");
	if (*t->s == '-')
		return scan_fail(z, t->line, t->col, "found a negative time, expected seconds from 0 on");
	for (; i < t->len && t->s[i] != '.'; i++) {
		whole = whole * 10 + (t->s[i] - '0');
		if (whole > 1000000)
			return scan_fail(z, t->line, t->col, "this time is too long, expected at most "
					 "1000000 seconds");
	}
	for (i++; i < t->len; i++) {
		unit /= 10;
		part += unit * (t->s[i] - '0');
	}
	*time = whole * SEC + part;
	scan_next(z);
	return true;
}
