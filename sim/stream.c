/* A byte stream over a socket, plain or by tls.h. What this file decides: when there is news for
 * the application, when a stream is over, and with which verdict.
 *
 * Plain: over when both FINs are acknowledged and all is read, or with the socket's error. TLS: over
 * when tls_turn says that the transport is done, all is read, and the socket is over as well (or 2 s
 * have passed), so that nothing of ours is left on its way. */
#include "stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../stack/base/check.h"
#include "../stack/wire/print.h"
#include "app.h"
#include "capture.h"
#include "host.h"

/* How long a peer may take to end its direction after stream_close, once our data are through. */
#define DRAIN_LIMIT (2 * SEC)
/* When the pool is empty there is room by the socket's account, but no chunk to hold the bytes. */
#define STARVED_RETRY MS

static const struct {
	const char *name;
	int exit_code;
} verdicts[STREAM_VERDICTS] = {
	[STREAM_GOING_ON] = {"going on", 1},
	[STREAM_CLEAN] = {"clean", 0},
	[STREAM_CLEAN_NOTE] = {"clean with a note", 0},
	[STREAM_TRUNCATED] = {"truncated", 4},
	[STREAM_REFUSED] = {"refused", 1},
	[STREAM_RESET] = {"reset", 1},
	[STREAM_UNREACHABLE] = {"unreachable", 1},
	[STREAM_TIMEOUT] = {"timeout", 5},
	[STREAM_TLS_ERROR] = {"TLS error", 3},
	[STREAM_ABORTED] = {"aborted", 1},
};

const char *stream_verdict_name(enum stream_verdict v)
{
	assert(v < STREAM_VERDICTS);
	return verdicts[v].name;
}

int stream_exit_code(enum stream_verdict v)
{
	assert(v < STREAM_VERDICTS);
	return verdicts[v].exit_code;
}

void stream_tls_by_seed(void *seed, const struct stream *s, struct tls_config *cfg)
{
	char name[96];

	snprintf(name, sizeof(name), "host/%s/stream/%u/%s", s->host->name, s->id,
		 s->accepted ? "server" : "client");
	tls_make_deterministic(cfg, *(const uint64_t *)seed, name);
}

/* ---- making and ending ---- */

static void arm(struct stream *s)
{
	ns_t due = s->tls && s->connected ? tls_deadline(s->tls) : NS_NEVER;

	due = ns_min(due, s->drain_until);
	if (s->idle_limit && !s->draining)
		due = ns_min(due, s->moved_at + s->idle_limit);
	if (s->starved_until > s->host->now)
		due = ns_min(due, s->starved_until);
	if (due == NS_NEVER || s->closed)
		wheel_remove(&s->host->stream_timers, &s->timer);
	else if (due != s->timer.due)
		wheel_add(&s->host->stream_timers, &s->timer, due);
}

static void want_turn(struct stream *s)
{
	if (list_alone(&s->ready))
		list_push_back(&s->host->ready, &s->ready);
}

static bool start_tls(struct stream *s, const struct stream_tls *how, ns_t now)
{
	struct tls_config cfg = how->config;

	how->prepare(how->arg, s, &cfg);
	cfg.now = now;
	s->tls = tls_new(&cfg, s->why, sizeof(s->why));
	memset(cfg.entropy, 0, sizeof(cfg.entropy));
	return s->tls != NULL;
}

void stream_end(struct stream *s, enum stream_verdict v, ns_t now)
{
	if (s->closed)
		return;
	s->closed = true;
	s->closed_at = now;
	s->verdict = v;
	s->news |= STREAM_CLOSED;
	wheel_remove(&s->host->stream_timers, &s->timer);
	want_turn(s);
}

/* `why` is kept if something has said it already. */
static void end_with_error(struct stream *s, int err, ns_t now)
{
	char peer[ADDR_TEXT + 8];
	enum stream_verdict v;

	switch (err) {
	case ERR_REFUSED:
		v = STREAM_REFUSED;
		break;
	case ERR_TIMEDOUT:
		v = STREAM_TIMEOUT;
		break;
	case ERR_UNREACH:
		v = STREAM_UNREACHABLE;
		break;
	case ERR_ABORTED:
		v = STREAM_ABORTED;
		break;
	default:
		v = STREAM_RESET;
	}
	endpoint_print(peer, sizeof(peer), &s->remote, s->rport);
	if (!s->why[0])
		snprintf(s->why, sizeof(s->why), "%s: %s", peer, err_text(err));
	stream_end(s, v, now);
}

struct stream *stream_new(struct host *h, struct app *app, sock_t sock, bool accepted,
			  const struct stream_tls *tls, ns_t now)
{
	struct stream *s = calloc(1, sizeof(*s));
	struct sock_info info = {.state = TCP_CLOSED};

	if (!s) {
		sock_abort(h->stack, sock);
		return NULL;
	}
	s->host = h;
	s->app = app;
	s->stack = h->stack;
	s->sock = sock;
	s->id = ++h->next_stream_id;
	s->created = now;
	s->opened = s->ended_at = s->closed_at = -1;
	s->drain_until = NS_NEVER;
	s->accepted = s->connected = accepted;
	list_init(&s->node);
	list_init(&s->ready);
	wheel_entry_init(&s->timer);
	sock_set_user(h->stack, sock, s);
	if (sock_info(h->stack, sock, &info) == 0) {
		s->local = info.local;
		s->remote = info.remote;
		s->lport = info.lport;
		s->rport = info.rport;
		/* What happened before the accept has no event for us. */
		s->fin_seen = info.state == TCP_CLOSE_WAIT || info.state == TCP_CLOSING ||
			      info.state == TCP_LAST_ACK || info.state == TCP_TIME_WAIT;
	}
	if (info.state == TCP_CLOSED) {
		int err = sock_error(h->stack, sock);

		end_with_error(s, err ? err : ERR_RESET, now);
	}
	if (tls && !start_tls(s, tls, now))
		stream_end(s, STREAM_TLS_ERROR, now);
	want_turn(s);
	return s;
}

void stream_free(struct stream *s)
{
	wheel_remove(&s->host->stream_timers, &s->timer);
	list_remove(&s->ready);
	list_remove(&s->node);
	if (s->verdict == STREAM_CLEAN || s->verdict == STREAM_CLEAN_NOTE)
		sock_close(s->stack, s->sock);
	else
		sock_abort(s->stack, s->sock);
	tls_free(s->tls);
	free(s);
}

/* ---- moving bytes ---- */

const void *stream_peek(struct stream *s, size_t *len)
{
	const void *p = s->tls ? tls_read_peek(s->tls, len) : sock_peek(s->stack, s->sock, len);

	if (!p || *len == 0) {
		s->read_told = false;
		return NULL;
	}
	return p;
}

void stream_consume(struct stream *s, size_t len)
{
	s->bytes_in += len;
	s->moved_at = s->host->now;
	if (!s->tls) {
		sock_consume(s->stack, s->sock, len);
		if (s->fin_seen)
			want_turn(s);
		return;
	}
	tls_read_consume(s->tls, len);
	/* The next record can be let in only when this one is read: that takes a pump. */
	s->read_told = false;
	want_turn(s);
}

/* Bytes could not go although the socket has room: try again a little later. */
static void look_for_famine(struct stream *s)
{
	if (!s->open || s->finishing || s->closed || sock_writable(s->stack, s->sock) == 0)
		return;
	if (s->tls && !tls_pull_peek(s->tls, &(size_t){0}))
		return;
	s->starved_until = s->host->now + STARVED_RETRY;
	arm(s);
}

void *stream_reserve(struct stream *s, size_t *len)
{
	void *p = NULL;

	assert(*len > 0);
	if (s->open && !s->finishing && !s->closed)
		p = s->tls ? tls_write_reserve(s->tls, len) : sock_reserve(s->stack, s->sock, len);
	if (p && *len > 0)
		return p;
	*len = 0;
	s->write_wanted = true;
	look_for_famine(s);
	return NULL;
}

void stream_commit(struct stream *s, size_t len)
{
	s->bytes_out += len;
	s->moved_at = s->host->now;
	if (!s->tls) {
		sock_commit(s->stack, s->sock, len);
		return;
	}
	tls_write_commit(s->tls, len);
	want_turn(s);
}

size_t stream_read(struct stream *s, void *to, size_t cap)
{
	size_t done = 0, n;
	const void *p;

	while (done < cap && (p = stream_peek(s, &n)) != NULL) {
		n = n < cap - done ? n : cap - done;
		memcpy((char *)to + done, p, n);
		stream_consume(s, n);
		done += n;
	}
	return done;
}

size_t stream_write(struct stream *s, const void *from, size_t len)
{
	size_t done = 0, n;
	void *p;

	while (done < len && (n = len - done, p = stream_reserve(s, &n)) != NULL) {
		n = n < len - done ? n : len - done;
		memcpy(p, (const char *)from + done, n);
		stream_commit(s, n);
		done += n;
	}
	return done;
}

size_t stream_write_chunk(struct stream *s, struct chunk *c, uint32_t off, uint32_t len)
{
	int64_t n;

	assert(off <= c->cap && len <= c->cap - off);
	if (s->tls)
		return stream_write(s, c->data + off, len);
	if (!s->open || s->finishing || s->closed)
		return 0;
	n = sock_send_slice(s->stack, s->sock, c, off, len);
	if (n <= 0) {
		s->write_wanted = true;
		look_for_famine(s);
		return 0;
	}
	s->bytes_out += (uint64_t)n;
	s->moved_at = s->host->now;
	if ((uint64_t)n < len)
		s->write_wanted = true;
	return (size_t)n;
}

/* ---- ending by the application ---- */

void stream_finish(struct stream *s)
{
	if (s->finishing || s->closed)
		return;
	s->finishing = true;
	if (s->tls) {
		tls_advance(s->tls, s->host->now); /* the peer's time to answer begins now */
		tls_close(s->tls);
	} else {
		sock_shutdown(s->stack, s->sock);
	}
	want_turn(s);
}

void stream_close(struct stream *s)
{
	if (s->draining || s->closed)
		return;
	if (!s->connected) { /* nothing was said, so there is nothing to end in order */
		stream_abort(s);
		return;
	}
	stream_finish(s);
	s->draining = true;
	s->drain_until = s->host->now + DRAIN_LIMIT;
	arm(s);
}

void stream_abort(struct stream *s)
{
	stream_end(s, STREAM_ABORTED, s->host->now);
}

void stream_again(struct stream *s)
{
	s->again = true;
	want_turn(s);
}

void stream_idle_limit(struct stream *s, ns_t limit)
{
	s->idle_limit = limit;
	s->moved_at = s->host->now;
	arm(s);
}

void stream_tell_peer(const struct stream *s, FILE *to)
{
	size_t len = s->tls ? tls_peer_text(s->tls, NULL, 0) : 0;
	char *text = len ? malloc(len + 1) : NULL;

	if (!text)
		return;
	tls_peer_text(s->tls, text, len + 1);
	fprintf(to, "Peer: %s\n", text);
	fflush(to);
	free(text);
}

bool stream_info(const struct stream *s, struct sock_info *info)
{
	return sock_info(s->stack, s->sock, info) == 0;
}

/* ---- what the host tells ---- */

void stream_sock_event(struct stream *s, uint32_t bits, ns_t now)
{
	if (s->closed)
		return;
	if (bits & SOCK_CONNECTED)
		s->connected = true;
	if (bits & SOCK_FIN)
		s->fin_seen = true;
	if (bits & SOCK_CLOSED)
		s->sock_over = s->fin_seen = true;
	/* An error of an established TLS connection is the session's to judge: it may be over already. */
	if ((bits & SOCK_ERROR) && !(s->tls && s->connected)) {
		int err = sock_error(s->stack, s->sock);

		end_with_error(s, err ? err : ERR_RESET, now);
	}
	if (bits & SOCK_ERROR)
		s->sock_over = true;
	want_turn(s);
}

static void discard_unread(struct stream *s)
{
	size_t n;

	while (stream_peek(s, &n))
		stream_consume(s, n);
}

static bool has_unread(struct stream *s)
{
	size_t n;
	bool told = s->read_told;
	bool yes = stream_peek(s, &n) != NULL;

	s->read_told = told && yes;
	return yes;
}

static bool has_room(struct stream *s)
{
	size_t n;

	if (s->finishing || s->host->now < s->starved_until)
		return false;
	return s->tls ? tls_write_reserve(s->tls, &n) != NULL : sock_writable(s->stack, s->sock) > 0;
}

static void came_up(struct stream *s, ns_t now)
{
	s->open = true;
	s->opened = now;
	s->news |= STREAM_OPEN | STREAM_WRITABLE;
	s->write_wanted = false;
}

static void plain_turn(struct stream *s, ns_t now)
{
	if (!s->connected)
		return;
	if (!s->open)
		came_up(s, now);
	if (s->draining)
		discard_unread(s);
	if (s->fin_seen && !s->ended && !has_unread(s)) {
		s->ended = true;
		s->ended_at = now;
		s->news |= STREAM_END;
	}
	if (s->ended && s->sock_over)
		stream_end(s, STREAM_CLEAN, now);
}

/* A session's key log line goes out as soon as it is known, once. */
static void tell_keys(struct stream *s)
{
	const char *line = s->keys_told ? NULL : tls_keylog_line(s->tls);
	struct host *h = s->host;

	if (!line)
		return;
	s->keys_told = true;
	if (h->keylog)
		h->keylog(h->keylog_arg, line);
	if (h->capture && h->capture_keys)
		capture_keys(h->capture, line, strlen(line));
}

static void end_by_tls(struct stream *s, ns_t now)
{
	static const enum stream_verdict map[] = {
		[TLS_UNDECIDED] = STREAM_ABORTED,
		[TLS_CLEAN] = STREAM_CLEAN,
		[TLS_NO_NOTIFY] = STREAM_CLEAN_NOTE,
		[TLS_TRUNCATED] = STREAM_TRUNCATED,
		[TLS_RESET] = STREAM_RESET,
		[TLS_TIMEOUT] = STREAM_TIMEOUT,
		[TLS_ERROR] = STREAM_TLS_ERROR,
	};
	enum tls_verdict v = tls_verdict(s->tls);

	if (v != TLS_CLEAN && !s->why[0])
		snprintf(s->why, sizeof(s->why), "%s", tls_text(s->tls));
	stream_end(s, map[v], now);
}

static void tls_stream_turn(struct stream *s, ns_t now)
{
	bool done;

	if (!s->connected)
		return;
	done = tls_turn(s->tls, s->stack, s->sock);
	if (tls_pull_peek(s->tls, &(size_t){0}) && sock_writable(s->stack, s->sock) > 0)
		s->starved_until = now + STARVED_RETRY;
	tell_keys(s);
	if (!s->open && tls_info(s->tls) && tls_verdict(s->tls) != TLS_ERROR)
		came_up(s, now);
	if (s->draining)
		discard_unread(s);
	if (!s->ended && tls_state(s->tls) >= TLS_CLOSING && tls_verdict(s->tls) == TLS_CLEAN &&
	    !has_unread(s)) {
		s->ended = true;
		s->ended_at = now;
		s->news |= STREAM_END;
	}
	if (done && !has_unread(s)) {
		if (s->sock_over) {
			end_by_tls(s, now);
			return;
		}
		/* The session is over; the socket's last acknowledgements are worth a short wait. */
		s->draining = true;
		if (s->drain_until == NS_NEVER)
			s->drain_until = now + DRAIN_LIMIT;
	}
	arm(s);
}

uint32_t stream_turn(struct stream *s, ns_t now)
{
	uint32_t bits;

	if (!s->closed) {
		if (s->tls)
			tls_stream_turn(s, now);
		else
			plain_turn(s, now);
	}
	if (!s->closed && s->open && !s->draining) {
		if (s->again) {
			s->news |= STREAM_READABLE | STREAM_WRITABLE;
		} else {
			if (!s->read_told && has_unread(s))
				s->news |= STREAM_READABLE;
			if (s->write_wanted && has_room(s))
				s->news |= STREAM_WRITABLE;
		}
		s->again = false;
	}
	bits = s->news;
	s->news = 0;
	if (bits & STREAM_READABLE)
		s->read_told = true;
	if (bits & STREAM_WRITABLE)
		s->write_wanted = false;
	return bits;
}

void stream_timeout(struct stream *s, ns_t now)
{
	struct sock_info info;

	if (s->closed)
		return;
	want_turn(s);
	if (s->idle_limit && !s->draining && now >= s->moved_at + s->idle_limit) {
		snprintf(s->why, sizeof(s->why), "idle for %lld s", (long long)(s->idle_limit / SEC));
		stream_close(s);
		return;
	}
	if (now < s->drain_until) {
		/* Plain: a later hour of idleness. TLS: a limit of the session's, on which the coming
		 * turn acts, and which it arms anew. */
		if (!s->tls)
			arm(s);
		return;
	}
	if (s->tls && !tls_done(s->tls)) {
		s->drain_until = now + DRAIN_LIMIT; /* its own limits come first, and are as short */
		return;
	}
	/* Our own data may need longer than the peer's manners: retransmission bounds that. */
	if (stream_info(s, &info) && info.snd_una != info.snd_max) {
		s->drain_until = now + DRAIN_LIMIT;
		arm(s);
		return;
	}
	if (s->tls) {
		end_by_tls(s, now);
		return;
	}
	if (!s->why[0])
		snprintf(s->why, sizeof(s->why), "the peer did not end its direction within 2 s");
	stream_end(s, STREAM_CLEAN_NOTE, now);
}
