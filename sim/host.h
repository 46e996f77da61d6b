/* A host: a stack, its link, its applications and its observer, driven turn by turn.
 *
 * host_turn is the only place that knows the order within one instant: frames in, time forward,
 * applications, frames out. Real time (live.c) and virtual time (world.c) call it alike; nothing
 * here reads a clock. What does not go out because the link is full is kept and offered again. */
#ifndef SIM_HOST_H
#define SIM_HOST_H

#include "../stack/base/wheel.h"
#include "../stack/stack.h"
#include "app.h"
#include "stream.h"

struct capture;

#define HOST_BATCH 64  /* frames taken from or given to a link at once */
#define HOST_ROUNDS 8  /* rounds of events and applications in one turn; the rest waits for the next */

struct host {
	char name[32];
	struct stack *stack;
	struct link *link;
	struct capture *capture; /* NULL, or who observes */
	struct pkt_pool *pool;
	ns_t now;
	struct list apps;
	struct list streams;
	struct list ready;       /* streams that want a call */
	struct list listeners;
	struct wheel stream_timers, app_timers;
	bool more;               /* the rounds of this turn were not enough */
	uint32_t apps_going;     /* not finished */
	struct pkt *held[HOST_BATCH]; /* frames that the link did not take */
	size_t nheld, held_from;
	uint32_t next_stream_id;
	uint64_t turns, frames_in, frames_out;
	bool capture_keys;
	void (*keylog)(void *arg, const char *line);
	void *keylog_arg;
};

struct host_config {
	const char *name;
	struct stack_config stack; /* link caps, mac, pool, seed and now included */
	struct link *link;         /* lent; closed by whoever opened it */
	struct capture *capture;   /* lent; NULL: none */
	bool capture_keys;         /* TLS keys go into the capture */
	void (*keylog)(void *arg, const char *line); /* each session's key log line; NULL: nobody asks */
	void *keylog_arg;
};

struct host *host_new(const struct host_config *); /* gives; NULL: out of memory */
void host_free(struct host *); /* frees apps and streams (aborting what is open), then the stack */

void host_turn(struct host *, ns_t now, struct pkt **in, size_t n); /* takes the pkts */
/* Never later than the first thing to do; `now` when something is left of this turn. Minimum over
 * stack, applications, streams and link. */
ns_t host_deadline(const struct host *);
bool host_blocked(const struct host *); /* frames wait for a link that was full */

/* Takes the app: it is started in the first turn at or after app->start_at. */
void host_add_app(struct host *, struct app *);
bool host_finished(const struct host *); /* every app has finished, and no stream is left */
void host_stop(struct host *); /* asks every app to end in order (SIGINT); turns go on until finished */

/* Other keys for the connections that have TCP-AO, as sock_ao_set. Returns how many took them. */
uint32_t host_ao_set(struct host *, int current, int rnext);

/* ---- for applications ---- */

/* Connections to addr:port (addr NULL or any: all of ours) become streams of app. 0 or ERR_*.
 * tcp NULL: the stack's default. The listener is closed by host_unlisten or at the end. */
int host_listen(struct host *, struct app *, const struct addr *, uint16_t port,
		const struct stream_tls *, const struct tcp_config *tcp, sock_t *listener);
void host_unlisten(struct host *, sock_t listener);
/* The stream is in state connecting; OPEN or CLOSED follows. NULL: *err says why. */
struct stream *host_connect(struct host *, struct app *, const struct addr *, uint16_t port,
			    const struct stream_tls *, const struct tcp_config *tcp, int *err);

#endif
