/* A scenario's grid, played by the kernel: the scenario's own paths (sim/path.h, the same seeds, so the
 * n-th packet meets the same fate) join two network namespaces by two TAP devices, in real time, and the
 * kernel's TCP talks to itself through them. What a `# band` line in tests/scenarios says of Linux can
 * so be measured again, on whatever kernel is there. Root only.
 *
 *   kernel_pairs [--pairs N] [--limit SECONDS] [--set PATH=VALUE]... SCENARIO.yaml
 *
 * Played is what the kernel can play: one link, and flows that send from its first host to its second;
 * of the hosts the algorithm and the largest buffers. N runs go side by side (8). Each row ends with
 * the smoothed round trip as the sender saw it, and below the table is how late the relay was: when
 * the round trip is not the scenario's, the machine was too busy and the row is worth nothing.
 *
 * The relay and both ends run with real-time priority: a reader that waits for a processor delays the
 * kernel's ACKs by as much. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_tun.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../sim/grid.h"
#include "../../sim/path.h"
#include "../../stack/tcp/cc.h"

#define PAIRS_MAX 64
#define FLOWS_MAX 16
#define RUNS_MAX 256
#define FRAME_MAX 4096
#define TX_QUEUE 20000          /* frames: a window's burst must not be dropped at the device */
#define STAGGER (200 * MS)      /* between the starts of runs side by side: slow starts are bursts */
#define LOOK_EVERY (20 * MS)    /* at the round trip */
#define POOL 500000

static const char *const address[2] = {"10.77.0.1", "10.77.0.2"};

/* What one run came to; written by its two ends, in shared memory. */
struct result {
	uint64_t seed;
	volatile uint64_t bytes;
	volatile bool done;
	uint64_t goodput_kbps, resent, timeouts, undone, dsacks, lost, rtt_us;
	bool unfinished;
};

struct end {
	int fd;
	struct path *out;
	pid_t program;
};

struct pair {
	struct end end[2]; /* [0] sends */
	struct result *result;
};

struct lateness {
	uint64_t n, over_1ms;
	ns_t sum, most;
};

static struct pair pair[PAIRS_MAX];
static int npairs = 8, nopen;
static double limit = 600;
static struct pkt_pool pool;
static struct lateness late;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static ns_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * SEC + t.tv_nsec;
}

static void be_prompt(int priority)
{
	struct sched_param p = {.sched_priority = priority};

	prctl(PR_SET_TIMERSLACK, 1000);
	if (sched_setscheduler(0, SCHED_FIFO, &p) < 0)
		perror("kernel_pairs: no real-time priority");
}

/* ---- a namespace with one device ---- */

static void sysctl_set(const char *name, const char *value)
{
	char path[200];

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		die(path);
	close(fd);
}

static void largest_buffer(const char *name, uint32_t bytes)
{
	char value[64];

	snprintf(value, sizeof(value), "4096 131072 %u", bytes);
	sysctl_set(name, value);
}

static void set_addr(struct sockaddr *a, const char *text)
{
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)a;

	in->sin_family = AF_INET;
	inet_pton(AF_INET, text, &in->sin_addr);
}

static void set_mac(struct sockaddr *a, int side)
{
	a->sa_family = ARPHRD_ETHER;
	memcpy(a->sa_data, (const uint8_t[]){2, 0, 0, 0, 0, (uint8_t)(side + 1)}, 6);
}

static void ask(int s, unsigned long what, void *arg, const char *name)
{
	if (ioctl(s, what, arg) < 0)
		die(name);
}

/* The neighbour is fixed: ARP's second of patience is not the path's. */
static void configure(int side, uint32_t mtu)
{
	struct ifreq r = {.ifr_name = "tap0"};
	struct arpreq a = {.arp_flags = ATF_PERM | ATF_COM, .arp_dev = "tap0"};
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	set_mac(&r.ifr_hwaddr, side);
	ask(s, SIOCSIFHWADDR, &r, "mac");
	set_addr(&r.ifr_addr, address[side]);
	ask(s, SIOCSIFADDR, &r, "address");
	set_addr(&r.ifr_netmask, "255.255.255.0");
	ask(s, SIOCSIFNETMASK, &r, "netmask");
	r.ifr_mtu = (int)mtu;
	ask(s, SIOCSIFMTU, &r, "mtu");
	r.ifr_qlen = TX_QUEUE;
	ask(s, SIOCSIFTXQLEN, &r, "queue length");
	r.ifr_flags = IFF_UP | IFF_RUNNING | IFF_BROADCAST;
	ask(s, SIOCSIFFLAGS, &r, "up");
	set_addr(&a.arp_pa, address[!side]);
	set_mac(&a.arp_ha, !side);
	ask(s, SIOCSARP, &a, "neighbour");
	close(s);
}

/* This process moves into a new namespace, where its next child stays. Gives the device: without a
 * vnet header it takes and gives single frames, so that each loss is one segment's. No metrics are
 * kept: a second connection is to begin as the first. */
static int new_namespace(int side, const struct scenario *sc)
{
	const struct tcp_config *tcp = &sc->host[sc->flow[0].from].tcp, *peer = &sc->host[sc->flow[0].to].tcp;
	struct ifreq r = {.ifr_name = "tap0", .ifr_flags = IFF_TAP | IFF_NO_PI};

	if (unshare(CLONE_NEWNET) < 0)
		die("kernel_pairs: a network namespace");
	sysctl_set("ipv6/conf/default/disable_ipv6", "1"); /* its chatter would meet the losses */
	sysctl_set("ipv4/tcp_no_metrics_save", "1");
	largest_buffer("ipv4/tcp_wmem", tcp->sndbuf);
	largest_buffer("ipv4/tcp_rmem", peer->rcvbuf);
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);

	if (fd < 0)
		die("/dev/net/tun");
	ask(fd, TUNSETIFF, &r, "tap");
	configure(side, sc->link[0].mtu);
	return fd;
}

/* ---- the two programs ---- */

static void sink(struct result *r, uint32_t nflows)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(80)};
	struct pollfd p[FLOWS_MAX];
	static char buf[1 << 20];
	uint32_t n = 0;
	int s = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(s, (struct sockaddr *)&any, sizeof(any)) < 0 || listen(s, FLOWS_MAX) < 0)
		die("listen");
	for (;;) {
		for (uint32_t i = 0; i < n; i++)
			p[i].events = POLLIN;
		p[n] = (struct pollfd){.fd = n < nflows ? s : -1, .events = POLLIN};
		poll(p, n + 1, -1);
		if (p[n].revents)
			p[n++].fd = accept(s, NULL, NULL);
		for (uint32_t i = 0; i < n; i++) {
			ssize_t got = p[i].revents ? read(p[i].fd, buf, sizeof(buf)) : 0;

			if (got > 0)
				r->bytes += (uint64_t)got;
			else if (p[i].revents)
				p[i].fd = -1;
		}
	}
}

static int connect_flow(const char *cc)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(80)};
	int s = socket(AF_INET, SOCK_STREAM, 0);

	inet_pton(AF_INET, address[1], &to.sin_addr);
	if (setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, cc, (socklen_t)strlen(cc)) < 0)
		die(cc);
	if (connect(s, (struct sockaddr *)&to, sizeof(to)) < 0)
		die("connect");
	fcntl(s, F_SETFL, O_NONBLOCK);
	return s;
}

static uint64_t counter(const char *name)
{
	char names[16384], values[16384], *n, *v;
	FILE *f = fopen("/proc/thread-self/net/netstat", "r");
	uint64_t found = 0;

	while (f && fgets(names, sizeof(names), f) && fgets(values, sizeof(values), f)) {
		char *a = strtok_r(names, " \n", &n), *b = strtok_r(values, " \n", &v);

		for (; a && b; a = strtok_r(NULL, " \n", &n), b = strtok_r(NULL, " \n", &v))
			if (strcmp(a, name) == 0)
				found = strtoull(b, NULL, 10);
	}
	if (f)
		fclose(f);
	return found;
}

static struct tcp_info info_of(int s)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	getsockopt(s, IPPROTO_TCP, TCP_INFO, &info, &len);
	return info;
}

struct source {
	int s[FLOWS_MAX];
	uint32_t nflows;
	uint64_t left[FLOWS_MAX]; /* to write */
	uint64_t rtt_sum, looks;
};

static void write_what_fits(struct source *o)
{
	struct pollfd p[FLOWS_MAX];
	static char buf[1 << 18];

	for (uint32_t i = 0; i < o->nflows; i++)
		p[i] = (struct pollfd){.fd = o->left[i] ? o->s[i] : -1, .events = POLLOUT};
	poll(p, o->nflows, LOOK_EVERY / MS);
	for (uint32_t i = 0; i < o->nflows; i++) {
		ssize_t n = p[i].revents ? write(o->s[i], buf, o->left[i] < sizeof(buf) ? o->left[i] : sizeof(buf)) : 0;

		if (n < 0 && errno != EAGAIN)
			die("write");
		if (n > 0 && o->left[i] != FLOW_ENDLESS)
			o->left[i] -= (uint64_t)n;
	}
}

static void look(struct source *o)
{
	for (uint32_t i = 0; i < o->nflows; i++) {
		o->rtt_sum += info_of(o->s[i]).tcpi_rtt;
		o->looks++;
	}
}

static void source(struct result *r, const struct scenario *sc)
{
	const struct scenario_flow *f = &sc->flow[0];
	struct source o = {.nflows = sc->nflows};
	uint64_t all = 0;
	ns_t start = now(), next = start, most = f->until == NS_NEVER ? (ns_t)(limit * (double)SEC) : f->until - f->at;

	for (uint32_t i = 0; i < o.nflows; i++) {
		o.s[i] = connect_flow(cc_name(sc->host[f->from].tcp.cc));
		o.left[i] = sc->flow[i].send;
		all = o.left[i] == FLOW_ENDLESS ? FLOW_ENDLESS : all + o.left[i];
	}
	while (now() - start < most && r->bytes < all) {
		write_what_fits(&o);
		if (now() < next)
			continue;
		look(&o);
		next = now() + LOOK_EVERY;
	}
	r->goodput_kbps = r->bytes * 8 * 1000 / ((uint64_t)(now() - start) / 1000);
	r->unfinished = all != FLOW_ENDLESS && r->bytes < all;
	for (uint32_t i = 0; i < o.nflows; i++)
		r->resent += info_of(o.s[i]).tcpi_total_retrans;
	r->timeouts = counter("TCPTimeouts");
	r->dsacks = counter("TCPDSACKRecv");
	r->undone = counter("TCPFullUndo") + counter("TCPLossUndo") + counter("TCPDSACKUndo");
	r->rtt_us = o.looks ? o.rtt_sum / o.looks : 0;
	r->done = true;
}

/* ---- the relay ---- */

static void start_program(struct pair *p, int side, const struct scenario *sc, ns_t wait)
{
	pid_t child = fork();

	if (child < 0)
		die("fork");
	if (child > 0) {
		p->end[side].program = child;
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	be_prompt(1);
	if (side == 1)
		sink(p->result, sc->nflows);
	usleep((useconds_t)((100 * MS + wait) / US));
	source(p->result, sc);
	_exit(0);
}

static void open_pair(struct pair *p, const struct scenario *sc, struct result *r, ns_t wait)
{
	char name[PATH_NAME];

	p->result = r;
	r->seed = sc->seed;
	for (int side = 1; side >= 0; side--) {
		struct end *e = &p->end[side];

		/* The name chooses the random stream: world_setup.c has the same. */
		snprintf(name, sizeof(name), "%.28s/%d", sc->link[0].name, side);
		e->out = path_new(name, sc->seed, &sc->link[0].dir[side]);
		if (!e->out)
			die("path");
		e->fd = new_namespace(side, sc);
		start_program(p, side, sc, wait);
	}
}

static void close_pair(struct pair *p)
{
	for (int side = 0; side < 2; side++) {
		const struct path_counters *c = path_counters(p->end[side].out);

		p->result->lost += c->lost + c->queue_dropped;
		kill(p->end[side].program, SIGKILL);
		waitpid(p->end[side].program, NULL, 0);
		close(p->end[side].fd);
		path_free(p->end[side].out);
	}
}

/* Each thing at its own time, even when we come late: a link that is full loses no time then. */
static void catch_up(struct path *path, ns_t t)
{
	ns_t due, last = -1;

	while ((due = path_deadline(path)) <= t && due > last) {
		path_run(path, due);
		last = due;
	}
	path_run(path, t);
}

static void deliver(struct path *path, int fd)
{
	uint8_t frame[FRAME_MAX];
	struct pkt *p;

	while ((p = path_pop(path)) != NULL) {
		pkt_copy_out(p, 0, frame, p->len);
		if (write(fd, frame, p->len) < 0)
			die("tap");
		pkt_free(p);
	}
}

static bool take(struct end *e)
{
	uint8_t frame[FRAME_MAX];
	ssize_t len = read(e->fd, frame, sizeof(frame));
	struct pkt *p = len > 0 ? pkt_of_bytes(&pool, frame, (size_t)len) : NULL;
	ns_t t = now();

	if (len <= 0)
		return false;
	if (!p)
		die("kernel_pairs: out of frames");
	catch_up(e->out, t);
	path_push(e->out, p, t);
	return true;
}

static void note_lateness(ns_t by)
{
	late.n++;
	late.sum += by;
	late.over_1ms += by > MS;
	late.most = ns_max(late.most, by);
}

/* Moves on what is due; when to come again. */
static ns_t relay(void)
{
	ns_t t = now(), due = NS_NEVER;

	for (int i = 0; i < 2 * nopen; i++) {
		struct pair *p = &pair[i / 2];
		struct path *path = p->end[i % 2].out;

		if (path_deadline(path) <= t) {
			note_lateness(t - path_deadline(path));
			catch_up(path, t);
			deliver(path, p->end[!(i % 2)].fd);
		}
		due = ns_min(due, path_deadline(path));
	}
	return due;
}

static bool all_done(void)
{
	for (int i = 0; i < nopen; i++)
		if (!pair[i].result->done && waitpid(pair[i].end[0].program, NULL, WNOHANG) == 0)
			return false;
	return true;
}

static void relay_all(void)
{
	struct pollfd p[2 * PAIRS_MAX];
	ns_t next = now();

	for (int i = 0; i < 2 * nopen; i++)
		p[i] = (struct pollfd){.fd = pair[i / 2].end[i % 2].fd, .events = POLLIN};
	for (;;) {
		ns_t due = relay(), t = now(), wait = ns_min(ns_max(due - t, 0), 50 * MS);
		struct timespec ts = {.tv_nsec = wait};

		if (t >= next && all_done())
			return;
		next = t >= next ? t + 50 * MS : next;
		if (ppoll(p, (nfds_t)(2 * nopen), &ts, NULL) <= 0)
			continue;
		for (int i = 0; i < 2 * nopen; i++)
			for (int k = 0; p[i].revents && k < 64; k++)
				if (!take(&pair[i / 2].end[i % 2]))
					break;
	}
}

/* ---- the grid ---- */

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t of_all(const struct result *r, uint32_t n, size_t member, uint32_t rank)
{
	uint64_t v[RUNS_MAX];

	for (uint32_t i = 0; i < n; i++)
		memcpy(&v[i], (const char *)&r[i] + member, sizeof(v[i]));
	qsort(v, n, sizeof(*v), by_number);
	return v[rank];
}

static uint64_t median(const struct result *r, uint32_t n, size_t member)
{
	return of_all(r, n, member, (n - 1) / 2);
}

#define MEMBER(name) offsetof(struct result, name)

static void print_row(const char *words, const struct result *r, uint32_t n)
{
	uint32_t unfinished = 0;

	for (uint32_t i = 0; i < n; i++)
		unfinished += r[i].unfinished;
	printf("%-44s %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %7" PRIu64 " %5" PRIu64 " %5" PRIu64 " %6" PRIu64
	       " %7" PRIu64 " %7.2f", words, median(r, n, MEMBER(goodput_kbps)), of_all(r, n, MEMBER(goodput_kbps), 0),
	       of_all(r, n, MEMBER(goodput_kbps), n - 1), median(r, n, MEMBER(resent)), median(r, n, MEMBER(timeouts)),
	       median(r, n, MEMBER(undone)), median(r, n, MEMBER(dsacks)), median(r, n, MEMBER(lost)),
	       (double)median(r, n, MEMBER(rtt_us)) / 1000);
	if (unfinished)
		printf("  %u of %u not finished", unfinished, n);
	printf("\n");
	fflush(stdout);
}

static struct scenario *load(const struct grid *g, uint64_t point, uint64_t seed, char *err, size_t cap)
{
	char set[SWEEP_VARS][400];
	const char *sets[GRID_SETS + SWEEP_VARS];
	struct scenario_options opt = g->given;

	for (size_t i = 0; i < opt.nset; i++)
		sets[i] = g->given.set[i];
	for (uint32_t i = 0; i < g->sc->nsweep; i++) {
		snprintf(set[i], sizeof(set[i]), "sweep.%s='%s'", g->sc->sweep[i].name, grid_value(g, point, i));
		sets[opt.nset++] = set[i];
	}
	opt.set = sets;
	opt.has_seed = true;
	opt.seed = seed;
	return scenario_load(g->file, &opt, err, cap);
}

static const char *cannot_play(const struct scenario *sc)
{
	if (sc->nlinks != 1 || sc->nevents || !sc->nflows || sc->nflows > FLOWS_MAX)
		return "one link, no events, and some flows are expected";
	for (uint32_t i = 0; i < sc->nflows; i++)
		if (!sc->flow[i].send || sc->flow[i].tls || sc->flow[i].from != sc->link[0].host[0] ||
		    sc->flow[i].repeat > 1)
			return "plain flows that send from the link's first host to its second are expected";
	return NULL;
}

static bool play_point(const struct grid *g, uint64_t point, struct result *r, char *err, size_t cap)
{
	char words[GRID_WORDS];
	uint32_t n = g->seeds < RUNS_MAX ? (uint32_t)g->seeds : RUNS_MAX;
	struct scenario *sc[PAIRS_MAX];

	memset(r, 0, RUNS_MAX * sizeof(*r));
	for (uint32_t done = 0; done < n; done += (uint32_t)nopen) {
		for (nopen = 0; nopen < npairs && done + (uint32_t)nopen < n; nopen++) {
			uint64_t seed = g->sc->seed_last ? g->sc->seed_first + done + (uint32_t)nopen : g->sc->seed;

			sc[nopen] = load(g, point, seed, err, cap);
			if (!sc[nopen])
				return false;
			open_pair(&pair[nopen], sc[nopen], &r[done + (uint32_t)nopen], nopen * STAGGER);
		}
		relay_all();
		for (int i = 0; i < nopen; i++) {
			close_pair(&pair[i]);
			scenario_free(sc[i]);
		}
	}
	print_row(grid_words(g, point, words), r, n);
	return true;
}

static int play(const struct grid *g)
{
	char err[400];
	const char *why = cannot_play(g->sc);
	struct result *r = mmap(NULL, RUNS_MAX * sizeof(*r), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (r == MAP_FAILED)
		die("memory");
	if (why) {
		fprintf(stderr, "kernel_pairs: %s: %s\n", g->file, why);
		return 2;
	}
	printf("%s, the kernel, %" PRIu64 " seeds: medians; goodput in kbit/s\n", g->sc->title, g->seeds);
	printf("%-44s %9s %9s %9s %7s %5s %5s %6s %7s %7s\n", "", "goodput", "least", "most", "resent", "rto",
	       "undue", "dsacks", "lost", "rtt ms");
	for (uint64_t k = 0; k < g->points; k++)
		if (!play_point(g, k, r, err, sizeof(err))) {
			fprintf(stderr, "kernel_pairs: %s\n", err);
			return 2;
		}
	printf("late by %.3f ms on average, %.1f at most, over 1 ms %.3f %% of the time\n",
	       late.n ? (double)late.sum / (double)late.n / MS : 0, (double)late.most / MS,
	       late.n ? 100 * (double)late.over_1ms / (double)late.n : 0);
	return 0;
}

int main(int argc, char **argv)
{
	const char *sets[GRID_SETS], *file = NULL;
	struct scenario_options opt = {.set = sets};
	struct grid g;
	char err[400];
	int code;

	for (int i = 1; i < argc; i++) {
		bool more = i + 1 < argc;

		if (more && strcmp(argv[i], "--pairs") == 0)
			npairs = atoi(argv[++i]);
		else if (more && strcmp(argv[i], "--limit") == 0)
			limit = atof(argv[++i]);
		else if (more && strcmp(argv[i], "--set") == 0 && opt.nset < GRID_SETS)
			sets[opt.nset++] = argv[++i];
		else
			file = argv[i];
	}
	if (!file || *file == '-' || npairs < 1 || npairs > PAIRS_MAX) {
		fprintf(stderr, "usage: kernel_pairs [--pairs N] [--limit SECONDS] [--set PATH=VALUE]... SCENARIO.yaml\n");
		return 2;
	}
	if (!grid_open(&g, file, &opt, err, sizeof(err))) {
		fprintf(stderr, "kernel_pairs: %s\n", err);
		return 2;
	}
	pkt_pool_init(&pool, POOL, POOL);
	be_prompt(2);
	code = play(&g);
	grid_close(&g);
	pkt_pool_free(&pool);
	return code;
}
