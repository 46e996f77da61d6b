/* Frames for tests: Ethernet, IPv4, TCP with a payload that counts up, checksums right. */
#ifndef TEST_FRAMES_H
#define TEST_FRAMES_H

#include "../../stack/base/pkt.h"
#include "../../stack/wire/tcp.h"

struct frame_spec {
	uint16_t sport, dport; /* 0: 1000 and 80 */
	uint32_t seq, ack;
	uint16_t flags;        /* enum tcp_flag */
	uint32_t len;          /* payload bytes */
	uint8_t ecn;           /* ECN_* */
	bool dont_frag;
};

struct pkt *plain_frame(struct pkt_pool *, const struct frame_spec *);
/* len bytes of frame in all, flags ACK; at least 54. */
struct pkt *plain_frame_of_len(struct pkt_pool *, uint32_t len);
/* An ARP frame: what is not IP. */
struct pkt *plain_arp(struct pkt_pool *);
/* IP header and TCP checksum are right. */
bool plain_is_sound(const struct pkt *);

#endif
