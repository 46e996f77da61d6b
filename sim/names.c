/* Open addressing with linear probing, at most half full; FNV-1a. Never iterated. */
#include "names.h"

#include <stdlib.h>
#include <string.h>

bool names_init(struct names *t, uint32_t n)
{
	uint32_t cap = 16;

	while (cap / 2 < n)
		cap *= 2;
	t->name = calloc(cap, sizeof(*t->name));
	t->number = calloc(cap, sizeof(*t->number));
	t->mask = cap - 1;
	return t->name && t->number;
}

void names_free(struct names *t)
{
	free(t->name);
	free(t->number);
	*t = (struct names){0};
}

/* Where the name is, or the free place where it belongs. */
static uint32_t place(const struct names *t, const char *name)
{
	uint32_t h = 2166136261u;

	for (const char *s = name; *s; s++)
		h = (h ^ (uint8_t)*s) * 16777619u;
	for (h &= t->mask; t->name[h] && strcmp(t->name[h], name) != 0;)
		h = (h + 1) & t->mask;
	return h;
}

bool names_add(struct names *t, const char *name, uint32_t number)
{
	uint32_t i = place(t, name);

	if (t->name[i])
		return false;
	t->name[i] = name;
	t->number[i] = number;
	return true;
}

bool names_find(const struct names *t, const char *name, uint32_t *number)
{
	if (!t->name)
		return false;
	uint32_t i = place(t, name);

	if (t->name[i])
		*number = t->number[i];
	return t->name[i] != NULL;
}
