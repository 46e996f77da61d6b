/* Ethernet: which protocol, is it for us. What is refused here is silent (a counter): frames
 * shorter than their header, 802.3 lengths, group or zero sources, our own MAC as source (a loop,
 * or land one layer down), and tagged frames unless the tag is only a priority (VLAN id 0, IEEE
 * 802.1Q 9.6).
 *
 * No multicast group is ever joined for IPv4. For IPv6 the solicited-node groups and all-nodes are
 * taken by their MAC (RFC 2464 7). Their membership is not reported: MLD is for routers and
 * snooping switches, which flood link-scope groups (RFC 4541 3), so a host without it is still
 * found. */
#include "net.h"

#include "../wire/eth.h"

static const struct mac broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

bool mac_is_host(const struct mac *m)
{
	static const struct mac zero;

	return !(m->b[0] & 1) && !mac_eq(m, &zero);
}

/* 33:33 and the last four bytes of a group that we listen to. */
static bool is_our_group(const struct net *net, const struct mac *m)
{
	static const uint8_t all_nodes[4] = {0, 0, 0, 1};

	if (m->b[0] != 0x33 || m->b[1] != 0x33)
		return false;
	if (memcmp(m->b + 2, all_nodes, 4) == 0)
		return true;
	for (int i = 0; i < net->naddrs; i++)
		if (!addr_is_v4(&net->addr[i].addr) && m->b[2] == 0xff &&
		    memcmp(m->b + 3, net->addr[i].addr.b + 13, 3) == 0)
			return true;
	return false;
}

static bool for_us(const struct net *net, const struct eth_hdr *h)
{
	if (h->hdr_len > ETH_LEN && (h->vlan != 0 || h->hdr_len > ETH_LEN + 4))
		return false;
	if (mac_eq(&h->src, &net->mac))
		return false;
	return mac_eq(&h->dst, &net->mac) || mac_eq(&h->dst, &broadcast) ||
	       is_our_group(net, &h->dst);
}

void ether_input(struct net *net, struct pkt *p, ns_t now, struct net_in *in)
{
	struct eth_hdr h;

	if (!eth_parse(p->data, p->head_len, &h) || !mac_is_host(&h.src)) {
		net->count->eth_bad++;
		pkt_free(p);
		return;
	}
	if (!for_us(net, &h)) {
		net->count->eth_not_ours++;
		pkt_free(p);
		return;
	}
	p->l3_off = h.hdr_len;
	switch (h.type) {
	case ETH_IP4:
		ip4_input(net, p, now, in);
		return;
	case ETH_IP6:
		ip6_input(net, p, now, in);
		return;
	case ETH_ARP:
		arp_input(net, p, now);
		return;
	default:
		net->count->eth_unknown_type++;
		pkt_free(p);
	}
}

bool ether_to_group(const struct pkt *p)
{
	return p->l3_off >= ETH_LEN && (p->data[0] & 1);
}

void ether_send(struct net *net, struct pkt *p, const struct mac *to, uint16_t type)
{
	eth_emit(pkt_push(p, ETH_LEN), to, &net->mac, type);
	p->l3_off += ETH_LEN;
	p->l4_off += ETH_LEN;
	net_queue(net, p);
}
