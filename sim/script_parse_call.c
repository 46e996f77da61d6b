/* Calls of a script and the expressions in them, as the grammar at the head of script_parse.c has them. */
#include "script_parse.h"

#include <string.h>

#define DEPTH_MAX 32        /* nesting of expressions */
#define ITEMS_MAX 256       /* in one list */

static struct expr *parse_expr(struct parse *p);

static struct expr *new_expr(struct parse *p, enum expr_kind kind)
{
	struct expr *x = arena_get(p->z.arena, sizeof(*x));

	if (!x) {
		scan_fail(&p->z, p->z.t.line, p->z.t.col, "out of memory");
		return NULL;
	}
	x->kind = kind;
	x->line = p->z.t.line;
	x->col = p->z.t.col;
	return x;
}

/* Expressions up to the closing character, which is taken. */
static bool parse_list(struct parse *p, char close, struct expr ***kid, int *n)
{
	struct expr *item[ITEMS_MAX];

	*n = 0;
	if (!scan_is(&p->z, close))
		do {
			if (*n == ITEMS_MAX)
				return scan_expected(&p->z, "at most 256 items");
			item[*n] = parse_expr(p);
			if (!item[(*n)++])
				return false;
		} while (scan_take(&p->z, ','));
	if (!scan_want(&p->z, close))
		return false;
	*kid = arena_get(p->z.arena, (size_t)(*n + 1) * sizeof(**kid));
	if (!*kid)
		return scan_fail(&p->z, p->z.t.line, p->z.t.col, "out of memory");
	memcpy(*kid, item, (size_t)*n * sizeof(**kid));
	return true;
}

static struct expr *parse_pair(struct parse *p, enum expr_kind kind, struct expr *left)
{
	struct expr *x = new_expr(p, kind), *right;

	scan_next(&p->z); /* '=' or '|' */
	if (!x || !(right = parse_expr(p)) ||
	    !(x->kid = arena_get(p->z.arena, 2 * sizeof(*x->kid))))
		return NULL;
	x->kid[0] = left;
	x->kid[1] = right;
	x->n = 2;
	return x;
}

static struct expr *parse_primary(struct parse *p)
{
	struct scan *z = &p->z;
	struct expr *x = new_expr(p, EX_ANY);

	if (!x)
		return NULL;
	switch (z->t.kind) {
	case TOK_ELLIPSIS:
		break;
	case TOK_NUM:
	case TOK_HEX:
		if (z->t.fraction) {
			scan_expected(z, "an argument");
			return NULL;
		}
		x->kind = EX_INT;
		x->v = z->t.v;
		break;
	case TOK_STRING:
	case TOK_WORD:
		x->kind = z->t.kind == TOK_WORD ? EX_WORD : EX_STRING;
		x->text = parse_text(p);
		break;
	case TOK_PUNCT:
		if (z->t.c == '[' || z->t.c == '{') {
			char close = z->t.c == '[' ? ']' : '}';

			x->kind = z->t.c == '[' ? EX_LIST : EX_STRUCT;
			scan_next(z);
			return parse_list(p, close, &x->kid, &x->n) ? x : NULL;
		} /* fall through */
	default:
		scan_expected(z, "an argument");
		return NULL;
	}
	scan_next(z);
	if (x->kind == EX_STRING)
		while (z->t.kind == TOK_ELLIPSIS || z->t.kind == TOK_STRING)
			scan_next(z); /* "text"..., "text" "text": contents are not compared */
	if (x->kind == EX_WORD && scan_take(z, '(')) {
		x->kind = EX_APPLY;
		if (!parse_list(p, ')', &x->kid, &x->n))
			return NULL;
	}
	if ((x->kind == EX_WORD || x->kind == EX_APPLY) && scan_is(z, '='))
		return parse_pair(p, EX_SET, x);
	return z->failed ? NULL : x;
}

static struct expr *parse_expr(struct parse *p)
{
	struct expr *x;

	if (++p->depth > DEPTH_MAX) {
		scan_expected(&p->z, "less nesting");
		return NULL;
	}
	x = parse_primary(p);
	if (x && scan_is(&p->z, '|'))
		x = parse_pair(p, EX_OR, x);
	p->depth--;
	return x;
}

/* "(Broken pipe)", "(flags O_RDWR)": for the reader alone. */
static bool parse_note(struct parse *p)
{
	if (!scan_take(&p->z, '('))
		return true;
	while (!scan_is(&p->z, ')') && p->z.t.kind != TOK_END)
		scan_next(&p->z);
	return scan_want(&p->z, ')');
}

bool parse_call(struct parse *p, struct script_event *e)
{
	struct scan *z = &p->z;
	struct script_call *c = arena_get(z->arena, sizeof(*c));

	if (!c)
		return scan_fail(z, e->line, e->col, "out of memory");
	e->what = SCRIPT_CALL;
	e->u.call = c;
	if (z->t.kind == TOK_ELLIPSIS) {
		scan_next(z);
		c->blocking = true;
		if (!scan_time(z, &c->end))
			return false;
		if (c->end < e->at)
			return scan_fail(z, e->line, e->col, "this call ends before it begins, expected a "
					 "later end");
	}
	if (z->t.kind != TOK_WORD)
		return scan_expected(z, "'<', '>', a call, a `command` or %{ code }%");
	if (!(c->name = parse_text(p)))
		return false;
	scan_next(z);
	if (!scan_want(z, '(') || !parse_list(p, ')', &c->arg, &c->nargs) || !scan_want(z, '=') ||
	    !(c->result = parse_expr(p)))
		return false;
	if (z->t.kind == TOK_WORD) {
		if (!(c->err = parse_text(p)))
			return false;
		scan_next(z);
	}
	return parse_note(p);
}
