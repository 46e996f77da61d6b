/* tapir plot: a picture of one connection of a capture. */
#include "cmd.h"
#include "out_file.h"

#include "../stack/base/check.h"
#include "../stack/wire/print.h"
#include "../traces/flow.h"
#include "../traces/ladder.h"
#include "../traces/plot.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BINS 200 /* of a throughput chart */
#define ERROR 2

enum kind { TIMESEQ, LADDER, RTT, WINDOW, THROUGHPUT, KINDS };

static const char *const kind_word[KINDS] = {"timeseq", "ladder", "rtt", "window", "throughput"};

enum from { FROM_BOTH, FROM_CLIENT, FROM_SERVER }; /* FROM_BOTH: the end that sent more */

struct request {
	const char *file, *out;
	enum from from;
	int kind; /* -1: not said */
	int64_t stream;
};

struct sample {
	double t;
	uint32_t bytes;
};

/* What is gathered while the capture is read. Both directions are drawn apart, since only the end
 * tells which of them carries the data. */
struct picture {
	const struct request *r;
	const struct analysis *a;
	const struct conn *conn;
	struct ladder *ladder;
	struct plot *plot[2];
	int s_new[2], s_again[2], s_late[2], s_copy[2], s_ack[2], s_edge[2], s_sack[2];
	int s_rtt[2], s_window[2], s_flight[2];
	struct sample *sample[2];
	size_t n[2], cap[2];
	bool no_memory;
};

static double seconds(ns_t t)
{
	return (double)t / 1e9;
}

static uint8_t shift_of(const struct conn *c, int side)
{
	const struct tcp_opts *mine = &c->half[side].syn_opt, *other = &c->half[!side].syn_opt;

	if (!mine->has_wscale || !other->has_wscale)
		return 0;
	return mine->wscale > 14 ? 14 : mine->wscale;
}

/* Without both SYNs nobody knows by what a window is multiplied. */
static bool scale_known(const struct conn *c)
{
	for (int i = 0; i < 2; i++)
		if (!(c->half[i].syn || c->half[i].syn_ack) || c->half[i].syn_opt_cut)
			return false;
	return true;
}

static void keep(struct picture *p, bool ok)
{
	if (!ok)
		p->no_memory = true;
}

static void add_timeseq(struct picture *p, const struct seg_view *v)
{
	const double t = seconds(v->pkt->at);
	const int me = v->side, peer = !me;
	const struct seg *g = &v->d->seg;
	int series = p->s_new[me];

	if (v->ev)
		series = v->ev->kind == V_RETX ? p->s_again[me] : v->ev->kind == V_LATE ? p->s_late[me] : p->s_copy[me];
	if (v->hi > v->lo)
		keep(p, plot_span(p->plot[me], series, t, (double)v->lo, (double)v->hi));
	if (!(g->flags & TH_ACK) || g->flags & (TH_SYN | TH_RST))
		return;
	keep(p, plot_point(p->plot[peer], p->s_ack[peer], t, (double)v->ack));
	keep(p, plot_point(p->plot[peer], p->s_edge[peer], t,
			   (double)(v->ack + ((uint64_t)g->wnd << shift_of(v->conn, me)))));
	for (int i = 0; i < g->opt.nsack; i++)
		keep(p, plot_span(p->plot[peer], p->s_sack[peer], t,
				  (double)half_pos(&v->conn->half[peer], g->opt.sack[i].lo.v),
				  (double)half_pos(&v->conn->half[peer], g->opt.sack[i].hi.v)));
}

static void add_rtt(struct picture *p, const struct seg_view *v)
{
	const int peer = !v->side;

	if (v->conn->half[peer].sample >= 0)
		keep(p, plot_point(p->plot[0], p->s_rtt[peer], seconds(v->pkt->at),
				   (double)v->conn->half[peer].sample / 1e6));
}

static void add_window(struct picture *p, const struct seg_view *v)
{
	const struct seg *g = &v->d->seg;
	const struct half *h = &v->conn->half[v->side], *o = &v->conn->half[!v->side];
	const double t = seconds(v->pkt->at);

	if (!(g->flags & (TH_SYN | TH_RST)))
		keep(p, plot_point(p->plot[!v->side], p->s_window[!v->side], t,
				   (double)((uint64_t)g->wnd << shift_of(v->conn, v->side))));
	keep(p, plot_point(p->plot[v->side], p->s_flight[v->side], t, h->max > h->una ? (double)(h->max - h->una) : 0));
	keep(p, plot_point(p->plot[!v->side], p->s_flight[!v->side], t, o->max > o->una ? (double)(o->max - o->una) : 0));
}

static void add_throughput(struct picture *p, const struct seg_view *v)
{
	const int me = v->side;

	if (!v->d->seg.len || (v->ev && v->ev->kind != V_LATE))
		return; /* what was sent again brought nothing new */
	if (p->n[me] == p->cap[me]) {
		size_t cap = p->cap[me] ? 2 * p->cap[me] : 256;
		struct sample *list = realloc(p->sample[me], cap * sizeof(*list));

		if (!list) {
			p->no_memory = true;
			return;
		}
		p->sample[me] = list;
		p->cap[me] = cap;
	}
	p->sample[me][p->n[me]++] = (struct sample){seconds(v->pkt->at), v->d->seg.len};
}

static void gather(void *arg, const struct seg_view *v)
{
	struct picture *p = arg;

	if (v->conn->id != p->r->stream)
		return;
	p->conn = v->conn;
	switch ((enum kind)p->r->kind) {
	case TIMESEQ:
		add_timeseq(p, v);
		break;
	case LADDER:
		keep(p, ladder_add(p->ladder, v));
		break;
	case RTT:
		add_rtt(p, v);
		break;
	case WINDOW:
		add_window(p, v);
		break;
	case THROUGHPUT:
		add_throughput(p, v);
		break;
	case KINDS:
		break;
	}
}

/* ---- the charts ---- */

static bool prepare(struct picture *p)
{
	static const char *const y_label[KINDS] = {"sequence number (relative)", "", "round trip (ms)", "bytes", "bit/s"};

	if (p->r->kind == LADDER) {
		p->ladder = ladder_new();
		return p->ladder;
	}
	for (int i = 0; i < 2; i++) {
		p->plot[i] = plot_new("", "time (s)", y_label[p->r->kind]);
		if (!p->plot[i])
			return false;
		switch ((enum kind)p->r->kind) {
		case TIMESEQ:
			p->s_edge[i] = plot_series(p->plot[i], "window's edge", PLOT_LIMIT, "#bbbbbb");
			p->s_ack[i] = plot_series(p->plot[i], "acknowledged", PLOT_STEP, "#009e73");
			p->s_sack[i] = plot_series(p->plot[i], "SACK", PLOT_SPANS, "#8fd6bf");
			p->s_new[i] = plot_series(p->plot[i], "new data", PLOT_SPANS, "#0072b2");
			p->s_again[i] = plot_series(p->plot[i], "sent again", PLOT_SPANS, "#d55e00");
			p->s_late[i] = plot_series(p->plot[i], "late", PLOT_SPANS, "#e69f00");
			p->s_copy[i] = plot_series(p->plot[i], "copies and probes", PLOT_SPANS, "#cc79a7");
			break;
		case RTT:
			p->s_rtt[0] = plot_series(p->plot[i], "", PLOT_DOTS, NULL); /* named at the end */
			p->s_rtt[1] = plot_series(p->plot[i], "", PLOT_DOTS, NULL);
			break;
		case WINDOW:
			p->s_window[i] = plot_series(p->plot[i], "announced by the receiver", PLOT_LIMIT, "#bbbbbb");
			p->s_flight[i] = plot_series(p->plot[i], "in flight", PLOT_STEP, NULL);
			break;
		default:
			break;
		}
	}
	return true;
}

/* New bytes per bin, in bit/s, of each direction. */
static void draw_throughput(struct picture *p)
{
	const double first = seconds(p->conn->first), last = seconds(p->conn->last);
	const double width = last > first ? (last - first) / BINS : 1;

	for (int side = 0; side < 2; side++) {
		double bits[BINS + 1] = {0};
		int series;

		if (!p->n[side])
			continue;
		for (size_t i = 0; i < p->n[side]; i++) {
			double bin = (p->sample[side][i].t - first) / width;

			bits[bin < 0 ? 0 : bin > BINS ? BINS : (int)bin] += 8.0 * p->sample[side][i].bytes;
		}
		series = plot_series(p->plot[0], side == p->conn->client ? "from the client" : "from the server", PLOT_STEP, NULL);
		for (int i = 0; i <= BINS; i++)
			keep(p, plot_point(p->plot[0], series, first + i * width, bits[i] / width));
	}
}

/* `side` is the end whose data the picture shows. */
static void name_plot(struct picture *p, int side)
{
	static const char *const what[KINDS] = {"Sequence numbers", "", "Round trips", "Window and flight", "Throughput"};
	const bool one_way = p->r->kind == TIMESEQ || p->r->kind == WINDOW, from_client = side == p->conn->client;
	const char *slash = strrchr(p->r->file, '/');
	char title[200];

	snprintf(title, sizeof(title), "%s%s: connection %" PRId64 " of %s", what[p->r->kind],
		 !one_way ? "" : from_client ? ", client to server" : ", server to client", p->r->stream, slash ? slash + 1 : p->r->file);
	plot_title(p->plot[side], title);
	if (!scale_known(p->conn)) {
		if (p->r->kind == TIMESEQ)
			plot_name(p->plot[side], p->s_edge[side], "window's edge (not scaled: no handshake)");
		if (p->r->kind == WINDOW)
			plot_name(p->plot[side], p->s_window[side], "announced by the receiver (not scaled: no handshake)");
	}
	if (p->r->kind != RTT)
		return;
	plot_name(p->plot[side], p->s_rtt[p->conn->client], "of the client's data");
	plot_name(p->plot[side], p->s_rtt[!p->conn->client], "of the server's data");
}

static bool draw(struct picture *p, FILE *f)
{
	const struct conn *c = p->conn;
	int side = c->half[0].max >= c->half[1].max ? 0 : 1; /* who sent more */

	if (p->r->from)
		side = p->r->from == FROM_CLIENT ? c->client : !c->client;
	if (p->r->kind == RTT || p->r->kind == THROUGHPUT)
		side = 0; /* both ends in one chart */
	if (p->r->kind != LADDER)
		name_plot(p, side);

	switch ((enum kind)p->r->kind) {
	case LADDER:
		return ladder_write(p->ladder, c, f);
	case THROUGHPUT:
		draw_throughput(p);
		return plot_write(p->plot[side], f);
	default:
		return plot_write(p->plot[side], f);
	}
}

static void picture_free(struct picture *p)
{
	ladder_free(p->ladder);
	for (int i = 0; i < 2; i++) {
		plot_free(p->plot[i]);
		free(p->sample[i]);
	}
}

/* ---- the command ---- */

static int parse_kind(const char *word)
{
	for (int i = 0; i < KINDS; i++)
		if (strcmp(word, kind_word[i]) == 0)
			return i;
	return -1;
}

static int parse_options(int argc, char **argv, struct request *r)
{
	static const struct option longopts[] = {
		{"kind", required_argument, NULL, 'k'},
		{"stream", required_argument, NULL, 's'},
		{"from", required_argument, NULL, 'f'},
		{"output", required_argument, NULL, 'o'},
		{"quiet", no_argument, NULL, 'q'},
		{NULL, 0, NULL, 0},
	};
	char *end;
	int c;

	*r = (struct request){.kind = -1};
	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "o:", longopts, NULL)) != -1) {
		switch (c) {
		case 'k':
			r->kind = parse_kind(optarg);
			if (r->kind < 0)
				return usage_error("plot", "--kind '%.40s', expected timeseq, ladder, rtt, window or throughput",
						   optarg);
			break;
		case 's':
			r->stream = strtoll(optarg, &end, 10);
			if (*end || end == optarg || r->stream < 0 || r->stream == INT64_MAX)
				return usage_error("plot", "--stream '%.40s', expected a number", optarg);
			break;
		case 'f':
			r->from = strcmp(optarg, "client") == 0 ? FROM_CLIENT : strcmp(optarg, "server") == 0 ? FROM_SERVER : FROM_BOTH;
			if (!r->from)
				return usage_error("plot", "--from '%.40s', expected client or server", optarg);
			break;
		case 'o':
			r->out = optarg;
			break;
		case 'q':
			break;
		default:
			return option_error("plot", argv, longopts);
		}
	}
	if (optind != argc - 1)
		return usage_error("plot", "%d files named, expected one capture", argc - optind);
	if (r->kind < 0 || !r->out)
		return usage_error("plot", "%s is missing", r->out ? "--kind" : "-o FILE.svg");
	r->file = argv[optind];
	return 0;
}

static int write_picture(struct picture *p)
{
	struct out_file out;
	FILE *f;
	bool ok;

	if (!p->conn && p->a->nconns == 0) {
		fprintf(stderr, "%s: no TCP connection in this capture\n", p->r->file);
		return ERROR;
	}
	if (!p->conn) {
		fprintf(stderr, "%s: no stream %" PRId64 ", expected one under %" PRIu32 "\n", p->r->file, p->r->stream,
			p->a->nconns);
		return ERROR;
	}
	f = out_file_open(&out, p->r->out);
	ok = out_file_close(&out, f && draw(p, f) && !p->no_memory);
	if (ok)
		return 0;
	fprintf(stderr, "%s: %s\n", p->r->out, p->no_memory ? "out of memory, points are missing"
							    : "cannot be written, expected a place for a picture");
	return ERROR;
}

static int plot_all(const struct request *r, struct reader *in, struct analysis *a)
{
	struct picture p = {.r = r, .a = a};
	struct reader_pkt k;
	enum reader_result got;
	int code = ERROR;

	if (prepare(&p)) {
		a->each = gather;
		a->arg = &p;
		while ((got = reader_next(in, &k)) == READER_PACKET)
			analysis_packet(a, &k);
		analysis_finish(a);
		code = reader_is_capture(in) ? write_picture(&p) : 0;
		if (got == READER_DAMAGED) {
			fprintf(stderr, "%s:%s\n", r->file, reader_error(in));
			code = ERROR;
		}
	} else {
		fprintf(stderr, "%s: out of memory\n", r->file);
	}
	picture_free(&p);
	return code;
}

static int plot(int argc, char **argv)
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
		return ERROR;
	}
	a = analysis_new();
	code = a ? plot_all(&r, in, a) : ERROR;
	analysis_free(a);
	reader_close(in);
	return code;
}

const struct command cmd_plot = {
	.name = "plot",
	.args = "CAPTURE --kind timeseq|ladder|rtt|window|throughput -o FILE.svg [--stream N] [--from client|server]",
	.summary = "a picture of one connection of a capture",
	.help = "  --kind timeseq     sequence numbers over time: sent, sent again, acknowledged, the window\n"
		"  --kind ladder      an arrow per segment\n"
		"  --kind rtt         round trips, from segments sent once\n"
		"  --kind window      what the receiver offers, and what is in flight\n"
		"  --kind throughput  new bytes over time\n"
		"  --stream N         the connection's number (0)\n"
		"  --from END         whose data timeseq and window show: client or server (the one that sent more)\n"
		"  -o FILE.svg        where it goes\n",
	.run = plot,
};
