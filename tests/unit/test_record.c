/* Recordings: what is written is read back, and damage is told, whatever it is. */
#include "../lib/frames.h"
#include "../lib/mutate.h"
#include "../lib/test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../sim/record.h"

static struct pkt_pool pool;
static char path[64];

static void fresh(void *arg, uint8_t entropy[TLS_ENTROPY], int64_t *unix_time)
{
	(void)arg;
	memset(entropy, 0xab, TLS_ENTROPY);
	*unix_time = 1234567890;
}

static size_t take_half(void *arg, const void *bytes, size_t len)
{
	(void)arg;
	(void)bytes;
	return len / 2;
}

static struct pkt *frame(uint32_t seq)
{
	const struct frame_spec spec = {.flags = TH_ACK, .seq = seq, .len = 50};

	return plain_frame(&pool, &spec);
}

/* Two turns: one frame in and input, then two out of which the link takes one. */
static void make_recording(void)
{
	char *argv[] = {(char[]){"serve"}, (char[]){"--port"}, (char[]){"80"}};
	const struct session_options o = {.command = "serve", .seed = 77};
	const struct outside outside = {fresh, take_half, NULL};
	struct outside through;
	struct link *ends[2];
	struct recorder *r;
	struct pkt *p[2];
	uint8_t entropy[TLS_ENTROPY];
	int64_t unix_time;
	char err[200];
	int fd;

	strcpy(path, "/tmp/tapir-record-XXXXXX");
	fd = mkstemp(path);
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	close(fd);
	unlink(path); /* so that it is the recorder that makes it */
	pkt_pool_init(&pool, 0, 0);
	CU_ASSERT_TRUE_FATAL(link_pair(&pool, 1, 1400, 65535, ends));
	r = record_open(path, &o, 3, argv, ends[0], &outside, err, sizeof(err));
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	p[0] = frame(1);
	record_turn(r, 5 * MS, p, 1);
	pkt_free(p[0]);
	record_user(r, REC_INPUT, "hello", 5);
	record_turn(r, 6 * MS, NULL, 0);
	through = record_outside(r);
	through.fresh(through.arg, entropy, &unix_time);
	CU_ASSERT_EQUAL(unix_time, 1234567890);
	CU_ASSERT_EQUAL(through.out(through.arg, "abcd", 4), 2);
	p[0] = frame(2);
	p[1] = frame(3);
	CU_ASSERT_EQUAL(record_link(r)->ops->send(record_link(r), p, 2), 1);
	pkt_free(p[1]);
	CU_ASSERT_TRUE(record_close(r, err, sizeof(err)));
	ends[0]->ops->close(ends[0]);
	ends[1]->ops->close(ends[1]);
}

static void end(void)
{
	unlink(path);
	pkt_pool_free(&pool);
}

static void what_was_recorded_is_read_back(void)
{
	static const enum record_kind kinds[] = {REC_TURN, REC_FRAME_IN, REC_INPUT, REC_TURN,
						 REC_FRESH, REC_OUT, REC_FRAME_OUT, REC_FULL, REC_END};
	static struct recording rec;
	char err[200];
	uint32_t at;

	make_recording();
	CU_ASSERT_TRUE_FATAL(recording_open(&rec, path, err, sizeof(err)));
	CU_ASSERT_EQUAL(rec.seed, 77);
	CU_ASSERT_EQUAL(rec.caps.mtu, 1400);
	CU_ASSERT_EQUAL(rec.caps.tso_max, 65535);
	CU_ASSERT_EQUAL_FATAL(rec.argc, 3);
	CU_ASSERT_STRING_EQUAL(rec.argv[2], "80");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		CU_ASSERT_EQUAL(rec.next.kind, kinds[i]);
		if (rec.next.kind == REC_FRAME_IN || rec.next.kind == REC_FRAME_OUT) {
			struct pkt *now = recording_frame(&rec.next, &pool);
			struct pkt *other = frame(9);

			CU_ASSERT_PTR_NOT_NULL_FATAL(now);
			CU_ASSERT_TRUE(recording_same(&rec.next, now, &at));
			CU_ASSERT_FALSE(recording_same(&rec.next, other, &at));
			CU_ASSERT_TRUE(at >= 38 && at < 42); /* the sequence number */
			pkt_free(now);
			pkt_free(other);
		}
		recording_take(&rec);
	}
	CU_ASSERT_FALSE(rec.bad);
	recording_close(&rec);
	end();
}

static void a_recording_is_its_owners_alone(void)
{
	struct stat st;

	make_recording();
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
	end();
}

static unsigned read_mutant(uint8_t *bytes, size_t len)
{
	static struct recording rec;
	char err[200], name[] = "/tmp/tapir-mutant-XXXXXX";
	int fd = mkstemp(name);
	unsigned bad = 0;

	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len)
		bad = 1;
	close(fd);
	if (recording_open(&rec, name, err, sizeof(err))) {
		while (rec.next.kind != REC_END) {
			struct pkt *p = recording_frame(&rec.next, &pool);

			if (p)
				pkt_free(p);
			recording_take(&rec);
		}
		bad += rec.bad && !rec.err[0];
		recording_close(&rec);
	} else {
		bad += !err[0];
	}
	unlink(name);
	return bad;
}

static void a_damaged_recording_is_told_or_read_and_nothing_else(void)
{
	uint8_t bytes[2048];
	size_t n;
	FILE *f;

	make_recording();
	f = fopen(path, "rb");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	CU_ASSERT_TRUE(n > 300 && n < sizeof(bytes));

	CU_ASSERT_EQUAL(mutate_each(bytes, n, 3, 3000, read_mutant), 0);
	end();
}

static const struct test_case cases[] = {
	TEST(what_was_recorded_is_read_back),
	TEST(a_recording_is_its_owners_alone),
	TEST(a_damaged_recording_is_told_or_read_and_nothing_else),
};
TEST_SUITE(record, cases);
