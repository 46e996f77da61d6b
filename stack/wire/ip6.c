/* IPv6 headers (RFC 8200 3, 4). The walk over extension headers ends at the first that is not one
 * of hop-by-hop, routing, destination or fragment, or at the header of a real fragment: what
 * follows that belongs to the reassembled packet. Work is bounded as RFC 8504 5.3 permits: headers,
 * options per header, and padding. Jumbograms (RFC 2675) are refused. */
#include "ip.h"

#include <string.h>

#define NH_HOP_BY_HOP 0
#define NH_ROUTING 43
#define NH_FRAGMENT 44
#define NH_DEST 60

#define OPT_PAD1 0
#define OPT_PADN 1
#define OPT_JUMBO 0xc2

#define MAX_EXT_HDRS 8
#define MAX_OPTIONS 8 /* in one header, padding not counted */
#define MAX_PADDING 7 /* bytes in a row: enough to align to 8 */

#define MAX_PAYLOAD 65535

/* RFC 4443 3.4. */
enum { PROBLEM_FIELD, PROBLEM_NEXT_HEADER, PROBLEM_OPTION };

/* Where the walk stands. `end` bytes of the packet are there; `nh_at` is the offset of the field
 * that named the header at `at`. */
struct walk {
	const uint8_t *p;
	size_t end, at, nh_at;
	struct ip_hdr *h;
	uint32_t problem;
	uint8_t problem_code;
};

static enum ip_verdict problem(struct walk *w, uint8_t code, size_t at)
{
	w->problem = (uint32_t)at;
	w->problem_code = code;
	return IP_PARAM_PROBLEM;
}

static bool is_multicast(const struct addr *a)
{
	return a->b[0] == 0xff;
}

/* RFC 8200 4.2: the two highest bits say what to do with an option that one does not know. */
static enum ip_verdict unknown_option(struct walk *w, size_t at)
{
	switch (w->p[at] >> 6) {
	case 0:
		return IP_OK;
	case 1:
		return IP_BAD_OPTION;
	case 2:
		return problem(w, PROBLEM_OPTION, at);
	default:
		if (is_multicast(&w->h->dst))
			return IP_BAD_OPTION;
		return problem(w, PROBLEM_OPTION, at);
	}
}

static enum ip_verdict options_parse(struct walk *w, size_t at, size_t end)
{
	unsigned options = 0, padding = 0;

	while (at < end) {
		const uint8_t *opt = w->p + at;
		enum ip_verdict v;
		size_t len;

		if (opt[0] != OPT_PAD1 && end - at < 2)
			return IP_BAD_OPTION;
		len = opt[0] == OPT_PAD1 ? 1 : 2 + (size_t)opt[1];
		if (len > end - at)
			return IP_BAD_OPTION;
		if (opt[0] == OPT_PAD1 || opt[0] == OPT_PADN) {
			padding += (unsigned)len;
			if (padding > MAX_PADDING)
				return IP_BAD_OPTION;
			at += len;
			continue;
		}
		padding = 0;
		if (opt[0] == OPT_JUMBO || ++options > MAX_OPTIONS)
			return IP_BAD_OPTION;
		v = unknown_option(w, at);
		if (v != IP_OK)
			return v;
		at += len;
	}
	return IP_OK;
}

/* RFC 5095 for type 0; RFC 8200 4.4 for types that we do not know, which is all others. */
static enum ip_verdict routing_parse(struct walk *w)
{
	const uint8_t *p = w->p + w->at;

	if (p[2] == 0)
		w->h->source_route = true;
	else if (p[3] != 0)
		return problem(w, PROBLEM_FIELD, w->at + 2);
	return IP_OK;
}

/* RFC 8200 4.5. A packet that is its own only fragment (RFC 6946) is none. */
static enum ip_verdict fragment_parse(struct walk *w)
{
	const uint8_t *p = w->p + w->at;
	struct ip_hdr *h = w->h;
	size_t len = w->end - w->at - IP6_FRAG_LEN;

	h->frag_off = rd16(p + 2) & 0xfff8;
	h->more_frags = p[3] & 1;
	h->id = rd32(p + 4);
	h->frag = h->frag_off || h->more_frags;
	if (h->more_frags && len % 8)
		return problem(w, PROBLEM_FIELD, 4);
	if (h->frag && len == 0)
		return IP_BAD;
	if (h->frag_off + len > MAX_PAYLOAD)
		return problem(w, PROBLEM_FIELD, w->at + 2);
	return IP_OK;
}

static enum ip_verdict ext_parse(struct walk *w, uint8_t kind, size_t len)
{
	switch (kind) {
	case NH_ROUTING:
		return routing_parse(w);
	case NH_FRAGMENT:
		return fragment_parse(w);
	default:
		return options_parse(w, w->at + 2, w->at + len);
	}
}

static bool is_ext(uint8_t nh)
{
	return nh == NH_HOP_BY_HOP || nh == NH_ROUTING || nh == NH_FRAGMENT || nh == NH_DEST;
}

static enum ip_verdict ext_walk(struct walk *w)
{
	struct ip_hdr *h = w->h;

	for (int n = 0; is_ext(h->proto) && !h->frag; n++) {
		uint8_t kind = h->proto;
		enum ip_verdict v;
		size_t len;

		if (kind == NH_HOP_BY_HOP && n > 0)
			return problem(w, PROBLEM_NEXT_HEADER, w->nh_at);
		if (n == MAX_EXT_HDRS || w->end - w->at < 8)
			return IP_BAD;
		len = kind == NH_FRAGMENT ? IP6_FRAG_LEN : 8 + (size_t)w->p[w->at + 1] * 8;
		if (len > w->end - w->at)
			return IP_BAD;
		v = ext_parse(w, kind, len);
		if (v != IP_OK)
			return v;
		if (kind != NH_FRAGMENT)
			h->has_options = true;
		h->proto = w->p[w->at];
		w->nh_at = w->at;
		w->at += len;
	}
	return IP_OK;
}

static struct addr addr_at(const uint8_t *p)
{
	struct addr a;

	memcpy(a.b, p, 16);
	return a;
}

enum ip_verdict ip6_parse(const uint8_t *p, size_t len, struct ip_hdr *h, uint32_t *problem_at,
			  uint8_t *problem_code)
{
	struct walk w = {.p = p, .at = IP6_LEN, .nh_at = 6, .h = h};
	enum ip_verdict v;

	*problem_at = 0;
	*problem_code = 0;
	if (len < IP6_LEN || p[0] >> 4 != 6 || rd16(p + 4) > len - IP6_LEN)
		return IP_BAD;
	w.end = IP6_LEN + (size_t)rd16(p + 4);
	*h = (struct ip_hdr){
		.src = addr_at(p + 8),
		.dst = addr_at(p + 24),
		.version = 6,
		.proto = p[6],
		.ttl = p[7],
		.tos = (uint8_t)(rd16(p) >> 4),
		.flow_label = rd32(p) & 0xfffff,
	};
	/* ::ffff:0:0/96 means IPv4 behind this parser; on the wire it is a forgery. */
	if (addr_is_v4(&h->src) || addr_is_v4(&h->dst))
		return IP_BAD;
	v = ext_walk(&w);
	*problem_at = w.problem;
	*problem_code = w.problem_code;
	h->hdr_len = (uint16_t)w.at;
	h->payload_len = (uint32_t)(w.end - w.at);
	return v;
}

void ip6_emit(uint8_t p[IP6_LEN], const struct ip_hdr *h)
{
	wr32(p, (uint32_t)6 << 28 | (uint32_t)h->tos << 20 | (h->flow_label & 0xfffff));
	wr16(p + 4, (uint16_t)h->payload_len);
	p[6] = h->proto;
	p[7] = h->ttl;
	memcpy(p + 8, h->src.b, 16);
	memcpy(p + 24, h->dst.b, 16);
}
