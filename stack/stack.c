/* The four doors. Everything that enters or leaves passes here, once past the observer. */
#include "stack_impl.h"

#include <stdlib.h>

const char *err_text(int err)
{
	static const char *const text[] = {
		[0] = "no error",
		[-ERR_AGAIN] = "not now",
		[-ERR_BADSOCK] = "no such socket",
		[-ERR_INVAL] = "invalid argument or state",
		[-ERR_INUSE] = "address in use",
		[-ERR_NOMEM] = "out of memory",
		[-ERR_ISCONN] = "already connected",
		[-ERR_NOTCONN] = "not connected",
		[-ERR_REFUSED] = "connection refused",
		[-ERR_RESET] = "connection reset by peer",
		[-ERR_TIMEDOUT] = "connection timed out",
		[-ERR_UNREACH] = "host unreachable",
		[-ERR_PIPE] = "sending after shutdown",
		[-ERR_ADDRNOTAVAIL] = "address not available",
		[-ERR_INPROGRESS] = "in progress",
		[-ERR_ALREADY] = "already in progress",
		[-ERR_ABORTED] = "aborted",
		[-ERR_OPNOTSUPP] = "operation not supported",
		[-ERR_MSGSIZE] = "message too long",
	};
	int i = err < 0 ? -err : 0;

	return (size_t)i < ARRAY_LEN(text) && text[i] ? text[i] : "unknown error";
}

struct stack *stack_new(const struct stack_config *cfg)
{
	struct stack *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->pool = cfg->pool;
	s->now = cfg->now;
	if (net_init(&s->net, cfg, &s->count) != 0) {
		free(s);
		return NULL;
	}
	tcp_init(&s->tcp, &s->net, cfg, &s->count);
	socks_init(s, cfg->max_socks);
	return s;
}

void stack_free(struct stack *s)
{
	if (!s)
		return;
	tcp_free(&s->tcp);
	net_free(&s->net);
	socks_free(s);
	free(s);
}

static void set_now(struct stack *s, ns_t now)
{
	assert(now >= s->now);
	s->now = s->tcp.now = now;
}

ns_t stack_now(const struct stack *s)
{
	return s->now;
}

/* What TCP has to look at, if anything. */
static void receive(struct stack *s, struct pkt *p, struct net_in *in)
{
	s->count.frames_in++;
	s->count.bytes_in += p->len;
	if (s->observe)
		s->observe(s->observe_arg, FRAME_IN, p, s->now);
	net_input(&s->net, p, s->now, in);
}

static void deliver(struct stack *s, const struct net_in *in)
{
	if (in->what == NET_TCP)
		tcp_input(&s->tcp, in->pkt, &in->ip);
	else if (in->what == NET_TCP_ERROR)
		tcp_icmp(&s->tcp, in);
	tcp_bury(&s->tcp);
}

void stack_input(struct stack *s, struct pkt *p, ns_t now)
{
	struct net_in in;

	set_now(s, now);
	receive(s, p, &in);
	deliver(s, &in);
}

void stack_input_many(struct stack *s, struct pkt *const *p, size_t n, ns_t now)
{
	struct gro unit;
	struct net_in in;

	if (n == 0)
		return;
	set_now(s, now);
	receive(s, p[0], &in);
	gro_begin(&unit, &in);
	for (size_t i = 1; i < n; i++) {
		receive(s, p[i], &in);
		if (gro_join(&unit, &in))
			continue;
		deliver(s, &unit.in);
		gro_begin(&unit, &in);
	}
	deliver(s, &unit.in);
}

void stack_advance(struct stack *s, ns_t now)
{
	struct net_in in;

	set_now(s, now);
	net_advance(&s->net, now);
	while (net_unreached(&s->net, &in))
		tcp_icmp(&s->tcp, &in);
	tcp_advance(&s->tcp, now);
	tcp_bury(&s->tcp);
}

size_t stack_output(struct stack *s, ns_t now, struct pkt **out, size_t max)
{
	size_t n = 0;

	set_now(s, now);
	while (n < max) {
		tcp_emit_all(&s->tcp, max - n);
		size_t got = net_output(&s->net, now, out + n, max - n);

		if (!got)
			break;
		for (size_t i = n; i < n + got; i++) {
			out[i]->id = ++s->frame_id;
			s->count.frames_out++;
			s->count.bytes_out += out[i]->len;
			if (s->observe)
				s->observe(s->observe_arg, FRAME_OUT, out[i], now);
		}
		n += got;
	}
	tcp_bury(&s->tcp);
	return n;
}

ns_t stack_deadline(const struct stack *s)
{
	if (s->net.nout || !list_empty(&s->net.unreached) || !list_empty(&s->net.out) || !list_empty(&s->net.cut))
		return s->now;
	return ns_min(net_deadline(&s->net), tcp_deadline(&s->tcp));
}

void stack_observe(struct stack *s, frame_fn *fn, void *arg)
{
	s->observe = fn;
	s->observe_arg = arg;
}

void stack_probe(struct stack *s, probe_fn *fn, void *arg)
{
	s->tcp.probe = fn;
	s->tcp.probe_arg = arg;
}

const struct stack_counters *stack_counters(const struct stack *s)
{
	return &s->count;
}

bool stack_check(const struct stack *s, char *why, size_t cap)
{
	return tcp_check(&s->tcp, why, cap);
}

int stack_ao_add(struct stack *s, const struct ao_key *k)
{
	return tcp_ao_add(&s->tcp, k);
}

int stack_ao_remove(struct stack *s, const struct ao_key *k)
{
	return tcp_ao_remove(&s->tcp, k);
}

void stack_fail_alloc(struct stack *s, uint32_t n)
{
	s->tcp.ao.states.fail_in = n;
	s->tcp.tcbs.fail_in = n;
	s->tcp.tws.fail_in = n;
	s->tcp.cc_states.fail_in = n;
}

void stack_flush(struct stack *s)
{
	struct list *n;

	while ((n = list_first(&s->tcp.tw_age)))
		tcp_tw_free(&s->tcp, list_entry(n, struct tcb_tw, age));
	net_flush(&s->net);
}
