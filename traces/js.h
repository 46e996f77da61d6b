/* What every `--json` has in common: times are seconds, counts are whole, text is UTF-8 whatever it was,
 * and keys stand in the order in which they were set. */
#ifndef TRACES_JS_H
#define TRACES_JS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../stack/base/time.h"

json_t *js_text(const char *);   /* NULL: null. Bytes that are no UTF-8 become U+FFFD */
json_t *js_time(ns_t);
json_t *js_count(uint64_t);      /* what JSON's integers cannot hold: as text */
/* Takes the value. False: it could not be made, or written. One line, when `line`. */
bool js_print(FILE *, json_t *, bool line);

#endif
