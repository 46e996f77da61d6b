/* IP out: the next hop, the source address, the header, fragments of what is ours and too large.
 *
 * Routes (RFC 1122 3.3.1): a destination under the prefix of one of our addresses is on the link,
 * else the longest matching route decides, else (IPv6) the first router that announced itself. What
 * has no route is dropped and counted; so is what we would send to ourselves: nothing loops here,
 * and a land attack finds no way back (RFC 1122 3.2.1.3 (g)).
 *
 * Identification (RFC 6864, 7739): the flow's own counter, or drawn; never one counter for all,
 * which would tell a stranger how much we send. */
#include "net.h"

#include "../wire/csum.h"

#define DEFAULT_TTL 64 /* RFC 1700 */
#define PROTO_FRAGMENT 44
#define IP6_MIN_MTU 1280 /* RFC 8200 5 */

/* ---- kinds of addresses ---- */

bool addr_is_multicast(const struct addr *a)
{
	return addr_is_v4(a) ? (a->b[12] & 0xf0) == 0xe0 : a->b[0] == 0xff;
}

bool addr_is_link_local(const struct addr *a)
{
	return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

static bool is_loopback(const struct addr *a)
{
	static const struct addr one = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

	return addr_is_v4(a) ? a->b[12] == 127 : addr_eq(a, &one);
}

static bool same_family(const struct addr *a, const struct addr *b)
{
	return addr_is_v4(a) == addr_is_v4(b);
}

static bool under(const struct addr *a, const struct addr *net, uint8_t prefix)
{
	return same_family(a, net) && net_prefix_eq(a, net, prefix + (addr_is_v4(net) ? 96u : 0u));
}

/* The host part all ones, or all zeros as in 4.2BSD (RFC 1122 3.3.6). /31 and /32 have none. */
static bool is_subnet_broadcast(const struct net_addr *n, uint32_t a)
{
	uint32_t host_mask;

	if (!addr_is_v4(&n->addr) || n->prefix > 30)
		return false;
	host_mask = n->prefix ? UINT32_MAX >> n->prefix : UINT32_MAX;
	if ((a ^ addr_to_v4(&n->addr)) & ~host_mask)
		return false;
	return (a & host_mask) == host_mask || (a & host_mask) == 0;
}

bool net_is_broadcast(const struct net *net, const struct addr *a)
{
	uint32_t v;

	if (!addr_is_v4(a))
		return false;
	v = addr_to_v4(a);
	if (v == UINT32_MAX)
		return true;
	for (int i = 0; i < net->naddrs; i++)
		if (is_subnet_broadcast(&net->addr[i], v))
			return true;
	return false;
}

/* ---- routes ---- */

bool net_on_link(const struct net *net, const struct addr *a)
{
	if (!addr_is_v4(a) && addr_is_link_local(a))
		return true;
	for (int i = 0; i < net->naddrs; i++)
		if (under(a, &net->addr[i].addr, net->addr[i].prefix))
			return true;
	return false;
}

static const struct stack_route *longest_match(const struct net *net, const struct addr *dst)
{
	const struct stack_route *best = NULL;

	for (int i = 0; i < net->nroutes; i++) {
		const struct stack_route *r = &net->route[i];

		if (!same_family(dst, &r->via) || (best && best->prefix >= r->prefix))
			continue;
		if (r->prefix == 0 || under(dst, &r->dst, r->prefix)) /* 0: :: says 0.0.0.0, too */
			best = r;
	}
	return best;
}

/* False for what can be nobody's unicast address, and for our own. */
static bool can_be_reached(const struct net *net, const struct addr *a)
{
	if (addr_is_any(a) || is_loopback(a) || addr_is_multicast(a) || net_is_broadcast(net, a))
		return false;
	if (addr_is_v4(a) && (a->b[12] == 0 || a->b[12] >= 240))
		return false;
	for (int i = 0; i < net->naddrs; i++)
		if (addr_eq(&net->addr[i].addr, a) && net->addr[i].state != ADDR_DUPLICATE)
			return false;
	return true;
}

static bool next_hop(const struct net *net, const struct addr *dst, struct addr *next)
{
	const struct stack_route *r;

	if (!can_be_reached(net, dst))
		return false;
	if (net_on_link(net, dst)) {
		*next = *dst;
		return true;
	}
	r = longest_match(net, dst);
	if (r) {
		*next = r->via;
		return true;
	}
	if (addr_is_v4(dst) || net->nrouters == 0)
		return false;
	*next = net->router[0].via;
	return true;
}

/* RFC 6724, as much as one link needs: the scope of the destination, then the prefix shared with
 * the next hop, then the order of configuration. */
static int source_rank(const struct net_addr *n, const struct addr *dst, const struct addr *next)
{
	int rank = 1;

	if (!addr_is_v4(dst) && addr_is_link_local(&n->addr) == addr_is_link_local(dst))
		rank += 4;
	if (under(dst, &n->addr, n->prefix))
		rank += 2;
	if (under(next, &n->addr, n->prefix))
		rank += 1;
	return rank;
}

bool net_route(const struct net *net, const struct addr *dst, struct addr *src)
{
	struct addr next;
	int best = 0;

	if (!next_hop(net, dst, &next))
		return false;
	for (int i = 0; i < net->naddrs; i++) {
		const struct net_addr *n = &net->addr[i];
		int rank;

		if (n->state != ADDR_VALID || !same_family(&n->addr, dst))
			continue;
		rank = source_rank(n, dst, &next);
		if (rank > best) {
			best = rank;
			*src = n->addr;
		}
	}
	return best > 0;
}

uint16_t net_mtu(const struct net *net, const struct addr *dst)
{
	if (!addr_is_v4(dst) && net->ip6_mtu >= IP6_MIN_MTU && net->ip6_mtu < net->link.mtu)
		return net->ip6_mtu;
	return net->link.mtu;
}

/* Called for each segment of a bulk flow: once a second is enough, and one comparison cheap. */
void net_confirm(struct net *net, const struct addr *dst, ns_t now)
{
	struct addr next;

	if (now < net->confirm_again && addr_eq(dst, &net->confirmed))
		return;
	net->confirmed = *dst;
	net->confirm_again = now + SEC;
	if (next_hop(net, dst, &next))
		neigh_confirm(net, &next, now);
}

void net_doubt(struct net *net, const struct addr *dst)
{
	struct addr next;

	if (next_hop(net, dst, &next))
		neigh_doubt(net, &next);
}

/* ---- sending ---- */

static uint32_t segments_of(const struct pkt *p)
{
	uint32_t hdr, payload;

	if (!p->gso_size)
		return 1;
	hdr = p->data[12] >> 4 << 2; /* TCP's data offset */
	payload = p->len > hdr ? p->len - hdr : 0;
	return payload ? (payload + p->gso_size - 1) / p->gso_size : 1;
}

static uint16_t take_id(struct net *net, const struct net_dst *d, uint32_t n)
{
	uint16_t id;

	if (!d->ip_id)
		return (uint16_t)rng_u32(&net->rng);
	id = *d->ip_id;
	*d->ip_id = (uint16_t)(id + n);
	return id;
}

static void push_header(struct pkt *p, struct ip_hdr *h)
{
	bool v4 = h->version == 4;

	h->payload_len = p->len;
	h->hdr_len = v4 ? IP4_LEN : IP6_LEN;
	if (v4)
		ip4_emit(pkt_push(p, IP4_LEN), h);
	else
		ip6_emit(pkt_push(p, IP6_LEN), h);
	p->l3_off = 0;
	p->l4_off = h->hdr_len;
}

/* RFC 8200 4.5. */
static void push_fragment_header(struct pkt *p, const struct ip_hdr *h)
{
	uint8_t *b = pkt_push(p, IP6_FRAG_LEN);

	b[0] = h->proto;
	b[1] = 0;
	wr16(b + 2, (uint16_t)(h->frag_off | (h->more_frags ? 1 : 0)));
	wr32(b + 4, h->id);
}

static struct pkt *one_fragment(struct net *net, const struct pkt *p, struct ip_hdr h, uint32_t n)
{
	struct pkt *f = pkt_new(net->pool);
	int k;

	if (!f)
		return NULL;
	k = pkt_take_slices(p, p->l4_off + h.frag_off, n, f->slice, PKT_SLICES);
	if (k < 0) {
		pkt_free(f);
		return NULL;
	}
	f->nslices = (uint8_t)k;
	f->len = n;
	f->csum = CSUM_VERIFIED;
	f->l4_proto = p->l4_proto;
	if (h.version == 6) {
		push_fragment_header(f, &h);
		h.proto = PROTO_FRAGMENT;
	}
	push_header(f, &h);
	return f;
}

/* Takes p, which begins with its whole IP header as if there were no limit. */
static void send_fragments(struct net *net, struct pkt *p, struct ip_hdr *h, uint32_t mtu,
			   const struct addr *next, ns_t now)
{
	uint32_t payload = p->len - p->l4_off;
	uint32_t room = mtu - p->l4_off - (h->version == 6 ? IP6_FRAG_LEN : 0);

	room &= ~7u;
	if (p->csum == CSUM_PARTIAL)
		csum_complete(p);
	if (h->version == 6)
		h->id = rng_u32(&net->rng);
	for (uint32_t off = 0; off < payload; off += room) {
		uint32_t n = payload - off < room ? payload - off : room;
		struct pkt *f;

		h->frag_off = (uint16_t)off;
		h->more_frags = off + n < payload;
		f = one_fragment(net, p, *h, n);
		if (!f) {
			net->count->no_memory++;
			break;
		}
		net->count->frags_out++;
		neigh_send(net, f, next, now);
	}
	pkt_free(p);
}

void net_send(struct net *net, struct pkt *p, const struct net_dst *d, ns_t now)
{
	struct addr next = d->dst;
	uint32_t n, mtu;
	struct ip_hdr h = {.src = d->src,
			   .dst = d->dst,
			   .version = addr_is_v4(&d->dst) ? 4 : 6,
			   .proto = d->proto,
			   .ttl = d->ttl,
			   .tos = d->tos,
			   .flow_label = d->flow_label,
			   .dont_frag = d->dont_frag};

	if (h.ttl == 0)
		h.ttl = h.version == 4 ? DEFAULT_TTL : net->hop_limit;
	/* Only neighbour discovery speaks to a group, and it chose the address itself. */
	if (!(h.version == 6 && addr_is_multicast(&d->dst)) && !next_hop(net, &d->dst, &next)) {
		net->count->ip_no_route++;
		pkt_free(p);
		return;
	}
	n = segments_of(p);
	if (n == 1)
		p->gso_size = 0;
	p->gso_segs = (uint16_t)(p->gso_size ? n : 0);
	p->l4_proto = d->proto;
	if (h.version == 4)
		h.id = take_id(net, d, n);
	push_header(p, &h);
	mtu = net_mtu(net, &d->dst);
	if (p->gso_size || p->len <= mtu) {
		neigh_send(net, p, &next, now);
		return;
	}
	if (h.version == 4 && h.dont_frag) { /* the caller knows net_mtu: nobody could carry it */
		net->count->ip_no_route++;
		pkt_free(p);
		return;
	}
	send_fragments(net, p, &h, mtu, &next, now);
}
