/* Asserts stay on in every build. An assert is a mistake of ours, never of a peer. */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#undef NDEBUG
#include <assert.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#endif
