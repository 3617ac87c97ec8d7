/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/foreign_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"

size_t foreign_file_root(const char *path)
{
	static const char proc[] = "/proc/", root[] = "/root";
	size_t length = sizeof(proc) - 1;

	if (strncmp(path, proc, length) != 0)
		return 0;
	length += strspn(path + length, "0123456789");
	if (strncmp(path + length, root, sizeof(root) - 1) != 0)
		return 0;
	length += sizeof(root) - 1;
	return path[length] == '/' ? length : 0;
}

/* What an O_PATH descriptor stands for was looked at without opening it; now it is opened, and cannot be another file. */
static int open_seen(int seen)
{
	char path[64];
	struct stat status;
	int fd;

	if (fstat(seen, &status))
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EPERM;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", seen);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static int open_below(int root, const char *path, int flags)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC | flags, .resolve = RESOLVE_IN_ROOT};
	_cleanup_close_ int seen = syscall(SYS_openat2, root, path, &how, sizeof(how));

	return seen < 0 ? -errno : open_seen(seen);
}

int foreign_file_open_below(int root, const char *path)
{
	return open_below(root, path, O_NOFOLLOW);
}

int foreign_file_open(const char *path)
{
	size_t length = foreign_file_root(path);
	_cleanup_close_ int fd = -1;
	char root[PATH_MAX];

	if (!length) {
		fd = open(path, O_PATH | O_CLOEXEC);
		return fd < 0 ? -errno : open_seen(fd);
	}
	if (length >= sizeof(root))
		return -ENAMETOOLONG;
	memcpy(root, path, length);
	root[length] = '\0';
	fd = open(root, O_PATH | O_CLOEXEC | O_DIRECTORY);
	return fd < 0 ? -errno : open_below(fd, path + length, 0);
}
