/* A flow of requests and responses, one at a time: the client's times are the figure of interest.
 * Both ends' bytes are the flow's pattern, so that each is verified as in a bulk flow. */
#include "app_flow.h"

#include "../stack/base/check.h"

static void answered(struct flow_conn *c, ns_t now)
{
	struct flow *f = c->flow;
	ns_t took = now - c->asked;

	f->rpcs++;
	f->rpc_min = ns_min(f->rpc_min, took);
	f->rpc_max = ns_max(f->rpc_max, took);
	f->rpc_sum += took;
	c->round++;
	c->sent = c->got = 0;
	c->asked = now + f->gap; /* not before */
}

static void client_step(struct flow_conn *c, ns_t now)
{
	const struct flow *f = c->flow;

	while (c->round < f->count) {
		if (c->sent == 0 && now < c->asked) {
			c->due = c->asked;
			return;
		}
		if (c->sent == 0)
			c->asked = now;
		if (c->sent < f->request)
			c->sent += (uint32_t)flow_write(c, f->request - c->sent);
		c->got += (uint32_t)flow_read(c, f->response - c->got, now);
		if (c->sent < f->request || c->got < f->response)
			return;
		answered(c, now);
	}
	flow_read(c, SIZE_MAX, now); /* anything more is an error, and shows as one */
	c->end->done = true;
	stream_finish(c->s);
}

static void server_step(struct flow_conn *c, ns_t now)
{
	const struct flow *f = c->flow;

	while (c->round < f->count) {
		c->got += (uint32_t)flow_read(c, f->request - c->got, now);
		if (c->got < f->request)
			break;
		if (c->sent < f->response)
			c->sent += (uint32_t)flow_write(c, f->response - c->sent);
		if (c->sent < f->response)
			break;
		c->round++;
		c->sent = c->got = 0;
	}
	c->end->done = c->round == f->count;
	if (c->end->done)
		flow_read(c, SIZE_MAX, now);
	if (c->peer_ended)
		stream_finish(c->s);
}

void rpc_step(struct flow_conn *c, ns_t now)
{
	if (c->client)
		client_step(c, now);
	else
		server_step(c, now);
}
