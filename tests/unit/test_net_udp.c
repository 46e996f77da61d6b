/* UDP: verified, then refused. */
#include "../lib/netfix.h"

#include "../../stack/wire/udp.h"

static struct netfix f;
static struct frame in, out;
static struct seen s;

/* A datagram of n bytes with this length field, and a checksum right for what is there; 0 if none.
 */
static void datagram(struct ip_hdr h, uint16_t sport, size_t n, uint16_t said, bool sum)
{
	uint8_t u[64] = {0};

	wr16(u, sport);
	wr16(u + 2, 9);
	wr16(u + 4, said);
	for (size_t i = UDP_LEN; i < n; i++)
		u[i] = (uint8_t)i;
	if (sum)
		wr16(u + 6, (uint16_t)~csum_fold(csum_add(
				csum_pseudo(&h.src, &h.dst, PROTO_UDP, (uint32_t)n), u, n)));
	frame_ip(&in, h, u, n);
}

static const struct {
	const char *name;
	int version;
	size_t n;
	uint16_t said;
	bool sum, spoil, good;
} rows[] = {
    {"right", 4, 20, 20, true, false, true},
    {"no checksum", 4, 20, 20, false, false, true},
    {"empty", 4, 8, 8, true, false, true},
    {"wrong checksum", 4, 20, 20, true, true, false},
    {"length under the header", 4, 20, 7, true, false, false},
    {"length 0", 4, 20, 0, true, false, false},
    {"length past the packet", 4, 20, 21, true, false, false},
    {"cut header", 4, 7, 20, true, false, false},
    {"right over IPv6", 6, 20, 20, true, false, true},
    {"no checksum over IPv6", 6, 20, 20, false, false, false},
    {"wrong checksum over IPv6", 6, 20, 20, true, true, false},
};

static void right_datagrams_get_port_unreachable_and_wrong_ones_silence(void)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool v4 = rows[i].version == 4, said;

		fix_open(&f);
		fix_meet(&f, PEER4, &MAC_PEER);
		fix_meet6(&f, &PEER6, &MAC_PEER);
		datagram(v4 ? from_peer4(PROTO_UDP) : from_peer6(PROTO_UDP), 7, rows[i].n,
			 rows[i].said, rows[i].sum);
		if (rows[i].spoil)
			in.b[in.n - 1] ^= 0x40;

		fix_give(&f, &in);

		said = fix_take(&f, &out) && frame_see(&out, &s);
		if (said != rows[i].good || f.count.udp_bad == rows[i].good)
			FAIL_ROW(rows[i].name);
		if (said && (s.icmp.type != (v4 ? 3 : 1) || s.icmp.code != (v4 ? 3 : 4)))
			FAIL_ROW(rows[i].name);
		fix_close(&f);
	}
}

static const struct test_case cases[] = {
    TEST(right_datagrams_get_port_unreachable_and_wrong_ones_silence),
};
TEST_SUITE(net_udp, cases);
