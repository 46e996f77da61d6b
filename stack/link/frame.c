/* Where the transport header of a frame is, and what stands in its checksum field while the sum is
 * due. Nothing here trusts a byte of a frame that came in. */
#include "frame.h"

#include <linux/virtio_net.h>
#include <string.h>

#include "../base/check.h"
#include "../wire/csum.h"
#include "../wire/eth.h"
#include "../wire/tcp.h"
#include "../wire/udp.h"

#define TCP_FIELD 16
#define UDP_FIELD 6

struct place {
	uint32_t l3, l4; /* l4: behind the fixed IP header and IPv4's options */
	uint8_t proto;   /* as the fixed header says */
	struct addr src, dst;
};

/* False: not IP, or too short for its fixed header. */
static bool locate(const struct pkt *p, struct place *at)
{
	struct eth_hdr eth;
	const uint8_t *ip;
	uint32_t left;

	if (!eth_parse(p->data, p->head_len, &eth))
		return false;
	at->l3 = eth.hdr_len;
	left = p->head_len - at->l3;
	ip = p->data + at->l3;
	if (eth.type == ETH_IP4 && left >= IP4_LEN && ip[0] >> 4 == 4) {
		bool fragment = rd16(ip + 6) & 0x3fff;

		at->l4 = at->l3 + (ip[0] & 15u) * 4;
		at->proto = fragment ? 0 : ip[9];
		at->src = addr_v4(rd32(ip + 12));
		at->dst = addr_v4(rd32(ip + 16));
		return at->l4 >= at->l3 + IP4_LEN;
	}
	if (eth.type == ETH_IP6 && left >= IP6_LEN && ip[0] >> 4 == 6) {
		at->l4 = at->l3 + IP6_LEN;
		at->proto = ip[6];
		memcpy(at->src.b, ip + 8, 16);
		memcpy(at->dst.b, ip + 24, 16);
		return true;
	}
	return false;
}

bool frame_mark_partial(struct pkt *p, uint32_t l4_off, uint32_t field)
{
	struct place at;

	if (field != TCP_FIELD && field != UDP_FIELD)
		return false;
	if (!locate(p, &at) || l4_off < at.l4)
		return false;
	/* The whole header: who cuts segments later reads its length from it. */
	if (l4_off > p->head_len || p->head_len - l4_off < (field == TCP_FIELD ? TCP_LEN : UDP_LEN))
		return false;
	p->l3_off = (uint16_t)at.l3;
	p->l4_off = (uint16_t)l4_off;
	p->l4_proto = field == TCP_FIELD ? PROTO_TCP : PROTO_UDP;
	p->csum = CSUM_PARTIAL;
	return true;
}

bool frame_guess_partial(struct pkt *p)
{
	struct place at;
	uint32_t field, len;

	if (!locate(p, &at) || (at.proto != PROTO_TCP && at.proto != PROTO_UDP))
		return false;
	field = at.proto == PROTO_TCP ? TCP_FIELD : UDP_FIELD;
	if (at.l4 > p->head_len || p->head_len - at.l4 < field + 2)
		return false;
	len = p->head_len - at.l4;
	if (rd16(p->data + at.l4 + field) !=
	    csum_fold(csum_pseudo(&at.src, &at.dst, at.proto, len)))
		return false;
	return frame_mark_partial(p, at.l4, field);
}

void frame_prime_partial(struct pkt *p)
{
	uint32_t field = p->l4_proto == PROTO_TCP ? TCP_FIELD : UDP_FIELD;
	struct place at;
	bool ip = locate(p, &at);

	assert(p->csum == CSUM_PARTIAL);
	assert(ip);
	assert(p->l4_off + field + 2 <= p->head_len);
	wr16(p->data + p->l4_off + field,
	     csum_fold(csum_pseudo(&at.src, &at.dst, p->l4_proto, p->len - p->l4_off)));
}

uint32_t frame_tcp_headers(const struct pkt *p)
{
	assert(p->l4_off + 20u <= p->head_len);
	return p->l4_off + (p->data[p->l4_off + 12] >> 4) * 4u;
}

/* ---- vnet headers ---- */

void frame_from_vnet(struct pkt *p, const struct virtio_net_hdr *v)
{
	uint8_t type = v->gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
	uint32_t payload;

	if (v->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		frame_mark_partial(p, v->csum_start, v->csum_offset);
	else if (v->flags & VIRTIO_NET_HDR_F_DATA_VALID)
		p->csum = CSUM_VERIFIED;
	if (p->csum != CSUM_PARTIAL || p->l4_proto != 6 || v->gso_size == 0)
		return;
	if (type != VIRTIO_NET_HDR_GSO_TCPV4 && type != VIRTIO_NET_HDR_GSO_TCPV6)
		return;
	if (frame_tcp_headers(p) >= p->head_len)
		return;
	payload = p->head_len - frame_tcp_headers(p);
	p->gso_size = v->gso_size;
	p->gso_segs = (uint16_t)((payload + v->gso_size - 1) / v->gso_size);
}

void frame_to_vnet(struct pkt *p, struct virtio_net_hdr *v)
{
	bool v6;

	memset(v, 0, sizeof(*v));
	if (p->csum != CSUM_PARTIAL)
		return;
	frame_prime_partial(p);
	v->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	v->csum_start = p->l4_off;
	v->csum_offset = p->l4_proto == 6 ? 16 : 6;
	if (p->gso_size == 0 || p->len - frame_tcp_headers(p) <= p->gso_size)
		return;
	v6 = p->data[p->l3_off] >> 4 == 6;
	v->gso_type = v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
	if (p->data[p->l4_off + 13] & 0x80) /* CWR goes out with the first segment only */
		v->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	v->gso_size = p->gso_size;
	v->hdr_len = (uint16_t)frame_tcp_headers(p);
}
