/* Writing pcapng (draft-ietf-opsawg-pcapng), block by block, in this machine's byte order.
 *
 * A file begins with a section header, then room for TLS secrets if the driver expects any, then
 * one interface description per tap; packets are enhanced packet blocks; at the end stands one
 * statistics block per interface. No custom blocks, since viewers show them as packets, but for the
 * events of a black box log, which are meant to be seen so, and only when asked for.
 *
 * The room for secrets is a decryption secrets block whose text is a comment line as long as the
 * room. Key log lines are later written over it, at its front, so that they stand before every
 * packet whenever they become known, and the file is well formed at each moment. */
#include "writer.h"

#include "bblog.h"
#include "../stack/base/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHB = 0x0A0D0D0A, IDB = 1, ISB = 5, EPB = 6, DSB = 10, CB = 0xBAD };
enum { OPT_END = 0, OPT_COMMENT = 1, OPT_CUSTOM_TEXT = 2988, OPT_CUSTOM_BYTES = 2989 };
enum { SHB_HARDWARE = 2, SHB_APP = 4 };
enum { IF_NAME = 2, IF_DESCRIPTION = 3, IF_IP4 = 4, IF_IP6 = 5, IF_MAC = 6, IF_SPEED = 8, IF_TSRESOL = 9 };
enum { EPB_FLAGS = 2, EPB_DROPCOUNT = 4, EPB_PACKETID = 5, EPB_VERDICT = 7 };
enum { ISB_START = 2, ISB_END = 3, ISB_RECEIVED = 4, ISB_DROPPED = 5 };

#define LINKTYPE_ETHERNET 1
#define SECRETS_TLS 0x544c534bu /* "TLSK" */
#define SECRETS_MAX (1u << 18)

/* Fields and options put more than the caller's texts into a block; this covers them. */
#define BLOCK_EXTRA 1024

/* ---- blocks in the making ---- */

struct block {
	uint8_t *start, *p;
};

static void put(struct block *b, const void *bytes, size_t n)
{
	if (n)
		memcpy(b->p, bytes, n);
	b->p += n;
}

static void put16(struct block *b, uint16_t v)
{
	put(b, &v, 2);
}

static void put32(struct block *b, uint32_t v)
{
	put(b, &v, 4);
}

static void put_padded(struct block *b, const void *bytes, size_t n)
{
	size_t pad = -n & 3;

	put(b, bytes, n);
	memset(b->p, 0, pad);
	b->p += pad;
}

/* Times are two halves, the upper one first, whatever the byte order. */
static void put_time(struct block *b, ns_t t)
{
	put32(b, (uint32_t)((uint64_t)t >> 32));
	put32(b, (uint32_t)t);
}

static void put_option(struct block *b, uint16_t code, const void *value, size_t n)
{
	put16(b, code);
	put16(b, (uint16_t)n);
	put_padded(b, value, n);
}

static size_t text_len(const char *s)
{
	return strnlen(s, TRACE_TEXT_MAX);
}

static void put_text(struct block *b, uint16_t code, const char *s)
{
	if (s && *s)
		put_option(b, code, s, text_len(s));
}

static void put_option64(struct block *b, uint16_t code, uint64_t v)
{
	put_option(b, code, &v, 8);
}

static void put_option_time(struct block *b, uint16_t code, ns_t t)
{
	put16(b, code);
	put16(b, 8);
	put_time(b, t);
}

static void put_bblog_option(struct block *b, uint32_t type, const void *value, size_t n)
{
	put16(b, OPT_CUSTOM_BYTES);
	put16(b, (uint16_t)(8 + n));
	put32(b, BBLOG_PEN);
	put32(b, type);
	put_padded(b, value, n);
}

static void put_bblog(struct block *b, const struct bblog *tcb)
{
	uint8_t record[BBLOG_RECORD];

	bblog_record(record, tcb);
	put_bblog_option(b, BBLOG_OPT_RECORD, record, sizeof(record));
}

static bool block_begin(struct trace_writer *w, struct block *b, uint32_t type, size_t most)
{
	b->start = b->p = out_room(&w->out, most);
	if (!b->p) {
		w->error = w->out.error;
		return false;
	}
	put32(b, type);
	put32(b, 0); /* the length, when it is known */
	return true;
}

static bool block_end(struct trace_writer *w, struct block *b)
{
	uint32_t len = (uint32_t)(b->p - b->start) + 4;

	put32(b, len);
	memcpy(b->start + 4, &len, 4);
	w->out.n += len;
	assert(w->out.n <= OUT_CAP);
	return true;
}

/* ---- one function per block ---- */

static void put_bblog_description(struct block *b)
{
	const uint32_t version = BBLOG_VERSION;
	uint8_t description[BBLOG_DESCRIPTION];

	bblog_description(description);
	put_bblog_option(b, BBLOG_OPT_VERSION, &version, 4);
	put_bblog_option(b, BBLOG_OPT_DESCRIPTION, description, sizeof(description));
}

static bool write_section(struct trace_writer *w)
{
	const int64_t unknown_length = -1;
	struct block b;

	if (!block_begin(w, &b, SHB, BLOCK_EXTRA + 3 * TRACE_TEXT_MAX))
		return false;
	put32(&b, 0x1A2B3C4D);
	put16(&b, 1);
	put16(&b, 0);
	put(&b, &unknown_length, 8);
	put_text(&b, OPT_COMMENT, w->opt.comment);
	put_text(&b, SHB_HARDWARE, w->opt.host);
	put_text(&b, SHB_APP, w->opt.app ? w->opt.app : "tapir");
	if (w->opt.bblog)
		put_bblog_description(&b);
	put_option(&b, OPT_END, NULL, 0);
	return block_end(w, &b);
}

static bool write_secrets(struct trace_writer *w, const char *text, size_t n)
{
	struct block b;

	if (!block_begin(w, &b, DSB, BLOCK_EXTRA + n))
		return false;
	put32(&b, SECRETS_TLS);
	put32(&b, (uint32_t)n);
	put_padded(&b, text, n);
	return block_end(w, &b);
}

/* Free room is one comment line, "####...\n". */
static bool write_secrets_room(struct trace_writer *w)
{
	const uint32_t header = 16, asked = w->opt.secrets_room;
	uint32_t n = (asked < SECRETS_MAX ? asked : SECRETS_MAX) & ~3u;
	struct block b;

	if (n == 0)
		return true;
	if (!block_begin(w, &b, DSB, BLOCK_EXTRA + n))
		return false;
	w->room_at = w->out.whole + w->out.n + header;
	w->room_left = n;
	put32(&b, SECRETS_TLS);
	put32(&b, n);
	memset(b.p, '#', n - 1);
	b.p[n - 1] = '\n';
	b.p += n;
	return block_end(w, &b);
}

static void put_addr(struct block *b, const struct addr *a, uint8_t prefix)
{
	uint8_t v[17];

	if (addr_is_v4(a)) {
		memcpy(v, a->b + 12, 4);
		wr32(v + 4, prefix ? ~0u << (32 - prefix) : 0);
		put_option(b, IF_IP4, v, 8);
	} else {
		memcpy(v, a->b, 16);
		v[16] = prefix;
		put_option(b, IF_IP6, v, 17);
	}
}

static bool pcapng_iface(struct trace_writer *w, const struct trace_iface *i)
{
	static const struct mac no_mac;
	const uint8_t nanoseconds = 9;
	struct block b;

	if (!block_begin(w, &b, IDB, BLOCK_EXTRA + 2 * TRACE_TEXT_MAX))
		return false;
	put16(&b, LINKTYPE_ETHERNET);
	put16(&b, 0);
	put32(&b, w->opt.snaplen);
	put_text(&b, IF_NAME, i->name);
	put_text(&b, IF_DESCRIPTION, i->description);
	for (int k = 0; k < i->naddrs; k++)
		put_addr(&b, &i->addr[k], i->prefix[k]);
	if (!mac_eq(&i->mac, &no_mac))
		put_option(&b, IF_MAC, i->mac.b, 6);
	if (i->speed_bps)
		put_option64(&b, IF_SPEED, i->speed_bps);
	put_option(&b, IF_TSRESOL, &nanoseconds, 1);
	put_option(&b, OPT_END, NULL, 0);
	return block_end(w, &b);
}

static void put_truth(struct block *b, const char *truth)
{
	size_t n = text_len(truth);

	put16(b, OPT_CUSTOM_TEXT);
	put16(b, (uint16_t)(4 + n));
	put32(b, TRACE_PEN);
	put_padded(b, truth, n);
}

static void put_packet_options(struct block *b, const struct trace_frame *f)
{
	put_text(b, OPT_COMMENT, f->comment);
	if (f->dir != TRACE_DIR_NONE) {
		const uint32_t flags = f->dir == TRACE_IN ? 1 : 2;

		put_option(b, EPB_FLAGS, &flags, 4);
	}
	if (f->drops)
		put_option64(b, EPB_DROPCOUNT, f->drops);
	if (f->id)
		put_option64(b, EPB_PACKETID, f->id);
	if (f->died) {
		/* Type 1 is Linux's traffic control, whose verdict 2 is TC_ACT_SHOT. */
		const uint64_t shot = 2;
		uint8_t v[9] = {1};

		memcpy(v + 1, &shot, 8);
		put_option(b, EPB_VERDICT, v, 9);
	}
	if (f->truth && *f->truth)
		put_truth(b, f->truth);
	if (f->tcb)
		put_bblog(b, f->tcb);
	put_option(b, OPT_END, NULL, 0);
}

static bool pcapng_frame(struct trace_writer *w, const struct trace_frame *f, uint32_t keep)
{
	struct block b;

	if (!block_begin(w, &b, EPB, BLOCK_EXTRA + keep + 2 * TRACE_TEXT_MAX))
		return false;
	put32(&b, f->iface);
	put_time(&b, f->at);
	put32(&b, keep);
	put32(&b, f->len);
	put_padded(&b, f->bytes, keep);
	put_packet_options(&b, f);
	return block_end(w, &b);
}

static bool pcapng_event(struct trace_writer *w, const struct bblog *tcb, const char *comment)
{
	struct block b;

	if (!block_begin(w, &b, CB, BLOCK_EXTRA + TRACE_TEXT_MAX))
		return false;
	put32(&b, BBLOG_PEN);
	put32(&b, BBLOG_BLOCK_EVENT);
	put_text(&b, OPT_COMMENT, comment);
	put_bblog(&b, tcb);
	put_option(&b, OPT_END, NULL, 0);
	return block_end(w, &b);
}

static bool write_statistics(struct trace_writer *w, uint32_t iface)
{
	const struct iface_stats *s = &w->stats[iface];
	struct block b;

	if (!block_begin(w, &b, ISB, BLOCK_EXTRA))
		return false;
	put32(&b, iface);
	put_time(&b, s->last);
	if (s->received) {
		put_option_time(&b, ISB_START, s->first);
		put_option_time(&b, ISB_END, s->last);
	}
	put_option64(&b, ISB_RECEIVED, s->received);
	put_option64(&b, ISB_DROPPED, s->dropped);
	put_option(&b, OPT_END, NULL, 0);
	return block_end(w, &b);
}

/* ---- the format's functions ---- */

static bool pcapng_start(struct trace_writer *w, const char *path, char *err, size_t cap)
{
	struct stat st;

	if (!out_open(&w->out, path)) {
		snprintf(err, cap, "%s: %s", path, strerror(errno));
		return false;
	}
	if (fstat(w->out.fd, &st) < 0 || !S_ISREG(st.st_mode))
		w->opt.secrets_room = 0; /* what is in a pipe cannot be written over */
	if (write_section(w) && write_secrets_room(w) && out_flush(&w->out))
		return true;
	snprintf(err, cap, "%s: %s", path, strerror(w->out.error));
	out_close(&w->out);
	return false;
}

/* Writes over the front of the room. The rest stays a comment line: its first byte is a '#'. */
static bool fill_room(struct trace_writer *w, const char *text, size_t n)
{
	ssize_t done = pwrite(w->out.fd, text, n, (off_t)w->room_at);

	if (done != (ssize_t)n) {
		w->error = done < 0 ? errno : EIO;
		return false;
	}
	w->room_at += n;
	w->room_left -= (uint32_t)n;
	return true;
}

static bool pcapng_secrets(struct trace_writer *w, const char *keylog)
{
	size_t n = strlen(keylog);

	if (n == 0)
		return true;
	if (n + 2 <= w->room_left && keylog[n - 1] == '\n')
		return fill_room(w, keylog, n);
	return n <= SECRETS_MAX && write_secrets(w, keylog, n);
}

static bool pcapng_flush(struct trace_writer *w)
{
	if (!out_flush(&w->out))
		w->error = w->out.error;
	return !w->error;
}

static bool pcapng_end(struct trace_writer *w)
{
	for (uint32_t i = 0; i < w->nifaces && !w->error; i++)
		write_statistics(w, i);
	if (!out_close(&w->out) && !w->error)
		w->error = w->out.error;
	return !w->error;
}

const struct trace_format pcapng_format = {
	.start = pcapng_start,
	.iface = pcapng_iface,
	.frame = pcapng_frame,
	.event = pcapng_event,
	.secrets = pcapng_secrets,
	.flush = pcapng_flush,
	.end = pcapng_end,
};
