/* Who is let in, who is not, what each side says, and which alert the other gets. */
#include <stdio.h>
#include <string.h>

#include "../../tls/session.h" /* to make a peer that does what ours never would */
#include "../lib/duo.h"
#include "../lib/test.h"
#include "base/check.h"

/* One handshake: the client's view of the server's certificate. */
struct row {
	const char *name;
	const char *creds;   /* of the server */
	const char *anchors; /* of the client */
	const char *expect;  /* name or address; NULL: example.com */
	bool no_check;
	int alert;           /* that the client sends; -1: all is well */
	const char *says;
};

static void judge(const struct row *r)
{
	struct duo d;

	duo_init(&d);
	d.sc.creds = duo_creds(r->creds);
	d.sc.client_auth = TLS_AUTH_NONE;
	d.cc.anchors = duo_anchors(r->anchors);
	d.cc.no_name_check = r->no_check;
	if (r->expect)
		d.cc.server_name = r->expect;
	duo_start(&d);
	duo_shuttle(&d);

	bool ok = r->alert < 0 ? duo_open(d.c) && duo_open(d.s)
			       : tls_verdict(d.c) == TLS_ERROR && tls_alert_sent(d.c) == r->alert &&
					 tls_alert_received(d.s) == r->alert &&
					 strstr(tls_text(d.c), r->says);

	if (!ok) {
		CU_FAIL(r->name);
		printf("%s: alert %d, client: %s; server: %s\n", r->name, tls_alert_sent(d.c),
		       tls_text(d.c), tls_text(d.s));
	}
	duo_end(&d);
}

static void the_server_is_judged(void)
{
	static const struct row rows[] = {
		{"good", DEMO "server", DEMO "ca.pem", NULL, false, -1, NULL},
		{"name in capitals", DEMO "server", DEMO "ca.pem", "EXAMPLE.com", false, -1, NULL},
		{"name with the root's dot", DEMO "server", DEMO "ca.pem", "example.com.", false, -1, NULL},
		{"wildcard", DEMO "server", DEMO "ca.pem", "www.example.com", false, -1, NULL},
		{"wildcard is one label", DEMO "server", DEMO "ca.pem", "a.b.example.com", false, 42,
		 "certificate is for example.com, *.example.com, not a.b.example.com"},
		{"CA as leaf, by common name", PKI "seed", PKI "seed.pem", NULL, false, -1, NULL},
		{"common name of another", PKI "seed", PKI "seed.pem", "wrong.org", false, 42,
		 "certificate is for CN=example.com, not wrong.org"},
		{"wrong host", PKI "wrong", PKI "root.pem", NULL, false, 42,
		 "certificate is for wrong.org, www.wrong.org, not example.com (--servername"},
		{"wrong host, check off", PKI "wrong", PKI "root.pem", NULL, true, -1, NULL},
		{"untrusted, check off", PKI "wrong", DEMO "ca.pem", NULL, true, 48, "issuer CN=Test root"},
		{"IPv4 address", PKI "ip", PKI "root.pem", "127.0.0.1", false, -1, NULL},
		{"IPv6 address", PKI "ip", PKI "root.pem", "::1", false, -1, NULL},
		{"another address", PKI "ip", PKI "root.pem", "127.0.0.2", false, 42,
		 "certificate is for 127.0.0.1, 0:0:0:0:0:0:0:1, not 127.0.0.2"},
		{"address, but only names", DEMO "server", DEMO "ca.pem", "127.0.0.1", false, 42, "not 127.0.0.1"},
		{"untrusted", DEMO "server", PKI "root.pem", NULL, false, 48,
		 "issuer CN=tapir demo CA of the peer's certificate is not in tests/data/pki/root.pem (--cacert)"},
		{"self-signed of a stranger", PKI "seed", PKI "root.pem", NULL, false, 48, "issuer CN=example.com"},
		{"expired", PKI "expired", PKI "root.pem", NULL, false, 45,
		 "certificate CN=expired expired on Jan  1 00:00:00 2015 GMT"},
		{"not yet valid", PKI "future", PKI "root.pem", NULL, false, 45,
		 "certificate CN=future is not valid before Jan  1 00:00:00 2110 GMT"},
		{"anchor expired", PKI "underold", PKI "oldroot.pem", NULL, false, 45,
		 "trust anchor in tests/data/pki/oldroot.pem"},
		{"only for clients", PKI "clientonly", PKI "root.pem", NULL, false, 43,
		 "certificate CN=client only is not meant for a server"},
		{"only for servers", PKI "serveronly", PKI "root.pem", NULL, false, -1, NULL},
		{"for any use", PKI "anyuse", PKI "root.pem", NULL, false, -1, NULL},
		{"critical extension", PKI "critical", PKI "root.pem", NULL, false, 43, "critical extension"},
		{"signed with SHA-1", PKI "sha1", PKI "root.pem", NULL, false, 43, "not supported"},
		{"issuer is no CA", PKI "undernotca", PKI "root.pem", NULL, false, 42, "no CA"},
		{"chain of 16", PKI "chain16", PKI "root.pem", NULL, false, -1, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		judge(&rows[i]);
}

static void the_client_is_judged(void)
{
	static const struct {
		const char *name, *creds, *anchors;
		enum tls_client_auth auth;
		int alert; /* that the server sends; -1: all is well */
		bool authenticated;
		const char *server_says, *client_says;
	} rows[] = {
		{"good", DEMO "client", DEMO "ca.pem", TLS_AUTH_REQUIRE, -1, true, "", ""},
		{"good, asked", DEMO "client", DEMO "ca.pem", TLS_AUTH_REQUEST, -1, true, "", ""},
		{"none, not asked", NULL, DEMO "ca.pem", TLS_AUTH_NONE, -1, false, "", ""},
		{"none, asked", NULL, DEMO "ca.pem", TLS_AUTH_REQUEST, -1, false, "", ""},
		{"none, required", NULL, DEMO "ca.pem", TLS_AUTH_REQUIRE, 40, false,
		 "the client sent no certificate, and one is required",
		 "the server refused: handshake_failure (alert 40); it may require a client certificate (--cert, --key)"},
		{"untrusted", PKI "seed", DEMO "ca.pem", TLS_AUTH_REQUIRE, 48, false,
		 "issuer CN=example.com", "unknown_ca"},
		{"untrusted, only asked", PKI "seed", DEMO "ca.pem", TLS_AUTH_REQUEST, 48, false,
		 "issuer CN=example.com", "unknown_ca"},
		{"expired", PKI "expired", PKI "root.pem", TLS_AUTH_REQUIRE, 45, false, "expired on",
		 "certificate_expired (alert 45); our certificate (--cert) is out of date"},
		{"only for servers", PKI "serveronly", PKI "root.pem", TLS_AUTH_REQUIRE, 43, false,
		 "not meant for a client", "unsupported_certificate"},
		{"only for clients", PKI "clientonly", PKI "root.pem", TLS_AUTH_REQUIRE, -1, true, "", ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct duo d;

		duo_init(&d);
		d.cc.creds = rows[i].creds ? duo_creds(rows[i].creds) : NULL;
		d.sc.anchors = duo_anchors(rows[i].anchors);
		d.sc.client_auth = rows[i].auth;
		duo_start(&d);
		duo_shuttle(&d);

		bool ok = tls_alert_sent(d.s) == rows[i].alert &&
			  tls_alert_received(d.c) == rows[i].alert &&
			  strstr(tls_text(d.s), rows[i].server_says) &&
			  strstr(tls_text(d.c), rows[i].client_says);

		if (rows[i].alert < 0)
			ok = ok && duo_open(d.c) && duo_open(d.s) &&
			     tls_info(d.s)->peer_authenticated == rows[i].authenticated;
		if (!ok) {
			CU_FAIL(rows[i].name);
			printf("%s: alert %d, client: %s; server: %s\n", rows[i].name,
			       tls_alert_sent(d.s), tls_text(d.c), tls_text(d.s));
		}
		duo_end(&d);
	}
}

static void a_chain_of_seventeen_is_not_loaded(void)
{
	char err[256];

	CU_ASSERT_PTR_NULL(tls_creds_load(PKI "chain17.pem", PKI "chain17.key", err, sizeof(err)));
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "more than 16 certificates"));
}

/* A server that sends `n` certificates, the last of them again and again. */
static void send_chain(size_t n, const br_x509_certificate *filler, int alert)
{
	static br_x509_certificate chain[64];
	const struct tls_creds *creds = duo_creds(PKI "chain16");
	struct duo d;

	assert(n <= ARRAY_LEN(chain));
	for (size_t i = 0; i < n; i++)
		chain[i] = i < creds->n ? creds->chain[i] : *filler;
	duo_init(&d);
	d.cc.anchors = duo_anchors(PKI "root.pem");
	d.sc.creds = creds;
	d.sc.client_auth = TLS_AUTH_NONE;
	duo_start(&d);
	br_ssl_server_set_single_ec(&d.s->ctx.server, chain, n, &creds->ec, BR_KEYTYPE_SIGN,
				    BR_KEYTYPE_EC, br_ec_get_default(),
				    br_ecdsa_sign_asn1_get_default());
	duo_shuttle(&d);

	CU_ASSERT_EQUAL(tls_alert_sent(d.c), alert);
	CU_ASSERT_EQUAL(tls_state(d.c), alert < 0 ? TLS_OPEN : TLS_ENDED);
	duo_end(&d);
}

static void a_peer_may_send_sixteen_certificates_and_64_kilobytes(void)
{
	static unsigned char big[60000];
	br_x509_certificate fat = {big, sizeof(big)};
	const struct tls_creds *creds = duo_creds(PKI "chain16");

	send_chain(16, NULL, -1);
	send_chain(17, &creds->chain[15], 43);
	send_chain(18, &fat, 43);
}

static void the_peer_certificate_is_shown_in_the_form_of_python(void)
{
	struct duo d;
	char text[1024];

	duo_init(&d);
	duo_start(&d);
	CU_ASSERT_EQUAL(tls_peer_text(d.s, text, sizeof(text)), 4);
	CU_ASSERT_STRING_EQUAL(text, "None");
	duo_shuttle(&d);

	tls_peer_text(d.s, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(
		text, "{'subject': ((('organizationName', 'tapir demo'),), (('commonName', 'client one'),)), "
		      "'issuer': ((('organizationName', 'tapir demo'),), (('commonName', 'tapir demo CA'),)), "
		      "'version': 3, 'serialNumber': '03', 'notBefore': 'Jan  1 00:00:00 2020 GMT', "
		      "'notAfter': 'Jan  1 00:00:00 2120 GMT', 'subjectAltName': (('email', 'client@example.com'),)}");
	duo_end(&d);
}

static const struct test_case cases[] = {
	TEST(the_server_is_judged),
	TEST(the_client_is_judged),
	TEST(a_chain_of_seventeen_is_not_loaded),
	TEST(a_peer_may_send_sixteen_certificates_and_64_kilobytes),
	TEST(the_peer_certificate_is_shown_in_the_form_of_python),
};
TEST_SUITE(verify, cases);
