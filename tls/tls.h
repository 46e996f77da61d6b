/* tls: one TLS 1.2 connection as bytes in, bytes out, by BearSSL.
 *
 *                 tls_feed  <- transport          tls_read  -> plaintext
 *                 tls_pull  -> transport          tls_write <- plaintext
 *
 * A session reads no clock, no file and no random source: entropy, date and time come in, so the
 * same inputs give the same bytes. tls_turn (the last call below) couples a session to a socket of
 * stack.h; the session itself knows nothing of sockets.
 *
 * What is spoken: TLS 1.2 with ECDHE and an AEAD cipher, AES-128-GCM first, the server's order
 * counts; no SHA-1, no RSA key under 2048 bits, no resumption, no renegotiation. TLS 1.3 is not
 * there: the library has none.
 *
 * Rules of the house:
 *  1. tls_feed may take less than offered: unread plaintext stops it. Keep the rest, let the
 *     transport's window close, offer it again after reading.
 *  2. After anything that changes the session, pull until nothing comes.
 *  3. The end is told by tls_verdict; what was decrypted before stays readable after it.
 *  4. TLS has no half-close: after tls_close incoming data is thrown away. */
#ifndef TLS_H
#define TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack.h"

struct tls;

/* ---- files ---- */

/* A certificate chain (leaf first) with its private key, and a set of trust anchors. Loaded once,
 * lent to any number of sessions, which must end first. On failure NULL, and one line in `err`:
 * `file: what, what was expected`. The parse forms take the text of the files; `name` is for the
 * message. */
struct tls_creds;
struct tls_anchors;

struct tls_text {
	const char *name;
	const void *bytes;
	size_t len;
};

struct tls_creds *tls_creds_load(const char *cert_file, const char *key_file, char *err, size_t cap);
struct tls_creds *tls_creds_parse(const struct tls_text *cert, const struct tls_text *key,
				  char *err, size_t cap);
void tls_creds_free(struct tls_creds *);

struct tls_anchors *tls_anchors_load(const char *file, char *err, size_t cap);
struct tls_anchors *tls_anchors_parse(const struct tls_text *, char *err, size_t cap);
void tls_anchors_free(struct tls_anchors *);

/* ---- configuration ---- */

enum tls_role { TLS_CLIENT, TLS_SERVER };
enum tls_client_auth {
	TLS_AUTH_NONE,
	TLS_AUTH_REQUEST, /* ask; no certificate is fine, a bad one is not */
	TLS_AUTH_REQUIRE,
};

#define TLS_ENTROPY 32

struct tls_config {
	enum tls_role role;
	const struct tls_creds *creds;     /* lent; a server needs them, a client may have them */
	const struct tls_anchors *anchors; /* lent; a client needs them, a server that asks too */
	/* Client: the name for SNI and for the check, apart from the address that is connected to. An
	 * IP address is looked up among the certificate's iPAddress names, and not sent. */
	const char *server_name;
	bool no_name_check;                /* client: any name will do, the chain must still hold */
	enum tls_client_auth client_auth;  /* server */
	int64_t unix_time;                 /* for certificates */
	uint8_t entropy[TLS_ENTROPY];      /* fresh from the system for each session, or see below */
	bool has_entropy;                  /* set by who fills it, so that it is not forgotten */
	ns_t now;
	ns_t handshake_limit;              /* 10 s from `now` to the end of the handshake */
	ns_t close_limit;                  /* 2 s for the peer's close_notify, or its FIN */
};
void tls_config_default(struct tls_config *, enum tls_role);

/* Entropy from a seed, for simulators and tests: whoever knows the seed can read the traffic, so
 * nothing on a real network may call this. `name` must differ for each connection and side
 * ("flow/7/server"), else two sessions share their keys. */
void tls_make_deterministic(struct tls_config *, uint64_t seed, const char *name);

/* ---- a session ---- */

struct tls *tls_new(const struct tls_config *, char *err, size_t cap); /* gives; NULL: see err */
void tls_free(struct tls *);
/* Everything is allocated here but the peer's certificate: bytes that one session takes. */
size_t tls_session_size(void);

size_t tls_feed(struct tls *, const void *, size_t); /* bytes taken */
size_t tls_pull(struct tls *, void *, size_t cap);   /* bytes given */
size_t tls_read(struct tls *, void *, size_t cap);
size_t tls_write(struct tls *, const void *, size_t);

/* The same without a copy, in the manner of sock_reserve and sock_peek: a pointer into the session
 * that holds until the next call, NULL when there is no room or nothing to take. */
void *tls_feed_reserve(struct tls *, size_t *len);
void tls_feed_commit(struct tls *, size_t len);
const void *tls_pull_peek(struct tls *, size_t *len);
void tls_pull_consume(struct tls *, size_t len);
const void *tls_read_peek(struct tls *, size_t *len);
void tls_read_consume(struct tls *, size_t len);
void *tls_write_reserve(struct tls *, size_t *len);
void tls_write_commit(struct tls *, size_t len); /* the bytes become a record at once */

void tls_close(struct tls *); /* queues close_notify; unread plaintext is thrown away */

/* What the transport saw: its orderly end, after all its bytes were fed; a reset; its own timeout. */
void tls_eof(struct tls *);
void tls_reset_by_peer(struct tls *);
void tls_timed_out(struct tls *);

/* Time goes forward; the limits of the configuration act here and nowhere else. tls_turn does it by
 * itself, after the bytes that are there: do not call it in front, or a slow line loses the time
 * that its last data needs. */
void tls_advance(struct tls *, ns_t now);
ns_t tls_deadline(const struct tls *); /* when to come again, at the latest; NS_NEVER */

/* ---- how it stands ---- */

enum tls_state {
	TLS_HANDSHAKE,
	TLS_OPEN,    /* plaintext may flow both ways */
	TLS_CLOSING, /* close_notify is on its way, one way or the other */
	TLS_ENDED,   /* see the verdict; there may still be bytes to pull, or plaintext to read */
};
enum tls_verdict {
	TLS_UNDECIDED, /* not ended yet */
	TLS_CLEAN,     /* close_notify came: nothing is missing */
	TLS_NO_NOTIFY, /* ours went out, none came: a note, not an error */
	TLS_TRUNCATED, /* the peer's end came without close_notify: there may have been more */
	TLS_RESET,
	TLS_TIMEOUT,
	TLS_ERROR, /* protocol or certificate */
};
enum tls_state tls_state(const struct tls *);
enum tls_verdict tls_verdict(const struct tls *);
const char *tls_verdict_name(enum tls_verdict); /* "clean", "truncated" ... */
int tls_exit_code(enum tls_verdict);            /* 0 clean, 1 reset, 3 TLS, 4 truncated, 5 timeout */
const char *tls_text(const struct tls *);       /* one sentence on the verdict; "" before it */
int tls_code(const struct tls *);               /* BearSSL's number of the error, 0 for none */
int tls_alert_sent(const struct tls *);         /* fatal alerts, -1 for none */
int tls_alert_received(const struct tls *);
const char *tls_alert_name(int alert);          /* "unknown_ca" */

/* True when the transport has nothing more to do: our last bytes are pulled and the peer's end is
 * seen, or waiting for it is over. Before that, a close could turn our alert into a reset. */
bool tls_done(const struct tls *);

/* Known once the handshake is over; NULL before. Static texts, or the session's own. */
struct tls_info {
	const char *version;     /* "TLSv1.2" */
	const char *suite;       /* as OpenSSL writes it: "ECDHE-ECDSA-AES128-GCM-SHA256" */
	const char *curve;       /* "X25519", "P-256" */
	const char *server_name; /* SNI, sent or received; "" for none */
	bool peer_authenticated; /* the peer's certificate was seen and holds */
};
const struct tls_info *tls_info(struct tls *);

/* The peer's certificate: its DER bytes (NULL: none yet, or none at all), and its text as Python's
 * ssl module prints getpeercert(): `None` without one. Returns the text's length like snprintf. */
const void *tls_peer_der(const struct tls *, size_t *len);
size_t tls_peer_text(const struct tls *, char *buf, size_t cap);
size_t tls_cert_text(const void *der, size_t len, char *buf, size_t cap);

/* The line of a key log (RFC 9850: "CLIENT_RANDOM <random> <master secret>\n"), NULL until it is
 * right, then always the same. With it the traffic can be read, so writing it must be asked for.
 * A client has it before tls_pull gives its first ChangeCipherSpec, hence before any viewer needs
 * it; a server has it when the client's flight was fed. */
#define TLS_KEYLOG_LINE 176 /* its length */
const char *tls_keylog_line(struct tls *);

/* ---- the pump ---- */

/* Moves bytes between the session and a connected socket, both ways, while anything moves; tells
 * the session of FIN, reset and timeout; sends our FIN behind the last record. To be called in each
 * turn with news of the socket or after the application read, wrote or closed, and at tls_deadline.
 * True when the socket may be closed (tls_done). */
bool tls_turn(struct tls *, struct stack *, sock_t);

#endif
