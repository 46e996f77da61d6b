/* UDP headers (RFC 768). */
#include "udp.h"

#include "../base/bytes.h"

bool udp_parse(const uint8_t *p, size_t len, struct udp_hdr *h)
{
	if (len < UDP_LEN)
		return false;
	h->sport = rd16(p);
	h->dport = rd16(p + 2);
	h->len = rd16(p + 4);
	h->csum = rd16(p + 6);
	return h->len >= UDP_LEN && h->len <= len;
}
