/* See tape.h. */
#include "tape.h"

#include "../../stack/base/check.h"
#include "../../stack/wire/eth.h"
#include "../../stack/wire/ip.h"

#include <stdlib.h>
#include <string.h>

void tape_bytes(struct tape *t, const void *b, size_t n)
{
	if (t->n + n > t->cap) {
		t->cap = 2 * (t->n + n);
		t->bytes = realloc(t->bytes, t->cap);
		assert(t->bytes);
	}
	memcpy(t->bytes + t->n, b, n);
	t->n += n;
}

void tape_init(struct tape *t)
{
	const uint32_t head[6] = {0xa1b23c4d, 0x00040002, 0, 0, 65535, 1};

	memset(t, 0, sizeof(*t));
	tape_bytes(t, head, sizeof(head));
	t->ipid[C] = 100;
	t->ipid[S] = 5000;
	t->tick = 1;
}

void tape_free(struct tape *t)
{
	free(t->bytes);
}

void tape_frame(struct tape *t, ns_t at, const void *frame, uint32_t len, uint32_t orig)
{
	const uint32_t head[4] = {(uint32_t)(at / SEC), (uint32_t)(at % SEC), len, orig};

	tape_bytes(t, head, sizeof(head));
	tape_bytes(t, frame, len);
}

void tape_seg(struct tape *t, const struct tape_seg *s)
{
	static const struct mac mac[2] = {{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}};
	uint8_t frame[2048] = {0};
	bool bare = s->flags == TH_SYN || s->flags == TH_RST;
	struct seg g = {
		.sport = s->from == C ? 1000 : 80,
		.dport = s->from == C ? 80 : 1000,
		.seq = seq_of(TAPE_ISN + s->seq),
		.ack = seq_of(bare ? 0 : TAPE_ISN + s->ack),
		.flags = (uint16_t)(s->flags | (bare ? 0 : TH_ACK)),
		.wnd = s->zero_wnd ? 0 : s->wnd ? s->wnd : 1000,
		.len = s->len,
	};
	struct ip_hdr ip = {.src = addr_v4(s->from == C ? 0x0a000001 : 0x0a000002),
			    .dst = addr_v4(s->from == C ? 0x0a000002 : 0x0a000001),
			    .version = 4, .proto = PROTO_TCP, .ttl = 64, .hdr_len = IP4_LEN};
	size_t hdr;

	if (s->flags & TH_SYN) {
		g.opt.has_mss = g.opt.has_wscale = true;
		g.opt.sack_ok = !t->no_sack;
		g.opt.mss = 1460;
		g.opt.wscale = 7;
	}
	if (t->timestamps) {
		g.opt.has_ts = true;
		g.opt.ts_val = s->tsval ? s->tsval : (uint32_t)(s->at / MS) + 1;
		g.opt.ts_ecr = s->tsecr;
	}
	for (int i = 0; i < 3 && s->sack[i].hi; i++) {
		g.opt.sack[i].lo = seq_of(TAPE_ISN + s->sack[i].lo);
		g.opt.sack[i].hi = seq_of(TAPE_ISN + s->sack[i].hi);
		g.opt.nsack++;
	}
	t->ipid[s->from] = (uint16_t)(t->ipid[s->from] + t->tick);
	ip.id = s->ipid ? s->ipid : t->tick ? t->ipid[s->from] : 0;
	hdr = tcp_emit(frame + ETH_LEN + IP4_LEN, &g, LAYOUT_LINUX);
	ip.payload_len = (uint32_t)hdr + s->len;
	ip4_emit(frame + ETH_LEN, &ip);
	eth_emit(frame, &mac[!s->from], &mac[s->from], ETH_IP4);
	assert(ETH_LEN + IP4_LEN + hdr + s->len <= sizeof(frame));
	tape_frame(t, s->at, frame, (uint32_t)(ETH_LEN + IP4_LEN + hdr + s->len),
		   (uint32_t)(ETH_LEN + IP4_LEN + hdr + s->len));
}

void tape_handshake(struct tape *t, int at_end, ns_t start)
{
	const ns_t d1 = at_end == C ? 20 * MS : at_end == S ? 50 * US : 10 * MS;
	const ns_t d2 = at_end == C ? 50 * US : at_end == S ? 20 * MS : 10 * MS;

	tape_seg(t, SEG(.from = C, .at = start, .flags = TH_SYN));
	tape_seg(t, SEG(.from = S, .at = start + d1, .flags = TH_SYN | TH_ACK, .ack = 1));
	tape_seg(t, SEG(.from = C, .at = start + d1 + d2, .seq = 1, .ack = 1));
}
