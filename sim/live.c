/* The real-time driver. It reads the clock once a turn, takes up to 64 frames, and sleeps when there
 * is nothing to do; before it sleeps it looks for frames for a bounded time, since a sleeping
 * process costs tens of microseconds to wake and a frame that is answered often has a successor.
 *
 * The end: a signal asks the applications to end in order, a second one ends at once; after the
 * applications have finished, the connections' last bytes get a bounded time to arrive. */
#define _GNU_SOURCE /* ppoll */
#include "live.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../stack/base/check.h"
#include "../stack/wire/print.h"
#include "../traces/js.h"
#include "capture.h"
#include "impair.h"
#include "record.h"

#define SPIN (50 * US)           /* busy polling before sleep */
#define SETTLE_LIMIT (3 * SEC)   /* for the last acknowledgements, once all has finished */
#define STOP_LIMIT (5 * SEC)     /* for an end in order, once it was asked for */
#define FLUSH_EVERY (200 * MS)   /* captures can be followed while they grow */
#define STDIN_BATCH 16384
#define ATOMIC 4096              /* a pipe that polls writable takes so much without blocking */

static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
	(void)sig;
	if (signals < 2)
		signals++;
}

struct live {
	struct session s;
	struct link *device, *impaired, *link; /* impaired NULL: none; link: what the host sees */
	struct recorder *rec;
	bool interactive, stdin_open, stdout_regular, stdout_gone;
	int stopped;          /* signals that were acted on */
	struct timespec origin;
	ns_t due, busy_since, finished_at, flushed_at;
	ns_t give_up_at; /* NS_NEVER until someone asked for the end */
	sigset_t ours;        /* SIGINT, SIGTERM */
	char why[256];        /* connect --json: what went wrong */
};

/* ---- the outside ---- */

static ns_t clock_now(const struct live *l)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (t.tv_sec - l->origin.tv_sec) * SEC + (t.tv_nsec - l->origin.tv_nsec);
}

static int64_t unix_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * SEC + t.tv_nsec;
}

static void draw(void *to, size_t len)
{
	if (getrandom(to, len, 0) != (ssize_t)len) {
		fprintf(stderr, "tapir: the system gives no random bytes\n");
		exit(2);
	}
}

static void fresh(void *arg, uint8_t entropy[TLS_ENTROPY], int64_t *unix_time)
{
	(void)arg;
	draw(entropy, TLS_ENTROPY);
	*unix_time = unix_now_ns() / SEC;
}

static bool ready_to_write(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	return poll(&p, 1, 0) == 1;
}

/* The peer's bytes to stdout, as far as that does not block. */
static size_t to_stdout(void *arg, const void *bytes, size_t len)
{
	struct live *l = arg;
	size_t done = 0;

	while (done < len && (l->stdout_regular || ready_to_write(1))) {
		size_t n = len - done;
		ssize_t w;

		if (!l->stdout_regular && n > ATOMIC)
			n = ATOMIC;
		w = write(1, (const char *)bytes + done, n);
		if (w < 0 && (errno == EINTR || errno == EAGAIN))
			break;
		if (w < 0) { /* nobody reads any more: end in order, take the rest as read */
			if (!l->stdout_gone)
				fprintf(stderr, "tapir connect: stdout: %s\n", strerror(errno));
			l->stdout_gone = true;
			return len;
		}
		done += (size_t)w;
	}
	return done;
}

static void record(struct live *l, enum record_kind kind, const void *bytes, size_t len)
{
	if (l->rec)
		record_user(l->rec, kind, bytes, len);
}

/* ---- a turn ---- */

struct user_news {
	uint8_t bytes[STDIN_BATCH];
	size_t n;
	bool end, writable, stop;
};

static bool look_at_stdin(struct live *l, struct user_news *u)
{
	struct pollfd p = {.fd = 0, .events = POLLIN};
	size_t room = app_pipe_room(l->s.app);
	ssize_t n;

	if (!l->stdin_open || room == 0 || poll(&p, 1, 0) != 1)
		return false;
	n = read(0, u->bytes, room < STDIN_BATCH ? room : STDIN_BATCH);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return false;
	u->n = n > 0 ? (size_t)n : 0;
	u->end = n <= 0;
	l->stdin_open = n > 0;
	return true;
}

static bool look_at_user(struct live *l, struct user_news *u)
{
	bool news = false;

	u->n = 0;
	u->end = u->writable = u->stop = false;
	if (signals > l->stopped || (l->stdout_gone && !l->stopped)) {
		l->stopped++;
		u->stop = news = true;
	}
	if (!l->interactive)
		return news;
	news |= look_at_stdin(l, u);
	if (app_pipe_blocked(l->s.app) && ready_to_write(1))
		u->writable = news = true;
	return news;
}

static void tell_user_news(struct live *l, const struct user_news *u)
{
	if (u->n) {
		record(l, REC_INPUT, u->bytes, u->n);
		app_pipe_push(l->s.app, u->bytes, u->n);
	}
	if (u->end) {
		record(l, REC_INPUT_END, NULL, 0);
		app_pipe_eof(l->s.app);
	}
	if (u->writable) {
		record(l, REC_WRITABLE, NULL, 0);
		app_pipe_writable(l->s.app);
	}
	if (u->stop) {
		record(l, REC_STOP, NULL, 0);
		host_stop(l->s.host);
	}
}

static void sleep_until_news(struct live *l, ns_t now)
{
	struct pollfd p[3] = {{.fd = -1}, {.fd = -1}, {.fd = -1}};
	struct timespec t, *timeout = NULL;
	sigset_t before;
	ns_t due = l->due;

	if (l->s.capture && now - l->flushed_at >= FLUSH_EVERY) {
		capture_flush(l->s.capture);
		l->flushed_at = now;
	}
	p[0].fd = l->link->ops->fd(l->link);
	p[0].events = (short)(POLLIN | (host_blocked(l->s.host) ? POLLOUT : 0));
	if (l->stdin_open && app_pipe_room(l->s.app) > 0)
		p[1] = (struct pollfd){.fd = 0, .events = POLLIN};
	if (l->interactive && app_pipe_blocked(l->s.app))
		p[2] = (struct pollfd){.fd = 1, .events = POLLOUT};
	if (due != NS_NEVER) {
		ns_t wait = ns_max(due - now, 0);

		t = (struct timespec){.tv_sec = wait / SEC, .tv_nsec = wait % SEC};
		timeout = &t;
	}
	/* Blocked from the last look on, and let in by ppoll alone: no signal is slept through. */
	sigprocmask(SIG_BLOCK, &l->ours, &before);
	if (signals > l->stopped)
		l->due = now;
	else if (ppoll(p, 3, timeout, &before) > 0 && (p[0].revents & POLLOUT))
		l->due = now; /* the link takes frames again */
	sigprocmask(SIG_SETMASK, &before, NULL);
}

/* Connections that still have something of ours on its way. */
static bool settled(struct stack *st)
{
	struct sock_info i;
	uint32_t cursor = 0;

	while (stack_walk(st, &cursor, &i))
		if (i.state != TCP_LISTEN && i.state != TCP_TIME_WAIT && i.state != TCP_FIN_WAIT_2 &&
		    i.state != TCP_CLOSED)
			return false;
	return true;
}

static bool is_over(struct live *l, ns_t now)
{
	if (l->stopped >= 2 || now >= l->give_up_at)
		return true;
	l->due = ns_min(l->due, l->give_up_at);
	if (!host_finished(l->s.host)) {
		l->finished_at = now;
		return false;
	}
	if (settled(l->s.host->stack) && !host_blocked(l->s.host))
		return l->due > now;
	l->due = ns_min(l->due, l->finished_at + SETTLE_LIMIT);
	return now >= l->finished_at + SETTLE_LIMIT;
}

static void run(struct live *l)
{
	struct host *h = l->s.host;
	struct pkt *in[HOST_BATCH];
	struct user_news user;

	l->due = 0;
	l->give_up_at = NS_NEVER;
	for (;;) {
		ns_t now = clock_now(l);
		bool news;
		size_t n;

		if (l->impaired)
			impair_advance(l->impaired, now);
		n = l->link->ops->recv(l->link, in, HOST_BATCH);
		news = look_at_user(l, &user);
		if (n == 0 && !news && now < l->due) {
			if (now - l->busy_since >= SPIN)
				sleep_until_news(l, now);
			continue;
		}
		if (l->rec)
			record_turn(l->rec, now, in, n);
		tell_user_news(l, &user);
		if (user.stop)
			l->give_up_at = now + STOP_LIMIT;
		host_turn(h, now, in, n);
		l->due = host_deadline(h);
		if (n > 0)
			l->busy_since = now;
		if (is_over(l, now))
			return;
	}
}

/* ---- beginning and end ---- */

/* An address of the kernel's would be answered by the kernel: with resets. */
static int check_not_kernels(const struct session_options *o)
{
	struct ifaddrs *all, *i;
	int bad = 0;

	if (getifaddrs(&all) < 0)
		return 0;
	for (i = all; i && !bad; i = i->ifa_next) {
		struct addr a;

		if (!i->ifa_addr)
			continue;
		if (i->ifa_addr->sa_family == AF_INET)
			a = addr_v4(ntohl(((struct sockaddr_in *)(void *)i->ifa_addr)->sin_addr.s_addr));
		else if (i->ifa_addr->sa_family == AF_INET6)
			memcpy(a.b, &((struct sockaddr_in6 *)(void *)i->ifa_addr)->sin6_addr, 16);
		else
			continue;
		for (uint8_t k = 0; k < o->naddrs; k++)
			if (addr_eq(&a, &o->addr[k].addr)) {
				char text[ADDR_TEXT];

				fprintf(stderr, "tapir %s: --addr %s is the kernel's own, on %s; the "
					"stack needs one that nobody has\n", o->command,
					addr_print(text, sizeof(text), &a), i->ifa_name);
				bad = 2;
			}
	}
	freeifaddrs(all);
	return bad;
}

static int open_links(struct live *l)
{
	const struct session_options *o = &l->s.opt;
	struct mac mac = session_mac(o);
	char err[512];

	if (o->tap)
		l->device = link_tap(&l->s.pool, o->tap, !o->no_offload && !o->impair, err, sizeof(err));
	else
		l->device = link_packet(&l->s.pool, o->raw, &mac, err, sizeof(err));
	l->link = l->device;
	if (l->device && o->impair) {
		l->impaired = impair_link(l->device, o->impair, o->seed, err, sizeof(err));
		l->link = l->impaired;
	}
	if (l->link)
		return 0;
	fprintf(stderr, "tapir %s: %s%s\n", o->command, l->device ? "--impair: " : "", err);
	return 2;
}

static int open_record(struct live *l, int argc, char **argv, struct outside *outside)
{
	char err[512];

	if (!l->s.opt.record)
		return 0;
	if (argc > RECORD_ARGS) {
		fprintf(stderr, "tapir: --record: more than %d words\n", RECORD_ARGS);
		return 2;
	}
	l->rec = record_open(l->s.opt.record, &l->s.opt, argc, argv, l->link, outside, err, sizeof(err));
	if (!l->rec) {
		fprintf(stderr, "tapir %s: %s\n", l->s.opt.command, err);
		return 2;
	}
	l->link = record_link(l->rec);
	*outside = record_outside(l->rec);
	return 0;
}

static void catch_signals(struct live *l)
{
	struct sigaction act = {.sa_handler = on_signal};

	sigemptyset(&l->ours);
	sigaddset(&l->ours, SIGINT);
	sigaddset(&l->ours, SIGTERM);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void say_where_json(const struct session_options *o, FILE *to)
{
	json_t *list = json_array();
	char text[ADDR_TEXT + 8];

	for (uint8_t i = 0; i < o->naddrs; i++)
		json_array_append_new(list, json_string(o->app ? endpoint_print(text, sizeof(text), &o->addr[i].addr, o->port)
							       : addr_print(text, sizeof(text), &o->addr[i].addr)));
	js_print(to, json_pack("{s:s, s:o, s:o, s:o}", "event", o->app ? "listening" : "speaking", "addresses", list, "device",
			       js_text(o->tap ? o->tap : o->raw), "seed", js_count(o->seed)), true);
}

static void say_where(const struct live *l)
{
	const struct session_options *o = &l->s.opt;
	char text[ADDR_TEXT + 8];

	if (o->quiet)
		return;
	if (o->json) {
		say_where_json(o, session_log(o).to);
		return;
	}
	for (uint8_t i = 0; i < o->naddrs; i++) {
		if (o->app)
			endpoint_print(text, sizeof(text), &o->addr[i].addr, o->port);
		else
			addr_print(text, sizeof(text), &o->addr[i].addr);
		fprintf(stderr, "%s%s", i ? ", " : o->app ? "listening on " : "speaking as ", text);
	}
	fprintf(stderr, " (%s, seed %llu)\n", o->tap ? o->tap : o->raw, (unsigned long long)o->seed);
}

/* One line, and the exit code that follows. */
static int outcome(struct live *l)
{
	const struct session_options *o = &l->s.opt;
	enum stream_verdict v = l->s.app->first_bad;
	const char *why = "";

	if (l->s.app->failed && !l->interactive) {
		fprintf(stderr, "tapir %s: cannot listen: %s\n", o->command, err_text(l->s.app->failed));
		return 2;
	}
	if (!l->interactive)
		return o->count && v != STREAM_GOING_ON ? stream_exit_code(v) : 0;
	v = app_pipe_verdict(l->s.app, &why);
	if (*why && o->json)
		snprintf(l->why, sizeof(l->why), "%s", why);
	else if (*why)
		fprintf(stderr, "tapir %s: %s\n", o->command, why);
	return l->stopped ? 1 : stream_exit_code(v);
}

static int close_all(struct live *l, int code)
{
	const struct session_options *o = &l->s.opt;
	FILE *events = l->s.host && o->json ? session_log(o).to : NULL;
	char err[512], impaired[512] = "";

	if (l->impaired && l->s.host && !o->quiet) {
		impair_report(l->impaired, impaired, sizeof(impaired));
		if (!o->json)
			fprintf(stderr, "impaired %s\n", impaired);
	}
	if (session_stop(&l->s) && code == 0)
		code = 1;
	if (l->impaired)
		l->impaired->ops->close(l->impaired);
	if (l->device)
		l->device->ops->close(l->device);
	session_free(&l->s);
	if (l->rec && !record_close(l->rec, err, sizeof(err))) {
		fprintf(stderr, "tapir: %s\n", err);
		code = code ? code : 1;
	}
	if (events)
		js_print(events, json_pack("{s:s, s:i, s:o, s:o}", "event", "end", "exit", code, "why",
					   l->why[0] ? js_text(l->why) : json_null(), "impaired",
					   impaired[0] ? js_text(impaired) : json_null()), true);
	return code;
}

int live_main(struct session_options *o, int argc, char **argv, bool interactive)
{
	struct outside outside = {.fresh = fresh, .out = to_stdout};
	struct live *l = calloc(1, sizeof(*l));
	struct stat st;
	int code;

	if (!l)
		return 2;
	outside.arg = l;
	l->interactive = l->stdin_open = interactive;
	l->stdout_regular = fstat(1, &st) == 0 && S_ISREG(st.st_mode);
	if (!o->has_seed) {
		draw(&o->seed, sizeof(o->seed));
		o->seed &= INT64_MAX; /* what --seed takes */
	}
	code = check_not_kernels(o);
	if (!code)
		code = session_open(&l->s, o);
	if (!code)
		code = open_links(l);
	if (!code)
		code = open_record(l, argc, argv, &outside);
	if (!code) {
		clock_gettime(CLOCK_MONOTONIC, &l->origin);
		code = session_start(&l->s, l->link, &outside, unix_now_ns());
	}
	if (!code) {
		catch_signals(l);
		say_where(l);
		run(l);
		code = outcome(l);
	}
	code = close_all(l, code);
	free(l);
	return code;
}
