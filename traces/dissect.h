/* From a captured frame to a TCP segment, for analysis: as tolerant as the stack is strict. */
#ifndef TRACES_DISSECT_H
#define TRACES_DISSECT_H

#include "reader.h"
#include "../stack/base/addr.h"
#include "../stack/wire/tcp.h"

enum dissect_result {
	DISSECT_TCP,   /* *d is filled */
	DISSECT_OTHER, /* some other protocol, or a later fragment: not our concern */
	DISSECT_BAD,   /* it should be TCP, but d->why says what is wrong with it */
};

struct dissected {
	struct addr src, dst;
	struct seg seg;       /* len: payload bytes on the wire */
	uint32_t there;       /* payload bytes that were captured */
	const uint8_t *payload;
	uint16_t ipid;        /* IPv4 only; 0 in IPv6 */
	uint8_t version, ttl, tos;
	const char *why;      /* static text */
};

enum dissect_result dissect(const struct reader_pkt *, struct dissected *d);

#endif
