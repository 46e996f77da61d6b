/* The one notation for a segment, as packetdrill writes it:
 *
 *   S. 0:0(0) ack 1 win 65535 <mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7>
 *
 * Flags S F R P . U E W A or `-`; numbers are raw unless a base is given. */
#ifndef WIRE_PRINT_H
#define WIRE_PRINT_H

#include "ip.h"
#include "tcp.h"

#define SEG_TEXT 320
#define ADDR_TEXT 48

/* All print functions write a terminated string, cut if need be, and return `to`. seq_base is
 * subtracted from seq, ack_base from ack and from SACK blocks. */
char *seg_print(char *to, size_t cap, const struct seg *g, seq_t seq_base, seq_t ack_base);
char *seg_flags_print(char to[12], uint16_t flags);
char *addr_print(char *to, size_t cap, const struct addr *); /* 10.0.0.1, or RFC 5952 for IPv6 */
char *mac_print(char to[18], const struct mac *);
/* "10.0.0.1:80", "[2001:db8::1]:80". */
char *endpoint_print(char *to, size_t cap, const struct addr *, uint16_t port);

bool addr_scan(const char *text, struct addr *);              /* either family, no prefix length */
bool mac_scan(const char *text, struct mac *);

#endif
