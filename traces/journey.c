/* See journey.h. A segment's key is made of its numbers, flags, length, options and IP
 * identification. Segments that a host's capture shows before the device cut them, or after it merged
 * them, are cut here, as the device does: PSH, which then stands on the last, is no part of the key.
 * Where several have one key (true copies, or pure ACKs alike) they are matched in their order.
 * Connections that one of the captures lacks are left out. What was sent before the other capture began,
 * or after it ended, is not called lost. */
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

static uint64_t key_of(const struct dissected *d, uint32_t skip, uint32_t len, uint16_t ipid, bool is_last)
{
	const struct seg *g = &d->seg;
	const uint16_t flags = g->flags & (uint16_t)~TH_PSH;
	uint64_t h = mix(g->seq.v + skip, (uint64_t)g->ack.v << 32 | len);

	h = mix(h, (uint64_t)(is_last ? flags : flags & ~TH_FIN) << 32 | (uint64_t)ipid << 16 | g->wnd);
	if (g->opt.has_ts)
		h = mix(h, (uint64_t)g->opt.ts_val << 32 | g->opt.ts_ecr);
	for (int i = 0; i < g->opt.nsack; i++)
		h = mix(h, (uint64_t)g->opt.sack[i].lo.v << 32 | g->opt.sack[i].hi.v);
	return h;
}

static struct hop *hop_new(struct hops *l)
{
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
		return NULL;
	}
	return &l->hop[l->n];
}

/* Payload bytes of one segment on the wire, as far as the handshake tells; else no limit. */
static uint32_t wire_size(const struct seg_view *v)
{
	const struct tcp_opts *mine = &v->conn->half[v->side].syn_opt, *peer = &v->conn->half[!v->side].syn_opt;
	const uint32_t stamps = mine->has_ts && peer->has_ts ? 12 : 0;

	return peer->has_mss && peer->mss > 2 * stamps ? peer->mss - stamps : UINT32_MAX;
}

void hops_add(void *arg, const struct seg_view *v)
{
	const uint32_t size = wire_size(v), len = v->d->seg.len;
	uint32_t at = 0;
	uint16_t ipid = v->d->ipid;

	do {
		const uint32_t n = len - at < size ? len - at : size;
		const bool is_last = at + n == len;
		struct hop *h = hop_new(arg);

		if (!h)
			return;
		*h = (struct hop){
			.key = key_of(v->d, at, n, ipid, is_last),
			.at = v->pkt->at,
			.lo = v->lo + at,
			.hi = is_last ? v->hi : v->lo + at + n,
			.frame = (uint32_t)v->pkt->frame,
			.order = ((struct hops *)arg)->n,
			.conn = v->conn->id,
			.by_client = v->side == v->conn->client,
		};
		((struct hops *)arg)->n++;
		at += n;
		ipid += ipid != 0;
	} while (at < len);
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

/* Marks the hops of this direction in both lists that are one segment; `to` is sorted by key. */
static void match(struct hops *from, struct hops *to, bool by_client, bool *from_has, bool *to_has)
{
	for (uint32_t i = 0; i < from->n; i++) {
		struct hop *h = &from->hop[i], *arrived = h->by_client == by_client ? take(to, h) : NULL;

		if (!arrived)
			continue;
		h->taken = true;
		h->arrived_at = arrived->at;
		from_has[h->conn] = to_has[arrived->conn] = true;
	}
}

/* One direction: `from` is where it is sent, in order. Only connections that both captures have count. */
static bool follow(struct journey *j, struct way *w, const struct hops *from, const struct hops *to, bool by_client,
		   const bool *from_has, const bool *to_has)
{
	uint32_t first = UINT32_MAX, last = 0, n = 0;

	w->min_delay = INT64_MAX;
	for (uint32_t i = 0; i < from->n; i++) {
		const struct hop *h = &from->hop[i];

		if (h->by_client != by_client || !from_has[h->conn])
			continue;
		w->sent++;
		if (!h->taken)
			continue;
		w->arrived++;
		w->min_delay = ns_min(w->min_delay, h->arrived_at - h->at);
		first = first < i ? first : i;
		last = i;
	}
	for (uint32_t i = 0; i < to->n; i++)
		w->copies += to->hop[i].by_client == by_client && !to->hop[i].taken && to_has[to->hop[i].conn];
	for (uint32_t i = first; i <= last && first != UINT32_MAX; i++)
		n += from->hop[i].by_client == by_client && !from->hop[i].taken && from_has[from->hop[i].conn];
	w->lost = n;
	if (n) {
		struct hop *list = realloc(j->lost, (j->nlost + n) * sizeof(*list));

		if (!list)
			return false;
		j->lost = list;
		for (uint32_t i = first; i <= last; i++)
			if (from->hop[i].by_client == by_client && !from->hop[i].taken && from_has[from->hop[i].conn])
				j->lost[j->nlost++] = from->hop[i];
	}
	return true;
}

static void sort(struct hops *l, int (*by)(const void *, const void *))
{
	if (l->n)
		qsort(l->hop, l->n, sizeof(*l->hop), by);
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

static uint32_t count_false(const bool *has, uint32_t n)
{
	uint32_t k = 0;

	for (uint32_t i = 0; i < n; i++)
		k += !has[i];
	return k;
}

static bool join(struct journey *j, struct hops *c, struct hops *s, uint32_t nc, uint32_t ns)
{
	bool *has = calloc((size_t)nc + ns + 1, sizeof(*has)), *c_has = has, *s_has;
	bool ok;

	if (!has)
		return false;
	s_has = has + nc;
	sort(s, by_key);
	match(c, s, true, c_has, s_has);
	sort(s, by_order);
	sort(c, by_key);
	match(s, c, false, s_has, c_has);
	sort(c, by_order);
	ok = follow(j, &j->up, c, s, true, c_has, s_has) && follow(j, &j->down, s, c, false, s_has, c_has);
	j->apart = count_false(has, nc + ns);
	free(has);
	return ok;
}

bool journey_join(struct journey *j, struct hops *first, const struct analysis *a, struct hops *second,
		  const struct analysis *b, const char **why)
{
	const int side = client_side(a, b);
	const bool is_first = side == 0;

	*j = (struct journey){.near_client = is_first ? first : second, .near_server = is_first ? second : first,
			      .first_is_client = is_first, .left_out = first->left_out + second->left_out};
	if (side < 0) {
		*why = "neither capture has a whole handshake that tells which is nearer to the client";
		return false;
	}
	*why = "out of memory";
	if (!join(j, is_first ? first : second, is_first ? second : first, is_first ? a->nconns : b->nconns,
		  is_first ? b->nconns : a->nconns))
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
	if (j->apart)
		doc_para(d, "%" PRIu32 " connection%s in one of the captures only, and %s left out.", j->apart,
			 j->apart == 1 ? " is" : "s are", j->apart == 1 ? "is" : "are");
	if (j->left_out)
		doc_para(d, "%" PRIu64 " segments more were left out: at most %u of a capture are compared.", j->left_out, HOPS_MAX);
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
