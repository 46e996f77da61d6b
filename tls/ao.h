/* The algorithms of RFC 5926 for TCP-AO, to be given with a key: stack_ao_add. */
#ifndef TLS_AO_H
#define TLS_AO_H

#include "../stack/stack.h"

extern const struct ao_alg tls_ao_hmac_sha1; /* "hmac-sha-1-96": KDF_HMAC_SHA1, HMAC-SHA-1-96 */
extern const struct ao_alg tls_ao_aes_cmac;  /* "aes-128-cmac-96": KDF_AES_128_CMAC, AES-128-CMAC-96 */

const struct ao_alg *tls_ao_alg(const char *name); /* NULL: no such */

#endif
