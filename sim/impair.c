/* Frames in: below -> rx path -> host. Frames out: host -> tx path -> below. What the link below does
 * not take waits here, so that the host sees a path, not a device. */
#include "impair.h"

#include <stdio.h>
#include <stdlib.h>

#include "../stack/base/check.h"
#include "path.h"

#define BATCH 64

struct impair {
	struct link link;
	struct link *below;
	struct path *rx, *tx;
	ns_t now;
	struct pkt *held[BATCH]; /* popped from tx, not yet taken below */
	size_t nheld;
};

static struct impair *of(const struct link *l)
{
	return container_of((struct link *)(uintptr_t)l, struct impair, link);
}

static size_t impair_recv(struct link *l, struct pkt **out, size_t max)
{
	struct impair *im = of(l);
	struct pkt *in[BATCH], *p;
	size_t n = im->below->ops->recv(im->below, in, BATCH), k = 0;

	for (size_t i = 0; i < n; i++)
		path_push(im->rx, in[i], im->now);
	path_run(im->rx, im->now);
	while (k < max && (p = path_pop(im->rx)) != NULL)
		out[k++] = p;
	while (k < max && (p = path_pop_reply(im->tx)) != NULL)
		out[k++] = p;
	return k;
}

static void hand_on(struct impair *im)
{
	struct pkt *p;
	size_t n;

	do {
		while (im->nheld < BATCH && (p = path_pop(im->tx)) != NULL)
			im->held[im->nheld++] = p;
		n = im->nheld ? im->below->ops->send(im->below, im->held, im->nheld) : 0;
		im->nheld -= n;
		for (size_t i = 0; i < im->nheld; i++)
			im->held[i] = im->held[i + n];
	} while (n > 0);
}

static size_t impair_send(struct link *l, struct pkt *const *in, size_t n)
{
	struct impair *im = of(l);

	for (size_t i = 0; i < n; i++)
		path_push(im->tx, in[i], im->now);
	path_run(im->tx, im->now);
	hand_on(im);
	return n;
}

static ns_t impair_deadline(const struct link *l)
{
	const struct impair *im = of(l);

	return ns_min(path_deadline(im->rx), path_deadline(im->tx));
}

static int impair_fd(const struct link *l)
{
	const struct link *below = of(l)->below;

	return below->ops->fd ? below->ops->fd(below) : -1;
}

static void impair_close(struct link *l)
{
	struct impair *im = of(l);

	for (size_t i = 0; i < im->nheld; i++)
		pkt_free(im->held[i]);
	path_free(im->rx);
	path_free(im->tx);
	free(im);
}

static const struct link_ops impair_ops = {
	.recv = impair_recv,
	.send = impair_send,
	.deadline = impair_deadline,
	.fd = impair_fd,
	.close = impair_close,
};

struct link *impair_link(struct link *below, const char *words, uint64_t seed, char *err, size_t cap)
{
	struct impair *im = calloc(1, sizeof(*im));

	if (!im) {
		snprintf(err, cap, "out of memory");
		return NULL;
	}
	im->below = below;
	im->rx = path_parse_words("live/in", words, seed, err, cap);
	im->tx = im->rx ? path_parse_words("live/out", words, seed, err, cap) : NULL;
	if (!im->tx) {
		if (im->rx)
			path_free(im->rx);
		free(im);
		return NULL;
	}
	im->link.ops = &impair_ops;
	im->link.caps = below->caps;
	im->link.caps.tso_max = 0; /* paths carry single frames */
	return &im->link;
}

void impair_advance(struct link *l, ns_t now)
{
	struct impair *im = of(l);

	im->now = now;
	path_run(im->rx, now);
	path_run(im->tx, now);
	hand_on(im);
}

static void describe(const struct path *p, const char *way, char *to, size_t cap)
{
	const struct path_counters *c = path_counters(p);

	snprintf(to, cap,
		 "%s: %llu frames, %llu lost, %llu dropped by the queue, %llu duplicated, "
		 "%llu corrupted, %llu reordered",
		 way, (unsigned long long)c->sent, (unsigned long long)c->lost,
		 (unsigned long long)c->queue_dropped, (unsigned long long)c->duplicated,
		 (unsigned long long)c->corrupted, (unsigned long long)c->reordered);
}

void impair_report(const struct link *l, char *to, size_t cap)
{
	char in[200], out[200];

	describe(of(l)->rx, "in", in, sizeof(in));
	describe(of(l)->tx, "out", out, sizeof(out));
	snprintf(to, cap, "%s; %s", in, out);
}
