/* See frag.h. A packet is whole when its end is known and no byte below it is missing; it is judged as of
 * the frame that made it so, as viewers do. Pieces that overlap count once. */
#include "frag.h"

#include "../stack/base/seqset.h"
#include "../stack/wire/ip.h"

#include <stdlib.h>
#include <string.h>

#define TIMEOUT (60 * SEC) /* RFC 8200 4.5; the identification may come round after that */
#define PACKET_MAX 65535

struct packet {
	struct addr src, dst;
	uint32_t id;
	uint8_t proto;
	bool used, has_end, has_front;
	struct seqset seen;
	uint32_t end, front;   /* of the packet's payload; bytes kept at its front */
	uint64_t frame;        /* its first piece */
	ns_t at;
	struct dissected d;    /* of the first fragment: what its IP header said */
	uint8_t bytes[FRAG_FRONT];
};

struct frags {
	struct packet packet[FRAGS_MAX];
};

struct frags *frags_new(void)
{
	struct frags *f = calloc(1, sizeof(*f));

	for (int i = 0; f && i < FRAGS_MAX; i++)
		seqset_init(&f->packet[i].seen, FRAG_PIECES);
	return f;
}

static void drop(struct packet *k)
{
	seqset_clear(&k->seen);
	k->used = k->has_end = k->has_front = false;
	k->front = 0;
}

void frags_free(struct frags *f)
{
	for (int i = 0; f && i < FRAGS_MAX; i++)
		seqset_free(&f->packet[i].seen);
	free(f);
}

static bool is_of(const struct packet *k, const struct dissected *d, ns_t at)
{
	return k->used && k->id == d->frag.id && k->proto == d->frag.proto && addr_eq(&k->src, &d->src) &&
	       addr_eq(&k->dst, &d->dst) && at - k->at < TIMEOUT;
}

/* The packet that this is a piece of; a new one takes the place of the oldest. */
static struct packet *packet_of(struct frags *f, const struct dissected *d, const struct reader_pkt *p,
				uint64_t *lost)
{
	struct packet *oldest = &f->packet[0];

	for (int i = 0; i < FRAGS_MAX; i++) {
		struct packet *k = &f->packet[i];

		if (is_of(k, d, p->at))
			return k;
		if (oldest->used && (!k->used || k->frame < oldest->frame))
			oldest = k;
	}
	if (oldest->used && oldest->proto == PROTO_TCP)
		*lost = oldest->frame;
	drop(oldest);
	oldest->used = true;
	oldest->src = d->src;
	oldest->dst = d->dst;
	oldest->id = d->frag.id;
	oldest->proto = d->frag.proto;
	oldest->frame = p->frame;
	oldest->at = p->at;
	return oldest;
}

static void keep_front(struct packet *k, const struct dissected *d)
{
	const struct dissect_fragment *g = &d->frag;
	uint32_t n = g->have < FRAG_FRONT - g->off ? g->have : FRAG_FRONT - g->off;

	if (g->off != k->front && g->off) /* the front is kept as far as it has no gap */
		return;
	memcpy(k->bytes + g->off, g->bytes, n);
	if (g->off + n > k->front)
		k->front = g->off + n;
}

bool frags_add(struct frags *f, struct dissected *d, const struct reader_pkt *p, enum dissect_result *result,
	       uint64_t *lost)
{
	const struct dissect_fragment g = d->frag;
	struct packet *k;

	*lost = 0;
	if (g.len == 0 || g.off + g.len > PACKET_MAX)
		return false;
	k = packet_of(f, d, p, lost);
	if (!seqset_add(&k->seen, seq_of(g.off), seq_of(g.off + g.len)))
		return false;
	if (g.off < FRAG_FRONT)
		keep_front(k, d);
	if (g.off == 0) {
		k->d = *d;
		k->has_front = true;
	}
	if (!g.more) {
		k->has_end = true;
		k->end = g.off + g.len;
	}
	if (!k->has_end || !k->has_front || !seqset_has(&k->seen, seq_of(0), seq_of(k->end)))
		return false;
	*d = k->d;
	*result = dissect_payload(g.proto, k->bytes, k->front < k->end ? k->front : k->end, k->end, d);
	drop(k);
	return true;
}

uint64_t frags_left(struct frags *f)
{
	struct packet *first = NULL;
	uint64_t frame;

	for (int i = 0; i < FRAGS_MAX; i++) {
		struct packet *k = &f->packet[i];

		if (k->used && k->proto == PROTO_TCP && (!first || k->frame < first->frame))
			first = k;
	}
	if (!first)
		return 0;
	frame = first->frame;
	drop(first);
	return frame;
}
