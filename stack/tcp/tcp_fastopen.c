/* Fast Open (RFC 7413): text in the SYN, for a peer that proved its address once.
 *
 * The server's cookie is a keyed hash of both addresses. Its key is made anew every TFO_KEY_LIFE from
 * a secret of the stack; cookies of the present key and of the one before count (4.1.2). A child whose
 * text was taken stands in the accept queue while it is still SYN-RECEIVED, and its user may answer at
 * once. For such a child snd.una is beyond the SYN from the start: all that it sends is text.
 *
 * The client keeps cookies in a small table, the least recently used makes room. A SYN that is sent
 * again has neither option nor text; if it is then answered, data in SYNs to that peer rest for a while
 * (4.1.3.1), and so they do if the answer has neither a cookie nor an ACK of the text. What of the text
 * the SYN-ACK does not acknowledge is sent again at once (4.2.1).
 *
 * Limits (5.1): `fastopen_pending` children wait for the last step of the handshake. One that is reset
 * counts as pending for another minute, since whoever forges SYNs may forge resets. Beyond the limit, or
 * with a bad cookie, it is an ordinary handshake. */
#include "tcp.h"

#include <stdlib.h>

#define COOKIE_LEN 8

static_assert(COOKIE_LEN == sizeof(uint64_t), "one output of the hash");

void tcp_fastopen_init(struct tcp *t, uint64_t seed)
{
	struct rng r;

	rng_init(&r, seed, "fast open");
	siphash_key_draw(&t->fastopen.key, &r);
}

/* ---- cookies ---- */

/* By the configured key, in the form that Linux has, so that both can stand behind one address. */
static uint64_t keyed_hash(const struct tcb *c)
{
	const uint8_t *k = c->cfg->fastopen_key;
	const struct addr *peer = &c->flow.key.remote, *we = &c->flow.key.local;
	struct siphash_key key = {0, 0};
	size_t n = c->v6 ? 16 : 4;
	uint8_t pair[32];

	for (int i = 0; i < 8; i++) {
		key.k0 |= (uint64_t)k[i] << 8 * i;
		key.k1 |= (uint64_t)k[8 + i] << 8 * i;
	}
	memcpy(pair, peer->b + 16 - n, n);
	memcpy(pair + n, we->b + 16 - n, n);
	return siphash(&key, pair, 2 * n);
}

static bool has_key(const struct tcb *c)
{
	static const uint8_t none[sizeof(c->cfg->fastopen_key)];

	return memcmp(c->cfg->fastopen_key, none, sizeof(none)) != 0;
}

static uint64_t drawn_hash(const struct tcb *c, uint64_t age)
{
	struct tcp *t = c->tcp;
	uint64_t period = (uint64_t)(t->now / TFO_KEY_LIFE) - age;
	uint64_t word[2] = {2 * period, 2 * period + 1};
	struct siphash_key key = {siphash(&t->fastopen.key, &word[0], sizeof(word[0])),
				  siphash(&t->fastopen.key, &word[1], sizeof(word[1]))};
	struct addr pair[2] = {c->flow.key.remote, c->flow.key.local};

	return siphash(&key, pair, sizeof(pair));
}

static void make_cookie(const struct tcb *c, uint64_t age, uint8_t out[COOKIE_LEN])
{
	uint64_t hash = has_key(c) ? keyed_hash(c) : drawn_hash(c, age);

	for (int i = 0; i < COOKIE_LEN; i++)
		out[i] = (uint8_t)(hash >> 8 * i);
}

enum cookie { COOKIE_BAD, COOKIE_OLD, COOKIE_GOOD };

static bool same(const uint8_t *a, const uint8_t *b)
{
	uint8_t diff = 0;

	for (int i = 0; i < COOKIE_LEN; i++) /* in constant time */
		diff |= a[i] ^ b[i];
	return diff == 0;
}

static enum cookie check_cookie(struct tcb *c, const struct seg *g)
{
	uint8_t want[COOKIE_LEN];

	if (g->opt.tfo_len != COOKIE_LEN)
		return COOKIE_BAD;
	make_cookie(c, 0, want);
	if (same(want, g->opt.tfo_cookie))
		return COOKIE_GOOD;
	make_cookie(c, 1, want);
	return same(want, g->opt.tfo_cookie) ? COOKIE_OLD : COOKIE_BAD;
}

/* ---- the server ---- */

/* Forgets resets that are old. */
static uint32_t recent_resets(struct tcp *t)
{
	ns_t slot = t->now / TFO_RESET_SLOT;
	uint32_t n = 0;

	for (int i = 0; i < TFO_RESET_SLOTS && t->fastopen.slot < slot; i++)
		t->fastopen.reset[++t->fastopen.slot % TFO_RESET_SLOTS] = 0;
	t->fastopen.slot = slot;
	for (int i = 0; i < TFO_RESET_SLOTS; i++)
		n += t->fastopen.reset[i];
	return n;
}

static bool too_many(struct tcb *c)
{
	return c->tcp->fastopen.pending + recent_resets(c->tcp) >= c->cfg->fastopen_pending;
}

void tcp_fastopen_settled(struct tcb *c, bool reset)
{
	struct tcp *t = c->tcp;

	if (!(c->tfo & TFO_PENDING_ONE))
		return;
	c->tfo &= (uint8_t)~TFO_PENDING_ONE;
	t->fastopen.pending--;
	if (!reset)
		return;
	recent_resets(t);
	t->fastopen.reset[t->fastopen.slot % TFO_RESET_SLOTS]++;
}

static void take_syn_text(struct tcb *c, const struct seg *syn, const struct pkt *p)
{
	struct tcp *t = c->tcp;
	struct seg text = *syn;

	tcp_hand_to_accept(c);
	c->tfo |= TFO_CHILD | TFO_PENDING_ONE;
	t->fastopen.pending++;
	c->snd.una = c->snd.nxt = c->snd.max = c->snd.small = seq_add(c->snd.iss, 1);
	c->high = c->round_end = c->rack.fack = c->snd.una;
	tcp_cc_restart(c);
	c->rcv.adv = seq_add(c->rcv.nxt, tcp_rcv_space(c) < 65535 ? tcp_rcv_space(c) : 65535);
	text.seq = c->rcv.nxt;
	text.flags = TH_ACK;
	if (text.len) {
		c->tfo |= TFO_USED;
		tcp_rcv_text(c, &text, p);
	}
	tcp_timer_stop(c, T_DELACK); /* the SYN-ACK is the acknowledgement */
	tcp_notify(c, SOCK_CONNECTED | SOCK_WRITABLE);
}

/* RFC 7413 4.2.2. */
void tcp_fastopen_arrive(struct tcb *c, const struct seg *g, const struct pkt *p)
{
	enum cookie cookie = g->opt.tfo_len ? check_cookie(c, g) : COOKIE_BAD;

	if (g->opt.tfo_exp)
		c->tfo |= TFO_EXP;
	if (cookie != COOKIE_GOOD)
		c->tfo |= TFO_GRANT;
	if (cookie != COOKIE_BAD && !too_many(c))
		take_syn_text(c, g, p);
}

void tcp_fastopen_synack(struct tcb *c, struct seg *g)
{
	g->opt.has_tfo = true;
	g->opt.tfo_exp = c->tfo & TFO_EXP;
	g->opt.tfo_len = COOKIE_LEN;
	make_cookie(c, 0, g->opt.tfo_cookie);
}

/* ---- the client's table ---- */

static struct tfo_peer *find_peer(struct tcp *t, const struct addr *a)
{
	for (int i = 0; t->fastopen.peers && i < TFO_PEERS; i++)
		if (addr_eq(&t->fastopen.peers[i].addr, a))
			return &t->fastopen.peers[i];
	return NULL;
}

static struct tfo_peer *peer_for(struct tcp *t, const struct addr *a)
{
	struct tfo_peer *e = find_peer(t, a);

	if (!t->fastopen.peers && !(t->fastopen.peers = calloc(TFO_PEERS, sizeof(*e))))
		return NULL;
	if (!e) {
		e = t->fastopen.peers;
		for (int i = 1; i < TFO_PEERS; i++)
			if (t->fastopen.peers[i].used < e->used)
				e = &t->fastopen.peers[i];
		*e = (struct tfo_peer){.addr = *a};
	}
	e->used = t->now;
	return e;
}

static void learn(struct tcb *c, const struct seg *g)
{
	bool granted = g->opt.has_tfo && g->opt.tfo_len;
	struct tfo_peer *e = granted ? peer_for(c->tcp, &c->flow.key.remote) : find_peer(c->tcp, &c->flow.key.remote);

	if (!e)
		return;
	e->mss = c->mss_peer; /* 4.1.3: the newest, also where the cookie stays */
	if (!granted)
		return;
	e->len = g->opt.tfo_len;
	e->exp = g->opt.tfo_exp;
	memcpy(e->cookie, g->opt.tfo_cookie, e->len);
}

/* ---- the client ---- */

/* The text must fit a segment of the MSS that the peer announced last time, whatever options there are (4.2.1). */
static uint32_t syn_room(const struct tcb *c, const struct tfo_peer *e)
{
	uint32_t headers = (c->v6 ? IP6_LEN : IP4_LEN) + TCP_LEN, mss = e->mss;

	if (mss > c->pmtu - headers)
		mss = c->pmtu - headers;
	if (c->mss_clamp && mss > c->mss_clamp)
		mss = c->mss_clamp;
	return mss > TCP_MAX_OPTS ? mss - TCP_MAX_OPTS : 0;
}

uint32_t tcp_fastopen_room(const struct tcb *c, const struct addr *peer)
{
	const struct tfo_peer *e = c->cfg->fastopen && !c->ao ? find_peer(c->tcp, peer) : NULL;

	return e && e->len && c->tcp->now >= e->shun ? syn_room(c, e) : 0;
}

void tcp_fastopen_syn(struct tcb *c, struct pkt *p, struct seg *g)
{
	struct tfo_peer *e = find_peer(c->tcp, &c->flow.key.remote);

	if (!c->cfg->fastopen || c->ao || (e && c->tcp->now < e->shun))
		return;
	c->tfo |= TFO_ASKED;
	g->opt.has_tfo = true;
	if (!e || !e->len)
		return; /* ask for a cookie (4.1.1) */
	e->used = c->tcp->now;
	g->opt.tfo_exp = e->exp;
	g->opt.tfo_len = e->len;
	memcpy(g->opt.tfo_cookie, e->cookie, e->len);
	uint32_t room = syn_room(c, e);

	g->len = sndq_fill(&c->sndq, 0, room < c->sndq.bytes ? room : c->sndq.bytes, p);
	c->stat.bytes_sent += g->len;
}

/* What the SYN-ACK left out goes again, as a lost segment would; the window stays as it is. */
static void resend_rest(struct tcb *c)
{
	struct rate_snap snap;
	uint32_t id = c->board.end;

	rate_on_send(&c->rate, &snap, 0, c->snd.nxt.v - c->snd.una.v, c->last_sent);
	if (!board_add(&c->board, c->snd.una, c->snd.nxt, 0, &snap, c->last_sent)) {
		c->snd.nxt = c->snd.max = c->snd.una; /* as if it had never been sent */
		return;
	}
	if (seq_diff(c->snd.nxt, c->snd.una) > c->mss)
		board_resegment(&c->board, c->mss);
	for (; id != c->board.end; id++)
		board_mark_lost(&c->board, id);
	c->send_why = WHY_RECOVERY;
}

/* RFC 7413 4.2.1, client: receiving the SYN-ACK. */
void tcp_fastopen_answered(struct tcb *c, const struct seg *g)
{
	uint32_t text = (uint32_t)seq_diff(c->snd.nxt, c->snd.una), taken = (uint32_t)seq_diff(g->ack, c->snd.una);

	learn(c, g);
	/* A cookie says that the option arrived: that the SYN was sent again was needless then. */
	bool granted = g->opt.has_tfo && g->opt.tfo_len;

	if (!granted && (c->retries || !taken)) {
		struct tfo_peer *e = peer_for(c->tcp, &c->flow.key.remote);

		if (e)
			e->shun = c->tcp->now + TFO_SHUN;
	}
	if (!text)
		return;
	if (taken) {
		sndq_drop(&c->sndq, c->tcp->pool, taken);
		c->snd.una = c->snd.small = g->ack;
		c->stat.bytes_acked += taken;
		if (taken == text)
			c->tfo |= TFO_USED;
	}
	if (taken < text)
		resend_rest(c);
}
