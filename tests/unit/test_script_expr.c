/* The subset of Python in scripts: values, precedence, and what a failed assertion says. */
#include "../lib/test.h"

#include "../../sim/script.h"

#include <string.h>

static const struct script_var vars[] = {{"tcpi_snd_cwnd", 10}, {"tcpi_options", 33}, {"tcpi_rtt", 20000}};

static bool holds(const char *code, char why[200])
{
	struct script_scope *s = script_scope_new();
	bool ok = script_eval(s, code, vars, 3, why, 200);

	script_scope_free(s);
	return ok;
}

static void true_code_passes(void)
{
	static const char *const code[] = {
		"", " \n ; # nothing\n",
		"assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd",
		"assert (tcpi_options & TCPI_OPT_SYN_DATA) != 0, tcpi_options",
		"assert 5000 <= tcpi_rtt <= 20000, 'srtt=%d us' % tcpi_rtt",
		"print(tcpi_snd_cwnd); cwnd = 5; cwnd += 5; assert tcpi_snd_cwnd == cwnd, (1, 'a;b')",
		"A = 0x7fffffff\nassert A == 2147483647\nassert A > 1",
		"assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd # no cwnd moderation",
		"assert 1 == 1; \\\n  assert 2 == 2",
		"assert 2 + 3 * 4 == 14 and -7 // 2 == -4 and -7 % 3 == 2",
		"assert 1 | 2 ^ 3 & 5 == 3 or False", "assert not (1 > 2) and ~0 == -1",
		"assert 1 << 4 == 16 and 256 >> 4 == 16", "assert 0 or 1 or 1 // 0",
		"assert 6 / 3 == 2",
	};
	char why[200];

	for (size_t i = 0; i < sizeof(code) / sizeof(code[0]); i++) {
		bool ok = holds(code[i], why);

		CU_ASSERT(ok);
		if (!ok)
			printf("%s: %s\n", code[i], why);
	}
}

static void false_or_strange_code_fails_and_says_why(void)
{
	static const struct {
		const char *code, *why;
	} row[] = {
		{"assert tcpi_snd_cwnd == 11, 'x'", "assert tcpi_snd_cwnd == 11: tcpi_snd_cwnd = 10"},
		{"assert 1 < 3 < 2", "assert 1 < 3 < 2"},
		{"assert 1 == 1; assert 0", "assert 0"},
		{"assert nobody == 1", "code: unknown name nobody at '== 1'"},
		{"assert 1 // 0", "code: division by zero at ''"},
		{"while True: pass", "code: expected '=', '+=', '-=' or '*=' at 'True: pass'"},
		{"assert (1", "code: expected ')' at ''"},
		{"assert 1 1", "code: expected the end of the statement at '1'"},
		{"x += 1", "code: unknown name x at '1'"},
		{"assert 9223372036854775807 + 1", "code: overflow at ''"},
		{"print('", "code: a string does not end at ''"},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		char why[200];

		CU_ASSERT_FALSE(holds(row[i].code, why));
		CU_ASSERT_STRING_EQUAL(why, row[i].why);
		if (strcmp(why, row[i].why) != 0)
			printf("%s\n%s\n", row[i].why, why);
	}
}

static void names_live_from_block_to_block(void)
{
	struct script_scope *s = script_scope_new();
	char why[200];

	CU_ASSERT(script_eval(s, "cwnd = 5", NULL, 0, why, sizeof(why)));
	CU_ASSERT(script_eval(s, "cwnd *= 2", NULL, 0, why, sizeof(why)));
	CU_ASSERT(script_eval(s, "assert cwnd == 10", NULL, 0, why, sizeof(why)));
	script_scope_free(s);
}

static void deep_nesting_is_refused(void)
{
	char code[1000] = "assert ", why[200];

	memset(code + 7, '(', 900);
	CU_ASSERT_FALSE(holds(code, why));
	memset(code + 7, '-', 900);
	CU_ASSERT_FALSE(holds(code, why));
}

static const struct test_case cases[] = {
	TEST(true_code_passes),
	TEST(false_or_strange_code_fails_and_says_why),
	TEST(names_live_from_block_to_block),
	TEST(deep_nesting_is_refused),
};
TEST_SUITE(script_expr, cases);
