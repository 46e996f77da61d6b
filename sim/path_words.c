/* The words of a path, as tc has them: "loss 2%, delay 10ms 2ms normal, rate 10mbit". One function
 * a clause, in a table. Text of any length is looked at once, left to right; a clause has at most
 * WORDS_MAX words. */
#include "path_stage.h"
#include "units.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WORD_MAX 32
#define WORDS_MAX (LOSS_NUMBERS + 4)
#define LIMIT_MAX 1000000000000 /* packets, bytes or thousandths */

struct clause {
	char word[WORDS_MAX][WORD_MAX];
	uint32_t n, at;
	char *err;
	size_t cap;
};

static bool fail(struct clause *c, const char *expected)
{
	const char *got = c->at < c->n ? c->word[c->at] : "nothing";

	snprintf(c->err, c->cap, "%s: got `%s`, expected %s", c->word[0], got, expected);
	return false;
}

static const char *peek(const struct clause *c)
{
	return c->at < c->n ? c->word[c->at] : NULL;
}

static bool accept(struct clause *c, const char *word)
{
	if (!peek(c) || strcmp(peek(c), word) != 0)
		return false;
	c->at++;
	return true;
}

static bool starts_number(const struct clause *c)
{
	return peek(c) && isdigit((unsigned char)*peek(c));
}

static bool take_time(struct clause *c, ns_t *t)
{
	const char *expected = unit_time(peek(c) ? peek(c) : "", t);

	if (expected)
		return fail(c, expected);
	c->at++;
	return true;
}

static bool take_share(struct clause *c, uint32_t *ppb)
{
	const char *expected = unit_share(peek(c) ? peek(c) : "", ppb);

	if (expected)
		return fail(c, expected);
	c->at++;
	return true;
}

static bool take_count(struct clause *c, uint64_t *n)
{
	const char *expected = unit_count(peek(c) ? peek(c) : "", n);

	if (expected)
		return fail(c, expected);
	c->at++;
	return true;
}

/* Up to n more shares, as many as there are. */
static bool take_shares(struct clause *c, uint32_t *const to[], size_t n)
{
	for (size_t i = 0; i < n && starts_number(c); i++)
		if (!take_share(c, to[i]))
			return false;
	return true;
}

static bool words_rate(struct clause *c, struct path_spec *s)
{
	const char *expected = unit_rate(peek(c) ? peek(c) : "", &s->rate_bps);
	uint64_t n;

	if (expected)
		return fail(c, expected);
	c->at++;
	if (accept(c, "overhead")) {
		if (!take_count(c, &n) || n > 1000)
			return fail(c, "bytes up to 1000");
		s->overhead = (uint32_t)n;
	}
	return true;
}

static bool words_mtu(struct clause *c, struct path_spec *s)
{
	uint64_t n;

	if (!take_count(c, &n))
		return false;
	if (n < 68 || n > 65535) {
		c->at--;
		return fail(c, "68 to 65535 bytes");
	}
	s->mtu = (uint32_t)n;
	s->mtu_silent = accept(c, "silent");
	return true;
}

const char *queue_limit_parse(const char *text, struct queue_spec *q)
{
	static const char expected[] = "a limit above 0 such as 100, 64kB or 1.5bdp";
	size_t len = strlen(text);
	char number[WORD_MAX + 1];
	enum limit_unit unit;
	uint64_t n;
	ns_t t;

	if (!unit_count(text, &n)) {
		unit = LIMIT_PACKETS;
	} else if (!unit_size(text, &n)) {
		unit = LIMIT_BYTES;
	} else if (len > 3 && len < WORD_MAX && strcmp(text + len - 3, "bdp") == 0) {
		/* Thousandths: a factor with a point reads like so many microseconds in ns. */
		snprintf(number, sizeof(number), "%.*sus", (int)len - 3, text);
		if (unit_time(number, &t))
			return expected;
		unit = LIMIT_BDP;
		n = (uint64_t)t;
	} else {
		return expected;
	}
	if (n == 0 || n > LIMIT_MAX)
		return expected;
	q->unit = unit;
	q->limit = n;
	return NULL;
}

static bool take_limit(struct clause *c, struct queue_spec *q)
{
	const char *expected = queue_limit_parse(peek(c), q);

	if (expected)
		return fail(c, expected);
	c->at++;
	return true;
}

const char *const queue_names[QUEUE_KINDS + 1] = {"droptail", "red", "codel", "fq_codel", NULL};
const char *const shape_names[DELAY_SHAPES + 1] = {"constant", "uniform", "normal", "pareto", NULL};
const char *const corrupt_names[CORRUPT_KINDS + 1] = {"bit", "burst", "truncate", NULL};

static bool accept_name(struct clause *c, const char *const *names, int n, int *which)
{
	for (int i = 0; i < n; i++)
		if (accept(c, names[i])) {
			*which = i;
			return true;
		}
	return false;
}

static bool words_queue(struct clause *c, struct path_spec *s)
{
	int which;

	while (peek(c)) {
		if (starts_number(c)) {
			if (!take_limit(c, &s->queue))
				return false;
		} else if (accept_name(c, queue_names, QUEUE_KINDS, &which)) {
			s->queue.kind = (enum queue_kind)which;
		} else if (accept(c, "ecn")) {
			s->queue.ecn = true;
		} else {
			return fail(c, "a limit, droptail, red, codel, fq_codel or ecn");
		}
	}
	return c->n > 1 || fail(c, "a limit such as 100, 64kB or 1bdp");
}

static bool words_delay(struct clause *c, struct path_spec *s)
{
	int which = DELAY_UNIFORM;

	if (!take_time(c, &s->delay.mean))
		return false;
	if (starts_number(c)) {
		if (!take_time(c, &s->delay.jitter))
			return false;
		accept_name(c, shape_names + 1, DELAY_SHAPES - 1, &which) ? which++ : 0;
		s->delay.shape = (enum delay_shape)which;
	}
	s->delay.keep_order = accept(c, "ordered");
	return true;
}

static bool loss_gemodel(struct clause *c, struct loss_spec *l)
{
	uint32_t *const rest[] = {&l->r, &l->loss_bad, &l->loss_good};

	l->model = LOSS_GILBERT_ELLIOTT;
	return take_share(c, &l->p) && take_shares(c, rest, 3);
}

static bool loss_state(struct clause *c, struct loss_spec *l)
{
	uint32_t *const rest[] = {&l->p31, &l->p32, &l->p23, &l->p14};

	l->model = LOSS_FOUR_STATE;
	if (!take_share(c, &l->p13))
		return false;
	l->p31 = PPB_ONE - l->p13;
	if (!take_shares(c, rest, 4))
		return false;
	if ((uint64_t)l->p13 + l->p14 > PPB_ONE || (uint64_t)l->p31 + l->p32 > PPB_ONE)
		return fail(c, "p13 + p14 and p31 + p32 up to 100%");
	return true;
}

static bool loss_numbers(struct clause *c, struct loss_spec *l)
{
	l->model = LOSS_NUMBERS_ONLY;
	for (l->nnumbers = 0; peek(c); l->nnumbers++) {
		if (l->nnumbers == LOSS_NUMBERS)
			return fail(c, "at most 64 numbers");
		if (!take_count(c, &l->number[l->nnumbers]))
			return false;
		if (l->number[l->nnumbers] <= (l->nnumbers ? l->number[l->nnumbers - 1] : 0)) {
			c->at--;
			return fail(c, "numbers from 1, rising");
		}
	}
	return l->nnumbers > 0 || fail(c, "numbers from 1, rising");
}

static bool words_loss(struct clause *c, struct path_spec *s)
{
	struct loss_spec *l = &s->loss;

	if (accept(c, "gemodel"))
		return loss_gemodel(c, l);
	if (accept(c, "state"))
		return loss_state(c, l);
	if (accept(c, "number"))
		return loss_numbers(c, l);
	if (accept(c, "every")) {
		l->model = LOSS_PERIODIC;
		if (!take_count(c, &l->every))
			return false;
		l->first = l->every;
		if (l->every > 0)
			return true;
		c->at--;
		return fail(c, "a number above 0");
	}
	if (!starts_number(c))
		return fail(c, "a share such as 2%, or gemodel, state, every or number");
	l->model = LOSS_RANDOM;
	return take_share(c, &l->p);
}

static bool words_reorder(struct clause *c, struct path_spec *s)
{
	uint64_t n;

	if (!take_share(c, &s->reorder.p))
		return false;
	while (peek(c)) {
		if (accept(c, "distance")) {
			if (!take_count(c, &n) || n > 1000)
				return fail(c, "frames up to 1000");
			s->reorder.distance = (uint32_t)n;
		} else if (accept(c, "by")) {
			if (!take_time(c, &s->reorder.by))
				return false;
		} else {
			return fail(c, "distance or by");
		}
	}
	return true;
}

static bool words_duplicate(struct clause *c, struct path_spec *s)
{
	if (!take_share(c, &s->duplicate.p))
		return false;
	return !accept(c, "by") || take_time(c, &s->duplicate.by);
}

static bool words_corrupt(struct clause *c, struct path_spec *s)
{
	int which;

	if (!take_share(c, &s->corrupt.p))
		return false;
	if (accept_name(c, corrupt_names, CORRUPT_KINDS, &which))
		s->corrupt.kind = (enum corrupt_kind)which;
	s->corrupt.repaired = accept(c, "repaired");
	return true;
}

static const struct {
	const char *word;
	bool (*read)(struct clause *, struct path_spec *);
} clauses[] = {
    {"rate", words_rate},           {"mtu", words_mtu},         {"queue", words_queue},
    {"delay", words_delay},         {"loss", words_loss},       {"reorder", words_reorder},
    {"duplicate", words_duplicate}, {"corrupt", words_corrupt},
};

static bool read_clause(struct clause *c, struct path_spec *spec)
{
	for (size_t i = 0; i < ARRAY_LEN(clauses); i++)
		if (strcmp(c->word[0], clauses[i].word) == 0) {
			c->at = 1;
			if (!clauses[i].read(c, spec))
				return false;
			return c->at == c->n || fail(c, "a comma or the end");
		}
	snprintf(c->err, c->cap,
		 "got `%s`, expected rate, delay, queue, loss, reorder, duplicate, corrupt or mtu",
		 c->word[0]);
	return false;
}

/* Splits off the words up to a comma; returns what follows it, NULL on a word or clause too long.
 */
static const char *split(struct clause *c, const char *s)
{
	c->n = c->at = 0;
	for (;;) {
		size_t len = 0;

		while (*s == ' ' || *s == '\t')
			s++;
		if (!*s || *s == ',')
			return s;
		if (c->n == WORDS_MAX)
			return NULL;
		for (; *s && *s != ' ' && *s != '\t' && *s != ','; s++) {
			/* What a terminal would take as a command is not echoed. */
			c->word[c->n][len++] = *s > ' ' && *s < 127 ? *s : '?';
			if (len == WORD_MAX)
				return NULL;
		}
		c->word[c->n++][len] = 0;
	}
}

bool path_spec_words(struct path_spec *spec, const char *words, char *err, size_t cap)
{
	struct clause c = {.err = err, .cap = cap};

	while (*words) {
		words = split(&c, words);
		if (!words) {
			snprintf(err, cap, "a word or list is too long");
			return false;
		}
		if (c.n == 0) {
			snprintf(err, cap,
				 "got an empty clause, expected words such as `loss 1%%`");
			return false;
		}
		if (!read_clause(&c, spec))
			return false;
		if (*words == ',' && !*++words) {
			snprintf(err, cap, "got nothing behind the last comma, expected words");
			return false;
		}
	}
	return true;
}

/* ---- printing ---- */

struct text {
	char *at;
	size_t left;
	bool any;
};

static void add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *t, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	int n = vsnprintf(t->at, t->left, format, ap);

	va_end(ap);
	if (n < 0 || (size_t)n >= t->left)
		n = t->left ? (int)t->left - 1 : 0;
	t->at += n;
	t->left -= (size_t)n;
}

static void clause_begin(struct text *t, const char *word)
{
	add(t, "%s%s", t->any ? ", " : "", word);
	t->any = true;
}

static void add_share(struct text *t, uint32_t ppb)
{
	char u[UNIT_TEXT];

	add(t, " %s", unit_print_share(u, ppb));
}

static void add_time(struct text *t, ns_t v)
{
	char u[UNIT_TEXT];

	add(t, " %s", unit_print_time(u, v));
}

static void print_loss(struct text *t, const struct loss_spec *l)
{
	clause_begin(t, "loss");
	switch (l->model) {
	case LOSS_RANDOM:
		add_share(t, l->p);
		break;
	case LOSS_GILBERT_ELLIOTT:
		add(t, " gemodel");
		add_share(t, l->p);
		add_share(t, l->r);
		add_share(t, l->loss_bad);
		add_share(t, l->loss_good);
		break;
	case LOSS_FOUR_STATE:
		add(t, " state");
		add_share(t, l->p13);
		add_share(t, l->p31);
		add_share(t, l->p32);
		add_share(t, l->p23);
		add_share(t, l->p14);
		break;
	case LOSS_PERIODIC:
		add(t, " every %llu", (unsigned long long)l->every);
		break;
	default:
		add(t, " number");
		for (uint32_t i = 0; i < l->nnumbers; i++)
			add(t, " %llu", (unsigned long long)l->number[i]);
	}
}

char *queue_limit_print(char *to, size_t cap, const struct queue_spec *q)
{
	char u[UNIT_TEXT];
	unsigned long long n = q->limit;

	if (q->unit == LIMIT_PACKETS)
		snprintf(to, cap, "%llu", n);
	else if (q->unit == LIMIT_BYTES)
		snprintf(to, cap, "%s", unit_print_size(u, q->limit));
	else
		snprintf(to, cap, "%llu.%03llubdp", n / 1000, n % 1000);
	return to;
}

char *path_spec_print(char *to, size_t cap, const struct path_spec *s)
{
	struct text t = {.at = to, .left = cap};
	char u[UNIT_TEXT], limit[UNIT_TEXT];

	if (cap > 0)
		*to = 0;
	if (s->rate_bps) {
		clause_begin(&t, "rate");
		add(&t, " %s", unit_print_rate(u, s->rate_bps));
		if (s->overhead)
			add(&t, " overhead %u", s->overhead);
		clause_begin(&t, "queue");
		add(&t, " %s", queue_limit_print(limit, sizeof(limit), &s->queue));
		add(&t, " %s%s", queue_names[s->queue.kind], s->queue.ecn ? " ecn" : "");
	}
	if (s->mtu) {
		clause_begin(&t, "mtu");
		add(&t, " %u%s", s->mtu, s->mtu_silent ? " silent" : "");
	}
	if (s->delay.mean || s->delay.jitter) {
		clause_begin(&t, "delay");
		add_time(&t, s->delay.mean);
		if (s->delay.jitter) {
			add_time(&t, s->delay.jitter);
			add(&t, " %s",
			    shape_names[s->delay.shape ? s->delay.shape : DELAY_UNIFORM]);
			add(&t, "%s", s->delay.keep_order ? " ordered" : "");
		}
	}
	if (s->loss.model != LOSS_NONE)
		print_loss(&t, &s->loss);
	if (s->reorder.p) {
		clause_begin(&t, "reorder");
		add_share(&t, s->reorder.p);
		add(&t, " distance %u by", s->reorder.distance);
		add_time(&t, s->reorder.by);
	}
	if (s->duplicate.p) {
		clause_begin(&t, "duplicate");
		add_share(&t, s->duplicate.p);
		if (s->duplicate.by) {
			add(&t, " by");
			add_time(&t, s->duplicate.by);
		}
	}
	if (s->corrupt.p) {
		clause_begin(&t, "corrupt");
		add_share(&t, s->corrupt.p);
		add(&t, " %s%s", corrupt_names[s->corrupt.kind],
		    s->corrupt.repaired ? " repaired" : "");
	}
	return to;
}
