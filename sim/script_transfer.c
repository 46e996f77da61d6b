/* read, write and their kin. What is sent is zeros, and what comes must be: scripts say how much, not what. */
#include "script_call.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Sum of the lengths in `[{..., 10}, {..., 5}]`. */
static int64_t iov_len(const struct expr *list)
{
	int64_t sum = 0, v;

	for (int i = 0; list && i < list->n; i++)
		if (list->kid[i]->kind == EX_STRUCT && list->kid[i]->n == 2 &&
		    arg_value(list->kid[i]->kid[1], &v))
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
		return iov_len(arg_expr(a, 1));
	if (strcmp(name, "recvmsg") == 0 || strcmp(name, "sendmsg") == 0)
		return msg_len(arg_expr(a, 1));
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
	const struct expr *control = arg_member(arg_expr(a, 1), "msg_control");
	int64_t want;

	for (int i = 0; control && i < control->n; i++) {
		const struct expr *type = arg_member(control->kid[i], "cmsg_type");
		const struct expr *data = arg_member(control->kid[i], "cmsg_data");

		if (!type || !type->text || strcmp(type->text, "TCP_CM_INQ") != 0)
			return run_skip(r, a->line, "this control message is not known here");
		int64_t have = (int64_t)sock_readable(r->stack, f->sock);

		have += !have && (f->bits & SOCK_FIN); /* Linux says 1 when only a FIN is left */
		if (!data || !arg_value(data, &want) || want != have)
			return run_fail(r, a->line, "expected TCP_CM_INQ %lld, got %lld",
					data ? (long long)want : 0LL, (long long)have);
	}
	return true;
}

int64_t call_read(struct runner *r, struct attempt *a)
{
	struct fd *f = fd_tcp_arg(r, a);
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
		n = fd_look_error(r, f) ? fd_look_error(r, f) : f->bits & SOCK_FIN ? 0 : ERR_AGAIN;
	} else {
		if (f->error && !sock_readable(r->stack, f->sock))
			return -errno_of(fd_take_error(r, f));
		n = read_some(r, f, len);
	}
	if (n == ERR_AGAIN && f->shut_rd)
		return 0;
	if (n == ERR_AGAIN)
		return nonblock ? -EAGAIN : CALL_BLOCKS;
	if (n >= 0 && f->inq && strcmp(a->call->name, "recvmsg") == 0 && !check_inq(r, a, f))
		return -EINVAL;
	return n < 0 ? -errno_of((int)n) : n;
}

static const uint8_t zeros[65536]; /* all that a script's text is */

static int64_t write_some(struct runner *r, struct fd *f, int64_t len)
{
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
	struct addr to = f->later ? f->later_to : r->remote;
	uint16_t port = f->later ? f->later_port : r->connect_port;
	uint32_t room;
	int n;

	if (!f->later)
		arg_address(arg_expr(a, 4), &to, &port);
	room = sock_syn_room(r->stack, f->sock, &to);
	n = sock_connect_data(r->stack, f->sock, &to, port, zeros, len < (int64_t)room ? (size_t)len : room);
	if (n < 0)
		return -errno_of(n);
	f->later = false;
	call_has_connected(r, f, port);
	a->done = (uint64_t)n;
	if (!nonblock)
		return CALL_BLOCKS;
	return n ? n : -EINPROGRESS;
}

/* FreeBSD's Fast Open: sendto with an address on a socket that has the option connects and queues. */
static int64_t send_and_connect(struct runner *r, struct attempt *a, struct fd *f, int64_t len)
{
	struct addr to = r->remote;
	uint16_t port = r->connect_port;
	int n;

	arg_address(arg_expr(a, 4), &to, &port);
	n = sock_connect_data(r->stack, f->sock, &to, port, zeros,
			      len < (int64_t)sizeof(zeros) ? (size_t)len : sizeof(zeros));
	if (n < 0)
		return -errno_of(n);
	call_has_connected(r, f, port);
	return n;
}

/* A blocking call comes back when all is taken; each try may bring it further. */
int64_t call_write(struct runner *r, struct attempt *a)
{
	struct fd *f = fd_tcp_arg(r, a);
	int64_t len = transfer_len(r, a), flags = transfer_flags(r, a), n;
	bool nonblock = f && (f->nonblock || (flags & MSG_DONTWAIT));

	if (!f)
		return -EBADF;
	if (flags & FLAG_ZEROCOPY) {
		run_skip(r, a->line, "no MSG_ZEROCOPY");
		return -EINVAL;
	}
	if ((flags & MSG_FASTOPEN && !f->connecting && !f->connected) || f->later)
		return open_with(r, a, f, len, nonblock);
	if (f->fastopen && !f->connecting && !f->connected && !f->listening && a->call->nargs > 4)
		return send_and_connect(r, a, f, len);
	if (f->error)
		return -errno_of(fd_take_error(r, f));
	if (f->shut_wr)
		return -EPIPE;
	if (f->connecting && !f->connected) {
		int64_t c = call_connect_result(r, f);

		if (c == -EINPROGRESS || c == CALL_BLOCKS)
			return nonblock ? -EAGAIN : CALL_BLOCKS;
		if (c < 0)
			return c;
	}
	if (a->step) { /* who sleeps here is woken when there is room worth while, not for the first byte */
		fd_events(r);
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
		return a->done ? (int64_t)a->done : n == ERR_NOTCONN ? -EPIPE : -errno_of((int)n);
	if ((int64_t)a->done < len && !nonblock) {
		a->step = 1;
		return CALL_BLOCKS;
	}
	return a->done || !len ? (int64_t)a->done : -EAGAIN;
}
