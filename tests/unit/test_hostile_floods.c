/* Floods and exhaustion: tables have bounds, what is open stays open, others are served, and when
 * the attack ends the capacity comes back. RFC 4987 (SYN flood), CVE-2008-4609 (Sockstress),
 * CVE-2018-5391 (FragmentSmack), ARP floods and poison. */
#include <string.h>

#include "../../stack/base/check.h"
#include "../../stack/base/rng.h"
#include "../../stack/stack_impl.h"
#include "../../stack/wire/arp.h"
#include "../../stack/wire/csum.h"
#include "../../stack/wire/eth.h"
#include "../../stack/wire/icmp.h"
#include "../lib/lone.h"

/* The connection still carries text both ways. */
static bool works(struct lone *l, struct lone_peer *p)
{
	uint32_t at = p->nxt;

	p->ts_val += 1000000;
	lone_say(l, p, TH_ACK | TH_PSH, 100);
	if (lone_read(l, p, at) != 100 || sock_send(l->s, p->sock, "hello", 5) != 5)
		return false;
	lone_forget(l);
	lone_turn(l);
	if (lone_heard_bytes(l) != 5)
		return false;
	p->ack += 5;
	lone_say(l, p, TH_ACK, 0);
	return true;
}

/* A new client that plays by the rules, with up to three SYNs. */
static bool gets_in(struct lone *l, uint32_t n)
{
	struct lone_peer p = lone_peer(n);

	for (int tries = 0; tries < 3; tries++) {
		p.nxt = p.iss;
		lone_forget(l);
		lone_say(l, &p, TH_SYN, 0);
		const struct seg *g = lone_last(l, TH_SYN | TH_ACK, TH_SYN | TH_ACK);

		if (g) {
			p.ack = g->seq.v + 1;
			p.ts_ecr = g->opt.ts_val;
			p.ts = p.ts && g->opt.has_ts;
			lone_say(l, &p, TH_ACK, 0);
			p.sock = sock_accept(l->s, l->listener);
			return p.sock && works(l, &p);
		}
		lone_wait(l, SEC << tries);
	}
	return false;
}

static void drain_accepted(struct lone *l, bool abort)
{
	sock_t s;

	while ((s = sock_accept(l->s, l->listener)))
		abort ? sock_abort(l->s, s) : sock_close(l->s, s);
	lone_turn(l);
}

static void a_syn_flood_leaves_the_door_open(void)
{
	struct lone *l = lone_new();
	struct lone_peer open = lone_peer(1);
	unsigned in = 0;

	l->cfg.max_half_open = 100;
	lone_start(l);
	lone_handshake(l, &open);
	for (uint32_t k = 0; k < 5000; k++) {
		struct lone_peer p = lone_peer(100 + k);

		lone_say(l, &p, TH_SYN, 0);
		l->now += MS / 2;
		if (k % 500 == 250)
			in += gets_in(l, 20000 + k);
	}
	CU_ASSERT_TRUE(in >= 9);
	CU_ASSERT_TRUE(lone_count(l, TCP_SYN_RECEIVED) <= 100);
	CU_ASSERT_TRUE(works(l, &open));
	lone_wait(l, 130 * SEC);
	CU_ASSERT_EQUAL(lone_count(l, TCP_SYN_RECEIVED), 0);
	CU_ASSERT_TRUE(gets_in(l, 29000));
	lone_free(l);
}

static void without_cookies_the_oldest_half_open_makes_room(void)
{
	struct lone *l = lone_new();

	l->cfg.max_half_open = 50;
	l->cfg.tcp.syn_cookies = false;
	lone_start(l);
	for (uint32_t k = 0; k < 1000; k++) {
		struct lone_peer p = lone_peer(100 + k);

		lone_say(l, &p, TH_SYN, 0);
	}
	CU_ASSERT_TRUE(lone_count(l, TCP_SYN_RECEIVED) <= 50);
	CU_ASSERT_TRUE(gets_in(l, 29000));
	lone_free(l);
}

/* Nobody is flooded by our answers to a forged SYN (RFC 9293 MUST-23 bounds the retries). */
static void a_forged_syn_brings_a_handful_of_answers(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);

	lone_say(l, &p, TH_SYN, 0);
	lone_wait(l, 600 * SEC);
	CU_ASSERT_TRUE(lone_heard(l, TH_SYN, TH_SYN) <= 6);
	CU_ASSERT_EQUAL(lone_state(l, &p), TCP_CLOSED);
	lone_free(l);
}

static void cookies_are_refused_when_they_are_old(void)
{
	struct lone *l = lone_new();

	l->cfg.max_half_open = 1;
	lone_start(l);
	struct lone_peer p = lone_peer(1), q = lone_peer(2);

	lone_say(l, &p, TH_SYN, 0);
	lone_forget(l);
	lone_say(l, &q, TH_SYN, 0);
	q.ack = lone_last(l, TH_SYN, TH_SYN)->seq.v + 1;
	lone_wait(l, 200 * SEC);
	lone_say(l, &q, TH_ACK, 0);
	CU_ASSERT_EQUAL(lone_state(l, &q), TCP_CLOSED);
	lone_free(l);
}

/* ---- the user has closed; the peer does not play along ---- */

/* In every state, with a peer that has vanished, or that answers but never finishes: the block is
 * given back in bounded time. */
static void every_state_without_a_user_ends_in_bounded_time(void)
{
	for (enum tcp_state s = TCP_SYN_SENT; s < TCP_STATES; s++)
		for (int answers = 0; answers < 2; answers++) {
			struct lone *l = lone_open();
			struct lone_peer p = lone_peer(1);
			uint8_t text[5000] = {0};

			CU_ASSERT_TRUE(lone_reach(l, &p, s));
			p.wnd = s % 2 ? 65535 : 0;
			if (s > TCP_SYN_RECEIVED)
				lone_say(l, &p, TH_ACK, 0);
			if (p.sock) {
				sock_send(l->s, p.sock, text, sizeof(text));
				sock_close(l->s, p.sock);
			}
			for (int k = 0; k < 60 && lone_state(l, &p) != TCP_CLOSED; k++) {
				lone_wait(l, 30 * SEC);
				p.ts_val += 30000;
				if (answers && s > TCP_SYN_RECEIVED)
					lone_say(l, &p, TH_ACK, 0);
			}
			if (lone_state(l, &p) != TCP_CLOSED)
				FAIL_ROW(tcp_state_name(s));
			CU_ASSERT_EQUAL(l->s->tcp.tcbs.used, 0);
			lone_free(l);
		}
}

/* Sockstress: a thousand connections with their windows shut, each with text waiting; the server has
 * sent, and closed. */
static void a_thousand_shut_windows_starve_nobody_and_pass(void)
{
	struct lone *l = lone_new();
	uint8_t text[2000] = {0};

	l->cfg.max_socks = 1100;
	lone_start(l);
	for (uint32_t k = 0; k < 1000; k++) {
		struct lone_peer p = lone_peer(k);

		p.wnd = 0;
		lone_handshake(l, &p);
		sock_send(l->s, p.sock, text, sizeof(text));
		sock_close(l->s, p.sock);
	}
	CU_ASSERT_TRUE(gets_in(l, 20000));
	lone_wait(l, 1200 * SEC);
	CU_ASSERT_TRUE(l->s->tcp.tcbs.used <= 1);
	for (uint32_t k = 0; k < 1000; k++) /* all the room is there again */
		if (!gets_in(l, 21000 + k)) {
			FAIL_ROW("the capacity did not come back");
			break;
		}
	lone_free(l);
}

static void connections_in_fin_wait_2_without_a_user_pass_in_a_minute(void)
{
	struct lone *l = lone_open();

	for (uint32_t k = 0; k < 500; k++) {
		struct lone_peer p = lone_peer(k);

		CU_ASSERT_TRUE(lone_reach(l, &p, TCP_FIN_WAIT_2));
		sock_close(l->s, p.sock);
		if (k % 2) /* one that talks all the time is no better off */
			lone_say(l, &p, TH_ACK, 0);
	}
	CU_ASSERT_EQUAL(lone_count(l, TCP_FIN_WAIT_2), 500);
	lone_wait(l, 61 * SEC);
	CU_ASSERT_EQUAL(lone_count(l, TCP_FIN_WAIT_2), 0);
	CU_ASSERT_EQUAL(l->s->tcp.tcbs.used, 0);
	lone_free(l);
}

static void time_wait_has_a_bound_and_the_oldest_makes_room(void)
{
	struct lone *l = lone_new();

	l->cfg.max_time_wait = 100;
	lone_start(l);
	for (uint32_t k = 0; k < 300; k++) {
		struct lone_peer p = lone_peer(k);

		CU_ASSERT_TRUE(lone_reach(l, &p, TCP_TIME_WAIT));
		sock_close(l->s, p.sock);
		CU_ASSERT_TRUE(lone_count(l, TCP_TIME_WAIT) <= 100);
	}
	lone_wait(l, 61 * SEC);
	CU_ASSERT_EQUAL(lone_count(l, TCP_TIME_WAIT), 0);
	lone_free(l);
}

static void a_full_accept_queue_takes_no_more_and_recovers(void)
{
	struct lone *l = lone_open();

	for (uint32_t k = 0; k < 200; k++) {
		struct lone_peer p = lone_peer(k);

		lone_forget(l);
		lone_say(l, &p, TH_SYN, 0);
		const struct seg *g = lone_last(l, TH_SYN, TH_SYN);

		if (!g)
			continue;
		p.ack = g->seq.v + 1;
		p.ts_ecr = g->opt.ts_val;
		lone_say(l, &p, TH_ACK, 0);
	}
	CU_ASSERT_TRUE(lone_count(l, TCP_ESTABLISHED) <= 16);
	drain_accepted(l, true);
	lone_wait(l, 130 * SEC);
	CU_ASSERT_EQUAL(l->s->tcp.tcbs.used, 0);
	CU_ASSERT_TRUE(gets_in(l, 500));
	lone_free(l);
}

/* Half-open connections whose last ACK comes when the queue is full: they wait, and are not let in. */
static void a_last_ack_does_not_get_past_a_full_accept_queue(void)
{
	struct lone *l = lone_open();
	struct lone_peer early[10], late[16];

	for (uint32_t k = 0; k < 10; k++) {
		early[k] = lone_peer(k);
		CU_ASSERT_TRUE(lone_reach(l, &early[k], TCP_SYN_RECEIVED));
	}
	for (uint32_t k = 0; k < 16; k++) {
		late[k] = lone_peer(100 + k);
		lone_reach(l, &late[k], TCP_SYN_RECEIVED);
		lone_say(l, &late[k], TH_ACK, 0);
	}
	CU_ASSERT_EQUAL(lone_count(l, TCP_ESTABLISHED), 16);
	for (uint32_t k = 0; k < 10; k++)
		lone_say(l, &early[k], TH_ACK, 0);
	CU_ASSERT_EQUAL(lone_count(l, TCP_ESTABLISHED), 16);
	drain_accepted(l, true);
	for (uint32_t k = 0; k < 10; k++)
		lone_say(l, &early[k], TH_ACK, 0);
	CU_ASSERT_EQUAL(lone_count(l, TCP_ESTABLISHED), 10);
	lone_free(l);
}

static void a_peer_that_goes_through_ports_is_forgotten(void)
{
	struct lone *l = lone_open();

	for (uint32_t k = 0; k < 3000; k++) {
		struct lone_peer p = lone_peer(k);

		lone_handshake(l, &p);
		sock_abort(l->s, p.sock);
		lone_turn(l);
	}
	CU_ASSERT_EQUAL(l->s->tcp.tcbs.used, 0);
	CU_ASSERT_TRUE(l->s->tcp.table_cap <= 64);
	CU_ASSERT_TRUE(l->s->cap_slots <= 64);
	lone_free(l);
}

/* ---- below TCP ---- */

static void arp(struct lone *l, const struct mac *eth_src, const struct mac *sha, uint32_t spa, uint16_t op, bool to_all)
{
	static const struct mac all = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
	struct arp_msg m = {op, *sha, LONE_MAC, spa, LONE_ME};
	uint8_t f[ETH_LEN + ARP_LEN];

	eth_emit(f, to_all ? &all : &LONE_MAC, eth_src, ETH_ARP);
	arp_emit(f + ETH_LEN, &m);
	lone_give(l, f, sizeof(f));
}

static void an_arp_flood_fills_no_more_than_the_table(void)
{
	struct lone *l = lone_new();
	struct lone_peer p = lone_peer(1);
	struct mac m = {{2, 1, 0, 0, 0, 0}};

	l->cfg.addr[0].prefix = 8;
	l->cfg.max_neigh = 64;
	lone_start(l);
	lone_handshake(l, &p);
	for (uint32_t k = 0; k < 5000; k++) {
		wr16(m.b + 4, (uint16_t)k);
		arp(l, &m, &m, 0xc0100000u + k, k % 2 ? ARP_REQUEST : ARP_REPLY, k % 3 == 0);
	}
	CU_ASSERT_TRUE(neigh_count(&l->s->net) <= 64);
	CU_ASSERT_TRUE(works(l, &p));
	lone_wait(l, 300 * SEC);
	CU_ASSERT_TRUE(works(l, &p));
	lone_free(l);
}

static void an_address_that_is_no_host_is_never_believed(void)
{
	static const struct mac lies[] = {
		{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}, {{0, 0, 0, 0, 0, 0}}, {{1, 0, 0x5e, 0, 0, 1}}, {{0x33, 0x33, 0, 0, 0, 1}},
	};
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);

	lone_handshake(l, &p);
	for (size_t i = 0; i < ARRAY_LEN(lies); i++)
		for (uint16_t op = 0; op < 4; op++) {
			arp(l, &LONE_ROUTER_MAC, &lies[i], LONE_ROUTER, op, false);
			CU_ASSERT_TRUE(works(l, &p));
			CU_ASSERT_EQUAL(memcmp(l->last, LONE_ROUTER_MAC.b, 6), 0);
		}
	lone_free(l);
}

/* Whoever claims our own address does not take it, and is contradicted (RFC 5227 2.4). */
static void our_address_is_not_taken_away(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);
	struct mac thief = {{2, 9, 9, 9, 9, 9}};

	lone_handshake(l, &p);
	for (int k = 0; k < 50; k++)
		arp(l, &thief, &thief, LONE_ME, ARP_REPLY, true);
	CU_ASSERT_TRUE(l->frames_out <= 2); /* and not for each */
	CU_ASSERT_TRUE(works(l, &p));
	lone_free(l);
}

/* ---- fragments ---- */

/* A piece of an IPv4 datagram from the peer, 8-byte units. */
static void fragment(struct lone *l, uint32_t src, uint16_t id, uint8_t proto, const uint8_t *body, uint32_t off,
		     uint32_t len, bool more)
{
	uint8_t f[ETH_LEN + IP4_LEN + 1480];
	struct ip_hdr h = {.src = addr_v4(src), .dst = addr_v4(LONE_ME), .version = 4, .proto = proto, .ttl = 64,
			   .id = id, .payload_len = len, .frag_off = (uint16_t)off, .more_frags = more,
			   .frag = off || more};

	eth_emit(f, &LONE_MAC, &LONE_ROUTER_MAC, ETH_IP4);
	ip4_emit(f + ETH_LEN, &h);
	memcpy(f + ETH_LEN + IP4_LEN, body + off, len);
	lone_give(l, f, ETH_LEN + IP4_LEN + len);
}

static size_t big_ping(uint8_t *b, size_t n)
{
	memset(b, 7, n);
	b[0] = ICMP4_ECHO;
	b[1] = 0;
	wr16(b + 2, 0);
	wr16(b + 2, (uint16_t)~csum_fold(csum_add(0, b, n)));
	return n;
}

/* Linux is deaf to fragments for 28 s after such a flood; the oldest must make room instead. */
static void after_a_fragment_flood_the_next_datagram_is_answered_at_once(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);
	uint8_t junk[2960] = {0}, ping[2000];
	size_t n = big_ping(ping, sizeof(ping));

	lone_handshake(l, &p);
	for (uint32_t k = 0; k < 20000; k++)
		fragment(l, LONE_PEER + k / 5000, (uint16_t)k, 17, junk, k % 2 * 1480, 1480 - 8 * (k % 3), true);
	CU_ASSERT_TRUE(frag_bytes(&l->s->net) <= l->cfg.max_frag_bytes);
	lone_forget(l);
	fragment(l, LONE_PEER, 60000, PROTO_ICMP, ping, 0, 1480, true);
	fragment(l, LONE_PEER, 60000, PROTO_ICMP, ping, 1480, (uint32_t)n - 1480, false);
	CU_ASSERT_TRUE(l->icmp_out >= 1);
	CU_ASSERT_TRUE(works(l, &p));
	lone_wait(l, 120 * SEC);
	CU_ASSERT_EQUAL(frag_bytes(&l->s->net), 0);
	lone_free(l);
}

/* Tiny pieces of one datagram (FragmentSmack), in the worst order. */
static void eight_byte_fragments_are_held_in_bounded_memory(void)
{
	struct lone *l = lone_open();
	uint8_t junk[65536] = {0};

	for (uint16_t id = 0; id < 20; id++)
		for (uint32_t off = 65000; off >= 16; off -= 16)
			fragment(l, LONE_PEER, id, 17, junk, off, 8, true);
	CU_ASSERT_TRUE(frag_bytes(&l->s->net) <= l->cfg.max_frag_bytes);
	lone_free(l);
}

/* RFC 1858, RFC 3128: pieces that overlap must not make a SYN out of what a filter let pass. */
static void overlapping_fragments_make_no_connection(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);
	uint8_t f[LONE_FRAME], *t = f + ETH_LEN + IP4_LEN;
	struct seg syn = {.seq = seq_of(1), .flags = TH_SYN, .wnd = 1000};

	for (int order = 0; order < 2; order++)
		for (uint32_t over = 1; over < 3; over++) { /* in units of 8 bytes */
			uint8_t other[64];
			uint16_t id = (uint16_t)(100 + order * 10 + (int)over);

			lone_frame(f, &p, &syn, NULL);
			memcpy(other, t, 20);
			other[13] = TH_ACK;
			if (order) {
				fragment(l, p.addr, id, PROTO_TCP, t, 8, 12, false);
				fragment(l, p.addr, id, PROTO_TCP, other, 0, 16, true);
			} else {
				fragment(l, p.addr, id, PROTO_TCP, other, 0, 16, true);
				fragment(l, p.addr, id, PROTO_TCP, t, 8 * over, 20 - 8 * over, false);
			}
		}
	CU_ASSERT_EQUAL(lone_count(l, TCP_SYN_RECEIVED), 0);
	CU_ASSERT_EQUAL(l->frames_out, 0);
	lone_free(l);
}

/* And a segment that comes in honest pieces is as good as any. */
static void a_segment_in_fragments_is_delivered(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);
	uint8_t f[LONE_FRAME];

	lone_handshake(l, &p);
	struct seg g = {.seq = seq_of(p.nxt), .ack = seq_of(p.ack), .flags = TH_ACK, .wnd = p.wnd, .len = 1000,
			.opt = {.has_ts = true, .ts_val = p.ts_val, .ts_ecr = p.ts_ecr}};
	size_t n = lone_frame(f, &p, &g, NULL) - ETH_LEN - IP4_LEN;
	const uint8_t *t = f + ETH_LEN + IP4_LEN;

	fragment(l, p.addr, 5, PROTO_TCP, t, 504, (uint32_t)n - 504, false);
	fragment(l, p.addr, 5, PROTO_TCP, t, 0, 504, true);
	CU_ASSERT_EQUAL(lone_read(l, &p, p.nxt), 1000);
	lone_free(l);
}

static const struct test_case cases[] = {
	TEST(a_syn_flood_leaves_the_door_open),
	TEST(without_cookies_the_oldest_half_open_makes_room),
	TEST(a_forged_syn_brings_a_handful_of_answers),
	TEST(cookies_are_refused_when_they_are_old),
	TEST(every_state_without_a_user_ends_in_bounded_time),
	TEST(a_thousand_shut_windows_starve_nobody_and_pass),
	TEST(connections_in_fin_wait_2_without_a_user_pass_in_a_minute),
	TEST(time_wait_has_a_bound_and_the_oldest_makes_room),
	TEST(a_full_accept_queue_takes_no_more_and_recovers),
	TEST(a_last_ack_does_not_get_past_a_full_accept_queue),
	TEST(a_peer_that_goes_through_ports_is_forgotten),
	TEST(an_arp_flood_fills_no_more_than_the_table),
	TEST(an_address_that_is_no_host_is_never_believed),
	TEST(our_address_is_not_taken_away),
	TEST(after_a_fragment_flood_the_next_datagram_is_answered_at_once),
	TEST(eight_byte_fragments_are_held_in_bounded_memory),
	TEST(overlapping_fragments_make_no_connection),
	TEST(a_segment_in_fragments_is_delivered),
};
TEST_SUITE(hostile_floods, cases);
