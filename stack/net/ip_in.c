/* IP in: verify, is it ours, whole, and whose (RFC 1122 3.2.1, RFC 8200).
 *
 * Silent drops, each with a counter: a header that lies, source routes (RFC 7126 3.3, RFC 5095), a
 * source that can be nobody (martian: RFC 1122 3.2.1.3, RFC 9293 MUST-63), a destination that is
 * not one of our unicast addresses (RFC 9293 MUST-57). Nothing that came by link-layer broadcast or
 * multicast is delivered or answered, but for neighbour discovery. Trailers are cut by the length
 * in the header. The TTL is not looked at: we are not a router (RFC 1122 3.2.1.7). */
#include "net.h"

#define PROTO_NONE 59 /* RFC 8200 4.7: nothing follows */
#define PARAM_UNKNOWN_HEADER 1

static void drop(struct pkt *p, uint64_t *counter)
{
	(*counter)++;
	pkt_free(p);
}

/* ---- whose ---- */

static void unknown_proto(struct net *net, struct pkt *p, const struct ip_hdr *h, ns_t now)
{
	/* The field that names the protocol: in the fixed header, unless extensions stand between;
	 * then it is the first byte of the last of them, whose place the parser does not tell. */
	if (h->version == 4)
		icmp_error(net, p, h, ICMP4_UNREACH, ICMP4_UNREACH_PROTO, 0, now);
	else if (h->proto != PROTO_NONE && h->hdr_len == IP6_LEN)
		icmp_error(net, p, h, ICMP6_PARAM, PARAM_UNKNOWN_HEADER, 6, now);
	drop(p, &net->count->ip_no_proto);
}

/* p is whole, verified and for us. */
static void deliver(struct net *net, struct pkt *p, const struct ip_hdr *h, ns_t now,
		    struct net_in *in)
{
	bool v4 = h->version == 4;

	p->l4_off = (uint16_t)(p->l3_off + h->hdr_len);
	if (!v4 && addr_is_multicast(&h->dst) && h->proto != PROTO_ICMP6) {
		drop(p, &net->count->ip_not_ours);
		return;
	}
	if (h->proto == PROTO_TCP) {
		in->what = NET_TCP;
		in->pkt = p;
		in->ip = *h;
	} else if (h->proto == PROTO_UDP) {
		udp_input(net, p, h, now);
	} else if (v4 && h->proto == PROTO_ICMP) {
		icmp4_input(net, p, h, now, in);
	} else if (!v4 && h->proto == PROTO_ICMP6) {
		icmp6_input(net, p, h, now, in);
	} else {
		unknown_proto(net, p, h, now);
	}
}

static void input4(struct net *, struct pkt *, bool whole, ns_t now, struct net_in *);
static void input6(struct net *, struct pkt *, bool whole, ns_t now, struct net_in *);

/* p is verified and for us, but may be a fragment. What comes out of reassembly is looked at like
 * any other packet, but must not be a fragment again: `whole` says that it was one. */
static void accept(struct net *net, struct pkt *p, const struct ip_hdr *h, bool whole, ns_t now,
		   struct net_in *in)
{
	pkt_trim(p, p->l3_off + h->hdr_len + h->payload_len);
	if (!h->frag) {
		deliver(net, p, h, now, in);
		return;
	}
	if (whole) {
		drop(p, &net->count->ip_bad);
		return;
	}
	p = frag_input(net, p, h, now);
	if (p && h->version == 4)
		input4(net, p, true, now, in);
	else if (p)
		input6(net, p, true, now, in);
}

/* ---- IPv4 ---- */

/* Sources that no packet from another host can have. 0.0.0.0 is one: we serve no DHCP. */
static bool martian4(const struct net *net, const struct ip_hdr *h)
{
	uint8_t first = h->src.b[12];

	return first == 0 || first == 127 || first >= 224 || net_is_broadcast(net, &h->src);
}

/* The fixed header and its options lie in the head. */
static bool header4_there(struct pkt *p)
{
	uint32_t off = p->l3_off;

	return pkt_linear(p, off, IP4_LEN) && pkt_linear(p, off, (p->data[off] & 0xfu) * 4);
}

static void input4(struct net *net, struct pkt *p, bool whole, ns_t now, struct net_in *in)
{
	struct ip_hdr h;
	enum ip_verdict v = IP_BAD;

	if (header4_there(p))
		v = ip4_parse(p->data + p->l3_off, p->len - p->l3_off, &h, false);
	if (v == IP_BAD_OPTION || (v == IP_OK && h.source_route))
		drop(p, &net->count->ip_options_dropped);
	else if (v != IP_OK)
		drop(p, &net->count->ip_bad);
	else if (martian4(net, &h) || net_is_ours(net, &h.src))
		drop(p, &net->count->ip_martian);
	else if (!net_is_ours(net, &h.dst) || ether_to_group(p))
		drop(p, &net->count->ip_not_ours);
	else
		accept(net, p, &h, whole, now, in);
}

void ip4_input(struct net *net, struct pkt *p, ns_t now, struct net_in *in)
{
	input4(net, p, false, now, in);
}

/* ---- IPv6 ---- */

/* ::1, multicast, and the unspecified address unless to a group (duplicate address detection). What
 * would pass for IPv4 in our form (::ffff:0:0/96) the parser has refused. */
static bool martian6(const struct ip_hdr *h)
{
	static const struct addr one = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

	if (addr_is_any(&h->src))
		return !addr_is_multicast(&h->dst);
	return addr_is_multicast(&h->src) || addr_eq(&h->src, &one);
}

/* All nodes of the link, or the solicited-node group of one of our addresses, valid or not. */
static bool is_our_group6(const struct net *net, const struct addr *a)
{
	static const uint8_t link_scope[] = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	static const uint8_t all_nodes[] = {0, 0, 0, 0, 1}, solicited[] = {1, 0xff};

	if (memcmp(a->b, link_scope, sizeof(link_scope)) != 0)
		return false;
	if (memcmp(a->b + 11, all_nodes, sizeof(all_nodes)) == 0)
		return true;
	if (memcmp(a->b + 11, solicited, sizeof(solicited)) != 0)
		return false;
	for (int i = 0; i < net->naddrs; i++)
		if (!addr_is_v4(&net->addr[i].addr) &&
		    memcmp(a->b + 13, net->addr[i].addr.b + 13, 3) == 0)
			return true;
	return false;
}

static bool for_us6(const struct net *net, const struct pkt *p, const struct ip_hdr *h)
{
	if (addr_is_multicast(&h->dst))
		return is_our_group6(net, &h->dst);
	return net_is_ours(net, &h->dst) && !ether_to_group(p);
}

/* The headers lie in the head: only a transport header that follows at once may be trusted to. */
static bool header6_there(struct pkt *p)
{
	uint32_t off = p->l3_off;

	if (!pkt_linear(p, off, IP6_LEN))
		return false;
	return p->data[off + 6] == PROTO_TCP || pkt_linear(p, off, p->len - off);
}

static void input6(struct net *net, struct pkt *p, bool whole, ns_t now, struct net_in *in)
{
	struct ip_hdr h;
	enum ip_verdict v = IP_BAD;
	uint32_t problem = 0;
	uint8_t code = 0;

	if (header6_there(p))
		v = ip6_parse(p->data + p->l3_off, p->len - p->l3_off, &h, &problem, &code);
	if (v == IP_BAD) {
		drop(p, &net->count->ip_bad);
		return;
	}
	if (martian6(&h) || net_is_ours(net, &h.src)) {
		drop(p, &net->count->ip_martian);
		return;
	}
	if (!for_us6(net, p, &h)) {
		drop(p, &net->count->ip_not_ours);
		return;
	}
	if (v == IP_PARAM_PROBLEM)
		icmp_error(net, p, &h, ICMP6_PARAM, code, problem, now);
	if (v != IP_OK || h.source_route)
		drop(p, &net->count->ip_options_dropped);
	else
		accept(net, p, &h, whole, now, in);
}

void ip6_input(struct net *net, struct pkt *p, ns_t now, struct net_in *in)
{
	input6(net, p, false, now, in);
}
