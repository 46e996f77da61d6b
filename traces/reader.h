/* Reading captures, classic pcap and pcapng alike, one packet after the other.
 *
 * The reader trusts nothing: every length is checked before it is used, no memory is taken because
 * a file says so, and after damage it stops and says at which offset, so that what came before can
 * be shown. It reads in large pieces, so pipes work and memory does not grow with the file. */
#ifndef TRACES_READER_H
#define TRACES_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../stack/base/time.h"

#define READER_CAPLEN_MAX 262144      /* libpcap's MAXIMUM_SNAPLEN */
#define READER_BLOCK_MAX (16u << 20)
#define READER_IFACES_MAX 65536       /* in one section */

struct reader;

struct reader_pkt {
	uint64_t frame;      /* from 1, as viewers count */
	uint64_t offset;     /* in the file, of its record or block */
	ns_t at;             /* saturated to what 64 bits hold */
	const uint8_t *data; /* caplen bytes, lent until the next call */
	uint32_t caplen, len; /* len >= caplen: bytes on the wire */
	uint16_t linktype;
	uint32_t iface;      /* within its section */
	uint8_t dir;         /* enum trace_dir */
	bool died;           /* our writer marked it as dropped here */
	uint64_t id;         /* packet id; 0: none */
	const char *comment; /* not terminated; NULL: none. The first if there are several */
	uint32_t comment_len;
	const char *truth;   /* our custom option; NULL: none */
	uint32_t truth_len;
};

enum reader_result { READER_PACKET, READER_END, READER_DAMAGED };

/* path "-" is the standard input. NULL: err has the reason. */
struct reader *reader_open(const char *path, char *err, size_t cap);
struct reader *reader_of_bytes(const void *bytes, size_t len); /* lent until reader_close */
enum reader_result reader_next(struct reader *, struct reader_pkt *);
/* After READER_DAMAGED: "OFFSET: what, expected what". */
const char *reader_error(const struct reader *);
/* Whether the file is a capture at all: false only after READER_DAMAGED in the file's header. */
bool reader_is_capture(const struct reader *);
bool reader_is_pcapng(const struct reader *);
void reader_close(struct reader *);

#endif
