/* Attackers who cannot see the traffic: they know addresses and ports, and guess numbers. RFC 5961
 * (resets, SYNs, data), RFC 5927 (ICMP), RFC 6528 (ISN), RFC 6056 (ports), RFC 7323 (PAWS),
 * RFC 1337 (TIME-WAIT), CVE-2016-5696 (a shared counter of challenges). */
#include <stdlib.h>
#include <string.h>

#include "../../stack/base/check.h"
#include "../../stack/base/rng.h"
#include "../../stack/wire/csum.h"
#include "../../stack/wire/eth.h"
#include "../../stack/wire/icmp.h"
#include "../lib/lone.h"

static struct seg bare(uint32_t seq, uint32_t ack, uint16_t flags)
{
	return (struct seg){.seq = seq_of(seq), .ack = seq_of(ack), .flags = flags, .wnd = 1000};
}

/* Data arrives and is answered: the connection is what it was. */
static bool works(struct lone *l, struct lone_peer *p)
{
	uint32_t at = p->nxt;
	struct sock_info i;

	p->ts_val += 1000;
	lone_say(l, p, TH_ACK | TH_PSH, 100);
	return lone_read(l, p, at) == 100 && lone_info(l, p, &i) && i.rcv_nxt == p->nxt;
}

/* ---- numbers that must not be guessed ---- */

static uint32_t isn_for(struct lone *l, uint32_t n)
{
	struct lone_peer p = lone_peer(n);

	lone_reach(l, &p, TCP_SYN_RECEIVED);
	struct seg g = bare(p.nxt, 0, TH_RST);

	lone_say_seg(l, &p, &g, NULL);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_CLOSED);
	return p.stack_iss;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The steps between numbers given to different flows: no two alike, and all quarters of the number
 * space are met about equally. (The chance that a fair source fails is under one in a thousand, and
 * the seed is fixed.) */
static void steps_look_random(uint32_t *v, size_t n)
{
	size_t quarter[4] = {0};

	for (size_t i = 0; i + 1 < n; i++) {
		v[i] = v[i + 1] - v[i];
		quarter[v[i] >> 30]++;
	}
	qsort(v, n - 1, sizeof(*v), by_value);
	for (size_t i = 0; i + 2 < n; i++)
		CU_ASSERT_NOT_EQUAL(v[i], v[i + 1]);
	for (size_t q = 0; q < 4; q++)
		CU_ASSERT_TRUE(quarter[q] > n / 8 && quarter[q] < n / 2);
}

static void initial_sequence_numbers_of_different_flows_are_unrelated(void)
{
	struct lone *l = lone_open();
	uint32_t v[300];

	for (uint32_t i = 0; i < ARRAY_LEN(v); i++)
		v[i] = isn_for(l, i);
	steps_look_random(v, ARRAY_LEN(v));
	lone_free(l);
}

static void the_isn_of_one_flow_follows_the_four_microsecond_clock(void)
{
	struct lone *l = lone_open();
	uint32_t first = isn_for(l, 7), second;

	lone_wait(l, 2 * SEC);
	second = isn_for(l, 7);
	CU_ASSERT_EQUAL(second - first, 2 * SEC / (4 * US));
	lone_free(l);
}

static void another_seed_makes_other_numbers(void)
{
	struct lone *a = lone_open(), *b = lone_new();

	b->cfg.seed = 2;
	lone_start(b);
	CU_ASSERT_NOT_EQUAL(isn_for(a, 3), isn_for(b, 3));
	lone_free(a);
	lone_free(b);
}

static void source_ports_to_different_peers_are_unrelated(void)
{
	struct lone *l = lone_open();
	uint32_t ports[100], same = 0;

	for (uint32_t i = 0; i < ARRAY_LEN(ports); i++) {
		struct lone_peer p = lone_peer(i);

		lone_connect(l, &p);
		ports[i] = p.stack_port;
		CU_ASSERT_TRUE(p.stack_port >= 32768);
		sock_abort(l->s, p.sock);
	}
	for (size_t i = 0; i + 2 < ARRAY_LEN(ports); i++)
		same += ports[i + 2] - ports[i + 1] == ports[i + 1] - ports[i];
	CU_ASSERT_TRUE(same <= 1);
	lone_free(l);
}

static void timestamps_of_two_flows_do_not_show_one_clock(void)
{
	struct lone *l = lone_open();
	uint32_t ts[3];

	for (uint32_t i = 0; i < 3; i++) {
		struct lone_peer p = lone_peer(i);

		lone_handshake(l, &p);
		ts[i] = p.ts_ecr;
	}
	CU_ASSERT_TRUE(ts[1] - ts[0] > 1000000 && ts[0] - ts[1] > 1000000);
	CU_ASSERT_NOT_EQUAL(ts[2] - ts[1], ts[1] - ts[0]);
	lone_free(l);
}

/* The idle scan: the identification in answers to one host must not count what others are sent. */
static void ip_identification_does_not_count_traffic_with_others(void)
{
	struct lone *l = lone_open();
	struct lone_peer busy = lone_peer(1), prober = lone_peer(2);
	uint32_t steps[20];
	uint16_t last = 0;
	int sequential = 0;

	lone_handshake(l, &busy);
	prober.stack_port = 9;
	for (uint32_t i = 0; i < ARRAY_LEN(steps); i++) {
		lone_say(l, &prober, TH_SYN, 0);
		uint16_t id = rd16(l->last + ETH_LEN + 4);

		sequential += (uint16_t)(id - last) < 16;
		last = id;
		lone_say(l, &busy, TH_ACK | TH_PSH, 10);
	}
	CU_ASSERT_TRUE(sequential < 3);
	lone_free(l);
}

/* ---- segments into a connection ---- */

static void resets_sprayed_over_the_window_do_not_close(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);

	lone_handshake(l, &p);
	for (uint32_t d = 1; d < 65000; d += 61) {
		struct seg g = bare(p.nxt + d, 0, TH_RST);

		lone_say_seg(l, &p, &g, NULL);
	}
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_ESTABLISHED);
	CU_ASSERT_TRUE(l->nheard >= 1 && l->nheard <= 10); /* challenges, limited (RFC 5961 7) */
	CU_ASSERT_EQUAL(lone_last(l, TH_ACK, TH_ACK)->ack.v, p.nxt);
	CU_ASSERT_TRUE(works(l, &p));
	lone_free(l);
}

static void syns_sprayed_over_all_numbers_do_not_close(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);

	lone_handshake(l, &p);
	for (uint32_t k = 0; k < 2000; k++) {
		struct seg g = bare(k * 2147483u, 0, TH_SYN);

		lone_say_seg(l, &p, &g, NULL);
	}
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_ESTABLISHED);
	CU_ASSERT_TRUE(l->nheard <= 10);
	CU_ASSERT_EQUAL(lone_heard(l, TH_RST, TH_RST), 0);
	CU_ASSERT_TRUE(works(l, &p));
	lone_free(l);
}

/* The right number, a guessed acknowledgment: RFC 5961 5.2 takes it only within the largest window
 * ever seen, here 1,000 of 2^32. */
static void data_and_fin_with_a_guessed_acknowledgment_are_refused(void)
{
	static const uint16_t flags[] = {TH_ACK | TH_PSH, TH_ACK | TH_FIN, TH_PSH, TH_FIN, 0};
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);
	struct rng rng;

	rng_init(&rng, 1, "guess");
	p.ts = false;
	p.wscale = 0xff;
	p.wnd = 1000;
	lone_handshake(l, &p);
	for (int k = 0; k < 3000; k++) {
		uint32_t ack = rng_u32(&rng);

		if (p.ack - ack <= 65535)
			continue;
		struct seg g = bare(p.nxt, ack, flags[k % 5]);

		g.len = 20;
		lone_say_seg(l, &p, &g, "XXXXXXXXXXXXXXXXXXXX");
	}
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_ESTABLISHED);
	CU_ASSERT_EQUAL(sock_readable(l->s, p.sock), 0);
	CU_ASSERT_TRUE(works(l, &p));
	lone_free(l);
}

static void data_outside_the_window_leave_no_trace(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);
	struct sock_info before, after;

	lone_handshake(l, &p);
	lone_info(l, &p, &before);
	for (uint32_t k = 1; k < 100; k++) {
		struct seg g = bare(p.nxt + 8000000 + k * 40000000, p.ack, TH_ACK | TH_FIN);

		g.len = 100;
		g.opt.has_ts = true;
		g.opt.ts_val = p.ts_val;
		lone_say_seg(l, &p, &g, NULL);
	}
	lone_info(l, &p, &after);
	CU_ASSERT_EQUAL(after.state, TCP_ESTABLISHED);
	CU_ASSERT_EQUAL(after.rcv_nxt, before.rcv_nxt);
	CU_ASSERT_EQUAL(after.ooo_segs, 0);
	CU_ASSERT_TRUE(works(l, &p));
	lone_free(l);
}

/* CVE-2016-5696: whoever uses up the challenges of one connection must not see it at another. */
static void challenges_of_one_connection_are_not_counted_against_another(void)
{
	struct lone *l = lone_open();
	struct lone_peer mine = lone_peer(1), victim = lone_peer(2);

	lone_handshake(l, &mine);
	lone_handshake(l, &victim);
	for (int k = 0; k < 500; k++) {
		struct seg g = bare(mine.nxt + 5, 0, TH_RST);

		lone_say_seg(l, &mine, &g, NULL);
	}
	lone_forget(l);
	struct seg g = bare(victim.nxt + 5, 0, TH_RST);

	lone_say_seg(l, &victim, &g, NULL);
	CU_ASSERT_EQUAL(l->nheard, 1);
	CU_ASSERT_EQUAL(l->heard[0].dport, victim.port);
	lone_free(l);
}

static void challenges_come_back_with_time(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);

	lone_handshake(l, &p);
	for (int k = 0; k < 50; k++) {
		struct seg g = bare(p.nxt + 5, 0, TH_RST);

		lone_say_seg(l, &p, &g, NULL);
	}
	lone_wait(l, SEC);
	lone_forget(l);
	struct seg g = bare(p.nxt + 5, 0, TH_RST);

	lone_say_seg(l, &p, &g, NULL);
	CU_ASSERT_EQUAL(l->nheard, 1);
	lone_free(l);
}

/* RFC 5961 5.2: the largest window that the peer ever offered is the scaled one. */
static void an_old_acknowledgment_is_judged_by_the_scaled_window(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);
	struct sock_info i;

	p.wnd = 1000; /* << 7 */
	p.ts = false;
	lone_handshake(l, &p);
	lone_info(l, &p, &i);
	CU_ASSERT_EQUAL_FATAL(i.snd_wnd, 128000);
	struct seg in = bare(p.nxt, i.snd_una - 128000, TH_ACK), out = bare(p.nxt + 1, i.snd_una - 128001, TH_ACK);

	in.len = out.len = 1;
	lone_say_seg(l, &p, &in, NULL);
	CU_ASSERT_EQUAL(sock_readable(l->s, p.sock), 1);
	lone_forget(l);
	lone_say_seg(l, &p, &out, NULL);
	CU_ASSERT_EQUAL(sock_readable(l->s, p.sock), 1);
	CU_ASSERT_EQUAL(lone_heard(l, TH_ACK | TH_RST, TH_ACK), 1);
	lone_free(l);
}

/* RFC 5961 7: both numbers are the administrator's, also in TIME-WAIT. */
static void the_limit_of_challenges_can_be_set(void)
{
	for (int tw = 0; tw < 2; tw++) {
		struct lone *l = lone_new();
		struct lone_peer p = lone_peer(1);

		l->cfg.tcp.challenge_acks = 3;
		l->cfg.tcp.challenge_interval = 2 * SEC;
		lone_start(l);
		CU_ASSERT_TRUE_FATAL(lone_reach(l, &p, tw ? TCP_TIME_WAIT : TCP_ESTABLISHED));
		lone_wait(l, 3 * SEC);
		for (int round = 0; round < 2; round++) {
			lone_forget(l);
			for (int k = 0; k < 8; k++) {
				struct seg g = bare(p.nxt - 500000, p.ack, TH_SYN | TH_ACK);

				lone_say_seg(l, &p, &g, NULL);
			}
			CU_ASSERT_EQUAL(l->nheard, 3);
			lone_wait(l, 1900 * MS);
			struct seg g = bare(p.nxt - 500000, p.ack, TH_SYN | TH_ACK);

			lone_say_seg(l, &p, &g, NULL);
			CU_ASSERT_EQUAL(l->nheard, 3);
			lone_wait(l, 200 * MS);
		}
		lone_free(l);
	}
}

/* Two ends that disagree about their numbers, or one to whom its own words are sent back, must not talk for
 * ever: an answer to what carries nothing is limited, of whatever kind it is. */
static void a_war_of_acknowledgments_ends(void)
{
	static const struct {
		const char *name;
		int32_t seq, ack;
		uint16_t flags;
	} rows[] = {
		{"beyond the window", 5000000, 0, TH_ACK},  {"below it", -1, 0, TH_ACK},
		{"of nothing sent", 0, 1, TH_ACK},          {"far too old", 0, -5000000, TH_ACK},
		{"SYN", 7, 0, TH_SYN},                      {"SYN-ACK", 0, 0, TH_SYN | TH_ACK},
		{"RST in the window", 7, 0, TH_RST},        {"both wrong", 90000000, 90000000, TH_ACK | TH_PSH},
	};

	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		struct lone *l = lone_open();
		struct lone_peer p = lone_peer(1);

		p.ts = false;
		lone_handshake(l, &p);
		for (int i = 0; i < 1000; i++) { /* a second of them */
			struct seg g = bare(p.nxt + (uint32_t)rows[k].seq, p.ack + (uint32_t)rows[k].ack, rows[k].flags);

			lone_say_seg(l, &p, &g, NULL);
			lone_wait(l, MS);
			if (l->nheard > 400) /* the fixture keeps 512 */
				break;
		}
		if (l->nheard > 10 * (1 + 10) || lone_state(l, &p) != TCP_ESTABLISHED)
			FAIL_ROW(rows[k].name);
		lone_free(l);
	}
}

/* RFC 6335 6: port 0 is reserved. */
static void nobody_listens_on_port_zero_and_a_syn_from_there_is_ignored(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);

	p.stack_port = 0;
	lone_say(l, &p, TH_SYN, 0);
	CU_ASSERT_EQUAL(lone_heard(l, TH_RST, TH_RST), 1);
	CU_ASSERT_EQUAL(lone_count(l, TCP_SYN_RECEIVED), 0);
	p = lone_peer(1);
	p.port = 0;
	lone_forget(l);
	lone_say(l, &p, TH_SYN, 0);
	CU_ASSERT_EQUAL(l->nheard, 0);
	CU_ASSERT_EQUAL(lone_count(l, TCP_SYN_RECEIVED), 0);
	lone_free(l);
}

/* CVE-2019-12258: options that lie must not close anything. */
static void malformed_options_do_not_reset(void)
{
	static const uint8_t opts[][8] = {
		{2, 0, 0, 0, 0, 0, 0, 0}, {2, 1, 5, 5, 0, 0, 0, 0}, {8, 40, 1, 1, 1, 1, 1, 1}, {3, 255, 1, 0, 0, 0, 0, 0},
		{255, 0, 0, 0, 0, 0, 0, 0}, {5, 3, 1, 0, 0, 0, 0, 0},
	};
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);

	lone_handshake(l, &p);
	for (size_t i = 0; i < ARRAY_LEN(opts); i++)
		for (uint32_t d = 0; d < 3; d++) {
			struct seg g = bare(p.nxt + d * 3000000000u, p.ack, TH_ACK);
			uint8_t f[LONE_FRAME];

			g.opt.nsack = 1; /* makes room, which is overwritten */
			size_t n = lone_frame(f, &p, &g, NULL);

			memcpy(f + n - 12, opts[i], 8);
			lone_sum(f, n);
			lone_give(l, f, n);
		}
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_ESTABLISHED);
	CU_ASSERT_EQUAL(lone_heard(l, TH_RST, TH_RST), 0);
	CU_ASSERT_TRUE(works(l, &p));
	lone_free(l);
}

/* ---- PAWS ---- */

/* CVE-2005-0356, RFC 7323 4.3, 5.3: a segment that is not accepted must not move TS.Recent, or all
 * that follows would look old. */
static void a_refused_segment_does_not_poison_the_timestamp(void)
{
	static const struct {
		const char *name;
		int32_t seq, ack;
		uint16_t flags;
	} rows[] = {
		{"acknowledges what was never sent", 0, 100000, TH_ACK},
		{"acknowledgment too old", 0, -200000000, TH_ACK},
		{"acknowledgment half the space away", 0, -2000000000, TH_ACK},
		{"no ACK bit", 0, 0, TH_PSH},
		{"left of the window", -5000, 0, TH_ACK},
		{"right of the window", 100000000, 0, TH_ACK},
		{"within the window, not at its left edge", 5000, 0, TH_ACK},
		{"reset in the window", 10, 0, TH_RST},
		{"SYN", 0, 0, TH_SYN},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct lone *l = lone_open();
		struct lone_peer p = lone_peer(1);

		lone_handshake(l, &p);
		struct seg g = bare(p.nxt + (uint32_t)rows[i].seq, p.ack + (uint32_t)rows[i].ack, rows[i].flags);

		g.len = 10;
		g.opt.has_ts = true;
		g.opt.ts_val = p.ts_val + 0x7fffff00u;
		lone_say_seg(l, &p, &g, NULL);
		lone_read(l, &p, p.nxt);
		if (!works(l, &p))
			FAIL_ROW(rows[i].name);
		lone_free(l);
	}
}

static void a_half_open_connection_is_not_poisoned_either(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);

	lone_reach(l, &p, TCP_SYN_RECEIVED);
	struct seg g = bare(p.nxt, p.ack - 50, TH_ACK);

	g.opt.has_ts = true;
	g.opt.ts_val = p.ts_val + 0x7fffff00u;
	lone_say_seg(l, &p, &g, NULL);
	lone_say(l, &p, TH_ACK, 0);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_ESTABLISHED);
	lone_free(l);
}

/* ---- TIME-WAIT (RFC 1337) ---- */

static void time_wait_is_not_assassinated(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);

	CU_ASSERT_TRUE(lone_reach(l, &p, TCP_TIME_WAIT));
	sock_close(l->s, p.sock);
	p.ts_val -= 1;
	for (int k = 0; k < 50; k++) {
		struct seg rst = bare(p.nxt, p.ack, TH_RST), old = bare(p.nxt - 500, p.ack, TH_ACK);
		struct seg syn = bare(p.nxt - 2, 0, TH_SYN);

		old.len = 100;
		lone_say_seg(l, &p, &rst, NULL);
		lone_say_seg(l, &p, &old, NULL);
		lone_say_seg(l, &p, &syn, NULL);
		CU_ASSERT_EQUAL(lone_state(l, &p), TCP_TIME_WAIT);
		lone_wait(l, SEC);
	}
	CU_ASSERT_EQUAL(lone_heard(l, TH_RST, TH_RST), 0);
	lone_wait(l, 11 * SEC);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_CLOSED);
	lone_free(l);
}

static void a_forged_segment_in_time_wait_does_not_bar_the_next_connection(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);

	CU_ASSERT_TRUE(lone_reach(l, &p, TCP_TIME_WAIT));
	sock_close(l->s, p.sock);
	struct seg g = bare(p.nxt + 100, p.ack + 5000, TH_ACK);

	g.opt.has_ts = true;
	g.opt.ts_val = p.ts_val + 0x7fffff00u;
	lone_say_seg(l, &p, &g, NULL);
	p.ts_val += 100; /* RFC 6191: its clock has moved on */
	p.nxt += 100000;
	lone_say(l, &p, TH_SYN, 0);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_SYN_RECEIVED);
	lone_free(l);
}

/* ---- ICMP against TCP (RFC 5927) ---- */

static void icmp_errors_do_not_close_an_established_connection(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);
	uint8_t text[3000] = {0};

	lone_handshake(l, &p);
	sock_send(l->s, p.sock, text, sizeof(text));
	lone_turn(l);
	for (uint8_t type = 3; type <= 12; type++) /* 4: source quench, 5: redirect, 11, 12 */
		for (uint8_t code = 0; code < 16; code++) {
			if (type == ICMP4_UNREACH && code == ICMP4_UNREACH_FRAG)
				continue;
			lone_icmp(l, &p, type, code, 0, p.ack);
		}
	struct sock_info i;

	CU_ASSERT_TRUE(lone_info(l, &p, &i));
	CU_ASSERT_EQUAL(i.state, TCP_ESTABLISHED);
	CU_ASSERT_EQUAL(i.ca, CA_OPEN); /* a source quench slows nothing (MUST-55, RFC 6633) */
	CU_ASSERT_TRUE(works(l, &p));
	lone_free(l);
}

static void icmp_with_a_wrong_number_does_not_refuse_a_connection_attempt(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);

	lone_connect(l, &p);
	lone_icmp(l, &p, ICMP4_UNREACH, ICMP4_UNREACH_PORT, 0, p.stack_iss + 1);
	lone_icmp(l, &p, ICMP4_UNREACH, ICMP4_UNREACH_PORT, 0, p.stack_iss - 1);
	lone_icmp(l, &p, ICMP4_UNREACH, 1, 0, p.stack_iss); /* host unreachable is soft (MUST-56) */
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_SYN_SENT);
	lone_icmp(l, &p, ICMP4_UNREACH, ICMP4_UNREACH_PORT, 0, p.stack_iss);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_CLOSED);
	CU_ASSERT_EQUAL(sock_error(l->s, p.sock), ERR_REFUSED);
	lone_free(l);
}

/* CVE-2004-1060: a router that claims an absurd MTU gets no more than a segment for each 512 bytes. */
static void a_lie_about_the_mtu_has_a_floor(void)
{
	static const uint32_t mtus[] = {0, 1, 68, 100, 296, 551, 552, 0xffff};

	for (size_t k = 0; k < ARRAY_LEN(mtus); k++) {
		struct lone *l = lone_open();
		struct lone_peer p = lone_peer(1);
		uint8_t text[8000] = {0};

		lone_handshake(l, &p);
		sock_send(l->s, p.sock, text, sizeof(text));
		lone_turn(l);
		lone_forget(l);
		for (int n = 0; n < 20; n++)
			lone_icmp(l, &p, ICMP4_UNREACH, ICMP4_UNREACH_FRAG, mtus[k], p.ack);
		lone_wait(l, 5 * SEC);
		/* Whole segments of 500, but for each one's rest: 448 of 1,448, 260 of the last 760. */
		for (size_t i = 0; i < l->nheard; i++)
			CU_ASSERT_TRUE(l->heard[i].len >= 260 || !l->heard[i].len || mtus[k] == 0);
		CU_ASSERT_TRUE(l->nheard < 60);
		lone_free(l);
	}
}

static void a_lie_about_the_mtu_needs_the_number(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);
	struct sock_info before, after;

	lone_handshake(l, &p);
	sock_send(l->s, p.sock, "x", 1);
	lone_turn(l);
	lone_info(l, &p, &before);
	lone_icmp(l, &p, ICMP4_UNREACH, ICMP4_UNREACH_FRAG, 600, p.ack - 1);
	lone_icmp(l, &p, ICMP4_UNREACH, ICMP4_UNREACH_FRAG, 600, p.ack + 1);
	lone_icmp(l, &p, ICMP4_UNREACH, ICMP4_UNREACH_FRAG, 600, p.ack + 0x80000000u);
	lone_info(l, &p, &after);
	CU_ASSERT_EQUAL(after.pmtu, before.pmtu);
	lone_free(l);
}

/* ---- sources and destinations that can be nobody ---- */

static void segments_from_nobody_or_ourselves_are_met_with_silence(void)
{
	static const struct {
		const char *name;
		uint32_t src;
		uint16_t sport;
	} rows[] = {
		{"land: our address and port", LONE_ME, LONE_PORT}, {"our address", LONE_ME, 1234},
		{"0.0.0.0", 0, 1234},                               {"broadcast", 0xffffffff, 1234},
		{"the subnet's broadcast", 0xc00002ff, 1234},       {"the subnet itself", 0xc0000200, 1234},
		{"loopback", 0x7f000001, 1234},                     {"multicast", 0xe0000001, 1234},
		{"class E", 0xf0000001, 1234},
	};
	static const uint16_t flags[] = {TH_SYN, TH_ACK, TH_SYN | TH_ACK, TH_RST, TH_FIN, 0};
	struct lone *l = lone_open();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t k = 0; k < ARRAY_LEN(flags); k++) {
			struct lone_peer p = lone_peer(1);

			p.addr = rows[i].src;
			p.port = rows[i].sport;
			lone_say(l, &p, flags[k], 0);
			if (l->frames_out)
				FAIL_ROW(rows[i].name);
			lone_forget(l);
		}
	CU_ASSERT_EQUAL(lone_count(l, TCP_SYN_RECEIVED), 0);
	lone_free(l);
}

static void segments_to_a_broadcast_address_are_met_with_silence(void)
{
	static const uint32_t dst[] = {0xffffffff, 0xc00002ff, 0xe0000001, 0xc00002fe, 0};
	static const struct mac all = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);
	struct seg g = {.seq = seq_of(1), .flags = TH_SYN, .wnd = 1000};

	for (size_t i = 0; i < ARRAY_LEN(dst); i++)
		for (int group = 0; group < 2; group++) {
			uint8_t f[LONE_FRAME];
			size_t n = lone_frame(f, &p, &g, NULL);

			wr32(f + ETH_LEN + 16, dst[i]);
			if (group)
				memcpy(f, all.b, 6);
			lone_sum(f, n);
			lone_give(l, f, n);
		}
	uint8_t f[LONE_FRAME]; /* ours, but by a frame for all */
	size_t n = lone_frame(f, &p, &g, NULL);

	memcpy(f, all.b, 6);
	lone_give(l, f, n);
	CU_ASSERT_EQUAL(l->frames_out, 0);
	lone_free(l);
}

/* ---- SYN-SENT ---- */

static void a_connection_attempt_ignores_answers_with_a_wrong_acknowledgment(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);

	lone_connect(l, &p);
	for (int32_t d = -3; d <= 3; d++) {
		if (d == 0)
			continue;
		struct seg synack = bare(500, p.ack + (uint32_t)d, TH_SYN | TH_ACK);
		struct seg rst = bare(500, p.ack + (uint32_t)d, TH_RST | TH_ACK), rst0 = bare(500, 0, TH_RST);

		lone_say_seg(l, &p, &synack, NULL);
		lone_say_seg(l, &p, &rst, NULL);
		lone_say_seg(l, &p, &rst0, NULL);
	}
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_SYN_SENT);
	lone_free(l);
}

/* ---- cookies ---- */

static void a_guessed_cookie_opens_nothing(void)
{
	struct lone *l = lone_new();
	struct rng rng;

	rng_init(&rng, 1, "cookie");
	l->cfg.max_half_open = 1;
	lone_start(l);
	for (uint32_t i = 0; i < 4; i++) {
		struct lone_peer p = lone_peer(i);

		lone_say(l, &p, TH_SYN, 0);
	}
	CU_ASSERT_TRUE(stack_counters(l->s)->tcp_syn_cookies_sent > 0);
	for (uint32_t i = 0; i < 20000; i++) {
		struct lone_peer p = lone_peer(i + 10);
		struct seg g = bare(rng_u32(&rng), rng_u32(&rng), TH_ACK);

		lone_say_seg(l, &p, &g, NULL);
	}
	CU_ASSERT_EQUAL(lone_count(l, TCP_ESTABLISHED), 0);
	CU_ASSERT_EQUAL(stack_counters(l->s)->tcp_syn_cookies_ok, 0);
	lone_free(l);
}

static const struct test_case cases[] = {
	TEST(initial_sequence_numbers_of_different_flows_are_unrelated),
	TEST(the_isn_of_one_flow_follows_the_four_microsecond_clock),
	TEST(another_seed_makes_other_numbers),
	TEST(source_ports_to_different_peers_are_unrelated),
	TEST(timestamps_of_two_flows_do_not_show_one_clock),
	TEST(ip_identification_does_not_count_traffic_with_others),
	TEST(resets_sprayed_over_the_window_do_not_close),
	TEST(syns_sprayed_over_all_numbers_do_not_close),
	TEST(data_and_fin_with_a_guessed_acknowledgment_are_refused),
	TEST(data_outside_the_window_leave_no_trace),
	TEST(challenges_of_one_connection_are_not_counted_against_another),
	TEST(an_old_acknowledgment_is_judged_by_the_scaled_window),
	TEST(challenges_come_back_with_time),
	TEST(the_limit_of_challenges_can_be_set),
	TEST(a_war_of_acknowledgments_ends),
	TEST(nobody_listens_on_port_zero_and_a_syn_from_there_is_ignored),
	TEST(malformed_options_do_not_reset),
	TEST(a_refused_segment_does_not_poison_the_timestamp),
	TEST(a_half_open_connection_is_not_poisoned_either),
	TEST(time_wait_is_not_assassinated),
	TEST(a_forged_segment_in_time_wait_does_not_bar_the_next_connection),
	TEST(icmp_errors_do_not_close_an_established_connection),
	TEST(icmp_with_a_wrong_number_does_not_refuse_a_connection_attempt),
	TEST(a_lie_about_the_mtu_has_a_floor),
	TEST(a_lie_about_the_mtu_needs_the_number),
	TEST(segments_from_nobody_or_ourselves_are_met_with_silence),
	TEST(segments_to_a_broadcast_address_are_met_with_silence),
	TEST(a_connection_attempt_ignores_answers_with_a_wrong_acknowledgment),
	TEST(a_guessed_cookie_opens_nothing),
};
TEST_SUITE(hostile_blind, cases);
