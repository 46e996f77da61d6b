/* The pump between one session and one socket. It knows three things that neither side knows of the
 * other: that bytes which the session does not take stay in the receive queue, so that the window
 * closes; that our FIN goes behind the last record; and that a socket must be drained to the peer's
 * FIN before it is closed, or an alert just sent would be destroyed by a reset (RFC 2525 2.17). */
#include "session.h"

static void transport_error(struct tls *t, int err)
{
	switch (err) {
	case ERR_RESET:
	case ERR_REFUSED:
	case ERR_ABORTED:
	case ERR_BADSOCK:
		tls_reset_by_peer(t);
		return;
	case ERR_TIMEDOUT:
	case ERR_UNREACH:
		tls_timed_out(t);
		return;
	default: /* not now, not yet connected, already shut down: nothing new */
		return;
	}
}

static bool send_some(struct tls *t, struct stack *s, sock_t sock)
{
	size_t len;
	const void *p = tls_pull_peek(t, &len);

	if (!p)
		return false;
	int64_t n = sock_send(s, sock, p, len);

	/* A reset may have come right behind an alert that says why: what can still be read is read
	 * first, and the error then comes from there. */
	if (n < 0 && t->eof)
		transport_error(t, (int)n);
	if (n <= 0)
		return false;
	tls_pull_consume(t, (size_t)n);
	return true;
}

static bool receive_some(struct tls *t, struct stack *s, sock_t sock)
{
	size_t len;
	const void *p = sock_peek(s, sock, &len);
	uint8_t none[1];

	if (p && len > 0) {
		size_t n = tls_feed(t, p, len);

		if (n > 0)
			sock_consume(s, sock, n);
		return n > 0;
	}
	/* Nothing to read: the end, an error, or just nothing? */
	int64_t n = sock_recv(s, sock, none, sizeof(none));

	if (n == 0)
		tls_eof(t);
	else if (n < 0)
		transport_error(t, (int)n);
	return false;
}

/* The peer's time to answer begins when it has all that we said. */
static void hold_the_clock(struct tls *t, struct stack *s, sock_t sock)
{
	struct sock_info info;

	if (t->linger_until != NS_NEVER && sock_info(s, sock, &info) == 0 &&
	    (info.notsent > 0 || info.snd_una != info.snd_nxt))
		t->linger_until = ns_add(t->now, t->close_limit);
}

bool tls_turn(struct tls *t, struct stack *s, sock_t sock)
{
	size_t len;
	bool moved;

	t->now = ns_max(t->now, stack_now(s));
	hold_the_clock(t, s, sock);
	do {
		moved = send_some(t, s, sock);
		if (!t->eof)
			moved |= receive_some(t, s, sock);
	} while (moved);
	tls_advance(t, t->now); /* after the bytes: what is here in time counts */
	if (!t->fin_sent && !tls_pull_peek(t, &len) &&
	    (t->closing || t->verdict != TLS_UNDECIDED)) {
		t->fin_sent = true;
		sock_shutdown(s, sock);
	}
	return tls_done(t);
}
