/* A driver's bytes to one peer, and the peer's to the driver: the middle of `tapir connect`. What is
 * pushed waits in a buffer until the stream takes it; what comes stays in the stream until `out`
 * takes it, so that a slow reader of ours slows the peer and not our memory. */
#include <stdlib.h>
#include <string.h>

#include "../stack/base/check.h"
#include "../stack/wire/print.h"
#include "app.h"
#include "host.h"

#define PIPE_BUF 65536

/* TLS has no half-close: our close_notify makes the session throw away what the peer still says. So
 * at the end of our input the peer gets this long, counted from the last byte either way, to say
 * its part and end; then we end. */
#define TLS_QUIET (2 * SEC)

struct pipe_app {
	struct app app;
	struct pipe_config cfg;
	struct stream *s; /* NULL: not yet, or over */
	uint8_t buf[PIPE_BUF];
	size_t from, n;
	bool eof, peer_ended, out_blocked;
	ns_t quiet_from; /* last byte moved, either way */
	enum stream_verdict verdict;
	char why[256];
};

static struct pipe_app *of(const struct app *a)
{
	return container_of((struct app *)(uintptr_t)a, struct pipe_app, app);
}

static int pipe_start(struct app *a, ns_t now)
{
	struct pipe_app *p = of(a);
	char peer[ADDR_TEXT + 8];
	int err;

	(void)now;
	p->s = host_connect(a->host, a, &p->cfg.peer, p->cfg.port, p->cfg.tls, NULL, &err);
	if (err) {
		p->verdict = err == ERR_UNREACH ? STREAM_UNREACHABLE : STREAM_ABORTED;
		snprintf(p->why, sizeof(p->why), "%s: %s",
			 endpoint_print(peer, sizeof(peer), &p->cfg.peer, p->cfg.port),
			 err_text(err));
	}
	return err;
}

static void move_out(struct pipe_app *p, ns_t now)
{
	size_t len, n;
	const void *bytes;

	while (!p->out_blocked && (bytes = stream_peek(p->s, &len)) != NULL) {
		n = p->cfg.out(p->cfg.arg, bytes, len);
		assert(n <= len);
		if (n > 0) {
			stream_consume(p->s, n);
			p->quiet_from = now;
		}
		p->out_blocked = n < len;
	}
}

static void move_in(struct pipe_app *p, ns_t now)
{
	size_t n = p->n ? stream_write(p->s, p->buf + p->from, p->n) : 0;

	if (n > 0)
		p->quiet_from = now;
	p->from += n;
	p->n -= n;
	if (p->n == 0)
		p->from = 0;
}

static bool all_said(const struct pipe_app *p)
{
	return p->eof && p->n == 0;
}

static void pipe_event(struct app *a, struct stream *s, uint32_t bits, ns_t now)
{
	struct pipe_app *p = of(a);

	p->s = s;
	if (bits & STREAM_OPEN) {
		p->quiet_from = now;
		stream_log_open(&p->cfg.log, s);
		if (p->cfg.log.to && !p->cfg.log.json)
			stream_tell_peer(s, p->cfg.log.to);
	}
	move_out(p, now);
	if (bits & STREAM_CLOSED) {
		stream_log_closed(&p->cfg.log, s);
		p->verdict = s->verdict;
		memcpy(p->why, s->why, sizeof(p->why));
		p->s = NULL;
		return;
	}
	if (!s->open)
		return;
	move_in(p, now);
	if (bits & STREAM_END)
		p->peer_ended = true;
	if (all_said(p) ? !s->tls || p->peer_ended : p->peer_ended && s->tls)
		stream_finish(s);
}

static ns_t pipe_deadline(const struct app *a)
{
	const struct pipe_app *p = of(a);

	if (!p->s || !p->s->open || !p->s->tls || !all_said(p) || p->s->finishing || p->out_blocked)
		return NS_NEVER;
	return p->quiet_from + TLS_QUIET;
}

static void pipe_tick(struct app *a, ns_t now)
{
	if (now >= pipe_deadline(a))
		stream_finish(of(a)->s);
}

static bool pipe_finished(const struct app *a)
{
	return of(a)->verdict != STREAM_GOING_ON;
}

static const struct app_ops pipe_ops = {
	.name = "pipe",
	.start = pipe_start,
	.event = pipe_event,
	.deadline = pipe_deadline,
	.tick = pipe_tick,
	.finished = pipe_finished,
};

struct app *app_pipe(const struct pipe_config *cfg)
{
	struct pipe_app *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->app.ops = &pipe_ops;
	p->cfg = *cfg;
	return &p->app;
}

size_t app_pipe_room(const struct app *a)
{
	const struct pipe_app *p = of(a);

	return p->eof ? 0 : PIPE_BUF - p->n;
}

void app_pipe_push(struct app *a, const void *bytes, size_t len)
{
	struct pipe_app *p = of(a);

	assert(len <= app_pipe_room(a));
	if (p->from + p->n + len > PIPE_BUF) {
		memmove(p->buf, p->buf + p->from, p->n);
		p->from = 0;
	}
	memcpy(p->buf + p->from + p->n, bytes, len);
	p->n += len;
	if (p->s)
		stream_again(p->s);
}

void app_pipe_eof(struct app *a)
{
	struct pipe_app *p = of(a);

	p->eof = true;
	if (p->s)
		stream_again(p->s);
}

bool app_pipe_blocked(const struct app *a)
{
	return of(a)->out_blocked;
}

void app_pipe_writable(struct app *a)
{
	struct pipe_app *p = of(a);

	p->out_blocked = false;
	if (p->s)
		stream_again(p->s);
}

enum stream_verdict app_pipe_verdict(const struct app *a, const char **why)
{
	if (why)
		*why = of(a)->why;
	return of(a)->verdict;
}
