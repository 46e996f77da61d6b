/* Two ends in memory: what is sent at one end is received at the other, in order, at once. A full
 * end takes no more, which is how a test sees back-pressure. */
#include <stdlib.h>

#include "../base/check.h"
#include "../link.h"

struct pair_end {
	struct link link;
	struct pair_end *peer;   /* NULL once the other end was closed */
	struct list queue;       /* frames that wait for recv */
	uint32_t n, depth;
};

static struct pair_end *of(struct link *l)
{
	return container_of(l, struct pair_end, link);
}

static size_t pair_recv(struct link *l, struct pkt **out, size_t max)
{
	struct pair_end *e = of(l);
	size_t n = 0;

	while (n < max && e->n > 0) {
		out[n++] = list_entry(list_pop_front(&e->queue), struct pkt, node);
		e->n--;
	}
	return n;
}

static size_t pair_send(struct link *l, struct pkt *const *in, size_t n)
{
	struct pair_end *to = of(l)->peer;
	size_t k = 0;

	for (; k < n && (!to || to->n < to->depth); k++) {
		if (!to) {
			l->tx_dropped++;
			pkt_free(in[k]);
			continue;
		}
		list_push_back(&to->queue, &in[k]->node);
		to->n++;
	}
	return k;
}

static void pair_close(struct link *l)
{
	struct pair_end *e = of(l);
	struct list *it;

	while ((it = list_pop_front(&e->queue)) != NULL)
		pkt_free(list_entry(it, struct pkt, node));
	if (e->peer)
		e->peer->peer = NULL;
	free(e);
}

static const struct link_ops pair_ops = {
	.recv = pair_recv,
	.send = pair_send,
	.close = pair_close,
};

bool link_pair(struct pkt_pool *pool, uint32_t depth, uint16_t mtu, uint32_t tso_max,
	       struct link *end[2])
{
	struct pair_end *e[2] = {calloc(1, sizeof(*e[0])), calloc(1, sizeof(*e[1]))};

	(void)pool;
	assert(depth > 0);
	if (!e[0] || !e[1]) {
		free(e[0]);
		free(e[1]);
		return false;
	}
	for (int i = 0; i < 2; i++) {
		e[i]->link.ops = &pair_ops;
		e[i]->link.caps = (struct link_caps){
			.mtu = mtu, .csum_tx = true, .csum_rx = true, .tso_max = tso_max};
		e[i]->peer = e[1 - i];
		e[i]->depth = depth;
		list_init(&e[i]->queue);
		end[i] = &e[i]->link;
	}
	return true;
}
