/* Ethernet II with up to two 802.1Q/802.1ad tags skipped over (IEEE 802.3, 802.1Q). */
#ifndef WIRE_ETH_H
#define WIRE_ETH_H

#include "../base/addr.h"
#include <stddef.h>

#define ETH_LEN 14
#define ETH_IP4 0x0800
#define ETH_ARP 0x0806
#define ETH_VLAN 0x8100
#define ETH_QINQ 0x88a8
#define ETH_IP6 0x86dd
#define ETH_TAGS_MAX 8 /* more tags than this is nonsense, not a frame */

struct eth_hdr {
	struct mac dst, src;
	uint16_t type;    /* of the payload, behind any tags; < 1536 is an 802.3 length */
	uint16_t hdr_len; /* 14, or 18, 22 ... with tags */
	uint16_t vlan;    /* the outermost tag's VLAN id, 0 without tags */
};

/* All parse functions: true and *h filled, or false when the bytes are too short or lie. */
bool eth_parse(const uint8_t *p, size_t len, struct eth_hdr *h);
void eth_emit(uint8_t p[ETH_LEN], const struct mac *dst, const struct mac *src, uint16_t type);

#endif
