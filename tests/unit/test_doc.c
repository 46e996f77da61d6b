/* YAML as a tree: what is refused and where, --set, and that hostile input is refused quickly. */
#include "../lib/test.h"

#include "../../sim/doc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool parse(const char *text, size_t len, char *err, size_t cap)
{
	struct doc d;
	bool ok = doc_parse(&d, "f.yaml", text, len, err, cap);

	doc_free(&d);
	CU_ASSERT_EQUAL(ok, err[0] == 0);
	return ok;
}

struct row {
	const char *name, *text;
	size_t len; /* 0: strlen */
	const char *message;
};

static void hostile_text_is_refused_with_its_place(void)
{
	static const struct row rows[] = {
		{"empty", "", 0, "f.yaml:1:1: nothing there"},
		{"blank", "\n\n  \n", 0, "nothing there"},
		{"only a comment", "# nothing\n", 0, "nothing there"},
		{"NUL", "a: 1\nb: \0 2\n", 12, "f.yaml:2:4: "},
		{"NUL by escape", "a: \"x\\0y\"\n", 0, "f.yaml:1:4: got a control character"},
		{"terminal escape", "a: \"\\e[31m\"\n", 0, "f.yaml:1:4: got a control character"},
		{"raw terminal escape", "a: \x1b[31m\n", 0, "f.yaml:1:4: "},
		{"C1 control", "a: \"\\x9b31m\"\n", 0, "control character"},
		{"bad UTF-8", "a: \xff\xfe\n", 0, "f.yaml:1:4: "},
		{"lone surrogate", "a: \"\\ud800\"\n", 0, "f.yaml:1:"},
		{"overlong UTF-8", "a: \xc0\x80\n", 0, "f.yaml:1:4: "},
		{"unclosed quote", "a: \"x\nb: 1\n", 0, "f.yaml:"},
		{"unclosed list", "a: [1, 2\n", 0, "f.yaml:2:1: "},
		{"unclosed mapping", "a: {b: 1\n", 0, "f.yaml:2:1: "},
		{"tab as indentation", "a:\n\tb: 1\n", 0, "f.yaml:2:1: "},
		{"duplicate key", "a: 1\nb: 2\na: 3\n", 0, "f.yaml:3:1: got the key `a` twice"},
		{"duplicate key inside", "a: {x: 1, y: 2, x: 3}\n", 0, "f.yaml:1:17: got the key `x` twice"},
		{"anchor", "a: &x 1\n", 0, "f.yaml:1:4: got an anchor"},
		{"alias", "a: &x [1]\nb: *x\n", 0, "f.yaml:1:4: got an anchor"},
		{"alias alone", "a: *x\n", 0, "f.yaml:1:4: got an alias"},
		{"tag", "a: !!python/object x\n", 0, "f.yaml:1:4: got an anchor or a tag"},
		{"two documents", "a: 1\n---\nb: 2\n", 0, "f.yaml:2:1: got a second document"},
		{"list as key", "? [1]\n: 2\n", 0, "f.yaml:1:3: got a list or mapping as a key"},
		{"merge of nothing", "<<: *x\n", 0, "got an alias"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char err[512];
		size_t len = rows[i].len ? rows[i].len : strlen(rows[i].text);
		bool ok = parse(rows[i].text, len, err, sizeof(err));

		if (ok || !strstr(err, rows[i].message)) {
			printf("%s: %s\n", rows[i].name, err);
			CU_FAIL("not refused so");
		}
		for (const char *s = err; *s; s++)
			CU_ASSERT_TRUE(*s >= ' ' && *s < 127);
	}
}

/* n times `unit`. */
static char *repeat(const char *unit, size_t n, size_t *len)
{
	size_t size = strlen(unit);
	char *text = malloc(n * size + 1);

	for (size_t i = 0; i < n; i++)
		memcpy(text + i * size, unit, size);
	text[n * size] = 0;
	*len = n * size;
	return text;
}

static void large_nonsense_is_refused(void)
{
	static const struct {
		const char *unit;
		size_t n;
		const char *message;
	} rows[] = {
		{"[", 100000, "nested too deeply"},
		{"{a: ", 100000, "nested too deeply"},
		{"- ", 100000, "nested too deeply"},
		{"a: 1\n", 100000, "got the key `a` twice"},
		{"x", 5000000, "bytes, expected at most"},
		{"- 1\n", 700000, "too many entries"},
		{"xxxxxxxx", 1100000, "bytes, expected at most"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char err[512];
		size_t len;
		char *text = repeat(rows[i].unit, rows[i].n, &len);
		bool ok = parse(text, len, err, sizeof(err));

		if (ok || !strstr(err, rows[i].message)) {
			printf("%s: %s\n", rows[i].unit, err);
			CU_FAIL("not refused so");
		}
		free(text);
	}
}

static void what_is_plain_is_read(void)
{
	static const char text[] = "\xef\xbb\xbf" "a: 1\r\nb: [x, {c: 'd e'}]\r\n";
	struct doc d;
	char err[512];

	CU_ASSERT_TRUE_FATAL(doc_parse(&d, "f", text, sizeof(text) - 1, err, sizeof(err)));
	const struct node *b = doc_find(&d, doc_root(&d), "b");

	CU_ASSERT_EQUAL(b->n, 2);
	const struct node *c = doc_find(&d, doc_next(&d, doc_first(&d, b)), "c");

	CU_ASSERT_STRING_EQUAL(doc_text(&d, c), "d e");
	CU_ASSERT_TRUE(c->quoted);
	CU_ASSERT_EQUAL(c->line, 2);
	CU_ASSERT_EQUAL(c->column, 12);
	doc_free(&d);
}

static void set_replaces_and_adds(void)
{
	static const char text[] = "a: {b: 1}\nl:\n  - {name: x, v: 1}\n  - {name: y, v: 2}\n";
	struct doc d;
	char err[512];

	CU_ASSERT_TRUE_FATAL(doc_parse(&d, "f", text, sizeof(text) - 1, err, sizeof(err)));
	CU_ASSERT_TRUE(doc_set(&d, "a.b=2"));
	CU_ASSERT_TRUE(doc_set(&d, "a.c.d={e: [1, 2]}"));
	CU_ASSERT_TRUE(doc_set(&d, "l.y.v=7"));
	CU_ASSERT_TRUE(doc_set(&d, "l.1.v=8"));
	CU_ASSERT_TRUE(doc_set(&d, "l.+={v: 9}"));
	CU_ASSERT_TRUE(doc_set(&d, "new.+=first"));
	CU_ASSERT_TRUE(doc_set(&d, "new.+=second"));

	const struct node *a = doc_find(&d, doc_root(&d), "a"), *l = doc_find(&d, doc_root(&d), "l");

	CU_ASSERT_STRING_EQUAL(doc_text(&d, doc_find(&d, a, "b")), "2");
	CU_ASSERT_EQUAL(doc_find(&d, doc_find(&d, doc_find(&d, a, "c"), "d"), "e")->n, 2);
	const struct node *x = doc_first(&d, l);

	CU_ASSERT_STRING_EQUAL(doc_text(&d, doc_find(&d, x, "v")), "8");
	CU_ASSERT_STRING_EQUAL(doc_text(&d, doc_find(&d, doc_next(&d, x), "v")), "7");
	const struct node *new = doc_find(&d, doc_root(&d), "new");

	CU_ASSERT_EQUAL(l->n, 3);
	CU_ASSERT_STRING_EQUAL(doc_text(&d, doc_find(&d, doc_next(&d, doc_next(&d, x)), "v")), "9");
	CU_ASSERT_EQUAL(new->type, NODE_LIST);
	CU_ASSERT_STRING_EQUAL(doc_text(&d, doc_next(&d, doc_first(&d, new))), "second");
	CU_ASSERT_FALSE(doc_set(&d, "l.z.v=7"));
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "--set 8:1:1: nothing is called `z`"));
	doc_free(&d);
}

static const struct test_case cases[] = {
	TEST(hostile_text_is_refused_with_its_place),
	TEST(large_nonsense_is_refused),
	TEST(what_is_plain_is_read),
	TEST(set_replaces_and_adds),
};
TEST_SUITE(doc, cases);
