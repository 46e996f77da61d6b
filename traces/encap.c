/* What TCP/IP is wrapped in: links (Ethernet, Linux cooked v1 and v2, BSD loopback, raw IP, PPP, Cisco
 * HDLC), tags and labels (802.1Q, 802.1ad, MPLS, PPPoE), and tunnels: IP in IP (RFC 2003, 4213, 2473),
 * GRE (RFC 2784, 2890, and 2637's for PPTP) with IP, Ethernet or a mirrored frame (ERSPAN) inside,
 * EtherIP (RFC 3378), MPLS in IP (RFC 4023), VXLAN (RFC 7348), Geneve (RFC 8926), GTP-U.
 *
 * A UDP port only suggests what is inside. So behind one nothing is ever called damaged: what does not
 * lead to TCP is some other protocol. */
#include "layers.h"

#include "../stack/base/bytes.h"
#include "../stack/wire/eth.h"
#include "../stack/wire/ip.h"

#define ETH_QINQ_OLD 0x9100
#define ETH_MPLS 0x8847
#define ETH_MPLS_MULTICAST 0x8848
#define ETH_PPPOE_SESSION 0x8864
#define ETH_BRIDGED 0x6558   /* "transparent Ethernet bridging": a whole frame */
#define ETH_PPP 0x880b
#define ETH_ERSPAN2 0x88be
#define ETH_LENGTH_MAX 1500  /* a type field up to this is 802.3's length */

#define PPP_IP4 0x0021
#define PPP_IP6 0x0057
#define PPP_MPLS 0x0281

#define MPLS_LABELS_MAX 16

static enum dissect_result walk_type(struct walk *, uint16_t type);

static enum dissect_result walk_ether(struct walk *w)
{
	uint16_t type;

	if (w->have < ETH_LEN || ++w->layers > LAYERS_MAX)
		return DISSECT_OTHER;
	type = rd16(w->p + 12);
	walk_skip(w, ETH_LEN);
	return walk_type(w, type);
}

/* RFC 3032. The labels do not say what is under them: an IP version does, or, with or without the
 * control word of RFC 4385, an Ethernet frame (RFC 4448). */
static enum dissect_result walk_mpls(struct walk *w)
{
	bool bottom = false;

	for (int n = 0; !bottom; n++) {
		if (n == MPLS_LABELS_MAX || w->have < 4)
			return DISSECT_OTHER;
		bottom = w->p[2] & 1;
		walk_skip(w, 4);
	}
	if (w->have < 4)
		return DISSECT_OTHER;
	if (w->p[0] >> 4 == 4 || w->p[0] >> 4 == 6)
		return walk_ip(w);
	if (w->p[0] >> 4 == 0)
		walk_skip(w, 4);
	w->d->tunnel = "MPLS";
	return walk_ether(w);
}

/* RFC 1661, with the header compressed or not. */
static enum dissect_result walk_ppp(struct walk *w)
{
	uint16_t proto;

	if (w->have >= 2 && w->p[0] == 0xff && w->p[1] == 0x03)
		walk_skip(w, 2);
	if (w->have < 2)
		return DISSECT_OTHER;
	proto = w->p[0] & 1 ? w->p[0] : rd16(w->p);
	walk_skip(w, w->p[0] & 1 ? 1 : 2);
	switch (proto) {
	case PPP_IP4:
	case PPP_IP6:
		return walk_ip(w);
	case PPP_MPLS:
		return walk_mpls(w);
	default:
		return DISSECT_OTHER;
	}
}

static enum dissect_result walk_type(struct walk *w, uint16_t type)
{
	for (int tags = 0; type == ETH_VLAN || type == ETH_QINQ || type == ETH_QINQ_OLD; tags++) {
		if (tags == ETH_TAGS_MAX || w->have < 4)
			return DISSECT_OTHER;
		type = rd16(w->p + 2);
		walk_skip(w, 4);
	}
	if (type <= ETH_LENGTH_MAX) { /* 802.3: only the form that carries a type (RFC 1042) */
		if (w->have < 8 || rd32(w->p) != 0xaaaa0300u || w->p[4] || w->p[5])
			return DISSECT_OTHER;
		type = rd16(w->p + 6);
		walk_skip(w, 8);
	}
	switch (type) {
	case ETH_IP4:
	case ETH_IP6:
		return walk_ip(w);
	case ETH_MPLS:
	case ETH_MPLS_MULTICAST:
		return walk_mpls(w);
	case ETH_PPPOE_SESSION: /* RFC 2516: version, code, session, length */
		return walk_skip(w, 6) ? walk_ppp(w) : DISSECT_OTHER;
	case ETH_BRIDGED:
		return walk_ether(w);
	default:
		return DISSECT_OTHER;
	}
}

/* Flags say which fields follow the first four bytes: C checksum, K key, S sequence, and in version 1
 * A acknowledgement. */
static enum dissect_result walk_gre(struct walk *w)
{
	uint16_t flags, type;
	uint32_t n = 4;

	if (w->have < 4)
		return DISSECT_OTHER;
	flags = rd16(w->p);
	type = rd16(w->p + 2);
	if ((flags & 7) > 1 || flags & 0x4000) /* version; RFC 1701's source route */
		return DISSECT_OTHER;
	n += flags & 0x8000 ? 4 : 0;
	n += flags & 0x2000 ? 4 : 0;
	n += flags & 0x1000 ? 4 : 0;
	n += (flags & 7) == 1 && flags & 0x0080 ? 4 : 0;
	if (!walk_skip(w, n))
		return DISSECT_OTHER;
	w->d->tunnel = "GRE";
	if (type == ETH_PPP)
		return walk_ppp(w);
	if (type != ETH_ERSPAN2)
		return walk_type(w, type);
	w->d->tunnel = "ERSPAN";
	if (flags & 0x1000 && !walk_skip(w, 8)) /* type II has a header of its own, type I none */
		return DISSECT_OTHER;
	return walk_ether(w);
}

static enum dissect_result walk_vxlan(struct walk *w)
{
	if (w->have < 8 || !(w->p[0] & 0x08))
		return DISSECT_OTHER;
	walk_skip(w, 8);
	w->d->tunnel = "VXLAN";
	return walk_ether(w);
}

static enum dissect_result walk_geneve(struct walk *w)
{
	uint16_t type;

	if (w->have < 8 || w->p[0] >> 6)
		return DISSECT_OTHER;
	type = rd16(w->p + 2);
	if (!walk_skip(w, 8 + (w->p[0] & 63) * 4u))
		return DISSECT_OTHER;
	w->d->tunnel = "Geneve";
	return walk_type(w, type);
}

/* 3GPP TS 29.281: version 1, a user's packet; any of the flags E, S, PN adds four bytes, the last of
 * which tells of extension headers. */
static enum dissect_result walk_gtp(struct walk *w)
{
	uint8_t flags, next;

	if (w->have < 8 || w->p[0] >> 4 != 3 || w->p[1] != 255)
		return DISSECT_OTHER;
	flags = w->p[0] & 7;
	walk_skip(w, 8);
	if (flags) {
		if (w->have < 4)
			return DISSECT_OTHER;
		next = flags & 4 ? w->p[3] : 0;
		walk_skip(w, 4);
		for (int i = 0; next; i++) {
			uint32_t n = w->have ? w->p[0] * 4u : 0;

			if (n == 0 || n > w->have || i == LAYERS_MAX)
				return DISSECT_OTHER;
			next = w->p[n - 1];
			walk_skip(w, n);
		}
	}
	w->d->tunnel = "GTP";
	return walk_ip(w);
}

static enum dissect_result walk_udp(struct walk *w)
{
	enum dissect_result r = DISSECT_OTHER;
	uint16_t port;

	if (w->have < 8)
		return DISSECT_OTHER;
	port = rd16(w->p + 2);
	walk_skip(w, 8);
	if (port == 4789 || port == 8472) /* the latter is Linux's first guess */
		r = walk_vxlan(w);
	else if (port == 6081)
		r = walk_geneve(w);
	else if (port == 2152)
		r = walk_gtp(w);
	return r == DISSECT_TCP || r == DISSECT_FRAGMENT ? r : DISSECT_OTHER;
}

enum dissect_result walk_tunnel(struct walk *w, uint8_t proto)
{
	switch (proto) {
	case 4:  /* IPv4 */
	case 41: /* IPv6 */
		w->d->tunnel = "IP in IP";
		return walk_ip(w);
	case 17:
		return walk_udp(w);
	case 47:
		return walk_gre(w);
	case 97: /* EtherIP */
		w->d->tunnel = "EtherIP";
		return walk_skip(w, 2) ? walk_ether(w) : DISSECT_OTHER;
	case 137:
		w->d->tunnel = "MPLS";
		return walk_mpls(w);
	default:
		return DISSECT_OTHER;
	}
}

enum dissect_result walk_link(struct walk *w, uint16_t linktype)
{
	uint16_t type;

	switch (linktype) {
	case 1: /* Ethernet */
		return w->have < ETH_LEN ? DISSECT_OTHER : walk_ether(w);
	case 113: /* Linux cooked */
		if (w->have < 16)
			return DISSECT_OTHER;
		type = rd16(w->p + 14);
		walk_skip(w, 16);
		return walk_type(w, type);
	case 276: /* Linux cooked, version 2 */
		if (w->have < 20)
			return DISSECT_OTHER;
		type = rd16(w->p);
		walk_skip(w, 20);
		return walk_type(w, type);
	case 0:   /* BSD loopback: an address family in the byte order of some machine */
	case 108: /* OpenBSD loopback */
		return walk_skip(w, 4) ? walk_ip(w) : DISSECT_OTHER;
	case 12: /* raw IP, by its several numbers */
	case 14:
	case 101:
	case 228:
	case 229:
		return walk_ip(w);
	case 9: /* PPP */
	case 50:
		return walk_ppp(w);
	case 51: /* PPPoE without its Ethernet header */
		return walk_skip(w, 6) ? walk_ppp(w) : DISSECT_OTHER;
	case 204: /* PPP with a byte for the direction */
		return walk_skip(w, 1) ? walk_ppp(w) : DISSECT_OTHER;
	case 104: /* Cisco HDLC */
		if (w->have < 4)
			return DISSECT_OTHER;
		type = rd16(w->p + 2);
		walk_skip(w, 4);
		return walk_type(w, type);
	default:
		w->d->why = "its link type is not one that is read here";
		return DISSECT_BAD;
	}
}
