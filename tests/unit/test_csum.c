#include "wire/csum.h"

#include <string.h>

#include "../lib/test.h"
#include "base/check.h"
#include "base/rng.h"

/* RFC 1071 as it reads: 16-bit words in network order, carries added at once. */
static uint16_t naive_sum(uint32_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)sum;
}

/* 0 and 0xffff are one number in ones' complement; a sum of nothing but zeros is 0. */
static void random_bytes_sum_as_the_naive_loop_says(void)
{
	static uint8_t bytes[4096], copy[4096];
	struct rng r;
	unsigned wrong = 0;

	rng_init(&r, 1, "csum");
	for (int round = 0; round < 3000; round++) {
		size_t off = rng_below(&r, 16), len = rng_below(&r, round < 2000 ? 80 : 4000);
		uint8_t fill = (uint8_t)rng_below(&r, 4);

		for (size_t i = 0; i < len; i++)
			bytes[off + i] = fill == 0   ? 0
					 : fill == 1 ? 0xff
						     : (uint8_t)rng_u32(&r);
		memset(copy, 0xa5, sizeof(copy));
		wrong += csum_fold(csum_add(0, bytes + off, len)) !=
			 naive_sum(0, bytes + off, len);
		wrong += csum_fold(csum_copy(0, copy + 1, bytes + off, len)) !=
			 naive_sum(0, bytes + off, len);
		wrong += memcmp(copy + 1, bytes + off, len) != 0;
		wrong += copy[0] != 0xa5 || copy[1 + len] != 0xa5;
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

static void parts_of_odd_length_add_up(void)
{
	uint8_t bytes[601];
	struct rng r;
	unsigned wrong = 0;

	rng_init(&r, 2, "csum");
	for (int round = 0; round < 2000; round++) {
		size_t at = 0, len = 1 + rng_below(&r, 600);
		csum_t sum = 0;

		for (size_t i = 0; i < len; i++)
			bytes[i] = (uint8_t)rng_u32(&r);
		while (at < len) {
			size_t n = 1 + rng_below(&r, (uint32_t)(len - at));
			csum_t part = csum_add(0, bytes + at, n);

			sum += at % 2 ? csum_shift(part) : part;
			at += n;
		}
		wrong += csum_fold(sum) != naive_sum(0, bytes, len);
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

static void a_large_sum_does_not_lose_carries(void)
{
	static uint8_t bytes[65536];
	csum_t sum = 0;

	memset(bytes, 0xff, sizeof(bytes));
	bytes[1] = 0xfe;
	for (int i = 0; i < 1000; i++)
		sum = csum_add(sum, bytes, sizeof(bytes));
	CU_ASSERT_EQUAL(csum_fold(sum), 0xffff - 1000);
}

/* A frame of Ethernet, IP, transport with its payload in slices of random lengths. */
static struct pkt *random_frame(struct pkt_pool *pool, struct rng *r, bool v6, uint8_t proto)
{
	struct pkt *p = pkt_new(pool);
	uint32_t in_head = rng_below(r, 30), l4_len = proto == PROTO_TCP ? 20 : 8;
	struct ip_hdr ip = {.src = addr_v4(rng_u32(r)), .dst = addr_v4(rng_u32(r)), .ttl = 64,
			    .version = 4, .proto = proto};
	uint8_t *h;

	h = pkt_push(p, in_head + l4_len);
	for (uint32_t i = 0; i < in_head + l4_len; i++)
		h[i] = (uint8_t)rng_u32(r);
	for (uint32_t n = rng_below(r, PKT_SLICES + 1); n > 0; n--) {
		struct chunk *c = chunk_new(pool, CHUNK_SMALL);
		uint32_t off = rng_below(r, 100), len = rng_below(r, 1000);

		for (uint32_t i = 0; i < len; i++)
			c->data[off + i] = (uint8_t)rng_u32(r);
		pkt_add_slice(p, c, off, len);
		chunk_unref(pool, c);
	}
	ip.payload_len = p->len;
	if (v6) {
		for (int i = 0; i < 16; i++) {
			ip.src.b[i] = (uint8_t)rng_u32(r);
			ip.dst.b[i] = (uint8_t)rng_u32(r);
		}
		ip6_emit(pkt_push(p, IP6_LEN), &ip);
	} else {
		ip4_emit(pkt_push(p, IP4_LEN), &ip);
	}
	memset(pkt_push(p, 14), 0, 14);
	p->l3_off = 14;
	p->l4_off = v6 ? 14 + IP6_LEN : 14 + IP4_LEN;
	p->l4_proto = proto;
	p->csum = CSUM_PARTIAL;
	return p;
}

static uint16_t naive_transport_sum(const struct pkt *p, bool v6)
{
	uint8_t bytes[8192], pseudo[40] = {0};
	uint32_t l4_len = p->len - p->l4_off, n = v6 ? 16 : 4;
	const uint8_t *ip = bytes + 14;

	pkt_copy_out(p, 0, bytes, p->len);
	memcpy(pseudo, ip + (v6 ? 8 : 12), 2 * n);
	wr32(pseudo + 2 * n, l4_len);
	pseudo[2 * n + 7] = p->l4_proto;
	return naive_sum(naive_sum(0, pseudo, 2 * n + 8), bytes + p->l4_off, l4_len);
}

static void completed_frames_verify(void)
{
	struct pkt_pool pool;
	struct rng r;
	unsigned wrong = 0;

	pkt_pool_init(&pool, 4, 16);
	rng_init(&r, 3, "csum");
	for (int round = 0; round < 2000; round++) {
		bool v6 = rng_below(&r, 2);
		uint8_t proto = rng_below(&r, 2) ? PROTO_TCP : PROTO_UDP;
		struct pkt *p = random_frame(&pool, &r, v6, proto);
		uint32_t field = p->l4_off + (proto == PROTO_TCP ? 16u : 6u);
		uint32_t cap = field - 1 + rng_below(&r, 4);
		uint8_t frame[256];
		struct addr src, dst;

		memset(frame, 0xa5, sizeof(frame));
		memcpy(frame, p->data, cap);
		csum_complete_copy(p, frame, cap);
		wrong += p->csum != CSUM_PARTIAL;
		csum_complete(p);
		csum_complete(p); /* and a second time changes nothing */
		wrong += p->csum != CSUM_VERIFIED;
		wrong += memcmp(frame, p->data, cap) != 0 || frame[cap] != 0xa5;
		wrong += naive_transport_sum(p, v6) != 0xffff;
		wrong += proto == PROTO_UDP && rd16(p->data + field) == 0;
		if (v6) {
			memcpy(src.b, p->data + 22, 16);
			memcpy(dst.b, p->data + 38, 16);
		} else {
			src = addr_v4(rd32(p->data + 26));
			dst = addr_v4(rd32(p->data + 30));
		}
		wrong += csum_pkt(p, &src, &dst, proto) != 0;
		p->data[p->l4_off + rng_below(&r, 8)] ^= (uint8_t)(1 + rng_below(&r, 255));
		wrong += csum_pkt(p, &src, &dst, proto) == 0;
		pkt_free(p);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	pkt_pool_free(&pool);
}

/* The payload is chosen so that the sum comes out as 0xffff, whose inverse is 0. */
static void a_udp_checksum_of_zero_is_sent_as_ffff(void)
{
	struct pkt_pool pool;
	struct pkt *p;
	struct rng r;
	uint16_t sum;

	pkt_pool_init(&pool, 4, 16);
	rng_init(&r, 4, "csum");
	do {
		p = random_frame(&pool, &r, false, PROTO_UDP);
		if (p->head_len >= 44)
			break;
		pkt_free(p);
	} while (true);
	wr16(p->data + 40, 0);
	wr16(p->data + 42, 0);
	sum = naive_transport_sum(p, false);
	wr16(p->data + 42, (uint16_t)~sum);
	csum_complete(p);
	CU_ASSERT_EQUAL(rd16(p->data + 40), 0xffff);
	pkt_free(p);
	pkt_pool_free(&pool);
}

static const struct test_case cases[] = {
	TEST(random_bytes_sum_as_the_naive_loop_says),
	TEST(parts_of_odd_length_add_up),
	TEST(a_large_sum_does_not_lose_carries),
	TEST(completed_frames_verify),
	TEST(a_udp_checksum_of_zero_is_sent_as_ffff),
};
TEST_SUITE(csum, cases);
