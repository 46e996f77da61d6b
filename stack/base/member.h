/* A whole number in a struct, found by its offset and size, for tables of members. */
#ifndef BASE_MEMBER_H
#define BASE_MEMBER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline int64_t member_get(const void *base, size_t at, size_t size)
{
	const char *from = (const char *)base + at;
	uint8_t one;
	uint16_t two;
	uint32_t four;
	int64_t eight;

	switch (size) {
	case 1:
		memcpy(&one, from, 1);
		return one;
	case 2:
		memcpy(&two, from, 2);
		return two;
	case 4:
		memcpy(&four, from, 4);
		return four;
	default:
		memcpy(&eight, from, 8);
		return eight;
	}
}

static inline void member_put(void *base, size_t at, size_t size, int64_t v)
{
	char *to = (char *)base + at;
	uint8_t one = (uint8_t)v;
	uint16_t two = (uint16_t)v;
	uint32_t four = (uint32_t)v;

	switch (size) {
	case 1:
		memcpy(to, &one, 1);
		break;
	case 2:
		memcpy(to, &two, 2);
		break;
	case 4:
		memcpy(to, &four, 4);
		break;
	default:
		memcpy(to, &v, 8);
	}
}

#endif
