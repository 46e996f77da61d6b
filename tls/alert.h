/* The alert protocol as data: which alert goes with which error of BearSSL, and the words for both.
 * Internal to tls/. */
#ifndef TLS_ALERT_H
#define TLS_ALERT_H

enum {
	ALERT_NONE = -1,
	ALERT_CLOSE_NOTIFY = 0,
	ALERT_UNEXPECTED_MESSAGE = 10,
	ALERT_BAD_RECORD_MAC = 20,
	ALERT_RECORD_OVERFLOW = 22,
	ALERT_HANDSHAKE_FAILURE = 40,
	ALERT_BAD_CERTIFICATE = 42,
	ALERT_UNSUPPORTED_CERTIFICATE = 43,
	ALERT_CERTIFICATE_EXPIRED = 45,
	ALERT_ILLEGAL_PARAMETER = 47,
	ALERT_UNKNOWN_CA = 48,
	ALERT_DECODE_ERROR = 50,
	ALERT_DECRYPT_ERROR = 51,
	ALERT_PROTOCOL_VERSION = 70,
	ALERT_INTERNAL_ERROR = 80,
	ALERT_UNSUPPORTED_EXTENSION = 110,
};

int alert_for_error(int bearssl_error);           /* ALERT_NONE: say nothing */
const char *error_text(int bearssl_error);        /* what the peer did, or NULL */
const char *alert_hint(int alert, int is_server); /* what might help when it was received, or "" */

#endif
