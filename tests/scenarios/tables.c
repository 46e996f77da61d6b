/* Tables of scenarios: each file with a `sweep` is run over its grid and all its seeds, and the
 * medians are compared with the table that is stored beside it, byte by byte. So a change in
 * behaviour shows in the diff of the change that caused it (`--update` writes the tables anew).
 *
 * A stored table pins what we do; a `# band` line in the scenario says what is right, from
 * elsewhere:
 *
 *   # band cc=reno loss=1%: 5.8mbit..7.6mbit      the median goodput of each row with these words
 *
 * usage: tables [--update] FILE.yaml... */
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../sim/report.h"
#include "../../sim/units.h"

#define SEEDS_MAX 64
#define TEXT_MAX 65536

struct figures {
	uint64_t goodput, resent, timeouts, spurious, lost, dsacks;
};

struct table {
	const char *file;
	char text[TEXT_MAX]; /* what came out */
	size_t len;
	int in_band, out_of_band, broken;
};

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Of the middle two the smaller, so that it is one that occurred. */
static uint64_t median(const struct figures *f, uint32_t n, size_t member)
{
	uint64_t v[SEEDS_MAX];

	for (uint32_t i = 0; i < n; i++)
		memcpy(&v[i], (const char *)&f[i] + member, sizeof(v[i]));
	qsort(v, n, sizeof(*v), by_number);
	return v[(n - 1) / 2];
}

static bool run_once(const char *file, const struct scenario_options *opt, struct figures *f)
{
	struct world_options how = {.check = CHECK_SAMPLED};
	char err[512];
	struct scenario *sc = scenario_load(file, opt, err, sizeof(err));
	struct world *w = sc ? world_new(sc, &how, err, sizeof(err)) : NULL;
	struct flow_figures figures;
	bool ok = false;

	if (!w) {
		fprintf(stderr, "%s\n", err);
	} else if (!world_run(w)) {
		fprintf(stderr, "%s: seed %" PRIu64 ": %s\n", file, sc->seed, w->broken);
	} else {
		struct path_counters t = world_totals(w);

		*f = (struct figures){.lost = t.lost + t.queue_dropped};
		for (uint32_t i = 0; i < w->nflows; i++) {
			flow_figures(w, i, &figures);
			f->goodput += figures.goodput_bps;
			f->resent += figures.retransmissions;
			f->timeouts += figures.timeouts;
			f->spurious += figures.spurious;
			f->dsacks += figures.dsacks;
		}
		ok = true;
	}
	world_free(w);
	scenario_free(sc);
	return ok;
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

static void row(struct table *t, const char *words, const struct figures *f, uint32_t n)
{
	uint64_t v[SEEDS_MAX], mid = median(f, n, offsetof(struct figures, goodput)), lo, hi;

	for (uint32_t i = 0; i < n; i++)
		v[i] = f[i].goodput;
	qsort(v, n, sizeof(*v), by_number);
	say(t,
	    "%-44s %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %7" PRIu64 " %5" PRIu64 " %5" PRIu64
	    " %6" PRIu64 " %7" PRIu64,
	    words, mid / 1000, v[0] / 1000, v[n - 1] / 1000,
	    median(f, n, offsetof(struct figures, resent)),
	    median(f, n, offsetof(struct figures, timeouts)),
	    median(f, n, offsetof(struct figures, spurious)),
	    median(f, n, offsetof(struct figures, dsacks)),
	    median(f, n, offsetof(struct figures, lost)));
	if (find_band(t->file, words, &lo, &hi)) {
		bool in = mid >= lo && mid <= hi;

		say(t, "  %s %" PRIu64 "..%" PRIu64, in ? "in" : "OUT OF", lo / 1000, hi / 1000);
		*(in ? &t->in_band : &t->out_of_band) += 1;
	}
	say(t, "\n");
}

/* Runs one point of the grid over all seeds. */
static void point(struct table *t, const struct scenario *sc, const uint32_t *at)
{
	char set[SWEEP_VARS][400], words[256] = "";
	const char *sets[SWEEP_VARS];
	struct figures f[SEEDS_MAX];
	uint32_t n = 0;
	size_t len = 0;

	for (uint32_t i = 0; i < sc->nsweep; i++) {
		const struct sweep_var *v = &sc->sweep[i];

		snprintf(set[i], sizeof(set[i]), "sweep.%s='%s'", v->name, v->value[at[i]]);
		sets[i] = set[i];
		len += (size_t)snprintf(words + len, sizeof(words) - len, "%s%s=%s", i ? " " : "",
					v->name, v->value[at[i]]);
	}
	for (uint64_t seed = sc->seed_first; seed <= sc->seed_last && n < SEEDS_MAX; seed++) {
		struct scenario_options opt = {
		    .set = sets, .nset = sc->nsweep, .has_seed = true, .seed = seed};

		if (!run_once(t->file, &opt, &f[n++])) {
			t->broken++;
			return;
		}
	}
	row(t, words, f, n);
}

static void grid(struct table *t, const struct scenario *sc)
{
	uint32_t at[SWEEP_VARS] = {0}, i;

	say(t, "%s, %" PRIu64 " seeds: medians; goodput in kbit/s\n", sc->title,
	    sc->seed_last - sc->seed_first + 1);
	say(t, "%-44s %9s %9s %9s %7s %5s %5s %6s %7s\n", "", "goodput", "least", "most", "resent",
	    "rto", "undue", "dsacks", "lost");
	do {
		point(t, sc, at);
		/* The last variable counts fastest. */
		for (i = sc->nsweep; i > 0 && ++at[i - 1] == sc->sweep[i - 1].n; i--)
			at[i - 1] = 0;
	} while (i > 0);
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
	struct scenario *sc = scenario_load(file, NULL, err, sizeof(err));
	bool same;

	if (!sc) {
		printf("not ok %s\n", err);
		++*failed;
		return;
	}
	t = (struct table){.file = file};
	snprintf(name, sizeof(name), "%.*s.table", (int)strcspn(file, "."), file);
	grid(&t, sc);
	scenario_free(sc);
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
