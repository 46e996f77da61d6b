/* The file as a whole: its sections, capture and output, and the order in which sections are read,
 * which is ours and not the file's, since links name hosts, and events name links. */
#include "scenario.h"

#include <stdlib.h>
#include <string.h>

#include "../stack/base/check.h"
#include "scenario_read.h"

/* ---- small pieces ---- */

bool name_read(struct doc *d, const struct node *y, char to[SCENARIO_NAME])
{
	const char *text;
	char shown[64];

	if (!text_read(d, y, "a name", &text))
		return false;
	size_t len = strlen(text);

	/* Names become parts of file names and of `a->b`. */
	if (len == 0 || len >= SCENARIO_NAME ||
	    strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") !=
		len ||
	    text[0] == '-')
		return doc_fail(d, y, "got %s, expected a name of up to %d letters, digits, - or _",
				text_shown(text, shown), SCENARIO_NAME - 1);
	memcpy(to, text, len + 1);
	return true;
}

bool key_name_read(struct doc *d, const struct node *y, char to[SCENARIO_NAME])
{
	/* The key, checked like a name that stands as a value. */
	struct node key = {.text = y->key,
			   .line = y->key_line,
			   .column = y->key_column,
			   .type = NODE_TEXT,
			   .source = y->source};

	return name_read(d, &key, to);
}

bool node_find(struct doc *d, const struct node *y, const struct scenario *sc, const char *name,
	       uint32_t *which)
{
	char shown[64];

	return names_find(&sc->host_names, name, which) ||
	       doc_fail(d, y, "got %s, expected the name of a host", text_shown(name, shown));
}

bool host_find(struct doc *d, const struct node *y, const struct scenario *sc, const char *name,
	       uint32_t *which)
{
	return node_find(d, y, sc, name, which) &&
	       (*which < sc->nhosts ||
		doc_fail(d, y, "got the switch `%s`, expected the name of a host", name));
}

/* Sets of joined nodes; chains are halved on the way. */
uint32_t node_group(struct scenario *sc, uint32_t i)
{
	struct scenario_host *h = sc->host;

	while (h[i].group != i)
		i = h[i].group = h[h[i].group].group;
	return i;
}

bool scenario_joined(const struct scenario *sc, uint32_t a, uint32_t b)
{
	while (sc->host[a].group != a)
		a = sc->host[a].group;
	while (sc->host[b].group != b)
		b = sc->host[b].group;
	return a == b;
}

/* Text of limited length into an array. */
bool line_read(struct doc *d, const struct node *y, char *to, size_t cap)
{
	const char *text;

	if (!text_read(d, y, "a text", &text))
		return false;
	if (strlen(text) >= cap)
		return doc_fail(d, y, "got %zu bytes, expected at most %zu", strlen(text), cap - 1);
	strcpy(to, text);
	return true;
}

/* In double quotes, as YAML reads it back; control characters cannot occur. */
void quoted_print(FILE *to, const char *text)
{
	fputc('"', to);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', to);
		fputc(*text, to);
	}
	fputc('"', to);
}

/* ---- capture, output ---- */

static bool capture_at_read(struct doc *d, const struct node *y, struct scenario *sc)
{
	const char *name;
	uint32_t which = 0;

	if (!list_expect(d, y, "a list of hosts, and `link`"))
		return false;
	if (!doc_first(d, y)) /* nothing at all */
		sc->capture_link = false;
	for (uint32_t i = 0; i < sc->nhosts; i++)
		sc->host[i].capture = false;
	for (const struct node *n = doc_first(d, y); n; n = doc_next(d, n)) {
		if (!text_read(d, n, "the name of a host, or `link`", &name))
			return false;
		if (strcmp(name, "link") == 0) {
			sc->capture_link = true;
			continue;
		}
		if (!host_find(d, n, sc, name, &which))
			return false;
		sc->host[which].capture = true;
	}
	return true;
}

static const char *const format_words[] = {"pcapng", "pcap", NULL};

static const struct field capture_fields[] = {
    {.key = "format",
     .type = FIELD_ENUM8,
     .at = offsetof(struct scenario, pcap),
     .words = format_words},
    {.key = "snaplen",
     .type = FIELD_U32,
     .at = offsetof(struct scenario, snaplen),
     .lo = 64,
     .hi = 262144,
     .none = "all"},
    {.key = "keys", .type = FIELD_BOOL, .at = offsetof(struct scenario, keys)},
    {.key = "tcb", .type = FIELD_BOOL, .at = offsetof(struct scenario, tcb)},
    {.key = "link", .type = FIELD_BOOL, .at = offsetof(struct scenario, capture_link)},
};

static bool capture_read(struct doc *d, const struct node *y, struct scenario *sc)
{
	static const char *const known[] = {"at", "format", "snaplen", "keys", "tcb", "link"};

	if (!map_expect(d, y, "a mapping, as in {at: [client, link]}"))
		return false;
	for (const struct node *n = doc_first(d, y); n; n = doc_next(d, n)) {
		size_t i = 0;

		if (strcmp(doc_key(d, n), "at") == 0) {
			if (!capture_at_read(d, n, sc))
				return false;
			continue;
		}
		while (i < ARRAY_LEN(capture_fields) &&
		       strcmp(capture_fields[i].key, doc_key(d, n)) != 0)
			i++;
		if (i == ARRAY_LEN(capture_fields))
			return key_unknown(d, n, known, ARRAY_LEN(known));
		if (!field_read(d, n, &capture_fields[i], sc))
			return false;
	}
	return true;
}

static const struct field output_fields[] = {
    {.key = "series",
     .type = FIELD_TIME,
     .at = offsetof(struct scenario, series),
     .lo = 10 * (uint64_t)US,
     .none = "none"},
    {.key = "plots", .type = FIELD_BOOL, .at = offsetof(struct scenario, plots)},
};

/* ---- the file ---- */

static const char *const sections[] = {
    "scenario", "name",    "seed",   "stop",   "date",    "hosts",  "switches",
    "links",    "traffic", "events", "expect", "capture", "output", "sweep",
};

static bool version_read(struct doc *d, const struct node *root)
{
	const struct node *y = doc_find(d, root, "scenario");

	if (!y)
		return doc_fail(d, root, "got no `scenario: 1`, expected the format's version");
	if (y->type != NODE_TEXT || strcmp(doc_text(d, y), "1") != 0)
		return doc_fail(d, y, "got another version, expected 1");
	return true;
}

static const struct field top_fields[] = {
    {.key = "seed", .type = FIELD_U64, .at = offsetof(struct scenario, seed)},
    {.key = "stop", .type = FIELD_TIME, .at = offsetof(struct scenario, stop), .lo = 1},
    {.key = "date",
     .type = FIELD_U64,
     .at = offsetof(struct scenario, date),
     .hi = 4102444800}, /* to 2100 */
};

static bool top_read(struct doc *d, const struct node *root, struct scenario *sc)
{
	for (size_t i = 0; i < ARRAY_LEN(top_fields); i++) {
		const struct node *y = doc_find(d, root, top_fields[i].key);

		if (y && !field_read(d, y, &top_fields[i], sc))
			return false;
	}
	const struct node *name = doc_find(d, root, "name");

	return !name || line_read(d, name, sc->title, sizeof(sc->title));
}

static bool sections_known(struct doc *d, const struct node *root)
{
	for (const struct node *y = doc_first(d, root); y; y = doc_next(d, y)) {
		size_t i = 0;

		while (i < ARRAY_LEN(sections) && strcmp(sections[i], doc_key(d, y)) != 0)
			i++;
		if (i == ARRAY_LEN(sections))
			return key_unknown(d, y, sections, ARRAY_LEN(sections));
	}
	return true;
}

/* A section that is not there is left at its defaults. */
static bool section(struct doc *d, const struct node *root, const char *key, struct scenario *sc,
		    bool (*read)(struct doc *, const struct node *, struct scenario *))
{
	const struct node *y = doc_find(d, root, key);

	return !y || read(d, y, sc);
}

static bool output_read(struct doc *d, const struct node *y, struct scenario *sc)
{
	return fields_read(d, y, output_fields, ARRAY_LEN(output_fields), sc);
}

static bool scenario_read(struct doc *d, struct scenario *sc)
{
	const struct node *root = doc_root(d);

	if (!map_expect(d, root, "a scenario: a mapping that begins with `scenario: 1`") ||
	    !version_read(d, root) || !sections_known(d, root) ||
	    !section(d, root, "sweep", sc, sweep_read) || !sweep_substitute(d, sc) ||
	    !top_read(d, root, sc))
		return false;
	if (!doc_find(d, root, "hosts"))
		return doc_fail(d, root, "got no `hosts`, expected at least two");
	if (!section(d, root, "hosts", sc, hosts_read))
		return false;
	sc->nnodes = sc->nhosts;
	return section(d, root, "switches", sc, switches_read) &&
	       section(d, root, "links", sc, links_read) &&
	       section(d, root, "traffic", sc, traffic_read) &&
	       section(d, root, "events", sc, events_read) &&
	       section(d, root, "expect", sc, expects_read) &&
	       section(d, root, "capture", sc, capture_read) &&
	       section(d, root, "output", sc, output_read);
}

static struct scenario *scenario_new(const char *file)
{
	struct scenario *sc = calloc(1, sizeof(*sc));

	if (!sc)
		return NULL;
	snprintf(sc->file, sizeof(sc->file), "%s", file);
	sc->seed = 1;
	sc->stop = 60 * SEC;
	sc->date =
	    1767225600; /* 2026-01-01 00:00 UTC: captures need some date, and always the same */
	sc->capture_link = true;
	sc->keys = true;
	sc->series = 10 * MS;
	sc->plots = true;
	return sc;
}

/* Takes the tree. */
static struct scenario *finish(struct doc *d, bool ok, const char *file,
			       const struct scenario_options *opt)
{
	struct scenario *sc = ok ? scenario_new(file) : NULL;

	for (size_t i = 0; sc && opt && i < opt->nset; i++)
		ok = ok && doc_set(d, opt->set[i]);
	if (sc && ok)
		ok = scenario_read(d, sc);
	if (sc && ok && !doc_find(d, doc_root(d), "seed") && sc->seed_first)
		sc->seed = sc->seed_first;
	if (sc && opt && opt->has_seed)
		sc->seed = opt->seed;
	if (!ok) {
		scenario_free(sc);
		sc = NULL;
	}
	doc_free(d);
	return sc;
}

struct scenario *scenario_load(const char *file, const struct scenario_options *opt, char *err,
			       size_t cap)
{
	struct doc d;
	bool ok = doc_load(&d, file, err, cap);

	return finish(&d, ok, file, opt);
}

struct scenario *scenario_parse(const char *name, const char *text, size_t len,
				const struct scenario_options *opt, char *err, size_t cap)
{
	struct doc d;
	bool ok = doc_parse(&d, name, text, len, err, cap);

	return finish(&d, ok, name, opt);
}

void scenario_free(struct scenario *sc)
{
	if (!sc)
		return;
	for (uint32_t i = 0; i < sc->nsweep; i++) {
		for (uint32_t k = 0; k < sc->sweep[i].n; k++)
			free(sc->sweep[i].value[k]);
		free(sc->sweep[i].value);
	}
	for (uint32_t i = 0; i < sc->nlinks; i++) {
		free(sc->link[i].rule[0]);
		free(sc->link[i].rule[1]);
	}
	names_free(&sc->host_names);
	names_free(&sc->link_names);
	free(sc->host);
	free(sc->link);
	free(sc->flow);
	free(sc->event);
	free(sc->expect);
	free(sc);
}

/* ---- show: the parts whose tables stand here ---- */

static void show_capture(FILE *to, const struct scenario *sc)
{
	const char *comma = "";

	fputs("capture:\n  at: [", to);
	for (uint32_t i = 0; i < sc->nhosts; i++)
		if (sc->host[i].capture) {
			fprintf(to, "%s%s", comma, sc->host[i].name);
			comma = ", ";
		}
	fputs("]\n", to);
	fields_print(to, "  ", capture_fields, ARRAY_LEN(capture_fields), sc);
	fputs("output:\n", to);
	fields_print(to, "  ", output_fields, ARRAY_LEN(output_fields), sc);
}

void scenario_show(FILE *to, const struct scenario *sc)
{
	fputs("scenario: 1\nname: ", to);
	quoted_print(to, sc->title);
	fputc('\n', to);
	fields_print(to, "", top_fields, ARRAY_LEN(top_fields), sc);
	hosts_show(to, sc);
	switches_show(to, sc);
	links_show(to, sc);
	traffic_show(to, sc);
	events_show(to, sc);
	expects_show(to, sc);
	show_capture(to, sc);
	sweep_show(to, sc);
}
