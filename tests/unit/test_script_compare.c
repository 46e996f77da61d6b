/* What counts as the segment that a script expects, strictly and with each loosening. */
#include "../lib/test.h"

#include "../../sim/script.h"

#include <string.h>

static const char *differ(const char *want, const char *got, struct script_rules r)
{
	struct script_seg a, b;
	char err[200] = "";

	if (!script_parse_seg(want, &a, err, sizeof(err)) || !script_parse_seg(got, &b, err, sizeof(err)))
		printf("%s\n", err);
	CU_ASSERT_STRING_EQUAL(err, "");
	return script_compare(&a, &b, &r);
}

static void each_field_that_differs_is_named(void)
{
	static const struct {
		const char *want, *got, *field;
	} row[] = {
		{"P. 1:5(4) ack 1 win 9 <nop,nop,sackOK>", "P. 1:5(4) ack 1 win 9 <nop,nop,sackOK>", NULL},
		{". 1:5(4) ack 1", "P. 1:5(4) ack 1", "flags"},
		{". 1:5(4) ack 1", ". 2:6(4) ack 1", "sequence number"},
		{". 1:5(4) ack 1", ". 1:6(5) ack 1", "length"},
		{". 1:1(0) ack 1", ". 1:1(0) ack 2", "acknowledgement number"},
		{". 1:1(0) ack 1", ". 1:1(0) ack 1 win 7", NULL},
		{". 1:1(0) ack 1 win 8", ". 1:1(0) ack 1 win 7", "window"},
		{". 1:1(0) ack 1", ". 1:1(0) ack 1 urg 1", "urgent pointer"},
		{". 1:1(0) ack 1", ". 1:1(0) ack 1 <nop,nop,sackOK>", "options"},
		{". 1:1(0) ack 1 <...>", ". 1:1(0) ack 1 <nop,nop,sackOK>", NULL},
		{"S 0:0(0) <nop,nop,sackOK>", "S 0:0(0) <sackOK,nop,nop>", "options"},
		{"S 0:0(0) <mss 5>", "S 0:0(0) <mss 6>", "options"},
		{". 1:1(0) <nop,nop,sack 1:2>", ". 1:1(0) <nop,nop,sack 1:3>", "options"},
		{". 1:1(0) <TS val 1 ecr 2,nop,nop>", ". 1:1(0) <TS val 1 ecr 3,nop,nop>", "options"},
		{"(ect0) . 1:1(0)", "(ect1) . 1:1(0)", "ECN codepoint"},
		{"(ect01) . 1:1(0)", "(ect1) . 1:1(0)", NULL},
		{"(ect01) . 1:1(0)", "(noecn) . 1:1(0)", "ECN codepoint"},
		{"(tos 0x20) . 1:1(0)", "(tos 0x22) . 1:1(0)", "type of service"},
		{"(ttl 4) . 1:1(0)", "(ttl 5) . 1:1(0)", "time to live"},
		{"(flowlabel 4) . 1:1(0)", "(flowlabel 5) . 1:1(0)", "flow label"},
		{"80 > 81 . 1:1(0)", "80 > 82 . 1:1(0)", "ports"},
		{"S. ...(0) ack 1", "S. 77:77(0) ack 1", NULL},
		{".3 1:1(0) ack 1", "EW. 1:1(0) ack 1", NULL},
		{".3 1:1(0) ack 1", "E. 1:1(0) ack 1", "ACE counter"},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		const char *f = differ(row[i].want, row[i].got, (struct script_rules){0});
		bool ok = f == row[i].field || (f && row[i].field && strcmp(f, row[i].field) == 0);

		CU_ASSERT(ok);
		if (!ok)
			printf("%s | %s: %s\n", row[i].want, row[i].got, f ? f : "same");
	}
}

static void a_profile_loosens_what_it_names_and_nothing_else(void)
{
	struct script_rules push = {.free_push = true}, syn = {.syn_any = true}, win = {.win_any = true};

	CU_ASSERT_PTR_NULL(differ("P. 1:5(4) ack 1", ". 1:5(4) ack 1", push));
	CU_ASSERT_PTR_NOT_NULL(differ("P. 1:1(0) ack 1", ". 1:1(0) ack 1", push));
	CU_ASSERT_PTR_NOT_NULL(differ("P. 1:5(4) ack 1", "F. 1:5(4) ack 1", push));
	CU_ASSERT_PTR_NULL(differ("S 0:0(0) <mss 5,nop,wscale 7>", "S 0:0(0) <wscale 7,nop,mss 5>", syn));
	CU_ASSERT_PTR_NOT_NULL(differ("S 0:0(0) <mss 5,nop,wscale 7>", "S 0:0(0) <mss 5>", syn));
	CU_ASSERT_PTR_NOT_NULL(differ("S 0:0(0) <mss 5>", "S 0:0(0) <mss 5,nop,wscale 7>", syn));
	CU_ASSERT_PTR_NOT_NULL(differ(". 1:1(0) <nop,nop,sackOK>", ". 1:1(0) <sackOK,nop,nop>", syn));
	CU_ASSERT_PTR_NULL(differ(". 1:1(0) win 5", ". 1:1(0) win 6", win));
	CU_ASSERT_PTR_NOT_NULL(differ(". 1:1(0) ack 5 win 5", ". 1:1(0) ack 6 win 6", win));
}

static const struct test_case cases[] = {
	TEST(each_field_that_differs_is_named),
	TEST(a_profile_loosens_what_it_names_and_nothing_else),
};
TEST_SUITE(script_compare, cases);
