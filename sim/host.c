/* One turn of a host, and who is called in it. What this file decides: the order within an instant,
 * which streams get a call, and what waits for the next turn.
 *
 * Invariants: a stream is in `ready` exactly when it may have news; an application's wheel entry is
 * at its deadline whenever no call into it is under way; `held` is empty before the stack is asked
 * for more frames, so frames never overtake each other here. */
#include "host.h"

#include <stdlib.h>
#include <string.h>

#include "../stack/base/check.h"
#include "capture.h"

#define BACKLOG 4096 /* as many as may be half open at once: beyond, SYN cookies, and who loses its first data is reset */

struct listener {
	struct list node;
	struct app *app;
	sock_t sock;
	const struct stream_tls *tls;
};

struct host *host_new(const struct host_config *cfg)
{
	struct host *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->stack = stack_new(&cfg->stack);
	if (!h->stack) {
		free(h);
		return NULL;
	}
	strncpy(h->name, cfg->name ? cfg->name : "host", sizeof(h->name) - 1);
	h->link = cfg->link;
	h->capture = cfg->capture;
	h->capture_keys = cfg->capture_keys;
	h->keylog = cfg->keylog;
	h->keylog_arg = cfg->keylog_arg;
	h->pool = cfg->stack.pool;
	h->now = cfg->stack.now;
	list_init(&h->apps);
	list_init(&h->streams);
	list_init(&h->ready);
	list_init(&h->listeners);
	wheel_init(&h->stream_timers, h->now);
	wheel_init(&h->app_timers, h->now);
	if (h->capture)
		capture_attach(h->capture, h->stack);
	return h;
}

/* ---- applications ---- */

/* To be called after each call into an application: its deadline and its end may have moved. */
static void app_settle(struct app *a)
{
	struct host *h = a->host;
	ns_t due = NS_NEVER;

	if (!a->done && a->started &&
	    (a->failed || (a->ops->finished ? a->ops->finished(a) : a->stopping))) {
		a->done = true;
		assert(h->apps_going > 0);
		h->apps_going--;
	}
	if (!a->started)
		due = a->start_at;
	else if (a->ops->deadline && !a->failed)
		due = a->ops->deadline(a);
	if (due == NS_NEVER)
		wheel_remove(&h->app_timers, &a->timer);
	else
		wheel_add(&h->app_timers, &a->timer, due);
}

void host_add_app(struct host *h, struct app *a)
{
	assert(!a->host);
	a->host = h;
	a->started = a->stopping = a->done = false;
	a->failed = 0;
	wheel_entry_init(&a->timer);
	list_push_back(&h->apps, &a->node);
	h->apps_going++;
	app_settle(a);
}

static void app_tick(struct app *a)
{
	struct host *h = a->host;

	if (!a->started) {
		a->started = true;
		a->failed = a->ops->start(a, h->now);
	} else if (a->ops->tick && !a->failed) {
		a->ops->tick(a, h->now);
	}
	app_settle(a);
}

static void app_stop(struct app *a)
{
	if (a->stopping)
		return;
	a->stopping = true;
	if (!a->started) {
		a->started = true;
		a->failed = ERR_ABORTED;
	} else if (a->ops->stop && !a->failed) {
		a->ops->stop(a, a->host->now);
	}
	app_settle(a);
}

static void app_free(struct app *a)
{
	wheel_remove(&a->host->app_timers, &a->timer);
	list_remove(&a->node);
	if (a->ops->free)
		a->ops->free(a);
	else
		free(a);
}

/* ---- listeners and streams ---- */

static struct stream *add_stream(struct host *h, struct app *a, sock_t sock, bool accepted,
				 const struct stream_tls *tls)
{
	struct stream *s = stream_new(h, a, sock, accepted, tls, h->now);

	if (!s)
		return NULL;
	a->conns++;
	list_push_back(&h->streams, &s->node);
	return s;
}

int host_listen(struct host *h, struct app *a, const struct addr *addr, uint16_t port,
		const struct stream_tls *tls, const struct tcp_config *tcp, sock_t *listener)
{
	static const struct addr any;
	struct listener *l = calloc(1, sizeof(*l));
	sock_t sock = l ? sock_open(h->stack) : 0;
	int err = sock ? 0 : ERR_NOMEM;

	if (!err && tcp)
		err = sock_configure(h->stack, sock, tcp);
	if (!err)
		err = sock_bind(h->stack, sock, addr ? addr : &any, port);
	if (!err)
		err = sock_listen(h->stack, sock, BACKLOG);
	if (err) {
		if (sock)
			sock_close(h->stack, sock);
		free(l);
		return err;
	}
	l->app = a;
	l->sock = sock;
	l->tls = tls;
	list_push_back(&h->listeners, &l->node);
	sock_set_user(h->stack, sock, l);
	if (listener)
		*listener = sock;
	return 0;
}

static void free_listener(struct host *h, struct listener *l)
{
	list_remove(&l->node);
	sock_close(h->stack, l->sock);
	free(l);
}

void host_unlisten(struct host *h, sock_t sock)
{
	list_for_each_safe(it, tmp, &h->listeners) {
		struct listener *l = list_entry(it, struct listener, node);

		if (l->sock == sock)
			free_listener(h, l);
	}
}

struct stream *host_connect(struct host *h, struct app *a, const struct addr *addr, uint16_t port,
			    const struct stream_tls *tls, const struct tcp_config *tcp, int *err)
{
	sock_t sock = sock_open(h->stack);

	*err = sock ? 0 : ERR_NOMEM;
	if (!*err && tcp)
		*err = sock_configure(h->stack, sock, tcp);
	int64_t fastopen = 0;

	/* A host with the switch wants it of every connection: the applications here may say things twice. */
	if (!*err && sock_get(h->stack, sock, OPT_FASTOPEN, &fastopen) == 0 && fastopen)
		*err = sock_set(h->stack, sock, OPT_FASTOPEN, 1);
	if (!*err) {
		int r = sock_connect(h->stack, sock, addr, port);

		*err = r == ERR_INPROGRESS ? 0 : r;
	}
	if (*err) {
		if (sock)
			sock_abort(h->stack, sock);
		return NULL;
	}
	struct stream *s = add_stream(h, a, sock, false, tls);

	if (!s)
		*err = ERR_NOMEM;
	return s;
}

static void accept_all(struct host *h, struct listener *l)
{
	sock_t sock;

	while ((sock = sock_accept(h->stack, l->sock)) != 0)
		add_stream(h, l->app, sock, true, l->tls);
}

static void count_end(struct app *a, const struct stream *s)
{
	assert(a->conns > 0);
	a->conns--;
	a->conns_done++;
	if (s->verdict == STREAM_CLEAN || s->verdict == STREAM_CLEAN_NOTE)
		return;
	a->conns_bad++;
	if (a->first_bad == STREAM_GOING_ON)
		a->first_bad = s->verdict;
}

/* Calls the application while the stream has news, a few times: what it writes may be encrypted and
 * leave room at once, what it reads may let the next record in. */
static void run_stream(struct host *h, struct stream *s)
{
	struct app *a = s->app;
	uint32_t bits = 0;

	list_remove(&s->ready);
	for (int i = 0; i < HOST_ROUNDS; i++) {
		bits = stream_turn(s, h->now);
		if (!bits)
			break;
		if (bits & STREAM_CLOSED)
			count_end(a, s);
		a->ops->event(a, s, bits, h->now);
		if (bits & STREAM_CLOSED) {
			stream_free(s);
			break;
		}
	}
	if (bits && !(bits & STREAM_CLOSED) && list_alone(&s->ready))
		list_push_back(&h->ready, &s->ready);
	app_settle(a);
}

/* Listeners first: an accepted socket's own event may stand in the same batch. */
static size_t take_events(struct host *h)
{
	struct sock_event ev[HOST_BATCH];
	size_t n = stack_events(h->stack, ev, HOST_BATCH);

	for (size_t i = 0; i < n; i++)
		if ((ev[i].bits & SOCK_ACCEPTABLE) && ev[i].user)
			accept_all(h, ev[i].user);
	for (size_t i = 0; i < n; i++) {
		void *user = sock_user(h->stack, ev[i].sock);

		if (user && !(ev[i].bits & SOCK_ACCEPTABLE))
			stream_sock_event(user, ev[i].bits, h->now);
	}
	return n;
}

static void expire(struct host *h)
{
	struct wheel_entry *e;

	while ((e = wheel_expire(&h->app_timers, h->now)) != NULL) {
		app_tick(container_of(e, struct app, timer));
		/* An application that wants to be called at once is called in the next round. */
		if (e->due <= h->now) {
			h->more = true;
			break;
		}
	}
	while ((e = wheel_expire(&h->stream_timers, h->now)) != NULL)
		stream_timeout(container_of(e, struct stream, timer), h->now);
}

static void host_run_apps(struct host *h)
{
	for (int round = 0; round < HOST_ROUNDS; round++) {
		struct list batch;
		size_t n;

		h->more = false;
		expire(h);
		n = take_events(h);
		if (n == HOST_BATCH)
			h->more = true;
		if (list_empty(&h->ready) && !h->more)
			return;
		/* Those that are ready now; who becomes ready meanwhile comes in the next round. */
		list_init(&batch);
		if (!list_empty(&h->ready)) {
			list_insert_before(h->ready.next, &batch);
			list_remove(&h->ready);
		}
		for (struct list *it; (it = list_first(&batch)) != NULL;)
			run_stream(h, list_entry(it, struct stream, ready));
	}
	h->more = true;
}

/* ---- frames ---- */

static bool send_held(struct host *h)
{
	while (h->nheld > 0) {
		size_t n = h->link->ops->send(h->link, h->held + h->held_from, h->nheld);

		assert(n <= h->nheld);
		h->frames_out += n;
		h->held_from += n;
		h->nheld -= n;
		if (n == 0)
			return false;
	}
	return true;
}

static void host_flush(struct host *h)
{
	while (send_held(h)) {
		h->held_from = 0;
		h->nheld = stack_output(h->stack, h->now, h->held, HOST_BATCH);
		if (h->nheld == 0)
			return;
	}
}

void host_turn(struct host *h, ns_t now, struct pkt **in, size_t n)
{
	assert(now >= h->now);
	h->now = now;
	h->turns++;
	h->frames_in += n;
	stack_input_many(h->stack, in, n, now);
	stack_advance(h->stack, now);
	host_run_apps(h);
	host_flush(h);
}

ns_t host_deadline(const struct host *h)
{
	ns_t due = stack_deadline(h->stack);

	if (h->more || !list_empty(&h->ready))
		return h->now;
	due = ns_min(due, wheel_deadline(&h->app_timers));
	due = ns_min(due, wheel_deadline(&h->stream_timers));
	if (h->link->ops->deadline)
		due = ns_min(due, h->link->ops->deadline(h->link));
	return due;
}

bool host_blocked(const struct host *h)
{
	return h->nheld > 0;
}

bool host_finished(const struct host *h)
{
	return h->apps_going == 0 && list_empty(&h->streams);
}

void host_stop(struct host *h)
{
	list_for_each(it, &h->apps)
		app_stop(list_entry(it, struct app, node));
	list_for_each(it, &h->streams)
		stream_close(list_entry(it, struct stream, node));
}

void host_free(struct host *h)
{
	struct list *it;

	while ((it = list_first(&h->streams)) != NULL) {
		struct stream *s = list_entry(it, struct stream, node);

		stream_end(s, STREAM_ABORTED, h->now);
		count_end(s->app, s);
		s->app->ops->event(s->app, s, STREAM_CLOSED, h->now);
		stream_free(s);
	}
	while ((it = list_first(&h->listeners)) != NULL)
		free_listener(h, list_entry(it, struct listener, node));
	while ((it = list_first(&h->apps)) != NULL)
		app_free(list_entry(it, struct app, node));
	for (size_t i = 0; i < h->nheld; i++)
		pkt_free(h->held[h->held_from + i]);
	stack_free(h->stack);
	free(h);
}

uint32_t host_ao_set(struct host *h, int current, int rnext)
{
	uint32_t n = 0;

	list_for_each(it, &h->streams)
		n += sock_ao_set(h->stack, list_entry(it, struct stream, node)->sock, current, rnext) == 0;
	return n;
}
