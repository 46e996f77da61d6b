/* The reader against every way in which a capture can be damaged or lie, and against each byte
 * order, resolution and kind of block. */
#include "../lib/tape.h"
#include "../lib/test.h"

#include "../../stack/base/check.h"
#include "../../traces/flow.h"
#include "../../traces/reader.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- files as bytes ---- */

struct file {
	uint8_t b[4096];
	size_t n;
	bool big;
};

static void u16(struct file *f, uint32_t v)
{
	f->b[f->n++] = (uint8_t)(f->big ? v >> 8 : v);
	f->b[f->n++] = (uint8_t)(f->big ? v : v >> 8);
}

static void u32(struct file *f, uint32_t v)
{
	u16(f, f->big ? v >> 16 : v & 0xffff);
	u16(f, f->big ? v & 0xffff : v >> 16);
}

static void bytes(struct file *f, const char *s, size_t n)
{
	memcpy(f->b + f->n, s, n);
	f->n += n;
}

static void pcap_head(struct file *f, uint32_t magic, uint16_t major, uint32_t linktype)
{
	u32(f, magic);
	u16(f, major);
	u16(f, 4);
	u32(f, 0);
	u32(f, 0);
	u32(f, 65535);
	u32(f, linktype);
}

static void record(struct file *f, uint32_t sec, uint32_t frac, uint32_t caplen, uint32_t len, size_t there)
{
	u32(f, sec);
	u32(f, frac);
	u32(f, caplen);
	u32(f, len);
	memset(f->b + f->n, 'p', there);
	f->n += there;
}

static void block(struct file *f, uint32_t type, const struct file *body)
{
	u32(f, type);
	u32(f, (uint32_t)body->n + 12);
	bytes(f, (const char *)body->b, body->n);
	u32(f, (uint32_t)body->n + 12);
}

static void section(struct file *f)
{
	struct file b = {.big = f->big};

	u32(&b, 0x1a2b3c4d);
	u16(&b, 1);
	u16(&b, 0);
	u32(&b, 0xffffffff);
	u32(&b, 0xffffffff);
	block(f, 0x0a0d0d0a, &b);
}

static void iface(struct file *f, int resol, int64_t offset)
{
	struct file b = {.big = f->big};

	u16(&b, 1);
	u16(&b, 0);
	u32(&b, 64);
	if (resol >= 0) {
		u16(&b, 9);
		u16(&b, 1);
		bytes(&b, (const char[]){(char)resol, 0, 0, 0}, 4);
	}
	if (offset) {
		u16(&b, 14);
		u16(&b, 8);
		u32(&b, (uint32_t)(f->big ? offset >> 32 : offset));
		u32(&b, (uint32_t)(f->big ? offset : offset >> 32));
	}
	block(f, 1, &b);
}

static void packet(struct file *f, uint32_t type, uint32_t ifno, uint64_t ts, uint32_t caplen, size_t there)
{
	struct file b = {.big = f->big};

	if (type == 2) {
		u16(&b, ifno);
		u16(&b, 0);
	} else {
		u32(&b, ifno);
	}
	u32(&b, (uint32_t)(ts >> 32));
	u32(&b, (uint32_t)ts);
	u32(&b, caplen);
	u32(&b, caplen);
	memset(b.b + b.n, 'p', there);
	b.n += there;
	block(f, type, &b);
}

static enum reader_result read_all(const struct file *f, int *packets, ns_t *at, char error[200])
{
	struct reader *r = reader_of_bytes(f->b, f->n);
	struct reader_pkt p;
	enum reader_result got;

	*packets = 0;
	while ((got = reader_next(r, &p)) == READER_PACKET) {
		volatile uint8_t sum = 0;

		for (uint32_t i = 0; i < p.caplen; i++)
			sum = (uint8_t)(sum + p.data[i]);
		CU_ASSERT_TRUE(p.len >= p.caplen);
		++*packets;
		*at = p.at;
	}
	CU_ASSERT_EQUAL(reader_next(r, &p), got); /* and stays there */
	snprintf(error, 200, "%s", reader_error(r));
	reader_close(r);
	return got;
}

static void expect_damage(const char *name, const struct file *f, int packets, const char *error)
{
	char said[200];
	ns_t at;
	int n;
	enum reader_result got = read_all(f, &n, &at, said);

	if (got != READER_DAMAGED || n != packets || strcmp(said, error) != 0)
		printf("%s: result %d, %d packets, '%s', expected '%s'\n", name, got, n, said, error);
	CU_ASSERT_EQUAL(got, READER_DAMAGED);
	CU_ASSERT_EQUAL(n, packets);
	CU_ASSERT_STRING_EQUAL(said, error);
}

/* ---- pcap ---- */

static void pcap_is_read_in_both_byte_orders_and_resolutions(void)
{
	static const struct {
		uint32_t magic;
		bool big;
		ns_t at;
	} row[] = {
		{0xa1b2c3d4, false, 5 * SEC + 7 * US}, {0xa1b2c3d4, true, 5 * SEC + 7 * US},
		{0xa1b23c4d, false, 5 * SEC + 7}, {0xa1b23c4d, true, 5 * SEC + 7},
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct file f = {.big = row[i].big};
		char said[200];
		ns_t at = 0;
		int n;

		pcap_head(&f, row[i].magic, 2, 1 | 0xf0000000); /* with frame check sequence bits */
		record(&f, 5, 7, 60, 1514, 60);
		CU_ASSERT_EQUAL(read_all(&f, &n, &at, said), READER_END);
		CU_ASSERT_EQUAL(n, 1);
		CU_ASSERT_EQUAL(at, row[i].at);
	}
}

/* Alexey Kuznetzov's: eight more bytes in each record's header. */
static void the_patched_pcap_of_old_linux_is_read(void)
{
	for (int big = 0; big < 2; big++) {
		struct file f = {.big = big};
		char said[200];
		ns_t at = 0;
		int n;

		pcap_head(&f, 0xa1b2cd34, 2, 1);
		for (int i = 0; i < 2; i++) {
			record(&f, 5, 7, 60, 60, 0);
			u32(&f, 3); /* interface; protocol and packet type */
			u32(&f, 0x0800);
			for (int k = 0; k < 15; k++)
				u32(&f, 0);
		}
		CU_ASSERT_EQUAL(read_all(&f, &n, &at, said), READER_END);
		CU_ASSERT_EQUAL(n, 2);
		CU_ASSERT_EQUAL(at, 5 * SEC + 7 * US);
	}
}

static void what_is_no_capture_is_called_by_its_name(void)
{
	static const struct {
		const char *bytes, *word;
	} row[] = {
		{"\x1f\x8b\x08\x08", "gunzip"}, {"\x28\xb5\x2f\xfd", "zstd"}, {"\xfd" "7zXZ", "xz"}, {"BZh9", "bzip2"},
		{"PK\x03\x04", "zip"}, {"snoop", "editcap"}, {"<html>", "magic 3c68746d"},
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct reader *r = reader_of_bytes(row[i].bytes, strlen(row[i].bytes));
		struct reader_pkt p;

		CU_ASSERT_EQUAL(reader_next(r, &p), READER_DAMAGED);
		CU_ASSERT_FALSE(reader_is_capture(r));
		CU_ASSERT_PTR_NOT_NULL(strstr(reader_error(r), row[i].word));
		reader_close(r);
	}
}

static void damaged_pcap_is_read_up_to_the_damage(void)
{
	static const struct {
		const char *name;
		uint32_t caplen;
		size_t there, cut; /* bytes of the record's data; off the end of the file */
		const char *error;
	} row[] = {
		{"cut in the data", 60, 60, 1, "175: the file ends in a packet, expected 60 bytes of it"},
		{"cut in the header", 60, 0, 1, "115: the file ends in a record's header, expected 16 bytes"},
		{"a trailing byte", 60, 0, 15, "101: the file ends in a record's header, expected 16 bytes"},
		{"caplen over libpcap's limit", 262145, 60, 0, "108: a record of 262145 bytes, expected at most 262144"},
		{"caplen 2^31-1", 0x7fffffff, 60, 0, "108: a record of 2147483647 bytes, expected at most 262144"},
		{"caplen 2^32-1", 0xffffffff, 60, 0, "108: a record of 4294967295 bytes, expected at most 262144"},
		{"caplen over the file", 2000, 60, 0, "176: the file ends in a packet, expected 2000 bytes of it"},
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct file f = {0};

		pcap_head(&f, 0xa1b2c3d4, 2, 1);
		record(&f, 1, 0, 60, 60, 60); /* one good packet first: bytes 24 to 99 */
		record(&f, 1, 0, row[i].caplen, 60, row[i].there);
		f.n -= row[i].cut;
		expect_damage(row[i].name, &f, 1, row[i].error);
	}
}

static void a_pcap_header_that_is_cut_or_lies_is_refused(void)
{
	struct file f = {0}, bad = {0};
	char error[100];

	pcap_head(&f, 0xa1b2c3d4, 2, 1);
	for (size_t n = 0; n < 24; n++) {
		f.n = n;
		if (n < 4)
			snprintf(error, sizeof(error), "%zu: the file ends after %zu bytes, expected a pcap or pcapng header", n, n);
		else
			snprintf(error, sizeof(error), "%zu: the file ends in the pcap header, expected 24 bytes", n);
		expect_damage("cut", &f, 0, error);
	}
	pcap_head(&bad, 0xa1b2d4c3, 2, 1);
	expect_damage("magic", &bad, 0, "0: magic c3d4b2a1, expected that of pcap or pcapng");
	bad.n = 0;
	pcap_head(&bad, 0xa1b2c3d4, 9, 1);
	expect_damage("version", &bad, 0, "4: pcap version 9.4, expected 2.x");
}

static void odd_but_possible_pcap_records_are_read(void)
{
	struct file f = {0};
	char said[200];
	ns_t at;
	int n;

	pcap_head(&f, 0xa1b2c3d4, 2, 1);
	record(&f, 1, 0, 0, 0, 0);                /* nothing captured */
	record(&f, 0xffffffff, 0xffffffff, 4, 0, 4); /* more microseconds than a second has; len under caplen */
	record(&f, 0, 0, 4, 0xffffffff, 4);       /* back in time */
	CU_ASSERT_EQUAL(read_all(&f, &n, &at, said), READER_END);
	CU_ASSERT_EQUAL(n, 3);
}

/* ---- pcapng ---- */

static void pcapng_is_read_in_both_byte_orders_even_in_one_file(void)
{
	struct file f = {0};
	char said[200];
	ns_t at = 0;
	int n;

	section(&f);
	iface(&f, 9, 0);
	packet(&f, 6, 0, 77, 4, 4);
	f.big = true;
	section(&f);
	iface(&f, -1, 0);
	packet(&f, 2, 0, 5, 4, 4); /* the obsolete block; microseconds by default */
	CU_ASSERT_EQUAL(read_all(&f, &n, &at, said), READER_END);
	CU_ASSERT_EQUAL(n, 2);
	CU_ASSERT_EQUAL(at, 5 * US);
}

static void times_come_in_every_resolution(void)
{
	static const struct {
		const char *name;
		int resol;
		int64_t offset;
		uint64_t ts;
		ns_t at;
	} row[] = {
		{"seconds", 0, 0, 3, 3 * SEC},
		{"microseconds", 6, 0, 3, 3 * US},
		{"nanoseconds", 9, 0, 3, 3},
		{"picoseconds", 12, 0, 3000, 3},
		{"10^-19", 19, 0, 30000000000, 3},
		{"halves", 0x81, 0, 3, 1500 * MS},
		{"2^-32", 0x80 | 32, 0, (3ull << 32) + (1ull << 31), 3500 * MS},
		{"2^-63", 0x80 | 63, 0, 1ull << 62, 500 * MS},
		{"offset", 9, 10, 3, 10 * SEC + 3},
		{"negative offset", 9, -10, 3, -10 * SEC + 3},
		{"too late", 0, 0, UINT64_MAX, INT64_MAX},
		{"offset out of bounds", 9, INT64_MAX, 3, INT64_MAX},
		{"offset out of bounds below", 9, INT64_MIN, 3, -INT64_MAX},
		{"sum out of bounds", 9, 9000000000, INT64_MAX - 5, INT64_MAX},
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct file f = {.big = i % 2};
		char said[200];
		ns_t at = 0;
		int n;

		section(&f);
		iface(&f, row[i].resol, row[i].offset);
		packet(&f, 6, 0, row[i].ts, 4, 4);
		CU_ASSERT_EQUAL(read_all(&f, &n, &at, said), READER_END);
		if (at != row[i].at)
			printf("%s: %lld, expected %lld\n", row[i].name, (long long)at, (long long)row[i].at);
		CU_ASSERT_EQUAL(at, row[i].at);
	}
}

static void resolutions_out_of_bounds_are_refused(void)
{
	struct file f = {0};
	char said[200];
	ns_t at;
	int n;

	for (int resol = 0; resol < 256; resol++) {
		bool fine = (resol & 0x7f) <= (resol & 0x80 ? 63 : 19);

		f.n = 0;
		section(&f);
		iface(&f, resol, 0);
		CU_ASSERT_EQUAL(read_all(&f, &n, &at, said), fine ? READER_END : READER_DAMAGED);
	}
}

static void block_lengths_that_lie_are_refused(void)
{
	static const uint32_t len[] = {0, 1, 4, 8, 11, 13, 27, 29, 0x7fffffff, 0xfffffff0, 0xffffffff, 16777220};

	for (size_t i = 0; i < ARRAY_LEN(len); i++) {
		struct file f = {0};
		char error[100];

		section(&f);
		u32(&f, 0x1234);
		u32(&f, len[i]);
		u32(&f, 0);
		snprintf(error, sizeof(error), "32: a block of %u bytes, expected a multiple of 4 from 12 to 16777216", len[i]);
		expect_damage("length", &f, 0, error);
	}
}

static void damaged_pcapng_is_read_up_to_the_damage(void)
{
	struct file good = {0}, f;

	section(&good);          /* bytes 0..27 */
	iface(&good, 9, 0);      /* 28..55 */
	packet(&good, 6, 0, 1, 4, 4); /* 56..91 */

	f = good;
	u32(&f, 5);
	u32(&f, 16);
	u32(&f, 0);
	u32(&f, 20);
	expect_damage("trailing length", &f, 1, "104: a block ends with length 20, expected 16 as at its start");

	f = good;
	u32(&f, 0); /* a zero tail */
	u32(&f, 0);
	u32(&f, 0);
	expect_damage("zero tail", &f, 1, "96: a block of 0 bytes, expected a multiple of 4 from 12 to 16777216");

	f = good;
	bytes(&f, "abc", 3);
	expect_damage("trailing bytes", &f, 1, "95: the file ends in a block's header, expected 8 bytes");

	f = good;
	packet(&f, 6, 1, 1, 4, 4);
	expect_damage("interface missing", &f, 1, "100: a packet of interface 1, expected one of 1 described before");

	f = good;
	packet(&f, 6, 0xffffffff, 1, 4, 4);
	expect_damage("interface -1", &f, 1, "100: a packet of interface 4294967295, expected one of 1 described before");

	f = good;
	section(&f);
	packet(&f, 6, 0, 1, 4, 4);
	expect_damage("interface of the last section", &f, 1,
		      "128: a packet of interface 0, expected one of 0 described before");

	f = good;
	packet(&f, 6, 0, 1, 5, 4);
	expect_damage("caplen over the block", &f, 1, "112: a packet of 5 bytes, expected at most the block's 4");

	f = good;
	packet(&f, 6, 0, 1, 0xffffffff, 4);
	expect_damage("caplen that wraps when rounded", &f, 1,
		      "112: a packet of 4294967295 bytes, expected at most the block's 4");

	f = good;
	f.n -= 5;
	expect_damage("cut", &f, 0, "87: the file ends in a block, expected 36 bytes of it");
}

static void simple_packets_are_cut_to_the_interface(void)
{
	struct file f = {0}, b = {0};
	char said[200];
	ns_t at;
	int n;

	u32(&b, 100); /* on the wire; the interface's snap length is 64 */
	memset(b.b + b.n, 'p', 64);
	b.n += 64;
	section(&f);
	block(&f, 3, &b);
	expect_damage("no interface", &f, 0, "28: a simple packet without an interface, expected one described before");

	f.n = 0;
	section(&f);
	iface(&f, 9, 0);
	block(&f, 3, &b);
	CU_ASSERT_EQUAL(read_all(&f, &n, &at, said), READER_END);
	CU_ASSERT_EQUAL(n, 1);
}

static void options_that_run_over_are_refused_and_a_missing_end_is_not(void)
{
	struct file f = {0}, b = {0};
	char said[200];
	ns_t at;
	int n;

	section(&f);
	iface(&f, 9, 0);
	for (int i = 0; i < 5; i++)
		u32(&b, 0); /* a packet of no bytes */
	u16(&b, 1);
	u16(&b, 4);
	bytes(&b, "text", 4);
	block(&f, 6, &b);
	CU_ASSERT_EQUAL(read_all(&f, &n, &at, said), READER_END);
	CU_ASSERT_EQUAL(n, 1);

	b.b[22] = 5; /* the comment's length: one byte too many */
	f.n = 56;
	block(&f, 6, &b);
	expect_damage("over", &f, 0, "84: an option runs over its block's end");
}

static void many_sections_and_interfaces_are_bounded(void)
{
	struct file f = {0};
	struct tape t = {0};
	struct reader *r;
	struct reader_pkt p;

	section(&f);
	for (int i = 0; i < 50000; i++)
		tape_bytes(&t, f.b, f.n);
	f.n = 0;
	iface(&f, 9, 0);
	for (int i = 0; i < 70000; i++)
		tape_bytes(&t, f.b, f.n);
	r = reader_of_bytes(t.bytes, t.n);
	CU_ASSERT_EQUAL(reader_next(r, &p), READER_DAMAGED);
	CU_ASSERT_PTR_NOT_NULL(strstr(reader_error(r), "too many interfaces, expected at most 65536"));
	reader_close(r);
	tape_free(&t);
}

/* ---- every byte of a good file changed ---- */

static void analyse(const uint8_t *b, size_t n)
{
	struct reader *r = reader_of_bytes(b, n);
	struct analysis *a = analysis_new();
	struct reader_pkt p;

	while (reader_next(r, &p) == READER_PACKET)
		analysis_packet(a, &p);
	analysis_finish(a);
	analysis_free(a);
	reader_close(r);
}

static void no_change_of_a_byte_or_cut_breaks_reader_or_analysis(void)
{
	static const uint8_t value[] = {0, 1, 0x7f, 0x80, 0xff};
	struct tape t;

	tape_init(&t);
	tape_handshake(&t, C, SEC);
	tape_seg(&t, SEG(.from = C, .at = 2 * SEC, .seq = 1, .ack = 1, .len = 10));
	tape_seg(&t, SEG(.from = S, .at = 3 * SEC, .seq = 1, .ack = 11, .sack = {{21, 31}}));
	tape_seg(&t, SEG(.from = C, .at = 4 * SEC, .seq = 1, .ack = 1, .len = 10, .flags = TH_FIN));
	for (size_t n = 0; n <= t.n; n++)
		analyse(t.bytes, n);
	for (size_t i = 0; i < t.n; i++) {
		uint8_t old = t.bytes[i];

		for (size_t k = 0; k < ARRAY_LEN(value); k++) {
			t.bytes[i] = value[k];
			analyse(t.bytes, t.n);
		}
		t.bytes[i] = old;
	}
	tape_free(&t);
}

static void every_shared_capture_is_read_to_its_end(void)
{
	const char *shared = getenv("TAPIR_SHARED") ? getenv("TAPIR_SHARED") : "../shared";
	char dir[200], path[500], err[200];
	struct dirent *e;
	int files = 0;
	DIR *d;

	snprintf(dir, sizeof(dir), "%s/captures", shared);
	d = opendir(dir);
	if (!d) {
		printf("SKIPPED (no %s): ", dir);
		return;
	}
	while ((e = readdir(d))) {
		struct reader *r;
		struct analysis *a;
		struct reader_pkt p;
		enum reader_result got;

		if (!strstr(e->d_name, ".pcap"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		r = reader_open(path, err, sizeof(err));
		CU_ASSERT_PTR_NOT_NULL_FATAL(r);
		a = analysis_new();
		while ((got = reader_next(r, &p)) == READER_PACKET)
			analysis_packet(a, &p);
		analysis_finish(a);
		CU_ASSERT_EQUAL(got, READER_END);
		CU_ASSERT_TRUE(a->nconns > 0);
		analysis_free(a);
		reader_close(r);
		files++;
	}
	closedir(d);
	CU_ASSERT_TRUE(files > 20);
}

static const struct test_case cases[] = {
	TEST(pcap_is_read_in_both_byte_orders_and_resolutions),
	TEST(the_patched_pcap_of_old_linux_is_read),
	TEST(what_is_no_capture_is_called_by_its_name),
	TEST(damaged_pcap_is_read_up_to_the_damage),
	TEST(a_pcap_header_that_is_cut_or_lies_is_refused),
	TEST(odd_but_possible_pcap_records_are_read),
	TEST(pcapng_is_read_in_both_byte_orders_even_in_one_file),
	TEST(times_come_in_every_resolution),
	TEST(resolutions_out_of_bounds_are_refused),
	TEST(block_lengths_that_lie_are_refused),
	TEST(damaged_pcapng_is_read_up_to_the_damage),
	TEST(simple_packets_are_cut_to_the_interface),
	TEST(options_that_run_over_are_refused_and_a_missing_end_is_not),
	TEST(many_sections_and_interfaces_are_bounded),
	TEST(no_change_of_a_byte_or_cut_breaks_reader_or_analysis),
	TEST(every_shared_capture_is_read_to_its_end),
};
TEST_SUITE(reader, cases);
