#include <stdlib.h>
#include <string.h>

#include "../lib/duo.h"
#include "../lib/test.h"
#include "base/check.h"

/* Does the stream of records hold a ChangeCipherSpec (type 20)? */
static bool has_ccs(const struct duo_wire *w)
{
	for (size_t i = 0; i + 5 <= w->total; i += 5u + (size_t)(w->log[i + 3] << 8 | w->log[i + 4]))
		if (w->log[i] == 20)
			return true;
	return false;
}

static void both_sides_log_the_same_line(void)
{
	struct duo d;

	duo_init(&d);
	duo_start(&d);
	CU_ASSERT_PTR_NULL(tls_keylog_line(d.c));
	duo_shuttle(&d);
	const char *line = tls_keylog_line(d.c);

	CU_ASSERT_PTR_NOT_NULL_FATAL(line);
	CU_ASSERT_EQUAL(strlen(line), TLS_KEYLOG_LINE);
	CU_ASSERT_EQUAL(strncmp(line, "CLIENT_RANDOM ", 14), 0);
	CU_ASSERT_EQUAL(strspn(line + 14, "0123456789abcdef"), 64);
	CU_ASSERT_EQUAL(strspn(line + 79, "0123456789abcdef"), 96);
	CU_ASSERT_STRING_EQUAL(line + 175, "\n");
	CU_ASSERT_STRING_EQUAL(line, tls_keylog_line(d.s));
	/* The random is the ClientHello's: behind record header, message header and version. */
	for (int i = 0; i < 32; i++) {
		char hex[3] = {line[14 + 2 * i], line[15 + 2 * i], 0};

		CU_ASSERT_EQUAL(strtoul(hex, NULL, 16), d.up.log[11 + i]);
	}
	duo_end(&d);
}

static void a_client_knows_the_line_before_its_change_cipher_spec_leaves(void)
{
	struct duo d;
	uint8_t byte;

	duo_init(&d);
	duo_start(&d);
	duo_move(d.c, d.s, &d.up);
	duo_move(d.s, d.c, &d.down);
	while (tls_pull(d.c, &byte, 1) == 1) {
		d.up.log[d.up.total++] = byte;
		tls_feed(d.s, &byte, 1);
		if (tls_keylog_line(d.c))
			break;
	}

	CU_ASSERT_PTR_NOT_NULL_FATAL(tls_keylog_line(d.c));
	CU_ASSERT_FALSE(has_ccs(&d.up));
	duo_shuttle(&d);
	CU_ASSERT_TRUE(has_ccs(&d.up));
	CU_ASSERT_STRING_EQUAL(tls_keylog_line(d.c), tls_keylog_line(d.s));
	duo_end(&d);
}

static void no_line_before_there_is_a_secret(void)
{
	struct duo d;

	duo_init(&d);
	duo_start(&d);
	duo_move(d.c, d.s, &d.up);
	CU_ASSERT_PTR_NULL(tls_keylog_line(d.c));
	CU_ASSERT_PTR_NULL(tls_keylog_line(d.s));
	duo_end(&d);
}

static void each_seed_and_name_gives_its_own_entropy(void)
{
	struct tls_config a, b;

	tls_config_default(&a, TLS_CLIENT);
	tls_config_default(&b, TLS_CLIENT);
	CU_ASSERT_FALSE(a.has_entropy);
	tls_make_deterministic(&a, 7, "flow/1/client");
	tls_make_deterministic(&b, 7, "flow/1/client");
	CU_ASSERT_TRUE(a.has_entropy);
	CU_ASSERT_EQUAL(memcmp(a.entropy, b.entropy, TLS_ENTROPY), 0);
	tls_make_deterministic(&b, 7, "flow/1/server");
	CU_ASSERT_NOT_EQUAL(memcmp(a.entropy, b.entropy, TLS_ENTROPY), 0);
	tls_make_deterministic(&b, 8, "flow/1/client");
	CU_ASSERT_NOT_EQUAL(memcmp(a.entropy, b.entropy, TLS_ENTROPY), 0);
}

static const struct test_case cases[] = {
	TEST(both_sides_log_the_same_line),
	TEST(a_client_knows_the_line_before_its_change_cipher_spec_leaves),
	TEST(no_line_before_there_is_a_secret),
	TEST(each_seed_and_name_gives_its_own_entropy),
};
TEST_SUITE(keylog, cases);
