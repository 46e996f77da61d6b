/* Everything below transport: Ethernet, neighbours (ARP and IPv6 neighbour discovery), IP in and
 * out, fragments, ICMP, and segmentation as the last stage of output.
 *
 * It knows base/ and wire/ and nothing of TCP: net_input hands a transport datagram back to its
 * caller (stack.c), net_send takes a transport packet and puts frames on one output queue, which
 * net_output drains. Frames that answer frames (ARP, ICMP) go to the same queue.
 *
 *   ether.c    frame -> which protocol, is it ours          ip_in.c   verify, ours?, deliver
 *   neigh.c    ARP, ND, the table, one pkt waiting each     ip_frag.c reassembly, bounded
 *   icmp.c     echo, errors in and out, rate limits         ip_out.c  route, headers, fragments
 *   udp.c      port unreachable                             gso.c     cut a send unit into frames
 *   net.c      creation, timers, the queue                  slaac.c   router advertisements, DAD */
#ifndef NET_H
#define NET_H

#include "../base/list.h"
#include "../base/pkt.h"
#include "../base/rng.h"
#include "../stack.h"
#include "../wire/icmp.h"
#include "../wire/ip.h"

struct neigh_table; /* neigh.c */
struct frag_table;  /* ip_frag.c */

enum addr_state { ADDR_TENTATIVE, ADDR_VALID, ADDR_DUPLICATE };

struct net_addr {
	struct addr addr;
	uint8_t prefix;
	uint8_t state;    /* enum addr_state */
	uint8_t probes;   /* sent while tentative */
	bool autoconf;
	ns_t next_probe;  /* NS_NEVER when there is nothing to do */
	ns_t valid_until; /* NS_NEVER: for ever */
};

struct net {
	struct pkt_pool *pool;
	struct stack_counters *count;
	struct link_caps link;
	struct mac mac;
	struct net_addr addr[STACK_ADDRS];
	uint8_t naddrs;
	struct stack_route route[STACK_ROUTES];
	uint8_t nroutes;
	struct neigh_table *neigh;
	struct frag_table *frags;
	struct list out; /* frames for the link, gso units not yet cut */
	struct list cut; /* frames cut from one unit, ahead of `out` */
	struct rng rng;  /* stream "net": IP identification, jitter, ICMP limits */
	struct siphash_key secret;
	uint32_t nout;
	uint8_t hop_limit;
	uint16_t ip6_mtu; /* from router advertisements; 0: the link's */
	ns_t icmp_stamp;  /* token bucket of ICMP errors, its size drawn (RFC 8504, SAD DNS) */
	uint32_t icmp_tokens;
	bool auto6;
	uint8_t rs_sent;
	ns_t next_rs;
	/* Which local addresses and ports a port unreachable may name is UDP's business alone. */
};

int net_init(struct net *, const struct stack_config *, struct stack_counters *); /* 0 or ERR_NOMEM */
void net_free(struct net *);

/* What an ICMP error says to a connection (RFC 5927 has the checks, tcp/ applies them). */
enum net_error_kind {
	NET_ERR_SOFT,    /* net, host unreachable, time exceeded, parameter problem */
	NET_ERR_PROTO,   /* protocol unreachable */
	NET_ERR_PORT,    /* port unreachable, administratively prohibited */
	NET_ERR_TOO_BIG, /* with the next hop's MTU, 0 if it did not say (RFC 1191) */
};

enum net_what { NET_NOTHING, NET_TCP, NET_TCP_ERROR };

struct net_in {
	enum net_what what;
	struct pkt *pkt; /* NET_TCP: now the caller's. l3_off, l4_off set; trailers are cut off; the
			  * transport checksum is not yet verified unless pkt->csum says so */
	struct ip_hdr ip;
	struct icmp_inner inner; /* NET_TCP_ERROR: of the packet that we are said to have sent */
	enum net_error_kind error;
	uint32_t mtu;
};

/* Takes the frame. Source checks are done (martians, broadcast and multicast sources and
 * destinations, our own address as source: RFC 1122 3.2.1.3, RFC 9293 MUST-57, MUST-63). */
void net_input(struct net *, struct pkt *, ns_t now, struct net_in *);
void net_advance(struct net *, ns_t now);
ns_t net_deadline(const struct net *);

/* Where a transport packet goes. */
struct net_dst {
	struct addr src, dst;
	uint8_t proto, tos, ttl; /* ttl 0: the default, 64 */
	bool dont_frag;
	uint32_t flow_label;     /* IPv6 */
	uint16_t *ip_id;         /* IPv4: the flow's own counter, moved on by one a frame (RFC 6864); NULL: drawn */
};

/* Takes a pkt that begins with its transport header (l4 checksum CSUM_PARTIAL) and queues it,
 * behind address resolution if need be. A pkt without gso_size that is larger than the path's MTU is
 * fragmented (IPv4 without DF, or IPv6); a gso unit's segments never are. */
void net_send(struct net *, struct pkt *, const struct net_dst *, ns_t now);
bool net_queue_full(const struct net *); /* the queue holds a device's worth: TCP waits */

/* Gives frames in order, super-segments cut as the link wants them. Each has its id still 0. */
size_t net_output(struct net *, ns_t now, struct pkt **out, size_t max);

/* Source address for dst, or false: no route (ERR_UNREACH). */
bool net_route(const struct net *, const struct addr *dst, struct addr *src);
bool net_is_ours(const struct net *, const struct addr *); /* unicast address in state VALID */
uint16_t net_mtu(const struct net *, const struct addr *dst); /* the link's, or IPv6's from the router */

/* Forward progress reported from above (RFC 4861 7.3.1): the neighbour for dst is reachable. */
void net_confirm(struct net *, const struct addr *dst, ns_t now);

/* Internal to net/. */
void ether_send(struct net *, struct pkt *, const struct mac *to, uint16_t type); /* queues */
void ether_input(struct net *, struct pkt *, ns_t now, struct net_in *);

void ip4_input(struct net *, struct pkt *, ns_t now, struct net_in *);
void ip6_input(struct net *, struct pkt *, ns_t now, struct net_in *);

int neigh_init(struct net *, uint32_t max);
void neigh_free(struct net *);
void arp_input(struct net *, struct pkt *, ns_t now);          /* takes */
void nd_input(struct net *, const struct pkt *, const struct ip_hdr *, const struct icmp_msg *, ns_t now);
/* Takes a packet that begins with its IP header; sends it now or when the address is known. */
void neigh_send(struct net *, struct pkt *, const struct addr *next_hop, ns_t now);
void neigh_advance(struct net *, ns_t now);
ns_t neigh_deadline(const struct net *);

int frag_init(struct net *, uint32_t max_bytes);
void frag_free(struct net *);
/* Takes a fragment; gives the whole datagram when it is complete (h then describes it), else NULL. */
struct pkt *frag_input(struct net *, struct pkt *, struct ip_hdr *h, ns_t now);
void frag_advance(struct net *, ns_t now);
ns_t frag_deadline(const struct net *);

void icmp4_input(struct net *, struct pkt *, const struct ip_hdr *, ns_t now, struct net_in *); /* takes */
void icmp6_input(struct net *, struct pkt *, const struct ip_hdr *, ns_t now, struct net_in *); /* takes */
/* An error about pkt (which stays the caller's), if the rules allow one (RFC 1122 3.2.2, RFC 4443 2.4). */
void icmp_error(struct net *, const struct pkt *, const struct ip_hdr *, uint8_t type, uint8_t code,
		uint32_t rest, ns_t now);

void udp_input(struct net *, struct pkt *, const struct ip_hdr *, ns_t now); /* takes */

void slaac_input(struct net *, const struct ip_hdr *, const struct icmp_msg *, ns_t now);
void slaac_advance(struct net *, ns_t now);
ns_t slaac_deadline(const struct net *);

/* Cuts a unit into single frames appended to net->cut; takes the unit. */
void gso_cut(struct net *, struct pkt *);

#endif
