/* See doc.h. Text from a capture (comments, names) is escaped: control bytes never reach the
 * terminal, and angle brackets never the HTML. Plain tables are kept until their end, since a
 * column is as wide as its widest cell. */
#include "doc.h"

#include "../stack/base/check.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define LINE 96 /* of plain text */

enum context { NOTHING, LIST };

struct doc {
	FILE *f;
	enum doc_form form;
	enum context in;
	int columns, rows, row_cap;
	char (*cell)[DOC_CELL]; /* rows * columns, plain text only */
};

static void put_char(const struct doc *d, char ch)
{
	unsigned char c = (unsigned char)ch;

	if (c < 0x20 || c == 0x7f)
		fprintf(d->f, "\\x%02x", c);
	else if (d->form == DOC_HTML && (c == '<' || c == '>' || c == '&'))
		fprintf(d->f, "&#%d;", c);
	else if (d->form == DOC_MARKDOWN && strchr("|<[]*_`\\", c))
		fprintf(d->f, "\\%c", c);
	else
		putc(c, d->f);
}

static void put_text(const struct doc *d, const char *s)
{
	while (*s)
		put_char(d, *s++);
}

/* Breaks lines at spaces. */
static void put_wrapped(const struct doc *d, const char *s, int indent, int hanging)
{
	int column = indent;
	bool first = true;

	fprintf(d->f, "%*s", indent, "");
	while (*s) {
		size_t n = strcspn(s, " ");

		if (!first && column + 1 + (int)n > LINE) {
			fprintf(d->f, "\n%*s", hanging, "");
			column = hanging;
		} else if (!first) {
			putc(' ', d->f);
			column++;
		}
		for (size_t i = 0; i < n; i++)
			put_char(d, s[i]);
		column += (int)n;
		first = false;
		s += n + (s[n] == ' ');
	}
	putc('\n', d->f);
}

struct doc *doc_new(FILE *f, enum doc_form form, const char *title)
{
	struct doc *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->f = f;
	d->form = form;
	if (form == DOC_HTML) {
		fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>", f);
		put_text(d, title);
		fputs("</title>\n<style>body{font:15px/1.45 sans-serif;max-width:60em;margin:2em auto}"
		      "table{border-collapse:collapse}td,th{padding:.2em .7em;border:1px solid #ccc;"
		      "text-align:left}</style></head><body>\n", f);
	}
	return d;
}

static void leave_list(struct doc *d)
{
	if (d->in == LIST)
		fputs(d->form == DOC_HTML ? "</ul>\n" : "\n", d->f);
	d->in = NOTHING;
}

#define FORMATTED(text, format)                                                                    \
	char text[4096];                                                                           \
	va_list ap;                                                                                \
	va_start(ap, format);                                                                      \
	vsnprintf(text, sizeof(text), format, ap);                                                 \
	va_end(ap)

void doc_heading(struct doc *d, int level, const char *format, ...)
{
	FORMATTED(text, format);

	leave_list(d);
	switch (d->form) {
	case DOC_TEXT:
		put_text(d, text);
		putc('\n', d->f);
		for (size_t n = strlen(text); n; n--)
			putc(level == 1 ? '=' : '-', d->f);
		fputs("\n\n", d->f);
		break;
	case DOC_MARKDOWN:
		fprintf(d->f, "%.*s ", level, "######");
		put_text(d, text);
		fputs("\n\n", d->f);
		break;
	case DOC_HTML:
		fprintf(d->f, "<h%d>", level);
		put_text(d, text);
		fprintf(d->f, "</h%d>\n", level);
		break;
	}
}

void doc_para(struct doc *d, const char *format, ...)
{
	FORMATTED(text, format);

	leave_list(d);
	if (d->form == DOC_TEXT) {
		put_wrapped(d, text, 0, 0);
		putc('\n', d->f);
		return;
	}
	if (d->form == DOC_HTML)
		fputs("<p>", d->f);
	put_text(d, text);
	fputs(d->form == DOC_HTML ? "</p>\n" : "\n\n", d->f);
}

void doc_item(struct doc *d, const char *format, ...)
{
	FORMATTED(text, format);

	if (d->form == DOC_HTML) {
		fputs(d->in == LIST ? "<li>" : "<ul>\n<li>", d->f);
		put_text(d, text);
		fputs("</li>\n", d->f);
	} else if (d->form == DOC_MARKDOWN) {
		fputs("- ", d->f);
		put_text(d, text);
		putc('\n', d->f);
	} else {
		fputs("  -", d->f);
		put_wrapped(d, text, 1, 4);
	}
	d->in = LIST;
}

static void row_markdown(const struct doc *d, const char *const *cells)
{
	for (int i = 0; i < d->columns; i++) {
		fputs(i ? " | " : "| ", d->f);
		put_text(d, cells[i] ? cells[i] : "");
	}
	fputs(" |\n", d->f);
}

static void row_html(const struct doc *d, const char *const *cells, const char *tag)
{
	fputs("<tr>", d->f);
	for (int i = 0; i < d->columns; i++) {
		fprintf(d->f, "<%s>", tag);
		put_text(d, cells[i] ? cells[i] : "");
		fprintf(d->f, "</%s>", tag);
	}
	fputs("</tr>\n", d->f);
}

static void row_keep(struct doc *d, const char *const *cells)
{
	if (d->rows == d->row_cap) {
		int cap = d->row_cap ? 2 * d->row_cap : 16;
		char(*list)[DOC_CELL] = realloc(d->cell, (size_t)(cap * DOC_COLUMNS) * DOC_CELL);

		if (!list)
			return;
		d->cell = list;
		d->row_cap = cap;
	}
	for (int i = 0; i < d->columns; i++)
		snprintf(d->cell[d->rows * DOC_COLUMNS + i], DOC_CELL, "%s", cells[i] ? cells[i] : "");
	d->rows++;
}

void doc_table(struct doc *d, const char *const *head, int columns)
{
	assert(columns > 0 && columns <= DOC_COLUMNS);
	leave_list(d);
	d->columns = columns;
	d->rows = 0;
	if (d->form == DOC_TEXT) {
		row_keep(d, head);
		return;
	}
	if (d->form == DOC_HTML) {
		fputs("<table>\n", d->f);
		row_html(d, head, "th");
		return;
	}
	row_markdown(d, head);
	for (int i = 0; i < columns; i++)
		fputs(i ? "---|" : "|---|", d->f);
	putc('\n', d->f);
}

void doc_row(struct doc *d, const char *const *cells)
{
	if (d->form == DOC_TEXT)
		row_keep(d, cells);
	else if (d->form == DOC_HTML)
		row_html(d, cells, "td");
	else
		row_markdown(d, cells);
}

void doc_table_end(struct doc *d)
{
	int width[DOC_COLUMNS] = {0};

	if (d->form != DOC_TEXT) {
		fputs(d->form == DOC_HTML ? "</table>\n" : "\n", d->f);
		return;
	}
	for (int k = 0; k < d->rows * DOC_COLUMNS; k++) {
		int i = k % DOC_COLUMNS, n = i < d->columns ? (int)strlen(d->cell[k]) : 0;

		if (n > width[i])
			width[i] = n;
	}
	for (int row = 0; row < d->rows; row++) {
		fputs(" ", d->f);
		for (int i = 0; i < d->columns; i++) {
			const char *s = d->cell[row * DOC_COLUMNS + i];

			putc(' ', d->f);
			put_text(d, s);
			if (i < d->columns - 1)
				fprintf(d->f, "%*s", width[i] - (int)strlen(s) + 1, "");
		}
		putc('\n', d->f);
	}
	putc('\n', d->f);
}

void doc_end(struct doc *d)
{
	leave_list(d);
	if (d->form == DOC_HTML)
		fputs("</body></html>\n", d->f);
	free(d->cell);
	free(d);
}
