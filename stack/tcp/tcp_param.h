/* Every constant of the engine with its source. What a user may change is in struct tcp_config. */
#ifndef TCP_PARAM_H
#define TCP_PARAM_H

#include "../base/time.h"

#define MSS_DEFAULT_V4 536  /* RFC 9293 MUST-15: 576 - 40 */
#define MSS_DEFAULT_V6 1220 /* 1280 - 60 */
/* A peer that announces less gets segments of this size all the same: 1 segment per 24 bytes at
 * worst would be the SACK-panic class (CVE-2019-11479); Linux's floor is 48. */
#define MSS_FLOOR 88
#define WSCALE_MAX 14 /* RFC 7323 2.3 */

/* RFC 6298 2.4 wants at least one second; like Linux and FreeBSD we go to 200 ms, since with delayed
 * ACKs of 40 ms and RACK the long floor costs more than it saves. */
#define RTO_MIN (200 * MS)
#define RTO_MAX (120 * SEC) /* RFC 6298 2.5: at least 60 s */
#define RTO_INIT (1 * SEC)  /* RFC 6298 2.1 */
#define DELACK (40 * MS)    /* RFC 9293 MUST-40: under 500 ms */
#define QUICKACKS 16        /* segments answered at once at the start, as Linux does */
#define MSL (30 * SEC)      /* TIME-WAIT is 2 MSL = 60 s, as Linux; RFC 9293's 2 min is not used by any kernel */
#define FIN_WAIT_2_MAX (60 * SEC) /* of a connection whose user is gone */
#define SYN_RETRIES 7       /* R2 for SYN, RFC 9293 MUST-23: at least 3 min. 1+2+4+...+64+120 s = 247 s */
#define SYNACK_RETRIES 5
#define R1_RETRIES 3        /* RFC 9293 SHLD-10: at least 3 */
#define DATA_RETRIES 15     /* R2 (RFC 9293 SHLD-11: at least 100 s) */
#define RTO_RESTART_SEGS 4  /* RFC 7765 4: rrthresh */
#define PERSIST_MAX (60 * SEC)
#define KEEP_IDLE (7200 * SEC) /* RFC 9293 MUST-28: no less than two hours by default */
#define KEEP_INTVL (75 * SEC)
#define KEEP_CNT 9
#define TFO_PENDING 256     /* RFC 7413 5.1: opened in haste and not yet confirmed, in all */
#define TFO_PEERS 64        /* cookies remembered (RFC 7413 4.1.3) */
#define TFO_KEY_LIFE (12 * 3600 * SEC) /* RFC 7413 4.1.2: the server's key changes; the last one still counts */
#define TFO_RESET_SLOT (15 * SEC)      /* a reset one counts as pending for about a minute (5.1) */
#define TFO_RESET_SLOTS 4
#define TFO_SHUN (3600 * SEC)          /* RFC 7413 4.1.3.1: no data in SYNs to where one was lost */

#define DEFER_MAX 3600      /* seconds: a connection that says nothing is not kept out of accept for ever */

#define DUPTHRESH 3         /* RFC 5681 */
#define IW_SEGS 10          /* RFC 6928 */
#define BUF_DEFAULT (4u << 20)
#define ACK_EVERY 2         /* RFC 9293 SHLD-18 */

/* Challenge ACKs per connection (RFC 5961 7): a shared counter would be a side channel
 * (CVE-2016-5696). A burst, then one each interval. */
#define CHALLENGE_BURST 10
#define CHALLENGE_INTERVAL (100 * MS)

#define TS_TICK MS          /* RFC 7323 5.4: between 1 ms and 1 s */
#define PAWS_IDLE (24 * 24 * 3600 * SEC) /* RFC 7323 5.5: ts_recent is invalid after 24 days */

#define TLP_MAX_ACK_DELAY (200 * MS) /* RFC 8985 7.2 */
#define RACK_MULT_PERSIST 16         /* RFC 8985 6.2 step 4: recoveries until reo_wnd_mult is reset */

#define UNIT_HEADROOM 320   /* Linux leaves so much of 64 kB to the headers */
#define UNIT_SEGS 2         /* smallest limit of a TSO unit, as Linux's tcp_min_tso_segs */
#define PACE_QUANTUM MS     /* of the rate may leave at once, and two segments always */
#define PACE_SLOW_START 200 /* per cent of cwnd / srtt: room to double, and to grow (as Linux) */
#define PACE_AVOIDANCE 120

#define QUANTUM 65536       /* bytes that one connection may send before the next has its turn */
#define SACKED_RANGES 4096  /* of the sender's scoreboard; blocks beyond are ignored */

#define EPHEMERAL_LO 32768  /* RFC 6056 3.2: a wide range, above the registered services in use */
#define EPHEMERAL_HI 60999

#endif
