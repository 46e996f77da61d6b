/* No congestion control: only the peer's window limits. For experiments and for links that one sender
 * owns; never for the Internet. */
#include "cc_common.h"

static void open_wide(struct cc *cc)
{
	cc->cwnd = CC_CWND_MAX;
	cc->ssthresh = SSTHRESH_INFINITE;
}

static void none_init(struct cc *cc, ns_t now)
{
	(void)now;
	open_wide(cc);
}

static void none_on_ack(struct cc *cc, const struct cc_ack *a)
{
	(void)a;
	open_wide(cc);
}

const struct cc_ops cc_none = {
	.name = "none",
	.own_recovery = true,
	.own_timeout = true,
	.init = none_init,
	.on_ack = none_on_ack,
	.on_congestion = none_on_ack,
	.on_timeout = none_on_ack,
};
