/* A host's capture: from stack_observe to a capture file by traces/, with comments in words from
 * the stack's notes, and TLS keys as a decryption secrets block. Keys become known only when the
 * frames that agreed on them have passed, so room is kept for them at the front of the file. */
#ifndef SIM_CAPTURE_H
#define SIM_CAPTURE_H

#include "../stack/stack.h"

struct capture;

struct capture_config {
	const char *path;     /* .pcap: plain, by libpcap; anything else: pcapng */
	const char *ifname;   /* the interface's name in the file: "client", "tap0" */
	const char *what;     /* one line on the file: scenario and seed, or the command; may be NULL */
	const struct stack_addr *addrs; /* the interface's addresses */
	uint8_t naddrs;
	struct mac mac;
	uint32_t snaplen;     /* 0: whole frames */
	int64_t epoch_ns;     /* Unix time, in ns, of time 0 */
	bool tcb;             /* a control block with each frame, and rows for what happens to it (tcb_log.h) */
	bool no_notes;        /* leave out the words and the truth on frames of interest */
	uint32_t keys_room;   /* room for the TLS keys of so many connections; 0: none */
};

/* NULL: err has one line. */
struct capture *capture_open(const struct capture_config *, char *err, size_t cap);
/* Becomes the observer of this stack. */
void capture_attach(struct capture *, struct stack *);
/* What that stack's probes tell, for whoever has them; without cfg.tcb it does nothing. */
void capture_probe(struct capture *, const struct probe *, ns_t now);
/* Lines in NSS key log form. */
void capture_keys(struct capture *, const char *lines, size_t len);
void capture_flush(struct capture *); /* what was seen so far is in the file, whole */
/* Ends the file. False: something could not be written (disk full), err has a line. The stack must
 * be gone, or observed by someone else. */
bool capture_close(struct capture *, char *err, size_t cap);

#endif
