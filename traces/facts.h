/* What follows from a judged connection, for text and JSON alike, and the words of the contract. */
#ifndef TRACES_FACTS_H
#define TRACES_FACTS_H

#include "flow.h"

const char *cause_word(enum cause);
const char *certainty_word(enum certainty);
const char *tap_word(enum tap);
const char *probe_word(enum verdict_kind);
const char *end_word(const struct conn *, int side); /* "client", "server" */
const char *handshake_word(const struct conn *);     /* "three-way", "fast-open", "none", ... */
const char *teardown_word(const struct conn *);      /* "fin", "rst", "half", "none" */

ns_t handshake_rtt(const struct conn *); /* -1: not known */
uint64_t stream_bytes(const struct half *); /* each once, as far as they were seen or acknowledged */
/* FINs, the ACKs of them, resets: in order, each once. Returns how many. */
int teardown_frames(const struct conn *, uint32_t frame[6]);
/* Who began to close: the first FIN's sender, else the first RST's; -1: nobody. */
int teardown_first(const struct conn *);
void ends_text(const struct conn *, char client[64], char server[64]);
/* "SYN, ACK", or "no flags". */
void flags_print(char *to, size_t cap, uint16_t flags);

#endif
