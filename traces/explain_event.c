/* The sentences on one judged segment: what it is, what shows it, why it was sent, and whether it was
 * needless. What is inferred is called so. */
#include "explain.h"

#include "text.h"

#include <inttypes.h>

static void say_range(struct text *t, const struct conn *c, const struct event *e)
{
	const struct half *h = &c->half[e->side];
	uint64_t lo = e->lo, hi = e->hi;
	const char *also = "";

	if (e->before) {
		say(t, "%" PRIu32 " byte%s from before the first that this capture knows", e->before, e->before == 1 ? "" : "s");
		return;
	}
	if (h->isn_known && lo == 0) {
		lo = 1;
		also = h->syn_ack ? "the SYN-ACK" : "the SYN";
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
		if (e->original && e->original == c->half[e->side].syn) {
			say(t, "the server had not taken the data of the SYN (RFC 7413)");
			break;
		}
		say(t, "loss recovery, not a timer");
		if (e->sacked)
			say(t, ": by SACK, %" PRIu32 " bytes further up had arrived", e->sacked);
		else if (e->dupacks)
			say(t, ": %d duplicate ACK%s had come", e->dupacks, e->dupacks == 1 ? "" : "s");
		else if (e->trigger) /* what it acknowledges was sent after these bytes, or fills a hole before them */
			say(t, ": it answers the acknowledgement");
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
		if (e->original && !e->before && flow_at(c, e->side))
			say(t, ": nothing had come from the peer since the last copy, and it is too soon for a timer");
		break;
	}
	if (!flow_at(c, e->side) && e->cause != CAUSE_SYN && e->cause != CAUSE_SYN_ACK && e->cause != CAUSE_UNKNOWN)
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

/* By a mark that the sender gives its packets in order: whether this one left before or after the frame
 * that carries later bytes and passed here first. */
static void say_order(struct text *t, const struct event *e, const char *mark, const char *how)
{
	say(t, " Frame %" PRIu32 ", which carries later bytes, passed here first", e->proof[0]);
	if (e->kind == V_LATE)
		say(t, ", but the %s of this one is %s: it was sent before that.", mark, how);
	else
		say(t, ", and the %s of this one is %s: it was sent after that, and the first copy %s.", mark, how,
		    e->before ? "was lost, or passed before the capture began" : "was lost before here");
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
		if (e->previous)
			say(t, ", and last in frame %" PRIu32, e->previous);
		say(t, ".");
		break;
	case EV_IPID:
		say_order(t, e, "IP identification", e->kind == V_LATE ? "older" : "newer");
		break;
	case EV_TSVAL:
		say_order(t, e, "timestamp", e->kind == V_LATE ? "not newer" : "newer");
		break;
	case EV_TIME:
		if (e->nproofs)
			say(t, " Frame %" PRIu32 ", which carries later bytes, passed here first; this one came %s a round trip "
			       "after it, %s for a retransmission.", e->proof[0], e->kind == V_LATE ? "less than" : "about",
			    e->kind == V_LATE ? "too soon" : "as is usual");
		break;
	case EV_IDENTICAL:
		say(t, " It equals frame %" PRIu32 " in every field, IP identification included.", e->original);
		break;
	case EV_IDENTICAL_TS:
		say(t, " It equals frame %" PRIu32 " in every field, and came too soon to have been sent again.", e->original);
		break;
	case EV_BEFORE:
		say(t, " Their first copy, if there was one, passed before the capture began.");
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
		say(&t, " of the %s %s overtaken on the way.", end_word(c, e->side), e->hi - e->lo == 1 ? "was" : "were");
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
