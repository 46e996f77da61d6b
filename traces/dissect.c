/* Link types Ethernet (with VLAN tags), Linux cooked v1 and v2, raw IP and BSD loopback; IPv4, and
 * IPv6 with at most 8 extension headers; then TCP.
 *
 * The IP headers are read here and not by wire/ip.c: a capture may be cut by its snap length, so
 * that the bytes that a header speaks of are not there; checksums may still be due because the
 * device fills them in; and the total length may be 0 where the device cuts segments. None of that
 * must fail here, all of it must fail in a stack. TCP itself is read by the stack's parser. */
#include "dissect.h"

#include "../stack/base/bytes.h"
#include "../stack/wire/eth.h"
#include "../stack/wire/ip.h"

#define EXT_HEADERS_MAX 8
#define SEGMENT_MAX (1u << 18) /* offload makes long ones, but none so long */

/* What is left to look at: `have` bytes are there, `len` were on the wire. */
struct view {
	const uint8_t *p;
	uint32_t have, len;
};

static bool skip(struct view *v, uint32_t n)
{
	if (v->have < n)
		return false;
	v->p += n;
	v->have -= n;
	v->len -= n;
	return true;
}

/* Cuts what lies behind the end that a header gave (an Ethernet trailer). */
static void cut(struct view *v, uint32_t len)
{
	v->len = len;
	if (v->have > len)
		v->have = len;
}

static enum dissect_result bad(struct dissected *d, const char *why)
{
	d->why = why;
	return DISSECT_BAD;
}

static enum dissect_result tcp(struct view *v, struct dissected *d)
{
	if (v->have < TCP_LEN)
		return bad(d, "truncated TCP header");
	if (v->len > SEGMENT_MAX)
		return bad(d, "a TCP segment of more than 256 kB");
	if (!tcp_parse(v->p, v->have, &d->seg))
		return bad(d, (v->p[12] >> 4) < 5 ? "TCP data offset under 5" :
			      (v->p[12] >> 4) * 4u > v->len ? "TCP data offset past the packet" :
							      "truncated TCP header");
	d->seg.len = v->len - d->seg.hdr_len;
	d->there = v->have - d->seg.hdr_len;
	d->payload = v->p + d->seg.hdr_len;
	return DISSECT_TCP;
}

static enum dissect_result ip4(struct view *v, struct dissected *d)
{
	uint32_t hdr, total;

	if (v->have < IP4_LEN)
		return bad(d, "truncated IPv4 header");
	hdr = (v->p[0] & 15) * 4u;
	total = rd16(v->p + 2);
	if (v->p[9] != PROTO_TCP)
		return DISSECT_OTHER;
	if (rd16(v->p + 6) & 0x1fff)
		return DISSECT_OTHER; /* a later fragment */
	if (hdr < IP4_LEN || hdr > v->have)
		return bad(d, hdr < IP4_LEN ? "IPv4 header length under 20" :
			      hdr > v->len ? "IPv4 header length past the frame" : "truncated IPv4 header");
	if (rd16(v->p + 6) & 0x2000)
		return bad(d, "first fragment of a TCP segment");
	if (total == 0)
		total = v->len; /* segmentation offload: the device writes it */
	if (total < hdr || total > v->len)
		return bad(d, total < hdr ? "IPv4 total length under its header" :
					    "IPv4 total length past the frame");
	d->version = 4;
	d->src = addr_v4(rd32(v->p + 12));
	d->dst = addr_v4(rd32(v->p + 16));
	d->ipid = rd16(v->p + 4);
	d->ttl = v->p[8];
	d->tos = v->p[1];
	cut(v, total);
	skip(v, hdr);
	return tcp(v, d);
}

static enum dissect_result ip6(struct view *v, struct dissected *d)
{
	uint32_t payload;
	uint8_t next;

	if (v->have < IP6_LEN)
		return bad(d, "truncated IPv6 header");
	d->version = 6;
	memcpy(d->src.b, v->p + 8, 16);
	memcpy(d->dst.b, v->p + 24, 16);
	d->ttl = v->p[7];
	d->tos = (uint8_t)(v->p[0] << 4 | v->p[1] >> 4);
	payload = rd16(v->p + 4);
	next = v->p[6];
	skip(v, IP6_LEN);
	if (payload > v->len)
		return next == PROTO_TCP ? bad(d, "IPv6 payload length past the frame") : DISSECT_OTHER;
	if (payload)
		cut(v, payload);
	for (int i = 0; i <= EXT_HEADERS_MAX; i++) {
		uint32_t n;

		if (next == PROTO_TCP)
			return tcp(v, d);
		if (next != 0 && next != 43 && next != 60 && next != 44) /* options, routing, fragment */
			return DISSECT_OTHER;
		if (v->have < 8)
			return DISSECT_OTHER;
		n = next == 44 ? 8 : 8 + v->p[1] * 8u;
		if (next == 44 && (rd16(v->p + 2) & 0xfff9))
			return DISSECT_OTHER; /* a real fragment, not an atomic one */
		next = v->p[0];
		if (!skip(v, n))
			return DISSECT_OTHER;
	}
	return DISSECT_OTHER;
}

static enum dissect_result ip(struct view *v, struct dissected *d)
{
	if (v->have < 1)
		return DISSECT_OTHER;
	if (v->p[0] >> 4 == 4)
		return ip4(v, d);
	if (v->p[0] >> 4 == 6)
		return ip6(v, d);
	return DISSECT_OTHER;
}

static enum dissect_result ethertype(struct view *v, uint16_t type, struct dissected *d)
{
	for (int tags = 0; type == ETH_VLAN || type == ETH_QINQ || type == 0x9100; tags++) {
		if (tags == ETH_TAGS_MAX || v->have < 4)
			return DISSECT_OTHER;
		type = rd16(v->p + 2);
		skip(v, 4);
	}
	if (type != ETH_IP4 && type != ETH_IP6)
		return DISSECT_OTHER;
	return ip(v, d);
}

/* The address family in front of a BSD loopback frame; its byte order is that of some machine. */
static enum dissect_result loopback(struct view *v, struct dissected *d)
{
	return skip(v, 4) ? ip(v, d) : DISSECT_OTHER;
}

enum dissect_result dissect(const struct reader_pkt *k, struct dissected *d)
{
	struct view v = {k->data, k->caplen, k->len};
	uint16_t type;

	d->ipid = 0;
	d->why = NULL;
	switch (k->linktype) {
	case 1: /* Ethernet */
		if (v.have < ETH_LEN)
			return DISSECT_OTHER;
		type = rd16(v.p + 12);
		skip(&v, ETH_LEN);
		return ethertype(&v, type, d);
	case 113: /* Linux cooked */
		if (v.have < 16)
			return DISSECT_OTHER;
		type = rd16(v.p + 14);
		skip(&v, 16);
		return ethertype(&v, type, d);
	case 276: /* Linux cooked, version 2 */
		if (v.have < 20)
			return DISSECT_OTHER;
		type = rd16(v.p);
		skip(&v, 20);
		return ethertype(&v, type, d);
	case 0:   /* BSD loopback */
	case 108: /* OpenBSD loopback */
		return loopback(&v, d);
	case 12: /* raw IP, by its several numbers */
	case 14:
	case 101:
	case 228:
	case 229:
		return ip(&v, d);
	default:
		return DISSECT_OTHER;
	}
}
