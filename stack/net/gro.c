/* Coalescing as the first stage of input: frames that one drain of the link brought, and that continue
 * each other, become one unit, so that TCP looks once at what would be the same to it. The counterpart of
 * gso.c.
 *
 * Two are joined when nothing but place and length differs: addresses, ports, TTL, codepoint, ACK, window
 * and every option are the same; both bear text, verified checksums, and no flag but ACK and, on the last,
 * PSH (ECE and the like must agree). All but the last are of one size. What is CE marked stays
 * alone, since marks are counted by segment. Never across another frame: the order of arrival is kept. */
#include "net.h"

#include "../wire/csum.h"
#include "../wire/tcp.h"

#define FLAGS_AGREE (TH_ACK | TH_ECE | TH_CWR) /* may be set, but on all */
#define ECN_CE 3

static uint32_t word(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return v;
}

/* Bytes of the TCP header; 0: this is no segment to join anything to. */
static uint32_t joinable(const struct net_in *in)
{
	if (in->what != NET_TCP)
		return 0;
	const struct pkt *p = in->pkt;
	const uint8_t *tcp = p->data + p->l4_off;

	if (p->gso_segs || in->ip.has_options || (in->ip.tos & 3) == ECN_CE)
		return 0;
	if (p->head_len < p->l4_off + (uint32_t)TCP_LEN)
		return 0;
	uint32_t hdr = (tcp[12] >> 4) * 4u;

	if (hdr < TCP_LEN || p->head_len < p->l4_off + hdr || p->len == p->l4_off + hdr)
		return 0;
	return (tcp[13] | TH_PSH | FLAGS_AGREE) == (TH_PSH | FLAGS_AGREE) && tcp[13] & TH_ACK ? hdr : 0;
}

void gro_begin(struct gro *g, const struct net_in *in)
{
	uint32_t hdr = joinable(in);

	g->in = *in;
	g->open = false;
	if (!hdr)
		return;
	const uint8_t *tcp = in->pkt->data + in->pkt->l4_off;

	g->open = !(tcp[13] & TH_PSH);
	g->hdr_len = hdr;
	g->size = in->pkt->len - in->pkt->l4_off - hdr;
	g->next = rd32(tcp + 4) + g->size;
}

static bool alike(const struct gro *g, const struct net_in *in)
{
	const uint8_t *a = g->in.pkt->data + g->in.pkt->l4_off, *b = in->pkt->data + in->pkt->l4_off;

	return rd32(b + 4) == g->next && word(a) == word(b) && word(a + 8) == word(b + 8) && a[12] == b[12] &&
	       a[13] == (b[13] & ~TH_PSH) && a[14] == b[14] && a[15] == b[15] &&
	       memcmp(a + TCP_LEN, b + TCP_LEN, g->hdr_len - TCP_LEN) == 0 &&
	       g->in.ip.tos == in->ip.tos && g->in.ip.ttl == in->ip.ttl &&
	       addr_eq(&g->in.ip.src, &in->ip.src) && addr_eq(&g->in.ip.dst, &in->ip.dst);
}

static bool verified(struct net_in *in)
{
	struct pkt *p = in->pkt;

	if (p->csum != CSUM_UNKNOWN)
		return true;
	if (csum_pkt(p, &in->ip.src, &in->ip.dst, PROTO_TCP) != 0)
		return false;
	p->csum = CSUM_VERIFIED;
	return true;
}

bool gro_join(struct gro *g, struct net_in *in)
{
	struct pkt *p = g->in.pkt, *q = in->pkt;
	uint32_t hdr = g->open ? joinable(in) : 0;
	uint32_t len = hdr ? q->len - q->l4_off - hdr : 0;

	if (!hdr || hdr != g->hdr_len || len > g->size || !alike(g, in) || (p->csum == CSUM_PARTIAL) != (q->csum == CSUM_PARTIAL))
		return false;
	if (!verified(&g->in) || !verified(in) || !pkt_append(p, q, q->l4_off + hdr))
		return false;
	g->next += len;
	g->open = len == g->size && !(q->data[q->l4_off + 13] & TH_PSH);
	p->gso_size = (uint16_t)g->size;
	p->gso_segs = (uint16_t)(p->gso_segs ? p->gso_segs + 1 : 2);
	pkt_free(q);
	return true;
}
