/* Random and counted loss. The chains are stepped once per IP packet, before the packet's own fate
 * is drawn: Gilbert (1960) and Elliott (1963) with a loss probability in each state, and the
 * four-state chain of Salsano, Ludovici, Ordine and Giannuzzi, which netem calls `loss state`:
 *
 *   1 received, in a gap     2 received, in a burst     3 lost, in a burst     4 lost alone, in a
 * gap 1 -> 3 p13, 1 -> 4 p14   2 -> 3 p23                 3 -> 1 p31, 3 -> 2 p32   4 -> 1 always
 *
 * There is no "correlation" word: netem's draws no loss at all for `loss 1% 25%`. */
#include "path_stage.h"

enum { GOOD, BAD };
enum { GAP = 1, BURST, LOST_BURST, LOST_ALONE };

void loss_setup(struct loss_stage *l, const struct loss_spec *spec)
{
	l->spec = *spec;
	l->state = spec->model == LOSS_FOUR_STATE ? GAP : GOOD;
	l->next_number = 0;
}

static const char *gilbert_elliott(struct loss_stage *l)
{
	if (rng_chance(&l->s.rng, l->state == GOOD ? l->spec.p : l->spec.r))
		l->state = !l->state;
	if (l->state == GOOD)
		return rng_chance(&l->s.rng, l->spec.loss_good) ? "Gilbert-Elliott, good state"
								: NULL;
	return rng_chance(&l->s.rng, l->spec.loss_bad) ? "Gilbert-Elliott, bad state" : NULL;
}

/* One of two successors with probabilities a and b, else stay. */
static uint8_t step(struct rng *rng, uint8_t state, uint32_t a, uint8_t to_a, uint32_t b,
		    uint8_t to_b)
{
	uint32_t draw = rng_below(rng, PPB_ONE);

	if (draw < a)
		return to_a;
	return draw - a < b ? to_b : state;
}

static const char *four_state(struct loss_stage *l)
{
	const struct loss_spec *c = &l->spec;
	struct rng *rng = &l->s.rng;

	switch (l->state) {
	case GAP:
		l->state = step(rng, GAP, c->p14, LOST_ALONE, c->p13, LOST_BURST);
		break;
	case BURST:
		l->state = step(rng, BURST, c->p23, LOST_BURST, 0, BURST);
		break;
	case LOST_BURST:
		l->state = step(rng, LOST_BURST, c->p32, BURST, c->p31, GAP);
		break;
	default:
		l->state = GAP;
	}
	if (l->state == LOST_BURST)
		return "four-state, in a burst";
	return l->state == LOST_ALONE ? "four-state, alone in a gap" : NULL;
}

static const char *by_number(struct loss_stage *l)
{
	while (l->next_number < l->spec.nnumbers && l->spec.number[l->next_number] < l->s.seen)
		l->next_number++;
	if (l->next_number == l->spec.nnumbers || l->spec.number[l->next_number] != l->s.seen)
		return NULL;
	return "by its number";
}

/* Why this frame is lost; NULL: it is not. */
static const char *verdict(struct loss_stage *l)
{
	const struct loss_spec *spec = &l->spec;

	switch (spec->model) {
	case LOSS_RANDOM:
		return rng_chance(&l->s.rng, spec->p) ? "random" : NULL;
	case LOSS_GILBERT_ELLIOTT:
		return gilbert_elliott(l);
	case LOSS_FOUR_STATE:
		return four_state(l);
	case LOSS_PERIODIC:
		return l->s.seen >= spec->first && (l->s.seen - spec->first) % spec->every == 0
			   ? "periodic"
			   : NULL;
	case LOSS_NUMBERS_ONLY:
		return by_number(l);
	default:
		return NULL;
	}
}

static void loss_push(struct stage *s, struct pkt *p, ns_t now)
{
	struct loss_stage *l = container_of(s, struct loss_stage, s);
	const char *why = NULL;

	if (now >= l->spec.from && now < l->spec.until && frame_is_ip(p)) {
		s->seen++;
		why = verdict(l);
	}
	if (why)
		stage_drop(s, p, FATE_LOST, why, s->seen, now);
	else
		stage_pass(s, p, now);
}

const struct stage_ops loss_ops = {"loss", loss_push, NULL};
