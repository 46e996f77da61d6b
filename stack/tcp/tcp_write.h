/* Between the two halves of emit: tcp_output.c decides what to say, tcp_write.c writes it. */
#ifndef TCP_WRITE_H
#define TCP_WRITE_H

#include "tcp.h"

/* Offset in the send queue of a sequence number: the queue begins at snd.una. */
static inline uint32_t queue_off(const struct tcb *c, seq_t s)
{
	return s.v - c->snd.una.v;
}

/* How far the end of the urgent bytes lies beyond a sequence number; not positive: it is behind. */
static inline int64_t urgent_ahead(const struct tcb *c, seq_t from)
{
	if (c->snd.up <= c->sndq.pos)
		return 0; /* all acknowledged, or never any */
	return (int64_t)(c->snd.up - c->sndq.pos) - seq_diff(from, c->snd.una);
}

static inline bool makes_units(const struct tcb *c)
{
	return c->cfg->tso && c->tcp->net->link.tso_max > 0;
}

struct pkt *write_pkt(struct tcb *);              /* NULL: none left, which is counted */
void write_timestamp(struct tcb *, struct seg *); /* ours and the echo, if both sides agreed */
void write_note(const struct tcb *, struct pkt *, enum send_why, seq_t lo, uint32_t len);
void write_acked(struct tcb *);                   /* what every segment that carries our ACK settles */

/* Pushes the header of the segment in front of the pkt's payload and hands it down; takes the pkt. */
void write_segment(struct tcb *, struct pkt *, struct seg *);
/* A segment without text at seq: ACK, probe, FIN, RST. False: no memory. */
bool write_bare(struct tcb *, seq_t seq, uint16_t flags, enum send_why);
/* len bytes of the send queue at seq, as one send unit. The bytes written; 0 without memory. */
uint32_t write_text(struct tcb *, seq_t seq, uint32_t len, uint16_t flags, const struct pkt_note *why);

#endif
