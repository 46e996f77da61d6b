/* IPv4 (RFC 791) and IPv6 (RFC 8200) headers. */
#ifndef WIRE_IP_H
#define WIRE_IP_H

#include "../base/addr.h"
#include <stddef.h>

#define IP4_LEN 20
#define IP6_LEN 40
#define IP6_FRAG_LEN 8

#define PROTO_ICMP 1
#define PROTO_TCP 6
#define PROTO_UDP 17
#define PROTO_ICMP6 58

#define ECN_MASK 3
#define ECN_ECT1 1
#define ECN_ECT0 2
#define ECN_CE 3

/* What both families tell the layers above. Addresses of IPv4 are mapped (base/addr.h). */
struct ip_hdr {
	struct addr src, dst;
	uint8_t version;      /* 4 or 6 */
	uint8_t proto;        /* of what follows hdr_len bytes: PROTO_* */
	uint8_t ttl, tos;     /* tos: with the two ECN bits */
	uint16_t hdr_len;     /* up to the payload: with options or extension headers */
	uint32_t payload_len; /* what the header says; parse has checked that it lies in the bytes */
	uint32_t id;          /* 16 bits for IPv4; the fragment header's 32 for IPv6 */
	uint32_t flow_label;
	uint16_t frag_off;    /* bytes */
	bool frag;            /* is a fragment: frag_off or more_frags */
	bool more_frags, dont_frag;
	bool has_options;     /* IPv4 options, or IPv6 extension headers other than a fragment's */
	bool source_route;    /* IPv4 LSRR/SSRR, or IPv6 type 0 routing: dropped (RFC 7126, RFC 5095) */
};

enum ip_verdict {
	IP_OK,
	IP_BAD,            /* too short, wrong version, a length that lies, header checksum */
	IP_BAD_OPTION,     /* illegal option: drop */
	IP_PARAM_PROBLEM,  /* IPv6: an unknown option or header that wants an answer; *problem set */
};

/* `len` bytes are there; trailing bytes beyond the header's length are ignored. A total length of 0
 * in IPv4 is accepted only with `tso_zero` (captures of segmentation offload). */
enum ip_verdict ip4_parse(const uint8_t *p, size_t len, struct ip_hdr *h, bool tso_zero);
/* Walks at most 8 extension headers (RFC 8504 5.3). `problem`: offset for ICMPv6 parameter problem,
 * `problem_code` its code. */
enum ip_verdict ip6_parse(const uint8_t *p, size_t len, struct ip_hdr *h, uint32_t *problem,
			  uint8_t *problem_code);

/* Emit the fixed header; IPv4's checksum included. frag fields are honoured for IPv4. */
void ip4_emit(uint8_t p[IP4_LEN], const struct ip_hdr *h);
void ip6_emit(uint8_t p[IP6_LEN], const struct ip_hdr *h);

#endif
