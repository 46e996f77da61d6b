/* A ladder: two ends, time downwards, an arrow per segment, as SVG. */
#ifndef TRACES_LADDER_H
#define TRACES_LADDER_H

#include "flow.h"

#include <stdio.h>

#define LADDER_ROWS 120 /* the first and the last of a long connection */

struct ladder;

struct ladder *ladder_new(void);
bool ladder_add(struct ladder *, const struct seg_view *); /* false: no memory */
/* After the analysis is finished: verdicts may have been settled since. */
bool ladder_write(const struct ladder *, const struct conn *, FILE *);
void ladder_free(struct ladder *);

#endif
