/* Recordings of live runs. A stack does what its inputs say and nothing else, so whoever writes them
 * down can have the run again: seed, command line, and for each turn its time, the frames that came,
 * the user's bytes, fresh entropy, and how much the link and the user took. The frames that went out
 * are written too, to be compared.
 *
 * The file: "TAPIRREC", a version, then records of kind (1 byte), length (4 bytes) and that many
 * bytes; numbers in network order. A recording holds the TLS sessions' entropy, hence their keys: it
 * is made readable for its owner alone. */
#ifndef SIM_RECORD_H
#define SIM_RECORD_H

#include <stdio.h>

#include "../stack/link.h"
#include "session.h"

#define RECORD_MAX 70000 /* bytes of one record */
#define RECORD_ARGS 128

enum record_kind {
	REC_END = 0,       /* the file's last record */
	REC_TURN = 1,      /* 8 bytes: now */
	REC_FRAME_IN = 2,  /* struct pkt's facts, then the bytes */
	REC_FRAME_OUT = 3,
	REC_FULL = 4,      /* the link took no more in this call */
	REC_INPUT = 5,     /* the user's bytes */
	REC_INPUT_END = 6,
	REC_OUT = 7,       /* 4 bytes: how many of the peer's bytes the user took */
	REC_WRITABLE = 8,  /* the user may take bytes again */
	REC_STOP = 9,      /* asked to end */
	REC_FRESH = 10,    /* 32 bytes of entropy, 8 bytes of Unix time */
};

/* ---- writing ---- */

struct recorder;

/* Inner and outside are lent; what they do goes into the file and through. */
struct recorder *record_open(const char *path, const struct session_options *, int argc, char **argv,
			     struct link *inner, const struct outside *, char *err, size_t cap);
struct link *record_link(struct recorder *);       /* for the host: inner, recorded */
struct outside record_outside(struct recorder *);  /* for the session: outside, recorded */
void record_turn(struct recorder *, ns_t now, struct pkt *const *in, size_t n);
void record_user(struct recorder *, enum record_kind, const void *bytes, size_t len);
bool record_close(struct recorder *, char *err, size_t cap); /* false: the file is not whole */

/* ---- reading ---- */

struct record {
	enum record_kind kind;
	uint32_t len;
	uint8_t bytes[RECORD_MAX];
};

struct recording {
	FILE *file;
	const char *path;
	uint64_t seed;
	struct link_caps caps;
	int argc;
	char *argv[RECORD_ARGS + 1];
	struct record next;  /* not yet taken */
	uint64_t number;     /* of it, from 1 */
	char err[256];       /* one line once next.kind is REC_END too early */
	bool bad;
};

/* False: err has a line. */
bool recording_open(struct recording *, const char *path, char *err, size_t cap);
void recording_take(struct recording *); /* moves on to the next record */
void recording_close(struct recording *);
/* The frame of a REC_FRAME_IN; NULL: it makes no sense, or out of memory. */
struct pkt *recording_frame(const struct record *, struct pkt_pool *);
/* The same facts and bytes as in this record? Else *at is the first byte that differs. */
bool recording_same(const struct record *, const struct pkt *, uint32_t *at);

#define RECORD_FACTS 12 /* bytes in front of a frame's own */

#endif
