/* What pem.c loads and a session uses. Internal to tls/. */
#ifndef TLS_CREDS_H
#define TLS_CREDS_H

#include <bearssl.h>
#include <stddef.h>

#define CHAIN_MAX 16            /* certificates in a chain, ours or the peer's */
#define CHAIN_BYTES (64 * 1024) /* and their bytes */
#define RSA_MIN_BITS 2048
#define RSA_MAX_BITS 4096 /* BearSSL's own limit */

struct tls_creds {
	br_x509_certificate chain[CHAIN_MAX];
	size_t n;
	int key_type;           /* BR_KEYTYPE_RSA or BR_KEYTYPE_EC */
	int issuer_key_type;    /* of the leaf's signature */
	br_rsa_private_key rsa; /* these two point into key_bytes */
	br_ec_private_key ec;
	unsigned char key_bytes[3 * BR_X509_BUFSIZE_SIG];
};

struct tls_anchors {
	br_x509_trust_anchor *v;
	int64_t *expires; /* of v[i]: unix seconds */
	size_t n;
	char *name; /* of the file, for messages */
};

#endif
