/* Files that are wrong are named at the start, with what was expected. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/duo.h"
#include "../lib/test.h"
#include "base/check.h"

#define BEGIN_CERT "-----BEGIN CERTIFICATE-----\n"
#define END_CERT "-----END CERTIFICATE-----\n"

static size_t slurp(const char *path, char *buf, size_t cap)
{
	FILE *f = fopen(path, "rb");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	size_t n = fread(buf, 1, cap - 1, f);

	fclose(f);
	buf[n] = '\0';
	return n;
}

static bool one_line(const char *err)
{
	for (const char *p = err; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
	return err[0] != '\0';
}

static void pairs_of_files_are_checked(void)
{
	static const struct {
		const char *name, *cert, *key, *says;
	} rows[] = {
		{"good EC", DEMO "server.pem", DEMO "server.key", NULL},
		{"good RSA", PKI "rsa.pem", PKI "rsa.key", NULL},
		{"good P-384", PKI "p384.pem", PKI "p384.key", NULL},
		{"chain", PKI "chain16.pem", PKI "chain16.key", NULL},
		{"no certificate file", PKI "nothing.pem", DEMO "server.key",
		 PKI "nothing.pem: cannot be opened (No such file or directory), expected a PEM file"},
		{"no key file", DEMO "server.pem", PKI "nothing.key", PKI "nothing.key: cannot be opened"},
		{"a folder", PKI, DEMO "server.key", PKI ": cannot be read (Is a directory)"},
		{"key of another certificate", DEMO "server.pem", DEMO "client.key",
		 DEMO "server.pem: the certificate belongs to another key than " DEMO "client.key"},
		{"RSA key of another", PKI "rsa.pem", PKI "seed.key",
		 PKI "rsa.pem: the certificate belongs to another key than " PKI "seed.key"},
		{"EC key, RSA certificate", PKI "rsa.pem", DEMO "server.key",
		 PKI "rsa.pem: the certificate has an RSA key and " DEMO "server.key is an EC key, expected a pair"},
		{"other curve", DEMO "server.pem", PKI "p384.key", "another key"},
		{"key as certificate", DEMO "server.key", DEMO "server.key",
		 DEMO "server.key: holds a private key, expected a CERTIFICATE (are certificate and key swapped?)"},
		{"certificate as key", DEMO "server.pem", DEMO "server.pem",
		 DEMO "server.pem: holds a certificate, expected a PRIVATE KEY"},
		{"encrypted key", PKI "root.pem", PKI "encrypted.key",
		 PKI "encrypted.key: the private key is encrypted, expected one without a pass phrase"},
		{"RSA 1024", PKI "rsa1024.pem", PKI "rsa1024.key",
		 PKI "rsa1024.key: is an RSA key of 1024 bits, expected 2048 to 4096"},
		{"RSA 4960, which overruns BearSSL", PKI "rsa.pem", PKI "rsa4960.key",
		 "bytes, expected RSA of 2048 to 4096 bits or EC"},
		{"Ed25519", PKI "root.pem", PKI "ed25519.key", PKI "ed25519.key: the private key is of an unsupported kind"},
		{"neither", PKI "make.sh", DEMO "server.key", PKI "make.sh: has no PEM object, expected -----BEGIN CERTIFICATE-----"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char err[512] = "";
		struct tls_creds *c = tls_creds_load(rows[i].cert, rows[i].key, err, sizeof(err));
		bool ok = rows[i].says ? !c && strstr(err, rows[i].says) && one_line(err) : c != NULL;

		if (!ok) {
			CU_FAIL(rows[i].name);
			printf("%s: %s\n", rows[i].name, err);
		}
		tls_creds_free(c);
	}
}

/* ---- texts ---- */

static struct tls_anchors *parse(const char *text, size_t len, char *err, size_t cap)
{
	struct tls_text t = {"ca.pem", text, len};

	return tls_anchors_parse(&t, err, cap);
}

static void harmless_variations_are_accepted(void)
{
	static char lf[8192], crlf[16384], bare[8192], bom[8200], noisy[9000];
	size_t n = slurp(DEMO "ca.pem", lf, sizeof(lf)), k = 0;
	const char *forms[] = {lf, crlf, bare, bom, noisy};
	char err[256];

	for (size_t i = 0; i < n; i++) {
		if (lf[i] == '\n')
			crlf[k++] = '\r';
		crlf[k++] = lf[i];
	}
	memcpy(bare, lf, n);
	bare[n - 1] = '\0'; /* no newline at the end */
	snprintf(bom, sizeof(bom), "\xef\xbb\xbf%s", lf);
	snprintf(noisy, sizeof(noisy), "subject=CN = x\n\n%s\ntrailing words\n", lf);
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct tls_anchors *a = parse(forms[i], strlen(forms[i]), err, sizeof(err));

		if (!a) {
			CU_FAIL("refused");
			printf("form %zu: %s\n", i, err);
		}
		tls_anchors_free(a);
	}
}

static void damaged_texts_are_refused(void)
{
	static const struct {
		const char *name, *text, *says;
	} rows[] = {
		{"empty", "", "ca.pem: is empty, expected a PEM CERTIFICATE"},
		{"words", "hello\n", "ca.pem: has no PEM object"},
		{"no end", BEGIN_CERT "MIIB", "damaged or cut off, expected base64 up to -----END CERTIFICATE-----"},
		{"bad base64", BEGIN_CERT "MI*B\n" END_CERT, "damaged or cut off"},
		{"begin in begin", BEGIN_CERT "MIIB\n" BEGIN_CERT "MIIB\n" END_CERT, "damaged or cut off"},
		{"empty object", BEGIN_CERT END_CERT, "ca.pem: the certificate is truncated"},
		{"not a certificate", BEGIN_CERT "AAAA\n" END_CERT, "ca.pem: the certificate does not parse"},
		{"a key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "holds a private key"},
		{"a label with an escape", "-----BEGIN \x1b[2J-----\nAA*A\n-----END X-----\n", "ca.pem: "},
		{"something else", "-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----\n", "has no certificate"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char err[256] = "";
		struct tls_anchors *a = parse(rows[i].text, strlen(rows[i].text), err, sizeof(err));

		if (a || !strstr(err, rows[i].says) || !one_line(err)) {
			CU_FAIL(rows[i].name);
			printf("%s: %s\n", rows[i].name, err);
		}
		tls_anchors_free(a);
	}
	char err[256];

	CU_ASSERT_PTR_NULL(parse("\x30\x82\x01\x00garbage", 11, err, sizeof(err)));
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "ca.pem: is DER, expected PEM"));
}

/* Cut anywhere, or with any byte replaced: refused or loaded, never a crash, always one line. */
static void mangled_files_are_harmless(void)
{
	char cert[4096], key[4096], err[512];
	size_t nc = slurp(DEMO "server.pem", cert, sizeof(cert));
	size_t nk = slurp(DEMO "server.key", key, sizeof(key));
	struct tls_text c = {"c", cert, nc}, k = {"k", key, nk};

	const size_t whole = (size_t)(strstr(key, "-----END") - key) + 8; /* the rest is decoration */

	for (size_t n = 0; n < nk; n++) {
		char *part = malloc(n ? n : 1);

		memcpy(part, key, n);
		k.bytes = part;
		k.len = n;
		struct tls_creds *creds = tls_creds_parse(&c, &k, err, sizeof(err));

		CU_ASSERT_TRUE(creds ? n >= whole : one_line(err));
		tls_creds_free(creds);
		free(part);
	}
	k.bytes = key;
	k.len = nk;
	for (size_t i = 0; i < nc; i += 3) {
		char was = cert[i];

		cert[i] = "A=\n\xff"[i % 4];
		struct tls_creds *creds = tls_creds_parse(&c, &k, err, sizeof(err));

		CU_ASSERT_TRUE(creds || one_line(err));
		tls_creds_free(creds);
		cert[i] = was;
	}
}

static void a_bundle_may_hold_what_cannot_be_used(void)
{
	static char bundle[16384];
	char err[256];
	size_t n = slurp(PKI "rsa1024.pem", bundle, sizeof(bundle));

	CU_ASSERT_PTR_NULL(parse(bundle, n, err, sizeof(err)));
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "ca.pem: the certificate has an RSA key of 1024 bits"));
	n += slurp(DEMO "ca.pem", bundle + n, sizeof(bundle) - n);
	struct tls_anchors *a = parse(bundle, n, err, sizeof(err));

	CU_ASSERT_PTR_NOT_NULL(a);
	tls_anchors_free(a);
}

static void a_chain_out_of_order_is_refused(void)
{
	static char chain[16384];
	char key[4096], err[512];
	size_t nk = slurp(PKI "wrong.key", key, sizeof(key));
	size_t n = slurp(PKI "wrong.pem", chain, sizeof(chain));

	n += slurp(DEMO "ca.pem", chain + n, sizeof(chain) - n);
	struct tls_text c = {"chain.pem", chain, n}, k = {"k", key, nk};

	CU_ASSERT_PTR_NULL(tls_creds_parse(&c, &k, err, sizeof(err)));
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "chain.pem: certificate 2 is not the issuer of certificate 1"));
}

static void the_name_of_a_file_cannot_reach_the_terminal_raw(void)
{
	char err[256];

	CU_ASSERT_PTR_NULL(tls_anchors_load("no\x1b[2Jsuch\nfile", err, sizeof(err)));
	CU_ASSERT_TRUE(one_line(err));
	CU_ASSERT_EQUAL(strncmp(err, "no?[2Jsuch?file: ", 17), 0);
}

static const struct test_case cases[] = {
	TEST(pairs_of_files_are_checked),
	TEST(harmless_variations_are_accepted),
	TEST(damaged_texts_are_refused),
	TEST(mangled_files_are_harmless),
	TEST(a_bundle_may_hold_what_cannot_be_used),
	TEST(a_chain_out_of_order_is_refused),
	TEST(the_name_of_a_file_cannot_reach_the_terminal_raw),
};
TEST_SUITE(pem, cases);
