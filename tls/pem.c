/* Certificates and keys from PEM files (RFC 7468). All that can be wrong with them is found here,
 * before any packet: what BearSSL would refuse late, and what it would never notice, such as a key
 * that belongs to another certificate. Each refusal is one line, `file: what, what was expected`.
 *
 * Input is bounded (FILE_MAX) and nothing recurses on it. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cert.h"
#include "creds.h"
#include "tls.h"

#define FILE_MAX (1024 * 1024) /* the system's CA bundle has about 220 kB */
#define ANCHORS_MAX 4096
/* BearSSL 0.6 writes up to 24 bytes past its key decoder for RSA keys of 4916 to 4992 bits. A key
 * of 4096 bits has 2,376 bytes in PKCS #8; longer ones are refused unseen. */
#define KEY_DER_MAX 2400
#define KEY_DECODER_SLACK 64

/* ---- messages ---- */

struct err_buf {
	char *buf;
	size_t cap;
	const char *name; /* of the file */
};

/* File names and PEM labels are shown without control characters. */
static void add_plain(struct text *t, const char *s)
{
	for (; *s; s++)
		text_add(t, "%c", (unsigned char)*s < 0x20 || *s == 0x7f ? '?' : *s);
}

/* Always false, for `return fail(...)`. */
__attribute__((format(printf, 2, 3))) static bool fail(const struct err_buf *e, const char *fmt,
						       ...)
{
	struct text t = {e->buf, e->cap, 0};
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (e->cap)
		e->buf[0] = '\0';
	add_plain(&t, e->name);
	text_add(&t, ": ");
	add_plain(&t, line);
	return false;
}

/* ---- PEM ---- */

struct blob {
	unsigned char *p;
	size_t n, cap;
	bool failed;
};

static void blob_add(void *ctx, const void *src, size_t len)
{
	struct blob *b = ctx;

	if (b->failed || len == 0)
		return;
	if (b->n + len > b->cap) {
		size_t cap = b->cap ? b->cap * 2 : 2048;

		while (cap < b->n + len)
			cap *= 2;
		unsigned char *p = realloc(b->p, cap);

		if (!p) {
			b->failed = true;
			return;
		}
		b->p = p;
		b->cap = cap;
	}
	memcpy(b->p + b->n, src, len);
	b->n += len;
}

/* Called for each object; takes nothing. False: the message is written, stop. */
typedef bool object_fn(void *arg, const char *label, const struct blob *, const struct err_buf *);

static bool pem_walk(const struct tls_text *in, const char *want, object_fn *each, void *arg,
		     const struct err_buf *e)
{
	const unsigned char *p = in->bytes, *cr = p; /* cr: the next, or the end */
	size_t left = in->len, objects = 0;
	br_pem_decoder_context pem;
	struct blob blob = {0};
	char label[128] = "";
	bool inside = false, ok = true, ended = false;

	if (left == 0)
		return fail(e, "is empty, expected a PEM %s", want);
	if (p[0] == 0x30 && left > 1 && (p[1] & 0x80))
		return fail(e, "is DER, expected PEM (-----BEGIN %s-----)", want);
	if (left >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) { /* byte order mark */
		p += 3;
		left -= 3;
	}
	br_pem_decoder_init(&pem);
	while (ok && !ended) {
		/* A file without a final newline would never show its END: add one. Carriage
		 * returns would become part of the label: leave them out. */
		if (left == 0) {
			ended = true;
			br_pem_decoder_push(&pem, "\n", 1);
		} else if (*p == '\r') {
			p++;
			left--;
			continue;
		} else {
			if (cr <= p)
				cr = memchr(p, '\r', left);
			if (!cr)
				cr = p + left;
			size_t part = br_pem_decoder_push(&pem, p, (size_t)(cr - p));

			p += part;
			left -= part;
		}
		switch (br_pem_decoder_event(&pem)) {
		case BR_PEM_BEGIN_OBJ:
			snprintf(label, sizeof(label), "%s", br_pem_decoder_name(&pem));
			blob.n = 0;
			inside = true;
			br_pem_decoder_setdest(&pem, blob_add, &blob);
			break;
		case BR_PEM_END_OBJ:
			inside = false;
			objects++;
			ok = blob.failed ? fail(e, "out of memory") : each(arg, label, &blob, e);
			break;
		case BR_PEM_ERROR:
			inside = true;
			ended = true;
			break;
		}
	}
	free(blob.p);
	if (!ok)
		return false;
	if (inside)
		return fail(e,
			    "the PEM object %s is damaged or cut off, expected base64 up to "
			    "-----END %s-----",
			    label, label);
	if (objects == 0)
		return fail(e, "has no PEM object, expected -----BEGIN %s-----", want);
	return true;
}

static bool is_certificate(const char *label)
{
	return strcmp(label, "CERTIFICATE") == 0 || strcmp(label, "X509 CERTIFICATE") == 0;
}

static bool is_key(const char *label)
{
	return strcmp(label, "PRIVATE KEY") == 0 || strcmp(label, "RSA PRIVATE KEY") == 0 ||
	       strcmp(label, "EC PRIVATE KEY") == 0;
}

static bool is_any_key(const char *label)
{
	size_t n = strlen(label);

	return n >= 11 && strcmp(label + n - 11, "PRIVATE KEY") == 0;
}

/* ---- files ---- */

static bool read_file(const char *name, struct blob *out, const struct err_buf *e)
{
	FILE *f = fopen(name, "rb");
	unsigned char part[4096];
	size_t n;

	memset(out, 0, sizeof(*out));
	if (!f)
		return fail(e, "cannot be opened (%s), expected a PEM file", strerror(errno));
	while (out->n <= FILE_MAX && (n = fread(part, 1, sizeof(part), f)) > 0)
		blob_add(out, part, n);
	bool bad = ferror(f);
	int why = errno;

	fclose(f);
	if (bad)
		return fail(e, "cannot be read (%s), expected a PEM file", strerror(why));
	if (out->failed)
		return fail(e, "out of memory");
	if (out->n > FILE_MAX)
		return fail(e, "has more than 1 MiB, expected a PEM file");
	return true;
}

/* ---- the certificate chain ---- */

static unsigned rsa_bits(const unsigned char *n, size_t len)
{
	unsigned bits;

	while (len > 0 && *n == 0) {
		n++;
		len--;
	}
	if (len == 0)
		return 0;
	bits = (unsigned)(len - 1) * 8;
	for (unsigned top = *n; top; top >>= 1)
		bits++;
	return bits;
}

struct chain_load {
	struct tls_creds *c;
	size_t bytes;
	bool saw_key;
};

static bool chain_object(void *arg, const char *label, const struct blob *b,
			 const struct err_buf *e)
{
	struct chain_load *l = arg;
	br_x509_certificate *slot = &l->c->chain[l->c->n];

	l->saw_key |= is_any_key(label);
	if (!is_certificate(label))
		return true;
	if (l->c->n == CHAIN_MAX)
		return fail(e, "has more than %d certificates, expected a chain", CHAIN_MAX);
	l->bytes += b->n;
	if (l->bytes > CHAIN_BYTES)
		return fail(e, "has more than 64 KiB of certificates, expected a chain");
	slot->data = malloc(b->n + 1);
	if (!slot->data)
		return fail(e, "out of memory");
	memcpy(slot->data, b->p, b->n);
	slot->data_len = b->n;
	l->c->n++;
	return true;
}

/* Leaf first, each signed by the next (RFC 5246 7.4.2). */
static bool chain_in_order(const struct tls_creds *c, const struct err_buf *e)
{
	struct cert one, next;

	for (size_t i = 0; i < c->n; i++) {
		if (!cert_parse(&next, c->chain[i].data, c->chain[i].data_len))
			return fail(e, "certificate %zu does not parse, expected X.509 in DER",
				    i + 1);
		if (i > 0 && (one.issuer.end - one.issuer.p != next.subject.end - next.subject.p ||
			      memcmp(one.issuer.p, next.subject.p,
				     (size_t)(one.issuer.end - one.issuer.p)) != 0))
			return fail(e,
				    "certificate %zu is not the issuer of certificate %zu, "
				    "expected the leaf first, each signed by the next",
				    i + 1, i);
		one = next;
	}
	return true;
}

static const char *x509_error(int code)
{
	switch (code) {
	case 0:
	case BR_ERR_X509_TRUNCATED:
	case BR_ERR_X509_INNER_TRUNC:
		return "is truncated";
	case BR_ERR_X509_UNSUPPORTED:
		return "is of an unsupported kind";
	case BR_ERR_X509_LIMIT_EXCEEDED:
		return "is too large";
	default:
		return "does not parse";
	}
}

static bool load_chain(struct tls_creds *c, const struct tls_text *in, const struct err_buf *e)
{
	struct chain_load l = {c, 0, false};

	if (!pem_walk(in, "CERTIFICATE", chain_object, &l, e))
		return false;
	if (c->n == 0)
		return fail(e, l.saw_key
				   ? "holds a private key, expected a CERTIFICATE (are certificate "
				     "and key swapped?)"
				   : "has no certificate, expected -----BEGIN CERTIFICATE-----");
	return chain_in_order(c, e);
}

/* ---- the private key ---- */

struct key_load {
	struct tls_creds *c;
	bool found, encrypted, saw_certificate;
};

static unsigned char *keep(struct tls_creds *c, size_t *used, const unsigned char *p, size_t n)
{
	unsigned char *to = c->key_bytes + *used;

	assert(n <= sizeof(c->key_bytes) - *used);
	memcpy(to, p, n);
	*used += n;
	return to;
}

static bool keep_rsa(struct tls_creds *c, const br_rsa_private_key *k, const struct err_buf *e)
{
	size_t used = 0;

	if (k->n_bitlen < RSA_MIN_BITS || k->n_bitlen > RSA_MAX_BITS)
		return fail(e, "is an RSA key of %u bits, expected %d to %d", (unsigned)k->n_bitlen,
			    RSA_MIN_BITS, RSA_MAX_BITS);
	if (k->plen + k->qlen + k->dplen + k->dqlen + k->iqlen > sizeof(c->key_bytes))
		return fail(e,
			    "the RSA key does not parse, expected five numbers of half its size");
	c->rsa = *k;
	c->rsa.p = keep(c, &used, k->p, k->plen);
	c->rsa.q = keep(c, &used, k->q, k->qlen);
	c->rsa.dp = keep(c, &used, k->dp, k->dplen);
	c->rsa.dq = keep(c, &used, k->dq, k->dqlen);
	c->rsa.iq = keep(c, &used, k->iq, k->iqlen);
	return true;
}

static bool key_object(void *arg, const char *label, const struct blob *b, const struct err_buf *e)
{
	struct {
		br_skey_decoder_context d;
		unsigned char slack[KEY_DECODER_SLACK];
	} dec;
	struct key_load *l = arg;
	size_t used = 0;

	l->encrypted |= strcmp(label, "ENCRYPTED PRIVATE KEY") == 0;
	l->saw_certificate |= is_certificate(label);
	if (l->found || !is_key(label))
		return true;
	if (b->n > KEY_DER_MAX)
		return fail(e, "the private key has %zu bytes, expected RSA of %d to %d bits or EC",
			    b->n, RSA_MIN_BITS, RSA_MAX_BITS);
	memset(&dec, 0, sizeof(dec));
	br_skey_decoder_init(&dec.d);
	br_skey_decoder_push(&dec.d, b->p, b->n);
	l->c->key_type = br_skey_decoder_key_type(&dec.d);
	l->found = true;
	if (l->c->key_type == BR_KEYTYPE_RSA)
		return keep_rsa(l->c, br_skey_decoder_get_rsa(&dec.d), e);
	if (l->c->key_type == BR_KEYTYPE_EC) {
		const br_ec_private_key *k = br_skey_decoder_get_ec(&dec.d);

		l->c->ec = *k;
		l->c->ec.x = keep(l->c, &used, k->x, k->xlen);
		return true;
	}
	return fail(
	    e, "the private key %s, expected RSA of %d to %d bits or EC on P-256, P-384, P-521",
	    x509_error(br_skey_decoder_last_error(&dec.d)), RSA_MIN_BITS, RSA_MAX_BITS);
}

static bool load_key(struct tls_creds *c, const struct tls_text *in, const struct err_buf *e)
{
	struct key_load l = {c, false, false, false};

	if (!pem_walk(in, "PRIVATE KEY", key_object, &l, e))
		return false;
	if (l.found)
		return true;
	return fail(
	    e, "%s",
	    l.encrypted ? "the private key is encrypted, expected one without a pass phrase "
			  "(openssl pkey -in FILE -out PLAIN)"
	    : l.saw_certificate
		? "holds a certificate, expected a PRIVATE KEY (are certificate and key swapped?)"
		: "has no private key, expected -----BEGIN PRIVATE KEY-----");
}

/* ---- do they belong together? ---- */

static bool same_rsa(const struct tls_creds *c, const br_rsa_public_key *pub)
{
	unsigned char n[RSA_MAX_BITS / 8];
	br_rsa_compute_modulus modulus = br_rsa_compute_modulus_get_default();
	const unsigned char *p = pub->n;
	size_t len = pub->nlen;

	while (len > 0 && *p == 0) {
		p++;
		len--;
	}
	return modulus(NULL, &c->rsa) == len && len <= sizeof(n) && modulus(n, &c->rsa) == len &&
	       memcmp(n, p, len) == 0;
}

static bool same_ec(const struct tls_creds *c, const br_ec_public_key *pub)
{
	unsigned char q[BR_EC_KBUF_PUB_MAX_SIZE];
	br_ec_public_key made;

	return c->ec.curve == pub->curve &&
	       br_ec_compute_pub(br_ec_get_default(), &made, q, &c->ec) == pub->qlen &&
	       memcmp(q, pub->q, pub->qlen) == 0;
}

static bool check_pair(struct tls_creds *c, const char *key_name, const struct err_buf *e)
{
	br_x509_decoder_context dec;
	const br_x509_pkey *pk;

	br_x509_decoder_init(&dec, NULL, NULL);
	br_x509_decoder_push(&dec, c->chain[0].data, c->chain[0].data_len);
	pk = br_x509_decoder_get_pkey(&dec);
	if (!pk)
		return fail(e,
			    "the certificate %s, expected a key of RSA (%d to %d bits) or EC on "
			    "P-256, P-384, P-521",
			    x509_error(br_x509_decoder_last_error(&dec)), RSA_MIN_BITS,
			    RSA_MAX_BITS);
	c->issuer_key_type = br_x509_decoder_get_signer_key_type(&dec);
	if (pk->key_type != c->key_type)
		return fail(e, "the certificate has %s key and %s is %s key, expected a pair",
			    pk->key_type == BR_KEYTYPE_RSA ? "an RSA" : "an EC", key_name,
			    c->key_type == BR_KEYTYPE_RSA ? "an RSA" : "an EC");
	if (pk->key_type == BR_KEYTYPE_RSA ? !same_rsa(c, &pk->key.rsa) : !same_ec(c, &pk->key.ec))
		return fail(e, "the certificate belongs to another key than %s, expected a pair",
			    key_name);
	return true;
}

struct tls_creds *tls_creds_parse(const struct tls_text *cert, const struct tls_text *key,
				  char *err, size_t cap)
{
	struct err_buf e_cert = {err, cap, cert->name}, e_key = {err, cap, key->name};
	struct tls_creds *c = calloc(1, sizeof(*c));

	if (!c) {
		fail(&e_cert, "out of memory");
		return NULL;
	}
	if (load_chain(c, cert, &e_cert) && load_key(c, key, &e_key) &&
	    check_pair(c, key->name, &e_cert))
		return c;
	tls_creds_free(c);
	return NULL;
}

struct tls_creds *tls_creds_load(const char *cert_file, const char *key_file, char *err, size_t cap)
{
	struct err_buf e_cert = {err, cap, cert_file}, e_key = {err, cap, key_file};
	struct blob cert = {0}, key = {0};
	struct tls_creds *c = NULL;

	if (read_file(cert_file, &cert, &e_cert) && read_file(key_file, &key, &e_key)) {
		struct tls_text ct = {cert_file, cert.p, cert.n}, kt = {key_file, key.p, key.n};

		c = tls_creds_parse(&ct, &kt, err, cap);
	}
	if (key.p)
		memset(key.p, 0, key.n);
	free(cert.p);
	free(key.p);
	return c;
}

void tls_creds_free(struct tls_creds *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++)
		free(c->chain[i].data);
	memset(c, 0, sizeof(*c));
	free(c);
}

/* ---- trust anchors ---- */

struct anchor_load {
	struct tls_anchors *a;
	size_t seen;
	bool saw_key;
	char why[96]; /* what was wrong with the first that cannot be used */
};

static void *copy(const void *p, size_t n)
{
	void *to = malloc(n ? n : 1);

	return to ? memcpy(to, p, n) : NULL;
}

static bool anchor_key(br_x509_pkey *to, const br_x509_pkey *from)
{
	*to = *from;
	if (from->key_type == BR_KEYTYPE_RSA) {
		to->key.rsa.n = copy(from->key.rsa.n, from->key.rsa.nlen);
		to->key.rsa.e = copy(from->key.rsa.e, from->key.rsa.elen);
		return to->key.rsa.n && to->key.rsa.e;
	}
	to->key.ec.q = copy(from->key.ec.q, from->key.ec.qlen);
	return to->key.ec.q != NULL;
}

static void anchor_free(br_x509_trust_anchor *ta)
{
	free(ta->dn.data);
	if (ta->pkey.key_type == BR_KEYTYPE_RSA) {
		free(ta->pkey.key.rsa.n);
		free(ta->pkey.key.rsa.e);
	} else {
		free(ta->pkey.key.ec.q);
	}
}

/* The key of a certificate that may be an anchor, or NULL and the reason. */
static const br_x509_pkey *usable(br_x509_decoder_context *dec, const struct blob *b, char *why,
				  size_t cap)
{
	const br_x509_pkey *pk;

	br_x509_decoder_push(dec, b->p, b->n);
	pk = br_x509_decoder_get_pkey(dec);
	if (!pk) {
		snprintf(why, cap, "the certificate %s",
			 x509_error(br_x509_decoder_last_error(dec)));
		return NULL;
	}
	if (pk->key_type == BR_KEYTYPE_RSA &&
	    rsa_bits(pk->key.rsa.n, pk->key.rsa.nlen) < RSA_MIN_BITS) {
		snprintf(why, cap, "the certificate has an RSA key of %u bits",
			 rsa_bits(pk->key.rsa.n, pk->key.rsa.nlen));
		return NULL;
	}
	return pk;
}

static bool anchor_object(void *arg, const char *label, const struct blob *b,
			  const struct err_buf *e)
{
	struct anchor_load *l = arg;
	struct tls_anchors *a = l->a;
	br_x509_decoder_context dec;
	struct blob dn = {0};
	struct cert c;
	char why[sizeof(l->why)];

	l->saw_key |= is_any_key(label);
	if (!is_certificate(label))
		return true;
	if (++l->seen > ANCHORS_MAX)
		return fail(e, "has more than %d certificates, expected trust anchors",
			    ANCHORS_MAX);
	br_x509_decoder_init(&dec, blob_add, &dn);
	const br_x509_pkey *pk = usable(&dec, b, why, sizeof(why));

	/* A bundle may hold what we cannot use; that matters only if nothing else is left. */
	if (!pk) {
		if (!l->why[0])
			memcpy(l->why, why, sizeof(why));
		free(dn.p);
		return true;
	}
	br_x509_trust_anchor *v = realloc(a->v, (a->n + 1) * sizeof(*v));

	if (v)
		a->v = v;
	int64_t *expires = v ? realloc(a->expires, (a->n + 1) * sizeof(*expires)) : NULL;

	if (expires)
		a->expires = expires;
	if (!expires || dn.failed) {
		free(dn.p);
		return fail(e, "out of memory");
	}
	br_x509_trust_anchor *ta = &v[a->n];

	memset(ta, 0, sizeof(*ta));
	ta->dn.data = dn.p;
	ta->dn.len = dn.n;
	ta->flags = br_x509_decoder_isCA(&dec) ? BR_X509_TA_CA : 0;
	if (!cert_parse(&c, b->p, b->n) ||
	    !cert_time(c.not_after_tag, c.not_after, &a->expires[a->n]))
		a->expires[a->n] = INT64_MAX;
	if (!anchor_key(&ta->pkey, pk)) {
		anchor_free(ta);
		return fail(e, "out of memory");
	}
	a->n++;
	return true;
}

struct tls_anchors *tls_anchors_parse(const struct tls_text *in, char *err, size_t cap)
{
	struct err_buf e = {err, cap, in->name};
	struct anchor_load l = {calloc(1, sizeof(struct tls_anchors)), 0, false, ""};
	bool ok;

	if (!l.a || !(l.a->name = copy(in->name, strlen(in->name) + 1))) {
		free(l.a);
		fail(&e, "out of memory");
		return NULL;
	}
	ok = pem_walk(in, "CERTIFICATE", anchor_object, &l, &e);
	if (ok && l.a->n == 0)
		ok =
		    l.why[0]
			? fail(&e, "%s, expected RSA of %d to %d bits or EC on P-256, P-384, P-521",
			       l.why, RSA_MIN_BITS, RSA_MAX_BITS)
			: fail(&e, "%s, expected a CERTIFICATE of a CA",
			       l.saw_key ? "holds a private key" : "has no certificate");
	if (ok)
		return l.a;
	tls_anchors_free(l.a);
	return NULL;
}

struct tls_anchors *tls_anchors_load(const char *file, char *err, size_t cap)
{
	struct err_buf e = {err, cap, file};
	struct blob b = {0};
	struct tls_anchors *a = NULL;

	if (read_file(file, &b, &e)) {
		struct tls_text t = {file, b.p, b.n};

		a = tls_anchors_parse(&t, err, cap);
	}
	free(b.p);
	return a;
}

void tls_anchors_free(struct tls_anchors *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->n; i++)
		anchor_free(&a->v[i]);
	free(a->v);
	free(a->expires);
	free(a->name);
	free(a);
}
