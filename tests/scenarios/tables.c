/* Tables of scenarios: each file with a `sweep` is run over its grid and all its seeds, and the
 * medians are compared with the table that is stored beside it, byte by byte. So a change in
 * behaviour shows in the diff of the change that caused it (`--update` writes the tables anew).
 *
 * A stored table pins what we do; a `# band` line in the scenario says what is right, from
 * elsewhere:
 *
 *   # band cc=reno loss=1%: 5.8mbit..7.6mbit      the median goodput of each row with these words
 *
 * and a `# show` line has more columns:
 *
 *   # show rtt        of the first flow, in ms: least, median, 95th percentile
 *   # show flows      each flow's goodput (the first four), and the smallest in per cent of the largest
 *
 * usage: tables [--update] FILE.yaml... */
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../sim/grid.h"
#include "../../sim/units.h"

#define SEEDS_MAX 64
#define TEXT_MAX 65536

struct table {
	const char *file;
	char text[TEXT_MAX]; /* what came out */
	size_t len;
	bool show_rtt, show_flows;
	int in_band, out_of_band, broken;
};

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Of the middle two the smaller, so that it is one that occurred. */
static uint64_t median(const struct grid_figures *f, uint32_t n, size_t member)
{
	uint64_t v[SEEDS_MAX];

	for (uint32_t i = 0; i < n; i++)
		memcpy(&v[i], (const char *)&f[i] + member, sizeof(v[i]));
	qsort(v, n, sizeof(*v), by_number);
	return v[(n - 1) / 2];
}

static void say(struct table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct table *t, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	int n = vsnprintf(t->text + t->len, sizeof(t->text) - t->len, format, ap);

	va_end(ap);
	t->len += n > 0 && t->len + (size_t)n < sizeof(t->text) ? (size_t)n : 0;
}

/* Are all words of `some` among those of `row`? */
static bool has_words(const char *row, const char *some)
{
	char copy[400], padded[300], word[420], *save = NULL;

	snprintf(copy, sizeof(copy), "%.390s", some);
	snprintf(padded, sizeof(padded), " %s ", row);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		snprintf(word, sizeof(word), " %s ", w);
		if (!strstr(padded, word))
			return false;
	}
	return true;
}

/* The first band of the file that this row falls under; false: none. */
static bool find_band(const char *file, const char *row, uint64_t *lo, uint64_t *hi)
{
	FILE *f = fopen(file, "r");
	char line[400];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		char *colon = strchr(line, ':'), *dots = colon ? strstr(colon, "..") : NULL;

		line[strcspn(line, "\n")] = 0;
		if (strncmp(line, "# band ", 7) != 0 || !dots)
			continue;
		*colon = *dots = 0;
		found = has_words(row, line + 7) && !unit_rate(colon + 2, lo) &&
			!unit_rate(dots + 2, hi);
	}
	if (f)
		fclose(f);
	return found;
}

static bool shows(const char *file, const char *what)
{
	FILE *f = fopen(file, "r");
	char line[400];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = strncmp(line, "# show ", 7) == 0 && strncmp(line + 7, what, strlen(what)) == 0;
	if (f)
		fclose(f);
	return found;
}

static void tenths_of_ms(struct table *t, const struct grid_figures *f, uint32_t n, size_t member)
{
	uint64_t tenths = (median(f, n, member) + MS / 20) / (MS / 10);

	say(t, " %5" PRIu64 ".%" PRIu64, tenths / 10, tenths % 10);
}

static uint64_t evenness(const struct grid_figures *f)
{
	uint64_t least = UINT64_MAX, most = 0;

	for (uint32_t i = 0; i < f->nflows && i < GRID_FLOWS; i++) {
		least = f->flow_bps[i] < least ? f->flow_bps[i] : least;
		most = f->flow_bps[i] > most ? f->flow_bps[i] : most;
	}
	return most ? least * 100 / most : 0;
}

static void more_columns(struct table *t, struct grid_figures *f, uint32_t n)
{
	if (t->show_rtt) {
		tenths_of_ms(t, f, n, offsetof(struct grid_figures, rtt_min));
		tenths_of_ms(t, f, n, offsetof(struct grid_figures, rtt_median));
		tenths_of_ms(t, f, n, offsetof(struct grid_figures, rtt_p95));
	}
	if (!t->show_flows)
		return;
	for (uint32_t i = 0; i < f->nflows && i < GRID_FLOWS; i++)
		say(t, " %7" PRIu64,
		    median(f, n, offsetof(struct grid_figures, flow_bps) + i * sizeof(uint64_t)) / 1000);
	for (uint32_t i = 0; i < n; i++)
		f[i].bytes = evenness(&f[i]);
	say(t, " %4" PRIu64, median(f, n, offsetof(struct grid_figures, bytes)));
}

static void row(struct table *t, const char *words, struct grid_figures *f, uint32_t n)
{
	uint64_t v[SEEDS_MAX], mid = median(f, n, offsetof(struct grid_figures, goodput_bps)), lo, hi;

	for (uint32_t i = 0; i < n; i++)
		v[i] = f[i].goodput_bps;
	qsort(v, n, sizeof(*v), by_number);
	say(t,
	    "%-44s %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %7" PRIu64 " %5" PRIu64 " %5" PRIu64
	    " %6" PRIu64 " %7" PRIu64,
	    words, mid / 1000, v[0] / 1000, v[n - 1] / 1000,
	    median(f, n, offsetof(struct grid_figures, retransmissions)),
	    median(f, n, offsetof(struct grid_figures, timeouts)),
	    median(f, n, offsetof(struct grid_figures, spurious)),
	    median(f, n, offsetof(struct grid_figures, dsacks)),
	    median(f, n, offsetof(struct grid_figures, lost)));
	more_columns(t, f, n);
	if (find_band(t->file, words, &lo, &hi)) {
		bool in = mid >= lo && mid <= hi;

		say(t, "  %s %" PRIu64 "..%" PRIu64, in ? "in" : "OUT OF", lo / 1000, hi / 1000);
		*(in ? &t->in_band : &t->out_of_band) += 1;
	}
	say(t, "\n");
}

/* Runs one point of the grid over all seeds. */
static void point(struct table *t, const struct grid *g, uint64_t k)
{
	char words[GRID_WORDS];
	struct grid_figures f[SEEDS_MAX];
	uint32_t n = 0;

	for (; n < g->seeds && n < SEEDS_MAX; n++) {
		grid_run(g, k * g->seeds + n, &f[n]);
		if (!f[n].ran) {
			fprintf(stderr, "%s: %s\n", t->file, f[n].err);
			t->broken++;
			return;
		}
	}
	row(t, grid_words(g, k, words), f, n);
}

static void all_points(struct table *t, const struct grid *g)
{
	say(t, "%s, %" PRIu64 " seeds: medians; goodput in kbit/s\n", g->sc->title, g->seeds);
	say(t, "%-44s %9s %9s %9s %7s %5s %5s %6s %7s", "", "goodput", "least", "most", "resent", "rto",
	    "undue", "dsacks", "lost");
	if (t->show_rtt)
		say(t, " %7s %7s %7s", "rtt min", "median", "95 %");
	if (t->show_flows)
		say(t, "  of each flow, and %% of the most");
	say(t, "\n");
	for (uint64_t k = 0; k < g->points; k++)
		point(t, g, k);
}

static bool stored_equals(const char *name, const char *text)
{
	char stored[TEXT_MAX] = "";
	FILE *f = fopen(name, "r");
	size_t n = f ? fread(stored, 1, sizeof(stored) - 1, f) : 0;

	if (f)
		fclose(f);
	stored[n] = 0;
	return strcmp(stored, text) == 0;
}

static bool store(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");
	bool ok = f && fputs(text, f) >= 0;

	return f && fclose(f) == 0 && ok;
}

/* Prints `ok` or `not ok`; counts. */
static void one(const char *file, bool update, int *passed, int *failed)
{
	static struct table t;
	char name[512], err[512];
	static const struct scenario_options plain;
	struct grid g;
	bool same;

	if (!grid_open(&g, file, &plain, err, sizeof(err))) {
		printf("not ok %s\n", err);
		++*failed;
		return;
	}
	t = (struct table){.file = file, .show_rtt = shows(file, "rtt"), .show_flows = shows(file, "flows")};
	snprintf(name, sizeof(name), "%.*s.table", (int)strcspn(file, "."), file);
	all_points(&t, &g);
	grid_close(&g);
	if (update && !store(name, t.text))
		t.broken++;
	same = stored_equals(name, t.text);
	if (!same || t.out_of_band || t.broken)
		fputs(t.text, stdout);
	printf("%s %s: %s\n", same && !t.broken ? "ok" : "not ok", name,
	       t.broken ? "a run broke"
	       : same   ? "as stored"
			: "differs from what is stored");
	*(same && !t.broken ? passed : failed) += 1;
	printf("%s %s: %d rows in their band, %d out of it\n", t.out_of_band ? "not ok" : "ok",
	       name, t.in_band, t.out_of_band);
	*(t.out_of_band ? failed : passed) += 1;
}

int main(int argc, char **argv)
{
	bool update = argc > 1 && strcmp(argv[1], "--update") == 0;
	int passed = 0, failed = 0;

	for (int i = 1 + update; i < argc; i++)
		one(argv[i], update, &passed, &failed);
	printf("%d passed, %d failed\n", passed, failed);
	return failed || passed == 0;
}
