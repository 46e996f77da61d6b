#include "../../tls/ao.h"

#include <string.h>

#include "../lib/test.h"
#include "base/check.h"

/* The message is 0, 1, 2 ..., the context is "context", the master key is `master`. Made with Python: hmac and
 * hashlib, and `openssl mac -cipher AES-128-CBC -macopt hexkey:... CMAC`, as in tests/ao_verify.py. */
#define LONG /* 80 bytes */ \
	"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk" \
	"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"

static const struct vector {
	const char *name;
	const struct ao_alg *alg;
	const char *master;
	size_t len;
	const char *mac;
} vectors[] = {
	{"hmac-sha-1-96, testvector, 0 bytes", &tls_ao_hmac_sha1, "testvector", 0, "5a7536f6aef0500f15255df7"},
	{"hmac-sha-1-96, testvector, 1 bytes", &tls_ao_hmac_sha1, "testvector", 1, "d25399ea596181884d5058bf"},
	{"hmac-sha-1-96, testvector, 15 bytes", &tls_ao_hmac_sha1, "testvector", 15, "5addc0942f6f7aa2be9b00c8"},
	{"hmac-sha-1-96, testvector, 16 bytes", &tls_ao_hmac_sha1, "testvector", 16, "00dcd68d67b5ef764161aa63"},
	{"hmac-sha-1-96, testvector, 17 bytes", &tls_ao_hmac_sha1, "testvector", 17, "34bb1ceff7827bdc7f4322c3"},
	{"hmac-sha-1-96, testvector, 32 bytes", &tls_ao_hmac_sha1, "testvector", 32, "54c0cbae2aed0b9ab4531710"},
	{"hmac-sha-1-96, testvector, 33 bytes", &tls_ao_hmac_sha1, "testvector", 33, "f10d4b4bb8111efcc5af6cf7"},
	{"hmac-sha-1-96, testvector, 64 bytes", &tls_ao_hmac_sha1, "testvector", 64, "f39d4c64d41132f0b5f4e65d"},
	{"hmac-sha-1-96, testvector, 200 bytes", &tls_ao_hmac_sha1, "testvector", 200, "9696259849422dfcd02e9bda"},
	{"hmac-sha-1-96, long key, 0 bytes", &tls_ao_hmac_sha1, LONG, 0, "5510afa751bb35266c16a8bb"},
	{"hmac-sha-1-96, long key, 1 bytes", &tls_ao_hmac_sha1, LONG, 1, "de7b6e40d4ce5c7be472017c"},
	{"hmac-sha-1-96, long key, 15 bytes", &tls_ao_hmac_sha1, LONG, 15, "49c5aed8b2a58e71b705c278"},
	{"hmac-sha-1-96, long key, 16 bytes", &tls_ao_hmac_sha1, LONG, 16, "e36088da3e23621f1fed7c46"},
	{"hmac-sha-1-96, long key, 17 bytes", &tls_ao_hmac_sha1, LONG, 17, "a6b6e656c410cfa031e796bb"},
	{"hmac-sha-1-96, long key, 32 bytes", &tls_ao_hmac_sha1, LONG, 32, "98ce638a8869782f83064b3d"},
	{"hmac-sha-1-96, long key, 33 bytes", &tls_ao_hmac_sha1, LONG, 33, "bf11525a0080f1f4e2d44f43"},
	{"hmac-sha-1-96, long key, 64 bytes", &tls_ao_hmac_sha1, LONG, 64, "a76b8ea55d524dd3530e51d9"},
	{"hmac-sha-1-96, long key, 200 bytes", &tls_ao_hmac_sha1, LONG, 200, "240e1e5b0aee83f281e13c9e"},
	{"aes-128-cmac-96, 0123456789abcdef, 0 bytes", &tls_ao_aes_cmac, "0123456789abcdef", 0, "29fd5b98fb9b2621eeb88447"},
	{"aes-128-cmac-96, 0123456789abcdef, 1 bytes", &tls_ao_aes_cmac, "0123456789abcdef", 1, "527d9f9c8490ec8256182cb1"},
	{"aes-128-cmac-96, 0123456789abcdef, 15 bytes", &tls_ao_aes_cmac, "0123456789abcdef", 15, "ab1bb81e7173588986b09439"},
	{"aes-128-cmac-96, 0123456789abcdef, 16 bytes", &tls_ao_aes_cmac, "0123456789abcdef", 16, "bae9933b9c5dd2d502136f3b"},
	{"aes-128-cmac-96, 0123456789abcdef, 17 bytes", &tls_ao_aes_cmac, "0123456789abcdef", 17, "83ec83fe365c81c9cb4e96a0"},
	{"aes-128-cmac-96, 0123456789abcdef, 32 bytes", &tls_ao_aes_cmac, "0123456789abcdef", 32, "fac415ea8bd27bf5813d9c6a"},
	{"aes-128-cmac-96, 0123456789abcdef, 33 bytes", &tls_ao_aes_cmac, "0123456789abcdef", 33, "a74f8a3acc1869827677e02e"},
	{"aes-128-cmac-96, 0123456789abcdef, 64 bytes", &tls_ao_aes_cmac, "0123456789abcdef", 64, "e2990d81d4d420bd168fe3fb"},
	{"aes-128-cmac-96, 0123456789abcdef, 200 bytes", &tls_ao_aes_cmac, "0123456789abcdef", 200, "bd694bb7c365e11b3be3bb83"},
	{"aes-128-cmac-96, testvector, 0 bytes", &tls_ao_aes_cmac, "testvector", 0, "21beb1d53228d824fcb8d9bc"},
	{"aes-128-cmac-96, testvector, 1 bytes", &tls_ao_aes_cmac, "testvector", 1, "4e76e2568e0463edcd563ac1"},
	{"aes-128-cmac-96, testvector, 15 bytes", &tls_ao_aes_cmac, "testvector", 15, "de29d2671d577a9101819194"},
	{"aes-128-cmac-96, testvector, 16 bytes", &tls_ao_aes_cmac, "testvector", 16, "5f623ad4fa1345d76ecbf4b6"},
	{"aes-128-cmac-96, testvector, 17 bytes", &tls_ao_aes_cmac, "testvector", 17, "352e77382eb3d3059a869cfd"},
	{"aes-128-cmac-96, testvector, 32 bytes", &tls_ao_aes_cmac, "testvector", 32, "f71f4fb98c7f19d3a9551169"},
	{"aes-128-cmac-96, testvector, 33 bytes", &tls_ao_aes_cmac, "testvector", 33, "d165ff3dce9b33a1b2320fd0"},
	{"aes-128-cmac-96, testvector, 64 bytes", &tls_ao_aes_cmac, "testvector", 64, "c4f02aaa0e145a8099da53cf"},
	{"aes-128-cmac-96, testvector, 200 bytes", &tls_ao_aes_cmac, "testvector", 200, "bdec4c9bf20f32f21034b7c5"},
	{"aes-128-cmac-96, a key longer than one block, 0 bytes", &tls_ao_aes_cmac, "a key longer than one block", 0, "35ee11ca1bb2cdf714ae8f90"},
	{"aes-128-cmac-96, a key longer than one block, 1 bytes", &tls_ao_aes_cmac, "a key longer than one block", 1, "65f32d1dedda14f0fe343d6b"},
	{"aes-128-cmac-96, a key longer than one block, 15 bytes", &tls_ao_aes_cmac, "a key longer than one block", 15, "d8d69a05c6215876a6e356f5"},
	{"aes-128-cmac-96, a key longer than one block, 16 bytes", &tls_ao_aes_cmac, "a key longer than one block", 16, "50012ecf1fd86193141503a2"},
	{"aes-128-cmac-96, a key longer than one block, 17 bytes", &tls_ao_aes_cmac, "a key longer than one block", 17, "a7ddb7265e38d86086ff27d9"},
	{"aes-128-cmac-96, a key longer than one block, 32 bytes", &tls_ao_aes_cmac, "a key longer than one block", 32, "16814871db589addb4f0e2f8"},
	{"aes-128-cmac-96, a key longer than one block, 33 bytes", &tls_ao_aes_cmac, "a key longer than one block", 33, "497dddaae7ba80f590c71c2f"},
	{"aes-128-cmac-96, a key longer than one block, 64 bytes", &tls_ao_aes_cmac, "a key longer than one block", 64, "5eac519492965cbbec66a5f2"},
	{"aes-128-cmac-96, a key longer than one block, 200 bytes", &tls_ao_aes_cmac, "a key longer than one block", 200, "8bbb44d8fe1fbcfe6c73fdc9"},
};

static uint8_t message[256];

static void fill_message(void)
{
	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)i;
}

static void hex(char to[2 * AO_MAC_LEN + 1], const uint8_t mac[AO_MAC_LEN])
{
	static const char digit[] = "0123456789abcdef";

	for (int i = 0; i < AO_MAC_LEN; i++) {
		to[2 * i] = digit[mac[i] >> 4];
		to[2 * i + 1] = digit[mac[i] & 15];
	}
	to[2 * AO_MAC_LEN] = '\0';
}

static void macs_are_those_of_other_implementations(void)
{
	_Alignas(16) uint8_t traffic[AO_TRAFFIC_BYTES];

	fill_message();
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		const struct vector *v = &vectors[i];
		struct ao_piece all = {message, v->len};
		char text[2 * AO_MAC_LEN + 1];
		uint8_t mac[AO_MAC_LEN];

		v->alg->derive(traffic, v->master, strlen(v->master), "context", 7);
		v->alg->mac(traffic, &all, 1, mac);
		hex(text, mac);
		if (strcmp(text, v->mac) != 0)
			FAIL_ROW(v->name);
	}
}

/* A MAC is over bytes, wherever they are cut, empty pieces among them. */
static void pieces_count_as_one(void)
{
	static const struct ao_alg *const algs[] = {&tls_ao_hmac_sha1, &tls_ao_aes_cmac};
	_Alignas(16) uint8_t traffic[AO_TRAFFIC_BYTES];

	fill_message();
	for (size_t a = 0; a < ARRAY_LEN(algs); a++) {
		algs[a]->derive(traffic, "k", 1, "context", 7);
		for (size_t len = 0; len <= 50; len++) {
			struct ao_piece all = {message, len};
			uint8_t whole[AO_MAC_LEN], cut[AO_MAC_LEN];

			algs[a]->mac(traffic, &all, 1, whole);
			for (size_t x = 0; x <= len; x++)
				for (size_t y = x; y <= len; y++) {
					struct ao_piece p[4] = {{message, x}, {message + x, y - x},
								{message + y, 0}, {message + y, len - y}};

					algs[a]->mac(traffic, p, 4, cut);
					if (memcmp(whole, cut, AO_MAC_LEN) != 0)
						FAIL_ROW(algs[a]->name);
				}
		}
	}
}

static void algorithms_are_found_by_name(void)
{
	CU_ASSERT_PTR_EQUAL(tls_ao_alg("hmac-sha-1-96"), &tls_ao_hmac_sha1);
	CU_ASSERT_PTR_EQUAL(tls_ao_alg("aes-128-cmac-96"), &tls_ao_aes_cmac);
	CU_ASSERT_PTR_NULL(tls_ao_alg("md5"));
	CU_ASSERT_PTR_NULL(tls_ao_alg(""));
}

static const struct test_case cases[] = {
	TEST(macs_are_those_of_other_implementations),
	TEST(pieces_count_as_one),
	TEST(algorithms_are_found_by_name),
};
TEST_SUITE(ao, cases);
