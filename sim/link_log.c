/* link.pcapng: every frame that was sent, in the order and at the time of its sending, with what
 * became of it. A frame's fate is known only later, so frames wait here until all before them have
 * theirs. (Stamped when their fate was decided, the lost would stand before those that still
 * travel, and a viewer would take the latter for retransmissions.)
 *
 * The bytes are those that were sent, also of a frame that is damaged on the way. One interface a
 * link; direction "out" is from the first node of `between` to the second. Copies that the network
 * makes stand there at the time they were made. */
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../stack/base/check.h"
#include "../stack/wire/csum.h"
#include "../traces/trace.h"

#define WORDS 600
#define NONE UINT64_MAX

struct entry {
	const struct pkt *pkt; /* compared, never followed; NULL: its fate is known */
	uint32_t path;
	uint64_t prev, next;   /* of those on the same path whose fates are unknown; numbers, or NONE */
	ns_t sent;
	uint64_t id;
	struct pkt_note note;
	enum fate_kind kind; /* FATE_SENT until known */
	char stage[16];
	char words[WORDS]; /* what befell it, so far */
	bool eventful;     /* more than that it arrived */
	uint8_t *bytes;    /* kept when the entry is used again */
	uint32_t room, kept, len;
};

/* What the observer of a path is given. */
struct tap {
	struct link_log *log;
	uint32_t path;
	uint64_t first, last; /* frames under way: their entries' numbers, or NONE */
};

struct link_log {
	struct world *world;
	struct tap *tap; /* one a path */
	struct trace_writer *writer;
	uint32_t *iface;    /* of each link */
	struct entry *ring; /* a power of two of them, in order of sending */
	uint64_t head;      /* the oldest's number */
	uint32_t n, cap;
	uint32_t snaplen;
};

static struct entry *entry_of(struct link_log *l, uint64_t number)
{
	return &l->ring[number & (l->cap - 1)];
}

static struct entry *at(struct link_log *l, uint32_t i)
{
	return entry_of(l, l->head + i);
}

/* The frame's own note ("fast retransmission of ..."), then its way, as one comment. */
static void comment(char *to, size_t cap, const struct entry *e)
{
	size_t n = e->note.why != WHY_NEW ? note_text(to, cap, &e->note) : 0;

	to[n] = 0;
	if (e->eventful || n > 0)
		snprintf(to + n, cap - n, "%s%s", n ? "; " : "", e->words);
}

/* The same for machines: why it was sent, and what became of it. */
static void truth(char *to, size_t cap, const struct entry *e)
{
	size_t n = e->note.why != WHY_NEW ? note_truth(to, cap, &e->note) : 0;
	const char *fate = e->kind == FATE_DELIVERED ? "delivered"
			   : e->kind == FATE_LOST    ? "lost"
			   : e->kind == FATE_SENT    ? "unknown"
						     : "dropped";

	snprintf(to + n, cap - n, "%sfate=%s stage=%s id=%" PRIu64, n ? " " : "", fate, e->stage,
		 e->id);
}

static void write_entry(struct link_log *l, const struct entry *e)
{
	char words[WORDS + 400], machine[500];

	comment(words, sizeof(words), e);
	truth(machine, sizeof(machine), e);
	struct trace_frame frame = {
	    .iface = l->iface[e->path / 2],
	    .at = e->sent,
	    .dir = e->path % 2 ? TRACE_IN : TRACE_OUT,
	    .bytes = e->bytes,
	    .len = e->len,
	    .id = e->id,
	    .comment = words[0] ? words : NULL,
	    .truth = machine,
	    .died = e->kind != FATE_DELIVERED && e->kind != FATE_SENT,
	};

	trace_frame(l->writer, &frame);
}

/* Those at the front whose fates are known. */
static void write_known(struct link_log *l)
{
	while (l->n > 0 && !at(l, 0)->pkt) {
		write_entry(l, at(l, 0));
		l->head++;
		l->n--;
	}
}

static bool grow(struct link_log *l)
{
	uint32_t cap = l->cap ? 2 * l->cap : 256;
	struct entry *ring = calloc(cap, sizeof(*ring));

	if (!ring)
		return false;
	for (uint32_t i = 0; i < l->cap; i++) /* all are in use */
		ring[(l->head + i) & (cap - 1)] = *at(l, i);
	free(l->ring);
	l->ring = ring;
	l->cap = cap;
	return true;
}

static bool keep_bytes(struct link_log *l, struct entry *e, const struct pkt *p)
{
	e->len = p->len;
	e->kept = p->len < l->snaplen ? p->len : l->snaplen;
	if (e->kept > e->room) {
		uint8_t *more = realloc(e->bytes, e->kept);

		if (!more)
			return false;
		e->bytes = more;
		e->room = e->kept;
	}
	pkt_copy_out(p, 0, e->bytes, e->kept);
	if (p->csum == CSUM_PARTIAL)
		csum_complete_copy(p, e->bytes, e->kept);
	return true;
}

static void wait_append(struct tap *t, uint64_t number)
{
	struct entry *e = entry_of(t->log, number);

	e->prev = t->last;
	e->next = NONE;
	if (t->last == NONE)
		t->first = number;
	else
		entry_of(t->log, t->last)->next = number;
	t->last = number;
}

static void wait_remove(struct tap *t, const struct entry *e)
{
	if (e->prev == NONE)
		t->first = e->next;
	else
		entry_of(t->log, e->prev)->next = e->next;
	if (e->next == NONE)
		t->last = e->prev;
	else
		entry_of(t->log, e->next)->prev = e->prev;
}

static void on_sent(struct tap *t, const struct pkt *p, ns_t now)
{
	struct link_log *l = t->log;
	struct entry *e;

	if (l->n == l->cap && !grow(l))
		return;
	e = at(l, l->n);
	if (!keep_bytes(l, e, p))
		return;
	e->pkt = p;
	e->path = t->path;
	e->sent = now;
	e->id = p->id;
	e->note = p->note;
	e->kind = FATE_SENT;
	e->words[0] = e->stage[0] = 0;
	e->eventful = false;
	wait_append(t, l->head + l->n++);
}

/* What happens, happens to the one sent last, or to one of the first: frames of a path come out in
 * order, nearly. */
static struct entry *find(struct tap *t, const struct pkt *p)
{
	if (t->last != NONE && entry_of(t->log, t->last)->pkt == p)
		return entry_of(t->log, t->last);
	for (uint64_t i = t->first; i != NONE; i = entry_of(t->log, i)->next)
		if (entry_of(t->log, i)->pkt == p)
			return entry_of(t->log, i);
	return NULL;
}

static void say(struct entry *e, const struct fate *f, ns_t now)
{
	size_t n = strlen(e->words), cap = sizeof(e->words) - n;
	bool by_rule = strcmp(f->stage, "rule") == 0;
	char *to = e->words + n;

	if (n > 0 && cap > 2) {
		memcpy(to, "; ", 3);
		to += 2;
		cap -= 2;
	}
	switch (f->kind) {
	case FATE_DELIVERED:
		snprintf(to, cap, "arrived after %" PRId64 ".%03" PRId64 " ms",
			 (now - e->sent) / MS, (now - e->sent) % MS / US);
		break;
	case FATE_QUEUE_DROPPED:
		snprintf(to, cap,
			 "dropped by the queue: %s, with %" PRIu64 " frames (%" PRIu64 " bytes)",
			 f->why, f->queue_pkts, f->queue_bytes);
		break;
	case FATE_TOO_BIG:
		snprintf(to, cap, "dropped: %s", f->why);
		break;
	case FATE_MARKED:
		snprintf(to, cap, "CE mark: %s, with %" PRIu64 " frames queued", f->why,
			 f->queue_pkts);
		break;
	default:
		if (by_rule)
			snprintf(to, cap, "%s: as the scenario says, %s number %" PRIu64,
				 fate_name(f->kind), f->why, f->number);
		else
			snprintf(to, cap, "%s: stage %s, %s, its frame %" PRIu64,
				 fate_name(f->kind), f->stage, f->why, f->number);
	}
}

static bool is_end(enum fate_kind kind)
{
	return kind == FATE_DELIVERED || kind == FATE_LOST || kind == FATE_QUEUE_DROPPED ||
	       kind == FATE_TOO_BIG;
}

static void on_fate(void *arg, const struct path *path, const struct fate *f, const struct pkt *p,
		    ns_t now)
{
	struct tap *tap = arg;
	struct entry *e;

	(void)path;
	if (f->kind == FATE_SENT || f->kind == FATE_DUPLICATED)
		on_sent(tap, p, now);
	e = f->kind == FATE_SENT ? NULL : find(tap, p);
	if (!e)
		return; /* memory was short when it was sent */
	say(e, f, now);
	e->eventful = e->eventful || f->kind != FATE_DELIVERED;
	if (!is_end(f->kind))
		return;
	e->kind = f->kind;
	snprintf(e->stage, sizeof(e->stage), "%s", f->stage);
	e->pkt = NULL;
	wait_remove(tap, e);
	write_known(tap->log);
}

/* ---- the file ---- */

static bool open_writer(struct link_log *l, const char *file, char *err, size_t cap)
{
	const struct scenario *sc = l->world->sc;
	struct trace_options opt = {
	    .comment = sc->title[0] ? sc->title : NULL,
	    .host = "the links: each frame when it was sent, and what became of it",
	    .snaplen = sc->snaplen,
	    .epoch = sc->date * SEC,
	};

	l->writer = trace_open(file, &opt, err, cap);
	for (uint32_t i = 0; l->writer && i < sc->nlinks && (i == 0 || !sc->pcap); i++) {
		char about[120];
		struct trace_iface iface = {.name = sc->link[i].name, .description = about};

		snprintf(about, sizeof(about), "link %s: out is from %s to %s", sc->link[i].name,
			 sc->host[sc->link[i].host[0]].name, sc->host[sc->link[i].host[1]].name);
		l->iface[i] = (uint32_t)trace_add_iface(l->writer, &iface);
	}
	return l->writer != NULL;
}

static void free_log(struct link_log *l)
{
	for (uint32_t i = 0; i < l->cap; i++)
		free(l->ring[i].bytes);
	free(l->ring);
	free(l->iface);
	free(l->tap);
	free(l);
}

struct link_log *link_log_open(struct world *w, const char *file, char *err, size_t cap)
{
	struct link_log *l = calloc(1, sizeof(*l));

	if (!l) {
		snprintf(err, cap, "out of memory");
		return NULL;
	}
	l->world = w;
	l->snaplen = w->sc->snaplen ? w->sc->snaplen : UINT32_MAX;
	l->iface = calloc(w->sc->nlinks + 1, sizeof(*l->iface));
	l->tap = calloc(w->npaths + 1, sizeof(*l->tap));
	if (!l->iface || !l->tap) {
		snprintf(err, cap, "out of memory");
		free_log(l);
		return NULL;
	}
	if (!open_writer(l, file, err, cap)) {
		free_log(l);
		return NULL;
	}
	for (uint32_t i = 0; i < w->npaths; i++) {
		l->tap[i] = (struct tap){l, i, NONE, NONE};
		path_observe(w->path[i].path, on_fate, &l->tap[i]);
	}
	return l;
}

bool link_log_close(struct link_log *l, char *err, size_t cap)
{
	for (uint32_t i = 0; i < l->world->npaths; i++)
		if (l->world->path[i].path)
			path_observe(l->world->path[i].path, NULL, NULL);
	for (uint32_t i = 0; i < l->n; i++) {
		struct entry *e = at(l, i);

		if (e->pkt) {
			snprintf(e->words, sizeof(e->words),
				 "still on its way at the end of the run");
			e->eventful = true;
		}
		write_entry(l, e);
	}
	bool ok = trace_close(l->writer, err, cap);

	free_log(l);
	return ok;
}
