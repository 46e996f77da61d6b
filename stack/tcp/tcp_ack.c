/* What an acknowledgement means: which bytes are delivered, what it says of the round trip, of the
 * window, of duplicates. Loss detection (tcp_loss.c) and congestion control hear the news.
 * RFC 9293 3.10.7.4 (5), RFC 2018, 2883, 5681, 6298, 7323. */
#include "tcp.h"

static bool uses_sack(const struct tcb *c)
{
	return c->sack_ok && c->cfg->recovery <= RECOVERY_SACK;
}

/* RFC 9293 3.10.7.4 (5): the newest segment's window counts. */
void tcp_update_window(struct tcb *c, const struct seg *g)
{
	bool newer = seq_lt(c->snd.wl1, g->seq) || (seq_eq(c->snd.wl1, g->seq) && seq_le(c->snd.wl2, g->ack));

	/* Old text sent again has an old number, but may bring a new acknowledgment. Were its window not
	 * taken, una + wnd would reach beyond what was offered (Linux decides likewise). */
	if (!newer && !seq_lt(c->snd.wl2, g->ack))
		return;
	uint32_t wnd = (uint32_t)g->wnd << c->snd_wscale;

	c->snd.wnd = wnd;
	c->snd.wl1 = seq_max(c->snd.wl1, g->seq);
	c->snd.wl2 = g->ack;
	c->snd.edge = seq_max(c->snd.edge, seq_add(g->ack, wnd));
	if (wnd > c->snd.max_wnd)
		c->snd.max_wnd = wnd;
	/* An answer to a probe, even one that says zero, shows that the peer lives. */
	if (c->due[T_PERSIST] != NS_NEVER && wnd > 0) {
		tcp_timer_stop(c, T_PERSIST);
		c->retries = 0;
		c->probe_out = false;
		c->snd.max = c->snd.nxt;
	}
}

/* The byte of a zero-window probe was taken: it is sent data now. */
static void take_probe_byte(struct tcb *c)
{
	struct rate_snap snap;

	rate_on_send(&c->rate, &snap, tcp_inflight(c), c->snd.max.v - c->snd.nxt.v, c->tcp->now);
	if (!board_add(&c->board, c->snd.nxt, c->snd.max, 0, &snap, c->last_sent))
		return;
	board_rec(&c->board, c->board.end - 1)->flags |= REC_EVER; /* no RTT from it */
	c->snd.nxt = c->snd.max;
	c->probe_out = false;
	c->stat.bytes_sent++;
}

/* RFC 2883 4: the first block reports a duplicate if it lies below the ACK or within the second. */
static bool is_dsack(const struct seg *g)
{
	const struct tcp_opts *o = &g->opt;

	if (seq_lt(o->sack[0].lo, g->ack) && seq_le(o->sack[0].hi, g->ack))
		return true;
	return o->nsack > 1 && seq_le(o->sack[1].lo, o->sack[0].lo) && seq_le(o->sack[0].hi, o->sack[1].hi);
}

static void take_sacks(struct tcb *c, const struct seg *g, struct ack_news *news)
{
	const struct tcp_opts *o = &g->opt;
	int first = 0;

	if (o->nsack && is_dsack(g)) {
		news->dsack = true;
		news->dsack_range = (struct seq_range){o->sack[0].lo, o->sack[0].hi};
		c->stat.dsacks++;
		rate_on_duplicate(&c->rate, o->sack[0].hi.v - o->sack[0].lo.v, c->stat.bytes_retrans, c->tcp->now);
		first = 1;
	}
	for (int i = first; i < o->nsack; i++) {
		seq_t lo = o->sack[i].lo, hi = o->sack[i].hi;

		/* Only what was sent and is not yet acknowledged; anything else is old or a lie. */
		if (!seq_lt(lo, hi) || seq_lt(lo, c->snd.una) || seq_gt(hi, c->snd.nxt) || seq_le(hi, g->ack))
			continue;
		board_sack(&c->board, seq_max(lo, g->ack), hi, news, tcp_loss_on_record, c);
	}
}

/* RFC 5681 2: outstanding data, no text, nothing new, the window as it was. */
static bool is_dup_ack(const struct tcb *c, const struct seg *g)
{
	return !board_empty(&c->board) && g->len == 0 && !(g->flags & (TH_SYN | TH_FIN)) &&
	       seq_eq(g->ack, c->snd.una) && ((uint32_t)g->wnd << c->snd_wscale) == c->snd.wnd;
}

static void advance_una(struct tcb *c, seq_t ack, struct ack_news *news)
{
	uint32_t bytes = ack.v - c->snd.una.v;

	board_ack(&c->board, ack, news, tcp_loss_on_record, c);
	if (news->fin_acked) {
		c->fin_acked = true;
		bytes--;
	}
	c->snd.una = ack;
	if (seq_lt(c->snd.max, ack))
		c->snd.max = ack;
	if (seq_lt(c->snd.small, ack))
		c->snd.small = ack;
	if (bytes)
		sndq_drop(&c->sndq, c->tcp->pool, bytes);
	c->stat.bytes_acked += bytes;
	c->retries = 0;
	c->trouble = 0;
}

/* RFC 6298 3 (Karn) and RFC 7323 4.1: from a record sent once, else by the echoed timestamp. Only with a
 * sample does the backed-off timeout come down (RFC 6298 5, last note; 9293 3.8.1).
 *
 * An ACK that reports a duplicate answers that duplicate: what it newly tells was said before in ACKs
 * that were lost, and its echo is as old (a receiver does not take the timestamp of a segment below its
 * window). As a sample that would be the time since then, timeouts included, and the next timeout
 * would be longer for it: with 15 % and 20 % lost each way the RTO went to 79 s at 20 ms of RTT. */
static void sample_rtt(struct tcb *c, const struct seg *g, const struct ack_news *news)
{
	ns_t rtt = news->first_rtt;

	if (news->dsack)
		return;
	if (rtt < 0 && c->ts_ok && g->opt.has_ts && g->opt.ts_ecr && news->una_moved) {
		uint32_t ticks = tcp_ts_now(c) - g->opt.ts_ecr;

		if (ticks < (1u << 20)) /* 17 minutes: older echoes are nonsense */
			rtt = (ns_t)ticks * TS_TICK + (ticks ? 0 : TS_TICK / 2);
	}
	if (rtt < 0)
		return;
	uint32_t flight = c->cfg->rtt_alike ? 1 : c->board.sent_bytes / (2u * c->mss) + 1;

	rtt_sample(&c->rtt, rtt, flight, c->tcp->now);
	rtt_clear_backoff(&c->rtt);
	c->tlp_sampled = true;
	tcp_probe(c, PROBE_RTT, c->snd.una, c->snd.nxt, rtt, "round trip");
}

bool tcp_writer_may_go_on(const struct tcb *c)
{
	uint32_t unsent = c->sndq.bytes - (c->snd.nxt.v - c->snd.una.v - (c->fin_sent && !c->fin_acked));

	/* Linux waits until what is unsent is less than half of the mark. */
	uint64_t most = c->cfg->sndbuf_units ? 2ull * unsent : unsent;

	return c->sndq.bytes <= c->sndbuf - c->sndbuf / 3 && most < c->notsent_lowat;
}

static void wake_writer(struct tcb *c)
{
	if (!c->write_blocked || !tcp_writer_may_go_on(c))
		return;
	c->write_blocked = false;
	tcp_notify(c, SOCK_WRITABLE);
}

/* Nothing of ours is out: an ACK can bring nothing but a window. Half of all segments are such, those
 * of the side that only receives. */
static bool nothing_to_learn(const struct tcb *c, const struct seg *g)
{
	return board_empty(&c->board) && seq_eq(g->ack, c->snd.una) && !g->opt.nsack && !c->probe_out &&
	       !c->acc.first_in;
}

void tcp_ack(struct tcb *c, const struct seg *g)
{
	struct tcp *t = c->tcp;

	c->more_holds = false; /* as Linux: an ACK is an occasion to send */
	if (nothing_to_learn(c, g)) {
		tcp_update_window(c, g);
		tcp_probe(c, PROBE_ACK, c->snd.una, c->snd.nxt, 0, "new");
		tcp_talk(c);
		return;
	}
	struct ack_news news = {.rtt = -1, .first_rtt = -1, .prior_fack = c->rack.fack};
	uint32_t prior_inflight = tcp_inflight(c);
	bool dup = is_dup_ack(c, g);

	if (seq_gt(g->ack, c->snd.nxt) && c->probe_out)
		take_probe_byte(c);
	if (seq_gt(g->ack, c->snd.nxt))
		return; /* memory was short for the probe's record: as if the ACK were lost */
	if (uses_sack(c))
		take_sacks(c, g, &news);
	if (seq_gt(g->ack, c->snd.una)) {
		/* Only now: what a mere SACK echoes is the timestamp of what had come in order (RFC 7323 4.3). */
		news.echo = c->ts_ok && g->opt.has_ts && g->opt.ts_ecr;
		news.ts_ecr = g->opt.ts_ecr;
		advance_una(c, g->ack, &news);
	}
	news.dup_ack = uses_sack(c) ? news.nsacked && !news.una_moved : dup;
	if (dup) {
		c->stat.dup_acks++;
	}
	if (news.una_moved)
		sample_rtt(c, g, &news);
	if (news.delivered > news.rate.bytes)
		rate_on_part(&c->rate, news.delivered - news.rate.bytes, t->now);
	rate_finish(&c->rate, &news.rate, c->rtt.min);
	c->stat.delivered += news.ndelivered;
	if (c->ecn_ok)
		tcp_ecn_feedback(c, g, &news);
	tcp_update_window(c, g);

	if (prior_inflight || news.una_moved || news.nsacked || news.dsack)
		tcp_loss_on_ack(c, g, &news, prior_inflight);
	if (news.una_moved) {
		tcp_arm_rexmit(c); /* RFC 6298 5.2, 5.3 */
		net_confirm(t->net, &c->flow.key.remote, t->now);
		wake_writer(c);
	}
	tcp_probe(c, PROBE_ACK, c->snd.una, c->snd.nxt, 0, dup ? "duplicate" : "new");
	tcp_talk(c);
}
