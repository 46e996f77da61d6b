/* The capture writer's common part: it chooses the format, makes a pkt's bytes presentable (one
 * piece, checksum complete, cut to the snap length) and keeps the statistics. */
#include "trace.h"

#include "writer.h"
#include "../stack/base/check.h"
#include "../stack/wire/csum.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the buffer ---- */

bool out_open(struct out *o, const char *path)
{
	memset(o, 0, sizeof(*o));
	o->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (o->fd < 0)
		return false;
	o->buf = malloc(OUT_CAP);
	if (o->buf)
		return true;
	close(o->fd);
	errno = ENOMEM;
	return false;
}

/* Cuts a half-written block off again, so that what is in the file can be read to its end. What
 * went into a pipe cannot be taken back. */
static bool out_fail(struct out *o, int error)
{
	o->error = error;
	o->n = 0;
	if (ftruncate(o->fd, (off_t)o->whole) == 0)
		lseek(o->fd, (off_t)o->whole, SEEK_SET);
	return false;
}

bool out_flush(struct out *o)
{
	size_t done = 0;

	while (done < o->n && !o->error) {
		ssize_t n = write(o->fd, o->buf + done, o->n - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return out_fail(o, n < 0 ? errno : EIO);
		done += (size_t)n;
	}
	if (o->error)
		return false;
	o->whole += o->n;
	o->n = 0;
	return true;
}

uint8_t *out_room(struct out *o, size_t n)
{
	assert(n <= OUT_CAP);
	if (o->error || (n > OUT_CAP - o->n && !out_flush(o)))
		return NULL;
	return o->buf + o->n;
}

bool out_close(struct out *o)
{
	bool ok = out_flush(o);

	if (close(o->fd) < 0 && ok) {
		o->error = errno;
		ok = false;
	}
	free(o->buf);
	o->buf = NULL;
	return ok;
}

/* ---- the writer ---- */

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

struct trace_writer *trace_open(const char *path, const struct trace_options *opt, char *err,
				size_t cap)
{
	struct trace_writer *w = calloc(1, sizeof(*w));

	assert(path && opt && err && cap);
	if (!w || !(w->path = strdup(path))) {
		snprintf(err, cap, "%s: out of memory", path);
		free(w);
		return NULL;
	}
	w->opt = *opt;
	if (w->opt.snaplen == 0 || w->opt.snaplen > TRACE_SNAPLEN)
		w->opt.snaplen = TRACE_SNAPLEN;
	w->format = ends_with(path, ".pcap") ? &pcap_format : &pcapng_format;
	if (w->format->start(w, path, err, cap))
		return w;
	free(w->path);
	free(w);
	return NULL;
}

int trace_add_iface(struct trace_writer *w, const struct trace_iface *i)
{
	assert(i->naddrs <= TRACE_ADDRS);
	if (w->error || w->nifaces == TRACE_IFACES || !w->format->iface(w, i))
		return -1;
	return (int)w->nifaces++;
}

/* The first `keep` bytes of the frame, in one piece, with the checksum that will be on the wire. */
static const uint8_t *pkt_bytes(struct trace_writer *w, const struct pkt *p, uint32_t keep)
{
	if (p->csum != CSUM_PARTIAL && keep <= p->head_len)
		return p->data;
	pkt_copy_out(p, 0, w->frame, keep);
	if (p->csum == CSUM_PARTIAL)
		csum_complete_copy(p, w->frame, keep);
	return w->frame;
}

bool trace_frame(struct trace_writer *w, const struct trace_frame *frame)
{
	struct trace_frame f = *frame;
	struct iface_stats *s;
	uint32_t keep;

	assert(f.iface < w->nifaces);
	if (w->error)
		return false;
	if (f.pkt)
		f.len = f.pkt->len;
	assert(f.len <= PKT_MAX_LEN);
	keep = f.len < w->opt.snaplen ? f.len : w->opt.snaplen;
	if (f.pkt) {
		f.bytes = pkt_bytes(w, f.pkt, keep);
		if (!f.id)
			f.id = f.pkt->id;
	}
	f.at += w->opt.epoch;
	if (!w->format->frame(w, &f, keep))
		return false;
	s = &w->stats[f.iface];
	if (s->received++ == 0)
		s->first = f.at;
	s->last = f.at;
	w->frames++;
	return true;
}

bool trace_noted(struct trace_writer *w, const struct trace_frame *frame)
{
	char comment[TRACE_TEXT_MAX], truth[TRACE_TEXT_MAX];
	struct trace_frame f = *frame;

	/* In a simulation a frame that arrives still bears its sender's note; one from outside has none. */
	if (note_text(comment, sizeof(comment), &f.pkt->note)) {
		note_truth(truth, sizeof(truth), &f.pkt->note);
		f.comment = comment;
		f.truth = truth;
	}
	return trace_frame(w, &f);
}

bool trace_pkt(struct trace_writer *w, uint32_t iface, enum trace_dir dir, const struct pkt *p,
	       ns_t at)
{
	return trace_noted(w, &(struct trace_frame){.iface = iface, .at = at, .dir = dir, .pkt = p});
}

bool trace_event(struct trace_writer *w, const struct bblog *b, const char *comment)
{
	assert(w->opt.bblog);
	return !w->error && w->format->event(w, b, comment);
}

bool trace_secrets(struct trace_writer *w, const char *keylog)
{
	return !w->error && w->format->secrets(w, keylog);
}

bool trace_flush(struct trace_writer *w)
{
	return !w->error && w->format->flush(w);
}

void trace_count_drops(struct trace_writer *w, uint32_t iface, uint64_t n)
{
	assert(iface < w->nifaces);
	w->stats[iface].dropped += n;
}

uint64_t trace_frames(const struct trace_writer *w)
{
	return w->frames;
}

bool trace_close(struct trace_writer *w, char *err, size_t cap)
{
	bool ok = w->format->end(w) && !w->error;

	if (!ok)
		snprintf(err, cap, "%s: %s", w->path, strerror(w->error ? w->error : EIO));
	free(w->path);
	free(w);
	return ok;
}
