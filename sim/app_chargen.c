/* Character generator (RFC 864): lines of 72 printable characters, each beginning one further on,
 * for as long as the peer takes them. The whole cycle of 95 lines lies in one chunk that is sent again
 * and again without a copy. */
#include "app_server.h"

#include "host.h"

#define FIRST ' '
#define CHARS 95
#define LINE 74 /* with CR LF */
#define CYCLE (CHARS * LINE)
#define CYCLES 9 /* as many as fit a large chunk: 63,270 bytes, a full send unit */

struct chargen {
	uint32_t at; /* of the next byte within the chunk */
};

static struct chunk *make_lines(struct pkt_pool *pool)
{
	struct chunk *c = chunk_new(pool, CHUNK_LARGE);

	if (!c)
		return NULL;
	for (uint32_t i = 0; i < CYCLES * CYCLE; i++) {
		uint32_t line = i / LINE % CHARS, col = i % LINE;

		c->data[i] = col == 72 ? '\r' : col == 73 ? '\n' : (uint8_t)(FIRST + (line + col) % CHARS);
	}
	c->used = CYCLES * CYCLE;
	return c;
}

static void chargen_event(struct server *sv, struct stream *s, uint32_t bits)
{
	struct chargen *g = s->user;
	size_t n;

	(void)bits;
	if (!sv->own)
		sv->own = make_lines(s->host->pool);
	while (stream_peek(s, &n)) /* RFC 864: what comes is thrown away */
		stream_consume(s, n);
	if (!sv->own || s->ended) {
		stream_finish(s);
		return;
	}
	do {
		n = stream_write_chunk(s, sv->own, g->at, CYCLES * CYCLE - g->at);
		g->at = (g->at + (uint32_t)n) % (CYCLES * CYCLE);
	} while (n > 0);
}

static void chargen_free(struct server *sv)
{
	if (sv->own)
		chunk_unref(sv->app.host->pool, sv->own);
}

static const struct server_ops chargen_ops = {
	.name = "chargen",
	.conn_size = sizeof(struct chargen),
	.event = chargen_event,
	.free = chargen_free,
};

struct app *app_chargen(const struct serve_config *cfg)
{
	return server_new(&chargen_ops, cfg, NULL);
}
