/* What dissect.c (IP, TCP) and encap.c (links, tags, tunnels) share: a walk from the outermost header
 * inwards. Each function takes what it knows off the front and goes on to the next; the walk's depth
 * bounds how often. */
#ifndef TRACES_LAYERS_H
#define TRACES_LAYERS_H

#include "dissect.h"

#define LAYERS_MAX 16 /* IP and Ethernet headers in one frame: real ones have up to 4 */

/* `have` bytes are there, `len` were on the wire. */
struct walk {
	const uint8_t *p;
	uint32_t have, len;
	int layers;
	struct dissected *d;
};

static inline bool walk_skip(struct walk *w, uint32_t n)
{
	if (w->have < n)
		return false;
	w->p += n;
	w->have -= n;
	w->len -= n;
	return true;
}

enum dissect_result walk_ip(struct walk *);
/* IP protocol numbers that are tunnels, and the UDP ports of such. */
enum dissect_result walk_tunnel(struct walk *, uint8_t proto);
enum dissect_result walk_link(struct walk *, uint16_t linktype);

#endif
