/* Everything below transport: Ethernet, neighbours (ARP and IPv6 neighbour discovery), IP in and
 * out, fragments, ICMP, coalescing as the first stage of input and segmentation as the last of output.
 *
 * It knows base/ and wire/ and nothing of TCP: net_input hands a transport datagram back to its
 * caller (stack.c), net_send takes a transport packet and puts frames on one output queue, which
 * net_output drains. Frames that answer frames (ARP, ICMP) go to the same queue.
 *
 *   ether.c    frame -> which protocol, is it ours          ip_in.c   verify, ours?, deliver
 *   neigh.c    the table, what waits, its states            ip_frag.c reassembly, bounded
 *   arp.c      ARP messages, probing and defending (IPv4)   ip_out.c  route, headers, fragments
 *   nd.c       neighbour solicitations and advertisements   gso.c     cut a send unit into frames
 *   icmp.c     echo, errors in and out, rate limits         slaac.c   router advertisements, DAD
 *   udp.c      port unreachable                             gro.c     join frames into one unit
 *   net.c      creation, timers, the queue
 */
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
	uint8_t state;  /* enum addr_state */
	uint8_t probes; /* sent while tentative */
	bool autoconf;
	uint8_t dad_counter; /* RFC 7217 */
	ns_t next_probe;     /* NS_NEVER when there is nothing to do */
	ns_t valid_until;    /* NS_NEVER: for ever */
	ns_t defend_after;   /* RFC 5227 2.4: not before this time again */
};

/* A default router that announced itself; the head of the list is used. */
#define NET_ROUTERS 2
struct net_router {
	struct addr via;
	ns_t until;
};

#define NET_PATHS 32

struct net_path {
	struct addr dst;
	uint16_t mtu;
	ns_t until;
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
	struct list unreached; /* packets whose next hop could not be resolved, until somebody asks */
	uint32_t nunreached;
	struct rng rng;  /* stream "net": IP identification, jitter, ICMP limits */
	struct siphash_key secret;
	uint32_t nout;
	uint8_t hop_limit;
	uint16_t ip6_mtu; /* from router advertisements; 0: the link's */
	ns_t icmp_stamp;  /* token bucket of ICMP errors, its size drawn (RFC 8504, SAD DNS) */
	uint32_t icmp_tokens;
	struct addr confirmed; /* the last destination that net_confirm was told of */
	ns_t confirm_again;
	struct net_router router[NET_ROUTERS];
	uint8_t nrouters;
	struct net_path path[NET_PATHS]; /* see path_mtu.c */
	uint8_t npaths;
	bool auto6;
	bool probe_first; /* stack_config.arp_probe */
	uint8_t rs_sent;
	ns_t next_rs;
	/* Which local addresses and ports a port unreachable may name is UDP's business alone. */
};

/* 0 or ERR_NOMEM. */
int net_init(struct net *, const struct stack_config *, struct stack_counters *);
void net_free(struct net *);

/* What an ICMP error says to a connection (RFC 5927 has the checks, tcp/ applies them). */
enum net_error_kind {
	NET_ERR_SOFT,    /* net, host unreachable, reassembly time exceeded, parameter problem */
	NET_ERR_TTL,     /* hop limit exceeded in transit: soft as well */
	NET_ERR_PROTO,   /* protocol unreachable */
	NET_ERR_PORT,    /* port unreachable, administratively prohibited */
	NET_ERR_NEIGHBOUR, /* our own finding: the next hop answers no address resolution */
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
/* Drops what waits: for a neighbour's answer, for the other fragments. */
void net_flush(struct net *);

/* A TCP segment of ours that found no neighbour, as if an ICMP error had come about it (RFC 1122
 * 2.4); false when there is none. To be asked after net_advance. */
bool net_unreached(struct net *, struct net_in *);

/* Where a transport packet goes. */
struct net_dst {
	struct addr src, dst;
	uint8_t proto, tos, ttl; /* ttl 0: the default, 64 */
	bool dont_frag;
	uint32_t flow_label; /* IPv6 */
	uint16_t *ip_id;     /* IPv4: the flow's own, moved on by one a frame; NULL: drawn */
};

/* Takes a pkt that begins with its transport header (l4 checksum CSUM_PARTIAL) and queues it,
 * behind address resolution if need be. A pkt without gso_size that is larger than the path's MTU
 * is fragmented (IPv4 without DF, or IPv6); a gso unit's segments never are. */
void net_send(struct net *, struct pkt *, const struct net_dst *, ns_t now);
bool net_queue_full(const struct net *); /* the queue holds a device's worth: TCP waits */

/* Gives frames in order, super-segments cut as the link wants them. Each has its id still 0. */
size_t net_output(struct net *, ns_t now, struct pkt **out, size_t max);

/* Source address for dst, or false: no route (ERR_UNREACH). */
bool net_route(const struct net *, const struct addr *dst, struct addr *src);
bool net_is_ours(const struct net *, const struct addr *); /* unicast address in state VALID */
/* The link's, or IPv6's from the router. */
uint16_t net_mtu(const struct net *, const struct addr *dst);
/* That, or less if a connection has learnt so within the last ten minutes (RFC 1191 6.3, RFC 8201 5.2). */
uint16_t net_path_mtu(const struct net *, const struct addr *dst, ns_t now);
void net_path_learn(struct net *, const struct addr *dst, uint16_t mtu, ns_t now);

/* Forward progress reported from above (RFC 4861 7.3.1): the neighbour for dst is reachable. */
void net_confirm(struct net *, const struct addr *dst, ns_t now);

/* The opposite (RFC 9293 3.8.3 (a)): nothing comes back from there. It is asked again before long. */
void net_doubt(struct net *, const struct addr *dst);

/* Internal to net/. */
bool net_on_link(const struct net *, const struct addr *); /* no router in between */
/* The first `bits` of 128 are the same; for IPv4 add 96. */
bool net_prefix_eq(const struct addr *, const struct addr *, unsigned bits);
/* IPv4's, all forms, of any subnet of ours. */
bool net_is_broadcast(const struct net *, const struct addr *);
bool addr_is_multicast(const struct addr *);
bool addr_is_link_local(const struct addr *);                      /* fe80::/10 */
struct net_addr *net_find_addr(struct net *, const struct addr *); /* in whatever state */
/* Adds an address, to be probed first if so configured; NULL when the table is full. */
struct net_addr *net_add_addr(struct net *, const struct addr *, uint8_t prefix, ns_t now);
bool pkt_linear(struct pkt *, uint32_t from, uint32_t n); /* n bytes from `from` lie in the head */
void net_queue(struct net *, struct pkt *);               /* takes a finished frame */
bool ether_to_group(const struct pkt *); /* a received frame was broadcast or multicast */

void ether_send(struct net *, struct pkt *, const struct mac *to, uint16_t type); /* queues */
void ether_input(struct net *, struct pkt *, ns_t now, struct net_in *);

void ip4_input(struct net *, struct pkt *, ns_t now, struct net_in *);
void ip6_input(struct net *, struct pkt *, ns_t now, struct net_in *);

int neigh_init(struct net *, uint32_t max, ns_t now);
void neigh_free(struct net *);
void neigh_flush(struct net *);
/* Takes a packet that begins with its IP header; sends it now or when the address is known. */
void neigh_send(struct net *, struct pkt *, const struct addr *next_hop, ns_t now);
void neigh_advance(struct net *, ns_t now);
ns_t neigh_deadline(const struct net *);
void neigh_confirm(struct net *, const struct addr *, ns_t now);
void neigh_doubt(struct net *, const struct addr *);

/* What a message says of a neighbour. */
enum neigh_news {
	NEIGH_HINT,        /* unasked, from someone who spoke to us: may create an entry */
	NEIGH_UPDATE,      /* unasked: only what we already have */
	NEIGH_REPLY,       /* an answer: reachable. Never creates */
	NEIGH_NO_OVERRIDE, /* an answer that replaces no other address (RFC 4861 7.2.5) */
};
void neigh_learn(struct net *, const struct addr *, const struct mac *, enum neigh_news, ns_t now);
bool neigh_find(const struct net *, const struct addr *, struct mac *); /* its address is known */
uint32_t neigh_count(const struct net *);

void arp_input(struct net *, struct pkt *, ns_t now); /* takes */
/* Asks who has `target`; everyone, or only `to`. */
void arp_solicit(struct net *, const struct addr *src, const struct addr *target,
		 const struct mac *to);
void arp_advance(struct net *, ns_t now); /* probes and announcements of our own addresses */
ns_t arp_deadline(const struct net *);

void nd_input(struct net *, const struct ip_hdr *, const struct icmp_msg *, ns_t now);
/* src NULL: a DAD probe (RFC 4862 5.4.2). Not unicast: to the solicited-node group. */
void nd_solicit(struct net *, const struct addr *src, const struct addr *target, bool unicast,
		ns_t now);
void nd_push_mac(struct net *, struct pkt *, uint8_t kind); /* option: our link-layer address */
bool mac_is_host(const struct mac *);                       /* neither group nor zero */
/* The link-layer address in an option of this kind (1 source, 2 target); false: none, and *ok
 * false: the options are malformed (RFC 4861 4.6). */
bool nd_option_mac(const uint8_t *opts, size_t len, uint8_t kind, struct mac *mac, bool *ok);

int frag_init(struct net *, uint32_t max_bytes);
void frag_free(struct net *);
void frag_flush(struct net *);
/* Takes a fragment (trailers cut); gives the whole datagram when it is complete, else NULL. */
struct pkt *frag_input(struct net *, struct pkt *, const struct ip_hdr *h, ns_t now);
uint32_t frag_bytes(const struct net *); /* memory held */
void frag_advance(struct net *, ns_t now);
ns_t frag_deadline(const struct net *);

/* Both take the pkt. */
void icmp4_input(struct net *, struct pkt *, const struct ip_hdr *, ns_t now, struct net_in *);
void icmp6_input(struct net *, struct pkt *, const struct ip_hdr *, ns_t now, struct net_in *);
/* An error about pkt, the caller's, if the rules allow one (RFC 1122 3.2.2, 4443 2.4) */
void icmp_error(struct net *, const struct pkt *, const struct ip_hdr *, uint8_t type, uint8_t code,
		uint32_t rest, ns_t now);

/* Takes `body`, what follows the 8 bytes of the header, and sends it as a message of d->proto. */
void icmp_send(struct net *, struct pkt *body, const struct net_dst *d, uint8_t type, uint8_t code,
	       uint32_t rest, ns_t now);

void udp_input(struct net *, struct pkt *, const struct ip_hdr *, ns_t now); /* takes */

void slaac_init(struct net *, ns_t now);
void slaac_duplicate(struct net *, struct net_addr *, ns_t now); /* it is someone else's */
void slaac_input(struct net *, const struct ip_hdr *, const struct icmp_msg *, ns_t now);
void slaac_advance(struct net *, ns_t now);
ns_t slaac_deadline(const struct net *);

/* gro.c: what arrived, or several frames as one. */
struct gro {
	struct net_in in;
	bool open;        /* more may be joined */
	uint32_t hdr_len, size, next; /* of the TCP header; of a segment's text; the number behind the last */
};
void gro_begin(struct gro *, const struct net_in *);
bool gro_join(struct gro *, struct net_in *); /* true: it took the pkt */

/* Cuts a unit into single frames appended to net->cut; takes the unit. */
void gso_cut(struct net *, struct pkt *);

#endif
