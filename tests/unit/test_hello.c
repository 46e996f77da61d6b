/* Which versions a ClientHello names, whatever it is cut to. */
#include "../lib/test.h"

#include "../../stack/base/check.h"
#include "../../tls/hello.h"

#include <string.h>

/* A hello with one suite and one extension of `len` bytes. */
static size_t hello(uint8_t *p, uint8_t extension, const uint8_t *body, uint8_t len)
{
	const uint8_t head[] = {1, 0, 0, 0, 3, 3};
	size_t n = sizeof(head);

	memcpy(p, head, n);
	memset(p + n, 0xaa, 32);
	n += 32;
	p[n++] = 0;                                                       /* no session */
	memcpy(p + n, (const uint8_t[]){0, 2, 0x13, 1, 1, 0}, 6);         /* a suite, no compression */
	n += 6;
	memcpy(p + n, (const uint8_t[]){0, (uint8_t)(len + 4), 0, extension, 0, len}, 6);
	n += 6;
	memcpy(p + n, body, len);
	n += len;
	p[3] = (uint8_t)(n - 4);
	return n;
}

static void a_hello_that_names_only_newer_versions_is_told(void)
{
	static const struct {
		const char *name;
		uint8_t extension, len, body[8];
		bool newer;
	} row[] = {
		{"1.3 alone", 43, 3, {2, 3, 4}, true},
		{"1.3 and a grease value", 43, 5, {4, 0x0a, 0x0a, 3, 4}, true},
		{"1.3 and 1.2", 43, 5, {4, 3, 4, 3, 3}, false},
		{"an empty list", 43, 1, {0}, true},
		{"a list longer than its extension", 43, 3, {9, 3, 4}, false},
		{"another extension", 10, 3, {2, 3, 4}, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		uint8_t p[128];
		size_t n = hello(p, row[i].extension, row[i].body, row[i].len);

		if (hello_is_newer_only(p, n) != row[i].newer)
			printf("%s\n", row[i].name);
		CU_ASSERT_EQUAL(hello_is_newer_only(p, n), row[i].newer);
		for (size_t cut = 0; cut < n; cut++) {
			static uint8_t copy[128]; /* ends where the bytes end, for the sanitizer */

			memcpy(copy + sizeof(copy) - cut, p, cut);
			CU_ASSERT_FALSE(hello_is_newer_only(copy + sizeof(copy) - cut, cut));
		}
		p[0] = 2;
		CU_ASSERT_FALSE(hello_is_newer_only(p, n)); /* a ServerHello */
	}
}

static const struct test_case cases[] = {
	TEST(a_hello_that_names_only_newer_versions_is_told),
};
TEST_SUITE(hello, cases);
