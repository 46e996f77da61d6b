/* Between the files that read scenarios. */
#ifndef SIM_SCENARIO_READ_H
#define SIM_SCENARIO_READ_H

#include "fields.h"
#include "scenario.h"

/* Tables that reading and showing share. */
extern const struct field path_fields[], flow_fields[], host_fields[];
extern const size_t npath_fields, nflow_fields, nhost_fields;

/* A section each. */
bool hosts_read(struct doc *, const struct node *, struct scenario *);
bool switches_read(struct doc *, const struct node *, struct scenario *);
bool links_read(struct doc *, const struct node *, struct scenario *);
bool traffic_read(struct doc *, const struct node *, struct scenario *);
bool events_read(struct doc *, const struct node *, struct scenario *);
bool expects_read(struct doc *, const struct node *, struct scenario *);
bool sweep_read(struct doc *, const struct node *, struct scenario *);
bool sweep_substitute(struct doc *, const struct scenario *); /* variables by values, everywhere */

void hosts_show(FILE *, const struct scenario *);
void switches_show(FILE *, const struct scenario *);
void traffic_show(FILE *, const struct scenario *);
void sweep_show(FILE *, const struct scenario *);
void links_show(FILE *, const struct scenario *);
void events_show(FILE *, const struct scenario *);
void expects_show(FILE *, const struct scenario *);

bool name_read(struct doc *, const struct node *, char to[SCENARIO_NAME]);
bool key_name_read(struct doc *, const struct node *,
		   char to[SCENARIO_NAME]); /* the key as a name */
bool line_read(struct doc *, const struct node *, char *to, size_t cap);
void quoted_print(FILE *, const char *); /* in double quotes, as YAML reads it back */
bool host_find(struct doc *, const struct node *, const struct scenario *, const char *name,
	       uint32_t *which);
bool node_find(struct doc *, const struct node *, const struct scenario *, const char *name,
	       uint32_t *which); /* switches too */
uint32_t node_group(struct scenario *, uint32_t node);
bool link_find(struct doc *, const struct node *, const struct scenario *, uint32_t *which);

extern const char *const event_keys[];
extern const size_t nevent_keys;
extern const char *const expect_words[], *const rule_what_words[], *const rule_do_words[];

#endif
