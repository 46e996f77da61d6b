/* Where the files of a run go. */
#ifndef SIM_OUT_DIR_H
#define SIM_OUT_DIR_H

#include <stdbool.h>
#include <stddef.h>

/* traces/out/NAME: the scenario file's name without its folder and its end. */
void out_dir_default(const char *file, char *to, size_t cap);
/* mkdir -p; false after a line on stderr. */
bool out_dir_make(const char *dir);

#endif
