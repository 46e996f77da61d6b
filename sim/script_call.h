/* Between the files of a script's calls. */
#ifndef SCRIPT_CALL_H
#define SCRIPT_CALL_H

#include "script_run.h"

/* ---- script_arg.c ---- */

/* The value of numbers, known words and their combinations with '|'; false: it is none. */
bool arg_value(const struct expr *, int64_t *v);
int64_t arg_int(struct runner *, const struct attempt *, int i, int64_t dflt);
#define FLAG_ZEROCOPY 0x4000000 /* MSG_ZEROCOPY, which not every C library names */

const struct expr *arg_expr(const struct attempt *, int i); /* NULL: not that many */
const char *arg_word(const struct attempt *, int i);        /* "": it is none */
/* The value of `name=value` in a struct or list; NULL: not there. */
const struct expr *arg_member(const struct expr *, const char *name);
void arg_address(const struct expr *, struct addr *, uint16_t *port); /* as far as it is said */
/* What the call gives back through its i-th argument, `[5]`, compared with what it should. */
bool arg_check(struct runner *, const struct attempt *, int i, int64_t have);
bool errno_by_word(const char *word, int64_t *v);
int errno_of(int err); /* of the stack's enum err */

/* ---- script_fd.c ---- */

struct fd *fd_find(struct runner *, int num);
struct fd *fd_arg(struct runner *, const struct attempt *);     /* the first argument's */
struct fd *fd_tcp_arg(struct runner *, const struct attempt *); /* NULL: it is no socket */
struct fd *fd_new(struct runner *, const struct attempt *, enum fd_kind);
void fd_put_under_test(struct runner *, const struct fd *);
int fd_take_error(struct runner *, struct fd *); /* the pending one, once */
int fd_look_error(struct runner *, struct fd *);

/* ---- the calls: a result, -errno, or CALL_BLOCKS ---- */

typedef int64_t call_fn(struct runner *, struct attempt *);
call_fn call_read, call_write, call_fcntl, call_ioctl, call_setsockopt, call_getsockopt, call_poll, call_epoll_create,
	call_epoll_ctl, call_epoll_wait;
int64_t call_connect_result(struct runner *, struct fd *);
void call_has_connected(struct runner *, struct fd *, uint16_t port);

#endif
