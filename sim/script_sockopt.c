/* Socket options by their words and units, and fcntl and ioctl. */
#include "script_call.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "../stack/config.h"

int64_t call_fcntl(struct runner *r, struct attempt *a)
{
	struct fd *f = fd_arg(r, a);

	if (!f)
		return -EBADF;
	if (arg_int(r, a, 1, -1) == F_GETFL)
		return O_RDWR | (f->nonblock ? O_NONBLOCK : 0);
	f->nonblock = arg_int(r, a, 2, 0) & O_NONBLOCK;
	return 0;
}

int64_t call_ioctl(struct runner *r, struct attempt *a)
{
	struct fd *f = fd_tcp_arg(r, a);
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
	return arg_check(r, a, 2, have) ? 0 : -EINVAL;
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
	const struct expr *on = arg_member(x, "onoff"), *t = arg_member(x, "linger");
	int64_t a = 0, b = 0;

	if (on)
		arg_value(on, &a);
	if (t)
		arg_value(t, &b);
	return a ? b : -1;
}

int64_t call_setsockopt(struct runner *r, struct attempt *a)
{
	struct fd *f = fd_tcp_arg(r, a);
	const char *word = arg_word(a, 2);
	const struct expr *x = arg_expr(a, 3);
	struct option o;
	int64_t v = 0;
	int e;

	if (!f)
		return -EBADF;
	bool *ours = strcmp(word, "TCP_INQ") == 0 ? &f->inq :
		     strcmp(word, "TCP_FASTOPEN_CONNECT") == 0 ? &f->fastopen_connect : NULL; /* not the stack's */

	if (strcmp(word, "SO_LINGER") == 0) {
		f->abort_on_close = linger_of(x) == 0;
		return 0;
	}
	if (!ours && !find_option(word, &o)) {
		run_skip(r, a->line, "socket option %s is not known here", word);
		return -ENOPROTOOPT;
	}
	if (x && x->kind == EX_LIST && x->n == 1)
		x = x->kid[0];
	if (!x || !arg_value(x, &v))
		return -EINVAL;
	if (ours) {
		*ours = v != 0;
		return 0;
	}
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
	return e < 0 ? -errno_of(e) : 0;
}

int64_t call_getsockopt(struct runner *r, struct attempt *a)
{
	struct fd *f = fd_tcp_arg(r, a);
	const char *word = arg_word(a, 2);
	struct option o;
	int64_t v = 0;
	int e;

	if (!f)
		return -EBADF;
	if (strcmp(word, "SO_ERROR") == 0) {
		e = fd_take_error(r, f);
		if (f->connecting && e)
			f->connecting = false;
		return arg_check(r, a, 3, e ? errno_of(e) : 0) ? 0 : -EINVAL;
	}
	if (!find_option(word, &o)) {
		run_skip(r, a->line, "socket option %s is not known here", word);
		return -ENOPROTOOPT;
	}
	e = sock_get(r->stack, f->sock, o.opt, &v);
	if (e < 0)
		return -errno_of(e);
	if (r->options->profile->rules.buf_any && (o.opt == OPT_RCVBUF || o.opt == OPT_SNDBUF))
		return 0;
	if (o.opt == OPT_NOTSENT_LOWAT && !f->lowat_set)
		v = 0; /* as Linux shows the system's default */
	return arg_check(r, a, 3, v / o.scale) ? 0 : -EINVAL;
}
