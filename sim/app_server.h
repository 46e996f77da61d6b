/* What the servers for live use have in common: listening, counting, a line in the log for each
 * connection's beginning and end. A server adds how it talks. */
#ifndef SIM_APP_SERVER_H
#define SIM_APP_SERVER_H

#include "app.h"

struct server;

struct server_ops {
	const char *name;
	size_t conn_size; /* of its own state per connection, zeroed, in stream->user; 0: none */
	/* Not called with CLOSED. */
	void (*event)(struct server *, struct stream *, uint32_t bits);
	void (*over)(struct server *, struct stream *); /* NULL: nothing to release but the state */
	void (*free)(struct server *);                  /* NULL: nothing */
};

struct server {
	struct app app;
	const struct server_ops *ops;
	struct serve_config cfg;
	sock_t listener;
	bool listening;
	void *own; /* the kind's; freed by ops->free */
};

struct app *server_new(const struct server_ops *, const struct serve_config *, void *own);

#endif
