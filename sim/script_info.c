/* The names of Linux's tcp_info, in its units, for a script's assertions. */
#include "script_call.h"

#include <string.h>

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

size_t script_tcp_info(struct runner *r, struct script_var *out, size_t max)
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
		{"tcpi_delivered_ce", (int64_t)i.delivered_ce}, {"tcpi_received_ce", (int64_t)i.received_ce},
		{"tcpi_delivered_e0_bytes", (int64_t)i.delivered_ecn[0]}, {"tcpi_received_e0_bytes", (int64_t)i.received_ecn[0]},
		{"tcpi_delivered_ce_bytes", (int64_t)i.delivered_ecn[1]}, {"tcpi_received_ce_bytes", (int64_t)i.received_ecn[1]},
		{"tcpi_delivered_e1_bytes", (int64_t)i.delivered_ecn[2]}, {"tcpi_received_e1_bytes", (int64_t)i.received_ecn[2]},
		{"tcpi_notsent_bytes", i.notsent},
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
