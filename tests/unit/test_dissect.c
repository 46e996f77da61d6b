/* Link types, tags, cut frames and headers that lie. */
#include "../lib/tape.h"
#include "../lib/test.h"

#include "../../stack/base/bytes.h"
#include "../../stack/base/check.h"
#include "../../stack/wire/csum.h"
#include "../../traces/dissect.h"

#include <stdio.h>
#include <string.h>

/* IPv4, TCP with no options, 10 bytes: 50 bytes from ip on; 14 of Ethernet in front. */
static uint8_t frame[2000];
static uint32_t frame_len;

static void make_frame(void)
{
	static const uint8_t ip_tcp[40] = {
		0x45, 0, 0, 50, 0x12, 0x34, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, /* IPv4 */
		0x03, 0xe8, 0, 80, 0, 0, 0, 5, 0, 0, 0, 9, 0x50, 0x18, 1, 0, 0, 0, 0, 0, /* TCP */
	};

	memset(frame, 0, sizeof(frame));
	wr16(frame + 12, 0x0800);
	memcpy(frame + 14, ip_tcp, sizeof(ip_tcp));
	memset(frame + 54, 'd', 10);
	frame_len = 64;
}

static enum dissect_result dissect_as(uint16_t linktype, const uint8_t *p, uint32_t caplen, uint32_t len,
				      struct dissected *d)
{
	/* A copy that ends where the bytes end, so that a sanitizer sees any read behind. */
	static uint8_t copy[2000];
	uint8_t *at = copy + sizeof(copy) - caplen;
	struct reader_pkt k = {.data = at, .caplen = caplen, .len = len, .linktype = linktype};

	memcpy(at, p, caplen);
	return dissect(&k, d);
}

static void expect_tcp(const char *name, enum dissect_result got, const struct dissected *d)
{
	if (got != DISSECT_TCP)
		printf("%s: result %d (%s)\n", name, got, d->why ? d->why : "-");
	CU_ASSERT_EQUAL_FATAL(got, DISSECT_TCP);
	CU_ASSERT_EQUAL(d->seg.sport, 1000);
	CU_ASSERT_EQUAL(d->seg.dport, 80);
	CU_ASSERT_EQUAL(d->seg.seq.v, 5);
	CU_ASSERT_EQUAL(d->seg.len, 10);
	CU_ASSERT_EQUAL(d->there, 10);
	CU_ASSERT_EQUAL(d->payload[9], 'd');
}

static void each_link_type_leads_to_the_same_segment(void)
{
	static const struct {
		const char *name;
		uint16_t linktype;
		uint32_t len;
		uint8_t head[24];
	} row[] = {
		{"Ethernet", 1, 14, {[12] = 8, 0}},
		{"VLAN", 1, 18, {[12] = 0x81, 0, 0, 5, 8, 0}},
		{"QinQ", 1, 22, {[12] = 0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 0}},
		{"cooked v1", 113, 16, {[14] = 8, 0}},
		{"cooked v2", 276, 20, {8, 0}},
		{"loopback, little endian", 0, 4, {2}},
		{"loopback, big endian", 108, 4, {0, 0, 0, 2}},
		{"raw 12", 12, 0, {0}},
		{"raw 14", 14, 0, {0}},
		{"raw 101", 101, 0, {0}},
		{"IPv4 228", 228, 0, {0}},
	};

	make_frame();
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		uint8_t f[200];
		struct dissected d;
		uint32_t n = row[i].len + 50;

		memcpy(f, row[i].head, row[i].len);
		memcpy(f + row[i].len, frame + 14, 50);
		expect_tcp(row[i].name, dissect_as(row[i].linktype, f, n, n, &d), &d);
		CU_ASSERT_EQUAL(d.ipid, 0x1234);
	}
}

static void ip6_and_its_extension_headers_are_walked_so_far(void)
{
	for (uint32_t ext = 0; ext <= 150; ext = ext < 10 ? ext + 1 : ext + 70) {
		uint8_t f[2000] = {0x60};
		struct dissected d;
		uint32_t n = 40;
		enum dissect_result got;

		make_frame();
		f[6] = ext ? 60 : 6; /* destination options */
		for (uint32_t i = 0; i < ext; i++, n += 8)
			f[n] = i == ext - 1 ? 6 : 60;
		memcpy(f + n, frame + 34, 30);
		n += 30;
		wr16(f + 4, (uint16_t)(n - 40));
		got = dissect_as(229, f, n, n, &d);
		if (ext <= 8)
			expect_tcp("extension headers", got, &d);
		else
			CU_ASSERT_EQUAL(got, DISSECT_OTHER);
	}
}

static void a_trailer_is_not_data_and_what_the_snap_length_cut_counts(void)
{
	struct dissected d;

	make_frame();
	expect_tcp("trailer", dissect_as(1, frame, 70, 70, &d), &d);
	CU_ASSERT_EQUAL(dissect_as(1, frame, 56, 64, &d), DISSECT_TCP);
	CU_ASSERT_EQUAL(d.seg.len, 10);
	CU_ASSERT_EQUAL(d.there, 2);
}

static void a_total_length_of_zero_is_segmentation_offload(void)
{
	struct dissected d;

	make_frame();
	wr16(frame + 16, 0);
	expect_tcp("total length 0", dissect_as(1, frame, 64, 64, &d), &d);
}

static void a_frame_may_end_anywhere(void)
{
	make_frame();
	for (uint32_t n = 0; n <= frame_len; n++) {
		struct dissected d;
		enum dissect_result got = dissect_as(1, frame, n, frame_len, &d);

		CU_ASSERT_EQUAL(got, n < 14 + 1 ? DISSECT_OTHER : n < 54 ? DISSECT_BAD : DISSECT_TCP);
	}
}

static void headers_that_lie_are_told_in_words(void)
{
	static const struct {
		uint32_t at;
		uint8_t value;
		enum dissect_result result;
		const char *why;
	} row[] = {
		{14, 0x44, DISSECT_BAD, "IPv4 header length under 20"},
		{14, 0x4f, DISSECT_BAD, "IPv4 header length past the frame"},
		{17, 19, DISSECT_BAD, "IPv4 total length under its header"},
		{17, 51, DISSECT_BAD, "IPv4 total length past the frame"},
		{46, 0x40, DISSECT_BAD, "TCP data offset under 5"},
		{46, 0xf0, DISSECT_BAD, "TCP data offset past the packet"},
		{20, 0x20, DISSECT_FRAGMENT, NULL},
		{21, 1, DISSECT_FRAGMENT, NULL}, /* a later one */
		{23, 17, DISSECT_OTHER, NULL},
		{14, 0x75, DISSECT_OTHER, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct dissected d;

		make_frame();
		frame[row[i].at] = row[i].value;
		CU_ASSERT_EQUAL(dissect_as(1, frame, 64, 64, &d), row[i].result);
		if (row[i].why) {
			if (!d.why || strcmp(d.why, row[i].why))
				printf("row %zu: %s\n", i, d.why ? d.why : "-");
			CU_ASSERT_PTR_NOT_NULL_FATAL(d.why);
			CU_ASSERT_STRING_EQUAL(d.why, row[i].why);
		}
	}
}

/* A frame that ends before its IP header says, with a right header checksum, was cut by a tool. */
static void a_header_with_a_right_checksum_is_believed(void)
{
	struct dissected d;

	make_frame();
	wr16(frame + 16, 1500);
	wr16(frame + 24, (uint16_t)~csum_fold(csum_add(csum_add(0, frame + 14, 10), frame + 26, 8)));
	CU_ASSERT_EQUAL(dissect_as(1, frame, 64, 64, &d), DISSECT_TCP);
	CU_ASSERT_EQUAL(d.seg.len, 1460);
	CU_ASSERT_EQUAL(d.there, 10);
	CU_ASSERT_TRUE(d.cut);
}

static void options_that_the_snap_length_cut_are_read_as_far_as_they_go(void)
{
	static const uint8_t option[12] = {2, 4, 5, 0xb4, 3, 3, 7, 1, 4, 2, 1, 1};

	for (uint32_t there = 0; there <= sizeof(option); there++) {
		struct dissected d;

		make_frame();
		memcpy(frame + 54, option, sizeof(option));
		memset(frame + 66, 'd', 10);
		frame[46] = 0x80;
		wr16(frame + 16, 62);
		CU_ASSERT_EQUAL_FATAL(dissect_as(1, frame, 54 + there, 76, &d), DISSECT_TCP);
		CU_ASSERT_EQUAL(d.seg.len, 10);
		CU_ASSERT_EQUAL(d.there, 0);
		CU_ASSERT_EQUAL(d.options_cut, there < 12);
		CU_ASSERT_EQUAL(d.seg.opt.has_mss, there >= 4);
		CU_ASSERT_EQUAL(d.seg.opt.has_wscale, there >= 7);
		CU_ASSERT_EQUAL(d.seg.opt.sack_ok, there >= 10);
		CU_ASSERT_FALSE(d.seg.opt.malformed);
	}
}

static void a_link_type_that_is_not_read_is_said_so(void)
{
	struct dissected d;

	make_frame();
	CU_ASSERT_EQUAL(dissect_as(147, frame, 64, 64, &d), DISSECT_BAD);
	CU_ASSERT_PTR_NOT_NULL(strstr(d.why, "link type"));
}

static void three_hundred_tags_are_nonsense(void)
{
	uint8_t f[1400] = {0};
	struct dissected d;

	for (int i = 0; i < 300; i++)
		wr16(f + 12 + 4 * i, 0x8100);
	CU_ASSERT_EQUAL(dissect_as(1, f, sizeof(f), sizeof(f), &d), DISSECT_OTHER);
}

static const struct test_case cases[] = {
	TEST(each_link_type_leads_to_the_same_segment),
	TEST(ip6_and_its_extension_headers_are_walked_so_far),
	TEST(a_trailer_is_not_data_and_what_the_snap_length_cut_counts),
	TEST(a_total_length_of_zero_is_segmentation_offload),
	TEST(a_frame_may_end_anywhere),
	TEST(headers_that_lie_are_told_in_words),
	TEST(a_header_with_a_right_checksum_is_believed),
	TEST(options_that_the_snap_length_cut_are_read_as_far_as_they_go),
	TEST(a_link_type_that_is_not_read_is_said_so),
	TEST(three_hundred_tags_are_nonsense),
};
TEST_SUITE(dissect, cases);
