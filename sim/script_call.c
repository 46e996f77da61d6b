/* Socket calls of a script on the stack's handles: which there are, those that open and close, and the check of
 * results. A call is tried; if it would block, the runner tries again whenever something has happened.
 *
 *   script_arg.c       arguments, errno          script_fd.c    descriptors
 *   script_transfer.c  read, write and kin       script_poll.c  poll, epoll
 *   script_sockopt.c   socket options, fcntl     script_info.c  tcp_info */
#include "script_call.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* ---- opening and closing ---- */

static int64_t call_socket(struct runner *r, struct attempt *a)
{
	int64_t type = arg_int(r, a, 1, SOCK_STREAM);
	struct tcp_config cfg = r->env.tcp;
	struct fd *f;

	if ((type & ~SOCK_NONBLOCK) != SOCK_STREAM) {
		run_skip(r, a->line, "only stream sockets");
		return -EINVAL;
	}
	if (!(f = fd_new(r, a, FD_TCP)))
		return -ENOBUFS;
	f->sock = sock_open(r->stack);
	if (!f->sock) {
		f->kind = FD_FREE;
		return -ENOBUFS;
	}
	f->nonblock = type & SOCK_NONBLOCK;
	int e = sock_configure(r->stack, f->sock, &cfg);

	if (e < 0)
		return -errno_of(e);
	if (r->env.notsent_lowat)
		sock_set(r->stack, f->sock, OPT_NOTSENT_LOWAT, r->env.notsent_lowat);
	fd_put_under_test(r, f);
	return f->num;
}

static int64_t call_bind(struct runner *r, struct attempt *a)
{
	struct fd *f = fd_tcp_arg(r, a);
	struct addr addr = r->local;
	uint16_t port = r->bind_port;
	int e;

	if (!f)
		return -EBADF;
	arg_address(arg_expr(a, 1), &addr, &port);
	e = sock_bind(r->stack, f->sock, &addr, port);
	if (e < 0)
		return -errno_of(e);
	r->lport = port;
	return 0;
}

static int64_t call_listen(struct runner *r, struct attempt *a)
{
	struct fd *f = fd_tcp_arg(r, a);
	int64_t backlog = arg_int(r, a, 1, 1);
	int e;

	if (!f)
		return -EBADF;
	/* Linux and FreeBSD let one more than the number wait. */
	e = sock_listen(r->stack, f->sock, backlog < 0 ? 1 : (uint32_t)backlog + 1);
	if (e < 0)
		return -errno_of(e);
	f->listening = true;
	if (r->remote_isn_known) { /* the peer of a second listener comes from another port */
		r->rport++;
		r->remote_isn_known = false;
	}
	return 0;
}

static sock_t take_accepted(struct runner *r, struct fd *f)
{
	sock_t s = f->accepted ? f->accepted : sock_accept(r->stack, f->sock);

	f->accepted = 0;
	return s;
}

static int64_t call_accept(struct runner *r, struct attempt *a)
{
	struct fd *f = fd_tcp_arg(r, a), *n;
	sock_t s;

	if (!f)
		return -EBADF;
	if (!f->listening)
		return -EINVAL;
	s = take_accepted(r, f);
	if (!s)
		return f->nonblock ? -EAGAIN : CALL_BLOCKS;
	n = fd_new(r, a, FD_TCP);
	if (!n)
		return -ENOBUFS;
	n->sock = s;
	n->connected = true;
	n->inq = f->inq;
	if (r->env.notsent_lowat)
		sock_set(r->stack, s, OPT_NOTSENT_LOWAT, r->env.notsent_lowat);
	n->nonblock = a->call->nargs > 3 && (arg_int(r, a, 3, 0) & SOCK_NONBLOCK);
	fd_put_under_test(r, n);
	return n->num;
}

int64_t call_connect_result(struct runner *r, struct fd *f)
{
	int e;

	fd_events(r);
	if (f->bits & SOCK_CONNECTED) {
		f->connecting = false;
		f->connected = true;
		return 0;
	}
	e = fd_look_error(r, f);
	if (e) {
		f->connecting = false;
		f->error = 0;
		return -errno_of(e);
	}
	return f->nonblock ? -EINPROGRESS : CALL_BLOCKS;
}

void call_has_connected(struct runner *r, struct fd *f, uint16_t port)
{
	f->connecting = true;
	f->bits &= ~(uint32_t)SOCK_CONNECTED;
	r->rport = port;
	r->iss_may_change = r->opening = true;
	r->remote_isn_known = false;
	fd_put_under_test(r, f);
}

static int64_t call_connect(struct runner *r, struct attempt *a)
{
	struct fd *f = fd_tcp_arg(r, a);
	struct addr to = r->remote;
	uint16_t port = r->connect_port;
	int e;

	if (!f)
		return -EBADF;
	if (a->step)
		return call_connect_result(r, f);
	if (f->connecting) {
		int64_t v = call_connect_result(r, f);

		return v == -EINPROGRESS || v == CALL_BLOCKS ? -EALREADY : v;
	}
	arg_address(arg_expr(a, 1), &to, &port);
	if (f->fastopen_connect && sock_syn_room(r->stack, f->sock, &to)) {
		f->later = true;
		f->later_to = to;
		f->later_port = port;
		return 0;
	}
	e = f->fastopen_connect ? sock_connect_data(r->stack, f->sock, &to, port, NULL, 0) :
			       sock_connect(r->stack, f->sock, &to, port);
	if (e < 0 && e != ERR_INPROGRESS)
		return -errno_of(e);
	a->step = 1;
	call_has_connected(r, f, port);
	return call_connect_result(r, f);
}

static int64_t call_shutdown(struct runner *r, struct attempt *a)
{
	struct fd *f = fd_tcp_arg(r, a);
	int64_t how = arg_int(r, a, 1, SHUT_WR);
	int e = 0;

	if (!f)
		return -EBADF;
	if (how != SHUT_RD)
		e = sock_shutdown(r->stack, f->sock);
	if (e < 0)
		return -errno_of(e);
	f->shut_rd |= how != SHUT_WR;
	f->shut_wr |= how != SHUT_RD;
	return 0;
}

static int64_t call_close(struct runner *r, struct attempt *a)
{
	struct fd *f = fd_arg(r, a);

	if (!f)
		return -EBADF;
	if (f->accepted)
		sock_abort(r->stack, f->accepted);
	if (f->kind == FD_TCP && f->abort_on_close)
		sock_abort(r->stack, f->sock);
	else if (f->kind == FD_TCP)
		sock_close(r->stack, f->sock);
	for (int i = 0; i < RUN_FDS; i++)
		for (int w = 0; w < r->fd[i].nwatch; w++)
			if (r->fd[i].watch[w].fd == f->num)
				r->fd[i].watch[w--] = r->fd[i].watch[--r->fd[i].nwatch];
	*f = (struct fd){0};
	return 0;
}

/* ---- the table ---- */

static const struct {
	const char *name;
	int64_t (*run)(struct runner *, struct attempt *);
} calls[] = {
	{"socket", call_socket}, {"bind", call_bind}, {"listen", call_listen}, {"accept", call_accept},
	{"accept4", call_accept}, {"connect", call_connect}, {"shutdown", call_shutdown}, {"close", call_close},
	{"read", call_read}, {"readv", call_read}, {"recv", call_read}, {"recvfrom", call_read},
	{"recvmsg", call_read}, {"write", call_write}, {"writev", call_write}, {"send", call_write},
	{"sendto", call_write}, {"sendmsg", call_write}, {"fcntl", call_fcntl}, {"ioctl", call_ioctl},
	{"getsockopt", call_getsockopt}, {"setsockopt", call_setsockopt}, {"poll", call_poll},
	{"epoll_create", call_epoll_create}, {"epoll_ctl", call_epoll_ctl}, {"epoll_wait", call_epoll_wait},
};

int64_t call_try(struct runner *r, struct attempt *a)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(calls[i].name, a->call->name) == 0)
			return calls[i].run(r, a);
	run_skip(r, a->line, "call %s is not known here", a->call->name);
	return -EINVAL;
}

bool call_check(struct runner *r, const struct attempt *a, int64_t value, int err)
{
	const struct script_call *c = a->call;
	int64_t want = 0, want_err = 0;

	if (r->failed)
		return false;
	if (c->result->kind != EX_ANY && !arg_value(c->result, &want))
		return run_skip(r, a->line, "result of %s is not understood", c->name);
	if (c->err && !errno_by_word(c->err, &want_err))
		return run_skip(r, a->line, "errno %s is not known here", c->err);
	if (c->result->kind != EX_ANY && want != value)
		return run_fail(r, a->line, "%s: expected %lld%s%s, got %lld%s%s", c->name, (long long)want,
				c->err ? " " : "", c->err ? c->err : "", (long long)value, err ? " " : "",
				err ? errno_name(err) : "");
	if (value == -1 && c->err && want_err != err)
		return run_fail(r, a->line, "%s: expected -1 %s, got -1 %s", c->name, c->err,
				errno_name(err));
	return true;
}
