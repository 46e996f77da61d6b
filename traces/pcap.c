/* Writing classic .pcap by libpcap, with nanosecond stamps: bytes and times, nothing else. What a
 * pcapng would say beside them is lost without a word, since the format has no place for it. */
#include "writer.h"

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_HEADER 24
#define RECORD_HEADER 16

static bool pcap_start(struct trace_writer *w, const char *path, char *err, size_t cap)
{
	pcap_t *p = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, (int)w->opt.snaplen,
							 PCAP_TSTAMP_PRECISION_NANO);
	pcap_dumper_t *d;

	if (!p) {
		snprintf(err, cap, "%s: out of memory", path);
		return false;
	}
	d = pcap_dump_open(p, path);
	if (!d) {
		snprintf(err, cap, "%s", pcap_geterr(p));
		pcap_close(p);
		return false;
	}
	w->pcap = p;
	w->dumper = d;
	return true;
}

static bool pcap_iface(struct trace_writer *w, const struct trace_iface *i)
{
	(void)i;
	return w->nifaces == 0;
}

/* stdio may have put half a record into the file when the disk became full: what is whole is found
 * by walking the lengths, and the rest is cut off. */
static void cut_to_whole(const char *path)
{
	uint8_t head[RECORD_HEADER];
	uint64_t at = FILE_HEADER;
	int fd = open(path, O_RDWR | O_CLOEXEC);
	off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);

	while (size >= 0 && pread(fd, head, sizeof(head), (off_t)at) == sizeof(head)) {
		uint32_t len;

		memcpy(&len, head + 8, 4);
		if (at + RECORD_HEADER + len > (uint64_t)size)
			break;
		at += RECORD_HEADER + len;
	}
	/* If even that fails, the error that is reported already is the better one. */
	if (size > (off_t)at && ftruncate(fd, (off_t)at) < 0)
		size = -1;
	if (fd >= 0)
		close(fd);
}

static bool pcap_frame(struct trace_writer *w, const struct trace_frame *f, uint32_t keep)
{
	struct pcap_pkthdr h = {
		.ts = {.tv_sec = f->at / SEC, .tv_usec = f->at % SEC}, /* nanoseconds, as opened */
		.caplen = keep,
		.len = f->len,
	};

	pcap_dump((unsigned char *)w->dumper, &h, f->bytes);
	if (!ferror(pcap_dump_file(w->dumper)))
		return true;
	w->error = errno ? errno : EIO;
	return false;
}

static bool pcap_event(struct trace_writer *w, const struct bblog *b, const char *comment)
{
	(void)w;
	(void)b;
	(void)comment;
	return true;
}

static bool pcap_secrets(struct trace_writer *w, const char *keylog)
{
	(void)w;
	(void)keylog;
	return true;
}

static bool pcap_flush(struct trace_writer *w)
{
	if (pcap_dump_flush(w->dumper) == 0)
		return true;
	w->error = errno ? errno : EIO;
	return false;
}

static bool pcap_end(struct trace_writer *w)
{
	if (!w->error)
		pcap_flush(w);
	pcap_dump_close(w->dumper);
	pcap_close(w->pcap);
	if (w->error)
		cut_to_whole(w->path);
	return !w->error;
}

const struct trace_format pcap_format = {
	.start = pcap_start,
	.iface = pcap_iface,
	.frame = pcap_frame,
	.event = pcap_event,
	.secrets = pcap_secrets,
	.flush = pcap_flush,
	.end = pcap_end,
};
