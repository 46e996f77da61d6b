/* A connection's control block in the form of FreeBSD's black box log, as Netflix puts it into pcapng
 * and stock Wireshark dissects it (fields bblog.*). Values in, bytes out.
 *
 * A record stands in a custom option of a packet, or is an event and a row of its own. What a file
 * with such records begins with is the log's description. All of it is little-endian. */
#ifndef TRACES_BBLOG_H
#define TRACES_BBLOG_H

#include <stdint.h>

#include "../stack/base/time.h"

#define BBLOG_PEN 10949u /* Netflix, in the custom options and blocks around these */
#define BBLOG_VERSION 9u /* of the record's layout */
#define BBLOG_RECORD 272
#define BBLOG_DESCRIPTION 208

/* Types of the custom options; of the custom block just one is meant. */
enum { BBLOG_OPT_VERSION = 1, BBLOG_OPT_RECORD = 2, BBLOG_OPT_DESCRIPTION = 4 };
enum { BBLOG_BLOCK_EVENT = 1 };

/* Those of the log's events that this stack has. Viewers know them by number. */
enum bblog_event {
	BBLOG_IN = 1,
	BBLOG_OUT = 2,
	BBLOG_RTO = 3,
	BBLOG_SPURIOUS = 5, /* "bad retransmission": an episode was needless */
	BBLOG_ENTER_RECOVERY = 15,
	BBLOG_EXIT_RECOVERY = 16,
	BBLOG_CWND = 17,
	BBLOG_STATE = 22,   /* the nearest there is: viewers word it as BBR's */
	BBLOG_RTT = 47,
};

/* FreeBSD's numbers of the states. */
enum bblog_state {
	BBLOG_CLOSED, BBLOG_LISTEN, BBLOG_SYN_SENT, BBLOG_SYN_RECEIVED, BBLOG_ESTABLISHED, BBLOG_CLOSE_WAIT,
	BBLOG_FIN_WAIT_1, BBLOG_CLOSING, BBLOG_LAST_ACK, BBLOG_FIN_WAIT_2, BBLOG_TIME_WAIT,
};

#define BBLOG_F_SENT_FIN 0x00000010u
#define BBLOG_F_WSCALE 0x00000060u     /* asked for, and the peer did */
#define BBLOG_F_TIMESTAMPS 0x00000180u /* likewise */
#define BBLOG_F_SACK 0x00000200u
#define BBLOG_F_FAST_RECOVERY 0x00100000u
#define BBLOG_F_CONG_RECOVERY 0x20000000u
#define BBLOG_F_FASTOPEN 0x80000000u
#define BBLOG_F2_ECN 0x00000020u
#define BBLOG_F2_ACCECN 0x00000100u

struct bblog {
	ns_t at;         /* Unix time; the record holds whole microseconds */
	uint32_t serial; /* of the record within its file */
	enum bblog_event event;
	enum bblog_state state;
	uint32_t flags, flags2;
	uint32_t iss, snd_una, snd_nxt, snd_max, snd_recover, snd_wnd, rcv_nxt, rcv_wnd;
	uint32_t cwnd, ssthresh, srtt_us, rttvar_us, dup_acks;
	uint32_t unread, unsent; /* bytes in the receive buffer; in the send buffer, what is in flight included */
	uint8_t snd_shift, rcv_shift;
	uint32_t flex[2]; /* free for the writer */
	uint32_t payload; /* of the segment, where there is one */
};

void bblog_record(uint8_t to[BBLOG_RECORD], const struct bblog *);
/* Nothing but an offset of zero for the records' times, which viewers do not assume by themselves. */
void bblog_description(uint8_t to[BBLOG_DESCRIPTION]);

#endif
