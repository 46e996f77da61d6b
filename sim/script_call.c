/* Socket calls of a script on the stack's handles: what POSIX adds to them (descriptors, errno,
 * blocking, poll, epoll, options with their units) and the check of results. A call is tried; if it
 * would block, the runner tries again whenever something has happened. */
#include "script_run.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "../stack/config.h"
#include "../stack/wire/print.h"

/* ---- numbers behind words ---- */

#define WORD(x) {#x, x}
static const struct {
	const char *word;
	int64_t value;
} words[] = {
	WORD(AF_INET), WORD(AF_INET6), WORD(AF_UNSPEC), WORD(SOCK_STREAM), WORD(SOCK_DGRAM),
	WORD(SOCK_NONBLOCK), WORD(IPPROTO_TCP), WORD(IPPROTO_UDP), WORD(IPPROTO_IP), WORD(IPPROTO_IPV6),
	WORD(O_RDWR), WORD(O_NONBLOCK), WORD(F_GETFL), WORD(F_SETFL), WORD(SHUT_RD), WORD(SHUT_WR),
	WORD(SHUT_RDWR), WORD(POLLIN), WORD(POLLOUT), WORD(POLLERR), WORD(POLLHUP), WORD(POLLPRI),
	{"POLLRDHUP", 0x2000}, WORD(EPOLLIN), WORD(EPOLLOUT), WORD(EPOLLERR), WORD(EPOLLHUP),
	WORD(EPOLLRDHUP), {"EPOLLET", 1u << 31}, WORD(EPOLLONESHOT), WORD(EPOLLEXCLUSIVE),
	WORD(EPOLL_CTL_ADD), WORD(EPOLL_CTL_MOD), WORD(EPOLL_CTL_DEL), WORD(MSG_PEEK), WORD(MSG_DONTWAIT),
	WORD(MSG_NOSIGNAL), WORD(MSG_MORE), WORD(MSG_EOR), WORD(MSG_TRUNC), WORD(MSG_WAITALL),
	WORD(MSG_FASTOPEN), WORD(MSG_ERRQUEUE), {"MSG_ZEROCOPY", 0x4000000},
	{"SIOCINQ", FIONREAD}, WORD(FIONREAD), {"SIOCOUTQ", TIOCOUTQ}, {"NULL", 0},
	{"IPTOS_DSCP_CS1", 0x20}, {"IPTOS_DSCP_CS7", 0xe0}, {"IP_PMTUDISC_DONT", 0},
	{"IP_PMTUDISC_WANT", 1}, {"IP_PMTUDISC_DO", 2}, {"TCP_CM_INQ", 36}, {"SOL_TCP", 6},
};

static const struct {
	const char *word;
	int value;
} errnos[] = {
	WORD(EAGAIN), {"EWOULDBLOCK", EAGAIN}, WORD(EBADF), WORD(EINVAL), WORD(EADDRINUSE), WORD(ENOBUFS),
	WORD(EISCONN), WORD(ENOTCONN), WORD(ECONNREFUSED), WORD(ECONNRESET), WORD(ETIMEDOUT),
	WORD(EHOSTUNREACH), WORD(ENETUNREACH), WORD(EPIPE), WORD(EADDRNOTAVAIL), WORD(EINPROGRESS),
	WORD(EALREADY), WORD(ECONNABORTED), WORD(EOPNOTSUPP), WORD(EMSGSIZE), WORD(EFAULT),
	WORD(ENOPROTOOPT), WORD(ENOMSG), WORD(EPROTO), WORD(EDOM), WORD(ENOENT), WORD(EEXIST),
};
#undef WORD

const char *call_errno_name(int err)
{
	for (size_t i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++)
		if (errnos[i].value == err)
			return errnos[i].word;
	return err ? "an errno without a name" : "no error";
}

static bool errno_value(const char *word, int64_t *v)
{
	for (size_t i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++)
		if (strcmp(errnos[i].word, word) == 0) {
			*v = errnos[i].value;
			return true;
		}
	return false;
}

static int to_errno(int err)
{
	switch ((enum err)err) {
	case ERR_AGAIN:
		return EAGAIN;
	case ERR_BADSOCK:
		return EBADF;
	case ERR_INVAL:
		return EINVAL;
	case ERR_INUSE:
		return EADDRINUSE;
	case ERR_NOMEM:
		return ENOBUFS;
	case ERR_ISCONN:
		return EISCONN;
	case ERR_NOTCONN:
		return ENOTCONN;
	case ERR_REFUSED:
		return ECONNREFUSED;
	case ERR_RESET:
		return ECONNRESET;
	case ERR_TIMEDOUT:
		return ETIMEDOUT;
	case ERR_UNREACH:
		return EHOSTUNREACH;
	case ERR_PIPE:
		return EPIPE;
	case ERR_ADDRNOTAVAIL:
		return EADDRNOTAVAIL;
	case ERR_INPROGRESS:
		return EINPROGRESS;
	case ERR_ALREADY:
		return EALREADY;
	case ERR_ABORTED:
		return ECONNABORTED;
	case ERR_OPNOTSUPP:
		return EOPNOTSUPP;
	case ERR_MSGSIZE:
		return EMSGSIZE;
	}
	return EINVAL;
}

/* ---- arguments ---- */

/* The value of numbers, known words and their combinations with '|'. */
static bool int_of(const struct expr *x, int64_t *v)
{
	int64_t a, b;

	switch (x->kind) {
	case EX_INT:
		*v = x->v;
		return true;
	case EX_WORD:
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (strcmp(words[i].word, x->text) == 0) {
				*v = words[i].value;
				return true;
			}
		return errno_value(x->text, v);
	case EX_OR:
		if (!int_of(x->kid[0], &a) || !int_of(x->kid[1], &b))
			return false;
		*v = a | b;
		return true;
	default:
		return false;
	}
}

static int64_t arg_int(struct runner *r, const struct attempt *a, int i, int64_t dflt)
{
	int64_t v = dflt;

	if (i < a->call->nargs && a->call->arg[i]->kind != EX_ANY && !int_of(a->call->arg[i], &v))
		run_skip(r, a->call->arg[i]->line, "argument %d of %s: '%s' is not known here", i + 1,
			 a->call->name, a->call->arg[i]->text ? a->call->arg[i]->text : "this");
	return v;
}

static const struct expr *arg(const struct attempt *a, int i)
{
	return i < a->call->nargs ? a->call->arg[i] : NULL;
}

static const char *arg_word(const struct attempt *a, int i)
{
	const struct expr *x = arg(a, i);

	return x && x->kind == EX_WORD ? x->text : "";
}

/* The value of `name=value` in a struct or list; NULL: not there. */
static const struct expr *member(const struct expr *x, const char *name)
{
	for (int i = 0; x && i < x->n; i++) {
		const struct expr *k = x->kid[i];

		if (k->kind == EX_SET && k->kid[0]->text && strcmp(k->kid[0]->text, name) == 0)
			return k->kid[1];
	}
	return NULL;
}

/* inet_addr("1.2.3.4") and htons(80) inside a socket address. */
static void address_of(const struct expr *x, struct addr *a, uint16_t *port)
{
	const struct expr *p = member(x, "sin_port"), *s = member(x, "sin_addr");
	int64_t v;

	if (!p)
		p = member(x, "sin6_port");
	if (!s)
		s = member(x, "sin6_addr");
	if (p && p->kind == EX_APPLY && p->n == 1 && int_of(p->kid[0], &v))
		*port = (uint16_t)v;
	if (s && s->kind == EX_APPLY && s->n >= 1) {
		const struct expr *t = s->kid[s->n - 1];

		if (t->kind == EX_STRING && strcmp(t->text, "0.0.0.0") != 0)
			addr_scan(t->text, a);
	}
}

/* ---- descriptors ---- */

static struct fd *fd_find(struct runner *r, int num)
{
	for (int i = 0; i < RUN_FDS; i++)
		if (r->fd[i].kind != FD_FREE && r->fd[i].num == num)
			return &r->fd[i];
	return NULL;
}

static struct fd *fd_arg(struct runner *r, const struct attempt *a)
{
	return fd_find(r, (int)arg_int(r, a, 0, -1));
}

static struct fd *tcp_arg(struct runner *r, const struct attempt *a)
{
	struct fd *f = fd_arg(r, a);

	return f && f->kind == FD_TCP ? f : NULL;
}

/* The number that the script expects to get. */
static struct fd *fd_new(struct runner *r, const struct attempt *a, enum fd_kind kind)
{
	int64_t num = -1;

	if (!int_of(a->call->result, &num) || num < 0)
		for (num = 3; fd_find(r, (int)num);)
			num++;
	for (int i = 0; i < RUN_FDS; i++)
		if (r->fd[i].kind == FD_FREE) {
			r->fd[i] = (struct fd){.kind = kind, .num = (int)num};
			return &r->fd[i];
		}
	return NULL;
}

static void set_under_test(struct runner *r, const struct fd *f)
{
	r->under_test = (int)(f - r->fd);
}

/* The pending error, once: the stack's goes with the first look. */
static int take_error(struct runner *r, struct fd *f)
{
	int e = f->error ? f->error : sock_error(r->stack, f->sock);

	f->error = 0;
	return e;
}

static int look_error(struct runner *r, struct fd *f)
{
	if (!f->error && f->sock)
		f->error = sock_error(r->stack, f->sock);
	return f->error;
}

void call_events(struct runner *r)
{
	struct sock_event e[16];
	size_t n;

	while ((n = stack_events(r->stack, e, 16)) > 0)
		for (size_t i = 0; i < n; i++)
			for (int k = 0; k < RUN_FDS; k++) {
				struct fd *f = &r->fd[k];

				if (f->kind == FD_TCP && f->sock == e[i].sock)
					f->bits |= e[i].bits;
				for (int w = 0; f->kind == FD_EPOLL && w < f->nwatch; w++) {
					struct fd *t = fd_find(r, f->watch[w].fd);

					if (t && t->sock == e[i].sock)
						f->watch[w].armed = true;
				}
			}
}

/* ---- opening and closing ---- */

static int64_t do_socket(struct runner *r, struct attempt *a)
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
		return -to_errno(e);
	if (r->env.notsent_lowat)
		sock_set(r->stack, f->sock, OPT_NOTSENT_LOWAT, r->env.notsent_lowat);
	set_under_test(r, f);
	return f->num;
}

static int64_t do_bind(struct runner *r, struct attempt *a)
{
	struct fd *f = tcp_arg(r, a);
	struct addr addr = r->local;
	uint16_t port = r->bind_port;
	int e;

	if (!f)
		return -EBADF;
	address_of(arg(a, 1), &addr, &port);
	e = sock_bind(r->stack, f->sock, &addr, port);
	if (e < 0)
		return -to_errno(e);
	r->lport = port;
	return 0;
}

static int64_t do_listen(struct runner *r, struct attempt *a)
{
	struct fd *f = tcp_arg(r, a);
	int64_t backlog = arg_int(r, a, 1, 1);
	int e;

	if (!f)
		return -EBADF;
	/* Linux and FreeBSD let one more than the number wait. */
	e = sock_listen(r->stack, f->sock, backlog < 0 ? 1 : (uint32_t)backlog + 1);
	if (e < 0)
		return -to_errno(e);
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

static int64_t do_accept(struct runner *r, struct attempt *a)
{
	struct fd *f = tcp_arg(r, a), *n;
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
	set_under_test(r, n);
	return n->num;
}

static int64_t connect_result(struct runner *r, struct fd *f)
{
	int e;

	call_events(r);
	if (f->bits & SOCK_CONNECTED) {
		f->connecting = false;
		f->connected = true;
		return 0;
	}
	e = look_error(r, f);
	if (e) {
		f->connecting = false;
		f->error = 0;
		return -to_errno(e);
	}
	return f->nonblock ? -EINPROGRESS : CALL_BLOCKS;
}

static void has_connected(struct runner *r, struct fd *f, uint16_t port)
{
	f->connecting = true;
	f->bits &= ~(uint32_t)SOCK_CONNECTED;
	r->rport = port;
	r->iss_may_change = r->opening = true;
	r->remote_isn_known = false;
	set_under_test(r, f);
}

static int64_t do_connect(struct runner *r, struct attempt *a)
{
	struct fd *f = tcp_arg(r, a);
	struct addr to = r->remote;
	uint16_t port = r->connect_port;
	int e;

	if (!f)
		return -EBADF;
	if (a->step)
		return connect_result(r, f);
	if (f->connecting) {
		int64_t v = connect_result(r, f);

		return v == -EINPROGRESS || v == CALL_BLOCKS ? -EALREADY : v;
	}
	address_of(arg(a, 1), &to, &port);
	if (f->fastopen_connect && sock_syn_room(r->stack, f->sock, &to)) {
		f->later = true;
		f->later_to = to;
		f->later_port = port;
		return 0;
	}
	e = f->fastopen_connect ? sock_connect_data(r->stack, f->sock, &to, port, NULL, 0) :
			       sock_connect(r->stack, f->sock, &to, port);
	if (e < 0 && e != ERR_INPROGRESS)
		return -to_errno(e);
	a->step = 1;
	has_connected(r, f, port);
	return connect_result(r, f);
}

static int64_t do_shutdown(struct runner *r, struct attempt *a)
{
	struct fd *f = tcp_arg(r, a);
	int64_t how = arg_int(r, a, 1, SHUT_WR);
	int e = 0;

	if (!f)
		return -EBADF;
	if (how != SHUT_RD)
		e = sock_shutdown(r->stack, f->sock);
	if (e < 0)
		return -to_errno(e);
	f->shut_rd |= how != SHUT_WR;
	f->shut_wr |= how != SHUT_RD;
	return 0;
}

static int64_t do_close(struct runner *r, struct attempt *a)
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

/* ---- data ---- */

/* Sum of the lengths in `[{..., 10}, {..., 5}]`. */
static int64_t iov_len(const struct expr *list)
{
	int64_t sum = 0, v;

	for (int i = 0; list && i < list->n; i++)
		if (list->kid[i]->kind == EX_STRUCT && list->kid[i]->n == 2 &&
		    int_of(list->kid[i]->kid[1], &v))
			sum += v;
	return sum;
}

/* `msg_iov(1)=[...]` in a message header. */
static int64_t msg_len(const struct expr *msg)
{
	for (int i = 0; msg && i < msg->n; i++) {
		const struct expr *k = msg->kid[i];

		if (k->kind == EX_SET && k->kid[0]->text && strcmp(k->kid[0]->text, "msg_iov") == 0)
			return iov_len(k->kid[1]);
	}
	return 0;
}

static int64_t transfer_len(struct runner *r, const struct attempt *a)
{
	const char *name = a->call->name;

	if (strcmp(name, "readv") == 0 || strcmp(name, "writev") == 0)
		return iov_len(arg(a, 1));
	if (strcmp(name, "recvmsg") == 0 || strcmp(name, "sendmsg") == 0)
		return msg_len(arg(a, 1));
	return arg_int(r, a, 2, 0);
}

static int64_t transfer_flags(struct runner *r, const struct attempt *a)
{
	const char *name = a->call->name;

	if (strcmp(name, "recvmsg") == 0 || strcmp(name, "sendmsg") == 0)
		return arg_int(r, a, 2, 0);
	return strncmp(name, "recv", 4) == 0 || strncmp(name, "send", 4) == 0 ? arg_int(r, a, 3, 0) : 0;
}

static int64_t read_some(struct runner *r, struct fd *f, int64_t len)
{
	static uint8_t buf[65536];
	int64_t got = 0;

	while (got < len) {
		size_t want = len - got < (int64_t)sizeof(buf) ? (size_t)(len - got) : sizeof(buf);
		int64_t n = sock_recv(r->stack, f->sock, buf, want);

		if (n < 0)
			return got ? got : n;
		for (int64_t i = 0; i < n; i++)
			if (buf[i])
				r->overflow = true; /* nobody sends anything but zeros */
		got += n;
		if (!n)
			break;
	}
	return got;
}

static bool check_inq(struct runner *r, struct attempt *a, struct fd *f)
{
	const struct expr *control = member(arg(a, 1), "msg_control");
	int64_t want;

	for (int i = 0; control && i < control->n; i++) {
		const struct expr *type = member(control->kid[i], "cmsg_type");
		const struct expr *data = member(control->kid[i], "cmsg_data");

		if (!type || !type->text || strcmp(type->text, "TCP_CM_INQ") != 0)
			return run_skip(r, a->line, "this control message is not known here");
		int64_t have = (int64_t)sock_readable(r->stack, f->sock);

		have += !have && (f->bits & SOCK_FIN); /* Linux says 1 when only a FIN is left */
		if (!data || !int_of(data, &want) || want != have)
			return run_fail(r, a->line, "expected TCP_CM_INQ %lld, got %lld",
					data ? (long long)want : 0LL, (long long)have);
	}
	return true;
}

static int64_t do_read(struct runner *r, struct attempt *a)
{
	struct fd *f = tcp_arg(r, a);
	int64_t len = transfer_len(r, a), flags = transfer_flags(r, a), n;
	bool nonblock = f && (f->nonblock || (flags & MSG_DONTWAIT));

	if (!f)
		return -EBADF;
	if (flags & MSG_ERRQUEUE) {
		run_skip(r, a->line, "no error queue");
		return -EAGAIN;
	}
	if (f->listening)
		return -ENOTCONN;
	if (flags & MSG_PEEK) {
		size_t have = sock_readable(r->stack, f->sock);

		if (have)
			return have < (size_t)len ? (int64_t)have : len;
		n = look_error(r, f) ? look_error(r, f) : f->bits & SOCK_FIN ? 0 : ERR_AGAIN;
	} else {
		if (f->error && !sock_readable(r->stack, f->sock))
			return -to_errno(take_error(r, f));
		n = read_some(r, f, len);
	}
	if (n == ERR_AGAIN && f->shut_rd)
		return 0;
	if (n == ERR_AGAIN)
		return nonblock ? -EAGAIN : CALL_BLOCKS;
	if (n >= 0 && f->inq && strcmp(a->call->name, "recvmsg") == 0 && !check_inq(r, a, f))
		return -EINVAL;
	return n < 0 ? -to_errno((int)n) : n;
}

static int64_t write_some(struct runner *r, struct fd *f, int64_t len)
{
	static const uint8_t zeros[65536];
	int64_t done = 0;

	while (done < len) {
		size_t want = len - done < (int64_t)sizeof(zeros) ? (size_t)(len - done) : sizeof(zeros);
		int64_t n = sock_send(r->stack, f->sock, zeros, want);

		if (n < 0)
			return done ? done : n;
		done += n;
		if ((size_t)n < want)
			break;
	}
	return done || !len ? done : ERR_AGAIN;
}

/* Linux's Fast Open: connects, and says how much went with the SYN. Without a cookie it only connects. Who blocks
 * writes the rest when there is a connection. */
static int64_t open_with(struct runner *r, struct attempt *a, struct fd *f, int64_t len, bool nonblock)
{
	static const uint8_t zeros[65536];
	struct addr to = f->later ? f->later_to : r->remote;
	uint16_t port = f->later ? f->later_port : r->connect_port;
	uint32_t room;
	int n;

	if (!f->later)
		address_of(arg(a, 4), &to, &port);
	room = sock_syn_room(r->stack, f->sock, &to);
	n = sock_connect_data(r->stack, f->sock, &to, port, zeros, len < (int64_t)room ? (size_t)len : room);
	if (n < 0)
		return -to_errno(n);
	f->later = false;
	has_connected(r, f, port);
	a->done = (uint64_t)n;
	if (!nonblock)
		return CALL_BLOCKS;
	return n ? n : -EINPROGRESS;
}

/* FreeBSD's Fast Open: sendto with an address on a socket that has the option connects and queues. */
static int64_t send_and_connect(struct runner *r, struct attempt *a, struct fd *f, int64_t len)
{
	static const uint8_t zeros[65536];
	struct addr to = r->remote;
	uint16_t port = r->connect_port;
	int n;

	address_of(arg(a, 4), &to, &port);
	n = sock_connect_data(r->stack, f->sock, &to, port, zeros,
			      len < (int64_t)sizeof(zeros) ? (size_t)len : sizeof(zeros));
	if (n < 0)
		return -to_errno(n);
	has_connected(r, f, port);
	return n;
}

/* A blocking call comes back when all is taken; each try may bring it further. */
static int64_t do_write(struct runner *r, struct attempt *a)
{
	struct fd *f = tcp_arg(r, a);
	int64_t len = transfer_len(r, a), flags = transfer_flags(r, a), n;
	bool nonblock = f && (f->nonblock || (flags & MSG_DONTWAIT));

	if (!f)
		return -EBADF;
	if (flags & 0x4000000) {
		run_skip(r, a->line, "no MSG_ZEROCOPY");
		return -EINVAL;
	}
	if ((flags & MSG_FASTOPEN && !f->connecting && !f->connected) || f->later)
		return open_with(r, a, f, len, nonblock);
	if (f->fastopen && !f->connecting && !f->connected && !f->listening && a->call->nargs > 4)
		return send_and_connect(r, a, f, len);
	if (f->error)
		return -to_errno(take_error(r, f));
	if (f->shut_wr)
		return -EPIPE;
	if (f->connecting && !f->connected) {
		int64_t c = connect_result(r, f);

		if (c == -EINPROGRESS || c == CALL_BLOCKS)
			return nonblock ? -EAGAIN : CALL_BLOCKS;
		if (c < 0)
			return c;
	}
	if (a->step) { /* who sleeps here is woken when there is room worth while, not for the first byte */
		call_events(r);
		if (!(f->bits & (SOCK_WRITABLE | SOCK_ERROR | SOCK_CLOSED)))
			return CALL_BLOCKS;
	}
	f->bits &= ~(uint32_t)SOCK_WRITABLE;
	n = write_some(r, f, len - (int64_t)a->done);
	if (n > 0)
		a->done += (uint64_t)n;
	if ((flags & MSG_EOR) && (int64_t)a->done == len)
		sock_end_record(r->stack, f->sock);
	if ((flags & MSG_MORE) && n > 0)
		sock_more(r->stack, f->sock);
	if (n < 0 && n != ERR_AGAIN)
		return a->done ? (int64_t)a->done : n == ERR_NOTCONN ? -EPIPE : -to_errno((int)n);
	if ((int64_t)a->done < len && !nonblock) {
		a->step = 1;
		return CALL_BLOCKS;
	}
	return a->done || !len ? (int64_t)a->done : -EAGAIN;
}

/* ---- control ---- */

static int64_t do_fcntl(struct runner *r, struct attempt *a)
{
	struct fd *f = fd_arg(r, a);

	if (!f)
		return -EBADF;
	if (arg_int(r, a, 1, -1) == F_GETFL)
		return O_RDWR | (f->nonblock ? O_NONBLOCK : 0);
	f->nonblock = arg_int(r, a, 2, 0) & O_NONBLOCK;
	return 0;
}

/* `[5]`: what the call gives back, compared here. */
static bool check_out(struct runner *r, const struct attempt *a, int i, int64_t have)
{
	const struct expr *x = arg(a, i);
	int64_t want;

	if (!x || x->kind == EX_ANY || (x->kind == EX_LIST && x->n == 1 && x->kid[0]->kind == EX_ANY))
		return true;
	if (x->kind == EX_LIST && x->n == 1)
		x = x->kid[0];
	if (!int_of(x, &want))
		return run_skip(r, a->line, "argument %d of %s is not understood", i + 1, a->call->name);
	if (want == have)
		return true;
	if (x->kind == EX_WORD && errno_value(x->text, &want))
		return run_fail(r, a->line, "%s: expected %s, got %s", a->call->name, x->text,
				call_errno_name((int)have));
	return run_fail(r, a->line, "%s: expected [%lld], got [%lld]", a->call->name, (long long)want,
			(long long)have);
}

static int64_t do_ioctl(struct runner *r, struct attempt *a)
{
	struct fd *f = tcp_arg(r, a);
	int64_t what = arg_int(r, a, 1, 0), have;
	struct sock_info i;

	if (!f)
		return -EBADF;
	if (what == FIONREAD) {
		have = (int64_t)sock_readable(r->stack, f->sock);
	} else if (what == TIOCOUTQ) {
		if (sock_info(r->stack, f->sock, &i) < 0)
			return -EINVAL;
		have = (int64_t)i.notsent + (i.snd_nxt - i.snd_una);
	} else {
		return -EINVAL;
	}
	return check_out(r, a, 2, have) ? 0 : -EINVAL;
}

/* Options of the stack by their words. Units: how many of the stack's one of the script's is. */
static const struct option {
	const char *word;
	enum sock_opt opt;
	int scale;
} options[] = {
	{"TCP_NODELAY", OPT_NODELAY, 1}, {"TCP_CORK", OPT_CORK, 1}, {"TCP_NOPUSH", OPT_CORK, 1},
	{"TCP_QUICKACK", OPT_QUICKACK, 1}, {"SO_KEEPALIVE", OPT_KEEPALIVE, 1},
	{"TCP_KEEPIDLE", OPT_KEEPIDLE, 1000}, {"TCP_KEEPINTVL", OPT_KEEPINTVL, 1000},
	{"TCP_KEEPCNT", OPT_KEEPCNT, 1}, {"TCP_USER_TIMEOUT", OPT_USER_TIMEOUT, 1},
	{"TCP_MAXSEG", OPT_MAXSEG, 1}, {"SO_SNDBUF", OPT_SNDBUF, 1}, {"SO_RCVBUF", OPT_RCVBUF, 1},
	{"TCP_SYNCNT", OPT_SYNCNT, 1}, {"TCP_NOTSENT_LOWAT", OPT_NOTSENT_LOWAT, 1},
	{"TCP_FASTOPEN", OPT_FASTOPEN, 1}, {"IP_TOS", OPT_TOS, 1}, {"IPV6_TCLASS", OPT_TOS, 1},
	{"IP_TTL", OPT_TTL, 1}, {"IPV6_UNICAST_HOPS", OPT_TTL, 1}, {"SO_RCVLOWAT", OPT_RCVLOWAT, 1},
	{"SO_MAX_PACING_RATE", OPT_PACING_RATE, 1}, {"IP_MTU_DISCOVER", OPT_MTU_DISCOVER, 1},
	{"TCP_WINDOW_CLAMP", OPT_WINDOW_CLAMP, 1}, {"TCP_DEFER_ACCEPT", OPT_DEFER_ACCEPT, 1},
	{"SO_REUSEADDR", OPT_REUSEADDR, 1}, {"SO_OOBINLINE", OPT_OOBINLINE, 1},
	{"IPV6_V6ONLY", OPT_V6ONLY, 1}, {"TCP_KEEPINIT", OPT_KEEPINIT, 1000}, {"TCP_NOOPT", OPT_NOOPT, 1},
};

/* TAPIR_MIN_RTO is the setting `min_rto`; times in ms. */
static bool find_setting(const char *word, struct option *o)
{
	char name[64];
	size_t n = strlen(word);

	if (strncmp(word, "TAPIR_", 6) != 0 || n >= sizeof(name))
		return false;
	for (size_t i = 0; i <= n; i++)
		name[i] = (char)tolower((unsigned char)word[i]);
	const struct tcp_setting *t = tcp_setting_named(name + 6, n - 6);

	if (t)
		*o = (struct option){word, t->opt, 1};
	return t;
}

static bool find_option(const char *word, struct option *o)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strcmp(options[i].word, word) == 0) {
			*o = options[i];
			return true;
		}
	return find_setting(word, o);
}

/* Linux keeps twice what was asked for and says so. */
static bool doubled(const struct runner *r, enum sock_opt o)
{
	return r->options->profile->linux_stack && (o == OPT_SNDBUF || o == OPT_RCVBUF);
}

/* `{onoff=1, linger=0}` in seconds, -1: off. Only 0, which makes close() an abort, has an effect. */
static int64_t linger_of(const struct expr *x)
{
	const struct expr *on = member(x, "onoff"), *t = member(x, "linger");
	int64_t a = 0, b = 0;

	if (on)
		int_of(on, &a);
	if (t)
		int_of(t, &b);
	return a ? b : -1;
}

static int64_t do_setsockopt(struct runner *r, struct attempt *a)
{
	struct fd *f = tcp_arg(r, a);
	const char *word = arg_word(a, 2);
	const struct expr *x = arg(a, 3);
	struct option o;
	int64_t v = 0;
	int e;

	if (!f)
		return -EBADF;
	if (strcmp(word, "TCP_INQ") == 0) {
		f->inq = true;
		return 0;
	}
	if (strcmp(word, "TCP_FASTOPEN_CONNECT") == 0) {
		f->fastopen_connect = true;
		return 0;
	}
	if (strcmp(word, "SO_LINGER") == 0) {
		f->abort_on_close = linger_of(x) == 0;
		return 0;
	}
	if (!find_option(word, &o)) {
		run_skip(r, a->line, "socket option %s is not known here", word);
		return -ENOPROTOOPT;
	}
	if (x && x->kind == EX_LIST && x->n == 1)
		x = x->kid[0];
	if (!x || !int_of(x, &v))
		return -EINVAL;
	v *= o.scale;
	if (doubled(r, o.opt))
		v *= 2;
	if (o.opt == OPT_NOTSENT_LOWAT) { /* 0: the system's default */
		f->lowat_set = v != 0;
		v = v ? v : r->env.notsent_lowat ? r->env.notsent_lowat : UINT32_MAX;
	}
	f->fastopen |= o.opt == OPT_FASTOPEN && v > 0;
	e = sock_set(r->stack, f->sock, o.opt, v);
	if (e == ERR_OPNOTSUPP && o.opt == OPT_FASTOPEN)
		run_skip(r, a->line, "TCP Fast Open: this stack does not have it");
	return e < 0 ? -to_errno(e) : 0;
}

static int64_t do_getsockopt(struct runner *r, struct attempt *a)
{
	struct fd *f = tcp_arg(r, a);
	const char *word = arg_word(a, 2);
	struct option o;
	int64_t v = 0;
	int e;

	if (!f)
		return -EBADF;
	if (strcmp(word, "SO_ERROR") == 0) {
		e = take_error(r, f);
		if (f->connecting && e)
			f->connecting = false;
		return check_out(r, a, 3, e ? to_errno(e) : 0) ? 0 : -EINVAL;
	}
	if (!find_option(word, &o)) {
		run_skip(r, a->line, "socket option %s is not known here", word);
		return -ENOPROTOOPT;
	}
	e = sock_get(r->stack, f->sock, o.opt, &v);
	if (e < 0)
		return -to_errno(e);
	if (r->options->profile->rules.buf_any && (o.opt == OPT_RCVBUF || o.opt == OPT_SNDBUF))
		return 0;
	if (o.opt == OPT_NOTSENT_LOWAT && !f->lowat_set)
		v = 0; /* as Linux shows the system's default */
	return check_out(r, a, 3, v / o.scale) ? 0 : -EINVAL;
}

/* ---- readiness ---- */

static uint32_t poll_mask(struct runner *r, struct fd *f)
{
	uint32_t m = 0;

	if (f->listening) {
		if (!f->accepted)
			f->accepted = sock_accept(r->stack, f->sock);
		return f->accepted ? POLLIN : 0;
	}
	if (look_error(r, f))
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

static int64_t do_poll(struct runner *r, struct attempt *a)
{
	const struct expr *list = arg(a, 0);
	uint32_t have[16] = {0};
	int64_t v, n = 0;

	call_events(r);
	for (int i = 0; list && i < list->n && i < 16; i++) {
		const struct expr *fd = member(list->kid[i], "fd"), *ev = member(list->kid[i], "events");
		int64_t num = -1, events = 0;
		struct fd *f;

		if (fd)
			int_of(fd, &num);
		if (ev)
			int_of(ev, &events);
		f = fd_find(r, (int)num);
		have[i] = f && f->kind == FD_TCP
				  ? poll_mask(r, f) & ((uint32_t)events | POLLERR | POLLHUP)
				  : POLLNVAL;
		n += have[i] != 0;
	}
	if (!n && !timed_out(r, a, arg_int(r, a, 2, 0)))
		return CALL_BLOCKS;
	for (int i = 0; list && i < list->n && i < 16; i++) {
		const struct expr *want = member(list->kid[i], "revents");

		if (want && int_of(want, &v) && v != have[i])
			run_fail(r, a->line, "poll: expected revents 0x%llx, got 0x%x", (long long)v, have[i]);
	}
	return n;
}

static int64_t do_epoll_create(struct runner *r, struct attempt *a)
{
	struct fd *f = fd_new(r, a, FD_EPOLL);

	return f ? f->num : -ENOBUFS;
}

static int64_t do_epoll_ctl(struct runner *r, struct attempt *a)
{
	struct fd *e = fd_arg(r, a);
	int64_t op = arg_int(r, a, 1, 0), num = arg_int(r, a, 2, -1), events = 0, data = 0;
	const struct expr *x = arg(a, 3), *ev = member(x, "events"), *d = member(x, "fd");
	int at = 0;

	if (!e || e->kind != FD_EPOLL || !fd_find(r, (int)num))
		return -EBADF;
	if (!d)
		d = member(x, "ptr") ? member(x, "ptr") : member(x, "u32") ? member(x, "u32") : member(x, "u64");
	if (ev)
		int_of(ev, &events);
	if (d)
		int_of(d, &data);
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

static int64_t do_epoll_wait(struct runner *r, struct attempt *a)
{
	struct fd *e = fd_arg(r, a);
	const struct expr *x = arg(a, 1);
	int64_t n = 0, max = arg_int(r, a, 2, 1), v;

	if (!e || e->kind != FD_EPOLL)
		return -EBADF;
	call_events(r);
	for (int i = 0; i < e->nwatch && n < max; i++) {
		struct watch *w = &e->watch[i];
		struct fd *f = fd_find(r, w->fd);
		uint32_t mask = f ? poll_mask(r, f) & (w->events | EPOLLERR | EPOLLHUP) : 0;
		const struct expr *want = member(x, "events");

		if (!mask || ((w->events & (1u << 31)) && !w->armed) || !w->events)
			continue;
		w->armed = false;
		if (w->events & EPOLLONESHOT)
			w->events = 0;
		if (n++ == 0 && want && int_of(want, &v) && v != mask)
			run_fail(r, a->line, "epoll_wait: expected events 0x%llx, got 0x%x", (long long)v,
				 mask);
	}
	if (!n && !timed_out(r, a, arg_int(r, a, 3, 0)))
		return CALL_BLOCKS;
	return n;
}

/* ---- the table ---- */

static const struct {
	const char *name;
	int64_t (*run)(struct runner *, struct attempt *);
} calls[] = {
	{"socket", do_socket}, {"bind", do_bind}, {"listen", do_listen}, {"accept", do_accept},
	{"accept4", do_accept}, {"connect", do_connect}, {"shutdown", do_shutdown}, {"close", do_close},
	{"read", do_read}, {"readv", do_read}, {"recv", do_read}, {"recvfrom", do_read},
	{"recvmsg", do_read}, {"write", do_write}, {"writev", do_write}, {"send", do_write},
	{"sendto", do_write}, {"sendmsg", do_write}, {"fcntl", do_fcntl}, {"ioctl", do_ioctl},
	{"getsockopt", do_getsockopt}, {"setsockopt", do_setsockopt}, {"poll", do_poll},
	{"epoll_create", do_epoll_create}, {"epoll_ctl", do_epoll_ctl}, {"epoll_wait", do_epoll_wait},
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
	if (c->result->kind != EX_ANY && !int_of(c->result, &want))
		return run_skip(r, a->line, "result of %s is not understood", c->name);
	if (c->err && !errno_value(c->err, &want_err))
		return run_skip(r, a->line, "errno %s is not known here", c->err);
	if (c->result->kind != EX_ANY && want != value)
		return run_fail(r, a->line, "%s: expected %lld%s%s, got %lld%s%s", c->name, (long long)want,
				c->err ? " " : "", c->err ? c->err : "", (long long)value, err ? " " : "",
				err ? call_errno_name(err) : "");
	if (value == -1 && c->err && want_err != err)
		return run_fail(r, a->line, "%s: expected -1 %s, got -1 %s", c->name, c->err,
				call_errno_name(err));
	return true;
}

/* ---- tcp_info ---- */

static int64_t linux_state(enum tcp_state s)
{
	static const uint8_t number[TCP_STATES] = {7, 10, 2, 3, 1, 4, 5, 8, 11, 9, 6};

	return number[s];
}

/* Bytes in segments, as Linux counts them. */
static int64_t segs(uint32_t bytes, uint32_t mss)
{
	return mss ? bytes / mss : 0;
}

size_t call_tcp_info(struct runner *r, struct script_var *out, size_t max)
{
	struct sock_info i = {.state = TCP_CLOSED};
	bool live = r->under_test >= 0 && r->fd[r->under_test].kind == FD_TCP &&
		    sock_info(r->stack, r->fd[r->under_test].sock, &i) >= 0;
	uint32_t mss = i.mss;
	bool no_ssthresh = !live || i.ssthresh >= 0x3fffffff;
	const struct script_var v[] = {
		{"tcpi_state", linux_state(i.state)}, {"tcpi_ca_state", i.ca},
		{"tcpi_retransmits", i.retransmits}, {"tcpi_probes", i.probes}, {"tcpi_backoff", i.backoff},
		{"tcpi_options", (i.timestamps ? 1 : 0) | (i.sack ? 2 : 0) | (i.wscale ? 4 : 0) |
					 (i.ecn ? 8 : 0) | (i.fastopen ? 32 : 0)},
		{"tcpi_snd_wscale", i.snd_wscale}, {"tcpi_rcv_wscale", i.rcv_wscale},
		{"tcpi_rto", i.rto / US}, {"tcpi_snd_mss", i.mss}, {"tcpi_advmss", i.mss_own}, {"tcpi_unacked", i.unacked_segs},
		{"tcpi_sacked", i.sacked_segs}, {"tcpi_lost", i.lost_segs}, {"tcpi_retrans", i.retrans_segs},
		{"tcpi_fackets", 0}, {"tcpi_pmtu", i.pmtu}, {"tcpi_rtt", i.srtt / US},
		{"tcpi_rttvar", i.rttvar / US}, {"tcpi_min_rtt", i.min_rtt / US},
		{"tcpi_snd_ssthresh", no_ssthresh ? 0x7fffffff : segs(i.ssthresh, mss)},
		{"tcpi_snd_cwnd", segs(i.cwnd, mss)}, {"tcpi_reordering", i.reordering},
		{"tcpi_reord_seen", i.reorderings},
		{"tcpi_bytes_acked", (int64_t)i.bytes_acked}, {"tcpi_bytes_received", (int64_t)i.bytes_received},
		{"tcpi_bytes_sent", (int64_t)i.bytes_sent}, {"tcpi_bytes_retrans", (int64_t)i.bytes_retrans},
		{"tcpi_segs_out", (int64_t)i.segs_out}, {"tcpi_segs_in", (int64_t)i.segs_in},
		{"tcpi_data_segs_out", (int64_t)i.data_segs_out},
		{"tcpi_data_segs_in", (int64_t)i.data_segs_in}, {"tcpi_delivered", (int64_t)i.delivered},
		{"tcpi_delivered_ce", (int64_t)i.delivered_ce}, {"tcpi_notsent_bytes", i.notsent},
		{"tcpi_pacing_rate", (int64_t)i.pacing_rate}, {"tcpi_delivery_rate", (int64_t)i.delivery_rate},
		{"tcpi_last_data_recv", i.last_data_in / MS}, {"tcpi_last_data_sent", i.last_data_out / MS},
		{"tcpi_last_ack_recv", i.last_ack_in / MS}, {"tcpi_busy_time", i.busy / US},
		{"tcpi_rwnd_limited", i.rwnd_limited / US}, {"tcpi_sndbuf_limited", i.sndbuf_limited / US},
		{"tcpi_dsack_dups", i.dsacks}, {"tcpi_rcv_ooopack", i.ooo_segs},
	};
	size_t n = sizeof(v) / sizeof(v[0]);

	if (n > max)
		n = max;
	memcpy(out, v, n * sizeof(v[0]));
	return n;
}
