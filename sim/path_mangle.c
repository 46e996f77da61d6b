/* Corrupt, duplicate, reorder: what happens to frames that go on.
 *
 * A frame that the stack made carries no checksum in its bytes (CSUM_PARTIAL) and shares its
 * payload with the send queue, so it is completed and made its own before a bit is changed;
 * afterwards the receiver must verify it (CSUM_UNKNOWN). With `repaired` only payload is touched
 * and the checksum made to fit again: TCP cannot see such damage, TLS must. */
#include "path_stage.h"

#include "../stack/wire/csum.h"
#include "../stack/wire/eth.h"

/* Where the TCP payload lies in the frame; false: no TCP, or none. */
static bool find_payload(const struct pkt *p, struct ip_hdr *ip, uint32_t *l4, uint32_t *from,
			 uint32_t *len)
{
	struct seg g;

	if (!frame_parse_tcp(p, ip, &g) || g.len == 0)
		return false;
	*l4 = ETH_LEN + ip->hdr_len;
	*from = *l4 + g.hdr_len;
	*len = g.len;
	return true;
}

static void repair(struct pkt *p, const struct ip_hdr *ip, uint32_t l4)
{
	p->l4_off = (uint16_t)l4;
	wr16(p->data + l4 + 16, 0);
	wr16(p->data + l4 + 16, csum_pkt(p, &ip->src, &ip->dst, PROTO_TCP));
}

bool frame_corrupt(struct stage *s, struct pkt *p, const struct corrupt_spec *spec,
		   const char **why)
{
	struct ip_hdr ip;
	uint32_t l4 = 0, from = ETH_LEN, len = p->len - ETH_LEN;

	if (p->csum == CSUM_PARTIAL)
		csum_complete(p);
	if (!pkt_unshare(p) || len == 0)
		return false;
	if (spec->repaired && !find_payload(p, &ip, &l4, &from, &len))
		return false;
	p->csum = CSUM_UNKNOWN;
	if (spec->kind == CORRUPT_TRUNCATE && !spec->repaired) {
		pkt_trim(p, ETH_LEN + rng_below(&s->rng, len));
		*why = "cut short";
		return true;
	}
	uint32_t bit = rng_below(&s->rng, len * 8);
	uint32_t burst = spec->kind == CORRUPT_BURST ? 2 + rng_below(&s->rng, 31) : 1;

	/* A burst: its first and last bit are wrong, those between by chance. */
	for (uint32_t i = 0; i < burst && bit + i < len * 8; i++)
		if (i == 0 || i == burst - 1 || rng_below(&s->rng, 2))
			p->data[from + (bit + i) / 8] ^= (uint8_t)(0x80 >> (bit + i) % 8);
	if (spec->repaired)
		repair(p, &ip, l4);
	*why = spec->repaired                ? "payload changed, checksum repaired"
	       : spec->kind == CORRUPT_BURST ? "a burst of bits flipped"
					     : "one bit flipped";
	return true;
}

static void corrupt_push(struct stage *s, struct pkt *p, ns_t now)
{
	struct corrupt_stage *c = container_of(s, struct corrupt_stage, s);
	const char *why;

	if (frame_is_ip(p)) {
		s->seen++;
		if (rng_chance(&s->rng, c->spec.p) && frame_corrupt(s, p, &c->spec, &why))
			stage_tell(s, p, FATE_CORRUPTED, why, s->seen, now);
	}
	stage_pass(s, p, now);
}

const struct stage_ops corrupt_ops = {"corrupt", corrupt_push, NULL};

/* ---- duplicate ---- */

static void duplicate_push(struct stage *s, struct pkt *p, ns_t now)
{
	struct duplicate_stage *d = container_of(s, struct duplicate_stage, s);
	struct pkt *copy = NULL;

	if (frame_is_ip(p)) {
		s->seen++;
		if (rng_chance(&s->rng, d->spec.p))
			copy = stage_copy(s, p, "copy", s->seen, now);
	}
	stage_pass(s, p, now);
	if (!copy)
		return;
	if (d->spec.by == 0)
		stage_pass(s, copy, now);
	else if (!hold_put(&d->hold, copy, now + d->spec.by))
		stage_drop(s, copy, FATE_LOST, "out of memory", s->seen, now);
	s->due = hold_due(&d->hold);
}

static void duplicate_run(struct stage *s, ns_t now)
{
	struct duplicate_stage *d = container_of(s, struct duplicate_stage, s);

	while (hold_due(&d->hold) <= now) {
		struct pkt *p = hold_take(&d->hold);

		s->due = hold_due(&d->hold);
		stage_pass(s, p, now);
	}
}

const struct stage_ops duplicate_ops = {"duplicate", duplicate_push, duplicate_run};

/* ---- reorder ---- */

/* Lets those go whose time or number has come, in order of arrival. */
static void reorder_release(struct reorder_stage *r, ns_t now)
{
	uint32_t kept = 0, n = r->nheld;

	r->s.due = NS_NEVER;
	r->nheld = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (r->held[i].until <= now || r->held[i].target <= r->passed) {
			stage_pass(&r->s, r->held[i].pkt, now);
			continue;
		}
		r->s.due = ns_min(r->s.due, r->held[i].until);
		r->held[kept++] = r->held[i];
	}
	r->nheld = kept;
}

static void reorder_push(struct stage *s, struct pkt *p, ns_t now)
{
	struct reorder_stage *r = container_of(s, struct reorder_stage, s);

	if (frame_is_ip(p)) {
		s->seen++;
		if (rng_chance(&s->rng, r->spec.p) && r->nheld < REORDER_HELD) {
			ns_t until = now + r->spec.by;

			stage_tell(s, p, FATE_REORDERED, "held back", s->seen, now);
			r->held[r->nheld].pkt = p;
			r->held[r->nheld].until = until;
			r->held[r->nheld++].target =
			    r->spec.distance ? r->passed + r->spec.distance : UINT64_MAX;
			s->due = ns_min(s->due, until);
			return;
		}
	}
	r->passed++;
	stage_pass(s, p, now);
	if (r->nheld)
		reorder_release(r, now);
}

static void reorder_run(struct stage *s, ns_t now)
{
	reorder_release(container_of(s, struct reorder_stage, s), now);
}

const struct stage_ops reorder_ops = {"reorder", reorder_push, reorder_run};
