/* The two algorithms that every TCP-AO has (RFC 5926), over BearSSL: HMAC-SHA-1-96 with KDF_HMAC_SHA1, and
 * AES-128-CMAC-96 with KDF_AES_128_CMAC. CMAC (RFC 4493) is CBC-MAC, which BearSSL has for CCM, with the
 * last block masked by one of two subkeys. A traffic key is kept as the MAC wants it: the two inner states
 * of HMAC, or the key schedule with the subkeys. */
#include "ao.h"

#include <bearssl.h>
#include <string.h>

#include "../stack/base/bytes.h"
#include "../stack/base/check.h"

#define SHA1_BYTES 20
#define BLOCK 16
#define CONTEXT_MAX 64 /* RFC 5925 5.2: 44 bytes with IPv6 */

/* RFC 5926 3.1.1: i || Label || Context || Output_Length; both functions give all bits at once, i = 1. */
static size_t kdf_input(uint8_t to[CONTEXT_MAX + 9], const void *context, size_t len, uint16_t bits)
{
	assert(len <= CONTEXT_MAX);
	memcpy(to, "\1TCP-AO", 7);
	memcpy(to + 7, context, len);
	wr16(to + 7 + len, bits);
	return 7 + len + 2;
}

/* ---- HMAC-SHA-1 ---- */

static_assert(sizeof(br_hmac_key_context) <= AO_TRAFFIC_BYTES, "a traffic key fits");

static void hmac_derive(void *traffic, const void *master, size_t master_len, const void *context, size_t len)
{
	uint8_t in[CONTEXT_MAX + 9], key[SHA1_BYTES];
	br_hmac_key_context of_master;
	br_hmac_context h;

	br_hmac_key_init(&of_master, &br_sha1_vtable, master, master_len);
	br_hmac_init(&h, &of_master, 0);
	br_hmac_update(&h, in, kdf_input(in, context, len, 8 * SHA1_BYTES));
	br_hmac_out(&h, key);
	br_hmac_key_init(traffic, &br_sha1_vtable, key, sizeof(key));
}

static void hmac_mac(const void *traffic, const struct ao_piece *piece, size_t n, uint8_t out[AO_MAC_LEN])
{
	br_hmac_context h;

	br_hmac_init(&h, traffic, AO_MAC_LEN);
	for (size_t i = 0; i < n; i++)
		br_hmac_update(&h, piece[i].bytes, piece[i].len);
	br_hmac_out(&h, out);
}

const struct ao_alg tls_ao_hmac_sha1 = {"hmac-sha-1-96", hmac_derive, hmac_mac};

/* ---- AES-128-CMAC ---- */

struct cmac_key {
	br_aes_gen_ctrcbc_keys aes;
	uint8_t whole[BLOCK], padded[BLOCK]; /* K1 and K2 of RFC 4493 2.3 */
};

static_assert(sizeof(struct cmac_key) <= AO_TRAFFIC_BYTES, "a traffic key fits");

static void cbc_mac(const struct cmac_key *k, uint8_t state[BLOCK], const void *blocks, size_t len)
{
	const br_block_ctrcbc_class *const *aes = &k->aes.vtable;

	(*aes)->mac(aes, state, blocks, len);
}

/* Times x in GF(2^128), without a branch on the key's bits. */
static void twice(uint8_t to[BLOCK], const uint8_t from[BLOCK])
{
	uint8_t carry = from[0] >> 7;

	for (int i = 0; i < BLOCK - 1; i++)
		to[i] = (uint8_t)(from[i] << 1 | from[i + 1] >> 7);
	to[BLOCK - 1] = (uint8_t)(from[BLOCK - 1] << 1 ^ (-carry & 0x87));
}

static void cmac_init(struct cmac_key *k, const uint8_t key[BLOCK])
{
	static const uint8_t zero[BLOCK];
	const br_block_ctrcbc_class *aes = br_aes_x86ni_ctrcbc_get_vtable();
	uint8_t l[BLOCK] = {0};

	if (!aes)
		aes = &br_aes_ct64_ctrcbc_vtable; /* constant time as well */
	aes->init(&k->aes.vtable, key, BLOCK);
	cbc_mac(k, l, zero, BLOCK);
	twice(k->whole, l);
	twice(k->padded, k->whole);
}

/* Bytes come in pieces; a full block waits until it is known not to be the last. */
struct cmac {
	const struct cmac_key *key;
	uint8_t state[BLOCK], block[BLOCK];
	size_t held;
};

static void cmac_update(struct cmac *c, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	while (len) {
		size_t n;

		if (c->held == BLOCK) {
			cbc_mac(c->key, c->state, c->block, BLOCK);
			c->held = 0;
		}
		if (c->held == 0 && len > BLOCK) { /* whole blocks, and more behind them */
			n = (len - 1) / BLOCK * BLOCK;
			cbc_mac(c->key, c->state, p, n);
		} else {
			n = BLOCK - c->held < len ? BLOCK - c->held : len;
			memcpy(c->block + c->held, p, n);
			c->held += n;
		}
		p += n;
		len -= n;
	}
}

static void cmac_out(struct cmac *c, uint8_t out[BLOCK])
{
	const uint8_t *mask = c->held == BLOCK ? c->key->whole : c->key->padded;

	if (c->held < BLOCK) {
		c->block[c->held] = 0x80;
		memset(c->block + c->held + 1, 0, BLOCK - c->held - 1);
	}
	for (int i = 0; i < BLOCK; i++)
		c->block[i] ^= mask[i];
	cbc_mac(c->key, c->state, c->block, BLOCK);
	memcpy(out, c->state, BLOCK);
}

static void cmac_once(const uint8_t key[BLOCK], const void *bytes, size_t len, uint8_t out[BLOCK])
{
	struct cmac_key k;
	struct cmac c = {.key = &k};

	cmac_init(&k, key);
	cmac_update(&c, bytes, len);
	cmac_out(&c, out);
}

/* RFC 5926 3.1.1.2: a master key of another length is first made one of 128 bits. */
static void cmac_derive(void *traffic, const void *master, size_t master_len, const void *context, size_t len)
{
	static const uint8_t zero[BLOCK];
	uint8_t in[CONTEXT_MAX + 9], key[BLOCK];

	if (master_len == BLOCK)
		memcpy(key, master, BLOCK);
	else
		cmac_once(zero, master, master_len, key);
	cmac_once(key, in, kdf_input(in, context, len, 8 * BLOCK), key);
	cmac_init(traffic, key);
}

static void cmac_mac(const void *traffic, const struct ao_piece *piece, size_t n, uint8_t out[AO_MAC_LEN])
{
	struct cmac c = {.key = traffic};
	uint8_t whole[BLOCK];

	for (size_t i = 0; i < n; i++)
		cmac_update(&c, piece[i].bytes, piece[i].len);
	cmac_out(&c, whole);
	memcpy(out, whole, AO_MAC_LEN);
}

const struct ao_alg tls_ao_aes_cmac = {"aes-128-cmac-96", cmac_derive, cmac_mac};

const struct ao_alg *tls_ao_alg(const char *name)
{
	static const struct ao_alg *const all[] = {&tls_ao_hmac_sha1, &tls_ao_aes_cmac};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (strcmp(all[i]->name, name) == 0)
			return all[i];
	return NULL;
}
