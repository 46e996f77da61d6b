/* What the writer writes is read back equal: by our reader, by libpcap, and by tshark if it is there. */
#define _GNU_SOURCE /* memmem */
#include "../lib/test.h"

#include "../../stack/base/bytes.h"
#include "../../stack/base/check.h"
#include "../../stack/wire/csum.h"
#include "../../stack/wire/eth.h"
#include "../../stack/wire/tcp.h"
#include "../../traces/reader.h"
#include "../../traces/trace.h"

#include <pcap/pcap.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "build/test-trace";

static const char *path_of(const char *name)
{
	static char path[128];

	mkdir("build", 0777);
	mkdir(dir, 0777);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static const struct trace_iface eth0 = {
	.name = "client",
	.description = "a test",
	.mac = {{2, 0, 0, 0, 0, 1}},
	.addr = {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1}},
		 {{0x20, 1, 0xd, 0xb8, [15] = 1}}},
	.prefix = {24, 64},
	.naddrs = 2,
	.speed_bps = 1000000,
};

static struct trace_writer *open_writer(const char *path, const struct trace_options *opt)
{
	char err[200] = "";
	struct trace_writer *w = trace_open(path, opt, err, sizeof(err));

	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	CU_ASSERT_EQUAL(trace_add_iface(w, &eth0), 0);
	return w;
}

static void close_writer(struct trace_writer *w)
{
	char err[200] = "";

	CU_ASSERT_TRUE(trace_close(w, err, sizeof(err)));
	CU_ASSERT_STRING_EQUAL(err, "");
}

/* A frame of n bytes that depend on i: Ethernet, IPv4, and bytes. */
static uint8_t *frame_bytes(uint32_t i, uint32_t n)
{
	static uint8_t b[2000];

	for (uint32_t k = 0; k < n; k++)
		b[k] = (uint8_t)(k * 7 + i);
	return b;
}

static void write_hundred(const char *path, uint32_t snaplen)
{
	struct trace_writer *w = open_writer(path, &(struct trace_options){.snaplen = snaplen, .comment = "seed 1"});

	for (uint32_t i = 0; i < 100; i++) {
		struct trace_frame f = {
			.at = 1700000000 * SEC + i * 1234567,
			.dir = i % 2 ? TRACE_IN : TRACE_OUT,
			.bytes = frame_bytes(i, 60 + i),
			.len = 60 + i,
			.id = i + 1,
			.comment = i % 10 ? NULL : "a comment",
			.truth = i % 10 ? NULL : "why=rto xmit=2",
			.died = i == 50,
		};

		CU_ASSERT_TRUE(trace_frame(w, &f));
	}
	CU_ASSERT_EQUAL(trace_frames(w), 100);
	close_writer(w);
}

static void our_reader_gives_back_what_the_writer_was_given(void)
{
	const char *path = path_of("hundred.pcapng");
	char err[200];
	struct reader *r;
	struct reader_pkt p;

	write_hundred(path, 0);
	r = reader_open(path, err, sizeof(err));
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	for (uint32_t i = 0; i < 100; i++) {
		CU_ASSERT_EQUAL_FATAL(reader_next(r, &p), READER_PACKET);
		CU_ASSERT_EQUAL(p.frame, i + 1);
		CU_ASSERT_EQUAL(p.at, 1700000000 * SEC + i * 1234567);
		CU_ASSERT_EQUAL(p.caplen, 60 + i);
		CU_ASSERT_EQUAL(p.len, 60 + i);
		CU_ASSERT_EQUAL(memcmp(p.data, frame_bytes(i, 60 + i), p.caplen), 0);
		CU_ASSERT_EQUAL(p.dir, i % 2 ? TRACE_IN : TRACE_OUT);
		CU_ASSERT_EQUAL(p.id, i + 1);
		CU_ASSERT_EQUAL(p.died, i == 50);
		CU_ASSERT_EQUAL(p.linktype, 1);
		if (i % 10) {
			CU_ASSERT_PTR_NULL(p.comment);
			CU_ASSERT_PTR_NULL(p.truth);
		} else {
			CU_ASSERT_EQUAL(p.comment_len, 9);
			CU_ASSERT_EQUAL(memcmp(p.comment, "a comment", 9), 0);
			CU_ASSERT_EQUAL(p.truth_len, 14);
			CU_ASSERT_EQUAL(memcmp(p.truth, "why=rto xmit=2", 14), 0);
		}
	}
	CU_ASSERT_EQUAL(reader_next(r, &p), READER_END);
	reader_close(r);
}

static void libpcap_check(const char *path, uint32_t snaplen)
{
	char err[PCAP_ERRBUF_SIZE];
	pcap_t *p = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, err);
	struct pcap_pkthdr *h;
	const uint8_t *data;
	uint32_t i = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(pcap_datalink(p), DLT_EN10MB);
	for (; pcap_next_ex(p, &h, &data) == 1; i++) {
		uint32_t keep = 60 + i < snaplen ? 60 + i : snaplen;

		CU_ASSERT_EQUAL(h->ts.tv_sec * SEC + h->ts.tv_usec, 1700000000 * SEC + i * 1234567);
		CU_ASSERT_EQUAL(h->caplen, keep);
		CU_ASSERT_EQUAL(h->len, 60 + i);
		CU_ASSERT_EQUAL(memcmp(data, frame_bytes(i, 60 + i), keep), 0);
	}
	CU_ASSERT_EQUAL(i, 100);
	pcap_close(p);
}

static void libpcap_reads_our_pcapng(void)
{
	write_hundred(path_of("lib.pcapng"), 0);
	libpcap_check(path_of("lib.pcapng"), 1000);
}

static void libpcap_reads_our_pcap_cut_to_the_snap_length(void)
{
	write_hundred(path_of("lib.pcap"), 96);
	libpcap_check(path_of("lib.pcap"), 96);
}

static bool have(const char *tool)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "command -v %s >/dev/null 2>&1", tool);
	if (system(cmd) == 0)
		return true;
	printf("SKIPPED (no %s): ", tool);
	return false;
}

static void tshark_shows_comments_and_direction_without_a_warning(void)
{
	char cmd[300], line[200] = "";
	FILE *f;

	if (!have("tshark"))
		return;
	write_hundred(path_of("shark.pcapng"), 0);
	snprintf(cmd, sizeof(cmd),
		 "tshark -r %s -Y frame.comment -T fields -e frame.number -e frame.comment -e frame.packet_id -e "
		 "frame.interface_name 2>&1 | tail -1", path_of("shark.pcapng"));
	f = popen(cmd, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_PTR_NOT_NULL(fgets(line, sizeof(line), f));
	pclose(f);
	CU_ASSERT_STRING_EQUAL(line, "91\ta comment\t91\tclient\n");
	snprintf(cmd, sizeof(cmd), "capinfos %s >%s/capinfos.txt 2>&1 && ! grep -i 'error\\|damaged' %s/capinfos.txt >/dev/null",
		 path_of("shark.pcapng"), dir, dir);
	CU_ASSERT_EQUAL(system(cmd), 0);
}

/* ---- secrets ---- */

#define KEY_LINE "CLIENT_RANDOM 00 11\n"

static size_t read_file(const char *path, char *to, size_t cap)
{
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(to, 1, cap - 1, f) : 0;

	if (f)
		fclose(f);
	to[n] = '\0';
	return n;
}

static bool before(const char *bytes, size_t n, const char *what, const char *other)
{
	const char *a = memmem(bytes, n, what, strlen(what)), *b = memmem(bytes, n, other, strlen(other));

	return a && b && a < b;
}

static void expect_one_packet(const char *path)
{
	char err[200];
	struct reader *r = reader_open(path, err, sizeof(err));
	struct reader_pkt p;

	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_EQUAL(reader_next(r, &p), READER_PACKET);
	CU_ASSERT_EQUAL(reader_next(r, &p), READER_END);
	reader_close(r);
}

static void secrets_that_come_late_stand_before_the_packets(void)
{
	const char *path = path_of("keys.pcapng");
	struct trace_writer *w = open_writer(path, &(struct trace_options){.secrets_room = 512});
	struct trace_frame f = {.bytes = (const uint8_t *)"the frame's own bytes", .len = 21};
	static char bytes[8192];
	size_t n;

	CU_ASSERT_TRUE(trace_frame(w, &f));
	CU_ASSERT_TRUE(trace_flush(w));
	CU_ASSERT_TRUE(trace_secrets(w, KEY_LINE));
	close_writer(w);

	n = read_file(path, bytes, sizeof(bytes));
	CU_ASSERT_TRUE(before(bytes, n, KEY_LINE "#", "the frame's own bytes"));
	expect_one_packet(path); /* the file stays well formed */
}

static void secrets_without_room_are_written_where_they_come(void)
{
	const char *path = path_of("keys2.pcapng");
	struct trace_writer *w = open_writer(path, &(struct trace_options){.secrets_room = 16});
	struct trace_frame f = {.bytes = (const uint8_t *)"the frame's own bytes", .len = 21};
	static char bytes[8192];
	size_t n;

	CU_ASSERT_TRUE(trace_frame(w, &f));
	CU_ASSERT_TRUE(trace_secrets(w, KEY_LINE));
	close_writer(w);

	n = read_file(path, bytes, sizeof(bytes));
	CU_ASSERT_TRUE(before(bytes, n, "the frame's own bytes", KEY_LINE));
}

/* ---- what can go wrong ---- */

static void a_file_that_cannot_be_opened_is_reported(void)
{
	char err[200] = "";

	CU_ASSERT_PTR_NULL(trace_open("build/no/such/dir/x.pcapng", &(struct trace_options){0}, err, sizeof(err)));
	CU_ASSERT_STRING_EQUAL(err, "build/no/such/dir/x.pcapng: No such file or directory");
	CU_ASSERT_PTR_NULL(trace_open("build/no/such/dir/x.pcap", &(struct trace_options){0}, err, sizeof(err)));
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "No such file or directory"));
}

/* Writes until a limit of the file's size says no; true if that was reported. */
static bool fill_up(const char *path, rlim_t limit)
{
	struct rlimit old, small;
	struct trace_writer *w;
	char err[200] = "";
	bool ok = true;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = limit;
	setrlimit(RLIMIT_FSIZE, &small);
	w = open_writer(path, &(struct trace_options){0});
	for (uint32_t i = 0; i < 3000 && ok; i++) {
		struct trace_frame f = {.at = i, .bytes = frame_bytes(i, 1000), .len = 1000};

		ok = trace_frame(w, &f);
	}
	ok = trace_close(w, err, sizeof(err)) && ok;
	setrlimit(RLIMIT_FSIZE, &old);
	return !ok && strstr(err, "File too large");
}

static void a_full_disk_is_reported_and_leaves_no_partial_block(void)
{
	static const char *const name[] = {"full.pcapng", "full.pcap"};

	for (size_t i = 0; i < ARRAY_LEN(name); i++) {
		char err[200];
		struct reader *r;
		struct reader_pkt p;
		enum reader_result got;

		CU_ASSERT_TRUE(fill_up(path_of(name[i]), 1500000));
		r = reader_open(path_of(name[i]), err, sizeof(err));
		CU_ASSERT_PTR_NOT_NULL_FATAL(r);
		while ((got = reader_next(r, &p)) == READER_PACKET)
			;
		CU_ASSERT_EQUAL(got, READER_END);
		CU_ASSERT_TRUE(p.frame > 900);
		reader_close(r);
	}
}

/* ---- pkts ---- */

static void a_pkt_whose_checksum_is_due_is_written_with_it(void)
{
	struct pkt_pool pool;
	struct pkt *k;
	struct trace_writer *w;
	struct reader *r;
	struct reader_pkt p;
	struct ip_hdr ip = {.src = addr_v4(0x0a000001), .dst = addr_v4(0x0a000002), .version = 4, .proto = PROTO_TCP,
			    .ttl = 64, .payload_len = 20 + 100, .hdr_len = IP4_LEN};
	struct seg g = {.sport = 1000, .dport = 2000, .seq = {7}, .ack = {9}, .flags = TH_ACK, .wnd = 100};
	struct mac mac = {{2}};
	char err[200];
	csum_t sum;

	pkt_pool_init(&pool, 0, 0);
	k = pkt_new(&pool);
	memset(pkt_push(k, 100), 'x', 100);
	tcp_emit(pkt_push(k, 20), &g, LAYOUT_LINUX);
	ip4_emit(pkt_push(k, IP4_LEN), &ip);
	eth_emit(pkt_push(k, ETH_LEN), &mac, &mac, ETH_IP4);
	k->csum = CSUM_PARTIAL;
	k->l4_proto = PROTO_TCP;
	k->l3_off = ETH_LEN;
	k->l4_off = ETH_LEN + IP4_LEN;
	k->note = (struct pkt_note){.why = WHY_RTO, .xmit = 2, .lo = 0, .hi = 100, .rto = 200 * MS};
	w = open_writer(path_of("pkt.pcapng"), &(struct trace_options){0});

	CU_ASSERT_TRUE(trace_pkt(w, 0, TRACE_OUT, k, 5));

	close_writer(w);
	CU_ASSERT_EQUAL(k->csum, CSUM_PARTIAL);
	pkt_free(k);
	pkt_pool_free(&pool);
	r = reader_open(path_of("pkt.pcapng"), err, sizeof(err));
	CU_ASSERT_EQUAL_FATAL(reader_next(r, &p), READER_PACKET);
	sum = csum_pseudo(&ip.src, &ip.dst, PROTO_TCP, 120);
	CU_ASSERT_EQUAL(csum_fold(csum_add(sum, p.data + ETH_LEN + IP4_LEN, 120)), 0xffff);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p.comment);
	CU_ASSERT_EQUAL(strncmp(p.comment, "retransmission of bytes 1..100: the retransmission timer ran out after 200.000 ms",
				p.comment_len), 0);
	reader_close(r);
}

static const struct test_case cases[] = {
	TEST(our_reader_gives_back_what_the_writer_was_given),
	TEST(libpcap_reads_our_pcapng),
	TEST(libpcap_reads_our_pcap_cut_to_the_snap_length),
	TEST(tshark_shows_comments_and_direction_without_a_warning),
	TEST(secrets_that_come_late_stand_before_the_packets),
	TEST(secrets_without_room_are_written_where_they_come),
	TEST(a_file_that_cannot_be_opened_is_reported),
	TEST(a_full_disk_is_reported_and_leaves_no_partial_block),
	TEST(a_pkt_whose_checksum_is_due_is_written_with_it),
};
TEST_SUITE(trace, cases);
