/* Switches: each knows from the start through which of its links every host is reached (there are
 * no loops, so there is one way), and sends a frame on by its destination address. What is for all,
 * or for nobody that is known, goes to all other links. Nothing is learnt, so nothing must be
 * relearnt, and no first frame is special. */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#include "../stack/base/check.h"

struct switches {
	uint32_t n;
	uint32_t *port_first; /* of each switch, into port; one more at the end */
	uint32_t *port;       /* paths that lead away from it */
	uint32_t *way;        /* [switch * nhosts + host]: path; UINT32_MAX: none */
	struct {
		uint64_t mac; /* plus one, so that 0 is free */
		uint32_t host;
	} * host; /* by address, open addressing */
	uint32_t mask;
	uint32_t nhosts;
};

static uint64_t mac_number(const uint8_t *b)
{
	uint64_t v = 0;

	for (int i = 0; i < 6; i++)
		v = v << 8 | b[i];
	return v + 1;
}

static uint32_t mac_place(const struct switches *s, uint64_t mac)
{
	uint32_t i = (uint32_t)(mac * UINT64_C(0x9e3779b97f4a7c15) >> 32) & s->mask;

	while (s->host[i].mac && s->host[i].mac != mac)
		i = (i + 1) & s->mask;
	return i;
}

/* Where a path begins; it ends at w->path[i].to. */
static uint32_t path_from(const struct world *w, uint32_t i)
{
	return w->sc->link[i / 2].host[i % 2];
}

static void collect_ports(const struct world *w, struct switches *s)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < s->n; k++) {
		s->port_first[k] = n;
		for (uint32_t i = 0; i < w->npaths; i++)
			if (path_from(w, i) == w->nhosts + k)
				s->port[n++] = i;
	}
	s->port_first[s->n] = n;
}

/* Every host that lies behind `path` is reached from switch k by `first`. The way there is followed
 * with a stack of its own: `todo` has room for all paths. */
static void mark_behind(const struct world *w, struct switches *s, uint32_t k, uint32_t first,
			uint32_t *todo)
{
	uint32_t n = 0;

	todo[n++] = first;
	while (n > 0) {
		uint32_t path = todo[--n], to = w->path[path].to;

		if (to < w->nhosts) {
			s->way[k * s->nhosts + to] = first;
			continue;
		}
		uint32_t other = to - w->nhosts;

		for (uint32_t i = s->port_first[other]; i < s->port_first[other + 1]; i++)
			if (s->port[i] != w->path[path].back)
				todo[n++] = s->port[i];
	}
}

bool switches_init(struct world *w)
{
	uint32_t n = w->sc->nnodes - w->sc->nhosts, cap = 16, *todo;
	struct switches *s;

	if (n == 0)
		return true;
	while (cap / 2 < w->nhosts)
		cap *= 2;
	w->switches = s = calloc(1, sizeof(*s));
	todo = calloc(w->npaths + 1, sizeof(*todo));
	if (!s || !todo)
		goto no_memory;
	s->n = n;
	s->nhosts = w->nhosts;
	s->mask = cap - 1;
	s->port_first = calloc(n + 1, sizeof(*s->port_first));
	s->port = calloc(w->npaths + 1, sizeof(*s->port));
	s->way = malloc((size_t)n * w->nhosts * sizeof(*s->way));
	s->host = calloc(cap, sizeof(*s->host));
	if (!s->port_first || !s->port || !s->way || !s->host)
		goto no_memory;
	memset(s->way, 0xff, (size_t)n * w->nhosts * sizeof(*s->way));
	for (uint32_t i = 0; i < w->nhosts; i++) {
		uint64_t mac = mac_number(w->sc->host[i].mac.b);
		uint32_t at = mac_place(s, mac);

		s->host[at].mac = mac;
		s->host[at].host = i;
	}
	collect_ports(w, s);
	for (uint32_t k = 0; k < n; k++)
		for (uint32_t i = s->port_first[k]; i < s->port_first[k + 1]; i++)
			mark_behind(w, s, k, s->port[i], todo);
	free(todo);
	return true;

no_memory:
	free(todo);
	return false;
}

void switches_free(struct switches *s)
{
	if (!s)
		return;
	free(s->port_first);
	free(s->port);
	free(s->way);
	free(s->host);
	free(s);
}

static void flood(struct world *w, uint32_t k, uint32_t from_path, struct pkt *p)
{
	const struct switches *s = w->switches;

	for (uint32_t i = s->port_first[k]; i < s->port_first[k + 1]; i++) {
		struct pkt *copy = s->port[i] == w->path[from_path].back ? NULL : pkt_dup(p);

		if (!copy)
			continue;
		copy->id = p->id;
		copy->note = p->note;
		world_push(w, s->port[i], copy);
	}
	pkt_free(p);
}

void switch_forward(struct world *w, uint32_t from_path, struct pkt *p)
{
	const struct switches *s = w->switches;
	uint32_t k = w->path[from_path].to - w->nhosts, at, way = UINT32_MAX;

	assert(s && k < s->n);
	if (p->head_len >= 6 && !(p->data[0] & 1)) {
		at = mac_place(s, mac_number(p->data));
		if (s->host[at].mac)
			way = s->way[k * s->nhosts + s->host[at].host];
	}
	if (way == UINT32_MAX)
		flood(w, k, from_path, p);
	else if (way == w->path[from_path].back)
		pkt_free(p); /* its place is where it came from */
	else
		world_push(w, way, p);
}
