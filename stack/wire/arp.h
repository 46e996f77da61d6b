/* ARP for IPv4 over Ethernet (RFC 826), and its probes (RFC 5227). */
#ifndef WIRE_ARP_H
#define WIRE_ARP_H

#include "../base/addr.h"
#include <stddef.h>

#define ARP_LEN 28
#define ARP_REQUEST 1
#define ARP_REPLY 2

struct arp_msg {
	uint16_t op;
	struct mac sha, tha;
	uint32_t spa, tpa; /* IPv4, host order */
};

bool arp_parse(const uint8_t *p, size_t len, struct arp_msg *m); /* htype 1, ptype IPv4, 6/4 only */
void arp_emit(uint8_t p[ARP_LEN], const struct arp_msg *m);

#endif
