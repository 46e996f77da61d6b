/* See ladder.h. Of a long connection the first and the last rows are shown, so that handshake and
 * teardown are both there; what is between is counted. */
#include "ladder.h"

#include "facts.h"
#include "text.h"
#include "../stack/base/check.h"
#include "../stack/wire/print.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define HALF_ROWS (LADDER_ROWS / 2)
#define ROW 26
#define LEFT 250  /* of the client's line */
#define RIGHT 690 /* of the server's */
#define WIDTH 940
#define TOP 60

struct rung {
	ns_t at;
	uint64_t frame, lo, hi, ack;
	uint32_t len, event; /* index + 1 */
	uint16_t flags, wnd;
	uint8_t side;
};

struct ladder {
	struct rung first[HALF_ROWS], last[HALF_ROWS]; /* last: a ring */
	uint64_t n;
};

struct ladder *ladder_new(void)
{
	return calloc(1, sizeof(struct ladder));
}

void ladder_free(struct ladder *l)
{
	free(l);
}

bool ladder_add(struct ladder *l, const struct seg_view *v)
{
	struct rung r = {
		.at = v->pkt->at,
		.frame = v->pkt->frame,
		.lo = v->lo,
		.hi = v->hi,
		.ack = v->ack,
		.len = v->d->seg.len,
		.event = v->ev ? (uint32_t)(v->ev - v->conn->event) + 1 : 0,
		.flags = v->d->seg.flags,
		.wnd = v->d->seg.wnd,
		.side = (uint8_t)v->side,
	};

	if (l->n < HALF_ROWS)
		l->first[l->n] = r;
	else
		l->last[(l->n - HALF_ROWS) % HALF_ROWS] = r;
	l->n++;
	return true;
}

static const char *colour_of(const struct event *e)
{
	if (!e)
		return "#333";
	switch ((enum verdict_kind)e->kind) {
	case V_RETX:
		return "#d55e00";
	case V_LATE:
		return "#e69f00";
	case V_NET_COPY:
	case V_CAPTURE_COPY:
		return "#cc79a7";
	default:
		return "#0072b2";
	}
}

static const char *word_of(const struct event *e)
{
	if (!e)
		return "";
	switch ((enum verdict_kind)e->kind) {
	case V_RETX:
		return " (sent again)";
	case V_LATE:
		return " (late)";
	case V_NET_COPY:
	case V_CAPTURE_COPY:
		return " (copy)";
	case V_ZERO_WINDOW_PROBE:
		return " (window probe)";
	case V_KEEP_ALIVE:
		return " (keep-alive)";
	default:
		return "";
	}
}

static void label(char *to, size_t cap, const struct rung *r, const struct event *e)
{
	struct text t = {to, cap, 0};

	to[0] = '\0';
	flags_print(to, cap, r->flags);
	t.n = strlen(to);
	say(&t, ": seq %" PRIu64, r->lo);
	if (r->len)
		say(&t, " len %" PRIu32, r->len);
	if (r->flags & TH_ACK)
		say(&t, " ack %" PRIu64, r->ack);
	if (r->wnd == 0 && !(r->flags & TH_RST))
		say(&t, " win 0");
	say(&t, "%s", word_of(e));
}

static void write_rung(FILE *f, const struct conn *c, const struct rung *r, int row)
{
	const struct event *e = r->event && r->event <= c->events ? &c->event[r->event - 1] : NULL;
	const bool right = r->side == c->client;
	const int y = TOP + 30 + row * ROW, from = right ? LEFT : RIGHT, to = right ? RIGHT : LEFT;
	char text[160];

	label(text, sizeof(text), r, e);
	fprintf(f, "<path stroke=\"%s\" fill=\"none\" d=\"M%d %dL%d %d\"/>", colour_of(e), from, y, to, y + 10);
	fprintf(f, "<path fill=\"%s\" d=\"M%d %dl%d -5v9z\"/>", colour_of(e), to, y + 10, right ? -9 : 9);
	fprintf(f, "<text class=\"m\" x=\"%d\" y=\"%d\" fill=\"%s\">%s</text>", (LEFT + RIGHT) / 2, y, colour_of(e), text);
	fprintf(f, "<text class=\"r\" x=\"%d\" y=\"%d\">%.6f s  #%" PRIu64 "</text>\n", LEFT - 12, y + 4, (double)r->at / 1e9,
		r->frame);
}

static void write_head(FILE *f, const struct conn *c, int rows)
{
	const int height = TOP + 50 + rows * ROW;
	char a[64], b[64];
	const char *client = c->client ? b : a, *server = c->client ? a : b;

	endpoint_print(a, sizeof(a), &c->key.local, c->key.lport);
	endpoint_print(b, sizeof(b), &c->key.remote, c->key.rport);
	fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\">\n", WIDTH, height,
		WIDTH, height);
	fputs("<style>text{font:12px sans-serif}.m{text-anchor:middle}.r{text-anchor:end;fill:#555}.h{font-weight:bold;"
	      "text-anchor:middle}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n", f);
	fprintf(f, "<text class=\"h\" x=\"%d\" y=\"24\">client</text><text class=\"m\" x=\"%d\" y=\"42\">%s</text>\n", LEFT, LEFT,
		client);
	fprintf(f, "<text class=\"h\" x=\"%d\" y=\"24\">server</text><text class=\"m\" x=\"%d\" y=\"42\">%s</text>\n", RIGHT, RIGHT,
		server);
	fprintf(f, "<path stroke=\"#999\" fill=\"none\" d=\"M%d %dV%dM%d %dV%d\"/>\n", LEFT, TOP, height - 10, RIGHT, TOP,
		height - 10);
}

bool ladder_write(const struct ladder *l, const struct conn *c, FILE *f)
{
	const uint64_t shown = l->n < LADDER_ROWS ? l->n : LADDER_ROWS, hidden = l->n - shown;
	int row = 0;

	write_head(f, c, (int)shown + (hidden ? 1 : 0));
	for (uint64_t i = 0; i < shown; i++) {
		const struct rung *r = &l->first[i < HALF_ROWS ? i : 0];

		if (i == HALF_ROWS && hidden) {
			fprintf(f, "<text class=\"m\" x=\"%d\" y=\"%d\">... %" PRIu64 " segments ...</text>\n", (LEFT + RIGHT) / 2,
				TOP + 35 + row * ROW, hidden);
			row++;
		}
		if (i >= HALF_ROWS)
			r = &l->last[(i - HALF_ROWS + hidden) % HALF_ROWS];
		write_rung(f, c, r, row++);
	}
	fputs("</svg>\n", f);
	return fflush(f) == 0 && !ferror(f);
}
