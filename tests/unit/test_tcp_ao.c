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
		uint32_t tso;
	} rows[] = {
		{"SHA-1", &tls_ao_hmac_sha1, false, false, 0},
		{"SHA-1 without options", &tls_ao_hmac_sha1, true, false, 0},
		{"CMAC", &tls_ao_aes_cmac, false, false, 0},
		{"CMAC over IPv6 without options", &tls_ao_aes_cmac, true, true, 0},
		{"SHA-1 over IPv6", &tls_ao_hmac_sha1, false, true, 0},
		{"a device that would cut: each segment has its own MAC", &tls_ao_hmac_sha1, false, false, 65535},
	};

	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct job j = {.goal = {300000, 40000}, .lose_every = 23};
		struct twohosts *w = begin(NULL, &j);

		for (int i = 0; i < 2 && (rows[r].v6 || rows[r].tso); i++) {
			struct stack_config cfg;

			stack_free(w->stack[i]);
			stack_config_default(&cfg);
			cfg.seed = (uint64_t)i;
			cfg.pool = &w->pool;
			cfg.link = (struct link_caps){.mtu = 1500, .csum_tx = rows[r].tso, .tso_max = rows[r].tso};
			cfg.mac = (struct mac){{2, 0, 0, 0, 0, (uint8_t)(i + 1)}};
			if (rows[r].v6)
				w->addr[i] = scan_addr(i ? "fd00::2" : "fd00::1");
			cfg.addr[0] = (struct stack_addr){w->addr[i], rows[r].v6 ? 64 : 24};
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
		    j.unsigned_segs || refused(w, 0) || refused(w, 1) || w->lost < 5 || j.longest != 1514)
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

/* ---- what is changed, forged or repeated ---- */

static uint8_t *tcp_of(uint8_t *ip)
{
	return ip + (ip[0] >> 4 == 4 ? 20 : 40);
}

static uint8_t *option_of(uint8_t *ip, uint8_t kind)
{
	uint8_t *o = tcp_of(ip) + 20;

	while (*o != kind)
		o += *o == 1 ? 1 : o[1];
	return o;
}

static void change_source_address(uint8_t *ip, size_t len) { (void)len; ip[15] ^= 0x40; }
static void change_source_port(uint8_t *ip, size_t len) { (void)len; tcp_of(ip)[1] ^= 1; }
static void change_sequence(uint8_t *ip, size_t len) { (void)len; tcp_of(ip)[7] ^= 1; }
static void change_acknowledgement(uint8_t *ip, size_t len) { (void)len; tcp_of(ip)[11] ^= 1; }
static void change_flags(uint8_t *ip, size_t len) { (void)len; tcp_of(ip)[13] ^= TH_PSH; }
static void change_window(uint8_t *ip, size_t len) { (void)len; tcp_of(ip)[14] ^= 1; }
static void change_urgent(uint8_t *ip, size_t len) { (void)len; tcp_of(ip)[19] ^= 1; }
static void change_timestamp(uint8_t *ip, size_t len) { (void)len; option_of(ip, 8)[5] ^= 1; }
static void change_key_id(uint8_t *ip, size_t len) { (void)len; option_of(ip, 29)[2] ^= 1; }
static void change_rnext_key_id(uint8_t *ip, size_t len) { (void)len; option_of(ip, 29)[3] ^= 1; }
static void change_mac(uint8_t *ip, size_t len) { (void)len; option_of(ip, 29)[15] ^= 1; }
static void change_text(uint8_t *ip, size_t len) { ip[len - 1] ^= 1; }
static void change_kind(uint8_t *ip, size_t len) { (void)len; option_of(ip, 29)[0] = 253; }
static void shorten_option(uint8_t *ip, size_t len) { (void)len; option_of(ip, 29)[1] = 3; }
static void shorten_mac(uint8_t *ip, size_t len)
{
	(void)len;
	option_of(ip, 29)[1] = 12;
	memset(option_of(ip, 29) + 12, 1, 4);
}
static void two_options(uint8_t *ip, size_t len) /* of eight bytes each */
{
	uint8_t *o = option_of(ip, 29);

	(void)len;
	o[1] = 8;
	memcpy(o + 8, o, 8);
}
/* The source port of a SYN, as a translator would: so that who checks sees another connection. */
static void translate(uint8_t *ip, size_t len) { change_source_port(ip, len); }

enum which { BAD, MISSING, NO_KEY, MALFORMED, FINE };

static void each_byte_is_covered(void)
{
	static const struct {
		const char *name;
		void (*mess)(uint8_t *, size_t);
		enum which full, bare; /* what is counted, with options covered and without */
	} rows[] = {
		{"source port", change_source_port, NO_KEY, NO_KEY}, /* another connection, of which nothing is known */
		{"source address", change_source_address, FINE, FINE}, /* likewise, and no key for that peer */
		{"sequence number", change_sequence, BAD, BAD},
		{"acknowledgement", change_acknowledgement, BAD, BAD},
		{"flags", change_flags, BAD, BAD},
		{"window", change_window, BAD, BAD},
		{"urgent pointer", change_urgent, BAD, BAD},
		{"timestamp", change_timestamp, BAD, FINE},
		{"KeyID", change_key_id, NO_KEY, NO_KEY},
		{"RNextKeyID", change_rnext_key_id, BAD, BAD},
		{"MAC", change_mac, BAD, BAD},
		{"text", change_text, BAD, BAD},
		{"another option in its place", change_kind, MISSING, MISSING},
		{"option too short", shorten_option, MALFORMED, MALFORMED},
		{"MAC too short", shorten_mac, BAD, BAD},
		{"two options", two_options, MALFORMED, MALFORMED},
	};

	for (size_t r = 0; r < ARRAY_LEN(rows); r++)
		for (int bare = 0; bare < 2; bare++) {
			struct job j = {.goal = {30000, 0}, .mess_nth = 5, .mess = rows[r].mess};
			struct twohosts *w = begin(NULL, &j);

			for (int i = 0; i < 2; i++) {
				struct ao_key k = key_of(&w->addr[!i], i ? 20 : 10, i ? 10 : 20, "a secret");

				k.bare = bare;
				CU_ASSERT_EQUAL(stack_ao_add(w->stack[i], &k), 0);
			}
			CU_ASSERT_TRUE_FATAL(twohosts_connect(w));
			twohosts_run(w, w->now + 60 * SEC);
			const struct stack_counters *c = stack_counters(w->stack[1]);
			const uint64_t counts[] = {c->ao_bad, c->ao_missing, c->ao_no_key, c->ao_malformed};
			enum which want = bare ? rows[r].bare : rows[r].full;

			for (int k = BAD; k <= MALFORMED; k++)
				if (counts[k] != (want == (enum which)k))
					FAIL_ROW(rows[r].name);
			if (!j.changed || refused(w, 0))
				FAIL_ROW(rows[r].name);
			finish(w, &j);
		}
}

static void a_translated_handshake_is_refused(void)
{
	struct job j = {.mess_nth = 0, .mess = translate};
	struct twohosts *w = begin_with_keys(NULL, &j);

	CU_ASSERT_TRUE(twohosts_connect(w)); /* with the second SYN, which is not translated */
	CU_ASSERT_EQUAL(stack_counters(w->stack[1])->ao_bad, 1);
	CU_ASSERT_EQUAL(stack_counters(w->stack[1])->tcp_accepted, 1);
	finish(w, &j);
}

static void who_has_another_key_or_none_is_not_answered(void)
{
	static const struct {
		const char *name, *master[2]; /* NULL: no key */
		uint64_t bad, missing;        /* at the server */
	} rows[] = {
		{"another master key", {"a secret", "another"}, 1, 0},
		{"the client has none", {NULL, "a secret"}, 0, 1},
	};

	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct job j = {0};
		struct twohosts *w = begin(NULL, &j);

		for (int i = 0; i < 2; i++)
			if (rows[r].master[i])
				CU_ASSERT_EQUAL(give_key(w, i, 0, rows[r].master[i]), 0);
		CU_ASSERT_FALSE(twohosts_connect(w));
		const struct stack_counters *c = stack_counters(w->stack[1]);

		if (c->tcp_out || !c->tcp_in || c->ao_bad != rows[r].bad * c->tcp_in ||
		    c->ao_missing != rows[r].missing * c->tcp_in || c->ao_good)
			FAIL_ROW(rows[r].name);
		twohosts_free(w);
	}
}

/* RFC 5925 7.3: who has no key takes what is signed as if it were not, unless told otherwise. The client,
 * whose key says that the server signs, does not take the answer. */
static void without_a_key_a_signed_syn_is_taken_unless_the_user_would_not(void)
{
	for (int strict = 0; strict < 2; strict++) {
		struct job j = {0};
		struct twohosts *w = begin(NULL, &j);
		const struct stack_counters *c[2];

		w->stack[1]->tcp.ao.on = w->stack[1]->tcp.ao.strict = strict; /* as stack_config.ao_strict */
		CU_ASSERT_EQUAL(give_key(w, 0, 0, "a secret"), 0);
		CU_ASSERT_FALSE(twohosts_connect(w));
		for (int i = 0; i < 2; i++)
			c[i] = stack_counters(w->stack[i]);
		CU_ASSERT_EQUAL(c[1]->tcp_out > 0, !strict);
		CU_ASSERT_EQUAL(c[1]->ao_no_key > 0, strict);
		CU_ASSERT_EQUAL(c[0]->ao_missing, c[1]->tcp_out);
		twohosts_free(w);
	}
}

/* A frame from the server's address with these numbers, unsigned. */
static void forge(struct twohosts *w, int to, uint16_t flags, uint32_t seq, uint32_t ack)
{
	struct sock_info i;
	uint8_t frame[ETH_LEN + 40] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 40, 0, 1, 0, 0, 64, 6};
	uint8_t *ip = frame + ETH_LEN;

	CU_ASSERT_EQUAL(sock_info(w->stack[to], to ? w->server : w->client, &i), 0);
	struct seg g = {.sport = i.rport, .dport = i.lport, .seq = seq_of(seq), .ack = seq_of(ack), .flags = flags,
			.wnd = 1000};

	frame[5] = (uint8_t)(to + 1);
	frame[11] = (uint8_t)(2 - to);
	wr32(ip + 12, addr_to_v4(&i.remote));
	wr32(ip + 16, addr_to_v4(&i.local));
	wr16(ip + 10, (uint16_t)~csum_fold(csum_add(0, ip, 20)));
	tcp_emit(ip + 20, &g, LAYOUT_LINUX);
	struct pkt *p = pkt_of_bytes(&w->pool, frame, sizeof(frame));

	p->csum = CSUM_VERIFIED;
	stack_input(w->stack[to], p, w->now);
}

static void what_is_forged_has_no_effect_and_no_answer(void)
{
	static const uint16_t kinds[] = {TH_RST, TH_RST | TH_ACK, TH_SYN, TH_FIN | TH_ACK, TH_ACK, TH_SYN | TH_ACK};
	struct job j = {.goal = {5000, 5000}};
	struct twohosts *w = begin_with_keys(NULL, &j);
	struct sock_info before, after;

	CU_ASSERT_TRUE_FATAL(twohosts_connect(w));
	twohosts_run(w, w->now + SEC);
	sock_info(w->stack[0], w->client, &before);
	uint64_t said = stack_counters(w->stack[0])->tcp_out;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		forge(w, 0, kinds[i], before.rcv_nxt, before.snd_nxt);
	twohosts_run(w, w->now + SEC);
	sock_info(w->stack[0], w->client, &after);
	CU_ASSERT_EQUAL(after.state, TCP_ESTABLISHED);
	CU_ASSERT_EQUAL(stack_counters(w->stack[0])->ao_missing, ARRAY_LEN(kinds));
	CU_ASSERT_EQUAL(stack_counters(w->stack[0])->tcp_out, said);
	CU_ASSERT_EQUAL(after.segs_in, before.segs_in);
	finish(w, &j);
}

static void a_signed_reset_ends_the_connection(void)
{
	struct job j = {.goal = {5000, 5000}};
	struct twohosts *w = begin_with_keys(NULL, &j);

	CU_ASSERT_TRUE_FATAL(twohosts_connect(w));
	twohosts_run(w, w->now + SEC);
	sock_abort(w->stack[1], w->server);
	w->server = 0;
	twohosts_run(w, w->now + SEC);
	CU_ASSERT_EQUAL(sock_error(w->stack[0], w->client), ERR_RESET);
	CU_ASSERT_EQUAL(j.unsigned_segs, 0);
	twohosts_free(w);
}

/* RFC 5925 7.7: the one reset without a connection that both ends can compute. */
static void a_refusal_is_signed(void)
{
	struct job j = {0};
	struct twohosts *w = begin_with_keys(NULL, &j);

	w->client = sock_open(w->stack[0]);
	CU_ASSERT_EQUAL(sock_connect(w->stack[0], w->client, &w->addr[1], 81), 0);
	twohosts_run(w, w->now + SEC);
	CU_ASSERT_EQUAL(sock_error(w->stack[0], w->client), ERR_REFUSED);
	CU_ASSERT_EQUAL(j.segs, 2);
	CU_ASSERT_EQUAL(j.unsigned_segs, 0);
	CU_ASSERT_EQUAL(stack_counters(w->stack[0])->ao_good, 1);
	twohosts_free(w);
}

/* ---- sequence numbers ---- */

static void the_numbers_wrap_in_both_directions(void)
{
	struct job j = {.goal = {200000, 200000}, .lose_every = 17};
	struct tcp_config cfg;

	tcp_config_default(&cfg);
	cfg.isn_is_fixed = true;
	cfg.isn_fixed = 0xffffffffu - 50000;
	struct twohosts *w = begin_with_keys(&cfg, &j);

	CU_ASSERT_TRUE_FATAL(twohosts_connect(w));
	twohosts_run(w, w->now + 60 * SEC);
	for (int i = 0; i < 2; i++) {
		struct sock_info info;

		sock_info(w->stack[i], i ? w->server : w->client, &info);
		CU_ASSERT_TRUE(info.snd_una < 0x80000000u && info.rcv_nxt < 0x80000000u);
		CU_ASSERT_EQUAL(refused(w, i), 0);
	}
	finish(w, &j);
}

static struct ao *ao_of_conn(struct twohosts *w, int side)
{
	struct tcp *t = &w->stack[side]->tcp;

	for (uint32_t i = 0; i < t->table_len; i++)
		if (!((uintptr_t)t->table[i] & 1) && t->table[i]->kind == FLOW_CONN)
			return ((struct tcb *)t->table[i])->ao;
	return NULL;
}

/* 4 GB later the same 32 bits come round. Both ends are taken there by adding 2^32 to where they are. */
static void a_segment_of_the_last_round_is_refused(void)
{
	struct job j = {.goal = {100000, 0}, .mess_nth = 5, .keep = true};
	struct twohosts *w = begin_with_keys(NULL, &j);

	CU_ASSERT_TRUE_FATAL(twohosts_connect(w));
	twohosts_run(w, w->now + 30 * SEC);
	CU_ASSERT_PTR_NOT_NULL_FATAL(j.kept);

	/* At once, it is a duplicate like any other. */
	stack_input(w->stack[1], pkt_dup(j.kept), w->now);
	CU_ASSERT_EQUAL(refused(w, 1), 0);

	for (int i = 0; i < 2; i++) {
		ao_of_conn(w, i)->snd += UINT64_C(1) << 32;
		ao_of_conn(w, i)->rcv += UINT64_C(1) << 32;
	}
	stack_input(w->stack[1], pkt_dup(j.kept), w->now);
	CU_ASSERT_EQUAL(stack_counters(w->stack[1])->ao_bad, 1);

	/* And the connection goes on. */
	j.goal[0] += 50000;
	twohosts_run(w, w->now + 30 * SEC);
	CU_ASSERT_EQUAL(refused(w, 1), 1);
	finish(w, &j);
}

/* ---- keys ---- */

static struct twohosts *begin_with_two_keys(struct job *j)
{
	struct twohosts *w = begin_with_keys(NULL, j);

	CU_ASSERT_EQUAL(give_key(w, 0, 1, "the next"), 0);
	CU_ASSERT_EQUAL(give_key(w, 1, 1, "the next"), 0);
	return w;
}

/* RFC 5925 7.5: the client asks for the server's second key; the server follows and asks for the client's. */
static void keys_roll_over_while_text_flows(void)
{
	struct job j = {.goal = {400000, 400000}, .lose_every = 19};
	struct twohosts *w = begin_with_two_keys(&j);
	struct sock_info c, s;

	w->rate = 100000;
	CU_ASSERT_TRUE_FATAL(twohosts_connect(w));
	twohosts_run(w, w->now + 300 * MS);
	CU_ASSERT_TRUE(j.got[1] > 0 && j.got[1] < j.goal[0]);
	struct ao_key old = key_of(&w->addr[1], 10, 20, "a secret");

	CU_ASSERT_EQUAL(stack_ao_remove(w->stack[0], &old), ERR_INUSE);
	CU_ASSERT_EQUAL(sock_ao_set(w->stack[0], w->client, -1, 21), 0);
	twohosts_run(w, w->now + SEC);
	sock_info(w->stack[1], w->server, &s);
	CU_ASSERT_EQUAL(s.ao_current, 21);
	CU_ASSERT_EQUAL(s.ao_rnext, 10);
	CU_ASSERT_EQUAL(s.ao_rnextkeyid, 21);
	CU_ASSERT_EQUAL(stack_ao_remove(w->stack[0], &old), ERR_INUSE); /* it still signs */
	CU_ASSERT_EQUAL(sock_ao_set(w->stack[1], w->server, -1, 11), 0);
	twohosts_run(w, w->now + 60 * SEC);
	sock_info(w->stack[0], w->client, &c);
	CU_ASSERT_EQUAL(c.ao_current, 11);
	CU_ASSERT_EQUAL(c.ao_keyid, 21);
	CU_ASSERT_EQUAL(memcmp(j.keyids[0], "\12\13\0", 3), 0);
	CU_ASSERT_EQUAL(memcmp(j.keyids[1], "\24\25\0", 3), 0);
	CU_ASSERT_EQUAL(refused(w, 0) + refused(w, 1), 0);

	/* Nobody needs the first any more. */
	CU_ASSERT_EQUAL(stack_ao_remove(w->stack[0], &old), 0);
	CU_ASSERT_EQUAL(stack_ao_remove(w->stack[0], &old), ERR_INVAL);
	j.goal[1] += 10000;
	twohosts_run(w, w->now + 10 * SEC);
	CU_ASSERT_EQUAL(refused(w, 0) + refused(w, 1), 0);
	finish(w, &j);
}

static void an_old_segment_does_not_turn_the_key_back(void)
{
	struct job j = {.goal = {100000, 0}, .mess_side = 0, .mess_nth = 5, .keep = true};
	struct twohosts *w = begin_with_two_keys(&j);
	struct sock_info s;

	CU_ASSERT_TRUE_FATAL(twohosts_connect(w));
	twohosts_run(w, w->now + 10 * SEC);
	sock_ao_set(w->stack[0], w->client, -1, 21);
	j.goal[0] += 20000;
	twohosts_run(w, w->now + 10 * SEC);
	sock_info(w->stack[1], w->server, &s);
	CU_ASSERT_EQUAL(s.ao_current, 21);
	CU_ASSERT_EQUAL(j.kept_seg.opt.ao_rnextkeyid, 20);
	stack_input(w->stack[1], pkt_dup(j.kept), w->now);
	sock_info(w->stack[1], w->server, &s);
	CU_ASSERT_EQUAL(s.ao_current, 21);
	CU_ASSERT_EQUAL(refused(w, 1), 0); /* it was right; it is only late */
	finish(w, &j);
}

static void a_wish_for_an_unknown_key_changes_nothing(void)
{
	struct job j = {.goal = {50000, 50000}};
	struct twohosts *w = begin_with_keys(NULL, &j);
	struct sock_info s;

	CU_ASSERT_EQUAL(give_key(w, 0, 1, "the next"), 0);
	CU_ASSERT_TRUE_FATAL(twohosts_connect(w));
	CU_ASSERT_EQUAL(sock_ao_set(w->stack[0], w->client, -1, 21), 0);
	twohosts_run(w, w->now + 10 * SEC);
	sock_info(w->stack[1], w->server, &s);
	CU_ASSERT_EQUAL(s.ao_current, 20);
	CU_ASSERT_EQUAL(s.ao_rnextkeyid, 21);
	CU_ASSERT_EQUAL(refused(w, 0) + refused(w, 1), 0);
	finish(w, &j);
}

static void the_user_chooses_the_keys_of_the_syn(void)
{
	struct job j = {.goal = {1000, 1000}};
	struct twohosts *w = begin_with_two_keys(&j);
	sock_t other = sock_open(w->stack[0]);
	struct sock_info c, s;

	w->listener = sock_open(w->stack[1]);
	sock_bind(w->stack[1], w->listener, &(struct addr){{0}}, 80);
	sock_listen(w->stack[1], w->listener, 4);
	CU_ASSERT_EQUAL(sock_ao_set(w->stack[1], w->listener, 20, -1), ERR_OPNOTSUPP);
	CU_ASSERT_EQUAL(sock_ao_set(w->stack[0], other, 99, -1), 0);
	CU_ASSERT_EQUAL(sock_connect(w->stack[0], other, &w->addr[1], 80), ERR_INVAL);
	sock_close(w->stack[0], other);
	CU_ASSERT_EQUAL(sock_ao_set(w->stack[0], other, 10, -1), ERR_BADSOCK);

	w->client = sock_open(w->stack[0]);
	CU_ASSERT_EQUAL(sock_ao_set(w->stack[0], w->client, 256, -1), ERR_INVAL);
	CU_ASSERT_EQUAL(sock_ao_set(w->stack[0], w->client, 11, 20), 0);
	CU_ASSERT_EQUAL(sock_connect(w->stack[0], w->client, &w->addr[1], 80), 0);
	twohosts_run(w, w->now + SEC);
	w->server = sock_accept(w->stack[1], w->listener);
	CU_ASSERT_TRUE_FATAL(w->server);
	sock_info(w->stack[0], w->client, &c);
	sock_info(w->stack[1], w->server, &s);
	CU_ASSERT_EQUAL(j.syn[0].opt.ao_keyid, 11);
	CU_ASSERT_EQUAL(j.syn[0].opt.ao_rnextkeyid, 20);
	CU_ASSERT_EQUAL(j.syn[1].opt.ao_keyid, 20);
	CU_ASSERT_EQUAL(j.syn[1].opt.ao_rnextkeyid, 11);
	CU_ASSERT_EQUAL(c.ao_current, 11);
	CU_ASSERT_EQUAL(s.ao_rnext, 11);
	twohosts_run(w, w->now + SEC);
	finish(w, &j);
}

static void keys_that_make_no_sense_are_refused(void)
{
	struct job j = {0};
	struct twohosts *w = begin(NULL, &j);
	const struct ao_key good = key_of(&w->addr[1], 1, 2, "a secret");
	struct ao_key k;
	struct addr any = {{0}}, net = addr_v4(0x0a000000);
	static const struct ao_alg half = {.name = "half"};

#define ADD(field, value) (k = good, k.field = (value), stack_ao_add(w->stack[0], &k))
	CU_ASSERT_EQUAL(ADD(alg, NULL), ERR_INVAL);
	CU_ASSERT_EQUAL(ADD(alg, &half), ERR_INVAL);
	CU_ASSERT_EQUAL(ADD(master_len, 0), ERR_INVAL);
	CU_ASSERT_EQUAL(ADD(master_len, AO_MASTER_MAX + 1), ERR_INVAL);
	CU_ASSERT_EQUAL(ADD(prefix, 33), ERR_INVAL);
	CU_ASSERT_EQUAL(stack_ao_add(w->stack[0], &good), 0);

	/* RFC 5925 3.1: ids do not overlap where connections do. */
	CU_ASSERT_EQUAL(ADD(recv_id, 3), ERR_INUSE);
	CU_ASSERT_EQUAL(ADD(send_id, 3), ERR_INUSE);
	CU_ASSERT_EQUAL(ADD(port, 80), ERR_INUSE);
	CU_ASSERT_EQUAL((k = good, k.peer = net, k.prefix = 24, stack_ao_add(w->stack[0], &k)), ERR_INUSE);
	CU_ASSERT_EQUAL((k = good, k.peer = any, k.prefix = 0, stack_ao_add(w->stack[0], &k)), ERR_INUSE);
	CU_ASSERT_EQUAL(ADD(peer, addr_v4(0x0a000063)), 0);
	CU_ASSERT_EQUAL((k = good, k.port = 80, k.send_id = 3, k.recv_id = 4, stack_ao_add(w->stack[0], &k)), 0);
	CU_ASSERT_EQUAL((k = good, k.port = 81, k.send_id = 3, k.recv_id = 4, stack_ao_add(w->stack[0], &k)), 0);
	CU_ASSERT_EQUAL(ADD(peer, scan_addr("fd00::1")), 0);
#undef ADD
	twohosts_free(w);
}

static void the_table_of_keys_is_bounded(void)
{
	struct job j = {0};
	struct twohosts *w = begin(NULL, &j);
	struct addr peer;

	for (uint32_t i = 0; i <= AO_KEYS_MAX; i++) {
		struct ao_key k = key_of((peer = addr_v4(0x0b000000 + i), &peer), 1, 1, "a secret");

		CU_ASSERT_EQUAL(stack_ao_add(w->stack[0], &k), i < AO_KEYS_MAX ? 0 : ERR_NOMEM);
	}
	for (uint32_t i = 0; i < AO_KEYS_MAX; i++) {
		struct ao_key k = key_of((peer = addr_v4(0x0b000000 + i), &peer), 1, 1, "a secret");

		CU_ASSERT_EQUAL(stack_ao_remove(w->stack[0], &k), 0);
	}
	CU_ASSERT_FALSE(w->stack[0]->tcp.ao.on); /* nothing is looked at any more */
	twohosts_free(w);
}

static void without_memory_nothing_begins_unsigned(void)
{
	struct job j = {.goal = {1000, 0}};
	struct twohosts *w = begin_with_keys(NULL, &j);
	sock_t s = sock_open(w->stack[0]);

	w->stack[0]->tcp.ao.states.fail_in = 1;
	CU_ASSERT_EQUAL(sock_connect(w->stack[0], s, &w->addr[1], 80), ERR_NOMEM);
	sock_close(w->stack[0], s);
	w->stack[1]->tcp.ao.states.fail_in = 1;
	CU_ASSERT_TRUE(twohosts_connect(w)); /* the SYN was dropped, and came again */
	CU_ASSERT_EQUAL(j.unsigned_segs, 0);
	twohosts_run(w, w->now + SEC);
	finish(w, &j);
}

/* A connection keeps what it began with. */
static void a_key_that_comes_later_is_for_later_connections(void)
{
	struct job j = {.goal = {20000, 20000}};
	struct twohosts *w = begin(NULL, &j);
	struct sock_info c;

	CU_ASSERT_TRUE_FATAL(twohosts_connect(w));
	CU_ASSERT_EQUAL(give_key(w, 0, 0, "a secret"), 0);
	CU_ASSERT_EQUAL(give_key(w, 1, 0, "a secret"), 0);
	CU_ASSERT_EQUAL(sock_ao_set(w->stack[0], w->client, 10, -1), ERR_OPNOTSUPP);
	twohosts_run(w, w->now + 10 * SEC);
	sock_info(w->stack[0], w->client, &c);
	CU_ASSERT_FALSE(c.ao);
	CU_ASSERT_EQUAL(j.unsigned_segs, j.segs);
	CU_ASSERT_EQUAL(refused(w, 0) + refused(w, 1), 0);
	finish(w, &j);
}

/* ---- around connections ---- */

static void time_wait_answers_signed_and_lets_in_only_what_is(void)
{
	struct job j = {.goal = {1000, 1000}};
	struct twohosts *w = begin_with_keys(NULL, &j);
	struct sock_info c;

	CU_ASSERT_TRUE_FATAL(twohosts_connect(w));
	twohosts_run(w, w->now + SEC);
	sock_info(w->stack[0], w->client, &c);
	sock_shutdown(w->stack[0], w->client);
	twohosts_run(w, w->now + SEC);
	sock_close(w->stack[1], w->server);
	twohosts_run(w, w->now + SEC);
	CU_ASSERT_EQUAL(w->stack[0]->tcp.ntw, 1);

	/* What is forged: neither an answer nor a new connection. */
	uint64_t said = stack_counters(w->stack[0])->tcp_out;

	forge(w, 0, TH_FIN | TH_ACK, c.rcv_nxt - 5, c.snd_nxt);
	forge(w, 0, TH_SYN, c.rcv_nxt + 100000, 0);
	forge(w, 0, TH_RST, c.rcv_nxt + 1, 0);
	CU_ASSERT_EQUAL(stack_counters(w->stack[0])->ao_missing, 3);
	CU_ASSERT_EQUAL(stack_counters(w->stack[0])->tcp_out, said);
	CU_ASSERT_EQUAL(w->stack[0]->tcp.ntw, 1);
	CU_ASSERT_EQUAL(j.unsigned_segs, 0);
	sock_close(w->stack[0], w->client);
	twohosts_run(w, w->now + 100 * SEC);
	CU_ASSERT_EQUAL(w->stack[0]->tcp.ao.states.used, 0);
	twohosts_free(w);
}

/* The server's FIN again, since the ACK of it was lost: TIME-WAIT says it once more, signed. */
static bool lose_the_last_ack(struct twohosts *w, int side, const struct pkt *p, const struct seg *g, ns_t now)
{
	struct job *j = w->arg;

	watch(w, side, p, g, now);
	return side == 0 && w->stack[0]->tcp.ntw && j->changed && (j->changed = false, true);
}

static void the_ack_of_a_repeated_fin_is_signed(void)
{
	struct job j = {.goal = {1000, 1000}};
	struct twohosts *w = begin_with_keys(NULL, &j);

	CU_ASSERT_TRUE_FATAL(twohosts_connect(w));
	twohosts_run(w, w->now + SEC);
	j.changed = true;
	w->wire = lose_the_last_ack;
	sock_close(w->stack[0], w->client);
	twohosts_run(w, w->now + SEC);
	sock_close(w->stack[1], w->server);
	twohosts_run(w, w->now + 5 * SEC);
	CU_ASSERT_EQUAL(w->lost, 1);
	CU_ASSERT_EQUAL(w->stack[1]->tcp.flows.n, 0); /* LAST-ACK is over */
	CU_ASSERT_EQUAL(j.unsigned_segs + refused(w, 0) + refused(w, 1), 0);
	twohosts_free(w);
}

static void a_cookie_brings_the_keys_back(void)
{
	struct job j = {.goal = {20000, 20000}};
	struct twohosts *w = begin_with_two_keys(&j);
	struct sock_info s;

	w->stack[1]->tcp.max_half = 0; /* every SYN is answered with a cookie */
	CU_ASSERT_TRUE_FATAL(twohosts_connect(w));
	CU_ASSERT_EQUAL(stack_counters(w->stack[1])->tcp_syn_cookies_ok, 1);
	sock_info(w->stack[1], w->server, &s);
	CU_ASSERT_TRUE(s.ao && s.wscale && s.sack);
	CU_ASSERT_EQUAL(s.ao_current, 20);
	CU_ASSERT_EQUAL(s.mss, 1460 - 12 - 16);
	twohosts_run(w, w->now + 10 * SEC);
	CU_ASSERT_EQUAL(j.unsigned_segs + refused(w, 0) + refused(w, 1), 0);
	finish(w, &j);
}

static void a_forged_ack_of_a_cookie_opens_nothing(void)
{
	struct job j = {0};
	struct twohosts *w = begin_with_keys(NULL, &j);

	w->stack[1]->tcp.max_half = 0;
	CU_ASSERT_TRUE_FATAL(twohosts_connect(w));
	sock_abort(w->stack[0], w->client);
	twohosts_run(w, w->now + SEC);
	uint64_t said = stack_counters(w->stack[1])->tcp_out;

	forge(w, 1, TH_ACK, 1000, 2000);
	CU_ASSERT_EQUAL(stack_counters(w->stack[1])->ao_missing, 1);
	CU_ASSERT_EQUAL(stack_counters(w->stack[1])->tcp_out, said);
	twohosts_free(w);
}

static void fast_open_gives_way(void)
{
	struct job j = {.goal = {3000, 3000}};
	struct tcp_config cfg;

	tcp_config_default(&cfg);
	cfg.fastopen = true;
	struct twohosts *w = begin_with_keys(&cfg, &j);

	w->listener = sock_open(w->stack[1]);
	sock_bind(w->stack[1], w->listener, &(struct addr){{0}}, 80);
	sock_listen(w->stack[1], w->listener, 4);
	w->client = sock_open(w->stack[0]);
	CU_ASSERT_TRUE(sock_connect_data(w->stack[0], w->client, &w->addr[1], 80, "", 0) >= 0);
	twohosts_run(w, w->now + SEC);
	w->server = sock_accept(w->stack[1], w->listener);
	CU_ASSERT_TRUE(w->server);
	CU_ASSERT_FALSE(j.syn[0].opt.has_tfo || j.syn[1].opt.has_tfo);
	CU_ASSERT_TRUE(j.syn[0].opt.has_ao && j.syn[1].opt.has_ao);
	twohosts_run(w, w->now + SEC);
	finish(w, &j);
}

/* Both ends connect: two SYNs cross, each signed by the key that knows no number of the other end. */
static void a_simultaneous_open_is_signed(void)
{
	struct job j = {.goal = {3000, 3000}};
	struct twohosts *w = begin_with_keys(NULL, &j);
	struct addr any = {{0}};

	w->client = sock_open(w->stack[0]);
	w->server = sock_open(w->stack[1]);
	sock_bind(w->stack[0], w->client, &any, 1000);
	sock_bind(w->stack[1], w->server, &any, 2000);
	CU_ASSERT_EQUAL(sock_connect(w->stack[0], w->client, &w->addr[1], 2000), 0);
	CU_ASSERT_EQUAL(sock_connect(w->stack[1], w->server, &w->addr[0], 1000), 0);
	twohosts_run(w, w->now + 10 * SEC);
	CU_ASSERT_EQUAL(j.unsigned_segs + refused(w, 0) + refused(w, 1), 0);
	finish(w, &j);
}

/* RFC 5925 7.8. The router's word is as good as anybody's. */
static void icmp(struct twohosts *w, uint8_t type, uint8_t code, uint16_t mtu)
{
	struct sock_info i;
	uint8_t frame[ETH_LEN + 20 + 8 + 28] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 56, 0, 1, 0, 0, 64, 1};
	uint8_t *ip = frame + ETH_LEN, *m = ip + 20, *in = m + 8;

	sock_info(w->stack[0], w->client, &i);
	wr32(ip + 12, addr_to_v4(&w->addr[1]));
	wr32(ip + 16, addr_to_v4(&w->addr[0]));
	wr16(ip + 10, (uint16_t)~csum_fold(csum_add(0, ip, 20)));
	m[0] = type;
	m[1] = code;
	wr16(m + 6, mtu);
	in[0] = 0x45;
	wr16(in + 2, 1500);
	in[8] = 64;
	in[9] = 6;
	wr32(in + 12, addr_to_v4(&w->addr[0]));
	wr32(in + 16, addr_to_v4(&w->addr[1]));
	wr16(in + 10, (uint16_t)~csum_fold(csum_add(0, in, 20)));
	wr16(in + 20, i.lport);
	wr16(in + 22, i.rport);
	wr32(in + 24, i.snd_una);
	wr16(m + 2, (uint16_t)~csum_fold(csum_add(0, m, 36)));
	stack_input(w->stack[0], pkt_of_bytes(&w->pool, frame, sizeof(frame)), w->now);
}

static void icmp_that_anybody_can_send_counts_only_if_the_user_says_so(void)
{
	for (int heed = 0; heed < 2; heed++) {
		struct job j = {.goal = {2000000, 0}};
		struct tcp_config cfg;
		struct sock_info c;

		tcp_config_default(&cfg);
		cfg.ao_icmp = heed;
		struct twohosts *w = begin_with_keys(&cfg, &j);

		w->client = sock_open(w->stack[0]);
		CU_ASSERT_EQUAL(sock_connect(w->stack[0], w->client, &w->addr[1], 80), 0);
		icmp(w, 3, 3, 0); /* port unreachable, while it opens */
		CU_ASSERT_EQUAL(sock_error(w->stack[0], w->client), heed ? ERR_REFUSED : 0);
		sock_close(w->stack[0], w->client);

		CU_ASSERT_TRUE_FATAL(twohosts_connect(w));
		twohosts_run(w, w->now + 25 * MS);
		icmp(w, 3, 4, 1000); /* fragmentation needed */
		icmp(w, 3, 2, 0);    /* protocol unreachable */
		sock_info(w->stack[0], w->client, &c);
		CU_ASSERT_EQUAL(c.pmtu, heed ? 1000 : 1500);
		CU_ASSERT_EQUAL(c.trouble, heed ? ERR_UNREACH : 0);
		CU_ASSERT_EQUAL(stack_counters(w->stack[0])->icmp_to_tcp_ignored, heed ? 0 : 3);
		twohosts_run(w, w->now + 60 * SEC);
		finish(w, &j);
	}
}

/* The peer lost its memory and connects anew from the same port: its SYN is signed, and so is our answer,
 * which it cannot check, having no number of ours. RFC 5925 7.7 leaves such a connection to its timers. */
static void a_challenge_ack_is_signed(void)
{
	struct job j = {.mess_side = 0, .keep = true};
	struct tcp_config cfg;

	tcp_config_default(&cfg);
	cfg.timestamps = false; /* or the old timestamp would do */
	struct twohosts *w = begin_with_keys(&cfg, &j);

	CU_ASSERT_TRUE_FATAL(twohosts_connect(w));
	CU_ASSERT_PTR_NOT_NULL_FATAL(j.kept);
	uint64_t said = stack_counters(w->stack[1])->tcp_out;

	stack_input(w->stack[1], pkt_dup(j.kept), w->now); /* the SYN, repeated by somebody */
	twohosts_run(w, w->now + SEC);
	CU_ASSERT_EQUAL(stack_counters(w->stack[1])->tcp_challenge, 1);
	CU_ASSERT_EQUAL(stack_counters(w->stack[1])->tcp_out, said + 1);
	CU_ASSERT_EQUAL(j.unsigned_segs, 0);
	finish(w, &j);
}

static void one_host_speaks_with_and_without(void)
{
	struct job j = {.goal = {3000, 3000}};
	struct twohosts *w = begin(NULL, &j);
	struct addr peer = addr_v4(0x0a000077);
	struct ao_key k = key_of(&peer, 1, 2, "of somebody else");

	CU_ASSERT_EQUAL(stack_ao_add(w->stack[0], &k), 0);
	CU_ASSERT_EQUAL(stack_ao_add(w->stack[1], &k), 0);
	CU_ASSERT_TRUE_FATAL(twohosts_connect(w));
	twohosts_run(w, w->now + SEC);
	CU_ASSERT_EQUAL(j.unsigned_segs, j.segs);
	CU_ASSERT_EQUAL(refused(w, 0) + refused(w, 1), 0);
	finish(w, &j);
}

static const struct test_case cases[] = {
	TEST(the_packets_of_rfc_9235_have_right_macs),
	TEST(every_segment_is_signed_and_losses_are_repaired),
	TEST(the_option_has_its_room),
	TEST(each_byte_is_covered),
	TEST(a_translated_handshake_is_refused),
	TEST(who_has_another_key_or_none_is_not_answered),
	TEST(without_a_key_a_signed_syn_is_taken_unless_the_user_would_not),
	TEST(what_is_forged_has_no_effect_and_no_answer),
	TEST(a_signed_reset_ends_the_connection),
	TEST(a_refusal_is_signed),
	TEST(the_numbers_wrap_in_both_directions),
	TEST(a_segment_of_the_last_round_is_refused),
	TEST(keys_roll_over_while_text_flows),
	TEST(an_old_segment_does_not_turn_the_key_back),
	TEST(a_wish_for_an_unknown_key_changes_nothing),
	TEST(the_user_chooses_the_keys_of_the_syn),
	TEST(keys_that_make_no_sense_are_refused),
	TEST(the_table_of_keys_is_bounded),
	TEST(without_memory_nothing_begins_unsigned),
	TEST(a_key_that_comes_later_is_for_later_connections),
	TEST(time_wait_answers_signed_and_lets_in_only_what_is),
	TEST(the_ack_of_a_repeated_fin_is_signed),
	TEST(a_cookie_brings_the_keys_back),
	TEST(a_forged_ack_of_a_cookie_opens_nothing),
	TEST(fast_open_gives_way),
	TEST(a_simultaneous_open_is_signed),
	TEST(icmp_that_anybody_can_send_counts_only_if_the_user_says_so),
	TEST(a_challenge_ack_is_signed),
	TEST(one_host_speaks_with_and_without),
};
TEST_SUITE(tcp_ao, cases);
