/* The transmitter: one frame at a time, as long as its bytes take at this rate. The division's
 * remainder is carried from frame to frame, so that a million frames take exactly as long as their
 * sum. Also here, since they stand at the wire too: the path's MTU (with ICMP "fragmentation
 * needed", RFC 1191 and RFC 4443 3.2, or a black hole) and the cut link. */
#include "path_stage.h"

#include "../stack/wire/csum.h"
#include "../stack/wire/eth.h"
#include "../stack/wire/icmp.h"

static ns_t transmission_time(struct rate_stage *r, uint32_t len)
{
	/* bits * 10^9 < 2^20 * 8 * 2^30: fits */
	uint64_t work = ((uint64_t)len + r->overhead) * 8 * 1000000000u + r->remainder;

	r->remainder = work % r->bps;
	return (ns_t)(work / r->bps);
}

static void rate_push(struct stage *s, struct pkt *p, ns_t now)
{
	struct rate_stage *r = container_of(s, struct rate_stage, s);

	assert(!r->sending);
	r->sending = p;
	s->due = now + transmission_time(r, p->len);
}

static void rate_run(struct stage *s, ns_t now)
{
	struct rate_stage *r = container_of(s, struct rate_stage, s);
	struct pkt *p = r->sending;

	assert(p && s->due <= now);
	r->sending = NULL;
	s->due = NS_NEVER;
	stage_pass(s, p, now);
}

const struct stage_ops rate_ops = {"rate", rate_push, rate_run};

/* ---- cut ---- */

static void cut_push(struct stage *s, struct pkt *p, ns_t now)
{
	struct cut_stage *c = container_of(s, struct cut_stage, s);

	if (now < c->down_until)
		stage_drop(s, p, FATE_LOST, "link down", ++s->seen, now);
	else
		stage_pass(s, p, now);
}

const struct stage_ops cut_ops = {"cut", cut_push, NULL};

/* ---- MTU ---- */

#define QUOTE 128 /* bytes of the offending packet in the error; both families allow more */

static void swap_macs(const uint8_t *frame, struct mac *dst, struct mac *src)
{
	memcpy(src->b, frame, 6);
	memcpy(dst->b, frame + 6, 6);
}

/* The error comes from the address that the packet was for, as from a tunnel's far end: the path
 * has no address of its own. */
static struct pkt *too_big_ip4(const struct pkt *p, const struct ip_hdr *ip, uint32_t mtu)
{
	uint8_t frame[ETH_LEN + IP4_LEN + ICMP_LEN + QUOTE] = {0};
	uint8_t *icmp = frame + ETH_LEN + IP4_LEN;
	uint32_t quoted = p->len - ETH_LEN < QUOTE ? p->len - ETH_LEN : QUOTE;
	struct ip_hdr out = {.src = ip->dst,
			     .dst = ip->src,
			     .version = 4,
			     .proto = PROTO_ICMP,
			     .ttl = 64,
			     .hdr_len = IP4_LEN,
			     .payload_len = ICMP_LEN + quoted};
	struct mac dst, src;

	swap_macs(p->data, &dst, &src);
	eth_emit(frame, &dst, &src, ETH_IP4);
	ip4_emit(frame + ETH_LEN, &out);
	icmp[0] = ICMP4_UNREACH;
	icmp[1] = ICMP4_UNREACH_FRAG;
	wr16(icmp + 6, (uint16_t)mtu);
	pkt_copy_out(p, ETH_LEN, icmp + ICMP_LEN, quoted);
	wr16(icmp + 2, (uint16_t)~csum_fold(csum_add(0, icmp, ICMP_LEN + quoted)));
	return pkt_of_bytes(p->pool, frame, ETH_LEN + IP4_LEN + ICMP_LEN + quoted);
}

static struct pkt *too_big_ip6(const struct pkt *p, const struct ip_hdr *ip, uint32_t mtu)
{
	uint8_t frame[ETH_LEN + IP6_LEN + ICMP_LEN + QUOTE] = {0};
	uint8_t *icmp = frame + ETH_LEN + IP6_LEN;
	uint32_t quoted = p->len - ETH_LEN < QUOTE ? p->len - ETH_LEN : QUOTE;
	struct ip_hdr out = {.src = ip->dst,
			     .dst = ip->src,
			     .version = 6,
			     .proto = PROTO_ICMP6,
			     .ttl = 64,
			     .hdr_len = IP6_LEN,
			     .payload_len = ICMP_LEN + quoted};
	struct mac dst, src;

	swap_macs(p->data, &dst, &src);
	eth_emit(frame, &dst, &src, ETH_IP6);
	ip6_emit(frame + ETH_LEN, &out);
	icmp[0] = ICMP6_TOO_BIG;
	wr32(icmp + 4, mtu);
	pkt_copy_out(p, ETH_LEN, icmp + ICMP_LEN, quoted);
	csum_t sum = csum_pseudo(&out.src, &out.dst, PROTO_ICMP6, ICMP_LEN + quoted);

	wr16(icmp + 2, (uint16_t)~csum_fold(csum_add(sum, icmp, ICMP_LEN + quoted)));
	return pkt_of_bytes(p->pool, frame, ETH_LEN + IP6_LEN + ICMP_LEN + quoted);
}

static struct pkt *too_big_reply(const struct pkt *p, uint32_t mtu)
{
	struct ip_hdr ip;
	uint32_t problem;
	uint8_t code;
	const uint8_t *bytes = p->data + ETH_LEN;

	if (rd16(p->data + 12) == ETH_IP6) {
		if (p->head_len < ETH_LEN + IP6_LEN ||
		    ip6_parse(bytes, p->len - ETH_LEN, &ip, &problem, &code) != IP_OK)
			return NULL;
		return too_big_ip6(p, &ip, mtu);
	}
	/* Without DF a router would cut the packet up; this path does not, and says nothing. */
	if (p->head_len < ETH_LEN + IP4_LEN ||
	    ip4_parse(bytes, p->len - ETH_LEN, &ip, false) != IP_OK || !ip.dont_frag)
		return NULL;
	return too_big_ip4(p, &ip, mtu);
}

static void mtu_push(struct stage *s, struct pkt *p, ns_t now)
{
	struct mtu_stage *m = container_of(s, struct mtu_stage, s);

	s->seen++;
	if (!frame_is_ip(p) || p->len - ETH_LEN <= m->mtu) {
		stage_pass(s, p, now);
		return;
	}
	struct pkt *reply = m->silent ? NULL : too_big_reply(p, m->mtu);

	if (reply)
		path_hand_out(s->path, &s->path->replies, reply, now);
	stage_drop(s, p, FATE_TOO_BIG,
		   reply ? "larger than the path's MTU, ICMP sent"
			 : "larger than the path's MTU, silently",
		   s->seen, now);
}

const struct stage_ops mtu_ops = {"mtu", mtu_push, NULL};
