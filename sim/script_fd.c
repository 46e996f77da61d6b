/* Descriptors of a script: numbers on the stack's handles, with what POSIX keeps of each. */
#include "script_call.h"

struct fd *fd_find(struct runner *r, int num)
{
	for (int i = 0; i < RUN_FDS; i++)
		if (r->fd[i].kind != FD_FREE && r->fd[i].num == num)
			return &r->fd[i];
	return NULL;
}

struct fd *fd_arg(struct runner *r, const struct attempt *a)
{
	return fd_find(r, (int)arg_int(r, a, 0, -1));
}

struct fd *fd_tcp_arg(struct runner *r, const struct attempt *a)
{
	struct fd *f = fd_arg(r, a);

	return f && f->kind == FD_TCP ? f : NULL;
}

/* The number that the script expects to get. */
struct fd *fd_new(struct runner *r, const struct attempt *a, enum fd_kind kind)
{
	int64_t num = -1;

	if (!arg_value(a->call->result, &num) || num < 0)
		for (num = 3; fd_find(r, (int)num);)
			num++;
	for (int i = 0; i < RUN_FDS; i++)
		if (r->fd[i].kind == FD_FREE) {
			r->fd[i] = (struct fd){.kind = kind, .num = (int)num};
			return &r->fd[i];
		}
	return NULL;
}

void fd_put_under_test(struct runner *r, const struct fd *f)
{
	r->under_test = (int)(f - r->fd);
}

/* The pending error, once: the stack's goes with the first look. */
int fd_take_error(struct runner *r, struct fd *f)
{
	int e = f->error ? f->error : sock_error(r->stack, f->sock);

	f->error = 0;
	return e;
}

int fd_look_error(struct runner *r, struct fd *f)
{
	if (!f->error && f->sock)
		f->error = sock_error(r->stack, f->sock);
	return f->error;
}

void fd_events(struct runner *r)
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
