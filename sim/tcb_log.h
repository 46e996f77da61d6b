/* What goes into a capture of a connection's control block (traces/bblog.h), and when: with each frame
 * of a connection, as it was before the frame was taken in, or after it was sent; and as a row of its
 * own at timeouts, retransmissions, the beginning and end of recovery, undone episodes, RTT samples,
 * and changes of cwnd and state.
 *
 * In a record, flex[0] is the number of the connection within its host. flex[1] is, by event: the
 * sample or the RTO in microseconds, the cwnd before, the state before (FreeBSD's number), or the
 * first byte resent, counted from 1. */
#ifndef SIM_TCB_LOG_H
#define SIM_TCB_LOG_H

#include "../stack/stack.h"
#include "../traces/bblog.h"

struct trace_writer;
struct tcb_log;

/* The writer is lent, and was opened with trace_options.bblog. NULL: out of memory. */
struct tcb_log *tcb_log_new(struct trace_writer *, int64_t epoch_ns);
void tcb_log_free(struct tcb_log *);
void tcb_log_attach(struct tcb_log *, struct stack *);
/* Writes the rows that stand before this frame; fills *b if it is of a connection. */
bool tcb_log_frame(struct tcb_log *, enum frame_dir, const struct pkt *, struct bblog *b, ns_t now);
void tcb_log_probe(struct tcb_log *, const struct probe *, ns_t now);

#endif
