/* tapir check: the analyser judges a capture of `tapir run` blind, and is scored against the truth
 * that the run wrote into the same file. Exit code 1 when a retransmission was overlooked that can
 * be told at this tap, or one was called so that was none. */
#include "cmd.h"

#include "../traces/js.h"
#include "../traces/score.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define WRONG_INPUT 2

static int judge(const char *file, bool json, struct reader *in, struct analysis *a)
{
	struct score s = {0};
	struct reader_pkt p;
	enum reader_result got;
	int code;

	a->each = score_segment;
	a->arg = &s;
	while ((got = reader_next(in, &p)) == READER_PACKET)
		analysis_packet(a, &p);
	analysis_finish(a);
	score_finish(&s, a);
	if (got == READER_DAMAGED) {
		fprintf(stderr, "%s:%s\n", file, reader_error(in));
		code = WRONG_INPUT;
	} else if (json) {
		code = js_print(stdout, score_json(&s, file), false) && score_perfect(&s) ? 0 : 1;
	} else {
		struct doc *d = doc_new(stdout, DOC_TEXT, file);

		if (d) {
			score_print(d, &s, file);
			doc_end(d);
		}
		code = d && score_perfect(&s) ? 0 : 1;
	}
	score_free(&s);
	return code;
}

static int check(int argc, char **argv)
{
	static const struct option longopts[] = {
		{"json", no_argument, NULL, 'j'},
		{"quiet", no_argument, NULL, 'q'},
		{NULL, 0, NULL, 0},
	};
	struct reader *in;
	struct analysis *a;
	char err[256];
	bool json = false;
	int c, code = WRONG_INPUT;

	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
		if (c == '?')
			return option_error("check", argv, longopts);
		json |= c == 'j';
	}
	if (optind != argc - 1)
		return usage_error("check", "%d files named, expected one capture", argc - optind);
	in = reader_open(argv[optind], err, sizeof(err));
	if (!in) {
		fprintf(stderr, "%s\n", err);
		return WRONG_INPUT;
	}
	a = analysis_new();
	if (a)
		code = judge(argv[optind], json, in, a);
	analysis_free(a);
	reader_close(in);
	return code;
}

const struct command cmd_check = {
	.name = "check",
	.args = "CAPTURE [--json]",
	.summary = "the analyser, blind, against the truth that `tapir run` wrote into a capture",
	.help = "  --json  for machines\n"
		"The exit code is 1 when a retransmission was overlooked that can be told at this tap, or when\n"
		"something was called a retransmission that was none.\n",
	.run = check,
};
