/* A TCP segment as a struct (RFC 9293 3.1, 3.2). Behind tcp_parse nothing looks at bytes again. */
#ifndef WIRE_TCP_H
#define WIRE_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/seq.h"

#define TCP_LEN 20
#define TCP_MAX_HDR 60
#define TCP_MAX_OPTS 40

enum tcp_flag {
	TH_FIN = 0x001,
	TH_SYN = 0x002,
	TH_RST = 0x004,
	TH_PSH = 0x008,
	TH_ACK = 0x010,
	TH_URG = 0x020,
	TH_ECE = 0x040,
	TH_CWR = 0x080,
	TH_AE = 0x100, /* RFC 9768 */
};

#define TCP_SACKS 4
#define TCP_AO_MAC 16 /* bytes of a MAC that are kept; RFC 5926 has 12 */

struct tcp_opts {
	bool has_mss, has_wscale, sack_ok, has_ts, has_tfo, tfo_exp, has_md5, has_ao;
	bool has_accecn, accecn_order1; /* RFC 9768 3.2.3: kind 174 (order 1) or 172 (order 0) */
	bool has_uto;   /* RFC 5482 */
	bool malformed; /* an option ran past the header or had an illegal length: parsing stopped */
	bool unknown;   /* some option of a kind that is not named here */
	uint8_t wscale; /* as on the wire; the stack clamps to 14 */
	uint16_t mss;
	uint32_t ts_val, ts_ecr;
	uint8_t nsack;
	struct {
		seq_t lo, hi;
	} sack[TCP_SACKS];
	uint8_t tfo_len; /* 0: a cookie request */
	uint8_t tfo_cookie[16];
	uint8_t accecn_n; /* how many of the three 24-bit counters are there */
	uint32_t accecn[3]; /* in the option's order */
	uint16_t uto;       /* seconds, or minutes with the highest bit */
	bool ao_bad; /* RFC 5925 2.2: too short, more than one, or MD5 beside it */
	uint8_t ao_keyid, ao_rnextkeyid;
	uint8_t ao_mac_len; /* as on the wire: may be more than is kept */
	uint8_t ao_mac[TCP_AO_MAC];
};

struct seg {
	uint16_t sport, dport;
	seq_t seq, ack;
	uint16_t flags; /* enum tcp_flag */
	uint16_t wnd;   /* as on the wire: unscaled */
	uint16_t urg;
	uint16_t hdr_len; /* with options */
	uint32_t len;     /* payload bytes; set by the caller of tcp_parse from the IP length */
	uint8_t ecn;      /* the IP header's codepoint; set by the caller likewise */
	struct tcp_opts opt;
};

/* SEG.LEN of RFC 9293 3.4: SYN and FIN count. */
static inline uint32_t seg_len(const struct seg *g)
{
	return g->len + !!(g->flags & TH_SYN) + !!(g->flags & TH_FIN);
}

/* `len`: header and payload bytes that are there, in one piece up to the end of the header. False:
 * shorter than the header, or a data offset under 5 or past `len`. Bad options do not fail the
 * segment: what stood before the fault is kept (RFC 9293 MUST-7). */
bool tcp_parse(const uint8_t *p, size_t len, struct seg *g);

/* How the options are laid out. Linux: mss,sackOK,TS,nop,wscale; BSD: mss,nop,wscale,sackOK,TS,eol. */
enum tcp_layout { LAYOUT_LINUX, LAYOUT_BSD };

/* Bytes that the options of g need, padded to a multiple of 4. */
size_t tcp_opts_len(const struct seg *g, enum tcp_layout);
/* Writes the header with options (checksum field 0) into p, which has room for 20 +
 * tcp_opts_len(); returns that length. */
size_t tcp_emit(uint8_t *p, const struct seg *g, enum tcp_layout);

/* Where the MAC of TCP-AO stands in a header of `hdr_len` bytes, and how long it is; NULL: no such option. */
uint8_t *tcp_ao_find(uint8_t *hdr, size_t hdr_len, size_t *mac_len);
/* The header as its MAC covers it (RFC 5925 5.1): checksum and MAC are zero, and unless `options`, only
 * TCP-AO is left of the options. Returns the bytes written to `out`; 0: no such option. */
size_t tcp_ao_cover(const uint8_t *hdr, size_t hdr_len, bool options, uint8_t out[TCP_MAX_HDR]);

#endif
