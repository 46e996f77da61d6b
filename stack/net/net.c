/* What the files of net/ share: creation, the doors' halves below transport, the addresses we own,
 * and the one output queue.
 *
 * Invariants: `nout` is the number of frames that the queue will give (a send unit counts as its
 * segments). Control frames (ARP, ND, ICMP) are refused beyond OUT_MAX, so that a driver which does
 * not drain the queue cannot make it grow; transport asks net_queue_full first. */
#include "net.h"

#include "../wire/tcp.h"

#include <string.h>

/* A device's worth: TCP stops making units here. 512 frames of 1,500 bytes are 6 ms at 1 Gbit/s. */
#define OUT_FULL 512
#define OUT_MAX 4096

#define HOP_LIMIT 64 /* RFC 1700; routers may say more */

/* ---- addresses ---- */

struct net_addr *net_find_addr(struct net *net, const struct addr *a)
{
	for (int i = 0; i < net->naddrs; i++)
		if (addr_eq(&net->addr[i].addr, a))
			return &net->addr[i];
	return NULL;
}

bool net_is_ours(const struct net *net, const struct addr *a)
{
	for (int i = 0; i < net->naddrs; i++)
		if (addr_eq(&net->addr[i].addr, a))
			return net->addr[i].state == ADDR_VALID;
	return false;
}

struct net_addr *net_add_addr(struct net *net, const struct addr *a, uint8_t prefix, ns_t now)
{
	struct net_addr *n;

	if (net->naddrs == STACK_ADDRS)
		return NULL;
	n = &net->addr[net->naddrs++];
	*n = (struct net_addr){.addr = *a,
			       .prefix = prefix,
			       .state = ADDR_VALID,
			       .next_probe = NS_NEVER,
			       .valid_until = NS_NEVER,
			       .defend_after = now};
	if (net->probe_first) {
		/* RFC 5227 2.1.1 PROBE_WAIT and RFC 4862 5.4.2 MAX_RTR_SOLICITATION_DELAY: hosts
		 * that were switched on together must not speak together. */
		n->state = ADDR_TENTATIVE;
		n->next_probe = now + rng_below(&net->rng, (uint32_t)SEC);
	}
	return n;
}

bool net_prefix_eq(const struct addr *a, const struct addr *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a->b, b->b, whole) != 0)
		return false;
	return rest == 0 || ((a->b[whole] ^ b->b[whole]) >> (8 - rest)) == 0;
}

/* ---- the queue ---- */

static uint32_t frames_of(const struct pkt *p)
{
	return p->gso_size && p->gso_segs ? p->gso_segs : 1;
}

void net_queue(struct net *net, struct pkt *p)
{
	if (net->nout >= OUT_MAX) {
		net->count->no_memory++;
		pkt_free(p);
		return;
	}
	net->nout += frames_of(p);
	list_push_back(&net->out, &p->node);
}

bool net_queue_full(const struct net *net)
{
	return net->nout > OUT_FULL;
}

/* The link takes the unit as it is. IPv4 cannot say a length beyond 65,535. */
static bool link_takes(const struct net *net, const struct pkt *p)
{
	uint32_t ip_len = p->len - p->l3_off;

	return ip_len <= net->link.tso_max && ip_len <= 65535;
}

/* The next frame in order; a unit that the link cannot take is replaced by its frames first. */
static struct pkt *next_frame(struct net *net)
{
	struct list *n;

	while ((n = list_pop_front(&net->cut)) == NULL) {
		struct pkt *p;

		n = list_pop_front(&net->out);
		if (!n)
			return NULL;
		p = list_entry(n, struct pkt, node);
		net->nout -= frames_of(p);
		if (!p->gso_size || link_takes(net, p))
			return p;
		gso_cut(net, p);
	}
	net->nout--;
	return list_entry(n, struct pkt, node);
}

size_t net_output(struct net *net, ns_t now, struct pkt **out, size_t max)
{
	size_t n = 0;

	(void)now;
	while (n < max && (out[n] = next_frame(net)) != NULL)
		n++;
	return n;
}

static void queue_free(struct list *q)
{
	struct list *n;

	while ((n = list_pop_front(q)) != NULL)
		pkt_free(list_entry(n, struct pkt, node));
}

/* ---- the doors ---- */

bool pkt_linear(struct pkt *p, uint32_t from, uint32_t n)
{
	if (p->head_len >= from && p->head_len - from >= n)
		return true;
	if (p->len < from || p->len - from < n)
		return false;
	return pkt_unshare(p);
}

void net_input(struct net *net, struct pkt *p, ns_t now, struct net_in *in)
{
	in->what = NET_NOTHING;
	in->pkt = NULL;
	ether_input(net, p, now, in);
}

void net_advance(struct net *net, ns_t now)
{
	neigh_advance(net, now);
	arp_advance(net, now);
	frag_advance(net, now);
	slaac_advance(net, now);
}

bool net_unreached(struct net *net, struct net_in *in)
{
	struct list *n;

	while ((n = list_pop_front(&net->unreached)) != NULL) {
		struct pkt *p = list_entry(n, struct pkt, node);
		struct ip_hdr ip;
		struct seg g;
		uint32_t problem;
		uint8_t code;
		bool v4 = p->data[0] >> 4 == 4;

		net->nunreached--;
		bool ok = v4 ? ip4_parse(p->data, p->len, &ip, false) == IP_OK
			     : ip6_parse(p->data, p->len, &ip, &problem, &code) == IP_OK;

		ok = ok && ip.proto == PROTO_TCP && tcp_parse(p->data + ip.hdr_len, p->head_len - ip.hdr_len, &g);
		pkt_free(p);
		if (!ok)
			continue;
		*in = (struct net_in){.what = NET_TCP_ERROR, .error = NET_ERR_NEIGHBOUR};
		in->inner = (struct icmp_inner){.src = ip.src,
						.dst = ip.dst,
						.proto = PROTO_TCP,
						.sport = g.sport,
						.dport = g.dport,
						.seq = g.seq.v,
						.has_seq = true};
		return true;
	}
	return false;
}

ns_t net_deadline(const struct net *net)
{
	ns_t due = ns_min(neigh_deadline(net), arp_deadline(net));

	return ns_min(due, ns_min(frag_deadline(net), slaac_deadline(net)));
}

void net_flush(struct net *net)
{
	frag_flush(net);
	neigh_flush(net);
}

int net_init(struct net *net, const struct stack_config *cfg, struct stack_counters *count)
{
	memset(net, 0, sizeof(*net));
	net->pool = cfg->pool;
	net->count = count;
	net->link = cfg->link;
	net->mac = cfg->mac;
	net->hop_limit = HOP_LIMIT;
	net->probe_first = cfg->arp_probe;
	net->auto6 = cfg->ip6_auto;
	net->next_rs = NS_NEVER;
	net->icmp_stamp = cfg->now - SEC; /* a full bucket */
	list_init(&net->out);
	list_init(&net->cut);
	list_init(&net->unreached);
	rng_init(&net->rng, cfg->seed, "net");
	siphash_key_draw(&net->secret, &net->rng);
	for (int i = 0; i < cfg->naddrs; i++)
		net_add_addr(net, &cfg->addr[i].addr, cfg->addr[i].prefix, cfg->now);
	memcpy(net->route, cfg->route, sizeof(net->route));
	net->nroutes = cfg->nroutes;
	if (neigh_init(net, cfg->max_neigh, cfg->now) < 0)
		return ERR_NOMEM;
	if (frag_init(net, cfg->max_frag_bytes) < 0) {
		neigh_free(net);
		return ERR_NOMEM;
	}
	slaac_init(net, cfg->now);
	return 0;
}

void net_free(struct net *net)
{
	queue_free(&net->cut);
	queue_free(&net->out);
	queue_free(&net->unreached);
	frag_free(net);
	neigh_free(net);
}
