/* One byte stream for applications: a plain socket, or TLS over it, behind the same calls.
 *
 * The host owns streams: it makes them (host_connect, host_accept inside its loop), pumps TLS, and
 * tells the stream's application what is new. An application looks at the bits, moves what it can,
 * and returns. It never blocks and never calls the socket underneath.
 *
 * A stream's life: [handshakes] STREAM_OPEN, then any number of READABLE / WRITABLE, END when the
 * peer will send no more (after the last READABLE bytes are read), and last CLOSED, once, with
 * `verdict` and `why` set. After the call with CLOSED the host frees the stream. A stream that never
 * opened gets CLOSED alone.
 *
 * The bits are hints with one promise: when something can be done that could not be done when the
 * application last returned, there will be a call. So an application reads until stream_peek gives
 * NULL and writes until stream_reserve gives NULL, or sets it aside and asks for a call by
 * stream_again. */
#ifndef SIM_STREAM_H
#define SIM_STREAM_H

#include <stdio.h>

#include "../stack/base/wheel.h"
#include "../stack/stack.h"
#include "../tls/tls.h"

struct app;
struct host;
struct stream;

enum stream_bits {
	STREAM_OPEN = 1,     /* connected, and the TLS handshake is done */
	STREAM_READABLE = 2,
	STREAM_WRITABLE = 4,
	STREAM_END = 8,      /* the peer ended its direction in order */
	STREAM_CLOSED = 16,  /* over; verdict says how. The last call for this stream */
};

/* How a stream ended. The exit codes of the commands follow from it (stream_exit_code). */
enum stream_verdict {
	STREAM_GOING_ON,
	STREAM_CLEAN,        /* both directions ended in order */
	STREAM_CLEAN_NOTE,   /* clean for us, but the peer left out its close_notify: `why` says so */
	STREAM_TRUNCATED,    /* TLS: FIN without close_notify while we were still reading */
	STREAM_REFUSED,
	STREAM_RESET,
	STREAM_UNREACHABLE,
	STREAM_TIMEOUT,
	STREAM_TLS_ERROR,    /* handshake, certificate, bad record: `why` has the sentence */
	STREAM_ABORTED,      /* by us: stream_abort, or the host went down */
	STREAM_VERDICTS,
};

/* How to speak TLS on a stream; NULL where one is wanted means a plain stream. Lent for the life of
 * the host. `config` is what all sessions share; `prepare` fills what each has of its own: entropy
 * (and so has_entropy), and unix_time where that moves on. The host sets `now`. */
struct stream_tls {
	struct tls_config config;
	void (*prepare)(void *arg, const struct stream *, struct tls_config *);
	void *arg;
};
/* A `prepare` for simulations and tests: arg is a uint64_t seed; each session's name is made of its
 * host's name, its own number and its side. */
void stream_tls_by_seed(void *seed, const struct stream *, struct tls_config *);

/* Read-only for applications, except `user`. */
struct stream {
	void *user;             /* the application's own; it frees it at CLOSED */
	struct app *app;
	struct host *host;
	struct stack *stack;
	sock_t sock;
	uint32_t id;            /* number within the host, from 1, in order of creation */
	bool accepted;          /* by a listener; false: by host_connect */
	bool open, ended, closed;
	struct addr local, remote;
	uint16_t lport, rport;
	ns_t created, opened, ended_at, closed_at;
	uint64_t bytes_in, bytes_out; /* of the application's stream */
	enum stream_verdict verdict;
	char why[256];          /* one sentence, without a full stop; empty when clean */

	/* Inside: stream.c and host.c. */
	struct tls *tls;        /* NULL: plain */
	struct list node;       /* host->streams */
	struct list ready;      /* host->ready, when it wants a call */
	struct wheel_entry timer; /* the earliest of the session's, drain_until, and idleness; lazily */
	ns_t drain_until;
	ns_t idle_limit, moved_at;
	ns_t starved_until;     /* the pool was empty: tries again then; no event will say so */
	uint32_t news;          /* enum stream_bits not yet told */
	bool connected;         /* the socket is; TLS may still be shaking hands */
	bool fin_seen;          /* the socket's FIN event came */
	bool sock_over;         /* the socket's CLOSED event came */
	bool finishing;         /* we have ended our direction */
	bool draining;          /* stream_close: what still comes is thrown away */
	bool read_told;         /* READABLE was told, and not all was read since */
	bool write_wanted;      /* stream_reserve said NULL: WRITABLE is owed */
	bool again;             /* stream_again */
	bool keys_told;
};

/* ---- for applications ---- */

/* The next unread bytes, lent until the next call on this stream; NULL: none now. */
const void *stream_peek(struct stream *, size_t *len);
void stream_consume(struct stream *, size_t len);
/* Room for bytes to send: *len is how many are wanted, and then how much room there is (at least 1,
 * maybe more than wanted). NULL: none now. */
void *stream_reserve(struct stream *, size_t *len);
void stream_commit(struct stream *, size_t len);
/* Copying forms: bytes moved, maybe 0. */
size_t stream_read(struct stream *, void *, size_t);
size_t stream_write(struct stream *, const void *, size_t);
/* Sends bytes of a chunk: without a copy on a plain stream. Bytes taken. */
size_t stream_write_chunk(struct stream *, struct chunk *, uint32_t off, uint32_t len);

void stream_finish(struct stream *); /* end of our direction; TLS: close_notify and FIN */
/* Finish, and throw away what still comes: CLOSED follows, 2 s behind our last byte at the latest. */
void stream_close(struct stream *);
void stream_abort(struct stream *);  /* RST; CLOSED follows in this turn */
void stream_again(struct stream *);  /* call me once more, in this or the next turn */
/* Closes the stream when no byte has moved for so long; 0: never (the default). */
void stream_idle_limit(struct stream *, ns_t limit);

/* A line `Peer: {...}` on the certificate of a TLS peer, as Python's ssl module prints it. */
void stream_tell_peer(const struct stream *, FILE *);
/* The socket's figures; works up to and within the call with CLOSED. False: nothing is known. */
bool stream_info(const struct stream *, struct sock_info *);
const char *stream_verdict_name(enum stream_verdict); /* "truncated" */
int stream_exit_code(enum stream_verdict); /* 0, 1 transport, 3 TLS, 4 truncated, 5 timeout */

/* ---- for the host ---- */

/* Takes the socket (connecting or accepted). NULL: out of memory (the socket is aborted). */
struct stream *stream_new(struct host *, struct app *, sock_t, bool accepted,
			  const struct stream_tls *, ns_t now);
void stream_sock_event(struct stream *, uint32_t sock_bits, ns_t now);
/* Pumps TLS and works out what is new; returns bits for the application (0: nothing). */
uint32_t stream_turn(struct stream *, ns_t now);
void stream_timeout(struct stream *, ns_t now); /* its timer came due */
void stream_end(struct stream *, enum stream_verdict, ns_t now); /* over, if it was not yet */
void stream_free(struct stream *);              /* closes the socket, or aborts it if it was not over */

#endif
