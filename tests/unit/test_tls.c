#include "../../tls/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bearssl.h>

#include "../../tls/session.h" /* to make a peer that does what ours never would */
#include "../lib/duo.h"
#include "../lib/test.h"
#include "base/check.h"

static size_t read_all(struct tls *t, void *to, size_t cap)
{
	size_t n = 0, k;

	while ((k = tls_read(t, (uint8_t *)to + n, cap - n)) > 0)
		n += k;
	return n;
}

static void open_duo(struct duo *d)
{
	duo_init(d);
	duo_start(d);
	duo_shuttle(d);
	CU_ASSERT_TRUE(duo_open(d->c) && duo_open(d->s));
}

static void mutual_handshake_then_data_then_close(void)
{
	struct duo d;
	char buf[64];

	duo_init(&d);
	duo_start(&d);
	CU_ASSERT_EQUAL(tls_state(d.c), TLS_HANDSHAKE);
	CU_ASSERT_PTR_NULL(tls_info(d.c));
	CU_ASSERT_EQUAL(tls_write(d.c, "early", 5), 0);

	duo_shuttle(&d);
	CU_ASSERT_TRUE(duo_open(d.c) && duo_open(d.s));
	CU_ASSERT_STRING_EQUAL(tls_info(d.c)->version, "TLSv1.2");
	CU_ASSERT_STRING_EQUAL(tls_info(d.c)->suite, "ECDHE-ECDSA-AES128-GCM-SHA256");
	CU_ASSERT_STRING_EQUAL(tls_info(d.s)->suite, "ECDHE-ECDSA-AES128-GCM-SHA256");
	CU_ASSERT_STRING_EQUAL(tls_info(d.s)->curve, "X25519");
	CU_ASSERT_STRING_EQUAL(tls_info(d.s)->server_name, "example.com");
	CU_ASSERT_TRUE(tls_info(d.s)->peer_authenticated && tls_info(d.c)->peer_authenticated);
	CU_ASSERT_EQUAL(tls_write(d.c, "hello", 5), 5);
	CU_ASSERT_EQUAL(tls_write(d.s, "Welcome to Server!", 18), 18);
	duo_shuttle(&d);
	CU_ASSERT_EQUAL(tls_read(d.s, buf, sizeof(buf)), 5);
	CU_ASSERT_EQUAL(memcmp(buf, "hello", 5), 0);
	CU_ASSERT_EQUAL(tls_read(d.c, buf, sizeof(buf)), 18);
	CU_ASSERT_EQUAL(memcmp(buf, "Welcome to Server!", 18), 0);
	tls_close(d.c);
	CU_ASSERT_EQUAL(tls_state(d.c), TLS_CLOSING);
	CU_ASSERT_EQUAL(tls_write(d.c, "late", 4), 0);
	duo_shuttle(&d);

	CU_ASSERT_EQUAL(tls_verdict(d.c), TLS_CLEAN);
	CU_ASSERT_EQUAL(tls_verdict(d.s), TLS_CLEAN);
	CU_ASSERT_TRUE(tls_done(d.c) && tls_done(d.s));
	CU_ASSERT_EQUAL(tls_alert_sent(d.c), -1);
	CU_ASSERT_EQUAL(tls_alert_received(d.c), -1);
	duo_end(&d);
}

static void every_kind_of_key_and_chain_serves(void)
{
	static const struct {
		const char *creds, *anchors, *suite;
	} rows[] = {
		{DEMO "server", DEMO "ca.pem", "ECDHE-ECDSA-AES128-GCM-SHA256"},
		{PKI "rsa", PKI "root.pem", "ECDHE-RSA-AES128-GCM-SHA256"},
		{PKI "p384", PKI "root.pem", "ECDHE-ECDSA-AES128-GCM-SHA256"},
		{PKI "seed", PKI "seed.pem", "ECDHE-RSA-AES128-GCM-SHA256"},
		{PKI "chain3", PKI "root.pem", "ECDHE-ECDSA-AES128-GCM-SHA256"},
		{PKI "chain16", PKI "root.pem", "ECDHE-ECDSA-AES128-GCM-SHA256"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct duo d;

		duo_init(&d);
		d.sc.creds = duo_creds(rows[i].creds);
		d.cc.anchors = duo_anchors(rows[i].anchors);
		/* The same certificate as a client's, where its use allows. */
		if (i > 0) {
			d.cc.creds = d.sc.creds;
			d.sc.anchors = d.cc.anchors;
		}
		duo_start(&d);
		duo_shuttle(&d);
		if (!duo_open(d.c) || !duo_open(d.s)) {
			CU_FAIL(rows[i].creds);
			printf("%s: client: %s; server: %s\n", rows[i].creds, tls_text(d.c), tls_text(d.s));
		} else {
			CU_ASSERT_STRING_EQUAL(tls_info(d.c)->suite, rows[i].suite);
		}
		duo_end(&d);
	}
}

static void same_inputs_give_the_same_bytes(void)
{
	static struct duo first, again;

	for (size_t step = 0; step < 3; step++) { /* any segmentation, one byte a time included */
		for (int run = 0; run < 2; run++) {
			struct duo *d = run ? &again : &first;
			char buf[64];

			duo_init(d);
			d->up.step = d->down.step = run ? step : 0;
			duo_start(d);
			duo_shuttle(d);
			tls_write(d->c, "hello", 5);
			tls_write(d->s, "Welcome to Server!", 18);
			duo_shuttle(d);
			read_all(d->c, buf, sizeof(buf));
			read_all(d->s, buf, sizeof(buf));
			tls_close(d->s);
			duo_shuttle(d);
			CU_ASSERT_EQUAL(tls_verdict(d->c), TLS_CLEAN);
			duo_end(d);
		}
		CU_ASSERT_TRUE(first.up.total > 800 && first.down.total > 800);
		CU_ASSERT_EQUAL(first.up.total, again.up.total);
		CU_ASSERT_EQUAL(first.down.total, again.down.total);
		CU_ASSERT_EQUAL(memcmp(first.up.log, again.up.log, first.up.total), 0);
		CU_ASSERT_EQUAL(memcmp(first.down.log, again.down.log, first.down.total), 0);
	}

	duo_init(&again); /* and another seed gives others */
	tls_make_deterministic(&again.cc, 2, "test/client");
	duo_start(&again);
	duo_shuttle(&again);
	CU_ASSERT_NOT_EQUAL(memcmp(first.up.log, again.up.log, 64), 0);
	duo_end(&again);
}

/* The length of each direction's bytes of the standard handshake. */
static void handshake_length(size_t *up, size_t *down)
{
	struct duo d;

	open_duo(&d);
	*up = d.up.total;
	*down = d.down.total;
	duo_end(&d);
}

static void a_cut_handshake_is_never_clean(void)
{
	size_t len[2];

	handshake_length(&len[0], &len[1]);
	for (int dir = 0; dir < 2; dir++)
		for (size_t at = 0; at < len[dir]; at += at < 64 || at + 64 > len[dir] ? 1 : 7) {
			struct duo d;

			duo_init(&d);
			struct duo_wire *w = dir ? &d.down : &d.up;

			w->is_cut = true;
			w->cut = at;
			duo_start(&d);
			duo_shuttle(&d);
			struct tls *receiver = dir ? d.c : d.s;

			CU_ASSERT_EQUAL(tls_state(receiver), TLS_HANDSHAKE);
			tls_eof(receiver);
			CU_ASSERT_EQUAL(tls_verdict(receiver), TLS_TRUNCATED);
			CU_ASSERT_PTR_NOT_NULL(strstr(tls_text(receiver), "during the handshake"));
			duo_end(&d);
		}
}

static void a_cut_after_the_handshake_is_truncated(void)
{
	struct duo d;
	size_t start, whole;
	char buf[64];

	open_duo(&d); /* how long is the rest? */
	start = d.down.total;
	tls_write(d.s, "data", 4);
	duo_shuttle(&d);
	read_all(d.c, buf, sizeof(buf));
	tls_close(d.s);
	duo_shuttle(&d);
	whole = d.down.total;
	CU_ASSERT_EQUAL(tls_verdict(d.c), TLS_CLEAN);
	duo_end(&d);

	for (size_t at = start; at < whole; at++) {
		duo_init(&d);
		d.down.is_cut = true;
		d.down.cut = at;
		duo_start(&d);
		duo_shuttle(&d);
		tls_write(d.s, "data", 4);
		duo_shuttle(&d);
		size_t n = read_all(d.c, buf, sizeof(buf));

		CU_ASSERT_TRUE(n == 0 || (n == 4 && memcmp(buf, "data", 4) == 0));
		tls_close(d.s);
		duo_shuttle(&d);
		tls_eof(d.c);
		CU_ASSERT_EQUAL(tls_verdict(d.c), TLS_TRUNCATED);
		duo_end(&d);
	}
}

static void a_flipped_bit_never_leaves_both_sides_up(void)
{
	size_t len[2];

	handshake_length(&len[0], &len[1]);
	for (int dir = 0; dir < 2; dir++)
		for (size_t at = 0; at < len[dir]; at += at < 80 ? 1 : 5) {
			struct duo d;

			/* The minor version of the first record is not authenticated, by design. */
			if (dir == 0 && at == 2)
				continue;
			duo_init(&d);
			struct duo_wire *w = dir ? &d.down : &d.up;

			w->flip_at = at + 1;
			w->flip_mask = (uint8_t)(1 << at % 8);
			duo_start(&d);
			duo_shuttle(&d);
			CU_ASSERT_FALSE(duo_open(d.c) && duo_open(d.s));
			duo_end(&d);
		}
}

static void changed_data_is_an_alert_and_never_data(void)
{
	for (size_t at = 1; at <= 40; at++) {
		struct duo d;
		char buf[64];

		open_duo(&d);
		d.up.flip_at = d.up.total + at;
		d.up.flip_mask = 0x10;
		tls_write(d.c, "some bytes of data", 18);
		duo_shuttle(&d);

		CU_ASSERT_EQUAL(read_all(d.s, buf, sizeof(buf)), 0);
		if (at != 4 && at != 5) { /* the length: it may just wait for more */
			CU_ASSERT_EQUAL(tls_verdict(d.s), TLS_ERROR);
			CU_ASSERT_TRUE(tls_alert_sent(d.s) >= 0);
			CU_ASSERT_EQUAL(tls_alert_received(d.c), tls_alert_sent(d.s));
			CU_ASSERT_EQUAL(tls_verdict(d.c), TLS_ERROR);
		}
		if (at > 5) {
			CU_ASSERT_EQUAL(tls_alert_sent(d.s), 20);
			CU_ASSERT_PTR_NOT_NULL(strstr(tls_text(d.c), "bad_record_mac"));
		}
		duo_end(&d);
	}
}

static void close_with_unread_data_is_clean(void)
{
	struct duo d;

	open_duo(&d);
	tls_write(d.s, "nobody reads this", 17);
	duo_shuttle(&d);

	tls_close(d.c);
	duo_shuttle(&d);

	CU_ASSERT_EQUAL(tls_verdict(d.c), TLS_CLEAN);
	CU_ASSERT_EQUAL(tls_verdict(d.s), TLS_CLEAN);
	duo_end(&d);
}

static void data_that_comes_while_closing_is_thrown_away(void)
{
	struct duo d;
	static char big[64 * 500];
	char buf[8];
	size_t written = 0, k;

	open_duo(&d);
	tls_close(d.c);
	while (written < sizeof(big) && (k = tls_write(d.s, big + written, 64)) > 0) {
		written += k; /* 64 bytes a record: more records than the flood limit */
		duo_move(d.s, d.c, &d.down);
	}
	duo_shuttle(&d);

	CU_ASSERT_EQUAL(tls_read(d.c, buf, sizeof(buf)), 0);
	CU_ASSERT_EQUAL(tls_verdict(d.c), TLS_CLEAN);
	CU_ASSERT_EQUAL(tls_verdict(d.s), TLS_CLEAN);
	duo_end(&d);
}

static void simultaneous_close_is_clean_on_both_sides(void)
{
	struct duo d;

	open_duo(&d);
	tls_close(d.c);
	tls_close(d.s);
	duo_shuttle(&d);

	CU_ASSERT_EQUAL(tls_verdict(d.c), TLS_CLEAN);
	CU_ASSERT_EQUAL(tls_verdict(d.s), TLS_CLEAN);
	duo_end(&d);
}

static void close_notify_with_the_last_data_gives_the_data_first(void)
{
	struct duo d;
	uint8_t bytes[256];
	char buf[64];
	size_t n, took;

	open_duo(&d);
	tls_write(d.s, "last words", 10);
	n = tls_pull(d.s, bytes, sizeof(bytes));
	tls_close(d.s);
	n += tls_pull(d.s, bytes + n, sizeof(bytes) - n);

	took = tls_feed(d.c, bytes, n);
	CU_ASSERT_TRUE(took < n); /* the data stops it */
	CU_ASSERT_EQUAL(tls_verdict(d.c), TLS_UNDECIDED);
	CU_ASSERT_EQUAL(tls_read(d.c, buf, sizeof(buf)), 10);
	CU_ASSERT_EQUAL(tls_feed(d.c, bytes + took, n - took), n - took);
	CU_ASSERT_EQUAL(tls_state(d.c), TLS_CLOSING);
	duo_shuttle(&d);

	CU_ASSERT_EQUAL(tls_verdict(d.c), TLS_CLEAN);
	CU_ASSERT_EQUAL(tls_verdict(d.s), TLS_CLEAN);
	duo_end(&d);
}

static void plaintext_before_a_truncation_is_still_readable(void)
{
	struct duo d;
	char buf[64];

	open_duo(&d);
	tls_write(d.s, "what there is", 13);
	duo_shuttle(&d);
	tls_eof(d.c);

	CU_ASSERT_EQUAL(tls_verdict(d.c), TLS_TRUNCATED);
	CU_ASSERT_EQUAL(tls_exit_code(tls_verdict(d.c)), 4);
	CU_ASSERT_EQUAL(tls_read(d.c, buf, sizeof(buf)), 13);
	CU_ASSERT_TRUE(tls_done(d.c));
	duo_end(&d);
}

static void end_of_the_transport_after_our_close_notify_is_a_note(void)
{
	struct duo d;
	uint8_t bytes[64];

	open_duo(&d);
	tls_close(d.c);
	CU_ASSERT_TRUE(tls_pull(d.c, bytes, sizeof(bytes)) > 0);
	CU_ASSERT_FALSE(tls_done(d.c));
	tls_eof(d.c);

	CU_ASSERT_EQUAL(tls_verdict(d.c), TLS_NO_NOTIFY);
	CU_ASSERT_EQUAL(tls_exit_code(tls_verdict(d.c)), 0);
	CU_ASSERT_TRUE(tls_done(d.c));
	duo_end(&d);
}

static void an_unanswered_close_notify_is_given_up_after_two_seconds(void)
{
	struct duo d;
	uint8_t bytes[64];

	open_duo(&d);
	tls_advance(d.c, 5 * SEC);
	CU_ASSERT_EQUAL(tls_deadline(d.c), NS_NEVER);
	tls_close(d.c);
	tls_pull(d.c, bytes, sizeof(bytes));
	CU_ASSERT_EQUAL(tls_deadline(d.c), 7 * SEC);
	tls_advance(d.c, 7 * SEC - 1);
	CU_ASSERT_EQUAL(tls_verdict(d.c), TLS_UNDECIDED);
	tls_advance(d.c, 7 * SEC);

	CU_ASSERT_EQUAL(tls_verdict(d.c), TLS_NO_NOTIFY);
	CU_ASSERT_TRUE(tls_done(d.c));
	duo_end(&d);
}

static void a_silent_peer_runs_into_the_handshake_limit(void)
{
	struct duo d;

	duo_init(&d);
	d.sc.now = 3 * SEC;
	duo_start(&d);
	CU_ASSERT_EQUAL(tls_deadline(d.s), 13 * SEC);
	tls_advance(d.s, 13 * SEC - 1);
	CU_ASSERT_EQUAL(tls_verdict(d.s), TLS_UNDECIDED);
	tls_advance(d.s, 13 * SEC);

	CU_ASSERT_EQUAL(tls_verdict(d.s), TLS_TIMEOUT);
	CU_ASSERT_EQUAL(tls_exit_code(tls_verdict(d.s)), 5);
	CU_ASSERT_TRUE(tls_done(d.s));
	duo_end(&d);
}

static void reset_and_transport_timeout_have_their_own_verdicts(void)
{
	struct duo d;

	open_duo(&d);
	tls_reset_by_peer(d.c);
	tls_timed_out(d.s);

	CU_ASSERT_EQUAL(tls_verdict(d.c), TLS_RESET);
	CU_ASSERT_STRING_EQUAL(tls_text(d.c), "reset by the server");
	CU_ASSERT_EQUAL(tls_verdict(d.s), TLS_TIMEOUT);
	CU_ASSERT_TRUE(tls_done(d.c) && tls_done(d.s));
	duo_end(&d);
}

static void a_reset_after_close_notify_is_clean(void)
{
	struct duo d;

	open_duo(&d);
	tls_close(d.s);
	duo_move(d.s, d.c, &d.down);
	CU_ASSERT_EQUAL(tls_state(d.c), TLS_CLOSING);
	tls_reset_by_peer(d.c); /* before our own close_notify could leave */

	CU_ASSERT_EQUAL(tls_verdict(d.c), TLS_CLEAN);
	duo_end(&d);
}

static void close_during_the_handshake_ends_it_on_both_sides(void)
{
	struct duo d;

	duo_init(&d);
	duo_start(&d);
	duo_move(d.c, d.s, &d.up);
	tls_close(d.c);
	duo_shuttle(&d);

	CU_ASSERT_EQUAL(tls_verdict(d.s), TLS_ERROR);
	CU_ASSERT_FALSE(duo_open(d.c) || duo_open(d.s));
	duo_end(&d);
}

static void whoever_does_not_speak_tls_is_told_so(void)
{
	static const struct {
		const char *name, *bytes;
		size_t len;
		const char *says;
	} rows[] = {
		{"HTTP", "GET / HTTP/1.0\r\n\r\n", 18, "it began with \"GET /\""},
		{"SSLv2 hello", "\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00", 10, "not speaking TLS"},
		{"banner with an escape", "\x1b[31mred", 9, "\\x1b[31m"},
		{"record type 99", "\x63\x03\x03\x00\x01\x00", 6, "not speaking TLS"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct duo d;

		duo_init(&d);
		duo_start(&d);
		tls_feed(d.s, rows[i].bytes, rows[i].len);
		CU_ASSERT_EQUAL(tls_verdict(d.s), TLS_ERROR);
		if (!strstr(tls_text(d.s), rows[i].says)) {
			CU_FAIL(rows[i].name);
			printf("%s: %s\n", rows[i].name, tls_text(d.s));
		}
		duo_end(&d);
	}
}

static void floods_of_records_without_substance_are_ended(void)
{
	static const struct {
		const char *name, *bytes;
		size_t len, most; /* records or bytes that may pass */
	} rows[] = {
		{"empty handshake records", "\x16\x03\x03\x00\x00", 5, 40},
		{"warning alerts", "\x15\x03\x03\x00\x02\x01\x5a", 7, 40},
		{"HelloRequests", "\x16\x03\x03\x00\x04\x00\x00\x00\x00", 9, 131072 / 9 + 1},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct duo d;
		size_t n = 0;

		duo_init(&d);
		duo_start(&d);
		while (n < 20000 && tls_verdict(d.s) == TLS_UNDECIDED) {
			uint8_t out[256];

			CU_ASSERT_EQUAL_FATAL(tls_feed(d.s, rows[i].bytes, rows[i].len), rows[i].len);
			tls_pull(d.s, out, sizeof(out));
			n++;
		}
		CU_ASSERT_EQUAL(tls_verdict(d.s), TLS_ERROR);
		CU_ASSERT_TRUE(n <= rows[i].most);
		CU_ASSERT_TRUE(tls_alert_sent(d.s) >= 0);
		duo_end(&d);
	}
}

static void records_of_the_largest_size_pass(void)
{
	struct duo d;
	static uint8_t out[100000], in[100000];
	size_t sent = 0, got = 0, room;

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 7 + i / 251);
	open_duo(&d);
	while (got < sizeof(out)) {
		void *p = tls_write_reserve(d.c, &room);

		if (p) {
			CU_ASSERT_TRUE(room <= 16384);
			if (room > sizeof(out) - sent)
				room = sizeof(out) - sent;
			memcpy(p, out + sent, room);
			tls_write_commit(d.c, room);
			sent += room;
		}
		d.up.total = 0;
		duo_move(d.c, d.s, &d.up);
		const void *q = tls_read_peek(d.s, &room);

		if (q) {
			memcpy(in + got, q, room);
			tls_read_consume(d.s, room);
			got += room;
		}
	}
	CU_ASSERT_EQUAL(memcmp(in, out, sizeof(out)), 0);
	duo_end(&d);
}

/* The demonstration certificates, the seed and BearSSL 0.6 make these bytes, on every machine. A new
 * library version or a change of ours that alters the handshake shows here first. */
static void the_transcript_of_the_demonstration_is_known(void)
{
	static const char expected[] = "18a2beeebdfee03c0ebadf6fb2fab25078d2d1a99faa4c3cb72a3e120ac85ca1";
	struct duo d;
	br_sha256_context h;
	uint8_t hash[32];
	char hex[65];

	open_duo(&d);
	br_sha256_init(&h);
	br_sha256_update(&h, d.up.log, d.up.total);
	br_sha256_update(&h, d.down.log, d.down.total);
	br_sha256_out(&h, hash);
	for (int i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	CU_ASSERT_STRING_EQUAL(hex, expected);
	if (strcmp(hex, expected) != 0)
		printf("transcript hash %s\n", hex);
	duo_end(&d);
}

/* The asker (BearSSL without its flag) then gives up by itself, as OpenSSL does too. */
static void renegotiation_is_refused_and_our_side_stays_up(void)
{
	for (int by_server = 0; by_server < 2; by_server++) {
		struct duo d;
		char first[TLS_KEYLOG_LINE + 1];

		open_duo(&d);
		struct tls *asker = by_server ? d.s : d.c, *asked = by_server ? d.c : d.s;

		strcpy(first, tls_keylog_line(asked));
		br_ssl_engine_remove_flags(asker->eng, BR_OPT_NO_RENEGOTIATION);
		CU_ASSERT_TRUE(br_ssl_engine_renegotiate(asker->eng));
		CU_ASSERT_TRUE(duo_move(asker, asked, by_server ? &d.down : &d.up));

		CU_ASSERT_TRUE(duo_open(asked));
		CU_ASSERT_TRUE(duo_move(asked, asker, by_server ? &d.up : &d.down)); /* no_renegotiation */
		CU_ASSERT_EQUAL(tls_write(asked, "still here", 10), 10);
		CU_ASSERT_STRING_EQUAL(tls_keylog_line(asked), first);
		duo_end(&d);
	}
}

static void empty_records_of_a_peer_are_limited_after_the_handshake(void)
{
	struct duo d;
	unsigned n = 0;
	uint8_t rec[64];

	open_duo(&d);
	while (n < 100 && tls_verdict(d.s) == TLS_UNDECIDED) {
		/* BearSSL writes an empty record when it is forced to flush nothing. */
		br_ssl_engine_flush(d.c->eng, 1);
		size_t len = tls_pull(d.c, rec, sizeof(rec));

		CU_ASSERT_TRUE_FATAL(len > 0);
		tls_feed(d.s, rec, len);
		n++;
	}
	CU_ASSERT_EQUAL(n, 33);
	CU_ASSERT_EQUAL(tls_alert_sent(d.s), 10);
	duo_shuttle(&d);
	CU_ASSERT_EQUAL(tls_alert_received(d.c), 10);
	duo_end(&d);
}

static void a_configuration_that_would_not_authenticate_is_refused(void)
{
	struct duo d;
	char err[256];

	duo_init(&d);
	d.cc.anchors = NULL;
	CU_ASSERT_PTR_NULL(tls_new(&d.cc, err, sizeof(err)));
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "--cacert"));

	d.sc.anchors = NULL;
	CU_ASSERT_PTR_NULL(tls_new(&d.sc, err, sizeof(err)));
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "--cacert"));

	duo_init(&d);
	d.sc.creds = NULL;
	CU_ASSERT_PTR_NULL(tls_new(&d.sc, err, sizeof(err)));
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "--key"));

	d.cc.server_name = NULL;
	CU_ASSERT_PTR_NULL(tls_new(&d.cc, err, sizeof(err)));
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "--servername"));

	duo_init(&d);
	d.cc.has_entropy = false;
	CU_ASSERT_PTR_NULL(tls_new(&d.cc, err, sizeof(err)));
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "entropy"));
}

/* BearSSL asks for no certificate at all when its list of anchors is empty, and then is content. */
static void a_handshake_without_the_required_certificate_does_not_open(void)
{
	struct duo d;

	duo_init(&d);
	duo_start(&d);
	br_ssl_server_set_trust_anchor_names_alt(&d.s->ctx.server, NULL, 0);
	duo_shuttle(&d);

	CU_ASSERT_EQUAL(tls_verdict(d.s), TLS_ERROR);
	CU_ASSERT_EQUAL(tls_alert_sent(d.s), 40);
	CU_ASSERT_PTR_NULL(tls_info(d.s));
	duo_end(&d);
}

static void a_session_takes_forty_kilobytes(void)
{
	CU_ASSERT_TRUE(tls_session_size() > 36000);
	CU_ASSERT_TRUE(tls_session_size() < 43000);
}

static const struct test_case cases[] = {
	TEST(mutual_handshake_then_data_then_close),
	TEST(every_kind_of_key_and_chain_serves),
	TEST(same_inputs_give_the_same_bytes),
	TEST(a_cut_handshake_is_never_clean),
	TEST(a_cut_after_the_handshake_is_truncated),
	TEST(a_flipped_bit_never_leaves_both_sides_up),
	TEST(changed_data_is_an_alert_and_never_data),
	TEST(close_with_unread_data_is_clean),
	TEST(data_that_comes_while_closing_is_thrown_away),
	TEST(simultaneous_close_is_clean_on_both_sides),
	TEST(close_notify_with_the_last_data_gives_the_data_first),
	TEST(plaintext_before_a_truncation_is_still_readable),
	TEST(end_of_the_transport_after_our_close_notify_is_a_note),
	TEST(an_unanswered_close_notify_is_given_up_after_two_seconds),
	TEST(a_silent_peer_runs_into_the_handshake_limit),
	TEST(reset_and_transport_timeout_have_their_own_verdicts),
	TEST(a_reset_after_close_notify_is_clean),
	TEST(close_during_the_handshake_ends_it_on_both_sides),
	TEST(whoever_does_not_speak_tls_is_told_so),
	TEST(floods_of_records_without_substance_are_ended),
	TEST(records_of_the_largest_size_pass),
	TEST(the_transcript_of_the_demonstration_is_known),
	TEST(renegotiation_is_refused_and_our_side_stays_up),
	TEST(empty_records_of_a_peer_are_limited_after_the_handshake),
	TEST(a_configuration_that_would_not_authenticate_is_refused),
	TEST(a_handshake_without_the_required_certificate_does_not_open),
	TEST(a_session_takes_forty_kilobytes),
};
TEST_SUITE(tls, cases);
