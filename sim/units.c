/* Numbers with units. A number is digits with at most one point; it is scaled by the unit's factor
 * in integers, and must come out whole: 0.3ns and 0.5B are refused, not rounded. */
#include "units.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct unit {
	const char *name;
	uint64_t factor;
};

/* Largest first: printing takes the first that divides. */
static const struct unit times[] = {
    {"h", 3600000000000}, {"min", 60000000000}, {"s", 1000000000},
    {"ms", 1000000},      {"us", 1000},         {"ns", 1},
};
static const struct unit rates[] = {
    {"tbit", 1000000000000}, {"gbit", 1000000000}, {"mbit", 1000000}, {"kbit", 1000}, {"bit", 1},
};
static const struct unit sizes[] = {
    {"GiB", 1073741824}, {"MiB", 1048576}, {"KiB", 1024}, {"GB", 1000000000},
    {"MB", 1000000},     {"kB", 1000},     {"B", 1},
};

#define TIME_MAX (1000000000 * SEC) /* 31 years: sums of a few never overflow */
#define RATE_MAX 10000000000000u    /* 10 Tbit/s */
#define SIZE_MAX_BYTES (UINT64_C(1) << 60)

/* digits[.digits]: *whole, the fraction's digits and how many; returns the rest, NULL if there is
 * no number or it is out of hand. */
static const char *number(const char *s, uint64_t *whole, uint64_t *frac, unsigned *digits)
{
	const char *start = s;

	*whole = *frac = *digits = 0;
	for (; *s >= '0' && *s <= '9'; s++) {
		if (*whole > (UINT64_MAX - 9) / 10)
			return NULL;
		*whole = *whole * 10 + (uint64_t)(*s - '0');
	}
	if (s == start)
		return NULL;
	if (*s != '.')
		return s;
	start = ++s;
	for (; *s >= '0' && *s <= '9'; s++) {
		if (++*digits > 15)
			return NULL;
		*frac = *frac * 10 + (uint64_t)(*s - '0');
	}
	return s == start ? NULL : s;
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* (whole + frac / 10^digits) * factor, exactly. */
static bool scaled(uint64_t whole, uint64_t frac, unsigned digits, uint64_t factor, uint64_t max,
		   uint64_t *out)
{
	uint64_t den = 1;

	for (; digits > 0; digits--)
		den *= 10;
	uint64_t g = common_divisor(den, frac);

	den /= g;
	frac /= g;
	if (factor % den || whole > max / factor)
		return false;
	*out = whole * factor + frac * (factor / den);
	return *out <= max;
}

static bool read_unit(const char *text, const struct unit *u, size_t n, uint64_t max, uint64_t *out)
{
	uint64_t whole, frac;
	unsigned digits;
	const char *rest = number(text, &whole, &frac, &digits);

	if (!rest)
		return false;
	if (!*rest && whole == 0 && frac == 0) {
		*out = 0;
		return true;
	}
	for (size_t i = 0; i < n; i++)
		if (strcmp(rest, u[i].name) == 0)
			return scaled(whole, frac, digits, u[i].factor, max, out);
	return false;
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const char *unit_time(const char *text, ns_t *out)
{
	uint64_t v;

	if (!read_unit(text, times, COUNT(times), TIME_MAX, &v))
		return "a time such as 10ms, with ns, us, ms, s, min or h";
	*out = (ns_t)v;
	return NULL;
}

const char *unit_rate(const char *text, uint64_t *bps)
{
	if (!read_unit(text, rates, COUNT(rates), RATE_MAX, bps) || *bps == 0)
		return "a rate above 0 such as 10mbit, with bit, kbit, mbit, gbit or tbit";
	return NULL;
}

const char *unit_size(const char *text, uint64_t *bytes)
{
	if (!read_unit(text, sizes, COUNT(sizes), SIZE_MAX_BYTES, bytes))
		return "a size such as 100MB or 64KiB, with B, kB, MB, GB, KiB, MiB or GiB";
	return NULL;
}

const char *unit_share(const char *text, uint32_t *ppb)
{
	static const struct unit percent[] = {{"%", 10000000}};
	uint64_t v;

	if (!read_unit(text, percent, 1, 1000000000, &v))
		return "a share between 0% and 100% such as 0.5%";
	*ppb = (uint32_t)v;
	return NULL;
}

const char *unit_count(const char *text, uint64_t *n)
{
	uint64_t frac;
	unsigned digits;
	const char *rest = number(text, n, &frac, &digits);

	if (!rest || *rest || digits)
		return "a whole number";
	return NULL;
}

/* The largest unit in which v is whole; a few decimals where that reads better than many zeros. */
static char *print_unit(char *to, uint64_t v, const struct unit *u, size_t n)
{
	size_t i = 0;

	while (i + 1 < n && (v % u[i].factor || v == 0))
		i++;
	snprintf(to, UNIT_TEXT, "%llu%s", (unsigned long long)(v / u[i].factor),
		 v ? u[i].name : "");
	return to;
}

char *unit_print_time(char *to, ns_t t)
{
	return print_unit(to, (uint64_t)t, times, COUNT(times));
}

char *unit_print_rate(char *to, uint64_t bps)
{
	return print_unit(to, bps, rates, COUNT(rates));
}

char *unit_print_size(char *to, uint64_t bytes)
{
	return print_unit(to, bytes, sizes, COUNT(sizes));
}

char *unit_print_share(char *to, uint32_t ppb)
{
	int len = snprintf(to, UNIT_TEXT, "%u.%07u", ppb / 10000000, ppb % 10000000);

	while (to[len - 1] == '0')
		len--;
	if (to[len - 1] == '.')
		len--;
	memcpy(to + len, "%", 2);
	return to;
}
