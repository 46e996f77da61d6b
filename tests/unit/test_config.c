/* The table of settings: as complete as struct tcp_config, with defaults within its bounds, and one option
 * for each. */
#include "../lib/test.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "../../stack/config.h"

static char *stack_h(void)
{
	FILE *f = fopen("stack/stack.h", "rb");
	char *text = calloc(1, 1 << 17);

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_TRUE(fread(text, 1, (1 << 17) - 1, f) > 0);
	fclose(f);
	return text;
}

/* Comments become blanks. */
static void strip_comments(char *text)
{
	char *at = text;

	while ((at = strstr(at, "/*"))) {
		char *end = strstr(at, "*/");

		memset(at, ' ', (size_t)(end + 2 - at));
	}
}

/* What the table calls it. */
static bool is_a_row(const char *member, size_t len)
{
	static const char *const others[][2] = {{"iw_segs", "iw"}};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strlen(others[i][0]) == len && memcmp(others[i][0], member, len) == 0)
			return tcp_setting_named(others[i][1], strlen(others[i][1]));
	return tcp_setting_named(member, len);
}

static void every_member_has_its_row(void)
{
	static const char *const own[] = {"fastopen_key", "isn_fixed", "isn_is_fixed"}; /* see config.h */
	char *text = stack_h(), *at = strstr(text, "struct tcp_config {");
	size_t members = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	strip_comments(at);
	at = strchr(at, '{') + 1;
	for (char *end = strchr(at, '}'); at < end; at++) {
		char *stop = at + strcspn(at, ",;"), *name = stop;

		if (stop >= end)
			break;
		if (name[-1] == ']')
			while (*--name != '[')
				;
		size_t len = 0;

		while (isalnum((unsigned char)name[-1]) || name[-1] == '_')
			name--, len++;
		bool known = is_a_row(name, len);

		for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
			known |= strlen(own[i]) == len && memcmp(own[i], name, len) == 0;
		if (!known)
			printf("\n%.*s has no row in stack/config.c\n", (int)len, name);
		CU_ASSERT_TRUE(known);
		members++;
		at = stop;
	}
	CU_ASSERT_EQUAL(members, tcp_settings_count + sizeof(own) / sizeof(own[0]));
	free(text);
}

static void the_defaults_lie_within_the_bounds(void)
{
	struct tcp_config c;

	tcp_config_default(&c);
	CU_ASSERT_PTR_NULL(tcp_config_fault(&c));
	for (size_t i = 0; i < tcp_settings_count; i++) {
		const struct tcp_setting *s = &tcp_settings[i];
		int64_t v = tcp_setting_get(s, &c);
		bool fits = (v >= s->lo && v <= s->hi) || (s->none && v == s->none_value);

		if (!fits)
			printf("\n%s is %lld by default\n", s->name, (long long)v);
		CU_ASSERT_TRUE(fits);
		CU_ASSERT_TRUE(s->size == 8 || s->hi < (int64_t)1 << (8 * s->size));
	}
}

static void no_two_settings_share_a_name_a_place_or_an_option(void)
{
	for (size_t i = 0; i < tcp_settings_count; i++)
		for (size_t k = 0; k < i; k++) {
			const struct tcp_setting *a = &tcp_settings[i], *b = &tcp_settings[k];

			CU_ASSERT_STRING_NOT_EQUAL(a->name, b->name);
			CU_ASSERT_NOT_EQUAL(a->opt, b->opt);
			CU_ASSERT_TRUE(a->at >= b->at + b->size || b->at >= a->at + a->size);
		}
}

static void a_setting_changes_its_member_alone(void)
{
	for (size_t i = 0; i < tcp_settings_count; i++) {
		const struct tcp_setting *s = &tcp_settings[i];
		struct tcp_config before, after;

		memset(&before, 0, sizeof(before));
		after = before;
		tcp_setting_put(s, &after, s->hi);
		CU_ASSERT_EQUAL(tcp_setting_get(s, &after), s->hi);
		memset((char *)&after + s->at, 0, s->size);
		CU_ASSERT_EQUAL(memcmp(&before, &after, sizeof(before)), 0);
	}
}

static void words_are_those_of_the_enums(void)
{
	const struct tcp_setting *cc = tcp_setting_of(OPT_CC), *hard = tcp_setting_of(OPT_ICMP_HARD);

	CU_ASSERT_EQUAL(cc->hi, CC_COUNT - 1);
	CU_ASSERT_STRING_EQUAL(cc->words[CC_BBR], "bbr");
	CU_ASSERT_STRING_EQUAL(cc->words[CC_NONE], "none");
	CU_ASSERT_STRING_EQUAL(hard->words[ICMP_HARD_NONE], "never");
	CU_ASSERT_STRING_EQUAL(tcp_setting_of(OPT_SYNFIN)->words[SYNFIN_DROP], "drop");
	CU_ASSERT_STRING_EQUAL(tcp_setting_of(OPT_ECN)->words[ECN_ACC], "accurate");
	CU_ASSERT_STRING_EQUAL(tcp_setting_of(OPT_RECOVERY)->words[RECOVERY_GOBACKN], "gobackn");
}

static const struct test_case cases[] = {
	TEST(every_member_has_its_row),
	TEST(the_defaults_lie_within_the_bounds),
	TEST(no_two_settings_share_a_name_a_place_or_an_option),
	TEST(a_setting_changes_its_member_alone),
	TEST(words_are_those_of_the_enums),
};
TEST_SUITE(config, cases);
