/* The explanation for machines. The keys are a contract: they stay, and more may be added. */
#include "explain.h"

#include <stdlib.h>

#include "js.h"

static json_t *json_frame(uint32_t frame)
{
	return frame ? json_integer(frame) : json_null();
}

static void set(json_t *o, const char *key, json_t *v)
{
	json_object_set_new(o, key, v);
}

static json_t *json_syn(const struct half *h)
{
	const struct tcp_opts *o = &h->syn_opt;
	json_t *j;

	if (!h->syn && !h->syn_ack)
		return json_null();
	j = json_object();
	set(j, "isn", json_integer(h->isn));
	set(j, "window", json_integer(h->syn_wnd));
	set(j, "mss", o->has_mss ? json_integer(o->mss) : json_null());
	set(j, "wscale", o->has_wscale ? json_integer(o->wscale) : json_null());
	set(j, "sack", json_boolean(o->sack_ok));
	set(j, "timestamps", json_boolean(o->has_ts));
	set(j, "ao", o->has_ao ? json_pack("{s:i, s:i}", "keyid", o->ao_keyid, "rnextkeyid", o->ao_rnextkeyid) : json_null());
	return j;
}

static json_t *json_handshake(const struct conn *c)
{
	const struct half *cl = &c->half[c->client], *sv = &c->half[!c->client];
	json_t *j = json_object();
	ns_t rtt = handshake_rtt(c);

	set(j, "complete", json_boolean(flow_opened(c)));
	set(j, "kind", json_string(handshake_word(c)));
	set(j, "syn", json_frame(cl->syn));
	set(j, "syn_ack", json_frame(sv->syn_ack ? sv->syn_ack : cl->syn_ack));
	set(j, "ack", json_frame(c->hs_ack));
	set(j, "rtt", rtt < 0 ? json_null() : js_time(rtt));
	set(j, "client", json_syn(cl));
	set(j, "server", json_syn(sv));
	return j;
}

static json_t *json_teardown(const struct conn *c)
{
	json_t *j = json_object(), *frames = json_array();
	uint32_t frame[6];
	int n = teardown_frames(c, frame), first = teardown_first(c);

	for (int i = 0; i < n; i++)
		json_array_append_new(frames, json_integer(frame[i]));
	set(j, "kind", json_string(teardown_word(c)));
	set(j, "first", first < 0 ? json_null() : json_string(end_word(c, first)));
	set(j, "frames", frames);
	set(j, "client_state", js_text(flow_state(c, c->client)));
	set(j, "server_state", js_text(flow_state(c, !c->client)));
	return j;
}

static json_t *json_retx(const struct conn *c, const struct event *e)
{
	json_t *j = json_object(), *proof = json_array();
	char text[1024];

	for (int i = 0; i < e->nproofs; i++)
		json_array_append_new(proof, json_integer(e->proof[i]));
	set(j, "frame", json_integer(e->frame));
	set(j, "time", js_time(e->at));
	set(j, "from", json_string(end_word(c, e->side)));
	set(j, "bytes", json_pack("[I,I]", (json_int_t)e->lo, (json_int_t)e->hi));
	set(j, "cause", json_string(cause_word(e->cause)));
	set(j, "original", json_frame(e->original));
	set(j, "previous", json_frame(e->previous));
	set(j, "trigger", json_frame(e->trigger));
	set(j, "needless", json_boolean(e->needless != NEEDED));
	set(j, "proof", proof);
	set(j, "certainty", json_string(certainty_word(e->certainty)));
	set(j, "text", json_string(explain_event(text, sizeof(text), c, e)));
	return j;
}

static void json_events(json_t *j, const struct conn *c)
{
	json_t *retx = json_array(), *late = json_array(), *copies = json_array(), *probes = json_array();

	for (uint32_t i = 0; i < c->events; i++) {
		const struct event *e = &c->event[i];
		json_t *x;

		switch ((enum verdict_kind)e->kind) {
		case V_RETX:
			json_array_append_new(retx, json_retx(c, e));
			break;
		case V_LATE:
			x = json_pack("{s:i,s:s,s:o,s:s}", "frame", (int)e->frame, "certainty",
				      certainty_word(e->certainty), "overtaken_by", json_frame(e->proof[0]), "from",
				      end_word(c, e->side));
			json_array_append_new(late, x);
			break;
		case V_NET_COPY:
		case V_CAPTURE_COPY:
			x = json_pack("{s:i,s:o,s:s,s:s}", "frame", (int)e->frame, "of", json_frame(e->original), "by",
				      e->kind == V_NET_COPY ? "network" : "capture", "certainty",
				      certainty_word(e->certainty));
			json_array_append_new(copies, x);
			break;
		case V_ZERO_WINDOW_PROBE:
		case V_KEEP_ALIVE:
			x = json_pack("{s:i,s:s,s:s}", "frame", (int)e->frame, "kind", probe_word(e->kind), "from",
				      end_word(c, e->side));
			json_array_append_new(probes, x);
			break;
		case V_NONE:
			break;
		}
	}
	set(j, "retransmissions", retx);
	set(j, "late", late);
	set(j, "copies", copies);
	set(j, "probes", probes);
}

/* The explanation as text: of a connection, or of one segment. */
static json_t *json_text(const struct conn *c, const struct seg_view *v)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	struct doc *d = f ? doc_new(f, DOC_TEXT, "") : NULL;
	json_t *j;

	if (d) {
		if (v)
			explain_frame(d, v);
		else
			explain_conn(d, c);
		doc_end(d);
	}
	if (f)
		fclose(f);
	j = text ? json_string(text) : json_null();
	free(text);
	return j;
}

static json_t *json_conn(const struct conn *c)
{
	json_t *j = json_object(), *stalls = json_array();
	const struct half *cl = &c->half[c->client], *sv = &c->half[!c->client];
	char client[64], server[64];

	ends_text(c, client, server);
	set(j, "id", json_integer(c->id));
	set(j, "client", json_string(client));
	set(j, "server", json_string(server));
	set(j, "tunnel", js_text(c->tunnel));
	set(j, "earlier", c->before ? json_integer(c->before - 1) : json_null()); /* with the same ports */
	set(j, "tap", json_string(tap_word(c->tap)));
	set(j, "first", js_time(c->first));
	set(j, "last", js_time(c->last));
	set(j, "handshake", json_handshake(c));
	set(j, "teardown", json_teardown(c));
	set(j, "bytes", json_pack("{s:I,s:I}", "client", (json_int_t)stream_bytes(cl), "server",
				  (json_int_t)stream_bytes(sv)));
	set(j, "packets", json_pack("{s:I,s:I}", "client", (json_int_t)cl->packets, "server", (json_int_t)sv->packets));
	json_events(j, c);
	for (uint32_t i = 0; i < c->nstalls; i++) {
		const struct stall *s = &c->stalls[i];

		json_array_append_new(stalls, json_pack("{s:o,s:o,s:i,s:s}", "from", js_time(s->from), "to",
							js_time(s->to), "frame", (int)s->frame, "why", s->why));
	}
	set(j, "stalls", stalls);
	set(j, "text", json_text(c, NULL));
	return j;
}

json_t *explain_json(const struct analysis *a, const char *file, int64_t stream)
{
	json_t *j = json_object(), *skipped = json_array(), *conns = json_array();

	for (uint64_t i = 0; i < a->skips && i < SKIPS_MAX && a->skip; i++)
		json_array_append_new(skipped, json_pack("{s:I,s:s}", "frame", (json_int_t)a->skip[i].frame, "why",
							 a->skip[i].why));
	for (uint32_t i = 0; i < a->nconns; i++)
		if (stream < 0 || stream == i)
			json_array_append_new(conns, json_conn(a->conn[i]));
	set(j, "file", js_text(file));
	set(j, "packets", json_integer((json_int_t)a->packets));
	set(j, "other", json_integer((json_int_t)a->other));
	set(j, "fragments", json_integer((json_int_t)a->pieces));
	set(j, "skipped", skipped);
	set(j, "connections", conns);
	return j;
}

static const char *frame_word(const struct event *e)
{
	switch (e ? (enum verdict_kind)e->kind : V_NONE) {
	case V_RETX:
		return "retransmission";
	case V_LATE:
		return "late";
	case V_NET_COPY:
	case V_CAPTURE_COPY:
		return "copy";
	case V_ZERO_WINDOW_PROBE:
	case V_KEEP_ALIVE:
		return "probe";
	case V_NONE:
		break;
	}
	return "first";
}

json_t *explain_frame_json(const struct seg_view *v, const char *file)
{
	json_t *j = json_object();

	set(j, "file", js_text(file));
	set(j, "frame", json_integer((json_int_t)v->pkt->frame));
	set(j, "time", js_time(v->pkt->at));
	set(j, "connection", json_integer(v->conn->id));
	set(j, "from", json_string(end_word(v->conn, v->side)));
	set(j, "bytes", json_pack("[I,I]", (json_int_t)v->lo, (json_int_t)v->hi));
	set(j, "verdict", json_string(frame_word(v->ev)));
	set(j, "retransmission", v->ev && v->ev->kind == V_RETX ? json_retx(v->conn, v->ev) : json_null());
	set(j, "text", json_text(NULL, v));
	return j;
}
