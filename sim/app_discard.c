/* Discard (RFC 863): what comes is thrown away, unread. */
#include "app_server.h"

static void discard_event(struct server *sv, struct stream *s, uint32_t bits)
{
	size_t n;

	(void)sv;
	(void)bits;
	while (stream_peek(s, &n))
		stream_consume(s, n);
	if (s->ended)
		stream_finish(s);
}

static const struct server_ops discard_ops = {.name = "discard", .event = discard_event};

struct app *app_discard(const struct serve_config *cfg)
{
	return server_new(&discard_ops, cfg, NULL);
}
