/* Glue between a stack's observer and traces/: which interface, which epoch, what is kept. */
#include "capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../stack/base/check.h"
#include "../traces/trace.h"
#include "tcb_log.h"

/* "CLIENT_RANDOM " + 64 digits + " " + 96 digits + newline. */
#define KEY_LINE 176

struct capture {
	struct trace_writer *writer;
	struct tcb_log *tcb; /* NULL: not wanted */
	uint32_t iface;
	bool no_notes;
};

struct capture *capture_open(const struct capture_config *cfg, char *err, size_t cap)
{
	struct trace_options opt = {
		.comment = cfg->what,
		.host = cfg->ifname,
		.snaplen = cfg->snaplen,
		.epoch = cfg->epoch_ns,
		.secrets_room = cfg->keys_room * KEY_LINE,
		.bblog = cfg->tcb,
	};
	struct trace_iface iface = {.name = cfg->ifname, .mac = cfg->mac};
	struct capture *c = calloc(1, sizeof(*c));
	int n;

	if (!c) {
		snprintf(err, cap, "%s: out of memory", cfg->path);
		return NULL;
	}
	assert(cfg->naddrs <= TRACE_ADDRS);
	for (uint8_t i = 0; i < cfg->naddrs; i++) {
		iface.addr[i] = cfg->addrs[i].addr;
		iface.prefix[i] = cfg->addrs[i].prefix;
	}
	iface.naddrs = cfg->naddrs;
	c->no_notes = cfg->no_notes;
	c->writer = trace_open(cfg->path, &opt, err, cap);
	if (!c->writer)
		goto no_writer;
	n = trace_add_iface(c->writer, &iface);
	if (n < 0)
		goto no_iface;
	c->iface = (uint32_t)n;
	if (!cfg->tcb)
		return c;
	c->tcb = tcb_log_new(c->writer, cfg->epoch_ns);
	if (c->tcb)
		return c;
	snprintf(err, cap, "%s: out of memory", cfg->path);

no_iface:
	trace_close(c->writer, err, cap);
no_writer:
	free(c);
	return NULL;
}

/* In a simulation a frame that comes in still bears its sender's note: the receiver's capture tells
 * the cause as well. A frame from outside has none. */
static void observe(void *arg, enum frame_dir dir, const struct pkt *p, ns_t now)
{
	struct capture *c = arg;
	enum trace_dir to = dir == FRAME_IN ? TRACE_IN : TRACE_OUT;
	struct trace_frame f = {.iface = c->iface, .at = now, .dir = to, .pkt = p, .len = p->len};
	struct bblog tcb;

	if (c->tcb && tcb_log_frame(c->tcb, dir, p, &tcb, now))
		f.tcb = &tcb;
	if (c->no_notes)
		trace_frame(c->writer, &f);
	else
		trace_noted(c->writer, &f);
}

void capture_attach(struct capture *c, struct stack *st)
{
	if (c->tcb)
		tcb_log_attach(c->tcb, st);
	stack_observe(st, observe, c);
}

void capture_probe(struct capture *c, const struct probe *p, ns_t now)
{
	if (c->tcb)
		tcb_log_probe(c->tcb, p, now);
}

void capture_keys(struct capture *c, const char *lines, size_t len)
{
	char *text = malloc(len + 1);

	if (!text)
		return; /* the capture stays right, only closed to viewers */
	memcpy(text, lines, len);
	text[len] = '\0';
	trace_secrets(c->writer, text);
	free(text);
}

void capture_flush(struct capture *c)
{
	trace_flush(c->writer);
}

bool capture_close(struct capture *c, char *err, size_t cap)
{
	bool ok = trace_close(c->writer, err, cap);

	tcb_log_free(c->tcb);
	free(c);
	return ok;
}
