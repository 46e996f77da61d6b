/* ARP messages (RFC 826), for IPv4 over Ethernet only: everything else is refused whole, since an
 * answer to lengths that lie would show memory or poison a table. */
#include "arp.h"

#include <string.h>

#define HTYPE_ETHER 1
#define PTYPE_IP4 0x0800

bool arp_parse(const uint8_t *p, size_t len, struct arp_msg *m)
{
	if (len < ARP_LEN)
		return false;
	if (rd16(p) != HTYPE_ETHER || rd16(p + 2) != PTYPE_IP4 || p[4] != 6 || p[5] != 4)
		return false;
	m->op = rd16(p + 6);
	memcpy(m->sha.b, p + 8, 6);
	m->spa = rd32(p + 14);
	memcpy(m->tha.b, p + 18, 6);
	m->tpa = rd32(p + 24);
	return true;
}

void arp_emit(uint8_t p[ARP_LEN], const struct arp_msg *m)
{
	wr16(p, HTYPE_ETHER);
	wr16(p + 2, PTYPE_IP4);
	p[4] = 6;
	p[5] = 4;
	wr16(p + 6, m->op);
	memcpy(p + 8, m->sha.b, 6);
	wr32(p + 14, m->spa);
	memcpy(p + 18, m->tha.b, 6);
	wr32(p + 24, m->tpa);
}
