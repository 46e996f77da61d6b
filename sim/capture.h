/* A host's capture: from stack_observe to a capture file by traces/, with comments in words from
 * the stack's notes, and TLS keys as a decryption secrets block.
 *
 * Frames seen in one turn are kept until capture_flush (host_turn calls it last), so that keys that
 * became known in that turn stand before the first record that needs them: behind it viewers
 * ignore them. */
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
	bool comments;        /* words and machine-readable truth on frames of interest */
};

/* NULL: err has one line. */
struct capture *capture_open(const struct capture_config *, char *err, size_t cap);
/* Becomes the observer of this stack. */
void capture_attach(struct capture *, struct stack *);
/* One frame by hand: link captures with fates. comment may be NULL. */
void capture_frame(struct capture *, enum frame_dir, const struct pkt *, ns_t now,
		   const char *comment);
/* Lines in NSS key log form; they go into the file before the frames of this turn. */
void capture_keys(struct capture *, const char *lines, size_t len);
void capture_flush(struct capture *); /* writes what the turn brought */
/* Writes statistics and closes. False: something could not be written (disk full), err has a line.
 * counters may be NULL. */
bool capture_close(struct capture *, const struct stack_counters *, char *err, size_t cap);

#endif
