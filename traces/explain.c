/* Turns verdicts into an answer a student can hand in: the handshake as a table, what was agreed,
 * who closed and in which state both ends are left, what was sent again and why, with the frames
 * that prove it, and where time was lost. The same as JSON, whose keys are a contract.
 *
 * Every sentence says what the capture shows; what is inferred is called probable. */
#include "explain.h"

#include "text.h"
#include "../stack/base/check.h"
#include "../stack/wire/print.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define RETX_SHOWN 200 /* in words; the JSON has them all */
#define OTHERS_SHOWN 20

static void seconds(char *to, size_t cap, ns_t t)
{
	ns_t abs = t < 0 ? -(t + 1) : t;

	snprintf(to, cap, "%s%" PRId64 ".%06d", t < 0 ? "-" : "", abs / SEC, (int)(abs / US % 1000000));
}

/* ---- options ---- */

static void say_options(struct text *t, const struct tcp_opts *o)
{
	const char *comma = "";

	t->to[t->n] = '\0';
	if (o->has_mss) {
		say(t, "MSS %d", o->mss);
		comma = ", ";
	}
	if (o->has_wscale) {
		say(t, "%swindow scale %d", comma, o->wscale);
		comma = ", ";
	}
	if (o->sack_ok) {
		say(t, "%sSACK permitted", comma);
		comma = ", ";
	}
	if (o->has_ts) {
		say(t, "%stimestamp %" PRIu32, comma, o->ts_val);
		comma = ", ";
	}
	if (o->has_tfo) {
		say(t, "%sfast open (%d-byte cookie)", comma, o->tfo_len);
		comma = ", ";
	}
	if (!*comma)
		say(t, "none");
}

static void agreed_options(struct doc *d, const struct conn *c)
{
	const struct tcp_opts *a = &c->half[c->client].syn_opt, *b = &c->half[!c->client].syn_opt;
	int mss_a = a->has_mss ? a->mss : 536, mss_b = b->has_mss ? b->mss : 536;

	doc_para(d, "Agreed: the client may send segments of up to %d bytes and the server of up to %d (each "
		    "side's MSS option binds the other%s). Window scaling is %s. SACK is %s. Timestamps are %s.",
		 mss_b, mss_a, a->has_mss && b->has_mss ? "" : "; without the option it is 536",
		 a->has_wscale && b->has_wscale ? "on" : "off", a->sack_ok && b->sack_ok ? "on" : "off",
		 a->has_ts && b->has_ts ? "on" : "off");
	if (a->has_wscale && b->has_wscale)
		doc_para(d, "Windows after the handshake are multiplied by %u for what the client announces and by "
			    "%u for what the server does.",
			 1u << (a->wscale > 14 ? 14 : a->wscale), 1u << (b->wscale > 14 ? 14 : b->wscale));
}

/* ---- the handshake ---- */

struct hs_row {
	uint32_t frame;
	ns_t at;
	int side;
	const char *flags;
	uint32_t seq, ack;
	bool has_ack;
	uint16_t wnd;
	const struct tcp_opts *opt;
};

static int by_frame(const void *a, const void *b)
{
	const struct hs_row *x = a, *y = b;

	return (x->frame > y->frame) - (x->frame < y->frame);
}

static int handshake_rows(const struct conn *c, struct hs_row row[6])
{
	int n = 0;

	for (int side = 0; side < 2; side++) {
		const struct half *h = &c->half[side], *o = &c->half[!side];

		if (h->syn)
			row[n++] = (struct hs_row){.frame = h->syn, .at = h->syn_first_at, .side = side, .flags = "SYN",
						   .seq = h->isn, .wnd = h->syn_wnd, .opt = &h->syn_opt};
		if (h->syn_ack)
			row[n++] = (struct hs_row){.frame = h->syn_ack, .at = h->syn_ack_first_at, .side = side,
						   .flags = "SYN, ACK", .seq = h->isn, .ack = o->isn + 1,
						   .has_ack = o->started, .wnd = h->syn_wnd, .opt = &h->syn_opt};
	}
	if (c->hs_ack) {
		const struct half *h = &c->half[c->hs_side], *o = &c->half[!c->hs_side];

		row[n++] = (struct hs_row){.frame = c->hs_ack, .at = c->hs_at, .side = c->hs_side, .flags = "ACK",
					   .seq = h->isn + 1, .ack = o->isn + 1, .has_ack = true, .wnd = c->hs_wnd};
	}
	qsort(row, (size_t)n, sizeof(*row), by_frame);
	return n;
}

static void handshake_table(struct doc *d, const struct conn *c)
{
	static const char *const head[] = {"frame", "time (s)", "from", "flags", "sequence (raw)",
					   "acknowledgement (raw)", "relative", "window", "options"};
	struct hs_row row[6];
	int n = handshake_rows(c, row);

	doc_table(d, head, ARRAY_LEN(head));
	for (int i = 0; i < n; i++) {
		const struct hs_row *r = &row[i];
		char frame[16], time[32], seq[16], ack[16] = "", rel[32], wnd[16], opts[DOC_CELL] = "";
		struct text t = {opts, sizeof(opts), 0};
		const char *cell[] = {frame, time, end_word(c, r->side), r->flags, seq, ack, rel, wnd, opts};

		snprintf(frame, sizeof(frame), "%" PRIu32, r->frame);
		seconds(time, sizeof(time), r->at);
		snprintf(seq, sizeof(seq), "%" PRIu32, r->seq);
		if (r->has_ack)
			snprintf(ack, sizeof(ack), "%" PRIu32, r->ack);
		snprintf(rel, sizeof(rel), r->has_ack ? "seq %d, ack 1" : "seq %d", r->opt ? 0 : 1);
		snprintf(wnd, sizeof(wnd), "%d", r->wnd);
		if (r->opt)
			say_options(&t, r->opt);
		doc_row(d, cell);
	}
	doc_table_end(d);
}

static void explain_handshake(struct doc *d, const struct conn *c)
{
	const char *kind = handshake_word(c);
	const struct half *cl = &c->half[c->client], *sv = &c->half[!c->client];
	char rtt[48] = "";
	struct text t = {rtt, sizeof(rtt), 0};

	doc_heading(d, 3, "Handshake");
	if (strcmp(kind, "none") == 0) {
		doc_para(d, "There is no handshake in the capture: it began when the connection was open already. The "
			    "initial sequence numbers and the options are not known; the first byte seen in each "
			    "direction counts as byte 1.");
		return;
	}
	if (strcmp(kind, "refused") == 0)
		doc_para(d, "The connection was refused: the client's SYN was answered by a reset in frame %" PRIu32
			    ", as from a port on which nobody listens.", c->refused);
	else if (strcmp(kind, "unanswered") == 0)
		doc_para(d, "The client's SYN was never answered in this capture.");
	else if (strcmp(kind, "simultaneous") == 0)
		doc_para(d, "A simultaneous open (RFC 9293, figure 7): both ends sent a SYN before the other's arrived, and "
			    "each acknowledged the other's.");
	else if (strcmp(kind, "split") == 0)
		doc_para(d, "A split handshake: the server answered the SYN with a SYN of its own instead of a SYN-ACK.");
	else if (strcmp(kind, "fast-open") == 0)
		doc_para(d, "A three-way handshake with TCP Fast Open (RFC 7413): the SYN in frame %" PRIu32 " brought data, and "
			    "the server took it.", cl->syn);
	else if (flow_opened(c) && cl->syn && sv->syn_ack)
		doc_para(d, "A three-way handshake, complete: SYN in frame %" PRIu32 ", SYN-ACK in frame %" PRIu32
			    ", ACK in frame %" PRIu32 ".", cl->syn, sv->syn_ack, c->hs_ack);
	else
		doc_para(d, "A three-way handshake, of which the capture shows only a part.");
	handshake_table(d, c);
	if (handshake_rtt(c) >= 0) {
		say_ms(&t, handshake_rtt(c));
		doc_para(d, "Round-trip time of the handshake: %s.", rtt);
	}
	if (sv->syn_ack || sv->syn)
		agreed_options(d, c);
}

static void explain_tap(struct doc *d, const struct conn *c)
{
	char d1[48], d2[48];
	struct text t1 = {d1, sizeof(d1), 0}, t2 = {d2, sizeof(d2), 0};

	if (c->tap == TAP_UNKNOWN) {
		doc_para(d, "Where the capture was made cannot be told, for want of a complete handshake in order.");
		return;
	}
	say_ms(&t1, c->hs_d1);
	say_ms(&t2, c->hs_d2);
	doc_para(d, "The capture was made %s: the SYN waited %s for its SYN-ACK, and that waited %s for its ACK.",
		 c->tap == TAP_CLIENT ? "at the client, or near it" :
		 c->tap == TAP_SERVER ? "at the server, or near it" : "somewhere between the ends",
		 d1, d2);
}

/* ---- events ---- */

static void say_range(struct text *t, const struct conn *c, const struct event *e)
{
	const struct half *h = &c->half[e->side];
	uint64_t lo = e->lo, hi = e->hi;
	const char *also = "";

	if (h->isn_known && lo == 0) {
		lo = 1;
		also = "the SYN";
	}
	if (h->fin && hi == h->fin_pos + 1) {
		hi--;
		also = "the FIN";
	}
	if (lo >= hi)
		say(t, "%s", *also ? also : "no data");
	else if (hi - lo == 1)
		say(t, "byte %" PRIu64, lo);
	else
		say(t, "bytes %" PRIu64 "..%" PRIu64, lo, hi - 1);
	if (lo < hi && *also)
		say(t, " and %s", also);
}

static void say_cause(struct text *t, const struct conn *c, const struct event *e)
{
	switch ((enum cause)e->cause) {
	case CAUSE_RECOVERY:
		say(t, "loss recovery, not a timer");
		if (e->sacked)
			say(t, ": SACK said that %" PRIu32 " bytes further up had arrived", e->sacked);
		else if (e->dupacks)
			say(t, ": %d duplicate ACK%s had come", e->dupacks, e->dupacks == 1 ? "" : "s");
		if (e->trigger)
			say(t, " (frame %" PRIu32 ")", e->trigger);
		break;
	case CAUSE_RTO:
		say(t, "the retransmission timer: nothing had been sent or acknowledged for ");
		say_ms(t, e->waited);
		break;
	case CAUSE_GO_BACK:
		say(t, "a retransmission timeout before it, after which all that was outstanding counted as lost");
		break;
	case CAUSE_TLP:
		say(t, "a tail loss probe (RFC 8985): the last segment had not been acknowledged for ");
		say_ms(t, e->waited);
		if (e->or_rto)
			say(t, "; or the retransmission timer, which for a single segment runs as long");
		break;
	case CAUSE_SYN:
		say(t, "the SYN had no answer");
		if (e->since_original > 0) {
			say(t, " for ");
			say_ms(t, e->since_original);
		}
		break;
	case CAUSE_SYN_ACK:
		say(t, "the handshake's last ACK had not come, or the SYN came again");
		break;
	case CAUSE_FIN:
		say(t, "the FIN was not acknowledged");
		break;
	case CAUSE_UNKNOWN:
		say(t, "not told by this capture");
		break;
	}
	if (!flow_at(c, e->side) && e->cause != CAUSE_SYN && e->cause != CAUSE_SYN_ACK)
		say(t, " (inferred: the capture is not the sender's)");
}

static void say_needless(struct text *t, const struct event *e)
{
	const uint32_t frame = e->nproofs ? e->proof[e->nproofs - 1] : 0;

	switch ((enum needless_proof)e->needless) {
	case NEEDED:
		return;
	case BY_DSACK:
		say(t, " It was needless: the receiver's D-SACK in frame %" PRIu32 " reports a copy that it had.", frame);
		break;
	case BY_TSECR:
		say(t, " It was needless: the ACK in frame %" PRIu32 " echoes a timestamp older than this copy's.", frame);
		break;
	case BY_EARLY_ACK:
		say(t, " It was needless: the ACK in frame %" PRIu32 " came sooner than this copy could have been answered.",
		    frame);
		break;
	case BY_ARRIVAL:
		say(t, " It was needless: the first copy had passed here already.");
		break;
	case BY_ACKED:
		say(t, " It was needless: frame %" PRIu32 " had acknowledged these bytes before.", frame);
		break;
	}
}

static void say_evidence(struct text *t, const struct event *e)
{
	switch ((enum evidence)e->evidence) {
	case EV_SEEN_BEFORE:
		if (e->original)
			say(t, " The same bytes were seen before in frame %" PRIu32, e->original);
		else
			say(t, " The same bytes were seen before");
		if (e->since_original >= 0) {
			say(t, ", ");
			say_ms(t, e->since_original);
			say(t, " earlier");
		}
		say(t, ".");
		break;
	case EV_IPID:
		say(t, " Its IP identification is %s than that of frame %" PRIu32 ", which overtook it.",
		    e->kind == V_LATE ? "older" : "newer", e->proof[0]);
		break;
	case EV_TSVAL:
		say(t, " Its timestamp is %s than that of frame %" PRIu32 ", which overtook it.",
		    e->kind == V_LATE ? "not newer" : "newer", e->proof[0]);
		break;
	case EV_TIME:
		if (e->nproofs)
			say(t, " It came %s after frame %" PRIu32 " than a retransmission could.",
			    e->kind == V_LATE ? "sooner" : "no sooner", e->proof[0]);
		break;
	case EV_IDENTICAL:
		say(t, " It equals frame %" PRIu32 " in every field, IP identification included.", e->original);
		break;
	case EV_IDENTICAL_TS:
		say(t, " It equals frame %" PRIu32 " in every field, and came too soon to have been sent again.", e->original);
		break;
	case EV_WINDOW:
	case EV_IDLE:
		break;
	}
}

char *explain_event(char *to, size_t cap, const struct conn *c, const struct event *e)
{
	struct text t = {to, cap, 0};

	to[0] = '\0';
	say(&t, "Frame %" PRIu32 ": ", e->frame);
	switch ((enum verdict_kind)e->kind) {
	case V_RETX:
		say(&t, "the %s sends ", end_word(c, e->side));
		say_range(&t, c, e);
		say(&t, " again.");
		say_evidence(&t, e);
		say(&t, " Cause: ");
		say_cause(&t, c, e);
		say(&t, ".");
		say_needless(&t, e);
		break;
	case V_LATE:
		say(&t, "a late original, not a retransmission: ");
		say_range(&t, c, e);
		say(&t, " of the %s was overtaken on the way.", end_word(c, e->side));
		say_evidence(&t, e);
		break;
	case V_NET_COPY:
	case V_CAPTURE_COPY:
		say(&t, e->kind == V_NET_COPY ? "a copy that the network made, not a retransmission." :
						"the same packet captured twice, not a retransmission.");
		say_evidence(&t, e);
		break;
	case V_ZERO_WINDOW_PROBE:
		say(&t, "the %s probes a closed window.", end_word(c, e->side));
		break;
	case V_KEEP_ALIVE:
		say(&t, "a keep-alive of the %s: nothing is outstanding, and it asks whether the peer is still there.",
		    end_word(c, e->side));
		break;
	case V_NONE:
		break;
	}
	if (e->certainty != CERTAIN)
		say(&t, " This is %s.", certainty_word(e->certainty));
	return to;
}

static uint32_t count_kind(const struct conn *c, enum verdict_kind kind)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->events; i++)
		n += c->event[i].kind == kind;
	return n;
}

static void list_events(struct doc *d, const struct conn *c, enum verdict_kind kind, uint32_t most)
{
	char text[1024];
	uint32_t shown = 0, n = count_kind(c, kind);

	for (uint32_t i = 0; i < c->events && shown < most; i++)
		if (c->event[i].kind == kind) {
			doc_item(d, "%s", explain_event(text, sizeof(text), c, &c->event[i]));
			shown++;
		}
	if (n > shown)
		doc_item(d, "... and %" PRIu32 " more (all are in the JSON).", n - shown);
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void count_causes(struct doc *d, const struct conn *c)
{
	static const char *const head[] = {"cause", "segments", "needless"};
	uint32_t n[CAUSE_FIN + 1] = {0}, needless[CAUSE_FIN + 1] = {0};

	for (uint32_t i = 0; i < c->events; i++)
		if (c->event[i].kind == V_RETX) {
			n[c->event[i].cause]++;
			needless[c->event[i].cause] += c->event[i].needless != NEEDED;
		}
	doc_table(d, head, ARRAY_LEN(head));
	for (int i = 0; i <= CAUSE_FIN; i++) {
		char count[16], vain[16];
		const char *cell[] = {cause_word((enum cause)i), count, vain};

		snprintf(count, sizeof(count), "%" PRIu32, n[i]);
		snprintf(vain, sizeof(vain), "%" PRIu32, needless[i]);
		if (n[i])
			doc_row(d, cell);
	}
	doc_table_end(d);
}

static void explain_retransmissions(struct doc *d, const struct conn *c)
{
	const uint64_t a = stream_bytes(&c->half[c->client]), b = stream_bytes(&c->half[!c->client]);
	const uint32_t n = count_kind(c, V_RETX), late = count_kind(c, V_LATE);

	doc_heading(d, 3, "Retransmissions");
	if (n == 0) {
		doc_para(d, "No retransmissions: all %" PRIu64 " bytes were sent once (%" PRIu64 " by the client, %" PRIu64
			    " by the server)%s.", a + b, a, b,
			 c->half[0].holes || c->half[1].holes ? ", as far as they were captured" :
			 late ? ": every segment that carries data, SYN or FIN begins where the one before it ended, but for those "
				"that the network delivered late" :
				": every segment that carries data, SYN or FIN begins where the one before it ended");
		if (c->tap != TAP_CLIENT && c->tap != TAP_SERVER)
			doc_para(d, "A first copy that was lost before the point of capture would leave no trace here.");
	} else {
		doc_para(d, "%" PRIu32 " segment%s sent again, of %" PRIu64 " bytes in all.", n,
			 n == 1 ? " was" : "s were", a + b);
		count_causes(d, c);
		list_events(d, c, V_RETX, RETX_SHOWN);
	}
	if (c->events_lost)
		doc_para(d, "%" PRIu32 " more verdicts were left out: the capture has too many.", c->events_lost);
}

static void explain_others(struct doc *d, const struct conn *c)
{
	static const struct {
		enum verdict_kind kind;
		const char *heading;
	} part[] = {
		{V_LATE, "Late originals"},
		{V_NET_COPY, "Copies made by the network"},
		{V_CAPTURE_COPY, "Packets captured twice"},
		{V_ZERO_WINDOW_PROBE, "Zero-window probes"},
		{V_KEEP_ALIVE, "Keep-alives"},
	};

	for (size_t i = 0; i < ARRAY_LEN(part); i++)
		if (count_kind(c, part[i].kind)) {
			doc_heading(d, 3, "%s: %" PRIu32, part[i].heading, count_kind(c, part[i].kind));
			list_events(d, c, part[i].kind, OTHERS_SHOWN);
		}
}

/* ---- the teardown ---- */

static void explain_fins(struct doc *d, const struct conn *c)
{
	const int side = flow_first_fin(c);
	const struct half *h = &c->half[side], *o = &c->half[!side];

	doc_para(d, "The %s closed first, with the FIN in frame %" PRIu32 "%s%s", end_word(c, side), h->fin,
		 o->fin ? "; " : ".", o->fin ? (o->fin_knew ? "the other side's FIN came after it had that one." :
							     "the other side sent its own before it had that one: "
							     "a simultaneous close.") : "");
	if (o->fin)
		doc_para(d, "The %s's FIN is in frame %" PRIu32 ".", end_word(c, !side), o->fin);
	else
		doc_para(d, "The %s sent no FIN in this capture%s.", end_word(c, !side),
			 h->rst || o->rst ? "" : ": the connection is half closed");
	for (int i = 0; i < 2; i++) {
		const struct half *x = i ? o : h;
		int owner = i ? !side : side;

		if (x->fin && x->fin_acked)
			doc_para(d, "The FIN of the %s is acknowledged in frame %" PRIu32 "%s.", end_word(c, owner),
				 x->fin_acked, x->fin_acked == c->half[!owner].fin ? ", together with the other FIN" : "");
		else if (x->fin)
			doc_para(d, "The FIN of the %s is not acknowledged in this capture.", end_word(c, owner));
	}
}

static void explain_teardown(struct doc *d, const struct conn *c)
{
	const char *client = flow_state(c, c->client), *server = flow_state(c, !c->client);

	doc_heading(d, 3, "Teardown");
	if (flow_first_fin(c) >= 0)
		explain_fins(d, c);
	for (int side = 0; side < 2; side++)
		if (c->half[side].rst && (c->half[side].rst != c->refused || flow_opened(c)))
			doc_para(d, "The %s reset the connection in frame %" PRIu32 ".", end_word(c, side),
				 c->half[side].rst);
	if (teardown_first(c) < 0)
		doc_para(d, "Neither a FIN nor a reset was captured.");
	if (c->after_rst)
		doc_para(d, "%" PRIu32 " segment%s came after the reset: it was not believed, or not seen, by the other end.",
			 c->after_rst, plural(c->after_rst));
	doc_para(d, "As far as the capture goes, the client is left in %s and the server in %s.",
		 client ? client : "an unknown state", server ? server : "an unknown state");
}

/* ---- stalls ---- */

static void explain_stalls(struct doc *d, const struct conn *c)
{
	static const char *const head[] = {"from (s)", "to (s)", "ended by frame", "why"};

	if (!c->nstalls)
		return;
	doc_heading(d, 3, "Silences");
	doc_table(d, head, ARRAY_LEN(head));
	for (uint32_t i = 0; i < c->nstalls; i++) {
		char from[32], to[32], frame[16];
		const char *cell[] = {from, to, frame, c->stalls[i].why};

		seconds(from, sizeof(from), c->stalls[i].from);
		seconds(to, sizeof(to), c->stalls[i].to);
		snprintf(frame, sizeof(frame), "%" PRIu32, c->stalls[i].frame);
		doc_row(d, cell);
	}
	doc_table_end(d);
	if (c->stalls_lost)
		doc_para(d, "%" PRIu32 " more silences are not listed.", c->stalls_lost);
}

/* ---- one connection, one capture ---- */

void explain_conn(struct doc *d, const struct conn *c)
{
	char client[64], server[64], first[32], length[32];
	const struct half *cl = &c->half[c->client], *sv = &c->half[!c->client];

	ends_text(c, client, server);
	doc_heading(d, 2, "Connection %" PRIu32 ": %s to %s", c->id, client, server);
	seconds(first, sizeof(first), c->first);
	seconds(length, sizeof(length), c->last - c->first);
	doc_para(d, "It begins %s s into the capture and is seen for %s s. The client sent %" PRIu64 " packet%s with %" PRIu64
		    " byte%s of data, the server %" PRIu64 " packet%s with %" PRIu64 " byte%s.",
		 first, length, cl->packets, plural(cl->packets), stream_bytes(cl), plural(stream_bytes(cl)), sv->packets,
		 plural(sv->packets), stream_bytes(sv), plural(stream_bytes(sv)));
	if (c->tunnel)
		doc_para(d, "Its packets were captured inside a tunnel: %s.", c->tunnel);
	explain_tap(d, c);
	explain_handshake(d, c);
	explain_retransmissions(d, c);
	explain_others(d, c);
	explain_stalls(d, c);
	explain_teardown(d, c);
	for (int side = 0; side < 2; side++)
		if (c->half[side].holes)
			doc_para(d, "%" PRIu32 " stretch%s of the %s's data %s not in the capture.", c->half[side].holes,
				 c->half[side].holes == 1 ? "" : "es", end_word(c, side), c->half[side].holes == 1 ? "is" : "are");
	for (int side = 0; side < 2; side++)
		if (c->half[side].unseen_acked)
			doc_para(d, "%" PRIu64 " acknowledgement%s of the %s's data cover bytes that the capture does not have: "
				    "the capture missed packets, not the network.", c->half[side].unseen_acked,
				 plural(c->half[side].unseen_acked), end_word(c, side));
	if (c->odd)
		doc_para(d, "%" PRIu64 " segment%s lay too far from the stream to belong to it, and %s not judged.", c->odd,
			 plural(c->odd), c->odd == 1 ? "was" : "were");
}

void explain_capture(struct doc *d, const struct analysis *a, const char *file)
{
	doc_heading(d, 1, "%s", file);
	doc_para(d, "%" PRIu64 " packet%s, %" PRIu32 " TCP connection%s; %" PRIu64 " packet%s of other protocols.", a->packets,
		 plural(a->packets), a->nconns, plural(a->nconns), a->other, plural(a->other));
	if (a->pieces)
		doc_para(d, "%" PRIu64 " packet%s of a fragmented IP packet; the segment is judged at the frame that makes it "
			    "whole.", a->pieces, a->pieces == 1 ? " is a piece" : "s are pieces");
	if (a->cut)
		doc_para(d, "%" PRIu64 " frame%s shorter than %s IP header says: cut, by a tool that did not note it. The header "
			    "is believed.", a->cut, a->cut == 1 ? " is" : "s are", a->cut == 1 ? "its" : "their");
	for (uint64_t i = 0; i < a->skips && i < SKIPS_MAX && i < 20 && a->skip; i++)
		doc_item(d, "Frame %" PRIu64 " was skipped: %s.", a->skip[i].frame, a->skip[i].why);
	if (a->skips > 20)
		doc_item(d, "%" PRIu64 " packets were skipped in all.", a->skips);
}

/* ---- one frame ---- */

static void frame_flags(char to[64], uint16_t flags)
{
	static const struct {
		uint16_t bit;
		const char *name;
	} f[] = {{TH_SYN, "SYN"}, {TH_FIN, "FIN"}, {TH_RST, "RST"}, {TH_ACK, "ACK"}};

	to[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(f); i++)
		if (flags & f[i].bit) {
			if (*to)
				strcat(to, ", ");
			strcat(to, f[i].name);
		}
}

void explain_frame(struct doc *d, const struct seg_view *v)
{
	const struct conn *c = v->conn;
	const struct half *o = &c->half[!v->side];
	const uint64_t frame = v->pkt->frame;
	const struct seg *g = &v->d->seg;
	char flags[64], text[1024];

	frame_flags(flags, g->flags);
	doc_heading(d, 2, "Frame %" PRIu64, frame);
	doc_para(d, "Connection %" PRIu32 ", sent by the %s: %s, %" PRIu32 " byte%s of data, sequence %" PRIu64
		    " (raw %" PRIu32 "), acknowledgement %" PRIu64 ".",
		 c->id, end_word(c, v->side), flags, g->len, plural(g->len), v->lo, g->seq.v, v->ack);
	if (v->ev) {
		doc_para(d, "%s", explain_event(text, sizeof(text), c, v->ev));
		return;
	}
	if (g->flags & TH_RST)
		doc_para(d, "It resets the connection.");
	else if (g->flags & TH_SYN)
		doc_para(d, g->flags & TH_ACK ? "It answers the SYN: the second segment of the handshake." :
						"It opens the connection: the first segment of the handshake.");
	else if (g->len)
		doc_para(d, "New data, sent for the first time: bytes %" PRIu64 "..%" PRIu64 "%s.", v->lo,
			 v->lo + g->len - 1, g->flags & TH_FIN ? ", and the FIN" : "");
	else if (g->flags & TH_FIN)
		doc_para(d, "The %s has nothing more to send: its FIN.", end_word(c, v->side));
	else if (frame == c->hs_ack)
		doc_para(d, "The third segment of the handshake.");
	else if (frame == o->fin_acked)
		doc_para(d, "It acknowledges the other side's FIN.");
	else
		doc_para(d, "An acknowledgement of everything before byte %" PRIu64 "%s.", v->ack,
			 g->opt.nsack ? ", which also reports blocks beyond a hole (SACK)" : "");
}
