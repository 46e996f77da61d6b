/* The server of a networking lab: tells the peer's certificate as Python's ssl module prints it, says
 * welcome, and closes. */
#include "app_server.h"

#include <stdlib.h>
#include <string.h>

static const char greeting[] = "Welcome to Server!";

static void tell_peer(FILE *to, const struct tls *t)
{
	size_t len = tls_peer_text(t, NULL, 0);
	char *text = malloc(len + 1);

	if (!text)
		return;
	tls_peer_text(t, text, len + 1);
	fprintf(to, "Peer: %s\n", text);
	fflush(to);
	free(text);
}

static void welcome_event(struct server *sv, struct stream *s, uint32_t bits)
{
	if (!(bits & STREAM_OPEN))
		return;
	if (s->tls && sv->cfg.out)
		tell_peer(sv->cfg.out, s->tls);
	stream_write(s, greeting, strlen(greeting)); /* an empty send buffer holds it */
	stream_close(s);
}

static const struct server_ops welcome_ops = {.name = "welcome", .event = welcome_event};

struct app *app_welcome(const struct serve_config *cfg)
{
	return server_new(&welcome_ops, cfg, NULL);
}
