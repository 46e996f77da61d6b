/* Reads DER certificates (X.690, RFC 5280 4.1) for the things that BearSSL does not tell: the whole
 * names, dates and extensions. The long text is byte for byte what Python's ssl.getpeercert()
 * prints, since scripts compare it. Names come from the peer and go to a terminal: whatever is not
 * printable is escaped, as Python's repr() does. */
#include "cert.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "tls.h"

void text_add(struct text *t, const char *fmt, ...)
{
	size_t room = t->len < t->cap ? t->cap - t->len : 0;
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(room ? t->buf + t->len : NULL, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->len += (size_t)n;
}

/* ---- DER ---- */

bool der_next(struct der *c, unsigned *tag, struct der *v)
{
	const uint8_t *p = c->p;
	size_t n, left = (size_t)(c->end - c->p);

	if (left < 2)
		return false;
	*tag = *p++;
	n = *p++;
	left -= 2;
	if (n & 0x80) {
		unsigned k = n & 0x7f;

		if (k == 0 || k > 3 ||
		    left < k) /* indefinite is not DER; no certificate has 16 MB */
			return false;
		for (n = 0, left -= k; k > 0; k--)
			n = n << 8 | *p++;
	}
	if (left < n)
		return false;
	v->p = p;
	v->end = p + n;
	c->p = v->end;
	return true;
}

static size_t der_len(struct der d)
{
	return (size_t)(d.end - d.p);
}

static bool der_is(struct der d, const void *bytes, size_t n)
{
	return der_len(d) == n && memcmp(d.p, bytes, n) == 0;
}

/* TBSCertificate ::= version, serialNumber, signature, issuer, validity, subject, key, extensions.
 */
bool cert_parse(struct cert *c, const void *bytes, size_t len)
{
	struct der all = {bytes, (const uint8_t *)bytes + len}, cert, tbs, v;
	unsigned tag;

	memset(c, 0, sizeof(*c));
	c->version = 1;
	if (!der_next(&all, &tag, &cert) || !der_next(&cert, &tag, &tbs) ||
	    !der_next(&tbs, &tag, &c->serial))
		return false;
	if (tag == 0xa0) {
		if (!der_next(&c->serial, &tag, &v) || der_len(v) != 1 || v.p[0] > 2)
			return false;
		c->version = v.p[0] + 1u;
		if (!der_next(&tbs, &tag, &c->serial))
			return false;
	}
	if (!der_next(&tbs, &tag, &v))
		return false;
	c->issuer_raw.p = tbs.p;
	if (!der_next(&tbs, &tag, &c->issuer))
		return false;
	c->issuer_raw.end = tbs.p;
	if (!der_next(&tbs, &tag, &v) || !der_next(&v, &c->not_before_tag, &c->not_before) ||
	    !der_next(&v, &c->not_after_tag, &c->not_after) || !der_next(&tbs, &tag, &c->subject))
		return false;
	while (der_next(&tbs, &tag, &v))
		if (tag == 0xa3 && !der_next(&v, &tag, &c->extensions))
			return false;
	return true;
}

/* Extension ::= SEQUENCE { extnID, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }. Gives
 * the one element inside the octet string. */
static bool find_extension(const struct cert *c, const void *oid, size_t oid_len, struct der *out)
{
	struct der list = c->extensions, ext, id, v;
	unsigned tag;

	while (list.p && der_next(&list, &tag, &ext)) {
		if (!der_next(&ext, &tag, &id) || !der_next(&ext, &tag, &v))
			return false;
		if (!der_is(id, oid, oid_len))
			continue;
		if (tag == 0x01 && !der_next(&ext, &tag, &v))
			return false;
		return der_next(&v, &tag, out);
	}
	return false;
}

#define OID_SAN "\x55\x1d\x11", 3
#define OID_EKU "\x55\x1d\x25", 3
#define OID_CRL_POINTS "\x55\x1d\x1f", 3
#define OID_AIA "\x2b\x06\x01\x05\x05\x07\x01\x01", 8
#define OID_AD_OCSP "\x2b\x06\x01\x05\x05\x07\x30\x01", 8
#define OID_AD_CA_ISSUERS "\x2b\x06\x01\x05\x05\x07\x30\x02", 8
#define OID_KP_SERVER "\x2b\x06\x01\x05\x05\x07\x03\x01", 8
#define OID_KP_CLIENT "\x2b\x06\x01\x05\x05\x07\x03\x02", 8
#define OID_KP_ANY "\x55\x1d\x25\x00", 4

/* GeneralName: context tags (RFC 5280 4.2.1.6). */
enum {
	GN_OTHER = 0xa0,
	GN_EMAIL = 0x81,
	GN_DNS = 0x82,
	GN_X400 = 0xa3,
	GN_DIR = 0xa4,
	GN_EDI = 0xa5,
	GN_URI = 0x86,
	GN_IP = 0x87,
	GN_RID = 0x88
};

bool cert_fit_for(const struct cert *c, bool server)
{
	struct der list, oid;
	unsigned tag;

	if (!find_extension(c, OID_EKU, &list))
		return true;
	while (der_next(&list, &tag, &oid)) {
		if (der_is(oid, OID_KP_ANY))
			return true;
		if (server ? der_is(oid, OID_KP_SERVER) : der_is(oid, OID_KP_CLIENT))
			return true;
	}
	return false;
}

bool cert_has_ip(const struct cert *c, const uint8_t *ip, size_t len)
{
	struct der list, name;
	unsigned tag;

	if (!find_extension(c, OID_SAN, &list))
		return false;
	while (der_next(&list, &tag, &name))
		if (tag == GN_IP && der_is(name, ip, len))
			return true;
	return false;
}

/* ---- strings, as Python's repr() shows them ---- */

enum charset { CS_LATIN1, CS_UTF8, CS_UCS2, CS_UCS4 };

static enum charset charset_of(unsigned tag)
{
	switch (tag) {
	case 0x0c:
		return CS_UTF8;
	case 0x1c:
		return CS_UCS4;
	case 0x1e:
		return CS_UCS2;
	default:
		return CS_LATIN1;
	}
}

/* One code point of UTF-8. A byte that does not belong becomes U+DC80 + byte, Python's own escape
 * for undecodable input, so that it stays visible and cannot reach a terminal. */
static uint32_t next_utf8(struct der *s)
{
	uint8_t first = *s->p++;
	unsigned more = first < 0x80   ? 0
			: first < 0xc2 ? 9
			: first < 0xe0 ? 1
			: first < 0xf0 ? 2
			: first < 0xf5 ? 3
				       : 9;
	static const uint32_t least[4] = {0, 0x80, 0x800, 0x10000};
	uint32_t cp = more == 0 ? first : first & (0x3fu >> more);

	if (more == 9 || der_len(*s) < more)
		return 0xdc00u + first;
	for (unsigned i = 0; i < more; i++) {
		if ((s->p[i] & 0xc0) != 0x80)
			return 0xdc00u + first;
		cp = cp << 6 | (s->p[i] & 0x3fu);
	}
	if (cp < least[more] || cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000))
		return 0xdc00u + first;
	s->p += more;
	return cp;
}

static uint32_t next_char(struct der *s, enum charset cs)
{
	unsigned width = cs == CS_UCS2 ? 2 : cs == CS_UCS4 ? 4 : 1;
	uint32_t cp = 0;

	if (cs == CS_UTF8)
		return next_utf8(s);
	for (unsigned i = 0; i < width && s->p < s->end; i++)
		cp = cp << 8 | *s->p++;
	return cp > 0x10ffff ? 0xfffd : cp;
}

/* Controls, format characters (the bidirectional ones above all), separators, surrogates, private
 * use: the categories that Python escapes. Unassigned code points are let through. */
static bool printable(uint32_t cp)
{
	static const struct {
		uint32_t lo, hi;
	} no[] = {
	    {0x00, 0x1f},       {0x7f, 0xa0},        {0xad, 0xad},       {0x600, 0x605},
	    {0x61c, 0x61c},     {0x6dd, 0x6dd},      {0x70f, 0x70f},     {0x890, 0x891},
	    {0x8e2, 0x8e2},     {0x1680, 0x1680},    {0x180e, 0x180e},   {0x2000, 0x200f},
	    {0x2028, 0x202f},   {0x205f, 0x206f},    {0x3000, 0x3000},   {0xd800, 0xf8ff},
	    {0xfeff, 0xfeff},   {0xfff0, 0xfffb},    {0xfffe, 0xffff},   {0x110bd, 0x110bd},
	    {0x110cd, 0x110cd}, {0x13430, 0x1343f},  {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
	    {0xe0000, 0xe00ff}, {0xe01f0, 0x10ffff},
	};

	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		if (cp >= no[i].lo && cp <= no[i].hi)
			return false;
	return true;
}

static void add_utf8(struct text *t, uint32_t cp)
{
	if (cp < 0x80)
		text_add(t, "%c", (int)cp);
	else if (cp < 0x800)
		text_add(t, "%c%c", (int)(0xc0 | cp >> 6), (int)(0x80 | (cp & 0x3f)));
	else if (cp < 0x10000)
		text_add(t, "%c%c%c", (int)(0xe0 | cp >> 12), (int)(0x80 | (cp >> 6 & 0x3f)),
			 (int)(0x80 | (cp & 0x3f)));
	else
		text_add(t, "%c%c%c%c", (int)(0xf0 | cp >> 18), (int)(0x80 | (cp >> 12 & 0x3f)),
			 (int)(0x80 | (cp >> 6 & 0x3f)), (int)(0x80 | (cp & 0x3f)));
}

static void add_char(struct text *t, uint32_t cp, char quote)
{
	if (cp == (uint32_t)quote || cp == '\\')
		text_add(t, "\\%c", (int)cp);
	else if (cp == '\n' || cp == '\r' || cp == '\t')
		text_add(t, "\\%c", cp == '\n' ? 'n' : cp == '\r' ? 'r' : 't');
	else if (printable(cp))
		add_utf8(t, cp);
	else if (cp < 0x100)
		text_add(t, "\\x%02x", (unsigned)cp);
	else if (cp < 0x10000)
		text_add(t, "\\u%04x", (unsigned)cp);
	else
		text_add(t, "\\U%08x", (unsigned)cp);
}

/* repr() takes double quotes when the string has single ones only. */
static void add_repr(struct text *t, struct der s, enum charset cs)
{
	bool has_single = false, has_double = false;

	for (struct der d = s; d.p < d.end;) {
		uint32_t cp = next_char(&d, cs);

		has_single |= cp == '\'';
		has_double |= cp == '"';
	}
	char quote = has_single && !has_double ? '"' : '\'';

	text_add(t, "%c", quote);
	while (s.p < s.end)
		add_char(t, next_char(&s, cs), quote);
	text_add(t, "%c", quote);
}

/* ---- names ---- */

/* The attribute types with the long names that OpenSSL, and so Python, gives them. */
static const struct {
	const char *oid;
	uint8_t len;
	const char *name, *brief;
} attributes[] = {
    {"\x55\x04\x03", 3, "commonName", "CN"},
    {"\x55\x04\x04", 3, "surname", "SN"},
    {"\x55\x04\x05", 3, "serialNumber", NULL},
    {"\x55\x04\x06", 3, "countryName", "C"},
    {"\x55\x04\x07", 3, "localityName", "L"},
    {"\x55\x04\x08", 3, "stateOrProvinceName", "ST"},
    {"\x55\x04\x09", 3, "streetAddress", NULL},
    {"\x55\x04\x0a", 3, "organizationName", "O"},
    {"\x55\x04\x0b", 3, "organizationalUnitName", "OU"},
    {"\x55\x04\x0c", 3, "title", NULL},
    {"\x55\x04\x0d", 3, "description", NULL},
    {"\x55\x04\x0e", 3, "searchGuide", NULL},
    {"\x55\x04\x0f", 3, "businessCategory", NULL},
    {"\x55\x04\x10", 3, "postalAddress", NULL},
    {"\x55\x04\x11", 3, "postalCode", NULL},
    {"\x55\x04\x12", 3, "postOfficeBox", NULL},
    {"\x55\x04\x13", 3, "physicalDeliveryOfficeName", NULL},
    {"\x55\x04\x14", 3, "telephoneNumber", NULL},
    {"\x55\x04\x29", 3, "name", NULL},
    {"\x55\x04\x2a", 3, "givenName", NULL},
    {"\x55\x04\x2b", 3, "initials", NULL},
    {"\x55\x04\x2c", 3, "generationQualifier", NULL},
    {"\x55\x04\x2d", 3, "x500UniqueIdentifier", NULL},
    {"\x55\x04\x2e", 3, "dnQualifier", NULL},
    {"\x55\x04\x41", 3, "pseudonym", NULL},
    {"\x55\x04\x48", 3, "role", NULL},
    {"\x55\x04\x61", 3, "organizationIdentifier", NULL},
    {"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", 9, "emailAddress", NULL},
    {"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x02", 9, "unstructuredName", NULL},
    {"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x08", 9, "unstructuredAddress", NULL},
    {"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01", 10, "userId", "UID"},
    {"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", 10, "domainComponent", "DC"},
    {"\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x01", 11, "jurisdictionLocalityName", NULL},
    {"\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x02", 11, "jurisdictionStateOrProvinceName", NULL},
    {"\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x03", 11, "jurisdictionCountryName", NULL},
};

static int find_attribute(struct der oid)
{
	for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
		if (der_is(oid, attributes[i].oid, attributes[i].len))
			return (int)i;
	return -1;
}

/* X.690 8.19: the first number holds two arcs. */
static void add_oid(struct text *t, struct der oid)
{
	uint64_t arc = 0;
	bool first = true;

	for (; oid.p < oid.end; oid.p++) {
		arc = arc << 7 | (*oid.p & 0x7fu);
		if (*oid.p & 0x80)
			continue;
		if (first) {
			unsigned top = arc < 40 ? 0 : arc < 80 ? 1 : 2;

			text_add(t, "%u.%llu", top, (unsigned long long)(arc - 40u * top));
		} else {
			text_add(t, ".%llu", (unsigned long long)arc);
		}
		first = false;
		arc = 0;
	}
}

static bool next_attribute(struct der *rdn, struct der *oid, struct der *value, unsigned *value_tag)
{
	struct der pair;
	unsigned tag;

	return der_next(rdn, &tag, &pair) && der_next(&pair, &tag, oid) &&
	       der_next(&pair, value_tag, value);
}

/* Python writes a tuple of one as (x,). */
static void end_tuple(struct text *t, unsigned n)
{
	text_add(t, n == 1 ? ",)" : ")");
}

/* ((('countryName', 'IN'),), (('commonName', 'example.com'),)) */
static void add_name(struct text *t, struct der name)
{
	struct der rdn, oid, value;
	unsigned tag, nrdn = 0;

	text_add(t, "(");
	for (; der_next(&name, &tag, &rdn); nrdn++) {
		unsigned n = 0;

		text_add(t, nrdn ? ", (" : "(");
		for (; next_attribute(&rdn, &oid, &value, &tag); n++) {
			int known = find_attribute(oid);

			text_add(t, n ? ", ('" : "('");
			if (known >= 0)
				text_add(t, "%s", attributes[known].name);
			else
				add_oid(t, oid);
			text_add(t, "', ");
			add_repr(t, value, charset_of(tag));
			text_add(t, ")");
		}
		end_tuple(t, n);
	}
	end_tuple(t, nrdn);
}

#define SHORT_CHARS 64 /* of one name in a sentence */

static void add_short(struct text *t, struct der s, enum charset cs)
{
	for (unsigned n = 0; s.p < s.end; n++) {
		if (n == SHORT_CHARS) {
			text_add(t, "...");
			return;
		}
		add_char(t, next_char(&s, cs), '\'');
	}
}

/* The common name if there is one, else the last attribute. */
void cert_name_short(struct text *t, struct der name)
{
	struct der rdn, oid, value, best = {NULL, NULL};
	unsigned tag, best_tag = 0;
	int which = -1;

	while (der_next(&name, &tag, &rdn))
		while (next_attribute(&rdn, &oid, &value, &tag)) {
			if (which == 0)
				continue;
			which = find_attribute(oid);
			best = value;
			best_tag = tag;
		}
	if (!best.p) {
		text_add(t, "an empty name");
		return;
	}
	text_add(t, "%s=",
		 which < 0                 ? "?"
		 : attributes[which].brief ? attributes[which].brief
					   : attributes[which].name);
	add_short(t, best, charset_of(best_tag));
}

static void add_ip(struct text *t, struct der ip)
{
	if (der_len(ip) == 4) {
		text_add(t, "%u.%u.%u.%u", ip.p[0], ip.p[1], ip.p[2], ip.p[3]);
	} else if (der_len(ip) == 16) {
		for (unsigned i = 0; i < 16; i += 2)
			text_add(t, "%s%X", i ? ":" : "", (unsigned)(ip.p[i] << 8 | ip.p[i + 1]));
	} else {
		text_add(t, "<invalid>");
	}
}

#define SHORT_NAMES 4

void cert_hosts_short(struct text *t, const struct cert *c)
{
	struct der list, name;
	unsigned tag, n = 0;

	if (find_extension(c, OID_SAN, &list))
		while (der_next(&list, &tag, &name)) {
			if (tag != GN_DNS && tag != GN_IP)
				continue;
			if (n == SHORT_NAMES) {
				text_add(t, " ...");
				return;
			}
			text_add(t, n++ ? ", " : "");
			if (tag == GN_IP)
				add_ip(t, name);
			else
				add_short(t, name, CS_UTF8);
		}
	if (n == 0)
		cert_name_short(t, c->subject);
}

/* ---- dates ---- */

struct civil {
	int year, month, day, hour, minute, second;
};

/* UTCTime YYMMDDHHMMSSZ (RFC 5280 4.1.2.5.1: 50..99 are 19xx), GeneralizedTime YYYYMMDDHHMMSSZ. */
static bool civil_parse(struct civil *c, unsigned tag, struct der v)
{
	size_t digits = tag == 0x17 ? 12 : 14;
	int d[7];

	if ((tag != 0x17 && tag != 0x18) || der_len(v) != digits + 1 || v.p[digits] != 'Z')
		return false;
	for (size_t i = 0; i < digits; i++)
		if (v.p[i] < '0' || v.p[i] > '9')
			return false;
	for (size_t i = 0; i < digits / 2; i++)
		d[i] = (v.p[2 * i] - '0') * 10 + v.p[2 * i + 1] - '0';
	const int *rest = d + (tag == 0x17 ? 1 : 2);

	c->year = tag == 0x18 ? d[0] * 100 + d[1] : d[0] < 50 ? 2000 + d[0] : 1900 + d[0];
	c->month = rest[0];
	c->day = rest[1];
	c->hour = rest[2];
	c->minute = rest[3];
	c->second = rest[4];
	return c->month >= 1 && c->month <= 12 && c->day >= 1 && c->day <= 31 && c->hour < 24 &&
	       c->minute < 60 && c->second < 60;
}

bool cert_time(unsigned tag, struct der v, int64_t *unix_time)
{
	struct civil c;

	if (!civil_parse(&c, tag, v))
		return false;
	/* Days since 1970-01-01 of the proleptic Gregorian calendar, years beginning in March. */
	int64_t y = c.year - (c.month <= 2), era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400, doy = (153 * ((c.month + 9) % 12) + 2) / 5 + c.day - 1;
	int64_t days = era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;

	*unix_time = days * 86400 + c.hour * 3600 + c.minute * 60 + c.second;
	return true;
}

void cert_time_text(struct text *t, unsigned tag, struct der v)
{
	static const char *const month[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct civil c;

	if (!civil_parse(&c, tag, v)) {
		text_add(t, "Bad time value");
		return;
	}
	text_add(t, "%s %2d %02d:%02d:%02d %d GMT", month[c.month - 1], c.day, c.hour, c.minute,
		 c.second, c.year);
}

/* ---- getpeercert() ---- */

static void add_general_name(struct text *t, unsigned tag, struct der v)
{
	struct der name;

	switch (tag) {
	case GN_DNS:
	case GN_EMAIL:
	case GN_URI:
		text_add(t, "('%s', ", tag == GN_DNS ? "DNS" : tag == GN_EMAIL ? "email" : "URI");
		add_repr(t, v, CS_UTF8);
		text_add(t, ")");
		return;
	case GN_IP:
		text_add(t, "('IP Address', '");
		add_ip(t, v);
		text_add(t, "')");
		return;
	case GN_RID:
		text_add(t, "('Registered ID', '");
		if (find_attribute(v) >= 0)
			text_add(t, "%s", attributes[find_attribute(v)].name);
		else
			add_oid(t, v);
		text_add(t, "')");
		return;
	case GN_DIR:
		text_add(t, "('DirName', ");
		if (!der_next(&v, &tag, &name))
			name = v;
		add_name(t, name);
		text_add(t, ")");
		return;
	default:
		text_add(t, "('%s', '<unsupported>')",
			 tag == GN_X400  ? "X400Name"
			 : tag == GN_EDI ? "EdiPartyName"
					 : "othername");
	}
}

static void add_alt_names(struct text *t, const struct cert *c)
{
	struct der list, name;
	unsigned tag, n = 0;

	if (!find_extension(c, OID_SAN, &list))
		return;
	text_add(t, ", 'subjectAltName': (");
	for (; der_next(&list, &tag, &name); n++) {
		text_add(t, n ? ", " : "");
		add_general_name(t, tag, name);
	}
	end_tuple(t, n);
}

/* One more URI of a tuple that is opened by its first. */
static void add_uri(struct text *t, const char *key, unsigned *n, struct der uri)
{
	if (*n == 0)
		text_add(t, ", '%s': (", key);
	else
		text_add(t, ", ");
	add_repr(t, uri, CS_UTF8);
	++*n;
}

static void add_access(struct text *t, const struct cert *c, const char *key, const void *method,
		       size_t method_len)
{
	struct der list, item, oid, name;
	unsigned tag, n = 0;

	if (!find_extension(c, OID_AIA, &list))
		return;
	while (der_next(&list, &tag, &item))
		if (der_next(&item, &tag, &oid) && der_is(oid, method, method_len) &&
		    der_next(&item, &tag, &name) && tag == GN_URI)
			add_uri(t, key, &n, name);
	if (n)
		end_tuple(t, n);
}

/* DistributionPoint ::= SEQUENCE { [0] { [0] fullName GeneralNames | [1] ... } OPTIONAL, ... }. */
static void add_crl_points(struct text *t, const struct cert *c)
{
	struct der list, point, dpn, full, name;
	unsigned tag, n = 0;

	if (!find_extension(c, OID_CRL_POINTS, &list))
		return;
	while (der_next(&list, &tag, &point)) {
		if (!der_next(&point, &tag, &dpn) || tag != 0xa0 || !der_next(&dpn, &tag, &full) ||
		    tag != 0xa0)
			continue;
		while (der_next(&full, &tag, &name))
			if (tag == GN_URI)
				add_uri(t, "crlDistributionPoints", &n, name);
	}
	if (n)
		end_tuple(t, n);
}

/* An even number of upper-case digits; a negative number by its magnitude with a sign. */
static void add_serial(struct text *t, struct der v)
{
	bool negative = v.p < v.end && (*v.p & 0x80);
	uint8_t mag[64];
	size_t n = der_len(v);
	unsigned carry = negative;

	if (n == 0 || n > sizeof(mag)) {
		text_add(t, n ? "?" : "00");
		return;
	}
	for (size_t i = n; i-- > 0;) {
		unsigned b = negative ? (uint8_t)~v.p[i] + carry : v.p[i];

		mag[i] = (uint8_t)b;
		carry = b >> 8;
	}
	size_t i = 0;

	while (i + 1 < n && mag[i] == 0)
		i++;
	text_add(t, negative ? "-" : "");
	for (; i < n; i++)
		text_add(t, "%02X", mag[i]);
}

size_t tls_cert_text(const void *der, size_t len, char *buf, size_t cap)
{
	struct text t = {buf, cap, 0};
	struct cert c;

	if (cap)
		buf[0] = '\0';
	if (!der) {
		text_add(&t, "None");
		return t.len;
	}
	if (!cert_parse(&c, der, len)) {
		text_add(&t, "{}");
		return t.len;
	}
	text_add(&t, "{'subject': ");
	add_name(&t, c.subject);
	text_add(&t, ", 'issuer': ");
	add_name(&t, c.issuer);
	text_add(&t, ", 'version': %u, 'serialNumber': '", c.version);
	add_serial(&t, c.serial);
	text_add(&t, "', 'notBefore': '");
	cert_time_text(&t, c.not_before_tag, c.not_before);
	text_add(&t, "', 'notAfter': '");
	cert_time_text(&t, c.not_after_tag, c.not_after);
	text_add(&t, "'");
	add_alt_names(&t, &c);
	add_access(&t, &c, "OCSP", OID_AD_OCSP);
	add_access(&t, &c, "caIssuers", OID_AD_CA_ISSUERS);
	add_crl_points(&t, &c);
	text_add(&t, "}");
	return t.len;
}
