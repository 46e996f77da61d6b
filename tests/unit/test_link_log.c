/* link.pcapng: every frame once, the dead ones with the reason in words. */
#include "../lib/test.h"

#include "../../sim/world.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char text[] =
	"scenario: 1\nhosts: {client: {}, server: {}}\n"
	"links: [{name: wire, between: [client, server], rate: 10mbit, delay: 10ms, queue: 8}]\n"
	"traffic: [{from: client, to: 'server:80', send: 100kB}]\n"
	"events:\n"
	"  - {on: server.syn_ack, do: drop}\n"
	"  - {on: client.data, number: 3, do: corrupt}\n"
	"  - {on: client.data, number: 5, do: duplicate}\n"
	"capture: {at: [link]}\n";

/* The whole file; comments stand in it as plain text. */
static char *contents(const char *file, size_t *len)
{
	FILE *f = fopen(file, "rb");
	char *bytes = malloc(1 << 20);

	*len = f && bytes ? fread(bytes, 1, 1 << 20, f) : 0;
	if (f)
		fclose(f);
	return bytes;
}

static bool has(const char *bytes, size_t len, const char *what)
{
	size_t n = strlen(what);

	for (size_t i = 0; i + n <= len; i++)
		if (memcmp(bytes + i, what, n) == 0)
			return true;
	return false;
}

static uint32_t enhanced_packets(const char *bytes, size_t len)
{
	uint32_t n = 0, type, size;

	for (size_t at = 0; at + 12 <= len; at += size) {
		memcpy(&type, bytes + at, 4);
		memcpy(&size, bytes + at + 4, 4);
		n += type == 6;
		if (size < 12)
			break;
	}
	return n;
}

static void each_frame_has_its_fate(void)
{
	static const char *const words[] = {
		"lost: as the scenario says, SYN-ACK number 1",
		"corrupted: as the scenario says, data segment number 3",
		"duplicated: as the scenario says, data segment number 5",
		"dropped by the queue: full, with 8 frames",
		"fate=delivered",
		"fate=lost",
	};
	char dir[] = "/tmp/tapir-link-XXXXXX", file[64], err[600];
	struct world_options opt = {.check = CHECK_ALWAYS, .out = mkdtemp(dir)};
	struct scenario *sc = scenario_parse("t.yaml", text, strlen(text), NULL, err, sizeof(err));
	size_t len;

	CU_ASSERT_PTR_NOT_NULL_FATAL(sc);
	sc->series = 0;
	struct world *w = world_new(sc, &opt, err, sizeof(err));

	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	CU_ASSERT_TRUE(world_run(w));
	CU_ASSERT_TRUE(flow_ok(&w->flow[0]));
	CU_ASSERT_TRUE(world_close(w, err, sizeof(err)));
	uint64_t sent = 0, copies = 0;

	for (uint32_t i = 0; i < w->npaths; i++) {
		sent += path_counters(w->path[i].path)->sent;
		copies += path_counters(w->path[i].path)->duplicated;
	}
	snprintf(file, sizeof(file), "%s/link.pcapng", dir);
	char *bytes = contents(file, &len);

	CU_ASSERT_EQUAL(enhanced_packets(bytes, len), sent + copies);
	CU_ASSERT_EQUAL(copies, 1);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!has(bytes, len, words[i]))
			CU_FAIL(words[i]);
	free(bytes);
	unlink(file);
	rmdir(dir);
	world_free(w);
	scenario_free(sc);
}

static const struct test_case cases[] = {
	TEST(each_frame_has_its_fate),
};
TEST_SUITE(link_log, cases);
