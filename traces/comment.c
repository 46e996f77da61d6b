/* The note that a segment carries (base/pkt.h: struct pkt_note) as a sentence for people and as
 * `key=value` words for machines. The two say the same. */
#include "trace.h"

#include "text.h"
#include "../stack/base/check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const why_word[WHY_COUNT] = {
	[WHY_NEW] = "new",
	[WHY_RECOVERY] = "recovery",
	[WHY_RTO] = "rto",
	[WHY_GO_BACK] = "go-back",
	[WHY_TLP] = "tlp",
	[WHY_SYN] = "syn",
	[WHY_SYN_ACK] = "syn-ack",
	[WHY_FIN] = "fin",
	[WHY_PERSIST] = "persist",
	[WHY_KEEPALIVE] = "keep-alive",
	[WHY_LIMITED] = "limited",
	[WHY_CHALLENGE] = "challenge",
	[WHY_MTU_PROBE] = "mtu-probe",
};

const char *note_why(enum send_why why)
{
	assert((unsigned)why < WHY_COUNT);
	return why_word[why];
}

static void say_bytes(struct text *t, const struct pkt_note *n)
{
	if (n->hi == n->lo + 1)
		say(t, "byte %" PRIu32, n->hi);
	else
		say(t, "bytes %" PRIu32 "..%" PRIu32, n->lo + 1, n->hi);
}

static void say_history(struct text *t, const struct pkt_note *n)
{
	if (n->xmit > 2)
		say(t, "; sent for the %d%s time", n->xmit, n->xmit == 3 ? "rd" : "th");
	if (n->outstanding > 0) {
		say(t, "; outstanding for ");
		say_ms(t, n->outstanding);
	}
	if (n->cwnd_before && n->cwnd_before != n->cwnd)
		say(t, "; cwnd %" PRIu32 " -> %" PRIu32, n->cwnd_before, n->cwnd);
	else if (n->cwnd)
		say(t, "; cwnd %" PRIu32, n->cwnd);
}

static void say_resent(struct text *t, const struct pkt_note *n)
{
	say(t, n->why == WHY_RECOVERY ? "fast retransmission of " :
	       n->why == WHY_TLP      ? "tail loss probe with " :
					"retransmission of ");
	say_bytes(t, n);
	if (n->why == WHY_RECOVERY && n->dupacks) {
		say(t, ": %d duplicate ACKs or SACKed segments", n->dupacks);
	} else if (n->why == WHY_RTO) {
		say(t, ": the retransmission timer ran out after ");
		say_ms(t, n->rto);
	} else if (n->why == WHY_GO_BACK) {
		say(t, ": held lost since the last retransmission timeout");
	} else if (n->why == WHY_TLP) {
		say(t, ": no acknowledgement for ");
		say_ms(t, n->rto);
	}
	say_history(t, n);
}

static void say_handshake(struct text *t, const struct pkt_note *n)
{
	if (n->why == WHY_SYN)
		say(t, "SYN again: no answer");
	else if (n->why == WHY_SYN_ACK)
		say(t, n->rto ? "SYN-ACK again: the handshake's last ACK has not come"
			      : "SYN-ACK again: the SYN came again");
	else
		say(t, "FIN again: not acknowledged");
	if (n->rto) {
		say(t, " for ");
		say_ms(t, n->rto);
	}
	if (n->xmit > 2)
		say(t, "; sent for the %d%s time", n->xmit, n->xmit == 3 ? "rd" : "th");
}

size_t note_text(char *to, size_t cap, const struct pkt_note *n)
{
	struct text t = {.to = to, .cap = cap};

	assert(cap > 0 && n->why < WHY_COUNT);
	to[0] = '\0';
	switch ((enum send_why)n->why) {
	case WHY_NEW:
	case WHY_COUNT:
		break;
	case WHY_RECOVERY:
	case WHY_RTO:
	case WHY_GO_BACK:
	case WHY_TLP:
		say_resent(&t, n);
		break;
	case WHY_SYN:
	case WHY_SYN_ACK:
	case WHY_FIN:
		say_handshake(&t, n);
		break;
	case WHY_PERSIST:
		say(&t, "zero-window probe: the peer's window is closed");
		break;
	case WHY_KEEPALIVE:
		say(&t, "keep-alive: the connection has been idle");
		break;
	case WHY_LIMITED:
		say(&t, "new data by limited transmit: ");
		say_bytes(&t, n);
		break;
	case WHY_CHALLENGE:
		say(&t, "challenge ACK: the segment before this one was not believed");
		break;
	case WHY_MTU_PROBE:
		say(&t, "path MTU probe with ");
		say_bytes(&t, n);
		break;
	}
	return t.n;
}

size_t note_truth(char *to, size_t cap, const struct pkt_note *n)
{
	struct text t = {.to = to, .cap = cap};

	assert(cap > 0 && n->why < WHY_COUNT);
	say(&t, "why=%s xmit=%d lo=%" PRIu32 " hi=%" PRIu32, why_word[n->why], n->xmit, n->lo, n->hi);
	say(&t, " dupacks=%d cwnd=%" PRIu32 " ssthresh=%" PRIu32, n->dupacks, n->cwnd, n->ssthresh);
	say(&t, " cwnd_before=%" PRIu32 " rto=%" PRId64 " outstanding=%" PRId64, n->cwnd_before, n->rto,
	    n->outstanding);
	return t.n;
}

/* ---- reading it back ---- */

static bool read_why(const char *value, struct pkt_note *n)
{
	for (int i = 0; i < WHY_COUNT; i++)
		if (strcmp(value, why_word[i]) == 0) {
			n->why = (uint8_t)i;
			return true;
		}
	return false;
}

static void read_number(const char *key, const char *value, struct pkt_note *n)
{
	int64_t v = strtoll(value, NULL, 10);

	if (strcmp(key, "xmit") == 0)
		n->xmit = (uint8_t)v;
	else if (strcmp(key, "dupacks") == 0)
		n->dupacks = (uint8_t)v;
	else if (strcmp(key, "lo") == 0)
		n->lo = (uint32_t)v;
	else if (strcmp(key, "hi") == 0)
		n->hi = (uint32_t)v;
	else if (strcmp(key, "cwnd") == 0)
		n->cwnd = (uint32_t)v;
	else if (strcmp(key, "ssthresh") == 0)
		n->ssthresh = (uint32_t)v;
	else if (strcmp(key, "cwnd_before") == 0)
		n->cwnd_before = (uint32_t)v;
	else if (strcmp(key, "rto") == 0)
		n->rto = v;
	else if (strcmp(key, "outstanding") == 0)
		n->outstanding = v;
}

bool note_parse(const char *text, size_t len, struct pkt_note *n)
{
	char copy[TRACE_TEXT_MAX], *save = NULL;
	bool known = false;

	memset(n, 0, sizeof(*n));
	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		char *value = strchr(word, '=');

		if (!value)
			continue;
		*value++ = '\0';
		if (strcmp(word, "why") == 0)
			known = read_why(value, n);
		else
			read_number(word, value, n);
	}
	return known;
}
