/* See lone.h. */
#include "lone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../stack/base/check.h"
#include "../../stack/wire/arp.h"
#include "../../stack/wire/csum.h"
#include "../../stack/wire/eth.h"
#include "../../stack/wire/icmp.h"

const struct mac LONE_MAC = {{2, 0, 0, 0, 0, 1}}, LONE_ROUTER_MAC = {{2, 0, 0, 0, 0, 0xfe}};

/* ---- making and ending ---- */

struct lone *lone_new(void)
{
	struct lone *l = calloc(1, sizeof(*l));

	assert(l);
	pkt_pool_init(&l->pool, 0, 0);
	stack_config_default(&l->cfg);
	l->now = SEC;
	l->cfg.seed = 1;
	l->cfg.now = l->now;
	l->cfg.pool = &l->pool;
	l->cfg.link = (struct link_caps){.mtu = 1500};
	l->cfg.mac = LONE_MAC;
	l->cfg.addr[0] = (struct stack_addr){addr_v4(LONE_ME), 24};
	l->cfg.naddrs = 1;
	l->cfg.route[0] = (struct stack_route){.dst = addr_v4(0), .prefix = 0, .via = addr_v4(LONE_ROUTER)};
	l->cfg.nroutes = 1;
	return l;
}

static void router_says(struct lone *l, uint16_t op)
{
	struct arp_msg m = {op, LONE_ROUTER_MAC, op == ARP_REPLY ? LONE_MAC : (struct mac){{0}}, LONE_ROUTER, LONE_ME};
	uint8_t f[ETH_LEN + ARP_LEN];

	eth_emit(f, &LONE_MAC, &LONE_ROUTER_MAC, ETH_ARP);
	arp_emit(f + ETH_LEN, &m);
	lone_put(l, f, sizeof(f));
}

void lone_listen(struct lone *l)
{
	struct addr any = {{0}};

	if (l->listener)
		sock_close(l->s, l->listener);
	l->listener = sock_open(l->s);
	CU_ASSERT_EQUAL_FATAL(sock_bind(l->s, l->listener, &any, LONE_PORT), 0);
	CU_ASSERT_EQUAL_FATAL(sock_listen(l->s, l->listener, 16), 0);
	lone_turn(l);
}

void lone_start(struct lone *l)
{
	l->s = stack_new(&l->cfg);
	assert(l->s);
	router_says(l, ARP_REQUEST);
	lone_turn(l);
	lone_listen(l);
	lone_forget(l);
}

struct lone *lone_open(void)
{
	struct lone *l = lone_new();

	lone_start(l);
	return l;
}

/* Blocks of which only our own reference is left. */
static void take_back(struct lone *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->nlent; i++) {
		if (l->lent[i]->refs == 1)
			free(l->lent[i]);
		else
			l->lent[kept++] = l->lent[i];
	}
	l->nlent = kept;
}

void lone_free(struct lone *l)
{
	stack_free(l->s);
	take_back(l);
	CU_ASSERT_EQUAL(l->nlent, 0);
	CU_ASSERT_EQUAL(l->pool.pkts.used, 0);
	pkt_pool_free(&l->pool);
	free(l);
}

/* ---- frames ---- */

static void hear(struct lone *l, const struct pkt *p)
{
	struct eth_hdr eth;
	struct ip_hdr ip;
	struct arp_msg arp;
	struct seg g;

	l->frames_out++;
	assert(p->len <= sizeof(l->last));
	pkt_copy_out(p, 0, l->last, p->len);
	l->last_len = p->len;
	if (!eth_parse(l->last, l->last_len, &eth))
		return;
	if (eth.type == ETH_ARP && arp_parse(l->last + ETH_LEN, l->last_len - ETH_LEN, &arp))
		l->asked |= arp.op == ARP_REQUEST && arp.tpa == LONE_ROUTER;
	if (eth.type != ETH_IP4)
		return;
	const uint8_t *at = l->last + eth.hdr_len;

	CU_ASSERT_EQUAL(ip4_parse(at, l->last_len - eth.hdr_len, &ip, false), IP_OK);
	l->icmp_out += ip.proto == PROTO_ICMP;
	if (ip.proto != PROTO_TCP)
		return;
	CU_ASSERT_TRUE(tcp_parse(at + ip.hdr_len, ip.payload_len, &g));
	g.len = ip.payload_len - g.hdr_len;
	if (l->nheard < LONE_HEARD)
		l->heard[l->nheard++] = g;
}

void lone_turn(struct lone *l)
{
	struct pkt *out[32];
	char why[200];
	size_t n;

	stack_advance(l->s, l->now);
	do {
		n = stack_output(l->s, l->now, out, ARRAY_LEN(out));
		for (size_t i = 0; i < n; i++) {
			hear(l, out[i]);
			pkt_free(out[i]);
		}
		if (l->asked) {
			l->asked = false;
			router_says(l, ARP_REPLY);
			n = ARRAY_LEN(out); /* look again */
		}
	} while (n == ARRAY_LEN(out));
	if (!stack_check(l->s, why, sizeof(why))) {
		fprintf(stderr, "invariant broken at %.6f s: %s\n", (double)l->now / 1e9, why);
		CU_FAIL("an invariant is broken");
	}
}

void lone_put(struct lone *l, const void *frame, size_t len)
{
	struct chunk *c = malloc(sizeof(*c) + len);

	if (l->nlent > 64)
		take_back(l);
	assert(c && l->nlent < LONE_LENT);
	*c = (struct chunk){.refs = 2, .cap = (uint32_t)len, .used = (uint32_t)len};
	if (len)
		memcpy(c->data, frame, len);
	l->lent[l->nlent++] = c;
	struct pkt *p = pkt_of_chunk(&l->pool, c, 0, (uint32_t)len);

	if (p)
		stack_input(l->s, p, l->now);
}

void lone_give(struct lone *l, const void *frame, size_t len)
{
	lone_put(l, frame, len);
	lone_turn(l);
}

void lone_wait(struct lone *l, ns_t d)
{
	ns_t until = l->now + d;

	for (;;) {
		ns_t next = stack_deadline(l->s);

		if (next > until)
			break;
		l->now = ns_max(l->now, next);
		lone_turn(l);
	}
	l->now = until;
	lone_turn(l);
}

void lone_forget(struct lone *l)
{
	l->nheard = l->last_len = 0;
	l->frames_out = l->icmp_out = 0;
}

/* ---- segments ---- */

struct lone_peer lone_peer(uint32_t n)
{
	return (struct lone_peer){.addr = LONE_PEER + n / 30000 * 256 + n % 200,
				  .port = (uint16_t)(20000 + n % 30000),
				  .stack_port = LONE_PORT,
				  .iss = 1000 + n * 77777u,
				  .nxt = 1000 + n * 77777u,
				  .wnd = 65535,
				  .mss = 1460,
				  .ts = true,
				  .sack = true,
				  .wscale = 7,
				  .ts_val = 5000};
}

uint8_t lone_byte(const struct lone_peer *p, uint32_t seq)
{
	uint32_t pos = seq - p->iss - 1;

	return (uint8_t)(pos * 131 + (pos >> 8) * 31 + 7);
}

size_t lone_frame(uint8_t *frame, const struct lone_peer *p, const struct seg *g, const void *text)
{
	struct seg h = *g;
	uint32_t hdr = TCP_LEN + (uint32_t)tcp_opts_len(&h, LAYOUT_LINUX);
	struct ip_hdr ip = {.src = addr_v4(p->addr),
			    .dst = addr_v4(LONE_ME),
			    .version = 4,
			    .proto = PROTO_TCP,
			    .ttl = 64,
			    .hdr_len = IP4_LEN,
			    .payload_len = hdr + g->len};
	uint8_t *at = frame + ETH_LEN + IP4_LEN;

	assert(ETH_LEN + IP4_LEN + hdr + g->len <= LONE_FRAME);
	h.sport = p->port;
	h.dport = p->stack_port;
	eth_emit(frame, &LONE_MAC, &LONE_ROUTER_MAC, ETH_IP4);
	ip4_emit(frame + ETH_LEN, &ip);
	tcp_emit(at, &h, LAYOUT_LINUX);
	for (uint32_t i = 0; i < g->len; i++)
		at[hdr + i] = text ? ((const uint8_t *)text)[i] : lone_byte(p, g->seq.v + i);
	lone_sum(frame, ETH_LEN + IP4_LEN + hdr + g->len);
	return ETH_LEN + IP4_LEN + hdr + g->len;
}

void lone_sum(uint8_t *frame, size_t len)
{
	struct ip_hdr ip;

	if (len < ETH_LEN + IP4_LEN)
		return;
	uint8_t *h = frame + ETH_LEN;
	size_t hl = (size_t)(h[0] & 15) * 4, there = len - ETH_LEN;

	if (hl < IP4_LEN || hl > there)
		return;
	wr16(h + 10, 0);
	wr16(h + 10, (uint16_t)~csum_fold(csum_add(0, h, hl)));
	if (ip4_parse(h, there, &ip, false) != IP_OK || ip.proto != PROTO_TCP || ip.payload_len < TCP_LEN)
		return;
	uint8_t *t = h + ip.hdr_len;

	wr16(t + 16, 0);
	csum_t sum = csum_pseudo(&ip.src, &ip.dst, PROTO_TCP, ip.payload_len);

	wr16(t + 16, (uint16_t)~csum_fold(csum_add(sum, t, ip.payload_len)));
}

void lone_say_seg(struct lone *l, const struct lone_peer *p, struct seg *g, const void *text)
{
	uint8_t f[LONE_FRAME];

	lone_give(l, f, lone_frame(f, p, g, text));
}

static void add_options(const struct lone_peer *p, struct seg *g)
{
	if (g->flags & TH_SYN) {
		g->opt.has_mss = p->mss > 0;
		g->opt.mss = p->mss;
		g->opt.sack_ok = p->sack;
		g->opt.has_wscale = p->wscale != 0xff;
		g->opt.wscale = p->wscale;
	}
	if (p->ts && !(g->flags & TH_RST)) {
		g->opt.has_ts = true;
		g->opt.ts_val = p->ts_val;
		g->opt.ts_ecr = p->ts_ecr;
	}
}

void lone_say(struct lone *l, struct lone_peer *p, uint16_t flags, uint32_t len)
{
	struct seg g = {.seq = seq_of(p->nxt), .flags = flags, .wnd = p->wnd, .len = len};

	if (flags & TH_ACK)
		g.ack = seq_of(p->ack);
	add_options(p, &g);
	lone_say_seg(l, p, &g, NULL);
	p->nxt += seg_len(&g);
}

void lone_icmp(struct lone *l, const struct lone_peer *p, uint8_t type, uint8_t code, uint32_t rest, uint32_t seq)
{
	uint8_t f[ETH_LEN + IP4_LEN + ICMP_LEN + IP4_LEN + 8] = {0}, *m = f + ETH_LEN + IP4_LEN;
	uint8_t *q = m + ICMP_LEN;
	struct ip_hdr outer = {.src = addr_v4(LONE_ROUTER),
			       .dst = addr_v4(LONE_ME),
			       .version = 4,
			       .proto = PROTO_ICMP,
			       .ttl = 64,
			       .payload_len = ICMP_LEN + IP4_LEN + 8};
	struct ip_hdr inner = {.src = addr_v4(LONE_ME),
			       .dst = addr_v4(p->addr),
			       .version = 4,
			       .proto = PROTO_TCP,
			       .ttl = 60,
			       .dont_frag = true,
			       .payload_len = 1480};

	eth_emit(f, &LONE_MAC, &LONE_ROUTER_MAC, ETH_IP4);
	ip4_emit(f + ETH_LEN, &outer);
	m[0] = type;
	m[1] = code;
	wr32(m + 4, rest);
	ip4_emit(q, &inner);
	wr16(q + IP4_LEN, p->stack_port);
	wr16(q + IP4_LEN + 2, p->port);
	wr32(q + IP4_LEN + 4, seq);
	wr16(m + 2, (uint16_t)~csum_fold(csum_add(0, m, ICMP_LEN + IP4_LEN + 8)));
	lone_give(l, f, sizeof(f));
}

/* ---- connections ---- */

static void learn(struct lone_peer *p, const struct seg *g)
{
	p->ack = g->seq.v + seg_len(g);
	if (g->flags & TH_SYN) {
		p->stack_iss = g->seq.v;
		p->ts = p->ts && g->opt.has_ts;
	}
	if (g->opt.has_ts)
		p->ts_ecr = g->opt.ts_val;
}

static void syn(struct lone *l, struct lone_peer *p)
{
	lone_forget(l);
	lone_say(l, p, TH_SYN, 0);
	const struct seg *g = lone_last(l, TH_SYN | TH_ACK | TH_RST, TH_SYN | TH_ACK);

	CU_ASSERT_PTR_NOT_NULL_FATAL(g);
	learn(p, g);
}

void lone_handshake(struct lone *l, struct lone_peer *p)
{
	lone_handshake_over(l, p, 0);
}

void lone_handshake_over(struct lone *l, struct lone_peer *p, ns_t rtt)
{
	syn(l, p);
	lone_wait(l, rtt);
	lone_say(l, p, TH_ACK, 0);
	p->sock = sock_accept(l->s, l->listener);
	CU_ASSERT_NOT_EQUAL_FATAL(p->sock, 0);
	lone_forget(l);
}

void lone_connect(struct lone *l, struct lone_peer *p)
{
	struct addr a = addr_v4(p->addr);

	lone_forget(l);
	p->sock = sock_open(l->s);
	CU_ASSERT_NOT_EQUAL_FATAL(p->sock, 0);
	CU_ASSERT_EQUAL_FATAL(sock_connect(l->s, p->sock, &a, p->port), 0);
	lone_turn(l);
	const struct seg *g = lone_last(l, TH_SYN | TH_ACK, TH_SYN);

	CU_ASSERT_PTR_NOT_NULL_FATAL(g);
	p->stack_port = g->sport;
	learn(p, g);
	lone_forget(l);
}

static void shut(struct lone *l, struct lone_peer *p)
{
	sock_shutdown(l->s, p->sock);
	lone_turn(l);
	const struct seg *g = lone_last(l, TH_FIN, TH_FIN);

	CU_ASSERT_PTR_NOT_NULL_FATAL(g);
	p->ack = g->seq.v + seg_len(g);
}

bool lone_reach(struct lone *l, struct lone_peer *p, enum tcp_state state)
{
	uint32_t before;

	switch (state) {
	case TCP_CLOSED:
		p->stack_port = 9;
		return true;
	case TCP_LISTEN:
		return true;
	case TCP_SYN_SENT:
		lone_connect(l, p);
		break;
	case TCP_SYN_RECEIVED:
		syn(l, p);
		break;
	default:
		lone_handshake(l, p);
		break;
	}
	switch (state) {
	case TCP_CLOSE_WAIT:
	case TCP_LAST_ACK:
		lone_say(l, p, TH_FIN | TH_ACK, 0);
		if (state == TCP_LAST_ACK) {
			before = p->ack;
			shut(l, p);
			p->ack = before; /* has not heard of the FIN */
		}
		break;
	case TCP_FIN_WAIT_1:
	case TCP_FIN_WAIT_2:
	case TCP_CLOSING:
	case TCP_TIME_WAIT:
		before = p->ack;
		shut(l, p);
		if (state == TCP_FIN_WAIT_1 || state == TCP_CLOSING)
			p->ack = before;
		if (state == TCP_FIN_WAIT_2)
			lone_say(l, p, TH_ACK, 0);
		if (state == TCP_CLOSING || state == TCP_TIME_WAIT)
			lone_say(l, p, TH_FIN | TH_ACK, 0);
		break;
	default:
		break;
	}
	lone_forget(l);
	return lone_state(l, p) == state;
}

bool lone_info(struct lone *l, const struct lone_peer *p, struct sock_info *i)
{
	struct addr a = addr_v4(p->addr);
	uint32_t cursor = 0;

	while (stack_walk(l->s, &cursor, i))
		if (i->state != TCP_LISTEN && i->state != TCP_CLOSED && i->rport == p->port &&
		    i->lport == p->stack_port && addr_eq(&i->remote, &a))
			return true;
	return false;
}

enum tcp_state lone_state(struct lone *l, const struct lone_peer *p)
{
	struct sock_info i;

	return lone_info(l, p, &i) ? i.state : TCP_CLOSED;
}

uint32_t lone_count(struct lone *l, enum tcp_state state)
{
	struct sock_info i;
	uint32_t cursor = 0, n = 0;

	while (stack_walk(l->s, &cursor, &i))
		n += i.state == state;
	return n;
}

size_t lone_heard(const struct lone *l, uint16_t mask, uint16_t flags)
{
	size_t n = 0;

	for (size_t i = 0; i < l->nheard; i++)
		n += (l->heard[i].flags & mask) == flags;
	return n;
}

const struct seg *lone_last(const struct lone *l, uint16_t mask, uint16_t flags)
{
	for (size_t i = l->nheard; i-- > 0;)
		if ((l->heard[i].flags & mask) == flags)
			return &l->heard[i];
	return NULL;
}

uint64_t lone_heard_bytes(const struct lone *l)
{
	uint64_t n = 0;

	for (size_t i = 0; i < l->nheard; i++)
		n += l->heard[i].len;
	return n;
}

int64_t lone_read(struct lone *l, const struct lone_peer *p, uint32_t from)
{
	uint8_t buf[4096];
	int64_t all = 0, n;

	while ((n = sock_recv(l->s, p->sock, buf, sizeof(buf))) > 0)
		for (int64_t i = 0; i < n; i++, all++)
			if (buf[i] != lone_byte(p, from + (uint32_t)all))
				return -1;
	lone_turn(l);
	return all;
}
