/* IPv4 headers (RFC 791 3.1, RFC 1122 3.2.1). A fragment that no sender could have made (RFC 791
 * 3.2: 8-byte units, an end within 65,535) is refused here, before it can hold memory. */
#include "csum.h"
#include "ip.h"

#include <string.h>

#define OPT_EOL 0
#define OPT_NOP 1
#define OPT_RR 7
#define OPT_TS 68
#define OPT_LSRR 131
#define OPT_SSRR 137

#define FLAG_DF 0x4000
#define FLAG_MF 0x2000
#define MAX_TOTAL 65535

/* The least length and pointer of the options that record something (RFC 791 3.1). */
static bool record_is_legal(const uint8_t *opt, uint8_t len)
{
	switch (opt[0]) {
	case OPT_RR:
	case OPT_LSRR:
	case OPT_SSRR:
		return len >= 3 && opt[2] >= 4;
	case OPT_TS:
		return len >= 4 && opt[2] >= 5;
	default:
		return true;
	}
}

static bool options_parse(const uint8_t *p, size_t len, struct ip_hdr *h)
{
	for (size_t i = 0; i < len && p[i] != OPT_EOL;) {
		uint8_t opt_len;

		if (p[i] == OPT_NOP) {
			i++;
			continue;
		}
		if (len - i < 2)
			return false;
		opt_len = p[i + 1];
		if (opt_len < 2 || opt_len > len - i || !record_is_legal(p + i, opt_len))
			return false;
		if (p[i] == OPT_LSRR || p[i] == OPT_SSRR)
			h->source_route = true;
		i += opt_len;
	}
	return true;
}

static bool fragment_is_possible(const struct ip_hdr *h)
{
	if (h->payload_len == 0 || (h->more_frags && h->payload_len % 8))
		return false;
	return h->hdr_len + h->frag_off + h->payload_len <= MAX_TOTAL;
}

enum ip_verdict ip4_parse(const uint8_t *p, size_t len, struct ip_hdr *h, bool tso_zero)
{
	size_t hdr_len, total;
	uint16_t frag;

	if (len < IP4_LEN || p[0] >> 4 != 4)
		return IP_BAD;
	hdr_len = (size_t)(p[0] & 15) * 4;
	total = rd16(p + 2);
	if (total == 0 && tso_zero)
		total = len;
	if (hdr_len < IP4_LEN || hdr_len > len || total < hdr_len || total > len)
		return IP_BAD;
	if (csum_fold(csum_add(0, p, hdr_len)) != 0xffff)
		return IP_BAD;
	frag = rd16(p + 6);
	*h = (struct ip_hdr){
		.src = addr_v4(rd32(p + 12)),
		.dst = addr_v4(rd32(p + 16)),
		.version = 4,
		.proto = p[9],
		.ttl = p[8],
		.tos = p[1],
		.hdr_len = (uint16_t)hdr_len,
		.payload_len = (uint32_t)(total - hdr_len),
		.id = rd16(p + 4),
		.frag_off = (uint16_t)((frag & 0x1fff) * 8),
		.more_frags = frag & FLAG_MF,
		.dont_frag = frag & FLAG_DF,
		.has_options = hdr_len > IP4_LEN,
	};
	h->frag = h->frag_off || h->more_frags;
	if (h->frag && !fragment_is_possible(h))
		return IP_BAD;
	return options_parse(p + IP4_LEN, hdr_len - IP4_LEN, h) ? IP_OK : IP_BAD_OPTION;
}

void ip4_emit(uint8_t p[IP4_LEN], const struct ip_hdr *h)
{
	uint32_t src = addr_to_v4(&h->src), dst = addr_to_v4(&h->dst);
	uint16_t total = (uint16_t)(IP4_LEN + h->payload_len), id = (uint16_t)h->id;
	uint16_t frag = (uint16_t)(h->frag_off / 8 | (h->more_frags ? FLAG_MF : 0) |
				   (h->dont_frag ? FLAG_DF : 0));
	/* From the values, since reading back what was just written in small pieces would stall. */
	csum_t sum = (0x4500u | h->tos) + total + id + frag + ((uint32_t)h->ttl << 8 | h->proto) +
		     (csum_t)(src >> 16) + (src & 0xffff) + (dst >> 16) + (dst & 0xffff);

	p[0] = 0x45;
	p[1] = h->tos;
	wr16(p + 2, total);
	wr16(p + 4, id);
	wr16(p + 6, frag);
	p[8] = h->ttl;
	p[9] = h->proto;
	wr16(p + 10, (uint16_t)~csum_fold_native(sum));
	wr32(p + 12, src);
	wr32(p + 16, dst);
}
