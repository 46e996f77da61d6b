/* Echo (RFC 862): what comes goes back. Reading stops while the peer does not read, so that its
 * window, not our memory, holds what is on the way. */
#include "app_server.h"

#include <string.h>

static void echo_event(struct server *sv, struct stream *s, uint32_t bits)
{
	size_t in, out;
	const void *from;
	void *to;

	(void)sv;
	(void)bits;
	while ((from = stream_peek(s, &in)) != NULL &&
	       (out = in, to = stream_reserve(s, &out)) != NULL) {
		size_t n = in < out ? in : out;

		memcpy(to, from, n);
		stream_commit(s, n);
		stream_consume(s, n);
	}
	if (s->ended) /* told when all that came was read, hence sent back */
		stream_finish(s);
}

static const struct server_ops echo_ops = {.name = "echo", .event = echo_event};

struct app *app_echo(const struct serve_config *cfg)
{
	return server_new(&echo_ops, cfg, NULL);
}
