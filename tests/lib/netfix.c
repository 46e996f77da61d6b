#include "netfix.h"

#include <stdlib.h>

const struct mac MAC_ME = {{2, 0, 0, 0, 0, 1}}, MAC_PEER = {{2, 0, 0, 0, 0, 2}},
		 MAC_ROUTER = {{2, 0, 0, 0, 0, 0xfe}},
		 MAC_ALL = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

#define DB8(last)                                                                     \
	{                                                                             \
		{                                                                     \
			0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last \
		}                                                                     \
	}
#define LL(last)                                                                \
	{                                                                       \
		{                                                               \
			0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last \
		}                                                               \
	}
const struct addr ME6 = DB8(1), PEER6 = DB8(2), ME6_LL = LL(1), PEER6_LL = LL(2),
		  ROUTER6 = LL(0xfe);

/* ---- life ---- */

void fix_config(struct netfix *f)
{
	memset(f, 0, sizeof(*f));
	pkt_pool_init(&f->pool, 0, 0);
	f->now = 100 * SEC;
	f->cfg = (struct stack_config){
	    .seed = 1,
	    .now = f->now,
	    .pool = &f->pool,
	    .link = {.mtu = 1500},
	    .mac = MAC_ME,
	    .addr = {{addr_v4(ME4), 24}, {ME6, 64}, {ME6_LL, 64}},
	    .naddrs = 3,
	    .route = {{addr_v4(0), 0, addr_v4(ROUTER4)}, {{{0}}, 0, ROUTER6}},
	    .nroutes = 2,
	    .max_neigh = 16,
	    .max_frag_bytes = 256 << 10,
	};
}

void fix_start(struct netfix *f)
{
	CU_ASSERT_EQUAL_FATAL(net_init(&f->net, &f->cfg, &f->count), 0);
}

void fix_open(struct netfix *f)
{
	fix_config(f);
	fix_start(f);
}

static void take_back(struct netfix *f)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->nlent; i++) {
		if (f->lent[i]->refs == 1)
			free(f->lent[i]);
		else
			f->lent[kept++] = f->lent[i];
	}
	f->nlent = kept;
}

void fix_close(struct netfix *f)
{
	fix_drain(f);
	net_free(&f->net);
	take_back(f);
	CU_ASSERT_EQUAL(f->nlent, 0);
	CU_ASSERT_EQUAL(f->pool.pkts.used, 0);
	for (int i = 0; i < CHUNK_CLASSES; i++)
		CU_ASSERT_EQUAL(f->pool.chunks[i].used, 0);
	pkt_pool_free(&f->pool);
}

/* ---- frames in and out ---- */

void fix_give(struct netfix *f, const struct frame *in)
{
	struct chunk *c = malloc(sizeof(*c) + in->n);

	take_back(f);
	CU_ASSERT_FATAL(c != NULL && f->nlent < LENT_MAX);
	*c = (struct chunk){.refs = 2, .cap = (uint32_t)in->n, .used = (uint32_t)in->n};
	memcpy(c->data, in->b, in->n);
	f->lent[f->nlent++] = c;
	net_input(&f->net, pkt_of_chunk(&f->pool, c, 0, (uint32_t)in->n), f->now, &f->in);
}

bool fix_take(struct netfix *f, struct frame *out)
{
	struct pkt *p;

	if (net_output(&f->net, f->now, &p, 1) == 0)
		return false;
	if (!p->gso_size)
		csum_complete(p);
	CU_ASSERT_FATAL(p->len <= FRAME_CAP);
	pkt_copy_out(p, 0, out->b, p->len);
	out->n = p->len;
	pkt_free(p);
	return true;
}

size_t fix_drain(struct netfix *f)
{
	struct pkt *p;
	size_t n = 0;

	for (; net_output(&f->net, f->now, &p, 1) == 1; n++)
		pkt_free(p);
	return n;
}

void fix_wait(struct netfix *f, ns_t span)
{
	ns_t end = f->now + span, due;

	while ((due = net_deadline(&f->net)) <= end) {
		CU_ASSERT_FATAL(due > f->now || f->now == f->cfg.now);
		f->now = ns_max(due, f->now);
		net_advance(&f->net, f->now);
		for (struct net_in in; net_unreached(&f->net, &in);)
			;
	}
	f->now = end;
}

void fix_until_idle(struct netfix *f)
{
	for (int i = 0; i < 1000 && net_deadline(&f->net) != NS_NEVER; i++)
		fix_wait(f, net_deadline(&f->net) - f->now);
	CU_ASSERT_EQUAL(net_deadline(&f->net), NS_NEVER);
}

void fix_meet(struct netfix *f, uint32_t peer, const struct mac *mac)
{
	struct arp_msg m = {ARP_REQUEST, *mac, {{0}}, peer, ME4};
	struct frame *in = calloc(1, sizeof(*in));

	CU_ASSERT_FATAL(in != NULL);
	frame_of_arp(in, &MAC_ALL, &m);
	fix_give(f, in);
	CU_ASSERT_EQUAL(fix_drain(f), 1);
	free(in);
}

void fix_meet6(struct netfix *f, const struct addr *peer, const struct mac *mac)
{
	neigh_learn(&f->net, peer, mac, NEIGH_HINT, f->now);
}

/* ---- builders ---- */

void frame_eth(struct frame *f, const struct mac *dst, const struct mac *src, uint16_t type)
{
	eth_emit(f->b, dst, src, type);
	f->n = ETH_LEN;
}

void frame_bytes(struct frame *f, const void *bytes, size_t n)
{
	CU_ASSERT_FATAL(f->n + n <= FRAME_CAP);
	if (n)
		memcpy(f->b + f->n, bytes, n);
	f->n += n;
}

void frame_fill(struct frame *f, size_t n)
{
	CU_ASSERT_FATAL(f->n + n <= FRAME_CAP);
	for (size_t i = 0; i < n; i++)
		f->b[f->n++] = (uint8_t)(i * 7 + (i >> 8));
}

void frame_of_arp(struct frame *f, const struct mac *dst, const struct arp_msg *m)
{
	frame_eth(f, dst, &m->sha, ETH_ARP);
	arp_emit(f->b + f->n, m);
	f->n += ARP_LEN;
}

struct ip_hdr from_peer4(uint8_t proto)
{
	return (struct ip_hdr){.src = addr_v4(PEER4),
			       .dst = addr_v4(ME4),
			       .version = 4,
			       .proto = proto,
			       .ttl = 64,
			       .id = 77};
}

struct ip_hdr from_peer6(uint8_t proto)
{
	return (struct ip_hdr){.src = PEER6, .dst = ME6, .version = 6, .proto = proto, .ttl = 64};
}

void frame_ip(struct frame *f, struct ip_hdr h, const void *payload, size_t n)
{
	bool v4 = h.version == 4;

	frame_eth(f, &MAC_ME, &MAC_PEER, v4 ? ETH_IP4 : ETH_IP6);
	h.payload_len = (uint32_t)n;
	if (v4)
		ip4_emit(f->b + f->n, &h);
	else
		ip6_emit(f->b + f->n, &h);
	f->n += v4 ? IP4_LEN : IP6_LEN;
	frame_bytes(f, payload, n);
}

void frame_icmp_sum(struct frame *f, const struct ip_hdr *h, size_t n)
{
	uint8_t *msg = f->b + f->n - n;
	csum_t sum = 0;

	wr16(msg + 2, 0);
	if (h->version == 6)
		sum = csum_pseudo(&h->src, &h->dst, PROTO_ICMP6, (uint32_t)n);
	wr16(msg + 2, (uint16_t)~csum_fold(csum_add(sum, msg, n)));
}

void frame_icmp(struct frame *f, struct ip_hdr h, uint8_t type, uint8_t code, uint32_t rest,
		const void *body, size_t n)
{
	uint8_t msg[ICMP_LEN] = {type, code};
	uint8_t *all = malloc(ICMP_LEN + n);

	CU_ASSERT_FATAL(all != NULL);
	wr32(msg + 4, rest);
	memcpy(all, msg, ICMP_LEN);
	if (n)
		memcpy(all + ICMP_LEN, body, n);
	frame_ip(f, h, all, ICMP_LEN + n);
	frame_icmp_sum(f, &h, ICMP_LEN + n);
	free(all);
}

/* ---- looking ---- */

static bool see_icmp(struct seen *s)
{
	csum_t sum = 0;

	if (s->ip.frag)
		return true;
	if (s->ip.version == 6)
		sum = csum_pseudo(&s->ip.src, &s->ip.dst, PROTO_ICMP6, (uint32_t)s->len);
	return csum_fold(csum_add(sum, s->payload, s->len)) == 0xffff &&
	       icmp_parse(s->payload, s->len, &s->icmp);
}

static bool see_ip(const uint8_t *p, size_t n, struct seen *s)
{
	uint32_t problem;
	uint8_t code;
	enum ip_verdict v = s->eth.type == ETH_IP4 ? ip4_parse(p, n, &s->ip, false)
						   : ip6_parse(p, n, &s->ip, &problem, &code);

	if (v != IP_OK || s->ip.hdr_len + s->ip.payload_len != n)
		return false;
	s->payload = p + s->ip.hdr_len;
	s->len = s->ip.payload_len;
	if (s->ip.proto == PROTO_ICMP || s->ip.proto == PROTO_ICMP6)
		return see_icmp(s);
	return true;
}

bool frame_see(const struct frame *f, struct seen *s)
{
	memset(s, 0, sizeof(*s));
	if (!eth_parse(f->b, f->n, &s->eth))
		return false;
	if (s->eth.type == ETH_ARP)
		return f->n == ETH_LEN + ARP_LEN && arp_parse(f->b + ETH_LEN, ARP_LEN, &s->arp);
	return see_ip(f->b + ETH_LEN, f->n - ETH_LEN, s);
}

bool fix_see(struct netfix *f, struct frame *out, struct seen *s)
{
	return fix_take(f, out) && frame_see(out, s);
}
