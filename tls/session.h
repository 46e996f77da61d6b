/* The inside of a session, shared by tls.c, keylog.c and turn.c. */
#ifndef TLS_SESSION_H
#define TLS_SESSION_H

#include <bearssl.h>

#include "tls.h"
#include "verify.h"

#define ALERT_ROOM 128 /* a record of two bytes with the overhead of any cipher */

struct tls {
	union {
		br_ssl_client_context client;
		br_ssl_server_context server;
	} ctx;
	br_ssl_engine_context *eng; /* within ctx */
	struct verify verify;
	enum tls_role role;
	enum tls_client_auth client_auth;
	char server_name[256];

	bool opened;   /* the handshake came to its end */
	bool closing;  /* tls_close was called */
	bool eof;      /* the transport's end was seen, or it broke */
	bool fin_sent; /* by tls_turn */
	bool dead;     /* the engine is not used any more: what leaves is pending and alert */
	enum tls_verdict verdict;
	int code, alert_sent, alert_received;
	char text[384];

	ns_t now, handshake_until, close_limit;
	ns_t linger_until; /* of the wait for the peer's end; NS_NEVER while there is none */

	/* The record that comes in, to find its borders (RFC 5246 6.2.1). */
	uint8_t header[5], header_have;
	uint32_t record_left;
	bool any_record;       /* the first header looked like TLS */
	uint32_t records_done; /* since the counter was looked at */
	uint32_t idle_records; /* in a row, without progress */
	size_t handshake_bytes;

	const unsigned char *pending; /* dead: encrypted earlier, still to leave; in obuf */
	size_t pending_len;
	unsigned char alert[ALERT_ROOM];
	size_t alert_off, alert_len;

	struct tls_info info;
	char keylog[TLS_KEYLOG_LINE + 1];

	unsigned char ibuf[BR_SSL_BUFSIZE_INPUT];
	unsigned char obuf[BR_SSL_BUFSIZE_OUTPUT];
};

#endif
