/* "Why was this frame sent?", for every kind of frame: what changed since the last one of its side, and
 * what it answers. */
#include "explain.h"

#include "text.h"
#include "../stack/base/check.h"

#include <inttypes.h>
#include <string.h>

static void say_reset(struct doc *d, const struct seg_view *v)
{
	const struct conn *c = v->conn;
	const struct half *h = &c->half[v->side];
	const char *who = end_word(c, v->side), *peer = end_word(c, !v->side);
	const uint32_t frame = (uint32_t)v->pkt->frame;

	if (frame == h->rst_odd)
		doc_para(d, "A reset that its receiver drops: its sequence number lies outside of the window (RFC 5961 3.2).");
	else if (frame == c->refused)
		doc_para(d, "It refuses the connection: the SYN found nobody who listens, or a firewall.");
	else if (v->was.reset)
		doc_para(d, "Once more a reset: the connection had been reset already, and this answers what still came.");
	else if (v->was.data_after_fin && h->fin < frame)
		doc_para(d, "It resets the connection: the %s had closed, and there is nobody any more for what the %s sent.", who, peer);
	else if (h->fin && h->fin < frame)
		doc_para(d, "It resets the connection although the %s had closed it with a FIN: it waits for nothing any more.", who);
	else
		doc_para(d, "It resets the connection: the %s gives it up, and neither end may send any more.", who);
}

/* New data: what else it does. */
static void say_data(struct doc *d, const struct seg_view *v)
{
	const struct seg *g = &v->d->seg;

	if ((uint32_t)v->pkt->frame == v->conn->hs_ack)
		doc_para(d, "It ends the handshake, and brings data at once.");
	doc_para(d, "New data, sent for the first time: bytes %" PRIu64 "..%" PRIu64 "%s.", v->lo, v->lo + g->len - 1,
		 g->flags & TH_FIN ? ", and the FIN" : "");
	if (v->was.gap)
		doc_para(d, "It begins %" PRIu64 " bytes after the last byte seen before: what lies between was lost, comes later, or was "
			    "not captured.", v->was.gap);
	if (v->was.window_left >= 0 && (uint64_t)v->was.window_left == g->len)
		doc_para(d, "It fills the window that the %s last announced: the %s may send no more before that opens.",
			 end_word(v->conn, !v->side), end_word(v->conn, v->side));
	if (v->was.peer_known && v->was.ack < v->ack && v->ack > 1)
		doc_para(d, "It acknowledges as well: everything before byte %" PRIu64 ".", v->ack);
}

/* Why a segment without data, SYN, FIN or RST was sent: what changed since the last one of that side. */
static void say_ack(struct doc *d, const struct seg_view *v)
{
	const struct conn *c = v->conn;
	const struct half *o = &c->half[!v->side];
	const struct seg *g = &v->d->seg;
	const char *peer = end_word(c, !v->side);
	const uint32_t frame = (uint32_t)v->pkt->frame;

	if (v->ack > v->was.top + 1 && v->ack > 1)
		doc_para(d, "It acknowledges bytes that were not seen here: everything before byte %" PRIu64 ", and the %s's last byte seen "
			    "is %" PRIu64 ". The capture missed them, or the number is wrong.", v->ack, peer, v->was.top ? v->was.top - 1 : 0);
	else if (frame == c->hs_ack)
		doc_para(d, "The last segment of the handshake: it acknowledges the SYN of the %s%s.", peer,
			 v->ack > 1 ? ", and the data after it" : "");
	else if (v->was.ack == 0 && v->ack == 1 && o->isn_known)
		doc_para(d, "It acknowledges the SYN of the %s.", peer);
	else if (frame == o->fin_acked)
		doc_para(d, "It acknowledges the FIN of the %s.", peer);
	else if (v->was.probed)
		doc_para(d, "It answers the %s's probe in frame %" PRIu32 ": everything before byte %" PRIu64 " has arrived, and the "
			    "window is %s.", peer, v->was.probed, v->ack, g->wnd ? "open" : "closed");
	else if (!v->was.peer_known)
		doc_para(d, "An acknowledgement of bytes that the capture does not have.");
	else if (v->was.ack < v->ack)
		doc_para(d, "An acknowledgement: everything before byte %" PRIu64 " has arrived, that is %" PRIu64 " byte%s more than was "
			    "acknowledged before.", v->ack, v->ack - v->was.ack, plural(v->ack - v->was.ack));
	else if (v->was.ack > v->ack)
		doc_para(d, "An old acknowledgement, overtaken by a later one: everything before byte %" PRIu64 " had arrived.", v->ack);
	else if (v->was.wnd_known && v->was.wnd != g->wnd && !g->opt.nsack)
		doc_para(d, "A window update: nothing new is acknowledged, but the window is now %d, and was %d (as in the header, "
			    "before scaling).", g->wnd, v->was.wnd);
	else if (v->was.again)
		doc_para(d, "A duplicate acknowledgement: it answers frame %" PRIu32 ", which brought nothing that had not been "
			    "acknowledged before.", v->was.again);
	else
		doc_para(d, "A duplicate acknowledgement: something came that was not the next byte, %" PRIu64 ", but later data, a copy, "
			    "or a probe.", v->ack);
	if (g->opt.nsack)
		doc_para(d, v->was.dsack ? "Its first SACK block is a D-SACK (RFC 2883): bytes %" PRIu64 "..%" PRIu64 " came twice." :
					   "By SACK it reports blocks behind a hole; the first is bytes %" PRIu64 "..%" PRIu64 ".",
			 v->was.block_lo, v->was.block_hi - 1);
	if (g->wnd == 0 && !(v->was.wnd_known && v->was.wnd == 0))
		doc_para(d, "It closes the window: the %s may send nothing until it opens.", peer);
}

static void say_syn(struct doc *d, const struct seg_view *v)
{
	const struct seg *g = &v->d->seg;
	const uint32_t other = v->conn->half[!v->side].syn;

	if (g->flags & TH_ACK)
		doc_para(d, "It answers the SYN: the second segment of the handshake.");
	else if (other && other < v->pkt->frame)
		doc_para(d, "A SYN of its own, although the %s had sent one: a simultaneous open, if they crossed, or a split handshake.",
			 end_word(v->conn, !v->side));
	else if (v->conn->within)
		doc_para(d, "A SYN in the middle of connection %" PRIu32 ", which went on: its receiver did not take it for the "
			    "beginning of a new one, and answers with a challenge ACK (RFC 9293 3.10.7.4).", v->conn->before - 1);
	else
		doc_para(d, "It opens the connection: the first segment of the handshake.");
	if (g->len)
		doc_para(d, "It brings %" PRIu32 " byte%s of data already (Fast Open, RFC 7413).", g->len, plural(g->len));
}

static void say_purpose(struct doc *d, const struct seg_view *v)
{
	const struct conn *c = v->conn;
	const struct seg *g = &v->d->seg;

	if (g->flags & TH_RST)
		say_reset(d, v);
	else if (!(g->flags & (TH_SYN | TH_ACK)))
		doc_para(d, "It has neither SYN, RST nor ACK set: no connection sends such, and a receiver drops it.");
	else if (g->flags & TH_SYN && v->lo != 0)
		doc_para(d, "A SYN in the middle of the connection: not part of it. The receiver answers with an ACK (RFC 5961 4).");
	else if (g->flags & TH_SYN)
		say_syn(d, v);
	else if (g->len)
		say_data(d, v);
	else if (g->flags & TH_FIN)
		doc_para(d, "The %s has nothing more to send: its FIN%s.", end_word(c, v->side),
			 (uint32_t)v->pkt->frame == c->half[!v->side].fin_acked ? ", which also acknowledges the other side's" : "");
	else
		say_ack(d, v);
}

void explain_frame(struct doc *d, const struct seg_view *v)
{
	const struct conn *c = v->conn;
	const uint64_t frame = v->pkt->frame;
	const struct seg *g = &v->d->seg;
	char flags[64], text[1024], ack[48] = "no acknowledgement";

	if (g->flags & TH_ACK && v->was.peer_known)
		snprintf(ack, sizeof(ack), "acknowledgement %" PRIu64 " (raw %" PRIu32 ")", v->ack, g->ack.v);
	else if (g->flags & TH_ACK) /* of a stream of which nothing was seen yet */
		snprintf(ack, sizeof(ack), "acknowledgement (raw %" PRIu32 ")", g->ack.v);
	flags_print(flags, sizeof(flags), g->flags);
	doc_heading(d, 2, "Frame %" PRIu64, frame);
	doc_para(d, "Connection %" PRIu32 ", sent by the %s: %s, %" PRIu32 " byte%s of data, sequence %" PRIu64
		    " (raw %" PRIu32 "), %s.",
		 c->id, end_word(c, v->side), flags, g->len, plural(g->len), v->lo, g->seq.v, ack);
	if (v->ev) {
		doc_para(d, "%s", explain_event(text, sizeof(text), c, v->ev));
		return;
	}
	say_purpose(d, v);
}
