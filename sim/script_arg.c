/* Arguments of a script's calls: the numbers behind words, members of structs, socket addresses, and what a
 * call gives back through an argument. */
#include "script_call.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

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
	WORD(MSG_FASTOPEN), WORD(MSG_ERRQUEUE), {"MSG_ZEROCOPY", FLAG_ZEROCOPY},
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

const char *errno_name(int err)
{
	for (size_t i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++)
		if (errnos[i].value == err)
			return errnos[i].word;
	return err ? "an errno without a name" : "no error";
}

bool errno_by_word(const char *word, int64_t *v)
{
	for (size_t i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++)
		if (strcmp(errnos[i].word, word) == 0) {
			*v = errnos[i].value;
			return true;
		}
	return false;
}

int errno_of(int err)
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
bool arg_value(const struct expr *x, int64_t *v)
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
		return errno_by_word(x->text, v);
	case EX_OR:
		if (!arg_value(x->kid[0], &a) || !arg_value(x->kid[1], &b))
			return false;
		*v = a | b;
		return true;
	default:
		return false;
	}
}

int64_t arg_int(struct runner *r, const struct attempt *a, int i, int64_t dflt)
{
	int64_t v = dflt;

	if (i < a->call->nargs && a->call->arg[i]->kind != EX_ANY && !arg_value(a->call->arg[i], &v))
		run_skip(r, a->call->arg[i]->line, "argument %d of %s: '%s' is not known here", i + 1,
			 a->call->name, a->call->arg[i]->text ? a->call->arg[i]->text : "this");
	return v;
}

const struct expr *arg_expr(const struct attempt *a, int i)
{
	return i < a->call->nargs ? a->call->arg[i] : NULL;
}

const char *arg_word(const struct attempt *a, int i)
{
	const struct expr *x = arg_expr(a, i);

	return x && x->kind == EX_WORD ? x->text : "";
}

/* The value of `name=value` in a struct or list; NULL: not there. */
const struct expr *arg_member(const struct expr *x, const char *name)
{
	for (int i = 0; x && i < x->n; i++) {
		const struct expr *k = x->kid[i];

		if (k->kind == EX_SET && k->kid[0]->text && strcmp(k->kid[0]->text, name) == 0)
			return k->kid[1];
	}
	return NULL;
}

/* inet_addr("1.2.3.4") and htons(80) inside a socket address. */
void arg_address(const struct expr *x, struct addr *a, uint16_t *port)
{
	const struct expr *p = arg_member(x, "sin_port"), *s = arg_member(x, "sin_addr");
	int64_t v;

	if (!p)
		p = arg_member(x, "sin6_port");
	if (!s)
		s = arg_member(x, "sin6_addr");
	if (p && p->kind == EX_APPLY && p->n == 1 && arg_value(p->kid[0], &v))
		*port = (uint16_t)v;
	if (s && s->kind == EX_APPLY && s->n >= 1) {
		const struct expr *t = s->kid[s->n - 1];

		if (t->kind == EX_STRING && strcmp(t->text, "0.0.0.0") != 0)
			addr_scan(t->text, a);
	}
}

/* `[5]`: what the call gives back, compared here. */
bool arg_check(struct runner *r, const struct attempt *a, int i, int64_t have)
{
	const struct expr *x = arg_expr(a, i);
	int64_t want;

	if (!x || x->kind == EX_ANY || (x->kind == EX_LIST && x->n == 1 && x->kid[0]->kind == EX_ANY))
		return true;
	if (x->kind == EX_LIST && x->n == 1)
		x = x->kid[0];
	if (!arg_value(x, &want))
		return run_skip(r, a->line, "argument %d of %s is not understood", i + 1, a->call->name);
	if (want == have)
		return true;
	if (x->kind == EX_WORD && errno_by_word(x->text, &want))
		return run_fail(r, a->line, "%s: expected %s, got %s", a->call->name, x->text,
				errno_name((int)have));
	return run_fail(r, a->line, "%s: expected [%lld], got [%lld]", a->call->name, (long long)want,
			(long long)have);
}
