/* link.pcapng: what the network did with each frame. A frame is written when its fate is decided: when
 * it arrives, or where it dies, marked as dead and with a comment in words. What befell it on the way
 * (a flipped bit, a wait, a mark) is remembered until then.
 *
 * One interface a link; direction "out" is from the first host of `between` to the second. */
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../traces/trace.h"

struct pending {
	const struct pkt *pkt; /* compared, never followed */
	char text[160];
};

/* What the observer of a path is given. */
struct tap {
	struct link_log *log;
	uint32_t path;
};

struct link_log {
	struct world *world;
	struct tap *tap;       /* one a path */
	struct trace_writer *writer;
	uint32_t *iface;       /* of each link */
	struct pending *pending;
	uint32_t npending, cap;
};

static struct pending *find(struct link_log *l, const struct pkt *p)
{
	for (uint32_t i = 0; i < l->npending; i++)
		if (l->pending[i].pkt == p)
			return &l->pending[i];
	return NULL;
}

static void forget(struct link_log *l, struct pending *p)
{
	*p = l->pending[--l->npending];
}

static struct pending *remember(struct link_log *l, const struct pkt *p)
{
	struct pending *found = find(l, p);

	if (found)
		return found;
	if (l->npending == l->cap) {
		uint32_t cap = l->cap ? 2 * l->cap : 64;
		struct pending *more = realloc(l->pending, cap * sizeof(*more));

		if (!more)
			return NULL;
		l->pending = more;
		l->cap = cap;
	}
	found = &l->pending[l->npending++];
	found->pkt = p;
	found->text[0] = 0;
	return found;
}

static void ms(char to[24], ns_t t)
{
	snprintf(to, 24, "%" PRId64 ".%03" PRId64 " ms", t / MS, t % MS / US);
}

/* What happened, in words. */
static void say(char *to, size_t cap, const struct fate *f)
{
	bool by_rule = strcmp(f->stage, "rule") == 0;

	switch (f->kind) {
	case FATE_LOST:
		if (by_rule)
			snprintf(to, cap, "lost: as the scenario says, %s number %" PRIu64, f->why,
				 f->number);
		else
			snprintf(to, cap, "lost: stage %s, %s, its frame %" PRIu64, f->stage, f->why,
				 f->number);
		break;
	case FATE_QUEUE_DROPPED:
		snprintf(to, cap, "dropped by the queue: %s, with %" PRIu64 " frames (%" PRIu64 " bytes)",
			 f->why, f->queue_pkts, f->queue_bytes);
		break;
	case FATE_TOO_BIG:
		snprintf(to, cap, "dropped: %s", f->why);
		break;
	case FATE_MARKED:
		snprintf(to, cap, "CE mark: %s, with %" PRIu64 " frames queued", f->why, f->queue_pkts);
		break;
	default:
		if (by_rule)
			snprintf(to, cap, "%s: as the scenario says, %s number %" PRIu64,
				 fate_name(f->kind), f->why, f->number);
		else
			snprintf(to, cap, "%s: %s, frame %" PRIu64 " of stage %s", fate_name(f->kind),
				 f->why, f->number, f->stage);
	}
}

static bool is_end(enum fate_kind kind)
{
	return kind == FATE_DELIVERED || kind == FATE_LOST || kind == FATE_QUEUE_DROPPED ||
	       kind == FATE_TOO_BIG;
}

/* The frame's own note ("fast retransmission of ..."), then its way, as one comment. */
static void comment(char *to, size_t cap, const struct pkt *p, const struct fate *f, ns_t now,
		    const struct pending *before)
{
	size_t n = p->note.why != WHY_NEW ? note_text(to, cap, &p->note) : 0;
	char took[24];

	to[n] = 0;
	if (before && before->text[0])
		n += (size_t)snprintf(to + n, cap - n, "%s%s", n ? "; " : "", before->text);
	if (f->kind != FATE_DELIVERED) {
		n += (size_t)snprintf(to + n, cap - n, "%s", n ? "; " : "");
		say(to + n, cap - n, f);
	} else if (n > 0) {
		ms(took, now - f->sent);
		snprintf(to + n, cap - n, "; arrived after %s", took);
	}
}

static void on_fate(void *arg, const struct path *path, const struct fate *f, const struct pkt *p,
		    ns_t now)
{
	struct tap *tap = arg;
	struct link_log *l = tap->log;
	struct pending *before = l->npending ? find(l, p) : NULL;
	char text[1024], truth[120];
	uint32_t i = tap->path;

	(void)path;

	if (!is_end(f->kind)) {
		before = remember(l, p);
		if (before && !before->text[0])
			say(before->text, sizeof(before->text), f);
		return;
	}
	comment(text, sizeof(text), p, f, now, before);
	snprintf(truth, sizeof(truth), "fate=%s stage=%s sent=%" PRId64 " id=%" PRIu64,
		 f->kind == FATE_DELIVERED ? "delivered" : f->kind == FATE_LOST ? "lost" : "dropped",
		 f->stage, f->sent, p->id);
	struct trace_frame frame = {
		.iface = l->iface[i / 2],
		.at = now,
		.dir = i % 2 ? TRACE_IN : TRACE_OUT,
		.pkt = p,
		.len = p->len,
		.comment = text[0] ? text : NULL,
		.truth = truth,
		.died = f->kind != FATE_DELIVERED,
	};

	trace_frame(l->writer, &frame);
	if (before)
		forget(l, before);
}

struct link_log *link_log_open(struct world *w, const char *file, char *err, size_t cap)
{
	const struct scenario *sc = w->sc;
	struct link_log *l = calloc(1, sizeof(*l));
	struct trace_options opt = {
		.comment = sc->title[0] ? sc->title : NULL,
		.host = "the links: each frame with its fate, stamped when that was decided",
		.snaplen = sc->snaplen,
		.epoch = sc->date * SEC,
	};

	if (l) {
		l->iface = calloc(sc->nlinks + 1, sizeof(*l->iface));
		l->tap = calloc(w->npaths + 1, sizeof(*l->tap));
	}
	if (!l || !l->iface || !l->tap) {
		snprintf(err, cap, "out of memory");
		goto no_writer;
	}
	l->world = w;
	l->writer = trace_open(file, &opt, err, cap);
	for (uint32_t i = 0; l->writer && i < sc->nlinks && (i == 0 || !sc->pcap); i++) {
		char about[120];
		struct trace_iface iface = {.name = sc->link[i].name, .description = about};

		snprintf(about, sizeof(about), "link %s: out is from %s to %s", sc->link[i].name,
			 sc->host[sc->link[i].host[0]].name, sc->host[sc->link[i].host[1]].name);
		l->iface[i] = (uint32_t)trace_add_iface(l->writer, &iface);
	}
	if (!l->writer)
		goto no_writer;
	for (uint32_t i = 0; i < w->npaths; i++) {
		l->tap[i] = (struct tap){l, i};
		path_observe(w->path[i].path, on_fate, &l->tap[i]);
	}
	return l;

no_writer:
	if (l) {
		free(l->iface);
		free(l->tap);
	}
	free(l);
	return NULL;
}

bool link_log_close(struct link_log *l, char *err, size_t cap)
{
	for (uint32_t i = 0; i < l->world->npaths; i++)
		if (l->world->path[i].path)
			path_observe(l->world->path[i].path, NULL, NULL);
	bool ok = trace_close(l->writer, err, cap);

	free(l->pending);
	free(l->iface);
	free(l->tap);
	free(l);
	return ok;
}
