/* Tables of fields: one row says a key's name, where its value lives in a struct, its kind and its
 * bounds, and serves reading, refusing and printing alike, so that what `show` prints is what the
 * reader reads. */
#ifndef SIM_FIELDS_H
#define SIM_FIELDS_H

#include <stdio.h>

#include "doc.h"

enum field_type {
	FIELD_BOOL,
	FIELD_U8,
	FIELD_U16,
	FIELD_U32,
	FIELD_U64, /* counts */
	FIELD_SIZE32,
	FIELD_SIZE64,
	FIELD_TIME,
	FIELD_RATE,
	FIELD_SHARE,
	FIELD_ENUM,  /* an enum, by words */
	FIELD_ENUM8, /* the same in a uint8_t */
	FIELD_GROUP, /* a struct with fields of its own, or a short form */
	FIELD_OWN,   /* read and print do it */
};

struct field {
	const char *key;
	enum field_type type;
	size_t at;                  /* offsetof; for OWN: of what read and print are given */
	uint64_t lo, hi;            /* bounds of counts, sizes and times; hi 0: none */
	const char *const *words;   /* ENUM: in order of their values, ended by NULL */
	const char *none;           /* a word that stands for ... */
	uint64_t none_value;        /* ... this value */
	const struct field *fields; /* GROUP */
	size_t nfields;
	bool (*read)(struct doc *, const struct node *, void *); /* OWN; GROUP: the short form */
	void (*print)(FILE *, const void *);                     /* OWN; NULL: only another form of
								  * other keys, not shown */
};

/* Unknown keys are refused with the nearest known word. */
bool fields_read(struct doc *, const struct node *map, const struct field *, size_t n, void *base);
/* One `key: value` a line, each after `indent`. */
void fields_print(FILE *, const char *indent, const struct field *, size_t n, const void *base);
/* {key: value, ...} */
void fields_print_inline(FILE *, const struct field *, size_t n, const void *base);
/* key: value */
void field_print_pair(FILE *, const struct field *, const void *base);

/* One value by its row; `what` of the row is used in messages. */
bool field_read(struct doc *, const struct node *, const struct field *, void *base);

/* The word of a list and its index, or a message. */
bool word_read(struct doc *, const struct node *, const char *const *words, int *which);
bool text_read(struct doc *, const struct node *, const char *what, const char **text);
bool map_expect(struct doc *, const struct node *, const char *what);
bool list_expect(struct doc *, const struct node *, const char *what);
/* At the key of an entry that is not known; false. */
bool key_unknown(struct doc *, const struct node *, const char *const *known, size_t n);

#endif
