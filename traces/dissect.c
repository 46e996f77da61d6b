/* IPv4, and IPv6 with at most 8 extension headers; then TCP. What they are wrapped in is encap.c's.
 *
 * The IP headers are read here and not by wire/ip.c: a capture may be cut by its snap length, so
 * that the bytes that a header speaks of are not there; checksums may still be due because the
 * device fills them in; and the total length may be 0 where the device cuts segments. None of that
 * must fail here, all of it must fail in a stack. TCP itself is read by the stack's parser. */
#include "layers.h"

#include "../stack/base/bytes.h"
#include "../stack/wire/csum.h"
#include "../stack/wire/ip.h"

#define EXT_HEADERS_MAX 8
#define SEGMENT_MAX (1u << 18) /* offload makes long ones, but none so long */

/* Tunnels; then IPv6 extension headers, and AH, which IPv4 has as well. */
enum { PROTO_IP4 = 4, PROTO_IP6 = 41, PROTO_GRE = 47 };
enum { HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, AUTHENTICATION = 51, DESTINATION = 60 };

/* Cuts what lies behind the end that a header gave (an Ethernet trailer). */
static void cut(struct walk *w, uint32_t len)
{
	w->len = len;
	if (w->have > len)
		w->have = len;
}

static enum dissect_result bad(struct walk *w, const char *why)
{
	w->d->why = why;
	return DISSECT_BAD;
}

/* A header that lies: of TCP that is to be told, of another protocol nobody asked. */
static enum dissect_result lie(struct walk *w, uint8_t proto, const char *why)
{
	return proto == PROTO_TCP ? bad(w, why) : DISSECT_OTHER;
}

/* The bytes of options that are there, up to the last whole one. */
static uint32_t whole_options(const uint8_t *p, uint32_t have)
{
	uint32_t at = 0;

	while (at < have && p[at] != 0) {
		uint32_t n = p[at] == 1 ? 1 : at + 1 < have ? p[at + 1] : 0;

		if (n == 0 || (n < 2 && p[at] != 1) || n > have - at)
			break;
		at += n;
	}
	return at;
}

static enum dissect_result tcp(struct walk *w)
{
	struct dissected *d = w->d;
	uint8_t copy[TCP_MAX_HDR] = {0};
	uint32_t hdr;

	if (w->have < TCP_LEN)
		return bad(w, "truncated TCP header");
	if (w->len > SEGMENT_MAX)
		return bad(w, "a TCP segment of more than 256 kB");
	hdr = (w->p[12] >> 4) * 4u;
	if (hdr < TCP_LEN)
		return bad(w, "TCP data offset under 5");
	if (hdr > w->len)
		return bad(w, "TCP data offset past the packet");
	d->options_cut = hdr > w->have;
	if (d->options_cut) { /* what is missing reads as the end of the list */
		memcpy(copy, w->p, TCP_LEN + whole_options(w->p + TCP_LEN, w->have - TCP_LEN));
		tcp_parse(copy, hdr, &d->seg);
	} else {
		tcp_parse(w->p, w->have, &d->seg);
	}
	d->seg.len = w->len - hdr;
	d->there = w->have > hdr ? w->have - hdr : 0;
	d->payload = w->p + (d->there ? hdr : w->have);
	return DISSECT_TCP;
}

/* RFC 4302: what AH protects is not encrypted, and follows it. */
static bool skip_authentication(struct walk *w, uint8_t *proto)
{
	if (w->have < 8)
		return false;
	*proto = w->p[0];
	return walk_skip(w, (w->p[1] + 2u) * 4u);
}

static enum dissect_result payload(struct walk *w, uint8_t proto)
{
	if (proto == AUTHENTICATION && !skip_authentication(w, &proto))
		return DISSECT_OTHER;
	return proto == PROTO_TCP ? tcp(w) : walk_tunnel(w, proto);
}

/* Only pieces of what may hold TCP are worth putting together. UDP is left out: its tunnels must not be
 * cut into fragments (RFC 7348 4.3), and much else is. */
static enum dissect_result fragment(struct walk *w, uint8_t proto, uint32_t id, uint32_t off, bool more)
{
	if (proto != PROTO_TCP && proto != PROTO_IP4 && proto != PROTO_IP6 && proto != PROTO_GRE)
		return DISSECT_OTHER;
	w->d->frag = (struct dissect_fragment){
		.id = id,
		.off = off,
		.len = w->len,
		.have = w->have,
		.bytes = w->p,
		.proto = proto,
		.more = more,
	};
	return DISSECT_FRAGMENT;
}

static enum dissect_result ip4(struct walk *w)
{
	struct dissected *d = w->d;
	uint32_t hdr, total;
	uint16_t frag;
	uint8_t proto;

	if (w->have < IP4_LEN)
		return bad(w, "truncated IPv4 header");
	hdr = (w->p[0] & 15) * 4u;
	total = rd16(w->p + 2);
	frag = rd16(w->p + 6);
	proto = w->p[9];
	if (hdr < IP4_LEN || hdr > w->have)
		return lie(w, proto, hdr < IP4_LEN ? "IPv4 header length under 20" :
				     hdr > w->len ? "IPv4 header length past the frame" : "truncated IPv4 header");
	if (total == 0)
		total = w->len; /* segmentation offload: the device writes it */
	if (total < hdr)
		return lie(w, proto, "IPv4 total length under its header");
	/* A frame shorter than its header says, whose checksum vouches for the header, was cut by a tool
	 * that wrote the wrong length for it. */
	if (total > w->len && csum_fold(csum_add(0, w->p, hdr)) != 0xffff)
		return lie(w, proto, "IPv4 total length past the frame");
	d->cut = total > w->len;
	d->version = 4;
	d->src = addr_v4(rd32(w->p + 12));
	d->dst = addr_v4(rd32(w->p + 16));
	d->ipid = rd16(w->p + 4);
	d->ttl = w->p[8];
	d->tos = w->p[1];
	cut(w, total);
	walk_skip(w, hdr);
	if (frag & 0x3fff)
		return fragment(w, proto, d->ipid, (frag & 0x1fffu) * 8u, frag & 0x2000);
	return payload(w, proto);
}

static enum dissect_result ip6(struct walk *w)
{
	struct dissected *d = w->d;
	uint32_t len;
	uint8_t next;

	if (w->have < IP6_LEN)
		return bad(w, "truncated IPv6 header");
	d->version = 6;
	memcpy(d->src.b, w->p + 8, 16);
	memcpy(d->dst.b, w->p + 24, 16);
	d->ipid = 0;
	d->ttl = w->p[7];
	d->tos = (uint8_t)(w->p[0] << 4 | w->p[1] >> 4);
	len = rd16(w->p + 4);
	next = w->p[6];
	walk_skip(w, IP6_LEN);
	if (len > w->len)
		return lie(w, next, "IPv6 payload length past the frame");
	if (len)
		cut(w, len);
	for (int i = 0; i <= EXT_HEADERS_MAX; i++) {
		uint32_t n;

		if (next != HOP_BY_HOP && next != ROUTING && next != DESTINATION && next != FRAGMENT)
			return payload(w, next);
		if (w->have < 8)
			return DISSECT_OTHER;
		n = next == FRAGMENT ? 8 : 8 + w->p[1] * 8u;
		if (next == FRAGMENT && rd16(w->p + 2) & 0xfff9) { /* a real one, not an atomic one */
			uint32_t id = rd32(w->p + 4);
			uint16_t field = rd16(w->p + 2);
			uint8_t proto = w->p[0];

			walk_skip(w, 8);
			return fragment(w, proto, id, field & 0xfff8u, field & 1);
		}
		next = w->p[0];
		if (!walk_skip(w, n))
			return DISSECT_OTHER;
	}
	return DISSECT_OTHER;
}

enum dissect_result walk_ip(struct walk *w)
{
	if (w->have < 1 || ++w->layers > LAYERS_MAX)
		return DISSECT_OTHER;
	if (w->p[0] >> 4 == 4)
		return ip4(w);
	if (w->p[0] >> 4 == 6)
		return ip6(w);
	return DISSECT_OTHER;
}

static void start(struct dissected *d)
{
	d->ipid = 0;
	d->why = NULL;
	d->tunnel = NULL;
	d->cut = false;
}

enum dissect_result dissect(const struct reader_pkt *k, struct dissected *d)
{
	struct walk w = {.p = k->data, .have = k->caplen, .len = k->len, .d = d};

	start(d);
	return walk_link(&w, k->linktype);
}

enum dissect_result dissect_payload(uint8_t proto, const uint8_t *p, uint32_t have, uint32_t len,
				    struct dissected *d)
{
	struct walk w = {.p = p, .have = have, .len = len, .layers = LAYERS_MAX / 2, .d = d};

	d->why = NULL;
	return payload(&w, proto);
}
