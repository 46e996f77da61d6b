/* The records of a black box log: each value at its place, and nothing elsewhere. That the places are
 * the right ones is for tshark to say (test_tcb_log). */
#include "../lib/test.h"

#include <string.h>

#include "../../traces/bblog.h"

static const struct bblog full = {
	.at = 1767225600 * SEC + 123456789,
	.serial = 0x01020304,
	.event = BBLOG_RTT,
	.state = BBLOG_FIN_WAIT_2,
	.flags = BBLOG_F_SACK | BBLOG_F_FASTOPEN,
	.flags2 = BBLOG_F2_ACCECN,
	.iss = 0xfffffff0,
	.snd_una = 0xfffffff1,
	.snd_nxt = 5,
	.snd_max = 6,
	.snd_recover = 7,
	.snd_wnd = 8,
	.rcv_nxt = 0xffffffff,
	.rcv_wnd = 10,
	.cwnd = 14480,
	.ssthresh = UINT32_MAX,
	.srtt_us = 20150,
	.rttvar_us = 10075,
	.dup_acks = 3,
	.unread = 100,
	.unsent = 200,
	.snd_shift = 7,
	.rcv_shift = 14,
	.flex = {11, 12},
	.payload = 1448,
};

/* From the byte `at` on, little-endian. */
static const struct {
	const char *name;
	uint32_t at, len;
	uint64_t value;
} places[] = {
	{"seconds", 0, 8, 1767225600},
	{"microseconds, cut", 8, 8, 123456},
	{"milliseconds, wrapped", 16, 4, (uint32_t)(UINT64_C(1767225600) * 1000 + 123)},
	{"serial", 20, 4, 0x01020304},
	{"event", 25, 1, 47},
	{"which buffers", 26, 2, 3},
	{"unread", 32, 4, 100},
	{"unread, again", 36, 4, 100},
	{"unsent", 44, 4, 200},
	{"unsent, again", 48, 4, 200},
	{"state", 56, 4, 9},
	{"iss", 64, 4, 0xfffffff0},
	{"flags", 68, 4, 0x80000200},
	{"snd_una", 72, 4, 0xfffffff1},
	{"snd_max", 76, 4, 6},
	{"cwnd", 80, 4, 14480},
	{"snd_nxt", 84, 4, 5},
	{"snd_recover", 88, 4, 7},
	{"snd_wnd", 92, 4, 8},
	{"ssthresh", 96, 4, 0xffffffff},
	{"srtt", 100, 4, 20150},
	{"rttvar", 104, 4, 10075},
	{"rcv_adv, past the wrap", 112, 4, 9},
	{"flags2", 116, 4, 0x100},
	{"rcv_nxt", 120, 4, 0xffffffff},
	{"rcv_wnd", 124, 4, 10},
	{"dup_acks", 128, 4, 3},
	{"flex 1", 140, 4, 11},
	{"flex 2", 144, 4, 12},
	{"shifts", 156, 1, 0xe7},
	{"payload", 264, 4, 1448},
};

static uint64_t value_at(const uint8_t *p, uint32_t len)
{
	uint64_t v = 0;

	while (len)
		v = v << 8 | p[--len];
	return v;
}

static void each_value_has_its_place_and_the_rest_is_zero(void)
{
	uint8_t record[BBLOG_RECORD];

	memset(record, 0xaa, sizeof(record));
	bblog_record(record, &full);

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (value_at(record + places[i].at, places[i].len) != places[i].value)
			FAIL_ROW(places[i].name);
		memset(record + places[i].at, 0, places[i].len);
	}
	for (size_t i = 0; i < sizeof(record); i++)
		CU_ASSERT_EQUAL(record[i], 0);
}

static void an_empty_record_says_only_that_buffers_are_told(void)
{
	uint8_t record[BBLOG_RECORD], buffers[2] = {3, 0};

	bblog_record(record, &(struct bblog){.event = BBLOG_IN});

	CU_ASSERT_EQUAL(record[25], BBLOG_IN);
	CU_ASSERT_EQUAL(memcmp(record + 26, buffers, 2), 0);
	record[25] = record[26] = 0;
	for (size_t i = 0; i < sizeof(record); i++)
		CU_ASSERT_EQUAL(record[i], 0);
}

static void the_description_has_a_version_a_length_and_no_offset(void)
{
	uint8_t d[BBLOG_DESCRIPTION];

	memset(d, 0xaa, sizeof(d));
	bblog_description(d);

	CU_ASSERT_EQUAL(value_at(d, 4), 9);
	CU_ASSERT_EQUAL(value_at(d + 4, 4), 1);
	CU_ASSERT_EQUAL(value_at(d + 8, 8), 208);
	CU_ASSERT_EQUAL(value_at(d + 200, 1), 2);
	d[200] = 0;
	for (size_t i = 16; i < sizeof(d); i++)
		CU_ASSERT_EQUAL(d[i], 0);
}

static const struct test_case cases[] = {
	TEST(each_value_has_its_place_and_the_rest_is_zero),
	TEST(an_empty_record_says_only_that_buffers_are_told),
	TEST(the_description_has_a_version_a_length_and_no_offset),
};
TEST_SUITE(bblog, cases);
