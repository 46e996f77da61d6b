/* The neighbour table, for both families: RFC 4861 7.3's states, which RFC 1122 2.3.2.1 allows for
 * ARP as well.
 *
 *            solicit                      reply
 *   (none) -----------> INCOMPLETE ----------------> REACHABLE <--- confirmed by transport
 *                        | 3 x 1 s                    | 30..60 s             ^
 *                        v                            v         sent     5 s |
 *                      FAILED (3 s: drop)           STALE ----> DELAY ---> PROBE -- 3 x 1 s -->
 * (none)
 *
 * Bounds: at most `max` entries; what waits for an address is a queue, bounded in bytes for each and in
 * packets for all, whose oldest makes room (RFC 1122 2.3.2.2: at least the newest SHOULD be kept; of
 * connections that begin at once only one would, and the others would wait for a timeout). Work per packet is constant: a direct-mapped cache in front of a keyed hash, the Ethernet header ready
 * made. Eviction: entries that we have sent through (good) are apart from all others (young); the
 * oldest young one goes first, so that a flood of claims or of spoofed sources only washes out
 * itself. The good ones never hold more than 3/4 of the table. */
#include "net.h"

#include <stdlib.h>

#include "../base/wheel.h"
#include "../wire/eth.h"

#define CACHE_SLOTS 64
#define TRIES 3         /* RFC 4861 10: MAX_MULTICAST_SOLICIT, MAX_UNICAST_SOLICIT */
#define RETRY (1 * SEC) /* RETRANS_TIMER; RFC 1122 2.3.2.1 wants at most one a second */
#define REACHABLE_FOR                                                                              \
	(30 * SEC)            /* to 60 s, drawn: RFC 4861 6.3.2 spreads by half around 30 s, which \
			       * would let half of them expire before ARP's usual minute */
#define DELAY_PROBE (5 * SEC) /* DELAY_FIRST_PROBE_TIME: transport may confirm first */
#define FAILED_FOR (3 * SEC)  /* negative entry: no new solicitation, packets are dropped */

#define WAITING_BYTES 212992 /* for one neighbour, as Linux: some thousands of SYNs */
#define WAITING_ALL 4096     /* packets; each neighbour may have one beyond that */
#define UNREACHED_MAX WAITING_ALL

enum state { INCOMPLETE, REACHABLE, STALE, DELAY, PROBE, FAILED };

struct neigh {
	struct list hash, lru;
	struct wheel_entry timer;
	struct addr addr;
	uint8_t state, tries;
	bool good;
	uint8_t eth[ETH_LEN]; /* ready to be put in front of a packet */
	struct list waiting; /* packets, oldest first */
	uint32_t nwaiting, waiting_bytes;
	ns_t until; /* of REACHABLE and FAILED */
};

struct neigh_table {
	struct slab slab;
	struct wheel wheel;
	struct list young, good; /* least recently used first */
	uint32_t ngood, max_good, nwaiting;
	struct neigh *cache[CACHE_SLOTS];
	uint32_t mask;
	struct list bucket[];
};

/* ---- the table ---- */

static struct neigh **cache_slot(struct neigh_table *t, const struct addr *a)
{
	return &t->cache[(a->b[15] ^ a->b[14] << 2 ^ a->b[13]) % CACHE_SLOTS];
}

static struct list *bucket_of(const struct net *net, const struct addr *a)
{
	struct neigh_table *t = net->neigh;

	return &t->bucket[siphash(&net->secret, a, sizeof(*a)) & t->mask];
}

static struct neigh *lookup(const struct net *net, const struct addr *a)
{
	struct neigh **slot = cache_slot(net->neigh, a);
	struct list *bucket;

	if (*slot && addr_eq(&(*slot)->addr, a))
		return *slot;
	bucket = bucket_of(net, a);
	list_for_each(it, bucket)
	{
		struct neigh *n = list_entry(it, struct neigh, hash);

		if (addr_eq(&n->addr, a))
			return *slot = n;
	}
	return NULL;
}

static struct pkt *pop_waiting(struct neigh_table *t, struct neigh *n)
{
	struct list *node = list_pop_front(&n->waiting);

	if (!node)
		return NULL;
	struct pkt *p = list_entry(node, struct pkt, node);

	n->waiting_bytes -= p->len;
	n->nwaiting--;
	t->nwaiting--;
	return p;
}

static void drop_waiting(struct net *net, struct neigh *n)
{
	struct pkt *p;

	while ((p = pop_waiting(net->neigh, n)) != NULL)
		pkt_free(p);
}

/* The newest always stays. */
static void wait(struct net *net, struct neigh *n, struct pkt *p)
{
	struct neigh_table *t = net->neigh;

	while (n->nwaiting && (n->waiting_bytes + p->len > WAITING_BYTES || t->nwaiting >= WAITING_ALL)) {
		pkt_free(pop_waiting(t, n));
		net->count->neigh_dropped++;
	}
	list_push_back(&n->waiting, &p->node);
	n->waiting_bytes += p->len;
	n->nwaiting++;
	t->nwaiting++;
}

static void discard(struct net *net, struct neigh *n)
{
	struct neigh_table *t = net->neigh;
	struct neigh **slot = cache_slot(t, &n->addr);

	if (*slot == n)
		*slot = NULL;
	drop_waiting(net, n);
	wheel_remove(&t->wheel, &n->timer);
	list_remove(&n->hash);
	list_remove(&n->lru);
	t->ngood -= n->good;
	slab_put(&t->slab, n);
}

static void evict_one(struct net *net)
{
	struct neigh_table *t = net->neigh;
	struct list *oldest = list_first(&t->young);

	if (!oldest)
		oldest = list_first(&t->good);
	if (!oldest)
		return;
	net->count->neigh_full++;
	discard(net, list_entry(oldest, struct neigh, lru));
}

static struct neigh *create(struct net *net, const struct addr *a)
{
	struct neigh_table *t = net->neigh;
	struct neigh *n;

	if (t->slab.used == t->slab.limit)
		evict_one(net);
	n = slab_get(&t->slab);
	if (!n)
		return NULL;
	n->addr = *a;
	wheel_entry_init(&n->timer);
	list_init(&n->waiting);
	list_push_back(bucket_of(net, a), &n->hash);
	list_push_back(&t->young, &n->lru);
	return n;
}

/* The most recently used is last in its list; one that carried a packet of ours is good. */
static void touch(struct net *net, struct neigh *n)
{
	struct neigh_table *t = net->neigh;

	if (t->good.prev == &n->lru)
		return;
	list_remove(&n->lru);
	list_push_back(&t->good, &n->lru);
	if (n->good)
		return;
	n->good = true;
	if (++t->ngood > t->max_good) {
		net->count->neigh_full++;
		discard(net, list_entry(list_first(&t->good), struct neigh, lru));
	}
}

static void emit(struct net *net, struct neigh *n, struct pkt *p)
{
	memcpy(pkt_push(p, ETH_LEN), n->eth, ETH_LEN);
	p->l3_off += ETH_LEN;
	p->l4_off += ETH_LEN;
	net_queue(net, p);
	touch(net, n);
}

/* ---- states ---- */

static struct mac mac_of(const struct neigh *n)
{
	struct mac m;

	memcpy(m.b, n->eth, sizeof(m.b));
	return m;
}

static void solicit(struct net *net, struct neigh *n, ns_t now)
{
	struct mac m = mac_of(n);
	const struct mac *to = n->state == PROBE ? &m : NULL;
	struct addr src;

	n->tries++;
	wheel_add(&net->neigh->wheel, &n->timer, now + RETRY);
	if (!net_route(net, &n->addr, &src))
		return; /* no address of ours is valid yet: try again in a second */
	if (addr_is_v4(&n->addr))
		arp_solicit(net, &src, &n->addr, to);
	else
		nd_solicit(net, &src, &n->addr, to != NULL, now);
}

static void resolve(struct net *net, struct neigh *n, struct pkt *p, ns_t now)
{
	n->state = INCOMPLETE;
	n->tries = 0;
	wait(net, n, p);
	solicit(net, n, now);
}

static void become_reachable(struct net *net, struct neigh *n, ns_t now)
{
	n->state = REACHABLE;
	n->until = now + REACHABLE_FOR + (ns_t)rng_below(&net->rng, 30000) * MS;
	wheel_remove(&net->neigh->wheel, &n->timer);
}

/* For net_unreached: the newest few are kept, should nobody ask. */
static void give_up_on(struct net *net, struct pkt *p)
{
	list_push_back(&net->unreached, &p->node);
	if (++net->nunreached > UNREACHED_MAX) {
		pkt_free(list_entry(list_pop_front(&net->unreached), struct pkt, node));
		net->nunreached--;
	}
}

static void fail(struct net *net, struct neigh *n, ns_t now)
{
	struct pkt *p;

	net->count->neigh_failed++;
	while ((p = pop_waiting(net->neigh, n)) != NULL)
		give_up_on(net, p);
	n->state = FAILED;
	n->until = now + FAILED_FOR;
}

static void expire(struct net *net, struct neigh *n, ns_t now)
{
	switch ((enum state)n->state) {
	case DELAY:
		n->state = PROBE;
		n->tries = 0;
		solicit(net, n, now);
		return;
	case PROBE:
		if (n->tries < TRIES)
			solicit(net, n, now);
		else
			discard(net, n); /* the next packet asks everyone */
		return;
	case INCOMPLETE:
		if (n->tries < TRIES)
			solicit(net, n, now);
		else
			fail(net, n, now);
		return;
	default:
		return;
	}
}

/* To a neighbour whose address we have; if not heard of lately it is checked upon (RFC 4861 7.3.3).
 */
static void send_to_known(struct net *net, struct neigh *n, struct pkt *p, ns_t now)
{
	bool doubtful = n->state == STALE || (n->state == REACHABLE && now >= n->until);

	if (doubtful) {
		n->state = DELAY;
		wheel_add(&net->neigh->wheel, &n->timer, now + DELAY_PROBE);
	}
	emit(net, n, p);
}

static void send_through(struct net *net, struct neigh *n, struct pkt *p, ns_t now)
{
	switch ((enum state)n->state) {
	case INCOMPLETE:
		wait(net, n, p);
		return;
	case FAILED:
		if (now < n->until)
			give_up_on(net, p);
		else
			resolve(net, n, p, now);
		return;
	default:
		send_to_known(net, n, p, now);
	}
}

/* RFC 2464 7: an IPv6 group's frames go to 33:33 and its last four bytes. */
static void send_to_group(struct net *net, struct pkt *p, const struct addr *group)
{
	struct mac to = {{0x33, 0x33}};

	memcpy(to.b + 2, group->b + 12, 4);
	ether_send(net, p, &to, ETH_IP6);
}

void neigh_send(struct net *net, struct pkt *p, const struct addr *next, ns_t now)
{
	struct neigh *n = lookup(net, next);

	if (n) {
		send_through(net, n, p, now);
		return;
	}
	if (addr_is_multicast(next)) {
		send_to_group(net, p, next);
		return;
	}
	n = create(net, next);
	if (!n) {
		net->count->no_memory++;
		pkt_free(p);
		return;
	}
	resolve(net, n, p, now);
}

void neigh_confirm(struct net *net, const struct addr *a, ns_t now)
{
	struct neigh *n = lookup(net, a);

	if (!n || n->state == INCOMPLETE || n->state == FAILED)
		return;
	/* Called for each acknowledgement: a span that is still half full is not drawn again. */
	if (n->state != REACHABLE || n->until - now < REACHABLE_FOR / 2)
		become_reachable(net, n, now);
}

void neigh_doubt(struct net *net, const struct addr *a)
{
	struct neigh *n = lookup(net, a);

	if (n && n->state == REACHABLE)
		n->state = STALE;
}

static void set_mac(struct net *net, struct neigh *n, const struct mac *m)
{
	eth_emit(n->eth, m, &net->mac, addr_is_v4(&n->addr) ? ETH_IP4 : ETH_IP6);
}

static void flush_waiting(struct net *net, struct neigh *n, ns_t now)
{
	struct pkt *p;

	while ((p = pop_waiting(net->neigh, n)) != NULL)
		send_to_known(net, n, p, now);
}

/* The address of an entry that had none is now known. */
static void complete(struct net *net, struct neigh *n, const struct mac *m, bool answered, ns_t now)
{
	set_mac(net, n, m);
	wheel_remove(&net->neigh->wheel, &n->timer);
	n->state = STALE;
	if (answered)
		become_reachable(net, n, now);
	flush_waiting(net, n, now);
}

void neigh_learn(struct net *net, const struct addr *a, const struct mac *m, enum neigh_news news,
		 ns_t now)
{
	struct neigh *n = lookup(net, a);
	bool answered = news == NEIGH_REPLY || news == NEIGH_NO_OVERRIDE, same;
	struct mac old;

	if (!n && news == NEIGH_HINT) {
		n = create(net, a);
		if (n)
			complete(net, n, m, false, now);
		return;
	}
	if (!n)
		return;
	if (n->state == INCOMPLETE || n->state == FAILED) {
		complete(net, n, m, answered, now);
		return;
	}
	old = mac_of(n);
	same = mac_eq(&old, m);
	if (!same && news == NEIGH_NO_OVERRIDE) { /* RFC 4861 7.2.5 (I): doubt, but keep */
		if (n->state == REACHABLE)
			n->state = STALE;
		return;
	}
	if (!same)
		complete(net, n, m, answered, now);
	else if (answered)
		become_reachable(net, n, now);
}

bool neigh_find(const struct net *net, const struct addr *a, struct mac *m)
{
	const struct neigh *n = lookup(net, a);

	if (!n || n->state == INCOMPLETE || n->state == FAILED)
		return false;
	*m = mac_of(n);
	return true;
}

uint32_t neigh_count(const struct net *net)
{
	return net->neigh->slab.used;
}

/* ---- time, life ---- */

void neigh_advance(struct net *net, ns_t now)
{
	struct wheel_entry *e;

	while ((e = wheel_expire(&net->neigh->wheel, now)) != NULL)
		expire(net, container_of(e, struct neigh, timer), now);
}

ns_t neigh_deadline(const struct net *net)
{
	return wheel_deadline(&net->neigh->wheel);
}

int neigh_init(struct net *net, uint32_t max, ns_t now)
{
	struct neigh_table *t;
	uint32_t buckets = 16;

	if (max < 4)
		max = 4;
	while (buckets < max && buckets < 65536)
		buckets *= 2;
	t = calloc(1, sizeof(*t) + buckets * sizeof(t->bucket[0]));
	if (!t)
		return ERR_NOMEM;
	slab_init(&t->slab, sizeof(struct neigh), max);
	wheel_init(&t->wheel, now);
	list_init(&t->young);
	list_init(&t->good);
	t->max_good = max - max / 4;
	t->mask = buckets - 1;
	for (uint32_t i = 0; i < buckets; i++)
		list_init(&t->bucket[i]);
	net->neigh = t;
	return 0;
}

/* Those that hold a packet are not resolved yet and never were good. */
void neigh_flush(struct net *net)
{
	list_for_each(it, &net->neigh->young)
		drop_waiting(net, list_entry(it, struct neigh, lru));
}

void neigh_free(struct net *net)
{
	struct neigh_table *t = net->neigh;
	struct list *n;

	if (!t)
		return;
	while ((n = list_first(&t->young)) || (n = list_first(&t->good)))
		discard(net, list_entry(n, struct neigh, lru));
	slab_free(&t->slab);
	free(t);
	net->neigh = NULL;
}
