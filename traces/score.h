/* The analyser against the truth that a simulation wrote into the same file: it judges blind, then
 * its verdicts are compared with why each segment was really sent. */
#ifndef TRACES_SCORE_H
#define TRACES_SCORE_H

#include "doc.h"
#include "flow.h"
#include "trace.h"

#include <jansson.h>

#define SCORE_MISSES_MAX 50 /* listed; the rest is counted */

struct score_miss {
	uint64_t frame;
	uint8_t why;          /* enum send_why: the truth */
	uint8_t kind, cause;  /* what was said */
};

struct score_note {
	uint64_t frame;
	uint32_t conn, event; /* event: index + 1; 0: nothing was said */
	uint8_t why, dir;
	bool far, overtaken;  /* the tap is not its sender's; it did not come at the stream's end */
};

struct score {
	struct score_note *note; /* of each segment that has a verdict or a truth */
	size_t n, cap;
	uint64_t segments;
	uint64_t truths[4];   /* by enum trace_dir */
	bool no_memory;
	/* after score_finish: */
	uint64_t sent_again[WHY_COUNT], found[WHY_COUNT], cause_right[WHY_COUNT];
	uint64_t undecidable[WHY_COUNT]; /* at a far tap: the first copy died before it, and nothing came between */
	uint64_t false_alarms;           /* called sent again, but was not */
	struct score_miss miss[SCORE_MISSES_MAX];
	uint64_t misses;
};

void score_segment(void *score, const struct seg_view *); /* a seg_fn */
void score_finish(struct score *, const struct analysis *); /* after analysis_finish */
bool score_perfect(const struct score *);
void score_print(struct doc *, const struct score *, const char *file);
json_t *score_json(const struct score *, const char *file);
void score_free(struct score *);

#endif
