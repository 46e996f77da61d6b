#include "app_server.h"

#include <stdlib.h>
#include <string.h>

#include "../stack/base/check.h"
#include "host.h"

#define CONNS_MAX 32768
#define TLS_CONNS_MAX 4096

static struct server *of(const struct app *a)
{
	return container_of((struct app *)(uintptr_t)a, struct server, app);
}

static int server_start(struct app *a, ns_t now)
{
	struct server *sv = of(a);
	int err = host_listen(a->host, a, &sv->cfg.addr, sv->cfg.port, sv->cfg.tls, sv->cfg.tcp,
			      &sv->listener);

	(void)now;
	sv->listening = err == 0;
	return err;
}

static void stop_listening(struct server *sv)
{
	if (sv->listening)
		host_unlisten(sv->app.host, sv->listener);
	sv->listening = false;
}

static void server_stop(struct app *a, ns_t now)
{
	(void)now;
	stop_listening(of(a));
}

/* A connection by TLS takes about 40 kB, so their number has to end before memory does. */
static bool too_many(const struct server *sv)
{
	return sv->app.conns > (sv->cfg.tls ? TLS_CONNS_MAX : CONNS_MAX);
}

static bool enough(const struct server *sv)
{
	const struct app *a = &sv->app;

	return sv->cfg.count && a->conns + a->conns_done >= sv->cfg.count;
}

static bool server_finished(const struct app *a)
{
	return a->stopping || (enough(of(a)) && a->conns == 0);
}

static void server_event(struct app *a, struct stream *s, uint32_t bits, ns_t now)
{
	struct server *sv = of(a);

	(void)now;
	if (enough(sv))
		stop_listening(sv);
	if (!s->user && too_many(sv)) {
		stream_abort(s);
	} else if (bits & STREAM_OPEN) {
		stream_log_open(&sv->cfg.log, s);
		s->user = calloc(1, sv->ops->conn_size ? sv->ops->conn_size : 1);
		if (!s->user)
			stream_abort(s);
	}
	/* What came before the end is still worth an answer of the application's. */
	if (s->user && !s->closed)
		sv->ops->event(sv, s, bits);
	if (!(bits & STREAM_CLOSED))
		return;
	if (s->user && sv->ops->over)
		sv->ops->over(sv, s);
	free(s->user);
	s->user = NULL;
	stream_log_closed(&sv->cfg.log, s);
}

static void server_free(struct app *a)
{
	struct server *sv = of(a);

	if (sv->ops->free)
		sv->ops->free(sv);
	free(sv);
}

static const struct app_ops server_ops = {
	.name = "server",
	.start = server_start,
	.event = server_event,
	.stop = server_stop,
	.finished = server_finished,
	.free = server_free,
};

struct app *server_new(const struct server_ops *ops, const struct serve_config *cfg, void *own)
{
	struct server *sv = calloc(1, sizeof(*sv));

	if (!sv)
		return NULL;
	sv->app.ops = &server_ops;
	sv->ops = ops;
	sv->cfg = *cfg;
	sv->own = own;
	return &sv->app;
}
