/* Neighbour solicitations and advertisements (RFC 4861 4.3, 4.4, 7), and what they mean for our own
 * addresses (RFC 4862 5.4, duplicate address detection).
 *
 * Believed is only what cannot have passed a router (hop limit 255), came whole (RFC 6980) and has
 * no malformed option. As for ARP, an entry is made for who asks for us, from an address on this
 * link; advertisements only change what the table has. Secure ND is not done. */
#include "net.h"

#define HOPS 255
#define TARGET_LEN 16
#define OPT_SOURCE 1
#define OPT_TARGET 2
#define OPT_MAC_LEN 8

#define NA_SOLICITED 0x40000000u
#define NA_OVERRIDE 0x20000000u

static const struct addr all_nodes = {{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
static const struct addr unspecified;

static struct addr solicited_node(const struct addr *a)
{
	struct addr g = {{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff}};

	memcpy(g.b + 13, a->b + 13, 3);
	return g;
}

bool nd_option_mac(const uint8_t *opts, size_t len, uint8_t kind, struct mac *mac, bool *ok)
{
	bool found = false;

	*ok = false;
	while (len) {
		size_t n = len >= 2 ? opts[1] * (size_t)8 : 0;

		if (n == 0 || n > len) /* RFC 4861 4.6: length 0 discards the packet */
			return false;
		if (opts[0] == kind && n == OPT_MAC_LEN) {
			memcpy(mac->b, opts + 2, sizeof(mac->b));
			found = true;
		}
		opts += n;
		len -= n;
	}
	*ok = true;
	return found;
}

void nd_push_mac(struct net *net, struct pkt *p, uint8_t kind)
{
	uint8_t *b = pkt_push(p, OPT_MAC_LEN);

	b[0] = kind;
	b[1] = 1;
	memcpy(b + 2, net->mac.b, sizeof(net->mac.b));
}

/* ---- out ---- */

static void send_message(struct net *net, const struct addr *src, const struct addr *dst,
			 uint8_t type, uint32_t rest, const struct addr *target, ns_t now)
{
	struct pkt *p = pkt_new(net->pool);
	struct net_dst d = {.src = *src, .dst = *dst, .proto = PROTO_ICMP6, .ttl = HOPS};

	if (!p) {
		net->count->no_memory++;
		return;
	}
	if (!addr_is_any(src)) /* RFC 4861 4.3: not from the unspecified address */
		nd_push_mac(net, p, type == ICMP6_NS ? OPT_SOURCE : OPT_TARGET);
	memcpy(pkt_push(p, TARGET_LEN), target->b, TARGET_LEN);
	icmp_send(net, p, &d, type, 0, rest, now);
}

void nd_solicit(struct net *net, const struct addr *src, const struct addr *target, bool unicast,
		ns_t now)
{
	struct addr group = solicited_node(target);

	send_message(net, src ? src : &unspecified, unicast ? target : &group, ICMP6_NS, 0, target,
		     now);
}

/* ---- in ---- */

static void advertise(struct net *net, const struct addr *target, const struct addr *to, ns_t now)
{
	if (addr_is_any(to))
		send_message(net, target, &all_nodes, ICMP6_NA, NA_OVERRIDE, target, now);
	else
		send_message(net, target, to, ICMP6_NA, NA_OVERRIDE | NA_SOLICITED, target, now);
}

/* Somebody has, or tries, an address of ours. */
static void conflict(struct net *net, struct net_addr *a, ns_t now)
{
	net->count->arp_conflicts++;
	if (a->state == ADDR_TENTATIVE)
		slaac_duplicate(net, a, now);
}

static void solicited(struct net *net, const struct ip_hdr *h, const struct addr *target,
		      const struct mac *mac, ns_t now)
{
	struct net_addr *a = net_find_addr(net, target);
	bool probe = addr_is_any(&h->src);

	/* RFC 4861 7.1.1: a probe goes to the group and names no link-layer address. */
	if (!a || (probe && (mac || !addr_is_multicast(&h->dst))))
		return;
	if (a->state == ADDR_TENTATIVE && probe)
		conflict(net, a, now);
	if (a->state != ADDR_VALID)
		return;
	if (!probe && mac && mac_is_host(mac) && net_on_link(net, &h->src))
		neigh_learn(net, &h->src, mac, NEIGH_HINT, now);
	advertise(net, target, &h->src, now);
}

/* RFC 4861 7.2.5. */
static void advertised(struct net *net, const struct ip_hdr *h, uint32_t flags,
		       const struct addr *target, const struct mac *mac, ns_t now)
{
	struct net_addr *a = net_find_addr(net, target);
	enum neigh_news news = NEIGH_UPDATE;
	struct mac known;
	bool have = neigh_find(net, target, &known);

	if (a)
		conflict(net, a, now);
	if (a || ((flags & NA_SOLICITED) && addr_is_multicast(&h->dst)))
		return;
	if (mac && !mac_is_host(mac))
		return;
	if (!mac && !have)
		return;
	if (flags & NA_SOLICITED)
		news = flags & NA_OVERRIDE ? NEIGH_REPLY : NEIGH_NO_OVERRIDE;
	else if (have && !(flags & NA_OVERRIDE))
		return;
	neigh_learn(net, target, mac ? mac : &known, news, now);
}

void nd_input(struct net *net, const struct ip_hdr *h, const struct icmp_msg *m, ns_t now)
{
	bool is_ns = m->type == ICMP6_NS, has_mac, ok;
	struct addr target;
	struct mac mac;

	if (h->ttl != HOPS || m->code != 0 || m->body_len < TARGET_LEN) {
		net->count->icmp_bad++;
		return;
	}
	memcpy(target.b, m->body, TARGET_LEN);
	has_mac = nd_option_mac(m->body + TARGET_LEN, m->body_len - TARGET_LEN,
				is_ns ? OPT_SOURCE : OPT_TARGET, &mac, &ok);
	if (!ok || addr_is_multicast(&target) || addr_is_v4(&target)) {
		net->count->icmp_bad++;
		return;
	}
	if (is_ns)
		solicited(net, h, &target, has_mac ? &mac : NULL, now);
	else
		advertised(net, h, m->rest, &target, has_mac ? &mac : NULL, now);
}
