/* Figures and expectations of a run. Nothing here is seen by the stacks. */
#include "report.h"

#include <string.h>

#include "../stack/base/check.h"

struct path_counters world_totals(const struct world *w)
{
	struct path_counters t = {0};

	for (uint32_t i = 0; i < w->npaths; i++) {
		const struct path_counters *c = path_counters(w->path[i].path);

		t.sent += c->sent;
		t.delivered += c->delivered;
		t.lost += c->lost;
		t.queue_dropped += c->queue_dropped;
		t.too_big += c->too_big;
		t.duplicated += c->duplicated;
		t.corrupted += c->corrupted;
		t.reordered += c->reordered;
		t.marked += c->marked;
		t.inside += c->inside;
		t.bytes_sent += c->bytes_sent;
		t.bytes_delivered += c->bytes_delivered;
	}
	return t;
}

static void add_end(struct flow_figures *f, const struct sock_info *i, const struct conn_stat *stat)
{
	f->segments += i->segs_out;
	for (int k = 0; k < WHY_COUNT; k++)
		f->by_cause[k] += i->retrans_by[k];
	f->timeouts += i->timeouts;
	f->spurious += i->spurious;
	f->recoveries += i->recoveries;
	f->tlps += i->tlps;
	f->dsacks += i->dsacks;
	if (stat && stat->cwnd_max > f->cwnd_max)
		f->cwnd_max = stat->cwnd_max;
}

/* Probes into a closed window and keep-alives are no retransmissions of a loss. */
static bool is_retransmission(enum send_why why)
{
	return why == WHY_RECOVERY || why == WHY_RTO || why == WHY_GO_BACK || why == WHY_TLP ||
	       why == WHY_SYN || why == WHY_SYN_ACK || why == WHY_FIN;
}

static void take_rtt(struct flow_figures *f, const struct conn_stat *stat)
{
	if (!stat || !stat->samples)
		return;
	f->rtt_min = stat->rtt_min;
	f->rtt_median = conn_stat_rtt(stat, 500);
	f->rtt_p95 = conn_stat_rtt(stat, 950);
	f->rtt_max = stat->rtt_max;
}

void flow_figures(const struct world *w, uint32_t flow, struct flow_figures *f)
{
	const struct flow *a = &w->flow[flow];
	const struct conn_stat *client_stat = NULL, *server_stat = NULL;
	struct sock_info client = {0}, server = {0};

	*f = (struct flow_figures){0};
	if (world_flow_info(w, flow, true, &client, &client_stat)) {
		f->connected = true;
		add_end(f, &client, client_stat);
	}
	if (world_flow_info(w, flow, false, &server, &server_stat))
		add_end(f, &server, server_stat);
	f->client_state = client.state;
	f->server_state = server.state;
	f->probes = f->by_cause[WHY_PERSIST];
	for (int k = 0; k < WHY_COUNT; k++)
		if (is_retransmission((enum send_why)k))
			f->retransmissions += f->by_cause[k];
	take_rtt(f, server.bytes_acked > client.bytes_acked ? server_stat : client_stat);

	f->bytes = a->client.read + a->server_end.read;
	f->start = a->client.created >= 0 ? a->client.created : a->start;
	f->end = ns_max(a->client.last_byte, a->server_end.last_byte);
	if (f->end < 0)
		f->end = a->client.closed >= 0 ? a->client.closed : w->now;
	if (f->end > f->start) {
		/* bits per second = bytes * 8 * 10^9 / ns; in microseconds it fits for 2 TB */
		uint64_t us = (uint64_t)(f->end - f->start) / 1000;

		f->goodput_bps = us ? f->bytes * 8 * 1000000 / us : 0;
	}
}

/* ---- expectations ---- */

static bool whole_run(enum expect_what what)
{
	return what >= EXPECT_LOST && what <= EXPECT_MARKED;
}

static uint64_t of_run(const struct world *w, enum expect_what what)
{
	struct path_counters t = world_totals(w);

	switch (what) {
	case EXPECT_LOST:
		return t.lost;
	case EXPECT_QUEUE_DROPPED:
		return t.queue_dropped;
	case EXPECT_DUPLICATED:
		return t.duplicated;
	case EXPECT_CORRUPTED:
		return t.corrupted;
	case EXPECT_REORDERED:
		return t.reordered;
	default:
		return t.marked;
	}
}

static uint64_t of_flow(const struct world *w, uint32_t i, enum expect_what what)
{
	const struct flow *a = &w->flow[i];
	struct flow_figures f;

	flow_figures(w, i, &f);
	switch (what) {
	case EXPECT_GOODPUT:
		return f.goodput_bps;
	case EXPECT_DURATION:
		return (uint64_t)(f.end - f.start);
	case EXPECT_BYTES:
		return f.bytes;
	case EXPECT_SEGMENTS:
		return f.segments;
	case EXPECT_RETRANSMISSIONS:
		return f.retransmissions;
	case EXPECT_TIMEOUTS:
		return f.timeouts;
	case EXPECT_SPURIOUS:
		return f.spurious;
	case EXPECT_RECOVERIES:
		return f.recoveries;
	case EXPECT_TLPS:
		return f.tlps;
	case EXPECT_DSACKS:
		return f.dsacks;
	case EXPECT_PROBES:
		return f.probes;
	case EXPECT_DONE:
		return flow_ok(a);
	case EXPECT_TLS:
		return a->client.tls[0] && a->server_end.tls[0];
	case EXPECT_DAMAGED:
		return a->client.bad_at != FLOW_ENDLESS || a->server_end.bad_at != FLOW_ENDLESS;
	case EXPECT_CLIENT_STATE:
		return f.client_state;
	case EXPECT_SERVER_STATE:
		return f.server_state;
	case EXPECT_CLIENT_VERDICT:
		return a->client.verdict;
	default:
		return a->server_end.verdict;
	}
}

struct expect_result expect_judge(const struct world *w, const struct scenario_expect *e)
{
	struct expect_result r = {.ok = true};
	uint32_t from = e->flow ? e->flow - 1 : 0, to = e->flow ? e->flow : w->nflows;

	if (whole_run(e->what)) {
		r.value = of_run(w, e->what);
		r.ok = r.value >= e->lo && r.value <= e->hi;
		return r;
	}
	for (uint32_t i = from; i < to && r.ok; i++) {
		r.flow = i + 1;
		r.value = of_flow(w, i, e->what);
		r.ok = r.value >= e->lo && r.value <= e->hi;
	}
	return r;
}

static bool has_end(const struct flow *f)
{
	return f->to_server != FLOW_ENDLESS && f->to_client != FLOW_ENDLESS;
}

bool flows_ended_well(const struct world *w)
{
	bool ok = true;

	for (uint32_t i = 0; i < w->nflows; i++)
		ok = ok && (!has_end(&w->flow[i]) || flow_ok(&w->flow[i]));
	return ok;
}

bool run_as_expected(const struct world *w)
{
	bool ok = true;

	for (uint32_t i = 0; i < w->sc->nexpects; i++)
		ok = expect_judge(w, &w->sc->expect[i]).ok && ok;
	return w->sc->nexpects > 0 ? ok : flows_ended_well(w);
}
