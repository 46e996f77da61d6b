/* Charts as SVG: equal points give equal bytes. A chart knows nothing of captures; cmd_plot and the
 * simulator's reports fill it. */
#ifndef TRACES_PLOT_H
#define TRACES_PLOT_H

#include <stdbool.h>
#include <stdio.h>

enum plot_style {
	PLOT_LINE,
	PLOT_STEP, /* holds its value until the next point */
	PLOT_DOTS,
	PLOT_SPANS, /* upright strokes, plot_span */
	PLOT_LIMIT, /* as PLOT_STEP, but the others set the scale: what lies above is at the upper edge */
};

struct plot;

#define PLOT_SERIES_MAX 12

/* Texts are copied. NULL: no memory. */
struct plot *plot_new(const char *title, const char *x_label, const char *y_label);
/* colour: "#rrggbb" or NULL for the next of the palette. The series' number, -1: too many. */
int plot_series(struct plot *, const char *name, enum plot_style, const char *colour);
/* What is known only at the end. */
void plot_title(struct plot *, const char *title);
void plot_name(struct plot *, int series, const char *name);
/* Points come in the order of x. False: no memory; the chart then lacks this point. */
bool plot_point(struct plot *, int series, double x, double y);
bool plot_span(struct plot *, int series, double x, double y0, double y1);
size_t plot_points(const struct plot *); /* in all series */
bool plot_write(const struct plot *, FILE *); /* false: could not be written */
void plot_free(struct plot *);

#endif
