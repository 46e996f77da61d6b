/* The nearest known word to one that is not known, for messages: "did you mean ...?" */
#ifndef SIM_WORDS_H
#define SIM_WORDS_H

#include <stddef.h>

/* NULL when none is near: at most a third of the letters may differ, and at least one may. */
const char *word_nearest(const char *word, const char *const *known, size_t n);

#endif
