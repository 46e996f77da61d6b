/* Captures made by hand, in memory: for tests of what reads and judges them. The client is
 * 10.0.0.1:1000, the server 10.0.0.2:80; numbers are relative, and start just below the wrap. */
#ifndef TEST_TAPE_H
#define TEST_TAPE_H

#include "../../stack/base/time.h"
#include "../../stack/wire/tcp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TAPE_ISN 0xfffffff0u /* of both ends */

struct tape {
	uint8_t *bytes;
	size_t n, cap;
	uint32_t tick;      /* added to each end's IP identification with each packet */
	uint16_t ipid[2];
	bool timestamps, no_sack;
};

enum { C, S }; /* who sends: client, server */

struct tape_seg {
	int from;
	ns_t at;
	uint32_t seq, ack;  /* relative: SYN 0, first byte 1 */
	uint16_t flags;     /* TH_*; ACK is added unless it is a SYN or RST alone */
	uint32_t len;
	uint16_t wnd;       /* 0: 1000, unless zero_wnd */
	bool zero_wnd;
	struct {
		uint32_t lo, hi;
	} sack[3];
	uint16_t ipid;      /* 0: the next */
	uint32_t tsval, tsecr;
};

void tape_init(struct tape *);   /* a pcap of nanoseconds, Ethernet */
void tape_free(struct tape *);
void tape_bytes(struct tape *, const void *, size_t);
void tape_frame(struct tape *, ns_t at, const void *frame, uint32_t len, uint32_t orig);
void tape_seg(struct tape *, const struct tape_seg *);
/* SYN, SYN-ACK, ACK with a round trip of 20 ms, as seen at the client, the server, or between. */
void tape_handshake(struct tape *, int at_end, ns_t start); /* 2: between */

#define SEG(...) &(struct tape_seg){__VA_ARGS__}

#endif
