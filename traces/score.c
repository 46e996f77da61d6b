/* See score.h. What the truth calls new counts as new; probes are not scored as retransmissions.
 *
 * A retransmission seen far from its sender, whose first copy died before the tap and before which
 * no later byte came, looks like new data: nobody can tell, so it is counted apart. */
#include "score.h"

#include "explain.h"
#include "js.h"
#include "../stack/base/check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool is_again(enum send_why why)
{
	return why >= WHY_RECOVERY && why <= WHY_FIN;
}

static enum cause cause_for(enum send_why why)
{
	static const uint8_t cause[WHY_COUNT] = {
		[WHY_RECOVERY] = CAUSE_RECOVERY, [WHY_RTO] = CAUSE_RTO,         [WHY_GO_BACK] = CAUSE_GO_BACK,
		[WHY_TLP] = CAUSE_TLP,           [WHY_SYN] = CAUSE_SYN,         [WHY_SYN_ACK] = CAUSE_SYN_ACK,
		[WHY_FIN] = CAUSE_FIN,
	};

	return cause[why];
}

static enum send_why truth_of(const struct reader_pkt *p, bool *known)
{
	struct pkt_note n;

	*known = p->truth && note_parse(p->truth, p->truth_len, &n);
	/* A tail loss probe may carry new data. */
	return *known && !(n.why == WHY_TLP && n.xmit <= 1) ? n.why : WHY_NEW;
}

void score_segment(void *arg, const struct seg_view *v)
{
	struct score *s = arg;
	bool known;
	enum send_why why = truth_of(v->pkt, &known);
	const uint64_t max = v->conn->half[v->side].max;

	s->segments++;
	s->truths[v->pkt->dir & 3] += known;
	if (!v->ev && why == WHY_NEW)
		return;
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 64;
		struct score_note *list = realloc(s->note, cap * sizeof(*list));

		if (!list) {
			s->no_memory = true;
			return;
		}
		s->note = list;
		s->cap = cap;
	}
	s->note[s->n++] = (struct score_note){
		.frame = v->pkt->frame,
		.conn = v->conn->id,
		.event = v->ev ? (uint32_t)(v->ev - v->conn->event) + 1 : 0,
		.why = (uint8_t)why,
		.dir = v->pkt->dir & 3,
		.far = !flow_at(v->conn, v->side),
		.overtaken = v->hi < max,
	};
}

static void add_miss(struct score *s, const struct score_note *n, const struct event *e)
{
	if (s->misses++ < SCORE_MISSES_MAX)
		s->miss[s->misses - 1] = (struct score_miss){n->frame, n->why, e ? e->kind : V_NONE, e ? e->cause : 0};
}

static void score_one(struct score *s, const struct analysis *a, const struct score_note *n)
{
	const struct event *e = n->event ? &a->conn[n->conn]->event[n->event - 1] : NULL;
	const bool said_again = e && e->kind == V_RETX, copy = e && (e->kind == V_NET_COPY || e->kind == V_CAPTURE_COPY);

	if (copy)
		return; /* of a segment that was scored itself */
	/* What others sent bears a note in a simulation only. */
	if (n->dir != TRACE_OUT && !s->truths[n->dir])
		return;
	if (!is_again(n->why)) {
		if (said_again) {
			s->false_alarms++;
			add_miss(s, n, e);
		}
		return;
	}
	s->sent_again[n->why]++;
	if (!e && n->far && !n->overtaken) {
		s->undecidable[n->why]++;
		return;
	}
	s->found[n->why] += said_again;
	if (said_again && e->cause == cause_for(n->why))
		s->cause_right[n->why]++;
	else
		add_miss(s, n, e);
}

void score_finish(struct score *s, const struct analysis *a)
{
	for (size_t i = 0; i < s->n; i++)
		score_one(s, a, &s->note[i]);
}

static uint64_t sum(const uint64_t v[WHY_COUNT])
{
	uint64_t n = 0;

	for (int i = 0; i < WHY_COUNT; i++)
		n += v[i];
	return n;
}

/* All that can be told is told: which were sent again, and none besides. */
bool score_perfect(const struct score *s)
{
	return !s->false_alarms && !s->no_memory && sum(s->found) + sum(s->undecidable) == sum(s->sent_again);
}

static const char *said(const struct score_miss *m)
{
	static const char *const kind[] = {"new", "", "late", "a copy by the network", "a copy by the capture",
					   "a window probe", "a keep-alive"};

	return m->kind == V_RETX ? cause_word(m->cause) : kind[m->kind];
}

void score_print(struct doc *d, const struct score *s, const char *file)
{
	static const char *const head[] = {"cause", "sent again", "found", "cause right", "cannot be told here"};

	doc_heading(d, 1, "%s", file);
	if (!sum(s->sent_again))
		doc_para(d, "No segment of this capture bears a note that it was sent again: either none was, or the "
			    "capture was not written by `tapir`.");
	else
		doc_table(d, head, ARRAY_LEN(head));
	for (int i = 0; i < WHY_COUNT; i++) {
		char n[4][24];
		const char *cell[] = {note_why((enum send_why)i), n[0], n[1], n[2], n[3]};
		const uint64_t value[] = {s->sent_again[i], s->found[i], s->cause_right[i], s->undecidable[i]};

		for (int k = 0; k < 4; k++)
			snprintf(n[k], sizeof(n[k]), "%" PRIu64, value[k]);
		if (s->sent_again[i])
			doc_row(d, cell);
	}
	if (sum(s->sent_again))
		doc_table_end(d);
	for (uint64_t i = 0; i < s->misses && i < SCORE_MISSES_MAX; i++)
		doc_item(d, "Frame %" PRIu64 " is %s, and was called %s.", s->miss[i].frame,
			 note_why((enum send_why)s->miss[i].why), said(&s->miss[i]));
	doc_para(d, "%" PRIu64 " segments, %" PRIu64 " sent again, %" PRIu64 " of them found, %" PRIu64 " cannot be told here, %" PRIu64
		    " false alarm%s.", s->segments, sum(s->sent_again), sum(s->found), sum(s->undecidable), s->false_alarms,
		 s->false_alarms == 1 ? "" : "s");
}

json_t *score_json(const struct score *s, const char *file)
{
	json_t *causes = json_object(), *misses = json_array();

	for (int i = 0; i < WHY_COUNT; i++)
		if (s->sent_again[i])
			json_object_set_new(causes, note_why((enum send_why)i),
					    json_pack("{s:I,s:I,s:I,s:I}", "sent_again", (json_int_t)s->sent_again[i], "found",
						      (json_int_t)s->found[i], "cause_right", (json_int_t)s->cause_right[i],
						      "undecidable", (json_int_t)s->undecidable[i]));
	for (uint64_t i = 0; i < s->misses && i < SCORE_MISSES_MAX; i++)
		json_array_append_new(misses, json_pack("{s:I,s:s,s:s}", "frame", (json_int_t)s->miss[i].frame, "truth",
							note_why((enum send_why)s->miss[i].why), "said", said(&s->miss[i])));
	return json_pack("{s:o,s:I,s:I,s:I,s:I,s:I,s:b,s:o,s:o}", "file", js_text(file), "segments", (json_int_t)s->segments, "sent_again",
			 (json_int_t)sum(s->sent_again), "found", (json_int_t)sum(s->found), "undecidable",
			 (json_int_t)sum(s->undecidable), "false_alarms", (json_int_t)s->false_alarms, "perfect", score_perfect(s),
			 "causes", causes, "misses", misses);
}

void score_free(struct score *s)
{
	free(s->note);
	s->note = NULL;
}
