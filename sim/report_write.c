/* The forms of a report: summary.json for machines (its keys are a contract), text for people.
 * Equal runs give equal bytes, so nothing of this machine or this moment is in them. */
#include "out_file.h"
#include "report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../stack/wire/print.h"
#include "../traces/js.h"
#include "../traces/trace.h"
#include "units.h"

#define FLOWS_SHOWN 5 /* in the short report */

/* ---- summary.json ---- */

/* Below 0: it never happened. */
static json_t *seconds(ns_t t)
{
	return t < 0 ? json_null() : js_time(t);
}

static json_t *frames_json(const struct path_counters *c)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "sent",
			 js_count(c->sent), "delivered", js_count(c->delivered), "lost", js_count(c->lost),
			 "queue_dropped", js_count(c->queue_dropped), "duplicated",
			 js_count(c->duplicated), "corrupted", js_count(c->corrupted), "reordered",
			 js_count(c->reordered), "marked", js_count(c->marked), "too_big",
			 js_count(c->too_big), "inside", js_count(c->inside));
}

static json_t *causes_json(const struct flow_figures *f)
{
	json_t *o = json_object();

	json_object_set_new(o, "total", js_count(f->retransmissions));
	for (int k = WHY_NEW + 1; k < WHY_LIMITED; k++)
		json_object_set_new(o, note_why((enum send_why)k), js_count(f->by_cause[k]));
	return o;
}

static json_t *tls_json(const struct flow *a)
{
	char version[32] = "", suite[64] = "", curve[32] = "";

	if (!a->client.tls[0] || sscanf(a->client.tls, "%31s %63s %31s", version, suite, curve) < 2)
		return json_null();
	return json_pack("{s:s, s:s, s:s, s:s, s:b}", "version", version, "suite", suite, "curve",
			 curve, "peer", a->client_tls ? a->client_tls->config.server_name : "",
			 "mutual",
			 a->server_tls && a->server_tls->config.client_auth == TLS_AUTH_REQUIRE);
}

static json_t *end_json(const struct flow_end *e)
{
	return json_pack("{s:o, s:o, s:b, s:s, s:s, s:o, s:o}", "written", js_count(e->written),
			 "read", js_count(e->read), "done", e->done, "verdict",
			 stream_verdict_name(e->verdict), "why", e->why, "opened",
			 seconds(e->opened), "closed", seconds(e->closed));
}

static json_t *flow_json(const struct world *w, uint32_t i)
{
	const struct flow *a = &w->flow[i];
	struct flow_figures f;
	json_t *o = json_object();

	flow_figures(w, i, &f);
	json_object_set_new(o, "id", js_count(i + 1));
	json_object_set_new(o, "from", json_string(w->sc->host[w->flow_from[i]].name));
	json_object_set_new(o, "to",
			    json_sprintf("%s:%u", w->sc->host[w->flow_to[i]].name, a->port));
	json_object_set_new(o, "ok", json_boolean(flow_ok(a)));
	json_object_set_new(o, "bytes", js_count(f.bytes));
	json_object_set_new(o, "start", seconds(f.start));
	json_object_set_new(o, "end", seconds(f.end));
	json_object_set_new(o, "goodput_bps", js_count(f.goodput_bps));
	json_object_set_new(o, "segments", js_count(f.segments));
	json_object_set_new(o, "retransmissions", causes_json(&f));
	json_object_set_new(o, "timeouts", js_count(f.timeouts));
	json_object_set_new(o, "spurious", js_count(f.spurious));
	json_object_set_new(o, "recoveries", js_count(f.recoveries));
	json_object_set_new(o, "tail_probes", js_count(f.tlps));
	json_object_set_new(o, "dsacks", js_count(f.dsacks));
	json_object_set_new(o, "rtt_s",
			    json_pack("{s:o, s:o, s:o, s:o}", "min", seconds(f.rtt_min), "median",
				      seconds(f.rtt_median), "p95", seconds(f.rtt_p95), "max",
				      seconds(f.rtt_max)));
	json_object_set_new(o, "cwnd_max", js_count(f.cwnd_max));
	json_object_set_new(o, "states",
			    json_pack("{s:s, s:s}", "client", tcp_state_name(f.client_state),
				      "server", tcp_state_name(f.server_state)));
	json_object_set_new(o, "tls", tls_json(a));
	json_object_set_new(o, "client", end_json(&a->client));
	json_object_set_new(o, "server", end_json(&a->server_end));
	return o;
}

static json_t *expects_json(const struct world *w)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < w->sc->nexpects; i++) {
		const struct scenario_expect *e = &w->sc->expect[i];
		struct expect_result r = expect_judge(w, e);
		char text[300], value[64];

		json_array_append_new(
		    list,
		    json_pack("{s:s, s:s, s:b, s:i}", "text", expect_print(text, sizeof(text), e),
			      "value", expect_value_print(value, sizeof(value), e->what, r.value),
			      "ok", r.ok, "line", (int)e->line));
	}
	return list;
}

char *summary_json(const struct world *w)
{
	struct path_counters t = world_totals(w);
	json_t *o = json_object(), *flows = json_array();
	char *text;

	for (uint32_t i = 0; i < w->nflows; i++)
		json_array_append_new(flows, flow_json(w, i));
	json_object_set_new(o, "scenario", json_string(w->sc->title));
	json_object_set_new(o, "seed", js_count(w->sc->seed));
	json_object_set_new(o, "hash", json_sprintf("%016" PRIx64, w->hash));
	json_object_set_new(o, "virtual_s", seconds(w->now));
	json_object_set_new(o, "events", js_count(w->events));
	json_object_set_new(o, "ok", json_boolean(run_as_expected(w) && !w->broken[0]));
	if (w->broken[0])
		json_object_set_new(o, "broken", json_string(w->broken));
	json_object_set_new(o, "frames", frames_json(&t));
	json_object_set_new(o, "flows", flows);
	json_object_set_new(o, "expect", expects_json(w));
	text = json_dumps(o, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
	json_decref(o);
	return text;
}

/* ---- text ---- */

static void print_seconds(FILE *to, ns_t t)
{
	fprintf(to, "%" PRId64 ".%06" PRId64 " s", t / SEC, t % SEC / US);
}

static void print_ms(FILE *to, ns_t t)
{
	fprintf(to, "%" PRId64 ".%03" PRId64 " ms", t / MS, t % MS / US);
}

static void print_mbit(FILE *to, uint64_t bps)
{
	fprintf(to, "%" PRIu64 ".%03" PRIu64 " Mbit/s", bps / 1000000, bps / 1000 % 1000);
}

static void text_handshake(FILE *to, const struct flow *a, const struct flow_figures *f)
{
	const struct sock_info *i = &a->client.info;

	if (a->client.opened < 0) {
		fprintf(to,
			"  handshake   not completed; %" PRIu64 " SYN and %" PRIu64
			" SYN-ACK sent again\n",
			f->by_cause[WHY_SYN], f->by_cause[WHY_SYN_ACK]);
		return;
	}
	fputs("  handshake   ", to);
	fputs(a->client_tls ? "TCP and TLS up " : "up ", to);
	print_ms(to, a->client.opened - f->start);
	fputs(" after connecting began", to);
	if (f->by_cause[WHY_SYN] || f->by_cause[WHY_SYN_ACK])
		fprintf(to, "; sent again: %" PRIu64 " SYN, %" PRIu64 " SYN-ACK",
			f->by_cause[WHY_SYN], f->by_cause[WHY_SYN_ACK]);
	if (a->client.have_info)
		fprintf(to, "; MSS %" PRIu32 "%s%s%s", i->mss, i->wscale ? ", window scale" : "",
			i->sack ? ", SACK" : "", i->timestamps ? ", timestamps" : "");
	fputc('\n', to);
}

static void text_resent(FILE *to, const struct flow_figures *f)
{
	static const struct {
		enum send_why why;
		const char *text;
	} causes[] = {
	    {WHY_RECOVERY, "in fast recovery"},
	    {WHY_RTO, "by timeout"},
	    {WHY_GO_BACK, "after a timeout"},
	    {WHY_TLP, "as tail loss probe"},
	    {WHY_SYN, "SYN"},
	    {WHY_SYN_ACK, "SYN-ACK"},
	    {WHY_FIN, "FIN"},
	};
	const char *comma = ": ";

	fprintf(to, "  sent again  %" PRIu64 " of %" PRIu64 " segments", f->retransmissions,
		f->segments);
	for (size_t k = 0; k < sizeof(causes) / sizeof(causes[0]); k++)
		if (f->by_cause[causes[k].why]) {
			fprintf(to, "%s%" PRIu64 " %s", comma, f->by_cause[causes[k].why],
				causes[k].text);
			comma = ", ";
		}
	fprintf(to, "; %" PRIu64 " timeouts, %" PRIu64 " needless\n", f->timeouts, f->spurious);
	if (f->probes)
		fprintf(to, "  probes      %" PRIu64 " into a closed window\n", f->probes);
}

static void text_teardown(FILE *to, const struct flow *a, const struct flow_figures *f)
{
	fprintf(to, "  teardown    client %s, server %s", tcp_state_name(f->client_state),
		tcp_state_name(f->server_state));
	if (a->client.closed >= 0 || a->server_end.closed >= 0)
		fprintf(to, "; %s and %s", stream_verdict_name(a->client.verdict),
			stream_verdict_name(a->server_end.verdict));
	fputc('\n', to);
	if (a->client.why[0])
		fprintf(to, "              client: %s\n", a->client.why);
	if (a->server_end.why[0])
		fprintf(to, "              server: %s\n", a->server_end.why);
}

static void text_flow(FILE *to, const struct world *w, uint32_t i)
{
	const struct flow *a = &w->flow[i];
	struct flow_figures f;

	flow_figures(w, i, &f);
	fprintf(to, "flow %u: %s:%u -> %s:%u, %s\n", i + 1, w->sc->host[w->flow_from[i]].name,
		a->client_port, w->sc->host[w->flow_to[i]].name, a->port,
		flow_ok(a)     ? "complete"
		: flow_over(a) ? "failed"
			       : "not over at the end");
	text_handshake(to, a, &f);
	if (a->client.tls[0])
		fprintf(to, "  TLS         %s%s\n", a->client.tls,
			a->server_tls && a->server_tls->config.client_auth == TLS_AUTH_REQUIRE
			    ? ", both ends authenticated"
			    : ", the server authenticated");
	fprintf(to, "  bytes       %" PRIu64 " to the server, %" PRIu64 " to the client, in ",
		a->server_end.read, a->client.read);
	print_seconds(to, f.end - f.start);
	fputs(": ", to);
	print_mbit(to, f.goodput_bps);
	fputc('\n', to);
	text_resent(to, &f);
	if (f.rtt_max) {
		fputs("  round trip  ", to);
		print_ms(to, f.rtt_min);
		fputs(" at least, ", to);
		print_ms(to, f.rtt_median);
		fputs(" median, ", to);
		print_ms(to, f.rtt_max);
		fprintf(to, " at most; cwnd up to %" PRIu32 " bytes\n", f.cwnd_max);
	}
	text_teardown(to, a, &f);
}

static void text_frames(FILE *to, const struct world *w)
{
	struct path_counters t = world_totals(w);

	fprintf(to,
		"frames: %" PRIu64 " sent, %" PRIu64 " delivered, %" PRIu64 " lost, %" PRIu64
		" dropped by queues",
		t.sent, t.delivered, t.lost, t.queue_dropped);
	if (t.duplicated)
		fprintf(to, ", %" PRIu64 " duplicated", t.duplicated);
	if (t.corrupted)
		fprintf(to, ", %" PRIu64 " corrupted", t.corrupted);
	if (t.reordered)
		fprintf(to, ", %" PRIu64 " reordered", t.reordered);
	if (t.marked)
		fprintf(to, ", %" PRIu64 " marked", t.marked);
	if (t.too_big)
		fprintf(to, ", %" PRIu64 " too big", t.too_big);
	if (t.inside)
		fprintf(to, ", %" PRIu64 " on their way", t.inside);
	fputc('\n', to);
}

static void text_expects(FILE *to, const struct world *w)
{
	for (uint32_t i = 0; i < w->sc->nexpects; i++) {
		const struct scenario_expect *e = &w->sc->expect[i];
		struct expect_result r = expect_judge(w, e);
		char text[300], value[64];

		fprintf(to, "%s %s", r.ok ? "ok    " : "FAILED",
			expect_print(text, sizeof(text), e));
		if (e->lo != e->hi || !r.ok)
			fprintf(to, ": %s",
				expect_value_print(value, sizeof(value), e->what, r.value));
		if (!r.ok && r.flow && !e->flow)
			fprintf(to, " (flow %u)", r.flow);
		fputc('\n', to);
	}
}

static void text_files(FILE *to, const struct world *w, const char *dir)
{
	const char *end = w->sc->pcap ? "pcap" : "pcapng";
	bool tls = false;

	for (uint32_t i = 0; i < w->sc->nflows; i++)
		tls = tls || w->sc->flow[i].tls;
	fputs("open in Wireshark:\n", to);
	for (uint32_t i = 0; i < w->nhosts; i++)
		if (w->sc->host[i].capture)
			fprintf(to, "  %s/%s.%s  what %s saw%s\n", dir, w->sc->host[i].name, end,
				w->sc->host[i].name,
				tls && w->sc->keys && !w->sc->pcap ? "; TLS opens decrypted" : "");
	if (w->sc->capture_link && w->npaths)
		fprintf(to, "  %s/link.%s  every frame that was sent, and what became of it\n", dir,
			end);
	if (tls && w->sc->keys && !w->sc->pcap)
		fputs("  where segments were lost, Wireshark decrypts what follows only with\n"
		      "  `wireshark -o tcp.reassemble_out_of_order:TRUE` (off by default)\n", to);
	if (!w->sc->pcap)
		fputs("  frames with a reason or a fate: display filter `frame.comment`\n", to);
	fprintf(to, "also there: summary.json, report.txt%s%s\n", w->series ? ", series/" : "",
		w->series && w->sc->plots ? ", plots/" : "");
}

void report_text(FILE *to, const struct world *w, const char *dir, bool full)
{
	fprintf(to, "%s (seed %" PRIu64 "): ", w->sc->title[0] ? w->sc->title : w->sc->file,
		w->sc->seed);
	print_seconds(to, w->now);
	fprintf(to, " of virtual time, %" PRIu64 " events, fingerprint %016" PRIx64 "\n", w->events,
		w->hash);
	text_frames(to, w);
	for (uint32_t i = 0; i < w->nflows && (full || i < FLOWS_SHOWN); i++)
		text_flow(to, w, i);
	if (!full && w->nflows > FLOWS_SHOWN)
		fprintf(to, "... and %u more flows, see report.txt\n", w->nflows - FLOWS_SHOWN);
	text_expects(to, w);
	if (w->broken[0])
		fprintf(to, "BROKEN: %s\n", w->broken);
	if (dir)
		text_files(to, w, dir);
}

/* ---- files ---- */

static bool put_file(const char *dir, const char *name, const char *text, char *err, size_t cap)
{
	struct out_file out;
	char file[700];
	bool ok;

	snprintf(file, sizeof(file), "%s/%s", dir, name);
	ok = out_file_close(&out, out_file_open(&out, file) && fputs(text, out.f) >= 0);
	if (!ok)
		snprintf(err, cap, "%s: cannot be written", file);
	return ok;
}

bool report_write(const struct world *w, const char *dir, char *err, size_t cap)
{
	char *summary = summary_json(w), *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	bool ok = summary && f;

	if (f) {
		/* Names relative to the directory: where it lies must not be in its bytes. */
		report_text(f, w, ".", true);
		ok = fclose(f) == 0 && ok;
	}
	if (!ok)
		snprintf(err, cap, "out of memory");
	/* The summary last: where it is, all is. */
	ok = ok && series_write(w, dir, err, cap) && put_file(dir, "report.txt", text, err, cap) &&
	     put_file(dir, "summary.json", summary, err, cap);
	free(summary);
	free(text);
	return ok;
}
