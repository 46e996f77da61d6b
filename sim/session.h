/* One live run of a host, as `serve` and `connect` ask for it on the command line: the options, and
 * the host built from them. `replay` builds the same host from a recording's command line, with
 * another link and another outside. */
#ifndef SIM_SESSION_H
#define SIM_SESSION_H

#include "ao_fields.h"
#include "app.h"
#include "host.h"

struct capture;

struct session_options {
	const char *command;      /* "serve" or "connect" */
	const char *tap, *raw;
	struct stack_addr addr[STACK_ADDRS];
	uint8_t naddrs;
	struct addr gateway[2];
	uint8_t ngateways;
	struct mac mac;
	bool has_mac, has_seed, no_offload, json, quiet;
	uint64_t seed;
	uint16_t port;
	const char *capture, *keylog, *impair, *record;
	struct ao_specs ao;
	bool tls, no_name_check;
	const char *cert, *key, *cacert, *servername;
	enum tls_client_auth client_auth;
	/* serve */
	const char *app, *root;
	uint64_t count;
	/* connect */
	const char *host;
	struct addr peer;
};

/* Of the options that both commands have. */
#define SESSION_HELP \
	"Where (one of both):\n" \
	"  --tap NAME          a TAP device; made if it does not exist, and taken away again\n" \
	"  --raw IFACE         an existing Ethernet interface, through a raw socket (libpcap)\n" \
	"  --addr A/LEN        the stack's own address, IPv4 or IPv6; may be given up to 8 times.\n" \
	"                      It must not be one of the kernel's\n" \
	"  --gateway A         router for what is not in the networks of --addr; one each family\n" \
	"  --mac M             default: made from interface and address, so the same each time\n" \
	"  --no-offload        TAP: single frames with complete checksums\n" \
	"\n" \
	"TCP-AO (RFC 5925):\n" \
	"  --ao 'peer: A, send: ID, recv: ID, key: SECRET'\n" \
	"                      sign, and want signed, what goes to and comes from this peer (default:\n" \
	"                      any). Up to 8 times; the words are those of scenario files, alg: and bare:\n" \
	"                      too. The command line shows the secret: @FILE reads all this from a file\n" \
	"\n" \
	"TLS 1.2:\n" \
	"  --tls               speak TLS\n" \
	"  --cert F --key F    own certificate chain and its private key, PEM\n" \
	"  --cacert F          certificates to trust the peer by, PEM\n" \
	"  --keylog F          write the keys for viewers (also: the variable SSLKEYLOGFILE)\n" \
	"\n" \
	"Looking and repeating:\n" \
	"  --capture F         every frame to F: .pcapng with reasons and keys, or .pcap\n" \
	"  --impair SPEC       make the network worse, both ways: 'loss 1%, delay 10ms, reorder 2%'\n" \
	"  --record F          everything that comes in to F, for `tapir replay`. F holds secrets\n" \
	"  --seed N            of all chance but TLS keys; default: from the system\n" \
	"  --json              a JSON object a line, for each event: serve on stdout, connect on stderr\n" \
	"  --quiet             no lines on progress\n"

/* argv[0] is the command. 0, or 2 after one line on stderr. The options point into argv. */
int session_parse(struct session_options *, int argc, char **argv);

/* What a session takes from outside besides frames and time; recorded, and replayed. */
struct outside {
	void (*fresh)(void *arg, uint8_t entropy[TLS_ENTROPY], int64_t *unix_time);
	size_t (*out)(void *arg, const void *bytes, size_t len); /* connect: the peer's bytes */
	void *arg;
};

struct session {
	struct session_options opt;
	struct outside outside;
	bool no_output;           /* replay: results were printed the first time */
	struct pkt_pool pool;     /* of host and link */
	struct host *host;
	struct app *app;
	struct capture *capture;
	FILE *keylog;
	struct tls_creds *creds;
	struct tls_anchors *anchors;
	struct stream_tls tls;
};

/* Where progress is told, and how. */
struct stream_log session_log(const struct session_options *);
/* Loads and opens the files that the options name; no packet yet. 0, or 2 after one line. */
int session_open(struct session *, const struct session_options *);
/* The link's address for the stack: --mac, or one that stays the same for interface and address. */
struct mac session_mac(const struct session_options *);
/* Makes the host on this link (lent) and its application, at time 0. epoch: Unix time of that, in
 * ns. 0, or 2 after one line. */
int session_start(struct session *, struct link *, const struct outside *, int64_t epoch_ns);
/* Ends host, application and files; the link must still be there. 0, or 1 when a file could not be
 * written. */
int session_stop(struct session *);
void session_free(struct session *); /* the pool, last: after the link */

#endif
