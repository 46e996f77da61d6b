/* Two sessions over two stacks in virtual time: the pump between a session and a socket. The line
 * between them delays each frame by 5 ms and may drop or forge. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/duo.h"
#include "../lib/test.h"
#include "base/check.h"

#define DELAY (5 * MS)
#define FLIGHT 4096

struct frame_on_its_way {
	struct pkt *pkt;
	ns_t at;
	int to;
};

struct end {
	struct stack *stack;
	sock_t sock, listener;
	struct tls *tls;
	bool done, closed;
	uint8_t got[200000];
	size_t ngot;
	const uint8_t *say;   /* written as room appears */
	size_t nsay, said;
	bool close_after;     /* tls_close when all is said and, if `expect`, heard */
	size_t expect;
	bool reads;           /* takes plaintext as it comes */
};

struct line {
	struct pkt_pool pool;
	struct duo duo;       /* configurations only */
	struct end end[2];    /* client, server */
	struct frame_on_its_way flight[FLIGHT];
	size_t first, n;
	ns_t now;
	unsigned drop_every;  /* 0: never */
	unsigned frames;
	bool dead_after_open; /* nothing passes once the client is open */
};

static struct addr address(int i)
{
	return addr_v4(0x0a000001u + (unsigned)i);
}

static void line_init(struct line *l, uint32_t bufs)
{
	memset(l, 0, sizeof(*l));
	duo_init(&l->duo);
	pkt_pool_init(&l->pool, 0, 0);
	for (int i = 0; i < 2; i++) {
		struct stack_config c;

		stack_config_default(&c);
		c.seed = 7 + (unsigned)i;
		c.pool = &l->pool;
		c.link.mtu = 1500;
		c.mac = (struct mac){{2, 0, 0, 0, 0, (uint8_t)(1 + i)}};
		c.addr[0].addr = address(i);
		c.addr[0].prefix = 24;
		c.naddrs = 1;
		if (bufs)
			c.tcp.sndbuf = c.tcp.rcvbuf = bufs;
		l->end[i].stack = stack_new(&c);
		assert(l->end[i].stack);
		l->end[i].reads = true;
	}
}

static void line_start(struct line *l)
{
	struct end *c = &l->end[0], *s = &l->end[1];
	struct addr a = address(1), any = addr_v4(0);
	char err[256] = "";

	s->listener = sock_open(s->stack);
	CU_ASSERT_EQUAL(sock_bind(s->stack, s->listener, &any, 443), 0);
	CU_ASSERT_EQUAL(sock_listen(s->stack, s->listener, 8), 0);
	c->sock = sock_open(c->stack);
	CU_ASSERT_EQUAL(sock_connect(c->stack, c->sock, &a, 443), 0);
	c->tls = tls_new(&l->duo.cc, err, sizeof(err));
	CU_ASSERT_STRING_EQUAL(err, "");
}

static void application(struct end *e)
{
	size_t n;

	if (e->reads) {
		n = tls_read(e->tls, e->got + e->ngot, sizeof(e->got) - e->ngot);
		e->ngot += n;
	}
	if (e->said < e->nsay)
		e->said += tls_write(e->tls, e->say + e->said, e->nsay - e->said);
	if (e->close_after && e->said == e->nsay && e->ngot >= e->expect &&
	    tls_state(e->tls) == TLS_OPEN)
		tls_close(e->tls);
}

static void run_end(struct line *l, int i)
{
	struct end *e = &l->end[i];
	struct sock_event ev[16];
	struct pkt *out[32];
	size_t n;

	while (stack_events(e->stack, ev, ARRAY_LEN(ev)) == ARRAY_LEN(ev))
		;
	if (i == 1 && !e->sock && (e->sock = sock_accept(e->stack, e->listener)) != 0) {
		char err[256] = "";

		l->duo.sc.now = l->now;
		e->tls = tls_new(&l->duo.sc, err, sizeof(err));
		CU_ASSERT_STRING_EQUAL(err, "");
	}
	for (int round = 0; round < 100 && e->tls && !e->done; round++) {
		size_t before = e->ngot + e->said;

		e->done = tls_turn(e->tls, e->stack, e->sock);
		application(e);
		if (!e->done)
			e->done = tls_turn(e->tls, e->stack, e->sock);
		if (e->ngot + e->said == before)
			break;
	}
	if (e->done && !e->closed) {
		e->closed = true;
		sock_close(e->stack, e->sock);
	}
	while ((n = stack_output(e->stack, l->now, out, ARRAY_LEN(out))) > 0)
		for (size_t k = 0; k < n; k++) {
			bool dead = l->dead_after_open && tls_state(l->end[0].tls) != TLS_HANDSHAKE;

			l->frames++;
			if (dead || (l->drop_every && l->frames % l->drop_every == 0)) {
				pkt_free(out[k]);
				continue;
			}
			assert(l->n < FLIGHT);
			l->flight[(l->first + l->n++) % FLIGHT] =
				(struct frame_on_its_way){out[k], l->now + DELAY, 1 - i};
		}
}

static ns_t next_time(struct line *l)
{
	ns_t t = l->n ? l->flight[l->first].at : NS_NEVER;

	for (int i = 0; i < 2; i++) {
		struct end *e = &l->end[i];

		t = ns_min(t, stack_deadline(e->stack));
		if (e->tls && !e->done)
			t = ns_min(t, tls_deadline(e->tls));
	}
	return t;
}

/* Until nothing is left to do, or the time is over. */
static void line_run(struct line *l, ns_t until)
{
	for (unsigned turns = 0; turns < 1000000; turns++) {
		for (int i = 0; i < 2; i++) {
			stack_advance(l->end[i].stack, l->now);
			run_end(l, i);
		}
		ns_t t = next_time(l);

		if (t > until)
			return;
		l->now = ns_max(l->now, t);
		while (l->n && l->flight[l->first].at <= l->now) {
			struct frame_on_its_way f = l->flight[l->first];

			l->first = (l->first + 1) % FLIGHT;
			l->n--;
			stack_input(l->end[f.to].stack, f.pkt, l->now);
		}
	}
	CU_FAIL("no end in sight");
}

static void line_end(struct line *l)
{
	while (l->n) {
		pkt_free(l->flight[l->first].pkt);
		l->first = (l->first + 1) % FLIGHT;
		l->n--;
	}
	for (int i = 0; i < 2; i++) {
		tls_free(l->end[i].tls);
		stack_free(l->end[i].stack);
	}
	pkt_pool_free(&l->pool);
}

static struct line *new_line(uint32_t bufs)
{
	struct line *l = malloc(sizeof(*l));

	assert(l);
	line_init(l, bufs);
	return l;
}

static const uint8_t *pattern(size_t n)
{
	static uint8_t p[200000];

	assert(n <= sizeof(p));
	for (size_t i = 0; i < sizeof(p); i++)
		p[i] = (uint8_t)(i * 31 + i / 256);
	return p;
}

/* A conversation both ways that must come out whole and clean. */
static void converse(const char *name, uint32_t bufs, size_t up, size_t down, unsigned drop_every)
{
	struct line *l = new_line(bufs);
	struct end *c = &l->end[0], *s = &l->end[1];

	l->drop_every = drop_every;
	c->say = s->say = pattern(up > down ? up : down);
	c->nsay = up;
	s->nsay = down;
	c->close_after = true;
	c->expect = down;
	line_start(l);
	line_run(l, 600 * SEC);

	if (!s->tls || tls_verdict(c->tls) != TLS_CLEAN || tls_verdict(s->tls) != TLS_CLEAN ||
	    s->ngot != up || c->ngot != down || !c->done || !s->done) {
		CU_FAIL(name);
		printf("%s: client %zu bytes, %s: %s; server %zu bytes, %s\n", name, c->ngot,
		       tls_verdict_name(tls_verdict(c->tls)), tls_text(c->tls), s->ngot,
		       s->tls ? tls_text(s->tls) : "not reached");
	}
	CU_ASSERT_EQUAL(memcmp(s->got, c->say, up), 0);
	CU_ASSERT_EQUAL(memcmp(c->got, s->say, down), 0);
	line_end(l);
	free(l);
}

static void conversations_over_tcp_come_out_whole_and_clean(void)
{
	converse("a greeting", 0, 5, 18, 0);
	converse("nothing at all", 0, 0, 0, 0);
	converse("bulk up", 0, 150000, 1, 0);
	converse("bulk both ways", 0, 150000, 150000, 0);
	converse("small buffers", 4096, 60000, 60000, 0);
	converse("every 7th frame lost", 0, 60000, 60000, 7);
}

static uint64_t resets(const struct line *l)
{
	return stack_counters(l->end[0].stack)->tcp_rst_in + stack_counters(l->end[1].stack)->tcp_rst_in;
}

static void an_alert_reaches_a_peer_that_is_still_talking(void)
{
	struct line *l = new_line(0);
	struct end *c = &l->end[0], *s = &l->end[1];

	l->duo.cc.creds = NULL; /* the server requires one: alert 40 */
	line_start(l);
	line_run(l, 60 * SEC);

	CU_ASSERT_EQUAL(tls_verdict(s->tls), TLS_ERROR);
	CU_ASSERT_EQUAL(tls_alert_sent(s->tls), 40);
	CU_ASSERT_EQUAL(tls_verdict(c->tls), TLS_ERROR);
	CU_ASSERT_EQUAL(tls_alert_received(c->tls), 40);
	CU_ASSERT_TRUE(c->done && s->done);
	CU_ASSERT_EQUAL(resets(l), 0);
	line_end(l);
	free(l);
}

/* The server stops at a record that cannot be, while 150 kB are behind it. It must go on taking
 * them off the socket until the client has read the alert and ended. */
static void an_alert_is_not_eaten_by_data_that_nobody_wants(void)
{
	struct line *l = new_line(0);
	struct end *c = &l->end[0], *s = &l->end[1];

	line_start(l);
	line_run(l, 2 * SEC);
	CU_ASSERT_TRUE_FATAL(duo_open(c->tls) && duo_open(s->tls));
	CU_ASSERT_EQUAL(sock_send(c->stack, c->sock, "no record at all", 16), 16);
	CU_ASSERT_EQUAL(sock_send(c->stack, c->sock, pattern(150000), 150000), 150000);
	line_run(l, 20 * SEC);

	CU_ASSERT_EQUAL(tls_verdict(s->tls), TLS_ERROR);
	CU_ASSERT_TRUE(tls_alert_sent(s->tls) > 0);
	CU_ASSERT_EQUAL(tls_alert_received(c->tls), tls_alert_sent(s->tls));
	CU_ASSERT_EQUAL(tls_verdict(c->tls), TLS_ERROR);
	CU_ASSERT_EQUAL(resets(l), 0);
	line_end(l);
	free(l);
}

/* Nobody waits for the other's FIN: ours follows the last record at once. */
static void the_fin_follows_the_last_record(void)
{
	struct line *l = new_line(0);
	struct end *c = &l->end[0], *s = &l->end[1];

	l->duo.cc.creds = NULL; /* ends in an error, where tls_done waits for the peer's end */
	line_start(l);
	while (!c->done || !s->done) {
		ns_t t = next_time(l);

		CU_ASSERT_TRUE_FATAL(t < 500 * MS);
		line_run(l, t);
	}
	line_end(l);
	free(l);
}

static void fin_without_close_notify_is_truncated(void)
{
	struct line *l = new_line(0);
	struct end *c = &l->end[0], *s = &l->end[1];

	s->say = pattern(100);
	s->nsay = 100;
	line_start(l);
	line_run(l, 2 * SEC);
	CU_ASSERT_TRUE_FATAL(duo_open(c->tls) && duo_open(s->tls));
	sock_shutdown(s->stack, s->sock); /* behind the session's back */
	line_run(l, 20 * SEC);

	CU_ASSERT_EQUAL(c->ngot, 100);
	CU_ASSERT_EQUAL(tls_verdict(c->tls), TLS_TRUNCATED);
	CU_ASSERT_TRUE(c->done);
	line_end(l);
	free(l);
}

static void a_reset_is_told(void)
{
	struct line *l = new_line(0);
	struct end *c = &l->end[0], *s = &l->end[1];

	line_start(l);
	line_run(l, 2 * SEC);
	CU_ASSERT_TRUE_FATAL(duo_open(c->tls) && duo_open(s->tls));
	s->done = s->closed = true;
	sock_abort(s->stack, s->sock);
	line_run(l, 20 * SEC);

	CU_ASSERT_EQUAL(tls_verdict(c->tls), TLS_RESET);
	CU_ASSERT_TRUE(c->done);
	line_end(l);
	free(l);
}

static void a_refused_connection_is_told(void)
{
	struct line *l = new_line(0);
	struct end *c = &l->end[0];
	struct addr a = address(1);
	char err[256];

	c->sock = sock_open(c->stack);
	CU_ASSERT_EQUAL(sock_connect(c->stack, c->sock, &a, 444), 0);
	c->tls = tls_new(&l->duo.cc, err, sizeof(err));
	line_run(l, 20 * SEC);

	CU_ASSERT_EQUAL(tls_verdict(c->tls), TLS_RESET);
	CU_ASSERT_TRUE(c->done);
	line_end(l);
	free(l);
}

static void a_peer_that_vanishes_while_closing_is_waited_for_by_tcp(void)
{
	struct line *l = new_line(0);
	struct end *c = &l->end[0];

	line_start(l);
	c->close_after = true;
	l->dead_after_open = true;
	line_run(l, 10 * SEC);
	/* close_notify is not acknowledged, so the two seconds have not begun. */
	CU_ASSERT_EQUAL(tls_verdict(c->tls), TLS_UNDECIDED);
	line_run(l, 2000 * SEC);

	CU_ASSERT_EQUAL(tls_verdict(c->tls), TLS_TIMEOUT);
	CU_ASSERT_TRUE(c->done);
	line_end(l);
	free(l);
}

static void plaintext_that_nobody_reads_closes_the_window(void)
{
	struct line *l = new_line(16384);
	struct end *c = &l->end[0], *s = &l->end[1];

	s->reads = false;
	c->say = pattern(200000);
	c->nsay = 200000;
	line_start(l);
	line_run(l, 5 * SEC);
	CU_ASSERT_TRUE(c->said < 120000); /* the rest waits in the application */
	s->reads = true;
	c->close_after = true;
	line_run(l, 60 * SEC);

	CU_ASSERT_EQUAL(s->ngot, 200000);
	CU_ASSERT_EQUAL(memcmp(s->got, c->say, 200000), 0);
	CU_ASSERT_EQUAL(tls_verdict(s->tls), TLS_CLEAN);
	line_end(l);
	free(l);
}

static const struct test_case cases[] = {
	TEST(conversations_over_tcp_come_out_whole_and_clean),
	TEST(an_alert_reaches_a_peer_that_is_still_talking),
	TEST(an_alert_is_not_eaten_by_data_that_nobody_wants),
	TEST(the_fin_follows_the_last_record),
	TEST(fin_without_close_notify_is_truncated),
	TEST(a_reset_is_told),
	TEST(a_refused_connection_is_told),
	TEST(a_peer_that_vanishes_while_closing_is_waited_for_by_tcp),
	TEST(plaintext_that_nobody_reads_closes_the_window),
};
TEST_SUITE(turn, cases);
