/* Fast Open from the attacker's side (RFC 7413 5): floods of SYNs with and without a good cookie, cookies
 * that are guessed or malformed, a SYN that comes twice, a server that lies in its SYN-ACK. What must hold:
 * no text without a good cookie, no more pending than allowed, others served, no byte twice or changed. */
#include <string.h>

#include "../../stack/base/check.h"
#include "../../stack/base/rng.h"
#include "../../stack/tcp/tcp_param.h"
#include "../lib/lone.h"

#define PENDING 5u
#define TEXT 100u

static struct lone *server(void)
{
	struct lone *l = lone_new();

	l->cfg.tcp.fastopen = true;
	l->cfg.tcp.fastopen_pending = PENDING;
	lone_start(l);
	return l;
}

/* A SYN with this cookie and TEXT bytes; the SYN-ACK, or NULL. */
static const struct seg *say_syn(struct lone *l, struct lone_peer *p, const uint8_t *cookie, uint8_t len)
{
	struct seg g = {.seq = seq_of(p->iss), .flags = TH_SYN, .wnd = 65535, .len = len ? TEXT : 0};

	g.opt.has_mss = g.opt.has_tfo = true;
	g.opt.mss = 1460;
	g.opt.tfo_len = len;
	if (len)
		memcpy(g.opt.tfo_cookie, cookie, len);
	p->ts = p->sack = false;
	p->nxt = p->iss + 1 + g.len;
	uint8_t text[TEXT];

	for (uint32_t i = 0; i < TEXT; i++)
		text[i] = lone_byte(p, p->iss + 1 + i);
	lone_forget(l);
	lone_say_seg(l, p, &g, text);
	const struct seg *r = lone_last(l, TH_SYN | TH_ACK, TH_SYN | TH_ACK);

	if (r)
		p->ack = r->seq.v + 1;
	return r;
}

static void get_cookie(struct lone *l, const struct lone_peer *whose, uint8_t cookie[16])
{
	struct lone_peer p = *whose;

	p.port += 20000;
	const struct seg *r = say_syn(l, &p, NULL, 0);

	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_EQUAL_FATAL(r->opt.tfo_len, 8);
	memcpy(cookie, r->opt.tfo_cookie, 8);
	lone_say(l, &p, TH_RST, 0);
}

static bool text_taken(const struct lone_peer *p, const struct seg *synack)
{
	return synack && synack->ack.v == p->iss + 1 + TEXT;
}

/* Somebody who does not use Fast Open, and finishes the handshake. */
static bool gets_in(struct lone *l, uint32_t n)
{
	struct lone_peer p = lone_peer(n);

	lone_forget(l);
	lone_say(l, &p, TH_SYN, 0);
	const struct seg *g = lone_last(l, TH_SYN | TH_ACK, TH_SYN | TH_ACK);

	if (!g)
		return false;
	p.ack = g->seq.v + 1;
	p.ts_ecr = g->opt.ts_val;
	p.ts = p.ts && g->opt.has_ts;
	lone_say(l, &p, TH_ACK, 0);
	p.sock = sock_accept(l->s, l->listener);
	uint32_t at = p.nxt;

	lone_say(l, &p, TH_ACK | TH_PSH, TEXT);
	bool read = p.sock && lone_read(l, &p, at) == TEXT;

	sock_close(l->s, p.sock);
	return read;
}

/* RFC 7413 5.1: whoever has one cookie can forge as many connections as he likes. */
static void a_flood_of_good_cookies_takes_no_more_than_the_limit(void)
{
	struct lone *l = server();
	struct lone_peer whose = lone_peer(1);
	uint8_t cookie[16];
	uint32_t opened = 0, in = 0, answers = 0;

	get_cookie(l, &whose, cookie);
	for (uint32_t k = 0; k < 500; k++) {
		struct lone_peer p = lone_peer(1);

		p.port = (uint16_t)(1024 + k);
		p.iss += k * 5000;
		const struct seg *r = say_syn(l, &p, cookie, 8);

		opened += text_taken(&p, r);
		answers += r != NULL;
		l->now += MS;
		if (k % 50 == 25) {
			sock_t s;

			while ((s = sock_accept(l->s, l->listener)))
				;
			in += gets_in(l, 1000 + k);
		}
	}
	CU_ASSERT_EQUAL(opened, PENDING);
	CU_ASSERT_EQUAL(answers, 500); /* the others have an ordinary handshake, or a SYN cookie */
	CU_ASSERT_EQUAL(in, 10);
	lone_free(l);

	/* The children of a flood pass, and with them the limit. */
	l = server();
	get_cookie(l, &whose, cookie);
	for (uint32_t k = 0; k < PENDING + 3; k++) {
		struct lone_peer p = lone_peer(1);

		p.port = (uint16_t)(1024 + k);
		CU_ASSERT_EQUAL(text_taken(&p, say_syn(l, &p, cookie, 8)), k < PENDING);
	}
	sock_t s;

	while ((s = sock_accept(l->s, l->listener)))
		sock_close(l->s, s);
	lone_wait(l, 200 * SEC);
	CU_ASSERT_EQUAL(lone_count(l, TCP_SYN_RECEIVED), 0);
	CU_ASSERT_TRUE(gets_in(l, 50)); /* asks the router anew */
	struct lone_peer p = lone_peer(1);

	p.port = 5000;
	CU_ASSERT_TRUE(text_taken(&p, say_syn(l, &p, cookie, 8)));
	lone_free(l);
}

/* No more children than the listener would hold of ordinary connections: the limit of pending ones is the
 * whole stack's, the backlog is the listener's. */
static void good_cookies_do_not_overrun_the_backlog(void)
{
	struct lone *l = lone_new();
	struct lone_peer whose = lone_peer(1);
	uint8_t cookie[16];
	uint32_t ready = 0;

	l->cfg.tcp.fastopen = true;
	lone_start(l); /* backlog 16 */
	get_cookie(l, &whose, cookie);
	for (uint32_t k = 0; k < 100; k++) {
		struct lone_peer p = lone_peer(1);

		p.port = (uint16_t)(1024 + k);
		say_syn(l, &p, cookie, 8);
	}
	while (sock_accept(l->s, l->listener))
		ready++;
	CU_ASSERT_TRUE(ready > 0);
	CU_ASSERT_TRUE(ready <= 17);
	lone_free(l);
}

static void a_guessed_cookie_brings_no_text_and_an_ordinary_handshake(void)
{
	struct lone *l = server();
	struct rng dice;

	rng_init(&dice, 1, "cookies");
	for (uint32_t k = 0; k < 2000; k++) {
		struct lone_peer p = lone_peer(100 + k);
		uint8_t guess[16];

		for (int i = 0; i < 16; i++)
			guess[i] = (uint8_t)rng_u32(&dice);
		const struct seg *r = say_syn(l, &p, guess, (uint8_t)(4 + 2 * (k % 7)));

		CU_ASSERT_FALSE(text_taken(&p, r));
		uint32_t answers = 0; /* beside those to earlier ones, which are repeated */

		for (size_t i = 0; i < l->nheard; i++)
			answers += l->heard[i].ack.v == p.iss + 1;
		CU_ASSERT_TRUE(answers <= 1);
		l->now += MS;
	}
	CU_ASSERT_EQUAL(sock_accept(l->s, l->listener), 0);
	CU_ASSERT_TRUE(gets_in(l, 29000));
	lone_free(l);
}

/* RFC 7413 4.1.1: a cookie has 4 to 16 bytes, an even number. Whatever the length byte says, nothing is read
 * past it, and nothing is taken for a cookie that is none. */
static void an_option_of_any_length_is_survived(void)
{
	struct lone *l = server();
	struct lone_peer whose = lone_peer(1);
	uint8_t cookie[16];

	get_cookie(l, &whose, cookie);
	for (uint32_t len = 0; len < 256; len++) {
		struct lone_peer p = lone_peer(1);
		struct seg g = {.seq = seq_of(p.iss), .flags = TH_SYN, .wnd = 65535, .len = TEXT};
		uint8_t f[LONE_FRAME], text[TEXT] = {0};

		p.port = (uint16_t)(2000 + len);
		p.ts = p.sack = false;
		g.opt.has_tfo = true;
		g.opt.tfo_len = 16;
		memcpy(g.opt.tfo_cookie, cookie, 8);
		size_t n = lone_frame(f, &p, &g, text);
		uint8_t *opt = memchr(f + 54, 34, 24);

		CU_ASSERT_PTR_NOT_NULL_FATAL(opt);
		opt[1] = (uint8_t)len;
		lone_sum(f, n);
		lone_forget(l);
		lone_give(l, f, n);
		const struct seg *r = lone_last(l, TH_SYN | TH_ACK, TH_SYN | TH_ACK);

		CU_ASSERT_EQUAL(text_taken(&p, r), len == 10); /* kind, length, and the eight bytes that are good */
		p.nxt = p.iss + 1;
		lone_say(l, &p, TH_RST, 0);
	}
	lone_free(l);
}

/* RFC 7413 6.1: the network may deliver a SYN twice. Within one connection that shows nowhere. */
static void a_syn_that_comes_twice_gives_its_text_once(void)
{
	struct lone *l = server();
	struct lone_peer p = lone_peer(1);
	uint8_t cookie[16];

	get_cookie(l, &p, cookie);
	CU_ASSERT_TRUE(text_taken(&p, say_syn(l, &p, cookie, 8)));
	uint32_t iss = p.ack - 1;

	p.sock = sock_accept(l->s, l->listener);
	CU_ASSERT_NOT_EQUAL_FATAL(p.sock, 0);
	const struct seg *again = say_syn(l, &p, cookie, 8);

	CU_ASSERT_PTR_NOT_NULL_FATAL(again);
	CU_ASSERT_EQUAL(again->seq.v, iss);
	CU_ASSERT_TRUE(text_taken(&p, again));
	CU_ASSERT_EQUAL(lone_read(l, &p, p.iss + 1), TEXT);
	lone_say(l, &p, TH_ACK, 0);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_ESTABLISHED);
	say_syn(l, &p, cookie, 8);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_ESTABLISHED); /* challenged */
	CU_ASSERT_EQUAL(sock_readable(l->s, p.sock), 0);
	CU_ASSERT_EQUAL(sock_accept(l->s, l->listener), 0);
	lone_free(l);
}

/* FIN, URG and RST beside the SYN and a good cookie: no state that the handshake does not have. */
static void flags_beside_the_syn_open_nothing_odd(void)
{
	static const struct {
		const char *name;
		uint16_t flags;
		bool opens;
	} rows[] = {{"urg", TH_SYN | TH_URG, true}, {"psh", TH_SYN | TH_PSH, true},   {"fin", TH_SYN | TH_FIN, false},
		    {"rst", TH_SYN | TH_RST, false}, {"ack", TH_SYN | TH_ACK, false}};

	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		struct lone *l = server();
		struct lone_peer p = lone_peer(1);
		struct seg g = {.seq = seq_of(p.iss), .flags = rows[k].flags, .wnd = 65535, .len = TEXT, .urg = 50};
		uint8_t text[TEXT] = {0};

		p.ts = p.sack = false;
		g.opt.has_tfo = true;
		g.opt.tfo_len = 8;
		get_cookie(l, &p, g.opt.tfo_cookie);
		lone_forget(l);
		lone_say_seg(l, &p, &g, text);
		sock_t s = sock_accept(l->s, l->listener);

		if (rows[k].opens != (s != 0) || (s && sock_readable(l->s, s) != TEXT))
			FAIL_ROW(rows[k].name);
		lone_free(l);
	}
}

/* ---- a client, and a server that lies ---- */

/* A SYN with TEXT bytes and a cookie is out. */
static struct lone *client(struct lone_peer *p)
{
	struct lone *l = lone_new();
	uint8_t text[TEXT];

	l->cfg.tcp.fastopen = true;
	lone_start(l);
	*p = lone_peer(1);
	p->ts = p->sack = false;
	for (uint32_t i = 0; i < TEXT; i++)
		text[i] = (uint8_t)i;
	for (int with_cookie = 0; with_cookie < 2; with_cookie++) {
		struct addr a = addr_v4(p->addr);

		lone_forget(l);
		p->sock = sock_open(l->s);
		CU_ASSERT_EQUAL(sock_connect_data(l->s, p->sock, &a, p->port, text, TEXT), TEXT);
		lone_turn(l);
		const struct seg *g = lone_last(l, TH_SYN, TH_SYN);

		CU_ASSERT_PTR_NOT_NULL_FATAL(g);
		p->stack_port = g->sport;
		p->stack_iss = g->seq.v;
		CU_ASSERT_EQUAL_FATAL(g->len, with_cookie ? TEXT : 0);
		if (with_cookie)
			break;
		struct seg r = {.seq = seq_of(p->iss), .ack = seq_add(g->seq, 1), .flags = TH_SYN | TH_ACK, .wnd = 1000};

		r.opt.has_tfo = r.opt.has_mss = true;
		r.opt.tfo_len = 8;
		r.opt.mss = 1460;
		lone_say_seg(l, p, &r, NULL);
		sock_abort(l->s, p->sock);
		lone_turn(l);
		p->iss += 100000;
	}
	lone_forget(l);
	return l;
}

static void a_server_that_lies_about_what_it_took_changes_no_byte(void)
{
	for (uint32_t took = 0; took < TEXT + 20; took++) {
		struct lone_peer p;
		struct lone *l = client(&p);
		struct seg r = {.seq = seq_of(p.iss), .ack = seq_of(p.stack_iss + 1 + took), .flags = TH_SYN | TH_ACK, .wnd = 1000};
		uint32_t heard = 0;

		r.opt.has_mss = true;
		r.opt.mss = 1460;
		lone_say_seg(l, &p, &r, NULL);
		for (size_t i = 0; i < l->nheard; i++)
			if (l->heard[i].len) {
				CU_ASSERT_EQUAL(l->heard[i].seq.v, p.stack_iss + 1 + took);
				heard += l->heard[i].len;
			}
		if (took > TEXT) { /* RFC 9293 3.10.7.3, first */
			CU_ASSERT_EQUAL(lone_heard(l, TH_RST, TH_RST), 1);
			CU_ASSERT_EQUAL(lone_state(l, &p), TCP_SYN_SENT);
		} else {
			CU_ASSERT_EQUAL(heard, TEXT - took);
			CU_ASSERT_EQUAL(lone_state(l, &p), TCP_ESTABLISHED);
		}
		lone_free(l);
	}
}

static void a_cookie_of_the_largest_size_is_kept_whole_and_no_more(void)
{
	for (uint32_t len = 0; len <= 16; len++) {
		struct lone_peer p;
		struct lone *l = client(&p);
		struct addr a = addr_v4(p.addr);
		struct seg r = {.seq = seq_of(p.iss), .ack = seq_of(p.stack_iss + 1 + TEXT), .flags = TH_SYN | TH_ACK, .wnd = 1000};

		r.opt.has_mss = r.opt.has_tfo = true;
		r.opt.mss = 88; /* as small as we believe: what goes in a SYN next time is less */
		r.opt.tfo_len = (uint8_t)len;
		memset(r.opt.tfo_cookie, 0xa5, sizeof(r.opt.tfo_cookie));
		lone_say_seg(l, &p, &r, NULL);
		CU_ASSERT_EQUAL(lone_state(l, &p), TCP_ESTABLISHED);
		sock_abort(l->s, p.sock);
		lone_forget(l);
		p.sock = sock_open(l->s);
		uint8_t text[TEXT] = {0};

		CU_ASSERT_EQUAL(sock_connect_data(l->s, p.sock, &a, p.port, text, TEXT), TEXT);
		lone_turn(l);
		const struct seg *g = lone_last(l, TH_SYN, TH_SYN);

		CU_ASSERT_PTR_NOT_NULL_FATAL(g);
		bool sound = len >= 4 && len % 2 == 0;

		CU_ASSERT_EQUAL(g->opt.tfo_len, sound ? len : 8);
		CU_ASSERT_EQUAL(g->opt.tfo_cookie[0], sound ? 0xa5 : 0);
		CU_ASSERT_TRUE(g->len <= TEXT);
		lone_free(l);
	}
}

static const struct test_case cases[] = {
	TEST(a_flood_of_good_cookies_takes_no_more_than_the_limit),
	TEST(good_cookies_do_not_overrun_the_backlog),
	TEST(a_guessed_cookie_brings_no_text_and_an_ordinary_handshake),
	TEST(an_option_of_any_length_is_survived),
	TEST(a_syn_that_comes_twice_gives_its_text_once),
	TEST(flags_beside_the_syn_open_nothing_odd),
	TEST(a_server_that_lies_about_what_it_took_changes_no_byte),
	TEST(a_cookie_of_the_largest_size_is_kept_whole_and_no_more),
};
TEST_SUITE(hostile_fastopen, cases);
