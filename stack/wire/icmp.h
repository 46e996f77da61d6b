/* ICMP (RFC 792, 1191) and ICMPv6 (RFC 4443) with neighbour discovery's messages (RFC 4861). */
#ifndef WIRE_ICMP_H
#define WIRE_ICMP_H

#include "ip.h"

#define ICMP_LEN 8

#define ICMP4_ECHO_REPLY 0
#define ICMP4_UNREACH 3
#define ICMP4_QUENCH 4
#define ICMP4_REDIRECT 5
#define ICMP4_ECHO 8
#define ICMP4_TIME_EXCEEDED 11
#define ICMP4_PARAM 12

#define ICMP4_UNREACH_NET 0
#define ICMP4_UNREACH_HOST 1
#define ICMP4_UNREACH_PROTO 2
#define ICMP4_UNREACH_PORT 3
#define ICMP4_UNREACH_FRAG 4

#define ICMP6_UNREACH 1
#define ICMP6_TOO_BIG 2
#define ICMP6_TIME_EXCEEDED 3
#define ICMP6_PARAM 4
#define ICMP6_ECHO 128
#define ICMP6_ECHO_REPLY 129
#define ICMP6_RS 133
#define ICMP6_RA 134
#define ICMP6_NS 135
#define ICMP6_NA 136
#define ICMP6_REDIRECT 137

struct icmp_msg {
	uint8_t type, code;
	uint32_t rest;           /* bytes 4..7: id and sequence, or MTU */
	const uint8_t *body;     /* behind the 8 bytes, borrowed */
	size_t body_len;
};

/* The caller has verified the checksum (csum.h). */
bool icmp_parse(const uint8_t *p, size_t len, struct icmp_msg *m);

/* The offending packet inside an error: addresses, protocol, ports, TCP sequence number. Never
 * trusts an inner length: what counts is what is there. */
struct icmp_inner {
	struct addr src, dst;
	uint8_t proto;
	uint16_t sport, dport;
	uint32_t seq;          /* TCP */
	bool has_seq;
};
bool icmp_inner_parse(const struct icmp_msg *m, bool v6, struct icmp_inner *in);

#endif
