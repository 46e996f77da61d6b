/* One TLS 1.2 session (RFC 5246) over BearSSL's engine, as bytes in and bytes out.
 *
 * The engine does the protocol. Decided here is what it leaves open: which suites and in which
 * order, how the session ended and in which words, which alert tells the peer, and how much of a
 * peer's talk without substance is borne. Private fields of the engine that are used, all in its
 * header: client_random, session, rng_os_rand_done, incrypt, out.vtable, version_out and
 * shutdown_recv (close_notify came). The library is linked statically, and the size check below
 * notices another one.
 *
 * Invariants: the verdict is given once; after `dead` the engine sees no more input; nothing is
 * allocated after tls_new but the peer's chain, within verify.c's limits. */
#include "tls.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert.h"
#include "hello.h"
#include "base/check.h"
#include "session.h"

#if defined(__x86_64__)
static_assert(sizeof(br_ssl_engine_context) == 3616,
	      "BearSSL is not version 0.6: check the private fields");
#endif

/* A handshake with 16 certificates of 4 kB fits; so does any that verify.c admits. */
#define HANDSHAKE_MAX (128 * 1024)
/* Empty records, warnings and HelloRequests are legal one by one, without end in the engine. */
#define IDLE_RECORDS_MAX 32

/* ---- configuration ---- */

void tls_config_default(struct tls_config *c, enum tls_role role)
{
	memset(c, 0, sizeof(*c));
	c->role = role;
	c->handshake_limit = 10 * SEC;
	c->close_limit = 2 * SEC;
}

/* AES-128-GCM first: with the processor's instructions it is ten times as fast as ChaCha20. */
static const struct suite {
	uint16_t id;
	uint8_t key_type;
	const char *name;
} suites[] = {
    {BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, BR_KEYTYPE_EC, "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, BR_KEYTYPE_RSA, "ECDHE-RSA-AES128-GCM-SHA256"},
    {BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, BR_KEYTYPE_EC, "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, BR_KEYTYPE_RSA, "ECDHE-RSA-AES256-GCM-SHA384"},
    {BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, BR_KEYTYPE_EC,
     "ECDHE-ECDSA-CHACHA20-POLY1305"},
    {BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, BR_KEYTYPE_RSA, "ECDHE-RSA-CHACHA20-POLY1305"},
};

static const char *suite_name(uint16_t id)
{
	for (size_t i = 0; i < ARRAY_LEN(suites); i++)
		if (suites[i].id == id)
			return suites[i].name;
	return "unknown suite";
}

static const char *curve_name(int id)
{
	return id == BR_EC_curve25519  ? "X25519"
	       : id == BR_EC_secp256r1 ? "P-256"
	       : id == BR_EC_secp384r1 ? "P-384"
	       : id == BR_EC_secp521r1 ? "P-521"
				       : "unknown curve";
}

/* What is wrong with a configuration, or NULL. */
static const char *config_fault(const struct tls_config *c)
{
	bool has_anchors = c->anchors && c->anchors->n > 0;

	if (!c->has_entropy)
		return "the session has no entropy";
	if (c->unix_time < 0)
		return "the date is before 1970";
	if (c->role == TLS_SERVER)
		return !c->creds ? "a server needs a certificate and its key (--cert, --key)"
		       : c->client_auth != TLS_AUTH_NONE && !has_anchors
			   ? "asking for client certificates needs trust anchors (--cacert)"
			   : NULL;
	if (!has_anchors)
		return "a client needs trust anchors (--cacert)";
	if (!c->server_name || !c->server_name[0])
		return c->no_name_check ? NULL
					: "the check of the server's certificate needs a name "
					  "(--servername), or --no-name-check";
	return strlen(c->server_name) > 255 ? "the server name has more than 255 characters" : NULL;
}

static void set_suites(struct tls *t, const struct tls_config *c)
{
	uint16_t list[ARRAY_LEN(suites)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(suites); i++)
		if (c->role == TLS_CLIENT || suites[i].key_type == c->creds->key_type)
			list[n++] =
			    suites[i].id; /* a server may list only what its key can serve */
	br_ssl_engine_set_suites(t->eng, list, n);
}

static void init_client(struct tls *t, const struct tls_config *c)
{
	br_x509_minimal_context unused; /* init_full wants one; ours replaces it */
	br_ssl_client_context *cc = &t->ctx.client;

	t->eng = &cc->eng;
	br_ssl_client_init_full(cc, &unused, NULL, 0);
	if (!c->creds)
		return;
	if (c->creds->key_type == BR_KEYTYPE_RSA)
		br_ssl_client_set_single_rsa(cc, c->creds->chain, c->creds->n, &c->creds->rsa,
					     br_rsa_pkcs1_sign_get_default());
	else /* for signing only: the library's static ECDH is broken */
		br_ssl_client_set_single_ec(cc, c->creds->chain, c->creds->n, &c->creds->ec,
					    BR_KEYTYPE_SIGN, (unsigned)c->creds->issuer_key_type,
					    br_ec_get_default(), br_ecdsa_sign_asn1_get_default());
}

static void init_server(struct tls *t, const struct tls_config *c)
{
	br_ssl_server_context *sc = &t->ctx.server;

	t->eng = &sc->eng;
	if (c->creds->key_type == BR_KEYTYPE_RSA)
		br_ssl_server_init_full_rsa(sc, c->creds->chain, c->creds->n, &c->creds->rsa);
	else
		br_ssl_server_init_full_ec(sc, c->creds->chain, c->creds->n,
					   (unsigned)c->creds->issuer_key_type, &c->creds->ec);
	br_ssl_engine_add_flags(t->eng, BR_OPT_ENFORCE_SERVER_PREFERENCES);
	if (c->client_auth == TLS_AUTH_NONE)
		return;
	br_ssl_engine_set_default_rsavrfy(t->eng); /* init_full leaves these two out, and then */
	br_ssl_engine_set_default_ecdsa(t->eng);   /* clients send no certificate */
	br_ssl_server_set_trust_anchor_names_alt(sc, c->anchors->v, c->anchors->n);
	if (c->client_auth == TLS_AUTH_REQUEST)
		br_ssl_engine_add_flags(t->eng, BR_OPT_TOLERATE_NO_CLIENT_AUTH);
}

static bool start(struct tls *t, const struct tls_config *c)
{
	bool is_client = c->role == TLS_CLIENT;

	if (is_client)
		init_client(t, c);
	else
		init_server(t, c);
	verify_init(&t->verify, c->anchors,
		    is_client && !c->no_name_check && t->server_name[0] ? t->server_name : NULL,
		    is_client, c->unix_time);
	br_ssl_engine_set_x509(t->eng, &t->verify.vtable);
	br_ssl_engine_set_versions(t->eng, BR_TLS12, BR_TLS12);
	br_ssl_engine_add_flags(t->eng, BR_OPT_NO_RENEGOTIATION);
	br_ssl_engine_set_hash(t->eng, br_md5_ID, NULL);
	br_ssl_engine_set_hash(t->eng, br_sha1_ID, NULL);
	set_suites(t, c);
	br_ssl_engine_set_buffers_bidi(t->eng, t->ibuf, sizeof(t->ibuf), t->obuf, sizeof(t->obuf));
	t->eng->rng_os_rand_done = 1; /* chance comes from the caller alone */
	br_ssl_engine_inject_entropy(t->eng, c->entropy, sizeof(c->entropy));
	if (!is_client)
		return br_ssl_server_reset(&t->ctx.server);

	unsigned char ip[16];
	bool sni = t->server_name[0] && !verify_parse_ip(t->server_name, ip); /* RFC 6066 3 */

	return br_ssl_client_reset(&t->ctx.client, sni ? t->server_name : NULL, 0);
}

struct tls *tls_new(const struct tls_config *c, char *err, size_t cap)
{
	const char *fault = config_fault(c);
	struct tls *t = fault ? NULL : calloc(1, sizeof(*t));

	if (!t) {
		snprintf(err, cap, "%s", fault ? fault : "out of memory");
		return NULL;
	}
	t->role = c->role;
	t->client_auth = c->client_auth;
	t->alert_sent = t->alert_received = ALERT_NONE;
	t->now = c->now;
	t->handshake_until = ns_add(c->now, c->handshake_limit);
	t->close_limit = c->close_limit;
	t->linger_until = NS_NEVER;
	if (c->role == TLS_CLIENT && c->server_name) {
		size_t n = strlen(c->server_name);

		memcpy(t->server_name, c->server_name, n);
		if (n > 1 &&
		    t->server_name[n - 1] == '.') /* the root's dot is not in certificates */
			t->server_name[n - 1] = '\0';
	}
	if (!start(t, c)) {
		snprintf(err, cap, "the TLS engine refuses to start (error %d)",
			 br_ssl_engine_last_error(t->eng));
		tls_free(t);
		return NULL;
	}
	return t;
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	verify_free(&t->verify);
	memset(t, 0, sizeof(*t));
	free(t);
}

size_t tls_session_size(void)
{
	return sizeof(struct tls);
}

/* ---- the end ---- */

__attribute__((format(printf, 3, 4))) static void end(struct tls *t, enum tls_verdict v,
						      const char *fmt, ...)
{
	va_list ap;

	if (t->verdict != TLS_UNDECIDED)
		return;
	t->verdict = v;
	va_start(ap, fmt);
	vsnprintf(t->text, sizeof(t->text), fmt, ap);
	va_end(ap);
	t->linger_until = ns_add(t->now, t->close_limit);
}

static const char *peer(const struct tls *t)
{
	return t->role == TLS_SERVER ? "client" : "server";
}

/* The engine's own record writer makes the alert, in clear or encrypted as the state demands. */
static void make_alert(struct tls *t, int alert)
{
	size_t from = 5 + 64, to = sizeof(t->alert) - 32, len = 2;
	const br_sslrec_out_class **out = &t->eng->out.vtable;
	unsigned version = t->eng->version_out ? t->eng->version_out : BR_TLS12;

	(*out)->max_plaintext(out, &from, &to);
	assert(from + len <= to && to <= sizeof(t->alert));
	t->alert[from] = 2; /* fatal */
	t->alert[from + 1] = (unsigned char)alert;
	const unsigned char *record = (*out)->encrypt(out, 21, version, t->alert + from, &len);

	t->alert_off = (size_t)(record - t->alert);
	t->alert_len = len;
	t->alert_sent = alert;
}

/* From here on the engine gets nothing more. What it had encrypted leaves before the alert. */
static void fail(struct tls *t, int code, int alert, const char *text)
{
	if (t->verdict != TLS_UNDECIDED)
		return;
	if (br_ssl_engine_last_error(t->eng) == BR_ERR_OK)
		t->pending = br_ssl_engine_sendrec_buf(t->eng, &t->pending_len);
	if (!t->pending)
		t->pending_len = 0;
	t->dead = true;
	t->code = code;
	if (alert != ALERT_NONE)
		make_alert(t, alert);
	end(t, TLS_ERROR, "%s", text);
}

static void received_alert(struct tls *t, int alert)
{
	const char *hint = t->opened ? "" : alert_hint(alert, t->role == TLS_SERVER);

	t->alert_received = alert;
	t->code = BR_ERR_RECV_FATAL_ALERT + alert;
	t->dead = true;
	t->pending_len = 0;
	end(t, TLS_ERROR, "the %s %s: %s (alert %d)%s%s", peer(t),
	    t->opened ? "gave up" : "refused", tls_alert_name(alert), alert, *hint ? "; " : "",
	    hint);
}

/* Why nothing in a hello fits. The record that the engine read last still lies in its buffer. */
static const char *misfit(const struct tls *t, int alert)
{
	const size_t len = (size_t)(t->header[3] << 8 | t->header[4]);

	if (t->role == TLS_SERVER && t->header_have == sizeof(t->header) && 5 + len <= sizeof(t->ibuf) &&
	    hello_is_newer_only(t->ibuf + 5, len))
		return "it speaks TLS 1.3 only, and here TLS 1.2 alone is spoken";
	if (alert == ALERT_HANDSHAKE_FAILURE)
		return "it offers no cipher suite or curve that we have (TLS 1.2, ECDHE with AES-GCM or ChaCha20)";
	if (alert == ALERT_PROTOCOL_VERSION)
		return "it speaks an older TLS only, and here TLS 1.2 alone is spoken";
	return "see the alert";
}

/* The engine wrote this alert itself, which it does when nothing in a hello fits. */
static void engine_sent_alert(struct tls *t, int alert)
{
	t->alert_sent = alert;
	t->code = BR_ERR_SEND_FATAL_ALERT + alert;
	t->dead = true;
	end(t, TLS_ERROR, "no agreement with the %s: %s (alert %d sent); %s", peer(t),
	    tls_alert_name(alert), alert, misfit(t, alert));
}

static void not_tls(struct tls *t, int code)
{
	char line[160];
	int n = 0;

	for (int i = 0; i < 5; i++)
		n += snprintf(line + n, sizeof(line) - (size_t)n,
			      t->header[i] >= 0x20 && t->header[i] < 0x7f ? "%c" : "\\x%02x",
			      t->header[i]);
	char text[256];

	snprintf(text, sizeof(text), "the peer is not speaking TLS: it began with \"%s\"", line);
	fail(t, code, ALERT_PROTOCOL_VERSION, text);
}

static void engine_failed(struct tls *t, int code)
{
	const char *text = error_text(code);
	int alert = alert_for_error(code);
	char unknown[64];

	if (code >= BR_ERR_SEND_FATAL_ALERT) {
		engine_sent_alert(t, code - BR_ERR_SEND_FATAL_ALERT);
		return;
	}
	if (code >= BR_ERR_RECV_FATAL_ALERT) {
		received_alert(t, code - BR_ERR_RECV_FATAL_ALERT);
		return;
	}
	if (!t->any_record && t->header_have == sizeof(t->header)) {
		not_tls(t, code);
		return;
	}
	/* One error for two faults: a record too long, and one too short to hold its tag. */
	if (code == BR_ERR_BAD_LENGTH && t->eng->incrypt &&
	    (t->header[3] << 8 | t->header[4]) <= 16384 + 2048)
		alert = ALERT_BAD_RECORD_MAC;
	if (t->verify.judged && t->verify.result == (unsigned)code && t->verify.why[0])
		text = t->verify.why;
	if (!text) {
		snprintf(unknown, sizeof(unknown), "the TLS engine gave up (error %d)", code);
		text = unknown;
	}
	fail(t, code, alert, text);
}

static void handshake_over(struct tls *t)
{
	bool holds = t->verify.judged && t->verify.result == 0;
	bool must = t->role == TLS_CLIENT || t->client_auth == TLS_AUTH_REQUIRE;

	/* The engine should have seen to it; with no anchors, say, it would not. */
	if (must && !holds) {
		fail(t, BR_ERR_NO_CLIENT_AUTH, ALERT_HANDSHAKE_FAILURE,
		     "the handshake ended without a certificate of the peer that holds");
		return;
	}
	t->opened = true;
	t->idle_records = 0;
	t->info.version = "TLSv1.2";
	t->info.suite = suite_name(t->eng->session.cipher_suite);
	t->info.curve = curve_name(br_ssl_engine_get_ecdhe_curve(t->eng));
	t->info.server_name = br_ssl_engine_get_server_name(t->eng);
	t->info.peer_authenticated = holds;
}

/* Looks at the engine after anything that may have moved it. */
static void settle(struct tls *t)
{
	unsigned state = br_ssl_engine_current_state(t->eng);
	int code = br_ssl_engine_last_error(t->eng);

	if (t->verdict != TLS_UNDECIDED)
		return;
	/* "Request" tolerates the absence of a certificate, for the engine also a bad one; not
	 * here. */
	if (code == BR_ERR_OK && t->verify.judged && t->verify.result != 0)
		code = (int)t->verify.result;
	if (code != BR_ERR_OK) {
		engine_failed(t, code);
		return;
	}
	if (!t->opened && (state & (BR_SSL_SENDAPP | BR_SSL_RECVAPP)))
		handshake_over(t);
	if (state != BR_SSL_CLOSED || t->verdict != TLS_UNDECIDED)
		return;
	/* Closed without an error: close_notify both ways, which during a handshake means nothing.
	 */
	if (t->opened)
		end(t, TLS_CLEAN, "closed by close_notify on both sides");
	else if (t->closing)
		end(t, TLS_ERROR, "closed here during the handshake");
	else
		end(t, TLS_ERROR, "the %s closed during the handshake, without a reason", peer(t));
}

void tls_eof(struct tls *t)
{
	t->eof = true;
	if (t->verdict != TLS_UNDECIDED)
		return;
	if (!t->opened)
		end(t, TLS_TRUNCATED, "the %s closed during the handshake and sent no alert%s",
		    peer(t), t->role == TLS_CLIENT ? "; it may not be speaking TLS 1.2" : "");
	else if (t->eng->shutdown_recv)
		end(t, TLS_CLEAN, "closed by close_notify on both sides");
	else if (t->closing)
		end(t, TLS_NO_NOTIFY, "the %s closed without close_notify, after ours", peer(t));
	else
		end(t, TLS_TRUNCATED, "the %s closed without close_notify: data may be missing",
		    peer(t));
}

void tls_reset_by_peer(struct tls *t)
{
	t->eof = true;
	if (t->opened && t->eng->shutdown_recv)
		end(t, TLS_CLEAN, "closed by close_notify");
	else
		end(t, TLS_RESET, "reset by the %s%s", peer(t),
		    t->opened ? "" : " during the handshake");
}

void tls_timed_out(struct tls *t)
{
	t->eof = true;
	end(t, TLS_TIMEOUT, "the %s does not answer any more", peer(t));
}

/* ---- time ---- */

void tls_advance(struct tls *t, ns_t now)
{
	t->now = ns_max(t->now, now);
	if (t->verdict == TLS_UNDECIDED && !t->opened && t->now >= t->handshake_until) {
		t->eof = true; /* nobody to wait for */
		end(t, TLS_TIMEOUT, "the handshake with the %s was not done in time", peer(t));
	}
	if (t->linger_until == NS_NEVER || t->now < t->linger_until)
		return;
	t->eof = true;
	end(t, TLS_NO_NOTIFY, "the %s did not answer close_notify in time", peer(t));
}

ns_t tls_deadline(const struct tls *t)
{
	ns_t due = t->verdict == TLS_UNDECIDED && !t->opened ? t->handshake_until : NS_NEVER;

	return t->eof ? NS_NEVER : ns_min(due, t->linger_until);
}

/* ---- bytes from the transport ---- */

static void record_begins(struct tls *t)
{
	bool tls = t->header[0] >= 20 && t->header[0] <= 23 && t->header[1] == 3;

	t->any_record |= tls;
	t->record_left = (uint32_t)(t->header[3] << 8 | t->header[4]);
	if (t->record_left == 0)
		t->records_done++;
}

static void follow_records(struct tls *t, const uint8_t *p, size_t n)
{
	while (n > 0) {
		size_t k;

		if (t->header_have == sizeof(t->header) && t->record_left == 0)
			t->header_have = 0;
		if (t->header_have < sizeof(t->header)) {
			t->header[t->header_have++] = *p;
			k = 1;
			if (t->header_have == sizeof(t->header))
				record_begins(t);
		} else {
			k = n < t->record_left ? n : t->record_left;
			t->record_left -= (uint32_t)k;
			if (t->record_left == 0)
				t->records_done++;
		}
		p += k;
		n -= k;
	}
}

/* Limits on talk without substance. While we close, whatever comes is thrown away and only the
 * clock counts. */
static void check_floods(struct tls *t, size_t fed)
{
	size_t plain;
	bool done = t->records_done > 0;
	bool empty = (t->header[3] | t->header[4]) == 0 || t->header[0] == 21;
	bool progress = t->opened ? br_ssl_engine_recvapp_buf(t->eng, &plain) != NULL : !empty;

	t->records_done = 0;
	if (t->verdict != TLS_UNDECIDED || t->closing)
		return;
	if (!t->opened)
		t->handshake_bytes += fed;
	if (done)
		t->idle_records = progress ? 0 : t->idle_records + 1;
	if (t->handshake_bytes > HANDSHAKE_MAX)
		fail(t, BR_ERR_UNEXPECTED, ALERT_UNEXPECTED_MESSAGE,
		     "the peer's handshake has more than 128 KiB");
	else if (t->idle_records > IDLE_RECORDS_MAX)
		fail(t, BR_ERR_UNEXPECTED, ALERT_UNEXPECTED_MESSAGE,
		     "the peer sent too many records in a row without data");
}

void *tls_feed_reserve(struct tls *t, size_t *len)
{
	if (t->dead || t->verdict != TLS_UNDECIDED)
		return NULL;
	return br_ssl_engine_recvrec_buf(t->eng, len);
}

void tls_feed_commit(struct tls *t, size_t len)
{
	size_t room;
	const unsigned char *p = br_ssl_engine_recvrec_buf(t->eng, &room);

	assert(!t->dead);
	if (len == 0)
		return;
	assert(p && len <= room);
	follow_records(t, p, len);
	/* If the engine dies of these bytes it will not show what it has still to send. */
	t->pending = br_ssl_engine_sendrec_buf(t->eng, &t->pending_len);
	br_ssl_engine_recvrec_ack(t->eng, len);
	settle(t);
	check_floods(t, len);
	if (!t->dead)
		t->pending_len = 0;
}

size_t tls_feed(struct tls *t, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	size_t done = 0, room;
	void *to;

	while (done < n && (to = tls_feed_reserve(t, &room)) != NULL) {
		if (room > n - done)
			room = n - done;
		memcpy(to, p + done, room);
		tls_feed_commit(t, room);
		done += room;
	}
	/* After the end nothing matters any more, but the peer shall be able to finish. */
	return t->verdict != TLS_UNDECIDED ? n : done;
}

/* ---- bytes to the transport ---- */

const void *tls_pull_peek(struct tls *t, size_t *len)
{
	if (!t->dead)
		return br_ssl_engine_sendrec_buf(t->eng, len);
	if (t->pending_len > 0) {
		*len = t->pending_len;
		return t->pending;
	}
	*len = t->alert_len;
	return t->alert_len > 0 ? t->alert + t->alert_off : NULL;
}

void tls_pull_consume(struct tls *t, size_t len)
{
	if (len == 0)
		return;
	if (!t->dead) {
		br_ssl_engine_sendrec_ack(t->eng, len);
		settle(t);
	} else if (t->pending_len > 0) {
		assert(len <= t->pending_len);
		t->pending += len;
		t->pending_len -= len;
	} else {
		assert(len <= t->alert_len);
		t->alert_off += len;
		t->alert_len -= len;
	}
}

size_t tls_pull(struct tls *t, void *to, size_t cap)
{
	size_t done = 0, len;
	const void *p;

	while (done < cap && (p = tls_pull_peek(t, &len)) != NULL) {
		if (len > cap - done)
			len = cap - done;
		memcpy((uint8_t *)to + done, p, len);
		tls_pull_consume(t, len);
		done += len;
	}
	return done;
}

/* ---- plaintext ---- */

const void *tls_read_peek(struct tls *t, size_t *len)
{
	return t->opened ? br_ssl_engine_recvapp_buf(t->eng, len) : NULL;
}

void tls_read_consume(struct tls *t, size_t len)
{
	if (len == 0)
		return;
	br_ssl_engine_recvapp_ack(t->eng, len);
	settle(t);
}

size_t tls_read(struct tls *t, void *to, size_t cap)
{
	size_t len;
	const void *p = tls_read_peek(t, &len);

	if (!p)
		return 0;
	if (len > cap)
		len = cap;
	memcpy(to, p, len);
	tls_read_consume(t, len);
	return len;
}

void *tls_write_reserve(struct tls *t, size_t *len)
{
	if (!t->opened || t->closing || t->verdict != TLS_UNDECIDED)
		return NULL;
	return br_ssl_engine_sendapp_buf(t->eng, len);
}

void tls_write_commit(struct tls *t, size_t len)
{
	if (len == 0)
		return;
	br_ssl_engine_sendapp_ack(t->eng, len);
	br_ssl_engine_flush(t->eng, 0); /* or nothing would leave */
	settle(t);
}

size_t tls_write(struct tls *t, const void *bytes, size_t n)
{
	size_t room;
	void *to = tls_write_reserve(t, &room);

	if (!to)
		return 0;
	if (n > room)
		n = room;
	memcpy(to, bytes, n);
	tls_write_commit(t, n);
	return n;
}

void tls_close(struct tls *t)
{
	size_t len;

	if (t->closing || t->verdict != TLS_UNDECIDED)
		return;
	t->closing = true;
	t->linger_until = ns_add(t->now, t->close_limit);
	/* BearSSL 0.6 sticks for ever when it is closed with plaintext unread. */
	while (br_ssl_engine_recvapp_buf(t->eng, &len))
		br_ssl_engine_recvapp_ack(t->eng, len);
	br_ssl_engine_close(t->eng);
	settle(t);
}

/* ---- how it stands ---- */

enum tls_state tls_state(const struct tls *t)
{
	if (t->verdict != TLS_UNDECIDED)
		return TLS_ENDED;
	if (t->closing || t->eng->shutdown_recv)
		return TLS_CLOSING;
	return t->opened ? TLS_OPEN : TLS_HANDSHAKE;
}

enum tls_verdict tls_verdict(const struct tls *t)
{
	return t->verdict;
}

const char *tls_verdict_name(enum tls_verdict v)
{
	static const char *const name[] = {
	    "undecided", "clean", "no close_notify", "truncated", "reset", "timeout", "error"};

	assert((size_t)v < ARRAY_LEN(name));
	return name[v];
}

int tls_exit_code(enum tls_verdict v)
{
	switch (v) {
	case TLS_CLEAN:
	case TLS_NO_NOTIFY:
		return 0;
	case TLS_ERROR:
		return 3;
	case TLS_TRUNCATED:
		return 4;
	case TLS_TIMEOUT:
		return 5;
	default:
		return 1;
	}
}

const char *tls_text(const struct tls *t)
{
	return t->text;
}

int tls_code(const struct tls *t)
{
	return t->code;
}

int tls_alert_sent(const struct tls *t)
{
	return t->alert_sent;
}

int tls_alert_received(const struct tls *t)
{
	return t->alert_received;
}

bool tls_done(const struct tls *t)
{
	bool pulled = t->dead ? t->pending_len + t->alert_len == 0
			      : !(br_ssl_engine_current_state(t->eng) & BR_SSL_SENDREC);

	if (t->verdict == TLS_UNDECIDED)
		return false;
	/* A clean end needs no waiting: the peer has nothing more to say that we would have to
	 * read. */
	return t->eof || (pulled && t->verdict == TLS_CLEAN);
}

const struct tls_info *tls_info(struct tls *t)
{
	return t->opened ? &t->info : NULL;
}

const void *tls_peer_der(const struct tls *t, size_t *len)
{
	if (!t->verify.judged || t->verify.n == 0)
		return NULL;
	*len = t->verify.chain[0].len;
	return t->verify.chain[0].der;
}

size_t tls_peer_text(const struct tls *t, char *buf, size_t cap)
{
	size_t len = 0;
	const void *der = tls_peer_der(t, &len);

	return tls_cert_text(der, len, buf, cap);
}
