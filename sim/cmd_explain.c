/* tapir explain: handshake, options, teardown, retransmissions with cause and proof, of any capture.
 *
 * A damaged capture is explained as far as it goes; then one line on stderr says where and how it
 * is damaged, and the exit code is 2. */
#include "cmd.h"

#include "../traces/explain.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2 };

struct request {
	const char *file, *html;
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
	return *s >= '0' && *s <= '9' && *end == '\0' && *v >= 0;
}

static int parse_options(int argc, char **argv, struct request *r)
{
	static const struct option longopts[] = {
		{"stream", required_argument, NULL, 's'}, {"frame", required_argument, NULL, 'f'},
		{"json", no_argument, NULL, 'j'},         {"markdown", no_argument, NULL, 'm'},
		{"html", required_argument, NULL, 'h'},   {"quiet", no_argument, NULL, 'q'},
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
				return usage_error("explain", "'%.40s', expected a number", optarg);
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
		case 'q':
			r->quiet = true;
			break;
		default:
			return usage_error("explain", "unknown option or missing value: %.40s", argv[optind - 1]);
		}
	}
	if (optind != argc - 1)
		return usage_error("explain", "%d files named, expected one capture", argc - optind);
	r->file = argv[optind];
	return 0;
}

/* Prints the document; false with a line on stderr when it cannot. */
static bool print_document(const struct request *r, const struct analysis *a, struct found *found)
{
	FILE *f = r->html ? fopen(r->html, "w") : stdout;
	struct doc *d = f ? doc_new(f, r->form, r->file) : NULL;
	bool ok = true;

	if (!d) {
		fprintf(stderr, "%s: cannot be written\n", r->html ? r->html : "stdout");
		if (f && r->html)
			fclose(f);
		return false;
	}
	if (r->frame) {
		if (found->event)
			found->view.ev = &found->view.conn->event[found->event - 1];
		explain_frame(d, &found->view);
	} else {
		explain_capture(d, a, r->file);
		for (uint32_t i = 0; i < a->nconns; i++)
			if (r->stream < 0 || r->stream == i)
				explain_conn(d, a->conn[i]);
	}
	doc_end(d);
	ok = fflush(f) == 0 && !ferror(f);
	if (r->html && fclose(f) != 0)
		ok = false;
	if (!ok)
		fprintf(stderr, "%s: cannot be written\n", r->html ? r->html : "stdout");
	return ok;
}

static bool print_json(const struct request *r, const struct analysis *a)
{
	json_t *j = explain_json(a, r->file, r->stream);
	bool ok = json_dumpf(j, stdout, JSON_INDENT(1) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15)) == 0;

	json_decref(j);
	putchar('\n');
	return ok && fflush(stdout) == 0;
}

static int explain_all(const struct request *r, struct reader *in, struct analysis *a)
{
	struct found found = {.want = r->frame};
	struct reader_pkt p;
	enum reader_result got;
	bool ok;

	if (r->frame) {
		a->each = keep_frame;
		a->arg = &found;
	}
	while ((got = reader_next(in, &p)) == READER_PACKET)
		analysis_packet(a, &p);
	analysis_finish(a);
	if (reader_is_capture(in)) {
		if (r->stream >= (int64_t)a->nconns) {
			fprintf(stderr, "%s: no stream %" PRId64 ", expected one under %" PRIu32 "\n", r->file, r->stream,
				a->nconns);
			return EXIT_USAGE;
		}
		if (r->frame && !found.hit) {
			fprintf(stderr, "%s: frame %" PRIu64 " is not a TCP segment of this capture, expected one of its %" PRIu64
				" packets\n", r->file, r->frame, a->packets);
			return EXIT_USAGE;
		}
		ok = r->json && !r->frame ? print_json(r, a) : print_document(r, a, &found);
		if (!ok)
			return EXIT_USAGE;
	}
	if (got == READER_DAMAGED) {
		fprintf(stderr, "%s:%s\n", r->file, reader_error(in));
		return EXIT_USAGE;
	}
	return 0;
}

static int explain(int argc, char **argv)
{
	struct request r;
	char err[256];
	struct reader *in;
	struct analysis *a;
	int code = parse_options(argc, argv, &r);

	if (code)
		return code;
	in = reader_open(r.file, err, sizeof(err));
	if (!in) {
		fprintf(stderr, "%s\n", err);
		return EXIT_USAGE;
	}
	a = analysis_new();
	if (a) {
		code = explain_all(&r, in, a);
	} else {
		fprintf(stderr, "%s: out of memory\n", r.file);
		code = EXIT_USAGE;
	}
	analysis_free(a);
	reader_close(in);
	return code;
}

const struct command cmd_explain = {
	.name = "explain",
	.args = "CAPTURE [--stream N] [--frame N] [--json | --markdown | --html FILE]",
	.summary = "handshake, options, teardown, and what was sent again and why, of any capture",
	.help = "  --stream N   only the connection with this number\n"
		"  --frame N    why was this frame sent?\n"
		"  --json       for machines\n"
		"  --markdown   the explanation as Markdown\n"
		"  --html FILE  the explanation as a page\n"
		"CAPTURE is a pcap or pcapng file, or - for the standard input. A damaged file is explained as\n"
		"far as it goes; a line on stderr then says where it is damaged, and the exit code is 2.\n",
	.run = explain,
};
