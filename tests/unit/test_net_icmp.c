/* Echo and errors: what is answered, what is believed, and how often. */
#include "../lib/netfix.h"

static struct netfix f;
static struct frame in, out;
static struct seen s;

static const uint8_t text[11] = "hello world"; /* odd on purpose */

/* ---- echo ---- */

static void an_echo_reply_has_exactly_the_bytes_of_the_request(void)
{
	fix_open(&f);
	fix_meet(&f, PEER4, &MAC_PEER);
	frame_icmp(&in, from_peer4(PROTO_ICMP), ICMP4_ECHO, 0, 0x12345678, text, sizeof(text));
	frame_bytes(&in, "TRAILER", 7);

	fix_give(&f, &in);

	CU_ASSERT_EQUAL(f.in.what, NET_NOTHING);
	CU_ASSERT_FATAL(fix_see(&f, &out, &s));
	CU_ASSERT_EQUAL(out.n, ETH_LEN + IP4_LEN + ICMP_LEN + sizeof(text));
	CU_ASSERT(mac_eq(&s.eth.dst, &MAC_PEER));
	CU_ASSERT_EQUAL(addr_to_v4(&s.ip.dst), PEER4);
	CU_ASSERT_EQUAL(addr_to_v4(&s.ip.src), ME4);
	CU_ASSERT_EQUAL(s.icmp.type, ICMP4_ECHO_REPLY);
	CU_ASSERT_EQUAL(s.icmp.rest, 0x12345678);
	CU_ASSERT_EQUAL(memcmp(s.icmp.body, text, sizeof(text)), 0);
	CU_ASSERT_FALSE(fix_take(&f, &out));
	fix_close(&f);
}

static const struct test_case cases[] = {
	TEST(an_echo_reply_has_exactly_the_bytes_of_the_request),
};
TEST_SUITE(net_icmp, cases);
