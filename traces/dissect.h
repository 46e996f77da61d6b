/* From a captured frame to a TCP segment, for analysis: as tolerant as the stack is strict. */
#ifndef TRACES_DISSECT_H
#define TRACES_DISSECT_H

#include "reader.h"
#include "../stack/base/addr.h"
#include "../stack/wire/tcp.h"

enum dissect_result {
	DISSECT_TCP,      /* *d is filled */
	DISSECT_OTHER,    /* some other protocol: not our concern */
	DISSECT_BAD,      /* it should be TCP, but d->why says what is wrong with it */
	DISSECT_FRAGMENT, /* a piece of an IP packet: d->frag and the addresses are filled */
};

struct dissect_fragment {
	uint32_t id, off, len, have; /* len bytes from off on, of which `have` were captured */
	const uint8_t *bytes;
	uint8_t proto;
	bool more;
};

struct dissected {
	struct addr src, dst;  /* of the innermost IP header */
	struct seg seg;        /* len: payload bytes on the wire */
	uint32_t there;        /* payload bytes that were captured */
	const uint8_t *payload;
	uint16_t ipid;         /* IPv4 only; 0 in IPv6 */
	uint8_t version, ttl, tos;
	bool cut;              /* the frame is shorter than an IP header says */
	bool options_cut;      /* not all TCP options were captured */
	const char *tunnel;    /* what it was wrapped in, NULL: nothing; static text */
	const char *why;       /* static text */
	struct dissect_fragment frag;
};

enum dissect_result dissect(const struct reader_pkt *, struct dissected *d);
/* Goes on inside an IP packet that was put together from fragments; the addresses are in *d already. */
enum dissect_result dissect_payload(uint8_t proto, const uint8_t *p, uint32_t have, uint32_t len,
				    struct dissected *d);

#endif
