/* A link behind two paths, one each way, in real time: --impair. The frames of the link below pass
 * the words' stages (sim/path.h) before the host sees them, and the host's before the link does. */
#ifndef SIM_IMPAIR_H
#define SIM_IMPAIR_H

#include "../stack/link.h"
#include "../stack/base/time.h"

/* The link below is lent, and should offer no super-segments. NULL: err says what is wrong. */
struct link *impair_link(struct link *below, const char *words, uint64_t seed, char *err,
			 size_t cap);
/* Time goes forward; to be called before recv in each turn. Hands on what is due. */
void impair_advance(struct link *, ns_t now);
/* "sent 812, lost 16, ..." for both ways; for the report. */
void impair_report(const struct link *, char *to, size_t cap);

#endif
