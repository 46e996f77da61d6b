/* The layout of the records: that of FreeBSD's struct tcp_log_buffer, version 9, on a 64-bit machine.
 * What this stack has no counterpart of (the stack's own part, the first bytes' times, the
 * reassembly queue, holes) is zero. */
#include "bblog.h"

#include "../stack/base/check.h"

#include <string.h>

#define STACK_PART 104 /* of another congestion control's variables */
#define AF_INET_THERE 2

struct cursor {
	uint8_t *p;
};

static void put8(struct cursor *c, uint8_t v)
{
	*c->p++ = v;
}

static void put16(struct cursor *c, uint16_t v)
{
	put8(c, (uint8_t)v);
	put8(c, (uint8_t)(v >> 8));
}

static void put32(struct cursor *c, uint32_t v)
{
	put16(c, (uint16_t)v);
	put16(c, (uint16_t)(v >> 16));
}

static void put64(struct cursor *c, uint64_t v)
{
	put32(c, (uint32_t)v);
	put32(c, (uint32_t)(v >> 32));
}

static void skip(struct cursor *c, size_t n)
{
	memset(c->p, 0, n);
	c->p += n;
}

static void put_head(struct cursor *c, const struct bblog *b)
{
	const uint16_t buffers_told = 3;
	uint64_t us = (uint64_t)b->at / (uint64_t)US;

	put64(c, us / 1000000);
	put64(c, us % 1000000);
	put32(c, (uint32_t)(us / 1000)); /* ticks */
	put32(c, b->serial);
	put8(c, 0); /* which stack */
	put8(c, (uint8_t)b->event);
	put16(c, buffers_told);
	put32(c, 0); /* error */
}

/* A socket buffer: bytes accounted, bytes claimed, spare. */
static void put_buffer(struct cursor *c, uint32_t bytes)
{
	put32(c, bytes);
	put32(c, bytes);
	put32(c, 0);
}

static void put_sending(struct cursor *c, const struct bblog *b)
{
	put32(c, b->iss);
	put32(c, b->flags);
	put32(c, b->snd_una);
	put32(c, b->snd_max);
	put32(c, b->cwnd);
	put32(c, b->snd_nxt);
	put32(c, b->snd_recover);
	put32(c, b->snd_wnd);
	put32(c, b->ssthresh);
	put32(c, b->srtt_us);
	put32(c, b->rttvar_us);
}

static void put_receiving(struct cursor *c, const struct bblog *b)
{
	put32(c, 0);                       /* urgent pointer */
	put32(c, b->rcv_nxt + b->rcv_wnd); /* right edge advertised */
	put32(c, b->flags2);
	put32(c, b->rcv_nxt);
	put32(c, b->rcv_wnd);
	put32(c, b->dup_acks);
}

void bblog_record(uint8_t to[BBLOG_RECORD], const struct bblog *b)
{
	struct cursor c = {to};

	assert(b->at >= 0);
	assert(b->snd_shift < 16 && b->rcv_shift < 16);
	put_head(&c, b);
	put_buffer(&c, b->unread);
	put_buffer(&c, b->unsent);
	put32(&c, (uint32_t)b->state);
	put32(&c, 0); /* start, in ticks */
	put_sending(&c, b);
	put_receiving(&c, b);
	skip(&c, 8); /* reassembly queue, holes */
	put32(&c, b->flex[0]);
	put32(&c, b->flex[1]);
	skip(&c, 8); /* times of the first bytes */
	put8(&c, (uint8_t)(b->snd_shift | b->rcv_shift << 4));
	skip(&c, 3);
	skip(&c, STACK_PART);
	put32(&c, b->payload);
	skip(&c, 4);
	assert(c.p == to + BBLOG_RECORD);
}

void bblog_description(uint8_t to[BBLOG_DESCRIPTION])
{
	struct cursor c = {to};

	put32(&c, BBLOG_VERSION);
	put32(&c, 1); /* type: a log of connections */
	put64(&c, BBLOG_DESCRIPTION);
	skip(&c, 40);  /* ports and addresses, of a log of one connection */
	skip(&c, 16);  /* the offset of the records' times: none */
	skip(&c, 128); /* id, reason, tag */
	put8(&c, AF_INET_THERE);
	skip(&c, 7);
	assert(c.p == to + BBLOG_DESCRIPTION);
}
