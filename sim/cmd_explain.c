/* tapir explain: handshake, options, teardown, retransmissions with cause and proof, of any capture.
 *
 * A damaged capture is explained as far as it goes; then one line on stderr says where and how it
 * is damaged, and the exit code is 2. */
#include "cmd.h"
#include "out_file.h"

#include "../traces/explain.h"
#include "../traces/journey.h"
#include "../traces/js.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WRONG_INPUT = 2 };

struct request {
	const char *file, *html, *with;
	int64_t stream;
	uint64_t frame; /* 0: none asked for */
	enum doc_form form;
	bool json, quiet;
};

/* The frame asked for, kept while the rest of the capture may still settle what it was. */
struct found {
	uint64_t want;
	bool hit;
	struct seg_view view;
	struct dissected d;
	struct reader_pkt pkt;
	uint32_t event; /* index + 1 */
};

static void keep_frame(void *arg, const struct seg_view *v)
{
	struct found *f = arg;

	if (v->pkt->frame != f->want)
		return;
	f->hit = true;
	f->view = *v;
	f->d = *v->d;
	f->pkt = *v->pkt;
	f->view.d = &f->d;
	f->view.pkt = &f->pkt;
	f->event = v->ev ? (uint32_t)(v->ev - v->conn->event) + 1 : 0;
}

static bool parse_number(const char *s, int64_t *v)
{
	char *end;

	*v = strtoll(s, &end, 10);
	return *s >= '0' && *s <= '9' && *end == '\0' && *v < INT64_MAX;
}

static int parse_options(int argc, char **argv, struct request *r)
{
	static const struct option longopts[] = {
		{"stream", required_argument, NULL, 's'}, {"frame", required_argument, NULL, 'f'},
		{"json", no_argument, NULL, 'j'},         {"markdown", no_argument, NULL, 'm'},
		{"html", required_argument, NULL, 'h'},   {"quiet", no_argument, NULL, 'q'},
		{"with", required_argument, NULL, 'w'},
		{NULL, 0, NULL, 0},
	};
	int64_t n;
	int c;

	*r = (struct request){.stream = -1, .form = DOC_TEXT};
	optind = 0; /* start afresh: another command may have used getopt before */
	opterr = 0;
	while ((c = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
		switch (c) {
		case 's':
		case 'f':
			if (!parse_number(optarg, &n) || (c == 'f' && n == 0))
				return usage_error("explain", "%s '%.40s', expected a number%s", c == 's' ? "--stream" : "--frame",
						   optarg, c == 's' ? "" : " from 1");
			if (c == 's')
				r->stream = n;
			else
				r->frame = (uint64_t)n;
			break;
		case 'j':
			r->json = true;
			break;
		case 'm':
			r->form = DOC_MARKDOWN;
			break;
		case 'h':
			r->form = DOC_HTML;
			r->html = optarg;
			break;
		case 'w':
			r->with = optarg;
			break;
		case 'q':
			r->quiet = true;
			break;
		default:
			return option_error("explain", argv, longopts);
		}
	}
	if (optind != argc - 1)
		return usage_error("explain", "%d files named, expected one capture", argc - optind);
	if (r->json + (r->form == DOC_MARKDOWN) + (r->html != NULL) > 1 || (r->html && r->form != DOC_HTML))
		return usage_error("explain", "--json, --markdown and --html exclude each other");
	r->file = argv[optind];
	return 0;
}

/* A capture read to its end, or to where it is damaged. */
struct subject {
	const char *file;
	struct reader *in;
	struct analysis *a;
	enum reader_result got;
};

static bool subject_read(struct subject *s, const char *file, seg_fn *each, void *arg)
{
	char err[256];
	struct reader_pkt p;

	*s = (struct subject){.file = file};
	s->in = reader_open(file, err, sizeof(err));
	s->a = analysis_new();
	if (!s->in || !s->a) {
		fprintf(stderr, "%s\n", s->in ? "out of memory" : err);
		return false;
	}
	s->a->each = each;
	s->a->arg = arg;
	while ((s->got = reader_next(s->in, &p)) == READER_PACKET)
		analysis_packet(s->a, &p);
	analysis_finish(s->a);
	return true;
}

static void subject_free(struct subject *s)
{
	analysis_free(s->a);
	reader_close(s->in);
}

/* 0, or the exit code after a line on the damage. */
static int subject_damage(const struct subject *s)
{
	if (s->got != READER_DAMAGED)
		return 0;
	fprintf(stderr, "%s:%s\n", s->file, reader_error(s->in));
	return WRONG_INPUT;
}

/* What the request shows of the first capture, and, joined, of both. */
struct answer {
	const struct request *r;
	const struct analysis *a;
	struct found *found;
	const struct journey *journey; /* NULL: one capture */
};

static void write_document(struct doc *d, const struct answer *w)
{
	const struct request *r = w->r;

	if (r->frame) {
		explain_frame(d, &w->found->view);
		return;
	}
	explain_capture(d, w->a, r->file);
	if (w->journey)
		journey_print(d, w->journey, r->file, r->with);
	for (uint32_t i = 0; i < w->a->nconns; i++)
		if (r->stream < 0 || r->stream == i)
			explain_conn(d, w->a->conn[i]);
}

static bool print_document(const struct answer *w)
{
	const struct request *r = w->r;
	struct out_file page;
	FILE *f = r->html ? out_file_open(&page, r->html) : stdout;
	struct doc *d = f ? doc_new(f, r->form, r->file) : NULL;

	if (d) {
		write_document(d, w);
		doc_end(d);
	}
	return r->html ? out_file_close(&page, d) : d != NULL;
}

static bool print_json(const struct answer *w)
{
	json_t *j = w->r->frame ? explain_frame_json(&w->found->view, w->r->file)
				: explain_json(w->a, w->r->file, w->r->stream);

	if (w->journey)
		json_object_set_new(j, "journey", journey_json(w->journey, w->r->with));
	return js_print(stdout, j, false);
}

/* Whether what was asked for is there; otherwise a line on stderr. */
static bool is_there(const struct answer *w)
{
	const struct request *r = w->r;

	if (r->stream >= 0 && w->a->nconns == 0) {
		fprintf(stderr, "%s: no TCP connection in this capture\n", r->file);
		return false;
	}
	if (r->stream >= (int64_t)w->a->nconns) {
		fprintf(stderr, "%s: no stream %" PRId64 ", expected one under %" PRIu32 "\n", r->file, r->stream,
			w->a->nconns);
		return false;
	}
	if (r->frame && !w->found->hit) {
		fprintf(stderr, "%s: frame %" PRIu64 " is not a TCP segment of this capture, expected one of its %" PRIu64
			" packets\n", r->file, r->frame, w->a->packets);
		return false;
	}
	return true;
}

static int print_answer(const struct answer *w)
{
	if (!is_there(w))
		return WRONG_INPUT;
	if (w->r->frame && w->found->event) /* what the rest of the capture made of it */
		w->found->view.ev = &w->found->view.conn->event[w->found->event - 1];
	if (w->r->json ? print_json(w) : print_document(w))
		return 0;
	if (w->r->html)
		fprintf(stderr, "%s: cannot be written, expected a place for a page\n", w->r->html);
	return WRONG_INPUT;
}

static int explain_one(const struct request *r)
{
	struct found found = {.want = r->frame};
	struct subject s;
	int code = WRONG_INPUT;

	if (subject_read(&s, r->file, r->frame ? keep_frame : NULL, &found)) {
		code = reader_is_capture(s.in) ? print_answer(&(struct answer){r, s.a, &found, NULL}) : 0;
		if (code == 0)
			code = subject_damage(&s);
	}
	subject_free(&s);
	return code;
}

static int explain_two(const struct request *r)
{
	struct hops hops[2] = {{0}, {0}};
	struct subject first, second = {0};
	struct journey j = {0};
	const char *why;
	int code = WRONG_INPUT;

	if (subject_read(&first, r->file, hops_add, &hops[0]) && subject_read(&second, r->with, hops_add, &hops[1])) {
		if (!journey_join(&j, &hops[0], first.a, &hops[1], second.a, &why))
			fprintf(stderr, "%s: cannot be joined with %s: %s\n", r->file, r->with, why);
		else
			code = print_answer(&(struct answer){r, first.a, NULL, &j});
		if (subject_damage(&first) | subject_damage(&second))
			code = WRONG_INPUT;
	}
	journey_free(&j);
	hops_free(&hops[0]);
	hops_free(&hops[1]);
	subject_free(&first);
	subject_free(&second);
	return code;
}

static int explain(int argc, char **argv)
{
	struct request r;
	int code = parse_options(argc, argv, &r);

	if (code)
		return code;
	if (r.with && r.frame)
		return usage_error("explain", "--frame and --with do not go together");
	return r.with ? explain_two(&r) : explain_one(&r);
}

const struct command cmd_explain = {
	.name = "explain",
	.args = "CAPTURE [--stream N] [--frame N] [--json | --markdown | --html FILE] [--with CAPTURE2]",
	.summary = "handshake, options, teardown, and what was sent again and why, of any capture",
	.help = "  --stream N   only the connection with this number\n"
		"  --frame N    why was this frame sent?\n"
		"  --json       for machines; with --frame, of that frame alone\n"
		"  --markdown   the explanation as Markdown\n"
		"  --html FILE  the explanation as a page\n"
		"  --with FILE  joins a second capture of the same path: what was lost between the two\n"
		"CAPTURE is a pcap or pcapng file, or - for the standard input. A damaged file is explained as\n"
		"far as it goes; a line on stderr then says where it is damaged, and the exit code is 2.\n",
	.run = explain,
};
