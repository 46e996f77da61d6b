/* See journey.h. A segment's key is made of its numbers, flags, length, options and IP
 * identification. Where several have one key (true copies, or pure ACKs alike) they are matched in
 * their order. What was sent before the other capture began, or after it ended, is not called lost. */
#include "journey.h"

#include "js.h"
#include "text.h"
#include "../stack/base/check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static uint64_t mix(uint64_t h, uint64_t v)
{
	h ^= v;
	h *= 0x9e3779b97f4a7c15u;
	return h ^ h >> 32;
}

static uint64_t key_of(const struct dissected *d)
{
	const struct seg *g = &d->seg;
	uint64_t h = mix(g->seq.v, (uint64_t)g->ack.v << 32 | g->len);

	h = mix(h, (uint64_t)g->flags << 32 | (uint64_t)d->ipid << 16 | g->wnd);
	if (g->opt.has_ts)
		h = mix(h, (uint64_t)g->opt.ts_val << 32 | g->opt.ts_ecr);
	for (int i = 0; i < g->opt.nsack; i++)
		h = mix(h, (uint64_t)g->opt.sack[i].lo.v << 32 | g->opt.sack[i].hi.v);
	return h;
}

void hops_add(void *arg, const struct seg_view *v)
{
	struct hops *l = arg;

	if (l->n == l->cap && l->n < HOPS_MAX) {
		uint32_t cap = l->cap ? 2 * l->cap : 1024;
		struct hop *list = realloc(l->hop, cap * sizeof(*list));

		if (list) {
			l->hop = list;
			l->cap = cap;
		}
	}
	if (l->n == l->cap) {
		l->left_out++;
		return;
	}
	l->hop[l->n] = (struct hop){
		.key = key_of(v->d),
		.at = v->pkt->at,
		.lo = v->lo,
		.hi = v->hi,
		.frame = (uint32_t)v->pkt->frame,
		.order = l->n,
		.by_client = v->side == v->conn->client,
	};
	l->n++;
}

void hops_free(struct hops *l)
{
	free(l->hop);
	l->hop = NULL;
}

static int by_key(const void *a, const void *b)
{
	const struct hop *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

/* The first hop of this key and direction that has no counterpart yet. */
static struct hop *take(struct hops *l, const struct hop *of)
{
	uint32_t lo = 0, hi = l->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (l->hop[mid].key < of->key)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < l->n && l->hop[lo].key == of->key; lo++)
		if (!l->hop[lo].taken && l->hop[lo].by_client == of->by_client) {
			l->hop[lo].taken = true;
			return &l->hop[lo];
		}
	return NULL;
}

/* One direction: `from` is where it is sent, in order; `to` is sorted by key. */
static bool follow(struct journey *j, struct way *w, struct hops *from, struct hops *to, bool by_client)
{
	uint32_t first = UINT32_MAX, last = 0, n = 0;

	w->min_delay = INT64_MAX;
	for (uint32_t i = 0; i < from->n; i++) {
		struct hop *h = &from->hop[i], *arrived;

		if (h->by_client != by_client)
			continue;
		w->sent++;
		arrived = take(to, h);
		if (!arrived)
			continue;
		h->taken = true;
		w->arrived++;
		w->min_delay = ns_min(w->min_delay, arrived->at - h->at);
		first = first < i ? first : i;
		last = i;
	}
	for (uint32_t i = 0; i < to->n; i++)
		w->copies += to->hop[i].by_client == by_client && !to->hop[i].taken;
	for (uint32_t i = first; i <= last && first != UINT32_MAX; i++)
		n += from->hop[i].by_client == by_client && !from->hop[i].taken;
	w->lost = n;
	if (n) {
		struct hop *list = realloc(j->lost, (j->nlost + n) * sizeof(*list));

		if (!list)
			return false;
		j->lost = list;
		for (uint32_t i = first; i <= last; i++)
			if (from->hop[i].by_client == by_client && !from->hop[i].taken)
				j->lost[j->nlost++] = from->hop[i];
	}
	return true;
}

static void restart(struct hops *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		l->hop[i].taken = false;
}

static int by_order(const void *a, const void *b)
{
	const struct hop *x = a, *y = b;

	return (x->order > y->order) - (x->order < y->order);
}

/* The first connection with a tap at an end decides. */
static enum tap place_of(const struct analysis *a)
{
	for (uint32_t i = 0; i < a->nconns; i++)
		if (a->conn[i]->tap == TAP_CLIENT || a->conn[i]->tap == TAP_SERVER)
			return a->conn[i]->tap;
	return TAP_UNKNOWN;
}

/* Which capture is nearer to the client: by either one's place, or, between two in the middle, by
 * which waits longer for the SYN-ACK. */
static int client_side(const struct analysis *a, const struct analysis *b)
{
	const enum tap x = place_of(a), y = place_of(b);

	if (x != y && x != TAP_UNKNOWN)
		return x == TAP_CLIENT ? 0 : 1;
	if (x != y)
		return y == TAP_CLIENT ? 1 : 0;
	if (a->nconns && b->nconns && a->conn[0]->hs_ack && b->conn[0]->hs_ack)
		return a->conn[0]->hs_d1 >= b->conn[0]->hs_d1 ? 0 : 1;
	return -1;
}

bool journey_join(struct journey *j, struct hops *first, const struct analysis *a, struct hops *second,
		  const struct analysis *b, const char **why)
{
	const int side = client_side(a, b);
	struct hops *c = side == 0 ? first : second, *s = side == 0 ? second : first;

	*j = (struct journey){.near_client = c, .near_server = s, .first_is_client = side == 0};
	if (side < 0) {
		*why = "neither capture has a whole handshake that tells which is nearer to the client";
		return false;
	}
	*why = "out of memory";
	if (s->n)
		qsort(s->hop, s->n, sizeof(*s->hop), by_key);
	if (!follow(j, &j->up, c, s, true))
		return false;
	if (s->n)
		qsort(s->hop, s->n, sizeof(*s->hop), by_order);
	restart(c);
	restart(s);
	if (c->n)
		qsort(c->hop, c->n, sizeof(*c->hop), by_key);
	if (!follow(j, &j->down, s, c, false))
		return false;
	*why = "the two captures have no segment in common";
	return j->up.arrived + j->down.arrived > 0;
}

void journey_free(struct journey *j)
{
	free(j->lost);
	j->lost = NULL;
}

static const char *file_of(const struct journey *j, bool by_client, const char *first, const char *second)
{
	return by_client == j->first_is_client ? first : second;
}

void journey_print(struct doc *d, const struct journey *j, const char *first, const char *second)
{
	static const char *const head[] = {"direction", "sent", "arrived", "lost on the way", "copies made on the way"};
	const struct way *w[] = {&j->up, &j->down};

	doc_heading(d, 2, "Between the two captures");
	doc_para(d, "%s is the capture nearer to the client, %s the one nearer to the server.",
		 j->first_is_client ? first : second, j->first_is_client ? second : first);
	doc_table(d, head, ARRAY_LEN(head));
	for (int i = 0; i < 2; i++) {
		char n[4][24];
		const uint64_t value[] = {w[i]->sent, w[i]->arrived, w[i]->lost, w[i]->copies};
		const char *cell[] = {i ? "server to client" : "client to server", n[0], n[1], n[2], n[3]};

		for (int k = 0; k < 4; k++)
			snprintf(n[k], sizeof(n[k]), "%" PRIu64, value[k]);
		doc_row(d, cell);
	}
	doc_table_end(d);
	if (j->up.arrived && j->down.arrived) {
		char rtt[48];
		struct text t = {rtt, sizeof(rtt), 0};

		say_ms(&t, j->up.min_delay + j->down.min_delay);
		doc_para(d, "The shortest way there and back between the two points took %s.", rtt);
	}
	for (uint32_t i = 0; i < j->nlost && i < LOST_SHOWN; i++) {
		const struct hop *h = &j->lost[i];

		doc_item(d, "Frame %" PRIu32 " of %s, sequence %" PRIu64 "..%" PRIu64 ", never arrived.", h->frame,
			 file_of(j, h->by_client, first, second), h->lo, h->hi);
	}
	if (j->nlost > LOST_SHOWN)
		doc_item(d, "... and %" PRIu32 " more (all are in the JSON).", j->nlost - LOST_SHOWN);
}

static json_t *json_way(const struct way *w)
{
	return json_pack("{s:I,s:I,s:I,s:I}", "sent", (json_int_t)w->sent, "arrived", (json_int_t)w->arrived, "lost",
			 (json_int_t)w->lost, "copies", (json_int_t)w->copies);
}

json_t *journey_json(const struct journey *j, const char *second)
{
	json_t *lost = json_array(), *rtt = json_null();

	for (uint32_t i = 0; i < j->nlost; i++)
		json_array_append_new(lost, json_pack("{s:i,s:s,s:b,s:[I,I]}", "frame", (int)j->lost[i].frame, "from",
						      j->lost[i].by_client ? "client" : "server", "in_first",
						      j->lost[i].by_client == j->first_is_client, "bytes",
						      (json_int_t)j->lost[i].lo, (json_int_t)j->lost[i].hi));
	if (j->up.arrived && j->down.arrived)
		rtt = json_real((double)(j->up.min_delay + j->down.min_delay) / 1e9);
	return json_pack("{s:o,s:s,s:o,s:o,s:o,s:o}", "with", js_text(second), "first_is", j->first_is_client ? "client" : "server",
			 "client_to_server", json_way(&j->up), "server_to_client", json_way(&j->down), "rtt_min", rtt, "lost",
			 lost);
}
