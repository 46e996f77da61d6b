/* Two captures of one path, joined without looking at a clock or an address. */
#include "../lib/tape.h"
#include "../lib/test.h"

#include "../../stack/base/check.h"
#include "../../traces/journey.h"

#include <string.h>

struct end {
	struct tape t;
	struct analysis *a;
	struct hops hops;
};

static void read_end(struct end *e)
{
	struct reader *r = reader_of_bytes(e->t.bytes, e->t.n);
	struct reader_pkt p;

	e->a = analysis_new();
	e->a->each = hops_add;
	e->a->arg = &e->hops;
	while (reader_next(r, &p) == READER_PACKET)
		analysis_packet(e->a, &p);
	analysis_finish(e->a);
	reader_close(r);
}

static void free_end(struct end *e)
{
	analysis_free(e->a);
	hops_free(&e->hops);
	tape_free(&e->t);
}

/* Ten segments; at the server's tap, whose clock is 100 s ahead, the fourth is missing and the sixth
 * comes twice. */
static void make_ends(struct end *client, struct end *server)
{
	memset(client, 0, sizeof(*client));
	memset(server, 0, sizeof(*server));
	tape_init(&client->t);
	tape_init(&server->t);
	tape_handshake(&client->t, C, 0);
	tape_handshake(&server->t, S, 100 * SEC);
	for (uint32_t i = 0; i < 10; i++) {
		struct tape_seg s = {.from = C, .at = SEC + i * MS, .seq = 1 + 100 * i, .ack = 1, .len = 100,
				     .ipid = (uint16_t)(500 + i)};

		tape_seg(&client->t, &s);
		s.at += 100 * SEC;
		for (int copies = i == 3 ? 0 : i == 5 ? 2 : 1; copies; copies--)
			tape_seg(&server->t, &s);
	}
	read_end(client);
	read_end(server);
}

static void what_died_and_what_was_doubled_between_the_taps_is_found(void)
{
	struct end client, server;
	struct journey j;
	const char *why;

	for (int swapped = 0; swapped < 2; swapped++) {
		bool ok;

		make_ends(&client, &server);
		ok = swapped ? journey_join(&j, &server.hops, server.a, &client.hops, client.a, &why) :
			       journey_join(&j, &client.hops, client.a, &server.hops, server.a, &why);
		CU_ASSERT_TRUE(ok);
		CU_ASSERT_EQUAL(j.first_is_client, !swapped);
		CU_ASSERT_EQUAL(j.up.sent, 12);
		CU_ASSERT_EQUAL(j.up.lost, 1);
		CU_ASSERT_EQUAL(j.up.copies, 1);
		CU_ASSERT_EQUAL(j.down.lost, 0);
		CU_ASSERT_EQUAL_FATAL(j.nlost, 1);
		CU_ASSERT_EQUAL(j.lost[0].frame, 7);
		CU_ASSERT_EQUAL(j.lost[0].lo, 301);
		journey_free(&j);
		free_end(&client);
		free_end(&server);
	}
}

static void what_the_other_capture_did_not_last_for_is_not_called_lost(void)
{
	struct end client, server;
	struct journey j;
	const char *why;

	make_ends(&client, &server);
	server.hops.n -= 4; /* the server's capture ends early */
	CU_ASSERT_TRUE(journey_join(&j, &client.hops, client.a, &server.hops, server.a, &why));
	CU_ASSERT_EQUAL(j.up.lost, 1);
	journey_free(&j);
	free_end(&client);
	free_end(&server);
}

/* One host's capture shows what it handed to its device, the other's what was on the wire. */
static void segments_that_a_device_cuts_are_followed_piece_by_piece(void)
{
	struct end client = {0}, server = {0};
	struct journey j;
	const char *why;

	tape_init(&client.t);
	tape_init(&server.t);
	tape_handshake(&client.t, C, 0);
	tape_handshake(&server.t, S, 0);
	tape_seg(&client.t, SEG(.from = C, .at = SEC, .seq = 1, .ack = 1, .len = 1460 + 400, .flags = TH_PSH | TH_FIN, .ipid = 7));
	tape_seg(&server.t, SEG(.from = C, .at = SEC, .seq = 1, .ack = 1, .len = 1460, .ipid = 7));
	tape_seg(&server.t, SEG(.from = C, .at = SEC, .seq = 1461, .ack = 1, .len = 400, .flags = TH_PSH | TH_FIN, .ipid = 8));
	read_end(&client);
	read_end(&server);

	CU_ASSERT_TRUE(journey_join(&j, &client.hops, client.a, &server.hops, server.a, &why));
	CU_ASSERT_EQUAL(j.up.sent, 4);
	CU_ASSERT_EQUAL(j.up.arrived, 4);
	CU_ASSERT_EQUAL(j.up.copies, 0);
	journey_free(&j);
	free_end(&client);
	free_end(&server);
}

static void a_connection_that_one_capture_lacks_is_left_out(void)
{
	struct end client, server;
	struct journey j;
	const char *why;

	make_ends(&client, &server);
	free_end(&server);
	memset(&server, 0, sizeof(server));
	tape_init(&server.t);
	tape_handshake(&server.t, S, 100 * SEC);
	tape_seg(&server.t, SEG(.from = C, .at = 200 * SEC, .seq = 90000, .flags = TH_SYN)); /* another */
	tape_seg(&server.t, SEG(.from = S, .at = 200 * SEC + US, .seq = 90000, .ack = 90001, .flags = TH_SYN | TH_ACK));
	tape_seg(&server.t, SEG(.from = C, .at = 200 * SEC + MS, .seq = 90001, .ack = 90001, .len = 77));
	read_end(&server);

	CU_ASSERT_EQUAL_FATAL(server.a->nconns, 2);
	CU_ASSERT_TRUE(journey_join(&j, &client.hops, client.a, &server.hops, server.a, &why));
	CU_ASSERT_EQUAL(j.apart, 1);
	CU_ASSERT_EQUAL(j.up.copies, 0);
	CU_ASSERT_EQUAL(j.down.sent, 1);
	journey_free(&j);
	free_end(&client);
	free_end(&server);
}

static void captures_of_different_things_are_not_joined(void)
{
	struct end client, other = {0};
	struct end server;
	struct journey j;
	const char *why = "";

	make_ends(&client, &server);
	tape_init(&other.t);
	tape_seg(&other.t, SEG(.from = C, .at = 0, .seq = 77777, .flags = TH_SYN));
	read_end(&other);
	CU_ASSERT_FALSE(journey_join(&j, &client.hops, client.a, &other.hops, other.a, &why));
	CU_ASSERT_STRING_EQUAL(why, "the two captures have no segment in common");
	journey_free(&j);
	free_end(&client);
	free_end(&server);
	free_end(&other);
}

static const struct test_case cases[] = {
	TEST(what_died_and_what_was_doubled_between_the_taps_is_found),
	TEST(what_the_other_capture_did_not_last_for_is_not_called_lost),
	TEST(segments_that_a_device_cuts_are_followed_piece_by_piece),
	TEST(a_connection_that_one_capture_lacks_is_left_out),
	TEST(captures_of_different_things_are_not_joined),
};
TEST_SUITE(journey, cases);
