/* See check.h. */
#include "check.h"

#include <stdarg.h>
#include <stdio.h>

static void broke(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void broke(struct world *w, const char *format, ...)
{
	va_list ap;
	int n;

	if (w->broken[0])
		return;
	n = snprintf(w->broken, sizeof(w->broken), "at %lld.%09lld s: ", (long long)(w->now / SEC),
		     (long long)(w->now % SEC));
	va_start(ap, format);
	vsnprintf(w->broken + n, sizeof(w->broken) - (size_t)n, format, ap);
	va_end(ap);
}

/* Damage that TCP cannot see is asked for in some scenarios. */
static bool damage_is_asked_for(const struct world *w)
{
	for (uint32_t i = 0; i < w->sc->nlinks; i++)
		for (int k = 0; k < 2; k++)
			if (w->sc->link[i].dir[k].corrupt.p &&
			    w->sc->link[i].dir[k].corrupt.repaired)
				return true;
	return false;
}

static void check_stream(struct world *w, uint32_t i, const char *to, const struct flow_end *reader,
			 const struct flow_end *writer)
{
	if (reader->read > writer->written)
		broke(w, "flow %u: the %s has read %llu bytes, but only %llu were written", i + 1,
		      to, (unsigned long long)reader->read, (unsigned long long)writer->written);
	if (reader->bad_at != FLOW_ENDLESS && !damage_is_asked_for(w))
		broke(w, "flow %u: byte %llu that the %s read is not the one that was written",
		      i + 1, (unsigned long long)reader->bad_at, to);
}

static void check_streams(struct world *w)
{
	for (uint32_t i = 0; i < w->nflows; i++) {
		const struct flow *f = &w->flow[i];

		check_stream(w, i, "server", &f->server_end, &f->client);
		check_stream(w, i, "client", &f->client, &f->server_end);
	}
}

static void check_stack(struct world *w, uint32_t host)
{
	char why[300] = "";

	if (!stack_check(w->host[host].host->stack, why, sizeof(why)))
		broke(w, "host %s: %s", w->host[host].host->name, why);
}

void check_turn(struct world *w, uint32_t host)
{
	if (w->opt.check == CHECK_NONE)
		return;
	if (w->opt.check == CHECK_SAMPLED && w->turns_until_check-- > 0)
		return;
	/* A walk costs the more the more flows there are, and comes the less often. */
	w->turns_until_check = CHECK_EVERY * (1 + w->nflows / 8) - 1;
	check_stack(w, host);
	check_streams(w);
}

void check_path(struct world *w, uint32_t path)
{
	const struct path_counters *c = path_counters(w->path[path].path);

	if (c->sent + c->duplicated !=
	    c->delivered + c->lost + c->queue_dropped + c->too_big + c->inside)
		broke(
		    w,
		    "path %s: %llu frames sent and %llu copies are not %llu delivered, %llu lost, "
		    "%llu dropped, %llu too big and %llu inside",
		    path_name(w->path[path].path), (unsigned long long)c->sent,
		    (unsigned long long)c->duplicated, (unsigned long long)c->delivered,
		    (unsigned long long)c->lost, (unsigned long long)c->queue_dropped,
		    (unsigned long long)c->too_big, (unsigned long long)c->inside);
}

/* A flow that is not over while nothing at all is left to happen will never be. */
static void check_alive(struct world *w)
{
	if (!world_is_dead(w) || w->going == 0)
		return;
	for (uint32_t i = 0; i < w->nflows; i++)
		if (!flow_over(&w->flow[i]))
			broke(w, "deadlock: nothing is left to happen, and flow %u is not over",
			      i + 1);
}

void check_end(struct world *w)
{
	for (uint32_t i = 0; i < w->npaths; i++)
		check_path(w, i);
	if (w->opt.check == CHECK_NONE)
		return;
	check_streams(w);
	for (uint32_t i = 0; i < w->nhosts; i++)
		check_stack(w, i);
	check_alive(w);
}
