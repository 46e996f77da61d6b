/* The states of RFC 9293 3.3.2 and the edges between them, as data. tcp_set_state is the only place
 * where a connection changes its state, so no edge that is missing here can be taken. */
#include "tcp.h"

static const char *const names[TCP_STATES] = {
	[TCP_CLOSED] = "CLOSED",           [TCP_LISTEN] = "LISTEN",
	[TCP_SYN_SENT] = "SYN-SENT",       [TCP_SYN_RECEIVED] = "SYN-RECEIVED",
	[TCP_ESTABLISHED] = "ESTABLISHED", [TCP_FIN_WAIT_1] = "FIN-WAIT-1",
	[TCP_FIN_WAIT_2] = "FIN-WAIT-2",   [TCP_CLOSE_WAIT] = "CLOSE-WAIT",
	[TCP_CLOSING] = "CLOSING",         [TCP_LAST_ACK] = "LAST-ACK",
	[TCP_TIME_WAIT] = "TIME-WAIT",
};

#define TO(s) (1u << TCP_##s)

/* Figure 5 of RFC 9293. To CLOSED one may go from everywhere (RST, abort, timeout). The edges
 * SYN-RECEIVED -> FIN-WAIT-1 and -> CLOSE-WAIT are the user's close and the peer's FIN before or
 * with the last ACK of the handshake. A connection made from a SYN cookie is born established. */
static const uint16_t edges[TCP_STATES] = {
	[TCP_CLOSED] = TO(SYN_SENT) | TO(SYN_RECEIVED) | TO(ESTABLISHED),
	[TCP_LISTEN] = TO(SYN_RECEIVED) | TO(SYN_SENT) | TO(CLOSED),
	[TCP_SYN_SENT] = TO(SYN_RECEIVED) | TO(ESTABLISHED) | TO(CLOSED),
	[TCP_SYN_RECEIVED] = TO(ESTABLISHED) | TO(FIN_WAIT_1) | TO(CLOSE_WAIT) | TO(CLOSED),
	[TCP_ESTABLISHED] = TO(FIN_WAIT_1) | TO(CLOSE_WAIT) | TO(CLOSED),
	[TCP_FIN_WAIT_1] = TO(FIN_WAIT_2) | TO(CLOSING) | TO(TIME_WAIT) | TO(CLOSED),
	[TCP_FIN_WAIT_2] = TO(TIME_WAIT) | TO(CLOSED),
	[TCP_CLOSE_WAIT] = TO(LAST_ACK) | TO(CLOSED),
	[TCP_CLOSING] = TO(TIME_WAIT) | TO(CLOSED),
	[TCP_LAST_ACK] = TO(CLOSED),
	[TCP_TIME_WAIT] = TO(CLOSED),
};

const char *tcp_state_name(enum tcp_state s)
{
	return s < TCP_STATES ? names[s] : "?";
}

bool tcp_edge_allowed(enum tcp_state from, enum tcp_state to)
{
	return edges[from] >> to & 1;
}

void tcp_probe(struct tcb *c, enum probe_kind kind, seq_t lo, seq_t hi, ns_t value, const char *why)
{
	struct tcp *t = c->tcp;

	if (!t->probe)
		return;
	struct probe p = {.kind = kind,
			  .conn = c->number,
			  .at = c->table_at,
			  .from = c->state,
			  .to = c->state,
			  .lo = lo.v,
			  .hi = hi.v,
			  .cwnd = c->cc.cwnd,
			  .ssthresh = c->cc.ssthresh,
			  .value = value,
			  .why = why};

	t->probe(t->probe_arg, &p, t->now);
}

void tcp_set_state(struct tcb *c, enum tcp_state to, const char *why)
{
	enum tcp_state from = c->state;

	assert(tcp_edge_allowed(from, to));
	c->state = to;
	if (c->tcp->probe) {
		struct probe p = {.kind = PROBE_STATE,
				  .conn = c->number,
				  .at = c->table_at,
				  .from = from,
				  .to = to,
				  .cwnd = c->cc.cwnd,
				  .ssthresh = c->cc.ssthresh,
				  .why = why};

		c->tcp->probe(c->tcp->probe_arg, &p, c->tcp->now);
	}
}
