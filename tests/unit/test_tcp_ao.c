/* TCP-AO in the engine. The packets of RFC 9235 are given to a stack that is the other end of them; the rest
 * are two stacks with a wire between them, on which segments are lost, changed, repeated and forged. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../stack/stack_impl.h"
#include "../../stack/wire/csum.h"
#include "../../stack/wire/eth.h"
#include "../../stack/wire/print.h"
#include "../../tls/ao.h"
#include "../lib/test.h"
#include "../lib/twohosts.h"

/* ---- the packets of RFC 9235 ---- */

struct packet {
	char section[8], alg[24];
	bool bare, from_client;
	uint32_t isn[2];
	uint8_t ip[200];
	size_t len;
};

static size_t unhex(const char *text, uint8_t *to, size_t cap)
{
	size_t n = 0;
	unsigned byte;

	while (n < cap && sscanf(text + 2 * n, "%2x", &byte) == 1)
		to[n++] = (uint8_t)byte;
	return n;
}

static bool packet_scan(const char *line, struct packet *p)
{
	char options[8], side[8], hex[420];

	if (line[0] == '#' || sscanf(line, "%7s %23s %7s %x %x %7s %*s %419s", p->section, p->alg, options, &p->isn[0],
				     &p->isn[1], side, hex) != 7)
		return false;
	p->bare = strcmp(options, "omits") == 0;
	p->from_client = strcmp(side, "client") == 0;
	p->len = unhex(hex, p->ip, sizeof(p->ip));
	return true;
}

/* A stack that is one end of the packets, and its socket: listening, or in SYN-SENT. */
struct vector_end {
	struct pkt_pool pool;
	struct stack *s;
	sock_t sock;
};

static struct addr scan_addr(const char *text)
{
	struct addr a;

	CU_ASSERT_TRUE_FATAL(addr_scan(text, &a));
	return a;
}

static void drain(struct vector_end *e)
{
	struct pkt *out[16];
	size_t n;

	do {
		n = stack_output(e->s, stack_now(e->s), out, 16);
		for (size_t i = 0; i < n; i++)
			pkt_free(out[i]);
	} while (n == 16);
}

static void vector_end_open(struct vector_end *e, const struct packet *p, bool client)
{
	bool v6 = p->ip[0] >> 4 == 6;
	struct addr addr[2] = {scan_addr(v6 ? "fd00::1" : "10.11.12.13"), scan_addr(v6 ? "fd00::2" : "172.27.28.29")};
	struct ao_key key = {.peer = addr[client], .prefix = v6 ? 128 : 32, .send_id = client ? 61 : 84,
			     .recv_id = client ? 84 : 61, .bare = p->bare, .alg = tls_ao_alg(p->alg),
			     .master = "testvector", .master_len = 10};
	uint16_t cport = (uint16_t)(p->ip[v6 ? 40 : 20] << 8 | p->ip[v6 ? 41 : 21]);
	struct stack_config cfg;

	if (!p->from_client)
		cport = (uint16_t)(p->ip[v6 ? 42 : 22] << 8 | p->ip[v6 ? 43 : 23]);
	pkt_pool_init(&e->pool, 0, 0);
	stack_config_default(&cfg);
	cfg.pool = &e->pool;
	cfg.link = (struct link_caps){.mtu = 1500};
	cfg.mac = (struct mac){{2, 0, 0, 0, 0, 1}};
	cfg.addr[0] = (struct stack_addr){addr[!client], v6 ? 64 : 24};
	cfg.naddrs = 1;
	if (!v6) {
		cfg.route[0].via = addr_v4(addr_to_v4(&addr[!client]) + 1);
		cfg.route[0].dst = addr_v4(0);
		cfg.nroutes = 1;
	}
	cfg.tcp.isn_is_fixed = true;
	cfg.tcp.isn_fixed = p->isn[!client];
	e->s = stack_new(&cfg);
	CU_ASSERT_EQUAL(stack_ao_add(e->s, &key), 0);
	e->sock = sock_open(e->s);
	CU_ASSERT_EQUAL(sock_bind(e->s, e->sock, &addr[!client], client ? cport : 179), 0);
	CU_ASSERT_EQUAL(client ? sock_connect(e->s, e->sock, &addr[1], 179) : sock_listen(e->s, e->sock, 4), 0);
	drain(e);
}

static void vector_end_close(struct vector_end *e)
{
	drain(e);
	stack_free(e->s);
	pkt_pool_free(&e->pool);
}

static void vector_give(struct vector_end *e, const struct packet *p)
{
	uint8_t frame[ETH_LEN + sizeof(p->ip)] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};

	if (p->ip[0] >> 4 == 6)
		wr16(frame + 12, ETH_IP6);
	memcpy(frame + ETH_LEN, p->ip, p->len);
	struct pkt *in = pkt_of_bytes(&e->pool, frame, ETH_LEN + p->len);

	in->csum = CSUM_VERIFIED; /* no MAC covers it */
	stack_input(e->s, in, 0);
	drain(e);
}

/* Each of the four packets of a section in its order, to the end that they are for. */
static void the_packets_of_rfc_9235_have_right_macs(void)
{
	FILE *f = fopen("tests/data/ao/rfc9235.tsv", "r");
	char line[1000];
	struct vector_end end[2];
	struct packet p;
	int n = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	while (fgets(line, sizeof(line), f)) {
		if (!packet_scan(line, &p))
			continue;
		if (n % 4 == 0)
			for (int client = 0; client < 2; client++)
				vector_end_open(&end[client], &p, client);
		struct vector_end *to = &end[!p.from_client];
		const struct stack_counters *count = stack_counters(to->s);

		const struct stack_counters before = *count;

		vector_give(to, &p);
		if (count->ao_good != before.ao_good + 1 || count->tcp_in != before.tcp_in + 1)
			FAIL_ROW(p.section);
		p.ip[p.len - 1] ^= 1;
		vector_give(to, &p);
		if (count->ao_good != before.ao_good + 1 || count->ao_bad != before.ao_bad + 1)
			FAIL_ROW(p.section);
		if (++n % 4 == 0) {
			vector_end_close(&end[0]);
			vector_end_close(&end[1]);
		}
	}
	fclose(f);
	CU_ASSERT_EQUAL(n, 32);
}

/* ---- two stacks ---- */

static struct ao_key key_of(const struct addr *peer, uint8_t send_id, uint8_t recv_id, const char *master)
{
	return (struct ao_key){.peer = *peer, .prefix = addr_is_v4(peer) ? 32 : 128, .send_id = send_id,
			       .recv_id = recv_id, .alg = &tls_ao_hmac_sha1, .master = master,
			       .master_len = strlen(master)};
}

/* The client signs with 10 and the server with 20, or 11 and 21 for the second key. */
static int give_key(struct twohosts *w, int side, int nth, const char *master)
{
	struct ao_key k = key_of(&w->addr[!side], (uint8_t)((side ? 20 : 10) + nth), (uint8_t)((side ? 10 : 20) + nth),
				 master);

	return stack_ao_add(w->stack[side], &k);
}

/* A transfer in both directions, and what happens to frames on the way. */
struct job {
	uint64_t goal[2], sent[2], got[2];
	bool wrong;
	uint32_t lose_every;     /* frames, counted in both directions; 0: none */
	uint64_t frames, unsigned_segs, segs;
	uint8_t keyids[2][8];    /* seen on the wire, in their order */
	uint32_t longest;        /* frame */
	uint8_t most_sacks;
	struct seg syn[2];
	/* One frame of this side, the n-th that has text (or the SYN, at 0), is changed. */
	int mess_side, mess_nth, seen;
	void (*mess)(uint8_t *ip, size_t len);
	struct pkt *kept;        /* a copy of it */
	bool keep, changed;
	struct seg kept_seg;
};

static uint8_t pattern(uint64_t pos)
{
	return (uint8_t)(pos * 131 + (pos >> 8) * 31 + 7);
}

static bool push_and_pull(struct twohosts *w)
{
	struct job *j = w->arg;
	bool moved = false;

	for (int i = 0; i < 2; i++) {
		sock_t s = i ? w->server : w->client;
		uint8_t buf[2048];
		int64_t n;

		if (!w->server || !j)
			continue;
		while (j->sent[i] < j->goal[i]) {
			size_t want = j->goal[i] - j->sent[i] < sizeof(buf) ? (size_t)(j->goal[i] - j->sent[i]) : sizeof(buf);

			for (size_t k = 0; k < want; k++)
				buf[k] = pattern(j->sent[i] + k);
			if ((n = sock_send(w->stack[i], s, buf, want)) <= 0)
				break;
			j->sent[i] += (uint64_t)n;
			moved = true;
		}
		while ((n = sock_recv(w->stack[i], s, buf, sizeof(buf))) > 0) {
			for (int64_t k = 0; k < n; k++)
				j->wrong |= buf[k] != pattern(j->got[i] + (uint64_t)k);
			j->got[i] += (uint64_t)n;
			moved = true;
		}
	}
	return moved;
}

static void note_keyid(uint8_t seen[8], uint8_t id)
{
	size_t n = 0;

	while (n < 7 && seen[n] && seen[n] != id)
		n++;
	seen[n] = id;
}

static bool watch(struct twohosts *w, int side, const struct pkt *p, const struct seg *g, ns_t now)
{
	struct job *j = w->arg;

	(void)now;
	if (!g || !j)
		return false;
	j->segs++;
	j->unsigned_segs += !g->opt.has_ao;
	if (g->opt.has_ao)
		note_keyid(j->keyids[side], g->opt.ao_keyid);
	if (p->len > j->longest)
		j->longest = p->len;
	if (g->opt.nsack > j->most_sacks)
		j->most_sacks = g->opt.nsack;
	if (g->flags & TH_SYN)
		j->syn[side] = *g;
	if (j->lose_every && ++j->frames % j->lose_every == 0)
		return true;
	bool hit = side == j->mess_side && (j->mess_nth ? g->len > 0 && ++j->seen == j->mess_nth : g->flags & TH_SYN);

	if (hit && j->keep && !j->kept) {
		j->kept = pkt_dup(p);
		j->kept_seg = *g;
	}
	return false;
}

static ns_t change(struct twohosts *w, int side, struct pkt *p, bool *twice)
{
	struct job *j = w->arg;
	struct seg g;

	(void)twice;
	if (!j || !j->mess || j->changed || side != j->mess_side || !frame_seg(p, &g))
		return 0;
	if (j->mess_nth ? !g.len || j->seen != j->mess_nth : !(g.flags & TH_SYN))
		return 0;
	CU_ASSERT_TRUE(pkt_unshare(p));
	uint8_t *ip = p->data + ETH_LEN;

	j->mess(ip, p->len - ETH_LEN);
	if (ip[0] >> 4 == 4) {
		wr16(ip + 10, 0);
		wr16(ip + 10, (uint16_t)~csum_fold(csum_add(0, ip, 20)));
	}
	p->csum = CSUM_VERIFIED; /* whoever changes it makes the checksum right again */
	j->changed = true;
	return 0;
}

static struct twohosts *begin(const struct tcp_config *cfg, struct job *j)
{
	struct twohosts *w = twohosts_new(7, cfg, cfg);

	w->arg = j;
	w->app = push_and_pull;
	w->wire = watch;
	w->mess = change;
	return w;
}

static struct twohosts *begin_with_keys(const struct tcp_config *cfg, struct job *j)
{
	struct twohosts *w = begin(cfg, j);

	CU_ASSERT_EQUAL(give_key(w, 0, 0, "a secret"), 0);
	CU_ASSERT_EQUAL(give_key(w, 1, 0, "a secret"), 0);
	return w;
}

static uint64_t refused(struct twohosts *w, int side)
{
	const struct stack_counters *c = stack_counters(w->stack[side]);

	return c->ao_bad + c->ao_missing + c->ao_no_key + c->ao_malformed;
}

static void finish(struct twohosts *w, struct job *j)
{
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(j->got[!i], j->goal[i]);
		sock_close(w->stack[i], i ? w->server : w->client);
	}
	CU_ASSERT_FALSE(j->wrong);
	twohosts_run(w, w->now + 300 * SEC);
	pkt_free(j->kept);
	twohosts_free(w);
}

static void every_segment_is_signed_and_losses_are_repaired(void)
{
	static const struct {
		const char *name;
		const struct ao_alg *alg;
		bool bare, v6;
	} rows[] = {
		{"SHA-1", &tls_ao_hmac_sha1, false, false},
		{"SHA-1 without options", &tls_ao_hmac_sha1, true, false},
		{"CMAC", &tls_ao_aes_cmac, false, false},
		{"CMAC over IPv6 without options", &tls_ao_aes_cmac, true, true},
		{"SHA-1 over IPv6", &tls_ao_hmac_sha1, false, true},
	};

	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct job j = {.goal = {300000, 40000}, .lose_every = 23};
		struct twohosts *w = begin(NULL, &j);

		for (int i = 0; i < 2 && rows[r].v6; i++) {
			struct stack_config cfg;

			stack_free(w->stack[i]);
			stack_config_default(&cfg);
			cfg.seed = (uint64_t)i;
			cfg.pool = &w->pool;
			cfg.link = (struct link_caps){.mtu = 1500};
			cfg.mac = (struct mac){{2, 0, 0, 0, 0, (uint8_t)(i + 1)}};
			w->addr[i] = scan_addr(i ? "fd00::2" : "fd00::1");
			cfg.addr[0] = (struct stack_addr){w->addr[i], 64};
			cfg.naddrs = 1;
			w->stack[i] = stack_new(&cfg);
		}
		for (int i = 0; i < 2; i++) {
			struct ao_key k = key_of(&w->addr[!i], i ? 20 : 10, i ? 10 : 20, "a secret");

			k.alg = rows[r].alg;
			k.bare = rows[r].bare;
			CU_ASSERT_EQUAL(stack_ao_add(w->stack[i], &k), 0);
		}
		CU_ASSERT_TRUE_FATAL(twohosts_connect(w));
		twohosts_run(w, w->now + 60 * SEC);
		struct sock_info info;

		sock_info(w->stack[0], w->client, &info);
		if (!info.ao || info.ao_current != 10 || info.ao_rnext != 20 || info.ao_keyid != 20 || info.ao_rnextkeyid != 10 ||
		    j.unsigned_segs || refused(w, 0) || refused(w, 1) || w->lost < 5)
			FAIL_ROW(rows[r].name);
		finish(w, &j);
	}
}

/* RFC 5925 7.6: the option takes 16 bytes of each segment, and SACK has one block beside timestamps. */
static void the_option_has_its_room(void)
{
	static const struct {
		const char *name;
		bool timestamps;
		uint32_t mss;
		uint8_t sacks;
	} rows[] = {{"timestamps", true, 1460 - 12 - 16, 1}, {"none", false, 1460 - 16, 2}};

	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct job j = {.goal = {400000, 0}, .lose_every = 11};
		struct tcp_config cfg;
		struct sock_info info;

		tcp_config_default(&cfg);
		cfg.timestamps = rows[r].timestamps;
		struct twohosts *w = begin_with_keys(&cfg, &j);

		CU_ASSERT_TRUE_FATAL(twohosts_connect(w));
		twohosts_run(w, w->now + 60 * SEC);
		sock_info(w->stack[0], w->client, &info);
		if (info.mss != rows[r].mss || j.longest != 1514 || j.most_sacks != rows[r].sacks)
			FAIL_ROW(rows[r].name);
		for (int i = 0; i < 2; i++) {
			const struct tcp_opts *o = &j.syn[i].opt;

			if (!o->has_mss || o->mss != 1460 || !o->has_wscale || !o->sack_ok || !o->has_ao ||
			    o->has_ts != rows[r].timestamps || o->ao_mac_len != AO_MAC_LEN)
				FAIL_ROW(rows[r].name);
		}
		finish(w, &j);
	}
}

static const struct test_case cases[] = {
	TEST(the_packets_of_rfc_9235_have_right_macs),
	TEST(every_segment_is_signed_and_losses_are_repaired),
	TEST(the_option_has_its_room),
};
TEST_SUITE(tcp_ao, cases);
