/* See out_file.h. */
#include "out_file.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

FILE *out_file_open(struct out_file *o, const char *path)
{
	struct stat st;

	o->f = NULL;
	o->whole = stat(path, &st) != 0 || S_ISREG(st.st_mode);
	if ((size_t)snprintf(o->path, sizeof(o->path), "%s", path) >= sizeof(o->path)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	if (!*path) {
		errno = ENOENT;
		return NULL;
	}
	snprintf(o->part, sizeof(o->part), "%s.part", o->path);
	o->f = fopen(o->whole ? o->part : o->path, "w");
	return o->f;
}

bool out_file_close(struct out_file *o, bool good)
{
	bool ok = o->f && fflush(o->f) == 0 && !ferror(o->f) && good;
	int why = errno;

	if (!o->f)
		return false;
	if (fclose(o->f) != 0 && ok) {
		why = errno;
		ok = false;
	}
	o->f = NULL;
	if (!o->whole)
		return ok;
	if (ok && rename(o->part, o->path) == 0)
		return true;
	if (ok)
		why = errno;
	unlink(o->part);
	errno = why;
	return false;
}
