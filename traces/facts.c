/* See facts.h. */
#include "facts.h"

#include "text.h"
#include "../stack/base/check.h"
#include "../stack/wire/print.h"

#include <stdlib.h>

const char *cause_word(enum cause c)
{
	static const char *const word[] = {"unknown", "recovery", "rto", "go-back", "tlp", "syn", "syn-ack", "fin"};

	return word[c];
}

const char *certainty_word(enum certainty c)
{
	static const char *const word[] = {"certain", "probable", "undecidable"};

	return word[c];
}

const char *tap_word(enum tap t)
{
	static const char *const word[] = {"unknown", "client", "server", "middle"};

	return word[t];
}

const char *end_word(const struct conn *c, int side)
{
	return side == c->client ? "client" : "server";
}

const char *probe_word(enum verdict_kind k)
{
	return k == V_ZERO_WINDOW_PROBE ? "zero-window" : "keep-alive";
}

const char *handshake_word(const struct conn *c)
{
	const struct half *a = &c->half[c->client], *b = &c->half[!c->client];

	if (c->refused && !c->hs_ack && !b->syn_ack)
		return "refused";
	if (a->syn && b->syn)
		return a->syn_ack && b->syn_ack ? "simultaneous" : "split";
	if (!a->syn && !b->syn && !a->syn_ack && !b->syn_ack)
		return "none";
	if (a->syn && !b->syn_ack && !b->started && !a->first_ack)
		return "unanswered";
	if (c->hs_data)
		return "fast-open";
	return "three-way";
}

const char *teardown_word(const struct conn *c)
{
	if (flow_reset_by(c, 0) || flow_reset_by(c, 1))
		return "rst";
	if (c->half[0].fin && c->half[1].fin)
		return "fin";
	return c->half[0].fin || c->half[1].fin ? "half" : "none";
}

ns_t handshake_rtt(const struct conn *c)
{
	if (!c->hs_ack || c->hs_d1 < 0 || c->hs_d2 < 0 || !(c->hs_d1 || c->hs_d2))
		return -1;
	switch ((enum tap)c->tap) {
	case TAP_CLIENT:
		return c->hs_d1;
	case TAP_SERVER:
		return c->hs_d2;
	default:
		return c->hs_d1 + c->hs_d2;
	}
}

uint64_t stream_bytes(const struct half *h)
{
	uint64_t top = h->max > h->una ? h->max : h->una;

	if (h->fin && top > h->fin_pos)
		top = h->fin_pos;
	return top > 1 ? top - 1 : 0;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

int teardown_frames(const struct conn *c, uint32_t frame[6])
{
	uint32_t all[6];
	int n = 0, unique = 0;

	for (int side = 0; side < 2; side++) {
		const struct half *h = &c->half[side];

		if (h->fin)
			all[n++] = h->fin;
		if (h->fin_acked)
			all[n++] = h->fin_acked;
		if (flow_reset_by(c, side))
			all[n++] = h->rst;
	}
	qsort(all, (size_t)n, sizeof(*all), by_number);
	for (int i = 0; i < n; i++)
		if (i == 0 || all[i] != all[i - 1])
			frame[unique++] = all[i];
	return unique;
}

int teardown_first(const struct conn *c)
{
	const int side = flow_first_fin(c);
	const bool a = flow_reset_by(c, 0), b = flow_reset_by(c, 1);

	if (side >= 0 || (!a && !b))
		return side;
	if (!a || !b)
		return a ? 0 : 1;
	return c->half[0].rst < c->half[1].rst ? 0 : 1;
}

void ends_text(const struct conn *c, char client[64], char server[64])
{
	const struct flow_key *k = &c->key;

	endpoint_print(c->client ? server : client, 64, &k->local, k->lport);
	endpoint_print(c->client ? client : server, 64, &k->remote, k->rport);
}

void flags_print(char *to, size_t cap, uint16_t flags)
{
	static const struct {
		uint16_t bit;
		const char *name;
	} f[] = {{TH_SYN, "SYN"}, {TH_FIN, "FIN"}, {TH_RST, "RST"}, {TH_PSH, "PSH"}, {TH_ACK, "ACK"},
		 {TH_URG, "URG"}, {TH_ECE, "ECE"}, {TH_CWR, "CWR"}};
	struct text t = {to, cap, 0};

	to[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(f); i++)
		if (flags & f[i].bit)
			say(&t, "%s%s", t.n ? ", " : "", f[i].name);
	if (!t.n)
		say(&t, "no flags");
}
