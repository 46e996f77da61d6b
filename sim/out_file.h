/* A file that is there with all its bytes, or not at all: written as PATH.part, then renamed. What is no plain
 * file (a device, a pipe) is written as it is. */
#ifndef SIM_OUT_FILE_H
#define SIM_OUT_FILE_H

#include <stdbool.h>
#include <stdio.h>

struct out_file {
	FILE *f;
	bool whole; /* it goes by another name until it is complete */
	char path[1024], part[1032];
};

FILE *out_file_open(struct out_file *, const char *path); /* NULL: errno says why */
/* `good`: what was to be written has been. False: there is no such file, or it is as it was before. */
bool out_file_close(struct out_file *, bool good);

#endif
