/* Writing captures: what the drivers see at a tap goes into a .pcapng (ours) or a .pcap (libpcap).
 *
 * One file per tap, one clock. A merge of both ends into one file spoils every viewer's
 * retransmission logic, so a writer usually has one interface; more are possible.
 *
 * A .pcapng carries, beside the bytes: interface names and addresses, direction, packet ids, why a
 * segment was sent or how a frame died (a comment in words, and the same for machines in a custom
 * option), TLS secrets, statistics, and, if asked for, control blocks (bblog.h). A .pcap silently
 * loses all of these but bytes and time.
 *
 * Nothing is half written: blocks go out whole, and when the disk is full the file is cut back to
 * its last whole block. After the first error every call fails, and trace_close says why. */
#ifndef TRACE_H
#define TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../stack/base/addr.h"
#include "../stack/base/pkt.h"
#include "../stack/base/time.h"

/* The number that marks our custom options (code 2988, text). It is no number that IANA gave out:
 * "TAPR" in ASCII, far above those in use. Readers that do not know it skip the option. */
#define TRACE_PEN 0x54415052u

#define TRACE_TEXT_MAX 2048  /* bytes of a comment or a truth text; longer ones are cut */
#define TRACE_SNAPLEN 262144 /* libpcap's largest */
#define TRACE_ADDRS 8

struct trace_writer;
struct bblog;

struct trace_options {
	const char *app;     /* "tapir 0.1"; NULL: "tapir" */
	const char *comment; /* of the whole file: scenario, seed; NULL: none */
	const char *host;    /* what this is a capture of: "host client"; NULL: none */
	uint32_t snaplen;    /* bytes kept of each frame; 0: TRACE_SNAPLEN */
	ns_t epoch;          /* added to every time */
	/* TLS secrets are known only after the client's first flight was captured, but a viewer wants
	 * them before the records that they open. So that many bytes are kept free for them at the
	 * front of a file (about 176 a connection); 0: none. Where the file is a pipe, or the room is
	 * used up, secrets are written where they come. */
	uint32_t secrets_room;
	bool bblog; /* frames bring control blocks, and there are events */
};

struct trace_iface {
	const char *name, *description; /* NULL: none */
	struct mac mac;                 /* zero: none */
	struct addr addr[TRACE_ADDRS];
	uint8_t prefix[TRACE_ADDRS];    /* 0..32 or 0..128 */
	uint8_t naddrs;
	uint64_t speed_bps;             /* 0: not said */
};

enum trace_dir { TRACE_DIR_NONE, TRACE_IN, TRACE_OUT };

struct trace_frame {
	uint32_t iface;
	ns_t at;
	enum trace_dir dir;
	const struct pkt *pkt;  /* the frame; a checksum that is still due is completed in the copy */
	const uint8_t *bytes;   /* or these bytes, if pkt is NULL */
	uint32_t len;
	uint64_t id;            /* of the frame within its world; 0: pkt->id, or none */
	const char *comment;    /* NULL: none */
	const char *truth;      /* for machines, see note_truth; NULL: none */
	uint64_t drops;         /* frames lost between the last one written and this; 0: not said */
	bool died;              /* this frame was dropped here: marked so in the verdict option */
	const struct bblog *tcb; /* the connection's control block; NULL: none */
};

/* Opens path for writing; the name's end chooses: ".pcap" or pcapng. NULL and one line in err when
 * it cannot. */
struct trace_writer *trace_open(const char *path, const struct trace_options *, char *err,
				size_t cap);
/* The interface's number, or -1. A .pcap has just one. */
int trace_add_iface(struct trace_writer *, const struct trace_iface *);
bool trace_frame(struct trace_writer *, const struct trace_frame *);
/* The same for a pkt, with comment and truth from its note where that has something to say. */
bool trace_noted(struct trace_writer *, const struct trace_frame *);
/* The common case of that. */
bool trace_pkt(struct trace_writer *, uint32_t iface, enum trace_dir, const struct pkt *, ns_t at);
/* Something happened to a connection: a row of its own in viewers, which gives it a frame number. Needs
 * trace_options.bblog. */
bool trace_event(struct trace_writer *, const struct bblog *, const char *comment);
/* NSS key log lines, each ended by a newline. */
bool trace_secrets(struct trace_writer *, const char *keylog);
bool trace_flush(struct trace_writer *); /* what was written so far is in the file, whole */
/* Frames that the tap lost, for the statistics block. */
void trace_count_drops(struct trace_writer *, uint32_t iface, uint64_t n);
uint64_t trace_frames(const struct trace_writer *); /* written so far */
/* Ends the file and frees the writer; false and one line in err if any write failed. */
bool trace_close(struct trace_writer *, char *err, size_t cap);

/* ---- comment.c ---- */

/* Why this segment was sent, as a sentence; "" when there is nothing to say (new data, an ACK).
 * Returns the length. Bytes are counted from 1, as viewers show relative sequence numbers. */
size_t note_text(char *to, size_t cap, const struct pkt_note *);
/* The same as words `key=value`, for `tapir check`: "why=recovery xmit=2 lo=14480 hi=15928". */
size_t note_truth(char *to, size_t cap, const struct pkt_note *);
/* The word for a cause: "new", "recovery", "rto", "go-back", "tlp", "syn", "syn-ack", "fin", ... */
const char *note_why(enum send_why);
/* Reads what note_truth wrote (len bytes, need not be terminated); false: not such a text. */
bool note_parse(const char *text, size_t len, struct pkt_note *);

#endif
