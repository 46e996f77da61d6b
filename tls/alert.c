/* BearSSL dies silently on most errors; RFC 5246 7.2.2 wants an alert, and the person at the other
 * end wants to know. The table gives each error the alert that OpenSSL sends for it, and words. */
#include "alert.h"

#include <bearssl.h>
#include <stddef.h>

#include "base/check.h"
#include "tls.h"

static const struct {
	int error, alert;
	const char *text;
} errors[] = {
    {BR_ERR_BAD_PARAM, ALERT_INTERNAL_ERROR, "a parameter of the session is wrong"},
    {BR_ERR_BAD_STATE, ALERT_INTERNAL_ERROR, "a call does not fit the state of the session"},
    {BR_ERR_UNSUPPORTED_VERSION, ALERT_PROTOCOL_VERSION,
     "the peer does not offer TLS 1.2, or is not speaking TLS"},
    {BR_ERR_BAD_VERSION, ALERT_PROTOCOL_VERSION,
     "the peer changed the version within the connection"},
    {BR_ERR_BAD_LENGTH, ALERT_RECORD_OVERFLOW, "the peer sent a record of a forbidden length"},
    {BR_ERR_TOO_LARGE, ALERT_RECORD_OVERFLOW, "the peer sent a record that is too large"},
    {BR_ERR_BAD_MAC, ALERT_BAD_RECORD_MAC,
     "a record failed its integrity check: it was changed on the way"},
    {BR_ERR_NO_RANDOM, ALERT_INTERNAL_ERROR, "there is no entropy"},
    {BR_ERR_UNKNOWN_TYPE, ALERT_UNEXPECTED_MESSAGE, "the peer sent a record of an unknown type"},
    {BR_ERR_UNEXPECTED, ALERT_UNEXPECTED_MESSAGE, "the peer sent a message out of order"},
    {BR_ERR_BAD_CCS, ALERT_UNEXPECTED_MESSAGE, "the peer sent a malformed ChangeCipherSpec"},
    {BR_ERR_BAD_ALERT, ALERT_DECODE_ERROR, "the peer sent a malformed alert"},
    {BR_ERR_BAD_HANDSHAKE, ALERT_DECODE_ERROR, "a handshake message of the peer does not parse"},
    {BR_ERR_OVERSIZED_ID, ALERT_DECODE_ERROR, "the peer sent a session id that is too long"},
    {BR_ERR_BAD_CIPHER_SUITE, ALERT_ILLEGAL_PARAMETER,
     "the peer chose a cipher suite that was not offered"},
    {BR_ERR_BAD_COMPRESSION, ALERT_ILLEGAL_PARAMETER,
     "the peer chose a compression that was not offered"},
    {BR_ERR_BAD_FRAGLEN, ALERT_ILLEGAL_PARAMETER, "the peer answered with another fragment length"},
    {BR_ERR_BAD_SECRENEG, ALERT_HANDSHAKE_FAILURE, "secure renegotiation failed"},
    {BR_ERR_EXTRA_EXTENSION, ALERT_UNSUPPORTED_EXTENSION,
     "the peer sent an extension that was not asked for"},
    {BR_ERR_BAD_SNI, ALERT_DECODE_ERROR, "the peer sent a malformed server name"},
    {BR_ERR_BAD_HELLO_DONE, ALERT_DECODE_ERROR, "the peer sent a malformed ServerHelloDone"},
    {BR_ERR_LIMIT_EXCEEDED, ALERT_INTERNAL_ERROR, "a key of the peer is too large"},
    {BR_ERR_BAD_FINISHED, ALERT_DECRYPT_ERROR,
     "the peer's Finished does not match: the handshake was changed on the way"},
    {BR_ERR_RESUME_MISMATCH, ALERT_ILLEGAL_PARAMETER, "the peer resumed a session that differs"},
    {BR_ERR_INVALID_ALGORITHM, ALERT_ILLEGAL_PARAMETER,
     "the peer uses an algorithm that was not offered"},
    {BR_ERR_BAD_SIGNATURE, ALERT_DECRYPT_ERROR,
     "the peer's handshake signature is wrong: its key does not belong to its certificate, or the "
     "handshake was changed on the way"},
    {BR_ERR_WRONG_KEY_USAGE, ALERT_UNSUPPORTED_CERTIFICATE,
     "the key in the peer's certificate is not meant for this"},
    {BR_ERR_NO_CLIENT_AUTH, ALERT_HANDSHAKE_FAILURE,
     "the client sent no certificate, and one is required"},
    {BR_ERR_IO, ALERT_NONE, "the transport failed"},
    {BR_ERR_X509_INVALID_VALUE, ALERT_BAD_CERTIFICATE,
     "the peer's certificate does not parse: bad value"},
    {BR_ERR_X509_TRUNCATED, ALERT_BAD_CERTIFICATE,
     "the peer's certificate does not parse: truncated"},
    {BR_ERR_X509_EMPTY_CHAIN, ALERT_BAD_CERTIFICATE, "the peer sent an empty certificate chain"},
    {BR_ERR_X509_INNER_TRUNC, ALERT_BAD_CERTIFICATE,
     "the peer's certificate does not parse: an element overruns"},
    {BR_ERR_X509_BAD_TAG_CLASS, ALERT_BAD_CERTIFICATE,
     "the peer's certificate does not parse: bad tag class"},
    {BR_ERR_X509_BAD_TAG_VALUE, ALERT_BAD_CERTIFICATE,
     "the peer's certificate does not parse: bad tag"},
    {BR_ERR_X509_INDEFINITE_LENGTH, ALERT_BAD_CERTIFICATE,
     "the peer's certificate does not parse: indefinite length"},
    {BR_ERR_X509_EXTRA_ELEMENT, ALERT_BAD_CERTIFICATE,
     "the peer's certificate does not parse: extra element"},
    {BR_ERR_X509_UNEXPECTED, ALERT_BAD_CERTIFICATE,
     "the peer's certificate does not parse: unexpected element"},
    {BR_ERR_X509_NOT_CONSTRUCTED, ALERT_BAD_CERTIFICATE,
     "the peer's certificate does not parse: element is not constructed"},
    {BR_ERR_X509_NOT_PRIMITIVE, ALERT_BAD_CERTIFICATE,
     "the peer's certificate does not parse: element is not primitive"},
    {BR_ERR_X509_PARTIAL_BYTE, ALERT_BAD_CERTIFICATE,
     "the peer's certificate does not parse: partial byte"},
    {BR_ERR_X509_BAD_BOOLEAN, ALERT_BAD_CERTIFICATE,
     "the peer's certificate does not parse: bad boolean"},
    {BR_ERR_X509_OVERFLOW, ALERT_BAD_CERTIFICATE,
     "the peer's certificate does not parse: number too large"},
    {BR_ERR_X509_BAD_DN, ALERT_BAD_CERTIFICATE, "the peer's certificate does not parse: bad name"},
    {BR_ERR_X509_BAD_TIME, ALERT_BAD_CERTIFICATE,
     "the peer's certificate does not parse: bad date"},
    {BR_ERR_X509_UNSUPPORTED, ALERT_UNSUPPORTED_CERTIFICATE,
     "the peer's certificate uses a key or signature that is not supported (RSA with SHA-256 or "
     "better, or EC on P-256, P-384, P-521)"},
    {BR_ERR_X509_LIMIT_EXCEEDED, ALERT_UNSUPPORTED_CERTIFICATE,
     "the peer's certificate chain is over the limits (16 certificates, 64 KiB, RSA 4096)"},
    {BR_ERR_X509_WRONG_KEY_TYPE, ALERT_UNSUPPORTED_CERTIFICATE,
     "the peer's certificate has a key of the wrong type"},
    {BR_ERR_X509_BAD_SIGNATURE, ALERT_BAD_CERTIFICATE,
     "the signature on the peer's certificate is wrong"},
    {BR_ERR_X509_TIME_UNKNOWN, ALERT_INTERNAL_ERROR, "the date is not known"},
    {BR_ERR_X509_EXPIRED, ALERT_CERTIFICATE_EXPIRED, "the peer's certificate is out of date"},
    {BR_ERR_X509_DN_MISMATCH, ALERT_BAD_CERTIFICATE,
     "the peer's certificate chain is out of order: each must be signed by the next"},
    {BR_ERR_X509_BAD_SERVER_NAME, ALERT_BAD_CERTIFICATE,
     "the peer's certificate is for another name"},
    {BR_ERR_X509_CRITICAL_EXTENSION, ALERT_UNSUPPORTED_CERTIFICATE,
     "the peer's certificate has a critical extension that is not supported"},
    {BR_ERR_X509_NOT_CA, ALERT_BAD_CERTIFICATE,
     "a certificate in the peer's chain is signed by one that is no CA"},
    {BR_ERR_X509_FORBIDDEN_KEY_USAGE, ALERT_UNSUPPORTED_CERTIFICATE,
     "the peer's certificate is not meant for this use"},
    {BR_ERR_X509_WEAK_PUBLIC_KEY, ALERT_BAD_CERTIFICATE,
     "the peer's certificate has an RSA key under 2048 bits"},
    {BR_ERR_X509_NOT_TRUSTED, ALERT_UNKNOWN_CA,
     "the peer's certificate is signed by nobody that is trusted here"},
};

int alert_for_error(int error)
{
	for (size_t i = 0; i < ARRAY_LEN(errors); i++)
		if (errors[i].error == error)
			return errors[i].alert;
	return ALERT_INTERNAL_ERROR;
}

const char *error_text(int error)
{
	for (size_t i = 0; i < ARRAY_LEN(errors); i++)
		if (errors[i].error == error)
			return errors[i].text;
	return NULL;
}

/* The TLS alert registry, as far as RFC 5246, 6066, 7301 and 8446 fill it. `to_client` and
 * `to_server` is what the receiver may do about it. */
static const struct {
	int alert;
	const char *name, *to_client, *to_server;
} alerts[] = {
    {0, "close_notify", "", ""},
    {10, "unexpected_message", "", ""},
    {20, "bad_record_mac", "", ""},
    {21, "decryption_failed", "", ""},
    {22, "record_overflow", "", ""},
    {40, "handshake_failure",
     "it may require a client certificate (--cert, --key), or TLS 1.3, which is not supported here",
     "the client may want TLS 1.3 or an older cipher suite, which are not supported here"},
    {42, "bad_certificate", "it does not accept our certificate (--cert)",
     "it does not accept our certificate (--cert), perhaps since the name differs"},
    {43, "unsupported_certificate", "it does not accept our certificate (--cert)",
     "it does not accept our certificate (--cert)"},
    {44, "certificate_revoked", "our certificate (--cert) is revoked",
     "our certificate (--cert) is revoked"},
    {45, "certificate_expired", "our certificate (--cert) is out of date for it",
     "our certificate (--cert) is out of date for it"},
    {46, "certificate_unknown", "it does not accept our certificate (--cert)",
     "it does not accept our certificate (--cert)"},
    {47, "illegal_parameter", "", ""},
    {48, "unknown_ca", "it does not trust the issuer of our certificate (--cert)",
     "it does not trust the issuer of our certificate (--cert): give it the CA"},
    {49, "access_denied", "our certificate (--cert) is not admitted", ""},
    {50, "decode_error", "", ""},
    {51, "decrypt_error", "our key may not belong to our certificate (--cert, --key)",
     "our key may not belong to our certificate (--cert, --key)"},
    {70, "protocol_version", "it may require TLS 1.3, which is not supported here",
     "it may require TLS 1.3, which is not supported here"},
    {71, "insufficient_security", "it wants other cipher suites", "it wants other cipher suites"},
    {80, "internal_error", "", ""},
    {86, "inappropriate_fallback", "", ""},
    {90, "user_canceled", "", ""},
    {100, "no_renegotiation", "", ""},
    {109, "missing_extension", "", ""},
    {110, "unsupported_extension", "", ""},
    {112, "unrecognized_name", "it does not know this name (--servername)", ""},
    {113, "bad_certificate_status_response", "", ""},
    {116, "certificate_required", "it requires a client certificate (--cert, --key)", ""},
    {120, "no_application_protocol", "", ""},
};

const char *tls_alert_name(int alert)
{
	for (size_t i = 0; i < ARRAY_LEN(alerts); i++)
		if (alerts[i].alert == alert)
			return alerts[i].name;
	return "unknown alert";
}

const char *alert_hint(int alert, int is_server)
{
	for (size_t i = 0; i < ARRAY_LEN(alerts); i++)
		if (alerts[i].alert == alert)
			return is_server ? alerts[i].to_server : alerts[i].to_client;
	return "";
}
