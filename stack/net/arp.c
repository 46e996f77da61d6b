/* ARP (RFC 826): who is asked and answered, whom we believe, and the care for our own IPv4
 * addresses (RFC 5227: probe before use, announce, defend).
 *
 * Believed is only a unicast hardware address from an IPv4 address on this link. An entry is made
 * for someone who asks for us (he will want an answer soon); anything unasked only changes what the
 * table has already. A probe (sender 0.0.0.0) is answered and not learned. */
#include "net.h"

#include "../wire/arp.h"
#include "../wire/eth.h"

#define PROBE_NUM 3
#define PROBE_INTERVAL (1 * SEC) /* RFC 5227 1.1: 1 to 2 s */
#define ANNOUNCE_WAIT (2 * SEC)
#define ANNOUNCE_NUM 2
#define ANNOUNCE_INTERVAL (2 * SEC)
#define DEFEND_INTERVAL (10 * SEC)

static const struct mac broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
static const struct mac nobody;

static void arp_send(struct net *net, const struct arp_msg *m, const struct mac *to)
{
	struct pkt *p = pkt_new(net->pool);

	if (!p) {
		net->count->no_memory++;
		return;
	}
	arp_emit(pkt_push(p, ARP_LEN), m);
	p->csum = CSUM_VERIFIED; /* there is none */
	net->count->arp_out++;
	ether_send(net, p, to, ETH_ARP);
}

void arp_solicit(struct net *net, const struct addr *src, const struct addr *target,
		 const struct mac *to)
{
	struct arp_msg m = {.op = ARP_REQUEST,
			    .sha = net->mac,
			    .tha = nobody,
			    .spa = addr_to_v4(src),
			    .tpa = addr_to_v4(target)};

	arp_send(net, &m, to ? to : &broadcast);
}

static void answer(struct net *net, const struct arp_msg *q)
{
	struct arp_msg m = {
	    .op = ARP_REPLY, .sha = net->mac, .tha = q->sha, .spa = q->tpa, .tpa = q->spa};

	arp_send(net, &m, &q->sha);
}

/* RFC 5227 1.1: sender and target are the address itself; a probe has no sender. */
static void claim(struct net *net, const struct net_addr *a, bool probe)
{
	struct addr none = addr_v4(0);

	arp_solicit(net, probe ? &none : &a->addr, &a->addr, NULL);
}

/* ---- conflicts ---- */

/* RFC 5227 2.4 (c): an address in use is kept and defended, at most once in ten seconds. To give it
 * up, as (a) and (b) would, lets anyone on the link silence us with two frames. */
static void conflict(struct net *net, struct net_addr *a, ns_t now)
{
	net->count->arp_conflicts++;
	if (a->state == ADDR_TENTATIVE) {
		a->state = ADDR_DUPLICATE;
		a->next_probe = NS_NEVER;
		return;
	}
	if (a->state != ADDR_VALID || now < a->defend_after)
		return;
	a->defend_after = now + DEFEND_INTERVAL;
	claim(net, a, false);
}

/* Somebody uses, or probes for, an address that we have or want (RFC 5227 2.1.1). */
static bool in_conflict(struct net *net, const struct arp_msg *m, ns_t now)
{
	struct addr spa = addr_v4(m->spa), tpa = addr_v4(m->tpa);
	struct net_addr *a = net_find_addr(net, &spa);

	if (a) {
		conflict(net, a, now);
		return true;
	}
	a = m->spa == 0 && m->op == ARP_REQUEST ? net_find_addr(net, &tpa) : NULL;
	if (!a || a->state != ADDR_TENTATIVE)
		return false;
	conflict(net, a, now);
	return true;
}

/* ---- in ---- */

static bool sender_is_sane(const struct net *net, const struct arp_msg *m)
{
	struct addr spa = addr_v4(m->spa);

	if (!mac_is_host(&m->sha) || mac_eq(&m->sha, &net->mac))
		return false;
	if (m->spa == 0)
		return true;
	return m->spa >> 24 != 0 && m->spa >> 24 != 127 && m->spa >> 24 < 224 &&
	       !net_is_broadcast(net, &spa);
}

static void process(struct net *net, const struct arp_msg *m, bool to_us, ns_t now)
{
	struct addr spa = addr_v4(m->spa), tpa = addr_v4(m->tpa);
	bool asks_us = m->op == ARP_REQUEST && net_is_ours(net, &tpa);
	enum neigh_news news = NEIGH_UPDATE;

	if (in_conflict(net, m, now))
		return;
	if (asks_us)
		news = NEIGH_HINT;
	else if (m->op == ARP_REPLY && to_us && net_is_ours(net, &tpa))
		news = NEIGH_REPLY;
	if (m->spa != 0 && net_on_link(net, &spa))
		neigh_learn(net, &spa, &m->sha, news, now);
	if (asks_us)
		answer(net, m);
}

void arp_input(struct net *net, struct pkt *p, ns_t now)
{
	struct arp_msg m;
	bool to_us = !ether_to_group(p);

	net->count->arp_in++;
	if (!arp_parse(p->data + p->l3_off, p->head_len - p->l3_off, &m) ||
	    (m.op != ARP_REQUEST && m.op != ARP_REPLY) || !sender_is_sane(net, &m))
		net->count->arp_bad++;
	else
		process(net, &m, to_us, now);
	pkt_free(p);
}

/* ---- our own addresses in time ---- */

/* probes 0..2: asked so often; then announcements. */
static void step(struct net *net, struct net_addr *a, ns_t now)
{
	if (a->probes < PROBE_NUM) {
		claim(net, a, true);
		a->probes++;
		a->next_probe = now + (a->probes < PROBE_NUM ? PROBE_INTERVAL : ANNOUNCE_WAIT);
		return;
	}
	a->state = ADDR_VALID;
	claim(net, a, false);
	a->probes++;
	a->next_probe = a->probes < PROBE_NUM + ANNOUNCE_NUM ? now + ANNOUNCE_INTERVAL : NS_NEVER;
}

void arp_advance(struct net *net, ns_t now)
{
	for (int i = 0; i < net->naddrs; i++)
		if (addr_is_v4(&net->addr[i].addr) && now >= net->addr[i].next_probe)
			step(net, &net->addr[i], now);
}

ns_t arp_deadline(const struct net *net)
{
	ns_t due = NS_NEVER;

	for (int i = 0; i < net->naddrs; i++)
		if (addr_is_v4(&net->addr[i].addr))
			due = ns_min(due, net->addr[i].next_probe);
	return due;
}
