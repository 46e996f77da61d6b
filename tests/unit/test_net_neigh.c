/* The neighbour table: packets wait, asking ends, entries age, floods wash themselves out. */
#include "../lib/netfix.h"

static struct netfix f;
static struct frame in, out;
static struct seen s;

static const struct mac other = {{2, 0, 0, 0, 0, 9}};

static void send_to(uint32_t peer, uint8_t mark)
{
	struct net_dst d = {.src = addr_v4(ME4), .dst = addr_v4(peer), .proto = 200};

	net_send(&f.net, pkt_of_bytes(&f.pool, &mark, 1), &d, f.now);
}

static void reply_from(uint32_t peer, const struct mac *mac)
{
	struct arp_msg m = {ARP_REPLY, *mac, MAC_ME, peer, ME4};

	frame_of_arp(&in, &MAC_ME, &m);
	fix_give(&f, &in);
}

static bool see_arp(void)
{
	return fix_see(&f, &out, &s) && s.eth.type == ETH_ARP;
}

static bool see_mark(uint8_t mark)
{
	return fix_see(&f, &out, &s) && s.eth.type == ETH_IP4 && s.len == 1 && s.payload[0] == mark;
}

static void packets_wait_for_the_address_in_their_order(void)
{
	fix_open(&f);

	send_to(PEER4, 1);
	send_to(PEER4, 2);
	send_to(PEER4, 3);
	CU_ASSERT(see_arp());
	CU_ASSERT_EQUAL(s.arp.tpa, PEER4);
	CU_ASSERT(mac_eq(&s.eth.dst, &MAC_ALL));
	CU_ASSERT_FALSE(fix_take(&f, &out));
	reply_from(PEER4, &MAC_PEER);

	for (uint8_t mark = 1; mark <= 3; mark++) {
		CU_ASSERT(see_mark(mark));
		CU_ASSERT(mac_eq(&s.eth.dst, &MAC_PEER));
		CU_ASSERT(mac_eq(&s.eth.src, &MAC_ME));
	}
	CU_ASSERT_FALSE(fix_take(&f, &out));
	CU_ASSERT_EQUAL(f.count.neigh_dropped, 0);
	fix_close(&f);
}

/* 1,021 bytes each with the IPv4 header, so that 208 are 212,368 of 212,992. */
static void the_oldest_of_too_many_waiting_bytes_makes_room(void)
{
	struct net_dst d = {.src = addr_v4(ME4), .dst = addr_v4(PEER4), .proto = 200};
	struct chunk *c;
	int came = 0;

	fix_open(&f);
	c = chunk_new(&f.pool, CHUNK_SMALL);
	for (uint32_t i = 0; i < c->cap; i++)
		c->data[i] = (uint8_t)i;
	for (uint32_t i = 0; i < 210; i++) {
		struct pkt *p = pkt_new(&f.pool);

		pkt_add_slice(p, c, i, 1001);
		net_send(&f.net, p, &d, f.now);
	}
	chunk_unref(&f.pool, c);
	CU_ASSERT_EQUAL(f.count.neigh_dropped, 2);
	CU_ASSERT(see_arp());
	reply_from(PEER4, &MAC_PEER);

	while (fix_see(&f, &out, &s))
		CU_ASSERT_EQUAL(s.payload[0], 2 + came++);
	CU_ASSERT_EQUAL(came, 208);
	fix_close(&f);
}

static void of_very_many_small_packets_the_newest_waits_for_each(void)
{
	fix_open(&f);

	for (int i = 0; i < 4100; i++)
		send_to(PEER4, (uint8_t)i);
	send_to(PEER4 + 40, 1);
	send_to(PEER4 + 40, 2);

	CU_ASSERT_EQUAL(f.count.neigh_dropped, 4 + 1);
	CU_ASSERT_EQUAL(f.pool.pkts.used, 4096 + 1 + 2); /* two solicitations */
	fix_drain(&f);
	reply_from(PEER4 + 40, &MAC_PEER);
	CU_ASSERT(see_mark(2));
	fix_drain(&f);
	fix_close(&f);
}

static void an_answer_to_all_is_taken_but_checked_upon(void)
{
	struct arp_msg m = {ARP_REPLY, MAC_PEER, MAC_ME, PEER4, ME4};

	fix_open(&f);
	send_to(PEER4, 1);
	fix_drain(&f);

	frame_of_arp(&in, &MAC_ALL, &m);
	fix_give(&f, &in);

	CU_ASSERT(see_mark(1));
	CU_ASSERT_EQUAL(net_deadline(&f.net), f.now + 5 * SEC);
	fix_close(&f);
}

static void a_far_destination_is_reached_through_the_router(void)
{
	fix_open(&f);

	send_to(FAR4, 1);
	CU_ASSERT(see_arp());
	CU_ASSERT_EQUAL(s.arp.tpa, ROUTER4);
	reply_from(ROUTER4, &MAC_ROUTER);

	CU_ASSERT(see_mark(1));
	CU_ASSERT(mac_eq(&s.eth.dst, &MAC_ROUTER));
	CU_ASSERT_EQUAL(addr_to_v4(&s.ip.dst), FAR4);
	fix_close(&f);
}

static void asking_ends_after_three_seconds_and_rests(void)
{
	ns_t start;

	fix_open(&f);
	start = f.now;
	send_to(PEER4, 1);

	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(f.now, start + i * SEC);
		CU_ASSERT(see_arp());
		CU_ASSERT_FALSE(fix_take(&f, &out));
		CU_ASSERT_EQUAL(net_deadline(&f.net), start + (i + 1) * SEC);
		fix_wait(&f, SEC);
	}
	CU_ASSERT_EQUAL(f.count.neigh_failed, 1);
	CU_ASSERT_EQUAL(net_deadline(&f.net), NS_NEVER);
	CU_ASSERT_EQUAL(f.pool.pkts.used, 0);

	send_to(PEER4, 2);
	CU_ASSERT_FALSE(fix_take(&f, &out));
	fix_wait(&f, 3 * SEC);
	send_to(PEER4, 3);
	CU_ASSERT(see_arp());
	reply_from(PEER4, &MAC_PEER);
	CU_ASSERT(see_mark(3));
	fix_close(&f);
}

/* A reachable entry goes stale after 30 to 60 s. */
static void make_stale(void)
{
	send_to(PEER4, 1);
	reply_from(PEER4, &MAC_PEER);
	fix_drain(&f);
	fix_wait(&f, 60 * SEC);
}

static void a_stale_neighbour_is_used_at_once_and_probed_by_unicast(void)
{
	fix_open(&f);
	make_stale();

	send_to(PEER4, 2);
	CU_ASSERT(see_mark(2));
	CU_ASSERT_EQUAL(net_deadline(&f.net), f.now + 5 * SEC);
	fix_wait(&f, 5 * SEC);

	CU_ASSERT(see_arp());
	CU_ASSERT(mac_eq(&s.eth.dst, &MAC_PEER));
	reply_from(PEER4, &MAC_PEER);
	CU_ASSERT_EQUAL(net_deadline(&f.net), NS_NEVER);
	fix_close(&f);
}

static void a_silent_neighbour_is_forgotten_and_asked_for_anew(void)
{
	fix_open(&f);
	make_stale();
	send_to(PEER4, 2);
	fix_wait(&f, 8 * SEC);
	CU_ASSERT_EQUAL(fix_drain(&f), 1 + 3);
	CU_ASSERT_EQUAL(neigh_count(&f.net), 0);

	send_to(PEER4, 3);

	CU_ASSERT(see_arp());
	CU_ASSERT(mac_eq(&s.eth.dst, &MAC_ALL));
	fix_close(&f);
}

static void progress_above_saves_the_probe(void)
{
	struct addr peer = addr_v4(PEER4), far = addr_v4(FAR4);

	fix_open(&f);
	make_stale();
	send_to(PEER4, 2);
	CU_ASSERT_EQUAL(net_deadline(&f.net), f.now + 5 * SEC);

	net_confirm(&f.net, &peer, f.now);
	net_confirm(&f.net, &far, f.now); /* through a router nobody knows: nothing */

	CU_ASSERT_EQUAL(net_deadline(&f.net), NS_NEVER);
	CU_ASSERT_EQUAL(neigh_count(&f.net), 1);
	fix_close(&f);
}

static void progress_above_keeps_a_neighbour_reachable(void)
{
	struct addr peer = addr_v4(PEER4);

	fix_open(&f);
	send_to(PEER4, 1);
	reply_from(PEER4, &MAC_PEER);
	for (int i = 0; i < 20; i++) {
		fix_wait(&f, 10 * SEC);
		net_confirm(&f.net, &peer, f.now);
	}
	fix_wait(&f, 15 * SEC - 1);
	send_to(PEER4, 2);
	CU_ASSERT_EQUAL(net_deadline(&f.net), NS_NEVER);
	fix_close(&f);
}

static void a_changed_address_is_followed(void)
{
	fix_open(&f);
	make_stale();

	reply_from(PEER4, &other);
	send_to(PEER4, 2);

	CU_ASSERT(see_mark(2));
	CU_ASSERT(mac_eq(&s.eth.dst, &other));
	fix_close(&f);
}

/* ---- floods ---- */

static void a_flood_of_claims_does_not_push_out_who_we_talk_to(void)
{
	fix_open(&f); /* 16 entries */
	send_to(PEER4, 1);
	reply_from(PEER4, &MAC_PEER);
	fix_drain(&f);

	for (uint32_t i = 10; i < 250; i++) {
		struct arp_msg m = {ARP_REQUEST, other, {{0}}, 0x0a000000 + i, ME4};

		frame_of_arp(&in, &MAC_ALL, &m);
		fix_give(&f, &in);
		fix_drain(&f);
	}

	CU_ASSERT_EQUAL(neigh_count(&f.net), 16);
	CU_ASSERT_EQUAL(f.count.neigh_full, 240 - 15);
	send_to(PEER4, 2);
	CU_ASSERT(see_mark(2));
	fix_close(&f);
}

static void a_flood_of_unanswered_destinations_is_bounded(void)
{
	fix_open(&f);
	send_to(PEER4, 1);
	reply_from(PEER4, &MAC_PEER);
	fix_drain(&f);

	for (uint32_t i = 10; i < 250; i++) {
		send_to(0x0a000000 + i, 1);
		fix_drain(&f);
	}

	CU_ASSERT_EQUAL(neigh_count(&f.net), 16);
	CU_ASSERT_EQUAL(f.pool.pkts.used, 15); /* one waits for each */
	send_to(PEER4, 2);
	CU_ASSERT(see_mark(2));
	fix_wait(&f, 10 * SEC);
	fix_drain(&f);
	CU_ASSERT_EQUAL(f.pool.pkts.used, 0);
	CU_ASSERT_EQUAL(net_deadline(&f.net), NS_NEVER);
	fix_close(&f);
}

static void a_full_table_of_good_ones_still_takes_a_new_one(void)
{
	fix_open(&f);
	for (uint32_t i = 10; i < 40; i++) {
		send_to(0x0a000000 + i, 1);
		reply_from(0x0a000000 + i, &other);
		CU_ASSERT_EQUAL(fix_drain(&f), 2);
	}

	CU_ASSERT_EQUAL(neigh_count(&f.net), 12); /* three quarters are for those in use */
	send_to(0x0a000000 + 39, 7);
	CU_ASSERT(see_mark(7));
	fix_close(&f);
}

static const struct test_case cases[] = {
    TEST(packets_wait_for_the_address_in_their_order),
    TEST(the_oldest_of_too_many_waiting_bytes_makes_room),
    TEST(of_very_many_small_packets_the_newest_waits_for_each),
    TEST(an_answer_to_all_is_taken_but_checked_upon),
    TEST(a_far_destination_is_reached_through_the_router),
    TEST(asking_ends_after_three_seconds_and_rests),
    TEST(a_stale_neighbour_is_used_at_once_and_probed_by_unicast),
    TEST(a_silent_neighbour_is_forgotten_and_asked_for_anew),
    TEST(progress_above_saves_the_probe),
    TEST(progress_above_keeps_a_neighbour_reachable),
    TEST(a_changed_address_is_followed),
    TEST(a_flood_of_claims_does_not_push_out_who_we_talk_to),
    TEST(a_flood_of_unanswered_destinations_is_bounded),
    TEST(a_full_table_of_good_ones_still_takes_a_new_one),
};
TEST_SUITE(net_neigh, cases);
