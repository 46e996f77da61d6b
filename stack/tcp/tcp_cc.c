/* Attaches an algorithm of cc.h to a connection. Its state comes from a pool. And pacing: an algorithm
 * that has a rate of its own (BBR) is obeyed; any other may be paced by its window (tcp_config.pacing),
 * so that a window leaves over the better part of a round trip rather than as a burst. */
#include "tcp.h"

bool tcp_cc_start(struct tcb *c, enum tcp_cc_kind kind)
{
	const struct cc_ops *ops = cc_find(kind);
	struct cc old = c->cc;

	assert(ops->state_size <= CC_STATE_BYTES);
	if (!c->cc.own && ops->state_size) {
		c->cc.own = slab_get(&c->tcp->cc_states);
		if (!c->cc.own)
			return false;
	} else if (c->cc.own) {
		memset(c->cc.own, 0, CC_STATE_BYTES);
	}
	c->cc.ops = ops;
	c->cc.mss = c->mss ? c->mss : MSS_DEFAULT_V4;
	c->cc.hystart = c->cfg->hystart;
	c->cc.hystart_classic = c->cfg->hystart_classic;
	c->cc.abc = c->cfg->abc;
	c->cc.cwnd = old.ops ? old.cwnd : cc_initial_window(c->cc.mss, c->cfg->iw_segs);
	c->cc.ssthresh = old.ops ? old.ssthresh : SSTHRESH_INFINITE;
	c->cc.pacing_rate = 0;
	c->cc.rng = &c->tcp->cc_rng;
	c->cc.first_rtt = c->rtt.srtt;
	c->cc.holds_back = false;
	ops->init(&c->cc, c->tcp->now);
	tcp_pace_start(c);
	return true;
}

/* The algorithm that is there begins anew, with the MSS as it is now; nothing is allocated. */
void tcp_cc_restart(struct tcb *c)
{
	if (c->cc.own)
		memset(c->cc.own, 0, CC_STATE_BYTES);
	c->cc.mss = c->mss;
	c->cc.cwnd = cc_initial_window(c->mss, c->cfg->iw_segs);
	c->cc.ssthresh = SSTHRESH_INFINITE;
	c->cc.pacing_rate = 0;
	c->cc.first_rtt = c->rtt.srtt;
	c->cc.ops->init(&c->cc, c->tcp->now);
	tcp_pace_start(c);
}

void tcp_cc_free(struct tcb *c)
{
	slab_put(&c->tcp->cc_states, c->cc.own);
	c->cc.own = NULL;
}

void tcp_pace_start(struct tcb *c)
{
	c->pace_by_window = (c->cfg->pacing || c->pace_cap) && !c->cc.ops->wants_pacing;
	if (c->pace_by_window)
		tcp_pace_update(c);
	else if (!c->cc.ops->wants_pacing)
		c->cc.pacing_rate = 0;
}

/* After each ACK, if pace_by_window. Without an RTT there is nothing to go by but the user's limit. */
void tcp_pace_update(struct tcb *c)
{
	uint64_t share = c->cc.cwnd < c->cc.ssthresh / 2 ? PACE_SLOW_START : PACE_AVOIDANCE, rate = 0;

	if (c->cfg->pacing && c->rtt.srtt > 0)
		rate = c->cc.cwnd * share / 100 * (uint64_t)SEC / (uint64_t)c->rtt.srtt;
	c->cc.pacing_rate = rate ? rate : c->pace_cap;
}
