/* See frames.h. */
#include "frames.h"

#include "../../stack/base/check.h"
#include "../../stack/wire/csum.h"
#include "../../stack/wire/eth.h"
#include "../../stack/wire/ip.h"

#define FRAME_MAX 2048
#define HEADERS (ETH_LEN + IP4_LEN + TCP_LEN)

static const struct mac mac_a = {{2, 0, 0, 0, 0, 1}}, mac_b = {{2, 0, 0, 0, 0, 2}};

struct pkt *plain_frame(struct pkt_pool *pool, const struct frame_spec *f)
{
	uint8_t b[FRAME_MAX];
	struct ip_hdr ip = {.src = addr_v4(0x0a000001),
			    .dst = addr_v4(0x0a000002),
			    .version = 4,
			    .proto = PROTO_TCP,
			    .ttl = 64,
			    .tos = f->ecn,
			    .hdr_len = IP4_LEN,
			    .payload_len = TCP_LEN + f->len,
			    .dont_frag = f->dont_frag};
	struct seg g = {.sport = f->sport ? f->sport : 1000,
			.dport = f->dport ? f->dport : 80,
			.seq = seq_of(f->seq),
			.ack = seq_of(f->ack),
			.flags = f->flags,
			.wnd = 1000};

	assert(HEADERS + f->len <= sizeof(b));
	eth_emit(b, &mac_b, &mac_a, ETH_IP4);
	ip4_emit(b + ETH_LEN, &ip);
	tcp_emit(b + ETH_LEN + IP4_LEN, &g, LAYOUT_LINUX);
	for (uint32_t i = 0; i < f->len; i++)
		b[HEADERS + i] = (uint8_t)i;
	csum_t sum = csum_pseudo(&ip.src, &ip.dst, PROTO_TCP, TCP_LEN + f->len);

	sum = csum_add(sum, b + ETH_LEN + IP4_LEN, TCP_LEN + f->len);
	wr16(b + ETH_LEN + IP4_LEN + 16, (uint16_t)~csum_fold(sum));
	struct pkt *p = pkt_of_bytes(pool, b, HEADERS + f->len);

	assert(p);
	p->l3_off = ETH_LEN;
	p->l4_off = ETH_LEN + IP4_LEN;
	p->csum = CSUM_VERIFIED;
	return p;
}

struct pkt *plain_frame_of_len(struct pkt_pool *pool, uint32_t len)
{
	struct frame_spec f = {.flags = TH_ACK, .seq = 1, .len = len - HEADERS};

	return plain_frame(pool, &f);
}

struct pkt *plain_arp(struct pkt_pool *pool)
{
	uint8_t b[60] = {0};

	eth_emit(b, &mac_b, &mac_a, ETH_ARP);
	return pkt_of_bytes(pool, b, sizeof(b));
}

bool plain_is_sound(const struct pkt *p)
{
	struct ip_hdr ip;
	uint8_t b[FRAME_MAX];

	if (p->len > sizeof(b) || p->len < ETH_LEN)
		return false;
	pkt_copy_out(p, 0, b, p->len);
	if (ip4_parse(b + ETH_LEN, p->len - ETH_LEN, &ip, false) != IP_OK)
		return false;
	csum_t sum = csum_pseudo(&ip.src, &ip.dst, ip.proto, ip.payload_len);

	sum = csum_add(sum, b + ETH_LEN + ip.hdr_len, ip.payload_len);
	return csum_fold(sum) == 0xffff;
}
