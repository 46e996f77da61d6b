/* TLS: files with certificates and keys, and a session that hears anything from its peer. Sessions
 * draw their randomness from a fixed seed, so that a recorded peer's bytes are right up to the first
 * one that the fuzzer changed. */
#include "fuzz_entries.h"

#include <stdlib.h>
#include <string.h>

#include "../../stack/base/check.h"
#include "duo.h"

/* ---- files ---- */

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* DER in PEM's clothes, so that the fuzzer need not find base64 first. */
static size_t pem_of(char *to, size_t cap, const char *label, const uint8_t *der, size_t n)
{
	size_t len = (size_t)snprintf(to, cap, "-----BEGIN %s-----\n", label);

	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)der[i] << 16 | (i + 1 < n ? der[i + 1] << 8 : 0) | (i + 2 < n ? der[i + 2] : 0);

		assert(len + 8 < cap);
		to[len++] = base64[v >> 18];
		to[len++] = base64[v >> 12 & 63];
		to[len++] = i + 1 < n ? base64[v >> 6 & 63] : '=';
		to[len++] = i + 2 < n ? base64[v & 63] : '=';
		if (i % 48 == 45)
			to[len++] = '\n';
	}
	return len + (size_t)snprintf(to + len, cap - len, "\n-----END %s-----\n", label);
}

static void must_say(const char *err, const void *got)
{
	assert(got || (strncmp(err, "x: ", 3) == 0 && !strchr(err, '\n')));
}

static void read_files(const struct tls_text *cert, const struct tls_text *key)
{
	char err[300] = "";
	struct tls_anchors *a = tls_anchors_parse(cert, err, sizeof(err));

	must_say(err, a);
	tls_anchors_free(a);
	struct tls_creds *c = tls_creds_parse(cert, key, err, sizeof(err));

	must_say(err, c);
	tls_creds_free(c);
}

/* A folder's file, kept. */
static const char *known(const char *path, size_t *n)
{
	static struct {
		const char *path;
		char text[8192];
		size_t n;
	} kept[2];
	size_t i = 0;

	while (i < 1 && kept[i].path && strcmp(kept[i].path, path) != 0)
		i++;
	if (!kept[i].path || strcmp(kept[i].path, path) != 0) {
		FILE *f = fopen(path, "rb");

		assert(f);
		kept[i].n = fread(kept[i].text, 1, sizeof(kept[i].text), f);
		kept[i].path = path;
		fclose(f);
	}
	*n = kept[i].n;
	return kept[i].text;
}

/* The first byte: how the rest is meant. */
void fuzz_pem(const uint8_t *bytes, size_t n)
{
	enum { AS_CERT, AS_KEY, DER_CERT, DER_KEY, DER_RSA, DER_EC, CERT_TEXT, WAYS };
	static const char *const labels[] = {"CERTIFICATE", "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"};
	struct tls_text cert = {"x", NULL, 0}, key = {"x", NULL, 0}, *ours;
	char *text, buf[4000];

	if (n == 0)
		return;
	int way = *bytes++ % WAYS;

	if (way == CERT_TEXT) {
		size_t want = tls_cert_text(bytes, n - 1, NULL, 0), got = tls_cert_text(bytes, n - 1, buf, sizeof(buf));

		assert(want == got && strlen(buf) == (want < sizeof(buf) ? want : sizeof(buf) - 1));
		return;
	}
	text = malloc(n * 2 + 200);
	assert(text);
	cert.bytes = known(DEMO "server.pem", &cert.len);
	key.bytes = known(DEMO "server.key", &key.len);
	ours = way == AS_CERT || way == DER_CERT ? &cert : &key;
	if (way >= DER_CERT)
		ours->len = pem_of(text, n * 2 + 200, labels[way - DER_CERT], bytes, n - 1);
	else
		memcpy(text, bytes, ours->len = n - 1);
	ours->bytes = text;
	read_files(&cert, &key);
	free(text);
}

/* PEM's base64 undone: only for files that are known to be good. */
static size_t der_of(uint8_t *to, const char *pem)
{
	const char *p = strchr(pem, '\n');
	uint32_t v = 0, bits = 0;
	size_t n = 0;

	for (; p && *p && *p != '-'; p++) {
		const char *at = strchr(base64, *p);

		if (!at)
			continue;
		v = v << 6 | (uint32_t)(at - base64);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			to[n++] = (uint8_t)(v >> bits);
		}
	}
	return n;
}

struct der_seeds {
	fuzz_seed_fn *seed;
	void *arg;
	uint8_t way[2];
};

static void seed_der(void *arg, const void *bytes, size_t len)
{
	struct der_seeds *s = arg;
	char pem[6001];
	uint8_t der[6001];

	assert(len < sizeof(pem));
	memcpy(pem, bytes, len);
	pem[len] = '\0';
	for (size_t i = 0; i < 2; i++) {
		der[0] = s->way[i];
		s->seed(s->arg, der, 1 + der_of(der + 1, pem));
	}
}

void fuzz_pem_seeds(fuzz_seed_fn *seed, void *arg)
{
	struct der_seeds certs = {seed, arg, {2, 6}}, keys = {seed, arg, {3, 5}};

	fuzz_seed_files(seed, arg, DEMO, ".pem", "\7", 3000);
	fuzz_seed_files(seed, arg, DEMO, ".key", "\1", 3000);
	fuzz_seed_files(seed_der, &certs, DEMO, ".pem", "", 3000);
	fuzz_seed_files(seed_der, &keys, DEMO, ".key", "", 3000);
	fuzz_seed_files(seed_der, &certs, PKI, "rich.pem", "", 3000);
}

/* ---- sessions ---- */

/* Client or server, the user's habits, then the peer's bytes. */
enum { IS_SERVER = 1, WRITES = 2, CLOSES = 4, IN_PIECES = 8, ENDS = 16, RESETS = 32 };

static void drain(struct tls *t)
{
	uint8_t buf[4096];
	size_t rounds = 0;

	while (tls_pull(t, buf, sizeof(buf)) + tls_read(t, buf, sizeof(buf)) > 0)
		assert(++rounds < 1000);
}

static void hear(struct tls *t, const uint8_t *p, size_t n, size_t piece)
{
	while (n) {
		size_t took = tls_feed(t, p, n < piece ? n : piece);

		drain(t);
		if (took == 0)
			return;
		p += took;
		n -= took;
	}
}

void fuzz_tls(const uint8_t *bytes, size_t n)
{
	struct duo d;
	char err[200], text[2000];
	uint8_t how = n ? bytes[0] : 0;
	size_t len;

	duo_init(&d);
	struct tls *t = tls_new(how & IS_SERVER ? &d.sc : &d.cc, err, sizeof(err));

	assert(t);
	drain(t);
	if (n > 1)
		hear(t, bytes + 1, n - 1, how & IN_PIECES ? 7 : SIZE_MAX);
	if (how & WRITES)
		tls_write(t, "hello", 5);
	if (how & CLOSES)
		tls_close(t);
	drain(t);
	if (how & RESETS)
		tls_reset_by_peer(t);
	else if (how & ENDS)
		tls_eof(t);
	drain(t);
	tls_advance(t, 20 * SEC);
	drain(t);
	tls_advance(t, 40 * SEC);
	/* The handshake has had its time; what is open and well may stay so. */
	assert(tls_state(t) == TLS_OPEN || tls_state(t) == TLS_ENDED);
	assert((tls_state(t) == TLS_ENDED) == (tls_verdict(t) != TLS_UNDECIDED));
	if (tls_verdict(t) != TLS_UNDECIDED)
		assert(strlen(tls_text(t)) > 0);
	tls_info(t);
	tls_keylog_line(t);
	tls_peer_der(t, &len);
	tls_peer_text(t, text, sizeof(text));
	tls_free(t);
}

void fuzz_tls_seeds(fuzz_seed_fn *seed, void *arg)
{
	static uint8_t f[1 + DUO_WIRE];
	struct duo d;

	duo_init(&d);
	duo_start(&d);
	duo_shuttle(&d);
	tls_write(d.c, "question", 8);
	tls_write(d.s, "answer", 6);
	duo_shuttle(&d);
	tls_close(d.c);
	duo_shuttle(&d);
	f[0] = IS_SERVER | WRITES;
	memcpy(f + 1, d.up.log, d.up.total);
	seed(arg, f, 1 + d.up.total);
	f[0] = IN_PIECES | CLOSES | ENDS;
	memcpy(f + 1, d.down.log, d.down.total);
	seed(arg, f, 1 + d.down.total);
	duo_end(&d);
}
