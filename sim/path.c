/* The chain: which stages a spec asks for, how frames and time go through them, and the one place
 * where a frame's fate is counted and told. The stages themselves are in path_*.c. */
#include "path_stage.h"

#include <stdio.h>
#include <stdlib.h>

#include "../stack/wire/eth.h"
#include "../stack/wire/ip.h"

void path_spec_default(struct path_spec *spec)
{
	*spec = (struct path_spec){
	    .queue = {.kind = QUEUE_DROPTAIL,
		      .unit = LIMIT_BDP,
		      .limit = 1000,
		      .target = 5 * MS,
		      .interval = 100 * MS,
		      .red_p = PPB_ONE / 10},
	    .loss = {.r = PPB_ONE, .loss_bad = PPB_ONE, .p23 = PPB_ONE, .until = NS_NEVER},
	    .reorder = {.distance = 3, .by = 10 * MS},
	    .delay = {.keep_order = false},
	};
}

const char *fate_name(enum fate_kind kind)
{
	static const char *const names[FATE_KINDS] = {
	    "delivered", "lost",      "queue dropped", "too big", "duplicated",
	    "corrupted", "reordered", "marked",        "sent",
	};

	assert(kind < FATE_KINDS);
	return names[kind];
}

/* ---- fates ---- */

static void count_fate(struct path_counters *c, enum fate_kind kind)
{
	uint64_t *const counter[FATE_KINDS] = {
	    &c->delivered, &c->lost,      &c->queue_dropped, &c->too_big, &c->duplicated,
	    &c->corrupted, &c->reordered, &c->marked,        &c->sent,
	};

	++*counter[kind];
}

static void tell(struct path *path, const char *stage, const struct pkt *p, enum fate_kind kind,
		 const char *why, uint64_t number, ns_t now)
{
	count_fate(&path->count, kind);
	if (!path->observer)
		return;
	struct fate fate = {.kind = kind,
			    .stage = stage,
			    .why = why,
			    .number = number,
			    .queue_pkts = path->queue.pkts,
			    .queue_bytes = path->queue.bytes,
			    .sent = p->stamp};

	path->observer(path->observer_arg, path, &fate, p, now);
}

void stage_tell(struct stage *s, const struct pkt *p, enum fate_kind kind, const char *why,
		uint64_t number, ns_t now)
{
	tell(s->path, s->ops->kind, p, kind, why, number, now);
}

void stage_drop(struct stage *s, struct pkt *p, enum fate_kind kind, const char *why,
		uint64_t number, ns_t now)
{
	s->path->count.inside--;
	stage_tell(s, p, kind, why, number, now);
	pkt_free(p);
}

struct pkt *stage_copy(struct stage *s, const struct pkt *p, const char *why, uint64_t number,
		       ns_t now)
{
	struct pkt *copy = pkt_dup(p);

	if (!copy)
		return NULL;
	copy->stamp = p->stamp;
	copy->id = p->id;
	copy->note = p->note;
	s->path->count.inside++;
	stage_tell(s, copy, FATE_DUPLICATED, why, number, now);
	return copy;
}

void path_hand_out(struct path *path, struct list *to, struct pkt *p, ns_t now)
{
	if (list_empty(&path->out) && list_empty(&path->replies))
		path->out_since = now;
	list_push_back(to, &p->node);
}

void path_deliver(struct path *path, struct pkt *p, ns_t now)
{
	path->count.inside--;
	path->count.bytes_delivered += p->len;
	path_hand_out(path, &path->out, p, now);
	tell(path, "out", p, FATE_DELIVERED, "", path->count.delivered + 1, now);
}

/* ---- frames ---- */

bool frame_is_ip(const struct pkt *p)
{
	if (p->head_len < ETH_LEN)
		return false;
	uint16_t type = rd16(p->data + 12);

	return type == ETH_IP4 || type == ETH_IP6;
}

/* The header lies in the head, which belongs to this pkt alone unless a chunk holds it that
 * somebody else refers to as well. */
static bool frame_own_head(struct pkt *p)
{
	return !p->chunk || p->chunk->refs == 1 || pkt_unshare(p);
}

static void mark_ip4(uint8_t *ip)
{
	uint16_t before = rd16(ip), after;

	ip[1] |= ECN_CE;
	after = rd16(ip);
	/* RFC 1624, equation 3. */
	uint32_t sum = (uint16_t)~rd16(ip + 10) + (uint32_t)(uint16_t)~before + after;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	wr16(ip + 10, (uint16_t)~sum);
}

bool frame_mark_ce(struct pkt *p)
{
	bool v6 = frame_is_ip(p) && rd16(p->data + 12) == ETH_IP6;

	if (!frame_is_ip(p) || p->head_len < ETH_LEN + (uint32_t)(v6 ? IP6_LEN : IP4_LEN))
		return false;
	const uint8_t *ip = p->data + ETH_LEN;
	uint8_t ecn = v6 ? (ip[1] >> 4) & ECN_MASK : ip[1] & ECN_MASK;

	if (ecn == 0 || !frame_own_head(p))
		return false;
	if (v6)
		p->data[ETH_LEN + 1] |= ECN_CE << 4;
	else if (ecn != ECN_CE)
		mark_ip4(p->data + ETH_LEN);
	p->ce = true;
	return true;
}

/* ---- rings and heaps ---- */

static bool ring_grow(struct ring *r)
{
	uint32_t cap = r->cap ? 2 * r->cap : 64;
	struct ring_slot *slot = calloc(cap, sizeof(*slot));

	if (!slot)
		return false;
	for (uint32_t i = 0; i < r->n; i++)
		slot[i] = r->slot[(r->head + i) & (r->cap - 1)];
	free(r->slot);
	*r = (struct ring){.slot = slot, .n = r->n, .cap = cap};
	return true;
}

bool ring_put(struct ring *r, struct pkt *p, ns_t at)
{
	if (r->n == r->cap && !ring_grow(r))
		return false;
	r->slot[(r->head + r->n++) & (r->cap - 1)] = (struct ring_slot){at, p};
	return true;
}

struct pkt *ring_take(struct ring *r, ns_t *at)
{
	assert(r->n > 0);
	struct ring_slot first = r->slot[r->head];

	r->head = (r->head + 1) & (r->cap - 1);
	r->n--;
	*at = first.at;
	return first.pkt;
}

void ring_free(struct ring *r)
{
	ns_t at;

	while (r->n)
		pkt_free(ring_take(r, &at));
	free(r->slot);
	*r = (struct ring){0};
}

static bool held_before(const struct held *a, const struct held *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

bool hold_put(struct hold *h, struct pkt *p, ns_t at)
{
	if (h->n == h->cap) {
		uint32_t cap = h->cap ? 2 * h->cap : 16;
		struct held *heap = realloc(h->heap, cap * sizeof(*heap));

		if (!heap)
			return false;
		h->heap = heap;
		h->cap = cap;
	}
	struct held new = {at, h->order++, p};
	uint32_t i = h->n++;

	for (; i > 0 && held_before(&new, &h->heap[(i - 1) / 2]); i = (i - 1) / 2)
		h->heap[i] = h->heap[(i - 1) / 2];
	h->heap[i] = new;
	return true;
}

struct pkt *hold_take(struct hold *h)
{
	assert(h->n > 0);
	struct pkt *p = h->heap[0].pkt;
	struct held last = h->heap[--h->n];
	uint32_t i = 0, kid;

	while ((kid = 2 * i + 1) < h->n) {
		if (kid + 1 < h->n && held_before(&h->heap[kid + 1], &h->heap[kid]))
			kid++;
		if (!held_before(&h->heap[kid], &last))
			break;
		h->heap[i] = h->heap[kid];
		i = kid;
	}
	h->heap[i] = last;
	return p;
}

void hold_free(struct hold *h)
{
	while (h->n)
		pkt_free(hold_take(h));
	free(h->heap);
	*h = (struct hold){0};
}

/* ---- the chain ---- */

static void stage_init(struct path *path, struct stage *s, const struct stage_ops *ops)
{
	char name[PATH_NAME + 32];

	snprintf(name, sizeof(name), "path/%s/%s", path->name, ops->kind);
	*s = (struct stage){.ops = ops, .path = path, .due = NS_NEVER};
	rng_init(&s->rng, path->seed, name);
}

static void chain_add(struct path *path, struct stage *s, bool wanted)
{
	if (!wanted)
		return;
	if (path->nchain > 0)
		path->chain[path->nchain - 1]->next = s;
	path->chain[path->nchain++] = s;
	s->next = NULL;
}

/* A stage that keeps frames stays in the chain until they have left it. */
static void chain_build(struct path *path)
{
	const struct path_spec *spec = &path->spec;

	path->nchain = 0;
	chain_add(path, &path->rule.s, spec->nrules > 0);
	chain_add(path, &path->mtu.s, spec->mtu > 0);
	chain_add(path, &path->queue.s, spec->rate_bps > 0);
	chain_add(path, &path->rate.s, spec->rate_bps > 0);
	chain_add(path, &path->cut.s, path->cut.down_until > 0);
	chain_add(path, &path->loss.s, spec->loss.model != LOSS_NONE);
	chain_add(path, &path->corrupt.s, spec->corrupt.p > 0);
	chain_add(path, &path->duplicate.s, spec->duplicate.p > 0);
	chain_add(path, &path->reorder.s, spec->reorder.p > 0);
	chain_add(path, &path->delay.s,
		  spec->delay.mean > 0 || spec->delay.jitter > 0 || path->delay.ring.n > 0 ||
		      path->delay.hold.n > 0);
}

static void path_settle(struct path *path)
{
	path->due = NS_NEVER;
	for (uint32_t i = 0; i < path->nchain; i++)
		path->due = ns_min(path->due, path->chain[i]->due);
}

struct path *path_new(const char *name, uint64_t seed, const struct path_spec *spec)
{
	struct path *path = calloc(1, sizeof(*path));

	if (!path)
		return NULL;
	snprintf(path->name, sizeof(path->name), "%s", name);
	path->seed = seed;
	path->spec = *spec;
	path->due = NS_NEVER;
	list_init(&path->out);
	list_init(&path->replies);

	stage_init(path, &path->rule.s, &rule_ops);
	path->rule.rule = spec->rule;
	path->rule.nrules = spec->nrules;
	stage_init(path, &path->mtu.s, &mtu_ops);
	path->mtu.mtu = spec->mtu;
	path->mtu.silent = spec->mtu_silent;
	stage_init(path, &path->queue.s, &queue_ops);
	queue_setup(&path->queue, spec);
	if (!path->queue.sub) {
		free(path);
		return NULL;
	}
	path->queue.rate = &path->rate;
	stage_init(path, &path->rate.s, &rate_ops);
	path->rate.bps = spec->rate_bps;
	path->rate.overhead = spec->overhead;
	stage_init(path, &path->cut.s, &cut_ops);
	stage_init(path, &path->loss.s, &loss_ops);
	loss_setup(&path->loss, &spec->loss);
	stage_init(path, &path->corrupt.s, &corrupt_ops);
	path->corrupt.spec = spec->corrupt;
	stage_init(path, &path->duplicate.s, &duplicate_ops);
	path->duplicate.spec = spec->duplicate;
	stage_init(path, &path->reorder.s, &reorder_ops);
	path->reorder.spec = spec->reorder;
	stage_init(path, &path->delay.s, &delay_ops);
	path->delay.spec = spec->delay;
	chain_build(path);
	return path;
}

struct path *path_parse_words(const char *name, const char *words, uint64_t seed, char *err,
			      size_t cap)
{
	struct path_spec spec;

	path_spec_default(&spec);
	if (!path_spec_words(&spec, words, err, cap))
		return NULL;
	struct path *path = path_new(name, seed, &spec);

	if (!path)
		snprintf(err, cap, "out of memory");
	return path;
}

static void list_free_pkts(struct list *l)
{
	for (struct list *n; (n = list_pop_front(l));)
		pkt_free(list_entry(n, struct pkt, node));
}

void path_free(struct path *path)
{
	if (!path)
		return;
	list_free_pkts(&path->out);
	list_free_pkts(&path->replies);
	rule_free(&path->rule);
	queue_free(&path->queue);
	pkt_free(path->rate.sending);
	hold_free(&path->duplicate.hold);
	for (uint32_t i = 0; i < path->reorder.nheld; i++)
		pkt_free(path->reorder.held[i].pkt);
	ring_free(&path->delay.ring);
	hold_free(&path->delay.hold);
	free(path);
}

void path_observe(struct path *path, fate_fn *fn, void *arg)
{
	path->observer = fn;
	path->observer_arg = arg;
}

void path_push(struct path *path, struct pkt *p, ns_t now)
{
	assert(p->gso_size == 0);
	p->stamp = now;
	path->count.inside++;
	path->count.bytes_sent += p->len;
	tell(path, "in", p, FATE_SENT, "", path->count.sent + 1, now);
	if (path->nchain == 0) {
		path_deliver(path, p, now);
		return;
	}
	path->chain[0]->ops->push(path->chain[0], p, now);
	path_settle(path);
}

/* From the end to the start, so that room behind is made before what is in front moves up. */
void path_run(struct path *path, ns_t now)
{
	while (path->due <= now) {
		for (uint32_t i = path->nchain; i-- > 0;)
			if (path->chain[i]->due <= now)
				path->chain[i]->ops->run(path->chain[i], now);
		path_settle(path);
	}
}

ns_t path_deadline(const struct path *path)
{
	bool waiting = !list_empty(&path->out) || !list_empty(&path->replies);

	return waiting ? ns_min(path->due, path->out_since) : path->due;
}

static struct pkt *pop(struct list *l)
{
	struct list *n = list_pop_front(l);

	return n ? list_entry(n, struct pkt, node) : NULL;
}

struct pkt *path_pop(struct path *path)
{
	return pop(&path->out);
}

struct pkt *path_pop_reply(struct path *path)
{
	return pop(&path->replies);
}

const char *path_name(const struct path *path)
{
	return path->name;
}

const struct path_counters *path_counters(const struct path *path)
{
	return &path->count;
}

void path_queue_now(const struct path *path, uint64_t *pkts, uint64_t *bytes)
{
	*pkts = path->queue.pkts;
	*bytes = path->queue.bytes;
}

/* ---- changes while it runs ---- */

void path_set_down(struct path *path, ns_t until)
{
	path->cut.down_until = until;
	chain_build(path);
}

bool path_change(struct path *path, const struct path_spec *spec)
{
	if (!spec->rate_bps != !path->spec.rate_bps)
		return false; /* a queue that holds frames cannot come or go */
	path->spec.rate_bps = path->rate.bps = spec->rate_bps;
	path->spec.mtu = path->mtu.mtu = spec->mtu;
	path->spec.mtu_silent = path->mtu.silent = spec->mtu_silent;
	path->spec.delay = path->delay.spec = spec->delay;
	path->spec.loss = spec->loss;
	loss_setup(&path->loss, &spec->loss);
	chain_build(path);
	path_settle(path);
	return true;
}
