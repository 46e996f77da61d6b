/* Transport checksums that are left to a device (CSUM_PARTIAL): what the links that meet such frames
 * share. The kernel's convention: the field holds the folded sum of the pseudo header, not inverted,
 * and whoever owns the device adds the rest. */
#ifndef LINK_FRAME_H
#define LINK_FRAME_H

#include "../base/pkt.h"

/* A frame that came in: its transport checksum is due from `l4_off` on, in the field at `field`
 * behind it (as a vnet header says). Sets csum, l3_off, l4_off and l4_proto; false, and nothing
 * changed, when that does not fit the frame's bytes. */
bool frame_mark_partial(struct pkt *, uint32_t l4_off, uint32_t field);

/* A frame that came in with nothing said: true, and marked, when its TCP or UDP checksum field holds
 * just the pseudo header's sum. A local sender leaves it so for a device that a veth or a loopback
 * does not have; by chance one wrong frame in 65,536 looks the same. */
bool frame_guess_partial(struct pkt *);

/* A CSUM_PARTIAL frame that goes out to a device with offload: writes what the device expects. */
void frame_prime_partial(struct pkt *);

/* The vnet header (virtio 1.2, 5.1.6) that a device puts in front of a frame, and expects there. What
 * it says of a frame that came in and does not fit its bytes is not believed. */
struct virtio_net_hdr;
void frame_from_vnet(struct pkt *, const struct virtio_net_hdr *);
void frame_to_vnet(struct pkt *, struct virtio_net_hdr *); /* primes a checksum that is due */

/* Bytes of the headers of a TCP frame with l4_off set: all that stands before the payload. */
uint32_t frame_tcp_headers(const struct pkt *);

#endif
