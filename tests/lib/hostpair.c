#include "hostpair.h"

#include <stdlib.h>
#include <string.h>

#include "../../stack/base/check.h"
#include "duo.h"

#define TURNS_MAX 2000000 /* more is a livelock */

struct hostpair *hostpair_new(uint32_t depth, uint32_t tso_max)
{
	static const char *const names[] = {"client", "server"};
	struct hostpair *p = calloc(1, sizeof(*p));
	bool ok;

	assert(p);
	pkt_pool_init(&p->pool, 0, 0);
	ok = link_pair(&p->pool, depth, 1500, tso_max, p->link);
	assert(ok);
	p->tls_seed = 7;
	for (int i = 0; i < 2; i++) {
		struct host_config cfg = {.name = names[i], .link = p->link[i]};

		p->addr[i] = addr_v4(0x0a000001u + (uint32_t)i);
		stack_config_default(&cfg.stack);
		cfg.stack.seed = 1000 + (uint64_t)i;
		cfg.stack.pool = &p->pool;
		cfg.stack.link = p->link[i]->caps;
		cfg.stack.mac = (struct mac){{2, 0, 0, 0, 0, (uint8_t)(i + 1)}};
		cfg.stack.addr[0] = (struct stack_addr){p->addr[i], 24};
		cfg.stack.naddrs = 1;
		p->host[i] = host_new(&cfg);
		assert(p->host[i]);
	}
	return p;
}

void hostpair_free(struct hostpair *p)
{
	for (int i = 0; i < 2; i++)
		if (p->host[i])
			host_free(p->host[i]);
	for (int i = 0; i < 2; i++)
		p->link[i]->ops->close(p->link[i]);
	pkt_pool_free(&p->pool);
	free(p);
}

const struct stream_tls *hostpair_tls(struct hostpair *p, int side)
{
	struct stream_tls *t = &p->tls[side];

	tls_config_default(&t->config, side == CLIENT ? TLS_CLIENT : TLS_SERVER);
	t->config.unix_time = DUO_DATE;
	t->config.anchors = duo_anchors(DEMO "ca.pem");
	t->config.creds = duo_creds(side == CLIENT ? DEMO "client" : DEMO "server");
	if (side == CLIENT)
		t->config.server_name = "example.com";
	else
		t->config.client_auth = TLS_AUTH_REQUIRE;
	t->prepare = stream_tls_by_seed;
	t->arg = &p->tls_seed;
	return t;
}

/* Frames for one end and one turn; true when there was something to do. */
static bool turn(struct hostpair *p, int i)
{
	struct pkt *in[HOST_BATCH];
	size_t n = p->link[i]->ops->recv(p->link[i], in, HOST_BATCH);
	bool blocked = host_blocked(p->host[i]);

	if (n == 0 && !blocked && host_deadline(p->host[i]) > p->now)
		return false;
	p->turns++;
	assert(p->turns < TURNS_MAX);
	host_turn(p->host[i], p->now, in, n);
	return n > 0 || !blocked || !host_blocked(p->host[i]);
}

void hostpair_run(struct hostpair *p, ns_t until)
{
	for (;;) {
		bool moved = turn(p, CLIENT);
		ns_t due;

		moved |= turn(p, SERVER);
		if (moved)
			continue;
		due = ns_min(host_deadline(p->host[CLIENT]), host_deadline(p->host[SERVER]));
		if (due > until) {
			if (due != NS_NEVER)
				p->now = ns_max(p->now, until);
			return;
		}
		p->now = ns_max(p->now, due);
	}
}

static size_t hear(void *arg, const void *bytes, size_t len)
{
	struct talk *t = arg;
	size_t room = t->refuse ? t->refuse - t->n : sizeof(t->heard) - t->n;

	len = len < room ? len : room;
	memcpy(t->heard + t->n, bytes, len);
	t->n += len;
	return len;
}

void talk_start(struct hostpair *p, struct talk *t, uint16_t port, const struct stream_tls *tls,
		const char *say, bool end)
{
	struct pipe_config cfg = {.peer = p->addr[SERVER], .port = port, .tls = tls, .out = hear, .arg = t};

	t->n = 0;
	t->app = app_pipe(&cfg);
	assert(t->app);
	host_add_app(p->host[CLIENT], t->app);
	app_pipe_push(t->app, say, strlen(say));
	if (end)
		app_pipe_eof(t->app);
}
