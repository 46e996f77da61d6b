/* Numbers with units, as tc writes them: one text form each, read and printed here alone. What is
 * printed reads back to the same value. No floats, no locale. */
#ifndef SIM_UNITS_H
#define SIM_UNITS_H

#include <stddef.h>
#include <stdint.h>

#include "../stack/base/time.h"

#define UNIT_TEXT 32

/* Each returns NULL and fills *out, or returns what was expected (a static text). Signs, spaces,
 * exponents and a missing unit are refused; so is what does not fit. */
const char *unit_time(const char *text, ns_t *out);       /* 10ms; ns us ms s min h; 0 */
const char *unit_rate(const char *text, uint64_t *bps);   /* 10mbit; bit kbit mbit gbit tbit */
const char *unit_size(const char *text, uint64_t *bytes); /* 100MB, 4MiB; B kB MB GB KiB MiB GiB */
const char *unit_share(const char *text, uint32_t *ppb);  /* 0.5%, or 0; to 10^-9 */
const char *unit_count(const char *text, uint64_t *n);    /* 12 */

/* Into `to`, which has room for UNIT_TEXT bytes, and returned. */
char *unit_print_time(char *to, ns_t);
char *unit_print_rate(char *to, uint64_t bps);
char *unit_print_size(char *to, uint64_t bytes);
char *unit_print_share(char *to, uint32_t ppb);

#endif
