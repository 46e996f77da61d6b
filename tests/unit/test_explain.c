/* The golden captures: made by our own writer, explained, and both compared with what is kept in
 * traces/golden. After a wanted change run the suite once with GOLDEN=write and look at the diff. */
#include "../lib/tape.h"
#include "../lib/test.h"

#include "../../stack/base/check.h"
#include "../../traces/explain.h"
#include "../../traces/ladder.h"
#include "../../traces/plot.h"
#include "../../traces/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- the captures ---- */

/* An exchange with one loss, repaired by SACK, and one needless tail loss probe. */
static void tape_losses(struct tape *t)
{
	t->timestamps = true;
	tape_handshake(t, C, 0);
	for (uint32_t i = 0; i < 6; i++)
		tape_seg(t, SEG(.from = C, .at = 100 * MS + i * MS, .seq = 1 + 1000 * i, .ack = 1, .len = 1000));
	for (uint32_t i = 0; i < 4; i++)
		tape_seg(t, SEG(.from = S, .at = (122 + i) * MS, .seq = 1, .ack = 1001, .sack = {{2001, 3001 + 1000 * i}},
				.tsecr = 101));
	tape_seg(t, SEG(.from = C, .at = 126 * MS, .seq = 1001, .ack = 1, .len = 1000));
	tape_seg(t, SEG(.from = S, .at = 147 * MS, .seq = 1, .ack = 6001, .tsecr = 127));
	tape_seg(t, SEG(.from = C, .at = 200 * MS, .seq = 6001, .ack = 1, .len = 300));
	tape_seg(t, SEG(.from = C, .at = 450 * MS, .seq = 6001, .ack = 1, .len = 300));
	tape_seg(t, SEG(.from = S, .at = 470 * MS, .seq = 1, .ack = 6301, .tsecr = 201));
	tape_seg(t, SEG(.from = S, .at = 471 * MS, .seq = 1, .ack = 6301, .sack = {{6001, 6301}}, .tsecr = 201));
	tape_seg(t, SEG(.from = C, .at = 500 * MS, .seq = 6301, .ack = 1, .flags = TH_FIN));
	tape_seg(t, SEG(.from = S, .at = 520 * MS, .seq = 1, .ack = 6302, .flags = TH_FIN));
	tape_seg(t, SEG(.from = C, .at = 521 * MS, .seq = 6302, .ack = 2));
}

/* The exercise of every course: open, one request, one answer, close in four segments. */
static void tape_lab(struct tape *t)
{
	tape_handshake(t, C, 0);
	tape_seg(t, SEG(.from = C, .at = 21 * MS, .seq = 1, .ack = 1, .len = 78));
	tape_seg(t, SEG(.from = S, .at = 42 * MS, .seq = 1, .ack = 79));
	tape_seg(t, SEG(.from = S, .at = 45 * MS, .seq = 1, .ack = 79, .len = 500));
	tape_seg(t, SEG(.from = C, .at = 46 * MS, .seq = 79, .ack = 501));
	tape_seg(t, SEG(.from = C, .at = 5 * SEC, .seq = 79, .ack = 501, .flags = TH_FIN));
	tape_seg(t, SEG(.from = S, .at = 5 * SEC + 20 * MS, .seq = 501, .ack = 80));
	tape_seg(t, SEG(.from = S, .at = 5 * SEC + 21 * MS, .seq = 501, .ack = 80, .flags = TH_FIN));
	tape_seg(t, SEG(.from = C, .at = 5 * SEC + 21 * MS, .seq = 80, .ack = 502));
}

static const struct {
	const char *name;
	void (*make)(struct tape *);
} golden[] = {
	{"lab", tape_lab},
	{"losses", tape_losses},
};

/* ---- comparing ---- */

static char *slurp(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	char *b = malloc(1 << 20);

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	*n = f ? fread(b, 1, (1 << 20) - 1, f) : 0;
	b[*n] = '\0';
	if (f)
		fclose(f);
	return b;
}

static void compare(const char *made, const char *kept)
{
	size_t n, m;
	char *a = slurp(made, &n), *b = slurp(kept, &m);
	const char *mode = getenv("GOLDEN");

	if (mode && strcmp(mode, "write") == 0) {
		FILE *f = fopen(kept, "wb");

		CU_ASSERT_PTR_NOT_NULL_FATAL(f);
		CU_ASSERT_EQUAL(fwrite(a, 1, n, f), n);
		fclose(f);
	} else {
		if (n != m || memcmp(a, b, n) != 0)
			printf("%s differs from %s\n", made, kept);
		CU_ASSERT_TRUE(n > 0 && n == m && memcmp(a, b, n) == 0);
	}
	free(a);
	free(b);
}

static void write_capture(const struct tape *t, const char *path)
{
	static const struct trace_iface tap = {.name = "client", .mac = {{2, 0, 0, 0, 0, 1}},
					       .addr = {{{[10] = 0xff, 0xff, 10, 0, 0, 1}}}, .prefix = {24}, .naddrs = 1};
	struct reader *r = reader_of_bytes(t->bytes, t->n);
	struct reader_pkt p;
	char err[200];
	struct trace_writer *w = trace_open(path, &(struct trace_options){.app = "tapir"}, err, sizeof(err));

	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	CU_ASSERT_EQUAL(trace_add_iface(w, &tap), 0);
	while (reader_next(r, &p) == READER_PACKET) {
		struct trace_frame f = {.at = p.at, .bytes = p.data, .len = p.len, .id = p.frame,
					.dir = p.data[5] == 1 ? TRACE_IN : TRACE_OUT};

		CU_ASSERT_TRUE(trace_frame(w, &f));
	}
	CU_ASSERT_TRUE(trace_close(w, err, sizeof(err)));
	reader_close(r);
}

static void draw(void *ladder, const struct seg_view *v)
{
	ladder_add(ladder, v);
}

static struct analysis *analyse(const char *path, struct ladder *l)
{
	char err[200];
	struct reader *r = reader_open(path, err, sizeof(err));
	struct analysis *a = analysis_new();
	struct reader_pkt p;

	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	a->each = l ? draw : NULL;
	a->arg = l;
	while (reader_next(r, &p) == READER_PACKET)
		analysis_packet(a, &p);
	analysis_finish(a);
	reader_close(r);
	return a;
}

static void explain_to(const char *path, const struct analysis *a, const char *name, enum doc_form form)
{
	FILE *f = fopen(path, "w");
	struct doc *d = doc_new(f, form, name);

	explain_capture(d, a, name);
	explain_conn(d, a->conn[0]);
	doc_end(d);
	fclose(f);
}

static void golden_captures_and_their_explanations_are_as_kept(void)
{
	mkdir("build", 0777);
	mkdir("build/golden", 0777);
	for (size_t i = 0; i < ARRAY_LEN(golden); i++) {
		char made[100], kept[100], file[100];
		struct ladder *l = ladder_new();
		struct analysis *a;
		struct tape t;
		json_t *j;
		FILE *f;

#define PATHS(end)                                                                                 \
	snprintf(made, sizeof(made), "build/golden/%s" end, golden[i].name);                       \
	snprintf(kept, sizeof(kept), "traces/golden/%s" end, golden[i].name)
		tape_init(&t);
		golden[i].make(&t);
		PATHS(".pcapng");
		snprintf(file, sizeof(file), "%s.pcapng", golden[i].name);
		write_capture(&t, made);
		tape_free(&t);
		compare(made, kept);

		a = analyse(kept, l);
		CU_ASSERT_EQUAL_FATAL(a->nconns, 1);
		PATHS(".txt");
		explain_to(made, a, file, DOC_TEXT);
		compare(made, kept);
		PATHS(".md");
		explain_to(made, a, file, DOC_MARKDOWN);
		compare(made, kept);
		PATHS(".json");
		j = explain_json(a, file, -1);
		CU_ASSERT_EQUAL(json_dump_file(j, made, JSON_INDENT(1) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(12)), 0);
		json_decref(j);
		compare(made, kept);
		PATHS(".svg");
		f = fopen(made, "w");
		CU_ASSERT_TRUE(ladder_write(l, a->conn[0], f));
		fclose(f);
		compare(made, kept);
		analysis_free(a);
		ladder_free(l);
	}
}

/* Every key of the contract, by its type. */
static void the_json_has_every_key_of_the_contract(void)
{
	static const struct {
		const char *key;
		json_type type;
	} row[] = {
		{"id", JSON_INTEGER}, {"client", JSON_STRING}, {"server", JSON_STRING}, {"tap", JSON_STRING}, {"first", JSON_REAL},
		{"last", JSON_REAL}, {"handshake", JSON_OBJECT}, {"teardown", JSON_OBJECT}, {"bytes", JSON_OBJECT},
		{"packets", JSON_OBJECT}, {"retransmissions", JSON_ARRAY}, {"late", JSON_ARRAY}, {"copies", JSON_ARRAY},
		{"probes", JSON_ARRAY}, {"stalls", JSON_ARRAY}, {"text", JSON_STRING},
	};
	static const char *const retx[] = {"frame", "bytes", "cause", "original", "trigger", "needless", "proof", "certainty", "text"};
	struct analysis *a = analyse("traces/golden/losses.pcapng", NULL);
	json_t *j = explain_json(a, "x", -1), *c = json_array_get(json_object_get(j, "connections"), 0), *e;

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		json_t *v = json_object_get(c, row[i].key);

		CU_ASSERT_PTR_NOT_NULL_FATAL(v);
		CU_ASSERT_EQUAL(json_typeof(v), row[i].type);
	}
	e = json_array_get(json_object_get(c, "retransmissions"), 0);
	for (size_t i = 0; i < ARRAY_LEN(retx); i++)
		CU_ASSERT_PTR_NOT_NULL(json_object_get(e, retx[i]));
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(e, "original")), 5);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(e, "cause")), "recovery");
	json_decref(j);
	analysis_free(a);
}

static void text_from_a_capture_cannot_reach_terminal_or_page(void)
{
	static const struct {
		enum doc_form form;
		const char *bad, *good;
	} row[] = {
		{DOC_TEXT, "\x1b[31m", "\\x1b[31m"},
		{DOC_HTML, "<script>", "&#60;script&#62;"},
		{DOC_MARKDOWN, "a|b", "a\\|b"},
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		char *text = NULL;
		size_t n;
		FILE *f = open_memstream(&text, &n);
		struct doc *d = doc_new(f, row[i].form, "t");

		doc_para(d, "%s", row[i].bad);
		doc_end(d);
		fclose(f);
		CU_ASSERT_PTR_NULL(strstr(text, row[i].bad));
		CU_ASSERT_PTR_NOT_NULL(strstr(text, row[i].good));
		free(text);
	}
}

static void a_chart_without_points_and_one_with_equal_points_are_well_formed(void)
{
	for (int points = 0; points < 3; points++) {
		struct plot *p = plot_new("a & b", "x", "y");
		char *text = NULL;
		size_t n;
		FILE *f = open_memstream(&text, &n);
		int s = plot_series(p, "s", PLOT_LINE, NULL);

		for (int i = 0; i < points; i++)
			CU_ASSERT_TRUE(plot_point(p, s, 0, 0));
		CU_ASSERT_TRUE(plot_write(p, f));
		fclose(f);
		CU_ASSERT_PTR_NOT_NULL(strstr(text, "a &#38; b"));
		CU_ASSERT_PTR_NULL(strstr(text, "nan"));
		CU_ASSERT_PTR_NOT_NULL(strstr(text, "</svg>"));
		free(text);
		plot_free(p);
	}
}

static void a_limit_far_above_the_data_does_not_flatten_it(void)
{
	struct plot *p = plot_new("t", "x", "y");
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);
	int limit = plot_series(p, "window", PLOT_LIMIT, NULL), data = plot_series(p, "data", PLOT_STEP, NULL);

	plot_point(p, limit, 1, 4e6);
	plot_point(p, data, 1, 1000);

	CU_ASSERT_TRUE(plot_write(p, f));
	fclose(f);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, ">1k<"));
	CU_ASSERT_PTR_NULL(strstr(text, "M<"));
	free(text);
	plot_free(p);
}

static const struct test_case cases[] = {
	TEST(golden_captures_and_their_explanations_are_as_kept),
	TEST(the_json_has_every_key_of_the_contract),
	TEST(text_from_a_capture_cannot_reach_terminal_or_page),
	TEST(a_limit_far_above_the_data_does_not_flatten_it),
	TEST(a_chart_without_points_and_one_with_equal_points_are_well_formed),
};
TEST_SUITE(explain, cases);
