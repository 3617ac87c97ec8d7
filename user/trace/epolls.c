/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/epolls.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>

#include "lib/cleanup.h"

void epolls_parse(FILE *fdinfo, struct epoll_seed *seed)
{
	char line[256];
	int fd;

	/* A line for each member: "tfd:        5 events:       19 data: ..." (fs/eventpoll.c, ep_show_fdinfo) */
	while (seed->count < EPOLL_SEED_FDS && fgets(line, sizeof(line), fdinfo)) {
		if (sscanf(line, "tfd: %d", &fd) == 1 && fd >= 0)
			seed->fd[seed->count++] = fd;
	}
}

static bool is_epoll(int dir, const char *fd)
{
	char target[32];
	ssize_t bytes = readlinkat(dir, fd, target, sizeof(target) - 1);

	if (bytes < 0)
		return false;
	target[bytes] = '\0';
	return strcmp(target, "anon_inode:[eventpoll]") == 0;
}

static void read_set(int pid, unsigned int fd, struct epoll_seed *seed)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%u", pid, fd);
	file = fopen(path, "re");
	seed->epoll_fd = fd;
	if (file)
		epolls_parse(file, seed);
}

int epolls_seed(struct kernel *kernel, int pid, uint64_t serial)
{
	_cleanup_free_ struct epoll_seed *seeds = calloc(EPOLL_SEEDS_MAX, sizeof(*seeds));
	struct dirent *entry;
	size_t count = 0;
	char path[64];
	int err = 0;
	DIR *dir;

	if (!seeds)
		return -ENOMEM;
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT || errno == EACCES ? 0 : -errno;
	while (!err && (entry = readdir(dir))) {
		char *end;
		unsigned long fd = strtoul(entry->d_name, &end, 10);

		if (*end || end == entry->d_name || fd > INT_MAX || !is_epoll(dirfd(dir), entry->d_name))
			continue;
		seeds[count].process = serial;
		read_set(pid, fd, &seeds[count++]);
		if (count == EPOLL_SEEDS_MAX) {
			err = kernel_seed_epolls(kernel, seeds, count);
			memset(seeds, 0, EPOLL_SEEDS_MAX * sizeof(*seeds));
			count = 0;
		}
	}
	closedir(dir);
	if (!err && count)
		err = kernel_seed_epolls(kernel, seeds, count);
	return err;
}
