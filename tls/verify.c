/* Path validation is BearSSL's (RFC 5280 6, without building paths: the chain must come in order).
 * Added here: limits on number and size, the extended key usage by role (RFC 5280 4.2.1.12; the
 * engine ignores it), names that are IP addresses (RFC 2818 3.1), anchors that are out of date, and
 * a sentence that says what is wrong in terms of the certificates at hand.
 *
 * A CA certificate as the peer's own certificate, without alternative names, is accepted and
 * matched by its common name: that is what `openssl req -x509` makes. */
#include "verify.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "alert.h"
#include "base/check.h"
#include "cert.h"

#define DAYS_TO_1970 719528 /* of the engine's calendar, which begins with the year 0 */

static struct verify *of(const br_x509_class **ctx)
{
	return (struct verify *)(void *)ctx;
}

static void drop_chain(struct verify *v, size_t from)
{
	for (size_t i = from; i < v->n; i++)
		free(v->chain[i].der);
	if (v->n > from)
		v->n = from;
}

static void start_chain(const br_x509_class **ctx, const char *server_name)
{
	struct verify *v = of(ctx);

	(void)server_name; /* what is sent as SNI; what is checked is our own affair */
	drop_chain(v, 0);
	v->bytes = 0;
	v->over_limit = false;
	v->judged = false;
	v->minimal.vtable->start_chain(&v->minimal.vtable, v->name);
}

static void start_cert(const br_x509_class **ctx, uint32_t len)
{
	struct verify *v = of(ctx);

	if (v->n == CHAIN_MAX || len > CHAIN_BYTES - v->bytes)
		v->over_limit = true;
	if (v->over_limit)
		return;
	v->chain[v->n].der = malloc(len ? len : 1);
	v->chain[v->n].len = len;
	v->chain[v->n].have = 0;
	if (!v->chain[v->n].der) {
		v->over_limit = true;
		return;
	}
	v->bytes += len;
	v->n++;
	v->minimal.vtable->start_cert(&v->minimal.vtable, len);
}

static void append(const br_x509_class **ctx, const unsigned char *buf, size_t len)
{
	struct verify *v = of(ctx);

	if (v->over_limit)
		return;
	assert(v->n > 0);
	assert(len <= v->chain[v->n - 1].len - v->chain[v->n - 1].have);
	memcpy(v->chain[v->n - 1].der + v->chain[v->n - 1].have, buf, len);
	v->chain[v->n - 1].have += len;
	v->minimal.vtable->append(&v->minimal.vtable, buf, len);
}

static void end_cert(const br_x509_class **ctx)
{
	struct verify *v = of(ctx);

	if (!v->over_limit)
		v->minimal.vtable->end_cert(&v->minimal.vtable);
}

static bool parsed(const struct verify *v, size_t i, struct cert *c)
{
	return i < v->n && cert_parse(c, v->chain[i].der, v->chain[i].len);
}

/* The engine never looks at an anchor's dates. The anchor that was used is the first whose name is
 * an issuer in the chain; of several with one name, one that is in date is enough. */
static bool anchors_in_date(const struct verify *v)
{
	for (size_t i = 0; i < v->n; i++) {
		struct cert c;
		bool found = false;

		if (!parsed(v, i, &c))
			return false;
		for (size_t k = 0; k < v->anchors->n; k++) {
			const br_x500_name *dn = &v->anchors->v[k].dn;
			size_t len = (size_t)(c.issuer_raw.end - c.issuer_raw.p);

			if (dn->len != len || memcmp(dn->data, c.issuer_raw.p, len) != 0)
				continue;
			if (v->anchors->expires[k] >= v->unix_time)
				return true;
			found = true;
		}
		if (found)
			return false;
	}
	return true;
}

static unsigned more_checks(const struct verify *v)
{
	struct cert leaf;

	if (!parsed(v, 0, &leaf))
		return BR_ERR_X509_UNEXPECTED;
	if (!cert_fit_for(&leaf, v->peer_is_server))
		return BR_ERR_X509_FORBIDDEN_KEY_USAGE;
	if (v->ip_len && !cert_has_ip(&leaf, v->ip, v->ip_len))
		return BR_ERR_X509_BAD_SERVER_NAME;
	if (!anchors_in_date(v))
		return BR_ERR_X509_EXPIRED;
	return 0;
}

/* ---- sentences ---- */

static void say_untrusted(const struct verify *v, struct text *t)
{
	struct cert last;

	if (!parsed(v, v->n - 1, &last)) {
		text_add(t, "%s", error_text(BR_ERR_X509_NOT_TRUSTED));
		return;
	}
	text_add(t, "issuer ");
	cert_name_short(t, last.issuer);
	text_add(t, " of the peer's certificate is not in %s (--cacert)", v->anchors->name);
}

static void say_out_of_date(const struct verify *v, struct text *t)
{
	for (size_t i = 0; i < v->n; i++) {
		struct cert c;
		int64_t from, to;

		if (!parsed(v, i, &c) || !cert_time(c.not_before_tag, c.not_before, &from) ||
		    !cert_time(c.not_after_tag, c.not_after, &to))
			continue;
		if (v->unix_time >= from && v->unix_time <= to)
			continue;
		text_add(t, "certificate ");
		cert_name_short(t, c.subject);
		if (v->unix_time < from) {
			text_add(t, " is not valid before ");
			cert_time_text(t, c.not_before_tag, c.not_before);
		} else {
			text_add(t, " expired on ");
			cert_time_text(t, c.not_after_tag, c.not_after);
		}
		return;
	}
	text_add(t, "the trust anchor in %s (--cacert) has expired", v->anchors->name);
}

static void say_wrong_name(const struct verify *v, struct text *t)
{
	struct cert leaf;
	char ip[INET6_ADDRSTRLEN];

	text_add(t, "certificate is for ");
	if (parsed(v, 0, &leaf))
		cert_hosts_short(t, &leaf);
	else
		text_add(t, "another name");
	text_add(t, ", not %s (--servername, --no-name-check)",
		 v->name ? v->name
			 : inet_ntop(v->ip_len == 4 ? AF_INET : AF_INET6, v->ip, ip, sizeof(ip)));
}

static void say_wrong_use(const struct verify *v, struct text *t)
{
	struct cert leaf;

	if (!parsed(v, 0, &leaf)) {
		text_add(t, "%s", error_text(BR_ERR_X509_FORBIDDEN_KEY_USAGE));
		return;
	}
	text_add(t, "certificate ");
	cert_name_short(t, leaf.subject);
	text_add(t, " is not meant for a %s (key usage)", v->peer_is_server ? "server" : "client");
}

static void explain(struct verify *v)
{
	struct text t = {v->why, sizeof(v->why), 0};
	const char *text;

	v->why[0] = '\0';
	switch (v->result) {
	case 0:
		return;
	case BR_ERR_X509_NOT_TRUSTED:
		say_untrusted(v, &t);
		return;
	case BR_ERR_X509_EXPIRED:
		say_out_of_date(v, &t);
		return;
	case BR_ERR_X509_BAD_SERVER_NAME:
		say_wrong_name(v, &t);
		return;
	case BR_ERR_X509_FORBIDDEN_KEY_USAGE:
		say_wrong_use(v, &t);
		return;
	default:
		text = error_text((int)v->result);
		text_add(&t, "%s", text ? text : "the peer's certificate is not acceptable");
	}
}

static unsigned end_chain(const br_x509_class **ctx)
{
	struct verify *v = of(ctx);

	v->result = v->over_limit ? BR_ERR_X509_LIMIT_EXCEEDED
				  : v->minimal.vtable->end_chain(&v->minimal.vtable);
	if (v->result == 0)
		v->result = more_checks(v);
	v->judged = v->n > 0 || v->over_limit;
	explain(v);
	drop_chain(v, 1);
	return v->result;
}

static const br_x509_pkey *get_pkey(const br_x509_class *const *ctx, unsigned *usages)
{
	const struct verify *v = (const struct verify *)(const void *)ctx;

	return v->minimal.vtable->get_pkey(&v->minimal.vtable, usages);
}

static const br_x509_class verify_class = {
    sizeof(struct verify), start_chain, start_cert, append, end_cert, end_chain, get_pkey,
};

size_t verify_parse_ip(const char *text, unsigned char ip[16])
{
	if (inet_pton(AF_INET, text, ip) == 1)
		return 4;
	return inet_pton(AF_INET6, text, ip) == 1 ? 16 : 0;
}

void verify_init(struct verify *v, const struct tls_anchors *anchors, const char *expect,
		 bool peer_is_server, int64_t unix_time)
{
	br_x509_minimal_context *m = &v->minimal;

	assert(unix_time >= 0); /* 0 and 0 would make the engine read the system's clock */
	memset(v, 0, sizeof(*v));
	v->vtable = &verify_class;
	v->anchors = anchors;
	v->peer_is_server = peer_is_server;
	v->unix_time = unix_time;
	if (expect) {
		v->ip_len = verify_parse_ip(expect, v->ip);
		v->name = v->ip_len ? NULL : expect;
	}
	br_x509_minimal_init(m, &br_sha256_vtable, anchors ? anchors->v : NULL,
			     anchors ? anchors->n : 0);
	br_x509_minimal_set_rsa(m, br_rsa_pkcs1_vrfy_get_default());
	br_x509_minimal_set_ecdsa(m, br_ec_get_default(), br_ecdsa_vrfy_asn1_get_default());
	br_x509_minimal_set_hash(m, br_sha256_ID, &br_sha256_vtable); /* SHA-1 stays out */
	br_x509_minimal_set_hash(m, br_sha384_ID, &br_sha384_vtable);
	br_x509_minimal_set_hash(m, br_sha512_ID, &br_sha512_vtable);
	br_x509_minimal_set_minrsa(m, RSA_MIN_BITS / 8);
	br_x509_minimal_set_time(m, (uint32_t)(unix_time / 86400) + DAYS_TO_1970,
				 (uint32_t)(unix_time % 86400));
}

void verify_free(struct verify *v)
{
	drop_chain(v, 0);
}
