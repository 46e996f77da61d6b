/* Moving a flow's bytes: a pattern that depends on the stream's offset alone, made into the lent
 * buffers of the socket and checked in place, so that no byte is copied for the test's sake. */
#include "app_flow.h"

#include <string.h>

#include "../stack/base/check.h"

#define WRITE_UNIT 65536 /* asked for at once: a large chunk's worth */

#define LINE_WORDS 8 /* a line of the pattern is 64 bytes: its offset, and seven words of letters */
#define WORD_VALUES 0x0fffffffu

/* The seven nibbles of v as bytes, the highest first in memory; the eighth byte is 0. */
static uint64_t nibbles(uint32_t v)
{
	uint64_t x = __builtin_bswap32(v << 4);

	x = (x & 0x0f0f0f0fu) | (uint64_t)(x & 0xf0f0f0f0u) << 28; /* low nibbles below, high ones above */
	uint64_t lo = x & 0xffffffffu, hi = x >> 32;

	lo = (lo | lo << 16) & 0x0000ffff0000ffffu;
	lo = (lo | lo << 8) & 0x00ff00ff00ff00ffu;
	hi = (hi | hi << 16) & 0x0000ffff0000ffffu;
	hi = (hi | hi << 8) & 0x00ff00ff00ff00ffu;
	return hi | lo << 8;
}

/* Eight bytes from their index, as text, so that a viewer that follows the stream shows where in it
 * one is: "00001c0:" begins each line, words of letters follow. No two words of 2 GB are equal. */
static uint64_t word(uint64_t key, uint64_t i)
{
	uint32_t at = (uint32_t)i % LINE_WORDS;

	if (at == 0) {
		uint64_t digit = nibbles((uint32_t)(i * 8) & WORD_VALUES);
		uint64_t letter = (digit + 0x0606060606060606u) >> 4 & 0x0101010101010101u;

		return (digit + letter * ('a' - '0' - 10) + 0x0030303030303030u) | (uint64_t)':' << 56;
	}
	uint64_t x = nibbles((uint32_t)(i + (key << 20)) * 0x9e3779b1u & WORD_VALUES);

	return (x + 0x0061616161616161u) | (uint64_t)(at == LINE_WORDS - 1 ? '\n' : ' ') << 56;
}

static void bytes_of_word(uint64_t key, uint64_t i, uint8_t to[8])
{
	uint64_t w = word(key, i);

	memcpy(to, &w, 8);
}

void pattern_fill(uint64_t key, uint64_t off, void *to, size_t len)
{
	uint8_t *p = to, w[8];

	if (off % 8 && len) {
		size_t n = 8 - off % 8 < len ? 8 - off % 8 : len;

		bytes_of_word(key, off / 8, w);
		memcpy(p, w + off % 8, n);
		p += n;
		off += n;
		len -= n;
	}
	for (; len >= 8; p += 8, off += 8, len -= 8)
		bytes_of_word(key, off / 8, p);
	if (len) {
		bytes_of_word(key, off / 8, w);
		memcpy(p, w, len);
	}
}

static size_t first_difference(uint64_t key, uint64_t off, const uint8_t *p, size_t len)
{
	uint8_t w[8];

	for (size_t i = 0; i < len; i++) {
		bytes_of_word(key, (off + i) / 8, w);
		if (p[i] != w[(off + i) % 8])
			return i;
	}
	return len;
}

size_t pattern_check(uint64_t key, uint64_t off, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	size_t lead = off % 8 ? 8 - off % 8 : 0, i, bad;

	lead = lead < len ? lead : len;
	bad = first_difference(key, off, p, lead);
	if (bad < lead)
		return bad;
	for (i = lead; len - i >= 8; i += 8) {
		uint64_t w;

		memcpy(&w, p + i, 8);
		if (w != word(key, (off + i) / 8))
			break;
	}
	return i + first_difference(key, off + i, p + i, len - i);
}

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
