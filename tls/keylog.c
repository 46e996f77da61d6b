/* The key log (RFC 9850, the SSLKEYLOGFILE format) and its opposite, entropy from a seed. */
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "session.h"

static char *put_hex(char *to, const unsigned char *p, size_t n)
{
	static const char digit[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*to++ = digit[p[i] >> 4];
		*to++ = digit[p[i] & 15];
	}
	return to;
}

/* The client's random and the master secret belong together from the moment the secret is there:
 * that would not hold with resumption or renegotiation, and we have neither. The client computes
 * the secret while it writes ClientKeyExchange, one record ahead of ChangeCipherSpec. */
const char *tls_keylog_line(struct tls *t)
{
	static const unsigned char zero[48];
	const unsigned char *secret = t->eng->session.master_secret;
	char *p = t->keylog;

	if (t->keylog[0])
		return t->keylog;
	if (memcmp(secret, zero, sizeof(zero)) == 0)
		return NULL;
	memcpy(p, "CLIENT_RANDOM ", 14);
	p = put_hex(p + 14, t->eng->client_random, 32);
	*p++ = ' ';
	p = put_hex(p, secret, 48);
	*p++ = '\n';
	*p = '\0';
	assert(p == t->keylog + 14 + 64 + 1 + 96 + 1);
	return t->keylog;
}

void tls_make_deterministic(struct tls_config *c, uint64_t seed, const char *name)
{
	static const char purpose[] = "tapir tls entropy";
	br_sha256_context h;
	uint8_t number[8];

	wr32(number, (uint32_t)(seed >> 32));
	wr32(number + 4, (uint32_t)seed);
	br_sha256_init(&h);
	br_sha256_update(&h, purpose, sizeof(purpose));
	br_sha256_update(&h, number, sizeof(number));
	br_sha256_update(&h, name, strlen(name));
	static_assert(TLS_ENTROPY == br_sha256_SIZE, "one hash fills the entropy");
	br_sha256_out(&h, c->entropy);
	c->has_entropy = true;
}
