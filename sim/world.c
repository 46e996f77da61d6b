/* Virtual time: who acts next, and what follows from it. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../stack/base/check.h"
#include "capture.h"
#include "check.h"

/* More events than this within one instant are a livelock: the largest honest instant is a burst
 * that a host sends into a path without rate and delay. */
#define INSTANT_MAX 1000000
#define PROGRESS_EVERY 16384 /* events */

/* ---- who is who in the event queue: hosts, paths, changes, ticks ---- */

static uint32_t actor_path(const struct world *w, uint32_t path)
{
	return w->nhosts + path;
}

static uint32_t actor_change(const struct world *w)
{
	return w->nhosts + w->npaths;
}

static uint32_t actor_tick(const struct world *w)
{
	return w->nhosts + w->npaths + 1;
}

/* ---- fingerprint ---- */

void world_mix(struct world *w, uint64_t v)
{
	uint64_t h = (w->hash ^ v) * UINT64_C(0x9e3779b97f4a7c15);

	w->hash = h ^ h >> 29;
}

/* When, where, and the headers: they tell what was said. */
static void mix_frame(struct world *w, uint32_t path, const struct pkt *p)
{
	uint32_t n = p->head_len < 96 ? p->head_len : 96, i = 0;
	uint64_t word;

	world_mix(w, (uint64_t)w->now);
	world_mix(w, (uint64_t)path << 32 | p->len);
	for (; i + 8 <= n; i += 8) {
		memcpy(&word, p->data + i, 8);
		world_mix(w, word);
	}
}

/* ---- a host's turn ---- */

static void settle_path(struct world *w, uint32_t i)
{
	ns_t due = path_deadline(w->path[i].path);

	heap_set(&w->heap, actor_path(w, i), due < w->now ? w->now : due);
}

void world_push(struct world *w, uint32_t i, struct pkt *p)
{
	path_push(w->path[i].path, p, w->now);
	settle_path(w, i);
}

static void settle_host(struct world *w, uint32_t i)
{
	struct world_host *wh = &w->host[i];
	ns_t due = host_deadline(wh->host);
	bool finished = host_finished(wh->host);

	heap_set(&w->heap, i, due < w->now ? w->now : due);
	if (finished != wh->finished) {
		wh->finished = finished;
		w->going += finished ? -1u : 1u;
	}
}

static void turn(struct world *w, uint32_t i, struct pkt *p)
{
	struct world_host *wh = &w->host[i];

	host_turn(wh->host, w->now, &p, p ? 1 : 0);
	settle_host(w, i);
	if (wh->linked)
		settle_path(w, wh->link.path);
	check_turn(w, i);
}

static size_t sim_send(struct link *link, struct pkt *const *p, size_t n)
{
	struct sim_link *l = container_of(link, struct sim_link, link);
	struct world *w = l->world;

	for (size_t i = 0; i < n; i++)
		path_push(w->path[l->path].path, p[i], w->now);
	return n;
}

/* A host without a link: what it says is heard by nobody. */
static size_t lone_send(struct link *link, struct pkt *const *p, size_t n)
{
	link->tx_dropped += n;
	for (size_t i = 0; i < n; i++)
		pkt_free(p[i]);
	return n;
}

const struct link_ops world_link_ops = {.send = sim_send}, world_lone_ops = {.send = lone_send};

/* ---- what may happen ---- */

static void run_path(struct world *w, uint32_t i)
{
	struct world_path *wp = &w->path[i];
	struct pkt *p;

	path_run(wp->path, w->now);
	while ((p = path_pop(wp->path)) != NULL && !w->broken[0]) {
		w->events++;
		mix_frame(w, i, p);
		if (wp->to < w->nhosts)
			turn(w, wp->to, p);
		else
			switch_forward(w, i, p);
	}
	while ((p = path_pop_reply(wp->path)) != NULL)
		path_push(w->path[wp->back].path, p, w->now);
	settle_path(w, i);
	settle_path(w, wp->back);
	check_path(w, i);
}

static void run_change(struct world *w)
{
	const struct scenario *sc = w->sc;

	for (; w->next_event < sc->nevents && sc->event[w->next_event].at <= w->now;
	     w->next_event++) {
		const struct scenario_event *e = &sc->event[w->next_event];

		if (e->kind == EVENT_AO) {
			host_ao_set(w->host[e->host].host, e->ao_current, e->ao_rnext);
			continue;
		}
		for (uint32_t dir = 0; dir < 2; dir++) {
			uint32_t i = 2 * e->link + dir;

			if (!e->dir[dir])
				continue;
			if (e->kind == EVENT_DOWN)
				path_set_down(w->path[i].path, w->now + e->down);
			else if (!path_change(w->path[i].path, &e->spec[dir]))
				assert(!"the schema lets no such change pass");
			settle_path(w, i);
		}
	}
	heap_set(&w->heap, actor_change(w),
		 w->next_event < sc->nevents ? sc->event[w->next_event].at : NS_NEVER);
}

static void act(struct world *w, uint32_t actor)
{
	if (actor == actor_tick(w)) {
		series_tick(w);
		heap_set(&w->heap, actor, w->now + w->sc->series);
		return;
	}
	w->events++;
	world_mix(w, (uint64_t)w->now ^ (uint64_t)actor << 48);
	if (actor < w->nhosts)
		turn(w, actor, NULL);
	else if (actor < actor_change(w))
		run_path(w, actor - w->nhosts);
	else
		run_change(w);
}

/* Everybody is done, and nothing is on its way. */
static bool over(const struct world *w)
{
	if (w->going > 0)
		return false;
	for (uint32_t i = 0; i < w->npaths; i++)
		if (path_counters(w->path[i].path)->inside > 0)
			return false;
	return true;
}

bool world_is_dead(const struct world *w)
{
	return w->heap.n == (w->series ? 1u : 0u);
}

static void guard_instant(struct world *w, ns_t at)
{
	if (at > w->now) {
		w->at_this_instant = 0;
		return;
	}
	if (++w->at_this_instant > INSTANT_MAX)
		snprintf(w->broken, sizeof(w->broken), "livelock: over %d events at %lld.%09lld s",
			 INSTANT_MAX, (long long)(w->now / SEC), (long long)(w->now % SEC));
}

bool world_run(struct world *w)
{
	while (!w->broken[0] && !over(w)) {
		ns_t at = heap_time(&w->heap);

		if (world_is_dead(w) || at > w->sc->stop)
			break;
		if (w->opt.progress && w->events % PROGRESS_EVERY == 0)
			w->opt.progress(w);
		guard_instant(w, at);
		w->now = at;
		act(w, heap_first(&w->heap));
	}
	if (w->going > 0 && w->now < w->sc->stop && !w->broken[0])
		w->now = w->sc->stop; /* nothing would ever happen again, or not before the end */
	if (w->opt.out && w->sc->series)
		series_tick(w);
	check_end(w);
	for (uint32_t i = 0; i < w->npaths; i++) {
		const struct path_counters *c = path_counters(w->path[i].path);

		world_mix(w, c->sent);
		world_mix(w, c->delivered);
		world_mix(w, c->lost + c->queue_dropped + c->too_big);
	}
	return !w->broken[0];
}
