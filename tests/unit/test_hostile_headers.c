/* Frames that lie in their headers: every byte of the Ethernet, IP and TCP headers takes every value,
 * alone and in random pairs, with the checksums made right again, against a connection in every
 * state. Each frame lies in a heap block of exactly its size, so that a length that is believed is a
 * read that is seen. RFC 791, RFC 1122 3.2.1, RFC 9293 3.1 and MUST-7, Ripple20, AMNESIA:33. */
#include <string.h>

#include "../../stack/base/check.h"
#include "../../stack/base/rng.h"
#include "../../stack/wire/csum.h"
#include "../../stack/wire/eth.h"
#include "../lib/lone.h"
#include "../lib/mutate.h"

#define TEXT 40
#define HEADERS (ETH_LEN + IP4_LEN + TCP_LEN + 12)

/* A data segment in the right place, with timestamps. */
static size_t good(uint8_t *f, const struct lone_peer *p, uint16_t flags)
{
	struct seg g = {.seq = seq_of(p->nxt), .ack = seq_of(p->ack), .flags = flags, .wnd = p->wnd, .len = TEXT};

	g.opt.has_ts = p->ts;
	g.opt.ts_val = p->ts_val;
	g.opt.ts_ecr = p->ts_ecr;
	return lone_frame(f, p, &g, NULL);
}

static void reconnect(struct lone *l, struct lone_peer *p, uint32_t n, enum tcp_state s)
{
	if (p->sock)
		sock_abort(l->s, p->sock);
	*p = lone_peer(n);
	lone_listen(l);
	stack_flush(l->s);
	CU_ASSERT_TRUE(lone_reach(l, p, s));
}

/* Without the sums repaired nothing changes at all, and nobody is answered. */
static void a_changed_byte_with_the_old_checksum_is_silence(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);
	uint8_t f[LONE_FRAME], g[LONE_FRAME];
	struct sock_info before, after;

	lone_handshake(l, &p);
	size_t n = good(f, &p, TH_ACK | TH_PSH);

	lone_info(l, &p, &before);
	for (size_t at = ETH_LEN; at < n; at++) /* Ethernet has its own sum, which the device checks */
		for (unsigned bit = 0; bit < 8; bit++) {
			memcpy(g, f, n);
			g[at] ^= (uint8_t)(1u << bit);
			lone_give(l, g, n);
		}
	lone_info(l, &p, &after);
	CU_ASSERT_EQUAL(l->frames_out, 0);
	CU_ASSERT_EQUAL(after.rcv_nxt, before.rcv_nxt);
	CU_ASSERT_EQUAL(after.state, TCP_ESTABLISHED);
	lone_free(l);
}

/* A state may only change to one that a segment can bring about, whatever else it says. */
static bool may_become(enum tcp_state from, enum tcp_state to)
{
	static const uint16_t next[TCP_STATES] = {
		[TCP_CLOSED] = 1 << TCP_SYN_RECEIVED,
		[TCP_LISTEN] = 1 << TCP_SYN_RECEIVED | 1 << TCP_CLOSED,
		[TCP_SYN_SENT] = 1 << TCP_SYN_RECEIVED | 1 << TCP_ESTABLISHED | 1 << TCP_CLOSE_WAIT | 1 << TCP_CLOSED,
		[TCP_SYN_RECEIVED] = 1 << TCP_ESTABLISHED | 1 << TCP_CLOSE_WAIT | 1 << TCP_CLOSED,
		[TCP_ESTABLISHED] = 1 << TCP_CLOSE_WAIT | 1 << TCP_CLOSED,
		[TCP_FIN_WAIT_1] = 1 << TCP_FIN_WAIT_2 | 1 << TCP_CLOSING | 1 << TCP_TIME_WAIT | 1 << TCP_CLOSED,
		[TCP_FIN_WAIT_2] = 1 << TCP_TIME_WAIT | 1 << TCP_CLOSED,
		[TCP_CLOSE_WAIT] = 1 << TCP_CLOSED,
		[TCP_CLOSING] = 1 << TCP_TIME_WAIT | 1 << TCP_CLOSED,
		[TCP_LAST_ACK] = 1 << TCP_CLOSED,
		[TCP_TIME_WAIT] = 1 << TCP_SYN_RECEIVED,
	};

	return from == to || next[from] >> to & 1;
}

static void look_at(struct lone *l, struct lone_peer *p, enum tcp_state s, uint32_t *n)
{
	enum tcp_state now = lone_state(l, p);

	if (s != TCP_LISTEN && !may_become(s, now))
		FAIL_ROW(tcp_state_name(s));
	CU_ASSERT_TRUE(l->frames_out <= 3);
	if (now != s || (p->sock && sock_readable(l->s, p->sock)))
		reconnect(l, p, ++*n % 30000, s);
	lone_forget(l);
}

static void every_value_of_every_header_byte_in_every_state(void)
{
	struct lone *l = lone_open();
	uint32_t n = 1;

	for (enum tcp_state s = TCP_CLOSED; s < TCP_STATES; s++) {
		struct lone_peer p = {0};

		reconnect(l, &p, ++n, s);
		for (size_t at = 0; at < HEADERS; at++)
			for (unsigned v = 0; v < 256; v += s == TCP_ESTABLISHED || at >= ETH_LEN + 12 ? 1 : 5) {
				uint8_t f[LONE_FRAME];
				size_t len = good(f, &p, TH_ACK | TH_PSH);

				f[at] = (uint8_t)v;
				if (at < ETH_LEN + 10 || at > ETH_LEN + 11) /* not the sums themselves */
					lone_sum(f, len);
				lone_give(l, f, len);
				look_at(l, &p, s, &n);
			}
	}
	lone_free(l);
}

static void random_pairs_of_header_bytes_in_every_state(void)
{
	static const uint8_t evil[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 0x0f, 0x10, 0x40, 0x45, 0x4f, 0x7f, 0x80, 0xf0, 0xfe, 0xff};
	struct lone *l = lone_open();
	struct rng rng;
	uint32_t n = 1;

	rng_init(&rng, 3, "pairs");
	for (enum tcp_state s = TCP_CLOSED; s < TCP_STATES; s++) {
		struct lone_peer p = {0};

		reconnect(l, &p, ++n, s);
		for (int k = 0; k < 4000; k++) {
			uint8_t f[LONE_FRAME];
			size_t len = good(f, &p, (uint16_t)rng_below(&rng, 64));

			for (int i = 0; i < 2; i++) /* behind Ethernet, or the frame is just not ours */
				f[ETH_LEN + rng_below(&rng, HEADERS - ETH_LEN)] =
					rng_below(&rng, 2) ? evil[rng_below(&rng, sizeof(evil))] : (uint8_t)rng_u32(&rng);
			if (rng_below(&rng, 3) == 0) /* the frame itself is cut, or has a trailer */
				len = rng_below(&rng, (uint32_t)len + 20);
			lone_sum(f, len);
			lone_give(l, f, len);
			look_at(l, &p, s, &n);
		}
	}
	lone_free(l);
}

static void random_options_in_every_state(void)
{
	static const uint8_t kinds[] = {0, 1, 2, 3, 4, 5, 8, 19, 29, 30, 34, 172, 174, 253, 254, 255};
	struct lone *l = lone_open();
	struct rng rng;
	uint32_t n = 1;

	rng_init(&rng, 4, "options");
	for (enum tcp_state s = TCP_CLOSED; s < TCP_STATES; s++) {
		struct lone_peer p = {0};

		reconnect(l, &p, ++n, s);
		for (int k = 0; k < 3000; k++) {
			struct seg g = {.seq = seq_of(p.nxt), .ack = seq_of(p.ack), .wnd = p.wnd, .len = rng_below(&rng, 50),
					.flags = rng_below(&rng, 4) ? TH_ACK : (uint16_t)rng_below(&rng, 64)};
			uint8_t f[LONE_FRAME], *t = f + ETH_LEN + IP4_LEN;
			uint32_t room = 4 * rng_below(&rng, 11), at = 0;
			size_t len = lone_frame(f, &p, &g, NULL);

			memmove(t + TCP_LEN + room, t + TCP_LEN, g.len);
			while (at < room) {
				t[TCP_LEN + at++] = kinds[rng_below(&rng, sizeof(kinds))];
				if (at < room && rng_below(&rng, 5))
					t[TCP_LEN + at++] = (uint8_t)rng_below(&rng, rng_below(&rng, 4) ? 12 : 256);
				for (uint32_t i = rng_below(&rng, 11); i-- && at < room;)
					t[TCP_LEN + at++] = (uint8_t)rng_u32(&rng);
			}
			t[12] = (uint8_t)((TCP_LEN + room) << 2);
			len += room;
			wr16(f + ETH_LEN + 2, (uint16_t)(len - ETH_LEN));
			lone_sum(f, len);
			lone_give(l, f, len);
			look_at(l, &p, s, &n);
		}
	}
	lone_free(l);
}

/* What is cut from behind must never be read: each length of each kind of frame. */
static void frames_cut_at_every_byte(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);
	uint8_t f[LONE_FRAME];

	lone_handshake(l, &p);
	size_t n = good(f, &p, TH_ACK);

	for (size_t len = 0; len < n; len++) {
		lone_give(l, f, len);
		CU_ASSERT_EQUAL(l->frames_out, 0);
		CU_ASSERT_EQUAL(sock_readable(l->s, p.sock), 0);
	}
	lone_give(l, f, n);
	CU_ASSERT_EQUAL(sock_readable(l->s, p.sock), TEXT);
	lone_free(l);
}

static void an_ethernet_trailer_is_not_data(void)
{
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);
	uint8_t f[LONE_FRAME];

	lone_handshake(l, &p);
	size_t n = good(f, &p, TH_ACK);

	memset(f + n, 0xee, 300);
	lone_give(l, f, n + 300);
	CU_ASSERT_EQUAL(lone_read(l, &p, p.nxt), TEXT);
	lone_free(l);
}

/* Etherleak (CVE-2003-0001): what we send has the length it says, and nothing behind. */
static void every_frame_out_is_as_long_as_its_headers_say(void)
{
	struct lone *l = lone_open();

	for (enum tcp_state s = TCP_CLOSED; s < TCP_STATES; s++) {
		struct lone_peer p = lone_peer(s);

		lone_reach(l, &p, s);
		lone_say(l, &p, TH_SYN, 0);
		lone_say(l, &p, TH_ACK, 10);
		if (!l->last_len)
			continue;
		CU_ASSERT_EQUAL(l->last_len, ETH_LEN + (size_t)rd16(l->last + ETH_LEN + 2));
	}
	lone_free(l);
}

/* RFC 7126 3.3 against RFC 9293 MUST-53: source-routed packets are dropped. Others are no harm. */
static void ip_options_neither_kill_nor_hide_a_segment(void)
{
	static const struct {
		const char *name;
		uint8_t opt[8];
		bool taken;
	} rows[] = {
		{"no-operation", {1, 1, 1, 1, 1, 1, 1, 1}, true},
		{"router alert", {148, 4, 0, 0, 0, 0, 0, 0}, true},
		{"record route", {7, 7, 4, 0, 0, 0, 0, 0}, true},
		{"unknown", {222, 4, 1, 2, 0, 0, 0, 0}, true},
		{"loose source route", {131, 7, 4, 1, 2, 3, 4, 0}, false},
		{"strict source route", {137, 7, 4, 1, 2, 3, 4, 0}, false},
		{"length 0", {7, 0, 0, 0, 0, 0, 0, 0}, false},
		{"length 1", {7, 1, 0, 0, 0, 0, 0, 0}, false},
		{"past the header", {7, 40, 4, 0, 0, 0, 0, 0}, false},
	};
	struct lone *l = lone_open();
	struct lone_peer p = lone_peer(1);

	lone_handshake(l, &p);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t f[LONE_FRAME], g[LONE_FRAME];
		size_t n = good(f, &p, TH_ACK);

		memcpy(g, f, ETH_LEN + IP4_LEN);
		memcpy(g + ETH_LEN + IP4_LEN, rows[i].opt, 8);
		memcpy(g + ETH_LEN + IP4_LEN + 8, f + ETH_LEN + IP4_LEN, n - ETH_LEN - IP4_LEN);
		g[ETH_LEN] = 0x47;
		wr16(g + ETH_LEN + 2, (uint16_t)(n + 8 - ETH_LEN));
		lone_sum(g, n + 8);
		wr16(g + ETH_LEN + 10, 0); /* even where the parser refuses */
		wr16(g + ETH_LEN + 10, (uint16_t)~csum_fold(csum_add(0, g + ETH_LEN, 28)));
		lone_give(l, g, n + 8);
		int64_t got = lone_read(l, &p, p.nxt);

		if (got != (rows[i].taken ? TEXT : 0))
			FAIL_ROW(rows[i].name);
		if (got > 0)
			p.nxt += TEXT;
	}
	lone_free(l);
}

/* ---- IPv6 ---- */

static struct lone *six;

static unsigned give_mutant(uint8_t *p, size_t n)
{
	uint64_t before = six->frames_out;

	if (n >= ETH_LEN) { /* or it is just not ours */
		memcpy(p, LONE_MAC.b, 6);
		memcpy(p + 6, LONE_ROUTER_MAC.b, 6);
		wr16(p + 12, ETH_IP6);
	}
	lone_give(six, p, n);
	return six->frames_out - before > 3; /* neighbour discovery, and an answer */
}

/* Extension headers with lengths, paddings and types that lie; the work is bounded (RFC 8504 5.3). */
static void ipv6_headers_that_lie_do_no_harm(void)
{
	static const struct {
		const char *name;
		uint8_t first, ext[24];
		size_t n;
	} rows[] = {
		{"none", PROTO_TCP, {0}, 0},
		{"hop-by-hop", 0, {PROTO_TCP, 0, 1, 4, 0, 0, 0, 0}, 8},
		{"destination options", 60, {PROTO_TCP, 1, 0x1e, 12}, 16},
		{"routing", 43, {PROTO_TCP, 2, 0, 1}, 24},
		{"fragment", 44, {PROTO_TCP, 0, 0, 0, 0, 0, 0, 9}, 8},
		{"chain", 0, {60, 0, 1, 4, 0, 0, 0, 0, 44, 0, 1, 4, 0, 0, 0, 0, PROTO_TCP, 0, 0, 0, 0, 0, 0, 9}, 24},
	};
	struct addr me = {{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}, peer = me;
	struct seg syn = {.sport = 1234, .dport = LONE_PORT, .seq = seq_of(1), .flags = TH_SYN, .wnd = 1000};

	peer.b[15] = 2;
	six = lone_new();
	six->cfg.addr[1] = (struct stack_addr){me, 64};
	six->cfg.naddrs = 2;
	lone_start(six);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t f[200];
		size_t at = ETH_LEN + IP6_LEN, n = at + rows[i].n + TCP_LEN;
		struct ip_hdr h = {.src = peer, .dst = me, .version = 6, .proto = rows[i].first, .ttl = 64,
				   .payload_len = (uint32_t)(n - at)};

		eth_emit(f, &LONE_MAC, &LONE_ROUTER_MAC, ETH_IP6);
		ip6_emit(f + ETH_LEN, &h);
		memcpy(f + at, rows[i].ext, rows[i].n);
		tcp_emit(f + at + rows[i].n, &syn, LAYOUT_LINUX);
		csum_t sum = csum_pseudo(&peer, &me, PROTO_TCP, TCP_LEN);

		wr16(f + at + rows[i].n + 16, (uint16_t)~csum_fold(csum_add(sum, f + at + rows[i].n, TCP_LEN)));
		lone_listen(six);
		lone_give(six, f, n);
		/* Type 0 routing is refused (RFC 5095), a fragment that is all is whole. */
		if (lone_count(six, TCP_SYN_RECEIVED) != (rows[i].first == 43 ? 0 : 1))
			FAIL_ROW(rows[i].name);
		if (mutate_each(f, n, i + 1, 3000, give_mutant))
			FAIL_ROW(rows[i].name);
	}
	lone_wait(six, 300 * SEC);
	CU_ASSERT_EQUAL(lone_count(six, TCP_SYN_RECEIVED), 0);
	lone_free(six);
}

static const struct test_case cases[] = {
	TEST(a_changed_byte_with_the_old_checksum_is_silence),
	TEST(every_value_of_every_header_byte_in_every_state),
	TEST(random_pairs_of_header_bytes_in_every_state),
	TEST(random_options_in_every_state),
	TEST(frames_cut_at_every_byte),
	TEST(an_ethernet_trailer_is_not_data),
	TEST(every_frame_out_is_as_long_as_its_headers_say),
	TEST(ip_options_neither_kill_nor_hide_a_segment),
	TEST(ipv6_headers_that_lie_do_no_harm),
};
TEST_SUITE(hostile_headers, cases);
