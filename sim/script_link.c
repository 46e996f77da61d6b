/* The wire under a script: whatever the stack sends is taken apart, checked and queued with its
 * time; neighbours are answered at once and take no part; a script's packets become frames. Both
 * ends' frames are Ethernet, as the stack has them; a script sees IP. */
#include "script_run.h"

#include "../stack/base/bytes.h"
#include "../stack/wire/arp.h"
#include "../stack/wire/csum.h"
#include "../stack/wire/eth.h"
#include "../stack/wire/icmp.h"
#include "../stack/wire/ip.h"
#include "../stack/wire/udp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct mac our_mac = {{0x02, 0, 0, 0, 0, 0x02}};
static const struct mac stack_mac = {{0x02, 0, 0, 0, 0, 0x01}};

/* ---- frames to the stack ---- */

/* A frame of `len` payload bytes behind an IP header of h. Takes nothing. */
static bool inject(struct runner *r, struct ip_hdr *h, const uint8_t *payload, size_t len)
{
	size_t ip_len = h->version == 4 ? IP4_LEN : IP6_LEN, total = ETH_LEN + ip_len + len;
	uint8_t *frame = calloc(1, total);
	struct pkt *p;

	if (!frame)
		return false;
	h->payload_len = (uint32_t)len;
	eth_emit(frame, &stack_mac, &our_mac, h->version == 4 ? ETH_IP4 : ETH_IP6);
	if (h->version == 4)
		ip4_emit(frame + ETH_LEN, h);
	else
		ip6_emit(frame + ETH_LEN, h);
	memcpy(frame + ETH_LEN + ip_len, payload, len);
	p = pkt_of_bytes(&r->pool, frame, total);
	free(frame);
	if (!p)
		return false;
	stack_input(r->stack, p, r->now);
	return true;
}

static struct ip_hdr header(const struct runner *r, const struct script_ip *ip, uint8_t proto)
{
	struct ip_hdr h = {.src = r->remote, .dst = r->local, .version = r->v6 ? 6 : 4, .proto = proto,
			   .ttl = ip->ttl < 0 ? 255 : (uint8_t)ip->ttl, .dont_frag = false};

	h.tos = ip->tos < 0 ? 0 : (uint8_t)ip->tos;
	if (ip->ecn >= 0 && ip->ecn <= SECN_CE)
		h.tos = (uint8_t)((h.tos & ~ECN_MASK) | ip->ecn);
	if (ip->flow_label > 0)
		h.flow_label = (uint32_t)ip->flow_label;
	return h;
}

static void put_csum(uint8_t *at, const struct ip_hdr *h, const uint8_t *payload, size_t len)
{
	csum_t sum = csum_pseudo(&h->src, &h->dst, h->proto, (uint32_t)len);
	uint16_t c = (uint16_t)~csum_fold(csum_add(sum, payload, len));

	wr16(at, c);
}

bool link_inject_seg(struct runner *r, const struct script_seg *g)
{
	struct ip_hdr h = header(r, &g->ip, PROTO_TCP);
	uint8_t opts[TCP_MAX_OPTS + 4] = {0};
	int n = script_opts_emit(opts, g);
	size_t len = TCP_LEN + (size_t)n + g->len;
	uint8_t *p = calloc(1, len);
	uint16_t flags = g->flags;
	bool ok;

	if (!p || n < 0) {
		free(p);
		return false;
	}
	if (g->ace >= 0)
		flags |= (uint16_t)((g->ace & 1 ? TH_ECE : 0) | (g->ace & 2 ? TH_CWR : 0) |
				    (g->ace & 4 ? TH_AE : 0));
	wr16(p, (uint16_t)g->sport);
	wr16(p + 2, (uint16_t)g->dport);
	wr32(p + 4, g->seq);
	wr32(p + 8, g->has_ack ? g->ack : 0);
	wr16(p + 12, (uint16_t)((TCP_LEN + n) / 4 << 12 | flags));
	wr16(p + 14, g->win);
	wr16(p + 18, g->urg);
	memcpy(p + TCP_LEN, opts, (size_t)n);
	put_csum(p + 16, &h, p, len);
	ok = inject(r, &h, p, len);
	free(p);
	return ok;
}

/* ---- ICMP ---- */

static const struct {
	const char *type, *code;
	uint8_t v4_type, v4_code;
	uint8_t v6_type, v6_code; /* 0: only the other family has it */
} icmp_words[] = {
	{"unreachable", "net_unreachable", 3, 0, 0, 0},
	{"unreachable", "host_unreachable", 3, 1, 0, 0},
	{"unreachable", "protocol_unreachable", 3, 2, 0, 0},
	{"unreachable", "port_unreachable", 3, 3, 1, 4},
	{"unreachable", "frag_needed", 3, 4, 0, 0},
	{"unreachable", "source_route_failed", 3, 5, 0, 0},
	{"unreachable", "net_unknown", 3, 6, 0, 0},
	{"unreachable", "host_unknown", 3, 7, 0, 0},
	{"unreachable", "source_host_isolated", 3, 8, 0, 0},
	{"unreachable", "net_prohibited", 3, 9, 0, 0},
	{"unreachable", "host_prohibited", 3, 10, 0, 0},
	{"unreachable", "net_unreachable_for_tos", 3, 11, 0, 0},
	{"unreachable", "host_unreachable_for_tos", 3, 12, 0, 0},
	{"unreachable", "packet_filtered", 3, 13, 0, 0},
	{"unreachable", "precedence_violation", 3, 14, 0, 0},
	{"unreachable", "precedence_cutoff", 3, 15, 0, 0},
	{"unreachable", "no_route", 0, 0, 1, 0},
	{"unreachable", "admin_prohibited", 0, 0, 1, 1},
	{"unreachable", "not_neighbour", 0, 0, 1, 2},
	{"unreachable", "address_unreachable", 0, 0, 1, 3},
	{"packet_too_big", "", 0, 0, 2, 0},
	{"source_quench", "", 4, 0, 0, 0},
	{"redirect", "", 5, 0, 137, 0},
	{"time_exceeded", "ttl_exceeded_in_transit", 11, 0, 3, 0},
	{"time_exceeded", "frag_reass_exceeded", 11, 1, 3, 1},
	{"time_exceeded", "exceeded_hop_limit", 11, 0, 3, 0},
	{"time_exceeded", "exceeded_frag_time", 11, 1, 3, 1},
	{"parameter_problem", "code_0", 12, 0, 4, 0},
	{"parameter_problem", "code_1", 12, 1, 4, 1},
	{"parameter_problem", "code_2", 12, 2, 4, 2},
	{"parameter_problem", "header_field", 12, 0, 4, 0},
	{"parameter_problem", "unknown_next_header", 0, 0, 4, 1},
	{"parameter_problem", "unknown_option", 0, 0, 4, 2},
};

/* Without a code the first of its type. */
static bool icmp_lookup(const struct script_icmp *m, bool v6, uint8_t *type, uint8_t *code)
{
	for (size_t i = 0; i < sizeof(icmp_words) / sizeof(icmp_words[0]); i++) {
		if (strcmp(icmp_words[i].type, m->type) != 0 || (*m->code && strcmp(icmp_words[i].code, m->code) != 0))
			continue;
		*type = v6 ? icmp_words[i].v6_type : icmp_words[i].v4_type;
		*code = v6 ? icmp_words[i].v6_code : icmp_words[i].v4_code;
		return *type != 0;
	}
	return false;
}

/* The packet that the error is about: as the stack would have sent it, its header and 8 bytes. */
static size_t put_inner(struct runner *r, const struct script_icmp *m, uint8_t *p)
{
	struct ip_hdr h = {.src = r->local, .dst = r->remote, .version = r->v6 ? 6 : 4, .ttl = 64,
			   .proto = m->udp_inner ? PROTO_UDP : PROTO_TCP,
			   .payload_len = TCP_LEN + m->len};
	size_t n = r->v6 ? IP6_LEN : IP4_LEN;

	if (r->v6)
		ip6_emit(p, &h);
	else
		ip4_emit(p, &h);
	wr16(p + n, r->lport);
	wr16(p + n + 2, r->rport);
	wr32(p + n + 4, m->seq + r->local_off + r->local_isn);
	return n + 8;
}

bool link_inject_icmp(struct runner *r, const struct script_icmp *m, int line)
{
	struct ip_hdr h = header(r, &m->ip, r->v6 ? PROTO_ICMP6 : PROTO_ICMP);
	uint8_t p[ICMP_LEN + IP6_LEN + 8] = {0};
	size_t len;

	if (!icmp_lookup(m, r->v6, &p[0], &p[1]))
		return run_fail(r, line, "no ICMP%s message '%s %s'", r->v6 ? "v6" : "", m->type, m->code);
	if (m->mtu >= 0)
		wr32(p + 4, (uint32_t)m->mtu);
	len = ICMP_LEN + put_inner(r, m, p + ICMP_LEN);
	if (r->v6)
		put_csum(p + 2, &h, p, len);
	else
		wr16(p + 2, (uint16_t)~csum_fold(csum_add(0, p, len)));
	return inject(r, &h, p, len) || run_fail(r, line, "out of memory");
}

bool link_inject_udp(struct runner *r, const struct script_udp *u)
{
	struct ip_hdr h = header(r, &u->ip, PROTO_UDP);
	size_t len = UDP_LEN + u->len;
	uint8_t *p = calloc(1, len);
	bool ok;

	if (!p)
		return false;
	wr16(p, u->sport < 0 ? r->rport : (uint16_t)u->sport);
	wr16(p + 2, u->dport < 0 ? r->lport : (uint16_t)u->dport);
	wr16(p + 4, (uint16_t)len);
	put_csum(p + 6, &h, p, len);
	ok = inject(r, &h, p, len);
	free(p);
	return ok;
}

/* ---- neighbours ---- */

static void answer_arp(struct runner *r, const uint8_t *p, size_t len)
{
	struct arp_msg m, a;
	uint8_t frame[ETH_LEN + ARP_LEN];
	struct pkt *reply;

	if (!arp_parse(p, len, &m) || m.op != ARP_REQUEST || m.tpa == m.spa ||
	    m.tpa == addr_to_v4(&r->local))
		return;
	a = (struct arp_msg){.op = ARP_REPLY, .sha = our_mac, .tha = m.sha, .spa = m.tpa, .tpa = m.spa};
	eth_emit(frame, &m.sha, &our_mac, ETH_ARP);
	arp_emit(frame + ETH_LEN, &a);
	reply = pkt_of_bytes(&r->pool, frame, sizeof(frame));
	if (reply)
		stack_input(r->stack, reply, r->now);
}

/* RFC 4861 7.2.4: a solicited advertisement with our link-layer address. */
static void answer_nd(struct runner *r, const struct ip_hdr *in, const uint8_t *icmp, size_t len)
{
	uint8_t p[32] = {ICMP6_NA, 0, 0, 0, 0x60};
	struct ip_hdr h = {.version = 6, .proto = PROTO_ICMP6, .ttl = 255, .dst = in->src};

	if (len < 24 || icmp[0] != ICMP6_NS || addr_is_any(&in->src))
		return;
	memcpy(h.src.b, icmp + 8, 16);
	memcpy(p + 8, icmp + 8, 16);
	p[24] = 2; /* target link-layer address, 8 bytes */
	p[25] = 1;
	memcpy(p + 26, our_mac.b, 6);
	put_csum(p + 2, &h, p, sizeof(p));
	inject(r, &h, p, sizeof(p));
}

/* ---- frames from the stack ---- */

static struct sent *queue_slot(struct runner *r)
{
	if (r->count == RUN_QUEUE) {
		r->overflow = true;
		return NULL;
	}
	struct sent *s = &r->queue[(r->head + r->count++) % RUN_QUEUE];

	memset(s, 0, sizeof(*s));
	s->stamp = r->now;
	return s;
}

/* What segmentation below would make of a unit: frames of gso_size, the last with PSH and FIN. */
static void cut_unit(struct runner *r, struct sent unit, uint32_t size)
{
	const uint16_t last_only = TH_PSH | TH_FIN;
	uint32_t seq = unit.g.seq, left = unit.g.len;

	r->count--; /* the unit itself, just queued */
	while (left) {
		struct sent *s = queue_slot(r);
		uint32_t n = left < size ? left : size;

		if (!s)
			return;
		*s = unit;
		s->g.seq = seq;
		s->g.len = n;
		s->g.end = seq + n;
		if (left > n)
			s->g.flags &= (uint16_t)~last_only;
		seq += n;
		left -= n;
	}
}

static void take_tcp(struct runner *r, const struct ip_hdr *ip, const uint8_t *p, size_t len,
		     const struct pkt *pkt)
{
	struct seg g;
	struct sent *s;

	if (!tcp_parse(p, len, &g) || !(s = queue_slot(r)))
		return;
	s->proto = PROTO_TCP;
	s->src = ip->src;
	s->dst = ip->dst;
	s->resent = pkt->note.xmit > 1;
	s->gso = pkt->gso_size;
	s->g = (struct script_seg){.outbound = true, .sport = g.sport, .dport = g.dport, .flags = g.flags,
				   .seq = g.seq.v, .len = (uint32_t)(len - g.hdr_len),
				   .has_ack = g.flags & TH_ACK, .ack = g.ack.v, .has_win = true,
				   .win = g.wnd, .has_urg = g.urg != 0, .urg = g.urg, .ace = -1,
				   .udp_sport = -1, .udp_dport = -1};
	s->g.end = s->g.seq + s->g.len;
	s->g.ip = (struct script_ip){.ecn = (int8_t)(ip->tos & ECN_MASK), .tos = ip->tos, .ttl = ip->ttl,
				     .flow_label = (int32_t)ip->flow_label};
	script_opts_scan(p + TCP_LEN, g.hdr_len - TCP_LEN, &s->g);
	for (size_t i = g.hdr_len; i < len && !s->fault; i++)
		if (p[i])
			s->fault = "payload";
	if (pkt->csum == CSUM_UNKNOWN || pkt->csum == CSUM_VERIFIED)
		if (csum_fold(csum_add(csum_pseudo(&ip->src, &ip->dst, PROTO_TCP, (uint32_t)len), p, len)) !=
		    0xffff)
			s->fault = "checksum";
	if (r->env.cut && pkt->gso_size && s->g.len > pkt->gso_size)
		cut_unit(r, *s, pkt->gso_size);
}

static void take_ip(struct runner *r, const uint8_t *p, size_t len, const struct pkt *pkt)
{
	struct ip_hdr ip;
	uint32_t problem;
	uint8_t code;
	enum ip_verdict v = p[0] >> 4 == 4 ? ip4_parse(p, len, &ip, false)
					   : ip6_parse(p, len, &ip, &problem, &code);
	const uint8_t *body = p + ip.hdr_len;
	struct sent *s;

	if (v != IP_OK) {
		s = queue_slot(r);
		if (s)
			s->fault = "IP header";
		return;
	}
	if (ip.proto == PROTO_ICMP6 && ip.payload_len >= 1 && body[0] >= ICMP6_RS) {
		answer_nd(r, &ip, body, ip.payload_len);
		return;
	}
	if (ip.proto == PROTO_TCP) {
		take_tcp(r, &ip, body, ip.payload_len, pkt);
		return;
	}
	s = queue_slot(r);
	if (s) {
		s->proto = ip.proto;
		s->g.len = ip.payload_len;
		s->g.seq = ip.payload_len >= 2 ? (uint32_t)(body[0] << 8 | body[1]) : 0; /* type, code */
	}
}

void link_take(struct runner *r, struct pkt *pkt)
{
	uint32_t len = pkt->len;
	uint8_t *p = malloc(len ? len : 1);
	struct eth_hdr e;

	if (!p) {
		free(p);
		pkt_free(pkt);
		return;
	}
	pkt_copy_out(pkt, 0, p, len);
	if (!eth_parse(p, len, &e))
		r->overflow = true; /* no frame at all: the script cannot go on */
	else if (e.type == ETH_ARP)
		answer_arp(r, p + e.hdr_len, len - e.hdr_len);
	else if (len > e.hdr_len && (e.type == ETH_IP4 || e.type == ETH_IP6))
		take_ip(r, p + e.hdr_len, len - e.hdr_len, pkt);
	free(p);
	pkt_free(pkt);
}
