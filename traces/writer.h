/* Between trace.c and the two file formats: what a format has to do, and a buffer that hands whole
 * blocks to the file. */
#ifndef TRACES_WRITER_H
#define TRACES_WRITER_H

#include "trace.h"

#define OUT_CAP (1u << 20)
#define TRACE_IFACES 64

/* Blocks collected until they make a large write. `whole` is the file's length in whole blocks. */
struct out {
	int fd;
	uint8_t *buf;
	size_t n;
	uint64_t whole;
	int error; /* errno of the first failure; 0: none */
};

bool out_open(struct out *, const char *path);
/* Room for a block of n bytes at the buffer's end; NULL after an error. The caller fills it and then
 * adds to o->n what it used. */
uint8_t *out_room(struct out *, size_t n);
bool out_flush(struct out *);
bool out_close(struct out *); /* false: some write failed */

struct iface_stats {
	ns_t first, last;
	uint64_t received, dropped;
};

struct trace_format {
	bool (*start)(struct trace_writer *, const char *path, char *err, size_t cap);
	bool (*iface)(struct trace_writer *, const struct trace_iface *);
	/* f->bytes holds `keep` bytes of a frame of f->len. */
	bool (*frame)(struct trace_writer *, const struct trace_frame *f, uint32_t keep);
	bool (*event)(struct trace_writer *, const struct bblog *, const char *comment);
	bool (*secrets)(struct trace_writer *, const char *keylog);
	bool (*flush)(struct trace_writer *);
	bool (*end)(struct trace_writer *);
};

struct trace_writer {
	const struct trace_format *format;
	struct trace_options opt;
	char *path;
	int error;
	uint64_t frames;
	uint32_t nifaces;
	struct iface_stats stats[TRACE_IFACES];
	/* pcapng */
	struct out out;
	uint64_t room_at; /* where the free room for secrets begins in the file */
	uint32_t room_left;
	/* pcap */
	void *pcap, *dumper; /* pcap_t, pcap_dumper_t */
	/* A pkt's bytes when they are not in one piece or want a checksum. */
	uint8_t frame[PKT_MAX_LEN];
};

extern const struct trace_format pcap_format, pcapng_format;

#endif
