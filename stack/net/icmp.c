/* ICMP and ICMPv6: echo, errors that go out, errors that come in (RFC 792, 1122 3.2.2, 4443).
 *
 * An echo reply holds exactly the bytes that the IP length counted in the request. Redirects,
 * source quench (RFC 6633) and all queries but echo are ignored. An error goes out only about the
 * first fragment of a unicast packet from a unicast source that was not itself an error (RFC
 * 1122 3.2.2, RFC 4443 2.4 (e)), and only while there are tokens. The bucket's size is drawn at
 * each refill, so that it is no clock for others to count by (CVE-2020-25705).
 *
 * An error that comes in is believed here only as far as its own bytes go: it must be about a
 * packet that could be ours. Whether it fits a connection is TCP's to say (RFC 5927). */
#include "net.h"

#include "../wire/csum.h"
#include "../wire/tcp.h"

#define TOKEN_EVERY (10 * MS) /* 100 errors a second */
#define TOKENS_MIN 32
#define TOKENS_SPREAD 33

/* RFC 1812 4.3.2.3: as much as fits 576 bytes; RFC 4443 3.1: as much as fits 1,280. */
#define ERROR4_MAX 576
#define ERROR6_MAX 1280

static bool is_error4(uint8_t type)
{
	return type == ICMP4_UNREACH || type == ICMP4_QUENCH || type == ICMP4_REDIRECT ||
	       type == ICMP4_TIME_EXCEEDED || type == ICMP4_PARAM;
}

/* ---- out ---- */

/* The sum over head and slices, which may meet at odd offsets. */
static csum_t sum_of(const struct pkt *p)
{
	csum_t sum = csum_add(0, p->data, p->head_len);
	uint32_t off = p->head_len;

	for (int i = 0; i < p->nslices; i++) {
		const struct slice *s = &p->slice[i];
		csum_t part = csum_add(0, s->chunk->data + s->off, s->len);

		sum += off % 2 ? csum_shift(part) : part;
		off += s->len;
	}
	return sum;
}

void icmp_send(struct net *net, struct pkt *body, const struct net_dst *d, uint8_t type,
	       uint8_t code, uint32_t rest, ns_t now)
{
	uint8_t *b = pkt_push(body, ICMP_LEN);
	csum_t sum = 0;

	b[0] = type;
	b[1] = code;
	wr16(b + 2, 0);
	wr32(b + 4, rest);
	if (d->proto == PROTO_ICMP6)
		sum = csum_pseudo(&d->src, &d->dst, PROTO_ICMP6, body->len);
	sum += sum_of(body);
	wr16(b + 2, (uint16_t)~csum_fold(sum));
	body->csum = CSUM_VERIFIED;
	net->count->icmp_out++;
	net_send(net, body, d, now);
}

/* A pkt that holds bytes [off, off + n) of p as slices. */
static struct pkt *view_of(struct net *net, const struct pkt *p, uint32_t off, uint32_t n)
{
	struct pkt *v = pkt_new(net->pool);
	int k = v ? pkt_take_slices(p, off, n, v->slice, PKT_SLICES) : -1;

	if (k < 0) {
		net->count->no_memory++;
		pkt_free(v);
		return NULL;
	}
	v->nslices = (uint8_t)k;
	v->len = n;
	return v;
}

static bool take_token(struct net *net, ns_t now)
{
	int64_t fresh = (now - net->icmp_stamp) / TOKEN_EVERY;

	if (fresh > 0) {
		uint32_t size = TOKENS_MIN + rng_below(&net->rng, TOKENS_SPREAD);

		net->icmp_stamp += fresh * TOKEN_EVERY;
		fresh += net->icmp_tokens;
		net->icmp_tokens = fresh < size ? (uint32_t)fresh : size;
	}
	if (net->icmp_tokens == 0) {
		net->count->icmp_limited++;
		return false;
	}
	net->icmp_tokens--;
	return true;
}

/* RFC 8200 4.5 wants an answer to later fragments that lie, which only ICMPv6 allows. */
static bool is_fragment_problem(const struct ip_hdr *h, uint8_t type)
{
	return h->version == 6 && type == ICMP6_PARAM && h->proto != PROTO_ICMP6;
}

static bool may_answer(const struct net *net, const struct pkt *p, const struct ip_hdr *h,
		       uint8_t type)
{
	uint32_t off = (uint32_t)p->l3_off + h->hdr_len;

	if (ether_to_group(p) || (h->frag_off != 0 && !is_fragment_problem(h, type)))
		return false;
	if (!net_is_ours(net, &h->dst) || addr_is_any(&h->src) || addr_is_multicast(&h->src))
		return false;
	if (h->proto == PROTO_ICMP)
		return off < p->head_len && !is_error4(p->data[off]);
	if (h->proto == PROTO_ICMP6)
		return off < p->head_len && p->data[off] >= 128;
	return true;
}

void icmp_error(struct net *net, const struct pkt *p, const struct ip_hdr *h, uint8_t type,
		uint8_t code, uint32_t rest, ns_t now)
{
	bool v4 = h->version == 4;
	uint32_t max = v4 ? ERROR4_MAX - IP4_LEN - ICMP_LEN : ERROR6_MAX - IP6_LEN - ICMP_LEN;
	uint32_t n = p->len - p->l3_off;
	struct net_dst d = {.src = h->dst, .dst = h->src, .proto = v4 ? PROTO_ICMP : PROTO_ICMP6};
	struct pkt *quote;

	if (!may_answer(net, p, h, type) || !take_token(net, now))
		return;
	quote = view_of(net, p, p->l3_off, n < max ? n : max);
	if (quote)
		icmp_send(net, quote, &d, type, code, rest, now);
}

static void echo_reply(struct net *net, const struct pkt *p, const struct ip_hdr *h,
		       const struct icmp_msg *m, ns_t now)
{
	bool v4 = h->version == 4;
	struct net_dst d = {.src = h->dst,
			    .dst = h->src,
			    .proto = v4 ? PROTO_ICMP : PROTO_ICMP6,
			    .tos = h->tos & (uint8_t)~ECN_MASK};
	struct pkt *body;

	if (!net_is_ours(net, &h->dst) || addr_is_any(&h->src)) /* smurf (CVE-1999-0513) */
		return;
	body = view_of(net, p, p->l4_off + ICMP_LEN, (uint32_t)m->body_len);
	if (body)
		icmp_send(net, body, &d, v4 ? ICMP4_ECHO_REPLY : ICMP6_ECHO_REPLY, 0, m->rest, now);
}

/* ---- in ---- */

/* RFC 1122 3.2.2.1 and RFC 1812 5.2.7.1 by code; what is not named is soft. */
static void judge4(const struct icmp_msg *m, struct net_in *in)
{
	in->error = NET_ERR_SOFT;
	in->mtu = 0;
	if (m->type == ICMP4_TIME_EXCEEDED && m->code == 0)
		in->error = NET_ERR_TTL;
	if (m->type != ICMP4_UNREACH)
		return;
	switch (m->code) {
	case ICMP4_UNREACH_PROTO:
		in->error = NET_ERR_PROTO;
		return;
	case ICMP4_UNREACH_PORT:
	case 9:  /* network, */
	case 10: /* host, */
	case 13: /* communication administratively prohibited */
		in->error = NET_ERR_PORT;
		return;
	case ICMP4_UNREACH_FRAG:
		in->error = NET_ERR_TOO_BIG;
		in->mtu = m->rest & 0xffff; /* RFC 1191 4 */
		return;
	default:
		return;
	}
}

/* RFC 4443 3. */
static void judge6(const struct icmp_msg *m, struct net_in *in)
{
	in->error = NET_ERR_SOFT;
	in->mtu = 0;
	if (m->type == ICMP6_TOO_BIG) {
		in->error = NET_ERR_TOO_BIG;
		in->mtu = m->rest;
	} else if (m->type == ICMP6_TIME_EXCEEDED && m->code == 0) {
		in->error = NET_ERR_TTL;
	} else if (m->type == ICMP6_PARAM && m->code == 1) {
		in->error = NET_ERR_PROTO;
	} else if (m->type == ICMP6_UNREACH &&
		   (m->code == 1 || m->code == 4 || m->code == 5 || m->code == 6)) {
		in->error = NET_ERR_PORT; /* prohibited; port; source policy; reject route */
	}
}

/* About a TCP segment that could be ours, with enough of it to name the connection. */
static bool about_tcp(const struct net *net, const struct ip_hdr *h, const struct icmp_msg *m,
		      struct icmp_inner *inner)
{
	return icmp_inner_parse(m, h->version == 6, inner) && inner->proto == PROTO_TCP &&
	       inner->has_seq && addr_eq(&inner->src, &h->dst) && net_is_ours(net, &inner->src);
}

static void error_in(struct net *net, const struct ip_hdr *h, const struct icmp_msg *m,
		     struct net_in *in)
{
	if (!about_tcp(net, h, m, &in->inner)) {
		net->count->icmp_to_tcp_ignored++;
		return;
	}
	if (h->version == 4)
		judge4(m, in);
	else
		judge6(m, in);
	in->what = NET_TCP_ERROR;
	in->ip = *h;
}

static void handle4(struct net *net, const struct pkt *p, const struct ip_hdr *h,
		    const struct icmp_msg *m, ns_t now, struct net_in *in)
{
	switch (m->type) {
	case ICMP4_ECHO:
		if (m->code == 0)
			echo_reply(net, p, h, m, now);
		return;
	case ICMP4_UNREACH:
	case ICMP4_TIME_EXCEEDED:
	case ICMP4_PARAM:
		error_in(net, h, m, in);
		return;
	default:
		return;
	}
}

/* RFC 6980: discovery in fragments is ignored. What was reassembled has no link header. */
static bool has_link_header(const struct pkt *p)
{
	return p->l3_off > 0;
}

static void handle6(struct net *net, const struct pkt *p, const struct ip_hdr *h,
		    const struct icmp_msg *m, ns_t now, struct net_in *in)
{
	switch (m->type) {
	case ICMP6_ECHO:
		if (m->code == 0)
			echo_reply(net, p, h, m, now);
		return;
	case ICMP6_UNREACH:
	case ICMP6_TOO_BIG:
	case ICMP6_TIME_EXCEEDED:
	case ICMP6_PARAM:
		error_in(net, h, m, in);
		return;
	case ICMP6_NS:
	case ICMP6_NA:
		if (has_link_header(p))
			nd_input(net, h, m, now);
		return;
	case ICMP6_RA:
		if (has_link_header(p))
			slaac_input(net, h, m, now);
		return;
	default:
		return;
	}
}

/* The message lies in one piece; its sum is right (unless somebody vouches for it). */
static bool verify(struct pkt *p, const struct ip_hdr *h, struct icmp_msg *m)
{
	uint32_t len = p->len - p->l4_off;
	csum_t sum = 0;

	if (!pkt_linear(p, p->l4_off, len))
		return false;
	if (h->version == 6)
		sum = csum_pseudo(&h->src, &h->dst, PROTO_ICMP6, len);
	sum = csum_add(sum, p->data + p->l4_off, len);
	if (p->csum == CSUM_UNKNOWN && csum_fold(sum) != 0xffff)
		return false;
	return icmp_parse(p->data + p->l4_off, len, m);
}

void icmp4_input(struct net *net, struct pkt *p, const struct ip_hdr *h, ns_t now,
		 struct net_in *in)
{
	struct icmp_msg m;

	net->count->icmp_in++;
	if (verify(p, h, &m))
		handle4(net, p, h, &m, now, in);
	else
		net->count->icmp_bad++;
	pkt_free(p);
}

void icmp6_input(struct net *net, struct pkt *p, const struct ip_hdr *h, ns_t now,
		 struct net_in *in)
{
	struct icmp_msg m;

	net->count->icmp_in++;
	if (verify(p, h, &m))
		handle6(net, p, h, &m, now, in);
	else
		net->count->icmp_bad++;
	pkt_free(p);
}
