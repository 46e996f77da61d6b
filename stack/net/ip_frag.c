/* Reassembly (RFC 791 3.2, 815; RFC 8200 4.5, 5722), bounded in every direction.
 *
 * A datagram dies by any overlap, and what still comes of it is dropped until its time is over
 * (RFC 5722 4; we treat IPv4 alike, since every way to resolve an overlap has been an attack). An
 * exact duplicate is ignored. Bounds: DATAGRAMS at once, PARTS each, max_bytes of memory in all;
 * the oldest makes room, so that a flood washes itself out and a whole datagram still gets through
 * (RFC 8504 5.4; CVE-2018-5391). Work per fragment is bounded by DATAGRAMS + PARTS.
 *
 * Tiny fragments (RFC 1858, 3128): the first must hold the whole transport header, and nothing may
 * begin inside it. No honest sender makes such; a filter in front of us may have believed them. */
#include "net.h"

#include <stdlib.h>

#include "../wire/tcp.h"
#include "../wire/udp.h"

#define DATAGRAMS 64
#define PARTS 64            /* 65,535 bytes in 1,280-byte frames need 54 */
#define TIMEOUT4 (30 * SEC) /* RFC 1122 3.3.2 allows 60..120 s; 30 is what the field uses */
#define TIMEOUT6 (60 * SEC) /* RFC 8200 4.5 */
#define TIME_EXCEEDED_REASSEMBLY 1

#define ECN_BIT(tos) (1u << ((tos)&ECN_MASK))

struct part {
	struct pkt *pkt; /* its IP header is at 0 */
	uint32_t off, len;
};

struct datagram {
	struct list age;
	ns_t due;
	uint64_t nth;        /* in order of birth, of both families */
	struct ip_hdr first; /* of the first fragment, once that is there; else of some fragment */
	bool dead;
	uint8_t ecn;          /* ECN_BIT of each fragment */
	uint32_t have, total; /* payload bytes; total 0: the last fragment is not there */
	uint32_t mem;
	uint32_t nparts;
	struct part part[PARTS]; /* sorted, disjoint */
};

struct frag_table {
	struct slab slab;
	struct list age4, age6; /* oldest first; within one, nth and due rise together */
	uint64_t births;
	uint32_t mem, max;
};

static struct list *ages(struct frag_table *t, uint8_t version)
{
	return version == 4 ? &t->age4 : &t->age6;
}

static struct datagram *oldest_of(const struct list *ages_of)
{
	struct list *n = list_first(ages_of);

	return n ? list_entry(n, struct datagram, age) : NULL;
}

/* ---- life and death ---- */

static void drop_parts(struct frag_table *t, struct datagram *d)
{
	for (uint32_t i = 0; i < d->nparts; i++)
		pkt_free(d->part[i].pkt);
	t->mem -= d->mem;
	d->mem = 0;
	d->nparts = 0;
}

static void forget(struct frag_table *t, struct datagram *d)
{
	drop_parts(t, d);
	list_remove(&d->age);
	slab_put(&t->slab, d);
}

static void kill(struct net *net, struct datagram *d)
{
	net->count->frags_overlap++;
	drop_parts(net->frags, d);
	d->dead = true;
}

static bool evict_oldest(struct net *net, const struct datagram *but)
{
	struct frag_table *t = net->frags;
	struct datagram *a = oldest_of(&t->age4), *b = oldest_of(&t->age6);

	if (!a || (b && b->nth < a->nth))
		a = b;
	if (!a || a == but)
		return false;
	net->count->frags_evicted++;
	forget(t, a);
	return true;
}

static bool matches(const struct datagram *d, const struct ip_hdr *h)
{
	return d->first.id == h->id && addr_eq(&d->first.src, &h->src) &&
	       addr_eq(&d->first.dst, &h->dst) && (h->version == 6 || d->first.proto == h->proto);
}

static struct datagram *find(struct frag_table *t, const struct ip_hdr *h)
{
	list_for_each(it, ages(t, h->version))
	{
		struct datagram *d = list_entry(it, struct datagram, age);

		if (matches(d, h))
			return d;
	}
	return NULL;
}

static struct datagram *begin(struct net *net, const struct ip_hdr *h, ns_t now)
{
	struct frag_table *t = net->frags;
	struct datagram *d;

	if (t->slab.used == t->slab.limit)
		evict_oldest(net, NULL);
	d = slab_get(&t->slab);
	if (!d) {
		net->count->no_memory++;
		return NULL;
	}
	d->first = *h;
	d->nth = t->births++;
	d->due = now + (h->version == 4 ? TIMEOUT4 : TIMEOUT6);
	list_push_back(ages(t, h->version), &d->age);
	return d;
}

/* ---- one fragment ---- */

/* A copy without link header, small if it is small: what a device's chunk or a shared one would
 * pin is not in our hands. */
static struct pkt *own_copy(struct net *net, struct pkt *p)
{
	struct pkt *own = NULL;

	if (pkt_linear(p, 0, p->len))
		own = pkt_of_bytes(net->pool, p->data + p->l3_off, p->len - p->l3_off);
	pkt_free(p);
	return own;
}

static uint32_t mem_of(const struct pkt *p)
{
	return (uint32_t)sizeof(*p) + (p->chunk ? p->chunk->cap : 0);
}

static uint32_t transport_header(const struct pkt *p, const struct ip_hdr *h)
{
	switch (h->proto) {
	case PROTO_TCP:
		if (h->payload_len < TCP_LEN)
			return TCP_LEN;
		return (p->data[h->hdr_len + 12] >> 4) * 4u;
	case PROTO_UDP:
		return UDP_LEN;
	case PROTO_ICMP:
	case PROTO_ICMP6:
		return ICMP_LEN;
	default:
		return 0;
	}
}

static bool is_tiny(const struct pkt *p, const struct ip_hdr *h)
{
	if (h->frag_off == 0)
		return h->payload_len < transport_header(p, h);
	return h->proto == PROTO_TCP && h->frag_off < TCP_LEN;
}

enum fit { FITS, DUPLICATE, OVERLAPS };

/* Where a fragment belongs among its siblings: *at is the index of the first one behind it. */
static enum fit fit(const struct datagram *d, const struct ip_hdr *h, const uint8_t *bytes,
		    uint32_t *at)
{
	uint32_t lo = h->frag_off, hi = lo + h->payload_len, i = 0;

	while (i < d->nparts && d->part[i].off < lo)
		i++;
	*at = i;
	if (i < d->nparts && d->part[i].off == lo && d->part[i].len == h->payload_len) {
		const struct pkt *twin = d->part[i].pkt;

		return memcmp(twin->data + twin->len - h->payload_len, bytes, h->payload_len) == 0
			   ? DUPLICATE
			   : OVERLAPS;
	}
	if (i > 0 && d->part[i - 1].off + d->part[i - 1].len > lo)
		return OVERLAPS;
	if (i < d->nparts && d->part[i].off < hi)
		return OVERLAPS;
	return FITS;
}

/* The end that the last fragment names must agree with every other one. */
static bool end_agrees(const struct datagram *d, const struct ip_hdr *h)
{
	uint32_t end = h->frag_off + h->payload_len;
	const struct part *last = d->nparts ? &d->part[d->nparts - 1] : NULL;

	if (h->more_frags)
		return d->total == 0 || end < d->total;
	if (d->total)
		return end == d->total;
	return !last || last->off + last->len <= end;
}

static void insert(struct frag_table *t, struct datagram *d, uint32_t at, struct pkt *p,
		   const struct ip_hdr *h)
{
	memmove(&d->part[at + 1], &d->part[at], (d->nparts - at) * sizeof(d->part[0]));
	d->part[at] = (struct part){p, h->frag_off, h->payload_len};
	d->nparts++;
	d->have += h->payload_len;
	d->mem += mem_of(p);
	t->mem += mem_of(p);
	d->ecn |= (uint8_t)ECN_BIT(h->tos);
	if (!h->more_frags)
		d->total = h->frag_off + h->payload_len;
	if (h->frag_off == 0)
		d->first = *h;
}

/* ---- the whole ---- */

/* RFC 3168 5.3: one mark marks all; marked and not capable together cannot be. */
static bool merge_ecn(struct datagram *d)
{
	if (!(d->ecn & 1u << ECN_CE))
		return true;
	if (d->ecn & 1u << 0)
		return false;
	d->first.tos |= ECN_CE;
	return true;
}

static struct pkt *assemble(struct net *net, struct datagram *d)
{
	uint32_t hdr = d->first.version == 4 ? IP4_LEN : IP6_LEN;
	struct chunk *c = chunk_for(net->pool, hdr + d->total);
	struct ip_hdr h = d->first;

	if (!c)
		return NULL;
	h.frag = h.more_frags = false;
	h.frag_off = 0;
	h.payload_len = d->total;
	if (h.version == 4)
		ip4_emit(c->data, &h);
	else
		ip6_emit(c->data, &h);
	for (uint32_t i = 0; i < d->nparts; i++) {
		const struct part *part = &d->part[i];
		const struct pkt *p = part->pkt;

		memcpy(c->data + hdr + part->off, p->data + p->len - part->len, part->len);
	}
	c->used = hdr + d->total;
	return pkt_of_chunk(net->pool, c, 0, c->used);
}

static struct pkt *complete(struct net *net, struct datagram *d)
{
	struct pkt *p = NULL;

	if (merge_ecn(d)) {
		p = assemble(net, d);
		if (p)
			net->count->reassembled++;
		else
			net->count->no_memory++;
	}
	forget(net->frags, d);
	return p;
}

/* Takes p into d, if it fits; kills d if it contradicts. */
static bool take_part(struct net *net, struct datagram *d, struct pkt *p, const struct ip_hdr *h)
{
	struct frag_table *t = net->frags;
	const uint8_t *bytes = p->data + p->len - h->payload_len;
	enum fit how;
	uint32_t at;

	how = fit(d, h, bytes, &at);
	if (how == OVERLAPS || !end_agrees(d, h) || (how == FITS && d->nparts == PARTS)) {
		kill(net, d);
		return false;
	}
	if (how == DUPLICATE)
		return false;
	while (t->mem + mem_of(p) > t->max)
		if (!evict_oldest(net, d)) {
			kill(net, d);
			return false;
		}
	insert(t, d, at, p, h);
	return true;
}

struct pkt *frag_input(struct net *net, struct pkt *p, const struct ip_hdr *h, ns_t now)
{
	struct datagram *d;

	net->count->frags_in++;
	p = own_copy(net, p);
	if (!p) {
		net->count->no_memory++;
		return NULL;
	}
	if (is_tiny(p, h)) {
		net->count->ip_bad++;
		pkt_free(p);
		return NULL;
	}
	d = find(net->frags, h);
	if (!d)
		d = begin(net, h, now);
	if (!d || d->dead || !take_part(net, d, p, h)) {
		pkt_free(p);
		return NULL;
	}
	return d->have == d->total ? complete(net, d) : NULL;
}

/* ---- time ---- */

/* RFC 792 and RFC 4443 3.3: said only when the first fragment is there, which names the flow. */
static void time_out(struct net *net, struct datagram *d, ns_t now)
{
	uint8_t type = d->first.version == 4 ? ICMP4_TIME_EXCEEDED : ICMP6_TIME_EXCEEDED;

	net->count->frags_timeout++;
	if (d->nparts && d->part[0].off == 0)
		icmp_error(net, d->part[0].pkt, &d->first, type, TIME_EXCEEDED_REASSEMBLY, 0, now);
	forget(net->frags, d);
}

static void expire(struct net *net, struct list *ages_of, ns_t now)
{
	struct datagram *d;

	while ((d = oldest_of(ages_of)) != NULL && d->due <= now)
		time_out(net, d, now);
}

void frag_advance(struct net *net, ns_t now)
{
	expire(net, &net->frags->age4, now);
	expire(net, &net->frags->age6, now);
}

ns_t frag_deadline(const struct net *net)
{
	const struct datagram *a = oldest_of(&net->frags->age4), *b = oldest_of(&net->frags->age6);

	return ns_min(a ? a->due : NS_NEVER, b ? b->due : NS_NEVER);
}

uint32_t frag_bytes(const struct net *net)
{
	return net->frags->mem;
}

int frag_init(struct net *net, uint32_t max_bytes)
{
	struct frag_table *t = calloc(1, sizeof(*t));

	if (!t)
		return ERR_NOMEM;
	slab_init(&t->slab, sizeof(struct datagram), DATAGRAMS);
	list_init(&t->age4);
	list_init(&t->age6);
	t->max = max_bytes;
	net->frags = t;
	return 0;
}

void frag_flush(struct net *net)
{
	struct frag_table *t = net->frags;
	struct datagram *d;

	while ((d = oldest_of(&t->age4)) != NULL || (d = oldest_of(&t->age6)) != NULL)
		forget(t, d);
}

void frag_free(struct net *net)
{
	struct frag_table *t = net->frags;

	if (!t)
		return;
	frag_flush(net);
	slab_free(&t->slab);
	free(t);
	net->frags = NULL;
}
