/* Known traps of simulations, told before the run: each was met in somebody's experiment. */
#include "scenario.h"

#include <stdarg.h>

#include "units.h"

struct lint {
	FILE *to;
	const struct scenario *sc;
	int n;
};

static void warn(struct lint *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void warn(struct lint *l, const char *format, ...)
{
	va_list ap;

	fprintf(l->to, "%s: warning: ", l->sc->file);
	va_start(ap, format);
	vfprintf(l->to, format, ap);
	va_end(ap);
	fputc('\n', l->to);
	l->n++;
}

/* What two hosts are to each other. */
static void lint_pair(struct lint *l, const struct scenario_host *h,
		      const struct scenario_host *peer, const struct path_spec *out)
{
	char a[UNIT_TEXT], b[UNIT_TEXT];

	/* The acknowledgement of a lone segment comes after the peer's delayed-ACK timer: a timeout
	 * that is not longer fires each time, and cwnd never grows. */
	if (peer->tcp.delayed_ack && h->tcp.min_rto <= peer->tcp.delack)
		warn(l,
		     "min_rto of %s (%s) is not above the delayed-ACK timer of %s (%s): every lone "
		     "segment will time out",
		     h->name, unit_print_time(a, h->tcp.min_rto), peer->name,
		     unit_print_time(b, peer->tcp.delack));
	if (out->rtt >= h->tcp.init_rto)
		warn(l,
		     "init_rto of %s (%s) is not above the round trip (%s): the SYN is resent "
		     "needlessly",
		     h->name, unit_print_time(a, h->tcp.init_rto), unit_print_time(b, out->rtt));
	if (out->rate_bps && out->rtt > 0) {
		uint64_t bdp = out->rate_bps / 8 * (uint64_t)(out->rtt / US) / 1000000;

		if (bdp > peer->tcp.rcvbuf && bdp > peer->tcp.rcvbuf_max)
			warn(l,
			     "rate x round trip from %s is %llu bytes, over the receive buffer of "
			     "%s "
			     "(%u): the window limits, not the link",
			     h->name, (unsigned long long)bdp, peer->name, peer->tcp.rcvbuf);
	}
}

static void lint_path(struct lint *l, const struct scenario_host *h,
		      const struct scenario_link *link, const struct path_spec *out)
{
	if (out->rate_bps && out->queue.unit == LIMIT_PACKETS && out->queue.limit < h->tcp.iw_segs)
		warn(l,
		     "the queue from %s (%llu packets) is smaller than its initial window (%u "
		     "segments): the first flight is cut",
		     h->name, (unsigned long long)out->queue.limit, h->tcp.iw_segs);
	if (out->delay.jitter && !out->delay.keep_order)
		warn(l, "jitter from %s lets frames overtake each other (keep_order: false)",
		     h->name);
	if (out->mtu && out->mtu < link->mtu && out->mtu_silent && !h->tcp.plpmtud)
		warn(l,
		     "the path from %s swallows packets over %u bytes silently, and %s does not "
		     "probe "
		     "for that (plpmtud: false): large segments never arrive",
		     h->name, out->mtu, h->name);
	if (!out->rate_bps && out->queue.kind != QUEUE_DROPTAIL)
		warn(l, "the queue from %s stands before an unlimited rate: it will never fill",
		     h->name);
}

static void lint_host(struct lint *l, const struct scenario_host *h)
{
	if (h->link == UINT32_MAX) {
		warn(l, "host %s has no link: it takes no part", h->name);
		return;
	}
	const struct scenario_link *link = &l->sc->link[h->link];
	const struct path_spec *out = &link->dir[h->side];

	lint_path(l, h, link, out);
	/* Behind a switch it is not this link alone that makes the round trip, nor one peer. */
	if (link->host[!h->side] < l->sc->nhosts)
		lint_pair(l, h, &l->sc->host[link->host[!h->side]], out);
}

static void lint_flow(struct lint *l, const struct scenario_flow *f, uint32_t number)
{
	const struct scenario_host *h = &l->sc->host[f->from];

	if (f->at >= l->sc->stop)
		warn(l, "flow %u begins after the end", number);
	else if (l->sc->stop - f->at < 3 * h->tcp.init_rto)
		warn(l,
		     "flow %u has less than three initial timeouts before the end: two lost SYNs "
		     "and "
		     "it never starts",
		     number);
}

int scenario_lint(FILE *to, const struct scenario *sc)
{
	struct lint l = {to, sc, 0};
	uint32_t number = 1;

	for (uint32_t i = 0; i < sc->nhosts; i++)
		lint_host(&l, &sc->host[i]);
	for (uint32_t i = 0; i < sc->nflows; number += sc->flow[i++].repeat)
		lint_flow(&l, &sc->flow[i], number);
	if (sc->nflows == 0)
		warn(&l, "there is no traffic");
	return l.n;
}
