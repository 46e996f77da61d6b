/* Links and what their paths do. A value may be a mapping, or short: the words of path.h behind the
 * clause's name, as in `delay: 10ms 2ms normal`. Keys of the link hold for both directions; a block
 * `a->b:` changes one. */
#include "scenario_read.h"

#include <stdlib.h>
#include <string.h>

#include "../stack/base/check.h"
#include "units.h"

/* ---- the short form ---- */

static bool words_read(struct doc *d, const struct node *y, const char *clause,
		       struct path_spec *spec)
{
	char words[300], why[200] = "";
	const char *text;

	if (!text_read(d, y, "words or a mapping", &text))
		return false;
	/* A comma would start another clause. */
	if (strlen(text) > 200 || strchr(text, ','))
		return doc_fail(d, y, "%s: got a list of words, expected one clause", clause);
	snprintf(words, sizeof(words), "%s %s", clause, text);
	return path_spec_words(spec, words, why, sizeof(why)) || doc_fail(d, y, "%s", why);
}

static bool is_word(struct doc *d, const struct node *y, const char *word)
{
	return y->type == NODE_TEXT && strcmp(doc_text(d, y), word) == 0;
}

/* ---- rate ---- */

static bool rate_read(struct doc *d, const struct node *y, void *to)
{
	struct path_spec *s = to;

	s->rate_bps = 0;
	return is_word(d, y, "unlimited") || words_read(d, y, "rate", s);
}

static void rate_print(FILE *to, const void *from)
{
	const struct path_spec *s = from;
	char text[UNIT_TEXT];

	fputs(s->rate_bps ? unit_print_rate(text, s->rate_bps) : "unlimited", to);
}

/* ---- queue ---- */

static bool limit_read(struct doc *d, const struct node *y, void *to)
{
	char shown[64];
	const char *text, *expected;

	if (!text_read(d, y, "a limit such as 100, 64kB or 1.5bdp", &text))
		return false;
	expected = queue_limit_parse(text, to);
	return !expected ||
	       doc_fail(d, y, "limit: got %s, expected %s", doc_shown(d, y, shown), expected);
}

static void limit_print(FILE *to, const void *from)
{
	char text[UNIT_TEXT];

	fputs(queue_limit_print(text, sizeof(text), from), to);
}

static const char *const ecn_words[] = {"drop", "mark", NULL};

static const struct field queue_fields[] = {
    {.key = "type",
     .type = FIELD_ENUM,
     .at = offsetof(struct queue_spec, kind),
     .words = queue_names},
    {.key = "limit", .type = FIELD_OWN, .read = limit_read, .print = limit_print},
    {.key = "ecn", .type = FIELD_ENUM8, .at = offsetof(struct queue_spec, ecn), .words = ecn_words},
    {.key = "mark_above",
     .type = FIELD_U64,
     .at = offsetof(struct queue_spec, mark_above),
     .lo = 1,
     .none = "none"},
    {.key = "target", .type = FIELD_TIME, .at = offsetof(struct queue_spec, target), .lo = 1},
    {.key = "interval",
     .type = FIELD_TIME,
     .at = offsetof(struct queue_spec, interval),
     .lo = 1,
     .hi = 100 * (uint64_t)SEC},
    {.key = "red_min",
     .type = FIELD_SIZE64,
     .at = offsetof(struct queue_spec, red_min),
     .lo = 1,
     .none = "auto"},
    {.key = "red_max",
     .type = FIELD_SIZE64,
     .at = offsetof(struct queue_spec, red_max),
     .lo = 1,
     .none = "auto"},
    {.key = "red_p", .type = FIELD_SHARE, .at = offsetof(struct queue_spec, red_p), .lo = 1},
};

static bool queue_read(struct doc *d, const struct node *y, void *to)
{
	struct path_spec *s = to;

	if (y->type == NODE_TEXT)
		return words_read(d, y, "queue", s);
	return fields_read(d, y, queue_fields, ARRAY_LEN(queue_fields), &s->queue);
}

static void queue_print(FILE *to, const void *from)
{
	const struct path_spec *s = from;

	fields_print_inline(to, queue_fields, ARRAY_LEN(queue_fields), &s->queue);
}

/* ---- delay ---- */

static const struct field delay_fields[] = {
    {.key = "mean", .type = FIELD_TIME, .at = offsetof(struct delay_spec, mean)},
    {.key = "jitter", .type = FIELD_TIME, .at = offsetof(struct delay_spec, jitter)},
    {.key = "distribution",
     .type = FIELD_ENUM,
     .at = offsetof(struct delay_spec, shape),
     .words = shape_names},
    {.key = "keep_order", .type = FIELD_BOOL, .at = offsetof(struct delay_spec, keep_order)},
};

static bool delay_read(struct doc *d, const struct node *y, void *to)
{
	struct path_spec *s = to;

	s->delay.jitter = 0;
	if (y->type == NODE_TEXT)
		return words_read(d, y, "delay", s);
	if (!fields_read(d, y, delay_fields, ARRAY_LEN(delay_fields), &s->delay))
		return false;
	if (s->delay.jitter > 0 && s->delay.shape == DELAY_CONSTANT) {
		if (doc_find(d, y, "distribution"))
			return doc_fail(d, y,
					"delay: got jitter with a constant distribution, expected "
					"uniform, normal or pareto");
		s->delay.shape = DELAY_UNIFORM;
	}
	return true;
}

static void delay_print(FILE *to, const void *from)
{
	const struct path_spec *s = from;

	fields_print_inline(to, delay_fields, ARRAY_LEN(delay_fields), &s->delay);
}

/* ---- loss ---- */

static bool numbers_read(struct doc *d, const struct node *y, void *to)
{
	struct loss_spec *l = to;
	char shown[64];

	if (!list_expect(d, y, "a list of numbers"))
		return false;
	l->nnumbers = 0;
	for (const struct node *n = doc_first(d, y); n; n = doc_next(d, n)) {
		uint64_t v, before = l->nnumbers ? l->number[l->nnumbers - 1] : 0;

		if (l->nnumbers == LOSS_NUMBERS)
			return doc_fail(d, n, "got too many numbers, expected at most %d",
					LOSS_NUMBERS);
		if (n->type != NODE_TEXT || unit_count(doc_text(d, n), &v) || v <= before)
			return doc_fail(d, n, "got %s, expected numbers from 1, rising",
					doc_shown(d, n, shown));
		l->number[l->nnumbers++] = v;
	}
	return true;
}

static void numbers_print(FILE *to, const void *from)
{
	const struct loss_spec *l = from;

	fputc('[', to);
	for (uint32_t i = 0; i < l->nnumbers; i++)
		fprintf(to, "%s%llu", i ? ", " : "", (unsigned long long)l->number[i]);
	fputc(']', to);
}

static const char *const loss_words[LOSS_MODELS + 1] = {
    "none", "random", "gilbert-elliott", "four-state", "periodic", "numbers", NULL,
};

static const struct field loss_fields[] = {
    {.key = "model",
     .type = FIELD_ENUM,
     .at = offsetof(struct loss_spec, model),
     .words = loss_words},
    {.key = "p", .type = FIELD_SHARE, .at = offsetof(struct loss_spec, p)},
    {.key = "r", .type = FIELD_SHARE, .at = offsetof(struct loss_spec, r)},
    {.key = "loss_bad", .type = FIELD_SHARE, .at = offsetof(struct loss_spec, loss_bad)},
    {.key = "loss_good", .type = FIELD_SHARE, .at = offsetof(struct loss_spec, loss_good)},
    {.key = "p13", .type = FIELD_SHARE, .at = offsetof(struct loss_spec, p13)},
    {.key = "p31", .type = FIELD_SHARE, .at = offsetof(struct loss_spec, p31)},
    {.key = "p32", .type = FIELD_SHARE, .at = offsetof(struct loss_spec, p32)},
    {.key = "p23", .type = FIELD_SHARE, .at = offsetof(struct loss_spec, p23)},
    {.key = "p14", .type = FIELD_SHARE, .at = offsetof(struct loss_spec, p14)},
    {.key = "every",
     .type = FIELD_U64,
     .at = offsetof(struct loss_spec, every),
     .lo = 1,
     .none = "never"},
    {.key = "first",
     .type = FIELD_U64,
     .at = offsetof(struct loss_spec, first),
     .lo = 1,
     .none = "every"},
    {.key = "numbers", .type = FIELD_OWN, .read = numbers_read, .print = numbers_print},
    {.key = "from", .type = FIELD_TIME, .at = offsetof(struct loss_spec, from)},
    {.key = "until",
     .type = FIELD_TIME,
     .at = offsetof(struct loss_spec, until),
     .none = "end",
     .none_value = (uint64_t)NS_NEVER},
};

static bool loss_check(struct doc *d, const struct node *y, struct loss_spec *l)
{
	if (l->model == LOSS_FOUR_STATE && !doc_find(d, y, "p31"))
		l->p31 = PPB_ONE - l->p32;
	if ((uint64_t)l->p13 + l->p14 > PPB_ONE)
		return doc_fail(d, y, "loss: got p13 + p14 over 100%%, expected at most that");
	if (l->model == LOSS_FOUR_STATE && (uint64_t)l->p31 + l->p32 > PPB_ONE)
		return doc_fail(d, y, "loss: got p31 + p32 over 100%%, expected at most that");
	if (l->model == LOSS_PERIODIC && l->every == 0)
		return doc_fail(d, y, "loss: got no `every`, expected one with model periodic");
	if (l->model == LOSS_NUMBERS_ONLY && l->nnumbers == 0)
		return doc_fail(d, y, "loss: got no `numbers`, expected some with model numbers");
	if (l->first == 0)
		l->first = l->every;
	if (l->from >= l->until)
		return doc_fail(d, y, "loss: got an empty span, expected `from` before `until`");
	return true;
}

static bool loss_read(struct doc *d, const struct node *y, void *to)
{
	struct path_spec *s = to, fresh;

	path_spec_default(&fresh);
	s->loss = fresh.loss;
	if (is_word(d, y, "none"))
		return true;
	if (y->type == NODE_TEXT)
		return words_read(d, y, "loss", s);
	if (!fields_read(d, y, loss_fields, ARRAY_LEN(loss_fields), &s->loss))
		return false;
	if (!doc_find(d, y, "model"))
		return doc_fail(d, y,
				"loss: got no `model`, expected one of random, gilbert-elliott, "
				"four-state, periodic, numbers");
	return loss_check(d, y, &s->loss);
}

static void loss_print(FILE *to, const void *from)
{
	const struct path_spec *s = from;

	fields_print_inline(to, loss_fields, ARRAY_LEN(loss_fields), &s->loss);
}

/* ---- corrupt, duplicate, reorder ---- */

static const char *const checksum_words[] = {"broken", "repaired", NULL};

static const struct field corrupt_fields[] = {
    {.key = "p", .type = FIELD_SHARE, .at = offsetof(struct corrupt_spec, p)},
    {.key = "kind",
     .type = FIELD_ENUM,
     .at = offsetof(struct corrupt_spec, kind),
     .words = corrupt_names},
    {.key = "checksum",
     .type = FIELD_ENUM8,
     .at = offsetof(struct corrupt_spec, repaired),
     .words = checksum_words},
};

static bool corrupt_read(struct doc *d, const struct node *y, void *to)
{
	struct path_spec *s = to;

	if (y->type == NODE_TEXT)
		return words_read(d, y, "corrupt", s);
	return fields_read(d, y, corrupt_fields, ARRAY_LEN(corrupt_fields), &s->corrupt);
}

static void corrupt_print(FILE *to, const void *from)
{
	const struct path_spec *s = from;

	fields_print_inline(to, corrupt_fields, ARRAY_LEN(corrupt_fields), &s->corrupt);
}

static const struct field duplicate_fields[] = {
    {.key = "p", .type = FIELD_SHARE, .at = offsetof(struct duplicate_spec, p)},
    {.key = "by", .type = FIELD_TIME, .at = offsetof(struct duplicate_spec, by)},
};

static bool duplicate_read(struct doc *d, const struct node *y, void *to)
{
	struct path_spec *s = to;

	if (y->type == NODE_TEXT)
		return words_read(d, y, "duplicate", s);
	return fields_read(d, y, duplicate_fields, ARRAY_LEN(duplicate_fields), &s->duplicate);
}

static void duplicate_print(FILE *to, const void *from)
{
	const struct path_spec *s = from;

	fields_print_inline(to, duplicate_fields, ARRAY_LEN(duplicate_fields), &s->duplicate);
}

static const struct field reorder_fields[] = {
    {.key = "p", .type = FIELD_SHARE, .at = offsetof(struct reorder_spec, p)},
    {.key = "distance",
     .type = FIELD_U32,
     .at = offsetof(struct reorder_spec, distance),
     .lo = 0,
     .hi = 1000},
    {.key = "by", .type = FIELD_TIME, .at = offsetof(struct reorder_spec, by)},
};

static bool reorder_read(struct doc *d, const struct node *y, void *to)
{
	struct path_spec *s = to;

	if (y->type == NODE_TEXT)
		return words_read(d, y, "reorder", s);
	return fields_read(d, y, reorder_fields, ARRAY_LEN(reorder_fields), &s->reorder);
}

static void reorder_print(FILE *to, const void *from)
{
	const struct path_spec *s = from;

	fields_print_inline(to, reorder_fields, ARRAY_LEN(reorder_fields), &s->reorder);
}

/* A whole path in words, as --impair takes it; shown as the keys that it fills. */
static bool impair_read(struct doc *d, const struct node *y, void *to)
{
	char why[200] = "";
	const char *text;

	if (!text_read(d, y, "words such as `loss 1%, delay 10ms`", &text))
		return false;
	return path_spec_words(to, text, why, sizeof(why)) || doc_fail(d, y, "%s", why);
}

const struct field path_fields[] = {
    {.key = "impair", .type = FIELD_OWN, .read = impair_read},
    {.key = "rate", .type = FIELD_OWN, .read = rate_read, .print = rate_print},
    {.key = "overhead",
     .type = FIELD_U32,
     .at = offsetof(struct path_spec, overhead),
     .lo = 0,
     .hi = 1000},
    {.key = "queue", .type = FIELD_OWN, .read = queue_read, .print = queue_print},
    {.key = "delay", .type = FIELD_OWN, .read = delay_read, .print = delay_print},
    {.key = "loss", .type = FIELD_OWN, .read = loss_read, .print = loss_print},
    {.key = "corrupt", .type = FIELD_OWN, .read = corrupt_read, .print = corrupt_print},
    {.key = "duplicate", .type = FIELD_OWN, .read = duplicate_read, .print = duplicate_print},
    {.key = "reorder", .type = FIELD_OWN, .read = reorder_read, .print = reorder_print},
    {.key = "path_mtu",
     .type = FIELD_U32,
     .at = offsetof(struct path_spec, mtu),
     .lo = 68,
     .hi = 65535,
     .none = "none"},
    {.key = "black_hole", .type = FIELD_BOOL, .at = offsetof(struct path_spec, mtu_silent)},
};
const size_t npath_fields = ARRAY_LEN(path_fields);

/* ---- a link ---- */

bool link_find(struct doc *d, const struct node *y, const struct scenario *sc, uint32_t *which)
{
	const char *text;
	char shown[64];

	if (!text_read(d, y, "the name of a link", &text))
		return false;
	return names_find(&sc->link_names, text, which) ||
	       doc_fail(d, y, "got %s, expected the name of a link", text_shown(text, shown));
}

static bool between_read(struct doc *d, const struct node *y, struct scenario *sc,
			 struct scenario_link *l)
{
	uint32_t side = 0, group[2];

	if (!list_expect(d, y, "two hosts, as in [client, server]"))
		return false;
	if (y->n != 2)
		return doc_fail(d, y, "got %u hosts, expected two", y->n);
	for (const struct node *n = doc_first(d, y); n; n = doc_next(d, n), side++) {
		const char *name;
		struct scenario_host *h;

		if (!text_read(d, n, "the name of a host or switch", &name) ||
		    !node_find(d, n, sc, name, &l->host[side]))
			return false;
		h = &sc->host[l->host[side]];
		group[side] = node_group(sc, l->host[side]);
		if (l->host[side] >= sc->nhosts)
			continue;
		if (h->link != UINT32_MAX)
			return doc_fail(d, n, "the host `%s` has a link already, expected one each",
					h->name);
		h->link = (uint32_t)(l - sc->link);
		h->side = (uint8_t)side;
	}
	if (group[0] == group[1])
		return doc_fail(d, y,
				"got a link that closes a loop, expected nodes not yet joined");
	sc->host[group[0]].group = group[1];
	return true;
}

/* `a->b`: which direction; -1: the key is not such. */
static int direction(const struct scenario *sc, const struct scenario_link *l, const char *key)
{
	char name[2 * SCENARIO_NAME + 3];

	for (int i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "%s->%s", sc->host[l->host[i]].name,
			 sc->host[l->host[!i]].name);
		if (strcmp(name, key) == 0)
			return i;
	}
	return -1;
}

static const struct field *path_field(const char *key)
{
	for (size_t i = 0; i < npath_fields; i++)
		if (strcmp(path_fields[i].key, key) == 0)
			return &path_fields[i];
	return NULL;
}

static bool link_key_unknown(struct doc *d, const struct node *y, const struct scenario *sc,
			     const struct scenario_link *l)
{
	const char *known[ARRAY_LEN(path_fields) + 5];
	char dir[2][2 * SCENARIO_NAME + 3];
	size_t n = 0;

	known[n++] = "name";
	known[n++] = "between";
	known[n++] = "mtu";
	for (size_t i = 0; i < npath_fields; i++)
		known[n++] = path_fields[i].key;
	for (int i = 0; i < 2; i++) {
		snprintf(dir[i], sizeof(dir[i]), "%s->%s", sc->host[l->host[i]].name,
			 sc->host[l->host[!i]].name);
		known[n++] = dir[i];
	}
	return key_unknown(d, y, known, n);
}

static bool link_read(struct doc *d, const struct node *y, struct scenario *sc,
		      struct scenario_link *l)
{
	static const struct field mtu = {.key = "mtu",
					 .type = FIELD_U32,
					 .at = offsetof(struct scenario_link, mtu),
					 .lo = 68,
					 .hi = 65535};
	const struct node *between, *n;
	const struct field *f;

	if (!map_expect(d, y, "a link, as in {between: [client, server], delay: 10ms}"))
		return false;
	snprintf(l->name, sizeof(l->name), "link%u", (uint32_t)(l - sc->link) + 1);
	l->mtu = 1500;
	path_spec_default(&l->dir[0]);
	path_spec_default(&l->dir[1]);
	between = doc_find(d, y, "between");
	if (!between)
		return doc_fail(d, y, "got a link without `between`, expected two hosts");
	if (!between_read(d, between, sc, l))
		return false;

	for (n = doc_first(d, y); n; n = doc_next(d, n)) {
		const char *key = doc_key(d, n);

		if (n == between || direction(sc, l, key) >= 0)
			continue;
		if (strcmp(key, "name") == 0  ? !name_read(d, n, l->name)
		    : strcmp(key, "mtu") == 0 ? !field_read(d, n, &mtu, l)
		    : !(f = path_field(key))
			? !link_key_unknown(d, n, sc, l)
			: !field_read(d, n, f, &l->dir[0]) || !field_read(d, n, f, &l->dir[1]))
			return false;
	}
	for (n = doc_first(d, y); n; n = doc_next(d, n)) {
		int i = direction(sc, l, doc_key(d, n));

		if (i >= 0 && !fields_read(d, n, path_fields, npath_fields, &l->dir[i]))
			return false;
	}
	l->dir[0].rtt = l->dir[1].rtt = l->dir[0].delay.mean + l->dir[1].delay.mean;
	return true;
}

static bool mtu_fits(struct doc *d, const struct node *y, const struct scenario *sc,
		     const struct scenario_link *l)
{
	for (int i = 0; i < 2; i++)
		for (uint8_t k = 0; k < sc->host[l->host[i]].naddrs; k++) /* a switch has none */
			if (!addr_is_v4(&sc->host[l->host[i]].addr[k].addr) && l->mtu < 1280)
				return doc_fail(
				    d, y, "mtu: got %u, expected at least 1280 with IPv6", l->mtu);
	return true;
}

bool links_read(struct doc *d, const struct node *y, struct scenario *sc)
{
	if (!list_expect(d, y, "a list of links"))
		return false;
	sc->link = calloc(y->n + 1, sizeof(*sc->link));
	if (!sc->link || !names_init(&sc->link_names, y->n))
		return doc_fail(d, y, "out of memory");
	for (const struct node *n = doc_first(d, y); n; n = doc_next(d, n)) {
		struct scenario_link *l = &sc->link[sc->nlinks++];

		if (!link_read(d, n, sc, l) || !mtu_fits(d, n, sc, l))
			return false;
		if (!names_add(&sc->link_names, l->name, sc->nlinks - 1))
			return doc_fail(d, n, "got a second link `%s`, expected distinct names",
					l->name);
	}
	return true;
}

void links_show(FILE *to, const struct scenario *sc)
{
	fputs(sc->nlinks ? "links:\n" : "links: []\n", to);
	for (uint32_t i = 0; i < sc->nlinks; i++) {
		const struct scenario_link *l = &sc->link[i];

		fprintf(to, "  - name: %s\n    between: [%s, %s]\n    mtu: %u\n", l->name,
			sc->host[l->host[0]].name, sc->host[l->host[1]].name, l->mtu);
		for (int k = 0; k < 2; k++) {
			fprintf(to, "    %s->%s:\n", sc->host[l->host[k]].name,
				sc->host[l->host[!k]].name);
			fields_print(to, "      ", path_fields, npath_fields, &l->dir[k]);
		}
	}
}
