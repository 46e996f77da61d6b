/* What sim/scenarios/README.md says of the keys, against the tables that read and show them: none is missing on
 * either side, and the defaults are those that `show` prints. */
#include "../lib/test.h"

#include <stdlib.h>
#include <string.h>

#include "../../sim/scenario_read.h"
#include "../../sim/tcp_fields.h"

#define KEYS_MAX 128
#define KEY_TEXT 64

struct keys {
	char key[KEYS_MAX][KEY_TEXT], value[KEYS_MAX][KEY_TEXT]; /* value "-": not said */
	size_t n;
};

static void add(struct keys *k, const char *key, const char *value)
{
	CU_ASSERT_TRUE_FATAL(k->n < KEYS_MAX);
	snprintf(k->key[k->n], KEY_TEXT, "%s", key);
	snprintf(k->value[k->n++], KEY_TEXT, "%s", value);
}

static const char *value_of(const struct keys *k, const char *key)
{
	for (size_t i = 0; i < k->n; i++)
		if (strcmp(k->key[i], key) == 0)
			return k->value[i];
	return NULL;
}

/* ---- what the page says ---- */

static struct keys page_keys(const char *section)
{
	FILE *f = fopen("sim/scenarios/README.md", "r");
	char line[600], heading[80], key[KEY_TEXT], value[KEY_TEXT];
	struct keys k = {.n = 0};
	bool inside = false;

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	snprintf(heading, sizeof(heading), "### %s\n", section);
	while (fgets(line, sizeof(line), f)) {
		if (line[0] == '#')
			inside = strcmp(line, heading) == 0;
		if (inside && sscanf(line, "| `%63[^`]` | %63[^|]|", key, value) == 2) {
			value[strlen(value) - 1] = '\0'; /* the blank */
			add(&k, key, value);
		}
	}
	fclose(f);
	return k;
}

/* ---- what `show` prints ---- */

static void take_map(struct keys *k, const struct doc *d, const struct node *map, const char *under)
{
	for (const struct node *y = doc_first(d, map); y; y = doc_next(d, y)) {
		char key[KEY_TEXT];

		snprintf(key, sizeof(key), "%s%s%s", under, *under ? "." : "", doc_key(d, y));
		if (strstr(key, "->") || strcmp(key, "tcp") == 0 || strcmp(key, "ao") == 0)
			add(k, key, "-"); /* a section of its own */
		else if (y->type == NODE_MAP && !*under)
			take_map(k, d, y, key);
		else
			add(k, key, y->type == NODE_TEXT ? doc_text(d, y) : "-");
	}
}

static const struct node *down(const struct doc *d, const struct node *y, const char *key)
{
	y = y->type == NODE_LIST ? doc_first(d, y) : doc_find(d, y, key);
	CU_ASSERT_PTR_NOT_NULL_FATAL(y);
	return y;
}

static struct doc shown(void)
{
	static const char text[] = "scenario: 1\nhosts: {a: {ao: [{send: 1, recv: 2, key: k}]}, b: {}}\nlinks: [{between: [a, b]}]\n"
				   "traffic: [{from: a, to: 'b:80', send: 1MB}]\n";
	char err[300], *out = NULL;
	size_t len;
	struct scenario *sc = scenario_parse("x", text, sizeof(text) - 1, NULL, err, sizeof(err));
	FILE *f = open_memstream(&out, &len);
	struct doc d;

	CU_ASSERT_PTR_NOT_NULL_FATAL(sc);
	scenario_show(f, sc);
	fclose(f);
	scenario_free(sc);
	CU_ASSERT_TRUE_FATAL(doc_parse(&d, "shown", out, len, err, sizeof(err)));
	free(out);
	return d;
}

static void compare(const char *section, const struct keys *page, const struct keys *table)
{
	CU_ASSERT_TRUE(page->n > 1);
	for (size_t i = 0; i < table->n; i++) {
		const char *said = value_of(page, table->key[i]);

		if (!said)
			printf("\nsim/scenarios/README.md, %s: `%s` is missing\n", section, table->key[i]);
		else if (strcmp(said, "-") != 0 && strcmp(table->value[i], "-") != 0 && strcmp(said, table->value[i]) != 0)
			printf("\nsim/scenarios/README.md, %s: `%s` is %s by default, not %s\n", section, table->key[i],
			       table->value[i], said);
		else
			continue;
		FAIL_ROW(table->key[i]);
	}
	for (size_t i = 0; i < page->n; i++)
		if (!value_of(table, page->key[i])) {
			printf("\nsim/scenarios/README.md, %s: there is no `%s`\n", section, page->key[i]);
			FAIL_ROW(page->key[i]);
		}
}

static void the_page_has_every_key_that_is_shown_with_its_default(void)
{
	struct doc d = shown();
	const struct node *root = doc_root(&d), *host = down(&d, down(&d, root, "hosts"), "a"),
			  *link = down(&d, down(&d, root, "links"), NULL);
	const struct {
		const char *section;
		const struct node *map[2];
		const char *more, *skip; /* keys that are not shown; that are, but are no keys */
	} rows[] = {
		{"hosts", {host}, NULL, NULL},
		{"tcp", {doc_find(&d, host, "tcp")}, NULL, NULL},
		{"ao", {down(&d, doc_find(&d, host, "ao"), NULL)}, NULL, NULL},
		{"links", {link, doc_find(&d, link, "a->b")}, "impair", "->"},
		{"traffic", {down(&d, down(&d, root, "traffic"), NULL)}, NULL, NULL},
		{"capture", {doc_find(&d, root, "capture")}, NULL, NULL},
		{"output", {doc_find(&d, root, "output")}, NULL, NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct keys page = page_keys(rows[i].section), all = {.n = 0}, table = {.n = 0};

		for (int m = 0; m < 2 && rows[i].map[m]; m++)
			take_map(&all, &d, rows[i].map[m], "");
		for (size_t k = 0; k < all.n; k++)
			if (!rows[i].skip || !strstr(all.key[k], rows[i].skip))
				add(&table, all.key[k], all.value[k]);
		if (rows[i].more)
			add(&table, rows[i].more, "-");
		compare(rows[i].section, &page, &table);
	}
	doc_free(&d);
}

static void the_page_has_every_section_event_and_expectation(void)
{
	struct doc d = shown();
	struct keys page = page_keys("The file"), top = {.n = 0}, events = {.n = 0}, expects = {.n = 0};

	for (const struct node *y = doc_first(&d, doc_root(&d)); y; y = doc_next(&d, y))
		add(&top, doc_key(&d, y), y->type == NODE_TEXT ? doc_text(&d, y) : "-");
	if (!value_of(&top, "sweep"))
		add(&top, "sweep", "-"); /* shown where there is one */
	doc_free(&d);
	compare("The file", &page, &top);

	for (size_t i = 0; i < nevent_keys; i++)
		if (strcmp(event_keys[i], "when") != 0)
			add(&events, event_keys[i], "-");
	page = page_keys("events");
	compare("events", &page, &events);

	add(&expects, "flow", "-");
	for (size_t i = 0; expect_words[i]; i++)
		add(&expects, expect_words[i], "-");
	page = page_keys("expect");
	compare("expect", &page, &expects);
}

static void show_prints_every_setting(void)
{
	struct doc d = shown();
	const struct node *tcp = doc_find(&d, down(&d, down(&d, doc_root(&d), "hosts"), "a"), "tcp");
	size_t n;
	const struct field *f = tcp_fields(&n);

	CU_ASSERT_EQUAL(tcp->n, n);
	for (size_t i = 0; i < n; i++)
		if (!doc_find(&d, tcp, f[i].key))
			FAIL_ROW(f[i].key);
	doc_free(&d);
}

static void one_setting_by_its_words(void)
{
	static const struct {
		const char *key, *value, *err;
	} rows[] = {
		{"min_rto", "1s", NULL},
		{"cc", "bbr", NULL},
		{"frto", "false", NULL},
		{"syn_options", "all", NULL},
		{"fastopen_key", "000102030405060708090a0b0c0d0e0f", NULL},
		{"isn", "4294967295", NULL},
		{"min_rto", "1", "min_rto: got `1`, expected a time such as 10ms, with ns, us, ms, s, min or h"},
		{"min_rto", "1h", "tcp: got min_rto above max_rto, expected at most that"},
		{"min_rto", "-1s", "min_rto: got `-1s`, expected a time such as 10ms, with ns, us, ms, s, min or h"},
		{"min_rto", "", "min_rto: got nothing, expected a value"},
		{"min_rt", "1s", "min_rt: no such setting, expected perhaps min_rto"},
		{"x", "1s", "x: no such setting, expected a key below `tcp:` of scenarios"},
		{"fastopen_key", "00", "fastopen_key: got `00`, expected random, or 32 hexadecimal digits in quotes"},
		{"cc", "{a: b}", "got a mapping, expected one of: reno, cubic, bbr, dctcp, tahoe, none"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tcp_config c, before;
		char err[300] = "";

		memset(&c, 0, sizeof(c));
		tcp_config_default(&c);
		before = c;
		CU_ASSERT_EQUAL(tcp_field_set(&c, rows[i].key, rows[i].value, err, sizeof(err)), !rows[i].err);
		if (!rows[i].err)
			continue;
		if (strcmp(err, rows[i].err) != 0)
			printf("\n%s\n", err);
		CU_ASSERT_STRING_EQUAL(err, rows[i].err);
		CU_ASSERT_EQUAL(c.min_rto, before.min_rto);
	}
}

static const struct test_case cases[] = {
	TEST(the_page_has_every_key_that_is_shown_with_its_default),
	TEST(the_page_has_every_section_event_and_expectation),
	TEST(show_prints_every_setting),
	TEST(one_setting_by_its_words),
};
TEST_SUITE(scenario_keys, cases);
