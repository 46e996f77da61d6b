/* Scripts that cannot fail prove nothing. Each script of tests/scripts passes; then one thing that it
 * expects is changed, and it must fail: a number, a flag, an option or the time of a segment from
 * the stack, the result of a call. 99 in 100 changes must be noticed, and each one that is not is said.
 * What a script leaves open on purpose (a range, "<...>", an absent window) is not changed. */
#include "../lib/test.h"

#include "../../sim/script.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ROOT "tests/scripts"

struct tally {
	struct script_profile profile;
	int scripts, broken, mutants, survivors;
};

static enum script_verdict verdict(const struct tally *t, const struct script *f)
{
	struct script_run_options o = {.profile = &t->profile, .seed = 1};
	struct script_result r;

	script_run(f, &o, &r);
	return r.verdict;
}

static void judge(struct tally *t, const struct script *f, const struct script_event *e, const char *what)
{
	t->mutants++;
	if (verdict(t, f) == SCRIPT_FAIL)
		return;
	t->survivors++;
	printf("%s:%d: a changed %s is not noticed\n", f->path, e->line, what);
}

/* ---- segments ---- */

static bool mutate_option(struct script_opt *o)
{
	switch (o->kind) {
	case SOPT_MSS:
	case SOPT_WSCALE:
		o->u.val ^= 1;
		return true;
	case SOPT_SACK:
		o->u.sack[1] += 1;
		return true;
	case SOPT_TS:
		o->u.ts.ecr += 1;
		return true;
	case SOPT_SACKOK:
		o->kind = SOPT_NOP;
		return true;
	default:
		return false;
	}
}

enum { M_SEQ, M_LEN, M_ACK, M_WIN, M_FLAGS, M_DROP_OPTION, M_OPTION, M_COUNT };
static const char *const m_name[M_COUNT] = {"sequence number", "length", "acknowledgement", "window",
					    "flag", "list of options", "option"};

/* False: this segment does not say that. The first SYN of a connection defines what its number is. */
static bool mutate_segment(struct script_seg *g, int how)
{
	switch (how) {
	case M_SEQ:
		g->seq++;
		g->end++;
		return !g->any_seq && !(g->flags & TH_SYN);
	case M_LEN:
		g->len++;
		g->end++;
		return true;
	case M_ACK:
		g->ack++;
		return g->has_ack;
	case M_WIN:
		g->win--;
		return g->has_win;
	case M_FLAGS:
		g->flags ^= g->flags & TH_RST ? TH_FIN : TH_PSH;
		return true;
	case M_DROP_OPTION:
		return g->nopts && g->nopts--;
	case M_OPTION:
		for (int i = 0; i < g->nopts; i++)
			if (mutate_option(&g->opt[i]))
				return true;
		return false;
	}
	return false;
}

static void mutate_segments(struct tally *t, struct script *f, struct script_event *e)
{
	const struct script_seg was = *e->u.seg;

	for (int how = 0; how < M_COUNT; how++) {
		if (mutate_segment(e->u.seg, how))
			judge(t, f, e, m_name[how]);
		*e->u.seg = was;
	}
}

/* ---- times and results ---- */

static void mutate_time(struct tally *t, struct script *f, struct script_event *e)
{
	ns_t was = e->at;

	if (e->when > AT_RELATIVE)
		return;
	e->at += 5 * MS;
	judge(t, f, e, "time");
	e->at = was;
}

static void mutate_result(struct tally *t, struct script *f, struct script_event *e)
{
	struct expr *x = e->u.call->result;
	const char *err = e->u.call->err;

	/* The number of a new descriptor is the script's own choice. */
	static const char *const makers[] = {"socket", "accept", "epoll_create"};

	for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++)
		if (strcmp(e->u.call->name, makers[i]) == 0)
			return;
	if (x->kind == EX_INT) {
		x->v++;
		judge(t, f, e, "result");
		x->v--;
	}
	if (err) {
		e->u.call->err = strcmp(err, "EBADF") == 0 ? "EPIPE" : "EBADF";
		judge(t, f, e, "errno");
		e->u.call->err = err;
	}
}

static void mutate_script(struct tally *t, struct script *f)
{
	t->scripts++;
	if (verdict(t, f) != SCRIPT_PASS) {
		t->broken++;
		printf("%s does not pass\n", f->path);
		return;
	}
	for (int i = 0; i < f->nevents; i++) {
		struct script_event *e = &f->event[i];

		if (e->what == SCRIPT_CALL)
			mutate_result(t, f, e);
		if (e->what != SCRIPT_SEGMENT || !e->u.seg->outbound)
			continue;
		mutate_segments(t, f, e);
		mutate_time(t, f, e);
	}
}

/* ---- files ---- */

static void visit(struct tally *t, const char *path)
{
	struct stat st;
	DIR *d = opendir(path);
	struct dirent *entry;
	size_t n = strlen(path);

	while (d && (entry = readdir(d))) {
		char full[1024];

		snprintf(full, sizeof(full), "%s/%s", path, entry->d_name);
		if (entry->d_name[0] != '.' && stat(full, &st) == 0)
			visit(t, full);
	}
	if (d) {
		closedir(d);
		return;
	}
	if (n < 4 || strcmp(path + n - 4, ".pkt") != 0)
		return;
	FILE *in = fopen(path, "rb");
	static char text[65536];
	char err[256] = "cannot be opened";
	size_t len = in ? fread(text, 1, sizeof(text), in) : 0;
	const char *const defines[] = {t->profile.define[0], NULL};
	struct script *f = in ? script_parse(text, len, path, defines, err, sizeof(err)) : NULL;

	if (in)
		fclose(in);
	if (!f) {
		t->broken++;
		printf("%s\n", err);
		return;
	}
	mutate_script(t, f);
	script_free(f);
}

static void what_a_script_expects_cannot_be_changed_unnoticed(void)
{
	struct tally t = {0};
	char err[200];

	CU_ASSERT_FATAL(script_profile_of("exact", &t.profile, err, sizeof(err)));
	visit(&t, ROOT);
	printf("%d scripts, %d changes, %d unnoticed ", t.scripts, t.mutants, t.survivors);
	CU_ASSERT(t.scripts >= 200);
	CU_ASSERT_EQUAL(t.broken, 0);
	CU_ASSERT(t.mutants >= 1000);
	CU_ASSERT(t.survivors * 100 <= t.mutants);
}

static const struct test_case cases[] = {
	TEST(what_a_script_expects_cannot_be_changed_unnoticed),
};
TEST_SUITE(script_mutation, cases);
