/* pcap (the libpcap file format, both byte orders, micro- and nanoseconds) and pcapng (sections of
 * either byte order; interface descriptions; enhanced, simple and the obsolete packet blocks).
 * Everything else in a pcapng is stepped over by its length; the rows of a black box log count as frames,
 * so that frames have the numbers that Wireshark shows.
 *
 * Invariant: `have` bytes lie at `p`; nothing is read behind them. need() is the only way to more. */
#include "reader.h"

#include "bblog.h"
#include "trace.h"
#include "../stack/base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK (1u << 20)

enum format { UNKNOWN, PCAP, PCAPNG, BROKEN };

struct iface {
	uint16_t linktype;
	uint8_t resol;   /* if_tsresol as in the file */
	uint32_t snaplen;
	int64_t offset;  /* if_tsoffset, seconds */
};

struct reader {
	enum format format;
	bool big, nano;      /* byte order of the file or section; pcap with nanoseconds */
	uint8_t rec_len;     /* pcap: of a record's header */
	bool is_capture, ended;
	const uint8_t *p;
	size_t have;
	uint64_t offset;     /* of p in the file */
	uint64_t frames;
	ns_t last;
	uint16_t linktype;   /* pcap */
	struct iface *iface; /* pcapng, of this section */
	uint32_t nifaces, iface_cap;
	/* A file's bytes; for reader_of_bytes buf is NULL. */
	int fd;
	uint8_t *buf;
	size_t buf_cap;
	char error[200];
};

/* ---- bytes ---- */

static uint16_t get16(const struct reader *r, const uint8_t *p)
{
	return (uint16_t)(r->big ? p[0] << 8 | p[1] : p[1] << 8 | p[0]);
}

static uint32_t get32(const struct reader *r, const uint8_t *p)
{
	if (r->big)
		return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static uint64_t get64(const struct reader *r, const uint8_t *p)
{
	uint64_t a = get32(r, p), b = get32(r, p + 4);

	return r->big ? a << 32 | b : b << 32 | a;
}

static enum reader_result damaged(struct reader *r, uint64_t at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static enum reader_result damaged(struct reader *r, uint64_t at, const char *format, ...)
{
	int n = snprintf(r->error, sizeof(r->error), "%" PRIu64 ": ", at);
	va_list ap;

	va_start(ap, format);
	vsnprintf(r->error + n, sizeof(r->error) - (size_t)n, format, ap);
	va_end(ap);
	r->format = BROKEN;
	return READER_DAMAGED;
}

/* Makes room for n bytes from p on: moves what is left to the front, grows if it must. */
static bool make_room(struct reader *r, size_t n)
{
	size_t start = (size_t)(r->p - r->buf);

	if (start + n <= r->buf_cap)
		return true;
	memmove(r->buf, r->p, r->have);
	r->p = r->buf;
	if (n > r->buf_cap) {
		size_t cap = r->buf_cap;
		uint8_t *buf;

		while (cap < n)
			cap *= 2;
		buf = realloc(r->buf, cap);
		if (!buf)
			return false;
		r->buf = buf;
		r->p = buf;
		r->buf_cap = cap;
	}
	return true;
}

static void fill(struct reader *r, size_t n)
{
	if (!r->buf || r->ended || !make_room(r, n))
		return;
	while (r->have < n) {
		size_t end = (size_t)(r->p - r->buf) + r->have;
		ssize_t got = read(r->fd, r->buf + end, r->buf_cap - end);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			r->ended = true;
			return;
		}
		r->have += (size_t)got;
	}
}

/* Whether n bytes lie at p. */
static inline bool need(struct reader *r, size_t n)
{
	if (r->have >= n)
		return true;
	fill(r, n);
	return r->have >= n;
}

static void step(struct reader *r, size_t n)
{
	assert(n <= r->have);
	r->p += n;
	r->have -= n;
	r->offset += n;
}

/* ---- time ---- */

static ns_t saturate(uint64_t ns)
{
	return ns > INT64_MAX ? INT64_MAX : (ns_t)ns;
}

/* units * factor in nanoseconds. */
static ns_t scaled(uint64_t units, uint64_t factor)
{
	return units > INT64_MAX / factor ? INT64_MAX : (ns_t)(units * factor);
}

static uint64_t power_of_ten(unsigned n)
{
	uint64_t v = 1;

	while (n--)
		v *= 10;
	return v;
}

static ns_t binary_time(uint64_t units, unsigned bits)
{
	uint64_t seconds = bits ? units >> bits : units;
	uint64_t rest = bits ? units & ((1ull << bits) - 1) : 0;
	ns_t t = scaled(seconds, 1000000000);

	/* Keep 32 bits of the fraction: its product with 10^9 then fits. */
	if (bits > 32) {
		rest >>= bits - 32;
		bits = 32;
	}
	rest = rest * 1000000000 >> bits;
	return t > INT64_MAX - (ns_t)rest ? INT64_MAX : t + (ns_t)rest;
}

static ns_t block_time(const struct iface *i, uint64_t units)
{
	unsigned n = i->resol & 0x7f;
	ns_t t, off;

	if (i->resol & 0x80)
		t = binary_time(units, n);
	else if (n <= 9)
		t = scaled(units, power_of_ten(9 - n));
	else
		t = saturate(units / power_of_ten(n - 9));
	if (i->offset == 0)
		return t;
	if (i->offset > INT64_MAX / SEC || i->offset < -(INT64_MAX / SEC))
		return i->offset > 0 ? INT64_MAX : -INT64_MAX;
	off = i->offset * SEC;
	if (off > 0 && t > INT64_MAX - off)
		return INT64_MAX;
	return t + off; /* t >= 0, so a negative offset cannot overflow */
}

/* ---- pcap ---- */

static enum reader_result pcap_header(struct reader *r)
{
	uint16_t major, minor;

	if (!need(r, 24))
		return damaged(r, r->offset + r->have, "the file ends in the pcap header, expected 24 bytes");
	major = get16(r, r->p + 4);
	minor = get16(r, r->p + 6);
	if (major != 2)
		return damaged(r, 4, "pcap version %d.%d, expected 2.x", major, minor);
	r->linktype = (uint16_t)get32(r, r->p + 20); /* the upper half tells of a frame check sequence */
	r->is_capture = true;
	r->format = PCAP;
	step(r, 24);
	return READER_PACKET;
}

static enum reader_result pcap_next(struct reader *r, struct reader_pkt *k)
{
	const uint8_t head = r->rec_len;
	uint32_t sec, frac, caplen, len;

	if (!need(r, head)) {
		if (r->have == 0)
			return READER_END;
		return damaged(r, r->offset + r->have,
			       "the file ends in a record's header, expected %d bytes", head);
	}
	sec = get32(r, r->p);
	frac = get32(r, r->p + 4);
	caplen = get32(r, r->p + 8);
	len = get32(r, r->p + 12);
	if (caplen > READER_CAPLEN_MAX)
		return damaged(r, r->offset + 8, "a record of %" PRIu32 " bytes, expected at most %d",
			       caplen, READER_CAPLEN_MAX);
	if (!need(r, head + (size_t)caplen))
		return damaged(r, r->offset + r->have,
			       "the file ends in a packet, expected %" PRIu32 " bytes of it", caplen);
	*k = (struct reader_pkt){
		.frame = ++r->frames,
		.offset = r->offset,
		.at = sec * SEC + (ns_t)frac * (r->nano ? 1 : US),
		.data = r->p + head,
		.caplen = caplen,
		.len = len < caplen ? caplen : len,
		.linktype = r->linktype,
	};
	step(r, head + (size_t)caplen);
	return READER_PACKET;
}

/* ---- pcapng ---- */

enum { SHB = 0x0A0D0D0A, IDB = 1, PB = 2, SPB = 3, EPB = 6, CB = 0xBAD };

/* One block that lies wholly at r->p. */
struct block {
	uint32_t type, len;
	const uint8_t *body;
	uint32_t body_len;
};

struct option {
	uint16_t code, len;
	const uint8_t *value;
};

/* The option at *at of the block's body; false at the end of the list. *bad: it ran over the block. */
static bool option_next(const struct reader *r, const struct block *b, uint32_t *at, struct option *o,
			bool *bad)
{
	uint32_t left = b->body_len - *at, padded;

	if (left < 4) {
		*bad = left != 0;
		return false;
	}
	o->code = get16(r, b->body + *at);
	o->len = get16(r, b->body + *at + 2);
	o->value = b->body + *at + 4;
	padded = (o->len + 3u) & ~3u;
	if (o->code == 0)
		return false;
	if (padded > left - 4) {
		*bad = true;
		return false;
	}
	*at += 4 + padded;
	return true;
}

static enum reader_result bad_option(struct reader *r, uint32_t at)
{
	return damaged(r, r->offset + 8 + at, "an option runs over its block's end");
}

/* Byte order first: the section header's own length depends on it. */
static enum reader_result section_order(struct reader *r)
{
	if (!need(r, 12))
		return damaged(r, r->offset + r->have,
			       "the file ends in a section header, expected 28 bytes");
	if (memcmp(r->p + 8, "\x1a\x2b\x3c\x4d", 4) == 0)
		r->big = true;
	else if (memcmp(r->p + 8, "\x4d\x3c\x2b\x1a", 4) == 0)
		r->big = false;
	else
		return damaged(r, r->offset + 8, "an unknown byte-order magic, expected 0x1a2b3c4d");
	return READER_PACKET;
}

static enum reader_result section_header(struct reader *r, const struct block *b)
{
	if (b->body_len < 16)
		return damaged(r, r->offset + 4,
			       "a section header of %" PRIu32 " bytes, expected 28 or more", b->len);
	if (get16(r, b->body + 4) != 1)
		return damaged(r, r->offset + 12, "pcapng version %d.%d, expected 1.x",
			       get16(r, b->body + 4), get16(r, b->body + 6));
	r->nifaces = 0;
	r->is_capture = true;
	return READER_PACKET;
}

static bool iface_room(struct reader *r)
{
	uint32_t cap = r->iface_cap ? 2 * r->iface_cap : 4;
	struct iface *i;

	if (r->nifaces < r->iface_cap)
		return true;
	i = realloc(r->iface, cap * sizeof(*i));
	if (!i)
		return false;
	r->iface = i;
	r->iface_cap = cap;
	return true;
}

static enum reader_result interface_description(struct reader *r, const struct block *b)
{
	struct iface i = {.resol = 6};
	struct option o;
	uint32_t at = 8;
	bool bad = false;

	if (b->body_len < 8)
		return damaged(r, r->offset + 4,
			       "an interface description of %" PRIu32 " bytes, expected 20 or more",
			       b->len);
	if (r->nifaces == READER_IFACES_MAX || !iface_room(r))
		return damaged(r, r->offset, "too many interfaces, expected at most %d",
			       READER_IFACES_MAX);
	i.linktype = get16(r, b->body);
	i.snaplen = get32(r, b->body + 4);
	while (option_next(r, b, &at, &o, &bad)) {
		if (o.code == 9 && o.len >= 1)
			i.resol = o.value[0];
		else if (o.code == 14 && o.len >= 8)
			i.offset = (int64_t)get64(r, o.value);
	}
	if (bad)
		return bad_option(r, at);
	if ((i.resol & 0x7f) > (i.resol & 0x80 ? 63 : 19))
		return damaged(r, r->offset, "a time resolution of %d^-%d, expected at most 10^-19 or 2^-63",
			       i.resol & 0x80 ? 2 : 10, i.resol & 0x7f);
	r->iface[r->nifaces++] = i;
	return READER_PACKET;
}

static void packet_option(const struct reader *r, const struct option *o, struct reader_pkt *k)
{
	if (o->code == 1 && !k->comment) {
		k->comment = (const char *)o->value;
		k->comment_len = o->len;
	} else if (o->code == 2 && o->len == 4) {
		k->dir = (uint8_t)(get32(r, o->value) & 3);
	} else if (o->code == 5 && o->len == 8) {
		k->id = get64(r, o->value);
	} else if (o->code == 7 && o->len == 9) {
		k->died = o->value[0] == 1 && get64(r, o->value + 1) == 2;
	} else if (o->code == 2988 && o->len >= 4 && get32(r, o->value) == TRACE_PEN) {
		k->truth = (const char *)o->value + 4;
		k->truth_len = o->len - 4u;
	}
}

/* Enhanced and obsolete packet blocks: they differ in the width of the interface's number. */
static enum reader_result packet_block(struct reader *r, const struct block *b, struct reader_pkt *k)
{
	uint32_t padded, at;
	struct option o;
	bool bad = false;

	if (b->body_len < 20)
		return damaged(r, r->offset + 4, "a packet block of %" PRIu32 " bytes, expected 32 or more",
			       b->len);
	*k = (struct reader_pkt){.offset = r->offset};
	k->iface = b->type == EPB ? get32(r, b->body) : get16(r, b->body);
	k->caplen = get32(r, b->body + 12);
	k->len = get32(r, b->body + 16);
	if (k->iface >= r->nifaces)
		return damaged(r, r->offset + 8, "a packet of interface %" PRIu32 ", expected one of %" PRIu32
			       " described before", k->iface, r->nifaces);
	if (k->caplen > READER_CAPLEN_MAX || k->caplen > b->body_len - 20)
		return damaged(r, r->offset + 20,
			       "a packet of %" PRIu32 " bytes, expected at most the block's %" PRIu32,
			       k->caplen, b->body_len - 20);
	if (k->len < k->caplen)
		k->len = k->caplen;
	k->linktype = r->iface[k->iface].linktype;
	k->at = block_time(&r->iface[k->iface],
			   (uint64_t)get32(r, b->body + 4) << 32 | get32(r, b->body + 8));
	k->data = b->body + 20;
	padded = (k->caplen + 3) & ~3u;
	at = 20 + padded;
	if (at < b->body_len)
		while (option_next(r, b, &at, &o, &bad))
			packet_option(r, &o, k);
	if (bad)
		return bad_option(r, at);
	k->frame = ++r->frames;
	r->last = k->at;
	return READER_PACKET;
}

static enum reader_result simple_packet(struct reader *r, const struct block *b, struct reader_pkt *k)
{
	uint32_t caplen;

	if (b->body_len < 4)
		return damaged(r, r->offset + 4, "a simple packet of %" PRIu32 " bytes, expected 16 or more",
			       b->len);
	if (r->nifaces == 0)
		return damaged(r, r->offset, "a simple packet without an interface, expected one described before");
	*k = (struct reader_pkt){.offset = r->offset, .linktype = r->iface[0].linktype, .at = r->last};
	k->len = get32(r, b->body);
	caplen = k->len;
	if (r->iface[0].snaplen && caplen > r->iface[0].snaplen)
		caplen = r->iface[0].snaplen;
	if (caplen > b->body_len - 4)
		return damaged(r, r->offset + 8,
			       "a packet of %" PRIu32 " bytes, expected at most the block's %" PRIu32,
			       caplen, b->body_len - 4);
	if (caplen > READER_CAPLEN_MAX)
		caplen = READER_CAPLEN_MAX;
	k->caplen = caplen;
	k->data = b->body + 4;
	k->frame = ++r->frames;
	return READER_PACKET;
}

static bool is_event_row(const struct reader *r, const struct block *b)
{
	return b->body_len >= 8 && get32(r, b->body) == BBLOG_PEN && get32(r, b->body + 4) == BBLOG_BLOCK_EVENT;
}

static enum reader_result block_here(struct reader *r, struct block *b)
{
	if (!need(r, 8))
		return damaged(r, r->offset + r->have, "the file ends in a block's header, expected 8 bytes");
	/* 0x0A0D0D0A reads the same in both orders. */
	if (get32(r, r->p) == SHB && section_order(r) != READER_PACKET)
		return READER_DAMAGED;
	b->type = get32(r, r->p);
	b->len = get32(r, r->p + 4);
	if (b->len < 12 || b->len % 4 || b->len > READER_BLOCK_MAX)
		return damaged(r, r->offset + 4,
			       "a block of %" PRIu32 " bytes, expected a multiple of 4 from 12 to %u", b->len,
			       READER_BLOCK_MAX);
	if (!need(r, b->len))
		return damaged(r, r->offset + r->have, "the file ends in a block, expected %" PRIu32 " bytes of it",
			       b->len);
	if (get32(r, r->p + b->len - 4) != b->len)
		return damaged(r, r->offset + b->len - 4,
			       "a block ends with length %" PRIu32 ", expected %" PRIu32 " as at its start",
			       get32(r, r->p + b->len - 4), b->len);
	b->body = r->p + 8;
	b->body_len = b->len - 12;
	return READER_PACKET;
}

static enum reader_result pcapng_next(struct reader *r, struct reader_pkt *k)
{
	for (;;) {
		struct block b = {0};
		enum reader_result v = READER_PACKET;
		bool packet = false;

		if (!need(r, 1))
			return READER_END;
		if (block_here(r, &b) != READER_PACKET)
			return READER_DAMAGED;
		switch (b.type) {
		case SHB:
			v = section_header(r, &b);
			break;
		case IDB:
			v = interface_description(r, &b);
			break;
		case EPB:
		case PB:
			v = packet_block(r, &b, k);
			packet = true;
			break;
		case SPB:
			v = simple_packet(r, &b, k);
			packet = true;
			break;
		case CB:
			r->frames += is_event_row(r, &b);
			break;
		default:
			break;
		}
		if (v != READER_PACKET)
			return v;
		step(r, b.len);
		if (packet)
			return READER_PACKET;
	}
}

/* ---- both ---- */

/* What people hand over for a capture, and what to do with it. */
static enum reader_result not_ours(struct reader *r)
{
	static const struct {
		uint8_t n, magic[4];
		const char *what, *how;
	} known[] = {
		{2, {0x1f, 0x8b}, "compressed by gzip", "gunzip -c FILE | tapir ... -"},
		{4, {0x28, 0xb5, 0x2f, 0xfd}, "compressed by zstd", "zstd -dc FILE | tapir ... -"},
		{4, {0xfd, '7', 'z', 'X'}, "compressed by xz", "xz -dc FILE | tapir ... -"},
		{3, {'B', 'Z', 'h'}, "compressed by bzip2", "bunzip2 -c FILE | tapir ... -"},
		{4, {0x04, 0x22, 0x4d, 0x18}, "compressed by lz4", "lz4 -dc FILE | tapir ... -"},
		{4, {'P', 'K', 3, 4}, "a zip archive", "unzip -p FILE | tapir ... -"},
		{4, {'s', 'n', 'o', 'o'}, "a snoop capture", "editcap -F pcapng FILE OUT"},
		{4, {'R', 'T', 'S', 'S'}, "a Network Monitor capture", "editcap -F pcapng FILE OUT"},
		{4, {'G', 'M', 'B', 'U'}, "a Network Monitor capture", "editcap -F pcapng FILE OUT"},
		{4, {'T', 'R', 'S', 'N'}, "a Sniffer capture", "editcap -F pcapng FILE OUT"},
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (memcmp(r->p, known[i].magic, known[i].n) == 0)
			return damaged(r, 0, "%s, expected pcap or pcapng: %s", known[i].what, known[i].how);
	return damaged(r, 0, "magic %02x%02x%02x%02x, expected that of pcap or pcapng", r->p[0], r->p[1],
		       r->p[2], r->p[3]);
}

static enum reader_result recognise(struct reader *r)
{
	static const struct {
		uint8_t magic[4];
		bool big, nano;
		uint8_t rec_len; /* the patched form of old Linux tells the interface with each record */
	} known[] = {
		{{0xa1, 0xb2, 0xc3, 0xd4}, true, false, 16},
		{{0xa1, 0xb2, 0x3c, 0x4d}, true, true, 16},
		{{0xa1, 0xb2, 0xcd, 0x34}, true, false, 24},
		{{0xd4, 0xc3, 0xb2, 0xa1}, false, false, 16},
		{{0x4d, 0x3c, 0xb2, 0xa1}, false, true, 16},
		{{0x34, 0xcd, 0xb2, 0xa1}, false, false, 24},
	};

	if (!need(r, 4))
		return damaged(r, r->have, "the file ends after %zu bytes, expected a pcap or pcapng header",
			       r->have);
	if (memcmp(r->p, "\x0a\x0d\x0d\x0a", 4) == 0) {
		r->format = PCAPNG;
		return READER_PACKET;
	}
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (memcmp(r->p, known[i].magic, 4) == 0) {
			r->big = known[i].big;
			r->nano = known[i].nano;
			r->rec_len = known[i].rec_len;
			return pcap_header(r);
		}
	return not_ours(r);
}

enum reader_result reader_next(struct reader *r, struct reader_pkt *k)
{
	if (r->format == UNKNOWN && recognise(r) != READER_PACKET)
		return READER_DAMAGED;
	if (r->format == PCAP)
		return pcap_next(r, k);
	if (r->format == PCAPNG)
		return pcapng_next(r, k);
	return READER_DAMAGED;
}

static struct reader *reader_new(void)
{
	struct reader *r = calloc(1, sizeof(*r));

	if (r)
		r->fd = -1;
	return r;
}

struct reader *reader_open(const char *path, char *err, size_t cap)
{
	struct reader *r = reader_new();

	if (r) {
		r->buf = malloc(CHUNK);
		r->buf_cap = CHUNK;
		r->p = r->buf;
	}
	if (!r || !r->buf) {
		snprintf(err, cap, "%s: out of memory", path);
		reader_close(r);
		return NULL;
	}
	r->fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	if (r->fd >= 0 && read(r->fd, NULL, 0) == 0)
		return r;
	snprintf(err, cap, "%s: %s", path, strerror(errno));
	reader_close(r);
	return NULL;
}

struct reader *reader_of_bytes(const void *bytes, size_t len)
{
	struct reader *r = reader_new();

	if (r) {
		r->p = bytes;
		r->have = len;
	}
	return r;
}

const char *reader_error(const struct reader *r)
{
	return r->error;
}

bool reader_is_capture(const struct reader *r)
{
	return r->is_capture;
}

bool reader_is_pcapng(const struct reader *r)
{
	return r->format == PCAPNG;
}

void reader_close(struct reader *r)
{
	if (!r)
		return;
	if (r->fd >= 0)
		close(r->fd);
	free(r->buf);
	free(r->iface);
	free(r);
}
