/* Is the peer who he should be? BearSSL's minimal engine in a wrapper that keeps the certificates
 * and adds what the engine leaves out. Internal to tls/. */
#ifndef TLS_VERIFY_H
#define TLS_VERIFY_H

#include <bearssl.h>
#include <stdbool.h>

#include "creds.h"

struct verify {
	const br_x509_class *vtable; /* first: the engine's handle is a pointer to it */
	br_x509_minimal_context minimal;
	const struct tls_anchors *anchors;
	const char *name;     /* host name to match; NULL: none */
	unsigned char ip[16]; /* address to match, if ip_len */
	size_t ip_len;
	bool peer_is_server;
	int64_t unix_time;

	struct {
		unsigned char *der;
		size_t len, have;
	} chain[CHAIN_MAX];
	size_t n, bytes;
	bool over_limit; /* the rest is not looked at */
	bool judged;     /* the peer sent a chain, and `result` is about it */
	unsigned result; /* 0, or BR_ERR_X509_* */
	char why[256];   /* one sentence for the result */
};

/* `expect`: host name or IP address, NULL for none; lent. */
void verify_init(struct verify *, const struct tls_anchors *, const char *expect,
		 bool peer_is_server, int64_t unix_time);
void verify_free(struct verify *);
/* 4 or 16 bytes when the text is an IP address, else 0. */
size_t verify_parse_ip(const char *text, unsigned char ip[16]);

#endif
