/* Fast Open (RFC 7413), end to end between two stacks and with hand-made SYNs. */
#include "../lib/lone.h"
#include "../lib/test.h"
#include "../lib/twohosts.h"

#include <string.h>

#include "../../stack/base/check.h"
#include "../../stack/tcp/tcp_param.h"

/* ---- between two stacks ---- */

struct story {
	size_t in_syn;       /* text bytes that the latest SYN carried */
	int syns, asked, cookies, granted;
	uint64_t text;       /* text bytes from the client in all */
	int lose_syns;       /* so many SYNs with the option are lost */
	int lose_synacks;
	ns_t server_read, client_read; /* when the first bytes came */
	char got[2][64];
	size_t ngot[2];
	const char *answer;
};

static bool watch(struct twohosts *w, int side, const struct pkt *p, const struct seg *g, ns_t now)
{
	struct story *y = w->arg;

	(void)p, (void)now;
	if (!g)
		return false;
	if (side == 0)
		y->text += g->len;
	if (!(g->flags & TH_SYN))
		return false;
	if (side == 1) {
		y->granted += g->opt.has_tfo && g->opt.tfo_len;
		return y->lose_synacks-- > 0;
	}
	y->syns++;
	y->in_syn = g->len;
	y->asked += g->opt.has_tfo && !g->opt.tfo_len;
	y->cookies += g->opt.has_tfo && g->opt.tfo_len;
	return g->opt.has_tfo && y->lose_syns-- > 0;
}

static bool app(struct twohosts *w)
{
	struct story *y = w->arg;
	bool moved = false;

	if (!w->server && w->listener && (w->server = sock_accept(w->stack[1], w->listener)))
		moved = true;
	for (int i = 0; i < 2; i++) {
		sock_t s = i ? w->server : w->client;
		int64_t n = s ? sock_recv(w->stack[i], s, y->got[i] + y->ngot[i], sizeof(y->got[i]) - y->ngot[i]) : 0;

		if (n <= 0)
			continue;
		moved = true;
		if (!y->ngot[i])
			*(i ? &y->server_read : &y->client_read) = w->now;
		y->ngot[i] += (size_t)n;
		if (i && y->answer)
			CU_ASSERT_EQUAL(sock_send(w->stack[1], s, y->answer, strlen(y->answer)), (int64_t)strlen(y->answer));
	}
	return moved;
}

static struct twohosts *pair(struct story *y, bool client, bool server)
{
	struct tcp_config a, b;

	tcp_config_default(&a);
	tcp_config_default(&b);
	a.fastopen = client;
	b.fastopen = server;
	struct twohosts *w = twohosts_new(3, &a, &b);
	struct addr any = {{0}};

	w->arg = y;
	w->wire = watch;
	w->app = app;
	w->listener = sock_open(w->stack[1]);
	CU_ASSERT_EQUAL(sock_bind(w->stack[1], w->listener, &any, 80), 0);
	CU_ASSERT_EQUAL(sock_listen(w->stack[1], w->listener, 8), 0);
	return w;
}

/* One connection that says "question"; everything in *y is of this one. */
static struct sock_info talk(struct twohosts *w, struct story *y)
{
	struct sock_info i;
	ns_t start = w->now;

	w->client = sock_open(w->stack[0]);
	w->server = 0;
	CU_ASSERT_EQUAL(sock_connect_data(w->stack[0], w->client, &w->addr[1], 80, "question", 8), 8);
	twohosts_run(w, w->now + 10 * SEC);
	CU_ASSERT_EQUAL(y->ngot[1], 8);
	CU_ASSERT_EQUAL(memcmp(y->got[1], "question", 8), 0);
	CU_ASSERT_EQUAL(sock_info(w->stack[0], w->client, &i), 0);
	CU_ASSERT_EQUAL(i.state, TCP_ESTABLISHED);
	y->server_read -= start;
	y->client_read -= start;
	return i;
}

static void hang_up(struct twohosts *w)
{
	sock_close(w->stack[0], w->client);
	sock_close(w->stack[1], w->server);
	w->client = w->server = 0;
	twohosts_run(w, w->now + 200 * SEC);
}

static void the_second_connection_asks_and_is_answered_within_one_round_trip(void)
{
	struct story y = {.answer = "answer"};
	struct twohosts *w = pair(&y, true, true);
	struct sock_info i = talk(w, &y);

	CU_ASSERT_EQUAL(y.asked, 1);
	CU_ASSERT_EQUAL(y.granted, 1);
	CU_ASSERT_EQUAL(y.in_syn, 0);
	CU_ASSERT_FALSE(i.fastopen);
	CU_ASSERT_TRUE(y.server_read >= 30 * MS);
	hang_up(w);

	y = (struct story){.answer = "answer"};
	i = talk(w, &y);
	CU_ASSERT_EQUAL(y.cookies, 1);
	CU_ASSERT_EQUAL(y.in_syn, 8);
	CU_ASSERT_EQUAL(y.text, 8); /* and never again */
	CU_ASSERT_EQUAL(y.granted, 0);
	CU_ASSERT_TRUE(i.fastopen);
	CU_ASSERT_EQUAL(i.bytes_acked, 8);
	CU_ASSERT_EQUAL(y.server_read, 10 * MS);
	CU_ASSERT_EQUAL(y.client_read, 20 * MS);
	CU_ASSERT_EQUAL(y.ngot[0], 6);
	hang_up(w);
	twohosts_free(w);
}

static void off_by_default_on_both_sides(void)
{
	static const struct {
		const char *name;
		bool client, server;
		int asked, granted;
	} rows[] = {
		{"neither", false, false, 0, 0},
		{"client alone", true, false, 1, 0},
		{"server alone", false, true, 0, 0},
	};
	struct tcp_config cfg;

	tcp_config_default(&cfg);
	CU_ASSERT_FALSE(cfg.fastopen);
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct story y = {0};
		struct twohosts *w = pair(&y, rows[r].client, rows[r].server);

		talk(w, &y);
		if (y.asked != rows[r].asked || y.granted != rows[r].granted || y.in_syn)
			FAIL_ROW(rows[r].name);
		hang_up(w);
		twohosts_free(w);
	}
}

static void a_lost_syn_goes_again_bare_and_the_peer_is_spared_for_a_while(void)
{
	struct story y = {0};
	struct twohosts *w = pair(&y, true, true);

	talk(w, &y);
	hang_up(w);
	y = (struct story){.lose_syns = 1};
	struct sock_info i = talk(w, &y);

	CU_ASSERT_EQUAL(y.syns, 2);
	CU_ASSERT_EQUAL(y.cookies, 1);
	CU_ASSERT_EQUAL(y.in_syn, 0); /* the latest */
	CU_ASSERT_EQUAL(y.text, 16);
	CU_ASSERT_FALSE(i.fastopen);
	CU_ASSERT_EQUAL(i.bytes_acked, 8);
	hang_up(w);
	y = (struct story){0};
	talk(w, &y);
	CU_ASSERT_EQUAL(y.cookies + y.asked, 0);
	hang_up(w);
	twohosts_run(w, w->now + 3600 * SEC);
	y = (struct story){0};
	talk(w, &y);
	CU_ASSERT_EQUAL(y.cookies, 1);
	hang_up(w);
	twohosts_free(w);
}

static void a_lost_syn_ack_duplicates_nothing(void)
{
	struct story y = {0};
	struct twohosts *w = pair(&y, true, true);

	talk(w, &y);
	hang_up(w);
	y = (struct story){.lose_synacks = 1, .answer = "answer"};
	talk(w, &y);
	CU_ASSERT_EQUAL(y.ngot[1], 8);
	CU_ASSERT_EQUAL(y.ngot[0], 6);
	CU_ASSERT_EQUAL(memcmp(y.got[0], "answer", 6), 0);
	hang_up(w);
	twohosts_free(w);
}

static void a_server_that_forgot_its_key_gets_the_text_again(void)
{
	struct story y = {0};
	struct twohosts *w = pair(&y, true, true);

	talk(w, &y);
	hang_up(w);
	twohosts_run(w, w->now + 2 * TFO_KEY_LIFE);
	y = (struct story){0};
	struct sock_info i = talk(w, &y);

	CU_ASSERT_EQUAL(y.cookies, 1);
	CU_ASSERT_EQUAL(y.in_syn, 8);
	CU_ASSERT_EQUAL(y.text, 16);
	CU_ASSERT_EQUAL(y.granted, 1);
	CU_ASSERT_FALSE(i.fastopen);
	CU_ASSERT_EQUAL(i.bytes_acked, 8);
	CU_ASSERT_EQUAL(i.timeouts, 0);
	CU_ASSERT_EQUAL(y.server_read, 30 * MS); /* no slower than without */
	hang_up(w);
	y = (struct story){0};
	talk(w, &y);
	CU_ASSERT_EQUAL(y.text, 8); /* the new cookie is good */
	hang_up(w);
	twohosts_run(w, w->now + TFO_KEY_LIFE);
	y = (struct story){0};
	talk(w, &y);
	CU_ASSERT_EQUAL(y.text, 8); /* the last key's cookies count, and are renewed */
	CU_ASSERT_EQUAL(y.granted, 1);
	hang_up(w);
	twohosts_free(w);
}

/* ---- hand-made SYNs ---- */

static struct lone *server(uint16_t pending)
{
	struct lone *l = lone_new();

	l->cfg.tcp.fastopen = true;
	l->cfg.tcp.fastopen_pending = pending;
	lone_start(l);
	return l;
}

/* A SYN of p with this cookie and text; the SYN-ACK. */
static struct seg syn(struct lone *l, struct lone_peer *p, const struct seg *cookie, uint32_t len)
{
	struct seg g = {.seq = seq_of(p->iss), .flags = TH_SYN, .wnd = 65535, .len = len};

	g.opt.has_mss = true;
	g.opt.mss = 1460;
	g.opt.has_tfo = true;
	if (cookie) {
		g.opt.tfo_len = cookie->opt.tfo_len;
		memcpy(g.opt.tfo_cookie, cookie->opt.tfo_cookie, g.opt.tfo_len);
	}
	uint8_t text[1460];

	for (uint32_t i = 0; i < len; i++)
		text[i] = lone_byte(p, p->iss + 1 + i);
	p->ts = p->sack = false;
	p->nxt = p->iss + 1 + len;
	lone_forget(l);
	lone_say_seg(l, p, &g, text);
	const struct seg *r = lone_last(l, TH_SYN | TH_ACK, TH_SYN | TH_ACK);

	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	p->ack = r->seq.v + 1;
	return *r;
}

static struct seg cookie_of(struct lone *l, struct lone_peer p)
{
	p.iss = p.nxt = p.iss + 500000;
	p.port += 1000;
	struct seg g = syn(l, &p, NULL, 0);

	CU_ASSERT_TRUE(g.opt.has_tfo);
	CU_ASSERT_EQUAL(g.opt.tfo_len, 8);
	lone_say(l, &p, TH_RST, 0);
	return g;
}

static bool taken(const struct lone_peer *p, const struct seg *synack, uint32_t len)
{
	CU_ASSERT_TRUE(synack->ack.v == p->iss + 1 || synack->ack.v == p->iss + 1 + len);
	return synack->ack.v == p->iss + 1 + len;
}

static void a_cookie_is_good_for_its_address_alone(void)
{
	struct lone *l = server(10);
	struct lone_peer a = lone_peer(1), b = lone_peer(2);
	struct seg cookie = cookie_of(l, a), r;

	r = syn(l, &b, &cookie, 100);
	CU_ASSERT_FALSE(taken(&b, &r, 100));
	CU_ASSERT_TRUE(r.opt.has_tfo && r.opt.tfo_len == 8); /* its own */
	CU_ASSERT_EQUAL(sock_accept(l->s, l->listener), 0);
	r = syn(l, &a, &cookie, 100);
	CU_ASSERT_TRUE(taken(&a, &r, 100));
	CU_ASSERT_FALSE(r.opt.has_tfo);
	cookie.opt.tfo_len = 4;
	struct lone_peer short_one = lone_peer(1);

	short_one.port += 7;
	r = syn(l, &short_one, &cookie, 100);
	CU_ASSERT_FALSE(taken(&short_one, &r, 100));
	lone_free(l);
}

static void the_user_reads_and_answers_before_the_handshake_is_over(void)
{
	struct lone *l = server(10);
	struct lone_peer p = lone_peer(1);
	struct seg cookie = cookie_of(l, p), r = syn(l, &p, &cookie, 1000);

	CU_ASSERT_TRUE(taken(&p, &r, 1000));
	p.sock = sock_accept(l->s, l->listener);
	CU_ASSERT_NOT_EQUAL_FATAL(p.sock, 0);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_SYN_RECEIVED);
	CU_ASSERT_EQUAL(lone_read(l, &p, p.iss + 1), 1000);
	lone_forget(l);
	CU_ASSERT_EQUAL(sock_send(l->s, p.sock, "0123456789", 10), 10);
	CU_ASSERT_EQUAL(sock_shutdown(l->s, p.sock), 0);
	lone_turn(l);
	CU_ASSERT_EQUAL(lone_heard_bytes(l), 10);
	CU_ASSERT_EQUAL(lone_heard(l, TH_FIN, TH_FIN), 0); /* RFC 9293 3.10.4: not before ESTABLISHED */
	lone_say(l, &p, TH_ACK, 0); /* of the SYN alone */
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_FIN_WAIT_1);
	CU_ASSERT_EQUAL(lone_heard(l, TH_FIN, TH_FIN), 1);
	p.ack += 11;
	lone_say(l, &p, TH_ACK, 0);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_FIN_WAIT_2);
	lone_free(l);
}

static void a_syn_ack_is_repeated_until_the_peer_answers_or_all_is_over(void)
{
	struct lone *l = server(10);
	struct lone_peer p = lone_peer(1);
	struct seg cookie = cookie_of(l, p);

	syn(l, &p, &cookie, 10);
	p.sock = sock_accept(l->s, l->listener);
	CU_ASSERT_EQUAL(sock_send(l->s, p.sock, "0123456789", 10), 10);
	lone_forget(l);
	lone_wait(l, 200 * SEC);
	CU_ASSERT_EQUAL(lone_heard(l, TH_SYN | TH_ACK, TH_SYN | TH_ACK), SYNACK_RETRIES);
	CU_ASSERT_EQUAL(sock_error(l->s, p.sock), ERR_TIMEDOUT);
	sock_close(l->s, p.sock);
	lone_free(l);
}

static void a_reset_tells_the_user_and_still_counts_as_pending_for_a_minute(void)
{
	struct lone *l = server(2);
	struct lone_peer p[5];
	struct seg cookie[5];

	for (uint32_t i = 0; i < 5; i++) {
		p[i] = lone_peer(i);
		cookie[i] = cookie_of(l, p[i]);
	}
	struct seg r = syn(l, &p[0], &cookie[0], 10);

	CU_ASSERT_TRUE(taken(&p[0], &r, 10));
	p[0].sock = sock_accept(l->s, l->listener);
	lone_say(l, &p[0], TH_RST, 0);
	CU_ASSERT_EQUAL(sock_error(l->s, p[0].sock), ERR_RESET);
	sock_close(l->s, p[0].sock);
	r = syn(l, &p[1], &cookie[1], 10);
	CU_ASSERT_TRUE(taken(&p[1], &r, 10));
	r = syn(l, &p[2], &cookie[2], 10); /* one pending, one reset: full */
	CU_ASSERT_FALSE(taken(&p[2], &r, 10));
	lone_say(l, &p[1], TH_ACK, 0); /* confirmed: no longer pending */
	CU_ASSERT_EQUAL(lone_state(l, &p[1]), TCP_ESTABLISHED);
	r = syn(l, &p[3], &cookie[3], 10);
	CU_ASSERT_TRUE(taken(&p[3], &r, 10));
	/* The reset is forgotten; p[3] never answers and is given up. p[1] keeps the router awake. */
	for (int i = 0; i < 8; i++) {
		lone_wait(l, 10 * SEC);
		lone_say(l, &p[1], TH_ACK, 1);
	}
	r = syn(l, &p[4], &cookie[4], 10);
	CU_ASSERT_TRUE(taken(&p[4], &r, 10));
	lone_free(l);
}

static void a_listener_takes_its_children_along(void)
{
	struct lone *l = server(10);
	struct lone_peer p = lone_peer(1);
	struct seg cookie = cookie_of(l, p);

	syn(l, &p, &cookie, 10);
	lone_forget(l);
	sock_close(l->s, l->listener);
	lone_turn(l);
	CU_ASSERT_EQUAL(lone_heard(l, TH_RST, TH_RST), 1);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_CLOSED);
	lone_free(l);
}

static void a_stack_without_the_switch_ignores_the_option(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);
	struct seg r = syn(l, &p, NULL, 100);

	CU_ASSERT_FALSE(r.opt.has_tfo);
	CU_ASSERT_FALSE(taken(&p, &r, 100));
	lone_free(l);
}

/* SipHash of 192.168.0.1, 192.0.2.1 under this key, computed apart. The same computation gives the cookie
 * that Linux's packetdrill tests expect for the addresses the other way round (3021b9d889017eeb). */
static void a_configured_key_makes_the_cookie_that_linux_makes(void)
{
	static const uint8_t key[16] = {0xa1, 0xa1, 0xa1, 0xa1, 0xb2, 0xb2, 0xb2, 0xb2,
					0xc3, 0xc3, 0xc3, 0xc3, 0xd4, 0xd4, 0xd4, 0xd4};
	static const uint8_t cookie[8] = {0x45, 0x84, 0xcc, 0x8b, 0x4d, 0x83, 0x98, 0x5f};
	struct lone *l = lone_new();
	struct lone_peer p = lone_peer(1);

	p.addr = 0xc0a80001;
	l->cfg.tcp.fastopen = true;
	memcpy(l->cfg.tcp.fastopen_key, key, sizeof(key));
	lone_start(l);
	struct seg r = syn(l, &p, NULL, 0);

	CU_ASSERT_EQUAL(r.opt.tfo_len, 8);
	CU_ASSERT_EQUAL(memcmp(r.opt.tfo_cookie, cookie, 8), 0);
	lone_free(l);
}

static void a_listener_can_be_told_later(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);

	CU_ASSERT_EQUAL(sock_set(l->s, l->listener, OPT_FASTOPEN, 5), 0);
	CU_ASSERT_EQUAL(sock_set(l->s, l->listener, OPT_FASTOPEN, 7), 0);
	struct seg cookie = cookie_of(l, p), r = syn(l, &p, &cookie, 10);

	CU_ASSERT_TRUE(taken(&p, &r, 10));
	lone_free(l);
}

static void the_table_of_cookies_is_bounded_and_keeps_the_latest(void)
{
	struct lone *l = lone_new();

	l->cfg.tcp.fastopen = true;
	lone_start(l);
	for (int round = 0; round < 2; round++)
		for (uint32_t i = 0; i < TFO_PEERS + 1; i++) {
			struct lone_peer p = lone_peer(i);
			struct addr a = addr_v4(p.addr);

			p.sock = sock_open(l->s);
			lone_forget(l);
			CU_ASSERT_EQUAL(sock_connect_data(l->s, p.sock, &a, p.port, "x", 1), 1);
			l->now += MS;
			lone_turn(l);
			const struct seg *g = lone_last(l, TH_SYN, TH_SYN);

			CU_ASSERT_PTR_NOT_NULL_FATAL(g);
			/* One more than there is room for, in turns: each is gone when it is needed. */
			CU_ASSERT_TRUE(g->opt.has_tfo && g->opt.tfo_len == 0 && g->len == 0);
			struct seg r = {.seq = seq_of(p.iss), .ack = seq_add(g->seq, 1), .flags = TH_SYN | TH_ACK, .wnd = 1000};

			r.opt.has_tfo = true;
			r.opt.tfo_len = 6;
			r.opt.has_mss = true;
			r.opt.mss = 1460;
			p.stack_port = g->sport;
			lone_say_seg(l, &p, &r, NULL);
			CU_ASSERT_EQUAL(lone_state(l, &p), TCP_ESTABLISHED);
			sock_abort(l->s, p.sock);
			lone_turn(l);
		}
	struct lone_peer last = lone_peer(TFO_PEERS);
	struct addr a = addr_v4(last.addr);

	last.sock = sock_open(l->s);
	lone_forget(l);
	sock_connect_data(l->s, last.sock, &a, last.port, "x", 1);
	lone_turn(l);
	CU_ASSERT_EQUAL(lone_last(l, TH_SYN, TH_SYN)->opt.tfo_len, 6);
	CU_ASSERT_EQUAL(lone_last(l, TH_SYN, TH_SYN)->len, 1);
	lone_free(l);
}

static void a_syn_holds_no_more_than_the_peers_segment_and_the_rest_follows(void)
{
	static uint8_t text[5000];
	struct story y = {0};
	struct twohosts *w = pair(&y, true, true);

	talk(w, &y);
	hang_up(w);
	y = (struct story){0};
	w->client = sock_open(w->stack[0]);
	w->app = NULL;
	CU_ASSERT_EQUAL(sock_connect_data(w->stack[0], w->client, &w->addr[1], 80, text, sizeof(text)), sizeof(text));
	twohosts_run(w, w->now + SEC);
	w->server = sock_accept(w->stack[1], w->listener);
	CU_ASSERT_EQUAL(y.in_syn, 1420);
	CU_ASSERT_EQUAL(y.text, sizeof(text));
	CU_ASSERT_EQUAL(sock_readable(w->stack[1], w->server), sizeof(text));
	sock_abort(w->stack[0], w->client);
	sock_abort(w->stack[1], w->server);
	w->client = w->server = 0;
	twohosts_free(w);
}

static void a_plain_connect_with_the_option_is_told_that_it_may_write_into_the_syn(void)
{
	struct story y = {.answer = "answer"};
	struct twohosts *w = pair(&y, true, true);
	struct sock_event ev[8];

	talk(w, &y);
	hang_up(w);
	while (stack_events(w->stack[0], ev, 8))
		;
	y = (struct story){.answer = "answer"};
	w->client = sock_open(w->stack[0]);
	CU_ASSERT_EQUAL(sock_set(w->stack[0], w->client, OPT_FASTOPEN, 1), 0);
	CU_ASSERT_EQUAL(sock_connect(w->stack[0], w->client, &w->addr[1], 80), 0);
	CU_ASSERT_EQUAL_FATAL(stack_events(w->stack[0], ev, 8), 1);
	CU_ASSERT_EQUAL(ev[0].bits, SOCK_CONNECTED | SOCK_WRITABLE);
	CU_ASSERT_EQUAL(sock_send(w->stack[0], w->client, "question", 8), 8);
	twohosts_run(w, w->now + SEC);
	CU_ASSERT_EQUAL(y.in_syn, 8);
	CU_ASSERT_EQUAL(y.ngot[0], 6);
	hang_up(w);
	twohosts_free(w);
}

static const struct test_case cases[] = {
	TEST(the_second_connection_asks_and_is_answered_within_one_round_trip),
	TEST(off_by_default_on_both_sides),
	TEST(a_lost_syn_goes_again_bare_and_the_peer_is_spared_for_a_while),
	TEST(a_lost_syn_ack_duplicates_nothing),
	TEST(a_server_that_forgot_its_key_gets_the_text_again),
	TEST(a_cookie_is_good_for_its_address_alone),
	TEST(the_user_reads_and_answers_before_the_handshake_is_over),
	TEST(a_syn_ack_is_repeated_until_the_peer_answers_or_all_is_over),
	TEST(a_reset_tells_the_user_and_still_counts_as_pending_for_a_minute),
	TEST(a_listener_takes_its_children_along),
	TEST(a_stack_without_the_switch_ignores_the_option),
	TEST(a_configured_key_makes_the_cookie_that_linux_makes),
	TEST(a_listener_can_be_told_later),
	TEST(the_table_of_cookies_is_bounded_and_keeps_the_latest),
	TEST(a_plain_connect_with_the_option_is_told_that_it_may_write_into_the_syn),
	TEST(a_syn_holds_no_more_than_the_peers_segment_and_the_rest_follows),
};
TEST_SUITE(tcp_fastopen, cases);
