/* The server of a networking lab: tells the peer's certificate as Python's ssl module prints it,
 * says welcome, and closes. */
#include "app_server.h"

#include <string.h>

static const char greeting[] = "Welcome to Server!";

static void welcome_event(struct server *sv, struct stream *s, uint32_t bits)
{
	if (!(bits & STREAM_OPEN))
		return;
	if (s->tls && sv->cfg.out)
		stream_tell_peer(s, sv->cfg.out);
	stream_write(s, greeting, strlen(greeting)); /* an empty send buffer holds it */
	stream_close(s);
}

static const struct server_ops welcome_ops = {.name = "welcome", .event = welcome_event};

struct app *app_welcome(const struct serve_config *cfg)
{
	return server_new(&welcome_ops, cfg, NULL);
}
