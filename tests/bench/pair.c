/* Two stacks on a pair of links in memory: what a segment costs, both ends together. One stream, one
 * direction, frames of 1,500 bytes, windows of 256 KiB, a clock that only counts rounds, so that two
 * runs do the same work instruction for instruction.
 *
 *   copy   the application's bytes are copied in at one end and out at the other; every frame's
 *          checksum is computed by the sender's link and verified by the receiver's stack
 *   zero   a chunk is sent by reference and the received bytes are lent; checksums stay partial
 *
 * --idle N sets up N further connections first, which then say nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../stack/base/check.h"
#include "../../stack/stack.h"
#include "../../stack/wire/csum.h"

#define WINDOW (256 * 1024)
#define BATCH 64
#define UNIT 65536 /* what the application writes and reads at once */
#define PORT 5001

struct bench {
	struct pkt_pool pool;
	struct link *end[2];
	struct stack *stack[2];
	struct addr addr[2];
	ns_t now;
	bool copy;
	uint64_t frames;
	sock_t listener, from, to;
	struct chunk *source;
	uint8_t buffer[UNIT];
	uint64_t received;
	uint64_t expect; /* sum over the bytes that must come, of those that came */
};

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *why)
{
	fprintf(stderr, "pair: %s\n", why);
	exit(1);
}

static struct stack *make_stack(struct bench *b, int i)
{
	struct stack_config cfg;

	stack_config_default(&cfg);
	cfg.seed = (uint64_t)i + 1;
	cfg.pool = &b->pool;
	cfg.link = b->end[i]->caps;
	cfg.mac = (struct mac){{2, 0, 0, 0, 0, (uint8_t)(i + 1)}};
	cfg.addr[0] = (struct stack_addr){b->addr[i], 24};
	cfg.naddrs = 1;
	cfg.max_half_open = cfg.max_socks;
	cfg.tcp.sndbuf = cfg.tcp.rcvbuf = WINDOW;
	return stack_new(&cfg);
}

/* What the wire would need: the sum in the bytes, and a receiver who knows nothing of it. */
static void as_on_the_wire(struct pkt *p)
{
	csum_complete(p);
	p->csum = CSUM_UNKNOWN;
}

static void send_all(struct bench *b, int i)
{
	struct pkt *p[BATCH];
	size_t n;

	do {
		n = stack_output(b->stack[i], b->now, p, BATCH);
		for (size_t k = 0; b->copy && k < n; k++)
			as_on_the_wire(p[k]);
		b->frames += n;
		if (b->end[i]->ops->send(b->end[i], p, n) != n)
			die("the pair is full");
	} while (n == BATCH);
}

static void take_all(struct bench *b, int i)
{
	struct pkt *p[BATCH];
	size_t n;

	while ((n = b->end[i]->ops->recv(b->end[i], p, BATCH)) > 0)
		stack_input_many(b->stack[i], p, n, b->now);
	stack_advance(b->stack[i], b->now);
}

static void write_more(struct bench *b, uint64_t *left)
{
	struct stack *s = b->stack[0];
	int64_t n;

	do {
		size_t want = *left < UNIT ? (size_t)*left : UNIT;

		if (!want)
			return;
		n = b->copy ? sock_send(s, b->from, b->source->data, want)
			    : sock_send_slice(s, b->from, b->source, 0, (uint32_t)want);
		*left -= n > 0 ? (uint64_t)n : 0;
	} while (n > 0);
}

static void read_all(struct bench *b)
{
	struct stack *s = b->stack[1];
	int64_t n;

	while (b->copy && (n = sock_recv(s, b->to, b->buffer, UNIT)) > 0)
		b->received += (uint64_t)n;
	for (size_t len; !b->copy && sock_peek(s, b->to, &len);) {
		b->received += len;
		sock_consume(s, b->to, len);
	}
}

static void round_trip(struct bench *b)
{
	b->now += 10 * US;
	for (int i = 0; i < 2; i++) {
		take_all(b, i);
		send_all(b, i);
	}
}

static sock_t connect_one(struct bench *b, sock_t *client)
{
	sock_t s = 0;

	*client = sock_open(b->stack[0]);
	if (!*client || sock_connect(b->stack[0], *client, &b->addr[1], PORT) != 0)
		die("cannot connect");
	for (int i = 0; i < 100 && !s; i++) {
		round_trip(b);
		s = sock_accept(b->stack[1], b->listener);
	}
	if (!s)
		die("not accepted");
	return s;
}

static void set_up(struct bench *b, uint32_t idle)
{
	struct addr any = {{0}};
	sock_t client;

	pkt_pool_init(&b->pool, 0, 0);
	if (!link_pair(&b->pool, 65536, 1500, 0, b->end))
		die("out of memory");
	for (int i = 0; i < 2; i++) {
		b->addr[i] = addr_v4(0x0a000001u + (uint32_t)i);
		b->stack[i] = make_stack(b, i);
	}
	b->source = chunk_new(&b->pool, CHUNK_LARGE);
	for (uint32_t i = 0; i < b->source->cap; i++)
		b->source->data[i] = (uint8_t)(i * 2654435761u >> 24);
	b->source->used = b->source->cap;
	b->listener = sock_open(b->stack[1]);
	if (sock_bind(b->stack[1], b->listener, &any, PORT) || sock_listen(b->stack[1], b->listener, 64))
		die("cannot listen");
	for (uint32_t i = 0; i < idle; i++)
		connect_one(b, &client);
	b->to = connect_one(b, &b->from);
}

static void transfer(struct bench *b, uint64_t bytes)
{
	uint64_t left = bytes, before = 0;
	int silent = 0;

	while (b->received < bytes) {
		write_more(b, &left);
		round_trip(b);
		read_all(b);
		silent = b->received > before ? 0 : silent + 1;
		before = b->received;
		if (silent > 1000000)
			die("the transfer stands still");
	}
}

int main(int argc, char **argv)
{
	struct bench b = {0};
	uint64_t bytes = argc > 2 ? strtoull(argv[2], NULL, 10) * 1000000 : 0;
	struct sock_info info;

	if (argc < 3 || (strcmp(argv[1], "copy") != 0 && strcmp(argv[1], "zero") != 0)) {
		fprintf(stderr, "usage: pair copy|zero MEGABYTES [IDLE]\n");
		return 2;
	}
	b.copy = strcmp(argv[1], "copy") == 0;
	set_up(&b, argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0);
	b.frames = 0;

	double t = cpu_seconds();

	transfer(&b, bytes);
	t = cpu_seconds() - t;
	if (sock_info(b.stack[0], b.from, &info) != 0)
		die("no figures");

	double segs = (double)bytes / info.mss;

	printf("cpu=%.4f segments=%.0f frames=%llu ns=%.1f mseg=%.3f gbit=%.2f retrans=%llu\n", t, segs,
	       (unsigned long long)b.frames, t / segs * 1e9, segs / t / 1e6,
	       (double)bytes * 8 / t / 1e9, (unsigned long long)info.bytes_retrans);
	for (int i = 0; i < 2; i++)
		stack_free(b.stack[i]);
	for (int i = 0; i < 2; i++)
		b.end[i]->ops->close(b.end[i]);
	chunk_unref(&b.pool, b.source);
	pkt_pool_free(&b.pool);
	return 0;
}
