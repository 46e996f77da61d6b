/* Two TLS sessions back to back in memory. Every byte between them passes through the test, which
 * may cut the stream, feed it in pieces, change a bit, or compare it with another run's. */
#ifndef DUO_H
#define DUO_H

#include "../../tls/tls.h"

#define DEMO "sim/scenarios/pki/"
#define PKI "tests/data/pki/"
#define DUO_DATE 1790000000 /* 2026-09-21 */
#define DUO_WIRE 131072

/* One direction: what was pulled but not taken yet, what went by in all, and the faults. */
struct duo_wire {
	uint8_t queue[DUO_WIRE], log[DUO_WIRE];
	size_t queued, total;
	size_t step;    /* bytes offered at a time; 0: all */
	bool is_cut;
	size_t cut;     /* then nothing passes after so many bytes */
	size_t flip_at; /* 1 + offset of the byte in which one bit changes; 0: none */
	uint8_t flip_mask;
};

struct duo {
	struct tls_config cc, sc;
	struct tls *c, *s;
	struct duo_wire up, down; /* client to server, server to client */
};

/* Loaded once for all tests and never freed before duo_unload; aborts when the file is bad. */
const struct tls_creds *duo_creds(const char *path_without_suffix);
const struct tls_anchors *duo_anchors(const char *path);

/* Mutual authentication with the demonstration certificates, deterministic. */
void duo_init(struct duo *);
void duo_start(struct duo *); /* makes the sessions; they must be fine */
void duo_end(struct duo *);   /* frees them; duo_start may follow */
bool duo_move(struct tls *from, struct tls *to, struct duo_wire *); /* false: nothing moved */
void duo_shuttle(struct duo *); /* until nothing moves */
void duo_unload(void);

static inline bool duo_open(const struct tls *t)
{
	return tls_state(t) == TLS_OPEN;
}

#endif
