/* RFC 5246 7.4.1.2, RFC 8446 4.2.1: a client of TLS 1.3 writes 1.2 into the old version field, and the
 * truth into an extension that the engine does not read. So a client that speaks 1.3 alone looks to it
 * like one that has only strange cipher suites.
 *
 * Invariant: `len` bytes lie at `p`; take() is the only way to them. */
#include "hello.h"

#define CLIENT_HELLO 1
#define SUPPORTED_VERSIONS 43
#define TLS12 0x0303

struct bytes {
	const uint8_t *p;
	size_t len;
};

/* A number of n bytes off the front; false: they are not there. */
static bool take(struct bytes *b, int n, uint32_t *v)
{
	*v = 0;
	if (b->len < (size_t)n)
		return false;
	for (int i = 0; i < n; i++)
		*v = *v << 8 | b->p[i];
	b->p += n;
	b->len -= (size_t)n;
	return true;
}

/* A vector off the front whose length has n bytes. */
static bool take_vector(struct bytes *b, int n, struct bytes *v)
{
	uint32_t len;

	if (!take(b, n, &len) || len > b->len)
		return false;
	*v = (struct bytes){b->p, len};
	b->p += len;
	b->len -= len;
	return true;
}

static bool skip(struct bytes *b, size_t n)
{
	if (b->len < n)
		return false;
	b->p += n;
	b->len -= n;
	return true;
}

static bool has_version(struct bytes list, uint32_t version)
{
	struct bytes versions;
	uint32_t v;

	if (!take_vector(&list, 1, &versions))
		return true; /* malformed: nothing is claimed */
	while (take(&versions, 2, &v))
		if (v == version)
			return true;
	return false;
}

bool hello_is_newer_only(const uint8_t *p, size_t len)
{
	struct bytes b = {p, len}, hello, part, extensions;
	uint32_t type;

	if (!take(&b, 1, &type) || type != CLIENT_HELLO || !take_vector(&b, 3, &hello))
		return false;
	if (!skip(&hello, 2 + 32) || !take_vector(&hello, 1, &part) || !take_vector(&hello, 2, &part) ||
	    !take_vector(&hello, 1, &part) || !take_vector(&hello, 2, &extensions))
		return false;
	while (take(&extensions, 2, &type) && take_vector(&extensions, 2, &part))
		if (type == SUPPORTED_VERSIONS)
			return !has_version(part, TLS12);
	return false;
}
