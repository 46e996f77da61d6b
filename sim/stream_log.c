/* See stream_log.h. */
#include "stream_log.h"

#include "../stack/wire/print.h"
#include "../traces/js.h"

static json_t *tls_json(const struct stream *s)
{
	const struct tls_info *i = s->tls ? tls_info(s->tls) : NULL;
	char certificate[4096];
	size_t len = i ? tls_peer_text(s->tls, certificate, sizeof(certificate)) : 0;
	bool seen = len > 0 && len < sizeof(certificate) && i->peer_authenticated;

	if (!i)
		return json_null();
	return json_pack("{s:s, s:s, s:s, s:o, s:b, s:o}", "version", i->version, "suite", i->suite, "curve", i->curve,
			 "server_name", *i->server_name ? js_text(i->server_name) : json_null(), "authenticated",
			 i->peer_authenticated, "certificate", seen ? js_text(certificate) : json_null());
}

void stream_log_open(const struct stream_log *l, const struct stream *s)
{
	const struct tls_info *i = s->tls ? tls_info(s->tls) : NULL;
	char peer[ADDR_TEXT + 8];

	if (!l->to)
		return;
	endpoint_print(peer, sizeof(peer), &s->remote, s->rport);
	if (l->json) {
		js_print(l->to, json_pack("{s:s, s:s, s:o}", "event", "open", "peer", peer, "tls", tls_json(s)), true);
		return;
	}
	if (s->accepted)
		fprintf(l->to, "%s: connected", peer);
	else
		fprintf(l->to, "connected to %s", peer);
	if (i)
		fprintf(l->to, ", %s %s %s", i->version, i->suite, i->curve);
	if (i && s->accepted && *i->server_name)
		fprintf(l->to, ", for %s", i->server_name);
	fputc('\n', l->to);
}

void stream_log_closed(const struct stream_log *l, const struct stream *s)
{
	char peer[ADDR_TEXT + 8];

	if (!l->to)
		return;
	endpoint_print(peer, sizeof(peer), &s->remote, s->rport);
	if (l->json)
		js_print(l->to, json_pack("{s:s, s:s, s:s, s:o, s:{s:o, s:o}, s:o}", "event", "closed", "peer", peer, "verdict",
					  stream_verdict_name(s->verdict), "why", s->why[0] ? js_text(s->why) : json_null(),
					  "bytes", "in", js_count(s->bytes_in), "out", js_count(s->bytes_out), "duration",
					  js_time(s->closed_at - s->created)), true);
	else if (s->accepted)
		fprintf(l->to, "%s: %s, %llu bytes in, %llu out%s%s\n", peer, stream_verdict_name(s->verdict),
			(unsigned long long)s->bytes_in, (unsigned long long)s->bytes_out, s->why[0] ? ": " : "", s->why);
}
