/* See js.h. */
#include "js.h"

#include <stdlib.h>
#include <string.h>

/* Length of the UTF-8 sequence (RFC 3629) at s, of which n bytes are left; 0: there is none. */
static size_t sequence(const unsigned char *s, size_t n)
{
	size_t len = *s < 0x80 ? 1 : *s >= 0xc2 && *s < 0xe0 ? 2 : *s >= 0xe0 && *s < 0xf0 ? 3 : *s >= 0xf0 && *s < 0xf5 ? 4 : 0;

	if (len == 0 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] > 0x8f)) /* longer than need be, surrogates, beyond the last */
		return 0;
	return len;
}

json_t *js_text(const char *s)
{
	size_t left = s ? strlen(s) : 0, n = 0;
	char *to = s ? malloc(3 * left + 1) : NULL;
	json_t *j;

	if (!to)
		return json_null();
	while (left > 0) {
		size_t len = sequence((const unsigned char *)s, left);

		memcpy(to + n, len ? s : "\xef\xbf\xbd", len ? len : 3);
		n += len ? len : 3;
		s += len ? len : 1;
		left -= len ? len : 1;
	}
	j = json_stringn(to, n);
	free(to);
	return j;
}

json_t *js_time(ns_t t)
{
	return json_real((double)t / 1e9);
}

json_t *js_count(uint64_t n)
{
	return n <= INT64_MAX ? json_integer((json_int_t)n) : json_sprintf("%llu", (unsigned long long)n);
}

bool js_print(FILE *to, json_t *j, bool line)
{
	size_t form = JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15) | (line ? JSON_COMPACT : JSON_INDENT(1));
	bool ok = j && json_dumpf(j, to, form) == 0 && fputc('\n', to) != EOF && fflush(to) == 0;

	json_decref(j);
	return ok;
}
