/* A peer that completed the handshake and then lies: about urgency, about what it has (SACK, ACK),
 * about its window, its segment size, the end of its stream. RFC 9293 3.7, 3.8; RFC 6093; RFC 2018 8;
 * Savage et al. 1999 (ACK division, duplicate ACKs, optimistic ACKs); CVE-2019-11477 to -11479. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../../stack/base/check.h"
#include "../../stack/base/rng.h"
#include "../../stack/stack_impl.h"
#include "../lib/lone.h"

static struct seg piece(const struct lone_peer *p, int32_t off, uint32_t len, uint16_t flags)
{
	struct seg g = {.seq = seq_of(p->nxt + (uint32_t)off), .ack = seq_of(p->ack), .flags = flags | TH_ACK,
			.wnd = p->wnd, .len = len};

	if (p->ts) {
		g.opt.has_ts = true;
		g.opt.ts_val = p->ts_val;
		g.opt.ts_ecr = p->ts_ecr;
	}
	return g;
}

static void say_piece(struct lone *l, const struct lone_peer *p, int32_t off, uint32_t len, uint16_t flags)
{
	struct seg g = piece(p, off, len, flags);

	lone_say_seg(l, p, &g, NULL);
}

/* An ACK of `ack` with up to one SACK block. */
static void say_ack(struct lone *l, const struct lone_peer *p, uint32_t ack, uint32_t lo, uint32_t hi)
{
	struct seg g = piece(p, 0, 0, 0);

	g.ack = seq_of(ack);
	if (lo != hi) {
		g.opt.nsack = 1;
		g.opt.sack[0].lo = seq_of(lo);
		g.opt.sack[0].hi = seq_of(hi);
	}
	lone_say_seg(l, p, &g, NULL);
}

static void send_text(struct lone *l, struct lone_peer *p, uint32_t n)
{
	static uint8_t zero[65536];

	while (n) {
		int64_t took = sock_send(l->s, p->sock, zero, n < sizeof(zero) ? n : sizeof(zero));

		CU_ASSERT_TRUE_FATAL(took > 0);
		n -= (uint32_t)took;
	}
	lone_turn(l);
}

static struct sock_info info(struct lone *l, const struct lone_peer *p)
{
	struct sock_info i = {0};

	CU_ASSERT_TRUE(lone_info(l, p, &i));
	return i;
}

static struct tcb *tcb_of(struct lone *l, const struct lone_peer *p)
{
	struct tcp *t = &l->s->tcp;
	struct flow_key key = {.local = addr_v4(LONE_ME), .remote = addr_v4(p->addr), .lport = p->stack_port,
			       .rport = p->port};

	return flowmap_find(&t->flows, &key);
}

/* ---- urgent data (RFC 6093) ---- */

static void urgent_pointers_change_nothing_in_the_stream(void)
{
	static const uint16_t pointers[] = {0, 1, 2, 9, 10, 11, 1000, 0x7fff, 0x8000, 0xffff};
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);
	uint32_t from;

	lone_handshake(l, &p);
	from = p.nxt;
	for (size_t i = 0; i < ARRAY_LEN(pointers); i++)
		for (int urg = 0; urg < 2; urg++) {
			struct seg g = piece(&p, 0, 10, urg ? TH_URG : 0);

			g.urg = pointers[i];
			lone_say_seg(l, &p, &g, NULL);
			p.nxt += 10;
			struct seg none = piece(&p, 0, 0, TH_URG); /* and without text */

			none.urg = pointers[i];
			lone_say_seg(l, &p, &none, NULL);
		}
	CU_ASSERT_EQUAL(lone_read(l, &p, from), 200);
	CU_ASSERT_EQUAL(info(l, &p).state, TCP_ESTABLISHED);
	lone_free(l);
}

static void an_urgent_pointer_on_syn_or_fin_is_harmless(void)
{
	static const uint16_t flags[] = {TH_SYN | TH_URG, TH_FIN | TH_ACK | TH_URG, TH_RST | TH_URG};

	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		for (enum tcp_state s = TCP_SYN_SENT; s < TCP_STATES; s++) {
			struct lone *l = lone_open();
			struct lone_peer p = lone_peer(1);

			CU_ASSERT_TRUE(lone_reach(l, &p, s));
			struct seg g = piece(&p, 0, 5, flags[i]);

			g.flags = flags[i];
			g.urg = 0xffff;
			lone_say_seg(l, &p, &g, NULL);
			lone_free(l);
		}
}

/* ---- what the receiver keeps ---- */

/* Segments that overlap with other bytes: the first copy of each byte stays, whatever the order. */
static void the_first_copy_of_a_byte_wins(void)
{
	struct rng rng;

	rng_init(&rng, 5, "overlap");
	for (int round = 0; round < 60; round++) {
		struct lone *l = lone_open();
		struct lone_peer p = lone_peer(1);
		uint8_t first[2000], junk[2000];
		bool have[2000] = {false};

		lone_handshake(l, &p);
		for (int k = 0; k < 200; k++) {
			uint32_t lo = k < 199 ? rng_below(&rng, 1900) : 0;
			uint32_t len = k < 199 ? 1 + rng_below(&rng, 100) : 1400;
			struct seg g = piece(&p, (int32_t)lo, len, 0);

			for (uint32_t i = 0; i < len; i++)
				junk[i] = (uint8_t)rng_u32(&rng);
			for (uint32_t i = 0; i < len; i++)
				if (!have[lo + i]) {
					have[lo + i] = true;
					first[lo + i] = junk[i];
				}
			lone_say_seg(l, &p, &g, junk);
		}
		uint32_t whole = 0;

		while (whole < 2000 && have[whole])
			whole++;
		uint8_t got[2100];
		int64_t n = sock_recv(l->s, p.sock, got, sizeof(got));

		CU_ASSERT_EQUAL(n, whole);
		CU_ASSERT_EQUAL(memcmp(got, first, (size_t)n), 0);
		lone_free(l);
	}
}

static void an_acknowledgment_never_covers_a_byte_not_received(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);
	struct rng rng;
	bool have[20000] = {false};

	rng_init(&rng, 6, "ack");
	lone_handshake(l, &p);
	for (int k = 0; k < 1500; k++) {
		uint32_t lo = rng_below(&rng, 19000), len = 1 + rng_below(&rng, 900), edge = 0;

		memset(have + lo, true, len);
		while (edge < sizeof(have) && have[edge])
			edge++;
		lone_forget(l);
		say_piece(l, &p, (int32_t)lo, len, 0);
		const struct seg *g = lone_last(l, TH_ACK, TH_ACK);

		if (!g)
			continue;
		CU_ASSERT_TRUE(g->ack.v - p.nxt <= edge);
		for (int i = 0; i < g->opt.nsack; i++) /* nor does a SACK block */
			for (uint32_t s = g->opt.sack[i].lo.v - p.nxt; s != g->opt.sack[i].hi.v - p.nxt; s++)
				CU_ASSERT_TRUE_FATAL(s < sizeof(have) && have[s]);
	}
	lone_free(l);
}

/* RFC 5681 4.2: an early segment, one that fills a hole, and one that is old each have their own ACK
 * at once, with all delays on; only what is in order may wait. */
static void segments_out_of_order_are_acknowledged_one_by_one(void)
{
	static const struct {
		const char *name;
		int32_t off;
		size_t acks;
	} rows[] = {
		{"early", 2000, 1}, {"earlier", 1500, 1}, {"fills part of a hole", 0, 1}, {"fills the rest", 500, 1},
		{"again", 0, 1},    {"in order", 2500, 0},
	};

	for (int sack = 0; sack < 2; sack++) {
		struct lone *l = lone_new();
		struct lone_peer p = lone_peer(1);

		l->cfg.tcp.quickack = false;
		lone_start(l);
		p.sack = sack;
		lone_handshake(l, &p);
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			lone_forget(l);
			say_piece(l, &p, rows[i].off, i == 3 ? 1000 : 500, 0);
			if (l->nheard != rows[i].acks)
				FAIL_ROW(rows[i].name);
		}
		lone_wait(l, 500 * MS); /* RFC 9293 MUST-40 */
		CU_ASSERT_EQUAL(l->nheard, 1);
		CU_ASSERT_EQUAL(lone_last(l, TH_ACK, TH_ACK)->ack.v, p.nxt + 3000);
		lone_free(l);
	}
}

/* SegmentSmack (CVE-2018-5390): single bytes with holes between them. What is held is bounded in
 * ranges, in nodes and in chunks, whatever the window; so is the work, since no structure that a
 * segment walks grows beyond these bounds. */
static void single_bytes_out_of_order_are_held_in_bounded_memory(void)
{
	static const struct {
		const char *name;
		int32_t step;
		uint32_t len;
	} rows[] = {{"upwards", 2, 1}, {"downwards", -2, 1}, {"adjacent, downwards", -1, 1}, {"small", 100, 60}};

	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct lone *l = lone_open();
		struct lone_peer p = lone_peer(1);

		lone_handshake(l, &p);
		int32_t at = rows[r].step < 0 ? 60000 : 10;

		for (int k = 0; k < 20000; k++) {
			say_piece(l, &p, at, rows[r].len, 0);
			at += rows[r].step;
			if (at < 10 || at > 3000000)
				at = rows[r].step < 0 ? 60000 - k % 7 : 10 + k % 7;
		}
		struct tcb *c = tcb_of(l, &p);

		if (c->rcvq.nearly > RCVQ_RANGES || c->rcvq.nodes > 1024 + c->rcvq.early_bytes / 128 ||
		    l->pool.chunks[CHUNK_SMALL].used + l->nlent > 3000)
			FAIL_ROW(rows[r].name);
		uint32_t from = p.nxt;

		for (int k = 0; k < 10; k++) { /* and the stream goes on */
			say_piece(l, &p, 0, 1000, 0);
			p.nxt += 1000;
		}
		CU_ASSERT_TRUE(lone_read(l, &p, from) >= 10000);
		lone_free(l);
	}
}

/* ---- the end of the stream ---- */

static void text_beyond_a_known_fin_is_not_delivered(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);
	uint32_t from;

	lone_handshake(l, &p);
	from = p.nxt;
	say_piece(l, &p, 100, 100, TH_FIN);  /* the stream ends at 200; a hole before it */
	say_piece(l, &p, 150, 1000, 0);      /* text beyond the end */
	say_piece(l, &p, 250, 100, TH_FIN);  /* another end */
	say_piece(l, &p, 0, 1000, 0);
	CU_ASSERT_EQUAL(lone_read(l, &p, from), 200);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_CLOSE_WAIT);
	CU_ASSERT_EQUAL(lone_last(l, TH_ACK, TH_ACK)->ack.v, from + 201);
	lone_free(l);
}

/* Text is there already beyond where the FIN now says that the stream ends: the FIN lies. */
static void a_fin_below_text_that_is_held_is_not_believed(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);
	uint32_t from;

	lone_handshake(l, &p);
	from = p.nxt;
	say_piece(l, &p, 300, 100, 0);
	say_piece(l, &p, 50, 50, TH_FIN);
	say_piece(l, &p, 0, 300, 0);
	CU_ASSERT_EQUAL(lone_read(l, &p, from), 400);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_ESTABLISHED);
	p.nxt = from + 400;
	say_piece(l, &p, 0, 0, TH_FIN);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_CLOSE_WAIT);
	lone_free(l);
}

static void text_after_the_fin_changes_nothing(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);

	CU_ASSERT_TRUE(lone_reach(l, &p, TCP_CLOSE_WAIT));
	for (int32_t off = -3; off < 3; off++)
		say_piece(l, &p, off, 500, TH_FIN | TH_PSH);
	CU_ASSERT_EQUAL(sock_readable(l->s, p.sock), 0);
	CU_ASSERT_EQUAL(info(l, &p).rcv_nxt, p.nxt);
	lone_free(l);
}

/* ---- the segment size ---- */

static void a_tiny_mss_is_answered_with_segments_of_a_bearable_size(void)
{
	static const uint16_t sizes[] = {0, 1, 2, 8, 24, 47, 48, 87, 88};

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		for (int has = 0; has < 2; has++) {
			struct lone *l = lone_open();
			struct lone_peer p = lone_peer(1);

			p.mss = sizes[i];
			p.ts = has;
			lone_handshake(l, &p);
			send_text(l, &p, 8000);
			for (int k = 0; k < 60 && info(l, &p).snd_una != p.stack_iss + 8001; k++) {
				say_ack(l, &p, info(l, &p).snd_nxt, 0, 0);
				lone_wait(l, 10 * MS);
			}
			CU_ASSERT_EQUAL(info(l, &p).snd_una, p.stack_iss + 8001);
			CU_ASSERT_TRUE(l->nheard <= 8000 / 24); /* at worst one segment for 24 bytes */
			lone_free(l);
		}
}

static void options_after_the_syn_are_ignored(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);

	p.sack = false;
	lone_handshake(l, &p);
	struct sock_info before = info(l, &p);
	struct seg g = piece(&p, 0, 0, 0);

	g.opt.has_mss = g.opt.has_wscale = g.opt.sack_ok = true;
	g.opt.mss = 100;
	g.opt.wscale = 14;
	lone_say_seg(l, &p, &g, NULL);
	say_piece(l, &p, 5000, 10, 0); /* what would be SACKed now */
	struct sock_info after = info(l, &p);

	CU_ASSERT_EQUAL(after.mss, before.mss);
	CU_ASSERT_EQUAL(after.snd_wscale, before.snd_wscale);
	CU_ASSERT_FALSE(after.sack);
	CU_ASSERT_EQUAL(lone_last(l, TH_ACK, TH_ACK)->opt.nsack, 0);
	lone_free(l);
}

/* A SYN that comes again with other options: the first ones hold. */
static void options_of_a_repeated_syn_are_ignored(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1), q;

	CU_ASSERT_TRUE(lone_reach(l, &p, TCP_SYN_RECEIVED));
	q = p;
	q.nxt = p.iss;
	q.mss = 100;
	q.wscale = 0xff;
	lone_say(l, &q, TH_SYN, 0);
	lone_say(l, &p, TH_ACK, 0);
	CU_ASSERT_EQUAL(info(l, &p).mss_peer, 1460);
	CU_ASSERT_EQUAL(info(l, &p).snd_wscale, 7);
	lone_free(l);
}

static void a_window_scale_beyond_14_counts_as_14(void)
{
	for (unsigned shift = 13; shift <= 255; shift++) {
		struct lone *l = lone_open();
		struct lone_peer p = lone_peer(1);

		p.wscale = (uint8_t)shift;
		if (shift == 255) /* the fixture's word for none */
			p.wscale = 254;
		lone_handshake(l, &p);
		say_ack(l, &p, p.ack, 0, 0);
		CU_ASSERT_EQUAL(info(l, &p).snd_wscale, shift < 14 ? shift : 14);
		CU_ASSERT_EQUAL(info(l, &p).snd_wnd, 65535u << (shift < 14 ? shift : 14));
		CU_ASSERT_EQUAL(stack_counters(l->s)->tcp_wscale_beyond, shift > 14);
		lone_free(l);
	}
}

/* ---- congestion control under lies (Savage et al. 1999) ---- */

static void ack_division_does_not_grow_the_window(void)
{
	for (int cc = CC_RENO; cc <= CC_DCTCP; cc++) {
		struct lone *l = lone_new();
		struct lone_peer p = lone_peer(1);

		l->cfg.tcp.cc = (enum tcp_cc_kind)cc;
		lone_start(l);
		lone_handshake(l, &p);
		send_text(l, &p, 200000);
		struct sock_info before = info(l, &p);

		l->now += 20 * MS;
		for (uint32_t k = 1; k <= before.mss; k++) /* one segment's bytes, one by one */
			say_ack(l, &p, p.ack + k, 0, 0);
		CU_ASSERT_TRUE(info(l, &p).cwnd <= before.cwnd + 2 * before.mss);
		lone_free(l);
	}
}

static void spoofed_duplicate_acks_do_not_inflate_the_flight(void)
{
	static const enum tcp_recovery kinds[] = {RECOVERY_RACK, RECOVERY_NEWRENO, RECOVERY_RENO};

	for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
		for (int prr = 0; prr < 2; prr++) {
			struct lone *l = lone_new();
			struct lone_peer p = lone_peer(1);

			p.sack = false;
			l->cfg.tcp.recovery = kinds[k];
			l->cfg.tcp.prr = prr;
			lone_start(l);
			lone_handshake(l, &p);
			send_text(l, &p, 500000);
			struct sock_info before = info(l, &p);
			uint32_t flight = before.snd_nxt - before.snd_una;

			l->now += 20 * MS;
			for (int n = 0; n < 200; n++)
				say_ack(l, &p, p.ack, 0, 0);
			struct sock_info after = info(l, &p);

			CU_ASSERT_TRUE(after.snd_nxt - after.snd_una <= 2 * flight);
			CU_ASSERT_TRUE(after.recoveries >= 1);
			lone_free(l);
		}
}

static void an_optimistic_ack_is_ignored(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);

	lone_handshake(l, &p);
	send_text(l, &p, 200000);
	struct sock_info before = info(l, &p);

	for (uint32_t k = 1; k < 100; k++)
		say_ack(l, &p, before.snd_nxt + k * 1000, 0, 0);
	struct sock_info after = info(l, &p);

	CU_ASSERT_EQUAL(after.cwnd, before.cwnd);
	CU_ASSERT_EQUAL(after.snd_una, before.snd_una);
	CU_ASSERT_EQUAL(after.bytes_acked, before.bytes_acked);
	lone_free(l);
}

/* RFC 5681 3.1: silence costs the window, whatever the algorithm. */
static void a_timeout_brings_the_window_down(void)
{
	static const enum tcp_cc_kind kinds[] = {CC_RENO, CC_CUBIC, CC_DCTCP, CC_TAHOE};

	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		struct lone *l = lone_new();
		struct lone_peer p = lone_peer(1);

		l->cfg.tcp.cc = kinds[k];
		l->cfg.tcp.tlp = false;
		lone_start(l);
		lone_handshake(l, &p);
		send_text(l, &p, 100000);
		struct sock_info before = info(l, &p);

		lone_wait(l, 2 * SEC);
		struct sock_info after = info(l, &p);

		CU_ASSERT_TRUE(after.timeouts >= 1);
		CU_ASSERT_TRUE(after.cwnd <= 2 * after.mss);
		CU_ASSERT_TRUE(after.ssthresh < before.cwnd);
		lone_free(l);
	}
}

/* RFC 8985 6.2 step 5: what was overtaken is resent a quarter of the round trip later, without a
 * third duplicate and long before the timeout. */
static void rack_looks_again_when_the_reordering_window_is_over(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);

	CU_ASSERT_TRUE(lone_reach(l, &p, TCP_SYN_RECEIVED));
	l->now += 40 * MS;
	lone_say(l, &p, TH_ACK, 0);
	p.sock = sock_accept(l->s, l->listener);
	send_text(l, &p, 2 * 1448);
	l->now += 40 * MS;
	say_ack(l, &p, p.ack, p.ack + 1448, p.ack + 2896);
	lone_forget(l);
	lone_wait(l, 9 * MS);
	CU_ASSERT_EQUAL(lone_heard_bytes(l), 0);
	lone_wait(l, 2 * MS);
	CU_ASSERT_EQUAL(lone_heard_bytes(l), 1448);
	CU_ASSERT_EQUAL(info(l, &p).timeouts, 0);
	lone_free(l);
}

/* ---- lies in SACK ---- */

static void sack_blocks_that_lie_mark_nothing(void)
{
	static const struct {
		const char *name;
		int32_t lo, hi; /* from snd.una */
	} rows[] = {
		{"beyond what was sent", 1000, 90000000}, {"all beyond", 90000000, 90010000}, {"backwards", 5000, 3000},
		{"below una", -5000, 3000},               {"half the space", -2000000000, 2000000000},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct lone *l = lone_open();
		struct lone_peer p = lone_peer(1);

		lone_handshake(l, &p);
		send_text(l, &p, 100000);
		for (int k = 0; k < 10; k++)
			say_ack(l, &p, p.ack, p.ack + (uint32_t)rows[i].lo, p.ack + (uint32_t)rows[i].hi);
		if (info(l, &p).sacked || info(l, &p).lost)
			FAIL_ROW(rows[i].name);
		lone_free(l);
	}
}

static void random_sacks_keep_the_scoreboard_sound(void)
{
	struct rng rng;

	rng_init(&rng, 7, "sack");
	for (int round = 0; round < 40; round++) {
		struct lone *l = lone_new();
		struct lone_peer p = lone_peer((uint32_t)round);

		l->cfg.tcp.recovery = round & 1 ? RECOVERY_RACK : RECOVERY_SACK;
		lone_start(l);
		p.ts = round & 2;
		lone_handshake(l, &p);
		send_text(l, &p, 1000000);
		for (int k = 0; k < 300; k++) {
			struct sock_info i = info(l, &p);
			uint32_t span = i.snd_nxt - i.snd_una + 3000;
			struct seg g = piece(&p, 0, 0, 0);

			g.ack = seq_of(i.snd_una + (rng_below(&rng, 3) ? 0 : rng_below(&rng, span)) - 100 * !rng_below(&rng, 9));
			g.opt.nsack = (uint8_t)rng_below(&rng, 4);
			for (int b = 0; b < g.opt.nsack; b++) {
				g.opt.sack[b].lo = seq_of(i.snd_una + rng_below(&rng, span) - 500);
				g.opt.sack[b].hi = seq_add(g.opt.sack[b].lo, rng_below(&rng, 6000) - 10);
			}
			g.opt.ts_ecr = rng_below(&rng, 2) ? rng_u32(&rng) : p.ts_ecr;
			lone_say_seg(l, &p, &g, NULL);
			if (!rng_below(&rng, 4))
				lone_wait(l, rng_below(&rng, 300) * MS);
			if (lone_state(l, &p) == TCP_CLOSED)
				break;
		}
		lone_free(l);
	}
}

/* CVE-2019-11478: a scoreboard cut into the smallest pieces stays within its bound. */
static void sacks_of_every_other_byte_are_bounded(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);

	lone_handshake(l, &p);
	send_text(l, &p, 14000);
	struct tcb *c = tcb_of(l, &p);
	uint32_t records = c->board.end - c->board.first;

	for (uint32_t k = 1; k + 8 < 14000; k += 6) {
		struct seg g = piece(&p, 0, 0, 0);

		g.opt.nsack = 3;
		for (uint32_t b = 0; b < 3; b++) {
			g.opt.sack[b].lo = seq_of(p.ack + k + 2 * b);
			g.opt.sack[b].hi = seq_of(p.ack + k + 2 * b + 1);
		}
		lone_say_seg(l, &p, &g, NULL);
	}
	CU_ASSERT_TRUE(c->board.end - c->board.first <= records + 3);
	CU_ASSERT_TRUE(c->board.sacked.n <= SACKED_RANGES);
	lone_free(l);
}

/* SegmentSmack (CVE-2018-5390) and SACK Slowness (CVE-2019-11478): what one segment costs does not grow with
 * what others have left behind. A microsecond is usual, ten with the sanitizers; a walk over all that is held
 * would take a thousand. */
static void no_segment_costs_more_than_a_fraction_of_a_millisecond(void)
{
	enum { SEGMENTS = 12000, MOST_US = 300 };
	static const char *const names[] = {"holes", "holes from above", "overlaps", "SACKs of every other byte",
					    "SACKs from above", "classic SACKs"};

	for (int attack = 0; attack < (int)ARRAY_LEN(names); attack++) {
		struct lone *l = lone_new();
		struct lone_peer p = lone_peer(1);

		if (attack == 5)
			l->cfg.tcp.recovery = RECOVERY_SACK;
		lone_start(l);
		lone_handshake(l, &p);
		if (attack >= 3)
			send_text(l, &p, 14000);
		clock_t began = clock();

		for (int k = 0; k < SEGMENTS; k++) {
			int32_t up = 10 + 2 * (k % 20000), down = 60000 - 2 * (k % 20000);

			if (attack < 3) {
				say_piece(l, &p, attack == 1 ? down : attack == 2 ? 10 + k % 977 : up, attack == 2 ? 500 : 1, 0);
				continue;
			}
			struct seg g = piece(&p, 0, 0, 0);
			uint32_t at = attack == 4 ? 13990 - (uint32_t)(2 * k % 13900) : 1 + (uint32_t)(2 * k % 13900);

			g.opt.nsack = 1;
			g.opt.sack[0].lo = seq_of(p.ack + at);
			g.opt.sack[0].hi = seq_of(p.ack + at + 1);
			lone_say_seg(l, &p, &g, NULL);
			if (k % 256 == 0)
				lone_forget(l);
		}
		double us = (double)(clock() - began) / CLOCKS_PER_SEC * 1e6 / SEGMENTS;

		if (us > MOST_US) {
			printf("%s: %.0f us a segment\n", names[attack], us);
			FAIL_ROW(names[attack]);
		}
		lone_free(l);
	}
}

static void a_peer_that_takes_its_sacks_back_gets_everything_again(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);

	lone_handshake(l, &p);
	send_text(l, &p, 10000);
	uint32_t una = p.ack, nxt = info(l, &p).snd_nxt;
	bool seen[10000] = {false};

	l->now += 20 * MS;
	say_ack(l, &p, una, una + 1448, nxt); /* all but the first, */
	lone_forget(l);
	for (int k = 0; k < 30 && una != nxt; k++) { /* and then as if none had come */
		lone_wait(l, 3 * SEC);
		for (size_t i = 0; i < l->nheard; i++)
			for (uint32_t s = 0; s < l->heard[i].len; s++)
				seen[l->heard[i].seq.v - p.ack + s] = true;
		lone_forget(l);
		while (una != nxt && seen[una - p.ack])
			una++;
		say_ack(l, &p, una, 0, 0);
	}
	CU_ASSERT_EQUAL(una, nxt);
	CU_ASSERT_EQUAL(info(l, &p).snd_una, nxt);
	lone_free(l);
}

static void echoed_timestamps_that_lie_keep_the_timeout_in_bounds(void)
{
	static const uint32_t lies[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 5000, 123456789};
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);

	lone_handshake(l, &p);
	send_text(l, &p, 100000);
	for (size_t i = 0; i < ARRAY_LEN(lies); i++)
		for (int base = 0; base < 2; base++) {
			struct seg g = piece(&p, 0, 0, 0);

			g.ack = seq_of(p.ack += 1448);
			g.opt.ts_ecr = lies[i] + (base ? p.ts_ecr : 0);
			lone_say_seg(l, &p, &g, NULL);
			lone_wait(l, 5 * MS);
			CU_ASSERT_TRUE(info(l, &p).rto >= 200 * MS && info(l, &p).rto <= 120 * SEC);
		}
	lone_free(l);
}

/* ---- windows ---- */

/* The peer's edge: nothing goes beyond it but the byte of a probe. */
static void nothing_is_sent_beyond_the_window_but_a_probe(void)
{
	static const uint16_t windows[] = {0, 1, 2, 100, 535, 1448, 5000};

	for (size_t k = 0; k < ARRAY_LEN(windows); k++) {
		struct lone *l = lone_open();
		struct lone_peer p = lone_peer(1);

		p.wscale = 0;
		p.wnd = windows[k];
		lone_handshake(l, &p);
		send_text(l, &p, 50000);
		lone_wait(l, 10 * SEC);
		for (size_t i = 0; i < l->nheard; i++) {
			uint32_t end = l->heard[i].seq.v + l->heard[i].len - p.ack;

			CU_ASSERT_TRUE(end <= windows[k] || (windows[k] == 0 && end == 1) || end == UINT32_MAX);
		}
		lone_free(l);
	}
}

static void a_shut_window_is_probed_at_growing_intervals(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);
	ns_t last = 0, gap = 0;

	p.wnd = 0;
	lone_handshake(l, &p);
	send_text(l, &p, 1000);
	for (int k = 0; k < 12; k++) {
		lone_forget(l);
		for (int turns = 0; !l->nheard && turns < 1000; turns++) {
			ns_t next = stack_deadline(l->s);

			CU_ASSERT_NOT_EQUAL_FATAL(next, NS_NEVER);
			l->now = ns_max(l->now, next);
			lone_turn(l);
		}
		if (last) {
			CU_ASSERT_TRUE(l->now - last >= gap && l->now - last <= 60 * SEC);
			gap = l->now - last;
		}
		last = l->now;
		say_ack(l, &p, p.ack, 0, 0);
	}
	CU_ASSERT_EQUAL(gap, 60 * SEC);
	/* It opens: everything flows. */
	p.wnd = 65535;
	lone_forget(l);
	say_ack(l, &p, p.ack, 0, 0);
	CU_ASSERT_EQUAL(lone_heard_bytes(l), 1000);
	lone_free(l);
}

/* RFC 9293 3.8.6.1: for as long as the probes are answered the connection stays; when they are not,
 * it ends in bounded time, even if some were before. */
static void probes_go_on_while_answered_and_end_when_not(void)
{
	for (int answered = 0; answered < 3; answered++) {
		struct lone *l = lone_open();
		struct lone_peer p = lone_peer(1);

		p.wnd = 0;
		lone_handshake(l, &p);
		send_text(l, &p, 1000);
		for (int k = 0; k < 60; k++) {
			lone_wait(l, 60 * SEC);
			if (answered == 2 || (answered == 1 && k < 3)) {
				p.ts_val += 60000;
				say_ack(l, &p, p.ack, 0, 0);
			}
		}
		CU_ASSERT_EQUAL(lone_state(l, &p), answered == 2 ? TCP_ESTABLISHED : TCP_CLOSED);
		if (answered < 2)
			CU_ASSERT_EQUAL(sock_error(l->s, p.sock), ERR_TIMEDOUT);
		lone_free(l);
	}
}

/* RFC 9293 SHLD-15 to -17, MUST-34, -35: the peer takes its window back, and is alive. */
static void a_window_taken_back_does_not_kill_the_connection(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);

	p.wscale = 0;
	p.wnd = 20000;
	lone_handshake(l, &p);
	send_text(l, &p, 40000);
	p.wnd = 0;
	for (int k = 0; k < 60; k++) { /* an hour */
		p.ts_val += 60000;
		say_ack(l, &p, p.ack, 0, 0);
		lone_wait(l, 60 * SEC);
	}
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_ESTABLISHED);
	p.wnd = 60000;
	p.ts_val += 60000;
	for (int k = 0; k < 60 && info(l, &p).snd_una != p.stack_iss + 40001; k++) {
		say_ack(l, &p, info(l, &p).snd_nxt, 0, 0);
		lone_wait(l, SEC);
	}
	CU_ASSERT_EQUAL(info(l, &p).snd_una, p.stack_iss + 40001);
	lone_free(l);
}

static void a_peer_that_overruns_our_window_loses_the_excess(void)
{
	struct lone *l = lone_new();
	struct lone_peer p = lone_peer(1);

	l->cfg.tcp.rcvbuf = 4000;
	lone_start(l);
	p.ts = false;
	lone_handshake(l, &p);
	uint32_t from = p.nxt;

	for (int k = 0; k < 50; k++) {
		say_piece(l, &p, k * 1000, 1000, 0);
		CU_ASSERT_TRUE(sock_readable(l->s, p.sock) <= 4000 + 1460);
	}
	struct sock_info i = info(l, &p);

	CU_ASSERT_EQUAL(i.rcv_wnd, 0);
	CU_ASSERT_EQUAL(lone_read(l, &p, from), i.rcv_nxt - from);
	lone_free(l);
}

/* The right edge that we offer never moves left (SHLD-14), whoever reads and writes when. */
static void the_edge_offered_never_moves_left(void)
{
	for (int shift = 0; shift < 8; shift += 7) {
		struct lone *l = lone_new();
		struct lone_peer p = lone_peer(1);
		struct rng rng;
		uint32_t edge = 0, from;

		rng_init(&rng, 9, "edge");
		l->cfg.tcp.rcvbuf = 20000;
		l->cfg.tcp.wscale_shift = (uint8_t)shift;
		lone_start(l);
		lone_handshake(l, &p);
		from = p.nxt;
		for (int k = 0; k < 3000; k++) {
			uint32_t len = 1 + rng_below(&rng, 1400);

			lone_forget(l);
			if (p.nxt + len - from < edge || !edge)
				lone_say(l, &p, TH_ACK, len);
			else
				lone_wait(l, 50 * MS);
			if (!rng_below(&rng, 4)) {
				uint8_t buf[9000];

				sock_recv(l->s, p.sock, buf, 1 + rng_below(&rng, sizeof(buf) - 1));
				lone_turn(l);
			}
			for (size_t i = 0; i < l->nheard; i++) {
				uint32_t e = l->heard[i].ack.v + ((uint32_t)l->heard[i].wnd << shift) - from;

				CU_ASSERT_TRUE(e >= edge);
				edge = e;
			}
		}
		CU_ASSERT_TRUE(p.nxt - from > 500000);
		lone_free(l);
	}
}

static void our_own_shut_window_answers_every_probe(void)
{
	struct lone *l = lone_new();
	struct lone_peer p = lone_peer(1);

	l->cfg.tcp.rcvbuf = 2000;
	lone_start(l);
	lone_handshake(l, &p);
	uint32_t from = p.nxt;

	lone_say(l, &p, TH_ACK, 1000);
	lone_say(l, &p, TH_ACK, 1000);
	for (int k = 0; k < 20; k++) {
		lone_wait(l, 5 * SEC);
		lone_forget(l);
		say_piece(l, &p, 0, 1, 0);
		CU_ASSERT_EQUAL(l->nheard, 1);
		CU_ASSERT_EQUAL(l->heard[0].ack.v, from + 2000);
	}
	/* And what acknowledges us is taken, shut or not (RFC 9293 3.10.7.4). */
	send_text(l, &p, 100);
	struct seg g = piece(&p, 0, 1, 0);

	g.ack = seq_of(p.ack + 100);
	lone_say_seg(l, &p, &g, NULL);
	CU_ASSERT_EQUAL(info(l, &p).snd_una, p.ack + 100);
	lone_free(l);
}

/* ---- numbers that wrap ---- */

static void sequence_numbers_and_timestamps_wrap_in_mid_stream(void)
{
	static const uint32_t near[] = {0xffffff00u, 0x7fffff00u, 0xffff0000u, 0};

	for (size_t k = 0; k < ARRAY_LEN(near); k++) {
		struct lone *l = lone_new();
		struct lone_peer p = lone_peer(1);

		l->cfg.tcp.isn_is_fixed = true;
		l->cfg.tcp.isn_fixed = near[k];
		p.iss = p.nxt = near[k];
		p.ts_val = near[k];
		lone_start(l);
		lone_handshake(l, &p);
		uint32_t from = p.nxt;

		for (int i = 0; i < 100; i++) {
			p.ts_val += 7;
			send_text(l, &p, 1000);
			p.ack += 1000;
			lone_say(l, &p, TH_ACK, 1000);
			CU_ASSERT_EQUAL_FATAL(info(l, &p).snd_una, p.ack);
		}
		CU_ASSERT_EQUAL(lone_read(l, &p, from), 100000);
		lone_free(l);
	}
}

/* Without SACK, three duplicates bring the fast retransmission at every initial number. */
static void fast_retransmission_works_at_every_initial_number(void)
{
	for (uint32_t k = 0; k < 16; k++) {
		struct lone *l = lone_new();
		struct lone_peer p = lone_peer(1);

		l->cfg.tcp.isn_is_fixed = true;
		l->cfg.tcp.isn_fixed = k << 28;
		p.sack = false;
		lone_start(l);
		lone_handshake(l, &p);
		send_text(l, &p, 10000);
		l->now += 20 * MS;
		for (int i = 0; i < 3; i++)
			say_ack(l, &p, p.ack, 0, 0);
		CU_ASSERT_EQUAL(info(l, &p).recoveries, 1);
		CU_ASSERT_EQUAL(lone_last(l, TH_ACK, TH_ACK)->seq.v, p.ack);
		lone_free(l);
	}
}

static const struct test_case cases[] = {
	TEST(urgent_pointers_change_nothing_in_the_stream),
	TEST(an_urgent_pointer_on_syn_or_fin_is_harmless),
	TEST(the_first_copy_of_a_byte_wins),
	TEST(an_acknowledgment_never_covers_a_byte_not_received),
	TEST(segments_out_of_order_are_acknowledged_one_by_one),
	TEST(single_bytes_out_of_order_are_held_in_bounded_memory),
	TEST(text_beyond_a_known_fin_is_not_delivered),
	TEST(a_fin_below_text_that_is_held_is_not_believed),
	TEST(text_after_the_fin_changes_nothing),
	TEST(a_tiny_mss_is_answered_with_segments_of_a_bearable_size),
	TEST(options_after_the_syn_are_ignored),
	TEST(options_of_a_repeated_syn_are_ignored),
	TEST(a_window_scale_beyond_14_counts_as_14),
	TEST(ack_division_does_not_grow_the_window),
	TEST(spoofed_duplicate_acks_do_not_inflate_the_flight),
	TEST(an_optimistic_ack_is_ignored),
	TEST(a_timeout_brings_the_window_down),
	TEST(rack_looks_again_when_the_reordering_window_is_over),
	TEST(sack_blocks_that_lie_mark_nothing),
	TEST(random_sacks_keep_the_scoreboard_sound),
	TEST(sacks_of_every_other_byte_are_bounded),
	TEST(no_segment_costs_more_than_a_fraction_of_a_millisecond),
	TEST(a_peer_that_takes_its_sacks_back_gets_everything_again),
	TEST(echoed_timestamps_that_lie_keep_the_timeout_in_bounds),
	TEST(nothing_is_sent_beyond_the_window_but_a_probe),
	TEST(a_shut_window_is_probed_at_growing_intervals),
	TEST(probes_go_on_while_answered_and_end_when_not),
	TEST(a_window_taken_back_does_not_kill_the_connection),
	TEST(a_peer_that_overruns_our_window_loses_the_excess),
	TEST(the_edge_offered_never_moves_left),
	TEST(our_own_shut_window_answers_every_probe),
	TEST(sequence_numbers_and_timestamps_wrap_in_mid_stream),
	TEST(fast_retransmission_works_at_every_initial_number),
};
TEST_SUITE(hostile_peer, cases);
