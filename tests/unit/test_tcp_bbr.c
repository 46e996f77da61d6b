/* BBR within the engine: what it needs to hear, it hears. */
#include "../lib/lone.h"
#include "../lib/twohosts.h"

#define SEG 1460u
#define RTT (100 * MS)
#define LINE 2500000u /* bytes per second */

/* ---- one sender, and what a receiver would say ---- */

/* A connection whose round trip is RTT, and `n` segments written. */
static struct lone *segments_out(struct lone_peer *p, uint32_t n)
{
	static const uint8_t bytes[40 * SEG];
	struct lone *l = lone_new();

	l->cfg.tcp.cc = CC_BBR;
	lone_start(l);
	*p = lone_peer(0);
	p->ts = false;
	lone_handshake_over(l, p, RTT);
	sock_send(l->s, p->sock, bytes, n * SEG);
	lone_turn(l);
	return l;
}

/* An ACK of so many bytes, with one block of whole segments; lo = hi: none. */
static void say(struct lone *l, struct lone_peer *p, uint32_t bytes, uint32_t lo, uint32_t hi)
{
	uint32_t first = p->stack_iss + 1;
	struct seg g = {.seq = seq_of(p->nxt), .ack = seq_of(first + bytes), .flags = TH_ACK, .wnd = p->wnd};

	if (lo != hi) {
		g.opt.nsack = 1;
		g.opt.sack[0].lo = seq_of(first + lo * SEG);
		g.opt.sack[0].hi = seq_of(first + hi * SEG);
	}
	lone_say_seg(l, p, &g, NULL);
}

static struct sock_info info_of(struct lone *l, const struct lone_peer *p)
{
	struct sock_info i;

	sock_info(l->s, p->sock, &i);
	return i;
}

static void the_handshake_sets_the_first_pace(void)
{
	struct lone_peer p;
	struct lone *l = segments_out(&p, 10);

	/* 10 segments in 100 ms, times 2.77. */
	CU_ASSERT_EQUAL(info_of(l, &p).pacing_rate, 10 * SEG * 10 * 277 / 100);
	lone_free(l);
}

static void part_of_a_segment_counts_as_delivered_once(void)
{
	struct lone_peer p;
	struct lone *l = segments_out(&p, 10);

	lone_wait(l, RTT);
	say(l, &p, SEG / 2, 0, 0);
	CU_ASSERT_EQUAL(info_of(l, &p).cwnd, 10 * SEG + SEG / 2);
	say(l, &p, SEG, 0, 0);
	CU_ASSERT_EQUAL(info_of(l, &p).cwnd, 11 * SEG);
	lone_free(l);
}

/* The tail loss probe repairs the last of three. No reason for a window without bounds. */
static void a_loss_that_a_probe_repaired_leaves_a_window_of_the_models_size(void)
{
	struct lone_peer p;
	struct lone *l = segments_out(&p, 3);
	static const uint8_t bytes[SEG];

	lone_wait(l, RTT);
	say(l, &p, 2 * SEG, 0, 0);
	for (int k = 0; k < 1000 && !info_of(l, &p).tlps; k++)
		lone_wait(l, MS);
	CU_ASSERT_EQUAL(info_of(l, &p).tlps, 1);
	say(l, &p, 3 * SEG, 0, 0);
	sock_send(l->s, p.sock, bytes, SEG);
	lone_turn(l);
	lone_wait(l, RTT);
	say(l, &p, 4 * SEG, 0, 0);
	CU_ASSERT_EQUAL(info_of(l, &p).timeouts, 0);
	CU_ASSERT_TRUE(info_of(l, &p).cwnd <= 14 * SEG);
	lone_free(l);
}

static void a_timeout_leaves_one_segment_beside_what_is_in_flight(void)
{
	struct lone_peer p;
	struct lone *l = segments_out(&p, 10);

	for (int k = 0; k < 3000 && !info_of(l, &p).timeouts; k++)
		lone_wait(l, MS);
	CU_ASSERT_EQUAL(info_of(l, &p).timeouts, 1);
	CU_ASSERT_TRUE(info_of(l, &p).cwnd <= info_of(l, &p).inflight + SEG);
	CU_ASSERT_TRUE(info_of(l, &p).cwnd >= SEG);
	lone_free(l);
}

/* Startup, and more than 2 % lost in more than six ranges: not in the first round of recovery, but then. */
static void many_losses_end_startup_a_round_after_recovery_began(void)
{
	struct lone_peer p;
	struct lone *l = segments_out(&p, 40);
	uint32_t cwnd;

	lone_wait(l, RTT);
	for (uint32_t k = 1; k <= 10; k++)
		say(l, &p, k * SEG, 0, 0);
	lone_wait(l, RTT); /* twenty more, of which every second is lost */
	for (uint32_t k = 11; k < 30; k += 2)
		say(l, &p, 10 * SEG, k, k + 1);
	CU_ASSERT_TRUE(info_of(l, &p).recoveries == 1);
	cwnd = info_of(l, &p).cwnd;
	CU_ASSERT_TRUE(info_of(l, &p).pacing_rate > 0);
	uint64_t rate = info_of(l, &p).pacing_rate;

	lone_wait(l, RTT); /* the first of what was sent in recovery */
	say(l, &p, 12 * SEG, 0, 0);
	CU_ASSERT_TRUE(info_of(l, &p).pacing_rate < rate); /* Drain, or below */
	CU_ASSERT_TRUE(info_of(l, &p).cwnd <= cwnd + 2 * SEG);
	lone_free(l);
}

/* ---- two hosts ---- */

struct story {
	ns_t fast_until;     /* sends all it can until then */
	ns_t gap;            /* then `piece` bytes, and again after so long */
	uint32_t piece;
	ns_t next;
	uint32_t left;
	uint32_t min_cwnd;   /* seen after fast_until */
};

static bool app(struct twohosts *w)
{
	static uint8_t buf[16384];
	struct story *s = w->arg;
	struct sock_info i;
	bool moved = false;
	int64_t n;

	if (!w->server)
		return false;
	if (w->now >= s->fast_until && w->now >= s->next) {
		s->next = w->now + s->gap;
		s->left = s->piece;
	}
	while (w->now < s->fast_until || s->left) {
		uint32_t want = w->now < s->fast_until || s->left > sizeof(buf) ? sizeof(buf) : s->left;

		n = sock_send(w->stack[0], w->client, buf, want);
		if (n <= 0)
			break;
		if (w->now >= s->fast_until)
			s->left -= (uint32_t)n;
		moved = true;
	}
	while ((n = sock_recv(w->stack[1], w->server, buf, sizeof(buf))) > 0)
		moved = true;
	if (w->now > s->fast_until + SEC && !sock_info(w->stack[0], w->client, &i) && i.cwnd < s->min_cwnd)
		s->min_cwnd = i.cwnd;
	return moved;
}

static struct twohosts *begin(struct story *s)
{
	struct tcp_config c;
	struct twohosts *w;

	tcp_config_default(&c);
	c.cc = CC_BBR;
	w = twohosts_new(7, &c, &c);
	s->min_cwnd = UINT32_MAX;
	w->arg = s;
	w->app = app;
	w->rate = LINE;
	w->delay = 10 * MS;
	CU_ASSERT_TRUE_FATAL(twohosts_connect(w));
	return w;
}

static void end(struct twohosts *w)
{
	sock_abort(w->stack[0], w->client);
	sock_abort(w->stack[1], w->server);
	twohosts_run(w, w->now + SEC);
	twohosts_free(w);
}

/* The application has a segment every 2 ms, a third of the line: something is always in flight, and
 * whatever is sampled is of its making. */
static void a_slow_application_does_not_lower_the_estimate(void)
{
	struct story s = {.gap = 2 * MS, .piece = SEG};
	struct twohosts *w = begin(&s);
	struct sock_info i;
	ns_t start = w->now;

	s.fast_until = start + 2 * SEC;
	twohosts_run(w, s.fast_until);
	sock_info(w->stack[0], w->client, &i);
	uint64_t learnt = i.cc_state;

	CU_ASSERT_TRUE(learnt > LINE * 9ull / 10 && learnt < LINE * 105ull / 100);
	for (int k = 1; k <= 200; k++)
		twohosts_run(w, start + 2 * SEC + k * 50 * MS);
	sock_info(w->stack[0], w->client, &i);
	CU_ASSERT_TRUE(i.cc_state * 100 >= learnt * 98);
	end(w);
}

/* 100 ms of silence are less than a retransmission timeout, but nothing is in flight in them. */
static void short_silences_spare_probe_rtt(void)
{
	struct story s = {.gap = 150 * MS, .piece = 4 * SEG};
	struct twohosts *w = begin(&s);
	ns_t start = w->now;

	s.fast_until = start + 2 * SEC;
	for (int k = 1; k <= 2400; k++)
		twohosts_run(w, start + k * 5 * MS);
	CU_ASSERT_TRUE(s.min_cwnd > LINE / 50); /* the BDP; in ProbeRTT it would be half of it */
	CU_ASSERT_TRUE(s.min_cwnd != UINT32_MAX);
	end(w);
}

static const struct test_case cases[] = {
	TEST(the_handshake_sets_the_first_pace),
	TEST(part_of_a_segment_counts_as_delivered_once),
	TEST(a_loss_that_a_probe_repaired_leaves_a_window_of_the_models_size),
	TEST(a_timeout_leaves_one_segment_beside_what_is_in_flight),
	TEST(many_losses_end_startup_a_round_after_recovery_began),
	TEST(a_slow_application_does_not_lower_the_estimate),
	TEST(short_silences_spare_probe_rtt),
};
TEST_SUITE(tcp_bbr, cases);
