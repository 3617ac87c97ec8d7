/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/perf_map.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "symbols/foreign_file.h"
#include "symbols/perf_map_index.h"

#define BLOCK_BYTES (64u << 10)

struct perf_map {
	uint32_t pid, inner_pid; /* inner: as the process itself sees it */
	uid_t uid;               /* the process's */
	int root;                /* its root directory; -1: it was gone before we looked */
	int fd;                  /* the map; -1: not found yet */
	bool fixed;              /* the file is given, not looked for */
	struct stat seen;        /* of `fd` when it was opened */
	uint64_t consumed;       /* bytes of whole lines */
	uint64_t read;           /* bytes, over all readings */
	bool cut, skipping;      /* skipping: inside of a line that is too long */

	struct perf_map_entry *entries; /* as in the file */
	size_t n_entries, entries_room;
	char *names;
	size_t names_bytes, names_room;
	struct perf_map_index index; /* made when asked for */
	bool indexed;
};

/* From /proc/PID/status: "Uid:\treal\teffective..." and "NSpid:\touter\t...\tinner". */
static void take_status(struct perf_map *map, int proc)
{
	_cleanup_close_ int fd = openat(proc, "status", O_RDONLY | O_CLOEXEC);
	char status[4096], *line;
	ssize_t n = fd < 0 ? -1 : read(fd, status, sizeof(status) - 1);
	unsigned int effective;

	if (n < 0)
		return;
	status[n] = '\0';
	line = strstr(status, "\nUid:");
	if (line && sscanf(line, "\nUid: %*u %u", &effective) == 1)
		map->uid = effective;
	line = strstr(status, "\nNSpid:");
	if (line) {
		size_t length = strcspn(line + 1, "\n");
		const char *last = memrchr(line + 1, '\t', length);

		if (last)
			map->inner_pid = strtoul(last + 1, NULL, 10);
	}
}

static struct perf_map *map_new(void)
{
	struct perf_map *map = calloc(1, sizeof(*map));

	if (map)
		map->root = map->fd = -1;
	return map;
}

int perf_map_open(uint32_t pid, struct perf_map **ret)
{
	_cleanup_close_ int proc = -1;
	struct perf_map *map = map_new();
	char path[64];

	if (!map)
		return -ENOMEM;
	map->pid = map->inner_pid = pid;
	snprintf(path, sizeof(path), "/proc/%" PRIu32, pid);
	proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc >= 0) {
		take_status(map, proc);
		map->root = openat(proc, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	*ret = map;
	return 0;
}

int perf_map_open_fd(int fd, struct perf_map **ret)
{
	struct perf_map *map = map_new();

	if (!map) {
		close(fd);
		return -ENOMEM;
	}
	map->fd = fd;
	map->fixed = true;
	*ret = map;
	return 0;
}

/* A descriptor of `path` below `root` if it is ours to believe. */
static int open_owned(const struct perf_map *map, int root, const char *path)
{
	_cleanup_close_ int fd = foreign_file_open_below(root, path);
	struct stat status;

	if (fd < 0)
		return fd;
	if (fstat(fd, &status))
		return -errno;
	return status.st_uid == map->uid || status.st_uid == 0 ? steal_fd(&fd) : -EPERM;
}

static int open_map(const struct perf_map *map)
{
	_cleanup_close_ int here = -1;
	char path[64];
	int fd = -ENOENT;

	if (map->root >= 0) {
		snprintf(path, sizeof(path), "/tmp/perf-%" PRIu32 ".map", map->inner_pid);
		fd = open_owned(map, map->root, path);
	}
	if (fd != -ENOENT)
		return fd;
	here = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (here < 0)
		return -errno;
	snprintf(path, sizeof(path), "/tmp/perf-%" PRIu32 ".map", map->pid);
	return open_owned(map, here, path);
}

static void forget(struct perf_map *map)
{
	map->consumed = 0;
	map->n_entries = 0;
	map->names_bytes = 0;
	map->skipping = false;
	map->indexed = false;
}

/* The file may have been replaced since. Once it is deleted, the one that we hold is as good. */
static int find_file(struct perf_map *map)
{
	_cleanup_close_ int fd = -1;
	struct stat status;

	if (!map->fixed) {
		fd = open_map(map);
		if (fd < 0 && map->fd < 0)
			return fd;
	}
	if (fd >= 0) {
		if (fstat(fd, &status))
			return -errno;
		if (map->fd < 0 || status.st_dev != map->seen.st_dev || status.st_ino != map->seen.st_ino) {
			if (map->fd >= 0)
				close(map->fd);
			map->fd = steal_fd(&fd);
			map->seen = status;
			forget(map);
		}
	}
	if (fstat(map->fd, &status))
		return -errno;
	if ((uint64_t)status.st_size < map->consumed)
		forget(map);
	return 0;
}

/* Hexadecimal, with or without 0x; `*text` moves behind it. */
static bool take_number(const char **text, const char *end, uint64_t *value)
{
	const char *at = *text;
	const char *first;

	if (end - at > 2 && at[0] == '0' && (at[1] == 'x' || at[1] == 'X'))
		at += 2;
	*value = 0;
	for (first = at; at < end; at++) {
		int digit = *at >= '0' && *at <= '9'                 ? *at - '0'
			    : (*at | 32) >= 'a' && (*at | 32) <= 'f' ? (*at | 32) - 'a' + 10
								     : -1;

		if (digit < 0)
			break;
		if (*value >> 60)
			return false;
		*value = *value << 4 | digit;
	}
	*text = at;
	return at > first;
}

/* Room for one more entry and its name, by doubling. False: no memory, or too much. */
static bool reserve(struct perf_map *map, size_t name_bytes)
{
	if (map->n_entries == PERF_MAP_ENTRIES_MAX || map->names_bytes + name_bytes > PERF_MAP_NAMES_MAX)
		return false;
	if (map->n_entries == map->entries_room) {
		size_t room = map->entries_room ? 2 * map->entries_room : 256;
		struct perf_map_entry *entries = reallocarray(map->entries, room, sizeof(*entries));

		if (!entries)
			return false;
		map->entries = entries;
		map->entries_room = room;
	}
	if (map->names_bytes + name_bytes > map->names_room) {
		size_t room = 2 * map->names_room + name_bytes + 4096;
		char *names = realloc(map->names, room);

		if (!names)
			return false;
		map->names = names;
		map->names_room = room;
	}
	return true;
}

static void take_line(struct perf_map *map, const char *line, size_t length)
{
	const char *end = line + length;
	uint64_t start, bytes;

	if (!take_number(&line, end, &start) || line == end || *line++ != ' ' || !take_number(&line, end, &bytes) ||
	    line == end || *line++ != ' ')
		return;
	if (bytes == 0 || bytes > UINT32_MAX || start + bytes < start)
		return;
	length = strnlen(line, end - line);
	if (length && line[length - 1] == '\r')
		length--;
	if (length > PERF_MAP_NAME_MAX)
		length = PERF_MAP_NAME_MAX;
	if (length == 0)
		return;
	if (!reserve(map, length + 1)) {
		map->cut = true;
		return;
	}
	map->entries[map->n_entries++] = (struct perf_map_entry){.start = start, .bytes = bytes, .name = map->names_bytes};
	memcpy(map->names + map->names_bytes, line, length);
	map->names[map->names_bytes + length] = '\0';
	map->names_bytes += length + 1;
	map->indexed = false;
}

/* The whole lines in a block; returns how many bytes they were. A line that fills the block is taken, and its end skipped. */
static size_t take_lines(struct perf_map *map, const char *block, size_t bytes, bool full)
{
	size_t at = 0;

	while (at < bytes && !map->cut) {
		const char *end = memchr(block + at, '\n', bytes - at);

		if (!end && !(full && at == 0))
			break;
		if (!map->skipping)
			take_line(map, block + at, end ? (size_t)(end - block) - at : bytes - at);
		map->skipping = !end;
		at = end ? (size_t)(end + 1 - block) : bytes;
	}
	return at;
}

int perf_map_read(struct perf_map *map)
{
	_cleanup_free_ char *block = NULL;
	int err;

	err = find_file(map);
	if (err)
		return err;
	block = malloc(BLOCK_BYTES);
	if (!block)
		return -ENOMEM;
	while (!map->cut) {
		ssize_t n = pread(map->fd, block, BLOCK_BYTES, map->consumed);
		size_t taken;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		taken = take_lines(map, block, n, n == BLOCK_BYTES);
		if (taken == 0)
			break;
		map->consumed += taken;
		map->read += n;
		if (map->read > PERF_MAP_READ_MAX)
			map->cut = true;
	}
	return 0;
}

const char *perf_map_find(struct perf_map *map, uint64_t address, uint64_t *offset)
{
	const struct perf_map_entry *entry;

	if (!map->indexed) {
		perf_map_index_free(&map->index);
		map->indexed = perf_map_index_make(&map->index, map->entries, map->n_entries) == 0;
	}
	entry = map->indexed ? perf_map_index_find(&map->index, map->entries, address) : NULL;
	if (!entry)
		return NULL;
	*offset = address - entry->start;
	return map->names + entry->name;
}

bool perf_map_cut(const struct perf_map *map)
{
	return map->cut;
}

void perf_map_close(struct perf_map *map)
{
	if (!map)
		return;
	if (map->root >= 0)
		close(map->root);
	if (map->fd >= 0)
		close(map->fd);
	free(map->entries);
	free(map->names);
	perf_map_index_free(&map->index);
	free(map);
}
