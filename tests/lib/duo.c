/* See duo.h. Certificates are cached, since tests make thousands of sessions. */
#include "duo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define CACHE 64

static struct {
	char *path;
	struct tls_creds *creds;
	struct tls_anchors *anchors;
} cache[CACHE];
static size_t cached;

static size_t find(const char *path)
{
	for (size_t i = 0; i < cached; i++)
		if (strcmp(cache[i].path, path) == 0)
			return i;
	if (cached == 0)
		atexit(duo_unload);
	assert(cached < CACHE);
	cache[cached].path = strdup(path);
	assert(cache[cached].path);
	return cached++;
}

static void must(bool ok, const char *err)
{
	if (ok)
		return;
	fprintf(stderr, "%s\n", err);
	abort();
}

const struct tls_creds *duo_creds(const char *path)
{
	size_t i = find(path);
	char cert[256], key[256], err[512];

	if (!cache[i].creds) {
		snprintf(cert, sizeof(cert), "%s.pem", path);
		snprintf(key, sizeof(key), "%s.key", path);
		cache[i].creds = tls_creds_load(cert, key, err, sizeof(err));
		must(cache[i].creds != NULL, err);
	}
	return cache[i].creds;
}

const struct tls_anchors *duo_anchors(const char *path)
{
	size_t i = find(path);
	char err[512];

	if (!cache[i].anchors) {
		cache[i].anchors = tls_anchors_load(path, err, sizeof(err));
		must(cache[i].anchors != NULL, err);
	}
	return cache[i].anchors;
}

void duo_unload(void)
{
	for (size_t i = 0; i < cached; i++) {
		tls_creds_free(cache[i].creds);
		tls_anchors_free(cache[i].anchors);
		free(cache[i].path);
	}
	cached = 0;
	memset(cache, 0, sizeof(cache));
}

void duo_init(struct duo *d)
{
	memset(d, 0, sizeof(*d));
	tls_config_default(&d->cc, TLS_CLIENT);
	tls_config_default(&d->sc, TLS_SERVER);
	d->cc.creds = duo_creds(DEMO "client");
	d->sc.creds = duo_creds(DEMO "server");
	d->cc.anchors = d->sc.anchors = duo_anchors(DEMO "ca.pem");
	d->cc.server_name = "example.com";
	d->sc.client_auth = TLS_AUTH_REQUIRE;
	d->cc.unix_time = d->sc.unix_time = DUO_DATE;
	tls_make_deterministic(&d->cc, 1, "test/client");
	tls_make_deterministic(&d->sc, 1, "test/server");
}

static void wire_reset(struct duo_wire *w)
{
	w->queued = w->total = 0;
}

void duo_start(struct duo *d)
{
	char err[256] = "";

	wire_reset(&d->up);
	wire_reset(&d->down);
	d->c = tls_new(&d->cc, err, sizeof(err));
	must(d->c != NULL, err);
	d->s = tls_new(&d->sc, err, sizeof(err));
	must(d->s != NULL, err);
}

void duo_end(struct duo *d)
{
	tls_free(d->c);
	tls_free(d->s);
	d->c = d->s = NULL;
}

static void feed_queue(struct tls *to, struct duo_wire *w)
{
	size_t fed = 0;

	while (fed < w->queued) {
		size_t left = w->queued - fed, part = w->step && w->step < left ? w->step : left;
		size_t took = tls_feed(to, w->queue + fed, part);

		fed += took;
		if (took < part)
			break;
	}
	memmove(w->queue, w->queue + fed, w->queued - fed);
	w->queued -= fed;
}

bool duo_move(struct tls *from, struct tls *to, struct duo_wire *w)
{
	uint8_t buf[20000];
	size_t n = tls_pull(from, buf, sizeof(buf)), before, pass = n;

	assert(w->total + n <= DUO_WIRE && w->queued + n <= DUO_WIRE);
	memcpy(w->log + w->total, buf, n);
	if (w->flip_at > w->total && w->flip_at <= w->total + n)
		buf[w->flip_at - 1 - w->total] ^= w->flip_mask;
	if (w->is_cut && w->total + n > w->cut)
		pass = w->total < w->cut ? w->cut - w->total : 0;
	w->total += n;
	memcpy(w->queue + w->queued, buf, pass);
	w->queued += pass;
	before = w->queued;
	feed_queue(to, w);
	return n > 0 || w->queued < before;
}

void duo_shuttle(struct duo *d)
{
	bool moved;

	do {
		moved = duo_move(d->c, d->s, &d->up);
		moved |= duo_move(d->s, d->c, &d->down);
	} while (moved);
}
