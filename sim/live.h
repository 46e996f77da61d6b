/* The real-time driver: one session on a device, the monotonic clock, and the user's descriptors. */
#ifndef SIM_LIVE_H
#define SIM_LIVE_H

#include "session.h"

/* Everything of `serve` and `connect` from the parsed command line to the exit code. `interactive`:
 * stdin feeds the session's pipe, stdout takes what comes. */
int live_main(struct session_options *, int argc, char **argv, bool interactive);

#endif
