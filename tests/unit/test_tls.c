/* Sessions back to back in memory: every byte between them passes through the test, which cuts it,
 * delays it, changes it, or compares it with the last run's. */
#include "../../tls/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/test.h"
#include "base/check.h"

#define DEMO "sim/scenarios/pki/"
#define NOW 1790000000 /* September 2026 */
#define WIRE 65536

/* One direction: what was pulled but not taken yet, what went by in all, and the faults. */
struct wire {
	uint8_t queue[WIRE], log[WIRE];
	size_t queued, total;
	size_t step;    /* bytes offered at a time; 0: all */
	size_t cut;     /* nothing passes after so many bytes; 0: never */
	size_t flip_at; /* 1 + offset of the byte in which one bit changes; 0: none */
	uint8_t flip_bit;
};

struct duo {
	struct tls_config cc, sc;
	struct tls_creds *ccreds, *screds;
	struct tls_anchors *anchors;
	struct tls *c, *s;
	struct wire cs, sc_wire;
};

static struct tls_creds *creds(const char *cert, const char *key)
{
	char err[512];
	struct tls_creds *c = tls_creds_load(cert, key, err, sizeof(err));

	if (!c) {
		fprintf(stderr, "%s\n", err);
		abort();
	}
	return c;
}

static struct tls_anchors *anchors(const char *file)
{
	char err[512];
	struct tls_anchors *a = tls_anchors_load(file, err, sizeof(err));

	if (!a) {
		fprintf(stderr, "%s\n", err);
		abort();
	}
	return a;
}

/* Mutual authentication with the demonstration certificates. */
static void duo_init(struct duo *d)
{
	memset(d, 0, sizeof(*d));
	d->ccreds = creds(DEMO "client.pem", DEMO "client.key");
	d->screds = creds(DEMO "server.pem", DEMO "server.key");
	d->anchors = anchors(DEMO "ca.pem");
	tls_config_default(&d->cc, TLS_CLIENT);
	tls_config_default(&d->sc, TLS_SERVER);
	d->cc.creds = d->ccreds;
	d->sc.creds = d->screds;
	d->cc.anchors = d->sc.anchors = d->anchors;
	d->cc.server_name = "example.com";
	d->sc.client_auth = TLS_AUTH_REQUIRE;
	d->cc.unix_time = d->sc.unix_time = NOW;
	tls_make_deterministic(&d->cc, 1, "test/client");
	tls_make_deterministic(&d->sc, 1, "test/server");
}

static void duo_start(struct duo *d)
{
	char err[256] = "";

	d->c = tls_new(&d->cc, err, sizeof(err));
	d->s = tls_new(&d->sc, err, sizeof(err));
	CU_ASSERT_STRING_EQUAL(err, "");
	if (!d->c || !d->s)
		abort();
}

static void duo_end(struct duo *d)
{
	tls_free(d->c);
	tls_free(d->s);
	tls_creds_free(d->ccreds);
	tls_creds_free(d->screds);
	tls_anchors_free(d->anchors);
}

static bool move(struct tls *from, struct tls *to, struct wire *w)
{
	uint8_t buf[4096];
	size_t n = tls_pull(from, buf, sizeof(buf)), fed = 0;

	if (w->flip_at > w->total && w->flip_at <= w->total + n)
		buf[w->flip_at - 1 - w->total] ^= (uint8_t)(1 << w->flip_bit);
	size_t pass = !w->cut || w->total + n <= w->cut ? n : w->total < w->cut ? w->cut - w->total : 0;

	assert(w->total + n <= WIRE && w->queued + pass <= WIRE);
	memcpy(w->log + w->total, buf, n);
	w->total += n;
	memcpy(w->queue + w->queued, buf, pass);
	w->queued += pass;
	while (fed < w->queued) {
		size_t part = w->step && w->step < w->queued - fed ? w->step : w->queued - fed;
		size_t took = tls_feed(to, w->queue + fed, part);

		fed += took;
		if (took < part)
			break;
	}
	memmove(w->queue, w->queue + fed, w->queued - fed);
	w->queued -= fed;
	return n > 0 || fed > 0;
}

/* Until nothing moves any more. */
static void shuttle(struct duo *d)
{
	bool moved;

	do {
		moved = move(d->c, d->s, &d->cs);
		moved |= move(d->s, d->c, &d->sc_wire);
	} while (moved);
}

static bool up(struct tls *t)
{
	return tls_state(t) == TLS_OPEN;
}

static void mutual_handshake_data_and_close(void)
{
	struct duo d;
	char buf[64];

	duo_init(&d);
	duo_start(&d);
	CU_ASSERT_PTR_NULL(tls_info(d.c));

	shuttle(&d);
	CU_ASSERT_TRUE(up(d.c) && up(d.s));
	CU_ASSERT_STRING_EQUAL(tls_info(d.c)->suite, "ECDHE-ECDSA-AES128-GCM-SHA256");
	CU_ASSERT_STRING_EQUAL(tls_info(d.s)->suite, "ECDHE-ECDSA-AES128-GCM-SHA256");
	CU_ASSERT_STRING_EQUAL(tls_info(d.s)->curve, "X25519");
	CU_ASSERT_STRING_EQUAL(tls_info(d.s)->server_name, "example.com");
	CU_ASSERT_TRUE(tls_info(d.s)->peer_authenticated);
	CU_ASSERT_EQUAL(tls_write(d.c, "hello", 5), 5);
	CU_ASSERT_EQUAL(tls_write(d.s, "Welcome to Server!", 18), 18);
	shuttle(&d);
	CU_ASSERT_EQUAL(tls_read(d.s, buf, sizeof(buf)), 5);
	CU_ASSERT_EQUAL(memcmp(buf, "hello", 5), 0);
	CU_ASSERT_EQUAL(tls_read(d.c, buf, sizeof(buf)), 18);
	CU_ASSERT_EQUAL(memcmp(buf, "Welcome to Server!", 18), 0);
	tls_close(d.c);
	shuttle(&d);

	CU_ASSERT_EQUAL(tls_verdict(d.c), TLS_CLEAN);
	CU_ASSERT_EQUAL(tls_verdict(d.s), TLS_CLEAN);
	CU_ASSERT_TRUE(tls_done(d.c) && tls_done(d.s));
	CU_ASSERT_EQUAL(tls_alert_sent(d.c), -1);
	duo_end(&d);
}

static const struct test_case cases[] = {
	TEST(mutual_handshake_data_and_close),
};
TEST_SUITE(tls, cases);
