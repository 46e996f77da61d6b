/* One document, three forms: plain text with aligned tables, Markdown, HTML. */
#ifndef TRACES_DOC_H
#define TRACES_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum doc_form { DOC_TEXT, DOC_MARKDOWN, DOC_HTML };

#define DOC_COLUMNS 10
#define DOC_CELL 240

struct doc;

struct doc *doc_new(FILE *, enum doc_form, const char *title); /* the file is lent; NULL: no memory */
void doc_heading(struct doc *, int level, const char *format, ...) __attribute__((format(printf, 3, 4)));
void doc_para(struct doc *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void doc_item(struct doc *, const char *format, ...) __attribute__((format(printf, 2, 3))); /* of a list */
/* A table: its head, then rows of as many cells, then the end. NULL is an empty cell. */
void doc_table(struct doc *, const char *const *head, int columns);
void doc_row(struct doc *, const char *const *cells);
void doc_table_end(struct doc *);
void doc_end(struct doc *); /* ends the document, frees it */

#endif
