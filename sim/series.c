/* Series: what each connection and each queue looked like at the ticks. Kept in memory while the
 * world runs, written as CSV and SVG at the end. A row that says nothing new is left out, so an
 * idle minute costs nothing.
 *
 *   series/flow-1-client.csv   flow-1-server.csv   queue-<link>-<from>-<to>.csv
 *   plots/flow-1-cwnd.svg  -rtt.svg  -goodput.svg  queues.svg */
#include "out_file.h"
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../traces/plot.h"

#define ROWS_MAX 1000000 /* a series; later ones are not kept */

static uint32_t series_flows(const struct world *w)
{
	return w->nflows < WORLD_SERIES_FLOWS ? w->nflows : WORLD_SERIES_FLOWS;
}

bool series_init(struct world *w)
{
	w->series = calloc(2 * series_flows(w) + 1, sizeof(*w->series));
	w->queues = calloc(w->npaths + 1, sizeof(*w->queues));
	return w->series && w->queues;
}

void series_free(struct world *w)
{
	for (uint32_t i = 0; w->series && i < 2 * series_flows(w); i++)
		free(w->series[i].row);
	for (uint32_t i = 0; w->queues && i < w->npaths; i++)
		free(w->queues[i].row);
	free(w->series);
	free(w->queues);
	w->series = NULL;
	w->queues = NULL;
}

/* The rows with room for one more, if that can be had: n < *cap says so. */
static void *grown(void *rows, uint32_t n, uint32_t *cap, size_t size)
{
	uint32_t more = *cap ? 2 * *cap : 256;

	if (n < *cap || more > ROWS_MAX)
		return rows;
	void *to = realloc(rows, more * size);

	if (!to)
		return rows;
	*cap = more;
	return to;
}

static void sample_flow(struct world *w, uint32_t i, bool client)
{
	struct series *s = &w->series[2 * i + !client];
	const struct flow_end *e = client ? &w->flow[i].client : &w->flow[i].server_end;
	const struct conn_stat *stat;
	struct sock_info info;
	struct series_row row;

	if (e->closed >= 0 && e->closed < w->now - w->sc->series)
		return;
	if (!world_flow_info(w, i, client, &info, &stat))
		return;
	memset(&row, 0, sizeof(row)); /* rows are compared as bytes */
	row.state = info.state;
	row.ca = info.ca;
	row.cwnd = info.cwnd;
	row.ssthresh = info.ssthresh;
	row.inflight = info.inflight;
	row.sacked = info.sacked;
	row.lost = info.lost;
	row.retrans = info.retrans;
	row.snd_wnd = info.snd_wnd;
	row.rcv_wnd = info.rcv_wnd;
	row.notsent = info.notsent;
	row.unread = info.unread;
	row.srtt = info.srtt;
	row.rttvar = info.rttvar;
	row.rto = info.rto;
	row.bytes_acked = info.bytes_acked;
	row.bytes_received = info.bytes_received;
	if (s->n > 0) {
		row.at = s->row[s->n - 1].at;
		if (memcmp(&row, &s->row[s->n - 1], sizeof(row)) == 0)
			return;
	}
	row.at = w->now;
	s->row = grown(s->row, s->n, &s->cap, sizeof(*s->row));
	if (s->n < s->cap)
		memcpy(&s->row[s->n++], &row, sizeof(row)); /* with its padding */
}

static void sample_queue(struct world *w, uint32_t i)
{
	const struct path_counters *c = path_counters(w->path[i].path);
	struct queue_series *q = &w->queues[i];
	struct queue_row row = {.at = w->now, .dropped = c->queue_dropped, .marked = c->marked};
	const struct queue_row *last = q->n ? &q->row[q->n - 1] : NULL;

	if (!w->sc->link[i / 2].dir[i % 2].rate_bps)
		return;
	path_queue_now(w->path[i].path, &row.pkts, &row.bytes);
	if (last && last->pkts == row.pkts && last->bytes == row.bytes &&
	    last->dropped == row.dropped && last->marked == row.marked)
		return;
	q->row = grown(q->row, q->n, &q->cap, sizeof(*q->row));
	if (q->n < q->cap)
		q->row[q->n++] = row;
}

void series_tick(struct world *w)
{
	for (uint32_t i = 0; i < series_flows(w); i++) {
		sample_flow(w, i, true);
		sample_flow(w, i, false);
	}
	for (uint32_t i = 0; i < w->npaths; i++)
		sample_queue(w, i);
}

/* ---- CSV ---- */

static const char *ca_name(enum tcp_ca ca)
{
	static const char *const names[] = {"open", "disorder", "cwr", "recovery", "loss"};

	return names[ca];
}

static void seconds(FILE *f, ns_t t)
{
	fprintf(f, "%" PRId64 ".%09" PRId64, t / SEC, t % SEC);
}

static void write_flow(FILE *f, const struct series *s)
{
	fputs("t_s,state,ca,cwnd,ssthresh,inflight,sacked,lost,retrans,snd_wnd,rcv_wnd,notsent,"
	      "unread,"
	      "srtt_us,rttvar_us,rto_us,bytes_acked,bytes_received\n",
	      f);
	for (uint32_t i = 0; i < s->n; i++) {
		const struct series_row *r = &s->row[i];

		seconds(f, r->at);
		fprintf(f,
			",%s,%s,%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32
			",%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32,
			tcp_state_name(r->state), ca_name(r->ca), r->cwnd, r->ssthresh, r->inflight,
			r->sacked, r->lost, r->retrans, r->snd_wnd, r->rcv_wnd, r->notsent,
			r->unread);
		fprintf(f, ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRIu64 ",%" PRIu64 "\n",
			r->srtt / US, r->rttvar / US, r->rto / US, r->bytes_acked,
			r->bytes_received);
	}
}

static void write_queue(FILE *f, const struct queue_series *q)
{
	fputs("t_s,packets,bytes,dropped,marked\n", f);
	for (uint32_t i = 0; i < q->n; i++) {
		const struct queue_row *r = &q->row[i];

		seconds(f, r->at);
		fprintf(f, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n", r->pkts, r->bytes,
			r->dropped, r->marked);
	}
}

static FILE *create(struct out_file *o, const char *file, char *err, size_t cap)
{
	if (!out_file_open(o, file))
		snprintf(err, cap, "%s: cannot be written", file);
	return o->f;
}

static bool finish(struct out_file *o, char *err, size_t cap)
{
	if (out_file_close(o, true))
		return true;
	snprintf(err, cap, "%s: could not be written in full", o->path);
	return false;
}

/* ---- SVG ---- */

static double in_seconds(ns_t t)
{
	return (double)t / 1e9;
}

static bool save_plot(struct plot *p, const char *dir, const char *name, char *err, size_t cap)
{
	char file[700];
	bool ok;

	if (!p) {
		snprintf(err, cap, "out of memory");
		return false;
	}
	snprintf(file, sizeof(file), "%s/plots/%s.svg", dir, name);
	struct out_file out;
	FILE *f = create(&out, file, err, cap);

	ok = f && plot_points(p) > 0 ? plot_write(p, f) : f != NULL;
	if (f && !finish(&out, err, cap))
		ok = false;
	plot_free(p);
	return ok;
}

/* The end that sends more is the one worth a picture. */
static const struct series *sender(const struct world *w, uint32_t flow)
{
	const struct series *c = &w->series[2 * flow], *s = c + 1;
	uint64_t by_client = c->n ? c->row[c->n - 1].bytes_acked : 0;
	uint64_t by_server = s->n ? s->row[s->n - 1].bytes_acked : 0;

	return by_server > by_client ? s : c;
}

static bool plot_cwnd(const struct world *w, uint32_t flow, const char *dir, char *err, size_t cap)
{
	const struct series *s = sender(w, flow);
	struct plot *p;
	char title[80], name[40];

	snprintf(title, sizeof(title), "flow %u: congestion window of the %s", flow + 1,
		 s == &w->series[2 * flow] ? "client" : "server");
	snprintf(name, sizeof(name), "flow-%u-cwnd", flow + 1);
	p = plot_new(title, "seconds", "bytes");
	if (p) {
		int cwnd = plot_series(p, "cwnd", PLOT_STEP, NULL);
		int flight = plot_series(p, "in flight", PLOT_STEP, NULL);
		int ssthresh = plot_series(p, "ssthresh", PLOT_STEP, NULL);

		for (uint32_t i = 0; i < s->n; i++) {
			double t = in_seconds(s->row[i].at);

			plot_point(p, cwnd, t, s->row[i].cwnd);
			plot_point(p, flight, t, s->row[i].inflight);
			if (s->row[i].ssthresh < 1u << 30) /* before the first loss it is endless */
				plot_point(p, ssthresh, t, s->row[i].ssthresh);
		}
	}
	return save_plot(p, dir, name, err, cap);
}

static bool plot_rtt(const struct world *w, uint32_t flow, const char *dir, char *err, size_t cap)
{
	const struct series *s = sender(w, flow);
	struct plot *p;
	char title[80], name[40];

	snprintf(title, sizeof(title), "flow %u: smoothed round trip and timeout", flow + 1);
	snprintf(name, sizeof(name), "flow-%u-rtt", flow + 1);
	p = plot_new(title, "seconds", "milliseconds");
	if (p) {
		int srtt = plot_series(p, "srtt", PLOT_STEP, NULL);
		int rto = plot_series(p, "rto", PLOT_STEP, NULL);

		for (uint32_t i = 0; i < s->n; i++) {
			if (s->row[i].srtt <= 0)
				continue;
			plot_point(p, srtt, in_seconds(s->row[i].at), (double)s->row[i].srtt / 1e6);
			plot_point(p, rto, in_seconds(s->row[i].at), (double)s->row[i].rto / 1e6);
		}
	}
	return save_plot(p, dir, name, err, cap);
}

/* Over windows of a fiftieth of the time, at least one tick. */
static bool plot_goodput(const struct world *w, uint32_t flow, const char *dir, char *err,
			 size_t cap)
{
	const struct series *s = sender(w, flow);
	struct plot *p;
	char title[80], name[40];

	snprintf(title, sizeof(title), "flow %u: goodput, as acknowledged", flow + 1);
	snprintf(name, sizeof(name), "flow-%u-goodput", flow + 1);
	p = plot_new(title, "seconds", "Mbit/s");
	if (p && s->n > 1) {
		int line = plot_series(p, "goodput", PLOT_LINE, NULL);
		ns_t window = ns_max((s->row[s->n - 1].at - s->row[0].at) / 50, w->sc->series);
		uint32_t from = 0;

		for (uint32_t i = 1; i < s->n; i++) {
			ns_t span = s->row[i].at - s->row[from].at;

			if (span < window)
				continue;
			plot_point(p, line, in_seconds(s->row[i].at),
				   (double)(s->row[i].bytes_acked - s->row[from].bytes_acked) *
				       8e3 / (double)span);
			from = i;
		}
	}
	return save_plot(p, dir, name, err, cap);
}

static bool plot_queues(const struct world *w, const char *dir, char *err, size_t cap)
{
	struct plot *p = plot_new("queues", "seconds", "packets");

	for (uint32_t i = 0; p && i < w->npaths && i < PLOT_SERIES_MAX; i++) {
		const struct queue_series *q = &w->queues[i];
		char name[2 * SCENARIO_NAME + 8];
		int line;

		if (q->n == 0)
			continue;
		snprintf(name, sizeof(name), "%s to %s", w->sc->link[i / 2].name,
			 w->sc->host[w->path[i].to].name);
		line = plot_series(p, name, PLOT_STEP, NULL);
		for (uint32_t k = 0; k < q->n; k++)
			plot_point(p, line, in_seconds(q->row[k].at), (double)q->row[k].pkts);
	}
	return save_plot(p, dir, "queues", err, cap);
}

static bool write_csvs(const struct world *w, const char *dir, char *err, size_t cap)
{
	char file[700];
	struct out_file out;
	FILE *f;

	for (uint32_t i = 0; i < 2 * series_flows(w); i++) {
		snprintf(file, sizeof(file), "%s/series/flow-%u-%s.csv", dir, i / 2 + 1,
			 i % 2 ? "server" : "client");
		if (!(f = create(&out, file, err, cap)))
			return false;
		write_flow(f, &w->series[i]);
		if (!finish(&out, err, cap))
			return false;
	}
	for (uint32_t i = 0; i < w->npaths; i++) {
		if (!w->sc->link[i / 2].dir[i % 2].rate_bps)
			continue;
		snprintf(file, sizeof(file), "%s/series/queue-%s-to-%s.csv", dir,
			 w->sc->link[i / 2].name, w->sc->host[w->path[i].to].name);
		if (!(f = create(&out, file, err, cap)))
			return false;
		write_queue(f, &w->queues[i]);
		if (!finish(&out, err, cap))
			return false;
	}
	return true;
}

bool series_write(const struct world *w, const char *dir, char *err, size_t cap)
{
	if (!w->series)
		return true;
	if (!write_csvs(w, dir, err, cap))
		return false;
	if (!w->sc->plots)
		return true;
	for (uint32_t i = 0; i < series_flows(w); i++)
		if (!plot_cwnd(w, i, dir, err, cap) || !plot_rtt(w, i, dir, err, cap) ||
		    !plot_goodput(w, i, dir, err, cap))
			return false;
	return plot_queues(w, dir, err, cap);
}
