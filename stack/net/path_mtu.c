/* What is known of paths narrower than our link (RFC 1191 6.3, RFC 8201 5.2 and 5.3): connections that find out,
 * after their checks (RFC 5927), leave it here for the next one to the same destination. After ten minutes it is
 * forgotten, since the path may have grown. Of more than NET_PATHS destinations the one learnt longest ago makes
 * room, so that the table is small and is searched only if something is in it. */
#include "net.h"

#define FORGET (600 * SEC)

void net_path_learn(struct net *net, const struct addr *dst, uint16_t mtu, ns_t now)
{
	struct net_path *p = net->path, *to = p;

	for (; p < net->path + net->npaths; p++) {
		if (addr_eq(&p->dst, dst)) {
			to = p;
			break;
		}
		if (p->until < to->until)
			to = p;
	}
	if (p == net->path + net->npaths && net->npaths < NET_PATHS)
		to = &net->path[net->npaths++];
	*to = (struct net_path){.dst = *dst, .mtu = mtu, .until = now + FORGET};
}

uint16_t net_path_mtu(const struct net *net, const struct addr *dst, ns_t now)
{
	uint16_t mtu = net_mtu(net, dst);

	for (const struct net_path *p = net->path; p < net->path + net->npaths; p++)
		if (now < p->until && p->mtu < mtu && addr_eq(&p->dst, dst))
			return p->mtu;
	return mtu;
}
