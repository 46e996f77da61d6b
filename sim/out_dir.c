/* See out_dir.h. */
#include "out_dir.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

void out_dir_default(const char *file, char *to, size_t cap)
{
	const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;
	const char *dot = strrchr(base, '.');

	snprintf(to, cap, "traces/out/%.*s", dot ? (int)(dot - base) : 200, base);
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool make(const char *dir)
{
	char path[512];

	if ((size_t)snprintf(path, sizeof(path), "%s", dir) >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	for (char *p = path + 1; *path && *p; p++) {
		if (*p != '/')
			continue;
		*p = 0;
		if (mkdir(path, 0777) != 0 && errno != EEXIST)
			return false;
		*p = '/';
	}
	if (mkdir(path, 0777) == 0 || is_folder(path))
		return true;
	if (errno == EEXIST)
		errno = ENOTDIR;
	return false;
}

bool out_dir_make(const char *dir)
{
	if (make(dir))
		return true;
	fprintf(stderr, "--out '%.200s': %s, expected a folder that can be made\n", dir, strerror(errno));
	return false;
}
