/* What a ClientHello offers, where the engine only says that nothing fits. */
#ifndef TLS_HELLO_H
#define TLS_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether this is a ClientHello that names its versions (RFC 8446 4.2.1), with 1.2 not among them. */
bool hello_is_newer_only(const uint8_t *p, size_t len);

#endif
