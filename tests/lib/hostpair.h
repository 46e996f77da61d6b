/* Two hosts with applications on the two ends of a pair in memory, in virtual time: no delay, no
 * loss. `client` is 10.0.0.1, `server` 10.0.0.2. */
#ifndef HOSTPAIR_H
#define HOSTPAIR_H

#include "../../sim/host.h"

enum { CLIENT, SERVER };

struct hostpair {
	struct pkt_pool pool;
	struct link *link[2];
	struct host *host[2];
	struct addr addr[2];
	ns_t now;
	uint64_t turns;
	/* A demonstration pair of TLS sides by seed, for whoever wants one. */
	uint64_t tls_seed;
	struct stream_tls tls[2];
};

struct hostpair *hostpair_new(uint32_t depth, uint32_t tso_max);
void hostpair_free(struct hostpair *); /* asserts that every pkt and chunk came back */
const struct stream_tls *hostpair_tls(struct hostpair *, int side);

/* Runs until nothing can happen any more, or until it is `until`. */
void hostpair_run(struct hostpair *, ns_t until);

/* A client that says these bytes, then ends its direction, and keeps what it hears. */
struct talk {
	struct app *app;
	char heard[65536];
	size_t n;
	size_t refuse;       /* takes no more than that many bytes in all until it is 0 */
};
void talk_start(struct hostpair *, struct talk *, uint16_t port, const struct stream_tls *,
		const char *say, bool end);

#endif
