/* Looking into a certificate without judging it: the fields that BearSSL checks but does not show.
 * Internal to tls/. Everything is bounded by the bytes given; nothing is allocated. */
#ifndef TLS_CERT_H
#define TLS_CERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Text that grows into a buffer and counts on when it is full, like snprintf. */
struct text {
	char *buf;
	size_t cap, len;
};
__attribute__((format(printf, 2, 3))) void text_add(struct text *, const char *fmt, ...);

struct der {
	const uint8_t *p, *end;
};
/* The next element: its tag and its contents; false at the end or when it does not parse. */
bool der_next(struct der *, unsigned *tag, struct der *value);

struct cert {
	struct der serial, issuer, subject, extensions, issuer_raw; /* raw: with tag and length */
	struct der not_before, not_after;
	unsigned not_before_tag, not_after_tag;
	unsigned version; /* 1..3 */
};
bool cert_parse(struct cert *, const void *bytes, size_t len);

/* Seconds since 1970 of UTCTime or GeneralizedTime; false when it does not parse. */
bool cert_time(unsigned tag, struct der, int64_t *unix_time);
void cert_time_text(struct text *, unsigned tag, struct der); /* Nov 24 22:06:38 2026 GMT */

/* extendedKeyUsage: absent means fit for all. */
bool cert_fit_for(const struct cert *, bool server);
bool cert_has_ip(const struct cert *, const uint8_t *ip, size_t len); /* 4 or 16 bytes */

/* For sentences: "CN=example.com", escaped and short; the host names, "example.com, 10.0.0.1". */
void cert_name_short(struct text *, struct der name);
void cert_hosts_short(struct text *, const struct cert *);

#endif
