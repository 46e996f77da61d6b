/* tapir script: runs packetdrill scripts, or whole folders of them, in virtual time. */
#include "cmd.h"

#include "../traces/js.h"
#include "script.h"
#include "units.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEFINES_MAX 32
#define DEPTH_MAX 16 /* of folders */

struct tally {
	struct script_run_options run;
	int passed, failed, skipped, bad;
	bool quiet;
	json_t *list; /* --json: a result each; NULL: lines */
	ns_t deviation;
	int others;
};

struct paths {
	char **p;
	size_t n, cap;
};

static bool add_path(struct paths *l, const char *path)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		char **p = realloc(l->p, cap * sizeof(*p));

		if (!p)
			return false;
		l->p = p;
		l->cap = cap;
	}
	l->p[l->n] = strdup(path);
	return l->p[l->n] && ++l->n;
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_script(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && strcmp(name + n - 4, ".pkt") == 0;
}

/* Every *.pkt below a folder. */
static bool gather(struct paths *l, const char *path, int depth)
{
	DIR *d = opendir(path);
	struct dirent *e;
	bool ok = true;

	if (!d || depth > DEPTH_MAX) {
		fprintf(stderr, "tapir script: %s cannot be read\n", path);
		if (d)
			closedir(d);
		return false;
	}
	while (ok && (e = readdir(d))) {
		char full[4096];
		struct stat st;

		if (e->d_name[0] == '.' ||
		    snprintf(full, sizeof(full), "%s/%s", path, e->d_name) >= (int)sizeof(full) ||
		    stat(full, &st) != 0)
			continue;
		if (S_ISDIR(st.st_mode))
			ok = gather(l, full, depth + 1);
		else if (is_script(e->d_name))
			ok = add_path(l, full);
	}
	closedir(d);
	return ok;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static const char *const verdict_word[] = {
	[SCRIPT_PASS] = "pass", [SCRIPT_FAIL] = "fail", [SCRIPT_SKIP] = "skip", [SCRIPT_BAD] = "unreadable",
};

static json_t *result_json(const char *path, const struct script_result *r)
{
	return json_pack("{s:o, s:s, s:o, s:o, s:i, s:o}", "path", js_text(path), "verdict", verdict_word[r->verdict], "line",
			 r->line ? json_integer(r->line) : json_null(), "text", r->text[0] ? js_text(r->text) : json_null(),
			 "checked", r->checked, "deviation", js_time(r->deviation));
}

static void print_result(const char *path, const struct script_result *r, bool quiet)
{
	switch (r->verdict) {
	case SCRIPT_PASS:
		if (!quiet && r->deviation)
			printf("PASS %s (off by up to %lld us)\n", path, (long long)(r->deviation / US));
		else if (!quiet)
			printf("PASS %s\n", path);
		break;
	case SCRIPT_FAIL:
		printf("FAIL %s:%d: %s\n", path, r->line, r->text);
		break;
	case SCRIPT_SKIP:
		printf("SKIP %s:%d: %s\n", path, r->line, r->text);
		break;
	case SCRIPT_BAD:
		printf("FAIL %s\n", r->text); /* it begins with the place */
		break;
	}
	fflush(stdout);
}

static void run_one(struct tally *t, const char *path)
{
	struct script_result r;

	script_run_file(path, &t->run, &r);
	t->others += r.others;
	if (r.deviation > t->deviation)
		t->deviation = r.deviation;
	t->passed += r.verdict == SCRIPT_PASS;
	t->failed += r.verdict == SCRIPT_FAIL || r.verdict == SCRIPT_BAD;
	t->skipped += r.verdict == SCRIPT_SKIP;
	t->bad += r.verdict == SCRIPT_BAD;
	if (!t->list)
		print_result(path, &r, t->quiet);
	else if (!t->quiet || r.verdict != SCRIPT_PASS)
		json_array_append_new(t->list, result_json(path, &r));
}

static void print_tally(const struct tally *t)
{
	const struct script_profile *p = t->run.profile;

	if (t->list) {
		js_print(stdout, json_pack("{s:o, s:o, s:i, s:o, s:i, s:i, s:i, s:O}", "profile", js_text(p->name), "ticks",
					   js_time(p->rules.ticks), "passed_over", t->others, "deviation",
					   js_time(t->deviation), "passed", t->passed, "failed", t->failed, "skipped", t->skipped, "scripts", t->list), false);
		return;
	}
	printf("profile %s, ", p->name);
	if (p->rules.ticks)
		printf("retransmissions up to %lld ms early (ticks), ", (long long)(p->rules.ticks / MS));
	if (t->others)
		printf("%d segments of former connections passed over, ", t->others);
	printf("largest deviation %lld us\n", (long long)(t->deviation / US));
	printf("%d passed, %d failed, %d skipped\n", t->passed, t->failed, t->skipped);
}

struct words {
	const char *profile;
	int ndefines; /* [0] is the dialect's */
	bool strict, json;
};

/* 0, or the exit code of what is wrong with them. */
static int parse(struct words *o, struct tally *t, const char **defines, int argc, char **argv)
{
	static const struct option longs[] = {{"profile", required_argument, NULL, 'p'},
					      {"out", required_argument, NULL, 'o'},
					      {"define", required_argument, NULL, 'D'},
					      {"strict", no_argument, NULL, 'S'},
					      {"seed", required_argument, NULL, 's'},
					      {"json", no_argument, NULL, 'j'},
					      {"quiet", no_argument, NULL, 'q'},
					      {0}};
	int c;

	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "D:", longs, NULL)) != -1) {
		switch (c) {
		case 'p':
			o->profile = optarg;
			break;
		case 'o':
			t->run.out_dir = optarg;
			break;
		case 'D':
			if (o->ndefines > DEFINES_MAX)
				return usage_error("script", "at most %d definitions", DEFINES_MAX);
			if (!strchr(optarg, '=') || *optarg == '=')
				return usage_error("script", "--define: got `%.40s`, expected NAME=VALUE", optarg);
			defines[o->ndefines++] = optarg;
			break;
		case 'S':
			o->strict = true;
			break;
		case 's':
			if (unit_count(optarg, &t->run.seed))
				return usage_error("script", "--seed: got `%.40s`, expected a whole number", optarg);
			break;
		case 'j':
			o->json = true;
			break;
		case 'q':
			t->quiet = true;
			break;
		default:
			return option_error("script", argv, longs);
		}
	}
	if (optind == argc)
		return usage_error("script", "no script, expected FILE.pkt or a folder");
	return 0;
}

static int run(int argc, char **argv)
{
	const char *defines[DEFINES_MAX + 2] = {0};
	struct words o = {.profile = "exact", .ndefines = 1};
	struct script_profile p;
	struct tally t = {.run = {.seed = 1, .defines = defines}};
	struct paths list = {0};
	bool ok = true;
	char err[200];
	int wrong = parse(&o, &t, defines, argc, argv);

	if (wrong)
		return wrong;
	if (!script_profile_of(o.profile, &p, err, sizeof(err)))
		return usage_error("script", "%s", err);
	p.rules.strict |= o.strict;
	t.run.profile = &p;
	defines[0] = p.define[0];
	for (int i = optind; i < argc && ok; i++) {
		size_t from = list.n;

		ok = is_folder(argv[i]) ? gather(&list, argv[i], 0) : add_path(&list, argv[i]);
		if (ok && list.n == from) {
			fprintf(stderr, "%s: no scripts, expected *.pkt below it\n", argv[i]);
			ok = false;
		}
		if (list.n > from)
			qsort(list.p + from, list.n - from, sizeof(*list.p), by_name);
	}
	if (ok && t.run.out_dir && mkdir(t.run.out_dir, 0777) != 0 && !is_folder(t.run.out_dir)) {
		fprintf(stderr, "--out %s: %s\n", t.run.out_dir, errno == EEXIST ? "not a folder" : strerror(errno));
		ok = false;
	}
	t.list = o.json ? json_array() : NULL;
	for (size_t i = 0; i < list.n; i++) {
		if (ok)
			run_one(&t, list.p[i]);
		free(list.p[i]);
	}
	free(list.p);
	if (ok)
		print_tally(&t);
	json_decref(t.list);
	if (!ok)
		return 2;
	return t.bad ? 2 : t.failed ? 1 : 0;
}

const struct command cmd_script = {
	.name = "script",
	.args = "[--profile NAMES] [--out DIR] [--json] FILE.pkt|DIR...",
	.summary = "runs packetdrill scripts in virtual time",
	.help = "  --profile NAMES  joined by commas; of exact (the default: no tolerance, nothing\n"
		"                   unmentioned), linux, bsd (whose stack the script was written for),\n"
		"                   strict (segment by segment), no-tso (PSH and sizes of segments\n"
		"                   free), syn-any (order of SYN options free), win-any (windows free),\n"
		"                   buf-any (sizes of buffers free), no-quickack; or KEY=VALUE, as below\n"
		"                   `tcp:` in scenarios (min_rto=1s)\n"
		"  --out DIR        keeps a capture of each script\n"
		"  --define N=V     a symbol, as -D in packetdrill\n"
		"  --strict         never glue segments together\n"
		"  --seed N         of the stack\n"
		"  --json           {profile, ticks, passed_over, deviation, passed, failed, skipped, scripts: [{path,\n"
		"                   verdict: pass, fail, skip or unreadable, line, text, checked, deviation}]}; times in seconds\n"
		"  --quiet          only what failed or was skipped\n",
	.run = run,
};
