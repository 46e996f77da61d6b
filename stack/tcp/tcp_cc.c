/* Attaches an algorithm of cc.h to a connection. Its state comes from a pool. */
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
	c->cc.abc = c->cfg->abc;
	c->cc.cwnd = old.ops ? old.cwnd : cc_initial_window(c->cc.mss, c->cfg->iw_segs);
	c->cc.ssthresh = old.ops ? old.ssthresh : SSTHRESH_INFINITE;
	c->cc.pacing_rate = 0;
	ops->init(&c->cc, c->tcp->now);
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
	c->cc.ops->init(&c->cc, c->tcp->now);
}

void tcp_cc_free(struct tcb *c)
{
	slab_put(&c->tcp->cc_states, c->cc.own);
	c->cc.own = NULL;
}
