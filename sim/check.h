/* Invariants of a run. What is cheap is looked at after every turn; walking all connections
 * (stack_check) every 256 turns, or always, or never, as the run was told; all of it at the end.
 *
 *   streams       what an end has read, its peer has written; every byte is the right one
 *   paths         sent + duplicated = delivered + lost + dropped + too big + inside
 *   connections   stack_check: sequence space, timers, windows, scoreboard, pools
 *   liveness      no instant without end; no end of all events before all flows are over
 *
 * The first that breaks stops the run; world->broken says which. */
#ifndef SIM_CHECK_H
#define SIM_CHECK_H

#include "world.h"

#define CHECK_EVERY 256 /* turns, with CHECK_SAMPLED and up to 7 flows */

void check_turn(struct world *, uint32_t host);
void check_path(struct world *, uint32_t path);
void check_end(struct world *);

#endif
