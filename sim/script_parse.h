/* Between the files of the parser. */
#ifndef SCRIPT_PARSE_H
#define SCRIPT_PARSE_H

#include "script.h"
#include "script_scan.h"

struct parse {
	struct scan z;
	struct script *script;
	int events_cap, options_cap;
	int depth;
};

const char *parse_text(struct parse *); /* of the present token; NULL: out of memory, and told */
bool parse_ip(struct parse *, struct script_ip *);
bool parse_segment(struct parse *, struct script_seg *);
bool parse_packet(struct parse *, struct script_event *); /* at '<' or '>' */
bool parse_call(struct parse *, struct script_event *);

#endif
