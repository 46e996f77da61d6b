/* The Internet checksum (RFC 1071). Sums are kept unfolded in 64 bits and may be added up; a part
 * that starts at an odd offset is added with csum_shift. */
#ifndef WIRE_CSUM_H
#define WIRE_CSUM_H

#include "../base/pkt.h"
#include "ip.h"

typedef uint64_t csum_t;

csum_t csum_add(csum_t sum, const void *bytes, size_t len);       /* len may be odd: last part only */
csum_t csum_copy(csum_t sum, void *to, const void *from, size_t len); /* copies on the way */
csum_t csum_shift(csum_t sum);  /* the sum of bytes as if they began one byte later */
/* Folded, not inverted; native: in the machine's byte order. */
static inline uint16_t csum_fold_native(csum_t sum)
{
	sum = (uint32_t)sum + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}
static inline uint16_t csum_fold(csum_t sum)
{
	uint16_t v = csum_fold_native(sum);

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	v = (uint16_t)(v << 8 | v >> 8);
#endif
	return v;
}
csum_t csum_pseudo(const struct addr *src, const struct addr *dst, uint8_t proto, uint32_t len);

/* The transport checksum over a pkt from l4_off to its end, pseudo header included: 0 if right. */
uint16_t csum_pkt(const struct pkt *, const struct addr *src, const struct addr *dst,
		  uint8_t proto);
/* Fills the checksum field of a CSUM_PARTIAL pkt (single frame: gso_size 0) and makes it
 * CSUM_VERIFIED. Reads the addresses from the IP header at l3_off. */
void csum_complete(struct pkt *);
/* Same, into a copy of the frame's bytes: `frame` holds the first cap bytes (the capture's snap
 * length), the sum is made over the whole pkt. */
void csum_complete_copy(const struct pkt *, uint8_t *frame, uint32_t cap);

#endif
