/* SYN cookies (RFC 4987 3.6, appendix A): when the half-open queue is full, a SYN is answered without
 * being remembered. What must come back is in our initial sequence number,
 *
 *     5 bits: time in units of 64 s | 3 bits: index of the peer's MSS | 24 bits: keyed hash
 *
 * and, with timestamps, in the low six bits of our first timestamp: window scale (4 bits, 15 for
 * none), SACK permitted (1), ECN (1). */
#include "tcp.h"

#define COOKIE_PERIOD (64 * SEC)
#define COOKIE_AGE 2 /* periods that a cookie stays good: 64 to 128 s */
#define TS_BITS 6

static const uint16_t mss_table[8] = {88, 256, 536, 1024, 1220, 1360, 1440, 1460};

static uint32_t cookie_hash(struct tcp *t, const struct flow_key *key, seq_t irs, uint32_t top)
{
	struct {
		struct flow_key key;
		uint32_t irs, top;
	} in;

	memset(&in, 0, sizeof(in)); /* no padding reaches the hash */
	in.key = *key;
	in.irs = irs.v;
	in.top = top;
	return (uint32_t)siphash(&t->cookie_key, &in, sizeof(in)) & 0xffffff;
}

static uint32_t period(const struct tcp *t)
{
	return (uint32_t)(t->now / COOKIE_PERIOD) & 31;
}

seq_t tcp_cookie_make(struct tcp *t, const struct flow_key *key, const struct seg *g, const struct tcp_config *cfg,
		      uint32_t *ts)
{
	uint16_t mss = g->opt.has_mss ? g->opt.mss : addr_is_v4(&key->remote) ? MSS_DEFAULT_V4 : MSS_DEFAULT_V6;
	uint32_t index = 0;

	while (index < 7 && mss_table[index + 1] <= mss)
		index++;
	uint32_t top = period(t) << 3 | index;

	*ts = 0;
	if (g->opt.has_ts && cfg->timestamps) {
		uint32_t opts = g->opt.has_wscale && cfg->wscale ? (g->opt.wscale < 14 ? g->opt.wscale : 14) : 15;
		uint32_t now = (uint32_t)(t->now / TS_TICK) + (uint32_t)siphash(&t->ts_key, key, sizeof(*key));

		opts |= (uint32_t)(g->opt.sack_ok && cfg->sack) << 4;
		/* Never ahead of our clock, or PAWS at the peer would drop what follows. */
		*ts = ((now >> TS_BITS) - 1) << TS_BITS | opts;
	}
	return seq_of(top << 24 | cookie_hash(t, key, g->seq, top));
}

struct tcb *tcp_cookie_check(struct tcb_listener *l, const struct seg *g, const struct flow_key *key)
{
	struct tcp *t = l->tcp;
	seq_t iss = seq_add(g->ack, (uint32_t)-1), irs = seq_add(g->seq, (uint32_t)-1);
	uint32_t top = iss.v >> 24, age = (period(t) - (top >> 3)) & 31;

	if (age >= COOKIE_AGE || (iss.v & 0xffffff) != cookie_hash(t, key, irs, top)) {
		t->count->tcp_syn_cookies_bad++;
		return NULL;
	}
	if (l->ndone >= l->backlog) {
		t->count->tcp_listen_overflow++;
		return NULL;
	}
	struct seg syn = {.sport = g->sport, .dport = g->dport, .seq = irs, .flags = TH_SYN, .wnd = g->wnd};

	syn.opt.has_mss = true;
	syn.opt.mss = mss_table[top & 7];
	syn.opt.has_ao = g->opt.has_ao; /* the keys are named again */
	syn.opt.ao_keyid = g->opt.ao_keyid;
	syn.opt.ao_rnextkeyid = g->opt.ao_rnextkeyid;
	if (g->opt.has_ts) {
		uint32_t opts = g->opt.ts_ecr & ((1u << TS_BITS) - 1);

		syn.opt.has_ts = true;
		syn.opt.ts_val = g->opt.ts_val;
		syn.opt.has_wscale = (opts & 15) != 15;
		syn.opt.wscale = opts & 15;
		syn.opt.sack_ok = opts >> 4 & 1;
	}
	struct tcb *c = tcp_half_open(l, &syn, key);

	if (!c)
		return NULL;
	t->count->tcp_syn_cookies_ok++;
	c->snd.iss = iss;
	if (c->ao)
		tcp_ao_restart(c->ao, iss);
	c->snd.una = c->snd.nxt = c->snd.max = c->snd.small = g->ack;
	c->snd.wnd = (uint32_t)g->wnd << c->snd_wscale;
	c->snd.max_wnd = c->snd.wnd;
	c->rcv.adv = seq_add(c->rcv.nxt, tcp_rcv_space(c) < 65535 ? tcp_rcv_space(c) : 65535);
	tcp_established(c, "SYN cookie");
	return c;
}
