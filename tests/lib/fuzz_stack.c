/* One stack with a listener and four connections in states that the input chooses; then the input
 * is read as a program: segments that are nearly right for these connections, frames that are not,
 * user calls, memory that runs out, time. stack_check runs after each (lone.c), and in the end
 * nothing may be left. */
#include "fuzz_entries.h"

#include <stdlib.h>
#include <string.h>

#include <linux/virtio_net.h>

#include "../../stack/base/check.h"
#include "../../stack/config.h"
#include "../../stack/link/frame.h"
#include "../../stack/stack_impl.h"
#include "../../stack/wire/csum.h"
#include "../../stack/wire/eth.h"
#include "../../stack/wire/icmp.h"
#include "lone.h"

#define PEERS 4
#define SOCKS 12
#define OPS 200

struct game {
	struct lone *l;
	struct fuzz_in in;
	struct lone_peer peer[PEERS];
	sock_t sock[SOCKS]; /* open handles, and stale ones */
	size_t nsocks;
};

/* ---- configuration ---- */

static void choose_config(struct lone *l, struct fuzz_in *in)
{
	static const uint32_t bufs[] = {3000, 20000, 65535, 1 << 20};
	struct tcp_config *c = &l->cfg.tcp;
	uint32_t bits = fuzz_u32(in);
	uint8_t kinds = fuzz_u8(in), sizes = fuzz_u8(in);

	c->sack = bits & 1;
	c->dsack = bits & 2;
	c->timestamps = bits & 4;
	c->wscale = bits & 8;
	c->limited_transmit = bits & 0x10;
	c->prr = bits & 0x20;
	c->tlp = bits & 0x40;
	c->frto = bits & 0x80;
	c->eifel = bits & 0x100;
	c->hystart = bits & 0x200;
	c->pacing = bits & 0x400;
	c->nagle = bits & 0x800;
	c->delayed_ack = bits & 0x1000;
	c->quickack = bits & 0x2000;
	c->syn_cookies = bits & 0x4000;
	c->rfc1337 = bits & 0x8000;
	c->keepalive = bits & 0x10000;
	c->fastopen = bits & 0x20000;
	c->plpmtud = bits & 0x40000;
	c->pmtud = bits & 0x80000;
	c->rfc5961 = !(bits & 0x100000);
	c->whole_segs = bits & 0x200000;
	c->ts_tolerant = bits & 0x400000;
	c->bare_probes = bits & 0x800000;
	c->fin_again = bits & 0x1000000;
	c->uto = bits & 0x2000000;
	c->rto_restart = bits & 0x4000000;
	c->isn_is_fixed = bits & 0x8000000;
	c->isn_fixed = bits & 0x10000000 ? 0xfffffff0u : 0x7ffffff0u;
	l->cfg.ip6_auto = bits & 0x20000000;
	if (bits & 0x40000000) /* the peers' ECE or CWR alone then mean AccECN (RFC 9768 3.1.3) */
		c->ecn = ECN_ACC;
	c->ect_all = bits & 0x80000000;
	c->accecn_option = bits & 0x80000000 ? ACC_OPT_ALWAYS : ACC_OPT_CHANGED;
	l->cfg.arp_probe = false;
	c->cc = (enum tcp_cc_kind)(kinds % CC_COUNT);
	c->recovery = (enum tcp_recovery)(kinds / CC_COUNT % 5);
	c->ecn = (enum tcp_ecn)(sizes & 3);
	c->rcvbuf = bufs[sizes >> 2 & 3];
	c->sndbuf = bufs[sizes >> 4 & 3];
	c->synfin = (enum tcp_synfin)(sizes >> 6 == 3 ? 0 : sizes >> 6);
	/* Small enough that an input can fill them. */
	l->cfg.max_socks = 24;
	l->cfg.max_half_open = 4;
	l->cfg.max_time_wait = 4;
	l->cfg.max_neigh = 8;
	l->cfg.max_frag_bytes = 8192;
}

/* ---- segments that are nearly right ---- */

static uint32_t near(struct fuzz_in *in, uint32_t base, uint32_t wnd)
{
	uint8_t how = fuzz_u8(in);

	switch (how & 15) {
	case 0: case 1: case 2: case 3: case 4: case 5:
		return base;
	case 6:
		return base + 1;
	case 7:
		return base - 1;
	case 8:
		return base + wnd;
	case 9:
		return base + wnd - 1;
	case 10:
		return base + 0x80000000u + (how >> 4);
	case 11:
		return base - (uint32_t)(how >> 4) * 500;
	case 12:
		return base + (uint32_t)(how >> 4) * 500;
	case 13:
		return base + (uint32_t)(int32_t)(int8_t)fuzz_u8(in);
	case 14:
		return base + (uint32_t)(int32_t)(int16_t)fuzz_u16(in);
	default:
		return fuzz_u32(in);
	}
}

static void add_options(struct fuzz_in *in, struct seg *g, const struct sock_info *i, ns_t now)
{
	uint8_t bits = fuzz_u8(in);
	struct tcp_opts *o = &g->opt;

	o->has_ts = bits & 1;
	if (o->has_ts) {
		o->ts_val = near(in, 5000 + (uint32_t)(now / MS), 10);
		o->ts_ecr = near(in, (uint32_t)(now / MS), 10);
	}
	if (bits & 2) {
		o->nsack = (uint8_t)(1 + (bits >> 2 & 1) + (bits >> 3 & 1));
		for (int k = 0; k < o->nsack; k++) {
			o->sack[k].lo = seq_of(near(in, i->snd_una, i->mss));
			o->sack[k].hi = seq_of(near(in, o->sack[k].lo.v + i->mss, i->mss));
		}
		return;
	}
	o->has_mss = bits & 4;
	o->mss = o->has_mss ? fuzz_u16(in) : 0;
	o->sack_ok = bits & 8;
	o->has_wscale = bits & 0x10;
	o->wscale = bits & 0x20 ? 14 : 2;
	o->has_tfo = bits & 0x40;
	o->tfo_len = o->has_tfo && (bits & 0x20) ? 8 : 0;
	o->has_uto = bits & 0x80;
	o->uto = o->has_uto ? fuzz_u16(in) & 0x803f : 0;
}

static void say(struct game *w, struct lone_peer *p)
{
	struct sock_info i = {.rcv_nxt = p->nxt, .snd_una = p->ack, .snd_nxt = p->ack, .rcv_wnd = 1000, .mss = 1460};
	struct seg g = {0};
	uint8_t how = fuzz_u8(&w->in);

	lone_info(w->l, p, &i);
	g.flags = fuzz_u8(&w->in);
	/* The usual flags more often than chance would have it. */
	if (how & 1)
		g.flags = TH_ACK | (g.flags & TH_PSH);
	g.seq = seq_of(near(&w->in, i.rcv_nxt, i.rcv_wnd));
	g.ack = seq_of(near(&w->in, how & 2 ? i.snd_nxt : i.snd_una, i.mss));
	g.wnd = how & 4 ? fuzz_u16(&w->in) : 0xffff;
	g.len = how & 8 ? fuzz_u16(&w->in) % 1400 : 0;
	g.urg = how & 0x10 ? fuzz_u16(&w->in) : 0;
	if (how & 0x20)
		add_options(&w->in, &g, &i, w->l->now);
	else if (p->ts && !(g.flags & TH_SYN))
		g.opt = (struct tcp_opts){.has_ts = true, .ts_val = 5000 + (uint32_t)(w->l->now / MS)};
	if (how & 0x40)
		p->port++; /* another connection from now on */
	lone_say_seg(w->l, p, &g, NULL);
}

/* What a receiver would say, whatever it is about: acknowledge, acknowledge a half, leave holes. Chance
 * alone does not find the numbers that make loss recovery run. */
static void answer(struct game *w, struct lone_peer *p)
{
	enum { ALL, HALF, NOTHING, ALL_BUT_FIRST, LAST, AGAIN, MARKED, TEXT };
	struct sock_info i;
	uint8_t how = fuzz_u8(&w->in);
	struct seg g = {.flags = TH_ACK, .wnd = 60000};

	if (!lone_info(w->l, p, &i))
		return;
	uint32_t mss = i.mss ? i.mss : 536, out = i.snd_nxt - i.snd_una;

	g.seq = seq_of(i.rcv_nxt);
	g.ack = seq_of(i.snd_una);
	if (i.timestamps)
		g.opt = (struct tcp_opts){.has_ts = true, .ts_val = 5000 + (uint32_t)(w->l->now / MS), .ts_ecr = p->ts_ecr};
	switch (how & 7) {
	case HALF:
		g.ack = seq_of(i.snd_una + out / 2);
		break;
	case ALL_BUT_FIRST:
	case LAST:
		g.opt.nsack = 1;
		g.opt.sack[0].lo = seq_of((how & 7) == LAST ? i.snd_nxt - mss : i.snd_una + mss * (1 + (how >> 6)));
		g.opt.sack[0].hi = seq_of(i.snd_nxt);
		break;
	case AGAIN:
		g.ack = seq_of(i.snd_nxt);
		g.opt.nsack = 1;
		g.opt.sack[0].lo = seq_of(i.snd_nxt - mss);
		g.opt.sack[0].hi = seq_of(i.snd_nxt);
		break;
	case TEXT:
		g.len = mss < 1400 ? mss : 1400;
		break;
	case NOTHING:
		break;
	default:
		g.flags |= (how & 7) == MARKED ? TH_ECE : 0;
		g.ack = seq_of(i.snd_nxt);
		break;
	}
	for (int k = 0; k <= (how >> 3 & 3); k++)
		lone_say_seg(w->l, p, &g, NULL);
}

/* What the stack said since: the peers know its ports and timestamps. */
static void learn(struct game *w)
{
	const struct lone *l = w->l;

	for (size_t i = 0; i < l->nheard; i++)
		for (size_t k = 0; k < PEERS; k++) {
			const struct seg *g = &l->heard[i];
			struct lone_peer *p = &w->peer[k];

			if (g->dport != p->port)
				continue;
			if (g->opt.has_ts)
				p->ts_ecr = g->opt.ts_val;
			if (g->flags & TH_SYN)
				p->stack_port = g->sport;
			p->ack = g->seq.v + seg_len(g);
		}
	lone_forget(w->l);
}

/* ---- frames that are anything ---- */

static void sum_at(uint8_t *at, size_t len, size_t field, const struct ip_hdr *h, bool pseudo)
{
	if (len < field + 2)
		return;
	wr16(at + field, 0);
	csum_t sum = pseudo ? csum_pseudo(&h->src, &h->dst, h->proto, (uint32_t)len) : 0;

	wr16(at + field, (uint16_t)~csum_fold(csum_add(sum, at, len)));
}

/* What the input gives as payload of IP, with right sums; IPv4 may be a fragment. */
static size_t ip_frame(uint8_t *f, struct fuzz_in *in, bool v6, size_t max)
{
	static const uint8_t protos[] = {PROTO_ICMP, PROTO_UDP, PROTO_TCP, PROTO_ICMP6, 0, 43, 44, 60};
	uint8_t how = fuzz_u8(in), proto = protos[how & 7];
	struct ip_hdr h = {.version = v6 ? 6 : 4, .ttl = how & 8 ? 255 : 64, .proto = proto};
	uint8_t *at = f + ETH_LEN + (v6 ? IP6_LEN : IP4_LEN);

	eth_emit(f, &LONE_MAC, &LONE_ROUTER_MAC, v6 ? ETH_IP6 : ETH_IP4);
	if (v6) {
		static const uint8_t me[16] = {0xfe, 0x80, [11] = 0xff, [12] = 0xfe, [15] = 1},
				     all[16] = {0xff, 2, [15] = 1};
		memcpy(h.dst.b, how & 16 ? me : all, 16);
		h.src = h.dst;
		h.src.b[0] = 0xfe;
		h.src.b[1] = 0x80;
		h.src.b[15] = 2;
	} else {
		h.src = addr_v4(how & 16 ? LONE_ROUTER : LONE_PEER);
		h.dst = addr_v4(LONE_ME);
		if (how & 32) {
			uint8_t frag = fuzz_u8(in);

			h.id = frag >> 6;
			h.frag_off = (uint16_t)((frag & 31) * 64);
			h.more_frags = frag & 32;
			h.frag = h.frag_off || h.more_frags;
		}
	}
	h.payload_len = (uint32_t)fuzz_take(in, at, how & 64 ? 24 : max);
	if (v6)
		ip6_emit(f + ETH_LEN, &h);
	else
		ip4_emit(f + ETH_LEN, &h);
	if (proto == PROTO_TCP)
		sum_at(at, h.payload_len, 16, &h, true);
	else if (proto == PROTO_UDP)
		sum_at(at, h.payload_len, 6, &h, true);
	else if (proto == PROTO_ICMP || proto == PROTO_ICMP6)
		sum_at(at, h.payload_len, 2, &h, proto == PROTO_ICMP6);
	return ETH_LEN + (v6 ? IP6_LEN : IP4_LEN) + h.payload_len;
}

static void frame(struct game *w)
{
	uint8_t f[400] = {0}, kind = fuzz_u8(&w->in);
	size_t n, max = kind >> 2;

	switch (kind & 3) {
	case 0: /* bytes, under our own address as a rule */
		n = fuzz_take(&w->in, f, max);
		if (n >= ETH_LEN && (kind & 4))
			memcpy(f, LONE_MAC.b, 6);
		break;
	case 1:
		n = ip_frame(f, &w->in, false, max);
		break;
	case 2:
		n = ip_frame(f, &w->in, true, max);
		break;
	default:
		lone_icmp(w->l, &w->peer[max % PEERS], kind & 4 ? ICMP4_UNREACH : fuzz_u8(&w->in), fuzz_u8(&w->in) % 16,
			  fuzz_u16(&w->in), near(&w->in, w->peer[max % PEERS].ack, 1460));
		return;
	}
	lone_give(w->l, f, n);
}

/* ---- the user ---- */

static void keep(struct game *w, sock_t s)
{
	if (s == 0)
		return;
	if (w->nsocks < SOCKS)
		w->sock[w->nsocks++] = s;
	else
		sock_abort(w->l->s, s);
}

static void set_option(struct stack *s, sock_t k, struct fuzz_in *in)
{
	enum sock_opt opt = (enum sock_opt)(fuzz_u8(in) % OPT_COUNT);
	uint8_t size = fuzz_u8(in);
	int64_t v = size & 1 ? fuzz_u8(in) & 3 : size & 2 ? fuzz_u16(in) : (int64_t)(int32_t)fuzz_u32(in), got;

	/* finish() waits for the end of what is left, which a patience of weeks would put off. */
	const struct tcp_setting *setting = tcp_setting_of(opt);

	if (setting && setting->kind == SETTING_TIME && v > 120000)
		v = 120000;
	if (opt == OPT_DATA_RETRIES && v > 15)
		v = 15;
	if (sock_set(s, k, opt, v) == 0)
		sock_get(s, k, opt, &got);
}

static void take_slices(struct lone *l, sock_t k)
{
	struct slice part[4];
	int n = ARRAY_LEN(part);

	if (sock_recv_slices(l->s, k, part, &n, 3000) <= 0)
		return;
	for (int i = 0; i < n; i++) {
		sock_send_slice(l->s, k, part[i].chunk, part[i].off, part[i].len);
		chunk_unref(&l->pool, part[i].chunk);
	}
}

static void call(struct game *w)
{
	static uint8_t text[20000];
	struct stack *s = w->l->s;
	uint8_t what = fuzz_u8(&w->in);
	sock_t k = w->nsocks ? w->sock[(what >> 4) % w->nsocks] : w->l->listener;
	struct addr a = addr_v4(LONE_PEER);
	struct sock_event ev[4];
	size_t len;
	void *room;

	switch (what & 15) {
	case 0:
		keep(w, sock_accept(s, w->l->listener));
		break;
	case 1:
		sock_send(s, k, text, fuzz_u16(&w->in) % sizeof(text));
		break;
	case 2:
		sock_recv(s, k, text, fuzz_u16(&w->in) % sizeof(text));
		break;
	case 3:
		sock_shutdown(s, k);
		break;
	case 4:
		sock_close(s, k);
		break;
	case 5:
		sock_abort(s, k);
		break;
	case 6:
		keep(w, sock_open(s));
		break;
	case 7:
		sock_connect(s, k, &a, (uint16_t)(20000 + fuzz_u8(&w->in) % 8));
		break;
	case 8:
		set_option(s, k, &w->in);
		break;
	case 9:
		sock_error(s, k);
		break;
	case 10:
		sock_send_urgent(s, k, text, fuzz_u8(&w->in));
		break;
	case 11:
		while (stack_events(s, ev, ARRAY_LEN(ev)))
			;
		break;
	case 12:
		if (sock_peek(s, k, &len))
			sock_consume(s, k, len / 2);
		break;
	case 13:
		take_slices(w->l, k);
		break;
	case 14:
		len = fuzz_u16(&w->in);
		room = sock_reserve(s, k, &len);
		if (room)
			sock_commit(s, k, len / 2);
		break;
	default:
		sock_connect_data(s, k, &a, (uint16_t)(20000 + fuzz_u8(&w->in) % 8), text, fuzz_u16(&w->in) % sizeof(text));
		break;
	}
	lone_turn(w->l);
}

/* ---- the program ---- */

static void step(struct game *w)
{
	uint8_t op = fuzz_u8(&w->in);

	switch (op & 7) {
	case 0: case 1: case 2: case 3:
		say(w, &w->peer[op >> 3 & (PEERS - 1)]);
		break;
	case 4:
		frame(w);
		break;
	case 5:
		lone_wait(w->l, (ns_t)(100 * US << (op >> 3 & 15)) * (op & 0x80 ? 17 : 1));
		break;
	case 6:
		call(w);
		break;
	default:
		if (op & 0x80)
			stack_fail_alloc(w->l->s, op >> 3 & 7);
		else
			answer(w, &w->peer[op >> 3 & (PEERS - 1)]);
		break;
	}
	learn(w);
}

static void tell_leftovers(struct lone *l)
{
	struct sock_info i;
	uint32_t cursor = 0;

	while (stack_walk(l->s, &cursor, &i))
		fprintf(stderr, "left: connection %u, port %u, %s, snd %u %u wnd %u, notsent %u, probes %u, backoff %u, deadline in %.1f s\n",
			i.conn, i.lport, tcp_state_name(i.state), i.snd_una - i.iss, i.snd_nxt - i.iss, i.snd_wnd, i.notsent,
			i.probes, i.backoff, (double)(stack_deadline(l->s) - l->now) / 1e9);
}

/* All handles are given back, and what is left goes by itself: after 15 retransmissions, or the user
 * timeout that the peer asked for. */
static void finish(struct game *w)
{
	struct lone *l = w->l;
	struct sock_event ev[4];

	stack_fail_alloc(l->s, 0);
	for (size_t i = 0; i < w->nsocks; i++)
		sock_close(l->s, w->sock[i]);
	for (size_t i = 0; i < PEERS; i++)
		if (w->peer[i].sock)
			sock_close(l->s, w->peer[i].sock);
	sock_close(l->s, l->listener);
	for (int k = 0; k < 40 && l->s->tcp.tcbs.used; k++)
		lone_wait(l, 3600 * SEC);
	while (stack_events(l->s, ev, ARRAY_LEN(ev)))
		;
	stack_flush(l->s);
	tell_leftovers(l);
	assert(l->s->tcp.tcbs.used == 0);
	assert(l->s->tcp.lsocks.used == 0);
	assert(l->s->tcp.ntw == 0);
	lone_free(l);
}

void fuzz_stack(const uint8_t *bytes, size_t n)
{
	struct game w = {.l = lone_new(), .in = {bytes, n}};

	choose_config(w.l, &w.in);
	lone_start(w.l);
	for (uint32_t i = 0; i < PEERS; i++) {
		uint8_t state = fuzz_u8(&w.in);

		w.peer[i] = lone_peer(i);
		w.peer[i].ts = state & 0x80;
		lone_reach(w.l, &w.peer[i], (enum tcp_state)(state & 0x7f) % TCP_STATES);
		keep(&w, w.peer[i].sock);
		w.peer[i].sock = 0;
	}
	for (int k = 0; k < OPS && w.in.n; k++)
		step(&w);
	finish(&w);
}

#define SAY(peer) ((peer) << 3)
#define FRAME 4
#define WAIT(shift) (5 | (shift) << 3) /* 100 us << shift */
#define CALL 6
#define ANSWER(peer) (7 | (peer) << 3)

struct program {
	uint8_t b[200];
	size_t n;
};

static void add(struct program *p, const uint8_t *steps, size_t n)
{
	assert(p->n + n <= sizeof(p->b));
	memcpy(p->b + p->n, steps, n);
	p->n += n;
}

/* Programs of a few steps in two configurations, for each state of the last two peers. */
void fuzz_stack_seeds(fuzz_seed_fn *seed, void *arg)
{
	static const uint8_t rough[] = {
		CALL, 0x01, 0x10, 0,                     /* the first sends 4 kB, */
		SAY(0), 2, TH_ACK, 0, 0,                 /* which are acknowledged */
		SAY(1), 9, TH_ACK, 0, 0, 1, 0,           /* the second says 256 bytes, */
		SAY(1), 9, TH_ACK, 12 | 16, 0, 1, 0,     /* and then leaves a hole */
		WAIT(10), SAY(0), 0x22, TH_ACK, 0, 0, 3, 0, 0, 6, 0,
		CALL, 0x12, 0x10, 0, CALL, 0x13, CALL, 0x04, SAY(2), 0, TH_FIN | TH_ACK, 0, 0, WAIT(15),
		FRAME, 3 | 4, 4, 2, 0, 0,                /* ICMP: fragmentation needed */
	};
	static const uint8_t lossy[] = {
		CALL, 0x01, 0x40, 0, WAIT(7), ANSWER(0), 0, CALL, 0x01, 0x40, 0, WAIT(7), ANSWER(0), 3 | 0x18, WAIT(7),
		ANSWER(0), 1, WAIT(7), ANSWER(0), 4, WAIT(9), ANSWER(0), 5, ANSWER(0), 6, CALL, 0x01, 0x40, 0,
		WAIT(13), ANSWER(0), 2 | 0x18, WAIT(14), ANSWER(0), 0, ANSWER(1), 7, CALL, 0x12, 0x40, 0, WAIT(15) | 0x80,
		ANSWER(0), 0,
	};
	/* Router advertisement with a prefix; then a connection opened with text in its SYN. */
	static const uint8_t router[] = {
		FRAME, 48 << 2 | 2, 3 | 8, 134, 0, 0, 0, 64, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 3, 4, 64, 0xc0, 0, 0, 0x80, 0,
		0, 0, 0x40, 0, 0, 0, 0, 0, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, WAIT(15),
		CALL, 6, CALL, 0x2f, 0, 0, 100, SAY(0), 0x22, TH_SYN | TH_ACK, 0, 0, 0x60, WAIT(9), ANSWER(0), 0,
	};

	for (uint8_t state = 0; state < TCP_STATES; state++) {
		struct program p = {{0x2f, 0xff, 0xff, 0xff, state, 0x3c, TCP_ESTABLISHED | 0x80, TCP_ESTABLISHED,
				     state | 0x80, state}, 10};
		size_t head = p.n;

		add(&p, rough, sizeof(rough));
		seed(arg, p.b, p.n);
		memset(p.b, 0, 4);
		p.n = head;
		add(&p, lossy, sizeof(lossy));
		seed(arg, p.b, p.n);
		memset(p.b, 0xff, 4);
		p.b[1] = 0xef; /* not fixed: RFC 5961 stays */
		p.b[5] = 0x3c | state % 4;
		seed(arg, p.b, p.n);
		p.n = head;
		add(&p, router, sizeof(router));
		p.b[0] = 0x2f;
		seed(arg, p.b, p.n);
	}
}

/* ---- vnet headers ---- */

/* A device with offload in front of a stack: frames with the header it puts before them. The stack's
 * answers go back through the same header. */
static void give_vnet(struct lone *l, struct fuzz_in *in)
{
	struct virtio_net_hdr v = {.flags = fuzz_u8(in), .gso_type = fuzz_u8(in)};
	uint8_t f[1600];
	struct pkt *out[32];
	size_t len, n;

	v.hdr_len = fuzz_u16(in);
	v.gso_size = fuzz_u16(in);
	v.csum_start = fuzz_u16(in);
	v.csum_offset = fuzz_u16(in);
	len = fuzz_take(in, f, fuzz_u16(in) % sizeof(f));
	struct pkt *p = pkt_of_bytes(&l->pool, f, len);

	assert(p);
	frame_from_vnet(p, &v);
	assert(p->csum != CSUM_PARTIAL || p->l4_off < p->len);
	stack_input(l->s, p, l->now);
	while ((n = stack_output(l->s, l->now, out, ARRAY_LEN(out))))
		for (size_t i = 0; i < n; i++) {
			frame_to_vnet(out[i], &v);
			assert(!(v.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) || v.csum_start + v.csum_offset + 2u <= out[i]->len);
			pkt_free(out[i]);
		}
}

void fuzz_vnet(const uint8_t *bytes, size_t n)
{
	struct fuzz_in in = {bytes, n};
	struct lone *l = lone_new();
	struct lone_peer p = lone_peer(0);
	uint8_t text[4000] = {0};

	l->cfg.link = (struct link_caps){.mtu = 1500, .csum_tx = true, .csum_rx = true, .tso_max = 65535};
	lone_start(l);
	p.ts = false;
	lone_reach(l, &p, TCP_ESTABLISHED);
	while (in.n) {
		give_vnet(l, &in);
		sock_send(l->s, p.sock, text, sizeof(text));
		l->now += 10 * MS;
		stack_advance(l->s, l->now);
	}
	lone_free(l);
}

void fuzz_vnet_seeds(fuzz_seed_fn *seed, void *arg)
{
	struct lone_peer p = lone_peer(0);
	struct seg g = {.seq = seq_of(p.nxt + 1), .flags = TH_ACK, .wnd = 60000, .len = 300};
	uint8_t f[12 + LONE_FRAME] = {0};
	size_t n = lone_frame(f + 12, &p, &g, NULL);

	f[10] = (uint8_t)(n >> 8);
	f[11] = (uint8_t)n;
	seed(arg, f, 12 + n);
	f[0] = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	f[1] = VIRTIO_NET_HDR_GSO_TCPV4;
	f[5] = 100; /* gso_size */
	f[7] = ETH_LEN + IP4_LEN;
	f[9] = 16;
	seed(arg, f, 12 + n);
}
