/* Our IPv6 addresses in time: a link-local one, those that routers' prefixes give us (RFC 4862),
 * duplicate address detection, and what else a router may say (RFC 4861 6.3).
 *
 * Interface identifiers are opaque and stable per prefix and secret (RFC 7217), so that neither the
 * MAC nor a common suffix can be followed from network to network. On a duplicate another one is
 * tried, three times.
 *
 * Hostile routers: a hop limit below 64 is ignored (CVE-2015-2922), as is an MTU under 1,280; a
 * short lifetime cannot take an address away at once (two hours, RFC 4862 5.5.3 (e)); addresses and
 * routers fill their tables and no more. Preferred lifetimes are not tracked: an address is used
 * until it is invalid. After three solicitations we wait for unsolicited advertisements. */
#include "net.h"

#define HOPS 255
#define OPT_SOURCE 1
#define OPT_PREFIX 3
#define OPT_MTU 5
#define PREFIX_ON_LINK 0x80
#define PREFIX_AUTO 0x40

#define DAD_TRANSMITS 1    /* RFC 4862 5.1 */
#define DAD_WAIT (1 * SEC) /* RETRANS_TIMER */
#define IDGEN_RETRIES 3    /* RFC 7217 7 */
#define IDGEN_DELAY (1 * SEC)
#define RS_MAX 3 /* RFC 4861 10 */
#define RS_INTERVAL (4 * SEC)
#define TWO_HOURS (7200 * SEC)
#define IP6_MIN_MTU 1280
#define HOP_LIMIT_MIN 64
#define FOREVER UINT32_MAX

static const struct addr all_routers = {{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}};
static const struct addr link_local = {{0xfe, 0x80}};

/* ---- addresses ---- */

/* RFC 7217 5: F(prefix, interface, counter, secret). */
static struct addr make_addr(const struct net *net, const struct addr *prefix, uint8_t counter)
{
	uint8_t in[8 + 6 + 1];
	struct addr a = *prefix;
	uint64_t id;

	memcpy(in, prefix->b, 8);
	memcpy(in + 8, net->mac.b, 6);
	in[14] = counter;
	id = siphash(&net->secret, in, sizeof(in));
	wr32(a.b + 8, (uint32_t)(id >> 32));
	wr32(a.b + 12, (uint32_t)id);
	return a;
}

static struct net_addr *add_auto(struct net *net, const struct addr *prefix, uint8_t on_link_bits,
				 ns_t now)
{
	struct addr a = make_addr(net, prefix, 0);
	struct net_addr *n = net_add_addr(net, &a, on_link_bits, now);

	if (n)
		n->autoconf = true;
	return n;
}

void slaac_duplicate(struct net *net, struct net_addr *a, ns_t now)
{
	a->state = ADDR_DUPLICATE;
	a->next_probe = NS_NEVER;
	if (!a->autoconf || a->dad_counter == IDGEN_RETRIES)
		return;
	a->addr = make_addr(net, &a->addr, ++a->dad_counter); /* the same first half */
	a->state = ADDR_TENTATIVE;
	a->probes = 0;
	a->next_probe = now + IDGEN_DELAY;
}

static void remove_addr(struct net *net, int i)
{
	net->naddrs--;
	memmove(&net->addr[i], &net->addr[i + 1], (size_t)(net->naddrs - i) * sizeof(net->addr[0]));
}

static void step(struct net *net, struct net_addr *a, ns_t now)
{
	if (a->probes < DAD_TRANSMITS) {
		nd_solicit(net, NULL, &a->addr, false, now);
		a->probes++;
		a->next_probe = now + DAD_WAIT;
		return;
	}
	a->state = ADDR_VALID;
	a->next_probe = NS_NEVER;
}

/* ---- routers ---- */

static const struct addr *our_link_local(const struct net *net)
{
	for (int i = 0; i < net->naddrs; i++)
		if (addr_is_link_local(&net->addr[i].addr) && net->addr[i].state == ADDR_VALID)
			return &net->addr[i].addr;
	return NULL;
}

static void solicit_routers(struct net *net, ns_t now)
{
	struct net_dst d = {.dst = all_routers, .proto = PROTO_ICMP6, .ttl = HOPS};
	const struct addr *src = our_link_local(net);
	struct pkt *p = pkt_new(net->pool);

	net->rs_sent++;
	net->next_rs = net->rs_sent < RS_MAX ? now + RS_INTERVAL : NS_NEVER;
	if (!p) {
		net->count->no_memory++;
		return;
	}
	if (src) {
		d.src = *src;
		nd_push_mac(net, p, OPT_SOURCE);
	}
	icmp_send(net, p, &d, ICMP6_RS, 0, 0, now);
}

static void remove_router(struct net *net, int i)
{
	net->nrouters--;
	memmove(&net->router[i], &net->router[i + 1],
		(size_t)(net->nrouters - i) * sizeof(net->router[0]));
}

/* Lifetime 0: no default router (any more). */
static void router_says(struct net *net, const struct addr *via, uint32_t lifetime, ns_t now)
{
	ns_t until = now + lifetime * SEC;
	int i = 0;

	while (i < net->nrouters && !addr_eq(&net->router[i].via, via))
		i++;
	if (lifetime == 0) {
		if (i < net->nrouters)
			remove_router(net, i);
		return;
	}
	if (i == NET_ROUTERS)
		return;
	if (i == net->nrouters)
		net->nrouters++;
	net->router[i] = (struct net_router){*via, until};
}

/* ---- advertisements ---- */

static struct net_addr *addr_under(struct net *net, const struct addr *prefix)
{
	for (int i = 0; i < net->naddrs; i++)
		if (net->addr[i].autoconf && net_prefix_eq(&net->addr[i].addr, prefix, 64))
			return &net->addr[i];
	return NULL;
}

/* RFC 4862 5.5.3 (e). */
static void refresh(struct net_addr *a, uint32_t valid, ns_t now)
{
	ns_t until = valid == FOREVER ? NS_NEVER : now + valid * SEC;

	if (until > now + TWO_HOURS || until > a->valid_until)
		a->valid_until = until;
	else if (a->valid_until > now + TWO_HOURS)
		a->valid_until = now + TWO_HOURS;
}

/* RFC 4861 4.6.2: p has 32 bytes. RFC 4862 5.5.3 (a) to (d). */
static void take_prefix(struct net *net, const uint8_t *p, ns_t now)
{
	uint8_t bits = p[2], flags = p[3];
	uint32_t valid = rd32(p + 4), preferred = rd32(p + 8);
	struct net_addr *a;
	struct addr prefix;

	memcpy(prefix.b, p + 16, 16);
	if (!(flags & PREFIX_AUTO) || bits != 64 || preferred > valid || addr_is_v4(&prefix) ||
	    addr_is_link_local(&prefix) || addr_is_multicast(&prefix))
		return;
	memset(prefix.b + 8, 0, 8);
	a = addr_under(net, &prefix);
	if (a) {
		refresh(a, valid, now);
		return;
	}
	if (valid == 0)
		return;
	a = add_auto(net, &prefix, flags & PREFIX_ON_LINK ? 64 : 128, now);
	if (a && valid != FOREVER)
		a->valid_until = now + valid * SEC;
}

static void take_options(struct net *net, const uint8_t *o, size_t len, ns_t now)
{
	for (size_t i = 0; i < len; i += o[i + 1] * (size_t)8) { /* lengths were checked */
		uint32_t mtu;

		if (o[i] == OPT_PREFIX && o[i + 1] == 4)
			take_prefix(net, o + i, now);
		if (o[i] != OPT_MTU || o[i + 1] != 1)
			continue;
		mtu = rd32(o + i + 4);
		if (mtu >= IP6_MIN_MTU && mtu <= net->link.mtu)
			net->ip6_mtu = (uint16_t)mtu;
	}
}

void slaac_input(struct net *net, const struct ip_hdr *h, const struct icmp_msg *m, ns_t now)
{
	const uint8_t *opts = m->body + 8; /* behind reachable time and retransmission timer */
	struct mac mac;
	bool has_mac, ok;

	if (!net->auto6)
		return;
	if (h->ttl != HOPS || m->code != 0 || m->body_len < 8 || !addr_is_link_local(&h->src)) {
		net->count->icmp_bad++;
		return;
	}
	has_mac = nd_option_mac(opts, m->body_len - 8, OPT_SOURCE, &mac, &ok);
	if (!ok) {
		net->count->icmp_bad++;
		return;
	}
	net->next_rs = NS_NEVER;
	if (m->rest >> 24 >= HOP_LIMIT_MIN)
		net->hop_limit = (uint8_t)(m->rest >> 24);
	router_says(net, &h->src, m->rest & 0xffff, now);
	if (has_mac && mac_is_host(&mac))
		neigh_learn(net, &h->src, &mac, NEIGH_HINT, now);
	take_options(net, opts, m->body_len - 8, now);
}

/* ---- time ---- */

static void expire(struct net *net, ns_t now)
{
	for (int i = net->naddrs - 1; i >= 0; i--)
		if (net->addr[i].valid_until <= now)
			remove_addr(net, i);
	for (int i = net->nrouters - 1; i >= 0; i--)
		if (net->router[i].until <= now)
			remove_router(net, i);
}

void slaac_advance(struct net *net, ns_t now)
{
	for (int i = 0; i < net->naddrs; i++)
		if (!addr_is_v4(&net->addr[i].addr) && net->addr[i].next_probe <= now)
			step(net, &net->addr[i], now);
	expire(net, now);
	if (net->next_rs <= now)
		solicit_routers(net, now);
}

ns_t slaac_deadline(const struct net *net)
{
	ns_t due = net->next_rs;

	for (int i = 0; i < net->naddrs; i++) {
		due = ns_min(due, net->addr[i].valid_until);
		if (!addr_is_v4(&net->addr[i].addr))
			due = ns_min(due, net->addr[i].next_probe);
	}
	for (int i = 0; i < net->nrouters; i++)
		due = ns_min(due, net->router[i].until);
	return due;
}

void slaac_init(struct net *net, ns_t now)
{
	if (!net->auto6)
		return;
	add_auto(net, &link_local, 64, now);
	/* RFC 4861 6.3.7: a random wait, and the link-local address should be ours by then. */
	net->next_rs = now + rng_below(&net->rng, (uint32_t)SEC) + (net->probe_first ? 2 * SEC : 0);
}
