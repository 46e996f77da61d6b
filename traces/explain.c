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
	if (o->has_ao) {
		say(t, "%sTCP-AO (signed with key %d, asks for key %d)", comma, o->ao_keyid, o->ao_rnextkeyid);
		comma = ", ";
	}
	if (o->has_md5) {
		say(t, "%sMD5 signature", comma);
		comma = ", ";
	}
	if (!*comma)
		say(t, "none");
}

static bool has_none(const struct tcp_opts *o)
{
	return !o->has_mss && !o->has_wscale && !o->sack_ok && !o->has_ts && !o->has_tfo && !o->has_ao;
}

static void agreed_options(struct doc *d, const struct conn *c)
{
	const struct tcp_opts *a = &c->half[c->client].syn_opt, *b = &c->half[!c->client].syn_opt;
	int mss_a = a->has_mss ? a->mss : 536, mss_b = b->has_mss ? b->mss : 536;

	if (c->half[0].syn_opt_cut || c->half[1].syn_opt_cut) {
		doc_para(d, "What was agreed is not known: the capture's snap length cut the options.");
		return;
	}
	doc_para(d, "Agreed: the client may send segments of up to %d bytes and the server of up to %d (each "
		    "side's MSS option binds the other%s). Window scaling is %s. SACK is %s. Timestamps are %s.",
		 mss_b, mss_a, a->has_mss && b->has_mss ? "" : "; without the option it is 536",
		 a->has_wscale && b->has_wscale ? "on" : "off", a->sack_ok && b->sack_ok ? "on" : "off",
		 a->has_ts && b->has_ts ? "on" : "off");
	if (a->has_ao && b->has_ao)
		doc_para(d, "Both ends sign what they send (TCP-AO, RFC 5925): the client with its key %d, the server with "
			    "its key %d. Whether the signatures are right cannot be told without the keys.",
			 a->ao_keyid, b->ao_keyid);
	else if (a->has_ao || b->has_ao)
		doc_para(d, "Only the %s signs (TCP-AO, RFC 5925): the other end has no key for it, or does not know the "
			    "option.",
			 a->has_ao ? "client" : "server");
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
	uint32_t seq, ack, rel_seq, rel_ack, len;
	bool has_ack, rel_ack_known;
	uint16_t wnd;
	const struct tcp_opts *opt;
	bool opt_cut;
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
						   .seq = h->isn, .len = h->syn_data, .wnd = h->syn_wnd, .opt = &h->syn_opt,
						   .opt_cut = h->syn_opt_cut};
		if (h->syn_ack)
			row[n++] = (struct hs_row){.frame = h->syn_ack, .at = h->syn_ack_first_at, .side = side,
						   .flags = "SYN, ACK", .seq = h->isn, .ack = h->syn_ackno, .has_ack = true,
						   .rel_ack = h->syn_ackno - o->isn, .rel_ack_known = o->started,
						   .wnd = h->syn_wnd, .opt = &h->syn_opt, .opt_cut = h->syn_opt_cut};
	}
	if (c->hs_ack) {
		const struct half *h = &c->half[c->hs_side], *o = &c->half[!c->hs_side];

		row[n++] = (struct hs_row){.frame = c->hs_ack, .at = c->hs_at, .side = c->hs_side, .flags = "ACK",
					   .seq = c->hs_seq, .rel_seq = c->hs_seq - h->isn, .ack = c->hs_ackno, .has_ack = true,
					   .rel_ack = c->hs_ackno - o->isn, .rel_ack_known = true, .wnd = c->hs_wnd};
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
		char frame[16], time[32], seq[16], ack[16] = "", rel[64] = "", wnd[16], opts[DOC_CELL] = "";
		struct text t = {opts, sizeof(opts), 0}, numbers = {rel, sizeof(rel), 0};
		const char *cell[] = {frame, time, end_word(c, r->side), r->flags, seq, ack, rel, wnd, opts};

		snprintf(frame, sizeof(frame), "%" PRIu32, r->frame);
		seconds(time, sizeof(time), r->at);
		snprintf(seq, sizeof(seq), "%" PRIu32, r->seq);
		if (r->has_ack)
			snprintf(ack, sizeof(ack), "%" PRIu32, r->ack);
		say(&numbers, "seq %" PRIu32, r->rel_seq);
		if (r->len)
			say(&numbers, ", len %" PRIu32, r->len);
		if (r->rel_ack_known)
			say(&numbers, ", ack %" PRIu32, r->rel_ack);
		snprintf(wnd, sizeof(wnd), "%d", r->wnd);
		if (r->opt && !(r->opt_cut && has_none(r->opt)))
			say_options(&t, r->opt);
		if (r->opt_cut)
			say(&t, "%scut by the snap length", t.n ? ", " : "");
		doc_row(d, cell);
	}
	doc_table_end(d);
}

static uint32_t count_cause(const struct conn *c, enum cause cause)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->events; i++)
		n += c->event[i].kind == V_RETX && c->event[i].cause == cause;
	return n;
}

static void say_unanswered(struct doc *d, const struct conn *c)
{
	const uint32_t again = count_cause(c, CAUSE_SYN), syn = c->half[c->client].syn;

	if (c->within)
		doc_para(d, "A SYN in the middle of connection %" PRIu32 ", which went on: its receiver did not take it for the "
			    "beginning of a new one (RFC 9293 3.10.7.4 answers it with a challenge ACK).", c->before - 1);
	else if (again)
		doc_para(d, "The client's SYN in frame %" PRIu32 " was sent %" PRIu32 " times more, and never answered in this "
			    "capture.", syn, again);
	else
		doc_para(d, "The client's SYN in frame %" PRIu32 " was never answered in this capture.", syn);
}

/* A three-way handshake, or what there is of one. */
static void say_three_way(struct doc *d, const struct conn *c)
{
	const struct half *cl = &c->half[c->client], *sv = &c->half[!c->client];

	if (flow_opened(c) && cl->syn && sv->syn_ack)
		doc_para(d, "A three-way handshake, complete: SYN in frame %" PRIu32 ", SYN-ACK in frame %" PRIu32
			    ", ACK in frame %" PRIu32 ".", cl->syn, sv->syn_ack, c->hs_ack);
	else if (cl->syn && sv->syn_ack && cl->rst)
		doc_para(d, "A handshake that was broken off: SYN in frame %" PRIu32 ", SYN-ACK in frame %" PRIu32
			    ", and then a reset by the client in frame %" PRIu32 " instead of the ACK. So does a host that "
			    "knows nothing of the SYN, and who only asks whether a port is open.", cl->syn, sv->syn_ack, cl->rst);
	else if (cl->syn && sv->syn_ack)
		doc_para(d, "An incomplete three-way handshake: SYN in frame %" PRIu32 ", SYN-ACK in frame %" PRIu32
			    "; the ACK that ends it is not in the capture.", cl->syn, sv->syn_ack);
	else if (cl->syn)
		doc_para(d, "A three-way handshake of which the capture has the SYN, in frame %" PRIu32 ", but not the SYN-ACK.",
			 cl->syn);
	else
		doc_para(d, "A three-way handshake of which the capture has the SYN-ACK, in frame %" PRIu32 ", but not the SYN.",
			 sv->syn_ack ? sv->syn_ack : cl->syn_ack);
}

static void say_handshake(struct doc *d, const struct conn *c, const char *kind)
{
	const struct half *cl = &c->half[c->client];

	if (strcmp(kind, "refused") == 0)
		doc_para(d, "The connection was refused: the client's SYN in frame %" PRIu32 " was answered by a reset in frame %"
			    PRIu32 ", as by a host on whose port nobody listens, or by a firewall.", cl->syn, c->refused);
	else if (strcmp(kind, "unanswered") == 0)
		say_unanswered(d, c);
	else if (strcmp(kind, "simultaneous") == 0)
		doc_para(d, "A simultaneous open (RFC 9293, figure 7): both ends sent a SYN before the other's arrived, and "
			    "each acknowledged the other's.");
	else if (strcmp(kind, "split") == 0)
		doc_para(d, "A split handshake: the server answered the SYN with a SYN of its own instead of a SYN-ACK.");
	else if (strcmp(kind, "fast-open") == 0)
		doc_para(d, "A three-way handshake with TCP Fast Open (RFC 7413): the SYN in frame %" PRIu32 " brought data, and "
			    "the server took it.", cl->syn);
	else
		say_three_way(d, c);
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
	say_handshake(d, c, kind);
	handshake_table(d, c);
	if (handshake_rtt(c) >= 0) {
		say_ms(&t, handshake_rtt(c));
		doc_para(d, "Round-trip time of the handshake: %s.", rtt);
	}
	if (cl->syn_data && !c->hs_data && sv->syn_ack)
		doc_para(d, "The SYN brought %" PRIu32 " bytes of data, which the server did not take: its SYN-ACK acknowledges the "
			    "SYN alone.", cl->syn_data);
	if ((cl->syn || cl->syn_ack) && (sv->syn_ack || sv->syn))
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

/* How one knows that nothing was sent again; and where one cannot. */
static void say_none_again(struct doc *d, const struct conn *c)
{
	static const struct {
		enum verdict_kind kind;
		const char *word;
	} but[] = {{V_LATE, "what the network delivered late"}, {V_NET_COPY, "copies that the network made"},
		   {V_CAPTURE_COPY, "packets captured twice"}, {V_ZERO_WINDOW_PROBE, "window probes"},
		   {V_KEEP_ALIVE, "keep-alives"}};
	const uint64_t a = stream_bytes(&c->half[c->client]), b = stream_bytes(&c->half[!c->client]);
	char how[400] = "";
	struct text t = {how, sizeof(how), 0};

	if (c->half[0].holes || c->half[1].holes) {
		say(&t, ", as far as they were captured");
	} else {
		bool any = false;

		say(&t, a + b ? ": every segment that carries data, SYN or FIN begins where the one before it ended" :
				", and each SYN and FIN came once");
		for (size_t i = 0; i < ARRAY_LEN(but); i++)
			if (count_kind(c, but[i].kind)) {
				say(&t, "%s%s", any ? ", " : ", but for ", but[i].word);
				any = true;
			}
	}
	if (a + b == 0)
		doc_para(d, "No retransmissions: there was no data%s.", how);
	else
		doc_para(d, "No retransmissions: all %" PRIu64 " bytes were sent once (%" PRIu64 " by the client, %" PRIu64
			    " by the server)%s.", a + b, a, b, how);
	if (c->tap == TAP_CLIENT || c->tap == TAP_SERVER) {
		const int far = c->tap == TAP_CLIENT ? !c->client : c->client;

		if (c->half[far].packets)
			doc_para(d, "That is certain for what the %s sent. Of the %s's, a segment that was lost before here, and sent "
				    "again before anything later came, would look the same.", end_word(c, !far), end_word(c, far));
	} else {
		doc_para(d, "A segment that was lost before here, and sent again before anything later came, would look the same.");
	}
}

static void explain_retransmissions(struct doc *d, const struct conn *c)
{
	const uint64_t all = stream_bytes(&c->half[0]) + stream_bytes(&c->half[1]);
	const uint32_t n = count_kind(c, V_RETX);
	uint64_t again = 0;

	for (uint32_t i = 0; i < c->events; i++)
		if (c->event[i].kind == V_RETX)
			again += c->event[i].before + c->event[i].hi - c->event[i].lo;
	doc_heading(d, 3, "Retransmissions");
	if (n == 0) {
		say_none_again(d, c);
	} else {
		doc_para(d, "%" PRIu32 " segment%s sent again, with %" PRIu64 " byte%s (SYN and FIN count as one each); both streams "
			    "together have %" PRIu64 ".", n, n == 1 ? " was" : "s were", again, plural(again), all);
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

static const char *tear_meaning(const struct conn *c, const struct tear *t)
{
	const bool fin = t->frame == c->half[t->side].fin, client = t->side == c->client;

	if (t->flags & TH_RST)
		return client ? "the client resets" : "the server resets";
	if (fin && t->acks_fin)
		return client ? "the client's FIN; it acknowledges the server's" : "the server's FIN; it acknowledges the client's";
	if (fin)
		return client ? "the client's FIN" : "the server's FIN";
	return client ? "acknowledges the server's FIN" : "acknowledges the client's FIN";
}

static void teardown_table(struct doc *d, const struct conn *c)
{
	static const char *const head[] = {"frame", "time (s)", "from", "sequence (raw)", "acknowledgement (raw)", "relative",
					   "what it is", "client then in", "server then in"};

	doc_table(d, head, ARRAY_LEN(head));
	for (int i = 0; i < c->tears; i++) {
		const struct tear *r = &c->tear[i];
		char frame[16], time[32], seq[16], ack[16] = "", rel[64], what[DOC_CELL];
		const char *client = r->state[c->client], *server = r->state[!c->client];
		const char *cell[] = {frame, time, end_word(c, r->side), seq, ack, rel, what, client ? client : "?",
				      server ? server : "?"};

		snprintf(frame, sizeof(frame), "%" PRIu32, r->frame);
		seconds(time, sizeof(time), r->at);
		snprintf(seq, sizeof(seq), "%" PRIu32, r->seq);
		snprintf(rel, sizeof(rel), "seq %" PRIu64, r->lo);
		if (r->flags & TH_ACK)
			snprintf(ack, sizeof(ack), "%" PRIu32, r->ack);
		if (r->rel_ack_known)
			snprintf(rel, sizeof(rel), "seq %" PRIu64 ", ack %" PRIu64, r->lo, r->rel_ack);
		snprintf(what, sizeof(what), "%s", tear_meaning(c, r));
		doc_row(d, cell);
	}
	doc_table_end(d);
}

static void say_fins(struct doc *d, const struct conn *c)
{
	const int side = flow_first_fin(c);
	const struct half *h = &c->half[side], *o = &c->half[!side];
	const char *one = end_word(c, side), *other = end_word(c, !side);

	if (!o->fin)
		doc_para(d, "The %s closed, with the FIN in frame %" PRIu32 "; the %s sent no FIN in this capture%s.", one, h->fin,
			 other, flow_reset_by(c, 0) || flow_reset_by(c, 1) || !o->packets ? "" : ": the connection is half closed");
	else if (o->fin_knew)
		doc_para(d, "The %s closed first, with the FIN in frame %" PRIu32 "; the %s's FIN, in frame %" PRIu32
			    ", came after that had arrived.", one, h->fin, other, o->fin);
	else
		doc_para(d, "A simultaneous close: the FIN of the %s, in frame %" PRIu32 ", and that of the %s, in frame %" PRIu32
			    ", were each sent before the other's had arrived.", one, h->fin, other, o->fin);
	if (o->fin && h->fin_acked && o->fin_acked)
		doc_para(d, "It took %s segments%s.", h->fin_acked == o->fin ? "three" : "four",
			 h->fin_acked == o->fin ? ": one is the FIN of one side and the acknowledgement of the other's" :
						  ": each FIN was acknowledged by a segment of its own");
	for (int i = 0; i < 2; i++) {
		const int owner = i ? !side : side;
		const struct half *x = &c->half[owner];

		if (x->fin && !x->fin_acked)
			doc_para(d, "The FIN of the %s is not acknowledged in this capture.", end_word(c, owner));
	}
}

static void say_resets(struct doc *d, const struct conn *c)
{
	for (int side = 0; side < 2; side++) {
		const struct half *h = &c->half[side];

		if (h->rst_odd)
			doc_para(d, "A reset in frame %" PRIu32 ", as of the %s, is not to be believed: its sequence number lies outside "
				    "of the window, so that its receiver drops it (RFC 5961 3.2).", h->rst_odd, end_word(c, side));
		if (!h->rst || (h->rst == c->refused && !flow_opened(c)))
			continue;
		if (h->went_on)
			doc_para(d, "A reset in frame %" PRIu32 ", as of the %s, was not its own: the %s went on sending.", h->rst,
				 end_word(c, side), end_word(c, side));
		else
			doc_para(d, "The %s reset the connection in frame %" PRIu32 ".", end_word(c, side), h->rst);
	}
}

static void explain_teardown(struct doc *d, const struct conn *c)
{
	const char *client = flow_state(c, c->client), *server = flow_state(c, !c->client);

	doc_heading(d, 3, "Teardown");
	if (flow_first_fin(c) >= 0)
		say_fins(d, c);
	say_resets(d, c);
	if (teardown_first(c) < 0)
		doc_para(d, "Neither a FIN nor a reset that ends the connection was captured.");
	if (c->tears)
		teardown_table(d, c);
	if (c->after_rst)
		doc_para(d, "%" PRIu32 " segment%s with data or a FIN came after the reset: its sender had not seen it yet, or did not "
			    "believe it.", c->after_rst, plural(c->after_rst));
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

static void say_before(struct doc *d, const struct conn *c)
{
	char gap[48];

	if (!c->before)
		return;
	seconds(gap, sizeof(gap), c->before_gap);
	doc_para(d, "Its addresses and ports are those of connection %" PRIu32 ", which had been seen last %s s before.",
		 c->before - 1, gap);
}

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
	say_before(d, c);
	for (int side = 0; side < 2; side++)
		if (!c->half[side].packets && c->half[!side].packets > 1)
			doc_para(d, "Only the packets of the %s are in this capture: what the %s sent is known from their "
				    "acknowledgements alone.", end_word(c, !side), end_word(c, side));
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
	if (c->no_ack)
		doc_para(d, "%" PRIu32 " segment%s had neither SYN, RST nor ACK set: a receiver drops such (RFC 9293 3.10.7.4).",
			 c->no_ack, plural(c->no_ack));
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
