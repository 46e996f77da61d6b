/* What `serve` and `connect` tell of a stream's beginning and end: a line for people, or for machines a JSON
 * object on a line. */
#ifndef SIM_STREAM_LOG_H
#define SIM_STREAM_LOG_H

#include "stream.h"

struct stream_log {
	FILE *to; /* NULL: nothing is told */
	bool json;
};

void stream_log_open(const struct stream_log *, const struct stream *);
void stream_log_closed(const struct stream_log *, const struct stream *);

#endif
