/* Moving a flow's bytes: a pattern that depends on the stream's offset alone (pattern.c), made into the
 * lent buffers of the socket and checked in place, so that no byte is copied for the test's sake. */
#include "app_flow.h"

#define WRITE_UNIT 65536 /* asked for at once: a large chunk's worth */

/* For benches: one chunk again and again, handed over without a copy. */
static size_t write_shared(struct flow_conn *c, uint64_t max)
{
	size_t total = 0, n;

	do {
		n = c->shared->cap < max - total ? c->shared->cap : (size_t)(max - total);
		n = stream_write_chunk(c->s, c->shared, 0, (uint32_t)n);
		total += n;
	} while (n > 0 && total < max);
	return total;
}

size_t flow_write(struct flow_conn *c, uint64_t max)
{
	size_t total = 0, n;
	void *p;

	if (c->shared) {
		total = write_shared(c, max);
		c->end->written += total;
		return total;
	}
	while (total < max) {
		n = max - total < WRITE_UNIT ? (size_t)(max - total) : WRITE_UNIT;
		p = stream_reserve(c->s, &n);
		if (!p)
			break;
		n = n < max - total ? n : (size_t)(max - total);
		pattern_fill(c->write_key, c->end->written, p, n);
		stream_commit(c->s, n);
		c->end->written += n;
		total += n;
	}
	return total;
}

/* ---- bulk ---- */

static void slow_read(struct flow_conn *c, ns_t now)
{
	const struct flow *f = c->flow;

	if (f->read_gap == 0 || !f->read_max) {
		flow_read(c, SIZE_MAX, now);
		return;
	}
	if (now >= c->read_from && flow_read(c, f->read_max, now) > 0)
		c->read_from = now + f->read_gap;
	if (now < c->read_from)
		c->due = ns_min(c->due, c->read_from);
}

static bool writing_is_over(const struct flow_conn *c, ns_t now)
{
	if (c->to_write == FLOW_ENDLESS)
		return now >= c->flow->stop;
	return c->end->written == c->to_write;
}

static bool reading_is_over(const struct flow_conn *c)
{
	return c->to_read == FLOW_ENDLESS ? c->peer_ended : c->end->read >= c->to_read;
}

void bulk_step(struct flow_conn *c, ns_t now)
{
	bool wrote, read;

	slow_read(c, now);
	if (!c->s->closed && !writing_is_over(c, now)) {
		flow_write(c, c->to_write - c->end->written);
		if (c->to_write == FLOW_ENDLESS)
			c->due = ns_min(c->due, c->flow->stop);
	}
	wrote = writing_is_over(c, now);
	read = reading_is_over(c);
	c->end->done = wrote && read;
	/* Whoever had something to say ends its direction behind it; whoever only listens ends when it
	 * has heard all. TLS has no half-close: whoever ends there throws away what still comes. */
	if ((wrote && (read || (c->to_write > 0 && !c->s->tls))) ||
	    (c->peer_ended && (c->s->tls || wrote)))
		stream_finish(c->s);
}

/* ---- echo ---- */

void echo_server_step(struct flow_conn *c, ns_t now)
{
	/* What came and was found right is the pattern up to there; sending it back is making it anew.
	 * What was not right is told by bad_at, and stops the echo there. */
	uint64_t upto;

	flow_read(c, SIZE_MAX, now);
	upto = c->end->bad_at < c->end->read ? c->end->bad_at : c->end->read;
	if (c->end->written < upto)
		flow_write(c, upto - c->end->written);
	c->end->done = c->end->read == c->to_read && c->end->written == c->to_read;
	if (c->peer_ended && c->end->written >= upto)
		stream_finish(c->s);
}
