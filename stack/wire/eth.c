/* Ethernet II headers (IEEE 802.3 3.2), with 802.1Q and 802.1ad tags counted into the header. */
#include "eth.h"

#include <string.h>

#define TAG_LEN 4

static bool is_tag(uint16_t type)
{
	return type == ETH_VLAN || type == ETH_QINQ;
}

bool eth_parse(const uint8_t *p, size_t len, struct eth_hdr *h)
{
	if (len < ETH_LEN)
		return false;
	memcpy(h->dst.b, p, 6);
	memcpy(h->src.b, p + 6, 6);
	h->type = rd16(p + 12);
	h->hdr_len = ETH_LEN;
	h->vlan = 0;
	for (int tags = 0; is_tag(h->type); tags++) {
		if (tags == ETH_TAGS_MAX || len < (size_t)h->hdr_len + TAG_LEN)
			return false;
		if (tags == 0)
			h->vlan = rd16(p + h->hdr_len) & 0xfff;
		h->type = rd16(p + h->hdr_len + 2);
		h->hdr_len += TAG_LEN;
	}
	return true;
}

void eth_emit(uint8_t p[ETH_LEN], const struct mac *dst, const struct mac *src, uint16_t type)
{
	memcpy(p, dst->b, 6);
	memcpy(p + 6, src->b, 6);
	wr16(p + 12, type);
}
