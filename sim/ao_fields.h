/* Master keys for TCP-AO as text: the entries of `ao:` below a host in scenarios, and --ao of serve and
 * connect, in the same words. */
#ifndef SIM_AO_FIELDS_H
#define SIM_AO_FIELDS_H

#include "../stack/stack.h"
#include "fields.h"

#define AO_SPECS 8 /* keys of a host */

struct ao_spec {
	struct ao_key key; /* its master is not set: see ao_specs_give */
	char master[AO_MASTER_MAX + 1];
};

struct ao_specs {
	struct ao_spec spec[AO_SPECS];
	uint8_t n;
};

extern const struct field ao_fields[];
extern const size_t nao_fields;

bool ao_specs_read(struct doc *, const struct node *list, void *specs);
void ao_specs_print(FILE *, const void *specs);
/* One more, from `send: 10, recv: 20, key: secret`. False: err has one line, `key: got ..., expected ...`. */
bool ao_specs_scan(struct ao_specs *, const char *text, char *err, size_t cap);
int ao_specs_give(const struct ao_specs *, struct stack *); /* 0 or ERR_* */

#endif
