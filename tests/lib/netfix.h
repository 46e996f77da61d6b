/* Below transport without a stack: one struct net, frames given and taken as bytes, and a peer and
 * a router that exist only as addresses. Every frame given lies in a heap block of exactly its
 * size, so that reading past it is seen. */
#ifndef NETFIX_H
#define NETFIX_H

#include "../../stack/net/net.h"
#include "../../stack/wire/arp.h"
#include "../../stack/wire/csum.h"
#include "../../stack/wire/eth.h"
#include "test.h"

#define FRAME_CAP 66000
#define LENT_MAX 256

extern const struct mac MAC_ME, MAC_PEER, MAC_ROUTER, MAC_ALL;
#define ME4 0x0a000001u /* 10.0.0.1/24, default route by .254 */
#define PEER4 0x0a000002u
#define ROUTER4 0x0a0000feu
#define FAR4 0xc0000201u                                        /* 192.0.2.1 */
extern const struct addr ME6, ME6_LL, PEER6, PEER6_LL, ROUTER6; /* 2001:db8::1/64, fe80::1 ... */

struct frame {
	uint8_t b[FRAME_CAP];
	size_t n;
};

struct netfix {
	struct pkt_pool pool;
	struct stack_config cfg;
	struct stack_counters count;
	struct net net;
	ns_t now;
	struct net_in in;
	struct chunk *lent[LENT_MAX];
	size_t nlent;
};

void fix_config(struct netfix *); /* cfg as above; may be changed before fix_start */
void fix_start(struct netfix *);
void fix_open(struct netfix *);  /* both */
void fix_close(struct netfix *); /* asserts that no pkt and no chunk is left */

/* Gives a frame; what came of it is in fix->in (a NET_TCP pkt is the test's to free). */
void fix_give(struct netfix *, const struct frame *);
/* Takes the next frame out, its checksum completed; false: there is none. */
bool fix_take(struct netfix *, struct frame *);
size_t fix_drain(struct netfix *); /* throws away, counts */
/* Lets time pass, stopping at each deadline. */
void fix_wait(struct netfix *, ns_t);
void fix_until_idle(struct netfix *); /* until nothing is due any more */

/* The peer's MAC is known: it asked for ours and was answered. */
void fix_meet(struct netfix *, uint32_t peer, const struct mac *);
void fix_meet6(struct netfix *, const struct addr *peer, const struct mac *);

/* Builders. Each begins a frame or appends to it. */
void frame_eth(struct frame *, const struct mac *dst, const struct mac *src, uint16_t type);
void frame_bytes(struct frame *, const void *, size_t);
void frame_fill(struct frame *, size_t n); /* a pattern */
void frame_of_arp(struct frame *, const struct mac *dst, const struct arp_msg *);
/* From the peer to us, as h says; lengths, version and checksum are filled in at the end. */
struct ip_hdr from_peer4(uint8_t proto);
struct ip_hdr from_peer6(uint8_t proto);
void frame_ip(struct frame *, struct ip_hdr, const void *payload, size_t n);
/* Sets the ICMP or ICMPv6 checksum of the message at the frame's end. */
void frame_icmp_sum(struct frame *, const struct ip_hdr *, size_t n);
void frame_icmp(struct frame *, struct ip_hdr, uint8_t type, uint8_t code, uint32_t rest,
		const void *body, size_t n);

/* What a frame says, checked on the way: header checksum, lengths to the byte. */
struct seen {
	struct eth_hdr eth;
	struct ip_hdr ip;
	struct icmp_msg icmp; /* if the protocol is one; its checksum is right */
	struct arp_msg arp;   /* if it is ARP */
	const uint8_t *payload;
	size_t len;
};
bool frame_see(const struct frame *, struct seen *);
/* The next frame out, which must be there and right. */
bool fix_see(struct netfix *, struct frame *, struct seen *);

#endif
