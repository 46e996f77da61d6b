/* TCP headers and their options (RFC 9293 3.1, 3.2; RFC 7323, 2018, 7413, 5925, 2385, 9768).
 * An illegal length never fails a segment (RFC 9293 MUST-7): an option that does not say where the
 * next one begins ends the parsing, one of a wrong size for its kind is skipped. */
#include "tcp.h"

#include <string.h>

#include "../base/bytes.h"
#include "../base/check.h"

enum {
	OPT_EOL = 0,
	OPT_NOP = 1,
	OPT_MSS = 2,
	OPT_WSCALE = 3,
	OPT_SACK_OK = 4,
	OPT_SACK = 5,
	OPT_TS = 8,
	OPT_MD5 = 19,
	OPT_UTO = 28,
	OPT_AO = 29,
	OPT_TFO = 34,
	OPT_ACCECN0 = 172,
	OPT_ACCECN1 = 174,
	OPT_EXP = 254,
};

#define AO_HEAD 4 /* kind, length, KeyID, RNextKeyID (RFC 5925 2.2) */
#define TFO_MAGIC 0xf989 /* the experiment's number, RFC 7413 appendix B */
#define TFO_COOKIE_MIN 4
#define TFO_COOKIE_MAX 16

/* ---- bytes to struct ---- */

static void sack_parse(const uint8_t *p, uint8_t len, struct tcp_opts *o)
{
	if (len < 10 || (len - 2) % 8) {
		o->malformed = true;
		return;
	}
	o->nsack = (uint8_t)((len - 2) / 8); /* 38 bytes at most: never more than TCP_SACKS */
	for (int i = 0; i < o->nsack; i++) {
		o->sack[i].lo = seq_of(rd32(p + 2 + 8 * i));
		o->sack[i].hi = seq_of(rd32(p + 6 + 8 * i));
	}
}

/* RFC 7413 4.1.1: no cookie, or 4 to 16 bytes, an even number. */
static void tfo_parse(const uint8_t *cookie, uint8_t len, bool exp, struct tcp_opts *o)
{
	if (len && (len < TFO_COOKIE_MIN || len > TFO_COOKIE_MAX || len % 2)) {
		o->malformed = true;
		return;
	}
	o->has_tfo = true;
	o->tfo_exp = exp;
	o->tfo_len = len;
	memcpy(o->tfo_cookie, cookie, len);
}

static void accecn_parse(const uint8_t *p, uint8_t len, struct tcp_opts *o)
{
	if (len > 11 || (len - 2) % 3) {
		o->malformed = true;
		return;
	}
	o->has_accecn = true;
	o->accecn_order1 = p[0] == OPT_ACCECN1;
	o->accecn_n = (uint8_t)((len - 2) / 3);
	for (int i = 0; i < o->accecn_n; i++)
		o->accecn[i] = (uint32_t)p[2 + 3 * i] << 16 | rd16(p + 3 + 3 * i);
}

static void ao_parse(const uint8_t *p, uint8_t len, struct tcp_opts *o)
{
	size_t mac_len = len < AO_HEAD ? 0 : len - (size_t)AO_HEAD;

	if (len < AO_HEAD) {
		o->malformed = o->ao_bad = true;
		return;
	}
	o->ao_bad |= o->has_ao | o->has_md5;
	o->has_ao = true;
	o->ao_keyid = p[2];
	o->ao_rnextkeyid = p[3];
	o->ao_mac_len = (uint8_t)mac_len;
	memcpy(o->ao_mac, p + AO_HEAD, mac_len < TCP_AO_MAC ? mac_len : TCP_AO_MAC);
}

/* The length that a kind must have, 0 if it varies or the kind is unknown. */
static uint8_t fixed_len(uint8_t kind)
{
	switch (kind) {
	case OPT_MSS:
		return 4;
	case OPT_WSCALE:
		return 3;
	case OPT_SACK_OK:
		return 2;
	case OPT_TS:
		return 10;
	case OPT_UTO:
		return 4;
	case OPT_MD5:
		return 18;
	default:
		return 0;
	}
}

/* One option of `len` >= 2 bytes that are there. */
static void option_parse(const uint8_t *p, uint8_t len, struct tcp_opts *o)
{
	uint8_t fixed = fixed_len(p[0]);

	if (fixed && len != fixed) {
		o->malformed = true;
		return;
	}
	switch (p[0]) {
	case OPT_MSS:
		o->has_mss = true;
		o->mss = rd16(p + 2);
		break;
	case OPT_WSCALE:
		o->has_wscale = true;
		o->wscale = p[2];
		break;
	case OPT_SACK_OK:
		o->sack_ok = true;
		break;
	case OPT_SACK:
		sack_parse(p, len, o);
		break;
	case OPT_TS:
		o->has_ts = true;
		o->ts_val = rd32(p + 2);
		o->ts_ecr = rd32(p + 6);
		break;
	case OPT_UTO:
		o->has_uto = true;
		o->uto = rd16(p + 2);
		break;
	case OPT_MD5:
		o->has_md5 = true;
		o->ao_bad |= o->has_ao;
		break;
	case OPT_AO:
		ao_parse(p, len, o);
		break;
	case OPT_TFO:
		tfo_parse(p + 2, (uint8_t)(len - 2), false, o);
		break;
	case OPT_ACCECN0:
	case OPT_ACCECN1:
		accecn_parse(p, len, o);
		break;
	case OPT_EXP:
		if (len >= 4 && rd16(p + 2) == TFO_MAGIC)
			tfo_parse(p + 4, (uint8_t)(len - 4), true, o);
		else
			o->unknown = true;
		break;
	default:
		o->unknown = true;
	}
}

/* NOP, NOP, timestamps: as RFC 7323 appendix A lays them out where there is nothing else. */
#define TS_ALONE 0x0101080au
#define TS_ALONE_LEN 12

static void options_parse(const uint8_t *p, size_t len, struct tcp_opts *o)
{
	if (len == TS_ALONE_LEN && rd32(p) == TS_ALONE) {
		o->has_ts = true;
		o->ts_val = rd32(p + 4);
		o->ts_ecr = rd32(p + 8);
		return;
	}
	for (size_t i = 0; i < len && p[i] != OPT_EOL;) {
		if (p[i] == OPT_NOP) {
			i++;
			continue;
		}
		if (len - i < 2 || p[i + 1] < 2 || p[i + 1] > len - i) {
			o->malformed = true;
			return;
		}
		option_parse(p + i, p[i + 1], o);
		i += p[i + 1];
	}
}

bool tcp_parse(const uint8_t *p, size_t len, struct seg *g)
{
	size_t hdr_len;

	if (len < TCP_LEN)
		return false;
	hdr_len = (size_t)(p[12] >> 4) * 4;
	if (hdr_len < TCP_LEN || hdr_len > len)
		return false;
	*g = (struct seg){
		.sport = rd16(p),
		.dport = rd16(p + 2),
		.seq = seq_of(rd32(p + 4)),
		.ack = seq_of(rd32(p + 8)),
		.flags = rd16(p + 12) & 0x1ff,
		.wnd = rd16(p + 14),
		.urg = rd16(p + 18),
		.hdr_len = (uint16_t)hdr_len,
	};
	options_parse(p + TCP_LEN, hdr_len - TCP_LEN, &g->opt);
	return true;
}

/* ---- struct to bytes ---- */

struct writer {
	uint8_t b[TCP_MAX_OPTS];
	size_t len;
};

static bool fits(const struct writer *w, size_t n)
{
	return n <= TCP_MAX_OPTS - w->len;
}

static void put8(struct writer *w, unsigned v)
{
	w->b[w->len++] = (uint8_t)v;
}

static void put16(struct writer *w, unsigned v)
{
	wr16(w->b + w->len, (uint16_t)v);
	w->len += 2;
}

static void put32(struct writer *w, uint32_t v)
{
	wr32(w->b + w->len, v);
	w->len += 4;
}

static void put_head(struct writer *w, unsigned kind, unsigned len)
{
	put8(w, kind);
	put8(w, len);
}

/* No-operations until the length is `rest` modulo 4. */
static void align(struct writer *w, unsigned rest)
{
	while (w->len % 4 != rest)
		put8(w, OPT_NOP);
}

static void put_mss(struct writer *w, const struct tcp_opts *o)
{
	put_head(w, OPT_MSS, 4);
	put16(w, o->mss);
}

static void put_wscale(struct writer *w, const struct tcp_opts *o)
{
	align(w, 1);
	put_head(w, OPT_WSCALE, 3);
	put8(w, o->wscale);
}

static void put_ts(struct writer *w, const struct tcp_opts *o)
{
	align(w, 2);
	put_head(w, OPT_TS, 10);
	put32(w, o->ts_val);
	put32(w, o->ts_ecr);
}

/* There is always room: the options before it take 20 bytes at most, and the longest MAC makes 20. */
static void put_ao(struct writer *w, const struct tcp_opts *o)
{
	unsigned mac_len = o->ao_mac_len < TCP_AO_MAC ? o->ao_mac_len : TCP_AO_MAC;

	assert(fits(w, AO_HEAD + mac_len));
	put_head(w, OPT_AO, AO_HEAD + mac_len);
	put8(w, o->ao_keyid);
	put8(w, o->ao_rnextkeyid);
	memcpy(w->b + w->len, o->ao_mac, mac_len);
	w->len += mac_len;
}

/* As many blocks as there is room for: RFC 2018 3 wants the first ones. */
static void put_sack(struct writer *w, const struct tcp_opts *o)
{
	unsigned n = o->nsack, room;

	if (w->len > TCP_MAX_OPTS - 12)
		return;
	align(w, 2);
	room = (unsigned)(TCP_MAX_OPTS - w->len - 2) / 8;
	if (n > room)
		n = room;
	if (n == 0)
		return;
	put_head(w, OPT_SACK, 2 + 8 * n);
	for (unsigned i = 0; i < n; i++) {
		put32(w, o->sack[i].lo.v);
		put32(w, o->sack[i].hi.v);
	}
}

static void put_tfo(struct writer *w, const struct tcp_opts *o)
{
	unsigned head = o->tfo_exp ? 4 : 2;

	if (!fits(w, head + o->tfo_len))
		return;
	put_head(w, o->tfo_exp ? OPT_EXP : OPT_TFO, head + o->tfo_len);
	if (o->tfo_exp)
		put16(w, TFO_MAGIC);
	memcpy(w->b + w->len, o->tfo_cookie, o->tfo_len);
	w->len += o->tfo_len;
}

static void put_uto(struct writer *w, const struct tcp_opts *o)
{
	if (!fits(w, 4))
		return;
	put_head(w, OPT_UTO, 4);
	put16(w, o->uto);
}

/* RFC 9768 3.2.3.3: fewer counters where `room`, all that the other options leave, is short. */
static void put_accecn(struct writer *w, const struct tcp_opts *o, size_t room)
{
	unsigned n = o->accecn_n;

	while (n > 1 && 2 + 3 * n > room)
		n--;
	if (2 + 3 * n > room)
		return;
	put_head(w, o->accecn_order1 ? OPT_ACCECN1 : OPT_ACCECN0, 2 + 3 * n);
	for (unsigned i = 0; i < n; i++) {
		put8(w, o->accecn[i] >> 16);
		put16(w, o->accecn[i]);
	}
}

/* The fixed part is at most 20 bytes on a SYN, so what follows finds its alignment. SACK's
 * permission stands in the gap before the timestamps, if there are any. */
static void lay_out_linux(struct writer *w, const struct tcp_opts *o, size_t accecn_room)
{
	if (o->has_mss)
		put_mss(w, o);
	if (o->sack_ok && o->has_ts) {
		align(w, 0);
		put_head(w, OPT_SACK_OK, 2);
	}
	if (o->has_ts)
		put_ts(w, o);
	if (o->has_accecn) {
		put_accecn(w, o, accecn_room);
		align(w, 0);
	}
	if (o->sack_ok && !o->has_ts) {
		align(w, 2);
		put_head(w, OPT_SACK_OK, 2);
	}
	if (o->has_wscale)
		put_wscale(w, o);
}

static void lay_out_bsd(struct writer *w, const struct tcp_opts *o)
{
	if (o->has_mss)
		put_mss(w, o);
	if (o->has_wscale)
		put_wscale(w, o);
	if (o->sack_ok)
		put_head(w, OPT_SACK_OK, 2);
	if (o->has_ts)
		put_ts(w, o);
}

/* Nearly all segments: both layouts give the same. */
static bool ts_alone(const struct tcp_opts *o)
{
	return o->has_ts && !(o->has_mss | o->has_wscale | o->sack_ok | o->has_tfo | o->has_accecn | o->has_ao | o->nsack);
}

static void lay_out(struct writer *w, const struct seg *g, enum tcp_layout layout)
{
	const struct tcp_opts *o = &g->opt;
	size_t accecn_room = 0;

	if (o->has_accecn) { /* it stands amid others, but they have precedence */
		struct seg rest = *g;

		rest.opt.has_accecn = false;
		lay_out(w, &rest, layout);
		accecn_room = TCP_MAX_OPTS - w->len;
	}

	assert(o->nsack <= TCP_SACKS);
	assert(o->tfo_len <= TFO_COOKIE_MAX);
	assert(o->accecn_n <= 3);
	w->len = 0;
	if (ts_alone(o)) {
		put32(w, TS_ALONE);
		put32(w, o->ts_val);
		put32(w, o->ts_ecr);
		return;
	}
	if (layout == LAYOUT_BSD)
		lay_out_bsd(w, o);
	else
		lay_out_linux(w, o, accecn_room);
	if (o->has_ao)
		put_ao(w, o);
	if (o->nsack)
		put_sack(w, o);
	if (o->has_tfo)
		put_tfo(w, o);
	if (o->has_uto)
		put_uto(w, o);
	if (o->has_accecn && layout == LAYOUT_BSD)
		put_accecn(w, o, accecn_room);
	while (w->len % 4)
		put8(w, layout == LAYOUT_BSD ? OPT_EOL : OPT_NOP);
}

size_t tcp_opts_len(const struct seg *g, enum tcp_layout layout)
{
	struct writer w;

	lay_out(&w, g, layout);
	return w.len;
}

size_t tcp_emit(uint8_t *p, const struct seg *g, enum tcp_layout layout)
{
	struct writer w;
	size_t hdr_len;

	lay_out(&w, g, layout);
	hdr_len = TCP_LEN + w.len;
	wr16(p, g->sport);
	wr16(p + 2, g->dport);
	wr32(p + 4, g->seq.v);
	wr32(p + 8, g->ack.v);
	wr16(p + 12, (uint16_t)(hdr_len / 4 << 12 | (g->flags & 0x1ff)));
	wr16(p + 14, g->wnd);
	wr16(p + 16, 0);
	wr16(p + 18, g->urg);
	memcpy(p + TCP_LEN, w.b, w.len);
	return hdr_len;
}

/* ---- what TCP-AO covers ---- */

/* The option's first byte. Only for headers that tcp_parse took and found TCP-AO in, or that we wrote. */
static const uint8_t *ao_option(const uint8_t *hdr, size_t hdr_len)
{
	for (size_t i = TCP_LEN; i < hdr_len && hdr[i] != OPT_EOL;) {
		if (hdr[i] == OPT_NOP) {
			i++;
			continue;
		}
		if (hdr_len - i < 2 || hdr[i + 1] < 2 || hdr[i + 1] > hdr_len - i)
			return NULL;
		if (hdr[i] == OPT_AO && hdr[i + 1] >= AO_HEAD)
			return hdr + i;
		i += hdr[i + 1];
	}
	return NULL;
}

uint8_t *tcp_ao_find(uint8_t *hdr, size_t hdr_len, size_t *mac_len)
{
	const uint8_t *ao = ao_option(hdr, hdr_len);

	if (!ao)
		return NULL;
	*mac_len = ao[1] - (size_t)AO_HEAD;
	return hdr + (ao - hdr) + AO_HEAD;
}

size_t tcp_ao_cover(const uint8_t *hdr, size_t hdr_len, bool options, uint8_t out[TCP_MAX_HDR])
{
	const uint8_t *ao = ao_option(hdr, hdr_len);
	size_t at, len;

	assert(hdr_len <= TCP_MAX_HDR);
	if (!ao)
		return 0;
	at = options ? (size_t)(ao - hdr) : TCP_LEN;
	len = options ? hdr_len : TCP_LEN + (size_t)ao[1];
	memcpy(out, hdr, options ? hdr_len : TCP_LEN);
	memcpy(out + at, ao, AO_HEAD);
	memset(out + at + AO_HEAD, 0, ao[1] - (size_t)AO_HEAD);
	wr16(out + 16, 0);
	return len;
}
