/* The two ends of a flow as applications: who connects to whom, which connection belongs to which
 * flow, and what came of it. Moving the bytes is the business of the flow's kind. */
#include "app_flow.h"

#include <stdlib.h>
#include <string.h>

#include "../stack/base/check.h"
#include "host.h"

struct flow_app {
	struct app app;
	struct list conns;
	ns_t due; /* never later than the earliest conn's */
	/* client */
	struct flow *flow;
	/* server */
	uint16_t port;
	const struct stream_tls *tls;
	const struct tcp_config *tcp;
	sock_t listener;
	struct flow **flows;
	size_t nflows, cap, nover;
};

static struct flow_app *of(const struct app *a)
{
	return container_of((struct app *)(uintptr_t)a, struct flow_app, app);
}

/* ---- flows ---- */

static void end_init(struct flow_end *e)
{
	memset(e, 0, sizeof(*e));
	e->bad_at = FLOW_ENDLESS;
	e->created = e->opened = e->first_byte = e->last_byte = e->closed = -1;
}

void flow_init(struct flow *f)
{
	memset(f, 0, sizeof(*f));
	f->stop = NS_NEVER;
	f->rpc_min = NS_NEVER;
	end_init(&f->client);
	end_init(&f->server_end);
}

static bool end_ok(const struct flow_end *e)
{
	return e->done && e->bad_at == FLOW_ENDLESS &&
	       (e->verdict == STREAM_CLEAN || e->verdict == STREAM_CLEAN_NOTE);
}

bool flow_ok(const struct flow *f)
{
	return end_ok(&f->client) && end_ok(&f->server_end);
}

bool flow_over(const struct flow *f)
{
	return f->client.closed >= 0 && (f->server_end.closed >= 0 || f->server_end.created < 0);
}

/* ---- one end's connection ---- */

static struct flow_conn *conn_new(struct flow_app *fa, struct flow *f, struct stream *s, bool client)
{
	struct flow_conn *c = calloc(1, sizeof(*c));
	uint64_t key = (uint64_t)f->id << 1;

	if (!c)
		return NULL;
	c->app = fa;
	c->flow = f;
	c->end = client ? &f->client : &f->server_end;
	c->s = s;
	c->client = client;
	c->due = NS_NEVER;
	c->write_key = client ? key : key | 1;
	c->read_key = client ? key | 1 : key;
	c->to_write = client ? f->to_server : f->to_client;
	c->to_read = client ? f->to_client : f->to_server;
	if (f->kind == FLOW_ECHO) {
		c->write_key = c->read_key = key;
		c->to_write = c->to_read = f->to_server;
	} else if (f->kind == FLOW_RPC) {
		c->to_write = f->count * (client ? f->request : f->response);
		c->to_read = f->count * (client ? f->response : f->request);
	}
	if (f->no_verify) {
		c->shared = chunk_new(s->host->pool, CHUNK_LARGE);
		if (!c->shared) {
			free(c);
			return NULL;
		}
		memset(c->shared->data, 'x', c->shared->cap);
	}
	c->end->created = s->created;
	s->user = c;
	list_push_back(&fa->conns, &c->node);
	return c;
}

static void conn_step(struct flow_conn *c, ns_t now)
{
	c->due = NS_NEVER;
	if (c->flow->kind == FLOW_RPC)
		rpc_step(c, now);
	else if (c->flow->kind == FLOW_ECHO && !c->client)
		echo_server_step(c, now);
	else
		bulk_step(c, now);
	c->app->due = ns_min(c->app->due, c->due);
}

static void note_tls(struct flow_conn *c)
{
	const struct tls_info *i = c->s->tls ? tls_info(c->s->tls) : NULL;

	if (i)
		snprintf(c->end->tls, sizeof(c->end->tls), "%s %s %s", i->version, i->suite, i->curve);
}

static void conn_over(struct flow_conn *c, ns_t now)
{
	struct flow_end *e = c->end;

	e->closed = now;
	e->verdict = c->s->verdict;
	memcpy(e->why, c->s->why, sizeof(e->why));
	e->have_info = stream_info(c->s, &e->info);
	c->app->nover++;
	c->s->user = NULL;
	list_remove(&c->node);
	if (c->shared)
		chunk_unref(c->s->host->pool, c->shared);
	free(c);
}

static void conn_event(struct flow_conn *c, uint32_t bits, ns_t now)
{
	if (bits & STREAM_OPEN) {
		c->end->opened = now;
		note_tls(c);
	}
	if (bits & STREAM_END)
		c->peer_ended = true;
	if (c->s->open)
		conn_step(c, now);
	if (bits & STREAM_CLOSED)
		conn_over(c, now);
}

size_t flow_read(struct flow_conn *c, size_t max, ns_t now)
{
	struct flow_end *e = c->end;
	size_t total = 0, n;
	const void *p;

	while (total < max && (p = stream_peek(c->s, &n)) != NULL) {
		n = n < max - total ? n : max - total;
		if (!c->flow->no_verify && e->bad_at == FLOW_ENDLESS) {
			size_t good = pattern_check(c->read_key, e->read, p, n);

			if (good < n)
				e->bad_at = e->read + good;
			else if (n > c->to_read - e->read)
				e->bad_at = c->to_read; /* more than was sent */
		}
		stream_consume(c->s, n);
		if (e->first_byte < 0)
			e->first_byte = now;
		e->last_byte = now;
		e->read += n;
		total += n;
	}
	return total;
}

/* ---- client ---- */

static int client_start(struct app *a, ns_t now)
{
	struct flow_app *fa = of(a);
	struct flow *f = fa->flow;
	int err;
	struct stream *s =
		host_connect(a->host, a, &f->server, f->port, f->client_tls, f->client_tcp, &err);

	if (s && !conn_new(fa, f, s, true)) {
		stream_abort(s);
		err = ERR_NOMEM;
	}
	if (err) {
		f->client.verdict = err == ERR_UNREACH ? STREAM_UNREACHABLE : STREAM_ABORTED;
		f->client.closed = now;
		snprintf(f->client.why, sizeof(f->client.why), "connect: %s", err_text(err));
		return err;
	}
	f->client_port = s->lport;
	f->client_addr = s->local;
	return 0;
}

static void flow_event(struct app *a, struct stream *s, uint32_t bits, ns_t now)
{
	(void)a;
	if (s->user)
		conn_event(s->user, bits, now);
}

static bool client_finished(const struct app *a)
{
	return of(a)->flow->client.closed >= 0;
}

static ns_t flow_deadline(const struct app *a)
{
	return of(a)->due;
}

static void flow_tick(struct app *a, ns_t now)
{
	struct flow_app *fa = of(a);

	fa->due = NS_NEVER;
	list_for_each(it, &fa->conns) {
		struct flow_conn *c = list_entry(it, struct flow_conn, node);

		if (c->due <= now && c->s->open && !c->s->closed)
			conn_step(c, now);
		fa->due = ns_min(fa->due, c->due);
	}
}

static void flow_free(struct app *a)
{
	struct flow_app *fa = of(a);

	assert(list_empty(&fa->conns)); /* the host has told us of each stream's end */
	free(fa->flows);
	free(fa);
}

static const struct app_ops client_ops = {
	.name = "flow client",
	.start = client_start,
	.event = flow_event,
	.deadline = flow_deadline,
	.tick = flow_tick,
	.finished = client_finished,
	.free = flow_free,
};

static struct flow_app *flow_app_new(const struct app_ops *ops)
{
	struct flow_app *fa = calloc(1, sizeof(*fa));

	if (!fa)
		return NULL;
	fa->app.ops = ops;
	fa->due = NS_NEVER;
	list_init(&fa->conns);
	return fa;
}

struct app *app_flow_client(struct flow *f)
{
	struct flow_app *fa = flow_app_new(&client_ops);

	if (!fa)
		return NULL;
	fa->flow = f;
	fa->app.start_at = f->start;
	return &fa->app;
}

/* ---- server ---- */

static int server_start(struct app *a, ns_t now)
{
	struct flow_app *fa = of(a);

	(void)now;
	return host_listen(a->host, a, NULL, fa->port, fa->tls, fa->tcp, &fa->listener);
}

static struct flow *match(struct flow_app *fa, const struct stream *s)
{
	for (size_t i = 0; i < fa->nflows; i++) {
		struct flow *f = fa->flows[i];

		if (f->client_port == s->rport && addr_eq(&f->client_addr, &s->remote) &&
		    f->server_end.created < 0)
			return f;
	}
	for (size_t i = 0; i < fa->nflows; i++)
		if (fa->flows[i]->client_port == 0 && fa->flows[i]->server_end.created < 0)
			return fa->flows[i];
	return NULL;
}

static void server_event(struct app *a, struct stream *s, uint32_t bits, ns_t now)
{
	struct flow_app *fa = of(a);

	if (!s->user) {
		struct flow *f = match(fa, s);

		if (!f || !conn_new(fa, f, s, false)) {
			stream_abort(s);
			return;
		}
	}
	conn_event(s->user, bits, now);
}

static void server_stop(struct app *a, ns_t now)
{
	(void)now;
	host_unlisten(a->host, of(a)->listener);
}

static bool server_finished(const struct app *a)
{
	return a->stopping || of(a)->nover >= of(a)->nflows;
}

static const struct app_ops server_ops = {
	.name = "flow server",
	.start = server_start,
	.event = server_event,
	.deadline = flow_deadline,
	.tick = flow_tick,
	.stop = server_stop,
	.finished = server_finished,
	.free = flow_free,
};

struct app *app_flow_server(uint16_t port, const struct stream_tls *tls,
			    const struct tcp_config *tcp)
{
	struct flow_app *fa = flow_app_new(&server_ops);

	if (!fa)
		return NULL;
	fa->port = port;
	fa->tls = tls;
	fa->tcp = tcp;
	return &fa->app;
}

bool app_flow_server_add(struct app *a, struct flow *f)
{
	struct flow_app *fa = of(a);

	if (fa->nflows == fa->cap) {
		size_t cap = fa->cap ? 2 * fa->cap : 8;
		struct flow **more = realloc(fa->flows, cap * sizeof(*more));

		if (!more)
			return false;
		fa->flows = more;
		fa->cap = cap;
	}
	fa->flows[fa->nflows++] = f;
	return true;
}
