/* Sweeps: variables with a list of values, and seeds. `$name` or `${name}` in any value is replaced
 * by the variable's first value before anything else is read. */
#include "scenario_read.h"

#include <stdlib.h>
#include <string.h>

#include "../stack/base/check.h"
#include "units.h"

static bool var_read(struct doc *d, const struct node *y, struct sweep_var *v)
{
	struct node single = *y;
	const struct node *n = y->type == NODE_LIST ? doc_first(d, y) : &single;
	const char *text;

	single.next = 0;
	if (!key_name_read(d, y, v->name))
		return false;
	if (y->type == NODE_LIST && y->n == 0)
		return doc_fail(d, y, "got an empty list, expected values");
	v->value = calloc(y->type == NODE_LIST ? y->n : 1, sizeof(*v->value));
	for (; v->value && n; n = doc_next(d, n)) {
		if (!text_read(d, n, "a value, or a list of them", &text))
			return false;
		v->value[v->n] = strdup(text);
		if (!v->value[v->n++])
			return doc_fail(d, n, "out of memory");
	}
	return v->value || doc_fail(d, y, "out of memory");
}

static bool seeds_read(struct doc *d, const struct node *y, struct scenario *sc)
{
	char shown[64], first[32];
	const char *text, *dots;

	if (!text_read(d, y, "seeds such as 1..30", &text))
		return false;
	dots = strstr(text, "..");
	snprintf(first, sizeof(first), "%.*s", dots ? (int)(dots - text) : 31, text);
	if (unit_count(first, &sc->seed_first) ||
	    unit_count(dots ? dots + 2 : first, &sc->seed_last) || sc->seed_last < sc->seed_first ||
	    sc->seed_last - sc->seed_first > 1000000)
		return doc_fail(d, y, "got %s, expected seeds such as 1..30",
				doc_shown(d, y, shown));
	return true;
}

bool sweep_read(struct doc *d, const struct node *y, struct scenario *sc)
{
	if (!map_expect(d, y, "a mapping, as in {loss: [0%, 1%], seeds: 1..30}"))
		return false;
	for (const struct node *n = doc_first(d, y); n; n = doc_next(d, n)) {
		if (strcmp(doc_key(d, n), "seeds") == 0) {
			if (!seeds_read(d, n, sc))
				return false;
			continue;
		}
		if (sc->nsweep == SWEEP_VARS)
			return doc_fail_key(d, n, "got too many variables, expected at most %d",
					    SWEEP_VARS);
		if (!var_read(d, n, &sc->sweep[sc->nsweep++]))
			return false;
	}
	return true;
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

/* The variable that a `$` introduces: $name or ${name}; *len is that of the whole. */
static const struct sweep_var *variable(const struct scenario *sc, const char *dollar, size_t *len)
{
	bool braces = dollar[1] == '{';
	const char *name = dollar + 1 + braces;
	size_t n = 0;

	while (is_name_char(name[n]))
		n++;
	if (n == 0 || (braces && name[n] != '}'))
		return NULL;
	*len = 1 + n + 2 * braces;
	for (uint32_t i = 0; i < sc->nsweep; i++)
		if (strlen(sc->sweep[i].name) == n && memcmp(sc->sweep[i].name, name, n) == 0)
			return &sc->sweep[i];
	return NULL;
}

/* Replaces the variables of each text by their first value. */
bool sweep_substitute(struct doc *d, const struct scenario *sc)
{
	for (uint32_t i = 1; i < d->n; i++) {
		struct node *y = &d->node[i];
		char to[DOC_TEXT_MAX + 1], shown[64];
		const char *text;
		size_t n = 0, len;

		if (y->type != NODE_TEXT || !strchr(doc_text(d, y), '$'))
			continue;
		for (text = doc_text(d, y); *text;) {
			const struct sweep_var *v = *text == '$' ? variable(sc, text, &len) : NULL;

			if (*text == '$' && !v)
				return doc_fail(d, y,
						"got %s, expected `$` before a variable of "
						"`sweep`",
						text_shown(text, shown));
			if (n + (v ? strlen(v->value[0]) : 1) >= sizeof(to))
				return doc_fail(d, y, "got a text that grows too long");
			if (!v) {
				to[n++] = *text++;
				continue;
			}
			n += (size_t)sprintf(to + n, "%s", v->value[0]);
			text += len;
		}
		to[n] = 0;
		if (!doc_retext(d, y, to))
			return false;
	}
	return true;
}

void sweep_show(FILE *to, const struct scenario *sc)
{
	if (sc->nsweep == 0 && sc->seed_last == 0)
		return;
	fputs("sweep:\n", to);
	for (uint32_t i = 0; i < sc->nsweep; i++) {
		fprintf(to, "  %s: [", sc->sweep[i].name);
		for (uint32_t k = 0; k < sc->sweep[i].n; k++) {
			fputs(k ? ", " : "", to);
			quoted_print(to, sc->sweep[i].value[k]);
		}
		fputs("]\n", to);
	}
	if (sc->seed_last)
		fprintf(to, "  seeds: %llu..%llu\n", (unsigned long long)sc->seed_first,
			(unsigned long long)sc->seed_last);
}
