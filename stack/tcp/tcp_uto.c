/* The user timeout option (RFC 5482): each end tells how long it will wait for an ACK, and may adopt
 * the other's patience within limits. The switch is tcp_config.uto; without it what arrives is ignored.
 *
 * A timeout that the user set on the socket stays as it is (CHANGEABLE false, 3.1). */
#include "tcp.h"

#define UTO_LEAST (100 * SEC)     /* L_LIMIT: RFC 9293 SHLD-11, or a peer could make us give up early */
#define UTO_MOST (4 * 3600 * SEC) /* U_LIMIT: or it could make us hold on for ever */
#define UTO_MINUTES 0x8000u
#define UTO_VALUE 0x7fffu

/* How long ACKs may fail to come; 0: it is counted in retries (RFC 9293 3.8.3). */
ns_t tcp_user_timeout(const struct tcb *c)
{
	ns_t own = c->cfg->user_timeout;

	if (!c->uto.remote || c->uto.fixed)
		return own;
	return ns_min(UTO_MOST, ns_max(ns_max(own, c->uto.remote), UTO_LEAST));
}

void tcp_uto_arrive(struct tcb *c, const struct seg *g)
{
	ns_t unit = g->opt.uto & UTO_MINUTES ? 60 * SEC : SEC;

	if (c->cfg->uto && g->opt.uto & UTO_VALUE) /* 3.3: zero is not valid */
		c->uto.remote = (g->opt.uto & UTO_VALUE) * unit;
}

/* Rounded up: to the peer it is a promise. */
void tcp_uto_say(struct tcb *c, struct seg *g)
{
	int64_t s = (c->cfg->user_timeout + SEC - 1) / SEC, m = (s + 59) / 60;

	c->uto.due = false;
	if (!c->cfg->uto || !s)
		return;
	g->opt.has_uto = true;
	g->opt.uto = s <= UTO_VALUE ? (uint16_t)s : (uint16_t)(UTO_MINUTES | (m < UTO_VALUE ? m : UTO_VALUE));
}
