/* Whole connections between two of our stacks: handshake, bulk both ways, loss, teardown, with the
 * invariants checked after every turn and the bytes compared. */
#include "../lib/test.h"
#include "../lib/twohosts.h"

#include <string.h>

#include "../../stack/base/rng.h"

static uint8_t pattern(uint64_t pos)
{
	return (uint8_t)(pos * 131 + (pos >> 8) * 31 + 7);
}

struct job {
	uint64_t goal[2], sent[2], got[2];
	uint64_t urgent, urgent_to; /* the client's first bytes are urgent; how far the server knew of it */
	bool shut[2], wrong;
	uint32_t loss_ppb;
	struct rng rng;
};

/* The pointer never lies beyond what was said to be urgent, nor behind what was read. */
static void look_for_urgent(struct twohosts *w, struct job *j)
{
	struct sock_info i;

	if (sock_info(w->stack[1], w->server, &i) || !i.urgent)
		return;
	j->urgent_to = j->got[1] + i.urgent;
	j->wrong |= j->got[1] >= j->urgent || j->urgent_to > j->urgent;
}

static bool app(struct twohosts *w)
{
	struct job *j = w->arg;
	bool moved = false;

	for (int i = 0; i < 2; i++) {
		sock_t s = i ? w->server : w->client;
		struct sock_event ev[8];
		uint8_t buf[4096];

		while (stack_events(w->stack[i], ev, 8))
			;
		if (!s || !w->server)
			continue;
		while (j->sent[i] < j->goal[i]) {
			size_t n = j->goal[i] - j->sent[i] < sizeof(buf) ? j->goal[i] - j->sent[i] : sizeof(buf);

			for (size_t k = 0; k < n; k++)
				buf[k] = pattern(j->sent[i] + k);
			bool urgent = i == 0 && j->sent[0] < j->urgent;

			if (urgent && n > j->urgent - j->sent[0])
				n = j->urgent - j->sent[0];
			int64_t took = (urgent ? sock_send_urgent : sock_send)(w->stack[i], s, buf, n);

			if (took <= 0)
				break;
			j->sent[i] += (uint64_t)took;
			moved = true;
		}
		if (j->sent[i] == j->goal[i] && !j->shut[i]) {
			sock_shutdown(w->stack[i], s);
			j->shut[i] = moved = true;
		}
		for (;;) {
			if (i == 1)
				look_for_urgent(w, j);
			int64_t n = sock_recv(w->stack[i], s, buf, sizeof(buf));

			if (n <= 0)
				break;
			for (int64_t k = 0; k < n; k++)
				j->wrong |= buf[k] != pattern(j->got[i] + (uint64_t)k);
			j->got[i] += (uint64_t)n;
			moved = true;
		}
	}
	return moved;
}

static bool lossy(struct twohosts *w, int side, const struct pkt *p, const struct seg *g, ns_t now)
{
	struct job *j = w->arg;

	(void)side, (void)p, (void)now;
	return g && rng_chance(&j->rng, j->loss_ppb);
}

static struct sock_info transfer(const struct tcp_config *cfg, uint64_t bytes, uint32_t loss_ppb, uint64_t seed)
{
	struct job j = {.goal = {bytes, bytes / 2}, .loss_ppb = loss_ppb};
	struct twohosts *w = twohosts_new(seed, cfg, cfg);
	struct sock_info info;

	rng_init(&j.rng, seed, "loss");
	w->arg = &j;
	w->app = app;
	w->wire = lossy;
	w->rate = 12500000;
	CU_ASSERT_FATAL(twohosts_connect(w));
	twohosts_run(w, w->now + 600 * SEC);
	sock_info(w->stack[0], w->client, &info);
	CU_ASSERT_EQUAL(j.got[1], bytes);
	CU_ASSERT_EQUAL(j.got[0], bytes / 2);
	CU_ASSERT_FALSE(j.wrong);
	sock_close(w->stack[0], w->client);
	sock_close(w->stack[1], w->server);
	twohosts_run(w, w->now + 300 * SEC);
	twohosts_free(w);
	return info;
}

static void clean_path_moves_every_byte_once(void)
{
	struct tcp_config cfg;

	tcp_config_default(&cfg);
	struct sock_info i = transfer(&cfg, 1000000, 0, 1);

	CU_ASSERT_EQUAL(i.bytes_retrans, 0);
	CU_ASSERT_EQUAL(i.timeouts, 0);
	CU_ASSERT_EQUAL(i.bytes_acked, 1000000);
}

static void every_recovery_survives_loss_at_both_wraps(void)
{
	static const struct {
		const char *name;
		enum tcp_recovery recovery;
		enum tcp_cc_kind cc;
		bool sack;
	} rows[] = {
		{"rack cubic", RECOVERY_RACK, CC_CUBIC, true},  {"rack reno", RECOVERY_RACK, CC_RENO, true},
		{"sack reno", RECOVERY_SACK, CC_RENO, true},    {"newreno", RECOVERY_NEWRENO, CC_RENO, false},
		{"reno", RECOVERY_RENO, CC_RENO, true},         {"go back n", RECOVERY_GOBACKN, CC_RENO, true},
		{"tahoe", RECOVERY_NEWRENO, CC_TAHOE, false},   {"bbr", RECOVERY_RACK, CC_BBR, true},
		{"no sack rack", RECOVERY_RACK, CC_CUBIC, false},
	};
	static const uint32_t isn[] = {0x7fff8000u, 0xffff8000u};

	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++)
		for (size_t k = 0; k < 2; k++)
			for (uint64_t seed = 1; seed <= 3; seed++) {
				struct tcp_config cfg;

				tcp_config_default(&cfg);
				cfg.recovery = rows[r].recovery;
				cfg.cc = rows[r].cc;
				cfg.sack = rows[r].sack;
				cfg.isn_is_fixed = true;
				cfg.isn_fixed = isn[k];
				struct sock_info i = transfer(&cfg, 300000, 50000000, seed);

				if (i.bytes_acked != 300000)
					FAIL_ROW(rows[r].name);
			}
}

static void urgent_data_survive_loss_and_stay_in_line(void)
{
	struct job j = {.goal = {400000, 0}, .urgent = 150000, .loss_ppb = 30000000};
	struct twohosts *w = twohosts_new(3, NULL, NULL);

	rng_init(&j.rng, 3, "urgent");
	w->arg = &j;
	w->app = app;
	CU_ASSERT_TRUE_FATAL(twohosts_connect(w));
	w->wire = lossy;
	twohosts_run(w, 120 * SEC);
	CU_ASSERT_EQUAL(j.got[1], 400000);
	CU_ASSERT_FALSE(j.wrong);
	CU_ASSERT_EQUAL(j.urgent_to, 150000);
	twohosts_free(w);
}

static const struct test_case cases[] = {
	TEST(urgent_data_survive_loss_and_stay_in_line),
	TEST(clean_path_moves_every_byte_once),
	TEST(every_recovery_survives_loss_at_both_wraps),
};
TEST_SUITE(tcp_transfer, cases);
