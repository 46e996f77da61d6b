/* The Internet checksum. A sum is kept in the machine's own byte order, which ones' complement
 * addition allows (RFC 1071 2B), as a 64-bit sum of 32-bit words: 2^32 of them fit, so sums may be
 * added up without a carry. csum_fold brings it to 16 bits in host order. */
#include "csum.h"

#include <string.h>

#include "../base/check.h"

#define TCP_CSUM_OFF 16
#define UDP_CSUM_OFF 6

static uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return v;
}

static uint64_t halves(uint64_t v)
{
	return (uint32_t)v + (v >> 32);
}

/* Fewer than 8 bytes, as if zeros followed. */
static uint64_t tail(const uint8_t *p, size_t len)
{
	uint64_t v = 0;

	memcpy(&v, p, len);
	return halves(v);
}

csum_t csum_add(csum_t sum, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint64_t a = 0, b = 0, c = 0, d = 0; /* four, so that the additions need not wait */

	for (; len >= 32; p += 32, len -= 32) {
		a += halves(load64(p));
		b += halves(load64(p + 8));
		c += halves(load64(p + 16));
		d += halves(load64(p + 24));
	}
	sum += a + b + c + d;
	for (; len >= 8; p += 8, len -= 8)
		sum += halves(load64(p));
	return len ? sum + tail(p, len) : sum;
}

csum_t csum_copy(csum_t sum, void *to, const void *from, size_t len)
{
	const uint8_t *p = from;
	uint8_t *q = to;
	uint64_t a = 0, b = 0;

	for (; len >= 16; p += 16, q += 16, len -= 16) {
		uint64_t v = load64(p), w = load64(p + 8);

		a += halves(v);
		b += halves(w);
		memcpy(q, &v, 8);
		memcpy(q + 8, &w, 8);
	}
	if (!len)
		return sum + a + b;
	memcpy(q, p, len);
	return csum_add(sum + a + b, p, len);
}

static uint16_t fold_native(csum_t sum)
{
	sum = halves(sum);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint16_t swap16(uint16_t v)
{
	return (uint16_t)(v << 8 | v >> 8);
}

uint16_t csum_fold(csum_t sum)
{
	uint16_t v = fold_native(sum);

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	v = swap16(v);
#endif
	return v;
}

csum_t csum_shift(csum_t sum)
{
	return swap16(fold_native(sum)); /* RFC 1071 2B: exchanging the bytes exchanges the sum's */
}

csum_t csum_pseudo(const struct addr *src, const struct addr *dst, uint8_t proto, uint32_t len)
{
	uint8_t rest[8] = {0, 0, 0, 0, 0, 0, 0, proto};
	size_t skip = addr_is_v4(src) && addr_is_v4(dst) ? 12 : 0;
	csum_t sum = csum_add(0, src->b + skip, 16 - skip);

	wr32(rest, len);
	sum = csum_add(sum, dst->b + skip, 16 - skip);
	return csum_add(sum, rest, sizeof(rest));
}

/* Adds the bytes of a pkt from l4_off on. */
static csum_t sum_from_l4(const struct pkt *p)
{
	size_t at = p->head_len - p->l4_off;
	csum_t sum = csum_add(0, p->data + p->l4_off, at);

	for (int i = 0; i < p->nslices; i++) {
		const struct slice *s = &p->slice[i];
		csum_t part = csum_add(0, s->chunk->data + s->off, s->len);

		sum += at % 2 ? csum_shift(part) : part;
		at += s->len;
	}
	return sum;
}

uint16_t csum_pkt(const struct pkt *p, const struct addr *src, const struct addr *dst,
		  uint8_t proto)
{
	csum_t sum;

	assert(p->l4_off <= p->head_len);
	sum = csum_pseudo(src, dst, proto, p->len - p->l4_off);
	return (uint16_t)~csum_fold(sum + sum_from_l4(p));
}

/* The pseudo header of a frame of ours, whose headers are right. */
static csum_t pseudo_of(const struct pkt *p)
{
	const uint8_t *ip = p->data + p->l3_off;
	bool v6 = ip[0] >> 4 == 6;
	struct addr src, dst;

	assert(p->l3_off + (v6 ? IP6_LEN : IP4_LEN) <= p->l4_off);
	if (v6) {
		memcpy(src.b, ip + 8, 16);
		memcpy(dst.b, ip + 24, 16);
	} else {
		src = addr_v4(rd32(ip + 12));
		dst = addr_v4(rd32(ip + 16));
	}
	return csum_pseudo(&src, &dst, p->l4_proto, p->len - p->l4_off);
}

static uint32_t field_off(const struct pkt *p)
{
	uint32_t off = p->l4_off;

	assert(p->l4_proto == PROTO_TCP || p->l4_proto == PROTO_UDP);
	off += p->l4_proto == PROTO_TCP ? TCP_CSUM_OFF : UDP_CSUM_OFF;
	assert(off + 2 <= p->head_len);
	return off;
}

/* What belongs into the field, whatever stands there now. */
static uint16_t field_value(const struct pkt *p)
{
	uint8_t without[2];
	uint16_t value;

	wr16(without, (uint16_t)~rd16(p->data + field_off(p)));
	value = (uint16_t)~csum_fold(csum_add(pseudo_of(p) + sum_from_l4(p), without, 2));
	/* RFC 768: 0 says that there is none, so its other name is sent. */
	return value == 0 && p->l4_proto == PROTO_UDP ? 0xffff : value;
}

void csum_complete(struct pkt *p)
{
	if (p->csum != CSUM_PARTIAL)
		return;
	assert(p->gso_size == 0);
	wr16(p->data + field_off(p), field_value(p));
	p->csum = CSUM_VERIFIED;
}

void csum_complete_copy(const struct pkt *p, uint8_t *frame, uint32_t cap)
{
	uint8_t value[2];
	uint32_t off;

	if (p->csum != CSUM_PARTIAL)
		return;
	off = field_off(p);
	wr16(value, field_value(p));
	for (uint32_t i = 0; i < 2 && off + i < cap; i++)
		frame[off + i] = value[i];
}
