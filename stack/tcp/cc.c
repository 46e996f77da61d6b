/* The table of algorithms, the initial window, and what the algorithms share. */
#include "cc_common.h"

#include <string.h>

#define IW_MSS 1460 /* RFC 6928 2: 14,600 bytes are ten of these */

static const struct cc_ops *const table[CC_COUNT] = {
	[CC_RENO] = &cc_reno,	[CC_CUBIC] = &cc_cubic, [CC_BBR] = &cc_bbr,
	[CC_DCTCP] = &cc_dctcp, [CC_TAHOE] = &cc_tahoe, [CC_NONE] = &cc_none,
};

const struct cc_ops *cc_find(enum tcp_cc_kind kind)
{
	assert((unsigned)kind < CC_COUNT);
	return table[kind];
}

const char *cc_name(enum tcp_cc_kind kind)
{
	return cc_find(kind)->name;
}

bool cc_by_name(const char *name, enum tcp_cc_kind *kind)
{
	for (int i = 0; i < CC_COUNT; i++) {
		if (strcmp(table[i]->name, name) != 0)
			continue;
		*kind = (enum tcp_cc_kind)i;
		return true;
	}
	return false;
}

static uint64_t max64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* RFC 6928 2: min(10 MSS, max(2 MSS, 14600)), with n for 10; n = 3 or 4 is RFC 3390's. */
uint32_t cc_initial_window(uint32_t mss, uint16_t segs)
{
	uint64_t n = segs ? segs : 1;

	assert(mss > 0);
	return (uint32_t)min64(CC_CWND_MAX, min64(n * mss, max64(2 * (uint64_t)mss, n * IW_MSS)));
}

uint32_t cc_bound_cwnd(const struct cc *cc, uint64_t cwnd)
{
	return (uint32_t)max64(cc->mss, min64(cwnd, CC_CWND_MAX));
}

uint32_t cc_bound_ssthresh(const struct cc *cc, uint64_t ssthresh)
{
	uint64_t whole = min64(ssthresh, CC_CWND_MAX) / cc->mss * cc->mss;

	return (uint32_t)max64(2 * (uint64_t)cc->mss, whole);
}

uint32_t cc_slow_start(struct cc *cc, struct hystart *h, const struct cc_ack *a)
{
	/* RFC 9406 4.3: for the first slow start only, while ssthresh is still unknown. */
	bool watch = h && cc->hystart && !h->done && cc->ssthresh == SSTHRESH_INFINITE;
	uint32_t grow = watch && !cc->hystart_classic ? hystart_on_ack(h, cc, a) : a->acked;

	if (watch && cc->hystart_classic)
		hystart_classic_on_ack(h, cc, a);

	assert(cc->cwnd < cc->ssthresh);
	if (watch && h->done) {
		cc->ssthresh = cc_bound_ssthresh(cc, cc->cwnd);
		return a->acked;
	}
	if (!a->cwnd_limited)
		return 0;
	/* RFC 3465 2.2 with L = 2. Without the switch every acknowledged byte counts, as in Linux:
	 * a lost or merged ACK then costs no growth, and pacing takes care of the burst. */
	if (cc->abc)
		grow = (uint32_t)min64(grow, 2 * (uint64_t)cc->mss);

	uint32_t used = (uint32_t)min64(grow, cc->ssthresh - cc->cwnd);

	cc->cwnd = cc_bound_cwnd(cc, (uint64_t)cc->cwnd + used);
	return cc->cwnd >= cc->ssthresh ? grow - used : 0;
}

void cc_reno_avoid(struct cc *cc, uint32_t *counted, uint32_t acked)
{
	uint64_t sum = (uint64_t)*counted + acked, windows = sum / cc->cwnd;

	*counted = (uint32_t)(sum % cc->cwnd);
	cc->cwnd = cc_bound_cwnd(cc, cc->cwnd + windows * cc->mss);
}
