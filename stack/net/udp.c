/* UDP (RFC 768): there are no UDP sockets, so each datagram is verified and answered with port
 * unreachable (RFC 1122 4.1.3.1), under ICMP's limit. No service answers datagrams with datagrams,
 * which is the end of echo loops (CVE-1999-0103, CVE-2024-2169). */
#include "net.h"

#include "../wire/csum.h"
#include "../wire/udp.h"

#define UNREACH6_PORT 4

/* RFC 768: an IPv4 checksum of 0 says that there is none; RFC 8200 8.1: IPv6 must have one. */
static bool sum_is_right(const struct pkt *p, const struct ip_hdr *h, const struct udp_hdr *u)
{
	if (p->csum != CSUM_UNKNOWN)
		return true;
	if (u->csum == 0)
		return h->version == 4;
	return csum_pkt(p, &h->src, &h->dst, PROTO_UDP) == 0;
}

static bool verify(struct pkt *p, const struct ip_hdr *h)
{
	struct udp_hdr u;

	if (!pkt_linear(p, p->l4_off, UDP_LEN) ||
	    !udp_parse(p->data + p->l4_off, p->len - p->l4_off, &u))
		return false;
	if (!sum_is_right(p, h, &u))
		return false;
	return true;
}

void udp_input(struct net *net, struct pkt *p, const struct ip_hdr *h, ns_t now)
{
	net->count->udp_in++;
	if (!verify(p, h)) {
		net->count->udp_bad++;
		pkt_free(p);
		return;
	}
	net->count->udp_no_port++;
	if (h->version == 4)
		icmp_error(net, p, h, ICMP4_UNREACH, ICMP4_UNREACH_PORT, 0, now);
	else
		icmp_error(net, p, h, ICMP6_UNREACH, UNREACH6_PORT, 0, now);
	pkt_free(p);
}
