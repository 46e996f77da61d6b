/* From a scenario to a world: certificates, paths, hosts, flows, and last the files, so that
 * nothing is written when anything before fails. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../stack/base/check.h"
#include "capture.h"
#include "demo_pki.h"

/* ---- certificates ---- */

/* A directory of the scenario is looked for beside its file. */
static void beside(const struct scenario *sc, const char *dir, const char *file, char *to,
		   size_t cap)
{
	const char *slash = strrchr(sc->file, '/');
	int n = dir[0] != '/' && slash ? (int)(slash - sc->file) + 1 : 0;

	snprintf(to, cap, "%.*s%s/%s", n, sc->file, dir, file);
}

static struct tls_creds *load_creds(const struct scenario *sc, const char *dir, const char *who,
				    char *err, size_t cap)
{
	char cert[600], key[600], name[40];

	snprintf(name, sizeof(name), "%s.pem", who);
	beside(sc, dir, name, cert, sizeof(cert));
	snprintf(name, sizeof(name), "%s.key", who);
	beside(sc, dir, name, key, sizeof(key));
	return tls_creds_load(cert, key, err, cap);
}

static struct tls_text text_of(const char *name, const char *pem)
{
	return (struct tls_text){name, pem, strlen(pem)};
}

static bool builtin_pki(struct world_pki *pki, char *err, size_t cap)
{
	const struct tls_text ca = text_of("ca.pem", demo_ca_pem), sc = text_of("server.pem", demo_server_pem),
			      sk = text_of("server.key", demo_server_key),
			      cc = text_of("client.pem", demo_client_pem),
			      ck = text_of("client.key", demo_client_key);

	pki->anchors = tls_anchors_parse(&ca, err, cap);
	if (pki->anchors)
		pki->server = tls_creds_parse(&sc, &sk, err, cap);
	if (pki->server)
		pki->client = tls_creds_parse(&cc, &ck, err, cap);
	return pki->client != NULL;
}

static bool load_pki(struct world *w, struct world_pki *pki, const char *dir, char *err, size_t cap)
{
	char ca[600];

	snprintf(pki->dir, sizeof(pki->dir), "%s", dir);
	if (strcmp(dir, DEMO_PKI) == 0)
		return builtin_pki(pki, err, cap);
	beside(w->sc, dir, "ca.pem", ca, sizeof(ca));
	pki->anchors = tls_anchors_load(ca, err, cap);
	if (pki->anchors)
		pki->server = load_creds(w->sc, dir, "server", err, cap);
	if (pki->server)
		pki->client = load_creds(w->sc, dir, "client", err, cap);
	return pki->client != NULL;
}

static struct world_pki *pki_for(struct world *w, const char *dir, char *err, size_t cap)
{
	for (uint32_t i = 0; i < w->npki; i++)
		if (strcmp(w->pki[i].dir, dir) == 0)
			return &w->pki[i];
	struct world_pki *pki = &w->pki[w->npki++]; /* room for one a flow */

	return load_pki(w, pki, dir, err, cap) ? pki : NULL;
}

static bool setup_tls(struct world *w, char *err, size_t cap)
{
	const struct scenario *sc = w->sc;
	struct rng rng;

	rng_init(&rng, sc->seed, "tls");
	w->tls_seed = rng_u64(&rng);
	for (uint32_t i = 0; i < sc->nflows; i++) {
		const struct scenario_flow *f = &sc->flow[i];
		struct world_tls *t = &w->flow_tls[i];

		if (f->tls == SCENARIO_PLAIN)
			continue;
		struct world_pki *pki = pki_for(w, f->pki, err, cap);

		if (!pki)
			return false;
		tls_config_default(&t->client.config, TLS_CLIENT);
		tls_config_default(&t->server.config, TLS_SERVER);
		t->client.config.anchors = t->server.config.anchors = pki->anchors;
		t->client.config.server_name = f->servername;
		t->server.config.creds = pki->server;
		if (f->tls == SCENARIO_TLS_MUTUAL) {
			t->client.config.creds = pki->client;
			t->server.config.client_auth = TLS_AUTH_REQUIRE;
		}
		t->client.config.unix_time = t->server.config.unix_time = sc->date;
		/* In virtual time patience costs nothing, and loss must not look like a bad peer.
		 */
		t->client.config.handshake_limit = t->server.config.handshake_limit = sc->stop;
		t->client.config.close_limit = t->server.config.close_limit = sc->stop;
		t->client.prepare = t->server.prepare = stream_tls_by_seed;
		t->client.arg = t->server.arg = &w->tls_seed;
	}
	return true;
}

/* ---- paths ---- */

static bool setup_paths(struct world *w)
{
	const struct scenario *sc = w->sc;

	for (uint32_t i = 0; i < w->npaths; i++) {
		const struct scenario_link *l = &sc->link[i / 2];
		uint32_t from = l->host[i % 2], to = l->host[!(i % 2)];
		char name[PATH_NAME];

		/* Names decide the random streams: those of the hosts would tie the draws to them,
		 * the link's number would tie them to the order of the file. */
		snprintf(name, sizeof(name), "%.28s/%d", l->name, (int)(i % 2));
		w->path[i].path = path_new(name, sc->seed, &l->dir[i % 2]);
		if (!w->path[i].path)
			return false;
		w->path[i].to = to;
		w->path[i].back = i ^ 1;
		if (from >= w->nhosts)
			continue;
		w->host[from].link.path = i;
		w->host[from].linked = true;
	}
	return true;
}

/* ---- hosts ---- */

static uint32_t tls_flows_of(const struct world *w, uint32_t host)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < w->sc->nflows; i++)
		if (w->sc->flow[i].tls &&
		    (w->sc->flow[i].from == host || w->sc->flow[i].to == host))
			n += w->sc->flow[i].repeat;
	return n;
}

static struct capture *open_capture(struct world *w, uint32_t i, char *err, size_t cap)
{
	const struct scenario_host *h = &w->sc->host[i];
	char file[600], what[300];

	snprintf(file, sizeof(file), "%s/%s.%s", w->opt.out, h->name,
		 w->sc->pcap ? "pcap" : "pcapng");
	snprintf(what, sizeof(what), "%s, seed %llu",
		 w->sc->title[0] ? w->sc->title : "tapir simulation",
		 (unsigned long long)w->sc->seed);
	struct capture_config cfg = {
	    .path = file,
	    .ifname = h->name,
	    .what = what,
	    .addrs = h->addr,
	    .naddrs = h->naddrs,
	    .mac = h->mac,
	    .snaplen = w->sc->snaplen,
	    .epoch_ns = w->sc->date * SEC,
	    .keys_room = w->sc->keys ? tls_flows_of(w, i) : 0,
	    .tcb = w->sc->tcb && !w->sc->pcap,
	};

	return capture_open(&cfg, err, cap);
}

/* ACKs are frequent: this stays short. */
static void on_probe(void *arg, const struct probe *p, ns_t now)
{
	struct world_host *wh = arg;
	struct conn_stat *c;

	if (wh->capture)
		capture_probe(wh->capture, p, now);
	if (p->conn >= wh->nconns) {
		uint32_t n = p->conn < 32 ? 64 : 2 * p->conn;
		struct conn_stat *more = realloc(wh->conn, n * sizeof(*more));

		if (!more)
			return;
		memset(more + wh->nconns, 0, (n - wh->nconns) * sizeof(*more));
		wh->conn = more;
		wh->nconns = n;
	}
	c = &wh->conn[p->conn];
	if (p->cwnd > c->cwnd_max)
		c->cwnd_max = p->cwnd;
	if (p->kind != PROBE_RTT || p->value <= 0)
		return;
	if (!c->rtt && !(c->rtt = calloc(HISTOGRAM_SIZE, sizeof(*c->rtt))))
		return;
	/* The octave by the highest bit, the step by the next four. */
	uint32_t octave = 63 - (uint32_t)__builtin_clzll((unsigned long long)p->value | 16);
	uint32_t step = (uint32_t)(p->value >> (octave - 4)) & (HISTOGRAM_STEPS - 1);
	uint32_t at = (octave - 4) * HISTOGRAM_STEPS + step;

	c->rtt[at < HISTOGRAM_SIZE ? at : HISTOGRAM_SIZE - 1]++;
	c->rtt_min = c->samples == 0 ? p->value : ns_min(c->rtt_min, p->value);
	c->rtt_max = ns_max(c->rtt_max, p->value);
	c->samples++;
}

ns_t conn_stat_rtt(const struct conn_stat *c, uint32_t thousandths)
{
	uint64_t rank = c->samples * thousandths / 1000, seen = 0;

	for (uint32_t i = 0; c->rtt && i < HISTOGRAM_SIZE; i++) {
		seen += c->rtt[i];
		if (seen <= rank)
			continue;
		/* The middle of the step. */
		uint32_t octave = i / HISTOGRAM_STEPS;
		ns_t low = (ns_t)(HISTOGRAM_STEPS + i % HISTOGRAM_STEPS) << octave;
		ns_t value = low + ((ns_t)1 << octave) / 2;

		return ns_min(ns_max(value, c->rtt_min), c->rtt_max);
	}
	return 0;
}

static bool setup_host(struct world *w, uint32_t i, char *err, size_t cap)
{
	const struct scenario_host *h = &w->sc->host[i];
	struct world_host *wh = &w->host[i];
	struct host_config cfg = {.name = h->name, .link = &wh->link.link};
	char name[SCENARIO_NAME + 8];
	struct rng rng;

	snprintf(name, sizeof(name), "host/%s", h->name);
	rng_init(&rng, w->sc->seed, name);
	wh->link.world = w;
	wh->link.link.ops = wh->linked ? &world_link_ops : &world_lone_ops;
	/* Frames keep to themselves that their checksum is right, as between two ends of a device.
	 */
	wh->link.link.caps = (struct link_caps){
	    .mtu = (uint16_t)(wh->linked ? w->sc->link[h->link].mtu : 1500),
	    .csum_tx = true,
	    .csum_rx = true,
	    .mac = h->mac,
	};
	stack_config_default(&cfg.stack);
	cfg.stack.seed = rng_u64(&rng);
	cfg.stack.pool = &w->pool;
	cfg.stack.link = wh->link.link.caps;
	cfg.stack.mac = h->mac;
	memcpy(cfg.stack.addr, h->addr, sizeof(h->addr));
	cfg.stack.naddrs = h->naddrs;
	if (!addr_is_any(&h->gateway)) {
		cfg.stack.route[0] = (struct stack_route){.via = h->gateway};
		if (addr_is_v4(&h->gateway))
			cfg.stack.route[0].dst = addr_v4(0);
		cfg.stack.nroutes = 1;
	}
	cfg.stack.tcp = h->tcp;
	if (w->opt.out && h->capture) {
		wh->capture = open_capture(w, i, err, cap);
		if (!wh->capture)
			return false;
		cfg.capture = wh->capture;
		cfg.capture_keys = w->sc->keys && !w->sc->pcap;
	}
	wh->host = host_new(&cfg);
	if (!wh->host) {
		snprintf(err, cap, "out of memory");
		return false;
	}
	stack_probe(wh->host->stack, on_probe, wh);
	if (ao_specs_give(&h->ao, wh->host->stack) != 0) {
		snprintf(err, cap, "host `%s`: two keys of `ao` for one connection have the same id", h->name);
		return false;
	}
	return true;
}

/* ---- traffic ---- */

static struct app *server_for(struct world *w, uint32_t entry, struct app **servers)
{
	const struct scenario_flow *f = &w->sc->flow[entry];

	if (f->listener != entry)
		return servers[f->listener];
	struct app *a = app_flow_server(f->port, f->tls ? &w->flow_tls[entry].server : NULL, NULL);

	if (a)
		host_add_app(w->host[f->to].host, a);
	return a;
}

static void ask_flow(struct flow *to, const struct world *w, uint32_t entry, uint32_t turn_no)
{
	const struct scenario_flow *f = &w->sc->flow[entry];

	to->kind = f->kind;
	to->server = w->sc->host[f->to].addr[0].addr;
	to->port = f->port;
	to->to_server = f->send;
	to->to_client = f->receive;
	to->request = f->request;
	to->response = f->response;
	to->count = f->count;
	to->gap = f->gap;
	to->start = f->at + turn_no * f->every;
	to->stop = f->until;
	to->read_gap = f->read_gap;
	to->read_max = f->read_max;
	to->no_verify = !f->verify;
	to->client_tls = f->tls ? &w->flow_tls[entry].client : NULL;
	to->server_tls = f->tls ? &w->flow_tls[entry].server : NULL;
}

static bool setup_flows(struct world *w)
{
	struct app **servers = calloc(w->sc->nflows + 1, sizeof(struct app *));
	uint32_t n = 0;
	bool ok = servers != NULL;

	for (uint32_t i = 0; ok && i < w->sc->nflows; i++) {
		const struct scenario_flow *f = &w->sc->flow[i];

		servers[i] = server_for(w, i, servers);
		for (uint32_t k = 0; k < f->repeat && ok; k++, n++) {
			struct app *client;

			flow_init(&w->flow[n]);
			w->flow[n].id = n + 1;
			ask_flow(&w->flow[n], w, i, k);
			w->flow_from[n] = f->from;
			w->flow_to[n] = f->to;
			client = app_flow_client(&w->flow[n]);
			ok = servers[i] && client && app_flow_server_add(servers[i], &w->flow[n]);
			if (client)
				host_add_app(w->host[f->from].host, client);
		}
	}
	free(servers);
	return ok;
}

/* ---- all of it ---- */

static bool allocate(struct world *w)
{
	const struct scenario *sc = w->sc;

	w->nhosts = sc->nhosts;
	w->npaths = 2 * sc->nlinks;
	for (uint32_t i = 0; i < sc->nflows; i++)
		w->nflows += sc->flow[i].repeat;
	w->host = calloc(w->nhosts, sizeof(*w->host));
	w->path = calloc(w->npaths + 1, sizeof(*w->path));
	w->flow = calloc(w->nflows + 1, sizeof(*w->flow));
	w->flow_from = calloc(w->nflows + 1, sizeof(*w->flow_from));
	w->flow_to = calloc(w->nflows + 1, sizeof(*w->flow_to));
	w->flow_tls = calloc(sc->nflows + 1, sizeof(*w->flow_tls));
	w->pki = calloc(sc->nflows + 1, sizeof(*w->pki));
	return w->host && w->path && w->flow && w->flow_from && w->flow_to && w->flow_tls &&
	       w->pki && heap_init(&w->heap, w->nhosts + w->npaths + 2);
}

static bool setup(struct world *w, char *err, size_t cap)
{
	char file[600];

	if (!allocate(w) || !setup_paths(w) || !switches_init(w)) {
		snprintf(err, cap, "out of memory");
		return false;
	}
	if (!setup_tls(w, err, cap))
		return false;
	for (uint32_t i = 0; i < w->nhosts; i++)
		if (!setup_host(w, i, err, cap))
			return false;
	if (!setup_flows(w) || (w->opt.out && w->sc->series && !series_init(w))) {
		snprintf(err, cap, "out of memory");
		return false;
	}
	if (w->opt.out && w->sc->capture_link && w->npaths > 0) {
		snprintf(file, sizeof(file), "%s/link.%s", w->opt.out,
			 w->sc->pcap ? "pcap" : "pcapng");
		w->log = link_log_open(w, file, err, cap);
		if (!w->log)
			return false;
	}
	return true;
}

static void first_events(struct world *w)
{
	w->going = w->nhosts;
	for (uint32_t i = 0; i < w->nhosts; i++) {
		w->host[i].finished = host_finished(w->host[i].host);
		w->going -= w->host[i].finished;
		heap_set(&w->heap, i, ns_max(0, host_deadline(w->host[i].host)));
	}
	if (w->sc->nevents > 0)
		heap_set(&w->heap, w->nhosts + w->npaths, w->sc->event[0].at);
	if (w->series)
		heap_set(&w->heap, w->nhosts + w->npaths + 1, 0);
}

struct world *world_new(const struct scenario *sc, const struct world_options *opt, char *err,
			size_t cap)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w) {
		snprintf(err, cap, "out of memory");
		return NULL;
	}
	w->sc = sc;
	w->opt = *opt;
	w->hash = UINT64_C(0x7461706972);
	pkt_pool_init(&w->pool, 1u << 20, 0);
	if (!setup(w, err, cap)) {
		world_free(w);
		return NULL;
	}
	first_events(w);
	return w;
}

bool world_close(struct world *w, char *err, size_t cap)
{
	bool ok = true;
	char why[300];

	for (uint32_t i = 0; i < w->nhosts; i++)
		if (w->host[i].capture) {
			stack_observe(w->host[i].host->stack, NULL, NULL);
			if (!capture_close(w->host[i].capture, ok ? err : why,
					   ok ? cap : sizeof(why)))
				ok = false;
			w->host[i].capture = NULL;
		}
	if (w->log && !link_log_close(w->log, ok ? err : why, ok ? cap : sizeof(why)))
		ok = false;
	w->log = NULL;
	return ok;
}

/* Hosts first: applications lend flows and TLS. Paths give their frames back to the pool. */
void world_free(struct world *w)
{
	char err[300];

	if (!w)
		return;
	for (uint32_t i = 0; w->path && i < w->npaths; i++)
		if (w->path[i].path)
			path_observe(w->path[i].path, NULL, NULL);
	for (uint32_t i = 0; w->host && i < w->nhosts; i++) {
		if (w->host[i].capture && w->host[i].host)
			stack_observe(w->host[i].host->stack, NULL, NULL);
		if (w->host[i].capture)
			capture_close(w->host[i].capture, err, sizeof(err));
		w->host[i].capture = NULL; /* connections may still end, and are probed */
		if (w->host[i].host)
			host_free(w->host[i].host);
		for (uint32_t k = 0; k < w->host[i].nconns; k++)
			free(w->host[i].conn[k].rtt);
		free(w->host[i].conn);
	}
	if (w->log)
		link_log_close(w->log, err, sizeof(err));
	series_free(w);
	for (uint32_t i = 0; w->path && i < w->npaths; i++)
		path_free(w->path[i].path);
	for (uint32_t i = 0; w->pki && i < w->npki; i++) {
		tls_creds_free(w->pki[i].server);
		tls_creds_free(w->pki[i].client);
		tls_anchors_free(w->pki[i].anchors);
	}
	heap_free(&w->heap);
	switches_free(w->switches);
	free(w->host);
	free(w->path);
	free(w->flow);
	free(w->flow_from);
	free(w->flow_to);
	free(w->flow_tls);
	free(w->pki);
	pkt_pool_free(&w->pool); /* asserts that every frame and chunk has come home */
	free(w);
}

/* ---- figures ---- */

bool world_flow_info(const struct world *w, uint32_t i, bool client, struct sock_info *info,
		     const struct conn_stat **stat)
{
	const struct flow *f = &w->flow[i];
	const struct flow_end *e = client ? &f->client : &f->server_end;
	const struct world_host *wh = &w->host[client ? w->flow_from[i] : w->flow_to[i]];
	uint32_t cursor = 0;
	bool found = e->have_info;

	if (found)
		*info = e->info;
	while (!found && f->client_port && stack_walk(wh->host->stack, &cursor, info))
		found = client ? info->lport == f->client_port && info->rport == f->port
			       : info->rport == f->client_port && info->lport == f->port &&
				     addr_eq(&info->remote, &f->client_addr);
	*stat = found && info->conn < wh->nconns ? &wh->conn[info->conn] : NULL;
	return found;
}
