/* What a link is: a vtable and its capabilities. A link owns descriptors or queues, never a stack;
 * drivers move pkts between a link and a stack's doors. */
#ifndef LINK_H
#define LINK_H

#include "base/addr.h"
#include "base/pkt.h"

struct link_caps {
	uint16_t mtu;      /* IP bytes a frame may carry */
	bool csum_tx;      /* send takes CSUM_PARTIAL */
	bool csum_rx;      /* recv may give CSUM_VERIFIED or CSUM_PARTIAL */
	uint32_t tso_max;  /* largest IP packet send takes with a gso_size; 0: none */
	struct mac mac;    /* a good address for the stack on this link; zero: the stack's choice */
};

struct link;

struct link_ops {
	/* Gives up to max frames that have arrived, without waiting. */
	size_t (*recv)(struct link *, struct pkt **, size_t max);
	/* Takes the first k of n frames and returns k; the rest stays with the caller (back-pressure). */
	size_t (*send)(struct link *, struct pkt *const *, size_t n);
	ns_t (*deadline)(const struct link *); /* simulated links; NULL: NS_NEVER */
	int (*fd)(const struct link *);        /* to poll for reading; -1 or NULL: none */
	void (*close)(struct link *);
};

struct link {
	const struct link_ops *ops;
	struct link_caps caps;
	uint64_t rx_dropped, tx_dropped; /* lost here, e.g. for want of a pkt */
};

/* Constructors return NULL and write one line to err (cap bytes) when it cannot be done.
 *   tap: creates the device if it does not exist (and takes it away again); asks for IFF_VNET_HDR
 *   with checksum and TSO offload if `offload`.
 *   packet: a raw socket on an existing interface through libpcap, promiscuous, inbound frames
 *   for `mac`, broadcast and multicast only.
 *   pair: two ends in memory, no delay, no loss, no clock; each end has room for `depth` pkts. */
struct link *link_tap(struct pkt_pool *, const char *ifname, bool offload, char *err, size_t cap);
struct link *link_packet(struct pkt_pool *, const char *ifname, const struct mac *mac, char *err,
			 size_t cap);
bool link_pair(struct pkt_pool *, uint32_t depth, uint16_t mtu, uint32_t tso_max, struct link *end[2]);

#endif
