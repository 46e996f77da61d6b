/* Verdicts in words: an answer to hand in, and the same for machines. */
#ifndef TRACES_EXPLAIN_H
#define TRACES_EXPLAIN_H

#include "doc.h"
#include "facts.h"

#include <jansson.h>

void explain_capture(struct doc *, const struct analysis *, const char *file);
void explain_conn(struct doc *, const struct conn *);
/* One event in sentences, terminated, cut to cap. */
char *explain_event(char *to, size_t cap, const struct conn *, const struct event *);
json_t *explain_json(const struct analysis *, const char *file, int64_t stream); /* stream -1: all */
/* "Why was this sent?" of one frame. */
void explain_frame(struct doc *, const struct seg_view *);
json_t *explain_frame_json(const struct seg_view *, const char *file);

#endif
