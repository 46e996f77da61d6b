/* UDP (RFC 768). */
#ifndef WIRE_UDP_H
#define WIRE_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UDP_LEN 8

struct udp_hdr {
	uint16_t sport, dport, len, csum; /* len: header included, checked to lie in 8..bytes there */
};

bool udp_parse(const uint8_t *p, size_t len, struct udp_hdr *h);

#endif
