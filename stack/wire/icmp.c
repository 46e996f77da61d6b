/* ICMP messages (RFC 792, RFC 4443) and the packet that an error quotes. The quote is what a
 * stranger says that we sent: its length fields are not believed, and what is cut off is not
 * guessed. */
#include "icmp.h"

#include <string.h>

#define NH_HOP_BY_HOP 0
#define NH_ROUTING 43
#define NH_FRAGMENT 44
#define NH_DEST 60
#define MAX_EXT_HDRS 8

bool icmp_parse(const uint8_t *p, size_t len, struct icmp_msg *m)
{
	if (len < ICMP_LEN)
		return false;
	m->type = p[0];
	m->code = p[1];
	m->rest = rd32(p + 4);
	m->body = p + ICMP_LEN;
	m->body_len = len - ICMP_LEN;
	return true;
}

/* Both return the length of the inner header, 0 if it is cut or lies, or if the packet is a later
 * fragment, which has no ports. */
static size_t inner_ip4(const uint8_t *p, size_t len, struct icmp_inner *in)
{
	size_t hdr_len;

	if (len < IP4_LEN || p[0] >> 4 != 4)
		return 0;
	hdr_len = (size_t)(p[0] & 15) * 4;
	if (hdr_len < IP4_LEN || hdr_len > len || rd16(p + 6) & 0x1fff)
		return 0;
	in->proto = p[9];
	in->src = addr_v4(rd32(p + 12));
	in->dst = addr_v4(rd32(p + 16));
	return hdr_len;
}

static size_t inner_ip6(const uint8_t *p, size_t len, struct icmp_inner *in)
{
	size_t at = IP6_LEN;

	if (len < IP6_LEN || p[0] >> 4 != 6)
		return 0;
	memcpy(in->src.b, p + 8, 16);
	memcpy(in->dst.b, p + 24, 16);
	if (addr_is_v4(&in->src) || addr_is_v4(&in->dst))
		return 0;
	in->proto = p[6];
	for (int n = 0; n <= MAX_EXT_HDRS; n++) { /* the last turn only looks */
		size_t ext_len;

		if (in->proto != NH_HOP_BY_HOP && in->proto != NH_ROUTING &&
		    in->proto != NH_FRAGMENT && in->proto != NH_DEST)
			return at;
		if (len - at < 8)
			return 0;
		if (in->proto == NH_FRAGMENT && rd16(p + at + 2) & 0xfff8)
			return 0;
		ext_len = in->proto == NH_FRAGMENT ? IP6_FRAG_LEN : 8 + (size_t)p[at + 1] * 8;
		if (ext_len > len - at)
			return 0;
		in->proto = p[at];
		at += ext_len;
	}
	return 0;
}

bool icmp_inner_parse(const struct icmp_msg *m, bool v6, struct icmp_inner *in)
{
	const uint8_t *p = m->body;
	size_t len = m->body_len, hdr_len;

	memset(in, 0, sizeof(*in));
	hdr_len = v6 ? inner_ip6(p, len, in) : inner_ip4(p, len, in);
	if (!hdr_len)
		return false;
	if (in->proto != PROTO_TCP && in->proto != PROTO_UDP)
		return true;
	if (len - hdr_len < 4)
		return false;
	in->sport = rd16(p + hdr_len);
	in->dport = rd16(p + hdr_len + 2);
	if (in->proto == PROTO_TCP && len - hdr_len >= 8) {
		in->seq = rd32(p + hdr_len + 4);
		in->has_seq = true;
	}
	return true;
}
