/* Socket options, by tables. An option is either a member of the connection (and perhaps of the listener,
 * for those to come), a row of `options` here; or a setting of struct tcp_config, a row of config.c's
 * table: then the socket gets a configuration of its own, and a row of `effects` says what an open
 * connection feels of it at once.
 *
 * A size out of bounds becomes the nearest within, a time beyond its bounds the longest; anything else
 * out of bounds is refused, and leaves everything as it was. RFC 9293 3.9.1 (MUST-17, -21, -24, -27, -48,
 * -49). */
#include "stack_impl.h"

#include <stdlib.h>

#include "base/member.h"
#include "config.h"

#define TTL_DEFAULT 64 /* RFC 1700 */

enum beyond { REFUSED, CUT_ABOVE, CUT };

static int bounded(int64_t *v, int64_t lo, int64_t hi, enum beyond what)
{
	if (hi == 1) { /* a switch */
		*v = *v != 0;
		return 0;
	}
	if (*v < lo && what != CUT)
		return ERR_INVAL;
	if (*v > hi && what == REFUSED)
		return ERR_INVAL;
	*v = *v < lo ? lo : *v > hi ? hi : *v;
	return 0;
}

/* ---- what follows at once ---- */

static void say_all(struct tcb *c)
{
	c->flush = c->nodelay; /* as Linux: also what a cork holds */
	tcp_talk(c);
}

static void start_keepalive(struct tcb *c)
{
	if (c->keepalive && c->state >= TCP_ESTABLISHED)
		tcp_timer_set(c, T_KEEP, ns_add(ns_max(c->last_rcvd, c->established_at), c->cfg->keep_idle));
}

static void start_pacing(struct tcb *c)
{
	if (c->cc.ops)
		tcp_pace_start(c);
	tcp_talk(c);
}

/* RFC 9293 SHLD-14: what was offered may still come. */
static void keep_promise(struct tcb *c)
{
	uint32_t promised = c->rcvq.bytes + (c->rcv.adv.v - c->rcv.nxt.v);

	if (c->state >= TCP_ESTABLISHED && promised > c->rcvbuf && promised > c->rcv_promised)
		c->rcv_promised = promised;
}

static void mask_tos(struct tcb *c)
{
	c->tos &= 0xfc; /* the ECN bits are the engine's */
}

/* ---- options that are members of a connection ---- */

static int64_t shown_mss(const struct tcb *c)
{
	return c->mss ? c->mss : c->mss_clamp ? c->mss_clamp : MSS_DEFAULT_V4;
}

static int64_t shown_ttl(const struct tcb *c)
{
	return c->ttl ? c->ttl : TTL_DEFAULT;
}

struct option {
	enum sock_opt opt;
	uint8_t size;
	uint16_t conn, listener; /* offsets of the member; 0: there is none */
	enum beyond beyond;
	int64_t lo, hi;
	int64_t unit;            /* how many of the member's one of the option's is; 0: one */
	void (*after)(struct tcb *);
	int64_t (*shown)(const struct tcb *); /* in place of the member */
};

#define OF(m) .conn = offsetof(struct tcb, m), .size = sizeof(((struct tcb *)0)->m)
#define OF_BOTH(m) OF(m), .listener = offsetof(struct tcb_listener, m)
#define BUF_MOST (1 << 30)

static const struct option options[] = {
	{OPT_CORK, OF(cork), .hi = 1, .after = tcp_talk},
	{OPT_KEEPALIVE, OF(keepalive), .hi = 1, .after = start_keepalive},
	{OPT_MAXSEG, OF_BOTH(mss_clamp), .lo = MSS_FLOOR, .hi = 65495, .shown = shown_mss},
	{OPT_SNDBUF, OF_BOTH(sndbuf), .lo = 2048, .hi = BUF_MOST, .beyond = CUT},
	{OPT_RCVBUF, OF_BOTH(rcvbuf), .lo = 256, .hi = BUF_MOST, .beyond = CUT, .after = keep_promise},
	{OPT_WINDOW_CLAMP, OF_BOTH(window_clamp), .hi = BUF_MOST, .beyond = CUT, .after = tcp_rcv_read},
	{OPT_NOTSENT_LOWAT, OF(notsent_lowat), .hi = UINT32_MAX, .beyond = CUT},
	{OPT_RCVLOWAT, OF(rcvlowat), .hi = UINT32_MAX, .beyond = CUT},
	{OPT_TOS, OF_BOTH(tos), .hi = 255, .after = mask_tos},
	{OPT_TTL, OF_BOTH(ttl), .hi = 255, .shown = shown_ttl},
	{OPT_DEFER_ACCEPT, OF_BOTH(defer), .hi = DEFER_MAX, .beyond = CUT, .unit = SEC},
	{OPT_PACING_RATE, OF(pace_cap), .hi = INT64_MAX, .after = start_pacing},
};

static const struct option *option_of(enum sock_opt opt)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (options[i].opt == opt)
			return &options[i];
	return NULL;
}

static int64_t scale_of(const struct option *o)
{
	return o->unit ? o->unit : 1;
}

/* ---- settings ---- */

/* The socket's own copy of what it was configured by; NULL: out of memory. */
static struct tcp_config *own_config(const struct tcp_config **cfg, struct tcp_config **own)
{
	if (!*own) {
		*own = malloc(sizeof(**own));
		if (!*own)
			return NULL;
		**own = **cfg;
		*cfg = *own;
	}
	return *own;
}

static int change_cc(struct tcb *c, int64_t v)
{
	return !c->cc.ops || tcp_cc_start(c, (enum tcp_cc_kind)v) ? 0 : ERR_NOMEM;
}

static int change_quickack(struct tcb *c, int64_t v)
{
	c->quick = v && c->state >= TCP_ESTABLISHED ? QUICKACKS : 0;
	return 0;
}

static int change_keep_idle(struct tcb *c, int64_t v)
{
	(void)v;
	start_keepalive(c);
	return 0;
}

static int change_user_timeout(struct tcb *c, int64_t v)
{
	c->uto.fixed = v > 0;
	c->uto.due = c->cfg->uto && c->state >= TCP_ESTABLISHED;
	return 0;
}

static int change_pacing(struct tcb *c, int64_t v)
{
	(void)v;
	start_pacing(c);
	return 0;
}

static int change_rto(struct tcb *c, int64_t v)
{
	(void)v;
	if (c->state == TCP_CLOSED)
		rtt_init(&c->rtt, c->cfg->init_rto, c->cfg->min_rto, c->cfg->max_rto);
	else
		rtt_limit(&c->rtt, c->cfg->min_rto, c->cfg->max_rto);
	return 0;
}

static const struct effect {
	enum sock_opt opt;
	int (*change)(struct tcb *, int64_t v);
} effects[] = {
	{OPT_CC, change_cc}, {OPT_QUICKACK, change_quickack}, {OPT_KEEPIDLE, change_keep_idle},
	{OPT_USER_TIMEOUT, change_user_timeout}, {OPT_PACING, change_pacing}, {OPT_MIN_RTO, change_rto},
	{OPT_MAX_RTO, change_rto}, {OPT_INIT_RTO, change_rto},
};

static int take_effect(struct tcb *c, enum sock_opt opt, int64_t v)
{
	for (size_t i = 0; i < ARRAY_LEN(effects); i++)
		if (effects[i].opt == opt)
			return effects[i].change(c, v);
	return 0;
}

/* Options speak of milliseconds. */
static int64_t unit_of(const struct tcp_setting *t)
{
	return t->kind == SETTING_TIME ? MS : 1;
}

static int setting_value(const struct tcp_setting *t, int64_t *v)
{
	static const enum beyond beyond[] = {[SETTING_TIME] = CUT_ABOVE, [SETTING_BYTES] = CUT, [SETTING_WORD] = REFUSED};

	if (t->none && *v == t->none_value)
		return 0;
	*v = *v > t->hi / unit_of(t) ? t->hi + 1 : *v * unit_of(t);
	return bounded(v, t->lo, t->hi, beyond[t->kind]);
}

/* Into the configuration of a connection, or, when c is NULL, of what comes after it. */
static int set_setting(const struct tcp_setting *t, const struct tcp_config **cfg, struct tcp_config **own,
		       struct tcb *c, int64_t v)
{
	struct tcp_config changed = **cfg;
	int err = setting_value(t, &v);

	if (err)
		return err;
	tcp_setting_put(t, &changed, v);
	if (tcp_config_fault(&changed))
		return ERR_INVAL;
	struct tcp_config *to = own_config(cfg, own);

	if (!to)
		return ERR_NOMEM;
	int64_t before = tcp_setting_get(t, to);

	tcp_setting_put(t, to, v);
	err = c ? take_effect(c, t->opt, v) : 0;
	if (err)
		tcp_setting_put(t, to, before);
	return err;
}

/* ---- options that are neither ---- */

static int set_nagle(struct sock_slot *slot, int64_t v)
{
	struct tcb *c = slot->obj;

	if (slot->kind == SOCK_LISTENER) {
		struct tcb_listener *l = slot->obj;

		return set_setting(tcp_setting_of(OPT_NAGLE), &l->cfg, &l->own_cfg, NULL, v);
	}
	c->nodelay = !v;
	say_all(c);
	return 0;
}

static int64_t get_nagle(const struct sock_slot *slot)
{
	const struct tcb_listener *l = slot->obj;
	const struct tcb *c = slot->obj;

	return slot->kind == SOCK_LISTENER ? l->cfg->nagle : !c->nodelay;
}

static int set_nodelay(struct sock_slot *slot, int64_t v)
{
	return set_nagle(slot, !v);
}

static int64_t get_nodelay(const struct sock_slot *slot)
{
	return !get_nagle(slot);
}

/* A time above 0 would only be for calls that wait, and none does. */
static int set_linger(struct sock_slot *slot, int64_t v)
{
	if (v < -1)
		return ERR_INVAL;
	if (slot->kind == SOCK_LISTENER)
		return ERR_OPNOTSUPP;
	((struct tcb *)slot->obj)->linger_reset = v == 0;
	return 0;
}

static int64_t get_linger(const struct sock_slot *slot)
{
	return slot->kind != SOCK_LISTENER && ((const struct tcb *)slot->obj)->linger_reset ? 0 : -1;
}

static void put_fastopen(struct tcp_config *cfg, int64_t v)
{
	cfg->fastopen = v > 0;
	if (v > 1) /* as a number above one: how many may be pending */
		cfg->fastopen_pending = v < UINT16_MAX ? (uint16_t)v : UINT16_MAX;
}

/* Before connect: text written at once may go in the SYN; of a listener: such are taken. */
static int set_fastopen(struct sock_slot *slot, int64_t v)
{
	struct tcb_listener *l = slot->obj;
	struct tcb *c = slot->obj;
	struct tcp_config *cfg;

	if (v < 0 || slot->kind == SOCK_CONN)
		return ERR_INVAL;
	cfg = slot->kind == SOCK_LISTENER ? own_config(&l->cfg, &l->own_cfg) : own_config(&c->cfg, &c->own_cfg);
	if (!cfg)
		return ERR_NOMEM;
	put_fastopen(cfg, v);
	if (slot->kind == SOCK_FRESH)
		c->tfo = v ? c->tfo | TFO_WANTED : c->tfo & ~TFO_WANTED;
	return 0;
}

static int set_v6only(struct sock_slot *slot, int64_t v)
{
	if (slot->kind == SOCK_LISTENER)
		return ERR_OPNOTSUPP;
	slot->v6only = v;
	return 0;
}

static int64_t get_v6only(const struct sock_slot *slot)
{
	return slot->kind == SOCK_LISTENER ? ((const struct tcb_listener *)slot->obj)->v6only : slot->v6only;
}

static int64_t get_quickack(const struct sock_slot *slot)
{
	return slot->kind == SOCK_LISTENER ? ((const struct tcb_listener *)slot->obj)->cfg->quickack
					   : ((const struct tcb *)slot->obj)->quick > 0;
}

static int set_as_it_is(struct sock_slot *slot, int64_t v)
{
	(void)slot;
	(void)v;
	return 0;
}

static int64_t get_on(const struct sock_slot *slot)
{
	(void)slot;
	return 1;
}

static const struct special {
	enum sock_opt opt;
	int (*set)(struct sock_slot *, int64_t v); /* NULL: as the tables above say */
	int64_t (*get)(const struct sock_slot *);  /* NULL: likewise */
} specials[] = {
	{OPT_NODELAY, set_nodelay, get_nodelay}, {OPT_NAGLE, set_nagle, get_nagle},
	{OPT_LINGER, set_linger, get_linger},    {OPT_FASTOPEN, set_fastopen, NULL},
	{OPT_V6ONLY, set_v6only, get_v6only},    {OPT_QUICKACK, NULL, get_quickack},
	{OPT_REUSEADDR, set_as_it_is, get_on}, /* TIME-WAIT never keeps a listener out here */
	{OPT_OOBINLINE, set_as_it_is, get_on}, /* urgent data always stay in line (RFC 6093) */
};

static const struct special *special_of(enum sock_opt opt)
{
	static const struct special none;

	for (size_t i = 0; i < ARRAY_LEN(specials); i++)
		if (specials[i].opt == opt)
			return &specials[i];
	return &none;
}

/* ---- the calls ---- */

static int set_on_listener(struct tcb_listener *l, enum sock_opt opt, int64_t v)
{
	const struct option *o = option_of(opt);
	const struct tcp_setting *t = tcp_setting_of(opt);

	if (!o || !o->listener)
		return t ? set_setting(t, &l->cfg, &l->own_cfg, NULL, v) : ERR_OPNOTSUPP;
	int err = bounded(&v, o->lo, o->hi, o->beyond);

	if (!err)
		member_put(l, o->listener, o->size, v * scale_of(o));
	return err;
}

int sock_set(struct stack *s, sock_t h, enum sock_opt opt, int64_t v)
{
	struct sock_slot *slot = slot_of(s, h);
	const struct option *o = option_of(opt);
	const struct tcp_setting *t = tcp_setting_of(opt);

	if (!slot)
		return ERR_BADSOCK;
	if (special_of(opt)->set)
		return special_of(opt)->set(slot, v);
	if (v < 0)
		return ERR_INVAL;
	if (slot->kind == SOCK_LISTENER)
		return set_on_listener(slot->obj, opt, v);
	struct tcb *c = slot->obj;

	if (!o && !t)
		return ERR_OPNOTSUPP;
	if (!o)
		return slot->kind == SOCK_CONN && !t->any_time ? ERR_INVAL : set_setting(t, &c->cfg, &c->own_cfg, c, v);
	int err = bounded(&v, o->lo, o->hi, o->beyond);

	if (err)
		return err;
	member_put(c, o->conn, o->size, v * scale_of(o));
	if (o->after)
		o->after(c);
	return 0;
}

int sock_get(struct stack *s, sock_t h, enum sock_opt opt, int64_t *v)
{
	struct sock_slot *slot = slot_of(s, h);
	const struct option *o = option_of(opt);
	const struct tcp_setting *t = tcp_setting_of(opt);

	if (!slot)
		return ERR_BADSOCK;
	const struct tcb_listener *l = slot->kind == SOCK_LISTENER ? slot->obj : NULL;
	const struct tcb *c = slot->obj;

	if (special_of(opt)->get)
		*v = special_of(opt)->get(slot);
	else if (o && !l)
		*v = o->shown ? o->shown(c) : member_get(c, o->conn, o->size) / scale_of(o);
	else if (o && o->listener)
		*v = member_get(l, o->listener, o->size) / scale_of(o);
	else if (t)
		*v = tcp_setting_get(t, l ? l->cfg : c->cfg) / unit_of(t);
	else
		return ERR_OPNOTSUPP;
	return 0;
}
