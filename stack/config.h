/* struct tcp_config, member by member: what each is called, what it may be, and the socket option that
 * changes it. sock_set, the keys below `tcp:` in scenarios and the settings of scripts all come from
 * this one table, so a mechanism that can be chosen can be chosen everywhere, by the same name. Who
 * adds a member adds its row; a test compares the two. */
#ifndef STACK_CONFIG_H
#define STACK_CONFIG_H

#include "stack.h"

enum tcp_setting_kind { SETTING_BOOL, SETTING_COUNT, SETTING_BYTES, SETTING_TIME, SETTING_WORD };

struct tcp_setting {
	const char *name;
	uint8_t kind;             /* enum tcp_setting_kind */
	uint8_t size;             /* of the member, in bytes */
	uint16_t at;              /* the member's offset */
	bool any_time;            /* may also change while a connection is open */
	enum sock_opt opt;
	int64_t lo, hi;           /* inclusive; times in ns */
	const char *const *words; /* WORD: by value, ended by NULL */
	const char *none;         /* NULL, or the word for a value that stands for none, all, or ours to choose */
	int64_t none_value;
};

/* All but two, which no number can say: the fixed initial sequence number and the key of cookies. */
extern const struct tcp_setting tcp_settings[];
extern const size_t tcp_settings_count;

const struct tcp_setting *tcp_setting_named(const char *name, size_t len); /* NULL: no such */
const struct tcp_setting *tcp_setting_of(enum sock_opt);                   /* NULL: of no setting */
int64_t tcp_setting_get(const struct tcp_setting *, const struct tcp_config *);
void tcp_setting_put(const struct tcp_setting *, struct tcp_config *, int64_t); /* within its bounds */

/* NULL, or what is wrong with the whole: "got min_rto above max_rto, expected at most that". */
const char *tcp_config_fault(const struct tcp_config *);

#endif
