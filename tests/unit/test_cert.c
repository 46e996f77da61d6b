/* The text of a certificate against Python's, byte for byte: one certificate whose text is kept in
 * the repository, and a set that openssl makes now, for python3 to read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <bearssl.h>

#include "../../tls/cert.h"
#include "../lib/duo.h"
#include "../lib/test.h"
#include "base/check.h"

#define OUT "build/test-cert"

/* ---- one PEM certificate as DER ---- */

struct bytes {
	uint8_t p[8192];
	size_t n;
};

static void add(void *ctx, const void *p, size_t n)
{
	struct bytes *b = ctx;

	assert(b->n + n <= sizeof(b->p));
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

static bool read_text(const char *path, char *buf, size_t cap)
{
	FILE *f = fopen(path, "rb");

	if (!f)
		return false;
	size_t n = fread(buf, 1, cap - 1, f);

	fclose(f);
	buf[n] = '\0';
	return true;
}

static bool read_der(const char *path, struct bytes *out)
{
	char text[16384];
	br_pem_decoder_context pem;
	size_t done = 0, n;

	out->n = 0;
	if (!read_text(path, text, sizeof(text)))
		return false;
	n = strlen(text);
	br_pem_decoder_init(&pem);
	while (done < n) {
		done += br_pem_decoder_push(&pem, text + done, n - done);
		int event = br_pem_decoder_event(&pem);

		if (event == BR_PEM_BEGIN_OBJ)
			br_pem_decoder_setdest(&pem, add, out);
		else if (event)
			return event == BR_PEM_END_OBJ;
	}
	return false;
}

/* ---- against Python ---- */

static void same_text(const char *name, const char *pem, const char *python_text)
{
	struct bytes der;
	char mine[8192], theirs[8192];

	CU_ASSERT_TRUE_FATAL(read_der(pem, &der));
	CU_ASSERT_TRUE_FATAL(read_text(python_text, theirs, sizeof(theirs)));
	size_t n = tls_cert_text(der.p, der.n, mine, sizeof(mine));

	CU_ASSERT_EQUAL(n, strlen(mine));
	theirs[strcspn(theirs, "\n")] = '\0';
	if (strcmp(mine, theirs) != 0) {
		CU_FAIL(name);
		printf("%s\n  ours   %s\n  python %s\n", name, mine, theirs);
	}
}

static void names_of_every_kind_read_as_in_python(void)
{
	same_text("rich", PKI "rich.pem", PKI "rich.txt");
}

static const struct {
	const char *name, *subject, *ext; /* extensions: arguments for openssl req */
} made[] = {
	{"plain", "/C=IN/ST=Karnataka/O=Lab/CN=example.com", ""},
	{"one_attribute", "/CN=x", ""},
	{"empty_subject", "/", "-addext subjectAltName=critical,DNS:example.com"},
	{"many_names", "/CN=a", "-addext subjectAltName=DNS:a,DNS:*.b.example,IP:10.0.0.1,IP:2001:db8::ff00:42:8329,"
				"email:x@y.example,URI:https://a.example/?q=1,RID:1.3.6.1.4.1.311.60,dirName:dn"},
	{"quotes", "/CN=it's/O=say \\\"hi\\\"/OU=both ' and \\\"", ""},
	{"multi_valued", "/DC=org/DC=example/CN=a+emailAddress=a@b.example/serialNumber=77", "-multivalue-rdn"},
	{"attributes", "/UID=u1/SN=sur/GN=given/title=Dr/initials=X/pseudonym=p/street=Road 1/postalCode=12345/"
		       "businessCategory=Private/organizationIdentifier=ID-1/dnQualifier=q/name=n/description=d/"
		       "generationQualifier=III/telephoneNumber=+1/role=r/jurisdictionC=DE", ""},
	{"unicode", "/CN=Ωμέγα 中文 🦙/O=a\u200bb\u202ec\u00a0d", "-utf8"},
	{"access", "/CN=a", "-addext authorityInfoAccess=OCSP\\;URI:http://o.example/,caIssuers\\;URI:http://i.example/x"},
	{"crl", "/CN=a", "-addext crlDistributionPoints=URI:http://c.example/1,URI:ldap://c.example/cn=x"},
	{"serial_long", "/CN=a", "-set_serial 0x00ff00112233445566778899aabbccddeeff0011"},
	{"serial_small", "/CN=a", "-set_serial 5"},
	{"until_2060", "/CN=a", "-days 12500"},
};

static bool have(const char *command)
{
	return system(command) == 0;
}

static void make_all(void)
{
	char cmd[2048];
	FILE *f;

	mkdir("build", 0777);
	mkdir(OUT, 0777);
	f = fopen(OUT "/conf", "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fprintf(f, "[req]\ndistinguished_name=d\nstring_mask=utf8only\n[d]\n[dn]\nC=DE\nCN=dir name\n");
	fclose(f);
	for (size_t i = 0; i < ARRAY_LEN(made); i++) {
		snprintf(cmd, sizeof(cmd),
			 "openssl req -config " OUT "/conf -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
			 "-nodes -keyout " OUT "/key -out " OUT "/%s.pem -subj \"%s\" %s 2>" OUT "/log",
			 made[i].name, made[i].subject, made[i].ext);
		if (system(cmd) != 0) {
			CU_FAIL("openssl req");
			printf("%s\n", cmd);
		}
	}
	CU_ASSERT_EQUAL_FATAL(system("cd " OUT " && python3 -c \"import glob, ssl\n"
				     "for f in glob.glob('*.pem'):\n"
				     "    t = open(f[:-3] + 'txt', 'w', encoding='utf-8')\n"
				     "    print(ssl._ssl._test_decode_cert(f), file=t)\n\""), 0);
}

static void certificates_made_now_read_as_in_python(void)
{
	char pem[128], txt[128];

	if (!have("openssl version >/dev/null 2>&1") ||
	    !have("python3 -c 'import ssl; ssl._ssl._test_decode_cert' 2>/dev/null")) {
		fprintf(stderr, "SKIP: openssl or python3 is missing: certificate texts are not compared\n");
		return;
	}
	make_all();
	for (size_t i = 0; i < ARRAY_LEN(made); i++) {
		snprintf(pem, sizeof(pem), OUT "/%s.pem", made[i].name);
		snprintf(txt, sizeof(txt), OUT "/%s.txt", made[i].name);
		same_text(made[i].name, pem, txt);
	}
}

/* ---- by ourselves ---- */

static void control_characters_are_escaped(void)
{
	/* A name of one attribute, CN, as UTF8String. */
	static const uint8_t name[] = "\x31\x12\x30\x10\x06\x03\x55\x04\x03\x0c\x09"
				      "\x1b[2J\r\n\x80\xc3\xa4";
	struct der d = {name, name + sizeof(name) - 1};
	char buf[64];
	struct text t = {buf, sizeof(buf), 0};

	cert_name_short(&t, d);
	CU_ASSERT_STRING_EQUAL(buf, "CN=\\x1b[2J\\r\\n\\udc80ä");
}

static void damaged_certificates_are_harmless(void)
{
	struct bytes good, bad;
	char text[8192];

	CU_ASSERT_TRUE_FATAL(read_der(PKI "rich.pem", &good));
	for (size_t n = 0; n < good.n; n++) { /* cut: exactly so many bytes, for the sanitizer */
		uint8_t *p = malloc(n ? n : 1);

		memcpy(p, good.p, n);
		tls_cert_text(p, n, text, sizeof(text));
		free(p);
	}
	for (size_t i = 0; i < good.n * 8; i++) { /* and with each bit changed */
		bad = good;
		bad.p[i / 8] ^= (uint8_t)(1 << i % 8);
		size_t len = tls_cert_text(bad.p, bad.n, text, sizeof(text));

		CU_ASSERT_TRUE(len >= 2 && len < sizeof(text));
		bool plain = true;

		for (size_t k = 0; k < len; k++)
			plain &= (uint8_t)text[k] >= 0x20 && text[k] != 0x7f;
		CU_ASSERT_TRUE(plain);
	}
}

static void a_short_buffer_is_cut_and_the_length_told(void)
{
	struct bytes der;
	char whole[8192], part[50];

	CU_ASSERT_TRUE_FATAL(read_der(PKI "rich.pem", &der));
	size_t n = tls_cert_text(der.p, der.n, whole, sizeof(whole));

	CU_ASSERT_EQUAL(tls_cert_text(der.p, der.n, part, sizeof(part)), n);
	CU_ASSERT_EQUAL(strlen(part), sizeof(part) - 1);
	CU_ASSERT_EQUAL(strncmp(whole, part, sizeof(part) - 1), 0);
	CU_ASSERT_EQUAL(tls_cert_text(der.p, der.n, NULL, 0), n);
}

static void dates_become_seconds(void)
{
	static const struct {
		const char *text;
		unsigned tag;
		bool ok;
		int64_t unix_time;
	} rows[] = {
		{"700101000000Z", 0x17, true, 0},
		{"491231235959Z", 0x17, true, 2524607999},
		{"500101000000Z", 0x17, true, -631152000},
		{"000229120000Z", 0x17, true, 951825600},
		{"21200101000000Z", 0x18, true, 4733510400},
		{"19000301000000Z", 0x18, true, -2203891200},
		{"701301000000Z", 0x17, false, 0},
		{"7001010000Z", 0x17, false, 0},
		{"700101000000+0100", 0x17, false, 0},
		{"", 0x18, false, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const uint8_t *p = (const uint8_t *)rows[i].text;
		struct der d = {p, p + strlen(rows[i].text)};
		int64_t t = 0;

		CU_ASSERT_EQUAL(cert_time(rows[i].tag, d, &t), rows[i].ok);
		CU_ASSERT_EQUAL(t, rows[i].unix_time);
	}
}

static const struct test_case cases[] = {
	TEST(names_of_every_kind_read_as_in_python),
	TEST(certificates_made_now_read_as_in_python),
	TEST(control_characters_are_escaped),
	TEST(damaged_certificates_are_harmless),
	TEST(a_short_buffer_is_cut_and_the_length_told),
	TEST(dates_become_seconds),
};
TEST_SUITE(cert, cases);
