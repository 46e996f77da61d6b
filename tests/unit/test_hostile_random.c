/* Two stacks of random configuration, and a path that loses, doubles, delays, damages and falsifies
 * their frames at random for a while. Whatever happens: the bytes read are a prefix of the bytes
 * written, both ways; the invariants hold after every turn (the fixture checks); and when the faults
 * stop, everything finishes, or is reported dead, in bounded time and with a bounded number of frames.
 *
 * HOSTILE_SEEDS=n in the environment runs more of them, HOSTILE_SEED=n just that one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../stack/base/check.h"
#include "../../stack/base/rng.h"
#include "../../stack/stack_impl.h"
#include "../../stack/wire/csum.h"
#include "../../stack/wire/eth.h"
#include "../lib/test.h"
#include "../lib/twohosts.h"

#define SEEDS 1500
#define FAULTS (20 * SEC)

struct game {
	struct rng rng;
	uint64_t goal[2], sent[2], got[2];
	bool shut[2], closed[2], wrong, dead[2];
	uint32_t loss, twice, late, damage, lie; /* of 1,000 */
	unsigned read_of_8, write_of_8;           /* how eager the users are */
	bool over;                                /* the faults have stopped */
};

static uint8_t pattern(int side, uint64_t pos)
{
	return (uint8_t)(pos * 131 + (pos >> 8) * 31 + 7 + (uint64_t)side * 77);
}

static bool user(struct twohosts *w, struct game *g, int i, sock_t s)
{
	uint8_t buf[3000];
	bool moved = false;
	int64_t n;

	while (g->sent[i] < g->goal[i] && (g->over || rng_below(&g->rng, 8) < g->write_of_8)) {
		size_t len = 1 + rng_below(&g->rng, sizeof(buf) - 1);

		if (len > g->goal[i] - g->sent[i])
			len = g->goal[i] - g->sent[i];
		for (size_t k = 0; k < len; k++)
			buf[k] = pattern(i, g->sent[i] + k);
		if ((n = sock_send(w->stack[i], s, buf, len)) <= 0)
			break;
		g->sent[i] += (uint64_t)n;
		moved = true;
	}
	if (g->sent[i] == g->goal[i] && !g->shut[i] && sock_shutdown(w->stack[i], s) == 0)
		g->shut[i] = moved = true;
	while (g->over || rng_below(&g->rng, 8) < g->read_of_8) {
		n = sock_recv(w->stack[i], s, buf, 1 + rng_below(&g->rng, sizeof(buf) - 1));
		if (n < 0 && n != ERR_AGAIN)
			g->dead[i] = true;
		if (n == 0)
			g->closed[i] = true;
		if (n <= 0)
			break;
		for (int64_t k = 0; k < n; k++)
			g->wrong |= buf[k] != pattern(!i, g->got[i] + (uint64_t)k);
		g->got[i] += (uint64_t)n;
		moved = true;
	}
	return moved;
}

static bool users(struct twohosts *w)
{
	struct game *g = w->arg;
	struct sock_event ev[8];
	bool moved = false;

	for (int i = 0; i < 2; i++)
		while (stack_events(w->stack[i], ev, 8))
			;
	if (w->listener && !w->server)
		w->server = sock_accept(w->stack[1], w->listener);
	if (w->client)
		moved |= user(w, g, 0, w->client);
	if (w->server)
		moved |= user(w, g, 1, w->server);
	return moved;
}

static bool lose(struct twohosts *w, int side, const struct pkt *p, const struct seg *s, ns_t now)
{
	struct game *g = w->arg;

	(void)side, (void)p, (void)now;
	return s && !g->over && rng_below(&g->rng, 1000) < g->loss;
}

/* Changes something that does not belong to the stream, and makes the sums right again: what a broken
 * or hostile middlebox does. */
static void falsify(struct game *g, struct pkt *p)
{
	uint8_t *ip = p->data + ETH_LEN, *t = ip + IP4_LEN;
	uint32_t hdr = (uint32_t)(t[12] >> 4) * 4;

	switch (rng_below(&g->rng, 9)) {
	case 0:
		wr16(t + 14, (uint16_t)rng_u32(&g->rng)); /* the window, but for a lie beyond all memory */
		break;
	case 1:
		wr16(t + 14, 0);
		break;
	case 2:
		t[13] |= TH_URG;
		wr16(t + 18, (uint16_t)rng_u32(&g->rng));
		break;
	case 3:
		t[13] ^= TH_PSH;
		break;
	case 4:
		t[13] ^= (uint8_t)(rng_below(&g->rng, 4) << 6); /* ECE, CWR */
		break;
	case 5:
		ip[1] = (uint8_t)rng_u32(&g->rng); /* TOS with its ECN bits */
		break;
	case 6: /* an option is scraped out */
		if (hdr > TCP_LEN)
			memset(t + TCP_LEN, 1, hdr - TCP_LEN);
		break;
	case 7: /* or gets another length or value; not a timestamp, which would bar all that follows */
		if (hdr > TCP_LEN + 12 && !(t[13] & TH_SYN))
			t[TCP_LEN + 12 + rng_below(&g->rng, hdr - TCP_LEN - 12)] ^= (uint8_t)(1u << rng_below(&g->rng, 8));
		break;
	default:
		t[12] |= (uint8_t)rng_below(&g->rng, 16); /* reserved bits, AE */
		break;
	}
	wr16(ip + 10, 0);
	wr16(ip + 10, (uint16_t)~csum_fold(csum_add(0, ip, IP4_LEN)));
	p->csum = CSUM_PARTIAL;
	csum_complete(p);
	p->csum = CSUM_UNKNOWN;
}

static ns_t mess(struct twohosts *w, int side, struct pkt *p, bool *twice)
{
	struct game *g = w->arg;
	struct seg s;

	(void)side;
	if (g->over || !frame_seg(p, &s) || !pkt_unshare(p))
		return 0;
	if (rng_below(&g->rng, 1000) < g->damage) /* one bit: no sum can miss it */
		p->data[ETH_LEN + rng_below(&g->rng, p->len - ETH_LEN)] ^= (uint8_t)(1u << rng_below(&g->rng, 8));
	else if (rng_below(&g->rng, 1000) < g->lie)
		falsify(g, p);
	*twice = rng_below(&g->rng, 1000) < g->twice;
	return rng_below(&g->rng, 1000) < g->late ? (ns_t)rng_below(&g->rng, 80) * MS : 0;
}

static bool flip(struct game *g)
{
	return rng_below(&g->rng, 2);
}

static void draw_config(struct game *g, struct tcp_config *c)
{
	static const uint32_t bufs[] = {3000, 8000, 30000, 65535, 300000, 4 << 20};

	tcp_config_default(c);
	c->cc = (enum tcp_cc_kind)rng_below(&g->rng, CC_COUNT);
	c->recovery = (enum tcp_recovery)rng_below(&g->rng, 5);
	c->ecn = (enum tcp_ecn)rng_below(&g->rng, 3);
	c->sack = rng_below(&g->rng, 4);
	c->dsack = flip(g);
	c->timestamps = rng_below(&g->rng, 3);
	c->wscale = rng_below(&g->rng, 4);
	c->limited_transmit = flip(g);
	c->prr = flip(g);
	c->tlp = flip(g);
	c->frto = flip(g);
	c->eifel = flip(g);
	c->nagle = flip(g);
	c->delayed_ack = rng_below(&g->rng, 4);
	c->quickack = flip(g);
	c->rcvbuf = bufs[rng_below(&g->rng, ARRAY_LEN(bufs))];
	c->sndbuf = bufs[rng_below(&g->rng, ARRAY_LEN(bufs))];
	c->mss = rng_below(&g->rng, 3) ? 0 : (uint16_t)(100 + rng_below(&g->rng, 1300));
	c->isn_is_fixed = flip(g);
	c->isn_fixed = rng_below(&g->rng, 2) ? 0xffffff00u - rng_below(&g->rng, 20000) : 0x7fffff00u - rng_below(&g->rng, 20000);
}

static void draw_game(struct game *g, uint64_t seed)
{
	static const uint64_t sizes[] = {0, 1, 1000, 10000, 40000, 100000};

	memset(g, 0, sizeof(*g));
	rng_init(&g->rng, seed, "game");
	for (int i = 0; i < 2; i++)
		g->goal[i] = sizes[rng_below(&g->rng, ARRAY_LEN(sizes))];
	g->loss = rng_below(&g->rng, 3) * rng_below(&g->rng, 150);
	g->twice = rng_below(&g->rng, 2) * rng_below(&g->rng, 300);
	g->late = rng_below(&g->rng, 2) * rng_below(&g->rng, 400);
	g->damage = rng_below(&g->rng, 2) * rng_below(&g->rng, 100);
	g->lie = rng_below(&g->rng, 2) * rng_below(&g->rng, 200);
	g->read_of_8 = 1 + rng_below(&g->rng, 8);
	g->write_of_8 = 1 + rng_below(&g->rng, 8);
}

static bool finished(const struct game *g, int i)
{
	return g->dead[i] || (g->got[i] == g->goal[!i] && g->closed[i]);
}

static void play(uint64_t seed)
{
	struct game g;
	struct tcp_config c[2];
	struct addr any = {{0}};
	char row[160];

	draw_game(&g, seed);
	draw_config(&g, &c[0]);
	draw_config(&g, &c[1]);
	struct twohosts *w = twohosts_new(seed, &c[0], &c[1]);

	w->arg = &g;
	w->app = users;
	w->wire = lose;
	w->mess = mess;
	w->rate = rng_below(&g.rng, 2) ? 1250000 : 0;
	w->listener = sock_open(w->stack[1]);
	sock_bind(w->stack[1], w->listener, &any, 80);
	sock_listen(w->stack[1], w->listener, 8);
	w->client = sock_open(w->stack[0]);
	sock_connect(w->stack[0], w->client, &w->addr[1], 80);
	for (ns_t until = w->now + FAULTS; w->now < until;)
		twohosts_run(w, w->now + 500 * MS); /* idle users look in now and then */
	g.over = true;
	for (int k = 0; k < 300 && !(finished(&g, 0) && (finished(&g, 1) || !w->server)); k++)
		twohosts_run(w, w->now + SEC);
	/* The lies may have killed it: then one side must have been told, and the other stays alone. */
	bool told = g.dead[0] || g.dead[1];

	if (g.wrong || (!told && !(finished(&g, 0) && finished(&g, 1))) || w->frames > 60000 ||
	    (told && !g.lie && g.loss < 200)) {
		snprintf(row, sizeof(row), "seed %u: %s, read %u of %u and %u of %u, dead %d %d, %u frames", (unsigned)seed,
			 g.wrong ? "wrong bytes" : "not finished", (unsigned)g.got[0], (unsigned)g.goal[1],
			 (unsigned)g.got[1], (unsigned)g.goal[0], g.dead[0], g.dead[1], (unsigned)w->frames);
		FAIL_ROW(row);
	}
	sock_close(w->stack[0], w->client);
	if (w->server)
		sock_close(w->stack[1], w->server);
	sock_close(w->stack[1], w->listener);
	twohosts_run(w, w->now + 1800 * SEC); /* R2 of whoever was left alone */
	for (int i = 0; i < 2; i++)
		if (w->stack[i]->tcp.tcbs.used || w->stack[i]->tcp.ntw) {
			snprintf(row, sizeof(row), "seed %u: something is left of side %d", (unsigned)seed, i);
			FAIL_ROW(row);
		}
	twohosts_free(w);
}

static void any_two_stacks_over_any_bad_path_finish_or_are_told(void)
{
	const char *one = getenv("HOSTILE_SEED"), *many = getenv("HOSTILE_SEEDS");
	uint64_t n = many ? strtoull(many, NULL, 10) : SEEDS;

	if (one) {
		play(strtoull(one, NULL, 10));
		return;
	}
	for (uint64_t seed = 1; seed <= n; seed++)
		play(seed);
}

static const struct test_case cases[] = {
	TEST(any_two_stacks_over_any_bad_path_finish_or_are_told),
};
TEST_SUITE(hostile_random, cases);
