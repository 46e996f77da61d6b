/* The engine's settings as text: the keys below `tcp:` of scenarios; the same by `net.tapir.KEY=VALUE` and
 * in the profiles of scripts. One row for each of stack/config.h, and two that no number can say. */
#ifndef SIM_TCP_FIELDS_H
#define SIM_TCP_FIELDS_H

#include "../stack/stack.h"
#include "fields.h"

const struct field *tcp_fields(size_t *n);
/* A mapping of them; `to` is a struct tcp_config. */
bool tcp_fields_read(struct doc *, const struct node *, void *to);
void tcp_fields_print(FILE *, const void *from);
/* One of them. False, nothing changed, and a line in err: "min_rto: got `1`, expected a time such as 10ms". */
bool tcp_field_set(struct tcp_config *, const char *key, const char *value, char *err, size_t cap);

#endif
