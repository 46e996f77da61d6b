/* What a program that embeds the stack looks like: the public headers, libtapir.a, and nothing else.
 * Two stacks exchange a megabyte over a pair of links in memory; tests/embed.sh builds and runs it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "link.h"
#include "stack.h"

#define BYTES 1000000

static struct stack *new_host(struct pkt_pool *pool, const struct link *l, uint8_t number)
{
	struct stack_config cfg;

	stack_config_default(&cfg);
	cfg.seed = number;
	cfg.pool = pool;
	cfg.link = l->caps;
	cfg.mac = (struct mac){{2, 0, 0, 0, 0, number}};
	cfg.addr[0] = (struct stack_addr){addr_v4(0x0a000000u + number), 24};
	cfg.naddrs = 1;
	return stack_new(&cfg);
}

/* The four doors: frames in, time forward, frames out; the deadline is what the caller waits for. */
static ns_t turn(struct stack *s, struct link *l, ns_t now)
{
	struct pkt *p[32];
	size_t n = l->ops->recv(l, p, 32);

	for (size_t i = 0; i < n; i++)
		stack_input(s, p[i], now);
	stack_advance(s, now);
	while ((n = stack_output(s, now, p, 32)) > 0)
		if (l->ops->send(l, p, n) != n)
			abort(); /* the pair is deep enough */
	return stack_deadline(s);
}

int main(void)
{
	static uint8_t text[4096], got[4096];
	struct pkt_pool pool;
	struct link *end[2];
	struct stack *a, *b;
	int64_t sent = 0, received = 0, n;
	ns_t now = 0;

	memset(text, 'x', sizeof(text));
	pkt_pool_init(&pool, 0, 0); /* no limit */
	if (!link_pair(&pool, 10000, 1500, 0, end))
		return 2;
	a = new_host(&pool, end[0], 1);
	b = new_host(&pool, end[1], 2);
	sock_t listener = sock_open(b), out = sock_open(a), in = 0;
	struct addr any = {0}, to = addr_v4(0x0a000002u);

	if (sock_bind(b, listener, &any, 80) || sock_listen(b, listener, 1) || sock_connect(a, out, &to, 80))
		return 2;
	while (received < BYTES && now < 60 * SEC) {
		ns_t due_a = turn(a, end[0], now), due_b = turn(b, end[1], now), due = due_a < due_b ? due_a : due_b;

		if (sent < BYTES && (n = sock_send(a, out, text, BYTES - sent < 4096 ? (size_t)(BYTES - sent) : 4096)) > 0)
			sent += n;
		if (!in)
			in = sock_accept(b, listener);
		while (in && (n = sock_recv(b, in, got, sizeof(got))) > 0) {
			if (memcmp(got, text, (size_t)n) != 0)
				return 1;
			received += n;
		}
		now = due > now && due < now + MS ? due : now + 10 * US; /* a step; the path takes no time */
	}
	printf("%lld bytes sent, %lld received\n", (long long)sent, (long long)received);
	stack_free(a);
	stack_free(b);
	end[0]->ops->close(end[0]);
	end[1]->ops->close(end[1]);
	pkt_pool_free(&pool);
	return received == BYTES ? 0 : 1;
}
