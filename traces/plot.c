/* See plot.h. Axes begin at zero and end at a round number; what falls on the same tenth of a pixel
 * as the point before it is left out, so that a picture of a million segments stays a picture. */
#include "plot.h"

#include "../stack/base/check.h"

#include <stdlib.h>
#include <string.h>

#define WIDTH 900
#define HEIGHT 480
#define LEFT 80
#define RIGHT 20
#define TOP 50
#define BOTTOM 55
#define TEXT_MAX 120
#define LIMIT_ROOM 1.25 /* a PLOT_LIMIT may stretch the scale by so much */

struct point {
	double x, y, y1;
};

struct series {
	char name[TEXT_MAX];
	char colour[8];
	enum plot_style style;
	struct point *p;
	size_t n, cap;
};

struct plot {
	char title[TEXT_MAX], x_label[TEXT_MAX], y_label[TEXT_MAX];
	struct series series[PLOT_SERIES_MAX];
	int nseries;
	unsigned painted; /* from the palette */
};

struct plot *plot_new(const char *title, const char *x_label, const char *y_label)
{
	struct plot *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	plot_title(p, title);
	snprintf(p->x_label, TEXT_MAX, "%s", x_label);
	snprintf(p->y_label, TEXT_MAX, "%s", y_label);
	return p;
}

void plot_free(struct plot *p)
{
	if (!p)
		return;
	for (int i = 0; i < p->nseries; i++)
		free(p->series[i].p);
	free(p);
}

void plot_title(struct plot *p, const char *title)
{
	snprintf(p->title, TEXT_MAX, "%s", title);
}

void plot_name(struct plot *p, int series, const char *name)
{
	assert(series >= 0 && series < p->nseries);
	snprintf(p->series[series].name, TEXT_MAX, "%s", name);
}

int plot_series(struct plot *p, const char *name, enum plot_style style, const char *colour)
{
	/* Distinguishable without red-green vision too (Okabe, Ito). */
	static const char *const palette[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"};
	struct series *s;

	if (p->nseries == PLOT_SERIES_MAX)
		return -1;
	s = &p->series[p->nseries];
	snprintf(s->name, TEXT_MAX, "%s", name);
	snprintf(s->colour, sizeof(s->colour), "%s", colour ? colour : palette[p->painted++ % ARRAY_LEN(palette)]);
	s->style = style;
	return p->nseries++;
}

bool plot_span(struct plot *p, int series, double x, double y0, double y1)
{
	struct series *s;

	assert(series >= 0 && series < p->nseries);
	s = &p->series[series];
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 64;
		struct point *list = realloc(s->p, cap * sizeof(*list));

		if (!list)
			return false;
		s->p = list;
		s->cap = cap;
	}
	s->p[s->n++] = (struct point){x, y0, y1};
	return true;
}

bool plot_point(struct plot *p, int series, double x, double y)
{
	return plot_span(p, series, x, y, y);
}

size_t plot_points(const struct plot *p)
{
	size_t n = 0;

	for (int i = 0; i < p->nseries; i++)
		n += p->series[i].n;
	return n;
}

/* ---- scales ---- */

struct scale {
	double max, step; /* from 0 */
	int from, to; /* pixels */
};

static double larger(double a, double b)
{
	return a > b ? a : b;
}

static double distance(double a, double b)
{
	return a > b ? a - b : b - a;
}

/* 1, 2 or 5 times a power of ten, at least `rough`. */
static double nice_step(double rough)
{
	double magnitude = 1;

	while (magnitude > rough && magnitude > 1e-12)
		magnitude /= 10;
	while (magnitude * 10 <= rough && magnitude < 1e24)
		magnitude *= 10;
	return magnitude * (rough <= magnitude ? 1 : rough <= 2 * magnitude ? 2 : rough <= 5 * magnitude ? 5 : 10);
}

static struct scale scale_of(double max, int from, int to)
{
	struct scale s = {.from = from, .to = to};

	if (!(max > 0)) /* no points, or all at zero */
		max = 1;
	s.step = nice_step(max / 6);
	while (s.max < max)
		s.max += s.step; /* six or so times */
	return s;
}

static double at(const struct scale *s, double v)
{
	return s->from + (v < s->max ? v / s->max : 1) * (s->to - s->from);
}

static void extremes(const struct plot *p, double *x_max, double *y_max)
{
	double limit = 0;

	*x_max = *y_max = 0;
	for (int i = 0; i < p->nseries; i++)
		for (size_t k = 0; k < p->series[i].n; k++) {
			const struct point *q = &p->series[i].p[k];
			double *top = p->series[i].style == PLOT_LIMIT ? &limit : y_max;

			*x_max = larger(*x_max, q->x);
			*top = larger(*top, larger(q->y, q->y1));
		}
	if (limit > *y_max) /* room to see that it is higher */
		*y_max = limit < LIMIT_ROOM * *y_max || !(*y_max > 0) ? limit : LIMIT_ROOM * *y_max;
}

/* ---- writing ---- */

static void put_text(FILE *f, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < 0x20 || c == '<' || c == '>' || c == '&' || c == '"')
			fprintf(f, "&#%d;", c < 0x20 ? '?' : c);
		else
			putc(c, f);
	}
}

/* 1500000 -> "1.5M". */
static void si(char *to, size_t cap, double v)
{
	static const struct {
		double unit;
		const char *suffix;
	} u[] = {{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {1, ""}};

	for (size_t i = 0; i < ARRAY_LEN(u); i++)
		if (v >= u[i].unit) {
			snprintf(to, cap, "%.4g%s", v / u[i].unit, u[i].suffix);
			return;
		}
	snprintf(to, cap, "%.3g", v);
}

static void write_axes(const struct plot *p, FILE *f, const struct scale *x, const struct scale *y)
{
	char text[32];

	for (double v = 0; v <= y->max + y->step / 2; v += y->step) {
		si(text, sizeof(text), v);
		fprintf(f, "<path class=\"g\" d=\"M%d %.1fH%d\"/><text class=\"r\" x=\"%d\" y=\"%.1f\">%s</text>\n", LEFT,
			at(y, v), WIDTH - RIGHT, LEFT - 6, at(y, v) + 4, text);
	}
	for (double v = 0; v <= x->max + x->step / 2; v += x->step) {
		snprintf(text, sizeof(text), "%.6g", v);
		fprintf(f, "<path class=\"g\" d=\"M%.1f %dV%d\"/><text class=\"m\" x=\"%.1f\" y=\"%d\">%s</text>\n", at(x, v), TOP,
			HEIGHT - BOTTOM, at(x, v), HEIGHT - BOTTOM + 17, text);
	}
	fprintf(f, "<text class=\"t\" x=\"%d\" y=\"20\">", LEFT);
	put_text(f, p->title);
	fprintf(f, "</text>\n<text class=\"m\" x=\"%d\" y=\"%d\">", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12);
	put_text(f, p->x_label);
	fprintf(f, "</text>\n<text class=\"m\" transform=\"translate(18 %d) rotate(-90)\">", (TOP + HEIGHT - BOTTOM) / 2);
	put_text(f, p->y_label);
	fputs("</text>\n", f);
}

static void write_legend(const struct plot *p, FILE *f)
{
	int x = LEFT;

	for (int i = 0; i < p->nseries; i++) {
		const struct series *s = &p->series[i];

		if (!s->n || !*s->name)
			continue;
		if (x + 16 + 7 * (int)strlen(s->name) > WIDTH) {
			fprintf(f, "<text x=\"%d\" y=\"38\">...</text>\n", x);
			return;
		}
		fprintf(f, "<rect x=\"%d\" y=\"30\" width=\"12\" height=\"8\" fill=\"%s\"/><text x=\"%d\" y=\"38\">", x, s->colour,
			x + 16);
		put_text(f, s->name);
		fputs("</text>\n", f);
		x += 34 + 7 * (int)strlen(s->name);
	}
}

static void write_line(const struct series *s, FILE *f, const struct scale *xs, const struct scale *ys)
{
	double px = -1, py = -1;
	bool first = true;

	fprintf(f, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"1.3\" d=\"", s->colour);
	for (size_t i = 0; i < s->n; i++) {
		double x = at(xs, s->p[i].x), y = at(ys, s->p[i].y);

		if (!first && distance(x, px) < .1 && distance(y, py) < .1)
			continue;
		if (first)
			fprintf(f, "M%.1f %.1f", x, y);
		else if (s->style == PLOT_STEP || s->style == PLOT_LIMIT)
			fprintf(f, "H%.1fV%.1f", x, y);
		else
			fprintf(f, "L%.1f %.1f", x, y);
		first = false;
		px = x;
		py = y;
	}
	fputs("\"/>\n", f);
}

static void write_marks(const struct series *s, FILE *f, const struct scale *xs, const struct scale *ys)
{
	double px = -1, py = -1;

	fprintf(f, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"%s\" stroke-linecap=\"round\" d=\"", s->colour,
		s->style == PLOT_DOTS ? "3" : "2");
	for (size_t i = 0; i < s->n; i++) {
		double x = at(xs, s->p[i].x), y = at(ys, s->p[i].y), y1 = at(ys, s->p[i].y1);

		if (i && distance(x, px) < .1 && distance(y, py) < .1)
			continue;
		fprintf(f, "M%.1f %.1fV%.1f", x, y, s->style == PLOT_DOTS ? y : y1);
		px = x;
		py = y;
	}
	fputs("\"/>\n", f);
}

bool plot_write(const struct plot *p, FILE *f)
{
	struct scale x, y;
	double x_max, y_max;

	extremes(p, &x_max, &y_max);
	x = scale_of(x_max, LEFT, WIDTH - RIGHT);
	y = scale_of(y_max, HEIGHT - BOTTOM, TOP);
	fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\">\n", WIDTH, HEIGHT,
		WIDTH, HEIGHT);
	fputs("<style>text{font:12px sans-serif;fill:#333}.t{font-size:15px;font-weight:bold}.m{text-anchor:middle}"
	      ".r{text-anchor:end}.g{stroke:#ddd;fill:none}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n", f);
	write_axes(p, f, &x, &y);
	write_legend(p, f);
	for (int i = 0; i < p->nseries; i++) {
		const struct series *s = &p->series[i];

		if (!s->n)
			continue;
		if (s->style == PLOT_DOTS || s->style == PLOT_SPANS)
			write_marks(s, f, &x, &y);
		else
			write_line(s, f, &x, &y);
	}
	fputs("</svg>\n", f);
	return fflush(f) == 0 && !ferror(f);
}
