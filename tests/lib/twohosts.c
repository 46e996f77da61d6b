/* See twohosts.h. Frames are delivered in the order of (time, number), each with a turn of its own,
 * as in the simulator. */
#include "twohosts.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../stack/wire/csum.h"
#include "../../stack/wire/eth.h"

bool frame_seg(const struct pkt *p, struct seg *g)
{
	struct eth_hdr eth;
	struct ip_hdr ip;
	uint32_t problem;
	uint8_t code;

	if (!eth_parse(p->data, p->head_len, &eth))
		return false;
	const uint8_t *at = p->data + eth.hdr_len;
	size_t len = p->len - eth.hdr_len;

	if (eth.type == ETH_IP4 ? ip4_parse(at, len, &ip, false) != IP_OK
				: eth.type != ETH_IP6 || ip6_parse(at, len, &ip, &problem, &code) != IP_OK)
		return false;
	if (ip.proto != PROTO_TCP || !tcp_parse(at + ip.hdr_len, p->head_len - eth.hdr_len - ip.hdr_len, g))
		return false;
	g->len = ip.payload_len - g->hdr_len;
	return true;
}

struct twohosts *twohosts_new(uint64_t seed, const struct tcp_config *client, const struct tcp_config *server)
{
	struct twohosts *w = calloc(1, sizeof(*w));

	pkt_pool_init(&w->pool, 0, 0);
	w->delay = 10 * MS;
	for (int i = 0; i < 2; i++) {
		struct stack_config cfg;

		stack_config_default(&cfg);
		cfg.seed = seed * 2 + (uint64_t)i;
		cfg.pool = &w->pool;
		cfg.link = (struct link_caps){.mtu = 1500};
		cfg.mac = (struct mac){{2, 0, 0, 0, 0, (uint8_t)(i + 1)}};
		w->addr[i] = addr_v4(0x0a000001u + (uint32_t)i);
		cfg.addr[0] = (struct stack_addr){w->addr[i], 24};
		cfg.naddrs = 1;
		if (i == 0 ? client != NULL : server != NULL)
			cfg.tcp = i == 0 ? *client : *server;
		w->stack[i] = stack_new(&cfg);
		assert(w->stack[i]);
	}
	return w;
}

void twohosts_free(struct twohosts *w)
{
	for (size_t i = 0; i < w->nair; i++)
		pkt_free(w->air[i].pkt);
	for (int i = 0; i < 2; i++)
		stack_free(w->stack[i]);
	pkt_pool_free(&w->pool);
	free(w->air);
	free(w);
}

static void put_on_wire(struct twohosts *w, int from, struct pkt *p, ns_t at)
{
	if (!p)
		return;
	if (w->nair == w->cap_air) {
		w->cap_air = w->cap_air ? w->cap_air * 2 : 64;
		w->air = realloc(w->air, w->cap_air * sizeof(*w->air));
	}
	w->air[w->nair++] = (struct flight){p, at, w->frames++, !from};
}

static void onto_wire(struct twohosts *w, int from, struct pkt *p)
{
	struct seg g;
	bool is_tcp = frame_seg(p, &g);

	if (is_tcp) {
		w->segs[from]++;
		w->data_segs[from] += g.len > 0;
	}
	if (w->wire && w->wire(w, from, p, is_tcp ? &g : NULL, w->now)) {
		w->lost++;
		pkt_free(p);
		return;
	}
	ns_t start = w->now, late = 0;
	bool twice = false;

	if (w->rate) {
		start = ns_max(w->now, w->busy_until[from]) + (ns_t)p->len * SEC / (ns_t)w->rate;
		w->busy_until[from] = start;
	}
	if (w->mess && !p->gso_size) {
		csum_complete(p);
		p->csum = CSUM_UNKNOWN;
		late = w->mess(w, from, p, &twice);
	}
	if (twice)
		put_on_wire(w, from, pkt_dup(p), start + w->delay + late * 2);
	put_on_wire(w, from, p, start + w->delay + late);
}

static void turn(struct twohosts *w, int i, struct pkt *in)
{
	struct pkt *out[16];
	size_t n;
	char why[200];

	if (in)
		stack_input(w->stack[i], in, w->now);
	stack_advance(w->stack[i], w->now);
	for (int k = 0; w->app && w->app(w) && k < 64; k++)
		;
	for (int k = 0; k < 2; k++) {
		int side = k ? !i : i;

		stack_advance(w->stack[side], w->now);
		do {
			n = stack_output(w->stack[side], w->now, out, 16);
			for (size_t j = 0; j < n; j++)
				onto_wire(w, side, out[j]);
		} while (n == 16);
		if (!stack_check(w->stack[side], why, sizeof(why))) {
			fprintf(stderr, "invariant broken at %.6f s: %s\n", (double)w->now / 1e9, why);
			abort();
		}
	}
}

void twohosts_run(struct twohosts *w, ns_t until)
{
	turn(w, 0, NULL);
	turn(w, 1, NULL);
	for (;;) {
		ns_t next = ns_min(stack_deadline(w->stack[0]), stack_deadline(w->stack[1]));
		size_t first = SIZE_MAX;

		for (size_t i = 0; i < w->nair; i++)
			if (first == SIZE_MAX || w->air[i].at < w->air[first].at ||
			    (w->air[i].at == w->air[first].at && w->air[i].number < w->air[first].number))
				first = i;
		if (first != SIZE_MAX && w->air[first].at <= next) {
			struct flight f = w->air[first];

			if (f.at > until)
				break;
			w->air[first] = w->air[--w->nair];
			w->now = ns_max(w->now, f.at);
			turn(w, f.to, f.pkt);
			continue;
		}
		if (next == NS_NEVER || next > until)
			break;
		w->now = ns_max(w->now, next);
		turn(w, stack_deadline(w->stack[0]) <= w->now ? 0 : 1, NULL);
	}
	w->now = ns_max(w->now, until == NS_NEVER ? w->now : until);
	turn(w, 0, NULL);
}

bool twohosts_connect(struct twohosts *w)
{
	struct addr any = {{0}};
	struct sock_info a, b;

	w->listener = sock_open(w->stack[1]);
	if (sock_bind(w->stack[1], w->listener, &any, 80) || sock_listen(w->stack[1], w->listener, 8))
		return false;
	w->client = sock_open(w->stack[0]);
	if (sock_connect(w->stack[0], w->client, &w->addr[1], 80))
		return false;
	for (ns_t end = w->now + 10 * SEC; w->now < end && !w->server;) {
		twohosts_run(w, w->now + w->delay);
		w->server = sock_accept(w->stack[1], w->listener);
	}
	return w->server && !sock_info(w->stack[0], w->client, &a) && !sock_info(w->stack[1], w->server, &b) &&
	       a.state == TCP_ESTABLISHED && b.state == TCP_ESTABLISHED;
}

/* ---- an application ---- */

static uint8_t pattern(uint64_t pos)
{
	return (uint8_t)(pos * 131 + (pos >> 8) * 31 + 7);
}

static bool bulk_send(struct twohosts *w, int side, sock_t s)
{
	struct bulk *b = &w->bulk[side];
	uint8_t buf[4096];
	bool moved = false;

	while (b->sent < b->goal) {
		size_t n = b->goal - b->sent < sizeof(buf) ? (size_t)(b->goal - b->sent) : sizeof(buf);

		for (size_t k = 0; k < n; k++)
			buf[k] = pattern(b->sent + k);
		int64_t took = sock_send(w->stack[side], s, buf, n);

		if (took <= 0)
			return moved;
		b->sent += (uint64_t)took;
		moved = true;
	}
	if (b->fin && !b->shut) {
		sock_shutdown(w->stack[side], s);
		b->shut = moved = true;
	}
	return moved;
}

static bool bulk_recv(struct twohosts *w, int side, sock_t s)
{
	struct bulk *b = &w->bulk[!side];
	uint8_t buf[4096];
	bool moved = false;
	int64_t n;

	while ((n = sock_recv(w->stack[side], s, buf, sizeof(buf))) > 0) {
		for (int64_t k = 0; k < n; k++)
			w->wrong |= buf[k] != pattern(b->got + (uint64_t)k);
		b->got += (uint64_t)n;
		moved = true;
	}
	return moved;
}

bool twohosts_bulk(struct twohosts *w)
{
	bool moved = false;

	for (int side = 0; side < 2; side++) {
		sock_t s = side ? w->server : w->client;

		if (!s || (!w->server && !w->early))
			continue;
		moved |= bulk_send(w, side, s);
		moved |= bulk_recv(w, side, s);
	}
	return moved;
}
