/* The code between %{ and }%: the part of Python that scripts use, over 64-bit integers.
 *
 *   block     = statement { ( ";" | newline ) statement }      "\" joins lines, "#" comments
 *   statement = "assert" test ["," message] | "print" ... | name ("=" | "+=" | "-=" | "*=") test
 *   test      = and { "or" and } ;  and = not { "and" not } ;  not = "not" not | comparison
 *   comparison= bits { ( "==" "!=" "<" "<=" ">" ">=" ) bits }   chained as in Python: 1 < x < 5
 *   bits      = "|", then "^", "&", "<< >>", "+ -", "* // / %", unary "- + ~", primary
 *
 * Messages and what print prints are skipped, not evaluated: a failed assertion shows its own text
 * and the value of each name in it. Division by zero, overflow and unknown names are failures. */
#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LEN 48
#define NAMES_MAX 128
#define DEPTH_MAX 64

struct script_scope {
	int n;
	struct {
		char name[NAME_MAX_LEN];
		int64_t value;
	} var[NAMES_MAX];
};

struct eval {
	struct script_scope *scope;
	const struct script_var *vars;
	size_t nvars;
	const char *p;
	const char *problem; /* NULL: none yet */
	char name[NAME_MAX_LEN]; /* of an unknown name */
	bool skip;           /* the value does not matter (right of a decided and/or) */
	int depth;
};

/* Linux's numbers, under the names of both kernels. */
static const struct script_var constants[] = {
	{"TCP_ESTABLISHED", 1}, {"TCP_SYN_SENT", 2}, {"TCP_SYN_RECV", 3}, {"TCP_FIN_WAIT1", 4},
	{"TCP_FIN_WAIT2", 5}, {"TCP_TIME_WAIT", 6}, {"TCP_CLOSE", 7}, {"TCP_CLOSE_WAIT", 8},
	{"TCP_LAST_ACK", 9}, {"TCP_LISTEN", 10}, {"TCP_CLOSING", 11}, {"TCP_CA_Open", 0},
	{"TCP_CA_Disorder", 1}, {"TCP_CA_CWR", 2}, {"TCP_CA_Recovery", 3}, {"TCP_CA_Loss", 4},
	{"TCPI_ESTABLISHED", 1}, {"TCPI_SYN_SENT", 2}, {"TCPI_SYN_RECEIVED", 3}, {"TCPI_FIN_WAIT_1", 4},
	{"TCPI_FIN_WAIT_2", 5}, {"TCPI_TIME_WAIT", 6}, {"TCPI_CLOSED", 7}, {"TCPI_CLOSE_WAIT", 8},
	{"TCPI_LAST_ACK", 9}, {"TCPI_LISTEN", 10}, {"TCPI_CLOSING", 11}, {"TCPI_OPT_TIMESTAMPS", 1}, {"TCPI_OPT_SACK", 2}, {"TCPI_OPT_WSCALE", 4}, {"TCPI_OPT_ECN", 8},
	{"TCPI_OPT_ECN_SEEN", 16}, {"TCPI_OPT_SYN_DATA", 32}, {"True", 1}, {"False", 0},
};

struct script_scope *script_scope_new(void)
{
	return calloc(1, sizeof(struct script_scope));
}

void script_scope_free(struct script_scope *s)
{
	free(s);
}

/* ---- text ---- */

static bool is_name(char c, bool first)
{
	return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (!first && c >= '0' && c <= '9');
}

static size_t name_len(const char *p)
{
	size_t n = 0;

	if (is_name(*p, true))
		while (is_name(p[n], false))
			n++;
	return n;
}

/* Blanks, joined lines and comments, but not the end of a line. */
static void skip_blank(struct eval *v)
{
	for (;;) {
		if (*v->p == ' ' || *v->p == '\t' || *v->p == '\r')
			v->p++;
		else if (v->p[0] == '\\' && v->p[1] == '\n')
			v->p += 2;
		else if (*v->p == '#')
			while (*v->p && *v->p != '\n')
				v->p++;
		else
			return;
	}
}

static bool take(struct eval *v, const char *what)
{
	size_t n = strlen(what);

	skip_blank(v);
	if (strncmp(v->p, what, n) != 0)
		return false;
	if (is_name(*what, true) && is_name(v->p[n], false))
		return false;
	v->p += n;
	return true;
}

static int64_t give_up(struct eval *v, const char *problem)
{
	if (!v->problem && !v->skip)
		v->problem = problem;
	return 0;
}

static int64_t syntax(struct eval *v, const char *problem)
{
	if (!v->problem)
		v->problem = problem;
	return 0;
}

/* ---- expressions ---- */

static int64_t test(struct eval *v);

static bool lookup(const struct eval *v, const char *name, size_t n, int64_t *value)
{
	for (int i = 0; i < v->scope->n; i++)
		if (strlen(v->scope->var[i].name) == n && memcmp(v->scope->var[i].name, name, n) == 0) {
			*value = v->scope->var[i].value;
			return true;
		}
	for (size_t i = 0; i < v->nvars; i++)
		if (strlen(v->vars[i].name) == n && memcmp(v->vars[i].name, name, n) == 0) {
			*value = v->vars[i].value;
			return true;
		}
	for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++)
		if (strlen(constants[i].name) == n && memcmp(constants[i].name, name, n) == 0) {
			*value = constants[i].value;
			return true;
		}
	return false;
}

static int64_t number(struct eval *v)
{
	bool hex = v->p[0] == '0' && (v->p[1] == 'x' || v->p[1] == 'X');
	const char *digits = "0123456789abcdef", *at;
	int64_t base = hex ? 16 : 10, n = 0;

	v->p += hex ? 2 : 0;
	while (*v->p && (at = strchr(digits, *v->p >= 'A' && *v->p <= 'F' ? *v->p | 32 : *v->p)) &&
	       at - digits < base) {
		if (__builtin_mul_overflow(n, base, &n) || __builtin_add_overflow(n, at - digits, &n))
			return syntax(v, "a number is too large");
		v->p++;
	}
	return *v->p == '.' ? syntax(v, "fractions are not understood") : n;
}

static int64_t primary(struct eval *v)
{
	int64_t value = 0;

	skip_blank(v);
	if (++v->depth > DEPTH_MAX)
		return syntax(v, "too much nesting");
	if (take(v, "(")) {
		value = test(v);
		if (!take(v, ")"))
			return syntax(v, "expected ')'");
	} else if (*v->p >= '0' && *v->p <= '9') {
		value = number(v);
	} else {
		size_t n = name_len(v->p);

		if (!n)
			return syntax(v, "expected a number, a name or '('");
		if (!lookup(v, v->p, n, &value)) {
			snprintf(v->name, sizeof(v->name), "%.*s", (int)n, v->p);
			syntax(v, "unknown name ");
		}
		v->p += n;
	}
	v->depth--;
	return value;
}

static int64_t unary(struct eval *v)
{
	int64_t a;

	if (++v->depth > DEPTH_MAX)
		return syntax(v, "too much nesting");
	if (take(v, "-")) {
		a = unary(v);
		a = a == INT64_MIN ? give_up(v, "overflow") : -a;
	} else if (take(v, "+")) {
		a = unary(v);
	} else if (take(v, "~")) {
		a = ~unary(v);
	} else {
		a = primary(v);
	}
	v->depth--;
	return a;
}

static int64_t floor_div(struct eval *v, int64_t a, int64_t b, bool rest)
{
	if (b == 0 || (a == INT64_MIN && b == -1))
		return give_up(v, "division by zero");
	int64_t q = a / b, r = a % b;

	if (r && (r < 0) != (b < 0))
		q--, r += b;
	return rest ? r : q;
}

static int64_t product(struct eval *v)
{
	int64_t a = unary(v), b;

	while (!v->problem) {
		if (take(v, "*")) {
			b = unary(v);
			if (__builtin_mul_overflow(a, b, &a))
				a = give_up(v, "overflow");
		} else if (take(v, "//")) {
			a = floor_div(v, a, unary(v), false);
		} else if (take(v, "/")) {
			b = unary(v);
			if (b && a % b)
				return give_up(v, "a quotient that is no integer");
			a = floor_div(v, a, b, false);
		} else if (take(v, "%")) {
			a = floor_div(v, a, unary(v), true);
		} else {
			break;
		}
	}
	return a;
}

static int64_t sum(struct eval *v)
{
	int64_t a = product(v);

	while (!v->problem) {
		bool minus = false;

		if (!take(v, "+") && !(minus = take(v, "-")))
			break;
		int64_t b = product(v);

		if (minus ? __builtin_sub_overflow(a, b, &a) : __builtin_add_overflow(a, b, &a))
			a = give_up(v, "overflow");
	}
	return a;
}

static int64_t shift(struct eval *v)
{
	int64_t a = sum(v);

	while (!v->problem) {
		bool left = take(v, "<<");

		if (!left && !take(v, ">>"))
			break;
		int64_t b = sum(v);

		if (b < 0 || b > 62 || a < 0 || (left && a > INT64_MAX >> b))
			a = give_up(v, "overflow");
		else
			a = left ? a << b : a >> b;
	}
	return a;
}

static int64_t bits_and(struct eval *v)
{
	int64_t a = shift(v);

	while (!v->problem && take(v, "&"))
		a &= shift(v);
	return a;
}

static int64_t bits_xor(struct eval *v)
{
	int64_t a = bits_and(v);

	while (!v->problem && take(v, "^"))
		a ^= bits_and(v);
	return a;
}

static int64_t bits_or(struct eval *v)
{
	int64_t a = bits_xor(v);

	while (!v->problem && take(v, "|"))
		a |= bits_xor(v);
	return a;
}

static int64_t comparison(struct eval *v)
{
	static const char *const op[] = {"==", "!=", "<=", ">=", "<", ">"};
	int64_t a = bits_or(v), result = a;
	bool chained = false;

	while (!v->problem) {
		int which = -1;

		for (int i = 0; i < 6 && which < 0; i++)
			if (take(v, op[i]))
				which = i;
		if (which < 0)
			break;
		int64_t b = bits_or(v);
		bool holds = which == 0 ? a == b : which == 1 ? a != b : which == 2 ? a <= b
			     : which == 3 ? a >= b : which == 4 ? a < b : a > b;

		result = chained ? result && holds : holds;
		chained = true;
		a = b;
	}
	return result;
}

static int64_t negation(struct eval *v)
{
	int64_t a;

	if (++v->depth > DEPTH_MAX)
		return syntax(v, "too much nesting");
	a = take(v, "not") ? !negation(v) : comparison(v);
	v->depth--;
	return a;
}

/* Both sides are read; the right one does not count once the left has decided. */
static int64_t conjunction(struct eval *v)
{
	int64_t a = negation(v);

	while (!v->problem && take(v, "and")) {
		bool was = v->skip;

		v->skip = was || !a;
		int64_t b = negation(v);

		v->skip = was;
		a = a && b;
	}
	return a;
}

static int64_t test(struct eval *v)
{
	int64_t a = conjunction(v);

	while (!v->problem && take(v, "or")) {
		bool was = v->skip;

		v->skip = was || a;
		int64_t b = conjunction(v);

		v->skip = was;
		a = a || b;
	}
	return a;
}

/* ---- statements ---- */

/* Over anything up to the end of the statement; strings and brackets hide its marks. */
static void skip_statement(struct eval *v)
{
	int open = 0;

	for (;;) {
		skip_blank(v);
		char c = *v->p;

		if (!c || (!open && (c == ';' || c == '\n')))
			return;
		if (c == '\'' || c == '"') {
			v->p++;
			while (*v->p && *v->p != c)
				v->p++;
			if (!*v->p) {
				syntax(v, "a string does not end");
				return;
			}
		}
		open += c == '(' || c == '[';
		open -= (c == ')' || c == ']') && open;
		v->p++;
	}
}

static void say_values(struct eval *v, const char *from, const char *to, char *why, size_t cap)
{
	size_t n = strlen(why);
	const char *sep = ": ";

	while (from < to) {
		size_t len = name_len(from);
		int64_t value;

		if (len && n < cap && lookup(v, from, len, &value) && value != 0x7fffffff) {
			n += (size_t)snprintf(why + n, cap - n, "%s%.*s = %lld", sep, (int)len, from,
					      (long long)value);
			sep = ", ";
		}
		from += len ? len : 1;
		while (len == 0 && from < to && from[-1] >= '0' && from[-1] <= '9' && is_name(*from, false))
			from++;
	}
}

static bool assertion(struct eval *v, char *why, size_t cap)
{
	const char *from;

	skip_blank(v);
	from = v->p;
	int64_t holds = test(v);
	const char *to = v->p;

	if (v->problem)
		return false;
	skip_blank(v);
	if (*v->p == ',')
		skip_statement(v);
	if (holds)
		return true;
	while (to > from && (to[-1] == ' ' || to[-1] == '\n'))
		to--;
	snprintf(why, cap, "assert %.*s", (int)(to - from), from);
	say_values(v, from, to, why, cap);
	return false;
}

static void assignment(struct eval *v)
{
	const char *name = v->p;
	size_t n = name_len(name);
	struct script_scope *s = v->scope;
	int64_t old = 0, value;
	char op;

	if (!n || n >= NAME_MAX_LEN) {
		syntax(v, "expected assert, print or an assignment");
		return;
	}
	v->p += n;
	skip_blank(v);
	op = *v->p;
	if (op != '=' && (v->p[1] != '=' || !strchr("+-*", op))) {
		syntax(v, "expected '=', '+=', '-=' or '*='");
		return;
	}
	v->p += op == '=' ? 1 : 2;
	if (op != '=' && !lookup(v, name, n, &old)) {
		snprintf(v->name, sizeof(v->name), "%.*s", (int)n, name);
		syntax(v, "unknown name ");
		return;
	}
	value = test(v);
	if ((op == '+' && __builtin_add_overflow(old, value, &value)) ||
	    (op == '-' && __builtin_sub_overflow(old, value, &value)) ||
	    (op == '*' && __builtin_mul_overflow(old, value, &value)))
		give_up(v, "overflow");
	if (v->problem)
		return;

	int i = 0;

	while (i < s->n && (strlen(s->var[i].name) != n || memcmp(s->var[i].name, name, n) != 0))
		i++;
	if (i == NAMES_MAX) {
		syntax(v, "too many names");
		return;
	}
	memcpy(s->var[i].name, name, n);
	s->var[i].value = value;
	s->n += i == s->n;
}

bool script_eval(struct script_scope *scope, const char *code, const struct script_var *vars, size_t n,
		 char *why, size_t cap)
{
	struct eval v = {.scope = scope, .vars = vars, .nvars = n, .p = code};

	if (cap)
		why[0] = '\0';
	while (!v.problem) {
		v.depth = 0;
		while (skip_blank(&v), *v.p == ';' || *v.p == '\n')
			v.p++;
		if (!*v.p)
			return true;
		if (take(&v, "assert")) {
			if (!assertion(&v, why, cap) && !v.problem)
				return false;
		} else if (take(&v, "print")) {
			skip_statement(&v);
		} else {
			assignment(&v);
		}
		skip_blank(&v);
		if (!v.problem && *v.p && *v.p != ';' && *v.p != '\n')
			syntax(&v, "expected the end of the statement");
	}
	snprintf(why, cap, "code: %s%s at '%.20s'", v.problem, v.name, v.p);
	return false;
}
