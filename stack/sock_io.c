/* User calls that move bytes: how much may be written now, and to be read; with a copy, by lending, and as
 * slices. RFC 9293 3.9.1.2, 3.9.1.3. */
#include "stack_impl.h"

#define UNIT_WRITE_MAX (1u << 20) /* of one call, while room is counted in units */

/* ---- sending ---- */

static bool by_units(const struct tcb *c)
{
	return c->cfg->sndbuf_units && c->state >= TCP_ESTABLISHED;
}

/* Room for more, or why there is none. */
static int64_t may_write(struct stack *s, sock_t h, struct tcb **out)
{
	struct tcb *c = conn_of(s, h);

	if (!c)
		return no_conn(s, h);
	*out = c;
	if (c->error)
		return c->error;
	if (c->fin_queued)
		return ERR_PIPE;
	switch (c->state) {
	case TCP_SYN_SENT:
	case TCP_SYN_RECEIVED:
	case TCP_ESTABLISHED:
	case TCP_CLOSE_WAIT:
		break;
	default:
		return ERR_PIPE;
	}
	uint32_t last, room = c->sndq.bytes < c->sndbuf ? c->sndbuf - c->sndq.bytes : 0;

	if (by_units(c))
		room = tcp_unit_room(c, UNIT_WRITE_MAX, &last);
	if (!room) {
		c->write_blocked = true;
		return ERR_AGAIN;
	}
	return room;
}

static void written(struct tcb *c)
{
	c->more = c->more_holds = c->flush = false;
	tcp_talk(c);
}

int64_t sock_send(struct stack *s, sock_t h, const void *bytes, size_t len)
{
	struct tcb *c;
	int64_t room = may_write(s, h, &c);

	if (room < 0 || !len)
		return room < 0 ? room : 0;
	uint32_t want = len < (size_t)room ? (uint32_t)len : (uint32_t)room;

	if (by_units(c))
		tcp_unit_room(c, want, &c->unit_fill);
	uint32_t n = sndq_append(&c->sndq, s->pool, bytes, want);

	if (!n)
		return ERR_NOMEM;
	c->write_blocked = n < len;
	written(c);
	return n;
}

int64_t sock_send_urgent(struct stack *s, sock_t h, const void *bytes, size_t len)
{
	int64_t n = sock_send(s, h, bytes, len);

	if (n > 0)
		tcp_mark_urgent(conn_of(s, h));
	return n;
}

int sock_end_record(struct stack *s, sock_t h)
{
	struct tcb *c = conn_of(s, h);

	if (!c)
		return no_conn(s, h);
	sndq_mark(&c->sndq);
	c->unit_fill = 0;
	return 0;
}

int sock_more(struct stack *s, sock_t h)
{
	struct tcb *c = conn_of(s, h);

	if (!c)
		return no_conn(s, h);
	c->more = c->more_holds = true;
	return 0;
}

void *sock_reserve(struct stack *s, sock_t h, size_t *len)
{
	struct tcb *c;
	int64_t room = may_write(s, h, &c);
	uint32_t n = room > 0 && (size_t)room < *len ? (uint32_t)room : (uint32_t)(*len < UINT32_MAX ? *len : UINT32_MAX);

	*len = 0;
	if (room < 0 || !n)
		return NULL;
	void *at = sndq_reserve(&c->sndq, s->pool, &n);

	*len = at ? n : 0;
	return at;
}

int sock_commit(struct stack *s, sock_t h, size_t len)
{
	struct tcb *c = conn_of(s, h);

	if (!c)
		return no_conn(s, h);
	if (c->state == TCP_CLOSED || c->fin_queued)
		return ERR_PIPE;
	if (len > c->sndq.reserved)
		return ERR_INVAL;
	sndq_commit(&c->sndq, (uint32_t)len);
	written(c);
	return 0;
}

int64_t sock_send_slice(struct stack *s, sock_t h, struct chunk *chunk, uint32_t off, uint32_t len)
{
	struct tcb *c;
	int64_t room = may_write(s, h, &c);

	if (room < 0)
		return room;
	if (len > room)
		len = (uint32_t)room;
	if (!sndq_append_slice(&c->sndq, s->pool, chunk, off, len))
		return ERR_NOMEM;
	written(c);
	return len;
}

/* ---- receiving ---- */

/* Bytes to read, 0 at the end of the stream, or why not. */
static int64_t may_read(struct stack *s, sock_t h, struct tcb **out)
{
	struct tcb *c = conn_of(s, h);

	if (!c)
		return no_conn(s, h);
	*out = c;
	if (c->rcvq.bytes)
		return c->rcvq.bytes;
	if (c->error)
		return c->error;
	if (c->fin_seen && seq_gt(c->rcv.nxt, c->rcv.fin))
		return 0;
	return c->state == TCP_CLOSED ? 0 : ERR_AGAIN;
}

int64_t sock_recv(struct stack *s, sock_t h, void *to, size_t max)
{
	struct tcb *c;
	int64_t have = may_read(s, h, &c);

	if (have <= 0)
		return have;
	uint32_t n = rcvq_read(&c->rcvq, s->pool, to, max < (size_t)have ? (uint32_t)max : (uint32_t)have);

	tcp_rcv_read(c);
	return n;
}

const void *sock_peek(struct stack *s, sock_t h, size_t *len)
{
	struct tcb *c;
	uint32_t n = 0;

	*len = 0;
	if (may_read(s, h, &c) <= 0)
		return NULL;
	const void *at = rcvq_peek(&c->rcvq, &n);

	*len = n;
	return at;
}

int sock_consume(struct stack *s, sock_t h, size_t len)
{
	struct tcb *c = conn_of(s, h);

	if (!c)
		return no_conn(s, h);
	if (len > c->rcvq.bytes)
		return ERR_INVAL;
	rcvq_consume(&c->rcvq, s->pool, (uint32_t)len);
	tcp_rcv_read(c);
	return 0;
}

int64_t sock_recv_slices(struct stack *s, sock_t h, struct slice *out, int *n, size_t max)
{
	struct tcb *c;
	int64_t have = may_read(s, h, &c);

	if (have <= 0) {
		*n = 0;
		return have;
	}
	uint32_t got = rcvq_take(&c->rcvq, s->pool, out, n, max < (size_t)have ? (uint32_t)max : (uint32_t)have);

	tcp_rcv_read(c);
	return got;
}

size_t sock_readable(struct stack *s, sock_t h)
{
	struct tcb *c;
	int64_t n = may_read(s, h, &c);

	return n > 0 ? (size_t)n : 0;
}

size_t sock_writable(struct stack *s, sock_t h)
{
	struct tcb *c;
	int64_t n = may_write(s, h, &c);

	if (n > 0 && by_units(c) && !tcp_writer_may_go_on(c)) {
		c->write_blocked = true;
		return 0;
	}
	return n > 0 ? (size_t)n : 0;
}
