/* A scenario as JSON: what `show` prints, key by key. Values keep the scenario's own words and units; whole
 * numbers, true and false are what they are. */
#include "scenario_read.h"

#include <stdlib.h>
#include <string.h>

#include "../traces/js.h"
#include "units.h"

static json_t *value_json(const struct doc *d, const struct node *y)
{
	const char *text = y->type == NODE_TEXT ? doc_text(d, y) : "";
	uint64_t n;

	if (y->quoted || !*text)
		return js_text(text);
	if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
		return json_boolean(*text == 't');
	return unit_count(text, &n) ? js_text(text) : js_count(n);
}

static json_t *node_json(const struct doc *d, const struct node *y)
{
	json_t *j = y->type == NODE_MAP ? json_object() : y->type == NODE_LIST ? json_array() : value_json(d, y);

	if (y->type == NODE_TEXT)
		return j;
	for (const struct node *n = doc_first(d, y); n; n = doc_next(d, n))
		if (y->type == NODE_MAP)
			json_object_set_new(j, doc_key(d, n), node_json(d, n));
		else
			json_array_append_new(j, node_json(d, n));
	return j;
}

json_t *scenario_json(const struct scenario *sc, char *err, size_t cap)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	struct doc d;
	json_t *j = NULL;

	if (!f) {
		snprintf(err, cap, "%s: out of memory", sc->file);
		return NULL;
	}
	scenario_show(f, sc);
	fclose(f);
	if (doc_parse(&d, sc->file, text, len, err, cap))
		j = node_json(&d, doc_root(&d));
	doc_free(&d);
	free(text);
	return j;
}

/* The warnings without the file's name. */
json_t *scenario_lint_json(const struct scenario *sc)
{
	char *text = NULL, *save = NULL;
	size_t len, skip = strlen(sc->file) + strlen(": warning: ");
	FILE *f = open_memstream(&text, &len);
	json_t *list = json_array();

	if (!f)
		return list;
	scenario_lint(f, sc);
	fclose(f);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (strlen(line) > skip)
			json_array_append_new(list, js_text(line + skip));
	free(text);
	return list;
}
