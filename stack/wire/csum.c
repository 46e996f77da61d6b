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

static uint64_t load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return v;
}

static uint64_t halves(uint64_t v)
{
	return (uint32_t)v + (v >> 32);
}

/* Fewer than 8 bytes, as if zeros followed. */
static uint64_t tail(const uint8_t *p, size_t len)
{
	uint32_t four = 0;
	uint16_t two = 0, one = 0;

	if (len & 4) {
		memcpy(&four, p, 4);
		p += 4;
	}
	if (len & 2) {
		memcpy(&two, p, 2);
		p += 2;
	}
	if (len & 1)
		memcpy(&one, p, 1);
	return (uint64_t)four + two + one;
}

/* Four sums, so that the additions need not wait for each other; blocks of 32 bytes. */
static csum_t add_blocks(const uint8_t *p, size_t blocks)
{
	uint64_t a = 0, b = 0, c = 0, d = 0;

	for (; blocks; p += 32, blocks--) {
		a += halves(load64(p));
		b += halves(load64(p + 8));
		c += halves(load64(p + 16));
		d += halves(load64(p + 24));
	}
	return a + b + c + d;
}

#if defined(__x86_64__)
typedef uint64_t lanes __attribute__((vector_size(32)));

/* The same in vectors: where a frame is summed at all, this is a good part of its whole cost. */
__attribute__((target("avx2"))) static csum_t add_blocks_avx2(const uint8_t *p, size_t blocks)
{
	const lanes low = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
	lanes a = {0}, b = {0}, v, w;

	for (; blocks >= 2; p += 64, blocks -= 2) {
		memcpy(&v, p, sizeof(v));
		memcpy(&w, p + 32, sizeof(w));
		a += (v & low) + (v >> 32);
		b += (w & low) + (w >> 32);
	}
	a += b;
	return a[0] + a[1] + a[2] + a[3] + add_blocks(p, blocks);
}

static csum_t add_many(const uint8_t *p, size_t blocks)
{
	return __builtin_cpu_supports("avx2") ? add_blocks_avx2(p, blocks) : add_blocks(p, blocks);
}
#else
static csum_t add_many(const uint8_t *p, size_t blocks)
{
	return add_blocks(p, blocks);
}
#endif

#define FEW 4 /* blocks, below which the choice costs more than it saves: headers */

csum_t csum_add(csum_t sum, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	size_t blocks = len / 32;

	if (blocks)
		sum += blocks < FEW ? add_blocks(p, blocks) : add_many(p, blocks);
	p += blocks * 32;
	len -= blocks * 32;
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

csum_t csum_shift(csum_t sum)
{
	uint16_t v = csum_fold_native(sum);

	return (uint16_t)(v << 8 | v >> 8); /* RFC 1071 2B: exchanging the bytes exchanges the sum's */
}

/* The part of the pseudo header behind the addresses: two words, as they would be read from memory
 * (writing them there and reading them back at once would stall). */
static csum_t pseudo_rest(uint8_t proto, uint32_t len)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return (csum_t)__builtin_bswap32(len) + ((csum_t)proto << 24);
#else
	return (csum_t)len + proto;
#endif
}

csum_t csum_pseudo(const struct addr *src, const struct addr *dst, uint8_t proto, uint32_t len)
{
	csum_t rest = pseudo_rest(proto, len);

	if (addr_is_v4(src) && addr_is_v4(dst))
		return rest + load32(src->b + 12) + load32(dst->b + 12);
	return csum_add(csum_add(rest, src->b, 16), dst->b, 16);
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

/* The pseudo header of a frame of ours, whose headers are right: the addresses as they stand there,
 * one behind the other. */
static csum_t pseudo_of(const struct pkt *p)
{
	const uint8_t *ip = p->data + p->l3_off;
	bool v6 = ip[0] >> 4 == 6;
	csum_t addrs;

	assert(p->l3_off + (v6 ? IP6_LEN : IP4_LEN) <= p->l4_off);
	addrs = v6 ? csum_add(0, ip + 8, 32) : halves(load64(ip + 12));
	return addrs + pseudo_rest(p->l4_proto, p->len - p->l4_off);
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
	csum_t sum = pseudo_of(p) + sum_from_l4(p);
	uint16_t field, value;

	memcpy(&field, p->data + field_off(p), 2);
	value = (uint16_t)~csum_fold(sum + (uint16_t)~field); /* what stands there is taken out again */
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
