/* poll and epoll on the descriptors of a script. */
#include "script_call.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>

static uint32_t poll_mask(struct runner *r, struct fd *f)
{
	uint32_t m = 0;

	if (f->listening) {
		if (!f->accepted)
			f->accepted = sock_accept(r->stack, f->sock);
		return f->accepted ? POLLIN : 0;
	}
	if (fd_look_error(r, f))
		m |= POLLERR;
	bool gone = f->bits & (SOCK_ERROR | SOCK_CLOSED);
	bool fin = gone || f->shut_rd || (f->bits & SOCK_FIN);

	if (!gone && !f->connected && !(f->bits & SOCK_CONNECTED))
		return m | (f->connecting ? 0 : POLLOUT | POLLHUP);
	if (sock_readable(r->stack, f->sock) || fin)
		m |= POLLIN;
	if (fin)
		m |= 0x2000; /* POLLRDHUP */
	if (gone || (fin && f->shut_wr))
		m |= POLLHUP;
	if (gone || f->shut_wr || sock_writable(r->stack, f->sock))
		m |= POLLOUT;
	return m;
}

static bool timed_out(struct runner *r, struct attempt *a, int64_t ms)
{
	if (!a->step) {
		a->step = 1;
		a->deadline = ms < 0 ? NS_NEVER : r->now + ms * MS;
	}
	return r->now >= a->deadline;
}

int64_t call_poll(struct runner *r, struct attempt *a)
{
	const struct expr *list = arg_expr(a, 0);
	uint32_t have[16] = {0};
	int64_t v, n = 0;

	fd_events(r);
	for (int i = 0; list && i < list->n && i < 16; i++) {
		const struct expr *fd = arg_member(list->kid[i], "fd"), *ev = arg_member(list->kid[i], "events");
		int64_t num = -1, events = 0;
		struct fd *f;

		if (fd)
			arg_value(fd, &num);
		if (ev)
			arg_value(ev, &events);
		f = fd_find(r, (int)num);
		have[i] = f && f->kind == FD_TCP
				  ? poll_mask(r, f) & ((uint32_t)events | POLLERR | POLLHUP)
				  : POLLNVAL;
		n += have[i] != 0;
	}
	if (!n && !timed_out(r, a, arg_int(r, a, 2, 0)))
		return CALL_BLOCKS;
	for (int i = 0; list && i < list->n && i < 16; i++) {
		const struct expr *want = arg_member(list->kid[i], "revents");

		if (want && arg_value(want, &v) && v != have[i])
			run_fail(r, a->line, "poll: expected revents 0x%llx, got 0x%x", (long long)v, have[i]);
	}
	return n;
}

int64_t call_epoll_create(struct runner *r, struct attempt *a)
{
	struct fd *f = fd_new(r, a, FD_EPOLL);

	return f ? f->num : -ENOBUFS;
}

int64_t call_epoll_ctl(struct runner *r, struct attempt *a)
{
	struct fd *e = fd_arg(r, a);
	int64_t op = arg_int(r, a, 1, 0), num = arg_int(r, a, 2, -1), events = 0, data = 0;
	const struct expr *x = arg_expr(a, 3), *ev = arg_member(x, "events"), *d = arg_member(x, "fd");
	int at = 0;

	if (!e || e->kind != FD_EPOLL || !fd_find(r, (int)num))
		return -EBADF;
	if (!d)
		d = arg_member(x, "ptr") ? arg_member(x, "ptr") : arg_member(x, "u32") ? arg_member(x, "u32") : arg_member(x, "u64");
	if (ev)
		arg_value(ev, &events);
	if (d)
		arg_value(d, &data);
	while (at < e->nwatch && e->watch[at].fd != num)
		at++;
	if (op == EPOLL_CTL_ADD && at < e->nwatch)
		return -EEXIST;
	if (op != EPOLL_CTL_ADD && at == e->nwatch)
		return -ENOENT;
	if (op == EPOLL_CTL_DEL) {
		e->watch[at] = e->watch[--e->nwatch];
		return 0;
	}
	if (at == e->nwatch && e->nwatch++ == 8)
		return -ENOBUFS;
	e->watch[at] = (struct watch){(int)num, (uint32_t)events, data, true};
	return 0;
}

int64_t call_epoll_wait(struct runner *r, struct attempt *a)
{
	struct fd *e = fd_arg(r, a);
	const struct expr *x = arg_expr(a, 1);
	int64_t n = 0, max = arg_int(r, a, 2, 1), v;

	if (!e || e->kind != FD_EPOLL)
		return -EBADF;
	fd_events(r);
	for (int i = 0; i < e->nwatch && n < max; i++) {
		struct watch *w = &e->watch[i];
		struct fd *f = fd_find(r, w->fd);
		uint32_t mask = f ? poll_mask(r, f) & (w->events | EPOLLERR | EPOLLHUP) : 0;
		const struct expr *want = arg_member(x, "events");

		if (!mask || ((w->events & (1u << 31)) && !w->armed) || !w->events)
			continue;
		w->armed = false;
		if (w->events & EPOLLONESHOT)
			w->events = 0;
		if (n++ == 0 && want && arg_value(want, &v) && v != mask)
			run_fail(r, a->line, "epoll_wait: expected events 0x%llx, got 0x%x", (long long)v,
				 mask);
	}
	if (!n && !timed_out(r, a, arg_int(r, a, 3, 0)))
		return CALL_BLOCKS;
	return n;
}
