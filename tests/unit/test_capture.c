/* A host's capture has every frame of both directions, and the keys when they are asked for. */
#include "../lib/hostpair.h"
#include "../lib/test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../sim/capture.h"
#include "../../traces/reader.h"

static void every_frame_of_a_flow_is_in_the_file_in_order(void)
{
	static const char *const names[] = {"/tmp/tapir-cap.pcapng", "/tmp/tapir-cap.pcap"};

	for (size_t i = 0; i < 2; i++) {
		struct hostpair *p = hostpair_new(8, 0);
		struct capture_config cfg = {.path = names[i], .ifname = "client", .epoch_ns = 1000 * SEC};
		struct serve_config serve = {.port = 7};
		struct talk t = {0};
		char err[200];
		struct capture *c = capture_open(&cfg, err, sizeof(err));
		struct reader_pkt pkt;
		struct reader *r;
		uint64_t frames, n = 0;
		ns_t last = 0;

		CU_ASSERT_PTR_NOT_NULL_FATAL(c);
		capture_attach(c, p->host[CLIENT]->stack);
		host_add_app(p->host[SERVER], app_echo(&serve));
		hostpair_run(p, 0);
		talk_start(p, &t, 7, NULL, "over and out", true);
		hostpair_run(p, 10 * SEC);
		frames = p->host[CLIENT]->frames_in + p->host[CLIENT]->frames_out;
		hostpair_free(p);
		CU_ASSERT_TRUE(capture_close(c, err, sizeof(err)));

		r = reader_open(names[i], err, sizeof(err));
		CU_ASSERT_PTR_NOT_NULL_FATAL(r);
		while (reader_next(r, &pkt) == READER_PACKET) {
			n++;
			CU_ASSERT_TRUE(pkt.at >= last && pkt.at >= 1000 * SEC);
			CU_ASSERT_EQUAL(pkt.len, pkt.caplen);
			last = pkt.at;
		}
		CU_ASSERT_EQUAL(n, frames);
		CU_ASSERT_TRUE(n >= 7);
		reader_close(r);
		unlink(names[i]);
	}
}

static bool file_has(const char *path, const char *text)
{
	static char bytes[65536];
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(bytes, 1, sizeof(bytes), f) : 0, len = strlen(text);

	if (f)
		fclose(f);
	for (size_t i = 0; i + len <= n; i++)
		if (memcmp(bytes + i, text, len) == 0)
			return true;
	return false;
}

static void keys_are_in_the_capture_only_if_asked_for(void)
{
	static const char name[] = "/tmp/tapir-keys.pcapng";

	for (int asked = 0; asked < 2; asked++) {
		struct hostpair *p = hostpair_new(8, 0);
		struct capture_config cfg = {.path = name, .ifname = "client", .keys_room = 4};
		struct serve_config serve = {.port = 7, .tls = hostpair_tls(p, SERVER)};
		struct talk t = {0};
		char err[200];
		struct capture *c = capture_open(&cfg, err, sizeof(err));

		CU_ASSERT_PTR_NOT_NULL_FATAL(c);
		p->host[CLIENT]->capture = c;
		p->host[CLIENT]->capture_keys = asked;
		capture_attach(c, p->host[CLIENT]->stack);
		host_add_app(p->host[SERVER], app_echo(&serve));
		hostpair_run(p, 0);
		talk_start(p, &t, 7, hostpair_tls(p, CLIENT), "x", true);
		hostpair_run(p, 10 * SEC);
		CU_ASSERT_EQUAL(t.n, 1);
		hostpair_free(p);
		CU_ASSERT_TRUE(capture_close(c, err, sizeof(err)));

		CU_ASSERT_EQUAL(file_has(name, "CLIENT_RANDOM "), asked);
		unlink(name);
	}
}

static void a_path_that_cannot_be_written_is_told(void)
{
	struct capture_config cfg = {.path = "/nosuch/x.pcapng", .ifname = "x"};
	char err[200] = "";

	CU_ASSERT_PTR_NULL(capture_open(&cfg, err, sizeof(err)));
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "/nosuch/x.pcapng"));
}

static const struct test_case cases[] = {
	TEST(every_frame_of_a_flow_is_in_the_file_in_order),
	TEST(keys_are_in_the_capture_only_if_asked_for),
	TEST(a_path_that_cannot_be_written_is_told),
};
TEST_SUITE(capture, cases);
